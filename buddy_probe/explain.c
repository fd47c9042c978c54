// SPDX-License-Identifier: GPL-2.0
/*
 * Why the page allocator had no block, as it looked at that moment.
 *
 * Kernel counterpart: show_free_areas(), mm/show_mem.c.
 *
 * Locking: takes each zone's lock, one after the other; then the explainer's.
 */
#include "buddy_probe/internal.h"

/**
 * struct mml_zone_state - what a zone had, and would have needed
 * @id: its number, mml_zone_id()
 * @free: frames on its lists
 * @needed: so many, and one more: its watermark and what else it keeps of the request
 */
struct mml_zone_state {
	unsigned int id;
	unsigned long free;
	unsigned long needed;
};

/**
 * struct mml_zones_state - what all zones that a request may have had
 * @nr: how many
 * @zone: these, in the order in which they were tried
 * @free: frames on all of their lists
 * @blocks: and blocks, by order
 * @above: one has enough frames
 * @suits: and a block
 */
struct mml_zones_state {
	unsigned int nr;
	struct mml_zone_state zone[MML_MAX_ZONES];
	unsigned long free;
	unsigned long blocks[MML_NR_ORDERS];
	bool above;
	bool suits;
};

static void mml_look_at_zone(struct mml_zones_state *state, struct mml_zone *zone,
			     const struct mml_alloc_context *ac, unsigned int alloc_flags)
{
	struct mml_zone_state *this = &state->zone[state->nr++];
	unsigned long flags;
	unsigned int order;

	spin_lock_irqsave(&zone->lock, flags);
	this->id = mml_zone_id(zone);
	this->free = zone->nr_free;
	this->needed = 1UL << ac->order;
	if (!(alloc_flags & MML_ALLOC_NO_WATERMARKS))
		this->needed = mml_needed_pages(zone, ac->order,
						mml_wmark_pages(zone, alloc_flags &
								MML_ALLOC_WMARK_MASK),
						ac->highest_zoneidx, alloc_flags);
	if (this->free >= this->needed) {
		state->above = true;
		state->suits |= mml_has_suitable_block(zone, ac->order, alloc_flags);
	}
	state->free += zone->nr_free;
	for (order = 0; order < MML_NR_ORDERS; order++)
		state->blocks[order] += mml_nr_free_blocks(zone, order);
	spin_unlock_irqrestore(&zone->lock, flags);
}

static enum mml_why mml_why_no_block(const struct mml_zones_state *state,
				     const struct mml_alloc_context *ac)
{
	if (mml_machine_broken(ac->machine))
		return MML_WHY_BROKEN;
	if (!state->nr)
		return MML_WHY_NO_ZONE;
	if (state->above)
		return MML_WHY_FRAGMENTED;
	return state->free >> ac->order ? MML_WHY_WATERMARK : MML_WHY_NOTHING_FREE;
}

static void mml_explain_state(const struct mml_zones_state *state,
			      const struct mml_alloc_context *ac, unsigned long kept)
{
	struct mml_explain *explain;
	unsigned int i;

	explain = mml_explain_begin(ac->machine, MML_EXPLAIN_ALLOC,
				    mml_why_no_block(state, ac));
	mml_explain_asked(ac->machine, explain, ac->gfp, ac->order);
	for (i = 0; i < state->nr; i++)
		mml_explain_step(explain, MML_STEP_ZONE, state->zone[i].id, 0,
				 state->zone[i].free, state->zone[i].needed);
	for (i = 0; i < MML_NR_ORDERS; i++) {
		/* In the order in which they were tried; then those too small for it. */
		unsigned int candidate = (ac->order + i) % MML_NR_ORDERS;

		mml_explain_step(explain, MML_STEP_FREE_LIST, candidate, 0,
				 state->blocks[candidate], candidate >= ac->order);
	}
	mml_explain_step(explain, MML_STEP_KEPT, 0, 0, kept, 0);
	mml_explain_step(explain, MML_STEP_FREE_FRAMES, 0, 0, state->free,
			 1UL << ac->order);
	mml_explain_end(ac->machine);
}

/*
 * There is no block for the request: write down what there is. Returns: false if that would
 * do, by now; nothing is written down then, unless @anyway.
 */
bool mml_explain_zones(const struct mml_alloc_context *ac, unsigned int alloc_flags,
		       bool anyway)
{
	struct mml_zoneref *ref = ac->preferred_zoneref;
	struct mml_zones_state state = {};
	struct mml_zone *zone;

	mml_for_next_zone_zonelist(zone, ref, ac->highest_zoneidx)
		mml_look_at_zone(&state, zone, ac, alloc_flags);
	if (state.suits && !anyway && !mml_machine_broken(ac->machine))
		return false;
	mml_explain_state(&state, ac, mml_nr_pcp_pages(mml_buddy(ac->machine)));
	return true;
}
