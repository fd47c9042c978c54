// SPDX-License-Identifier: GPL-2.0
/*
 * Watermarks: how many frames a zone keeps back, and from whom.
 *
 *	frames free
 *	  │ high    the background reclaimer goes to sleep
 *	  │ low     requests go on here without further ado; below, it is woken
 *	  │ min     below, who may sleep has to reclaim for himself
 *	  │ min/2   __GFP_HIGH gets down to here, who cannot wait besides to 3/8,
 *	  │         a process that is dying to half of its share
 *	  0         __GFP_MEMALLOC gets all
 *
 * On top of each come what the zone keeps of requests that could have had a higher one
 * (lowmem_reserve), and for a while a boost, after pageblocks were mixed: then more is to
 * be reclaimed, so that whole pageblocks come free again.
 *
 * A zone's mark is looked at where its lock would be taken. What CPUs keep is not counted as
 * free; what this one keeps, of the zone that comes first or of one that keeps nothing of
 * such requests, is given without a look.
 *
 * Kernel counterpart: mm/page_alloc.c: __zone_watermark_ok(), zone_watermark_fast(),
 * boost_watermark(), setup_per_zone_wmarks(), setup_per_zone_lowmem_reserve(),
 * calculate_min_free_kbytes(). Same arithmetic. Differences: see above; a machine of less
 * than 1 MiB keeps an eighth at most, where the kernel's least is 128 KiB; a boost needs a
 * background reclaimer, for nobody else would ever take it back; a machine can be made
 * without watermarks.
 *
 * Locking: marks are written under buddy->sysctl_lock and the zone's lock, and read
 * anywhere, as is the number of free frames.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/swap.h>

#include "buddy_probe/internal.h"

#include "trace.h"

/* Tunables, as the kernel begins with them. */
#define MML_WATERMARK_SCALE_FACTOR	10
#define MML_WATERMARK_BOOST_FACTOR	15000

static const unsigned int mml_lowmem_reserve_ratio[MML_MAX_NR_ZONES] = {
	[MML_ZONE_DMA]		= 256,
	[MML_ZONE_DMA32]	= 256,
	[MML_ZONE_NORMAL]	= 32,
	[MML_ZONE_MOVABLE]	= 0,
};

/* Bounds of what a machine keeps, in KiB; and the part of it that is not exceeded. */
#define MML_MIN_FREE_KBYTES	128U
#define MML_MAX_FREE_KBYTES	262144U
#define MML_MIN_FREE_FRACTION	8

/*
 * Looking at them.
 */

/* How much of the min watermark is in the way of such a request? */
static long mml_min_reserve(long min, unsigned int alloc_flags)
{
	if (alloc_flags & MML_ALLOC_MIN_RESERVE) {
		min -= min / 2;
		if (alloc_flags & MML_ALLOC_NON_BLOCK)
			min -= min / 4;
	}
	if (alloc_flags & MML_ALLOC_OOM)
		min -= min / 2;
	return min;
}

/* Has the zone a block of @order, or a larger one, on any list that may be looked at? */
bool mml_has_suitable_block(const struct mml_zone *zone, unsigned int order,
			    unsigned int alloc_flags)
{
	bool highatomic = alloc_flags & (MML_ALLOC_HIGHATOMIC | MML_ALLOC_OOM);
	int migratetype;

	for (; order < MML_NR_ORDERS; order++) {
		const struct mml_frame_list *lists = zone->free_area[order].free_list;

		for (migratetype = 0; migratetype < MML_MIGRATE_PCPTYPES; migratetype++)
			if (!mml_frame_list_empty(&lists[migratetype]))
				return true;
		if (highatomic && !mml_frame_list_empty(&lists[MML_MIGRATE_HIGHATOMIC]))
			return true;
		if (alloc_flags & MML_ALLOC_CMA &&
		    !mml_frame_list_empty(&lists[MML_MIGRATE_CMA]))
			return true;
	}
	return false;
}

/*
 * How many frames must be free in a zone, that a block of @order may be taken and @mark is
 * still met?
 */
long mml_needed_pages(const struct mml_zone *zone, unsigned int order, unsigned long mark,
		      enum mml_zone_type highest_zoneidx, unsigned int alloc_flags)
{
	long needed = mark;

	if (alloc_flags & MML_ALLOC_RESERVES)
		needed = mml_min_reserve(needed, alloc_flags);
	else
		needed += mml_nr_free_special(zone, MML_MIGRATE_HIGHATOMIC);
	if (!(alloc_flags & MML_ALLOC_CMA))
		needed += mml_nr_free_special(zone, MML_MIGRATE_CMA);
	needed += mml_nr_free_special(zone, MML_MIGRATE_ISOLATE);
	return needed + READ_ONCE(zone->lowmem_reserve[highest_zoneidx]) + (1L << order);
}

/*
 * May a block of @order be taken, so that @mark is still met? With @free_pages frames free,
 * and in blocks as they are now.
 */
bool __mml_zone_watermark_ok(const struct mml_zone *zone, unsigned int order,
			     unsigned long mark, enum mml_zone_type highest_zoneidx,
			     unsigned int alloc_flags, long free_pages)
{
	return free_pages >= mml_needed_pages(zone, order, mark, highest_zoneidx,
					      alloc_flags) &&
	       (!order || mml_has_suitable_block(zone, order, alloc_flags));
}
EXPORT_SYMBOL_IF_KUNIT(__mml_zone_watermark_ok);

/* Has the zone a block for such a request? */
bool mml_zone_allowed(const struct mml_zone *zone, const struct mml_alloc_context *ac,
		      unsigned int alloc_flags)
{
	unsigned int mark = alloc_flags & MML_ALLOC_WMARK_MASK;
	long free_pages = READ_ONCE(zone->nr_free);

	if (alloc_flags & MML_ALLOC_NO_WATERMARKS)
		return true;
	if (likely(__mml_zone_watermark_ok(zone, ac->order, mml_wmark_pages(zone, mark),
					   ac->highest_zoneidx, alloc_flags, free_pages)))
		return true;
	/* A boost is there to wake the reclaimer, not to make who cannot wait fail. */
	if (!ac->order && alloc_flags & MML_ALLOC_MIN_RESERVE && mark == MML_WMARK_MIN &&
	    READ_ONCE(zone->watermark_boost) &&
	    __mml_zone_watermark_ok(zone, 0, READ_ONCE(zone->watermark[MML_WMARK_MIN]),
				    ac->highest_zoneidx, alloc_flags, free_pages))
		return true;
	if (trace_mml_alloc_decision_enabled() &&
	    free_pages < mml_needed_pages(zone, ac->order, mml_wmark_pages(zone, mark),
					  ac->highest_zoneidx, alloc_flags))
		trace_mml_alloc_decision(ac->machine, ac->order, MML_TRY_WATERMARK,
					 mml_zone_id(zone), NULL, free_pages);
	return false;
}

/* Has the zone @nr single frames to spare? */
bool mml_zone_has_bulk(const struct mml_zone *zone, const struct mml_alloc_context *ac,
		       unsigned int alloc_flags, unsigned long nr)
{
	unsigned long mark = mml_wmark_pages(zone, alloc_flags & MML_ALLOC_WMARK_MASK);

	return __mml_zone_watermark_ok(zone, 0, mark + nr, ac->highest_zoneidx,
				       alloc_flags, READ_ONCE(zone->nr_free));
}

/*
 * Boosting.
 */

/* A pageblock of the zone gets mixed: let some be reclaimed. */
void mml_boost_watermark(struct mml_zone *zone, unsigned int alloc_flags)
{
	unsigned long max_boost;

	lockdep_assert_held(&zone->lock);

	/* It could not be taken back; on a small zone it would be all that there is. */
	if (!mml_has_kswapd(zone) || 4 * MML_PAGEBLOCK_FRAMES > zone->managed)
		return;
	max_boost = mult_frac(zone->watermark[MML_WMARK_HIGH],
			      (unsigned long)READ_ONCE(zone->buddy->watermark_boost_factor),
			      10000UL);
	if (!max_boost)
		return;
	max_boost = max(max_boost, MML_PAGEBLOCK_FRAMES);
	WRITE_ONCE(zone->watermark_boost,
		   min(zone->watermark_boost + MML_PAGEBLOCK_FRAMES, max_boost));
	if (alloc_flags & MML_ALLOC_KSWAPD)
		set_bit(0, &zone->boosted);
}

/* Nobody would take boosts back any more. */
void mml_clear_boosts(struct mml_buddy *buddy)
{
	struct mml_zone *zone;
	unsigned long flags;
	int i;

	mml_for_each_populated_zone(buddy, zone, i) {
		spin_lock_irqsave(&zone->lock, flags);
		WRITE_ONCE(zone->watermark_boost, 0);
		clear_bit(0, &zone->boosted);
		spin_unlock_irqrestore(&zone->lock, flags);
	}
}

/**
 * mml_zone_balanced - a background reclaimer has done what a boost was for
 * @machine: on this machine
 * @nid: in this node
 * @zid: the zone of this type
 * @frames: so many of the boost are no longer needed
 *
 * Context: any but NMI.
 */
void mml_zone_balanced(struct mml_machine *machine, int nid, int zid, unsigned long frames)
{
	struct mml_zone *zone = &mml_buddy(machine)->node[nid]->node_zones[zid];
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	WRITE_ONCE(zone->watermark_boost,
		   zone->watermark_boost - min(frames, zone->watermark_boost));
	spin_unlock_irqrestore(&zone->lock, flags);
}
EXPORT_SYMBOL_NS_GPL(mml_zone_balanced, MM_LAB);

/*
 * Setting them.
 */

/* Frames of all zones but MOVABLE. */
static unsigned long mml_lowmem_pages(const struct mml_buddy *buddy)
{
	unsigned long frames = 0;
	struct mml_zone *zone;
	int i;

	mml_for_each_populated_zone(buddy, zone, i)
		if (zone->zid != MML_ZONE_MOVABLE)
			frames += zone->managed;
	return frames;
}

static void mml_setup_zone_wmarks(struct mml_zone *zone, unsigned long pages_min,
				  unsigned long lowmem_pages)
{
	u64 share = div64_ul((u64)pages_min * zone->managed, lowmem_pages), step;
	unsigned long flags, min = share;

	/* What only movable requests can have need not be kept for others. */
	if (zone->zid == MML_ZONE_MOVABLE)
		min = clamp(zone->managed / 1024, SWAP_CLUSTER_MAX, 128UL);
	step = max_t(u64, share >> 2,
		     mult_frac((u64)zone->managed, zone->buddy->watermark_scale_factor,
			       10000));
	if (zone->machine->options & BIT(MML_OPTION_NO_WATERMARKS))
		min = step = 0;
	spin_lock_irqsave(&zone->lock, flags);
	WRITE_ONCE(zone->watermark_boost, 0);
	WRITE_ONCE(zone->watermark[MML_WMARK_MIN], min);
	WRITE_ONCE(zone->watermark[MML_WMARK_LOW], min + step);
	WRITE_ONCE(zone->watermark[MML_WMARK_HIGH], min + 2 * step);
	WRITE_ONCE(zone->watermark[MML_WMARK_PROMO], min + 3 * step);
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* From min_free_kbytes and watermark_scale_factor. */
void mml_setup_per_zone_wmarks(struct mml_buddy *buddy)
{
	unsigned long lowmem_pages = mml_lowmem_pages(buddy);
	struct mml_zone *zone;
	int i;

	lockdep_assert_held(&buddy->sysctl_lock);

	mml_for_each_populated_zone(buddy, zone, i)
		mml_setup_zone_wmarks(zone, buddy->min_free_kbytes >> (PAGE_SHIFT - 10),
				      max(lowmem_pages, 1UL));
}
EXPORT_SYMBOL_IF_KUNIT(mml_setup_per_zone_wmarks);

static void mml_setup_node_lowmem_reserve(struct mml_buddy *buddy,
					  struct mml_pglist_data *pgdat)
{
	bool none = buddy->machine->options & BIT(MML_OPTION_NO_WATERMARKS);
	int zid, upper;

	for (zid = 0; zid < MML_MAX_NR_ZONES - 1; zid++) {
		struct mml_zone *zone = &pgdat->node_zones[zid];
		unsigned int ratio = buddy->lowmem_reserve_ratio[zid];
		unsigned long above = 0, flags;

		if (none || !zone->managed)
			ratio = 0;
		spin_lock_irqsave(&zone->lock, flags);
		for (upper = zid + 1; upper < MML_MAX_NR_ZONES; upper++) {
			above += pgdat->node_zones[upper].managed;
			WRITE_ONCE(zone->lowmem_reserve[upper],
				   ratio ? above / ratio : 0);
		}
		spin_unlock_irqrestore(&zone->lock, flags);
	}
}

/* From lowmem_reserve_ratio. */
void mml_setup_per_zone_lowmem_reserve(struct mml_buddy *buddy)
{
	int nid;

	lockdep_assert_held(&buddy->sysctl_lock);

	for (nid = 0; nid < buddy->nr_nodes; nid++)
		mml_setup_node_lowmem_reserve(buddy, buddy->node[nid]);
}
EXPORT_SYMBOL_IF_KUNIT(mml_setup_per_zone_lowmem_reserve);

/* What a machine of that size keeps: 4 * sqrt(KiB), so less of more. */
static unsigned int mml_calculate_min_free_kbytes(const struct mml_buddy *buddy)
{
	unsigned long kbytes = mml_lowmem_pages(buddy) << (PAGE_SHIFT - 10);
	unsigned long keep = int_sqrt(kbytes * 16);

	keep = clamp_t(unsigned long, keep, MML_MIN_FREE_KBYTES, MML_MAX_FREE_KBYTES);
	return min(keep, kbytes / MML_MIN_FREE_FRACTION);
}

/* The machine has another size: unless somebody decided on it, so has what it keeps. */
void mml_update_min_free_kbytes(struct mml_buddy *buddy)
{
	lockdep_assert_held(&buddy->sysctl_lock);

	if (!buddy->user_min_free_kbytes)
		buddy->min_free_kbytes = mml_calculate_min_free_kbytes(buddy);
}

void mml_watermarks_init(struct mml_buddy *buddy)
{
	mutex_init(&buddy->sysctl_lock);
	mutex_lock(&buddy->sysctl_lock);
	buddy->watermark_scale_factor = MML_WATERMARK_SCALE_FACTOR;
	buddy->watermark_boost_factor = MML_WATERMARK_BOOST_FACTOR;
	memcpy(buddy->lowmem_reserve_ratio, mml_lowmem_reserve_ratio,
	       sizeof(mml_lowmem_reserve_ratio));
	mml_update_min_free_kbytes(buddy);
	mml_setup_per_zone_wmarks(buddy);
	mml_setup_per_zone_lowmem_reserve(buddy);
	mutex_unlock(&buddy->sysctl_lock);
}
