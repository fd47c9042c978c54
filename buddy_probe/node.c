// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes, zones and zonelists: how a machine's memory is divided, and in which order
 * requests look at it.
 *
 * Lab-physical addresses begin with 0 at a machine's first frame, and mean what they mean
 * on x86-64: the first 16 MiB are zone DMA, what follows up to 4 GiB DMA32, the rest
 * NORMAL. Nodes lie one after the other, so each has those zones that its addresses
 * have. The end of each may be zone MOVABLE:
 *
 *	0       16M                          4G                               end
 *	├─ DMA ─┼────────── DMA32 ───────────┼────────────── NORMAL ───────────┤
 *	├──────────────── node 0 ────────────┴──────┬─────────── node 1 ───────┤
 *	                                    MOVABLE ┤                  MOVABLE ┤
 *
 * A request begins with the highest zone that it may have on its own node, goes on with
 * the lower ones there, and then to the next node.
 *
 * Kernel counterpart: mm/mm_init.c (free_area_init(), find_zone_movable_pfns_for_nodes()),
 * build_all_zonelists() and find_next_best_node() in mm/page_alloc.c. Differences: all
 * borders lie between sections; CPUs are divided among the nodes in the order of their
 * numbers, and all nodes have some, so no node is preferred for having none.
 *
 * Invariants, checked by mml_zone_validate(): each frame lies in the zone that its nid
 * and zid name; a zone's present frames are those that are in it.
 *
 * Locking: none. All this is constant once the machine is made.
 */
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"
#include "mm_lab/alloc.h"

const char * const mml_zone_names[MML_MAX_NR_ZONES] = {
	[MML_ZONE_DMA]		= "DMA",
	[MML_ZONE_DMA32]	= "DMA32",
	[MML_ZONE_NORMAL]	= "Normal",
	[MML_ZONE_MOVABLE]	= "Movable",
};

/* Where the zones end, but for what MOVABLE takes away. */
static const unsigned long mml_zone_limit[MML_ZONE_MOVABLE] = {
	[MML_ZONE_DMA]		= SZ_16M >> PAGE_SHIFT,
	[MML_ZONE_DMA32]	= SZ_4G >> PAGE_SHIFT,
	[MML_ZONE_NORMAL]	= ULONG_MAX,
};

/**
 * mml_numa_node - the node of the CPU that this runs on
 * @machine: of which machine
 *
 * Context: any; may change at once unless preemption is off.
 * Return: its number.
 */
int mml_numa_node(const struct mml_machine *machine)
{
	return mml_numa_node_id(mml_buddy(machine));
}
EXPORT_SYMBOL_NS_GPL(mml_numa_node, MM_LAB);

/*
 * Zones.
 */

/* Where a node's zone MOVABLE begins. Its first section never belongs to it. */
static unsigned long mml_movable_start_pfn(const struct mml_machine *machine,
					   const struct mml_pglist_data *pgdat)
{
	const struct mml_topology *topology = &machine->topology;
	unsigned long movable = topology->movable / topology->nr_nodes;
	unsigned long end = pgdat->start_pfn + pgdat->spanned;

	if (!movable)
		return end;
	movable = min(movable, pgdat->spanned);
	return max(ALIGN_DOWN(end - movable, MML_SECTION_FRAMES),
		   min(pgdat->start_pfn + MML_SECTION_FRAMES, end));
}

static unsigned long mml_present_pages(const struct mml_machine *machine,
				       unsigned long start, unsigned long end)
{
	unsigned long pfn, present = 0;

	for (pfn = start; pfn < end; pfn += MML_SECTION_FRAMES)
		present += mml_section_present(machine, pfn);
	return present;
}

/* The zone's frames know to which one they belong. */
static void mml_memmap_init_zone(struct mml_zone *zone)
{
	struct mml_page *page = &zone->machine->memmap[zone->start_pfn];
	unsigned long i;

	for (i = 0; i < zone->spanned; i++) {
		page[i].nid = zone->nid;
		page[i].zid = zone->zid;
		if (!(i % MML_SECTION_FRAMES))
			cond_resched();
	}
}

static void mml_zone_init(struct mml_buddy *buddy, struct mml_pglist_data *pgdat,
			  enum mml_zone_type zid, unsigned long start, unsigned long end)
{
	struct mml_machine *machine = buddy->machine;
	struct mml_zone *zone = &pgdat->node_zones[zid];

	zone->machine = machine;
	zone->buddy = buddy;
	zone->pageblock = buddy->pageblock;
	zone->grouping = buddy->grouping;
	zone->nid = pgdat->node_id;
	zone->zid = zid;
	zone->start_pfn = start;
	mml_free_area_init(zone);
	if (start >= end)
		return;
	zone->spanned = end - start;
	zone->present = mml_present_pages(machine, start, end);
	zone->managed = zone->present;
	mml_memmap_init_zone(zone);
	if (zone->present)
		buddy->zone[buddy->nr_zones++] = zone;
}

static void mml_node_init_zones(struct mml_buddy *buddy, struct mml_pglist_data *pgdat)
{
	unsigned long movable = mml_movable_start_pfn(buddy->machine, pgdat);
	unsigned long start = pgdat->start_pfn;
	int zid;

	for (zid = 0; zid < MML_ZONE_MOVABLE; zid++) {
		unsigned long end = min(mml_zone_limit[zid], movable);

		mml_zone_init(buddy, pgdat, zid, start, end);
		start = max(start, end);
	}
	mml_zone_init(buddy, pgdat, MML_ZONE_MOVABLE, movable,
		      pgdat->start_pfn + pgdat->spanned);
}

/*
 * Zonelists.
 */

/* How far it is to a node, in the units of the ACPI SLIT: 10 is one's own. */
int mml_node_distance(const struct mml_machine *machine, int from, int to)
{
	return machine->topology.distance[from][to];
}

/*
 * Which node is asked after those of @used? The nearest; of several that are as near,
 * the one that fewer nodes before asked first, and then the one that comes next.
 * Returns: -1: there is no more.
 */
static int mml_find_next_best_node(const struct mml_buddy *buddy, int node,
				   const int *load, unsigned long *used)
{
	int n, best = -1, min_val = INT_MAX;

	if (!test_bit(node, used)) {
		set_bit(node, used);
		return node;
	}
	for (n = 0; n < buddy->nr_nodes; n++) {
		int val = mml_node_distance(buddy->machine, node, n) + (n < node);

		val = val * MML_MAX_NUMNODES + load[n];
		if (!test_bit(n, used) && val < min_val) {
			min_val = val;
			best = n;
		}
	}
	if (best >= 0)
		set_bit(best, used);
	return best;
}

/* Add a node's zones, the highest type first. Returns: where the next one goes. */
static struct mml_zoneref *mml_build_zonerefs_node(struct mml_pglist_data *pgdat,
						   struct mml_zoneref *ref)
{
	int zid;

	for (zid = MML_MAX_NR_ZONES - 1; zid >= 0; zid--)
		if (pgdat->node_zones[zid].managed)
			*ref++ = (struct mml_zoneref){ &pgdat->node_zones[zid], zid };
	return ref;
}

static void mml_zonelist_end(struct mml_zonelist *zonelist, struct mml_zoneref *end)
{
	int highest;

	*end = (struct mml_zoneref){};
	for (highest = 0; highest < MML_MAX_NR_ZONES; highest++)
		zonelist->preferred[highest] =
			mml_next_zones_zonelist(zonelist->zonerefs, highest);
}

static void mml_build_zonelists(struct mml_buddy *buddy, struct mml_pglist_data *pgdat,
				int *load)
{
	struct mml_zonelist *zonelist =
		&pgdat->node_zonelists[MML_ZONELIST_FALLBACK];
	int local = pgdat->node_id, node, previous = local;
	struct mml_zoneref *ref = zonelist->zonerefs;
	unsigned long used = 0;

	while ((node = mml_find_next_best_node(buddy, local, load, &used)) >= 0) {
		/* Others that are as far from it shall begin with another one. */
		if (mml_node_distance(buddy->machine, local, node) !=
		    mml_node_distance(buddy->machine, local, previous))
			load[node]++;
		ref = mml_build_zonerefs_node(buddy->node[node], ref);
		previous = node;
	}
	mml_zonelist_end(zonelist, ref);

	zonelist = &pgdat->node_zonelists[MML_ZONELIST_NOFALLBACK];
	ref = mml_build_zonerefs_node(pgdat, zonelist->zonerefs);
	mml_zonelist_end(zonelist, ref);
}

static void mml_cpu_node_init(struct mml_buddy *buddy, int cpu, int nid)
{
	const struct mml_zonelist *zonelist =
		&buddy->node[nid]->node_zonelists[MML_ZONELIST_FALLBACK];
	struct mml_cpu_node *cpu_node = per_cpu_ptr(buddy->cpu_node, cpu);
	int highest;

	cpu_node->nid = nid;
	for (highest = 0; highest < MML_MAX_NR_ZONES; highest++)
		cpu_node->preferred[highest] = zonelist->preferred[highest]->zone;
}

static void mml_build_all_zonelists(struct mml_buddy *buddy)
{
	int load[MML_MAX_NUMNODES] = {};
	int nid, id, cpu;

	for (nid = 0; nid < buddy->nr_nodes; nid++)
		mml_build_zonelists(buddy, buddy->node[nid], load);
	for (id = 0; id < MML_MAX_ZONES; id++)
		buddy->page_zone[id] = buddy->zone[0];
	for (id = 0; id < buddy->nr_zones; id++)
		buddy->page_zone[mml_zone_id(buddy->zone[id])] = buddy->zone[id];
	for_each_possible_cpu(cpu)
		mml_cpu_node_init(buddy, cpu, cpu * buddy->nr_nodes / nr_cpu_ids);
}

/*
 * A machine's page allocator as a whole.
 */

/* Returns: NULL if the kernel has no memory for it. */
static struct mml_pglist_data *mml_node_create(struct mml_buddy *buddy, int nid)
{
	struct mml_machine *machine = buddy->machine;
	struct mml_pglist_data *pgdat;

	pgdat = mml_kzalloc(machine, sizeof(*pgdat), GFP_KERNEL);
	if (!pgdat)
		return NULL;
	pgdat->node_id = nid;
	pgdat->start_pfn = mml_node_start_pfn(machine, nid);
	pgdat->spanned = mml_node_start_pfn(machine, nid + 1) - pgdat->start_pfn;
	mml_node_init_zones(buddy, pgdat);
	return pgdat;
}

static void mml_buddy_free(struct mml_buddy *buddy)
{
	int nid;

	for (nid = 0; nid < buddy->nr_nodes; nid++)
		kfree(buddy->node[nid]);
	free_percpu(buddy->cpu_node);
	vfree(buddy->pageblock);
	vfree(buddy->pageblock_was);
	kfree(buddy);
}

/* As in the kernel, all pageblocks begin as movable; others claim what they need. */
static int mml_pageblocks_init(struct mml_buddy *buddy)
{
	struct mml_machine *machine = buddy->machine;

	buddy->pageblock = mml_vcalloc(machine, mml_nr_pageblocks(machine), 1);
	buddy->pageblock_was = mml_vcalloc(machine, mml_nr_pageblocks(machine), 1);
	if (!buddy->pageblock || !buddy->pageblock_was)
		return -ENOMEM;
	memset(buddy->pageblock, buddy->grouping ? MML_MIGRATE_MOVABLE : MML_MIGRATE_UNMOVABLE,
	       mml_nr_pageblocks(machine));
	return 0;
}

/* Returns: an errno, if the kernel has no memory for it; mml_buddy_free() is due. */
static int mml_buddy_build(struct mml_buddy *buddy)
{
	int nid;

	buddy->cpu_node = mml_alloc_percpu(buddy->machine, struct mml_cpu_node);
	if (!buddy->cpu_node || mml_pageblocks_init(buddy))
		return -ENOMEM;
	for (nid = 0; nid < buddy->nr_nodes; nid++) {
		buddy->node[nid] = mml_node_create(buddy, nid);
		if (!buddy->node[nid])
			return -ENOMEM;
	}
	mml_build_all_zonelists(buddy);
	mml_watermarks_init(buddy);
	return 0;
}

/* Process context, may sleep. Returns: with all frames free; or an ERR_PTR. */
struct mml_buddy *mml_buddy_create(struct mml_machine *machine)
{
	struct mml_buddy *buddy = mml_kzalloc(machine, sizeof(*buddy), GFP_KERNEL);
	struct mml_zone *zone;
	int err, i;

	if (!buddy)
		return ERR_PTR(-ENOMEM);
	mml_online_all_sections(machine);
	buddy->machine = machine;
	mutex_init(&buddy->hotplug_lock);
	mutex_init(&buddy->oom);
	INIT_LIST_HEAD(&buddy->cmas);
	buddy->nr_nodes = machine->topology.nr_nodes;
	buddy->grouping = !(machine->options & BIT(MML_OPTION_NO_GROUPING));
	err = mml_buddy_build(buddy);
	if (err)
		goto free;
	err = mml_debug_init(machine);
	if (err)
		goto free;
	err = mml_pcp_init(buddy);
	if (err)
		goto exit_debug;
	mml_for_each_populated_zone(buddy, zone, i)
		mml_free_all_pages(zone);
	return buddy;

exit_debug:
	mml_debug_exit(machine);
free:
	mml_buddy_free(buddy);
	return ERR_PTR(err);
}

void mml_buddy_destroy(struct mml_buddy *buddy)
{
	mml_pcp_exit(buddy);
	mml_debug_exit(buddy->machine);
	mml_cmas_free(buddy);
	mml_buddy_free(buddy);
}
