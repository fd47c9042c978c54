/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Explaining: why the last allocation, and the last fault, of a machine failed.
 *
 * Who refuses something writes down why, and step by step what was tried, between
 * mml_explain_begin() and mml_explain_end(); the next failure of that kind overwrites
 * it. What is tried when all goes well is not written down: nothing here is called
 * on a fast path. The kinds of steps are in the uapi header; a room above adds its own
 * there.
 *
 * Decisions are the other half: each thing tried as an event, also when it works. Where
 * a static key is not enough for them, MML_SLOW_DECISIONS is set in machine->slow.
 */
#ifndef _MML_EXPLAIN_H
#define _MML_EXPLAIN_H

#include <linux/gfp_types.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "mm_lab/uapi/mm_lab.h"

struct mml_counter;
struct mml_machine;
struct seq_file;

/**
 * struct mml_explanation - why something last failed
 * @told: what user space is told; its age and gfp are filled in then
 * @gfp: the kernel's flags asked with
 * @when: mml_clock() then
 * @tid: of the thread; 0: none
 * @since: when its process began, for a pid is used again
 */
struct mml_explanation {
	struct mml_explain told;
	gfp_t gfp;
	u64 when;
	pid_t tid;
	u64 since;
};

/**
 * struct mml_explainer - the last failures of a machine
 * @lock: irq-safe, a leaf; protects the rest. Taken under a zone's lock
 * @irq_flags: of who holds @lock between mml_explain_begin() and mml_explain_end()
 * @last: by kind
 */
struct mml_explainer {
	spinlock_t lock;
	unsigned long irq_flags;
	struct mml_explanation last[MML_NR_EXPLAIN_KINDS];
};

struct mml_explain *mml_explain_begin(struct mml_machine *machine,
				      enum mml_explain_kind kind, enum mml_why why)
	__acquires(EXPLAINER);
void mml_explain_end(struct mml_machine *machine) __releases(EXPLAINER);
void mml_explain_step(struct mml_explain *explain, enum mml_step what, u32 arg, u64 at,
		      u64 value, u64 wanted);
void mml_explain_asked(struct mml_machine *machine, struct mml_explain *explain,
		       gfp_t gfp, unsigned int order);
void mml_explain_alloc(struct mml_machine *machine, enum mml_why why, gfp_t gfp,
		       unsigned int order);
void mml_explain_charge(struct mml_machine *machine, gfp_t gfp, unsigned int order,
			const struct mml_counter *counter);
void mml_explain_adopt(struct mml_machine *machine, struct mml_explain *fault);
void mml_explain_sign(struct mml_machine *machine, u32 session);

int mml_decisions_tell(void);
void mml_decisions_hush(void);

/* What follows is the ground's own. */

void mml_explain_get(struct mml_machine *machine, struct mml_explain *a);
int mml_explain_show(struct seq_file *seq, void *unused);

#endif /* _MML_EXPLAIN_H */
