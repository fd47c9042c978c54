// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the page allocator: the lab's, buddy_probe, beside the kernel's.
 *
 *	pages.orderN.pair	a block of order N is allocated and freed
 *	pages.orderN.burst1000	1000 blocks are allocated, then freed, in the order of
 *				allocation or at random: per block
 *	pages.bulk64		64 pages are asked for in one call, then freed one by one:
 *				per page
 *
 * The states of the free lists are those of state.c. For bursts and bulks one untimed
 * batch has just been done, so that the per-CPU lists are as full as such work leaves
 * them; but for pages.bulk64 the kernel's are then emptied. What lists ours has is the
 * lab's business: nothing is done to it.
 */
#include <linux/mm.h>

#include "bench/pages.h"
#include "buddy_probe/buddy.h"

static void *mml_bench_ours_alloc(gfp_t gfp, unsigned int order)
{
	return mml_alloc_pages(mml_bench_machine, gfp, order);
}

static void mml_bench_ours_free(void *block, unsigned int order)
{
	__mml_free_pages(mml_bench_machine, block, order);
}

static unsigned long mml_bench_ours_frame(const void *block)
{
	return mml_page_to_pfn(mml_bench_machine, block).val;
}

static const struct mml_bench_allocator mml_bench_ours = {
	.alloc = mml_bench_ours_alloc,
	.free = mml_bench_ours_free,
	.frame = mml_bench_ours_frame,
};

static void *mml_bench_kernel_alloc(gfp_t gfp, unsigned int order)
{
	return alloc_pages(gfp, order);
}

static void mml_bench_kernel_free(void *block, unsigned int order)
{
	__free_pages(block, order);
}

static unsigned long mml_bench_kernel_frame(const void *block)
{
	return page_to_pfn((const struct page *)block);
}

static const struct mml_bench_allocator mml_bench_kernel = {
	.alloc = mml_bench_kernel_alloc,
	.free = mml_bench_kernel_free,
	.frame = mml_bench_kernel_frame,
};

MML_BENCH_ALLOCATOR(mml_bench_ours, mml_bench_hold_siblings, NULL);
MML_BENCH_ALLOCATOR(mml_bench_kernel, mml_bench_hold_siblings_kernel,
		    mml_bench_drain_kernel);

static void mml_bench_ours_bulk(struct mml_bench_job *job)
{
	unsigned long n = READ_ONCE(job->n);

	if (mml_alloc_pages_bulk(mml_bench_machine, READ_ONCE(job->gfp), n,
				 (struct mml_page **)job->blocks) != n)
		job->failed = true;
}

static void mml_bench_kernel_bulk(struct mml_bench_job *job)
{
	unsigned long n = READ_ONCE(job->n);

	/* It fills in what is not there yet, and nothing else. */
	if (alloc_pages_bulk_array(READ_ONCE(job->gfp), n,
				   (struct page **)job->blocks) != n)
		job->failed = true;
}

/* Both sides begin with an array of nothing; the kernel's insists on it. */
static int mml_bench_bulk_settle(struct mml_bench_job *job)
{
	memset(job->blocks, 0, sizeof(job->blocks));
	return 0;
}

static int mml_bench_bulk_drain(struct mml_bench_job *job)
{
	mml_bench_bulk_settle(job);
	return mml_bench_drain_kernel(job);
}

static const struct mml_bench_side mml_bench_ours_bulks = {
	.allocator = &mml_bench_ours,
	.settle = mml_bench_bulk_settle,
	.part = { mml_bench_ours_bulk, mml_bench_ours_frees },
};

static const struct mml_bench_side mml_bench_kernel_bulks = {
	.allocator = &mml_bench_kernel,
	.settle = mml_bench_bulk_drain,
	.part = { mml_bench_kernel_bulk, mml_bench_kernel_frees },
};

static const struct mml_bench_side mml_bench_kernel_bulks_warm = {
	.allocator = &mml_bench_kernel,
	.settle = mml_bench_bulk_settle,
	.part = { mml_bench_kernel_bulk, mml_bench_kernel_frees },
};

/* The number of pairs is such that a batch ends before the next tick of the timer. */
#define MML_BENCH_PAIR(_order, _n, _threads) {				\
	.name = "pages.order" #_order ".pair",				\
	.order = _order,						\
	.gfp = GFP_KERNEL,						\
	.n = _n,							\
	.threads = _threads,						\
	.side = { &mml_bench_ours_pair, &mml_bench_kernel_pair },	\
}

const struct mml_bench_test mml_bench_pages_tests[] = {
	MML_BENCH_PAIR(0, 500, true),
	MML_BENCH_PAIR(1, 500, false),
	MML_BENCH_PAIR(2, 500, false),
	MML_BENCH_PAIR(3, 500, true),
	MML_BENCH_PAIR(4, 500, true),
	MML_BENCH_PAIR(9, 100, false),
	MML_BENCH_PAIR(10, 50, false),
	{
		.name = "pages.order0.pair.zero",
		.gfp = GFP_KERNEL | __GFP_ZERO,
		.n = 100,
		.side = { &mml_bench_ours_pair, &mml_bench_kernel_pair },
	},
	{
		.name = "pages.order0.burst1000.inorder",
		.gfp = GFP_KERNEL,
		.n = MML_BENCH_BURST,
		.fixed = true,
		.side = { &mml_bench_ours_burst, &mml_bench_kernel_burst },
	},
	{
		.name = "pages.order0.burst1000.random",
		.gfp = GFP_KERNEL,
		.n = MML_BENCH_BURST,
		.fixed = true,
		.shuffle = true,
		.side = { &mml_bench_ours_burst, &mml_bench_kernel_burst },
	},
	{
		.name = "pages.order3.burst1000.random",
		.order = 3,
		.gfp = GFP_KERNEL,
		.n = MML_BENCH_BURST,
		.fixed = true,
		.shuffle = true,
		.side = { &mml_bench_ours_burst, &mml_bench_kernel_burst },
	},
	{
		.name = "pages.bulk64",
		.gfp = GFP_KERNEL,
		.n = MML_BENCH_BULK,
		.fixed = true,
		.side = { &mml_bench_ours_bulks, &mml_bench_kernel_bulks },
	},
	{
		.name = "pages.bulk64.warm",
		.gfp = GFP_KERNEL,
		.n = MML_BENCH_BULK,
		.fixed = true,
		.side = { &mml_bench_ours_bulks, &mml_bench_kernel_bulks_warm },
	},
	/* The same on both sides: what differs is the error of the measurement. */
	{
		.name = "aa.pages.order0.pair.ours",
		.gfp = GFP_KERNEL,
		.n = 500,
		.side = { &mml_bench_ours_pair, &mml_bench_ours_pair },
	},
	{
		.name = "aa.pages.order0.pair.kernel",
		.gfp = GFP_KERNEL,
		.n = 500,
		.side = { &mml_bench_kernel_pair, &mml_bench_kernel_pair },
	},
	{
		.name = "aa.pages.order4.pair.kernel",
		.order = 4,
		.gfp = GFP_KERNEL,
		.n = 500,
		.side = { &mml_bench_kernel_pair, &mml_bench_kernel_pair },
	},
	{
		.name = "aa.pages.order0.burst1000.random.kernel",
		.gfp = GFP_KERNEL,
		.n = MML_BENCH_BURST,
		.fixed = true,
		.shuffle = true,
		.side = { &mml_bench_kernel_burst, &mml_bench_kernel_burst },
	},
	{}
};
