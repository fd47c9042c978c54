// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: what a request goes through before and after the cache's fast path.
 *
 * Kernel counterpart: slab_alloc_node(), slab_pre_alloc_hook(), slab_post_alloc_hook() and
 * kmem_cache_free() in mm/slub.c.
 *
 * Locking: none here.
 */
#include <linux/export.h>

#include "slub_probe/slab.h"

#include "trace.h"

/* Here are the functions, not the macros that pass the site. */
#undef mml_kmem_cache_alloc
#undef mml_kmem_cache_alloc_bulk
#undef mml_kmem_cache_alloc_node

static noinline void *mml_kmem_cache_alloc_traced(struct mml_kmem_cache *s, gfp_t gfp,
						  struct mml_alloc_site *site,
						  unsigned long addr, int nid)
{
	void *object = mml_slab_alloc(s, gfp, nid, s->object_size, site, addr);

	trace_kmem_cache_alloc(addr, object, s, gfp, nid);
	return object;
}

/* Any request for an object of a cache. */
static noinline void *__mml_kmem_cache_alloc(struct mml_kmem_cache *s, gfp_t gfp,
					     struct mml_alloc_site *site,
					     unsigned long addr, int nid)
{
	if (trace_kmem_cache_alloc_enabled())
		return mml_kmem_cache_alloc_traced(s, gfp, site, addr, nid);
	return mml_slab_alloc(s, gfp, nid, s->object_size, site, addr);
}

/**
 * mml_kmem_cache_alloc - allocate an object
 * @s: of which cache
 * @gfp: the kernel's flags, as for mml_alloc_pages(); __GFP_ZERO: zeroed
 * @site: who asks; the macro of this name fills it in
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM.
 * Return: the object, in the machine's memory, where the kernel maps that; NULL if there
 * is no memory for it.
 */
void *mml_kmem_cache_alloc(struct mml_kmem_cache *s, gfp_t gfp, struct mml_alloc_site *site)
{
	void *object;

	mml_might_alloc(gfp);
	/* What most requests are, without anything to be kept over a call. */
	if (likely(s->path == MML_SLAB_SHEAVES && !s->machine->slow &&
		   !trace_kmem_cache_alloc_enabled() &&
		   !(gfp & (__GFP_ZERO | __GFP_THISNODE)))) {
		object = mml_sheaf_pop(s);
		if (likely(object))
			return object;
	}
	return __mml_kmem_cache_alloc(s, gfp, site, _RET_IP_, NUMA_NO_NODE);
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_alloc, MM_LAB);

/**
 * mml_kmem_cache_alloc_node - allocate an object, of a node if possible
 * @s: of which cache
 * @gfp: as for mml_kmem_cache_alloc(); __GFP_THISNODE: @nid only
 * @nid: the node; NUMA_NO_NODE, or one that the machine does not have: this CPU's
 * @site: who asks; the macro of this name fills it in
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM.
 * Return: as mml_kmem_cache_alloc().
 */
void *mml_kmem_cache_alloc_node(struct mml_kmem_cache *s, gfp_t gfp, int nid,
				struct mml_alloc_site *site)
{
	mml_might_alloc(gfp);
	if (unlikely(nid < 0 || nid >= s->nr_nodes))
		nid = NUMA_NO_NODE;
	return __mml_kmem_cache_alloc(s, gfp, site, _RET_IP_, nid);
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_alloc_node, MM_LAB);

/* Any object, of either path, and what is none. */
static noinline void __mml_kmem_cache_free(struct mml_kmem_cache *s, void *object,
					   unsigned long addr)
{
	struct mml_slab *slab = mml_cache_slab(s, object);

	if (likely(slab))
		mml_object_free(s, slab, object, addr);
	else if (object)
		mml_slab_bug(s, object, "an object is freed that is not one of its");
}

/* Of a debugged cache, one by one. Returns: how many of @nr there are. */
static noinline unsigned int mml_debug_alloc_bulk(struct mml_kmem_cache *s, gfp_t gfp,
						  unsigned int nr, void **objects,
						  unsigned long addr)
{
	unsigned int done;

	for (done = 0; done < nr; done++) {
		objects[done] = mml_debug_alloc(s, gfp, NUMA_NO_NODE, s->object_size, addr);
		if (!objects[done])
			break;
	}
	return done;
}

static noinline void mml_debug_free_bulk(struct mml_kmem_cache *s, unsigned int nr,
					 void **objects, unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		__mml_kmem_cache_free(s, objects[i], addr);
}

/**
 * mml_kmem_cache_alloc_bulk - allocate many objects, or none
 * @s: of which cache
 * @gfp: as for mml_kmem_cache_alloc()
 * @nr: how many
 * @objects: where they go
 * @site: who asks; the macro of this name fills it in
 *
 * For those who make allocations fail it is one.
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM.
 * Return: true; false if there is no memory for all of them: none is allocated then.
 */
bool mml_kmem_cache_alloc_bulk(struct mml_kmem_cache *s, gfp_t gfp, unsigned int nr,
			       void **objects, struct mml_alloc_site *site)
{
	unsigned int done, i;

	mml_might_alloc(gfp);
	if (unlikely(s->machine->slow) && mml_should_fail(s->machine, gfp, site))
		return false;
	if (likely(s->path == MML_SLAB_SHEAVES))
		done = mml_sheaf_alloc_bulk(s, gfp, nr, objects);
	else if (s->path == MML_SLAB_CPU_SLABS)
		done = mml_cpu_slab_alloc_bulk(s, gfp, nr, objects);
	else
		done = mml_debug_alloc_bulk(s, gfp, nr, objects, _RET_IP_);
	if (unlikely(done < nr)) {
		mml_kmem_cache_free_bulk(s, done, objects);
		return false;
	}
	for (i = 0; unlikely(gfp & __GFP_ZERO) && i < nr; i++)
		memset(objects[i], 0, s->object_size);
	return true;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_alloc_bulk, MM_LAB);

static noinline void mml_kmem_cache_free_traced(struct mml_kmem_cache *s, void *object,
						unsigned long addr)
{
	trace_kmem_cache_free(addr, object, s);
	__mml_kmem_cache_free(s, object, addr);
}

/**
 * mml_kmem_cache_free - give an object back
 * @s: its cache
 * @object: the object; NULL: nothing is done
 *
 * What is not in a slab of this cache is reported, counted and left alone.
 *
 * Context: any but NMI.
 */
void mml_kmem_cache_free(struct mml_kmem_cache *s, void *object)
{
	if (trace_kmem_cache_free_enabled())
		mml_kmem_cache_free_traced(s, object, _RET_IP_);
	else if (unlikely(s->path != MML_SLAB_SHEAVES || !mml_cache_has_object(s, object) ||
			  !mml_sheaf_push(s, object)))
		__mml_kmem_cache_free(s, object, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_free, MM_LAB);

/**
 * mml_kmem_cache_free_bulk - give many objects back
 * @s: their cache
 * @nr: how many
 * @objects: the objects; their order changes
 *
 * Context: any but NMI.
 */
void mml_kmem_cache_free_bulk(struct mml_kmem_cache *s, unsigned int nr, void **objects)
{
	if (likely(s->path == MML_SLAB_SHEAVES))
		mml_sheaf_free_bulk(s, nr, objects);
	else if (s->path == MML_SLAB_CPU_SLABS)
		mml_slab_free_objects(s, objects, nr);
	else
		mml_debug_free_bulk(s, nr, objects, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_free_bulk, MM_LAB);
