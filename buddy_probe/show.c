// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator's files in debugfs.
 *
 * Kernel counterpart: mm/vmstat.c: frag_show(), pagetypeinfo_show(), unusable_show(),
 * extfrag_show(). Same formats. Differences: mixed pageblocks are counted without
 * page_owner, for frames know their mobility; drain_pages has no counterpart of its own.
 *
 * Locking: none, counts are read while they change, as there. The walk over the memmap
 * takes zone->lock, a pageblock at a time.
 */
#include <kunit/visibility.h>
#include <linux/math64.h>

#include "buddy_probe/zone.h"

const char * const mml_migratetype_names[MML_MIGRATE_TYPES] = {
	[MML_MIGRATE_UNMOVABLE]		= "Unmovable",
	[MML_MIGRATE_MOVABLE]		= "Movable",
	[MML_MIGRATE_RECLAIMABLE]	= "Reclaimable",
};

/* What lines about the zone begin with. */
static void mml_show_zone_name(struct seq_file *seq)
{
	seq_printf(seq, "Node %d, zone %8s ", 0, "Normal");
}

static int mml_buddyinfo_show(struct seq_file *seq, void *unused)
{
	struct mml_zone *zone = mml_zone(seq->private);
	int order;

	mml_show_zone_name(seq);
	for (order = 0; order < MML_NR_ORDERS; order++)
		seq_printf(seq, "%6lu ", mml_nr_free_blocks(zone, order));
	seq_putc(seq, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_buddyinfo);

/*
 * pagetypeinfo
 */

static void mml_show_free_by_type(struct seq_file *seq, struct mml_zone *zone)
{
	int migratetype, order;

	seq_printf(seq, "%-43s ", "Free pages count per migrate type at order");
	for (order = 0; order < MML_NR_ORDERS; order++)
		seq_printf(seq, "%6d ", order);
	seq_putc(seq, '\n');
	for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++) {
		seq_printf(seq, "Node %4d, zone %8s, type %12s ", 0, "Normal",
			   mml_migratetype_names[migratetype]);
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

	for (pfn = 0; pfn < zone->machine->nr_frames; pfn += MML_PAGEBLOCK_FRAMES) {
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

static void mml_show_pageblocks(struct seq_file *seq, const char *what,
				const unsigned long *nr)
{
	int migratetype;

	seq_printf(seq, "\n%-23s", what);
	for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++)
		seq_printf(seq, "%12s ", mml_migratetype_names[migratetype]);
	seq_putc(seq, '\n');
	mml_show_zone_name(seq);
	for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++)
		seq_printf(seq, "%12lu ", nr[migratetype]);
	seq_putc(seq, '\n');
}

static int mml_pagetypeinfo_show(struct seq_file *seq, void *unused)
{
	unsigned long nr[MML_MIGRATE_TYPES] = {}, mixed[MML_MIGRATE_TYPES] = {};
	struct mml_zone *zone = mml_zone(seq->private);

	seq_printf(seq, "Page block order: %d\n", MML_PAGEBLOCK_ORDER);
	seq_printf(seq, "Pages per block:  %lu\n\n", MML_PAGEBLOCK_FRAMES);
	mml_show_free_by_type(seq, zone);
	mml_count_pageblocks(zone, nr, mixed);
	mml_show_pageblocks(seq, "Number of blocks type ", nr);
	mml_show_pageblocks(seq, "Number of mixed blocks ", mixed);
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

static int mml_unusable_index_show(struct seq_file *seq, void *unused)
{
	int order, index;

	mml_show_zone_name(seq);
	for (order = 0; order < MML_NR_ORDERS; order++) {
		index = mml_unusable_free_index(mml_zone(seq->private), order);
		seq_printf(seq, "%d.%03d ", index / 1000, index % 1000);
	}
	seq_putc(seq, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_unusable_index);

static int mml_extfrag_index_show(struct seq_file *seq, void *unused)
{
	int order, index;

	mml_show_zone_name(seq);
	for (order = 0; order < MML_NR_ORDERS; order++) {
		index = mml_fragmentation_index(mml_zone(seq->private), order);
		seq_printf(seq, "%2d.%03d ", index / 1000, index % 1000);
	}
	seq_putc(seq, '\n');
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
	{ "blocks", &mml_blocks_fops },
	{ "drain_pages", &mml_drain_pages_fops },
	{ "unusable_index", &mml_unusable_index_fops, "extfrag" },
	{ "extfrag_index", &mml_extfrag_index_fops, "extfrag" },
	{}
};
