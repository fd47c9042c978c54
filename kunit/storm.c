// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_storm: frames are allocated and freed by threads, from a timer's softirq and
 * from a hardirq, all at once, on all nodes and of all zones, while CPUs and sections go
 * and come back, ranges are taken, lists are drained and aged, and every invariant is
 * checked. In the end each frame is where it was.
 *
 * As a module on a kernel with several CPUs this is the real thing (qemu/tests/storm.sh);
 * on UML the contexts still interrupt each other.
 */
#include <linux/cpu.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/timer.h>

#include "buddy_probe/internal.h"
#include "kunit/machine.h"
#include "mm_lab/vmstat.h"

/* Little: requests fail. And plenty: there are sections that are free. */
#define MML_STORM_SCARCE	8UL
#define MML_STORM_PLENTY	40UL
#define MML_STORM_THREADS	6
#define MML_STORM_HELD		256
#define MML_STORM_ROUNDS	6
#define MML_STORM_PERIOD_NS	(300 * NSEC_PER_USEC)

/**
 * struct mml_holder - who holds blocks; nobody else touches them
 * @machine: where they are from
 * @rnd: what it does next
 * @gfp: how it asks
 * @page: what it holds
 * @order: of each
 * @nr: how many
 * @done: allocations that worked
 */
struct mml_holder {
	struct mml_machine *machine;
	struct rnd_state rnd;
	gfp_t gfp;
	struct mml_page *page[MML_STORM_HELD];
	u8 order[MML_STORM_HELD];
	unsigned int nr;
	unsigned long done;
};

/**
 * struct mml_storm - all of them
 * @thread: kthreads
 * @holder: theirs; then the hardirq's and the softirq's
 * @hrtimer: fires in hardirq context
 * @timer: fires in softirq context
 * @stop: timers are not started again
 */
struct mml_storm {
	struct task_struct *thread[MML_STORM_THREADS];
	struct mml_holder holder[MML_STORM_THREADS + 2];
	struct hrtimer hrtimer;
	struct timer_list timer;
	bool stop;
};

/* Allocate or free something, more or less evenly. */
static void mml_holder_step(struct mml_holder *h)
{
	static const gfp_t kind[] = { 0, __GFP_MOVABLE, __GFP_RECLAIMABLE, __GFP_DMA,
				      __GFP_HIGHMEM | __GFP_MOVABLE, __GFP_THISNODE,
				      __GFP_MEMALLOC };
	bool fill = h->nr < MML_STORM_HELD && (!h->nr || mml_test_below(&h->rnd, 2));
	unsigned int order, at;
	struct mml_page *page;

	if (fill) {
		order = __ffs(prandom_u32_state(&h->rnd) | BIT(MML_MAX_ORDER));
		page = mml_alloc_pages_node(h->machine, mml_test_below(&h->rnd, 3) - 1,
					    h->gfp | kind[mml_test_below(&h->rnd,
									 ARRAY_SIZE(kind))],
					    order);
		if (!page)
			return;
		h->page[h->nr] = page;
		h->order[h->nr++] = order;
		h->done++;
		return;
	}
	at = mml_test_below(&h->rnd, h->nr);
	__mml_free_pages(h->machine, h->page[at], h->order[at]);
	h->nr--;
	h->page[at] = h->page[h->nr];
	h->order[at] = h->order[h->nr];
}

static void mml_holder_empty(struct mml_holder *h)
{
	while (h->nr) {
		h->nr--;
		__mml_free_pages(h->machine, h->page[h->nr], h->order[h->nr]);
	}
}

static int mml_storm_thread(void *data)
{
	struct mml_holder *h = data;
	int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < 100; i++)
			mml_holder_step(h);
		cond_resched();
	}
	return 0;
}

static enum hrtimer_restart mml_storm_hrtimer(struct hrtimer *hrtimer)
{
	struct mml_storm *storm = container_of(hrtimer, struct mml_storm, hrtimer);
	int i;

	for (i = 0; i < 4; i++)
		mml_holder_step(&storm->holder[MML_STORM_THREADS]);
	hrtimer_forward_now(hrtimer, ns_to_ktime(MML_STORM_PERIOD_NS));
	return READ_ONCE(storm->stop) ? HRTIMER_NORESTART : HRTIMER_RESTART;
}

static void mml_storm_timer(struct timer_list *timer)
{
	struct mml_storm *storm = from_timer(storm, timer, timer);
	int i;

	for (i = 0; i < 50; i++)
		mml_holder_step(&storm->holder[MML_STORM_THREADS + 1]);
	if (!READ_ONCE(storm->stop))
		mod_timer(timer, jiffies + 1);
}

static void mml_storm_end(void *data)
{
	struct mml_storm *storm = data;
	int i;

	WRITE_ONCE(storm->stop, true);
	hrtimer_cancel(&storm->hrtimer);
	timer_delete_sync(&storm->timer);
	for (i = 0; i < MML_STORM_THREADS; i++) {
		if (!IS_ERR_OR_NULL(storm->thread[i]))
			kthread_stop(storm->thread[i]);
		storm->thread[i] = NULL;
	}
	for (i = 0; i < ARRAY_SIZE(storm->holder); i++)
		mml_holder_empty(&storm->holder[i]);
}

static struct mml_storm *mml_storm_begin(struct kunit *test, struct mml_machine *machine)
{
	struct mml_storm *storm = kunit_kzalloc(test, sizeof(*storm), GFP_KERNEL);
	struct rnd_state rnd;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, storm);
	mml_test_seed(test, &rnd);
	for (i = 0; i < ARRAY_SIZE(storm->holder); i++) {
		storm->holder[i].machine = machine;
		storm->holder[i].gfp = i < MML_STORM_THREADS ? GFP_KERNEL : GFP_ATOMIC;
		prandom_seed_state(&storm->holder[i].rnd, prandom_u32_state(&rnd));
	}
	hrtimer_init(&storm->hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	storm->hrtimer.function = mml_storm_hrtimer;
	timer_setup(&storm->timer, mml_storm_timer, 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_storm_end, storm));
	for (i = 0; i < MML_STORM_THREADS; i++) {
		storm->thread[i] = kthread_run(mml_storm_thread, &storm->holder[i],
					       "mml_storm/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, storm->thread[i]);
	}
	hrtimer_start(&storm->hrtimer, ns_to_ktime(MML_STORM_PERIOD_NS),
		      HRTIMER_MODE_REL_HARD);
	mod_timer(&storm->timer, jiffies + 1);
	return storm;
}

/* Let it blow for a while: a tenth of a second. */
static void mml_storm_wait(void)
{
	schedule_timeout_uninterruptible(HZ / 10);
}

#ifdef CONFIG_HOTPLUG_CPU

/* Does @cpu keep nothing? */
static bool mml_storm_keeps_nothing(struct mml_machine *machine, int cpu)
{
	struct mml_zone *zone;
	int i;

	mml_for_each_populated_zone(mml_buddy(machine), zone, i)
		if (mml_pcp_pages(per_cpu_ptr(zone->pcp, cpu)))
			return false;
	return true;
}

/* Take a CPU away for a while, if there is one. Returns: whether there was. */
static bool mml_storm_unplug(struct kunit *test, struct mml_machine *machine, int round)
{
	int cpu = 1 + round % max(1U, num_possible_cpus() - 1);

	if (!cpu_online(cpu) || !cpu_possible(cpu) || remove_cpu(cpu))
		return false;
	KUNIT_EXPECT_TRUE(test, mml_storm_keeps_nothing(machine, cpu));
	mml_storm_wait();
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	return true;
}

#else

static bool mml_storm_unplug(struct kunit *test, struct mml_machine *machine, int round)
{
	return false;
}

#endif

/* Take sections away for a while, as far as they are free. Returns: how many were. */
static int mml_storm_offline(struct kunit *test, struct mml_machine *machine)
{
	unsigned long sections = machine->nr_frames / MML_SECTION_FRAMES, i, gone = 0;
	DECLARE_BITMAP(offline, MML_STORM_PLENTY);

	bitmap_zero(offline, MML_STORM_PLENTY);
	for (i = 0; i < sections; i++) {
		int err = mml_offline_section(machine, i);

		KUNIT_EXPECT_TRUE(test, !err || err == -EBUSY);
		if (err)
			continue;
		set_bit(i, offline);
		if (++gone == 3)
			break;
	}
	mml_storm_wait();
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	for_each_set_bit(i, offline, MML_STORM_PLENTY)
		KUNIT_EXPECT_EQ(test, mml_online_section(machine, i), 0);
	return gone;
}

/* Take ranges, as far as they are free. Returns: how many were. */
static int mml_storm_ranges(struct kunit *test, struct mml_machine *machine)
{
	unsigned long pfn;
	int got = 0;

	for (pfn = 100; pfn + 700 < machine->nr_frames; pfn += MML_SECTION_FRAMES) {
		/* In one half of the section or in both. */
		unsigned long nr = pfn / MML_SECTION_FRAMES % 2 ? 300 : 700;
		int err = mml_alloc_contig_range(machine, pfn, pfn + nr);

		if (err)
			continue;
		if (got++ % 4 == 0)
			KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		mml_free_contig_range(machine, pfn, nr);
	}
	return got;
}

static void mml_storm_run(struct kunit *test, unsigned long sections, unsigned long options)
{
	const unsigned long frames = sections * MML_SECTION_FRAMES;
	struct mml_machine *machine =
		mml_test_build(test, .frames = frames, .memmap_only = true,
			       .options = options, .watermarks = true,
			       .topology = { .nr_nodes = 2, .movable = frames / 4 });
	struct mml_storm *storm = mml_storm_begin(test, machine);
	int round, unplugged = 0, offline = 0, ranges = 0, i;

	for (round = 0; round < MML_STORM_ROUNDS; round++) {
		mml_storm_wait();
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		unplugged += mml_storm_unplug(test, machine, round);
		offline += mml_storm_offline(test, machine);
		ranges += mml_storm_ranges(test, machine);
		mml_drain_all_pages(machine);
		mml_pcp_age(&mml_buddy(machine)->age.work);
	}
	mml_storm_end(storm);
	for (i = 0; i < ARRAY_SIZE(storm->holder); i++)
		KUNIT_EXPECT_GT(test, storm->holder[i].done, 0);
	if (num_possible_cpus() > 1)
		KUNIT_EXPECT_EQ(test, unplugged, MML_STORM_ROUNDS);
	if (sections == MML_STORM_PLENTY) {
		KUNIT_EXPECT_GT(test, offline, 0);
		KUNIT_EXPECT_GT(test, ranges, 0);
	}
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), frames);
	mml_drain_all_pages(machine);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), frames);
	KUNIT_EXPECT_EQ(test, mml_test_nr_free_blocks(machine, MML_MAX_ORDER), sections);
	KUNIT_EXPECT_EQ(test, mml_vm_event(machine, MML_PGALLOC),
			mml_vm_event(machine, MML_PGFREE));
	kunit_info(test, "%lu in threads, %lu in hardirqs, %lu in softirqs; %d CPUs unplugged, %d sections offline, %d ranges",
		   storm->holder[0].done, storm->holder[MML_STORM_THREADS].done,
		   storm->holder[MML_STORM_THREADS + 1].done, unplugged, offline, ranges);
}

static void mml_storm_test_scarce(struct kunit *test)
{
	mml_storm_run(test, MML_STORM_SCARCE, 0);
}

static void mml_storm_test_plenty(struct kunit *test)
{
	mml_storm_run(test, MML_STORM_PLENTY, 0);
}

static void mml_storm_test_no_pcp(struct kunit *test)
{
	mml_storm_run(test, MML_STORM_SCARCE, BIT(MML_OPTION_NO_PCP));
}

static void mml_storm_test_page_owner(struct kunit *test)
{
	mml_storm_run(test, MML_STORM_SCARCE, BIT(MML_OPTION_PAGE_OWNER));
}

static struct kunit_case mml_storm_cases[] = {
	KUNIT_CASE(mml_storm_test_scarce),
	KUNIT_CASE_SLOW(mml_storm_test_plenty),
	KUNIT_CASE(mml_storm_test_no_pcp),
	KUNIT_CASE(mml_storm_test_page_owner),
	{}
};

static struct kunit_suite mml_storm_suite = {
	.name = "mml_storm",
	.test_cases = mml_storm_cases,
};
kunit_test_suite(mml_storm_suite);
