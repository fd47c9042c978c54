// SPDX-License-Identifier: GPL-2.0
/*
 * Holding machines: who keeps one from being destroyed, by name.
 *
 * Finding a machine to hold, and what becomes of one that is let go, is in machine.c.
 *
 * Kernel counterpart: none.
 *
 * Locking: holders_lock of the machine, a spinlock, a leaf.
 */
#include <linux/export.h>
#include <linux/list.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "mm_lab/machine.h"

/* Of those who keep a machine from being destroyed, so many are told. */
#define MML_HOLDERS_NAMED 10

/**
 * mml_machine_hold_again - hold a machine that is held already
 * @machine: the machine, which somebody holds during the call
 * @hold: of the new holder
 * @what: kind of holder, for messages
 *
 * Context: any but interrupts.
 */
void mml_machine_hold_again(struct mml_machine *machine, struct mml_hold *hold,
			    const char *what)
{
	hold->what = what;
	hold->pid = task_tgid_nr(current);
	get_task_comm(hold->comm, current);
	spin_lock(&machine->holders_lock);
	list_add_tail(&hold->node, &machine->holders);
	machine->nr_holders++;
	spin_unlock(&machine->holders_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_machine_hold_again, MM_LAB);

/**
 * mml_machine_unhold_again - undo mml_machine_hold_again()
 * @machine: the machine
 * @hold: given to mml_machine_hold_again()
 *
 * Context: any but interrupts.
 * Return: true if that was the last holder of a machine that goes with it. It does not
 * happen while somebody else holds it.
 */
bool mml_machine_unhold_again(struct mml_machine *machine, struct mml_hold *hold)
{
	bool last;

	spin_lock(&machine->holders_lock);
	list_del(&hold->node);
	last = --machine->nr_holders == 0 &&
	       test_bit(MML_MACHINE_STATE_ORPHAN, &machine->state);
	spin_unlock(&machine->holders_lock);
	return last;
}
EXPORT_SYMBOL_NS_GPL(mml_machine_unhold_again, MM_LAB);

/*
 * A few, for this is under a spinlock, and not for ever, for who may destroy a machine
 * can ask in a loop. All of them are in debugfs.
 */
static void mml_name_holders(struct mml_machine *machine)
{
	unsigned int left = MML_HOLDERS_NAMED;
	struct mml_hold *hold;

	lockdep_assert_held(&machine->holders_lock);

	if (!__ratelimit(&machine->naming))
		return;
	list_for_each_entry(hold, &machine->holders, node) {
		if (!left--)
			break;
		pr_info("machine %u is held by a %s of %s[%d]\n", machine->id,
			hold->what, hold->comm, hold->pid);
	}
	if (machine->nr_holders > MML_HOLDERS_NAMED)
		pr_info("machine %u has %u more holders: see debugfs mm_lab/%u/holders\n",
			machine->id, machine->nr_holders - MML_HOLDERS_NAMED,
			machine->id);
}

/**
 * mml_machine_held - does anybody hold a machine?
 * @machine: the machine
 * @tell: name them in the kernel log
 *
 * Context: process.
 * Return: true if so; may have changed meanwhile, unless mml_machines_lock is held.
 */
bool mml_machine_held(struct mml_machine *machine, bool tell)
{
	bool held;

	spin_lock(&machine->holders_lock);
	held = machine->nr_holders;
	if (held && tell)
		mml_name_holders(machine);
	spin_unlock(&machine->holders_lock);
	return held;
}

/**
 * mml_show_holders - all who hold a machine, a line each
 * @machine: the machine
 * @seq: where to
 *
 * Context: process.
 */
void mml_show_holders(struct mml_machine *machine, struct seq_file *seq)
{
	struct mml_hold *hold;

	spin_lock(&machine->holders_lock);
	list_for_each_entry(hold, &machine->holders, node) {
		seq_printf(seq, "%-12s %7d ", hold->what, hold->pid);
		seq_escape(seq, hold->comm, "\n\\");
		seq_putc(seq, '\n');
		if (seq_has_overflowed(seq))
			break;
	}
	spin_unlock(&machine->holders_lock);
}
