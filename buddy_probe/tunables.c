// SPDX-License-Identifier: GPL-2.0
/*
 * How much zones keep back, as numbers that can be read and written while a machine is at
 * work: files of its directory in debugfs.
 *
 * Kernel counterpart: /proc/sys/vm/{min_free_kbytes, watermark_scale_factor,
 * watermark_boost_factor, lowmem_reserve_ratio}, mm/page_alloc.c. Same names, meaning and
 * bounds, but that a machine cannot be told to keep more than it has. A machine that was
 * made without watermarks takes the numbers, and keeps nothing.
 *
 * Locking: buddy->sysctl_lock.
 */
#include <linux/string.h>

#include "buddy_probe/internal.h"

/* The largest that the kernel takes. */
#define MML_MAX_WATERMARK_SCALE	3000U

/* Room for what is written: a few numbers. */
#define MML_TUNABLE_SIZE	80

/*
 * @text is up to @nr numbers, each of @min to @max; those that are not in it stay. Returns:
 * 0, or -EINVAL.
 */
static int mml_tunable_parse(char *text, unsigned int *value, int nr, unsigned int min,
			     unsigned int max)
{
	char *at = strim(text), *word;
	int i, err;

	for (i = 0; (word = strsep(&at, " \t")); ) {
		if (!*word)
			continue;
		if (i == nr)
			return -EINVAL;
		err = kstrtouint(word, 10, &value[i]);
		if (err || value[i] < min || value[i] > max)
			return -EINVAL;
		i++;
	}
	return i ? 0 : -EINVAL;
}

/* Written to one tunable: take it over, and let the zones follow. */
static ssize_t mml_tunable_write(struct file *file, const char __user *buf, size_t len,
				 unsigned int *tunable, int nr, unsigned int min,
				 unsigned int max)
{
	struct seq_file *seq = file->private_data;
	struct mml_buddy *buddy = mml_buddy(seq->private);
	unsigned int value[MML_MAX_NR_ZONES];
	char text[MML_TUNABLE_SIZE];
	int err;

	/* Not under the lock: this may wait for whoever serves the page. */
	err = mml_copy_text(text, sizeof(text), buf, len);
	if (err)
		return err;
	mutex_lock(&buddy->sysctl_lock);
	memcpy(value, tunable, nr * sizeof(*value));
	err = mml_tunable_parse(text, value, nr, min, max);
	if (!err) {
		buddy->user_min_free_kbytes |= tunable == &buddy->min_free_kbytes;
		memcpy(tunable, value, nr * sizeof(*value));
		mml_setup_per_zone_wmarks(buddy);
		mml_setup_per_zone_lowmem_reserve(buddy);
	}
	mutex_unlock(&buddy->sysctl_lock);
	return err ?: len;
}

static int mml_tunable_show(struct seq_file *seq, const unsigned int *tunable, int nr)
{
	struct mml_buddy *buddy = mml_buddy(seq->private);
	int i;

	mutex_lock(&buddy->sysctl_lock);
	for (i = 0; i < nr; i++)
		seq_printf(seq, "%u%c", tunable[i], i + 1 < nr ? '\t' : '\n');
	mutex_unlock(&buddy->sysctl_lock);
	return 0;
}

/* The file @_name, of @_nr numbers from @_first on in struct mml_buddy. */
#define MML_TUNABLE(_name, _first, _nr, _min, _max)				\
static int mml_##_name##_show(struct seq_file *seq, void *unused)		\
{										\
	return mml_tunable_show(seq, &mml_buddy(seq->private)->_first, _nr);	\
}										\
										\
static int mml_##_name##_open(struct inode *inode, struct file *file)		\
{										\
	return single_open(file, mml_##_name##_show, inode->i_private);		\
}										\
										\
static ssize_t mml_##_name##_write(struct file *file, const char __user *buf,	\
				   size_t len, loff_t *pos)			\
{										\
	struct seq_file *seq = file->private_data;				\
	struct mml_buddy *buddy = mml_buddy(seq->private);			\
										\
	return mml_tunable_write(file, buf, len, &buddy->_first, _nr, _min,	\
				 _max);					\
}										\
										\
const struct file_operations mml_##_name##_fops = {				\
	.owner = THIS_MODULE,							\
	.open = mml_##_name##_open,						\
	.read = seq_read,							\
	.write = mml_##_name##_write,						\
	.llseek = seq_lseek,							\
	.release = single_release,						\
}

MML_TUNABLE(min_free_kbytes, min_free_kbytes, 1, 0,
	    min(buddy->machine->nr_present << (PAGE_SHIFT - 10), (unsigned long)INT_MAX));
MML_TUNABLE(watermark_scale_factor, watermark_scale_factor, 1, 1, MML_MAX_WATERMARK_SCALE);
MML_TUNABLE(watermark_boost_factor, watermark_boost_factor, 1, 0, INT_MAX);
MML_TUNABLE(lowmem_reserve_ratio, lowmem_reserve_ratio[0], MML_MAX_NR_ZONES, 0,
	    INT_MAX);
