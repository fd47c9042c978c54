// SPDX-License-Identifier: GPL-2.0
/*
 * mlock and its relatives: memory that is there, and stays.
 *
 * Locked is what has VM_LOCKED: all its pages are faulted in when it gets that, or, with
 * VM_LOCKONFAULT, when they are touched. Frames of the lab do not go away by themselves, but for
 * those that were given up by MADV_FREE or that nobody uses; what is locked refuses the former, and
 * what was given up before is so no more. What is left to do is to count.
 *
 * Kernel counterpart: mm/mlock.c. Difference: mlockall() is about this mm; what of its process is
 * not in the window is the kernel's.
 *
 * Locking: mmap_lock for writing; for reading where pages are faulted in.
 */
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>

#include "vma_probe/mm/internal.h"

/*
 * Fault in what is locked of [@start, @end), vma by vma. Context: process, sleeps. Returns: 0; as
 * mml_populate(), of the first that failed; with @ignore of the others all the same.
 */
static int __mml_populate_locked(struct mml_mm *mm, unsigned long start, unsigned long end,
				 bool ignore)
{
	unsigned long first = 0, last = 0, flags = 0;
	const struct mml_vma *vma;
	int err = 0;

	for (; start < end && !err; start = last) {
		if (down_read_killable(&mm->mmap_lock))
			return -EINTR;
		vma = mml_find_vma(mm, start);
		if (vma) {
			first = max(start, vma->vm_start);
			last = min(end, vma->vm_end);
			flags = vma->vm_flags;
		}
		up_read(&mm->mmap_lock);
		if (!vma || first >= end)
			break;
		if ((flags & VM_LOCKED_MASK) == VM_LOCKED)
			err = mml_populate(mm, first, last, mml_is_private_writable(flags), 0);
		if (ignore && err != -EINTR && err != -ENXIO)
			err = 0;
	}
	return err;
}

/* The same, as far as that goes. */
void mml_populate_locked(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	__mml_populate_locked(mm, start, end, true);
}

/* The errno of mlock(2) for one of mml_populate(). */
static int mml_mlock_posix_error(int err)
{
	switch (err) {
	case -ENOBUFS:
		return -EAGAIN;
	case -EFAULT:
		return -ENOMEM;
	default:
		return err;
	}
}

static int mml_mlock_fixup(struct mml_vma *vma, unsigned long start, unsigned long end,
			   unsigned long lock_flags)
{
	struct mml_mm *mm = vma->vm_mm;
	int err;

	err = mml_vma_modify_flags(mm, start, end, (vma->vm_flags & ~VM_LOCKED_MASK) | lock_flags);
	if (!err && lock_flags)
		mml_unlazyfree_range(mm, start, end);
	return err;
}

/* As the kernel: what comes before a hole is changed, then -ENOMEM. */
static int mml_apply_vma_lock_flags(struct mml_mm *mm, unsigned long start, unsigned long end,
				    unsigned long lock_flags)
{
	unsigned long addr, next;
	int err = 0;

	for (addr = start; addr < end && !err; addr = next) {
		struct mml_vma *vma = mml_vma_lookup(mm, addr);

		if (!vma)
			return -ENOMEM;
		next = min(vma->vm_end, end);
		err = mml_mlock_fixup(vma, addr, next, lock_flags);
	}
	return err;
}

/* How many pages of [@start, @end) are locked. */
static unsigned long mml_count_locked(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	MA_STATE(mas, &mm->mt, start, start);
	unsigned long count = 0;
	struct mml_vma *vma;

	mas_for_each(&mas, vma, end - 1)
		if (vma->vm_flags & VM_LOCKED)
			count += min(end, vma->vm_end) - max(start, vma->vm_start);
	return count >> PAGE_SHIFT;
}

/* Would it be too much if all of [@start, @end) was locked? */
static bool mml_mlock_too_much(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	unsigned long pages = (end - start) >> PAGE_SHIFT;

	return !mml_mlock_future_ok(mm, VM_LOCKED, pages) &&
	       !mml_mlock_future_ok(mm, VM_LOCKED, pages - mml_count_locked(mm, start, end));
}

/* Begin a call on what has any byte of [*@start, *@start + @len): in whole pages, to *@end. */
static int mml_mlock_begin(struct mml_mm *mm, unsigned long *start, unsigned long len,
			   unsigned long *end)
{
	len = PAGE_ALIGN(len + offset_in_page(*start));
	*start &= PAGE_MASK;
	*end = *start + len;
	return mml_mmap_write_lock(mm);
}

/* And of the range itself. Returns: 0, if there is anything to be done; 1: nothing; an errno. */
static int mml_mlock_range(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 1;
	return mml_in_range(mm, start, end - start) ? 0 : -ENOMEM;
}

/**
 * mml_mlock2 - mlock2(2)
 * @mm: the mm
 * @addr: start, anywhere in a page
 * @len: bytes; all pages that have any of them
 * @flags: MLOCK_ONFAULT, or 0
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -EPERM: it may lock nothing; -ENOMEM: more than it may lock; a hole in the
 * range, after what comes before it was locked; what nobody may access; no memory for a vma;
 * -EAGAIN: no frame, it is locked all the same; -ENXIO: no window; -EINTR: killed.
 */
int mml_mlock2(struct mml_mm *mm, unsigned long addr, unsigned long len, unsigned long flags)
{
	unsigned long end;
	int err;

	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	if (!mml_can_do_mlock())
		return -EPERM;
	err = mml_mlock_begin(mm, &addr, len, &end);
	if (err)
		return err;
	if (mml_mlock_too_much(mm, addr, end))
		err = -ENOMEM;
	else
		err = mml_mlock_range(mm, addr, end);
	if (!err)
		err = mml_apply_vma_lock_flags(mm, addr, end, VM_LOCKED |
					       (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0));
	up_write(&mm->mmap_lock);
	if (err)
		return err < 0 ? err : 0;
	return mml_mlock_posix_error(__mml_populate_locked(mm, addr, end, false));
}
EXPORT_SYMBOL_NS_GPL(mml_mlock2, MM_LAB);

/**
 * mml_munlock - munlock(2)
 * @mm: the mm
 * @addr: start, anywhere in a page
 * @len: bytes; all pages that have any of them
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -ENOMEM: a hole in the range, after what comes before it was unlocked, or
 * no memory for a vma; -ENXIO: no window; -EINTR: killed.
 */
int mml_munlock(struct mml_mm *mm, unsigned long addr, unsigned long len)
{
	unsigned long end;
	int err;

	err = mml_mlock_begin(mm, &addr, len, &end);
	if (err)
		return err;
	err = mml_mlock_range(mm, addr, end);
	if (!err)
		err = mml_apply_vma_lock_flags(mm, addr, end, 0);
	up_write(&mm->mmap_lock);
	return err < 0 ? err : 0;
}
EXPORT_SYMBOL_NS_GPL(mml_munlock, MM_LAB);

/* All vmas there are, as far as that goes. */
static void mml_apply_lock_flags_all(struct mml_mm *mm, unsigned long lock_flags)
{
	unsigned long addr = mm->start;
	struct mml_vma *vma;

	while ((vma = mml_find_vma(mm, addr))) {
		addr = vma->vm_end;
		mml_mlock_fixup(vma, vma->vm_start, vma->vm_end, lock_flags);
		cond_resched();
	}
}

/**
 * mml_mlockall - mlockall(2)
 * @mm: the mm
 * @flags: MCL_*
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -EPERM: it may lock nothing; -ENOMEM: there is more than it may lock;
 * -ENXIO: no window; -EINTR: killed.
 */
int mml_mlockall(struct mml_mm *mm, unsigned long flags)
{
	unsigned long lock_flags = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	int err;

	if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!mml_can_do_mlock())
		return -EPERM;
	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	if (flags & MCL_CURRENT && mm->total_vm > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT &&
	    !capable(CAP_IPC_LOCK))
		err = -ENOMEM;
	if (!err) {
		mm->def_flags = flags & MCL_FUTURE ? lock_flags : 0;
		if (flags & MCL_CURRENT)
			mml_apply_lock_flags_all(mm, lock_flags);
	}
	up_write(&mm->mmap_lock);
	if (!err && flags & MCL_CURRENT)
		mml_populate_locked(mm, mm->start, mm->end);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_mlockall, MM_LAB);

/**
 * mml_munlockall - munlockall(2)
 * @mm: the mm
 *
 * Context: process, may sleep.
 * Return: 0; -ENXIO: no window; -EINTR: killed.
 */
int mml_munlockall(struct mml_mm *mm)
{
	int err = mml_mmap_write_lock(mm);

	if (err)
		return err;
	mm->def_flags = 0;
	mml_apply_lock_flags_all(mm, 0);
	up_write(&mm->mmap_lock);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_munlockall, MM_LAB);
