// SPDX-License-Identifier: GPL-2.0
/*
 * A planted bug: what a machine does when the lab itself is wrong, without a bug.
 *
 * Root writes N to debugfs mm_lab/<machine>/plant_bug, and the N-th allocation of a
 * frame from then on is where mml_bug() would have found a corrupt free list: the
 * machine is marked broken and the allocation fails. The one difference is that nothing
 * warns, for a kernel may be told to panic on a warning. Nothing is corrupted; the
 * allocator's state is what it was. 0 takes a bug back that has not come yet.
 *
 * Kernel counterpart: drivers/misc/lkdtm/, which plants real ones.
 *
 * Locking: none; the count is atomic.
 */
#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "mm_lab/debugfs.h"
#include "mm_lab/machine.h"

/**
 * mml_bug_comes - is this allocation where the planted bug is found?
 * @machine: the machine; asked only where machine->slow is not 0
 *
 * Context: any.
 * Return: true once: the machine is broken now, and the allocation has to fail.
 */
bool mml_bug_comes(struct mml_machine *machine)
{
	if (likely(!test_bit(MML_SLOW_PLANTED, &machine->slow)) ||
	    atomic_long_dec_if_positive(&machine->planted))
		return false;
	clear_bit(MML_SLOW_PLANTED, &machine->slow);
	mml_mark_broken(machine, "the bug that plant_bug planted");
	return true;
}
EXPORT_SYMBOL_NS_GPL(mml_bug_comes, MM_LAB);

static ssize_t mml_plant_write(struct file *file, const char __user *text,
			       size_t length, loff_t *pos)
{
	struct mml_machine *machine = file->private_data;
	unsigned int nth;
	int err = kstrtouint_from_user(text, length, 0, &nth);

	if (err)
		return err;
	atomic_long_set(&machine->planted, nth);
	if (nth)
		set_bit(MML_SLOW_PLANTED, &machine->slow);
	else
		clear_bit(MML_SLOW_PLANTED, &machine->slow);
	return length;
}

const struct file_operations mml_plant_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = mml_plant_write,
};

/**
 * mml_word_from_user - the word that is written to a file that plants what it says
 * @word: where it goes, without what is no part of it at its end
 * @size: of @word, in bytes
 * @buf: what is written
 * @len: of that, in bytes
 *
 * Context: process.
 * Return: 0; -EINVAL if it is longer; -EFAULT.
 */
int mml_word_from_user(char *word, size_t size, const char __user *buf, size_t len)
{
	if (len >= size)
		return -EINVAL;
	if (copy_from_user(word, buf, len))
		return -EFAULT;
	word[len] = '\0';
	strim(word);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_word_from_user, MM_LAB);
