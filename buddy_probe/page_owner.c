// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger: who allocated each block, when, with which flags and from where in the
 * code; and who freed it last. Of a machine that was made with MML_OPTION_PAGE_OWNER.
 *
 * It is read in debugfs (page_owner), when a free is refused, when poisoning finds a
 * frame that was written to, and when a machine goes and not all of its frames are back.
 *
 * The records are an array by frame number, beside the memmap, 64 bytes each. An
 * allocation writes the record of the block's head. A free writes those of all its
 * frames, for it may come to be cut up in other ways, and of each frame it shall be known
 * who had it last. Stacks are kept in the kernel's stack depot, each once.
 *
 * Kernel counterpart: mm/page_owner.c, and the format of its file. Differences: the
 * kernel writes all records of a block at allocation as well; here a record that is not
 * its block's head's is of the past, and the memmap says which that is. A stack for
 * which the kernel had no memory is said to be missing, not replaced. No kernel address
 * is told, also not where a symbol is gone with its module.
 *
 * Locking: owners->lock, irq-safe, a leaf. A block that is allocated may get its
 * record a little later: it is then passed over. The memmap is read without the zone's
 * lock: what is allocated or freed meanwhile may be told or not.
 */
#include <kunit/visibility.h>
#include <linux/seq_file.h>
#include <linux/stackdepot.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"
#include "mm_lab/alloc.h"
#include "mm_lab/compat.h"
#include "mm_lab/stack.h"

/* From here up to the hook in debug.c: not of interest to anybody. */
#define MML_OWNER_STACK_SKIP	2
/* In the kernel log. */
#define MML_OWNER_STACK_INDENT	KBUILD_MODNAME ":  "

/* Of the blocks that a machine goes without, so many are named. */
#define MML_LOST_TOLD		10

/**
 * struct mml_page_owners - a machine's ledger
 * @lock: protects @owner
 * @owner: by frame number
 */
struct mml_page_owners {
	spinlock_t lock;
	struct mml_page_owner owner[];
};

/*
 * Writing.
 */

int mml_page_owners_init(struct mml_machine *machine)
{
	size_t size = struct_size_t(struct mml_page_owners, owner, machine->nr_frames);
	struct mml_page_owners *owners;
	int err;

	if (size >> PAGE_SHIFT > si_mem_available()) {
		pr_err("a ledger of %lu frames needs %zu KiB, the kernel has %lu KiB available: ask for less, or do without page_owner\n",
		       machine->nr_frames, size >> 10,
		       si_mem_available() << (PAGE_SHIFT - 10));
		return -ENOMEM;
	}
	err = stack_depot_init();
	if (err)
		return err;
	owners = mml_vcalloc(machine, 1, size);
	if (!owners)
		return -ENOMEM;
	spin_lock_init(&owners->lock);
	machine->page_owners = owners;
	return 0;
}

void mml_page_owners_exit(struct mml_machine *machine)
{
	vfree(machine->page_owners);
	machine->page_owners = NULL;
}

/* A block has been allocated; its content is the caller's alone. */
void mml_set_page_owner(struct mml_machine *machine, const struct mml_page *page,
			unsigned int order, gfp_t gfp)
{
	struct mml_page_owners *owners = machine->page_owners;
	struct mml_page_owner *owner = &owners->owner[page - machine->memmap];
	u32 handle = mml_save_stack(MML_OWNER_STACK_SKIP);
	u64 now = mml_clock(machine);
	unsigned long flags;

	spin_lock_irqsave(&owners->lock, flags);
	owner->ts_nsec = now;
	owner->handle = handle;
	owner->gfp_mask = gfp;
	owner->pid = current->pid;
	owner->tgid = current->tgid;
	strscpy(owner->comm, current->comm);
	owner->order = order;
	owner->mobility = page->mobility;
	owner->allocated = true;
	spin_unlock_irqrestore(&owners->lock, flags);
}

/* The block of @order at @pfn has become single frames: each has the record of all. */
void mml_split_page_owner(struct mml_machine *machine, unsigned long pfn,
			  unsigned int order)
{
	struct mml_page_owners *owners = machine->page_owners;
	struct mml_page_owner *owner = &owners->owner[pfn];
	unsigned long flags, i;

	spin_lock_irqsave(&owners->lock, flags);
	owner->order = 0;
	for (i = 1; i < 1UL << order; i++) {
		struct mml_page_owner was = owner[i];

		owner[i] = *owner;
		owner[i].free_ts_nsec = was.free_ts_nsec;
		owner[i].free_handle = was.free_handle;
		owner[i].free_pid = was.free_pid;
		owner[i].free_tgid = was.free_tgid;
	}
	spin_unlock_irqrestore(&owners->lock, flags);
}

/* A block is about to be free; interrupts are off. */
void mml_reset_page_owner(struct mml_machine *machine, const struct mml_page *page,
			  unsigned int order)
{
	struct mml_page_owners *owners = machine->page_owners;
	struct mml_page_owner *owner = &owners->owner[page - machine->memmap];
	u32 handle = mml_save_stack(MML_OWNER_STACK_SKIP);
	u64 now = mml_clock(machine);
	unsigned long i;

	spin_lock(&owners->lock);
	owner->free_ts_nsec = now;
	owner->free_handle = handle;
	owner->free_pid = current->pid;
	owner->free_tgid = current->tgid;
	owner->allocated = false;
	for (i = 1; i < 1UL << order; i++)
		owner[i] = *owner;
	spin_unlock(&owners->lock);
}

/*
 * Reading.
 */

/* Copy the record of frame @pfn. Returns: whether it was ever allocated. */
bool mml_get_page_owner(const struct mml_machine *machine, unsigned long pfn,
			struct mml_page_owner *owner)
{
	struct mml_page_owners *owners = machine->page_owners;
	unsigned long flags;

	spin_lock_irqsave(&owners->lock, flags);
	*owner = owners->owner[pfn];
	spin_unlock_irqrestore(&owners->lock, flags);
	return owner->ts_nsec;
}
EXPORT_SYMBOL_IF_KUNIT(mml_get_page_owner);

static void mml_dump_allocation(const struct mml_machine *machine, unsigned long pfn,
				const struct mml_page_owner *owner)
{
	pr_err("machine %u: frame %lu %s allocated via order %u, mask %#x(%pGg), pid %d, tgid %d (%s), ts %llu ns\n",
	       machine->id, pfn, owner->allocated ? "is" : "was last", owner->order,
	       (__force unsigned int)owner->gfp_mask, &owner->gfp_mask, owner->pid,
	       owner->tgid, owner->comm, owner->ts_nsec);
	mml_show_stack(NULL, owner->handle, MML_OWNER_STACK_INDENT);
}

/**
 * mml_dump_page_owner - tell the kernel log who has or had a frame
 * @machine: of which machine; nothing is told if it has no ledger
 * @pfn: the frame's number; that of the head, if it is in an allocated block
 *
 * Context: any but NMI.
 */
void mml_dump_page_owner(const struct mml_machine *machine, unsigned long pfn)
{
	struct mml_page_owner owner;

	if (!machine->page_owners)
		return;
	if (!mml_get_page_owner(machine, pfn, &owner)) {
		pr_err("machine %u: frame %lu was never allocated\n", machine->id, pfn);
		return;
	}
	mml_dump_allocation(machine, pfn, &owner);
	if (!owner.free_ts_nsec)
		return;
	pr_err("machine %u: frame %lu was last freed by pid %d, tgid %d, ts %llu ns\n",
	       machine->id, pfn, owner.free_pid, owner.free_tgid, owner.free_ts_nsec);
	mml_show_stack(NULL, owner.free_handle, MML_OWNER_STACK_INDENT);
}

/* The head of the allocated block that frame @pfn is in; @pfn itself if it is in none. */
static unsigned long mml_allocated_head(const struct mml_machine *machine,
					unsigned long pfn)
{
	unsigned int order;

	for (order = 0; order <= MML_MAX_ORDER; order++) {
		unsigned long head = ALIGN_DOWN(pfn, 1UL << order);
		const struct mml_page *page = &machine->memmap[head];

		if (READ_ONCE(page->state) == MML_FRAME_ALLOCATED &&
		    mml_block_order(page) >= order)
			return head;
	}
	return pfn;
}

/**
 * mml_dump_block_owner - tell the kernel log who has or had the block around a frame
 * @machine: of which machine; nothing is told if it has no ledger
 * @pfn: the frame's number
 *
 * Context: any but NMI.
 */
void mml_dump_block_owner(const struct mml_machine *machine, unsigned long pfn)
{
	mml_dump_page_owner(machine, mml_allocated_head(machine, pfn));
}

/*
 * What a machine goes without.
 */

/* Returns: whether it was told, and not counted by a test. */
static bool mml_name_lost_block(const struct mml_machine *machine, unsigned long pfn,
				const struct mml_page_ops * const *page_ops)
{
	const struct mml_page *page = &machine->memmap[pfn];
	const struct mml_page_ops *ops =
		page->type < MML_NR_PAGE_TYPES ? page_ops[page->type] : NULL;
	struct mml_page_owner owner;

	if (mml_kunit_count(MML_KUNIT_LOST))
		return false;
	pr_err("machine %u: frame %lu, order %u, %s: nobody gave it back\n", machine->id,
	       pfn, page->order, ops ? ops->name : "unknown");
	if (machine->page_owners && mml_get_page_owner(machine, pfn, &owner))
		mml_dump_allocation(machine, pfn, &owner);
	return true;
}

/**
 * mml_lost_blocks - name blocks that are allocated, in the kernel log
 * @machine: goes; nobody uses it
 * @page_ops: of all types, also of engines that are off the machine already
 *
 * Context: process, may sleep.
 */
void mml_lost_blocks(struct mml_machine *machine,
		     const struct mml_page_ops * const *page_ops)
{
	unsigned long pfn, nr = 0;
	bool told = false;

	for (pfn = 0; pfn < machine->nr_frames; pfn = mml_next_block(machine, pfn)) {
		if (machine->memmap[pfn].state == MML_FRAME_ALLOCATED &&
		    nr++ < MML_LOST_TOLD)
			told |= mml_name_lost_block(machine, pfn, page_ops);
		cond_resched();
	}
	if (told && nr > MML_LOST_TOLD)
		pr_err("machine %u: and %lu blocks more\n", machine->id,
		       nr - MML_LOST_TOLD);
	if (told && !machine->page_owners)
		pr_err("machine %u: it has no record of who allocated them: make it with MML_MACHINE_PAGE_OWNER, machine 0 with page_owner=Y\n",
		       machine->id);
}

/*
 * The file: a record a block that is allocated. A position is a frame number.
 */

/**
 * struct mml_page_owner_walk - a page_owner file that is read
 * @machine: of which machine
 * @pfn: of the block that is told of
 * @owner: its record
 */
struct mml_page_owner_walk {
	struct mml_machine *machine;
	unsigned long pfn;
	struct mml_page_owner owner;
};

/* The first block from *@pos on that is allocated; *@pos becomes its frame number. */
static void *mml_page_owner_start(struct seq_file *seq, loff_t *pos)
{
	struct mml_page_owner_walk *walk = seq->private;
	struct mml_machine *machine = walk->machine;

	for (; *pos < machine->nr_frames; *pos = mml_next_block(machine, *pos)) {
		cond_resched();
		if (READ_ONCE(machine->memmap[*pos].state) != MML_FRAME_ALLOCATED)
			continue;
		mml_get_page_owner(machine, *pos, &walk->owner);
		walk->pfn = *pos;
		if (walk->owner.allocated)
			return walk;
	}
	return NULL;
}

static void *mml_page_owner_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct mml_page_owner_walk *walk = v;

	*pos = walk->pfn + (1UL << walk->owner.order);
	return mml_page_owner_start(seq, pos);
}

static void mml_page_owner_stop(struct seq_file *seq, void *v)
{
}

static int mml_page_owner_show(struct seq_file *seq, void *v)
{
	const struct mml_page_owner_walk *walk = v;
	const struct mml_page_owner *owner = &walk->owner;
	const struct mml_page *page = &walk->machine->memmap[walk->pfn];
	enum mml_migratetype migratetype =
		mml_page_migratetype(mml_page_zone(mml_buddy(walk->machine), page), page);
	unsigned int type = READ_ONCE(page->type);
	char name[16];

	mml_type_name(walk->machine, type, name, sizeof(name));
	seq_printf(seq, "Page allocated via order %u, mask %#x(%pGg), pid %d, tgid %d (%s), ts %llu ns\n",
		   owner->order, (__force unsigned int)owner->gfp_mask,
		   &owner->gfp_mask, owner->pid, owner->tgid, owner->comm,
		   owner->ts_nsec);
	seq_printf(seq, "PFN 0x%lx type %s Block %lu type %s Flags %#x(%s|node=%u|zone=%u)\n",
		   walk->pfn, mml_migratetype_word(owner->mobility),
		   walk->pfn >> MML_PAGEBLOCK_ORDER, mml_migratetype_word(migratetype),
		   type, name, page->nid, page->zid);
	mml_show_stack(seq, owner->handle, " ");
	seq_putc(seq, '\n');
	return 0;
}

static const struct seq_operations mml_page_owner_sops = {
	.start = mml_page_owner_start,
	.next = mml_page_owner_next,
	.stop = mml_page_owner_stop,
	.show = mml_page_owner_show,
};

static int mml_page_owner_open(struct inode *inode, struct file *file)
{
	struct mml_machine *machine = inode->i_private;
	struct mml_page_owner_walk *walk;

	if (!machine->page_owners)
		return -EOPNOTSUPP;
	walk = __seq_open_private(file, &mml_page_owner_sops, sizeof(*walk));
	if (!walk)
		return -ENOMEM;
	walk->machine = machine;
	return 0;
}

const struct file_operations mml_page_owner_fops = {
	.owner = THIS_MODULE,
	.open = mml_page_owner_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};
