/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Backends of regions: what region.c chooses from. Nobody else sees this.
 *
 * A backend finds real page frames that the running kernel does not use, and gives
 * them back. It fills in a slice's region, memory and cookie; region.c does the rest.
 */
#ifndef _MML_BACKEND_H
#define _MML_BACKEND_H

#include <linux/mm.h>

#include "mm_lab/region.h"

/**
 * struct mml_backend_ops - where memory comes from
 * @backend: its number in the uapi
 * @automatic: MML_BACKEND_AUTO may take it
 * @take: find @nr frames for @slice; 0 or an errno, and then nothing was taken.
 *	Process context, may take a second
 * @give: take back what ->take gave
 * @refuse: after ->take failed: what was asked, what was found, what to do, by
 *	mml_refuse()
 */
struct mml_backend_ops {
	enum mml_backend backend;
	bool automatic;
	int (*take)(struct mml_slice *slice, unsigned long nr);
	void (*give)(struct mml_slice *slice);
	void (*refuse)(unsigned long nr, bool failed);
};

extern const struct mml_backend_ops mml_reserve_backend;
extern const struct mml_backend_ops mml_cma_backend;
extern const struct mml_backend_ops mml_contig_backend;
extern const struct mml_backend_ops mml_sparse_backend;

void mml_reserve_init(const char *name);
void mml_reserve_exit(void);
void mml_reserve_validate(struct mml_validation *v);
const char *mml_reserve_hint(void);
void mml_cma_exit(void);

/* One line; @failed: nobody has the memory, else another backend could help. */
__printf(2, 3)
void mml_refuse(bool failed, const char *fmt, ...);

static inline unsigned long mml_kib(unsigned long frames)
{
	return frames << (PAGE_SHIFT - 10);
}

#endif /* _MML_BACKEND_H */
