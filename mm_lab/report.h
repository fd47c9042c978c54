/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Telling: misuse by users, bugs of the lab, and what a validator finds.
 *
 * mml_report()	a user did something wrong. Rate-limited text and a counter that
 *		tests read; never a WARN, for that means a bug of ours.
 * mml_bug()	the lab itself is wrong. WARNs once, marks the machine broken: its
 *		ioctls answer -EIO (those that look excepted) and its faults SIGBUS
 *		from then on, real entries are revoked so that the next touch is such
 *		a fault, its state stays readable, the host and other machines go on.
 * mml_check()	a validator's line: counts a check, and says so if it does not hold.
 */
#ifndef _MML_REPORT_H
#define _MML_REPORT_H

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

struct mml_machine;

/* A test's resource of this name, an atomic64_t, counts the reports made in it. */
#define MML_KUNIT_REPORTS	"mml_reports"
/* And one of this name the blocks that are named because a machine goes without them. */
#define MML_KUNIT_LOST		"mml_lost"

bool mml_report_begin(struct mml_machine *machine);
__printf(2, 3)
bool mml_report(struct mml_machine *machine, const char *fmt, ...);

__printf(2, 3)
void mml_mark_broken(struct mml_machine *machine, const char *fmt, ...);

#define mml_bug(machine, fmt, ...) do {					\
	WARN_ONCE(1, "mm_lab: " fmt "\n", ##__VA_ARGS__);		\
	mml_mark_broken(machine, fmt, ##__VA_ARGS__);			\
} while (0)

/**
 * struct mml_validation - one run of validators
 * @machine: the machine looked at, NULL for the regions
 * @checks: invariants looked at
 * @violations: those that did not hold
 * @waited_us: microseconds that were waited for somebody in between two states
 */
struct mml_validation {
	struct mml_machine *machine;
	u64 checks;
	u64 violations;
	u64 waited_us;
};

__printf(2, 3)
void mml_violation(struct mml_validation *v, const char *fmt, ...);

#define mml_check(v, condition, fmt, ...) ({				\
	struct mml_validation *__v = (v);				\
	bool __holds = (condition);					\
									\
	__v->checks++;							\
	if (!__holds)							\
		mml_violation(__v, fmt, ##__VA_ARGS__);			\
	__holds;							\
})

#endif /* _MML_REPORT_H */
