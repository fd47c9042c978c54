// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_mobility: migratetypes and pageblocks.
 *
 * What the rules say is asserted against tables that were read off mm/page_alloc.c of
 * Linux 6.12 (fallbacks[], can_steal_fallback(), try_to_steal_block()), so that the policy
 * is the kernel's. Then what grouping is good for: the same mix of requests, with it and
 * without.
 */
#include "buddy_probe/internal.h"
#include "kunit/machine.h"
#include "mm_lab/vmstat.h"

#define MML_TEST_BLOCKS		8U
#define MML_TEST_FRAMES		(MML_TEST_BLOCKS * MML_PAGEBLOCK_FRAMES)

#define UNMOVABLE	MML_MIGRATE_UNMOVABLE
#define MOVABLE		MML_MIGRATE_MOVABLE
#define RECLAIMABLE	MML_MIGRATE_RECLAIMABLE

static const gfp_t mml_test_gfp[MML_MIGRATE_PCPTYPES] = {
	[UNMOVABLE]	= GFP_KERNEL,
	[MOVABLE]	= GFP_KERNEL | __GFP_MOVABLE,
	[RECLAIMABLE]	= GFP_KERNEL | __GFP_RECLAIMABLE,
};

/* No per-CPU lists: each request is one at the zone. */
static struct mml_machine *mml_test_zone_machine(struct kunit *test,
						 unsigned long options)
{
	return mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
			      .options = options | BIT(MML_OPTION_NO_PCP));
}

static struct mml_page *mml_test_alloc(struct kunit *test, struct mml_machine *machine,
				       enum mml_migratetype migratetype,
				       unsigned int order)
{
	struct mml_page *page = mml_alloc_pages(machine, mml_test_gfp[migratetype], order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page->mobility, migratetype);
	return page;
}

static enum mml_migratetype mml_test_type(struct mml_machine *machine,
					  const struct mml_page *page)
{
	return mml_page_migratetype(mml_test_zone(machine), page);
}

/* The flags say the type. */
static void mml_mobility_test_gfp(struct kunit *test)
{
	static const struct {
		gfp_t gfp;
		enum mml_migratetype want;
	} cases[] = {
		{ GFP_KERNEL, UNMOVABLE }, { GFP_ATOMIC, UNMOVABLE },
		{ GFP_NOWAIT, UNMOVABLE }, { GFP_USER, UNMOVABLE },
		{ GFP_HIGHUSER, UNMOVABLE }, { GFP_HIGHUSER_MOVABLE, MOVABLE },
		{ GFP_KERNEL | __GFP_RECLAIMABLE, RECLAIMABLE },
		{ GFP_NOFS | __GFP_RECLAIMABLE, RECLAIMABLE },
		{ GFP_TRANSHUGE_LIGHT, MOVABLE },
	};
	struct mml_buddy *on = mml_buddy(mml_test_zone_machine(test, 0));
	struct mml_buddy *off =
		mml_buddy(mml_test_zone_machine(test, BIT(MML_OPTION_NO_GROUPING)));
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_EXPECT_EQ(test, mml_gfp_migratetype(on, cases[i].gfp),
				cases[i].want);
		KUNIT_EXPECT_EQ(test, mml_gfp_migratetype(off, cases[i].gfp), UNMOVABLE);
	}
}

/* can_steal_fallback() */
static void mml_mobility_test_should_claim(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order < MML_NR_ORDERS; order++) {
		KUNIT_EXPECT_TRUE(test, mml_should_try_claim_block(order, UNMOVABLE));
		KUNIT_EXPECT_TRUE(test, mml_should_try_claim_block(order, RECLAIMABLE));
		KUNIT_EXPECT_EQ(test, mml_should_try_claim_block(order, MOVABLE),
				order >= 4);
	}
}

/* fallbacks[]: of the types that have a block, which one is asked? */
static const struct mml_fallback_case {
	const char *name;
	enum mml_migratetype asks;
	bool has[MML_MIGRATE_PCPTYPES];
	int want;
} mml_fallback_cases[] = {
	{ "unmovable: reclaimable first", UNMOVABLE, { 1, 1, 1 }, RECLAIMABLE },
	{ "unmovable: then movable", UNMOVABLE, { 1, 1, 0 }, MOVABLE },
	{ "unmovable: not itself", UNMOVABLE, { 1, 0, 0 }, -1 },
	{ "movable: reclaimable first", MOVABLE, { 1, 1, 1 }, RECLAIMABLE },
	{ "movable: then unmovable", MOVABLE, { 1, 1, 0 }, UNMOVABLE },
	{ "movable: not itself", MOVABLE, { 0, 1, 0 }, -1 },
	{ "reclaimable: unmovable first", RECLAIMABLE, { 1, 1, 1 }, UNMOVABLE },
	{ "reclaimable: then movable", RECLAIMABLE, { 0, 1, 1 }, MOVABLE },
	{ "reclaimable: not itself", RECLAIMABLE, { 0, 0, 1 }, -1 },
};
KUNIT_ARRAY_PARAM_DESC(mml_fallback_case, mml_fallback_cases, name);

static void mml_mobility_test_fallback(struct kunit *test)
{
	const struct mml_fallback_case *param = test->param_value;
	struct mml_zone *zone = kunit_kzalloc(test, sizeof(*zone), GFP_KERNEL);
	int migratetype;

	KUNIT_ASSERT_NOT_NULL(test, zone);
	for (migratetype = 0; migratetype < MML_MIGRATE_PCPTYPES; migratetype++) {
		mml_frame_list_init(&zone->free_area[3].free_list[migratetype]);
		if (param->has[migratetype])
			zone->free_area[3].free_list[migratetype].first = 0;
	}
	KUNIT_EXPECT_EQ(test, mml_find_suitable_fallback(zone, 3, param->asks),
			param->want);
}

/* Untouched memory is movable; the first of another type claims all of a free block. */
static void mml_mobility_test_first_claim(struct kunit *test)
{
	struct mml_machine *machine = mml_test_zone_machine(test, 0);
	struct mml_zone *zone = mml_test_zone(machine);
	struct mml_page *page;
	unsigned long pfn, claimed = 0;

	for (pfn = 0; pfn < MML_TEST_FRAMES; pfn += MML_PAGEBLOCK_FRAMES)
		KUNIT_EXPECT_EQ(test, mml_get_pageblock_migratetype(zone, pfn), MOVABLE);
	page = mml_test_alloc(test, machine, UNMOVABLE, 0);
	for (pfn = 0; pfn < MML_TEST_FRAMES; pfn += MML_PAGEBLOCK_FRAMES)
		claimed += mml_get_pageblock_migratetype(zone, pfn) == UNMOVABLE;
	KUNIT_EXPECT_EQ(test, claimed, 2);
	KUNIT_EXPECT_EQ(test, mml_test_type(machine, page), UNMOVABLE);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_blocks(zone, MML_MAX_ORDER),
			MML_TEST_FRAMES >> MML_MAX_ORDER);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/*
 * One pageblock has free frames, of a movable one; the rest of the machine is taken.
 * try_to_steal_block(): who asks for 1 << order gets the whole, or just what it needs.
 */
static const struct mml_claim_case {
	const char *name;
	enum mml_migratetype block;	/* the pageblock's */
	unsigned int free;		/* frames of it, of 512 */
	enum mml_migratetype inside;	/* what is allocated in it */
	enum mml_migratetype asks;
	bool claimed;
} mml_claim_cases[] = {
	/* Half of it free. */
	{ "unmovable, half is free", MOVABLE, 256, MOVABLE, UNMOVABLE, true },
	{ "unmovable, less is free", MOVABLE, 128, MOVABLE, UNMOVABLE, false },
	{ "reclaimable, half is free", MOVABLE, 256, MOVABLE, RECLAIMABLE, true },
	{ "reclaimable, less is free", MOVABLE, 128, MOVABLE, RECLAIMABLE, false },
	/* In a movable pageblock, what is not movable is compatible. */
	{ "unmovable, the rest is as bad", MOVABLE, 16, UNMOVABLE, UNMOVABLE, true },
	{ "unmovable, the rest is reclaimable", MOVABLE, 16, RECLAIMABLE, UNMOVABLE, true },
	{ "reclaimable, the rest is unmovable", MOVABLE, 16, UNMOVABLE, RECLAIMABLE, true },
	/* Unmovable and reclaimable cannot be told apart. */
	{ "unmovable in a reclaimable one", RECLAIMABLE, 128, RECLAIMABLE, UNMOVABLE, false },
	{ "unmovable in a free reclaimable one", RECLAIMABLE, 256, RECLAIMABLE, UNMOVABLE, true },
	/* Movable requests: only from order 4 on, and movable frames count. */
	{ "movable, large", UNMOVABLE, 256, UNMOVABLE, MOVABLE, true },
	{ "movable, large, less is free", UNMOVABLE, 128, UNMOVABLE, MOVABLE, false },
	{ "movable, the rest is movable", UNMOVABLE, 16, MOVABLE, MOVABLE, true },
	{ "movable, small", UNMOVABLE, 8, MOVABLE, MOVABLE, false },
};
KUNIT_ARRAY_PARAM_DESC(mml_claim_case, mml_claim_cases, name);

static void mml_mobility_test_claim(struct kunit *test)
{
	const struct mml_claim_case *param = test->param_value;
	struct mml_machine *machine = mml_test_zone_machine(test, 0);
	struct mml_page *others[MML_TEST_BLOCKS], *page;
	unsigned int i, free_order = ilog2(param->free), nr = 0;
	struct mml_page *inside[10];

	/* One pageblock is left, and that of the type wanted. */
	for (i = 0; i < MML_TEST_BLOCKS - 1; i++)
		others[i] = mml_test_alloc(test, machine, MOVABLE, MML_PAGEBLOCK_ORDER);
	page = mml_test_alloc(test, machine, param->block, MML_PAGEBLOCK_ORDER);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), 0);
	__mml_free_pages(machine, page, MML_PAGEBLOCK_ORDER);
	KUNIT_EXPECT_EQ(test, mml_test_type(machine, page), param->block);

	/* Fill it from its own list, but for one free block; then say what is in it. */
	for (i = MML_PAGEBLOCK_ORDER; i-- > free_order;)
		inside[nr++] = mml_test_alloc(test, machine, param->block, i);
	KUNIT_ASSERT_EQ(test, mml_nr_free_pages(machine), param->free);
	for (i = 0; i < nr; i++)
		inside[i]->mobility = param->inside;

	page = mml_test_alloc(test, machine, param->asks, 0);
	KUNIT_EXPECT_EQ(test, mml_test_type(machine, page),
			param->claimed ? param->asks : param->block);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);

	__mml_free_pages(machine, page, 0);
	for (i = 0; i < nr; i++)
		mml_put_page(machine, inside[i]);
	for (i = 0; i < MML_TEST_BLOCKS - 1; i++)
		mml_put_page(machine, others[i]);
}

/*
 * What it is good for.
 */

static u32 mml_test_pick(struct rnd_state *rnd)
{
	u32 n = mml_test_below(rnd, 100);

	return n < 70 ? MOVABLE : n < 90 ? UNMOVABLE : RECLAIMABLE;
}

/*
 * Fill a machine to nine tenths with a mix that comes and goes, free what is movable, and
 * see how much of what is free is of no use to a huge page.
 */
static int mml_test_fragmentation(struct kunit *test, unsigned long options, u64 seed)
{
	const unsigned long frames = 64 * MML_PAGEBLOCK_FRAMES, full = frames / 10 * 9;
	/* Zone DMA is not needed: it all happens in the other one. */
	struct mml_machine *machine =
		mml_test_build(test, .frames = MML_TEST_DMA_FRAMES + frames,
			       .memmap_only = true, .seed = 1, .options = options);
	struct mml_page **held;
	unsigned long nr = 0, i;
	struct rnd_state rnd;
	int index;

	held = kunit_kcalloc(test, frames, sizeof(*held), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, held);
	prandom_seed_state(&rnd, seed);
	for (i = 0; i < 4 * frames; i++) {
		if (nr == full || (nr && mml_test_below(&rnd, 3) == 0)) {
			u32 at = mml_test_below(&rnd, nr);

			__mml_free_pages(machine, held[at], 0);
			held[at] = held[--nr];
		} else {
			u32 mobility = mml_test_pick(&rnd);
			struct mml_page *page;

			page = mml_alloc_pages(machine, mml_test_gfp[mobility], 0);
			KUNIT_ASSERT_NOT_NULL(test, page);
			/* Without grouping the allocator does not know; we do. */
			page->index = mobility;
			held[nr++] = page;
		}
	}
	for (i = nr; i--;) {
		if (held[i]->index != MOVABLE)
			continue;
		__mml_free_pages(machine, held[i], 0);
		held[i] = held[--nr];
	}
	mml_drain_all_pages(machine);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_test_zone(machine)->managed, frames);
	index = mml_unusable_free_index(mml_test_zone(machine), MML_PAGEBLOCK_ORDER);
	while (nr--)
		__mml_free_pages(machine, held[nr], 0);
	return index;
}

/* With grouping, at most half of free memory that is of no use without. */
static void mml_mobility_test_worth(struct kunit *test)
{
	struct rnd_state rnd;
	u64 seed;
	int i, on, off;

	mml_test_seed(test, &rnd);
	for (i = 0; i < 3; i++) {
		seed = prandom_u32_state(&rnd);
		on = mml_test_fragmentation(test, 0, seed);
		off = mml_test_fragmentation(test, BIT(MML_OPTION_NO_GROUPING), seed);
		kunit_info(test, "unusable index of order 9: 0.%03d with grouping, 0.%03d without",
			   on, off);
		KUNIT_EXPECT_GT(test, off, 0);
		KUNIT_EXPECT_LE(test, 2 * on, off);
	}
}

/* The two indices, against figures worked out by hand. */
static void mml_mobility_test_indices(struct kunit *test)
{
	struct mml_machine *machine = mml_test_zone_machine(test, 0);
	struct mml_zone *zone = mml_test_zone(machine);
	struct mml_page *pages[MML_TEST_BLOCKS];
	int i;

	KUNIT_EXPECT_EQ(test, mml_unusable_free_index(zone, 9), 0);
	KUNIT_EXPECT_EQ(test, mml_fragmentation_index(zone, 9), -1000);
	for (i = 0; i < MML_TEST_BLOCKS; i++)
		pages[i] = mml_test_alloc(test, machine, MOVABLE, MML_PAGEBLOCK_ORDER);
	/* Nothing free: all of it is unusable, for lack of memory. */
	KUNIT_EXPECT_EQ(test, mml_unusable_free_index(zone, 0), 1000);
	KUNIT_EXPECT_EQ(test, mml_fragmentation_index(zone, 0), 0);
	/* One block of order 9: half of it would have to be of order 10. */
	__mml_free_pages(machine, pages[0], MML_PAGEBLOCK_ORDER);
	KUNIT_EXPECT_EQ(test, mml_unusable_free_index(zone, 9), 0);
	KUNIT_EXPECT_EQ(test, mml_unusable_free_index(zone, 10), 1000);
	/* 1000 - (1000 + 512 * 1000 / 1024) / 1 */
	KUNIT_EXPECT_EQ(test, mml_fragmentation_index(zone, 10), -500);
	/* Cut to 256 + 128 + 64 + 32 + 16 + 8 + 4 + 2 + 1 and one in use. */
	pages[0] = mml_test_alloc(test, machine, MOVABLE, 0);
	/* (511 - 256) / 511, and 1000 - (1000 + 511 * 1000 / 512) / 9 */
	KUNIT_EXPECT_EQ(test, mml_unusable_free_index(zone, 8), 499);
	KUNIT_EXPECT_EQ(test, mml_fragmentation_index(zone, 9), 778);
	__mml_free_pages(machine, pages[0], 0);
	for (i = 1; i < MML_TEST_BLOCKS; i++)
		__mml_free_pages(machine, pages[i], MML_PAGEBLOCK_ORDER);
}

static struct kunit_case mml_mobility_cases[] = {
	KUNIT_CASE(mml_mobility_test_gfp),
	KUNIT_CASE(mml_mobility_test_should_claim),
	KUNIT_CASE_PARAM(mml_mobility_test_fallback, mml_fallback_case_gen_params),
	KUNIT_CASE(mml_mobility_test_first_claim),
	KUNIT_CASE_PARAM(mml_mobility_test_claim, mml_claim_case_gen_params),
	KUNIT_CASE(mml_mobility_test_worth),
	KUNIT_CASE(mml_mobility_test_indices),
	{}
};

static struct kunit_suite mml_mobility_suite = {
	.name = "mml_mobility",
	.test_cases = mml_mobility_cases,
};
kunit_test_suite(mml_mobility_suite);
