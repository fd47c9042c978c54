// SPDX-License-Identifier: GPL-2.0
/*
 * Look-up of a vma among 10,000, mml_find_vma() beside find_vma(). Vmas of one page lie side by
 * side, every other one with another protection, so that none is merged; all are looked up in a
 * random order, the same each time.
 *
 * The lab's address space is one without a process. So is the kernel's: an mm_struct that has a
 * lock and a tree of vmas, all that find_vma() looks at, filled in the same order; what the tree
 * leads to is never looked into. Each side's mmap_lock is taken once a batch.
 *
 * Nodes of the kernel's tree are freed by RCU, by which the free lists of pages would still change
 * when other tests begin: that is waited for.
 *
 * Locking: under mml_bench_mutex (main.c).
 */
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "bench/bench.h"
#include "vma_probe/mm/mm.h"

#define MML_BENCH_VMAS		10000
#define MML_BENCH_VMAS_START	(1UL << 44)
#define MML_BENCH_VMAS_SEED	1

/**
 * struct mml_bench_spaces - two address spaces with the same vmas
 * @mm: the lab's
 * @counter: charged for it
 * @common: to all of its family, which is itself
 * @addr: of each vma, shuffled
 * @vma: what the kernel's tree leads to, in turn: it takes neighbours that are the same for one
 * @kernel_mm: the kernel's; its end is an array
 */
struct mml_bench_spaces {
	struct mml_mm mm;
	struct mml_counter counter;
	struct mml_mm_common common;
	unsigned long addr[MML_BENCH_VMAS];
	struct vm_area_struct vma[2];
	struct mm_struct kernel_mm;
};

static struct mml_bench_spaces *mml_bench_spaces;

static unsigned long mml_bench_vma_addr(unsigned int i)
{
	return MML_BENCH_VMAS_START + i * PAGE_SIZE;
}

/* Look up all vmas of @rwsem's address space. */
static __always_inline void mml_bench_find(struct mml_bench_job *job, struct rw_semaphore *rwsem,
					   void *(*find)(struct mml_bench_spaces *spaces,
							 unsigned long addr))
{
	struct mml_bench_spaces *spaces = mml_bench_spaces;
	unsigned long n = READ_ONCE(job->n);

	down_read(rwsem);
	for (unsigned long i = 0; i < n; i++)
		if (unlikely(!find(spaces, spaces->addr[i])))
			job->failed = true;
	up_read(rwsem);
}

static __always_inline void *mml_bench_ours_find(struct mml_bench_spaces *spaces,
						 unsigned long addr)
{
	return mml_find_vma(&spaces->mm, addr);
}

static __always_inline void *mml_bench_kernel_find(struct mml_bench_spaces *spaces,
						   unsigned long addr)
{
	return find_vma(&spaces->kernel_mm, addr);
}

static void mml_bench_ours_find_all(struct mml_bench_job *job)
{
	mml_bench_find(job, &mml_bench_spaces->mm.mmap_lock, mml_bench_ours_find);
}

static void mml_bench_kernel_find_all(struct mml_bench_job *job)
{
	mml_bench_find(job, &mml_bench_spaces->kernel_mm.mmap_lock, mml_bench_kernel_find);
}

static const struct mml_bench_side mml_bench_ours_vmas = { .part = { mml_bench_ours_find_all } };
static const struct mml_bench_side mml_bench_kernel_vmas = {
	.part = { mml_bench_kernel_find_all },
};

const struct mml_bench_test mml_bench_vmas_tests[] = {
	{
		.name = "vmas.find10000",
		.n = MML_BENCH_VMAS,
		.fixed = true,
		.side = { &mml_bench_ours_vmas, &mml_bench_kernel_vmas },
	},
	{}
};

/* Returns: 0 or a negative errno. */
static int mml_bench_ours_map(struct mml_bench_spaces *spaces)
{
	struct mml_mm *mm = &spaces->mm;
	int err;

	mml_counter_init(&spaces->counter, ULONG_MAX, NULL);
	mml_mm_common_init(&spaces->common);
	mml_mm_init(mm, mml_bench_machine, &spaces->counter, &spaces->common, NULL);
	err = mml_mm_set_range(mm, MML_BENCH_VMAS_START, mml_bench_vma_addr(MML_BENCH_VMAS));
	for (unsigned int i = 0; !err && i < MML_BENCH_VMAS; i++) {
		unsigned long addr = mml_bench_vma_addr(i);

		err = mml_mmap(mm, &addr, PAGE_SIZE, i % 2 ? PROT_NONE : PROT_READ,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	}
	return err;
}

static int mml_bench_kernel_store(struct mm_struct *mm, unsigned int i, struct vm_area_struct *vma)
{
	MA_STATE(mas, &mm->mm_mt, mml_bench_vma_addr(i), mml_bench_vma_addr(i + 1) - 1);

	return mas_store_gfp(&mas, vma, GFP_KERNEL);
}

/* Returns: 0 or a negative errno. */
static int mml_bench_kernel_map(struct mml_bench_spaces *spaces)
{
	struct mm_struct *mm = &spaces->kernel_mm;
	int err = 0;

	init_rwsem(&mm->mmap_lock);
	mt_init_flags(&mm->mm_mt, MM_MT_FLAGS);
	mt_set_external_lock(&mm->mm_mt, &mm->mmap_lock);
	down_write(&mm->mmap_lock);
	for (unsigned int i = 0; !err && i < MML_BENCH_VMAS; i++)
		err = mml_bench_kernel_store(mm, i, &spaces->vma[i % 2]);
	up_write(&mm->mmap_lock);
	return err;
}

static void mml_bench_vmas_shuffle(struct mml_bench_spaces *spaces)
{
	struct rnd_state rnd;

	for (unsigned int i = 0; i < MML_BENCH_VMAS; i++)
		spaces->addr[i] = mml_bench_vma_addr(i);
	prandom_seed_state(&rnd, MML_BENCH_VMAS_SEED);
	for (unsigned int i = MML_BENCH_VMAS - 1; i > 0; i--)
		swap(spaces->addr[i], spaces->addr[prandom_u32_state(&rnd) % (i + 1)]);
}

void mml_bench_vmas_unmake(void)
{
	struct mml_bench_spaces *spaces = mml_bench_spaces;
	struct mm_struct *mm = &spaces->kernel_mm;

	mml_exit_mmap(&spaces->mm);
	down_write(&mm->mmap_lock);
	__mt_destroy(&mm->mm_mt);
	up_write(&mm->mmap_lock);
	kvfree(spaces);
	mml_bench_spaces = NULL;
	rcu_barrier();
}

/* Returns: 0 or a negative errno. */
int mml_bench_vmas_make(void)
{
	int ours, kernel;

	mml_bench_spaces = kvzalloc(sizeof(*mml_bench_spaces), GFP_KERNEL);
	if (!mml_bench_spaces)
		return -ENOMEM;
	mml_bench_vmas_shuffle(mml_bench_spaces);
	ours = mml_bench_ours_map(mml_bench_spaces);
	kernel = mml_bench_kernel_map(mml_bench_spaces);
	rcu_barrier();
	if (ours || kernel)
		mml_bench_vmas_unmake();
	return ours ?: kernel;
}
