// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_slub_debug: debugged caches. Each kind of damage is planted on purpose: it gives
 * exactly the reports that it should and no other, what was damaged is given to nobody any
 * more, and the cache goes on, and goes in the end without a frame lost.
 *
 * Kernel counterpart: lib/slub_kunit.c.
 */
#include "kunit/machine.h"
#include "slub_probe/debug.h"

#define MML_TEST_FRAMES		256
#define MML_TEST_SIZE		64
#define MML_TEST_ALL		(SLAB_CONSISTENCY_CHECKS | MML_SLAB_METADATA_FLAGS)
#define MML_TEST_MANY		100

/*
 * Damage.
 */

static void mml_damage_right(struct mml_kmem_cache *s, u8 *object)
{
	object[s->object_size] = 'A';
}

static void mml_damage_left(struct mml_kmem_cache *s, u8 *object)
{
	object[-1] = 'A';
}

static void mml_damage_first(struct mml_kmem_cache *s, u8 *object)
{
	object[0] ^= 1;
}

static void mml_damage_last(struct mml_kmem_cache *s, u8 *object)
{
	object[s->object_size - 1] ^= 1;
}

static void mml_damage_link(struct mml_kmem_cache *s, u8 *object)
{
	memset(object + s->offset, 0x41, sizeof(void *));
}

static void mml_damage_state(struct mml_kmem_cache *s, u8 *object)
{
	mml_object_info(s, object)->state = 0x41414141;
}

/* Behind all that is kept of it. */
static void mml_damage_padding(struct mml_kmem_cache *s, u8 *object)
{
	object[mml_size_from_object(s) - 1] = 'A';
}

/* Behind the last object of its slab. */
static void mml_damage_slab_padding(struct mml_kmem_cache *s, u8 *object)
{
	struct mml_slab *slab = mml_cache_slab(s, object);

	*((u8 *)mml_object_at(s, slab, s->nr_objects) + mml_size_from_object(s)) = 'A';
}

/**
 * struct mml_damage - a way to damage an object
 * @name: of the test
 * @plant: does it
 * @flags: what finds it
 * @while_free: it is done to a free object, and found when that is to be allocated; else
 *	to an allocated one, and found when that is freed
 * @of_slab: it is not an object that is damaged, and none is isolated
 */
struct mml_damage {
	const char *name;
	void (*plant)(struct mml_kmem_cache *s, u8 *object);
	slab_flags_t flags;
	bool while_free;
	bool of_slab;
};

static const struct mml_damage mml_damages[] = {
	{ "overflow", mml_damage_right, SLAB_RED_ZONE },
	{ "underflow", mml_damage_left, SLAB_RED_ZONE },
	{ "overflow, free", mml_damage_right, SLAB_RED_ZONE, true },
	{ "underflow, free", mml_damage_left, SLAB_RED_ZONE, true },
	{ "first byte, free", mml_damage_first, SLAB_POISON, true },
	{ "last byte, free", mml_damage_last, SLAB_POISON, true },
	{ "link, free", mml_damage_link, 0, true },
	{ "link behind it, free", mml_damage_link, SLAB_POISON, true },
	{ "link behind it", mml_damage_link, SLAB_POISON },
	{ "state", mml_damage_state, 0 },
	{ "state, free", mml_damage_state, 0, true },
	{ "padding", mml_damage_padding, SLAB_POISON },
	{ "padding, free", mml_damage_padding, SLAB_POISON, true },
	{ "slab padding", mml_damage_slab_padding, SLAB_POISON, false, true },
};

static void mml_damage_desc(const struct mml_damage *damage, char *desc)
{
	strscpy(desc, damage->name, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(mml_damage, mml_damages, mml_damage_desc);

/* 72 bytes: with an alignment of 32 there is padding behind an object, and behind all. */
static struct mml_kmem_cache *mml_test_debugged(struct kunit *test,
						struct mml_machine *machine,
						slab_flags_t flags)
{
	struct mml_kmem_cache_args args = { .align = 32 };
	struct mml_kmem_cache *s;

	s = mml_kmem_cache_create(machine, "debugged", 72, &args, flags);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	return s;
}

/* Many come and go, each whole of its user's, and nothing is said. Not @but. */
static void mml_test_use(struct kunit *test, struct mml_kmem_cache *s, const void *but)
{
	u8 *objects[MML_TEST_MANY];
	int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < MML_TEST_MANY; i++) {
			objects[i] = mml_kmem_cache_alloc(s, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, objects[i]);
			KUNIT_EXPECT_PTR_NE(test, objects[i], (u8 *)but);
			memset(objects[i], round ? 0 : 0xff, s->object_size);
		}
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_validate(s), 0);
		for (i = 0; i < MML_TEST_MANY; i++)
			mml_kmem_cache_free(s, objects[i]);
	}
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_validate(s), 0);
	mml_test_expect_reports(test, s->machine, 0);
	KUNIT_EXPECT_EQ(test, mml_test_violations(s->machine), 0);
}

/* An object with damage as the parameter says. */
static u8 *mml_test_damaged(struct kunit *test, struct mml_kmem_cache *s)
{
	const struct mml_damage *damage = test->param_value;
	u8 *object = mml_kmem_cache_alloc(s, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	memset(object, 0x11, s->object_size);
	if (damage->while_free)
		mml_kmem_cache_free(s, object);
	damage->plant(s, object);
	return object;
}

/* Damage is reported once, when the object comes or goes; then it is nobody's. */
static void mml_debug_test_damage(struct kunit *test)
{
	const struct mml_damage *damage = test->param_value;
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s =
		mml_test_debugged(test, machine, damage->flags | SLAB_CONSISTENCY_CHECKS);
	u8 *object = mml_test_damaged(test, s), *other = NULL;

	mml_test_expect_reports(test, machine, 0);
	if (damage->while_free)
		other = mml_kmem_cache_alloc(s, GFP_KERNEL);
	else
		mml_kmem_cache_free(s, object);
	mml_test_expect_reports(test, machine, 1);
	mml_kmem_cache_free(s, other);
	KUNIT_EXPECT_PTR_NE(test, other, object);
	if (!damage->of_slab)
		KUNIT_EXPECT_EQ(test, (u32)mml_object_info(s, object)->state,
				(u32)MML_OBJECT_ISOLATED);
	mml_test_use(test, s, damage->of_slab ? NULL : object);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	KUNIT_EXPECT_EQ(test, mml_nr_free_pages(machine), MML_TEST_FRAMES);
}

/* Whoever asks finds it before; what has a pattern has it again. */
static void mml_debug_test_validate(struct kunit *test)
{
	const struct mml_damage *damage = test->param_value;
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_debugged(test, machine, damage->flags |
						     SLAB_CONSISTENCY_CHECKS);
	u8 *object = mml_test_damaged(test, s);

	KUNIT_EXPECT_EQ(test, mml_kmem_cache_validate(s), 1);
	mml_test_expect_reports(test, machine, 1);
	if (damage->plant == mml_damage_state) {
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_validate(s), 1);
		mml_test_expect_reports(test, machine, 1);
		mml_object_info(s, object)->state = damage->while_free ?
			MML_OBJECT_FREE : MML_OBJECT_ALLOCATED;
	}
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_validate(s), 0);
	if (!damage->while_free)
		mml_kmem_cache_free(s, object);
	mml_test_use(test, s, NULL);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* The same with checks only: what needs a pattern is not found, and does no harm. */
static void mml_debug_test_unnoticed(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_debugged(test, machine, SLAB_CONSISTENCY_CHECKS);
	u8 *object = mml_kmem_cache_alloc(s, GFP_KERNEL);

	mml_kmem_cache_free(s, object);
	mml_damage_first(s, object);
	mml_test_use(test, s, NULL);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	/* And the other way round: patterns, and nobody who looks but who asks. */
	s = mml_test_debugged(test, machine, SLAB_STORE_USER);
	object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	mml_kmem_cache_free(s, object);
	mml_damage_link(s, object);
	mml_kmem_cache_free(s, mml_kmem_cache_alloc(s, GFP_KERNEL));
	/* But not what the list would follow. */
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
	s = mml_test_debugged(test, machine, SLAB_RED_ZONE | SLAB_POISON);
	object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	mml_damage_right(s, object);
	mml_kmem_cache_free(s, object);
	mml_damage_first(s, object);
	mml_test_expect_reports(test, machine, 0);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_validate(s), 1);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* What is freed, and cannot be: twice; not an object; of another cache. With any one flag. */
static void mml_debug_test_bad_free(struct kunit *test)
{
	static const slab_flags_t flags[] = {
		SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER,
		MML_TEST_ALL,
	};
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s, *other;
	u8 *object;
	int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		s = mml_test_debugged(test, machine, flags[i]);
		other = mml_test_debugged(test, machine, flags[i]);
		object = mml_kmem_cache_alloc(s, GFP_KERNEL);
		mml_kmem_cache_free(s, object + 8);
		mml_test_expect_reports(test, machine, 1);
		mml_kfree(machine, object + 8);
		mml_test_expect_reports(test, machine, 1);
		mml_kmem_cache_free(other, object);
		mml_test_expect_reports(test, machine, 1);
		mml_kmem_cache_free(s, object);
		mml_test_expect_reports(test, machine, 0);
		mml_kmem_cache_free(s, object);
		mml_test_expect_reports(test, machine, 1);
		mml_kfree(machine, object);
		mml_test_expect_reports(test, machine, 1);
		mml_test_use(test, s, NULL);
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
		KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(other), 0);
	}
}

static void mml_debug_ctor(void *object)
{
	*(u8 *)object = 0x17;
}

/* All sets of flags, sizes, with and without a constructor: nothing is found. */
static void mml_debug_test_no_damage(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = 4 * MML_TEST_FRAMES);
	static const slab_flags_t flags[] = {
		SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER,
		SLAB_TYPESAFE_BY_RCU, SLAB_HWCACHE_ALIGN,
	};
	static const unsigned int sizes[] = { 1, 7, 8, 24, 100, 512, 3000 };
	struct mml_kmem_cache_args args = {};
	struct mml_kmem_cache *s;
	unsigned int i, bits;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (bits = 1; bits < BIT(ARRAY_SIZE(flags)); bits++) {
			slab_flags_t all = SLAB_NO_MERGE;
			int bit;

			for (bit = 0; bit < ARRAY_SIZE(flags); bit++)
				all |= bits & BIT(bit) ? flags[bit] : 0;
			args.ctor = bits % 3 ? NULL : mml_debug_ctor;
			s = mml_kmem_cache_create(machine, "x", sizes[i], &args, all);
			KUNIT_ASSERT_FALSE(test, IS_ERR(s));
			mml_test_use(test, s, NULL);
			KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
		}
	}
}

/* Memory of kmalloc ends where was asked for, until somebody asks how much there is. */
static void mml_debug_test_kmalloc(struct kunit *test)
{
	static const size_t sizes[] = { 1, 33, 50, 90, 100, 1000, 4000, 8000 };
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES,
						     .slab_debug = "FZPU,kmalloc-*");
	size_t i, room;
	u8 *object;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		object = mml_kzmalloc(machine, sizes[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, object);
		KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, sizes[i]));
		mml_kfree(machine, object);
		mml_test_expect_reports(test, machine, 0);
		object = mml_kmalloc(machine, sizes[i], GFP_KERNEL);
		object[sizes[i]] = 'A';
		mml_kfree(machine, object);
		mml_test_expect_reports(test, machine, 1);
		object = mml_kmalloc(machine, sizes[i], GFP_KERNEL);
		room = mml_ksize(machine, object);
		KUNIT_EXPECT_GT(test, room, sizes[i]);
		memset(object, 'A', room);
		mml_kfree(machine, object);
		mml_test_expect_reports(test, machine, 0);
	}
	object = mml_krealloc(machine, NULL, 10, GFP_KERNEL);
	memset(object, 'A', 10);
	object = mml_krealloc(machine, object, 300, GFP_KERNEL);
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 'A', 10));
	memset(object, 'A', 300);
	object = mml_krealloc(machine, object, 20, GFP_KERNEL);
	mml_kfree(machine, object);
	mml_test_expect_reports(test, machine, 0);
	/* What is added is zero, in the same object and in another one, and ends where it should. */
	object = mml_krealloc(machine, NULL, 10, GFP_KERNEL | __GFP_ZERO);
	object = mml_krealloc(machine, object, 16, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, 16));
	object = mml_krealloc(machine, object, 300, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, 300));
	object = mml_krealloc(machine, object, 290, GFP_KERNEL);
	object[290] = 'A';
	mml_kfree(machine, object);
	mml_test_expect_reports(test, machine, 1);
	/* A power of two is aligned to itself also here. */
	for (room = 8; room <= PAGE_SIZE; room *= 2) {
		object = mml_kmalloc(machine, room, GFP_KERNEL);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)object, room));
		mml_kfree(machine, object);
	}
}

/* Who allocated an object, and who freed it. */
static void mml_debug_test_tracks(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_debugged(test, machine, SLAB_STORE_USER);
	u8 *object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	const struct mml_track *alloc, *free;
	char symbol[128];

	alloc = &mml_object_info(s, object)->track[MML_TRACK_ALLOC];
	free = &mml_object_info(s, object)->track[MML_TRACK_FREE];
	snprintf(symbol, sizeof(symbol), "%ps", (void *)alloc->addr);
	/* As a module it is followed by that one's name. */
	KUNIT_EXPECT_TRUE(test, str_has_prefix(symbol, "mml_debug_test_tracks"));
	KUNIT_EXPECT_EQ(test, alloc->pid, current->pid);
	/* UML has none. */
	if (IS_ENABLED(CONFIG_ARCH_STACKWALK))
		KUNIT_EXPECT_NE(test, alloc->handle, 0);
	KUNIT_EXPECT_EQ(test, free->addr, 0);
	mml_kfree(machine, object);
	snprintf(symbol, sizeof(symbol), "%ps", (void *)free->addr);
	KUNIT_EXPECT_TRUE(test, str_has_prefix(symbol, "mml_debug_test_tracks"));
	KUNIT_EXPECT_GE(test, free->when, alloc->when);
	if (IS_ENABLED(CONFIG_ARCH_STACKWALK))
		KUNIT_EXPECT_NE(test, free->handle, alloc->handle);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/* Somebody still has an object: the cache stays, however many are isolated. */
static void mml_debug_test_busy(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES);
	struct mml_kmem_cache *s = mml_test_debugged(test, machine, MML_TEST_ALL);
	u8 *object = mml_kmem_cache_alloc(s, GFP_KERNEL);
	u8 *damaged = mml_kmem_cache_alloc(s, GFP_KERNEL);

	mml_damage_right(s, damaged);
	mml_kmem_cache_free(s, damaged);
	mml_test_expect_reports(test, machine, 1);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), -EBUSY);
	mml_test_expect_reports(test, machine, 1);
	mml_kmem_cache_free(s, object);
	KUNIT_EXPECT_EQ(test, mml_kmem_cache_destroy(s), 0);
}

/*
 * The machine's text.
 */

#define MML_F	SLAB_CONSISTENCY_CHECKS
#define MML_Z	SLAB_RED_ZONE
#define MML_P	SLAB_POISON
#define MML_U	SLAB_STORE_USER

static const struct mml_text {
	const char *text;
	const char *name;
	slab_flags_t flags;
} mml_texts[] = {
	{ "", "pearls", 0 },
	{ "FZPU", "pearls", MML_F | MML_Z | MML_P | MML_U },
	{ "T", "pearls", SLAB_TRACE },
	{ "-", "pearls", 0 },
	{ "F,pearls", "pearls", MML_F },
	{ "F,pearls", "pearl", 0 },
	{ "F,pearls", "pearls2", 0 },
	{ "F,stones,pearls", "pearls", MML_F },
	{ "F,pea*", "pearls", MML_F },
	{ "F,*-?k", "kmalloc-8k", MML_F },
	{ "F,*-?k", "kmalloc-64", 0 },
	{ "F;ZP,pearls", "pearls", MML_Z | MML_P },
	{ "ZP,pearls;F", "pearls", MML_Z | MML_P },
	{ "F;ZP,pearls", "stones", MML_F },
	{ "-;ZP,pearls", "stones", 0 },
	{ "F;Z;P", "stones", MML_P },
	{ "F;-,pearls", "pearls", 0 },
};

static void mml_debug_test_text(struct kunit *test)
{
	bool no_higher_order;
	int i;

	for (i = 0; i < ARRAY_SIZE(mml_texts); i++) {
		const struct mml_text *t = &mml_texts[i];

		KUNIT_EXPECT_EQ_MSG(test, mml_slab_debug_check(t->text), 0, "%s", t->text);
		KUNIT_EXPECT_EQ_MSG(test, (__force u32)mml_slab_debug_flags(t->text, t->name,
									   &no_higher_order),
				    (__force u32)t->flags, "%s of %s", t->text, t->name);
		KUNIT_EXPECT_FALSE(test, no_higher_order);
	}
	mml_slab_debug_flags("OZ", "pearls", &no_higher_order);
	KUNIT_EXPECT_TRUE(test, no_higher_order);
	KUNIT_EXPECT_EQ(test, mml_slab_debug_check("A"), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_slab_debug_check("F;x,pearls"), -EINVAL);
	KUNIT_EXPECT_EQ(test, mml_slab_debug_check("F pearls"), -EINVAL);
}

/* What the text names is debugged, what it does not is not, and shared with none of these. */
static void mml_debug_test_machine(struct kunit *test)
{
	struct mml_machine *machine = mml_test_build(test, .frames = MML_TEST_FRAMES,
						     .slab_debug = "OFZPU,big*;FZ,pearls");
	struct mml_kmem_cache *pearls = mml_kmem_cache_create(machine, "pearls", 64, NULL, 0);
	struct mml_kmem_cache *stones = mml_kmem_cache_create(machine, "stones", 64, NULL, 0);
	struct mml_kmem_cache *again = mml_kmem_cache_create(machine, "pearls", 64, NULL, 0);
	struct mml_kmem_cache *big = mml_kmem_cache_create(machine, "big", 4096, NULL, 0);
	struct mml_kmem_cache *bigger = mml_kmem_cache_create(machine, "bigger", 5000, NULL, 0);

	KUNIT_EXPECT_EQ(test, (__force u32)(pearls->flags & MML_SLAB_DEBUG_FLAGS),
			(__force u32)(MML_F | MML_Z));
	KUNIT_EXPECT_EQ(test, stones->path, MML_SLAB_SHEAVES);
	KUNIT_EXPECT_PTR_NE(test, pearls, stones);
	KUNIT_EXPECT_PTR_NE(test, pearls, again);
	/* 4096 bytes are a frame, with a red zone two; 5000 bytes are two, whatever is added. */
	KUNIT_EXPECT_EQ(test, (__force u32)(big->flags & MML_SLAB_DEBUG_FLAGS),
			(__force u32)MML_F);
	KUNIT_EXPECT_EQ(test, (__force u32)(bigger->flags & MML_SLAB_DEBUG_FLAGS),
			(__force u32)MML_TEST_ALL);
	mml_kmem_cache_destroy(pearls);
	mml_kmem_cache_destroy(stones);
	mml_kmem_cache_destroy(again);
	mml_kmem_cache_destroy(big);
	mml_kmem_cache_destroy(bigger);
}

static struct kunit_case mml_slub_debug_cases[] = {
	KUNIT_CASE_PARAM(mml_debug_test_damage, mml_damage_gen_params),
	KUNIT_CASE_PARAM(mml_debug_test_validate, mml_damage_gen_params),
	KUNIT_CASE(mml_debug_test_unnoticed),
	KUNIT_CASE(mml_debug_test_bad_free),
	KUNIT_CASE(mml_debug_test_no_damage),
	KUNIT_CASE(mml_debug_test_kmalloc),
	KUNIT_CASE(mml_debug_test_tracks),
	KUNIT_CASE(mml_debug_test_busy),
	KUNIT_CASE(mml_debug_test_text),
	KUNIT_CASE(mml_debug_test_machine),
	{}
};

static struct kunit_suite mml_slub_debug_suite = {
	.name = "mml_slub_debug",
	.test_cases = mml_slub_debug_cases,
};
kunit_test_suite(mml_slub_debug_suite);
