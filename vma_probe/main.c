// SPDX-License-Identifier: GPL-2.0
/*
 * vma_probe: address spaces mapped into real processes, as an engine of mm_lab.
 *
 * What it hangs on a machine is the list of its windows, for the validator, for meminfo, and for
 * a shrinker, how many pages a fault maps, and limits.
 */
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "mm_lab/alloc.h"
#include "mm_lab/debugfs.h"
#include "mm_lab/shrinker.h"
#include "vma_probe/window.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int mml_vma_machine_init(struct mml_machine *machine)
{
	struct mml_windows *windows = mml_kzalloc(machine, sizeof(*windows),
						  GFP_KERNEL);
	int err;

	if (!windows)
		return -ENOMEM;
	mutex_init(&windows->lock);
	INIT_LIST_HEAD(&windows->list);
	err = mml_windows_init(machine, windows);
	if (err) {
		kfree(windows);
		return err;
	}
	machine->engine_data[MML_VMA_SLOT] = windows;
	return 0;
}

static void mml_vma_machine_exit(struct mml_machine *machine)
{
	mml_shrinker_free(mml_windows(machine)->shrinker);
	kfree(mml_windows(machine));
}

static void mml_vma_validate(struct mml_machine *machine, struct mml_validation *v)
{
	struct mml_windows *windows = mml_windows(machine);
	struct mml_window *window;

	mutex_lock(&windows->lock);
	/*
	 * All at once: relatives share frames. (Lockdep counts them up to 2047; with more it
	 * switches itself off.)
	 */
	list_for_each_entry(window, &windows->list, node)
		down_write_nest_lock(&window->mm.mmap_lock, &windows->lock);
	list_for_each_entry(window, &windows->list, node)
		mml_mm_validate_locked(&window->mm, v);
	list_for_each_entry(window, &windows->list, node)
		up_write(&window->mm.mmap_lock);
	mutex_unlock(&windows->lock);
}

static void mml_vma_stat(struct mml_machine *machine, unsigned long *items)
{
	struct mml_windows *windows = mml_windows(machine);
	struct mml_window *window;

	items[MML_NR_SHMEM] += atomic_long_read(&windows->common.nr_shmem);
	items[MML_NR_ANON_PAGES] += atomic_long_read(&windows->common.nr_anon);
	items[MML_NR_AROUND_PAGES] += atomic_long_read(&windows->common.nr_around);
	items[MML_NR_COMMITTED] += atomic_long_read(&windows->common.nr_committed);
	items[MML_NR_COMMIT_LIMIT] += mml_commit_limit(&windows->common, machine);
	mutex_lock(&windows->lock);
	list_for_each_entry(window, &windows->list, node)
		items[MML_NR_PAGE_TABLE_PAGES] += atomic_long_read(&window->mm.nr_ptes);
	mutex_unlock(&windows->lock);
}

static int mml_maps_show(struct seq_file *seq, void *unused)
{
	mml_mm_show_maps(seq, &mml_window(seq->private)->mm);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_maps);

static int mml_smaps_show(struct seq_file *seq, void *unused)
{
	mml_mm_show_smaps(seq, &mml_window(seq->private)->mm);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_smaps);

static int mml_smaps_rollup_show(struct seq_file *seq, void *unused)
{
	mml_mm_show_smaps_rollup(seq, &mml_window(seq->private)->mm);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_smaps_rollup);

static int mml_status_show(struct seq_file *seq, void *unused)
{
	struct mml_session *session = seq->private;

	seq_printf(seq, "Pid:\t%d\n", READ_ONCE(session->pid));
	mml_mm_show_status(seq, &mml_window(session)->mm);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_status);

/* What is written to a file of a machine: a number, up to @max. */
static int mml_setting_from_user(const char __user *buf, size_t len, unsigned long max,
				 unsigned long *value)
{
	int err = kstrtoul_from_user(buf, len, 0, value);

	return err ?: *value > max ? -EINVAL : 0;
}

/* An address is written to it; what is read then is of that. */
static int mml_walk_show(struct seq_file *seq, void *unused)
{
	struct mml_session *session = file_inode(seq->file)->i_private;

	mml_mm_show_walk(seq, &mml_window(session)->mm, (unsigned long)READ_ONCE(seq->private));
	return 0;
}

static int mml_walk_open(struct inode *inode, struct file *file)
{
	return single_open(file, mml_walk_show, NULL);
}

static ssize_t mml_walk_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	unsigned long addr;
	char word[32];
	int err = mml_word_from_user(word, sizeof(word), buf, len) ?: kstrtoul(word, 16, &addr);

	if (err)
		return err;
	if (addr >> MML_ADDRESS_BITS)
		return -EINVAL;
	WRITE_ONCE(seq->private, (void *)addr);
	/* The next read is from the beginning. */
	*pos = 0;
	return len;
}

static const struct file_operations mml_walk_fops = {
	.owner = THIS_MODULE,
	.open = mml_walk_open,
	.read = seq_read,
	.write = mml_walk_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* As the kernel's debugfs file of this name: a number, rounded down to a power of two. */
static int mml_fault_around_bytes_show(struct seq_file *seq, void *unused)
{
	const struct mml_windows *windows = mml_windows(seq->private);

	seq_printf(seq, "%lu\n", READ_ONCE(windows->common.around_pages) * PAGE_SIZE);
	return 0;
}

static ssize_t mml_fault_around_bytes_write(struct file *file, const char __user *buf,
					    size_t len, loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	unsigned long bytes;
	int err = mml_setting_from_user(buf, len, MML_AROUND_MAX * PAGE_SIZE, &bytes);

	if (err)
		return err;
	bytes = rounddown_pow_of_two(max(bytes, PAGE_SIZE));
	WRITE_ONCE(mml_windows(seq->private)->common.around_pages, bytes / PAGE_SIZE);
	return len;
}
DEFINE_SHOW_STORE_ATTRIBUTE(mml_fault_around_bytes);

/* A file that is a field of struct mml_mm_common, as the kernel's sysctl of its name. */
#define MML_SETTING(_name, _max)							\
static int mml_##_name##_show(struct seq_file *seq, void *unused)			\
{											\
	const struct mml_windows *windows = mml_windows(seq->private);			\
											\
	seq_printf(seq, "%lu\n", READ_ONCE(windows->common._name));			\
	return 0;									\
}											\
											\
static ssize_t mml_##_name##_write(struct file *file, const char __user *buf,		\
				   size_t len, loff_t *pos)				\
{											\
	struct seq_file *seq = file->private_data;					\
	unsigned long value;								\
	int err = mml_setting_from_user(buf, len, _max, &value);			\
											\
	if (err)									\
		return err;								\
	WRITE_ONCE(mml_windows(seq->private)->common._name, value);			\
	return len;									\
}											\
DEFINE_SHOW_STORE_ATTRIBUTE(mml_##_name)

MML_SETTING(overcommit_memory, OVERCOMMIT_NEVER);
MML_SETTING(overcommit_ratio, 1000);
MML_SETTING(overcommit_kbytes, LONG_MAX >> 10);
MML_SETTING(max_map_count, INT_MAX);

static const struct mml_debugfs_file mml_vma_machine_files[] = {
	{ "fault_around_bytes", &mml_fault_around_bytes_fops },
	{ "overcommit_memory", &mml_overcommit_memory_fops },
	{ "overcommit_ratio", &mml_overcommit_ratio_fops },
	{ "overcommit_kbytes", &mml_overcommit_kbytes_fops },
	{ "max_map_count", &mml_max_map_count_fops },
	{}
};

static const struct mml_debugfs_file mml_vma_session_files[] = {
	{ "maps", &mml_maps_fops },
	{ "smaps", &mml_smaps_fops },
	{ "smaps_rollup", &mml_smaps_rollup_fops },
	{ "status", &mml_status_fops },
	{ "walk", &mml_walk_fops },
	{}
};

static struct mml_engine mml_vma_engine = {
	.name = "vma_probe",
	.owner = THIS_MODULE,
	.slot = MML_VMA_SLOT,
	.alloc_table = &mml_vma_alloc_table,
	.page_ops = {
		[MML_PAGE_TABLE] = &mml_table_page_ops,
		[MML_PAGE_ANON] = &mml_anon_page_ops,
		[MML_PAGE_SHMEM] = &mml_shmem_page_ops,
	},
	.ioctls = mml_vma_ioctls,
	.machine_files = mml_vma_machine_files,
	.session_files = mml_vma_session_files,
	.machine_init = mml_vma_machine_init,
	.machine_exit = mml_vma_machine_exit,
	.session_init = mml_window_init,
	.session_exit = mml_window_exit,
	.session_free = mml_window_free,
	.session_mmap = mml_window_mmap,
	.validate = mml_vma_validate,
	.stat = mml_vma_stat,
	.broken = mml_windows_revoke,
};

static int __init mml_vma_init(void)
{
	return mml_engine_register(&mml_vma_engine);
}
module_init(mml_vma_init);

static void __exit mml_vma_exit(void)
{
	mml_engine_unregister(&mml_vma_engine);
}
module_exit(mml_vma_exit);

MODULE_DESCRIPTION("mm_lab: address spaces mapped into real processes");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(MM_LAB);
