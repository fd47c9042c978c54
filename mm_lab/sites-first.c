// SPDX-License-Identifier: GPL-2.0
/*
 * Linked first: the allocations of mm_lab.ko begin here; see mm_lab/alloc.h.
 */
#include "mm_lab/alloc.h"

MML_ALLOC_TABLE_BEGIN(mml_ground_alloc_table);
