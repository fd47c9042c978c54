// SPDX-License-Identifier: GPL-2.0
/*
 * Fault-around: the first write to a page brings those around it, too, so that who goes through
 * memory in order faults once in 16 pages.
 *
 *	the vma:	|......|................|.........|	. nothing is mapped
 *	the write:	          ^
 *	around it:	        aaWaaaaaaaaaaaaa		16 pages, aligned, in the vma
 *
 * A page that came along has a frame that reads as zeroes, and an entry, MML_PTE_AROUND, that is
 * not accessed: for the program it is as if it was not there. The real entry is old. When the CPU
 * uses it, it notes that in the real entry, and nobody hears of it; who wants to know asks for the
 * harvest: entries that were used become what a fault would have made them. That is before
 * anything is taken away or moved, and when somebody wants to know what is resident. fork shares
 * nothing that is around: it takes it back before.
 *
 * If the page before those 16 came along and was not used until now, then the one that is written
 * comes alone: the program does not go through its memory in order.
 *
 * Frames that nobody has used go before anything else when memory is short (shrink.c). They are
 * never allocated where that would be work: only what is free above the low watermark, and within
 * the limits, is. What CPUs never used is in no TLB, so they are given back without a flush.
 *
 * Kernel counterpart: do_fault_around() in mm/memory.c, for pages of files, and its file
 * fault_around_bytes. For anonymous memory the kernel has larger folios instead.
 *
 * Invariants, checked by mml_mm_validate():
 *	an entry is around => it has a frame that nobody else maps; neither accessed nor dirty
 *	nr_around == entries that are; it is part of anon_rss
 *
 * Locking: mmap_lock for writing to harvest and to take back, for reading to fault; the table
 * mutex to change entries, but for the harvest, which no fault meets.
 */
#include "mm_lab/vmstat.h"
#include "vma_probe/mm/internal.h"

/* Pages of one PTE table, where its entry is empty, around that of a fault, and frames for them. */
struct mml_around {
	unsigned long start;
	unsigned int nr;		/* pages */
	unsigned int frames;		/* so many there are; the first is for the fault's page */
	struct mml_page *frame[MML_AROUND_MAX];
};

/* Count @nr more entries that are around. */
void mml_count_around(struct mml_mm *mm, long nr)
{
	atomic_long_add(nr, &mm->nr_around);
	atomic_long_add(nr, &mm->common->nr_around);
}

/*
 * Did the page before @addr come along in vain? Then the program does not go through memory in
 * order. @entry: of @addr; that page's is in the same table.
 */
static bool mml_around_in_vain(struct mml_mm *mm, const struct mml_fault *fault,
			       unsigned long addr, const mml_pte_t *entry)
{
	return mml_entry_index(addr, 0) && mml_pte_around((mml_pte_t){ READ_ONCE(entry[-1].val) }) &&
	       mm->window_ops && !mm->window_ops->accessed(mm, fault, addr - PAGE_SIZE);
}

/* Which pages to have with that of a fault. Returns: how many of them are not mapped. */
static unsigned int mml_around_range(const struct mml_vma *vma, struct mml_ptdesc *table,
				     const struct mml_fault *fault, struct mml_around *around)
{
	unsigned long size = READ_ONCE(vma->vm_mm->common->around_pages) * PAGE_SIZE;
	unsigned int i, empty = 0;
	unsigned long end;
	mml_pte_t *entry;

	if (size <= PAGE_SIZE || !fault->window)
		return 0;
	around->start = max(round_down(fault->address, size), vma->vm_start);
	end = min(round_down(fault->address, size) + size, vma->vm_end);
	around->nr = (end - around->start) >> PAGE_SHIFT;
	entry = mml_entry(vma->vm_mm, table, around->start);
	if (around->start > vma->vm_start &&
	    mml_around_in_vain(vma->vm_mm, fault, around->start, entry))
		return 0;
	for (i = 0; i < around->nr; i++)
		empty += !READ_ONCE(entry[i].val);
	return empty;
}

/*
 * How many times as many frames must be left of a limit: who is at one would take back at each
 * fault what the one before mapped, and be refused for what others are about to map.
 */
#define MML_AROUND_ROOM		8

/* Frames for @nr pages, zeroed and charged, or as many as are easily had. */
static void mml_around_frames(struct mml_mm *mm, const struct mml_fault *fault, unsigned int nr,
			      struct mml_around *around)
{
	gfp_t gfp = fault->gfp | MML_GFP_ANON | __GFP_ZERO;

	around->frames = 0;
	if (!mml_counter_has_room(mm->counter, MML_AROUND_ROOM * nr))
		return;
	around->frames = mml_alloc_pages_bulk(mm->machine, gfp, nr, around->frame);
	if (!around->frames)
		return;
	if (!mml_counter_try_charge(mm->counter, around->frames)) {
		mml_release_pages(mm->machine, around->frame, around->frames);
		around->frames = 0;
	}
}

/* What @page, of @vma, is from now on: see mml_anon_page(). */
static void mml_around_page_init(const struct mml_vma *vma, struct mml_page *page,
				 unsigned long index)
{
	page->mapping = vma->anon_vma;
	page->index = index;
	/* The owner before the type: the validator believes the type. */
	smp_store_release(&page->type, MML_PAGE_ANON);
}

/* Frames from the @used-th on were not needed. */
static void mml_around_release(struct mml_mm *mm, struct mml_around *around, unsigned int used)
{
	unsigned int left = around->frames - used;

	if (!left)
		return;
	mml_release_pages(mm->machine, around->frame + used, left);
	mml_counter_uncharge(mm->counter, left);
}

/* Map frames around that of the fault, which has the first. Returns: how many of all were used. */
static unsigned int mml_around_map(struct mml_vma *vma, struct mml_ptdesc *table,
				   struct mml_fault *fault, struct mml_around *around)
{
	const u64 bits = MML_PTE_AROUND | MML_PTE_RW | (vma->vm_flags & VM_EXEC ? 0 : MML_PTE_NX);
	mml_pte_t *entry = mml_entry(vma->vm_mm, table, around->start);
	unsigned long index = mml_linear_page_index(vma, around->start);
	struct mml_mm *mm = vma->vm_mm;
	unsigned int i, used = 1;

	lockdep_assert_held(&table->lock);

	for (i = 0; i < around->nr && used < around->frames; i++) {
		struct mml_page *page = around->frame[used];

		if (mml_pte_present(entry[i]))
			continue;
		mml_around_page_init(vma, page, index + i);
		atomic_set(&page->_mapcount, 1);
		WRITE_ONCE(entry[i].val, mml_mk_pte(mm, page, bits).val);
		used++;
	}
	table->nr_present += used - 1;
	atomic_long_add(used - 1, &mm->anon_rss);
	atomic_long_add(used - 1, &mm->common->nr_anon);
	mml_count_around(mm, used - 1);
	mml_count_vm_events(mm->machine, MML_PGAROUND, used - 1);
	if (mm->window_ops)
		mm->window_ops->insert_around(mm, fault, around->start, around->nr, entry);
	return used;
}

/*
 * Nothing is mapped at the fault's address, which is to be written: map it, and what is around
 * it. Returns: 0; -EBUSY: it is not worth it, or not easy, map it alone; -EAGAIN: the entry
 * changed meanwhile, look again; -ENOMEM; -EIO: the machine is broken.
 */
int mml_do_fault_around(struct mml_vma *vma, struct mml_ptdesc *table, struct mml_fault *fault)
{
	struct mml_around around __uninitialized;
	unsigned int nr = mml_around_range(vma, table, fault, &around), used = 0;
	int err = -EAGAIN;

	if (nr < 2)
		return -EBUSY;
	mml_around_frames(vma->vm_mm, fault, nr, &around);
	if (!around.frames)
		return -EBUSY;
	mml_around_page_init(vma, around.frame[0], mml_linear_page_index(vma, fault->address));
	fault->path = MML_PATH_AROUND;
	mml_tell_fault(vma->vm_mm, fault, MML_FAULT_TRY_AROUND, around.frames, around.frame[0]);
	mutex_lock(&table->lock);
	if (mml_pte_unchanged(vma->vm_mm, table, fault, (mml_pte_t){})) {
		used = 1;
		err = mml_fault_install_new(vma, table, fault, around.frame[0], false);
		if (!err)
			used = mml_around_map(vma, table, fault, &around);
	}
	mutex_unlock(&table->lock);
	mml_around_release(vma->vm_mm, &around, used);
	return err;
}

/*
 * Of the pages in [@start, @end) that are around, those that CPUs have used are so no more. What
 * has lost its real entry stays as it is until it is touched again.
 */
void mml_harvest(struct mml_mm *mm, unsigned long start, unsigned long end, enum mml_harvest how)
{
	unsigned long addr = start, next;
	struct mml_ptdesc *table;

	lockdep_assert_held_write(&mm->mmap_lock);

	if (!mm->window_ops)
		return;
	for (; (table = mml_pte_next(mm, &addr, end)); addr = next) {
		unsigned long used;

		next = mml_table_end(addr, end);
		used = mm->window_ops->harvest(mm, addr, next, mml_entry(mm, table, addr), how);
		if (used)
			mml_count_around(mm, -used);
		cond_resched();
	}
}

/* The same, of all vmas that can have such pages. */
void mml_harvest_mm(struct mml_mm *mm, enum mml_harvest how)
{
	MA_STATE(mas, &mm->mt, 0, 0);
	struct mml_vma *vma;

	mas_for_each(&mas, vma, ULONG_MAX)
		if (vma->anon_vma)
			mml_harvest(mm, vma->vm_start, vma->vm_end, how);
}

/**
 * mml_mm_revoke - all real entries of an mm go
 * @mm: the mm
 *
 * Context: process, may sleep.
 */
void mml_mm_revoke(struct mml_mm *mm)
{
	down_write(&mm->mmap_lock);
	mml_harvest_mm(mm, MML_HARVEST_UNUSED);
	mm->window_ops->revoke(mm, mm->start, mm->end);
	up_write(&mm->mmap_lock);
}

/**
 * mml_fork_prepare - before fork: the parent's real entries go, and so does what is around
 * @mm: the parent's
 *
 * Context: process, may sleep. The process does not fault until mml_dup_mmap() was called. Other
 * real entries, and all TLBs, are the caller's.
 */
void mml_fork_prepare(struct mml_mm *mm)
{
	down_write(&mm->mmap_lock);
	mml_harvest_mm(mm, MML_HARVEST_ALL);
	mml_shrink_around(mm, ULONG_MAX);
	up_write(&mm->mmap_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_fork_prepare, MM_LAB);
