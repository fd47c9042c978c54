/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists of frames, linked by frame number: the operations, in line.
 *
 * Kernel counterpart: include/linux/list.h, with lib/list_debug.c's checks. Here
 * the check is part of the operation and costs two comparisons: a link that leads
 * outside the memmap, or, when a frame leaves, to one that does not point back, marks
 * the machine broken and is not followed; the host lives on.
 *
 * Locking: the caller's, one lock a list. A frame is on at most one list.
 */
#ifndef _MML_FRAME_LIST_H
#define _MML_FRAME_LIST_H

#include "mm_lab/frame.h"
#include "mm_lab/machine.h"

void mml_frame_list_bug(struct mml_machine *machine, u32 pfn);
bool mml_frame_list_validate(struct mml_machine *machine,
			     struct mml_frame_list *list);

/* The frame with number @pfn, or NULL if the machine has none such. */
static inline struct mml_page *mml_link(struct mml_machine *machine, u32 pfn)
{
	return pfn < machine->nr_frames ? &machine->memmap[pfn] : NULL;
}

/* What points back at who stands before frame @pfn; before none, at the list's last one. */
static inline u32 *mml_link_prev(struct mml_machine *machine,
				 struct mml_frame_list *list, u32 pfn)
{
	if (pfn < machine->nr_frames)
		return &machine->memmap[pfn].prev;
	return likely(pfn == MML_PFN_NONE) ? &list->last : NULL;
}

/* What points on to who stands behind frame @pfn; behind none, to the list's first one. */
static inline u32 *mml_link_next(struct mml_machine *machine,
				 struct mml_frame_list *list, u32 pfn)
{
	if (pfn < machine->nr_frames)
		return &machine->memmap[pfn].next;
	return likely(pfn == MML_PFN_NONE) ? &list->first : NULL;
}

/**
 * mml_frame_list_add - put a frame at the front of a list
 * @machine: the machine
 * @list: one of its lists
 * @page: a frame that is on no list
 *
 * Context: any; the list's lock is held.
 */
static inline void mml_frame_list_add(struct mml_machine *machine,
				      struct mml_frame_list *list,
				      struct mml_page *page)
{
	u32 pfn = page - machine->memmap;
	u32 *back = mml_link_prev(machine, list, list->first);

	if (unlikely(!back)) {
		mml_frame_list_bug(machine, list->first);
		return;
	}
	page->prev = MML_PFN_NONE;
	page->next = list->first;
	*back = pfn;
	list->first = pfn;
	list->nr++;
}

/**
 * mml_frame_list_add_tail - put a frame at the end of a list
 * @machine: the machine
 * @list: one of its lists
 * @page: a frame that is on no list
 *
 * Context: any; the list's lock is held.
 */
static inline void mml_frame_list_add_tail(struct mml_machine *machine,
					   struct mml_frame_list *list,
					   struct mml_page *page)
{
	u32 pfn = page - machine->memmap;
	u32 *on = mml_link_next(machine, list, list->last);

	if (unlikely(!on)) {
		mml_frame_list_bug(machine, list->last);
		return;
	}
	page->next = MML_PFN_NONE;
	page->prev = list->last;
	*on = pfn;
	list->last = pfn;
	list->nr++;
}

/**
 * mml_frame_linked - do both neighbours of a frame, or the list's ends, point to it?
 * @machine: the machine
 * @list: one of its lists
 * @page: a frame that should be on it
 *
 * Context: any; the list's lock is held.
 * Return: true if so.
 */
static inline bool mml_frame_linked(struct mml_machine *machine,
				    struct mml_frame_list *list,
				    const struct mml_page *page)
{
	u32 pfn = page - machine->memmap;
	const u32 *back = mml_link_prev(machine, list, page->next);
	const u32 *on = mml_link_next(machine, list, page->prev);

	return back && on && *back == pfn && *on == pfn;
}

/**
 * mml_frame_list_del - take a frame off its list
 * @machine: the machine
 * @list: the list it is on
 * @page: the frame
 *
 * Context: any; the list's lock is held.
 * Return: true; false if the links are corrupt: nothing was changed then, and the
 * machine is marked broken.
 */
static inline bool mml_frame_list_del(struct mml_machine *machine,
				      struct mml_frame_list *list,
				      struct mml_page *page)
{
	u32 pfn = page - machine->memmap;
	u32 *back = mml_link_prev(machine, list, page->next);
	u32 *on = mml_link_next(machine, list, page->prev);

	if (unlikely(!back || !on || *back != pfn || *on != pfn)) {
		mml_frame_list_bug(machine, pfn);
		return false;
	}
	*back = page->prev;
	*on = page->next;
	list->nr--;
	return true;
}

/**
 * mml_frame_list_first - the first frame of a list
 * @machine: the machine
 * @list: one of its lists
 *
 * Context: any; the list's lock is held.
 * Return: the frame; NULL if the list is empty or corrupt.
 */
static inline struct mml_page *
mml_frame_list_first(struct mml_machine *machine, const struct mml_frame_list *list)
{
	struct mml_page *page;

	if (mml_frame_list_empty(list))
		return NULL;
	page = mml_link(machine, list->first);
	if (unlikely(!page))
		mml_frame_list_bug(machine, list->first);
	return page;
}

/**
 * mml_frame_list_pop - take the first frame off a list
 * @machine: the machine
 * @list: one of its lists
 *
 * Context: any; the list's lock is held.
 * Return: the frame; NULL if the list is empty or corrupt.
 */
static inline struct mml_page *mml_frame_list_pop(struct mml_machine *machine,
						  struct mml_frame_list *list)
{
	struct mml_page *page = mml_frame_list_first(machine, list);

	return page && mml_frame_list_del(machine, list, page) ? page : NULL;
}

#endif /* _MML_FRAME_LIST_H */
