// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator's validator: the invariants at the head of page_alloc.c, seen
 * from both sides, the free lists and the memmap.
 *
 * Kernel counterpart: none as a whole; page_is_buddy(), check_new_page(),
 * free_page_is_bad() check one block each.
 *
 * Locking: takes zone->lock for the whole walk, so that what it sees is one moment.
 */
#include "buddy_probe/zone.h"

static void mml_validate_area(struct mml_zone *zone, struct mml_validation *v,
			      unsigned int order)
{
	struct mml_machine *machine = zone->machine;
	struct mml_frame_list *list = &zone->free_area[order].free_list;
	u32 pfn;

	if (!mml_check(v, mml_frame_list_validate(machine, list),
		       "free list of order %u is corrupt", order))
		return;
	for (pfn = list->first; pfn != MML_PFN_NONE; pfn = machine->memmap[pfn].next) {
		const struct mml_page *page = &machine->memmap[pfn];

		mml_check(v, page->state == MML_FRAME_FREE && page->order == order,
			  "frame %u on the free list of order %u: state %u, order %u",
			  pfn, order, page->state, page->order);
	}
}

static void mml_validate_free_block(struct mml_zone *zone,
				    struct mml_validation *v, unsigned long pfn)
{
	struct mml_machine *machine = zone->machine;
	const struct mml_page *page = &machine->memmap[pfn];
	unsigned int order = min_t(unsigned int, page->order, MML_MAX_ORDER);
	unsigned long buddy = pfn ^ (1UL << order);
	bool buddy_free = order < MML_MAX_ORDER && buddy < machine->nr_frames &&
			  machine->memmap[buddy].state == MML_FRAME_FREE &&
			  machine->memmap[buddy].order == order;

	mml_check(v, !buddy_free, "buddies %lu and %lu of order %u are both free",
		  pfn, buddy, page->order);
	mml_check(v, !mml_page_ref_count(page), "free frame %lu has %d references",
		  pfn, mml_page_ref_count(page));
}

static void mml_validate_allocated_block(struct mml_zone *zone,
					 struct mml_validation *v,
					 unsigned long pfn)
{
	struct mml_machine *machine = zone->machine;
	struct mml_page *page = &machine->memmap[pfn];
	const struct mml_page_ops *ops = NULL;
	unsigned int type;

	mml_check(v, mml_page_ref_count(page) > 0,
		  "allocated frame %lu has no reference", pfn);
	/* Pairs with who sets a type once its owner is set. */
	type = smp_load_acquire(&page->type);
	if (mml_check(v, type < MML_NR_PAGE_TYPES, "frame %lu has type %u", pfn, type))
		ops = machine->page_ops[type];
	if (ops && ops->check)
		mml_check(v, ops->check(machine, page),
			  "frame %lu is not a good %s page", pfn, ops->name);
}

/* Walk the memmap from block to block, and compare what it adds up to. */
static void mml_validate_memmap(struct mml_zone *zone, struct mml_validation *v)
{
	struct mml_machine *machine = zone->machine;
	unsigned long pfn = 0, free = 0, allocated = 0, i, size;

	for (; pfn < machine->nr_frames; pfn += size) {
		const struct mml_page *page = &machine->memmap[pfn];

		size = 1UL << min_t(unsigned int, page->order, MML_MAX_ORDER);
		if (!mml_check(v, page->state == MML_FRAME_FREE ||
			       page->state == MML_FRAME_ALLOCATED,
			       "frame %lu should begin a block, has state %u", pfn,
			       page->state))
			size = 1;
		mml_check(v, IS_ALIGNED(pfn, size) && pfn + size <= machine->nr_frames,
			  "block at frame %lu cannot have order %u", pfn, page->order);
		for (i = pfn + 1; i < min(pfn + size, machine->nr_frames); i++)
			mml_check(v, machine->memmap[i].state == MML_FRAME_INTERIOR,
				  "frame %lu inside a block has state %u", i,
				  machine->memmap[i].state);
		if (page->state == MML_FRAME_FREE) {
			mml_validate_free_block(zone, v, pfn);
			free += size;
		} else if (page->state == MML_FRAME_ALLOCATED) {
			mml_validate_allocated_block(zone, v, pfn);
			allocated += size;
		}
	}
	mml_check(v, free == zone->nr_free,
		  "%lu frames in free blocks, nr_free says %lu", free, zone->nr_free);
	mml_check(v, free + allocated == zone->managed,
		  "%lu frames free and %lu allocated, of %lu managed", free, allocated,
		  zone->managed);
}

void mml_zone_validate(struct mml_machine *machine, struct mml_validation *v)
{
	struct mml_zone *zone = mml_zone(machine);
	unsigned long flags, listed = 0;
	int order;

	spin_lock_irqsave(&zone->lock, flags);
	for (order = 0; order < MML_NR_ORDERS; order++) {
		mml_validate_area(zone, v, order);
		listed += (unsigned long)zone->free_area[order].free_list.nr << order;
	}
	mml_validate_memmap(zone, v);
	mml_check(v, listed == zone->nr_free,
		  "%lu frames on the free lists, nr_free says %lu", listed,
		  zone->nr_free);
	spin_unlock_irqrestore(&zone->lock, flags);
}
