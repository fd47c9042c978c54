// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_buddy_misuse: what the page allocator refuses, and what its validator
 * sees.
 *
 * Each wrong call is one report in machine->reports, and changes nothing: memmap and
 * zone are compared byte by byte. Each corruption that is planted in memmap or zone is
 * a violation, and none is left when it is taken back. Corruption is shown to the
 * validator only: an operation that met it would WARN, as it should.
 */
#include "buddy_probe/internal.h"
#include "kunit/machine.h"
#include "mm_lab/frame_list.h"

#define MML_TEST_FRAMES		MML_MIN_FRAMES

/*
 * The machine that all of this is done to, by frame:
 *
 *	0–3	a block of order 2 that is out: @page
 *	4–7	a free block, merged of what was two blocks of one frame and one of two
 *	8–15	a free block of order 3, and so on
 */
struct mml_misuse {
	struct kunit *test;
	struct mml_machine *machine;
	struct mml_page *page;
	struct mml_page memmap[MML_TEST_FRAMES];
	struct mml_free_area areas[MML_NR_ORDERS];
	unsigned long nr_free;
};

#define MML_TEST_FREE		4	/* head of a free block */
#define MML_TEST_MERGED		5	/* was a block, is inside of that one now */

static void mml_misuse_save(struct mml_misuse *mu)
{
	struct mml_zone *zone = mml_test_zone(mu->machine);

	memcpy(mu->memmap, mu->machine->memmap, sizeof(mu->memmap));
	memcpy(mu->areas, zone->free_area, sizeof(mu->areas));
	mu->nr_free = zone->nr_free;
}

static void mml_misuse_restore(struct mml_misuse *mu)
{
	struct mml_zone *zone = mml_test_zone(mu->machine);

	memcpy(mu->machine->memmap, mu->memmap, sizeof(mu->memmap));
	memcpy(zone->free_area, mu->areas, sizeof(mu->areas));
	zone->nr_free = mu->nr_free;
}

static void mml_misuse_expect_unchanged(struct mml_misuse *mu)
{
	struct mml_zone *zone = mml_test_zone(mu->machine);
	struct kunit *test = mu->test;

	KUNIT_EXPECT_EQ(test, memcmp(mu->memmap, mu->machine->memmap,
				     sizeof(mu->memmap)), 0);
	KUNIT_EXPECT_EQ(test, memcmp(mu->areas, zone->free_area, sizeof(mu->areas)), 0);
	KUNIT_EXPECT_EQ(test, zone->nr_free, mu->nr_free);
}

static struct mml_misuse *mml_misuse_start(struct kunit *test)
{
	struct mml_misuse *mu = kunit_kzalloc(test, sizeof(*mu), GFP_KERNEL);
	struct mml_page *one, *two;

	KUNIT_ASSERT_NOT_NULL(test, mu);
	mu->test = test;
	mu->machine = mml_test_build(test, .frames = MML_TEST_FRAMES,
				     .options = BIT(MML_OPTION_NO_PCP));
	mu->page = mml_alloc_pages(mu->machine, GFP_KERNEL, 2);
	KUNIT_ASSERT_PTR_EQ(test, mu->page, mu->machine->memmap);

	one = mml_alloc_pages(mu->machine, GFP_KERNEL, 0);
	two = mml_alloc_pages(mu->machine, GFP_KERNEL, 0);
	KUNIT_ASSERT_PTR_EQ(test, one, &mu->machine->memmap[MML_TEST_FREE]);
	KUNIT_ASSERT_PTR_EQ(test, two, &mu->machine->memmap[MML_TEST_MERGED]);
	__mml_free_pages(mu->machine, one, 0);
	__mml_free_pages(mu->machine, two, 0);
	KUNIT_ASSERT_EQ(test, mml_test_violations(mu->machine), 0);
	mml_misuse_save(mu);
	return mu;
}

static void mml_misuse_end(struct mml_misuse *mu)
{
	KUNIT_EXPECT_EQ(mu->test, mml_test_violations(mu->machine), 0);
	__mml_free_pages(mu->machine, mu->page, 2);
}

/*
 * Wrong calls.
 */

/* A free that must be refused: of the frame @pfn, which need not exist. */
struct mml_bad_call {
	const char *name;
	long pfn;
	unsigned int order;
	unsigned int offset;	/* bytes past the descriptor's beginning */
};

static const struct mml_bad_call mml_bad_frees[] = {
	{ "free already", MML_TEST_FREE, 2 },
	{ "free already, with its former order", MML_TEST_FREE, 0 },
	{ "free already, and merged", MML_TEST_MERGED, 0 },
	{ "order too small", 0, 1 },
	{ "order too large", 0, 3 },
	{ "order that cannot be", 0, MML_NR_ORDERS },
	{ "order beyond all shifts", 0, UINT_MAX },
	{ "inside of a block", 1, 0 },
	{ "inside of a block, with its order", 2, 2 },
	{ "inside of a free block", 40, 0 },
	{ "just beyond the end", MML_TEST_FRAMES, 0 },
	{ "far beyond the end", 1L << 40, 0 },
	{ "before the beginning", -1, 0 },
	{ "inside of a descriptor", 0, 2, 1 },
	{ "inside of a descriptor, aligned", 0, 2, sizeof(long) },
};
KUNIT_ARRAY_PARAM_DESC(mml_bad_free, mml_bad_frees, name);

static void mml_misuse_test_free(struct kunit *test)
{
	const struct mml_bad_call *bad = test->param_value;
	struct mml_misuse *mu = mml_misuse_start(test);
	unsigned long at = (unsigned long)mu->machine->memmap + bad->offset;

	at += bad->pfn * sizeof(struct mml_page);
	__mml_free_pages(mu->machine, (struct mml_page *)at, bad->order);
	mml_test_expect_reports(test, mu->machine, 1);
	mml_misuse_expect_unchanged(mu);
	mml_misuse_end(mu);
}

/* Pointers that have nothing to do with the machine. */
static void mml_misuse_test_foreign(struct kunit *test)
{
	struct mml_misuse *mu = mml_misuse_start(test);
	struct mml_page page = *mu->page;

	__mml_free_pages(mu->machine, NULL, 0);
	mml_test_expect_reports(test, mu->machine, 1);
	__mml_free_pages(mu->machine, &page, 2);
	mml_test_expect_reports(test, mu->machine, 1);
	__mml_free_pages(mu->machine, mml_page_address(mu->machine, mu->page), 2);
	mml_test_expect_reports(test, mu->machine, 1);
	KUNIT_EXPECT_EQ(test, mml_page_ref_count(&page), 1);
	mml_misuse_expect_unchanged(mu);
	mml_misuse_end(mu);
}

/* mml_put_page() takes the order from the descriptor, and believes no more of it. */
static void mml_misuse_test_put(struct kunit *test)
{
	static const u32 frames[] = { 1, MML_TEST_FREE, MML_TEST_MERGED };
	struct mml_misuse *mu = mml_misuse_start(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		mml_put_page(mu->machine, &mu->machine->memmap[frames[i]]);
		mml_test_expect_reports(test, mu->machine, 1);
		mml_misuse_expect_unchanged(mu);
	}
	mml_misuse_end(mu);
}

static void mml_misuse_test_no_reference(struct kunit *test)
{
	struct mml_misuse *mu = mml_misuse_start(test);

	atomic_set(&mu->page->_refcount, 0);
	__mml_free_pages(mu->machine, mu->page, 2);
	mml_test_expect_reports(test, mu->machine, 1);
	atomic_set(&mu->page->_refcount, 1);
	mml_misuse_expect_unchanged(mu);
	mml_misuse_end(mu);
}

/* Twice in a row, as a program would. */
static void mml_misuse_test_double_free(struct kunit *test)
{
	struct mml_misuse *mu = mml_misuse_start(test);
	struct mml_page *page = mml_alloc_pages(mu->machine, GFP_KERNEL, 5);

	KUNIT_ASSERT_NOT_NULL(test, page);
	__mml_free_pages(mu->machine, page, 5);
	mml_test_expect_reports(test, mu->machine, 0);
	mml_misuse_save(mu);
	__mml_free_pages(mu->machine, page, 5);
	mml_test_expect_reports(test, mu->machine, 1);
	mml_misuse_expect_unchanged(mu);
	mml_misuse_end(mu);
}

static void mml_misuse_test_order_asked_for(struct kunit *test)
{
	static const unsigned int orders[] = { MML_NR_ORDERS, 64, UINT_MAX };
	struct mml_misuse *mu = mml_misuse_start(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		KUNIT_EXPECT_NULL(test, mml_alloc_pages(mu->machine, GFP_KERNEL,
							orders[i]));
		mml_test_expect_reports(test, mu->machine, 1);
	}
	mml_misuse_expect_unchanged(mu);
	mml_misuse_end(mu);
}

/* That there is no memory is nobody's fault. */
static void mml_misuse_test_exhaustion_is_no_misuse(struct kunit *test)
{
	struct mml_misuse *mu = mml_misuse_start(test);

	KUNIT_EXPECT_NULL(test, mml_alloc_pages(mu->machine, GFP_KERNEL,
						MML_MAX_ORDER));
	mml_test_expect_reports(test, mu->machine, 0);
	mml_misuse_expect_unchanged(mu);
	mml_misuse_end(mu);
}

/*
 * Corruption.
 */

struct mml_damage {
	const char *name;
	void (*plant)(struct mml_page *memmap, struct mml_zone *zone);
};

static void mml_plant_next_beyond(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[MML_TEST_FREE].next = MML_TEST_FRAMES;
}

static void mml_plant_next_allocated(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[MML_TEST_FREE].next = 0;
}

static void mml_plant_next_itself(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[MML_TEST_FREE].next = MML_TEST_FREE;
}

static void mml_plant_prev(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[MML_TEST_FREE].prev = 8;
}

static void mml_plant_free_as_allocated(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[MML_TEST_FREE].state = MML_FRAME_ALLOCATED;
}

static void mml_plant_free_as_interior(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[MML_TEST_FREE].state = MML_FRAME_INTERIOR;
}

static void mml_plant_free_order(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[MML_TEST_FREE].order = 1;
}

static void mml_plant_free_order_beyond(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[MML_TEST_FREE].order = U8_MAX;
}

static void mml_plant_free_referenced(struct mml_page *memmap, struct mml_zone *zone)
{
	atomic_set(&memmap[MML_TEST_FREE]._refcount, 1);
}

static void mml_plant_allocated_as_free(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[0].state = MML_FRAME_FREE;
}

static void mml_plant_allocated_as_interior(struct mml_page *memmap,
					    struct mml_zone *zone)
{
	memmap[0].state = MML_FRAME_INTERIOR;
}

static void mml_plant_state_unknown(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[0].state = MML_NR_FRAME_STATES;
}

static void mml_plant_allocated_order(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[0].order = 3;
}

static void mml_plant_allocated_order_beyond(struct mml_page *memmap,
					     struct mml_zone *zone)
{
	memmap[0].order = U8_MAX;
}

static void mml_plant_unreferenced(struct mml_page *memmap, struct mml_zone *zone)
{
	atomic_set(&memmap[0]._refcount, 0);
}

static void mml_plant_type(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[0].type = MML_NR_PAGE_TYPES;
}

static void mml_plant_head_inside(struct mml_page *memmap, struct mml_zone *zone)
{
	memmap[1].state = MML_FRAME_ALLOCATED;
}

static void mml_plant_nr_free_low(struct mml_page *memmap, struct mml_zone *zone)
{
	zone->nr_free--;
}

static void mml_plant_nr_free_high(struct mml_page *memmap, struct mml_zone *zone)
{
	zone->nr_free++;
}

static void mml_plant_list_count(struct mml_page *memmap, struct mml_zone *zone)
{
	zone->free_area[2].free_list[MML_MIGRATE_MOVABLE].nr++;
}

/* A block is free, and on no list. */
static void mml_plant_list_lost(struct mml_page *memmap, struct mml_zone *zone)
{
	mml_frame_list_init(&zone->free_area[2].free_list[MML_MIGRATE_MOVABLE]);
}

/* The two halves of a free block, each a free block of its own. */
static void mml_plant_not_merged(struct mml_page *memmap, struct mml_zone *zone)
{
	struct mml_frame_list *whole = &zone->free_area[2].free_list[MML_MIGRATE_MOVABLE];
	struct mml_frame_list *half = &zone->free_area[1].free_list[MML_MIGRATE_MOVABLE];
	struct mml_page *page = mml_frame_list_pop(zone->machine, whole);
	int i;

	for (i = 0; i < 2; i++) {
		page[2 * i].state = MML_FRAME_FREE;
		page[2 * i].order = 1;
		mml_frame_list_add(zone->machine, half, &page[2 * i]);
	}
}

static const struct mml_damage mml_damages[] = {
	{ "free: next is beyond the end", mml_plant_next_beyond },
	{ "free: next is allocated", mml_plant_next_allocated },
	{ "free: next is itself", mml_plant_next_itself },
	{ "free: prev does not point here", mml_plant_prev },
	{ "free: says it is allocated", mml_plant_free_as_allocated },
	{ "free: says it is inside", mml_plant_free_as_interior },
	{ "free: wrong order", mml_plant_free_order },
	{ "free: impossible order", mml_plant_free_order_beyond },
	{ "free: has a reference", mml_plant_free_referenced },
	{ "free: not merged", mml_plant_not_merged },
	{ "allocated: says it is free", mml_plant_allocated_as_free },
	{ "allocated: says it is inside", mml_plant_allocated_as_interior },
	{ "allocated: wrong order", mml_plant_allocated_order },
	{ "allocated: impossible order", mml_plant_allocated_order_beyond },
	{ "allocated: has no reference", mml_plant_unreferenced },
	{ "allocated: unknown type", mml_plant_type },
	{ "unknown state", mml_plant_state_unknown },
	{ "a head inside of a block", mml_plant_head_inside },
	{ "zone: nr_free too low", mml_plant_nr_free_low },
	{ "zone: nr_free too high", mml_plant_nr_free_high },
	{ "zone: a list counts too much", mml_plant_list_count },
	{ "zone: a list lost its block", mml_plant_list_lost },
};
KUNIT_ARRAY_PARAM_DESC(mml_damage, mml_damages, name);

static void mml_misuse_test_damage(struct kunit *test)
{
	const struct mml_damage *damage = test->param_value;
	struct mml_misuse *mu = mml_misuse_start(test);

	damage->plant(mu->machine->memmap, mml_test_zone(mu->machine));
	KUNIT_EXPECT_GT(test, mml_test_violations(mu->machine), 0);
	mml_misuse_restore(mu);
	mml_misuse_end(mu);
}

/* Looking is not believing: the validator reports, and marks nothing. */
static void mml_misuse_test_validator_only_looks(struct kunit *test)
{
	struct mml_misuse *mu = mml_misuse_start(test);

	mml_plant_next_beyond(mu->machine->memmap, mml_test_zone(mu->machine));
	mml_misuse_save(mu);
	KUNIT_EXPECT_GT(test, mml_test_violations(mu->machine), 0);
	mml_misuse_expect_unchanged(mu);
	KUNIT_EXPECT_FALSE(test, mml_machine_broken(mu->machine));
	mu->machine->memmap[MML_TEST_FREE].next = MML_PFN_NONE;
	mml_misuse_end(mu);
}

/* A machine that was marked broken is so for ever: it fails every validation. */
static void mml_misuse_test_broken(struct kunit *test)
{
	struct mml_misuse *mu = mml_misuse_start(test);

	mml_mark_broken(mu->machine, "by a test");
	KUNIT_EXPECT_TRUE(test, mml_machine_broken(mu->machine));
	KUNIT_EXPECT_EQ(test, mml_test_violations(mu->machine), 1);
	clear_bit(MML_MACHINE_STATE_BROKEN, &mu->machine->state);
	mml_misuse_end(mu);
}

static struct kunit_case mml_misuse_cases[] = {
	KUNIT_CASE_PARAM(mml_misuse_test_free, mml_bad_free_gen_params),
	KUNIT_CASE(mml_misuse_test_foreign),
	KUNIT_CASE(mml_misuse_test_put),
	KUNIT_CASE(mml_misuse_test_no_reference),
	KUNIT_CASE(mml_misuse_test_double_free),
	KUNIT_CASE(mml_misuse_test_order_asked_for),
	KUNIT_CASE(mml_misuse_test_exhaustion_is_no_misuse),
	KUNIT_CASE_PARAM(mml_misuse_test_damage, mml_damage_gen_params),
	KUNIT_CASE(mml_misuse_test_validator_only_looks),
	KUNIT_CASE(mml_misuse_test_broken),
	{}
};

static struct kunit_suite mml_misuse_suite = {
	.name = "mml_buddy_misuse",
	.test_cases = mml_misuse_cases,
};
kunit_test_suite(mml_misuse_suite);
