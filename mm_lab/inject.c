// SPDX-License-Identifier: GPL-2.0
/*
 * Injected failures: see inject.h.
 *
 * Kernel counterpart: should_fail_ex() in lib/fault-inject.c, and /proc/PID/fail-nth.
 * Differences: an injection is a process's and not a thread's, and belongs to a file;
 * what it counts is the lab's allocations alone. Those with __GFP_NOFAIL are not
 * made to fail, as mm/failslab.c does it.
 *
 * Invariants:
 *	an injection is in mml_injections while it is armed; it stays armed after it
 *		has fired, and goes on counting
 *	MML_SLOW_FAIL_NTH of machine->slow is set while one is armed that concerns the
 *		machine. It is worked out anew after each change, and for a new
 *		machine before anything is allocated for it
 *	mml_injections_any == armed ones that concern every machine
 *	mml_injections_armed == all in mml_injections, MML_INJECTIONS_MAX at most: the
 *		table is walked with interrupts off
 *
 * Locking: mml_injections_lock, a spinlock, irq-safe, a leaf.
 */
#include <kunit/visibility.h>
#include <linux/hashtable.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>

#include "mm_lab/alloc.h"
#include "mm_lab/inject.h"
#include "mm_lab/machine.h"
#include "mm_lab/uapi/mm_lab.h"

static DEFINE_SPINLOCK(mml_injections_lock);
static DEFINE_HASHTABLE(mml_injections, 5);	/* by mm */
static unsigned int mml_injections_any;
static unsigned int mml_injections_armed;

/* So many at once, of all processes. */
#define MML_INJECTIONS_MAX	64

static void mml_injection_tell(const struct mml_injection *injection,
			       struct mml_fail_nth *was)
{
	was->fired = injection->fired;
	was->seen = injection->seen;
	was->site = injection->site;
}

static void mml_injection_disarm(struct mml_injection *injection)
{
	lockdep_assert_held(&mml_injections_lock);

	hash_del(&injection->node);
	mml_injections_armed--;
	mml_injections_any -= injection->machine == MML_FAIL_NTH_ANY;
	injection->seen = 0;
	injection->site = 0;
	injection->fired = false;
}

static void mml_injection_arm(struct mml_injection *injection, u32 machine, u64 nth)
{
	lockdep_assert_held(&mml_injections_lock);

	injection->mm = current->mm;
	if (injection->mm)
		mmgrab(injection->mm);
	injection->machine = machine;
	injection->nth = nth;
	hash_add(mml_injections, &injection->node, (unsigned long)injection->mm);
	mml_injections_armed++;
	mml_injections_any += machine == MML_FAIL_NTH_ANY;
}

/**
 * mml_inject - let an allocation of the calling process fail, or none
 * @injection: in place of what it was armed for before
 * @machine: on which machine, by number; MML_FAIL_NTH_ANY: on any, and for none
 * @nth: 1: the next one, 2: the one after it, …; 0: none
 * @was: out: what came of the former; may be NULL
 *
 * Context: process; also under mmap_lock.
 * Return: 0; 1 if machines have to be marked now: mml_inject_mark(); -ENOSPC if too
 * many injections are armed already, and then nothing has changed.
 */
int mml_inject(struct mml_injection *injection, u32 machine, u64 nth,
		struct mml_fail_nth *was)
{
	struct mm_struct *mm = NULL;
	unsigned long flags;
	bool armed;

	spin_lock_irqsave(&mml_injections_lock, flags);
	armed = !hlist_unhashed(&injection->node);
	if (nth && !armed && mml_injections_armed == MML_INJECTIONS_MAX) {
		spin_unlock_irqrestore(&mml_injections_lock, flags);
		return -ENOSPC;
	}
	if (was)
		mml_injection_tell(injection, was);
	if (armed) {
		mm = injection->mm;
		mml_injection_disarm(injection);
	}
	if (nth)
		mml_injection_arm(injection, machine, nth);
	spin_unlock_irqrestore(&mml_injections_lock, flags);
	if (mm)
		mmdrop(mm);
	return armed || nth;
}
EXPORT_SYMBOL_IF_KUNIT(mml_inject);

static bool mml_injection_concerns(const struct mml_injection *injection, u32 machine)
{
	return injection->machine == MML_FAIL_NTH_ANY || injection->machine == machine;
}

/**
 * mml_inject_mark - let a machine's slow bit say whether an injection concerns it
 * @machine: the machine
 *
 * Context: any.
 */
void mml_inject_mark(struct mml_machine *machine)
{
	struct mml_injection *injection;
	unsigned long flags;
	bool armed = false;
	int bucket;

	spin_lock_irqsave(&mml_injections_lock, flags);
	hash_for_each(mml_injections, bucket, injection, node)
		armed |= mml_injection_concerns(injection, machine->id);
	if (armed)
		set_bit(MML_SLOW_FAIL_NTH, &machine->slow);
	else
		clear_bit(MML_SLOW_FAIL_NTH, &machine->slow);
	spin_unlock_irqrestore(&mml_injections_lock, flags);
}

/**
 * mml_inject_on - mml_inject() for an injection that concerns one machine, always
 * @injection: in place of what it was armed for before
 * @machine: the machine
 * @nth: 1: the next one, 2: the one after it, …; 0: none
 * @was: out: what came of the former; may be NULL
 *
 * Context: process; also under mmap_lock.
 * Return: 0, or -ENOSPC if too many injections are armed already.
 */
int mml_inject_on(struct mml_injection *injection, struct mml_machine *machine,
		  u64 nth, struct mml_fail_nth *was)
{
	int ret = mml_inject(injection, machine->id, nth, was);

	if (ret > 0)
		mml_inject_mark(machine);
	return min(ret, 0);
}

/* One injection sees an allocation. Returns: whether it has to fail. */
static bool mml_injection_see(struct mml_injection *injection,
			      const struct mml_alloc_site *site)
{
	lockdep_assert_held(&mml_injections_lock);

	if (++injection->seen != injection->nth)
		return false;
	injection->fired = true;
	injection->site = site->id;
	return true;
}

/*
 * All of the process's injections see an allocation of @site. Its number on a machine
 * is @machine; MML_FAIL_NTH_ANY if there is none, which only those match that match
 * any.
 */
static bool mml_injections_see(u32 machine, bool nofail, struct mml_alloc_site *site)
{
	struct mml_injection *injection;
	bool seen = false, fail = false;
	unsigned long flags;

	spin_lock_irqsave(&mml_injections_lock, flags);
	hash_for_each_possible(mml_injections, injection, node,
			       (unsigned long)current->mm) {
		if (injection->mm != current->mm ||
		    !mml_injection_concerns(injection, machine))
			continue;
		seen = true;
		if (!nofail)
			fail |= mml_injection_see(injection, site);
	}
	spin_unlock_irqrestore(&mml_injections_lock, flags);
	if (seen)
		atomic_inc(nofail ? &site->nofail : &site->calls);
	if (fail)
		atomic_inc(&site->failed);
	return fail;
}

/**
 * mml_should_fail - is this allocation one that has to fail?
 * @machine: for whom, or NULL
 * @gfp: with __GFP_NOFAIL it is not
 * @site: who asks
 *
 * Context: any; what interrupts allocate belongs to no process, and does not fail.
 * Return: true for the n-th that an injection has seen.
 */
bool mml_should_fail(struct mml_machine *machine, gfp_t gfp,
		     struct mml_alloc_site *site)
{
	if (likely(machine ? !test_bit(MML_SLOW_FAIL_NTH, &machine->slow) :
			     !READ_ONCE(mml_injections_any)))
		return false;
	if (!in_task())
		return false;
	return mml_injections_see(machine ? machine->id : MML_FAIL_NTH_ANY,
				  gfp & __GFP_NOFAIL, site);
}
EXPORT_SYMBOL_NS_GPL(mml_should_fail, MM_LAB);

/**
 * mml_fail_nth - let one allocation of a machine by the calling process fail
 * @machine: the machine
 * @nth: 1: the next one, 2: the one after it, …; 0: none
 *
 * For tests in the kernel; there is one of these a machine. Kernel threads count as
 * one process.
 *
 * Context: process.
 */
void mml_fail_nth(struct mml_machine *machine, u64 nth)
{
	mml_inject_on(&machine->injection, machine, nth, NULL);
}
EXPORT_SYMBOL_NS_GPL(mml_fail_nth, MM_LAB);

/**
 * mml_fail_nth_fired - has it failed?
 * @machine: the machine
 *
 * Context: process.
 * Return: whether an allocation failed since the last mml_fail_nth().
 */
bool mml_fail_nth_fired(struct mml_machine *machine)
{
	return READ_ONCE(machine->injection.fired);
}
EXPORT_SYMBOL_NS_GPL(mml_fail_nth_fired, MM_LAB);
