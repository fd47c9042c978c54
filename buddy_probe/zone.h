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
 * @lock: irq-safe; a leaf: nothing is taken under it
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

void mml_zone_init(struct mml_zone *zone, struct mml_machine *machine);
void mml_zone_validate(struct mml_machine *machine, struct mml_validation *v);

extern const struct mml_debugfs_file mml_buddy_machine_files[];

/* ioctl.c: blocks held by handle. */
int mml_blocks_init(struct mml_session *session, struct mml_session *parent);
void mml_blocks_exit(struct mml_session *session);
void mml_blocks_free(struct mml_session *session);
extern const struct mml_ioctl mml_buddy_ioctls[MML_IOC_RANGE];

#endif /* _MML_ZONE_H */
