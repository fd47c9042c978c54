/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of this room share, and nobody else sees.
 */
#ifndef _MML_MM_INTERNAL_H
#define _MML_MM_INTERNAL_H

#include "mm_lab/alloc.h"
#include "vma_probe/mm/mm.h"

/**
 * struct mml_ptdesc - a page table
 * @page: the frame that it is in; page->mapping leads back here
 * @level: 0 for a table of PTEs, 3 for the top
 * @nr_present: entries that are present
 * @lock: the table mutex (level 0)
 * @rcu: frees it, once no validator looks at it any more
 *
 * Lock key: C constant; T, at level 0 @lock, above it mm->page_table_lock to add and
 * mm->mmap_lock held for writing to remove.
 */
struct mml_ptdesc {
	struct mml_page	*page;		/* C */
	unsigned int	level;		/* C */
	unsigned int	nr_present;	/* T */
	struct mutex	lock;
	struct rcu_head	rcu;
};

/* Bytes of address space that one entry of a table of @level covers. */
static inline unsigned long mml_entry_size(unsigned int level)
{
	return PAGE_SIZE << (level * MML_PT_BITS);
}

static inline unsigned int mml_entry_index(unsigned long addr, unsigned int level)
{
	return addr >> (PAGE_SHIFT + level * MML_PT_BITS) & (MML_PTRS_PER_TABLE - 1);
}

static inline mml_pte_t *mml_entry(const struct mml_mm *mm,
				   const struct mml_ptdesc *table,
				   unsigned long addr)
{
	mml_pte_t *entries = mml_page_address(mm->machine, table->page);

	return &entries[mml_entry_index(addr, table->level)];
}

static inline struct mml_page *mml_pte_page(const struct mml_mm *mm, mml_pte_t pte)
{
	return mml_pfn_to_page(mm->machine, mml_pte_pfn(pte));
}

/* The frame that @pte maps; NULL if it maps none: it is empty, or the zero page's. */
static inline struct mml_page *mml_vm_normal_page(const struct mml_mm *mm, mml_pte_t pte)
{
	return mml_pte_present(pte) && !mml_pte_special(pte) ? mml_pte_page(mm, pte) : NULL;
}

static inline bool mml_pte_same(mml_pte_t a, mml_pte_t b)
{
	return a.val == b.val;
}

/* What maps the zero page. */
static inline mml_pte_t mml_mk_zero_pte(void)
{
	return (mml_pte_t){ MML_PTE_SPECIAL | MML_PTE_PRESENT | MML_PTE_USER | MML_PTE_NX };
}

static inline mml_pte_t mml_mk_pte(const struct mml_mm *mm,
				   const struct mml_page *page, u64 bits)
{
	u64 pfn = mml_page_to_pfn(mm->machine, page).val;

	return (mml_pte_t){ pfn << 12 | bits | MML_PTE_PRESENT | MML_PTE_USER };
}

/* pgtable.c */
struct mml_ptdesc *mml_pte_alloc(struct mml_mm *mm, unsigned long addr, gfp_t gfp);
struct mml_ptdesc *mml_pte_find(struct mml_mm *mm, unsigned long addr);
struct mml_ptdesc *mml_pte_find_rmap(struct mml_mm *mm, unsigned long addr);
struct mml_ptdesc *mml_pte_next(struct mml_mm *mm, unsigned long *addr,
				unsigned long end);
void mml_set_pte(struct mml_mm *mm, struct mml_ptdesc *table, unsigned long addr,
		 mml_pte_t pte);
void mml_free_pgtables(struct mml_mm *mm, unsigned long start, unsigned long end);
int mml_missing_table(const struct mml_mm *mm, unsigned long addr);

/* The end of the range that the table of PTEs at @addr covers, or @end. */
static inline unsigned long mml_table_end(unsigned long addr, unsigned long end)
{
	unsigned long next = (addr | (mml_entry_size(1) - 1)) + 1;

	return min(next, end);
}

/* mm.c: frames for an mm, charged to it. */
struct mml_page *mml_mm_alloc_page(struct mml_mm *mm, gfp_t gfp, struct mml_counter *counter,
				   enum mml_page_type type, void *owner);
void mml_mm_free_page(struct mml_mm *mm, struct mml_page *page, struct mml_counter *counter);
struct mml_page *mml_anon_page(struct mml_vma *vma, unsigned long addr, gfp_t gfp,
			       struct mml_counter *counter);

/* Frames of anonymous memory: */
#define MML_GFP_ANON	(__GFP_HIGHMEM | __GFP_MOVABLE)

/* around.c */
int mml_do_fault_around(struct mml_vma *vma, struct mml_ptdesc *table, struct mml_fault *fault);
void mml_count_around(struct mml_mm *mm, long nr);
void mml_count_lazyfree(struct mml_mm *mm, long nr);
void mml_harvest(struct mml_mm *mm, unsigned long start, unsigned long end,
		 enum mml_harvest how);
void mml_harvest_mm(struct mml_mm *mm, enum mml_harvest how);

/* shrink.c */
void mml_lazyfree_range(struct mml_mm *mm, unsigned long start, unsigned long end);
void mml_unlazyfree_range(struct mml_mm *mm, unsigned long start, unsigned long end);
unsigned long mml_shrink_around(struct mml_mm *mm, unsigned long nr);

/* Frames that are mapped and known to be used. While others fault, about so many. */
static inline unsigned long mml_mm_rss(const struct mml_mm *mm)
{
	return atomic_long_read(&mm->anon_rss) - atomic_long_read(&mm->nr_around) +
	       atomic_long_read(&mm->shmem_rss);
}

/* show.c */
void mml_show_vma_range(struct seq_file *seq, const struct mml_vma *vma);

/* zap.c: taking away, from a range whose real entries are revoked first */
void mml_flush_tlb_range(struct mml_mm *mm, unsigned long start, unsigned long end);
void mml_zap_range(struct mml_mm *mm, unsigned long start, unsigned long end);
void mml_wrprotect_range(struct mml_mm *mm, unsigned long start, unsigned long end);
unsigned long mml_zap_pages(struct mml_mm *mm, unsigned long nr,
			    bool (*which)(const struct mml_mm *mm, mml_pte_t pte));
void mml_walk_range(struct mml_mm *mm, unsigned long start, unsigned long end,
		    void (*fn)(struct mml_mm *mm, struct mml_ptdesc *table,
			       unsigned long addr, unsigned long end));
void mml_raise_hiwater_rss(struct mml_mm *mm);
void mml_zap_one(struct mml_mm *mm, struct mml_ptdesc *table, unsigned long addr);
void mml_anon_page_replaced(struct mml_mm *mm, struct mml_page *page);

/* explain.c: what failed, and why */
void mml_explain_fault(struct mml_mm *mm, const struct mml_fault *fault,
		       enum mml_fault_result result);

/*
 * What is tried to answer a fault, as the event mml_fault_decision tells it; its arg
 * and value:
 */
enum mml_fault_try {
	MML_FAULT_TRY_VMA,		/* there is one: what it allows, its start */
	MML_FAULT_TRY_NO_VMA,		/* there is none */
	MML_FAULT_TRY_REFUSED,		/* it does not allow that: as for VMA */
	MML_FAULT_TRY_TABLE,		/* a table was made: its level, its frame */
	MML_FAULT_TRY_TABLE_RACE,	/* so had another thread: the same of that */
	MML_FAULT_TRY_NO_TABLE,		/* none could be made: its level */
	MML_FAULT_TRY_FRAME,		/* nothing was mapped, or the zero page: its frame-to-be */
	MML_FAULT_TRY_AROUND,		/* the same, with others around: how many, its frame-to-be */
	MML_FAULT_TRY_NO_FRAME,		/* no frame is to be had for it, or for its copy */
	MML_FAULT_TRY_ZERO,		/* nothing was mapped: it is only read, the zero page */
	MML_FAULT_TRY_PRESENT,		/* the page is mapped: what it allows, its frame */
	MML_FAULT_TRY_REUSE,		/* to be written, and nobody else maps it: its frame */
	MML_FAULT_TRY_COPY,		/* to be written, and shared: the frame of its copy */
	MML_FAULT_TRY_SHARED,		/* it is shared memory: its frame there */
	MML_FAULT_TRY_OVERTAKEN,	/* by another thread: look again */
	MML_FAULT_TRY_MAP,		/* the entry is written: what it allows, its frame */
};

/* vma.c */
struct mml_vma *mml_vma_alloc(struct mml_mm *mm, unsigned long start,
			      unsigned long end, unsigned long flags, gfp_t gfp);
int mml_vma_replace(struct mml_mm *mm, unsigned long start, unsigned long end,
		    struct mml_vma *vma, struct list_head *old, gfp_t gfp);
int mml_vma_expand(struct mml_mm *mm, struct mml_vma *vma, unsigned long end);
int mml_vma_expand_down(struct mml_mm *mm, struct mml_vma *vma, unsigned long start);
struct mml_vma *mml_vma_prev(struct mml_mm *mm, unsigned long addr);
int mml_split_vma(struct mml_mm *mm, struct mml_vma *vma, unsigned long addr);
void mml_vma_merge(struct mml_mm *mm, struct mml_vma *vma);
void mml_vma_merge_but(struct mml_mm *mm, struct mml_vma *vma, const struct mml_vma *stranger);
void mml_unsplit_at(struct mml_mm *mm, unsigned long addr);
void mml_vma_free(struct mml_vma *vma);
int mml_unmapped_area(struct mml_mm *mm, unsigned long hint, unsigned long len,
		      unsigned long *addr);
int mml_split_range(struct mml_mm *mm, unsigned long start, unsigned long end);
void mml_vma_set_flags(struct mml_vma *vma, unsigned long flags);
int mml_vma_modify_flags(struct mml_mm *mm, unsigned long start, unsigned long end,
			 unsigned long flags);
void mml_free_vmas(struct list_head *vmas);

/* rmap.c: whose pages a vma's are, and who maps them */
int mml_anon_vma_prepare(struct mml_vma *vma);
int mml_anon_vma_clone(struct mml_vma *dst, const struct mml_vma *src);
int mml_anon_vma_fork(struct mml_vma *vma, const struct mml_vma *parent);
void mml_anon_vma_adopt(struct mml_vma *lower, struct mml_vma *upper);
void mml_unlink_anon_vmas(struct mml_vma *vma);
void mml_vma_set_range(struct mml_vma *vma, unsigned long start, unsigned long end);
void mml_take_rmap_locks(struct mml_vma *vma);
void mml_drop_rmap_locks(struct mml_vma *vma);
bool mml_page_mapped_at(const struct mml_page *page, const struct mml_vma *vma,
			unsigned long addr);
bool mml_anon_vma_valid(const struct mml_vma *vma);
bool mml_vma_has_anon_vma(const struct mml_vma *vma, const struct mml_anon_vma *anon_vma);
bool mml_anon_vma_mergeable(const struct mml_vma *a, const struct mml_vma *b,
			    const struct mml_vma *neighbour);

/* shmem.c: memory that several mms map */
struct mml_shmem *mml_shmem_create(struct mml_mm *mm, unsigned long pages, bool reserve);
void mml_shmem_put(struct mml_shmem *shmem);
void mml_shmem_link(struct mml_vma *vma, struct mml_shmem *shmem);
void mml_shmem_clone(struct mml_vma *vma, const struct mml_vma *from);
void mml_shmem_unlink(struct mml_vma *vma);
struct rw_semaphore *mml_shmem_rwsem(const struct mml_vma *vma);
void mml_shmem_tree_remove(struct mml_vma *vma);
void mml_shmem_tree_insert(struct mml_vma *vma);
bool mml_shmem_resident(struct mml_shmem *shmem, unsigned long index);
int mml_do_shared_fault(struct mml_vma *vma, struct mml_ptdesc *table, struct mml_fault *fault);
void mml_shmem_remove_pages(struct mml_shmem *shmem, unsigned long first, unsigned long last);
unsigned int mml_shmem_walk(struct mml_page *page, mml_rmap_fn fn, void *arg);

/* mmap.c: what its calls have in common with madvise.c's and mremap.c's */
bool mml_in_range(struct mml_mm *mm, unsigned long addr, unsigned long len);
int mml_mmap_write_lock(struct mml_mm *mm);
int mml_map_new(struct mml_mm *mm, unsigned long start, unsigned long end,
		unsigned long vm_flags, struct mml_shmem *shmem);
int mml_unmap_locked(struct mml_mm *mm, unsigned long start, unsigned long end,
		     struct mml_vma *vma);

/* Do writes to it make frames of its own? */
static inline bool mml_is_private_writable(unsigned long vm_flags)
{
	return (vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
}

/* limits.c: what may be had, and what vmas count for */
void mml_vm_account(struct mml_mm *mm, unsigned long vm_flags, long pages);
bool mml_enough_memory(const struct mml_mm *mm, long pages);
bool mml_may_expand_vm(const struct mml_mm *mm, unsigned long vm_flags, unsigned long pages);
bool mml_can_do_mlock(void);
bool mml_mlock_future_ok(const struct mml_mm *mm, unsigned long vm_flags, unsigned long pages);
bool mml_map_count_ok(const struct mml_mm *mm, unsigned int more);

/* mlock.c */
void mml_populate_locked(struct mml_mm *mm, unsigned long start, unsigned long end);

/* brk.c */
unsigned long mml_vm_start_gap(const struct mml_vma *vma);
struct mml_vma *mml_expand_stack(struct mml_mm *mm, unsigned long addr);

/* fault.c */
void mml_tell_fault(struct mml_mm *mm, const struct mml_fault *fault, enum mml_fault_try step,
		    unsigned int arg, const struct mml_page *page);
int mml_fault_install(struct mml_vma *vma, struct mml_ptdesc *table, struct mml_fault *fault,
		      mml_pte_t pte, bool replaced);
int mml_fault_no_frame(struct mml_mm *mm, const struct mml_fault *fault, mml_pte_t pte);
bool mml_pte_unchanged(struct mml_mm *mm, struct mml_ptdesc *table,
		       const struct mml_fault *fault, mml_pte_t pte);
int mml_fault_install_new(struct mml_vma *vma, struct mml_ptdesc *table,
			  struct mml_fault *fault, struct mml_page *page, bool replaced);
enum mml_fault_result mml_handle_mm_fault_locked(struct mml_mm *mm, struct mml_fault *fault);
void mml_populate_held(struct mml_mm *mm, unsigned long start, unsigned long end, bool write);
int mml_populate(struct mml_mm *mm, unsigned long start, unsigned long end, bool write,
		 unsigned long wanted);

#endif /* _MML_MM_INTERNAL_H */
