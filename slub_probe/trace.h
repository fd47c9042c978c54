/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The events of object caches, in system mm_lab, with the names and the fields of the
 * kernel's own (include/trace/events/kmem.h): a script for kmem: runs here after changing
 * the prefix. Differences: ptr is an address of the machine's, its first frame at 0; nothing is
 * accounted; machine is added at the end.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mm_lab

#if !defined(_MML_SLUB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MML_SLUB_TRACE_H

#include <linux/tracepoint.h>
#include <trace/events/mmflags.h>

#include "slub_probe/slab.h"

TRACE_EVENT(kmem_cache_alloc,
	TP_PROTO(unsigned long call_site, const void *ptr, struct mml_kmem_cache *s,
		 gfp_t gfp_flags, int node),
	TP_ARGS(call_site, ptr, s, gfp_flags, node),
	TP_STRUCT__entry(
		__field(unsigned long,	call_site)
		__field(unsigned long,	ptr)
		__field(size_t,		bytes_req)
		__field(size_t,		bytes_alloc)
		__field(unsigned long,	gfp_flags)
		__field(int,		node)
		__field(bool,		accounted)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->call_site	= call_site;
		__entry->ptr		= mml_lab_address(s->machine, ptr);
		__entry->bytes_req	= s->object_size;
		__entry->bytes_alloc	= s->size;
		__entry->gfp_flags	= (__force unsigned long)gfp_flags;
		__entry->node		= node;
		__entry->accounted	= false;
		__entry->machine	= s->machine->id;
	),
	TP_printk("call_site=%pS ptr=0x%lx bytes_req=%zu bytes_alloc=%zu gfp_flags=%s node=%d accounted=%s machine=%u",
		  (void *)__entry->call_site, __entry->ptr, __entry->bytes_req,
		  __entry->bytes_alloc, show_gfp_flags(__entry->gfp_flags), __entry->node,
		  __entry->accounted ? "true" : "false", __entry->machine)
);

TRACE_EVENT(kmalloc,
	TP_PROTO(unsigned long call_site, const void *ptr, struct mml_machine *machine,
		 size_t bytes_req, size_t bytes_alloc, gfp_t gfp_flags, int node),
	TP_ARGS(call_site, ptr, machine, bytes_req, bytes_alloc, gfp_flags, node),
	TP_STRUCT__entry(
		__field(unsigned long,	call_site)
		__field(unsigned long,	ptr)
		__field(size_t,		bytes_req)
		__field(size_t,		bytes_alloc)
		__field(unsigned long,	gfp_flags)
		__field(int,		node)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->call_site	= call_site;
		__entry->ptr		= mml_lab_address(machine, ptr);
		__entry->bytes_req	= bytes_req;
		__entry->bytes_alloc	= bytes_alloc;
		__entry->gfp_flags	= (__force unsigned long)gfp_flags;
		__entry->node		= node;
		__entry->machine	= machine->id;
	),
	TP_printk("call_site=%pS ptr=0x%lx bytes_req=%zu bytes_alloc=%zu gfp_flags=%s node=%d accounted=%s machine=%u",
		  (void *)__entry->call_site, __entry->ptr, __entry->bytes_req,
		  __entry->bytes_alloc, show_gfp_flags(__entry->gfp_flags), __entry->node,
		  "false", __entry->machine)
);

TRACE_EVENT(kfree,
	TP_PROTO(unsigned long call_site, const void *ptr, struct mml_machine *machine),
	TP_ARGS(call_site, ptr, machine),
	TP_STRUCT__entry(
		__field(unsigned long,	call_site)
		__field(unsigned long,	ptr)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->call_site	= call_site;
		__entry->ptr		= mml_lab_address(machine, ptr);
		__entry->machine	= machine->id;
	),
	TP_printk("call_site=%pS ptr=0x%lx machine=%u", (void *)__entry->call_site,
		  __entry->ptr, __entry->machine)
);

TRACE_EVENT(kmem_cache_free,
	TP_PROTO(unsigned long call_site, const void *ptr, const struct mml_kmem_cache *s),
	TP_ARGS(call_site, ptr, s),
	TP_STRUCT__entry(
		__field(unsigned long,	call_site)
		__field(unsigned long,	ptr)
		__string(name,		s->name)
		__field(u32,		machine)
	),
	TP_fast_assign(
		__entry->call_site	= call_site;
		__entry->ptr		= mml_lab_address(s->machine, ptr);
		__assign_str(name);
		__entry->machine	= s->machine->id;
	),
	TP_printk("call_site=%pS ptr=0x%lx name=%s machine=%u", (void *)__entry->call_site,
		  __entry->ptr, __get_str(name), __entry->machine)
);

#endif /* _MML_SLUB_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH slub_probe
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
