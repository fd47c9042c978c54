// SPDX-License-Identifier: GPL-2.0
/*
 * The invariants of caches. They hold whatever goes on meanwhile, so that they may be checked
 * any time; a slab that changes meanwhile is checked again.
 *
 * Locking: slab_mutex, so that no cache goes; each lock of the lists looked at.
 */
#include <linux/smp.h>

#include "slub_probe/slab.h"

/* How often a slab is looked at again, until nobody changes it. */
#define MML_VALIDATE_TRIES	4

/* @cache: the next one of which a CPU is asked what it has */
struct mml_slub_validation {
	struct mml_slub *slub;
	struct mml_validation *v;
	struct mml_kmem_cache *cache;
};

/*
 * Slabs.
 */

/* How many objects are linked from the first free one on; more than all: it has no end. */
static unsigned int mml_count_links(const struct mml_kmem_cache *s, struct mml_slab *slab,
				    union mml_slab_counters now)
{
	void *object = mml_object_at(s, slab, now.freelist);
	unsigned int nr = 0;

	for (; object && nr <= now.objects; nr++) {
		void *next = mml_get_freepointer(s, object);

		if (!mml_freepointer_ok(s, object, next))
			return UINT_MAX;
		object = next;
	}
	return nr;
}

/* Is it a slab of the cache, as it was? */
static bool mml_slab_is_as_it_was(struct mml_kmem_cache *s, struct mml_slab *slab,
				  union mml_slab_counters was)
{
	return mml_page_is_slab(mml_slab_page(slab)) &&
	       READ_ONCE(slab->slab_cache) == s && READ_ONCE(slab->counters.full) == was.full;
}

/* Its place, which does not change while the lock is held. */
static void mml_slab_validate_place(struct mml_kmem_cache *s, struct mml_slab *slab,
				    struct mml_validation *v)
{
	struct mml_kmem_cache_node *n = mml_slab_node(s, slab);
	union mml_slab_counters now;
	unsigned long flags;

	spin_lock_irqsave(&n->list_lock, flags);
	now = mml_slab_counters(slab);
	if (mml_slab_is_as_it_was(s, slab, now)) {
		mml_check(v, !now.frozen || !slab->partial,
			  "cache %s: the slab at frame %u is a CPU's and its node's",
			  s->name, mml_slab_pfn(s, slab));
		mml_check(v, now.frozen || !now.freelist || !now.inuse || slab->partial,
			  "cache %s: the slab at frame %u has free objects, and is on no list",
			  s->name, mml_slab_pfn(s, slab));
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
}

static void mml_slab_validate(struct mml_kmem_cache *s, struct mml_slab *slab,
			      struct mml_validation *v)
{
	u32 pfn = mml_slab_pfn(s, slab);
	union mml_slab_counters now;
	unsigned int links;
	int i;

	/* What does not fit together may have changed in between; but not time and again. */
	for (i = 0; i < MML_VALIDATE_TRIES; i++) {
		now = mml_slab_counters(slab);
		links = mml_count_links(s, slab, now);
		if (!mml_slab_is_as_it_was(s, slab, now))
			return;
		if (links == now.objects - now.inuse)
			break;
	}
	mml_check(v, now.inuse <= now.objects && now.freelist <= now.objects,
		  "cache %s: the slab at frame %u counts %u of %u objects, %u first", s->name,
		  pfn, now.inuse, now.objects, now.freelist);
	mml_check(v, links == now.objects - now.inuse,
		  "cache %s: the slab at frame %u has %u free objects, and counts %u", s->name,
		  pfn, links, now.objects - now.inuse);
	mml_slab_validate_place(s, slab, v);
}

/* The slabs of a node's partial list, all under one hold of the lock. */
static void mml_partial_validate(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
				 struct mml_validation *v)
{
	unsigned long flags, frames = s->machine->nr_frames;
	u32 pfn, nr;

	spin_lock_irqsave(&n->list_lock, flags);
	mml_check(v, mml_frame_list_validate(s->machine, &n->partial),
		  "cache %s: a list of partial slabs is corrupt", s->name);
	pfn = n->partial.first;
	for (nr = 0; nr < n->partial.nr && pfn < frames; nr++) {
		struct mml_slab *slab = mml_page_slab(&s->machine->memmap[pfn]);

		mml_check(v, slab->type == MML_PAGE_SLAB && slab->slab_cache == s &&
			  slab->partial && READ_ONCE(slab->counters.freelist),
			  "cache %s: frame %u is on its list, and is no partial slab",
			  s->name, pfn);
		pfn = slab->next;
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
}

/* All slabs that there are, by the memmap. */
static void mml_slabs_validate(struct mml_slub *slub, struct mml_validation *v)
{
	struct mml_machine *machine = slub->machine;
	unsigned long pfn;

	for (pfn = 0; pfn < machine->nr_frames; pfn++) {
		struct mml_page *page = &machine->memmap[pfn];
		struct mml_kmem_cache *s;

		if (!mml_page_is_slab(page))
			continue;
		list_for_each_entry(s, &slub->slab_caches, list) {
			if (READ_ONCE(page->mapping) != s)
				continue;
			mml_slab_validate(s, mml_page_slab(page), v);
			break;
		}
		cond_resched();
	}
}

/*
 * Sheaves.
 */

static void mml_sheaf_validate(struct mml_kmem_cache *s, struct mml_slab_sheaf *sheaf,
			       struct mml_validation *v)
{
	u32 i;

	if (!mml_check(v, sheaf->nr <= sheaf->capacity,
		       "cache %s: a sheaf has %u objects, and room for %u", s->name,
		       sheaf->nr, sheaf->capacity))
		return;
	for (i = 0; i < sheaf->nr; i++)
		mml_check(v, mml_cache_slab(s, sheaf->objects[i]),
			  "cache %s: a sheaf has what is no object of the cache", s->name);
}

static void mml_barn_validate(struct mml_kmem_cache *s, struct mml_node_barn *barn,
			      struct mml_validation *v)
{
	unsigned int full = 0, empty = 0;
	struct mml_slab_sheaf *sheaf;
	unsigned long flags;

	spin_lock_irqsave(&barn->lock, flags);
	list_for_each_entry(sheaf, &barn->full, barn_list) {
		mml_check(v, sheaf->nr, "cache %s: a full sheaf is empty", s->name);
		mml_sheaf_validate(s, sheaf, v);
		full++;
	}
	list_for_each_entry(sheaf, &barn->empty, barn_list) {
		mml_check(v, !sheaf->nr, "cache %s: an empty sheaf has objects", s->name);
		empty++;
	}
	mml_check(v, full == barn->nr_full && empty == barn->nr_empty,
		  "cache %s: a barn counts %u full and %u empty sheaves, and has %u and %u",
		  s->name, barn->nr_full, barn->nr_empty, full, empty);
	spin_unlock_irqrestore(&barn->lock, flags);
}

/* This CPU's. Returns: false if who was interrupted has them. */
static bool mml_cpu_sheaves_validate(struct mml_kmem_cache *s, struct mml_validation *v)
{
	struct mml_slub_percpu_sheaves *pcs;

	if (!mml_sheaves_trylock(s, &pcs))
		return false;
	mml_sheaf_validate(s, pcs->main, v);
	if (pcs->spare)
		mml_sheaf_validate(s, pcs->spare, v);
	if (pcs->rcu_free)
		mml_sheaf_validate(s, pcs->rcu_free, v);
	mml_sheaves_unlock(pcs);
	return true;
}

/*
 * CPUs.
 */

static void mml_cpu_slab_validate(struct mml_kmem_cache *s, struct mml_validation *v)
{
	struct mml_kmem_cache_cpu *c;
	unsigned long flags;

	local_lock_irqsave(&s->cpu_slab->lock, flags);
	c = this_cpu_ptr(s->cpu_slab);
	mml_check(v, c->slab ? c->slab->slab_cache == s &&
		  READ_ONCE(c->slab->counters.frozen) : !c->head.freelist,
		  "cache %s: CPU %d has a slab that is not its own", s->name,
		  smp_processor_id());
	mml_check(v, c->nr_partial <= s->cpu_partial_slabs,
		  "cache %s: CPU %d has %u partial slabs, more than %u", s->name,
		  smp_processor_id(), c->nr_partial, s->cpu_partial_slabs);
	local_unlock_irqrestore(&s->cpu_slab->lock, flags);
}

/* What this CPU has of all caches from sv->cache on, to one that is not to be had now. */
static void mml_this_cpu_validate(void *data)
{
	struct mml_slub_validation *sv = data;

	list_for_each_entry_from(sv->cache, &sv->slub->slab_caches, list) {
		struct mml_kmem_cache *s = sv->cache;

		if (!mml_cache_nr_slabs(s))
			continue;
		if (s->path == MML_SLAB_SHEAVES && !mml_cpu_sheaves_validate(s, sv->v))
			return;
		if (s->path == MML_SLAB_CPU_SLABS)
			mml_cpu_slab_validate(s, sv->v);
	}
}

static void mml_cpu_validate(struct mml_slub_validation *sv, int cpu)
{
	struct list_head *caches = &sv->slub->slab_caches;

	sv->cache = list_first_entry(caches, struct mml_kmem_cache, list);
	while (!list_entry_is_head(sv->cache, caches, list)) {
		if (smp_call_function_single(cpu, mml_this_cpu_validate, sv, true))
			break;
		cond_resched();
	}
}

/* What their nodes have. */
static void mml_nodes_validate(struct mml_kmem_cache *s, struct mml_validation *v)
{
	unsigned int i;

	for (i = 0; i < s->nr_nodes; i++) {
		mml_partial_validate(s, &s->node[i], v);
		if (s->path == MML_SLAB_SHEAVES)
			mml_barn_validate(s, &s->node[i].barn, v);
	}
}

/* Every invariant of every cache. Process context. */
void mml_slub_validate(struct mml_machine *machine, struct mml_validation *v)
{
	struct mml_slub_validation sv = { .slub = mml_slub(machine), .v = v };
	struct mml_kmem_cache *s;
	int cpu;

	mml_slub_lock(sv.slub);
	list_for_each_entry(s, &sv.slub->slab_caches, list)
		mml_nodes_validate(s, v);
	if (atomic_long_read(&sv.slub->nr_pages[0]) ||
	    atomic_long_read(&sv.slub->nr_pages[1])) {
		for_each_online_cpu(cpu)
			mml_cpu_validate(&sv, cpu);
		mml_slabs_validate(sv.slub, v);
	}
	mml_slub_unlock(sv.slub);
}
