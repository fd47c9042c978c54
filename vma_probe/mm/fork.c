// SPDX-License-Identifier: GPL-2.0
/*
 * fork: the child's address space. It maps the parent's frames, and neither may write to them
 * any more: who does gets a copy (fault.c).
 *
 *	before		parent: PTE, may write --> frame, 1 entry, 1 reference
 *	after		parent: PTE, may not ----> frame, 2 entries, 2 references
 *			child:  PTE, may not ------^
 *
 * Kernel counterpart: dup_mmap() in kernel/fork.c, copy_page_range() in mm/memory.c. As there,
 * a vma of which nothing was written is not copied: the child's reads find the zero page by
 * themselves. Differences: the parent's real entries are revoked before, all of them, where the
 * kernel takes the right to write from each; what fault-around mapped and nobody has used
 * (around.c) was taken back then.
 *
 * Locking: the parent's mmap_lock for writing, then the child's, which nobody else knows yet;
 * the parent's table mutex, then the child's. The caller has called mml_fork_prepare(), and
 * keeps the parent's process from faulting.
 */
#include "vma_probe/mm/internal.h"

/*
 * Fork happens under the mmap_lock of two processes: frames of the lab are there or
 * not. (The kernel's own memory it may wait for, as dup_mmap() does.)
 */
#define MML_GFP_FORK	(GFP_NOWAIT | __GFP_NOWARN)

/*
 * Let [@addr, @end) of the child's table be what it is in the parent's; neither may write. The
 * child's is empty there.
 */
static void mml_copy_ptes(struct mml_mm *mm, struct mml_ptdesc *table,
			  struct mml_mm *oldmm, struct mml_ptdesc *old_table,
			  unsigned long addr, unsigned long end)
{
	mml_pte_t *old = mml_entry(oldmm, old_table, addr), *last = old + ((end - addr) >> PAGE_SHIFT);
	mml_pte_t *new = mml_entry(mm, table, addr);
	unsigned long lazyfree = 0;

	lockdep_assert_held(&old_table->lock);
	lockdep_assert_held(&table->lock);

	for (; old < last; old++, new++) {
		struct mml_page *page = mml_vm_normal_page(oldmm, *old);

		if (!mml_pte_present(*old))
			continue;
		WRITE_ONCE(old->val, old->val & ~MML_PTE_RW);
		/* The child has not accessed it. */
		WRITE_ONCE(new->val, old->val & ~MML_PTE_ACCESSED);
		table->nr_present++;
		if (!page)
			continue;
		lazyfree += mml_pte_lazyfree(*old);
		mml_get_page(page);
		atomic_inc(&page->_mapcount);
	}
	if (lazyfree)
		mml_count_lazyfree(mm, lazyfree);
}

/* What one table has in [@addr, @end). Returns: how many are present; @frames: so many frames. */
static unsigned long mml_count_ptes(struct mml_mm *mm, struct mml_ptdesc *table,
				    unsigned long addr, unsigned long end, unsigned long *frames)
{
	mml_pte_t *pte = mml_entry(mm, table, addr), *last = pte + ((end - addr) >> PAGE_SHIFT);
	unsigned long present = 0, special = 0;

	for (; pte < last; pte++) {
		present += mml_pte_present(*pte);
		special += mml_pte_special(*pte);
	}
	*frames = present - special;
	return present;
}

/* What one table of the parent has in [@addr, @end). Returns: 0 or -ENOMEM. */
static int mml_copy_pte_range(struct mml_mm *mm, struct mml_mm *oldmm,
			      struct mml_ptdesc *old_table, unsigned long addr,
			      unsigned long end)
{
	struct mml_ptdesc *table;
	unsigned long nr;

	if (!mml_count_ptes(oldmm, old_table, addr, end, &nr))
		return 0;
	table = mml_pte_alloc(mm, addr, MML_GFP_FORK);
	if (!table)
		return -ENOMEM;
	if (!mml_counter_try_share(mm->counter, nr)) {
		mml_explain_charge(mm->machine, MML_GFP_FORK, 0, mm->counter);
		return -ENOMEM;
	}
	mutex_lock(&old_table->lock);
	mutex_lock_nested(&table->lock, SINGLE_DEPTH_NESTING);
	mml_copy_ptes(mm, table, oldmm, old_table, addr, end);
	mutex_unlock(&table->lock);
	mutex_unlock(&old_table->lock);
	atomic_long_add(nr, &mm->anon_rss);
	return 0;
}

static int mml_copy_page_range(struct mml_mm *mm, struct mml_mm *oldmm,
			       unsigned long start, unsigned long end)
{
	struct mml_ptdesc *old_table;
	unsigned long addr = start;
	int err = 0;

	while (!err && (old_table = mml_pte_next(oldmm, &addr, end))) {
		unsigned long next = mml_table_end(addr, end);

		err = fatal_signal_pending(current) ? -EINTR :
			mml_copy_pte_range(mm, oldmm, old_table, addr, next);
		addr = next;
		cond_resched();
	}
	return err;
}

/* Is there anything in @vma that the child cannot find out by itself? */
static bool mml_vma_needs_copy(const struct mml_vma *vma)
{
	return vma->anon_vma && !(vma->vm_flags & VM_WIPEONFORK);
}

static int mml_dup_vma(struct mml_mm *mm, struct mml_mm *oldmm,
		       const struct mml_vma *old)
{
	struct mml_vma *vma;
	LIST_HEAD(none);
	int err = 0;

	/* Locks are not inherited. */
	vma = mml_vma_alloc(mm, old->vm_start, old->vm_end, old->vm_flags & ~VM_LOCKED_MASK,
			    GFP_KERNEL_ACCOUNT);
	if (!vma)
		return -ENOMEM;
	vma->vm_pgoff = old->vm_pgoff;
	if (vma->vm_flags & VM_ACCOUNT && !mml_enough_memory(mm, mml_vma_pages(vma)))
		err = -ENOMEM;
	mml_shmem_clone(vma, old);
	if (!err && mml_vma_needs_copy(old))
		err = mml_anon_vma_fork(vma, old);
	if (!err)
		err = mml_vma_replace(mm, vma->vm_start, vma->vm_end, vma, &none,
				      GFP_KERNEL_ACCOUNT);
	if (err) {
		mml_vma_free(vma);
		return err;
	}
	return mml_vma_needs_copy(old) ?
		mml_copy_page_range(mm, oldmm, old->vm_start, old->vm_end) : 0;
}

/**
 * mml_dup_mmap - make a fresh mm the copy of another
 * @mm: fresh from mml_mm_init(); it gets the other's range too. Its counter has the same parent
 * @oldmm: the parent's, after mml_fork_prepare(), and it has not faulted since
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
	mm->start_brk = oldmm->start_brk;
	mm->brk = oldmm->brk;
	mm->unmerged = true;
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
