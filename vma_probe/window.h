/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows: the tie of the lab's address spaces to real processes.
 */
#ifndef _MML_WINDOW_H
#define _MML_WINDOW_H

#include "mm_lab/device.h"
#include "mm_lab/session.h"
#include "vma_probe/mm/mm.h"

#define MML_VMA_SLOT	2

/**
 * struct mml_window - what vma_probe hangs on a session
 * @mm: the session's address space
 * @session: the session
 * @mapping: of the session file: what real entries are revoked from; NULL before
 *	there is a real vma, and after
 * @vmas: real vmas that are this window: 1, or 2 while one is being moved
 * @killed: set once, when its process is killed for want of a frame
 * @node: on the machine's list of windows, under its lock
 */
struct mml_window {
	struct mml_mm		mm;
	struct mml_session	*session;
	struct address_space	*mapping;
	atomic_t		vmas;
	atomic_t		killed;
	struct list_head	node;
};

/**
 * struct mml_windows - what vma_probe hangs on a machine
 * @lock: protects @list. Taken under the mmap_lock of a process that forks or exits, or what a
 *	process holds that faults and finds no frame; and before that of a lab mm
 * @list: the windows of all sessions that have not ended
 * @common: to all of them
 * @shrinker: gives back frames that nobody needs
 */
struct mml_windows {
	struct mutex lock;
	struct list_head list;
	struct mml_mm_common common;
	struct mml_shrinker *shrinker;
};

static inline struct mml_windows *mml_windows(const struct mml_machine *machine)
{
	return machine->engine_data[MML_VMA_SLOT];
}

static inline struct mml_window *mml_window(const struct mml_session *session)
{
	return session->engine_data[MML_VMA_SLOT];
}

int mml_windows_init(struct mml_machine *machine, struct mml_windows *windows);
int mml_window_init(struct mml_session *session, struct mml_session *parent);
void mml_window_exit(struct mml_session *session);
void mml_window_free(struct mml_session *session);
void mml_windows_revoke(struct mml_machine *machine);
int mml_window_mmap(struct mml_session *session, struct vm_area_struct *vma);

extern const struct mml_ioctl mml_vma_ioctls[MML_IOC_RANGE];
extern struct mml_alloc_table mml_vma_alloc_table;

#endif /* _MML_WINDOW_H */
