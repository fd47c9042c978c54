// SPDX-License-Identifier: GPL-2.0
/*
 * kmalloc: memory of any size, from caches of some sizes.
 *
 *	8 16 32 64 96 128 192 256 512 1k 2k 4k 8k, then whole blocks of frames
 *
 * Kernel counterpart: __check_heap_object(), kmalloc_slab(), __kmalloc_large_node(), krealloc() and kfree() in
 * mm/slub.c and mm/slab_common.c. Differences: what is given back says which machine's it
 * is; caches of kmalloc are never shared with others; a size beyond 4 MiB is reported.
 *
 * Locking: none here.
 */
#include <linux/export.h>
#include <linux/overflow.h>

#include "slub_probe/debug.h"

#include "trace.h"

/* Here are the functions, not the macros that pass the site. */
#undef mml_kmalloc
#undef mml_kmalloc_array
#undef mml_krealloc

/* Classes that are no powers of two have the numbers that those below 8 do not need. */
static const struct {
	const char *name;
	unsigned int size;
} mml_kmalloc_info[MML_KMALLOC_NR_SIZES] = {
	[1] = { "96", 96 },	[2] = { "192", 192 },	[3] = { "8", 8 },
	[4] = { "16", 16 },	[5] = { "32", 32 },	[6] = { "64", 64 },
	[7] = { "128", 128 },	[8] = { "256", 256 },	[9] = { "512", 512 },
	[10] = { "1k", 1024 },	[11] = { "2k", 2048 },	[12] = { "4k", 4096 },
	[13] = { "8k", 8192 },
};

static const char * const mml_kmalloc_prefix[MML_NR_KMALLOC_TYPES] = {
	[MML_KMALLOC_NORMAL]	= "kmalloc-",
	[MML_KMALLOC_RECLAIM]	= "kmalloc-rcl-",
	[MML_KMALLOC_DMA]	= "dma-kmalloc-",
};

static const slab_flags_t mml_kmalloc_flags[MML_NR_KMALLOC_TYPES] = {
	[MML_KMALLOC_RECLAIM]	= SLAB_RECLAIM_ACCOUNT,
	[MML_KMALLOC_DMA]	= SLAB_CACHE_DMA,
};

/* The class of sizes up to 192, which are not all powers of two: by their multiple of 8. */
static const u8 mml_size_index[24] = {
	3, 4, 5, 5, 6, 6, 6, 6,		/* 8 16 24 32 40 48 56 64 */
	1, 1, 1, 1, 7, 7, 7, 7,		/* 72 80 88 96 104 112 120 128 */
	2, 2, 2, 2, 2, 2, 2, 2,		/* 136 144 152 160 168 176 184 192 */
};

/* The class of a size, which is not 0. */
static __always_inline unsigned int mml_kmalloc_index(size_t size)
{
	return size <= 192 ? mml_size_index[(size - 1) / 8] : fls(size - 1);
}

static __always_inline enum mml_kmalloc_cache_type mml_kmalloc_type(gfp_t gfp)
{
	if (likely(!(gfp & (__GFP_DMA | __GFP_RECLAIMABLE))))
		return MML_KMALLOC_NORMAL;
	return gfp & __GFP_DMA ? MML_KMALLOC_DMA : MML_KMALLOC_RECLAIM;
}

static noinline void *mml_kmalloc_large(struct mml_machine *machine, size_t size, gfp_t gfp)
{
	struct mml_page *page;

	if (unlikely(!mml_has_memory(machine)))
		return NULL;
	if (unlikely(size > MML_KMALLOC_MAX_SIZE)) {
		if (!(gfp & __GFP_NOWARN))
			mml_report(machine, "%zu bytes asked for: %lu are the most", size,
				   MML_KMALLOC_MAX_SIZE);
		return NULL;
	}
	page = mml_alloc_pages(machine, gfp & ~(__GFP_HIGHMEM | __GFP_MOVABLE),
			       get_order(size));
	if (!page)
		return NULL;
	page->type = MML_PAGE_LARGE_KMALLOC;
	return mml_page_address(machine, page);
}

/* Which cache serves it? The size is one that has a cache; NULL: the machine has no memory. */
static __always_inline struct mml_kmem_cache *
mml_kmalloc_slab(const struct mml_machine *machine, size_t size, gfp_t gfp)
{
	return mml_slub(machine)->size_caches[mml_kmalloc_type(gfp)][mml_kmalloc_index(size)];
}

/* Of a cache, or a block. *@room: how many bytes it has. */
static void *mml_kmalloc_any(struct mml_machine *machine, size_t size, gfp_t gfp,
			     struct mml_alloc_site *site, unsigned long addr, size_t *room)
{
	struct mml_kmem_cache *s;

	if (size > MML_KMALLOC_MAX_CACHE_SIZE) {
		*room = PAGE_SIZE << get_order(size);
		return mml_kmalloc_large(machine, size, gfp);
	}
	s = mml_kmalloc_slab(machine, size, gfp);
	if (unlikely(!s))
		return NULL;
	*room = s->size;
	return mml_slab_alloc(s, gfp, NUMA_NO_NODE, size, site, addr);
}

/* Any request. */
static noinline void *__mml_kmalloc(struct mml_machine *machine, size_t size, gfp_t gfp,
				    struct mml_alloc_site *site, unsigned long addr)
{
	size_t room = 0;
	void *object;

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	object = mml_kmalloc_any(machine, size, gfp, site, addr, &room);
	trace_kmalloc(addr, object, machine, size, room, gfp, NUMA_NO_NODE);
	return object;
}

/**
 * mml_kmalloc - allocate memory
 * @machine: of which machine
 * @size: bytes; 0: a pointer that may be given back and nothing else
 * @gfp: the kernel's flags, as for mml_alloc_pages(); __GFP_ZERO: zeroed;
 *	__GFP_RECLAIMABLE, __GFP_DMA: of caches of their own
 * @site: who asks; the macro of this name fills it in
 *
 * Aligned to 8 bytes, and to their size those that are a power of two, as far as the machine's
 * memory is.
 *
 * Context: any but NMI; sleeps only with __GFP_DIRECT_RECLAIM.
 * Return: the memory; NULL if there is none, or the machine has no memory at all.
 */
void *mml_kmalloc(struct mml_machine *machine, size_t size, gfp_t gfp,
		  struct mml_alloc_site *site)
{
	struct mml_kmem_cache *s;
	void *object;

	mml_might_alloc(gfp);
	/* What most requests are, without anything to be kept over a call. */
	if (likely(size - 1 < MML_KMALLOC_MAX_CACHE_SIZE && !machine->slow &&
		   !trace_kmalloc_enabled() && !(gfp & (__GFP_ZERO | __GFP_THISNODE)))) {
		s = mml_kmalloc_slab(machine, size, gfp);
		object = likely(s && s->path == MML_SLAB_SHEAVES) ? mml_sheaf_pop(s) : NULL;
		if (likely(object))
			return object;
	}
	return __mml_kmalloc(machine, size, gfp, site, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(mml_kmalloc, MM_LAB);

/**
 * mml_kmalloc_array - allocate memory for an array
 * @machine: of which machine
 * @n: how many elements
 * @size: bytes of each
 * @gfp: as for mml_kmalloc()
 * @site: who asks; the macro of this name fills it in
 *
 * Context: as mml_kmalloc().
 * Return: as mml_kmalloc(); NULL, too, if the product is more than there can be.
 */
void *mml_kmalloc_array(struct mml_machine *machine, size_t n, size_t size, gfp_t gfp,
			struct mml_alloc_site *site)
{
	size_t bytes;

	mml_might_alloc(gfp);
	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return NULL;
	return __mml_kmalloc(machine, bytes, gfp, site, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(mml_kmalloc_array, MM_LAB);

/* How much memory from mml_kmalloc() is there? Returns: 0: it is none. */
static size_t mml_object_room(struct mml_machine *machine, const void *object)
{
	struct mml_page *page = mml_object_head(machine, object);

	if (page && page->type == MML_PAGE_SLAB)
		return mml_page_slab(page)->slab_cache->object_size;
	if (page && page->type == MML_PAGE_LARGE_KMALLOC)
		return PAGE_SIZE << page->order;
	return 0;
}

/* The slab of an object that is debugged; NULL: it is not. */
static struct mml_slab *mml_debugged_slab(struct mml_machine *machine, const void *object)
{
	struct mml_page *page = mml_object_head(machine, object);

	if (!page || page->type != MML_PAGE_SLAB ||
	    mml_page_slab(page)->slab_cache->path != MML_SLAB_DEBUG)
		return NULL;
	return mml_page_slab(page);
}

/**
 * mml_ksize - how much memory there is
 * @machine: of which machine
 * @object: from mml_kmalloc(), or ZERO_SIZE_PTR
 *
 * Context: any.
 * Return: bytes, at least those that were asked for; 0, and a report, if it is not from
 * mml_kmalloc().
 */
size_t mml_ksize(struct mml_machine *machine, const void *object)
{
	struct mml_slab *slab;
	size_t room;

	if (ZERO_OR_NULL_PTR(object))
		return 0;
	room = mml_object_room(machine, object);
	if (!room)
		mml_report(machine, "the size asked for of what is no object");
	/* Who asks how much there is may use it. */
	slab = mml_debugged_slab(machine, object);
	if (unlikely(slab))
		mml_debug_resize(slab->slab_cache, slab, (void *)object, room);
	return room;
}
EXPORT_SYMBOL_NS_GPL(mml_ksize, MM_LAB);

/* Are @n bytes from @from on within what may be copied of one object of the slab? */
static bool mml_check_slab_object(struct mml_slab *slab, const void *from, size_t n)
{
	const struct mml_kmem_cache *s = slab->slab_cache;
	size_t offset = (from - mml_slab_address(s, slab)) % s->size;

	if (offset < s->red_left_pad)
		return false;
	offset -= s->red_left_pad;
	return offset >= s->useroffset && offset - s->useroffset <= s->usersize &&
	       n <= s->usersize - (offset - s->useroffset);
}

/**
 * mml_check_heap_object - may this memory be copied to or from a process?
 * @machine: of which machine
 * @from: where it begins
 * @n: how many bytes
 *
 * As the kernel's hardened usercopy: it has to be within one object, and there within what its
 * cache was made with as usersize; all of it with kmalloc. What is no object is not judged.
 *
 * Context: any.
 * Return: whether it may.
 */
bool mml_check_heap_object(struct mml_machine *machine, const void *from, size_t n)
{
	struct mml_page *page = mml_object_head(machine, from);

	if (page && page->type == MML_PAGE_SLAB)
		return mml_check_slab_object(mml_page_slab(page), from, n);
	if (page && page->type == MML_PAGE_LARGE_KMALLOC)
		return n <= (PAGE_SIZE << page->order) -
			    (size_t)(from - mml_page_address(machine, page));
	return true;
}
EXPORT_SYMBOL_NS_GPL(mml_check_heap_object, MM_LAB);

/* Anything, and what is nothing. */
static noinline void __mml_kfree(struct mml_machine *machine, const void *object,
				 unsigned long addr)
{
	struct mml_page *page;

	trace_kfree(addr, object, machine);
	if (ZERO_OR_NULL_PTR(object))
		return;
	page = mml_object_head(machine, object);
	if (likely(page && page->type == MML_PAGE_SLAB)) {
		mml_object_free(mml_page_slab(page)->slab_cache, mml_page_slab(page),
				(void *)object, addr);
	} else if (page && page->type == MML_PAGE_LARGE_KMALLOC &&
		   object == mml_page_address(machine, page)) {
		page->type = MML_PAGE_KERNEL;
		__mml_free_pages(machine, page, page->order);
	} else {
		mml_report(machine, "memory is freed that is no object");
	}
}

/**
 * mml_kfree - give memory back
 * @machine: whose it is
 * @object: from mml_kmalloc(), or an object of any cache; NULL and ZERO_SIZE_PTR: nothing is
 *	done
 *
 * What is neither is reported, counted and left alone.
 *
 * Context: any but NMI.
 */
void mml_kfree(struct mml_machine *machine, const void *object)
{
	struct mml_page *page = mml_virt_to_page(machine, object);
	struct mml_kmem_cache *s;

	/* A frame that says so is a slab's head: see mml_slab_around(). */
	if (likely(!trace_kfree_enabled() && page && page->type == MML_PAGE_SLAB)) {
		s = mml_page_slab(page)->slab_cache;
		if (likely(s->path == MML_SLAB_SHEAVES && s->base != MML_NO_BASE &&
			   mml_sheaf_push(s, (void *)object)))
			return;
	}
	__mml_kfree(machine, object, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(mml_kfree, MM_LAB);

/* It is large enough. Of a debugged object, it ends where was asked for. */
static void *mml_krealloc_inplace(struct mml_machine *machine, void *object, size_t size,
				  gfp_t gfp)
{
	struct mml_slab *slab = mml_debugged_slab(machine, object);
	size_t was;

	if (likely(!slab))
		return object;
	was = mml_debug_resize(slab->slab_cache, slab, object, size);
	if (!was)
		mml_report(machine, "memory is reallocated that is no object");
	if (gfp & __GFP_ZERO && was && was < size)
		memset(object + was, 0, size - was);
	return object;
}

/**
 * mml_krealloc - more or less memory, with the same in it
 * @machine: of which machine
 * @object: from mml_kmalloc(); NULL: there is none yet
 * @size: bytes; 0: none any more
 * @gfp: as for mml_kmalloc(); __GFP_ZERO: what is beyond the former memory is zeroed, if
 *	that was asked for with __GFP_ZERO, too
 * @site: who asks; the macro of this name fills it in
 *
 * Context: as mml_kmalloc().
 * Return: the memory, perhaps where it was; NULL: there is none, and @object stays.
 */
void *mml_krealloc(struct mml_machine *machine, void *object, size_t size, gfp_t gfp,
		   struct mml_alloc_site *site)
{
	struct mml_slab *slab;
	size_t was = 0;
	void *now;

	mml_might_alloc(gfp);
	if (unlikely(!size)) {
		__mml_kfree(machine, object, _RET_IP_);
		return ZERO_SIZE_PTR;
	}
	if (!ZERO_OR_NULL_PTR(object)) {
		was = mml_object_room(machine, object);
		if (unlikely(!was))
			mml_report(machine, "memory is reallocated that is no object");
		if (was >= size)
			return mml_krealloc_inplace(machine, object, size, gfp);
		slab = mml_debugged_slab(machine, object);
		if (unlikely(slab))
			was = min(was, mml_object_info(slab->slab_cache, object)->size);
	}
	now = __mml_kmalloc(machine, size, gfp, site, _RET_IP_);
	if (now && was) {
		memcpy(now, object, was);
		__mml_kfree(machine, object, _RET_IP_);
	}
	return now;
}
EXPORT_SYMBOL_NS_GPL(mml_krealloc, MM_LAB);

/* Which cache serves @size with GFP_KERNEL? Returns: NULL: none does, it is too large. */
struct mml_kmem_cache *mml_kmalloc_cache(struct mml_machine *machine, size_t size)
{
	return size > MML_KMALLOC_MAX_CACHE_SIZE ? NULL :
		mml_kmalloc_slab(machine, size, GFP_KERNEL);
}

/* The caches of all classes. Returns: 0 or an errno; then some may be there. */
int mml_kmalloc_init(struct mml_slub *slub)
{
	char name[MML_CACHE_NAME_LEN];
	struct mml_kmem_cache *s;
	int type, i;

	for (type = 0; type < MML_NR_KMALLOC_TYPES; type++) {
		for (i = 1; i < MML_KMALLOC_NR_SIZES; i++) {
			unsigned int size = mml_kmalloc_info[i].size;
			struct mml_kmem_cache_args args = {
				.align = is_power_of_2(size) ? size : 0,
				.usersize = size,
			};

			snprintf(name, sizeof(name), "%s%s", mml_kmalloc_prefix[type],
				 mml_kmalloc_info[i].name);
			s = __mml_kmem_cache_create(slub, name, size, &args,
						    mml_kmalloc_flags[type]);
			if (IS_ERR(s))
				return PTR_ERR(s);
			s->refcount = -1;
			slub->size_caches[type][i] = s;
		}
	}
	return 0;
}
