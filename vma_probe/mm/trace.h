/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is tried to answer a fault, as events in system mm_lab. mml_fault_decision fires while
 * machine->slow says so: the first to enable the event sees to that. mml_cow fires when a page
 * got a copy. The kernel has nothing like them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mm_lab

#if !defined(_MML_MM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MML_MM_TRACE_H

#include <linux/tracepoint.h>

#include "vma_probe/mm/internal.h"

TRACE_DEFINE_ENUM(MML_FAULT_TRY_VMA);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_NO_VMA);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_REFUSED);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_TABLE);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_TABLE_RACE);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_NO_TABLE);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_FRAME);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_AROUND);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_NO_FRAME);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_ZERO);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_PRESENT);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_REUSE);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_COPY);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_SHARED);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_OVERTAKEN);
TRACE_DEFINE_ENUM(MML_FAULT_TRY_MAP);

#define MML_SHOW_FAULT_TRY(step)					\
	__print_symbolic(step,						\
			 { MML_FAULT_TRY_VMA, "vma" },			\
			 { MML_FAULT_TRY_NO_VMA, "no_vma" },		\
			 { MML_FAULT_TRY_REFUSED, "refused" },		\
			 { MML_FAULT_TRY_TABLE, "table" },		\
			 { MML_FAULT_TRY_TABLE_RACE, "table_race" },	\
			 { MML_FAULT_TRY_NO_TABLE, "no_table" },	\
			 { MML_FAULT_TRY_FRAME, "frame" },		\
			 { MML_FAULT_TRY_AROUND, "around" },		\
			 { MML_FAULT_TRY_NO_FRAME, "no_frame" },	\
			 { MML_FAULT_TRY_ZERO, "zero" },		\
			 { MML_FAULT_TRY_PRESENT, "present" },		\
			 { MML_FAULT_TRY_REUSE, "reuse" },		\
			 { MML_FAULT_TRY_COPY, "copy" },		\
			 { MML_FAULT_TRY_SHARED, "shared" },		\
			 { MML_FAULT_TRY_OVERTAKEN, "overtaken" },	\
			 { MML_FAULT_TRY_MAP, "map" })

TRACE_EVENT(mml_cow,
	TP_PROTO(struct mml_mm *mm, unsigned long address, mml_pfn_t old, mml_pfn_t new),
	TP_ARGS(mm, address, old, new),
	TP_STRUCT__entry(
		__field(unsigned long,	address)
		__field(unsigned long,	old_pfn)
		__field(unsigned long,	new_pfn)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->address	= address;
		__entry->old_pfn	= old.val;
		__entry->new_pfn	= new.val;
		__entry->machine	= mm->machine->id;
	),
	TP_printk("address=0x%lx old_pfn=0x%lx new_pfn=0x%lx machine=%u", __entry->address,
		  __entry->old_pfn, __entry->new_pfn, __entry->machine)
);

TRACE_EVENT_FN(mml_fault_decision,
	TP_PROTO(struct mml_mm *mm, unsigned long address, enum mml_fault_try step,
		 unsigned int arg, unsigned long value),
	TP_ARGS(mm, address, step, arg, value),
	TP_STRUCT__entry(
		__field(unsigned long,	address)
		__field(unsigned long,	value)
		__field(unsigned int,	step)
		__field(unsigned int,	arg)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->address	= address;
		__entry->value		= value;
		__entry->step		= step;
		__entry->arg		= arg;
		__entry->machine	= mm->machine->id;
	),
	TP_printk("address=0x%lx step=%s arg=%u value=0x%lx machine=%u",
		  __entry->address, MML_SHOW_FAULT_TRY(__entry->step), __entry->arg,
		  __entry->value, __entry->machine),
	mml_decisions_tell, mml_decisions_hush
);

#endif /* _MML_MM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH vma_probe/mm
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
