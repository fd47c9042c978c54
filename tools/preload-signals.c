// SPDX-License-Identifier: GPL-2.0
/*
 * SIGSYS, kept out of the program's hands.
 *
 * A call that is trapped while SIGSYS is blocked, or while its handler is not
 * ours, kills the process. Two invariants follow:
 *
 *   no thread of the program ever has SIGSYS blocked;
 *   the kernel's disposition of SIGSYS is trap_handler(), from constructor to exec.
 *
 * They cannot be kept by interposing functions: libc blocks all signals by system
 * calls of its own in pthread_create, posix_spawn and at the end of a thread, and
 * frees memory meanwhile. So the system calls themselves are trapped, where they
 * come with a set of signals or a new action, and made again without SIGSYS in
 * the set:
 *
 *   rt_sigprocmask   by changing the mask in the interrupted context, which the
 *                    return from the handler makes the thread's mask
 *   rt_sigaction     with SIGSYS taken out of sa_mask
 *   rt_sigsuspend, ppoll, pselect6, epoll_pwait, epoll_pwait2
 *                    with SIGSYS taken out of the set
 *
 * That makes sigprocmask() ten times as dear as it is, and still little beside the
 * fork or the thread that such calls go with.
 *
 * What the program does to SIGSYS itself is kept here and told back to it, as if
 * it were done. A SIGSYS that is not our trap (sent by kill, or from a filter
 * that the program has installed) is dealt with by that action. Two things differ
 * from the kernel: SIGSYS cannot be blocked, and a child made by vfork shares
 * this record with its parent.
 */
#include <errno.h>
#include <stddef.h>

#include "preload.h"
#include "preload-sys.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2	441
#endif

#define BIT_OF(sig)		(1UL << ((sig) - 1))
#define WITHOUT_SIGSYS(set)	((set) & ~BIT_OF(SIGSYS))

/* Raised by what the thread itself does: to block them is to be killed by them. */
#define OF_A_FAULT		(BIT_OF(SIGSEGV) | BIT_OF(SIGBUS) | BIT_OF(SIGFPE) | \
				 BIT_OF(SIGILL) | BIT_OF(SIGTRAP) | BIT_OF(SIGSYS))

/* Bytes in the kernel's sigset_t, the only size that it takes. */
#define SET_SIZE		8

/* linux/signal.h; not in its uapi, for libc has another sigaction. */
#define SA_RESTORER		0x04000000

/* The kernel's struct sigaction. */
struct action {
	union {
		void (*handler)(int sig);
		void (*sigaction)(int sig, siginfo_t *info, void *context);
	};
	unsigned long flags;
	const void *restorer;
	unsigned long mask;
};

_Static_assert(sizeof(struct action) == 32, "the kernel's struct sigaction of x86-64");

/* What pselect6 has as its sixth argument. */
struct sized_set {
	const unsigned long *set;
	unsigned long size;
};

/*
 * Calls that are given a set of signals to block meanwhile, and which argument
 * points to it.
 */
static const struct {
	long nr;
	unsigned int arg;
} masked_calls[] = {
	{ SYS_rt_sigsuspend, 0 },
	{ SYS_ppoll, 3 },
	{ SYS_pselect6, 5 },
	{ SYS_epoll_pwait, 4 },
	{ SYS_epoll_pwait2, 4 },
};

/*
 * What the program has made of SIGSYS: the one of the two that is current. The
 * other is written to and then made current, so that no reader sees half of one.
 */
static struct action of_program[2];
static unsigned int current;

/*
 * Where a signal handler returns to. Written as libc's is, byte for byte: that is
 * how debuggers and unwinders know a signal frame. The nop keeps the address
 * before it from belonging to the function above.
 */
__asm__(".pushsection .text\n"
	"	nop\n"
	"	.align 16\n"
	"	.type mml_restore, @function\n"
	"mml_restore:\n"
	"	movq $15, %rax\n"	/* SYS_rt_sigreturn */
	"	syscall\n"
	"	.size mml_restore, . - mml_restore\n"
	"	.popsection\n");
_Static_assert(SYS_rt_sigreturn == 15, "mml_restore has the number");

/**
 * mml_signals_install - take SIGSYS
 * @handler: its handler from now on
 *
 * The mask may have come over exec with SIGSYS in it.
 *
 * Return: 0 or -errno.
 */
long mml_signals_install(void (*handler)(int sig, siginfo_t *info, void *context))
{
	const unsigned long sigsys = BIT_OF(SIGSYS);
	const struct action action = {
		.sigaction = handler,
		.flags = SA_SIGINFO | SA_RESTART | SA_NODEFER | SA_RESTORER,
		.restorer = mml_restore,
		.mask = ~OF_A_FAULT,
	};
	long ret;

	ret = mml_sys(SYS_rt_sigaction, SIGSYS, &action, &of_program[current], SET_SIZE);
	if (!ret)
		ret = mml_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &sigsys, NULL, SET_SIZE);
	return ret;
}

/**
 * mml_signals_procmask - rt_sigprocmask(2)
 * @call: the call
 *
 * The sets are read and written as libc itself does it: what is no address raises
 * SIGSEGV instead of being EFAULT.
 *
 * Return: 0 or -errno.
 */
long mml_signals_procmask(const struct mml_call *call)
{
	const unsigned long *set = (const unsigned long *)call->arg[1];
	unsigned long *old = (unsigned long *)call->arg[2];
	unsigned long *mask = &call->context->uc_sigmask.__val[0];
	const unsigned long before = *mask;
	unsigned long after = before;

	if (call->arg[3] != SET_SIZE)
		return -EINVAL;
	if (set) {
		switch ((int)call->arg[0]) {
		case SIG_BLOCK:
			after |= *set;
			break;
		case SIG_UNBLOCK:
			after &= ~*set;
			break;
		case SIG_SETMASK:
			after = *set;
			break;
		default:
			return -EINVAL;
		}
	}
	if (old)
		*old = before;
	*mask = WITHOUT_SIGSYS(after);
	return 0;
}

/* What the program asks for SIGSYS: kept, and told, but not done. */
static long action_of_sigsys(const struct action *new, struct action *old)
{
	const struct action before = of_program[current];

	if (new) {
		of_program[!current] = *new;
		__atomic_store_n(&current, !current, __ATOMIC_RELEASE);
	}
	if (old)
		*old = before;
	return 0;
}

/**
 * mml_signals_action - rt_sigaction(2)
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_signals_action(const struct mml_call *call)
{
	const struct action *new = (const struct action *)call->arg[1];
	struct action copy;

	if (call->arg[3] != SET_SIZE)
		return -EINVAL;
	if ((int)call->arg[0] == SIGSYS)
		return action_of_sigsys(new, (struct action *)call->arg[2]);
	if (!new)
		return mml_trap_pass(call);
	copy = *new;
	copy.mask = WITHOUT_SIGSYS(copy.mask);
	return mml_sys(call->nr, call->arg[0], &copy, call->arg[2], call->arg[3]);
}

static long pselect_without_sigsys(const struct mml_call *call)
{
	struct sized_set sized = *(const struct sized_set *)call->arg[5];
	struct mml_call again = *call;
	unsigned long set;

	if (sized.set && sized.size == SET_SIZE) {
		set = WITHOUT_SIGSYS(*sized.set);
		sized.set = &set;
	}
	again.arg[5] = (unsigned long)&sized;
	return mml_trap_pass(&again);
}

/* Any other call: the set, and behind it its size. */
static long call_without_sigsys(const struct mml_call *call, unsigned int arg)
{
	struct mml_call again = *call;
	unsigned long set;

	if (call->arg[arg + 1] == SET_SIZE) {
		set = WITHOUT_SIGSYS(*(const unsigned long *)call->arg[arg]);
		again.arg[arg] = (unsigned long)&set;
	}
	return mml_trap_pass(&again);
}

/**
 * mml_signals_masked - one of the calls that are given a set of signals
 * @call: the call
 * @ret: out: its result
 *
 * The signals that the call lets in have their handlers run on top of ours.
 *
 * Return: whether it is one of them.
 */
bool mml_signals_masked(const struct mml_call *call, long *ret)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(masked_calls); i++) {
		const unsigned int arg = masked_calls[i].arg;

		if (masked_calls[i].nr != call->nr || !call->arg[arg])
			continue;
		if (call->nr == SYS_pselect6)
			*ret = pselect_without_sigsys(call);
		else
			*ret = call_without_sigsys(call, arg);
		return true;
	}
	return false;
}

/* As the kernel does it, with the default action, when this handler returns. */
static void die_of(int sig)
{
	const struct action dfl = { .handler = SIG_DFL };

	mml_sys(SYS_rt_sigaction, sig, &dfl, NULL, SET_SIZE);
	mml_sys(SYS_tgkill, mml_sys(SYS_getpid), mml_sys(SYS_gettid), sig);
}

/**
 * mml_signals_forward - a SIGSYS that is no trap of ours
 * @sig: SIGSYS
 * @info: as the handler got it
 * @context: as the handler got it
 */
void mml_signals_forward(int sig, siginfo_t *info, void *context)
{
	const struct action action = of_program[__atomic_load_n(&current, __ATOMIC_ACQUIRE)];

	if (action.handler == SIG_IGN && info->si_code != SYS_SECCOMP)
		return;
	if (action.handler == SIG_IGN || action.handler == SIG_DFL)
		die_of(sig);
	else if (action.flags & SA_SIGINFO)
		action.sigaction(sig, info, context);
	else
		action.handler(sig);
}
