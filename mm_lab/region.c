// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: the memory behind machines.
 *
 * A region is a contiguous run of real page frames that the running kernel does
 * not use. Two backends find one:
 *
 *   reserve_mem   the boot parameter reserve_mem=SIZE:2M:NAME; found by its name
 *		   once, kept while the module is loaded, shared by many machines
 *   contig	   alloc_contig_range() on a running kernel; a region of its own for
 *		   each machine, given back with it
 *
 * A machine takes a slice of a region; MML_BACKEND_AUTO tries the backends in that
 * order. Each refusal says what was asked, what was found and what to do.
 *
 * Kernel counterpart: none for the slices (a bitmap, as mm/cma.c has);
 * mm/memblock.c's reserve_mem_find_by_name(), mm/page_alloc.c's
 * alloc_contig_pages(), whose search for a range is repeated here because it is
 * not exported.
 *
 * Invariants, checked by mml_regions_validate():
 *	bits set in region->used == frames in its slices (region->nr_used)
 *	region->base_pfn is a multiple of 2 MiB
 *
 * Locking: mml_regions_lock, a mutex, protects the list of regions and each
 * region's bitmap and count. Nothing of the lab is taken under it.
 */
#include <linux/bitmap.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>

#include "mm_lab/alloc.h"
#include "mm_lab/compat.h"
#include "mm_lab/region.h"
#include "mm_lab/report.h"

/* Slices start at a multiple of this, if they are at least so large. */
#define MML_SLICE_ALIGN		(SZ_2M >> PAGE_SHIFT)

/*
 * Field locking: R mml_regions_lock, C constant.
 */
struct mml_region {
	struct list_head	node;		/* R */
	char			name[MML_NAME_LEN]; /* C */
	enum mml_backend	backend;	/* C */
	unsigned long		base_pfn;	/* C */
	unsigned long		nr;		/* C: frames */
	unsigned long		nr_used;	/* R: frames in slices */
	unsigned long		*used;		/* R: a bit a frame */
};

static DEFINE_MUTEX(mml_regions_lock);
static LIST_HEAD(mml_regions);

/* What reserve_mem= region the module was told to use, for the messages. */
static char mml_reserve_name[MML_NAME_LEN];

static const char * const mml_backend_names[] = {
	[MML_BACKEND_AUTO]		= "auto",
	[MML_BACKEND_RESERVE_MEM]	= "reserve_mem",
	[MML_BACKEND_CONTIG]		= "contig",
	[MML_BACKEND_PAGES]		= "pages",
};

const char *mml_backend_name(enum mml_backend backend)
{
	return mml_backend_names[backend];
}

/* Returns: 0, or -EINVAL when @name is no backend that can be asked for. */
int mml_backend_parse(const char *name, enum mml_backend *backend)
{
	int i = match_string(mml_backend_names, MML_BACKEND_PAGES, name);

	if (i < 0)
		return -EINVAL;
	*backend = i;
	return 0;
}

const char *mml_region_name(const struct mml_slice *slice)
{
	return slice->region ? slice->region->name : "";
}

static unsigned long mml_kib(unsigned long frames)
{
	return frames << (PAGE_SHIFT - 10);
}

static struct mml_region *mml_region_new(enum mml_backend backend,
					 const char *name, unsigned long base_pfn,
					 unsigned long nr)
{
	struct mml_region *region = mml_kzalloc(NULL, sizeof(*region), GFP_KERNEL);

	if (!region)
		return NULL;
	region->used = mml_bitmap_zalloc(nr);
	if (!region->used) {
		kfree(region);
		return NULL;
	}
	region->backend = backend;
	region->base_pfn = base_pfn;
	region->nr = nr;
	strscpy(region->name, name);
	return region;
}

static void mml_region_free(struct mml_region *region)
{
	if (!region)
		return;
	kvfree(region->used);
	kfree(region);
}

/* Cut a slice of @nr frames out of @region. */
static int mml_region_cut(struct mml_region *region, struct mml_slice *slice,
			  unsigned long nr)
{
	unsigned long align = min(roundup_pow_of_two(nr), MML_SLICE_ALIGN);
	unsigned long start;

	lockdep_assert_held(&mml_regions_lock);

	start = bitmap_find_next_zero_area(region->used, region->nr, 0, nr,
					   align - 1);
	if (start + nr > region->nr)
		return -ENOMEM;
	bitmap_set(region->used, start, nr);
	region->nr_used += nr;
	*slice = (struct mml_slice){
		.region = region,
		.backend = region->backend,
		.base_pfn = region->base_pfn + start,
		.nr = nr,
	};
	return 0;
}

static struct mml_region *mml_reserve_region(void)
{
	struct mml_region *region;

	lockdep_assert_held(&mml_regions_lock);

	list_for_each_entry(region, &mml_regions, node)
		if (region->backend == MML_BACKEND_RESERVE_MEM)
			return region;
	return NULL;
}

static int mml_reserve_take(struct mml_slice *slice, unsigned long nr)
{
	struct mml_region *region = mml_reserve_region();

	return region ? mml_region_cut(region, slice, nr) : -ENODEV;
}

static void mml_reserve_explain(unsigned long nr)
{
	struct mml_region *region = mml_reserve_region();

	if (!region)
		pr_err("asked for %lu KiB of reserve_mem, found no region \"%s\": boot with reserve_mem=SIZE:2M:%s, SIZE small enough for one free range\n",
		       mml_kib(nr), mml_reserve_name, mml_reserve_name);
	else
		pr_err("asked for %lu KiB of reserve_mem region \"%s\", found %lu of its %lu KiB in use and no gap so large: ask for less, destroy machines, or boot with a larger reserve_mem=\n",
		       mml_kib(nr), region->name, mml_kib(region->nr_used),
		       mml_kib(region->nr));
}

/* The first of these page frames with which alloc_contig_range() cannot succeed. */
static unsigned long mml_contig_obstacle(struct zone *zone, unsigned long start,
					 unsigned long end)
{
	unsigned long pfn;

	for (pfn = start; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || page_zone(page) != zone || PageReserved(page) ||
		    PageHuge(page))
			break;
	}
	return pfn;
}

/* Take @nr page frames of @zone. Returns: the first, or 0 if there is no range. */
static unsigned long mml_contig_zone(struct zone *zone, unsigned long nr)
{
	unsigned long end = zone_end_pfn(zone), obstacle;
	unsigned long pfn = ALIGN(zone->zone_start_pfn, pageblock_nr_pages);

	while (pfn + nr <= end && !fatal_signal_pending(current)) {
		obstacle = mml_contig_obstacle(zone, pfn, pfn + nr);
		if (obstacle == pfn + nr && !mml_contig_take(pfn, pfn + nr))
			return pfn;
		/* What is used now may be free a block later; what cannot be, is not. */
		pfn = obstacle == pfn + nr ? pfn + pageblock_nr_pages :
					     ALIGN(obstacle + 1, pageblock_nr_pages);
		cond_resched();
	}
	return 0;
}

static unsigned long mml_contig_find(unsigned long nr)
{
	unsigned long pfn;
	int nid, zid;

	for_each_online_node(nid) {
		for (zid = MAX_NR_ZONES - 1; zid >= 0; zid--) {
			struct zone *zone = &NODE_DATA(nid)->node_zones[zid];

			pfn = populated_zone(zone) ? mml_contig_zone(zone, nr) : 0;
			if (pfn)
				return pfn;
		}
	}
	return 0;
}

static int mml_contig_slice(struct mml_slice *slice, unsigned long nr)
{
	struct mml_region *region;
	unsigned long pfn;

	lockdep_assert_held(&mml_regions_lock);

	if (!MML_HAVE_CONTIG)
		return -EOPNOTSUPP;
	pfn = mml_contig_find(nr);
	if (!pfn)
		return -ENOMEM;
	region = mml_region_new(MML_BACKEND_CONTIG, "contig", pfn, nr);
	if (!region) {
		mml_contig_give(pfn, nr);
		return -ENOMEM;
	}
	list_add_tail(&region->node, &mml_regions);
	return mml_region_cut(region, slice, nr);
}

static void mml_contig_explain(unsigned long nr)
{
	if (MML_HAVE_CONTIG)
		pr_err("asked for %lu KiB of contig, found no range of free or movable page frames so large (free: %lu KiB): ask for less, free memory, or boot with reserve_mem=SIZE:2M:%s\n",
		       mml_kib(nr), mml_kib(global_zone_page_state(NR_FREE_PAGES)),
		       mml_reserve_name);
	else
		pr_err("asked for %lu KiB of contig, which this kernel does not have (CONFIG_CONTIG_ALLOC): boot with reserve_mem=SIZE:2M:%s\n",
		       mml_kib(nr), mml_reserve_name);
}

/**
 * mml_slice_take - find memory for a machine
 * @slice: out: what was found
 * @backend: where to look
 * @nr: frames
 *
 * Context: process, may sleep, may take a second (contig migrates pages).
 * Return: 0; -ENOMEM, and the kernel log says why.
 */
int mml_slice_take(struct mml_slice *slice, enum mml_backend backend,
		   unsigned long nr)
{
	bool reserve = backend != MML_BACKEND_CONTIG;
	bool contig = backend != MML_BACKEND_RESERVE_MEM;
	int err = -ENOMEM;

	mutex_lock(&mml_regions_lock);
	if (reserve)
		err = mml_reserve_take(slice, nr);
	if (err && contig)
		err = mml_contig_slice(slice, nr);
	if (err && reserve)
		mml_reserve_explain(nr);
	if (err && contig)
		mml_contig_explain(nr);
	mutex_unlock(&mml_regions_lock);
	return err ? -ENOMEM : 0;
}

/**
 * mml_slice_give - give a slice back to its region
 * @slice: from mml_slice_take(), or pages that a test brought along
 *
 * Context: process, may sleep.
 */
void mml_slice_give(struct mml_slice *slice)
{
	struct mml_region *region = slice->region;

	if (!region)
		return;
	mutex_lock(&mml_regions_lock);
	bitmap_clear(region->used, slice->base_pfn - region->base_pfn, slice->nr);
	region->nr_used -= slice->nr;
	if (region->backend == MML_BACKEND_CONTIG) {
		mml_contig_give(region->base_pfn, region->nr);
		list_del(&region->node);
		mml_region_free(region);
	}
	mutex_unlock(&mml_regions_lock);
	slice->region = NULL;
}

/**
 * mml_regions_validate - check the regions' invariants
 * @v: counts
 *
 * Context: process, may sleep.
 */
void mml_regions_validate(struct mml_validation *v)
{
	struct mml_region *region;

	mutex_lock(&mml_regions_lock);
	list_for_each_entry(region, &mml_regions, node) {
		mml_check(v, bitmap_weight(region->used, region->nr) == region->nr_used,
			  "region %s: %lu frames in slices, %u bits in use",
			  region->name, region->nr_used,
			  bitmap_weight(region->used, region->nr));
		mml_check(v, IS_ALIGNED(region->base_pfn, MML_SLICE_ALIGN),
			  "region %s does not start at a multiple of 2 MiB",
			  region->name);
	}
	mutex_unlock(&mml_regions_lock);
}

/**
 * mml_regions_init - look for the boot-time reservation
 * @name: its name on the kernel's command line
 *
 * Not finding one is no error here: mml_slice_take() says so to who asks for it.
 *
 * Context: module init.
 */
void mml_regions_init(const char *name)
{
	struct mml_region *region;
	phys_addr_t start, size;

	strscpy(mml_reserve_name, name);
	if (!reserve_mem_find_by_name(name, &start, &size))
		return;
	if (!IS_ALIGNED(start, SZ_2M)) {
		pr_err("reserve_mem region \"%s\" found, but not aligned at 2 MiB: boot with reserve_mem=SIZE:2M:%s; not using it\n",
		       name, name);
		return;
	}
	region = mml_region_new(MML_BACKEND_RESERVE_MEM, name, PHYS_PFN(start),
				size >> PAGE_SHIFT);
	if (!region) {
		pr_err("reserve_mem region \"%s\" found, but no memory to describe it; not using it\n",
		       name);
		return;
	}
	mutex_lock(&mml_regions_lock);
	list_add(&region->node, &mml_regions);
	mutex_unlock(&mml_regions_lock);
}

/* All machines are gone, and with them every region but the reservation. */
void mml_regions_exit(void)
{
	struct mml_region *region, *next;

	list_for_each_entry_safe(region, next, &mml_regions, node) {
		WARN_ON_ONCE(region->nr_used);
		list_del(&region->node);
		mml_region_free(region);
	}
}
