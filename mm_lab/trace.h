/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ground's events, in system mm_lab, with the names and the fields of the kernel's
 * own (include/trace/events/vmscan.h). Differences: a shrinker is told by its name, and
 * not by its address and that of its function; machine is added at the end.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mm_lab

#if !defined(_MML_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MML_TRACE_H

#include <linux/tracepoint.h>
#include <trace/events/mmflags.h>

#include "mm_lab/machine.h"
#include "mm_lab/shrinker.h"

TRACE_EVENT(mm_shrink_slab_start,
	TP_PROTO(struct mml_shrinker *shr, struct mml_shrink_control *sc,
		 long nr_objects_to_shrink, unsigned long cache_items,
		 unsigned long long delta, unsigned long total_scan, int priority),
	TP_ARGS(shr, sc, nr_objects_to_shrink, cache_items, delta, total_scan, priority),
	TP_STRUCT__entry(
		__string(shr,			shr->name)
		__field(int,			nid)
		__field(long,			nr_objects_to_shrink)
		__field(unsigned long,		gfp_flags)
		__field(unsigned long,		cache_items)
		__field(unsigned long long,	delta)
		__field(unsigned long,		total_scan)
		__field(int,			priority)
		__field(u32,			machine)
	),
	TP_fast_assign(
		__assign_str(shr);
		__entry->nid			= sc->nid;
		__entry->nr_objects_to_shrink	= nr_objects_to_shrink;
		__entry->gfp_flags		= (__force unsigned long)sc->gfp_mask;
		__entry->cache_items		= cache_items;
		__entry->delta			= delta;
		__entry->total_scan		= total_scan;
		__entry->priority		= priority;
		__entry->machine		= shr->machine->id;
	),
	TP_printk("%s: nid: %d objects to shrink %ld gfp_flags %s cache items %ld delta %lld total_scan %ld priority %d machine=%u",
		  __get_str(shr), __entry->nid, __entry->nr_objects_to_shrink,
		  show_gfp_flags(__entry->gfp_flags), __entry->cache_items,
		  __entry->delta, __entry->total_scan, __entry->priority,
		  __entry->machine)
);

TRACE_EVENT(mm_shrink_slab_end,
	TP_PROTO(struct mml_shrinker *shr, int nid, int shrinker_retval,
		 long unused_scan_cnt, long new_scan_cnt, long total_scan),
	TP_ARGS(shr, nid, shrinker_retval, unused_scan_cnt, new_scan_cnt, total_scan),
	TP_STRUCT__entry(
		__string(shr,		shr->name)
		__field(int,		nid)
		__field(long,		unused_scan)
		__field(long,		new_scan)
		__field(int,		retval)
		__field(long,		total_scan)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__assign_str(shr);
		__entry->nid		= nid;
		__entry->unused_scan	= unused_scan_cnt;
		__entry->new_scan	= new_scan_cnt;
		__entry->retval		= shrinker_retval;
		__entry->total_scan	= total_scan;
		__entry->machine	= shr->machine->id;
	),
	TP_printk("%s: nid: %d unused scan count %ld new scan count %ld total_scan %ld last shrinker return val %d machine=%u",
		  __get_str(shr), __entry->nid, __entry->unused_scan, __entry->new_scan,
		  __entry->total_scan, __entry->retval, __entry->machine)
);

#endif /* _MML_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH mm_lab
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
