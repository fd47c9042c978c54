// SPDX-License-Identifier: GPL-2.0
/*
 * fork: the child's address space, copied at once.
 *
 * Kernel counterpart: dup_mmap() in kernel/fork.c, copy_page_range() in mm/memory.c.
 * Difference: every mapped frame is copied here and now; there is no copy-on-write
 * yet. The caller has revoked the parent's real entries before, and keeps the parent
 * from faulting, so that what is copied is one moment.
 *
 * Locking: the parent's mmap_lock for writing, then the child's, which nobody else
 * knows yet. No frame is allocated under a table mutex: the parent's PTE is read
 * under it, and stays, for who could clear it holds mmap_lock.
 */
#include "vma_probe/mm/internal.h"

/*
 * Fork happens under the mmap_lock of two processes: frames of the lab are there or
 * not. (The kernel's own memory it may wait for, as dup_mmap() does.)
 */
#define MML_GFP_FORK	(GFP_NOWAIT | __GFP_NOWARN)

static int mml_copy_pte(struct mml_mm *mm, struct mml_mm *oldmm,
			unsigned long addr, mml_pte_t old)
{
	struct mml_ptdesc *table;
	struct mml_page *page;

	table = mml_pte_alloc(mm, addr, MML_GFP_FORK);
	if (!table)
		return -ENOMEM;
	page = mml_anon_page(mm, addr, MML_GFP_FORK);
	if (!page)
		return -ENOMEM;
	copy_page(mml_page_address(mm->machine, page),
		  mml_page_address(oldmm->machine, mml_pte_page(oldmm, old)));
	atomic_set(&page->_mapcount, 1);
	atomic_long_inc(&mm->anon_rss);

	old.val &= ~MML_PTE_PFN_MASK;
	mutex_lock(&table->lock);
	mml_set_pte(mm, table, addr, mml_mk_pte(mm, page, old.val));
	mutex_unlock(&table->lock);
	return 0;
}

static int mml_copy_page_range(struct mml_mm *mm, struct mml_mm *oldmm,
			       unsigned long start, unsigned long end)
{
	unsigned long addr = start;
	int err;

	while (mml_pte_next(oldmm, &addr, end)) {
		unsigned long next = mml_table_end(addr, end);

		for (; addr < next; addr += PAGE_SIZE) {
			mml_pte_t pte = mml_pte_get(oldmm, addr);

			err = mml_pte_present(pte) ?
				mml_copy_pte(mm, oldmm, addr, pte) : 0;
			if (err)
				return err;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int mml_dup_vma(struct mml_mm *mm, struct mml_mm *oldmm,
		       const struct mml_vma *old)
{
	struct mml_vma *vma;
	LIST_HEAD(none);
	int err;

	vma = mml_vma_alloc(mm, old->vm_start, old->vm_end, old->vm_flags,
			    GFP_KERNEL_ACCOUNT);
	if (!vma)
		return -ENOMEM;
	vma->vm_pgoff = old->vm_pgoff;
	err = old->vm_flags & VM_WIPEONFORK ? 0 : mml_anon_vma_fork(mm, vma, old);
	if (!err)
		err = mml_vma_replace(mm, vma->vm_start, vma->vm_end, vma, &none,
				      GFP_KERNEL_ACCOUNT);
	if (err) {
		mml_vma_free(vma);
		return err;
	}
	if (old->vm_flags & VM_WIPEONFORK)
		return 0;
	return mml_copy_page_range(mm, oldmm, old->vm_start, old->vm_end);
}

/**
 * mml_dup_mmap - make a fresh mm the copy of another
 * @mm: fresh from mml_mm_init(); it gets the other's range too
 * @oldmm: the parent's; its real entries are revoked, and it does not fault meanwhile
 *
 * Context: process, may sleep. Lab memory is not waited for.
 * Return: 0; -ENOMEM; -EINTR: killed. What was copied is then to be given back by
 * mml_exit_mmap().
 */
int mml_dup_mmap(struct mml_mm *mm, struct mml_mm *oldmm)
{
	MA_STATE(mas, &oldmm->mt, 0, 0);
	struct mml_vma *vma;
	int err = 0;

	down_write(&oldmm->mmap_lock);
	down_write_nested(&mm->mmap_lock, SINGLE_DEPTH_NESTING);
	mm->start = oldmm->start;
	mm->end = oldmm->end;
	mm->forked = true;
	mas_for_each(&mas, vma, ULONG_MAX) {
		if (vma->vm_flags & VM_DONTCOPY)
			continue;
		err = mml_dup_vma(mm, oldmm, vma);
		if (err)
			break;
	}
	up_write(&mm->mmap_lock);
	up_write(&oldmm->mmap_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_dup_mmap, MM_LAB);
