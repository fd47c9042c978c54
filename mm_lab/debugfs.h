/* SPDX-License-Identifier: GPL-2.0 */
/*
 * debugfs: mm_lab/, mm_lab/<machine>/ and mm_lab/<machine>/mm/<session>/.
 *
 * Files are tables of names and show functions; a few are written to. A file
 * that is removed waits for its readers: nothing that a show function takes may be
 * held then, mmap_lock included.
 */
#ifndef _MML_DEBUGFS_H
#define _MML_DEBUGFS_H

#include "mm_lab/engine.h"

struct dentry;
struct mml_machine;

extern const struct mml_debugfs_file mml_ground_files[];	/* of a machine */
extern const struct mml_debugfs_file mml_root_files[];

int mml_word_from_user(char *word, size_t size, const char __user *buf, size_t len);
void mml_debugfs_init(void);
void mml_debugfs_exit(void);
void mml_debugfs_add(struct dentry *dir, const struct mml_debugfs_file *files,
		     void *data);
void mml_debugfs_del(struct dentry *dir, const struct mml_debugfs_file *files);
void mml_debugfs_machine_add(struct mml_machine *machine);
void mml_debugfs_machine_del(struct mml_machine *machine);

#endif /* _MML_DEBUGFS_H */
