// SPDX-License-Identifier: GPL-2.0
/*
 * What may be had, before there is any of it: the limits of a process, and of the machine.
 *
 *	RLIMIT_AS		total_vm
 *	RLIMIT_DATA		data_vm
 *	RLIMIT_MEMLOCK		locked_vm, but for who has CAP_IPC_LOCK
 *	RLIMIT_STACK		a vma that grows down (brk.c)
 *	max_map_count		vmas
 *	overcommit_memory	what all mms of the machine could write to, committed
 *
 * Each vma counts for what its flags say, in mml_vm_account() and nowhere else. The last two are
 * files of the machine, and mean what the kernel's sysctls of their names do.
 *
 * Kernel counterpart: may_expand_vm() and vm_stat_account() in mm/mmap.c, mlock_future_ok(),
 * __vm_enough_memory() in mm/util.c. Differences: what is committed is looked at first and
 * counted when the vma is there, so that two who come together may both get the last of it;
 * nothing is reserved for root or for who wants to recover, for the host is not the machine.
 *
 * Invariants, checked by mml_mm_validate(): each count == the sum over the vmas.
 *
 * Locking: mmap_lock, for writing to count.
 */
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>

#include "vma_probe/mm/internal.h"

/**
 * mml_mm_common_init - what all mms of a machine have in common, with limits as the kernel's
 * @common: all zeroes
 *
 * Context: any.
 */
void mml_mm_common_init(struct mml_mm_common *common)
{
	common->overcommit_memory = OVERCOMMIT_GUESS;
	common->overcommit_ratio = 50;
	common->max_map_count = DEFAULT_MAX_MAP_COUNT;
}
EXPORT_SYMBOL_NS_GPL(mml_mm_common_init, MM_LAB);

static bool mml_is_exec_mapping(unsigned long vm_flags)
{
	return (vm_flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC;
}

static bool mml_is_data_mapping(unsigned long vm_flags)
{
	return (vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* Count @pages more of vmas that have @vm_flags. */
void mml_vm_account(struct mml_mm *mm, unsigned long vm_flags, long pages)
{
	lockdep_assert_held_write(&mm->mmap_lock);

	mm->total_vm += pages;
	if (mml_is_exec_mapping(vm_flags))
		mm->exec_vm += pages;
	else if (vm_flags & VM_GROWSDOWN)
		mm->stack_vm += pages;
	else if (mml_is_data_mapping(vm_flags))
		mm->data_vm += pages;
	if (vm_flags & VM_LOCKED)
		mm->locked_vm += pages;
	if (vm_flags & VM_ACCOUNT) {
		mm->committed_vm += pages;
		atomic_long_add(pages, &mm->common->nr_committed);
	}
}

/**
 * mml_commit_limit - how many pages can be committed with OVERCOMMIT_NEVER
 * @common: the settings
 * @machine: the machine
 *
 * Context: any.
 * Return: pages.
 */
unsigned long mml_commit_limit(const struct mml_mm_common *common,
			       const struct mml_machine *machine)
{
	unsigned long kbytes = READ_ONCE(common->overcommit_kbytes);

	if (kbytes)
		return kbytes >> (PAGE_SHIFT - 10);
	return machine->nr_present * READ_ONCE(common->overcommit_ratio) / 100;
}
EXPORT_SYMBOL_NS_GPL(mml_commit_limit, MM_LAB);

/* May @pages more be written to? */
bool mml_enough_memory(const struct mml_mm *mm, long pages)
{
	const struct mml_mm_common *common = mm->common;
	long committed;

	switch (READ_ONCE(common->overcommit_memory)) {
	case OVERCOMMIT_ALWAYS:
		return true;
	case OVERCOMMIT_GUESS:
		return pages <= (long)mm->machine->nr_present;
	default:
		committed = atomic_long_read(&common->nr_committed);
		/* Not their sum: a mapping may be larger than what a long can be. */
		return pages < (long)mml_commit_limit(common, mm->machine) - committed;
	}
}

/* May the mm have @pages more in vmas with @vm_flags? */
bool mml_may_expand_vm(const struct mml_mm *mm, unsigned long vm_flags, unsigned long pages)
{
	unsigned long data = rlimit(RLIMIT_DATA);

	if (mm->total_vm + pages > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return false;
	if (!mml_is_data_mapping(vm_flags))
		return true;
	/* As the kernel, for valgrind's sake. */
	if (!data)
		data = rlimit_max(RLIMIT_DATA);
	return mm->data_vm + pages <= data >> PAGE_SHIFT;
}

/* May this process lock memory at all? */
bool mml_can_do_mlock(void)
{
	return rlimit(RLIMIT_MEMLOCK) || capable(CAP_IPC_LOCK);
}

/* May @pages more be locked, if @vm_flags say that they would be? */
bool mml_mlock_future_ok(const struct mml_mm *mm, unsigned long vm_flags, unsigned long pages)
{
	return !(vm_flags & VM_LOCKED) ||
	       mm->locked_vm + pages <= rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT ||
	       capable(CAP_IPC_LOCK);
}

/* Would there be at most max_map_count vmas, with @more of them? */
bool mml_map_count_ok(const struct mml_mm *mm, unsigned int more)
{
	return mm->map_count + more <= READ_ONCE(mm->common->max_map_count);
}
