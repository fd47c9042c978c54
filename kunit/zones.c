// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_zones: where nodes and zones begin and end, in which order requests look at
 * them, and that each request gets what it may have.
 *
 * The orders of nodes were worked out by hand from find_next_best_node() and
 * build_zonelists(), mm/page_alloc.c.
 */
#include <linux/bitmap.h>

#include "buddy_probe/internal.h"
#include "kunit/machine.h"

#define DMA		MML_ZONE_DMA
#define DMA32		MML_ZONE_DMA32
#define NORMAL		MML_ZONE_NORMAL
#define MOVABLE		MML_ZONE_MOVABLE

#define SECTION		MML_SECTION_FRAMES
#define MML_TEST_4G	(SZ_4G >> PAGE_SHIFT)

/*
 * Borders.
 */

/* A zone, and how many frames it has. */
struct mml_test_zone_at {
	int nid;
	enum mml_zone_type zid;
	unsigned long start;
	unsigned long spanned;
};

static const struct mml_zones_case {
	const char *name;
	unsigned long frames;
	struct mml_topology topology;
	struct mml_test_zone_at want[8];	/* up to one without frames */
} mml_zones_cases_of_borders[] = {
	{ "64 frames", 64, {}, { { 0, DMA, 0, 64 } } },
	{ "16 MiB", 4096, {}, { { 0, DMA, 0, 4096 } } },
	{ "64 MiB", 16384, {}, { { 0, DMA, 0, 4096 }, { 0, DMA32, 4096, 12288 } } },
	{ "5 GiB", MML_TEST_4G + 300, {}, {
		{ 0, DMA, 0, 4096 },
		{ 0, DMA32, 4096, MML_TEST_4G - 4096 },
		{ 0, NORMAL, MML_TEST_4G, 300 } } },
	{ "two nodes", 16384, { .nr_nodes = 2 }, {
		{ 0, DMA, 0, 4096 }, { 0, DMA32, 4096, 4096 },
		{ 1, DMA32, 8192, 8192 } } },
	{ "three nodes of ten sections", 10 * SECTION - 5, { .nr_nodes = 3 }, {
		{ 0, DMA, 0, 3 * SECTION },
		{ 1, DMA, 3 * SECTION, SECTION }, { 1, DMA32, 4096, 2 * SECTION },
		{ 2, DMA32, 6 * SECTION, 4 * SECTION - 5 } } },
	{ "movable ends of two nodes", 16384, { .nr_nodes = 2, .movable = 4096 }, {
		{ 0, DMA, 0, 4096 }, { 0, DMA32, 4096, 2048 }, { 0, MOVABLE, 6144, 2048 },
		{ 1, DMA32, 8192, 6144 }, { 1, MOVABLE, 14336, 2048 } } },
	{ "nearly all movable", 4096, { .movable = 4095 }, {
		{ 0, DMA, 0, SECTION }, { 0, MOVABLE, SECTION, 3 * SECTION } } },
};
KUNIT_ARRAY_PARAM_DESC(mml_zones_border, mml_zones_cases_of_borders, name);

static void mml_zones_test_borders(struct kunit *test)
{
	const struct mml_zones_case *param = test->param_value;
	struct mml_machine *machine =
		mml_test_build(test, .frames = param->frames, .memmap_only = true,
			       .topology = param->topology);
	struct mml_buddy *buddy = mml_buddy(machine);
	unsigned int i;

	for (i = 0; param->want[i].spanned; i++) {
		const struct mml_test_zone_at *want = &param->want[i];

		KUNIT_ASSERT_LT(test, i, buddy->nr_zones);
		KUNIT_EXPECT_EQ(test, buddy->zone[i]->nid, want->nid);
		KUNIT_EXPECT_EQ(test, buddy->zone[i]->zid, want->zid);
		KUNIT_EXPECT_EQ(test, buddy->zone[i]->start_pfn, want->start);
		KUNIT_EXPECT_EQ(test, buddy->zone[i]->spanned, want->spanned);
		KUNIT_EXPECT_EQ(test, buddy->zone[i]->managed, want->spanned);
		KUNIT_EXPECT_EQ(test, buddy->zone[i]->nr_free, want->spanned);
		KUNIT_EXPECT_PTR_EQ(test, buddy->zone[i],
				    mml_page_zone(buddy, &machine->memmap[want->start]));
	}
	KUNIT_EXPECT_EQ(test, buddy->nr_zones, i);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), param->frames);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* Holes: only what is there is present; a zone of holes is none. */
static void mml_zones_test_holes(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .sections = { SECTION, 0, SECTION, 301 },
			       .topology.nr_nodes = 2);
	struct mml_buddy *buddy = mml_buddy(machine);

	KUNIT_EXPECT_EQ(test, buddy->nr_zones, 2);
	KUNIT_EXPECT_EQ(test, buddy->zone[0]->spanned, 2 * SECTION);
	KUNIT_EXPECT_EQ(test, buddy->zone[0]->present, SECTION);
	KUNIT_EXPECT_EQ(test, buddy->zone[1]->spanned, SECTION + 301);
	KUNIT_EXPECT_EQ(test, buddy->zone[1]->present, SECTION + 301);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* What there cannot be. */
static void mml_zones_test_refused(struct kunit *test)
{
	static const struct {
		unsigned long frames;
		struct mml_topology topology;
	} bad[] = {
		{ 4096, { .nr_nodes = MML_MAX_NUMNODES + 1 } },
		{ 2 * SECTION, { .nr_nodes = 3 } },
		{ 4096, { .movable = 4096 } },
		{ 4096, { .nr_nodes = 2, .distance[0][1] = 10 } },
		{ 4096, { .nr_nodes = 2, .distance[1][1] = 11 } },
		{ 4096, { .nr_nodes = 2, .distance[1][0] = 9 } },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mml_machine_spec spec = {
			.name = "kunit",
			.frames = bad[i].frames,
			.backend = MML_BACKEND_MEMMAP,
			.topology = bad[i].topology,
		};

		KUNIT_EXPECT_EQ(test, PTR_ERR(mml_machine_create(&spec)), -EINVAL);
	}
}

/*
 * Zonelists.
 */

#define PAIRS { { 10, 12, 30, 30 }, { 12, 10, 30, 30 }, \
		{ 30, 30, 10, 12 }, { 30, 30, 12, 10 } }

static const struct mml_zones_order {
	const char *name;
	struct mml_topology topology;
	int want[4][4];
} mml_zones_orders[] = {
	{ "all as far", { .nr_nodes = 4 },
		{ { 0, 1, 2, 3 }, { 1, 2, 3, 0 }, { 2, 3, 0, 1 }, { 3, 0, 1, 2 } } },
	{ "two pairs", { .nr_nodes = 4, .distance = PAIRS },
		{ { 0, 1, 2, 3 }, { 1, 0, 3, 2 }, { 2, 3, 0, 1 }, { 3, 2, 1, 0 } } },
};
KUNIT_ARRAY_PARAM_DESC(mml_zones_order, mml_zones_orders, name);

static void mml_zones_test_order(struct kunit *test)
{
	const struct mml_zones_order *param = test->param_value;
	/* One section each: all of them of zone DMA. */
	struct mml_machine *machine =
		mml_test_build(test, .frames = 4 * SECTION, .memmap_only = true,
			       .topology = param->topology);
	int nid, i;

	for (nid = 0; nid < 4; nid++) {
		const struct mml_zonelist *all =
			mml_node_zonelist(mml_buddy(machine), nid, GFP_KERNEL);
		const struct mml_zonelist *own =
			mml_node_zonelist(mml_buddy(machine), nid, __GFP_THISNODE);

		for (i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test, all->zonerefs[i].zone->nid,
					param->want[nid][i]);
		KUNIT_EXPECT_NULL(test, all->zonerefs[4].zone);
		KUNIT_EXPECT_EQ(test, own->zonerefs[0].zone->nid, nid);
		KUNIT_EXPECT_NULL(test, own->zonerefs[1].zone);
	}
}

/* In a node the highest zone first; and where a request begins. */
static void mml_zones_test_types(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = MML_TEST_4G + 8 * SECTION,
			       .memmap_only = true,
			       .topology = { .nr_nodes = 2, .movable = 4 * SECTION });
	static const struct {
		int nid;
		enum mml_zone_type zid;
	} want[] = { { 1, MOVABLE }, { 1, NORMAL }, { 1, DMA32 },
		     { 0, MOVABLE }, { 0, DMA32 }, { 0, DMA } };
	const struct mml_zonelist *list;
	int i;

	list = mml_node_zonelist(mml_buddy(machine), 1, GFP_KERNEL);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		KUNIT_EXPECT_EQ(test, list->zonerefs[i].zone->nid, want[i].nid);
		KUNIT_EXPECT_EQ(test, list->zonerefs[i].zone->zid, want[i].zid);
		KUNIT_EXPECT_EQ(test, list->zonerefs[i].zone_idx, want[i].zid);
	}
	KUNIT_EXPECT_NULL(test, list->zonerefs[i].zone);
	KUNIT_EXPECT_PTR_EQ(test, list->preferred[MOVABLE], &list->zonerefs[0]);
	KUNIT_EXPECT_PTR_EQ(test, list->preferred[NORMAL], &list->zonerefs[1]);
	KUNIT_EXPECT_PTR_EQ(test, list->preferred[DMA32], &list->zonerefs[2]);
	KUNIT_EXPECT_PTR_EQ(test, list->preferred[DMA], &list->zonerefs[5]);
	list = mml_node_zonelist(mml_buddy(machine), 1, __GFP_THISNODE);
	KUNIT_EXPECT_NULL(test, list->preferred[DMA]->zone);
	KUNIT_EXPECT_EQ(test, list->preferred[DMA32]->zone->zid, DMA32);
}

/* gfp_zone() on x86-64; what it has no answer for gets what suits all that was said. */
static void mml_zones_test_gfp(struct kunit *test)
{
	static const struct {
		gfp_t gfp;
		enum mml_zone_type want;
	} cases[] = {
		{ GFP_KERNEL, NORMAL }, { GFP_ATOMIC, NORMAL }, { GFP_NOFS, NORMAL },
		{ GFP_USER, NORMAL }, { GFP_HIGHUSER, NORMAL },
		{ GFP_HIGHUSER_MOVABLE, MOVABLE }, { GFP_TRANSHUGE, MOVABLE },
		{ GFP_KERNEL | __GFP_MOVABLE, NORMAL },
		{ GFP_DMA, DMA }, { GFP_DMA32, DMA32 },
		{ GFP_DMA | __GFP_MOVABLE, DMA }, { GFP_DMA32 | __GFP_MOVABLE, DMA32 },
		{ GFP_DMA | GFP_DMA32, DMA },
		{ GFP_DMA | __GFP_HIGHMEM, DMA },
		{ GFP_DMA32 | __GFP_HIGHMEM | __GFP_MOVABLE, DMA },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, mml_gfp_zone(cases[i].gfp), cases[i].want,
				    "gfp 0x%x", (__force unsigned int)cases[i].gfp);
}

/*
 * Requests.
 */

static struct mml_zone *mml_test_zone_of(struct mml_machine *machine, struct mml_page *page)
{
	return mml_page_zone(mml_buddy(machine), page);
}

/* Two nodes, each with an end that is movable: node 0 has DMA and DMA32 besides. */
static struct mml_machine *mml_test_two_nodes(struct kunit *test)
{
	return mml_test_build(test, .frames = 16 * SECTION, .memmap_only = true, .seed = 1,
			      .topology = { .nr_nodes = 2, .movable = 4 * SECTION });
}

/* Take all that requests of @gfp can have of @nid; one may be of any order up to @order. */
static void mml_test_take_all(struct mml_machine *machine, int nid, gfp_t gfp,
			      unsigned int order, struct mml_frame_list *taken)
{
	struct mml_page *page;

	for (; (int)order >= 0; order--)
		while ((page = mml_alloc_pages_node(machine, nid, gfp, order)))
			mml_frame_list_add(machine, taken, page);
}

static void mml_test_give_all(struct mml_machine *machine, struct mml_frame_list *taken)
{
	struct mml_page *page;

	while ((page = mml_frame_list_pop(machine, taken)))
		mml_put_page(machine, page);
}

/* The order in which node 1's requests use up the zones, by the time they are empty. */
static void mml_zones_test_fallback(struct kunit *test)
{
	struct mml_machine *machine = mml_test_two_nodes(test);
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_frame_list taken;
	struct mml_page *page;
	int i;

	static const struct {
		int nid;
		enum mml_zone_type zid;
	} want[] = { { 1, MOVABLE }, { 1, DMA32 }, { 0, MOVABLE }, { 0, DMA32 }, { 0, DMA } };

	mml_frame_list_init(&taken);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		struct mml_zone *zone = &buddy->node[want[i].nid]->node_zones[want[i].zid];

		do {
			page = mml_alloc_pages_node(machine, 1, GFP_HIGHUSER_MOVABLE, 5);
			KUNIT_ASSERT_NOT_NULL(test, page);
			KUNIT_ASSERT_PTR_EQ(test, mml_test_zone_of(machine, page), zone);
			mml_frame_list_add(machine, &taken, page);
		} while (zone->nr_free);
	}
	KUNIT_EXPECT_NULL(test, mml_alloc_pages_node(machine, 1, GFP_HIGHUSER_MOVABLE, 0));
	mml_test_give_all(machine, &taken);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
}

/* Who names a node gets frames of it only, and who must not move none of MOVABLE. */
static void mml_zones_test_bounds(struct kunit *test)
{
	struct mml_machine *machine = mml_test_two_nodes(test);
	struct mml_frame_list taken;

	mml_frame_list_init(&taken);
	mml_test_take_all(machine, 1, GFP_KERNEL | __GFP_THISNODE, 6, &taken);
	KUNIT_EXPECT_EQ(test, taken.nr, (8 - 2) * SECTION >> 6);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), (8 + 2) * SECTION);
	mml_test_take_all(machine, 1, GFP_KERNEL, 6, &taken);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), 4 * SECTION);
	mml_test_take_all(machine, 0, GFP_HIGHUSER_MOVABLE | __GFP_THISNODE, 6, &taken);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), 2 * SECTION);
	KUNIT_EXPECT_NULL(test, mml_alloc_pages_node(machine, 1, GFP_DMA | __GFP_THISNODE, 0));
	mml_test_give_all(machine, &taken);
	mml_test_take_all(machine, 1, GFP_DMA, 6, &taken);
	KUNIT_EXPECT_EQ(test, taken.nr, 4 * SECTION >> 6);
	mml_test_give_all(machine, &taken);
	mml_test_take_all(machine, 0, GFP_DMA32, 6, &taken);
	KUNIT_EXPECT_EQ(test, taken.nr, 12 * SECTION >> 6);
	mml_test_give_all(machine, &taken);

	KUNIT_EXPECT_NULL(test, mml_alloc_pages_node(machine, 2, GFP_KERNEL, 0));
	KUNIT_EXPECT_NULL(test, mml_alloc_pages_node(machine, -2, GFP_KERNEL, 0));
	mml_test_expect_reports(test, machine, 2);
	KUNIT_EXPECT_EQ(test, machine->explainer.last[MML_EXPLAIN_ALLOC].told.why,
			MML_WHY_NO_ZONE);
}

/* Without a node, this CPU's; CPUs are divided among the nodes. */
static void mml_zones_test_local(struct kunit *test)
{
	struct mml_machine *machine = mml_test_two_nodes(test);
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_page *page;
	int cpu, last = 0;

	for_each_possible_cpu(cpu) {
		int nid = per_cpu_ptr(buddy->cpu_node, cpu)->nid;

		KUNIT_EXPECT_GE(test, nid, last);
		KUNIT_EXPECT_LT(test, nid, 2);
		last = nid;
	}
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	page = mml_alloc_pages(machine, GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page->nid, mml_numa_node_id(buddy));
	__mml_free_pages(machine, page, 0);
	page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_THISNODE, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page->nid, mml_numa_node_id(buddy));
	__mml_free_pages(machine, page, 0);
	page = mml_alloc_pages_node(machine, NUMA_NO_NODE, GFP_DMA, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page->zid, DMA);
	__mml_free_pages(machine, page, 0);
}

/*
 * Random requests of all kinds: none gets what it may not have, and all holds after each.
 */

static const gfp_t mml_zones_gfp[] = {
	GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, GFP_DMA, GFP_DMA32, GFP_HIGHUSER_MOVABLE,
	GFP_KERNEL | __GFP_RECLAIMABLE, GFP_KERNEL | __GFP_MOVABLE,
	GFP_HIGHUSER_MOVABLE | __GFP_THISNODE, GFP_KERNEL | __GFP_THISNODE,
	GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL | __GFP_MEMALLOC, GFP_DMA | __GFP_HIGH,
};

/* A million, where that takes a minute and not ten. */
#define MML_ZONES_MANY		(IS_ENABLED(CONFIG_UML) ? 1000000 : 10000)

static const struct mml_zones_mix {
	const char *name;
	unsigned long frames;
	struct mml_topology topology;
	bool watermarks;
	unsigned int operations;
} mml_zones_mixes[] = {
	{ "two small nodes", 2 * SECTION, { .nr_nodes = 2 }, true, MML_ZONES_MANY },
	{ "two nodes with zones Movable", 16 * SECTION,
	  { .nr_nodes = 2, .movable = 4 * SECTION }, true, 4000 },
	{ "four, that give all", 4 * SECTION, { .nr_nodes = 4, .distance = PAIRS }, false,
	  10000 },
};
KUNIT_ARRAY_PARAM_DESC(mml_zones_mix, mml_zones_mixes, name);

struct mml_zones_held {
	struct mml_page *page;
	unsigned int order;
};

static void mml_zones_test_random(struct kunit *test)
{
	const struct mml_zones_mix *mix = test->param_value;
	const unsigned long frames = mix->frames;
	struct mml_machine *machine =
		mml_test_build(test, .frames = frames, .memmap_only = true, .seed = 1,
			       .watermarks = mix->watermarks, .topology = mix->topology);
	struct mml_zones_held *held;
	unsigned long nr = 0, free = frames, *used, pfn, at;
	struct rnd_state rnd;
	unsigned int i, order;
	struct mml_page *page;

	mml_test_seed(test, &rnd);
	used = kunit_kcalloc(test, BITS_TO_LONGS(frames), sizeof(long), GFP_KERNEL);
	held = kunit_kcalloc(test, frames, sizeof(*held), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, used);
	KUNIT_ASSERT_NOT_NULL(test, held);
	for (i = 0; i < mix->operations; i++) {
		bool filling = i / 400 % 2 == 0;

		if (!nr || (mml_test_below(&rnd, 8) > 0) == filling) {
			gfp_t gfp = mml_zones_gfp[mml_test_below(&rnd,
								 ARRAY_SIZE(mml_zones_gfp))];
			int nid = mml_test_below(&rnd, mix->topology.nr_nodes);

			/* Mostly small ones, so that there are many at a time. */
			order = min(mml_test_below(&rnd, MML_NR_ORDERS),
				    mml_test_below(&rnd, MML_NR_ORDERS));
			page = mml_alloc_pages_node(machine, nid, gfp, order);
			if (!page)
				continue;
			pfn = page - machine->memmap;
			KUNIT_ASSERT_LE(test, page->zid, mml_gfp_zone(gfp));
			if (gfp & __GFP_THISNODE)
				KUNIT_ASSERT_EQ(test, page->nid, nid);
			KUNIT_ASSERT_LE(test, pfn + (1UL << order), frames);
			KUNIT_ASSERT_GE(test, find_next_bit(used, pfn + (1UL << order), pfn),
					pfn + (1UL << order));
			bitmap_set(used, pfn, 1U << order);
			held[nr++] = (struct mml_zones_held){ page, order };
			free -= 1UL << order;
		} else {
			at = mml_test_below(&rnd, nr);
			page = held[at].page;
			order = held[at].order;
			held[at] = held[--nr];
			bitmap_clear(used, page - machine->memmap, 1U << order);
			__mml_free_pages(machine, page, order);
			free += 1UL << order;
		}
		KUNIT_ASSERT_EQ(test, mml_nr_free_pages(machine), free);
		KUNIT_ASSERT_EQ(test, mml_test_violations(machine), 0);
	}
	while (nr--)
		__mml_free_pages(machine, held[nr].page, held[nr].order);
	mml_drain_all_pages(machine);
	KUNIT_EXPECT_EQ(test, mml_test_zones_free(machine), frames);
}

static struct kunit_case mml_zones_cases[] = {
	KUNIT_CASE_PARAM(mml_zones_test_borders, mml_zones_border_gen_params),
	KUNIT_CASE(mml_zones_test_holes),
	KUNIT_CASE(mml_zones_test_refused),
	KUNIT_CASE_PARAM(mml_zones_test_order, mml_zones_order_gen_params),
	KUNIT_CASE(mml_zones_test_types),
	KUNIT_CASE(mml_zones_test_gfp),
	KUNIT_CASE(mml_zones_test_fallback),
	KUNIT_CASE(mml_zones_test_bounds),
	KUNIT_CASE(mml_zones_test_local),
	KUNIT_CASE_PARAM(mml_zones_test_random, mml_zones_mix_gen_params),
	{}
};

static struct kunit_suite mml_zones_suite = {
	.name = "mml_zones",
	.test_cases = mml_zones_cases,
};
kunit_test_suite(mml_zones_suite);
