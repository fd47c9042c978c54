/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Caches and slabs: what the files of slub_probe share.
 *
 * Kernel counterpart: mm/slab.h, struct kmem_cache_cpu and struct kmem_cache_node in
 * mm/slub.c (v6.12); struct slab_sheaf and struct node_barn in v7.0.
 */
#ifndef _MML_SLAB_H
#define _MML_SLAB_H

#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/reciprocal_div.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
/* Not self-contained in 6.12: it wants what the ones above bring. */
#include <linux/local_lock.h>

#include "buddy_probe/buddy.h"
#include "mm_lab/compat.h"
#include "mm_lab/device.h"
#include "mm_lab/frame_list.h"
#include "mm_lab/machine.h"
#include "slub_probe/slub.h"

/* What a slab's counters can count. */
#define MML_MAX_OBJS_PER_SLAB	32767UL
/* Slabs are no larger than this, unless a single object is. */
#define MML_SLAB_MAX_ORDER	3
/* Neither fast path: each object is checked. */
#define MML_SLAB_DEBUG		MML_NR_SLAB_PATHS
/* What makes a cache a debugged one. */
#define MML_SLAB_DEBUG_FLAGS	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | \
				 SLAB_STORE_USER | SLAB_TRACE)
/* Of these, what needs memory beside each object. */
#define MML_SLAB_METADATA_FLAGS	(SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)
/* Objects that a sheaf may have at most. */
#define MML_SHEAF_MAX		1024
/* And memory, unless it is a single object. */
#define MML_SHEAF_MAX_BYTES	32768U

/**
 * union mml_slab_counters - what a slab is like, changed as a whole
 * @freelist: its first free object, counted from 1; 0: it has none
 * @inuse: objects that are not on that list: allocated, or kept by a CPU
 * @objects: objects that it has
 * @frozen: it is a CPU's: in use, or kept for later; on no node's list
 * @full: all of them
 */
union mml_slab_counters {
	struct {
		u16 freelist;
		u16 inuse;
		u16 objects;
		u16 frozen;
	};
	u64 full;
};

/**
 * struct mml_slab - a block of frames that is cut into objects: a view of its head's
 *	struct mml_page
 * @state: the page allocator's
 * @order: of the block
 * @type: MML_PAGE_SLAB
 * @mobility: the page allocator's
 * @nid: its node
 * @zid: the page allocator's
 * @next: frame number of the next one on its list
 * @prev: of the one before; on a node's list only
 * @__page_refcount: the page allocator's
 * @partial: it is on its node's partial list; under that one's lock
 * @isolated: of a cache that is debugged: objects that were damaged, and are given out no
 *	more; under that lock, too
 * @slab_cache: whose slab it is
 * @counters: see there
 */
struct mml_slab {
	u8 state;
	u8 order;
	u8 type;
	u8 mobility;
	u8 nid;
	u8 zid;
	u32 next;
	u32 prev;
	atomic_t __page_refcount;
	u16 partial;
	u16 isolated;
	struct mml_kmem_cache *slab_cache;
	union mml_slab_counters counters;
};

#define MML_SLAB_MATCH(pg, sl) \
	static_assert(offsetof(struct mml_page, pg) == offsetof(struct mml_slab, sl))
MML_SLAB_MATCH(state, state);
MML_SLAB_MATCH(order, order);
MML_SLAB_MATCH(type, type);
MML_SLAB_MATCH(nid, nid);
MML_SLAB_MATCH(next, next);
MML_SLAB_MATCH(prev, prev);
MML_SLAB_MATCH(_refcount, __page_refcount);
MML_SLAB_MATCH(_mapcount, partial);
MML_SLAB_MATCH(mapping, slab_cache);
MML_SLAB_MATCH(index, counters);
static_assert(sizeof(struct mml_slab) <= sizeof(struct mml_page));

/* At the end of a slab whose memory stays for RCU's readers. */
struct mml_slab_rcu {
	struct rcu_head rcu;
	struct mml_kmem_cache *cache;
	struct mml_slab *slab;
};

/**
 * union mml_freelist_tid - a CPU's objects
 * @freelist: the first one
 * @tid: changes with each operation, and differs from CPU to CPU
 * @full: both, changed at once
 */
union mml_freelist_tid {
	struct {
		void *freelist;
		unsigned long tid;
	};
	u128 full;
};

/**
 * struct mml_kmem_cache_cpu - fast path A: this CPU's slab
 * @head: those of its objects that are free for this CPU
 * @slab: whose objects these are; NULL: none
 * @partial: frame number of the first of its partial slabs, linked by next
 * @nr_partial: how many
 * @lock: interrupts off; held for all but the fast path
 */
struct mml_kmem_cache_cpu {
	union mml_freelist_tid head;
	struct mml_slab *slab;
	u32 partial;
	u32 nr_partial;
	local_lock_t lock;
};

/**
 * struct mml_slab_sheaf - an array of free objects
 * @nr: how many there are
 * @capacity: how many there may be
 * @barn_list: while it is in a barn
 * @rcu: when it goes, for who counts looks at those of other CPUs; or when its objects may
 *	be reused
 * @cache: whose objects they are
 * @nid: of which node, when they wait for RCU
 * @objects: the objects
 */
struct mml_slab_sheaf {
	u32 nr;
	u32 capacity;
	union {
		struct list_head barn_list;
		struct rcu_head rcu;
	};
	struct mml_kmem_cache *cache;
	int nid;
	void *objects[];
};

/**
 * struct mml_slub_percpu_sheaves - fast path B: this CPU's sheaves
 * @main: objects are allocated from it and freed to it; never NULL
 * @spare: another one, or NULL
 * @rcu_free: objects that readers may still look at, or NULL
 * @acquired: somebody has them; see mml_sheaves_trylock(), which protects all of the above
 * @missed: they were to be flushed, and somebody had them; written in that interrupt only
 * @dep_map: for lockdep, which cannot see @acquired
 */
struct mml_slub_percpu_sheaves {
	struct mml_slab_sheaf *main;
	struct mml_slab_sheaf *spare;
	struct mml_slab_sheaf *rcu_free;
	bool acquired;
	bool missed;
	struct lockdep_map dep_map;
};

/* Sheaves that a barn takes in, of either kind; who swaps may leave an empty one more. */
#define MML_BARN_MAX	10

/**
 * struct mml_node_barn - sheaves that no CPU has, of one node
 * @lock: irq-safe; by who has a CPU's sheaves, too; protects the rest
 * @full: sheaves with objects
 * @empty: sheaves without
 * @nr_full: how many
 * @nr_empty: how many
 */
struct mml_node_barn {
	spinlock_t lock;
	struct list_head full;
	struct list_head empty;
	unsigned int nr_full;
	unsigned int nr_empty;
};

/**
 * struct mml_kmem_cache_node - what a cache has of one node
 * @list_lock: irq-safe; under a CPU's lock; protects @partial and whether a slab is on it
 * @partial: slabs that have free objects, and no CPU has
 * @nr_slabs: slabs
 * @total_objects: that these have
 * @barn: fast path B
 */
struct mml_kmem_cache_node {
	spinlock_t list_lock;
	struct mml_frame_list partial;
	atomic_long_t nr_slabs;
	atomic_long_t total_objects;
	struct mml_node_barn barn;
};

/**
 * struct mml_kmem_cache - a cache of objects of one size
 * @machine: whose memory they are
 * @cpu_slab: fast path A
 * @cpu_sheaves: fast path B
 * @base: where the kernel maps frame 0; MML_NO_BASE: there are nodes or sections, and it is not
 *	so easy to find an object's slab, or whether that is near
 * @path: which of them; MML_SLAB_DEBUG: neither
 * @flags: SLAB_*
 * @size: of an object, with what lies between it and the next one
 * @object_size: of an object, as asked for
 * @offset: where in a free object its link is
 * @inuse: of an object, with what belongs to it at its end; then comes what debugging keeps
 * @info: where behind an object of a debugged cache its struct mml_object_info is
 * @red_left_pad: bytes before an object that nobody may write to
 * @poison: a free object has a pattern
 * @order: of its slabs
 * @slab_mask: what differs between the addresses of a slab's objects
 * @random: what links are made unreadable with
 * @reciprocal_size: for dividing by @size
 * @min_order: of a slab when there is no larger block
 * @nr_objects: in a slab of @order
 * @align: of its objects
 * @reserved: bytes at the end of a slab, for struct mml_slab_rcu
 * @allocflags: how its slabs are asked for
 * @ctor: see struct mml_kmem_cache_args
 * @min_partial: empty slabs are kept while a node has fewer partial ones
 * @cpu_partial_slabs: partial slabs that a CPU may have
 * @sheaf_capacity: objects in a sheaf
 * @useroffset: from where on in an object bytes may be copied to and from processes
 * @usersize: how many
 * @random_seq: numbers of the objects of a slab of @order, shuffled; NULL: as they lie
 * @rcu_used: some of its objects were given to mml_kfree_rcu()
 * @refcount: who has created it, or one like it
 * @name: of who was first
 * @list: on its machine's list of caches
 * @debugfs: its directory; NULL: it has none yet
 * @nr_nodes: of @node
 * @node: by number
 *
 * All is constant while it lives but @rcu_used, which only becomes true, and @object_size,
 * @refcount and @list, which slab_mutex protects, and @debugfs, which publish_lock does.
 */
struct mml_kmem_cache {
	/* What fast paths read, together. */
	struct mml_machine *machine;
	union {
		struct mml_kmem_cache_cpu __percpu *cpu_slab;
		struct mml_slub_percpu_sheaves __percpu *cpu_sheaves;
	};
	void *base;
	u8 path;
	u8 order;
	slab_flags_t flags;
	unsigned int size;
	unsigned int object_size;
	unsigned int offset;
	unsigned int nr_nodes;
	unsigned long slab_mask;
	unsigned long random;

	struct reciprocal_value reciprocal_size;
	unsigned int red_left_pad;
	unsigned int inuse;
	unsigned int info;
	bool poison;
	u8 min_order;
	unsigned int nr_objects;
	unsigned int align;
	unsigned int reserved;
	gfp_t allocflags;
	void (*ctor)(void *object);
	unsigned long min_partial;
	unsigned int cpu_partial_slabs;
	unsigned int sheaf_capacity;
	unsigned int useroffset;
	unsigned int usersize;
	u16 *random_seq;
	bool rcu_used;
	int refcount;
	char name[MML_CACHE_NAME_LEN];
	struct list_head list;
	struct dentry *debugfs;
	struct mml_kmem_cache_node node[] __counted_by(nr_nodes);
};

/* From here, every object is farther away than there are frames. */
#define MML_NO_BASE	((void *)(1UL << (BITS_PER_LONG - 1)))

/* Size classes: 8 to 8192, with 96 and 192. */
#define MML_KMALLOC_SHIFT_LOW	3
#define MML_KMALLOC_SHIFT_HIGH	13
#define MML_KMALLOC_MAX_CACHE_SIZE	(1UL << MML_KMALLOC_SHIFT_HIGH)
#define MML_KMALLOC_NR_SIZES	(MML_KMALLOC_SHIFT_HIGH + 1)
#define MML_KMALLOC_MAX_SIZE	(PAGE_SIZE << MML_MAX_ORDER)

/* Of which memory; the kernel's enum kmalloc_cache_type. */
enum mml_kmalloc_cache_type {
	MML_KMALLOC_NORMAL,
	MML_KMALLOC_RECLAIM,
	MML_KMALLOC_DMA,
	MML_NR_KMALLOC_TYPES,
};

/**
 * struct mml_slub - what slub_probe has of a machine
 * @size_caches: kmalloc's, by type and index, see mml_kmalloc_index(); NULL on a machine
 *	without memory
 * @machine: whose it is
 * @slab_mutex: protects the list, and caches being made, merged and destroyed
 * @slab_caches: all caches
 * @cpuhp: told when a CPU goes
 * @max_order: the largest order of which blocks are as aligned in the kernel's addresses
 *	as in frame numbers
 * @rcu_pending: what was given to mml_kfree_rcu() and is in no sheaf; see kfree_rcu.c
 * @rcu_batch: of that, what waits for readers; NULL: nothing does
 * @rcu_monitor: makes the one of the other
 * @rcu_work: frees it
 * @publish: makes the caches' directories
 * @publish_lock: a mutex around slab_mutex, protects what follows, and each cache's @debugfs
 * @debugfs: where these are
 * @nr_directories: how many
 * @last_directory: the last number that a name was given
 * @shrinker: gives back what they keep; NULL on a machine without memory
 * @nr_freed: frames of slabs that went, ever
 * @nr_rcu: frames of slabs that wait for RCU's readers
 * @nr_pages: frames of slabs: [1] of caches with SLAB_RECLAIM_ACCOUNT, [0] of others
 */
struct mml_slub {
	struct mml_kmem_cache *size_caches[MML_NR_KMALLOC_TYPES][MML_KMALLOC_NR_SIZES];
	struct mml_machine *machine;
	struct mutex slab_mutex;
	struct list_head slab_caches;
	struct hlist_node cpuhp;
	unsigned int max_order;
	struct llist_head rcu_pending;
	struct llist_node *rcu_batch;
	struct delayed_work rcu_monitor;
	struct rcu_work rcu_work;
	struct delayed_work publish;
	struct mutex publish_lock;
	struct dentry *debugfs;
	unsigned int nr_directories;
	unsigned int last_directory;
	struct mml_shrinker *shrinker;
	atomic_long_t nr_freed;
	atomic_long_t nr_rcu;
	atomic_long_t nr_pages[2];
};

/* Of the objects of a node's partial slabs, how many are in use, and free. */
struct mml_partial_objects {
	unsigned long inuse;
	unsigned long free;
};

static inline struct mml_slub *mml_slub(const struct mml_machine *machine)
{
	return machine->engine_data[MML_SLUB_SLOT];
}

/* Where it lies in the machine's memory, which people are told; 0: nowhere there. */
static inline unsigned long mml_lab_address(const struct mml_machine *machine,
					    const void *where)
{
	unsigned long pfn = mml_virt_to_pfn(machine, where);

	return pfn < machine->nr_frames ? pfn << PAGE_SHIFT | offset_in_page(where) : 0;
}

static inline struct mml_page *mml_slab_page(struct mml_slab *slab)
{
	return (struct mml_page *)slab;
}

static inline struct mml_slab *mml_page_slab(struct mml_page *page)
{
	return (struct mml_slab *)page;
}

static inline void *mml_slab_address(const struct mml_kmem_cache *s, struct mml_slab *slab)
{
	return mml_page_address(s->machine, mml_slab_page(slab));
}

static inline u32 mml_slab_pfn(const struct mml_kmem_cache *s, struct mml_slab *slab)
{
	return mml_slab_page(slab) - s->machine->memmap;
}

static inline struct mml_kmem_cache_node *mml_slab_node(struct mml_kmem_cache *s,
							const struct mml_slab *slab)
{
	return &s->node[slab->nid];
}

static inline union mml_slab_counters mml_slab_counters(const struct mml_slab *slab)
{
	union mml_slab_counters counters = { .full = READ_ONCE(slab->counters.full) };

	return counters;
}

/* The number of an object of the slab at @base, from 1 on; 0: of none. */
static inline u16 mml_object_nr(const struct mml_kmem_cache *s, const void *base,
				const void *object)
{
	return object ? reciprocal_divide(object - base, s->reciprocal_size) + 1 : 0;
}

/* The other way round; NULL: there is none. */
static inline void *mml_nr_object(const struct mml_kmem_cache *s, void *base, u16 nr)
{
	return nr ? base + s->red_left_pad + (nr - 1) * (size_t)s->size : NULL;
}

static inline void *mml_object_at(const struct mml_kmem_cache *s, struct mml_slab *slab,
				  u16 nr)
{
	return mml_nr_object(s, mml_slab_address(s, slab), nr);
}

/* Slabs that the cache has. Without any there are no objects, wherever one looks. */
static inline unsigned long mml_cache_nr_slabs(const struct mml_kmem_cache *s)
{
	unsigned long nr = 0;
	unsigned int i;

	for (i = 0; i < s->nr_nodes; i++)
		nr += atomic_long_read(&s->node[i].nr_slabs);
	return nr;
}

/* Is it a slab's head, of any cache? What its cache and its word are, can be seen then. */
static inline bool mml_page_is_slab(const struct mml_page *page)
{
	if (READ_ONCE(page->state) != MML_FRAME_ALLOCATED)
		return false;
	/* Pairs with the release in mml_new_slab(). */
	return smp_load_acquire(&page->type) == MML_PAGE_SLAB;
}

/* The block that @object is in. Returns: NULL if it is in none that is allocated. */
static __always_inline struct mml_page *mml_object_head(struct mml_machine *machine,
							const void *object)
{
	struct mml_page *page = mml_virt_to_page(machine, object);

	/* A block of one frame, which most slabs of small objects are. */
	if (likely(page && page->state == MML_FRAME_ALLOCATED))
		return page;
	return mml_compound_head(machine, page);
}

/* How many objects a slab of @order has. */
static inline unsigned int mml_order_objects(const struct mml_kmem_cache *s,
					     unsigned int order)
{
	return min(((PAGE_SIZE << order) - s->reserved) / s->size, MML_MAX_OBJS_PER_SLAB);
}

/*
 * Is the block of @order around frame @pfn a slab of @s? A frame that says so is the head of
 * one, for who gives a slab back says otherwise before.
 */
static __always_inline struct mml_slab *
mml_slab_around(const struct mml_kmem_cache *s, unsigned long pfn, unsigned int order)
{
	struct mml_page *head = &s->machine->memmap[pfn & (~0UL << order)];

	if (unlikely(READ_ONCE(head->mapping) != s || head->order != order))
		return NULL;
	return mml_page_slab(head);
}

/* The slab of @s that @object is in. Returns: NULL if it is in none. */
static __always_inline struct mml_slab *mml_cache_slab(const struct mml_kmem_cache *s,
						       const void *object)
{
	unsigned long pfn = mml_virt_to_pfn(s->machine, object);
	struct mml_slab *slab;

	if (unlikely(pfn >= s->machine->nr_frames))
		return NULL;
	slab = mml_slab_around(s, pfn, s->order);
	return likely(slab) ? slab : mml_slab_around(s, pfn, s->min_order);
}

/*
 * Links of free objects. They stay in the slab, whatever is written over them.
 */

static inline void *mml_freelist_code(const struct mml_kmem_cache *s, void *link,
				      const void *where)
{
	return (void *)((unsigned long)link ^ s->random ^ swab((unsigned long)where));
}

static inline void *mml_get_freepointer(const struct mml_kmem_cache *s, void *object)
{
	void **where = object + s->offset;

	return mml_freelist_code(s, READ_ONCE(*where), where);
}

static inline void mml_set_freepointer(const struct mml_kmem_cache *s, void *object,
				       void *next)
{
	void **where = object + s->offset;

	WRITE_ONCE(*where, mml_freelist_code(s, next, where));
}

/* May @next follow @object on a freelist? It lies in the same slab, or there is none. */
static inline bool mml_freepointer_ok(const struct mml_kmem_cache *s, const void *object,
				      const void *next)
{
	return !next ||
	       !(((unsigned long)object ^ (unsigned long)next) & ~s->slab_mask);
}

/* slab.c: slabs, and objects from and to them */
gfp_t mml_gfp_near(const struct mml_kmem_cache *s, gfp_t gfp);
struct mml_slab *mml_new_slab(struct mml_kmem_cache *s, gfp_t gfp, int nid);
void mml_discard_slab(struct mml_kmem_cache *s, struct mml_slab *slab);
void *mml_get_freelist(struct mml_kmem_cache *s, struct mml_slab *slab);
struct mml_slab *mml_get_partial(struct mml_kmem_cache *s, int nid, bool this_node,
				 void **freelist);
unsigned int mml_refill_objects(struct mml_kmem_cache *s, void **objects, gfp_t gfp,
				int nid, unsigned int nr);
void *mml_alloc_one(struct mml_kmem_cache *s, gfp_t gfp, int nid);
void mml_slab_free(struct mml_kmem_cache *s, struct mml_slab *slab, void *head,
		   void *tail, unsigned int nr);
bool mml_slab_free_locked(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
			  struct mml_slab *slab, void *object);
bool mml_slab_unlist(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
		     struct mml_slab *slab);
struct mml_slab *mml_slab_at(const struct mml_kmem_cache *s, unsigned long pfn,
			     unsigned long *next);
void mml_slab_free_objects(struct mml_kmem_cache *s, void **objects, unsigned int nr);
void mml_slab_put_back(struct mml_kmem_cache *s, struct mml_slab *slab, void *head);
void mml_shrink_node(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n);
noinline void mml_slab_bug(const struct mml_kmem_cache *s, const void *object,
			   const char *what);

/* cpu_slab.c: fast path A */
int mml_cpu_slabs_init(struct mml_kmem_cache *s);
void *mml_cpu_slab_alloc_slow(struct mml_kmem_cache *s, gfp_t gfp, int nid);
void mml_cpu_slab_free_slow(struct mml_kmem_cache *s, struct mml_slab *slab, void *object);
unsigned int mml_cpu_slab_alloc_bulk(struct mml_kmem_cache *s, gfp_t gfp, unsigned int nr,
				     void **objects);
void mml_cpu_slab_flush(struct mml_kmem_cache *s, struct mml_kmem_cache_cpu *c);
void mml_put_cpu_partial(struct mml_kmem_cache *s, struct mml_slab *slab);

/* sheaf.c: fast path B */
int mml_sheaves_init(struct mml_kmem_cache *s);
void mml_sheaves_free(struct mml_kmem_cache *s);
void *mml_sheaf_alloc_slow(struct mml_kmem_cache *s, gfp_t gfp, int nid);
void mml_sheaf_free_slow(struct mml_kmem_cache *s, struct mml_slab *slab, void *object);
unsigned int mml_sheaf_alloc_bulk(struct mml_kmem_cache *s, gfp_t gfp, unsigned int nr,
				  void **objects);
void mml_sheaf_free_bulk(struct mml_kmem_cache *s, unsigned int nr, void **objects);
void mml_sheaves_flush(struct mml_kmem_cache *s);
void mml_sheaves_flush_dead(struct mml_kmem_cache *s, unsigned int cpu);
struct mml_slab_sheaf *mml_get_sheaf(struct mml_kmem_cache *s, gfp_t gfp,
				     unsigned int capacity);
void mml_sheaf_put(struct mml_kmem_cache *s, struct mml_slab_sheaf *sheaf);
bool mml_sheaf_free_rcu(struct mml_kmem_cache *s, struct mml_slab *slab, void *object);
void mml_barn_shrink(struct mml_kmem_cache *s, struct mml_node_barn *barn);

/* debug.c: caches of which each object is checked, without a fast path */
void mml_debug_setup_slab(struct mml_kmem_cache *s, struct mml_slab *slab);
void mml_debug_setup_object(struct mml_kmem_cache *s, void *object);
unsigned int mml_debug_take_objects(struct mml_kmem_cache *s, struct mml_slab *slab,
				    void **objects, unsigned int nr, bool *full);
void *mml_debug_alloc(struct mml_kmem_cache *s, gfp_t gfp, int nid, size_t size,
		      unsigned long addr);
void mml_debug_free(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
		    unsigned long addr);
size_t mml_debug_resize(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
			size_t size);
bool mml_debug_wait(struct mml_kmem_cache *s, struct mml_slab *slab, void *object);
unsigned long mml_debug_validate(struct mml_kmem_cache *s);
void mml_debug_release(struct mml_kmem_cache *s);

/* debug_param.c: which caches these are */
int mml_slab_debug_check(const char *text);
slab_flags_t mml_slab_debug_flags(const char *text, const char *name,
				  bool *no_higher_order);

/*
 * The fast paths, in line: what most requests are.
 */

/*
 * Is it one that may be in this CPU's sheaves, and easily found out to be? If not, it has to
 * be looked at more closely.
 */
static __always_inline bool mml_cache_has_object(const struct mml_kmem_cache *s,
						 const void *object)
{
	unsigned long pfn = (unsigned long)(object - s->base) >> PAGE_SHIFT;

	return pfn < s->machine->nr_frames && mml_slab_around(s, pfn, s->order);
}

/*
 * This CPU's sheaves, which are ours until mml_sheaves_unlock(). Interrupts stay on: one that
 * comes meanwhile finds them acquired and does without. Kernel counterpart: local_trylock_t
 * of v6.15.
 *
 * Context: any but NMI. Return: true: they are at @sheaves, and preemption is off; false if
 * who was interrupted has them.
 */
static __always_inline bool mml_sheaves_trylock(struct mml_kmem_cache *s,
						struct mml_slub_percpu_sheaves **sheaves)
{
	struct mml_slub_percpu_sheaves *pcs;

	preempt_disable();
	pcs = this_cpu_ptr(s->cpu_sheaves);
	if (unlikely(READ_ONCE(pcs->acquired))) {
		preempt_enable();
		return false;
	}
	/* Who interrupts us here has given them back before we go on. */
	WRITE_ONCE(pcs->acquired, true);
	barrier();
	lock_map_acquire_try(&pcs->dep_map);
	*sheaves = pcs;
	return true;
}

static __always_inline void mml_sheaves_unlock(struct mml_slub_percpu_sheaves *pcs)
{
	lock_map_release(&pcs->dep_map);
	barrier();
	WRITE_ONCE(pcs->acquired, false);
	preempt_enable();
}

/* The last object of this CPU's main sheaf. Returns: NULL if there is none to be had. */
static __always_inline void *mml_sheaf_pop(struct mml_kmem_cache *s)
{
	struct mml_slub_percpu_sheaves *pcs;
	struct mml_slab_sheaf *main;
	void *object = NULL;

	if (unlikely(!mml_sheaves_trylock(s, &pcs)))
		return NULL;
	main = pcs->main;
	if (likely(main->nr))
		object = main->objects[--main->nr];
	mml_sheaves_unlock(pcs);
	return object;
}

/* Returns: false if this CPU's main sheaf is full, or is not to be had. */
static __always_inline bool mml_sheaf_push(struct mml_kmem_cache *s, void *object)
{
	struct mml_slub_percpu_sheaves *pcs;
	struct mml_slab_sheaf *main;
	bool room;

	if (unlikely(!mml_sheaves_trylock(s, &pcs)))
		return false;
	main = pcs->main;
	room = main->nr < main->capacity;
	if (likely(room))
		main->objects[main->nr++] = object;
	mml_sheaves_unlock(pcs);
	return room;
}

/* Numbers of different CPUs differ, as the kernel's. */
#define MML_TID_STEP	roundup_pow_of_two(CONFIG_NR_CPUS)

/* Returns: false if somebody was faster. */
static __always_inline bool mml_cpu_freelist_update(struct mml_kmem_cache_cpu *c,
						    void *old, unsigned long tid, void *new)
{
	union mml_freelist_tid was = { .freelist = old, .tid = tid };
	union mml_freelist_tid now = { .freelist = new, .tid = tid + MML_TID_STEP };

	return mml_try_cmpxchg128_local(&c->head.full, &was.full, now.full);
}

/*
 * An object of this CPU's slab, without a lock. The link may be anything if the object is
 * somebody's meanwhile: then the number has changed. Returns: NULL if it cannot be done so.
 */
static __always_inline void *mml_cpu_slab_pop(struct mml_kmem_cache *s)
{
	struct mml_kmem_cache_cpu *c;
	void *object, *next;
	unsigned long tid;

	if (unlikely(!mml_has_cmpxchg128()))
		return NULL;
	preempt_disable();
	c = this_cpu_ptr(s->cpu_slab);
	do {
		tid = READ_ONCE(c->head.tid);
		barrier();
		object = READ_ONCE(c->head.freelist);
		if (unlikely(!object))
			break;
		next = mml_get_freepointer(s, object);
		if (unlikely(!mml_freepointer_ok(s, object, next))) {
			object = NULL;
			break;
		}
	} while (unlikely(!mml_cpu_freelist_update(c, object, tid, next)));
	preempt_enable();
	return object;
}

/* The same the other way round. Returns: false if it is not this CPU's slab. */
static __always_inline bool mml_cpu_slab_push(struct mml_kmem_cache *s,
					      struct mml_slab *slab, void *object)
{
	struct mml_kmem_cache_cpu *c;
	bool mine = true, twice = false;
	unsigned long tid;
	void *freelist;

	if (unlikely(!mml_has_cmpxchg128()))
		return false;
	preempt_disable();
	c = this_cpu_ptr(s->cpu_slab);
	do {
		tid = READ_ONCE(c->head.tid);
		barrier();
		if (unlikely(READ_ONCE(c->slab) != slab)) {
			mine = false;
			break;
		}
		freelist = READ_ONCE(c->head.freelist);
		twice = freelist == object;
		if (unlikely(twice))
			break;
		mml_set_freepointer(s, object, freelist);
	} while (unlikely(!mml_cpu_freelist_update(c, freelist, tid, object)));
	preempt_enable();
	if (unlikely(twice))
		mml_slab_bug(s, object, "an object is freed twice");
	return mine;
}

/* Is it of this CPU's node, and so may be in its sheaves? */
static inline bool mml_slab_is_local(const struct mml_kmem_cache *s,
				     const struct mml_slab *slab)
{
	return likely(s->nr_nodes == 1) || slab->nid == mml_numa_node(s->machine);
}

/*
 * An object of @slab, which is one of @s, goes back, from the code at @addr. Cpu slabs come
 * first, for their fast path begins here.
 */
static __always_inline void mml_object_free(struct mml_kmem_cache *s,
					    struct mml_slab *slab, void *object,
					    unsigned long addr)
{
	if (likely(s->path == MML_SLAB_CPU_SLABS)) {
		if (!mml_cpu_slab_push(s, slab, object))
			mml_cpu_slab_free_slow(s, slab, object);
	} else if (s->path == MML_SLAB_SHEAVES) {
		mml_sheaf_free_slow(s, slab, object);
	} else {
		mml_debug_free(s, slab, object, addr);
	}
}

/* The same the other way round. Returns: NULL if there is no memory. */
static __always_inline void *mml_slab_alloc_path(struct mml_kmem_cache *s, gfp_t gfp, int nid,
						 size_t size, unsigned long addr)
{
	void *object = NULL;

	if (likely(s->path == MML_SLAB_CPU_SLABS)) {
		if (likely(nid == NUMA_NO_NODE))
			object = mml_cpu_slab_pop(s);
		return likely(object) ? object : mml_cpu_slab_alloc_slow(s, gfp, nid);
	}
	if (s->path == MML_SLAB_SHEAVES)
		return mml_sheaf_alloc_slow(s, gfp, nid);
	return mml_debug_alloc(s, gfp, nid, size, addr);
}

/*
 * Any request, of any path: for @size bytes, no more than an object has, by the code at
 * @addr. Returns: NULL if there is no memory.
 */
static __always_inline void *mml_slab_alloc(struct mml_kmem_cache *s, gfp_t gfp, int nid,
					    size_t size, struct mml_alloc_site *site,
					    unsigned long addr)
{
	void *object;

	if (unlikely(s->machine->slow) && mml_should_fail(s->machine, gfp, site))
		return NULL;
	if (unlikely(gfp & __GFP_THISNODE && nid == NUMA_NO_NODE))
		nid = mml_numa_node(s->machine);
	object = mml_slab_alloc_path(s, gfp, nid, size, addr);
	/* What was not asked for may be a red zone. */
	if (unlikely(gfp & __GFP_ZERO) && object)
		memset(object, 0, s->flags & SLAB_RED_ZONE ? size : s->object_size);
	return object;
}

/* cache.c: caches as a whole */
struct mml_kmem_cache *__mml_kmem_cache_create(struct mml_slub *slub, const char *name,
					       unsigned int object_size,
					       const struct mml_kmem_cache_args *args,
					       slab_flags_t flags)
	__must_hold(&slub->slab_mutex);
void __mml_kmem_cache_destroy(struct mml_kmem_cache *s);
void mml_slub_lock(struct mml_slub *slub);
void mml_slub_unlock(struct mml_slub *slub);
unsigned long mml_cache_shrink(struct mml_kmem_cache *s);
unsigned long mml_cache_drain(struct mml_kmem_cache *s);
void mml_cache_cpu_dead(struct mml_kmem_cache *s, unsigned int cpu);

/* ioctl.c: caches held by handle */
int mml_session_caches_init(struct mml_session *session, struct mml_session *parent);
void mml_session_caches_exit(struct mml_session *session);
void mml_session_caches_free(struct mml_session *session);
extern const struct mml_ioctl mml_slub_ioctls[MML_IOC_RANGE];

/* kmalloc.c: the size classes */
struct mml_kmem_cache *mml_kmalloc_cache(struct mml_machine *machine, size_t size);
int mml_kmalloc_init(struct mml_slub *slub);

/* kfree_rcu.c */
void mml_kfree_rcu_init(struct mml_slub *slub);
void mml_kfree_rcu_exit(struct mml_slub *slub);
void mml_kfree_rcu_flush(struct mml_slub *slub);

/* attrs.c: a cache's directory in debugfs */
void mml_slab_publish_init(struct mml_slub *slub);
void mml_slab_publish_exit(struct mml_slub *slub);
void mml_slab_publish(struct mml_slub *slub);
void mml_slab_unpublish(struct mml_kmem_cache *s);

/* shrink.c: what they keep, when memory is short */
int mml_slub_shrinker_init(struct mml_slub *slub);

/* plant.c, show.c, validate.c */
extern const struct file_operations mml_plant_object_fops;
struct mml_partial_objects mml_partial_objects(struct mml_kmem_cache *s,
					       struct mml_kmem_cache_node *n);
void mml_report_objects(struct mml_kmem_cache *s);
void mml_abandon_objects(struct mml_kmem_cache *s);
void mml_slub_validate(struct mml_machine *machine, struct mml_validation *v);
extern const struct mml_debugfs_file mml_slub_machine_files[];

extern struct mml_alloc_table mml_slub_alloc_table;

#endif /* _MML_SLAB_H */
