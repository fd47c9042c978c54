// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that grows: the heap, by brk(), upwards from the bottom of the window; and what was
 * mapped with MAP_GROWSDOWN, downwards, by being touched below its beginning.
 *
 *	start        start_brk                                                end
 *	|............|heap-->              <--stack|.......<--mmap|mapped|mapped|
 *	                          |<- gap ->|
 *
 * Below what grows down nothing is put, as far as the gap reaches, by who does not insist on the
 * place; and it does not grow to within the gap of what is there.
 *
 * Kernel counterpart: brk() in mm/mmap.c, expand_stack() and acct_stack_growth(). Differences:
 * start_brk is the beginning of the window. A fault below a stack takes mmap_lock for writing, so
 * that nothing grows while others fault.
 *
 * Locking: mmap_lock for writing.
 */
#include <linux/sched/signal.h>

#include "vma_probe/mm/internal.h"

/* stack_guard_gap, which is not exported, by default. */
#define MML_STACK_GUARD_GAP	(256UL << PAGE_SHIFT)

/* Where @vma begins, with the gap that has to stay free below it. */
unsigned long mml_vm_start_gap(const struct mml_vma *vma)
{
	unsigned long gap = vma->vm_flags & VM_GROWSDOWN ? MML_STACK_GUARD_GAP : 0;

	return vma->vm_start > gap ? vma->vm_start - gap : 0;
}

/*
 * The heap.
 */

/* Returns: 0 or an errno. */
static int mml_brk_shrink(struct mml_mm *mm, unsigned long newbrk, unsigned long oldbrk)
{
	const struct mml_vma *vma = mml_find_vma(mm, newbrk);

	return !vma || vma->vm_start >= oldbrk ? -ENOMEM :
		mml_unmap_locked(mm, newbrk, oldbrk, NULL);
}

/* Returns: 0 or an errno. */
static int mml_brk_grow(struct mml_mm *mm, unsigned long oldbrk, unsigned long newbrk)
{
	unsigned long flags = VM_READ | VM_WRITE | VM_ACCOUNT | mm->def_flags;
	unsigned long pages = (newbrk - oldbrk) >> PAGE_SHIFT;
	const struct mml_vma *next = mml_find_vma(mm, oldbrk);

	if (!mml_in_range(mm, oldbrk, newbrk - oldbrk) ||
	    (next && newbrk + PAGE_SIZE > mml_vm_start_gap(next)) ||
	    !mml_mlock_future_ok(mm, flags, pages) || !mml_may_expand_vm(mm, flags, pages) ||
	    !mml_map_count_ok(mm, 0) || !mml_enough_memory(mm, pages))
		return -ENOMEM;
	return mml_map_new(mm, oldbrk, newbrk, flags, NULL);
}

/* Returns: 0 or an errno. */
static int mml_brk_move(struct mml_mm *mm, unsigned long brk)
{
	unsigned long newbrk = PAGE_ALIGN(brk), oldbrk = PAGE_ALIGN(mm->brk);
	unsigned long limit = rlimit(RLIMIT_DATA);
	int err = 0;

	if (brk < mm->start_brk || brk > mm->end)
		return -EINVAL;
	if (limit < RLIM_INFINITY && brk - mm->start_brk > limit)
		return -ENOMEM;
	if (newbrk < oldbrk)
		err = mml_brk_shrink(mm, newbrk, oldbrk);
	else if (newbrk > oldbrk)
		err = mml_brk_grow(mm, oldbrk, newbrk);
	if (!err)
		mm->brk = brk;
	return err;
}

/**
 * mml_brk - brk(2), the system call
 * @mm: the mm
 * @brk: where the heap is to end
 *
 * Context: process, may sleep.
 * Return: where it ends now: if that is not @brk, it could not be done. 0: no window, or killed.
 */
unsigned long mml_brk(struct mml_mm *mm, unsigned long brk)
{
	unsigned long oldbrk, populate = 0;

	if (mml_mmap_write_lock(mm))
		return 0;
	oldbrk = mm->brk;
	if (!mml_brk_move(mm, brk) && mm->def_flags & VM_LOCKED)
		populate = PAGE_ALIGN(brk);
	brk = mm->brk;
	up_write(&mm->mmap_lock);
	if (populate > PAGE_ALIGN(oldbrk))
		mml_populate_locked(mm, PAGE_ALIGN(oldbrk), populate);
	return brk;
}
EXPORT_SYMBOL_NS_GPL(mml_brk, MM_LAB);

/*
 * What grows down.
 */

/* May @vma have @pages more, and then be @size bytes? */
static bool mml_acct_stack_growth(const struct mml_vma *vma, unsigned long size,
				  unsigned long pages)
{
	const struct mml_mm *mm = vma->vm_mm;

	return mml_may_expand_vm(mm, vma->vm_flags, pages) && size <= rlimit(RLIMIT_STACK) &&
	       mml_mlock_future_ok(mm, vma->vm_flags, pages) && mml_enough_memory(mm, pages);
}

/* Let @vma, which is the next above @addr, begin there. Returns: 0 or an errno. */
static int mml_expand_downwards(struct mml_vma *vma, unsigned long addr)
{
	unsigned long pages = (vma->vm_start - addr) >> PAGE_SHIFT;
	struct mml_mm *mm = vma->vm_mm;
	const struct mml_vma *prev = mml_vma_prev(mm, addr);

	if (!(vma->vm_flags & VM_GROWSDOWN))
		return -EFAULT;
	if (prev && !(prev->vm_flags & VM_GROWSDOWN) &&
	    prev->vm_flags & (VM_READ | VM_WRITE | VM_EXEC) &&
	    addr - prev->vm_end < MML_STACK_GUARD_GAP)
		return -ENOMEM;
	if (mml_anon_vma_prepare(vma) || pages > vma->vm_pgoff ||
	    !mml_acct_stack_growth(vma, vma->vm_end - addr, pages))
		return -ENOMEM;
	return mml_vma_expand_down(mm, vma, addr);
}

/**
 * mml_expand_stack - let what grows down reach to an address
 * @mm: the mm
 * @addr: of a page where nothing is mapped
 *
 * Context: process, may sleep. mmap_lock is held for writing.
 * Return: the vma that has it now; NULL: there is none.
 */
struct mml_vma *mml_expand_stack(struct mml_mm *mm, unsigned long addr)
{
	struct mml_vma *vma = mml_find_vma(mm, addr);

	lockdep_assert_held_write(&mm->mmap_lock);

	if (!vma || vma->vm_start <= addr)
		return vma;
	return addr >= mm->start && !mml_expand_downwards(vma, addr) ? vma : NULL;
}
