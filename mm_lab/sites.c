// SPDX-License-Identifier: GPL-2.0
/*
 * The sites of all modules that are loaded, numbered: debugfs mm_lab/alloc_sites.
 *
 * A module registers its table before it allocates anything, and takes it back as the
 * last thing it does. A number is not used again: a module that is loaded a second
 * time has others.
 *
 * Kernel counterpart: lib/codetag.c, and /proc/allocinfo of lib/alloc_tag.c.
 *
 * Locking: mml_alloc_tables_lock, a mutex, protects the list; nothing is taken under
 * it. The sites' counters are atomic.
 */
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "mm_lab/alloc.h"
#include "mm_lab/debugfs.h"

static DEFINE_MUTEX(mml_alloc_tables_lock);
static LIST_HEAD(mml_alloc_tables);	/* in the order of registration */
static u32 mml_last_alloc_site;		/* the last number given */

/**
 * mml_alloc_table_register - make a module's sites known
 * @table: made by MML_ALLOC_TABLE_END()
 *
 * Context: module init, process context.
 */
void mml_alloc_table_register(struct mml_alloc_table *table)
{
	struct mml_alloc_site **site;

	mutex_lock(&mml_alloc_tables_lock);
	for (site = table->begin; site < table->end; site++)
		(*site)->id = ++mml_last_alloc_site;
	list_add_tail(&table->node, &mml_alloc_tables);
	mutex_unlock(&mml_alloc_tables_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_table_register, MM_LAB);

/**
 * mml_alloc_table_unregister - a module's sites are about to go
 * @table: a registered one
 *
 * Context: module exit, process context.
 */
void mml_alloc_table_unregister(struct mml_alloc_table *table)
{
	mutex_lock(&mml_alloc_tables_lock);
	list_del(&table->node);
	mutex_unlock(&mml_alloc_tables_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_alloc_table_unregister, MM_LAB);

static void mml_alloc_site_show(struct seq_file *seq,
				const struct mml_alloc_table *table,
				const struct mml_alloc_site *site)
{
	char place[64];

	snprintf(place, sizeof(place), "%s:%u", site->file, site->line);
	seq_printf(seq, "%4u %-12s %-26s %-28s %-8s %7u %7u %7u\n", site->id,
		   table->module, site->function, place, site->what,
		   atomic_read(&site->calls), atomic_read(&site->failed),
		   atomic_read(&site->nofail));
}

static int mml_alloc_sites_show(struct seq_file *seq, void *unused)
{
	struct mml_alloc_table *table;
	struct mml_alloc_site **site;

	seq_puts(seq, "# Where the lab allocates, and what injections (MML_IOC_FAIL_NTH) met there:\n"
		      "# calls that they saw; those that they let fail; and calls with __GFP_NOFAIL,\n"
		      "# which must not fail, and are not counted among the others.\n");
	seq_printf(seq, "#%3s %-12s %-26s %-28s %-8s %7s %7s %7s\n", "no", "module",
		   "function", "place", "what", "calls", "failed", "nofail");
	mutex_lock(&mml_alloc_tables_lock);
	list_for_each_entry(table, &mml_alloc_tables, node)
		for (site = table->begin; site < table->end; site++)
			mml_alloc_site_show(seq, table, *site);
	mutex_unlock(&mml_alloc_tables_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_alloc_sites);

const struct mml_debugfs_file mml_root_files[] = {
	{ "alloc_sites", &mml_alloc_sites_fops },
	{}
};
