// SPDX-License-Identifier: GPL-2.0
/*
 * madvise: what a program says about its memory.
 *
 *	NORMAL, RANDOM, SEQUENTIAL, (NO)HUGEPAGE, (UN)MERGEABLE, DONTFORK, DOFORK, WIPEONFORK,
 *	KEEPONFORK, DONTDUMP, DODUMP	flags of vmas, which split and merge by them; fork goes
 *					by its own, the others are only kept
 *	DONTNEED, DONTNEED_LOCKED	frames go back
 *	FREE				frames may go back when memory is short, until they are
 *					written
 *	POPULATE_READ, POPULATE_WRITE	every page is faulted in
 *	WILLNEED, COLD, PAGEOUT		nothing, for there is no reclaim yet
 *	REMOVE				frames of shared memory go back, from all that map them
 *
 * Shared memory refuses FREE and WIPEONFORK, and does not care for (UN)MERGEABLE.
 * Locked memory refuses DONTNEED, FREE, COLD and PAGEOUT.
 *
 * Kernel counterpart: mm/madvise.c. As there, a hole in the range does not keep what else is
 * in it from being advised; it is told afterwards. Difference: advices that are not
 * above are unknown.
 *
 * Locking: mmap_lock for writing; for reading where pages are faulted in.
 */
#include <linux/mman.h>

#include "vma_probe/mm/internal.h"

/* Advices that are flags of vmas: these go, and those come. */
static const struct mml_advice_flags {
	int advice;
	unsigned long clear;
	unsigned long set;
} mml_advice_flags[] = {
	{ MADV_NORMAL, VM_RAND_READ | VM_SEQ_READ, 0 },
	{ MADV_RANDOM, VM_SEQ_READ, VM_RAND_READ },
	{ MADV_SEQUENTIAL, VM_RAND_READ, VM_SEQ_READ },
	{ MADV_DONTFORK, 0, VM_DONTCOPY },
	{ MADV_DOFORK, VM_DONTCOPY, 0 },
	{ MADV_WIPEONFORK, 0, VM_WIPEONFORK },
	{ MADV_KEEPONFORK, VM_WIPEONFORK, 0 },
	{ MADV_DONTDUMP, 0, VM_DONTDUMP },
	{ MADV_DODUMP, VM_DONTDUMP, 0 },
	{ MADV_MERGEABLE, 0, VM_MERGEABLE },
	{ MADV_UNMERGEABLE, VM_MERGEABLE, 0 },
	{ MADV_HUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE },
	{ MADV_NOHUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE },
};

static const struct mml_advice_flags *mml_find_advice_flags(int advice)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mml_advice_flags); i++)
		if (mml_advice_flags[i].advice == advice)
			return &mml_advice_flags[i];
	return NULL;
}

/* Does the lab know @advice? */
static bool mml_madvise_behavior_valid(int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
	case MADV_WILLNEED:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_REMOVE:
		return true;
	default:
		return mml_find_advice_flags(advice);
	}
}

/* Does @advice give frames back, now or perhaps later? */
static bool mml_madvise_frees(int advice)
{
	return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE;
}

/* Give back what shared memory has there, for all that map it. */
static int mml_madvise_remove(struct mml_vma *vma, unsigned long start, unsigned long end)
{
	if (vma->vm_flags & VM_LOCKED || !vma->shmem)
		return -EINVAL;
	mml_shmem_remove_pages(vma->shmem, mml_linear_page_index(vma, start),
			       mml_linear_page_index(vma, end) - 1);
	return 0;
}

/* Is @advice not for locked memory? */
static bool mml_madvise_needs_unlocked(int advice)
{
	return advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_COLD ||
	       advice == MADV_PAGEOUT;
}

/* What lies in one vma. Returns: 0 or an errno. */
static int mml_madvise_vma_behavior(struct mml_vma *vma, unsigned long start,
				    unsigned long end, int advice)
{
	const struct mml_advice_flags *flags = mml_find_advice_flags(advice);

	if (flags) {
		if (vma->shmem && advice == MADV_WIPEONFORK)
			return -EINVAL;
		if (vma->shmem && (flags->set | flags->clear) & VM_MERGEABLE)
			return 0;
		/* ENOMEM would be a hole. */
		return mml_vma_modify_flags(vma->vm_mm, start, end,
					    (vma->vm_flags & ~flags->clear) | flags->set) ?
			-EAGAIN : 0;
	}
	if (vma->vm_flags & VM_LOCKED && mml_madvise_needs_unlocked(advice))
		return -EINVAL;
	if (vma->shmem && advice == MADV_FREE)
		return -EINVAL;
	if (advice == MADV_REMOVE)
		return mml_madvise_remove(vma, start, end);
	if (advice == MADV_FREE)
		mml_lazyfree_range(vma->vm_mm, start, end);
	else if (mml_madvise_frees(advice))
		mml_zap_range(vma->vm_mm, start, end);
	return 0;
}

/* Each vma of the range. Returns: 0; an errno, and the rest was not advised; -ENOMEM. */
static int mml_madvise_walk_vmas(struct mml_mm *mm, unsigned long start, unsigned long end,
				 int advice)
{
	unsigned long addr = start, next;
	int unmapped_error = 0, err = 0;

	if (mml_madvise_frees(advice))
		mml_flush_tlb_range(mm, start, end);
	while (addr < end && !err) {
		struct mml_vma *vma = mml_find_vma(mm, addr);

		if (!vma || vma->vm_start > addr)
			unmapped_error = -ENOMEM;
		if (!vma || vma->vm_start >= end)
			break;
		addr = max(addr, vma->vm_start);
		next = min(vma->vm_end, end);
		err = mml_madvise_vma_behavior(vma, addr, next, advice);
		addr = next;
	}
	return err ?: unmapped_error;
}

/**
 * mml_madvise - madvise(2)
 * @mm: the mm
 * @addr: start
 * @len: bytes, rounded up to pages
 * @advice: MADV_*, see the head of this file
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -ENOMEM: a hole in the range, as the kernel after doing the rest, or no
 * frame to populate it; -EAGAIN: no memory for a vma, and the rest was not advised; -EFAULT:
 * the mm is gone; -ENXIO: no window; -EINTR: killed.
 */
int mml_madvise(struct mml_mm *mm, unsigned long addr, unsigned long len, int advice)
{
	unsigned long aligned = PAGE_ALIGN(len);
	bool write = advice == MADV_POPULATE_WRITE;
	int err;

	if (!mml_madvise_behavior_valid(advice) || !PAGE_ALIGNED(addr) || (len && !aligned) ||
	    addr + aligned < addr)
		return -EINVAL;
	if (!len)
		return 0;
	if (write || advice == MADV_POPULATE_READ) {
		err = mml_populate(mm, addr, addr + aligned, write, write ? VM_WRITE : VM_READ);
		return err == -ENOBUFS ? -ENOMEM : err;
	}
	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	err = mml_in_range(mm, addr, aligned) ?
		mml_madvise_walk_vmas(mm, addr, addr + aligned, advice) : -ENOMEM;
	up_write(&mm->mmap_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_madvise, MM_LAB);
