// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_watermark: the arithmetic of watermarks against figures worked out by hand from
 * mm/page_alloc.c, and who may take how much of a machine; the highatomic reserve; what is
 * done so that pageblocks are not mixed.
 */
#include "buddy_probe/internal.h"
#include "kunit/machine.h"

#define MML_TEST_FRAMES		(SZ_64M >> PAGE_SHIFT)

/* A machine of 64 MiB: zone DMA has 4096 frames, DMA32 12288. */
static struct mml_machine *mml_test_marked(struct kunit *test, unsigned long frames)
{
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	return mml_test_build(test, .frames = frames, .memmap_only = true, .seed = 1,
			      .watermarks = true);
}

static struct mml_zone *mml_test_zone_type(struct mml_machine *machine,
					   enum mml_zone_type zid)
{
	return &mml_buddy(machine)->node[0]->node_zones[zid];
}

/*
 * The arithmetic.
 */

/* The table over calculate_min_free_kbytes(); and what the kernel has no smaller ones of. */
static void mml_watermark_test_min_free(struct kunit *test)
{
	static const struct {
		unsigned long mib;
		unsigned int kbytes;
	} cases[] = { { 16, 512 }, { 32, 724 }, { 64, 1024 }, { 128, 1448 }, { 256, 2048 },
		      { 512, 2896 }, { 1024, 4096 }, { 2048, 5792 }, { 1, 128 } };
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mml_machine *machine =
			mml_test_marked(test, cases[i].mib << (20 - PAGE_SHIFT));

		KUNIT_EXPECT_EQ(test, mml_buddy(machine)->min_free_kbytes,
				cases[i].kbytes);
	}
	KUNIT_EXPECT_EQ(test, mml_buddy(mml_test_marked(test, 64))->min_free_kbytes, 32);
}

static void mml_test_expect_marks(struct kunit *test, const struct mml_zone *zone,
				  unsigned long min, unsigned long step)
{
	KUNIT_EXPECT_EQ(test, zone->watermark[MML_WMARK_MIN], min);
	KUNIT_EXPECT_EQ(test, zone->watermark[MML_WMARK_LOW], min + step);
	KUNIT_EXPECT_EQ(test, zone->watermark[MML_WMARK_HIGH], min + 2 * step);
	KUNIT_EXPECT_EQ(test, zone->watermark[MML_WMARK_PROMO], min + 3 * step);
}

static void mml_test_setup(struct mml_buddy *buddy, unsigned int kbytes, unsigned int scale)
{
	mutex_lock(&buddy->sysctl_lock);
	buddy->min_free_kbytes = kbytes;
	buddy->watermark_scale_factor = scale;
	mml_setup_per_zone_wmarks(buddy);
	mml_setup_per_zone_lowmem_reserve(buddy);
	mutex_unlock(&buddy->sysctl_lock);
}

/* __setup_per_zone_wmarks(): min by share of the machine, steps of a quarter or by scale. */
static void mml_watermark_test_marks(struct kunit *test)
{
	struct mml_machine *machine = mml_test_marked(test, MML_TEST_FRAMES);
	struct mml_zone *dma = mml_test_zone_type(machine, MML_ZONE_DMA);
	struct mml_zone *dma32 = mml_test_zone_type(machine, MML_ZONE_DMA32);

	mml_test_expect_marks(test, dma, 64, 16);
	mml_test_expect_marks(test, dma32, 192, 48);
	mml_test_setup(mml_buddy(machine), 4096, 10);
	mml_test_expect_marks(test, dma, 256, 64);
	mml_test_expect_marks(test, dma32, 768, 192);
	mml_test_setup(mml_buddy(machine), 4096, 1000);
	mml_test_expect_marks(test, dma, 256, 409);
	mml_test_expect_marks(test, dma32, 768, 1228);
	mml_test_setup(mml_buddy(machine), 0, 1);
	mml_test_expect_marks(test, dma, 0, 0);
	mml_test_expect_marks(test, dma32, 0, 1);
}

/* A zone MOVABLE keeps 1/1024, 32 to 128 frames; its steps are as those of others. */
static void mml_watermark_test_movable(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
			       .watermarks = true, .topology.movable = 8192);

	mml_test_expect_marks(test, mml_test_zone_type(machine, MML_ZONE_MOVABLE), 32,
			      (724 / 4 * 8192 / 8192) >> 2);
	mml_test_expect_marks(test, mml_test_zone_type(machine, MML_ZONE_DMA), 90, 22);
}

/* setup_per_zone_lowmem_reserve() */
static void mml_watermark_test_lowmem_reserve(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = (SZ_4G >> PAGE_SHIFT) + 65536,
			       .memmap_only = true, .watermarks = true,
			       .topology.movable = 16384);
	static const unsigned long want[MML_MAX_NR_ZONES][MML_MAX_NR_ZONES] = {
		[MML_ZONE_DMA]	 = { 0, 1044480 / 256, (1044480 + 49152) / 256,
				     (1044480 + 65536) / 256 },
		[MML_ZONE_DMA32] = { 0, 0, 49152 / 256, 65536 / 256 },
		[MML_ZONE_NORMAL] = { 0, 0, 0, 16384 / 32 },
	};
	int zid, upper;

	for (zid = 0; zid < MML_MAX_NR_ZONES; zid++)
		for (upper = 0; upper < MML_MAX_NR_ZONES; upper++)
			KUNIT_EXPECT_EQ(test,
					mml_test_zone_type(machine, zid)->lowmem_reserve[upper],
					want[zid][upper]);
}

/*
 * __zone_watermark_ok(): a zone with @free frames, a free block of @block and, if @reserved,
 * a highatomic one, too, with so many free; it keeps @reserve of such requests.
 */
static const struct mml_watermark_case {
	const char *name;
	long free;
	unsigned int order;
	unsigned long mark;
	unsigned long reserve;
	int block;
	unsigned long highatomic;
	unsigned int flags;
	bool want;
} mml_watermark_cases_of_ok[] = {
	{ "one above", 101, 0, 100, 0, 0, 0, 0, true },
	{ "at the mark", 100, 0, 100, 0, 0, 0, 0, false },
	{ "nothing kept, one free", 1, 0, 0, 0, 0, 0, 0, true },
	{ "nothing kept, nothing free", 0, 0, 0, 0, 0, 0, 0, false },
	{ "the reserve on top", 151, 0, 100, 50, 0, 0, 0, true },
	{ "at mark and reserve", 150, 0, 100, 50, 0, 0, 0, false },
	{ "a block: less one", 108, 3, 100, 0, 3, 0, 0, true },
	{ "a block: not enough", 107, 3, 100, 0, 3, 0, 0, false },
	{ "a block: a larger one", 108, 3, 100, 0, 10, 0, 0, true },
	{ "a block: only smaller ones", 1000, 3, 100, 0, 2, 0, 0, false },
	{ "a block: none", 1000, 3, 100, 0, -1, 0, 0, false },
	{ "__GFP_HIGH: half", 51, 0, 100, 0, 0, 0, MML_ALLOC_MIN_RESERVE, true },
	{ "__GFP_HIGH: at half", 50, 0, 100, 0, 0, 0, MML_ALLOC_MIN_RESERVE, false },
	{ "GFP_ATOMIC: 3/8", 39, 0, 100, 0, 0, 0,
	  MML_ALLOC_MIN_RESERVE | MML_ALLOC_NON_BLOCK, true },
	{ "GFP_ATOMIC: at 3/8", 38, 0, 100, 0, 0, 0,
	  MML_ALLOC_MIN_RESERVE | MML_ALLOC_NON_BLOCK, false },
	{ "GFP_NOWAIT: nothing of min", 100, 0, 100, 0, 0, 0, MML_ALLOC_NON_BLOCK, false },
	{ "who is dying: half", 51, 0, 100, 0, 0, 0, MML_ALLOC_OOM, true },
	{ "who is dying: at half", 50, 0, 100, 0, 0, 0, MML_ALLOC_OOM, false },
	{ "all of it: 3/16", 20, 0, 100, 0, 0, 0, MML_ALLOC_RESERVES, true },
	{ "all of it: at 3/16", 19, 0, 100, 0, 0, 0, MML_ALLOC_RESERVES, false },
	{ "of the reserve on top nothing", 69, 0, 100, 50, 0, 0, MML_ALLOC_RESERVES, false },
	{ "highatomic is not free", 200, 0, 100, 0, 0, 100, 0, false },
	{ "to others neither", 201, 0, 100, 0, 0, 100, 0, true },
	{ "to who may have some", 101, 0, 100, 0, 0, 100, MML_ALLOC_NON_BLOCK, true },
	{ "its blocks are not for all", 1000, 3, 100, 0, 2, 100, MML_ALLOC_NON_BLOCK, false },
	{ "they are for these", 1000, 3, 100, 0, 2, 100, MML_ALLOC_HIGHATOMIC, true },
	{ "and for who is dying", 1000, 3, 100, 0, 2, 100, MML_ALLOC_OOM, true },
};
KUNIT_ARRAY_PARAM_DESC(mml_watermark_ok, mml_watermark_cases_of_ok, name);

static void mml_watermark_test_ok(struct kunit *test)
{
	const struct mml_watermark_case *param = test->param_value;
	struct mml_zone *zone = kunit_kzalloc(test, sizeof(*zone), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, zone);
	mml_free_area_init(zone);
	zone->lowmem_reserve[MML_ZONE_NORMAL] = param->reserve;
	zone->nr_free_special[0] = param->highatomic;
	if (param->block >= 0)
		mml_free_list(zone, param->block, MML_MIGRATE_MOVABLE)->first = 0;
	if (param->highatomic)
		mml_free_list(zone, param->order, MML_MIGRATE_HIGHATOMIC)->first = 0;
	KUNIT_EXPECT_EQ(test, __mml_zone_watermark_ok(zone, param->order, param->mark,
						      MML_ZONE_NORMAL, param->flags,
						      param->free), param->want);
}

/*
 * Requests.
 */

/* Take single frames until there is none for @gfp. */
static void mml_test_take(struct mml_machine *machine, gfp_t gfp,
			  struct mml_frame_list *taken)
{
	struct mml_page *page;

	while ((page = mml_alloc_pages(machine, gfp, 0)))
		mml_frame_list_add(machine, taken, page);
}

static void mml_test_give(struct mml_machine *machine, struct mml_frame_list *taken)
{
	struct mml_page *page;

	while ((page = mml_frame_list_pop(machine, taken)))
		__mml_free_pages(machine, page, 0);
}

/* Who gets how far: each leaves what is kept of his like, to a frame. */
static void mml_watermark_test_reserves(struct kunit *test)
{
	struct mml_machine *machine = mml_test_marked(test, MML_TEST_FRAMES);
	struct mml_zone *dma = mml_test_zone_type(machine, MML_ZONE_DMA);
	struct mml_zone *dma32 = mml_test_zone_type(machine, MML_ZONE_DMA32);
	struct mml_frame_list taken;
	int i;

	static const struct {
		const char *name;
		gfp_t gfp;
		unsigned long dma32, dma;	/* left; DMA keeps 48 of all but its own */
	} cases[] = {
		{ "GFP_NOWAIT", GFP_NOWAIT, 192, 64 + 48 },
		{ "GFP_KERNEL", GFP_KERNEL, 192, 64 + 48 },
		{ "__GFP_NORETRY", GFP_KERNEL | __GFP_NORETRY, 192, 64 + 48 },
		{ "__GFP_HIGH", GFP_KERNEL | __GFP_HIGH, 96, 32 + 48 },
		{ "GFP_ATOMIC", GFP_ATOMIC, 72, 24 + 48 },
		{ "GFP_DMA", GFP_DMA, 72, 64 },
		{ "both", GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC, 72, 64 },
		{ "__GFP_MEMALLOC", GFP_KERNEL | __GFP_MEMALLOC, 0, 0 },
	};

	mml_frame_list_init(&taken);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		mml_test_take(machine, cases[i].gfp, &taken);
		KUNIT_EXPECT_EQ(test, mml_nr_pcp_pages(mml_buddy(machine)), 0);
		KUNIT_EXPECT_EQ_MSG(test, dma32->nr_free, cases[i].dma32, "%s", cases[i].name);
		KUNIT_EXPECT_EQ_MSG(test, dma->nr_free, cases[i].dma, "%s", cases[i].name);
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	}
	mml_test_give(machine, &taken);
}

/*
 * In bulk up to the low marks, and no further. What this CPU keeps of zone DMA is free, but
 * only counts as such once it is given back.
 */
static void mml_watermark_test_bulk(struct kunit *test)
{
	struct mml_machine *machine = mml_test_marked(test, MML_TEST_FRAMES);
	struct mml_page **pages = kunit_kcalloc(test, MML_TEST_FRAMES, sizeof(*pages),
						GFP_KERNEL);
	unsigned long nr = 0, got;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	do {
		got = mml_alloc_pages_bulk(machine, GFP_KERNEL, MML_TEST_FRAMES - nr,
					   pages + nr);
		mml_drain_all_pages(machine);
		nr += got;
	} while (got);
	KUNIT_EXPECT_EQ(test, nr, MML_TEST_FRAMES - 240 - (80 + 48));
	while (nr--)
		__mml_free_pages(machine, pages[nr], 0);
}

/* What a request for a block is told: it was there, but kept. */
static void mml_watermark_test_explain(struct kunit *test)
{
	struct mml_machine *machine = mml_test_marked(test, MML_TEST_FRAMES);
	const struct mml_explain *told =
		&machine->explainer.last[MML_EXPLAIN_ALLOC].told;
	struct mml_frame_list taken;
	int i, zones = 0;

	mml_frame_list_init(&taken);
	mml_test_take(machine, GFP_KERNEL, &taken);
	KUNIT_EXPECT_EQ(test, told->why, MML_WHY_WATERMARK);
	for (i = 0; i < told->nr_steps; i++) {
		const struct mml_explain_step *step = &told->step[i];

		if (step->what == MML_STEP_KEPT)
			KUNIT_EXPECT_EQ(test, step->value, 0);
		if (step->what != MML_STEP_ZONE)
			continue;
		KUNIT_EXPECT_EQ(test, step->arg, zones ? MML_ZONE_DMA : MML_ZONE_DMA32);
		KUNIT_EXPECT_EQ(test, step->value, zones ? 112 : 192);
		KUNIT_EXPECT_EQ(test, step->wanted, zones ? 113 : 193);
		zones++;
	}
	KUNIT_EXPECT_EQ(test, zones, 2);
	mml_test_give(machine, &taken);
}

/* A refill leaves the zone its low mark: only what was asked for is taken below. */
static void mml_watermark_test_refill(struct kunit *test)
{
	struct mml_machine *machine = mml_test_marked(test, MML_TEST_FRAMES);
	struct mml_zone *dma32 = mml_test_zone_type(machine, MML_ZONE_DMA32);
	struct mml_frame_list taken;
	struct mml_page *page;

	mml_frame_list_init(&taken);
	do {
		page = mml_alloc_pages(machine, GFP_KERNEL, 0);
		KUNIT_ASSERT_NOT_NULL(test, page);
		mml_frame_list_add(machine, &taken, page);
		KUNIT_ASSERT_GE(test, dma32->nr_free, 240);
	} while (page->zid == MML_ZONE_DMA32);
	KUNIT_EXPECT_EQ(test, dma32->nr_free, 240);
	mml_test_give(machine, &taken);
}

/*
 * The highatomic reserve: large zones have it.
 */

#define MML_TEST_LARGE		(SZ_16M + SZ_256M)

static void mml_watermark_test_highatomic(struct kunit *test)
{
	struct mml_machine *machine = mml_test_marked(test, MML_TEST_LARGE >> PAGE_SHIFT);
	struct mml_zone *zone = mml_test_zone_type(machine, MML_ZONE_DMA32);
	struct mml_page *page, *second;
	struct mml_frame_list taken;
	u32 pfn;

	mml_frame_list_init(&taken);
	/* As long as there is plenty, nothing is reserved. */
	page = mml_alloc_pages(machine, GFP_ATOMIC, 2);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, zone->nr_reserved_highatomic, 0);
	__mml_free_pages(machine, page, 2);

	mml_test_take(machine, GFP_DMA, &taken);
	mml_test_take(machine, GFP_KERNEL | __GFP_MOVABLE, &taken);
	/* Free a pageblock's worth of one pageblock but its first frame: that is below low. */
	page = mml_alloc_pages(machine, GFP_ATOMIC, 2);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, zone->nr_reserved_highatomic, MML_PAGEBLOCK_FRAMES);
	KUNIT_EXPECT_EQ(test, mml_page_migratetype(zone, page), MML_MIGRATE_HIGHATOMIC);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);

	/* It comes back to it, not to this CPU's list, and serves the next such request. */
	pfn = page - machine->memmap;
	KUNIT_EXPECT_GT(test, mml_nr_free_special(zone, MML_MIGRATE_HIGHATOMIC), 0);
	__mml_free_pages(machine, page, 2);
	KUNIT_EXPECT_EQ(test, machine->memmap[pfn].state == MML_FRAME_PCP, false);
	second = mml_alloc_pages(machine, GFP_ATOMIC, 2);
	KUNIT_ASSERT_NOT_NULL(test, second);
	KUNIT_EXPECT_EQ(test, ALIGN_DOWN(second - machine->memmap, MML_PAGEBLOCK_FRAMES),
			ALIGN_DOWN(pfn, MML_PAGEBLOCK_FRAMES));
	KUNIT_EXPECT_EQ(test, zone->nr_reserved_highatomic, MML_PAGEBLOCK_FRAMES);
	__mml_free_pages(machine, second, 2);

	/* Before others fail it is given up. */
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL, 0));
	KUNIT_EXPECT_EQ(test, zone->nr_reserved_highatomic, 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_special(zone, MML_MIGRATE_HIGHATOMIC), 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	mml_test_give(machine, &taken);
}

/* Given up while it is all free, a reserved pageblock merges with what is beside it. */
static void mml_watermark_test_unreserve_whole(struct kunit *test)
{
	struct mml_machine *machine = mml_test_marked(test, MML_TEST_LARGE >> PAGE_SHIFT);
	struct mml_zone *zone = mml_test_zone_type(machine, MML_ZONE_DMA32);
	const struct mml_zonelist *zonelist =
		mml_node_zonelist(mml_buddy(machine), 0, GFP_KERNEL);
	const struct mml_alloc_context ac = {
		.machine = machine,
		.zonelist = zonelist,
		.preferred_zoneref = zonelist->preferred[MML_ZONE_NORMAL],
		.highest_zoneidx = MML_ZONE_NORMAL,
		.migratetype = MML_MIGRATE_UNMOVABLE,
	};
	static const unsigned int orders[] = { 2, MML_PAGEBLOCK_ORDER, MML_MAX_ORDER };
	int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, orders[i]);

		KUNIT_ASSERT_NOT_NULL(test, page);
		mml_drain_all_pages(machine);
		mml_reserve_highatomic_pageblock(zone, page, orders[i]);
		KUNIT_EXPECT_GT(test, zone->nr_reserved_highatomic, 0);
		__mml_free_pages(machine, page, orders[i]);
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		KUNIT_EXPECT_TRUE(test, mml_unreserve_highatomic_pageblock(&ac, true));
		KUNIT_EXPECT_EQ(test, zone->nr_reserved_highatomic, 0);
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		mml_drain_all_pages(machine);
		KUNIT_EXPECT_EQ(test, mml_nr_free_blocks(zone, MML_MAX_ORDER),
				zone->managed >> MML_MAX_ORDER);
	}
}

/*
 * Pageblocks are not mixed, as long as there are other ones.
 */

/* Zone NORMAL has movable fragments only, DMA32 whole blocks: these come first. */
static void mml_watermark_test_nofragment(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = (SZ_4G >> PAGE_SHIFT) + 2 * MML_SECTION_FRAMES,
			       .memmap_only = true, .seed = 1);
	struct mml_zone *normal = mml_test_zone_type(machine, MML_ZONE_NORMAL);
	struct mml_page *held[4], *page;
	struct mml_frame_list taken;
	int i;

	mml_frame_list_init(&taken);
	/* A movable frame in each half of it: no whole pageblock is free. */
	for (i = 0; i < ARRAY_SIZE(held); i++) {
		held[i] = mml_alloc_pages(machine, GFP_KERNEL | __GFP_MOVABLE, 9);
		KUNIT_ASSERT_NOT_NULL(test, held[i]);
		KUNIT_ASSERT_EQ(test, held[i]->zid, MML_ZONE_NORMAL);
	}
	__mml_free_pages(machine, held[0], 9);
	mml_drain_all_pages(machine);
	page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_MOVABLE, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, page->zid, MML_ZONE_NORMAL);
	mml_drain_all_pages(machine);
	KUNIT_ASSERT_EQ(test, normal->nr_free, MML_PAGEBLOCK_FRAMES - 1);
	held[0] = page;

	page = mml_alloc_pages(machine, GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page->zid, MML_ZONE_DMA32);
	__mml_free_pages(machine, page, 0);
	/* Where there is nothing else, they are mixed after all. */
	mml_drain_all_pages(machine);
	while ((page = mml_alloc_pages(machine, GFP_DMA32, MML_MAX_ORDER)))
		mml_frame_list_add(machine, &taken, page);
	page = mml_alloc_pages(machine, GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page->zid, MML_ZONE_NORMAL);
	__mml_free_pages(machine, page, 0);

	__mml_free_pages(machine, held[0], 0);
	for (i = 1; i < ARRAY_SIZE(held); i++)
		__mml_free_pages(machine, held[i], 9);
	while ((page = mml_frame_list_pop(machine, &taken)))
		mml_put_page(machine, page);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

static struct kunit_case mml_watermark_cases[] = {
	KUNIT_CASE(mml_watermark_test_min_free),
	KUNIT_CASE(mml_watermark_test_marks),
	KUNIT_CASE(mml_watermark_test_movable),
	KUNIT_CASE(mml_watermark_test_lowmem_reserve),
	KUNIT_CASE_PARAM(mml_watermark_test_ok, mml_watermark_ok_gen_params),
	KUNIT_CASE(mml_watermark_test_reserves),
	KUNIT_CASE(mml_watermark_test_bulk),
	KUNIT_CASE(mml_watermark_test_explain),
	KUNIT_CASE(mml_watermark_test_refill),
	KUNIT_CASE(mml_watermark_test_highatomic),
	KUNIT_CASE(mml_watermark_test_unreserve_whole),
	KUNIT_CASE(mml_watermark_test_nofragment),
	{}
};

static struct kunit_suite mml_watermark_suite = {
	.name = "mml_watermark",
	.test_cases = mml_watermark_cases,
};
kunit_test_suite(mml_watermark_suite);
