// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for the lab's own bookkeeping: see alloc.h.
 *
 * Kernel counterpart: lib/fault-inject.c's fail-nth. Each machine has one counter,
 * looked at only while the MML_SLOW_FAIL_NTH bit of machine->slow is set. A NULL
 * machine means that there is none yet; nothing is injected then.
 *
 * Locking: none; the context is that of the gfp flags.
 */
#include <linux/bitmap.h>
#include <linux/vmalloc.h>

#include "mm_lab/alloc.h"
#include "mm_lab/machine.h"

/**
 * mml_fail_nth - let one allocation of a machine fail
 * @machine: the machine
 * @nth: 1: the next one, 2: the one after it, …; 0: none
 *
 * Context: any. One injection at a time: a second call replaces the first.
 */
void mml_fail_nth(struct mml_machine *machine, long nth)
{
	atomic_long_set(&machine->fail_nth, nth);
	if (nth)
		set_bit(MML_SLOW_FAIL_NTH, &machine->slow);
	else
		clear_bit(MML_SLOW_FAIL_NTH, &machine->slow);
}
EXPORT_SYMBOL_NS_GPL(mml_fail_nth, MM_LAB);

/**
 * mml_should_fail - is this allocation the one that has to fail?
 * @machine: the machine, or NULL
 *
 * Context: any.
 * Return: true once, for the n-th call since mml_fail_nth().
 */
bool mml_should_fail(struct mml_machine *machine)
{
	if (likely(!machine || !test_bit(MML_SLOW_FAIL_NTH, &machine->slow)))
		return false;
	return atomic_long_dec_if_positive(&machine->fail_nth) == 0;
}
EXPORT_SYMBOL_NS_GPL(mml_should_fail, MM_LAB);

/**
 * mml_kzalloc - kzalloc() for the lab
 * @machine: for whom, or NULL
 * @size: bytes
 * @gfp: the kernel's flags
 *
 * Context: that of @gfp. Free with kfree().
 * Return: zeroed memory, or NULL.
 */
void *mml_kzalloc(struct mml_machine *machine, size_t size, gfp_t gfp)
{
	return mml_should_fail(machine) ? NULL : kzalloc(size, gfp);
}
EXPORT_SYMBOL_NS_GPL(mml_kzalloc, MM_LAB);

/**
 * mml_vcalloc - a large zeroed array
 * @machine: for whom, or NULL
 * @n: elements
 * @size: bytes an element
 *
 * Context: process, may sleep. Free with vfree().
 * Return: the array, or NULL.
 */
void *mml_vcalloc(struct mml_machine *machine, size_t n, size_t size)
{
	return mml_should_fail(machine) ? NULL : vcalloc(n, size);
}
EXPORT_SYMBOL_NS_GPL(mml_vcalloc, MM_LAB);

/*
 * alloc_pages_exact() for the lab: pages of the kernel's for a machine's own memory.
 * Free with free_pages_exact(). Context: that of @gfp.
 */
void *mml_alloc_pages_exact(struct mml_machine *machine, size_t size, gfp_t gfp)
{
	return mml_should_fail(machine) ? NULL : alloc_pages_exact(size, gfp);
}

/* A zeroed bitmap of @bits; free with kvfree(). Process context, may sleep. */
unsigned long *mml_bitmap_zalloc(unsigned long bits)
{
	return kvcalloc(BITS_TO_LONGS(bits), sizeof(long), GFP_KERNEL);
}

/**
 * mml_mas_preallocate - mas_preallocate() for the lab
 * @machine: for whom
 * @mas: positioned where @entry will be stored by mas_store_prealloc()
 * @entry: what will be stored
 * @gfp: the kernel's flags
 *
 * Context: that of @gfp; the tree's lock is held.
 * Return: 0, or -ENOMEM, which does not happen with __GFP_NOFAIL.
 */
int mml_mas_preallocate(struct mml_machine *machine, struct ma_state *mas,
			void *entry, gfp_t gfp)
{
	if (!(gfp & __GFP_NOFAIL) && mml_should_fail(machine))
		return -ENOMEM;
	return mas_preallocate(mas, entry, gfp);
}
EXPORT_SYMBOL_NS_GPL(mml_mas_preallocate, MM_LAB);

/**
 * mml_xa_alloc - store at a free index from 1 on
 * @machine: for whom
 * @xa: initialized with XA_FLAGS_ALLOC1
 * @id: out: the index
 * @entry: what to store
 * @gfp: the kernel's flags
 *
 * Context: that of @gfp. Takes the xarray's lock.
 * Return: 0, -ENOMEM, or -EBUSY when all indices are in use.
 */
int mml_xa_alloc(struct mml_machine *machine, struct xarray *xa, u32 *id,
		 void *entry, gfp_t gfp)
{
	return mml_should_fail(machine) ? -ENOMEM :
		xa_alloc(xa, id, entry, XA_LIMIT(1, INT_MAX), gfp);
}
EXPORT_SYMBOL_NS_GPL(mml_xa_alloc, MM_LAB);
