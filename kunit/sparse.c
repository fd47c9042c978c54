// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_sparse: machines whose memory is not one piece, and machines without any.
 * Where each frame is, what is in holes, that the page allocator and address spaces
 * work there as on contiguous memory and never touch what is not there.
 *
 * The machine has three pieces, the last one shorter:
 *
 *	section	0: there   1: absent   2: there   3: absent   4: MML_TEST_TAIL frames
 */
#include <linux/string.h>

#include "buddy_probe/buddy.h"
#include "kunit/machine.h"
#include "kunit/model.h"
#include "mm_lab/frame_list.h"

/* In binary 100101101: blocks of five orders, and a section that ends in none. */
#define MML_TEST_TAIL		301
#define MML_TEST_PRESENT	(2 * MML_SECTION_FRAMES + MML_TEST_TAIL)
#define MML_TEST_SPANNED	(4 * MML_SECTION_FRAMES + MML_TEST_TAIL)

#define MML_TEST_OPS		2000
#define MML_TEST_HELD		64

static struct mml_machine *mml_sparse_machine(struct kunit *test)
{
	return mml_test_build(test, .sections = { MML_SECTION_FRAMES, 0,
						  MML_SECTION_FRAMES, 0,
						  MML_TEST_TAIL });
}

static bool mml_sparse_is_hole(unsigned long pfn)
{
	return pfn / MML_SECTION_FRAMES % 2;
}

static void mml_sparse_test_layout(struct kunit *test)
{
	struct mml_machine *machine = mml_sparse_machine(test);
	unsigned long pfn;

	KUNIT_EXPECT_EQ(test, machine->nr_present, MML_TEST_PRESENT);
	KUNIT_EXPECT_EQ(test, machine->nr_frames, MML_TEST_SPANNED);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_PRESENT);
	for (pfn = 0; pfn < machine->nr_frames; pfn++)
		KUNIT_ASSERT_EQ(test, machine->memmap[pfn].state == MML_FRAME_ABSENT,
				mml_sparse_is_hole(pfn));
	for (pfn = 0; pfn < machine->nr_frames; pfn += MML_SECTION_FRAMES)
		KUNIT_EXPECT_EQ(test, mml_section_present(machine, pfn),
				mml_sparse_is_hole(pfn) ? 0 :
				min(machine->nr_frames - pfn, MML_SECTION_FRAMES));
}

/* Each frame is a page of its own, found by its address and by its pfn. */
static void mml_sparse_test_addresses(struct kunit *test)
{
	struct mml_machine *machine = mml_sparse_machine(test);
	unsigned long pfn, *at, last = 0;

	for (pfn = 0; pfn < machine->nr_frames; pfn++) {
		struct mml_page *page = &machine->memmap[pfn];

		if (mml_sparse_is_hole(pfn))
			continue;
		at = mml_page_address(machine, page);
		KUNIT_ASSERT_EQ(test, mml_page_to_real_pfn(machine, page),
				page_to_pfn(virt_to_page(at)));
		KUNIT_ASSERT_GT(test, mml_page_to_real_pfn(machine, page), last);
		last = mml_page_to_real_pfn(machine, page);
		*at = pfn;
	}
	for (pfn = 0; pfn < machine->nr_frames; pfn++) {
		if (mml_sparse_is_hole(pfn))
			continue;
		at = mml_page_address(machine, &machine->memmap[pfn]);
		KUNIT_ASSERT_EQ(test, *at, pfn);
	}
}

/* Every frame can be had, none of a hole, and all become blocks again. */
static void mml_sparse_test_all_frames(struct kunit *test)
{
	struct mml_machine *machine = mml_sparse_machine(test);
	struct mml_frame_list taken;
	struct mml_page *page;

	mml_frame_list_init(&taken);
	while ((page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_ZERO, 0))) {
		KUNIT_ASSERT_FALSE(test, mml_sparse_is_hole(page - machine->memmap));
		KUNIT_ASSERT_NULL(test, memchr_inv(mml_page_address(machine, page), 0,
						   PAGE_SIZE));
		mml_frame_list_add(machine, &taken, page);
	}
	KUNIT_EXPECT_EQ(test, taken.nr, MML_TEST_PRESENT);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	while ((page = mml_frame_list_pop(machine, &taken)))
		__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_PRESENT);

	/* The largest blocks are as many as there are whole sections. */
	while ((page = mml_alloc_pages(machine, GFP_KERNEL, MML_MAX_ORDER)))
		mml_frame_list_add(machine, &taken, page);
	KUNIT_EXPECT_EQ(test, taken.nr, 2);
	while ((page = mml_frame_list_pop(machine, &taken)))
		__mml_free_pages(machine, page, MML_MAX_ORDER);
}

/* What is not there cannot be freed. */
static void mml_sparse_test_free_of_a_hole(struct kunit *test)
{
	struct mml_machine *machine = mml_sparse_machine(test);
	unsigned long free = mml_nr_free_pages(machine);
	unsigned int order;

	for (order = 0; order < MML_NR_ORDERS; order++) {
		__mml_free_pages(machine, &machine->memmap[MML_SECTION_FRAMES], order);
		mml_test_expect_reports(test, machine, 1);
	}
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), free);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* The validator sees a hole that claims to be memory, and memory that is lost. */
static void mml_sparse_test_validator(struct kunit *test)
{
	struct mml_machine *machine = mml_sparse_machine(test);
	u8 *hole = &machine->memmap[MML_SECTION_FRAMES].state;
	u8 *tail = &machine->memmap[MML_TEST_SPANNED - 1].state;

	*hole = MML_FRAME_INTERIOR;
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 1);
	*hole = MML_FRAME_ABSENT;
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	*tail = MML_FRAME_ABSENT;
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*tail = MML_FRAME_FREE;
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* Random blocks, written to from end to end. */
static void mml_sparse_test_random(struct kunit *test)
{
	struct mml_machine *machine = mml_sparse_machine(test);
	struct mml_page *held[MML_TEST_HELD] = {};
	struct rnd_state rnd;
	int i, op;

	mml_test_seed(test, &rnd);
	for (op = 0; op < MML_TEST_OPS; op++) {
		i = mml_test_below(&rnd, MML_TEST_HELD);
		if (held[i]) {
			size_t size = PAGE_SIZE << held[i]->order;
			void *at = mml_page_address(machine, held[i]);

			KUNIT_ASSERT_NULL(test, memchr_inv(at, i, size));
			mml_put_page(machine, held[i]);
			held[i] = NULL;
		} else {
			u32 order = mml_test_below(&rnd, MML_NR_ORDERS);

			held[i] = mml_alloc_pages(machine, GFP_KERNEL, order);
			if (held[i])
				memset(mml_page_address(machine, held[i]), i,
				       PAGE_SIZE << order);
		}
		KUNIT_ASSERT_EQ(test, mml_test_violations(machine), 0);
	}
	for (i = 0; i < MML_TEST_HELD; i++)
		if (held[i])
			mml_put_page(machine, held[i]);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_PRESENT);
}

/* An address space on it, against the model. */
static void mml_sparse_test_address_space(struct kunit *test)
{
	struct mml_machine *machine = mml_sparse_machine(test);
	struct mml_model *model = mml_model_on(test, machine);
	struct rnd_state rnd;
	int op;

	KUNIT_ASSERT_EQ(test, 0, mml_mm_set_range(&model->mm, MML_MODEL_START,
						  mml_model_addr(MML_MODEL_PAGES)));
	mml_test_seed(test, &rnd);
	for (op = 0; op < MML_TEST_OPS / 4; op++) {
		mml_model_random_op(model, &rnd, true);
		mml_model_expect(model);
	}
}

/* Sections side by side are contiguous, and a hole is between those that are not. */
static void mml_sparse_test_adjacent(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .sections = { MML_SECTION_FRAMES, MML_SECTION_FRAMES,
						   0, MML_SECTION_FRAMES, 1 });
	const struct mml_section *section = machine->sections;

	KUNIT_EXPECT_EQ(test, machine->nr_present, 3 * MML_SECTION_FRAMES + 1);
	KUNIT_ASSERT_EQ(test, machine->nr_frames, 4 * MML_SECTION_FRAMES + 1);
	KUNIT_EXPECT_EQ(test, section[0].base_pfn + MML_SECTION_FRAMES, section[1].base_pfn);
	KUNIT_EXPECT_EQ(test, section[2].nr, 0);
	KUNIT_EXPECT_GT(test, section[3].base_pfn, section[1].base_pfn + MML_SECTION_FRAMES);
	KUNIT_EXPECT_EQ(test, section[3].base_pfn + MML_SECTION_FRAMES, section[4].base_pfn);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* A machine of frames without memory: they can be had, and that is all. */
static void mml_sparse_test_memmap_only(struct kunit *test)
{
	const unsigned long frames = 10 * MML_SECTION_FRAMES + MML_TEST_TAIL;
	struct mml_machine *machine =
		mml_test_build(test, .frames = frames, .memmap_only = true);
	struct mml_page *page;

	KUNIT_EXPECT_FALSE(test, mml_has_memory(machine));
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), frames);
	page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_ZERO, 3);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), frames - 8);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	mml_put_page(machine, page);
}

/* The backend itself, on a kernel that has memory: what it took goes back. */
static void mml_sparse_test_backend(struct kunit *test)
{
	const struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = 2 * MML_SECTION_FRAMES + MML_TEST_TAIL,
		.backend = MML_BACKEND_SPARSE,
	};
	struct mml_machine *machine = mml_test_machine_of(test, &spec);
	unsigned long pfn, present = 0;

	KUNIT_EXPECT_TRUE(test, mml_has_memory(machine));
	KUNIT_EXPECT_EQ(test, machine->nr_present, spec.frames);
	for (pfn = 0; pfn < machine->nr_frames; pfn += MML_SECTION_FRAMES)
		present += mml_section_present(machine, pfn);
	KUNIT_EXPECT_EQ(test, present, spec.frames);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* More than the kernel has is refused, and nothing is kept of the attempt. */
static void mml_sparse_test_backend_refuses(struct kunit *test)
{
	const struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = totalram_pages() + MML_SECTION_FRAMES,
		.backend = MML_BACKEND_SPARSE,
	};
	struct mml_machine *machine = mml_machine_create(&spec);

	KUNIT_ASSERT_TRUE(test, IS_ERR(machine));
	KUNIT_EXPECT_EQ(test, PTR_ERR(machine), -ENOMEM);
}

static struct kunit_case mml_sparse_cases[] = {
	KUNIT_CASE(mml_sparse_test_layout),
	KUNIT_CASE(mml_sparse_test_addresses),
	KUNIT_CASE(mml_sparse_test_all_frames),
	KUNIT_CASE(mml_sparse_test_free_of_a_hole),
	KUNIT_CASE(mml_sparse_test_validator),
	KUNIT_CASE(mml_sparse_test_random),
	KUNIT_CASE(mml_sparse_test_address_space),
	KUNIT_CASE(mml_sparse_test_adjacent),
	KUNIT_CASE(mml_sparse_test_memmap_only),
	KUNIT_CASE(mml_sparse_test_backend),
	KUNIT_CASE(mml_sparse_test_backend_refuses),
	{}
};

static struct kunit_suite mml_sparse_suite = {
	.name = "mml_sparse",
	.test_cases = mml_sparse_cases,
};
kunit_test_suite(mml_sparse_suite);
