// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator: how a request for frames is satisfied, and how frames are given
 * back.
 *
 * Kernel counterpart: mm/page_alloc.c; the names are its: mml_alloc_pages() →
 * mml_get_page_from_freelist() → mml_rmqueue_pcplist() or mml_rmqueue_buddy();
 * __mml_free_pages() → mml_free_unref_page(). Differences: this CPU's list of the zone
 * that comes first is asked before any watermark; a block's state and order are explicit
 * (struct mml_page), so that a double free, a wrong order and a pointer into a block are
 * refused in O(1), always. A bad order or a bad free is reported and counted, never a
 * WARN.
 *
 * The way of a request, from quick to slow:
 *	1. this CPU's list of that order and migratetype, of the first zone (pcp.c): no
 *	   lock, no other CPU;
 *	2. the zones one after the other, as far as their watermarks allow it
 *	   (watermark.c): the free lists of that migratetype (free_list.c), then of others
 *	   (fallback.c), under the zone's lock: for a whole stack of blocks at once, if the
 *	   order has per-CPU lists, or for one block;
 *	3. the slow path (slowpath.c).
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
 * Locking: a CPU's pcp->lock (interrupts off), and zone->lock inside it. Zeroing and the
 * event of what came out happen outside.
 */
#include <linux/export.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"
#include "mm_lab/alloc.h"
#include "mm_lab/vmstat.h"

#include "trace.h"

/* Here are the functions, not the macros that pass the site. */
#undef mml_alloc_pages
#undef mml_alloc_pages_node
#undef mml_alloc_pages_bulk

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

/*
 * From a zone.
 */

/* A block goes out; interrupts are off. */
static __always_inline void mml_rmqueue_done(struct mml_zone *zone, struct mml_page *page,
					     unsigned int order,
					     enum mml_migratetype migratetype)
{
	mml_prep_new_page(page, order, migratetype);
	__mml_count_vm_events(zone->machine, MML_PGALLOC, 1UL << order);
}

/* From this CPU's list, which is not empty. Returns: NULL if it is corrupt. */
static __always_inline struct mml_page *
mml_pcp_take(struct mml_zone *zone, struct mml_pcp_list *list, unsigned int order,
	     enum mml_migratetype migratetype)
{
	struct mml_page *page = mml_pcp_pop(zone, &list->first, &list->nr, order);

	if (unlikely(!page))
		return NULL;
	mml_rmqueue_done(zone, page, order, migratetype);
	trace_mml_alloc_decision(zone->machine, order, MML_TRY_PCP, order, page,
				 list->nr);
	return page;
}

/* What this CPU keeps. Returns: NULL if that is nothing. */
static __always_inline struct mml_page *
mml_rmqueue_kept(struct mml_zone *zone, unsigned int order,
		 enum mml_migratetype migratetype)
{
	struct mml_page *page = NULL;
	struct mml_pcp_list *list;
	unsigned long flags;

	local_lock_irqsave(&zone->pcp->lock, flags);
	list = &this_cpu_ptr(zone->pcp)->list[mml_pcp_index(order, migratetype)];
	if (likely(list->nr) || mml_pcp_swap(list))
		page = mml_pcp_take(zone, list, order, migratetype);
	local_unlock_irqrestore(&zone->pcp->lock, flags);
	return page;
}

/* The same, refilled if need be. */
static struct mml_page *mml_rmqueue_pcplist(struct mml_zone *zone, unsigned int order,
					    enum mml_migratetype migratetype,
					    unsigned int alloc_flags)
{
	struct mml_page *page = NULL;
	struct mml_pcp_list *list;
	unsigned long flags;

	local_lock_irqsave(&zone->pcp->lock, flags);
	list = &this_cpu_ptr(zone->pcp)->list[mml_pcp_index(order, migratetype)];
	if (list->nr || mml_pcp_refill(zone, list, order, migratetype, alloc_flags))
		page = mml_pcp_take(zone, list, order, migratetype);
	local_unlock_irqrestore(&zone->pcp->lock, flags);
	return page;
}

static struct mml_page *mml_rmqueue_buddy(struct mml_zone *zone, unsigned int order,
					  enum mml_migratetype migratetype,
					  unsigned int alloc_flags)
{
	struct mml_page *page = NULL;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	if (unlikely(alloc_flags & MML_ALLOC_HIGHATOMIC))
		page = mml_rmqueue_smallest(zone, order, MML_MIGRATE_HIGHATOMIC, order);
	if (!page)
		page = __mml_rmqueue(zone, order, migratetype, alloc_flags, order);
	/* Better take of this reserve than fail, for who cannot wait. */
	if (unlikely(!page) && alloc_flags & (MML_ALLOC_OOM | MML_ALLOC_NON_BLOCK))
		page = mml_rmqueue_smallest(zone, order, MML_MIGRATE_HIGHATOMIC, order);
	if (likely(page))
		mml_rmqueue_done(zone, page, order, migratetype);
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

/* What this CPU keeps of a zone that keeps nothing back of such requests. */
static struct mml_page *mml_rmqueue_own(struct mml_zone *zone,
					const struct mml_alloc_context *ac)
{
	if (!mml_pcp_allowed_order(ac->order) ||
	    READ_ONCE(zone->lowmem_reserve[ac->highest_zoneidx]))
		return NULL;
	return mml_rmqueue_kept(zone, ac->order, ac->migratetype);
}

/* A block of the zone, which has enough. Returns: NULL if it has none of that order. */
static struct mml_page *mml_rmqueue(struct mml_zone *zone,
				    const struct mml_alloc_context *ac,
				    unsigned int alloc_flags)
{
	struct mml_page *page = NULL;

	if (mml_pcp_allowed_order(ac->order))
		page = mml_rmqueue_pcplist(zone, ac->order, ac->migratetype,
					   alloc_flags);
	if (!page)
		page = mml_rmqueue_buddy(zone, ac->order, ac->migratetype, alloc_flags);
	if (unlikely(zone->boosted) && alloc_flags & MML_ALLOC_KSWAPD &&
	    test_and_clear_bit(0, &zone->boosted))
		mml_wakeup_kswapd(zone, 0, 0, zone->zid);
	return page;
}

/*
 * From a zonelist.
 */

/*
 * What a request may have at first. The kernel's alloc_flags_nofragment(): rather another
 * zone than a mixed pageblock.
 */
static unsigned int mml_alloc_flags_first(const struct mml_buddy *buddy,
					  const struct mml_alloc_context *ac)
{
	const struct mml_zone *zone = ac->preferred_zoneref->zone;
	unsigned int alloc_flags = MML_ALLOC_WMARK_LOW | mml_alloc_flags_cma(ac);

	if (ac->gfp & __GFP_KSWAPD_RECLAIM)
		alloc_flags |= MML_ALLOC_KSWAPD;

	if (!zone || zone->zid != MML_ZONE_NORMAL)
		return alloc_flags;
	if (buddy->nr_nodes > 1 &&
	    !buddy->node[zone->nid]->node_zones[MML_ZONE_DMA32].managed)
		return alloc_flags;
	return alloc_flags | MML_ALLOC_NOFRAGMENT;
}

/* One way through the zonelist. */
static struct mml_page *__mml_get_page_from_freelist(const struct mml_alloc_context *ac,
						     unsigned int alloc_flags)
{
	struct mml_zoneref *ref = ac->preferred_zoneref;
	const struct mml_zone *preferred = ref->zone;
	struct mml_zone *zone;
	struct mml_page *page;

	mml_for_next_zone_zonelist(zone, ref, ac->highest_zoneidx) {
		/* A mixed pageblock is better than memory far away. */
		if (alloc_flags & MML_ALLOC_NOFRAGMENT && zone->nid != preferred->nid)
			break;
		page = mml_rmqueue_own(zone, ac);
		if (!page && mml_zone_allowed(zone, ac, alloc_flags))
			page = mml_rmqueue(zone, ac, alloc_flags);
		if (!page)
			continue;
		if (unlikely(alloc_flags & MML_ALLOC_HIGHATOMIC))
			mml_reserve_highatomic_pageblock(zone, page, ac->order);
		return page;
	}
	return NULL;
}

/* A block from the first zone that has one to spare. Returns: NULL if none has. */
struct mml_page *mml_get_page_from_freelist(const struct mml_alloc_context *ac,
					    unsigned int alloc_flags)
{
	struct mml_page *page = __mml_get_page_from_freelist(ac, alloc_flags);

	if (page || !(alloc_flags & MML_ALLOC_NOFRAGMENT))
		return page;
	return __mml_get_page_from_freelist(ac, alloc_flags & ~MML_ALLOC_NOFRAGMENT);
}

static struct mml_alloc_context mml_prepare_alloc_pages(const struct mml_buddy *buddy,
							gfp_t gfp, unsigned int order,
							int nid,
							enum mml_migratetype migratetype)
{
	struct mml_alloc_context ac = {
		.machine = buddy->machine,
		.zonelist = mml_node_zonelist(buddy, nid == NUMA_NO_NODE ?
					      mml_numa_node_id(buddy) : nid, gfp),
		.highest_zoneidx = mml_gfp_zone(gfp),
		.migratetype = migratetype,
		.gfp = gfp,
		.order = order,
	};

	ac.preferred_zoneref = ac.zonelist->preferred[ac.highest_zoneidx];
	return ac;
}

/*
 * Of an order that CPUs do not keep, from the preferred zone, if that has plenty of frames,
 * none of them lent, and the right block. What it keeps back of requests that could have a
 * higher zone does not matter: there is none.
 */
static noinline struct mml_page *mml_rmqueue_plenty(struct mml_zone *zone,
						    unsigned int order,
						    enum mml_migratetype migratetype)
{
	struct mml_page *page;
	unsigned long flags;

	if (READ_ONCE(zone->nr_free) < mml_wmark_pages(zone, MML_WMARK_LOW) +
	    mml_nr_free_special(zone, MML_MIGRATE_HIGHATOMIC) +
	    mml_nr_free_special(zone, MML_MIGRATE_ISOLATE) + (1UL << order) ||
	    mml_nr_free_special(zone, MML_MIGRATE_CMA))
		return NULL;
	spin_lock_irqsave(&zone->lock, flags);
	page = mml_rmqueue_smallest(zone, order, migratetype, order);
	if (likely(page))
		mml_rmqueue_done(zone, page, order, migratetype);
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

/* This CPU keeps none of the preferred zone's: see what the zones have. */
static noinline struct mml_page *mml_alloc_pages_zones(struct mml_buddy *buddy,
						       gfp_t gfp, unsigned int order,
						       int nid,
						       enum mml_migratetype migratetype)
{
	struct mml_alloc_context ac = mml_prepare_alloc_pages(buddy, gfp, order, nid,
							      migratetype);
	struct mml_page *page;

	page = mml_get_page_from_freelist(&ac, mml_alloc_flags_first(buddy, &ac));
	return likely(page) ? page : mml_alloc_pages_slowpath(&ac);
}

/*
 * The calls.
 */

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

/* From node @nid, beginning at its zone @preferred; if that is NULL, see what it has. */
static __always_inline struct mml_page *
__mml_alloc_pages(struct mml_machine *machine, struct mml_zone *preferred, int nid,
		  gfp_t gfp, unsigned int order, struct mml_alloc_site *site)
{
	struct mml_buddy *buddy = mml_buddy(machine);
	enum mml_migratetype migratetype = mml_gfp_migratetype(buddy, gfp);
	struct mml_page *page = NULL;
	gfp_t hook = gfp;	/* __GFP_ZERO: there is something to be done with it */

	mml_might_alloc(gfp);
	if (unlikely(order > MML_MAX_ORDER)) {
		mml_report(machine, "order %u asked for: the largest is %u", order,
			   MML_MAX_ORDER);
		mml_explain_alloc(machine, MML_WHY_ORDER, gfp, order);
		return NULL;
	}
	if (unlikely(machine->slow)) {
		if (mml_alloc_refused(machine, gfp, order, site))
			goto out;
		hook |= __GFP_ZERO;
	}
	if (likely(preferred)) {
		if (likely(mml_pcp_allowed_order(order)))
			page = mml_rmqueue_kept(preferred, order, migratetype);
		else
			page = mml_rmqueue_plenty(preferred, order, migratetype);
	}
	if (unlikely(!page))
		page = mml_alloc_pages_zones(buddy, gfp, order, nid, migratetype);
	if (likely(page) && hook & __GFP_ZERO)
		mml_post_alloc_hook(machine, page, order, gfp);
out:
	trace_mm_page_alloc(machine, page, order, gfp, migratetype);
	return page;
}

/**
 * mml_alloc_pages - allocate a block of frames
 * @machine: from which machine
 * @gfp: the kernel's flags, with the kernel's meaning: which zones (__GFP_DMA,
 *	__GFP_DMA32, GFP_HIGHUSER_MOVABLE: zone MOVABLE, too); which pageblocks
 *	(__GFP_MOVABLE, __GFP_RECLAIMABLE); of the reserves (__GFP_HIGH, __GFP_MEMALLOC,
 *	__GFP_NOMEMALLOC); how hard to try (__GFP_DIRECT_RECLAIM, __GFP_KSWAPD_RECLAIM,
 *	__GFP_NORETRY, __GFP_RETRY_MAYFAIL, __GFP_NOFAIL); __GFP_THISNODE: this CPU's
 *	node only; __GFP_ZERO: zeroed, if it has memory; __GFP_NOWARN
 * @order: the block has 1 << @order frames, 0–10
 * @site: who asks; the macro of this name fills it in
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM.
 * Return: the block's first frame, with one reference; NULL if there is none, or none
 * that may be given to such a request.
 */
struct mml_page *mml_alloc_pages(struct mml_machine *machine, gfp_t gfp,
				 unsigned int order, struct mml_alloc_site *site)
{
	struct mml_zone *preferred = mml_preferred_zone(mml_buddy(machine), gfp);

	/* Of its own node only: that may have none of its zones. */
	if (unlikely(gfp & __GFP_THISNODE))
		preferred = NULL;
	return __mml_alloc_pages(machine, preferred, NUMA_NO_NODE, gfp, order, site);
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_pages, MM_LAB);

/**
 * mml_alloc_pages_node - allocate a block of frames, of a node if possible
 * @machine: from which machine
 * @nid: the node to begin with; NUMA_NO_NODE: this CPU's
 * @gfp: the kernel's flags, as for mml_alloc_pages(); __GFP_THISNODE: @nid only
 * @order: the block has 1 << @order frames, 0–10
 * @site: who asks; the macro of this name fills it in
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM.
 * Return: as mml_alloc_pages(); NULL, and a report, if the machine has no such node.
 */
struct mml_page *mml_alloc_pages_node(struct mml_machine *machine, int nid, gfp_t gfp,
				      unsigned int order, struct mml_alloc_site *site)
{
	const struct mml_buddy *buddy = mml_buddy(machine);

	if (unlikely(nid != NUMA_NO_NODE && (nid < 0 || nid >= buddy->nr_nodes))) {
		mml_report(machine, "a block of node %d asked for: there are %u nodes",
			   nid, buddy->nr_nodes);
		mml_explain_alloc(machine, MML_WHY_NO_ZONE, gfp, order);
		return NULL;
	}
	return __mml_alloc_pages(machine, NULL, nid, gfp, order, site);
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_pages_node, MM_LAB);

/*
 * Up to @nr single frames of a zone that has them to spare, from this CPU's list and its
 * refills. Returns: how many.
 */
static unsigned long __mml_rmqueue_pcplist_bulk(struct mml_zone *zone, unsigned long nr,
						enum mml_migratetype migratetype,
						unsigned int alloc_flags,
						struct mml_page **pages)
{
	struct mml_pcp_list *list;
	unsigned long done, flags;

	local_lock_irqsave(&zone->pcp->lock, flags);
	list = &this_cpu_ptr(zone->pcp)->list[mml_pcp_index(0, migratetype)];
	for (done = 0; done < nr; done++) {
		if (unlikely(!list->nr) &&
		    !mml_pcp_refill(zone, list, 0, migratetype, alloc_flags))
			break;
		pages[done] = mml_pcp_take(zone, list, 0, migratetype);
		if (unlikely(!pages[done]))
			break;
	}
	local_unlock_irqrestore(&zone->pcp->lock, flags);
	return done;
}

/* The same, a few at a time: interrupts come in between. */
static unsigned long mml_rmqueue_pcplist_bulk(struct mml_zone *zone, unsigned long nr,
					      enum mml_migratetype migratetype,
					      unsigned int alloc_flags,
					      struct mml_page **pages)
{
	unsigned long done = 0, want, got;

	do {
		want = min(nr - done, MML_BULK_BATCH);
		got = __mml_rmqueue_pcplist_bulk(zone, want, migratetype, alloc_flags,
						 pages + done);
		done += got;
	} while (done < nr && got == want);
	return done;
}

/* Of all that are wanted, those that the first zone with enough of them has. */
static unsigned long mml_rmqueue_zones_bulk(const struct mml_alloc_context *ac,
					    unsigned int alloc_flags, unsigned long nr,
					    struct mml_page **pages)
{
	struct mml_zoneref *ref = ac->preferred_zoneref;
	struct mml_zone *zone;

	mml_for_next_zone_zonelist(zone, ref, ac->highest_zoneidx)
		if (mml_zone_has_bulk(zone, ac, alloc_flags, nr))
			return mml_rmqueue_pcplist_bulk(zone, nr, ac->migratetype,
							alloc_flags, pages);
	return 0;
}

/**
 * mml_alloc_pages_bulk - allocate many single frames
 * @machine: from which machine
 * @gfp: the kernel's flags, as for mml_alloc_pages()
 * @nr: how many
 * @pages: where they go
 * @site: who asks; the macro of this name fills it in
 *
 * What this CPU's list and the zones have above their low watermarks; unlike
 * mml_alloc_pages(), it does nothing to get the rest. For those who make allocations fail
 * it is one.
 *
 * Context: any but NMI; never sleeps.
 * Return: how many of @pages, from the first on, are allocated, with one reference
 * each; @nr, or fewer if no more are free.
 */
unsigned long mml_alloc_pages_bulk(struct mml_machine *machine, gfp_t gfp,
				   unsigned long nr, struct mml_page **pages,
				   struct mml_alloc_site *site)
{
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_alloc_context ac;
	unsigned int alloc_flags;
	const bool zero = gfp & __GFP_ZERO && mml_has_memory(machine);
	unsigned long done, i;

	if (unlikely(machine->slow) && mml_alloc_refused(machine, gfp, 0, site))
		return 0;
	ac = mml_prepare_alloc_pages(buddy, gfp, 0, NUMA_NO_NODE,
				     mml_gfp_migratetype(buddy, gfp));
	alloc_flags = mml_alloc_flags_first(buddy, &ac);
	done = mml_rmqueue_zones_bulk(&ac, alloc_flags, nr, pages);
	/* One by one, where no zone has that many. */
	for (; done < nr; done++) {
		pages[done] = mml_get_page_from_freelist(&ac, alloc_flags);
		if (!pages[done])
			break;
	}
	for (i = 0; i < done; i++) {
		if (unlikely(machine->slow))
			mml_post_alloc_hook(machine, pages[i], 0, gfp);
		else if (zero)
			clear_page(mml_page_address(machine, pages[i]));
		trace_mm_page_alloc(machine, pages[i], 0, gfp, ac.migratetype);
	}
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
static void mml_free_to_zone(struct mml_zone *zone, u32 pfn, unsigned int order)
{
	/* The caller's order is the head's, and that may be damaged. */
	if (unlikely(order > MML_MAX_ORDER)) {
		mml_bug(zone->machine, "a block of order %u is freed", order);
		return;
	}
	spin_lock(&zone->lock);
	mml_free_one_page(zone, pfn, order);
	spin_unlock(&zone->lock);
}

/*
 * The block goes to this CPU's list, that of its pageblock. Returns: false if that has no
 * room, or there is none.
 */
static __always_inline bool mml_free_unref_page(struct mml_zone *zone,
						struct mml_page *page, u32 pfn,
						unsigned int order)
{
	enum mml_migratetype migratetype = mml_get_pageblock_migratetype(zone, pfn);
	struct mml_pcp_list *list;

	if (unlikely(migratetype >= MML_MIGRATE_PCPTYPES))
		return false;
	list = &this_cpu_ptr(zone->pcp)->list[mml_pcp_index(order, migratetype)];
	if (unlikely(list->nr >= list->size) && !mml_pcp_spill(zone, list, order))
		return false;
	if (unlikely(list->aged))
		mml_pcp_age_later(zone, list);
	page->next = list->first;
	list->first = pfn;
	list->nr++;
	trace_mml_alloc_decision(zone->machine, order, MML_TRY_KEEP, order, page,
				 list->nr);
	return true;
}

/*
 * Drop a reference; the last one frees. With interrupts off, so that nobody sees a
 * head that is neither allocated nor free for longer than a few instructions. Returns:
 * what is wrong with it.
 */
static __always_inline enum mml_bad_free
mml_put_block(struct mml_zone *zone, struct mml_page *page, u32 pfn, unsigned int order)
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
	if (likely(refs == 1)) {
		WRITE_ONCE(page->state, MML_FRAME_PCP);
		__mml_count_vm_events(zone->machine, MML_PGFREE, 1UL << order);
		trace_mm_page_free(zone->machine, page, order);
		if (unlikely(zone->machine->slow & BIT(MML_SLOW_DEBUG)))
			mml_free_pages_prepare(zone->machine, page, order);
		if (unlikely(!mml_pcp_allowed_order(order)) ||
		    !mml_free_unref_page(zone, page, pfn, order))
			mml_free_to_zone(zone, pfn, order);
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

	if (unlikely(!mml_page_valid_pfn(machine, page, &pfn))) {
		mml_report(machine, "bad free of order %u: no frame of this machine",
			   order);
		return;
	}
	bad = mml_put_block(mml_page_zone(mml_buddy(machine), page), page, pfn, order);
	if (unlikely(bad) && mml_report(machine, "bad free of frame %lu, order %u: %s", pfn,
					order, mml_bad_free_text[bad]))
		mml_dump_block_owner(machine, pfn);
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
 * mml_release_pages - drop a reference to each of many single frames
 * @machine: whose frames they are
 * @pages: the frames
 * @nr: how many
 *
 * Context: any but NMI.
 */
void mml_release_pages(struct mml_machine *machine, struct mml_page **pages,
		       unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		trace_mm_page_free_batched(machine, pages[i]);
		__mml_free_pages(machine, pages[i], 0);
	}
}
EXPORT_SYMBOL_NS_GPL(mml_release_pages, MM_LAB);

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
	const struct mml_buddy *buddy = mml_buddy(machine);
	unsigned long frames = 0;
	struct mml_zone *zone;
	int i;

	mml_for_each_populated_zone(buddy, zone, i)
		frames += READ_ONCE(zone->nr_free) + mml_zone_pcp_pages(zone);
	return frames;
}
EXPORT_SYMBOL_NS_GPL(mml_nr_free_pages, MM_LAB);
