// SPDX-License-Identifier: GPL-2.0
/*
 * Fast path A, that of Linux 6.12: each CPU has a slab whose free objects are all its own,
 * and takes them off and puts them back without a lock.
 *
 *	             this CPU's freelist                        the slab's own
 *	alloc <── [ a ]──>[ b ]──>[ c ]          others free ──> [ x ]──>[ y ]
 *	free  ──>    (to this slab)                  taken over when a, b, c are gone
 *
 * Two words, the first free object and a transaction number, are changed at once by a
 * compare-exchange of 128 bits. Only this CPU does that, so it need not be a locked one;
 * the number makes it fail if an interrupt did the same meanwhile. Where the machine has
 * no such instruction, interrupts are off for these few instructions.
 *
 * When the list is empty, in this order: what others freed to the slab; the CPU's partial
 * slabs; the node's; a new one. An object that is not of this CPU's slab goes to its own
 * (mml_slab_free()); if that slab was full, it becomes one of this CPU's partial ones.
 *
 * Kernel counterpart: mm/slub.c of v6.12: slab_alloc_node(), ___slab_alloc(),
 * do_slab_free(), put_cpu_partial(), flush_slab(). Differences: partial slabs of a CPU stay
 * frozen, as until v6.7; all but the fast path has interrupts off; the node gives one slab
 * at a time.
 *
 * Locking: c->lock, a local lock, for all but the fast path; list_lock inside it.
 */
#include "slub_probe/slab.h"

/* With interrupts off: what a fast path that was interrupted has read is no longer so. */
static void mml_cpu_freelist_set(struct mml_kmem_cache_cpu *c, void *freelist)
{
	c->head.freelist = freelist;
	c->head.tid += MML_TID_STEP;
}

/* With interrupts off: the first object of the list. Returns: NULL if it is empty. */
static void *__mml_cpu_slab_pop(struct mml_kmem_cache *s, struct mml_kmem_cache_cpu *c)
{
	void *object = c->head.freelist, *next;

	if (unlikely(!object))
		return NULL;
	next = mml_get_freepointer(s, object);
	if (unlikely(!mml_freepointer_ok(s, object, next))) {
		mml_slab_bug(s, object, "a free object was written to");
		next = NULL;
	}
	mml_cpu_freelist_set(c, next);
	return object;
}

/*
 * A CPU's slabs. Interrupts are off.
 */

/* The slab that it has is everybody's again, with what is left on its list. */
static void mml_deactivate_slab(struct mml_kmem_cache *s, struct mml_kmem_cache_cpu *c)
{
	struct mml_slab *slab = c->slab;
	void *freelist = c->head.freelist;

	c->slab = NULL;
	mml_cpu_freelist_set(c, NULL);
	if (slab)
		mml_slab_put_back(s, slab, freelist);
}

/* The first of its partial slabs. */
static struct mml_slab *mml_cpu_partial_pop(struct mml_kmem_cache *s,
					    struct mml_kmem_cache_cpu *c)
{
	struct mml_slab *slab;

	if (!c->nr_partial)
		return NULL;
	slab = mml_page_slab(&s->machine->memmap[c->partial]);
	c->partial = slab->next;
	c->nr_partial--;
	return slab;
}

static void mml_cpu_partial_flush(struct mml_kmem_cache *s, struct mml_kmem_cache_cpu *c)
{
	struct mml_slab *slab;

	while ((slab = mml_cpu_partial_pop(s, c)))
		mml_slab_put_back(s, slab, NULL);
}

/* A slab that was full has a free object, and is frozen: this CPU keeps it. */
void mml_put_cpu_partial(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	struct mml_kmem_cache_cpu *c;
	unsigned long flags;

	local_lock_irqsave(&s->cpu_slab->lock, flags);
	c = this_cpu_ptr(s->cpu_slab);
	if (c->nr_partial >= s->cpu_partial_slabs)
		mml_cpu_partial_flush(s, c);
	slab->next = c->partial;
	c->partial = mml_slab_pfn(s, slab);
	c->nr_partial++;
	local_unlock_irqrestore(&s->cpu_slab->lock, flags);
}

/* All that a CPU has goes back. It is this one, or one that is dead. */
void mml_cpu_slab_flush(struct mml_kmem_cache *s, struct mml_kmem_cache_cpu *c)
{
	mml_deactivate_slab(s, c);
	mml_cpu_partial_flush(s, c);
}

/*
 * The slow path.
 */

static bool mml_slab_on_node(const struct mml_slab *slab, int nid)
{
	return nid == NUMA_NO_NODE || slab->nid == nid;
}

/* Its freelist is empty: what others gave back to its slab. Returns: whether that is any. */
static bool mml_cpu_slab_again(struct mml_kmem_cache *s, struct mml_kmem_cache_cpu *c)
{
	void *freelist;

	if (!c->slab)
		return false;
	freelist = mml_get_freelist(s, c->slab);
	if (!freelist)
		c->slab = NULL;	/* it is full, and nobody's */
	mml_cpu_freelist_set(c, freelist);
	return freelist;
}

/* A slab that there is. Returns: whether there is one. */
static bool mml_cpu_slab_partial(struct mml_kmem_cache *s, struct mml_kmem_cache_cpu *c,
				 gfp_t gfp, int nid)
{
	struct mml_slab *slab;
	void *freelist = NULL;

	while (!freelist && (slab = mml_cpu_partial_pop(s, c))) {
		if (unlikely(!mml_slab_on_node(slab, nid)))
			mml_slab_put_back(s, slab, NULL);
		else
			freelist = mml_get_freelist(s, slab);
	}
	if (!freelist)
		slab = mml_get_partial(s, nid == NUMA_NO_NODE ?
				       mml_numa_node(s->machine) : nid,
				       gfp & __GFP_THISNODE || nid != NUMA_NO_NODE,
				       &freelist);
	if (!freelist)
		return false;
	c->slab = slab;
	mml_cpu_freelist_set(c, freelist);
	return true;
}

/* With interrupts off: an object without asking the page allocator. */
static void *mml_cpu_slab_alloc_locked(struct mml_kmem_cache *s,
				       struct mml_kmem_cache_cpu *c, gfp_t gfp, int nid)
{
	if (unlikely(c->slab && !mml_slab_on_node(c->slab, nid)))
		mml_deactivate_slab(s, c);
	if (c->head.freelist || mml_cpu_slab_again(s, c) || mml_cpu_slab_partial(s, c, gfp, nid))
		return __mml_cpu_slab_pop(s, c);
	return NULL;
}

/*
 * A slab for this CPU, frozen, with its *@freelist: a new one of node @nid, one of other nodes
 * that has free objects, or a new one of anywhere. Returns: NULL if there is no memory.
 */
static struct mml_slab *mml_get_slab(struct mml_kmem_cache *s, gfp_t gfp, int nid,
				     void **freelist)
{
	int node = nid == NUMA_NO_NODE ? mml_numa_node(s->machine) : nid;
	struct mml_slab *slab = mml_new_slab(s, mml_gfp_near(s, gfp), node);

	if (!slab && !(gfp & __GFP_THISNODE)) {
		slab = mml_get_partial(s, node, false, freelist);
		if (slab)
			return slab;
	}
	if (!slab)
		slab = mml_new_slab(s, gfp, node);
	if (slab)
		*freelist = mml_get_freelist(s, slab);
	return slab;
}

/* The fast path did not do. Returns: NULL if there is no memory. */
void *mml_cpu_slab_alloc_slow(struct mml_kmem_cache *s, gfp_t gfp, int nid)
{
	struct mml_kmem_cache_cpu *c;
	struct mml_slab *slab;
	unsigned long flags;
	void *object, *freelist;

	local_lock_irqsave(&s->cpu_slab->lock, flags);
	object = mml_cpu_slab_alloc_locked(s, this_cpu_ptr(s->cpu_slab), gfp, nid);
	local_unlock_irqrestore(&s->cpu_slab->lock, flags);
	if (object)
		return object;
	slab = mml_get_slab(s, gfp, nid, &freelist);
	if (!slab)
		return NULL;
	local_lock_irqsave(&s->cpu_slab->lock, flags);
	/* Perhaps on another CPU, or that has got one meanwhile. */
	c = this_cpu_ptr(s->cpu_slab);
	mml_deactivate_slab(s, c);
	c->slab = slab;
	mml_cpu_freelist_set(c, freelist);
	object = __mml_cpu_slab_pop(s, c);
	local_unlock_irqrestore(&s->cpu_slab->lock, flags);
	return object;
}

/* With interrupts off. Returns: false if it is not this CPU's slab. */
static bool mml_cpu_slab_free_locked(struct mml_kmem_cache *s, struct mml_slab *slab,
				     void *object)
{
	struct mml_kmem_cache_cpu *c;
	unsigned long flags;
	bool mine;

	local_lock_irqsave(&s->cpu_slab->lock, flags);
	c = this_cpu_ptr(s->cpu_slab);
	mine = c->slab == slab;
	if (mine && unlikely(c->head.freelist == object)) {
		mml_slab_bug(s, object, "an object is freed twice");
	} else if (mine) {
		mml_set_freepointer(s, object, c->head.freelist);
		mml_cpu_freelist_set(c, object);
	}
	local_unlock_irqrestore(&s->cpu_slab->lock, flags);
	return mine;
}

/* It is not of this CPU's slab, or that could not be found out without a lock. */
void mml_cpu_slab_free_slow(struct mml_kmem_cache *s, struct mml_slab *slab, void *object)
{
	if (mml_has_cmpxchg128() || !mml_cpu_slab_free_locked(s, slab, object))
		mml_slab_free(s, slab, object, object, 1);
}

/* Of what this CPU has. Returns: how many. */
static unsigned int mml_cpu_slab_pop_many(struct mml_kmem_cache *s, unsigned int nr,
					  void **objects)
{
	struct mml_kmem_cache_cpu *c;
	unsigned int done = 0;
	unsigned long flags;

	local_lock_irqsave(&s->cpu_slab->lock, flags);
	c = this_cpu_ptr(s->cpu_slab);
	while (done < nr && (c->head.freelist || mml_cpu_slab_again(s, c)))
		objects[done++] = __mml_cpu_slab_pop(s, c);
	local_unlock_irqrestore(&s->cpu_slab->lock, flags);
	return done;
}

/* Returns: how many of @nr there are. */
unsigned int mml_cpu_slab_alloc_bulk(struct mml_kmem_cache *s, gfp_t gfp, unsigned int nr,
				     void **objects)
{
	unsigned int done = 0;

	while (done < nr) {
		done += mml_cpu_slab_pop_many(s, nr - done, objects + done);
		if (done == nr)
			break;
		objects[done] = mml_cpu_slab_alloc_slow(s, gfp, NUMA_NO_NODE);
		if (!objects[done])
			break;
		done++;
	}
	return done;
}

/* Returns: 0 or -ENOMEM. */
int mml_cpu_slabs_init(struct mml_kmem_cache *s)
{
	int cpu;

	s->cpu_slab = mml_alloc_percpu(s->machine, struct mml_kmem_cache_cpu);
	if (!s->cpu_slab)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct mml_kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, cpu);

		c->head.tid = cpu;
		local_lock_init(&c->lock);
	}
	return 0;
}
