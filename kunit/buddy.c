// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_buddy: the page allocator against a model, a bitmap with a bit a frame.
 *
 * The model knows what a buddy system must do, not how it does it. Free memory falls
 * into the largest aligned free blocks in one way only; those are what the free lists
 * must hold, after every operation. So an order can be had exactly if such a block of
 * that order or a larger one exists; it comes out of the smallest of these; and no
 * two blocks overlap. The machine's own validator must agree each time.
 *
 * What is refused, and what the validator sees, is in misuse.c.
 */
#include <linux/bitmap.h>
#include <linux/irqflags.h>

#include "buddy_probe/internal.h"
#include "kunit/machine.h"
#include "mm_lab/alloc.h"
#include "mm_lab/vmstat.h"

#define MML_TEST_RANDOM_OPS	1500
/* Operations before the random test turns from filling to draining, and back. */
#define MML_TEST_TIDE		100

/* A block that is out. */
struct mml_test_block {
	struct mml_page *page;
	unsigned int order;
};

/**
 * struct mml_buddy_model - what is allocated on a machine
 * @test: of which test
 * @machine: the machine
 * @used: a bit a frame
 * @blocks: those that are out, in no order
 * @nr_blocks: how many
 */
struct mml_buddy_model {
	struct kunit *test;
	struct mml_machine *machine;
	unsigned long *used;
	struct mml_test_block *blocks;
	unsigned int nr_blocks;
};

/* Free blocks by order, of a model or of a zone. */
struct mml_buddyinfo {
	u32 nr[MML_NR_ORDERS];
};

/*
 * Sizes: the smallest machine; one whose last blocks have no buddies; one block of the
 * largest order; two of them, which must not merge.
 */
static const struct mml_buddy_size {
	const char *name;
	unsigned long frames;
} mml_buddy_sizes[] = {
	{ "64 frames", MML_MIN_FRAMES },
	{ "300 frames", 300 },
	{ "1024 frames", 1UL << MML_MAX_ORDER },
	{ "2048 frames", 2UL << MML_MAX_ORDER },
};
KUNIT_ARRAY_PARAM_DESC(mml_buddy_size, mml_buddy_sizes, name);

static const struct mml_buddy_order {
	const char *name;
	unsigned int order;
} mml_buddy_orders[] = {
	{ "order 0", 0 }, { "order 1", 1 }, { "order 2", 2 }, { "order 3", 3 },
	{ "order 4", 4 }, { "order 5", 5 }, { "order 6", 6 }, { "order 7", 7 },
	{ "order 8", 8 }, { "order 9", 9 }, { "order 10", MML_MAX_ORDER },
};
KUNIT_ARRAY_PARAM_DESC(mml_buddy_order, mml_buddy_orders, name);

/*
 * The model.
 */

static struct mml_buddy_model mml_buddy_model(struct kunit *test, unsigned long frames)
{
	struct mml_buddy_model model = {
		.test = test,
		.machine = mml_test_build(test, .frames = frames,
					  .options = BIT(MML_OPTION_NO_PCP)),
		.used = kunit_kcalloc(test, BITS_TO_LONGS(frames), sizeof(long),
				      GFP_KERNEL),
		.blocks = kunit_kcalloc(test, frames, sizeof(*model.blocks),
					GFP_KERNEL),
	};

	KUNIT_ASSERT_NOT_NULL(test, model.used);
	KUNIT_ASSERT_NOT_NULL(test, model.blocks);
	return model;
}

static bool mml_model_free(const struct mml_buddy_model *model, unsigned long pfn,
			   unsigned long end)
{
	return end <= model->machine->nr_frames &&
	       find_next_bit(model->used, end, pfn) >= end;
}

/* Cut [@pfn, @pfn + (1 << @order)) into the largest blocks that are free. */
static void mml_model_cut(const struct mml_buddy_model *model, unsigned long pfn,
			  unsigned int order, struct mml_buddyinfo *info)
{
	unsigned long size = 1UL << order;

	if (mml_model_free(model, pfn, pfn + size)) {
		info->nr[order]++;
	} else if (order && pfn < model->machine->nr_frames) {
		mml_model_cut(model, pfn, order - 1, info);
		mml_model_cut(model, pfn + size / 2, order - 1, info);
	}
}

static struct mml_buddyinfo mml_model_info(const struct mml_buddy_model *model)
{
	struct mml_buddyinfo info = {};
	unsigned long pfn;

	for (pfn = 0; pfn < model->machine->nr_frames; pfn += 1UL << MML_MAX_ORDER)
		mml_model_cut(model, pfn, MML_MAX_ORDER, &info);
	return info;
}

/* What debugfs shows as buddyinfo. */
static struct mml_buddyinfo mml_zone_info(struct mml_machine *machine)
{
	struct mml_buddyinfo info;
	int order;

	for (order = 0; order < MML_NR_ORDERS; order++)
		info.nr[order] = mml_test_nr_free_blocks(machine, order);
	return info;
}

/* The model and the machine must agree, and the machine with itself. */
static void mml_model_expect(const struct mml_buddy_model *model)
{
	struct mml_buddyinfo want = mml_model_info(model);
	struct mml_buddyinfo have = mml_zone_info(model->machine);
	unsigned long frames = model->machine->nr_frames;
	struct kunit *test = model->test;

	KUNIT_ASSERT_MEMEQ(test, &have, &want, sizeof(want));
	KUNIT_ASSERT_EQ(test, mml_nr_free_pages(model->machine),
			frames - bitmap_weight(model->used, frames));
	KUNIT_ASSERT_EQ(test, mml_test_violations(model->machine), 0);
}

/* The smallest order from @order on of which @info has a block; MML_NR_ORDERS: none. */
static unsigned int mml_smallest(const struct mml_buddyinfo *info, unsigned int order)
{
	while (order < MML_NR_ORDERS && !info->nr[order])
		order++;
	return order;
}

/* @page was allocated from free memory that looked like @before. */
static void mml_model_take(struct mml_buddy_model *model, struct mml_page *page,
			   unsigned int order, struct mml_buddyinfo before)
{
	unsigned long pfn = mml_page_to_pfn(model->machine, page).val;
	unsigned int from = mml_smallest(&before, order);
	unsigned long end = pfn + (1UL << order);
	struct kunit *test = model->test;
	struct mml_buddyinfo after;

	KUNIT_ASSERT_TRUE(test, mml_page_valid(model->machine, page));
	KUNIT_ASSERT_TRUE(test, IS_ALIGNED(pfn, 1UL << order));
	KUNIT_ASSERT_TRUE(test, mml_model_free(model, pfn, end));
	KUNIT_ASSERT_EQ(test, page->order, order);
	KUNIT_ASSERT_EQ(test, mml_page_ref_count(page), 1);
	bitmap_set(model->used, pfn, 1U << order);
	model->blocks[model->nr_blocks++] = (struct mml_test_block){ page, order };

	/* It came out of the smallest block that would do, cut in halves. */
	before.nr[from]--;
	while (from-- > order)
		before.nr[from]++;
	after = mml_model_info(model);
	KUNIT_ASSERT_MEMEQ(test, &after, &before, sizeof(after));
}

/* Allocate, as the model says. Returns: the page, or NULL if there can be none. */
static struct mml_page *mml_model_alloc(struct mml_buddy_model *model,
					unsigned int order)
{
	struct mml_buddyinfo before = mml_model_info(model);
	bool possible = mml_smallest(&before, order) < MML_NR_ORDERS;
	struct mml_page *page = mml_alloc_pages(model->machine, GFP_KERNEL, order);

	KUNIT_ASSERT_EQ(model->test, !!page, possible);
	if (page)
		mml_model_take(model, page, order, before);
	mml_model_expect(model);
	return page;
}

/* Free the block at place @i of those that are out. */
static void mml_model_put(struct mml_buddy_model *model, unsigned int i)
{
	struct mml_test_block block = model->blocks[i];

	__mml_free_pages(model->machine, block.page, block.order);
	bitmap_clear(model->used, mml_page_to_pfn(model->machine, block.page).val,
		     1U << block.order);
	model->blocks[i] = model->blocks[--model->nr_blocks];
	mml_model_expect(model);
}

static void mml_model_put_all(struct mml_buddy_model *model)
{
	while (model->nr_blocks)
		mml_model_put(model, model->nr_blocks - 1);
}

/* Allocate blocks of @order until there is none. Returns: how many there were. */
static unsigned int mml_model_exhaust(struct mml_buddy_model *model,
				      unsigned int order)
{
	unsigned int nr = 0;

	while (mml_model_alloc(model, order))
		nr++;
	return nr;
}

/*
 * Random operations, and running dry.
 */

/* Half of the requests like most of a kernel's, small; half of them of any order. */
static unsigned int mml_random_order(struct rnd_state *rnd)
{
	if (mml_test_below(rnd, 2))
		return mml_test_below(rnd, MML_NR_ORDERS);
	return __ffs(prandom_u32_state(rnd) | BIT(MML_MAX_ORDER));
}

static void mml_buddy_test_random(struct kunit *test)
{
	const struct mml_buddy_size *size = test->param_value;
	struct mml_buddy_model model = mml_buddy_model(test, size->frames);
	struct rnd_state rnd;
	int i;

	mml_test_seed(test, &rnd);
	mml_model_expect(&model);
	for (i = 0; i < MML_TEST_RANDOM_OPS; i++) {
		bool filling = i / MML_TEST_TIDE % 2 == 0;

		/* Three operations of four go with the tide. */
		if (!model.nr_blocks || (mml_test_below(&rnd, 4) > 0) == filling)
			mml_model_alloc(&model, mml_random_order(&rnd));
		else
			mml_model_put(&model, mml_test_below(&rnd, model.nr_blocks));
	}
	mml_model_put_all(&model);
}

/* Of every order there are so many blocks, and freed in any order all is whole. */
static void mml_buddy_test_exhaustion(struct kunit *test)
{
	const struct mml_buddy_size *size = test->param_value;
	struct mml_buddy_model model = mml_buddy_model(test, size->frames);
	struct mml_buddyinfo start = mml_zone_info(model.machine), end;
	unsigned int order;
	struct rnd_state rnd;

	mml_test_seed(test, &rnd);
	for (order = 0; order < MML_NR_ORDERS; order++) {
		KUNIT_EXPECT_EQ(test, mml_model_exhaust(&model, order),
				size->frames >> order);
		while (model.nr_blocks)
			mml_model_put(&model, mml_test_below(&rnd, model.nr_blocks));
		end = mml_zone_info(model.machine);
		KUNIT_EXPECT_MEMEQ(test, &start, &end, sizeof(start));
	}
}

/* With nothing left at any order, every request fails, and none does harm. */
static void mml_buddy_test_nothing_left(struct kunit *test)
{
	struct mml_buddy_model model = mml_buddy_model(test, 300);
	unsigned int order;

	for (order = MML_NR_ORDERS; order--;)
		mml_model_exhaust(&model, order);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(model.machine), 0);
	for (order = 0; order < MML_NR_ORDERS; order++)
		KUNIT_EXPECT_NULL(test, mml_alloc_pages(model.machine, GFP_KERNEL,
							order));
	mml_model_expect(&model);
	mml_model_put_all(&model);
}

/*
 * Splitting and merging, in exact numbers.
 */

/* One block out of a whole machine leaves one of each order from its own on. */
static void mml_buddy_test_split(struct kunit *test)
{
	const struct mml_buddy_order *param = test->param_value;
	struct mml_buddy_model model = mml_buddy_model(test, 1UL << MML_MAX_ORDER);
	struct mml_buddyinfo info;
	unsigned int order;

	KUNIT_EXPECT_PTR_EQ(test, mml_model_alloc(&model, param->order),
			    model.machine->memmap);
	info = mml_zone_info(model.machine);
	for (order = 0; order < MML_MAX_ORDER; order++)
		KUNIT_EXPECT_EQ(test, info.nr[order], order >= param->order);
	KUNIT_EXPECT_EQ(test, info.nr[MML_MAX_ORDER], 0);

	mml_model_put_all(&model);
	info = mml_zone_info(model.machine);
	for (order = 0; order < MML_MAX_ORDER; order++)
		KUNIT_EXPECT_EQ(test, info.nr[order], 0);
	KUNIT_EXPECT_EQ(test, info.nr[MML_MAX_ORDER], 1);
}

/* Free every second block, beginning with the first. */
static void mml_free_even(struct mml_buddy_model *model, unsigned int order)
{
	unsigned int i;

	for (i = model->nr_blocks; i--;) {
		u32 pfn = mml_page_to_pfn(model->machine, model->blocks[i].page).val;

		if (!(pfn & 1U << order))
			mml_model_put(model, i);
	}
}

/* No buddy is free: nothing merges. Then each finds its buddy, and all becomes one. */
static void mml_buddy_test_merge(struct kunit *test)
{
	const struct mml_buddy_order *param = test->param_value;
	unsigned int order = param->order, blocks = 1U << (MML_MAX_ORDER - order);
	struct mml_buddy_model model = mml_buddy_model(test, 1UL << MML_MAX_ORDER);
	struct mml_buddyinfo info;

	KUNIT_ASSERT_EQ(test, mml_model_exhaust(&model, order), blocks);
	mml_free_even(&model, order);
	info = mml_zone_info(model.machine);
	KUNIT_EXPECT_EQ(test, info.nr[order], DIV_ROUND_UP(blocks, 2));
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(model.machine),
			DIV_ROUND_UP(blocks, 2) << order);

	mml_model_put_all(&model);
	info = mml_zone_info(model.machine);
	KUNIT_EXPECT_EQ(test, info.nr[MML_MAX_ORDER], 1);
}

/*
 * Where the next larger block may soon be whole, what is freed goes to the end of its
 * list, though it comes later: it is not the next to be used.
 */
static void mml_buddy_test_merge_likely(struct kunit *test)
{
	struct mml_buddy_model model = mml_buddy_model(test, 1UL << MML_MAX_ORDER);
	struct mml_page *memmap = model.machine->memmap;
	unsigned int i;

	/* 0 to 7, of which 2 and 3 become free together, then 5, then 0. */
	for (i = 0; i < 8; i++)
		KUNIT_ASSERT_PTR_EQ(test, mml_model_alloc(&model, 0), &memmap[i]);
	mml_model_put(&model, 3);
	mml_model_put(&model, 2);
	for (i = 0; model.blocks[i].page != &memmap[5]; i++)
		;
	mml_model_put(&model, i);
	for (i = 0; model.blocks[i].page != &memmap[0]; i++)
		;
	mml_model_put(&model, i);
	KUNIT_EXPECT_PTR_EQ(test, mml_model_alloc(&model, 0), &memmap[5]);
	KUNIT_EXPECT_PTR_EQ(test, mml_model_alloc(&model, 0), &memmap[0]);
	mml_model_put_all(&model);
}

/* Free memory in pieces: half of it is there, and no block larger than a piece. */
static void mml_buddy_test_fragmented(struct kunit *test)
{
	const struct mml_buddy_order *param = test->param_value;
	unsigned long frames = 2UL << MML_MAX_ORDER, held = frames / 2, piece = 1UL << param->order;
	struct mml_machine *machine =
		mml_test_build(test, .frames = frames, .largest_free = piece,
			       .options = BIT(MML_OPTION_NO_PCP));
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, param->order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), frames - held - piece);
	if (param->order < MML_MAX_ORDER)
		KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL,
							param->order + 1));
	__mml_free_pages(machine, page, param->order);
	KUNIT_EXPECT_EQ(test, mml_zone_info(machine).nr[param->order],
			held >> param->order);
}

/*
 * What an allocation is.
 */

/* Exactly the block is zeroed; and only if that was asked for. */
static void mml_buddy_test_zero(struct kunit *test)
{
	const struct mml_buddy_order *param = test->param_value;
	struct mml_machine *machine = mml_test_machine(test, 1UL << MML_MAX_ORDER);
	void *memory = mml_page_address(machine, machine->memmap);
	size_t bytes = PAGE_SIZE << param->order, all = PAGE_SIZE << MML_MAX_ORDER;
	size_t before;
	struct mml_page *page;
	void *at;

	page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_ZERO, param->order);
	KUNIT_ASSERT_NOT_NULL(test, page);
	at = mml_page_address(machine, page);
	before = at - memory;
	KUNIT_EXPECT_NULL(test, memchr_inv(memory, MML_TEST_POISON, before));
	KUNIT_EXPECT_NULL(test, memchr_inv(at, 0, bytes));
	KUNIT_EXPECT_NULL(test, memchr_inv(at + bytes, MML_TEST_POISON,
					   all - before - bytes));
	memset(at, MML_TEST_POISON, bytes);
	__mml_free_pages(machine, page, param->order);

	page = mml_alloc_pages(machine, GFP_KERNEL, param->order);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_NULL(test, memchr_inv(memory, MML_TEST_POISON, all));
	__mml_free_pages(machine, page, param->order);
}

/* Nothing that an owner wrote into a descriptor is there for the next one. */
static void mml_buddy_test_fresh_descriptor(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = MML_MIN_FRAMES,
			       .options = BIT(MML_OPTION_NO_PCP));
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 0);

	KUNIT_ASSERT_NOT_NULL(test, page);
	page->type = MML_PAGE_USER;
	page->mapping = page;
	page->index = ULONG_MAX;
	atomic_set(&page->_mapcount, 1);
	__mml_free_pages(machine, page, 0);

	KUNIT_ASSERT_PTR_EQ(test, mml_alloc_pages(machine, GFP_KERNEL, 0), page);
	KUNIT_EXPECT_EQ(test, page->type, MML_PAGE_KERNEL);
	KUNIT_EXPECT_NULL(test, page->mapping);
	KUNIT_EXPECT_EQ(test, page->index, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&page->_mapcount), 0);
	KUNIT_EXPECT_EQ(test, mml_page_ref_count(page), 1);
	__mml_free_pages(machine, page, 0);
}

/* The last reference frees, by either function; none before it does. */
static void mml_buddy_test_references(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_MIN_FRAMES);
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 2);

	KUNIT_ASSERT_NOT_NULL(test, page);
	mml_get_page(page);
	mml_get_page(page);
	KUNIT_EXPECT_EQ(test, mml_page_ref_count(page), 3);
	__mml_free_pages(machine, page, 2);
	KUNIT_EXPECT_EQ(test, mml_page_ref_count(page), 2);
	mml_put_page(machine, page);
	KUNIT_EXPECT_EQ(test, mml_page_ref_count(page), 1);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_MIN_FRAMES - 4);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	mml_put_page(machine, page);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_MIN_FRAMES);
}

/* pgalloc and pgfree count frames; what fails, or drops one of several, counts not. */
static void mml_buddy_test_events(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_MIN_FRAMES);
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 3);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL, MML_MAX_ORDER));
	KUNIT_EXPECT_EQ(test, mml_vm_event(machine, MML_PGALLOC), 1 << 3);
	mml_get_page(page);
	mml_put_page(machine, page);
	KUNIT_EXPECT_EQ(test, mml_vm_event(machine, MML_PGFREE), 0);
	mml_put_page(machine, page);
	KUNIT_EXPECT_EQ(test, mml_vm_event(machine, MML_PGFREE), 1 << 3);
}

/* The zone's lock is irq-safe: interrupts that were off stay off. */
static void mml_buddy_test_interrupts_off(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_MIN_FRAMES);
	bool off_after_alloc, off_after_free;
	struct mml_page *page;
	unsigned long flags;

	local_irq_save(flags);
	page = mml_alloc_pages(machine, GFP_ATOMIC, 0);
	off_after_alloc = irqs_disabled();
	if (page)
		__mml_free_pages(machine, page, 0);
	off_after_free = irqs_disabled();
	local_irq_restore(flags);

	KUNIT_EXPECT_NOT_NULL(test, page);
	KUNIT_EXPECT_TRUE(test, off_after_alloc);
	KUNIT_EXPECT_TRUE(test, off_after_free);
}

/* The n-th allocation fails, and no other before or after it. */
static void mml_buddy_test_fail_nth(struct kunit *test)
{
	const int most = 8;
	struct mml_machine *machine = mml_test_machine(test, MML_MIN_FRAMES);
	int nth, i;

	for (nth = 1; nth <= most; nth++) {
		mml_fail_nth(machine, nth);
		for (i = 1; i <= 2 * most; i++) {
			struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 0);

			KUNIT_EXPECT_EQ(test, !page, i == nth);
			if (page)
				__mml_free_pages(machine, page, 0);
		}
	}
	KUNIT_EXPECT_NE(test, machine->slow, 0);
	mml_fail_nth(machine, 0);
	KUNIT_EXPECT_EQ(test, machine->slow, 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

static struct kunit_case mml_buddy_cases[] = {
	KUNIT_CASE_PARAM(mml_buddy_test_random, mml_buddy_size_gen_params),
	KUNIT_CASE_PARAM(mml_buddy_test_exhaustion, mml_buddy_size_gen_params),
	KUNIT_CASE(mml_buddy_test_nothing_left),
	KUNIT_CASE_PARAM(mml_buddy_test_split, mml_buddy_order_gen_params),
	KUNIT_CASE_PARAM(mml_buddy_test_merge, mml_buddy_order_gen_params),
	KUNIT_CASE(mml_buddy_test_merge_likely),
	KUNIT_CASE_PARAM(mml_buddy_test_fragmented, mml_buddy_order_gen_params),
	KUNIT_CASE_PARAM(mml_buddy_test_zero, mml_buddy_order_gen_params),
	KUNIT_CASE(mml_buddy_test_fresh_descriptor),
	KUNIT_CASE(mml_buddy_test_references),
	KUNIT_CASE(mml_buddy_test_events),
	KUNIT_CASE(mml_buddy_test_interrupts_off),
	KUNIT_CASE(mml_buddy_test_fail_nth),
	{}
};

static struct kunit_suite mml_buddy_suite = {
	.name = "mml_buddy",
	.test_cases = mml_buddy_cases,
};
kunit_test_suite(mml_buddy_suite);
