// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_counter: charges up to the limit and not beyond, watermarks, and that a
 * charge that one counter of a line of parents refuses is counted by none of them.
 */
#include <kunit/test.h>

#include "mm_lab/counter.h"

#define MML_TEST_MAX		10

static void mml_expect_counter(struct kunit *test, const struct mml_counter *counter,
			       unsigned long usage, unsigned long watermark)
{
	KUNIT_EXPECT_EQ(test, mml_counter_read(counter), usage);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&counter->watermark), watermark);
}

static void mml_counter_test_limit(struct kunit *test)
{
	struct mml_counter counter;

	mml_counter_init(&counter, MML_TEST_MAX, NULL);
	mml_expect_counter(test, &counter, 0, 0);
	KUNIT_EXPECT_FALSE(test, mml_counter_try_charge(&counter, MML_TEST_MAX + 1));
	mml_expect_counter(test, &counter, 0, 0);

	KUNIT_EXPECT_TRUE(test, mml_counter_try_charge(&counter, MML_TEST_MAX));
	mml_expect_counter(test, &counter, MML_TEST_MAX, MML_TEST_MAX);
	KUNIT_EXPECT_FALSE(test, mml_counter_try_charge(&counter, 1));
	mml_expect_counter(test, &counter, MML_TEST_MAX, MML_TEST_MAX);

	mml_counter_uncharge(&counter, 1);
	KUNIT_EXPECT_FALSE(test, mml_counter_try_charge(&counter, 2));
	KUNIT_EXPECT_TRUE(test, mml_counter_try_charge(&counter, 1));
	mml_counter_uncharge(&counter, MML_TEST_MAX);
	mml_expect_counter(test, &counter, 0, MML_TEST_MAX);
}

static void mml_counter_test_zero_limit(struct kunit *test)
{
	struct mml_counter counter;

	mml_counter_init(&counter, 0, NULL);
	KUNIT_EXPECT_FALSE(test, mml_counter_try_charge(&counter, 1));
	mml_expect_counter(test, &counter, 0, 0);
}

static void mml_counter_test_no_limit(struct kunit *test)
{
	struct mml_counter counter;

	mml_counter_init(&counter, ULONG_MAX, NULL);
	KUNIT_EXPECT_TRUE(test, mml_counter_try_charge(&counter, LONG_MAX));
	mml_expect_counter(test, &counter, LONG_MAX, LONG_MAX);
}

static void mml_counter_test_watermark(struct kunit *test)
{
	struct mml_counter counter;

	mml_counter_init(&counter, MML_TEST_MAX, NULL);
	KUNIT_EXPECT_TRUE(test, mml_counter_try_charge(&counter, 6));
	mml_counter_uncharge(&counter, 4);
	KUNIT_EXPECT_TRUE(test, mml_counter_try_charge(&counter, 3));
	mml_expect_counter(test, &counter, 5, 6);
	KUNIT_EXPECT_TRUE(test, mml_counter_try_charge(&counter, 2));
	mml_expect_counter(test, &counter, 7, 7);
}

static void mml_counter_test_parents(struct kunit *test)
{
	struct mml_counter top, middle, left, right;

	mml_counter_init(&top, ULONG_MAX, NULL);
	mml_counter_init(&middle, MML_TEST_MAX, &top);
	mml_counter_init(&left, ULONG_MAX, &middle);
	mml_counter_init(&right, MML_TEST_MAX, &middle);

	KUNIT_EXPECT_TRUE(test, mml_counter_try_charge(&left, 6));
	KUNIT_EXPECT_TRUE(test, mml_counter_try_charge(&right, 4));
	mml_expect_counter(test, &middle, 10, 10);
	mml_expect_counter(test, &top, 10, 10);

	/* Refused in the middle: taken back below, never counted above. */
	KUNIT_EXPECT_FALSE(test, mml_counter_try_charge(&left, 1));
	mml_expect_counter(test, &left, 6, 6);
	mml_expect_counter(test, &middle, 10, 10);
	mml_expect_counter(test, &top, 10, 10);

	mml_counter_uncharge(&left, 6);
	mml_expect_counter(test, &left, 0, 6);
	mml_expect_counter(test, &right, 4, 4);
	mml_expect_counter(test, &middle, 4, 10);
	mml_expect_counter(test, &top, 4, 10);
}

static struct kunit_case mml_counter_cases[] = {
	KUNIT_CASE(mml_counter_test_limit),
	KUNIT_CASE(mml_counter_test_zero_limit),
	KUNIT_CASE(mml_counter_test_no_limit),
	KUNIT_CASE(mml_counter_test_watermark),
	KUNIT_CASE(mml_counter_test_parents),
	{}
};

static struct kunit_suite mml_counter_suite = {
	.name = "mml_counter",
	.test_cases = mml_counter_cases,
};
kunit_test_suite(mml_counter_suite);
