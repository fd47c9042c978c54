// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of object caches: the lab's, slub_probe, beside the kernel's.
 *
 *	objects.SIZE.pair	an object of SIZE bytes is allocated and freed
 *	objects.SIZE.burst1000	1000 are allocated, then freed at random: per object
 *	objects.SIZE.bulk16	16 are asked for in one call, and given back in one: per object
 *	objects.kmalloc.pair	memory of a size that the compiler does not know
 *	objects.SIZE.handover	one thread allocates, another frees what it has allocated
 *	objects.SIZE.memory	bytes that so many live ones take
 *
 * The plain rows are of fast path B, sheaves; those that end in .cpu_slabs of fast path A.
 * The caches are made for a run, of the lab's and of the kernel's the same, shared with no
 * other and without options; one untimed batch has just been done. What CPUs and nodes keep
 * is left to either side.
 *
 * @order of a test is the number of its cache, or the size for kmalloc.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "bench/pages.h"
#include "bench/ring.h"
#include "slub_probe/slab.h"

#define MML_BENCH_OBJECTS_BULK	16

static const unsigned int mml_bench_sizes[] = { 64, 256 };

#define MML_BENCH_NR_CACHES	ARRAY_SIZE(mml_bench_sizes)

static struct mml_kmem_cache *mml_bench_ours_cache[MML_NR_SLAB_PATHS][MML_BENCH_NR_CACHES];
static struct kmem_cache *mml_bench_kernel_cache[MML_BENCH_NR_CACHES];

static void *mml_bench_sheaves_alloc(gfp_t gfp, unsigned int cache)
{
	return mml_kmem_cache_alloc(mml_bench_ours_cache[MML_SLAB_SHEAVES][cache], gfp);
}

static void mml_bench_sheaves_free(void *object, unsigned int cache)
{
	mml_kmem_cache_free(mml_bench_ours_cache[MML_SLAB_SHEAVES][cache], object);
}

static const struct mml_bench_allocator mml_bench_sheaves = {
	.alloc = mml_bench_sheaves_alloc,
	.free = mml_bench_sheaves_free,
};

static void *mml_bench_cpu_slabs_alloc(gfp_t gfp, unsigned int cache)
{
	return mml_kmem_cache_alloc(mml_bench_ours_cache[MML_SLAB_CPU_SLABS][cache], gfp);
}

static void mml_bench_cpu_slabs_free(void *object, unsigned int cache)
{
	mml_kmem_cache_free(mml_bench_ours_cache[MML_SLAB_CPU_SLABS][cache], object);
}

static const struct mml_bench_allocator mml_bench_cpu_slabs = {
	.alloc = mml_bench_cpu_slabs_alloc,
	.free = mml_bench_cpu_slabs_free,
};

static void *mml_bench_slub_alloc(gfp_t gfp, unsigned int cache)
{
	return kmem_cache_alloc(mml_bench_kernel_cache[cache], gfp);
}

static void mml_bench_slub_free(void *object, unsigned int cache)
{
	kmem_cache_free(mml_bench_kernel_cache[cache], object);
}

static const struct mml_bench_allocator mml_bench_slub = {
	.alloc = mml_bench_slub_alloc,
	.free = mml_bench_slub_free,
};

static void *mml_bench_ours_kmalloc(gfp_t gfp, unsigned int size)
{
	return mml_kmalloc(mml_bench_machine, size, gfp);
}

static void mml_bench_ours_kfree(void *object, unsigned int size)
{
	mml_kfree(mml_bench_machine, object);
}

static const struct mml_bench_allocator mml_bench_ours_kmallocs = {
	.alloc = mml_bench_ours_kmalloc,
	.free = mml_bench_ours_kfree,
};

static void *mml_bench_kernel_kmalloc(gfp_t gfp, unsigned int size)
{
	return kmalloc(size, gfp);
}

static void mml_bench_kernel_kfree(void *object, unsigned int size)
{
	kfree(object);
}

static const struct mml_bench_allocator mml_bench_kernel_kmallocs = {
	.alloc = mml_bench_kernel_kmalloc,
	.free = mml_bench_kernel_kfree,
};

MML_BENCH_ALLOCATOR(mml_bench_sheaves, NULL, NULL);
MML_BENCH_ALLOCATOR(mml_bench_cpu_slabs, NULL, NULL);
MML_BENCH_ALLOCATOR(mml_bench_slub, NULL, NULL);
MML_BENCH_ALLOCATOR(mml_bench_ours_kmallocs, NULL, NULL);
MML_BENCH_ALLOCATOR(mml_bench_kernel_kmallocs, NULL, NULL);

/* In bulk. */
static __always_inline void mml_bench_ours_bulk_alloc(struct mml_bench_job *job,
						      enum mml_slab_path path)
{
	if (!mml_kmem_cache_alloc_bulk(mml_bench_ours_cache[path][READ_ONCE(job->order)],
				       READ_ONCE(job->gfp), READ_ONCE(job->n),
				       job->blocks))
		job->failed = true;
}

static __always_inline void mml_bench_ours_bulk_free(struct mml_bench_job *job,
						     enum mml_slab_path path)
{
	if (likely(!job->failed))
		mml_kmem_cache_free_bulk(mml_bench_ours_cache[path][READ_ONCE(job->order)],
					 READ_ONCE(job->n), job->blocks);
}

static void mml_bench_sheaves_bulk_alloc(struct mml_bench_job *job)
{
	mml_bench_ours_bulk_alloc(job, MML_SLAB_SHEAVES);
}

static void mml_bench_sheaves_bulk_free(struct mml_bench_job *job)
{
	mml_bench_ours_bulk_free(job, MML_SLAB_SHEAVES);
}

static const struct mml_bench_side mml_bench_sheaves_bulk = {
	.allocator = &mml_bench_sheaves,
	.part = { mml_bench_sheaves_bulk_alloc, mml_bench_sheaves_bulk_free },
};

static void mml_bench_cpu_slabs_bulk_alloc(struct mml_bench_job *job)
{
	mml_bench_ours_bulk_alloc(job, MML_SLAB_CPU_SLABS);
}

static void mml_bench_cpu_slabs_bulk_free(struct mml_bench_job *job)
{
	mml_bench_ours_bulk_free(job, MML_SLAB_CPU_SLABS);
}

static const struct mml_bench_side mml_bench_cpu_slabs_bulk = {
	.allocator = &mml_bench_cpu_slabs,
	.part = { mml_bench_cpu_slabs_bulk_alloc, mml_bench_cpu_slabs_bulk_free },
};

static void mml_bench_slub_bulk_alloc(struct mml_bench_job *job)
{
	if (!kmem_cache_alloc_bulk(mml_bench_kernel_cache[READ_ONCE(job->order)],
				   READ_ONCE(job->gfp), READ_ONCE(job->n), job->blocks))
		job->failed = true;
}

static void mml_bench_slub_bulk_free(struct mml_bench_job *job)
{
	if (likely(!job->failed))
		kmem_cache_free_bulk(mml_bench_kernel_cache[READ_ONCE(job->order)],
				     READ_ONCE(job->n), job->blocks);
}

static const struct mml_bench_side mml_bench_slub_bulk = {
	.allocator = &mml_bench_slub,
	.part = { mml_bench_slub_bulk_alloc, mml_bench_slub_bulk_free },
};

MML_BENCH_HANDOVER(mml_bench_sheaves);
MML_BENCH_HANDOVER(mml_bench_cpu_slabs);
MML_BENCH_HANDOVER(mml_bench_slub);

/*
 * What live objects take. On our side that is the frames that are no longer free, whatever
 * they are for, and the sheaves, which are memory of the kernel and hold objects that are in
 * the frames. On the kernel's it is the slabs that have at least one of these objects. What
 * either has of a cache itself, and of each CPU and node, a few hundred bytes, is not
 * counted, nor is the memmap.
 */
static unsigned long mml_bench_free_pages(void)
{
	mml_drain_all_pages(mml_bench_machine);
	return mml_nr_free_pages(mml_bench_machine);
}

/* Nothing is left of objects that there were. */
static int mml_bench_ours_shrink(struct mml_bench_job *job)
{
	for (unsigned int path = 0; path < MML_NR_SLAB_PATHS; path++)
		mml_kmem_cache_shrink(mml_bench_ours_cache[path][job->order]);
	job->free_pages = mml_bench_free_pages();
	return 0;
}

static u64 mml_bench_frames_bytes(struct mml_bench_job *job, void **objects, unsigned long n)
{
	return (u64)(job->free_pages - mml_bench_free_pages()) << PAGE_SHIFT;
}

/* Only the cache knows what it has; nobody uses it meanwhile. */
static u64 mml_bench_sheaves_bytes(struct mml_bench_job *job, void **objects, unsigned long n)
{
	struct mml_kmem_cache *s = mml_bench_ours_cache[MML_SLAB_SHEAVES][job->order];
	struct mml_slab_sheaf *sheaf;
	unsigned int sheaves = 0, cpu;

	for_each_possible_cpu(cpu) {
		struct mml_slub_percpu_sheaves *pcs = per_cpu_ptr(s->cpu_sheaves, cpu);

		/* One that is for all CPUs that have not needed any has room for nothing. */
		sheaves += !!pcs->main->capacity;
		sheaves += !!pcs->spare;
	}
	for (unsigned int i = 0; i < s->nr_nodes; i++)
		sheaves += s->node[i].barn.nr_full + s->node[i].barn.nr_empty;
	return mml_bench_frames_bytes(job, objects, n) +
	       sheaves * kmalloc_size_roundup(struct_size(sheaf, objects, s->sheaf_capacity));
}

static int mml_bench_slub_shrink(struct mml_bench_job *job)
{
	kmem_cache_shrink(mml_bench_kernel_cache[job->order]);
	return 0;
}

static int mml_bench_by_address(const void *a, const void *b)
{
	const unsigned long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorted, the objects of a slab are next to each other: each slab is counted once. */
static u64 mml_bench_slub_bytes(struct mml_bench_job *job, void **objects, unsigned long n)
{
	struct page *last = NULL;
	u64 bytes = 0;

	sort(objects, n, sizeof(*objects), mml_bench_by_address, NULL);
	for (unsigned long i = 0; i < n; i++) {
		struct page *head = virt_to_head_page(objects[i]);

		if (head != last)
			bytes += page_size(head);
		last = head;
	}
	return bytes;
}

static const struct mml_bench_side mml_bench_sheaves_live = {
	.allocator = &mml_bench_sheaves,
	.prepare = mml_bench_ours_shrink,
	.bytes = mml_bench_sheaves_bytes,
};

static const struct mml_bench_side mml_bench_cpu_slabs_live = {
	.allocator = &mml_bench_cpu_slabs,
	.prepare = mml_bench_ours_shrink,
	.bytes = mml_bench_frames_bytes,
};

static const struct mml_bench_side mml_bench_slub_live = {
	.allocator = &mml_bench_slub,
	.prepare = mml_bench_slub_shrink,
	.bytes = mml_bench_slub_bytes,
};

/* A row: of a size, a kind of work, and the lab's fast path. */
#define MML_BENCH_ROW(_name, _cache, _n, _burst, _threads, _ours, _kernel) {	\
	.name = _name,							\
	.order = _cache,						\
	.gfp = GFP_KERNEL,						\
	.n = _n,							\
	.fixed = _n != 500,						\
	.shuffle = _burst,						\
	.threads = _threads,						\
	.side = { &_ours, &_kernel },					\
}

#define MML_BENCH_OBJECTS_PAIR(_name, _cache, _ours)			\
	MML_BENCH_ROW("objects." _name, _cache, 500, false, _cache == 0,	\
		      _ours##_pair, mml_bench_slub_pair)
#define MML_BENCH_OBJECTS_BURST(_name, _cache, _ours)			\
	MML_BENCH_ROW("objects." _name, _cache, MML_BENCH_BURST, true, false,	\
		      _ours##_burst, mml_bench_slub_burst)
#define MML_BENCH_OBJECTS_BULKS(_name, _cache, _ours)			\
	MML_BENCH_ROW("objects." _name, _cache, MML_BENCH_OBJECTS_BULK, false, false, \
		      _ours##_bulk, mml_bench_slub_bulk)

#define MML_BENCH_OBJECTS_HANDOVER(_name, _cache, _ours) {		\
	.name = "objects." _name,						\
	.kind = MML_BENCH_HANDOVER,						\
	.order = _cache,						\
	.gfp = GFP_KERNEL,						\
	.n = 500,							\
	.side = { &_ours##_handover, &mml_bench_slub_handover },	\
}
#define MML_BENCH_OBJECTS_MEMORY(_name, _cache, _ours) {		\
	.name = "objects." _name,						\
	.kind = MML_BENCH_LIVE,						\
	.order = _cache,						\
	.gfp = GFP_KERNEL,						\
	.side = { &_ours##_live, &mml_bench_slub_live },			\
}

const struct mml_bench_test mml_bench_objects_tests[] = {
	MML_BENCH_OBJECTS_PAIR("64.pair", 0, mml_bench_sheaves),
	MML_BENCH_OBJECTS_PAIR("64.pair.cpu_slabs", 0, mml_bench_cpu_slabs),
	MML_BENCH_OBJECTS_PAIR("256.pair", 1, mml_bench_sheaves),
	MML_BENCH_OBJECTS_PAIR("256.pair.cpu_slabs", 1, mml_bench_cpu_slabs),
	MML_BENCH_OBJECTS_BURST("64.burst1000.random", 0, mml_bench_sheaves),
	MML_BENCH_OBJECTS_BURST("64.burst1000.random.cpu_slabs", 0, mml_bench_cpu_slabs),
	MML_BENCH_OBJECTS_BURST("256.burst1000.random", 1, mml_bench_sheaves),
	MML_BENCH_OBJECTS_BURST("256.burst1000.random.cpu_slabs", 1, mml_bench_cpu_slabs),
	MML_BENCH_OBJECTS_BULKS("64.bulk16", 0, mml_bench_sheaves),
	MML_BENCH_OBJECTS_BULKS("64.bulk16.cpu_slabs", 0, mml_bench_cpu_slabs),
	MML_BENCH_OBJECTS_HANDOVER("64.handover", 0, mml_bench_sheaves),
	MML_BENCH_OBJECTS_HANDOVER("64.handover.cpu_slabs", 0, mml_bench_cpu_slabs),
	MML_BENCH_OBJECTS_MEMORY("64.memory", 0, mml_bench_sheaves),
	MML_BENCH_OBJECTS_MEMORY("64.memory.cpu_slabs", 0, mml_bench_cpu_slabs),
	MML_BENCH_OBJECTS_MEMORY("256.memory", 1, mml_bench_sheaves),
	MML_BENCH_OBJECTS_MEMORY("256.memory.cpu_slabs", 1, mml_bench_cpu_slabs),
	{
		.name = "objects.kmalloc.pair",
		.order = 100,
		.gfp = GFP_KERNEL,
		.n = 500,
		.side = { &mml_bench_ours_kmallocs_pair, &mml_bench_kernel_kmallocs_pair },
	},
	{
		.name = "aa.objects.64.pair.kernel",
		.gfp = GFP_KERNEL,
		.n = 500,
		.side = { &mml_bench_slub_pair, &mml_bench_slub_pair },
	},
	{}
};

void mml_bench_objects_unmake(void)
{
	unsigned int i, path;

	for (i = 0; i < MML_BENCH_NR_CACHES; i++) {
		for (path = 0; path < MML_NR_SLAB_PATHS; path++) {
			mml_kmem_cache_destroy(mml_bench_ours_cache[path][i]);
			mml_bench_ours_cache[path][i] = NULL;
		}
		kmem_cache_destroy(mml_bench_kernel_cache[i]);
		mml_bench_kernel_cache[i] = NULL;
	}
	/* And what kmalloc's caches keep: afterwards the machine is as before. */
	mml_kmem_caches_shrink(mml_bench_machine);
}

/* Returns: 0 or a negative errno; then none are left. */
int mml_bench_objects_make(void)
{
	struct mml_kmem_cache_args args = {};
	struct mml_kmem_cache *s;
	unsigned int i;

	for (i = 0; i < MML_BENCH_NR_CACHES; i++) {
		for (args.path = 0; args.path < MML_NR_SLAB_PATHS; args.path++) {
			s = mml_kmem_cache_create(mml_bench_machine, "mm_lab_bench",
						  mml_bench_sizes[i], &args, SLAB_NO_MERGE);
			if (IS_ERR(s)) {
				mml_bench_objects_unmake();
				return PTR_ERR(s);
			}
			mml_bench_ours_cache[args.path][i] = s;
		}
		mml_bench_kernel_cache[i] = kmem_cache_create(i ? "mm_lab_bench-256" :
							      "mm_lab_bench-64",
							      mml_bench_sizes[i], 0,
							      SLAB_NO_MERGE, NULL);
		if (!mml_bench_kernel_cache[i]) {
			mml_bench_objects_unmake();
			return -ENOMEM;
		}
	}
	return 0;
}
