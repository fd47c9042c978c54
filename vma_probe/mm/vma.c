// SPDX-License-Identifier: GPL-2.0
/*
 * Vmas: the maple tree of them, look-up, splitting, merging, finding room.
 *
 * Kernel counterpart: mm/vma.c, and unmapped_area_topdown() in mm/mmap.c.
 * Vmas are merged as there: a call that changes one, or makes one, looks at its two
 * neighbours, and at nothing else. Differences: there is no policy and no name
 * that could tell them apart. No randomized base: mappings begin at the top of the window.
 *
 * mml_vma_replace() is the one way in which a range changes hands: it splits at the
 * ends, allocates what the tree needs, and only then changes anything but those
 * splits, which nobody can see in what memory does, and which are merged again on
 * failure.
 *
 * Invariants, checked by mml_mm_validate():
 *	the tree maps [vm_start, vm_end - 1] to the vma, and nothing else
 *	vmas are not empty, page-aligned, within [mm->start, mm->end), not overlapping
 *	adjacent vmas of which no page was written differ in their flags, or in vm_pgoff: else
 *	they would have been merged. (Not if mm->unmerged: a child of fork has pieces that its
 *	parent had written apart, but, with MADV_WIPEONFORK, has not what was written;
 *	MREMAP_DONTUNMAP leaves a vma that becomes one with nobody then.)
 *
 * Locking: mmap_lock, for writing where anything changes.
 */
#include "vma_probe/mm/internal.h"

struct mml_vma *mml_vma_alloc(struct mml_mm *mm, unsigned long start,
			      unsigned long end, unsigned long flags, gfp_t gfp)
{
	struct mml_vma *vma = mml_kzalloc(mm->machine, sizeof(*vma), gfp);

	if (vma) {
		vma->vm_mm = mm;
		INIT_LIST_HEAD(&vma->anon_vma_chain);
		vma->vm_start = start;
		vma->vm_end = end;
		vma->vm_flags = flags;
		vma->vm_pgoff = start >> PAGE_SHIFT;
	}
	return vma;
}

void mml_vma_free(struct mml_vma *vma)
{
	mml_shmem_unlink(vma);
	mml_unlink_anon_vmas(vma);
	kfree(vma);
}

void mml_free_vmas(struct list_head *vmas)
{
	struct mml_vma *vma, *next;

	list_for_each_entry_safe(vma, next, vmas, node)
		mml_vma_free(vma);
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

/* The last vma that begins below @addr; or NULL. */
struct mml_vma *mml_vma_prev(struct mml_mm *mm, unsigned long addr)
{
	MA_STATE(mas, &mm->mt, addr, addr);

	lockdep_assert_held(&mm->mmap_lock);

	return mas_prev(&mas, 0);
}

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
	upper->vm_pgoff = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
	upper->anon_vma = vma->anon_vma;
	mml_shmem_clone(upper, vma);
	if (mml_anon_vma_clone(upper, vma) ||
	    mml_vma_store(mm, addr, vma->vm_end, upper, GFP_KERNEL_ACCOUNT)) {
		mml_vma_free(upper);
		return -ENOMEM;
	}
	mml_vma_set_range(vma, vma->vm_start, addr);
	mm->map_count++;
	return 0;
}

/* Split what straddles @addr, if anything does. */
static int mml_split_at(struct mml_mm *mm, unsigned long addr)
{
	struct mml_vma *vma = mml_vma_lookup(mm, addr);

	return vma && vma->vm_start < addr ? mml_split_vma(mm, vma, addr) : 0;
}

/*
 * Merging.
 */

/* Can @lower and @upper become one? @neighbour is the one of them that is not changed. */
static bool mml_can_vma_merge(const struct mml_vma *lower, const struct mml_vma *upper,
			      const struct mml_vma *neighbour)
{
	return lower->vm_flags == upper->vm_flags && mml_vma_continues(lower, upper) &&
	       mml_anon_vma_mergeable(lower, upper, neighbour);
}

/*
 * @upper becomes a part of @lower. It does not fail: what is done by then cannot be undone,
 * and a node of the tree is little to wait for.
 */
static void mml_vma_join(struct mml_mm *mm, struct mml_vma *lower, struct mml_vma *upper)
{
	mml_vma_store(mm, lower->vm_start, upper->vm_end, lower, GFP_KERNEL | __GFP_NOFAIL);
	if (!lower->anon_vma)
		mml_anon_vma_adopt(lower, upper);
	mml_vma_set_range(lower, lower->vm_start, upper->vm_end);
	mm->map_count--;
	mml_vma_free(upper);
}

/* As mml_vma_merge(), but not with @stranger. */
void mml_vma_merge_but(struct mml_mm *mm, struct mml_vma *vma, const struct mml_vma *stranger)
{
	struct mml_vma *prev, *next;
	bool left, right;

	lockdep_assert_held_write(&mm->mmap_lock);

	prev = vma->vm_start ? mml_vma_lookup(mm, vma->vm_start - 1) : NULL;
	next = mml_vma_lookup(mm, vma->vm_end);
	left = prev && prev != stranger && mml_can_vma_merge(prev, vma, prev);
	right = next && next != stranger && mml_can_vma_merge(vma, next, next) &&
		(!left || mml_anon_vma_mergeable(prev, next, NULL));
	if (right)
		mml_vma_join(mm, vma, next);
	if (left)
		mml_vma_join(mm, prev, vma);
}

/*
 * @vma was changed, or is new: merge it with its neighbours, the lower one first. @vma may be
 * gone then.
 */
void mml_vma_merge(struct mml_mm *mm, struct mml_vma *vma)
{
	mml_vma_merge_but(mm, vma, NULL);
}

/* @vma has grown upwards: merge it with what it has come to. */
static void mml_vma_merge_next(struct mml_mm *mm, struct mml_vma *vma)
{
	struct mml_vma *next = mml_vma_lookup(mm, vma->vm_end);

	if (next && mml_can_vma_merge(vma, next, next))
		mml_vma_join(mm, vma, next);
}

/* What was split at @addr, and has not been changed, is one again. */
void mml_unsplit_at(struct mml_mm *mm, unsigned long addr)
{
	struct mml_vma *lower = addr ? mml_vma_lookup(mm, addr - 1) : NULL;
	struct mml_vma *upper = mml_vma_lookup(mm, addr);

	if (lower && upper && lower != upper && lower->vm_flags == upper->vm_flags &&
	    lower->anon_vma == upper->anon_vma && mml_vma_continues(lower, upper))
		mml_vma_join(mm, lower, upper);
}

/* Split what straddles the ends of [@start, @end). Returns: 0; -ENOMEM, and nothing is. */
int mml_split_range(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	int err = mml_split_at(mm, start);

	if (!err) {
		err = mml_split_at(mm, end);
		if (err)
			mml_unsplit_at(mm, start);
	}
	return err;
}

/* @vma, as it is, has @flags from now on. */
void mml_vma_set_flags(struct mml_vma *vma, unsigned long flags)
{
	mml_vm_account(vma->vm_mm, vma->vm_flags, -(long)mml_vma_pages(vma));
	mml_vm_account(vma->vm_mm, flags, mml_vma_pages(vma));
	vma->vm_flags = flags;
}

/*
 * Let [@start, @end), which lies inside one vma, have @flags: split it, and merge it with
 * neighbours. Returns: 0; -ENOMEM, and nothing has changed.
 */
int mml_vma_modify_flags(struct mml_mm *mm, unsigned long start, unsigned long end,
			 unsigned long flags)
{
	struct mml_vma *vma = mml_vma_lookup(mm, start);
	int err;

	if (vma->vm_flags == flags)
		return 0;
	if (!mml_map_count_ok(mm, (vma->vm_start < start) + (end < vma->vm_end)))
		return -ENOMEM;
	err = mml_split_range(mm, start, end);
	if (err)
		return err;
	vma = mml_vma_lookup(mm, start);
	mml_vma_set_flags(vma, flags);
	mml_vma_merge(mm, vma);
	return 0;
}

/* Would there be too many vmas if [@start, @end) was cut out? It may be out of one's middle. */
static bool mml_too_many_pieces(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	const struct mml_vma *vma = mml_find_vma(mm, start);

	return vma && vma->vm_start < start && end < vma->vm_end && !mml_map_count_ok(mm, 1);
}

/* Put the vmas of [@start, @end), which are wholly inside, on a list. */
static void mml_vma_collect(struct mml_mm *mm, unsigned long start,
			    unsigned long end, struct list_head *old)
{
	MA_STATE(mas, &mm->mt, start, start);
	struct mml_vma *vma;

	mm->hiwater_vm = max(mm->hiwater_vm, mm->total_vm);
	mas_for_each(&mas, vma, end - 1) {
		list_add_tail(&vma->node, old);
		mm->map_count--;
		mml_vm_account(mm, vma->vm_flags, -(long)mml_vma_pages(vma));
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

	if (mml_too_many_pieces(mm, start, end))
		return -ENOMEM;
	err = mml_split_range(mm, start, end);
	if (err)
		return err;
	err = mml_mas_preallocate(mm->machine, &mas, vma, gfp);
	if (err) {
		mml_unsplit_at(mm, start);
		mml_unsplit_at(mm, end);
		return err;
	}
	mml_vma_collect(mm, start, end, old);
	mas_store_prealloc(&mas, vma);
	if (vma) {
		mm->map_count++;
		mml_vm_account(mm, vma->vm_flags, mml_vma_pages(vma));
	}
	return 0;
}

/*
 * Let @vma end at @end, further up, where nothing is mapped, and merge it with what it comes to.
 * Returns: 0 or -ENOMEM.
 */
int mml_vma_expand(struct mml_mm *mm, struct mml_vma *vma, unsigned long end)
{
	lockdep_assert_held_write(&mm->mmap_lock);

	if (mml_vma_store(mm, vma->vm_start, end, vma, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	mml_vm_account(mm, vma->vm_flags, (end - vma->vm_end) >> PAGE_SHIFT);
	mml_vma_set_range(vma, vma->vm_start, end);
	mml_vma_merge_next(mm, vma);
	return 0;
}

/* Let @vma begin at @start, further down, where nothing is mapped. Returns: 0 or -ENOMEM. */
int mml_vma_expand_down(struct mml_mm *mm, struct mml_vma *vma, unsigned long start)
{
	lockdep_assert_held_write(&mm->mmap_lock);

	if (mml_vma_store(mm, start, vma->vm_end, vma, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	mml_vm_account(mm, vma->vm_flags, (vma->vm_start - start) >> PAGE_SHIFT);
	mml_vma_set_range(vma, start, vma->vm_end);
	return 0;
}

/* Is [@addr, @addr + @len) inside the mm's range, empty, and in nobody's gap? */
static bool mml_range_free(struct mml_mm *mm, unsigned long addr, unsigned long len)
{
	struct mml_vma *vma;

	if (addr < mm->start || len > mm->end || addr > mm->end - len)
		return false;
	vma = mml_find_vma(mm, addr);
	return !vma || mml_vm_start_gap(vma) >= addr + len;
}

/*
 * Find room for @len bytes: at @hint if that is free, else as far up as there is
 * room. Returns: 0 or -ENOMEM.
 */
int mml_unmapped_area(struct mml_mm *mm, unsigned long hint, unsigned long len,
		      unsigned long *addr)
{
	unsigned long high = mm->end;
	struct mml_vma *next;

	lockdep_assert_held(&mm->mmap_lock);

	if (len > mm->end - mm->start)
		return -ENOMEM;
	hint &= PAGE_MASK;
	if (hint && mml_range_free(mm, hint, len)) {
		*addr = hint;
		return 0;
	}
	do {
		MA_STATE(mas, &mm->mt, 0, 0);

		if (high <= mm->start || mas_empty_area_rev(&mas, mm->start, high - 1, len))
			return -ENOMEM;
		*addr = mas.last + 1 - len;
		next = mml_find_vma(mm, *addr);
		/* Below what grows down, and too near: again, below its gap. */
		high = next ? mml_vm_start_gap(next) : mm->end;
	} while (*addr + len > high);
	return 0;
}
