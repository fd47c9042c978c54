// SPDX-License-Identifier: GPL-2.0
/*
 * Bugs, committed on request: each must be seen by the debug kernel and come out of
 * qemu/vm as a failure, or its watchdogs are asleep (scripts/test-harness).
 *
 *	insmod controls.ko plant=use_after_free
 *
 * Loading succeeds whatever was planted; what the kernel says of it is in its log.
 * No part of the lab, and built for the debug kernel only.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *plant = "";
module_param(plant, charp, 0400);
MODULE_PARM_DESC(plant, "use_after_free, lock_inversion, atomic_sleep or leak");

static DEFINE_MUTEX(mml_control_a);
static DEFINE_MUTEX(mml_control_b);
static DEFINE_SPINLOCK(mml_control_lock);

static void mml_use_after_free(void)
{
	int *object = kmalloc(64, GFP_KERNEL);

	kfree(object);
	/* Hidden, for a compiler that sees it refuses to build it. */
	OPTIMIZER_HIDE_VAR(object);
	if (object)
		pr_info("freed, and still there: %d\n", READ_ONCE(*object));
}

/* Nobody deadlocks here, for nobody else takes them: the order alone is wrong. */
static void mml_lock_inversion(void)
{
	mutex_lock(&mml_control_a);
	mutex_lock(&mml_control_b);
	mutex_unlock(&mml_control_b);
	mutex_unlock(&mml_control_a);

	mutex_lock(&mml_control_b);
	mutex_lock(&mml_control_a);
	mutex_unlock(&mml_control_a);
	mutex_unlock(&mml_control_b);
}

/* May sleep, and does not: reported all the same, and no oops in the scheduler. */
static void mml_atomic_sleep(void)
{
	void *object;

	spin_lock(&mml_control_lock);
	object = kmalloc(64, GFP_KERNEL);
	spin_unlock(&mml_control_lock);
	kfree(object);
}

/* Several, for one might be found again by chance, in a word that looks like it. */
static void mml_leak(void)
{
	for (unsigned int i = 0; i < 8; i++) {
		void *object = kmalloc(200, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(object);
	}
}

static const struct {
	const char *name;
	void (*commit)(void);
} mml_controls[] = {
	{ "use_after_free", mml_use_after_free },
	{ "lock_inversion", mml_lock_inversion },
	{ "atomic_sleep", mml_atomic_sleep },
	{ "leak", mml_leak },
};

static int __init mml_controls_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mml_controls); i++) {
		if (strcmp(plant, mml_controls[i].name))
			continue;
		mml_controls[i].commit();
		return 0;
	}
	pr_err("there is nothing to plant called '%s'\n", plant);
	return -EINVAL;
}
module_init(mml_controls_init);

static void __exit mml_controls_exit(void)
{
}
module_exit(mml_controls_exit);

MODULE_DESCRIPTION("mm_lab: bugs that the debug kernel must see");
MODULE_LICENSE("GPL");
