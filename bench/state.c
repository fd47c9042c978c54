// SPDX-License-Identifier: GPL-2.0
/*
 * States of free lists. What an allocation costs depends on what is free, so each batch
 * is preceded by making that the same: on the lab's side, the kernel's, and any other
 * allocator's by the same function where it can be.
 *
 * mml_bench_hold_siblings(), for pairs: blocks are allocated and held until four of
 * them, of the order in question, lie side by side where a block four times as large
 * could. Then one of the four is freed. Its buddy is held, so that it stays as it is and
 * is what the next allocation gets; the three others being held, the kernel does not
 * expect it to merge soon, and so puts it where the next allocation looks first. That
 * it does is tried before it is believed. So a pair neither splits nor merges.
 *
 * mml_bench_drain_kernel(), for bursts: the kernel has no unmovable block free that is
 * smaller than a pageblock (order 9), nor has a machine of the lab that nobody uses. What
 * is on the kernel's per-CPU lists is left to the untimed batch before the timed one.
 *
 * Locking: none. The kernel's lists are looked at without a lock, to see if there is
 * anything on them; what is believed of that only decides what to allocate.
 */
#include <linux/mm.h>
#include <linux/mmzone.h>

#include "bench/bench.h"

/* How much memory may be held in search of a state. */
#define MML_BENCH_HELD_PAGES	(SZ_64M >> PAGE_SHIFT)

/* The largest blocks that a burst of order 3 needs. */
#define MML_BENCH_LARGEST	8

/* Allocate a block and hold it. Returns: 0 or a negative errno. */
int mml_bench_hold(struct mml_bench_job *job, gfp_t gfp, unsigned int order)
{
	void *block;

	if (job->nr_held == MML_BENCH_MAX_HELD)
		return -ENOSPC;
	block = job->side->allocator->alloc(gfp, order);
	if (!block)
		return -ENOMEM;
	job->held[job->nr_held] = block;
	job->held_order[job->nr_held++] = order;
	return 0;
}

static void mml_bench_release_last(struct mml_bench_job *job)
{
	job->nr_held--;
	job->side->allocator->free(job->held[job->nr_held],
				   job->held_order[job->nr_held]);
}

/* Give back all that is held. */
void mml_bench_release(struct mml_bench_job *job)
{
	while (job->nr_held)
		mml_bench_release_last(job);
}

/* How many of the blocks held lie where the last one does, by frame >> @shift? */
static unsigned int mml_bench_neighbours(const struct mml_bench_job *job,
					 unsigned int shift)
{
	const struct mml_bench_allocator *a = job->side->allocator;
	unsigned long where = a->frame(job->held[job->nr_held - 1]) >> shift;
	unsigned int neighbours = 0;

	for (unsigned int i = 0; i < job->nr_held; i++)
		neighbours += a->frame(job->held[i]) >> shift == where;
	return neighbours;
}

/* Is a block that is freed the one that is allocated next? */
static bool mml_bench_returns(struct mml_bench_job *job)
{
	const struct mml_bench_allocator *a = job->side->allocator;
	void **last = &job->held[job->nr_held - 1];

	for (unsigned int i = 0; i < 3; i++) {
		unsigned long frame = a->frame(*last);

		a->free(*last, job->order);
		*last = a->alloc(job->gfp, job->order);
		if (!*last) {
			job->nr_held--;
			return false;
		}
		if (a->frame(*last) != frame)
			return false;
	}
	return true;
}

/*
 * For pairs; see the head of this file. There are four of a block's order in the next but
 * one larger order, if that is no larger than the largest, two in the next, and one.
 * Returns: 0 or a negative errno; what is held is to be released either way.
 */
int mml_bench_hold_siblings(struct mml_bench_job *job)
{
	unsigned int shift = min_t(unsigned int, job->order + 2, MAX_PAGE_ORDER);
	unsigned int siblings = 1U << (shift - job->order);
	int err;

	do {
		err = mml_bench_hold(job, job->gfp, job->order);
		if (err)
			return err;
		if (mml_bench_neighbours(job, shift) == siblings && mml_bench_returns(job)) {
			mml_bench_release_last(job);
			return 0;
		}
	} while (job->nr_held << job->order < MML_BENCH_HELD_PAGES);
	return -ENOSPC;
}

/* A list of free blocks of the zone that @page is of. */
static struct list_head *mml_bench_zone_list(struct page *page, unsigned int order)
{
	return &page_zone(page)->free_area[order].free_list[MIGRATE_UNMOVABLE];
}

/* The same of this CPU's lists; there are such of orders 0 to 3, and of 9. */
static struct list_head *mml_bench_pcp_list(struct page *page, unsigned int order)
{
	struct per_cpu_pages __percpu *pcp = page_zone(page)->per_cpu_pageset;

	return &raw_cpu_ptr(pcp)->lists[MIGRATE_PCPTYPES * order + MIGRATE_UNMOVABLE];
}

/*
 * The more pages are allocated in a row, the more the kernel fetches at a time when its
 * per-CPU list is empty: twice as many each time, up to 32 times, and half with each page
 * that is freed (nr_pcp_alloc()). Let it be as after a quiet time.
 */
static int mml_bench_calm(struct mml_bench_job *job)
{
	const struct mml_bench_allocator *a = job->side->allocator;
	struct page *page = alloc_page(GFP_KERNEL);

	for (unsigned int i = 0; page && i < 8; i++) {
		__free_page(page);
		page = alloc_page(GFP_KERNEL);
	}
	if (!page)
		return -ENOMEM;
	a->free(page, 0);
	return mml_bench_hold(job, GFP_KERNEL, 0);
}

/*
 * Hold what is on the zone's list of @order, which those of smaller orders are empty of.
 * Blocks of order 9 are fetched two at a time, so the last of them is got rid of by
 * halves, of which there are no per-CPU lists.
 */
static int mml_bench_drain_zone_list(struct mml_bench_job *job, unsigned int order)
{
	struct list_head *list = mml_bench_zone_list(job->held[0], order);
	unsigned int n = order == pageblock_order ? 2 : 1;
	unsigned long held = 0;
	int err = 0;

	while (!err && !list_empty_careful(list)) {
		held += 1UL << order;
		if (held > MML_BENCH_HELD_PAGES)
			return -ENOSPC;
		/* An odd number at a time, so that sometimes nothing is left over. */
		if (!order && list_empty_careful(mml_bench_pcp_list(job->held[0], 0)))
			err = mml_bench_calm(job);
		for (unsigned int i = 0; !err && i < n; i++)
			err = mml_bench_hold(job, GFP_KERNEL, order - (n - 1));
	}
	return err;
}

/* Hold what is on this CPU's list; it is not filled again before it is empty. */
static int mml_bench_drain_pcp_list(struct mml_bench_job *job, unsigned int order)
{
	struct list_head *list = mml_bench_pcp_list(job->held[0], order);
	int err = 0;

	while (!err && !list_empty_careful(list))
		err = mml_bench_hold(job, GFP_KERNEL, order);
	return err;
}

/*
 * Let there be blocks of the largest order, so that none has to be taken from those that
 * are meant for movable pages: what was taken stays when it is given back.
 */
static int mml_bench_largest(struct mml_bench_job *job)
{
	unsigned int had = job->nr_held;
	int err = 0;

	for (unsigned int i = 0; !err && i < MML_BENCH_LARGEST; i++)
		err = mml_bench_hold(job, GFP_KERNEL, MAX_PAGE_ORDER);
	while (job->nr_held > had)
		mml_bench_release_last(job);
	return err;
}

/*
 * For bursts; see the head of this file. An allocation of an order takes from the free
 * list of that order before it splits anything larger, so the lists are emptied from
 * the smallest up.
 *
 * Returns: 0 or a negative errno; what is held is to be released either way.
 */
int mml_bench_drain_kernel(struct mml_bench_job *job)
{
	int err;

	err = mml_bench_hold(job, GFP_KERNEL, 0);
	for (unsigned int order = 0; !err && order < MAX_PAGE_ORDER; order++)
		err = mml_bench_drain_zone_list(job, order);
	for (unsigned int order = 0; !err && order <= PAGE_ALLOC_COSTLY_ORDER; order++)
		err = mml_bench_drain_pcp_list(job, order);
	if (!err)
		err = mml_bench_largest(job);
	return err ?: mml_bench_calm(job);
}

/*
 * For pairs: as mml_bench_hold_siblings(), and there is a block of the order on the
 * zone's list, whatever there is on the CPU's: the kernel looks for one, or for a larger
 * one, before it takes it (zone_watermark_fast()).
 */
int mml_bench_hold_siblings_kernel(struct mml_bench_job *job)
{
	int err;

	err = mml_bench_hold_siblings(job);
	while (!err && job->order && job->order < MAX_PAGE_ORDER &&
	       list_empty_careful(mml_bench_zone_list(job->held[0], job->order)))
		err = mml_bench_hold(job, GFP_KERNEL, job->order - 1);
	return err;
}
