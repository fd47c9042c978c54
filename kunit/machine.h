/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites share: private machines, the seed, and a few questions.
 */
#ifndef _MML_KUNIT_MACHINE_H
#define _MML_KUNIT_MACHINE_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "buddy_probe/zone.h"
#include "mm_lab/machine.h"

/* Every byte of a test's memory, before somebody writes to it. */
#define MML_TEST_POISON		0x5a

/* Frames of zone DMA; of machines that are larger, the others come first. */
#define MML_TEST_DMA_FRAMES	(SZ_16M >> PAGE_SHIFT)

/* Sections that a test's machine may have. */
#define MML_TEST_MAX_SECTIONS	8

/**
 * struct mml_test_spec - a machine for a test
 * @frames: how many, contiguous: up to two sections
 * @sections: instead, a list: how many frames are there of each section; 0: a hole, of
 *	which there are no two in a row; less than MML_SECTION_FRAMES: the last one
 * @memmap_only: @frames have no memory, and may be many
 * @largest_free: frames of the largest free block, a power of two: every other block of
 *	that size is held until the test ends; 0: nothing is
 * @seed: of its random numbers; 0: not repeatable
 * @options: bits of enum mml_machine_option
 * @slab_debug: which object caches are debugged; NULL: none
 * @watermarks: some frames are kept in reserve; not all can be had then
 * @topology: its nodes
 */
struct mml_test_spec {
	unsigned long frames;
	unsigned int sections[MML_TEST_MAX_SECTIONS];
	bool memmap_only;
	unsigned int largest_free;
	u64 seed;
	unsigned long options;
	const char *slab_debug;
	bool watermarks;
	struct mml_topology topology;
};

/*
 * mml_test_build - a machine as the fields say, until the test ends
 *
 *	machine = mml_test_build(test, .frames = 300, .largest_free = 1);
 *	machine = mml_test_build(test, .sections = { MML_SECTION_FRAMES, 0, 301 });
 */
#define mml_test_build(test, ...)					\
	mml_test_machine_as(test, &(const struct mml_test_spec){ __VA_ARGS__ })

/* Where requests of GFP_KERNEL begin: all there is, up to 16 MiB. */
static inline struct mml_zone *mml_test_zone(const struct mml_machine *machine)
{
	return mml_preferred_zone(mml_buddy(machine), GFP_KERNEL);
}

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
struct mml_machine *mml_test_machine_as(struct kunit *test,
					const struct mml_test_spec *want);
struct mml_machine *mml_test_machine(struct kunit *test, unsigned long frames);
unsigned long mml_test_zones_free(struct mml_machine *machine);
unsigned long mml_test_nr_free_blocks(struct mml_machine *machine, unsigned int order);
u64 mml_test_violations(struct mml_machine *machine);
void mml_test_expect_reports(struct kunit *test, struct mml_machine *machine,
			     u64 reports);

#endif /* _MML_KUNIT_MACHINE_H */
