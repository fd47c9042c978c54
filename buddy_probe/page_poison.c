// SPDX-License-Identifier: GPL-2.0
/*
 * What is free is filled: with a pattern, that shows whether somebody wrote to it
 * meanwhile, or with zeroes, so that nothing is left of what was in it.
 *
 *	page_poison	filled with 0xaa when it becomes free; each byte is looked at when
 *			it is allocated. What differs is reported, once a block, and the
 *			block is given out all the same
 *	init_on_free	filled with zeroes when it becomes free; then __GFP_ZERO has
 *			nothing left to do
 *
 * A machine's frames are filled when it is made, too. With both options it is the
 * pattern, as in the kernel. Machines without memory have nothing to be filled.
 *
 * Kernel counterpart: mm/page_poison.c; want_init_on_free() in mm/page_alloc.c.
 * Differences: what is found is a report of the machine's, which says frame and offset,
 * not an address, and, if it has the ledger, who had the frame last.
 *
 * Invariant: with page_poison, each byte of a frame that is free, on a list of the zone's
 * or of a CPU, is PAGE_POISON; with init_on_free alone, 0.
 *
 * Locking: none; see debug.c.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/poison.h>
#include <linux/string.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"

/* Bytes that a report shows. */
#define MML_POISON_SHOWN	8UL

static void mml_fill(const struct mml_machine *machine, const struct mml_page *page,
		     unsigned long frames)
{
	if (mml_page_poisoning(machine))
		memset(mml_page_address(machine, page), PAGE_POISON, frames << PAGE_SHIFT);
	else if (mml_want_init_on_free(machine))
		memset(mml_page_address(machine, page), 0, frames << PAGE_SHIFT);
}

/* Fill all frames of @machine; they are free. Process context, may sleep. */
void mml_fill_free_pages(const struct mml_machine *machine)
{
	unsigned long pfn;

	for (pfn = 0; pfn < machine->nr_frames; pfn += MML_SECTION_FRAMES) {
		mml_fill(machine, &machine->memmap[pfn],
			 mml_section_present(machine, pfn));
		cond_resched();
	}
}

/* Fill a block that becomes free. */
void mml_fill_pages(const struct mml_machine *machine, const struct mml_page *page,
		    unsigned int order)
{
	mml_fill(machine, page, 1UL << order);
}

/* What happened to poisoned memory that begins with a byte which is not? */
const char *mml_poison_error(const u8 *mem, size_t bytes)
{
	bool alone = !memchr_inv(mem + 1, PAGE_POISON, bytes - 1);

	return alone && hweight8(*mem ^ PAGE_POISON) == 1 ? "single bit error" :
							    "memory corruption";
}
EXPORT_SYMBOL_IF_KUNIT(mml_poison_error);

/* Report it if a block that was poisoned was written to. It has just been allocated. */
void mml_check_poison(struct mml_machine *machine, const struct mml_page *page,
		      unsigned int order)
{
	const u8 *mem = mml_page_address(machine, page);
	size_t bytes = PAGE_SIZE << order, offset;
	const u8 *first = memchr_inv(mem, PAGE_POISON, bytes);
	unsigned long pfn;

	if (likely(!first))
		return;
	offset = first - mem;
	pfn = mml_page_to_pfn(machine, page).val + (offset >> PAGE_SHIFT);
	if (mml_report(machine, "frame %lu was written to while it was free: at offset 0x%lx %*ph instead of %02x, %s",
		       pfn, offset_in_page(offset),
		       (int)min(MML_POISON_SHOWN, PAGE_SIZE - offset_in_page(offset)),
		       first, PAGE_POISON, mml_poison_error(first, bytes - offset)))
		mml_dump_page_owner(machine, pfn);
}
