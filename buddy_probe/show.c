// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator's files in debugfs.
 *
 * Kernel counterpart: mm/vmstat.c's frag_show(). Same format.
 *
 * Locking: none; counts are read while they change, as there.
 */
#include "buddy_probe/zone.h"

static int mml_buddyinfo_show(struct seq_file *seq, void *unused)
{
	struct mml_zone *zone = mml_zone(seq->private);
	int order;

	seq_printf(seq, "Node %d, zone %8s ", 0, "Normal");
	for (order = 0; order < MML_NR_ORDERS; order++)
		seq_printf(seq, "%6u ", READ_ONCE(zone->free_area[order].free_list.nr));
	seq_putc(seq, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_buddyinfo);

const struct mml_debugfs_file mml_buddy_machine_files[] = {
	{ "buddyinfo", &mml_buddyinfo_fops },
	{}
};
