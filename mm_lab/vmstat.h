/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine's event counters, per CPU, as in include/linux/vmstat.h. Names as in
 * the kernel's /proc/vmstat.
 */
#ifndef _MML_VMSTAT_H
#define _MML_VMSTAT_H

#include <linux/percpu.h>

#include "mm_lab/machine.h"

/* Counted in frames (pgalloc, pgfree, and those from pglazyfree on) or in events (the others). */
enum mml_vm_event {
	MML_PGALLOC,
	MML_PGFREE,
	MML_PGFAULT,
	MML_OOM_KILL,
	MML_TLB_FLUSH,
	MML_PGLAZYFREE,
	MML_PGLAZYFREED,
	MML_PGAROUND,
	MML_PGAROUND_FREED,
	MML_NR_VM_EVENTS,
};

struct mml_vm_event_state {
	unsigned long event[MML_NR_VM_EVENTS];
};

/* Interrupts are off: cheap on every architecture. */
static inline void __mml_count_vm_events(struct mml_machine *machine,
					 enum mml_vm_event item, unsigned long n)
{
	__this_cpu_add(machine->vm_events->event[item], n);
}

static inline void mml_count_vm_event(struct mml_machine *machine,
				      enum mml_vm_event item)
{
	this_cpu_inc(machine->vm_events->event[item]);
}

static inline void mml_count_vm_events(struct mml_machine *machine,
				       enum mml_vm_event item, unsigned long n)
{
	this_cpu_add(machine->vm_events->event[item], n);
}

unsigned long mml_vm_event(struct mml_machine *machine, enum mml_vm_event item);

#endif /* _MML_VMSTAT_H */
