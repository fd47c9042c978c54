// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator: how a request for frames is satisfied, and how frames are given
 * back.
 *
 * Kernel counterpart: mm/page_alloc.c; the names are its: mml_alloc_pages() →
 * mml_rmqueue_pcplist() or mml_rmqueue_buddy(), mml_alloc_pages_slowpath();
 * __mml_free_pages() → mml_free_unref_page(). Differences: one zone of one node, no
 * watermarks yet: a request that finds no block fails. A block's state and order are
 * explicit (struct mml_page), so that a double free, a wrong order and a pointer into a
 * block are refused in O(1), always. A bad order or a bad free is reported and counted,
 * never a WARN.
 *
 * The way of a request, from quick to slow:
 *	1. this CPU's list of that order and migratetype (pcp.c): no lock, no other CPU;
 *	2. the free lists of that migratetype (free_list.c), then of others (fallback.c),
 *	   under the zone's lock: for a whole stack of blocks at once, if the order has
 *	   per-CPU lists, or for one block;
 *	3. the slow path: this CPU gives back what it keeps; then all do, a few times if
 *	   need be, for others are at work meanwhile.
 *
 * Hot paths, by design: an order-0 pair touches this CPU's list, the frame's descriptor
 * and the pageblock's migratetype, and has one locked operation, the dropping of the
 * reference. What only some runs want (enum mml_slow) is one test.
 *
 * The life of a block's head:
 *
 *	FREE (zone) ──refill──> PCP (a CPU) ──pop──> ALLOCATED, references >= 1
 *	   ^                      ^   │                   │ the last reference is dropped
 *	   └───────spill, drain───┼───┘ <──push───────────┘
 *	   └──────────── orders without lists ────────────┘
 *
 * Once its last reference is dropped, a head says PCP, a few instructions later and with
 * interrupts off all the while; then it is pushed, or goes to the zone.
 *
 * Locking: a CPU's pcp->lock (interrupts off), and zone->lock inside it; zone->drain in
 * the slow path, alone. Zeroing and the event of what came out happen outside.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "buddy_probe/zone.h"
#include "mm_lab/alloc.h"
#include "mm_lab/vmstat.h"

#include "trace.h"

/* Here are the functions, not the macros that pass the site. */
#undef mml_alloc_pages
#undef mml_alloc_pages_bulk

/* How often a request has all CPUs give back what they keep, before it fails. */
#define MML_DRAIN_TRIES		8

/* Single frames allocated with interrupts off, in bulk. */
#define MML_BULK_BATCH		64UL

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

/* A block becomes allocated. */
static void mml_prep_new_page(struct mml_page *page, unsigned int order,
			      enum mml_migratetype migratetype)
{
	page->order = order;
	page->type = MML_PAGE_KERNEL;
	page->mobility = migratetype;
	page->mapping = NULL;
	page->index = 0;
	atomic_set(&page->_mapcount, 0);
	atomic_set(&page->_refcount, 1);
	/* Its references are there for who reads this: a validator looking on. */
	smp_store_release(&page->state, MML_FRAME_ALLOCATED);
}

/*
 * From this CPU's lists.
 */

/* Returns: NULL if the list is empty, and cannot be refilled. */
static __always_inline struct mml_page *
__mml_rmqueue_pcplist(struct mml_zone *zone, struct mml_pcp_list *list,
		      unsigned int order, enum mml_migratetype migratetype)
{
	struct mml_page *page;

	if (unlikely(!list->nr) && !mml_pcp_refill(zone, list, order, migratetype))
		return NULL;
	page = mml_pcp_pop(zone, &list->first, &list->nr, order);
	if (unlikely(!page))
		return NULL;
	mml_prep_new_page(page, order, migratetype);
	trace_mml_alloc_decision(zone->machine, order, MML_TRY_PCP, order, page,
				 list->nr);
	return page;
}

static __always_inline struct mml_page *
mml_rmqueue_pcplist(struct mml_zone *zone, unsigned int order,
		    enum mml_migratetype migratetype)
{
	struct mml_pcp_list *list;
	struct mml_page *page;
	unsigned long flags;

	local_lock_irqsave(&zone->pcp->lock, flags);
	list = &this_cpu_ptr(zone->pcp)->list[mml_pcp_index(order, migratetype)];
	page = __mml_rmqueue_pcplist(zone, list, order, migratetype);
	local_unlock_irqrestore(&zone->pcp->lock, flags);
	return page;
}

/*
 * From the zone.
 */

static struct mml_page *__mml_rmqueue_buddy(struct mml_zone *zone, unsigned int order,
					    enum mml_migratetype migratetype)
{
	unsigned int most = order;
	struct mml_page *page;

	page = mml_rmqueue(zone, order, migratetype, &most);
	if (likely(page))
		mml_prep_new_page(page, order, migratetype);
	return page;
}

static noinline struct mml_page *mml_rmqueue_buddy(struct mml_zone *zone,
						   unsigned int order,
						   enum mml_migratetype migratetype)
{
	struct mml_page *page;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	page = __mml_rmqueue_buddy(zone, order, migratetype);
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

/* The last attempt: it succeeds, or what there was at that moment is written down. */
static struct mml_page *mml_rmqueue_or_explain(struct mml_zone *zone, gfp_t gfp,
					       unsigned int order,
					       enum mml_migratetype migratetype)
{
	struct mml_page *page;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	page = __mml_rmqueue_buddy(zone, order, migratetype);
	if (!page) {
		trace_mml_alloc_decision(zone->machine, order, MML_TRY_FAIL, order, NULL,
					 zone->nr_free);
		mml_explain_rmqueue(zone, gfp, order);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

/*
 * Neither this CPU's list nor the zone has a block: get back what CPUs keep. Others may
 * take it again before we look.
 */
static noinline struct mml_page *
mml_alloc_pages_slowpath(struct mml_zone *zone, gfp_t gfp, unsigned int order,
			 enum mml_migratetype migratetype)
{
	int tries = gfpflags_allow_blocking(gfp) ? MML_DRAIN_TRIES : 0;
	struct mml_page *page = NULL;

	if (trace_mml_alloc_decision_enabled())
		trace_mml_alloc_decision(zone->machine, order, MML_TRY_DRAIN, order,
					 NULL, mml_nr_pcp_pages(zone));
	if (mml_drain_local_pages(zone))
		page = mml_rmqueue_buddy(zone, order, migratetype);
	while (!page && tries-- && mml_nr_pcp_pages(zone)) {
		mml_drain_all_pages(zone->machine);
		page = mml_rmqueue_buddy(zone, order, migratetype);
	}
	return page ?: mml_rmqueue_or_explain(zone, gfp, order, migratetype);
}

/*
 * Is this request to fail, or to find a bug, whatever there is? Asked while something of
 * enum mml_slow is wanted. Returns: true if so; it has been explained.
 */
static noinline bool mml_alloc_refused(struct mml_machine *machine, gfp_t gfp,
				       unsigned int order, struct mml_alloc_site *site)
{
	if (mml_bug_comes(machine)) {
		mml_explain_alloc(machine, MML_WHY_BROKEN, gfp, order);
		return true;
	}
	if (mml_should_fail(machine, gfp, site)) {
		trace_mml_alloc_decision(machine, order, MML_TRY_INJECTED, order, NULL,
					 0);
		mml_explain_alloc(machine, MML_WHY_INJECTED, gfp, order);
		return true;
	}
	return false;
}

static void mml_zero_pages(struct mml_machine *machine, struct mml_page *page,
			   unsigned int order, gfp_t gfp)
{
	if (gfp & __GFP_ZERO && mml_has_memory(machine))
		memset(mml_page_address(machine, page), 0, PAGE_SIZE << order);
}

/**
 * mml_alloc_pages - allocate a block of frames
 * @machine: from which machine
 * @gfp: the kernel's flags; __GFP_ZERO zeroes the block, if it has memory;
 *	__GFP_MOVABLE and __GFP_RECLAIMABLE say from which pageblocks it comes;
 *	__GFP_DIRECT_RECLAIM that other CPUs may be asked to give back what they keep
 * @order: the block has 1 << @order frames, 0–10
 * @site: who asks; the macro of this name fills it in
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM.
 * Return: the block's first frame, with one reference; NULL if no such block is
 * free.
 */
struct mml_page *mml_alloc_pages(struct mml_machine *machine, gfp_t gfp,
				 unsigned int order, struct mml_alloc_site *site)
{
	struct mml_zone *zone = mml_zone(machine);
	enum mml_migratetype migratetype = mml_gfp_migratetype(zone, gfp);
	struct mml_page *page = NULL;

	/* Not a place to reschedule, as might_sleep() is without this option. */
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep_if(gfpflags_allow_blocking(gfp));
	if (unlikely(order > MML_MAX_ORDER)) {
		mml_report(machine, "order %u asked for: the largest is %u", order,
			   MML_MAX_ORDER);
		mml_explain_alloc(machine, MML_WHY_ORDER, gfp, order);
		return NULL;
	}
	if (unlikely(machine->slow) && mml_alloc_refused(machine, gfp, order, site))
		goto out;
	if (likely(mml_pcp_allowed_order(order)))
		page = mml_rmqueue_pcplist(zone, order, migratetype);
	if (unlikely(!page))
		page = mml_rmqueue_buddy(zone, order, migratetype);
	if (unlikely(!page))
		page = mml_alloc_pages_slowpath(zone, gfp, order, migratetype);
	if (likely(page)) {
		mml_zero_pages(machine, page, order, gfp);
		mml_count_vm_events(machine, MML_PGALLOC, 1UL << order);
	}
out:
	trace_mm_page_alloc(machine, page, order, gfp, migratetype);
	return page;
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_pages, MM_LAB);

/* Up to @nr single frames from this CPU's list and its refills. Returns: how many. */
static unsigned long mml_rmqueue_pcplist_bulk(struct mml_zone *zone, unsigned long nr,
					      enum mml_migratetype migratetype,
					      struct mml_page **pages)
{
	struct mml_pcp_list *list;
	unsigned long done, flags;

	local_lock_irqsave(&zone->pcp->lock, flags);
	list = &this_cpu_ptr(zone->pcp)->list[mml_pcp_index(0, migratetype)];
	for (done = 0; done < nr; done++) {
		pages[done] = __mml_rmqueue_pcplist(zone, list, 0, migratetype);
		if (unlikely(!pages[done]))
			break;
	}
	local_unlock_irqrestore(&zone->pcp->lock, flags);
	return done;
}

/**
 * mml_alloc_pages_bulk - allocate many single frames
 * @machine: from which machine
 * @gfp: the kernel's flags, as for mml_alloc_pages()
 * @nr: how many
 * @pages: where they go
 * @site: who asks; the macro of this name fills it in
 *
 * What this CPU's list and the zone's lists have; unlike mml_alloc_pages(), it asks no
 * other CPU for the rest. For those who make allocations fail it is one.
 *
 * Context: any but NMI; never sleeps.
 * Return: how many of @pages, from the first on, are allocated, with one reference
 * each; @nr, or fewer if no more are free.
 */
unsigned long mml_alloc_pages_bulk(struct mml_machine *machine, gfp_t gfp,
				   unsigned long nr, struct mml_page **pages,
				   struct mml_alloc_site *site)
{
	struct mml_zone *zone = mml_zone(machine);
	enum mml_migratetype migratetype = mml_gfp_migratetype(zone, gfp);
	unsigned long done = 0, i, want, got;

	if (unlikely(machine->slow) && mml_alloc_refused(machine, gfp, 0, site))
		return 0;
	do {
		want = min(nr - done, MML_BULK_BATCH);
		got = mml_rmqueue_pcplist_bulk(zone, want, migratetype, pages + done);
		done += got;
	} while (done < nr && got == want);
	/* Where there are no lists, or they are empty. */
	for (; done < nr; done++) {
		pages[done] = mml_rmqueue_buddy(zone, 0, migratetype);
		if (!pages[done])
			break;
	}
	for (i = 0; i < done; i++) {
		mml_zero_pages(machine, pages[i], 0, gfp);
		trace_mm_page_alloc(machine, pages[i], 0, gfp, migratetype);
	}
	mml_count_vm_events(machine, MML_PGALLOC, done);
	return done;
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_pages_bulk, MM_LAB);

/*
 * Giving back.
 */

static enum mml_bad_free mml_free_check(const struct mml_page *page,
					unsigned int order)
{
	u8 state = READ_ONCE(page->state);

	if (likely(state == MML_FRAME_ALLOCATED))
		return page->order == order ? MML_FREE_OK : MML_FREE_ORDER;
	switch (state) {
	case MML_FRAME_FREE:
	case MML_FRAME_PCP:
		return MML_FREE_DOUBLE;
	case MML_FRAME_ABSENT:
		return MML_FREE_ABSENT;
	default:
		return MML_FREE_INTERIOR;
	}
}

/* To the zone, at once; interrupts are off. */
static void mml_free_to_zone(struct mml_zone *zone, struct mml_page *page,
			     unsigned int order)
{
	/* The caller's order is the head's, and that may be damaged. */
	if (unlikely(order > MML_MAX_ORDER)) {
		mml_bug(zone->machine, "a block of order %u is freed", order);
		return;
	}
	spin_lock(&zone->lock);
	mml_free_one_page(zone, page, order);
	spin_unlock(&zone->lock);
}

/*
 * The block goes to this CPU's list, that of its pageblock; to the zone if there is none.
 */
static __always_inline void mml_free_unref_page(struct mml_zone *zone,
						struct mml_page *page, u32 pfn,
						unsigned int order)
{
	enum mml_migratetype migratetype = mml_get_pageblock_migratetype(zone, pfn);
	struct mml_pcp_list *list =
		&this_cpu_ptr(zone->pcp)->list[mml_pcp_index(order, migratetype)];

	if (unlikely(list->nr >= list->size) && !mml_pcp_spill(zone, list, order)) {
		mml_free_to_zone(zone, page, order);
		return;
	}
	if (unlikely(list->aged))
		mml_pcp_age_later(zone, list);
	page->next = list->first;
	list->first = pfn;
	list->nr++;
	trace_mml_alloc_decision(zone->machine, order, MML_TRY_KEEP, order, page,
				 list->nr);
}

/*
 * Drop a reference; the last one frees. With interrupts off, so that nobody sees a
 * head that is neither allocated nor free for longer than a few instructions. Returns:
 * what is wrong with it; *@last: whether it was the last one.
 */
static __always_inline enum mml_bad_free
mml_put_block(struct mml_zone *zone, struct mml_page *page, u32 pfn,
	      unsigned int order, bool *last)
{
	enum mml_bad_free bad;
	unsigned long flags;
	int refs = 0;

	local_lock_irqsave(&zone->pcp->lock, flags);
	bad = mml_free_check(page, order);
	if (likely(!bad)) {
		refs = mml_page_ref_dec(page);
		if (unlikely(!refs))
			bad = MML_FREE_REFCOUNT;
	}
	*last = refs == 1;
	if (likely(*last)) {
		WRITE_ONCE(page->state, MML_FRAME_PCP);
		trace_mm_page_free(zone->machine, page, order);
		if (likely(mml_pcp_allowed_order(order)))
			mml_free_unref_page(zone, page, pfn, order);
		else
			mml_free_to_zone(zone, page, order);
	}
	local_unlock_irqrestore(&zone->pcp->lock, flags);
	return bad;
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
	enum mml_bad_free bad;
	unsigned long pfn;
	bool last;

	if (unlikely(!mml_page_valid_pfn(machine, page, &pfn))) {
		mml_report(machine, "bad free of order %u: no frame of this machine",
			   order);
		return;
	}
	bad = mml_put_block(mml_zone(machine), page, pfn, order, &last);
	if (unlikely(bad)) {
		mml_report(machine, "bad free of frame %lu, order %u: %s", pfn, order,
			   mml_bad_free_text[bad]);
	} else if (last) {
		mml_count_vm_events(machine, MML_PGFREE, 1UL << order);
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
 * What CPUs keep is free, too; the kernel does not count that.
 *
 * Context: any.
 * Return: frames; may have changed meanwhile.
 */
unsigned long mml_nr_free_pages(struct mml_machine *machine)
{
	struct mml_zone *zone = mml_zone(machine);

	return READ_ONCE(zone->nr_free) + mml_nr_pcp_pages(zone);
}
EXPORT_SYMBOL_NS_GPL(mml_nr_free_pages, MM_LAB);
