// SPDX-License-Identifier: GPL-2.0
/*
 * Hotplug: sections of a machine at work go offline, and come back.
 *
 * Offline, a section's frames are not there: as in a hole. It goes if nothing in it is in
 * use: its pageblocks are isolated (contig.c), and taken if all is free then.
 *
 * Kernel counterpart: offline_pages() and online_pages(), mm/memory_hotplug.c;
 * /sys/devices/system/memory/memoryN/state. Differences: what is in use is not moved away; a
 * section is as large as the largest block; only whole ones go.
 *
 * The file sections in debugfs has a line a section; "offline N" or "online N" is written
 * to it.
 *
 * Locking: buddy->hotplug_lock; zone->lock inside it.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "buddy_probe/internal.h"

/* The watermarks follow what the zones have. */
static void mml_zone_size_changed(struct mml_buddy *buddy)
{
	mutex_lock(&buddy->sysctl_lock);
	mml_update_min_free_kbytes(buddy);
	mml_setup_per_zone_wmarks(buddy);
	mml_setup_per_zone_lowmem_reserve(buddy);
	mutex_unlock(&buddy->sysctl_lock);
}

/* The section's frames come to the zone, or leave it. */
static void mml_resize_zone(struct mml_zone *zone, long frames)
{
	lockdep_assert_held(&zone->lock);

	WRITE_ONCE(zone->managed, zone->managed + frames);
	WRITE_ONCE(zone->present, zone->present + frames);
}

/* It is isolated, and drained. Returns: false if not all of it is free. */
static bool mml_remove_section(struct mml_zone *zone, unsigned long start)
{
	unsigned long end = start + MML_SECTION_FRAMES, flags, pfn;
	bool all;

	spin_lock_irqsave(&zone->lock, flags);
	all = mml_isolate_freepages_range(zone, start, end);
	if (all) {
		mml_section_online(zone->machine, start, false);
		mml_resize_zone(zone, -MML_SECTION_FRAMES);
		for (pfn = start; pfn < end; pfn += MML_PAGEBLOCK_FRAMES)
			mml_set_pageblock_migratetype(zone, pfn, MML_MIGRATE_MOVABLE);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return all;
}

static int __mml_offline_section(struct mml_machine *machine, unsigned long start)
{
	struct mml_isolation isolation;
	int err;

	if (mml_section_present(machine, start) != MML_SECTION_FRAMES)
		return -EINVAL;
	err = mml_start_isolate_page_range(machine, start, start + MML_SECTION_FRAMES, false,
					   &isolation);
	/* It is there: it is kept for a purpose. */
	if (err)
		return -EBUSY;
	mml_drain_all_pages(machine);
	if (mml_remove_section(isolation.zone, start))
		return 0;
	mml_undo_isolate_page_range(&isolation);
	return -EBUSY;
}

/*
 * The page allocator comes to a machine that another one has left: all sections are online
 * to begin with.
 */
void mml_online_all_sections(struct mml_machine *machine)
{
	unsigned long start;

	for (start = 0; start < machine->nr_frames; start += MML_SECTION_FRAMES)
		if (mml_section_offline(machine, start))
			mml_section_online(machine, start, true);
}

static bool mml_section_exists(const struct mml_machine *machine, unsigned long section)
{
	return section < DIV_ROUND_UP(machine->nr_frames, MML_SECTION_FRAMES);
}

/**
 * mml_offline_section - a section's frames go
 * @machine: of which machine
 * @section: its number, frame number / MML_SECTION_FRAMES
 *
 * Context: process, may sleep.
 * Return: 0; -EBUSY if some of it is in use, or kept for a purpose; -EINVAL if there is no such
 * section, it is not whole, or offline already.
 */
int mml_offline_section(struct mml_machine *machine, unsigned long section)
{
	struct mml_buddy *buddy = mml_buddy(machine);
	int err;

	if (!mml_section_exists(machine, section))
		return -EINVAL;
	mutex_lock(&buddy->hotplug_lock);
	err = __mml_offline_section(machine, section * MML_SECTION_FRAMES);
	if (!err)
		mml_zone_size_changed(buddy);
	mutex_unlock(&buddy->hotplug_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_offline_section, MM_LAB);

static void mml_add_section(struct mml_machine *machine, unsigned long start)
{
	struct mml_zone *zone = mml_page_zone(mml_buddy(machine), &machine->memmap[start]);
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	mml_section_online(machine, start, true);
	mml_resize_zone(zone, MML_SECTION_FRAMES);
	mml_free_range(zone, start, start + MML_SECTION_FRAMES);
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mml_online_section - a section's frames come back
 * @machine: of which machine
 * @section: its number
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL if there is no such section, or it is not offline.
 */
int mml_online_section(struct mml_machine *machine, unsigned long section)
{
	struct mml_buddy *buddy = mml_buddy(machine);
	unsigned long start = section * MML_SECTION_FRAMES;
	int err = -EINVAL;

	if (!mml_section_exists(machine, section))
		return -EINVAL;
	mutex_lock(&buddy->hotplug_lock);
	if (mml_section_offline(machine, start)) {
		mml_add_section(machine, start);
		mml_zone_size_changed(buddy);
		err = 0;
	}
	mutex_unlock(&buddy->hotplug_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_online_section, MM_LAB);

/*
 * The file: position 0 is the heading, n + 1 section n.
 */

static void *mml_sections_start(struct seq_file *seq, loff_t *pos)
{
	if (!*pos)
		return SEQ_START_TOKEN;
	return mml_section_exists(seq->private, *pos - 1) ? pos : NULL;
}

static void *mml_sections_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return mml_sections_start(seq, pos);
}

static void mml_sections_stop(struct seq_file *seq, void *v)
{
}

static int mml_sections_show(struct seq_file *seq, void *v)
{
	struct mml_machine *machine = seq->private;
	unsigned long section, start, present;
	const struct mml_zone *zone;
	const char *state;

	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, "section        pfn  present node    zone state\n");
		return 0;
	}
	section = *(loff_t *)v - 1;
	start = section * MML_SECTION_FRAMES;
	present = mml_section_present(machine, start);
	zone = mml_page_zone(mml_buddy(machine), &machine->memmap[start]);
	state = mml_section_offline(machine, start) ? "offline" : present ? "online" : "hole";
	seq_printf(seq, "%7lu %10lu %8lu %4u %7s %s\n", section, start, present, zone->nid,
		   mml_zone_names[zone->zid], state);
	return 0;
}

static const struct seq_operations mml_sections_sops = {
	.start = mml_sections_start,
	.next = mml_sections_next,
	.stop = mml_sections_stop,
	.show = mml_sections_show,
};

static int mml_sections_open(struct inode *inode, struct file *file)
{
	int err = seq_open(file, &mml_sections_sops);

	if (!err)
		((struct seq_file *)file->private_data)->private = inode->i_private;
	return err;
}

/* "offline N" or "online N". */
static ssize_t mml_sections_write(struct file *file, const char __user *buf, size_t len,
				  loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	char text[32], *number;
	unsigned long section;
	int err;

	err = mml_copy_text(text, sizeof(text), buf, len);
	if (err)
		return err;
	number = strim(text);
	strsep(&number, " ");
	err = number ? kstrtoul(number, 10, &section) : -EINVAL;
	if (err)
		return -EINVAL;
	if (!strcmp(strim(text), "offline"))
		err = mml_offline_section(seq->private, section);
	else if (!strcmp(strim(text), "online"))
		err = mml_online_section(seq->private, section);
	else
		err = -EINVAL;
	return err ?: len;
}

const struct file_operations mml_sections_fops = {
	.owner = THIS_MODULE,
	.open = mml_sections_open,
	.read = seq_read,
	.write = mml_sections_write,
	.llseek = seq_lseek,
	.release = seq_release,
};
