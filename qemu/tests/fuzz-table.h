/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands of /dev/mm_lab, as the fuzzer knows them: one entry a command, one line
 * a field of its struct.
 *
 * A new command in mm_lab/uapi/mm_lab.h wants a new entry here; fuzz.sh compares the
 * two, and the program refuses a struct of which a byte belongs to no field, so that
 * neither is forgotten. An entry says
 *
 *	COMMAND(name)	the name, without MML_IOC_, and with it number and size
 *	.files		the kinds of file that take it
 *	.weight		how often it is called, in relation to the others
 *	.errnos		what it may fail with, beyond what any command may (see
 *			any_errnos in fuzz.c)
 *	.field		FIELD(struct, member, kind[, low, high]) for each; the kinds are
 *			explained below. What is valid may still fail, for want of
 *			memory or because somebody was faster
 *
 * Nothing else is to be done: what a command makes (files, numbers, handles) is
 * remembered and used by others because its field is of a kind NEW_*.
 */
#ifndef _FUZZ_TABLE_H
#define _FUZZ_TABLE_H

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "lab.h"

/* Kinds of file. */
#define FILE_CONTROL	(1U << 0)
#define FILE_MACHINE	(1U << 1)
#define FILE_JOB	(1U << 2)
#define FILE_SESSION	(1U << 3)
#define FILE_ANY	(FILE_CONTROL | FILE_MACHINE | FILE_JOB | FILE_SESSION)

/* What a field holds when it is valid; low and high are 0 where nothing is said. */
enum kind {
	NO_FIELD,		/* ends the list */
	OUT,			/* the kernel's: anything may be in it before */
	PAD,			/* 0 */
	ANYTHING,
	NUMBER,			/* low to high */
	ORDER,			/* 0 to high, small ones more often */
	BITS,			/* the bits of low, and any of those of high */
	CACHE_FLAGS,		/* any bits of high, now and then of low, too */
	PROTECTION,		/* of a mapping */
	ADVICE,			/* of madvise */
	MACHINE,		/* the number of one; now and then low, if it is not 0 */
	OWN_MACHINE,		/* the same, but 0 on any but a control file */
	JOB,			/* the number of one, or 0 */
	HANDLE,			/* of a block */
	CACHE,			/* of a cache */
	BYTES,			/* of a machine: low to high frames */
	DISTANCES,		/* from node to node, or nothing */
	SLAB_DEBUG,		/* a text that says which caches are debugged, or nothing */
	LIMIT,			/* of a session */
	NAME,
	ADDRESS,		/* in the window; remembered if the call works */
	LENGTH,			/* of a mapping: to high pages, or now and then more */
	NEW_FILE,		/* a descriptor of the kind low; see also OUT */
	NEW_MACHINE,
	NEW_JOB,
	NEW_HANDLE,
	NEW_CACHE,
};

struct field {
	const char *name;
	unsigned int offset, size;
	enum kind kind;
	uint64_t low, high;
};

#define MOST_FIELDS	19
#define MOST_ERRNOS	8

struct command {
	const char *name;
	unsigned long number;
	unsigned int files, weight;
	int errnos[MOST_ERRNOS];
	struct field field[MOST_FIELDS];
};

#define COMMAND(_name)	.name = "MML_IOC_" #_name, .number = MML_IOC_##_name
#define FIELD(_struct, _member, ...) {					\
	.name = #_member, .offset = offsetof(struct _struct, _member),	\
	.size = sizeof(((struct _struct *)NULL)->_member), .kind = __VA_ARGS__ }

static const struct command commands[] = {
	{
		COMMAND(GET_INFO), .files = FILE_ANY, .weight = 60,
		.field = {
			FIELD(mml_info, machine, MACHINE),
			FIELD(mml_info, flags, BITS, 0, MML_INFO_NEXT),
			FIELD(mml_info, page_size, OUT),
			FIELD(mml_info, backend, OUT),
			FIELD(mml_info, state, OUT),
			FIELD(mml_info, holders, OUT),
			FIELD(mml_info, frames, OUT),
			FIELD(mml_info, free_frames, OUT),
			FIELD(mml_info, seed, OUT),
			FIELD(mml_info, reports, OUT),
			FIELD(mml_info, engines, OUT),
			FIELD(mml_info, pad, PAD),
			FIELD(mml_info, name, OUT),
			FIELD(mml_info, backend_name, OUT),
			FIELD(mml_info, region, OUT),
			FIELD(mml_info, spanned, OUT),
		},
	},
	{
		COMMAND(MACHINE_CREATE), .files = FILE_CONTROL, .weight = 5,
		.errnos = { EPERM, EEXIST, ENOMEM, EMFILE },
		.field = {
			FIELD(mml_machine_create, bytes, BYTES, 64, 2100),
			FIELD(mml_machine_create, backend, NUMBER, MML_BACKEND_AUTO,
			      MML_BACKEND_MEMMAP),
			FIELD(mml_machine_create, flags, BITS, 0,
			      MML_MACHINE_KEEP | MML_MACHINE_NO_PCP | MML_MACHINE_NO_GROUPING |
			      MML_MACHINE_NO_WATERMARKS | MML_MACHINE_PAGE_OWNER |
			      MML_MACHINE_PAGE_POISON | MML_MACHINE_INIT_ON_FREE),
			FIELD(mml_machine_create, seed, ANYTHING),
			FIELD(mml_machine_create, name, NAME),
			FIELD(mml_machine_create, fd, NEW_FILE, FILE_MACHINE),
			FIELD(mml_machine_create, machine, NEW_MACHINE),
			FIELD(mml_machine_create, nodes, NUMBER, 0, 2),
			FIELD(mml_machine_create, pad, PAD),
			FIELD(mml_machine_create, movable, BYTES, 0, 1024),
			FIELD(mml_machine_create, distance, DISTANCES),
			FIELD(mml_machine_create, slab_debug, SLAB_DEBUG),
		},
	},
	{
		COMMAND(MACHINE_DESTROY), .files = FILE_CONTROL | FILE_MACHINE, .weight = 8,
		.errnos = { EPERM, EBUSY },
		.field = {
			FIELD(mml_machine_destroy, machine, OWN_MACHINE),
			FIELD(mml_machine_destroy, pad, PAD),
		},
	},
	{
		COMMAND(MACHINE_VERDICT), .files = FILE_MACHINE, .weight = 12,
		.errnos = { EBUSY },
		.field = {
			FIELD(mml_machine_verdict, frames, OUT),
			FIELD(mml_machine_verdict, frames_lost, OUT),
			FIELD(mml_machine_verdict, violations, OUT),
			FIELD(mml_machine_verdict, checks, OUT),
		},
	},
	{
		COMMAND(VALIDATE), .files = FILE_ANY, .weight = 1,
		.field = {
			FIELD(mml_validate, machine, MACHINE, MML_VALIDATE_ALL),
			FIELD(mml_validate, pad, PAD),
			FIELD(mml_validate, violations, OUT),
			FIELD(mml_validate, checks, OUT),
		},
	},
	{
		COMMAND(EXPLAIN), .files = FILE_ANY, .weight = 20,
		.field = {
			FIELD(mml_explain, machine, MACHINE),
			FIELD(mml_explain, kind, NUMBER, 0, MML_NR_EXPLAIN_KINDS - 1),
			FIELD(mml_explain, flags, BITS, 0, 0),
			FIELD(mml_explain, why, OUT),
			FIELD(mml_explain, failures, OUT),
			FIELD(mml_explain, age_ns, OUT),
			FIELD(mml_explain, pid, OUT),
			FIELD(mml_explain, session, OUT),
			FIELD(mml_explain, order, OUT),
			FIELD(mml_explain, access, OUT),
			FIELD(mml_explain, address, OUT),
			FIELD(mml_explain, cause, OUT),
			FIELD(mml_explain, nr_steps, OUT),
			FIELD(mml_explain, lost, OUT),
			FIELD(mml_explain, pad, PAD),
			FIELD(mml_explain, comm, OUT),
			FIELD(mml_explain, gfp, OUT),
			FIELD(mml_explain, step, OUT),
		},
	},
	{
		COMMAND(JOB_CREATE), .files = FILE_CONTROL, .weight = 6,
		.errnos = { ENOMEM, EMFILE },
		.field = {
			FIELD(mml_job_create, machine, MACHINE),
			FIELD(mml_job_create, fd, NEW_FILE, FILE_JOB),
			FIELD(mml_job_create, job, NEW_JOB),
			FIELD(mml_job_create, pad, PAD),
		},
	},
	{
		COMMAND(JOB_STAT), .files = FILE_JOB, .weight = 40,
		.field = {
			FIELD(mml_job_stat, calls, OUT),
			FIELD(mml_job_stat, faults, OUT),
			FIELD(mml_job_stat, frames, OUT),
			FIELD(mml_job_stat, peak_frames, OUT),
			FIELD(mml_job_stat, forks, OUT),
			FIELD(mml_job_stat, fallbacks, OUT),
			FIELD(mml_job_stat, oom_kills, OUT),
			FIELD(mml_job_stat, sessions, OUT),
			FIELD(mml_job_stat, sessions_total, OUT),
			FIELD(mml_job_stat, rss_anon_kib, OUT),
		},
	},
	{
		COMMAND(SESSION_OPEN), .files = FILE_CONTROL, .weight = 8,
		.errnos = { ESRCH, ENOMEM, EMFILE },
		.field = {
			FIELD(mml_session_open, machine, MACHINE),
			FIELD(mml_session_open, job, JOB),
			FIELD(mml_session_open, limit, LIMIT),
			FIELD(mml_session_open, fd, NEW_FILE, FILE_SESSION),
			FIELD(mml_session_open, session, OUT),
		},
	},
	{
		COMMAND(SESSION_NOTE), .files = FILE_SESSION, .weight = 60,
		.field = {
			FIELD(mml_session_note, fallbacks, ANYTHING),
			FIELD(mml_session_note, rss_anon_kib, ANYTHING),
		},
	},
	{
		COMMAND(FAIL_NTH), .files = FILE_CONTROL | FILE_SESSION, .weight = 10,
		.errnos = { EPERM, ENOSPC },
		.field = {
			FIELD(mml_fail_nth, nth, NUMBER, 0, 500),
			FIELD(mml_fail_nth, seen, OUT),
			FIELD(mml_fail_nth, machine, OWN_MACHINE, MML_FAIL_NTH_ANY),
			FIELD(mml_fail_nth, fired, OUT),
			FIELD(mml_fail_nth, site, OUT),
			FIELD(mml_fail_nth, pad, PAD),
		},
	},
	{
		COMMAND(BLOCK_ALLOC), .files = FILE_SESSION, .weight = 110,
		.errnos = { ENOMEM, EDQUOT, EPERM },
		.field = {
			FIELD(mml_block_alloc, order, ORDER, 0, 10),
			FIELD(mml_block_alloc, flags, BITS, 0,
			      MML_BLOCK_ZERO | MML_BLOCK_MOVABLE | MML_BLOCK_HIGHMEM |
			      MML_BLOCK_HIGH | MML_BLOCK_NOWAIT | MML_BLOCK_NORETRY |
			      MML_BLOCK_THISNODE),
			FIELD(mml_block_alloc, handle, NEW_HANDLE),
			FIELD(mml_block_alloc, node, NUMBER, 0, 2),
			FIELD(mml_block_alloc, pfn, OUT),
		},
	},
	{
		COMMAND(BLOCK_FREE), .files = FILE_SESSION, .weight = 110,
		.errnos = { EBADF },
		.field = {
			FIELD(mml_block_free, handle, HANDLE),
			FIELD(mml_block_free, pad, PAD),
		},
	},
	{
		COMMAND(CACHE_CREATE), .files = FILE_SESSION, .weight = 30,
		.errnos = { ENOMEM, ENOSPC, EOPNOTSUPP },
		.field = {
			FIELD(mml_cache_create, name, NAME),
			FIELD(mml_cache_create, object_size, NUMBER, 1, 20000),
			FIELD(mml_cache_create, align, NUMBER, 0, 4),
			FIELD(mml_cache_create, flags, CACHE_FLAGS,
			      MML_CACHE_CHECKS | MML_CACHE_RED_ZONE | MML_CACHE_POISON |
			      MML_CACHE_STORE_USER,
			      MML_CACHE_HWCACHE_ALIGN | MML_CACHE_RECLAIM | MML_CACHE_DMA |
			      MML_CACHE_TYPESAFE | MML_CACHE_NO_MERGE | MML_CACHE_KMALLOC |
			      MML_CACHE_SHUFFLE),
			FIELD(mml_cache_create, path, NUMBER, MML_CACHE_SHEAVES,
			      MML_CACHE_CPU_SLABS),
			FIELD(mml_cache_create, sheaf_capacity, NUMBER, 0, 40),
			FIELD(mml_cache_create, cache, NEW_CACHE),
		},
	},
	{
		COMMAND(CACHE_DESTROY), .files = FILE_SESSION, .weight = 20,
		.errnos = { EBADF, EBUSY },
		.field = {
			FIELD(mml_cache_destroy, cache, CACHE),
			FIELD(mml_cache_destroy, pad, PAD),
		},
	},
	{
		COMMAND(CACHE_ALLOC), .files = FILE_SESSION, .weight = 90,
		.errnos = { EBADF, ENOMEM, EDQUOT, EINTR },
		.field = {
			FIELD(mml_cache_alloc, cache, CACHE),
			FIELD(mml_cache_alloc, flags, BITS, 0, MML_CACHE_ZERO | MML_CACHE_NOWAIT),
			FIELD(mml_cache_alloc, count, NUMBER, 1, 120),
			FIELD(mml_cache_alloc, node, NUMBER, 0, 2),
		},
	},
	{
		COMMAND(CACHE_FREE), .files = FILE_SESSION, .weight = 90,
		.errnos = { EBADF },
		.field = {
			FIELD(mml_cache_free, seed, ANYTHING),
			FIELD(mml_cache_free, cache, CACHE),
			FIELD(mml_cache_free, flags, BITS, 0, MML_CACHE_RANDOM),
			FIELD(mml_cache_free, count, NUMBER, 1, 120),
			FIELD(mml_cache_free, pad, PAD),
		},
	},
	{
		COMMAND(CACHE_SHRINK), .files = FILE_SESSION, .weight = 10,
		.errnos = { EBADF },
		.field = {
			FIELD(mml_cache_shrink, slabs, OUT),
			FIELD(mml_cache_shrink, cache, CACHE),
			FIELD(mml_cache_shrink, pad, PAD),
		},
	},
	{
		COMMAND(CACHE_VALIDATE), .files = FILE_SESSION, .weight = 10,
		.errnos = { EBADF },
		.field = {
			FIELD(mml_cache_validate, cache, CACHE),
			FIELD(mml_cache_validate, pad, PAD),
			FIELD(mml_cache_validate, wrong, OUT),
		},
	},
	{
		COMMAND(MMAP), .files = FILE_SESSION, .weight = 160,
		.errnos = { ENOMEM, EEXIST, EOPNOTSUPP, EINTR, EBADF, EAGAIN, EPERM },
		.field = {
			FIELD(mml_mmap_args, addr, ADDRESS),
			FIELD(mml_mmap_args, length, LENGTH, 0, 64),
			FIELD(mml_mmap_args, prot, PROTECTION),
			FIELD(mml_mmap_args, flags, BITS, MAP_ANONYMOUS,
			      MAP_PRIVATE | MAP_SHARED | MAP_FIXED | MAP_FIXED_NOREPLACE |
			      MAP_NORESERVE | MAP_LOCKED | MAP_GROWSDOWN),
		},
	},
	{
		COMMAND(MUNMAP), .files = FILE_SESSION, .weight = 90,
		.errnos = { ENOMEM, EINTR },
		.field = {
			FIELD(mml_munmap_args, addr, ADDRESS),
			FIELD(mml_munmap_args, length, LENGTH, 0, 12),
		},
	},
	{
		COMMAND(MPROTECT), .files = FILE_SESSION, .weight = 110,
		.errnos = { ENOMEM, EINTR },
		.field = {
			FIELD(mml_mprotect_args, addr, ADDRESS),
			FIELD(mml_mprotect_args, length, LENGTH, 0, 12),
			FIELD(mml_mprotect_args, prot, PROTECTION),
			FIELD(mml_mprotect_args, pad, PAD),
		},
	},
	{
		COMMAND(MREMAP), .files = FILE_SESSION, .weight = 90,
		.errnos = { ENOMEM, EINTR, EAGAIN },
		.field = {
			FIELD(mml_mremap_args, addr, ADDRESS),
			FIELD(mml_mremap_args, old_length, LENGTH, 0, 12),
			FIELD(mml_mremap_args, new_length, LENGTH, 0, 12),
			FIELD(mml_mremap_args, flags, BITS, 0,
			      MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP),
			FIELD(mml_mremap_args, pad, PAD),
			FIELD(mml_mremap_args, new_addr, ADDRESS),
		},
	},
	{
		COMMAND(MADVISE), .files = FILE_SESSION, .weight = 100,
		.errnos = { ENOMEM, EINTR, EAGAIN, EFAULT },
		.field = {
			FIELD(mml_madvise_args, addr, ADDRESS),
			FIELD(mml_madvise_args, length, LENGTH, 0, 12),
			FIELD(mml_madvise_args, advice, ADVICE),
			FIELD(mml_madvise_args, pad, PAD),
		},
	},
	{
		/* What it says goes into the window, too. */
		COMMAND(MINCORE), .files = FILE_SESSION, .weight = 30,
		.errnos = { ENOMEM, EINTR, EFAULT },
		.field = {
			FIELD(mml_mincore_args, addr, ADDRESS),
			FIELD(mml_mincore_args, length, LENGTH, 0, 12),
			FIELD(mml_mincore_args, vec, ADDRESS),
		},
	},
	{
		COMMAND(MSYNC), .files = FILE_SESSION, .weight = 10,
		.errnos = { ENOMEM, EINTR, EBUSY },
		.field = {
			FIELD(mml_msync_args, addr, ADDRESS),
			FIELD(mml_msync_args, length, LENGTH, 0, 12),
			FIELD(mml_msync_args, flags, BITS, 0, MS_SYNC | MS_INVALIDATE),
			FIELD(mml_msync_args, pad, PAD),
		},
	},
	{
		COMMAND(MLOCK), .files = FILE_SESSION, .weight = 20,
		.errnos = { ENOMEM, EINTR, EAGAIN, EPERM },
		.field = {
			FIELD(mml_mlock_args, addr, ADDRESS),
			FIELD(mml_mlock_args, length, LENGTH, 0, 12),
			FIELD(mml_mlock_args, flags, BITS, 0, MLOCK_ONFAULT),
			FIELD(mml_mlock_args, pad, PAD),
		},
	},
	{
		COMMAND(MUNLOCK), .files = FILE_SESSION, .weight = 20,
		.errnos = { ENOMEM, EINTR },
		.field = {
			FIELD(mml_munlock_args, addr, ADDRESS),
			FIELD(mml_munlock_args, length, LENGTH, 0, 12),
		},
	},
	{
		COMMAND(MLOCKALL), .files = FILE_SESSION, .weight = 10,
		.errnos = { ENOMEM, EINTR, EPERM },
		.field = {
			FIELD(mml_mlockall_args, flags, BITS, 0,
			      MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT),
			FIELD(mml_mlockall_args, pad, PAD),
		},
	},
	{
		COMMAND(BRK), .files = FILE_SESSION, .weight = 30,
		.errnos = { EINTR },
		.field = {
			FIELD(mml_brk_args, brk, ADDRESS),
		},
	},
};

#endif /* _FUZZ_TABLE_H */
