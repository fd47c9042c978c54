// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_slub_storm: objects of several caches, on both fast paths and debugged, are allocated by
 * threads, from a timer's softirq and from a hardirq, and freed by whoever comes across
 * them, while caches are made and destroyed, CPUs go and come back, readers look at what was
 * freed, and every invariant is checked. No object has two owners, and none is lost.
 *
 * As a module on a kernel with several CPUs this is the real thing (qemu/tests/storm.sh);
 * on UML the contexts still interrupt each other.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/timer.h>

#include "kunit/machine.h"
#include "slub_probe/slab.h"

#define MML_STORM_FRAMES	(2 * MML_SECTION_FRAMES)
#define MML_STORM_THREADS	4
#define MML_STORM_SLOTS		512
#define MML_STORM_ROUNDS	6
#define MML_STORM_PERIOD_NS	(400 * NSEC_PER_USEC)
#define MML_STORM_MARK		0x600d0b1ec7UL

static const struct mml_storm_cache {
	unsigned int size;
	enum mml_slab_path path;
	slab_flags_t flags;
} mml_storm_caches[] = {
	{ 64, MML_SLAB_SHEAVES, 0 },
	{ 64, MML_SLAB_CPU_SLABS, 0 },
	{ 1500, MML_SLAB_SHEAVES, SLAB_RECLAIM_ACCOUNT },
	{ 1500, MML_SLAB_CPU_SLABS, SLAB_HWCACHE_ALIGN },
	{ 200, MML_SLAB_SHEAVES, SLAB_TYPESAFE_BY_RCU },
	{ 200, MML_SLAB_CPU_SLABS, SLAB_TYPESAFE_BY_RCU },
	{ 90, MML_SLAB_SHEAVES, SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_STORE_USER },
	{ 700, MML_SLAB_SHEAVES, SLAB_CONSISTENCY_CHECKS | MML_SLAB_METADATA_FLAGS },
};

#define MML_STORM_CACHES	ARRAY_SIZE(mml_storm_caches)

/**
 * struct mml_slub_worker - who allocates, and frees what others have allocated
 * @storm: with whom
 * @rnd: what it does next
 * @gfp: how it asks
 * @done: allocations that worked
 * @task: its thread, if it is one
 */
struct mml_slub_worker {
	struct mml_slub_storm *storm;
	struct rnd_state rnd;
	gfp_t gfp;
	unsigned long done;
	struct task_struct *task;
};

/**
 * struct mml_slub_storm - all of them
 * @machine: whose objects
 * @cache: of mml_storm_caches
 * @slot: objects of each, everybody's; taken and put by exchanging
 * @worker: threads; then the hardirq and the softirq
 * @maker: makes and destroys caches
 * @reader: looks at objects that may be free
 * @wrong: objects that had two owners, or were not what they should be
 * @made: caches made and destroyed
 * @seen: objects looked at
 * @hrtimer: fires in hardirq context
 * @timer: fires in softirq context
 * @stop: timers are not started again
 */
struct mml_slub_storm {
	struct mml_machine *machine;
	struct mml_kmem_cache *cache[MML_STORM_CACHES];
	unsigned long *slot[MML_STORM_CACHES][MML_STORM_SLOTS];
	struct mml_slub_worker worker[MML_STORM_THREADS + 2];
	struct task_struct *maker;
	struct task_struct *reader;
	atomic_t wrong;
	unsigned long made;
	unsigned long seen;
	struct hrtimer hrtimer;
	struct timer_list timer;
	bool stop;
};

/* Nobody has it any more. */
static void mml_storm_release(struct mml_slub_storm *storm, unsigned int which,
			      unsigned long *object, bool rcu)
{
	/* Of memory that readers may look at, the first word stays. */
	if (READ_ONCE(*object) != MML_STORM_MARK)
		atomic_inc(&storm->wrong);
	WRITE_ONCE(*object, 0);
	if (rcu)
		__mml_kfree_rcu(storm->machine, object, (void *)(object + 1));
	else if (which % 3)
		mml_kmem_cache_free(storm->cache[which], object);
	else
		mml_kfree(storm->machine, object);
}

static unsigned long *mml_storm_obtain(struct mml_slub_worker *w, unsigned int which)
{
	struct mml_slub_storm *storm = w->storm;
	unsigned long *object;

	object = mml_kmem_cache_alloc_node(storm->cache[which], w->gfp,
					   (int)mml_test_below(&w->rnd, 3) - 1);
	if (!object)
		return NULL;
	if (READ_ONCE(*object) == MML_STORM_MARK)
		atomic_inc(&storm->wrong);
	WRITE_ONCE(*object, MML_STORM_MARK);
	w->done++;
	return object;
}

/* Put an object into a slot, or nothing; what was in it goes back. */
static void mml_slub_worker_step(struct mml_slub_worker *w)
{
	unsigned int which = mml_test_below(&w->rnd, MML_STORM_CACHES);
	unsigned int at = mml_test_below(&w->rnd, MML_STORM_SLOTS);
	unsigned long *object = NULL;

	if (mml_test_below(&w->rnd, 8) < 5)
		object = mml_storm_obtain(w, which);
	object = xchg(&w->storm->slot[which][at], object);
	if (object)
		mml_storm_release(w->storm, which, object, !mml_test_below(&w->rnd, 8));
}

static int mml_slub_worker_thread(void *data)
{
	struct mml_slub_worker *w = data;
	int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < 100; i++)
			mml_slub_worker_step(w);
		cond_resched();
	}
	return 0;
}

static enum hrtimer_restart mml_slub_hrtimer(struct hrtimer *hrtimer)
{
	struct mml_slub_storm *storm = container_of(hrtimer, struct mml_slub_storm, hrtimer);
	int i;

	for (i = 0; i < 4; i++)
		mml_slub_worker_step(&storm->worker[MML_STORM_THREADS]);
	hrtimer_forward_now(hrtimer, ns_to_ktime(MML_STORM_PERIOD_NS));
	return READ_ONCE(storm->stop) ? HRTIMER_NORESTART : HRTIMER_RESTART;
}

static void mml_slub_timer(struct timer_list *timer)
{
	struct mml_slub_storm *storm = from_timer(storm, timer, timer);
	int i;

	for (i = 0; i < 50; i++)
		mml_slub_worker_step(&storm->worker[MML_STORM_THREADS + 1]);
	if (!READ_ONCE(storm->stop))
		mod_timer(timer, jiffies + 1);
}

/* Caches that live for a few objects. */
static int mml_slub_maker(void *data)
{
	struct mml_slub_storm *storm = data;
	void *object[20];
	int i;

	while (!kthread_should_stop()) {
		struct mml_kmem_cache_args args = { .path = storm->made % 2 };
		struct mml_kmem_cache *s;

		s = mml_kmem_cache_create(storm->machine, "short", 40 + storm->made % 300,
					  &args, storm->made % 3 ? SLAB_NO_MERGE : 0);
		if (IS_ERR(s)) {
			atomic_inc(&storm->wrong);
			break;
		}
		for (i = 0; i < ARRAY_SIZE(object); i++)
			object[i] = mml_kmem_cache_alloc(s, GFP_KERNEL);
		for (i = 0; i < ARRAY_SIZE(object); i++) {
			if (storm->made % 4 || !object[i])
				mml_kmem_cache_free(s, object[i]);
			else
				__mml_kfree_rcu(storm->machine, object[i], object[i]);
		}
		if (mml_kmem_cache_destroy(s))
			atomic_inc(&storm->wrong);
		storm->made++;
		cond_resched();
	}
	return 0;
}

/* What a reader finds may be free, and somebody else's, but it is one of the cache's. */
static int mml_slub_reader(void *data)
{
	struct mml_slub_storm *storm = data;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 1);
	while (!kthread_should_stop()) {
		unsigned int which = 4 + mml_test_below(&rnd, 2);
		unsigned long *object;
		int i;

		rcu_read_lock();
		object = READ_ONCE(storm->slot[which][mml_test_below(&rnd, MML_STORM_SLOTS)]);
		for (i = 0; object && i < 100; i++) {
			if (!mml_cache_slab(storm->cache[which], object))
				atomic_inc(&storm->wrong);
			cpu_relax();
		}
		rcu_read_unlock();
		storm->seen += !!object;
		cond_resched();
	}
	return 0;
}

static void mml_slub_stop(struct task_struct **task)
{
	if (!IS_ERR_OR_NULL(*task))
		kthread_stop(*task);
	*task = NULL;
}

static void mml_slub_storm_end(void *data)
{
	struct mml_slub_storm *storm = data;
	unsigned int i, at;

	WRITE_ONCE(storm->stop, true);
	hrtimer_cancel(&storm->hrtimer);
	timer_delete_sync(&storm->timer);
	for (i = 0; i < MML_STORM_THREADS; i++)
		mml_slub_stop(&storm->worker[i].task);
	mml_slub_stop(&storm->maker);
	mml_slub_stop(&storm->reader);
	for (i = 0; i < MML_STORM_CACHES; i++) {
		for (at = 0; at < MML_STORM_SLOTS; at++) {
			unsigned long *object = xchg(&storm->slot[i][at], NULL);

			if (object)
				mml_storm_release(storm, i, object, at % 2);
		}
	}
}

static struct mml_slub_storm *mml_slub_storm_begin(struct kunit *test,
						   struct mml_machine *machine)
{
	struct mml_slub_storm *storm = kunit_kzalloc(test, sizeof(*storm), GFP_KERNEL);
	struct rnd_state rnd;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, storm);
	storm->machine = machine;
	mml_test_seed(test, &rnd);
	for (i = 0; i < MML_STORM_CACHES; i++) {
		const struct mml_storm_cache *c = &mml_storm_caches[i];
		struct mml_kmem_cache_args args = { .path = c->path };

		storm->cache[i] = mml_kmem_cache_create(machine, "storm", c->size, &args,
							c->flags | SLAB_NO_MERGE);
		KUNIT_ASSERT_FALSE(test, IS_ERR(storm->cache[i]));
	}
	for (i = 0; i < ARRAY_SIZE(storm->worker); i++) {
		storm->worker[i].storm = storm;
		storm->worker[i].gfp = i < MML_STORM_THREADS ? GFP_KERNEL : GFP_ATOMIC;
		prandom_seed_state(&storm->worker[i].rnd, prandom_u32_state(&rnd));
	}
	hrtimer_init(&storm->hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	storm->hrtimer.function = mml_slub_hrtimer;
	timer_setup(&storm->timer, mml_slub_timer, 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_slub_storm_end, storm));
	for (i = 0; i < MML_STORM_THREADS; i++) {
		storm->worker[i].task = kthread_run(mml_slub_worker_thread, &storm->worker[i],
						    "mml_slub/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, storm->worker[i].task);
	}
	storm->maker = kthread_run(mml_slub_maker, storm, "mml_slub/maker");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, storm->maker);
	storm->reader = kthread_run(mml_slub_reader, storm, "mml_slub/reader");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, storm->reader);
	hrtimer_start(&storm->hrtimer, ns_to_ktime(MML_STORM_PERIOD_NS),
		      HRTIMER_MODE_REL_HARD);
	mod_timer(&storm->timer, jiffies + 1);
	return storm;
}

/* Let it blow for a while: a tenth of a second. */
static void mml_slub_storm_wait(void)
{
	schedule_timeout_uninterruptible(HZ / 10);
}

#ifdef CONFIG_HOTPLUG_CPU

/* Does @cpu keep nothing of a cache? */
static bool mml_storm_keeps_no_object(const struct mml_kmem_cache *s, int cpu)
{
	if (s->path == MML_SLAB_SHEAVES) {
		const struct mml_slub_percpu_sheaves *pcs = per_cpu_ptr(s->cpu_sheaves, cpu);

		return !pcs->main->nr && !(pcs->spare && pcs->spare->nr) && !pcs->rcu_free;
	}
	return s->path == MML_SLAB_DEBUG ||
	       (!per_cpu_ptr(s->cpu_slab, cpu)->slab &&
		!per_cpu_ptr(s->cpu_slab, cpu)->nr_partial);
}

/* Take a CPU away for a while, if there is one. Returns: whether there was. */
static bool mml_slub_storm_unplug(struct kunit *test, struct mml_slub_storm *storm, int round)
{
	int cpu = 1 + round % max(1U, num_possible_cpus() - 1), i;

	if (!cpu_possible(cpu) || !cpu_online(cpu) || remove_cpu(cpu))
		return false;
	for (i = 0; i < MML_STORM_CACHES; i++)
		KUNIT_EXPECT_TRUE(test, mml_storm_keeps_no_object(storm->cache[i], cpu));
	mml_slub_storm_wait();
	KUNIT_EXPECT_EQ(test, mml_test_violations(storm->machine), 0);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	return true;
}

#else

static bool mml_slub_storm_unplug(struct kunit *test, struct mml_slub_storm *storm, int round)
{
	return false;
}

#endif

static void mml_slub_storm_run(struct kunit *test, unsigned long frames)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = frames, .topology = {
			.nr_nodes = frames > MML_SECTION_FRAMES ? 2 : 1 });
	struct mml_slub_storm *storm = mml_slub_storm_begin(test, machine);
	int round, unplugged = 0, i;

	for (round = 0; round < MML_STORM_ROUNDS; round++) {
		mml_slub_storm_wait();
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		for (i = 0; i < MML_STORM_CACHES; i++)
			KUNIT_EXPECT_EQ(test, mml_kmem_cache_validate(storm->cache[i]), 0);
		unplugged += mml_slub_storm_unplug(test, storm, round);
		mml_kmem_cache_shrink(storm->cache[round % MML_STORM_CACHES]);
		mml_drain_all_pages(machine);
	}
	mml_slub_storm_end(storm);
	for (i = 0; i < ARRAY_SIZE(storm->worker); i++)
		KUNIT_EXPECT_GT(test, storm->worker[i].done, 0);
	KUNIT_EXPECT_GT(test, storm->made, 0);
	KUNIT_EXPECT_GT(test, storm->seen, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&storm->wrong), 0);
	if (num_possible_cpus() > 1)
		KUNIT_EXPECT_EQ(test, unplugged, MML_STORM_ROUNDS);
	for (i = 0; i < MML_STORM_CACHES; i++)
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(storm->cache[i]), 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), frames);
	kunit_info(test, "%lu in threads, %lu in hardirqs, %lu in softirqs; %lu caches made, %d CPUs unplugged",
		   storm->worker[0].done, storm->worker[MML_STORM_THREADS].done,
		   storm->worker[MML_STORM_THREADS + 1].done, storm->made, unplugged);
}

static void mml_slub_storm_test_plenty(struct kunit *test)
{
	mml_slub_storm_run(test, MML_STORM_FRAMES);
}

/* Requests fail. */
static void mml_slub_storm_test_scarce(struct kunit *test)
{
	mml_slub_storm_run(test, 320);
}

/*
 * Somebody on another CPU has its sheaves while they are to be flushed, or looked at: that is
 * done, once they are given back.
 */

#define MML_HOLD_MS	20
#define MML_HOLD_MAX_MS	5000

/**
 * struct mml_sheaves_holder - who has a CPU's sheaves for a while
 * @s: of which cache
 * @begun: they are its
 * @asked: somebody is about to want them
 * @ended: they were its
 */
struct mml_sheaves_holder {
	struct mml_kmem_cache *s;
	struct completion begun;
	bool asked;
	bool ended;
};

static int mml_sheaves_hold(void *data)
{
	struct mml_sheaves_holder *holder = data;
	struct mml_slub_percpu_sheaves *pcs;
	unsigned int ms;

	mml_kmem_cache_free(holder->s, mml_kmem_cache_alloc(holder->s, GFP_KERNEL));
	/* Only interrupts find them taken. */
	while (!mml_sheaves_trylock(holder->s, &pcs))
		cpu_relax();
	complete(&holder->begun);
	/* On a busy host it may take a while until they are asked for. */
	for (ms = 0; ms < MML_HOLD_MAX_MS && !READ_ONCE(holder->asked); ms++)
		mdelay(1);
	mdelay(MML_HOLD_MS);
	WRITE_ONCE(holder->ended, true);
	mml_sheaves_unlock(pcs);
	return 0;
}

static void mml_slub_storm_test_held(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_STORM_FRAMES);
	struct mml_kmem_cache *s = mml_kmem_cache_create(machine, "held", 64, NULL, SLAB_NO_MERGE);
	int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id()), round;

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	for (round = 0; round < 2 && cpu < nr_cpu_ids; round++) {
		struct mml_sheaves_holder holder = {
			.s = s, .begun = COMPLETION_INITIALIZER_ONSTACK(holder.begun) };
		struct task_struct *task = kthread_create(mml_sheaves_hold, &holder,
							  "mml_slub/holder");

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
		get_task_struct(task);
		kthread_bind(task, cpu);
		set_cpus_allowed_ptr(current, cpumask_of(cpumask_any_but(cpu_online_mask, cpu)));
		wake_up_process(task);
		wait_for_completion(&holder.begun);
		WRITE_ONCE(holder.asked, true);
		if (round)
			KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		else
			KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 0);
		KUNIT_EXPECT_TRUE(test, READ_ONCE(holder.ended));
		kthread_stop_put(task);
	}
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	if (!round)
		kunit_skip(test, "there is but one CPU");
}

static struct kunit_case mml_slub_storm_cases[] = {
	KUNIT_CASE(mml_slub_storm_test_held),
	KUNIT_CASE(mml_slub_storm_test_plenty),
	KUNIT_CASE(mml_slub_storm_test_scarce),
	{}
};

static struct kunit_suite mml_slub_storm_suite = {
	.name = "mml_slub_storm",
	.test_cases = mml_slub_storm_cases,
};
kunit_test_suite(mml_slub_storm_suite);
