// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_slub: object caches, on both fast paths and debugged: random operations over
 * many caches against a model that knows each object and what is in it; then one by one.
 *
 * Kernel counterpart: lib/slub_kunit.c.
 */
#include <linux/rcupdate.h>

#include "kunit/machine.h"
#include "kunit/slub.h"

#define MML_TEST_FRAMES		1024
#define MML_TEST_CACHES		12
#define MML_TEST_OBJECTS	1500
#define MML_TEST_OPS		6000
#define MML_TEST_BULK		40

KUNIT_ARRAY_PARAM(mml_slub_path, mml_test_fast_paths, mml_test_path_desc);
KUNIT_ARRAY_PARAM(mml_slub_all, mml_test_paths, mml_test_path_desc);

/*
 * The model: each object, whose cache, and a byte that fills it.
 */

struct mml_test_object {
	u8 *at;
	struct mml_kmem_cache *s;
	unsigned int size;	/* that of the cache may grow when another one is merged */
	u8 fill;
};

struct mml_test_model {
	struct kunit *test;
	struct mml_machine *machine;
	struct rnd_state rnd;
	unsigned int nr_caches;
	struct mml_kmem_cache *caches[MML_TEST_CACHES];
	unsigned int nr;
	struct mml_test_object objects[MML_TEST_OBJECTS];
	void *bulk[MML_TEST_BULK];
};

static void mml_test_ctor(void *object)
{
	*(u64 *)object = 0x600d600d600d600dULL;
}

/* A cache of a shape that is not like the others. */
static struct mml_kmem_cache *mml_test_random_cache(struct mml_test_model *model)
{
	const struct mml_test_path *param = model->test->param_value;
	struct mml_kmem_cache_args args = { .path = param->path };
	slab_flags_t flags = mml_test_below(&model->rnd, 2) ? SLAB_NO_MERGE : 0;
	unsigned int size = 1 + mml_test_below(&model->rnd, 8 << mml_test_below(&model->rnd, 10));
	struct mml_kmem_cache *s;

	if (mml_test_below(&model->rnd, 3) == 0)
		flags |= SLAB_HWCACHE_ALIGN;
	if (mml_test_below(&model->rnd, 4) == 0)
		flags |= SLAB_TYPESAFE_BY_RCU;
	if (mml_test_below(&model->rnd, 4) == 0)
		flags |= SLAB_RECLAIM_ACCOUNT;
	if (mml_test_below(&model->rnd, 3) == 0)
		args.align = 8U << mml_test_below(&model->rnd, 6);
	if (mml_test_below(&model->rnd, 4) == 0)
		args.sheaf_capacity = 1 + mml_test_below(&model->rnd, 20);
	args.random_order = mml_test_below(&model->rnd, 4) == 0;
	if (size >= sizeof(u64) && mml_test_below(&model->rnd, 4) == 0)
		args.ctor = mml_test_ctor;
	/* Some of what the parameter has. */
	if (param->flags)
		flags |= param->flags & prandom_u32_state(&model->rnd);
	s = mml_kmem_cache_create(model->machine, "random", size, &args, flags);
	KUNIT_ASSERT_FALSE(model->test, IS_ERR(s));
	KUNIT_EXPECT_GE(model->test, mml_kmem_cache_size(s), size);
	return s;
}

/* An object came: it lies as it should, and nobody has written to it. */
static void mml_test_came(struct mml_test_model *model, struct mml_kmem_cache *s, u8 *at,
			  bool zeroed)
{
	struct mml_test_object *object = &model->objects[model->nr++];

	KUNIT_EXPECT_TRUE(model->test, IS_ALIGNED((unsigned long)at, s->align));
	if (s->ctor)
		KUNIT_EXPECT_EQ(model->test, *(u64 *)at, 0x600d600d600d600dULL);
	if (s->poison && !zeroed) {
		KUNIT_EXPECT_NULL(model->test, memchr_inv(at, POISON_FREE, s->object_size - 1));
		KUNIT_EXPECT_EQ(model->test, at[s->object_size - 1], POISON_END);
	}
	*object = (struct mml_test_object){
		.at = at, .s = s, .size = s->object_size,
		.fill = prandom_u32_state(&model->rnd),
	};
	if (!s->ctor)
		memset(at, object->fill, object->size);
}

/* An object is to go: its content is still there. */
static void *mml_test_goes(struct mml_test_model *model, unsigned int i)
{
	struct mml_test_object object = model->objects[i];

	if (object.s->ctor)
		KUNIT_EXPECT_EQ(model->test, *(u64 *)object.at, 0x600d600d600d600dULL);
	else
		KUNIT_EXPECT_NULL(model->test,
				  memchr_inv(object.at, object.fill, object.size));
	model->objects[i] = model->objects[--model->nr];
	return object.at;
}

static void mml_test_alloc(struct mml_test_model *model, struct mml_kmem_cache *s)
{
	gfp_t gfp = mml_test_below(&model->rnd, 2) ? GFP_KERNEL : GFP_NOWAIT;
	u8 *at;

	if (model->nr == MML_TEST_OBJECTS)
		return;
	if (!s->ctor && mml_test_below(&model->rnd, 4) == 0)
		gfp |= __GFP_ZERO;
	at = mml_kmem_cache_alloc(s, gfp);
	if (!at)
		return;
	if (gfp & __GFP_ZERO)
		KUNIT_EXPECT_NULL(model->test, memchr_inv(at, 0, s->object_size));
	mml_test_came(model, s, at, gfp & __GFP_ZERO);
}

static void mml_test_free(struct mml_test_model *model)
{
	unsigned int i;

	if (!model->nr)
		return;
	i = mml_test_below(&model->rnd, model->nr);
	if (model->objects[i].size >= sizeof(struct rcu_head) && !model->objects[i].s->ctor &&
	    !mml_test_below(&model->rnd, 8)) {
		void *object = mml_test_goes(model, i);

		__mml_kfree_rcu(model->machine, object, object);
	} else if (mml_test_below(&model->rnd, 2)) {
		struct mml_kmem_cache *s = model->objects[i].s;

		mml_kmem_cache_free(s, mml_test_goes(model, i));
	} else {
		mml_kfree(model->machine, mml_test_goes(model, i));
	}
}

static void mml_test_alloc_bulk(struct mml_test_model *model, struct mml_kmem_cache *s)
{
	unsigned int nr = 1 + mml_test_below(&model->rnd, MML_TEST_BULK), i;

	if (model->nr + nr > MML_TEST_OBJECTS ||
	    !mml_kmem_cache_alloc_bulk(s, GFP_KERNEL, nr, model->bulk))
		return;
	for (i = 0; i < nr; i++)
		mml_test_came(model, s, model->bulk[i], false);
}

static void mml_test_free_bulk(struct mml_test_model *model, struct mml_kmem_cache *s)
{
	unsigned int nr = 0, i;

	for (i = 0; i < model->nr && nr < MML_TEST_BULK; ) {
		if (model->objects[i].s == s)
			model->bulk[nr++] = mml_test_goes(model, i);
		else
			i++;
	}
	mml_kmem_cache_free_bulk(s, nr, model->bulk);
}

/* A cache goes, if nobody has anything of it, and another one comes. */
static void mml_test_replace(struct mml_test_model *model, unsigned int which)
{
	struct mml_kmem_cache *s = model->caches[which];
	unsigned int i, users = 0;

	for (i = 0; i < model->nr; i++)
		if (model->objects[i].s == s)
			return;
	for (i = 0; i < model->nr_caches; i++)
		users += model->caches[i] == s;
	KUNIT_EXPECT_EQ(model->test, s->refcount, users);
	KUNIT_EXPECT_EQ(model->test, mml_kmem_cache_destroy(s), 0);
	model->caches[which] = mml_test_random_cache(model);
}

static void mml_test_step(struct mml_test_model *model)
{
	unsigned int which = mml_test_below(&model->rnd, model->nr_caches);
	struct mml_kmem_cache *s = model->caches[which];

	switch (mml_test_below(&model->rnd, 64)) {
	case 0 ... 27:
		mml_test_alloc(model, s);
		break;
	case 28 ... 55:
		mml_test_free(model);
		break;
	case 56 ... 58:
		mml_test_alloc_bulk(model, s);
		break;
	case 59 ... 61:
		mml_test_free_bulk(model, s);
		break;
	case 62:
		mml_kmem_cache_shrink(s);
		break;
	default:
		mml_test_replace(model, which);
	}
}

/* Random operations over many caches, each checked; all frames are back in the end. */
static void mml_slub_test_random(struct kunit *test)
{
	struct mml_test_model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, model);
	model->test = test;
	model->machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	mml_test_seed(test, &model->rnd);
	for (i = 0; i < MML_TEST_CACHES; i++)
		model->caches[model->nr_caches++] = mml_test_random_cache(model);
	for (i = 0; i < MML_TEST_OPS; i++) {
		mml_test_step(model);
		if (mml_test_violations(model->machine)) {
			KUNIT_FAIL(test, "an invariant does not hold after operation %u", i);
			break;
		}
	}
	for (i = 0; i < model->nr_caches; i++)
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_validate(model->caches[i]), 0);
	while (model->nr)
		mml_test_free(model);
	for (i = 0; i < model->nr_caches; i++)
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(model->caches[i]), 0);
	rcu_barrier();
}

/*
 * One by one.
 */

/* Objects lie in slabs as sizes say, and no more is wasted than has to be. */
static void mml_slub_test_sizes(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	unsigned int size;

	for (size = 1; size < 40000; size += 1 + size / 7) {
		struct mml_kmem_cache *s = mml_test_cache(test, machine, size, 0);
		unsigned long bytes = PAGE_SIZE << s->order;

		KUNIT_EXPECT_EQ(test, s->size, ALIGN(size, sizeof(void *)));
		KUNIT_EXPECT_EQ(test, s->nr_objects, bytes / s->size);
		KUNIT_EXPECT_LE(test, s->offset + sizeof(void *), s->size);
		if (size <= 256)
			KUNIT_EXPECT_LE(test, bytes % s->size, bytes / 16);
		KUNIT_EXPECT_LE(test, s->min_order, s->order);
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	}
}

/* Every object of a slab is where it was asked to be, also of a cache that is shared. */
static void mml_slub_test_align(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	const struct mml_test_path *param = test->param_value;
	struct mml_kmem_cache_args args = { .path = param->path };
	unsigned int line = cache_line_size(), align, size, i;
	void *objects[MML_TEST_BULK];

	for (size = 1; size <= 1024; size += 1 + size / 3) {
		for (align = 0; align <= PAGE_SIZE; align = align ? 2 * align : 1) {
			slab_flags_t flags = align ? 0 : SLAB_HWCACHE_ALIGN;
			unsigned int want = max_t(unsigned int, align, 8);
			struct mml_kmem_cache *s;

			/* Small ones may share a line, if they do not cross into another. */
			if (flags)
				want = size > line / 2 ? line : min(line, roundup_pow_of_two(size));
			args.align = align;
			s = mml_kmem_cache_create(machine, "x", size, &args, flags);
			KUNIT_ASSERT_FALSE(test, IS_ERR(s));
			KUNIT_ASSERT_TRUE(test, mml_kmem_cache_alloc_bulk(s, GFP_KERNEL,
									 MML_TEST_BULK, objects));
			for (i = 0; i < MML_TEST_BULK; i++)
				KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)objects[i], want));
			mml_kmem_cache_free_bulk(s, MML_TEST_BULK, objects);
			KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
		}
	}
}

/* What is asked for and cannot be: an errno each, and nothing has changed. */
static void mml_slub_test_refused(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_machine *bare = mml_test_build(test, .frames = 64, .memmap_only = true);
	struct mml_kmem_cache_args args = { .align = 24 };

#define MML_REFUSED(m, size, args, flags, err)					\
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(mml_kmem_cache_create(m, "x", size, args, \
								    flags)), err)
	MML_REFUSED(machine, 0, NULL, 0, -EINVAL);
	MML_REFUSED(machine, MML_KMALLOC_MAX_SIZE + 1, NULL, 0, -EINVAL);
	MML_REFUSED(machine, 64, &args, 0, -EINVAL);
	args = (struct mml_kmem_cache_args){ .align = 2 * PAGE_SIZE };
	MML_REFUSED(machine, 64, &args, 0, -EINVAL);
	args = (struct mml_kmem_cache_args){ .path = MML_NR_SLAB_PATHS };
	MML_REFUSED(machine, 64, &args, 0, -EINVAL);
	args = (struct mml_kmem_cache_args){ .sheaf_capacity = MML_SHEAF_MAX + 1 };
	MML_REFUSED(machine, 64, &args, 0, -EINVAL);
	args = (struct mml_kmem_cache_args){ .useroffset = 60, .usersize = 5 };
	MML_REFUSED(machine, 64, &args, 0, -EINVAL);
	args = (struct mml_kmem_cache_args){ .useroffset = -4U, .usersize = 8 };
	MML_REFUSED(machine, 64, &args, 0, -EINVAL);
	MML_REFUSED(machine, 64, NULL, SLAB_NOLEAKTRACE, -EINVAL);
	MML_REFUSED(bare, 64, NULL, 0, -EOPNOTSUPP);
	KUNIT_EXPECT_NULL(test, mml_kmalloc(bare, 64, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, mml_kmalloc(bare, 64 << 10, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(NULL), 0);
}

/* SLAB_PANIC: the machine is broken, and the host lives. */
static void mml_slub_test_panic(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);

	mml_fail_nth(machine, 1);
	KUNIT_EXPECT_TRUE(test, IS_ERR(mml_kmem_cache_create(machine, "x", 64, NULL,
							     SLAB_PANIC)));
	mml_fail_nth(machine, 0);
	KUNIT_EXPECT_TRUE(test, mml_machine_broken(machine));
	clear_bit(MML_MACHINE_STATE_BROKEN, &machine->state);
}

/* A cache with objects is not destroyed. */
static void mml_slub_test_busy(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_cache(test, machine, 100, 0);
	void *object = mml_kmem_cache_alloc(s, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), -EBUSY);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 1);
	mml_kmem_cache_free(s, object);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* Caches of the same shape are one; flags and constructors keep them apart. */
static void mml_slub_test_merge(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	const struct mml_test_path *param = test->param_value;
	struct mml_kmem_cache_args args = { .path = param->path };
	struct mml_kmem_cache_args made = { .path = param->path, .ctor = mml_test_ctor };
	struct mml_kmem_cache_args other = { .path = !param->path };
	struct mml_kmem_cache_args aligned = { .path = param->path, .align = 16 };
	struct mml_kmem_cache *a, *s[7];
	int i;

	a = mml_kmem_cache_create(machine, "a", 41, &args, 0);
	s[0] = mml_kmem_cache_create(machine, "b", 48, &args, 0);
	KUNIT_EXPECT_PTR_EQ(test, a, s[0]);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_size(a), 48);
	s[0] = mml_kmem_cache_create(machine, "c", 48, &args, SLAB_NO_MERGE);
	s[1] = mml_kmem_cache_create(machine, "d", 48, &args, SLAB_RECLAIM_ACCOUNT);
	s[2] = mml_kmem_cache_create(machine, "e", 48, &args, SLAB_TYPESAFE_BY_RCU);
	s[3] = mml_kmem_cache_create(machine, "f", 48, &made, 0);
	s[4] = mml_kmem_cache_create(machine, "g", 48, &other, 0);
	s[5] = mml_kmem_cache_create(machine, "h", 49, &args, 0);
	s[6] = mml_kmem_cache_create(machine, "i", 48, &aligned, 0);
	for (i = 0; i < ARRAY_SIZE(s); i++) {
		KUNIT_ASSERT_FALSE(test, IS_ERR(s[i]));
		KUNIT_EXPECT_PTR_NE(test, s[i], a);
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, a->refcount, 2);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(a), 0);
	KUNIT_EXPECT_EQ(test, a->refcount, 1);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(a), 0);
}

/* All memory in objects of one cache; then all of it is back, but for some empty slabs. */
static void mml_slub_test_exhaust(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES,
						     .options = BIT(MML_OPTION_NO_PCP));
	const struct mml_test_path *param = test->param_value;
	struct mml_kmem_cache_args args = { .path = param->path, .sheaf_capacity = 2 };
	struct mml_kmem_cache *s = mml_kmem_cache_create(machine, "x", 1000, &args, 0);
	void *objects = NULL, *object;
	unsigned long nr = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));

	while ((object = mml_kmem_cache_alloc(s, GFP_NOWAIT))) {
		*(void **)object = objects;
		objects = object;
		nr++;
	}
	/* Orders are less than they should be in the end, where blocks are small. */
	KUNIT_EXPECT_GE(test, nr, MML_TEST_FRAMES * PAGE_SIZE / 1000 * 9 / 10);
	KUNIT_EXPECT_LT(test, mml_test_zones_free(machine), 4);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	while (objects) {
		object = objects;
		objects = *(void **)object;
		mml_kmem_cache_free(s, object);
	}
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	/* What is kept: as many empty slabs as a node may have, and what CPUs have. */
	KUNIT_EXPECT_LE(test, mml_cache_nr_slabs(s), s->min_partial + s->cpu_partial_slabs + 2 +
			(MML_BARN_MAX + 2) * s->sheaf_capacity);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 0);
	KUNIT_EXPECT_EQ(test, mml_cache_nr_slabs(s), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* What is no object of the cache is refused. */
static void mml_slub_test_foreign(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_cache(test, machine, 64, 0);
	struct mml_kmem_cache *other = mml_test_cache(test, machine, 64, 0);
	void *object = mml_kmem_cache_alloc(other, GFP_KERNEL);
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 0);

	mml_kmem_cache_free(s, object);
	mml_test_expect_reports(test, machine, 1);
	mml_kmem_cache_free(s, &object);
	mml_test_expect_reports(test, machine, 1);
	mml_kmem_cache_free(s, mml_page_address(machine, page));
	mml_test_expect_reports(test, machine, 1);
	mml_kfree(machine, mml_page_address(machine, page));
	mml_test_expect_reports(test, machine, 1);
	mml_kfree(machine, test);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	mml_kmem_cache_free(s, NULL);
	mml_kmem_cache_free(other, object);
	__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(other), 0);
}

/* Somebody writes to a free object: it is reported, and what is behind it is lost. */
static void mml_slub_test_damage(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_cache(test, machine, 64, 0);
	void *first = mml_kmem_cache_alloc(s, GFP_KERNEL);
	void *second = mml_kmem_cache_alloc(s, GFP_KERNEL);
	void **objects = kunit_kcalloc(test, s->nr_objects, sizeof(*objects), GFP_KERNEL);
	struct mml_slab *slab = mml_cache_slab(s, first);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, objects);
	KUNIT_ASSERT_PTR_EQ(test, mml_cache_slab(s, second), slab);
	mml_kmem_cache_free(s, first);
	/* Everything but the second one goes back to the slab. */
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 1);
	memset(first + s->offset, 0x6b, sizeof(void *));
	KUNIT_EXPECT_NE(test, mml_test_violations(machine), 0);
	for (i = 0; i < s->nr_objects; i++)
		objects[i] = mml_kmem_cache_alloc(s, GFP_KERNEL);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	/* What was lost is in use: it can be given back, as all the others. */
	for (i = 0; i < s->nr_objects; i++)
		if (mml_cache_slab(s, objects[i]) != slab)
			mml_kmem_cache_free(s, objects[i]);
	for (i = 0; i < s->nr_objects; i++)
		mml_kmem_cache_free(s, mml_slab_address(s, slab) + i * s->size);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* An object that is freed twice, when no other one is in use: its slab sees it. */
static void mml_slub_test_double_free(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_cache(test, machine, 8192, 0);
	struct mml_slab *slab;
	void *object;

	object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	slab = mml_cache_slab(s, object);
	mml_kmem_cache_shrink(s);
	/* All that the slab has is free, but this one. */
	KUNIT_EXPECT_EQ(test, slab->counters.inuse, 1);
	mml_slab_free(s, slab, object, object, 1);
	mml_slab_free(s, slab, object, object, 1);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* Freed twice in a row, on a slab of a CPU's own: found at once. */
static void mml_slub_test_double_free_cpu(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache_args args = { .path = MML_SLAB_CPU_SLABS };
	struct mml_kmem_cache *s = mml_kmem_cache_create(machine, "x", 64, &args,
							 SLAB_NO_MERGE);
	void *object;

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	mml_kmem_cache_free(s, object);
	mml_kmem_cache_free(s, object);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/*
 * Who interrupts somebody that has the CPU's sheaves does without: every request is served,
 * and nothing of the sheaves is touched.
 */
static void mml_slub_test_interrupted(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_kmem_cache_create(machine, "x", 64, NULL, SLAB_NO_MERGE);
	struct mml_slub_percpu_sheaves before, *pcs;
	void *single, *many[4], *waiting;
	unsigned int nr, nr_after;
	bool all, same;

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	mml_kmem_cache_free(s, mml_kmem_cache_alloc(s, GFP_KERNEL));
	waiting = mml_kmem_cache_alloc(s, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, waiting);

	KUNIT_ASSERT_TRUE(test, mml_sheaves_trylock(s, &pcs));
	before = *pcs;
	nr = pcs->main->nr;
	single = mml_kmem_cache_alloc(s, GFP_NOWAIT);
	all = mml_kmem_cache_alloc_bulk(s, GFP_NOWAIT, ARRAY_SIZE(many), many);
	mml_kmem_cache_free(s, single);
	if (all)
		mml_kmem_cache_free_bulk(s, ARRAY_SIZE(many), many);
	__mml_kfree_rcu(machine, waiting, waiting);
	same = !memcmp(&before, pcs, sizeof(before));
	nr_after = pcs->main->nr;
	mml_sheaves_unlock(pcs);

	KUNIT_EXPECT_NOT_NULL(test, single);
	KUNIT_EXPECT_TRUE(test, all);
	KUNIT_EXPECT_TRUE(test, same);
	KUNIT_EXPECT_EQ(test, nr, nr_after);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* A node is full: objects for it come from another one, but not a slab for each. */
static void mml_slub_test_full_node(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = 2 * MML_SECTION_FRAMES,
			       .topology = { .nr_nodes = 2 });
	struct mml_kmem_cache *s = mml_test_cache(test, machine, 128, 0);
	struct mml_page *block;
	void *objects[100];
	int i;

	block = mml_alloc_pages_node(machine, 0, GFP_KERNEL | __GFP_THISNODE, MML_MAX_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, block);
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = mml_kmem_cache_alloc_node(s, GFP_KERNEL, 0);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
		KUNIT_EXPECT_EQ(test, mml_cache_slab(s, objects[i])->nid, 1);
	}
	KUNIT_EXPECT_NULL(test, mml_kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE, 0));
	KUNIT_EXPECT_LE(test, mml_cache_nr_slabs(s),
			DIV_ROUND_UP(ARRAY_SIZE(objects), s->nr_objects) + 1);
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		mml_kmem_cache_free(s, objects[i]);
	__mml_free_pages(machine, block, MML_MAX_ORDER);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* A sheaf does not keep much memory, however large its objects are. */
static void mml_slub_test_large(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache_args args = { .sheaf_capacity = MML_SHEAF_MAX };
	struct mml_kmem_cache *s = mml_kmem_cache_create(machine, "x", 64 << 10, &args, 0);
	void *object;

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, mml_cache_nr_slabs(s), 1);
	mml_kmem_cache_free(s, object);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* What readers may look at stays an object of the cache until they are done. */
static void mml_slub_test_typesafe(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_cache(test, machine, 64, SLAB_TYPESAFE_BY_RCU);
	u64 *object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	struct mml_page *page = mml_virt_to_page(machine, object);

	KUNIT_ASSERT_NOT_NULL(test, object);
	memset(object, 0xa5, 64);
	/* It is the last one of its slab, and empty slabs are not kept. */
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 1);
	s->min_partial = 0;
	rcu_read_lock();
	mml_slab_free(s, mml_cache_slab(s, object), object, object, 1);
	KUNIT_EXPECT_EQ(test, mml_cache_nr_slabs(s), 0);
	KUNIT_EXPECT_PTR_EQ(test, mml_page_slab(page)->slab_cache, s);
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0xa5, 64));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_shrink(s), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	/* Who destroyed the cache has waited for its slabs. */
	KUNIT_EXPECT_NE(test, READ_ONCE(page->type), MML_PAGE_SLAB);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES);
}

/* Nodes: objects come from where they are asked for, and go back there. */
static void mml_slub_test_nodes(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = 2 * MML_SECTION_FRAMES,
			       .topology = { .nr_nodes = 2 });
	struct mml_kmem_cache *s = mml_test_cache(test, machine, 128, 0);
	void *objects[2][40];
	int nid, i;

	for (i = 0; i < 40; i++) {
		for (nid = 0; nid < 2; nid++) {
			void *object = mml_kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE,
								 nid);

			KUNIT_ASSERT_NOT_NULL(test, object);
			KUNIT_EXPECT_EQ(test, mml_cache_slab(s, object)->nid, nid);
			objects[nid][i] = object;
		}
	}
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	for (nid = 0; nid < 2; nid++)
		for (i = 0; i < 40; i++)
			mml_kmem_cache_free(s, objects[nid][i]);
	KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* Each allocation of a cache's life fails once: nothing is lost, and nothing half done. */
static void mml_slub_test_fail_nth(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	const struct mml_test_path *param = test->param_value;
	struct mml_kmem_cache_args args = { .path = param->path };
	unsigned int n = 0, made = 0, some = 0;
	void *object, *bulk[MML_TEST_BULK];
	struct mml_kmem_cache *s;
	bool fired;

	do {
		mml_fail_nth(machine, ++n);
		s = mml_kmem_cache_create(machine, "x", 700, &args, SLAB_NO_MERGE);
		if (IS_ERR(s)) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(s), -ENOMEM);
		} else {
			made++;
			object = mml_kmem_cache_alloc(s, GFP_KERNEL);
			if (mml_kmem_cache_alloc_bulk(s, GFP_KERNEL, MML_TEST_BULK, bulk)) {
				some++;
				mml_kmem_cache_free_bulk(s, MML_TEST_BULK, bulk);
			}
			mml_kmem_cache_free(s, object);
		}
		fired = mml_fail_nth_fired(machine);
		mml_fail_nth(machine, 0);
		KUNIT_EXPECT_EQ(test, mml_test_violations(machine), 0);
		if (!IS_ERR(s))
			KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	} while (fired && n < 100);
	KUNIT_EXPECT_GT(test, n, 5);
	KUNIT_EXPECT_LT(test, n, 100);
	KUNIT_EXPECT_GT(test, made, 2);
	KUNIT_EXPECT_LT(test, some, made);
}

/* In random order: each object of a slab once, and not as they lie, from here or there on. */
static void mml_slub_test_random_order(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	const struct mml_test_path *param = test->param_value;
	struct mml_kmem_cache_args args = { .path = param->path, .random_order = true };
	struct mml_kmem_cache *s = mml_kmem_cache_create(machine, "x", 64, &args, param->flags);
	unsigned int slabs, i, nr, in_order = 0, first = 0, same = 0;
	void *last = NULL;

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	for (slabs = 0; slabs < 20; slabs++) {
		struct mml_slab *slab = mml_new_slab(s, GFP_KERNEL, 0);
		union mml_slab_counters now = { .objects = s->nr_objects };
		unsigned long *seen = kunit_kzalloc(test, BITS_TO_LONGS(s->nr_objects + 1) *
						    sizeof(long), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, slab);
		KUNIT_ASSERT_NOT_NULL(test, seen);
		now = mml_slab_counters(slab);
		nr = now.freelist;
		same += nr == first;
		first = nr;
		for (i = 0; nr && i <= now.objects; i++) {
			void *object = mml_object_at(s, slab, nr);

			KUNIT_EXPECT_FALSE(test, __test_and_set_bit(nr, seen));
			in_order += last && object == last + s->size;
			last = object;
			nr = mml_object_nr(s, mml_slab_address(s, slab),
					   mml_get_freepointer(s, object));
		}
		KUNIT_EXPECT_EQ(test, i, s->nr_objects);
		mml_discard_slab(s, slab);
	}
	/* One successor in nr_objects is the next one by chance: once a slab, on average. */
	KUNIT_EXPECT_LT(test, in_order, 20 * 6);
	KUNIT_EXPECT_LT(test, same, 15);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* What may be copied to a process: of one object, what its cache says. */
static void mml_slub_test_usersize(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	const struct mml_test_path *param = test->param_value;
	struct mml_kmem_cache_args args = {
		.path = param->path, .useroffset = 16, .usersize = 20,
	};
	struct mml_kmem_cache *s = mml_kmem_cache_create(machine, "x", 96, &args, param->flags);
	struct mml_kmem_cache *other;
	size_t offset, n;
	u8 *object;

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	mml_kmem_cache_free(s, mml_kmem_cache_alloc(s, GFP_KERNEL));
	for (offset = 0; offset < 96; offset++)
		for (n = 1; n < 200; n++)
			KUNIT_EXPECT_EQ(test, mml_check_heap_object(machine, object + offset, n),
					offset >= 16 && offset + n <= 36);
	mml_kmem_cache_free(s, object);
	args.usersize = 0;
	args.useroffset = 0;
	other = mml_kmem_cache_create(machine, "y", 96, &args, param->flags);
	KUNIT_EXPECT_PTR_NE(test, other, s);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(other), 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	object = mml_kmalloc(machine, 200, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, mml_check_heap_object(machine, object, 256));
	KUNIT_EXPECT_FALSE(test, mml_check_heap_object(machine, object + 1, 256));
	mml_kfree(machine, object);
	object = mml_kmalloc(machine, 3 * PAGE_SIZE, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, mml_check_heap_object(machine, object + 1, 4 * PAGE_SIZE - 1));
	KUNIT_EXPECT_FALSE(test, mml_check_heap_object(machine, object + 1, 4 * PAGE_SIZE));
	mml_kfree(machine, object);
	KUNIT_EXPECT_TRUE(test, mml_check_heap_object(machine, test, 1));
}

static struct kunit_case mml_slub_cases[] = {
	KUNIT_CASE_PARAM_ATTR(mml_slub_test_random, mml_slub_all_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM(mml_slub_test_sizes, mml_slub_path_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_align, mml_slub_all_gen_params),
	KUNIT_CASE(mml_slub_test_refused),
	KUNIT_CASE(mml_slub_test_panic),
	KUNIT_CASE_PARAM(mml_slub_test_busy, mml_slub_all_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_merge, mml_slub_path_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_exhaust, mml_slub_path_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_foreign, mml_slub_all_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_damage, mml_slub_path_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_double_free, mml_slub_path_gen_params),
	KUNIT_CASE(mml_slub_test_double_free_cpu),
	KUNIT_CASE(mml_slub_test_interrupted),
	KUNIT_CASE_PARAM(mml_slub_test_full_node, mml_slub_all_gen_params),
	KUNIT_CASE(mml_slub_test_large),
	KUNIT_CASE_PARAM(mml_slub_test_typesafe, mml_slub_all_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_nodes, mml_slub_all_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_fail_nth, mml_slub_path_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_random_order, mml_slub_all_gen_params),
	KUNIT_CASE_PARAM(mml_slub_test_usersize, mml_slub_all_gen_params),
	{}
};

static struct kunit_suite mml_slub_suite = {
	.name = "mml_slub",
	.test_cases = mml_slub_cases,
};
kunit_test_suite(mml_slub_suite);
