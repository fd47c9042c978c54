// SPDX-License-Identifier: GPL-2.0
/*
 * Taking pages out of an address space: clear, revoke, free, in that order.
 *
 * Kernel counterpart: mm/mmu_gather.c, zap_pte_range() in mm/memory.c,
 * change_pte_range() in mm/mprotect.c. Differences: the frames gathered are linked
 * through their own descriptors, so a gather has no size; one revocation for all of
 * the range, as a TLB flush would be.
 *
 * Locking: mmap_lock is held for writing from the gather's begin to its flush, so
 * that no fault brings back what was cleared before it was revoked; each table's
 * mutex while its entries change. The frames are freed under no lock.
 */
#include "mm_lab/frame_list.h"
#include "mm_lab/vmstat.h"
#include "vma_probe/mm/internal.h"

void mml_tlb_gather_mmu(struct mml_mmu_gather *tlb, struct mml_mm *mm)
{
	lockdep_assert_held_write(&mm->mmap_lock);

	tlb->mm = mm;
	tlb->start = ULONG_MAX;
	tlb->end = 0;
	mml_frame_list_init(&tlb->frames);
}

/* The real entry of @addr has to be revoked. */
void mml_tlb_track(struct mml_mmu_gather *tlb, unsigned long addr)
{
	tlb->start = min(tlb->start, addr);
	tlb->end = max(tlb->end, addr + PAGE_SIZE);
}

/* Revoke what was tracked; what was gathered can be freed from then on. */
void mml_tlb_flush(struct mml_mmu_gather *tlb)
{
	struct mml_mm *mm = tlb->mm;

	lockdep_assert_held_write(&mm->mmap_lock);

	if (tlb->start >= tlb->end)
		return;
	mml_count_vm_event(mm->machine, MML_TLB_FLUSH);
	if (mm->window_ops)
		mm->window_ops->revoke(mm, tlb->start, tlb->end);
	tlb->start = ULONG_MAX;
	tlb->end = 0;
}

/* Free what was gathered, and flushed. */
void mml_tlb_finish_mmu(struct mml_mmu_gather *tlb)
{
	struct mml_page *page;

	while ((page = mml_frame_list_pop(tlb->mm->machine, &tlb->frames))) {
		mml_mm_free_page(tlb->mm, page);
		cond_resched();
	}
}

static void mml_zap_pte(struct mml_mmu_gather *tlb, struct mml_ptdesc *table,
			unsigned long addr)
{
	struct mml_mm *mm = tlb->mm;
	mml_pte_t pte = *mml_entry(mm, table, addr);
	struct mml_page *page;

	if (!mml_pte_present(pte))
		return;
	mml_set_pte(mm, table, addr, (mml_pte_t){});
	mml_tlb_track(tlb, addr);
	page = mml_pte_page(mm, pte);
	atomic_dec(&page->_mapcount);
	atomic_long_dec(&mm->anon_rss);
	mml_frame_list_add(mm->machine, &tlb->frames, page);
}

static void mml_wrprotect_pte(struct mml_mmu_gather *tlb, struct mml_ptdesc *table,
			      unsigned long addr)
{
	mml_pte_t pte = *mml_entry(tlb->mm, table, addr);

	if (!mml_pte_present(pte))
		return;
	pte.val &= ~MML_PTE_RW;
	pte.val |= MML_PTE_NX;
	mml_set_pte(tlb->mm, table, addr, pte);
	mml_tlb_track(tlb, addr);
}

/* Call @fn for each PTE of [@start, @end) that has a table, under its mutex. */
static void mml_walk_range(struct mml_mmu_gather *tlb, unsigned long start,
			   unsigned long end,
			   void (*fn)(struct mml_mmu_gather *tlb,
				      struct mml_ptdesc *table,
				      unsigned long addr))
{
	unsigned long addr = start, next;
	struct mml_ptdesc *table;

	lockdep_assert_held_write(&tlb->mm->mmap_lock);

	while ((table = mml_pte_next(tlb->mm, &addr, end))) {
		next = mml_table_end(addr, end);
		mutex_lock(&table->lock);
		for (; addr < next; addr += PAGE_SIZE)
			fn(tlb, table, addr);
		mutex_unlock(&table->lock);
		cond_resched();
	}
}

/* Clear all PTEs of [@start, @end), and gather their frames. */
void mml_zap_range(struct mml_mmu_gather *tlb, unsigned long start,
		   unsigned long end)
{
	mml_walk_range(tlb, start, end, mml_zap_pte);
}

/*
 * Take from all PTEs of [@start, @end) what a vma can grant, writing and execution;
 * the next fault gives back what the vma then grants.
 */
void mml_wrprotect_range(struct mml_mmu_gather *tlb, unsigned long start,
			 unsigned long end)
{
	mml_walk_range(tlb, start, end, mml_wrprotect_pte);
}
