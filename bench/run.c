// SPDX-License-Identifier: GPL-2.0
/*
 * Batches: one side of a test, timed; of all tests and both sides in turn, round after
 * round; and the list of what came of it, which says nothing but what was measured.
 * Medians and ratios are made of it elsewhere (scripts/bench).
 *
 * Before each batch the state of the free lists is made, a tick of the timer is awaited,
 * so that none falls into the batch, and the batch is done once untimed.
 *
 * What it costs to look at the clock is measured first and subtracted.
 *
 * Locking: everything here runs under mml_bench_mutex (main.c).
 */
#include <linux/glob.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench/bench.h"
#include "bench/compat.h"

/* What the tests of a run free at random, they free in the same order each time. */
#define MML_BENCH_SEED		1

/* A line of the results, with a name of a test and five numbers. */
#define MML_BENCH_LINE_LEN	160

static const char * const mml_bench_who_names[MML_BENCH_NR_SIDES] = {
	[MML_BENCH_OURS]	= "ours",
	[MML_BENCH_KERNEL]	= "kernel",
};

/**
 * struct mml_bench_sample - a batch, or a run of threads, measured
 * @test: of which test
 * @who: of which side
 * @part: of which part
 * @threads: how many at once
 * @n: operations, or objects
 * @time: that they took, of the clock; or bytes
 */
struct mml_bench_sample {
	const struct mml_bench_test *test;
	u8 who;
	u8 part;
	u8 threads;
	unsigned long n;
	u64 time;
};

static struct mml_bench_sample *mml_bench_samples;
static unsigned long mml_bench_nr_samples, mml_bench_max_samples;

/* The least time between two looks at the clock, and how fast it goes. */
static u64 mml_bench_clock_cost, mml_bench_clock_khz;

/* How long it is compared with the time of day, in milliseconds. */
#define MML_BENCH_CLOCK_MSECS	20

/* Room for @n samples. Returns: 0 or -ENOMEM. */
int mml_bench_reserve(unsigned long n)
{
	mml_bench_forget();
	mml_bench_samples = kvcalloc(n, sizeof(*mml_bench_samples), GFP_KERNEL);
	if (!mml_bench_samples)
		return -ENOMEM;
	mml_bench_max_samples = n;
	return 0;
}

/* Keep a sample. */
void mml_bench_keep(const struct mml_bench_test *test, enum mml_bench_who who,
		    unsigned int part, unsigned int threads, unsigned long n, u64 time)
{
	if (WARN_ON_ONCE(mml_bench_nr_samples == mml_bench_max_samples))
		return;
	mml_bench_samples[mml_bench_nr_samples++] = (struct mml_bench_sample){
		.test = test,
		.who = who,
		.part = part,
		.threads = threads,
		.n = n,
		.time = time,
	};
}

/* Drop the samples of the last run. */
void mml_bench_forget(void)
{
	kvfree(mml_bench_samples);
	mml_bench_samples = NULL;
	mml_bench_nr_samples = 0;
	mml_bench_max_samples = 0;
}

/* The @i-th sample as a line: test, side, part, threads, operations, time. */
static void mml_bench_line(unsigned long i, char *line, size_t size)
{
	const struct mml_bench_sample *s = &mml_bench_samples[i];

	scnprintf(line, size, "sample %s %s %u %u %lu %llu\n", s->test->name,
		  mml_bench_who_names[s->who], s->part, s->threads, s->n, s->time);
}

int mml_bench_show(struct seq_file *seq)
{
	char line[MML_BENCH_LINE_LEN];

	if (mml_bench_nr_samples)
		seq_printf(seq, "clock %llu\n", mml_bench_clock_khz);
	for (unsigned long i = 0; i < mml_bench_nr_samples; i++) {
		mml_bench_line(i, line, sizeof(line));
		seq_puts(seq, line);
	}
	return 0;
}

/* The same to the kernel log. */
void mml_bench_print(void)
{
	char line[MML_BENCH_LINE_LEN];

	pr_info("clock %llu\n", mml_bench_clock_khz);
	for (unsigned long i = 0; i < mml_bench_nr_samples; i++) {
		mml_bench_line(i, line, sizeof(line));
		pr_info("%s", line);
	}
}

/* The order of a burst's frees: as allocated, or shuffled the same way each time. */
static void mml_bench_sequence(struct mml_bench_job *job, bool shuffle)
{
	struct rnd_state rnd;

	for (unsigned int i = 0; i < MML_BENCH_BURST; i++)
		job->sequence[i] = i;
	if (!shuffle)
		return;
	prandom_seed_state(&rnd, MML_BENCH_SEED);
	for (unsigned int i = MML_BENCH_BURST - 1; i > 0; i--) {
		unsigned int other = prandom_u32_state(&rnd) % (i + 1);

		swap(job->sequence[i], job->sequence[other]);
	}
}

/* Make of @job one side of @test. */
void mml_bench_job_init(struct mml_bench_job *job, const struct mml_bench_test *test,
			enum mml_bench_who who)
{
	job->side = test->side[who];
	job->order = test->order;
	job->gfp = test->gfp;
	job->n = test->n;
	job->failed = false;
	job->nr_held = 0;
	memset(job->blocks, 0, sizeof(job->blocks));
	job->done = 0;
	mml_bench_sequence(job, test->shuffle);
}

static u64 mml_bench_time(void (*part)(struct mml_bench_job *job),
			  struct mml_bench_job *job)
{
	u64 begin, end;

	mml_bench_mark_begin();
	begin = mml_bench_clock();
	part(job);
	end = mml_bench_clock();
	mml_bench_mark_end();
	return end - begin;
}

static void mml_bench_no_part(struct mml_bench_job *job)
{
	barrier();
}

static void mml_bench_calibrate(struct mml_bench_job *job)
{
	u64 begin = mml_bench_clock(), begin_ns = ktime_get_ns(), ns;

	do {
		cpu_relax();
		ns = ktime_get_ns() - begin_ns;
	} while (ns < MML_BENCH_CLOCK_MSECS * NSEC_PER_MSEC);
	mml_bench_clock_khz = div64_u64((mml_bench_clock() - begin) * NSEC_PER_MSEC, ns);

	mml_bench_clock_cost = U64_MAX;
	for (unsigned int i = 0; i < 100; i++)
		mml_bench_clock_cost = min(mml_bench_clock_cost,
					   mml_bench_time(mml_bench_no_part, job));
}

/*
 * Once untimed, then timed, @repeat times if it is of a fixed size. Returns: 0 or a
 * negative errno.
 */
static int mml_bench_batch(const struct mml_bench_test *test, enum mml_bench_who who,
			   unsigned int repeat, struct mml_bench_job *job)
{
	const struct mml_bench_side *side = job->side;
	unsigned int times = test->fixed ? repeat : 1;
	u64 time[MML_BENCH_MAX_PARTS] = {}, once;
	unsigned int part;
	int err;

	/* What takes several times as long may well be longer than a tick. */
	if (repeat == 1)
		schedule_timeout_uninterruptible(1);
	else
		cond_resched();
	for (part = 0; part < MML_BENCH_MAX_PARTS && side->part[part]; part++)
		side->part[part](job);
	for (unsigned int i = 0; i < times; i++) {
		err = side->settle ? side->settle(job) : 0;
		if (err)
			return err;
		for (part = 0; part < MML_BENCH_MAX_PARTS && side->part[part]; part++) {
			once = mml_bench_time(side->part[part], job);
			time[part] += once - min(once, mml_bench_clock_cost);
		}
		/* What was needed for that state would add up. */
		if (side->settle)
			mml_bench_release(job);
	}
	if (job->failed)
		return -ENOMEM;
	for (part = 0; part < MML_BENCH_MAX_PARTS && side->part[part]; part++)
		mml_bench_keep(test, who, part, 1, job->n * times, time[part]);
	return 0;
}

static int mml_bench_side(const struct mml_bench_test *test, enum mml_bench_who who,
			  unsigned int repeat, struct mml_bench_job *job)
{
	int err;

	if (fatal_signal_pending(current))
		return -EINTR;
	mml_bench_job_init(job, test, who);
	if (!test->fixed)
		job->n *= repeat;
	err = job->side->prepare ? job->side->prepare(job) : 0;
	if (!err)
		err = mml_bench_batch(test, who, repeat, job);
	mml_bench_release(job);
	if (err)
		pr_err("%s of %s: error %d; %s\n", test->name, mml_bench_who_names[who],
		       err, err == -ENOMEM ? "memory ran out" :
		       "the free lists could not be brought into the state for it");
	return err;
}

/* One batch of each side of each test; who comes first changes with the round. */
static int mml_bench_round(const char *glob, unsigned int round, unsigned int repeat,
			   struct mml_bench_job *job)
{
	const struct mml_bench_test *test;
	int err;

	for (unsigned int table = 0; mml_bench_tables[table]; table++) {
		for (test = mml_bench_tables[table]; test->name; test++) {
			if (!mml_bench_wants(test, glob, MML_BENCH_BATCHES))
				continue;
			err = mml_bench_side(test, round % 2, repeat, job);
			if (err)
				return err;
			err = mml_bench_side(test, !(round % 2), repeat, job);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Is it one of those that match @glob, and one for @method? */
bool mml_bench_wants(const struct mml_bench_test *test, const char *glob,
		     enum mml_bench_method method)
{
	static const enum mml_bench_method methods[] = {
		[MML_BENCH_WORK]	= MML_BENCH_BATCHES,
		[MML_BENCH_HANDOVER]	= MML_BENCH_THREADS,
		[MML_BENCH_LIVE]	= MML_BENCH_MEMORY,
	};

	return (methods[test->kind] == method ||
		(test->threads && method == MML_BENCH_THREADS)) &&
	       glob_match(glob, test->name);
}

/* How many tests are that? */
unsigned int mml_bench_count(const char *glob, enum mml_bench_method method)
{
	const struct mml_bench_test *test;
	unsigned int count = 0;

	for (unsigned int table = 0; mml_bench_tables[table]; table++)
		for (test = mml_bench_tables[table]; test->name; test++)
			count += mml_bench_wants(test, glob, method);
	return count;
}

/**
 * mml_bench_batches - run the tests, one batch after the other
 * @glob: those whose names match
 * @rounds: how many batches of each side
 * @repeat: how many times as many operations in a batch, or batches for a sample
 *
 * Context: process, may sleep; under mml_bench_mutex.
 * Return: 0 or a negative errno.
 */
int mml_bench_batches(const char *glob, unsigned int rounds, unsigned int repeat)
{
	struct mml_bench_job *job;
	int err;

	err = mml_bench_reserve((unsigned long)mml_bench_count(glob, MML_BENCH_BATCHES) *
				rounds * MML_BENCH_NR_SIDES * MML_BENCH_MAX_PARTS);
	if (err)
		return err;
	job = kvzalloc(sizeof(*job), GFP_KERNEL);
	if (!job)
		return -ENOMEM;
	mml_bench_calibrate(job);
	for (unsigned int round = 0; !err && round < rounds; round++)
		err = mml_bench_round(glob, round, repeat, job);
	kvfree(job);
	return err;
}
