// SPDX-License-Identifier: GPL-2.0
/*
 * Sheaves filled in advance: who is about to hold locks, or must not fail half way, asks for as
 * many objects as he may need at most, while he can still wait, and takes from these later.
 *
 * Kernel counterpart: kmem_cache_prefill_sheaf() and its relatives in mm/slub.c of v7.0.
 * Differences: a sheaf is for its holder alone, and may be had of any cache.
 *
 * Locking: none; a sheaf is its holder's.
 */
#include <linux/export.h>

#include "slub_probe/slab.h"

/* Here are the functions, not the macros that pass the site. */
#undef mml_kmem_cache_alloc_bulk
#undef mml_kmem_cache_prefill_sheaf
#undef mml_kmem_cache_refill_sheaf

/**
 * mml_kmem_cache_prefill_sheaf - get a sheaf with objects
 * @s: of which cache
 * @gfp: as for mml_kmem_cache_alloc()
 * @size: how many at least, up to 1024
 * @site: who asks; the macro of this name fills it in
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM.
 * Return: the sheaf, which goes back by mml_kmem_cache_return_sheaf(); NULL if there is no
 * memory for it, or @size is more than there may be.
 */
struct mml_slab_sheaf *mml_kmem_cache_prefill_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
						    unsigned int size,
						    struct mml_alloc_site *site)
{
	struct mml_slab_sheaf *sheaf;
	int err;

	if (size > MML_SHEAF_MAX)
		return NULL;
	sheaf = mml_get_sheaf(s, gfp, size);
	if (!sheaf)
		return NULL;
	err = mml_kmem_cache_refill_sheaf(s, gfp, sheaf, size, site);
	if (!err)
		return sheaf;
	mml_kmem_cache_return_sheaf(s, sheaf);
	return NULL;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_prefill_sheaf, MM_LAB);

/**
 * mml_kmem_cache_refill_sheaf - have enough objects in a sheaf again
 * @s: of which cache
 * @gfp: as for mml_kmem_cache_alloc()
 * @sheaf: of that cache
 * @size: how many at least, no more than it was got for
 * @site: who asks; the macro of this name fills it in
 *
 * Context: as mml_kmem_cache_prefill_sheaf().
 * Return: 0; -ENOMEM, -EINVAL: it has what it had.
 */
int mml_kmem_cache_refill_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
				struct mml_slab_sheaf *sheaf, unsigned int size,
				struct mml_alloc_site *site)
{
	if (size > sheaf->capacity)
		return -EINVAL;
	if (sheaf->nr >= size)
		return 0;
	if (!mml_kmem_cache_alloc_bulk(s, gfp & ~__GFP_ZERO, size - sheaf->nr,
				       sheaf->objects + sheaf->nr, site))
		return -ENOMEM;
	sheaf->nr = size;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_refill_sheaf, MM_LAB);

/**
 * mml_kmem_cache_alloc_from_sheaf - an object of one's own sheaf
 * @s: of which cache
 * @gfp: __GFP_ZERO: it is zeroed; the rest does not matter
 * @sheaf: of that cache
 *
 * Context: any but NMI; never sleeps.
 * Return: the object; NULL if the sheaf is empty.
 */
void *mml_kmem_cache_alloc_from_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
				      struct mml_slab_sheaf *sheaf)
{
	void *object;

	if (!sheaf->nr)
		return NULL;
	object = sheaf->objects[--sheaf->nr];
	if (gfp & __GFP_ZERO)
		memset(object, 0, s->object_size);
	return object;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_alloc_from_sheaf, MM_LAB);

/**
 * mml_kmem_cache_sheaf_size - how many objects a sheaf has
 * @sheaf: the sheaf
 *
 * Context: any.
 * Return: how many.
 */
unsigned int mml_kmem_cache_sheaf_size(const struct mml_slab_sheaf *sheaf)
{
	return sheaf->nr;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_sheaf_size, MM_LAB);

/**
 * mml_kmem_cache_return_sheaf - give a sheaf back, with the objects that are left
 * @s: of which cache
 * @sheaf: from mml_kmem_cache_prefill_sheaf() of that cache
 *
 * Context: any but NMI.
 */
void mml_kmem_cache_return_sheaf(struct mml_kmem_cache *s, struct mml_slab_sheaf *sheaf)
{
	if (s->path == MML_SLAB_SHEAVES && sheaf->capacity == s->sheaf_capacity) {
		mml_sheaf_put(s, sheaf);
		return;
	}
	mml_kmem_cache_free_bulk(s, sheaf->nr, sheaf->objects);
	kfree(sheaf);
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_return_sheaf, MM_LAB);
