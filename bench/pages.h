/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is timed of a page allocator, written once: each allocator gets a copy of its own
 * from the compiler, in which its functions are called directly, as any user calls them.
 *
 * Order, gfp and count come from memory that the compiler may not look through.
 */
#ifndef _MML_BENCH_PAGES_H
#define _MML_BENCH_PAGES_H

#include <linux/compiler.h>

#include "bench/bench.h"

/* Allocate a block and free it, job->n times. */
static __always_inline void mml_bench_pairs(const struct mml_bench_allocator *a,
					    struct mml_bench_job *job)
{
	unsigned int order = READ_ONCE(job->order);
	unsigned long n = READ_ONCE(job->n);
	gfp_t gfp = READ_ONCE(job->gfp);

	while (n--) {
		void *block = a->alloc(gfp, order);

		if (unlikely(!block)) {
			job->failed = true;
			return;
		}
		a->free(block, order);
	}
}

/* Allocate job->n blocks. */
static __always_inline void mml_bench_allocs(const struct mml_bench_allocator *a,
					     struct mml_bench_job *job)
{
	unsigned int order = READ_ONCE(job->order);
	unsigned long n = READ_ONCE(job->n);
	gfp_t gfp = READ_ONCE(job->gfp);

	for (unsigned long i = 0; i < n; i++) {
		job->blocks[i] = a->alloc(gfp, order);
		if (unlikely(!job->blocks[i]))
			job->failed = true;
	}
}

/* Free them, in the order of job->sequence. */
static __always_inline void mml_bench_frees(const struct mml_bench_allocator *a,
					    struct mml_bench_job *job)
{
	unsigned int order = READ_ONCE(job->order);
	unsigned long n = READ_ONCE(job->n);

	for (unsigned long i = 0; i < n; i++) {
		void *block = job->blocks[job->sequence[i]];

		if (likely(block))
			a->free(block, order);
	}
}

/* The functions and the two sides, pair and burst, of an allocator. */
#define MML_BENCH_ALLOCATOR(_name, _prepare_pair, _prepare_burst)	\
static void _name##_pairs(struct mml_bench_job *job)			\
{									\
	mml_bench_pairs(&_name, job);					\
}									\
static void _name##_allocs(struct mml_bench_job *job)			\
{									\
	mml_bench_allocs(&_name, job);					\
}									\
static void _name##_frees(struct mml_bench_job *job)			\
{									\
	mml_bench_frees(&_name, job);					\
}									\
const struct mml_bench_side _name##_pair = {				\
	.allocator = &_name,						\
	.prepare = _prepare_pair,					\
	.part = { _name##_pairs },					\
};									\
const struct mml_bench_side _name##_burst = {				\
	.allocator = &_name,						\
	.prepare = _prepare_burst,					\
	.part = { _name##_allocs, _name##_frees },			\
}

#endif /* _MML_BENCH_PAGES_H */
