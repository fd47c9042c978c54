// SPDX-License-Identifier: GPL-2.0
/*
 * The memory models: a machine's memmap, and its memory in sections, with holes.
 *
 * Frame numbers follow physical addresses, as a kernel's pfns do: what lies higher has a
 * higher number, but for a last piece that is less than a section. A gap between two runs
 * of memory becomes one absent section, however wide it is, for the memmap is one array
 * and would be as wide.
 *
 *	physical   | run 0 |      gap      | run 1  | run 2 |  gap  | run 3 |
 *	sections   |   0   |   1: absent   |   2    |   3   |   4   | 5: partial
 *
 * Kernel counterpart: mm/sparse.c, include/linux/mmzone.h (struct mem_section).
 * Differences: the section table is per machine and flat; sections are 4 MiB rather
 * than 128; which there are is decided in the beginning, but each can be offline for a
 * while.
 *
 * Locking: none here. Who has a section go offline, or come back, sees to it that nobody
 * uses its frames meanwhile; all else is constant while the machine lives.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "mm_lab/alloc.h"
#include "mm_lab/machine.h"
#include "mm_lab/sparse.h"

static bool mml_section_follows(const struct mml_section *run,
				const struct mml_section *next)
{
	return run->base_pfn + MML_SECTION_FRAMES == next->base_pfn;
}

/**
 * mml_sections_build - lay out the sections of a slice
 * @slice: gets its sections, its frames spanned and its frames present
 * @runs: the memory, by address, up to a section each; only the last may be less
 * @nr_runs: how many
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int mml_sections_build(struct mml_slice *slice, const struct mml_section *runs,
		       unsigned long nr_runs)
{
	unsigned long nr_sections = nr_runs, i, at = 0;

	for (i = 1; i < nr_runs; i++)
		nr_sections += !mml_section_follows(&runs[i - 1], &runs[i]);
	slice->sections = mml_vcalloc(NULL, nr_sections, sizeof(*slice->sections));
	if (!slice->sections)
		return -ENOMEM;

	slice->nr_present = 0;
	for (i = 0; i < nr_runs; i++) {
		if (i && !mml_section_follows(&runs[i - 1], &runs[i]))
			at++;
		slice->sections[at++] = runs[i];
		slice->nr_present += runs[i].nr;
	}
	slice->nr = (nr_sections - 1) * MML_SECTION_FRAMES + runs[nr_runs - 1].nr;
	return 0;
}

void mml_sections_free(struct mml_section *sections)
{
	vfree(sections);
}

/**
 * mml_section_virt_to_pfn - the frame that the kernel maps at an address
 * @machine: one that has sections, or no memory
 * @address: any address
 *
 * Context: any.
 * Return: the frame's number; ULONG_MAX if the machine has none there.
 */
unsigned long mml_section_virt_to_pfn(const struct mml_machine *machine,
				      const void *address)
{
	unsigned long nr = DIV_ROUND_UP(machine->nr_frames, MML_SECTION_FRAMES), i;

	for (i = 0; machine->sections && i < nr; i++) {
		const struct mml_section *section = &machine->sections[i];
		unsigned long frame = (unsigned long)(address - section->base) >> PAGE_SHIFT;

		if (frame < section->nr)
			return i * MML_SECTION_FRAMES + frame;
	}
	return ULONG_MAX;
}
EXPORT_SYMBOL_NS_GPL(mml_section_virt_to_pfn, MM_LAB);

/**
 * mml_section_present - how much of a section is there
 * @machine: the machine
 * @pfn: frame number of the section's first frame
 *
 * Context: any.
 * Return: frames, from the first on; the others have no memory, or are beyond the
 * machine's end; 0 while the section is offline.
 */
unsigned long mml_section_present(const struct mml_machine *machine, unsigned long pfn)
{
	if (unlikely(test_bit(pfn / MML_SECTION_FRAMES, machine->offline)))
		return 0;
	if (machine->sections)
		return machine->sections[pfn / MML_SECTION_FRAMES].nr;
	return min(machine->nr_frames - pfn, MML_SECTION_FRAMES);
}
EXPORT_SYMBOL_NS_GPL(mml_section_present, MM_LAB);

/**
 * mml_section_online - a section goes offline, or comes back
 * @machine: the machine
 * @pfn: frame number of the section's first frame
 * @online: whether it comes back
 *
 * Its frames are no longer there, or are there again, as nobody's.
 *
 * Context: any; nobody uses its frames, nor asks for them.
 */
void mml_section_online(struct mml_machine *machine, unsigned long pfn, bool online)
{
	u8 state = online ? MML_FRAME_INTERIOR : MML_FRAME_ABSENT;
	unsigned long nr, i;

	if (online)
		clear_bit(pfn / MML_SECTION_FRAMES, machine->offline);
	nr = mml_section_present(machine, pfn);
	for (i = 0; i < nr; i++)
		WRITE_ONCE(machine->memmap[pfn + i].state, state);
	if (!online)
		set_bit(pfn / MML_SECTION_FRAMES, machine->offline);
	machine->nr_present += online ? nr : -nr;
}
EXPORT_SYMBOL_NS_GPL(mml_section_online, MM_LAB);

/* Is it offline? Any context. */
bool mml_section_offline(const struct mml_machine *machine, unsigned long pfn)
{
	return test_bit(pfn / MML_SECTION_FRAMES, machine->offline);
}
EXPORT_SYMBOL_NS_GPL(mml_section_offline, MM_LAB);

void mml_memmap_free(struct mml_machine *machine)
{
	vfree(machine->memmap);
	kvfree(machine->offline);
}

/**
 * mml_memmap_alloc - make a machine's memmap
 * @machine: its slice is known
 *
 * What is in a hole must never be taken for a frame. Free with mml_memmap_free().
 *
 * Context: process, may sleep.
 * Return: 0; -ENOMEM, and the kernel log says why if it is far too large.
 */
int mml_memmap_alloc(struct mml_machine *machine)
{
	unsigned long size = machine->nr_frames * sizeof(*machine->memmap), pfn, i;

	if (size >> PAGE_SHIFT > si_mem_available()) {
		pr_err("a machine of %lu frames needs %lu KiB for their descriptors, the kernel has %lu KiB available: ask for less\n",
		       machine->nr_frames, size >> 10, si_mem_available() << (PAGE_SHIFT - 10));
		return -ENOMEM;
	}
	machine->memmap = mml_vcalloc(NULL, machine->nr_frames,
				      sizeof(*machine->memmap));
	machine->offline = mml_bitmap_zalloc(DIV_ROUND_UP(machine->nr_frames,
							  MML_SECTION_FRAMES));
	if (!machine->memmap || !machine->offline) {
		mml_memmap_free(machine);
		return -ENOMEM;
	}
	for (pfn = 0; machine->sections && pfn < machine->nr_frames;
	     pfn += MML_SECTION_FRAMES)
		for (i = mml_section_present(machine, pfn); i < MML_SECTION_FRAMES &&
		     pfn + i < machine->nr_frames; i++)
			machine->memmap[pfn + i].state = MML_FRAME_ABSENT;
	return 0;
}
