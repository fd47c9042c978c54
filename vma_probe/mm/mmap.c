// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls on an address space: mmap, munmap, mprotect, mremap, for private
 * anonymous memory.
 *
 * Kernel counterpart: mm/mmap.c, mm/mprotect.c, mm/mremap.c, and __vm_enough_memory()
 * in mm/util.c in its heuristic mode. Errnos are theirs. Differences: shared mappings,
 * MREMAP_FIXED and MREMAP_DONTUNMAP are refused (-EOPNOTSUPP); a mapping that is only
 * executable can be read.
 *
 * PAGE_ALIGN() of a length that wraps is 0, and refused as such.
 *
 * Locking: mmap_lock for writing; frames are freed after it is dropped.
 */
#include <linux/mman.h>

#include "vma_probe/mm/internal.h"

#define MML_PROT_MASK		(PROT_READ | PROT_WRITE | PROT_EXEC)
#define MML_VM_PROT_MASK	(VM_READ | VM_WRITE | VM_EXEC)

/* Is it memory that has to be there when it is written? */
static bool mml_accountable(unsigned long vm_flags)
{
	return (vm_flags & (VM_WRITE | VM_NORESERVE)) == VM_WRITE;
}

static unsigned long mml_prot_to_vm_flags(unsigned long prot)
{
	return (prot & PROT_READ ? VM_READ : 0) |
	       (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

/*
 * The kernel's heuristic overcommit: refuse only what obviously cannot be had, a
 * private writable mapping that is larger than all memory.
 */
static bool mml_enough_memory(struct mml_mm *mm, unsigned long len)
{
	return len >> PAGE_SHIFT <= mm->machine->nr_present;
}

/* Is [@addr, @addr + @len) within the mm's range? Safe against wrapping. */
bool mml_in_range(struct mml_mm *mm, unsigned long addr, unsigned long len)
{
	return addr >= mm->start && len <= mm->end - mm->start &&
	       addr <= mm->end - len;
}

/* Take mmap_lock for a system call. Returns: 0; -ENXIO without a window. */
int mml_mmap_write_lock(struct mml_mm *mm)
{
	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	if (mm->end && !mm->dead)
		return 0;
	up_write(&mm->mmap_lock);
	return -ENXIO;
}

/*
 * munmap
 */

/* Unmap [@start, @end) and let @vma, or nothing, take its place. */
static int mml_unmap_locked(struct mml_mm *mm, unsigned long start,
			    unsigned long end, struct mml_vma *vma,
			    struct mml_mmu_gather *tlb)
{
	LIST_HEAD(old);
	int err;

	err = mml_vma_replace(mm, start, end, vma, &old, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	if (!list_empty(&old)) {
		mml_zap_range(tlb, start, end);
		mml_tlb_flush(tlb);
		mml_free_pgtables(mm, start, end);
	}
	mml_free_vmas(&old);
	return 0;
}

/**
 * mml_munmap - munmap(2)
 * @mm: the mm
 * @addr: start
 * @len: bytes, rounded up to pages
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -ENOMEM; -ENXIO: no window; -EINTR: killed.
 */
int mml_munmap(struct mml_mm *mm, unsigned long addr, unsigned long len)
{
	struct mml_mmu_gather tlb;
	int err;

	len = PAGE_ALIGN(len);
	if (!PAGE_ALIGNED(addr) || !len)
		return -EINVAL;
	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	mml_tlb_gather_mmu(&tlb, mm);
	err = mml_in_range(mm, addr, len) ?
		mml_unmap_locked(mm, addr, addr + len, NULL, &tlb) : -EINVAL;
	up_write(&mm->mmap_lock);
	mml_tlb_finish_mmu(&tlb);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_munmap, MM_LAB);

/*
 * mmap
 */

static int mml_mmap_check(unsigned long len, unsigned long flags)
{
	const unsigned long known = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE |
				    MAP_POPULATE | MAP_STACK | MAP_NONBLOCK;

	/* There are no files. */
	if (!(flags & MAP_ANONYMOUS))
		return -EBADF;
	if (!len)
		return -EINVAL;
	switch (flags & MAP_TYPE) {
	case MAP_PRIVATE:
		break;
	case MAP_SHARED:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
	return flags & ~(known | MAP_ANONYMOUS | MAP_TYPE) ? -EOPNOTSUPP : 0;
}

/* Where the mapping goes. Returns: 0 or an errno. */
static int mml_mmap_place(struct mml_mm *mm, unsigned long *addr,
			  unsigned long len, unsigned long flags)
{
	struct mml_vma *vma;

	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return mml_unmapped_area(mm, *addr, len, addr);
	if (!PAGE_ALIGNED(*addr))
		return -EINVAL;
	if (!mml_in_range(mm, *addr, len))
		return -ENOMEM;
	if (!(flags & MAP_FIXED_NOREPLACE))
		return 0;
	vma = mml_find_vma(mm, *addr);
	return vma && vma->vm_start < *addr + len ? -EEXIST : 0;
}

static int mml_mmap_locked(struct mml_mm *mm, unsigned long *addr,
			   unsigned long len, unsigned long vm_flags,
			   unsigned long flags, struct mml_mmu_gather *tlb)
{
	struct mml_vma *vma;
	int err;

	err = mml_mmap_place(mm, addr, len, flags);
	if (err)
		return err;
	if (vm_flags & VM_ACCOUNT && !mml_enough_memory(mm, len))
		return -ENOMEM;
	vma = mml_vma_alloc(mm, *addr, *addr + len, vm_flags, GFP_KERNEL_ACCOUNT);
	if (!vma)
		return -ENOMEM;
	err = mml_unmap_locked(mm, *addr, *addr + len, vma, tlb);
	if (err) {
		mml_vma_free(vma);
		return err;
	}
	mml_vma_merge(mm, vma);
	return 0;
}

/**
 * mml_mmap - mmap(2), private and anonymous
 * @mm: the mm
 * @addr: in: a hint, or the place; out: where the mapping is
 * @len: bytes, rounded up to pages
 * @prot: PROT_*; other bits are ignored, as by the kernel
 * @flags: MAP_*
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL, -EEXIST, -ENOMEM as mmap(2); -EBADF: not anonymous; -EOPNOTSUPP for
 * flags that the lab does not have; -ENXIO: no window; -EINTR: killed. Nothing has changed
 * then.
 */
int mml_mmap(struct mml_mm *mm, unsigned long *addr, unsigned long len,
	     unsigned long prot, unsigned long flags)
{
	unsigned long place = *addr, vm_flags = mml_prot_to_vm_flags(prot);
	struct mml_mmu_gather tlb;
	int err;

	err = mml_mmap_check(len, flags);
	if (err)
		return err;
	len = PAGE_ALIGN(len);
	if (!len)
		return -ENOMEM;
	if (flags & MAP_NORESERVE)
		vm_flags |= VM_NORESERVE;
	/* No huge pages for stacks, where there are any. */
	if (flags & MAP_STACK && IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		vm_flags |= VM_NOHUGEPAGE;
	if (mml_accountable(vm_flags))
		vm_flags |= VM_ACCOUNT;

	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	mml_tlb_gather_mmu(&tlb, mm);
	err = mml_mmap_locked(mm, &place, len, vm_flags, flags, &tlb);
	up_write(&mm->mmap_lock);
	mml_tlb_finish_mmu(&tlb);
	if (err)
		return err;
	*addr = place;
	/* As far as that goes. */
	if ((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		mml_populate(mm, place, place + len, vm_flags & VM_WRITE, 0);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_mmap, MM_LAB);

/*
 * mprotect
 */

/* Give the part of @vma in [@start, @end), and its pages, other flags. */
static int mml_mprotect_fixup(struct mml_mmu_gather *tlb, struct mml_vma *vma,
			      unsigned long start, unsigned long end,
			      unsigned long prot_flags)
{
	struct mml_mm *mm = tlb->mm;
	unsigned long flags = (vma->vm_flags & ~MML_VM_PROT_MASK) | prot_flags;
	int err;

	if (flags == vma->vm_flags)
		return 0;
	if (flags & VM_WRITE) {
		if (!(vma->vm_flags & (VM_ACCOUNT | VM_WRITE | VM_NORESERVE))) {
			if (!mml_enough_memory(mm, end - start))
				return -ENOMEM;
			flags |= VM_ACCOUNT;
		}
	} else if (!vma->anon_vma) {
		/* Nobody has written to it. */
		flags &= ~VM_ACCOUNT;
	}
	err = mml_vma_modify_flags(mm, start, end, flags);
	if (!err)
		mml_wrprotect_range(tlb, start, end);
	return err;
}

/* As the kernel: what comes before a hole is changed, then -ENOMEM. */
static int mml_mprotect_locked(struct mml_mm *mm, unsigned long start,
			       unsigned long end, unsigned long prot_flags,
			       struct mml_mmu_gather *tlb)
{
	unsigned long addr = start, next;
	int err = 0;

	while (addr < end && !err) {
		struct mml_vma *vma = mml_vma_lookup(mm, addr);

		if (!vma) {
			err = -ENOMEM;
			break;
		}
		next = min(vma->vm_end, end);
		err = mml_mprotect_fixup(tlb, vma, addr, next, prot_flags);
		addr = next;
	}
	mml_tlb_flush(tlb);
	return err;
}

/**
 * mml_mprotect - mprotect(2)
 * @mm: the mm
 * @addr: start
 * @len: bytes, rounded up to pages
 * @prot: PROT_*
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -ENOMEM: a hole in the range, as the kernel after changing what
 * comes before it, or no memory; -ENXIO: no window; -EINTR: killed.
 */
int mml_mprotect(struct mml_mm *mm, unsigned long addr, unsigned long len,
		 unsigned long prot)
{
	struct mml_mmu_gather tlb;
	int err;

	if (!PAGE_ALIGNED(addr))
		return -EINVAL;
	if (!len)
		return 0;
	len = PAGE_ALIGN(len);
	if (!len || addr + len < addr)
		return -ENOMEM;
	if (prot & ~(MML_PROT_MASK | PROT_SEM))
		return -EINVAL;
	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	mml_tlb_gather_mmu(&tlb, mm);
	err = mml_in_range(mm, addr, len) ?
		mml_mprotect_locked(mm, addr, addr + len,
				    mml_prot_to_vm_flags(prot), &tlb) : -ENOMEM;
	up_write(&mm->mmap_lock);
	mml_tlb_finish_mmu(&tlb);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_mprotect, MM_LAB);

/*
 * mremap
 */

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

static void mml_move_pte(struct mml_mmu_gather *tlb, struct mml_ptdesc *table,
			 unsigned long old, unsigned long new)
{
	struct mml_mm *mm = tlb->mm;
	struct mml_ptdesc *new_table;
	mml_pte_t pte;

	mutex_lock(&table->lock);
	pte = *mml_entry(mm, table, old);
	if (mml_pte_present(pte)) {
		mml_set_pte(mm, table, old, (mml_pte_t){});
		mml_tlb_track(tlb, old);
	}
	mutex_unlock(&table->lock);
	if (!mml_pte_present(pte))
		return;

	mml_pte_page(mm, pte)->index = new >> PAGE_SHIFT;
	new_table = mml_pte_find(mm, new);
	mutex_lock(&new_table->lock);
	mml_set_pte(mm, new_table, new, pte);
	mutex_unlock(&new_table->lock);
}

/* Move the pages of [@old, @old + @len) to @new; cannot fail after the preparation. */
static void mml_move_page_tables(struct mml_mmu_gather *tlb, unsigned long old,
				 unsigned long new, unsigned long len)
{
	unsigned long addr = old, next;
	struct mml_ptdesc *table;

	while ((table = mml_pte_next(tlb->mm, &addr, old + len))) {
		next = mml_table_end(addr, old + len);
		for (; addr < next; addr += PAGE_SIZE)
			mml_move_pte(tlb, table, addr, addr - old + new);
		cond_resched();
	}
}

/* What of a move can fail: its tables, then its vma. */
static int mml_move_begin(struct mml_mmu_gather *tlb, unsigned long old,
			  unsigned long old_len, struct mml_vma *vma)
{
	struct mml_mm *mm = tlb->mm;
	int err;

	err = mml_split_range(mm, old, old + old_len);
	if (!err)
		err = mml_move_prepare(mm, old, vma->vm_start, old_len);
	if (!err)
		err = mml_unmap_locked(mm, vma->vm_start, vma->vm_end, vma, tlb);
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
static struct mml_vma *mml_copy_vma(struct mml_mm *mm, const struct mml_vma *from,
				    unsigned long old, unsigned long new, unsigned long len)
{
	struct mml_vma *vma = mml_vma_alloc(mm, new, new + len, from->vm_flags,
					    GFP_KERNEL_ACCOUNT);

	if (vma && from->anon_vma) {
		vma->anon_vma = mml_anon_vma_get(from->anon_vma);
		vma->vm_pgoff = from->vm_pgoff + ((old - from->vm_start) >> PAGE_SHIFT);
	}
	return vma;
}

/*
 * Move [@old, @old + @old_len), a part of @from, to a new place of @new_len. Returns: 0, and
 * where; -ENOMEM, and nothing has changed.
 */
static int mml_move_vma(struct mml_mmu_gather *tlb, const struct mml_vma *from,
			unsigned long old, unsigned long old_len, unsigned long new_len,
			unsigned long *addr)
{
	struct mml_mm *mm = tlb->mm;
	struct mml_vma *vma;
	unsigned long new;
	LIST_HEAD(gone);
	int err;

	err = mml_unmapped_area(mm, 0, new_len, &new);
	if (err)
		return err;
	vma = mml_copy_vma(mm, from, old, new, new_len);
	if (!vma)
		return -ENOMEM;
	err = mml_move_begin(tlb, old, old_len, vma);
	if (err) {
		mml_vma_free(vma);
		return err;
	}
	mml_move_page_tables(tlb, old, new, old_len);
	mml_tlb_flush(tlb);
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
static bool mml_vma_expandable(struct mml_mm *mm, struct mml_vma *vma,
			       unsigned long end, unsigned long delta)
{
	struct mml_vma *next;

	if (vma->vm_end != end || delta > mm->end - end)
		return false;
	next = mml_find_vma(mm, end);
	return !next || next->vm_start >= end + delta;
}

static int mml_mremap_grow(struct mml_mmu_gather *tlb, unsigned long *addr,
			   unsigned long old_len, unsigned long new_len,
			   unsigned long flags)
{
	struct mml_mm *mm = tlb->mm;
	unsigned long end = *addr + old_len, delta = new_len - old_len;
	struct mml_vma *vma = mml_vma_lookup(mm, *addr);
	bool enough;

	/* Of a shared one it would be a second mapping. */
	if (!old_len)
		return -EINVAL;
	if (old_len > vma->vm_end - *addr)
		return -EFAULT;
	enough = !(vma->vm_flags & VM_ACCOUNT) || mml_enough_memory(mm, delta);
	if (mml_vma_expandable(mm, vma, end, delta))
		return enough ? mml_vma_expand(mm, vma, end + delta) : -ENOMEM;
	if (!(flags & MREMAP_MAYMOVE) || !enough)
		return -ENOMEM;
	return mml_move_vma(tlb, vma, *addr, old_len, new_len, addr);
}

static int mml_mremap_locked(struct mml_mmu_gather *tlb, unsigned long *addr,
			     unsigned long old_len, unsigned long new_len,
			     unsigned long flags)
{
	struct mml_mm *mm = tlb->mm;

	if (!mml_in_range(mm, *addr, old_len) || !mml_vma_lookup(mm, *addr))
		return -EFAULT;
	if (new_len > old_len)
		return mml_mremap_grow(tlb, addr, old_len, new_len, flags);
	if (new_len == old_len)
		return 0;
	return mml_unmap_locked(mm, *addr + new_len, *addr + old_len, NULL, tlb);
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
	struct mml_mmu_gather tlb;
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
	mml_tlb_gather_mmu(&tlb, mm);
	err = mml_mremap_locked(&tlb, &place, old_len, new_len, flags);
	up_write(&mm->mmap_lock);
	mml_tlb_finish_mmu(&tlb);
	if (!err)
		*addr = place;
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_mremap, MM_LAB);
