// SPDX-License-Identifier: GPL-2.0
/*
 * The backend contig: a contiguous range taken from the running kernel, for one
 * machine, and given back with it.
 *
 * Kernel counterpart: mm/page_alloc.c's alloc_contig_pages(), whose search for a range
 * is repeated here because it is not exported.
 *
 * Locking: none.
 */
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>

#include "mm_lab/backend.h"
#include "mm_lab/compat.h"

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
		if (obstacle == pfn + nr && !mml_contig_alloc(pfn, pfn + nr))
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

static int mml_contig_take(struct mml_slice *slice, unsigned long nr)
{
	if (!MML_HAVE_CONTIG)
		return -EOPNOTSUPP;
	slice->base_pfn = mml_contig_find(nr);
	return slice->base_pfn ? 0 : -ENOMEM;
}

static void mml_contig_give(struct mml_slice *slice)
{
	mml_contig_free(slice->base_pfn, slice->nr);
}

static void mml_contig_refuse(unsigned long nr, bool failed)
{
	if (MML_HAVE_CONTIG)
		mml_refuse(failed, "asked for %lu KiB of contig, found no range of free or movable page frames so large (free: %lu KiB): ask for less, free memory, or boot with reserve_mem=SIZE:2M:%s",
			   mml_kib(nr),
		       mml_kib(global_zone_page_state(NR_FREE_PAGES)),
		       mml_reserve_hint());
	else
		mml_refuse(failed, "asked for %lu KiB of contig, which this kernel does not have (CONFIG_CONTIG_ALLOC): boot with reserve_mem=SIZE:2M:%s",
			   mml_kib(nr), mml_reserve_hint());
}

const struct mml_backend_ops mml_contig_backend = {
	.backend = MML_BACKEND_CONTIG,
	.automatic = true,
	.take = mml_contig_take,
	.give = mml_contig_give,
	.refuse = mml_contig_refuse,
};
