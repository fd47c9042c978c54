// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suites of the lab, one file each: frame.c, sparse.c, buddy.c, misuse.c,
 * counter.c, shrinker.c, slub.c, slub-pool.c, vma.c, vma-table.c, limits.c, shmem.c, pgtable.c,
 * explain.c, owner.c. They
 * run on machines of a few hundred frames, made by machine.c from pages that the test
 * holds.
 *
 * This file is the seed. Every random test begins with the same one and says it; a
 * failure is repeated by giving it back: `mm_lab_kunit.seed=N` on the command line
 * of a kernel with the suites built in, `seed=N` to insmod.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/random.h>

#include "kunit/machine.h"

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "of the random tests; 0: one that differs from run to run");

/* Seed @rnd, and leave the seed in the log of @test. */
void mml_test_seed(struct kunit *test, struct rnd_state *rnd)
{
	kunit_info(test, "mm_lab_kunit.seed=%llu", seed);
	prandom_seed_state(rnd, seed);
}

/* Runs before the suites do, built in or not. */
static int __init mml_kunit_init(void)
{
	if (!seed)
		seed = get_random_u64();
	pr_info("seed=%llu\n", seed);
	return 0;
}
module_init(mml_kunit_init);

static void __exit mml_kunit_exit(void)
{
}
module_exit(mml_kunit_exit);

MODULE_DESCRIPTION("mm_lab: KUnit suites");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(MM_LAB);
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
