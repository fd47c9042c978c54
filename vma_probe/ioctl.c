// SPDX-License-Identifier: GPL-2.0
/*
 * The address space's ioctls: each checks its struct and calls its system call.
 *
 * Kernel counterpart: the SYSCALL_DEFINEs of mm/mmap.c and its neighbours.
 *
 * Locking: none here. The process's mmap_lock is not touched, nor user memory but by MINCORE,
 * which holds no lock then.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "vma_probe/window.h"

#include "trace.h"

static struct mml_mm *mml_call_mm(struct mml_ioctl_call *call)
{
	atomic64_inc(&call->session->job->calls);
	return &mml_window(call->session)->mm;
}

static int mml_ioc_mmap(struct mml_ioctl_call *call, void *arg)
{
	struct mml_mmap_args *a = arg;
	unsigned long addr = a->addr;
	int err;

	err = mml_mmap(mml_call_mm(call), &addr, a->length, a->prot, a->flags);
	trace_mml_mmap(call->session, addr, a->length, a->prot, a->flags, err);
	a->addr = addr;
	return err;
}

/* What a MAP_FIXED replaced does not come back. */
static void mml_ioc_mmap_undo(struct mml_ioctl_call *call, void *arg)
{
	struct mml_mmap_args *a = arg;

	mml_munmap(&mml_window(call->session)->mm, a->addr, a->length);
}

static int mml_ioc_munmap(struct mml_ioctl_call *call, void *arg)
{
	struct mml_munmap_args *a = arg;
	int err = mml_munmap(mml_call_mm(call), a->addr, a->length);

	trace_mml_munmap(call->session, a->addr, a->length, 0, 0, err);
	return err;
}

static int mml_ioc_mprotect(struct mml_ioctl_call *call, void *arg)
{
	struct mml_mprotect_args *a = arg;

	if (a->pad)
		return -EINVAL;
	return mml_mprotect(mml_call_mm(call), a->addr, a->length, a->prot);
}

/*
 * Not undone when its result cannot be handed over, which takes a caller that lets the
 * call's own struct move away: the mapping is where maps says.
 */
static int mml_ioc_mremap(struct mml_ioctl_call *call, void *arg)
{
	struct mml_mremap_args *a = arg;
	unsigned long addr = a->addr;
	int err;

	if (a->pad)
		return -EINVAL;
	err = mml_mremap(mml_call_mm(call), &addr, a->old_length, a->new_length,
			 a->flags, a->new_addr);
	a->addr = addr;
	return err;
}

static int mml_ioc_madvise(struct mml_ioctl_call *call, void *arg)
{
	struct mml_madvise_args *a = arg;

	if (a->pad)
		return -EINVAL;
	return mml_madvise(mml_call_mm(call), a->addr, a->length, a->advice);
}

/* Pages that are asked for at once. */
#define MML_MINCORE_CHUNK	256UL

static int mml_ioc_mincore(struct mml_ioctl_call *call, void *arg)
{
	struct mml_mincore_args *a = arg;
	unsigned long pages = (a->length >> PAGE_SHIFT) + !!offset_in_page(a->length);
	struct mml_mm *mm = mml_call_mm(call);
	unsigned long addr = a->addr;
	u8 __user *vec = u64_to_user_ptr(a->vec);
	u8 chunk[MML_MINCORE_CHUNK];
	long done;

	if (!PAGE_ALIGNED(addr))
		return -EINVAL;
	if (!access_ok((void __user *)addr, a->length))
		return -ENOMEM;
	if (!access_ok(vec, pages))
		return -EFAULT;
	for (; pages; pages -= done, vec += done, addr += done * PAGE_SIZE) {
		done = mml_mincore(mm, addr, min(pages, MML_MINCORE_CHUNK), chunk);
		if (done < 0)
			return done;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (copy_to_user(vec, chunk, done))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

static int mml_ioc_msync(struct mml_ioctl_call *call, void *arg)
{
	struct mml_msync_args *a = arg;

	if (a->pad)
		return -EINVAL;
	return mml_msync(mml_call_mm(call), a->addr, a->length, a->flags);
}

static int mml_ioc_mlock(struct mml_ioctl_call *call, void *arg)
{
	struct mml_mlock_args *a = arg;

	if (a->pad)
		return -EINVAL;
	return mml_mlock2(mml_call_mm(call), a->addr, a->length, a->flags);
}

static int mml_ioc_munlock(struct mml_ioctl_call *call, void *arg)
{
	struct mml_munlock_args *a = arg;

	return mml_munlock(mml_call_mm(call), a->addr, a->length);
}

static int mml_ioc_mlockall(struct mml_ioctl_call *call, void *arg)
{
	struct mml_mlockall_args *a = arg;

	if (a->pad)
		return -EINVAL;
	return a->flags ? mml_mlockall(mml_call_mm(call), a->flags) :
		mml_munlockall(mml_call_mm(call));
}

static int mml_ioc_brk(struct mml_ioctl_call *call, void *arg)
{
	struct mml_brk_args *a = arg;

	a->brk = mml_brk(mml_call_mm(call), a->brk);
	if (a->brk)
		return 0;
	return fatal_signal_pending(current) ? -EINTR : -ENXIO;
}

const struct mml_ioctl mml_vma_ioctls[MML_IOC_RANGE] = {
	MML_IOCTL_UNDO(MML_IOC_MMAP, struct mml_mmap_args, MML_FILE_SESSION,
		       mml_ioc_mmap, mml_ioc_mmap_undo),
	MML_IOCTL(MML_IOC_MUNMAP, struct mml_munmap_args, MML_FILE_SESSION,
		  mml_ioc_munmap),
	MML_IOCTL(MML_IOC_MPROTECT, struct mml_mprotect_args, MML_FILE_SESSION,
		  mml_ioc_mprotect),
	MML_IOCTL(MML_IOC_MREMAP, struct mml_mremap_args, MML_FILE_SESSION,
		  mml_ioc_mremap),
	MML_IOCTL(MML_IOC_MADVISE, struct mml_madvise_args, MML_FILE_SESSION,
		  mml_ioc_madvise),
	MML_IOCTL(MML_IOC_MINCORE, struct mml_mincore_args, MML_FILE_SESSION,
		  mml_ioc_mincore),
	MML_IOCTL(MML_IOC_MSYNC, struct mml_msync_args, MML_FILE_SESSION,
		  mml_ioc_msync),
	MML_IOCTL(MML_IOC_MLOCK, struct mml_mlock_args, MML_FILE_SESSION,
		  mml_ioc_mlock),
	MML_IOCTL(MML_IOC_MUNLOCK, struct mml_munlock_args, MML_FILE_SESSION,
		  mml_ioc_munlock),
	MML_IOCTL(MML_IOC_MLOCKALL, struct mml_mlockall_args, MML_FILE_SESSION,
		  mml_ioc_mlockall),
	MML_IOCTL(MML_IOC_BRK, struct mml_brk_args, MML_FILE_SESSION,
		  mml_ioc_brk),
};
