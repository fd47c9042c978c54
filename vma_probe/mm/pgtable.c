// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables: four levels, in lab frames.
 *
 * Kernel counterpart: __pmd_alloc(), __pte_alloc(), free_pgtables() in mm/memory.c.
 * Differences: one walk for all levels instead of one function a level; a table
 * counts its present entries, so that an empty one is found without looking at 512
 * of them; a descriptor of its own holds the lock that does not fit into the frame's
 * struct mml_page. A table lives as long as a vma may need it: it is freed when the
 * last vma in its range is unmapped, or with the mm.
 *
 * Locking: tables are added under page_table_lock, by who holds mmap_lock for
 * reading at least; they are removed by who holds it for writing. So a table that was
 * found stays while mmap_lock is held; and that of a vma that was found by reverse
 * mapping stays as long as it is found there. PTEs change under the table mutex, or in the harvest
 * (around.c), which holds mmap_lock for writing.
 */
#include "vma_probe/mm/internal.h"

#include "trace.h"

static struct mml_ptdesc *mml_page_ptdesc(const struct mml_page *page)
{
	return page->mapping;
}

static bool mml_table_page_check(struct mml_machine *machine, struct mml_page *page)
{
	const struct mml_ptdesc *table = READ_ONCE(page->mapping);

	/* Is it the mapping of a table? If not, the page has another owner by now. */
	smp_rmb();
	if (READ_ONCE(page->type) != MML_PAGE_TABLE ||
	    READ_ONCE(page->state) != MML_FRAME_ALLOCATED)
		return true;
	return page->order == 0 && table && table->nr_present <= MML_PTRS_PER_TABLE;
}

const struct mml_page_ops mml_table_page_ops = {
	.name = "page table",
	.check = mml_table_page_check,
};

static struct mml_ptdesc *mml_table_alloc(struct mml_mm *mm, unsigned int level,
					  gfp_t gfp)
{
	struct mml_ptdesc *table;

	/* The kernel's memory may be waited for; @gfp is for the lab's. */
	table = mml_kzalloc(mm->machine, sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table) {
		mml_explain_alloc(mm->machine, MML_WHY_KERNEL_MEMORY,
				  GFP_KERNEL_ACCOUNT, 0);
		return NULL;
	}
	table->level = level;
	mutex_init(&table->lock);
	table->page = mml_mm_alloc_page(mm, gfp | __GFP_ZERO, mm->counter, MML_PAGE_TABLE,
					table);
	if (!table->page) {
		kfree(table);
		return NULL;
	}
	atomic_long_inc(&mm->nr_ptes);
	return table;
}

static void mml_table_free(struct mml_mm *mm, struct mml_ptdesc *table)
{
	atomic_long_dec(&mm->nr_ptes);
	mml_mm_free_page(mm, table->page, mm->counter);
	/* A validator may be looking at it. */
	kfree_rcu(table, rcu);
}

/* The top-level table, or NULL. */
static struct mml_ptdesc *mml_pgd(const struct mml_mm *mm)
{
	/* Pairs with mml_table_install(). */
	return smp_load_acquire(&mm->pgd);
}

/* The table that @entry, of an upper level, leads to; NULL if it is not present. */
static struct mml_ptdesc *mml_table_below(const struct mml_mm *mm,
					  const mml_pte_t *entry)
{
	mml_pte_t pte = { READ_ONCE(entry->val) };

	return mml_pte_present(pte) ? mml_page_ptdesc(mml_pte_page(mm, pte)) : NULL;
}

/*
 * Put @new where the table for @addr belongs: below @table, or at the top. Returns:
 * the table that is there now, @new or one that somebody else put there first.
 */
static struct mml_ptdesc *mml_table_install(struct mml_mm *mm,
					    struct mml_ptdesc *table,
					    unsigned long addr,
					    struct mml_ptdesc *new)
{
	struct mml_ptdesc *there;
	mml_pte_t *entry;

	spin_lock(&mm->page_table_lock);
	if (!table) {
		there = mm->pgd;
		if (!there) {
			/* Pairs with mml_pgd(): content before address. */
			smp_store_release(&mm->pgd, new);
		}
	} else {
		entry = mml_entry(mm, table, addr);
		there = mml_table_below(mm, entry);
		if (!there) {
			table->nr_present++;
			smp_wmb(); /* the new table's zeroes before what leads to it */
			WRITE_ONCE(entry->val,
				   mml_mk_pte(mm, new->page, MML_PTE_RW).val);
		}
	}
	spin_unlock(&mm->page_table_lock);
	return there ?: new;
}

/* Tell of a table that is new, or that there is none. */
static void mml_tell_table(struct mml_mm *mm, unsigned long addr,
			   enum mml_fault_try step, unsigned int level,
			   const struct mml_ptdesc *table)
{
	if (unlikely(test_bit(MML_SLOW_DECISIONS, &mm->machine->slow)))
		trace_mml_fault_decision(mm, addr, step, level, table ?
			mml_page_to_pfn(mm->machine, table->page).val : 0);
}

/* The table of @level for @addr below @table (at the top: NULL), made if need be. */
static struct mml_ptdesc *mml_table_get(struct mml_mm *mm, struct mml_ptdesc *table,
					unsigned long addr, unsigned int level,
					gfp_t gfp)
{
	struct mml_ptdesc *there, *new;

	there = table ? mml_table_below(mm, mml_entry(mm, table, addr)) : mml_pgd(mm);
	if (there)
		return there;
	new = mml_table_alloc(mm, level, gfp);
	if (!new) {
		mml_tell_table(mm, addr, MML_FAULT_TRY_NO_TABLE, level, NULL);
		return NULL;
	}
	there = mml_table_install(mm, table, addr, new);
	if (there == new) {
		mml_tell_table(mm, addr, MML_FAULT_TRY_TABLE, level, new);
	} else {
		mml_tell_table(mm, addr, MML_FAULT_TRY_TABLE_RACE, level, there);
		mml_table_free(mm, new);
	}
	return there;
}

/* The table of PTEs for @addr, made if need be; NULL for want of memory. */
struct mml_ptdesc *mml_pte_alloc(struct mml_mm *mm, unsigned long addr, gfp_t gfp)
{
	struct mml_ptdesc *table = NULL;
	int level;

	lockdep_assert_held(&mm->mmap_lock);

	for (level = MML_PT_LEVELS - 1; level >= 0; level--) {
		table = mml_table_get(mm, table, addr, level, gfp);
		if (!table)
			return NULL;
	}
	return table;
}

static struct mml_ptdesc *__mml_pte_next(struct mml_mm *mm, unsigned long *addr,
					 unsigned long end)
{
	while (*addr < end) {
		struct mml_ptdesc *table = mml_pgd(mm);
		unsigned int level = MML_PT_LEVELS;

		while (table && table->level) {
			level = table->level;
			table = mml_table_below(mm, mml_entry(mm, table, *addr));
		}
		if (table)
			return table;
		if (level == MML_PT_LEVELS)
			return NULL;
		*addr = (*addr | (mml_entry_size(level) - 1)) + 1;
	}
	return NULL;
}

/*
 * The table of PTEs for the first address from *@addr on that has one; *@addr is moved
 * up to it. NULL if there is none below @end.
 */
struct mml_ptdesc *mml_pte_next(struct mml_mm *mm, unsigned long *addr,
				unsigned long end)
{
	lockdep_assert_held(&mm->mmap_lock);

	return __mml_pte_next(mm, addr, end);
}

/*
 * The table of PTEs for @addr, or NULL if there is none. Context: instead of mmap_lock, the
 * rwsem of an anon_vma, or of the shared memory, of the vma there is held.
 */
struct mml_ptdesc *mml_pte_find_rmap(struct mml_mm *mm, unsigned long addr)
{
	return __mml_pte_next(mm, &addr, addr + 1);
}

/* The table of PTEs for @addr, or NULL if there is none. */
struct mml_ptdesc *mml_pte_find(struct mml_mm *mm, unsigned long addr)
{
	return mml_pte_next(mm, &addr, addr + 1);
}

/* The level of the first table for @addr, from the top, that is not there; or -1. */
int mml_missing_table(const struct mml_mm *mm, unsigned long addr)
{
	struct mml_ptdesc *table = mml_pgd(mm);
	int level = MML_PT_LEVELS - 1;

	lockdep_assert_held(&mm->mmap_lock);

	for (; table && level > 0; level--)
		table = mml_table_below(mm, mml_entry(mm, table, addr));
	return table ? -1 : level;
}

/* Count @nr more entries that are lazily freed. */
void mml_count_lazyfree(struct mml_mm *mm, long nr)
{
	atomic_long_add(nr, &mm->nr_lazyfree);
	atomic_long_add(nr, &mm->common->nr_lazyfree);
}

/* Write a PTE, and keep the counts of the present ones, those around, and those lazily freed. */
void mml_set_pte(struct mml_mm *mm, struct mml_ptdesc *table, unsigned long addr,
		 mml_pte_t pte)
{
	mml_pte_t *entry = mml_entry(mm, table, addr);

	lockdep_assert_held(&table->lock);

	table->nr_present += mml_pte_present(pte) - mml_pte_present(*entry);
	if (unlikely((pte.val ^ entry->val) & MML_PTE_AROUND))
		mml_count_around(mm, mml_pte_around(pte) ? 1 : -1);
	if (unlikely(mml_pte_lazyfree(pte) != mml_pte_lazyfree(*entry)))
		mml_count_lazyfree(mm, mml_pte_lazyfree(pte) ? 1 : -1);
	WRITE_ONCE(entry->val, pte.val);
}

/**
 * mml_pte_get - what the page tables say of an address
 * @mm: the mm
 * @addr: the address
 *
 * Context: process, may sleep; mmap_lock is held.
 * Return: the PTE; 0 if there is not even a table.
 */
mml_pte_t mml_pte_get(struct mml_mm *mm, unsigned long addr)
{
	struct mml_ptdesc *table = mml_pte_find(mm, addr);
	mml_pte_t pte = {};

	if (!table)
		return pte;
	mutex_lock(&table->lock);
	pte = *mml_entry(mm, table, addr);
	mutex_unlock(&table->lock);
	return pte;
}
EXPORT_SYMBOL_NS_GPL(mml_pte_get, MM_LAB);

/**
 * mml_walk_tables - walk the page tables for an address, as the hardware does
 * @mm: the mm
 * @addr: the address
 * @step: out: room for MML_PT_LEVELS
 *
 * Nine bits of the address say which entry of a table leads to the next::
 *
 *	step[0]: pgd    step[1]: pud    step[2]: pmd    step[3]: PTEs
 *	 entry -------->  entry ------->  entry ------->  entry -------> frame
 *
 * Context: process; mmap_lock is held for writing, so that nothing changes meanwhile, but that a
 * frame of shared memory may be removed.
 * Return: how many tables there are. Fewer than all: the entry in the last of them is not present.
 */
unsigned int mml_walk_tables(struct mml_mm *mm, unsigned long addr, struct mml_walk_step *step)
{
	struct mml_ptdesc *table = mml_pgd(mm);
	unsigned int nr = 0;

	lockdep_assert_held_write(&mm->mmap_lock);

	while (table) {
		const mml_pte_t *entry = mml_entry(mm, table, addr);

		step[nr++] = (struct mml_walk_step){
			.level = table->level,
			.table = mml_page_to_pfn(mm->machine, table->page),
			.index = mml_entry_index(addr, table->level),
			.entry = *entry,
		};
		table = table->level ? mml_table_below(mm, entry) : NULL;
	}
	return nr;
}
EXPORT_SYMBOL_NS_GPL(mml_walk_tables, MM_LAB);

/* Addresses of which no vma needs tables: between two vmas. */
struct mml_gap {
	unsigned long floor;
	unsigned long ceiling;	/* 0: the end of all addresses */
};

/* Does the entry of size @size for @addr lie wholly in @gap? */
static bool mml_in_gap(const struct mml_gap *gap, unsigned long addr, unsigned long size)
{
	unsigned long first = addr & ~(size - 1), last = addr | (size - 1);

	return first >= gap->floor && last <= gap->ceiling - 1;
}

/* Free the tables below @table for [@start, @end), as far as they lie in @gap. */
static void mml_free_tables_below(struct mml_mm *mm, struct mml_ptdesc *table,
				  unsigned long start, unsigned long end,
				  const struct mml_gap *gap)
{
	unsigned long size = mml_entry_size(table->level);
	unsigned long addr, next;

	for (addr = start; addr < end; addr = next) {
		mml_pte_t *entry = mml_entry(mm, table, addr);
		struct mml_ptdesc *below = mml_table_below(mm, entry);

		next = min((addr | (size - 1)) + 1, end);
		if (!below)
			continue;
		if (below->level)
			mml_free_tables_below(mm, below, addr, next, gap);
		if (!mml_in_gap(gap, addr, size))
			continue;
		entry->val = 0;
		table->nr_present--;
		mml_table_free(mm, below);
	}
}

/*
 * Free the tables that nobody needs any more now that [@start, @end) is empty: it has no entry, and
 * no vma, or one that is new. Those that a vma beside it needs stay.
 */
void mml_free_pgtables(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	MA_STATE(mas, &mm->mt, end, end);
	const struct mml_vma *next, *prev;
	struct mml_gap gap;

	lockdep_assert_held_write(&mm->mmap_lock);

	if (!mm->pgd || start >= end)
		return;
	next = mas_find(&mas, ULONG_MAX);
	mas_set(&mas, start);
	prev = mas_prev(&mas, 0);
	gap.floor = prev ? prev->vm_end : 0;
	gap.ceiling = next ? next->vm_start : 0;
	mml_free_tables_below(mm, mm->pgd, start, end, &gap);
	if (prev || next)
		return;
	mml_table_free(mm, mm->pgd);
	mm->pgd = NULL;
}
