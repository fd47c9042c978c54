/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * mm_lab: the contract between /dev/mm_lab and user space.
 *
 * Self-contained, for C and C++. Every command takes one struct and returns its
 * results in that struct only: an ioctl's return value is 0, or -1 with errno.
 * Each struct consists of fixed-width fields without holes, 64-bit ones aligned;
 * what is called pad or reserved must be zero, or the call fails with EINVAL.
 * Structs grow at their end: an older, shorter struct is taken as if zeros
 * followed; a longer one is refused with E2BIG unless what the kernel does not
 * know is zero, and that is zero in what it returns. Addresses, lengths and
 * memory sizes are in bytes.
 *
 * There are four kinds of file, each with its own commands:
 *
 *   control   open("/dev/mm_lab")            information, and making the rest
 *   machine   MML_IOC_MACHINE_CREATE         a machine goes when it is closed
 *   job       MML_IOC_JOB_CREATE             counters of a tree of processes
 *   session   MML_IOC_SESSION_OPEN           blocks, the mm and its window
 *
 * A command on a file of the wrong kind fails with ENOTTY, as an unknown one
 * does. A session is the pair (session file, mm): only the process that opened
 * it, and its fork children that inherited its window, can use it; anybody else
 * who holds the descriptor gets ENXIO.
 */
#ifndef _MM_LAB_UAPI_H
#define _MM_LAB_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MML_DEVICE		"/dev/mm_lab"
#define MML_IOC_TYPE		0xb7

/*
 * Ranges of command numbers: the ground's, then one for each engine slot.
 */
#define MML_IOC_RANGE		0x20
#define MML_IOC_GROUND		0x00
#define MML_IOC_BUDDY		0x20
#define MML_IOC_SLUB		0x40
#define MML_IOC_VMA		0x60

/* The machine that is made when mm_lab.ko is loaded, unless memory=0. */
#define MML_MACHINE_DEFAULT	0

#define MML_NAME_LEN		16

/**
 * enum mml_backend - where the memory behind a machine comes from
 * @MML_BACKEND_AUTO: the first of RESERVE_MEM, CMA, CONTIG, SPARSE that can be had
 * @MML_BACKEND_RESERVE_MEM: the boot parameter reserve_mem=SIZE:ALIGN:NAME
 * @MML_BACKEND_CONTIG: a contiguous range taken from the running kernel
 * @MML_BACKEND_PAGES: pages that a test of the lab brought along (never asked for
 *	through the device)
 * @MML_BACKEND_CMA: the DMA API of a kernel that has CMA; 4 MiB or less may be the page
 *	allocator's
 * @MML_BACKEND_SPARSE: blocks of 4 MiB from the running kernel, with holes between
 * @MML_BACKEND_MEMMAP: no memory at all: frames that can be allocated and freed, but
 *	neither written to nor mapped; for sizes that the host does not have
 */
enum mml_backend {
	MML_BACKEND_AUTO = 0,
	MML_BACKEND_RESERVE_MEM = 1,
	MML_BACKEND_CONTIG = 2,
	MML_BACKEND_PAGES = 3,
	MML_BACKEND_CMA = 4,
	MML_BACKEND_SPARSE = 5,
	MML_BACKEND_MEMMAP = 6,
};

/* struct mml_info.flags: look for the first machine from .machine on. */
#define MML_INFO_NEXT		(1U << 0)

/* struct mml_info.state */
#define MML_MACHINE_LIVE	0
#define MML_MACHINE_BROKEN	1

/**
 * struct mml_info - MML_IOC_GET_INFO, on any file: a machine in figures
 * @machine: in: its number; out: the number of the machine described
 * @flags: in: MML_INFO_*
 * @page_size: bytes in a frame
 * @backend: the backend in use, enum mml_backend
 * @state: MML_MACHINE_*
 * @holders: how many keep it from being destroyed: session files, sessions, jobs
 * @frames: frames it has
 * @free_frames: frames that are free now
 * @seed: of its random numbers; 0: not repeatable
 * @reports: how often misuse was reported on it
 * @engines: bit n: an engine serves slot n (0 buddy, 1 slub, 2 vma)
 * @pad: zero
 * @name: as given to MML_IOC_MACHINE_CREATE, NUL-terminated
 * @backend_name: of @backend, NUL-terminated
 * @region: what the backend calls the memory, NUL-terminated
 * @spanned: frame numbers it takes up: more than @frames where there are holes
 *
 * ENXIO: no such machine (with MML_INFO_NEXT: none from there on).
 */
struct mml_info {
	__u32 machine;
	__u32 flags;
	__u32 page_size;
	__u32 backend;
	__u32 state;
	__u32 holders;
	__u64 frames;
	__u64 free_frames;
	__u64 seed;
	__u64 reports;
	__u32 engines;
	__u32 pad;
	char name[MML_NAME_LEN];
	char backend_name[MML_NAME_LEN];
	char region[MML_NAME_LEN];
	__u64 spanned;
};

/*
 * struct mml_machine_create.flags: it outlives its file, until destroyed; its CPUs keep
 * no free blocks for themselves; its memory is not grouped by mobility; no frames are kept
 * in reserve; it is kept who holds each block; what is free is filled with a pattern, which
 * is checked; or it is zeroed.
 */
#define MML_MACHINE_KEEP	(1U << 0)
#define MML_MACHINE_NO_PCP	(1U << 1)
#define MML_MACHINE_NO_GROUPING	(1U << 2)
#define MML_MACHINE_NO_WATERMARKS (1U << 3)
#define MML_MACHINE_PAGE_OWNER	(1U << 4)
#define MML_MACHINE_PAGE_POISON	(1U << 5)
#define MML_MACHINE_INIT_ON_FREE (1U << 6)

/* struct mml_machine_create.slab_debug: text, with the zero at its end. */
#define MML_SLAB_DEBUG_LEN	64

/* How many nodes a machine may have. */
#define MML_MAX_NODES		8

/**
 * struct mml_machine_create - MML_IOC_MACHINE_CREATE, on the control file
 * @bytes: in: memory of the machine, a multiple of the page size, at least 64
 *	frames
 * @backend: in: enum mml_backend
 * @flags: in: MML_MACHINE_*; MML_MACHINE_KEEP needs a @name
 * @seed: in: of its random numbers; 0: not repeatable
 * @name: in: for people, NUL-terminated; may be empty
 * @fd: out: a machine file, close-on-exec
 * @machine: out: its number, never used again for another
 * @nodes: in: how many nodes, of 4 MiB or more each; 0: one
 * @pad: zero
 * @movable: in: so much of the memory, in bytes, at the ends of the nodes, is zone Movable
 * @distance: in: from node to node: 10 to itself, up to 255 to others; 0: 10, or 20
 * @slab_debug: in: which object caches are debugged, and how, NUL-terminated: letters F
 *	checks, Z red zones, P poison, U who has an object, T all told, O not with larger
 *	slabs, - none; after a comma, names of caches, with * and ?; a semicolon, and the same
 *	for others: "FZPU", "-;FZ,pearls,kmalloc-*". Empty: none
 *
 * The machine goes when its file is closed and the last session on it is gone,
 * unless MML_MACHINE_KEEP is set. EPERM: needs CAP_SYS_ADMIN. EEXIST: a kept
 * machine has that name. ENOMEM: no backend has that much memory; the kernel log
 * says what was asked and what was found.
 */
struct mml_machine_create {
	__u64 bytes;
	__u32 backend;
	__u32 flags;
	__u64 seed;
	char name[MML_NAME_LEN];
	__s32 fd;
	__u32 machine;
	__u32 nodes;
	__u32 pad;
	__u64 movable;
	__u8 distance[MML_MAX_NODES][MML_MAX_NODES];
	char slab_debug[MML_SLAB_DEBUG_LEN];
};

/**
 * struct mml_machine_destroy - MML_IOC_MACHINE_DESTROY, on the control file (a
 *	kept machine by its number) or on the machine's own file
 * @machine: in: its number; on a machine file 0
 * @pad: zero
 *
 * EBUSY: somebody holds it; the kernel log names them. EPERM: needs
 * CAP_SYS_ADMIN on the control file, and a kept machine.
 */
struct mml_machine_destroy {
	__u32 machine;
	__u32 pad;
};

/**
 * struct mml_machine_verdict - MML_IOC_MACHINE_VERDICT, on a machine file, after
 *	MML_IOC_MACHINE_DESTROY: what was found when the machine went
 * @frames: frames it had
 * @frames_lost: frames that nobody gave back
 * @violations: invariants that did not hold
 * @checks: invariants that were looked at
 *
 * EBUSY: it was not destroyed through this file.
 */
struct mml_machine_verdict {
	__u64 frames;
	__u64 frames_lost;
	__u64 violations;
	__u64 checks;
};

/* struct mml_validate.machine: the regions and every machine. */
#define MML_VALIDATE_ALL	(~0U)

/**
 * struct mml_validate - MML_IOC_VALIDATE, on any file: check every invariant
 * @machine: in: a machine's number, or MML_VALIDATE_ALL
 * @pad: zero
 * @violations: out: invariants that did not hold; the kernel log names them
 * @checks: out: invariants that were looked at
 */
struct mml_validate {
	__u32 machine;
	__u32 pad;
	__u64 violations;
	__u64 checks;
};

/**
 * struct mml_job_create - MML_IOC_JOB_CREATE, on the control file
 * @machine: in: the machine that the job's sessions will be on
 * @fd: out: a job file, close-on-exec
 * @job: out: the number by which sessions join, for as long as the file is open
 *	or a session is in it
 * @pad: zero
 */
struct mml_job_create {
	__u32 machine;
	__s32 fd;
	__u32 job;
	__u32 pad;
};

/**
 * struct mml_job_stat - MML_IOC_JOB_STAT, on a job file: what the tree of
 *	processes did, those that are gone included
 * @calls: system calls of the lab's mm (mmap, munmap, mprotect, mremap, madvise)
 * @faults: page faults answered by the lab
 * @frames: frames charged to its sessions now
 * @peak_frames: the most it ever was
 * @forks: address spaces cloned
 * @fallbacks: trapped mappings that the library gave to the kernel
 * @oom_kills: processes killed because no frame was left
 * @sessions: sessions that are in it now
 * @sessions_total: sessions that ever were
 * @rss_anon_kib: the most that a session told of the kernel's RssAnon, KiB
 */
struct mml_job_stat {
	__u64 calls;
	__u64 faults;
	__u64 frames;
	__u64 peak_frames;
	__u64 forks;
	__u64 fallbacks;
	__u64 oom_kills;
	__u64 sessions;
	__u64 sessions_total;
	__u64 rss_anon_kib;
};

/**
 * struct mml_session_open - MML_IOC_SESSION_OPEN, on the control file
 * @machine: in: the machine to be on
 * @job: in: a job to join; 0: none
 * @limit: in: bytes it may hold at once; 0: the module's default
 * @fd: out: a session file, close-on-exec
 * @session: out: its number on the machine (debugfs mm/<number>/)
 *
 * ENXIO: no such machine. ESRCH: no such job on it.
 */
struct mml_session_open {
	__u32 machine;
	__u32 job;
	__u64 limit;
	__s32 fd;
	__u32 session;
};

/**
 * struct mml_session_note - MML_IOC_SESSION_NOTE, on a session file: what only
 *	the library knows, for its job
 * @fallbacks: in: added to the job's
 * @rss_anon_kib: in: the job's becomes this if it is larger
 */
struct mml_session_note {
	__u64 fallbacks;
	__u64 rss_anon_kib;
};

/**
 * enum mml_explain_kind - what can be explained
 * @MML_EXPLAIN_ALLOC: the last allocation of a block of frames that failed
 * @MML_EXPLAIN_FAULT: the last page fault that ended in a signal
 * @MML_NR_EXPLAIN_KINDS: how many kinds
 */
enum mml_explain_kind {
	MML_EXPLAIN_ALLOC = 0,
	MML_EXPLAIN_FAULT = 1,
	MML_NR_EXPLAIN_KINDS = 2,
};

/**
 * enum mml_why - why something failed
 * @MML_WHY_NONE: nothing has failed yet
 * @MML_WHY_ORDER: larger than the largest block there can be
 * @MML_WHY_INJECTED: it was made to fail
 * @MML_WHY_NOTHING_FREE: fewer frames were free than were asked for
 * @MML_WHY_FRAGMENTED: enough frames were free, but not in one block
 * @MML_WHY_LIMIT: the session (or its job) may not hold so many frames
 * @MML_WHY_BROKEN: the machine is broken, a bug of the lab was found on it
 * @MML_WHY_KERNEL_MEMORY: the kernel had no memory for the lab's bookkeeping, or that
 *	was made to fail
 * @MML_WHY_NO_VMA: no mapping contains the address
 * @MML_WHY_ACCESS: the mapping there does not allow the access
 * @MML_WHY_WINDOW: the window itself was mapped without that right
 * @MML_WHY_NO_FRAME: an allocation failed; .cause and the steps say why
 * @MML_WHY_STILLBORN: the process is the child of a fork for which frames ran out
 * @MML_WHY_DEAD: the session has ended
 * @MML_WHY_WATERMARK: enough frames were free, but kept in reserve
 * @MML_WHY_NO_ZONE: the node has no zone that the request may have
 * @MML_WHY_BEYOND: the mapping there is longer than the shared memory that it maps, or that may
 *	not be committed (overcommit_memory)
 */
enum mml_why {
	MML_WHY_NONE = 0,
	MML_WHY_ORDER = 1,
	MML_WHY_INJECTED = 2,
	MML_WHY_NOTHING_FREE = 3,
	MML_WHY_FRAGMENTED = 4,
	MML_WHY_LIMIT = 5,
	MML_WHY_BROKEN = 6,
	MML_WHY_KERNEL_MEMORY = 7,
	MML_WHY_NO_VMA = 8,
	MML_WHY_ACCESS = 9,
	MML_WHY_WINDOW = 10,
	MML_WHY_NO_FRAME = 11,
	MML_WHY_STILLBORN = 12,
	MML_WHY_DEAD = 13,
	MML_WHY_WATERMARK = 14,
	MML_WHY_NO_ZONE = 15,
	MML_WHY_BEYOND = 16,
};

/**
 * enum mml_step - what was tried: which fields of struct mml_explain_step mean what
 * @MML_STEP_FREE_LIST: the free list of order .arg had .value blocks; .wanted is 1 if
 *	one of them would have done, 0 if they are too small
 * @MML_STEP_FREE_FRAMES: .value frames were free, .wanted asked for
 * @MML_STEP_CHARGE: .value frames were held of .at that may be, .wanted more asked for
 * @MML_STEP_RANGE: mappings can be from .at up to .value: the window
 * @MML_STEP_VMA_BEFORE: the nearest mapping below, .at up to .value, allows .arg
 *	(PROT_*)
 * @MML_STEP_VMA: the mapping at the address, .at up to .value, allows .arg (PROT_*);
 *	.wanted is what the access needs
 * @MML_STEP_VMA_AFTER: the nearest mapping above, as below
 * @MML_STEP_TABLE: the page table of level .arg (3: the top, 0: of pages) for the
 *	address was there (.value 1), or was missing and could not be made (0)
 * @MML_STEP_PAGE: all tables were there, a frame for the page itself was wanted
 * @MML_STEP_KEPT: .value frames were free, but kept by CPUs
 * @MML_STEP_ZONE: the zone .arg, four times its node plus its type (0: DMA, DMA32, Normal,
 *	Movable), had .value frames free; to give a block it would need .wanted
 */
enum mml_step {
	MML_STEP_FREE_LIST = 1,
	MML_STEP_FREE_FRAMES = 2,
	MML_STEP_CHARGE = 3,
	MML_STEP_RANGE = 4,
	MML_STEP_VMA_BEFORE = 5,
	MML_STEP_VMA = 6,
	MML_STEP_VMA_AFTER = 7,
	MML_STEP_TABLE = 8,
	MML_STEP_PAGE = 9,
	MML_STEP_KEPT = 10,
	MML_STEP_ZONE = 11,
};

/**
 * struct mml_explain_step - one thing that was tried
 * @what: enum mml_step
 * @arg: as that says
 * @at: as that says
 * @value: what was found
 * @wanted: what would have been needed
 */
struct mml_explain_step {
	__u32 what;
	__u32 arg;
	__u64 at;
	__u64 value;
	__u64 wanted;
};

/* The most steps that are kept of one failure. */
#define MML_EXPLAIN_STEPS	32

/* struct mml_explain.flags, out: it is not yours: who, where and limits are left out. */
#define MML_EXPLAIN_HIDDEN	(1U << 0)

/**
 * struct mml_explain - MML_IOC_EXPLAIN, on any file: why something last failed
 * @machine: in: a machine's number
 * @kind: in: enum mml_explain_kind
 * @flags: in: zero; out: MML_EXPLAIN_HIDDEN
 * @why: out: enum mml_why
 * @failures: out: how many of this kind there were; 0: what follows is zero
 * @age_ns: out: how long ago the last was, in nanoseconds
 * @pid: out: of the process; 0: none, an interrupt
 * @session: out: number of its session; 0: not known
 * @order: out: of the block asked for
 * @access: out: of a fault: PROT_READ, PROT_WRITE or PROT_EXEC
 * @address: out: of a fault: what was touched, rounded down to a page
 * @cause: out: with MML_WHY_NO_FRAME: why the allocation failed, enum mml_why
 * @nr_steps: out: how many of @step are filled in
 * @lost: out: steps for which there was no room
 * @pad: zero
 * @comm: out: name of the process, NUL-terminated
 * @gfp: out: the flags asked with, by name, NUL-terminated
 * @step: out: what was tried, in order
 *
 * Of other processes' failures a caller without CAP_SYS_ADMIN learns why they failed
 * and the free blocks, but not pid, session, name, addresses or limits.
 *
 * ENXIO: no such machine. EINVAL: unknown kind, flags or @pad not zero.
 */
struct mml_explain {
	__u32 machine;
	__u32 kind;
	__u32 flags;
	__u32 why;
	__u64 failures;
	__u64 age_ns;
	__u32 pid;
	__u32 session;
	__u32 order;
	__u32 access;
	__u64 address;
	__u32 cause;
	__u32 nr_steps;
	__u32 lost;
	__u32 pad;
	char comm[MML_NAME_LEN];
	char gfp[80];
	struct mml_explain_step step[MML_EXPLAIN_STEPS];
};

/* struct mml_fail_nth.machine, on the control file: any, and what is for none. */
#define MML_FAIL_NTH_ANY	(~0U)

/**
 * struct mml_fail_nth - MML_IOC_FAIL_NTH, on a session file or the control file: let
 *	an allocation of the calling process fail, to see what comes of it
 * @nth: in: 1: the next one, 2: the one after it, …; 0: none
 * @seen: out: allocations that were counted since the last call on this file
 * @machine: in: on the control file: those on the machine of this number, or
 *	MML_FAIL_NTH_ANY; on a session file 0: those on its machine
 * @fired: out: 1 if one of them was made to fail since the last call on this file,
 *	else 0
 * @site: out: then: which one, by its number in debugfs mm_lab/alloc_sites; else 0
 * @pad: zero
 *
 * What counts are frames of the lab and the kernel's memory for the lab's own
 * bookkeeping that the calling process asks for, page faults and fork included; other
 * processes are not disturbed. Each call is in place of the one before it on the same
 * session or control file, and ends with that.
 *
 * EPERM: on the control file, needs CAP_SYS_ADMIN. ENXIO: no such machine. EINVAL: a
 * number on a session file. ENOSPC: 64 are armed at once already.
 */
struct mml_fail_nth {
	__u64 nth;
	__u64 seen;
	__u32 machine;
	__u32 fired;
	__u32 site;
	__u32 pad;
};

#define MML_IOC_GET_INFO	_IOWR(MML_IOC_TYPE, MML_IOC_GROUND + 0x00, struct mml_info)
#define MML_IOC_MACHINE_CREATE	_IOWR(MML_IOC_TYPE, MML_IOC_GROUND + 0x01, struct mml_machine_create)
#define MML_IOC_MACHINE_DESTROY	_IOW(MML_IOC_TYPE, MML_IOC_GROUND + 0x02, struct mml_machine_destroy)
#define MML_IOC_MACHINE_VERDICT	_IOR(MML_IOC_TYPE, MML_IOC_GROUND + 0x03, struct mml_machine_verdict)
#define MML_IOC_VALIDATE	_IOWR(MML_IOC_TYPE, MML_IOC_GROUND + 0x04, struct mml_validate)
#define MML_IOC_JOB_CREATE	_IOWR(MML_IOC_TYPE, MML_IOC_GROUND + 0x05, struct mml_job_create)
#define MML_IOC_JOB_STAT	_IOR(MML_IOC_TYPE, MML_IOC_GROUND + 0x06, struct mml_job_stat)
#define MML_IOC_SESSION_OPEN	_IOWR(MML_IOC_TYPE, MML_IOC_GROUND + 0x07, struct mml_session_open)
#define MML_IOC_SESSION_NOTE	_IOW(MML_IOC_TYPE, MML_IOC_GROUND + 0x08, struct mml_session_note)
#define MML_IOC_FAIL_NTH	_IOWR(MML_IOC_TYPE, MML_IOC_GROUND + 0x09, struct mml_fail_nth)
#define MML_IOC_EXPLAIN		_IOWR(MML_IOC_TYPE, MML_IOC_GROUND + 0x0a, struct mml_explain)

/*
 * struct mml_block_alloc.flags: what a block is asked for with, beside what GFP_KERNEL says:
 * the kernel's __GFP_ flags of these names. Of MOVABLE and RECLAIMABLE, and of DMA, DMA32 and
 * HIGHMEM, only one may be given; HIGHMEM with MOVABLE: zone Movable, too. NOWAIT:
 * without __GFP_DIRECT_RECLAIM. HIGH, which takes of the reserves, needs CAP_SYS_ADMIN.
 */
#define MML_BLOCK_ZERO		(1U << 0)
#define MML_BLOCK_MOVABLE	(1U << 1)
#define MML_BLOCK_RECLAIMABLE	(1U << 2)
#define MML_BLOCK_DMA		(1U << 3)
#define MML_BLOCK_DMA32		(1U << 4)
#define MML_BLOCK_HIGHMEM	(1U << 5)
#define MML_BLOCK_HIGH		(1U << 6)
#define MML_BLOCK_NOWAIT	(1U << 7)
#define MML_BLOCK_NORETRY	(1U << 8)
#define MML_BLOCK_RETRY_MAYFAIL	(1U << 9)
#define MML_BLOCK_NOFAIL	(1U << 10)	/* EINVAL: a process may always fail */
#define MML_BLOCK_THISNODE	(1U << 11)

/**
 * struct mml_block_alloc - MML_IOC_BLOCK_ALLOC, on a session file
 * @order: in: the block has 1 << @order frames, 0–10
 * @flags: in: MML_BLOCK_*
 * @handle: out: by which it is freed; it goes with the session at the latest
 * @node: in: begin with this node; one more than its number; 0: this CPU's
 * @pfn: out: the lab's number of its first frame
 *
 * ENOMEM: no such block is free, or may be given to such a request. EDQUOT: the session may
 * not hold so much. EPERM: MML_BLOCK_HIGH without CAP_SYS_ADMIN. EINVAL: flags, order, node.
 */
struct mml_block_alloc {
	__u32 order;
	__u32 flags;
	__u32 handle;
	__u32 node;
	__u64 pfn;
};

/**
 * struct mml_block_free - MML_IOC_BLOCK_FREE, on a session file
 * @handle: in: from MML_IOC_BLOCK_ALLOC on this session
 * @pad: zero
 *
 * EBADF: the session has no such block.
 */
struct mml_block_free {
	__u32 handle;
	__u32 pad;
};

#define MML_IOC_BLOCK_ALLOC	_IOWR(MML_IOC_TYPE, MML_IOC_BUDDY + 0x00, struct mml_block_alloc)
#define MML_IOC_BLOCK_FREE	_IOW(MML_IOC_TYPE, MML_IOC_BUDDY + 0x01, struct mml_block_free)

#define MML_CACHE_NAME_LEN	32

/* struct mml_cache_create.path: how the CPUs serve themselves */
#define MML_CACHE_SHEAVES	0	/* from arrays of objects, as in Linux 7.0 */
#define MML_CACHE_CPU_SLABS	1	/* from slabs of their own, as in Linux 6.12 */

/*
 * struct mml_cache_create.flags: the kernel's SLAB_ flags of these names; and KMALLOC: no
 * cache of its own, its objects come from kmalloc. Then the other flags, align, path and
 * sheaf_capacity are zero, and the name is empty.
 */
#define MML_CACHE_HWCACHE_ALIGN	(1U << 0)
#define MML_CACHE_RECLAIM	(1U << 1)
#define MML_CACHE_DMA		(1U << 2)
#define MML_CACHE_TYPESAFE	(1U << 3)
#define MML_CACHE_NO_MERGE	(1U << 4)
#define MML_CACHE_KMALLOC	(1U << 5)
#define MML_CACHE_CHECKS	(1U << 6)	/* SLAB_CONSISTENCY_CHECKS */
#define MML_CACHE_RED_ZONE	(1U << 7)
#define MML_CACHE_POISON	(1U << 8)
#define MML_CACHE_STORE_USER	(1U << 9)
#define MML_CACHE_SHUFFLE	(1U << 10)	/* objects of new slabs in random order */

/**
 * struct mml_cache_create - MML_IOC_CACHE_CREATE, on a session file
 * @name: in: for people; ends with a zero
 * @object_size: in: of an object, in bytes, up to 4 MiB
 * @align: in: of objects, in bytes, a power of two up to a page; 0: what their size wants
 * @flags: in: MML_CACHE_*
 * @path: in: MML_CACHE_SHEAVES or MML_CACHE_CPU_SLABS
 * @sheaf_capacity: in: objects in a sheaf, up to 1024; 0: by their size
 * @cache: out: by which it is known; it goes with the session at the latest
 *
 * ENOMEM: there is no memory for it. ENOSPC: the session has 1024 already. EOPNOTSUPP: the
 * machine has no memory at all. EINVAL: size, alignment, flags, path, capacity, name.
 */
struct mml_cache_create {
	char name[MML_CACHE_NAME_LEN];
	__u32 object_size;
	__u32 align;
	__u32 flags;
	__u32 path;
	__u32 sheaf_capacity;
	__u32 cache;
};

/**
 * struct mml_cache_destroy - MML_IOC_CACHE_DESTROY, on a session file
 * @cache: in: from MML_IOC_CACHE_CREATE on this session
 * @pad: zero
 *
 * EBUSY: it has objects. EBADF: the session has no such cache.
 */
struct mml_cache_destroy {
	__u32 cache;
	__u32 pad;
};

/* struct mml_cache_alloc.flags */
#define MML_CACHE_ZERO		(1U << 0)	/* objects are zeroed */
#define MML_CACHE_NOWAIT	(1U << 1)	/* without __GFP_DIRECT_RECLAIM */

/**
 * struct mml_cache_alloc - MML_IOC_CACHE_ALLOC, on a session file: objects, all or none
 * @cache: in: of this cache
 * @flags: in: MML_CACHE_ZERO, MML_CACHE_NOWAIT
 * @count: in: how many, 1 to 16,777,216
 * @node: in: on this node, if possible; one more than its number; 0: this CPU's; 0 of kmalloc
 *
 * The session is charged with the slabs that the most objects it ever had of the cache
 * need, until the cache is destroyed; with those of kmalloc while it has any.
 *
 * ENOMEM: there is no memory for them. EDQUOT: the session may not hold so much. EBADF: the
 * session has no such cache. EINTR: it was killed. EINVAL: flags, count, node.
 */
struct mml_cache_alloc {
	__u32 cache;
	__u32 flags;
	__u32 count;
	__u32 node;
};

/* struct mml_cache_free.flags */
#define MML_CACHE_RANDOM	(1U << 0)	/* not the first ones of the session's, but any */

/**
 * struct mml_cache_free - MML_IOC_CACHE_FREE, on a session file: objects go back
 * @seed: in: with MML_CACHE_RANDOM: of the choice; else zero
 * @cache: in: of this cache
 * @flags: in: MML_CACHE_RANDOM
 * @count: in: how many, 1 to as many as the session has
 * @pad: zero
 *
 * EBADF: the session has no such cache. EINVAL: flags, seed, or it has not so many.
 */
struct mml_cache_free {
	__u64 seed;
	__u32 cache;
	__u32 flags;
	__u32 count;
	__u32 pad;
};

/**
 * struct mml_cache_shrink - MML_IOC_CACHE_SHRINK, on a session file: give back empty slabs
 * @slabs: out: how many slabs it has now
 * @cache: in: this cache; of kmalloc: the cache of that size, if there is one
 * @pad: zero
 *
 * EBADF: the session has no such cache.
 */
struct mml_cache_shrink {
	__u64 slabs;
	__u32 cache;
	__u32 pad;
};

/**
 * struct mml_cache_validate - MML_IOC_CACHE_VALIDATE, on a session file: check every object
 * @cache: in: of this cache; of kmalloc: of the one that its objects come from
 * @pad: zero
 * @wrong: out: with how many something was wrong; 0, too, if the cache is not debugged
 *
 * EBADF: the session has no such cache.
 */
struct mml_cache_validate {
	__u32 cache;
	__u32 pad;
	__u64 wrong;
};

#define MML_IOC_CACHE_CREATE	_IOWR(MML_IOC_TYPE, MML_IOC_SLUB + 0x00, struct mml_cache_create)
#define MML_IOC_CACHE_DESTROY	_IOW(MML_IOC_TYPE, MML_IOC_SLUB + 0x01, struct mml_cache_destroy)
#define MML_IOC_CACHE_ALLOC	_IOW(MML_IOC_TYPE, MML_IOC_SLUB + 0x02, struct mml_cache_alloc)
#define MML_IOC_CACHE_FREE	_IOW(MML_IOC_TYPE, MML_IOC_SLUB + 0x03, struct mml_cache_free)
#define MML_IOC_CACHE_SHRINK	_IOWR(MML_IOC_TYPE, MML_IOC_SLUB + 0x04, struct mml_cache_shrink)
#define MML_IOC_CACHE_VALIDATE	_IOWR(MML_IOC_TYPE, MML_IOC_SLUB + 0x05, struct mml_cache_validate)

/*
 * The window: map the session file once,
 *
 *	mmap(addr, length, PROT_READ | PROT_WRITE | PROT_EXEC,
 *	     MAP_SHARED | MAP_FIXED_NOREPLACE, fd, addr)
 *
 * the offset being the address itself, so that a lab address is a user address.
 * What is below then arranges memory inside the window. Protection is that of the
 * lab's mappings; the kernel's own munmap of a part, mprotect and mremap of the
 * window fail. The session ends when the window is unmapped. EOPNOTSUPP: the machine
 * has no memory (MML_BACKEND_MEMMAP).
 *
 * Protections and flags are those of <sys/mman.h>.
 */
#define MML_WINDOW_ADDR		0x100000000000ULL
#define MML_WINDOW_SIZE		(1ULL << 40)

/**
 * struct mml_mmap_args - MML_IOC_MMAP, on a session file: as mmap(2)
 * @addr: in: a hint, or with MAP_FIXED and MAP_FIXED_NOREPLACE the place; out:
 *	where the mapping is
 * @length: in: bytes, rounded up to pages
 * @prot: in: PROT_NONE, or a set of PROT_READ, PROT_WRITE, PROT_EXEC; other bits are ignored,
 *	as by mmap(2)
 * @flags: in: MAP_ANONYMOUS with MAP_PRIVATE or MAP_SHARED; MAP_FIXED, MAP_FIXED_NOREPLACE,
 *	MAP_NORESERVE; MAP_POPULATE without MAP_NONBLOCK takes frames at once, as far as
 *	there are any; MAP_LOCKED as mlock(2), but for errors; MAP_GROWSDOWN: it grows when it
 *	is touched below its beginning; MAP_STACK only keeps a mapping apart from others, as the
 *	kernel's does where it has huge pages
 *
 * EINVAL: length 0, flags or place that mmap(2) would refuse; EBADF: not MAP_ANONYMOUS;
 * EOPNOTSUPP: other flags, which the lab does not have; EEXIST: as
 * mmap(2); ENOMEM: no room in the window, RLIMIT_AS, RLIMIT_DATA or the machine's max_map_count,
 * or more than its overcommit_memory allows; EAGAIN, EPERM: more is locked than RLIMIT_MEMLOCK
 * allows; ENXIO: the session has no window.
 */
struct mml_mmap_args {
	__u64 addr;
	__u64 length;
	__u32 prot;
	__u32 flags;
};

/**
 * struct mml_munmap_args - MML_IOC_MUNMAP, on a session file: as munmap(2)
 * @addr: in: start, a multiple of the page size
 * @length: in: bytes, rounded up to pages
 */
struct mml_munmap_args {
	__u64 addr;
	__u64 length;
};

/**
 * struct mml_mprotect_args - MML_IOC_MPROTECT, on a session file: as mprotect(2)
 * @addr: in: start, a multiple of the page size
 * @length: in: bytes, rounded up to pages
 * @prot: in: PROT_NONE, or a set of PROT_READ, PROT_WRITE, PROT_EXEC
 * @pad: zero
 */
struct mml_mprotect_args {
	__u64 addr;
	__u64 length;
	__u32 prot;
	__u32 pad;
};

/**
 * struct mml_mremap_args - MML_IOC_MREMAP, on a session file: as mremap(2)
 * @addr: in: old address, a multiple of the page size; out: the new one
 * @old_length: in: bytes, rounded up to pages
 * @new_length: in: bytes, rounded up to pages
 * @flags: in: MREMAP_MAYMOVE, and with it MREMAP_FIXED and MREMAP_DONTUNMAP, or 0
 * @pad: zero
 * @new_addr: in: with MREMAP_FIXED, where to, in the window; with MREMAP_DONTUNMAP alone, a
 *	hint, or 0
 */
struct mml_mremap_args {
	__u64 addr;
	__u64 old_length;
	__u64 new_length;
	__u32 flags;
	__u32 pad;
	__u64 new_addr;
};

/**
 * struct mml_madvise_args - MML_IOC_MADVISE, on a session file: as madvise(2)
 * @addr: in: start, a multiple of the page size
 * @length: in: bytes, rounded up to pages
 * @advice: in: MADV_DONTNEED and DONTNEED_LOCKED give the frames back at once, FREE when
 *	memory is short, but for what was written again; POPULATE_READ and POPULATE_WRITE
 *	take them; DONTFORK, DOFORK, WIPEONFORK and KEEPONFORK say what fork does with the
 *	range; NORMAL, RANDOM, SEQUENTIAL, HUGEPAGE, NOHUGEPAGE, MERGEABLE, UNMERGEABLE,
 *	DONTDUMP and DODUMP are kept; REMOVE gives back frames of shared memory, for all that map
 *	them; WILLNEED, COLD and PAGEOUT do nothing
 * @pad: zero
 *
 * EINVAL: other advice; to populate what does not allow it; REMOVE of what is private, FREE and
 * WIPEONFORK of what is shared; DONTNEED, FREE, COLD, PAGEOUT and REMOVE of what is locked. ENOMEM: a hole, after the rest was
 * done, except by POPULATE_*; no frame for these. EAGAIN: no memory for a vma; the rest was not
 * done. EFAULT: the mm is gone.
 */
struct mml_madvise_args {
	__u64 addr;
	__u64 length;
	__u32 advice;
	__u32 pad;
};

/**
 * struct mml_mincore_args - MML_IOC_MINCORE, on a session file: as mincore(2)
 * @addr: in: start, a multiple of the page size
 * @length: in: bytes, rounded up to pages
 * @vec: in: a pointer to a byte for each page: bit 0 is set if the page is resident
 *
 * EINVAL; ENOMEM: a hole, after what is before it was told; EFAULT: no memory at @vec.
 */
struct mml_mincore_args {
	__u64 addr;
	__u64 length;
	__u64 vec;
};

/**
 * struct mml_msync_args - MML_IOC_MSYNC, on a session file: as msync(2)
 * @addr: in: start, a multiple of the page size
 * @length: in: bytes, rounded up to pages
 * @flags: in: MS_ASYNC or MS_SYNC, and MS_INVALIDATE
 * @pad: zero
 *
 * There are no files, so nothing is written. EINVAL; ENOMEM: a hole.
 */
struct mml_msync_args {
	__u64 addr;
	__u64 length;
	__u32 flags;
	__u32 pad;
};

/**
 * struct mml_mlock_args - MML_IOC_MLOCK, on a session file: as mlock2(2)
 * @addr: in: start, anywhere in a page
 * @length: in: bytes; all pages that have any of them
 * @flags: in: MLOCK_ONFAULT, or 0
 * @pad: zero
 *
 * EINVAL; EPERM: RLIMIT_MEMLOCK is 0; ENOMEM: more than that allows, a hole, or what nobody may
 * access; EAGAIN: no frame, it is locked all the same.
 */
struct mml_mlock_args {
	__u64 addr;
	__u64 length;
	__u32 flags;
	__u32 pad;
};

/**
 * struct mml_munlock_args - MML_IOC_MUNLOCK, on a session file: as munlock(2)
 * @addr: in: start, anywhere in a page
 * @length: in: bytes; all pages that have any of them
 *
 * EINVAL; ENOMEM: a hole.
 */
struct mml_munlock_args {
	__u64 addr;
	__u64 length;
};

/**
 * struct mml_mlockall_args - MML_IOC_MLOCKALL, on a session file: as mlockall(2), of what is in
 *	the window; and as munlockall(2)
 * @flags: in: MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT; 0: nothing is locked from now on
 * @pad: zero
 *
 * EINVAL; EPERM: RLIMIT_MEMLOCK is 0; ENOMEM: there is more than that allows.
 */
struct mml_mlockall_args {
	__u32 flags;
	__u32 pad;
};

/**
 * struct mml_brk_args - MML_IOC_BRK, on a session file: as the system call brk(2)
 * @brk: in: where the heap is to end, which begins at the beginning of the window; out: where it
 *	ends. If that is not what was asked for, it could not be done; 0 always tells
 *
 * ENXIO: the session has no window.
 */
struct mml_brk_args {
	__u64 brk;
};

#define MML_IOC_MMAP		_IOWR(MML_IOC_TYPE, MML_IOC_VMA + 0x00, struct mml_mmap_args)
#define MML_IOC_MUNMAP		_IOW(MML_IOC_TYPE, MML_IOC_VMA + 0x01, struct mml_munmap_args)
#define MML_IOC_MPROTECT	_IOW(MML_IOC_TYPE, MML_IOC_VMA + 0x02, struct mml_mprotect_args)
#define MML_IOC_MREMAP		_IOWR(MML_IOC_TYPE, MML_IOC_VMA + 0x03, struct mml_mremap_args)
#define MML_IOC_MADVISE		_IOW(MML_IOC_TYPE, MML_IOC_VMA + 0x04, struct mml_madvise_args)
#define MML_IOC_MINCORE		_IOW(MML_IOC_TYPE, MML_IOC_VMA + 0x05, struct mml_mincore_args)
#define MML_IOC_MSYNC		_IOW(MML_IOC_TYPE, MML_IOC_VMA + 0x06, struct mml_msync_args)
#define MML_IOC_MLOCK		_IOW(MML_IOC_TYPE, MML_IOC_VMA + 0x07, struct mml_mlock_args)
#define MML_IOC_MUNLOCK		_IOW(MML_IOC_TYPE, MML_IOC_VMA + 0x08, struct mml_munlock_args)
#define MML_IOC_MLOCKALL	_IOW(MML_IOC_TYPE, MML_IOC_VMA + 0x09, struct mml_mlockall_args)
#define MML_IOC_BRK		_IOWR(MML_IOC_TYPE, MML_IOC_VMA + 0x0a, struct mml_brk_args)

#endif /* _MM_LAB_UAPI_H */
