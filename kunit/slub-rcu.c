// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_slub_rcu: objects that are freed while readers may look at them, and sheaves that
 * are filled in advance.
 */
#include <linux/delay.h>
#include <linux/rcupdate.h>

#include "kunit/machine.h"
#include "kunit/slub.h"

#define MML_TEST_FRAMES		256
#define MML_TEST_OBJECTS	200

KUNIT_ARRAY_PARAM(mml_rcu, mml_test_paths, mml_test_path_desc);

/* What readers look at. */
struct mml_rcu_object {
	unsigned long value;
	struct rcu_head rcu;
	u8 rest[72];
};

/* While somebody reads, no object is another one, and each is what it was. */
static void mml_rcu_test_readers(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_cache(test, machine, sizeof(struct mml_rcu_object), 0);
	struct mml_rcu_object **objects, **others;
	unsigned int i, j, nr, wrong = 0;

	objects = kunit_kcalloc(test, MML_TEST_OBJECTS, sizeof(*objects), GFP_KERNEL);
	others = kunit_kcalloc(test, MML_TEST_OBJECTS, sizeof(*others), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objects);
	KUNIT_ASSERT_NOT_NULL(test, others);
	for (i = 0; i < MML_TEST_OBJECTS; i++) {
		objects[i] = mml_kmem_cache_alloc(s, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
		objects[i]->value = i;
	}
	rcu_read_lock();
	for (i = 0; i < MML_TEST_OBJECTS; i++)
		mml_kfree_rcu(machine, objects[i], rcu);
	/* Time enough for another CPU to free what waits for nobody. */
	if (num_online_cpus() > 1)
		mdelay(100);
	for (nr = 0; nr < MML_TEST_OBJECTS; nr++) {
		others[nr] = mml_kmem_cache_alloc(s, GFP_NOWAIT);
		if (!others[nr])
			break;
		others[nr]->value = -1UL;
	}
	for (i = 0; i < MML_TEST_OBJECTS; i++)
		wrong += objects[i]->value != i;
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, nr, MML_TEST_OBJECTS);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	for (i = 0; i < MML_TEST_OBJECTS; i++)
		for (j = 0; j < nr; j++)
			if (objects[i] == others[j])
				KUNIT_FAIL(test, "object %u was given out while it was read", i);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	for (j = 0; j < nr; j++)
		mml_kmem_cache_free(s, others[j]);
	mml_kfree_rcu_barrier(machine);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* A cache is destroyed right after: that waits for its objects, few or many. */
static void mml_rcu_test_destroy(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	unsigned int nr, i;

	for (nr = 1; nr <= MML_TEST_OBJECTS; nr = nr * 3 + 1) {
		struct mml_kmem_cache *s = mml_test_cache(test, machine, sizeof(struct mml_rcu_object), 0);

		for (i = 0; i < nr; i++) {
			struct mml_rcu_object *object = mml_kmem_cache_alloc(s, GFP_KERNEL);

			mml_kfree_rcu(machine, object, rcu);
		}
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	}
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES);
}

/* Of kmalloc, small and large; nothing; and what is no object. The machine waits for them. */
static void mml_rcu_test_kmalloc(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_rcu_object *object = NULL, on_stack;
	struct mml_page *page;
	size_t size;

	mml_kfree_rcu(machine, object, rcu);
	for (size = sizeof(*object); size < 100 << 10; size *= 2) {
		object = mml_kmalloc(machine, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, object);
		mml_kfree_rcu(machine, object, rcu);
	}
	mml_test_expect_reports(test, machine, 0);
	object = &on_stack;
	mml_kfree_rcu(machine, object, rcu);
	mml_test_expect_reports(test, machine, 1);
	/* Nor is a frame that somebody has: it is not written to. */
	page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_ZERO, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	object = mml_page_address(machine, page);
	mml_kfree_rcu(machine, object, rcu);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, PAGE_SIZE));
	__mml_free_pages(machine, page, 0);
}

/* Given twice, or given back before: found, with any debugging flag. */
static void mml_rcu_test_twice(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s;
	struct mml_rcu_object *object;

	s = mml_kmem_cache_create(machine, "rcu", sizeof(*object), NULL, SLAB_RED_ZONE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	mml_kfree_rcu(machine, object, rcu);
	mml_kfree_rcu(machine, object, rcu);
	mml_test_expect_reports(test, machine, 1);
	mml_kfree_rcu_barrier(machine);
	mml_test_expect_reports(test, machine, 0);
	object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	mml_kmem_cache_free(s, object);
	mml_kfree_rcu(machine, object, rcu);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* No sheaf can be had for them: they are freed all the same. */
static void mml_rcu_test_no_sheaf(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s;
	struct mml_rcu_object *object;
	unsigned int n;

	for (n = 1; n <= 3; n++) {
		s = mml_kmem_cache_create(machine, "rcu", sizeof(*object), NULL, SLAB_NO_MERGE);
		KUNIT_ASSERT_FALSE(test, IS_ERR(s));
		object = mml_kmem_cache_alloc(s, GFP_KERNEL);
		mml_fail_nth(machine, 1);
		mml_kfree_rcu(machine, object, rcu);
		KUNIT_EXPECT_TRUE(test, mml_fail_nth_fired(machine));
		mml_fail_nth(machine, 0);
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	}
}

/* What was filled in advance is there, whatever has become of the memory. */
static void mml_rcu_test_prefill(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_cache(test, machine, sizeof(struct mml_rcu_object), 0);
	static const unsigned int sizes[] = { 1, 7, 40, 60, 61, MML_TEST_OBJECTS };
	struct mml_rcu_object **objects;
	struct mml_slab_sheaf *sheaf;
	unsigned int i, nr;

	objects = kunit_kcalloc(test, MML_TEST_OBJECTS, sizeof(*objects), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objects);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		sheaf = mml_kmem_cache_prefill_sheaf(s, GFP_KERNEL, sizes[i]);
		KUNIT_ASSERT_NOT_NULL(test, sheaf);
		KUNIT_EXPECT_GE(test, mml_kmem_cache_sheaf_size(sheaf), sizes[i]);
		mml_fail_nth(machine, 1);
		for (nr = 0; nr < sizes[i]; nr++) {
			objects[nr] = mml_kmem_cache_alloc_from_sheaf(s, __GFP_ZERO, sheaf);
			KUNIT_ASSERT_NOT_NULL(test, objects[nr]);
			KUNIT_EXPECT_NULL(test, memchr_inv(objects[nr], 0, s->object_size));
			memset(objects[nr], 0xee, s->object_size);
		}
		KUNIT_EXPECT_FALSE(test, mml_fail_nth_fired(machine));
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_refill_sheaf(s, GFP_KERNEL, sheaf, sizes[i]),
				mml_kmem_cache_sheaf_size(sheaf) >= sizes[i] ? 0 : -ENOMEM);
		mml_fail_nth(machine, 0);
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_refill_sheaf(s, GFP_KERNEL, sheaf,
								  MML_SHEAF_MAX + 1), -EINVAL);
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_refill_sheaf(s, GFP_KERNEL, sheaf, sizes[i]),
				0);
		KUNIT_EXPECT_GE(test, mml_kmem_cache_sheaf_size(sheaf), sizes[i]);
		mml_kmem_cache_return_sheaf(s, sheaf);
		mml_kmem_cache_free_bulk(s, nr, (void **)objects);
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	}
	KUNIT_EXPECT_NULL(test, mml_kmem_cache_prefill_sheaf(s, GFP_KERNEL, MML_SHEAF_MAX + 1));
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

static struct kunit_case mml_slub_rcu_cases[] = {
	KUNIT_CASE_PARAM(mml_rcu_test_readers, mml_rcu_gen_params),
	KUNIT_CASE_PARAM(mml_rcu_test_destroy, mml_rcu_gen_params),
	KUNIT_CASE(mml_rcu_test_kmalloc),
	KUNIT_CASE(mml_rcu_test_twice),
	KUNIT_CASE(mml_rcu_test_no_sheaf),
	KUNIT_CASE_PARAM(mml_rcu_test_prefill, mml_rcu_gen_params),
	{}
};

static struct kunit_suite mml_slub_rcu_suite = {
	.name = "mml_slub_rcu",
	.test_cases = mml_slub_rcu_cases,
};
kunit_test_suite(mml_slub_rcu_suite);
