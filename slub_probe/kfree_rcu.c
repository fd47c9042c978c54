// SPDX-License-Identifier: GPL-2.0
/*
 * kfree_rcu: memory that readers may still look at is freed once they are done.
 *
 *	              this CPU's sheaf for it, full        barn
 *	object ───┬──> [ rcu_free ] ─────── call_rcu() ──> as full sheaf, or to its slabs
 *	          └──> pending ── monitor ──> batch ── rcu_work ──> mml_kfree(), one by one
 *	                  for what is not of sheaves, or finds none
 *
 * A whole sheaf waits for one grace period with one callback, and can serve requests as it is
 * then. The others are linked by their struct rcu_head, whose func says how far into the object
 * it is; one batch waits at a time, and what comes meanwhile waits for the next.
 *
 * Kernel counterpart: __kfree_rcu_sheaf() and rcu_free_sheaf() in mm/slub.c of v7.0,
 * kvfree_call_rcu() in kernel/rcu/tree.c of v6.12 for the batches. Differences: batches are the
 * machine's, not a CPU's, for what fits into sheaves does not come here; there is no variant
 * without a struct rcu_head.
 *
 * Locking: none here; pending is a lock-free list. batch is the monitor's while it is NULL, and
 * the rcu_work's while it is not.
 */
#include <linux/export.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>

#include "slub_probe/slab.h"

/* How long more is waited for, before a grace period is. */
#define MML_KFREE_DRAIN_DELAY	(HZ / 50)

static void mml_kfree_rcu_work(struct work_struct *work)
{
	struct mml_slub *slub = container_of(to_rcu_work(work), struct mml_slub, rcu_work);
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, slub->rcu_batch) {
		struct rcu_head *head = (struct rcu_head *)node;

		mml_kfree(slub->machine, (void *)head - (unsigned long)head->func);
		cond_resched();
	}
	/* Pairs with the acquire in mml_kfree_rcu_monitor(). */
	smp_store_release(&slub->rcu_batch, NULL);
	/* Who has just added something may have been told that a batch is under way. */
	smp_mb();
	if (!llist_empty(&slub->rcu_pending))
		queue_delayed_work(system_unbound_wq, &slub->rcu_monitor,
				   MML_KFREE_DRAIN_DELAY);
}

static void mml_kfree_rcu_monitor(struct work_struct *work)
{
	struct mml_slub *slub = container_of(work, struct mml_slub, rcu_monitor.work);

	/* One is under way: it comes back here. */
	if (smp_load_acquire(&slub->rcu_batch))
		return;
	slub->rcu_batch = llist_del_all(&slub->rcu_pending);
	if (slub->rcu_batch)
		queue_rcu_work(system_unbound_wq, &slub->rcu_work);
}

/**
 * __mml_kfree_rcu - free memory once nobody reads it any more
 * @machine: whose it is
 * @object: from mml_kmalloc(), or an object of any cache; what is neither is reported
 * @head: within it, or behind all that readers look at; not looked at with RCU by anybody
 *
 * Use mml_kfree_rcu().
 *
 * Context: any but NMI.
 */
void __mml_kfree_rcu(struct mml_machine *machine, void *object, struct rcu_head *head)
{
	struct mml_page *page = mml_object_head(machine, object);
	struct mml_slub *slub = mml_slub(machine);

	if (page && page->type == MML_PAGE_SLAB) {
		struct mml_slab *slab = mml_page_slab(page);
		struct mml_kmem_cache *s = slab->slab_cache;

		if (!READ_ONCE(s->rcu_used))
			WRITE_ONCE(s->rcu_used, true);
		if (s->path == MML_SLAB_SHEAVES && mml_sheaf_free_rcu(s, slab, object))
			return;
		if (s->path == MML_SLAB_DEBUG && !mml_debug_wait(s, slab, object))
			return;
	} else if (unlikely(!page || page->type != MML_PAGE_LARGE_KMALLOC)) {
		/* That says what is wrong; nothing is written to it. */
		mml_kfree(machine, object);
		return;
	}
	head->func = (rcu_callback_t)((void *)head - object);
	if (llist_add((struct llist_node *)head, &slub->rcu_pending))
		queue_delayed_work(system_unbound_wq, &slub->rcu_monitor,
				   MML_KFREE_DRAIN_DELAY);
}
EXPORT_SYMBOL_NS_GPL(__mml_kfree_rcu, MM_LAB);

/*
 * All that was given to the list before has been freed, whatever comes meanwhile: the first round
 * ends the batch that is under way, the second one takes what was pending, and ends that. Process
 * context.
 */
void mml_kfree_rcu_flush(struct mml_slub *slub)
{
	int round;

	for (round = 0; round < 2; round++) {
		mod_delayed_work(system_unbound_wq, &slub->rcu_monitor, 0);
		flush_delayed_work(&slub->rcu_monitor);
		flush_rcu_work(&slub->rcu_work);
	}
}

/**
 * mml_kfree_rcu_barrier - wait until all is free that was given to mml_kfree_rcu()
 * @machine: of which machine
 *
 * Context: process, may sleep.
 */
void mml_kfree_rcu_barrier(struct mml_machine *machine)
{
	struct mml_slub *slub = mml_slub(machine);
	struct mml_kmem_cache *s;

	mml_slub_lock(slub);
	list_for_each_entry(s, &slub->slab_caches, list)
		if (READ_ONCE(s->rcu_used))
			mml_cache_shrink(s);
	mml_slub_unlock(slub);
	mml_kfree_rcu_flush(slub);
	rcu_barrier();
}
EXPORT_SYMBOL_NS_GPL(mml_kfree_rcu_barrier, MM_LAB);

void mml_kfree_rcu_init(struct mml_slub *slub)
{
	init_llist_head(&slub->rcu_pending);
	INIT_DELAYED_WORK(&slub->rcu_monitor, mml_kfree_rcu_monitor);
	INIT_RCU_WORK(&slub->rcu_work, mml_kfree_rcu_work);
}

/* Nobody gives anything any more. */
void mml_kfree_rcu_exit(struct mml_slub *slub)
{
	mml_kfree_rcu_flush(slub);
	cancel_delayed_work_sync(&slub->rcu_monitor);
}
