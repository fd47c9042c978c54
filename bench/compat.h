/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of the bench differs between configurations and architectures, and nothing else.
 */
#ifndef _MML_BENCH_COMPAT_H
#define _MML_BENCH_COMPAT_H

#include <linux/kconfig.h>
#include <linux/timekeeping.h>

/*
 * Marks for a QEMU plugin (qemu/plugin/locks.c): long nops that nobody else has. The
 * number is the displacement of an address that is not looked at.
 */
static __always_inline void mml_bench_mark_begin(void)
{
#ifdef __x86_64__
	asm volatile("nopl 0x6d6d6c01(%%rax)" ::: "memory");
#endif
}

static __always_inline void mml_bench_mark_end(void)
{
#ifdef __x86_64__
	asm volatile("nopl 0x6d6d6c02(%%rax)" ::: "memory");
#endif
}

/*
 * @n times around a loop of two instructions and nothing in it: what a clock that counts
 * instructions says of it is known beforehand.
 */
static __always_inline void mml_bench_spin(unsigned long n)
{
#ifdef __x86_64__
	if (n)
		asm volatile("1: dec %0; jnz 1b" : "+r" (n) :: "cc");
#else
	while (n--)
		barrier();
#endif
}

/*
 * The clock of the batches: the processor's cycle counter, in UML too, whose own clock
 * has steps that are too long for this. Under QEMU's icount it counts instructions.
 */
static __always_inline u64 mml_bench_clock(void)
{
#ifdef __x86_64__
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a" (low), "=d" (high) :: "memory");
	return low | (u64)high << 32;
#else
	return ktime_get_ns();
#endif
}

/* The kernel's other page allocators, where it has them. */
#define MML_BENCH_HAVE_GEN_POOL IS_ENABLED(CONFIG_GENERIC_ALLOCATOR)
#define MML_BENCH_HAVE_GPU_BUDDY IS_REACHABLE(CONFIG_GPU_BUDDY)

#endif /* _MML_BENCH_COMPAT_H */
