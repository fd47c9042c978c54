// SPDX-License-Identifier: GPL-2.0
/*
 * CMA areas: memory for large requests of one's own, lent to what can be moved meanwhile.
 *
 * An area is a row of pageblocks of migratetype CMA. Movable requests get frames of it
 * when their own pageblocks have none, or when more than half of what is free is lent
 * memory. Its owner takes and gives back ranges; which frames are his is in a bitmap.
 *
 * Kernel counterpart: mm/cma.c: cma_declare_contiguous(), cma_alloc(), cma_release().
 * Differences: an area is cut out of a machine at work, not reserved at boot; blocks freed in
 * it never go to a per-CPU list; what is in use is not moved away (contig.c), so an owner
 * gets what is free at that moment.
 *
 * Locking: buddy->hotplug_lock protects areas and their bitmaps.
 */
#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "buddy_probe/internal.h"
#include "mm_lab/alloc.h"

/**
 * struct mml_cma - an area
 * @node: on buddy->cmas
 * @machine: of which machine
 * @name: for people
 * @base: its first frame number
 * @nr: how many frames, in whole pageblocks
 * @used: which of them its owner has
 * @written: it was made by writing to debugfs, and has no other owner
 */
struct mml_cma {
	struct list_head node;
	struct mml_machine *machine;
	char name[MML_NAME_LEN];
	unsigned long base;
	unsigned long nr;
	unsigned long *used;
	bool written;
};

static struct mml_cma *mml_cma_new(struct mml_machine *machine, const char *name,
				   unsigned long nr)
{
	struct mml_cma *cma = mml_kzalloc(machine, sizeof(*cma), GFP_KERNEL);

	if (!cma)
		return NULL;
	cma->used = mml_vcalloc(machine, BITS_TO_LONGS(nr), sizeof(long));
	if (!cma->used) {
		kfree(cma);
		return NULL;
	}
	cma->machine = machine;
	cma->nr = nr;
	strscpy(cma->name, name);
	return cma;
}

static void mml_cma_free(struct mml_cma *cma)
{
	vfree(cma->used);
	kfree(cma);
}

/* Take the last range of its size that is free, from the highest zone down. */
static int mml_cma_find(struct mml_cma *cma)
{
	struct mml_buddy *buddy = mml_buddy(cma->machine);
	unsigned long pfn;
	int i, err;

	for (i = buddy->nr_zones - 1; i >= 0; i--) {
		struct mml_zone *zone = buddy->zone[i];
		unsigned long start = ALIGN(zone->start_pfn, MML_PAGEBLOCK_FRAMES);

		if (zone->spanned < cma->nr)
			continue;
		pfn = ALIGN_DOWN(mml_zone_end_pfn(zone) - cma->nr, MML_PAGEBLOCK_FRAMES);
		for (; pfn >= start; pfn -= MML_PAGEBLOCK_FRAMES) {
			err = __mml_alloc_contig_range(cma->machine, pfn,
						       pfn + cma->nr, false);
			if (!err) {
				cma->base = pfn;
				return 0;
			}
			if (pfn < MML_PAGEBLOCK_FRAMES || fatal_signal_pending(current))
				break;
			cond_resched();
		}
	}
	return -ENOMEM;
}

/* The area's pageblocks, in which all is ours, become CMA; and then all is free. */
static void mml_cma_lend(struct mml_cma *cma)
{
	struct mml_machine *machine = cma->machine;
	struct mml_zone *zone = mml_page_zone(mml_buddy(machine),
					      &machine->memmap[cma->base]);
	unsigned long flags, pfn;

	spin_lock_irqsave(&zone->lock, flags);
	for (pfn = cma->base; pfn < cma->base + cma->nr; pfn += MML_PAGEBLOCK_FRAMES)
		mml_set_pageblock_migratetype(zone, pfn, MML_MIGRATE_CMA);
	spin_unlock_irqrestore(&zone->lock, flags);
	mml_free_contig_range(machine, cma->base, cma->nr);
}

/* See mml_cma_declare(). */
static struct mml_cma *__mml_cma_declare(struct mml_machine *machine, const char *name,
					 unsigned long nr, bool written)
{
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_cma *cma;
	int err;

	if (!nr || !IS_ALIGNED(nr, MML_PAGEBLOCK_FRAMES) || !buddy->grouping)
		return ERR_PTR(-EINVAL);
	if (nr > machine->nr_frames)
		return ERR_PTR(-ENOMEM);
	cma = mml_cma_new(machine, name, nr);
	if (!cma)
		return ERR_PTR(-ENOMEM);
	cma->written = written;
	mutex_lock(&buddy->hotplug_lock);
	err = mml_cma_find(cma);
	if (!err) {
		mml_cma_lend(cma);
		list_add_tail(&cma->node, &buddy->cmas);
	}
	mutex_unlock(&buddy->hotplug_lock);
	if (!err)
		return cma;
	mml_cma_free(cma);
	return ERR_PTR(err);
}

/**
 * mml_cma_declare - make an area
 * @machine: on which machine
 * @name: for people
 * @nr: how many frames, a multiple of a pageblock's 512
 *
 * Context: process, may sleep.
 * Return: the area; an ERR_PTR: -EINVAL for such a number, or if the machine does not group
 * by mobility; -ENOMEM if there is no such range free, or no memory for bookkeeping.
 */
struct mml_cma *mml_cma_declare(struct mml_machine *machine, const char *name,
				unsigned long nr)
{
	return __mml_cma_declare(machine, name, nr, false);
}
EXPORT_SYMBOL_NS_GPL(mml_cma_declare, MM_LAB);

static void __mml_cma_destroy(struct mml_cma *cma)
{
	struct mml_machine *machine = cma->machine;
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_zone *zone = mml_page_zone(buddy, &machine->memmap[cma->base]);
	unsigned long flags;

	lockdep_assert_held(&buddy->hotplug_lock);

	list_del(&cma->node);
	spin_lock_irqsave(&zone->lock, flags);
	mml_set_range(zone, cma->base, cma->base + cma->nr, MML_MIGRATE_MOVABLE);
	spin_unlock_irqrestore(&zone->lock, flags);
	mml_cma_free(cma);
}

/**
 * mml_cma_destroy - an area becomes memory as any other
 * @cma: the area, of which its owner has nothing any more
 *
 * What it has lent stays where it is.
 *
 * Context: process, may sleep.
 */
void mml_cma_destroy(struct mml_cma *cma)
{
	struct mml_machine *machine = cma->machine;
	struct mml_buddy *buddy = mml_buddy(machine);

	mutex_lock(&buddy->hotplug_lock);
	if (!bitmap_empty(cma->used, cma->nr))
		mml_report(machine, "CMA area %s goes, and %u of its frames are in use",
			   cma->name, bitmap_weight(cma->used, cma->nr));
	__mml_cma_destroy(cma);
	mutex_unlock(&buddy->hotplug_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_cma_destroy, MM_LAB);

/**
 * mml_cma_alloc - take frames side by side of an area
 * @cma: the area
 * @nr: how many
 * @align: the first one's number is a multiple of 1 << @align, up to MML_MAX_ORDER
 *
 * Context: process, may sleep.
 * Return: the first frame, each a block of its own; NULL if no such range is free.
 */
struct mml_page *mml_cma_alloc(struct mml_cma *cma, unsigned long nr, unsigned int align)
{
	struct mml_buddy *buddy = mml_buddy(cma->machine);
	struct mml_page *page = NULL;
	unsigned long mask, at = 0;

	if (!nr || nr > cma->nr || align > MML_MAX_ORDER)
		return NULL;
	mask = BIT(align) - 1;
	mutex_lock(&buddy->hotplug_lock);
	for (;;) {
		unsigned long pfn;

		at = bitmap_find_next_zero_area_off(cma->used, cma->nr, at, nr, mask,
						    cma->base & mask);
		if (at >= cma->nr)
			break;
		pfn = cma->base + at;
		if (!__mml_alloc_contig_range(cma->machine, pfn, pfn + nr, true)) {
			bitmap_set(cma->used, at, nr);
			page = &cma->machine->memmap[pfn];
			break;
		}
		/* Some of it is lent. */
		at += mask + 1;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	mutex_unlock(&buddy->hotplug_lock);
	return page;
}
EXPORT_SYMBOL_NS_GPL(mml_cma_alloc, MM_LAB);

/**
 * mml_cma_release - give frames side by side back to their area
 * @cma: the area
 * @page: the first one
 * @nr: how many
 *
 * Context: process, may sleep.
 * Return: true; false, and a report, if they are not the owner's.
 */
bool mml_cma_release(struct mml_cma *cma, struct mml_page *page, unsigned long nr)
{
	struct mml_buddy *buddy = mml_buddy(cma->machine);
	unsigned long pfn, at;
	bool good;

	good = mml_page_valid_pfn(cma->machine, page, &pfn) && pfn >= cma->base &&
	       nr <= cma->nr && pfn - cma->base <= cma->nr - nr;
	at = pfn - cma->base;
	mutex_lock(&buddy->hotplug_lock);
	good = good && find_next_zero_bit(cma->used, at + nr, at) == at + nr;
	if (good) {
		bitmap_clear(cma->used, at, nr);
		mml_free_contig_range(cma->machine, pfn, nr);
	}
	mutex_unlock(&buddy->hotplug_lock);
	if (!good)
		mml_report(cma->machine, "%lu frames given back to CMA area %s are not its owner's",
			   nr, cma->name);
	return good;
}
EXPORT_SYMBOL_NS_GPL(mml_cma_release, MM_LAB);

/* Frames of the zone that are in areas. */
unsigned long mml_zone_cma_pages(const struct mml_zone *zone)
{
	struct mml_buddy *buddy = zone->buddy;
	const struct mml_cma *cma;
	unsigned long nr = 0;

	mutex_lock(&buddy->hotplug_lock);
	list_for_each_entry(cma, &buddy->cmas, node)
		if (cma->base >= zone->start_pfn && cma->base < mml_zone_end_pfn(zone))
			nr += cma->nr;
	mutex_unlock(&buddy->hotplug_lock);
	return nr;
}
EXPORT_SYMBOL_IF_KUNIT(mml_zone_cma_pages);

/* The machine goes: areas that nobody gave back go with it. */
void mml_cmas_free(struct mml_buddy *buddy)
{
	struct mml_cma *cma, *next;

	list_for_each_entry_safe(cma, next, &buddy->cmas, node)
		mml_cma_free(cma);
}

/*
 * The file cma in debugfs: a line an area; areas are made and destroyed by writing to it.
 */

static int mml_cma_show(struct seq_file *seq, void *unused)
{
	struct mml_buddy *buddy = mml_buddy(seq->private);
	const struct mml_cma *cma;

	seq_puts(seq, "name             base_pfn      count       used\n");
	mutex_lock(&buddy->hotplug_lock);
	list_for_each_entry(cma, &buddy->cmas, node)
		seq_printf(seq, "%-15s %9lu %10lu %10u\n", cma->name, cma->base, cma->nr,
			   bitmap_weight(cma->used, cma->nr));
	mutex_unlock(&buddy->hotplug_lock);
	return 0;
}

static int mml_cma_declare_write(struct mml_machine *machine, const char *name,
				 const char *number)
{
	unsigned long nr;

	if (!*name || !number || kstrtoul(number, 10, &nr))
		return -EINVAL;
	return PTR_ERR_OR_ZERO(__mml_cma_declare(machine, name, nr, true));
}

/* The first one of that name that was made by writing. */
static int mml_cma_destroy_write(struct mml_machine *machine, const char *name)
{
	struct mml_buddy *buddy = mml_buddy(machine);
	struct mml_cma *cma;
	int err = -ENOENT;

	mutex_lock(&buddy->hotplug_lock);
	list_for_each_entry(cma, &buddy->cmas, node) {
		if (!cma->written || strcmp(cma->name, name))
			continue;
		err = 0;
		__mml_cma_destroy(cma);
		break;
	}
	mutex_unlock(&buddy->hotplug_lock);
	return err;
}

/* "declare NAME FRAMES" or "destroy NAME". */
static ssize_t mml_cma_write(struct file *file, const char __user *buf, size_t len,
			     loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	char text[MML_NAME_LEN + 32], *at = text, *what, *name;
	int err = mml_copy_text(text, sizeof(text), buf, len);

	if (err)
		return err;
	at = strim(text);
	what = strsep(&at, " ");
	name = strsep(&at, " ");
	if (!name || strlen(name) >= MML_NAME_LEN)
		return -EINVAL;
	if (!strcmp(what, "declare"))
		err = mml_cma_declare_write(seq->private, name, at);
	else if (!strcmp(what, "destroy") && !at)
		err = mml_cma_destroy_write(seq->private, name);
	else
		err = -EINVAL;
	return err ?: len;
}

static int mml_cma_open(struct inode *inode, struct file *file)
{
	return single_open(file, mml_cma_show, inode->i_private);
}

const struct file_operations mml_cma_fops = {
	.owner = THIS_MODULE,
	.open = mml_cma_open,
	.read = seq_read,
	.write = mml_cma_write,
	.llseek = seq_lseek,
	.release = single_release,
};
