// SPDX-License-Identifier: GPL-2.0
/*
 * Shrinkers: rooms that keep memory of a machine which they can do without say how much
 * that is, and give some of it back when it is wanted: the more, the harder it is wanted.
 *
 *	freeable = count_objects()
 *	delta    = (freeable >> priority) * 4 / seeks		priority: 12, then 11, … 0
 *	scan       (deferred >> priority) + delta, no more than 2 * freeable, in batches
 *	deferred = what was to be scanned and was not, no more than 2 * freeable
 *
 * Kernel counterpart: mm/shrinker.c. Differences: a machine has a list of its own; no
 * groups of processes (memcg); a shrinker's memory is one piece, so it cannot half fail;
 * what each was asked and gave is always counted, in the file "shrinkers".
 *
 * Unregistering waits for who is at work on that shrinker, by its reference count, as the
 * kernel does, and for nobody else: with one SRCU or semaphore for all it would wait for
 * each other shrinker of the machine, too, which may sleep for long; and who holds a lock
 * that another shrinker takes could not unregister his own.
 *
 * Invariants: a shrinker on the list has a reference count of 1 or more, or somebody is
 * about to take it off; nr_deferred is not less than 0.
 *
 * Locking: machine->shrinkers_lock, a mutex, for changes of the list; RCU to walk it,
 * which is left while a shrinker is at work, with a reference to that.
 */
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/stdarg.h>

#include "mm_lab/alloc.h"
#include "mm_lab/machine.h"
#include "mm_lab/shrinker.h"

#include "trace.h"

#define MML_SHRINK_BATCH	128

static bool mml_shrinker_try_get(struct mml_shrinker *shrinker)
{
	return refcount_inc_not_zero(&shrinker->refcount);
}

static void mml_shrinker_put(struct mml_shrinker *shrinker)
{
	if (refcount_dec_and_test(&shrinker->refcount))
		complete(&shrinker->done);
}

/* What was left to do before. */
static atomic_long_t *mml_nr_deferred(struct mml_shrinker *shrinker,
				      const struct mml_shrink_control *sc)
{
	return &shrinker->nr_deferred[shrinker->flags & SHRINKER_NUMA_AWARE ? sc->nid : 0];
}

/* So many objects are to be scanned anew, when there are so many. */
static unsigned long long mml_shrink_delta(const struct mml_shrinker *shrinker,
					   unsigned long freeable, int priority)
{
	/* What costs nothing to have again goes before anything else suffers. */
	if (!shrinker->seeks)
		return freeable / 2;
	return div_u64((unsigned long long)(freeable >> priority) * 4, shrinker->seeks);
}

/* Let it scan as many, and tell what is left of them. Returns: objects given back. */
static unsigned long mml_shrink_scan(struct mml_shrinker *shrinker,
				     struct mml_shrink_control *sc, long freeable,
				     long *total_scan, long *scanned)
{
	long batch = shrinker->batch ?: MML_SHRINK_BATCH;
	unsigned long freed = 0, ret;

	/*
	 * Less than a batch is not worth it, unless that is all that there is: then memory is
	 * short enough that it should come.
	 */
	while (*total_scan >= batch || *total_scan >= freeable) {
		sc->nr_to_scan = min(batch, *total_scan);
		sc->nr_scanned = sc->nr_to_scan;
		ret = shrinker->scan_objects(shrinker, sc);
		if (ret == SHRINK_STOP)
			break;
		freed += ret;
		*total_scan -= sc->nr_scanned;
		*scanned += sc->nr_scanned;
		cond_resched();
	}
	atomic_long_add(*scanned, &shrinker->nr_scanned);
	atomic_long_add(freed, &shrinker->nr_freed);
	return freed;
}

/* The kernel's do_shrink_slab(). Returns: objects given back. */
static unsigned long mml_do_shrink_slab(struct mml_shrinker *shrinker,
					struct mml_shrink_control *sc, int priority)
{
	atomic_long_t *deferred = mml_nr_deferred(shrinker, sc);
	long freeable, nr, total_scan, scanned = 0, next_deferred;
	unsigned long long delta;
	unsigned long freed;

	freeable = shrinker->count_objects(shrinker, sc);
	atomic_long_inc(&shrinker->nr_calls);
	if (freeable == SHRINK_EMPTY)
		freeable = 0;
	atomic_long_set(&shrinker->nr_counted, freeable);
	if (!freeable)
		return 0;
	/* Who comes meanwhile does not do that, too. */
	nr = atomic_long_xchg(deferred, 0);
	delta = mml_shrink_delta(shrinker, freeable, priority);
	total_scan = nr >> priority;
	total_scan += delta;
	total_scan = min(total_scan, 2 * freeable);
	trace_mm_shrink_slab_start(shrinker, sc, nr, freeable, delta, total_scan, priority);

	freed = mml_shrink_scan(shrinker, sc, freeable, &total_scan, &scanned);
	next_deferred = max_t(long, nr + delta - scanned, 0);
	next_deferred = min(next_deferred, 2 * freeable);
	next_deferred = atomic_long_add_return(next_deferred, deferred);
	trace_mm_shrink_slab_end(shrinker, sc->nid, freed, nr, next_deferred, total_scan);
	return freed;
}

/**
 * mml_shrink_slab - have a machine's shrinkers give back memory
 * @machine: the machine
 * @gfp: of the request that wants it
 * @nid: of this node
 * @priority: how hard it is wanted: from 12, not much, to 0, all that there is
 *
 * Context: process, interrupts on, may sleep; any lock may be held under which the
 * machine's memory may be allocated with __GFP_DIRECT_RECLAIM.
 * Return: how many objects they gave back, each counted as its shrinker counts.
 */
unsigned long mml_shrink_slab(struct mml_machine *machine, gfp_t gfp, int nid, int priority)
{
	struct mml_shrinker *shrinker;
	unsigned long freed = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(shrinker, &machine->shrinkers, list) {
		struct mml_shrink_control sc = { .gfp_mask = gfp, .nid = nid };

		if (!mml_shrinker_try_get(shrinker))
			continue;
		rcu_read_unlock();
		freed += mml_do_shrink_slab(shrinker, &sc, priority);
		/* Before it is let go: it is on the list as long, and so the next one is found. */
		rcu_read_lock();
		mml_shrinker_put(shrinker);
	}
	rcu_read_unlock();
	cond_resched();
	return freed;
}
EXPORT_SYMBOL_NS_GPL(mml_shrink_slab, MM_LAB);

/**
 * mml_has_shrinkers - is there anybody to be asked?
 * @machine: on this machine
 *
 * Context: any; may have changed at once.
 * Return: whether a shrinker is registered.
 */
bool mml_has_shrinkers(const struct mml_machine *machine)
{
	return !list_empty(&machine->shrinkers);
}
EXPORT_SYMBOL_NS_GPL(mml_has_shrinkers, MM_LAB);

/**
 * mml_shrinker_alloc - make a shrinker
 * @machine: of which machine
 * @flags: SHRINKER_NUMA_AWARE: what is left to do is kept by node
 * @fmt: printf format of its name; what is beyond 23 characters is cut off
 *
 * It is registered by mml_shrinker_register(), after its functions have been set.
 *
 * Context: process, may sleep.
 * Return: the shrinker, of DEFAULT_SEEKS; NULL if there is no memory for it.
 */
struct mml_shrinker *mml_shrinker_alloc(struct mml_machine *machine, unsigned int flags,
					const char *fmt, ...)
{
	unsigned int nr = flags & SHRINKER_NUMA_AWARE ? machine->topology.nr_nodes : 1;
	struct mml_shrinker *shrinker;
	va_list args;

	shrinker = mml_kzalloc(machine, struct_size(shrinker, nr_deferred, nr), GFP_KERNEL);
	if (!shrinker)
		return NULL;
	va_start(args, fmt);
	vsnprintf(shrinker->name, sizeof(shrinker->name), fmt, args);
	va_end(args);
	shrinker->machine = machine;
	shrinker->flags = flags;
	shrinker->seeks = DEFAULT_SEEKS;
	init_completion(&shrinker->done);
	return shrinker;
}
EXPORT_SYMBOL_NS_GPL(mml_shrinker_alloc, MM_LAB);

/**
 * mml_shrinker_register - from now on a shrinker is asked
 * @shrinker: from mml_shrinker_alloc(), once
 *
 * Context: process, may sleep.
 */
void mml_shrinker_register(struct mml_shrinker *shrinker)
{
	struct mml_machine *machine = shrinker->machine;

	mutex_lock(&machine->shrinkers_lock);
	shrinker->registered = true;
	refcount_set(&shrinker->refcount, 1);
	list_add_tail_rcu(&shrinker->list, &machine->shrinkers);
	mutex_unlock(&machine->shrinkers_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_shrinker_register, MM_LAB);

/**
 * mml_shrinker_free - a shrinker is asked no more, and goes
 * @shrinker: registered or not; NULL: nothing is done
 *
 * When it returns, none of its functions runs, nor will. Its owner does this before the
 * machine goes, and holds no lock that they wait for.
 *
 * Context: process, may sleep.
 */
void mml_shrinker_free(struct mml_shrinker *shrinker)
{
	if (!shrinker)
		return;
	if (shrinker->registered) {
		mml_shrinker_put(shrinker);
		wait_for_completion(&shrinker->done);
		mutex_lock(&shrinker->machine->shrinkers_lock);
		list_del_rcu(&shrinker->list);
		mutex_unlock(&shrinker->machine->shrinkers_lock);
	}
	kfree_rcu(shrinker, rcu);
}
EXPORT_SYMBOL_NS_GPL(mml_shrinker_free, MM_LAB);

/* The file "shrinkers". */
int mml_shrinkers_show(struct seq_file *seq, void *unused)
{
	struct mml_machine *machine = seq->private;
	struct mml_shrinker *shrinker;

	seq_printf(seq, "%-*s %10s %10s %12s %12s\n", MML_SHRINKER_NAME_LEN - 1, "name",
		   "calls", "counted", "scanned", "freed");
	rcu_read_lock();
	list_for_each_entry_rcu(shrinker, &machine->shrinkers, list)
		seq_printf(seq, "%-*s %10ld %10ld %12ld %12ld\n", MML_SHRINKER_NAME_LEN - 1,
			   shrinker->name, atomic_long_read(&shrinker->nr_calls),
			   atomic_long_read(&shrinker->nr_counted),
			   atomic_long_read(&shrinker->nr_scanned),
			   atomic_long_read(&shrinker->nr_freed));
	rcu_read_unlock();
	return 0;
}
