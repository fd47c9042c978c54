/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the page allocator call of each other.
 *
 * Kernel counterpart: mm/internal.h: struct alloc_context and the alloc flags, with the
 * kernel's values.
 */
#ifndef _MML_BUDDY_INTERNAL_H
#define _MML_BUDDY_INTERNAL_H

#include <linux/uaccess.h>

#include "buddy_probe/zone.h"

/*
 * What a request may have, decided from its gfp flags: a watermark to look at, or ...
 */
#define MML_ALLOC_WMARK_MIN	MML_WMARK_MIN
#define MML_ALLOC_WMARK_LOW	MML_WMARK_LOW
#define MML_ALLOC_WMARK_HIGH	MML_WMARK_HIGH
#define MML_ALLOC_NO_WATERMARKS	0x04	/* ... none: all that there is */
#define MML_ALLOC_WMARK_MASK	(MML_ALLOC_NO_WATERMARKS - 1)
#define MML_ALLOC_OOM		0x08	/* its process is dying: half of min */
#define MML_ALLOC_NON_BLOCK	0x10	/* it cannot wait: with the next one, less of min */
#define MML_ALLOC_MIN_RESERVE	0x20	/* __GFP_HIGH: half of min */
#define MML_ALLOC_CMA		0x80	/* it can be moved: areas that are lent */
#define MML_ALLOC_NOFRAGMENT	0x100	/* no mixing of pageblocks, as yet */
#define MML_ALLOC_HIGHATOMIC	0x200	/* pageblocks reserved for who cannot wait */
#define MML_ALLOC_KSWAPD	0x800	/* the background reclaimer may be woken */
#define MML_ALLOC_RESERVES	(MML_ALLOC_NON_BLOCK | MML_ALLOC_MIN_RESERVE | \
				 MML_ALLOC_OOM)

/**
 * struct mml_alloc_context - what a request asks for
 * @machine: of which machine
 * @zonelist: its zones, in order
 * @preferred_zoneref: the first one that it may have
 * @highest_zoneidx: the highest type of zone that it may have
 * @migratetype: from which pageblocks
 * @gfp: its flags
 * @order: of the block
 */
struct mml_alloc_context {
	struct mml_machine *machine;
	const struct mml_zonelist *zonelist;
	struct mml_zoneref *preferred_zoneref;
	enum mml_zone_type highest_zoneidx;
	enum mml_migratetype migratetype;
	gfp_t gfp;
	unsigned int order;
};

static inline unsigned int mml_alloc_flags_cma(const struct mml_alloc_context *ac)
{
	return ac->migratetype == MML_MIGRATE_MOVABLE ? MML_ALLOC_CMA : 0;
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
	/* a zone, its number is the candidate ... */
	MML_TRY_WATERMARK,	/* ... has value frames free: it needs those itself */
	MML_TRY_WAKE,		/* ... is short: its background reclaimer is woken */
	MML_TRY_RESERVE,	/* ... keeps the pageblock at pfn for who cannot wait */
	MML_TRY_UNRESERVE,	/* ... no longer keeps that at pfn */
	/* no zone has a block to spare ... */
	MML_TRY_DRAIN,		/* ... the CPUs give back the value frames they keep */
	MML_TRY_RECLAIM,	/* ... value frames were reclaimed */
	MML_TRY_COMPACT,	/* ... memory was compacted, with enum mml_compact_result */
	MML_TRY_RETRY,		/* ... it is tried again, for the value-th time */
	MML_TRY_OOM,		/* ... somebody was killed, if value is 1 */
	MML_TRY_WAIT,		/* ... it may not fail, and waits */
	MML_TRY_FAIL,		/* ... it fails: value frames are free */
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
				      unsigned int most)
	__must_hold(&zone->lock);
struct mml_page *__mml_rmqueue(struct mml_zone *zone, unsigned int order,
			       enum mml_migratetype migratetype,
			       unsigned int alloc_flags, unsigned int most)
	__must_hold(&zone->lock);
bool mml_move_pageblocks(struct mml_zone *zone, u32 pfn, unsigned int order,
			 enum mml_migratetype old_mt, enum mml_migratetype new_mt)
	__must_hold(&zone->lock);
void mml_set_pageblock_isolate(struct mml_zone *zone, u32 start,
			       enum mml_migratetype new_mt)
	__must_hold(&zone->lock);
bool mml_isolate_freepages_range(struct mml_zone *zone, u32 start, u32 end)
	__must_hold(&zone->lock);
void mml_free_range(struct mml_zone *zone, u32 start, u32 end)
	__must_hold(&zone->lock);
void mml_free_one_page(struct mml_zone *zone, u32 pfn, unsigned int order)
	__must_hold(&zone->lock);
void mml_free_area_init(struct mml_zone *zone);
void mml_free_all_pages(struct mml_zone *zone);
unsigned long mml_next_block(const struct mml_machine *machine, unsigned long pfn);
void mml_forget_all_pages(struct mml_machine *machine);

/* A block becomes allocated. */
static inline void mml_prep_new_page(struct mml_page *page, unsigned int order,
				     enum mml_migratetype migratetype)
{
	page->order = order;
	page->type = MML_PAGE_KERNEL;
	page->mobility = migratetype;
	page->mapping = NULL;
	page->index = 0;
	atomic_set(&page->_mapcount, 0);
	atomic_set(&page->_refcount, 1);
	/* Its references are there for who reads this: a validator looking on. */
	smp_store_release(&page->state, MML_FRAME_ALLOCATED);
}

/* page_alloc.c: a way through the zonelist */
struct mml_page *mml_get_page_from_freelist(const struct mml_alloc_context *ac,
					    unsigned int alloc_flags);

/* watermark.c: how much of a zone may be given */
bool __mml_zone_watermark_ok(const struct mml_zone *zone, unsigned int order,
			     unsigned long mark, enum mml_zone_type highest_zoneidx,
			     unsigned int alloc_flags, long free_pages);
bool mml_has_suitable_block(const struct mml_zone *zone, unsigned int order,
			    unsigned int alloc_flags);
long mml_needed_pages(const struct mml_zone *zone, unsigned int order, unsigned long mark,
		      enum mml_zone_type highest_zoneidx, unsigned int alloc_flags);
bool mml_zone_allowed(const struct mml_zone *zone, const struct mml_alloc_context *ac,
		      unsigned int alloc_flags);
bool mml_zone_has_bulk(const struct mml_zone *zone, const struct mml_alloc_context *ac,
		       unsigned int alloc_flags, unsigned long nr);
void mml_boost_watermark(struct mml_zone *zone, unsigned int alloc_flags)
	__must_hold(&zone->lock);
void mml_clear_boosts(struct mml_buddy *buddy);
void mml_update_min_free_kbytes(struct mml_buddy *buddy);
void mml_setup_per_zone_wmarks(struct mml_buddy *buddy);
void mml_setup_per_zone_lowmem_reserve(struct mml_buddy *buddy);
void mml_watermarks_init(struct mml_buddy *buddy);

/* highatomic.c: pageblocks for who cannot wait */
void mml_reserve_highatomic_pageblock(struct mml_zone *zone, struct mml_page *page,
				      unsigned int order);
bool mml_unreserve_highatomic_pageblock(const struct mml_alloc_context *ac, bool force);

/**
 * struct mml_isolation - pageblocks that nobody gets anything of
 * @zone: their zone
 * @start: first frame number
 * @end: behind the last one
 */
struct mml_isolation {
	struct mml_zone *zone;
	u32 start;
	u32 end;
};

/* contig.c: ranges of frames */
int mml_start_isolate_page_range(struct mml_machine *machine, unsigned long start,
				 unsigned long end, bool cma,
				 struct mml_isolation *isolation);
void mml_undo_isolate_page_range(const struct mml_isolation *isolation);
void mml_set_range(struct mml_zone *zone, u32 start, u32 end,
		   enum mml_migratetype migratetype)
	__must_hold(&zone->lock);
int __mml_alloc_contig_range(struct mml_machine *machine, unsigned long start,
			     unsigned long end, bool cma);

/* cma.c: memory that is lent */
unsigned long mml_zone_cma_pages(const struct mml_zone *zone);
void mml_cmas_free(struct mml_buddy *buddy);
extern const struct file_operations mml_cma_fops;

/* hotplug.c: sections go offline, and come back */
void mml_online_all_sections(struct mml_machine *machine);
extern const struct file_operations mml_sections_fops;

/* slowpath.c: when no zone has a block to spare */
struct mml_page *mml_alloc_pages_slowpath(struct mml_alloc_context *ac);
bool mml_has_kswapd(struct mml_zone *zone);
void mml_wakeup_kswapd(struct mml_zone *zone, gfp_t gfp, unsigned int order,
		       enum mml_zone_type highest_zoneidx);

/* fallback.c: when a migratetype has no block */
bool mml_should_try_claim_block(unsigned int order, enum mml_migratetype start_mt);
int mml_find_suitable_fallback(const struct mml_zone *zone, unsigned int order,
			       enum mml_migratetype migratetype);
struct mml_page *mml_rmqueue_fallback(struct mml_zone *zone, unsigned int order,
				      enum mml_migratetype migratetype,
				      unsigned int alloc_flags, unsigned int most)
	__must_hold(&zone->lock);

/* pcp.c: per-CPU lists */
void mml_pcp_age_later(struct mml_zone *zone, struct mml_pcp_list *list);
bool mml_pcp_swap(struct mml_pcp_list *list);
bool mml_pcp_refill(struct mml_zone *zone, struct mml_pcp_list *list,
		    unsigned int order, enum mml_migratetype migratetype,
		    unsigned int alloc_flags);
bool mml_pcp_spill(struct mml_zone *zone, struct mml_pcp_list *list,
		   unsigned int order);
bool mml_drain_local_pages(struct mml_buddy *buddy);
unsigned long mml_pcp_pages(const struct mml_per_cpu_pages *pcp);
unsigned long mml_zone_pcp_pages(const struct mml_zone *zone);
unsigned long mml_nr_pcp_pages(const struct mml_buddy *buddy);
void mml_pcp_age(struct work_struct *work);
void mml_pcp_validate(struct mml_zone *zone, struct mml_validation *v);
int mml_pcp_init(struct mml_buddy *buddy);
void mml_pcp_exit(struct mml_buddy *buddy);
int mml_pcp_load(void);
void mml_pcp_unload(void);

/* node.c: nodes, zones and zonelists */
extern const char * const mml_zone_names[MML_MAX_NR_ZONES];
int mml_node_distance(const struct mml_machine *machine, int from, int to);
struct mml_buddy *mml_buddy_create(struct mml_machine *machine);
void mml_buddy_destroy(struct mml_buddy *buddy);

/* validate.c */
void mml_buddy_validate(struct mml_machine *machine, struct mml_validation *v);

/* show.c */
int mml_unusable_free_index(const struct mml_zone *zone, unsigned int order);
int mml_fragmentation_index(const struct mml_zone *zone, unsigned int order);
extern const char * const mml_migratetype_names[MML_MIGRATE_TYPES];
extern const struct mml_debugfs_file mml_buddy_machine_files[];

/* Copy in what is written to a file, less than @size. Returns: 0, -EINVAL or -EFAULT. */
static inline int mml_copy_text(char *text, size_t size, const char __user *buf, size_t len)
{
	if (len >= size)
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = '\0';
	return 0;
}

/* show_zoneinfo.c */
extern const struct file_operations mml_zoneinfo_fops;

/* tunables.c */
extern const struct file_operations mml_min_free_kbytes_fops;
extern const struct file_operations mml_watermark_scale_factor_fops;
extern const struct file_operations mml_watermark_boost_factor_fops;
extern const struct file_operations mml_lowmem_reserve_ratio_fops;

/* show_blocks.c: every block, in order */
const char *mml_migratetype_word(unsigned int migratetype);
void mml_type_name(struct mml_machine *machine, unsigned int type, char *name,
		   size_t size);
extern const struct file_operations mml_blocks_fops;

/* explain.c: what failed, and why */
bool mml_explain_zones(const struct mml_alloc_context *ac, unsigned int alloc_flags,
		       bool anyway);
extern struct mml_alloc_table mml_buddy_alloc_table;

/* ioctl.c: blocks held by handle. */
int mml_blocks_init(struct mml_session *session, struct mml_session *parent);
void mml_blocks_exit(struct mml_session *session);
void mml_blocks_free(struct mml_session *session);
extern const struct mml_ioctl mml_buddy_ioctls[MML_IOC_RANGE];

#endif /* _MML_BUDDY_INTERNAL_H */
