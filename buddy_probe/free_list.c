// SPDX-License-Identifier: GPL-2.0
/*
 * The buddy system: free blocks of 1 << order frames, split on the way out, merged
 * on the way back.
 *
 * Kernel counterpart: the middle of mm/page_alloc.c, with its names: mml_rmqueue_smallest()
 * → mml_expand(), mml_free_one_page(), mml_move_freepages_block(). Differences: a
 * block's state and order are explicit (struct mml_page), checked before anything is
 * believed; a corrupt list marks the machine broken, and the host lives on.
 *
 * How an order-n block is found, in one migratetype:
 *	1. the first block of the smallest order >= n that has one;
 *	2. split in halves down to n: the lower half goes on, the upper half becomes
 *	   a free block of its own.
 * How an order-n block is freed:
 *	1. while the block beside it that was split from the same one (its buddy,
 *	   frame number ^ (1 << order)) is free and whole, the two become one;
 *	2. the result goes to the list of its order and of its pageblock's migratetype:
 *	   to the end if it may soon be merged further, or else to the front.
 *
 * Invariants, checked by mml_zone_validate():
 *	nr_free == sum over orders of (blocks << order) on the free lists
 *	nr_free + frames in blocks that are allocated, or kept by a CPU == managed
 *	a block's frame number is a multiple of 1 << order
 *	a block is on the list of its pageblock's migratetype, and so are all the
 *	pageblocks that it covers
 *	no two buddies are both free and whole: they would have been merged, unless one
 *	is in a pageblock that is kept for a purpose
 *
 * Locking: zone->lock is held.
 */
#include <kunit/visibility.h>
#include <linux/log2.h>

#include "buddy_probe/internal.h"

#include "trace.h"

/*
 * Tell of a decision about the block at @page, or about none. Nothing is looked up for that
 * while nobody listens.
 */
#define mml_tell(zone, order, step, candidate, page, value) do {		\
	if (trace_mml_alloc_decision_enabled())					\
		trace_mml_alloc_decision((zone)->machine, order, step, candidate, \
					 page, value);				\
} while (0)

static u32 mml_find_buddy(u32 pfn, unsigned int order)
{
	return pfn ^ (1U << order);
}

/* Has @machine a frame of that number? Not beyond its end, nor in a hole. */
bool mml_pfn_present(const struct mml_machine *machine, u32 pfn)
{
	return pfn < machine->nr_frames &&
	       machine->memmap[pfn].state != MML_FRAME_ABSENT;
}

static __always_inline void
mml_add_to_free_list(struct mml_zone *zone, struct mml_page *page, unsigned int order,
		     enum mml_migratetype migratetype, bool tail)
{
	struct mml_frame_list *list = mml_free_list(zone, order, migratetype);

	lockdep_assert_held(&zone->lock);

	page->state = MML_FRAME_FREE;
	page->order = order;
	if (tail)
		mml_frame_list_add_tail(zone->machine, list, page);
	else
		mml_frame_list_add(zone->machine, list, page);
	zone->nr_free += 1UL << order;
	if (unlikely(migratetype >= MML_MIGRATE_PCPTYPES))
		zone->nr_free_special[migratetype - MML_MIGRATE_PCPTYPES] += 1UL << order;
}

/* Returns: false if the list is corrupt; nothing has changed then. */
static __always_inline bool
mml_del_page_from_free_list(struct mml_zone *zone, struct mml_page *page,
			    unsigned int order, enum mml_migratetype migratetype)
{
	lockdep_assert_held(&zone->lock);

	if (!mml_frame_list_del(zone->machine,
				mml_free_list(zone, order, migratetype), page))
		return false;
	page->state = MML_FRAME_INTERIOR;
	zone->nr_free -= 1UL << order;
	if (unlikely(migratetype >= MML_MIGRATE_PCPTYPES))
		zone->nr_free_special[migratetype - MML_MIGRATE_PCPTYPES] -= 1UL << order;
	return true;
}

/* Give back what @page, a block of order @high, has beyond order @low. */
static void mml_expand(struct mml_zone *zone, struct mml_page *page, unsigned int low,
		       unsigned int high, enum mml_migratetype migratetype)
{
	while (high > low) {
		high--;
		mml_add_to_free_list(zone, page + (1UL << high), high, migratetype,
				     false);
		mml_tell(zone, low, MML_TRY_SPLIT, high, page + (1UL << high),
			 mml_free_list(zone, high, migratetype)->nr);
	}
}

static noinline void mml_page_free_bug(struct mml_zone *zone, const struct mml_page *page,
				       unsigned int order)
{
	mml_bug(zone->machine, "frame %u on the free list of order %u: state %u, order %u",
		mml_page_to_pfn(zone->machine, page).val, order, page->state,
		page->order);
}

/* What is on a free list has to be a free block of its order. */
static __always_inline bool mml_page_is_free(struct mml_zone *zone,
					     const struct mml_page *page,
					     unsigned int order)
{
	if (likely(page->state == MML_FRAME_FREE && page->order == order))
		return true;
	mml_page_free_bug(zone, page, order);
	return false;
}

/* The pageblocks that a block of @order at @pfn covers become @migratetype. */
static void mml_change_pageblock_range(struct mml_zone *zone, u32 pfn,
				       unsigned int order,
				       enum mml_migratetype migratetype)
{
	u32 end = pfn + (1U << order);

	for (; pfn < end; pfn += MML_PAGEBLOCK_FRAMES)
		mml_set_pageblock_migratetype(zone, pfn, migratetype);
}

/* See mml_page_del_and_expand(). */
static __always_inline struct mml_page *
__mml_page_del_and_expand(struct mml_zone *zone, struct mml_page *page,
			  unsigned int low, unsigned int high,
			  enum mml_migratetype old_mt, enum mml_migratetype new_mt)
{
	if (unlikely(!mml_page_is_free(zone, page, high) ||
		     !mml_del_page_from_free_list(zone, page, high, old_mt)))
		return NULL;
	if (new_mt != old_mt)
		mml_change_pageblock_range(zone, page - zone->machine->memmap, high,
					   new_mt);
	mml_expand(zone, page, low, high, new_mt);
	page->order = low;
	return page;
}

/*
 * Take a block of order @low out of the free block @page of order @high and of
 * @old_mt; the rest stays free, as @new_mt: another one only if whole pageblocks
 * change hands. Returns: @page; NULL if it was no free block.
 */
struct mml_page *mml_page_del_and_expand(struct mml_zone *zone, struct mml_page *page,
					 unsigned int low, unsigned int high,
					 enum mml_migratetype old_mt,
					 enum mml_migratetype new_mt)
{
	return __mml_page_del_and_expand(zone, page, low, high, old_mt, new_mt);
}

/* See mml_rmqueue_smallest(). */
static __always_inline struct mml_page *
__mml_rmqueue_smallest(struct mml_zone *zone, unsigned int order,
		       enum mml_migratetype migratetype, unsigned int most)
{
	unsigned int current_order;

	lockdep_assert_held(&zone->lock);

	for (current_order = order; current_order < MML_NR_ORDERS; current_order++) {
		struct mml_page *page;

		page = mml_get_page_from_free_area(zone, current_order, migratetype);
		if (!page) {
			mml_tell(zone, order, MML_TRY_EMPTY, current_order, NULL,
				 migratetype);
			continue;
		}
		mml_tell(zone, order, MML_TRY_TAKE, current_order, page,
			 mml_free_list(zone, current_order, migratetype)->nr);
		page = __mml_page_del_and_expand(zone, page, min(most, current_order),
						 current_order, migratetype, migratetype);
		if (page)
			trace_mm_page_alloc_zone_locked(zone->machine, page, page->order,
							migratetype,
							mml_pcp_allowed_order(order));
		return page;
	}
	return NULL;
}

/*
 * The smallest block from @order on of @migratetype; what it has beyond @most is split
 * off. Returns: its first frame, which has its order; NULL: there is none.
 */
struct mml_page *mml_rmqueue_smallest(struct mml_zone *zone, unsigned int order,
				      enum mml_migratetype migratetype,
				      unsigned int most)
{
	return __mml_rmqueue_smallest(zone, order, migratetype, most);
}

/* Is more than half of what is free lent memory? Then that is used first. */
static bool mml_cma_first(const struct mml_zone *zone)
{
	return mml_nr_free_special(zone, MML_MIGRATE_CMA) > zone->nr_free / 2;
}

/*
 * A block of @order or larger, up to @most, for a request of @migratetype; what is
 * stolen of another one is no larger than @order. Returns: its first frame, which has its
 * order; NULL: there is none.
 */
struct mml_page *__mml_rmqueue(struct mml_zone *zone, unsigned int order,
			       enum mml_migratetype migratetype,
			       unsigned int alloc_flags, unsigned int most)
{
	bool cma = alloc_flags & MML_ALLOC_CMA;
	struct mml_page *page = NULL;

	if (unlikely(cma && mml_cma_first(zone)))
		page = mml_rmqueue_smallest(zone, order, MML_MIGRATE_CMA, most);
	if (likely(!page))
		page = __mml_rmqueue_smallest(zone, order, migratetype, most);
	if (unlikely(!page && cma))
		page = mml_rmqueue_smallest(zone, order, MML_MIGRATE_CMA, most);
	return likely(page) ? page :
		mml_rmqueue_fallback(zone, order, migratetype, alloc_flags, most);
}

/*
 * The pageblock at @start becomes @new_mt, and its free blocks move to that list. No
 * free block is larger than it.
 */
static void mml_move_freepages_block(struct mml_zone *zone, u32 start,
				     enum mml_migratetype old_mt,
				     enum mml_migratetype new_mt)
{
	struct mml_page *page = &zone->machine->memmap[start];
	struct mml_page *end = page + MML_PAGEBLOCK_FRAMES;
	unsigned int order;

	for (; page < end; page += 1UL << order) {
		order = page->state == MML_FRAME_INTERIOR ? 0 : mml_block_order(page);
		if (page->state != MML_FRAME_FREE)
			continue;
		if (!mml_del_page_from_free_list(zone, page, order, old_mt))
			return;
		mml_add_to_free_list(zone, page, order, new_mt, true);
	}
	mml_set_pageblock_migratetype(zone, start, new_mt);
}

/*
 * A free block that is larger than the pageblock at @start, and covers it, becomes blocks of
 * a pageblock each.
 */
static void mml_split_large_block(struct mml_zone *zone, u32 start,
				  enum mml_migratetype migratetype)
{
	u32 pfn = ALIGN_DOWN(start, 1U << MML_MAX_ORDER), end = pfn + (1U << MML_MAX_ORDER);
	struct mml_page *page = &zone->machine->memmap[pfn];

	if (page->state != MML_FRAME_FREE || page->order != MML_MAX_ORDER ||
	    !mml_del_page_from_free_list(zone, page, MML_MAX_ORDER, migratetype))
		return;
	for (; pfn < end; pfn += MML_PAGEBLOCK_FRAMES)
		mml_add_to_free_list(zone, &zone->machine->memmap[pfn],
				     MML_PAGEBLOCK_ORDER, migratetype, true);
}

/*
 * The whole pageblock at @start becomes @new_mt, with what is free there, also where that is
 * a part of a larger block. Blocks are not merged over the border of what is kept for a
 * purpose; when that is over, they are.
 */
void mml_set_pageblock_isolate(struct mml_zone *zone, u32 start,
			       enum mml_migratetype new_mt)
{
	enum mml_migratetype old_mt = mml_get_pageblock_migratetype(zone, start);
	struct mml_page *page = &zone->machine->memmap[start];

	lockdep_assert_held(&zone->lock);

	mml_split_large_block(zone, start, old_mt);
	mml_move_freepages_block(zone, start, old_mt, new_mt);
	if (page->state != MML_FRAME_FREE || page->order != MML_PAGEBLOCK_ORDER ||
	    !mml_del_page_from_free_list(zone, page, MML_PAGEBLOCK_ORDER, new_mt))
		return;
	mml_free_one_page(zone, start, MML_PAGEBLOCK_ORDER);
}

/*
 * The pageblock around the block of @order at @pfn becomes @new_mt, with what is free there;
 * or all pageblocks that the block covers, which is in use. Returns: false if the pageblock
 * is not wholly there; nothing has changed then.
 */
bool mml_move_pageblocks(struct mml_zone *zone, u32 pfn, unsigned int order,
			 enum mml_migratetype old_mt, enum mml_migratetype new_mt)
{
	u32 start = ALIGN_DOWN(pfn, MML_PAGEBLOCK_FRAMES);

	lockdep_assert_held(&zone->lock);

	if (!mml_pfn_present(zone->machine, start) ||
	    !mml_pfn_present(zone->machine, start + MML_PAGEBLOCK_FRAMES - 1))
		return false;
	if (order < MML_PAGEBLOCK_ORDER) {
		mml_move_freepages_block(zone, start, old_mt, new_mt);
		return true;
	}
	mml_change_pageblock_range(zone, pfn, order, new_mt);
	return true;
}

/* Why a block of @order is not merged with its buddy, whether or not there is one. */
static void mml_tell_unmerged(struct mml_zone *zone, unsigned int freed,
			      unsigned int order, u32 buddy_pfn)
{
	const struct mml_page *buddy = &zone->machine->memmap[buddy_pfn];

	if (order == MML_MAX_ORDER)
		mml_tell(zone, freed, MML_TRY_LARGEST, order, NULL, 0);
	else if (!mml_pfn_present(zone->machine, buddy_pfn))
		mml_tell(zone, freed, MML_TRY_NO_BUDDY, order, buddy, 0);
	else if (buddy->state == MML_FRAME_FREE)
		mml_tell(zone, freed, MML_TRY_BUDDY_SPLIT, order, buddy, buddy->order);
	else
		mml_tell(zone, freed, MML_TRY_BUDDY_USED, order, buddy, 0);
}

/* Is the buddy at @pfn of a block of @order free and whole? */
static bool mml_buddy_free(const struct mml_machine *machine, u32 pfn,
			   unsigned int order)
{
	const struct mml_page *buddy = &machine->memmap[pfn];

	return pfn < machine->nr_frames && buddy->state == MML_FRAME_FREE &&
	       buddy->order == order;
}

/*
 * Merge the buddy of a block at @pfn into it. Returns: false if it is not free, or its
 * list is corrupt.
 */
static bool mml_merge_buddy(struct mml_zone *zone, u32 pfn, unsigned int order,
			    enum mml_migratetype migratetype)
{
	u32 buddy_pfn = mml_find_buddy(pfn, order);
	enum mml_migratetype buddy_mt = migratetype;

	if (!mml_buddy_free(zone->machine, buddy_pfn, order))
		return false;
	if (order >= MML_PAGEBLOCK_ORDER)
		buddy_mt = mml_get_pageblock_migratetype(zone, buddy_pfn);
	if (!mml_migratetypes_merge(migratetype, buddy_mt))
		return false;
	if (!mml_del_page_from_free_list(zone, &zone->machine->memmap[buddy_pfn], order,
					 buddy_mt))
		return false;
	if (buddy_mt != migratetype)
		mml_change_pageblock_range(zone, buddy_pfn, order, migratetype);
	return true;
}

/*
 * Is the buddy of the block that this one and its own buddy would make free? Then it may
 * soon become a part of something large: better not to use it now.
 */
static bool mml_buddy_merge_likely(const struct mml_zone *zone, u32 pfn,
				   unsigned int order)
{
	u32 higher = pfn & ~(1U << order);

	return order < MML_MAX_ORDER - 1 &&
	       mml_buddy_free(zone->machine, mml_find_buddy(higher, order + 1),
			      order + 1);
}

/* Put the block of order @freed at @pfn back, merged with its free buddies. */
static __always_inline void __mml_free_one_page(struct mml_zone *zone, u32 pfn,
						unsigned int freed)
{
	struct mml_machine *machine = zone->machine;
	enum mml_migratetype migratetype = mml_get_pageblock_migratetype(zone, pfn);
	struct mml_page *page;
	unsigned int order;

	lockdep_assert_held(&zone->lock);

	machine->memmap[pfn].state = MML_FRAME_INTERIOR;
	for (order = freed; order < MML_MAX_ORDER; order++) {
		if (!mml_merge_buddy(zone, pfn, order, migratetype))
			break;
		mml_tell(zone, freed, MML_TRY_MERGE, order,
			 &machine->memmap[mml_find_buddy(pfn, order)], 0);
		pfn &= ~(1U << order);
	}
	if (trace_mml_alloc_decision_enabled())
		mml_tell_unmerged(zone, freed, order, mml_find_buddy(pfn, order));
	page = &machine->memmap[pfn];
	mml_add_to_free_list(zone, page, order, migratetype,
			     mml_buddy_merge_likely(zone, pfn, order));
	mml_tell(zone, freed, MML_TRY_LIST, order, page,
		 mml_free_list(zone, order, migratetype)->nr);
}

/*
 * Put a block back that was allocated. One that covers several pageblocks may find that
 * they have become of types that do not merge: then each goes by itself.
 */
void mml_free_one_page(struct mml_zone *zone, u32 pfn, unsigned int order)
{
	u32 end = pfn + (1U << order);

	if (order > MML_PAGEBLOCK_ORDER &&
	    !mml_migratetypes_merge(mml_get_pageblock_migratetype(zone, pfn),
				    mml_get_pageblock_migratetype(zone, end - 1)))
		order = MML_PAGEBLOCK_ORDER;
	do {
		__mml_free_one_page(zone, pfn, order);
		pfn += 1U << order;
	} while (unlikely(pfn < end));
}

/* The largest order of a block that begins at @pfn and ends by @end. */
static unsigned int mml_fitting_order(unsigned long pfn, unsigned long end)
{
	unsigned int order = pfn ? __ffs(pfn) : MML_MAX_ORDER;

	order = min_t(unsigned int, order, MML_MAX_ORDER);
	return min_t(unsigned int, order, ilog2(end - pfn));
}

/* The frames from @pfn to @end become free blocks, as large as they can be. */
static void mml_free_pages_memory(struct mml_zone *zone, unsigned long pfn,
				  unsigned long end)
{
	unsigned int order;

	for (; pfn < end; pfn += 1UL << order) {
		order = mml_fitting_order(pfn, end);
		mml_free_one_page(zone, pfn, order);
	}
}

/* Where does the free block begin that @pfn is in? MML_PFN_NONE: it is in none. */
static u32 mml_free_block_start(const struct mml_machine *machine, u32 pfn)
{
	unsigned int order;

	for (order = 0; order < MML_NR_ORDERS; order++) {
		u32 start = ALIGN_DOWN(pfn, 1U << order);
		const struct mml_page *page = &machine->memmap[start];

		if (page->state == MML_FRAME_FREE)
			return mml_block_order(page) >= order ? start : MML_PFN_NONE;
	}
	return MML_PFN_NONE;
}

/*
 * The frames from @start to @end, in pageblocks of which nobody gets anything, become nobody's.
 * Returns: false if some are not free; nothing has changed then.
 */
bool mml_isolate_freepages_range(struct mml_zone *zone, u32 start, u32 end)
{
	struct mml_page *memmap = zone->machine->memmap;
	u32 first = mml_free_block_start(zone->machine, start), pfn;
	unsigned int order;

	lockdep_assert_held(&zone->lock);

	if (first == MML_PFN_NONE)
		return false;
	for (pfn = first; pfn < end; pfn += 1U << mml_block_order(&memmap[pfn]))
		if (memmap[pfn].state != MML_FRAME_FREE)
			return false;
	for (pfn = first; pfn < end; pfn += 1U << order) {
		order = mml_block_order(&memmap[pfn]);
		/* A corrupt list: the machine is broken, and loses these frames. */
		if (!mml_del_page_from_free_list(zone, &memmap[pfn], order,
						 MML_MIGRATE_ISOLATE))
			return false;
	}
	mml_free_pages_memory(zone, first, start);
	mml_free_pages_memory(zone, end, pfn);
	return true;
}

/* The frames from @start to @end, which are nobody's, become free blocks of the zone. */
void mml_free_range(struct mml_zone *zone, u32 start, u32 end)
{
	lockdep_assert_held(&zone->lock);

	mml_free_pages_memory(zone, start, end);
}

/* The zone has no free block yet. */
void mml_free_area_init(struct mml_zone *zone)
{
	int order, migratetype;

	spin_lock_init(&zone->lock);
	for (order = 0; order < MML_NR_ORDERS; order++)
		for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++)
			mml_frame_list_init(mml_free_list(zone, order, migratetype));
}
EXPORT_SYMBOL_IF_KUNIT(mml_free_area_init);

/* All frames that the zone has become free. */
void mml_free_all_pages(struct mml_zone *zone)
{
	struct mml_machine *machine = zone->machine;
	unsigned long pfn, flags;

	for (pfn = zone->start_pfn; pfn < mml_zone_end_pfn(zone);
	     pfn += MML_SECTION_FRAMES) {
		spin_lock_irqsave(&zone->lock, flags);
		mml_free_pages_memory(zone, pfn,
				      pfn + mml_section_present(machine, pfn));
		spin_unlock_irqrestore(&zone->lock, flags);
		cond_resched();
	}
}

/* Behind the block or the hole at frame @pfn; whatever that is, further than @pfn. */
unsigned long mml_next_block(const struct mml_machine *machine, unsigned long pfn)
{
	const struct mml_page *page = &machine->memmap[pfn];
	unsigned long frames;

	switch (READ_ONCE(page->state)) {
	case MML_FRAME_ABSENT:
		return ALIGN(pfn + 1, MML_SECTION_FRAMES);
	case MML_FRAME_INTERIOR:
		return pfn + 1;
	default:
		frames = 1UL << mml_block_order(page);
		return IS_ALIGNED(pfn, frames) ? pfn + frames : pfn + 1;
	}
}

/*
 * The page allocator leaves @machine, which may stay: there are no blocks any more, free,
 * kept by a CPU or lost. Who comes next begins with an empty memmap.
 */
void mml_forget_all_pages(struct mml_machine *machine)
{
	unsigned long pfn, next;

	for (pfn = 0; pfn < machine->nr_frames; pfn = next) {
		struct mml_page *page = &machine->memmap[pfn];

		next = mml_next_block(machine, pfn);
		if (page->state != MML_FRAME_ABSENT) {
			page->state = MML_FRAME_INTERIOR;
			atomic_set(&page->_refcount, 0);
		}
		cond_resched();
	}
}
