// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_limits: what vmas count for, call by call; what is refused because of that, and that
 * it changes nothing; the heap, locked memory and what grows down as far as they need no process.
 * Limits of processes are looked at in the VM (qemu/tests/compare), beside the kernel's.
 */
#include "kunit/model.h"

#define MML_TEST_FRAMES		512
#define MML_TEST_RW		(PROT_READ | PROT_WRITE)

/* What a test expects of an mm's counts, in pages. */
struct mml_expected {
	unsigned long total;
	unsigned long data;
	unsigned long exec;
	unsigned long stack;
	unsigned long locked;
	unsigned long committed;
};

static void mml_expect_counts(struct mml_model *model, const struct mml_expected *want)
{
	struct mml_mm *mm = &model->mm;
	struct kunit *test = model->test;
	struct mml_validation v = {};

	KUNIT_EXPECT_EQ(test, mm->total_vm, want->total);
	KUNIT_EXPECT_EQ(test, mm->data_vm, want->data);
	KUNIT_EXPECT_EQ(test, mm->exec_vm, want->exec);
	KUNIT_EXPECT_EQ(test, mm->stack_vm, want->stack);
	KUNIT_EXPECT_EQ(test, mm->locked_vm, want->locked);
	KUNIT_EXPECT_EQ(test, mm->committed_vm, want->committed);
	mml_mm_validate(mm, &v);
	KUNIT_EXPECT_EQ(test, v.violations, 0);
}

/* mmap(2) of @nr pages from @first on. */
static int mml_map(struct mml_model *model, int first, int nr, unsigned long prot,
		   unsigned long flags)
{
	unsigned long addr = mml_model_addr(first);

	return mml_mmap(&model->mm, &addr, nr * PAGE_SIZE, prot,
			flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
}

static int mml_unmap(struct mml_model *model, int first, int nr)
{
	return mml_munmap(&model->mm, mml_model_addr(first), nr * PAGE_SIZE);
}

static int mml_protect(struct mml_model *model, int first, int nr, unsigned long prot)
{
	return mml_mprotect(&model->mm, mml_model_addr(first), nr * PAGE_SIZE, prot);
}

static int mml_lock_pages(struct mml_model *model, int first, int nr)
{
	return mml_mlock2(&model->mm, mml_model_addr(first), nr * PAGE_SIZE, 0);
}

static void mml_limits_test_counts(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_expected want = {};

	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 0, 10, MML_TEST_RW, 0));
	want.total = want.data = want.committed = 10;
	mml_expect_counts(model, &want);

	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 20, 5, PROT_READ | PROT_EXEC, 0));
	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 30, 3, PROT_READ, MAP_NORESERVE));
	want.total += 8;
	want.exec = 5;
	mml_expect_counts(model, &want);

	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 40, 4, MML_TEST_RW, MAP_GROWSDOWN | MAP_LOCKED));
	want.total += 4;
	want.stack = 4;
	want.locked = 4;
	want.committed += 4;
	mml_expect_counts(model, &want);

	/* Read only, and never written: nobody needs memory for it. Then writable, again. */
	KUNIT_ASSERT_EQ(test, 0, mml_protect(model, 2, 3, PROT_READ));
	want.data -= 3;
	want.committed -= 3;
	mml_expect_counts(model, &want);
	KUNIT_ASSERT_EQ(test, 0, mml_protect(model, 2, 3, MML_TEST_RW));
	KUNIT_ASSERT_EQ(test, 0, mml_protect(model, 30, 3, MML_TEST_RW));
	want.data += 6;
	want.committed += 3;
	mml_expect_counts(model, &want);

	/* What replaces something. */
	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 8, 4, PROT_NONE, 0));
	want.total += 2;
	want.data -= 2;
	want.committed -= 2;
	mml_expect_counts(model, &want);

	KUNIT_ASSERT_EQ(test, 0, mml_unmap(model, 0, MML_MODEL_PAGES));
	mml_expect_counts(model, &(struct mml_expected){});
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->family->common.nr_committed), 0);
}

static void mml_limits_test_move(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_expected want = { 10, 10, 0, 0, 10, 10 };
	unsigned long addr = mml_model_addr(0);

	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 0, 10, MML_TEST_RW, MAP_LOCKED));
	mml_expect_counts(model, &want);
	KUNIT_ASSERT_EQ(test, 0, mml_mremap(&model->mm, &addr, 4 * PAGE_SIZE, 6 * PAGE_SIZE,
					    MREMAP_MAYMOVE | MREMAP_FIXED, mml_model_addr(100)));
	want = (struct mml_expected){ 12, 12, 0, 0, 12, 12 };
	mml_expect_counts(model, &want);
	/* What stays behind is not locked. */
	addr = mml_model_addr(6);
	KUNIT_ASSERT_EQ(test, 0, mml_mremap(&model->mm, &addr, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
					    MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
					    mml_model_addr(120)));
	want = (struct mml_expected){ 14, 14, 0, 0, 12, 14 };
	mml_expect_counts(model, &want);
}

static void mml_limits_test_overcommit(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm_common *common = &model->family->common;
	const unsigned long limit = 40;

	common->overcommit_memory = OVERCOMMIT_NEVER;
	common->overcommit_kbytes = limit << (PAGE_SHIFT - 10);
	KUNIT_EXPECT_EQ(test, mml_commit_limit(common, model->machine), limit);

	/* Below the limit; the kernel says less, not as much. */
	KUNIT_EXPECT_EQ(test, mml_map(model, 0, limit, MML_TEST_RW, 0), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mml_map(model, 0, limit - 1, MML_TEST_RW, 0), 0);
	KUNIT_EXPECT_EQ(test, mml_map(model, 50, 1, MML_TEST_RW, 0), -ENOMEM);
	/* What it replaces is free for it; what cannot be written costs nothing. */
	KUNIT_EXPECT_EQ(test, mml_map(model, 10, 20, MML_TEST_RW, 0), 0);
	KUNIT_EXPECT_EQ(test, mml_map(model, 50, 50, PROT_READ, 0), 0);
	KUNIT_EXPECT_EQ(test, mml_protect(model, 50, 1, MML_TEST_RW), -ENOMEM);
	/* NORESERVE means nothing now. */
	KUNIT_EXPECT_EQ(test, mml_map(model, 110, 1, MML_TEST_RW, MAP_NORESERVE), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&common->nr_committed), limit - 1);

	common->overcommit_memory = OVERCOMMIT_GUESS;
	KUNIT_EXPECT_EQ(test, mml_map(model, 110, 60, MML_TEST_RW, 0), 0);
	common->overcommit_memory = OVERCOMMIT_ALWAYS;
	KUNIT_EXPECT_EQ(test, mml_map(model, 170, 60, MML_TEST_RW, 0), 0);
	common->overcommit_memory = OVERCOMMIT_NEVER;
	KUNIT_EXPECT_EQ(test, mml_map(model, 230, 1, MML_TEST_RW, 0), -ENOMEM);

	/* Of what there is. */
	common->overcommit_kbytes = 0;
	common->overcommit_ratio = 25;
	KUNIT_EXPECT_EQ(test, mml_commit_limit(common, model->machine), MML_TEST_FRAMES / 4);
}

/* A child needs as much again. */
static void mml_limits_test_fork(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm_common *common = &model->family->common;
	struct mml_model *child;

	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 0, 20, MML_TEST_RW, MAP_LOCKED));
	KUNIT_ASSERT_EQ(test, 0, mml_mlockall(&model->mm, MCL_FUTURE));
	child = mml_model_child(model);
	KUNIT_ASSERT_EQ(test, 0, mml_dup_mmap(&child->mm, &model->mm));
	mml_expect_counts(child, &(struct mml_expected){ 20, 20, 0, 0, 0, 20 });
	KUNIT_EXPECT_EQ(test, child->mm.def_flags, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&common->nr_committed), 40);

	common->overcommit_memory = OVERCOMMIT_NEVER;
	common->overcommit_kbytes = 50 << (PAGE_SHIFT - 10);
	child = mml_model_child(model);
	KUNIT_EXPECT_EQ(test, mml_dup_mmap(&child->mm, &model->mm), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&common->nr_committed), 40);
}

static void mml_limits_test_map_count(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm_common *common = &model->family->common;
	struct mml_mm *mm = &model->mm;
	unsigned long addr;
	int i;

	common->max_map_count = 10;
	for (i = 0; i < 10; i++)
		KUNIT_ASSERT_EQ(test, 0, mml_map(model, 10 * i, 5, MML_TEST_RW, 0));
	/* As the kernel: one more by mmap, none by a split. */
	KUNIT_EXPECT_EQ(test, mml_unmap(model, 2, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mml_protect(model, 0, 2, PROT_READ), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mml_lock_pages(model, 0, 2), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mml_unmap(model, 3, 2), 0);
	KUNIT_EXPECT_EQ(test, mml_map(model, 120, 5, MML_TEST_RW, 0), 0);
	KUNIT_EXPECT_EQ(test, mm->map_count, 11);
	KUNIT_EXPECT_EQ(test, mml_map(model, 130, 5, MML_TEST_RW, 0), -ENOMEM);
	addr = mml_model_addr(120);
	KUNIT_EXPECT_EQ(test, mml_mremap(mm, &addr, 5 * PAGE_SIZE, 5 * PAGE_SIZE,
					 MREMAP_MAYMOVE | MREMAP_FIXED, mml_model_addr(140)),
			-ENOMEM);
	common->max_map_count = 17;
	KUNIT_EXPECT_EQ(test, mml_mremap(mm, &addr, 5 * PAGE_SIZE, 5 * PAGE_SIZE,
					 MREMAP_MAYMOVE | MREMAP_FIXED, mml_model_addr(140)), 0);
	mml_expect_counts(model, &(struct mml_expected){ 53, 53, 0, 0, 0, 53 });
}

static void mml_limits_test_brk(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	unsigned long start = mml_model_addr(0);
	struct mml_mm *mm = &model->mm;

	KUNIT_EXPECT_EQ(test, mml_brk(mm, 0), start);
	KUNIT_EXPECT_EQ(test, mml_brk(mm, start + 10), start + 10);
	KUNIT_EXPECT_EQ(test, mm->total_vm, 1);
	KUNIT_EXPECT_EQ(test, mml_brk(mm, mml_model_addr(20)), mml_model_addr(20));
	mml_expect_counts(model, &(struct mml_expected){ 20, 20, 0, 0, 0, 20 });
	KUNIT_EXPECT_EQ(test, mm->map_count, 1);
	/* Not beyond the window, not below the beginning. */
	KUNIT_EXPECT_EQ(test, mml_brk(mm, mml_model_addr(MML_MODEL_PAGES + 1)),
			mml_model_addr(20));
	KUNIT_EXPECT_EQ(test, mml_brk(mm, start - 1), mml_model_addr(20));
	KUNIT_EXPECT_EQ(test, mml_brk(mm, start), start);
	mml_expect_counts(model, &(struct mml_expected){});
}

static void mml_limits_test_mlock(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm *mm = &model->mm;

	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 0, 20, MML_TEST_RW, 0));
	KUNIT_EXPECT_EQ(test, mml_lock_pages(model, 5, 10), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&mm->anon_rss), 10);
	KUNIT_EXPECT_EQ(test, mm->map_count, 3);
	mml_expect_counts(model, &(struct mml_expected){ 20, 20, 0, 0, 10, 20 });
	KUNIT_EXPECT_EQ(test, mml_madvise(mm, mml_model_addr(0), 20 * PAGE_SIZE, MADV_DONTNEED),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&mm->anon_rss), 10);
	KUNIT_EXPECT_EQ(test, mml_munlockall(mm), 0);
	mml_expect_counts(model, &(struct mml_expected){ 20, 20, 0, 0, 0, 20 });
}

/* More than there are frames: it is locked, and not all there. */
static void mml_limits_test_mlock_starved(struct kunit *test)
{
	struct mml_model *model = mml_model(test, 64);
	struct mml_mm *mm = &model->mm;

	model->family->common.overcommit_memory = OVERCOMMIT_ALWAYS;
	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 0, 100, MML_TEST_RW, 0));
	KUNIT_EXPECT_EQ(test, mml_lock_pages(model, 0, 100), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mm->locked_vm, 100);
	KUNIT_EXPECT_GT(test, atomic_long_read(&mm->anon_rss), 16);
}

static void mml_limits_test_grow_down(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_fault fault = {
		.address = mml_model_addr(195), .flags = MML_FAULT_WRITE, .gfp = GFP_KERNEL,
	};
	struct mml_mm *mm = &model->mm;

	KUNIT_ASSERT_EQ(test, 0, mml_map(model, 200, 4, MML_TEST_RW, MAP_GROWSDOWN));
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(mm, &fault), MML_FAULT_DONE);
	mml_expect_counts(model, &(struct mml_expected){ 9, 0, 0, 9, 0, 9 });
	/* Not below the window; not without memory for it. */
	fault.address = mml_model_addr(-1);
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(mm, &fault), MML_FAULT_MAPERR);
	model->family->common.overcommit_memory = OVERCOMMIT_NEVER;
	model->family->common.overcommit_kbytes = 12 << (PAGE_SHIFT - 10);
	fault.address = mml_model_addr(190);
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(mm, &fault), MML_FAULT_MAPERR);
	fault.address = mml_model_addr(193);
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(mm, &fault), MML_FAULT_DONE);
	mml_expect_counts(model, &(struct mml_expected){ 11, 0, 0, 11, 0, 11 });
}

static struct kunit_case mml_limits_cases[] = {
	KUNIT_CASE(mml_limits_test_counts),
	KUNIT_CASE(mml_limits_test_move),
	KUNIT_CASE(mml_limits_test_overcommit),
	KUNIT_CASE(mml_limits_test_fork),
	KUNIT_CASE(mml_limits_test_map_count),
	KUNIT_CASE(mml_limits_test_brk),
	KUNIT_CASE(mml_limits_test_mlock),
	KUNIT_CASE(mml_limits_test_mlock_starved),
	KUNIT_CASE(mml_limits_test_grow_down),
	{}
};

static struct kunit_suite mml_limits_suite = {
	.name = "mml_limits",
	.test_cases = mml_limits_cases,
};
kunit_test_suite(mml_limits_suite);
