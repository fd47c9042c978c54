// SPDX-License-Identifier: GPL-2.0
/*
 * Planted misuse of objects: what the lab says of a user's error, without a user who makes it.
 *
 * Root writes one of these to debugfs mm_lab/<machine>/plant_object_misuse:
 *
 *	overflow		a byte is written behind an object, which is freed then
 *	underflow		before it
 *	write_after_free	a byte of an object that is free
 *	double_free		an object is freed twice
 *	invalid_free		an address within an object is freed
 *	wrong_cache		an object is freed to another cache
 *	leak			a cache is destroyed, and an object of it forgotten
 *
 * The errors are real. They are made with an object of a cache made for it, that is debugged
 * and goes afterwards; another object keeps their slab from going before. So nobody else's
 * memory is hit.
 *
 * Kernel counterpart: drivers/misc/lkdtm/heap.c, lib/slub_kunit.c.
 *
 * Locking: none.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/string.h>

#include "mm_lab/debugfs.h"
#include "slub_probe/debug.h"

#define MML_PLANT_SIZE	64

static void mml_plant_overflow(struct mml_kmem_cache *s, u8 *object)
{
	object[MML_PLANT_SIZE] = 'A';
	mml_kmem_cache_free(s, object);
}

static void mml_plant_underflow(struct mml_kmem_cache *s, u8 *object)
{
	object[-1] = 'A';
	mml_kmem_cache_free(s, object);
}

static void mml_plant_write_after_free(struct mml_kmem_cache *s, u8 *object)
{
	mml_kmem_cache_free(s, object);
	object[MML_PLANT_SIZE / 2] ^= 1;
	/* It is found when somebody is to have the object. */
	mml_kmem_cache_free(s, mml_kmem_cache_alloc(s, GFP_KERNEL));
}

static void mml_plant_double_free(struct mml_kmem_cache *s, u8 *object)
{
	mml_kmem_cache_free(s, object);
	mml_kmem_cache_free(s, object);
}

static void mml_plant_invalid_free(struct mml_kmem_cache *s, u8 *object)
{
	mml_kmem_cache_free(s, object + 8);
	mml_kmem_cache_free(s, object);
}

static void mml_plant_wrong_cache(struct mml_kmem_cache *s, u8 *object)
{
	struct mml_kmem_cache *other = mml_kmalloc_cache(s->machine, MML_PLANT_SIZE);

	mml_kmem_cache_free(other, object);
	mml_kmem_cache_free(s, object);
}

static void mml_plant_leak(struct mml_kmem_cache *s, u8 *object)
{
	mml_kmem_cache_destroy(s);
	mml_kmem_cache_free(s, object);
}

static const struct {
	const char *what;
	void (*misuse)(struct mml_kmem_cache *s, u8 *object);
} mml_object_misuses[] = {
	{ "overflow", mml_plant_overflow },
	{ "underflow", mml_plant_underflow },
	{ "write_after_free", mml_plant_write_after_free },
	{ "double_free", mml_plant_double_free },
	{ "invalid_free", mml_plant_invalid_free },
	{ "wrong_cache", mml_plant_wrong_cache },
	{ "leak", mml_plant_leak },
};

/* Returns: 0 or an errno; then nothing was done. */
static int mml_plant_misuse(struct mml_machine *machine, const char *what)
{
	struct mml_kmem_cache *s;
	void *objects[2];
	int err, i;

	for (i = 0; strcmp(mml_object_misuses[i].what, what); i++)
		if (i == ARRAY_SIZE(mml_object_misuses) - 1)
			return -EINVAL;
	s = mml_kmem_cache_create(machine, "planted", MML_PLANT_SIZE, NULL,
				  SLAB_CONSISTENCY_CHECKS | MML_SLAB_METADATA_FLAGS);
	if (IS_ERR(s))
		return PTR_ERR(s);
	err = -ENOMEM;
	if (mml_kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_ZERO, 2, objects)) {
		err = -EAGAIN;
		if (mml_cache_slab(s, objects[0]) == mml_cache_slab(s, objects[1])) {
			mml_object_misuses[i].misuse(s, objects[1]);
			objects[1] = NULL;
			err = 0;
		}
		mml_kmem_cache_free(s, objects[1]);
		mml_kmem_cache_free(s, objects[0]);
	}
	mml_kmem_cache_destroy(s);
	return err;
}

static ssize_t mml_plant_object_write(struct file *file, const char __user *buf, size_t len,
				      loff_t *pos)
{
	char what[24];
	int err = mml_word_from_user(what, sizeof(what), buf, len) ?:
		  mml_plant_misuse(file->private_data, what);

	return err ?: len;
}

const struct file_operations mml_plant_object_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = mml_plant_object_write,
};
