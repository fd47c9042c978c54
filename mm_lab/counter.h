/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of frames held, with a limit, a high-water mark and a parent.
 *
 * A frame that several counters of one parent hold is charged to each of them, and once to
 * the parent: the first charges it, the others share it; the last uncharges it.
 *
 * Kernel counterpart: mm/page_counter.c, which is not exported. Difference: the
 * watermark misses no charge.
 */
#ifndef _MML_COUNTER_H
#define _MML_COUNTER_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * struct mml_counter - frames held
 * @usage: now
 * @watermark: the most it ever was
 * @max: what it may not exceed
 * @parent: charged as well; or NULL
 *
 * usage <= max unless a charge is under way; usage <= watermark.
 */
struct mml_counter {
	atomic_long_t usage;
	atomic_long_t watermark;
	unsigned long max;
	struct mml_counter *parent;
};

static inline void mml_counter_init(struct mml_counter *counter,
				    unsigned long max, struct mml_counter *parent)
{
	atomic_long_set(&counter->usage, 0);
	atomic_long_set(&counter->watermark, 0);
	counter->max = max;
	counter->parent = parent;
}

static inline unsigned long mml_counter_read(const struct mml_counter *counter)
{
	return atomic_long_read(&counter->usage);
}

/* Could @nr more frames be charged, now? */
static inline bool mml_counter_has_room(const struct mml_counter *counter, unsigned long nr)
{
	for (; counter; counter = counter->parent) {
		unsigned long usage = mml_counter_read(counter);

		if (usage > counter->max || counter->max - usage < nr)
			return false;
	}
	return true;
}

bool mml_counter_try_charge(struct mml_counter *counter, unsigned long nr);
void mml_counter_uncharge(struct mml_counter *counter, unsigned long nr);
bool mml_counter_try_share(struct mml_counter *counter, unsigned long nr);
void mml_counter_unshare(struct mml_counter *counter, unsigned long nr);

#endif /* _MML_COUNTER_H */
