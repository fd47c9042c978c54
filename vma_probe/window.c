// SPDX-License-Identifier: GPL-2.0
/*
 * Windows: a range of a real process in which its lab mm is mapped.
 *
 * A process maps the session file once, shared, at a place whose address is the
 * file offset, so that a lab address is a user address. Touching it comes to the
 * fault handler here, which asks the lab's mm and puts the answer into the real page
 * table. The real entries are a TLB: whatever the lab changes, it revokes with
 * unmap_mapping_range() on the session file's own address_space, and the next touch
 * asks again.
 *
 *	real event			what becomes of it
 *	mmap of the file		the window; the mm gets its range
 *	touch				mml_handle_mm_fault(), then a real entry
 *	first write to a read-only one	the same; the old entry goes first
 *	fork				a session for the child, its mm shares the parent's
 *					frames; the parent's entries are revoked before
 *					that, for the kernel copies them afterwards, and
 *					they may write
 *	munmap of all, exec, exit	close: the session ends
 *	munmap of a part, mprotect,	refused: the lab's own calls do that
 *	mremap
 *
 * Kernel counterpart: the arch's fault handler (do_user_addr_fault() in
 * arch/x86/mm/fault.c) for the signals; drivers/gpu/drm/ttm/ttm_bo_vm.c for the
 * pattern. Differences: a fault that finds no frame kills its process, there is no
 * choice of a victim.
 *
 * Locking: fault runs under the process's mmap_lock or per-VMA lock, open under
 * mmap_lock for writing, close under mmap_lock. The lab's locks come after those, never
 * before: see mm/mm.h. A session whose last real vma is closed ends, so while a vma can
 * fault its session lives; vm_private_data is a reference to it.
 */
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>

#include "mm_lab/alloc.h"
#include "mm_lab/compat.h"
#include "mm_lab/vmstat.h"
#include "vma_probe/window.h"

#include "trace.h"

/* A fault must not wait for anything but memory. */
#define MML_GFP_FAULT	(GFP_USER | __GFP_NOWARN)

/*
 * The mm's side: struct mml_window_ops.
 */

/* What the lab allows and the real vma, too. */
static pgprot_t mml_window_prot(const struct vm_area_struct *vma, mml_pte_t pte)
{
	unsigned long allowed = (mml_pte_write(pte) ? VM_WRITE : 0) |
				(mml_pte_exec(pte) ? VM_EXEC : 0);

	return vm_get_page_prot(VM_SHARED | VM_READ | (allowed & vma->vm_flags));
}

/*
 * Write the real entry of @addr, if the real page table is there. What is there for the same page
 * may become more: a CPU that does not know yet faults, and finds it. What is there for another
 * page, put by another thread since the fault, goes first. Returns: false if there is no table.
 */
static bool mml_window_set_pte(struct vm_fault *vmf, unsigned long addr, unsigned long pfn,
			       pgprot_t prot)
{
	struct vm_area_struct *vma = vmf->vma;
	spinlock_t *ptl;
	pte_t *pte;
	bool stale;

	/* With a lock of the real vma held, a table that is there stays. */
	if (pmd_none(READ_ONCE(*vmf->pmd)))
		return false;
	ptl = pte_lockptr(vma->vm_mm, vmf->pmd);
	pte = pte_offset_kernel(vmf->pmd, addr);
	do {
		spin_lock(ptl);
		stale = !pte_none(ptep_get(pte)) && pte_pfn(ptep_get(pte)) != pfn;
		if (!stale)
			set_pte_at(vma->vm_mm, addr, pte, pte_mkspecial(pfn_pte(pfn, prot)));
		spin_unlock(ptl);
		if (stale)
			zap_vma_ptes(vma, addr, PAGE_SIZE);
	} while (stale);
	return true;
}

static int mml_window_insert(struct mml_mm *mm, struct mml_fault *fault,
			     struct mml_page *page, mml_pte_t pte)
{
	struct vm_fault *vmf = fault->window;
	unsigned long pfn = page ? mml_page_to_real_pfn(mm->machine, page) :
			    page_to_pfn(ZERO_PAGE(fault->address));
	pgprot_t prot = mml_window_prot(vmf->vma, pte);
	vm_fault_t ret;

	if (mml_machine_broken(mm->machine)) {
		/* Entries are revoked, or were already; this one's frame may go now. */
		zap_vma_ptes(vmf->vma, fault->address, PAGE_SIZE);
		return -EIO;
	}
	if (mml_window_set_pte(vmf, fault->address, pfn, prot))
		return 0;
	ret = vmf_insert_pfn_prot(vmf->vma, fault->address, pfn, prot);
	if (likely(!(ret & VM_FAULT_ERROR)))
		return 0;
	if (!(ret & VM_FAULT_OOM))
		return -EIO;
	/* A page of the real page tables. */
	mml_explain_alloc(mm->machine, MML_WHY_KERNEL_MEMORY, GFP_KERNEL, 0);
	return -ENOMEM;
}

static void mml_window_revoke(struct mml_mm *mm, unsigned long start,
			      unsigned long end)
{
	struct mml_window *window = container_of(mm, struct mml_window, mm);

	struct address_space *mapping = READ_ONCE(window->mapping);

	if (mapping)
		unmap_mapping_range(mapping, start, end - start, 1);
}

/**
 * mml_windows_revoke - the machine is broken: no real entry leads to its frames
 * @machine: the machine, marked broken already
 *
 * A fault that did not see the mark may still be under way: it holds the mm's
 * mmap_lock for reading until it has inserted its entry. One that comes later sees it.
 *
 * Context: process, may sleep.
 */
void mml_windows_revoke(struct mml_machine *machine)
{
	struct mml_windows *windows = mml_windows(machine);
	struct mml_window *window;

	mutex_lock(&windows->lock);
	list_for_each_entry(window, &windows->list, node) {
		down_write(&window->mm.mmap_lock);
		mml_window_revoke(&window->mm, window->mm.start, window->mm.end);
		up_write(&window->mm.mmap_lock);
	}
	mutex_unlock(&windows->lock);
}

static const struct mml_window_ops mml_window_ops = {
	.insert = mml_window_insert,
	.revoke = mml_window_revoke,
};

/*
 * Faults.
 */

/* May a signal with an address of our choice be sent, as force_sig_fault() would? */
static bool mml_can_signal(const struct vm_fault *vmf, int sig)
{
	const struct sighand_struct *sighand;

	/* One's own does not go away. */
	sighand = rcu_dereference_protected(current->sighand, true);
	return vmf->flags & FAULT_FLAG_USER &&
	       !sigismember(&current->blocked, sig) &&
	       sighand->action[sig - 1].sa.sa_handler != SIG_IGN &&
	       !(current->signal->flags & SIGNAL_UNKILLABLE);
}

/*
 * SIGSEGV with SEGV_ACCERR. VM_FAULT_SIGSEGV alone would say SEGV_MAPERR; it has to do
 * where the signal must be forced, and for the kernel's own accesses.
 */
static vm_fault_t mml_fault_accerr(const struct vm_fault *vmf)
{
	struct kernel_siginfo info;

	if (!mml_can_signal(vmf, SIGSEGV))
		return VM_FAULT_SIGSEGV;
	mml_set_trap(vmf->real_address, vmf->flags & FAULT_FLAG_WRITE,
		     vmf->flags & FAULT_FLAG_INSTRUCTION);
	clear_siginfo(&info);
	info.si_signo = SIGSEGV;
	info.si_code = SEGV_ACCERR;
	info.si_addr = (void __user *)vmf->real_address;
	send_sig_info(SIGSEGV, &info, current);
	return VM_FAULT_NOPAGE;
}

/*
 * No frame for the process: it is killed. Not VM_FAULT_OOM, which makes the kernel
 * look for a victim and the process fault again, for ever.
 */
static vm_fault_t mml_fault_oom(struct mml_session *session)
{
	/* Once a process, however many of its threads fault until they are gone. */
	if (session && !atomic_xchg(&mml_window(session)->killed, 1)) {
		mml_count_vm_event(session->machine, MML_OOM_KILL);
		atomic64_inc(&session->job->oom_kills);
		pr_info_ratelimited("machine %u: out of memory: killed process %d (%s), session %u, %lu frames\n",
				    session->machine->id, task_tgid_nr(current),
				    current->comm, session->id,
				    mml_counter_read(&session->counter));
	}
	send_sig(SIGKILL, current, 1);
	return VM_FAULT_SIGBUS;
}

/*
 * Let go of the lock under which the fault came, wait for the mm, and let the fault
 * come again.
 */
static vm_fault_t mml_fault_retry(struct vm_fault *vmf, struct mml_session *session)
{
	mml_session_get(session);
	if (vmf->flags & FAULT_FLAG_VMA_LOCK)
		vma_end_read(vmf->vma);
	else
		mmap_read_unlock(vmf->vma->vm_mm);
	/* The vma may be gone from here on. */
	mml_mm_wait(&mml_window(session)->mm);
	mml_session_put(session);
	return VM_FAULT_RETRY;
}

/* The kernel takes no VM_FAULT_RETRY from pfn_mkwrite. */
static bool mml_may_retry(const struct vm_fault *vmf)
{
	return fault_flag_allow_retry_first(vmf->flags) &&
	       !(vmf->flags & (FAULT_FLAG_RETRY_NOWAIT | FAULT_FLAG_MKWRITE));
}

static vm_fault_t mml_fault_answer(struct vm_fault *vmf, struct mml_session *session,
				   enum mml_fault_result result)
{
	switch (result) {
	case MML_FAULT_DONE:
		mml_count_vm_event(session->machine, MML_PGFAULT);
		atomic64_inc(&session->job->faults);
		return VM_FAULT_NOPAGE;
	case MML_FAULT_RETRY:
		return mml_fault_retry(vmf, session);
	case MML_FAULT_MAPERR:
		return VM_FAULT_SIGSEGV;
	case MML_FAULT_ACCERR:
		return mml_fault_accerr(vmf);
	case MML_FAULT_OOM:
		if (mml_machine_broken(session->machine))
			break;
		return mml_fault_oom(session);
	case MML_FAULT_DEAD:
		break;
	}
	return VM_FAULT_SIGBUS;
}

/*
 * Does the real vma allow the access? The kernel does not ask before every fault, and
 * a window may have been mapped with less than all protections, by choice or because
 * a policy wants it so.
 */
static bool mml_window_allows(const struct vm_fault *vmf)
{
	unsigned long wanted = (vmf->flags & FAULT_FLAG_WRITE ? VM_WRITE : 0) |
			       (vmf->flags & FAULT_FLAG_INSTRUCTION ? VM_EXEC : 0);

	return (vmf->vma->vm_flags & wanted) == wanted;
}

/* Write down a fault that does not even come to the mm. Returns: @ret. */
static vm_fault_t mml_window_refuse(const struct vm_fault *vmf, enum mml_why why,
				    vm_fault_t ret)
{
	const struct vm_area_struct *vma = vmf->vma;
	struct mml_session *session = vma->vm_private_data;
	struct mml_explain *explain;

	explain = mml_explain_begin(session->machine, MML_EXPLAIN_FAULT, why);
	explain->session = session->id;
	explain->address = vmf->address & PAGE_MASK;
	explain->access = vmf->flags & FAULT_FLAG_WRITE ? PROT_WRITE :
			  vmf->flags & FAULT_FLAG_INSTRUCTION ? PROT_EXEC : PROT_READ;
	/* VM_READ and its like are PROT_READ and its like. */
	if (why == MML_WHY_WINDOW)
		mml_explain_step(explain, MML_STEP_VMA,
				 vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC),
				 vma->vm_start, vma->vm_end, explain->access);
	mml_explain_end(session->machine);
	return ret;
}

static vm_fault_t mml_window_fault(struct vm_fault *vmf)
{
	struct mml_session *session = vmf->vma->vm_private_data;
	struct mml_fault fault = {
		.address = vmf->address & PAGE_MASK,
		.flags = (vmf->flags & FAULT_FLAG_WRITE ? MML_FAULT_WRITE : 0) |
			 (vmf->flags & FAULT_FLAG_INSTRUCTION ? MML_FAULT_EXEC : 0) |
			 (mml_may_retry(vmf) ? MML_FAULT_MAY_RETRY : 0),
		.gfp = MML_GFP_FAULT,
		.window = vmf,
	};
	enum mml_fault_result result;

	/* A child whose session could not even begin. */
	if (!session)
		return mml_fault_oom(NULL);
	if (mml_machine_broken(session->machine))
		return mml_window_refuse(vmf, MML_WHY_BROKEN, VM_FAULT_SIGBUS);
	if (!mml_window_allows(vmf))
		return mml_window_refuse(vmf, MML_WHY_WINDOW, mml_fault_accerr(vmf));
	mml_session_touch(session);
	result = mml_handle_mm_fault(&mml_window(session)->mm, &fault);
	trace_mml_handle_mm_fault(session, fault.address,
				  fault.flags & ~MML_FAULT_TOLD, result);
	if (unlikely(result > MML_FAULT_RETRY))
		mml_explain_sign(session->machine, session->id);
	return mml_fault_answer(vmf, session, result);
}

/* Its presence lets faults run under the per-VMA lock; it has nothing to map. */
static vm_fault_t mml_window_map_pages(struct vm_fault *vmf, pgoff_t start,
				       pgoff_t end)
{
	return 0;
}

/*
 * What happens to the real vma.
 */

static int mml_window_clear_pte(pte_t *pte, unsigned long addr, void *mm)
{
	if (!pte_none(ptep_get(pte)))
		ptep_get_and_clear(mm, addr, pte);
	return 0;
}

/*
 * Remove all real entries of a window, as zap_vma_ptes() does, at a fraction of its cost. That one
 * comes afterwards, for the flush: a flush that is pending already, ours, makes it flush all, as it
 * makes everybody who revokes meanwhile and finds nothing. Context: mmap_lock of the process is
 * held for writing, so that nobody adds entries.
 */
static void mml_window_zap(struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start;
	struct mm_struct *mm = vma->vm_mm;

	inc_tlb_flush_pending(mm);
	apply_to_existing_page_range(mm, vma->vm_start, size, mml_window_clear_pte, mm);
	zap_vma_ptes(vma, vma->vm_start, size);
	dec_tlb_flush_pending(mm);
}

/*
 * fork: @vma is the child's copy of the window. The parent's entries go before the
 * child shares its frames, or the parent's other threads would go on writing to
 * them; and the kernel copies entries after this, so none may be left.
 */
static void mml_window_fork(struct vm_area_struct *vma)
{
	struct mml_session *parent = vma->vm_private_data, *child;
	struct vm_area_struct *from = vma_lookup(parent->mm, vma->vm_start);

	vma->vm_private_data = NULL;
	if (WARN_ON_ONCE(!from))
		return;
	mml_window_zap(from);
	child = mml_session_fork(parent, vma->vm_mm);
	if (IS_ERR(child)) {
		mml_explain_alloc(parent->machine, MML_WHY_KERNEL_MEMORY,
				  GFP_KERNEL_ACCOUNT, 0);
		return;
	}
	atomic64_inc(&parent->job->forks);
	atomic_set(&mml_window(child)->vmas, 1);
	vma->vm_private_data = child;
}

static void mml_window_open(struct vm_area_struct *vma)
{
	struct mml_session *session = vma->vm_private_data;

	if (!session)
		return;
	if (vma->vm_mm != session->mm) {
		mml_window_fork(vma);
		return;
	}
	mml_session_get(session);
	atomic_inc(&mml_window(session)->vmas);
}

static void mml_window_close(struct vm_area_struct *vma)
{
	struct mml_session *session = vma->vm_private_data;

	if (!session)
		return;
	if (atomic_dec_and_test(&mml_window(session)->vmas))
		mml_session_end(session);
	mml_session_put(session);
}

static int mml_window_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int mml_window_mprotect(struct vm_area_struct *vma, unsigned long start,
			       unsigned long end, unsigned long newflags)
{
	return -EACCES;
}

static int mml_window_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

/* /proc/PID/mem and ptrace. */
static int mml_window_access(struct vm_area_struct *vma, unsigned long addr,
			     void *buf, int len, int write)
{
	struct mml_session *session = vma->vm_private_data;

	int ret;

	if (!session || mml_machine_broken(session->machine))
		return -EIO;
	ret = mml_access(&mml_window(session)->mm, addr, buf, len, write);
	if (ret < 0)
		mml_explain_sign(session->machine, session->id);
	return ret;
}

static const struct vm_operations_struct mml_window_vm_ops = {
	.open = mml_window_open,
	.close = mml_window_close,
	.may_split = mml_window_may_split,
	.mprotect = mml_window_mprotect,
	.mremap = mml_window_mremap,
	.fault = mml_window_fault,
	.pfn_mkwrite = mml_window_fault,
	.map_pages = mml_window_map_pages,
	.access = mml_window_access,
};

/**
 * mml_window_mmap - a process maps its session file: this is the window
 * @session: the process's
 * @vma: the real one, not yet visible
 *
 * Context: process, under mmap_lock for writing.
 * Return: 0; -EINVAL: the mapping is not shared, its offset is not its address, or
 * page tables cannot map it; -EBUSY: the session has a window; -EOPNOTSUPP: the machine
 * has no memory.
 */
int mml_window_mmap(struct mml_session *session, struct vm_area_struct *vma)
{
	struct mml_window *window = mml_window(session);
	int err;

	if (!mml_has_memory(session->machine))
		return -EOPNOTSUPP;
	/* Inserting a pfn into a private mapping is a BUG() of the kernel. */
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff != vma->vm_start >> PAGE_SHIFT)
		return -EINVAL;
	err = mml_mm_set_range(&window->mm, vma->vm_start, vma->vm_end);
	if (err)
		return err;
	WRITE_ONCE(window->mapping, vma->vm_file->f_mapping);
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	atomic_set(&window->vmas, 1);
	mml_session_get(session);
	vma->vm_private_data = session;
	vma->vm_ops = &mml_window_vm_ops;
	return 0;
}

/*
 * The session's side.
 */

/*
 * A forked child for which frames run out is born dead: its process is killed at its
 * first touch.
 */
static void mml_window_clone(struct mml_window *window, struct mml_window *parent,
			     u32 id)
{
	if (!mml_dup_mmap(&window->mm, &parent->mm)) {
		WRITE_ONCE(window->mapping, parent->mapping);
		return;
	}
	mml_explain_sign(window->mm.machine, id);
	window->mm.stillborn = true;
	mml_exit_mmap(&window->mm);
}

int mml_window_init(struct mml_session *session, struct mml_session *parent)
{
	struct mml_windows *windows = mml_windows(session->machine);
	struct mml_window *window;

	window = mml_kzalloc(session->machine, sizeof(*window), GFP_KERNEL_ACCOUNT);
	if (!window)
		return -ENOMEM;
	mml_mm_init(&window->mm, session->machine, &session->counter, &windows->nr_anon,
		    &mml_window_ops);
	session->engine_data[MML_VMA_SLOT] = window;
	if (parent)
		mml_window_clone(window, mml_window(parent), session->id);

	mutex_lock(&windows->lock);
	list_add_tail(&window->node, &windows->list);
	mutex_unlock(&windows->lock);
	return 0;
}

/*
 * The real vma is closed, so its entries are gone: nothing is to be revoked, least of
 * all from the relatives who map the same file.
 */
void mml_window_exit(struct mml_session *session)
{
	struct mml_windows *windows = mml_windows(session->machine);
	struct mml_window *window = mml_window(session);

	WRITE_ONCE(window->mapping, NULL);
	mml_exit_mmap(&window->mm);
	/* Until then a call of another thread may be under way, and a validator has to wait. */
	mutex_lock(&windows->lock);
	list_del(&window->node);
	mutex_unlock(&windows->lock);
}

void mml_window_free(struct mml_session *session)
{
	kfree(mml_window(session));
}
