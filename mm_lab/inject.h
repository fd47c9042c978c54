/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Injected failures: "the n-th allocation of this process from now on fails".
 *
 * An injection counts the allocations (see alloc.h) that one process makes on one
 * machine, or everywhere, and lets the n-th fail. Whose it is embeds it: a session, a
 * control file, the module while it is loaded, a machine for the tests in the kernel.
 * While one is armed, all allocations on the same machine take its slow path, and a
 * global lock there; so only a few can be.
 */
#ifndef _MML_INJECT_H
#define _MML_INJECT_H

#include <linux/gfp.h>
#include <linux/types.h>

struct mm_struct;
struct mml_alloc_site;
struct mml_fail_nth;
struct mml_machine;

/**
 * struct mml_injection - allocations to be counted, one of them to fail
 * @node: in the table of those that are armed; zeroed memory is one that is not
 * @mm: whose allocations; pinned (mmgrab); NULL: those of kernel threads
 * @machine: on which, by number; MML_FAIL_NTH_ANY: on any, and for none
 * @site: that failed, by number; 0: none, or one that is in no table
 * @nth: the one to fail
 * @seen: so far
 * @fired: it has failed
 *
 * All fields are protected by mml_injections_lock.
 */
struct mml_injection {
	struct hlist_node node;
	struct mm_struct *mm;
	u32 machine;
	u32 site;
	u64 nth;
	u64 seen;
	bool fired;
};

int mml_inject(struct mml_injection *injection, u32 machine, u64 nth,
	       struct mml_fail_nth *was);
int mml_inject_on(struct mml_injection *injection, struct mml_machine *machine,
		  u64 nth, struct mml_fail_nth *was);
void mml_inject_mark(struct mml_machine *machine);
bool mml_should_fail(struct mml_machine *machine, gfp_t gfp,
		     struct mml_alloc_site *site);

/* For tests in the kernel: one a machine, for the calling thread's process. */
void mml_fail_nth(struct mml_machine *machine, u64 nth);
bool mml_fail_nth_fired(struct mml_machine *machine);

#endif /* _MML_INJECT_H */
