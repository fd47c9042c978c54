/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels, and nothing else. The lab is written for v6.12;
 * every #if on a version, a configuration or an architecture stands here.
 */
#ifndef _MML_COMPAT_H
#define _MML_COMPAT_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/sched.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "mm_lab needs Linux 6.12 or later"
#endif

/* UML has no alloc_contig_range(). */
#ifdef CONFIG_CONTIG_ALLOC
#define MML_HAVE_CONTIG 1
static inline int mml_contig_alloc(unsigned long start, unsigned long end)
{
	return alloc_contig_range(start, end, MIGRATE_MOVABLE,
				  GFP_KERNEL | __GFP_NOWARN);
}

static inline void mml_contig_free(unsigned long start, unsigned long nr)
{
	free_contig_range(start, nr);
}
#else
#define MML_HAVE_CONTIG 0
static inline int mml_contig_alloc(unsigned long start, unsigned long end)
{
	return -EOPNOTSUPP;
}

static inline void mml_contig_free(unsigned long start, unsigned long nr) {}
#endif

/* Memory from the CMA area, through the DMA API. */
#define MML_HAVE_CMA	IS_ENABLED(CONFIG_DMA_CMA)

/*
 * A compare-exchange of 128 bits that is no locked one. UML's processor has it, but there
 * it is tested what those do that have not.
 */
#if defined(system_has_cmpxchg128) && !defined(CONFIG_UML)
static __always_inline bool mml_has_cmpxchg128(void)
{
	return system_has_cmpxchg128();
}

static __always_inline bool mml_try_cmpxchg128_local(u128 *ptr, u128 *old, u128 new)
{
	return try_cmpxchg128_local(ptr, old, new);
}
#else
static __always_inline bool mml_has_cmpxchg128(void) { return false; }

static __always_inline bool mml_try_cmpxchg128_local(u128 *ptr, u128 *old, u128 new)
{
	return false;
}
#endif

/*
 * mml_kunit_count - count in a counter that the running KUnit test has put up
 * @name: of a resource of the test, of which the data is an atomic64_t
 *
 * As slab_add_kunit_errors() in mm/slub.c. Without KUnit nothing is left of it; with it,
 * and no test running, a branch that is patched out.
 *
 * Context: any.
 * Return: whether there is a test with such a counter.
 */
#if IS_ENABLED(CONFIG_KUNIT)
#include <kunit/resource.h>
#include <kunit/test-bug.h>
static inline bool mml_kunit_count(const char *name)
{
	struct kunit *test = kunit_get_current_test();
	struct kunit_resource *resource;

	if (!test)
		return false;
	resource = kunit_find_named_resource(test, name);
	if (!resource)
		return false;
	atomic64_inc(resource->data);
	kunit_put_resource(resource);
	return true;
}
#else
static inline bool mml_kunit_count(const char *name) { return false; }
#endif

/*
 * Leave behind what the architecture's own fault handler leaves for a signal
 * frame: the vector, the address and the error code of the page fault.
 */
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#include <asm/trap_pf.h>
#include <asm/trapnr.h>
static inline void mml_set_trap(unsigned long address, bool write, bool exec)
{
	current->thread.trap_nr = X86_TRAP_PF;
	current->thread.cr2 = address;
	current->thread.error_code = X86_PF_USER | X86_PF_PROT |
				     (write ? X86_PF_WRITE : 0) |
				     (exec ? X86_PF_INSTR : 0);
}
#else
static inline void mml_set_trap(unsigned long address, bool write, bool exec) {}
#endif

#endif /* _MML_COMPAT_H */
