// SPDX-License-Identifier: GPL-2.0
/*
 * Memory pools: some elements are kept aside, so that who may wait is never left without
 * one.
 *
 *	 alloc ──> allocator: at once, no reserves ──> the pool ──> allocator: may reclaim
 *	                                                  ^               │
 *	 free  ──> the pool, while it lacks some ─────────┘               v
 *	       └─> allocator                        the pool, or wait for a free
 *
 * As long as everybody gives back what he got, somebody who waits gets an element: those
 * that are missing in the pool are in somebody's hands, and whatever is given back
 * refills the pool before anything goes to the allocator.
 *
 * Kernel counterpart: mm/mempool.c. Differences: a pool belongs to a machine; errors are
 * told apart, misuse is reported and not a BUG; who makes, resizes or asks a pool is the
 * site (mm_lab/alloc.h), for the allocator below and for the pool's own memory; what
 * comes back to refill the pool is looked at, for it will be handed on unseen;
 * __GFP_NOFAIL has no effect, for the pool is what does not fail. Own functions are told
 * the machine. There are no pools in somebody's structure (mempool_init()), nor of
 * kvmalloc.
 *
 * Invariants: 0 <= curr_nr <= min_nr; the elements [0, curr_nr) are nobody's; curr_nr and
 * what was taken out and not given back are min_nr or more, once it could be filled.
 *
 * Locking: pool->lock, a spinlock, irq-safe, a leaf; the allocator is called without it.
 */
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/sched.h>

#include "slub_probe/slab.h"

/* Here are the functions, not the macros that pass the site. */
#undef mml_alloc_pages
#undef mml_kmalloc
#undef mml_kmem_cache_alloc
#undef mml_mempool_alloc
#undef mml_mempool_create
#undef mml_mempool_create_kmalloc_pool
#undef mml_mempool_create_page_pool
#undef mml_mempool_create_slab_pool
#undef mml_mempool_resize

/* Who waits looks again this often, though nobody has woken him; as the kernel. */
#define MML_MEMPOOL_WAIT	(5 * HZ)

/*
 * What elements are.
 */

static void *mml_mempool_alloc_slab(struct mml_machine *machine, gfp_t gfp, void *pool_data,
				    struct mml_alloc_site *site)
{
	return mml_kmem_cache_alloc(pool_data, gfp, site);
}

static void mml_mempool_free_slab(struct mml_machine *machine, void *element,
				  void *pool_data)
{
	mml_kmem_cache_free(pool_data, element);
}

static void *mml_mempool_kmalloc(struct mml_machine *machine, gfp_t gfp, void *pool_data,
				 struct mml_alloc_site *site)
{
	return mml_kmalloc(machine, (size_t)pool_data, gfp, site);
}

static void mml_mempool_kfree(struct mml_machine *machine, void *element, void *pool_data)
{
	mml_kfree(machine, element);
}

static void *mml_mempool_alloc_pages(struct mml_machine *machine, gfp_t gfp,
				     void *pool_data, struct mml_alloc_site *site)
{
	return mml_alloc_pages(machine, gfp, (unsigned long)pool_data, site);
}

static void mml_mempool_free_pages(struct mml_machine *machine, void *element,
				   void *pool_data)
{
	__mml_free_pages(machine, element, (unsigned long)pool_data);
}

/* Does an object of the slab begin there? */
static bool mml_mempool_is_object(struct mml_slab *slab, const void *element)
{
	const struct mml_kmem_cache *s = slab->slab_cache;

	return (element - mml_slab_address(s, slab)) % s->size == s->red_left_pad;
}

/* How much memory from mml_kmalloc() begins at @element? Returns: 0: it is none. */
static size_t mml_mempool_ksize(struct mml_machine *machine, const void *element)
{
	struct mml_page *page = mml_object_head(machine, element);

	if (page && page->type == MML_PAGE_SLAB &&
	    mml_mempool_is_object(mml_page_slab(page), element))
		return mml_page_slab(page)->slab_cache->object_size;
	if (page && page->type == MML_PAGE_LARGE_KMALLOC &&
	    element == mml_page_address(machine, page))
		return PAGE_SIZE << page->order;
	return 0;
}

static bool mml_mempool_in_cache(struct mml_kmem_cache *s, const void *element)
{
	struct mml_slab *slab = mml_cache_slab(s, element);

	return slab && mml_mempool_is_object(slab, element);
}

/* May the pool have it? Of what own functions made, nobody knows. */
static bool mml_mempool_owns(const struct mml_mempool *pool, const void *element)
{
	const struct mml_page *page = element;

	if (pool->free == mml_mempool_free_slab)
		return mml_mempool_in_cache(pool->pool_data, element);
	if (pool->free == mml_mempool_kfree)
		return mml_mempool_ksize(pool->machine, element) >= (size_t)pool->pool_data;
	if (pool->free == mml_mempool_free_pages)
		return mml_page_valid(pool->machine, page) &&
		       READ_ONCE(page->state) == MML_FRAME_ALLOCATED &&
		       page->type == MML_PAGE_KERNEL &&
		       page->order == (unsigned long)pool->pool_data;
	return true;
}

/*
 * The pool.
 */

static void mml_mempool_add_element(struct mml_mempool *pool, void *element)
{
	lockdep_assert_held(&pool->lock);

	pool->elements[pool->curr_nr] = element;
	WRITE_ONCE(pool->curr_nr, pool->curr_nr + 1);
}

/* Returns: NULL if the pool is empty. */
static void *mml_mempool_remove_element(struct mml_mempool *pool)
{
	lockdep_assert_held(&pool->lock);

	if (!pool->curr_nr)
		return NULL;
	WRITE_ONCE(pool->curr_nr, pool->curr_nr - 1);
	return pool->elements[pool->curr_nr];
}

/* Returns: NULL if there is no memory for it; it need not be zeroed. */
static void **mml_mempool_alloc_elements(struct mml_machine *machine, int nr,
					 struct mml_alloc_site *site)
{
	return __mml_kzalloc(machine, array_size(nr, sizeof(void *)),
			     GFP_KERNEL | __GFP_NOWARN, site);
}

/* More elements, until there are min_nr. Returns: whether there are. */
static bool mml_mempool_fill(struct mml_mempool *pool, struct mml_alloc_site *site)
{
	unsigned long flags;
	void *element;
	bool room;

	while (READ_ONCE(pool->curr_nr) < READ_ONCE(pool->min_nr)) {
		element = pool->alloc(pool->machine, GFP_KERNEL, pool->pool_data, site);
		if (!element)
			return false;
		spin_lock_irqsave(&pool->lock, flags);
		room = pool->curr_nr < pool->min_nr;
		if (room)
			mml_mempool_add_element(pool, element);
		spin_unlock_irqrestore(&pool->lock, flags);
		/* Somebody else was faster. */
		if (!room)
			pool->free(pool->machine, element, pool->pool_data);
		else
			wake_up(&pool->wait);
	}
	return true;
}

/**
 * mml_mempool_destroy - destroy a pool
 * @pool: the pool; NULL, or ERR_PTR(): nothing is done
 *
 * What it keeps goes back to the allocator. What was got from it and not given back stays
 * who has it, and can go only to the allocator then.
 *
 * Context: any in which its elements can be freed; nobody uses the pool any more.
 */
void mml_mempool_destroy(struct mml_mempool *pool)
{
	if (IS_ERR_OR_NULL(pool))
		return;
	while (pool->curr_nr)
		pool->free(pool->machine, pool->elements[--pool->curr_nr], pool->pool_data);
	kfree(pool->elements);
	kfree(pool);
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_destroy, MM_LAB);

/**
 * mml_mempool_create - make a pool of elements that own functions make
 * @machine: whose memory it is about
 * @min_nr: so many elements are guaranteed, 1 or more
 * @alloc: makes an element: of the machine, with these flags, @pool_data, for this site.
 *	With flags that do not allow to sleep, it must not. NULL: there is no memory
 * @free: an element goes; it is called wherever mml_mempool_free() is
 * @pool_data: for these two
 * @site: who asks; the macro of this name fills it in
 *
 * The pool is on no list: its owner destroys it before the machine goes. If he does not,
 * the machine goes without the frames of its elements and says so, and the pool's memory
 * is lost; to use it then is to use memory after it was freed.
 *
 * Context: process, may sleep.
 * Return: the pool, with @min_nr elements; ERR_PTR(): -EINVAL if @min_nr is less than 1;
 * -ENOMEM.
 */
struct mml_mempool *mml_mempool_create(struct mml_machine *machine, int min_nr,
				       mml_mempool_alloc_t *alloc, mml_mempool_free_t *free,
				       void *pool_data, struct mml_alloc_site *site)
{
	struct mml_mempool *pool;

	if (min_nr < 1)
		return ERR_PTR(-EINVAL);
	pool = __mml_kzalloc(machine, sizeof(*pool), GFP_KERNEL, site);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&pool->lock);
	init_waitqueue_head(&pool->wait);
	pool->machine = machine;
	pool->min_nr = min_nr;
	pool->alloc = alloc;
	pool->free = free;
	pool->pool_data = pool_data;
	pool->elements = mml_mempool_alloc_elements(machine, min_nr, site);
	if (pool->elements && mml_mempool_fill(pool, site))
		return pool;
	mml_mempool_destroy(pool);
	return ERR_PTR(-ENOMEM);
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_create, MM_LAB);

/**
 * mml_mempool_create_slab_pool - make a pool of a cache's objects
 * @min_nr: so many are guaranteed, 1 or more
 * @s: the cache, without constructor; it outlives the pool
 * @site: who asks; the macro of this name fills it in
 *
 * Context: process, may sleep.
 * Return: as mml_mempool_create(); -EINVAL, too, if the cache has a constructor: what the
 * pool hands on has been used.
 */
struct mml_mempool *mml_mempool_create_slab_pool(int min_nr, struct mml_kmem_cache *s,
						 struct mml_alloc_site *site)
{
	if (s->ctor)
		return ERR_PTR(-EINVAL);
	return mml_mempool_create(s->machine, min_nr, mml_mempool_alloc_slab,
				  mml_mempool_free_slab, s, site);
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_create_slab_pool, MM_LAB);

/**
 * mml_mempool_create_kmalloc_pool - make a pool of memory of one size
 * @machine: of whose memory
 * @min_nr: so many elements are guaranteed, 1 or more
 * @size: of each, in bytes, 1 to 4 MiB
 * @site: who asks; the macro of this name fills it in
 *
 * Context: process, may sleep.
 * Return: as mml_mempool_create(); -EINVAL, too, for a size that cannot be; -EOPNOTSUPP
 * if the machine has no memory.
 */
struct mml_mempool *mml_mempool_create_kmalloc_pool(struct mml_machine *machine, int min_nr,
						    size_t size, struct mml_alloc_site *site)
{
	if (!size || size > MML_KMALLOC_MAX_SIZE)
		return ERR_PTR(-EINVAL);
	if (!mml_has_memory(machine))
		return ERR_PTR(-EOPNOTSUPP);
	return mml_mempool_create(machine, min_nr, mml_mempool_kmalloc, mml_mempool_kfree,
				  (void *)size, site);
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_create_kmalloc_pool, MM_LAB);

/**
 * mml_mempool_create_page_pool - make a pool of blocks of frames
 * @machine: of which machine
 * @min_nr: so many blocks are guaranteed, 1 or more
 * @order: of each; its elements are struct mml_page
 * @site: who asks; the macro of this name fills it in
 *
 * Context: process, may sleep.
 * Return: as mml_mempool_create(); -EINVAL, too, for an order that there is not.
 */
struct mml_mempool *mml_mempool_create_page_pool(struct mml_machine *machine, int min_nr,
						 unsigned int order,
						 struct mml_alloc_site *site)
{
	if (order > MML_MAX_ORDER)
		return ERR_PTR(-EINVAL);
	return mml_mempool_create(machine, min_nr, mml_mempool_alloc_pages,
				  mml_mempool_free_pages, (void *)(unsigned long)order, site);
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_create_page_pool, MM_LAB);

/* No more than @min_nr, which are not more than before. */
static void mml_mempool_shrink(struct mml_mempool *pool, int min_nr)
{
	unsigned long flags;
	void *element;

	spin_lock_irqsave(&pool->lock, flags);
	while (pool->curr_nr > min_nr) {
		element = mml_mempool_remove_element(pool);
		spin_unlock_irqrestore(&pool->lock, flags);
		pool->free(pool->machine, element, pool->pool_data);
		spin_lock_irqsave(&pool->lock, flags);
	}
	/* Only now: at no time are there more than that, for who copies them meanwhile. */
	WRITE_ONCE(pool->min_nr, min(pool->min_nr, min_nr));
	spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * mml_mempool_resize - guarantee more elements, or less
 * @pool: the pool; others may use it meanwhile
 * @min_nr: so many from now on, 1 or more
 * @site: who asks; the macro of this name fills it in
 *
 * If there is no memory for more elements at once, the pool gets them when some are given
 * back.
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL if @min_nr is less than 1; -ENOMEM if the pool cannot keep so many,
 * and then it stays as it is.
 */
int mml_mempool_resize(struct mml_mempool *pool, int min_nr, struct mml_alloc_site *site)
{
	void **elements;
	unsigned long flags;

	if (min_nr < 1)
		return -EINVAL;
	might_sleep();
	if (min_nr <= READ_ONCE(pool->min_nr)) {
		mml_mempool_shrink(pool, min_nr);
		return 0;
	}
	elements = mml_mempool_alloc_elements(pool->machine, min_nr, site);
	if (!elements)
		return -ENOMEM;
	spin_lock_irqsave(&pool->lock, flags);
	if (min_nr > pool->min_nr) {
		memcpy(elements, pool->elements, pool->curr_nr * sizeof(*elements));
		swap(pool->elements, elements);
		WRITE_ONCE(pool->min_nr, min_nr);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	kfree(elements);
	mml_mempool_fill(pool, site);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_resize, MM_LAB);

/*
 * Taking and giving.
 */

/* Wait for a free. With the lock held, so that none is missed; returns without it. */
static void mml_mempool_wait(struct mml_mempool *pool, unsigned long flags)
	__releases(&pool->lock)
{
	wait_queue_entry_t wait;

	init_wait(&wait);
	prepare_to_wait(&pool->wait, &wait, TASK_UNINTERRUPTIBLE);
	spin_unlock_irqrestore(&pool->lock, flags);
	io_schedule_timeout(MML_MEMPOOL_WAIT);
	finish_wait(&pool->wait, &wait);
}

/**
 * mml_mempool_alloc - get an element
 * @pool: of which pool
 * @gfp: the kernel's flags, as for mml_alloc_pages(); not __GFP_ZERO: what the pool keeps
 *	has been used. That is reported, and has no effect
 * @site: who asks; the macro of this name fills it in
 *
 * In this order: the allocator, without waiting and without reserves; what the pool
 * keeps; the allocator, as @gfp allows; what the pool keeps; and then it is waited for
 * somebody to give an element back, if @gfp allows that.
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM, and then as long as it
 * takes.
 * Return: the element; NULL, never with __GFP_DIRECT_RECLAIM, if there is no memory and
 * the pool is empty.
 */
void *mml_mempool_alloc(struct mml_mempool *pool, gfp_t gfp, struct mml_alloc_site *site)
{
	unsigned long flags;
	void *element;
	gfp_t try;

	if (unlikely(gfp & __GFP_ZERO))
		mml_report(pool->machine, "a pool is asked for zeroed memory");
	mml_might_alloc(gfp);
	gfp &= ~(__GFP_ZERO | __GFP_NOFAIL);
	gfp |= __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
	try = gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_IO);
	do {
		element = pool->alloc(pool->machine, try, pool->pool_data, site);
		if (likely(element))
			return element;
		spin_lock_irqsave(&pool->lock, flags);
		element = mml_mempool_remove_element(pool);
		if (element || (try == gfp && !(gfp & __GFP_DIRECT_RECLAIM))) {
			spin_unlock_irqrestore(&pool->lock, flags);
			break;
		}
		if (try != gfp) {
			spin_unlock_irqrestore(&pool->lock, flags);
			try = gfp;
		} else {
			mml_mempool_wait(pool, flags);
		}
	} while (1);
	/* Pairs with the smp_rmb() in mml_mempool_free(). */
	smp_wmb();
	return element;
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_alloc, MM_LAB);

/**
 * mml_mempool_alloc_preallocated - get one of the elements that a pool keeps
 * @pool: the pool
 *
 * Context: any but NMI.
 * Return: the element; NULL if the pool is empty.
 */
void *mml_mempool_alloc_preallocated(struct mml_mempool *pool)
{
	unsigned long flags;
	void *element;

	spin_lock_irqsave(&pool->lock, flags);
	element = mml_mempool_remove_element(pool);
	spin_unlock_irqrestore(&pool->lock, flags);
	/* Pairs with the smp_rmb() in mml_mempool_free(). */
	smp_wmb();
	return element;
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_alloc_preallocated, MM_LAB);

/**
 * mml_mempool_free - give an element back
 * @element: from mml_mempool_alloc(); NULL: nothing is done
 * @pool: of this pool
 *
 * To the pool, if it has less than it guarantees, and whoever waits for one is woken; to
 * the allocator, if not. What is no element of the kind is reported, counted and left
 * alone.
 *
 * Context: any but NMI.
 */
void mml_mempool_free(void *element, struct mml_mempool *pool)
{
	unsigned long flags;
	bool room;

	if (unlikely(!element))
		return;
	/*
	 * Pairs with the smp_wmb() of who got @element, for it may have come here without any
	 * barrier. So what is read of curr_nr now is from after that: if the pool lacks an
	 * element because of this one, it is seen to lack one; or it was refilled since. Who
	 * waits does so because curr_nr is 0, and so is woken by whoever gives back what was
	 * taken out before.
	 */
	smp_rmb();
	if (unlikely(READ_ONCE(pool->curr_nr) < READ_ONCE(pool->min_nr))) {
		if (unlikely(!mml_mempool_owns(pool, element))) {
			mml_report(pool->machine, "what is no element of a pool is given to it");
			return;
		}
		spin_lock_irqsave(&pool->lock, flags);
		room = pool->curr_nr < pool->min_nr;
		if (likely(room))
			mml_mempool_add_element(pool, element);
		spin_unlock_irqrestore(&pool->lock, flags);
		if (likely(room)) {
			wake_up(&pool->wait);
			return;
		}
	}
	pool->free(pool->machine, element, pool->pool_data);
}
EXPORT_SYMBOL_NS_GPL(mml_mempool_free, MM_LAB);
