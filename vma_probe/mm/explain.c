// SPDX-License-Identifier: GPL-2.0
/*
 * Why a fault was not answered: what lies around the address, what was missing.
 *
 * Kernel counterpart: show_signal_msg() and print_vma_addr(), which name the mapping
 * in the log.
 *
 * Locking: mmap_lock is held, so that what is told is what the fault saw; the
 * explainer's lock is taken under it.
 */
#include <linux/mman.h>

#include "vma_probe/mm/internal.h"

/* VM_READ, VM_WRITE and VM_EXEC are PROT_READ, PROT_WRITE and PROT_EXEC. */
static u32 mml_vma_prot(const struct mml_vma *vma)
{
	return vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
}

static u32 mml_fault_access(const struct mml_fault *fault)
{
	if (fault->flags & MML_FAULT_WRITE)
		return PROT_WRITE;
	return fault->flags & MML_FAULT_EXEC ? PROT_EXEC : PROT_READ;
}

static void mml_explain_vma(struct mml_explain *explain, enum mml_step what,
			    const struct mml_vma *vma)
{
	if (vma)
		mml_explain_step(explain, what, mml_vma_prot(vma), vma->vm_start,
				 vma->vm_end, explain->access);
}

static void mml_explain_maperr(struct mml_mm *mm, struct mml_explain *explain)
{
	MA_STATE(mas, &mm->mt, explain->address, explain->address);
	const struct mml_vma *after = mas_find(&mas, ULONG_MAX);

	mas_set(&mas, explain->address);
	mml_explain_step(explain, MML_STEP_RANGE, 0, mm->start, mm->end, 0);
	mml_explain_vma(explain, MML_STEP_VMA_BEFORE, mas_prev(&mas, 0));
	mml_explain_vma(explain, MML_STEP_VMA_AFTER, after);
}

/* The tables from the top down to the one that is missing, or the page. */
static void mml_explain_tables(struct mml_mm *mm, struct mml_explain *explain)
{
	int missing = mml_missing_table(mm, explain->address), level;

	for (level = MML_PT_LEVELS - 1; level >= max(missing, 0); level--)
		mml_explain_step(explain, MML_STEP_TABLE, level, 0, level != missing, 1);
	if (missing < 0)
		mml_explain_step(explain, MML_STEP_PAGE, 0, 0, 0, 1);
}

static enum mml_why mml_why_no_page(const struct mml_mm *mm,
				    enum mml_fault_result result)
{
	if (result == MML_FAULT_MAPERR)
		return MML_WHY_NO_VMA;
	if (result == MML_FAULT_ACCERR)
		return MML_WHY_ACCESS;
	if (result == MML_FAULT_SIGBUS)
		return MML_WHY_BEYOND;
	if (mm->stillborn)
		return MML_WHY_STILLBORN;
	if (mml_machine_broken(mm->machine))
		return MML_WHY_BROKEN;
	return result == MML_FAULT_OOM ? MML_WHY_NO_FRAME : MML_WHY_DEAD;
}

/* A fault was not answered: write down why. */
void mml_explain_fault(struct mml_mm *mm, const struct mml_fault *fault,
		       enum mml_fault_result result)
{
	enum mml_why why = mml_why_no_page(mm, result);
	struct mml_explain *explain;

	lockdep_assert_held(&mm->mmap_lock);

	explain = mml_explain_begin(mm->machine, MML_EXPLAIN_FAULT, why);
	explain->address = fault->address;
	explain->access = mml_fault_access(fault);
	if (why == MML_WHY_NO_VMA)
		mml_explain_maperr(mm, explain);
	if (why == MML_WHY_ACCESS || why == MML_WHY_BEYOND)
		mml_explain_vma(explain, MML_STEP_VMA, mml_vma_lookup(mm, fault->address));
	if (why == MML_WHY_NO_FRAME) {
		mml_explain_tables(mm, explain);
		mml_explain_adopt(mm->machine, explain);
	}
	mml_explain_end(mm->machine);
}
