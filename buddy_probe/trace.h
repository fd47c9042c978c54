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

#include "mm_lab/machine.h"

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

#endif /* _MML_BUDDY_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH buddy_probe
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
