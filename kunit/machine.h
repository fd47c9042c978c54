/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites share: private machines, the seed, and a few questions.
 */
#ifndef _MML_KUNIT_MACHINE_H
#define _MML_KUNIT_MACHINE_H

#include <kunit/test.h>
#include <linux/prandom.h>

#include "mm_lab/machine.h"

/* Every byte of a test's memory, before somebody writes to it. */
#define MML_TEST_POISON		0x5a

/* Pieces of a sparse machine; between two lies an absent section. */
#define MML_TEST_RUNS		3

/* main.c */
void mml_test_seed(struct kunit *test, struct rnd_state *rnd);

/* A random number below @n. */
static inline u32 mml_test_below(struct rnd_state *rnd, u32 n)
{
	return prandom_u32_state(rnd) % n;
}

/* machine.c */
struct page *mml_test_pages(struct kunit *test, unsigned long frames);
struct mml_machine *mml_test_machine_of(struct kunit *test,
					const struct mml_machine_spec *spec);
struct mml_machine *mml_test_machine(struct kunit *test, unsigned long frames);
struct mml_machine *mml_test_sparse_machine(struct kunit *test, unsigned long tail);
u64 mml_test_violations(struct mml_machine *machine);
void mml_test_expect_reports(struct kunit *test, struct mml_machine *machine,
			     u64 reports);

#endif /* _MML_KUNIT_MACHINE_H */
