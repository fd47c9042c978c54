// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_slowpath: what is done for a request when there is no block to spare, and how
 * often, by its flags; with a reclaimer, a compactor and an OOM killer that only count, or
 * give back what the test holds.
 */
#include <linux/delay.h>
#include <linux/kthread.h>

#include "buddy_probe/internal.h"
#include "kunit/machine.h"

#define MML_TEST_FRAMES		(2 * MML_SECTION_FRAMES)

/**
 * struct mml_test_ops - who can do something, and how often he was asked
 * @ops: registered; first, so that the machine leads here
 * @machine: on it
 * @taken: what the test holds: single frames
 * @reclaims: so many frames are given back by each reclaim
 * @kills: and by each kill
 * @compaction: what comes of each compaction
 * @woken: calls of wakeup_kswapd
 * @reclaimed: of try_to_free_pages
 * @compacted: of try_to_compact_pages
 * @priority: with which the last one was asked for
 * @killed: calls of out_of_memory
 * @victim: the current process is to die
 * @dead: somebody was killed already
 */
struct mml_test_ops {
	struct mml_slowpath_ops ops;
	struct mml_machine *machine;
	struct mml_frame_list taken;
	int reclaims;
	int kills;
	enum mml_compact_result compaction;
	int woken;
	int reclaimed;
	int compacted;
	enum mml_compact_priority priority;
	int killed;
	bool victim;
	bool dead;
};

static struct mml_test_ops *mml_test_ops(struct mml_machine *machine)
{
	return (void *)rcu_access_pointer(mml_buddy(machine)->slowpath);
}

static int mml_test_release(struct mml_test_ops *to, int nr)
{
	struct mml_page *page;
	int done;

	for (done = 0; done < nr; done++) {
		page = mml_frame_list_pop(to->machine, &to->taken);
		if (!page)
			break;
		__mml_free_pages(to->machine, page, 0);
	}
	return done;
}

static bool mml_test_wakeup(struct mml_machine *machine, int nid, int zid, gfp_t gfp,
			    unsigned int order)
{
	mml_test_ops(machine)->woken++;
	return true;
}

static unsigned long mml_test_reclaim(struct mml_machine *machine, gfp_t gfp,
				      unsigned int order)
{
	struct mml_test_ops *to = mml_test_ops(machine);

	to->reclaimed++;
	return mml_test_release(to, to->reclaims);
}

static unsigned long mml_test_reclaimable(struct mml_machine *machine, int nid, int zid)
{
	struct mml_test_ops *to = mml_test_ops(machine);

	return to->reclaims ? to->taken.nr : 0;
}

static enum mml_compact_result mml_test_compact(struct mml_machine *machine, gfp_t gfp,
						unsigned int order,
						enum mml_compact_priority prio)
{
	struct mml_test_ops *to = mml_test_ops(machine);

	to->compacted++;
	to->priority = prio;
	return to->compaction;
}

static bool mml_test_kill(struct mml_machine *machine, gfp_t gfp, unsigned int order)
{
	struct mml_test_ops *to = mml_test_ops(machine);

	to->killed++;
	return mml_test_release(to, to->kills) || to->dead;
}

static bool mml_test_victim(struct mml_machine *machine)
{
	return mml_test_ops(machine)->victim;
}

static void mml_test_unregister(void *data)
{
	struct mml_test_ops *to = data;

	mml_test_release(to, INT_MAX);
	mml_slowpath_register(to->machine, NULL);
}

/* A machine whose frames are all taken but for what is kept; and who could do something. */
static struct mml_test_ops *mml_test_full(struct kunit *test)
{
	struct mml_test_ops *to = kunit_kzalloc(test, sizeof(*to), GFP_KERNEL);
	struct mml_page *page;

	KUNIT_ASSERT_NOT_NULL(test, to);
	to->ops = (struct mml_slowpath_ops){
		.wakeup_kswapd = mml_test_wakeup,
		.try_to_free_pages = mml_test_reclaim,
		.reclaimable_pages = mml_test_reclaimable,
		.try_to_compact_pages = mml_test_compact,
		.out_of_memory = mml_test_kill,
		.oom_victim = mml_test_victim,
	};
	to->machine = mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
				     .seed = 1, .watermarks = true);
	mml_frame_list_init(&to->taken);
	while ((page = mml_alloc_pages(to->machine, GFP_KERNEL, 0)))
		mml_frame_list_add(to->machine, &to->taken, page);
	mml_slowpath_register(to->machine, &to->ops);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_test_unregister, to));
	return to;
}

/* What is asked of whom, by the flags, when nobody can do anything. */
static const struct mml_slowpath_case {
	const char *name;
	gfp_t gfp;
	unsigned int order;
	int woken, reclaimed, compacted, killed;
} mml_slowpath_cases_of_failure[] = {
	{ "GFP_NOWAIT", GFP_NOWAIT, 0, 1, 0, 0, 0 },
	{ "GFP_ATOMIC of order 10", GFP_ATOMIC, 10, 1, 0, 0, 0 },
	{ "nothing at all", 0, 0, 0, 0, 0, 0 },
	{ "GFP_KERNEL", GFP_KERNEL, 0, 1, 1, 0, 1 },
	{ "GFP_KERNEL without the background", __GFP_DIRECT_RECLAIM, 0, 0, 1, 0, 1 },
	{ "of order 1: compacted before and after", GFP_KERNEL, 1, 1, 1, 2, 1 },
	{ "movable of order 1: reclaimed first", GFP_KERNEL | __GFP_MOVABLE, 1, 1, 1, 1, 1 },
	{ "__GFP_NORETRY", GFP_KERNEL | __GFP_NORETRY, 0, 1, 1, 0, 0 },
	{ "__GFP_RETRY_MAYFAIL: nobody dies", GFP_KERNEL | __GFP_RETRY_MAYFAIL, 0,
	  1, 1, 0, 0 },
	{ "__GFP_THISNODE: nobody dies", GFP_KERNEL | __GFP_THISNODE, 0, 1, 1, 0, 0 },
	{ "zone DMA: nobody dies", GFP_KERNEL | __GFP_DMA, 0, 1, 1, 0, 0 },
	{ "a large block: once, nobody dies", GFP_KERNEL, 5, 1, 1, 2, 0 },
	{ "__GFP_MEMALLOC: who reclaims does not", GFP_KERNEL | __GFP_MEMALLOC, 10,
	  1, 0, 0, 0 },
};
KUNIT_ARRAY_PARAM_DESC(mml_slowpath_failure, mml_slowpath_cases_of_failure, name);

static void mml_slowpath_test_failure(struct kunit *test)
{
	const struct mml_slowpath_case *param = test->param_value;
	struct mml_test_ops *to = mml_test_full(test);

	KUNIT_EXPECT_NULL(test, mml_alloc_pages(to->machine, param->gfp, param->order));
	KUNIT_EXPECT_EQ(test, to->woken, param->woken);
	KUNIT_EXPECT_EQ(test, to->reclaimed, param->reclaimed);
	KUNIT_EXPECT_EQ(test, to->compacted, param->compacted);
	KUNIT_EXPECT_EQ(test, to->killed, param->killed);
	KUNIT_EXPECT_EQ(test, mml_test_violations(to->machine), 0);
}

/* Somebody reclaims: the request is served; and again, until nothing is left. */
static void mml_slowpath_test_reclaim(struct kunit *test)
{
	struct mml_test_ops *to = mml_test_full(test);
	struct mml_page *page;

	to->reclaims = 32;
	page = mml_alloc_pages(to->machine, GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, to->reclaimed, 1);
	KUNIT_EXPECT_EQ(test, to->killed, 0);
	__mml_free_pages(to->machine, page, 0);

	/* Frames come free one by one; a pair of them takes some rounds. */
	to->reclaims = 1;
	to->reclaimed = 0;
	page = mml_alloc_pages(to->machine, GFP_KERNEL, 3);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, to->killed, 0);
	__mml_free_pages(to->machine, page, 3);
}

/* The OOM killer is the last resort, and is asked again as long as that helps. */
static void mml_slowpath_test_oom(struct kunit *test)
{
	struct mml_test_ops *to = mml_test_full(test);
	struct mml_page *page;

	to->kills = 1;
	page = mml_alloc_pages(to->machine, GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, to->killed, 1);
	KUNIT_EXPECT_EQ(test, to->reclaimed, 2);
	__mml_free_pages(to->machine, page, 0);
}

/* Who is to die may have half of the reserve, and does not kill for more. */
static void mml_slowpath_test_victim(struct kunit *test)
{
	struct mml_test_ops *to = mml_test_full(test);
	unsigned long min = mml_test_zone(to->machine)->watermark[MML_WMARK_MIN], n = 0;
	struct mml_page *page;

	to->victim = true;
	while ((page = mml_alloc_pages(to->machine, GFP_KERNEL, 0))) {
		mml_frame_list_add(to->machine, &to->taken, page);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, min / 2);
	/* Killing goes well again and again, and frees nothing: it does not go on for ever. */
	to->dead = true;
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(to->machine, GFP_KERNEL | __GFP_NOMEMALLOC, 0));
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(to->machine, GFP_KERNEL, 0));
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(to->machine), min - min / 2);
}

/* Compaction that fails is tried harder, if reclaiming gets on. */
static void mml_slowpath_test_compact(struct kunit *test)
{
	struct mml_test_ops *to = mml_test_full(test);

	to->compaction = MML_COMPACT_FAILED;
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(to->machine, GFP_KERNEL | __GFP_NORETRY, 9));
	KUNIT_EXPECT_EQ(test, to->compacted, 2);
	KUNIT_EXPECT_EQ(test, to->priority, MML_COMPACT_PRIO_SYNC_LIGHT);

	to->reclaims = 1;
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(to->machine,
						GFP_KERNEL | __GFP_RETRY_MAYFAIL, 10));
	KUNIT_EXPECT_EQ(test, to->priority, MML_COMPACT_PRIO_SYNC_LIGHT);
	KUNIT_EXPECT_EQ(test, to->killed, 0);
}

/* An op that is registered no more is not called. */
static void mml_slowpath_test_unregister(struct kunit *test)
{
	struct mml_test_ops *to = mml_test_full(test);

	mml_slowpath_register(to->machine, NULL);
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(to->machine, GFP_KERNEL, 0));
	KUNIT_EXPECT_EQ(test, to->woken + to->reclaimed + to->killed, 0);
	mml_slowpath_register(to->machine, &to->ops);
}

/*
 * It may not fail.
 */

static int mml_test_wait(void *data)
{
	struct mml_test_ops *to = data;
	struct mml_page *page = mml_alloc_pages(to->machine, GFP_KERNEL | __GFP_NOFAIL, 0);

	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	if (!page)
		return -ENOMEM;
	__mml_free_pages(to->machine, page, 0);
	return 0;
}

/* It waits, holds the machine meanwhile, and goes on once a frame is given back. */
static void mml_slowpath_test_nofail(struct kunit *test)
{
	struct mml_test_ops *to = mml_test_full(test);
	struct mml_page *page;
	struct task_struct *thread;
	int ms;

	/* It may have the reserve of others; that is gone, too. */
	while ((page = mml_alloc_pages(to->machine, GFP_KERNEL | __GFP_MEMALLOC, 0)))
		mml_frame_list_add(to->machine, &to->taken, page);
	thread = kthread_run(mml_test_wait, to, "mml-nofail");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	for (ms = 0; !READ_ONCE(to->machine->nr_holders) && ms < 10000; ms++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, to->machine->nr_holders, 1);
	KUNIT_EXPECT_EQ(test, mml_machine_destroy(to->machine, NULL), -EBUSY);
	msleep(100);
	KUNIT_EXPECT_EQ(test, to->machine->nr_holders, 1);
	mml_test_release(to, INT_MAX);
	for (ms = 0; READ_ONCE(to->machine->nr_holders) && ms < 10000; ms++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, to->machine->nr_holders, 0);
	KUNIT_EXPECT_EQ(test, kthread_stop(thread), 0);
}

/* Who may not sleep cannot insist. */
static void mml_slowpath_test_nofail_atomic(struct kunit *test)
{
	struct mml_test_ops *to = mml_test_full(test);

	KUNIT_EXPECT_NULL(test, mml_alloc_pages(to->machine, GFP_NOWAIT | __GFP_NOFAIL, 0));
}

/*
 * Boosting.
 */

/* A pageblock gets mixed: the marks go up, and the reclaimer is woken, once each time. */
static void mml_slowpath_test_boost(struct kunit *test)
{
	struct mml_test_ops *to = mml_test_full(test);
	struct mml_zone *zone = mml_test_zone(to->machine);
	unsigned long low = zone->watermark[MML_WMARK_LOW];
	struct mml_frame_list held;
	struct mml_page *page;

	mml_test_release(to, INT_MAX);
	mml_drain_all_pages(to->machine);
	while ((page = mml_alloc_pages(to->machine, GFP_NOWAIT | __GFP_MOVABLE, 0)))
		mml_frame_list_add(to->machine, &to->taken, page);
	/* Of each pageblock every second frame comes free: none can be claimed as a whole. */
	mml_frame_list_init(&held);
	while ((page = mml_frame_list_pop(to->machine, &to->taken))) {
		if (mml_page_to_pfn(to->machine, page).val % 2)
			__mml_free_pages(to->machine, page, 0);
		else
			mml_frame_list_add(to->machine, &held, page);
	}
	to->taken = held;
	mml_drain_all_pages(to->machine);
	to->woken = 0;
	KUNIT_ASSERT_EQ(test, zone->watermark_boost, 0);

	page = mml_alloc_pages(to->machine, GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, zone->watermark_boost, MML_PAGEBLOCK_FRAMES);
	KUNIT_EXPECT_EQ(test, mml_wmark_pages(zone, MML_WMARK_LOW),
			low + MML_PAGEBLOCK_FRAMES);
	KUNIT_EXPECT_EQ(test, to->woken, 1);
	KUNIT_EXPECT_EQ(test, zone->boosted, 0);
	__mml_free_pages(to->machine, page, 0);
	/* The reclaimer says that it has done half; then it goes, and the rest with it. */
	mml_zone_balanced(to->machine, 0, zone->zid, MML_PAGEBLOCK_FRAMES / 2);
	KUNIT_EXPECT_EQ(test, zone->watermark_boost, MML_PAGEBLOCK_FRAMES / 2);
	mml_slowpath_register(to->machine, NULL);
	KUNIT_EXPECT_EQ(test, zone->watermark_boost, 0);
}

static struct kunit_case mml_slowpath_cases[] = {
	KUNIT_CASE_PARAM(mml_slowpath_test_failure, mml_slowpath_failure_gen_params),
	KUNIT_CASE(mml_slowpath_test_reclaim),
	KUNIT_CASE(mml_slowpath_test_oom),
	KUNIT_CASE(mml_slowpath_test_victim),
	KUNIT_CASE(mml_slowpath_test_compact),
	KUNIT_CASE(mml_slowpath_test_unregister),
	KUNIT_CASE(mml_slowpath_test_nofail),
	KUNIT_CASE(mml_slowpath_test_nofail_atomic),
	KUNIT_CASE(mml_slowpath_test_boost),
	{}
};

static struct kunit_suite mml_slowpath_suite = {
	.name = "mml_slowpath",
	.test_cases = mml_slowpath_cases,
};
kunit_test_suite(mml_slowpath_suite);
