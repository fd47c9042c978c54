// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of frames: what is not in line; see frame_list.h.
 *
 * Kernel counterpart: lib/list_debug.c.
 *
 * Locking: the caller's, one lock a list.
 */
#include "mm_lab/frame_list.h"
#include "mm_lab/report.h"

/**
 * mml_frame_list_bug - a list is corrupt
 * @machine: of which machine
 * @pfn: a frame number that is not there, or whose links are wrong
 *
 * Context: any.
 */
noinline void mml_frame_list_bug(struct mml_machine *machine, u32 pfn)
{
	mml_bug(machine, "a list is corrupt: frame %u is not there, or its links are wrong",
		pfn);
}
EXPORT_SYMBOL_NS_GPL(mml_frame_list_bug, MM_LAB);

/**
 * mml_frame_list_validate - check a list's invariants
 * @machine: the machine
 * @list: one of its lists
 *
 * Context: any; the list's lock is held. Ends on any corruption: it follows at
 * most list->nr links.
 * Return: true if all hold.
 */
bool mml_frame_list_validate(struct mml_machine *machine,
			     struct mml_frame_list *list)
{
	u32 pfn = list->first;
	u32 nr;

	for (nr = 0; nr < list->nr; nr++) {
		const struct mml_page *page = mml_link(machine, pfn);

		if (!page || !mml_frame_linked(machine, list, page))
			return false;
		pfn = page->next;
	}
	return pfn == MML_PFN_NONE && (list->nr || list->last == MML_PFN_NONE);
}
EXPORT_SYMBOL_NS_GPL(mml_frame_list_validate, MM_LAB);
