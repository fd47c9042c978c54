// SPDX-License-Identifier: GPL-2.0
/*
 * A machine's vmstat, meminfo, validate, holders and shrinkers files.
 *
 * Kernel counterpart: mm/vmstat.c (vmstat_show), fs/proc/meminfo.c. Names and
 * formats as there, so that tools made for those read these; lines of what the lab
 * does not have are left out, but for Buffers, Cached and Swap*, which free(1) wants
 * and which are truly 0. Added: mml_tlb_flush, revocations of real page-table
 * entries; mml_pgaround, frames that fault-around mapped, and mml_pgaround_freed, those of
 * them that were taken back as nobody had used them; mml_nr_around, those that nobody is
 * known to have used.
 *
 * Locking: none; the counters are read while they change.
 */
#include <linux/export.h>
#include <linux/seq_file.h>

#include "mm_lab/debugfs.h"
#include "mm_lab/machine.h"
#include "mm_lab/shrinker.h"
#include "mm_lab/vmstat.h"

static const char * const mml_stat_names[] = {
	[MML_NR_FREE_PAGES]		= "nr_free_pages",
	[MML_NR_ANON_PAGES]		= "nr_anon_pages",
	[MML_NR_SHMEM]			= "nr_shmem",
	[MML_NR_SLAB_RECLAIMABLE]	= "nr_slab_reclaimable",
	[MML_NR_SLAB_UNRECLAIMABLE]	= "nr_slab_unreclaimable",
	[MML_NR_PAGE_TABLE_PAGES]	= "nr_page_table_pages",
	[MML_NR_AROUND_PAGES]		= "mml_nr_around",
	[MML_NR_COMMITTED]		= "mml_nr_committed",
	[MML_NR_COMMIT_LIMIT]		= "mml_nr_commit_limit",
};

static const char * const mml_event_names[] = {
	[MML_PGALLOC]	= "pgalloc",
	[MML_PGFREE]	= "pgfree",
	[MML_PGFAULT]	= "pgfault",
	[MML_OOM_KILL]	= "oom_kill",
	[MML_TLB_FLUSH]	= "mml_tlb_flush",
	[MML_PGLAZYFREE] = "pglazyfree",
	[MML_PGLAZYFREED] = "pglazyfreed",
	[MML_PGAROUND]	= "mml_pgaround",
	[MML_PGAROUND_FREED] = "mml_pgaround_freed",
};

/**
 * mml_vm_event - read an event counter
 * @machine: the machine
 * @item: which
 *
 * Context: any.
 * Return: how often it happened, on all CPUs.
 */
unsigned long mml_vm_event(struct mml_machine *machine, enum mml_vm_event item)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(machine->vm_events, cpu)->event[item];
	return sum;
}
EXPORT_SYMBOL_NS_GPL(mml_vm_event, MM_LAB);

static int mml_vmstat_show(struct seq_file *seq, void *unused)
{
	struct mml_machine *machine = seq->private;
	unsigned long items[MML_NR_STAT_ITEMS];
	int i;

	mml_machine_stat(machine, items);
	for (i = 0; i < MML_NR_STAT_ITEMS; i++)
		seq_printf(seq, "%s %lu\n", mml_stat_names[i], items[i]);
	for (i = 0; i < MML_NR_VM_EVENTS; i++)
		seq_printf(seq, "%s %lu\n", mml_event_names[i],
			   mml_vm_event(machine, i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_vmstat);

static void mml_meminfo_line(struct seq_file *seq, const char *name,
			     unsigned long frames)
{
	seq_printf(seq, "%-15s %8lu kB\n", name, frames << (PAGE_SHIFT - 10));
}

static int mml_meminfo_show(struct seq_file *seq, void *unused)
{
	struct mml_machine *machine = seq->private;
	unsigned long items[MML_NR_STAT_ITEMS];

	mml_machine_stat(machine, items);
	mml_meminfo_line(seq, "MemTotal:", machine->nr_present);
	mml_meminfo_line(seq, "MemFree:", items[MML_NR_FREE_PAGES]);
	mml_meminfo_line(seq, "MemAvailable:", items[MML_NR_FREE_PAGES]);
	mml_meminfo_line(seq, "Buffers:", 0);
	mml_meminfo_line(seq, "Cached:", 0);
	mml_meminfo_line(seq, "SwapCached:", 0);
	mml_meminfo_line(seq, "SwapTotal:", 0);
	mml_meminfo_line(seq, "SwapFree:", 0);
	mml_meminfo_line(seq, "AnonPages:", items[MML_NR_ANON_PAGES]);
	mml_meminfo_line(seq, "Shmem:", items[MML_NR_SHMEM]);
	mml_meminfo_line(seq, "Slab:", items[MML_NR_SLAB_RECLAIMABLE] +
			 items[MML_NR_SLAB_UNRECLAIMABLE]);
	mml_meminfo_line(seq, "SReclaimable:", items[MML_NR_SLAB_RECLAIMABLE]);
	mml_meminfo_line(seq, "SUnreclaim:", items[MML_NR_SLAB_UNRECLAIMABLE]);
	mml_meminfo_line(seq, "PageTables:", items[MML_NR_PAGE_TABLE_PAGES]);
	mml_meminfo_line(seq, "CommitLimit:", items[MML_NR_COMMIT_LIMIT]);
	mml_meminfo_line(seq, "Committed_AS:", items[MML_NR_COMMITTED]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_meminfo);

static int mml_validate_show(struct seq_file *seq, void *unused)
{
	struct mml_validation v = {};

	mml_validate(seq->private, &v);
	seq_printf(seq, "%s: %llu checks, %llu violations\n",
		   v.violations ? "FAILED" : "ok", v.checks, v.violations);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_validate);
DEFINE_SHOW_ATTRIBUTE(mml_explain);
DEFINE_SHOW_ATTRIBUTE(mml_shrinkers);

static int mml_holders_show(struct seq_file *seq, void *unused)
{
	mml_show_holders(seq->private, seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_holders);

/* The ground's own files in each machine's directory. */
const struct mml_debugfs_file mml_ground_files[] = {
	{ "vmstat",	&mml_vmstat_fops },
	{ "meminfo",	&mml_meminfo_fops },
	{ "validate",	&mml_validate_fops },
	{ "holders",	&mml_holders_fops },
	{ "plant_bug",	&mml_plant_fops },
	{ "explain",	&mml_explain_fops },
	{ "shrinkers",	&mml_shrinkers_fops },
	{}
};
