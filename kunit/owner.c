// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_owner: what a machine with a debugging option keeps and finds. The ledger:
 * who has and who had each frame, and what is named when a machine goes without some.
 * Poisoning: a write to what is free is found, once. Zeroing on free. And that a machine
 * without these options has nothing of it.
 *
 * The texts in the kernel log are tested by qemu/tests/page_owner.sh: here misuse is
 * counted and not told.
 */
#include <kunit/resource.h>
#include <linux/poison.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"
#include "kunit/machine.h"

#define MML_TEST_FRAMES		128UL
#define MML_TEST_LEDGER		BIT(MML_OPTION_PAGE_OWNER)
#define MML_TEST_POISONING	BIT(MML_OPTION_PAGE_POISON)
#define MML_TEST_ZEROING	BIT(MML_OPTION_INIT_ON_FREE)
/* What was freed last is had first, whatever it is asked for as. */
#define MML_TEST_SAME		BIT(MML_OPTION_NO_GROUPING)
#define MML_TEST_ALL		(MML_TEST_LEDGER | MML_TEST_POISONING | MML_TEST_ZEROING)

static struct mml_machine *mml_test_with(struct kunit *test, unsigned long options)
{
	return mml_test_build(test, .frames = MML_TEST_FRAMES, .options = options);
}

static struct mml_page *mml_test_alloc(struct kunit *test, struct mml_machine *machine,
				       gfp_t gfp, unsigned int order)
{
	struct mml_page *page = mml_alloc_pages(machine, gfp, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

/* The record of a frame, which must have one. */
static struct mml_page_owner mml_test_owner(struct kunit *test,
					    const struct mml_machine *machine,
					    unsigned long pfn)
{
	struct mml_page_owner owner;

	KUNIT_ASSERT_NOT_NULL(test, machine->page_owners);
	KUNIT_EXPECT_TRUE_MSG(test, mml_get_page_owner(machine, pfn, &owner),
			      "frame %lu was never allocated", pfn);
	return owner;
}

/*
 * The ledger.
 */

/* Does the kernel this runs in save stacks, and with names? UML may not. */
static bool mml_test_stacks(void)
{
	unsigned long entries[1];

	return IS_ENABLED(CONFIG_KALLSYMS) && IS_ENABLED(CONFIG_ARCH_STACKWALK) &&
	       stack_trace_save(entries, ARRAY_SIZE(entries), 0);
}

/* Is a function of that name on the stack? */
static void mml_test_expect_caller(struct kunit *test, u32 handle, const char *name)
{
	unsigned int nr, i, found = 0;
	unsigned long *entries;

	if (!mml_test_stacks())
		return;
	KUNIT_ASSERT_NE(test, handle, 0);
	nr = stack_depot_fetch(handle, &entries);
	KUNIT_EXPECT_LE(test, nr, 16);
	for (i = 0; i < nr; i++) {
		char symbol[128];

		snprintf(symbol, sizeof(symbol), "%pS", (void *)entries[i]);
		found += str_has_prefix(symbol, name) > 0;
	}
	KUNIT_EXPECT_EQ_MSG(test, found, 1, "%s is on the stack %u times", name, found);
}

static noinline struct mml_page *mml_test_borrow(struct mml_machine *machine, gfp_t gfp,
						 unsigned int order)
{
	struct mml_page *page = mml_alloc_pages(machine, gfp, order);

	/* Not a tail call: this function shall be on the stack. */
	barrier();
	return page;
}

static noinline void mml_test_return(struct mml_machine *machine, struct mml_page *page,
				     unsigned int order)
{
	__mml_free_pages(machine, page, order);
	barrier();
}

static void mml_owner_test_allocated(struct kunit *test)
{
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_ATOMIC | __GFP_ZERO,
				      GFP_KERNEL | __GFP_MOVABLE };
	struct mml_machine *machine = mml_test_with(test, MML_TEST_LEDGER);
	unsigned int order, i;

	for (order = 0; order <= 6; order++)
		for (i = 0; i < ARRAY_SIZE(gfps); i++) {
			u64 before = mml_clock(machine);
			struct mml_page *page = mml_test_borrow(machine, gfps[i], order);
			struct mml_page_owner owner;

			KUNIT_ASSERT_NOT_NULL(test, page);
			owner = mml_test_owner(test, machine, page - machine->memmap);
			KUNIT_EXPECT_TRUE(test, owner.allocated);
			KUNIT_EXPECT_EQ(test, owner.order, order);
			KUNIT_EXPECT_EQ(test, owner.gfp_mask, gfps[i]);
			KUNIT_EXPECT_EQ(test, owner.mobility, page->mobility);
			KUNIT_EXPECT_EQ(test, owner.pid, task_pid_nr(current));
			KUNIT_EXPECT_EQ(test, owner.tgid, task_tgid_nr(current));
			KUNIT_EXPECT_STREQ(test, owner.comm, current->comm);
			KUNIT_EXPECT_GE(test, owner.ts_nsec, before);
			KUNIT_EXPECT_LE(test, owner.ts_nsec, mml_clock(machine));
			mml_test_expect_caller(test, owner.handle, "mml_test_borrow");
			__mml_free_pages(machine, page, order);
		}
}

/* What is freed is known of each of its frames, and of no other. */
static void mml_owner_test_freed(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, MML_TEST_LEDGER);
	struct mml_page *page = mml_test_alloc(test, machine, GFP_KERNEL, 3);
	unsigned long pfn = page - machine->memmap, i;
	struct mml_page_owner owner;

	KUNIT_EXPECT_EQ(test, mml_test_owner(test, machine, pfn).free_ts_nsec, 0);
	mml_test_return(machine, page, 3);
	for (i = 0; i < 8; i++) {
		owner = mml_test_owner(test, machine, pfn + i);
		KUNIT_EXPECT_FALSE(test, owner.allocated);
		KUNIT_EXPECT_EQ(test, owner.order, 3);
		KUNIT_EXPECT_EQ(test, owner.pid, task_pid_nr(current));
		KUNIT_EXPECT_EQ(test, owner.free_pid, task_pid_nr(current));
		KUNIT_EXPECT_EQ(test, owner.free_tgid, task_tgid_nr(current));
		KUNIT_EXPECT_GE(test, owner.free_ts_nsec, owner.ts_nsec);
		mml_test_expect_caller(test, owner.free_handle, "mml_test_return");
	}
	KUNIT_EXPECT_FALSE(test, mml_get_page_owner(machine, pfn ^ 8, &owner));
}

/* Only the last reference frees. */
static void mml_owner_test_references(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, MML_TEST_LEDGER);
	struct mml_page *page = mml_test_alloc(test, machine, GFP_KERNEL, 0);
	unsigned long pfn = page - machine->memmap;

	mml_get_page(page);
	mml_put_page(machine, page);
	KUNIT_EXPECT_TRUE(test, mml_test_owner(test, machine, pfn).allocated);
	KUNIT_EXPECT_EQ(test, mml_test_owner(test, machine, pfn).free_ts_nsec, 0);
	mml_put_page(machine, page);
	KUNIT_EXPECT_FALSE(test, mml_test_owner(test, machine, pfn).allocated);
}

/*
 * A block is freed, cut up for a CPU, and given out in parts: each part has a record of
 * its own, and of what is still free it is known who had the whole.
 */
static void mml_owner_test_refill(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, MML_TEST_LEDGER);
	struct mml_page *whole = mml_test_alloc(test, machine, GFP_KERNEL, 6);
	unsigned long first = whole - machine->memmap, pfn, parts = 0;
	struct mml_page *rest = mml_test_alloc(test, machine, GFP_KERNEL, 6);
	struct mml_page *page[5];
	struct mml_page_owner owner;
	int i;

	__mml_free_pages(machine, whole, 6);
	for (i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = mml_test_alloc(test, machine, GFP_KERNEL | __GFP_COMP, 0);
	for (pfn = first; pfn < first + 64; pfn++) {
		owner = mml_test_owner(test, machine, pfn);
		KUNIT_EXPECT_EQ(test, owner.allocated,
				machine->memmap[pfn].state == MML_FRAME_ALLOCATED);
		KUNIT_EXPECT_EQ(test, owner.order, owner.allocated ? 0 : 6);
		KUNIT_EXPECT_EQ(test, owner.gfp_mask & __GFP_COMP,
				owner.allocated ? __GFP_COMP : 0);
		KUNIT_EXPECT_NE(test, owner.free_ts_nsec, 0);
		parts += owner.allocated;
	}
	KUNIT_EXPECT_EQ(test, parts, ARRAY_SIZE(page));
	while (i--)
		__mml_free_pages(machine, page[i], 0);
	__mml_free_pages(machine, rest, 6);
}

static void mml_owner_test_bulk(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, MML_TEST_ALL);
	struct mml_page *pages[70];
	unsigned long nr, i;

	nr = mml_alloc_pages_bulk(machine, GFP_KERNEL | __GFP_ZERO, ARRAY_SIZE(pages), pages);
	KUNIT_ASSERT_EQ(test, nr, ARRAY_SIZE(pages));
	for (i = 0; i < nr; i++) {
		struct mml_page_owner owner =
			mml_test_owner(test, machine, pages[i] - machine->memmap);

		KUNIT_EXPECT_TRUE(test, owner.allocated);
		KUNIT_EXPECT_EQ(test, owner.order, 0);
		KUNIT_EXPECT_EQ(test, owner.gfp_mask, GFP_KERNEL | __GFP_ZERO);
		KUNIT_EXPECT_NULL(test, memchr_inv(mml_page_address(machine, pages[i]), 0,
						   PAGE_SIZE));
	}
	while (nr--)
		__mml_free_pages(machine, pages[nr], 0);
}

/* An allocation that fails leaves nothing behind, nor does a free that is refused. */
static void mml_owner_test_refused(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, MML_TEST_LEDGER);
	struct mml_page *page = mml_test_alloc(test, machine, GFP_KERNEL, 2);
	struct mml_page_owner before, after;
	unsigned long pfn = page - machine->memmap;

	before = mml_test_owner(test, machine, pfn);
	mml_fail_nth(machine, 1);
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL, 0));
	mml_fail_nth(machine, 0);
	__mml_free_pages(machine, page, 1);
	__mml_free_pages(machine, page + 1, 0);
	mml_test_expect_reports(test, machine, 2);
	after = mml_test_owner(test, machine, pfn);
	KUNIT_EXPECT_EQ(test, memcmp(&before, &after, sizeof(before)), 0);
	KUNIT_EXPECT_FALSE(test, mml_get_page_owner(machine, pfn + 1, &after));
	__mml_free_pages(machine, page, 2);
	before = mml_test_owner(test, machine, pfn);
	__mml_free_pages(machine, page, 2);
	mml_test_expect_reports(test, machine, 1);
	after = mml_test_owner(test, machine, pfn);
	KUNIT_EXPECT_EQ(test, memcmp(&before, &after, sizeof(before)), 0);
}

/*
 * What a machine goes without.
 */

/**
 * struct mml_test_lost - blocks named while the test runs
 * @resource: by which they are counted
 * @nr: how many
 */
struct mml_test_lost {
	struct kunit_resource resource;
	atomic64_t nr;
};

static const struct mml_lost_case {
	const char *name;
	unsigned int blocks;
	unsigned int order;
	unsigned int named;
	unsigned long options;
} mml_lost_cases[] = {
	{ "none", 0, 0, 0, MML_TEST_LEDGER },
	{ "one frame", 1, 0, 1, MML_TEST_LEDGER },
	{ "one block", 1, 5, 1, MML_TEST_LEDGER },
	{ "ten blocks", 10, 2, 10, MML_TEST_LEDGER },
	{ "all frames", MML_TEST_FRAMES, 0, 10, MML_TEST_LEDGER },
	{ "without a ledger", 3, 1, 3, 0 },
};
KUNIT_ARRAY_PARAM_DESC(mml_lost, mml_lost_cases, name);

static void mml_owner_test_lost(struct kunit *test)
{
	const struct mml_lost_case *param = test->param_value;
	struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = MML_TEST_FRAMES,
		.backend = MML_BACKEND_PAGES,
		.pages = mml_test_pages(test, MML_TEST_FRAMES),
		.options = param->options | BIT(MML_OPTION_NO_WATERMARKS),
	};
	struct mml_test_lost *lost = kunit_kzalloc(test, sizeof(*lost), GFP_KERNEL);
	struct mml_machine *machine = mml_machine_create(&spec);
	struct mml_verdict verdict = {};
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, machine);
	KUNIT_ASSERT_NOT_NULL(test, lost);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_named_resource(test, NULL, NULL,
							  &lost->resource,
							  MML_KUNIT_LOST, &lost->nr));
	for (i = 0; i < param->blocks; i++)
		KUNIT_EXPECT_NOT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL,
							    param->order));
	KUNIT_EXPECT_EQ(test, mml_machine_destroy(machine, &verdict), 0);
	KUNIT_EXPECT_EQ(test, verdict.frames_lost, param->blocks << param->order);
	KUNIT_EXPECT_EQ(test, atomic64_read(&lost->nr), param->named);
}

/*
 * Poisoning.
 */

/* Every byte that is free is @byte, in all sections. */
static void mml_test_expect_filled(struct kunit *test, const struct mml_machine *machine,
				   u8 byte)
{
	unsigned long pfn;

	for (pfn = 0; pfn < machine->nr_frames; pfn++)
		if (machine->memmap[pfn].state != MML_FRAME_ABSENT &&
		    memchr_inv(mml_page_address(machine, &machine->memmap[pfn]), byte,
			       PAGE_SIZE))
			KUNIT_FAIL(test, "frame %lu is not filled with %02x", pfn, byte);
}

static void mml_poison_test_filled(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, MML_TEST_POISONING);
	struct mml_page *page;
	unsigned int order;

	mml_test_expect_filled(test, machine, PAGE_POISON);
	for (order = 0; order <= 7; order++) {
		page = mml_test_alloc(test, machine, GFP_KERNEL, order);
		memset(mml_page_address(machine, page), MML_TEST_POISON,
		       PAGE_SIZE << order);
		__mml_free_pages(machine, page, order);
		mml_test_expect_filled(test, machine, PAGE_POISON);
		page = mml_test_alloc(test, machine, GFP_KERNEL | __GFP_ZERO, order);
		KUNIT_EXPECT_NULL(test, memchr_inv(mml_page_address(machine, page), 0,
						   PAGE_SIZE << order));
		__mml_free_pages(machine, page, order);
	}
	mml_test_expect_reports(test, machine, 0);
}

static const struct mml_stray_write {
	const char *name;
	unsigned int order;
	size_t offset;
	size_t bytes;
} mml_stray_writes[] = {
	{ "the first byte", 0, 0, 1 },
	{ "the last byte of a frame", 0, PAGE_SIZE - 1, 1 },
	{ "the last byte of a block", 6, (PAGE_SIZE << 6) - 1, 1 },
	{ "across frames", 2, PAGE_SIZE - 4, 8 },
	{ "a whole block", 3, 0, PAGE_SIZE << 3 },
};
KUNIT_ARRAY_PARAM_DESC(mml_stray, mml_stray_writes, name);

/* A write to a block that was freed is found by the next who has it, and only by him. */
static void mml_poison_test_found(struct kunit *test)
{
	const struct mml_stray_write *param = test->param_value;
	struct mml_machine *machine = mml_test_with(test, MML_TEST_POISONING |
						    MML_TEST_LEDGER | MML_TEST_SAME);
	struct mml_page *page = mml_test_alloc(test, machine, GFP_KERNEL, param->order);

	__mml_free_pages(machine, page, param->order);
	memset(mml_page_address(machine, page) + param->offset, MML_TEST_POISON,
	       param->bytes);
	KUNIT_EXPECT_PTR_EQ(test, page, mml_test_alloc(test, machine, GFP_KERNEL,
						       param->order));
	mml_test_expect_reports(test, machine, 1);
	__mml_free_pages(machine, page, param->order);
	KUNIT_EXPECT_PTR_EQ(test, page, mml_test_alloc(test, machine, GFP_KERNEL,
						       param->order));
	mml_test_expect_reports(test, machine, 0);
	__mml_free_pages(machine, page, param->order);
}

/* Also when the block has become part of another meanwhile: by one of two who have it. */
static void mml_poison_test_found_in_part(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_with(test, MML_TEST_POISONING | BIT(MML_OPTION_NO_PCP));
	struct mml_page *page = mml_test_alloc(test, machine, GFP_KERNEL, 0);
	struct mml_page *all[2];
	int i;

	__mml_free_pages(machine, page, 0);
	*(u8 *)mml_page_address(machine, page) = 0;
	for (i = 0; i < 2; i++)
		all[i] = mml_test_alloc(test, machine, GFP_KERNEL, 6);
	mml_test_expect_reports(test, machine, 1);
	for (i = 0; i < 2; i++)
		__mml_free_pages(machine, all[i], 6);
}

static const struct mml_poison_text {
	const char *name;
	u8 first, second;
	const char *want;
} mml_poison_texts[] = {
	{ "the lowest bit", 0xab, PAGE_POISON, "single bit error" },
	{ "the highest bit", 0x2a, PAGE_POISON, "single bit error" },
	{ "two bits", 0xa9, PAGE_POISON, "memory corruption" },
	{ "all bits", 0x55, PAGE_POISON, "memory corruption" },
	{ "one bit each of two bytes", 0xab, 0xab, "memory corruption" },
};
KUNIT_ARRAY_PARAM_DESC(mml_poison_text, mml_poison_texts, name);

static void mml_poison_test_text(struct kunit *test)
{
	const struct mml_poison_text *param = test->param_value;
	u8 mem[64];

	memset(mem, PAGE_POISON, sizeof(mem));
	mem[0] = param->first;
	mem[63] = param->second;
	KUNIT_EXPECT_STREQ(test, mml_poison_error(mem, sizeof(mem)), param->want);
	KUNIT_EXPECT_STREQ(test, mml_poison_error(mem, 1),
			   hweight8(param->first ^ PAGE_POISON) == 1 ?
			   "single bit error" : "memory corruption");
}

/* Memory with a hole and an end that is not a whole section. */
static void mml_poison_test_sections(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .sections = { MML_SECTION_FRAMES, 0, 301 },
			       .options = MML_TEST_ALL);
	struct mml_frame_list taken;
	struct mml_page *page;

	mml_test_expect_filled(test, machine, PAGE_POISON);
	mml_frame_list_init(&taken);
	while ((page = mml_alloc_pages(machine, GFP_KERNEL | __GFP_ZERO, 0)))
		mml_frame_list_add(machine, &taken, page);
	KUNIT_EXPECT_EQ(test, taken.nr, MML_SECTION_FRAMES + 301);
	while ((page = mml_frame_list_pop(machine, &taken)))
		mml_put_page(machine, page);
	mml_test_expect_filled(test, machine, PAGE_POISON);
	mml_test_expect_reports(test, machine, 0);
}

/*
 * Zeroing on free.
 */

static void mml_zero_test_on_free(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, MML_TEST_ZEROING);
	struct mml_page *page;
	unsigned int order;

	mml_test_expect_filled(test, machine, 0);
	for (order = 0; order <= 7; order++) {
		page = mml_test_alloc(test, machine, GFP_KERNEL, order);
		memset(mml_page_address(machine, page), MML_TEST_POISON,
		       PAGE_SIZE << order);
		__mml_free_pages(machine, page, order);
		mml_test_expect_filled(test, machine, 0);
	}
}

/* __GFP_ZERO then writes nothing: what a stray write left is still there. */
static void mml_zero_test_only_on_free(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, MML_TEST_ZEROING |
						    MML_TEST_SAME);
	struct mml_page *page = mml_test_alloc(test, machine, GFP_KERNEL, 0);
	u8 *byte = mml_page_address(machine, page);

	__mml_free_pages(machine, page, 0);
	*byte = MML_TEST_POISON;
	KUNIT_EXPECT_PTR_EQ(test, page, mml_test_alloc(test, machine,
						       GFP_KERNEL | __GFP_ZERO, 0));
	KUNIT_EXPECT_EQ(test, *byte, MML_TEST_POISON);
	__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_EQ(test, *byte, 0);
}

/*
 * Off, or without memory.
 */

static void mml_owner_test_off(struct kunit *test)
{
	struct mml_machine *machine = mml_test_with(test, 0);
	struct mml_page *page = mml_test_alloc(test, machine, GFP_KERNEL, 0);
	u8 *byte = mml_page_address(machine, page);

	KUNIT_EXPECT_EQ(test, machine->slow, 0);
	KUNIT_EXPECT_NULL(test, machine->page_owners);
	KUNIT_EXPECT_EQ(test, *byte, MML_TEST_POISON);
	*byte = 1;
	__mml_free_pages(machine, page, 0);
	KUNIT_EXPECT_EQ(test, *byte, 1);
}

static void mml_owner_test_no_memory(struct kunit *test)
{
	struct mml_machine *machine =
		mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
			       .options = MML_TEST_POISONING | MML_TEST_ZEROING);
	struct mml_page *page;

	KUNIT_EXPECT_EQ(test, machine->slow, 0);
	__mml_free_pages(machine, mml_test_alloc(test, machine, GFP_KERNEL, 4), 4);

	machine = mml_test_build(test, .frames = MML_TEST_FRAMES, .memmap_only = true,
				 .options = MML_TEST_ALL);
	page = mml_test_alloc(test, machine, GFP_KERNEL | __GFP_ZERO, 4);
	KUNIT_EXPECT_TRUE(test, mml_test_owner(test, machine,
					       page - machine->memmap).allocated);
	__mml_free_pages(machine, page, 4);
}

/* Each allocation that making such a machine needs fails once; nothing is left. */
static void mml_owner_test_fail_nth(struct kunit *test)
{
	struct mml_machine_spec spec = {
		.name = "kunit",
		.frames = MML_TEST_FRAMES,
		.backend = MML_BACKEND_MEMMAP,
		.options = MML_TEST_ALL | BIT(MML_OPTION_NO_WATERMARKS),
	};
	struct mml_injection injection = {};
	struct mml_fail_nth was = { .fired = true };
	unsigned int failed = 0;

	while (was.fired) {
		struct mml_machine *machine;

		mml_inject(&injection, MML_FAIL_NTH_ANY, failed + 1, NULL);
		machine = mml_machine_create(&spec);
		mml_inject(&injection, MML_FAIL_NTH_ANY, 0, &was);
		KUNIT_EXPECT_EQ(test, was.fired, IS_ERR(machine));
		if (IS_ERR(machine)) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(machine), -ENOMEM);
			failed++;
		} else {
			KUNIT_EXPECT_NOT_NULL(test, machine->page_owners);
			KUNIT_EXPECT_EQ(test, mml_machine_destroy(machine, NULL), 0);
		}
	}
	KUNIT_EXPECT_GE(test, failed, 6);
}

static struct kunit_case mml_owner_cases[] = {
	KUNIT_CASE(mml_owner_test_allocated),
	KUNIT_CASE(mml_owner_test_freed),
	KUNIT_CASE(mml_owner_test_references),
	KUNIT_CASE(mml_owner_test_refill),
	KUNIT_CASE(mml_owner_test_bulk),
	KUNIT_CASE(mml_owner_test_refused),
	KUNIT_CASE_PARAM(mml_owner_test_lost, mml_lost_gen_params),
	KUNIT_CASE(mml_poison_test_filled),
	KUNIT_CASE_PARAM(mml_poison_test_found, mml_stray_gen_params),
	KUNIT_CASE(mml_poison_test_found_in_part),
	KUNIT_CASE_PARAM(mml_poison_test_text, mml_poison_text_gen_params),
	KUNIT_CASE(mml_poison_test_sections),
	KUNIT_CASE(mml_zero_test_on_free),
	KUNIT_CASE(mml_zero_test_only_on_free),
	KUNIT_CASE(mml_owner_test_off),
	KUNIT_CASE(mml_owner_test_no_memory),
	KUNIT_CASE(mml_owner_test_fail_nth),
	{}
};

static struct kunit_suite mml_owner_suite = {
	.name = "mml_owner",
	.test_cases = mml_owner_cases,
};
kunit_test_suite(mml_owner_suite);
