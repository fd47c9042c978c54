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
	MML_MIGRATE_TYPES = MML_MIGRATE_PCPTYPES,
};

struct mml_page *mml_alloc_pages(struct mml_machine *machine, gfp_t gfp,
				 unsigned int order, struct mml_alloc_site *site);
/*
 * Frames: see mml_alloc_pages() in page_alloc.c. Who calls it is a site (mm_lab/alloc.h);
 * the function keeps its name, for those who look for it in a running kernel.
 */
#define mml_alloc_pages(machine, gfp, order) \
	mml_alloc_pages(machine, gfp, order, MML_ALLOC_SITE("frames"))

unsigned long mml_alloc_pages_bulk(struct mml_machine *machine, gfp_t gfp,
				   unsigned long nr, struct mml_page **pages,
				   struct mml_alloc_site *site);
#define mml_alloc_pages_bulk(machine, gfp, nr, pages) \
	mml_alloc_pages_bulk(machine, gfp, nr, pages, MML_ALLOC_SITE("frames"))

void __mml_free_pages(struct mml_machine *machine, struct mml_page *page,
		      unsigned int order);
void mml_put_page(struct mml_machine *machine, struct mml_page *page);
void mml_drain_all_pages(struct mml_machine *machine);
unsigned long mml_nr_free_pages(struct mml_machine *machine);

#endif /* _MML_BUDDY_H */
