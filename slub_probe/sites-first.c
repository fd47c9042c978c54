// SPDX-License-Identifier: GPL-2.0
/*
 * Linked first: the allocations of slub_probe.ko begin here; see mm_lab/alloc.h.
 */
#include "mm_lab/alloc.h"

MML_ALLOC_TABLE_BEGIN(mml_slub_alloc_table);
