// SPDX-License-Identifier: GPL-2.0
/*
 * Fast path B, that of Linux 7.0: a CPU has arrays of objects, sheaves, and no slab of its
 * own. Allocating takes the last pointer of an array, freeing appends one, of whichever
 * slab the object is.
 *
 *	  CPU                                node's barn             slabs
 *	[ main ] <── swap ──> [ spare ] <──> full sheaves   ──────> flush
 *	 pop, push                           empty sheaves  <────── refill
 *
 * When main is empty, in this order: the spare one, if it is not empty; a full one of the
 * barn, for the empty one; one that is refilled from slabs, in one go. When main is full:
 * the spare one, if it is empty; an empty one of the barn, for the full one; a new one, if
 * the barn may have the full one; or else the spare one's objects go back to their slabs,
 * in one go. An object of another node than this CPU's goes to its slab at once.
 *
 * Kernel counterpart: mm/slub.c of v7.0: alloc_from_pcs(), free_to_pcs(),
 * __pcs_replace_empty_main(), __pcs_replace_full_main(), struct node_barn. Differences: a CPU
 * gets its sheaves when it first needs them; the barn's full sheaves may be partly filled;
 * CPUs are asked to flush theirs by interrupt, and again while that comes at a bad time.
 *
 * Invariants, checked by mml_slub_validate():
 *	a sheaf has no more objects than its capacity, and each is one of the cache's
 *	the barn's full sheaves have objects, the empty ones none
 *
 * Locking: mml_sheaves_trylock(), which disables preemption, and which an interrupt may find
 * taken: it goes to slabs then, as who finds nothing in sheaves. barn->lock inside it.
 * Sheaves are filled and emptied outside, when they are nobody's. Their memory goes by RCU,
 * for shrink.c looks at those of other CPUs.
 */
#include <linux/mm.h>

#include "slub_probe/slab.h"

/* What a CPU has before it needs one: full and empty, so that it gets a real one. */
static struct mml_slab_sheaf mml_bootstrap_sheaf;

static struct mml_node_barn *mml_barn(struct mml_kmem_cache *s)
{
	return &s->node[mml_numa_node(s->machine)].barn;
}

/*
 * Sheaves.
 */

/* Not waited for more than the object would be. */
static struct mml_slab_sheaf *mml_alloc_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
					      unsigned int capacity)
{
	struct mml_slab_sheaf *sheaf;

	gfp &= GFP_KERNEL;
	if (gfpflags_allow_blocking(gfp))
		gfp |= __GFP_ACCOUNT;
	sheaf = mml_kzalloc(s->machine, struct_size(sheaf, objects, capacity),
			    gfp | __GFP_NOWARN);
	if (sheaf) {
		sheaf->capacity = capacity;
		sheaf->cache = s;
	}
	return sheaf;
}

static struct mml_slab_sheaf *mml_alloc_empty_sheaf(struct mml_kmem_cache *s, gfp_t gfp)
{
	return mml_alloc_sheaf(s, gfp, s->sheaf_capacity);
}

/* Its objects go back to their slabs. */
static void mml_sheaf_flush(struct mml_kmem_cache *s, struct mml_slab_sheaf *sheaf)
{
	if (!sheaf->nr)
		return;
	mml_slab_free_objects(s, sheaf->objects, sheaf->nr);
	sheaf->nr = 0;
}

/*
 * The barn.
 */

static void mml_barn_init(struct mml_node_barn *barn)
{
	spin_lock_init(&barn->lock);
	INIT_LIST_HEAD(&barn->full);
	INIT_LIST_HEAD(&barn->empty);
}

/* With its lock held. Returns: NULL if there is none of that kind. */
static struct mml_slab_sheaf *mml_barn_pop(struct list_head *sheaves, unsigned int *nr)
{
	struct mml_slab_sheaf *sheaf;

	sheaf = list_first_entry_or_null(sheaves, struct mml_slab_sheaf, barn_list);
	if (!sheaf)
		return NULL;
	list_del(&sheaf->barn_list);
	--*nr;
	return sheaf;
}

/* Of the kind that it is. Returns: false if the barn has enough of these. */
static bool mml_barn_put(struct mml_node_barn *barn, struct mml_slab_sheaf *sheaf)
{
	unsigned int *nr = sheaf->nr ? &barn->nr_full : &barn->nr_empty;
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&barn->lock, flags);
	room = *nr < MML_BARN_MAX;
	if (room) {
		list_add(&sheaf->barn_list, sheaf->nr ? &barn->full : &barn->empty);
		++*nr;
	}
	spin_unlock_irqrestore(&barn->lock, flags);
	return room;
}

static struct mml_slab_sheaf *mml_barn_get_empty(struct mml_node_barn *barn)
{
	struct mml_slab_sheaf *sheaf;
	unsigned long flags;

	if (!READ_ONCE(barn->nr_empty))
		return NULL;
	spin_lock_irqsave(&barn->lock, flags);
	sheaf = mml_barn_pop(&barn->empty, &barn->nr_empty);
	spin_unlock_irqrestore(&barn->lock, flags);
	return sheaf;
}

/* An empty sheaf for a full one. Returns: NULL if there is none; @empty stays then. */
static struct mml_slab_sheaf *mml_barn_replace_empty(struct mml_node_barn *barn,
						     struct mml_slab_sheaf *empty)
{
	struct mml_slab_sheaf *full;
	unsigned long flags;

	if (!READ_ONCE(barn->nr_full))
		return NULL;
	spin_lock_irqsave(&barn->lock, flags);
	full = mml_barn_pop(&barn->full, &barn->nr_full);
	if (full && empty != &mml_bootstrap_sheaf) {
		list_add(&empty->barn_list, &barn->empty);
		barn->nr_empty++;
	}
	spin_unlock_irqrestore(&barn->lock, flags);
	return full;
}

/* A full sheaf for an empty one. Returns: NULL if there is none, or no room. */
static struct mml_slab_sheaf *mml_barn_replace_full(struct mml_node_barn *barn,
						    struct mml_slab_sheaf *full)
{
	struct mml_slab_sheaf *empty = NULL;
	unsigned long flags;

	if (!READ_ONCE(barn->nr_empty) || READ_ONCE(barn->nr_full) >= MML_BARN_MAX)
		return NULL;
	spin_lock_irqsave(&barn->lock, flags);
	if (barn->nr_full < MML_BARN_MAX)
		empty = mml_barn_pop(&barn->empty, &barn->nr_empty);
	if (empty && full->nr) {
		list_add(&full->barn_list, &barn->full);
		barn->nr_full++;
	}
	spin_unlock_irqrestore(&barn->lock, flags);
	return empty;
}

/* Nobody has it any more: it is for the barn, if that has room. */
static void mml_barn_give(struct mml_kmem_cache *s, struct mml_node_barn *barn,
			  struct mml_slab_sheaf *sheaf)
{
	if (mml_barn_put(barn, sheaf))
		return;
	mml_sheaf_flush(s, sheaf);
	kfree_rcu(sheaf, rcu);
}

void mml_sheaf_put(struct mml_kmem_cache *s, struct mml_slab_sheaf *sheaf)
{
	if (sheaf && sheaf != &mml_bootstrap_sheaf)
		mml_barn_give(s, mml_barn(s), sheaf);
}

/* All sheaves of a barn go. */
void mml_barn_shrink(struct mml_kmem_cache *s, struct mml_node_barn *barn)
{
	struct mml_slab_sheaf *sheaf;
	unsigned long flags;

	do {
		spin_lock_irqsave(&barn->lock, flags);
		sheaf = mml_barn_pop(&barn->full, &barn->nr_full) ?:
			mml_barn_pop(&barn->empty, &barn->nr_empty);
		spin_unlock_irqrestore(&barn->lock, flags);
		if (!sheaf)
			break;
		mml_sheaf_flush(s, sheaf);
		kfree_rcu(sheaf, rcu);
	} while (1);
}

/*
 * This CPU's sheaves, which the caller has.
 */

/*
 * Main is empty: see to it that it is not, without asking slabs. Returns: whether that was
 * possible.
 */
static bool mml_pcs_replace_empty_main(struct mml_kmem_cache *s,
				       struct mml_slub_percpu_sheaves *pcs)
{
	struct mml_slab_sheaf *full;

	if (pcs->spare && pcs->spare->nr) {
		swap(pcs->main, pcs->spare);
		return true;
	}
	full = mml_barn_replace_empty(mml_barn(s), pcs->main);
	if (!full)
		return false;
	pcs->main = full;
	return true;
}

/* Main is full: see to it that it is not. Returns: whether that was possible. */
static bool mml_pcs_replace_full_main(struct mml_kmem_cache *s,
				      struct mml_slub_percpu_sheaves *pcs)
{
	struct mml_slab_sheaf *empty;

	if (pcs->spare && !pcs->spare->nr) {
		swap(pcs->main, pcs->spare);
		return true;
	}
	empty = mml_barn_replace_full(mml_barn(s), pcs->main);
	if (!empty)
		return false;
	pcs->main = empty;
	return true;
}

/*
 * A sheaf becomes this CPU's: its main one if it is better than that, or its spare one. Who
 * has a spare one has a real main one. Returns: what is left over; it may be the bootstrap
 * one.
 */
static struct mml_slab_sheaf *mml_pcs_install(struct mml_slub_percpu_sheaves *pcs,
					      struct mml_slab_sheaf *sheaf, bool better)
{
	if (better || pcs->main == &mml_bootstrap_sheaf)
		swap(pcs->main, sheaf);
	if (!pcs->spare && sheaf != &mml_bootstrap_sheaf)
		swap(pcs->spare, sheaf);
	return sheaf;
}

/*
 * Allocating.
 */

/* There are no objects in sheaves: refill one. Returns: NULL if there is no memory. */
static void *mml_sheaf_refill(struct mml_kmem_cache *s, struct mml_slab_sheaf *sheaf,
			      gfp_t gfp)
{
	struct mml_slub_percpu_sheaves *pcs;
	void *object;

	sheaf->nr = mml_refill_objects(s, sheaf->objects, gfp, mml_numa_node(s->machine),
				       sheaf->capacity);
	object = sheaf->nr ? sheaf->objects[--sheaf->nr] : NULL;
	if (likely(mml_sheaves_trylock(s, &pcs))) {
		sheaf = mml_pcs_install(pcs, sheaf, pcs->main->nr < sheaf->nr);
		mml_sheaves_unlock(pcs);
	}
	mml_sheaf_put(s, sheaf);
	return object;
}

/*
 * This CPU's main sheaf is empty or not to be had, or the object has to be of a certain node.
 * Returns: NULL if there is no memory.
 */
void *mml_sheaf_alloc_slow(struct mml_kmem_cache *s, gfp_t gfp, int nid)
{
	struct mml_slub_percpu_sheaves *pcs;
	struct mml_slab_sheaf *sheaf = NULL;
	void *object = NULL;

	/* What sheaves have is mostly of this node, but not always. */
	if (unlikely(nid != NUMA_NO_NODE && s->nr_nodes > 1))
		return mml_alloc_one(s, gfp, nid);
	if (unlikely(!mml_sheaves_trylock(s, &pcs)))
		return mml_alloc_one(s, gfp, NUMA_NO_NODE);
	if (pcs->main->nr || mml_pcs_replace_empty_main(s, pcs))
		object = pcs->main->objects[--pcs->main->nr];
	else
		swap(sheaf, pcs->spare);
	mml_sheaves_unlock(pcs);
	if (object)
		return object;
	if (!sheaf)
		sheaf = mml_barn_get_empty(mml_barn(s)) ?: mml_alloc_empty_sheaf(s, gfp);
	return sheaf ? mml_sheaf_refill(s, sheaf, gfp) : mml_alloc_one(s, gfp, NUMA_NO_NODE);
}

/* Of this CPU's sheaves. Returns: how many. */
static unsigned int mml_sheaf_pop_many(struct mml_kmem_cache *s, unsigned int nr,
				       void **objects)
{
	struct mml_slub_percpu_sheaves *pcs;
	unsigned int done = 0, some;

	if (unlikely(!mml_sheaves_trylock(s, &pcs)))
		return 0;
	while (done < nr && (pcs->main->nr || mml_pcs_replace_empty_main(s, pcs))) {
		struct mml_slab_sheaf *main = pcs->main;

		some = min(nr - done, main->nr);
		main->nr -= some;
		memcpy(objects + done, main->objects + main->nr, some * sizeof(*objects));
		done += some;
	}
	mml_sheaves_unlock(pcs);
	return done;
}

/* Returns: how many of @nr there are. */
unsigned int mml_sheaf_alloc_bulk(struct mml_kmem_cache *s, gfp_t gfp, unsigned int nr,
				  void **objects)
{
	unsigned int done = 0;

	while (done < nr) {
		done += mml_sheaf_pop_many(s, nr - done, objects + done);
		if (done == nr)
			break;
		objects[done] = mml_sheaf_alloc_slow(s, gfp, NUMA_NO_NODE);
		if (!objects[done])
			break;
		done++;
	}
	return done;
}

/*
 * Freeing.
 */

/*
 * Main and spare are full, and so is the barn: the spare one is emptied, or a new one got,
 * if the barn can have the full one. Returns: NULL if there is no memory for one.
 */
static struct mml_slab_sheaf *mml_sheaf_make_empty(struct mml_kmem_cache *s,
						   struct mml_slab_sheaf *spare)
{
	struct mml_slab_sheaf *sheaf;

	if (spare && !mml_barn_put(mml_barn(s), spare)) {
		mml_sheaf_flush(s, spare);
		return spare;
	}
	sheaf = mml_barn_get_empty(mml_barn(s));
	return sheaf ?: mml_alloc_empty_sheaf(s, GFP_NOWAIT);
}

/*
 * This CPU's main sheaf is full, or not to be had. Returns: false if the object has to go to its
 * slab.
 */
static bool mml_sheaf_push_slow(struct mml_kmem_cache *s, void *object)
{
	struct mml_slub_percpu_sheaves *pcs;
	struct mml_slab_sheaf *sheaf = NULL;
	bool done;

	if (unlikely(!mml_sheaves_trylock(s, &pcs)))
		return false;
	done = pcs->main->nr < pcs->main->capacity || mml_pcs_replace_full_main(s, pcs);
	if (done)
		pcs->main->objects[pcs->main->nr++] = object;
	else
		swap(sheaf, pcs->spare);
	mml_sheaves_unlock(pcs);
	if (done)
		return true;
	sheaf = mml_sheaf_make_empty(s, sheaf);
	if (!sheaf)
		return false;
	sheaf->objects[sheaf->nr++] = object;
	if (likely(mml_sheaves_trylock(s, &pcs))) {
		sheaf = mml_pcs_install(pcs, sheaf, pcs->main->capacity - pcs->main->nr <
					sheaf->capacity - sheaf->nr);
		mml_sheaves_unlock(pcs);
	}
	mml_sheaf_put(s, sheaf);
	return true;
}

/* It is of another node, or this CPU's main sheaf is full or not to be had. */
void mml_sheaf_free_slow(struct mml_kmem_cache *s, struct mml_slab *slab, void *object)
{
	if (!mml_slab_is_local(s, slab) || !mml_sheaf_push_slow(s, object))
		mml_slab_free(s, slab, object, object, 1);
}

/* To this CPU's sheaves. Returns: how many of @nr, from the first on. */
static unsigned int mml_sheaf_push_many(struct mml_kmem_cache *s, unsigned int nr,
					void **objects)
{
	struct mml_slub_percpu_sheaves *pcs;
	unsigned int done = 0, some;

	if (unlikely(!mml_sheaves_trylock(s, &pcs)))
		return 0;
	while (done < nr && (pcs->main->nr < pcs->main->capacity ||
			     mml_pcs_replace_full_main(s, pcs))) {
		struct mml_slab_sheaf *main = pcs->main;

		some = min(nr - done, main->capacity - main->nr);
		memcpy(main->objects + main->nr, objects + done, some * sizeof(*objects));
		main->nr += some;
		done += some;
	}
	mml_sheaves_unlock(pcs);
	return done;
}

/* Sort out what may not be in sheaves. Returns: how many are left, at the beginning. */
static unsigned int mml_sheaf_check_many(struct mml_kmem_cache *s, unsigned int nr,
					 void **objects)
{
	unsigned int i = 0;

	while (i < nr) {
		struct mml_slab *slab = mml_cache_slab(s, objects[i]);

		if (likely(slab && mml_slab_is_local(s, slab))) {
			i++;
			continue;
		}
		if (slab)
			mml_slab_free(s, slab, objects[i], objects[i], 1);
		else
			mml_slab_bug(s, objects[i],
				     "an object is freed that is not one of its");
		objects[i] = objects[--nr];
	}
	return nr;
}

/* The array is used up. */
void mml_sheaf_free_bulk(struct mml_kmem_cache *s, unsigned int nr, void **objects)
{
	unsigned int done = 0;

	nr = mml_sheaf_check_many(s, nr, objects);
	while (done < nr) {
		done += mml_sheaf_push_many(s, nr - done, objects + done);
		if (done < nr && !mml_sheaf_push_slow(s, objects[done])) {
			mml_slab_free_objects(s, objects + done, nr - done);
			break;
		}
		done += done < nr;
	}
}

/*
 * Freeing what readers may still look at.
 */

/* They are done: its objects are free. */
static void mml_rcu_free_sheaf(struct rcu_head *rcu)
{
	struct mml_slab_sheaf *sheaf = container_of(rcu, struct mml_slab_sheaf, rcu);
	struct mml_kmem_cache *s = sheaf->cache;

	mml_barn_give(s, &s->node[sheaf->nid].barn, sheaf);
}

/* A CPU's is full, or is not to wait for more. The caller has its sheaves. */
static void mml_submit_rcu_sheaf(struct mml_kmem_cache *s, struct mml_slub_percpu_sheaves *pcs)
{
	struct mml_slab_sheaf *sheaf = pcs->rcu_free;

	if (!sheaf)
		return;
	pcs->rcu_free = NULL;
	sheaf->nid = mml_numa_node(s->machine);
	call_rcu(&sheaf->rcu, mml_rcu_free_sheaf);
}

/*
 * See mml_kfree_rcu(). Returns: false: it is of another node, or there is no sheaf for it, or
 * none to be had.
 */
bool mml_sheaf_free_rcu(struct mml_kmem_cache *s, struct mml_slab *slab, void *object)
{
	struct mml_slub_percpu_sheaves *pcs;
	struct mml_slab_sheaf *sheaf = NULL;

	if (!mml_slab_is_local(s, slab))
		return false;
	if (!READ_ONCE(raw_cpu_ptr(s->cpu_sheaves)->rcu_free)) {
		sheaf = mml_barn_get_empty(mml_barn(s)) ?: mml_alloc_empty_sheaf(s, GFP_NOWAIT);
		if (!sheaf)
			return false;
	}
	if (likely(mml_sheaves_trylock(s, &pcs))) {
		/* Perhaps on another CPU, or there is one meanwhile, or none any more. */
		if (!pcs->rcu_free)
			swap(pcs->rcu_free, sheaf);
		if (pcs->rcu_free) {
			pcs->rcu_free->objects[pcs->rcu_free->nr++] = object;
			object = NULL;
			if (pcs->rcu_free->nr == pcs->rcu_free->capacity)
				mml_submit_rcu_sheaf(s, pcs);
		}
		mml_sheaves_unlock(pcs);
	}
	mml_sheaf_put(s, sheaf);
	return !object;
}

/*
 * Sheaves for who fills them in advance (prefill.c).
 */

/* One for @capacity objects: it may have more room, and objects. NULL: there is no memory. */
struct mml_slab_sheaf *mml_get_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
				     unsigned int capacity)
{
	struct mml_node_barn *barn = mml_barn(s);
	struct mml_slab_sheaf *sheaf;
	unsigned long flags;

	if (s->path != MML_SLAB_SHEAVES || capacity > s->sheaf_capacity)
		return mml_alloc_sheaf(s, gfp, capacity);
	spin_lock_irqsave(&barn->lock, flags);
	sheaf = mml_barn_pop(&barn->full, &barn->nr_full) ?:
		mml_barn_pop(&barn->empty, &barn->nr_empty);
	spin_unlock_irqrestore(&barn->lock, flags);
	return sheaf ?: mml_alloc_empty_sheaf(s, gfp);
}

/*
 * Of a cache as a whole.
 */

/* All objects of a CPU's sheaves go back to their slabs, some of them once readers are done. */
static void mml_pcs_flush(struct mml_kmem_cache *s, struct mml_slub_percpu_sheaves *pcs)
{
	mml_sheaf_flush(s, pcs->main);
	if (pcs->spare)
		mml_sheaf_flush(s, pcs->spare);
	mml_submit_rcu_sheaf(s, pcs);
}

/* Of this one, by interrupt. */
static void mml_flush_this_cpu(void *cache)
{
	struct mml_kmem_cache *s = cache;
	struct mml_slub_percpu_sheaves *pcs;
	bool acquired = mml_sheaves_trylock(s, &pcs);

	WRITE_ONCE(this_cpu_ptr(s->cpu_sheaves)->missed, !acquired);
	if (!acquired)
		return;
	mml_pcs_flush(s, pcs);
	mml_sheaves_unlock(pcs);
}

/*
 * All that CPUs and barns keep goes back to slabs. A CPU whose sheaves somebody has is asked
 * until nobody has them, which is soon. Process context, interrupts on.
 */
void mml_sheaves_flush(struct mml_kmem_cache *s)
{
	unsigned int i;
	int cpu;

	on_each_cpu(mml_flush_this_cpu, s, true);
	for_each_online_cpu(cpu)
		while (READ_ONCE(per_cpu_ptr(s->cpu_sheaves, cpu)->missed)) {
			cond_resched();
			if (smp_call_function_single(cpu, mml_flush_this_cpu, s, true))
				break;
		}
	for (i = 0; i < s->nr_nodes; i++)
		mml_barn_shrink(s, &s->node[i].barn);
}

/* A CPU is dead: nobody uses what it keeps, or has it. Interrupts are off. */
void mml_sheaves_flush_dead(struct mml_kmem_cache *s, unsigned int cpu)
{
	mml_pcs_flush(s, per_cpu_ptr(s->cpu_sheaves, cpu));
}

/* Returns: 0 or -ENOMEM. */
int mml_sheaves_init(struct mml_kmem_cache *s)
{
	static struct lock_class_key key;
	unsigned int i;
	int cpu;

	s->cpu_sheaves = mml_alloc_percpu(s->machine, struct mml_slub_percpu_sheaves);
	if (!s->cpu_sheaves)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct mml_slub_percpu_sheaves *pcs = per_cpu_ptr(s->cpu_sheaves, cpu);

		lockdep_init_map(&pcs->dep_map, "mml_slub_percpu_sheaves", &key, 0);
		pcs->main = &mml_bootstrap_sheaf;
	}
	for (i = 0; i < s->nr_nodes; i++)
		mml_barn_init(&s->node[i].barn);
	return 0;
}

/* Nobody uses the cache any more, and what is in its sheaves has been flushed. */
void mml_sheaves_free(struct mml_kmem_cache *s)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct mml_slub_percpu_sheaves *pcs = per_cpu_ptr(s->cpu_sheaves, cpu);

		if (pcs->main != &mml_bootstrap_sheaf)
			kfree(pcs->main);
		kfree(pcs->spare);
	}
	free_percpu(s->cpu_sheaves);
}
