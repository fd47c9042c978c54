// SPDX-License-Identifier: GPL-2.0
/*
 * The backend sparse: the page allocator's largest blocks, wherever they are. The last
 * resort on a kernel that has free memory but no contiguous range of it, and a machine
 * with holes to learn from.
 *
 * What is asked for beyond whole blocks comes as a smaller piece, which becomes the
 * last section: an unaligned end.
 *
 * Kernel counterpart: mm/sparse.c for the model; drivers that gather high-order blocks
 * (mm/page_alloc.c's alloc_pages()).
 *
 * Locking: none.
 */
#include <linux/gfp.h>
#include <linux/sched/signal.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "mm_lab/alloc.h"
#include "mm_lab/backend.h"
#include "mm_lab/sparse.h"

static int mml_run_cmp(const void *a, const void *b)
{
	const struct mml_section *ra = a, *rb = b;

	return ra->base_pfn < rb->base_pfn ? -1 : ra->base_pfn > rb->base_pfn;
}

static int mml_run_take(struct mml_section *run, unsigned long nr)
{
	run->base = mml_alloc_host_pages(NULL, nr << PAGE_SHIFT, GFP_KERNEL |
					  __GFP_NORETRY | __GFP_NOWARN);
	if (!run->base)
		return -ENOMEM;
	run->base_pfn = page_to_pfn(virt_to_page(run->base));
	run->nr = nr;
	return 0;
}

static void mml_runs_give(struct mml_section *runs, unsigned long nr_runs)
{
	unsigned long i;

	for (i = 0; i < nr_runs; i++)
		if (runs[i].nr)
			free_pages_exact(runs[i].base, runs[i].nr << PAGE_SHIFT);
}

static int mml_runs_take(struct mml_section *runs, unsigned long nr_runs,
			 unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr_runs; i++, nr -= MML_SECTION_FRAMES) {
		if (fatal_signal_pending(current) ||
		    mml_run_take(&runs[i], min(nr, MML_SECTION_FRAMES))) {
			mml_runs_give(runs, i);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

static int mml_sparse_take(struct mml_slice *slice, unsigned long nr)
{
	unsigned long nr_runs = DIV_ROUND_UP(nr, MML_SECTION_FRAMES);
	struct mml_section *runs;
	int err;

	/* Before a table is made for what cannot be. */
	if (nr > global_zone_page_state(NR_FREE_PAGES))
		return -ENOMEM;
	runs = mml_vcalloc(NULL, nr_runs, sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	err = mml_runs_take(runs, nr_runs, nr);
	if (!err) {
		sort(runs, nr / MML_SECTION_FRAMES, sizeof(*runs), mml_run_cmp, NULL);
		err = mml_sections_build(slice, runs, nr_runs);
		if (err)
			mml_runs_give(runs, nr_runs);
		else
			snprintf(slice->region, sizeof(slice->region), "%ux4M", (u32)nr_runs);
	}
	vfree(runs);
	return err;
}

static void mml_sparse_give(struct mml_slice *slice)
{
	mml_runs_give(slice->sections, DIV_ROUND_UP(slice->nr, MML_SECTION_FRAMES));
}

static void mml_sparse_refuse(unsigned long nr, bool failed)
{
	mml_refuse(failed, "asked for %lu KiB in blocks of %lu KiB, found too few of them (free: %lu KiB in all): ask for less, free memory, or boot with reserve_mem=SIZE:2M:%s",
			   mml_kib(nr), mml_kib(MML_SECTION_FRAMES),
	       mml_kib(global_zone_page_state(NR_FREE_PAGES)), mml_reserve_hint());
}

const struct mml_backend_ops mml_sparse_backend = {
	.backend = MML_BACKEND_SPARSE,
	.automatic = true,
	.take = mml_sparse_take,
	.give = mml_sparse_give,
	.refuse = mml_sparse_refuse,
};
