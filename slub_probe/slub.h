/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Object caches and kmalloc, for the rooms above.
 *
 * Kernel counterpart: include/linux/slab.h, include/linux/mempool.h; the flags of a cache are the kernel's SLAB_*
 * as they are. Differences: a cache belongs to a machine, and what is not of a cache is
 * asked for with the machine; how a cache's CPUs serve themselves is chosen for each.
 */
#ifndef _MML_SLUB_H
#define _MML_SLUB_H

#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "mm_lab/alloc.h"
#include "mm_lab/machine.h"
#include "mm_lab/uapi/mm_lab.h"

#define MML_SLUB_SLOT	1

/* What serves most requests of a cache, without a lock and without a slab. */
enum mml_slab_path {
	MML_SLAB_SHEAVES = MML_CACHE_SHEAVES,
	MML_SLAB_CPU_SLABS = MML_CACHE_CPU_SLABS,
	MML_NR_SLAB_PATHS,
};

struct mml_kmem_cache;
struct mml_slab_sheaf;

/**
 * struct mml_kmem_cache_args - what else there is to say of a new cache
 * @align: of its objects, in bytes, a power of two; 0: what their size wants
 * @path: how its CPUs serve themselves
 * @sheaf_capacity: objects in a sheaf; 0: by their size
 * @useroffset: from where on in an object bytes may be copied to and from processes
 * @usersize: how many; 0: none, see mml_check_heap_object()
 * @random_order: objects of a new slab are given out in random order
 * @ctor: makes an object of new memory, once, and not whenever it is allocated; or NULL
 */
struct mml_kmem_cache_args {
	unsigned int align;
	enum mml_slab_path path;
	unsigned int sheaf_capacity;
	unsigned int useroffset;
	unsigned int usersize;
	bool random_order;
	void (*ctor)(void *object);
};

struct mml_kmem_cache *mml_kmem_cache_create(struct mml_machine *machine,
					     const char *name, unsigned int object_size,
					     const struct mml_kmem_cache_args *args,
					     slab_flags_t flags);
int mml_kmem_cache_destroy(struct mml_kmem_cache *s);
unsigned long mml_kmem_cache_shrink(struct mml_kmem_cache *s);
void mml_kmem_caches_shrink(struct mml_machine *machine);
unsigned long mml_kmem_cache_validate(struct mml_kmem_cache *s);
unsigned int mml_kmem_cache_size(const struct mml_kmem_cache *s);

void *mml_kmem_cache_alloc_node(struct mml_kmem_cache *s, gfp_t gfp, int nid,
				struct mml_alloc_site *site);
/* Who calls it is a site, as with mml_alloc_pages() (buddy_probe/buddy.h). */
#define mml_kmem_cache_alloc_node(s, gfp, nid) \
	mml_kmem_cache_alloc_node(s, gfp, nid, MML_ALLOC_SITE("object"))

void *mml_kmem_cache_alloc(struct mml_kmem_cache *s, gfp_t gfp,
			   struct mml_alloc_site *site);
#define mml_kmem_cache_alloc(s, gfp) \
	mml_kmem_cache_alloc(s, gfp, MML_ALLOC_SITE("object"))

bool mml_kmem_cache_alloc_bulk(struct mml_kmem_cache *s, gfp_t gfp, unsigned int nr,
			       void **objects, struct mml_alloc_site *site);
#define mml_kmem_cache_alloc_bulk(s, gfp, nr, objects) \
	mml_kmem_cache_alloc_bulk(s, gfp, nr, objects, MML_ALLOC_SITE("object"))

void mml_kmem_cache_free(struct mml_kmem_cache *s, void *object);
void mml_kmem_cache_free_bulk(struct mml_kmem_cache *s, unsigned int nr, void **objects);

void *mml_kmalloc(struct mml_machine *machine, size_t size, gfp_t gfp,
		  struct mml_alloc_site *site);
#define mml_kmalloc(machine, size, gfp) \
	mml_kmalloc(machine, size, gfp, MML_ALLOC_SITE("kmalloc"))
#define mml_kzmalloc(machine, size, gfp) \
	mml_kmalloc(machine, size, (gfp) | __GFP_ZERO)

void *mml_kmalloc_array(struct mml_machine *machine, size_t n, size_t size, gfp_t gfp,
			struct mml_alloc_site *site);
#define mml_kmalloc_array(machine, n, size, gfp) \
	mml_kmalloc_array(machine, n, size, gfp, MML_ALLOC_SITE("kmalloc"))
#define mml_kcalloc(machine, n, size, gfp) \
	mml_kmalloc_array(machine, n, size, (gfp) | __GFP_ZERO)

void *mml_krealloc(struct mml_machine *machine, void *object, size_t size, gfp_t gfp,
		   struct mml_alloc_site *site);
#define mml_krealloc(machine, object, size, gfp) \
	mml_krealloc(machine, object, size, gfp, MML_ALLOC_SITE("kmalloc"))

bool mml_check_heap_object(struct mml_machine *machine, const void *from, size_t n);
size_t mml_ksize(struct mml_machine *machine, const void *object);
void mml_kfree(struct mml_machine *machine, const void *object);

/*
 * Memory pools: mempool.c.
 */

typedef void *mml_mempool_alloc_t(struct mml_machine *machine, gfp_t gfp, void *pool_data,
				  struct mml_alloc_site *site);
typedef void mml_mempool_free_t(struct mml_machine *machine, void *element, void *pool_data);

/**
 * struct mml_mempool - elements that are kept, so that who may wait always gets one
 * @lock: irq-safe, a leaf; protects the next three
 * @min_nr: so many are guaranteed
 * @curr_nr: so many are here now
 * @elements: these; there is room for @min_nr
 * @machine: whose memory they are
 * @pool_data: for @alloc and @free: the cache, the size, the order, or somebody's own
 * @alloc: where elements come from
 * @free: where they go
 * @wait: who waits until one is given back
 */
struct mml_mempool {
	spinlock_t lock;
	int min_nr;
	int curr_nr;
	void **elements;
	struct mml_machine *machine;
	void *pool_data;
	mml_mempool_alloc_t *alloc;
	mml_mempool_free_t *free;
	wait_queue_head_t wait;
};

struct mml_mempool *mml_mempool_create(struct mml_machine *machine, int min_nr,
				       mml_mempool_alloc_t *alloc, mml_mempool_free_t *free,
				       void *pool_data, struct mml_alloc_site *site);
#define mml_mempool_create(machine, min_nr, alloc, free, pool_data) \
	mml_mempool_create(machine, min_nr, alloc, free, pool_data, MML_ALLOC_SITE("pool"))

struct mml_mempool *mml_mempool_create_slab_pool(int min_nr, struct mml_kmem_cache *s,
						 struct mml_alloc_site *site);
#define mml_mempool_create_slab_pool(min_nr, s) \
	mml_mempool_create_slab_pool(min_nr, s, MML_ALLOC_SITE("pool"))

struct mml_mempool *mml_mempool_create_kmalloc_pool(struct mml_machine *machine, int min_nr,
						    size_t size, struct mml_alloc_site *site);
#define mml_mempool_create_kmalloc_pool(machine, min_nr, size) \
	mml_mempool_create_kmalloc_pool(machine, min_nr, size, MML_ALLOC_SITE("pool"))

struct mml_mempool *mml_mempool_create_page_pool(struct mml_machine *machine, int min_nr,
						 unsigned int order,
						 struct mml_alloc_site *site);
#define mml_mempool_create_page_pool(machine, min_nr, order) \
	mml_mempool_create_page_pool(machine, min_nr, order, MML_ALLOC_SITE("pool"))

int mml_mempool_resize(struct mml_mempool *pool, int min_nr, struct mml_alloc_site *site);
#define mml_mempool_resize(pool, min_nr) \
	mml_mempool_resize(pool, min_nr, MML_ALLOC_SITE("pool"))

void *mml_mempool_alloc(struct mml_mempool *pool, gfp_t gfp, struct mml_alloc_site *site);
#define mml_mempool_alloc(pool, gfp) \
	mml_mempool_alloc(pool, gfp, MML_ALLOC_SITE("element"))

void *mml_mempool_alloc_preallocated(struct mml_mempool *pool);
void mml_mempool_free(void *element, struct mml_mempool *pool);
void mml_mempool_destroy(struct mml_mempool *pool);

/* Has the pool all that it guarantees? May have changed at once. */
static inline bool mml_mempool_is_saturated(const struct mml_mempool *pool)
{
	return READ_ONCE(pool->curr_nr) >= READ_ONCE(pool->min_nr);
}

void __mml_kfree_rcu(struct mml_machine *machine, void *object, struct rcu_head *head);
void mml_kfree_rcu_barrier(struct mml_machine *machine);
/* As the kernel's kfree_rcu(): @rhf is the name of the struct rcu_head in *@ptr. */
#define mml_kfree_rcu(machine, ptr, rhf) do {				\
	typeof(ptr) __ptr = (ptr);					\
									\
	if (__ptr)							\
		__mml_kfree_rcu(machine, __ptr, &__ptr->rhf);		\
} while (0)

struct mml_slab_sheaf *mml_kmem_cache_prefill_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
						    unsigned int size,
						    struct mml_alloc_site *site);
#define mml_kmem_cache_prefill_sheaf(s, gfp, size) \
	mml_kmem_cache_prefill_sheaf(s, gfp, size, MML_ALLOC_SITE("object"))

int mml_kmem_cache_refill_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
				struct mml_slab_sheaf *sheaf, unsigned int size,
				struct mml_alloc_site *site);
#define mml_kmem_cache_refill_sheaf(s, gfp, sheaf, size) \
	mml_kmem_cache_refill_sheaf(s, gfp, sheaf, size, MML_ALLOC_SITE("object"))

void *mml_kmem_cache_alloc_from_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
				      struct mml_slab_sheaf *sheaf);
unsigned int mml_kmem_cache_sheaf_size(const struct mml_slab_sheaf *sheaf);
void mml_kmem_cache_return_sheaf(struct mml_kmem_cache *s, struct mml_slab_sheaf *sheaf);

#endif /* _MML_SLUB_H */
