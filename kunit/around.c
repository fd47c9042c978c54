// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_around: fault-around. Which pages come along with one that is written, that the
 * program cannot tell, that what CPUs have used is never taken back and what they have not is,
 * before anything else fails; and what else can be taken back, what was given up by MADV_FREE.
 *
 * mml_model_poke() is a CPU: it goes by the model's real page table alone, and notes there what it
 * does. mml_model_expect() would miss what was written to a frame that was taken back.
 */
#include "kunit/model.h"
#include "mm_lab/vmstat.h"

#define MML_TEST_FRAMES		1024
#define MML_TEST_AROUND		16
#define MML_TEST_AROUND_OPS	1500

#define MML_TEST_RW		(PROT_READ | PROT_WRITE)
#define MML_TEST_TABLES		(1 + MML_MODEL_TABLES)

static struct mml_model *mml_around_model(struct kunit *test, unsigned int around)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	model->family->common.around_pages = around;
	return model;
}

/* @mapped pages of which nobody knows that they were used, but for @used. */
static void mml_expect_around(struct mml_model *model, int mapped, int used)
{
	KUNIT_EXPECT_EQ(model->test, atomic_long_read(&model->mm.anon_rss), mapped);
	KUNIT_EXPECT_EQ(model->test, atomic_long_read(&model->mm.nr_around), mapped - used);
	KUNIT_EXPECT_EQ(model->test, atomic_long_read(&model->family->common.nr_anon), mapped);
	KUNIT_EXPECT_EQ(model->test, atomic_long_read(&model->family->common.nr_around),
			mapped - used);
	mml_model_expect(model);
}

static unsigned long mml_around_shrink(struct mml_model *model, unsigned long nr)
{
	unsigned long freed;

	down_write(&model->mm.mmap_lock);
	freed = mml_shrink_mm(&model->mm, nr);
	up_write(&model->mm.mmap_lock);
	return freed;
}

/* Pages of [@first, @first + @nr) that a CPU can write to without a fault. */
static int mml_around_at_hand(struct mml_model *model, int first, int nr)
{
	int page, hand = 0;

	for (page = first; page < first + nr; page++)
		hand += mml_pte_write(model->tlb[page]);
	return hand;
}

/* The first write to any page of a block brings all of it, and no other. */
static void mml_around_test_block(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND);

	mml_model_mmap(model, 0, 64, MML_TEST_RW, MAP_FIXED);
	mml_model_fault(model, 21, MML_FAULT_WRITE);
	KUNIT_EXPECT_EQ(test, mml_around_at_hand(model, 0, 64), MML_TEST_AROUND);
	KUNIT_EXPECT_EQ(test, mml_around_at_hand(model, 16, 16), MML_TEST_AROUND);
	mml_expect_around(model, 16, 1);
	/* Used without a fault, which nobody has heard of. */
	mml_model_poke(model, 16, 16, 1);
	mml_expect_around(model, 16, 1);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, 0), 0);
	mml_expect_around(model, 16, 16);
}

/* Pages that are there, and those beyond the vma, are let alone; so is a read. */
static void mml_around_test_clipped(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND);

	mml_model_mmap(model, 3, 10, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 13, 3, MML_TEST_RW | PROT_EXEC, MAP_FIXED);
	mml_model_fault(model, 5, 0);
	mml_expect_around(model, 0, 0);
	mml_model_write(model, 7, 1, 7);
	mml_expect_around(model, 1, 1);
	mml_model_fault(model, 4, MML_FAULT_WRITE);
	/* 3 to 12, without 5, which maps the zero page, and 7, which is not new */
	KUNIT_EXPECT_EQ(test, mml_around_at_hand(model, 0, 32), 8);
	KUNIT_EXPECT_FALSE(test, mml_pte_around(mml_model_pte(model, 7)));
	mml_expect_around(model, 9, 2);
	/* That one comes alone: it replaces the zero page. */
	mml_model_fault(model, 5, MML_FAULT_WRITE);
	mml_expect_around(model, 10, 3);
	/* What the vma allows, its pages do. */
	mml_model_fault(model, 14, MML_FAULT_WRITE);
	KUNIT_EXPECT_TRUE(test, mml_pte_exec(model->tlb[13]));
	KUNIT_EXPECT_FALSE(test, mml_pte_exec(model->tlb[12]));
	mml_expect_around(model, 13, 4);
}

/* Who does not go through memory in order gets fewer that he does not need. */
static void mml_around_test_in_vain(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND);
	int i;

	mml_model_mmap(model, 0, 128, MML_TEST_RW, MAP_FIXED);
	for (i = 0; i < 6; i++)
		mml_model_poke(model, 16 * i, 1, 1);
	/* Each second one alone, as what came with the one before was of no use. */
	mml_expect_around(model, 3 * 16 + 3, 6);
	mml_model_poke(model, 47, 1, 1);
	mml_model_poke(model, 60, 1, 1);
	mml_expect_around(model, 3 * 16 + 3 + 15, 7);
}

/* It can be set, and switched off. */
static void mml_around_test_size(struct kunit *test)
{
	static const unsigned int sizes[] = { 0, 1, 2, 8, MML_AROUND_MAX };
	struct mml_model *model = mml_around_model(test, 0);
	int i;

	mml_model_mmap(model, 0, 128, MML_TEST_RW, MAP_FIXED);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int pages = max(sizes[i], 1U);

		model->family->common.around_pages = sizes[i];
		mml_model_fault(model, 65, MML_FAULT_WRITE);
		mml_expect_around(model, pages, 1);
		KUNIT_EXPECT_EQ(test, mml_around_at_hand(model, round_down(65, pages), pages),
				pages);
		mml_model_dontneed(model, 0, 128);
		mml_expect_around(model, 0, 0);
	}
}

/* Frames that nobody has used are taken back, and no others. */
static void mml_around_test_shrink(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND);

	mml_model_mmap(model, 0, 128, MML_TEST_RW, MAP_FIXED);
	mml_model_poke(model, 0, 3, 1);
	mml_model_poke(model, 36, 1, 2);
	mml_expect_around(model, 32, 2);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, 5), 5);
	mml_expect_around(model, 27, 4);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, ULONG_MAX), 23);
	mml_expect_around(model, 4, 4);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, ULONG_MAX), 0);
	/* What has lost its real entry and kept its frame was not used either. */
	mml_model_poke(model, 72, 1, 3);
	mml_model_mprotect(model, 64, 16, PROT_READ);
	mml_expect_around(model, 20, 5);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, ULONG_MAX), 15);
	mml_expect_around(model, 5, 5);
}

/* A page that came along and is only read keeps its frame, and so does one that was revoked. */
static void mml_around_test_used(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND);

	mml_model_mmap(model, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_fault(model, 0, MML_FAULT_WRITE);
	model->tlb[1].val |= MML_PTE_ACCESSED;
	mml_model_poke(model, 2, 1, 1);
	/* Revoked: those that were used are so, and the others have their frames. */
	mml_model_mprotect(model, 0, 16, PROT_READ);
	mml_expect_around(model, 16, 3);
	KUNIT_EXPECT_EQ(test, mml_around_at_hand(model, 0, 16), 0);
	mml_model_fault(model, 3, 0);
	mml_expect_around(model, 16, 4);
	mml_model_mprotect(model, 0, 16, MML_TEST_RW);
	mml_model_poke(model, 4, 1, 2);
	mml_expect_around(model, 16, 5);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, ULONG_MAX), 11);
	mml_expect_around(model, 5, 5);
}

/* What moves, moves as it is. */
static void mml_around_test_move(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND);
	int first = 0;

	mml_model_mmap(model, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 16, 1, PROT_NONE, MAP_FIXED);
	mml_model_poke(model, 4, 2, 1);
	mml_model_mremap(model, &first, 16, 20, MREMAP_MAYMOVE);
	KUNIT_EXPECT_NE(test, first, 0);
	mml_expect_around(model, 16, 2);
	mml_model_munmap(model, first, 4);
	mml_expect_around(model, 12, 2);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, ULONG_MAX), 10);
	mml_expect_around(model, 2, 2);
}

/* A child has what was used, and nothing else. */
static void mml_around_test_fork(struct kunit *test)
{
	struct mml_model *parent = mml_around_model(test, MML_TEST_AROUND), *child;

	mml_model_mmap(parent, 0, 64, MML_TEST_RW, MAP_FIXED);
	mml_model_poke(parent, 4, 2, 1);
	mml_model_poke(parent, 32, 1, 1);
	child = mml_model_fork(parent);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&parent->mm.anon_rss), 3);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&child->mm.anon_rss), 3);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&parent->family->common.nr_around), 0);
	/* A shared page is copied alone; a new one brings others. */
	mml_model_poke(child, 4, 1, 2);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&child->mm.anon_rss), 3);
	mml_model_poke(child, 0, 1, 2);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&child->mm.anon_rss), 17);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&parent->family->common.nr_around), 13);
	mml_model_expect(parent);
}

/* At a limit, what is unused goes first: a program has as many pages as without fault-around. */
static void mml_around_test_limit(struct kunit *test)
{
	/* Both halves of the range have tables of their own. */
	const int pages = MML_MODEL_PAGES / 2, tables = 1 + 2 * MML_MODEL_TABLES;
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND);
	struct mml_fault fault = {
		.address = mml_model_addr(1),
		.flags = MML_FAULT_WRITE,
		.gfp = GFP_KERNEL,
		.window = model,
	};
	int i;

	model->counter.max = tables + pages;
	mml_model_mmap(model, 0, MML_MODEL_PAGES, MML_TEST_RW, MAP_FIXED);
	mml_model_poke(model, 0, 1, 1);
	mml_expect_around(model, 16, 1);
	for (i = 1; i < pages; i++)
		mml_model_poke(model, 2 * i, 1, i + 1);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&model->counter), tables + pages);
	KUNIT_EXPECT_GE(test, mml_vm_event(model->machine, MML_PGAROUND_FREED), 8);
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(&model->mm, &fault), MML_FAULT_OOM);
	mml_expect_around(model, pages, pages);
}

/* And where the machine has no frame. */
static void mml_around_test_no_frame(struct kunit *test)
{
	struct mml_model *model = mml_model(test, 64);
	unsigned long pages = 64 - MML_TEST_TABLES;
	int i;

	model->family->common.around_pages = MML_TEST_AROUND;
	mml_model_mmap(model, 0, 128, MML_TEST_RW, MAP_FIXED | MAP_NORESERVE);
	for (i = 0; i < pages; i++)
		mml_model_poke(model, i * 2, 1, i + 1);
	mml_expect_around(model, pages, pages);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(model->machine), 0);
}

/* Fewer frames than pages: those that there are go round, the fault's page first. */
static void mml_around_test_few(struct kunit *test)
{
	struct mml_model *model = mml_model(test, 64);
	const int others = 64 - MML_TEST_TABLES - 5;

	mml_model_mmap(model, 0, 128, MML_TEST_RW, MAP_FIXED | MAP_NORESERVE);
	mml_model_poke(model, 32, others, 1);
	model->family->common.around_pages = MML_TEST_AROUND;
	mml_model_fault(model, 9, MML_FAULT_WRITE);
	KUNIT_EXPECT_TRUE(test, mml_pte_write(model->tlb[9]));
	KUNIT_EXPECT_FALSE(test, mml_pte_around(mml_model_pte(model, 9)));
	mml_expect_around(model, others + 5, others + 1);
}

/* An allocation that fails makes it fewer pages, and nothing is lost. */
static void mml_around_test_fail_nth(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND);
	int nth, done = 0;

	mml_model_mmap(model, 0, 128, MML_TEST_RW, MAP_FIXED);
	for (nth = 1; done < 2; nth++) {
		struct mml_fault fault = {
			.address = mml_model_addr(17),
			.flags = MML_FAULT_WRITE,
			.gfp = GFP_KERNEL,
			.window = model,
		};
		enum mml_fault_result result;

		mml_fail_nth(model->machine, nth);
		result = mml_handle_mm_fault(&model->mm, &fault);
		done += !mml_fail_nth_fired(model->machine);
		mml_fail_nth(model->machine, 0);
		if (result == MML_FAULT_OOM)
			KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.anon_rss), 0);
		else
			KUNIT_EXPECT_EQ(test, result, MML_FAULT_DONE);
		mml_model_expect(model);
		mml_model_munmap(model, 0, 128);
		mml_model_mmap(model, 0, 128, MML_TEST_RW, MAP_FIXED);
	}
	/* Its tables, its anon_vma and the link to that, the frames together, and one alone. */
	KUNIT_EXPECT_GE(test, nth, 6);
}

/*
 * MADV_FREE.
 */

static void mml_give_up(struct mml_model *model, int first, int nr)
{
	KUNIT_ASSERT_EQ(model->test, 0, mml_madvise(&model->mm, mml_model_addr(first),
						    nr * PAGE_SIZE, MADV_FREE));
	KUNIT_EXPECT_EQ(model->test, mml_around_at_hand(model, first, nr), 0);
	mml_model_expect(model);
}

static void mml_expect_lazyfree(struct mml_model *model, int lazyfree, int mapped)
{
	KUNIT_EXPECT_EQ(model->test, atomic_long_read(&model->mm.nr_lazyfree), lazyfree);
	KUNIT_EXPECT_EQ(model->test, atomic_long_read(&model->mm.anon_rss), mapped);
	mml_model_expect(model);
}

/* What was given up stays as it is until it is taken back; what is written then is kept. */
static void mml_around_test_lazyfree(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, 1);

	mml_model_mmap(model, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_poke(model, 0, 8, 1);
	mml_model_fault(model, 8, 0);
	mml_give_up(model, 0, 16);
	mml_expect_lazyfree(model, 8, 8);
	mml_give_up(model, 2, 2);
	mml_expect_lazyfree(model, 8, 8);
	mml_model_fault(model, 1, 0);
	mml_expect_lazyfree(model, 8, 8);
	mml_model_poke(model, 2, 1, 2);
	mml_model_mprotect(model, 3, 1, PROT_READ);
	mml_expect_lazyfree(model, 7, 8);

	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, 3), 3);
	memset(&model->tag[0], 0, 2 * sizeof(u32));
	model->tag[3] = 0;
	mml_expect_lazyfree(model, 4, 5);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(model, ULONG_MAX), 4);
	memset(&model->tag[4], 0, 4 * sizeof(u32));
	mml_expect_lazyfree(model, 0, 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->family->common.nr_lazyfree), 0);
	KUNIT_EXPECT_EQ(test, mml_vm_event(model->machine, MML_PGLAZYFREE), 8);
	KUNIT_EXPECT_EQ(test, mml_vm_event(model->machine, MML_PGLAZYFREED), 7);
}

/* What others have, too, is not given up by one of them, and not taken from either. */
static void mml_around_test_lazyfree_shared(struct kunit *test)
{
	struct mml_model *parent = mml_around_model(test, 1), *child;

	mml_model_mmap(parent, 0, 8, MML_TEST_RW, MAP_FIXED);
	mml_model_poke(parent, 0, 8, 1);
	child = mml_model_fork(parent);
	mml_give_up(parent, 0, 8);
	mml_expect_lazyfree(parent, 0, 8);
	mml_model_exit(child);
	mml_give_up(parent, 0, 8);
	mml_expect_lazyfree(parent, 8, 8);

	child = mml_model_fork(parent);
	mml_expect_lazyfree(child, 8, 8);
	mml_expect_lazyfree(parent, 8, 8);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(parent, ULONG_MAX), 0);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(child, ULONG_MAX), 0);
	mml_model_poke(child, 0, 1, 2);
	mml_expect_lazyfree(child, 7, 8);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(parent, ULONG_MAX), 1);
	parent->tag[0] = 0;
	mml_expect_lazyfree(parent, 7, 7);
	mml_model_exit(parent);
	KUNIT_EXPECT_EQ(test, mml_around_shrink(child, ULONG_MAX), 7);
	memset(&child->tag[1], 0, 7 * sizeof(u32));
	mml_expect_lazyfree(child, 0, 1);
}

/* Random calls, accesses by CPUs, frames taken back, forks. */
static void mml_around_test_random(struct kunit *test)
{
	struct mml_model *model = mml_around_model(test, MML_TEST_AROUND), *child = NULL;
	unsigned long taken = 0, around = 0;
	struct rnd_state rnd;
	int i;

	mml_test_seed(test, &rnd);
	for (i = 0; i < MML_TEST_AROUND_OPS; i++) {
		struct mml_model *one = child && mml_test_below(&rnd, 2) ? child : model;

		if (!mml_test_below(&rnd, 8))
			taken += mml_around_shrink(one, 1 + mml_test_below(&rnd, 40));
		else if (mml_test_below(&rnd, 64))
			mml_model_random_op(one, &rnd, true);
		else if (!child)
			child = mml_model_fork(model);
		around += atomic_long_read(&model->family->common.nr_around);
		mml_model_expect(model);
		if (child)
			mml_model_expect(child);
		if (child && !mml_test_below(&rnd, 64)) {
			mml_model_exit(child);
			child = NULL;
		}
	}
	KUNIT_EXPECT_GT(test, taken, 50);
	KUNIT_EXPECT_GT(test, around, 1000);
}

static struct kunit_case mml_around_cases[] = {
	KUNIT_CASE(mml_around_test_block),
	KUNIT_CASE(mml_around_test_clipped),
	KUNIT_CASE(mml_around_test_in_vain),
	KUNIT_CASE(mml_around_test_size),
	KUNIT_CASE(mml_around_test_shrink),
	KUNIT_CASE(mml_around_test_used),
	KUNIT_CASE(mml_around_test_move),
	KUNIT_CASE(mml_around_test_fork),
	KUNIT_CASE(mml_around_test_limit),
	KUNIT_CASE(mml_around_test_no_frame),
	KUNIT_CASE(mml_around_test_few),
	KUNIT_CASE(mml_around_test_fail_nth),
	KUNIT_CASE(mml_around_test_lazyfree),
	KUNIT_CASE(mml_around_test_lazyfree_shared),
	KUNIT_CASE(mml_around_test_random),
	{}
};

static struct kunit_suite mml_around_suite = {
	.name = "mml_around",
	.test_cases = mml_around_cases,
};
kunit_test_suite(mml_around_suite);
