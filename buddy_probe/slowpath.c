// SPDX-License-Identifier: GPL-2.0
/*
 * The slow path: what is done, and how long, when no zone has a block to spare.
 *
 * Policy only. What can be done, reclaiming, compacting, killing, is not known here: who
 * can do such a thing registers it as struct mml_slowpath_ops; who merely keeps what he can
 * do without is a shrinker (mm_lab/shrinker.h). While nobody has, the same decisions are
 * made, and come to their end sooner.
 *
 *	wake the background reclaimers
 *	try once more, with the reserves that the flags allow
 *	who may not sleep: this CPU gives back what it keeps, try, fail
 *	for large blocks, compact first
 *	┌> reclaim; caches shrink; try; all CPUs give back the frames they keep; try
 *	│  compact; try
 *	│  __GFP_NORETRY, or a large block without __GFP_RETRY_MAYFAIL: fail
 *	└─ as long as reclaiming, or compacting, gets on
 *	out of memory: somebody dies, and from the reclaiming on again; or else fail
 *	__GFP_NOFAIL: wait, and again
 *
 * Kernel counterpart: __alloc_pages_slowpath() and its helpers, mm/page_alloc.c.
 * Differences: what CPUs keep is asked for even if nothing was reclaimed, for they may keep
 * more here; __GFP_NOFAIL waits between two tries, and holds the machine; only who gives
 * __GFP_MEMALLOC has all reserves, for PF_MEMALLOC speaks of the host's memory; what
 * failed is explained (explain.c) instead of printed, so __GFP_NOWARN has nothing to do.
 * Whether compaction is worth it is the compactor's to say, also for a large block with
 * __GFP_NORETRY and without __GFP_IO; it is asked again after reclaiming.
 *
 * Shrinkers are asked with all of the kernel's priorities, one after the other, and after
 * reclaim, not in it; what counts as progress is that frames came free meanwhile.
 *
 * Locking: none held. mml_slowpath_srcu while an op runs.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/srcu.h>

#include "buddy_probe/internal.h"
#include "mm_lab/shrinker.h"

#include "trace.h"

/* A larger block is not worth much reclaiming: the kernel's PAGE_ALLOC_COSTLY_ORDER. */
#define MML_COSTLY_ORDER	3
/* How hard shrinkers are asked at first: the kernel's. */
#define MML_DEF_PRIORITY	12
#define MML_MAX_RECLAIM_RETRIES	16
#define MML_MAX_COMPACT_RETRIES	16
/* How long who may not fail waits for frees, and when that is told. */
#define MML_NOFAIL_WAIT		(HZ / 50)
#define MML_NOFAIL_WARN		(10 * HZ)

DEFINE_STATIC_SRCU(mml_slowpath_srcu);

/**
 * struct mml_slowpath - how far a request has got
 * @ac: what it asks for
 * @alloc_flags: what it may have now
 * @progress: something was reclaimed
 * @no_progress_loops: how often in a row nothing was
 * @compacted: what came of the last compaction
 * @compact_priority: how hard the next one tries
 * @compact_retries: how often it was tried
 */
struct mml_slowpath {
	struct mml_alloc_context *ac;
	unsigned int alloc_flags;
	bool progress;
	int no_progress_loops;
	enum mml_compact_result compacted;
	enum mml_compact_priority compact_priority;
	int compact_retries;
};

static void mml_tell_slowpath(const struct mml_alloc_context *ac, enum mml_try step,
			      unsigned long value)
{
	trace_mml_alloc_decision(ac->machine, ac->order, step, ac->order, NULL, value);
}

/*
 * Who can do something about it.
 */

/**
 * mml_slowpath_register - from now on, something can be done when frames run out
 * @machine: on this machine
 * @ops: what; NULL: nothing any more
 *
 * Context: process, may sleep. When it returns, no op of before runs any more.
 */
void mml_slowpath_register(struct mml_machine *machine, const struct mml_slowpath_ops *ops)
{
	rcu_assign_pointer(mml_buddy(machine)->slowpath, ops);
	synchronize_srcu(&mml_slowpath_srcu);
	if (!ops || !ops->wakeup_kswapd)
		mml_clear_boosts(mml_buddy(machine));
}
EXPORT_SYMBOL_NS_GPL(mml_slowpath_register, MM_LAB);

/*
 * Call an op of @machine's, if there is such a one; @none, if not. As in the kernel's
 * static calls, what it returns is the value.
 */
#define mml_slowpath_call(machine, none, op, ...) ({			\
	const struct mml_slowpath_ops *__ops;				\
	int __idx = srcu_read_lock(&mml_slowpath_srcu);			\
	typeof(none) __ret = none;					\
									\
	__ops = srcu_dereference(mml_buddy(machine)->slowpath,		\
				 &mml_slowpath_srcu);			\
	if (__ops && __ops->op)						\
		__ret = __ops->op(machine, ##__VA_ARGS__);		\
	srcu_read_unlock(&mml_slowpath_srcu, __idx);			\
	__ret;								\
})

/* Is there a background reclaimer? Any context. */
bool mml_has_kswapd(struct mml_zone *zone)
{
	int idx = srcu_read_lock(&mml_slowpath_srcu);
	const struct mml_slowpath_ops *ops =
		srcu_dereference(zone->buddy->slowpath, &mml_slowpath_srcu);
	bool has = ops && ops->wakeup_kswapd;

	srcu_read_unlock(&mml_slowpath_srcu, idx);
	return has;
}

/* A zone is short, or will be: wake its node's background reclaimer. Any context. */
void mml_wakeup_kswapd(struct mml_zone *zone, gfp_t gfp, unsigned int order,
		       enum mml_zone_type highest_zoneidx)
{
	bool woken = mml_slowpath_call(zone->machine, false, wakeup_kswapd, zone->nid,
				       highest_zoneidx, gfp, order);

	if (woken)
		trace_mml_alloc_decision(zone->machine, order, MML_TRY_WAKE,
					 mml_zone_id(zone), NULL, 0);
}

/* Once for each node that the request may have. */
static void mml_wake_all_kswapds(const struct mml_alloc_context *ac)
{
	struct mml_zoneref *ref = ac->preferred_zoneref;
	struct mml_zone *zone;
	int last = NUMA_NO_NODE;

	mml_for_next_zone_zonelist(zone, ref, ac->highest_zoneidx) {
		if (zone->nid != last)
			mml_wakeup_kswapd(zone, ac->gfp, ac->order, ac->highest_zoneidx);
		last = zone->nid;
	}
}

/*
 * What a request may have.
 */

/* The kernel's gfp_to_alloc_flags(). */
static unsigned int mml_gfp_to_alloc_flags(const struct mml_alloc_context *ac)
{
	unsigned int alloc_flags = MML_ALLOC_WMARK_MIN | mml_alloc_flags_cma(ac);
	gfp_t gfp = ac->gfp;

	if (gfp & __GFP_HIGH)
		alloc_flags |= MML_ALLOC_MIN_RESERVE;
	if (gfp & __GFP_KSWAPD_RECLAIM)
		alloc_flags |= MML_ALLOC_KSWAPD;
	if (gfp & __GFP_DIRECT_RECLAIM) {
		if (in_task() && rt_or_dl_task(current))
			alloc_flags |= MML_ALLOC_MIN_RESERVE;
	} else if (!(gfp & __GFP_NOMEMALLOC)) {
		alloc_flags |= MML_ALLOC_NON_BLOCK;
		if (ac->order && alloc_flags & MML_ALLOC_MIN_RESERVE)
			alloc_flags |= MML_ALLOC_HIGHATOMIC;
	}
	return alloc_flags;
}

/* Is it the current process's, and that is to die? Not if it only interrupts it. */
static bool mml_is_oom_victim(const struct mml_alloc_context *ac)
{
	return in_task() && mml_slowpath_call(ac->machine, false, oom_victim);
}

/* Is the request entitled to more, for what its frames are for? 0: no. */
static unsigned int mml_reserve_flags(const struct mml_alloc_context *ac)
{
	if (ac->gfp & __GFP_NOMEMALLOC)
		return 0;
	if (ac->gfp & __GFP_MEMALLOC)
		return MML_ALLOC_NO_WATERMARKS;
	return mml_is_oom_victim(ac) ? MML_ALLOC_OOM : 0;
}

/*
 * The steps.
 */

static struct mml_page *mml_alloc_pages_direct_compact(struct mml_slowpath *sp)
{
	const struct mml_alloc_context *ac = sp->ac;

	sp->compacted = MML_COMPACT_SKIPPED;
	if (!ac->order)
		return NULL;
	sp->compacted = mml_slowpath_call(ac->machine, MML_COMPACT_SKIPPED,
					  try_to_compact_pages, ac->gfp, ac->order,
					  sp->compact_priority);
	if (sp->compacted == MML_COMPACT_SKIPPED)
		return NULL;
	mml_tell_slowpath(ac, MML_TRY_COMPACT, sp->compacted);
	return mml_get_page_from_freelist(ac, sp->alloc_flags);
}

/* Who cannot wait can have back what his own CPU keeps. */
static struct mml_page *mml_alloc_pages_local(struct mml_slowpath *sp)
{
	if (!mml_drain_local_pages(mml_buddy(sp->ac->machine)))
		return NULL;
	mml_tell_slowpath(sp->ac, MML_TRY_DRAIN, 0);
	return mml_get_page_from_freelist(sp->ac, sp->alloc_flags);
}

/* Would one of its zones give the request a block now? */
static bool mml_request_ok(const struct mml_alloc_context *ac, unsigned int alloc_flags)
{
	struct mml_zoneref *ref = ac->preferred_zoneref;
	struct mml_zone *zone;

	mml_for_next_zone_zonelist(zone, ref, ac->highest_zoneidx)
		if (__mml_zone_watermark_ok(zone, ac->order,
					    mml_wmark_pages(zone, alloc_flags &
							    MML_ALLOC_WMARK_MASK),
					    ac->highest_zoneidx, alloc_flags,
					    READ_ONCE(zone->nr_free)))
			return true;
	return false;
}

/*
 * Who keeps something is asked for it, harder and harder, until there is a block for the
 * request. Returns: how many more frames are free then, whoever gave them back: several may
 * ask at once.
 */
static unsigned long mml_shrink_caches(const struct mml_slowpath *sp)
{
	const struct mml_alloc_context *ac = sp->ac;
	int nid = ac->preferred_zoneref->zone ? ac->preferred_zoneref->zone->nid : 0;
	unsigned long before = mml_nr_free_pages(ac->machine), now = before, last;
	int priority;

	if (!mml_has_shrinkers(ac->machine))
		return 0;
	for (priority = MML_DEF_PRIORITY; priority >= 0; priority--) {
		last = now;
		mml_shrink_slab(ac->machine, ac->gfp, nid, priority);
		now = mml_nr_free_pages(ac->machine);
		/* What came free may be kept by CPUs, in pieces. */
		if (now > last)
			mml_drain_all_pages(ac->machine);
		if (mml_request_ok(ac, sp->alloc_flags) || fatal_signal_pending(current))
			break;
	}
	return now > before ? now - before : 0;
}

static struct mml_page *mml_alloc_pages_direct_reclaim(struct mml_slowpath *sp)
{
	const struct mml_alloc_context *ac = sp->ac;
	unsigned long reclaimed, kept;
	struct mml_page *page = NULL;

	reclaimed = mml_slowpath_call(ac->machine, 0UL, try_to_free_pages, ac->gfp,
				      ac->order);
	reclaimed += mml_shrink_caches(sp);
	sp->progress = reclaimed;
	if (reclaimed) {
		mml_tell_slowpath(ac, MML_TRY_RECLAIM, reclaimed);
		page = mml_get_page_from_freelist(ac, sp->alloc_flags);
	}
	kept = page ? 0 : mml_nr_pcp_pages(mml_buddy(ac->machine));
	if (!page && (mml_unreserve_highatomic_pageblock(ac, false) || kept)) {
		mml_tell_slowpath(ac, MML_TRY_DRAIN, kept);
		mml_drain_all_pages(ac->machine);
		page = mml_get_page_from_freelist(ac, sp->alloc_flags);
	}
	return page;
}

/* Would a zone have a block, if all that can be reclaimed were free? */
static bool mml_zones_reclaimable(const struct mml_slowpath *sp)
{
	const struct mml_alloc_context *ac = sp->ac;
	struct mml_zoneref *ref = ac->preferred_zoneref;
	struct mml_zone *zone;

	mml_for_next_zone_zonelist(zone, ref, ac->highest_zoneidx) {
		unsigned long available = READ_ONCE(zone->nr_free) +
			mml_slowpath_call(ac->machine, 0UL, reclaimable_pages,
					  zone->nid, zone->zid);

		if (__mml_zone_watermark_ok(zone, ac->order,
					    mml_wmark_pages(zone, MML_WMARK_MIN),
					    ac->highest_zoneidx, sp->alloc_flags,
					    available))
			return true;
	}
	return false;
}

static bool mml_should_reclaim_retry(struct mml_slowpath *sp)
{
	if (sp->progress && sp->ac->order <= MML_COSTLY_ORDER)
		sp->no_progress_loops = 0;
	else
		sp->no_progress_loops++;
	if (sp->no_progress_loops <= MML_MAX_RECLAIM_RETRIES &&
	    mml_zones_reclaimable(sp)) {
		mml_tell_slowpath(sp->ac, MML_TRY_RETRY, sp->no_progress_loops);
		/* A worker that only looks on does not let others work. */
		if (current->flags & PF_WQ_WORKER)
			schedule_timeout_uninterruptible(1);
		else
			cond_resched();
		return true;
	}
	/* Before somebody dies, or the request fails: the last of that reserve. */
	return mml_unreserve_highatomic_pageblock(sp->ac, true);
}

static bool mml_should_compact_retry(struct mml_slowpath *sp)
{
	bool costly = sp->ac->order > MML_COSTLY_ORDER;
	int retries = costly ? MML_MAX_COMPACT_RETRIES / 4 : MML_MAX_COMPACT_RETRIES;

	if (!sp->ac->order || !sp->progress || sp->compacted == MML_COMPACT_SKIPPED)
		return false;
	if (sp->compacted == MML_COMPACT_SUCCESS && sp->compact_retries++ < retries)
		return true;
	/* As hard as that it did not work: harder, for what is not too large. */
	if (sp->compact_priority <= (costly ? MML_COMPACT_PRIO_SYNC_LIGHT :
					      MML_COMPACT_PRIO_SYNC_FULL))
		return false;
	sp->compact_priority--;
	sp->compact_retries = 0;
	return true;
}

/* Returns: a block; NULL, and whether it may be tried again, in sp->progress. */
static struct mml_page *mml_alloc_pages_may_oom(struct mml_slowpath *sp)
{
	const struct mml_alloc_context *ac = sp->ac;
	struct mml_page *page;

	sp->progress = false;
	/* Somebody may have freed a lot meanwhile. */
	page = mml_get_page_from_freelist(ac, MML_ALLOC_WMARK_HIGH | mml_alloc_flags_cma(ac));
	if (page || ac->order > MML_COSTLY_ORDER ||
	    ac->gfp & (__GFP_RETRY_MAYFAIL | __GFP_THISNODE) ||
	    ac->highest_zoneidx < MML_ZONE_NORMAL)
		return page;
	/* One at a time: who comes meanwhile tries again a little later. */
	if (!mutex_trylock(&mml_buddy(ac->machine)->oom)) {
		sp->progress = true;
		schedule_timeout_uninterruptible(1);
		return NULL;
	}
	sp->progress = mml_slowpath_call(ac->machine, false, out_of_memory, ac->gfp,
					 ac->order);
	mutex_unlock(&mml_buddy(ac->machine)->oom);
	mml_tell_slowpath(ac, MML_TRY_OOM, sp->progress);
	return NULL;
}

/*
 * The whole.
 */

/* Is it of any use to compact before anything is reclaimed? */
static bool mml_compact_first(const struct mml_alloc_context *ac)
{
	return ac->order > MML_COSTLY_ORDER ||
	       (ac->order && ac->migratetype != MML_MIGRATE_MOVABLE);
}

/* One round of what takes time. *@again: another one makes sense. */
static struct mml_page *mml_alloc_pages_round(struct mml_slowpath *sp, bool *again)
{
	const struct mml_alloc_context *ac = sp->ac;
	struct mml_page *page;

	page = mml_alloc_pages_direct_reclaim(sp);
	if (!page)
		page = mml_alloc_pages_direct_compact(sp);
	if (page || ac->gfp & __GFP_NORETRY ||
	    (ac->order > MML_COSTLY_ORDER && !(ac->gfp & __GFP_RETRY_MAYFAIL)))
		return page;
	*again = mml_should_reclaim_retry(sp) || mml_should_compact_retry(sp);
	if (*again)
		return NULL;
	page = mml_alloc_pages_may_oom(sp);
	/* Who is to die, and has had what he may, does not wait for that. */
	if (sp->alloc_flags & MML_ALLOC_OOM ||
	    (ac->gfp & __GFP_NOMEMALLOC && mml_is_oom_victim(ac)))
		return page;
	if (!page && sp->progress) {
		sp->no_progress_loops = 0;
		*again = true;
	}
	return page;
}

/* From its flags to a block, or to the end of what its flags allow. */
static struct mml_page *mml_alloc_pages_try(struct mml_slowpath *sp)
{
	struct mml_alloc_context *ac = sp->ac;
	struct mml_page *page;
	unsigned int reserve;
	bool again = true;

	sp->compact_priority = MML_COMPACT_PRIO_ASYNC;
	sp->alloc_flags = mml_gfp_to_alloc_flags(ac);
	if (sp->alloc_flags & MML_ALLOC_KSWAPD)
		mml_wake_all_kswapds(ac);
	page = mml_get_page_from_freelist(ac, sp->alloc_flags);
	if (!page && gfpflags_allow_blocking(ac->gfp) && mml_compact_first(ac) &&
	    !(ac->gfp & __GFP_MEMALLOC))
		page = mml_alloc_pages_direct_compact(sp);
	sp->compact_priority = MML_COMPACT_PRIO_SYNC_LIGHT;
	while (!page && again) {
		again = false;
		reserve = mml_reserve_flags(ac);
		if (reserve) {
			sp->alloc_flags = reserve | (sp->alloc_flags &
						     (MML_ALLOC_KSWAPD | MML_ALLOC_CMA));
			page = mml_get_page_from_freelist(ac, sp->alloc_flags);
		}
		if (page)
			break;
		/* Who reclaims does not reclaim to do so. */
		if (!gfpflags_allow_blocking(ac->gfp) || ac->gfp & __GFP_MEMALLOC)
			return mml_alloc_pages_local(sp);
		page = mml_alloc_pages_round(sp, &again);
		if (again && sp->alloc_flags & MML_ALLOC_KSWAPD)
			mml_wake_all_kswapds(ac);
	}
	return page;
}

/* It must not fail. The machine stays as long as it waits, and says who does. */
static struct mml_page *mml_alloc_pages_nofail(struct mml_slowpath *sp)
{
	struct mml_machine *machine = sp->ac->machine;
	unsigned long begin = jiffies;
	struct mml_page *page;
	struct mml_hold hold;
	bool told = false;

	mml_machine_hold_again(machine, &hold, "request that may not fail");
	do {
		mml_tell_slowpath(sp->ac, MML_TRY_WAIT, jiffies_to_msecs(jiffies - begin));
		if (!told && time_after(jiffies, begin + MML_NOFAIL_WARN)) {
			told = true;
			pr_warn("machine %u: %s[%d] has been waiting for a block of order %u for 10 s, and may not fail: free some, \"mmlab explain %u\" says why it has none\n",
				machine->id, current->comm, task_pid_nr(current),
				sp->ac->order, machine->id);
			mml_explain_zones(sp->ac, sp->alloc_flags, true);
		}
		schedule_timeout_uninterruptible(MML_NOFAIL_WAIT);
		page = mml_alloc_pages_try(sp);
		/* No other reserve: with that, all would only get worse. */
		if (!page)
			page = mml_get_page_from_freelist(sp->ac, MML_ALLOC_MIN_RESERVE |
							  mml_alloc_flags_cma(sp->ac));
	} while (!page);
	mml_machine_unhold_again(machine, &hold);
	return page;
}

/*
 * It fails, and what there was is written down; unless that shows that there is something
 * now.
 */
static struct mml_page *mml_alloc_pages_fail(struct mml_slowpath *sp)
{
	struct mml_page *page = NULL;
	int tries;

	for (tries = 1; !page && tries <= MML_MAX_RECLAIM_RETRIES; tries++) {
		bool last = tries == MML_MAX_RECLAIM_RETRIES;

		if (mml_explain_zones(sp->ac, sp->alloc_flags, last))
			break;
		page = mml_get_page_from_freelist(sp->ac, sp->alloc_flags);
	}
	if (!page)
		mml_tell_slowpath(sp->ac, MML_TRY_FAIL, mml_nr_free_pages(sp->ac->machine));
	return page;
}

/*
 * No zone has a block above its low watermark. Returns: one after all, or NULL; why is
 * explained then. Context: as mml_alloc_pages().
 */
noinline struct mml_page *mml_alloc_pages_slowpath(struct mml_alloc_context *ac)
{
	struct mml_slowpath sp = { .ac = ac };
	struct mml_page *page = mml_alloc_pages_try(&sp);

	/* Who may not sleep may not insist. */
	if (!page && ac->gfp & __GFP_NOFAIL && gfpflags_allow_blocking(ac->gfp) &&
	    ac->preferred_zoneref->zone)
		page = mml_alloc_pages_nofail(&sp);
	return page ?: mml_alloc_pages_fail(&sp);
}
