/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page allocator's events, in system mm_lab, with the names and the fields of
 * the kernel's own (include/trace/events/kmem.h): a script for kmem: runs here after
 * changing the prefix. Differences: pfn is the lab's frame number; machine is added
 * at the end; no pointer is printed.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mm_lab

#if !defined(_MML_BUDDY_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MML_BUDDY_TRACE_H

#include <linux/tracepoint.h>
#include <trace/events/mmflags.h>

#include "buddy_probe/zone.h"

TRACE_EVENT(mm_page_alloc,
	TP_PROTO(struct mml_machine *machine, struct mml_page *page,
		 unsigned int order, gfp_t gfp_flags, int migratetype),
	TP_ARGS(machine, page, order, gfp_flags, migratetype),
	TP_STRUCT__entry(
		__field(unsigned long,	pfn)
		__field(unsigned int,	order)
		__field(unsigned long,	gfp_flags)
		__field(int,		migratetype)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->pfn		= page ? page - machine->memmap : -1UL;
		__entry->order		= order;
		__entry->gfp_flags	= (__force unsigned long)gfp_flags;
		__entry->migratetype	= migratetype;
		__entry->machine	= machine->id;
	),
	TP_printk("pfn=0x%lx order=%d migratetype=%d gfp_flags=%s machine=%u",
		  __entry->pfn, __entry->order, __entry->migratetype,
		  show_gfp_flags(__entry->gfp_flags), __entry->machine)
);

TRACE_EVENT(mm_page_free,
	TP_PROTO(struct mml_machine *machine, struct mml_page *page,
		 unsigned int order),
	TP_ARGS(machine, page, order),
	TP_STRUCT__entry(
		__field(unsigned long,	pfn)
		__field(unsigned int,	order)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->pfn		= page - machine->memmap;
		__entry->order		= order;
		__entry->machine	= machine->id;
	),
	TP_printk("pfn=0x%lx order=%d machine=%u", __entry->pfn, __entry->order,
		  __entry->machine)
);

/*
 * What the allocator tried, and found. Fires under the zone's lock, while machine->slow
 * says so: the first to enable the event sees to that.
 */

TRACE_DEFINE_ENUM(MML_TRY_EMPTY);
TRACE_DEFINE_ENUM(MML_TRY_TAKE);
TRACE_DEFINE_ENUM(MML_TRY_SPLIT);
TRACE_DEFINE_ENUM(MML_TRY_FAIL);
TRACE_DEFINE_ENUM(MML_TRY_INJECTED);
TRACE_DEFINE_ENUM(MML_TRY_MERGE);
TRACE_DEFINE_ENUM(MML_TRY_NO_BUDDY);
TRACE_DEFINE_ENUM(MML_TRY_BUDDY_USED);
TRACE_DEFINE_ENUM(MML_TRY_BUDDY_SPLIT);
TRACE_DEFINE_ENUM(MML_TRY_LARGEST);
TRACE_DEFINE_ENUM(MML_TRY_LIST);

#define MML_SHOW_TRY(step)						\
	__print_symbolic(step,						\
			 { MML_TRY_EMPTY, "empty" },			\
			 { MML_TRY_TAKE, "take" },			\
			 { MML_TRY_SPLIT, "split" },			\
			 { MML_TRY_FAIL, "fail" },			\
			 { MML_TRY_INJECTED, "injected" },		\
			 { MML_TRY_MERGE, "merge" },			\
			 { MML_TRY_NO_BUDDY, "no_buddy" },		\
			 { MML_TRY_BUDDY_USED, "buddy_used" },		\
			 { MML_TRY_BUDDY_SPLIT, "buddy_split" },	\
			 { MML_TRY_LARGEST, "largest" },		\
			 { MML_TRY_LIST, "list" })

TRACE_EVENT_FN(mml_alloc_decision,
	TP_PROTO(struct mml_machine *machine, unsigned int order,
		 enum mml_try step, unsigned int candidate, unsigned long pfn,
		 unsigned long value),
	TP_ARGS(machine, order, step, candidate, pfn, value),
	TP_STRUCT__entry(
		__field(unsigned long,	pfn)
		__field(unsigned long,	value)
		__field(unsigned int,	order)
		__field(unsigned int,	step)
		__field(unsigned int,	candidate)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->pfn		= pfn;
		__entry->value		= value;
		__entry->order		= order;
		__entry->step		= step;
		__entry->candidate	= candidate;
		__entry->machine	= machine->id;
	),
	TP_printk("order=%u step=%s candidate=%u pfn=%ld value=%lu machine=%u",
		  __entry->order, MML_SHOW_TRY(__entry->step), __entry->candidate,
		  __entry->pfn, __entry->value, __entry->machine),
	mml_decisions_tell, mml_decisions_hush
);

#endif /* _MML_BUDDY_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH buddy_probe
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
