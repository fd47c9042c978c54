// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for the lab's own bookkeeping: see alloc.h.
 *
 * Kernel counterpart: mm/slub.c and the rest, called from here; and, as each asks
 * whether it has to fail, mm/failslab.c. A NULL machine means that there is none yet.
 *
 * Locking: none; the context is that of the gfp flags.
 */
#include <linux/bitmap.h>
#include <linux/vmalloc.h>

#include "mm_lab/alloc.h"
#include "mm_lab/inject.h"
#include "mm_lab/machine.h"

/**
 * __mml_kzalloc - kzalloc() for the lab
 * @machine: for whom, or NULL
 * @size: bytes
 * @gfp: the kernel's flags
 * @site: who asks
 *
 * Context: that of @gfp. Free with kfree().
 * Return: zeroed memory, or NULL.
 */
void *__mml_kzalloc(struct mml_machine *machine, size_t size, gfp_t gfp,
		    struct mml_alloc_site *site)
{
	return mml_should_fail(machine, gfp, site) ? NULL : kzalloc(size, gfp);
}
EXPORT_SYMBOL_NS_GPL(__mml_kzalloc, MM_LAB);

/**
 * __mml_vcalloc - a large zeroed array
 * @machine: for whom, or NULL
 * @n: elements
 * @size: bytes an element
 * @site: who asks
 *
 * Context: process, may sleep. Free with vfree().
 * Return: the array, or NULL.
 */
void *__mml_vcalloc(struct mml_machine *machine, size_t n, size_t size,
		    struct mml_alloc_site *site)
{
	return mml_should_fail(machine, GFP_KERNEL, site) ? NULL : vcalloc(n, size);
}
EXPORT_SYMBOL_NS_GPL(__mml_vcalloc, MM_LAB);

/**
 * __mml_alloc_percpu - alloc_percpu() for the lab
 * @machine: for whom, or NULL
 * @size: bytes a CPU
 * @align: of these
 * @site: who asks
 *
 * Context: process, may sleep. Free with free_percpu().
 * Return: zeroed memory, or NULL.
 */
void __percpu *__mml_alloc_percpu(struct mml_machine *machine, size_t size,
				  size_t align, struct mml_alloc_site *site)
{
	return mml_should_fail(machine, GFP_KERNEL, site) ? NULL :
		__alloc_percpu(size, align);
}
EXPORT_SYMBOL_NS_GPL(__mml_alloc_percpu, MM_LAB);

/* alloc_pages_exact() for the ground, as engines have frames. Context: that of @gfp. */
void *__mml_alloc_host_pages(struct mml_machine *machine, size_t size, gfp_t gfp,
			      struct mml_alloc_site *site)
{
	return mml_should_fail(machine, gfp, site) ? NULL : alloc_pages_exact(size, gfp);
}

/* For the ground alone, as machines' engines have nothing of this size. */
unsigned long *__mml_bitmap_zalloc(unsigned long bits, struct mml_alloc_site *site)
{
	return mml_should_fail(NULL, GFP_KERNEL, site) ? NULL :
		kvcalloc(BITS_TO_LONGS(bits), sizeof(long), GFP_KERNEL);
}

/**
 * __mml_mas_preallocate - mas_preallocate() for the lab
 * @machine: for whom
 * @mas: positioned where @entry will be stored by mas_store_prealloc()
 * @entry: what will be stored
 * @gfp: the kernel's flags
 * @site: who asks
 *
 * Context: that of @gfp; the tree's lock is held.
 * Return: 0, or -ENOMEM, which does not happen with __GFP_NOFAIL.
 */
int __mml_mas_preallocate(struct mml_machine *machine, struct ma_state *mas,
			  void *entry, gfp_t gfp, struct mml_alloc_site *site)
{
	return mml_should_fail(machine, gfp, site) ? -ENOMEM :
		mas_preallocate(mas, entry, gfp);
}
EXPORT_SYMBOL_NS_GPL(__mml_mas_preallocate, MM_LAB);

/**
 * __mml_xa_insert - store where nothing is
 * @machine: for whom
 * @xa: the xarray
 * @index: where
 * @entry: what to store
 * @gfp: the kernel's flags
 * @site: who asks
 *
 * Context: that of @gfp. Takes the xarray's lock.
 * Return: 0, -ENOMEM, or -EBUSY when something is there.
 */
int __mml_xa_insert(struct mml_machine *machine, struct xarray *xa, unsigned long index,
		    void *entry, gfp_t gfp, struct mml_alloc_site *site)
{
	return mml_should_fail(machine, gfp, site) ? -ENOMEM :
		xa_insert(xa, index, entry, gfp);
}
EXPORT_SYMBOL_NS_GPL(__mml_xa_insert, MM_LAB);

/**
 * __mml_xa_alloc - store at a free index from 1 on
 * @machine: for whom
 * @xa: initialized with XA_FLAGS_ALLOC1
 * @id: out: the index
 * @entry: what to store
 * @gfp: the kernel's flags
 * @site: who asks
 *
 * Context: that of @gfp. Takes the xarray's lock.
 * Return: 0, -ENOMEM, or -EBUSY when all indices are in use.
 */
int __mml_xa_alloc(struct mml_machine *machine, struct xarray *xa, u32 *id,
		   void *entry, gfp_t gfp, struct mml_alloc_site *site)
{
	return mml_should_fail(machine, gfp, site) ? -ENOMEM :
		xa_alloc(xa, id, entry, XA_LIMIT(1, INT_MAX), gfp);
}
EXPORT_SYMBOL_NS_GPL(__mml_xa_alloc, MM_LAB);
