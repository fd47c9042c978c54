// SPDX-License-Identifier: GPL-2.0
/*
 * The buddy system: free blocks of 1 << order frames, split on the way out, merged
 * on the way back.
 *
 * Kernel counterpart: mm/page_alloc.c; the names are its: mml_alloc_pages() →
 * mml_rmqueue() → __mml_rmqueue_smallest() → mml_expand(); __mml_free_pages() →
 * __mml_free_one_page(). Differences: one zone of one node, one migratetype, no
 * per-CPU lists, no watermarks: a request that finds no block fails. A block's
 * state and order are explicit (struct mml_page), so that a double free, a wrong
 * order and a pointer into a block are refused in O(1), always. A bad order or a
 * bad free is reported and counted, never a WARN.
 *
 * How an order-n request is satisfied:
 *	1. the first block of the smallest order >= n that has one;
 *	2. split in halves down to n: the lower half goes on, the upper half becomes
 *	   a free block of its own.
 * How an order-n block is freed:
 *	1. while the block beside it that was split from the same one (its buddy,
 *	   frame number ^ (1 << order)) is free and whole, the two become one;
 *	2. the result goes to the front of its order's free list.
 *
 * Invariants, checked by mml_zone_validate() (validate.c):
 *	nr_free == sum over orders of (blocks << order) on the free lists
 *	nr_free + frames in allocated blocks == managed
 *	a block's frame number is a multiple of 1 << order
 *	no two buddies are both free and whole: they would have been merged
 *
 * What only some runs want (enum mml_slow) has copies of its own of both ways, made by
 * the compiler: functions that take @told, a constant, tell each decision or do not.
 *
 * Locking: zone->lock, irq-safe; only the explainer's lock is taken under it. Zeroing
 * and tracing happen outside, but for the decisions, which are events under it.
 */
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "buddy_probe/zone.h"
#include "mm_lab/alloc.h"
#include "mm_lab/vmstat.h"

#include "trace.h"

/* Here is the function, not the macro that passes the site. */
#undef mml_alloc_pages

/* What the events call the one migratetype there is: MIGRATE_UNMOVABLE. */
#define MML_MIGRATE_UNMOVABLE	0

/* Ways to free what cannot be freed. */
enum mml_bad_free {
	MML_FREE_OK,
	MML_FREE_DOUBLE,
	MML_FREE_INTERIOR,
	MML_FREE_ABSENT,
	MML_FREE_ORDER,
	MML_FREE_REFCOUNT,
};

static const char * const mml_bad_free_text[] = {
	[MML_FREE_DOUBLE]	= "it is free already",
	[MML_FREE_INTERIOR]	= "it is not the first of its block",
	[MML_FREE_ABSENT]	= "it is in a hole",
	[MML_FREE_ORDER]	= "its block has another order",
	[MML_FREE_REFCOUNT]	= "nobody has a reference to it",
};

static mml_pfn_t mml_find_buddy(mml_pfn_t pfn, unsigned int order)
{
	return mml_pfn(pfn.val ^ (1U << order));
}

static void mml_add_to_free_list(struct mml_zone *zone, struct mml_page *page,
				 unsigned int order)
{
	lockdep_assert_held(&zone->lock);

	page->state = MML_FRAME_FREE;
	page->order = order;
	mml_frame_list_add(zone->machine, &zone->free_area[order].free_list, page);
	zone->nr_free += 1UL << order;
}

/* Returns: false if the list is corrupt; nothing has changed then. */
static bool mml_del_page_from_free_list(struct mml_zone *zone,
					struct mml_page *page, unsigned int order)
{
	lockdep_assert_held(&zone->lock);

	if (!mml_frame_list_del(zone->machine, &zone->free_area[order].free_list,
				page))
		return false;
	page->state = MML_FRAME_INTERIOR;
	zone->nr_free -= 1UL << order;
	return true;
}

/* Tell of a decision about the block at @page, or about none. */
static void mml_tell(struct mml_zone *zone, unsigned int order, enum mml_try step,
		     unsigned int candidate, const struct mml_page *page,
		     unsigned long value)
{
	trace_mml_alloc_decision(zone->machine, order, step, candidate,
				 page ? page - zone->machine->memmap : -1UL, value);
}

/* Give back what @page, a block of order @high, has beyond order @low. */
static __always_inline void mml_expand(struct mml_zone *zone, struct mml_page *page,
				       unsigned int low, unsigned int high, bool told)
{
	while (high > low) {
		high--;
		mml_add_to_free_list(zone, page + (1UL << high), high);
		if (told)
			mml_tell(zone, low, MML_TRY_SPLIT, high, page + (1UL << high),
				 zone->free_area[high].free_list.nr);
	}
}

/* What came off a free list has to be a free block of its order. */
static bool mml_page_is_free(struct mml_zone *zone, const struct mml_page *page,
			     unsigned int order)
{
	if (likely(page->state == MML_FRAME_FREE && page->order == order))
		return true;
	mml_bug(zone->machine, "frame %u on the free list of order %u: state %u, order %u",
		mml_page_to_pfn(zone->machine, page).val, order, page->state,
		page->order);
	return false;
}

static __always_inline struct mml_page *
__mml_rmqueue_smallest(struct mml_zone *zone, unsigned int order, bool told)
{
	unsigned int current_order;

	lockdep_assert_held(&zone->lock);

	for (current_order = order; current_order < MML_NR_ORDERS; current_order++) {
		struct mml_frame_list *list = &zone->free_area[current_order].free_list;
		struct mml_page *page;

		if (mml_frame_list_empty(list)) {
			if (told)
				mml_tell(zone, order, MML_TRY_EMPTY, current_order,
					 NULL, 0);
			continue;
		}
		page = mml_frame_list_pop(zone->machine, list);
		if (unlikely(!page || !mml_page_is_free(zone, page, current_order)))
			return NULL;
		zone->nr_free -= 1UL << current_order;
		if (told)
			mml_tell(zone, order, MML_TRY_TAKE, current_order, page,
				 list->nr + 1);
		mml_expand(zone, page, order, current_order, told);
		return page;
	}
	if (told)
		mml_tell(zone, order, MML_TRY_FAIL, order, NULL, zone->nr_free);
	return NULL;
}

/* Under the zone's lock, so that a validator never sees what its last owner left. */
static void mml_prep_new_page(struct mml_page *page, unsigned int order)
{
	page->state = MML_FRAME_ALLOCATED;
	page->order = order;
	page->type = MML_PAGE_KERNEL;
	page->mapping = NULL;
	page->index = 0;
	atomic_set(&page->_mapcount, 0);
	atomic_set(&page->_refcount, 1);
}

static __always_inline struct mml_page *mml_rmqueue(struct mml_zone *zone, gfp_t gfp,
						    unsigned int order, bool told)
{
	struct mml_page *page;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	page = __mml_rmqueue_smallest(zone, order, told);
	if (likely(page))
		mml_prep_new_page(page, order);
	else
		mml_explain_rmqueue(zone, gfp, order);
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

/* As mml_rmqueue(), where something of enum mml_slow is wanted. */
static noinline struct mml_page *mml_rmqueue_slow(struct mml_zone *zone, gfp_t gfp,
						  unsigned int order,
						  struct mml_alloc_site *site)
{
	struct mml_machine *machine = zone->machine;
	bool told = test_bit(MML_SLOW_DECISIONS, &machine->slow);

	if (mml_bug_comes(machine)) {
		mml_explain_alloc(machine, MML_WHY_BROKEN, gfp, order);
		return NULL;
	}
	if (mml_should_fail(machine, gfp, site)) {
		if (told)
			mml_tell(zone, order, MML_TRY_INJECTED, order, NULL, 0);
		mml_explain_alloc(machine, MML_WHY_INJECTED, gfp, order);
		return NULL;
	}
	return told ? mml_rmqueue(zone, gfp, order, true) :
		      mml_rmqueue(zone, gfp, order, false);
}

/**
 * mml_alloc_pages - allocate a block of frames
 * @machine: from which machine
 * @gfp: the kernel's flags; __GFP_ZERO zeroes the block, if it has memory
 * @order: the block has 1 << @order frames, 0–10
 * @site: who asks; the macro of this name fills it in
 *
 * Context: any but NMI; never sleeps.
 * Return: the block's first frame, with one reference; NULL if no such block is
 * free.
 */
struct mml_page *mml_alloc_pages(struct mml_machine *machine, gfp_t gfp,
				 unsigned int order, struct mml_alloc_site *site)
{
	struct mml_page *page;

	if (unlikely(order > MML_MAX_ORDER)) {
		mml_report(machine, "order %u asked for: the largest is %u", order,
			   MML_MAX_ORDER);
		mml_explain_alloc(machine, MML_WHY_ORDER, gfp, order);
		return NULL;
	}
	if (unlikely(machine->slow))
		page = mml_rmqueue_slow(mml_zone(machine), gfp, order, site);
	else
		page = mml_rmqueue(mml_zone(machine), gfp, order, false);
	if (likely(page)) {
		if (gfp & __GFP_ZERO && mml_has_memory(machine))
			memset(mml_page_address(machine, page), 0, PAGE_SIZE << order);
		mml_count_vm_events(machine, MML_PGALLOC, 1UL << order);
	}
	trace_mm_page_alloc(machine, page, order, gfp, MML_MIGRATE_UNMOVABLE);
	return page;
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_pages, MM_LAB);

/* Has @machine a frame of that number? Not beyond its end, nor in a hole. */
static bool mml_pfn_present(const struct mml_machine *machine, mml_pfn_t pfn)
{
	return mml_pfn_valid(machine, pfn) &&
	       machine->memmap[pfn.val].state != MML_FRAME_ABSENT;
}

/* Why a block of @order is not merged with its buddy, whether or not there is one. */
static void mml_tell_unmerged(struct mml_zone *zone, unsigned int freed,
			      unsigned int order, mml_pfn_t buddy_pfn,
			      const struct mml_page *buddy)
{
	if (order == MML_MAX_ORDER)
		mml_tell(zone, freed, MML_TRY_LARGEST, order, NULL, 0);
	else if (!mml_pfn_present(zone->machine, buddy_pfn))
		mml_tell(zone, freed, MML_TRY_NO_BUDDY, order, buddy, 0);
	else if (buddy->state == MML_FRAME_FREE)
		mml_tell(zone, freed, MML_TRY_BUDDY_SPLIT, order, buddy, buddy->order);
	else
		mml_tell(zone, freed, MML_TRY_BUDDY_USED, order, buddy, 0);
}

/* Put a block of @freed that begins at @page back, merged with its free buddies. */
static __always_inline void mml_free_one_page(struct mml_zone *zone,
					      struct mml_page *page,
					      unsigned int freed, bool told)
{
	struct mml_machine *machine = zone->machine;
	mml_pfn_t pfn = mml_page_to_pfn(machine, page), buddy_pfn = pfn;
	struct mml_page *buddy = page;
	unsigned int order;

	lockdep_assert_held(&zone->lock);

	page->state = MML_FRAME_INTERIOR;
	for (order = freed; order < MML_MAX_ORDER; order++) {
		buddy_pfn = mml_find_buddy(pfn, order);
		buddy = mml_pfn_to_page(machine, buddy_pfn);
		if (!mml_pfn_valid(machine, buddy_pfn) ||
		    buddy->state != MML_FRAME_FREE || buddy->order != order ||
		    !mml_del_page_from_free_list(zone, buddy, order))
			break;
		pfn.val &= buddy_pfn.val;
		if (told)
			mml_tell(zone, freed, MML_TRY_MERGE, order, buddy, 0);
	}
	if (told)
		mml_tell_unmerged(zone, freed, order, buddy_pfn, buddy);
	page = mml_pfn_to_page(machine, pfn);
	mml_add_to_free_list(zone, page, order);
	if (told)
		mml_tell(zone, freed, MML_TRY_LIST, order, page,
			 zone->free_area[order].free_list.nr);
}

static void __mml_free_one_page(struct mml_zone *zone, struct mml_page *page,
				unsigned int order)
{
	mml_free_one_page(zone, page, order, false);
}

/* As __mml_free_one_page(), where something of enum mml_slow is wanted. */
static noinline void mml_free_one_page_slow(struct mml_zone *zone,
					    struct mml_page *page, unsigned int order)
{
	if (test_bit(MML_SLOW_DECISIONS, &zone->machine->slow))
		mml_free_one_page(zone, page, order, true);
	else
		__mml_free_one_page(zone, page, order);
}

static enum mml_bad_free mml_free_check(const struct mml_page *page,
					unsigned int order)
{
	if (page->state == MML_FRAME_FREE)
		return MML_FREE_DOUBLE;
	if (page->state == MML_FRAME_ABSENT)
		return MML_FREE_ABSENT;
	if (page->state != MML_FRAME_ALLOCATED)
		return MML_FREE_INTERIOR;
	if (page->order != order)
		return MML_FREE_ORDER;
	if (mml_page_ref_count(page) <= 0)
		return MML_FREE_REFCOUNT;
	return MML_FREE_OK;
}

/**
 * __mml_free_pages - drop a reference to a block; the last one frees it
 * @machine: whose block it is
 * @page: its first frame
 * @order: its order
 *
 * What is not the head of an allocated block of that order is reported, counted and
 * left alone.
 *
 * Context: any but NMI.
 */
void __mml_free_pages(struct mml_machine *machine, struct mml_page *page,
		      unsigned int order)
{
	struct mml_zone *zone = mml_zone(machine);
	enum mml_bad_free bad;
	unsigned long flags;
	bool last = false;

	if (unlikely(!mml_page_valid(machine, page))) {
		mml_report(machine, "bad free of order %u: no frame of this machine",
			   order);
		return;
	}

	spin_lock_irqsave(&zone->lock, flags);
	bad = mml_free_check(page, order);
	if (likely(!bad))
		last = mml_put_page_testzero(page);
	if (last && unlikely(machine->slow))
		mml_free_one_page_slow(zone, page, order);
	else if (last)
		__mml_free_one_page(zone, page, order);
	spin_unlock_irqrestore(&zone->lock, flags);

	if (unlikely(bad)) {
		mml_report(machine, "bad free of frame %u, order %u: %s",
			   mml_page_to_pfn(machine, page).val, order,
			   mml_bad_free_text[bad]);
	} else if (last) {
		mml_count_vm_events(machine, MML_PGFREE, 1UL << order);
		trace_mm_page_free(machine, page, order);
	}
}
EXPORT_SYMBOL_NS_GPL(__mml_free_pages, MM_LAB);

/**
 * mml_put_page - drop a reference to a block whose order one need not know
 * @machine: whose block it is
 * @page: its first frame
 *
 * Context: any but NMI.
 */
void mml_put_page(struct mml_machine *machine, struct mml_page *page)
{
	unsigned int order = mml_page_valid(machine, page) ? READ_ONCE(page->order) : 0;

	__mml_free_pages(machine, page, order);
}
EXPORT_SYMBOL_NS_GPL(mml_put_page, MM_LAB);

/**
 * mml_nr_free_pages - how many frames are free
 * @machine: on which machine
 *
 * Context: any.
 * Return: frames; may have changed meanwhile.
 */
unsigned long mml_nr_free_pages(struct mml_machine *machine)
{
	return READ_ONCE(mml_zone(machine)->nr_free);
}
EXPORT_SYMBOL_NS_GPL(mml_nr_free_pages, MM_LAB);

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
		__mml_free_one_page(zone, &zone->machine->memmap[pfn], order);
	}
}

/* All frames that @machine has become free. */
void mml_zone_init(struct mml_zone *zone, struct mml_machine *machine)
{
	unsigned long pfn, flags;
	int order;

	spin_lock_init(&zone->lock);
	zone->machine = machine;
	zone->managed = machine->nr_present;
	for (order = 0; order < MML_NR_ORDERS; order++)
		mml_frame_list_init(&zone->free_area[order].free_list);

	for (pfn = 0; pfn < machine->nr_frames; pfn += MML_SECTION_FRAMES) {
		spin_lock_irqsave(&zone->lock, flags);
		mml_free_pages_memory(zone, pfn,
				      pfn + mml_section_present(machine, pfn));
		spin_unlock_irqrestore(&zone->lock, flags);
		cond_resched();
	}
}
