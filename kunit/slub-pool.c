// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_slub_pool: memory pools while there is no memory; and what caches keep, which
 * comes when there is none.
 *
 * Kernel counterpart: none.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "kunit/machine.h"
#include "mm_lab/shrinker.h"
#include "slub_probe/slab.h"

#define MML_TEST_FRAMES		512
#define MML_TEST_MIN		8

/*
 * Pools of each kind.
 */

/**
 * struct mml_test_own - who makes elements himself: frames, and counts them
 * @machine: of this machine
 * @nr: elements that there are
 * @tries: calls of the first function
 * @gfp: flags of the last
 * @watched: the second one looks at this pool, and lets others run
 * @wrong: how often it had more than it has room for
 */
struct mml_test_own {
	struct mml_machine *machine;
	int nr;
	int tries;
	gfp_t gfp;
	struct mml_mempool *watched;
	int wrong;
};

static void *mml_test_own_alloc(struct mml_machine *machine, gfp_t gfp, void *pool_data,
				struct mml_alloc_site *site)
{
	struct mml_test_own *own = pool_data;
	struct mml_page *page;

	own->tries++;
	own->gfp = gfp;
	page = mml_alloc_pages(machine, gfp, 0);
	own->nr += !!page;
	return page;
}

static void mml_test_own_free(struct mml_machine *machine, void *element, void *pool_data)
{
	struct mml_test_own *own = pool_data;

	own->nr--;
	__mml_free_pages(machine, element, 0);
	/* For who makes the pool larger or smaller meanwhile. */
	if (!own->watched)
		return;
	own->wrong += own->watched->curr_nr > own->watched->min_nr;
	if (!(own->nr % 4))
		schedule_timeout_uninterruptible(1);
}

enum mml_test_kind {
	MML_TEST_SLAB,
	MML_TEST_CPU_SLAB,
	MML_TEST_KMALLOC,
	MML_TEST_LARGE_KMALLOC,
	MML_TEST_PAGES,
	MML_TEST_OWN,
};

static const struct mml_test_pool {
	const char *name;
	enum mml_test_kind kind;
} mml_test_pools[] = {
	{ "a cache, sheaves", MML_TEST_SLAB },
	{ "a cache, cpu slabs", MML_TEST_CPU_SLAB },
	{ "kmalloc", MML_TEST_KMALLOC },
	{ "kmalloc of blocks", MML_TEST_LARGE_KMALLOC },
	{ "blocks", MML_TEST_PAGES },
	{ "own functions", MML_TEST_OWN },
};
KUNIT_ARRAY_PARAM_DESC(mml_pool, mml_test_pools, name);

/**
 * struct mml_pool_test - a machine, a pool on it, and all other memory
 * @machine: the machine
 * @s: the pool's cache, if it is of one
 * @own: its own data, if it has own functions
 * @pool: the pool
 * @taken: frames
 */
struct mml_pool_test {
	struct mml_machine *machine;
	struct mml_kmem_cache *s;
	struct mml_test_own own;
	struct mml_mempool *pool;
	struct mml_frame_list taken;
};

/* Returns: a pool, or ERR_PTR(). */
static struct mml_mempool *mml_test_make_pool(struct kunit *test, struct mml_pool_test *pt,
					      int min_nr)
{
	const struct mml_test_pool *param = test->param_value;

	switch (param->kind) {
	case MML_TEST_SLAB:
	case MML_TEST_CPU_SLAB:
		return mml_mempool_create_slab_pool(min_nr, pt->s);
	case MML_TEST_KMALLOC:
		return mml_mempool_create_kmalloc_pool(pt->machine, min_nr, 700);
	case MML_TEST_LARGE_KMALLOC:
		return mml_mempool_create_kmalloc_pool(pt->machine, min_nr, 3 * PAGE_SIZE);
	case MML_TEST_PAGES:
		return mml_mempool_create_page_pool(pt->machine, min_nr, 2);
	default:
		return mml_mempool_create(pt->machine, min_nr, mml_test_own_alloc,
					  mml_test_own_free, &pt->own);
	}
}

static void mml_pool_test_release(struct mml_pool_test *pt, unsigned long nr)
{
	struct mml_page *page;

	while (nr-- && (page = mml_frame_list_pop(pt->machine, &pt->taken)))
		__mml_free_pages(pt->machine, page, 0);
}

static void mml_pool_test_exit(void *data)
{
	struct mml_pool_test *pt = data;

	mml_pool_test_release(pt, ULONG_MAX);
	mml_mempool_destroy(pt->pool);
	mml_kmem_cache_destroy(pt->s);
}

/* A machine and, if @min_nr is not 0, a pool on it, until the test ends. */
static struct mml_pool_test *mml_pool_test_begin(struct kunit *test, int min_nr)
{
	const struct mml_test_pool *param = test->param_value;
	struct mml_kmem_cache_args args = {
		.path = param && param->kind == MML_TEST_CPU_SLAB ? MML_SLAB_CPU_SLABS :
								    MML_SLAB_SHEAVES,
	};
	struct mml_pool_test *pt = kunit_kzalloc(test, sizeof(*pt), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pt);
	pt->machine = mml_test_machine(test, MML_TEST_FRAMES);
	mml_frame_list_init(&pt->taken);
	pt->own.machine = pt->machine;
	pt->s = mml_kmem_cache_create(pt->machine, "pool", 600, &args, SLAB_NO_MERGE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pt->s));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_pool_test_exit, pt));
	if (min_nr) {
		pt->pool = mml_test_make_pool(test, pt, min_nr);
		KUNIT_ASSERT_FALSE(test, IS_ERR(pt->pool));
		KUNIT_ASSERT_TRUE(test, mml_mempool_is_saturated(pt->pool));
	}
	return pt;
}

/* All frames that there are, and then all objects: of the pool's own allocator, too. */
static void mml_pool_test_exhaust(struct mml_pool_test *pt)
{
	struct mml_page *page;

	mml_kmem_caches_shrink(pt->machine);
	while ((page = mml_alloc_pages(pt->machine, GFP_KERNEL, 0)))
		mml_frame_list_add(pt->machine, &pt->taken, page);
}

/* What the allocator below has left in its slabs, kept in a list by who takes it. */
static unsigned int mml_pool_test_take(struct mml_pool_test *pt, void **elements,
				       unsigned int nr)
{
	unsigned int n;

	for (n = 0; n < nr; n++) {
		elements[n] = mml_mempool_alloc(pt->pool, GFP_NOWAIT);
		if (!elements[n])
			break;
	}
	return n;
}

/* What was got is somebody's, each element once, and can be written to. */
static void mml_pool_test_differ(struct kunit *test, void **elements, unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_PTR_NE(test, elements[i], elements[j]);
}

static void mml_pool_test_give(struct mml_pool_test *pt, void **elements, unsigned int nr)
{
	while (nr)
		mml_mempool_free(elements[--nr], pt->pool);
}

/* No frame is left: who cannot wait gets so many elements, and then none. */
static void mml_slub_pool_test_minimum(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, MML_TEST_MIN);
	void *elements[64];
	unsigned int n;

	mml_pool_test_exhaust(pt);
	n = mml_pool_test_take(pt, elements, ARRAY_SIZE(elements));
	/* And what slabs had besides. */
	KUNIT_EXPECT_GE(test, n, MML_TEST_MIN);
	KUNIT_ASSERT_LT(test, n, ARRAY_SIZE(elements));
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, 0);
	KUNIT_EXPECT_NULL(test, mml_mempool_alloc(pt->pool, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, mml_mempool_alloc_preallocated(pt->pool));
	mml_pool_test_differ(test, elements, n);

	/* One comes back: to the pool, and from it. */
	mml_mempool_free(elements[0], pt->pool);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, 1);
	KUNIT_EXPECT_PTR_EQ(test, mml_mempool_alloc(pt->pool, GFP_NOWAIT), elements[0]);
	mml_mempool_free(elements[0], pt->pool);
	KUNIT_EXPECT_PTR_EQ(test, mml_mempool_alloc_preallocated(pt->pool), elements[0]);

	/* First the pool is filled again. */
	mml_pool_test_give(pt, elements, MML_TEST_MIN);
	KUNIT_EXPECT_TRUE(test, mml_mempool_is_saturated(pt->pool));
	mml_pool_test_give(pt, elements + MML_TEST_MIN, n - MML_TEST_MIN);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, MML_TEST_MIN);
	KUNIT_EXPECT_EQ(test, mml_test_violations(pt->machine), 0);
}

/* While there is memory, the pool is not touched; its own elements are for nobody else. */
static void mml_slub_pool_test_plenty(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, MML_TEST_MIN);
	void *elements[20], *kept;
	unsigned int n;

	n = mml_pool_test_take(pt, elements, ARRAY_SIZE(elements));
	KUNIT_EXPECT_EQ(test, n, ARRAY_SIZE(elements));
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, MML_TEST_MIN);
	mml_pool_test_differ(test, elements, n);
	mml_pool_test_give(pt, elements, n);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, MML_TEST_MIN);
	/* Unless it is asked for one of those. */
	kept = mml_mempool_alloc_preallocated(pt->pool);
	KUNIT_EXPECT_NOT_NULL(test, kept);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, MML_TEST_MIN - 1);
	KUNIT_EXPECT_FALSE(test, mml_mempool_is_saturated(pt->pool));
	elements[0] = mml_mempool_alloc(pt->pool, GFP_KERNEL);
	mml_mempool_free(elements[0], pt->pool);
	KUNIT_EXPECT_TRUE(test, mml_mempool_is_saturated(pt->pool));
	mml_mempool_free(kept, pt->pool);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, MML_TEST_MIN);
}

/* In which order, and with which flags, the allocator is asked. */
static void mml_slub_pool_test_order(struct kunit *test)
{
	static const struct mml_test_pool own = { "own", MML_TEST_OWN };
	const gfp_t never = __GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN;
	struct mml_pool_test *pt;
	void *element;

	test->param_value = &own;
	pt = mml_pool_test_begin(test, 1);
	KUNIT_EXPECT_EQ(test, pt->own.gfp, GFP_KERNEL);
	mml_pool_test_exhaust(pt);
	pt->own.tries = 0;
	element = mml_mempool_alloc(pt->pool, GFP_KERNEL | __GFP_NOFAIL);
	KUNIT_EXPECT_NOT_NULL(test, element);
	KUNIT_EXPECT_EQ(test, pt->own.tries, 1);
	KUNIT_EXPECT_EQ(test, pt->own.gfp,
			(GFP_KERNEL | never) & ~(__GFP_DIRECT_RECLAIM | __GFP_IO));
	KUNIT_EXPECT_NULL(test, mml_mempool_alloc(pt->pool, GFP_NOWAIT));
	KUNIT_EXPECT_EQ(test, pt->own.tries, 2);
	/* With __GFP_IO, too, it is tried twice: with less, and with that. */
	KUNIT_EXPECT_NULL(test, mml_mempool_alloc(pt->pool, GFP_NOWAIT | __GFP_IO));
	KUNIT_EXPECT_EQ(test, pt->own.tries, 4);
	KUNIT_EXPECT_EQ(test, pt->own.gfp, GFP_NOWAIT | __GFP_IO | never);
	mml_mempool_free(element, pt->pool);
	KUNIT_EXPECT_EQ(test, pt->own.nr, 1);
	mml_mempool_destroy(pt->pool);
	pt->pool = NULL;
	KUNIT_EXPECT_EQ(test, pt->own.nr, 0);
}

/*
 * Waiting.
 */

struct mml_pool_waiter {
	struct mml_mempool *pool;
	void *element;
	unsigned long waited;
	struct completion done;
};

static int mml_pool_waiter(void *data)
{
	struct mml_pool_waiter *waiter = data;
	unsigned long begin = jiffies;

	waiter->element = mml_mempool_alloc(waiter->pool, GFP_KERNEL);
	waiter->waited = jiffies - begin;
	complete(&waiter->done);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

/* Has it got one, within that time? */
static bool mml_pool_wait(struct mml_pool_waiter *waiter, unsigned int ms)
{
	return wait_for_completion_timeout(&waiter->done, msecs_to_jiffies(ms));
}

/* Who may wait does so until somebody gives an element back, and no longer. */
static void mml_slub_pool_test_wait(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, MML_TEST_MIN);
	struct mml_pool_waiter waiters[2] = { { pt->pool }, { pt->pool } };
	struct task_struct *threads[2];
	void *elements[64];
	unsigned int n, i;

	mml_pool_test_exhaust(pt);
	n = mml_pool_test_take(pt, elements, ARRAY_SIZE(elements));
	for (i = 0; i < 2; i++) {
		init_completion(&waiters[i].done);
		threads[i] = kthread_run(mml_pool_waiter, &waiters[i], "mml-pool/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(threads[i]));
	}
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_FALSE(test, mml_pool_wait(&waiters[i], 100));
	KUNIT_EXPECT_TRUE(test, wq_has_sleeper(&pt->pool->wait));
	mml_mempool_free(elements[--n], pt->pool);
	mml_mempool_free(elements[--n], pt->pool);
	for (i = 0; i < 2; i++) {
		/* It was woken: by itself it would look again after five seconds. */
		KUNIT_EXPECT_TRUE(test, mml_pool_wait(&waiters[i], 3000));
		KUNIT_EXPECT_EQ(test, kthread_stop(threads[i]), 0);
		KUNIT_EXPECT_LT(test, waiters[i].waited, 4 * HZ);
		KUNIT_EXPECT_NOT_NULL(test, waiters[i].element);
		elements[n++] = waiters[i].element;
	}
	KUNIT_EXPECT_FALSE(test, wq_has_sleeper(&pt->pool->wait));
	mml_pool_test_differ(test, elements, n);
	mml_pool_test_give(pt, elements, n);
	KUNIT_EXPECT_TRUE(test, mml_mempool_is_saturated(pt->pool));
}

/*
 * Sizes.
 */

/* More and less, with memory and without: what is kept is never lost. */
static void mml_slub_pool_test_resize(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, MML_TEST_MIN);
	void *elements[64];
	unsigned int n, i;

	KUNIT_EXPECT_EQ(test, mml_mempool_resize(pt->pool, 20), 0);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, 20);
	mml_pool_test_differ(test, pt->pool->elements, 20);
	KUNIT_EXPECT_EQ(test, mml_mempool_resize(pt->pool, 5), 0);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, 5);
	KUNIT_EXPECT_EQ(test, pt->pool->min_nr, 5);
	KUNIT_EXPECT_EQ(test, mml_mempool_resize(pt->pool, 5), 0);
	KUNIT_EXPECT_EQ(test, mml_mempool_resize(pt->pool, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_mempool_resize(pt->pool, -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_mempool_resize(pt->pool, INT_MAX), -ENOMEM);
	KUNIT_EXPECT_EQ(test, pt->pool->min_nr, 5);

	/* Without memory it gets what is given back. */
	mml_pool_test_exhaust(pt);
	n = mml_pool_test_take(pt, elements, ARRAY_SIZE(elements));
	KUNIT_EXPECT_EQ(test, mml_mempool_resize(pt->pool, 8), 0);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, 0);
	for (i = 0; i < n; i++) {
		mml_mempool_free(elements[i], pt->pool);
		KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, min(i + 1, 8U));
	}
	/* Less, when it has fewer than that anyway. */
	n = mml_pool_test_take(pt, elements, ARRAY_SIZE(elements));
	KUNIT_EXPECT_EQ(test, mml_mempool_resize(pt->pool, 2), 0);
	mml_pool_test_give(pt, elements, n);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, 2);
	KUNIT_EXPECT_EQ(test, mml_test_violations(pt->machine), 0);
}

/* What cannot be asked for, and what is no element. */
static void mml_slub_pool_test_misuse(struct kunit *test)
{
	struct mml_machine *bare = mml_test_build(test, .frames = 256, .memmap_only = true);
	struct mml_pool_test *pt = mml_pool_test_begin(test, MML_TEST_MIN);
	const struct mml_test_pool *param = test->param_value;
	struct mml_machine *machine = pt->machine;
	void *element, *foreign;

	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_test_make_pool(test, pt, 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_test_make_pool(test, pt, -1)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_test_make_pool(test, pt, INT_MAX)), -ENOMEM);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_mempool_create_kmalloc_pool(machine, 1, 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_mempool_create_kmalloc_pool(machine, 1,
								      SIZE_MAX)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_mempool_create_kmalloc_pool(bare, 1, 8)),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_mempool_create_page_pool(machine, 1,
								   MML_MAX_ORDER + 1)), -EINVAL);
	mml_mempool_free(NULL, pt->pool);
	mml_mempool_destroy(NULL);
	mml_mempool_destroy(ERR_PTR(-ENOMEM));

	/* Not zeroed: it is reported, and served. */
	element = mml_mempool_alloc(pt->pool, GFP_KERNEL | __GFP_ZERO);
	mml_test_expect_reports(test, machine, 1);
	mml_mempool_free(element, pt->pool);

	/* The pool lacks one, and does not take anything for it. */
	element = mml_mempool_alloc_preallocated(pt->pool);
	if (param->kind != MML_TEST_OWN) {
		foreign = mml_alloc_pages(machine, GFP_KERNEL, 0);
		mml_mempool_free(test, pt->pool);
		mml_test_expect_reports(test, machine, 1);
		mml_mempool_free(foreign, pt->pool);
		mml_test_expect_reports(test, machine, 1);
		__mml_free_pages(machine, foreign, 0);
		foreign = mml_kmalloc(machine, 8, GFP_KERNEL);
		mml_mempool_free(foreign, pt->pool);
		mml_test_expect_reports(test, machine, 1);
		mml_kfree(machine, foreign);
	}
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, MML_TEST_MIN - 1);
	mml_mempool_free(element, pt->pool);
	KUNIT_EXPECT_EQ(test, pt->pool->curr_nr, MML_TEST_MIN);
}

static void mml_test_pool_ctor(void *object)
{
}

/* What the pool hands on has been used: nothing of a cache with a constructor. */
static void mml_slub_pool_test_ctor(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);
	struct mml_kmem_cache_args args = { .ctor = mml_test_pool_ctor };
	struct mml_kmem_cache *s = mml_kmem_cache_create(machine, "x", 64, &args, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	KUNIT_EXPECT_EQ(test, PTR_ERR(mml_mempool_create_slab_pool(1, s)), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* Each allocation of a pool's life fails once. */
static void mml_slub_pool_test_fail_nth(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, 0);
	unsigned int n = 0, made = 0, grown = 0;
	struct mml_mempool *pool;
	void *element;
	bool fired;
	int err;

	do {
		mml_fail_nth(pt->machine, ++n);
		pool = mml_test_make_pool(test, pt, 3);
		if (IS_ERR(pool)) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(pool), -ENOMEM);
		} else {
			made++;
			KUNIT_EXPECT_TRUE(test, mml_mempool_is_saturated(pool));
			element = mml_mempool_alloc(pool, GFP_NOWAIT);
			KUNIT_EXPECT_NOT_NULL(test, element);
			err = mml_mempool_resize(pool, 6);
			if (err)
				KUNIT_EXPECT_EQ(test, err, -ENOMEM);
			else
				grown++;
			KUNIT_EXPECT_EQ(test, pool->min_nr, err ? 3 : 6);
			mml_mempool_free(element, pool);
			mml_mempool_destroy(pool);
		}
		fired = mml_fail_nth_fired(pt->machine);
		mml_fail_nth(pt->machine, 0);
		KUNIT_EXPECT_EQ(test, pt->own.nr, 0);
		KUNIT_EXPECT_EQ(test, mml_test_violations(pt->machine), 0);
	} while (fired && n < 100);
	/* The pool, its array, three elements; one more; another array, three more. */
	KUNIT_EXPECT_GT(test, n, 9);
	KUNIT_EXPECT_LT(test, n, 100);
	KUNIT_EXPECT_GE(test, made, 5);
	KUNIT_EXPECT_EQ(test, made - grown, 1);
}

/*
 * What caches keep.
 */

/* All memory is slabs of a cache, which nobody has an object of. */
static void mml_pool_test_keep(struct kunit *test, struct mml_pool_test *pt)
{
	void **objects = kunit_kcalloc(test, 4096, sizeof(*objects), GFP_KERNEL);
	unsigned int nr, i;

	KUNIT_ASSERT_NOT_NULL(test, objects);
	/* As far as it has to keep empty slabs, it keeps all. */
	pt->s->min_partial = ULONG_MAX;
	for (nr = 0; nr < 4096; nr++) {
		objects[nr] = mml_kmem_cache_alloc(pt->s, GFP_KERNEL);
		if (!objects[nr])
			break;
	}
	KUNIT_ASSERT_LT(test, nr, 4096);
	for (i = 0; i < nr; i++)
		mml_kmem_cache_free(pt->s, objects[i]);
	KUNIT_EXPECT_LT(test, mml_nr_free_pages(pt->machine), 1UL << pt->s->order);
}

/* Who cannot sleep gets nothing of it; who can, all. */
static void mml_slub_pool_test_shrink(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, 0);
	struct mml_shrinker *shrinker = mml_slub(pt->machine)->shrinker;
	unsigned long n = 0, slabs;
	struct mml_page *page;

	mml_pool_test_keep(test, pt);
	slabs = mml_cache_nr_slabs(pt->s);
	while ((page = mml_alloc_pages(pt->machine, GFP_NOWAIT, 0))) {
		mml_frame_list_add(pt->machine, &pt->taken, page);
		n++;
	}
	KUNIT_EXPECT_LT(test, n, 1UL << pt->s->order);
	KUNIT_EXPECT_EQ(test, mml_cache_nr_slabs(pt->s), slabs);
	while ((page = mml_alloc_pages(pt->machine, GFP_KERNEL, 0))) {
		mml_frame_list_add(pt->machine, &pt->taken, page);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, MML_TEST_FRAMES);
	KUNIT_EXPECT_EQ(test, mml_cache_nr_slabs(pt->s), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&shrinker->nr_freed),
			slabs << pt->s->order);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&shrinker->nr_counted), 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(pt->machine), 0);
}

/* A large block comes of it, too. */
static void mml_slub_pool_test_shrink_block(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, 0);
	struct mml_page *page;

	mml_pool_test_keep(test, pt);
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(pt->machine, GFP_NOWAIT, 8));
	page = mml_alloc_pages(pt->machine, GFP_KERNEL, 8);
	KUNIT_ASSERT_NOT_NULL(test, page);
	__mml_free_pages(pt->machine, page, 8);
}

/* Objects that CPUs keep are counted, and a slab comes of the last one. */
static void mml_slub_pool_test_shrink_objects(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, 0);
	struct mml_shrinker *shrinker = mml_slub(pt->machine)->shrinker;
	struct mml_shrink_control sc = { .gfp_mask = GFP_KERNEL, .nr_to_scan = 1 };
	void *object;

	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), SHRINK_EMPTY);
	object = mml_kmem_cache_alloc(pt->s, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, object);
	/* One is in use, so its slab stays; what the CPU keeps beside it does not count then. */
	KUNIT_EXPECT_GT(test, shrinker->count_objects(shrinker, &sc), 0);
	KUNIT_EXPECT_LT(test, shrinker->count_objects(shrinker, &sc), MML_TEST_FRAMES);
	mml_shrink_slab(pt->machine, GFP_KERNEL, 0, 0);
	KUNIT_EXPECT_EQ(test, mml_cache_nr_slabs(pt->s), 1);
	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), SHRINK_EMPTY);
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), SHRINK_STOP);
	mml_kmem_cache_free(pt->s, object);
	KUNIT_EXPECT_GT(test, shrinker->count_objects(shrinker, &sc), 0);
	KUNIT_EXPECT_LT(test, shrinker->count_objects(shrinker, &sc), MML_TEST_FRAMES);
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), 1UL << pt->s->order);
	KUNIT_EXPECT_EQ(test, mml_cache_nr_slabs(pt->s), 0);
}

#define MML_TEST_CACHES		12

/*
 * Many caches keep a little each, on two nodes: a block of the second node, which is not the
 * first that comes free, can be had.
 */
static void mml_slub_pool_test_shrink_many(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = 2 * MML_SECTION_FRAMES,
			       .topology = { .nr_nodes = 2 });
	const struct mml_test_pool *param = test->param_value;
	struct mml_kmem_cache_args args = {
		.path = param->kind == MML_TEST_CPU_SLAB ? MML_SLAB_CPU_SLABS : 0,
	};
	struct mml_kmem_cache *s[MML_TEST_CACHES];
	void **objects = kunit_kcalloc(test, 2 * MML_SECTION_FRAMES, sizeof(*objects),
				       GFP_KERNEL);
	unsigned int i, nr = 0;
	struct mml_page *page;

	KUNIT_ASSERT_NOT_NULL(test, objects);
	for (i = 0; i < MML_TEST_CACHES; i++) {
		s[i] = mml_kmem_cache_create(machine, "many", PAGE_SIZE, &args,
					     SLAB_NO_MERGE | (i % 3 ? 0 : SLAB_TYPESAFE_BY_RCU));
		KUNIT_ASSERT_FALSE(test, IS_ERR(s[i]));
		s[i]->min_partial = ULONG_MAX;
	}
	do {
		i = nr % MML_TEST_CACHES;
		objects[nr] = mml_kmem_cache_alloc(s[i], GFP_NOWAIT);
	} while (objects[nr] && ++nr < 2 * MML_SECTION_FRAMES);
	KUNIT_EXPECT_GT(test, nr, 200);
	for (i = 0; i < nr; i++)
		mml_kfree(machine, objects[i]);
	page = mml_alloc_pages_node(machine, 1, GFP_NOWAIT | __GFP_THISNODE, 9);
	KUNIT_EXPECT_NULL(test, page);
	page = mml_alloc_pages_node(machine, 1, GFP_KERNEL | __GFP_THISNODE, 9);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page->nid, 1);
	__mml_free_pages(machine, page, 9);
	for (i = 0; i < MML_TEST_CACHES; i++)
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s[i]), 0);
}

/* Slabs that wait for readers are waited for, if nothing else is to be had. */
static void mml_slub_pool_test_shrink_rcu(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s;
	struct mml_page *page;
	unsigned int nr = 0, i;
	void *objects[64];

	s = mml_kmem_cache_create(machine, "rcu", 4 * PAGE_SIZE, NULL, SLAB_TYPESAFE_BY_RCU);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	while (nr < ARRAY_SIZE(objects) && (objects[nr] = mml_kmem_cache_alloc(s, GFP_NOWAIT)))
		nr++;
	for (i = 0; i < nr; i++)
		mml_kmem_cache_free(s, objects[i]);
	/* None is left that could be counted otherwise. */
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 0);
	page = mml_alloc_pages(machine, GFP_KERNEL, 8);
	KUNIT_ASSERT_NOT_NULL(test, page);
	__mml_free_pages(machine, page, 8);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

#define MML_TEST_RESIZES	300

/* Makes a pool larger and smaller, for the one who does the same. */
static int mml_pool_resizer(void *data)
{
	struct mml_pool_test *pt = data;
	int i;

	for (i = 0; i < MML_TEST_RESIZES; i++)
		mml_mempool_resize(pt->pool, 1 + i % 17);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Two make the same pool larger and smaller at once: no element is lost, none is had twice. */
static void mml_slub_pool_test_resizers(struct kunit *test)
{
	struct mml_pool_test *pt = mml_pool_test_begin(test, 8);
	struct task_struct *other = kthread_run(mml_pool_resizer, pt, "mml_resizer");
	int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	pt->own.watched = pt->pool;
	for (i = 0; i < MML_TEST_RESIZES; i++) {
		mml_mempool_resize(pt->pool, 1 + i % 23);
		spin_lock_irq(&pt->pool->lock);
		if (pt->pool->curr_nr > pt->pool->min_nr)
			KUNIT_FAIL(test, "%d elements where there is room for %d",
				   pt->pool->curr_nr, pt->pool->min_nr);
		spin_unlock_irq(&pt->pool->lock);
		if (!(i % 16))
			schedule();
	}
	kthread_stop(other);
	pt->own.watched = NULL;
	KUNIT_EXPECT_EQ(test, pt->own.wrong, 0);
}

static const struct mml_test_pool mml_test_caches[] = {
	{ "sheaves", MML_TEST_SLAB },
	{ "cpu slabs", MML_TEST_CPU_SLAB },
};
KUNIT_ARRAY_PARAM_DESC(mml_cache, mml_test_caches, name);

static struct kunit_case mml_slub_pool_cases[] = {
	KUNIT_CASE_PARAM(mml_slub_pool_test_minimum, mml_pool_gen_params),
	KUNIT_CASE_PARAM(mml_slub_pool_test_plenty, mml_pool_gen_params),
	KUNIT_CASE(mml_slub_pool_test_order),
	KUNIT_CASE_PARAM(mml_slub_pool_test_wait, mml_pool_gen_params),
	KUNIT_CASE_PARAM(mml_slub_pool_test_resize, mml_pool_gen_params),
	KUNIT_CASE_PARAM(mml_slub_pool_test_resizers, mml_pool_gen_params),
	KUNIT_CASE_PARAM(mml_slub_pool_test_misuse, mml_pool_gen_params),
	KUNIT_CASE(mml_slub_pool_test_ctor),
	KUNIT_CASE_PARAM(mml_slub_pool_test_fail_nth, mml_pool_gen_params),
	KUNIT_CASE_PARAM(mml_slub_pool_test_shrink, mml_cache_gen_params),
	KUNIT_CASE_PARAM(mml_slub_pool_test_shrink_block, mml_cache_gen_params),
	KUNIT_CASE_PARAM(mml_slub_pool_test_shrink_objects, mml_cache_gen_params),
	KUNIT_CASE_PARAM(mml_slub_pool_test_shrink_many, mml_cache_gen_params),
	KUNIT_CASE(mml_slub_pool_test_shrink_rcu),
	{}
};

static struct kunit_suite mml_slub_pool_suite = {
	.name = "mml_slub_pool",
	.test_cases = mml_slub_pool_cases,
};
kunit_test_suite(mml_slub_pool_suite);
