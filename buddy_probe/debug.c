// SPDX-License-Identifier: GPL-2.0
/*
 * What is done with a block between the allocator and its owner: on the way out on
 * machines with a debugging option, and to zero it; on the way back with such an option
 * only.
 *
 * Kernel counterpart: post_alloc_hook() and free_pages_prepare() in mm/page_alloc.c.
 * Differences: there each option is a static key of the whole kernel; here it is one bit
 * of machine->slow for all of them, so that one machine has them and its neighbour does
 * not.
 *
 * Locking: none. On the way out the caller has the block to itself, outside of any lock;
 * on the way back interrupts are off, the last reference is dropped, and the block is on
 * no list yet, so nobody else has it either.
 */
#include <linux/string.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"

/**
 * mml_debug_init - begin to do what the machine's options say
 * @machine: all its frames are free, and nobody allocates yet
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int mml_debug_init(struct mml_machine *machine)
{
	if (machine->options & BIT(MML_OPTION_PAGE_OWNER)) {
		int err = mml_page_owners_init(machine);

		if (err)
			return err;
	}
	mml_fill_free_pages(machine);
	if (machine->page_owners || mml_page_poisoning(machine) ||
	    mml_want_init_on_free(machine))
		set_bit(MML_SLOW_DEBUG, &machine->slow);
	return 0;
}

void mml_debug_exit(struct mml_machine *machine)
{
	clear_bit(MML_SLOW_DEBUG, &machine->slow);
	mml_page_owners_exit(machine);
}

/**
 * mml_post_alloc_hook - a block has been allocated: what is left to do with it
 * @machine: from which machine
 * @page: its first frame
 * @order: its order
 * @gfp: what it was asked for with
 *
 * To be called if @gfp has __GFP_ZERO, or machine->slow is not 0.
 *
 * Context: any but NMI.
 */
void mml_post_alloc_hook(struct mml_machine *machine, struct mml_page *page,
			 unsigned int order, gfp_t gfp)
{
	bool zero = gfp & __GFP_ZERO && mml_has_memory(machine);
	unsigned int i;

	if (machine->slow & BIT(MML_SLOW_DEBUG)) {
		/* First, for it names who had the block before. */
		if (mml_page_poisoning(machine))
			mml_check_poison(machine, page, order);
		if (machine->page_owners)
			mml_set_page_owner(machine, page, order, gfp);
		if (mml_want_init_on_free(machine))
			zero = false;
	}
	if (zero)
		for (i = 0; i < 1U << order; i++)
			clear_page(mml_page_address(machine, page + i));
}

/* Is there a block of @order at @pfn, all of it? A head that is damaged may say so. */
static bool mml_block_present(const struct mml_machine *machine, unsigned long pfn,
			      unsigned int order)
{
	unsigned long section = ALIGN_DOWN(pfn, MML_SECTION_FRAMES);

	return order <= MML_MAX_ORDER && IS_ALIGNED(pfn, 1UL << order) &&
	       pfn + (1UL << order) <= section + mml_section_present(machine, section);
}

/**
 * mml_free_pages_prepare - a block is about to be free
 * @machine: whose block it is
 * @page: its first frame
 * @order: its order
 *
 * To be called where MML_SLOW_DEBUG is set, when the last reference has been dropped and
 * before the block can be found by anybody.
 *
 * Context: any but NMI, interrupts off.
 */
void mml_free_pages_prepare(struct mml_machine *machine, struct mml_page *page,
			    unsigned int order)
{
	if (!mml_block_present(machine, page - machine->memmap, order))
		return;
	if (machine->page_owners)
		mml_reset_page_owner(machine, page, order);
	mml_fill_pages(machine, page, order);
}
