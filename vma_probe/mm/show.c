// SPDX-License-Identifier: GPL-2.0
/*
 * An address space as text: maps, smaps, smaps_rollup and status.
 *
 *	Rss	frames that its entries map
 *	Pss	of each frame a share: that of one of as many as map it. The Pss of all who map a
 *		frame add up to one frame
 *	Shared, Private		mapped by others, too, or not
 *	Dirty, Clean		written since it was mapped, or given up by MADV_FREE since
 *
 * Kernel counterpart: fs/proc/task_mmu.c. Formats are theirs, line by line, also where the lab has
 * nothing to tell and says 0. Differences: what fault-around mapped and nobody has used (around.c)
 * is not resident, and told in a line of its own, MmlAround; no soft-dirty bits; VmPTE counts the
 * top-level table; VmHWM may miss a little, see mml_update_hiwater_rss().
 *
 * Locking: mmap_lock for writing, while it is asked what CPUs have used; for reading, and the table
 * mutex, while entries are looked at.
 */
#include <linux/math64.h>
#include <linux/seq_file.h>

#include "vma_probe/mm/internal.h"

static void mml_show_range(struct seq_file *seq, unsigned long start, unsigned long end,
			   unsigned long flags)
{
	seq_printf(seq, "%08lx-%08lx %c%c%c%c", start, end,
		   flags & VM_READ ? 'r' : '-',
		   flags & VM_WRITE ? 'w' : '-',
		   flags & VM_EXEC ? 'x' : '-',
		   flags & VM_SHARED ? 's' : 'p');
}

/* Where a vma is, and what it allows. */
void mml_show_vma_range(struct seq_file *seq, const struct mml_vma *vma)
{
	mml_show_range(seq, vma->vm_start, vma->vm_end, vma->vm_flags);
}

/* The same, and that it is of no file. */
static void mml_show_vma(struct seq_file *seq, const struct mml_vma *vma)
{
	mml_show_vma_range(seq, vma);
	seq_puts(seq, " 00000000 00:00 0 ");
	seq_putc(seq, '\n');
}

/**
 * mml_mm_show_maps - print the vmas, as /proc/PID/maps does
 * @seq: where to
 * @mm: the mm
 *
 * Context: process, may sleep.
 */
void mml_mm_show_maps(struct seq_file *seq, struct mml_mm *mm)
{
	MA_STATE(mas, &mm->mt, 0, 0);
	struct mml_vma *vma;

	down_read(&mm->mmap_lock);
	mas_for_each(&mas, vma, ULONG_MAX)
		mml_show_vma(seq, vma);
	up_read(&mm->mmap_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_show_maps, MM_LAB);

/*
 * smaps
 */

/* Shares of a frame are counted in so small parts of a byte that little is lost in adding them. */
#define MML_PSS_SHIFT	12

/* What entries map, in bytes; what begins with pss in parts of them. */
struct mml_mem_size_stats {
	unsigned long resident;
	unsigned long shared_clean;
	unsigned long shared_dirty;
	unsigned long private_clean;
	unsigned long private_dirty;
	unsigned long referenced;
	unsigned long anonymous;
	unsigned long lazyfree;
	u64 pss;
	u64 pss_anon;
	u64 pss_shmem;
	u64 pss_dirty;
	u64 pss_locked;
};

/* A frame that is mapped by @pte. */
static void mml_smaps_account(struct mml_mem_size_stats *mss, const struct mml_page *page,
			      mml_pte_t pte, bool locked)
{
	const unsigned int mapcount = max(atomic_read(&page->_mapcount), 1);
	const u64 pss = div_u64((u64)PAGE_SIZE << MML_PSS_SHIFT, mapcount);
	const bool anon = page->type == MML_PAGE_ANON, dirty = pte.val & MML_PTE_DIRTY;

	mss->resident += PAGE_SIZE;
	mss->pss += pss;
	*(anon ? &mss->pss_anon : &mss->pss_shmem) += pss;
	if (anon)
		mss->anonymous += PAGE_SIZE;
	if (anon && mml_pte_lazyfree(pte))
		mss->lazyfree += PAGE_SIZE;
	if (pte.val & MML_PTE_ACCESSED)
		mss->referenced += PAGE_SIZE;
	if (locked)
		mss->pss_locked += pss;
	if (dirty) {
		mss->pss_dirty += pss;
		*(mapcount > 1 ? &mss->shared_dirty : &mss->private_dirty) += PAGE_SIZE;
	} else {
		*(mapcount > 1 ? &mss->shared_clean : &mss->private_clean) += PAGE_SIZE;
	}
}

/* Add what @vma maps. */
static void mml_smap_gather_stats(const struct mml_vma *vma, struct mml_mem_size_stats *mss)
{
	unsigned long addr = vma->vm_start, next;
	struct mml_mm *mm = vma->vm_mm;
	struct mml_ptdesc *table;

	for (; (table = mml_pte_next(mm, &addr, vma->vm_end)); cond_resched()) {
		next = mml_table_end(addr, vma->vm_end);
		mutex_lock(&table->lock);
		for (; addr < next; addr += PAGE_SIZE) {
			mml_pte_t pte = *mml_entry(mm, table, addr);
			const struct mml_page *page = mml_vm_normal_page(mm, pte);

			if (page && !mml_pte_around(pte))
				mml_smaps_account(mss, page, pte, vma->vm_flags & VM_LOCKED);
		}
		mutex_unlock(&table->lock);
	}
}

/* A line of smaps, and what it says in bytes. */
struct mml_smap_line {
	const char *name;
	u64 bytes;
};

static void mml_smap_lines(struct seq_file *seq, const struct mml_smap_line *line, unsigned int nr)
{
	for (; nr--; line++)
		seq_printf(seq, "%-16s%8llu kB\n", line->name, line->bytes >> 10);
}

/* What smaps and the rollup have in common; only that tells the kinds of Pss apart. */
static void __mml_show_smap(struct seq_file *seq, const struct mml_mem_size_stats *mss, bool rollup)
{
	const struct mml_smap_line total[] = {
		{ "Rss:", mss->resident },
		{ "Pss:", mss->pss >> MML_PSS_SHIFT },
		{ "Pss_Dirty:", mss->pss_dirty >> MML_PSS_SHIFT },
	};
	const struct mml_smap_line kinds[] = {
		{ "Pss_Anon:", mss->pss_anon >> MML_PSS_SHIFT },
		{ "Pss_File:", 0 },
		{ "Pss_Shmem:", mss->pss_shmem >> MML_PSS_SHIFT },
	};
	const struct mml_smap_line rest[] = {
		{ "Shared_Clean:", mss->shared_clean },
		{ "Shared_Dirty:", mss->shared_dirty },
		{ "Private_Clean:", mss->private_clean },
		{ "Private_Dirty:", mss->private_dirty },
		{ "Referenced:", mss->referenced },
		{ "Anonymous:", mss->anonymous },
		{ "KSM:", 0 },
		{ "LazyFree:", mss->lazyfree },
		{ "AnonHugePages:", 0 },
		{ "ShmemPmdMapped:", 0 },
		{ "FilePmdMapped:", 0 },
		{ "Shared_Hugetlb:", 0 },
		{ "Private_Hugetlb:", 0 },
		{ "Swap:", 0 },
		{ "SwapPss:", 0 },
		{ "Locked:", mss->pss_locked >> MML_PSS_SHIFT },
	};

	mml_smap_lines(seq, total, ARRAY_SIZE(total));
	if (rollup)
		mml_smap_lines(seq, kinds, ARRAY_SIZE(kinds));
	mml_smap_lines(seq, rest, ARRAY_SIZE(rest));
}

/* The flags of a vma in two letters each, as the kernel has them. */
static void mml_show_smap_vma_flags(struct seq_file *seq, const struct mml_vma *vma)
{
	static const char mnemonics[BITS_PER_LONG][3] = {
		[ilog2(VM_READ)] = "rd",
		[ilog2(VM_WRITE)] = "wr",
		[ilog2(VM_EXEC)] = "ex",
		[ilog2(VM_SHARED)] = "sh",
		[ilog2(VM_MAYREAD)] = "mr",
		[ilog2(VM_MAYWRITE)] = "mw",
		[ilog2(VM_MAYEXEC)] = "me",
		[ilog2(VM_MAYSHARE)] = "ms",
		[ilog2(VM_GROWSDOWN)] = "gd",
		[ilog2(VM_LOCKED)] = "lo",
		[ilog2(VM_SEQ_READ)] = "sr",
		[ilog2(VM_RAND_READ)] = "rr",
		[ilog2(VM_DONTCOPY)] = "dc",
		[ilog2(VM_DONTEXPAND)] = "de",
		[ilog2(VM_LOCKONFAULT)] = "lf",
		[ilog2(VM_ACCOUNT)] = "ac",
		[ilog2(VM_NORESERVE)] = "nr",
		[ilog2(VM_WIPEONFORK)] = "wf",
		[ilog2(VM_DONTDUMP)] = "dd",
		[ilog2(VM_HUGEPAGE)] = "hg",
		[ilog2(VM_NOHUGEPAGE)] = "nh",
		[ilog2(VM_MERGEABLE)] = "mg",
	};
	/* mprotect may allow everything, of any vma: the kernel says that in flags, too. */
	unsigned long flags = vma->vm_flags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC |
			      (vma->vm_flags & VM_SHARED ? VM_MAYSHARE : 0);
	unsigned int bit;

	seq_puts(seq, "VmFlags: ");
	for_each_set_bit(bit, &flags, BITS_PER_LONG)
		seq_printf(seq, "%s ", mnemonics[bit][0] ? mnemonics[bit] : "??");
	seq_putc(seq, '\n');
}

static void mml_show_smap(struct seq_file *seq, const struct mml_vma *vma)
{
	const struct mml_smap_line sizes[] = {
		{ "Size:", vma->vm_end - vma->vm_start },
		{ "KernelPageSize:", PAGE_SIZE },
		{ "MMUPageSize:", PAGE_SIZE },
	};
	struct mml_mem_size_stats mss = {};

	mml_smap_gather_stats(vma, &mss);
	mml_show_vma(seq, vma);
	mml_smap_lines(seq, sizes, ARRAY_SIZE(sizes));
	__mml_show_smap(seq, &mss, false);
	seq_printf(seq, "THPeligible:    %8u\n", 0);
	mml_show_smap_vma_flags(seq, vma);
}

/* Take mmap_lock for reading, when it is known which pages were used. */
static void mml_look_lock(struct mml_mm *mm)
{
	down_write(&mm->mmap_lock);
	if (atomic_long_read(&mm->nr_around))
		mml_harvest_mm(mm, MML_HARVEST_LOOK);
	downgrade_write(&mm->mmap_lock);
}

/**
 * mml_mm_show_smaps - print what each vma maps, as /proc/PID/smaps does
 * @seq: where to
 * @mm: the mm
 *
 * Context: process, may sleep.
 */
void mml_mm_show_smaps(struct seq_file *seq, struct mml_mm *mm)
{
	MA_STATE(mas, &mm->mt, 0, 0);
	struct mml_vma *vma;

	mml_look_lock(mm);
	mas_for_each(&mas, vma, ULONG_MAX) {
		/* All of it comes again, with more room. */
		if (seq_has_overflowed(seq))
			break;
		mml_show_smap(seq, vma);
	}
	up_read(&mm->mmap_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_show_smaps, MM_LAB);

/**
 * mml_mm_show_smaps_rollup - print the sum of that, as /proc/PID/smaps_rollup does
 * @seq: where to
 * @mm: the mm
 *
 * Context: process, may sleep.
 */
void mml_mm_show_smaps_rollup(struct seq_file *seq, struct mml_mm *mm)
{
	MA_STATE(mas, &mm->mt, 0, 0);
	struct mml_mem_size_stats mss = {};
	unsigned long start = 0, end = 0;
	struct mml_vma *vma;

	mml_look_lock(mm);
	mas_for_each(&mas, vma, ULONG_MAX) {
		if (!end)
			start = vma->vm_start;
		end = vma->vm_end;
		mml_smap_gather_stats(vma, &mss);
	}
	up_read(&mm->mmap_lock);

	/* Where the names of files are in maps. */
	seq_setwidth(seq, 25 + sizeof(void *) * 6 - 1);
	mml_show_range(seq, start, end, 0);
	seq_puts(seq, " 00000000 00:00 0 ");
	seq_pad(seq, ' ');
	seq_puts(seq, "[rollup]\n");
	__mml_show_smap(seq, &mss, true);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_show_smaps_rollup, MM_LAB);

/*
 * status
 */

/* All of it in pages. */
struct mml_status {
	unsigned long peak;
	unsigned long total;
	unsigned long hiwater;
	unsigned long rss;
	unsigned long shmem;
	unsigned long around;
	unsigned long tables;
	unsigned long data;
	unsigned long stack;
	unsigned long exec;
	unsigned long locked;
};

static void mml_status_gather(struct mml_mm *mm, struct mml_status *status)
{
	down_write(&mm->mmap_lock);
	mml_harvest_mm(mm, MML_HARVEST_LOOK);
	status->total = mm->total_vm;
	status->data = mm->data_vm;
	status->stack = mm->stack_vm;
	status->exec = mm->exec_vm;
	status->locked = mm->locked_vm;
	status->peak = max(mm->hiwater_vm, status->total);
	status->around = atomic_long_read(&mm->nr_around);
	status->rss = mml_mm_rss(mm);
	status->shmem = min_t(unsigned long, atomic_long_read(&mm->shmem_rss), status->rss);
	mml_raise_hiwater_rss(mm);
	status->hiwater = atomic_long_read(&mm->hiwater_rss);
	status->tables = atomic_long_read(&mm->nr_ptes);
	up_write(&mm->mmap_lock);
}

static void mml_status_line(struct seq_file *seq, const char *name,
			    unsigned long pages)
{
	seq_printf(seq, "%s:\t%8lu kB\n", name, pages << (PAGE_SHIFT - 10));
}

/**
 * mml_mm_show_status - print sizes, as /proc/PID/status does
 * @seq: where to
 * @mm: the mm
 *
 * Context: process, may sleep.
 */
void mml_mm_show_status(struct seq_file *seq, struct mml_mm *mm)
{
	struct mml_status status = {};

	mml_status_gather(mm, &status);
	mml_status_line(seq, "VmPeak", status.peak);
	mml_status_line(seq, "VmSize", status.total);
	mml_status_line(seq, "VmLck", status.locked);
	mml_status_line(seq, "VmPin", 0);
	mml_status_line(seq, "VmHWM", status.hiwater);
	mml_status_line(seq, "VmRSS", status.rss);
	mml_status_line(seq, "RssAnon", status.rss - status.shmem);
	mml_status_line(seq, "RssFile", 0);
	mml_status_line(seq, "RssShmem", status.shmem);
	mml_status_line(seq, "VmData", status.data);
	mml_status_line(seq, "VmStk", status.stack);
	mml_status_line(seq, "VmExe", 0);
	mml_status_line(seq, "VmLib", status.exec);
	mml_status_line(seq, "VmPTE", status.tables);
	mml_status_line(seq, "VmSwap", 0);
	mml_status_line(seq, "MmlAround", status.around);
}
EXPORT_SYMBOL_NS_GPL(mml_mm_show_status, MM_LAB);
