// SPDX-License-Identifier: GPL-2.0
/*
 * The life of an mm, and the frames that it holds.
 *
 * Kernel counterpart: mm_init() and mmput() in kernel/fork.c, exit_mmap() in
 * mm/mmap.c, and the charging of mm/memcontrol.c. Differences: an mm is embedded in
 * what ties it to a process and has no count of its own; page tables are charged.
 *
 * Invariants, checked by mml_mm_validate() (validate.c):
 *	total_vm == sum over the vmas of their pages; map_count == number of vmas
 *	anon_rss == present PTEs but those of the zero page; each leads to a frame of type
 *		MML_PAGE_ANON, and lies in a vma that allows what it allows; one that can
 *		be written is the only one of its frame
 *	nr_ptes == tables reachable from pgd; nr_present == present entries of each
 * and by the unit tests, for other things may be charged to it, too:
 *	counter's usage == anon_rss + nr_ptes; its parent's == the frames and tables of all that
 *		have that parent, each frame once
 *
 * Locking: see mm.h.
 */
#include <linux/sched/mm.h>

#include "vma_probe/mm/internal.h"

/**
 * mml_mm_init - begin an empty address space
 * @mm: to be set up
 * @machine: its frames come from here
 * @counter: is charged for them
 * @common: what all mms of the machine have in common
 * @ops: the tie to real processes, or NULL
 *
 * It has no range yet: see mml_mm_set_range().
 *
 * Context: any.
 */
void mml_mm_init(struct mml_mm *mm, struct mml_machine *machine,
		 struct mml_counter *counter, struct mml_mm_common *common,
		 const struct mml_window_ops *ops)
{
	memset(mm, 0, sizeof(*mm));
	mm->machine = machine;
	mm->counter = counter;
	mm->common = common;
	mm->window_ops = ops;
	init_rwsem(&mm->mmap_lock);
	mt_init_flags(&mm->mt, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&mm->mt, &mm->mmap_lock);
	spin_lock_init(&mm->page_table_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_init, MM_LAB);

/**
 * mml_mm_set_range - say which addresses an mm may use, once
 * @mm: the mm
 * @start: the first, a multiple of the page size
 * @end: the first after those
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL for a range that page tables cannot map; -EBUSY if it has one.
 */
int mml_mm_set_range(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	int err = 0;

	if (start >= end || !PAGE_ALIGNED(start | end) ||
	    end > 1UL << MML_ADDRESS_BITS)
		return -EINVAL;
	down_write(&mm->mmap_lock);
	if (mm->end || mm->dead) {
		err = -EBUSY;
	} else {
		mm->start = start;
		mm->end = end;
		mm->start_brk = start;
		mm->brk = start;
	}
	up_write(&mm->mmap_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_mm_set_range, MM_LAB);

/**
 * mml_exit_mmap - give back everything that an mm holds; it is dead afterwards
 * @mm: the mm
 *
 * Context: process, may sleep. A second call does nothing.
 */
void mml_exit_mmap(struct mml_mm *mm)
{
	MA_STATE(mas, &mm->mt, 0, 0);
	struct mml_vma *vma;
	LIST_HEAD(vmas);

	down_write(&mm->mmap_lock);
	mm->dead = true;
	mml_flush_tlb_range(mm, mm->start, mm->end);
	mml_zap_range(mm, mm->start, mm->end);
	mas_for_each(&mas, vma, ULONG_MAX) {
		list_add_tail(&vma->node, &vmas);
		mml_vm_account(mm, vma->vm_flags, -(long)mml_vma_pages(vma));
	}
	__mt_destroy(&mm->mt);
	mm->map_count = 0;
	mml_free_vmas(&vmas);
	mml_free_pgtables(mm, mm->start, mm->end);
	up_write(&mm->mmap_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_exit_mmap, MM_LAB);

/**
 * mml_mm_wait - wait until a fault has a chance again, after MML_FAULT_RETRY, or
 *	until the process is killed
 * @mm: the mm
 *
 * Context: process, sleeps; the caller holds no lock of the process's.
 */
void mml_mm_wait(struct mml_mm *mm)
{
	if (!down_read_killable(&mm->mmap_lock))
		up_read(&mm->mmap_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_wait, MM_LAB);

/*
 * A frame for @mm, charged to @counter (its own, or what comes above that; NULL: nothing does),
 * owned by @owner as @type has it; NULL if there is none, or if no more may be had. A validator
 * sees it with its owner or as a kernel page.
 */
struct mml_page *mml_mm_alloc_page(struct mml_mm *mm, gfp_t gfp, struct mml_counter *counter,
				   enum mml_page_type type, void *owner)
{
	struct mml_page *page;

	page = mml_alloc_pages(mm->machine, gfp, 0);
	if (!page)
		return NULL;
	/* Charged afterwards: the high-water mark counts frames that were there. */
	if (counter && !mml_counter_try_charge(counter, 1)) {
		mml_explain_charge(mm->machine, gfp, 0, counter);
		__mml_free_pages(mm->machine, page, 0);
		return NULL;
	}
	page->mapping = owner;
	/* The owner before the type: the validator believes the type. */
	smp_store_release(&page->type, type);
	return page;
}

void mml_mm_free_page(struct mml_mm *mm, struct mml_page *page, struct mml_counter *counter)
{
	__mml_free_pages(mm->machine, page, 0);
	mml_counter_uncharge(counter, 1);
}

/* A frame of anonymous memory for @addr in @vma, which has an anon_vma; not mapped yet. */
struct mml_page *mml_anon_page(struct mml_vma *vma, unsigned long addr, gfp_t gfp,
			       struct mml_counter *counter)
{
	struct mml_page *page;

	page = mml_mm_alloc_page(vma->vm_mm, gfp | MML_GFP_ANON, counter,
				 MML_PAGE_ANON, vma->anon_vma);
	if (page)
		page->index = mml_linear_page_index(vma, addr);
	return page;
}

static bool mml_anon_page_check(struct mml_machine *machine, struct mml_page *page)
{
	/* Not mapped: a fault has it in hand. */
	return page->mapping && page->order == 0 && atomic_read(&page->_mapcount) >= 0;
}

const struct mml_page_ops mml_anon_page_ops = {
	.name = "anonymous",
	.check = mml_anon_page_check,
};
