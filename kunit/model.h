/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An address space and its model: a byte a page for what is mapped there, a word a
 * page for what was written there.
 */
#ifndef _MML_KUNIT_MODEL_H
#define _MML_KUNIT_MODEL_H

#include <linux/mman.h>

#include "kunit/machine.h"
#include "vma_probe/mm/mm.h"

#define MML_MODEL_PAGES		256

/*
 * The range of pages lies across a multiple of 1 << 39, where one entry of the
 * top-level table ends: its first half and its second share no table but that one.
 */
#define MML_MODEL_HALF		(MML_MODEL_PAGES / 2)
#define MML_MODEL_START		((1UL << 44) - MML_MODEL_HALF * PAGE_SIZE)

/* Tables that the first page in a half needs below the top-level one. */
#define MML_MODEL_TABLES	3

/* The byte of a mapped page: this, PROT_* and perhaps MML_MODEL_NORESERVE. */
#define MML_MODEL_MAPPED	BIT(7)
#define MML_MODEL_NORESERVE	BIT(6)

/**
 * struct mml_family - address spaces that share frames
 * @counter: charged for all frames and tables, each once
 * @common: of all of them
 * @members: how many there ever were
 */
struct mml_family {
	struct mml_counter counter;
	struct mml_mm_common common;
	u32 members;
};

/**
 * struct mml_model - an address space, and what it should be
 * @test: of which test
 * @machine: its frames are from here
 * @family: of it and its relatives
 * @number: in the family, from 1
 * @counter: charged for @mm
 * @mm: the address space
 * @page: a byte a page; 0: nothing is mapped
 * @tag: what was written last to a page's first and last word; 0: nothing
 * @tlb: what the real page table would say: filled and revoked by @mm's window
 * @inserting: called under the table mutex, when @tlb has been filled; or NULL
 * @nth: the allocation that fails in each call, or 0
 * @injected: in the last call, it came to that
 * @nr_ptes: of @mm before the last call
 */
struct mml_model {
	struct kunit *test;
	struct mml_machine *machine;
	struct mml_family *family;
	u32 number;
	struct mml_counter counter;
	struct mml_mm mm;
	u8 page[MML_MODEL_PAGES];
	u32 tag[MML_MODEL_PAGES];
	mml_pte_t tlb[MML_MODEL_PAGES];
	void (*inserting)(struct mml_model *model);
	long nth;
	bool injected;
	long nr_ptes;
};

/* The address of a page of the range, which may be before or behind it. */
static inline unsigned long mml_model_addr(long page)
{
	return MML_MODEL_START + page * PAGE_SIZE;
}

struct mml_model *mml_model(struct kunit *test, unsigned long frames);
struct mml_model *mml_model_on(struct kunit *test, struct mml_machine *machine);
struct mml_model *mml_model_child(struct mml_model *parent);
struct mml_model *mml_model_fork(struct mml_model *parent);
void mml_model_exit(struct mml_model *model);
mml_pte_t mml_model_pte(struct mml_model *model, int page);
void mml_model_expect(struct mml_model *model);
void mml_model_set(struct mml_model *model, int first, int nr, u8 byte);

int mml_model_mmap(struct mml_model *model, int first, int nr, unsigned long prot,
		   unsigned long flags);
int mml_model_munmap(struct mml_model *model, int first, int nr);
int mml_model_mprotect(struct mml_model *model, int first, int nr,
		       unsigned long prot);
int mml_model_mremap(struct mml_model *model, int *first, int old_nr, int new_nr,
		     unsigned long flags);
int mml_model_mremap_to(struct mml_model *model, int first, int old_nr, int new_nr,
			unsigned long flags, int to);
int mml_model_dontneed(struct mml_model *model, int first, int nr);
void mml_model_fault(struct mml_model *model, int page, unsigned int flags);
void mml_model_write(struct mml_model *model, int first, int nr, u32 tag);
void mml_model_poke(struct mml_model *model, int first, int nr, u32 tag);
void mml_model_random_op(struct mml_model *model, struct rnd_state *rnd, bool touch);

#endif /* _MML_KUNIT_MODEL_H */
