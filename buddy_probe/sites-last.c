// SPDX-License-Identifier: GPL-2.0
/*
 * Linked last: the allocations of buddy_probe.ko end here; see mm_lab/alloc.h.
 */
#include "buddy_probe/internal.h"
#include "mm_lab/alloc.h"

MML_ALLOC_TABLE_END(mml_buddy_alloc_table);
