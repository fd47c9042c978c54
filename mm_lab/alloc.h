/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one place where the lab asks the kernel for memory of its own bookkeeping:
 * vmas, mms, sessions, tree nodes. `make check` refuses k*alloc() and stores into
 * maple trees and xarrays anywhere else, so that "the n-th allocation from now
 * fails" (inject.h) reaches every one of them.
 *
 * Each use of a wrapper is a *site*, and has a struct mml_alloc_site of its own,
 * whether or not it is ever executed; debugfs mm_lab/alloc_sites lists them. Frames of
 * the lab are sites as well: see mml_alloc_pages() in buddy_probe/buddy.h.
 *
 * Kernel counterpart: include/linux/alloc_tag.h, where the allocation functions are
 * macros, too, that pass a tag in a section of its own. Differences: the kernel's
 * module loader knows that section; here a module's first and last object mark where
 * its sites begin and end. The linker keeps the order of the objects in Kbuild.
 *
 * Bookkeeping that a user can cause is asked for with GFP_KERNEL_ACCOUNT.
 *
 * Write no wrapper into a static inline function of a header, nor into a macro that
 * repeats its arguments: each copy is a site.
 */
#ifndef _MML_ALLOC_H
#define _MML_ALLOC_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/xarray.h>

struct mml_machine;

/**
 * struct mml_alloc_site - a place in the lab's code that allocates
 * @function: it is in
 * @file: it is in, from the top of the tree
 * @what: is allocated
 * @line: of @file
 * @id: its number, given with its table's registration; 0 before that
 * @calls: seen by an injection, @nofail not included
 * @failed: of these, made to fail
 * @nofail: seen by an injection and let alone, for they were asked for with
 *	__GFP_NOFAIL
 */
struct mml_alloc_site {
	const char *function;
	const char *file;
	const char *what;
	u32 line;
	u32 id;
	atomic_t calls;
	atomic_t failed;
	atomic_t nofail;
};

/**
 * struct mml_alloc_table - the sites of one module
 * @module: its name
 * @begin: the first one
 * @end: after the last one
 * @node: on the list of tables; of sites.c
 */
struct mml_alloc_table {
	const char *module;
	struct mml_alloc_site **begin;
	struct mml_alloc_site **end;
	struct list_head node;
};

/*
 * The pointers to sites are what of the lab is __ro_after_init, and nothing else is.
 * So what lies between a module's two markers in that section is its sites, in a
 * module and in a kernel that the lab is built into, whose linker script would not
 * know a section of our own. `make check` looks at it.
 */

/* The site that this line of code is: struct mml_alloc_site *. */
#define MML_ALLOC_SITE(_what) ({					\
	static struct mml_alloc_site __mml_site = {			\
		.function = __func__,					\
		.file = __FILE__,					\
		.what = _what,						\
		.line = __LINE__,					\
	};								\
	static struct mml_alloc_site *__mml_site_entry			\
		__used __ro_after_init = &__mml_site;			\
									\
	(void)__mml_site_entry;						\
	&__mml_site;							\
})

/* In the first object of a module and in its last one; nothing else is in these. */
#define MML_ALLOC_TABLE_BEGIN(name)					\
	extern struct mml_alloc_site *name##_begin;			\
	struct mml_alloc_site *name##_begin __used __ro_after_init
#define MML_ALLOC_TABLE_END(name)					\
	extern struct mml_alloc_site *name##_begin;			\
	static struct mml_alloc_site *name##_end __used __ro_after_init; \
	struct mml_alloc_table name = {					\
		.module = KBUILD_MODNAME,				\
		.begin = &name##_begin + 1,				\
		.end = &name##_end,					\
	}

extern struct mml_alloc_table mml_ground_alloc_table;

void mml_alloc_table_register(struct mml_alloc_table *table);
void mml_alloc_table_unregister(struct mml_alloc_table *table);

/*
 * The kernel's might_alloc(), of who gives out the lab's own memory. Without this option it is
 * no place to reschedule, as that would be.
 */
static inline void mml_might_alloc(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep_if(gfpflags_allow_blocking(gfp));
}

void *__mml_kzalloc(struct mml_machine *machine, size_t size, gfp_t gfp,
		    struct mml_alloc_site *site);
void *__mml_vcalloc(struct mml_machine *machine, size_t n, size_t size,
		    struct mml_alloc_site *site);
void __percpu *__mml_alloc_percpu(struct mml_machine *machine, size_t size,
				  size_t align, struct mml_alloc_site *site);
void *__mml_alloc_host_pages(struct mml_machine *machine, size_t size, gfp_t gfp,
			      struct mml_alloc_site *site);
unsigned long *__mml_bitmap_zalloc(unsigned long bits, struct mml_alloc_site *site);
int __mml_mas_preallocate(struct mml_machine *machine, struct ma_state *mas,
			  void *entry, gfp_t gfp, struct mml_alloc_site *site);
int __mml_xa_insert(struct mml_machine *machine, struct xarray *xa, unsigned long index,
		    void *entry, gfp_t gfp, struct mml_alloc_site *site);
int __mml_xa_alloc(struct mml_machine *machine, struct xarray *xa, u32 *id,
		   void *entry, gfp_t gfp, struct mml_alloc_site *site);

/* kzalloc(); free with kfree(). @machine may be NULL: there is none yet. */
#define mml_kzalloc(machine, size, gfp) \
	__mml_kzalloc(machine, size, gfp, MML_ALLOC_SITE("kzalloc"))

/* A large zeroed array; free with vfree(). Process context, may sleep. */
#define mml_vcalloc(machine, n, size) \
	__mml_vcalloc(machine, n, size, MML_ALLOC_SITE("vcalloc"))

/* alloc_percpu(); free with free_percpu(). Process context, may sleep. */
#define mml_alloc_percpu(machine, type)					\
	((type __percpu *)__mml_alloc_percpu(machine, sizeof(type),	\
					     __alignof__(type),		\
					     MML_ALLOC_SITE("percpu")))

/* Pages of the kernel's for a machine's own memory; free with free_pages_exact(). */
#define mml_alloc_host_pages(machine, size, gfp) \
	__mml_alloc_host_pages(machine, size, gfp, MML_ALLOC_SITE("pages"))

/* A zeroed bitmap; free with kvfree(). Process context, may sleep. */
#define mml_bitmap_zalloc(bits) \
	__mml_bitmap_zalloc(bits, MML_ALLOC_SITE("bitmap"))

/* mas_preallocate(): 0, or -ENOMEM, which does not happen with __GFP_NOFAIL. */
#define mml_mas_preallocate(machine, mas, entry, gfp) \
	__mml_mas_preallocate(machine, mas, entry, gfp, MML_ALLOC_SITE("maple"))

/* Store at @index: 0, -ENOMEM, -EBUSY when something is there. */
#define mml_xa_insert(machine, xa, index, entry, gfp) \
	__mml_xa_insert(machine, xa, index, entry, gfp, MML_ALLOC_SITE("xarray"))

/* Store at a free index from 1 on: 0, -ENOMEM, -EBUSY when all are in use. */
#define mml_xa_alloc(machine, xa, id, entry, gfp) \
	__mml_xa_alloc(machine, xa, id, entry, gfp, MML_ALLOC_SITE("xarray"))

#endif /* _MML_ALLOC_H */
