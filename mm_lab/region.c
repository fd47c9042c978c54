// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: the memory behind machines, and the choice of where it comes from.
 *
 *   reserve_mem   the boot parameter reserve_mem=SIZE:2M:NAME; found by its name
 *		   once, kept while the module is loaded, shared by many machines
 *		   (region_reserve.c)
 *   cma	   the kernel's contiguous memory allocator, through a platform device
 *		   (region_cma.c)
 *   contig	   alloc_contig_range() on the running kernel (region_contig.c)
 *   sparse	   blocks of 4 MiB wherever there are some, with holes between them
 *		   (region_sparse.c)
 *   memmap	   no memory at all: frames that can be allocated and freed, but not
 *		   written to; for sizes that the host does not have
 *
 * A machine takes a slice; MML_BACKEND_AUTO tries the first four in that order. Each
 * refusal says what was asked, what was found and what to do.
 *
 * Kernel counterpart: none for the choice.
 *
 * Locking: each backend's own; nothing of the lab is taken under it.
 */
#include <linux/printk.h>
#include <linux/string.h>

#include "mm_lab/backend.h"
#include "mm_lab/sparse.h"

static const char * const mml_backend_names[] = {
	[MML_BACKEND_AUTO]		= "auto",
	[MML_BACKEND_RESERVE_MEM]	= "reserve_mem",
	[MML_BACKEND_CONTIG]		= "contig",
	[MML_BACKEND_PAGES]		= "pages",
	[MML_BACKEND_CMA]		= "cma",
	[MML_BACKEND_SPARSE]		= "sparse",
	[MML_BACKEND_MEMMAP]		= "memmap",
};

/* Frames without memory: there is nothing to find. */
static int mml_memmap_take(struct mml_slice *slice, unsigned long nr)
{
	return 0;
}

static void mml_memmap_give(struct mml_slice *slice) {}

static void mml_memmap_refuse(unsigned long nr, bool failed) {}

static const struct mml_backend_ops mml_memmap_backend = {
	.backend = MML_BACKEND_MEMMAP,
	.take = mml_memmap_take,
	.give = mml_memmap_give,
	.refuse = mml_memmap_refuse,
};

/* In the order in which MML_BACKEND_AUTO tries them. */
static const struct mml_backend_ops * const mml_backends[] = {
	&mml_reserve_backend,
	&mml_cma_backend,
	&mml_contig_backend,
	&mml_sparse_backend,
	&mml_memmap_backend,
};

const char *mml_backend_name(enum mml_backend backend)
{
	return mml_backend_names[backend];
}

/* Can @backend be asked for? */
bool mml_backend_is_known(enum mml_backend backend)
{
	return backend < ARRAY_SIZE(mml_backend_names) && backend != MML_BACKEND_PAGES;
}

/* Returns: 0, or -EINVAL when @name is no backend that can be asked for. */
int mml_backend_parse(const char *name, enum mml_backend *backend)
{
	int i = match_string(mml_backend_names, ARRAY_SIZE(mml_backend_names), name);

	if (i < 0 || !mml_backend_is_known(i))
		return -EINVAL;
	*backend = i;
	return 0;
}

void mml_refuse(bool failed, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	if (failed)
		pr_err("%pV\n", &vaf);
	else
		pr_info_ratelimited("%pV\n", &vaf);
	va_end(args);
}

static bool mml_backend_suits(const struct mml_backend_ops *ops,
			      enum mml_backend wanted)
{
	return wanted == MML_BACKEND_AUTO ? ops->automatic : ops->backend == wanted;
}

/* Why none of the first @tried backends could be had. */
static void mml_slice_refuse(enum mml_backend wanted, unsigned long nr, int tried,
			     bool failed)
{
	int i;

	for (i = 0; i < tried; i++)
		if (mml_backend_suits(mml_backends[i], wanted))
			mml_backends[i]->refuse(nr, failed);
}

/**
 * mml_slice_take - find memory for a machine
 * @slice: out: what was found
 * @backend: where to look
 * @nr: frames
 *
 * Context: process, may sleep, may take a second (contig migrates pages).
 * Return: 0; -ENOMEM, and the kernel log says why.
 */
int mml_slice_take(struct mml_slice *slice, enum mml_backend backend,
		   unsigned long nr)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(mml_backends); i++) {
		const struct mml_backend_ops *ops = mml_backends[i];

		if (!mml_backend_suits(ops, backend))
			continue;
		*slice = (struct mml_slice){
			.backend = ops->backend,
			.ops = ops,
			.nr = nr,
			.nr_present = nr,
		};
		strscpy(slice->region, mml_backend_name(ops->backend));
		if (!ops->take(slice, nr)) {
			mml_slice_refuse(backend, nr, i, false);
			return 0;
		}
	}
	mml_slice_refuse(backend, nr, i, true);
	return -ENOMEM;
}

/**
 * mml_slice_give - give a slice back
 * @slice: from mml_slice_take(), or pages that a test brought along
 *
 * Context: process, may sleep.
 */
void mml_slice_give(struct mml_slice *slice)
{
	if (slice->ops)
		slice->ops->give(slice);
	mml_sections_free(slice->sections);
	*slice = (struct mml_slice){};
}

/**
 * mml_regions_validate - check the regions' invariants
 * @v: counts
 *
 * Context: process, may sleep.
 */
void mml_regions_validate(struct mml_validation *v)
{
	mml_reserve_validate(v);
}

/**
 * mml_regions_init - look for the boot-time reservation
 * @reserve_name: its name on the kernel's command line
 *
 * Not finding one is no error here: mml_slice_take() says so to who asks for it.
 *
 * Context: module init.
 */
void mml_regions_init(const char *reserve_name)
{
	mml_reserve_init(reserve_name);
}

/* All machines are gone, and with them every slice. */
void mml_regions_exit(void)
{
	mml_reserve_exit();
	mml_cma_exit();
}
