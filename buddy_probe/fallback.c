// SPDX-License-Identifier: GPL-2.0
/*
 * Migratetypes: where a block comes from when there is none of the mobility asked for.
 *
 * A pageblock has a migratetype, and its free frames are on the lists of that type: so
 * what can be moved or reclaimed does not lie scattered among what cannot, and large
 * blocks can be had again. When a type has no block left:
 *	1. claim: from the largest free block of another type downwards, make its whole
 *	   pageblock one's own, if that is free or compatible by half;
 *	2. steal: take the smallest block that will do, and leave its pageblock what it
 *	   is. Now it is mixed.
 *
 * Kernel counterpart: mm/page_alloc.c: fallbacks[], __rmqueue(), __rmqueue_claim(),
 * try_to_steal_block() and __rmqueue_steal(). Which blocks are movable is known from
 * the request (mml_page.mobility), where the kernel looks for LRU pages. Not yet here:
 * CMA.
 *
 * Locking: zone->lock is held.
 */
#include <kunit/visibility.h>

#include "buddy_probe/internal.h"

#include "trace.h"

/* Other types, in the order in which they are looked at. */
static const u8 mml_fallbacks[MML_MIGRATE_PCPTYPES][MML_MIGRATE_PCPTYPES - 1] = {
	[MML_MIGRATE_UNMOVABLE]	  = { MML_MIGRATE_RECLAIMABLE, MML_MIGRATE_MOVABLE },
	[MML_MIGRATE_MOVABLE]	  = { MML_MIGRATE_RECLAIMABLE, MML_MIGRATE_UNMOVABLE },
	[MML_MIGRATE_RECLAIMABLE] = { MML_MIGRATE_UNMOVABLE, MML_MIGRATE_MOVABLE },
};

/*
 * Is a free block of @order worth its whole pageblock to a request of @start_mt? What
 * cannot be moved always tries, for it does more harm scattered.
 */
bool mml_should_try_claim_block(unsigned int order, enum mml_migratetype start_mt)
{
	return order >= MML_PAGEBLOCK_ORDER / 2 || start_mt != MML_MIGRATE_MOVABLE;
}
EXPORT_SYMBOL_IF_KUNIT(mml_should_try_claim_block);

/* The first other migratetype that has a free block of @order; -1: none. */
int mml_find_suitable_fallback(const struct mml_zone *zone, unsigned int order,
			       enum mml_migratetype migratetype)
{
	const struct mml_frame_list *lists = zone->free_area[order].free_list;
	int i;

	for (i = 0; i < MML_MIGRATE_PCPTYPES - 1; i++) {
		int fallback_mt = mml_fallbacks[migratetype][i];

		if (!mml_frame_list_empty(&lists[fallback_mt]))
			return fallback_mt;
	}
	return -1;
}
EXPORT_SYMBOL_IF_KUNIT(mml_find_suitable_fallback);

/* What a pageblock consists of, in frames. */
struct mml_pageblock_use {
	unsigned long free;
	unsigned long movable;
};

/* Returns: false if the pageblock at @start is not wholly there. */
static bool mml_pageblock_use(const struct mml_zone *zone, u32 start,
			      struct mml_pageblock_use *use)
{
	const struct mml_page *page = &zone->machine->memmap[start];
	const struct mml_page *end = page + MML_PAGEBLOCK_FRAMES;
	unsigned int order;

	*use = (struct mml_pageblock_use){};
	if (!mml_pfn_present(zone->machine, start) ||
	    !mml_pfn_present(zone->machine, start + MML_PAGEBLOCK_FRAMES - 1))
		return false;
	for (; page < end; page += 1UL << order) {
		u8 state = READ_ONCE(page->state);

		order = state == MML_FRAME_INTERIOR ? 0 : mml_block_order(page);
		if (state == MML_FRAME_FREE)
			use->free += 1UL << order;
		else if (state == MML_FRAME_ALLOCATED &&
			 READ_ONCE(page->mobility) == MML_MIGRATE_MOVABLE)
			use->movable += 1UL << order;
	}
	return true;
}

/* How much of a pageblock of @block_type suits requests of @start_type already? */
static unsigned long mml_alike_pages(const struct mml_pageblock_use *use,
				     enum mml_migratetype block_type,
				     enum mml_migratetype start_type)
{
	if (start_type == MML_MIGRATE_MOVABLE)
		return use->movable;
	/* What lies in a movable pageblock and is not movable is as bad as we are. */
	if (block_type == MML_MIGRATE_MOVABLE)
		return MML_PAGEBLOCK_FRAMES - (use->free + use->movable);
	/* Unmovable and reclaimable cannot be told apart: be careful. */
	return 0;
}

/*
 * @page, free and of order @current_order, and its pageblock become @start_type, if
 * enough speaks for it. Returns: a block as mml_rmqueue_smallest().
 */
static struct mml_page *mml_try_to_claim_block(struct mml_zone *zone,
					       struct mml_page *page,
					       unsigned int current_order,
					       unsigned int order,
					       enum mml_migratetype block_type,
					       enum mml_migratetype start_type,
					       unsigned int alloc_flags,
					       unsigned int most)
{
	u32 start = ALIGN_DOWN(mml_page_to_pfn(zone->machine, page).val,
			       MML_PAGEBLOCK_FRAMES);
	struct mml_pageblock_use use;

	/* Whole pageblocks change hands. */
	if (current_order >= MML_PAGEBLOCK_ORDER)
		return mml_page_del_and_expand(zone, page, min(most, current_order),
					       current_order, block_type, start_type);
	mml_boost_watermark(zone, alloc_flags);
	if (!mml_pageblock_use(zone, start, &use) ||
	    use.free + mml_alike_pages(&use, block_type, start_type) <
	    MML_PAGEBLOCK_FRAMES / 2) {
		trace_mml_alloc_decision(zone->machine, order, MML_TRY_NO_CLAIM,
					 current_order, page, block_type);
		return NULL;
	}
	mml_move_pageblocks(zone, start, 0, block_type, start_type);
	return mml_rmqueue_smallest(zone, order, start_type, most);
}

/* Claim a whole pageblock, that with the largest free block of another type. */
static struct mml_page *mml_rmqueue_claim(struct mml_zone *zone, unsigned int order,
					  enum mml_migratetype migratetype,
					  unsigned int alloc_flags, unsigned int most)
{
	int current_order, min_order = order;

	/* Whole pageblocks only: nothing is mixed. */
	if (alloc_flags & MML_ALLOC_NOFRAGMENT)
		min_order = max(min_order, MML_PAGEBLOCK_ORDER);
	for (current_order = MML_MAX_ORDER; current_order >= min_order; current_order--) {
		int fallback_mt = mml_find_suitable_fallback(zone, current_order,
							     migratetype);
		struct mml_page *page;

		if (fallback_mt < 0)
			continue;
		if (!mml_should_try_claim_block(current_order, migratetype))
			break;
		page = mml_get_page_from_free_area(zone, current_order, fallback_mt);
		if (page)
			page = mml_try_to_claim_block(zone, page, current_order, order,
						      fallback_mt, migratetype, alloc_flags,
						      most);
		if (page) {
			trace_mml_alloc_decision(zone->machine, order, MML_TRY_CLAIM,
						 current_order, page, fallback_mt);
			trace_mm_page_alloc_extfrag(zone->machine, page, order,
						    current_order, migratetype,
						    fallback_mt, true);
			return page;
		}
	}
	return NULL;
}

/* Take the smallest block of another type, just what is needed. */
static struct mml_page *mml_rmqueue_steal(struct mml_zone *zone, unsigned int order,
					  enum mml_migratetype migratetype)
{
	unsigned int current_order;

	for (current_order = order; current_order < MML_NR_ORDERS; current_order++) {
		int fallback_mt = mml_find_suitable_fallback(zone, current_order,
							     migratetype);
		struct mml_page *page;

		if (fallback_mt < 0)
			continue;
		page = mml_get_page_from_free_area(zone, current_order, fallback_mt);
		if (page)
			page = mml_page_del_and_expand(zone, page, order, current_order,
						       fallback_mt, fallback_mt);
		if (!page)
			return NULL;
		trace_mml_alloc_decision(zone->machine, order, MML_TRY_STEAL,
					 current_order, page, fallback_mt);
		trace_mm_page_alloc_extfrag(zone->machine, page, order, current_order,
					    migratetype, fallback_mt, false);
		return page;
	}
	return NULL;
}

/*
 * What mml_rmqueue() does when @migratetype has no block: from others, one of @order, or
 * larger, up to @most, if it can be claimed.
 */
struct mml_page *mml_rmqueue_fallback(struct mml_zone *zone, unsigned int order,
				      enum mml_migratetype migratetype,
				      unsigned int alloc_flags, unsigned int most)
{
	struct mml_page *page;

	lockdep_assert_held(&zone->lock);

	page = mml_rmqueue_claim(zone, order, migratetype, alloc_flags, most);
	if (page || alloc_flags & MML_ALLOC_NOFRAGMENT)
		return page;
	return mml_rmqueue_steal(zone, order, migratetype);
}
