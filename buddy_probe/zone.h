/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zones: what the files of the page allocator share.
 *
 * Kernel counterpart: struct zone and struct free_area, include/linux/mmzone.h.
 */
#ifndef _MML_ZONE_H
#define _MML_ZONE_H

#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "buddy_probe/buddy.h"
#include "mm_lab/device.h"
#include "mm_lab/machine.h"
#include "mm_lab/session.h"

/* The free blocks of one order. */
struct mml_free_area {
	struct mml_frame_list free_list;
};

/**
 * struct mml_zone - a range of frames, and its free blocks
 * @lock: irq-safe; only the explainer's lock is taken under it
 * @free_area: by order
 * @nr_free: frames on the free lists
 * @managed: frames that the allocator has to give
 * @machine: whose zone it is
 *
 * Field locking: Z lock, C constant.
 */
struct mml_zone {
	spinlock_t		lock;
	struct mml_free_area	free_area[MML_NR_ORDERS];	/* Z */
	unsigned long		nr_free;			/* Z */
	unsigned long		managed;			/* C */
	struct mml_machine	*machine;			/* C */
};

static inline struct mml_zone *mml_zone(const struct mml_machine *machine)
{
	return machine->engine_data[MML_BUDDY_SLOT];
}

/*
 * What the allocator tries, as the event mml_alloc_decision tells it. Its candidate is
 * the order that is looked at, its pfn and value:
 */
enum mml_try {
	/* allocating: the list of the candidate order ... */
	MML_TRY_EMPTY,		/* ... is empty: the next larger one */
	MML_TRY_TAKE,		/* ... gives the block at pfn, the first of value */
	MML_TRY_SPLIT,		/* ... gets the upper half, at pfn, and has value then */
	MML_TRY_FAIL,		/* no block: value frames are free */
	MML_TRY_INJECTED,	/* no block, for it was made to fail */
	/* freeing: the candidate order is what has been merged so far; its buddy ... */
	MML_TRY_MERGE,		/* ... at pfn is free: the two are one */
	MML_TRY_NO_BUDDY,	/* ... would be at pfn, where there is no memory */
	MML_TRY_BUDDY_USED,	/* ... at pfn is allocated, wholly or in part */
	MML_TRY_BUDDY_SPLIT,	/* ... at pfn begins with a free block, of order value */
	MML_TRY_LARGEST,	/* ... is not asked for: there is no larger order */
	MML_TRY_LIST,		/* the block at pfn goes to the list, which has value then */
};

void mml_zone_init(struct mml_zone *zone, struct mml_machine *machine);
void mml_zone_validate(struct mml_machine *machine, struct mml_validation *v);

extern const struct mml_debugfs_file mml_buddy_machine_files[];

/* explain.c: what failed, and why */
void mml_explain_rmqueue(struct mml_zone *zone, gfp_t gfp, unsigned int order);
extern struct mml_alloc_table mml_buddy_alloc_table;

/* ioctl.c: blocks held by handle. */
int mml_blocks_init(struct mml_session *session, struct mml_session *parent);
void mml_blocks_exit(struct mml_session *session);
void mml_blocks_free(struct mml_session *session);
extern const struct mml_ioctl mml_buddy_ioctls[MML_IOC_RANGE];

#endif /* _MML_ZONE_H */
