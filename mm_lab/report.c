// SPDX-License-Identifier: GPL-2.0
/*
 * Telling what is wrong: see report.h for who tells what, and how.
 *
 * Locking: none; callable from any context, under any lock of the lab.
 */
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "mm_lab/compat.h"
#include "mm_lab/machine.h"
#include "mm_lab/report.h"

/* Of the violations of one validation, so many are told one by one. */
#define MML_VIOLATIONS_TOLD 10

static void mml_say(const struct mml_machine *machine, const char *what,
		    struct va_format *vaf)
{
	if (machine)
		pr_err("machine %u: %s%pV\n", machine->id, what, vaf);
	else
		pr_err("%s%pV\n", what, vaf);
}

/**
 * mml_report_begin - a user misused the lab, and the text has many lines
 * @machine: on which, or NULL
 *
 * The counter goes up whether or not the rate limit lets the text through. A KUnit test
 * that counts its reports (MML_KUNIT_REPORTS) gets the number and no text: it is what
 * the test is about.
 *
 * Context: any.
 * Return: whether it is to be told.
 */
bool mml_report_begin(struct mml_machine *machine)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 20);

	if (machine)
		atomic64_inc(&machine->reports);
	return !mml_kunit_count(MML_KUNIT_REPORTS) && __ratelimit(&limit);
}
EXPORT_SYMBOL_NS_GPL(mml_report_begin, MM_LAB);

/**
 * mml_report - a user misused the lab
 * @machine: on which, or NULL
 * @fmt: printf format of one line without a newline
 *
 * As mml_report_begin().
 *
 * Context: any.
 * Return: whether it was told, so that more may be told of it.
 */
bool mml_report(struct mml_machine *machine, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (!mml_report_begin(machine))
		return false;
	va_start(args, fmt);
	vaf.va = &args;
	mml_say(machine, "", &vaf);
	va_end(args);
	return true;
}
EXPORT_SYMBOL_NS_GPL(mml_report, MM_LAB);

/**
 * mml_mark_broken - take a machine out of service, once
 * @machine: the machine
 * @fmt: printf format: what was found
 *
 * Context: any. Use mml_bug(), which warns too.
 */
void mml_mark_broken(struct mml_machine *machine, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (test_and_set_bit(MML_MACHINE_STATE_BROKEN, &machine->state))
		return;
	va_start(args, fmt);
	vaf.va = &args;
	mml_say(machine, "broken, its ioctls fail with EIO from now on: ", &vaf);
	va_end(args);
	schedule_work(&machine->retire);
}
EXPORT_SYMBOL_NS_GPL(mml_mark_broken, MM_LAB);

/**
 * mml_violation - an invariant does not hold
 * @v: the validation that found it
 * @fmt: printf format of one line without a newline
 *
 * Context: any. Use mml_check(), which counts the check too.
 */
void mml_violation(struct mml_validation *v, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (++v->violations > MML_VIOLATIONS_TOLD)
		return;
	va_start(args, fmt);
	vaf.va = &args;
	mml_say(v->machine, "invariant violated: ", &vaf);
	va_end(args);
}
EXPORT_SYMBOL_NS_GPL(mml_violation, MM_LAB);
