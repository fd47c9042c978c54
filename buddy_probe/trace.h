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

#include "buddy_probe/internal.h"

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

TRACE_EVENT(mm_page_free_batched,
	TP_PROTO(struct mml_machine *machine, struct mml_page *page),
	TP_ARGS(machine, page),
	TP_STRUCT__entry(
		__field(unsigned long,	pfn)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->pfn		= page - machine->memmap;
		__entry->machine	= machine->id;
	),
	TP_printk("pfn=0x%lx order=0 machine=%u", __entry->pfn, __entry->machine)
);

TRACE_EVENT(mm_page_alloc_zone_locked,
	TP_PROTO(struct mml_machine *machine, struct mml_page *page,
		 unsigned int order, int migratetype, int percpu_refill),
	TP_ARGS(machine, page, order, migratetype, percpu_refill),
	TP_STRUCT__entry(
		__field(unsigned long,	pfn)
		__field(unsigned int,	order)
		__field(int,		migratetype)
		__field(int,		percpu_refill)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->pfn		= page - machine->memmap;
		__entry->order		= order;
		__entry->migratetype	= migratetype;
		__entry->percpu_refill	= percpu_refill;
		__entry->machine	= machine->id;
	),
	TP_printk("pfn=0x%lx order=%u migratetype=%d percpu_refill=%d machine=%u",
		  __entry->pfn, __entry->order, __entry->migratetype,
		  __entry->percpu_refill, __entry->machine)
);

TRACE_EVENT(mm_page_pcpu_drain,
	TP_PROTO(struct mml_machine *machine, struct mml_page *page,
		 unsigned int order, int migratetype),
	TP_ARGS(machine, page, order, migratetype),
	TP_STRUCT__entry(
		__field(unsigned long,	pfn)
		__field(unsigned int,	order)
		__field(int,		migratetype)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->pfn		= page - machine->memmap;
		__entry->order		= order;
		__entry->migratetype	= migratetype;
		__entry->machine	= machine->id;
	),
	TP_printk("pfn=0x%lx order=%d migratetype=%d machine=%u", __entry->pfn,
		  __entry->order, __entry->migratetype, __entry->machine)
);

TRACE_EVENT(mm_page_alloc_extfrag,
	TP_PROTO(struct mml_machine *machine, struct mml_page *page, int alloc_order,
		 int fallback_order, int alloc_migratetype, int fallback_migratetype,
		 bool claimed),
	TP_ARGS(machine, page, alloc_order, fallback_order, alloc_migratetype,
		fallback_migratetype, claimed),
	TP_STRUCT__entry(
		__field(unsigned long,	pfn)
		__field(int,		alloc_order)
		__field(int,		fallback_order)
		__field(int,		alloc_migratetype)
		__field(int,		fallback_migratetype)
		__field(int,		change_ownership)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->pfn			= page - machine->memmap;
		__entry->alloc_order		= alloc_order;
		__entry->fallback_order		= fallback_order;
		__entry->alloc_migratetype	= alloc_migratetype;
		__entry->fallback_migratetype	= fallback_migratetype;
		__entry->change_ownership	= claimed;
		__entry->machine		= machine->id;
	),
	TP_printk("pfn=0x%lx alloc_order=%d fallback_order=%d pageblock_order=%d alloc_migratetype=%d fallback_migratetype=%d fragmenting=%d change_ownership=%d machine=%u",
		  __entry->pfn, __entry->alloc_order, __entry->fallback_order,
		  MML_PAGEBLOCK_ORDER, __entry->alloc_migratetype,
		  __entry->fallback_migratetype,
		  __entry->fallback_order < MML_PAGEBLOCK_ORDER,
		  __entry->change_ownership, __entry->machine)
);

/*
 * What the allocator tried, and found. Fires with interrupts off, mostly under the
 * zone's lock.
 */

TRACE_DEFINE_ENUM(MML_TRY_PCP);
TRACE_DEFINE_ENUM(MML_TRY_REFILL);
TRACE_DEFINE_ENUM(MML_TRY_EMPTY);
TRACE_DEFINE_ENUM(MML_TRY_TAKE);
TRACE_DEFINE_ENUM(MML_TRY_SPLIT);
TRACE_DEFINE_ENUM(MML_TRY_CLAIM);
TRACE_DEFINE_ENUM(MML_TRY_NO_CLAIM);
TRACE_DEFINE_ENUM(MML_TRY_STEAL);
TRACE_DEFINE_ENUM(MML_TRY_WATERMARK);
TRACE_DEFINE_ENUM(MML_TRY_WAKE);
TRACE_DEFINE_ENUM(MML_TRY_RESERVE);
TRACE_DEFINE_ENUM(MML_TRY_UNRESERVE);
TRACE_DEFINE_ENUM(MML_TRY_DRAIN);
TRACE_DEFINE_ENUM(MML_TRY_RECLAIM);
TRACE_DEFINE_ENUM(MML_TRY_COMPACT);
TRACE_DEFINE_ENUM(MML_TRY_RETRY);
TRACE_DEFINE_ENUM(MML_TRY_OOM);
TRACE_DEFINE_ENUM(MML_TRY_WAIT);
TRACE_DEFINE_ENUM(MML_TRY_FAIL);
TRACE_DEFINE_ENUM(MML_TRY_INJECTED);
TRACE_DEFINE_ENUM(MML_TRY_KEEP);
TRACE_DEFINE_ENUM(MML_TRY_SPILL);
TRACE_DEFINE_ENUM(MML_TRY_MERGE);
TRACE_DEFINE_ENUM(MML_TRY_NO_BUDDY);
TRACE_DEFINE_ENUM(MML_TRY_BUDDY_USED);
TRACE_DEFINE_ENUM(MML_TRY_BUDDY_SPLIT);
TRACE_DEFINE_ENUM(MML_TRY_LARGEST);
TRACE_DEFINE_ENUM(MML_TRY_LIST);

#define MML_SHOW_TRY(step)						\
	__print_symbolic(step,						\
			 { MML_TRY_PCP, "pcp" },			\
			 { MML_TRY_REFILL, "refill" },			\
			 { MML_TRY_EMPTY, "empty" },			\
			 { MML_TRY_TAKE, "take" },			\
			 { MML_TRY_SPLIT, "split" },			\
			 { MML_TRY_CLAIM, "claim" },			\
			 { MML_TRY_NO_CLAIM, "no_claim" },		\
			 { MML_TRY_STEAL, "steal" },			\
			 { MML_TRY_WATERMARK, "watermark" },		\
			 { MML_TRY_WAKE, "wake" },			\
			 { MML_TRY_RESERVE, "reserve" },		\
			 { MML_TRY_UNRESERVE, "unreserve" },		\
			 { MML_TRY_DRAIN, "drain" },			\
			 { MML_TRY_RECLAIM, "reclaim" },		\
			 { MML_TRY_COMPACT, "compact" },		\
			 { MML_TRY_RETRY, "retry" },			\
			 { MML_TRY_OOM, "oom" },			\
			 { MML_TRY_WAIT, "wait" },			\
			 { MML_TRY_FAIL, "fail" },			\
			 { MML_TRY_INJECTED, "injected" },		\
			 { MML_TRY_KEEP, "keep" },			\
			 { MML_TRY_SPILL, "spill" },			\
			 { MML_TRY_MERGE, "merge" },			\
			 { MML_TRY_NO_BUDDY, "no_buddy" },		\
			 { MML_TRY_BUDDY_USED, "buddy_used" },		\
			 { MML_TRY_BUDDY_SPLIT, "buddy_split" },	\
			 { MML_TRY_LARGEST, "largest" },		\
			 { MML_TRY_LIST, "list" })

TRACE_EVENT(mml_alloc_decision,
	TP_PROTO(struct mml_machine *machine, unsigned int order,
		 enum mml_try step, unsigned int candidate,
		 const struct mml_page *page, unsigned long value),
	TP_ARGS(machine, order, step, candidate, page, value),
	TP_STRUCT__entry(
		__field(unsigned long,	pfn)
		__field(unsigned long,	value)
		__field(unsigned int,	order)
		__field(unsigned int,	step)
		__field(unsigned int,	candidate)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->pfn		= page ? page - machine->memmap : -1UL;
		__entry->value		= value;
		__entry->order		= order;
		__entry->step		= step;
		__entry->candidate	= candidate;
		__entry->machine	= machine->id;
	),
	TP_printk("order=%u step=%s candidate=%u pfn=%ld value=%lu machine=%u",
		  __entry->order, MML_SHOW_TRY(__entry->step), __entry->candidate,
		  __entry->pfn, __entry->value, __entry->machine)
);

#endif /* _MML_BUDDY_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH buddy_probe
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
