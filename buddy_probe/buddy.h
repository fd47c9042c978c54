/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page allocator, for the rooms above.
 */
#ifndef _MML_BUDDY_H
#define _MML_BUDDY_H

#include <linux/gfp.h>

#include "mm_lab/alloc.h"
#include "mm_lab/machine.h"

#define MML_BUDDY_SLOT	0

/*
 * What a request says of how long its frames stay where they are, and so of which
 * pageblocks they come from. The kernel's enum migratetype, in its order.
 */
enum mml_migratetype {
	MML_MIGRATE_UNMOVABLE,
	MML_MIGRATE_MOVABLE,
	MML_MIGRATE_RECLAIMABLE,
	MML_MIGRATE_PCPTYPES,	/* how many have per-CPU lists */
	MML_MIGRATE_HIGHATOMIC = MML_MIGRATE_PCPTYPES, /* for who cannot wait */
	MML_MIGRATE_CMA,	/* lent to what can be moved */
	MML_MIGRATE_ISOLATE,	/* nobody gets anything of it */
	MML_MIGRATE_TYPES,
};

/* How hard compaction tries; the kernel's enum compact_priority: less is harder. */
enum mml_compact_priority {
	MML_COMPACT_PRIO_SYNC_FULL,
	MML_COMPACT_PRIO_SYNC_LIGHT,
	MML_COMPACT_PRIO_ASYNC,
};

/* What came of it; of the kernel's enum compact_result, what the slow path asks. */
enum mml_compact_result {
	MML_COMPACT_SKIPPED,	/* there are too few free frames, or nobody who compacts */
	MML_COMPACT_FAILED,	/* all was looked at, and there is no such block */
	MML_COMPACT_SUCCESS,	/* there may be one now */
};

/**
 * struct mml_slowpath_ops - what can be done when a machine has no block to spare
 * @wakeup_kswapd: wake the background reclaimer of node @nid, for a block of @order of zones
 *	up to type @zid. Any context, under a zone's lock. Returns: whether it was asleep
 * @try_to_free_pages: reclaim frames, and wait for it. Returns: how many. It may allocate
 *	with __GFP_MEMALLOC
 * @reclaimable_pages: how many more frames of zone @zid of node @nid could be reclaimed
 * @try_to_compact_pages: make a free block of @order
 * @out_of_memory: kill somebody. Returns: whether that is, or was, done
 * @oom_victim: is it the current process that is to die? Any context
 *
 * Each may be NULL. Except where said, they are called in process context and may sleep,
 * where that is what @gfp allows.
 */
struct mml_slowpath_ops {
	bool (*wakeup_kswapd)(struct mml_machine *machine, int nid, int zid, gfp_t gfp,
			      unsigned int order);
	unsigned long (*try_to_free_pages)(struct mml_machine *machine, gfp_t gfp,
					   unsigned int order);
	unsigned long (*reclaimable_pages)(struct mml_machine *machine, int nid, int zid);
	enum mml_compact_result (*try_to_compact_pages)(struct mml_machine *machine,
							gfp_t gfp, unsigned int order,
							enum mml_compact_priority prio);
	bool (*out_of_memory)(struct mml_machine *machine, gfp_t gfp, unsigned int order);
	bool (*oom_victim)(struct mml_machine *machine);
};

void mml_zone_balanced(struct mml_machine *machine, int nid, int zid, unsigned long frames);
void mml_slowpath_register(struct mml_machine *machine,
			   const struct mml_slowpath_ops *ops);

struct mml_page *mml_alloc_pages(struct mml_machine *machine, gfp_t gfp,
				 unsigned int order, struct mml_alloc_site *site);
/*
 * Frames: see mml_alloc_pages() in page_alloc.c. Who calls it is a site (mm_lab/alloc.h);
 * the function keeps its name, for those who look for it in a running kernel.
 */
#define mml_alloc_pages(machine, gfp, order) \
	mml_alloc_pages(machine, gfp, order, MML_ALLOC_SITE("frames"))

struct mml_page *mml_alloc_pages_node(struct mml_machine *machine, int nid, gfp_t gfp,
				      unsigned int order, struct mml_alloc_site *site);
#define mml_alloc_pages_node(machine, nid, gfp, order) \
	mml_alloc_pages_node(machine, nid, gfp, order, MML_ALLOC_SITE("frames"))

unsigned long mml_alloc_pages_bulk(struct mml_machine *machine, gfp_t gfp,
				   unsigned long nr, struct mml_page **pages,
				   struct mml_alloc_site *site);
#define mml_alloc_pages_bulk(machine, gfp, nr, pages) \
	mml_alloc_pages_bulk(machine, gfp, nr, pages, MML_ALLOC_SITE("frames"))

void __mml_free_pages(struct mml_machine *machine, struct mml_page *page,
		      unsigned int order);
void mml_release_pages(struct mml_machine *machine, struct mml_page **pages,
		       unsigned long nr);

/* Blocks, and parts of them: split.c */
struct mml_page *mml_compound_head(struct mml_machine *machine, struct mml_page *page);
int mml_split_page(struct mml_machine *machine, struct mml_page *page,
		   unsigned int order);
struct mml_page *mml_alloc_pages_exact(struct mml_machine *machine, size_t size, gfp_t gfp,
				       struct mml_alloc_site *site);
#define mml_alloc_pages_exact(machine, size, gfp) \
	mml_alloc_pages_exact(machine, size, gfp, MML_ALLOC_SITE("frames"))

void mml_free_pages_exact(struct mml_machine *machine, struct mml_page *page, size_t size);

/* Ranges: contig.c, cma.c, hotplug.c */
int mml_alloc_contig_range(struct mml_machine *machine, unsigned long start,
			   unsigned long end);
void mml_free_contig_range(struct mml_machine *machine, unsigned long pfn,
			   unsigned long nr);
struct mml_cma;
struct mml_cma *mml_cma_declare(struct mml_machine *machine, const char *name,
				unsigned long nr);
void mml_cma_destroy(struct mml_cma *cma);
struct mml_page *mml_cma_alloc(struct mml_cma *cma, unsigned long nr, unsigned int align);
bool mml_cma_release(struct mml_cma *cma, struct mml_page *page, unsigned long nr);
int mml_offline_section(struct mml_machine *machine, unsigned long section);
int mml_online_section(struct mml_machine *machine, unsigned long section);
void mml_put_page(struct mml_machine *machine, struct mml_page *page);
int mml_numa_node(const struct mml_machine *machine);
void mml_drain_all_pages(struct mml_machine *machine);
unsigned long mml_nr_free_pages(struct mml_machine *machine);

#endif /* _MML_BUDDY_H */
