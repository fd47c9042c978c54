// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_frame: what mm_lab.ko itself does. Machines: their sizes, numbers and
 * verdicts, and that two of them share nothing. The memmap's arithmetic between frame
 * numbers, descriptors, addresses and the kernel's pfns, at every frame and beyond
 * both ends. Lists of frames: their order, against a model, and that each broken
 * link is seen.
 *
 * The lists of these tests hold frames that are allocated, so that the page
 * allocator does not use their links meanwhile.
 */
#include <linux/string.h>

#include "buddy_probe/buddy.h"
#include "kunit/machine.h"
#include "mm_lab/frame_list.h"

#define MML_TEST_FRAMES		64
/* Frames on a list: few enough that a random one is often at an end. */
#define MML_TEST_LISTED		8
#define MML_TEST_LIST_OPS	1000

/*
 * Machines.
 */

static void mml_frame_test_size_limits(struct kunit *test)
{
	static const unsigned long impossible[] = {
		0, MML_MIN_FRAMES - 1, MML_MAX_FRAMES + 1, ULONG_MAX,
	};
	struct mml_machine_spec spec = {
		.name = "kunit",
		.backend = MML_BACKEND_PAGES,
		.pages = mml_test_pages(test, MML_MIN_FRAMES),
	};
	int i;

	KUNIT_EXPECT_EQ(test, mml_test_machine(test, MML_MIN_FRAMES)->nr_frames,
			MML_MIN_FRAMES);
	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		struct mml_machine *machine;

		spec.frames = impossible[i];
		machine = mml_machine_create(&spec);
		KUNIT_ASSERT_TRUE(test, IS_ERR(machine));
		KUNIT_EXPECT_EQ(test, PTR_ERR(machine), -EINVAL);
		mml_test_expect_reports(test, NULL, 1);
	}
}

/* A machine destroyed while frames are out says how many. */
static void mml_frame_test_verdict(struct kunit *test)
{
	struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = MML_TEST_FRAMES,
		.backend = MML_BACKEND_PAGES,
		.pages = mml_test_pages(test, MML_TEST_FRAMES),
	};
	struct mml_machine *machine = mml_machine_create(&spec);
	struct mml_verdict verdict = {};

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, machine);
	KUNIT_EXPECT_NOT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL, 3));
	KUNIT_EXPECT_EQ(test, mml_machine_destroy(machine, &verdict), 0);
	KUNIT_EXPECT_EQ(test, verdict.frames, MML_TEST_FRAMES);
	KUNIT_EXPECT_EQ(test, verdict.frames_lost, 1 << 3);
	KUNIT_EXPECT_EQ(test, verdict.violations, 0);
}

static void mml_frame_test_numbers_not_reused(struct kunit *test)
{
	struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = MML_TEST_FRAMES,
		.backend = MML_BACKEND_PAGES,
		.pages = mml_test_pages(test, MML_TEST_FRAMES),
	};
	u32 last = mml_test_machine(test, MML_TEST_FRAMES)->id;
	int i;

	for (i = 0; i < 3; i++) {
		struct mml_machine *machine = mml_machine_create(&spec);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, machine);
		KUNIT_EXPECT_GT(test, machine->id, last);
		last = machine->id;
		KUNIT_EXPECT_EQ(test, mml_machine_destroy(machine, NULL), 0);
	}
}

static void mml_frame_test_machines_isolated(struct kunit *test)
{
	struct mml_machine *one = mml_test_machine(test, MML_TEST_FRAMES);
	struct mml_machine *two = mml_test_machine(test, MML_TEST_FRAMES);
	struct mml_page *page = mml_alloc_pages(one, GFP_KERNEL | __GFP_ZERO, 6);
	int slot;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (slot = 0; slot < MML_NR_SLOTS; slot++)
		KUNIT_EXPECT_TRUE(test, !one->engine_data[slot] ||
				  one->engine_data[slot] != two->engine_data[slot]);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(one), 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(two), MML_TEST_FRAMES);
	KUNIT_EXPECT_FALSE(test, mml_page_valid(two, page));
	KUNIT_EXPECT_NULL(test, memchr_inv(two->base, MML_TEST_POISON,
					   MML_TEST_FRAMES << PAGE_SHIFT));

	__mml_free_pages(two, page, 6);
	mml_test_expect_reports(test, one, 0);
	mml_test_expect_reports(test, two, 1);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(one), 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(two), MML_TEST_FRAMES);
	__mml_free_pages(one, page, 6);
}

/* A seed gives a sequence, and another one gives another. */
static void mml_frame_test_random_repeats(struct kunit *test)
{
	static const u64 seeds[] = { 1, 1, 2 };
	u32 drawn[ARRAY_SIZE(seeds)][8];
	int i, j;

	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		struct mml_machine *machine =
			mml_test_build(test, .frames = MML_TEST_FRAMES, .seed = seeds[i]);

		for (j = 0; j < ARRAY_SIZE(drawn[i]); j++)
			drawn[i][j] = mml_random(machine);
	}
	KUNIT_EXPECT_MEMEQ(test, drawn[0], drawn[1], sizeof(drawn[0]));
	KUNIT_EXPECT_MEMNEQ(test, drawn[0], drawn[2], sizeof(drawn[0]));
}

/*
 * The memmap.
 */

static void mml_frame_test_memmap(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);
	u32 i;

	for (i = 0; i < MML_TEST_FRAMES; i++) {
		struct mml_page *page = mml_pfn_to_page(machine, mml_pfn(i));

		KUNIT_EXPECT_PTR_EQ(test, page, &machine->memmap[i]);
		KUNIT_EXPECT_EQ(test, mml_page_to_pfn(machine, page).val, i);
		KUNIT_EXPECT_PTR_EQ(test, mml_page_address(machine, page),
				    machine->base + i * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, mml_page_to_real_pfn(machine, page),
				page_to_pfn(virt_to_page(mml_page_address(machine, page))));
		KUNIT_EXPECT_TRUE(test, mml_pfn_valid(machine, mml_pfn(i)));
		KUNIT_EXPECT_TRUE(test, mml_page_valid(machine, page));
	}
}

static void mml_frame_test_beyond_the_ends(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);
	const struct mml_page *memmap = machine->memmap;
	const void *misaligned = (const void *)memmap + 1;

	KUNIT_EXPECT_FALSE(test, mml_pfn_valid(machine, mml_pfn(MML_TEST_FRAMES)));
	KUNIT_EXPECT_FALSE(test, mml_pfn_valid(machine, mml_pfn(MML_PFN_NONE)));
	KUNIT_EXPECT_FALSE(test, mml_page_valid(machine, memmap - 1));
	KUNIT_EXPECT_FALSE(test, mml_page_valid(machine, memmap + MML_TEST_FRAMES));
	KUNIT_EXPECT_FALSE(test, mml_page_valid(machine, misaligned));
	KUNIT_EXPECT_FALSE(test, mml_page_valid(machine, NULL));
}

/* What is written to a frame is in the page that the test gave, and in no other. */
static void mml_frame_test_memory(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);
	struct page *first = pfn_to_page(machine->base_pfn);
	u32 i;

	for (i = 0; i < MML_TEST_FRAMES; i++)
		memset(mml_page_address(machine, &machine->memmap[i]), i, PAGE_SIZE);
	for (i = 0; i < MML_TEST_FRAMES; i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(page_address(first + i), i,
						   PAGE_SIZE));
}

/*
 * Lists.
 */

struct mml_frame_fixture {
	struct mml_machine *machine;
	struct mml_page *block;
	struct mml_frame_list list;
};

/* An empty list, and MML_TEST_LISTED frames to put on it. */
static void mml_frame_list_start(struct kunit *test, struct mml_frame_fixture *fx)
{
	fx->machine = mml_test_machine(test, MML_TEST_FRAMES);
	fx->block = mml_alloc_pages(fx->machine, GFP_KERNEL, 3);
	KUNIT_ASSERT_NOT_NULL(test, fx->block);
	static_assert(MML_TEST_LISTED == 1 << 3);
	mml_frame_list_init(&fx->list);
}

static void mml_frame_list_end(struct mml_frame_fixture *fx)
{
	__mml_free_pages(fx->machine, fx->block, 3);
}

static void mml_frame_test_list_order(struct kunit *test)
{
	struct mml_frame_fixture fx;
	int i;

	mml_frame_list_start(test, &fx);
	for (i = 0; i < MML_TEST_LISTED; i++)
		mml_frame_list_add(fx.machine, &fx.list, &fx.block[i]);
	for (i = MML_TEST_LISTED; i--;)
		KUNIT_EXPECT_PTR_EQ(test, mml_frame_list_pop(fx.machine, &fx.list),
				    &fx.block[i]);

	for (i = 0; i < MML_TEST_LISTED; i++)
		mml_frame_list_add_tail(fx.machine, &fx.list, &fx.block[i]);
	for (i = 0; i < MML_TEST_LISTED; i++)
		KUNIT_EXPECT_PTR_EQ(test, mml_frame_list_pop(fx.machine, &fx.list),
				    &fx.block[i]);

	KUNIT_EXPECT_NULL(test, mml_frame_list_pop(fx.machine, &fx.list));
	KUNIT_EXPECT_TRUE(test, mml_frame_list_empty(&fx.list));
	mml_frame_list_end(&fx);
}

/* The model of a list: indices into the fixture's block, from first to last. */
struct mml_list_model {
	u8 frame[MML_TEST_LISTED];
	unsigned int nr;
};

static void mml_list_model_insert(struct mml_list_model *model, unsigned int at,
				  u8 frame)
{
	memmove(&model->frame[at + 1], &model->frame[at], model->nr - at);
	model->frame[at] = frame;
	model->nr++;
}

static void mml_list_model_remove(struct mml_list_model *model, unsigned int at)
{
	model->nr--;
	memmove(&model->frame[at], &model->frame[at + 1], model->nr - at);
}

static void mml_list_expect_model(struct kunit *test, struct mml_frame_fixture *fx,
				  const struct mml_list_model *model)
{
	u32 base = mml_page_to_pfn(fx->machine, fx->block).val;
	u32 pfn = fx->list.first;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, mml_frame_list_validate(fx->machine, &fx->list));
	KUNIT_ASSERT_EQ(test, fx->list.nr, model->nr);
	KUNIT_ASSERT_EQ(test, mml_frame_list_empty(&fx->list), !model->nr);
	for (i = 0; i < model->nr; i++) {
		KUNIT_ASSERT_EQ(test, pfn, base + model->frame[i]);
		pfn = fx->machine->memmap[pfn].next;
	}
	KUNIT_ASSERT_EQ(test, pfn, MML_PFN_NONE);
}

/* Put on one that is not on the list, or take off one that is. */
static void mml_list_random_op(struct kunit *test, struct mml_frame_fixture *fx,
			       struct mml_list_model *model, struct rnd_state *rnd)
{
	u8 frame = mml_test_below(rnd, MML_TEST_LISTED);
	u8 *on = memchr(model->frame, frame, model->nr);
	struct mml_page *page = &fx->block[frame];

	if (on) {
		KUNIT_ASSERT_TRUE(test, mml_frame_list_del(fx->machine, &fx->list,
							   page));
		mml_list_model_remove(model, on - model->frame);
	} else if (mml_test_below(rnd, 2)) {
		mml_frame_list_add(fx->machine, &fx->list, page);
		mml_list_model_insert(model, 0, frame);
	} else {
		mml_frame_list_add_tail(fx->machine, &fx->list, page);
		mml_list_model_insert(model, model->nr, frame);
	}
}

static void mml_frame_test_list_random(struct kunit *test)
{
	struct mml_list_model model = {};
	struct mml_frame_fixture fx;
	struct rnd_state rnd;
	int i;

	mml_test_seed(test, &rnd);
	mml_frame_list_start(test, &fx);
	for (i = 0; i < MML_TEST_LIST_OPS; i++) {
		mml_list_random_op(test, &fx, &model, &rnd);
		mml_list_expect_model(test, &fx, &model);
	}
	mml_frame_list_end(&fx);
}

/*
 * A word of a list of three frames, of which 1 is the middle one, and what it is
 * overwritten with: a frame of the block by index, or a raw value.
 */
struct mml_list_damage {
	const char *name;
	u32 *(*word)(struct mml_frame_fixture *fx);
	u32 value;
};

static u32 *mml_damage_first(struct mml_frame_fixture *fx)
{
	return &fx->list.first;
}

static u32 *mml_damage_last(struct mml_frame_fixture *fx)
{
	return &fx->list.last;
}

static u32 *mml_damage_nr(struct mml_frame_fixture *fx)
{
	return &fx->list.nr;
}

static u32 *mml_damage_next(struct mml_frame_fixture *fx)
{
	return &fx->block[1].next;
}

static u32 *mml_damage_prev(struct mml_frame_fixture *fx)
{
	return &fx->block[1].prev;
}

/* The fixture's block begins at frame 0, so an index into it is a frame number. */
static const struct mml_list_damage mml_list_damages[] = {
	{ "first is beyond the end", mml_damage_first, MML_TEST_FRAMES },
	{ "first is none", mml_damage_first, MML_PFN_NONE },
	{ "first is the second", mml_damage_first, 1 },
	{ "last is the second", mml_damage_last, 1 },
	{ "last is none", mml_damage_last, MML_PFN_NONE },
	{ "one too few counted", mml_damage_nr, 2 },
	{ "one too many counted", mml_damage_nr, 4 },
	{ "none counted", mml_damage_nr, 0 },
	{ "next is beyond the end", mml_damage_next, MML_TEST_FRAMES },
	{ "next is none", mml_damage_next, MML_PFN_NONE },
	{ "next goes back", mml_damage_next, 0 },
	{ "next is itself", mml_damage_next, 1 },
	{ "next is on no list", mml_damage_next, 5 },
	{ "prev is beyond the end", mml_damage_prev, MML_TEST_FRAMES },
	{ "prev is none", mml_damage_prev, MML_PFN_NONE },
	{ "prev is itself", mml_damage_prev, 1 },
	{ "prev goes forward", mml_damage_prev, 2 },
};
KUNIT_ARRAY_PARAM_DESC(mml_list_damage, mml_list_damages, name);

static void mml_frame_test_list_damage(struct kunit *test)
{
	const struct mml_list_damage *damage = test->param_value;
	struct mml_frame_fixture fx;
	u32 *word, good;
	int i;

	mml_frame_list_start(test, &fx);
	KUNIT_ASSERT_PTR_EQ(test, fx.block, fx.machine->memmap);
	for (i = 0; i < 3; i++)
		mml_frame_list_add_tail(fx.machine, &fx.list, &fx.block[i]);
	KUNIT_EXPECT_TRUE(test, mml_frame_list_validate(fx.machine, &fx.list));

	word = damage->word(&fx);
	good = *word;
	*word = damage->value;
	KUNIT_EXPECT_FALSE(test, mml_frame_list_validate(fx.machine, &fx.list));
	*word = good;
	KUNIT_EXPECT_TRUE(test, mml_frame_list_validate(fx.machine, &fx.list));
	mml_frame_list_end(&fx);
}

static struct kunit_case mml_frame_cases[] = {
	KUNIT_CASE(mml_frame_test_size_limits),
	KUNIT_CASE(mml_frame_test_verdict),
	KUNIT_CASE(mml_frame_test_numbers_not_reused),
	KUNIT_CASE(mml_frame_test_machines_isolated),
	KUNIT_CASE(mml_frame_test_random_repeats),
	KUNIT_CASE(mml_frame_test_memmap),
	KUNIT_CASE(mml_frame_test_beyond_the_ends),
	KUNIT_CASE(mml_frame_test_memory),
	KUNIT_CASE(mml_frame_test_list_order),
	KUNIT_CASE(mml_frame_test_list_random),
	KUNIT_CASE_PARAM(mml_frame_test_list_damage, mml_list_damage_gen_params),
	{}
};

static struct kunit_suite mml_frame_suite = {
	.name = "mml_frame",
	.test_cases = mml_frame_cases,
};
kunit_test_suite(mml_frame_suite);
