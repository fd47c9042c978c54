/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The address spaces' events, in system mm_lab: calls, faults, flushes. The kernel has no event
 * for the answer to a fault; this one's name is that of the function. Of a call it has sys_exit_*,
 * of a flush tlb:tlb_flush.
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
TRACE_DEFINE_ENUM(MML_FAULT_SIGBUS);
TRACE_DEFINE_ENUM(MML_FAULT_DEAD);
TRACE_DEFINE_ENUM(MML_PATH_NONE);
TRACE_DEFINE_ENUM(MML_PATH_SPURIOUS);
TRACE_DEFINE_ENUM(MML_PATH_ZERO);
TRACE_DEFINE_ENUM(MML_PATH_FRAME);
TRACE_DEFINE_ENUM(MML_PATH_AROUND);
TRACE_DEFINE_ENUM(MML_PATH_REUSE);
TRACE_DEFINE_ENUM(MML_PATH_COPY);
TRACE_DEFINE_ENUM(MML_PATH_SHARED);

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
			 { MML_FAULT_SIGBUS, "sigbus" },		\
			 { MML_FAULT_DEAD, "dead" })

#define MML_SHOW_FAULT_PATH(path)					\
	__print_symbolic(path,						\
			 { MML_PATH_NONE, "none" },			\
			 { MML_PATH_SPURIOUS, "spurious" },		\
			 { MML_PATH_ZERO, "zero" },			\
			 { MML_PATH_FRAME, "frame" },			\
			 { MML_PATH_AROUND, "around" },			\
			 { MML_PATH_REUSE, "reuse" },			\
			 { MML_PATH_COPY, "copy" },			\
			 { MML_PATH_SHARED, "shared" })

/* What is unused of the arguments is 0. */
DECLARE_EVENT_CLASS(mml_memory_call,
	TP_PROTO(struct mml_session *session, unsigned long address, unsigned long length,
		 unsigned int prot, unsigned int flags, int ret),
	TP_ARGS(session, address, length, prot, flags, ret),
	TP_STRUCT__entry(
		__field(unsigned long,	address)
		__field(unsigned long,	length)
		__field(unsigned int,	prot)
		__field(unsigned int,	flags)
		__field(int,		ret)
		__field(u32,		machine)
		__field(u32,		session)
	),
	TP_fast_assign(
		__entry->address	= address;
		__entry->length		= length;
		__entry->prot		= prot;
		__entry->flags		= flags;
		__entry->ret		= ret;
		__entry->machine	= session->machine->id;
		__entry->session	= session->id;
	),
	TP_printk("address=0x%lx length=%lu prot=%u flags=0x%x ret=%d machine=%u session=%u",
		  __entry->address, __entry->length, __entry->prot, __entry->flags,
		  __entry->ret, __entry->machine, __entry->session)
);

DEFINE_EVENT(mml_memory_call, mml_mmap,
	TP_PROTO(struct mml_session *session, unsigned long address, unsigned long length,
		 unsigned int prot, unsigned int flags, int ret),
	TP_ARGS(session, address, length, prot, flags, ret)
);

DEFINE_EVENT(mml_memory_call, mml_munmap,
	TP_PROTO(struct mml_session *session, unsigned long address, unsigned long length,
		 unsigned int prot, unsigned int flags, int ret),
	TP_ARGS(session, address, length, prot, flags, ret)
);

TRACE_EVENT(mml_tlb_flush,
	TP_PROTO(struct mml_session *session, unsigned long start, unsigned long end),
	TP_ARGS(session, start, end),
	TP_STRUCT__entry(
		__field(unsigned long,	start)
		__field(unsigned long,	end)
		__field(u32,		machine)
		__field(u32,		session)
	),
	TP_fast_assign(
		__entry->start		= start;
		__entry->end		= end;
		__entry->machine	= session->machine->id;
		__entry->session	= session->id;
	),
	TP_printk("start=0x%lx end=0x%lx machine=%u session=%u", __entry->start, __entry->end,
		  __entry->machine, __entry->session)
);

TRACE_EVENT(mml_handle_mm_fault_enter,
	TP_PROTO(struct mml_session *session, unsigned long address, unsigned int flags),
	TP_ARGS(session, address, flags),
	TP_STRUCT__entry(
		__field(unsigned long,	address)
		__field(unsigned int,	flags)
		__field(u32,		machine)
		__field(u32,		session)
	),
	TP_fast_assign(
		__entry->address	= address;
		__entry->flags		= flags;
		__entry->machine	= session->machine->id;
		__entry->session	= session->id;
	),
	TP_printk("address=0x%lx flags=%s machine=%u session=%u", __entry->address,
		  MML_SHOW_FAULT_FLAGS(__entry->flags), __entry->machine, __entry->session)
);

TRACE_EVENT(mml_handle_mm_fault,
	TP_PROTO(struct mml_session *session, const struct mml_fault *fault, int result, u64 ns),
	TP_ARGS(session, fault, result, ns),
	TP_STRUCT__entry(
		__field(unsigned long,	address)
		__field(unsigned int,	flags)
		__field(int,		result)
		__field(u32,		machine)
		__field(u32,		session)
		__field(unsigned int,	path)
		__field(u64,		ns)
	),
	TP_fast_assign(
		__entry->address	= fault->address;
		__entry->flags		= fault->flags & ~MML_FAULT_TOLD;
		__entry->result		= result;
		__entry->machine	= session->machine->id;
		__entry->session	= session->id;
		__entry->path		= fault->path;
		__entry->ns		= ns;
	),
	TP_printk("address=0x%lx flags=%s result=%s machine=%u session=%u path=%s ns=%llu",
		  __entry->address, MML_SHOW_FAULT_FLAGS(__entry->flags),
		  MML_SHOW_FAULT_RESULT(__entry->result), __entry->machine,
		  __entry->session, MML_SHOW_FAULT_PATH(__entry->path), __entry->ns)
);

#endif /* _MML_VMA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH vma_probe
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
