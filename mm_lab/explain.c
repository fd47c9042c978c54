// SPDX-License-Identifier: GPL-2.0
/*
 * Explaining the last failures of a machine: see explain.h.
 *
 * A failure is written down where it is noticed, under whatever lock makes what was
 * found one moment; who knows more about it (which session it was for) adds that on
 * the way up. A fault that found no frame takes over what the allocation tried.
 *
 * Kernel counterpart: warn_alloc() and show_free_areas(), which print the same to the
 * log. Difference: asked for, not printed; the last failure only.
 *
 * Who may read what: a caller without CAP_SYS_ADMIN learns of other processes'
 * failures why they failed and what was free, not whose they were nor where.
 *
 * Invariants: nr_steps <= MML_EXPLAIN_STEPS; failures == 0 <=> why == MML_WHY_NONE.
 *
 * Locking: explainer->lock, irq-safe, the innermost of all.
 */
#include <linux/capability.h>
#include <linux/export.h>
#include <linux/mman.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "mm_lab/counter.h"
#include "mm_lab/machine.h"

static const char * const mml_kind_names[] = {
	[MML_EXPLAIN_ALLOC]	= "alloc",
	[MML_EXPLAIN_FAULT]	= "fault",
};

static const char * const mml_why_names[] = {
	[MML_WHY_NONE]		= "none",
	[MML_WHY_ORDER]		= "order",
	[MML_WHY_INJECTED]	= "injected",
	[MML_WHY_NOTHING_FREE]	= "nothing_free",
	[MML_WHY_FRAGMENTED]	= "fragmented",
	[MML_WHY_LIMIT]		= "limit",
	[MML_WHY_BROKEN]	= "broken",
	[MML_WHY_KERNEL_MEMORY]	= "kernel_memory",
	[MML_WHY_NO_VMA]	= "no_vma",
	[MML_WHY_ACCESS]	= "access",
	[MML_WHY_WINDOW]	= "window",
	[MML_WHY_NO_FRAME]	= "no_frame",
	[MML_WHY_STILLBORN]	= "stillborn",
	[MML_WHY_DEAD]		= "dead",
	[MML_WHY_WATERMARK]	= "watermark",
	[MML_WHY_NO_ZONE]	= "no_zone",
	[MML_WHY_BEYOND]	= "beyond",
};

static const char * const mml_step_names[] = {
	[MML_STEP_FREE_LIST]	= "free_list",
	[MML_STEP_FREE_FRAMES]	= "free_frames",
	[MML_STEP_CHARGE]	= "charge",
	[MML_STEP_RANGE]	= "range",
	[MML_STEP_VMA_BEFORE]	= "vma_before",
	[MML_STEP_VMA]		= "vma",
	[MML_STEP_VMA_AFTER]	= "vma_after",
	[MML_STEP_TABLE]	= "table",
	[MML_STEP_PAGE]		= "page",
	[MML_STEP_KEPT]		= "kept",
	[MML_STEP_ZONE]		= "zone",
};

/* Steps that tell nothing of a process. */
#define MML_PUBLIC_STEPS						\
	(BIT(MML_STEP_FREE_LIST) | BIT(MML_STEP_FREE_FRAMES) |		\
	 BIT(MML_STEP_TABLE) | BIT(MML_STEP_PAGE) |			\
	 BIT(MML_STEP_KEPT) | BIT(MML_STEP_ZONE))

/*
 * Writing down.
 */

static void mml_explain_who(struct mml_explanation *e)
{
	e->tid = 0;
	e->since = 0;
	if (!in_task())
		return;
	e->tid = task_pid_nr(current);
	e->since = current->group_leader->start_boottime;
	e->told.pid = task_tgid_nr(current);
	/* Not get_task_comm(): its lock is none to take here. One's own is always ended. */
	strscpy(e->told.comm, current->comm);
}

/**
 * mml_explain_begin - something failed: begin to write down why
 * @machine: on which
 * @kind: what
 * @why: why
 *
 * Who and when is filled in here. Must be followed by mml_explain_end().
 *
 * Context: any but NMI, under any lock of the lab; takes the explainer's lock.
 * Return: what to fill in.
 */
struct mml_explain *mml_explain_begin(struct mml_machine *machine,
				      enum mml_explain_kind kind, enum mml_why why)
	__acquires(EXPLAINER)
{
	struct mml_explanation *e = &machine->explainer.last[kind];
	u64 failures;
	unsigned long flags;

	spin_lock_irqsave(&machine->explainer.lock, flags);
	machine->explainer.irq_flags = flags;
	failures = e->told.failures + 1;
	memset(&e->told, 0, sizeof(e->told));
	e->told.machine = machine->id;
	e->told.kind = kind;
	e->told.why = why;
	e->told.failures = failures;
	e->gfp = 0;
	e->when = mml_clock(machine);
	mml_explain_who(e);
	return &e->told;
}
EXPORT_SYMBOL_NS_GPL(mml_explain_begin, MM_LAB);

/**
 * mml_explain_end - all is written down
 * @machine: given to mml_explain_begin()
 *
 * Context: that of mml_explain_begin(); releases the explainer's lock.
 */
void mml_explain_end(struct mml_machine *machine)
	__releases(EXPLAINER)
{
	spin_unlock_irqrestore(&machine->explainer.lock, machine->explainer.irq_flags);
}
EXPORT_SYMBOL_NS_GPL(mml_explain_end, MM_LAB);

/**
 * mml_explain_step - one more thing that was tried
 * @explain: from mml_explain_begin()
 * @what: kind of step
 * @arg: as @what says
 * @at: as @what says
 * @value: what was found
 * @wanted: what would have been needed
 *
 * Context: between mml_explain_begin() and mml_explain_end().
 */
void mml_explain_step(struct mml_explain *explain, enum mml_step what, u32 arg, u64 at,
		      u64 value, u64 wanted)
{
	if (explain->nr_steps == MML_EXPLAIN_STEPS) {
		explain->lost++;
		return;
	}
	explain->step[explain->nr_steps++] = (struct mml_explain_step){
		.what = what,
		.arg = arg,
		.at = at,
		.value = value,
		.wanted = wanted,
	};
}
EXPORT_SYMBOL_NS_GPL(mml_explain_step, MM_LAB);

/**
 * mml_explain_asked - what an allocation asked for
 * @machine: on which
 * @explain: from mml_explain_begin()
 * @gfp: asked with
 * @order: asked for
 *
 * Context: between mml_explain_begin() and mml_explain_end().
 */
void mml_explain_asked(struct mml_machine *machine, struct mml_explain *explain,
		       gfp_t gfp, unsigned int order)
{
	machine->explainer.last[explain->kind].gfp = gfp;
	explain->order = order;
}
EXPORT_SYMBOL_NS_GPL(mml_explain_asked, MM_LAB);

/**
 * mml_explain_alloc - an allocation failed, for a reason that has no steps
 * @machine: on which
 * @why: why
 * @gfp: asked with
 * @order: asked for
 *
 * Context: any but NMI, under any lock of the lab.
 */
void mml_explain_alloc(struct mml_machine *machine, enum mml_why why, gfp_t gfp,
		       unsigned int order)
{
	struct mml_explain *explain = mml_explain_begin(machine, MML_EXPLAIN_ALLOC, why);

	mml_explain_asked(machine, explain, gfp, order);
	mml_explain_end(machine);
}
EXPORT_SYMBOL_NS_GPL(mml_explain_alloc, MM_LAB);

/**
 * mml_explain_charge - a block was there, but may not be held
 * @machine: on which
 * @gfp: asked with
 * @order: asked for
 * @counter: that refused the charge, or its parent did
 *
 * Context: any but NMI, under any lock of the lab.
 */
void mml_explain_charge(struct mml_machine *machine, gfp_t gfp, unsigned int order,
			const struct mml_counter *counter)
{
	struct mml_explain *explain;

	explain = mml_explain_begin(machine, MML_EXPLAIN_ALLOC, MML_WHY_LIMIT);
	mml_explain_asked(machine, explain, gfp, order);
	/* The one that is full; by now another frame may have gone back. */
	while (counter->parent &&
	       mml_counter_read(counter) + (1UL << order) <= counter->max)
		counter = counter->parent;
	mml_explain_step(explain, MML_STEP_CHARGE, 0, counter->max,
			 mml_counter_read(counter), 1UL << order);
	mml_explain_end(machine);
}
EXPORT_SYMBOL_NS_GPL(mml_explain_charge, MM_LAB);

/**
 * mml_explain_adopt - a fault failed because an allocation did: take over its steps
 * @machine: on which
 * @fault: what is being written down of the fault
 *
 * Does nothing if another thread's allocation has failed since this one's.
 *
 * Context: between mml_explain_begin() and mml_explain_end().
 */
void mml_explain_adopt(struct mml_machine *machine, struct mml_explain *fault)
{
	const struct mml_explanation *alloc = &machine->explainer.last[MML_EXPLAIN_ALLOC];
	const struct mml_explain_step *step = alloc->told.step;

	lockdep_assert_held(&machine->explainer.lock);

	if (alloc->tid != task_pid_nr(current))
		return;
	fault->cause = alloc->told.why;
	mml_explain_asked(machine, fault, alloc->gfp, alloc->told.order);
	for (; step < alloc->told.step + alloc->told.nr_steps; step++)
		mml_explain_step(fault, step->what, step->arg, step->at, step->value,
				 step->wanted);
}
EXPORT_SYMBOL_NS_GPL(mml_explain_adopt, MM_LAB);

/**
 * mml_explain_sign - what this thread failed to do was for a session
 * @machine: on which
 * @session: the session's number
 *
 * Context: process; any lock of the lab may be held.
 */
void mml_explain_sign(struct mml_machine *machine, u32 session)
{
	struct mml_explanation *e;
	unsigned long flags;
	int kind;

	spin_lock_irqsave(&machine->explainer.lock, flags);
	for (kind = 0; kind < MML_NR_EXPLAIN_KINDS; kind++) {
		e = &machine->explainer.last[kind];
		if (e->tid == task_pid_nr(current) && !e->told.session)
			e->told.session = session;
	}
	spin_unlock_irqrestore(&machine->explainer.lock, flags);
}
EXPORT_SYMBOL_NS_GPL(mml_explain_sign, MM_LAB);

/*
 * Reading.
 */

/* A copy of what is written down, as user space gets it. Returns: is it the caller's? */
static bool mml_explain_read(struct mml_machine *machine, enum mml_explain_kind kind,
			     struct mml_explain *a)
{
	const struct mml_explanation *e =
		&machine->explainer.last[array_index_nospec(kind, MML_NR_EXPLAIN_KINDS)];
	unsigned long flags;
	bool own;
	gfp_t gfp;

	spin_lock_irqsave(&machine->explainer.lock, flags);
	*a = e->told;
	gfp = e->gfp;
	a->age_ns = a->failures ? mml_clock(machine) - e->when : 0;
	own = a->pid == task_tgid_nr(current) &&
	      e->since == current->group_leader->start_boottime;
	spin_unlock_irqrestore(&machine->explainer.lock, flags);

	if (own)
		a->pid = task_tgid_vnr(current);	/* as it knows itself */

	a->machine = machine->id;
	a->kind = kind;
	if (gfp)
		snprintf(a->gfp, sizeof(a->gfp), "%pGg", &gfp);
	return own;
}

/* Leave out what is only the business of whose failure it was. */
static void mml_explain_hide(struct mml_explain *a)
{
	u32 i, kept = 0;

	for (i = 0; i < a->nr_steps; i++)
		if (BIT(a->step[i].what) & MML_PUBLIC_STEPS)
			a->step[kept++] = a->step[i];
	memset(&a->step[kept], 0, (MML_EXPLAIN_STEPS - kept) * sizeof(a->step[0]));
	a->nr_steps = kept;
	memset(a->comm, 0, sizeof(a->comm));
	a->pid = 0;
	a->session = 0;
	a->address = 0;
	a->flags |= MML_EXPLAIN_HIDDEN;
}

/*
 * Why something last failed on @machine, as the caller may know it; a->kind says what.
 * Process context.
 */
void mml_explain_get(struct mml_machine *machine, struct mml_explain *a)
{
	if (!mml_explain_read(machine, a->kind, a) && a->failures &&
	    !capable(CAP_SYS_ADMIN))
		mml_explain_hide(a);
}

static void mml_explain_show_one(struct seq_file *seq, const struct mml_explain *a)
{
	const struct mml_explain_step *step = a->step;

	seq_printf(seq, "%s_failures %llu\n", mml_kind_names[a->kind], a->failures);
	if (!a->failures)
		return;
	seq_printf(seq, "  why %s\n", mml_why_names[a->why]);
	if (a->why == MML_WHY_NO_FRAME)
		seq_printf(seq, "  cause %s\n", mml_why_names[a->cause]);
	seq_printf(seq, "  age_ns %llu\n  pid %u\n  comm ", a->age_ns, a->pid);
	seq_escape(seq, a->comm, "\n\\");
	seq_printf(seq, "\n  session %u\n", a->session);
	if (a->kind == MML_EXPLAIN_FAULT)
		seq_printf(seq, "  address 0x%llx\n  access %c%c%c\n", a->address,
			   a->access & PROT_READ ? 'r' : '-', a->access & PROT_WRITE ? 'w' : '-',
			   a->access & PROT_EXEC ? 'x' : '-');
	if (*a->gfp)
		seq_printf(seq, "  order %u\n  gfp %s\n", a->order, a->gfp);
	for (; step < a->step + a->nr_steps; step++)
		seq_printf(seq, "  step %s arg=%u at=0x%llx value=0x%llx wanted=0x%llx\n",
			   mml_step_names[step->what], step->arg, step->at, step->value,
			   step->wanted);
}

/* The file explain in a machine's directory, which is root's. */
int mml_explain_show(struct seq_file *seq, void *unused)
{
	struct mml_machine *machine = seq->private;
	struct mml_explain a;
	int kind;

	for (kind = 0; kind < MML_NR_EXPLAIN_KINDS; kind++) {
		mml_explain_read(machine, kind, &a);
		mml_explain_show_one(seq, &a);
	}
	return 0;
}
