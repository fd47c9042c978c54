/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regions: the memory behind machines, and the slices that machines take of it.
 */
#ifndef _MML_REGION_H
#define _MML_REGION_H

#include <linux/types.h>

#include "mm_lab/uapi/mm_lab.h"

struct mml_region;
struct mml_validation;

/**
 * struct mml_slice - a contiguous run of real page frames, held by one machine
 * @region: where it is from; NULL: a test brought the pages
 * @backend: enum mml_backend
 * @base_pfn: the kernel's pfn of its first frame
 * @nr: frames
 */
struct mml_slice {
	struct mml_region *region;
	enum mml_backend backend;
	unsigned long base_pfn;
	unsigned long nr;
};

const char *mml_backend_name(enum mml_backend backend);
int mml_backend_parse(const char *name, enum mml_backend *backend);
const char *mml_region_name(const struct mml_slice *slice);

int mml_slice_take(struct mml_slice *slice, enum mml_backend backend,
		   unsigned long nr);
void mml_slice_give(struct mml_slice *slice);

void mml_regions_init(const char *reserve_name);
void mml_regions_exit(void);
void mml_regions_validate(struct mml_validation *v);

#endif /* _MML_REGION_H */
