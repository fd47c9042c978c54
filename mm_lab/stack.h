/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks, kept and told: who allocated or freed what.
 */
#ifndef _MML_STACK_H
#define _MML_STACK_H

#include <linux/types.h>

struct seq_file;

/* Of a symbol, so much is told. */
#define MML_SYMBOL_LEN	128

u32 mml_save_stack(unsigned int skip);
void mml_show_stack(struct seq_file *seq, u32 handle, const char *indent);
const char *mml_symbol(char *text, size_t size, unsigned long address);

#endif /* _MML_STACK_H */
