// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_vma: mmap, munmap, mprotect, mremap and madvise as changes of a map, no
 * page of which is touched: splitting, merging, look-up and placing against a model
 * (model.c); every errno; and that a call which runs out of memory, wherever in it,
 * changes nothing.
 */
#include "kunit/model.h"

#define MML_TEST_RANDOM_OPS	1500
/* More than the range has pages, so that memory is no limit. */
#define MML_TEST_FRAMES		512
/* No call allocates so often. */
#define MML_TEST_MANY_TIMES	64

#define MML_TEST_RW		(PROT_READ | PROT_WRITE)

static void mml_vma_test_random(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct rnd_state rnd;
	int i;

	mml_test_seed(test, &rnd);
	for (i = 0; i < MML_TEST_RANDOM_OPS; i++)
		mml_model_random_op(model, &rnd, false);
}

/*
 * Splitting and merging. That each vma is the right one is the model's business; the
 * numbers are what a reader can count.
 */

static void mml_vma_test_split_and_merge(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm *mm = &model->mm;

	mml_model_mmap(model, 10, 10, MML_TEST_RW, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, mm->map_count, 1);
	mml_model_mprotect(model, 13, 4, PROT_READ);
	KUNIT_EXPECT_EQ(test, mm->map_count, 3);
	mml_model_mprotect(model, 13, 4, MML_TEST_RW);
	KUNIT_EXPECT_EQ(test, mm->map_count, 1);
	mml_model_munmap(model, 15, 1);
	KUNIT_EXPECT_EQ(test, mm->map_count, 2);
	mml_model_mmap(model, 15, 1, MML_TEST_RW, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, mm->map_count, 1);
	mml_model_mmap(model, 15, 1, PROT_NONE, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, mm->map_count, 3);
	mml_model_munmap(model, 0, MML_MODEL_PAGES);
	KUNIT_EXPECT_EQ(test, mm->map_count, 0);
}

static void mml_vma_test_neighbours(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm *mm = &model->mm;

	/* Grown at its end, then at its beginning. */
	mml_model_mmap(model, 10, 5, PROT_READ, MAP_FIXED);
	mml_model_mmap(model, 15, 5, PROT_READ, MAP_FIXED);
	mml_model_mmap(model, 5, 5, PROT_READ, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, mm->map_count, 1);

	/* Those that differ stay apart: in protection, and in MAP_NORESERVE. */
	mml_model_mmap(model, 20, 5, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 25, 5, MML_TEST_RW, MAP_FIXED | MAP_NORESERVE);
	KUNIT_EXPECT_EQ(test, mm->map_count, 3);
	mml_model_mprotect(model, 20, 5, PROT_READ);
	KUNIT_EXPECT_EQ(test, mm->map_count, 2);

	/* Over several, and over the hole behind them. */
	mml_model_mmap(model, 8, 40, PROT_EXEC, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, mm->map_count, 2);
}

/* The very ends of the range are addresses like others. */
static void mml_vma_test_whole_range(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, MML_MODEL_PAGES, MML_TEST_RW, MAP_FIXED);
	mml_model_munmap(model, 0, 1);
	mml_model_munmap(model, MML_MODEL_PAGES - 1, 1);
	mml_model_mprotect(model, 1, MML_MODEL_PAGES - 2, PROT_NONE);
	KUNIT_EXPECT_EQ(test, model->mm.map_count, 1);
	KUNIT_EXPECT_EQ(test, model->mm.total_vm, MML_MODEL_PAGES - 2);
}

/* Without a hint, or with one that cannot be followed, as far up as there is room. */
static void mml_vma_test_placing(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	unsigned long addr;

	mml_model_mmap(model, -1, 4, PROT_READ, 0);
	KUNIT_EXPECT_NE(test, model->page[MML_MODEL_PAGES - 4], 0);
	mml_model_mmap(model, MML_MODEL_PAGES - 2, 4, PROT_EXEC, 0);
	KUNIT_EXPECT_NE(test, model->page[MML_MODEL_PAGES - 8], 0);
	mml_model_mmap(model, 7, 4, PROT_READ, 0);
	KUNIT_EXPECT_NE(test, model->page[7], 0);

	/* A hint is rounded down to a page. */
	addr = mml_model_addr(20) + 1;
	KUNIT_EXPECT_EQ(test, 0, mml_mmap(&model->mm, &addr, PAGE_SIZE, PROT_READ,
					  MAP_PRIVATE | MAP_ANONYMOUS));
	KUNIT_EXPECT_EQ(test, addr, mml_model_addr(20));
}

/* A length is rounded up to pages. */
static void mml_vma_test_lengths(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm *mm = &model->mm;
	unsigned long addr = mml_model_addr(10);

	KUNIT_EXPECT_EQ(test, 0, mml_mmap(mm, &addr, 3 * PAGE_SIZE + 1, PROT_READ,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED));
	KUNIT_EXPECT_EQ(test, mm->total_vm, 4);
	KUNIT_EXPECT_EQ(test, 0, mml_mprotect(mm, addr, 1, PROT_NONE));
	KUNIT_EXPECT_EQ(test, mm->map_count, 2);
	KUNIT_EXPECT_EQ(test, 0, mml_munmap(mm, addr, 2 * PAGE_SIZE + 1));
	KUNIT_EXPECT_EQ(test, mm->total_vm, 1);
}

static void mml_vma_test_mremap(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int first = 10;

	mml_model_mmap(model, first, 10, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 30, 10, MML_TEST_RW, MAP_FIXED);
	mml_model_mremap(model, &first, 10, 5, 0);
	KUNIT_EXPECT_EQ(test, model->mm.total_vm, 15);
	/* In place, up to the next one and so into it. */
	mml_model_mremap(model, &first, 5, 20, 0);
	KUNIT_EXPECT_EQ(test, first, 10);
	KUNIT_EXPECT_EQ(test, model->mm.map_count, 1);
	/* Only a part, and where it is there is no room. */
	mml_model_mremap(model, &first, 4, 6, MREMAP_MAYMOVE);
	KUNIT_EXPECT_EQ(test, first, MML_MODEL_PAGES - 6);
	KUNIT_EXPECT_EQ(test, model->page[10], 0);
	KUNIT_EXPECT_EQ(test, model->mm.map_count, 2);
}

/*
 * Errnos, on a map of 16 pages that can be written (from page 0), a hole of 16, 16
 * that can be read (32) and 16 that can be written (48); the rest is a hole (64).
 */

#define MML_TEST_MACHINE	64	/* frames: fewer than the range has pages */
#define MML_TEST_BYTES(pages)	((pages) * PAGE_SIZE)
#define MML_TEST_FLAGS		(MAP_PRIVATE | MAP_ANONYMOUS)

/**
 * struct mml_bad_syscall - a call that changes nothing
 * @name: what is wrong with it
 * @call: which
 * @at: address, in bytes from the beginning of the range
 * @len: bytes
 * @arg: prot, new length, or advice
 * @flags: of mmap() and mremap()
 * @want: what it returns
 * @to: new address of mremap(), in bytes from the beginning of the range
 */
struct mml_bad_syscall {
	const char *name;
	int (*call)(struct mml_mm *mm, const struct mml_bad_syscall *bad);
	long at;
	unsigned long len;
	unsigned long arg;
	unsigned long flags;
	int want;
	long to;
};

static int mml_call_mmap(struct mml_mm *mm, const struct mml_bad_syscall *bad)
{
	unsigned long addr = MML_MODEL_START + bad->at;

	return mml_mmap(mm, &addr, bad->len, bad->arg, bad->flags);
}

static int mml_call_munmap(struct mml_mm *mm, const struct mml_bad_syscall *bad)
{
	return mml_munmap(mm, MML_MODEL_START + bad->at, bad->len);
}

static int mml_call_mprotect(struct mml_mm *mm, const struct mml_bad_syscall *bad)
{
	return mml_mprotect(mm, MML_MODEL_START + bad->at, bad->len, bad->arg);
}

static int mml_call_mremap(struct mml_mm *mm, const struct mml_bad_syscall *bad)
{
	unsigned long addr = MML_MODEL_START + bad->at;

	return mml_mremap(mm, &addr, bad->len, bad->arg, bad->flags,
			  MML_MODEL_START + bad->to);
}

static int mml_call_madvise(struct mml_mm *mm, const struct mml_bad_syscall *bad)
{
	return mml_madvise(mm, MML_MODEL_START + bad->at, bad->len, bad->arg);
}

#define MMAP(name, at, len, prot, flags, want) \
	{ "mmap: " name, mml_call_mmap, at, len, prot, flags, want }
#define MUNMAP(name, at, len, want) \
	{ "munmap: " name, mml_call_munmap, at, len, 0, 0, want }
#define MPROTECT(name, at, len, prot, want) \
	{ "mprotect: " name, mml_call_mprotect, at, len, prot, 0, want }
#define MREMAP(name, at, len, new_len, flags, want) \
	{ "mremap: " name, mml_call_mremap, at, len, new_len, flags, want }
#define MREMAP_TO(name, at, len, new_len, flags, to, want) \
	{ "mremap: " name, mml_call_mremap, at, len, new_len, MREMAP_MAYMOVE | (flags), want, to }
#define MADVISE(name, at, len, advice, want) \
	{ "madvise: " name, mml_call_madvise, at, len, advice, 0, want }

#define FIXED		(MML_TEST_FLAGS | MAP_FIXED)
#define NOREPLACE	(MML_TEST_FLAGS | MAP_FIXED_NOREPLACE)
#define MAYMOVE		MREMAP_MAYMOVE
#define RW		MML_TEST_RW
#define P(pages)	MML_TEST_BYTES(pages)
#define END		P((long)MML_MODEL_PAGES)

static const struct mml_bad_syscall mml_bad_syscalls[] = {
	MMAP("no length", 0, 0, RW, MML_TEST_FLAGS, -EINVAL),
	MMAP("a length that wraps", 0, ULONG_MAX, RW, MML_TEST_FLAGS, -ENOMEM),
	MMAP("fixed, unaligned", P(16) + 1, P(1), RW, FIXED, -EINVAL),
	MMAP("noreplace, unaligned", P(16) + 1, P(1), RW, NOREPLACE, -EINVAL),
	MMAP("fixed, below the range", -P(1L), P(1), RW, FIXED, -ENOMEM),
	MMAP("fixed, beyond the range", END, P(1), RW, FIXED, -ENOMEM),
	MMAP("fixed, half beyond", END - P(1), P(2), RW, FIXED, -ENOMEM),
	MMAP("fixed, an end that wraps", 0, -MML_MODEL_START, RW, FIXED, -ENOMEM),
	MMAP("noreplace, first page taken", P(15), P(2), RW, NOREPLACE, -EEXIST),
	MMAP("noreplace, last page taken", P(31), P(2), RW, NOREPLACE, -EEXIST),
	MMAP("larger than the range", 0, END + P(1), PROT_NONE, MML_TEST_FLAGS,
	     -ENOMEM),
	MMAP("larger than any hole", 0, P(193), PROT_NONE, MML_TEST_FLAGS, -ENOMEM),
	MMAP("larger than the machine", P(70), P(65), RW, MML_TEST_FLAGS, -ENOMEM),
	MMAP("shared, and validated", P(70), P(1), RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS,
	     -EINVAL),
	MMAP("shared, growing down", P(70), P(1), RW,
	     MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -EINVAL),
	MMAP("neither shared nor private", P(70), P(1), RW, MAP_ANONYMOUS, -EINVAL),
	MMAP("of a file", P(70), P(1), RW, MAP_PRIVATE, -EBADF),
	MMAP("of huge pages", P(70), P(1), RW, MML_TEST_FLAGS | MAP_HUGETLB, -EOPNOTSUPP),

	MUNMAP("no length", 0, 0, -EINVAL),
	MUNMAP("a length that wraps", 0, ULONG_MAX, -EINVAL),
	MUNMAP("unaligned", 1, P(1), -EINVAL),
	MUNMAP("below the range", -P(1L), P(2), -EINVAL),
	MUNMAP("half beyond the range", END - P(1), P(2), -EINVAL),
	MUNMAP("nothing is there", P(20), P(4), 0),

	MPROTECT("no length", 0, 0, PROT_NONE, 0),
	MPROTECT("a length that wraps", 0, ULONG_MAX, PROT_NONE, -ENOMEM),
	MPROTECT("unaligned", 1, P(1), PROT_NONE, -EINVAL),
	MPROTECT("unknown bits", 0, P(1), 0x40, -EINVAL),
	MPROTECT("nothing is there", P(16), P(1), PROT_NONE, -ENOMEM),
	MPROTECT("begins in a hole", P(31), P(2), PROT_NONE, -ENOMEM),
	MPROTECT("beyond the range", END, P(1), PROT_NONE, -ENOMEM),
	MPROTECT("as it is", P(4), P(4), RW, 0),

	MREMAP("unaligned", 1, P(1), P(2), MAYMOVE, -EINVAL),
	MREMAP("no old length", 0, 0, P(1), MAYMOVE, -EINVAL),
	MREMAP("no new length", 0, P(1), 0, MAYMOVE, -EINVAL),
	MREMAP("a length that wraps", 0, P(1), ULONG_MAX, MAYMOVE, -EINVAL),
	MREMAP("unknown flags", 0, P(1), P(2), 0x40, -EINVAL),
	MREMAP("fixed, in place", 0, P(1), P(2), MREMAP_FIXED, -EINVAL),
	MREMAP("kept, in place", 0, P(1), P(1), MREMAP_DONTUNMAP, -EINVAL),
	MREMAP_TO("kept, and longer", 0, P(1), P(2), MREMAP_DONTUNMAP, P(70), -EINVAL),
	MREMAP_TO("kept, and longer by a byte", 0, P(1), P(1) + 1, MREMAP_DONTUNMAP, P(70), -EINVAL),
	MREMAP_TO("to an odd address", 0, P(1), P(1), MREMAP_FIXED, P(70) + 1, -EINVAL),
	MREMAP_TO("with an odd hint", 0, P(1), P(1), MREMAP_DONTUNMAP, P(70) + 1, -EINVAL),
	MREMAP_TO("onto itself", P(4), P(4), P(4), MREMAP_FIXED, P(4), -EINVAL),
	MREMAP_TO("half onto itself", P(4), P(4), P(4), MREMAP_FIXED, P(6), -EINVAL),
	MREMAP_TO("with a hint that is itself", P(4), P(4), P(4), MREMAP_DONTUNMAP, P(4), -EINVAL),
	MREMAP_TO("growing onto itself from below", P(4), P(2), P(4), MREMAP_FIXED, P(1), -EINVAL),
	MREMAP_TO("to before the range", 0, P(1), P(1), MREMAP_FIXED, -P(1L), -EINVAL),
	MREMAP_TO("half beyond the range", 0, P(2), P(2), MREMAP_FIXED, END - P(1), -EINVAL),
	MREMAP_TO("to an end that wraps", 0, P(2), P(2), MREMAP_FIXED, -MML_MODEL_START - P(1L),
		  -EINVAL),
	MREMAP_TO("from where nothing is", P(16), P(1), P(1), MREMAP_FIXED, P(70), -EFAULT),
	MREMAP_TO("two vmas to one place", P(32), P(32), P(32), MREMAP_FIXED, P(70), -EFAULT),
	MREMAP_TO("two vmas, kept", P(32), P(32), P(32), MREMAP_DONTUNMAP, P(70), -EFAULT),
	MREMAP_TO("kept, and no room elsewhere", 0, P(16), P(16), MREMAP_FIXED | MREMAP_DONTUNMAP,
		  END, -EINVAL),
	MREMAP_TO("no old length, to a place", 0, 0, P(1), MREMAP_FIXED, P(70), -EINVAL),
	MREMAP_TO("by more than the machine, to a place", 0, P(16), P(81), MREMAP_FIXED, P(70),
		  -ENOMEM),
	MREMAP("nothing is there", P(16), P(1), P(2), MAYMOVE, -EFAULT),
	MREMAP("beyond the range", END, P(1), P(2), MAYMOVE, -EFAULT),
	MREMAP("two vmas cannot grow", P(32), P(32), P(33), MAYMOVE, -EFAULT),
	MREMAP("into a hole cannot grow", 0, P(17), P(18), MAYMOVE, -EFAULT),
	MREMAP("no room in place", P(32), P(16), P(17), 0, -ENOMEM),
	MREMAP("its middle has no room", P(2), P(2), P(3), 0, -ENOMEM),
	MREMAP("larger than any hole", P(32), P(16), P(193), MAYMOVE, -ENOMEM),
	MREMAP("by more than the machine", 0, P(16), P(81), MAYMOVE, -ENOMEM),
	MREMAP("the same size", 0, P(16), P(16), 0, 0),

	MADVISE("unaligned", 1, P(1), MADV_DONTNEED, -EINVAL),
	MADVISE("unknown advice", 0, P(1), 0x4000, -EINVAL),
	MADVISE("a length that wraps", 0, ULONG_MAX, MADV_DONTNEED, -EINVAL),
	MADVISE("no length", 0, 0, MADV_DONTNEED, 0),
	MADVISE("nothing is there", P(16), P(1), MADV_DONTNEED, -ENOMEM),
	MADVISE("over a hole", 0, P(40), MADV_DONTNEED, -ENOMEM),
	MADVISE("beyond the range", END, P(1), MADV_DONTNEED, -ENOMEM),
	MADVISE("advice that changes nothing", 0, P(1), MADV_NORMAL, 0),
	MADVISE("and nothing is there", P(16), P(1), MADV_NORMAL, -ENOMEM),
	MADVISE("to populate what can only be read", P(32), P(1), MADV_POPULATE_WRITE, -EINVAL),
	MADVISE("to populate a hole", P(16), P(1), MADV_POPULATE_READ, -ENOMEM),
	MADVISE("to remove from a file", 0, P(1), MADV_REMOVE, -EINVAL),
};
KUNIT_ARRAY_PARAM_DESC(mml_bad_syscall, mml_bad_syscalls, name);

static void mml_vma_test_errnos(struct kunit *test)
{
	const struct mml_bad_syscall *bad = test->param_value;
	struct mml_model *model = mml_model(test, MML_TEST_MACHINE);

	mml_model_mmap(model, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 32, 16, PROT_READ, MAP_FIXED);
	mml_model_mmap(model, 48, 16, MML_TEST_RW, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, bad->call(&model->mm, bad), bad->want);
	mml_model_expect(model);
}

/*
 * Overcommit: what is private and writable may be as large as the machine, and no
 * larger; what cannot be written, or says that it will not be, may be anything.
 */
static void mml_vma_test_overcommit(struct kunit *test)
{
	static const struct {
		int nr;
		unsigned long prot, flags;
		int want;
	} rows[] = {
		{ MML_TEST_MACHINE, MML_TEST_RW, 0, 0 },
		{ MML_TEST_MACHINE + 1, MML_TEST_RW, 0, -ENOMEM },
		{ MML_TEST_MACHINE + 1, PROT_WRITE, 0, -ENOMEM },
		{ MML_TEST_MACHINE + 1, MML_TEST_RW, MAP_NORESERVE, 0 },
		{ MML_TEST_MACHINE + 1, PROT_READ, 0, 0 },
		{ MML_TEST_MACHINE + 1, PROT_NONE, 0, 0 },
	};
	struct mml_model *model = mml_model(test, MML_TEST_MACHINE);
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned long addr = 0;

		KUNIT_EXPECT_EQ(test, rows[i].want,
				mml_mmap(&model->mm, &addr, P(rows[i].nr), rows[i].prot,
					 rows[i].flags | MML_TEST_FLAGS));
		KUNIT_EXPECT_EQ(test, 0, mml_munmap(&model->mm, MML_MODEL_START, END));
		mml_model_expect(model);
	}
}

/* mprotect() is no way around that. */
static void mml_vma_test_overcommit_mprotect(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_MACHINE);

	mml_model_mmap(model, 0, MML_TEST_MACHINE + 1, PROT_READ, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, -ENOMEM, mml_mprotect(&model->mm, MML_MODEL_START,
						    P(MML_TEST_MACHINE + 1),
						    MML_TEST_RW));
	mml_model_expect(model);
	mml_model_mprotect(model, 0, MML_TEST_MACHINE, MML_TEST_RW);
	KUNIT_EXPECT_EQ(test, model->mm.map_count, 2);
}

/*
 * Want of memory. Each call is made with its first allocation failing, then its
 * second, and so on until it has no more of them.
 */

struct mml_starved {
	const char *name;
	void (*call)(struct mml_model *model);
};

static void mml_starve_mmap(struct mml_model *model)
{
	mml_model_mmap(model, 40, 4, MML_TEST_RW, MAP_FIXED);
}

static void mml_starve_mmap_over(struct mml_model *model)
{
	mml_model_mmap(model, 12, 4, PROT_READ, MAP_FIXED);
}

static void mml_starve_mmap_merging(struct mml_model *model)
{
	mml_model_mmap(model, 20, 10, MML_TEST_RW, MAP_FIXED);
}

static void mml_starve_munmap(struct mml_model *model)
{
	mml_model_munmap(model, 12, 4);
}

static void mml_starve_munmap_two(struct mml_model *model)
{
	mml_model_munmap(model, 18, 14);
}

static void mml_starve_mprotect(struct mml_model *model)
{
	mml_model_mprotect(model, 12, 4, PROT_READ);
}

static void mml_starve_mprotect_merging(struct mml_model *model)
{
	mml_model_mprotect(model, 55, 5, MML_TEST_RW);
}

static void mml_starve_mremap_shrink(struct mml_model *model)
{
	int first = 10;

	mml_model_mremap(model, &first, 8, 4, 0);
}

static void mml_starve_mremap_grow(struct mml_model *model)
{
	int first = 10;

	mml_model_mremap(model, &first, 10, 15, 0);
}

static void mml_starve_mremap_grow_merging(struct mml_model *model)
{
	int first = 10;

	mml_model_mremap(model, &first, 10, 20, 0);
}

static void mml_starve_mremap_move(struct mml_model *model)
{
	int first = 12;

	mml_model_mremap(model, &first, 4, 8, MREMAP_MAYMOVE);
}

static const struct mml_starved mml_starved[] = {
	{ "mmap", mml_starve_mmap },
	{ "mmap over a part", mml_starve_mmap_over },
	{ "mmap between two that merge", mml_starve_mmap_merging },
	{ "munmap of a middle", mml_starve_munmap },
	{ "munmap of parts of two", mml_starve_munmap_two },
	{ "mprotect of a middle", mml_starve_mprotect },
	{ "mprotect of one that merges", mml_starve_mprotect_merging },
	{ "mremap: shrink", mml_starve_mremap_shrink },
	{ "mremap: grow", mml_starve_mremap_grow },
	{ "mremap: grow until it merges", mml_starve_mremap_grow_merging },
	{ "mremap: move", mml_starve_mremap_move },
};
KUNIT_ARRAY_PARAM_DESC(mml_starved, mml_starved, name);

/* The map that those calls are made on; some of its pages have frames. */
static void mml_starve_prepare(struct mml_model *model)
{
	model->nth = 0;
	mml_model_munmap(model, 0, MML_MODEL_PAGES);
	mml_model_mmap(model, 10, 10, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 30, 10, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 50, 10, PROT_READ, MAP_FIXED);
	mml_model_mmap(model, 60, 10, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 11, 4, 1);
}

static void mml_vma_test_starved(struct kunit *test)
{
	const struct mml_starved *starved = test->param_value;
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int nth;

	for (nth = 1; nth < MML_TEST_MANY_TIMES; nth++) {
		mml_starve_prepare(model);
		model->nth = nth;
		starved->call(model);
		if (!model->injected)
			break;
	}
	/* Every call allocates something, and none for ever. */
	KUNIT_EXPECT_GT(test, nth, 1);
	KUNIT_EXPECT_LT(test, nth, MML_TEST_MANY_TIMES);
}

/*
 * An mm without a range, and one that is over.
 */

static void mml_vma_expect_refused(struct kunit *test, struct mml_mm *mm, int want)
{
	unsigned long addr = MML_MODEL_START;

	KUNIT_EXPECT_EQ(test, want, mml_mmap(mm, &addr, P(1), RW, MML_TEST_FLAGS));
	KUNIT_EXPECT_EQ(test, want, mml_munmap(mm, addr, P(1)));
	KUNIT_EXPECT_EQ(test, want, mml_mprotect(mm, addr, P(1), RW));
	KUNIT_EXPECT_EQ(test, want, mml_mremap(mm, &addr, P(1), P(2), MAYMOVE, 0));
	KUNIT_EXPECT_EQ(test, want, mml_madvise(mm, addr, P(1), MADV_DONTNEED));
}

static void mml_vma_test_range(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_MACHINE);
	struct mml_mm *mm = &mml_model_on(test, machine)->mm;
	unsigned long start = MML_MODEL_START, top = 1UL << 48;

	mml_vma_expect_refused(test, mm, -ENXIO);
	KUNIT_EXPECT_EQ(test, -EINVAL, mml_mm_set_range(mm, start, start));
	KUNIT_EXPECT_EQ(test, -EINVAL, mml_mm_set_range(mm, start + 1, top));
	KUNIT_EXPECT_EQ(test, -EINVAL, mml_mm_set_range(mm, start, top - 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, mml_mm_set_range(mm, start, top + PAGE_SIZE));
	mml_vma_expect_refused(test, mm, -ENXIO);
	KUNIT_EXPECT_EQ(test, 0, mml_mm_set_range(mm, start, top));
	KUNIT_EXPECT_EQ(test, -EBUSY, mml_mm_set_range(mm, start, top));
}

static void mml_vma_test_exit(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_fault fault = { .address = MML_MODEL_START, .gfp = GFP_KERNEL };

	mml_model_mmap(model, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 32, 16, PROT_READ, MAP_FIXED);
	mml_model_exit(model);
	mml_model_expect(model);
	mml_vma_expect_refused(test, &model->mm, -ENXIO);
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(&model->mm, &fault), MML_FAULT_DEAD);
}

/* To a place, over what is there; and one that stays where it was, empty. */
static void mml_vma_test_mremap_to(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_mm *mm = &model->mm;

	mml_model_mmap(model, 0, 8, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 20, 8, PROT_READ, MAP_FIXED);
	mml_model_write(model, 0, 8, 1);
	mml_model_mremap_to(model, 2, 4, 4, 0, 22);
	KUNIT_EXPECT_EQ(test, mm->map_count, 5);
	/* Back: where it came from it continues what is there. */
	mml_model_mremap_to(model, 22, 4, 4, 0, 2);
	KUNIT_EXPECT_EQ(test, mm->map_count, 3);
	/* Shorter, and longer. */
	mml_model_mremap_to(model, 0, 8, 3, 0, 40);
	mml_model_mremap_to(model, 40, 3, 6, 0, 60);
	KUNIT_EXPECT_EQ(test, mm->map_count, 3);
	/* Kept: the frames have gone. */
	mml_model_mremap_to(model, 60, 6, 6, MREMAP_DONTUNMAP, 80);
	KUNIT_EXPECT_EQ(test, mm->map_count, 4);
	KUNIT_EXPECT_EQ(test, mm->total_vm, 4 + 6 + 6);
	mml_model_write(model, 60, 6, 2);
	/* Never written, kept beside it: two that could be one. */
	mml_model_mmap(model, 100, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_mremap_to(model, 100, 4, 4, MREMAP_DONTUNMAP, 104);
	KUNIT_EXPECT_EQ(test, mm->map_count, 6);
}

static struct kunit_case mml_vma_cases[] = {
	KUNIT_CASE(mml_vma_test_random),
	KUNIT_CASE(mml_vma_test_split_and_merge),
	KUNIT_CASE(mml_vma_test_neighbours),
	KUNIT_CASE(mml_vma_test_whole_range),
	KUNIT_CASE(mml_vma_test_placing),
	KUNIT_CASE(mml_vma_test_lengths),
	KUNIT_CASE(mml_vma_test_mremap),
	KUNIT_CASE(mml_vma_test_mremap_to),
	KUNIT_CASE_PARAM(mml_vma_test_errnos, mml_bad_syscall_gen_params),
	KUNIT_CASE(mml_vma_test_overcommit),
	KUNIT_CASE(mml_vma_test_overcommit_mprotect),
	KUNIT_CASE_PARAM(mml_vma_test_starved, mml_starved_gen_params),
	KUNIT_CASE(mml_vma_test_range),
	KUNIT_CASE(mml_vma_test_exit),
	{}
};

static struct kunit_suite mml_vma_suite = {
	.name = "mml_vma",
	.test_cases = mml_vma_cases,
};
kunit_test_suite(mml_vma_suite);
