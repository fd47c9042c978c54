// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_pgtable: what is behind a map. Faults and the PTEs they leave, zeroed
 * frames, contents; that every frame, page tables included, is accounted for and goes
 * back; moves, fork; and what happens when frames run out, at whichever of them.
 *
 * The model (model.c) compares contents, PTEs, counters and the stand-in for the real
 * page table after each step. What is written here besides are the numbers that a
 * reader can count: see MML_MODEL_TABLES.
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>

#include "kunit/model.h"
#include "mm_lab/alloc.h"

#define MML_TEST_RANDOM_OPS	1500
#define MML_TEST_FORK_OPS	300
/* More than the range has pages, and their tables; twice that, with a child. */
#define MML_TEST_FRAMES		512
#define MML_TEST_FORK_FRAMES	1024
/* Fewer than the range has pages. */
#define MML_TEST_FEW		64
/* No call allocates so often. */
#define MML_TEST_MANY_TIMES	200

#define MML_TEST_RW		(PROT_READ | PROT_WRITE)
#define MML_TEST_RWX		(MML_TEST_RW | PROT_EXEC)

static u32 mml_test_pfn(struct mml_model *model, int page)
{
	return mml_pte_pfn(mml_model_pte(model, page)).val;
}

/* A fault without a window, which may fail. */
static enum mml_fault_result mml_test_fault(struct mml_model *model, int page,
					    unsigned int flags)
{
	struct mml_fault fault = {
		.address = mml_model_addr(page),
		.flags = flags,
		.gfp = GFP_KERNEL,
	};

	return mml_handle_mm_fault(&model->mm, &fault);
}

/* Frames that the mm holds, of which so many are tables. */
static void mml_expect_held(struct mml_model *model, unsigned long pages,
			    unsigned long tables)
{
	struct kunit *test = model->test;

	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.anon_rss), pages);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.nr_ptes), tables);
	mml_model_expect(model);
}

static void mml_pgtable_test_random(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct rnd_state rnd;
	int i;

	mml_test_seed(test, &rnd);
	for (i = 0; i < MML_TEST_RANDOM_OPS; i++)
		mml_model_random_op(model, &rnd, true);
}

/*
 * Faults.
 */

/* Every access to every protection, and to a hole, twice: without a PTE and with. */
static void mml_pgtable_test_fault_results(struct kunit *test)
{
	static const unsigned int flags[] = { 0, MML_FAULT_WRITE, MML_FAULT_EXEC };
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	unsigned long prot;
	int i;

	for (prot = PROT_NONE; prot <= MML_TEST_RWX; prot++)
		mml_model_mmap(model, prot, 1, prot, MAP_FIXED);
	for (i = 0; i < 2 * ARRAY_SIZE(flags); i++)
		for (prot = PROT_NONE; prot <= MML_TEST_RWX + 1; prot++)
			mml_model_fault(model, prot, flags[i % ARRAY_SIZE(flags)]);
	mml_model_expect(model);

	KUNIT_EXPECT_EQ(test, mml_test_fault(model, PROT_READ, MML_FAULT_WRITE),
			MML_FAULT_ACCERR);
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, PROT_NONE, 0), MML_FAULT_ACCERR);
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, MML_MODEL_PAGES - 1, 0),
			MML_FAULT_MAPERR);
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, -1, 0), MML_FAULT_MAPERR);
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, MML_MODEL_PAGES, 0),
			MML_FAULT_MAPERR);
}

static void mml_expect_pte(struct mml_model *model, int page, u64 set)
{
	const u64 bits = MML_PTE_PRESENT | MML_PTE_RW | MML_PTE_USER |
			 MML_PTE_ACCESSED | MML_PTE_DIRTY | MML_PTE_NX;

	KUNIT_EXPECT_EQ(model->test, mml_model_pte(model, page).val & bits, set);
}

static void mml_pgtable_test_pte_bits(struct kunit *test)
{
	const u64 read = MML_PTE_PRESENT | MML_PTE_USER | MML_PTE_ACCESSED;
	const u64 written = read | MML_PTE_RW | MML_PTE_DIRTY;
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, 2, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 2, 2, MML_TEST_RWX, MAP_FIXED);
	mml_expect_pte(model, 0, 0);
	mml_model_fault(model, 0, 0);
	mml_expect_pte(model, 0, read | MML_PTE_NX);
	mml_expect_pte(model, 1, 0);
	mml_model_fault(model, 1, MML_FAULT_WRITE);
	mml_expect_pte(model, 1, written | MML_PTE_NX);
	mml_model_fault(model, 2, MML_FAULT_EXEC);
	mml_expect_pte(model, 2, read);
	mml_model_fault(model, 3, MML_FAULT_WRITE);
	mml_expect_pte(model, 3, written);
}

/* A read finds the zero page, and takes no frame; the first write brings one. */
static void mml_pgtable_test_write_after_read(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, 1, MML_TEST_RW, MAP_FIXED);
	mml_model_fault(model, 0, 0);
	KUNIT_EXPECT_TRUE(test, mml_pte_special(mml_model_pte(model, 0)));
	KUNIT_EXPECT_TRUE(test, mml_pte_special(model->tlb[0]));
	mml_expect_held(model, 0, 1 + MML_MODEL_TABLES);
	mml_model_fault(model, 0, MML_FAULT_WRITE);
	KUNIT_EXPECT_FALSE(test, mml_pte_special(mml_model_pte(model, 0)));
	KUNIT_EXPECT_TRUE(test, mml_pte_write(mml_model_pte(model, 0)));
	KUNIT_EXPECT_TRUE(test, mml_pte_write(model->tlb[0]));
	mml_expect_held(model, 1, 1 + MML_MODEL_TABLES);
}

/* From outside, the real entry that a read brought has to go. */
static void mml_pgtable_test_access_after_read(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, 1, MML_TEST_RW, MAP_FIXED);
	mml_model_fault(model, 0, 0);
	mml_model_write(model, 0, 1, 1);
	KUNIT_EXPECT_FALSE(test, mml_pte_present(model->tlb[0]));
}

/* Writing, once taken away, comes back with the next write and not before. */
static void mml_pgtable_test_mprotect(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	u32 pfn;

	mml_model_mmap(model, 0, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 4, 1);
	mml_model_fault(model, 1, MML_FAULT_WRITE);
	KUNIT_EXPECT_TRUE(test, mml_pte_write(model->tlb[1]));
	pfn = mml_test_pfn(model, 1);

	mml_model_mprotect(model, 1, 1, PROT_READ);
	KUNIT_EXPECT_FALSE(test, mml_pte_write(mml_model_pte(model, 1)));
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, 1, MML_FAULT_WRITE),
			MML_FAULT_ACCERR);
	mml_model_mprotect(model, 1, 1, PROT_NONE);
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, 1, 0), MML_FAULT_ACCERR);

	mml_model_mprotect(model, 1, 1, MML_TEST_RW);
	KUNIT_EXPECT_FALSE(test, mml_pte_write(mml_model_pte(model, 1)));
	mml_model_write(model, 1, 1, 2);
	KUNIT_EXPECT_EQ(test, mml_test_pfn(model, 1), pfn);
	KUNIT_EXPECT_TRUE(test, mml_pte_write(mml_model_pte(model, 0)));
}

/* A frame is zeroed whatever was in it: poison of the test, or another mapping's. */
static void mml_pgtable_test_zeroed(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int round;

	for (round = 0; round < 2; round++) {
		struct mml_page *page;
		void *at;

		mml_model_mmap(model, 0, 1, MML_TEST_RW, MAP_FIXED);
		mml_model_fault(model, 0, MML_FAULT_WRITE);
		page = &model->machine->memmap[mml_test_pfn(model, 0)];
		at = mml_page_address(model->machine, page);
		KUNIT_EXPECT_NULL(test, memchr_inv(at, 0, PAGE_SIZE));
		memset(at, MML_TEST_POISON, PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, 0, mml_munmap(&model->mm, MML_MODEL_START,
						    PAGE_SIZE));
		mml_model_set(model, 0, 1, 0);
	}
	mml_expect_held(model, 0, 0);
}

/* Told not to wait, a fault says so while the map is changed, and takes nothing. */
static void mml_pgtable_test_retry(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	enum mml_fault_result result;

	mml_model_mmap(model, 0, 1, MML_TEST_RW, MAP_FIXED);
	down_write(&model->mm.mmap_lock);
	result = mml_test_fault(model, 0, MML_FAULT_MAY_RETRY);
	up_write(&model->mm.mmap_lock);
	KUNIT_EXPECT_EQ(test, result, MML_FAULT_RETRY);
	mml_expect_held(model, 0, 0);

	mml_mm_wait(&model->mm);
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, 0, MML_FAULT_MAY_RETRY),
			MML_FAULT_DONE);
	mml_expect_held(model, 0, 1 + MML_MODEL_TABLES);
}

/* Two threads that touch one page at the same time. */
struct mml_racer {
	struct mml_model *model;
	struct completion done;
	enum mml_fault_result result;
};

#define MML_TEST_RACERS		2
#define MML_TEST_RACED		1	/* the page */

static struct mml_racer mml_racers[MML_TEST_RACERS];

static int mml_race(void *data)
{
	struct mml_racer *racer = data;

	racer->result = mml_test_fault(racer->model, MML_TEST_RACED, MML_FAULT_WRITE);
	complete(&racer->done);
	return 0;
}

/*
 * The table mutex is held: start the threads, and keep it until each has found the
 * PTE empty and brought a frame.
 */
static void mml_race_start(struct mml_model *model)
{
	unsigned long free = mml_nr_free_pages(model->machine);
	unsigned long end = jiffies + 5 * HZ;
	int i;

	model->inserting = NULL;
	for (i = 0; i < MML_TEST_RACERS; i++) {
		struct mml_racer *racer = &mml_racers[i];

		racer->model = model;
		racer->result = MML_FAULT_OOM;
		init_completion(&racer->done);
		if (IS_ERR(kthread_run(mml_race, racer, "mml_racer")))
			complete(&racer->done);
	}
	while (mml_nr_free_pages(model->machine) != free - MML_TEST_RACERS &&
	       time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(model->test, mml_nr_free_pages(model->machine),
			free - MML_TEST_RACERS);
}

/* One of them maps its frame, the other gives its own back, and both have the page. */
static void mml_pgtable_test_fault_race(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int i;

	mml_model_mmap(model, 0, 2, MML_TEST_RW, MAP_FIXED);
	mml_model_fault(model, 0, 0);
	mml_expect_held(model, 0, 1 + MML_MODEL_TABLES);
	model->inserting = mml_race_start;
	mml_model_fault(model, 0, MML_FAULT_WRITE);
	for (i = 0; i < MML_TEST_RACERS; i++) {
		wait_for_completion(&mml_racers[i].done);
		KUNIT_EXPECT_EQ(test, mml_racers[i].result, MML_FAULT_DONE);
	}
	mml_expect_held(model, 2, 1 + MML_MODEL_TABLES);
}

/*
 * Access from outside.
 */

static u8 *mml_test_buffer(struct kunit *test, size_t size)
{
	u8 *buf = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	return buf;
}

/* Over pages, and over the end of a table, from the middle of a page on. */
static void mml_pgtable_test_access(struct kunit *test)
{
	const int len = 2 * PAGE_SIZE, at = PAGE_SIZE - 100;
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	unsigned long addr = mml_model_addr(MML_MODEL_HALF - 1) + at;
	u8 *in = mml_test_buffer(test, len), *out = mml_test_buffer(test, len);
	struct rnd_state rnd;

	mml_test_seed(test, &rnd);
	prandom_bytes_state(&rnd, in, len);
	mml_model_mmap(model, MML_MODEL_HALF - 1, 3, MML_TEST_RW, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, mml_access(&model->mm, addr, in, len, true), len);
	KUNIT_EXPECT_EQ(test, mml_access(&model->mm, addr, out, len, false), len);
	KUNIT_EXPECT_MEMEQ(test, in, out, len);
	/* What is before it is untouched. */
	KUNIT_EXPECT_EQ(test, mml_access(&model->mm, addr - at, out, at, false), at);
	KUNIT_EXPECT_NULL(test, memchr_inv(out, 0, at));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.anon_rss), 3);
}

static void mml_pgtable_test_access_refused(struct kunit *test)
{
	const int half = PAGE_SIZE / 2;
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	u8 *buf = mml_test_buffer(test, PAGE_SIZE);
	struct mml_mm *mm = &model->mm;

	mml_model_mmap(model, 0, 1, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 1, 1, PROT_READ, MAP_FIXED);
	mml_model_mmap(model, 2, 1, PROT_NONE, MAP_FIXED);

	KUNIT_EXPECT_EQ(test, mml_access(mm, mml_model_addr(1) - half, buf, PAGE_SIZE,
					 true), half);
	KUNIT_EXPECT_EQ(test, mml_access(mm, mml_model_addr(2) - half, buf, PAGE_SIZE,
					 false), half);
	KUNIT_EXPECT_EQ(test, mml_access(mm, mml_model_addr(1), buf, 1, true), -EFAULT);
	KUNIT_EXPECT_EQ(test, mml_access(mm, mml_model_addr(2), buf, 1, false),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, mml_access(mm, mml_model_addr(3), buf, 1, false),
			-EFAULT);
}

/*
 * Frames and tables, in exact numbers.
 */

static void mml_pgtable_test_frames(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, MML_MODEL_PAGES, MML_TEST_RW, MAP_FIXED);
	mml_expect_held(model, 0, 0);
	mml_model_fault(model, 0, MML_FAULT_WRITE);
	mml_expect_held(model, 1, 1 + MML_MODEL_TABLES);
	mml_model_fault(model, MML_MODEL_HALF - 1, MML_FAULT_WRITE);
	mml_expect_held(model, 2, 1 + MML_MODEL_TABLES);
	mml_model_fault(model, MML_MODEL_HALF, MML_FAULT_WRITE);
	mml_expect_held(model, 3, 1 + 2 * MML_MODEL_TABLES);
	mml_model_fault(model, MML_MODEL_HALF + 1, 0);
	mml_expect_held(model, 3, 1 + 2 * MML_MODEL_TABLES);

	/* Tables go when no vma may need them, and not before. */
	mml_model_munmap(model, 0, 1);
	mml_expect_held(model, 2, 1 + 2 * MML_MODEL_TABLES);
	mml_model_munmap(model, MML_MODEL_HALF - 1, 1);
	mml_expect_held(model, 1, 1 + 2 * MML_MODEL_TABLES);
	mml_model_munmap(model, 0, MML_MODEL_HALF);
	mml_expect_held(model, 1, 1 + MML_MODEL_TABLES);
	mml_model_munmap(model, MML_MODEL_HALF, 2);
	mml_expect_held(model, 0, 1 + MML_MODEL_TABLES);
	mml_model_munmap(model, MML_MODEL_HALF, MML_MODEL_HALF);
	mml_expect_held(model, 0, 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(model->machine), MML_TEST_FRAMES);
}

/* A new mapping over an old one begins with nothing. */
static void mml_pgtable_test_mmap_over(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 16, 1);
	mml_model_mmap(model, 4, 4, MML_TEST_RW, MAP_FIXED);
	mml_expect_held(model, 12, 1 + MML_MODEL_TABLES);
	mml_model_fault(model, 4, MML_FAULT_WRITE);
	mml_expect_held(model, 13, 1 + MML_MODEL_TABLES);
}

/* MADV_DONTNEED gives the frames back; the map stays, and reads zeroes. */
static void mml_pgtable_test_dontneed(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int page;

	mml_model_mmap(model, MML_MODEL_HALF - 8, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, MML_MODEL_HALF - 8, 16, 1);
	mml_expect_held(model, 16, 1 + 2 * MML_MODEL_TABLES);
	mml_model_dontneed(model, MML_MODEL_HALF - 4, 8);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.anon_rss), 8);
	KUNIT_EXPECT_EQ(test, model->mm.total_vm, 16);
	for (page = MML_MODEL_HALF - 8; page < MML_MODEL_HALF + 8; page++)
		mml_model_fault(model, page, 0);
	mml_model_expect(model);
	/* Over a hole: what is mapped is dropped all the same. */
	mml_model_munmap(model, MML_MODEL_HALF, 1);
	mml_model_dontneed(model, MML_MODEL_HALF - 8, 16);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.anon_rss), 0);
}

/* MADV_FREE drops nothing as long as there is memory. */
static void mml_pgtable_test_madvise_free(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, 8, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 8, 1);
	KUNIT_EXPECT_EQ(test, 0, mml_madvise(&model->mm, mml_model_addr(2),
					     4 * PAGE_SIZE, MADV_FREE));
	mml_expect_held(model, 8, 1 + MML_MODEL_TABLES);
	mml_model_expect(model);
}

/*
 * Moves.
 */

/* Pages change their addresses, not their frames; the old tables go. */
static void mml_pgtable_test_move(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int first = MML_MODEL_HALF - 8, page;
	u32 pfn[16];

	mml_model_mmap(model, first, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, first + 16, 1, PROT_NONE, MAP_FIXED);
	for (page = 0; page < 16; page++) {
		mml_model_write(model, first + page, 1, 100 + page);
		pfn[page] = mml_test_pfn(model, first + page);
	}
	mml_expect_held(model, 16, 1 + 2 * MML_MODEL_TABLES);

	mml_model_mremap(model, &first, 16, 32, MREMAP_MAYMOVE);
	KUNIT_EXPECT_EQ(test, first, MML_MODEL_PAGES - 32);
	for (page = 0; page < 16; page++)
		KUNIT_EXPECT_EQ(test, mml_test_pfn(model, first + page), pfn[page]);
	mml_expect_held(model, 16, 1 + MML_MODEL_TABLES);
}

/* Out of one table into two, where there were none. */
static void mml_pgtable_test_move_over_tables(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int first = 0;

	mml_model_mmap(model, 0, 12, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 12, 1, PROT_NONE, MAP_FIXED);
	mml_model_mmap(model, MML_MODEL_HALF + 8, MML_MODEL_HALF - 8, PROT_NONE,
		       MAP_FIXED);
	mml_model_write(model, 0, 12, 1);
	mml_model_mremap(model, &first, 12, 16, MREMAP_MAYMOVE);
	KUNIT_EXPECT_EQ(test, first, MML_MODEL_HALF - 8);
	mml_expect_held(model, 12, 1 + 2 * MML_MODEL_TABLES);
}

/* Pages that were never touched, or only some: nothing appears. */
static void mml_pgtable_test_move_sparse(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int first = 0;

	mml_model_mmap(model, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 16, 1, PROT_NONE, MAP_FIXED);
	mml_model_mremap(model, &first, 16, 17, MREMAP_MAYMOVE);
	mml_expect_held(model, 0, 0);
	mml_model_write(model, first + 3, 1, 1);
	mml_model_mmap(model, first - 16, 16, PROT_NONE, MAP_FIXED);
	mml_model_mremap(model, &first, 17, 18, MREMAP_MAYMOVE);
	mml_expect_held(model, 1, 1 + MML_MODEL_TABLES);
}

/*
 * Fork.
 */

static void mml_pgtable_test_fork(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FORK_FRAMES), *child;

	mml_model_mmap(parent, MML_MODEL_HALF - 8, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(parent, 0, 8, MML_TEST_RWX, MAP_FIXED | MAP_NORESERVE);
	mml_model_write(parent, MML_MODEL_HALF - 4, 8, 1);
	mml_model_write(parent, 2, 1, 2);
	child = mml_model_fork(parent);
	mml_expect_held(child, 9, 1 + 2 * MML_MODEL_TABLES);
	mml_expect_held(parent, 9, 1 + 2 * MML_MODEL_TABLES);

	/* What one does from now on, the other does not see. */
	mml_model_write(child, MML_MODEL_HALF - 4, 4, 3);
	mml_model_munmap(child, 0, 8);
	mml_model_expect(parent);
	mml_model_write(parent, MML_MODEL_HALF, 4, 4);
	mml_model_mprotect(parent, 0, 8, PROT_NONE);
	mml_model_expect(child);

	mml_model_exit(child);
	mml_expect_held(child, 0, 0);
	mml_expect_held(parent, 9, 1 + 2 * MML_MODEL_TABLES);
}

static void mml_pgtable_test_fork_empty(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FEW), *child;

	child = mml_model_fork(parent);
	mml_expect_held(child, 0, 0);
	/* It has its parent's range. */
	mml_model_mmap(child, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_write(child, 0, 1, 1);
	mml_model_expect(parent);
}

static void mml_pgtable_test_fork_random(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FORK_FRAMES), *child;
	struct rnd_state rnd;
	int i;

	mml_test_seed(test, &rnd);
	for (i = 0; i < MML_TEST_FORK_OPS; i++)
		mml_model_random_op(parent, &rnd, true);
	child = mml_model_fork(parent);
	for (i = 0; i < MML_TEST_FORK_OPS; i++) {
		bool young = mml_test_below(&rnd, 2);

		mml_model_random_op(young ? child : parent, &rnd, true);
		mml_model_expect(young ? parent : child);
	}
}

/*
 * There are frames for some of a child's tables: it gives back what it got, and its first touch
 * is refused for want of memory.
 */
static void mml_pgtable_test_fork_oom(struct kunit *test)
{
	const int pages = MML_TEST_FEW - 2 * MML_MODEL_TABLES - 1;
	struct mml_model *parent = mml_model(test, MML_TEST_FEW), *child;

	mml_model_mmap(parent, 0, pages, MML_TEST_RW, MAP_FIXED);
	mml_model_write(parent, 0, pages, 1);
	KUNIT_ASSERT_EQ(test, mml_nr_free_pages(parent->machine), MML_MODEL_TABLES);
	child = mml_model_child(parent);
	KUNIT_EXPECT_EQ(test, mml_dup_mmap(&child->mm, &parent->mm), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(parent->machine), 0);
	mml_exit_mmap(&child->mm);
	mml_expect_held(child, 0, 0);
	mml_expect_held(parent, pages, 1 + MML_MODEL_TABLES);
	KUNIT_EXPECT_EQ(test, mml_test_fault(child, 0, 0), MML_FAULT_DEAD);
	down_write(&child->mm.mmap_lock);
	child->mm.stillborn = true;
	up_write(&child->mm.mmap_lock);
	KUNIT_EXPECT_EQ(test, mml_test_fault(child, 0, 0), MML_FAULT_OOM);
}

/* Every allocation of a fork fails once. */
static void mml_pgtable_test_fork_starved(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES);
	int nth, err = -ENOMEM;

	mml_model_mmap(parent, 0, 8, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(parent, MML_MODEL_HALF, 8, PROT_READ | PROT_WRITE, MAP_FIXED);
	mml_model_write(parent, 0, 4, 1);
	mml_model_write(parent, MML_MODEL_HALF, 4, 1);

	for (nth = 1; err && nth < MML_TEST_MANY_TIMES; nth++) {
		struct mml_model *child = mml_model_child(parent);

		mml_fail_nth(parent->machine, nth);
		err = mml_dup_mmap(&child->mm, &parent->mm);
		mml_fail_nth(parent->machine, 0);
		KUNIT_EXPECT_TRUE(test, !err || err == -ENOMEM);
		mml_exit_mmap(&child->mm);
		mml_expect_held(child, 0, 0);
		mml_expect_held(parent, 8, 1 + 2 * MML_MODEL_TABLES);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	/* 2 vmas, for each an anon_vma and two links; 7 tables, at least. */
	KUNIT_EXPECT_GT(test, nth, 2 * (1 + 3) + 7);
}

/*
 * Running out.
 */

/* Write to pages from @first on until one cannot be had. Returns: how many could. */
static int mml_fault_until_oom(struct mml_model *model, int first)
{
	int nr = 0;

	while (first + nr < MML_MODEL_PAGES &&
	       mml_test_fault(model, first + nr, MML_FAULT_WRITE) == MML_FAULT_DONE)
		nr++;
	KUNIT_EXPECT_EQ(model->test, mml_test_fault(model, first + nr, MML_FAULT_WRITE),
			MML_FAULT_OOM);
	return nr;
}

static void mml_pgtable_test_exhaustion(struct kunit *test)
{
	const int tables = 1 + MML_MODEL_TABLES, most = MML_TEST_FEW - tables;
	struct mml_model *model = mml_model(test, MML_TEST_FEW);

	mml_model_mmap(model, 0, MML_MODEL_PAGES, MML_TEST_RW, MAP_FIXED | MAP_NORESERVE);
	KUNIT_EXPECT_EQ(test, mml_fault_until_oom(model, 0), most);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(model->machine), 0);
	mml_expect_held(model, most, tables);

	/* What is there can be used; what is given back can be had again. */
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, 0, MML_FAULT_WRITE), MML_FAULT_DONE);
	mml_model_munmap(model, 0, 2);
	KUNIT_EXPECT_EQ(test, mml_fault_until_oom(model, most), 2);
	mml_expect_held(model, most, tables);
	mml_model_munmap(model, 0, MML_MODEL_PAGES);
	mml_expect_held(model, 0, 0);
}

/* Frames end while a page's tables are made: they are held, empty, and go back. */
static void mml_pgtable_test_no_frame_for_a_table(struct kunit *test)
{
	const int tables = 1 + MML_MODEL_TABLES;
	struct mml_model *model = mml_model(test, MML_TEST_FEW);
	int page;

	mml_model_mmap(model, 0, MML_MODEL_PAGES, MML_TEST_RW, MAP_FIXED | MAP_NORESERVE);
	for (page = 0; mml_nr_free_pages(model->machine) != MML_MODEL_TABLES - 1; page++)
		mml_model_fault(model, page, MML_FAULT_WRITE);
	KUNIT_EXPECT_EQ(test, mml_test_fault(model, MML_MODEL_HALF, 0), MML_FAULT_OOM);
	mml_expect_held(model, page, tables + MML_MODEL_TABLES - 1);
	mml_model_munmap(model, MML_MODEL_HALF, MML_MODEL_HALF);
	mml_expect_held(model, page, tables);
}

/* The limit of a counter is as good as the end of memory. */
static void mml_pgtable_test_limit(struct kunit *test)
{
	const int tables = 1 + MML_MODEL_TABLES, limit = 10;
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	model->counter.max = limit;
	mml_model_mmap(model, 0, 32, MML_TEST_RW, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, mml_fault_until_oom(model, 0), limit - tables);
	mml_expect_held(model, limit - tables, tables);
	mml_model_munmap(model, 0, 1);
	KUNIT_EXPECT_EQ(test, mml_fault_until_oom(model, limit - tables), 1);
	mml_expect_held(model, limit - tables, tables);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->counter.watermark), limit);
}

/* Two address spaces under one limit: what one holds, the other cannot have. */
static void mml_pgtable_test_shared_limit(struct kunit *test)
{
	const int tables = 1 + MML_MODEL_TABLES, limit = 10, left = 2;
	struct mml_counter *both = kunit_kzalloc(test, sizeof(*both), GFP_KERNEL);
	struct mml_model *one = mml_model(test, MML_TEST_FRAMES);
	struct mml_model *two = mml_model(test, MML_TEST_FRAMES);

	KUNIT_ASSERT_NOT_NULL(test, both);
	mml_counter_init(both, limit, NULL);
	one->family->counter.parent = both;
	two->family->counter.parent = both;
	mml_model_mmap(one, 0, 32, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(two, 0, 32, MML_TEST_RW, MAP_FIXED);
	mml_model_write(one, 0, limit - tables - left, 1);
	KUNIT_EXPECT_EQ(test, mml_test_fault(two, 0, 0), MML_FAULT_OOM);
	KUNIT_EXPECT_EQ(test, mml_counter_read(both), limit);
	mml_model_munmap(two, 0, 32);
	KUNIT_EXPECT_EQ(test, mml_counter_read(both), limit - left);
	mml_model_munmap(one, 0, 32);
	KUNIT_EXPECT_EQ(test, mml_counter_read(both), 0);
}

/* Every allocation of a first fault fails once; then it is tried again. */
static void mml_pgtable_test_fault_starved(struct kunit *test)
{
	enum mml_fault_result result = MML_FAULT_OOM;
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int nth;

	for (nth = 1; result != MML_FAULT_DONE && nth < MML_TEST_MANY_TIMES; nth++) {
		mml_model_munmap(model, 0, MML_MODEL_PAGES);
		mml_model_mmap(model, 0, 1, MML_TEST_RW, MAP_FIXED);
		mml_expect_held(model, 0, 0);

		mml_fail_nth(model->machine, nth);
		result = mml_test_fault(model, 0, MML_FAULT_WRITE);
		mml_fail_nth(model->machine, 0);
		mml_model_expect(model);
		if (result != MML_FAULT_DONE)
			KUNIT_EXPECT_EQ(test, result, MML_FAULT_OOM);
		KUNIT_EXPECT_EQ(test, mml_test_fault(model, 0, MML_FAULT_WRITE),
				MML_FAULT_DONE);
		mml_expect_held(model, 1, 1 + MML_MODEL_TABLES);
	}
	KUNIT_EXPECT_EQ(test, result, MML_FAULT_DONE);
	/* The tables and the page, at least. */
	KUNIT_EXPECT_GT(test, nth, 1 + MML_MODEL_TABLES + 1);
}

static struct kunit_case mml_pgtable_cases[] = {
	KUNIT_CASE(mml_pgtable_test_random),
	KUNIT_CASE(mml_pgtable_test_fault_results),
	KUNIT_CASE(mml_pgtable_test_pte_bits),
	KUNIT_CASE(mml_pgtable_test_write_after_read),
	KUNIT_CASE(mml_pgtable_test_access_after_read),
	KUNIT_CASE(mml_pgtable_test_mprotect),
	KUNIT_CASE(mml_pgtable_test_zeroed),
	KUNIT_CASE(mml_pgtable_test_retry),
	KUNIT_CASE(mml_pgtable_test_fault_race),
	KUNIT_CASE(mml_pgtable_test_access),
	KUNIT_CASE(mml_pgtable_test_access_refused),
	KUNIT_CASE(mml_pgtable_test_frames),
	KUNIT_CASE(mml_pgtable_test_mmap_over),
	KUNIT_CASE(mml_pgtable_test_dontneed),
	KUNIT_CASE(mml_pgtable_test_madvise_free),
	KUNIT_CASE(mml_pgtable_test_move),
	KUNIT_CASE(mml_pgtable_test_move_over_tables),
	KUNIT_CASE(mml_pgtable_test_move_sparse),
	KUNIT_CASE(mml_pgtable_test_fork),
	KUNIT_CASE(mml_pgtable_test_fork_empty),
	KUNIT_CASE(mml_pgtable_test_fork_random),
	KUNIT_CASE(mml_pgtable_test_fork_oom),
	KUNIT_CASE(mml_pgtable_test_fork_starved),
	KUNIT_CASE(mml_pgtable_test_exhaustion),
	KUNIT_CASE(mml_pgtable_test_no_frame_for_a_table),
	KUNIT_CASE(mml_pgtable_test_limit),
	KUNIT_CASE(mml_pgtable_test_shared_limit),
	KUNIT_CASE(mml_pgtable_test_fault_starved),
	{}
};

static struct kunit_suite mml_pgtable_suite = {
	.name = "mml_pgtable",
	.test_cases = mml_pgtable_cases,
};
kunit_test_suite(mml_pgtable_suite);
