/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames: struct mml_page, the memmap's arithmetic, and lists of frames.
 *
 * Kernel counterpart: struct page (include/linux/mm_types.h), the flat memory
 * model (include/asm-generic/memory_model.h), list_head where pages hang on one.
 * Differences: a block's state and order are explicit fields, checked before
 * anything is believed; lists link by frame number, not by pointer, because a
 * corrupt list_head panics a hardened host and a wrong number does not; the lab's
 * frame numbers are a type of their own, so that nobody mixes them with real pfns.
 *
 * A block of 1 << order frames is a head and interior frames:
 *
 *	MML_FRAME_FREE		head of a free block, on a free list
 *	MML_FRAME_ALLOCATED	head of an allocated block: type, counts, owner
 *	MML_FRAME_PCP		head of a free block that a CPU keeps for itself
 *	MML_FRAME_INTERIOR	none of these: only its head speaks for it
 *	MML_FRAME_ABSENT	no frame: a hole in the memory
 *
 * Splitting writes the new head, merging turns the absorbed head into interior; only
 * what is cut up for a CPU is written block by block.
 */
#ifndef _MML_FRAME_H
#define _MML_FRAME_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/types.h>

struct mml_machine;

#define MML_MAX_ORDER	10
#define MML_NR_ORDERS	(MML_MAX_ORDER + 1)

/* A frame number of a machine: 0 is its first frame. */
typedef struct {
	u32 val;
} mml_pfn_t;

/* Ends a list of frames. A machine has fewer frames than this. */
#define MML_PFN_NONE	U32_MAX

enum mml_frame_state {
	MML_FRAME_INTERIOR,
	MML_FRAME_FREE,
	MML_FRAME_ALLOCATED,
	MML_FRAME_ABSENT,
	MML_FRAME_PCP,
	MML_NR_FRAME_STATES,
};

/* What an allocated block is used for; each type has its owner's ops. */
enum mml_page_type {
	MML_PAGE_KERNEL,	/* allocated, and nobody said what for */
	MML_PAGE_USER,		/* held through a handle of a session */
	MML_PAGE_TABLE,		/* a page table of an mml_mm */
	MML_PAGE_ANON,		/* anonymous memory of an mml_mm */
	MML_PAGE_SHMEM,		/* memory that several mml_mm share */
	MML_PAGE_SLAB,		/* cut into objects of a cache */
	MML_PAGE_LARGE_KMALLOC,	/* of kmalloc, too large for a cache */
	MML_NR_PAGE_TYPES,
};

/**
 * struct mml_page - one frame of a machine
 * @state: enum mml_frame_state
 * @order: of the block, where this is its head
 * @type: enum mml_page_type, while allocated
 * @mobility: the migratetype that an allocated block was asked for with
 * @nid: its node
 * @zid: its zone
 * @next: frame number of the next one on the list this frame is on
 * @prev: of the one before
 * @_refcount: who may use an allocated block; 0 while it is free
 * @_mapcount: page-table entries that map it
 * @mapping: the owner, as its type has it
 * @index: where in @mapping, as its type has it
 *
 * Lock key of the fields:
 *	Z  the zone's lock
 *	L  the lock of the list the frame is on; without a list, its owner's
 *	O  the owner of the allocated block
 *	A  atomic
 *	C  constant while the machine lives
 */
struct mml_page {
	u8		state;		/* Z, or of the CPU that keeps it */
	u8		order;		/* Z, or of the CPU that keeps it */
	u8		type;		/* O */
	u8		mobility;	/* C while allocated */
	u8		nid;		/* C */
	u8		zid;		/* C */
	u32		next;		/* L */
	u32		prev;		/* L */
	atomic_t	_refcount;	/* A */
	atomic_t	_mapcount;	/* A */
	void		*mapping;	/* O */
	unsigned long	index;		/* O */
};

static_assert(sizeof(struct mml_page) <= 64);

/**
 * struct mml_page_ops - what the owner of a type of pages does for the lower rooms
 * @name: of the type, as texts show it
 * @check: is @page, an allocated head of this type, consistent? Called by the
 *	validator, in an RCU read section, interrupts off. The block may be freed and
 *	used otherwise meanwhile: what its mapping leads to has to be freed by RCU, and
 *	its type looked at once more before that is believed. May be NULL
 */
struct mml_page_ops {
	const char *name;
	bool (*check)(struct mml_machine *machine, struct mml_page *page);
};

static inline mml_pfn_t mml_pfn(u32 val)
{
	return (mml_pfn_t){ .val = val };
}

static inline int mml_page_ref_count(const struct mml_page *page)
{
	return atomic_read(&page->_refcount);
}

static inline void mml_get_page(struct mml_page *page)
{
	atomic_inc(&page->_refcount);
}

/*
 * Drop a reference, if there is any. Returns: how many there were; 1: that was the last;
 * 0: it has none, and has none now.
 */
static inline int mml_page_ref_dec(struct mml_page *page)
{
	return atomic_fetch_add_unless(&page->_refcount, -1, 0);
}

/**
 * struct mml_frame_list - a list of frames of one machine
 * @first: frame number, or MML_PFN_NONE
 * @last: frame number, or MML_PFN_NONE
 * @nr: how many frames are on it
 *
 * Invariants, checked by mml_frame_list_validate():
 *	first == NONE  <=>  last == NONE  <=>  nr == 0
 *	memmap[first].prev == NONE, memmap[last].next == NONE
 *	memmap[memmap[p].next].prev == p for each p but the last
 */
struct mml_frame_list {
	u32 first;
	u32 last;
	u32 nr;
};

static inline void mml_frame_list_init(struct mml_frame_list *list)
{
	*list = (struct mml_frame_list){
		.first = MML_PFN_NONE,
		.last = MML_PFN_NONE,
	};
}

static inline bool mml_frame_list_empty(const struct mml_frame_list *list)
{
	return list->first == MML_PFN_NONE;
}

#endif /* _MML_FRAME_H */
