// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that can go without anybody missing what is in them, when memory is short:
 *
 *	those that fault-around mapped and nobody has used (around.c): without a flush, for no TLB
 *	has them
 *	those that were given up by MADV_FREE and not written since: clean entries, that no other mm
 *	shares; the page reads as zeroes then
 *
 * Kernel counterpart: for the second, madvise_free_pte_range() in mm/madvise.c and lazily freed
 * folios in mm/vmscan.c. Difference: there is no list of them; all of an mm's tables are looked at.
 *
 * Invariants, checked by mml_mm_validate(): nr_lazyfree == entries of frames that are clean and not
 * around.
 *
 * Locking: mmap_lock for writing.
 */
#include <linux/sched/signal.h>

#include "mm_lab/vmstat.h"
#include "vma_probe/mm/internal.h"

/*
 * Of [@start, @end), which is flushed: pages that nobody else has are clean from now on, and not
 * accessed. The next write faults, and makes them dirty.
 */
static void mml_lazyfree_table(struct mml_mm *mm, struct mml_ptdesc *table, unsigned long addr,
			       unsigned long end)
{
	unsigned long nr = 0;

	for (; addr < end; addr += PAGE_SIZE) {
		mml_pte_t pte = *mml_entry(mm, table, addr);
		const struct mml_page *page = mml_vm_normal_page(mm, pte);

		if (!page || mml_pte_around(pte) || mml_page_ref_count(page) > 1)
			continue;
		nr += !mml_pte_lazyfree(pte);
		pte.val &= ~(MML_PTE_RW | MML_PTE_DIRTY | MML_PTE_ACCESSED);
		mml_set_pte(mm, table, addr, pte);
	}
	mml_count_vm_events(mm->machine, MML_PGLAZYFREE, nr);
}

/* What was given up in [@start, @end) is not any more: it counts as written. */
static void mml_unlazyfree_table(struct mml_mm *mm, struct mml_ptdesc *table, unsigned long addr,
				 unsigned long end)
{
	for (; addr < end; addr += PAGE_SIZE) {
		mml_pte_t pte = *mml_entry(mm, table, addr);

		if (!mml_pte_lazyfree(pte))
			continue;
		pte.val |= MML_PTE_DIRTY;
		mml_set_pte(mm, table, addr, pte);
	}
}

void mml_unlazyfree_range(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	if (atomic_long_read(&mm->nr_lazyfree))
		mml_walk_range(mm, start, end, mml_unlazyfree_table);
}

/* MADV_FREE of [@start, @end), which is flushed. */
void mml_lazyfree_range(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	mml_walk_range(mm, start, end, mml_lazyfree_table);
}

static bool mml_page_unused(const struct mml_mm *mm, mml_pte_t pte)
{
	return mml_pte_around(pte);
}

static bool mml_page_given_up(const struct mml_mm *mm, mml_pte_t pte)
{
	return mml_pte_lazyfree(pte) && mml_page_ref_count(mml_pte_page(mm, pte)) == 1;
}

/* Of pages that were harvested. Returns: how many frames went. */
unsigned long mml_shrink_around(struct mml_mm *mm, unsigned long nr)
{
	unsigned long freed = 0;

	if (nr && atomic_long_read(&mm->nr_around))
		freed = mml_zap_pages(mm, nr, mml_page_unused);
	mml_count_vm_events(mm->machine, MML_PGAROUND_FREED, freed);
	return freed;
}

/* Is there a page that was given up, and that no relative has? If not, there is nothing to revoke. */
static bool mml_any_page_given_up(struct mml_mm *mm)
{
	unsigned long addr = mm->start, next;
	struct mml_ptdesc *table;

	for (; (table = mml_pte_next(mm, &addr, mm->end)); addr = next) {
		next = mml_table_end(addr, mm->end);
		for (; addr < next; addr += PAGE_SIZE)
			if (mml_page_given_up(mm, *mml_entry(mm, table, addr)))
				return true;
		cond_resched();
	}
	return false;
}

static unsigned long mml_shrink_lazyfree(struct mml_mm *mm, unsigned long nr)
{
	unsigned long freed;

	if (!nr || !atomic_long_read(&mm->nr_lazyfree) || !mml_any_page_given_up(mm))
		return 0;
	mml_flush_tlb_range(mm, mm->start, mm->end);
	freed = mml_zap_pages(mm, nr, mml_page_given_up);
	mml_count_vm_events(mm->machine, MML_PGLAZYFREED, freed);
	return freed;
}

/**
 * mml_shrink_mm - take back frames that nobody needs
 * @mm: from this mm
 * @nr: how many at most
 *
 * Context: process, may sleep; mmap_lock is held for writing.
 * Return: how many there were.
 */
unsigned long mml_shrink_mm(struct mml_mm *mm, unsigned long nr)
{
	unsigned long freed;

	lockdep_assert_held_write(&mm->mmap_lock);

	if (atomic_long_read(&mm->nr_around))
		mml_harvest_mm(mm, MML_HARVEST_UNUSED);
	freed = mml_shrink_around(mm, nr);
	freed += mml_shrink_lazyfree(mm, nr - freed);
	atomic_long_add(freed, &mm->common->nr_taken_back);
	return freed;
}
EXPORT_SYMBOL_NS_GPL(mml_shrink_mm, MM_LAB);

/**
 * mml_mm_shrink_begin - what is to be told to mml_mm_shrink() if what is done now finds no frame
 * @mm: the mm
 *
 * Context: any.
 * Return: a number.
 */
unsigned long mml_mm_shrink_begin(const struct mml_mm *mm)
{
	return atomic_long_read(&mm->common->nr_taken_back);
}

/**
 * mml_mm_shrink - a frame is wanted, and was not to be had
 * @mm: for this mm
 * @begin: what mml_mm_shrink_begin() said before that was tried
 *
 * Context: process, may sleep; no mmap_lock of the lab is held.
 * Return: whether there may be one now, because something was taken back, here or by somebody else.
 */
bool mml_mm_shrink(struct mml_mm *mm, unsigned long begin)
{
	if (mm->stillborn || fatal_signal_pending(current))
		return false;
	if (mm->window_ops)
		mm->window_ops->shrink(mm);
	return mml_mm_shrink_begin(mm) != begin;
}
