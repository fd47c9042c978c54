/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regions: the memory behind machines, and the slices that machines take of it.
 */
#ifndef _MML_REGION_H
#define _MML_REGION_H

#include <linux/types.h>

#include "mm_lab/uapi/mm_lab.h"

struct mml_backend_ops;
struct mml_section;
struct mml_validation;

/**
 * struct mml_slice - the memory of one machine
 * @backend: enum mml_backend
 * @ops: who found it and takes it back; NULL: a test brought the pages
 * @region: what @ops calls it, for people
 * @nr: frame numbers it takes up, holes included
 * @nr_present: frames there are
 * @base_pfn: the kernel's pfn of its first frame, if it is contiguous
 * @sections: else where each section is, DIV_ROUND_UP(@nr, MML_SECTION_FRAMES) of them;
 *	NULL for contiguous memory, and where there is no memory at all (memmap)
 * @cookie: of @ops
 */
struct mml_slice {
	enum mml_backend backend;
	const struct mml_backend_ops *ops;
	char region[MML_NAME_LEN];
	unsigned long nr;
	unsigned long nr_present;
	unsigned long base_pfn;
	struct mml_section *sections;
	u64 cookie;
};

const char *mml_backend_name(enum mml_backend backend);
int mml_backend_parse(const char *name, enum mml_backend *backend);
bool mml_backend_is_known(enum mml_backend backend);

int mml_slice_take(struct mml_slice *slice, enum mml_backend backend,
		   unsigned long nr);
void mml_slice_give(struct mml_slice *slice);

void mml_regions_init(const char *reserve_name);
void mml_regions_exit(void);
void mml_regions_validate(struct mml_validation *v);

#endif /* _MML_REGION_H */
