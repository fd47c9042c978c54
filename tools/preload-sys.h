/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System calls of the preload library's own.
 *
 * They are made from this library's text, never through libc: the filter (see
 * preload-filter.c) tells a call of the program from one of ours by where it
 * comes from. They leave errno alone and answer as the kernel does, with -errno,
 * so they may be made in the handler of a trapped call.
 */
#ifndef _MMLAB_PRELOAD_SYS_H
#define _MMLAB_PRELOAD_SYS_H

#include <sys/syscall.h>

#ifndef __x86_64__
#error "the preload library knows system calls and signal frames of x86-64 only"
#endif

static inline long __mml_sys(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define __mml_sys6(nr, a, b, c, d, e, f, ...) \
	__mml_sys(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* mml_sys(nr, up to six arguments, numbers or pointers): the result or -errno */
#define mml_sys(...) __mml_sys6(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* Whether @ret is one of the kernel's error numbers, as libc tells them apart. */
static inline int mml_sys_failed(long ret)
{
	return (unsigned long)ret > -4096UL;
}

#endif /* _MMLAB_PRELOAD_SYS_H */
