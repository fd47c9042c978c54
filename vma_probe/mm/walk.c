// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of one address, as text: the vma, the walk over the page tables, entry by entry, and
 * the page at its end with all who map it.
 *
 *	address: 10fffff5a000
 *	vma: 10ffffb5a000-110000000000 rw-p
 *	pgd: table 16383 index 33 entry 0000000003ffe007 present rw user
 *	pud: table 16382 index 511 entry 0000000003ffd007 present rw user
 *	pmd: table 16381 index 511 entry 0000000003ffc007 present rw user
 *	pte: table 16380 index 346 entry 8000000003f1b067 present rw user accessed dirty nx
 *	page: frame 16155 mapcount 1 refcount 1 state used owner anonymous
 *	mapped: session 3 address 10fffff5a000
 *
 * A walk ends at the entry that is not present. The page is then "none"; it may also be "zero", the
 * zero page. The state of a frame is used; around: fault-around brought it, and nobody has used it;
 * or lazyfree: it was given up by MADV_FREE. Tables and frames have the lab's numbers.
 *
 * Kernel counterpart: mm/ptdump.c, and show_pte() of some architectures.
 *
 * Locking: mmap_lock for writing, so that what is printed is of one moment; under it the table mutex,
 * to get a reference to the frame, for one of shared memory can go without mmap_lock; then the lock
 * of the frame's anon_vma or object. Others who map the frame may come and go.
 */
#include <linux/seq_file.h>

#include "vma_probe/mm/internal.h"

/* The bits of an entry, in words. */
static void mml_show_pte_bits(struct seq_file *seq, mml_pte_t pte)
{
	static const struct {
		u64 bit;
		const char *name;
	} bits[] = {
		{ MML_PTE_PRESENT, "present" },
		{ MML_PTE_RW, "rw" },
		{ MML_PTE_USER, "user" },
		{ MML_PTE_ACCESSED, "accessed" },
		{ MML_PTE_DIRTY, "dirty" },
		{ MML_PTE_SPECIAL, "special" },
		{ MML_PTE_AROUND, "around" },
		{ MML_PTE_NX, "nx" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (pte.val & bits[i].bit)
			seq_printf(seq, " %s", bits[i].name);
}

static void mml_show_walk_step(struct seq_file *seq, const struct mml_walk_step *step)
{
	static const char *const names[MML_PT_LEVELS] = { "pte", "pmd", "pud", "pgd" };

	seq_printf(seq, "%s: table %u index %u entry %016llx", names[step->level], step->table.val,
		   step->index, step->entry.val);
	mml_show_pte_bits(seq, step->entry);
	seq_putc(seq, '\n');
}

/* One who maps the frame. */
static bool mml_show_mapped(struct mml_vma *vma, unsigned long addr, void *arg)
{
	const struct mml_window_ops *ops = vma->vm_mm->window_ops;
	struct seq_file *seq = arg;

	seq_printf(seq, "mapped: session %u address %lx\n", ops ? ops->number(vma->vm_mm) : 0, addr);
	/* If there is no room, all of it comes again. */
	return !seq_has_overflowed(seq);
}

/* Nobody gives up a page of shared memory, which may be clean. */
static const char *mml_pte_state(mml_pte_t pte, const struct mml_page *page)
{
	if (mml_pte_around(pte))
		return "around";
	return page->type == MML_PAGE_ANON && mml_pte_lazyfree(pte) ? "lazyfree" : "used";
}

/* The frame that @pte, of @addr, leads to, with a reference; NULL if it does no longer. */
static struct mml_page *mml_walk_get_page(struct mml_mm *mm, unsigned long addr, mml_pte_t pte)
{
	struct mml_ptdesc *table = mml_pte_find(mm, addr);
	struct mml_page *page = NULL;

	mutex_lock(&table->lock);
	if (mml_pte_same(*mml_entry(mm, table, addr), pte)) {
		page = mml_vm_normal_page(mm, pte);
		mml_get_page(page);
	}
	mutex_unlock(&table->lock);
	return page;
}

/* What @pte, of @addr, leads to. */
static void mml_show_walk_page(struct seq_file *seq, struct mml_mm *mm, unsigned long addr,
			       mml_pte_t pte)
{
	const struct mml_page_ops *ops;
	struct mml_page *page;

	if (!mml_vm_normal_page(mm, pte)) {
		seq_printf(seq, "page: %s\n", mml_pte_present(pte) ? "zero" : "none");
		return;
	}
	page = mml_walk_get_page(mm, addr, pte);
	if (!page) {
		seq_puts(seq, "page: none\n");
		return;
	}
	ops = mm->machine->page_ops[page->type];
	seq_printf(seq, "page: frame %u mapcount %d refcount %d state %s owner %s\n",
		   mml_pte_pfn(pte).val, atomic_read(&page->_mapcount),
		   mml_page_ref_count(page) - 1, mml_pte_state(pte, page),
		   ops ? ops->name : "unknown");
	mml_rmap_walk(page, mml_show_mapped, seq);
	__mml_free_pages(mm->machine, page, 0);
}

/**
 * mml_mm_show_walk - print what becomes of an address, as at the head of walk.c
 * @seq: where to
 * @mm: the mm
 * @addr: the address, below 1 << MML_ADDRESS_BITS
 *
 * Context: process, may sleep.
 */
void mml_mm_show_walk(struct seq_file *seq, struct mml_mm *mm, unsigned long addr)
{
	struct mml_walk_step step[MML_PT_LEVELS];
	const unsigned long page = addr & PAGE_MASK;
	const struct mml_vma *vma;
	unsigned int nr, i;

	seq_printf(seq, "address: %lx\n", addr);
	down_write(&mm->mmap_lock);
	vma = mml_vma_lookup(mm, addr);
	seq_puts(seq, "vma: ");
	if (vma) {
		mml_harvest(mm, page, page + PAGE_SIZE, MML_HARVEST_LOOK);
		mml_show_vma_range(seq, vma);
	} else {
		seq_puts(seq, "none");
	}
	seq_putc(seq, '\n');
	nr = mml_walk_tables(mm, addr, step);
	for (i = 0; i < nr; i++)
		mml_show_walk_step(seq, &step[i]);
	mml_show_walk_page(seq, mm, page,
			   nr == MML_PT_LEVELS ? step[nr - 1].entry : (mml_pte_t){});
	up_write(&mm->mmap_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_show_walk, MM_LAB);
