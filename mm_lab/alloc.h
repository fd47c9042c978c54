/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one place where the lab asks the kernel for memory of its own bookkeeping:
 * vmas, mms, sessions, tree nodes. `make check` refuses k*alloc() and stores into
 * maple trees and xarrays anywhere else, so that "the n-th allocation from now
 * fails" reaches every one of them.
 *
 * Bookkeeping that a user can cause is asked for with GFP_KERNEL_ACCOUNT.
 */
#ifndef _MML_ALLOC_H
#define _MML_ALLOC_H

#include <linux/gfp.h>
#include <linux/maple_tree.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/xarray.h>

struct mml_machine;

bool mml_should_fail(struct mml_machine *machine);
void mml_fail_nth(struct mml_machine *machine, long nth);

void *mml_kzalloc(struct mml_machine *machine, size_t size, gfp_t gfp);
void *mml_vcalloc(struct mml_machine *machine, size_t n, size_t size);

#define mml_alloc_percpu(machine, type) \
	(mml_should_fail(machine) ? NULL : alloc_percpu(type))

void *mml_alloc_pages_exact(struct mml_machine *machine, size_t size, gfp_t gfp);
unsigned long *mml_bitmap_zalloc(unsigned long bits);
int mml_mas_preallocate(struct mml_machine *machine, struct ma_state *mas,
			void *entry, gfp_t gfp);
int mml_xa_alloc(struct mml_machine *machine, struct xarray *xa, u32 *id,
		 void *entry, gfp_t gfp);

#endif /* _MML_ALLOC_H */
