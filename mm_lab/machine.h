/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Machines: struct mml_machine and what every room needs of it.
 */
#ifndef _MML_MACHINE_H
#define _MML_MACHINE_H

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/ratelimit_types.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "mm_lab/engine.h"
#include "mm_lab/explain.h"
#include "mm_lab/frame.h"
#include "mm_lab/inject.h"
#include "mm_lab/region.h"
#include "mm_lab/report.h"
#include "mm_lab/sparse.h"
#include "mm_lab/topology.h"

struct mml_page_owners;
struct seq_file;

/* The smallest machine, in frames. */
#define MML_MIN_FRAMES		64UL
/*
 * The largest: 8 TiB. With a hole after each section it has twice as many frame numbers,
 * and still none is MML_PFN_NONE.
 */
#define MML_MAX_FRAMES		(1UL << 31)

/* Bits of mml_machine.state. */
enum mml_machine_state {
	MML_MACHINE_STATE_BROKEN,	/* a bug of the lab was found on it */
	MML_MACHINE_STATE_KEPT,		/* outlives the file that made it */
	MML_MACHINE_STATE_ORPHAN,	/* goes with its last holder */
};

/*
 * Bits of mml_machine.options: what is left out, to see what it is good for; and what is
 * added, to find misuse.
 */
enum mml_machine_option {
	MML_OPTION_NO_PCP,		/* no per-CPU lists */
	MML_OPTION_NO_GROUPING,	/* all memory is of one migratetype */
	MML_OPTION_NO_WATERMARKS, /* nothing is kept in reserve */
	MML_OPTION_PAGE_OWNER,	/* it is kept who holds each block */
	MML_OPTION_PAGE_POISON,	/* what is free has a pattern, that is checked */
	MML_OPTION_INIT_ON_FREE,	/* what is free is zeroed */
};

static inline unsigned long mml_machine_options(bool pcp, bool grouping, bool watermarks)
{
	return (pcp ? 0 : BIT(MML_OPTION_NO_PCP)) |
	       (grouping ? 0 : BIT(MML_OPTION_NO_GROUPING)) |
	       (watermarks ? 0 : BIT(MML_OPTION_NO_WATERMARKS));
}

static inline unsigned long mml_debug_options(bool page_owner, bool page_poison,
					      bool init_on_free)
{
	return (page_owner ? BIT(MML_OPTION_PAGE_OWNER) : 0) |
	       (page_poison ? BIT(MML_OPTION_PAGE_POISON) : 0) |
	       (init_on_free ? BIT(MML_OPTION_INIT_ON_FREE) : 0);
}

/* Bits of mml_machine.slow: what only some runs want. */
enum mml_slow {
	MML_SLOW_FAIL_NTH,		/* injections look at its allocations */
	MML_SLOW_PLANTED,		/* an allocation is to find a bug */
	MML_SLOW_DECISIONS,		/* each thing tried is an event */
	MML_SLOW_DEBUG,			/* the ledger, poisoning, zeroing on free */
};

/**
 * struct mml_hold - who keeps a machine from being destroyed
 * @node: on machine->holders
 * @what: kind of the holder, for messages
 * @pid: of the process that made it
 * @comm: its name
 */
struct mml_hold {
	struct list_head node;
	const char *what;
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

/**
 * struct mml_verdict - what was found when a machine went
 * @frames: it had
 * @frames_lost: not free at the end
 * @violations: of invariants
 * @checks: of invariants
 */
struct mml_verdict {
	u64 frames;
	u64 frames_lost;
	u64 violations;
	u64 checks;
};

/**
 * struct mml_machine - an instance of the lab
 * @memmap: its frames' descriptors, by frame number
 * @nr_frames: how many frame numbers there are, holes included
 * @nr_present: how many frames there are; fewer while sections are offline
 * @offline: bit n: section n is offline
 * @base: where the kernel maps frame 0; NULL: there are sections, or no memory
 * @base_pfn: the kernel's pfn of frame 0
 * @sections: where the frames of each section are; NULL: one after the other
 * @slow: bits of enum mml_slow; 0 on the fast paths
 * @engine_data: what each engine hangs here, by slot
 * @vm_events: event counters
 * @state: bits of enum mml_machine_state
 * @options: bits of enum mml_machine_option
 * @slab_debug: which object caches are debugged, and how; as the kernel's parameter
 * @topology: its nodes
 * @page_owners: the page allocator's ledger; NULL without MML_OPTION_PAGE_OWNER
 * @id: its number; no other machine ever has it
 * @name: for people
 * @slice: its memory
 * @seed: of @rnd; 0: seeded by the kernel
 * @rnd_lock: protects @rnd
 * @rnd: state of mml_random()
 * @reports: calls of mml_report()
 * @injection: of mml_fail_nth()
 * @planted: allocations of frames until one finds a bug, while MML_SLOW_PLANTED is set
 * @retire: runs the engines' @broken, once it is marked broken
 * @engines_lock: writers change @engines and @page_ops, readers walk the engines
 * @engines: bit n: the engine of slot n is set up here
 * @engine: by slot
 * @page_ops: by page type
 * @node: on the list of machines
 * @holders_lock: protects @holders and @nr_holders
 * @holders: struct mml_hold, who must go before the machine can
 * @nr_holders: how many
 * @naming: limits how often they are named in the kernel log
 * @jobs_lock: protects @jobs and @last_job
 * @jobs: struct mml_job
 * @last_job: the last number given
 * @last_session: the last number given
 * @explainer: what last failed
 * @shrinkers_lock: protects @shrinkers
 * @shrinkers: struct mml_shrinker, for walks under RCU
 * @debugfs: its directory; NULL: it is about to go
 * @debugfs_mm: the directory of its sessions
 *
 * Lock key of the fields:
 *	C  constant once the machine is made
 *	A  atomic
 *	M  mml_machines_lock
 *	E  engines_lock (written under M and E)
 */
struct mml_machine {
	/* What fast paths read, together. */
	struct mml_page			*memmap;	/* C */
	unsigned long			nr_frames;	/* C */
	void				*base;		/* C */
	unsigned long			base_pfn;	/* C */
	const struct mml_section	*sections;	/* C */
	unsigned long			slow;		/* A */
	void				*engine_data[MML_NR_SLOTS]; /* E */
	struct mml_vm_event_state __percpu *vm_events;	/* C */
	unsigned long			state;		/* A */

	unsigned long			nr_present;	/* its allocator's */
	unsigned long			*offline;	/* its allocator's */
	unsigned long			options;	/* C */
	char				slab_debug[MML_SLAB_DEBUG_LEN]; /* C */
	struct mml_topology		topology;	/* C */
	struct mml_page_owners		*page_owners;	/* C */
	u32				id;		/* C */
	char				name[MML_NAME_LEN]; /* C */
	struct mml_slice		slice;		/* C */

	u64				seed;		/* C */
	spinlock_t			rnd_lock;
	struct rnd_state		rnd;		/* rnd_lock */

	atomic64_t			reports;	/* A */
	atomic_long_t			planted;	/* A */
	struct work_struct		retire;
	struct mml_injection		injection;	/* mml_injections_lock */

	struct rw_semaphore		engines_lock;
	unsigned long			engines;	/* E */
	struct mml_engine		*engine[MML_NR_SLOTS]; /* E */
	const struct mml_page_ops	*page_ops[MML_NR_PAGE_TYPES]; /* E */

	struct list_head		node;		/* M */
	spinlock_t			holders_lock;
	struct list_head		holders;	/* holders_lock */
	unsigned int			nr_holders;	/* holders_lock */
	struct ratelimit_state		naming;

	spinlock_t			jobs_lock;
	struct list_head		jobs;		/* jobs_lock */
	u32				last_job;	/* jobs_lock */
	atomic_t			last_session;	/* A */

	struct mml_explainer		explainer;	/* its lock */

	struct mutex			shrinkers_lock;
	struct list_head		shrinkers;	/* shrinkers_lock */

	struct dentry			*debugfs;	/* E */
	struct dentry			*debugfs_mm;	/* M */
};

/**
 * struct mml_machine_spec - what to make a machine of
 * @name: for people; may be empty
 * @frames: how many
 * @backend: where from
 * @pages: with MML_BACKEND_PAGES: the first of @frames contiguous pages, which the
 *	caller holds until the machine is gone; NULL: see @runs
 * @runs: then: pieces of memory by address, up to a section each, only the last may be
 *	less, which the caller holds; what is not contiguous gets a hole between
 * @nr_runs: how many
 * @seed: of its random numbers; 0: not repeatable
 * @state: bits of enum mml_machine_state to begin with
 * @options: bits of enum mml_machine_option
 * @slab_debug: which object caches are debugged, and how; NULL: none
 * @topology: its nodes, see mml_topology_init(); all zero: one
 * @is_default: its number is MML_MACHINE_DEFAULT, which no other gets
 */
struct mml_machine_spec {
	const char *name;
	unsigned long frames;
	enum mml_backend backend;
	struct page *pages;
	const struct mml_section *runs;
	unsigned long nr_runs;
	u64 seed;
	unsigned long state;
	unsigned long options;
	const char *slab_debug;
	struct mml_topology topology;
	bool is_default;
};

struct mml_machine *mml_machine_create(const struct mml_machine_spec *spec);
int mml_machine_destroy(struct mml_machine *machine, struct mml_verdict *verdict);
int mml_machine_destroy_id(u32 id, bool own, struct mml_verdict *verdict);
void mml_machine_unkeep(u32 id);
void mml_machine_orphan(u32 id);
struct mml_machine *mml_machine_hold(u32 id, struct mml_hold *hold,
				     const char *what);
void mml_machine_hold_again(struct mml_machine *machine, struct mml_hold *hold,
			    const char *what);
bool mml_machine_unhold_again(struct mml_machine *machine, struct mml_hold *hold);
bool mml_machine_held(struct mml_machine *machine, bool tell);
void mml_machine_unhold(struct mml_machine *machine, struct mml_hold *hold);
bool mml_machine_exists(u32 id);
void mml_machines_each(void (*fn)(struct mml_machine *machine));
int mml_machine_info(struct mml_info *info);
int mml_machine_validate(u32 id, struct mml_validation *v);
int mml_machine_explain(struct mml_explain *a);
void mml_validate_all(struct mml_validation *v);
void mml_validate(struct mml_machine *machine, struct mml_validation *v);
void mml_machine_stat(struct mml_machine *machine, unsigned long *items);
void mml_show_holders(struct mml_machine *machine, struct seq_file *seq);
void mml_machines_exit(void);

static inline bool mml_machine_broken(const struct mml_machine *machine)
{
	return unlikely(test_bit(MML_MACHINE_STATE_BROKEN, &machine->state));
}

/* The memmap's arithmetic. */

static inline struct mml_page *mml_pfn_to_page(const struct mml_machine *machine,
					       mml_pfn_t pfn)
{
	return &machine->memmap[pfn.val];
}

static inline mml_pfn_t mml_page_to_pfn(const struct mml_machine *machine,
					const struct mml_page *page)
{
	return mml_pfn(page - machine->memmap);
}

static inline bool mml_pfn_valid(const struct mml_machine *machine, mml_pfn_t pfn)
{
	return pfn.val < machine->nr_frames;
}

/*
 * Is @page one of @machine's, wherever the pointer comes from? Its frame number is then
 * in *@pfn.
 */
static inline bool mml_page_valid_pfn(const struct mml_machine *machine,
				      const struct mml_page *page, unsigned long *pfn)
{
	unsigned long offset = (unsigned long)page - (unsigned long)machine->memmap;

	*pfn = offset / sizeof(*page);
	return *pfn < machine->nr_frames && page == &machine->memmap[*pfn];
}

static inline bool mml_page_valid(const struct mml_machine *machine,
				  const struct mml_page *page)
{
	unsigned long pfn;

	return mml_page_valid_pfn(machine, page, &pfn);
}

static inline const struct mml_section *
mml_page_section(const struct mml_machine *machine, const struct mml_page *page)
{
	return &machine->sections[(page - machine->memmap) / MML_SECTION_FRAMES];
}

/* Is there memory behind the frames? Without, they can only be counted. */
static inline bool mml_has_memory(const struct mml_machine *machine)
{
	return machine->base || machine->sections;
}

/*
 * Where the kernel maps the frame, and the others of its block after it; only on a
 * machine that has memory.
 */
static inline void *mml_page_address(const struct mml_machine *machine,
				     const struct mml_page *page)
{
	unsigned long pfn = page - machine->memmap;

	if (unlikely(machine->sections))
		return mml_page_section(machine, page)->base +
		       (pfn % MML_SECTION_FRAMES << PAGE_SHIFT);
	return machine->base + (pfn << PAGE_SHIFT);
}

unsigned long mml_section_virt_to_pfn(const struct mml_machine *machine,
				      const void *address);

/*
 * The number of the frame that the kernel maps at @address: the other way round as
 * mml_page_address(). Returns: no number of a frame, but some larger one, if there is none.
 */
static inline unsigned long mml_virt_to_pfn(const struct mml_machine *machine,
					    const void *address)
{
	if (unlikely(!machine->base))
		return mml_section_virt_to_pfn(machine, address);
	return (unsigned long)(address - machine->base) >> PAGE_SHIFT;
}

/* The same; NULL if there is none. */
static inline struct mml_page *mml_virt_to_page(const struct mml_machine *machine,
						const void *address)
{
	unsigned long pfn = mml_virt_to_pfn(machine, address);

	return likely(pfn < machine->nr_frames) ? &machine->memmap[pfn] : NULL;
}

/* The kernel's own pfn of the frame; only on a machine that has memory. */
static inline unsigned long mml_pfn_to_real_pfn(const struct mml_machine *machine, mml_pfn_t pfn)
{
	if (unlikely(machine->sections))
		return machine->sections[pfn.val / MML_SECTION_FRAMES].base_pfn +
		       pfn.val % MML_SECTION_FRAMES;
	return machine->base_pfn + pfn.val;
}

static inline unsigned long mml_page_to_real_pfn(const struct mml_machine *machine,
						 const struct mml_page *page)
{
	return mml_pfn_to_real_pfn(machine, mml_page_to_pfn(machine, page));
}

unsigned long mml_section_present(const struct mml_machine *machine,
				  unsigned long pfn);
bool mml_section_offline(const struct mml_machine *machine, unsigned long pfn);
void mml_section_online(struct mml_machine *machine, unsigned long pfn, bool online);

/*
 * Engines ask these instead of the kernel, so that a run can be repeated.
 */

/* Nanoseconds that never go back. */
static inline u64 mml_clock(struct mml_machine *machine)
{
	return ktime_get_ns();
}

/* The CPU this runs on; may change at once unless preemption is off. */
static inline int mml_cpu(struct mml_machine *machine)
{
	return raw_smp_processor_id();
}

u32 mml_random(struct mml_machine *machine);

/* plant.c */
bool mml_bug_comes(struct mml_machine *machine);
extern const struct file_operations mml_plant_fops;

#endif /* _MML_MACHINE_H */
