// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks and parts of them: splitting what is allocated, and sizes that are no power of two.
 *
 * Kernel counterpart: split_page(), alloc_pages_exact(), compound_head(). Difference: each
 * block is what a compound page is there, its head knows its order, whether or not
 * __GFP_COMP is given.
 *
 * Locking: takes zone->lock where a block becomes several.
 */
#include <linux/export.h>
#include <linux/mm.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"

/* Here are the functions, not the macros that pass the site. */
#undef mml_alloc_pages
#undef mml_alloc_pages_exact

/**
 * mml_compound_head - the first frame of an allocated block
 * @machine: of which machine
 * @page: a frame of the block
 *
 * Context: any; somebody has a reference to the block.
 * Return: its first frame; NULL if @page is in no allocated block.
 */
struct mml_page *mml_compound_head(struct mml_machine *machine, struct mml_page *page)
{
	unsigned long pfn;
	unsigned int order;

	if (!mml_page_valid_pfn(machine, page, &pfn))
		return NULL;
	for (order = 0; order < MML_NR_ORDERS; order++) {
		struct mml_page *head = &machine->memmap[ALIGN_DOWN(pfn, 1UL << order)];

		if (READ_ONCE(head->state) == MML_FRAME_INTERIOR)
			continue;
		return READ_ONCE(head->state) == MML_FRAME_ALLOCATED &&
		       mml_block_order(head) >= order ? head : NULL;
	}
	return NULL;
}
EXPORT_SYMBOL_NS_GPL(mml_compound_head, MM_LAB);

/**
 * mml_split_page - an allocated block becomes single frames
 * @machine: of which machine
 * @page: its first frame, to which nobody else has a reference
 * @order: its order
 *
 * Each has one reference and the block's type then, no mapping, and is freed by itself.
 *
 * Context: any but NMI.
 * Return: 0; -EINVAL, and a report, if there is no such block; -EBUSY if there are other
 * references.
 */
int mml_split_page(struct mml_machine *machine, struct mml_page *page, unsigned int order)
{
	struct mml_zone *zone;
	unsigned long flags, pfn, i;
	u8 type, mobility;

	if (!mml_page_valid_pfn(machine, page, &pfn) || page->order != order ||
	    READ_ONCE(page->state) != MML_FRAME_ALLOCATED) {
		mml_report(machine, "a block of order %u is to be split, and is none", order);
		return -EINVAL;
	}
	if (mml_page_ref_count(page) != 1)
		return -EBUSY;
	zone = mml_page_zone(mml_buddy(machine), page);
	type = page->type;
	mobility = page->mobility;
	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < 1UL << order; i++) {
		mml_prep_new_page(&page[i], 0, mobility);
		page[i].type = type;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	if (unlikely(machine->page_owners))
		mml_split_page_owner(machine, pfn, order);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_split_page, MM_LAB);

/**
 * mml_alloc_pages_exact - allocate frames side by side, as many as are needed
 * @machine: from which machine
 * @size: bytes; up to 4 MiB
 * @gfp: as for mml_alloc_pages()
 * @site: who asks; the macro of this name fills it in
 *
 * What the block of the next order has beyond that is given back.
 *
 * Context: as mml_alloc_pages().
 * Return: the first frame, each a block of its own; NULL as mml_alloc_pages().
 */
struct mml_page *mml_alloc_pages_exact(struct mml_machine *machine, size_t size, gfp_t gfp,
				       struct mml_alloc_site *site)
{
	unsigned long nr = PAGE_ALIGN(size) >> PAGE_SHIFT;
	struct mml_page *page = NULL;
	unsigned int order;

	order = size ? get_order(size) : 0;
	if (size)
		page = mml_alloc_pages(machine, gfp, order, site);
	if (!page)
		return NULL;
	if (mml_split_page(machine, page, order)) {
		__mml_free_pages(machine, page, order);
		return NULL;
	}
	mml_free_contig_range(machine, mml_page_to_pfn(machine, page).val + nr,
			      (1UL << order) - nr);
	return page;
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_pages_exact, MM_LAB);

/**
 * mml_free_pages_exact - give back what mml_alloc_pages_exact() gave
 * @machine: to which machine
 * @page: the first frame
 * @size: bytes, as then
 *
 * Context: any but NMI.
 */
void mml_free_pages_exact(struct mml_machine *machine, struct mml_page *page, size_t size)
{
	mml_free_contig_range(machine, mml_page_to_pfn(machine, page).val,
			      PAGE_ALIGN(size) >> PAGE_SHIFT);
}
EXPORT_SYMBOL_NS_GPL(mml_free_pages_exact, MM_LAB);
