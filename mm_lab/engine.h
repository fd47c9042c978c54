/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Engines: the modules above the ground. They register; the ground names none.
 *
 * An engine has a slot, a small number that is the same everywhere: index of its
 * data in a machine and in a session, bit in their sets of engines, and block of
 * its ioctl numbers. Slots are fixed in the engines' own headers, so that their
 * fast paths find their data at a constant offset.
 */
#ifndef _MML_ENGINE_H
#define _MML_ENGINE_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/types.h>

#include "mm_lab/frame.h"

#define MML_NR_SLOTS	4

struct module;
struct mml_alloc_table;
struct mml_ioctl;
struct mml_machine;
struct mml_session;
struct mml_validation;

/* What engines contribute to meminfo and vmstat, in frames. */
enum mml_stat_item {
	MML_NR_FREE_PAGES,
	MML_NR_ANON_PAGES,
	MML_NR_SHMEM,
	MML_NR_SLAB_RECLAIMABLE,
	MML_NR_SLAB_UNRECLAIMABLE,
	MML_NR_PAGE_TABLE_PAGES,
	MML_NR_AROUND_PAGES,
	MML_NR_COMMITTED,
	MML_NR_COMMIT_LIMIT,
	MML_NR_STAT_ITEMS,
};

/**
 * struct mml_debugfs_file - one file in a debugfs directory
 * @name: of the file; an empty entry ends a table
 * @fops: from DEFINE_SHOW_ATTRIBUTE(); seq->private is the machine, or the session
 *	for a session's files. Or of a file that is written to, and then cannot be read
 * @subdir: the directory that it is in, its files one after the other; NULL: none
 */
struct mml_debugfs_file {
	const char *name;
	const struct file_operations *fops;
	const char *subdir;
};

/**
 * struct mml_engine - what an engine gives the ground to call
 * @name: for messages
 * @owner: THIS_MODULE; each session pins it
 * @slot: its slot
 * @alloc_table: its allocations, see alloc.h
 * @page_ops: of the page types that it owns, by type; NULL for the others
 * @ioctls: its commands on session files: MML_IOC_RANGE entries, by number
 * @machine_files: its files in a machine's debugfs directory, or NULL
 * @session_files: its files in a session's debugfs directory, or NULL
 * @machine_init: set up this engine on a machine; 0 or an errno. Process context
 * @machine_exit: undo that; every session is gone. Process context
 * @session_init: set up this engine for a session; @parent is set for the child of
 *	a fork. May be NULL. Process context; for a fork under the mmap_lock of both
 *	processes, where frames of the lab may not be waited for. 0 or an errno
 * @session_exit: give back all that a session holds; called once, when it ends;
 *	other calls on the session may be under way. May run under mmap_lock
 * @session_free: free the engine's data of the session; nobody uses it now
 * @session_mmap: a process maps the session file; or NULL
 * @validate: check every invariant of this engine on a machine; may be NULL
 * @stat: add to @items what this engine knows; may be NULL
 * @lost: this engine is about to leave the machine, all sessions and the engines above
 *	are gone, and frames that it gave are missing: name them in the kernel log, with
 *	@page_ops for their types. May be NULL. Process context
 * @broken: the machine has been marked broken: keep processes off its memory; may be
 *	NULL. Process context
 */
struct mml_engine {
	const char *name;
	struct module *owner;
	unsigned int slot;
	struct mml_alloc_table *alloc_table;
	const struct mml_page_ops *page_ops[MML_NR_PAGE_TYPES];
	const struct mml_ioctl *ioctls;
	const struct mml_debugfs_file *machine_files;
	const struct mml_debugfs_file *session_files;

	int (*machine_init)(struct mml_machine *machine);
	void (*machine_exit)(struct mml_machine *machine);
	int (*session_init)(struct mml_session *session,
			    struct mml_session *parent);
	void (*session_exit)(struct mml_session *session);
	void (*session_free)(struct mml_session *session);
	int (*session_mmap)(struct mml_session *session,
			    struct vm_area_struct *vma);
	void (*validate)(struct mml_machine *machine, struct mml_validation *v);
	void (*stat)(struct mml_machine *machine, unsigned long *items);
	void (*lost)(struct mml_machine *machine,
		     const struct mml_page_ops * const *page_ops);
	void (*broken)(struct mml_machine *machine);

	/* private: of machine.c */
	struct list_head node;
};

int mml_engine_register(struct mml_engine *engine);
void mml_engine_unregister(struct mml_engine *engine);

#endif /* _MML_ENGINE_H */
