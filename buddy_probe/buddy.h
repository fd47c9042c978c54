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

struct mml_page *mml_alloc_pages(struct mml_machine *machine, gfp_t gfp,
				 unsigned int order, struct mml_alloc_site *site);
/*
 * Frames: see mml_alloc_pages() in page_alloc.c. Who calls it is a site (mm_lab/alloc.h);
 * the function keeps its name, for those who look for it in a running kernel.
 */
#define mml_alloc_pages(machine, gfp, order) \
	mml_alloc_pages(machine, gfp, order, MML_ALLOC_SITE("frames"))

void __mml_free_pages(struct mml_machine *machine, struct mml_page *page,
		      unsigned int order);
void mml_put_page(struct mml_machine *machine, struct mml_page *page);
unsigned long mml_nr_free_pages(struct mml_machine *machine);

#endif /* _MML_BUDDY_H */
