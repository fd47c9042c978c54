// SPDX-License-Identifier: GPL-2.0
/*
 * lib/genalloc.c beside the lab: what drivers carve up a region with. A bitmap of pages,
 * 64 MiB of addresses behind which there is nothing, as many as the lab has by default.
 */
#include <linux/genalloc.h>
#include <linux/sizes.h>

#include "bench/pages.h"

/* Any address but 0, which is what failing is; a multiple of the largest block. */
#define MML_BENCH_POOL_BASE	SZ_1G
#define MML_BENCH_POOL_SIZE	SZ_64M

static struct gen_pool *mml_bench_pool;

static void *mml_bench_gen_pool_alloc(gfp_t gfp, unsigned int order)
{
	return (void *)gen_pool_alloc(mml_bench_pool, PAGE_SIZE << order);
}

static void mml_bench_gen_pool_free(void *block, unsigned int order)
{
	gen_pool_free(mml_bench_pool, (unsigned long)block, PAGE_SIZE << order);
}

static unsigned long mml_bench_gen_pool_frame(const void *block)
{
	return (unsigned long)block >> PAGE_SHIFT;
}

static const struct mml_bench_allocator mml_bench_gen_pool = {
	.alloc = mml_bench_gen_pool_alloc,
	.free = mml_bench_gen_pool_free,
	.frame = mml_bench_gen_pool_frame,
};

MML_BENCH_ALLOCATOR(mml_bench_gen_pool, mml_bench_hold_siblings, NULL);

const struct mml_bench_test mml_bench_gen_pool_tests[] = {
	{
		.name = "pages.order0.pair.gen_pool",
		.gfp = GFP_KERNEL,
		.n = 500,
		.side = { &mml_bench_ours_pair, &mml_bench_gen_pool_pair },
	},
	{
		.name = "pages.order4.pair.gen_pool",
		.order = 4,
		.gfp = GFP_KERNEL,
		.n = 500,
		.side = { &mml_bench_ours_pair, &mml_bench_gen_pool_pair },
	},
	{
		.name = "pages.order0.burst1000.random.gen_pool",
		.gfp = GFP_KERNEL,
		.n = MML_BENCH_BURST,
		.fixed = true,
		.shuffle = true,
		.side = { &mml_bench_ours_burst, &mml_bench_gen_pool_burst },
	},
	{}
};

/* Returns: 0 or a negative errno. */
int mml_bench_gen_pool_make(void)
{
	int err;

	mml_bench_pool = gen_pool_create(PAGE_SHIFT, NUMA_NO_NODE);
	if (!mml_bench_pool)
		return -ENOMEM;
	err = gen_pool_add(mml_bench_pool, MML_BENCH_POOL_BASE, MML_BENCH_POOL_SIZE,
			   NUMA_NO_NODE);
	if (err)
		mml_bench_gen_pool_unmake();
	return err;
}

void mml_bench_gen_pool_unmake(void)
{
	if (mml_bench_pool)
		gen_pool_destroy(mml_bench_pool);
	mml_bench_pool = NULL;
}
