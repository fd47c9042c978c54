// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of frames held: see counter.h.
 *
 * A charge goes up the parents one by one; where one is full, what was charged
 * below it is taken back, and no watermark has moved. A counter may so be over its
 * max for a moment, and refuse a charge that would just have fitted, but what it
 * grants never exceeds its max.
 *
 * Locking: none, atomics.
 */
#include <linux/export.h>

#include "mm_lab/counter.h"

static void mml_counter_watermark(struct mml_counter *counter, long usage)
{
	long seen = atomic_long_read(&counter->watermark);

	while (usage > seen &&
	       !atomic_long_try_cmpxchg(&counter->watermark, &seen, usage))
		;
}

/**
 * mml_counter_try_charge - count frames as held
 * @counter: and its parents
 * @nr: frames
 *
 * Context: any.
 * Return: true; false if a counter would exceed its max: nothing is counted then.
 */
bool mml_counter_try_charge(struct mml_counter *counter, unsigned long nr)
{
	unsigned long usage = atomic_long_add_return(nr, &counter->usage);

	if (usage > counter->max ||
	    (counter->parent && !mml_counter_try_charge(counter->parent, nr))) {
		atomic_long_sub(nr, &counter->usage);
		return false;
	}
	mml_counter_watermark(counter, usage);
	return true;
}
EXPORT_SYMBOL_NS_GPL(mml_counter_try_charge, MM_LAB);

/**
 * mml_counter_try_share - count frames as held that another counter of its parent holds, too
 * @counter: alone
 * @nr: frames
 *
 * Context: any.
 * Return: true; false if the counter would exceed its max: nothing is counted then.
 */
bool mml_counter_try_share(struct mml_counter *counter, unsigned long nr)
{
	unsigned long usage = atomic_long_add_return(nr, &counter->usage);

	if (usage > counter->max) {
		atomic_long_sub(nr, &counter->usage);
		return false;
	}
	mml_counter_watermark(counter, usage);
	return true;
}
EXPORT_SYMBOL_NS_GPL(mml_counter_try_share, MM_LAB);

/**
 * mml_counter_unshare - frames are no longer held, but another counter of the parent holds them
 * @counter: alone
 * @nr: frames, charged or shared before
 *
 * Context: any.
 */
void mml_counter_unshare(struct mml_counter *counter, unsigned long nr)
{
	atomic_long_sub(nr, &counter->usage);
}
EXPORT_SYMBOL_NS_GPL(mml_counter_unshare, MM_LAB);

/**
 * mml_counter_uncharge - frames are no longer held
 * @counter: and its parents
 * @nr: frames, charged before
 *
 * Context: any.
 */
void mml_counter_uncharge(struct mml_counter *counter, unsigned long nr)
{
	for (; counter; counter = counter->parent)
		atomic_long_sub(nr, &counter->usage);
}
EXPORT_SYMBOL_NS_GPL(mml_counter_uncharge, MM_LAB);
