// SPDX-License-Identifier: GPL-2.0
/*
 * Taking pages, or what they allow, out of an address space.
 *
 * mmap_lock is held for writing, so no fault comes. The real entries are revoked first, once
 * for the whole range, as a TLB would be flushed; nothing can bring them back until the lock
 * is dropped. Then the lab's entries change, and a frame goes back as soon as nobody maps it:
 * there is nothing to be gathered until a flush. So whoever calls mml_zap_range() or
 * mml_wrprotect_range() has called mml_flush_tlb_range() before, over all that it is about to
 * change.
 *
 * Kernel counterpart: mm/mmu_gather.c, zap_pte_range() in mm/memory.c, change_pte_range() in
 * mm/mprotect.c. Difference: the kernel clears, flushes, frees, because the hardware walks its
 * tables by itself and would refill a TLB that was flushed before; and so it has to carry the
 * frames from the first step to the last. Here faults refill it.
 *
 * Locking: see above; each table's mutex while its entries change.
 */
#include "mm_lab/vmstat.h"
#include "vma_probe/mm/internal.h"

/*
 * Revoke the real entries of [@start, @end): of those parts of it that have entries at all.
 * Context: mmap_lock is held for writing, and will be until what is to be taken away is.
 */
void mml_flush_tlb_range(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	unsigned long addr = start, first = end, last = start;
	struct mml_ptdesc *table;

	lockdep_assert_held_write(&mm->mmap_lock);

	for (; (table = mml_pte_next(mm, &addr, end)); addr = mml_table_end(addr, end)) {
		if (!table->nr_present)
			continue;
		first = min(first, addr);
		last = mml_table_end(addr, end);
	}
	if (first >= last)
		return;
	if (atomic_long_read(&mm->nr_around))
		mml_harvest(mm, first, last, MML_HARVEST_UNUSED);
	mml_count_vm_event(mm->machine, MML_TLB_FLUSH);
	if (mm->window_ops)
		mm->window_ops->revoke(mm, first, last);
}

/*
 * Frames that an mm maps no longer: of those, others map @shared, and nobody @last. @around of them
 * were around, @lazyfree were given up. And @shmem of shared memory.
 */
struct mml_zap {
	unsigned long around;
	unsigned long lazyfree;
	unsigned long last;
	unsigned long shared;
	unsigned long shmem;
};

static void mml_zap_account(struct mml_mm *mm, const struct mml_zap *zap)
{
	atomic_long_sub(zap->last + zap->shared, &mm->anon_rss);
	atomic_long_sub(zap->last, &mm->common->nr_anon);
	if (zap->around)
		mml_count_around(mm, -(long)zap->around);
	if (zap->lazyfree)
		mml_count_lazyfree(mm, -(long)zap->lazyfree);
	if (zap->shmem)
		atomic_long_sub(zap->shmem, &mm->shmem_rss);
	mml_counter_uncharge(mm->counter, zap->last);
	mml_counter_unshare(mm->counter, zap->shared + zap->shmem);
}

/* An entry less maps @page. */
static void mml_page_remove_rmap(struct mml_mm *mm, struct mml_page *page, struct mml_zap *zap)
{
	bool last = atomic_dec_and_test(&page->_mapcount);

	if (page->type == MML_PAGE_SHMEM)
		zap->shmem++;
	else if (last)
		zap->last++;
	else
		zap->shared++;
	__mml_free_pages(mm->machine, page, 0);
}

/* An entry of @mm maps a copy of @page, instead: @mm maps as many as before. */
void mml_anon_page_replaced(struct mml_mm *mm, struct mml_page *page)
{
	struct mml_zap zap = {};

	mml_page_remove_rmap(mm, page, &zap);
	mml_counter_uncharge(mm->counter->parent, zap.last);
	atomic_long_sub(zap.last, &mm->common->nr_anon);
}

/* Clear an entry; @zap counts what went. */
static void mml_zap_pte(struct mml_mm *mm, struct mml_ptdesc *table, mml_pte_t *entry,
			struct mml_zap *zap)
{
	struct mml_page *page = mml_vm_normal_page(mm, *entry);

	lockdep_assert_held(&table->lock);

	zap->around += mml_pte_around(*entry);
	zap->lazyfree += mml_pte_lazyfree(*entry);
	table->nr_present--;
	WRITE_ONCE(entry->val, 0);
	if (page)
		mml_page_remove_rmap(mm, page, zap);
}

static void mml_zap_table(struct mml_mm *mm, struct mml_ptdesc *table, unsigned long addr,
			  unsigned long end)
{
	mml_pte_t *entry = mml_entry(mm, table, addr);
	struct mml_zap zap = {};

	for (; addr < end && table->nr_present; addr += PAGE_SIZE, entry++)
		if (mml_pte_present(*entry))
			mml_zap_pte(mm, table, entry, &zap);
	mml_zap_account(mm, &zap);
}

/* There are as many frames as there are; it was never more, as far as that is known. */
void mml_raise_hiwater_rss(struct mml_mm *mm)
{
	long hiwater = atomic_long_read(&mm->hiwater_rss), rss = mml_mm_rss(mm);

	while (rss > hiwater && !atomic_long_try_cmpxchg(&mm->hiwater_rss, &hiwater, rss))
		;
}

/* Clear the one of @addr. Context: mmap_lock need not be held. */
void mml_zap_one(struct mml_mm *mm, struct mml_ptdesc *table, unsigned long addr)
{
	struct mml_zap zap = {};

	mml_raise_hiwater_rss(mm);
	mml_zap_pte(mm, table, mml_entry(mm, table, addr), &zap);
	mml_zap_account(mm, &zap);
}

static void mml_wrprotect_table(struct mml_mm *mm, struct mml_ptdesc *table, unsigned long addr,
				unsigned long end)
{
	for (; addr < end; addr += PAGE_SIZE) {
		mml_pte_t pte = *mml_entry(mm, table, addr);

		if (!mml_pte_present(pte))
			continue;
		pte.val &= ~MML_PTE_RW;
		pte.val |= MML_PTE_NX;
		mml_set_pte(mm, table, addr, pte);
	}
}

/* Call @fn for each part of [@start, @end) that has a table, under its mutex. */
void mml_walk_range(struct mml_mm *mm, unsigned long start, unsigned long end,
		    void (*fn)(struct mml_mm *mm, struct mml_ptdesc *table,
			       unsigned long addr, unsigned long end))
{
	unsigned long addr = start, next;
	struct mml_ptdesc *table;

	lockdep_assert_held_write(&mm->mmap_lock);

	for (; (table = mml_pte_next(mm, &addr, end)); addr = next) {
		next = mml_table_end(addr, end);
		mutex_lock(&table->lock);
		fn(mm, table, addr, next);
		mutex_unlock(&table->lock);
		cond_resched();
	}
}

/*
 * Frames are about to go: keep how many there were at most. Which of those that came along were
 * used takes a look at all tables. As it is only had when an eighth more frames are mapped than the
 * last time, it costs a small part, all in all, of what it took to map them; and so much can be
 * missed.
 */
static void mml_update_hiwater_rss(struct mml_mm *mm)
{
	unsigned long mapped = atomic_long_read(&mm->anon_rss) + atomic_long_read(&mm->shmem_rss);

	lockdep_assert_held_write(&mm->mmap_lock);

	if (mm->dead || mapped <= (unsigned long)atomic_long_read(&mm->hiwater_rss))
		return;
	if (atomic_long_read(&mm->nr_around) &&
	    mapped > mm->hiwater_asked + mm->hiwater_asked / 8) {
		mml_harvest_mm(mm, MML_HARVEST_LOOK);
		mm->hiwater_asked = mapped;
	}
	mml_raise_hiwater_rss(mm);
}

/* Clear all PTEs of [@start, @end), which is flushed; what nobody else maps goes back. */
void mml_zap_range(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	mml_update_hiwater_rss(mm);
	mml_walk_range(mm, start, end, mml_zap_table);
}

/*
 * Clear up to @nr PTEs of frames of which @which says so, and to which no real entry leads.
 * Returns: how many.
 */
unsigned long mml_zap_pages(struct mml_mm *mm, unsigned long nr,
			    bool (*which)(const struct mml_mm *mm, mml_pte_t pte))
{
	unsigned long addr = mm->start, next, freed = 0;
	struct mml_ptdesc *table;

	mml_update_hiwater_rss(mm);
	for (; freed < nr && (table = mml_pte_next(mm, &addr, mm->end)); addr = next) {
		mml_pte_t *entry = mml_entry(mm, table, addr);
		struct mml_zap zap = {};

		next = mml_table_end(addr, mm->end);
		mutex_lock(&table->lock);
		for (; addr < next && freed + zap.last < nr; addr += PAGE_SIZE, entry++)
			if (which(mm, *entry))
				mml_zap_pte(mm, table, entry, &zap);
		mutex_unlock(&table->lock);
		mml_zap_account(mm, &zap);
		freed += zap.last;
		cond_resched();
	}
	return freed;
}

/*
 * Take from all PTEs of [@start, @end), which is flushed, what a vma can grant, writing and
 * execution; the next fault gives back what the vma then grants.
 */
void mml_wrprotect_range(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	mml_walk_range(mm, start, end, mml_wrprotect_table);
}
