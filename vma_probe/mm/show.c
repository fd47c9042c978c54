// SPDX-License-Identifier: GPL-2.0
/*
 * An address space as text: maps and status.
 *
 * Kernel counterpart: fs/proc/task_mmu.c (show_map_vma(), task_mem()). Formats are
 * theirs; lines of what the lab does not have are left out. Added: MmlAround, what fault-around
 * mapped and nobody has used (around.c), which is not resident.
 *
 * Locking: mmap_lock for reading; for writing where it is asked what CPUs have used.
 */
#include <linux/seq_file.h>

#include "vma_probe/mm/internal.h"

/* Print the vmas as /proc/PID/maps does. Context: process, may sleep. */
void mml_mm_show_maps(struct seq_file *seq, struct mml_mm *mm)
{
	MA_STATE(mas, &mm->mt, 0, 0);
	struct mml_vma *vma;

	down_read(&mm->mmap_lock);
	mas_for_each(&mas, vma, ULONG_MAX) {
		seq_printf(seq, "%08lx-%08lx %c%c%c%c 00000000 00:00 0 ",
			   vma->vm_start, vma->vm_end,
			   vma->vm_flags & VM_READ ? 'r' : '-',
			   vma->vm_flags & VM_WRITE ? 'w' : '-',
			   vma->vm_flags & VM_EXEC ? 'x' : '-',
			   vma->vm_flags & VM_SHARED ? 's' : 'p');
		seq_putc(seq, '\n');
	}
	up_read(&mm->mmap_lock);
}

static void mml_status_line(struct seq_file *seq, const char *name,
			    unsigned long pages)
{
	seq_printf(seq, "%s:\t%8lu kB\n", name, pages << (PAGE_SHIFT - 10));
}

/* Print sizes as /proc/PID/status does. Context: process, may sleep. */
void mml_mm_show_status(struct seq_file *seq, struct mml_mm *mm)
{
	unsigned long rss, shmem, around, tables, total, locked, data, stack, exec;

	down_write(&mm->mmap_lock);
	mml_harvest_mm(mm, MML_HARVEST_LOOK);
	total = mm->total_vm;
	locked = mm->locked_vm;
	data = mm->data_vm;
	stack = mm->stack_vm;
	exec = mm->exec_vm;
	around = atomic_long_read(&mm->nr_around);
	rss = atomic_long_read(&mm->anon_rss) - around;
	shmem = atomic_long_read(&mm->shmem_rss);
	tables = atomic_long_read(&mm->nr_ptes);
	up_write(&mm->mmap_lock);

	mml_status_line(seq, "VmSize", total);
	mml_status_line(seq, "VmLck", locked);
	mml_status_line(seq, "VmRSS", rss + shmem);
	mml_status_line(seq, "RssAnon", rss);
	mml_status_line(seq, "RssShmem", shmem);
	mml_status_line(seq, "VmData", data);
	mml_status_line(seq, "VmStk", stack);
	mml_status_line(seq, "VmExe", 0);
	mml_status_line(seq, "VmLib", exec);
	mml_status_line(seq, "VmPTE", tables);
	mml_status_line(seq, "MmlAround", around);
}
