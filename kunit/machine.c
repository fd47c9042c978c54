// SPDX-License-Identifier: GPL-2.0
/*
 * Machines for tests, on pages that the test holds. A machine goes when its test
 * ends, however that ends, and must then be as it was made: every frame free, no
 * invariant violated, nothing reported that the test did not ask for, and no warning
 * of the kernel and no complaint of lockdep meanwhile. While a test has machines,
 * misuse is counted and not told: the kernel's log is for what nobody asked for.
 *
 * Kernel counterpart: none; its allocators are global. drm_buddy and Zircon's PMM
 * node are tested this way, each test with an allocator of its own.
 */
#include <linux/debug_locks.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/panic.h>
#include <linux/sort.h>

#include "buddy_probe/buddy.h"
#include "kunit/machine.h"
#include "mm_lab/frame_list.h"

/* The kernel's largest blocks, to find some among that are adjacent, and some that are not. */
#define MML_TEST_BLOCKS		32

/* Each is a section. */
static_assert(MAX_PAGE_ORDER == MML_MAX_ORDER);

/*
 * Reports of misuse, counted as slub_kunit counts its slab_errors.
 */

/**
 * struct mml_test_reports - what was reported in a test, and not asked for yet
 * @test: the test
 * @resource: by which mml_report() finds @nr
 * @nr: reports
 */
struct mml_test_reports {
	struct kunit *test;
	struct kunit_resource resource;
	atomic64_t nr;
};

/* The test is over, and its machines are gone. */
static void mml_test_reports_exit(struct kunit_resource *resource)
{
	struct mml_test_reports *reports =
		container_of(resource, struct mml_test_reports, resource);

	KUNIT_EXPECT_EQ_MSG(reports->test, atomic64_read(&reports->nr), 0,
			    "not as much misuse was reported as the test asked for");
}

/* From now on reports of misuse are counted, and not told. */
static void mml_test_count_reports(struct kunit *test)
{
	struct kunit_resource *counted =
		kunit_find_named_resource(test, MML_KUNIT_REPORTS);
	struct mml_test_reports *reports;

	if (counted) {
		kunit_put_resource(counted);
		return;
	}
	reports = kunit_kzalloc(test, sizeof(*reports), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, reports);
	reports->test = test;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_named_resource(test, NULL,
							  mml_test_reports_exit,
							  &reports->resource,
							  MML_KUNIT_REPORTS,
							  &reports->nr));
}

/* Expect so many reports since the last call: about @machine, or, if NULL, about none. */
void mml_test_expect_reports(struct kunit *test, struct mml_machine *machine,
			     u64 reports)
{
	struct kunit_resource *counted =
		kunit_find_named_resource(test, MML_KUNIT_REPORTS);

	KUNIT_ASSERT_NOT_NULL(test, counted);
	atomic64_sub(reports, counted->data);
	kunit_put_resource(counted);
	if (machine)
		KUNIT_EXPECT_EQ(test, atomic64_xchg(&machine->reports, 0), reports);
}

/*
 * Memory: blocks of the kernel's, for sections.
 */

static void mml_test_block_exit(void *block)
{
	__free_pages(block, MAX_PAGE_ORDER);
}

static int mml_test_block_cmp(const void *a, const void *b)
{
	struct page * const *pa = a, * const *pb = b;

	return page_to_pfn(*pa) < page_to_pfn(*pb) ? -1 : 1;
}

/* As many blocks as can be had, until the test ends, sorted. Returns: how many. */
static int mml_test_blocks(struct kunit *test, struct page *blocks[MML_TEST_BLOCKS])
{
	int nr;

	for (nr = 0; nr < MML_TEST_BLOCKS; nr++) {
		blocks[nr] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER);
		if (!blocks[nr])
			break;
		KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
								   mml_test_block_exit,
								   blocks[nr]));
	}
	sort(blocks, nr, sizeof(*blocks), mml_test_block_cmp, NULL);
	return nr;
}

static bool mml_test_follows(struct page *block, struct page *next)
{
	return page_to_pfn(block) + MML_SECTION_FRAMES == page_to_pfn(next);
}

/* How many sections are there in a row, from @section on? */
static int mml_test_run(const unsigned int *sections, int section)
{
	int run = 0;

	while (section + run < MML_TEST_MAX_SECTIONS && sections[section + run])
		run++;
	return run;
}

/* From @at on, the first of @nr blocks that begins a row of @run; or @nr. */
static int mml_test_row(struct page **blocks, int nr, int at, int run)
{
	int first;

	for (first = at; at < nr; at++) {
		if (at > first && !mml_test_follows(blocks[at - 1], blocks[at]))
			first = at;
		if (at - first + 1 == run)
			return first;
	}
	return nr;
}

/*
 * Move to @chosen, of @nr blocks, one for each section that is there: adjacent ones for
 * a row, others where a hole is between. Returns: whether there are such.
 */
static bool mml_test_choose(struct page **blocks, int nr, const unsigned int *sections,
			    struct page **chosen)
{
	int section, run, end, at = 0;

	for (section = 0; (run = mml_test_run(sections, section)); section += run + 1) {
		at = mml_test_row(blocks, nr, at, run);
		if (at == nr)
			return false;
		end = at + run;
		if (end < nr && mml_test_follows(blocks[end - 1], blocks[end]))
			end++;
		memcpy(&chosen[section], &blocks[at], run * sizeof(*blocks));
		memset(&blocks[at], 0, run * sizeof(*blocks));
		at = end;
	}
	return true;
}

/* Poisoned blocks that lie as @sections do, until the test ends; NULL for a hole. */
static void mml_test_memory(struct kunit *test, const unsigned int *sections,
			    struct page *chosen[MML_TEST_MAX_SECTIONS])
{
	struct page *blocks[MML_TEST_BLOCKS];
	int nr = mml_test_blocks(test, blocks), i;

	memset(chosen, 0, MML_TEST_MAX_SECTIONS * sizeof(*chosen));
	KUNIT_ASSERT_TRUE_MSG(test, mml_test_choose(blocks, nr, sections, chosen),
			      "the %d blocks that the kernel gives lie otherwise", nr);
	for (i = 0; i < nr; i++)
		if (blocks[i])
			kunit_release_action(test, mml_test_block_exit, blocks[i]);
	for (i = 0; i < MML_TEST_MAX_SECTIONS; i++)
		if (chosen[i])
			memset(page_address(chosen[i]), MML_TEST_POISON,
			       MML_SECTION_FRAMES << PAGE_SHIFT);
}

/*
 * Memory: fewer pages.
 */

/**
 * struct mml_test_pages - contiguous pages, held until the test ends
 * @base: where they are
 * @size: in bytes
 */
struct mml_test_pages {
	void *base;
	size_t size;
};

static void mml_test_pages_exit(void *data)
{
	struct mml_test_pages *pages = data;

	free_pages_exact(pages->base, pages->size);
}

/* @frames contiguous poisoned pages, until the test ends: up to a section, or two. */
struct page *mml_test_pages(struct kunit *test, unsigned long frames)
{
	static const unsigned int two[MML_TEST_MAX_SECTIONS] = { 1, 1 };
	struct page *blocks[MML_TEST_MAX_SECTIONS];
	struct mml_test_pages *pages;

	KUNIT_ASSERT_LE(test, frames, 2 * MML_SECTION_FRAMES);
	if (frames > MML_SECTION_FRAMES) {
		mml_test_memory(test, two, blocks);
		return blocks[0];
	}
	pages = kunit_kzalloc(test, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	pages->size = frames << PAGE_SHIFT;
	pages->base = alloc_pages_exact(pages->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages->base);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_test_pages_exit,
							   pages));
	memset(pages->base, MML_TEST_POISON, pages->size);
	return virt_to_page(pages->base);
}

/*
 * Machines.
 */

/**
 * struct mml_test_machine - a machine, and what it is to be compared with
 * @test: whose it is
 * @machine: the machine
 * @held: blocks that keep its free memory in pieces
 * @warned: the kernel had warned before it was made
 * @locks: lockdep was at work then
 */
struct mml_test_machine {
	struct kunit *test;
	struct mml_machine *machine;
	struct mml_frame_list held;
	int warned;
	int locks;
};

static void mml_test_machine_exit(void *data)
{
	struct mml_test_machine *tm = data;
	struct mml_verdict verdict = {};
	struct kunit *test = tm->test;
	struct mml_page *page;

	while ((page = mml_frame_list_pop(tm->machine, &tm->held)))
		mml_put_page(tm->machine, page);
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

/* Take all of @tm's memory in blocks of @order, and give every other one back. */
static void mml_test_fragment(struct mml_test_machine *tm, unsigned int order)
{
	struct mml_machine *machine = tm->machine;
	struct mml_frame_list taken;
	struct mml_page *page;

	mml_frame_list_init(&taken);
	while ((page = mml_alloc_pages(machine, GFP_KERNEL, order)))
		mml_frame_list_add(machine, &taken, page);
	while ((page = mml_frame_list_pop(machine, &taken))) {
		if (mml_page_to_pfn(machine, page).val >> order & 1)
			mml_frame_list_add(machine, &tm->held, page);
		else
			mml_put_page(machine, page);
	}
}

static struct mml_test_machine *
mml_test_make(struct kunit *test, const struct mml_machine_spec *spec)
{
	struct mml_test_machine *tm = kunit_kzalloc(test, sizeof(*tm), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tm);
	mml_test_count_reports(test);
	mml_frame_list_init(&tm->held);
	tm->test = test;
	tm->warned = test_taint(TAINT_WARN);
	tm->locks = debug_locks;
	tm->machine = mml_machine_create(spec);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, tm->machine);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_test_machine_exit,
							   tm));
	return tm;
}

/* A machine as @spec has it, until the test ends. */
struct mml_machine *mml_test_machine_of(struct kunit *test,
					const struct mml_machine_spec *spec)
{
	return mml_test_make(test, spec)->machine;
}

/* Memory for @spec as @sections have it, in @runs. */
static void mml_test_sections(struct kunit *test, const unsigned int *sections,
			      struct mml_section *runs, struct mml_machine_spec *spec)
{
	struct page *blocks[MML_TEST_MAX_SECTIONS];
	int i;

	mml_test_memory(test, sections, blocks);
	spec->runs = runs;
	for (i = 0; i < MML_TEST_MAX_SECTIONS; i++) {
		if (!blocks[i])
			continue;
		runs[spec->nr_runs++] = (struct mml_section){
			.base = page_address(blocks[i]),
			.base_pfn = page_to_pfn(blocks[i]),
			.nr = sections[i],
		};
		spec->frames += sections[i];
	}
}

/* See mml_test_build(). */
struct mml_machine *mml_test_machine_as(struct kunit *test,
					const struct mml_test_spec *want)
{
	struct mml_section runs[MML_TEST_MAX_SECTIONS];
	struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = want->frames,
		.backend = want->memmap_only ? MML_BACKEND_MEMMAP : MML_BACKEND_PAGES,
		.seed = want->seed,
		.slab_debug = want->slab_debug,
		.options = want->options |
			   (want->watermarks ? 0 : BIT(MML_OPTION_NO_WATERMARKS)),
		.topology = want->topology,
	};
	struct mml_test_machine *tm;

	if (want->sections[0])
		mml_test_sections(test, want->sections, runs, &spec);
	else if (!want->memmap_only)
		spec.pages = mml_test_pages(test, want->frames);
	tm = mml_test_make(test, &spec);
	if (want->largest_free)
		mml_test_fragment(tm, ilog2(want->largest_free));
	return tm->machine;
}

/* A machine of @frames contiguous frames. */
struct mml_machine *mml_test_machine(struct kunit *test, unsigned long frames)
{
	return mml_test_build(test, .frames = frames);
}

/* Frames on the free lists of all zones: what CPUs keep is not among them. */
unsigned long mml_test_zones_free(struct mml_machine *machine)
{
	struct mml_zone *zone;
	unsigned long nr = 0;
	int i;

	mml_for_each_populated_zone(mml_buddy(machine), zone, i)
		nr += zone->nr_free;
	return nr;
}

/* Blocks on them. */
unsigned long mml_test_nr_free_blocks(struct mml_machine *machine, unsigned int order)
{
	struct mml_zone *zone;
	unsigned long nr = 0;
	int i;

	mml_for_each_populated_zone(mml_buddy(machine), zone, i)
		nr += mml_nr_free_blocks(zone, order);
	return nr;
}

/* How many invariants of @machine do not hold? */
u64 mml_test_violations(struct mml_machine *machine)
{
	struct mml_validation v = {};

	mml_validate(machine, &v);
	return v.violations;
}
