// SPDX-License-Identifier: GPL-2.0
/*
 * Stacks, kept and told. They are kept in the kernel's stack depot, each once; who wants
 * any has called stack_depot_init() before.
 *
 * Kernel counterpart: set_track_prepare() in mm/slub.c, save_stack() in mm/page_owner.c.
 * Differences: a stack for which the kernel had no memory is said to be missing; no kernel
 * address is told, also not where a symbol is gone with its module.
 *
 * Locking: none here; callable under any lock.
 */
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "mm_lab/stack.h"

/* What a line begins with, the caller says. */
#undef pr_fmt
#define pr_fmt(fmt)	fmt

/* Of a stack, so many calls are kept. */
#define MML_STACK_DEPTH		16

/**
 * mml_save_stack - keep the stack of who calls
 * @skip: so many calls of it are left out, this one not counted
 *
 * Context: any but NMI; never sleeps.
 * Return: a handle for mml_show_stack(); 0: the depot had no memory for it.
 */
noinline u32 mml_save_stack(unsigned int skip)
{
	unsigned long entries[MML_STACK_DEPTH];
	unsigned int nr = stack_trace_save(entries, ARRAY_SIZE(entries), skip + 1);

	return stack_depot_save(entries, nr, GFP_NOWAIT | __GFP_NOWARN);
}
EXPORT_SYMBOL_NS_GPL(mml_save_stack, MM_LAB);

/**
 * mml_symbol - a place in the code in words
 * @text: where they go
 * @size: of @text, in bytes
 * @address: the place
 *
 * Context: any.
 * Return: @text: the name of its function, or that its module is gone.
 */
const char *mml_symbol(char *text, size_t size, unsigned long address)
{
	snprintf(text, size, "%pS", (void *)address);
	if (!strncmp(text, "0x", 2))
		strscpy(text, "(of a module that is gone)", size);
	return text;
}
EXPORT_SYMBOL_NS_GPL(mml_symbol, MM_LAB);

/**
 * mml_show_stack - tell a stack, a call a line
 * @seq: where to; NULL: the kernel log
 * @handle: from mml_save_stack()
 * @indent: what each line begins with
 *
 * Context: any.
 */
void mml_show_stack(struct seq_file *seq, u32 handle, const char *indent)
{
	char symbol[MML_SYMBOL_LEN] = "(no stack was kept)";
	unsigned long *entries;
	unsigned int nr = stack_depot_fetch(handle, &entries), i = 0;

	do {
		if (nr)
			mml_symbol(symbol, sizeof(symbol), entries[i]);
		if (seq)
			seq_printf(seq, "%s%s\n", indent, symbol);
		else
			pr_err("%s%s\n", indent, symbol);
	} while (++i < nr);
}
EXPORT_SYMBOL_NS_GPL(mml_show_stack, MM_LAB);
