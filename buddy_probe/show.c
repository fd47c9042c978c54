// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator's files in debugfs.
 *
 * Kernel counterpart: mm/vmstat.c: frag_show(), pagetypeinfo_show(), unusable_show(),
 * extfrag_show(), each a line a zone that has frames. Same formats. Differences: mixed pageblocks are counted without
 * page_owner, for frames know their mobility; drain_pages has no counterpart of its own.
 *
 * Locking: none, counts are read while they change, as there. The walk over the memmap
 * takes zone->lock, a pageblock at a time.
 */
#include <kunit/visibility.h>
#include <linux/math64.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"

const char * const mml_migratetype_names[MML_MIGRATE_TYPES] = {
	[MML_MIGRATE_UNMOVABLE]		= "Unmovable",
	[MML_MIGRATE_MOVABLE]		= "Movable",
	[MML_MIGRATE_RECLAIMABLE]	= "Reclaimable",
	[MML_MIGRATE_HIGHATOMIC]	= "HighAtomic",
	[MML_MIGRATE_CMA]		= "CMA",
	[MML_MIGRATE_ISOLATE]		= "Isolate",
};

/* What lines about a zone begin with. */
static void mml_show_zone_name(struct seq_file *seq, const struct mml_zone *zone)
{
	seq_printf(seq, "Node %d, zone %8s ", zone->nid, mml_zone_names[zone->zid]);
}

/* Show something of each zone that has frames. */
static void mml_show_zones(struct seq_file *seq,
			   void (*show)(struct seq_file *seq, struct mml_zone *zone))
{
	struct mml_buddy *buddy = mml_buddy(seq->private);
	struct mml_zone *zone;
	int i;

	mml_for_each_populated_zone(buddy, zone, i)
		show(seq, zone);
}

static void mml_show_free_blocks(struct seq_file *seq, struct mml_zone *zone)
{
	int order;

	mml_show_zone_name(seq, zone);
	for (order = 0; order < MML_NR_ORDERS; order++)
		seq_printf(seq, "%6lu ", mml_nr_free_blocks(zone, order));
	seq_putc(seq, '\n');
}

static int mml_buddyinfo_show(struct seq_file *seq, void *unused)
{
	mml_show_zones(seq, mml_show_free_blocks);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_buddyinfo);

/*
 * pagetypeinfo
 */

static void mml_show_free_by_type(struct seq_file *seq, struct mml_zone *zone)
{
	int migratetype, order;

	for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++) {
		seq_printf(seq, "Node %4d, zone %8s, type %12s ", zone->nid,
			   mml_zone_names[zone->zid], mml_migratetype_names[migratetype]);
		for (order = 0; order < MML_NR_ORDERS; order++)
			seq_printf(seq, "%6u ",
				   READ_ONCE(zone->free_area[order].free_list[migratetype].nr));
		seq_putc(seq, '\n');
	}
}

/* Has the pageblock at @pfn an allocated block of another mobility than its own? */
static bool mml_pageblock_mixed(struct mml_zone *zone, unsigned long pfn)
{
	enum mml_migratetype migratetype = mml_get_pageblock_migratetype(zone, pfn);
	unsigned long end = min(pfn + MML_PAGEBLOCK_FRAMES, zone->machine->nr_frames);

	lockdep_assert_held(&zone->lock);

	for (; pfn < end; pfn++) {
		const struct mml_page *page = &zone->machine->memmap[pfn];

		if (READ_ONCE(page->state) == MML_FRAME_ALLOCATED &&
		    READ_ONCE(page->mobility) != migratetype)
			return true;
	}
	return false;
}

/* How many pageblocks there are of each migratetype, and how many of them are mixed. */
static void mml_count_pageblocks(struct mml_zone *zone, unsigned long *nr,
				 unsigned long *mixed)
{
	unsigned long pfn, flags;

	for (pfn = zone->start_pfn; pfn < mml_zone_end_pfn(zone);
	     pfn += MML_PAGEBLOCK_FRAMES) {
		enum mml_migratetype migratetype;

		spin_lock_irqsave(&zone->lock, flags);
		migratetype = mml_get_pageblock_migratetype(zone, pfn);
		if (mml_pfn_present(zone->machine, pfn)) {
			nr[migratetype]++;
			mixed[migratetype] += mml_pageblock_mixed(zone, pfn);
		}
		spin_unlock_irqrestore(&zone->lock, flags);
		cond_resched();
	}
}

static void mml_show_pageblocks_head(struct seq_file *seq, const char *what)
{
	int migratetype;

	seq_printf(seq, "\n%-23s", what);
	for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++)
		seq_printf(seq, "%12s ", mml_migratetype_names[migratetype]);
	seq_putc(seq, '\n');
}

static void mml_show_pageblocks(struct seq_file *seq, struct mml_zone *zone, bool mixed)
{
	unsigned long nr[2][MML_MIGRATE_TYPES] = {};
	int migratetype;

	mml_count_pageblocks(zone, nr[false], nr[true]);
	mml_show_zone_name(seq, zone);
	for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++)
		seq_printf(seq, "%12lu ", nr[mixed][migratetype]);
	seq_putc(seq, '\n');
}

static void mml_show_all_pageblocks(struct seq_file *seq, struct mml_zone *zone)
{
	mml_show_pageblocks(seq, zone, false);
}

static void mml_show_mixed_pageblocks(struct seq_file *seq, struct mml_zone *zone)
{
	mml_show_pageblocks(seq, zone, true);
}

static int mml_pagetypeinfo_show(struct seq_file *seq, void *unused)
{
	int order;

	seq_printf(seq, "Page block order: %d\n", MML_PAGEBLOCK_ORDER);
	seq_printf(seq, "Pages per block:  %lu\n\n", MML_PAGEBLOCK_FRAMES);
	seq_printf(seq, "%-43s ", "Free pages count per migrate type at order");
	for (order = 0; order < MML_NR_ORDERS; order++)
		seq_printf(seq, "%6d ", order);
	seq_putc(seq, '\n');
	mml_show_zones(seq, mml_show_free_by_type);
	mml_show_pageblocks_head(seq, "Number of blocks type ");
	mml_show_zones(seq, mml_show_all_pageblocks);
	mml_show_pageblocks_head(seq, "Number of mixed blocks ");
	mml_show_zones(seq, mml_show_mixed_pageblocks);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_pagetypeinfo);

/*
 * extfrag/: two indices of fragmentation, by order
 */

/* The kernel's struct contig_page_info. */
struct mml_contig_page_info {
	unsigned long free_pages;
	unsigned long free_blocks_total;
	unsigned long free_blocks_suitable;
};

static void mml_fill_contig_page_info(const struct mml_zone *zone,
				      unsigned int suitable_order,
				      struct mml_contig_page_info *info)
{
	unsigned int order;

	*info = (struct mml_contig_page_info){};
	for (order = 0; order < MML_NR_ORDERS; order++) {
		unsigned long blocks = mml_nr_free_blocks(zone, order);

		info->free_blocks_total += blocks;
		info->free_pages += blocks << order;
		if (order >= suitable_order)
			info->free_blocks_suitable += blocks << (order - suitable_order);
	}
}

/* How much of what is free is of no use for @order? 0: nothing; 1000: all. */
int mml_unusable_free_index(const struct mml_zone *zone, unsigned int order)
{
	struct mml_contig_page_info info;

	mml_fill_contig_page_info(zone, order, &info);
	if (!info.free_pages)
		return 1000;
	return div64_u64((info.free_pages - (info.free_blocks_suitable << order)) * 1000ULL,
			 info.free_pages);
}
EXPORT_SYMBOL_IF_KUNIT(mml_unusable_free_index);

/*
 * Why would a request of @order fail? Near 0: for lack of memory; near 1000: for its
 * being in pieces; -1000: it would not.
 */
int mml_fragmentation_index(const struct mml_zone *zone, unsigned int order)
{
	struct mml_contig_page_info info;

	mml_fill_contig_page_info(zone, order, &info);
	if (!info.free_blocks_total)
		return 0;
	if (info.free_blocks_suitable)
		return -1000;
	return 1000 - div64_u64(1000 + (info.free_pages * 1000ULL >> order),
				info.free_blocks_total);
}
EXPORT_SYMBOL_IF_KUNIT(mml_fragmentation_index);

static void mml_show_unusable(struct seq_file *seq, struct mml_zone *zone)
{
	int order, index;

	mml_show_zone_name(seq, zone);
	for (order = 0; order < MML_NR_ORDERS; order++) {
		index = mml_unusable_free_index(zone, order);
		seq_printf(seq, "%d.%03d ", index / 1000, index % 1000);
	}
	seq_putc(seq, '\n');
}

static int mml_unusable_index_show(struct seq_file *seq, void *unused)
{
	mml_show_zones(seq, mml_show_unusable);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_unusable_index);

static void mml_show_extfrag(struct seq_file *seq, struct mml_zone *zone)
{
	int order, index;

	mml_show_zone_name(seq, zone);
	for (order = 0; order < MML_NR_ORDERS; order++) {
		index = mml_fragmentation_index(zone, order);
		seq_printf(seq, "%2d.%03d ", index / 1000, index % 1000);
	}
	seq_putc(seq, '\n');
}

static int mml_extfrag_index_show(struct seq_file *seq, void *unused)
{
	mml_show_zones(seq, mml_show_extfrag);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_extfrag_index);

/* Whatever is written: all CPUs give back what they keep. */
static ssize_t mml_drain_pages_write(struct file *file, const char __user *buf,
				     size_t len, loff_t *pos)
{
	mml_drain_all_pages(file->private_data);
	return len;
}

static const struct file_operations mml_drain_pages_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = mml_drain_pages_write,
};

const struct mml_debugfs_file mml_buddy_machine_files[] = {
	{ "buddyinfo", &mml_buddyinfo_fops },
	{ "pagetypeinfo", &mml_pagetypeinfo_fops },
	{ "zoneinfo", &mml_zoneinfo_fops },
	{ "cma", &mml_cma_fops },
	{ "sections", &mml_sections_fops },
	{ "blocks", &mml_blocks_fops },
	{ "page_owner", &mml_page_owner_fops },
	{ "plant_misuse", &mml_plant_misuse_fops },
	{ "drain_pages", &mml_drain_pages_fops },
	{ "min_free_kbytes", &mml_min_free_kbytes_fops },
	{ "watermark_scale_factor", &mml_watermark_scale_factor_fops },
	{ "watermark_boost_factor", &mml_watermark_boost_factor_fops },
	{ "lowmem_reserve_ratio", &mml_lowmem_reserve_ratio_fops },
	{ "unusable_index", &mml_unusable_index_fops, "extfrag" },
	{ "extfrag_index", &mml_extfrag_index_fops, "extfrag" },
	{}
};
