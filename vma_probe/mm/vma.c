// SPDX-License-Identifier: GPL-2.0
/*
 * Vmas: the maple tree of them, look-up, splitting, merging, finding room.
 *
 * Kernel counterpart: mm/vma.c, and unmapped_area_topdown() in mm/mmap.c.
 * Differences: vmas are equal, and so can be merged, when their flags are; there is
 * no file, no anon_vma and no policy that could tell them apart. No randomized base:
 * mappings begin at the top of the window.
 *
 * mml_vma_replace() is the one way in which a range changes hands: it splits at the
 * ends, allocates what the tree needs, and only then changes anything but those
 * splits, which nobody can see in what memory does, and which are merged again on
 * failure.
 *
 * Invariants, checked by mml_mm_validate():
 *	the tree maps [vm_start, vm_end - 1] to the vma, and nothing else
 *	vmas are not empty, page-aligned, within [mm->start, mm->end), not overlapping
 *	adjacent vmas differ in their flags: else they would have been merged
 *
 * Locking: mmap_lock, for writing where anything changes.
 */
#include "vma_probe/mm/internal.h"

static unsigned long mml_vma_pages(const struct mml_vma *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

struct mml_vma *mml_vma_alloc(struct mml_mm *mm, unsigned long start,
			      unsigned long end, unsigned long flags, gfp_t gfp)
{
	struct mml_vma *vma = mml_kzalloc(mm->machine, sizeof(*vma), gfp);

	if (vma) {
		vma->vm_start = start;
		vma->vm_end = end;
		vma->vm_flags = flags;
	}
	return vma;
}

void mml_free_vmas(struct list_head *vmas)
{
	struct mml_vma *vma, *next;

	list_for_each_entry_safe(vma, next, vmas, node)
		kfree(vma);
}

/**
 * mml_find_vma - the first vma that ends above an address
 * @mm: the mm
 * @addr: the address
 *
 * Context: mmap_lock is held.
 * Return: the vma, which need not contain @addr; or NULL.
 */
struct mml_vma *mml_find_vma(struct mml_mm *mm, unsigned long addr)
{
	MA_STATE(mas, &mm->mt, addr, addr);

	lockdep_assert_held(&mm->mmap_lock);

	return mas_find(&mas, ULONG_MAX);
}
EXPORT_SYMBOL_NS_GPL(mml_find_vma, MM_LAB);

/**
 * mml_vma_lookup - the vma that contains an address
 * @mm: the mm
 * @addr: the address
 *
 * Context: mmap_lock is held.
 * Return: the vma, or NULL.
 */
struct mml_vma *mml_vma_lookup(struct mml_mm *mm, unsigned long addr)
{
	MA_STATE(mas, &mm->mt, addr, addr);

	lockdep_assert_held(&mm->mmap_lock);

	return mas_walk(&mas);
}
EXPORT_SYMBOL_NS_GPL(mml_vma_lookup, MM_LAB);

/* Let the tree say that [@start, @end) belongs to @vma, or to nobody (NULL). */
static int mml_vma_store(struct mml_mm *mm, unsigned long start, unsigned long end,
			 struct mml_vma *vma, gfp_t gfp)
{
	MA_STATE(mas, &mm->mt, start, end - 1);
	int err;

	lockdep_assert_held_write(&mm->mmap_lock);

	err = mml_mas_preallocate(mm->machine, &mas, vma, gfp);
	if (!err)
		mas_store_prealloc(&mas, vma);
	return err;
}

/**
 * mml_split_vma - make two vmas of one
 * @mm: the mm
 * @vma: one of its vmas
 * @addr: where, inside @vma; it keeps what is below
 *
 * Context: mmap_lock is held for writing. May sleep.
 * Return: 0, or -ENOMEM: nothing has changed then.
 */
int mml_split_vma(struct mml_mm *mm, struct mml_vma *vma, unsigned long addr)
{
	struct mml_vma *upper;

	lockdep_assert_held_write(&mm->mmap_lock);

	upper = mml_vma_alloc(mm, addr, vma->vm_end, vma->vm_flags,
			      GFP_KERNEL_ACCOUNT);
	if (!upper)
		return -ENOMEM;
	if (mml_vma_store(mm, addr, vma->vm_end, upper, GFP_KERNEL_ACCOUNT)) {
		kfree(upper);
		return -ENOMEM;
	}
	vma->vm_end = addr;
	mm->map_count++;
	return 0;
}

/* Split what straddles @addr, if anything does. */
static int mml_split_at(struct mml_mm *mm, unsigned long addr)
{
	struct mml_vma *vma = mml_vma_lookup(mm, addr);

	return vma && vma->vm_start < addr ? mml_split_vma(mm, vma, addr) : 0;
}

/* Merge the vma that begins at @addr into the one that ends there, if they agree. */
static void mml_merge_at(struct mml_mm *mm, unsigned long addr)
{
	struct mml_vma *lower, *upper;

	lower = addr ? mml_vma_lookup(mm, addr - 1) : NULL;
	upper = mml_vma_lookup(mm, addr);
	if (!lower || !upper || lower == upper ||
	    lower->vm_flags != upper->vm_flags)
		return;
	mml_vma_store(mm, lower->vm_start, upper->vm_end, lower,
		      GFP_KERNEL | __GFP_NOFAIL);
	lower->vm_end = upper->vm_end;
	mm->map_count--;
	kfree(upper);
}

/*
 * Merge what can be merged in and around [@start, @end). It does not fail: what is done
 * by then cannot be undone, and a node of the tree is little to wait for.
 */
void mml_vma_merge(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	unsigned long addr = start;
	struct mml_vma *vma;

	lockdep_assert_held_write(&mm->mmap_lock);

	mml_merge_at(mm, start);
	while ((vma = mml_find_vma(mm, addr)) && vma->vm_start < end) {
		addr = vma->vm_end;
		mml_merge_at(mm, addr);
	}
}

/* Put the vmas of [@start, @end), which are wholly inside, on a list. */
static void mml_vma_collect(struct mml_mm *mm, unsigned long start,
			    unsigned long end, struct list_head *old)
{
	MA_STATE(mas, &mm->mt, start, start);
	struct mml_vma *vma;

	mas_for_each(&mas, vma, end - 1) {
		list_add_tail(&vma->node, old);
		mm->map_count--;
		mm->total_vm -= mml_vma_pages(vma);
	}
}

/**
 * mml_vma_replace - what is mapped at a range makes room for a vma, or for nothing
 * @mm: the mm
 * @start: of the range
 * @end: of the range
 * @vma: exactly that range; or NULL
 * @old: out: the vmas that were there, no longer in the tree
 * @gfp: for the tree's nodes
 *
 * Context: mmap_lock is held for writing. May sleep.
 * Return: 0, or -ENOMEM: nothing has changed then.
 */
int mml_vma_replace(struct mml_mm *mm, unsigned long start, unsigned long end,
		    struct mml_vma *vma, struct list_head *old, gfp_t gfp)
{
	MA_STATE(mas, &mm->mt, start, end - 1);
	int err;

	lockdep_assert_held_write(&mm->mmap_lock);

	err = mml_split_at(mm, start);
	if (!err)
		err = mml_split_at(mm, end);
	if (!err)
		err = mml_mas_preallocate(mm->machine, &mas, vma, gfp);
	if (err) {
		mml_merge_at(mm, start);
		mml_merge_at(mm, end);
		return err;
	}
	mml_vma_collect(mm, start, end, old);
	mas_store_prealloc(&mas, vma);
	if (vma) {
		mm->map_count++;
		mm->total_vm += mml_vma_pages(vma);
	}
	return 0;
}

/* Let @vma end at @end, further up; nothing is mapped there. Returns: 0, -ENOMEM. */
int mml_vma_expand(struct mml_mm *mm, struct mml_vma *vma, unsigned long end)
{
	lockdep_assert_held_write(&mm->mmap_lock);

	if (mml_vma_store(mm, vma->vm_start, end, vma, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	mm->total_vm += (end - vma->vm_end) >> PAGE_SHIFT;
	vma->vm_end = end;
	return 0;
}

/* Is [@addr, @addr + @len) inside the mm's range, and empty? */
static bool mml_range_free(struct mml_mm *mm, unsigned long addr, unsigned long len)
{
	struct mml_vma *vma;

	if (addr < mm->start || len > mm->end || addr > mm->end - len)
		return false;
	vma = mml_find_vma(mm, addr);
	return !vma || vma->vm_start >= addr + len;
}

/*
 * Find room for @len bytes: at @hint if that is free, else as far up as there is
 * room. Returns: 0 or -ENOMEM.
 */
int mml_unmapped_area(struct mml_mm *mm, unsigned long hint, unsigned long len,
		      unsigned long *addr)
{
	MA_STATE(mas, &mm->mt, 0, 0);

	lockdep_assert_held(&mm->mmap_lock);

	if (len > mm->end - mm->start)
		return -ENOMEM;
	hint = PAGE_ALIGN(hint);
	if (hint && mml_range_free(mm, hint, len)) {
		*addr = hint;
		return 0;
	}
	if (mas_empty_area_rev(&mas, mm->start, mm->end - 1, len))
		return -ENOMEM;
	*addr = mas.last + 1 - len;
	return 0;
}
