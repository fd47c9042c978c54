// SPDX-License-Identifier: GPL-2.0
/*
 * The validator of an address space: the invariants at the heads of mm.c, vma.c and rmap.c.
 *
 * Kernel counterpart: validate_mm() in mm/vma.c, check_mm() in kernel/fork.c.
 *
 * Locking: mmap_lock for writing, so that no fault is under way.
 */
#include "vma_probe/mm/internal.h"

/* What a walk over the tables counts. */
struct mml_table_walk {
	struct mml_mm *mm;
	struct mml_validation *v;
	unsigned long tables;
	unsigned long frames;
	unsigned long shmem;
	unsigned long around;
	unsigned long lazyfree;
};

/* Pages of vmas, as limits.c counts them. */
struct mml_vma_sums {
	unsigned long total;
	unsigned long data;
	unsigned long exec;
	unsigned long stack;
	unsigned long locked;
	unsigned long committed;
};

static void mml_sum_vma(struct mml_vma_sums *sums, const struct mml_vma *vma)
{
	unsigned long flags = vma->vm_flags, pages = mml_vma_pages(vma);

	sums->total += pages;
	sums->locked += flags & VM_LOCKED ? pages : 0;
	sums->committed += flags & VM_ACCOUNT ? pages : 0;
	if (flags & VM_GROWSDOWN)
		sums->stack += pages;
	else if (flags & VM_WRITE)
		sums->data += flags & VM_SHARED ? 0 : pages;
	else if (flags & VM_EXEC)
		sums->exec += pages;
}

static void mml_check_sum(struct mml_validation *v, const char *name, unsigned long sum,
			  unsigned long said)
{
	mml_check(v, sum == said, "%lu pages in vmas, %s says %lu", sum, name, said);
}

static void mml_validate_vmas(struct mml_mm *mm, struct mml_validation *v)
{
	MA_STATE(mas, &mm->mt, 0, 0);
	unsigned long last = mm->start;
	struct mml_vma_sums sums = {};
	const struct mml_vma *prev = NULL;
	unsigned int count = 0;
	struct mml_vma *vma;

	mas_for_each(&mas, vma, ULONG_MAX) {
		mml_check(v, mas.index == vma->vm_start && mas.last == vma->vm_end - 1,
			  "vma %lx-%lx is at %lx-%lx in the tree", vma->vm_start,
			  vma->vm_end, mas.index, mas.last + 1);
		mml_check(v, PAGE_ALIGNED(vma->vm_start | vma->vm_end) &&
			  vma->vm_start < vma->vm_end && vma->vm_start >= last &&
			  vma->vm_end <= mm->end,
			  "vma %lx-%lx cannot be after %lx", vma->vm_start,
			  vma->vm_end, last);
		mml_check(v, mm->unmerged || !prev || prev->vm_end != vma->vm_start ||
			  prev->vm_flags != vma->vm_flags || prev->anon_vma || vma->anon_vma ||
			  !mml_vma_continues(prev, vma),
			  "vma %lx-%lx could be part of the one before it",
			  vma->vm_start, vma->vm_end);
		mml_check(v, mml_anon_vma_valid(vma), "vma %lx-%lx has a wrong chain of anon_vmas",
			  vma->vm_start, vma->vm_end);
		mml_sum_vma(&sums, vma);
		last = vma->vm_end;
		prev = vma;
		count++;
	}
	mml_check(v, count == mm->map_count, "%u vmas, map_count says %u", count,
		  mm->map_count);
	mml_check_sum(v, "total_vm", sums.total, mm->total_vm);
	mml_check_sum(v, "data_vm", sums.data, mm->data_vm);
	mml_check_sum(v, "exec_vm", sums.exec, mm->exec_vm);
	mml_check_sum(v, "stack_vm", sums.stack, mm->stack_vm);
	mml_check_sum(v, "locked_vm", sums.locked, mm->locked_vm);
	mml_check_sum(v, "committed_vm", sums.committed, mm->committed_vm);
}

/* Where a walk begins. */
struct mml_first_entry {
	const struct mml_mm *mm;
	unsigned long addr;
};

static bool mml_find_first(struct mml_vma *vma, unsigned long addr, void *arg)
{
	struct mml_first_entry *first = arg;

	first->mm = vma->vm_mm;
	first->addr = addr;
	return false;
}

/*
 * Is @page, which @mm maps at @addr, mapped as often as a walk finds? That is asked where the walk
 * begins: once for each frame, and not once for each of a thousand children that share it. Another
 * mm, of a fork that failed, may take its entries away meanwhile; there is nobody who could add
 * one.
 */
static bool mml_mapcount_valid(const struct mml_mm *mm, unsigned long addr, struct mml_page *page)
{
	int before, after = atomic_read(&page->_mapcount);
	struct mml_first_entry first = {};
	unsigned int found;

	if (!mml_rmap_walk(page, mml_find_first, &first))
		return false;
	if (first.mm != mm || first.addr != addr)
		return true;
	do {
		before = after;
		found = mml_rmap_walk(page, NULL, NULL);
		after = atomic_read(&page->_mapcount);
	} while (after != before);
	return found == after;
}

/* Is @page, which is mapped at @addr of @vma, what has to be there? */
static bool mml_mapping_valid(const struct mml_page *page, const struct mml_vma *vma,
			      unsigned long addr)
{
	if (page->state != MML_FRAME_ALLOCATED ||
	    page->index != mml_linear_page_index(vma, addr))
		return false;
	if (vma->shmem)
		return page->type == MML_PAGE_SHMEM && page->mapping == vma->shmem;
	return page->type == MML_PAGE_ANON && mml_vma_has_anon_vma(vma, page->mapping);
}

/* What @pte, of @addr in @vma, leads to. */
static void mml_validate_page(struct mml_table_walk *walk, const struct mml_vma *vma,
			      unsigned long addr, mml_pte_t pte)
{
	struct mml_page *page;

	if (vma->shmem)
		walk->shmem++;
	else
		walk->frames++;
	walk->around += mml_pte_around(pte);
	walk->lazyfree += mml_pte_lazyfree(pte);
	if (!mml_check(walk->v, mml_pfn_valid(walk->mm->machine, mml_pte_pfn(pte)),
		       "PTE of %lx leads to frame %u", addr, mml_pte_pfn(pte).val))
		return;
	page = mml_pte_page(walk->mm, pte);
	if (!mml_check(walk->v, mml_mapping_valid(page, vma, addr),
		       "PTE of %lx leads to frame %u, which is not mapped there", addr,
		       mml_pte_pfn(pte).val))
		return;
	mml_check(walk->v, !(pte.val & (MML_PTE_RW | MML_PTE_AROUND)) || vma->shmem ||
		  atomic_read(&page->_mapcount) == 1,
		  "PTE of %lx may write to frame %u, which others map", addr,
		  mml_pte_pfn(pte).val);
	mml_check(walk->v, mml_page_ref_count(page) >= atomic_read(&page->_mapcount),
		  "frame %u is mapped more often than referred to", mml_pte_pfn(pte).val);
	mml_check(walk->v, mml_mapcount_valid(walk->mm, addr, page),
		  "frame %u is not mapped as often as _mapcount says", mml_pte_pfn(pte).val);
}

static void mml_validate_pte(struct mml_table_walk *walk, unsigned long addr,
			     mml_pte_t pte)
{
	const struct mml_vma *vma = mml_vma_lookup(walk->mm, addr);

	if (!mml_check(walk->v, vma, "PTE of %lx is outside all vmas", addr))
		return;
	if (mml_pte_special(pte))
		mml_check(walk->v, !mml_pte_write(pte) && !mml_pte_pfn(pte).val,
			  "PTE of %lx, of the zero page, has a frame or may write", addr);
	else
		mml_validate_page(walk, vma, addr, pte);
	mml_check(walk->v, (!mml_pte_write(pte) || vma->vm_flags & VM_WRITE) &&
		  (!mml_pte_exec(pte) || vma->vm_flags & VM_EXEC),
		  "PTE of %lx allows what its vma does not", addr);
	mml_check(walk->v, !mml_pte_write(pte) || pte.val & (MML_PTE_DIRTY | MML_PTE_AROUND),
		  "PTE of %lx is writable and not dirty", addr);
	mml_check(walk->v, !mml_pte_around(pte) ||
		  !(pte.val & (MML_PTE_SPECIAL | MML_PTE_ACCESSED | MML_PTE_DIRTY)),
		  "PTE of %lx is around, and in use", addr);
}

/* The table that @pte, an entry of @table, leads to; NULL if it is no such table. */
static const struct mml_ptdesc *
mml_validate_entry(struct mml_table_walk *walk, const struct mml_ptdesc *table,
		   mml_pte_t pte)
{
	const struct mml_ptdesc *below = NULL;
	const struct mml_page *page;

	if (mml_pfn_valid(walk->mm->machine, mml_pte_pfn(pte))) {
		page = mml_pte_page(walk->mm, pte);
		if (page->state == MML_FRAME_ALLOCATED && page->type == MML_PAGE_TABLE)
			below = page->mapping;
	}
	return mml_check(walk->v, below && below->level == table->level - 1,
			 "an entry of a table of level %u leads to frame %u, which is no table below it",
			 table->level, mml_pte_pfn(pte).val) ? below : NULL;
}

/* Walk @table, which maps addresses from @addr on. */
static void mml_validate_table(struct mml_table_walk *walk,
			       const struct mml_ptdesc *table, unsigned long addr)
{
	unsigned int i, present = 0;

	walk->tables++;
	for (i = 0; i < MML_PTRS_PER_TABLE; i++) {
		unsigned long at = addr + i * mml_entry_size(table->level);
		mml_pte_t pte = *mml_entry(walk->mm, table, at);
		const struct mml_ptdesc *below;

		if (!mml_pte_present(pte))
			continue;
		present++;
		if (!table->level) {
			mml_validate_pte(walk, at, pte);
			continue;
		}
		below = mml_validate_entry(walk, table, pte);
		if (below)
			mml_validate_table(walk, below, at);
	}
	cond_resched();
	mml_check(walk->v, present == table->nr_present,
		  "table of %lx, level %u: %u entries present, nr_present says %u",
		  addr, table->level, present, table->nr_present);
}

/**
 * mml_mm_validate_locked - check every invariant of an address space
 * @mm: the mm
 * @v: counts
 *
 * Context: process, may sleep; its mmap_lock is held for writing, and that of every relative with
 * which it shares frames, or they do nothing meanwhile but exit.
 */
void mml_mm_validate_locked(struct mml_mm *mm, struct mml_validation *v)
{
	struct mml_table_walk walk = { .mm = mm, .v = v };
	unsigned long frames;

	lockdep_assert_held_write(&mm->mmap_lock);

	mml_validate_vmas(mm, v);
	if (mm->pgd)
		mml_validate_table(&walk, mm->pgd, 0);
	frames = atomic_long_read(&mm->anon_rss);
	mml_check(v, walk.frames == frames, "%lu frames mapped, anon_rss says %lu",
		  walk.frames, frames);
	frames = atomic_long_read(&mm->shmem_rss);
	mml_check(v, walk.shmem == frames, "%lu shared frames mapped, shmem_rss says %lu",
		  walk.shmem, frames);
	frames = atomic_long_read(&mm->nr_around);
	mml_check(v, walk.around == frames, "%lu entries are around, nr_around says %lu",
		  walk.around, frames);
	frames = atomic_long_read(&mm->nr_lazyfree);
	mml_check(v, walk.lazyfree == frames, "%lu entries are lazily freed, nr_lazyfree says %lu",
		  walk.lazyfree, frames);
	frames = atomic_long_read(&mm->nr_ptes);
	mml_check(v, walk.tables == frames, "%lu tables, nr_ptes says %lu",
		  walk.tables, frames);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_validate_locked, MM_LAB);

/**
 * mml_mm_validate - the same, of one that has no relatives, or idle ones
 * @mm: the mm
 * @v: counts
 *
 * Context: process, may sleep.
 */
void mml_mm_validate(struct mml_mm *mm, struct mml_validation *v)
{
	down_write(&mm->mmap_lock);
	mml_mm_validate_locked(mm, v);
	up_write(&mm->mmap_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_validate, MM_LAB);
