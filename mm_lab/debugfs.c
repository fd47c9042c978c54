// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: directories and files from tables; see debugfs.h.
 *
 * Errors are ignored, as debugfs wants it: a lab without debugfs works.
 *
 * Locking: none here. A file's data (machine or session) and its operations (a
 * module's) stay alive because the file is removed before they go.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>

#include "mm_lab/debugfs.h"
#include "mm_lab/machine.h"

static struct dentry *mml_debugfs_root;

/*
 * Add a table of files to @dir; @files may be NULL. A file with a @subdir is in that,
 * which goes with the last of its files in the table.
 */
void mml_debugfs_add(struct dentry *dir, const struct mml_debugfs_file *files,
		     void *data)
{
	const char *subdir = NULL;
	struct dentry *parent = dir;

	for (; files && files->name; files++) {
		if (files->subdir != subdir) {
			subdir = files->subdir;
			parent = subdir ? debugfs_create_dir(subdir, dir) : dir;
		}
		debugfs_create_file(files->name,
				    (files->fops->read ? 0400 : 0) |
				    (files->fops->write ? 0200 : 0),
				    parent, data, files->fops);
	}
}

/* Remove a table of files from @dir, if it is still there; wait for their readers. */
void mml_debugfs_del(struct dentry *dir, const struct mml_debugfs_file *files)
{
	if (IS_ERR_OR_NULL(dir))
		return;
	for (; files && files->name; files++)
		debugfs_lookup_and_remove(files->subdir ?: files->name, dir);
}

void mml_debugfs_machine_add(struct mml_machine *machine)
{
	char name[12];

	snprintf(name, sizeof(name), "%u", machine->id);
	machine->debugfs = debugfs_create_dir(name, mml_debugfs_root);
	machine->debugfs_mm = debugfs_create_dir("mm", machine->debugfs);
	mml_debugfs_add(machine->debugfs, mml_ground_files, machine);
}

void mml_debugfs_machine_del(struct mml_machine *machine)
{
	struct dentry *dir = machine->debugfs;

	/* Engines may be about to add to it. */
	down_write(&machine->engines_lock);
	machine->debugfs = NULL;
	up_write(&machine->engines_lock);
	debugfs_remove(dir);
}

void mml_debugfs_init(void)
{
	mml_debugfs_root = debugfs_create_dir("mm_lab", NULL);
	mml_debugfs_add(mml_debugfs_root, mml_root_files, NULL);
}

void mml_debugfs_exit(void)
{
	debugfs_remove(mml_debugfs_root);
}
