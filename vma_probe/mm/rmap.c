// SPDX-License-Identifier: GPL-2.0
/*
 * Whose pages the pages of a vma are.
 *
 * A vma gets an anon_vma when its first page is written. What is split off it has the same
 * one, and so has a neighbour that could be one with it but for its protection: the two can
 * be merged later. Vmas that were written apart cannot. A child of fork has anon_vmas of its
 * own, and is merged with nobody that has none.
 *
 *	mmap A, mmap B beyond a hole, write to both, mmap the hole:
 *
 *	  A: anon_vma 1   hole: none   B: anon_vma 2
 *	[ A and the hole: anon_vma 1 ][ B: anon_vma 2 ]
 *
 * Kernel counterpart: mm/rmap.c (anon_vma_prepare(), anon_vma_fork()), and what mm/vma.c asks
 * of it. Difference: an anon_vma does not know its vmas, for nobody looks for those who map a
 * frame yet; that its vmas have ancestors is a flag of it, where the kernel has a chain.
 *
 * Locking: mmap_lock; page_table_lock to give a vma its first one under mmap_lock for
 * reading. The count is of vmas, of one mm.
 */
#include "vma_probe/mm/internal.h"

/**
 * struct mml_anon_vma - to whom pages belong
 * @refs: vmas that have it
 * @forked: these have ancestors in other mms
 */
struct mml_anon_vma {
	refcount_t refs;
	bool forked;
};

static struct mml_anon_vma *mml_anon_vma_alloc(struct mml_mm *mm, bool forked)
{
	struct mml_anon_vma *anon_vma = mml_kzalloc(mm->machine, sizeof(*anon_vma),
						    GFP_KERNEL_ACCOUNT);

	if (!anon_vma) {
		mml_explain_alloc(mm->machine, MML_WHY_KERNEL_MEMORY, GFP_KERNEL_ACCOUNT, 0);
		return NULL;
	}
	refcount_set(&anon_vma->refs, 1);
	anon_vma->forked = forked;
	return anon_vma;
}

/* One vma more has it; NULL is nobody's. */
struct mml_anon_vma *mml_anon_vma_get(struct mml_anon_vma *anon_vma)
{
	if (anon_vma)
		refcount_inc(&anon_vma->refs);
	return anon_vma;
}

void mml_anon_vma_put(struct mml_anon_vma *anon_vma)
{
	if (anon_vma && refcount_dec_and_test(&anon_vma->refs))
		kfree(anon_vma);
}

/*
 * Do the anon_vmas of @a and @b let them become one? @neighbour is the one of them that is not
 * being changed, or NULL if neither is. As in 6.12, one without an anon_vma takes none over
 * from a vma that is changed, only the other way round.
 */
bool mml_anon_vma_mergeable(const struct mml_vma *a, const struct mml_vma *b,
			    const struct mml_vma *neighbour)
{
	if ((!a->anon_vma || !b->anon_vma) &&
	    (!neighbour || (neighbour->anon_vma && !neighbour->anon_vma->forked)))
		return true;
	return a->anon_vma == b->anon_vma;
}

/* Might @a and @b, where @b follows, become one, were their protections the same? */
static bool mml_anon_vma_compatible(const struct mml_vma *a, const struct mml_vma *b)
{
	return a->vm_end == b->vm_start &&
	       !((a->vm_flags ^ b->vm_flags) & ~VM_ACCESS_FLAGS) && mml_vma_continues(a, b);
}

/* The one of @old, which is @a or @b, if @a and @b may have the same. */
static struct mml_anon_vma *mml_reusable_anon_vma(const struct mml_vma *old,
						  const struct mml_vma *a,
						  const struct mml_vma *b)
{
	struct mml_anon_vma *anon_vma = READ_ONCE(old->anon_vma);

	return anon_vma && !anon_vma->forked && mml_anon_vma_compatible(a, b) ? anon_vma : NULL;
}

/* A neighbour's, the upper one's first. */
static struct mml_anon_vma *mml_find_mergeable_anon_vma(struct mml_mm *mm,
							const struct mml_vma *vma)
{
	const struct mml_vma *next = mml_vma_lookup(mm, vma->vm_end);
	const struct mml_vma *prev = vma->vm_start ? mml_vma_lookup(mm, vma->vm_start - 1) : NULL;
	struct mml_anon_vma *anon_vma = NULL;

	if (next)
		anon_vma = mml_reusable_anon_vma(next, vma, next);
	if (!anon_vma && prev)
		anon_vma = mml_reusable_anon_vma(prev, prev, vma);
	return anon_vma;
}

/*
 * A page of @vma is about to be written. Context: mmap_lock is held; sleeps. Returns: 0 or
 * -ENOMEM.
 */
int mml_anon_vma_prepare(struct mml_mm *mm, struct mml_vma *vma)
{
	struct mml_anon_vma *anon_vma;

	if (likely(READ_ONCE(vma->anon_vma)))
		return 0;
	anon_vma = mml_anon_vma_get(mml_find_mergeable_anon_vma(mm, vma)) ?:
		   mml_anon_vma_alloc(mm, false);
	/* Another thread may have got the last memory, for the same. */
	if (!anon_vma)
		return READ_ONCE(vma->anon_vma) ? 0 : -ENOMEM;
	spin_lock(&mm->page_table_lock);
	if (!vma->anon_vma) {
		/* It is complete before others look at it: mml_reusable_anon_vma(). */
		smp_store_release(&vma->anon_vma, anon_vma);
		anon_vma = NULL;
	}
	spin_unlock(&mm->page_table_lock);
	mml_anon_vma_put(anon_vma);
	return 0;
}

/* @vma, of a child, gets what its @parent has, but one of its own. Returns: 0 or -ENOMEM. */
int mml_anon_vma_fork(struct mml_mm *mm, struct mml_vma *vma, const struct mml_vma *parent)
{
	if (!parent->anon_vma)
		return 0;
	vma->anon_vma = mml_anon_vma_alloc(mm, true);
	return vma->anon_vma ? 0 : -ENOMEM;
}
