/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bench: tests, each with two sides, and what runs them.
 *
 * A test is the same work on the lab's side and on the kernel's. A batch is one side of
 * a test done job->n times between two looks at the clock. Batches of all tests and both
 * sides take turns, round after round (run.c), so that whatever changes meanwhile changes
 * for both. Some tests are also, or only, for threads (threads.c), and some measure memory
 * and no time (memory.c).
 */
#ifndef _MML_BENCH_H
#define _MML_BENCH_H

#include <linux/gfp.h>
#include <linux/seq_file.h>
#include <linux/types.h>

struct mml_bench_job;
struct mml_bench_ring;
struct mml_machine;

enum mml_bench_who {
	MML_BENCH_OURS,
	MML_BENCH_KERNEL,
	MML_BENCH_NR_SIDES,
};

/* How a run measures: main.c has the parameters for it. */
enum mml_bench_method {
	MML_BENCH_BATCHES,
	MML_BENCH_THREADS,
	MML_BENCH_MEMORY,
};

/* What a test is. */
enum mml_bench_kind {
	MML_BENCH_WORK,		/* that one thread does, or several beside each other */
	MML_BENCH_HANDOVER,	/* of two threads, the one allocates and the other frees */
	MML_BENCH_LIVE,		/* objects that are there, and what memory they take */
};

#define MML_BENCH_MAX_PARTS	2	/* allocating, and freeing apart from it */
#define MML_BENCH_BURST		1000	/* blocks that a burst holds */
#define MML_BENCH_BULK		64	/* pages that one bulk call is for */
#define MML_BENCH_MAX_HELD	16384	/* blocks held to fix a state */

/**
 * struct mml_bench_allocator - a page allocator under test
 * @alloc: a block of 1 << order pages; NULL: there is none
 * @free: give it back
 * @frame: its frame number, whatever that counts from
 */
struct mml_bench_allocator {
	void *(*alloc)(gfp_t gfp, unsigned int order);
	void (*free)(void *block, unsigned int order);
	unsigned long (*frame)(const void *block);
};

typedef void (*mml_bench_part_fn)(struct mml_bench_job *job);

/**
 * struct mml_bench_side - one side of a test
 * @allocator: that is tested; NULL for what allocates nothing
 * @prepare: brings about the state that the test begins in, before a batch; may be NULL
 * @settle: the same, right before the clock is looked at; may be NULL
 * @part: what is timed, each part by itself, the later ones may be NULL; of a handover:
 *	what the one thread does, and what the other
 * @bytes: of live objects: what @n of them take; it may sort them
 */
struct mml_bench_side {
	const struct mml_bench_allocator *allocator;
	int (*prepare)(struct mml_bench_job *job);
	int (*settle)(struct mml_bench_job *job);
	mml_bench_part_fn part[MML_BENCH_MAX_PARTS];
	u64 (*bytes)(struct mml_bench_job *job, void **objects, unsigned long n);
};

/**
 * struct mml_bench_test - a test
 * @name: of the row
 * @kind: what it is
 * @order: of the blocks
 * @gfp: of the allocations
 * @n: operations of a batch
 * @fixed: @n stays as it is; the parameter repeat is how often the test is done
 * @shuffle: blocks are freed at random, not in the order in which they were allocated
 * @threads: work that is also done by threads at once
 * @side: by enum mml_bench_who
 */
struct mml_bench_test {
	const char *name;
	enum mml_bench_kind kind;
	unsigned int order;
	gfp_t gfp;
	unsigned long n;
	bool fixed;
	bool shuffle;
	bool threads;
	const struct mml_bench_side *side[MML_BENCH_NR_SIDES];
};

/**
 * struct mml_bench_job - a batch
 * @side: that is run
 * @order: of the blocks
 * @gfp: of the allocations
 * @n: how many operations
 * @failed: an allocation failed
 * @nr_held: how many blocks are in @held
 * @held: blocks that are held so that the state is what it is
 * @held_order: their orders
 * @blocks: what a burst has allocated
 * @sequence: the order in which a burst is freed
 * @ring: what is handed over goes through it
 * @stop: a handover is to end
 * @done: how many objects went all the way
 * @free_pages: of the machine, before there were objects
 */
struct mml_bench_job {
	const struct mml_bench_side *side;
	unsigned int order;
	gfp_t gfp;
	unsigned long n;
	bool failed;
	unsigned int nr_held;
	void *held[MML_BENCH_MAX_HELD];
	u8 held_order[MML_BENCH_MAX_HELD];
	void *blocks[MML_BENCH_BURST];
	u16 sequence[MML_BENCH_BURST];
	struct mml_bench_ring *ring;
	const bool *stop;
	unsigned long done;
	unsigned long free_pages;
};

/* A table of tests ends with one that has no name. */
extern const struct mml_bench_test mml_bench_control_tests[];
extern const struct mml_bench_test mml_bench_pages_tests[];
extern const struct mml_bench_test mml_bench_objects_tests[];
extern const struct mml_bench_test mml_bench_vmas_tests[];
extern const struct mml_bench_test mml_bench_gen_pool_tests[];
extern const struct mml_bench_test mml_bench_gpu_buddy_tests[];

/* Pairs and bursts of the allocators (pages.h). */
extern const struct mml_bench_side mml_bench_ours_pair, mml_bench_ours_burst;
extern const struct mml_bench_side mml_bench_kernel_pair, mml_bench_kernel_burst;
extern const struct mml_bench_side mml_bench_gen_pool_pair, mml_bench_gen_pool_burst;
extern const struct mml_bench_side mml_bench_gpu_buddy_pair, mml_bench_gpu_buddy_burst;
extern const struct mml_bench_side mml_bench_sheaves_pair, mml_bench_sheaves_burst;
extern const struct mml_bench_side mml_bench_cpu_slabs_pair, mml_bench_cpu_slabs_burst;
extern const struct mml_bench_side mml_bench_slub_pair, mml_bench_slub_burst;
extern const struct mml_bench_side mml_bench_ours_kmallocs_pair, mml_bench_ours_kmallocs_burst;
extern const struct mml_bench_side mml_bench_kernel_kmallocs_pair;
extern const struct mml_bench_side mml_bench_kernel_kmallocs_burst;

/* main.c */
extern const struct mml_bench_test *const mml_bench_tables[];
extern struct mml_machine *mml_bench_machine;

/* run.c */
int mml_bench_batches(const char *glob, unsigned int rounds, unsigned int repeat);
int mml_bench_show(struct seq_file *seq);
void mml_bench_print(void);
void mml_bench_forget(void);
bool mml_bench_wants(const struct mml_bench_test *test, const char *glob,
		     enum mml_bench_method method);
unsigned int mml_bench_count(const char *glob, enum mml_bench_method method);
int mml_bench_reserve(unsigned long n);
void mml_bench_keep(const struct mml_bench_test *test, enum mml_bench_who who,
		    unsigned int part, unsigned int threads, unsigned long n, u64 time);
void mml_bench_job_init(struct mml_bench_job *job, const struct mml_bench_test *test,
			enum mml_bench_who who);

/* threads.c */
int mml_bench_threads(const char *glob, unsigned int rounds, unsigned int threads,
		      unsigned int msecs);

/* memory.c */
int mml_bench_memory(const char *glob, unsigned int rounds, unsigned int live);

/* state.c */
int mml_bench_hold_siblings(struct mml_bench_job *job);
int mml_bench_hold_siblings_kernel(struct mml_bench_job *job);
int mml_bench_hold(struct mml_bench_job *job, gfp_t gfp, unsigned int order);
void mml_bench_release(struct mml_bench_job *job);
int mml_bench_drain_kernel(struct mml_bench_job *job);

/* objects.c, vmas.c, gen_pool.c, gpu_buddy.c: what they work on is made for a run. */
int mml_bench_objects_make(void);
void mml_bench_objects_unmake(void);
int mml_bench_vmas_make(void);
void mml_bench_vmas_unmake(void);
int mml_bench_gen_pool_make(void);
void mml_bench_gen_pool_unmake(void);
int mml_bench_gpu_buddy_make(void);
void mml_bench_gpu_buddy_unmake(void);

#endif /* _MML_BENCH_H */
