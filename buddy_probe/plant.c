// SPDX-License-Identifier: GPL-2.0
/*
 * Planted misuse: what the lab says of a user's error, without a user who makes it.
 *
 * Root writes one of these to debugfs mm_lab/<machine>/plant_misuse:
 *
 *	leak			a frame is allocated and forgotten
 *	double_free		a frame is freed twice
 *	write_after_free	a bit of a frame is flipped that has been freed
 *
 * The error is real; it is made where it cannot hit anybody else's frame: with
 * interrupts off, so that the frame stays with this CPU, which keeps it. On a machine
 * without per-CPU lists, where anybody could have it at once, it is not made; nor is
 * anything written where nothing is poisoned, and it would come to light as a damage.
 *
 * Kernel counterpart: drivers/misc/lkdtm/.
 *
 * Locking: none; interrupts are off between the free and what must not follow it.
 */
#include <linux/debugfs.h>
#include <linux/irqflags.h>
#include <linux/string.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"
#include "mm_lab/debugfs.h"

static void mml_plant_free_again(struct mml_machine *machine, struct mml_page *page)
{
	__mml_free_pages(machine, page, 0);
}

static void mml_plant_write(struct mml_machine *machine, struct mml_page *page)
{
	*(u8 *)mml_page_address(machine, page) ^= 1;
}

/* Free @page and misuse it. Returns: 0; -EOPNOTSUPP if this CPU does not keep it. */
static int mml_plant_after_free(struct mml_machine *machine, struct mml_page *page,
				void (*misuse)(struct mml_machine *machine,
					       struct mml_page *page))
{
	int err = -EOPNOTSUPP;
	unsigned long flags;

	local_irq_save(flags);
	__mml_free_pages(machine, page, 0);
	if (page->state == MML_FRAME_PCP) {
		misuse(machine, page);
		err = 0;
	}
	local_irq_restore(flags);
	return err;
}

static int mml_plant(struct mml_machine *machine, const char *what)
{
	void (*misuse)(struct mml_machine *machine, struct mml_page *page) = NULL;
	struct mml_page *page;

	if (!strcmp(what, "double_free"))
		misuse = mml_plant_free_again;
	else if (!strcmp(what, "write_after_free"))
		misuse = mml_plant_write;
	else if (strcmp(what, "leak"))
		return -EINVAL;
	if (misuse == mml_plant_write && !mml_page_poisoning(machine))
		return -EOPNOTSUPP;
	page = mml_alloc_pages(machine, GFP_KERNEL, 0);
	if (!page)
		return -ENOMEM;
	return misuse ? mml_plant_after_free(machine, page, misuse) : 0;
}

static ssize_t mml_plant_misuse_write(struct file *file, const char __user *buf,
				      size_t len, loff_t *pos)
{
	char what[24];
	int err = mml_word_from_user(what, sizeof(what), buf, len) ?:
		  mml_plant(file->private_data, what);

	return err ?: len;
}

const struct file_operations mml_plant_misuse_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = mml_plant_misuse_write,
};
