/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zones and nodes: what the files of the page allocator share.
 *
 * Kernel counterpart: struct zone, struct pglist_data, struct zonelist, struct free_area,
 * struct per_cpu_pages and the migratetypes, include/linux/mmzone.h; pageblock flags,
 * include/linux/pageblock-flags.h. Differences: what is global there hangs off a
 * machine's struct mml_buddy; zones begin and end between sections, so that no block and
 * no merging can cross their borders; a pageblock's migratetype is a byte of its own, not
 * bits of a bitmap; a per-CPU list is a pair of stacks (pcp.c). There is no HIGHMEM, as on
 * x86-64, and no zone DEVICE.
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

/* Migratetypes whose free blocks are not for everybody. */
#define MML_NR_SPECIAL	(MML_MIGRATE_TYPES - MML_MIGRATE_PCPTYPES)

/* Addresses that devices can reach, as on x86-64; and memory that can be emptied. */
enum mml_zone_type {
	MML_ZONE_DMA,		/* below 16 MiB */
	MML_ZONE_DMA32,		/* below 4 GiB */
	MML_ZONE_NORMAL,
	MML_ZONE_MOVABLE,	/* the end of each node, if the machine was made so */
	MML_MAX_NR_ZONES,
};

/*
 * How many frames a zone keeps: below low the background reclaimer is woken, until there
 * are high again; below min only who may touch the reserves gets anything. Promo is for
 * who fills fast memory from slow.
 */
enum mml_zone_watermarks {
	MML_WMARK_MIN,
	MML_WMARK_LOW,
	MML_WMARK_HIGH,
	MML_WMARK_PROMO,
	MML_NR_WMARK,
};

#define MML_MAX_ZONES	(MML_MAX_NUMNODES * MML_MAX_NR_ZONES)

/**
 * struct mml_zone - a range of frames, and its free blocks
 * @machine: whose zone it is
 * @buddy: whose page allocator that is
 * @pcp: what each CPU keeps of it
 * @pageblock: migratetype of each pageblock of the machine; written under @lock, read
 *	anywhere
 * @managed: frames that the allocator has to give; fewer while sections are offline
 * @grouping: requests of different mobility get pageblocks of their own
 * @nid: its node
 * @zid: its type, enum mml_zone_type
 * @start_pfn: its first frame number
 * @spanned: how many frame numbers it has; 0: the node has no such zone
 * @present: how many of them are frames
 * @watermark: frames that must stay free, by enum mml_zone_watermarks
 * @watermark_boost: frames added to these for a while, after pageblocks were mixed
 * @boosted: the background reclaimer has to be told of that
 * @lowmem_reserve: frames that must stay free besides, of requests that could have zones up
 *	to a higher type
 * @lock: irq-safe; a CPU's pcp->lock may be held; only the explainer's is taken under it
 * @free_area: by order
 * @nr_free: frames on the free lists
 * @nr_free_special: of these, those that not every request may have: see
 *	mml_nr_free_special()
 * @nr_reserved_highatomic: frames in pageblocks kept for who cannot wait
 *
 * Field locking: Z lock, C constant, W buddy->sysctl_lock and this one; read anywhere.
 */
struct mml_zone {
	/* What fast paths read, together. */
	struct mml_machine	*machine;			/* C */
	struct mml_per_cpu_pages __percpu *pcp;			/* C */
	u8			*pageblock;			/* C, content Z */
	struct mml_buddy	*buddy;				/* C */
	unsigned long		managed;			/* Z */
	bool			grouping;			/* C */
	u8			nid;				/* C */
	u8			zid;				/* C */
	unsigned long		start_pfn;			/* C */
	unsigned long		spanned;			/* C */
	unsigned long		present;			/* Z */
	unsigned long		watermark[MML_NR_WMARK];	/* W */
	unsigned long		watermark_boost;		/* Z */
	unsigned long		boosted;			/* bit 0, atomic */
	unsigned long		lowmem_reserve[MML_MAX_NR_ZONES]; /* W */

	spinlock_t		lock ____cacheline_aligned_in_smp;
	struct mml_free_area	free_area[MML_NR_ORDERS];	/* Z */
	unsigned long		nr_free;			/* Z */
	unsigned long		nr_free_special[MML_NR_SPECIAL];	/* Z */
	unsigned long		nr_reserved_highatomic;		/* Z */
};

/**
 * struct mml_zoneref - a zone that a request may be served from
 * @zone: the zone; NULL: the list ends
 * @zone_idx: its type, for those who skip it
 */
struct mml_zoneref {
	struct mml_zone *zone;
	enum mml_zone_type zone_idx;
};

/**
 * struct mml_zonelist - from where requests of one node are served, in order
 * @preferred: where to begin, by the highest type that the request may have
 * @zonerefs: node after node, the nearest first; in a node, the highest type first
 */
struct mml_zonelist {
	struct mml_zoneref *preferred[MML_MAX_NR_ZONES];
	struct mml_zoneref zonerefs[MML_MAX_ZONES + 1];
};

enum mml_zonelist_type {
	MML_ZONELIST_FALLBACK,		/* all nodes */
	MML_ZONELIST_NOFALLBACK,	/* __GFP_THISNODE */
	MML_MAX_ZONELISTS,
};

/**
 * struct mml_pglist_data - a node
 * @node_zones: its zones, by type; not all of them have frames
 * @node_zonelists: by enum mml_zonelist_type
 * @node_id: its number
 * @start_pfn: its first frame number
 * @spanned: how many frame numbers it has
 */
struct mml_pglist_data {
	struct mml_zone node_zones[MML_MAX_NR_ZONES];
	struct mml_zonelist node_zonelists[MML_MAX_ZONELISTS];
	int node_id;
	unsigned long start_pfn;
	unsigned long spanned;
};

/**
 * struct mml_cpu_node - where the requests of a CPU begin
 * @preferred: at this zone, by the highest type that they may have; NULL: at none
 * @nid: on this node
 */
struct mml_cpu_node {
	struct mml_zone *preferred[MML_MAX_NR_ZONES];
	int nid;
};

/**
 * struct mml_buddy - the page allocator of a machine
 * @cpu_node: each CPU's node
 * @grouping: see struct mml_zone
 * @node: all nodes, by number
 * @page_zone: a frame's zone, by its nid and zid; where there is no such zone, some other
 * @machine: whose it is
 * @nr_nodes: how many
 * @nr_zones: how many have frames
 * @zone: these, by frame number
 * @pageblock: see struct mml_zone
 * @pageblock_was: what each isolated pageblock was before; under the zone's lock
 * @slowpath: what can be done when there is no block; under its SRCU
 * @sysctl_lock: protects the following
 * @min_free_kbytes: of all zones but MOVABLE, the sum of their min watermarks
 * @user_min_free_kbytes: somebody decided on it
 * @watermark_scale_factor: distance between watermarks, in fractions of 10,000 of a zone
 * @watermark_boost_factor: how far they are boosted, in fractions of 10,000 of high
 * @lowmem_reserve_ratio: by type of zone: it keeps one frame for so many above it; 0: none
 * @drain: held by who has all CPUs give back what they keep
 * @oom: held by who has somebody killed
 * @age: gives back what lies idle on per-CPU lists, while there is anything
 * @cpuhp: told when a CPU goes
 * @hotplug_lock: held by who isolates pageblocks: one at a time
 * @cmas: areas of struct mml_cma; changed under @hotplug_lock
 */
struct mml_buddy {
	/* What fast paths read. */
	struct mml_cpu_node __percpu *cpu_node;
	bool grouping;
	struct mml_pglist_data *node[MML_MAX_NUMNODES];
	struct mml_zone *page_zone[MML_MAX_ZONES];

	struct mml_machine *machine;
	unsigned int nr_nodes;
	unsigned int nr_zones;
	struct mml_zone *zone[MML_MAX_ZONES];
	u8 *pageblock;
	u8 *pageblock_was;
	const struct mml_slowpath_ops __rcu *slowpath;
	struct mutex sysctl_lock;
	unsigned int min_free_kbytes;
	bool user_min_free_kbytes;
	unsigned int watermark_scale_factor;
	unsigned int watermark_boost_factor;
	unsigned int lowmem_reserve_ratio[MML_MAX_NR_ZONES];
	struct mutex drain;
	struct mutex oom;
	struct delayed_work age;
	struct hlist_node cpuhp;
	struct mutex hotplug_lock;
	struct list_head cmas;
};

static inline struct mml_buddy *mml_buddy(const struct mml_machine *machine)
{
	return machine->engine_data[MML_BUDDY_SLOT];
}

/* Each zone of a machine that has frames, by frame number. */
#define mml_for_each_populated_zone(buddy, z, i)			\
	for ((i) = 0; (i) < (buddy)->nr_zones && ((z) = (buddy)->zone[i]); (i)++)

/* From @ref on, the first one that a request up to @highest may have. */
static inline struct mml_zoneref *mml_next_zones_zonelist(struct mml_zoneref *ref,
							  enum mml_zone_type highest)
{
	while (ref->zone && ref->zone_idx > highest)
		ref++;
	return ref;
}

/* From @ref on, each zone of a zonelist that a request up to @highest may have. */
#define mml_for_next_zone_zonelist(z, ref, highest)				\
	for ((ref) = mml_next_zones_zonelist(ref, highest); ((z) = (ref)->zone); \
	     (ref) = mml_next_zones_zonelist((ref) + 1, highest))

/* A number of a zone that says its node and its type. */
static inline unsigned int mml_zone_id(const struct mml_zone *zone)
{
	return zone->nid * MML_MAX_NR_ZONES + zone->zid;
}

/* The zone of a frame that is there. Whatever its descriptor says, it is a zone. */
static inline struct mml_zone *mml_page_zone(const struct mml_buddy *buddy,
					     const struct mml_page *page)
{
	unsigned int id = page->nid * MML_MAX_NR_ZONES + page->zid;

	return buddy->page_zone[id % MML_MAX_ZONES];
}

/* The node of the CPU that this runs on; may change at once. */
static inline int mml_numa_node_id(const struct mml_buddy *buddy)
{
	return raw_cpu_read(buddy->cpu_node->nid);
}

/*
 * Two bits for each combination of __GFP_DMA, __GFP_HIGHMEM, __GFP_DMA32 and
 * __GFP_MOVABLE: the highest zone that it may have. Combinations that say nothing
 * sensible get what all of them could use.
 */
#define MML_GFP_ZONE(gfp, zone)						\
	((u32)MML_ZONE_##zone << 2 * (__force u32)(gfp))
#define MML_GFP_ZONE_TABLE						\
	(MML_GFP_ZONE(0, NORMAL) |					\
	 MML_GFP_ZONE(__GFP_HIGHMEM, NORMAL) |				\
	 MML_GFP_ZONE(__GFP_DMA32, DMA32) |				\
	 MML_GFP_ZONE(__GFP_MOVABLE, NORMAL) |				\
	 MML_GFP_ZONE(__GFP_MOVABLE | __GFP_HIGHMEM, MOVABLE) |		\
	 MML_GFP_ZONE(__GFP_MOVABLE | __GFP_DMA32, DMA32))

static inline enum mml_zone_type mml_gfp_zone(gfp_t gfp)
{
	unsigned int bits = (__force unsigned int)(gfp & GFP_ZONEMASK);

	return MML_GFP_ZONE_TABLE >> 2 * bits & 3;
}

static inline const struct mml_zonelist *mml_node_zonelist(const struct mml_buddy *buddy,
							   int nid, gfp_t gfp)
{
	return &buddy->node[nid]->node_zonelists[gfp & __GFP_THISNODE ?
						 MML_ZONELIST_NOFALLBACK :
						 MML_ZONELIST_FALLBACK];
}

/* Where a request of this CPU begins. Returns: NULL if it may have no zone at all. */
static inline struct mml_zone *mml_preferred_zone(const struct mml_buddy *buddy, gfp_t gfp)
{
	return raw_cpu_read(buddy->cpu_node->preferred[mml_gfp_zone(gfp)]);
}

static inline unsigned long mml_zone_end_pfn(const struct mml_zone *zone)
{
	return zone->start_pfn + zone->spanned;
}

/* A watermark, as it is now. */
static inline unsigned long mml_wmark_pages(const struct mml_zone *zone,
					    enum mml_zone_watermarks mark)
{
	return READ_ONCE(zone->watermark[mark]) + READ_ONCE(zone->watermark_boost);
}

/* How movable is what @gfp asks for? */
static inline enum mml_migratetype mml_gfp_migratetype(const struct mml_buddy *buddy,
						       gfp_t gfp)
{
	if (unlikely(!buddy->grouping))
		return MML_MIGRATE_UNMOVABLE;
	if (gfp & __GFP_MOVABLE)
		return MML_MIGRATE_MOVABLE;
	return gfp & __GFP_RECLAIMABLE ? MML_MIGRATE_RECLAIMABLE :
					 MML_MIGRATE_UNMOVABLE;
}

/* May pageblocks of it become one with others? Not what is kept for a purpose. */
static inline bool mml_migratetype_mergeable(enum mml_migratetype migratetype)
{
	return migratetype < MML_MIGRATE_PCPTYPES;
}

/* May free blocks of pageblocks of these types become one? */
static inline bool mml_migratetypes_merge(enum mml_migratetype one,
					  enum mml_migratetype other)
{
	return one == other || (mml_migratetype_mergeable(one) &&
				mml_migratetype_mergeable(other));
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

	/* Without grouping there are still pageblocks that are not for everybody. */
	if (!zone->grouping && mml_migratetype_mergeable(migratetype))
		migratetype = MML_MIGRATE_UNMOVABLE;
	WRITE_ONCE(zone->pageblock[pfn >> MML_PAGEBLOCK_ORDER], migratetype);
}

/* Frames on the free lists of one that is not for everybody. */
static inline unsigned long mml_nr_free_special(const struct mml_zone *zone,
						enum mml_migratetype migratetype)
{
	return READ_ONCE(zone->nr_free_special[migratetype - MML_MIGRATE_PCPTYPES]);
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

#endif /* _MML_ZONE_H */
