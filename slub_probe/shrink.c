// SPDX-License-Identifier: GPL-2.0
/*
 * What caches keep and can do without, as a shrinker of the machine: whoever may sleep
 * and finds no frame has it.
 *
 * The unit is a frame. Counted are
 *	empty slabs on their nodes' lists: those come, all of them
 *	slabs that are a CPU's, on fast path A: they come if nobody has an object of them
 *	objects in sheaves, on fast path B: as many frames as they would fill. Each that
 *		is the last one of its slab brings that; others bring nothing
 *	empty slabs that wait for RCU's readers: those come, too, and are waited for if
 *		nothing else is left to be had
 * and not what was given to mml_kfree_rcu() and is not free yet; and to scan is to have all CPUs give back what they have of a cache, one cache after
 * the other until so many frames have been looked at. What is given back is counted where
 * slabs go, and so is exact, but for what others give back meanwhile.
 *
 * Kernel counterpart: none, and this is what the kernel does without: its caches' empty
 * slabs are few, and what CPUs keep they keep; kmem_cache_shrink() is called by hand.
 * What stands in shrinkers there are objects in use: dentries, inodes.
 *
 * Locking: slab_mutex. Who holds it asks for no frames, and waits for nobody who does. Who has
 * to leave because he is killed does. The CPUs' lock comes before it and may not be taken here:
 * what a CPU that goes keeps is missed. The rest is that of mml_cache_shrink(). To count,
 * sheaves of other CPUs are looked at under RCU, in which their memory stays.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "mm_lab/shrinker.h"
#include "slub_probe/slab.h"

/* Slabs of a list that are looked at to see how many are empty, as the kernel does it. */
#define MML_MAX_PARTIAL_TO_SCAN	10000U

/*
 * Counting.
 */

/* Frames of the slabs that a CPU has. */
static unsigned long mml_cpu_slab_kept(const struct mml_kmem_cache *s, int cpu)
{
	const struct mml_kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, cpu);
	unsigned long slabs = READ_ONCE(c->nr_partial) + !!READ_ONCE(c->slab);

	return slabs << s->order;
}

/* Objects in a CPU's sheaves. */
static unsigned long mml_cpu_sheaves_kept(const struct mml_kmem_cache *s, int cpu)
{
	const struct mml_slub_percpu_sheaves *pcs = per_cpu_ptr(s->cpu_sheaves, cpu);
	const struct mml_slab_sheaf *spare;
	unsigned long objects;

	rcu_read_lock();
	spare = READ_ONCE(pcs->spare);
	objects = READ_ONCE(READ_ONCE(pcs->main)->nr) + (spare ? READ_ONCE(spare->nr) : 0);
	rcu_read_unlock();
	return objects;
}

/* Objects in a barn's sheaves. */
static unsigned long mml_barn_kept(struct mml_node_barn *barn)
{
	struct mml_slab_sheaf *sheaf;
	unsigned long objects = 0, flags;

	spin_lock_irqsave(&barn->lock, flags);
	list_for_each_entry(sheaf, &barn->full, barn_list)
		objects += sheaf->nr;
	spin_unlock_irqrestore(&barn->lock, flags);
	return objects;
}

/* Frames of a node's empty slabs, or of those that are found soon. */
static unsigned long mml_node_kept(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n)
{
	unsigned long frames = 0, flags;
	u32 pfn, nr;

	spin_lock_irqsave(&n->list_lock, flags);
	pfn = n->partial.first;
	nr = min(n->partial.nr, MML_MAX_PARTIAL_TO_SCAN);
	for (; nr && pfn < s->machine->nr_frames; nr--) {
		struct mml_slab *slab = mml_page_slab(&s->machine->memmap[pfn]);

		if (!mml_slab_counters(slab).inuse)
			frames += 1UL << slab->order;
		pfn = slab->next;
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return frames;
}

/* What a cache keeps, in frames. With slab_mutex held. */
static unsigned long mml_cache_kept(struct mml_kmem_cache *s)
{
	unsigned long frames = 0, objects = 0;
	unsigned int i;
	int cpu;

	if (!mml_cache_nr_slabs(s))
		return 0;
	for (i = 0; i < s->nr_nodes; i++) {
		frames += mml_node_kept(s, &s->node[i]);
		if (s->path == MML_SLAB_SHEAVES)
			objects += mml_barn_kept(&s->node[i].barn);
	}
	for_each_possible_cpu(cpu) {
		if (s->path == MML_SLAB_SHEAVES)
			objects += mml_cpu_sheaves_kept(s, cpu);
		else if (s->path == MML_SLAB_CPU_SLABS)
			frames += mml_cpu_slab_kept(s, cpu);
	}
	return frames + DIV_ROUND_UP(objects * s->size, PAGE_SIZE);
}

static unsigned long mml_slub_count(struct mml_shrinker *shrinker,
				    struct mml_shrink_control *sc)
{
	struct mml_slub *slub = shrinker->private_data;
	struct mml_kmem_cache *s;
	unsigned long frames = 0;

	if (!atomic_long_read(&slub->nr_pages[0]) && !atomic_long_read(&slub->nr_pages[1]) &&
	    !atomic_long_read(&slub->nr_rcu))
		return SHRINK_EMPTY;
	if (mutex_lock_killable(&slub->slab_mutex))
		return 0;
	list_for_each_entry(s, &slub->slab_caches, list) {
		frames += mml_cache_kept(s);
		cond_resched();
	}
	mutex_unlock(&slub->slab_mutex);
	frames += atomic_long_read(&slub->nr_rcu);
	return frames ?: SHRINK_EMPTY;
}

/*
 * Giving back.
 */

static unsigned long mml_slub_scan(struct mml_shrinker *shrinker,
				   struct mml_shrink_control *sc)
{
	struct mml_slub *slub = shrinker->private_data;
	unsigned long before = atomic_long_read(&slub->nr_freed), kept, waiting;
	struct mml_kmem_cache *s;

	if (mutex_lock_killable(&slub->slab_mutex))
		return SHRINK_STOP;
	sc->nr_scanned = 0;
	list_for_each_entry(s, &slub->slab_caches, list) {
		cond_resched();
		kept = mml_cache_kept(s);
		if (!kept)
			continue;
		mml_cache_shrink(s);
		sc->nr_scanned += kept;
		if (sc->nr_scanned >= sc->nr_to_scan)
			break;
	}
	mutex_unlock(&slub->slab_mutex);
	waiting = atomic_long_read(&slub->nr_rcu);
	if (waiting && sc->nr_scanned < sc->nr_to_scan) {
		rcu_barrier();
		sc->nr_scanned += waiting;
	}
	if (!sc->nr_scanned)
		return SHRINK_STOP;
	return atomic_long_read(&slub->nr_freed) - before;
}

/* A machine's caches can be asked from now on. Returns: 0 or -ENOMEM. */
int mml_slub_shrinker_init(struct mml_slub *slub)
{
	struct mml_shrinker *shrinker = mml_shrinker_alloc(slub->machine, 0, "slub_probe");

	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = mml_slub_count;
	shrinker->scan_objects = mml_slub_scan;
	shrinker->private_data = slub;
	slub->shrinker = shrinker;
	mml_shrinker_register(shrinker);
	return 0;
}
