// SPDX-License-Identifier: GPL-2.0
/*
 * The highatomic reserve: pageblocks that are kept for blocks of more than one frame, for
 * who cannot wait until some come free.
 *
 * Once such a request was served, its pageblock becomes one of them, up to a hundredth of
 * the zone. When others are about to fail, pageblocks are given up again.
 *
 * Kernel counterpart: reserve_highatomic_pageblock() and unreserve_highatomic_pageblock(),
 * mm/page_alloc.c. Difference: blocks freed in such a pageblock never go to a per-CPU
 * list.
 *
 * Locking: takes zone->lock.
 */
#include <kunit/visibility.h>

#include "buddy_probe/internal.h"

#include "trace.h"

/* How much of a zone may be reserved, at most; 0: it is too small for a whole pageblock. */
static unsigned long mml_max_highatomic(const struct mml_zone *zone)
{
	unsigned long part = zone->managed / 100;

	return part < MML_PAGEBLOCK_FRAMES ? 0 : ALIGN(part, MML_PAGEBLOCK_FRAMES);
}

/* A block of @order was served to who cannot wait: its pageblock shall serve more. */
void mml_reserve_highatomic_pageblock(struct mml_zone *zone, struct mml_page *page,
				      unsigned int order)
{
	unsigned long max = mml_max_highatomic(zone), flags;
	u32 pfn = mml_page_to_pfn(zone->machine, page).val;
	enum mml_migratetype migratetype;

	if (READ_ONCE(zone->nr_reserved_highatomic) >= max)
		return;
	spin_lock_irqsave(&zone->lock, flags);
	migratetype = mml_get_pageblock_migratetype(zone, pfn);
	if (zone->nr_reserved_highatomic < max &&
	    mml_migratetype_mergeable(migratetype) &&
	    mml_move_pageblocks(zone, pfn, order, migratetype, MML_MIGRATE_HIGHATOMIC)) {
		zone->nr_reserved_highatomic += max(1UL << order, MML_PAGEBLOCK_FRAMES);
		trace_mml_alloc_decision(zone->machine, order, MML_TRY_RESERVE,
					 mml_zone_id(zone), page, 0);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(mml_reserve_highatomic_pageblock);

/* Give up a pageblock that has a free block. Returns: whether there was one. */
static bool mml_unreserve_zone(struct mml_zone *zone, const struct mml_alloc_context *ac)
{
	unsigned int order;

	lockdep_assert_held(&zone->lock);

	for (order = 0; order < MML_NR_ORDERS; order++) {
		unsigned long frames = max(1UL << order, MML_PAGEBLOCK_FRAMES);
		struct mml_page *page;
		u32 start;

		page = mml_get_page_from_free_area(zone, order, MML_MIGRATE_HIGHATOMIC);
		if (!page)
			continue;
		start = ALIGN_DOWN(mml_page_to_pfn(zone->machine, page).val,
				   MML_PAGEBLOCK_FRAMES);
		mml_set_range(zone, start, start + frames, ac->migratetype);
		zone->nr_reserved_highatomic -= min(zone->nr_reserved_highatomic, frames);
		trace_mml_alloc_decision(zone->machine, ac->order, MML_TRY_UNRESERVE,
					 mml_zone_id(zone), page, 0);
		return true;
	}
	return false;
}

/*
 * A request is about to fail: one reserved pageblock becomes of the migratetype that it
 * asks for. The last one of a zone only if @force. Returns: whether there was one.
 */
bool mml_unreserve_highatomic_pageblock(const struct mml_alloc_context *ac, bool force)
{
	struct mml_zoneref *ref = ac->preferred_zoneref;
	struct mml_zone *zone;
	unsigned long flags;
	bool done = false;

	mml_for_next_zone_zonelist(zone, ref, ac->highest_zoneidx) {
		if (READ_ONCE(zone->nr_reserved_highatomic) <=
		    (force ? 0 : MML_PAGEBLOCK_FRAMES))
			continue;
		spin_lock_irqsave(&zone->lock, flags);
		done = mml_unreserve_zone(zone, ac);
		spin_unlock_irqrestore(&zone->lock, flags);
		if (done)
			break;
	}
	return done;
}
EXPORT_SYMBOL_IF_KUNIT(mml_unreserve_highatomic_pageblock);
