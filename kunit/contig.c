// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_contig: certain frames: ranges, CMA areas, sections that go offline and come
 * back; and blocks that become several.
 */
#include <linux/bitmap.h>

#include "buddy_probe/internal.h"
#include "kunit/machine.h"
#include "mm_lab/alloc.h"

#define SECTION			MML_SECTION_FRAMES
#define MML_TEST_FRAMES		(4 * SECTION)

static struct mml_machine *mml_test_still(struct kunit *test)
{
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	return mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
			      .seed = 1);
}

/* All is free, and whole. */
static void mml_test_expect_untouched(struct kunit *test, struct mml_machine *machine)
{
	mml_drain_all_pages(machine);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), MML_TEST_FRAMES);
	KUNIT_EXPECT_EQ(test, mml_test_nr_free_blocks(machine, MML_MAX_ORDER),
			MML_TEST_FRAMES / SECTION);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/*
 * Ranges.
 */

/* Of any place and length: exactly these frames are taken, and all others can be had. */
static void mml_contig_test_range(struct kunit *test)
{
	static const struct {
		unsigned long start, end;
	} ranges[] = {
		{ 0, 1 }, { 1, 2 }, { 511, 513 }, { 0, SECTION }, { 512, 1536 },
		{ 7, 4090 }, { 0, MML_TEST_FRAMES }, { 4095, 4096 }, { 1023, 2050 },
	};
	struct mml_machine *machine = mml_test_still(test);
	unsigned long pfn;
	int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		unsigned long start = ranges[i].start, nr = ranges[i].end - start;

		KUNIT_ASSERT_EQ(test, mml_alloc_contig_range(machine, start, start + nr), 0);
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES - nr);
		for (pfn = start; pfn < start + nr; pfn++) {
			KUNIT_ASSERT_EQ(test, machine->memmap[pfn].state,
					MML_FRAME_ALLOCATED);
			KUNIT_ASSERT_EQ(test, mml_page_ref_count(&machine->memmap[pfn]), 1);
		}
		KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, start, start + 1),
				-EBUSY);
		mml_free_contig_range(machine, start, nr);
		mml_test_expect_untouched(test, machine);
	}
}

/* Nor is grouping needed for it. */
static void mml_contig_test_no_grouping(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
			       .seed = 1, .options = BIT(MML_OPTION_NO_GROUPING));

	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, 300, 1700), 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_offline_section(machine, 3), 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_online_section(machine, 3), 0);
	mml_free_contig_range(machine, 300, 1400);
	mml_test_expect_untouched(test, machine);
}

/* A large block comes back to two pageblocks, of which one is isolated meanwhile. */
static void mml_contig_test_half(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still(test);
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_isolation isolation;
	struct mml_page *page;
	unsigned long pfn;
	int half;

	for (half = 0; half < 2; half++) {
		page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_MOVABLE, MML_MAX_ORDER);
		KUNIT_ASSERT_NOT_NULL(test, page);
		pfn = page - machine->memmap + half * MML_PAGEBLOCK_FRAMES;
		mutex_lock(&buddy->hotplug_lock);
		KUNIT_ASSERT_EQ(test, mml_start_isolate_page_range(machine, pfn, pfn + 1, false,
								   &isolation), 0);
		__mml_free_pages(machine, page, MML_MAX_ORDER);
		mutex_unlock(&buddy->hotplug_lock);
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		KUNIT_EXPECT_EQ(test, mml_nr_free_special(mml_test_zone(machine),
							  MML_MIGRATE_ISOLATE),
				MML_PAGEBLOCK_FRAMES);
		mutex_lock(&buddy->hotplug_lock);
		mml_undo_isolate_page_range(&isolation);
		mutex_unlock(&buddy->hotplug_lock);
		mml_test_expect_untouched(test, machine);
	}
}

/* One frame in use is enough; and what there is not. */
static void mml_contig_test_busy(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still(test);
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 0);
	unsigned long pfn;

	KUNIT_ASSERT_NOT_NULL(test, page);
	pfn = page - machine->memmap;
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, pfn, pfn + 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, 0, MML_TEST_FRAMES), -EBUSY);
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, 5, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, MML_TEST_FRAMES - 5,
						     MML_TEST_FRAMES + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, MML_TEST_FRAMES - 5, -1UL),
			-EINVAL);
	mml_free_contig_range(machine, 0, -1UL);
	mml_free_contig_range(machine, 1UL << 32, 1);
	mml_test_expect_reports(test, machine, 2);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	/* What this CPU keeps is not in use. */
	__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_EQ(test, machine->memmap[pfn].state, MML_FRAME_PCP);
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, pfn, pfn + 1), 0);
	mml_free_contig_range(machine, pfn, 1);
	/* One claimed pageblock stayed unmovable: all others are as before. */
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES);
	mml_test_expect_untouched(test, machine);
}

/* Not over the border of a zone, and not where there is nothing. */
static void mml_contig_test_borders(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = 4 * SECTION, .memmap_only = true,
			       .topology.nr_nodes = 2);
	struct mml_machine *holes =
		mml_test_build(test, .sections = { SECTION, 0, 301 });

	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, 2 * SECTION - 1, 2 * SECTION + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(holes, SECTION - 1, SECTION + 1), -EINVAL);
	/* Its pageblock is not wholly there. */
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(holes, 2 * SECTION, 2 * SECTION + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(holes), 0);
}

/*
 * CMA.
 */

/* An area is lent to what can be moved, to nobody else; its owner gets what is free of it. */
static void mml_contig_test_cma(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still(test);
	struct mml_cma *cma = mml_cma_declare(machine, "area", 2 * SECTION);
	struct mml_frame_list unmovable, movable;
	struct mml_page *page;

	KUNIT_ASSERT_FALSE(test, IS_ERR(cma));
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES);
	KUNIT_EXPECT_EQ(test, mml_zone_cma_pages(mml_test_zone(machine)), 2 * SECTION);
	mml_frame_list_init(&unmovable);
	mml_frame_list_init(&movable);
	while ((page = mml_alloc_pages(machine, GFP_KERNEL, 0)))
		mml_frame_list_add(machine, &unmovable, page);
	KUNIT_EXPECT_EQ(test, unmovable.nr, MML_TEST_FRAMES - 2 * SECTION);

	/* All of it, from its start; a part; with alignment. */
	page = mml_cma_alloc(cma, 2 * SECTION, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_NULL(test, mml_cma_alloc(cma, 1, 0));
	KUNIT_EXPECT_TRUE(test, mml_cma_release(cma, page, 2 * SECTION));
	KUNIT_EXPECT_NOT_NULL(test, mml_cma_alloc(cma, 3, 0));
	page = mml_cma_alloc(cma, 100, 6);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(page - machine->memmap, 64));
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	/* Not what is not the owner's. */
	KUNIT_EXPECT_FALSE(test, mml_cma_release(cma, page, 101));
	KUNIT_EXPECT_FALSE(test, mml_cma_release(cma, &machine->memmap[0], 1));
	KUNIT_EXPECT_FALSE(test, mml_cma_release(cma, page, 3 * SECTION));
	mml_test_expect_reports(test, machine, 3);
	KUNIT_EXPECT_TRUE(test, mml_cma_release(cma, page, 100));

	/* Lent: the owner gets what is left of it. */
	while ((page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_MOVABLE, 0)))
		mml_frame_list_add(machine, &movable, page);
	KUNIT_EXPECT_EQ(test, movable.nr, 2 * SECTION - 3);
	KUNIT_EXPECT_NULL(test, mml_cma_alloc(cma, 1, 0));
	page = mml_frame_list_pop(machine, &movable);
	__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_PTR_EQ(test, mml_cma_alloc(cma, 1, 0), page);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_TRUE(test, mml_cma_release(cma, page, 1));
	while ((page = mml_frame_list_pop(machine, &movable)))
		__mml_free_pages(machine, page, 0);
	while ((page = mml_frame_list_pop(machine, &unmovable)))
		__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);

	/* It is no range for others, and no section of it goes. */
	KUNIT_EXPECT_EQ(test, mml_alloc_contig_range(machine, MML_TEST_FRAMES - 1,
						     MML_TEST_FRAMES), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_offline_section(machine, 3), -EBUSY);
	/* Three frames were never given back: that is reported, and they are freed here. */
	mml_cma_destroy(cma);
	mml_test_expect_reports(test, machine, 1);
	mml_free_contig_range(machine, MML_TEST_FRAMES - 2 * SECTION, 3);
	mml_test_expect_untouched(test, machine);
}

/* More than half of what is free is lent: movable requests take of that first. */
static void mml_contig_test_cma_first(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still(test);
	struct mml_cma *cma = mml_cma_declare(machine, "most", 3 * SECTION);
	struct mml_page *page;

	KUNIT_ASSERT_FALSE(test, IS_ERR(cma));
	page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_MOVABLE, 6);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, mml_page_migratetype(mml_test_zone(machine), page),
			MML_MIGRATE_CMA);
	__mml_free_pages(machine, page, 6);
	mml_cma_destroy(cma);
	mml_test_expect_untouched(test, machine);

	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_cma_declare(machine, "none", 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_cma_declare(machine, "odd", 700)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_cma_declare(machine, "large", 8 * SECTION)), -ENOMEM);
}

/* Each allocation of making one fails: nothing is left behind. */
static void mml_contig_test_cma_fail(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still(test);
	int nth;

	for (nth = 1; nth <= 2; nth++) {
		mml_fail_nth(machine, nth);
		KUNIT_EXPECT_EQ(test, PTR_ERR(mml_cma_declare(machine, "area", SECTION)),
				-ENOMEM);
	}
	mml_fail_nth(machine, 0);
	mml_test_expect_untouched(test, machine);
}

/*
 * Sections.
 */

static void mml_contig_test_offline(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still(test);
	struct mml_zone *zone = mml_test_zone(machine);
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 0);
	unsigned long busy, i, taken = 0;
	struct mml_frame_list list;

	KUNIT_ASSERT_NOT_NULL(test, page);
	busy = (page - machine->memmap) / SECTION;
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, mml_offline_section(machine, i),
				i == busy ? -EBUSY : 0);
	KUNIT_EXPECT_EQ(test, mml_offline_section(machine, (busy + 1) % 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_offline_section(machine, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, zone->managed, SECTION);
	KUNIT_EXPECT_EQ(test, machine->nr_present, SECTION);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), SECTION - 1);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);

	/* Nobody gets anything of it. */
	mml_frame_list_init(&list);
	mml_frame_list_add(machine, &list, page);
	while ((page = mml_alloc_pages(machine, GFP_KERNEL, 0))) {
		KUNIT_ASSERT_EQ(test, (page - machine->memmap) / SECTION, busy);
		mml_frame_list_add(machine, &list, page);
		taken++;
	}
	KUNIT_EXPECT_EQ(test, taken, SECTION - 1);
	/* Freeing a frame of it is refused. */
	__mml_free_pages(machine, &machine->memmap[(busy + 1) % 4 * SECTION], 0);
	mml_test_expect_reports(test, machine, 1);

	KUNIT_EXPECT_EQ(test, mml_online_section(machine, busy), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_online_section(machine, 4), -EINVAL);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, mml_online_section(machine, i),
				i == busy ? -EINVAL : 0);
	while ((page = mml_frame_list_pop(machine, &list)))
		__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_EQ(test, zone->managed, MML_TEST_FRAMES);
	mml_test_expect_untouched(test, machine);
}

/* The marks follow what a zone has; a partial section stays. */
static void mml_contig_test_offline_marks(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = 16384 + 5, .memmap_only = true,
			       .watermarks = true);
	struct mml_zone *dma = &mml_buddy(machine)->node[0]->node_zones[MML_ZONE_DMA];
	struct mml_zone *dma32 = &mml_buddy(machine)->node[0]->node_zones[MML_ZONE_DMA32];
	unsigned long min = dma32->watermark[MML_WMARK_MIN];
	unsigned long reserve = dma->lowmem_reserve[MML_ZONE_NORMAL];
	int i;

	KUNIT_EXPECT_EQ(test, mml_offline_section(machine, 16), -EINVAL);
	for (i = 4; i < 12; i++)
		KUNIT_EXPECT_EQ(test, mml_offline_section(machine, i), 0);
	KUNIT_EXPECT_LT(test, dma32->watermark[MML_WMARK_MIN], min);
	KUNIT_EXPECT_LT(test, dma->lowmem_reserve[MML_ZONE_NORMAL], reserve);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	for (i = 4; i < 12; i++)
		KUNIT_EXPECT_EQ(test, mml_online_section(machine, i), 0);
	KUNIT_EXPECT_EQ(test, dma32->watermark[MML_WMARK_MIN], min);
	KUNIT_EXPECT_EQ(test, dma->lowmem_reserve[MML_ZONE_NORMAL], reserve);
}

/*
 * Splitting.
 */

static void mml_contig_test_split(struct kunit *test)
{
	struct mml_machine *machine = mml_test_still(test);
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_MOVABLE, 3);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_PTR_EQ(test, mml_compound_head(machine, page + i), page);
	KUNIT_EXPECT_NULL(test, mml_compound_head(machine, page + 8));
	KUNIT_EXPECT_EQ(test, mml_split_page(machine, page, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_split_page(machine, page + 1, 0), -EINVAL);
	mml_test_expect_reports(test, machine, 2);
	mml_get_page(page);
	KUNIT_EXPECT_EQ(test, mml_split_page(machine, page, 3), -EBUSY);
	mml_put_page(machine, page);
	page->type = MML_PAGE_USER;
	KUNIT_EXPECT_EQ(test, mml_split_page(machine, page, 3), 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_PTR_EQ(test, mml_compound_head(machine, page + i), page + i);
		KUNIT_EXPECT_EQ(test, page[i].mobility, MML_MIGRATE_MOVABLE);
		KUNIT_EXPECT_EQ(test, page[i].type, MML_PAGE_USER);
		__mml_free_pages(machine, page + i, 0);
	}
	mml_test_expect_untouched(test, machine);
}

static void mml_contig_test_exact(struct kunit *test)
{
	static const size_t sizes[] = { 1, PAGE_SIZE, PAGE_SIZE + 1, 5 * PAGE_SIZE,
					1000 * PAGE_SIZE, SZ_4M };
	struct mml_machine *machine = mml_test_still(test);
	struct mml_page *pages[8], *page;
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		page = mml_alloc_pages_exact(machine, sizes[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, page);
		KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine),
				MML_TEST_FRAMES - DIV_ROUND_UP(sizes[i], PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		mml_free_pages_exact(machine, page, sizes[i]);
	}
	KUNIT_EXPECT_NULL(test, mml_alloc_pages_exact(machine, 0, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, mml_alloc_pages_exact(machine, SZ_4M + 1, GFP_KERNEL));
	mml_test_expect_reports(test, machine, 1);

	KUNIT_EXPECT_EQ(test, mml_alloc_pages_bulk(machine, GFP_KERNEL, 8, pages), 8);
	mml_release_pages(machine, pages, 8);
	mml_test_expect_untouched(test, machine);
}

static struct kunit_case mml_contig_cases[] = {
	KUNIT_CASE(mml_contig_test_range),
	KUNIT_CASE(mml_contig_test_no_grouping),
	KUNIT_CASE(mml_contig_test_half),
	KUNIT_CASE(mml_contig_test_busy),
	KUNIT_CASE(mml_contig_test_borders),
	KUNIT_CASE(mml_contig_test_cma),
	KUNIT_CASE(mml_contig_test_cma_first),
	KUNIT_CASE(mml_contig_test_cma_fail),
	KUNIT_CASE(mml_contig_test_offline),
	KUNIT_CASE(mml_contig_test_offline_marks),
	KUNIT_CASE(mml_contig_test_split),
	KUNIT_CASE(mml_contig_test_exact),
	{}
};

static struct kunit_suite mml_contig_suite = {
	.name = "mml_contig",
	.test_cases = mml_contig_cases,
};
kunit_test_suite(mml_contig_suite);
