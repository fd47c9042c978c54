// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_pcp: per-CPU lists, and the page allocator as a whole: random requests of all
 * orders and migratetypes against a bitmap.
 *
 * What several CPUs do to each other, and those that go, is storm.c.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>

#include "buddy_probe/internal.h"
#include "kunit/machine.h"
#include "mm_lab/alloc.h"
#include "mm_lab/vmstat.h"

/* Enough for lists to grow: one of order 0 may have 256 blocks a stack. */
#define MML_TEST_FRAMES		(4UL * MML_SECTION_FRAMES * num_possible_cpus())
#define MML_TEST_BULK		(2 * MML_SECTION_FRAMES)

static const gfp_t mml_test_gfp[MML_MIGRATE_PCPTYPES] = {
	[MML_MIGRATE_UNMOVABLE]		= GFP_KERNEL,
	[MML_MIGRATE_MOVABLE]		= GFP_KERNEL | __GFP_MOVABLE,
	[MML_MIGRATE_RECLAIMABLE]	= GFP_KERNEL | __GFP_RECLAIMABLE,
};

static struct mml_pcp_list *mml_test_list(struct mml_machine *machine,
					  unsigned int order,
					  enum mml_migratetype migratetype)
{
	struct mml_per_cpu_pages *pcp = raw_cpu_ptr(mml_test_zone(machine)->pcp);

	return &pcp->list[mml_pcp_index(order, migratetype)];
}

/*
 * A machine on which nothing moves but by what the test does: a seeded one does not age,
 * and the test stays on this CPU.
 */
static struct mml_machine *mml_test_still_machine(struct kunit *test)
{
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	return mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
			      .seed = 1);
}

static struct mml_page **mml_test_page_array(struct kunit *test, unsigned long nr)
{
	struct mml_page **pages = kunit_kcalloc(test, nr, sizeof(*pages), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	return pages;
}

/* A refill is a slice: the smallest block that will do, cut in equal pieces. */
static void mml_pcp_test_refill(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still_machine(test);
	struct mml_pcp_list *list = mml_test_list(machine, 0, MML_MIGRATE_UNMOVABLE);
	u32 size = list->size;
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 0);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, list->nr, size - 1);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), MML_TEST_FRAMES - size);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES - 1);
	for (i = 1; i < size; i++) {
		KUNIT_EXPECT_EQ(test, page[i].state, MML_FRAME_PCP);
		KUNIT_EXPECT_EQ(test, page[i].order, 0);
	}
	KUNIT_EXPECT_EQ(test, list->size, min(2 * size, list->max_size));
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	__mml_free_pages(machine, page, 0);
}

/* What was freed last is given out first; the zone is not asked. */
static void mml_pcp_test_pair(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 1, 2, 3, 4 };
	struct mml_machine *machine = mml_test_still_machine(test);
	struct mml_page *page;
	unsigned long free;
	int i, n;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		page = mml_alloc_pages(machine, GFP_KERNEL, orders[i]);
		KUNIT_ASSERT_NOT_NULL(test, page);
		free = mml_test_zones_free(machine);
		for (n = 0; n < 10; n++) {
			__mml_free_pages(machine, page, orders[i]);
			KUNIT_EXPECT_EQ(test, page->state, MML_FRAME_PCP);
			KUNIT_EXPECT_PTR_EQ(test, page, mml_alloc_pages(machine,
									GFP_KERNEL, orders[i]));
		}
		KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), free);
		__mml_free_pages(machine, page, orders[i]);
	}
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* Blocks that nobody kept: what is freed fills two stacks; then the older one goes. */
static void mml_pcp_test_spill(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still_machine(test);
	struct mml_pcp_list *list = mml_test_list(machine, 3, MML_MIGRATE_UNMOVABLE);
	struct mml_page **pages = mml_test_page_array(test, (MML_TEST_FRAMES >> 3) + 1);
	u32 size, n, nr = 0;
	unsigned long free;

	while ((pages[nr] = mml_alloc_pages(machine, GFP_KERNEL, 3)))
		nr++;
	KUNIT_EXPECT_EQ(test, nr, MML_TEST_FRAMES >> 3);
	KUNIT_EXPECT_EQ(test, list->nr + list->nr_spare, 0);
	size = list->size;
	KUNIT_EXPECT_EQ(test, size, list->max_size);
	KUNIT_ASSERT_LT(test, 2 * size, nr);
	for (n = 0; n < 2 * size; n++)
		__mml_free_pages(machine, pages[n], 3);
	free = mml_test_zones_free(machine);
	KUNIT_EXPECT_EQ(test, list->nr, size);
	KUNIT_EXPECT_EQ(test, list->nr_spare, size);
	KUNIT_EXPECT_EQ(test, free, 0);
	__mml_free_pages(machine, pages[n++], 3);
	KUNIT_EXPECT_EQ(test, list->nr, 1);
	KUNIT_EXPECT_EQ(test, list->nr_spare, size);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), size << 3);
	KUNIT_EXPECT_NE(test, pages[0]->state, MML_FRAME_PCP);
	KUNIT_EXPECT_EQ(test, pages[size]->state, MML_FRAME_PCP);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	for (; n < nr; n++)
		__mml_free_pages(machine, pages[n], 3);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES);
}

/* Between full and empty, by turns: the zone is not asked either. */
static void mml_pcp_test_swap(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still_machine(test);
	struct mml_pcp_list *list = mml_test_list(machine, 0, MML_MIGRATE_UNMOVABLE);
	const u32 most = 512;
	struct mml_page **pages = mml_test_page_array(test, most);
	unsigned long free;
	u32 n, turn, nr;

	for (n = 0; n < most; n++)
		pages[n] = mml_alloc_pages(machine, GFP_KERNEL, 0);
	for (n = 0; n < most; n++)
		__mml_free_pages(machine, pages[n], 0);
	free = mml_test_zones_free(machine);
	nr = list->nr + list->nr_spare;
	KUNIT_ASSERT_GT(test, list->nr_spare, 0);
	for (turn = 0; turn < 10; turn++) {
		for (n = 0; n < nr; n++)
			pages[n] = mml_alloc_pages(machine, GFP_KERNEL, 0);
		KUNIT_EXPECT_EQ(test, list->nr + list->nr_spare, 0);
		for (n = 0; n < nr; n++)
			__mml_free_pages(machine, pages[n], 0);
	}
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), free);
}

/* Drained, all is in the zone, and merged. */
static void mml_pcp_test_drain(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still_machine(test);
	unsigned int order;

	for (order = 0; order < MML_NR_ORDERS; order++)
		__mml_free_pages(machine, mml_alloc_pages(machine, GFP_KERNEL, order),
				 order);
	KUNIT_EXPECT_GT(test, mml_nr_pcp_pages(mml_buddy(machine)), 0);
	mml_drain_all_pages(machine);
	KUNIT_EXPECT_EQ(test, mml_nr_pcp_pages(mml_buddy(machine)), 0);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), MML_TEST_FRAMES);
	KUNIT_EXPECT_EQ(test, mml_test_nr_free_blocks(machine, MML_MAX_ORDER),
			MML_TEST_FRAMES >> MML_MAX_ORDER);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* What lies on a list is no reason to fail, not even for who may not wait. */
static void mml_pcp_test_exhaust(struct kunit *test)
{
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_NOWAIT, GFP_ATOMIC };
	struct mml_machine *machine = mml_test_still_machine(test);
	struct mml_page **pages = mml_test_page_array(test, MML_TEST_FRAMES);
	unsigned int i, order;
	unsigned long n;

	for (i = 0; i < ARRAY_SIZE(gfps); i++) {
		for (order = 0; order < 5; order++)
			__mml_free_pages(machine, mml_alloc_pages(machine, GFP_KERNEL,
								  order), order);
		for (n = 0; n < MML_TEST_FRAMES; n++) {
			pages[n] = mml_alloc_pages(machine, gfps[i], 0);
			KUNIT_ASSERT_NOT_NULL(test, pages[n]);
		}
		KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, gfps[i], 0));
		while (n--)
			__mml_free_pages(machine, pages[n], 0);
		for (n = 0; n < MML_TEST_FRAMES >> MML_MAX_ORDER; n++) {
			pages[n] = mml_alloc_pages(machine, gfps[i], MML_MAX_ORDER);
			KUNIT_ASSERT_NOT_NULL(test, pages[n]);
		}
		while (n--)
			__mml_free_pages(machine, pages[n], MML_MAX_ORDER);
	}
}

/* Idle for a tick, a list's spare stack goes; for one more, the other; its size, too. */
static void mml_pcp_test_age(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still_machine(test);
	struct mml_pcp_list *list = mml_test_list(machine, 0, MML_MIGRATE_UNMOVABLE);
	const u32 most = 512;
	struct mml_page **pages = mml_test_page_array(test, most);
	u32 n, size;

	for (n = 0; n < most; n++)
		pages[n] = mml_alloc_pages(machine, GFP_KERNEL, 0);
	for (n = 0; n < most; n++)
		__mml_free_pages(machine, pages[n], 0);
	size = list->size;
	KUNIT_ASSERT_GT(test, size, list->min_size);
	KUNIT_ASSERT_GT(test, list->nr_spare, 0);
	n = list->nr;

	mml_pcp_age(&mml_buddy(machine)->age.work);
	KUNIT_EXPECT_TRUE(test, list->idle);
	KUNIT_EXPECT_EQ(test, list->nr, n);
	KUNIT_EXPECT_GT(test, list->nr_spare, 0);
	mml_pcp_age(&mml_buddy(machine)->age.work);
	KUNIT_EXPECT_EQ(test, list->nr, 0);
	KUNIT_EXPECT_EQ(test, list->nr_spare, n);
	KUNIT_EXPECT_EQ(test, list->size, max(size / 2, list->min_size));
	mml_pcp_age(&mml_buddy(machine)->age.work);
	KUNIT_EXPECT_EQ(test, list->nr + list->nr_spare, 0);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), MML_TEST_FRAMES);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* Until ageing has nothing more to do. Between two rounds it is pending, in one it runs. */
static void mml_test_wait_aged(struct kunit *test, struct mml_buddy *buddy)
{
	int ms;

	for (ms = 0; mml_nr_pcp_pages(buddy) && ms < 60000; ms += 20)
		msleep(20);
	KUNIT_EXPECT_EQ(test, mml_nr_pcp_pages(buddy), 0);
	for (ms = 0; work_busy(&buddy->age.work) && ms < 60000; ms += 20)
		msleep(20);
	KUNIT_EXPECT_EQ(test, work_busy(&buddy->age.work), 0);
}

/* What comes to lists that ageing has emptied, and left alone, goes back as well. */
static void mml_pcp_test_age_again(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES,
						     .memmap_only = true);
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_page *pages[4];
	int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = mml_alloc_pages(machine, GFP_KERNEL, 0);
	mml_test_wait_aged(test, buddy);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		__mml_free_pages(machine, pages[i], 0);
	KUNIT_EXPECT_NE(test, work_busy(&buddy->age.work), 0);
	mml_test_wait_aged(test, buddy);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), MML_TEST_FRAMES);
}

/* Without per-CPU lists nothing is kept, and everything works. */
static void mml_pcp_test_off(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
			       .options = BIT(MML_OPTION_NO_PCP));
	struct mml_page *pages[8];
	unsigned int order;

	for (order = 0; order < MML_NR_ORDERS; order++) {
		struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, order);

		KUNIT_ASSERT_NOT_NULL(test, page);
		KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine),
				MML_TEST_FRAMES - (1UL << order));
		__mml_free_pages(machine, page, order);
		KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), MML_TEST_FRAMES);
	}
	KUNIT_EXPECT_EQ(test, mml_alloc_pages_bulk(machine, GFP_KERNEL, 8, pages), 8);
	for (order = 0; order < 8; order++)
		__mml_free_pages(machine, pages[order], 0);
}

/* What a CPU keeps is free: freeing it again is refused, and changes nothing. */
static void mml_pcp_test_misuse(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still_machine(test);
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 2);

	KUNIT_ASSERT_NOT_NULL(test, page);
	__mml_free_pages(machine, page, 1);
	mml_test_expect_reports(test, machine, 1);
	__mml_free_pages(machine, page, 2);
	__mml_free_pages(machine, page, 2);
	mml_test_expect_reports(test, machine, 1);
	__mml_free_pages(machine, page + 1, 0);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* A damaged list is seen by the validator. */
static void mml_pcp_test_damage(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still_machine(test);
	struct mml_pcp_list *list = mml_test_list(machine, 0, MML_MIGRATE_UNMOVABLE);
	struct mml_page *head;
	struct mml_pcp_list was;
	struct mml_page page;

	__mml_free_pages(machine, mml_alloc_pages(machine, GFP_KERNEL, 0), 0);
	was = *list;
	head = &machine->memmap[was.first];
	page = *head;

	list->nr++;
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*list = was;
	list->nr--;
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*list = was;
	list->first = machine->nr_frames;
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*list = was;
	list->size = list->max_size + 1;
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*list = was;
	head->next = was.first;
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*head = page;
	head->order = 1;
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*head = page;
	head->state = MML_FRAME_ALLOCATED;
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*head = page;
	atomic_set(&head->_refcount, 1);
	KUNIT_EXPECT_GT(test, mml_test_violations(machine), 0);
	*head = page;
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* Single frames in bulk: so many as there are, each its own. */
static void mml_pcp_test_bulk(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_BULK);
	struct mml_page **pages = mml_test_page_array(test, MML_TEST_BULK + 1);
	unsigned long *used, nr, n;

	used = kunit_kcalloc(test, BITS_TO_LONGS(MML_TEST_BULK), sizeof(long), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, used);
	KUNIT_EXPECT_EQ(test, mml_alloc_pages_bulk(machine, GFP_KERNEL, 0, pages), 0);
	mml_fail_nth(machine, 1);
	KUNIT_EXPECT_EQ(test, mml_alloc_pages_bulk(machine, GFP_KERNEL, 64, pages), 0);
	mml_fail_nth(machine, 0);
	nr = mml_alloc_pages_bulk(machine, GFP_KERNEL | __GFP_ZERO, 64, pages);
	KUNIT_EXPECT_EQ(test, nr, 64);
	nr += mml_alloc_pages_bulk(machine, GFP_KERNEL, MML_TEST_BULK + 1 - nr, pages + nr);
	KUNIT_EXPECT_EQ(test, nr, MML_TEST_BULK);
	KUNIT_EXPECT_EQ(test, mml_vm_event(machine, MML_PGALLOC), MML_TEST_BULK);
	for (n = 0; n < nr; n++) {
		KUNIT_EXPECT_FALSE(test, test_and_set_bit(pages[n] - machine->memmap, used));
		KUNIT_EXPECT_EQ(test, mml_page_ref_count(pages[n]), 1);
		if (n < 64)
			KUNIT_EXPECT_NULL(test, memchr_inv(mml_page_address(machine, pages[n]),
							   0, PAGE_SIZE));
	}
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	while (nr--)
		__mml_free_pages(machine, pages[nr], 0);
}

/*
 * Random requests.
 */

static const struct mml_pcp_mix {
	const char *name;
	unsigned long frames;
	unsigned long options;
	unsigned int operations;
} mml_pcp_mixes[] = {
	{ "64 frames", 64, 0, IS_ENABLED(CONFIG_UML) ? 1000000 : 50000 },
	{ "700 frames", 700, 0, 20000 },
	{ "2048 frames", 2048, 0, 10000 },
	{ "2048 frames, no per-CPU lists", 2048, BIT(MML_OPTION_NO_PCP), 5000 },
	{ "2048 frames, no grouping", 2048, BIT(MML_OPTION_NO_GROUPING), 5000 },
	{ "700 frames, ledger and poisoning", 700,
	  BIT(MML_OPTION_PAGE_OWNER) | BIT(MML_OPTION_PAGE_POISON), 5000 },
};
KUNIT_ARRAY_PARAM_DESC(mml_pcp_mix, mml_pcp_mixes, name);

struct mml_test_held {
	struct mml_page *page;
	unsigned int order;
};

/* Fills and drains by tides; after each operation everything must hold. */
static void mml_pcp_test_random(struct kunit *test)
{
	const struct mml_pcp_mix *mix = test->param_value;
	struct mml_machine *machine = mml_test_build(test, .frames = mix->frames, .seed = 1,
						     .options = mix->options);
	unsigned long *used, nr = 0, free = mix->frames;
	struct mml_test_held *held;
	struct rnd_state rnd;
	unsigned int i;

	mml_test_seed(test, &rnd);
	used = kunit_kcalloc(test, BITS_TO_LONGS(mix->frames), sizeof(long), GFP_KERNEL);
	held = kunit_kcalloc(test, mix->frames, sizeof(*held), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, used);
	KUNIT_ASSERT_NOT_NULL(test, held);
	for (i = 0; i < mix->operations; i++) {
		bool filling = i / 200 % 2 == 0;

		if (!nr || (mml_test_below(&rnd, 4) > 0) == filling) {
			unsigned int order = __ffs(prandom_u32_state(&rnd) |
						   BIT(MML_MAX_ORDER));
			gfp_t gfp = mml_test_gfp[mml_test_below(&rnd, MML_MIGRATE_PCPTYPES)];
			struct mml_page *page = mml_alloc_pages(machine, gfp, order);
			unsigned long pfn;

			KUNIT_ASSERT_TRUE(test, page || order || !free);
			if (!page)
				continue;
			pfn = page - machine->memmap;
			KUNIT_ASSERT_LE(test, pfn + (1UL << order), mix->frames);
			KUNIT_ASSERT_TRUE(test, IS_ALIGNED(pfn, 1UL << order));
			KUNIT_ASSERT_GE(test, find_next_bit(used, pfn + (1UL << order), pfn),
					pfn + (1UL << order));
			bitmap_set(used, pfn, 1U << order);
			held[nr++] = (struct mml_test_held){ page, order };
			free -= 1UL << order;
		} else {
			unsigned long at = mml_test_below(&rnd, nr);
			struct mml_test_held h = held[at];

			held[at] = held[--nr];
			bitmap_clear(used, h.page - machine->memmap, 1U << h.order);
			__mml_free_pages(machine, h.page, h.order);
			free += 1UL << h.order;
		}
		KUNIT_ASSERT_EQ(test, mml_nr_free_pages(machine), free);
		KUNIT_ASSERT_EQ(test, mml_test_violations(machine), 0);
	}
	while (nr--)
		__mml_free_pages(machine, held[nr].page, held[nr].order);
	mml_drain_all_pages(machine);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), mix->frames);
}

static struct kunit_case mml_pcp_cases[] = {
	KUNIT_CASE(mml_pcp_test_refill),
	KUNIT_CASE(mml_pcp_test_pair),
	KUNIT_CASE(mml_pcp_test_spill),
	KUNIT_CASE(mml_pcp_test_swap),
	KUNIT_CASE(mml_pcp_test_drain),
	KUNIT_CASE(mml_pcp_test_exhaust),
	KUNIT_CASE(mml_pcp_test_age),
	KUNIT_CASE_SLOW(mml_pcp_test_age_again),
	KUNIT_CASE(mml_pcp_test_off),
	KUNIT_CASE(mml_pcp_test_misuse),
	KUNIT_CASE(mml_pcp_test_damage),
	KUNIT_CASE(mml_pcp_test_bulk),
	KUNIT_CASE_PARAM(mml_pcp_test_random, mml_pcp_mix_gen_params),
	{}
};

static struct kunit_suite mml_pcp_suite = {
	.name = "mml_pcp",
	.test_cases = mml_pcp_cases,
};
kunit_test_suite(mml_pcp_suite);
