/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zones: what the files of the page allocator share.
 *
 * Kernel counterpart: struct zone, struct free_area, struct per_cpu_pages and the
 * migratetypes, include/linux/mmzone.h; pageblock flags, include/linux/pageblock-flags.h.
 * Differences: a pageblock's migratetype is a byte of its own, not bits of a bitmap;
 * a per-CPU list is a pair of stacks (pcp.c).
 */
#ifndef _MML_ZONE_H
#define _MML_ZONE_H

#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
/* Not self-contained in 6.12: it wants what the ones above bring. */
#include <linux/local_lock.h>

#include "buddy_probe/buddy.h"
#include "mm_lab/device.h"
#include "mm_lab/frame_list.h"
#include "mm_lab/machine.h"
#include "mm_lab/session.h"

#ifdef CONFIG_PREEMPT_RT
#error "per-CPU lists are drained in interrupts, where PREEMPT_RT may not take their locks"
#endif

/* A pageblock: what one page-table entry of the second level maps, 2 MiB. */
#define MML_PAGEBLOCK_ORDER	9
#define MML_PAGEBLOCK_FRAMES	(1UL << MML_PAGEBLOCK_ORDER)

/* The free blocks of one order, by migratetype. */
struct mml_free_area {
	struct mml_frame_list free_list[MML_MIGRATE_TYPES];
};

/* Orders that have per-CPU lists: the small ones, and a pageblock. */
#define MML_PCP_MAX_LOW_ORDER	4
#define MML_NR_PCP_ORDERS	(MML_PCP_MAX_LOW_ORDER + 2)
#define MML_NR_PCP_LISTS	(MML_NR_PCP_ORDERS * MML_MIGRATE_PCPTYPES)

/**
 * struct mml_pcp_list - free blocks of one order and migratetype, kept by one CPU
 * @first: frame number of the last one put in, or MML_PFN_NONE; linked by
 *	mml_page.next
 * @spare: the older stack: its first frame number, or MML_PFN_NONE
 * @nr: how many are on the first stack
 * @nr_spare: how many are on the spare one, which is not added to
 * @counts: both
 * @size: blocks that a stack may have; 0: this list is not used
 * @min_size: what @size goes back to when the list is left alone
 * @max_size: what it may grow to
 * @idle: not refilled, swapped or spilled since it was last aged
 * @aged: nothing was pushed since then: the next one sees to it that it is again
 */
struct mml_pcp_list {
	u32 first;
	u32 spare;
	union {
		struct {
			u32 nr;
			u32 nr_spare;
		};
		u64 counts;
	};
	u32 size;
	u32 min_size;
	u32 max_size;
	bool idle;
	bool aged;
};

/**
 * struct mml_per_cpu_pages - what a CPU keeps of a zone, to serve itself
 * @lock: this CPU's, interrupts off; protects the rest
 * @list: by mml_pcp_index()
 */
struct mml_per_cpu_pages {
	local_lock_t lock;
	struct mml_pcp_list list[MML_NR_PCP_LISTS];
};

/**
 * struct mml_zone - a range of frames, and its free blocks
 * @machine: whose zone it is
 * @pcp: what each CPU keeps of it
 * @pageblock: migratetype of each pageblock; written under @lock, read anywhere
 * @managed: frames that the allocator has to give
 * @grouping: requests of different mobility get pageblocks of their own
 * @lock: irq-safe; a CPU's pcp->lock may be held; only the explainer's is taken under it
 * @free_area: by order
 * @nr_free: frames on the free lists
 * @drain: held by who has all CPUs give back what they keep
 * @age: gives back what lies idle on per-CPU lists, while there is anything
 * @cpuhp: told when a CPU goes
 *
 * Field locking: Z lock, C constant.
 */
struct mml_zone {
	/* What fast paths read, together. */
	struct mml_machine	*machine;			/* C */
	struct mml_per_cpu_pages __percpu *pcp;			/* C */
	u8			*pageblock;			/* Z */
	unsigned long		managed;			/* C */
	bool			grouping;			/* C */

	spinlock_t		lock ____cacheline_aligned_in_smp;
	struct mml_free_area	free_area[MML_NR_ORDERS];	/* Z */
	unsigned long		nr_free;			/* Z */

	struct mutex		drain;
	struct delayed_work	age;
	struct hlist_node	cpuhp;
};

static inline struct mml_zone *mml_zone(const struct mml_machine *machine)
{
	return machine->engine_data[MML_BUDDY_SLOT];
}

/* How movable is what @gfp asks for? */
static inline enum mml_migratetype mml_gfp_migratetype(const struct mml_zone *zone,
						       gfp_t gfp)
{
	if (unlikely(!zone->grouping))
		return MML_MIGRATE_UNMOVABLE;
	if (gfp & __GFP_MOVABLE)
		return MML_MIGRATE_MOVABLE;
	return gfp & __GFP_RECLAIMABLE ? MML_MIGRATE_RECLAIMABLE :
					 MML_MIGRATE_UNMOVABLE;
}

static inline enum mml_migratetype
mml_get_pageblock_migratetype(const struct mml_zone *zone, u32 pfn)
{
	return READ_ONCE(zone->pageblock[pfn >> MML_PAGEBLOCK_ORDER]);
}

static inline enum mml_migratetype
mml_page_migratetype(const struct mml_zone *zone, const struct mml_page *page)
{
	return mml_get_pageblock_migratetype(zone, page - zone->machine->memmap);
}

static inline void mml_set_pageblock_migratetype(struct mml_zone *zone, u32 pfn,
						 enum mml_migratetype migratetype)
{
	lockdep_assert_held(&zone->lock);

	WRITE_ONCE(zone->pageblock[pfn >> MML_PAGEBLOCK_ORDER],
		   zone->grouping ? migratetype : MML_MIGRATE_UNMOVABLE);
}

static inline struct mml_frame_list *mml_free_list(struct mml_zone *zone,
						   unsigned int order,
						   enum mml_migratetype migratetype)
{
	return &zone->free_area[order].free_list[migratetype];
}

/* The first block on a list; NULL: it is empty, or corrupt. */
static inline struct mml_page *
mml_get_page_from_free_area(struct mml_zone *zone, unsigned int order,
			    enum mml_migratetype migratetype)
{
	return mml_frame_list_first(zone->machine,
				    mml_free_list(zone, order, migratetype));
}

static inline unsigned long mml_nr_pageblocks(const struct mml_machine *machine)
{
	return DIV_ROUND_UP(machine->nr_frames, MML_PAGEBLOCK_FRAMES);
}

static inline bool mml_pcp_allowed_order(unsigned int order)
{
	return order <= MML_PCP_MAX_LOW_ORDER || order == MML_PAGEBLOCK_ORDER;
}

/* Is there a block of @order at @pfn that a CPU keeps? Any number may be asked. */
static inline bool mml_page_is_pcp(const struct mml_zone *zone, u32 pfn,
				   unsigned int order)
{
	const struct mml_page *page = &zone->machine->memmap[pfn];

	return likely(pfn < zone->machine->nr_frames && page->state == MML_FRAME_PCP &&
		      page->order == order);
}

void mml_pcp_bug(struct mml_zone *zone, u32 *first, u32 *nr, unsigned int order);

/*
 * Take the first block off a stack that is not empty. What comes off has to be a free
 * block that is kept. Returns: NULL if it is not.
 */
static __always_inline struct mml_page *
mml_pcp_pop(struct mml_zone *zone, u32 *first, u32 *nr, unsigned int order)
{
	struct mml_page *page = &zone->machine->memmap[*first];

	if (unlikely(!mml_page_is_pcp(zone, *first, order))) {
		mml_pcp_bug(zone, first, nr, order);
		return NULL;
	}
	*first = page->next;
	--*nr;
	return page;
}

/* Which of a CPU's lists has blocks like these? Their order must be an allowed one. */
static inline unsigned int mml_pcp_index(unsigned int order,
					 enum mml_migratetype migratetype)
{
	return min_t(unsigned int, order, MML_NR_PCP_ORDERS - 1) * MML_MIGRATE_PCPTYPES +
	       migratetype;
}

/* The other way round. */
static inline unsigned int mml_pcp_order(unsigned int index)
{
	unsigned int order = index / MML_MIGRATE_PCPTYPES;

	return order <= MML_PCP_MAX_LOW_ORDER ? order : MML_PAGEBLOCK_ORDER;
}

/* The order in a head, that may be damaged: never more than there is. */
static inline unsigned int mml_block_order(const struct mml_page *page)
{
	return min_t(unsigned int, READ_ONCE(page->order), MML_MAX_ORDER);
}

/* How many free blocks of @order are there, of all migratetypes? */
static inline unsigned long mml_nr_free_blocks(const struct mml_zone *zone,
					       unsigned int order)
{
	const struct mml_frame_list *lists = zone->free_area[order].free_list;
	unsigned long nr = 0;
	int migratetype;

	for (migratetype = 0; migratetype < MML_MIGRATE_TYPES; migratetype++)
		nr += READ_ONCE(lists[migratetype].nr);
	return nr;
}

/*
 * What the allocator tries, as the event mml_alloc_decision tells it. Its candidate is
 * the order that is looked at, its pfn and value:
 */
enum mml_try {
	/* allocating: this CPU's list of the order asked for ... */
	MML_TRY_PCP,		/* ... gives the block at pfn, value are left */
	MML_TRY_REFILL,		/* ... was empty, and has value blocks now */
	/* the list of the candidate order and of the migratetype asked for ... */
	MML_TRY_EMPTY,		/* ... is empty: the next larger one; value: the latter */
	MML_TRY_TAKE,		/* ... gives the block at pfn, the first of value */
	MML_TRY_SPLIT,		/* ... gets the upper half, at pfn, and has value then */
	/* other migratetypes: the block at pfn, on the list of migratetype value ... */
	MML_TRY_CLAIM,		/* ... and its pageblock are now of the one asked for */
	MML_TRY_NO_CLAIM,	/* ... lies among too much that is in use */
	MML_TRY_STEAL,		/* ... is taken, its pageblock stays what it is */
	MML_TRY_DRAIN,		/* no block: the CPUs give back what they keep */
	MML_TRY_FAIL,		/* no block: value frames are free */
	MML_TRY_INJECTED,	/* no block, for it was made to fail */
	/* freeing: this CPU's list ... */
	MML_TRY_KEEP,		/* ... takes the block at pfn, and has value then */
	MML_TRY_SPILL,		/* ... was full: value older blocks are given back */
	/* the candidate order is what has been merged so far; its buddy ... */
	MML_TRY_MERGE,		/* ... at pfn is free: the two are one */
	MML_TRY_NO_BUDDY,	/* ... would be at pfn, where there is no memory */
	MML_TRY_BUDDY_USED,	/* ... at pfn is allocated, wholly or in part */
	MML_TRY_BUDDY_SPLIT,	/* ... at pfn begins with a free block, of order value */
	MML_TRY_LARGEST,	/* ... is not asked for: there is no larger order */
	MML_TRY_LIST,		/* the block at pfn goes to the list, which has value then */
};

/* free_list.c: free blocks, under the zone's lock */
bool mml_pfn_present(const struct mml_machine *machine, u32 pfn);
struct mml_page *mml_page_del_and_expand(struct mml_zone *zone, struct mml_page *page,
					 unsigned int low, unsigned int high,
					 enum mml_migratetype old_mt,
					 enum mml_migratetype new_mt)
	__must_hold(&zone->lock);
struct mml_page *mml_rmqueue_smallest(struct mml_zone *zone, unsigned int order,
				      enum mml_migratetype migratetype,
				      unsigned int *most)
	__must_hold(&zone->lock);
struct mml_page *mml_rmqueue(struct mml_zone *zone, unsigned int order,
			     enum mml_migratetype migratetype, unsigned int *most)
	__must_hold(&zone->lock);
void mml_move_freepages_block(struct mml_zone *zone, u32 start,
			      enum mml_migratetype old_mt, enum mml_migratetype new_mt)
	__must_hold(&zone->lock);
void mml_free_one_page(struct mml_zone *zone, struct mml_page *page,
		       unsigned int freed)
	__must_hold(&zone->lock);
void mml_free_all_pages(struct mml_zone *zone);

/* fallback.c: when a migratetype has no block */
bool mml_should_try_claim_block(unsigned int order, enum mml_migratetype start_mt);
int mml_find_suitable_fallback(const struct mml_zone *zone, unsigned int order,
			       enum mml_migratetype migratetype);
struct mml_page *mml_rmqueue_fallback(struct mml_zone *zone, unsigned int order,
				      enum mml_migratetype migratetype,
				      unsigned int *most)
	__must_hold(&zone->lock);

/* pcp.c: per-CPU lists */
void mml_pcp_age_later(struct mml_zone *zone, struct mml_pcp_list *list);
bool mml_pcp_refill(struct mml_zone *zone, struct mml_pcp_list *list,
		    unsigned int order, enum mml_migratetype migratetype);
bool mml_pcp_spill(struct mml_zone *zone, struct mml_pcp_list *list,
		   unsigned int order);
bool mml_drain_local_pages(struct mml_zone *zone);
unsigned long mml_nr_pcp_pages(const struct mml_zone *zone);
void mml_pcp_age(struct work_struct *work);
void mml_pcp_validate(struct mml_zone *zone, struct mml_validation *v);
int mml_pcp_init(struct mml_zone *zone);
void mml_pcp_exit(struct mml_zone *zone);
int mml_pcp_load(void);
void mml_pcp_unload(void);

/* validate.c */
void mml_zone_validate(struct mml_machine *machine, struct mml_validation *v);

/* show.c */
int mml_unusable_free_index(const struct mml_zone *zone, unsigned int order);
int mml_fragmentation_index(const struct mml_zone *zone, unsigned int order);
extern const char * const mml_migratetype_names[MML_MIGRATE_TYPES];
extern const struct mml_debugfs_file mml_buddy_machine_files[];

/* show_blocks.c: every block, in order */
extern const struct file_operations mml_blocks_fops;

/* explain.c: what failed, and why */
void mml_explain_rmqueue(struct mml_zone *zone, gfp_t gfp, unsigned int order);
extern struct mml_alloc_table mml_buddy_alloc_table;

/* ioctl.c: blocks held by handle. */
int mml_blocks_init(struct mml_session *session, struct mml_session *parent);
void mml_blocks_exit(struct mml_session *session);
void mml_blocks_free(struct mml_session *session);
extern const struct mml_ioctl mml_buddy_ioctls[MML_IOC_RANGE];

#endif /* _MML_ZONE_H */
