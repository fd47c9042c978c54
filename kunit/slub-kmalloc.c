// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_slub_kmalloc: memory of any size: its class, what it is refused, and how it grows.
 */
#include "kunit/machine.h"
#include "slub_probe/slab.h"

#define MML_TEST_FRAMES		1024

/* The smallest class that holds @size, as the kernel has them. */
static size_t mml_test_kmalloc_class(size_t size)
{
	if (size > 64 && size <= 96)
		return 96;
	if (size > 128 && size <= 192)
		return 192;
	return max_t(size_t, roundup_pow_of_two(size), 8);
}

/* Every size up to a page, and some beyond: the class that it should be, aligned, zeroed. */
static void mml_kmalloc_test_sizes(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	static const gfp_t types[] = { 0, __GFP_RECLAIMABLE, __GFP_DMA };
	size_t size;
	int i;

	for (size = 1; size <= 64 << 10; size += size < PAGE_SIZE ? 1 : size / 9) {
		for (i = 0; i < ARRAY_SIZE(types); i++) {
			void *object = mml_kzmalloc(machine, size, GFP_KERNEL | types[i]);
			size_t room = mml_ksize(machine, object);

			KUNIT_ASSERT_NOT_NULL(test, object);
			KUNIT_EXPECT_EQ(test, room, mml_test_kmalloc_class(size));
			KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, size));
			KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)object, 8));
			if (is_power_of_2(size))
				KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)object,
								   size));
			memset(object, 0xee, room);
			mml_kfree(machine, object);
		}
	}
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* Nothing, too much, and a product that is more than there is. */
static void mml_kmalloc_test_edges(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = 2 * MML_SECTION_FRAMES);
	void *object;

	KUNIT_EXPECT_PTR_EQ(test, mml_kmalloc(machine, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, mml_ksize(machine, ZERO_SIZE_PTR), 0);
	mml_kfree(machine, ZERO_SIZE_PTR);
	mml_kfree(machine, NULL);
	KUNIT_EXPECT_NULL(test, mml_kmalloc(machine, MML_KMALLOC_MAX_SIZE + 1, GFP_KERNEL));
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_NULL(test, mml_kmalloc(machine, SIZE_MAX, GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, mml_kmalloc_array(machine, SIZE_MAX / 4, 8, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, mml_kcalloc(machine, 0, 8, GFP_KERNEL), ZERO_SIZE_PTR);
	object = mml_kcalloc(machine, 33, 3, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, mml_ksize(machine, object), 128);
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, 99));
	mml_kfree(machine, object);
	/* Of a block, only its beginning can be given back. */
	object = mml_kmalloc(machine, 3 * PAGE_SIZE, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, mml_ksize(machine, object), 4 * PAGE_SIZE);
	mml_kfree(machine, object + PAGE_SIZE);
	mml_test_expect_reports(test, machine, 1);
	mml_kfree(machine, object);
	object = mml_kmalloc(machine, MML_KMALLOC_MAX_SIZE, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, mml_ksize(machine, object), MML_KMALLOC_MAX_SIZE);
	mml_kfree(machine, object);
}

/* krealloc: what is in it stays, from class to class, up and down. */
static void mml_kmalloc_test_krealloc(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	u8 *object = mml_krealloc(machine, NULL, 5, GFP_KERNEL), *same;
	size_t size, was = 5;

	memset(object, 0xab, was);
	for (size = 6; size < 100000; was = size, size = size * 3 / 2) {
		object = mml_krealloc(machine, object, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, object);
		KUNIT_EXPECT_NULL(test, memchr_inv(object, 0xab, was));
		memset(object, 0xab, size);
	}
	same = mml_krealloc(machine, object, 10, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, same, object);
	KUNIT_EXPECT_NULL(test, mml_krealloc(machine, object, SIZE_MAX,
					     GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0xab, 10));
	KUNIT_EXPECT_PTR_EQ(test, mml_krealloc(machine, object, 0, GFP_KERNEL),
			    ZERO_SIZE_PTR);
	object = mml_krealloc(machine, ZERO_SIZE_PTR, 20, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, 20));
	mml_kfree(machine, object);
}

static struct kunit_case mml_slub_kmalloc_cases[] = {
	KUNIT_CASE(mml_kmalloc_test_sizes),
	KUNIT_CASE(mml_kmalloc_test_edges),
	KUNIT_CASE(mml_kmalloc_test_krealloc),
	{}
};

static struct kunit_suite mml_slub_kmalloc_suite = {
	.name = "mml_slub_kmalloc",
	.test_cases = mml_slub_kmalloc_cases,
};
kunit_test_suite(mml_slub_kmalloc_suite);
