/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debugged caches: what is kept with each object, and who checks and tells it.
 *
 * Kernel counterpart: struct track and the debugging part of mm/slub.c.
 */
#ifndef _MML_SLUB_DEBUG_H
#define _MML_SLUB_DEBUG_H

#include <linux/poison.h>

#include "slub_probe/slab.h"

struct seq_file;

/* Who last did it with an object. */
enum mml_track_item {
	MML_TRACK_ALLOC,
	MML_TRACK_FREE,
	MML_NR_TRACKS,
};

/**
 * struct mml_track - who allocated or freed an object
 * @addr: who called; 0: nobody yet
 * @when: by mml_clock()
 * @handle: the stack, see mml_save_stack()
 * @cpu: on which CPU
 * @pid: which process
 */
struct mml_track {
	unsigned long addr;
	u64 when;
	u32 handle;
	int cpu;
	int pid;
};

/* What an object is. Anything else: somebody has written over it. */
enum mml_object_state {
	MML_OBJECT_FREE		= 0x66726565,
	MML_OBJECT_ALLOCATED	= 0x75736564,
	MML_OBJECT_WAITING	= 0x77616974,	/* given to mml_kfree_rcu() */
	MML_OBJECT_ISOLATED	= 0x6c6f7374,
};

/**
 * struct mml_object_info - what is kept behind each object of a debugged cache
 * @state: enum mml_object_state
 * @size: how many bytes of it were asked for: less than there are with kmalloc
 * @track: only with SLAB_STORE_USER
 */
struct mml_object_info {
	u32 state;
	u32 size;
	struct mml_track track[];
};

static inline struct mml_object_info *mml_object_info(const struct mml_kmem_cache *s,
						      void *object)
{
	return object + s->info;
}

/* Without its red zone on the left: from an object to the end of what it takes. */
static inline unsigned int mml_size_from_object(const struct mml_kmem_cache *s)
{
	return s->size - s->red_left_pad;
}

/* How much is kept behind an object. */
static inline unsigned int mml_info_size(slab_flags_t flags)
{
	unsigned int tracks = flags & SLAB_STORE_USER ? MML_NR_TRACKS : 0;

	return struct_size_t(struct mml_object_info, track, tracks);
}

/* Is its link not in what its user has? */
static inline bool mml_freeptr_outside_object(const struct mml_kmem_cache *s)
{
	return s->offset >= s->inuse;
}

/*
 * Is the slab at @pfn one of the cache's, that stays so while list_lock is held? If somebody is
 * about to make it or to give it back, it is his. It has to be the cache's after that was seen,
 * for before, the word was another one's.
 */
static inline bool mml_slab_stays(const struct mml_kmem_cache *s, struct mml_slab *slab,
				  unsigned long pfn)
{
	bool stays = READ_ONCE(slab->partial) || mml_slab_counters(slab).inuse;
	unsigned long next;

	/* See above: pairs with the release in mml_new_slab(). */
	smp_rmb();
	return stays && mml_slab_at(s, pfn, &next) == slab;
}

/* traces.c: from where objects were allocated, or freed */
int mml_show_traces(struct seq_file *seq, struct mml_kmem_cache *s, enum mml_track_item item);

/*
 * debug_report.c: in the kernel log, in the kernel's form. With the list_lock of the slab's
 * node held, so that the object is what is told.
 */
bool mml_object_err(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
		    const char *what);
bool mml_slab_err(struct mml_kmem_cache *s, struct mml_slab *slab, const char *what,
		  unsigned long value);
void mml_bytes_err(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
		   const char *what, u8 *from, u8 *to, u8 value);
__printf(2, 3)
void mml_slab_fix(const struct mml_kmem_cache *s, const char *fmt, ...);
void mml_print_tracking(struct mml_kmem_cache *s, void *object);
void mml_trace_object(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
		      bool alloc);

#endif /* _MML_SLUB_DEBUG_H */
