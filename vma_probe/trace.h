/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The address spaces' events, in system mm_lab. The kernel has no event for the
 * answer to a fault; this one's name is that of the function.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mm_lab

#if !defined(_MML_VMA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MML_VMA_TRACE_H

#include <linux/tracepoint.h>

#include "vma_probe/window.h"

/* So that user space can tell the numbers in the formats. */
TRACE_DEFINE_ENUM(MML_FAULT_DONE);
TRACE_DEFINE_ENUM(MML_FAULT_RETRY);
TRACE_DEFINE_ENUM(MML_FAULT_MAPERR);
TRACE_DEFINE_ENUM(MML_FAULT_ACCERR);
TRACE_DEFINE_ENUM(MML_FAULT_OOM);
TRACE_DEFINE_ENUM(MML_FAULT_DEAD);

#define MML_SHOW_FAULT_FLAGS(flags)					\
	__print_flags(flags, "|",					\
		      { MML_FAULT_WRITE, "write" },			\
		      { MML_FAULT_EXEC, "exec" },			\
		      { MML_FAULT_MAY_RETRY, "may_retry" })

#define MML_SHOW_FAULT_RESULT(result)					\
	__print_symbolic(result,					\
			 { MML_FAULT_DONE, "done" },			\
			 { MML_FAULT_RETRY, "retry" },			\
			 { MML_FAULT_MAPERR, "maperr" },		\
			 { MML_FAULT_ACCERR, "accerr" },		\
			 { MML_FAULT_OOM, "oom" },			\
			 { MML_FAULT_DEAD, "dead" })

TRACE_EVENT(mml_handle_mm_fault,
	TP_PROTO(struct mml_session *session, unsigned long address,
		 unsigned int flags, int result),
	TP_ARGS(session, address, flags, result),
	TP_STRUCT__entry(
		__field(unsigned long,	address)
		__field(unsigned int,	flags)
		__field(int,		result)
		__field(u32,		machine)
		__field(u32,		session)
	),
	TP_fast_assign(
		__entry->address	= address;
		__entry->flags		= flags;
		__entry->result		= result;
		__entry->machine	= session->machine->id;
		__entry->session	= session->id;
	),
	TP_printk("address=0x%lx flags=%s result=%s machine=%u session=%u",
		  __entry->address, MML_SHOW_FAULT_FLAGS(__entry->flags),
		  MML_SHOW_FAULT_RESULT(__entry->result), __entry->machine,
		  __entry->session)
);

#endif /* _MML_VMA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH vma_probe
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
