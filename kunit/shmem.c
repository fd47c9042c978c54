// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_shmem: shared memory as who has which frame: counted, charged, found by a walk, given
 * back. What a program sees of it is compared with the kernel's in the VM (qemu/tests/compare).
 */
#include <linux/kthread.h>
#include <linux/random.h>

#include "kunit/model.h"

#define MML_TEST_FRAMES		512
#define MML_TEST_PAGES		64
#define MML_TEST_RW		(PROT_READ | PROT_WRITE)
#define MML_TEST_SHARED		(MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED)
#define MML_TEST_ROUNDS		400

static int mml_map_shared(struct mml_model *model, int first, int nr, unsigned long flags)
{
	unsigned long addr = mml_model_addr(first);

	return mml_mmap(&model->mm, &addr, nr * PAGE_SIZE, MML_TEST_RW, flags | MML_TEST_SHARED);
}

/* Write @value to a page, or see that it is there already. */
static int mml_shared_access(struct mml_model *model, int page, u32 *value, bool write)
{
	return mml_access(&model->mm, mml_model_addr(page), value, sizeof(*value), write) ==
	       sizeof(*value) ? 0 : -EFAULT;
}

static u32 mml_shared_read(struct mml_model *model, int page)
{
	u32 value = ~0U;

	KUNIT_EXPECT_EQ(model->test, 0, mml_shared_access(model, page, &value, false));
	return value;
}

static void mml_shared_write(struct mml_model *model, int page, u32 value)
{
	KUNIT_EXPECT_EQ(model->test, 0, mml_shared_access(model, page, &value, true));
}

static struct mml_model *mml_shared_fork(struct mml_model *parent)
{
	struct mml_model *child = mml_model_child(parent);

	KUNIT_ASSERT_EQ(parent->test, 0, mml_dup_mmap(&child->mm, &parent->mm));
	return child;
}

static void mml_expect_valid(struct mml_model *model)
{
	struct mml_validation v = {};

	mml_mm_validate(&model->mm, &v);
	KUNIT_EXPECT_EQ(model->test, v.violations, 0);
}

/* So many frames are the object's, and so many entries of @model's. */
static void mml_expect_shared(struct mml_model *model, long frames, long entries)
{
	struct kunit *test = model->test;
	long tables = atomic_long_read(&model->mm.nr_ptes);

	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->family->common.nr_shmem), frames);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.shmem_rss), entries);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.anon_rss), 0);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&model->counter), entries + tables);
	mml_expect_valid(model);
}

static void mml_shmem_test_life(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_counter *family = &model->family->counter;
	struct mml_mm *mm = &model->mm;
	int i;

	KUNIT_ASSERT_EQ(test, 0, mml_map_shared(model, 0, 16, 0));
	mml_expect_shared(model, 0, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->family->common.nr_committed), 16);
	KUNIT_EXPECT_EQ(test, mm->committed_vm, 0);
	for (i = 0; i < 8; i++)
		mml_shared_write(model, i, i + 1);
	KUNIT_EXPECT_EQ(test, mml_shared_read(model, 8), 0);
	mml_expect_shared(model, 9, 9);
	/* Unmapped, its frames stay, as long as there is a vma. */
	KUNIT_ASSERT_EQ(test, 0, mml_munmap(mm, mml_model_addr(0), 15 * PAGE_SIZE));
	mml_expect_shared(model, 9, 0);
	KUNIT_EXPECT_EQ(test, mml_counter_read(family), 9 + atomic_long_read(&mm->nr_ptes));
	KUNIT_ASSERT_EQ(test, 0, mml_munmap(mm, mml_model_addr(0), 16 * PAGE_SIZE));
	mml_expect_shared(model, 0, 0);
	KUNIT_EXPECT_EQ(test, mml_counter_read(family), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->family->common.nr_committed), 0);
}

/* What is not reserved is committed when it comes. */
static void mml_shmem_test_noreserve(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm_common *common = &model->family->common;

	KUNIT_ASSERT_EQ(test, 0, mml_map_shared(model, 0, 16, MAP_NORESERVE));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&common->nr_committed), 0);
	mml_shared_write(model, 3, 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&common->nr_committed), 1);
	KUNIT_ASSERT_EQ(test, 0, mml_madvise(&model->mm, mml_model_addr(0), 16 * PAGE_SIZE,
					     MADV_REMOVE));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&common->nr_committed), 0);
	mml_expect_shared(model, 0, 0);
	common->overcommit_memory = OVERCOMMIT_NEVER;
	common->overcommit_kbytes = 8 << (PAGE_SHIFT - 10);
	KUNIT_EXPECT_EQ(test, mml_map_shared(model, 20, 8, 0), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mml_map_shared(model, 20, 7, 0), 0);
}

struct mml_found {
	struct mml_mm *mm[4];
	unsigned long addr[4];
	unsigned int nr;
};

static bool mml_find(struct mml_vma *vma, unsigned long addr, void *arg)
{
	struct mml_found *found = arg;

	if (found->nr < ARRAY_SIZE(found->mm)) {
		found->mm[found->nr] = vma->vm_mm;
		found->addr[found->nr] = addr;
	}
	return ++found->nr;
}

static void mml_shmem_test_walk(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES), *child;
	unsigned long addr = mml_model_addr(4);
	struct mml_found found = {};
	struct mml_page *page;

	KUNIT_ASSERT_EQ(test, 0, mml_map_shared(parent, 0, 16, 0));
	child = mml_shared_fork(parent);
	mml_shared_write(child, 5, 77);
	page = mml_pfn_to_page(parent->machine, mml_pte_pfn(mml_model_pte(child, 5)));
	KUNIT_EXPECT_EQ(test, mml_rmap_walk(page, mml_find, &found), 1);
	KUNIT_EXPECT_PTR_EQ(test, found.mm[0], &child->mm);
	/* The parent finds it, too, and moves it; and maps it a second time. */
	KUNIT_EXPECT_EQ(test, mml_shared_read(parent, 5), 77);
	KUNIT_ASSERT_EQ(test, 0, mml_mremap(&parent->mm, &addr, 4 * PAGE_SIZE, 4 * PAGE_SIZE,
					    MREMAP_MAYMOVE | MREMAP_FIXED, mml_model_addr(40)));
	addr = mml_model_addr(40);
	KUNIT_ASSERT_EQ(test, 0, mml_mremap(&parent->mm, &addr, 0, 4 * PAGE_SIZE,
					    MREMAP_MAYMOVE | MREMAP_FIXED, mml_model_addr(50)));
	KUNIT_EXPECT_EQ(test, mml_shared_read(parent, 51), 77);
	found.nr = 0;
	KUNIT_EXPECT_EQ(test, mml_rmap_walk(page, mml_find, &found), 3);
	KUNIT_EXPECT_EQ(test, mml_page_ref_count(page), 4);
	mml_expect_shared(parent, 1, 2);
	mml_expect_shared(child, 1, 1);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&parent->family->counter),
			1 + atomic_long_read(&parent->mm.nr_ptes) +
			atomic_long_read(&child->mm.nr_ptes));

	/* Removed by one, it is gone for all. */
	KUNIT_ASSERT_EQ(test, 0, mml_madvise(&child->mm, mml_model_addr(5), PAGE_SIZE,
					     MADV_REMOVE));
	mml_expect_shared(parent, 0, 0);
	mml_expect_shared(child, 0, 0);
	KUNIT_EXPECT_EQ(test, mml_shared_read(parent, 41), 0);
	mml_model_exit(child);
	mml_expect_shared(parent, 1, 1);
}

/* Behind what was mapped at first there is nothing. */
static void mml_shmem_test_beyond(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_fault fault = { .address = mml_model_addr(4), .gfp = GFP_KERNEL };
	unsigned long addr = mml_model_addr(0);

	KUNIT_ASSERT_EQ(test, 0, mml_map_shared(model, 0, 4, 0));
	KUNIT_ASSERT_EQ(test, 0, mml_mremap(&model->mm, &addr, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0));
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(&model->mm, &fault), MML_FAULT_SIGBUS);
	fault.address = mml_model_addr(3);
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(&model->mm, &fault), MML_FAULT_DONE);
	mml_expect_shared(model, 1, 1);
}

/* At its limit a session may not map what others could. */
static void mml_shmem_test_limit(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES), *child;
	u32 value = 1;
	int i;

	KUNIT_ASSERT_EQ(test, 0, mml_map_shared(model, 0, 16, 0));
	child = mml_shared_fork(model);
	child->counter.max = 8;
	for (i = 0; i < 16 && !mml_shared_access(child, i, &value, true); i++)
		;
	KUNIT_EXPECT_LT(test, i, 8);
	KUNIT_EXPECT_GT(test, i, 2);
	mml_expect_valid(child);
	mml_shared_write(model, 15, 1);
	mml_expect_valid(model);
}

/*
 * Parent and child write, unmap and remove the same pages at random, at the same time. What is read
 * is something that was written to that page, or nothing.
 */
struct mml_shared_racer {
	struct mml_model *model;
	u64 seed;
	int wrong;
};

static int mml_shared_race(void *arg)
{
	struct mml_shared_racer *racer = arg;
	struct mml_mm *mm = &racer->model->mm;
	struct rnd_state rnd;
	int i, page;

	prandom_seed_state(&rnd, racer->seed);
	for (i = 0; i < MML_TEST_ROUNDS; i++) {
		u32 value, draw = prandom_u32_state(&rnd);
		unsigned long addr;

		page = draw / 8 % MML_TEST_PAGES;
		addr = mml_model_addr(page);
		value = page + 1;
		switch (draw % 8) {
		case 0:
			mml_madvise(mm, addr, PAGE_SIZE, MADV_REMOVE);
			break;
		case 1:
			mml_madvise(mm, addr, 4 * PAGE_SIZE, MADV_DONTNEED);
			break;
		case 2:
			mml_mprotect(mm, addr, 2 * PAGE_SIZE, draw & 8 ? PROT_READ : MML_TEST_RW);
			break;
		case 3:
		case 4:
			mml_shared_access(racer->model, page, &value, true);
			break;
		default:
			racer->wrong += mml_shared_access(racer->model, page, &value, false) ||
					(value && value != page + 1);
		}
	}
	return 0;
}

static void mml_shmem_test_race(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES);
	struct mml_shared_racer racer[3] = { { .model = parent } };
	struct task_struct *thread[ARRAY_SIZE(racer)];
	struct rnd_state rnd;
	int i;

	mml_test_seed(test, &rnd);
	KUNIT_ASSERT_EQ(test, 0, mml_map_shared(parent, 0, MML_TEST_PAGES, 0));
	for (i = 0; i < ARRAY_SIZE(racer); i++) {
		racer[i].model = i ? mml_shared_fork(parent) : parent;
		racer[i].seed = prandom_u32_state(&rnd);
	}
	for (i = 0; i < ARRAY_SIZE(racer); i++) {
		thread[i] = kthread_create(mml_shared_race, &racer[i], "mml_shared/%d", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(thread[i]));
		get_task_struct(thread[i]);
		wake_up_process(thread[i]);
	}
	for (i = 0; i < ARRAY_SIZE(racer); i++) {
		kthread_stop_put(thread[i]);
		KUNIT_EXPECT_EQ(test, racer[i].wrong, 0);
	}
	for (i = 0; i < ARRAY_SIZE(racer); i++)
		mml_expect_valid(racer[i].model);
	mml_model_exit(racer[2].model);
	mml_model_exit(racer[1].model);
	KUNIT_ASSERT_EQ(test, 0, mml_munmap(&parent->mm, mml_model_addr(0),
					    MML_TEST_PAGES * PAGE_SIZE));
	mml_expect_shared(parent, 0, 0);
}

static struct kunit_case mml_shmem_cases[] = {
	KUNIT_CASE(mml_shmem_test_life),
	KUNIT_CASE(mml_shmem_test_noreserve),
	KUNIT_CASE(mml_shmem_test_walk),
	KUNIT_CASE(mml_shmem_test_beyond),
	KUNIT_CASE(mml_shmem_test_limit),
	KUNIT_CASE(mml_shmem_test_race),
	{}
};

static struct kunit_suite mml_shmem_suite = {
	.name = "mml_shmem",
	.test_cases = mml_shmem_cases,
};
kunit_test_suite(mml_shmem_suite);
