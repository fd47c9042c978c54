// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_explain: what is written down of a failure that a process cannot cause, or
 * not so exactly: injected ones, a broken machine, a job's limit, a page table's
 * descriptor; whose it was; and the list of steps when it is full.
 *
 * What a process can cause is tested with one, in qemu/tests/explain.c.
 */
#include "kunit/model.h"
#include "mm_lab/alloc.h"

#define MML_TEST_FRAMES		128

static const struct mml_explain *mml_test_told(const struct mml_machine *machine,
					       enum mml_explain_kind kind)
{
	return &machine->explainer.last[kind].told;
}

/* The last allocation that failed is one of @order, for the reason @why. */
static void mml_expect_alloc(struct kunit *test, const struct mml_machine *machine,
			     enum mml_why why, unsigned int order, u64 failures)
{
	const struct mml_explain *told = mml_test_told(machine, MML_EXPLAIN_ALLOC);

	KUNIT_EXPECT_EQ(test, told->why, why);
	KUNIT_EXPECT_EQ(test, told->order, order);
	KUNIT_EXPECT_EQ(test, told->failures, failures);
	KUNIT_EXPECT_EQ(test, told->pid, task_tgid_nr(current));
	KUNIT_EXPECT_STREQ(test, told->comm, current->comm);
	KUNIT_EXPECT_EQ(test, told->lost, 0);
	KUNIT_EXPECT_EQ(test, machine->explainer.last[MML_EXPLAIN_ALLOC].gfp, GFP_KERNEL);
}

static void mml_explain_test_nothing(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);
	struct mml_page *page = mml_alloc_pages(machine, GFP_KERNEL, 3);
	int kind;

	KUNIT_ASSERT_NOT_NULL(test, page);
	__mml_free_pages(machine, page, 3);
	for (kind = 0; kind < MML_NR_EXPLAIN_KINDS; kind++) {
		KUNIT_EXPECT_EQ(test, mml_test_told(machine, kind)->failures, 0);
		KUNIT_EXPECT_EQ(test, mml_test_told(machine, kind)->why, MML_WHY_NONE);
	}
}

static void mml_explain_test_alloc(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);

	KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL, MML_MAX_ORDER + 1));
	mml_test_expect_reports(test, machine, 1);
	mml_expect_alloc(test, machine, MML_WHY_ORDER, MML_MAX_ORDER + 1, 1);

	mml_fail_nth(machine, 1);
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL, 2));
	mml_fail_nth(machine, 0);
	mml_expect_alloc(test, machine, MML_WHY_INJECTED, 2, 2);
	KUNIT_EXPECT_EQ(test, mml_test_told(machine, MML_EXPLAIN_ALLOC)->nr_steps, 0);

	KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL, 8));
	mml_expect_alloc(test, machine, MML_WHY_NOTHING_FREE, 8, 3);

	set_bit(MML_MACHINE_STATE_BROKEN, &machine->state);
	KUNIT_EXPECT_NULL(test, mml_alloc_pages(machine, GFP_KERNEL, 9));
	clear_bit(MML_MACHINE_STATE_BROKEN, &machine->state);
	mml_expect_alloc(test, machine, MML_WHY_BROKEN, 9, 4);
}

/* The counter that is full may be the job's. */
static void mml_explain_test_charge(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);
	const struct mml_explain *told = mml_test_told(machine, MML_EXPLAIN_ALLOC);
	struct mml_counter job, session;

	mml_counter_init(&job, 12, NULL);
	mml_counter_init(&session, 10, &job);
	KUNIT_ASSERT_TRUE(test, mml_counter_try_charge(&session, 5));
	KUNIT_ASSERT_TRUE(test, mml_counter_try_charge(&job, 6));

	mml_explain_charge(machine, GFP_KERNEL, 1, &session);
	mml_expect_alloc(test, machine, MML_WHY_LIMIT, 1, 1);
	KUNIT_EXPECT_EQ(test, told->nr_steps, 1);
	KUNIT_EXPECT_EQ(test, told->step[0].at, 12);
	KUNIT_EXPECT_EQ(test, told->step[0].value, 11);
	KUNIT_EXPECT_EQ(test, told->step[0].wanted, 2);

	mml_explain_charge(machine, GFP_KERNEL, 3, &session);
	KUNIT_EXPECT_EQ(test, told->step[0].at, 10);
	KUNIT_EXPECT_EQ(test, told->step[0].value, 5);
}

static void mml_explain_test_steps(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);
	struct mml_explain *told;
	int i;

	told = mml_explain_begin(machine, MML_EXPLAIN_FAULT, MML_WHY_DEAD);
	for (i = 0; i < MML_EXPLAIN_STEPS + 3; i++)
		mml_explain_step(told, MML_STEP_PAGE, i, 0, 0, 0);
	mml_explain_end(machine);
	KUNIT_EXPECT_EQ(test, told->nr_steps, MML_EXPLAIN_STEPS);
	KUNIT_EXPECT_EQ(test, told->lost, 3);
	KUNIT_EXPECT_EQ(test, told->step[MML_EXPLAIN_STEPS - 1].arg, MML_EXPLAIN_STEPS - 1);

	mml_explain_begin(machine, MML_EXPLAIN_FAULT, MML_WHY_DEAD);
	mml_explain_end(machine);
	KUNIT_EXPECT_EQ(test, told->nr_steps + told->lost, 0);
	KUNIT_EXPECT_EQ(test, told->failures, 2);
}

/* Only this thread's are signed, once; only its allocation belongs to its fault. */
static void mml_explain_test_whose(struct kunit *test)
{
	struct mml_machine *machine = mml_test_machine(test, MML_TEST_FRAMES);
	struct mml_explanation *alloc = &machine->explainer.last[MML_EXPLAIN_ALLOC];
	struct mml_explain *fault;

	mml_explain_alloc(machine, MML_WHY_INJECTED, GFP_KERNEL, 0);
	mml_explain_sign(machine, 7);
	mml_explain_sign(machine, 8);
	KUNIT_EXPECT_EQ(test, alloc->told.session, 7);

	mml_explain_alloc(machine, MML_WHY_INJECTED, GFP_KERNEL, 0);
	alloc->tid++;
	mml_explain_sign(machine, 9);
	KUNIT_EXPECT_EQ(test, alloc->told.session, 0);
	fault = mml_explain_begin(machine, MML_EXPLAIN_FAULT, MML_WHY_NO_FRAME);
	mml_explain_adopt(machine, fault);
	mml_explain_end(machine);
	KUNIT_EXPECT_EQ(test, fault->cause, MML_WHY_NONE);
}

static enum mml_fault_result mml_test_write(struct mml_model *model, int page)
{
	struct mml_fault fault = {
		.address = mml_model_addr(page),
		.flags = MML_FAULT_WRITE,
		.gfp = GFP_KERNEL,
	};

	return mml_handle_mm_fault(&model->mm, &fault);
}

/*
 * A first write allocates a table's descriptor and its frame, four times, then the link to an
 * anon_vma, that, and the page. Whichever fails, the fault says at which table, and why.
 */
static void mml_explain_test_fault(struct kunit *test)
{
	long nth;

	for (nth = 1; nth <= 11; nth++) {
		bool table = nth <= 8, frame = table ? nth % 2 == 0 : nth == 11;
		struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
		const struct mml_explain *told = mml_test_told(model->machine,
							       MML_EXPLAIN_FAULT);
		const struct mml_explain_step *last;
		u32 tables = table ? (nth - 1) / 2 : 4;

		mml_model_mmap(model, 0, 1, PROT_READ | PROT_WRITE, MAP_FIXED);
		mml_fail_nth(model->machine, nth);
		KUNIT_EXPECT_EQ(test, mml_test_write(model, 0), MML_FAULT_OOM);
		mml_fail_nth(model->machine, 0);

		KUNIT_EXPECT_EQ(test, told->why, MML_WHY_NO_FRAME);
		KUNIT_EXPECT_EQ(test, told->cause, frame ? MML_WHY_INJECTED :
				MML_WHY_KERNEL_MEMORY);
		KUNIT_EXPECT_EQ(test, told->nr_steps, tables + 1);
		last = &told->step[tables];
		KUNIT_EXPECT_EQ(test, last->what, table ? MML_STEP_TABLE : MML_STEP_PAGE);
		KUNIT_EXPECT_EQ(test, last->arg, table ? 3 - tables : 0);
		KUNIT_EXPECT_EQ(test, last->value, 0);
		KUNIT_EXPECT_EQ(test, mml_test_write(model, 0), MML_FAULT_DONE);
		KUNIT_EXPECT_EQ(test, told->failures, 1);
	}
}

static void mml_explain_test_dead(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	const struct mml_explain *told = mml_test_told(model->machine, MML_EXPLAIN_FAULT);

	mml_exit_mmap(&model->mm);
	KUNIT_EXPECT_EQ(test, mml_test_write(model, 0), MML_FAULT_DEAD);
	KUNIT_EXPECT_EQ(test, told->why, MML_WHY_DEAD);
	KUNIT_EXPECT_EQ(test, told->address, mml_model_addr(0));
	KUNIT_EXPECT_EQ(test, told->access, PROT_WRITE);
	model->mm.stillborn = true;
	KUNIT_EXPECT_EQ(test, mml_test_write(model, 1), MML_FAULT_OOM);
	KUNIT_EXPECT_EQ(test, told->why, MML_WHY_STILLBORN);
	KUNIT_EXPECT_EQ(test, told->failures, 2);
}

static struct kunit_case mml_explain_cases[] = {
	KUNIT_CASE(mml_explain_test_nothing),
	KUNIT_CASE(mml_explain_test_alloc),
	KUNIT_CASE(mml_explain_test_charge),
	KUNIT_CASE(mml_explain_test_steps),
	KUNIT_CASE(mml_explain_test_whose),
	KUNIT_CASE(mml_explain_test_fault),
	KUNIT_CASE(mml_explain_test_dead),
	{}
};

static struct kunit_suite mml_explain_suite = {
	.name = "mml_explain",
	.test_cases = mml_explain_cases,
};
kunit_test_suite(mml_explain_suite);
