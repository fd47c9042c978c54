// SPDX-License-Identifier: GPL-2.0
/*
 * The trap: a system call of the program becomes a function call of ours.
 *
 * Where the filter says trap, the kernel does not make the call but sends
 * SIGSYS: the handler finds the call's number and arguments in the context of
 * the interrupted thread, has it answered, and puts the answer where a system
 * call has it, in RAX. The thread goes on after the syscall instruction and
 * cannot tell.
 *
 * While the handler runs, all signals are blocked but those that a fault of the
 * thread itself raises: a real system call does not let the program's own
 * handlers in halfway either. SIGSYS is not blocked, for the handler may call one
 * of the program's (see preload-signals.c), which may be trapped in its turn.
 *
 * The handler runs on the stack that the call was made on (no SA_ONSTACK). What
 * the kernel pushes (AT_MINSIGSTKSZ, 3.5 KiB with AVX-512) and the handler (half
 * a KiB) has to fit there. The alternative stack would be the wrong place: it is
 * the program's, to handle an overflow or to run a coroutine on, and may have
 * live frames on it while the thread is elsewhere.
 */
#include <errno.h>

#include "preload.h"
#include "preload-sys.h"

#ifndef SYS_close_range
#define SYS_close_range		436
#endif

/**
 * mml_trap_pass - make a trapped call after all
 * @call: the call
 *
 * Return: what the kernel answers.
 */
long mml_trap_pass(const struct mml_call *call)
{
	return mml_sys(call->nr, call->arg[0], call->arg[1], call->arg[2], call->arg[3],
		       call->arg[4], call->arg[5]);
}

/* close_range(2) of what is left and right of the session's descriptor */
static long trap_close_range(const struct mml_call *call)
{
	const unsigned int first = call->arg[0], last = call->arg[1], session = mml_library.session;
	long ret = 0;

	if (first > session || last < session)
		return mml_trap_pass(call);
	if (first < session)
		ret = mml_sys(call->nr, first, session - 1, call->arg[2]);
	if (!mml_sys_failed(ret) && last > session)
		ret = mml_sys(call->nr, session + 1, last, call->arg[2]);
	return ret;
}

/* The process ends: its job wants to know what it cost the kernel. */
static long trap_exit_group(const struct mml_call *call)
{
	mml_note(0, mml_memory_rss_anon_kib());
	return mml_trap_pass(call);
}

static long trap_answer(const struct mml_call *call)
{
	long ret;

	switch (call->nr) {
	case SYS_mmap:
		return mml_memory_mmap(call);
	case SYS_munmap:
		return mml_memory_munmap(call);
	case SYS_mprotect:
		return mml_memory_mprotect(call);
	case SYS_mremap:
		return mml_memory_mremap(call);
	case SYS_madvise:
		return mml_memory_madvise(call);
	case SYS_mincore:
		return mml_memory_mincore(call);
	case SYS_msync:
		return mml_memory_msync(call);
	case SYS_mlock:
	case SYS_mlock2:
		return mml_memory_mlock(call);
	case SYS_munlock:
		return mml_memory_munlock(call);
	case SYS_mlockall:
	case SYS_munlockall:
		return mml_memory_mlockall(call);
	case SYS_brk:
		return mml_memory_brk(call);
	case SYS_rt_sigprocmask:
		return mml_signals_procmask(call);
	case SYS_rt_sigaction:
		return mml_signals_action(call);
	case SYS_close_range:
		return trap_close_range(call);
	case SYS_exit_group:
		return trap_exit_group(call);
	default:
		if (mml_signals_masked(call, &ret))
			return ret;
		return mml_trap_pass(call);
	}
}

static void trap_handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *const uc = context;
	greg_t *const regs = uc->uc_mcontext.gregs;
	const struct mml_call call = {
		.nr = info->si_syscall,
		.arg = { regs[REG_RDI], regs[REG_RSI], regs[REG_RDX],
			 regs[REG_R10], regs[REG_R8], regs[REG_R9] },
		.context = uc,
	};

	if (info->si_code != SYS_SECCOMP || info->si_errno != MML_TRAP_COOKIE)
		mml_signals_forward(sig, info, context);
	else
		regs[REG_RAX] = trap_answer(&call);
}

/**
 * mml_trap_install - be ready for trapped calls
 *
 * Return: 0 or -errno.
 */
long mml_trap_install(void)
{
	return mml_signals_install(trap_handler);
}
