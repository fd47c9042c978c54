// SPDX-License-Identifier: GPL-2.0
/*
 * Windows: a range of a real process in which its lab mm is mapped.
 *
 * A process maps the session file once, shared, at a place whose address is the
 * file offset, so that a lab address is a user address. Touching it comes to the
 * fault handler here, which asks the lab's mm and puts the answer into the real page
 * table. The real entries are a TLB: whatever the lab changes, it revokes, and the next touch
 * asks again. The session file's own address_space leads to the real vma for that, with no
 * lock of the process's.
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
#include <linux/mmu_notifier.h>
#include <linux/sched/signal.h>

#include "mm_lab/alloc.h"
#include "mm_lab/compat.h"
#include "mm_lab/shrinker.h"
#include "mm_lab/vmstat.h"
#include "vma_probe/window.h"

#include "trace.h"

/* Pages that a fault maps at once, unless it is set otherwise. */
#define MML_AROUND_PAGES	16U

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

/* What fault-around has written in the lab: as old entries, where there is a table for them. */
static void mml_window_insert_around(struct mml_mm *mm, struct mml_fault *fault,
				     unsigned long start, unsigned int nr,
				     const mml_pte_t *entry)
{
	struct vm_fault *vmf = fault->window;
	struct vm_area_struct *vma = vmf->vma;
	unsigned long pfn, first = 0;
	mml_pte_t like = {};
	spinlock_t *ptl;
	pte_t *pte, old = {};

	if (pmd_none(READ_ONCE(*vmf->pmd)))
		return;
	ptl = pte_lockptr(vma->vm_mm, vmf->pmd);
	pte = pte_offset_kernel(vmf->pmd, start);
	spin_lock(ptl);
	for (; nr--; entry++, pte++, start += PAGE_SIZE) {
		if (!mml_pte_around(*entry) || !pte_none(ptep_get(pte)))
			continue;
		pfn = mml_pfn_to_real_pfn(mm->machine, mml_pte_pfn(*entry));
		/* They are all alike, but for the frame. */
		if ((like.val ^ entry->val) & ~MML_PTE_PFN_MASK) {
			like = *entry;
			first = pfn;
			old = pte_mkold(pfn_pte(pfn, mml_window_prot(vma, like)));
			old = pte_mkspecial(old);
		}
		set_pte_at(vma->vm_mm, start, pte, pte_advance_pfn(old, pfn - first));
	}
	spin_unlock(ptl);
}

static bool mml_window_accessed(struct mml_mm *mm, const struct mml_fault *fault,
				unsigned long addr)
{
	const struct vm_fault *vmf = fault->window;

	/* With a lock of the real vma held, a table that is there stays. */
	return !pmd_none(READ_ONCE(*vmf->pmd)) &&
	       pte_young(ptep_get(pte_offset_kernel(vmf->pmd, addr)));
}

/* Something is done with a part of a real vma. */
typedef void (*mml_real_vma_fn)(struct vm_area_struct *vma, unsigned long addr,
				unsigned long size, void *arg);

/*
 * Call @fn for each real vma of the window that has any of [@start, @end), with its own addresses
 * of that. There is one, or two while it is being moved; and those of relatives, which have the
 * same file, are passed by. While the file's lock is held, page tables of what is found there stay.
 */
static void mml_window_walk_vmas(struct mml_window *window, unsigned long start,
				 unsigned long end, mml_real_vma_fn fn, void *arg)
{
	struct address_space *mapping = READ_ONCE(window->mapping);
	struct rb_node *node;
	int left;

	if (!mapping)
		return;
	i_mmap_lock_read(mapping);
	/* It is counted before it is there, and until it is no more. */
	left = atomic_read(&window->vmas);
	for (node = rb_first_cached(&mapping->i_mmap); node && left; node = rb_next(node)) {
		struct vm_area_struct *vma = rb_entry(node, struct vm_area_struct, shared.rb);
		unsigned long base = vma->vm_pgoff << PAGE_SHIFT;
		unsigned long first = max(start, base);
		unsigned long last = min(end, base + vma->vm_end - vma->vm_start);

		if (vma->vm_private_data != window->session)
			continue;
		left--;
		if (first < last)
			fn(vma, first - base + vma->vm_start, last - first, arg);
	}
	i_mmap_unlock_read(mapping);
}

static void mml_window_zap_vma(struct vm_area_struct *vma, unsigned long addr,
			       unsigned long size, void *unused)
{
	zap_vma_ptes(vma, addr, size);
}

static void mml_window_revoke(struct mml_mm *mm, unsigned long start, unsigned long end)
{
	struct mml_window *window = container_of(mm, struct mml_window, mm);

	trace_mml_tlb_flush(window->session, start, end);
	mml_window_walk_vmas(window, start, end, mml_window_zap_vma, NULL);
}

/* A look at real entries, of @mm from @addr on; in the lab, that is @start, and @entry. */
struct mml_window_look {
	struct mm_struct *mm;
	unsigned long addr;
	unsigned long start;
	mml_pte_t *entry;
	enum mml_harvest how;
	unsigned long used;
};

/*
 * Was @pte, which is there, used, or may it have been? Who mirrors page tables, as KVM does, need
 * not tell.
 */
static bool mml_window_pte_used(const struct mml_window_look *look, pte_t pte)
{
	return pte_young(pte) || mm_has_notifiers(look->mm);
}

/*
 * What was not accessed is in no TLB. It may be accessed until the moment in which it is cleared,
 * and that is seen then.
 */
static int mml_window_look_pte(pte_t *ptep, unsigned long addr, void *arg)
{
	struct mml_window_look *look = arg;
	mml_pte_t *entry = look->entry + ((addr - look->addr) >> PAGE_SHIFT);
	pte_t pte = ptep_get(ptep);

	if (pte_none(pte))
		return 0;
	if (look->how == MML_HARVEST_ALL) {
		pte = ptep_get_and_clear(look->mm, addr, ptep);
	} else if (look->how == MML_HARVEST_UNUSED && mml_pte_around(*entry) &&
		   !mml_window_pte_used(look, pte)) {
		pte = ptep_get_and_clear(look->mm, addr, ptep);
		if (pte_young(pte))
			set_pte_at(look->mm, addr, ptep, pte);
	}
	if (mml_pte_around(*entry) && mml_window_pte_used(look, pte)) {
		WRITE_ONCE(entry->val, mml_pte_mkused(*entry).val);
		look->used++;
	}
	return 0;
}

static void mml_window_look_vma(struct vm_area_struct *vma, unsigned long addr,
				unsigned long size, void *arg)
{
	struct mml_window_look *look = arg;

	look->mm = vma->vm_mm;
	look->addr = look->start - (vma->vm_pgoff << PAGE_SHIFT) + vma->vm_start;
	apply_to_existing_page_range(vma->vm_mm, addr, size, mml_window_look_pte, look);
	/*
	 * An entry that is gone may be so by an munmap of the window that has not flushed yet, and
	 * then its accessed bit is lost, too. A flush by somebody else makes this one flush all.
	 */
	if (look->how == MML_HARVEST_UNUSED && mm_tlb_flush_pending(vma->vm_mm))
		zap_vma_ptes(vma, addr, size);
}

static unsigned long mml_window_harvest(struct mml_mm *mm, unsigned long start,
					unsigned long end, mml_pte_t *entry,
					enum mml_harvest how)
{
	struct mml_window_look look = { .start = start, .entry = entry, .how = how };

	mml_window_walk_vmas(container_of(mm, struct mml_window, mm), start, end,
			     mml_window_look_vma, &look);
	return look.used;
}

/* Is there anything in @mm to be taken back? What CPUs have used since is counted, too. */
static bool mml_window_shrinkable(const struct mml_mm *mm)
{
	return atomic_long_read(&mm->nr_around) || atomic_long_read(&mm->nr_lazyfree);
}

/* Returns: how many frames went; 0, too, if the process is killed. */
static unsigned long mml_window_shrink_one(struct mml_mm *mm)
{
	unsigned long freed;

	if (!mml_window_shrinkable(mm) || down_write_killable(&mm->mmap_lock))
		return 0;
	freed = mml_shrink_mm(mm, ULONG_MAX);
	up_write(&mm->mmap_lock);
	return freed;
}

/* One's own first: at a limit nothing else helps. If there is nothing, all others'. */
static void mml_window_shrink(struct mml_mm *mm)
{
	struct mml_windows *windows = mml_windows(mm->machine);
	struct mml_window *window;

	if (mml_window_shrink_one(mm) || mutex_lock_killable(&windows->lock))
		return;
	list_for_each_entry(window, &windows->list, node)
		mml_window_shrink_one(&window->mm);
	mutex_unlock(&windows->lock);
}

/*
 * The same, for all who want frames of the machine. They may hold any lock of the lab.
 */

static unsigned long mml_window_count(struct mml_shrinker *shrinker,
				      struct mml_shrink_control *sc)
{
	const struct mml_windows *windows = shrinker->private_data;

	return atomic_long_read(&windows->common.nr_around) +
	       atomic_long_read(&windows->common.nr_lazyfree);
}

static unsigned long mml_window_scan(struct mml_shrinker *shrinker,
				     struct mml_shrink_control *sc)
{
	struct mml_windows *windows = shrinker->private_data;
	struct mml_window *window;
	unsigned long freed = 0;

	if (!mutex_trylock(&windows->lock))
		return SHRINK_STOP;
	list_for_each_entry(window, &windows->list, node) {
		if (freed >= sc->nr_to_scan)
			break;
		if (!mml_window_shrinkable(&window->mm) ||
		    !down_write_trylock(&window->mm.mmap_lock))
			continue;
		/* All of it: what stays would have lost its real entries for nothing. */
		freed += mml_shrink_mm(&window->mm, ULONG_MAX);
		up_write(&window->mm.mmap_lock);
	}
	mutex_unlock(&windows->lock);
	sc->nr_scanned = max(freed, sc->nr_to_scan);
	return freed ?: SHRINK_STOP;
}

int mml_windows_init(struct mml_machine *machine, struct mml_windows *windows)
{
	mml_mm_common_init(&windows->common);
	windows->common.around_pages = MML_AROUND_PAGES;
	windows->shrinker = mml_shrinker_alloc(machine, 0, "vma_probe");
	if (!windows->shrinker)
		return -ENOMEM;
	windows->shrinker->count_objects = mml_window_count;
	windows->shrinker->scan_objects = mml_window_scan;
	windows->shrinker->private_data = windows;
	/* Nobody misses them: half of them at each try, before anything else. */
	windows->shrinker->seeks = 0;
	mml_shrinker_register(windows->shrinker);
	return 0;
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
	list_for_each_entry(window, &windows->list, node)
		mml_mm_revoke(&window->mm);
	mutex_unlock(&windows->lock);
}

static u32 mml_window_number(const struct mml_mm *mm)
{
	return container_of(mm, struct mml_window, mm)->session->id;
}

static const struct mml_window_ops mml_window_ops = {
	.insert = mml_window_insert,
	.insert_around = mml_window_insert_around,
	.accessed = mml_window_accessed,
	.revoke = mml_window_revoke,
	.harvest = mml_window_harvest,
	.number = mml_window_number,
	.shrink = mml_window_shrink,
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
	case MML_FAULT_SIGBUS:
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
	u64 begin = 0;

	/* A child whose session could not even begin. */
	if (!session)
		return mml_fault_oom(NULL);
	if (mml_machine_broken(session->machine))
		return mml_window_refuse(vmf, MML_WHY_BROKEN, VM_FAULT_SIGBUS);
	if (!mml_window_allows(vmf))
		return mml_window_refuse(vmf, MML_WHY_WINDOW, mml_fault_accerr(vmf));
	mml_session_touch(session);
	trace_mml_handle_mm_fault_enter(session, fault.address, fault.flags);
	if (trace_mml_handle_mm_fault_enabled())
		begin = ktime_get_ns();
	result = mml_handle_mm_fault(&mml_window(session)->mm, &fault);
	/* Without a beginning it was enabled meanwhile. */
	if (trace_mml_handle_mm_fault_enabled() && begin)
		trace_mml_handle_mm_fault(session, &fault, result, ktime_get_ns() - begin);
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
	/*
	 * They go without a flush; the zap makes up for that. As a flush is pending, ours, it makes
	 * it one of all; and so does everybody who revokes meanwhile and finds nothing.
	 */
	inc_tlb_flush_pending(from->vm_mm);
	mml_fork_prepare(&mml_window(parent)->mm);
	zap_vma_ptes(from, from->vm_start, from->vm_end - from->vm_start);
	dec_tlb_flush_pending(from->vm_mm);
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
	struct mml_mm *mm = &window->mm;
	unsigned long begin = mml_mm_shrink_begin(&parent->mm);
	int err = mml_dup_mmap(mm, &parent->mm);

	if (err == -ENOMEM && mml_mm_shrink(&parent->mm, begin)) {
		mml_exit_mmap(mm);
		mml_mm_init(mm, mm->machine, mm->counter, mm->common, mm->window_ops);
		err = mml_dup_mmap(mm, &parent->mm);
	}
	if (!err) {
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
	window->session = session;
	mml_mm_init(&window->mm, session->machine, &session->counter, &windows->common,
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
