// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator's validator: the invariants at the head of free_list.c, seen
 * from both sides, the free lists and the memmap.
 *
 * Kernel counterpart: none as a whole; page_is_buddy(), check_new_page(),
 * free_page_is_bad() check one block each.
 *
 * Each frame is looked at under zone->lock, a section at a time, so that a machine of
 * any size can be validated at work. What can only be seen as a whole, each free list
 * and the sums of frames, is looked at in one moment, a step a block; where that would
 * be more than MML_STEPS_AT_ONCE steps it is left out.
 *
 * What CPUs keep changes hands without zone->lock: here such a head may be either
 * allocated or kept, and each CPU looks at its own lists (pcp.c).
 *
 * Locking: takes zone->lock; then, one after the other, each CPU's pcp->lock.
 */
#include <linux/delay.h>

#include "buddy_probe/internal.h"

/* With interrupts off: a few milliseconds. */
#define MML_STEPS_AT_ONCE	(1UL << 18)
/* For all of a validation's waiting: even if the other CPU is not there for a while. */
#define MML_PATIENCE_US		100000

/* The free list of one order and migratetype. */
static void mml_validate_list(struct mml_zone *zone, struct mml_validation *v,
			      unsigned int order, enum mml_migratetype migratetype)
{
	struct mml_frame_list *list = &zone->free_area[order].free_list[migratetype];
	struct mml_machine *machine = zone->machine;
	u32 pfn;

	if (list->nr > MML_STEPS_AT_ONCE)
		return;
	if (!mml_check(v, mml_frame_list_validate(machine, list),
		       "free list of order %u, migratetype %d, is corrupt", order,
		       migratetype))
		return;
	for (pfn = list->first; pfn != MML_PFN_NONE; pfn = machine->memmap[pfn].next) {
		const struct mml_page *page = &machine->memmap[pfn];

		mml_check(v, page->state == MML_FRAME_FREE && page->order == order,
			  "frame %u on the free list of order %u: state %u, order %u",
			  pfn, order, page->state, page->order);
		mml_check(v, mml_get_pageblock_migratetype(zone, pfn) == migratetype,
			  "frame %u on a free list of migratetype %d: its pageblock has %d",
			  pfn, migratetype, mml_get_pageblock_migratetype(zone, pfn));
	}
}

static void mml_validate_free_block(struct mml_zone *zone,
				    struct mml_validation *v, unsigned long pfn)
{
	struct mml_machine *machine = zone->machine;
	const struct mml_page *page = &machine->memmap[pfn];
	unsigned int order = min_t(unsigned int, page->order, MML_MAX_ORDER);
	enum mml_migratetype migratetype = mml_get_pageblock_migratetype(zone, pfn);
	unsigned long last = pfn + (1UL << order) - 1;
	unsigned long buddy = pfn ^ (1UL << order);
	bool buddy_free = order < MML_MAX_ORDER && buddy < machine->nr_frames &&
			  machine->memmap[buddy].state == MML_FRAME_FREE &&
			  machine->memmap[buddy].order == order &&
			  mml_migratetypes_merge(migratetype,
						 mml_get_pageblock_migratetype(zone, buddy));

	mml_check(v, !buddy_free, "buddies %lu and %lu of order %u are both free",
		  pfn, buddy, page->order);
	if (mml_check(v, migratetype < MML_MIGRATE_TYPES,
		      "the pageblock of frame %lu has migratetype %d", pfn, migratetype))
		mml_check(v, mml_frame_linked(machine,
					      &zone->free_area[order].free_list[migratetype],
					      page),
			  "free frame %lu is not on the list of order %u, migratetype %d",
			  pfn, order, migratetype);
	mml_check(v, mml_get_pageblock_migratetype(zone, last) == migratetype,
		  "the free block at frame %lu has pageblocks of migratetype %d and %d",
		  pfn, migratetype, mml_get_pageblock_migratetype(zone, last));
	mml_check(v, !mml_page_ref_count(page), "free frame %lu has %d references",
		  pfn, mml_page_ref_count(page));
}

/*
 * Has an allocated block references? Who has just dropped the last one says so in its
 * state a few instructions later, with interrupts off; give it the time.
 */
static bool mml_allocated_has_references(const struct mml_page *page,
					 struct mml_validation *v)
{
	while (READ_ONCE(page->state) == MML_FRAME_ALLOCATED &&
	       !mml_page_ref_count(page)) {
		if (v->waited_us++ > MML_PATIENCE_US)
			return false;
		udelay(1);
	}
	return true;
}

/*
 * What the block's owner says of it. It may be freed meanwhile, and even allocated again,
 * by somebody else or by the same: then that is looked at. Owners free what a type's
 * check looks at by RCU.
 */
static bool mml_owner_agrees(struct mml_machine *machine, struct mml_page *page,
			     const struct mml_page_ops *ops, unsigned int type)
{
	int tries;

	for (tries = 0; tries < 3; tries++) {
		bool good;

		rcu_read_lock();
		good = ops->check(machine, page);
		rcu_read_unlock();
		if (good || READ_ONCE(page->state) != MML_FRAME_ALLOCATED ||
		    READ_ONCE(page->type) != type)
			return true;
		/* Before the owner's fields are looked at again. */
		smp_rmb();
	}
	return false;
}

static void mml_validate_allocated_block(struct mml_zone *zone,
					 struct mml_validation *v,
					 unsigned long pfn)
{
	struct mml_machine *machine = zone->machine;
	struct mml_page *page = &machine->memmap[pfn];
	const struct mml_page_ops *ops = NULL;
	unsigned int type;

	mml_check(v, mml_allocated_has_references(page, v),
		  "allocated frame %lu has no reference", pfn);
	mml_check(v, page->mobility < MML_MIGRATE_PCPTYPES,
		  "allocated frame %lu was asked for with migratetype %u", pfn,
		  page->mobility);
	/* Pairs with who sets a type once its owner is set. */
	type = smp_load_acquire(&page->type);
	if (mml_check(v, type < MML_NR_PAGE_TYPES, "frame %lu has type %u", pfn, type))
		ops = machine->page_ops[type];
	if (ops && ops->check)
		mml_check(v, mml_owner_agrees(machine, page, ops, type),
			  "frame %lu is not a good %s page", pfn, ops->name);
}

static bool mml_begins_block(u8 state)
{
	return state == MML_FRAME_FREE || state == MML_FRAME_ALLOCATED ||
	       state == MML_FRAME_PCP;
}

/* The block at @pfn, in a section of which the frames up to @end are there. */
static unsigned long mml_validate_block(struct mml_zone *zone, struct mml_validation *v,
					unsigned long pfn, unsigned long end)
{
	const struct mml_page *memmap = zone->machine->memmap, *page = &memmap[pfn];
	unsigned long size = 1UL << min_t(unsigned int, page->order, MML_MAX_ORDER);
	u8 state = READ_ONCE(page->state);
	unsigned long i;

	if (!mml_check(v, mml_begins_block(state),
		       "frame %lu should begin a block, has state %u", pfn, state))
		return 1;
	if (!mml_check(v, IS_ALIGNED(pfn, size) && pfn + size <= end &&
		       page->order <= MML_MAX_ORDER,
		       "block at frame %lu cannot have order %u", pfn, page->order))
		return 1;
	for (i = pfn + 1; i < min(pfn + size, end); i++)
		mml_check(v, memmap[i].state == MML_FRAME_INTERIOR,
			  "frame %lu inside a block has state %u", i, memmap[i].state);
	if (state == MML_FRAME_FREE)
		mml_validate_free_block(zone, v, pfn);
	else if (state == MML_FRAME_ALLOCATED)
		mml_validate_allocated_block(zone, v, pfn);
	return size;
}

/* Do the frames that are there know their zone? */
static bool mml_frames_of_zone(const struct mml_zone *zone, unsigned long pfn,
			       unsigned long end)
{
	const struct mml_page *page = &zone->machine->memmap[pfn];

	for (; pfn < end; pfn++, page++)
		if (page->nid != zone->nid || page->zid != zone->zid)
			return false;
	return true;
}

static void mml_validate_section(struct mml_zone *zone, struct mml_validation *v,
				 unsigned long pfn)
{
	struct mml_machine *machine = zone->machine;
	unsigned long limit = min(pfn + MML_SECTION_FRAMES, machine->nr_frames);
	unsigned long end = pfn + mml_section_present(machine, pfn);

	lockdep_assert_held(&zone->lock);

	mml_check(v, mml_frames_of_zone(zone, pfn, end),
		  "a frame from %lu on is not of node %u, zone %s, where it lies", pfn,
		  zone->nid, mml_zone_names[zone->zid]);
	while (pfn < end)
		pfn += mml_validate_block(zone, v, pfn, end);
	for (pfn = end; pfn < limit; pfn++)
		mml_check(v, machine->memmap[pfn].state == MML_FRAME_ABSENT,
			  "frame %lu in a hole has state %u", pfn,
			  machine->memmap[pfn].state);
}

/*
 * From head to head; what is no head was told of already. Returns: in how many steps.
 */
static unsigned long mml_count_section(struct mml_zone *zone, unsigned long pfn,
				       unsigned long *free, unsigned long *used)
{
	unsigned long end = pfn + mml_section_present(zone->machine, pfn), size, steps;

	for (steps = 0; pfn < end; pfn += size, steps++) {
		const struct mml_page *page = &zone->machine->memmap[pfn];
		u8 state = READ_ONCE(page->state);

		size = 1UL << min_t(unsigned int, page->order, MML_MAX_ORDER);
		if (state == MML_FRAME_FREE)
			*free += size;
		else if (mml_begins_block(state))
			*used += size;
		else
			size = 1;
	}
	return steps;
}

/* What the lists, the memmap and the zone's own counts add up to. */
static void mml_validate_sums(struct mml_zone *zone, struct mml_validation *v)
{
	unsigned long pfn, free = 0, used = 0, listed = 0, steps = 0;
	int order, migratetype;

	lockdep_assert_held(&zone->lock);

	for (migratetype = MML_MIGRATE_PCPTYPES; migratetype < MML_MIGRATE_TYPES;
	     migratetype++) {
		for (order = 0; order < MML_NR_ORDERS; order++)
			listed += (unsigned long)mml_free_list(zone, order,
							       migratetype)->nr << order;
		mml_check(v, listed == mml_nr_free_special(zone, migratetype),
			  "%lu frames on the free lists of migratetype %d, %lu counted",
			  listed, migratetype, mml_nr_free_special(zone, migratetype));
		listed = 0;
	}

	for (order = 0; order < MML_NR_ORDERS; order++)
		listed += mml_nr_free_blocks(zone, order) << order;
	mml_check(v, listed == zone->nr_free,
		  "%lu frames on the free lists, nr_free says %lu", listed,
		  zone->nr_free);
	for (pfn = zone->start_pfn; pfn < mml_zone_end_pfn(zone);
	     pfn += MML_SECTION_FRAMES) {
		steps += mml_count_section(zone, pfn, &free, &used);
		if (steps > MML_STEPS_AT_ONCE)
			return;
	}
	mml_check(v, free == zone->nr_free,
		  "%lu frames in free blocks, nr_free says %lu", free, zone->nr_free);
	mml_check(v, free + used == zone->managed,
		  "%lu frames free and %lu in use or kept by CPUs, of %lu managed", free, used,
		  zone->managed);
}

static void mml_zone_validate(struct mml_zone *zone, struct mml_validation *v)
{
	unsigned long flags, pfn;
	int order, migratetype;

	for (order = 0; order < MML_NR_ORDERS; order++) {
		for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++) {
			spin_lock_irqsave(&zone->lock, flags);
			mml_validate_list(zone, v, order, migratetype);
			spin_unlock_irqrestore(&zone->lock, flags);
		}
	}
	for (pfn = zone->start_pfn; pfn < mml_zone_end_pfn(zone);
	     pfn += MML_SECTION_FRAMES) {
		spin_lock_irqsave(&zone->lock, flags);
		mml_validate_section(zone, v, pfn);
		spin_unlock_irqrestore(&zone->lock, flags);
		cond_resched();
	}
	spin_lock_irqsave(&zone->lock, flags);
	mml_validate_sums(zone, v);
	spin_unlock_irqrestore(&zone->lock, flags);
	mml_pcp_validate(zone, v);
}

void mml_buddy_validate(struct mml_machine *machine, struct mml_validation *v)
{
	struct mml_buddy *buddy = mml_buddy(machine);
	unsigned long present = 0;
	struct mml_zone *zone;
	int i;

	/* Sections stay where they are, on- or offline. */
	mutex_lock(&buddy->hotplug_lock);
	mml_for_each_populated_zone(buddy, zone, i) {
		mml_zone_validate(zone, v);
		present += zone->present;
	}
	mml_check(v, present == machine->nr_present,
		  "%lu frames in all zones, of the machine's %lu", present,
		  machine->nr_present);
	mutex_unlock(&buddy->hotplug_lock);
}
