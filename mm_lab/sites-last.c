// SPDX-License-Identifier: GPL-2.0
/*
 * Linked last: the allocations of mm_lab.ko end here; see mm_lab/alloc.h.
 */
#include "mm_lab/alloc.h"

MML_ALLOC_TABLE_END(mml_ground_alloc_table);
