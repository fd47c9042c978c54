// SPDX-License-Identifier: GPL-2.0
/*
 * Throughput of several threads at once: a test's work in chunks, over and over, each
 * thread bound to a CPU of its own, for a fixed time; by one thread, and by all, both
 * sides in turn. How it scales is the second by the first, and says something only
 * beside what control.compute, which shares nothing, and control.spin_lock, which shares
 * all, do in the same run.
 *
 * Of a handover, each two threads share a ring: the first allocates, the second frees. There
 * is none by one thread: what is measured is how many objects went all the way.
 *
 * A thread brings the free lists into its state before the next one is started. What
 * becomes of that state when they run is a part of what is measured.
 *
 * Locking: under mml_bench_mutex (main.c). The threads begin together, once all are
 * there, and end when the one who started them says so.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/delay.h>

#include "bench/bench.h"
#include "bench/ring.h"

/**
 * struct mml_bench_team - threads that run at once
 * @go: they may begin
 * @stop: they are to end
 */
struct mml_bench_team {
	bool go;
	bool stop;
};

/**
 * struct mml_bench_thread - one of them
 * @team: it belongs to
 * @task: that it is; NULL: none
 * @ready: it waits for @go of its team
 * @done: it has ended
 * @count: operations that it did
 * @time: in nanoseconds, from its first to its last
 * @err: it could not bring about the state to begin with
 * @part: what it does, over and over
 * @job: with what
 * @ring: if it hands over: to the next one
 */
struct mml_bench_thread {
	struct mml_bench_team *team;
	struct task_struct *task;
	struct completion ready;
	struct completion done;
	u64 count;
	u64 time;
	int err;
	mml_bench_part_fn part;
	struct mml_bench_job job;
	struct mml_bench_ring ring;
};

static int mml_bench_thread_fn(void *data)
{
	struct mml_bench_thread *t = data;
	struct mml_bench_job *job = &t->job;
	u64 begin;

	t->err = job->side->prepare ? job->side->prepare(job) : 0;
	complete(&t->ready);
	while (!READ_ONCE(t->team->go))
		cond_resched();

	begin = ktime_get_ns();
	while (!t->err && !READ_ONCE(t->team->stop)) {
		t->part(job);
		t->count += job->ring ? 0 : job->n;
		if (job->failed)
			t->err = -ENOMEM;
		cond_resched();
	}
	t->time = ktime_get_ns() - begin;
	t->count += job->done;
	mml_bench_release(job);
	/* Not from here: once that is known, this module may go. */
	kthread_complete_and_exit(&t->done, 0);
}

/* Start the @i-th thread, on the @i-th CPU. Returns: 0 or a negative errno. */
static int mml_bench_thread_start(struct mml_bench_thread *t, unsigned int i)
{
	struct task_struct *task;

	init_completion(&t->ready);
	init_completion(&t->done);
	task = kthread_create(mml_bench_thread_fn, t, "mml_bench/%u", i);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpumask_nth(i, cpu_online_mask));
	t->task = task;
	wake_up_process(task);
	wait_for_completion(&t->ready);
	return t->err;
}

/* What the @i-th thread is to do; nothing has been done yet. */
static void mml_bench_thread_init(struct mml_bench_thread *t, unsigned int i,
				  const struct mml_bench_test *test,
				  enum mml_bench_who who, struct mml_bench_team *team)
{
	bool takes = test->kind == MML_BENCH_HANDOVER && i % 2;

	t[i].team = team;
	t[i].task = NULL;
	t[i].count = 0;
	t[i].time = 0;
	t[i].err = 0;
	t[i].part = test->side[who]->part[takes];
	t[i].ring = (struct mml_bench_ring){};
	mml_bench_job_init(&t[i].job, test, who);
	t[i].job.ring = test->kind == MML_BENCH_HANDOVER ? &t[i - takes].ring : NULL;
	t[i].job.stop = &team->stop;
}

/* Nobody will take what is still on its way. */
static void mml_bench_ring_empty(struct mml_bench_thread *t)
{
	void *object;

	while ((object = mml_bench_ring_take(&t->ring)))
		t->job.side->allocator->free(object, t->job.order);
}

/*
 * One sample: @threads at once for @msecs. Returns: 0 or a negative errno.
 */
static int mml_bench_team_run(const struct mml_bench_test *test, enum mml_bench_who who,
			      struct mml_bench_thread *t, unsigned int threads,
			      unsigned int msecs)
{
	struct mml_bench_team team = {};
	u64 count = 0, time = 0;
	int err = 0;

	for (unsigned int i = 0; i < threads; i++)
		mml_bench_thread_init(t, i, test, who, &team);
	for (unsigned int i = 0; !err && i < threads; i++)
		err = mml_bench_thread_start(&t[i], i);
	WRITE_ONCE(team.stop, err != 0);
	WRITE_ONCE(team.go, true);
	if (!err)
		msleep(msecs);
	WRITE_ONCE(team.stop, true);

	for (unsigned int i = 0; i < threads && t[i].task; i++) {
		wait_for_completion(&t[i].done);
		err = err ?: t[i].err;
		count += t[i].count;
		time = max(time, t[i].time);
	}
	for (unsigned int i = 0; i < threads; i++)
		mml_bench_ring_empty(&t[i]);
	if (!err)
		mml_bench_keep(test, who, 0, threads, count, time);
	else
		pr_err("%s with %u threads: error %d\n", test->name, threads, err);
	return err;
}

/* One thread, and all of them, on each side of @test; or as many pairs as there are. */
static int mml_bench_teams(const struct mml_bench_test *test, struct mml_bench_thread *t,
			   unsigned int threads, unsigned int msecs)
{
	int err = 0;

	for (unsigned int who = 0; !err && who < MML_BENCH_NR_SIDES; who++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (test->kind == MML_BENCH_HANDOVER) {
			err = mml_bench_team_run(test, who, t, round_down(threads, 2), msecs);
			continue;
		}
		err = mml_bench_team_run(test, who, t, 1, msecs);
		if (!err)
			err = mml_bench_team_run(test, who, t, threads, msecs);
	}
	return err;
}

static int mml_bench_teams_round(const char *glob, struct mml_bench_thread *t,
				 unsigned int threads, unsigned int msecs)
{
	const struct mml_bench_test *test;
	int err = 0;

	for (unsigned int table = 0; mml_bench_tables[table]; table++) {
		for (test = mml_bench_tables[table]; !err && test->name; test++) {
			if (mml_bench_wants(test, glob, MML_BENCH_THREADS))
				err = mml_bench_teams(test, t, threads, msecs);
		}
	}
	return err;
}

/**
 * mml_bench_threads - measure throughput, of one thread and of several
 * @glob: of the tests that are for threads, those whose names match
 * @rounds: how many samples
 * @threads: how many at once
 * @msecs: how long a sample takes
 *
 * Context: process, may sleep; under mml_bench_mutex.
 * Return: 0 or a negative errno.
 */
int mml_bench_threads(const char *glob, unsigned int rounds, unsigned int threads,
		      unsigned int msecs)
{
	struct mml_bench_thread *t;
	int err;

	if (threads < 2) {
		pr_err("1 thread is none beside others: 2 at least\n");
		return -EINVAL;
	}
	if (threads > num_online_cpus()) {
		pr_err("%u threads want as many CPUs; there are %u\n", threads,
		       num_online_cpus());
		return -EINVAL;
	}
	err = mml_bench_reserve((unsigned long)mml_bench_count(glob, MML_BENCH_THREADS) *
				rounds * 2 * MML_BENCH_NR_SIDES);
	if (err)
		return err;
	t = kvcalloc(threads, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	for (unsigned int round = 0; !err && round < rounds; round++)
		err = mml_bench_teams_round(glob, t, threads, msecs);
	kvfree(t);
	return err;
}
