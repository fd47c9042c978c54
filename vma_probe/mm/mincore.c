// SPDX-License-Identifier: GPL-2.0
/*
 * mincore and msync: what is resident, and what would have to be written back.
 *
 *	mincore		a page is resident if it has a frame that was asked for, or maps the zero
 *			page; of shared memory, if there is a frame, whoever asked for it. What only came along (around.c) is not; so CPUs are asked first
 *	msync		there are no files, so there is nothing to do but to find the holes
 *
 * Kernel counterpart: mm/mincore.c, mm/msync.c.
 *
 * Locking: mmap_lock for reading; of mincore for writing at first, while CPUs are asked.
 */
#include <linux/mman.h>

#include "vma_probe/mm/internal.h"

/* A byte a page of [@addr, @end), all in one vma. */
static void mml_mincore_vma(struct mml_mm *mm, unsigned long addr, unsigned long end, u8 *vec)
{
	unsigned long start = addr, next;
	struct mml_ptdesc *table;

	memset(vec, 0, (end - addr) >> PAGE_SHIFT);
	for (; (table = mml_pte_next(mm, &addr, end)); addr = next) {
		next = mml_table_end(addr, end);
		mutex_lock(&table->lock);
		for (; addr < next; addr += PAGE_SIZE) {
			mml_pte_t pte = *mml_entry(mm, table, addr);

			vec[(addr - start) >> PAGE_SHIFT] = mml_pte_present(pte) &&
							    !mml_pte_around(pte);
		}
		mutex_unlock(&table->lock);
	}
}

static void mml_mincore_shared(const struct mml_vma *vma, unsigned long addr, unsigned long end,
			       u8 *vec)
{
	for (; addr < end; addr += PAGE_SIZE)
		*vec++ = mml_shmem_resident(vma->shmem, mml_linear_page_index(vma, addr));
}

/**
 * mml_mincore - which pages are resident
 * @mm: the mm
 * @addr: of the first, a multiple of the page size
 * @pages: how many
 * @vec: out: 1 or 0 for each
 *
 * Context: process, may sleep.
 * Return: of how many, to the end of their vma at most; -ENOMEM: nothing is mapped at @addr;
 * -ENXIO: no window; -EINTR: killed.
 */
long mml_mincore(struct mml_mm *mm, unsigned long addr, unsigned long pages, u8 *vec)
{
	struct mml_vma *vma;
	unsigned long end;

	int err = mml_mmap_write_lock(mm);

	if (err)
		return err;
	vma = mml_vma_lookup(mm, addr);
	if (!vma) {
		up_write(&mm->mmap_lock);
		return -ENOMEM;
	}
	pages = min(pages, (vma->vm_end - addr) >> PAGE_SHIFT);
	end = addr + pages * PAGE_SIZE;
	if (atomic_long_read(&mm->nr_around))
		mml_harvest(mm, addr, end, MML_HARVEST_LOOK);
	downgrade_write(&mm->mmap_lock);
	if (vma->shmem)
		mml_mincore_shared(vma, addr, end, vec);
	else
		mml_mincore_vma(mm, addr, end, vec);
	up_read(&mm->mmap_lock);
	return pages;
}
EXPORT_SYMBOL_NS_GPL(mml_mincore, MM_LAB);

/**
 * mml_msync - msync(2)
 * @mm: the mm
 * @addr: start
 * @len: bytes, rounded up to pages
 * @flags: MS_*
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -EBUSY: locked memory is to be invalidated; -ENOMEM: a hole in the range;
 * -ENXIO: no window; -EINTR: killed.
 */
int mml_msync(struct mml_mm *mm, unsigned long addr, unsigned long len, unsigned long flags)
{
	unsigned long end = addr + PAGE_ALIGN(len);
	const struct mml_vma *vma;
	int err = 0, hole = 0;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || !PAGE_ALIGNED(addr) ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	if (down_read_killable(&mm->mmap_lock))
		return -EINTR;
	if (!mm->end || mm->dead)
		err = -ENXIO;
	while (addr < end && !err) {
		vma = mml_find_vma(mm, addr);
		if (!vma || vma->vm_start > addr)
			hole = -ENOMEM;
		if (!vma || vma->vm_start >= end || (hole && flags == MS_ASYNC))
			break;
		if (flags & MS_INVALIDATE && vma->vm_flags & VM_LOCKED)
			err = -EBUSY;
		addr = vma->vm_end;
	}
	up_read(&mm->mmap_lock);
	return err ?: hole;
}
EXPORT_SYMBOL_NS_GPL(mml_msync, MM_LAB);
