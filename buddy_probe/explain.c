// SPDX-License-Identifier: GPL-2.0
/*
 * Why the page allocator had no block, as it looked at that moment.
 *
 * Kernel counterpart: show_free_areas(), mm/show_mem.c.
 *
 * Locking: zone->lock is held; the explainer's lock is taken under it.
 */
#include "buddy_probe/zone.h"

static enum mml_why mml_why_no_block(const struct mml_zone *zone, unsigned int order)
{
	if (mml_machine_broken(zone->machine))
		return MML_WHY_BROKEN;
	return zone->nr_free >> order ? MML_WHY_FRAGMENTED : MML_WHY_NOTHING_FREE;
}

/* There is no block of @order: write down what there is. */
void mml_explain_rmqueue(struct mml_zone *zone, gfp_t gfp, unsigned int order)
{
	struct mml_explain *explain;
	unsigned int i;

	lockdep_assert_held(&zone->lock);

	explain = mml_explain_begin(zone->machine, MML_EXPLAIN_ALLOC,
				    mml_why_no_block(zone, order));
	mml_explain_asked(zone->machine, explain, gfp, order);
	for (i = 0; i < MML_NR_ORDERS; i++) {
		/* In the order in which they were tried; then those too small for it. */
		unsigned int candidate = (order + i) % MML_NR_ORDERS;

		mml_explain_step(explain, MML_STEP_FREE_LIST, candidate, 0,
				 mml_nr_free_blocks(zone, candidate),
				 candidate >= order);
	}
	mml_explain_step(explain, MML_STEP_FREE_FRAMES, 0, 0, zone->nr_free,
			 1UL << order);
	mml_explain_end(zone->machine);
}
