// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults, and access to another process's memory.
 *
 * Kernel counterpart: handle_mm_fault(), do_anonymous_page(), do_wp_page(),
 * access_remote_vm() in mm/memory.c. Differences: whether a frame is anybody else's is told by
 * its references alone, where the kernel also notes it in a flag (PageAnonExclusive); no huge
 * pages, no swap.
 *
 * How a fault is answered:
 *	1. no vma at the address: MAPERR; one that does not allow it: ACCERR;
 *	2. the entry is looked at, and what it takes is allocated, while nothing but mmap_lock
 *	   is held:
 *
 *		entry		read			write
 *		nothing		the zero page		a zeroed frame, and some around it
 *		the zero page	as it is		a zeroed frame
 *		a frame		as it is		as it is, if it may be written; else
 *							reused, if nobody else refers to it;
 *							else copied
 *
 *	   (of shared memory: nothing becomes its frame, and that is written as it is: shmem.c)
 *	3. under the table mutex the entry is looked at again. If it is the same, it becomes
 *	   what it should; it allows writing, and is dirty, after a write;
 *	4. still under it, the real page table gets the same.
 * It can be told not to wait for mmap_lock: it then says RETRY. It waits for other mms only when
 * there is no frame, to take back what they do not need (shrink.c), and tries again.
 *
 * Locking: see mm.h. mmap_lock for reading, so faults run in parallel, on different
 * tables all the way.
 */
#include <linux/mman.h>

#include "vma_probe/mm/internal.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Tell of a decision, where that is wanted; @page as its frame number. */
void mml_tell_fault(struct mml_mm *mm, const struct mml_fault *fault, enum mml_fault_try step,
		    unsigned int arg, const struct mml_page *page)
{
	if (unlikely(fault->flags & MML_FAULT_TOLD))
		trace_mml_fault_decision(mm, fault->address, step, arg, page ?
			mml_page_to_pfn(mm->machine, page).val : 0);
}

static void mml_tell_vma(struct mml_mm *mm, const struct mml_fault *fault,
			 enum mml_fault_try step, const struct mml_vma *vma)
{
	if (unlikely(fault->flags & MML_FAULT_TOLD))
		trace_mml_fault_decision(mm, fault->address, step,
					 vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC),
					 vma->vm_start);
}

static bool mml_vma_allows(const struct mml_vma *vma, unsigned int flags)
{
	if (flags & MML_FAULT_WRITE)
		return vma->vm_flags & VM_WRITE;
	if (flags & MML_FAULT_EXEC)
		return vma->vm_flags & VM_EXEC;
	return vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
}

/* What @pte allows, PROT_*. */
static unsigned int mml_pte_prot(mml_pte_t pte)
{
	return PROT_READ | (mml_pte_write(pte) ? PROT_WRITE : 0) |
	       (mml_pte_exec(pte) ? PROT_EXEC : 0);
}

/* What @pte becomes by an access that @vma allows. */
static mml_pte_t mml_pte_touch(mml_pte_t pte, const struct mml_vma *vma,
			       unsigned int flags)
{
	/* It may have been written already: nobody would have seen it. */
	if (mml_pte_around(pte))
		pte = mml_pte_mkused(pte);
	pte.val |= MML_PTE_ACCESSED;
	if (flags & MML_FAULT_WRITE)
		pte.val |= MML_PTE_RW | MML_PTE_DIRTY;
	if (vma->vm_flags & VM_EXEC)
		pte.val &= ~MML_PTE_NX;
	return pte;
}

/*
 * The access is answered by @pte, under the table mutex: write it, and let the real page table
 * know. @replaced: what was there had another frame, or the zero page's. Returns: 0; -ENOMEM;
 * -EIO.
 */
int mml_fault_install(struct mml_vma *vma, struct mml_ptdesc *table, struct mml_fault *fault,
		      mml_pte_t pte, bool replaced)
{
	struct mml_mm *mm = vma->vm_mm;
	struct mml_page *page = mml_vm_normal_page(mm, pte);

	pte = mml_pte_touch(pte, vma, fault->flags);
	mml_set_pte(mm, table, fault->address, pte);
	mml_tell_fault(mm, fault, MML_FAULT_TRY_MAP, mml_pte_prot(pte), page);
	if (!mm->window_ops)
		return 0;
	if (fault->window)
		return mm->window_ops->insert(mm, fault, page, pte);
	if (replaced)
		mm->window_ops->revoke(mm, fault->address, fault->address + PAGE_SIZE);
	return 0;
}

/* The same, with @page, which nobody maps yet. */
static int mml_fault_install_page(struct mml_vma *vma, struct mml_ptdesc *table,
				  struct mml_fault *fault, struct mml_page *page, bool replaced)
{
	atomic_set(&page->_mapcount, 1);
	atomic_long_inc(&vma->vm_mm->common->nr_anon);
	return mml_fault_install(vma, table, fault, mml_mk_pte(vma->vm_mm, page, MML_PTE_NX),
				 replaced);
}

/* The same, where the mm mapped none. @replaced: but the zero page. */
int mml_fault_install_new(struct mml_vma *vma, struct mml_ptdesc *table,
			  struct mml_fault *fault, struct mml_page *page, bool replaced)
{
	atomic_long_inc(&vma->vm_mm->anon_rss);
	return mml_fault_install_page(vma, table, fault, page, replaced);
}

/* Under the table mutex: is the entry still @pte, or was another thread quicker? */
bool mml_pte_unchanged(struct mml_mm *mm, struct mml_ptdesc *table,
		       const struct mml_fault *fault, mml_pte_t pte)
{
	lockdep_assert_held(&table->lock);

	return mml_pte_same(*mml_entry(mm, table, fault->address), pte);
}

/*
 * There is no frame. Does that matter, or has another thread got the last one for this very
 * page, whose entry was @pte? Returns: -ENOMEM; -EAGAIN.
 */
int mml_fault_no_frame(struct mml_mm *mm, const struct mml_fault *fault, mml_pte_t pte)
{
	if (mml_pte_same(mml_pte_get(mm, fault->address), pte))
		return -ENOMEM;
	mml_tell_fault(mm, fault, MML_FAULT_TRY_OVERTAKEN, 0, NULL);
	return -EAGAIN;
}

/*
 * Each of the following answers a fault on an entry of one kind. Returns: 0; -EAGAIN: the entry
 * changed meanwhile, look again; -ENOMEM; -EIO: the machine is broken.
 */

/* Nothing is mapped, and it is only read. */
static int mml_do_zero_page(struct mml_vma *vma, struct mml_ptdesc *table,
			    struct mml_fault *fault)
{
	struct mml_mm *mm = vma->vm_mm;
	int err = -EAGAIN;

	mml_tell_fault(mm, fault, MML_FAULT_TRY_ZERO, 0, NULL);
	fault->path = MML_PATH_ZERO;
	mutex_lock(&table->lock);
	if (mml_pte_unchanged(mm, table, fault, (mml_pte_t){}))
		err = mml_fault_install(vma, table, fault, mml_mk_zero_pte(), false);
	mutex_unlock(&table->lock);
	return err;
}

/* Nothing is mapped, or the zero page, @pte. */
static int mml_do_anonymous_page(struct mml_vma *vma, struct mml_ptdesc *table,
				 struct mml_fault *fault, mml_pte_t pte)
{
	struct mml_mm *mm = vma->vm_mm;
	struct mml_page *page;
	int err;

	if (!(fault->flags & MML_FAULT_WRITE))
		return mml_do_zero_page(vma, table, fault);
	if (mml_anon_vma_prepare(vma))
		return -ENOMEM;
	err = mml_pte_present(pte) ? -EBUSY : mml_do_fault_around(vma, table, fault);
	if (err != -EBUSY)
		return err;
	page = mml_anon_page(vma, fault->address, fault->gfp | __GFP_ZERO, mm->counter);
	mml_tell_fault(mm, fault, page ? MML_FAULT_TRY_FRAME : MML_FAULT_TRY_NO_FRAME, 0, page);
	if (!page)
		return mml_fault_no_frame(mm, fault, pte);
	err = -EAGAIN;
	fault->path = MML_PATH_FRAME;
	mutex_lock(&table->lock);
	if (mml_pte_unchanged(mm, table, fault, pte))
		err = mml_fault_install_new(vma, table, fault, page, mml_pte_present(pte));
	mutex_unlock(&table->lock);
	if (err == -EAGAIN)
		mml_mm_free_page(mm, page, mm->counter);
	return err;
}

/*
 * @page is to be written. If nobody but this entry refers to it, nobody will: who could share
 * it is fork, of this mm. Then it is reused; it belongs to this vma's own anon_vma from now on,
 * and walks need not look at relatives. Else it gets a reference, and -EBUSY is returned.
 */
static int mml_wp_reuse_or_get(struct mml_vma *vma, struct mml_ptdesc *table,
			       struct mml_fault *fault, mml_pte_t pte, struct mml_page *page)
{
	struct mml_mm *mm = vma->vm_mm;
	int err = -EBUSY;

	mutex_lock(&table->lock);
	if (!mml_pte_unchanged(mm, table, fault, pte)) {
		err = -EAGAIN;
	} else if (mml_page_ref_count(page) == 1) {
		mml_tell_fault(mm, fault, MML_FAULT_TRY_REUSE, 0, page);
		fault->path = MML_PATH_REUSE;
		WRITE_ONCE(page->mapping, vma->anon_vma);
		err = mml_fault_install(vma, table, fault, pte, false);
	} else {
		mml_get_page(page);
	}
	mutex_unlock(&table->lock);
	return err;
}

/*
 * @old, which others map, too, by @pte here, is to be written: the page gets a copy. The mm maps
 * as many as before; it is those above it, its job, that have one more.
 */
static int mml_wp_page_copy(struct mml_vma *vma, struct mml_ptdesc *table,
			    struct mml_fault *fault, mml_pte_t pte, struct mml_page *old)
{
	struct mml_mm *mm = vma->vm_mm;
	struct mml_page *page;
	int err = -EAGAIN;

	page = mml_anon_page(vma, fault->address, fault->gfp, mm->counter->parent);
	mml_tell_fault(mm, fault, page ? MML_FAULT_TRY_COPY : MML_FAULT_TRY_NO_FRAME, 0, page);
	if (!page)
		return mml_fault_no_frame(mm, fault, pte);
	fault->path = MML_PATH_COPY;
	copy_page(mml_page_address(mm->machine, page), mml_page_address(mm->machine, old));
	mutex_lock(&table->lock);
	if (mml_pte_unchanged(mm, table, fault, pte)) {
		trace_mml_cow(mm, fault->address, mml_page_to_pfn(mm->machine, old),
			      mml_page_to_pfn(mm->machine, page));
		err = mml_fault_install_page(vma, table, fault, page, true);
		mml_anon_page_replaced(mm, old);
	}
	mutex_unlock(&table->lock);
	if (err == -EAGAIN)
		mml_mm_free_page(mm, page, mm->counter->parent);
	return err;
}

/* A page is mapped by @pte, which does not allow the write: after fork, or mprotect. */
static int mml_do_wp_page(struct mml_vma *vma, struct mml_ptdesc *table,
			  struct mml_fault *fault, mml_pte_t pte)
{
	struct mml_page *page = mml_vm_normal_page(vma->vm_mm, pte);
	int err;

	if (!page)
		return mml_do_anonymous_page(vma, table, fault, pte);
	err = mml_wp_reuse_or_get(vma, table, fault, pte, page);
	if (err != -EBUSY)
		return err;
	err = mml_wp_page_copy(vma, table, fault, pte, page);
	__mml_free_pages(vma->vm_mm->machine, page, 0);
	if (err != -ENOMEM)
		return err;
	/* There is no frame, but whoever else mapped this one may be gone by now. */
	err = mml_wp_reuse_or_get(vma, table, fault, pte, page);
	if (err != -EBUSY)
		return err;
	__mml_free_pages(vma->vm_mm->machine, page, 0);
	return -ENOMEM;
}

/* A page is mapped by @pte, which allows the access, or may as soon as it is asked. */
static int mml_do_spurious(struct mml_vma *vma, struct mml_ptdesc *table,
			   struct mml_fault *fault, mml_pte_t pte)
{
	int err = -EAGAIN;

	fault->path = MML_PATH_SPURIOUS;
	mutex_lock(&table->lock);
	if (mml_pte_unchanged(vma->vm_mm, table, fault, pte))
		err = mml_fault_install(vma, table, fault, pte, false);
	mutex_unlock(&table->lock);
	return err;
}

/* A function by itself, so that a probe finds it, with the vma. */
static noinline int mml_handle_pte_fault(struct mml_vma *vma, struct mml_fault *fault)
{
	struct mml_mm *mm = vma->vm_mm;
	struct mml_ptdesc *table = mml_pte_alloc(mm, fault->address, fault->gfp);
	mml_pte_t pte;

	if (!table)
		return mml_fault_no_frame(mm, fault, (mml_pte_t){});
	pte.val = READ_ONCE(mml_entry(mm, table, fault->address)->val);
	if (!mml_pte_present(pte))
		return vma->shmem ? mml_do_shared_fault(vma, table, fault) :
			mml_do_anonymous_page(vma, table, fault, pte);
	mml_tell_fault(mm, fault, MML_FAULT_TRY_PRESENT, mml_pte_prot(pte),
		       mml_vm_normal_page(mm, pte));
	if (fault->flags & MML_FAULT_WRITE && !mml_pte_write(pte) && !vma->shmem)
		return mml_do_wp_page(vma, table, fault, pte);
	return mml_do_spurious(vma, table, fault, pte);
}

/* With mmap_lock held. */
enum mml_fault_result mml_handle_mm_fault_locked(struct mml_mm *mm, struct mml_fault *fault)
{
	struct mml_vma *vma;
	int err;

	lockdep_assert_held(&mm->mmap_lock);

	if (mm->stillborn)
		return MML_FAULT_OOM;
	if (mm->dead)
		return MML_FAULT_DEAD;
	vma = mml_vma_lookup(mm, fault->address);
	if (!vma) {
		mml_tell_fault(mm, fault, MML_FAULT_TRY_NO_VMA, 0, NULL);
		return MML_FAULT_MAPERR;
	}
	if (!mml_vma_allows(vma, fault->flags)) {
		mml_tell_vma(mm, fault, MML_FAULT_TRY_REFUSED, vma);
		return MML_FAULT_ACCERR;
	}
	mml_tell_vma(mm, fault, MML_FAULT_TRY_VMA, vma);
	do {
		err = mml_handle_pte_fault(vma, fault);
	} while (err == -EAGAIN);
	if (!err)
		return MML_FAULT_DONE;
	fault->path = MML_PATH_NONE;
	switch (err) {
	case -EIO:
		return MML_FAULT_DEAD;
	case -EFAULT:
		return MML_FAULT_SIGBUS;
	default:
		return MML_FAULT_OOM;
	}
}

/* Is what is next above @addr something that grows down? */
static bool mml_below_stack(struct mml_mm *mm, unsigned long addr)
{
	const struct mml_vma *vma = mml_find_vma(mm, addr);

	return vma && vma->vm_flags & VM_GROWSDOWN;
}

/*
 * Where nothing is, something may grow to, and the access is tried again. With MML_FAULT_RETRY,
 * mmap_lock is not held any more.
 */
static enum mml_fault_result mml_fault_growing(struct mml_mm *mm, struct mml_fault *fault)
{
	enum mml_fault_result result = mml_handle_mm_fault_locked(mm, fault);
	bool grown;

	if (likely(result != MML_FAULT_MAPERR) || !mml_below_stack(mm, fault->address))
		return result;
	up_read(&mm->mmap_lock);
	if (!down_write_trylock(&mm->mmap_lock)) {
		if (fault->flags & MML_FAULT_MAY_RETRY)
			return MML_FAULT_RETRY;
		down_write(&mm->mmap_lock);
	}
	grown = !mm->dead && mml_expand_stack(mm, fault->address);
	downgrade_write(&mm->mmap_lock);
	return grown ? mml_handle_mm_fault_locked(mm, fault) : result;
}

/* How often it is tried before there is no frame: others may be quicker to get what came free. */
#define MML_OOM_TRIES	16

/**
 * mml_handle_mm_fault - answer an access that the real page table could not
 * @mm: the mm
 * @fault: the access
 *
 * Context: process. Sleeps for mmap_lock unless told not to, for the table mutex, and
 * as fault->gfp says.
 * Return: what to do about it.
 */
enum mml_fault_result mml_handle_mm_fault(struct mml_mm *mm,
					  struct mml_fault *fault)
{
	unsigned int tries = MML_OOM_TRIES;
	enum mml_fault_result result;
	unsigned long begin;

	/* The one look at machine->slow; what follows looks at the flag. */
	if (unlikely(mm->machine->slow) &&
	    test_bit(MML_SLOW_DECISIONS, &mm->machine->slow))
		fault->flags |= MML_FAULT_TOLD;
	do {
		begin = mml_mm_shrink_begin(mm);
		if (!down_read_trylock(&mm->mmap_lock)) {
			if (fault->flags & MML_FAULT_MAY_RETRY)
				return MML_FAULT_RETRY;
			down_read(&mm->mmap_lock);
		}
		result = mml_fault_growing(mm, fault);
		if (unlikely(result == MML_FAULT_RETRY))
			return result;
		if (unlikely(result != MML_FAULT_DONE && result != MML_FAULT_OOM))
			mml_explain_fault(mm, fault, result);
		up_read(&mm->mmap_lock);
	} while (unlikely(result == MML_FAULT_OOM) && --tries && mml_mm_shrink(mm, begin));

	if (unlikely(result == MML_FAULT_OOM)) {
		down_read(&mm->mmap_lock);
		mml_explain_fault(mm, fault, result);
		up_read(&mm->mmap_lock);
	}
	return result;
}
EXPORT_SYMBOL_NS_GPL(mml_handle_mm_fault, MM_LAB);

/* Fault in one page. Returns: 0; -ENOMEM: a hole; -ENOBUFS: no frame; -EINVAL; -EFAULT. */
static int mml_populate_page(struct mml_mm *mm, unsigned long addr, bool write,
			     unsigned long wanted)
{
	const struct mml_vma *vma = mml_vma_lookup(mm, addr);
	struct mml_fault fault = {
		.address = addr,
		.flags = write ? MML_FAULT_WRITE : 0,
		.gfp = GFP_KERNEL,
	};

	/* A touch may read what can only be written; this is to be allowed by name. */
	if (vma && (vma->vm_flags & wanted) != wanted)
		return -EINVAL;
	switch (mml_handle_mm_fault_locked(mm, &fault)) {
	case MML_FAULT_DONE:
		return 0;
	case MML_FAULT_DEAD:
	case MML_FAULT_SIGBUS:
		return -EFAULT;
	case MML_FAULT_OOM:
		return -ENOBUFS;
	default:
		return -ENOMEM;
	}
}

/* Fault in [@start, @end), all in one vma, as far as that goes, with mmap_lock held. */
void mml_populate_held(struct mml_mm *mm, unsigned long start, unsigned long end, bool write)
{
	unsigned long addr;

	for (addr = start; addr < end && !fatal_signal_pending(current); addr += PAGE_SIZE) {
		if (mml_populate_page(mm, addr, write, 0))
			break;
		cond_resched();
	}
}

/* Pages for which mmap_lock is held at a time. */
#define MML_POPULATE_BATCH	256UL

/* As mml_populate(), under one hold of mmap_lock. */
static int mml_populate_batch(struct mml_mm *mm, unsigned long start, unsigned long end,
			      bool write, unsigned long wanted)
{
	unsigned long addr;
	int err = 0;

	if (down_read_killable(&mm->mmap_lock))
		return -EINTR;
	if (!mm->end || mm->dead)
		err = -ENXIO;
	else if (!mml_in_range(mm, start, end - start))
		err = -ENOMEM;
	for (addr = start; addr < end && !err; addr += PAGE_SIZE)
		err = fatal_signal_pending(current) ? -EINTR :
			mml_populate_page(mm, addr, write, wanted);
	up_read(&mm->mmap_lock);
	return err;
}

/*
 * Fault in [@start, @end), for writing or reading, up to the first page that cannot be had, or
 * of which the vma has not the flags @wanted. The real page tables learn of it when the pages
 * are touched. Context: process, sleeps. Returns: 0; -ENOMEM: a hole; -ENOBUFS: no frame; -EINVAL: not
 * allowed; -EFAULT: the mm is gone; -ENXIO: no window; -EINTR.
 */
int mml_populate(struct mml_mm *mm, unsigned long start, unsigned long end, bool write,
		 unsigned long wanted)
{
	unsigned int tries = MML_OOM_TRIES;
	unsigned long next, begin;
	int err = 0;

	for (; start < end && !err; start = next) {
		begin = mml_mm_shrink_begin(mm);
		next = start + min(end - start, MML_POPULATE_BATCH * PAGE_SIZE);
		err = mml_populate_batch(mm, start, next, write, wanted);
		if (err == -ENOBUFS) {
			/* Again, if there may be frames now: what it has mapped stays. */
			err = --tries && mml_mm_shrink(mm, begin) ? 0 : -ENOBUFS;
			next = start;
		} else {
			tries = MML_OOM_TRIES;
		}
		cond_resched();
	}
	return err;
}

/*
 * Copy between @buf and one page, which is there: a fault was just answered, and as long as
 * mmap_lock is held, nobody takes away what it allows, but for shared memory that is removed.
 */
static void mml_access_page(struct mml_mm *mm, unsigned long addr, void *buf,
			    int len, bool write)
{
	struct mml_ptdesc *table = mml_pte_find(mm, addr);
	struct mml_page *page;
	void *at;

	mutex_lock(&table->lock);
	page = mml_vm_normal_page(mm, *mml_entry(mm, table, addr));
	at = page ? mml_page_address(mm->machine, page) + offset_in_page(addr) : NULL;
	/* The zero page, or shared memory that was removed after it was written. */
	if (!at && !write)
		memset(buf, 0, len);
	else if (at && write)
		memcpy(at, buf, len);
	else if (at)
		memcpy(buf, at, len);
	mutex_unlock(&table->lock);
}

/**
 * mml_access - read or write memory of an mm from outside, as /proc/PID/mem does
 * @mm: the mm
 * @addr: where
 * @buf: in kernel memory
 * @len: bytes
 * @write: to the mm, from @buf
 *
 * Context: process, may sleep.
 * Return: bytes copied, up to the first page that does not allow it; -EFAULT if that
 * is the first one.
 */
int mml_access(struct mml_mm *mm, unsigned long addr, void *buf, int len,
	       bool write)
{
	unsigned int tries = MML_OOM_TRIES;
	int done = 0;
	bool again;

	down_read(&mm->mmap_lock);
	while (done < len) {
		int part = min_t(int, len - done, PAGE_SIZE - offset_in_page(addr));
		unsigned long begin = mml_mm_shrink_begin(mm);
		struct mml_fault fault = {
			.address = addr & PAGE_MASK,
			.flags = write ? MML_FAULT_WRITE : 0,
			.gfp = GFP_KERNEL,
		};
		enum mml_fault_result result = mml_fault_growing(mm, &fault);

		if (result == MML_FAULT_OOM && --tries) {
			up_read(&mm->mmap_lock);
			again = mml_mm_shrink(mm, begin);
			down_read(&mm->mmap_lock);
			if (again)
				continue;
		}
		if (result != MML_FAULT_DONE)
			break;
		mml_access_page(mm, addr, buf + done, part, write);
		done += part;
		addr += part;
	}
	up_read(&mm->mmap_lock);
	return done ?: -EFAULT;
}
EXPORT_SYMBOL_NS_GPL(mml_access, MM_LAB);
