// SPDX-License-Identifier: GPL-2.0
/*
 * Linked last: the allocations of slub_probe.ko end here; see mm_lab/alloc.h.
 */
#include "mm_lab/alloc.h"
#include "slub_probe/slab.h"

MML_ALLOC_TABLE_END(mml_slub_alloc_table);
