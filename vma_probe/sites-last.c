// SPDX-License-Identifier: GPL-2.0
/*
 * Linked last: the allocations of vma_probe.ko end here; see mm_lab/alloc.h.
 */
#include "mm_lab/alloc.h"
#include "vma_probe/window.h"

MML_ALLOC_TABLE_END(mml_vma_alloc_table);
