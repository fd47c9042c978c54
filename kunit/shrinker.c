// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_shrinker: how much a shrinker is asked to scan, against a table worked out by
 * hand from the kernel's formula; what is made up for later; unregistering one that is at
 * work.
 *
 * Kernel counterpart: none.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "kunit/machine.h"
#include "mm_lab/shrinker.h"

/**
 * struct mml_test_shrinker - objects that are only counted
 * @shrinker: registered
 * @freeable: it says that there are so many
 * @most: of those asked for it scans at most so many in a call; 0: all
 * @stop_after: calls of scan_objects; from then on it says SHRINK_STOP; 0: never
 * @counts: calls of count_objects
 * @scans: of scan_objects
 * @scanned: objects
 * @nid: of the last call
 * @gfp: of the last call
 * @entered: somebody is in scan_objects, if @leave is to be waited for
 * @leave: he may go
 * @waits: it waits for @leave
 * @gone: it was freed
 */
struct mml_test_shrinker {
	struct mml_shrinker *shrinker;
	unsigned long freeable;
	unsigned long most;
	unsigned int stop_after;
	unsigned int counts;
	unsigned int scans;
	unsigned long scanned;
	int nid;
	gfp_t gfp;
	struct completion entered;
	struct completion leave;
	bool waits;
	bool gone;
};

static unsigned long mml_test_count(struct mml_shrinker *shrinker,
				    struct mml_shrink_control *sc)
{
	struct mml_test_shrinker *ts = shrinker->private_data;

	ts->counts++;
	ts->nid = sc->nid;
	ts->gfp = sc->gfp_mask;
	return ts->freeable;
}

/* Half of what it looks at is given back. */
static unsigned long mml_test_scan(struct mml_shrinker *shrinker,
				   struct mml_shrink_control *sc)
{
	struct mml_test_shrinker *ts = shrinker->private_data;

	ts->scans++;
	if (ts->stop_after && ts->scans > ts->stop_after)
		return SHRINK_STOP;
	if (ts->waits) {
		complete(&ts->entered);
		wait_for_completion(&ts->leave);
	}
	if (ts->most)
		sc->nr_scanned = min(sc->nr_scanned, ts->most);
	ts->scanned += sc->nr_scanned;
	return sc->nr_scanned / 2;
}

static void mml_test_shrinker_exit(void *data)
{
	struct mml_test_shrinker *ts = data;

	if (!ts->gone)
		mml_shrinker_free(ts->shrinker);
}

/* Made, and not registered yet. */
static struct mml_test_shrinker *mml_test_shrinker(struct kunit *test,
						   struct mml_machine *machine,
						   unsigned int flags)
{
	struct mml_test_shrinker *ts = kunit_kzalloc(test, sizeof(*ts), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ts);
	init_completion(&ts->entered);
	init_completion(&ts->leave);
	ts->shrinker = mml_shrinker_alloc(machine, flags, "test %d", 1);
	KUNIT_ASSERT_NOT_NULL(test, ts->shrinker);
	ts->shrinker->count_objects = mml_test_count;
	ts->shrinker->scan_objects = mml_test_scan;
	ts->shrinker->private_data = ts;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_test_shrinker_exit, ts));
	return ts;
}

static struct mml_test_shrinker *mml_test_registered(struct kunit *test,
						     struct mml_machine *machine,
						     unsigned int flags)
{
	struct mml_test_shrinker *ts = mml_test_shrinker(test, machine, flags);

	mml_shrinker_register(ts->shrinker);
	return ts;
}

/* Without memory, so that nobody else has anything to give back. */
static struct mml_machine *mml_test_empty(struct kunit *test)
{
	return mml_test_build(test, .frames = 256, .memmap_only = true);
}

/*
 * delta = (freeable >> priority) * 4 / seeks, or freeable / 2 if seeks is 0;
 * total = min((deferred >> priority) + delta, 2 * freeable); in batches (128, if it says
 * nothing), while there is a batch of them, or as many as freeable;
 * what is left: min(max(deferred + delta - scanned, 0), 2 * freeable).
 */
static const struct mml_shrink_case {
	const char *name;
	unsigned long freeable;
	int seeks;
	long batch;
	int priority;
	long deferred;
	unsigned int scans;
	unsigned long scanned;
	long left;
} mml_shrink_cases[] = {
	/* 1000 >> 12 is 0 */
	{ "few, not wanted much", 1000, 2, 0, 12, 0, 0, 0, 0 },
	/* 2 * 4 / 2 = 4, less than a batch */
	{ "a little is left for later", 10000, 2, 0, 12, 0, 0, 0, 4 },
	/* 625 * 2 = 1250: 9 batches, 98 are left */
	{ "batches", 10000, 2, 0, 4, 0, 9, 1152, 98 },
	/* 625 * 4 / 10 = 250: 1 batch, 122 are left */
	{ "dear objects", 10000, 10, 0, 4, 0, 1, 128, 122 },
	/* 625 * 4 / 3 = 833, rounded down: 6 batches, 65 are left */
	{ "seeks that do not divide", 10000, 3, 0, 4, 0, 6, 768, 65 },
	/* 500, whatever the priority: 3 batches, 116 are left */
	{ "cheap objects", 1000, 0, 0, 12, 0, 3, 384, 116 },
	/* min(200, 200): 128, then 72 are less than a batch, and than 100 */
	{ "all of less than a batch", 100, 2, 0, 0, 0, 1, 128, 72 },
	/* 25 * 2 = 50: as many as there are, though less than a batch */
	{ "as many as there are", 50, 2, 0, 1, 0, 1, 50, 0 },
	/* 12 * 2 = 24: neither a batch nor all */
	{ "neither a batch nor all", 50, 2, 0, 2, 0, 0, 0, 24 },
	/* one: 2 * 1 = 2, in a call; then 0 < 1 */
	{ "one object", 1, 2, 0, 0, 0, 1, 2, 0 },
	/* 1500 * 2 = 3000: 3 batches of 1000 */
	{ "a batch of its own", 3000, 2, 1000, 1, 0, 3, 3000, 0 },
	/* (300 >> 12) + 0: stays */
	{ "what is deferred waits", 1000, 2, 0, 12, 300, 0, 0, 300 },
	/* (8192 >> 2) + 500 = 2548, at most 2000: 15 batches; 8192 + 500 - 1920, at most 2000 */
	{ "no more than twice all", 1000, 2, 0, 2, 8192, 15, 1920, 2000 },
	/* (512 >> 1) + 64 * 2 = 384, at most 256: 2 batches; 512 + 128 - 256, at most 256 */
	{ "what is deferred is done", 128, 2, 0, 1, 512, 2, 256, 256 },
};
KUNIT_ARRAY_PARAM_DESC(mml_shrink, mml_shrink_cases, name);

static void mml_shrinker_test_arithmetic(struct kunit *test)
{
	const struct mml_shrink_case *param = test->param_value;
	struct mml_machine *machine = mml_test_empty(test);
	struct mml_test_shrinker *ts = mml_test_registered(test, machine, 0);
	unsigned long freed;

	ts->freeable = param->freeable;
	ts->shrinker->seeks = param->seeks;
	ts->shrinker->batch = param->batch;
	atomic_long_set(&ts->shrinker->nr_deferred[0], param->deferred);
	freed = mml_shrink_slab(machine, GFP_NOFS, 0, param->priority);
	KUNIT_EXPECT_EQ(test, ts->counts, 1);
	KUNIT_EXPECT_EQ(test, ts->scans, param->scans);
	KUNIT_EXPECT_EQ(test, ts->scanned, param->scanned);
	KUNIT_EXPECT_EQ(test, freed, param->scanned / 2);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_deferred[0]), param->left);
	KUNIT_EXPECT_EQ(test, ts->gfp, GFP_NOFS);
	/* And as the file has it. */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_calls), 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_counted), param->freeable);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_scanned), param->scanned);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_freed), freed);
}

/* A little each time: when it comes to a batch, that is scanned. */
static void mml_shrinker_test_deferred(struct kunit *test)
{
	struct mml_machine *machine = mml_test_empty(test);
	struct mml_test_shrinker *ts = mml_test_registered(test, machine, 0);
	int round;

	ts->freeable = 1000;
	/* 62 * 2 = 124 each time, and the second time a 16th of the 124 before, 7: a batch. */
	mml_shrink_slab(machine, GFP_KERNEL, 0, 4);
	KUNIT_EXPECT_EQ(test, ts->scans, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_deferred[0]), 124);
	mml_shrink_slab(machine, GFP_KERNEL, 0, 4);
	KUNIT_EXPECT_EQ(test, ts->scans, 1);
	KUNIT_EXPECT_EQ(test, ts->scanned, 128);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_deferred[0]), 120);

	/* It cannot now: all is left for later, up to twice what there is. */
	ts->scans = 0;
	ts->stop_after = 1;
	ts->most = 10;
	KUNIT_EXPECT_EQ(test, mml_shrink_slab(machine, GFP_KERNEL, 0, 0), 5);
	KUNIT_EXPECT_EQ(test, ts->scans, 2);
	/* 120 + 2000 - 10, and twice 1000 at most. */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_deferred[0]), 2000);
	for (round = 0; round < 3; round++)
		KUNIT_EXPECT_EQ(test, mml_shrink_slab(machine, GFP_KERNEL, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_deferred[0]), 2000);

	/* There is nothing: it is not asked to scan, and nothing is forgotten. */
	ts->scans = 0;
	ts->freeable = SHRINK_EMPTY;
	KUNIT_EXPECT_EQ(test, mml_shrink_slab(machine, GFP_KERNEL, 0, 0), 0);
	ts->freeable = 0;
	KUNIT_EXPECT_EQ(test, mml_shrink_slab(machine, GFP_KERNEL, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, ts->scans, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_counted), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ts->shrinker->nr_deferred[0]), 2000);
}

/* What is left is kept by node, if nodes are told apart. */
static void mml_shrinker_test_nodes(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = 2 * MML_SECTION_FRAMES, .memmap_only = true,
			       .topology = { .nr_nodes = 2 });
	struct mml_test_shrinker *by_node =
		mml_test_registered(test, machine, SHRINKER_NUMA_AWARE);
	struct mml_test_shrinker *for_all = mml_test_registered(test, machine, 0);

	by_node->freeable = 10000;
	for_all->freeable = 10000;
	mml_shrink_slab(machine, GFP_KERNEL, 1, 12);
	KUNIT_EXPECT_EQ(test, by_node->nid, 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&by_node->shrinker->nr_deferred[0]), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&by_node->shrinker->nr_deferred[1]), 4);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&for_all->shrinker->nr_deferred[0]), 4);
}

/* Who is not registered is not asked, nor who is so no more; another machine's neither. */
static void mml_shrinker_test_register(struct kunit *test)
{
	struct mml_machine *machine = mml_test_empty(test), *other = mml_test_empty(test);
	struct mml_test_shrinker *ts = mml_test_shrinker(test, machine, 0);

	KUNIT_EXPECT_STREQ(test, ts->shrinker->name, "test 1");
	KUNIT_EXPECT_EQ(test, ts->shrinker->seeks, DEFAULT_SEEKS);
	mml_shrink_slab(machine, GFP_KERNEL, 0, 0);
	KUNIT_EXPECT_EQ(test, ts->counts, 0);
	mml_shrinker_register(ts->shrinker);
	KUNIT_EXPECT_TRUE(test, mml_has_shrinkers(machine));
	mml_shrink_slab(other, GFP_KERNEL, 0, 0);
	KUNIT_EXPECT_EQ(test, ts->counts, 0);
	mml_shrink_slab(machine, GFP_KERNEL, 0, 0);
	KUNIT_EXPECT_EQ(test, ts->counts, 1);
	mml_shrinker_free(ts->shrinker);
	ts->gone = true;
	mml_shrink_slab(machine, GFP_KERNEL, 0, 0);
	KUNIT_EXPECT_EQ(test, ts->counts, 1);
	mml_shrinker_free(NULL);
}

/* There is no memory for one. */
static void mml_shrinker_test_fail_nth(struct kunit *test)
{
	struct mml_machine *machine = mml_test_empty(test);

	mml_fail_nth(machine, 1);
	KUNIT_EXPECT_NULL(test, mml_shrinker_alloc(machine, 0, "x"));
	KUNIT_EXPECT_TRUE(test, mml_fail_nth_fired(machine));
	mml_fail_nth(machine, 0);
}

/*
 * Unregistering.
 */

static int mml_test_shrink_thread(void *data)
{
	struct mml_machine *machine = data;

	mml_shrink_slab(machine, GFP_KERNEL, 0, 0);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

static int mml_test_free_thread(void *data)
{
	struct mml_test_shrinker *ts = data;

	mml_shrinker_free(ts->shrinker);
	WRITE_ONCE(ts->gone, true);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

/* One that is at work is waited for; others are asked meanwhile, also the next on the list. */
static void mml_shrinker_test_running(struct kunit *test)
{
	struct mml_machine *machine = mml_test_empty(test);
	struct mml_test_shrinker *ts = mml_test_registered(test, machine, 0);
	struct mml_test_shrinker *next = mml_test_registered(test, machine, 0);
	struct task_struct *at_work, *freeing;
	unsigned int ms;

	ts->freeable = 10;
	ts->waits = true;
	at_work = kthread_run(mml_test_shrink_thread, machine, "mml-shrink");
	KUNIT_ASSERT_FALSE(test, IS_ERR(at_work));
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&ts->entered, 10 * HZ), 0);
	freeing = kthread_run(mml_test_free_thread, ts, "mml-unshrink");
	if (!IS_ERR(freeing))
		msleep(100);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(ts->gone));
	KUNIT_EXPECT_EQ(test, next->counts, 0);
	/* The first one is asked as long as somebody is at work on it, and has nothing now. */
	ts->freeable = 0;
	mml_shrink_slab(machine, GFP_KERNEL, 0, 0);
	KUNIT_EXPECT_EQ(test, next->counts, 1);
	complete_all(&ts->leave);
	for (ms = 0; !READ_ONCE(ts->gone) && ms < 10000; ms++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(ts->gone));
	KUNIT_EXPECT_EQ(test, kthread_stop(at_work), 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(freeing));
	KUNIT_EXPECT_EQ(test, kthread_stop(freeing), 0);
	KUNIT_EXPECT_EQ(test, ts->scans, 1);
	KUNIT_EXPECT_EQ(test, next->counts, 2);
}

static struct kunit_case mml_shrinker_cases[] = {
	KUNIT_CASE_PARAM(mml_shrinker_test_arithmetic, mml_shrink_gen_params),
	KUNIT_CASE(mml_shrinker_test_deferred),
	KUNIT_CASE(mml_shrinker_test_nodes),
	KUNIT_CASE(mml_shrinker_test_register),
	KUNIT_CASE(mml_shrinker_test_fail_nth),
	KUNIT_CASE(mml_shrinker_test_running),
	{}
};

static struct kunit_suite mml_shrinker_suite = {
	.name = "mml_shrinker",
	.test_cases = mml_shrinker_cases,
};
kunit_test_suite(mml_shrinker_suite);
