// SPDX-License-Identifier: GPL-2.0
/*
 * The file zoneinfo in debugfs.
 *
 * Kernel counterpart: zoneinfo_show(), mm/vmstat.c, same format: of the items of a zone
 * those that there are; high and batch of a CPU are the sum and the largest of its
 * lists' sizes.
 *
 * Locking: none for counts, they are read while they change, as there; buddy->hotplug_lock
 * for the CMA areas.
 */
#include "buddy_probe/internal.h"

static void mml_show_pageset(struct seq_file *seq, const struct mml_per_cpu_pages *pcp,
			     int cpu)
{
	unsigned long high = 0, batch = 0;
	int i;

	for (i = 0; i < MML_NR_PCP_LISTS; i++) {
		unsigned long size = READ_ONCE(pcp->list[i].size);

		/* A stack of that size, and a spare one. */
		high += 2 * size << mml_pcp_order(i);
		batch = max(batch, size);
	}
	seq_printf(seq, "    cpu: %i\n", cpu);
	seq_printf(seq, "              count: %lu\n", mml_pcp_pages(pcp));
	seq_printf(seq, "              high:  %lu\n", high);
	seq_printf(seq, "              batch: %lu\n", batch);
	seq_puts(seq, "  vm stats threshold: 0\n");
}

static void mml_show_pages(struct seq_file *seq, const struct mml_zone *zone)
{
	static const char * const names[MML_NR_WMARK] = { "min", "low", "high", "promo" };
	int i;

	seq_printf(seq, "  pages free     %lu\n", READ_ONCE(zone->nr_free));
	seq_printf(seq, "        boost    %lu\n", READ_ONCE(zone->watermark_boost));
	for (i = 0; i < MML_NR_WMARK; i++)
		seq_printf(seq, "        %-8s %lu\n", names[i], mml_wmark_pages(zone, i));
	seq_printf(seq, "        spanned  %lu\n", zone->spanned);
	seq_printf(seq, "        present  %lu\n", READ_ONCE(zone->present));
	seq_printf(seq, "        managed  %lu\n", READ_ONCE(zone->managed));
	seq_printf(seq, "        cma      %lu\n", mml_zone_cma_pages(zone));
	seq_printf(seq, "        protection: (%lu", READ_ONCE(zone->lowmem_reserve[0]));
	for (i = 1; i < MML_MAX_NR_ZONES; i++)
		seq_printf(seq, ", %lu", READ_ONCE(zone->lowmem_reserve[i]));
	seq_puts(seq, ")\n");
}

static void mml_show_zoneinfo(struct seq_file *seq, const struct mml_zone *zone)
{
	int cpu;

	seq_printf(seq, "Node %d, zone %8s\n", zone->nid, mml_zone_names[zone->zid]);
	mml_show_pages(seq, zone);
	if (!zone->pcp)
		return;
	seq_printf(seq, "      nr_free_pages %lu\n", READ_ONCE(zone->nr_free));
	seq_printf(seq, "      nr_free_cma  %lu\n",
		   mml_nr_free_special(zone, MML_MIGRATE_CMA));
	seq_puts(seq, "  pagesets\n");
	for_each_online_cpu(cpu)
		mml_show_pageset(seq, per_cpu_ptr(zone->pcp, cpu), cpu);
	seq_puts(seq, "  node_unreclaimable:  0\n");
	seq_printf(seq, "  start_pfn:           %lu\n", zone->start_pfn);
}

/* All zones of all nodes, also those without frames, as there. */
static int mml_zoneinfo_show(struct seq_file *seq, void *unused)
{
	const struct mml_buddy *buddy = mml_buddy(seq->private);
	int nid, zid;

	for (nid = 0; nid < buddy->nr_nodes; nid++)
		for (zid = 0; zid < MML_MAX_NR_ZONES; zid++)
			mml_show_zoneinfo(seq, &buddy->node[nid]->node_zones[zid]);
	return 0;
}

static int mml_zoneinfo_open(struct inode *inode, struct file *file)
{
	return single_open(file, mml_zoneinfo_show, inode->i_private);
}

const struct file_operations mml_zoneinfo_fops = {
	.owner = THIS_MODULE,
	.open = mml_zoneinfo_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};
