// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs: blocks of frames cut into objects, and how these come and go. Both fast paths
 * stand on this.
 *
 * A slab's free objects are linked, each holds a link to the next one; which is the first,
 * and how many are in use, is one word, union mml_slab_counters, that is changed as a
 * whole by a compare-exchange. So an object can be given back without a lock. Which list
 * the slab is on follows from that word:
 *
 *	              take all                      free
 *	 ┌─ partial ────────────> a CPU's, frozen ─────────────> stays a CPU's
 *	 │     ^  │
 *	 │     │  └ take the last ──> full, on no list
 *	 │     └────── first free ──────────┘
 *	 └─ last object freed, enough others are partial ──> back to the page allocator
 *
 * Kernel counterpart: mm/slub.c: allocate_slab(), __slab_free(), get_partial_node(),
 * deactivate_slab(), discard_slab(). Differences: the first free object is told by its
 * number, so that the word has 64 bits and not 128; a link is checked before it is
 * followed, and one that leads out of its slab is reported, and the list ends there.
 *
 * Invariants, checked by mml_slub_validate():
 *	free objects on a slab's list + inuse == objects
 *	a slab on a node's partial list has free objects, and is no CPU's
 *	all slabs with free objects that are no CPU's are on their node's list
 *
 * Locking: list_lock for the lists and a slab's place there; the word by itself.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "slub_probe/slab.h"

/*
 * A link or a count is wrong: somebody wrote to what he had given back, or gave back what
 * was not his. The objects behind it are lost to their cache, the machine goes on.
 */
noinline void mml_slab_bug(const struct mml_kmem_cache *s, const void *object,
			   const char *what)
{
	struct mml_page *page = mml_virt_to_page(s->machine, object);

	mml_report(s->machine, "cache %s: %s, in frame %ld", s->name, what,
		   page ? (long)(page - s->machine->memmap) : -1L);
}

/*
 * The word.
 */

static bool mml_slab_update(struct mml_slab *slab, union mml_slab_counters *old,
			    union mml_slab_counters new)
{
	return try_cmpxchg64(&slab->counters.full, &old->full, new.full);
}

/* Behind @object on a freelist. Returns: NULL at the end, or where a link is wrong. */
static void *mml_next_free(const struct mml_kmem_cache *s, void *object)
{
	void *next = mml_get_freepointer(s, object);

	if (likely(mml_freepointer_ok(s, object, next)))
		return next;
	mml_slab_bug(s, object, "a free object was written to");
	return NULL;
}

/*
 * New slabs.
 */

/* Where the frames of the cache's slabs are counted. */
static atomic_long_t *mml_slab_pages(const struct mml_kmem_cache *s)
{
	return &mml_slub(s->machine)->nr_pages[!!(s->flags & SLAB_RECLAIM_ACCOUNT)];
}

/* All objects of a new slab, one after the other. */
static void mml_slab_link_objects(struct mml_kmem_cache *s, struct mml_slab *slab,
				  unsigned int nr)
{
	void *object = mml_object_at(s, slab, 1);
	unsigned int i;

	for (i = 0; i < nr; i++, object += s->size) {
		if (unlikely(s->path == MML_SLAB_DEBUG))
			mml_debug_setup_object(s, object);
		if (unlikely(s->ctor))
			s->ctor(object);
		mml_set_freepointer(s, object, i + 1 < nr ? object + s->size : NULL);
	}
}

/*
 * Link them anew, from any place of the cache's random order on, so that the one that comes next is
 * not the one that lies next. Returns: the number of the first one.
 */
static u16 mml_slab_shuffle(struct mml_kmem_cache *s, struct mml_slab *slab, unsigned int nr)
{
	unsigned int at = mml_random(s->machine) % nr, i;
	u16 first = s->random_seq[at], this = first, next;

	for (i = 1; i < nr; i++, this = next) {
		next = s->random_seq[(at + i) % nr];
		mml_set_freepointer(s, mml_object_at(s, slab, this),
				    mml_object_at(s, slab, next));
	}
	mml_set_freepointer(s, mml_object_at(s, slab, this), NULL);
	return first;
}

/* For a slab that one can do without: of this node, if there is more than one, and at once. */
gfp_t mml_gfp_near(const struct mml_kmem_cache *s, gfp_t gfp)
{
	return ((gfp | __GFP_NOWARN | __GFP_NORETRY | __GFP_NOMEMALLOC) &
		~(__GFP_NOFAIL | __GFP_DIRECT_RECLAIM | __GFP_HIGH)) |
	       (s->nr_nodes > 1 ? __GFP_THISNODE : 0);
}

/* A large block is better, but not worth much; the smallest is, if need be. */
static struct mml_page *mml_alloc_slab_page(struct mml_kmem_cache *s, gfp_t gfp, int nid)
{
	gfp_t try = (gfp | __GFP_NOWARN | __GFP_NORETRY) &
		    ~(__GFP_NOFAIL | __GFP_DIRECT_RECLAIM);
	unsigned int order = s->order;
	struct mml_page *page;

	do {
		bool last = order == s->min_order;

		page = mml_alloc_pages_node(s->machine, nid, last ? gfp : try, order);
		if (page || last)
			return page;
		order = s->min_order;
	} while (1);
}

/*
 * A slab whose objects are all free, on no list. Its node is @nid, or one near it. May sleep
 * if @gfp allows it. Returns: NULL if there is no memory.
 */
struct mml_slab *mml_new_slab(struct mml_kmem_cache *s, gfp_t gfp, int nid)
{
	union mml_slab_counters counters = { .freelist = 1 };
	struct mml_kmem_cache_node *n;
	struct mml_page *page;
	struct mml_slab *slab;

	gfp &= ~(__GFP_ZERO | __GFP_HIGHMEM | __GFP_MOVABLE);
	page = mml_alloc_slab_page(s, gfp | s->allocflags, nid);
	if (!page)
		return NULL;
	counters.objects = mml_order_objects(s, page->order);
	slab = mml_page_slab(page);
	slab->partial = false;
	if (unlikely(s->path == MML_SLAB_DEBUG))
		mml_debug_setup_slab(s, slab);
	mml_slab_link_objects(s, slab, counters.objects);
	if (unlikely(s->random_seq) && counters.objects == s->nr_objects)
		counters.freelist = mml_slab_shuffle(s, slab, counters.objects);
	slab->counters = counters;
	page->mapping = s;
	/* From now on it is one, for who finds it in the memmap. */
	smp_store_release(&page->type, MML_PAGE_SLAB);
	n = mml_slab_node(s, slab);
	atomic_long_inc(&n->nr_slabs);
	atomic_long_add(counters.objects, &n->total_objects);
	atomic_long_add(1L << page->order, mml_slab_pages(s));
	return slab;
}
EXPORT_SYMBOL_IF_KUNIT(mml_new_slab);

static void mml_free_slab(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	struct mml_page *page = mml_slab_page(slab);

	WRITE_ONCE(page->type, MML_PAGE_KERNEL);
	page->mapping = NULL;
	atomic_set(&page->_mapcount, 0);
	atomic_long_add(1L << page->order, &mml_slub(s->machine)->nr_freed);
	__mml_free_pages(s->machine, page, page->order);
}

static void mml_rcu_free_slab(struct rcu_head *rcu)
{
	struct mml_slab_rcu *r = container_of(rcu, struct mml_slab_rcu, rcu);

	atomic_long_sub(1L << r->slab->order, &mml_slub(r->cache->machine)->nr_rcu);
	mml_free_slab(r->cache, r->slab);
}

/* A slab that is empty, and on no list, goes back to the page allocator. */
void mml_discard_slab(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	struct mml_kmem_cache_node *n = mml_slab_node(s, slab);
	struct mml_slab_rcu *r;

	atomic_long_dec(&n->nr_slabs);
	atomic_long_sub(slab->counters.objects, &n->total_objects);
	atomic_long_sub(1L << slab->order, mml_slab_pages(s));
	if (likely(!(s->flags & SLAB_TYPESAFE_BY_RCU))) {
		mml_free_slab(s, slab);
		return;
	}
	r = mml_slab_address(s, slab) + (PAGE_SIZE << slab->order) - sizeof(*r);
	r->cache = s;
	r->slab = slab;
	atomic_long_add(1L << slab->order, &mml_slub(s->machine)->nr_rcu);
	call_rcu(&r->rcu, mml_rcu_free_slab);
}
EXPORT_SYMBOL_IF_KUNIT(mml_discard_slab);

/*
 * Partial lists.
 */

static void mml_add_partial(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
			    struct mml_slab *slab, bool tail)
{
	lockdep_assert_held(&n->list_lock);

	slab->partial = true;
	if (tail)
		mml_frame_list_add_tail(s->machine, &n->partial, mml_slab_page(slab));
	else
		mml_frame_list_add(s->machine, &n->partial, mml_slab_page(slab));
}

/* Returns: false if the list is corrupt, and the machine broken. */
static bool mml_remove_partial(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
			       struct mml_slab *slab)
{
	lockdep_assert_held(&n->list_lock);

	if (!mml_frame_list_del(s->machine, &n->partial, mml_slab_page(slab)))
		return false;
	slab->partial = false;
	return true;
}

static struct mml_slab *mml_first_partial(struct mml_kmem_cache *s,
					  struct mml_kmem_cache_node *n)
{
	struct mml_page *page = mml_frame_list_first(s->machine, &n->partial);

	return page ? mml_page_slab(page) : NULL;
}

/*
 * All free objects of a slab that is a CPU's from now on, or is so already. Returns: the first
 * one; NULL if there is none, and then it is no CPU's.
 */
void *mml_get_freelist(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	union mml_slab_counters old = mml_slab_counters(slab), new;

	do {
		new = old;
		new.freelist = 0;
		new.inuse = old.objects;
		new.frozen = old.freelist != 0;
	} while (!mml_slab_update(slab, &old, new));
	return mml_object_at(s, slab, old.freelist);
}

/* The first one of a node's partial slabs. */
static struct mml_slab *mml_get_partial_node(struct mml_kmem_cache *s,
					     struct mml_kmem_cache_node *n,
					     void **freelist)
{
	struct mml_slab *slab;
	unsigned long flags;

	if (!READ_ONCE(n->partial.nr))
		return NULL;
	spin_lock_irqsave(&n->list_lock, flags);
	slab = mml_first_partial(s, n);
	if (slab && mml_remove_partial(s, n, slab))
		*freelist = mml_get_freelist(s, slab);
	else
		slab = NULL;
	spin_unlock_irqrestore(&n->list_lock, flags);
	return slab;
}

/*
 * A partial slab for a CPU, with its *@freelist: of node @nid, or another one unless it has to
 * be @this_node. Returns: NULL if there is none.
 */
struct mml_slab *mml_get_partial(struct mml_kmem_cache *s, int nid, bool this_node,
				 void **freelist)
{
	unsigned int nodes = this_node ? 1 : s->nr_nodes, i;
	struct mml_slab *slab = NULL;

	for (i = 0; i < nodes && !slab; i++)
		slab = mml_get_partial_node(s, &s->node[(nid + i) % s->nr_nodes],
					    freelist);
	return slab;
}

/*
 * From slabs, many objects at once.
 */

/*
 * Up to @nr objects of a slab that others take none of meanwhile; who frees puts before
 * these on its list, and then it is tried again. *@full: none is left. Returns: how many.
 */
static unsigned int mml_take_objects(struct mml_kmem_cache *s, struct mml_slab *slab,
				     void **objects, unsigned int nr, bool *full)
{
	union mml_slab_counters old = mml_slab_counters(slab), new;
	void *base = mml_slab_address(s, slab), *object;
	unsigned int taken;

	if (unlikely(s->path == MML_SLAB_DEBUG))
		return mml_debug_take_objects(s, slab, objects, nr, full);
	do {
		object = mml_nr_object(s, base, old.freelist);
		for (taken = 0; object && taken < nr; taken++) {
			objects[taken] = object;
			object = mml_next_free(s, object);
		}
		new = old;
		new.freelist = mml_object_nr(s, base, object);
		/* At the end of its list all are in use, or lost. */
		new.inuse = object ? old.inuse + taken : old.objects;
	} while (!mml_slab_update(slab, &old, new));
	*full = !object;
	return taken;
}

/* Of a node's partial slabs. Returns: how many. */
static unsigned int mml_take_partial(struct mml_kmem_cache *s,
				     struct mml_kmem_cache_node *n, void **objects,
				     unsigned int nr)
{
	struct mml_slab *slab;
	unsigned int done = 0;
	unsigned long flags;
	bool full;

	if (!READ_ONCE(n->partial.nr))
		return 0;
	spin_lock_irqsave(&n->list_lock, flags);
	while (done < nr) {
		slab = mml_first_partial(s, n);
		if (!slab)
			break;
		done += mml_take_objects(s, slab, objects + done, nr - done, &full);
		if (full && !mml_remove_partial(s, n, slab))
			break;
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return done;
}

/* Of a new slab; what is left of it becomes a partial one. Returns: how many. */
static unsigned int mml_take_new(struct mml_kmem_cache *s, void **objects, gfp_t gfp,
				 int nid, unsigned int nr)
{
	struct mml_slab *slab = mml_new_slab(s, gfp, nid);
	struct mml_kmem_cache_node *n;
	unsigned long flags;
	unsigned int done;
	bool full;

	if (!slab)
		return 0;
	n = mml_slab_node(s, slab);
	spin_lock_irqsave(&n->list_lock, flags);
	done = mml_take_objects(s, slab, objects, nr, &full);
	if (!full)
		mml_add_partial(s, n, slab, false);
	spin_unlock_irqrestore(&n->list_lock, flags);
	return done;
}

/*
 * Up to @nr objects: of partial slabs and of new ones of node @nid, as many as can be had at
 * once; if that is none, of partial slabs of other nodes, unless @gfp has __GFP_THISNODE; or of
 * a new slab, for which it may be waited, if @gfp allows that. Returns: how many.
 */
unsigned int mml_refill_objects(struct mml_kmem_cache *s, void **objects, gfp_t gfp,
				int nid, unsigned int nr)
{
	unsigned int done = mml_take_partial(s, &s->node[nid], objects, nr), got, i;

	do {
		got = done < nr ? mml_take_new(s, objects + done, mml_gfp_near(s, gfp), nid,
					       nr - done) : 0;
		done += got;
	} while (got);
	for (i = 1; !done && i < s->nr_nodes && !(gfp & __GFP_THISNODE); i++)
		done = mml_take_partial(s, &s->node[(nid + i) % s->nr_nodes], objects, nr);
	return done ?: mml_take_new(s, objects, gfp, nid, nr);
}

/* One object of a slab, past all that CPUs have. Returns: NULL if there is no memory. */
void *mml_alloc_one(struct mml_kmem_cache *s, gfp_t gfp, int nid)
{
	void *object;

	return mml_refill_objects(s, &object, gfp, nid == NUMA_NO_NODE ?
				  mml_numa_node(s->machine) : nid, 1) ? object : NULL;
}

/*
 * To slabs.
 */

/* It is to be on no list. Returns: false if it is, for that is corrupt. */
bool mml_slab_unlist(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
		     struct mml_slab *slab)
{
	return !slab->partial || mml_remove_partial(s, n, slab);
}

/*
 * The slab has free objects: see to its place. Returns: whether it is on no list and is to be
 * discarded.
 */
static bool mml_slab_move(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
			  struct mml_slab *slab, union mml_slab_counters now)
{
	lockdep_assert_held(&n->list_lock);

	if (!now.inuse && n->partial.nr >= s->min_partial)
		return mml_slab_unlist(s, n, slab);
	if (!slab->partial)
		mml_add_partial(s, n, slab, true);
	return false;
}

/* What there is to do for a slab that objects came back to. */
enum mml_slab_put {
	MML_SLAB_STAYS,		/* nothing */
	MML_SLAB_KEEP,		/* it is frozen now, and this CPU's for later */
	MML_SLAB_MOVE,		/* its place changes: that needs its node's lock */
};

/*
 * See mml_slab_free(). Without the lock, nothing has changed if its place would change.
 * *@now: the word, then. In line, for most of what flushing a sheaf costs is this.
 */
static __always_inline enum mml_slab_put
mml_slab_put(struct mml_kmem_cache *s, struct mml_slab *slab, void *head, void *tail,
	     unsigned int nr, bool locked, union mml_slab_counters *now)
{
	union mml_slab_counters old = mml_slab_counters(slab), new;
	/* Slabs lie at multiples of their size. */
	void *base = (void *)((unsigned long)head & -(PAGE_SIZE << slab->order));
	u16 first = mml_object_nr(s, base, head);
	bool keep, move;

	do {
		if (unlikely(old.inuse < nr)) {
			mml_slab_bug(s, head, "objects are freed that were free");
			return MML_SLAB_STAYS;
		}
		mml_set_freepointer(s, tail, mml_nr_object(s, base, old.freelist));
		new = old;
		new.inuse -= nr;
		new.freelist = first;
		keep = !old.frozen && !old.freelist && s->cpu_partial_slabs;
		new.frozen |= keep;
		move = !new.frozen && (!old.freelist || !new.inuse);
		if (move && !locked)
			return MML_SLAB_MOVE;
	} while (!mml_slab_update(slab, &old, new));
	*now = new;
	if (keep)
		return MML_SLAB_KEEP;
	return move ? MML_SLAB_MOVE : MML_SLAB_STAYS;
}

/*
 * Give objects back to their slab with the lock held that its place needs. *@put: what is left
 * to do. Returns: whether the slab is to be discarded.
 */
static __always_inline bool
mml_slab_put_locked(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
		    struct mml_slab *slab, void *head, void *tail, unsigned int nr,
		    enum mml_slab_put *put)
{
	union mml_slab_counters now;

	*put = mml_slab_put(s, slab, head, tail, nr, true, &now);
	return *put == MML_SLAB_MOVE && mml_slab_move(s, n, slab, now);
}

/* An object of a cache of which no CPU keeps slabs. Returns: whether to discard the slab. */
bool mml_slab_free_locked(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n,
			  struct mml_slab *slab, void *object)
{
	enum mml_slab_put put;

	return mml_slab_put_locked(s, n, slab, object, object, 1, &put);
}

/* mml_slab_put() has said what there is to do: that. */
static noinline void mml_slab_free_slow(struct mml_kmem_cache *s, struct mml_slab *slab,
					void *head, void *tail, unsigned int nr,
					enum mml_slab_put put)
{
	struct mml_kmem_cache_node *n = mml_slab_node(s, slab);
	bool discard = false;
	unsigned long flags;

	if (put == MML_SLAB_MOVE) {
		spin_lock_irqsave(&n->list_lock, flags);
		discard = mml_slab_put_locked(s, n, slab, head, tail, nr, &put);
		spin_unlock_irqrestore(&n->list_lock, flags);
	}
	if (put == MML_SLAB_KEEP)
		mml_put_cpu_partial(s, slab);
	if (discard)
		mml_discard_slab(s, slab);
}

static __always_inline void __mml_slab_free(struct mml_kmem_cache *s, struct mml_slab *slab,
					    void *head, void *tail, unsigned int nr)
{
	union mml_slab_counters now;
	enum mml_slab_put put = mml_slab_put(s, slab, head, tail, nr, false, &now);

	if (unlikely(put != MML_SLAB_STAYS))
		mml_slab_free_slow(s, slab, head, tail, nr, put);
}

/*
 * Give @nr objects back to their slab, linked from @head to @tail. A slab that was full
 * becomes this CPU's, for later, where CPUs have such. Any context but NMI.
 */
void mml_slab_free(struct mml_kmem_cache *s, struct mml_slab *slab, void *head,
		   void *tail, unsigned int nr)
{
	__mml_slab_free(s, slab, head, tail, nr);
}
EXPORT_SYMBOL_IF_KUNIT(mml_slab_free);

/*
 * Giving many back at once: objects of the same slab together. Which slabs there are is kept in
 * a small table by their address; where two meet, the first one's objects go at once.
 */

#define MML_NR_GROUPS	16

struct mml_object_group {
	struct mml_slab *slab;
	void *head;
	void *tail;
	unsigned int nr;
};

static __always_inline void mml_group_free(struct mml_kmem_cache *s,
					   struct mml_object_group *group)
{
	if (group->slab)
		__mml_slab_free(s, group->slab, group->head, group->tail, group->nr);
}

/* Is the object in the group's slab? Slabs lie at multiples of their size. */
static bool mml_group_has(const struct mml_object_group *group, const void *object)
{
	unsigned long apart = (unsigned long)group->tail ^ (unsigned long)object;

	return group->slab && !(apart & -(PAGE_SIZE << group->slab->order));
}

/* Give objects back to their slabs. What is not an object of the cache is reported. */
void mml_slab_free_objects(struct mml_kmem_cache *s, void **objects, unsigned int nr)
{
	struct mml_object_group groups[MML_NR_GROUPS] = {};
	unsigned int shift = PAGE_SHIFT + s->order, i;

	for (i = 0; i < nr; i++) {
		void *object = objects[i];
		struct mml_object_group *group =
			&groups[((unsigned long)object >> shift) % MML_NR_GROUPS];

		if (mml_group_has(group, object)) {
			mml_set_freepointer(s, object, group->head);
			group->head = object;
			group->nr++;
			continue;
		}
		mml_group_free(s, group);
		group->slab = mml_cache_slab(s, object);
		group->head = object;
		group->tail = object;
		group->nr = 1;
		if (unlikely(!group->slab))
			mml_slab_bug(s, object, "an object is freed that is not one of its");
	}
	for (i = 0; i < MML_NR_GROUPS; i++)
		mml_group_free(s, &groups[i]);
}

/*
 * A CPU gives up a slab of its: it is no longer frozen, and its objects from @head on are
 * free for everybody.
 */
void mml_slab_put_back(struct mml_kmem_cache *s, struct mml_slab *slab, void *head)
{
	struct mml_kmem_cache_node *n = mml_slab_node(s, slab);
	union mml_slab_counters old, new;
	void *tail = NULL, *object;
	bool discard = false;
	unsigned int nr = 0;
	unsigned long flags;

	old = mml_slab_counters(slab);
	for (object = head; object && nr <= old.objects; object = mml_next_free(s, object), nr++)
		tail = object;
	if (unlikely(nr > old.objects)) {
		mml_slab_bug(s, head, "an object is freed twice, and its list has no end");
		tail = NULL;
	}
	spin_lock_irqsave(&n->list_lock, flags);
	old = mml_slab_counters(slab);
	do {
		new = old;
		new.frozen = 0;
		if (tail) {
			mml_set_freepointer(s, tail, mml_object_at(s, slab, old.freelist));
			new.freelist = mml_object_nr(s, mml_slab_address(s, slab), head);
			new.inuse -= nr;
		}
	} while (!mml_slab_update(slab, &old, new));
	if (new.freelist)
		discard = mml_slab_move(s, n, slab, new);
	spin_unlock_irqrestore(&n->list_lock, flags);
	if (discard)
		mml_discard_slab(s, slab);
}

/* The cache's slab that is at @pfn, or NULL. *@next: where to look next. */
struct mml_slab *mml_slab_at(const struct mml_kmem_cache *s, unsigned long pfn,
			     unsigned long *next)
{
	struct mml_page *page = &s->machine->memmap[pfn];
	unsigned int order = READ_ONCE(page->order);

	/* If it goes meanwhile, its order may be that of a larger block. */
	smp_rmb();
	*next = pfn + 1;
	if (!mml_page_is_slab(page) || READ_ONCE(page->mapping) != s)
		return NULL;
	*next = pfn + (1UL << order);
	return mml_page_slab(page);
}

/* Empty slabs go, however few partial ones there are. */
void mml_shrink_node(struct mml_kmem_cache *s, struct mml_kmem_cache_node *n)
{
	struct mml_frame_list empty;
	struct mml_page *page;
	unsigned long flags;
	u32 pfn, nr;

	mml_frame_list_init(&empty);
	spin_lock_irqsave(&n->list_lock, flags);
	pfn = n->partial.first;
	for (nr = n->partial.nr; nr && pfn < s->machine->nr_frames; nr--) {
		page = &s->machine->memmap[pfn];
		pfn = page->next;
		if (mml_slab_counters(mml_page_slab(page)).inuse ||
		    !mml_remove_partial(s, n, mml_page_slab(page)))
			continue;
		mml_frame_list_add(s->machine, &empty, page);
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	while ((page = mml_frame_list_pop(s->machine, &empty)))
		mml_discard_slab(s, mml_page_slab(page));
}
