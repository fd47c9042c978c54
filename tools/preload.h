/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The preload library, inside: what its files share.
 *
 *   preload.c           the constructor: session, window, order of things
 *   preload-filter.c    which system calls are trapped, and from where
 *   preload-trap.c      the SIGSYS handler: from a trapped call to its answer
 *   preload-memory.c    the answers to mmap, munmap, mprotect, mremap, madvise, mincore, msync, mlock
 *                       and its like, brk
 *   preload-signals.c   the answers to calls that could block or take SIGSYS
 *   preload-sys.h       system calls made from the library's own text
 *
 * Everything here runs before libc is initialized, or in a signal handler on
 * whatever stack the program has: no malloc, no stdio, no errno, no locks, of libc
 * only functions that make no system call, no symbol visible to the program, and
 * little stack.
 */
#ifndef _MMLAB_PRELOAD_H
#define _MMLAB_PRELOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <signal.h>
#include <ucontext.h>

#include "mm_lab/uapi/mm_lab.h"

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define MML_WINDOW_END		(MML_WINDOW_ADDR + MML_WINDOW_SIZE)

/*
 * What the filter gives along with a trap, in si_errno: tells our traps from
 * those of a filter that the program has installed itself.
 */
#define MML_TRAP_COOKIE		0x6d6cu

/* asm-generic/siginfo.h, which does not go with libc's signal.h: a filter's SIGSYS */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP		1
#endif

/**
 * struct mml_library - the library's state; constant once the filter is in force
 * @session: the session file, in a high place in the descriptor table, or -1
 * @libc_start: where libc's text begins
 * @libc_end: where it ends
 *
 * Inherited over fork together with the window: the same descriptor then means
 * the child's own session.
 */
struct mml_library {
	int session;
	uintptr_t libc_start;
	uintptr_t libc_end;
};

extern struct mml_library mml_library;

/**
 * struct mml_call - a trapped system call
 * @nr: its number
 * @arg: its arguments
 * @context: the state of the thread at it; a signal mask written here is what
 *	the thread has when it goes on
 */
struct mml_call {
	long nr;
	unsigned long arg[6];
	ucontext_t *context;
};

static inline bool mml_in_window(uintptr_t addr)
{
	return addr >= MML_WINDOW_ADDR && addr < MML_WINDOW_END;
}

/* preload.c */
void mml_note(uint64_t fallbacks, uint64_t rss_anon_kib);

/* preload-filter.c */
long mml_filter_install(const struct mml_library *library);

/* preload-trap.c */
long mml_trap_install(void);
long mml_trap_pass(const struct mml_call *call);

/* preload-memory.c */
long mml_memory_mmap(const struct mml_call *call);
long mml_memory_munmap(const struct mml_call *call);
long mml_memory_mprotect(const struct mml_call *call);
long mml_memory_mremap(const struct mml_call *call);
long mml_memory_madvise(const struct mml_call *call);
long mml_memory_mincore(const struct mml_call *call);
long mml_memory_msync(const struct mml_call *call);
long mml_memory_mlock(const struct mml_call *call);
long mml_memory_munlock(const struct mml_call *call);
long mml_memory_mlockall(const struct mml_call *call);
long mml_memory_brk(const struct mml_call *call);
uint64_t mml_memory_rss_anon_kib(void);

/* preload-signals.c */
/* Code, not data; nobody calls it but the kernel. */
extern const char mml_restore[] __attribute__((visibility("hidden")));

long mml_signals_install(void (*handler)(int sig, siginfo_t *info, void *context));
long mml_signals_procmask(const struct mml_call *call);
long mml_signals_action(const struct mml_call *call);
bool mml_signals_masked(const struct mml_call *call, long *ret);
void mml_signals_forward(int sig, siginfo_t *info, void *context);

#endif /* _MMLAB_PRELOAD_H */
