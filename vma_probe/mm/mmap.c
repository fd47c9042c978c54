// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls on an address space: mmap, munmap, mprotect, for anonymous memory.
 *
 * Kernel counterpart: mm/mmap.c, mm/mprotect.c. Errnos are theirs. Difference: a mapping that is
 * only executable can be read.
 *
 * PAGE_ALIGN() of a length that wraps is 0, and refused as such.
 *
 * Locking: mmap_lock for writing.
 */
#include <linux/mman.h>

#include "vma_probe/mm/internal.h"

#define MML_PROT_MASK		(PROT_READ | PROT_WRITE | PROT_EXEC)
#define MML_VM_PROT_MASK	(VM_READ | VM_WRITE | VM_EXEC)

/* Is it memory that has to be there when it is written? */
static bool mml_accountable(unsigned long vm_flags)
{
	return (vm_flags & (VM_WRITE | VM_SHARED | VM_NORESERVE)) == VM_WRITE;
}

static unsigned long mml_prot_to_vm_flags(unsigned long prot)
{
	return (prot & PROT_READ ? VM_READ : 0) |
	       (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
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

/*
 * Unmap [@start, @end) and let @vma, or nothing, take its place. Returns: 0; -ENOMEM, and nothing
 * has changed.
 */
int mml_unmap_locked(struct mml_mm *mm, unsigned long start, unsigned long end,
		     struct mml_vma *vma)
{
	LIST_HEAD(old);
	int err;

	err = mml_vma_replace(mm, start, end, vma, &old, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	if (list_empty(&old))
		return 0;
	mml_flush_tlb_range(mm, start, end);
	mml_zap_range(mm, start, end);
	mml_free_vmas(&old);
	mml_free_pgtables(mm, start, end);
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
	int err;

	len = PAGE_ALIGN(len);
	if (!PAGE_ALIGNED(addr) || !len)
		return -EINVAL;
	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	err = mml_in_range(mm, addr, len) ? mml_unmap_locked(mm, addr, addr + len, NULL) : -EINVAL;
	up_write(&mm->mmap_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_munmap, MM_LAB);

/*
 * mmap
 */

static int mml_mmap_check(unsigned long len, unsigned long flags)
{
	const unsigned long known = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE |
				    MAP_POPULATE | MAP_STACK | MAP_NONBLOCK | MAP_LOCKED |
				    MAP_GROWSDOWN;

	/* There are no files. */
	if (!(flags & MAP_ANONYMOUS))
		return -EBADF;
	if (!len)
		return -EINVAL;
	switch (flags & MAP_TYPE) {
	case MAP_PRIVATE:
		break;
	case MAP_SHARED:
		if (flags & MAP_GROWSDOWN)
			return -EINVAL;
		break;
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

/* Pages of what is mapped in [@start, @end), as mml_vm_account() counts them. */
struct mml_mapped {
	unsigned long pages;
	unsigned long committed;
};

static struct mml_mapped mml_count_mapped(struct mml_mm *mm, unsigned long start,
					  unsigned long end)
{
	MA_STATE(mas, &mm->mt, start, start);
	struct mml_mapped mapped = {};
	struct mml_vma *vma;

	mas_for_each(&mas, vma, end - 1) {
		unsigned long pages = (min(end, vma->vm_end) - max(start, vma->vm_start)) >>
				      PAGE_SHIFT;

		mapped.pages += pages;
		if (vma->vm_flags & VM_ACCOUNT)
			mapped.committed += pages;
	}
	return mapped;
}

/*
 * Let [@start, @end) have a vma with @vm_flags, instead of what there is: of @shmem, or NULL, whose
 * reference it takes. Returns: 0; -ENOMEM, and nothing has changed.
 */
int mml_map_new(struct mml_mm *mm, unsigned long start, unsigned long end,
		unsigned long vm_flags, struct mml_shmem *shmem)
{
	struct mml_vma *vma = mml_vma_alloc(mm, start, end, vm_flags, GFP_KERNEL_ACCOUNT);
	int err;

	if (!vma) {
		if (shmem)
			mml_shmem_put(shmem);
		return -ENOMEM;
	}
	if (shmem) {
		vma->vm_pgoff = 0;
		mml_shmem_link(vma, shmem);
	}
	err = mml_unmap_locked(mm, start, end, vma);
	if (err)
		mml_vma_free(vma);
	else
		mml_vma_merge(mm, vma);
	return err;
}

static int mml_mmap_locked(struct mml_mm *mm, unsigned long *addr, unsigned long len,
			   unsigned long vm_flags, unsigned long flags)
{
	unsigned long pages = len >> PAGE_SHIFT;
	struct mml_shmem *shmem = NULL;
	struct mml_mapped mapped;
	int err;

	if (!mml_map_count_ok(mm, 0))
		return -ENOMEM;
	vm_flags |= mm->def_flags;
	err = mml_mmap_place(mm, addr, len, flags);
	if (err)
		return err;
	if (flags & MAP_LOCKED && !mml_can_do_mlock())
		return -EPERM;
	if (!mml_mlock_future_ok(mm, vm_flags, pages))
		return -EAGAIN;
	mapped = mml_count_mapped(mm, *addr, *addr + len);
	if (!mml_may_expand_vm(mm, vm_flags, pages - mapped.pages))
		return -ENOMEM;
	if (mml_accountable(vm_flags)) {
		if (pages > mapped.committed &&
		    !mml_enough_memory(mm, pages - mapped.committed))
			return -ENOMEM;
		vm_flags |= VM_ACCOUNT;
	}
	if (vm_flags & VM_SHARED) {
		shmem = mml_shmem_create(mm, pages, !(vm_flags & VM_NORESERVE));
		if (!shmem)
			return -ENOMEM;
	}
	return mml_map_new(mm, *addr, *addr + len, vm_flags, shmem);
}

/* Flags of a vma, but for what has to be asked. */
static unsigned long mml_mmap_vm_flags(const struct mml_mm *mm, unsigned long prot,
				       unsigned long flags)
{
	unsigned long vm_flags = mml_prot_to_vm_flags(prot);

	/* Who has nothing but what there is need not ask for anything else. */
	if (flags & MAP_NORESERVE &&
	    READ_ONCE(mm->common->overcommit_memory) != OVERCOMMIT_NEVER)
		vm_flags |= VM_NORESERVE;
	/* No huge pages for stacks, where there are any. */
	if (flags & MAP_STACK && IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		vm_flags |= VM_NOHUGEPAGE;
	if ((flags & MAP_TYPE) == MAP_SHARED)
		vm_flags |= VM_SHARED;
	if (flags & MAP_LOCKED)
		vm_flags |= VM_LOCKED;
	if (flags & MAP_GROWSDOWN)
		vm_flags |= VM_GROWSDOWN;
	return vm_flags;
}

static bool mml_mmap_populates(unsigned long flags)
{
	return (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
}

/**
 * mml_mmap - mmap(2), anonymous
 * @mm: the mm
 * @addr: in: a hint, or the place; out: where the mapping is
 * @len: bytes, rounded up to pages
 * @prot: PROT_*; other bits are ignored, as by the kernel
 * @flags: MAP_*
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL, -EEXIST, -ENOMEM, -EAGAIN, -EPERM as mmap(2); -EBADF: not anonymous;
 * -EOPNOTSUPP for flags that the lab does not have; -ENXIO: no window; -EINTR: killed. Nothing has
 * changed then.
 */
int mml_mmap(struct mml_mm *mm, unsigned long *addr, unsigned long len,
	     unsigned long prot, unsigned long flags)
{
	unsigned long place = *addr, vm_flags = mml_mmap_vm_flags(mm, prot, flags);
	int err;

	err = mml_mmap_check(len, flags);
	if (err)
		return err;
	len = PAGE_ALIGN(len);
	if (!len)
		return -ENOMEM;
	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	err = mml_mmap_locked(mm, &place, len, vm_flags, flags);
	vm_flags |= mm->def_flags;
	up_write(&mm->mmap_lock);
	if (err)
		return err;
	*addr = place;
	/* As far as that goes. */
	if (!(vm_flags & VM_LOCKONFAULT) && (vm_flags & VM_LOCKED || mml_mmap_populates(flags)))
		mml_populate(mm, place, place + len, mml_is_private_writable(vm_flags), 0);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_mmap, MM_LAB);

/*
 * mprotect
 */

/* Give the part of @vma in [@start, @end), and its pages, other flags. */
static int mml_mprotect_fixup(struct mml_vma *vma, unsigned long start, unsigned long end,
			      unsigned long prot_flags)
{
	struct mml_mm *mm = vma->vm_mm;
	unsigned long flags = (vma->vm_flags & ~MML_VM_PROT_MASK) | prot_flags;
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	bool populate;
	int err;

	if (flags == vma->vm_flags)
		return 0;
	if (flags & VM_WRITE) {
		/* It may become data. */
		if (!mml_may_expand_vm(mm, flags, pages) &&
		    mml_may_expand_vm(mm, vma->vm_flags, pages))
			return -ENOMEM;
		if (!(vma->vm_flags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE))) {
			if (!mml_enough_memory(mm, pages))
				return -ENOMEM;
			flags |= VM_ACCOUNT;
		}
	} else if (!vma->anon_vma && !vma->shmem) {
		/* Nobody has written to it. */
		flags &= ~VM_ACCOUNT;
	}
	populate = flags & VM_WRITE && (vma->vm_flags & (VM_WRITE | VM_SHARED | VM_LOCKED_MASK)) ==
		VM_LOCKED;
	err = mml_vma_modify_flags(mm, start, end, flags);
	if (err)
		return err;
	mml_wrprotect_range(mm, start, end);
	/* What is locked and can be written now is to be there. */
	if (populate)
		mml_populate_held(mm, start, end, true);
	return 0;
}

/*
 * With PROT_GROWSDOWN it is from the beginning of what grows down. Returns: 0 or an errno; @start:
 * where it begins.
 */
static int mml_mprotect_grows(struct mml_mm *mm, unsigned long *start, unsigned long end,
			      unsigned long prot)
{
	const struct mml_vma *vma = mml_find_vma(mm, *start);

	if (!(prot & (PROT_GROWSDOWN | PROT_GROWSUP)))
		return 0;
	if (!vma || vma->vm_start >= end || (prot & PROT_GROWSUP && vma->vm_start > *start))
		return -ENOMEM;
	if (prot & PROT_GROWSUP || !(vma->vm_flags & VM_GROWSDOWN))
		return -EINVAL;
	*start = vma->vm_start;
	return 0;
}

/* As the kernel: what comes before a hole is changed, then -ENOMEM. */
static int mml_mprotect_locked(struct mml_mm *mm, unsigned long start, unsigned long end,
			       unsigned long prot)
{
	unsigned long prot_flags = mml_prot_to_vm_flags(prot), addr, next;
	int err;

	err = mml_mprotect_grows(mm, &start, end, prot);
	if (err)
		return err;
	mml_flush_tlb_range(mm, start, end);
	addr = start;
	while (addr < end && !err) {
		struct mml_vma *vma = mml_vma_lookup(mm, addr);

		if (!vma) {
			err = -ENOMEM;
			break;
		}
		next = min(vma->vm_end, end);
		err = mml_mprotect_fixup(vma, addr, next, prot_flags);
		addr = next;
	}
	return err;
}

/**
 * mml_mprotect - mprotect(2)
 * @mm: the mm
 * @addr: start
 * @len: bytes, rounded up to pages
 * @prot: PROT_*; with PROT_GROWSDOWN, from the beginning of what is there and grows down
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL; -ENOMEM: a hole in the range, as the kernel after changing what
 * comes before it, or no memory; -ENXIO: no window; -EINTR: killed.
 */
int mml_mprotect(struct mml_mm *mm, unsigned long addr, unsigned long len,
		 unsigned long prot)
{
	int err;

	/* It cannot grow both ways. */
	if ((prot & (PROT_GROWSDOWN | PROT_GROWSUP)) == (PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (!PAGE_ALIGNED(addr))
		return -EINVAL;
	if (!len)
		return 0;
	len = PAGE_ALIGN(len);
	if (!len || addr + len < addr)
		return -ENOMEM;
	if (prot & ~(MML_PROT_MASK | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	err = mml_mmap_write_lock(mm);
	if (err)
		return err;
	err = mml_in_range(mm, addr, len) ?
		mml_mprotect_locked(mm, addr, addr + len, prot) : -ENOMEM;
	up_write(&mm->mmap_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_mprotect, MM_LAB);
