// SPDX-License-Identifier: GPL-2.0
/*
 * mremap: memory that shrinks, grows, or goes to another place with its frames.
 *
 * A move, in this order: what can fail, the new vma, the old one's ends split, tables for all
 * that is there; then the new vma is put in the tree, the real entries of the old place are
 * revoked, the entries change their tables, the old vma goes. A frame's page number does not
 * change, for the new vma continues to count as the old one did; both are in the trees of the
 * anon_vma meanwhile.
 *
 * Kernel counterpart: mm/mremap.c. Errnos are its. Differences: MREMAP_FIXED and
 * MREMAP_DONTUNMAP are refused (-EOPNOTSUPP); entries move one by one, never a whole table.
 *
 * Locking: mmap_lock for writing; an anon_vma's rwsem, so that a walk finds a frame at its old
 * place or at its new one; one table mutex at a time.
 */
#include <linux/mman.h>

#include "vma_probe/mm/internal.h"

/* Tables for all that is mapped in [@old, @old + @len), at @new. */
static int mml_move_prepare(struct mml_mm *mm, unsigned long old, unsigned long new,
			    unsigned long len)
{
	unsigned long addr = old, last;

	while (mml_pte_next(mm, &addr, old + len)) {
		last = mml_table_end(addr, old + len) - PAGE_SIZE;
		/* One source table may reach into two: one for each of its ends. */
		if (!mml_pte_alloc(mm, addr - old + new, GFP_KERNEL) ||
		    !mml_pte_alloc(mm, last - old + new, GFP_KERNEL))
			return -ENOMEM;
		addr = last + PAGE_SIZE;
	}
	return 0;
}

static void mml_move_pte(struct mml_mm *mm, struct mml_ptdesc *table,
			 unsigned long old, unsigned long new)
{
	struct mml_ptdesc *new_table;
	mml_pte_t pte;

	mutex_lock(&table->lock);
	pte = *mml_entry(mm, table, old);
	if (mml_pte_present(pte))
		mml_set_pte(mm, table, old, (mml_pte_t){});
	mutex_unlock(&table->lock);
	if (!mml_pte_present(pte))
		return;

	new_table = mml_pte_find(mm, new);
	mutex_lock(&new_table->lock);
	mml_set_pte(mm, new_table, new, pte);
	mutex_unlock(&new_table->lock);
}

/* Move the pages of [@old, @old + @len) into @vma, from its beginning on. Cannot fail. */
static void mml_move_page_tables(struct mml_vma *vma, unsigned long old, unsigned long len)
{
	struct mml_mm *mm = vma->vm_mm;
	unsigned long addr = old, next;
	struct mml_ptdesc *table;

	mml_flush_tlb_range(mm, old, old + len);
	for (; (table = mml_pte_next(mm, &addr, old + len)); cond_resched()) {
		next = mml_table_end(addr, old + len);
		mml_take_rmap_locks(vma);
		for (; addr < next; addr += PAGE_SIZE)
			mml_move_pte(mm, table, addr, addr - old + vma->vm_start);
		mml_drop_rmap_locks(vma);
	}
}

/* What of a move can fail: its tables, then its vma. */
static int mml_move_begin(struct mml_vma *vma, unsigned long old, unsigned long old_len)
{
	struct mml_mm *mm = vma->vm_mm;
	int err;

	err = mml_split_range(mm, old, old + old_len);
	if (!err)
		err = mml_move_prepare(mm, old, vma->vm_start, old_len);
	if (!err)
		err = mml_unmap_locked(mm, vma->vm_start, vma->vm_end, vma);
	if (err) {
		mml_free_pgtables(mm, vma->vm_start, vma->vm_end);
		mml_unsplit_at(mm, old);
		mml_unsplit_at(mm, old + old_len);
	}
	return err;
}

/*
 * A vma for [@new, @new + @len) that is to have the pages of @from from @old on. Only what was
 * never written begins anew there. Returns: NULL if there is no memory.
 */
static struct mml_vma *mml_copy_vma(const struct mml_vma *from, unsigned long old,
				    unsigned long new, unsigned long len)
{
	struct mml_vma *vma = mml_vma_alloc(from->vm_mm, new, new + len, from->vm_flags,
					    GFP_KERNEL_ACCOUNT);

	if (!vma || !from->anon_vma)
		return vma;
	vma->vm_pgoff = mml_linear_page_index(from, old);
	vma->anon_vma = from->anon_vma;
	if (!mml_anon_vma_clone(vma, from))
		return vma;
	mml_vma_free(vma);
	return NULL;
}

/*
 * Move [@old, @old + @old_len), a part of @from, to a new place of @new_len. Returns: 0, and
 * where; -ENOMEM, and nothing has changed.
 */
static int mml_move_vma(const struct mml_vma *from, unsigned long old, unsigned long old_len,
			unsigned long new_len, unsigned long *addr)
{
	struct mml_mm *mm = from->vm_mm;
	struct mml_vma *vma;
	unsigned long new;
	LIST_HEAD(gone);
	int err;

	err = mml_unmapped_area(mm, 0, new_len, &new);
	if (err)
		return err;
	vma = mml_copy_vma(from, old, new, new_len);
	if (!vma)
		return -ENOMEM;
	err = mml_move_begin(vma, old, old_len);
	if (err) {
		mml_vma_free(vma);
		return err;
	}
	mml_move_page_tables(vma, old, old_len);
	/* Exactly one vma goes: no split, and the tree's nodes are waited for. */
	mml_vma_replace(mm, old, old + old_len, NULL, &gone,
			GFP_KERNEL | __GFP_NOFAIL);
	mml_free_vmas(&gone);
	mml_free_pgtables(mm, old, old + old_len);
	mml_vma_merge(mm, vma);
	*addr = new;
	return 0;
}

/* Can @vma, which ends at @end, grow in place by @delta bytes? */
static bool mml_vma_expandable(struct mml_vma *vma, unsigned long end, unsigned long delta)
{
	struct mml_mm *mm = vma->vm_mm;
	struct mml_vma *next;

	if (vma->vm_end != end || delta > mm->end - end)
		return false;
	next = mml_find_vma(mm, end);
	return !next || next->vm_start >= end + delta;
}

static int mml_mremap_grow(struct mml_mm *mm, unsigned long *addr, unsigned long old_len,
			   unsigned long new_len, unsigned long flags)
{
	unsigned long end = *addr + old_len, delta = new_len - old_len;
	struct mml_vma *vma = mml_vma_lookup(mm, *addr);
	bool enough;

	/* Of a shared one it would be a second mapping. */
	if (!old_len)
		return -EINVAL;
	if (old_len > vma->vm_end - *addr)
		return -EFAULT;
	enough = !(vma->vm_flags & VM_ACCOUNT) || mml_enough_memory(mm, delta);
	if (mml_vma_expandable(vma, end, delta))
		return enough ? mml_vma_expand(mm, vma, end + delta) : -ENOMEM;
	if (!(flags & MREMAP_MAYMOVE) || !enough)
		return -ENOMEM;
	return mml_move_vma(vma, *addr, old_len, new_len, addr);
}

static int mml_mremap_locked(struct mml_mm *mm, unsigned long *addr, unsigned long old_len,
			     unsigned long new_len, unsigned long flags)
{
	if (!mml_in_range(mm, *addr, old_len) || !mml_vma_lookup(mm, *addr))
		return -EFAULT;
	if (new_len > old_len)
		return mml_mremap_grow(mm, addr, old_len, new_len, flags);
	if (new_len == old_len)
		return 0;
	return mml_unmap_locked(mm, *addr + new_len, *addr + old_len, NULL);
}

/**
 * mml_mremap - mremap(2)
 * @mm: the mm
 * @addr: in: old address; out: the new one
 * @old_len: bytes, rounded up to pages
 * @new_len: bytes, rounded up to pages
 * @flags: MREMAP_MAYMOVE, or 0
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL, -EFAULT, -ENOMEM as mremap(2); -EOPNOTSUPP: MREMAP_FIXED and
 * MREMAP_DONTUNMAP; -ENXIO: no window; -EINTR: killed. Nothing has changed then.
 */
int mml_mremap(struct mml_mm *mm, unsigned long *addr, unsigned long old_len,
	       unsigned long new_len, unsigned long flags)
{
	unsigned long place = *addr;
	int err;

	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
	    (flags && !(flags & MREMAP_MAYMOVE)) || !PAGE_ALIGNED(*addr))
		return -EINVAL;
	if (flags & ~MREMAP_MAYMOVE)
		return -EOPNOTSUPP;
	old_len = PAGE_ALIGN(old_len);
	new_len = PAGE_ALIGN(new_len);
	if (!new_len)
		return -EINVAL;

	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	err = mml_mremap_locked(mm, &place, old_len, new_len, flags);
	up_write(&mm->mmap_lock);
	if (!err)
		*addr = place;
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_mremap, MM_LAB);
