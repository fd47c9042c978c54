// SPDX-License-Identifier: GPL-2.0
/*
 * Machines for tests, on pages that the test holds. A machine goes when its test
 * ends, however that ends, and must then be as it was made: every frame free, no
 * invariant violated, nothing reported that the test did not ask for, and no warning
 * of the kernel and no complaint of lockdep meanwhile.
 *
 * Kernel counterpart: none; its allocators are global. drm_buddy and Zircon's PMM
 * node are tested this way, each test with an allocator of its own.
 */
#include <linux/debug_locks.h>
#include <linux/gfp.h>
#include <linux/panic.h>
#include <linux/sort.h>

#include "kunit/machine.h"

/* Blocks to ask for in search of two adjacent ones. */
#define MML_TEST_BLOCKS		32

/**
 * struct mml_test_pages - contiguous pages, held until the test ends
 * @first: of them
 * @nr: how many; more than MAX_ORDER_NR_PAGES: two of the kernel's largest blocks
 */
struct mml_test_pages {
	struct page *first;
	unsigned long nr;
};

/**
 * struct mml_test_machine - a machine, and what it is to be compared with
 * @test: whose it is
 * @machine: the machine
 * @warned: the kernel had warned before it was made
 * @locks: lockdep was at work then
 */
struct mml_test_machine {
	struct kunit *test;
	struct mml_machine *machine;
	int warned;
	int locks;
};

static void mml_test_pages_exit(void *data)
{
	struct mml_test_pages *pages = data;

	if (pages->nr <= MAX_ORDER_NR_PAGES) {
		free_pages_exact(page_address(pages->first), pages->nr << PAGE_SHIFT);
	} else {
		__free_pages(pages->first, MAX_PAGE_ORDER);
		__free_pages(pages->first + MAX_ORDER_NR_PAGES, MAX_PAGE_ORDER);
	}
}

/* The lower one of @nr @blocks that lies beside @block on either side, or NULL. */
static struct page *mml_test_beside(struct page **blocks, int nr, struct page *block)
{
	unsigned long pfn = page_to_pfn(block);
	int i;

	for (i = 0; i < nr; i++) {
		unsigned long other = page_to_pfn(blocks[i]);

		if (pfn + MAX_ORDER_NR_PAGES == other)
			return block;
		if (other + MAX_ORDER_NR_PAGES == pfn)
			return blocks[i];
	}
	return NULL;
}

/* Two of the kernel's largest blocks, side by side: the first page, or NULL. */
static struct page *mml_test_two_blocks(void)
{
	struct page *blocks[MML_TEST_BLOCKS], *first = NULL;
	int nr;

	for (nr = 0; nr < MML_TEST_BLOCKS && !first; nr++) {
		blocks[nr] = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
		if (!blocks[nr])
			break;
		first = mml_test_beside(blocks, nr, blocks[nr]);
	}
	while (nr--)
		if (!first || (blocks[nr] != first &&
			       blocks[nr] != first + MAX_ORDER_NR_PAGES))
			__free_pages(blocks[nr], MAX_PAGE_ORDER);
	return first;
}

/* @frames contiguous poisoned pages, until the test ends. */
struct page *mml_test_pages(struct kunit *test, unsigned long frames)
{
	struct mml_test_pages *pages = kunit_kzalloc(test, sizeof(*pages), GFP_KERNEL);
	void *base;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_LE(test, frames, 2 * MAX_ORDER_NR_PAGES);
	pages->nr = frames;
	if (frames <= MAX_ORDER_NR_PAGES) {
		base = alloc_pages_exact(frames << PAGE_SHIFT, GFP_KERNEL);
		pages->first = base ? virt_to_page(base) : NULL;
	} else {
		pages->first = mml_test_two_blocks();
	}
	KUNIT_ASSERT_NOT_NULL(test, pages->first);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_test_pages_exit,
							   pages));
	memset(page_address(pages->first), MML_TEST_POISON, frames << PAGE_SHIFT);
	return pages->first;
}

static void mml_test_machine_exit(void *data)
{
	struct mml_test_machine *tm = data;
	struct mml_verdict verdict = {};
	struct kunit *test = tm->test;

	mml_test_expect_reports(test, tm->machine, 0);
	KUNIT_EXPECT_EQ(test, mml_machine_destroy(tm->machine, &verdict), 0);
	KUNIT_EXPECT_EQ_MSG(test, verdict.frames_lost, 0,
			    "of %llu frames some are not free at the end",
			    verdict.frames);
	KUNIT_EXPECT_EQ(test, verdict.violations, 0);
	KUNIT_EXPECT_GT(test, verdict.checks, 0);
	KUNIT_EXPECT_EQ_MSG(test, test_taint(TAINT_WARN), tm->warned,
			    "the kernel warned, see its log");
	KUNIT_EXPECT_EQ_MSG(test, debug_locks, tm->locks,
			    "lockdep complained, see the kernel's log");
}

/* A machine as @spec has it, until the test ends. */
struct mml_machine *mml_test_machine_of(struct kunit *test,
					const struct mml_machine_spec *spec)
{
	struct mml_test_machine *tm = kunit_kzalloc(test, sizeof(*tm), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tm);
	tm->test = test;
	tm->warned = test_taint(TAINT_WARN);
	tm->locks = debug_locks;
	tm->machine = mml_machine_create(spec);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, tm->machine);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_test_machine_exit,
							   tm));
	return tm->machine;
}

/* A machine of @frames contiguous frames. */
struct mml_machine *mml_test_machine(struct kunit *test, unsigned long frames)
{
	const struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = frames,
		.backend = MML_BACKEND_PAGES,
		.pages = mml_test_pages(test, frames),
	};

	return mml_test_machine_of(test, &spec);
}

static int mml_test_page_cmp(const void *a, const void *b)
{
	struct page * const *pa = a, * const *pb = b;

	return page_to_pfn(*pa) < page_to_pfn(*pb) ? -1 : 1;
}

/*
 * A machine of MML_TEST_RUNS pieces with holes between: all are whole sections, but
 * the last, of which only @tail frames are there. Of blocks sorted by address every
 * other one is taken, so that no two are adjacent.
 */
struct mml_machine *mml_test_sparse_machine(struct kunit *test, unsigned long tail)
{
	struct page *pages[2 * MML_TEST_RUNS];
	struct mml_section runs[MML_TEST_RUNS];
	const struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = (MML_TEST_RUNS - 1) * MML_SECTION_FRAMES + tail,
		.backend = MML_BACKEND_PAGES,
		.runs = runs,
		.nr_runs = MML_TEST_RUNS,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = mml_test_pages(test, MML_SECTION_FRAMES);
	sort(pages, ARRAY_SIZE(pages), sizeof(*pages), mml_test_page_cmp, NULL);
	for (i = 0; i < MML_TEST_RUNS; i++)
		runs[i] = (struct mml_section){
			.base = page_address(pages[2 * i]),
			.base_pfn = page_to_pfn(pages[2 * i]),
			.nr = i < MML_TEST_RUNS - 1 ? MML_SECTION_FRAMES : tail,
		};
	return mml_test_machine_of(test, &spec);
}

/* How many invariants of @machine do not hold? */
u64 mml_test_violations(struct mml_machine *machine)
{
	struct mml_validation v = {};

	mml_validate(machine, &v);
	return v.violations;
}

/* Expect so many reports of misuse since the last call. */
void mml_test_expect_reports(struct kunit *test, struct mml_machine *machine,
			     u64 reports)
{
	KUNIT_EXPECT_EQ(test, atomic64_xchg(&machine->reports, 0), reports);
}
