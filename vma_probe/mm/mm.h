/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address spaces: the fake mm, its vmas, its page tables, its faults.
 *
 * This room knows no mm_struct, no struct file and no session: what ties an mm to a
 * real process is behind struct mml_window_ops, and is absent in unit tests. The
 * lab's page tables are the authority; the real page-table entries are a TLB that
 * caches them, filled by ->insert and flushed by ->revoke. What hardware notes in them of what
 * fault-around mapped comes back by ->harvest.
 *
 * Locks, outermost first:
 *	mm->mmap_lock		rwsem: writers change vmas and free tables, faults read
 *	anon_vma->root->rwsem	from which vmas a frame may be mapped: see rmap.c; and
 *	shmem->rwsem		the same of shared memory: see shmem.c
 *	ptdesc->lock		the table mutex, one for each table of PTEs: under it an
 *				entry changes, and is put into the real page table. Who
 *				takes something away from a range holds mmap_lock for
 *				writing, so that no fault comes, and revokes the real
 *				entries before: see zap.c; but for a page of shared memory
 *				that goes from all mms. So does who harvests, which changes
 *				entries without it: see around.c
 *	mm->page_table_lock	spinlock: adding a table to the upper levels, or an anon_vma
 *				to a vma
 * Lab memory is allocated under none of the last two.
 */
#ifndef _MML_MM_H
#define _MML_MM_H

#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>

#include "buddy_probe/buddy.h"
#include "mm_lab/counter.h"

struct mml_anon_vma;
struct mml_fault;
struct mml_mm;
struct mml_ptdesc;
struct mml_shmem;
struct seq_file;

/*
 * An address, as the four levels see it:
 *
 *	 47    39 38    30 29    21 20    12 11     0
 *	+--------+--------+--------+--------+--------+
 *	|   3    |   2    |   1    |   0    | offset |
 *	|  pgd   |  pud   |  pmd   |  pte   |        |
 *	+--------+--------+--------+--------+--------+
 */
#define MML_PT_LEVELS		4
#define MML_PT_BITS		9
#define MML_PTRS_PER_TABLE	(1 << MML_PT_BITS)
#define MML_ADDRESS_BITS	(PAGE_SHIFT + MML_PT_LEVELS * MML_PT_BITS)

/*
 * Page-table entries, of all levels: the bits of x86-64, with the lab's frame number
 * where the hardware has the physical one. A PTE allows writing only after a write
 * was seen, so that it is dirty whenever it is writable; and only while nobody else maps
 * its frame. A special one has no frame: it maps the zero page, which is the kernel's. One that
 * is around may be written before anybody sees that: see around.c.
 */
typedef struct {
	u64 val;
} mml_pte_t;

#define MML_PTE_PRESENT		BIT_ULL(0)
#define MML_PTE_RW		BIT_ULL(1)
#define MML_PTE_USER		BIT_ULL(2)
#define MML_PTE_ACCESSED	BIT_ULL(5)
#define MML_PTE_DIRTY		BIT_ULL(6)
#define MML_PTE_SPECIAL		BIT_ULL(9)
#define MML_PTE_AROUND		BIT_ULL(10)
#define MML_PTE_NX		BIT_ULL(63)
#define MML_PTE_PFN_MASK	GENMASK_ULL(51, 12)

static inline bool mml_pte_present(mml_pte_t pte)
{
	return pte.val & MML_PTE_PRESENT;
}

static inline bool mml_pte_write(mml_pte_t pte)
{
	return pte.val & MML_PTE_RW;
}

static inline bool mml_pte_exec(mml_pte_t pte)
{
	return !(pte.val & MML_PTE_NX);
}

static inline bool mml_pte_special(mml_pte_t pte)
{
	return pte.val & MML_PTE_SPECIAL;
}

static inline bool mml_pte_around(mml_pte_t pte)
{
	return pte.val & MML_PTE_AROUND;
}

/* Its page was given up by MADV_FREE, and not written since. */
static inline bool mml_pte_lazyfree(mml_pte_t pte)
{
	return (pte.val & (MML_PTE_PRESENT | MML_PTE_SPECIAL | MML_PTE_AROUND |
			   MML_PTE_DIRTY)) == MML_PTE_PRESENT;
}

/* A CPU has written to its page, or may have. */
static inline mml_pte_t mml_pte_mkused(mml_pte_t pte)
{
	return (mml_pte_t){ (pte.val & ~MML_PTE_AROUND) | MML_PTE_ACCESSED | MML_PTE_DIRTY };
}

static inline mml_pfn_t mml_pte_pfn(mml_pte_t pte)
{
	return mml_pfn((pte.val & MML_PTE_PFN_MASK) >> 12);
}

/* What becomes of real entries when it is asked which were used. */
enum mml_harvest {
	MML_HARVEST_LOOK,	/* nothing */
	MML_HARVEST_UNUSED,	/* the unused ones are forgotten: no TLB has them */
	MML_HARVEST_ALL,	/* all are, by who flushes all TLBs afterwards */
};

/**
 * struct mml_window_ops - the tie of an mm to real processes
 * @insert: let the real page table say what the lab's says: @pte, of @page, or of the zero
 *	page (NULL), for fault->address, whatever it said before. Called under the table
 *	mutex. 0; -ENOMEM; -EIO: nothing may be inserted any more
 * @insert_around: the same for those of @nr entries, of @start and so on, that are around, where
 *	nothing is yet: as not accessed. It may leave out any. Called under the table mutex
 * @accessed: was the real entry of @addr, in the same table as the fault's, accessed? Called with
 *	mmap_lock held for reading
 * @revoke: forget all real entries of [@start, @end). May sleep; a table mutex may be held
 * @harvest: mark used (mml_pte_mkused()) those of the entries of [@start, @end), the first being
 *	@entry, all in one table, that are around and whose real ones were accessed. Called with
 *	mmap_lock held for writing. How many were used
 * @number: by which people know @mm
 * @shrink: memory is short, or @mm's counter at its limit: mml_shrink_mm() all mms for which
 *	that helps. May sleep, no lock of the lab is held
 */
struct mml_window_ops {
	int (*insert)(struct mml_mm *mm, struct mml_fault *fault,
		      struct mml_page *page, mml_pte_t pte);
	void (*insert_around)(struct mml_mm *mm, struct mml_fault *fault, unsigned long start,
			      unsigned int nr, const mml_pte_t *entry);
	bool (*accessed)(struct mml_mm *mm, const struct mml_fault *fault, unsigned long addr);
	void (*revoke)(struct mml_mm *mm, unsigned long start, unsigned long end);
	unsigned long (*harvest)(struct mml_mm *mm, unsigned long start, unsigned long end,
				 mml_pte_t *entry, enum mml_harvest how);
	u32 (*number)(const struct mml_mm *mm);
	void (*shrink)(struct mml_mm *mm);
};

/* The most pages that a fault maps, a power of two. */
#define MML_AROUND_MAX		32U

/**
 * struct mml_mm_common - what all mms of a machine have in common
 * @nr_anon: frames that they map, each counted once
 * @nr_shmem: frames of shared memory
 * @nr_around: those of @nr_anon that fault-around mapped, and nobody is known to have used
 * @nr_lazyfree: entries of frames that were given up by MADV_FREE
 * @nr_taken_back: frames of either kind that were taken back, ever
 * @nr_committed: pages of all vmas with VM_ACCOUNT
 * @around_pages: how many a fault maps: a power of two up to MML_AROUND_MAX; up to 1: itself
 * @overcommit_memory: OVERCOMMIT_*
 * @overcommit_ratio: per cent of its frames that can be committed with OVERCOMMIT_NEVER
 * @overcommit_kbytes: KiB instead of that, if not 0
 * @max_map_count: vmas that an mm can have
 */
struct mml_mm_common {
	atomic_long_t nr_anon;
	atomic_long_t nr_shmem;
	atomic_long_t nr_around;
	atomic_long_t nr_lazyfree;
	atomic_long_t nr_taken_back;
	atomic_long_t nr_committed;
	unsigned long around_pages;
	unsigned long overcommit_memory;
	unsigned long overcommit_ratio;
	unsigned long overcommit_kbytes;
	unsigned long max_map_count;
};

/**
 * struct mml_vma - a range of addresses with one protection
 * @vm_mm: of which mm
 * @vm_start: first address
 * @vm_end: first address after it
 * @vm_flags: VM_READ, VM_WRITE, VM_EXEC, VM_SHARED, VM_NORESERVE, VM_ACCOUNT, VM_GROWSDOWN,
 *	VM_LOCKED, VM_LOCKONFAULT, and what madvise.c sets
 * @vm_pgoff: page number of its beginning when its first page was written, or now: what was
 *	moved since is no continuation of its neighbours. If it is shared: in @shmem
 * @shmem: what it maps, if it is shared
 * @shared_rb: in the tree of that
 * @shared_subtree_last: that tree's own
 * @anon_vma: to whom the pages written from now on belong; NULL before the first was
 * @anon_vma_chain: all to whom pages that it maps may belong: see rmap.c
 * @node: on a list of detached vmas
 *
 * All fields are protected by mm->mmap_lock, and, once there is an anon_vma or a shmem, its place by
 * that one's rwsem, too. @anon_vma is set under page_table_lock while mmap_lock is held for reading.
 */
struct mml_vma {
	struct mml_mm *vm_mm;
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct mml_shmem *shmem;
	struct rb_node shared_rb;
	unsigned long shared_subtree_last;
	struct mml_anon_vma *anon_vma;
	struct list_head anon_vma_chain;
	struct list_head node;
};

static inline unsigned long mml_vma_pages(const struct mml_vma *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/* The number by which a frame of @vma at @addr is known to its anon_vma, and back. */
static inline unsigned long mml_linear_page_index(const struct mml_vma *vma, unsigned long addr)
{
	return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

static inline unsigned long mml_vma_address(const struct mml_vma *vma, unsigned long index)
{
	return vma->vm_start + ((index - vma->vm_pgoff) << PAGE_SHIFT);
}

/* Would the pages of @next, if it followed @vma, continue its own? */
static inline bool mml_vma_continues(const struct mml_vma *vma, const struct mml_vma *next)
{
	return vma->shmem == next->shmem && vma->vm_pgoff + mml_vma_pages(vma) == next->vm_pgoff;
}

/**
 * struct mml_mm - an address space
 * @machine: its frames are from here
 * @counter: is charged for those that it maps, its parent once for those that relatives share
 * @common: to all mms of the machine
 * @window_ops: the tie to real processes, or NULL
 * @start: first address it may use
 * @end: first address after those; 0 while there is no window
 * @mmap_lock: see the head of this file
 * @mt: the vmas, by address
 * @map_count: how many vmas
 * @total_vm: pages in vmas
 * @data_vm: of those, private writable ones that are no stack
 * @exec_vm: executable ones that cannot be written
 * @stack_vm: those of stacks
 * @locked_vm: those of locked vmas
 * @committed_vm: those of vmas with VM_ACCOUNT
 * @def_flags: flags of vmas to come: VM_LOCKED, VM_LOCKONFAULT
 * @start_brk: where the heap begins
 * @brk: where it ends
 * @dead: it was torn down: nothing may be added
 * @stillborn: and that because fork found no frames: its process is to be killed
 * @unmerged: it may have vmas that its calls would have merged: it began as a copy, or
 *	MREMAP_DONTUNMAP left one
 * @page_table_lock: see the head of this file
 * @pgd: the top-level table; NULL before the first fault
 * @anon_rss: anonymous frames mapped
 * @shmem_rss: shared frames mapped
 * @nr_around: those of @anon_rss that are around: see around.c
 * @nr_lazyfree: those that were given up: see shrink.c
 * @nr_ptes: frames used as page tables
 * @hiwater_vm: the most @total_vm ever was, as of when it last fell
 * @hiwater_rss: the most frames that were mapped and used, as far as that was known when some went
 * @hiwater_asked: frames mapped when it was last asked for that which were used
 *
 * Lock key: C constant, M mmap_lock, P page_table_lock, A atomic.
 */
struct mml_mm {
	struct mml_machine		*machine;	/* C */
	struct mml_counter		*counter;	/* C */
	struct mml_mm_common		*common;	/* C */
	const struct mml_window_ops	*window_ops;	/* C */
	unsigned long			start;		/* M */
	unsigned long			end;		/* M */

	struct rw_semaphore		mmap_lock;
	struct maple_tree		mt;		/* M */
	unsigned int			map_count;	/* M */
	unsigned long			total_vm;	/* M */
	unsigned long			data_vm;	/* M */
	unsigned long			exec_vm;	/* M */
	unsigned long			stack_vm;	/* M */
	unsigned long			locked_vm;	/* M */
	unsigned long			committed_vm;	/* M */
	unsigned long			def_flags;	/* M */
	unsigned long			start_brk;	/* M */
	unsigned long			brk;		/* M */
	bool				dead;		/* M */
	bool				stillborn;	/* M */
	bool				unmerged;	/* M */

	spinlock_t			page_table_lock;
	struct mml_ptdesc		*pgd;		/* P, M to remove */
	atomic_long_t			anon_rss;	/* A */
	atomic_long_t			shmem_rss;	/* A */
	atomic_long_t			nr_around;	/* A */
	atomic_long_t			nr_lazyfree;	/* A */
	atomic_long_t			nr_ptes;	/* A */
	unsigned long			hiwater_vm;	/* M */
	atomic_long_t			hiwater_rss;	/* A */
	unsigned long			hiwater_asked;	/* M */
};

/* Why a fault happened: bits of mml_fault.flags. */
#define MML_FAULT_WRITE		BIT(0)
#define MML_FAULT_EXEC		BIT(1)
#define MML_FAULT_MAY_RETRY	BIT(2)	/* rather than wait for mmap_lock */
/* Of the fault's own: */
#define MML_FAULT_TOLD		BIT(3)	/* each decision is an event */

enum mml_fault_result {
	MML_FAULT_DONE,		/* the access can be tried again */
	MML_FAULT_RETRY,	/* wait with mml_mm_wait(), holding nothing, and call again */
	MML_FAULT_MAPERR,	/* no vma there */
	MML_FAULT_ACCERR,	/* a vma, but it does not allow that */
	MML_FAULT_OOM,		/* no frame left */
	MML_FAULT_SIGBUS,	/* a vma of shared memory that ends before */
	MML_FAULT_DEAD,		/* the mm is gone */
};

/* How a fault was answered. */
enum mml_fault_path {
	MML_PATH_NONE,		/* it was not */
	MML_PATH_SPURIOUS,	/* the page was there: its real entry was not, or not enough */
	MML_PATH_ZERO,		/* the zero page */
	MML_PATH_FRAME,		/* a zeroed frame */
	MML_PATH_AROUND,	/* the same, and others around it */
	MML_PATH_REUSE,		/* the frame that was there: nobody else has it any more */
	MML_PATH_COPY,		/* a copy of the frame that was there */
	MML_PATH_SHARED,	/* the frame of shared memory */
};

/**
 * struct mml_fault - an access that the real page table could not answer
 * @address: accessed, rounded down to a page
 * @flags: MML_FAULT_*
 * @gfp: for frames and tables
 * @window: for window_ops->insert; NULL: nothing is inserted
 * @path: out: how it was answered
 */
struct mml_fault {
	unsigned long address;
	unsigned int flags;
	gfp_t gfp;
	void *window;
	enum mml_fault_path path;
};

/**
 * struct mml_walk_step - what a walk over the page tables finds on a level
 * @level: 3 at the top, 0 where PTEs are
 * @table: the frame of the table
 * @index: of the entry for the address
 * @entry: that entry
 */
struct mml_walk_step {
	unsigned int level;
	mml_pfn_t table;
	unsigned int index;
	mml_pte_t entry;
};

/* Life of an mm (mm.c). */
void mml_mm_common_init(struct mml_mm_common *common);
void mml_mm_init(struct mml_mm *mm, struct mml_machine *machine,
		 struct mml_counter *counter, struct mml_mm_common *common,
		 const struct mml_window_ops *ops);
int mml_mm_set_range(struct mml_mm *mm, unsigned long start, unsigned long end);
void mml_exit_mmap(struct mml_mm *mm);
void mml_mm_wait(struct mml_mm *mm);

/* System calls (mmap.c, mremap.c, madvise.c, mincore.c, mlock.c, brk.c). */
int mml_mmap(struct mml_mm *mm, unsigned long *addr, unsigned long len,
	     unsigned long prot, unsigned long flags);
int mml_munmap(struct mml_mm *mm, unsigned long addr, unsigned long len);
int mml_mprotect(struct mml_mm *mm, unsigned long addr, unsigned long len,
		 unsigned long prot);
int mml_mremap(struct mml_mm *mm, unsigned long *addr, unsigned long old_len,
	       unsigned long new_len, unsigned long flags, unsigned long new_addr);
int mml_madvise(struct mml_mm *mm, unsigned long addr, unsigned long len,
		int advice);
long mml_mincore(struct mml_mm *mm, unsigned long addr, unsigned long pages, u8 *vec);
int mml_msync(struct mml_mm *mm, unsigned long addr, unsigned long len, unsigned long flags);
int mml_mlock2(struct mml_mm *mm, unsigned long addr, unsigned long len, unsigned long flags);
int mml_munlock(struct mml_mm *mm, unsigned long addr, unsigned long len);
int mml_mlockall(struct mml_mm *mm, unsigned long flags);
int mml_munlockall(struct mml_mm *mm);
unsigned long mml_brk(struct mml_mm *mm, unsigned long brk);

/* Faults (fault.c, around.c), fork (fork.c), and what can be taken back (shrink.c). */
enum mml_fault_result mml_handle_mm_fault(struct mml_mm *mm,
					  struct mml_fault *fault);
int mml_access(struct mml_mm *mm, unsigned long addr, void *buf, int len,
	       bool write);
void mml_mm_revoke(struct mml_mm *mm);
void mml_fork_prepare(struct mml_mm *mm);
int mml_dup_mmap(struct mml_mm *mm, struct mml_mm *oldmm);
unsigned long mml_shrink_mm(struct mml_mm *mm, unsigned long nr);
unsigned long mml_mm_shrink_begin(const struct mml_mm *mm);
bool mml_mm_shrink(struct mml_mm *mm, unsigned long begin);

/* What may be had (limits.c). */
unsigned long mml_commit_limit(const struct mml_mm_common *common,
			       const struct mml_machine *machine);

/* Reverse mapping (rmap.c). */
typedef bool (*mml_rmap_fn)(struct mml_vma *vma, unsigned long addr, void *arg);
unsigned int mml_rmap_walk(struct mml_page *page, mml_rmap_fn fn, void *arg);

/* Looking (vma.c, pgtable.c, show.c, walk.c, validate.c). */
struct mml_vma *mml_find_vma(struct mml_mm *mm, unsigned long addr);
struct mml_vma *mml_vma_lookup(struct mml_mm *mm, unsigned long addr);
mml_pte_t mml_pte_get(struct mml_mm *mm, unsigned long addr);
unsigned int mml_walk_tables(struct mml_mm *mm, unsigned long addr, struct mml_walk_step *step);
void mml_mm_show_walk(struct seq_file *seq, struct mml_mm *mm, unsigned long addr);
void mml_mm_show_maps(struct seq_file *seq, struct mml_mm *mm);
void mml_mm_show_smaps(struct seq_file *seq, struct mml_mm *mm);
void mml_mm_show_smaps_rollup(struct seq_file *seq, struct mml_mm *mm);
void mml_mm_show_status(struct seq_file *seq, struct mml_mm *mm);
void mml_mm_validate(struct mml_mm *mm, struct mml_validation *v);
void mml_mm_validate_locked(struct mml_mm *mm, struct mml_validation *v);

extern const struct mml_page_ops mml_table_page_ops;
extern const struct mml_page_ops mml_anon_page_ops;
extern const struct mml_page_ops mml_shmem_page_ops;

#endif /* _MML_MM_H */
