/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sections: the pieces of which a machine's frame numbers consist.
 *
 * A section is 1 << MML_MAX_ORDER frames, so that no block crosses its border. Where a
 * machine's memory is contiguous, sections are arithmetic. Where it is not, each has
 * an entry that says where its frames are: all of them, those from its start to
 * somewhere (an unaligned end), or none (a hole).
 */
#ifndef _MML_SPARSE_H
#define _MML_SPARSE_H

#include "mm_lab/frame.h"

#define MML_SECTION_FRAMES	(1UL << MML_MAX_ORDER)

struct mml_machine;
struct mml_slice;

/**
 * struct mml_section - where the frames of a section are
 * @base: where the kernel maps the first one
 * @base_pfn: the kernel's pfn of the first one
 * @nr: how many are there, from the first on; 0: a hole
 */
struct mml_section {
	void *base;
	unsigned long base_pfn;
	unsigned long nr;
};

int mml_sections_build(struct mml_slice *slice, const struct mml_section *runs,
		       unsigned long nr_runs);
int mml_memmap_alloc(struct mml_machine *machine);
void mml_memmap_free(struct mml_machine *machine);
void mml_sections_free(struct mml_section *sections);

#endif /* _MML_SPARSE_H */
