/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shrinkers: who keeps memory that he can do without, and can be asked for it.
 *
 * Kernel counterpart: include/linux/shrinker.h; its constants (SHRINK_STOP, SHRINK_EMPTY,
 * SHRINKER_NUMA_AWARE, DEFAULT_SEEKS) are used as they are. Differences: see shrinker.c.
 */
#ifndef _MML_SHRINKER_H
#define _MML_SHRINKER_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/gfp_types.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/shrinker.h>
#include <linux/types.h>

struct mml_machine;
struct seq_file;

#define MML_SHRINKER_NAME_LEN	24

/**
 * struct mml_shrink_control - what a shrinker is told, and tells
 * @gfp_mask: of the request that wants memory
 * @nid: the node that is short of it
 * @nr_to_scan: objects to look at
 * @nr_scanned: in: the same; out: how many that were, not 0
 */
struct mml_shrink_control {
	gfp_t gfp_mask;
	int nid;
	unsigned long nr_to_scan;
	unsigned long nr_scanned;
};

/**
 * struct mml_shrinker - who can be asked, of one machine
 * @count_objects: how many objects could be given back; SHRINK_EMPTY, or 0, which says,
 *	too, that it is not known now. No look at whether they may be given back right
 *	now: what is counted and not scanned is made up for later
 * @scan_objects: look at some, and give back what can be. Returns: how many were given
 *	back; SHRINK_STOP: none can be from here, for a lock that is needed may be the
 *	caller's. What allocates of the machine in it does so with __GFP_MEMALLOC
 * @batch: objects to be scanned at once; 0: 128
 * @seeks: what an object costs to have it again: 2 (DEFAULT_SEEKS) if nothing else is
 *	known; 0: next to nothing
 * @flags: SHRINKER_NUMA_AWARE: nodes are told apart
 * @private_data: whose it is, for him
 * @machine: whose memory
 * @name: for people
 * @registered: on the machine's list
 * @refcount: 1 while it is registered, and one for each who is at work on it
 * @done: the last of these is gone
 * @rcu: its memory goes when no one can come across it any more
 * @list: on the machine's list
 * @nr_calls: how often it was asked how many there are
 * @nr_counted: what it said last
 * @nr_scanned: objects that it has looked at
 * @nr_freed: those that it gave back
 * @nr_deferred: by node, or one for all: objects that should have been scanned and were
 *	not
 *
 * The first six are the owner's, to be set before it is registered. The first two are
 * called in process context, interrupts on, and may sleep; locks of any who allocates may
 * be held.
 */
struct mml_shrinker {
	unsigned long (*count_objects)(struct mml_shrinker *shrinker,
				       struct mml_shrink_control *sc);
	unsigned long (*scan_objects)(struct mml_shrinker *shrinker,
				      struct mml_shrink_control *sc);
	long batch;
	int seeks;
	unsigned int flags;
	void *private_data;

	struct mml_machine *machine;
	char name[MML_SHRINKER_NAME_LEN];
	bool registered;
	refcount_t refcount;
	struct completion done;
	struct rcu_head rcu;
	struct list_head list;
	atomic_long_t nr_calls;
	atomic_long_t nr_counted;
	atomic_long_t nr_scanned;
	atomic_long_t nr_freed;
	atomic_long_t nr_deferred[];
};

__printf(3, 4)
struct mml_shrinker *mml_shrinker_alloc(struct mml_machine *machine, unsigned int flags,
					const char *fmt, ...);
void mml_shrinker_register(struct mml_shrinker *shrinker);
void mml_shrinker_free(struct mml_shrinker *shrinker);
unsigned long mml_shrink_slab(struct mml_machine *machine, gfp_t gfp, int nid, int priority);
bool mml_has_shrinkers(const struct mml_machine *machine);

/* What follows is the ground's own. */

int mml_shrinkers_show(struct seq_file *seq, void *unused);

#endif /* _MML_SHRINKER_H */
