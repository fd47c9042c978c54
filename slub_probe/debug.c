// SPDX-License-Identifier: GPL-2.0
/*
 * Debugged caches: each object that comes or goes is checked. Which caches, and for what,
 * is said when they are made (SLAB_* flags), or by their machine's slab_debug (debug_param.c).
 *
 *	| red zone | object | red zone | link | state, size | allocated by | freed by | padding |
 *	           ^ what its user has
 *
 *	SLAB_RED_ZONE			both red zones; 0xbb while it is free, 0xcc while it is not
 *	SLAB_POISON			a free object is 6b 6b … a5; padding is 5a; so is a new slab
 *	SLAB_STORE_USER			who, when, and from where
 *	SLAB_CONSISTENCY_CHECKS		all that is looked at when it comes or goes
 *	SLAB_TRACE			each is told
 *
 * There is no fast path: all happens under the list_lock of the slab's node, and all slabs with
 * free objects are on the node's list. What an object is, is a word behind it:
 *
 *	        take                    give back
 *	FREE ───────────> ALLOCATED ─────────────────> FREE
 *	  │                   │
 *	  └── was damaged ────┴──> ISOLATED: counts as in use, until its cache is destroyed
 *
 * (WAITING between these two, if it was given to mml_kfree_rcu()), so that what was freed twice
 * is found without a walk, and what was damaged is not given to anybody. Bytes that should have a
 * pattern have it again afterwards.
 *
 * Kernel counterpart: the part of mm/slub.c under CONFIG_SLUB_DEBUG: check_object(),
 * alloc_debug_processing(), free_debug_processing(), validate_slab_cache(). Differences: one
 * object is isolated and not its whole slab; each has a state; a cache is debugged or not, and
 * which it is costs the others one comparison in what is no fast path.
 *
 * Invariants, besides those of slab.c:
 *	slab->isolated objects are ISOLATED, or lost with a link that led nowhere
 *
 * Locking: list_lock for the slab's word, its objects' states and all that is checked.
 */
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "mm_lab/stack.h"
#include "slub_probe/debug.h"

/* From here up to who called the API. */
#define MML_TRACK_SKIP	2

/*
 * Patterns.
 */

/* What an object's red zones and content are while it is free, or just allocated. */
static void mml_init_object(struct mml_kmem_cache *s, u8 *object, u8 red)
{
	unsigned int size = s->object_size;

	if (s->flags & SLAB_RED_ZONE) {
		memset(object - s->red_left_pad, red, s->red_left_pad);
		if (red == SLUB_RED_ACTIVE)
			size = mml_object_info(s, object)->size;
	}
	if (s->poison) {
		memset(object, POISON_FREE, size - 1);
		object[size - 1] = POISON_END;
	}
	if (s->flags & SLAB_RED_ZONE)
		memset(object + size, red, s->inuse - size);
}

/* An object of a new slab. */
void mml_debug_setup_object(struct mml_kmem_cache *s, void *object)
{
	struct mml_object_info *info = mml_object_info(s, object);

	memset(info, 0, mml_info_size(s->flags));
	info->state = MML_OBJECT_FREE;
	info->size = s->object_size;
	mml_init_object(s, object, SLUB_RED_INACTIVE);
}

/* A new slab, before its objects are made. */
void mml_debug_setup_slab(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	slab->isolated = 0;
	if (s->flags & SLAB_POISON)
		memset(mml_slab_address(s, slab), POISON_INUSE, PAGE_SIZE << slab->order);
}

/*
 * Checks. With list_lock held; what is found is told and put right.
 */

/* @bytes from @start on are @value. @object: to which they belong, or NULL. */
static bool mml_check_bytes(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
			    const char *what, u8 *start, u8 value, size_t bytes)
{
	u8 *from = memchr_inv(start, value, bytes), *to = start + bytes;

	if (likely(!from))
		return true;
	while (to[-1] == value)
		to--;
	mml_bytes_err(s, slab, object, what, from, to, value);
	return false;
}

/* Is it where an object of the slab begins, or NULL? */
static bool mml_valid_pointer(const struct mml_kmem_cache *s, struct mml_slab *slab,
			      const void *object)
{
	void *first = mml_object_at(s, slab, 1);

	return !object || (object >= first &&
			   object < first + slab->counters.objects * (size_t)s->size &&
			   (object - first) % s->size == 0);
}

/* The link of an object leads to another one of its slab. */
static bool mml_check_link(struct mml_kmem_cache *s, struct mml_slab *slab, void *object)
{
	if (mml_valid_pointer(s, slab, mml_get_freepointer(s, object)))
		return true;
	if (mml_object_err(s, slab, object, "Freepointer corrupt"))
		mml_slab_fix(s, "Freelist cut off behind 0x%lx", mml_lab_address(s->machine, object));
	mml_set_freepointer(s, object, NULL);
	return false;
}

/* All that has a pattern around an object, and in it if it is free: @red says which it is. */
static bool mml_check_object(struct mml_kmem_cache *s, struct mml_slab *slab, u8 *object,
			     u8 red)
{
	unsigned int info_end = s->info + mml_info_size(s->flags);
	unsigned int size = s->object_size;
	bool ok = true;

	if (s->flags & SLAB_RED_ZONE) {
		if (red == SLUB_RED_ACTIVE)
			size = min(mml_object_info(s, object)->size, size);
		ok &= mml_check_bytes(s, slab, object, "Left Redzone",
				      object - s->red_left_pad, red, s->red_left_pad);
		ok &= mml_check_bytes(s, slab, object, "Right Redzone",
				      object + s->object_size, red,
				      s->inuse - s->object_size);
		ok &= mml_check_bytes(s, slab, object, "kmalloc Redzone", object + size, red,
				      s->object_size - size);
	} else if (s->flags & SLAB_POISON) {
		ok &= mml_check_bytes(s, slab, object, "Alignment padding",
				      object + s->object_size, POISON_INUSE,
				      s->inuse - s->object_size);
	}
	if (s->poison && red == SLUB_RED_INACTIVE) {
		ok &= mml_check_bytes(s, slab, object, "Poison", object, POISON_FREE,
				      s->object_size - 1);
		ok &= mml_check_bytes(s, slab, object, "End Poison",
				      object + s->object_size - 1, POISON_END, 1);
	}
	if (s->flags & SLAB_POISON)
		ok &= mml_check_bytes(s, slab, object, "Object padding", object + info_end,
				      POISON_INUSE, mml_size_from_object(s) - info_end);
	/* While its user has it, the link may be any of his bytes. */
	if (mml_freeptr_outside_object(s) || red == SLUB_RED_INACTIVE)
		ok &= mml_check_link(s, slab, object);
	return ok;
}

/* What the slab says of itself. */
static bool mml_check_slab(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	union mml_slab_counters now = mml_slab_counters(slab);

	if (now.objects != mml_order_objects(s, slab->order)) {
		mml_slab_err(s, slab, "objects are not those of its order, but", now.objects);
		return false;
	}
	if (now.inuse > now.objects) {
		mml_slab_err(s, slab, "more are in use than there are:", now.inuse);
		return false;
	}
	return true;
}

/* What lies behind its objects; what is reserved there is RCU's when the slab goes. */
static bool mml_check_slab_padding(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	size_t used = slab->counters.objects * (size_t)s->size;
	u8 *base = mml_slab_address(s, slab);

	return !(s->flags & SLAB_POISON) ||
	       mml_check_bytes(s, slab, NULL, "Padding", base + used, POISON_INUSE,
			       (PAGE_SIZE << slab->order) - s->reserved - used);
}

/* It stays in use, and is nobody's. */
static void mml_isolate_object(struct mml_kmem_cache *s, struct mml_slab *slab, void *object)
{
	mml_object_info(s, object)->state = MML_OBJECT_ISOLATED;
	slab->isolated++;
}

static void mml_set_track(struct mml_kmem_cache *s, void *object, enum mml_track_item item,
			  unsigned long addr, u32 handle)
{
	struct mml_track *track = &mml_object_info(s, object)->track[item];

	if (!(s->flags & SLAB_STORE_USER))
		return;
	*track = (struct mml_track){
		.addr = addr,
		.when = mml_clock(s->machine),
		.handle = handle,
		.cpu = raw_smp_processor_id(),
		.pid = current->pid,
	};
}

static u32 mml_track_stack(const struct mml_kmem_cache *s)
{
	return s->flags & SLAB_STORE_USER ? mml_save_stack(MML_TRACK_SKIP) : 0;
}

/*
 * Allocating.
 */

/* A free object is to be somebody's. Returns: whether it can be. */
static bool mml_debug_check_alloc(struct mml_kmem_cache *s, struct mml_slab *slab,
				  void *object)
{
	struct mml_object_info *info = mml_object_info(s, object);

	if (unlikely(info->state != MML_OBJECT_FREE)) {
		mml_object_err(s, slab, object, "Object on freelist is not free");
		return false;
	}
	return !(s->flags & SLAB_CONSISTENCY_CHECKS) ||
	       mml_check_object(s, slab, object, SLUB_RED_INACTIVE);
}

/*
 * mml_take_objects() of a debugged cache: up to @nr objects of a slab; what does not pass is
 * isolated, and what lies behind a link that leads nowhere is lost. With list_lock held.
 * *@full: none is left. Returns: how many.
 */
unsigned int mml_debug_take_objects(struct mml_kmem_cache *s, struct mml_slab *slab,
				    void **objects, unsigned int nr, bool *full)
{
	union mml_slab_counters now = mml_slab_counters(slab);
	void *object = mml_object_at(s, slab, now.freelist), *next;
	unsigned int done = 0;

	while (object && done < nr) {
		bool ok = mml_debug_check_alloc(s, slab, object);

		next = mml_get_freepointer(s, object);
		if (unlikely(!mml_valid_pointer(s, slab, next))) {
			mml_slab_bug(s, object, "a free object was written to");
			next = NULL;
		}
		now.inuse++;
		if (ok) {
			mml_object_info(s, object)->state = MML_OBJECT_ALLOCATED;
			mml_object_info(s, object)->size = s->object_size;
			mml_init_object(s, object, SLUB_RED_ACTIVE);
			objects[done++] = object;
		} else {
			mml_isolate_object(s, slab, object);
		}
		object = next;
	}
	*full = !object;
	if (*full) {
		slab->isolated += now.objects - now.inuse;
		now.inuse = now.objects;
	}
	now.freelist = mml_object_nr(s, mml_slab_address(s, slab), object);
	WRITE_ONCE(slab->counters.full, now.full);
	return done;
}

/*
 * An object of a debugged cache: @size bytes of it are asked for, by the code at @addr.
 * Returns: NULL if there is no memory.
 */
void *mml_debug_alloc(struct mml_kmem_cache *s, gfp_t gfp, int nid, size_t size,
		      unsigned long addr)
{
	void *object = mml_alloc_one(s, gfp, nid);
	struct mml_kmem_cache_node *n;
	struct mml_slab *slab;
	unsigned long flags;
	u32 handle;

	if (!object)
		return NULL;
	handle = mml_track_stack(s);
	slab = mml_cache_slab(s, object);
	n = mml_slab_node(s, slab);
	spin_lock_irqsave(&n->list_lock, flags);
	mml_set_track(s, object, MML_TRACK_ALLOC, addr, handle);
	if (size != s->object_size) {
		mml_object_info(s, object)->size = size;
		mml_init_object(s, object, SLUB_RED_ACTIVE);
	}
	mml_trace_object(s, slab, object, true);
	spin_unlock_irqrestore(&n->list_lock, flags);
	return object;
}

/*
 * From now on the user of an object has @size bytes of it, no more than there are. Returns: how
 * many he had before; 0: it is nobody's.
 */
size_t mml_debug_resize(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
			size_t size)
{
	struct mml_kmem_cache_node *n = mml_slab_node(s, slab);
	struct mml_object_info *info = mml_object_info(s, object);
	unsigned long flags;
	size_t was = 0;

	spin_lock_irqsave(&n->list_lock, flags);
	if (object && mml_valid_pointer(s, slab, object) &&
	    info->state == MML_OBJECT_ALLOCATED) {
		was = min(info->size, s->object_size);
		info->size = size;
		if (s->flags & SLAB_RED_ZONE)
			memset(object + size, SLUB_RED_ACTIVE, s->object_size - size);
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return was;
}

/*
 * Freeing.
 */

/* Somebody gives back what he says is an object. Returns: whether it is one to be freed. */
static bool mml_debug_check_free(struct mml_kmem_cache *s, struct mml_slab *slab,
				 void *object)
{
	struct mml_object_info *info = mml_object_info(s, object);
	bool checks = s->flags & SLAB_CONSISTENCY_CHECKS, ok = true;

	if (checks && !mml_check_slab(s, slab))
		return false;
	/* Not this object's fault, and put right. */
	if (checks)
		mml_check_slab_padding(s, slab);
	if (!mml_valid_pointer(s, slab, object)) {
		mml_slab_err(s, slab, "Invalid object pointer", mml_lab_address(s->machine, object));
		return false;
	}
	if (info->state == MML_OBJECT_FREE || info->state == MML_OBJECT_ISOLATED) {
		mml_object_err(s, slab, object, "Object already free");
		return false;
	}
	if (info->state != MML_OBJECT_ALLOCATED && info->state != MML_OBJECT_WAITING) {
		mml_object_err(s, slab, object, "Object state overwritten");
		ok = false;
	} else if (checks) {
		ok = mml_check_object(s, slab, object, SLUB_RED_ACTIVE);
	}
	if (!ok)
		mml_isolate_object(s, slab, object);
	return ok;
}

/* An object of a debugged cache comes back, from the code at @addr. Any context but NMI. */
void mml_debug_free(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
		    unsigned long addr)
{
	struct mml_kmem_cache_node *n = mml_slab_node(s, slab);
	u32 handle = mml_track_stack(s);
	bool discard = false;
	unsigned long flags;

	spin_lock_irqsave(&n->list_lock, flags);
	if (mml_debug_check_free(s, slab, object)) {
		mml_set_track(s, object, MML_TRACK_FREE, addr, handle);
		mml_trace_object(s, slab, object, false);
		mml_object_info(s, object)->state = MML_OBJECT_FREE;
		mml_init_object(s, object, SLUB_RED_INACTIVE);
		discard = mml_slab_free_locked(s, n, slab, object);
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	if (discard)
		mml_discard_slab(s, slab);
}

/* It will come back when readers are done. Returns: false, and it is told, if it cannot. */
bool mml_debug_wait(struct mml_kmem_cache *s, struct mml_slab *slab, void *object)
{
	struct mml_kmem_cache_node *n = mml_slab_node(s, slab);
	struct mml_object_info *info = mml_object_info(s, object);
	unsigned long flags;
	bool ok = false;

	spin_lock_irqsave(&n->list_lock, flags);
	if (!mml_valid_pointer(s, slab, object))
		mml_slab_err(s, slab, "Invalid object pointer",
			     mml_lab_address(s->machine, object));
	else if (info->state != MML_OBJECT_ALLOCATED)
		mml_object_err(s, slab, object, "Object already free");
	else
		ok = true;
	if (ok)
		info->state = MML_OBJECT_WAITING;
	spin_unlock_irqrestore(&n->list_lock, flags);
	return ok;
}

/*
 * Of a cache as a whole.
 */

/* All objects of a slab. Returns: how much is wrong. */
static unsigned long mml_debug_validate_slab(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	union mml_slab_counters now = mml_slab_counters(slab);
	unsigned long wrong = 0;
	unsigned int nr;

	if (!mml_check_slab(s, slab))
		return 1;
	wrong += !mml_check_slab_padding(s, slab);
	for (nr = 1; nr <= now.objects; nr++) {
		void *object = mml_object_at(s, slab, nr);
		u32 state = mml_object_info(s, object)->state;

		if (state == MML_OBJECT_FREE)
			wrong += !mml_check_object(s, slab, object, SLUB_RED_INACTIVE);
		else if (state == MML_OBJECT_ALLOCATED || state == MML_OBJECT_WAITING)
			wrong += !mml_check_object(s, slab, object, SLUB_RED_ACTIVE);
		else if (state != MML_OBJECT_ISOLATED)
			wrong += mml_object_err(s, slab, object, "Object state overwritten") | 1;
	}
	return wrong;
}

/*
 * Check all objects of a debugged cache, or until one is killed. Process context. Returns: how
 * much is wrong.
 */
unsigned long mml_debug_validate(struct mml_kmem_cache *s)
{
	unsigned long pfn, next, wrong = 0, flags;

	for (pfn = 0; pfn < s->machine->nr_frames; pfn = next) {
		struct mml_slab *slab = mml_slab_at(s, pfn, &next);
		struct mml_kmem_cache_node *n;

		cond_resched();
		if (fatal_signal_pending(current))
			break;
		if (!slab)
			continue;
		n = mml_slab_node(s, slab);
		spin_lock_irqsave(&n->list_lock, flags);
		if (mml_slab_stays(s, slab, pfn))
			wrong += mml_debug_validate_slab(s, slab);
		spin_unlock_irqrestore(&n->list_lock, flags);
	}
	return wrong;
}

/* The cache is to go: slabs of which nothing is in use but what was damaged go back. */
void mml_debug_release(struct mml_kmem_cache *s)
{
	unsigned long pfn, next, flags;

	for (pfn = 0; pfn < s->machine->nr_frames; pfn = next) {
		struct mml_slab *slab = mml_slab_at(s, pfn, &next);
		struct mml_kmem_cache_node *n;
		bool release;

		cond_resched();
		if (!slab)
			continue;
		n = mml_slab_node(s, slab);
		spin_lock_irqsave(&n->list_lock, flags);
		release = slab->isolated && slab->counters.inuse == slab->isolated;
		if (release) {
			slab->counters.inuse = 0;
			slab->isolated = 0;
			release = mml_slab_unlist(s, n, slab);
		}
		spin_unlock_irqrestore(&n->list_lock, flags);
		if (release)
			mml_discard_slab(s, slab);
	}
}
