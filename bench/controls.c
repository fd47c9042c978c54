// SPDX-License-Identifier: GPL-2.0
/*
 * Controls: work of which it is known what it costs. Both sides are the same, so that
 * their ratio says how much a ratio is worth.
 *
 *	control.empty		a call of a function that does nothing
 *	control.spin_lock	an uncontended lock taken and given back; one of them for
 *				all threads, if there are several
 *	control.compute		two instructions, which no other CPU can slow down: what
 *				a clock of instructions has to say is 2, what two
 *				threads have to get done is twice as much
 *	control.ring		a pointer is handed over from one thread to another, the
 *				same one always: what of a handover is not allocating
 */
#include <linux/spinlock.h>

#include "bench/bench.h"
#include "bench/compat.h"
#include "bench/ring.h"

static DEFINE_SPINLOCK(mml_bench_lock);

static noinline void mml_bench_nothing(void)
{
	/* Neither left out nor found to do nothing */
	barrier();
}

static void mml_bench_empty(struct mml_bench_job *job)
{
	unsigned long n = READ_ONCE(job->n);

	while (n--)
		mml_bench_nothing();
}

static void mml_bench_spin_lock(struct mml_bench_job *job)
{
	unsigned long n = READ_ONCE(job->n);

	while (n--) {
		spin_lock(&mml_bench_lock);
		spin_unlock(&mml_bench_lock);
	}
}

static void mml_bench_compute(struct mml_bench_job *job)
{
	mml_bench_spin(READ_ONCE(job->n));
}

static void *mml_bench_same_alloc(gfp_t gfp, unsigned int order)
{
	return &mml_bench_lock;
}

static void mml_bench_same_free(void *object, unsigned int order)
{
	barrier();
}

static const struct mml_bench_allocator mml_bench_same = {
	.alloc = mml_bench_same_alloc,
	.free = mml_bench_same_free,
};

MML_BENCH_HANDOVER(mml_bench_same);

static const struct mml_bench_side mml_bench_empties = { .part = { mml_bench_empty } };
static const struct mml_bench_side mml_bench_locks = { .part = { mml_bench_spin_lock } };
static const struct mml_bench_side mml_bench_computes = { .part = { mml_bench_compute } };

const struct mml_bench_test mml_bench_control_tests[] = {
	{
		.name = "control.empty",
		.n = 10000,
		.side = { &mml_bench_empties, &mml_bench_empties },
	},
	{
		.name = "control.spin_lock",
		.n = 10000,
		.threads = true,
		.side = { &mml_bench_locks, &mml_bench_locks },
	},
	{
		.name = "control.compute",
		.n = 100000,
		.threads = true,
		.side = { &mml_bench_computes, &mml_bench_computes },
	},
	{
		.name = "control.ring",
		.kind = MML_BENCH_HANDOVER,
		.n = 500,
		.side = { &mml_bench_same_handover, &mml_bench_same_handover },
	},
	{}
};
