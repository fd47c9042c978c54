// SPDX-License-Identifier: GPL-2.0
/*
 * The backend reserve_mem: memory set aside at boot, found by its name.
 *
 * One region, kept while the module is loaded; machines take slices of it, and so
 * share it.
 *
 * Kernel counterpart: mm/memblock.c's reserve_mem_find_by_name(); a bitmap of frames
 * in use, as mm/cma.c has.
 *
 * Invariants, checked by mml_reserve_validate():
 *	bits set in used == nr_used
 *
 * Locking: mml_reserve_lock, a mutex, protects the bitmap and the count. Nothing is
 * taken under it.
 */
#include <linux/bitmap.h>
#include <linux/mutex.h>
#include <linux/sizes.h>

#include "mm_lab/alloc.h"
#include "mm_lab/backend.h"
#include "mm_lab/report.h"

/* Slices start at a multiple of this, if they are at least so large. */
#define MML_SLICE_ALIGN		(SZ_2M >> PAGE_SHIFT)

/*
 * Field locking: R mml_reserve_lock, C constant while the module is loaded.
 */
static struct mml_region {
	char		name[MML_NAME_LEN];	/* C: on the kernel's command line */
	unsigned long	base_pfn;		/* C */
	unsigned long	nr;			/* C: frames; 0: there is no such region */
	unsigned long	nr_used;		/* R: frames in slices */
	unsigned long	*used;			/* R: a bit a frame */
} mml_reserve;

static DEFINE_MUTEX(mml_reserve_lock);

/* For messages of other backends: how memory could be set aside. */
const char *mml_reserve_hint(void)
{
	return mml_reserve.name;
}

static int mml_reserve_cut(struct mml_slice *slice, unsigned long nr)
{
	struct mml_region *region = &mml_reserve;
	unsigned long align = min(roundup_pow_of_two(nr), MML_SLICE_ALIGN);
	unsigned long start;

	lockdep_assert_held(&mml_reserve_lock);

	start = bitmap_find_next_zero_area(region->used, region->nr, 0, nr, align - 1);
	if (start + nr > region->nr)
		return -ENOMEM;
	bitmap_set(region->used, start, nr);
	region->nr_used += nr;
	slice->base_pfn = region->base_pfn + start;
	return 0;
}

static int mml_reserve_take(struct mml_slice *slice, unsigned long nr)
{
	int err;

	if (!mml_reserve.nr)
		return -ENODEV;
	mutex_lock(&mml_reserve_lock);
	err = mml_reserve_cut(slice, nr);
	mutex_unlock(&mml_reserve_lock);
	strscpy(slice->region, mml_reserve.name);
	return err;
}

static void mml_reserve_give(struct mml_slice *slice)
{
	mutex_lock(&mml_reserve_lock);
	bitmap_clear(mml_reserve.used, slice->base_pfn - mml_reserve.base_pfn, slice->nr);
	mml_reserve.nr_used -= slice->nr;
	mutex_unlock(&mml_reserve_lock);
}

static void mml_reserve_refuse(unsigned long nr, bool failed)
{
	const struct mml_region *region = &mml_reserve;

	if (!region->nr)
		mml_refuse(failed, "asked for %lu KiB of reserve_mem, found no region \"%s\": boot with reserve_mem=SIZE:2M:%s, SIZE small enough for one free range",
			   mml_kib(nr), region->name, region->name);
	else
		mml_refuse(failed, "asked for %lu KiB of reserve_mem region \"%s\", found %lu of its %lu KiB in use and no gap so large: ask for less, destroy machines, or boot with a larger reserve_mem=",
			   mml_kib(nr), region->name,
		       mml_kib(READ_ONCE(region->nr_used)), mml_kib(region->nr));
}

const struct mml_backend_ops mml_reserve_backend = {
	.backend = MML_BACKEND_RESERVE_MEM,
	.automatic = true,
	.take = mml_reserve_take,
	.give = mml_reserve_give,
	.refuse = mml_reserve_refuse,
};

void mml_reserve_validate(struct mml_validation *v)
{
	struct mml_region *region = &mml_reserve;

	if (!region->nr)
		return;
	mutex_lock(&mml_reserve_lock);
	mml_check(v, bitmap_weight(region->used, region->nr) == region->nr_used,
		  "region %s: %lu frames in slices, %u bits in use", region->name,
		  region->nr_used, bitmap_weight(region->used, region->nr));
	mutex_unlock(&mml_reserve_lock);
}

/* Context: module init, before any machine. */
void mml_reserve_init(const char *name)
{
	struct mml_region *region = &mml_reserve;
	phys_addr_t start, size;

	strscpy(region->name, name);
	if (!reserve_mem_find_by_name(name, &start, &size))
		return;
	if (!IS_ALIGNED(start, SZ_2M)) {
		pr_err("reserve_mem region \"%s\" found, but not aligned at 2 MiB: boot with reserve_mem=SIZE:2M:%s; not using it\n",
		       name, name);
		return;
	}
	region->used = mml_bitmap_zalloc(size >> PAGE_SHIFT);
	if (!region->used) {
		pr_err("reserve_mem region \"%s\" found, but no memory to describe it; not using it\n",
		       name);
		return;
	}
	region->base_pfn = PHYS_PFN(start);
	region->nr = size >> PAGE_SHIFT;
}

void mml_reserve_exit(void)
{
	WARN_ON_ONCE(mml_reserve.nr_used);
	kvfree(mml_reserve.used);
}
