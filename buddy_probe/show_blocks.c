// SPDX-License-Identifier: GPL-2.0
/*
 * The file blocks in debugfs: every block of a machine, in the order of frame numbers.
 *
 * A line a block, free, kept by a CPU or allocated; a hole is one line, whatever its
 * size. What mmlab map draws.
 *
 * Kernel counterpart: /proc/kpageflags and /proc/kpagecount, fs/proc/page.c. Differences:
 * text, and a line a block instead of an entry a frame, for heads know their order.
 *
 * A section at a time is copied, then printed: no block crosses its border, so what is
 * told of a section was true in one moment. The copy stays with the open file between
 * two reads. A position of the file is a frame number plus one; 0 is the heading. So
 * machines of any size can be read, in pieces of any size.
 *
 * Locking: zone->lock while a section is copied. States of what CPUs keep change without
 * it, from kept to allocated and back, but no block's border does. engines_lock, for
 * reading, while a type's name is copied.
 */
#include <linux/string.h>

#include "buddy_probe/internal.h"

/**
 * struct mml_block_copy - what is told of a block, or of a hole
 * @refcount: of its head
 * @mapcount: of its head
 * @offset: of its first frame in the section
 * @state: enum mml_frame_state; MML_FRAME_ABSENT: a hole
 * @order: its order
 * @type: enum mml_page_type, if it is allocated
 * @mobility: the migratetype that it was asked for with, if it is allocated
 * @migratetype: that of its pageblock
 */
struct mml_block_copy {
	int refcount;
	int mapcount;
	u16 offset;
	u8 state;
	u8 order;
	u8 type;
	u8 mobility;
	u8 migratetype;
};

/**
 * struct mml_blocks_walk - a file that is read
 * @machine: of which machine
 * @start: first frame number of the section that was copied
 * @next: of the next one to be copied
 * @nr: how many of @block are filled in; 0: no section was copied yet
 * @block: the section
 */
struct mml_blocks_walk {
	struct mml_machine *machine;
	unsigned long start;
	unsigned long next;
	unsigned int nr;
	struct mml_block_copy block[MML_SECTION_FRAMES];
};

static const char * const mml_state_names[MML_NR_FRAME_STATES] = {
	/* Where there should be a head: the machine is broken. */
	[MML_FRAME_INTERIOR]	= "interior",
	[MML_FRAME_FREE]	= "free",
	[MML_FRAME_ALLOCATED]	= "allocated",
	[MML_FRAME_ABSENT]	= "hole",
	[MML_FRAME_PCP]		= "pcp",
};

/* The block at @pfn. Returns: how many frames it has; one, if it is no head. */
static unsigned long mml_copy_block(struct mml_zone *zone, unsigned long pfn,
				    struct mml_block_copy *block)
{
	const struct mml_page *page = &zone->machine->memmap[pfn];

	lockdep_assert_held(&zone->lock);

	*block = (struct mml_block_copy){
		.offset = pfn % MML_SECTION_FRAMES,
		.state = READ_ONCE(page->state),
		.order = READ_ONCE(page->order),
		.type = READ_ONCE(page->type),
		.mobility = READ_ONCE(page->mobility),
		.migratetype = mml_get_pageblock_migratetype(zone, pfn),
		.refcount = mml_page_ref_count(page),
		.mapcount = atomic_read(&page->_mapcount),
	};
	if (block->state == MML_FRAME_INTERIOR || block->order > MML_MAX_ORDER)
		block->order = 0;
	return 1UL << block->order;
}

/* A hole goes on up to the next section that has anything. */
static unsigned long mml_hole_end(const struct mml_machine *machine, unsigned long pfn)
{
	while (pfn < machine->nr_frames && !mml_section_present(machine, pfn))
		pfn += MML_SECTION_FRAMES;
	return pfn;
}

/* Copy the section that begins at @start. */
static void mml_copy_section(struct mml_blocks_walk *walk, unsigned long start)
{
	struct mml_machine *machine = walk->machine;
	struct mml_zone *zone = mml_page_zone(mml_buddy(machine),
					      &machine->memmap[start]);
	unsigned long pfn = start, end, flags;

	walk->start = start;
	walk->next = start + MML_SECTION_FRAMES;
	walk->nr = 0;
	spin_lock_irqsave(&zone->lock, flags);
	end = start + mml_section_present(machine, start);
	while (pfn < end)
		pfn += mml_copy_block(zone, pfn, &walk->block[walk->nr++]);
	spin_unlock_irqrestore(&zone->lock, flags);
	if (end < min(walk->next, machine->nr_frames)) {
		walk->block[walk->nr++] = (struct mml_block_copy){
			.offset = end - start,
			.state = MML_FRAME_ABSENT,
		};
		walk->next = mml_hole_end(machine, walk->next);
	}
	cond_resched();
}

/* The first block at frame @pfn or behind it; NULL: there is none. */
static struct mml_block_copy *mml_find_block(struct mml_blocks_walk *walk,
					     unsigned long pfn)
{
	unsigned int i;

	while (pfn < walk->machine->nr_frames) {
		if (!walk->nr || pfn < walk->start || pfn >= walk->next)
			mml_copy_section(walk, ALIGN_DOWN(pfn, MML_SECTION_FRAMES));
		for (i = 0; i < walk->nr; i++)
			if (walk->start + walk->block[i].offset >= pfn)
				return &walk->block[i];
		pfn = walk->next;
	}
	return NULL;
}

/* Is at @pos, or at the next position that there is; *@pos becomes that. */
static void *mml_blocks_at(struct mml_blocks_walk *walk, loff_t *pos)
{
	struct mml_block_copy *block;

	if (!*pos)
		return SEQ_START_TOKEN;
	block = mml_find_block(walk, *pos - 1);
	if (block)
		*pos = walk->start + block->offset + 1;
	return block;
}

static void *mml_blocks_start(struct seq_file *seq, loff_t *pos)
{
	struct mml_blocks_walk *walk = seq->private;

	/* From the beginning again: not what was copied before. */
	if (!*pos)
		walk->nr = 0;
	return mml_blocks_at(walk, pos);
}

static void *mml_blocks_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct mml_blocks_walk *walk = seq->private;
	struct mml_block_copy *block = v;

	++*pos;
	if (v == SEQ_START_TOKEN)
		return mml_blocks_at(walk, pos);
	/* The neighbour is the next one, without a search. */
	if (++block < &walk->block[walk->nr]) {
		*pos = walk->start + block->offset + 1;
		return block;
	}
	*pos = walk->next + 1;
	return mml_blocks_at(walk, pos);
}

static void mml_blocks_stop(struct seq_file *seq, void *v)
{
}

/* What blocks of @type are, in one word. */
void mml_type_name(struct mml_machine *machine, unsigned int type, char *name,
		   size_t size)
{
	const struct mml_page_ops *ops = NULL;

	down_read(&machine->engines_lock);
	if (type < MML_NR_PAGE_TYPES)
		ops = machine->page_ops[type];
	strscpy(name, ops ? ops->name : "unknown", size);
	up_read(&machine->engines_lock);
	strreplace(name, ' ', '_');
}

const char *mml_migratetype_word(unsigned int migratetype)
{
	return migratetype < MML_MIGRATE_TYPES ? mml_migratetype_names[migratetype] :
						 "unknown";
}

static int mml_blocks_show(struct seq_file *seq, void *v)
{
	struct mml_blocks_walk *walk = seq->private;
	const struct mml_block_copy *block = v;
	const char *mobility = "-";
	char type[16] = "-";

	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, "pfn        order state     type       mobility    pageblock   refcount mapcount\n");
		return 0;
	}
	seq_printf(seq, "%-10lu ", walk->start + block->offset);
	if (block->state == MML_FRAME_ABSENT) {
		seq_puts(seq, "    - hole      -          -           -                  -        -\n");
		return 0;
	}
	if (block->state == MML_FRAME_ALLOCATED) {
		mml_type_name(walk->machine, block->type, type, sizeof(type));
		mobility = mml_migratetype_word(block->mobility);
	}
	seq_printf(seq, "%5u %-9s %-10s %-11s %-11s %8d %8d\n", block->order,
		   block->state < MML_NR_FRAME_STATES ? mml_state_names[block->state] :
							"unknown",
		   type, mobility, mml_migratetype_word(block->migratetype),
		   block->refcount, block->mapcount);
	return 0;
}

static const struct seq_operations mml_blocks_sops = {
	.start = mml_blocks_start,
	.next = mml_blocks_next,
	.stop = mml_blocks_stop,
	.show = mml_blocks_show,
};

static int mml_blocks_open(struct inode *inode, struct file *file)
{
	struct mml_blocks_walk *walk = __seq_open_private(file, &mml_blocks_sops,
							  sizeof(*walk));

	if (!walk)
		return -ENOMEM;
	walk->machine = inode->i_private;
	return 0;
}

const struct file_operations mml_blocks_fops = {
	.owner = THIS_MODULE,
	.open = mml_blocks_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};
