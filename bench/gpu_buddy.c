// SPDX-License-Identifier: GPL-2.0
/*
 * drivers/gpu/buddy.c beside the lab: the buddy system that graphics drivers manage their
 * memory with. It works on addresses, 64 MiB of them here, and keeps each block in an
 * object of its own. Its callers lock; here nobody has to, so it has no lock to pay for.
 */
#include <linux/gpu_buddy.h>
#include <linux/sizes.h>

#include "bench/pages.h"

static struct gpu_buddy mml_bench_gpu_mm;

static void *mml_bench_gpu_buddy_alloc(gfp_t gfp, unsigned int order)
{
	u64 size = PAGE_SIZE << order;
	LIST_HEAD(blocks);

	if (gpu_buddy_alloc_blocks(&mml_bench_gpu_mm, 0, mml_bench_gpu_mm.size, size, size,
				   &blocks, 0))
		return NULL;
	return list_first_entry(&blocks, struct gpu_buddy_block, link);
}

static void mml_bench_gpu_buddy_free(void *block, unsigned int order)
{
	gpu_buddy_free_block(&mml_bench_gpu_mm, block);
}

static unsigned long mml_bench_gpu_buddy_frame(const void *block)
{
	return gpu_buddy_block_offset(block) >> PAGE_SHIFT;
}

static const struct mml_bench_allocator mml_bench_gpu_buddy = {
	.alloc = mml_bench_gpu_buddy_alloc,
	.free = mml_bench_gpu_buddy_free,
	.frame = mml_bench_gpu_buddy_frame,
};

MML_BENCH_ALLOCATOR(mml_bench_gpu_buddy, mml_bench_hold_siblings, NULL);

const struct mml_bench_test mml_bench_gpu_buddy_tests[] = {
	{
		.name = "pages.order0.pair.gpu_buddy",
		.gfp = GFP_KERNEL,
		.n = 100,
		.side = { &mml_bench_ours_pair, &mml_bench_gpu_buddy_pair },
	},
	{
		.name = "pages.order4.pair.gpu_buddy",
		.order = 4,
		.gfp = GFP_KERNEL,
		.n = 100,
		.side = { &mml_bench_ours_pair, &mml_bench_gpu_buddy_pair },
	},
	{
		.name = "pages.order0.burst1000.random.gpu_buddy",
		.gfp = GFP_KERNEL,
		.n = MML_BENCH_BURST,
		.fixed = true,
		.shuffle = true,
		.side = { &mml_bench_ours_burst, &mml_bench_gpu_buddy_burst },
	},
	{}
};

/* Returns: 0 or a negative errno. */
int mml_bench_gpu_buddy_make(void)
{
	return gpu_buddy_init(&mml_bench_gpu_mm, SZ_64M, PAGE_SIZE);
}

void mml_bench_gpu_buddy_unmake(void)
{
	gpu_buddy_fini(&mml_bench_gpu_mm);
}
