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
 * With MREMAP_DONTUNMAP the old vma stays, and is empty. Shared memory of no length is not moved,
 * but mapped once more.
 *
 * Kernel counterpart: mm/mremap.c. Errnos are its. Differences: what MREMAP_FIXED names has to
 * be in the window; entries move one by one, never a whole table.
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

/**
 * struct mml_move - pages that go to another place
 * @from: the vma in which they are
 * @old: their address
 * @old_len: bytes
 * @new: where to, all of it in the mm's range, nothing mapped there
 * @new_len: bytes, not less
 * @keep: the old place stays mapped, and empty
 */
struct mml_move {
	struct mml_vma *from;
	unsigned long old;
	unsigned long old_len;
	unsigned long new;
	unsigned long new_len;
	bool keep;
};

/* Move the pages into @vma. Cannot fail. */
static void mml_move_page_tables(const struct mml_move *move, struct mml_vma *vma)
{
	unsigned long addr = move->old, end = move->old + move->old_len, next;
	struct mml_mm *mm = vma->vm_mm;
	struct mml_ptdesc *table;

	mml_flush_tlb_range(mm, addr, end);
	for (; (table = mml_pte_next(mm, &addr, end)); cond_resched()) {
		next = mml_table_end(addr, end);
		mml_take_rmap_locks(vma);
		for (; addr < next; addr += PAGE_SIZE)
			mml_move_pte(mm, table, addr, addr - move->old + move->new);
		mml_drop_rmap_locks(vma);
	}
}

/* What of a move can fail: the old vma's ends, tables, then @vma. */
static int mml_move_begin(const struct mml_move *move, struct mml_vma *vma)
{
	unsigned long end = move->old + move->old_len;
	struct mml_mm *mm = vma->vm_mm;
	int err = 0;

	/* What is locked keeps none of it, and so has to be apart. */
	if (move->old_len && (!move->keep || vma->vm_flags & VM_LOCKED))
		err = mml_split_range(mm, move->old, end);
	if (!err)
		err = mml_move_prepare(mm, move->old, move->new, move->old_len);
	/* Nobody else can take back what is here, for we hold the lock. */
	if (err == -ENOMEM && mml_shrink_mm(mm, ULONG_MAX))
		err = mml_move_prepare(mm, move->old, move->new, move->old_len);
	if (!err)
		err = mml_unmap_locked(mm, vma->vm_start, vma->vm_end, vma);
	if (err) {
		/* Walks may know it by now, and so look at tables there. */
		mml_shmem_unlink(vma);
		mml_unlink_anon_vmas(vma);
		mml_free_pgtables(mm, vma->vm_start, vma->vm_end);
		mml_unsplit_at(mm, move->old);
		mml_unsplit_at(mm, end);
	}
	return err;
}

/*
 * A vma for the new place that is to have the pages. Only what was never written begins anew
 * there. Returns: NULL if there is no memory.
 */
static struct mml_vma *mml_copy_vma(const struct mml_move *move)
{
	const struct mml_vma *from = move->from;
	struct mml_vma *vma = mml_vma_alloc(from->vm_mm, move->new, move->new + move->new_len,
					    from->vm_flags, GFP_KERNEL_ACCOUNT);

	if (!vma || !(from->anon_vma || from->shmem))
		return vma;
	vma->vm_pgoff = mml_linear_page_index(from, move->old);
	mml_shmem_clone(vma, from);
	vma->anon_vma = from->anon_vma;
	if (!mml_anon_vma_clone(vma, from))
		return vma;
	mml_vma_free(vma);
	return NULL;
}

/* The pages have left for @vma, and their old place goes. */
static void mml_move_end(const struct mml_move *move, struct mml_vma *vma)
{
	unsigned long end = move->old + move->old_len;
	struct mml_mm *mm = vma->vm_mm;
	unsigned long hiwater_vm = mm->hiwater_vm;
	LIST_HEAD(gone);

	/* Exactly one vma goes: no split, and the tree's nodes are waited for. */
	mml_vma_replace(mm, move->old, end, NULL, &gone, GFP_KERNEL | __GFP_NOFAIL);
	/* For a moment both places were mapped. */
	mm->hiwater_vm = hiwater_vm;
	mml_free_vmas(&gone);
	mml_free_pgtables(mm, move->old, end);
	mml_vma_merge(mm, vma);
}

/*
 * The pages have left for @vma, and their old place stays. The two do not become one, even where
 * they could; and a vma that is now empty is as if nobody had ever written to it.
 */
static void mml_move_end_keep(const struct mml_move *move, struct mml_vma *vma)
{
	struct mml_vma *from = mml_vma_lookup(vma->vm_mm, move->old);

	from->vm_mm->unmerged = true;
	mml_vma_merge_but(from->vm_mm, vma, from->anon_vma ? NULL : from);
	mml_vma_set_flags(from, from->vm_flags & ~VM_LOCKED_MASK);
	if (!from->shmem && from->vm_start == move->old &&
	    from->vm_end == move->old + move->old_len) {
		mml_unlink_anon_vmas(from);
		from->vm_pgoff = from->vm_start >> PAGE_SHIFT;
	}
}

/* Returns: 0; -ENOMEM, and nothing has changed. */
static int mml_move_vma(const struct mml_move *move)
{
	struct mml_vma *vma = mml_copy_vma(move);
	int err;

	if (!vma)
		return -ENOMEM;
	err = mml_move_begin(move, vma);
	if (err) {
		mml_vma_free(vma);
		return err;
	}
	mml_move_page_tables(move, vma);
	if (!move->old_len)
		mml_vma_merge(vma->vm_mm, vma);
	else if (move->keep)
		mml_move_end_keep(move, vma);
	else
		mml_move_end(move, vma);
	return 0;
}

/*
 * The vma that has @old_len bytes at @addr, and may have @more of them. Returns: it, or an ERR_PTR.
 */
static struct mml_vma *mml_vma_to_resize(struct mml_mm *mm, unsigned long addr,
					 unsigned long old_len, unsigned long more)
{
	struct mml_vma *vma = mml_vma_lookup(mm, addr);

	if (!vma)
		return ERR_PTR(-EFAULT);
	/* Of a shared one it is a second mapping. */
	if (!old_len && !vma->shmem)
		return ERR_PTR(-EINVAL);
	if (old_len > vma->vm_end - addr)
		return ERR_PTR(-EFAULT);
	if (!mml_mlock_future_ok(mm, vma->vm_flags, more >> PAGE_SHIFT))
		return ERR_PTR(-EAGAIN);
	return mml_may_expand_vm(mm, vma->vm_flags, more >> PAGE_SHIFT) ? vma : ERR_PTR(-ENOMEM);
}

/* Is there memory for @len bytes more like those of @vma? */
static bool mml_vma_enough(const struct mml_vma *vma, unsigned long len)
{
	return !(vma->vm_flags & VM_ACCOUNT) || mml_enough_memory(vma->vm_mm, len >> PAGE_SHIFT);
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

/*
 * The calls, as one struct: the arguments of mml_mremap(), lengths rounded up. Each returns 0,
 * and where it is now in @addr; or an errno.
 */
struct mml_remap {
	unsigned long addr;
	unsigned long old_len;
	unsigned long new_len;
	unsigned long flags;
	unsigned long new_addr;
};

/* To a place that was named, or to leave the old one mapped. */
static int mml_mremap_to(struct mml_mm *mm, struct mml_remap *remap)
{
	const unsigned long all = 1UL << MML_ADDRESS_BITS;
	bool fixed = remap->flags & MREMAP_FIXED;
	struct mml_move move = {
		.old = remap->addr,
		.old_len = min(remap->old_len, remap->new_len),
		.new = remap->new_addr,
		.new_len = remap->new_len,
		.keep = remap->flags & MREMAP_DONTUNMAP,
	};
	int err = 0;

	if (!PAGE_ALIGNED(move.new) || move.new_len > all || move.new > all - move.new_len ||
	    (fixed && !mml_in_range(mm, move.new, move.new_len)) ||
	    (remap->addr + remap->old_len > move.new && move.new + move.new_len > remap->addr))
		return -EINVAL;
	/* Four for the move, and two for what is unmapped before. */
	if (!mml_map_count_ok(mm, 6))
		return -ENOMEM;
	if (fixed)
		err = mml_unmap_locked(mm, move.new, move.new + move.new_len, NULL);
	if (!err && remap->old_len > move.old_len)
		err = mml_unmap_locked(mm, move.old + move.old_len, move.old + remap->old_len, NULL);
	if (err)
		return err;
	move.from = mml_vma_to_resize(mm, move.old, move.old_len, move.new_len - move.old_len);
	if (IS_ERR(move.from))
		return PTR_ERR(move.from);
	if (move.keep &&
	    !mml_may_expand_vm(mm, move.from->vm_flags, move.new_len >> PAGE_SHIFT))
		return -ENOMEM;
	if (!mml_vma_enough(move.from, move.keep ? move.new_len : move.new_len - move.old_len))
		return -ENOMEM;
	if (!fixed)
		err = mml_unmapped_area(mm, move.new, move.new_len, &move.new);
	if (!err)
		err = mml_move_vma(&move);
	remap->addr = move.new;
	return err;
}

static int mml_mremap_grow(struct mml_mm *mm, struct mml_remap *remap)
{
	unsigned long end = remap->addr + remap->old_len, delta = remap->new_len - remap->old_len;
	struct mml_move move = {
		.from = mml_vma_to_resize(mm, remap->addr, remap->old_len, delta),
		.old = remap->addr,
		.old_len = remap->old_len,
		.new_len = remap->new_len,
	};
	int err;

	if (IS_ERR(move.from))
		return PTR_ERR(move.from);
	if (!mml_vma_enough(move.from, delta))
		return -ENOMEM;
	if (mml_vma_expandable(move.from, end, delta))
		return mml_vma_expand(mm, move.from, end + delta);
	if (!(remap->flags & MREMAP_MAYMOVE) || !mml_map_count_ok(mm, 4))
		return -ENOMEM;
	err = mml_unmapped_area(mm, 0, move.new_len, &move.new);
	if (!err)
		err = mml_move_vma(&move);
	remap->addr = move.new;
	return err;
}

static int mml_mremap_locked(struct mml_mm *mm, struct mml_remap *remap)
{
	if (!mml_in_range(mm, remap->addr, remap->old_len) || !mml_vma_lookup(mm, remap->addr))
		return -EFAULT;
	if (remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return mml_mremap_to(mm, remap);
	if (remap->new_len > remap->old_len)
		return mml_mremap_grow(mm, remap);
	if (remap->new_len == remap->old_len)
		return 0;
	return mml_unmap_locked(mm, remap->addr + remap->new_len, remap->addr + remap->old_len,
				NULL);
}

static bool mml_mremap_flags_valid(unsigned long flags, unsigned long old_len,
				   unsigned long new_len)
{
	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return false;
	if (flags & MREMAP_DONTUNMAP && old_len != new_len)
		return false;
	return !flags || flags & MREMAP_MAYMOVE;
}

/**
 * mml_mremap - mremap(2)
 * @mm: the mm
 * @addr: in: old address; out: the new one
 * @old_len: bytes, rounded up to pages
 * @new_len: bytes, rounded up to pages
 * @flags: MREMAP_*
 * @new_addr: with MREMAP_FIXED: where to; with MREMAP_DONTUNMAP alone: a hint, or 0
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL, -EFAULT, -ENOMEM, -EAGAIN as mremap(2); -ENXIO: no window; -EINTR: killed. Nothing
 * has changed then; but, as by the kernel, MREMAP_FIXED may have unmapped what was at @new_addr,
 * and what @new_len is shorter by.
 */
int mml_mremap(struct mml_mm *mm, unsigned long *addr, unsigned long old_len,
	       unsigned long new_len, unsigned long flags, unsigned long new_addr)
{
	struct mml_remap remap = {
		.addr = *addr,
		.old_len = PAGE_ALIGN(old_len),
		.new_len = PAGE_ALIGN(new_len),
		.flags = flags,
		.new_addr = new_addr,
	};
	unsigned long locked;
	int err;

	if (!mml_mremap_flags_valid(flags, old_len, new_len) || !PAGE_ALIGNED(*addr) ||
	    !remap.new_len)
		return -EINVAL;

	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	err = mml_mremap_locked(mm, &remap);
	locked = mm->locked_vm;
	up_write(&mm->mmap_lock);
	if (err)
		return err;
	*addr = remap.addr;
	if (locked && remap.new_len > remap.old_len)
		mml_populate_locked(mm, remap.addr + remap.old_len, remap.addr + remap.new_len);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_mremap, MM_LAB);
