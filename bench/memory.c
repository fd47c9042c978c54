// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: what so many live objects of a cache take. They are allocated one after the other
 * from a cache that has nothing; how many bytes that is, each side says for itself
 * (objects.c); then they are freed.
 *
 * Locking: under mml_bench_mutex (main.c).
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "bench/bench.h"

/* Returns: how many of @n objects there are. */
static unsigned long mml_bench_live_alloc(struct mml_bench_job *job, void **objects,
					  unsigned long n)
{
	for (unsigned long i = 0; i < n; i++) {
		objects[i] = job->side->allocator->alloc(job->gfp, job->order);
		if (!objects[i])
			return i;
		cond_resched();
	}
	return n;
}

static void mml_bench_live_free(struct mml_bench_job *job, void **objects, unsigned long n)
{
	while (n--) {
		job->side->allocator->free(objects[n], job->order);
		cond_resched();
	}
}

/* One sample. Returns: 0 or a negative errno. */
static int mml_bench_live(const struct mml_bench_test *test, enum mml_bench_who who,
			  struct mml_bench_job *job, void **objects, unsigned long n)
{
	unsigned long live;
	u64 bytes;
	int err;

	if (fatal_signal_pending(current))
		return -EINTR;
	mml_bench_job_init(job, test, who);
	err = job->side->prepare(job);
	if (err)
		return err;
	live = mml_bench_live_alloc(job, objects, n);
	bytes = job->side->bytes(job, objects, live);
	mml_bench_live_free(job, objects, live);
	if (live < n) {
		pr_err("%s: memory ran out after %lu objects\n", test->name, live);
		return -ENOMEM;
	}
	mml_bench_keep(test, who, 0, 1, n, bytes);
	return 0;
}

static int mml_bench_live_round(const char *glob, struct mml_bench_job *job, void **objects,
				unsigned long n)
{
	const struct mml_bench_test *test;
	int err = 0;

	for (unsigned int table = 0; mml_bench_tables[table]; table++) {
		for (test = mml_bench_tables[table]; !err && test->name; test++) {
			if (!mml_bench_wants(test, glob, MML_BENCH_MEMORY))
				continue;
			err = mml_bench_live(test, MML_BENCH_OURS, job, objects, n) ?:
			      mml_bench_live(test, MML_BENCH_KERNEL, job, objects, n);
		}
	}
	return err;
}

/**
 * mml_bench_memory - measure what memory objects take
 * @glob: of the tests of live objects, those whose names match
 * @rounds: how many samples of each side
 * @live: how many objects there are at once
 *
 * Context: process, may sleep; under mml_bench_mutex.
 * Return: 0 or a negative errno.
 */
int mml_bench_memory(const char *glob, unsigned int rounds, unsigned int live)
{
	struct mml_bench_job *job;
	void **objects;
	int err;

	err = mml_bench_reserve((unsigned long)mml_bench_count(glob, MML_BENCH_MEMORY) *
				rounds * MML_BENCH_NR_SIDES);
	if (err)
		return err;
	job = kvzalloc(sizeof(*job), GFP_KERNEL);
	objects = kvcalloc(live, sizeof(*objects), GFP_KERNEL);
	err = job && objects ? 0 : -ENOMEM;
	for (unsigned int round = 0; !err && round < rounds; round++)
		err = mml_bench_live_round(glob, job, objects, live);
	kvfree(objects);
	kvfree(job);
	return err;
}
