// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges: frames side by side, of any number, at a place of one's choice.
 *
 *	1. the pageblocks that the range touches are isolated: what is free in them, or
 *	   becomes free, goes to nobody;
 *	2. the CPUs give back what they keep;
 *	3. what of the range is in use would have to be moved away;
 *	4. if all of the range is free, it is taken; else -EBUSY;
 *	5. the pageblocks become again what they were.
 *
 * Kernel counterpart: alloc_contig_range() and free_contig_range(), mm/page_alloc.c;
 * mm/page_isolation.c. Differences: step 3 is not there yet: what is in use stays, and the
 * range cannot be had; all pageblocks of a range have to be of one zone.
 *
 * Locking: buddy->hotplug_lock, a mutex, so that pageblocks are isolated by one at a time;
 * zone->lock inside it, for all of the range: which is isolated, and taken, as a whole.
 */
#include <kunit/visibility.h>
#include <linux/export.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"
#include "mm_lab/vmstat.h"

/*
 * Are the pageblocks from @start to @end wholly there and of one zone, and all of them lent
 * memory, or none?
 */
static bool mml_range_suits(const struct mml_zone *zone, u32 start, u32 end, bool cma)
{
	u32 pfn;

	lockdep_assert_held(&zone->lock);

	if (start < zone->start_pfn || end > mml_zone_end_pfn(zone))
		return false;
	for (pfn = start; pfn < end; pfn += MML_PAGEBLOCK_FRAMES) {
		enum mml_migratetype migratetype =
			mml_get_pageblock_migratetype(zone, pfn);

		if (cma ? migratetype != MML_MIGRATE_CMA :
			  !mml_migratetype_mergeable(migratetype))
			return false;
		if (!mml_pfn_present(zone->machine, pfn) ||
		    !mml_pfn_present(zone->machine, pfn + MML_PAGEBLOCK_FRAMES - 1))
			return false;
	}
	return true;
}

/* Pageblocks become @migratetype, with what is free in them. */
void mml_set_range(struct mml_zone *zone, u32 start, u32 end,
		   enum mml_migratetype migratetype)
{
	for (; start < end; start += MML_PAGEBLOCK_FRAMES)
		mml_set_pageblock_isolate(zone, start, migratetype);
}

/**
 * mml_start_isolate_page_range - nobody gets anything of some pageblocks any more
 * @machine: on which machine
 * @start: first frame number; its pageblock is the first
 * @end: behind the last frame number; its pageblock is the last
 * @cma: they are lent memory; or else, none of them is
 * @isolation: out: what is to be undone
 *
 * What is in use there stays so, and stays there when it is freed.
 *
 * Context: process; buddy->hotplug_lock is held.
 * Return: 0; -EINVAL if they are not wholly there, not of one zone, or kept for another
 * purpose.
 */
int mml_start_isolate_page_range(struct mml_machine *machine, unsigned long start,
				 unsigned long end, bool cma,
				 struct mml_isolation *isolation)
{
	unsigned long last, flags;
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_zone *zone;
	bool suits;
	u32 pfn;

	lockdep_assert_held(&buddy->hotplug_lock);

	if (start >= end || end > machine->nr_frames)
		return -EINVAL;
	last = ALIGN(end, MML_PAGEBLOCK_FRAMES);
	if (last > machine->nr_frames)
		return -EINVAL;
	zone = mml_page_zone(buddy, &machine->memmap[start]);
	*isolation = (struct mml_isolation){
		.zone = zone,
		.start = ALIGN_DOWN(start, MML_PAGEBLOCK_FRAMES),
		.end = last,
	};
	spin_lock_irqsave(&zone->lock, flags);
	suits = mml_range_suits(zone, isolation->start, last, cma);
	for (pfn = isolation->start; suits && pfn < last; pfn += MML_PAGEBLOCK_FRAMES) {
		buddy->pageblock_was[pfn >> MML_PAGEBLOCK_ORDER] =
			mml_get_pageblock_migratetype(zone, pfn);
		mml_set_pageblock_isolate(zone, pfn, MML_MIGRATE_ISOLATE);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return suits ? 0 : -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(mml_start_isolate_page_range);

/* They become what they were, and what is free there everybody's again. */
void mml_undo_isolate_page_range(const struct mml_isolation *isolation)
{
	struct mml_zone *zone = isolation->zone;
	const u8 *was = zone->buddy->pageblock_was;
	unsigned long flags;
	u32 pfn;

	spin_lock_irqsave(&zone->lock, flags);
	for (pfn = isolation->start; pfn < isolation->end; pfn += MML_PAGEBLOCK_FRAMES)
		mml_set_pageblock_isolate(zone, pfn, was[pfn >> MML_PAGEBLOCK_ORDER]);
	spin_unlock_irqrestore(&zone->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(mml_undo_isolate_page_range);

/* The range is isolated: take it, frame by frame, if it is free. */
static bool mml_take_range(const struct mml_isolation *isolation, u32 start, u32 end)
{
	struct mml_zone *zone = isolation->zone;
	unsigned long flags;
	bool taken;
	u32 pfn;

	spin_lock_irqsave(&zone->lock, flags);
	taken = mml_isolate_freepages_range(zone, start, end);
	for (pfn = start; taken && pfn < end; pfn++)
		mml_prep_new_page(&zone->machine->memmap[pfn], 0,
				  MML_MIGRATE_UNMOVABLE);
	if (taken)
		__mml_count_vm_events(zone->machine, MML_PGALLOC, end - start);
	spin_unlock_irqrestore(&zone->lock, flags);
	if (!taken)
		return false;
	for (pfn = start; unlikely(zone->machine->slow) && pfn < end; pfn++)
		mml_post_alloc_hook(zone->machine, &zone->machine->memmap[pfn], 0,
				    GFP_KERNEL);
	return true;
}

/* Is anything of it allocated? A look without any lock, before others are disturbed. */
static bool mml_range_in_use(const struct mml_machine *machine, unsigned long start,
			     unsigned long end)
{
	for (end = min(end, machine->nr_frames); start < end; start++)
		if (READ_ONCE(machine->memmap[start].state) == MML_FRAME_ALLOCATED)
			return true;
	return false;
}

/* With buddy->hotplug_lock held. See mml_alloc_contig_range(). */
int __mml_alloc_contig_range(struct mml_machine *machine, unsigned long start,
			     unsigned long end, bool cma)
{
	struct mml_isolation isolation;
	int err;

	if (mml_range_in_use(machine, start, end))
		return -EBUSY;

	err = mml_start_isolate_page_range(machine, start, end, cma, &isolation);
	if (err)
		return err;
	mml_drain_all_pages(machine);
	if (!mml_take_range(&isolation, start, end))
		err = -EBUSY;
	mml_undo_isolate_page_range(&isolation);
	return err;
}

/**
 * mml_alloc_contig_range - allocate certain frames
 * @machine: of which machine
 * @start: first frame number
 * @end: behind the last frame number
 *
 * Each frame is a block of its own, with one reference; see mml_free_contig_range().
 *
 * Context: process, may sleep.
 * Return: 0; -EBUSY if some of them are in use; -EINVAL if the pageblocks that they are in
 * are not wholly there, not of one zone, or kept for a purpose: HighAtomic, CMA.
 */
int mml_alloc_contig_range(struct mml_machine *machine, unsigned long start,
			   unsigned long end)
{
	struct mml_buddy *buddy = mml_buddy(machine);
	int err;

	mutex_lock(&buddy->hotplug_lock);
	err = __mml_alloc_contig_range(machine, start, end, false);
	mutex_unlock(&buddy->hotplug_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_contig_range, MM_LAB);

/**
 * mml_free_contig_range - give frames side by side back
 * @machine: of which machine
 * @pfn: first frame number
 * @nr: how many; each is a block of its own
 *
 * Context: any but NMI.
 */
void mml_free_contig_range(struct mml_machine *machine, unsigned long pfn, unsigned long nr)
{
	if (nr > machine->nr_frames || pfn > machine->nr_frames - nr) {
		mml_report(machine, "%lu frames from %lu on given back: there are %lu", nr,
			   pfn, machine->nr_frames);
		return;
	}
	for (; nr--; pfn++)
		__mml_free_pages(machine, mml_pfn_to_page(machine, mml_pfn(pfn)), 0);
}
EXPORT_SYMBOL_NS_GPL(mml_free_contig_range, MM_LAB);
