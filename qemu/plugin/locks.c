// SPDX-License-Identifier: GPL-2.0
/*
 * A TCG plugin for QEMU 7.2: counts the locked instructions that the guest executes
 * between two marks. Locked are those with a LOCK prefix, and xchg with memory, which
 * has no need of one.
 *
 *	-plugin out/locks.so,out=FILE
 *
 * The marks are long nops with a displacement of their own (bench/compat.h). Each pair
 * of them gives a line of FILE: how many locked instructions there were between, and
 * how many instructions in all. For guests of one CPU.
 *
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "qemu-plugin.h"

int qemu_plugin_version = 1;

/* nopl 0x6d6d6c01(%rax), and the same with 02 */
static const unsigned char mark_begin[] = { 0x0f, 0x1f, 0x80, 0x01, 0x6c, 0x6d, 0x6d };
static const unsigned char mark_end[] = { 0x0f, 0x1f, 0x80, 0x02, 0x6c, 0x6d, 0x6d };

static FILE *out;
static unsigned long locked, executed;
static unsigned long locked_begin, executed_begin;

static void begin(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	locked_begin = locked;
	executed_begin = executed;
}

static void end(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	fprintf(out, "%lu %lu\n", locked - locked_begin,
		executed - executed_begin);
	fflush(out);
}

static bool is_prefix(unsigned char byte)
{
	static const unsigned char prefixes[] = {
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3,
	};

	return memchr(prefixes, byte, sizeof(prefixes));
}

/* Does the instruction lock the bus? */
static bool is_locked(const unsigned char *insn, size_t size)
{
	size_t i = 0;

	for (; i < size && (is_prefix(insn[i]) || insn[i] == 0xf0); i++) {
		if (insn[i] == 0xf0)
			return true;
	}
	if (i < size && (insn[i] & 0xf0) == 0x40)
		i++;	/* REX */
	/* xchg, and its operand is no register */
	return i + 1 < size && (insn[i] & 0xfe) == 0x86 && insn[i + 1] >> 6 != 3;
}

static bool is_mark(const unsigned char *insn, size_t size, const unsigned char *mark)
{
	return size == sizeof(mark_begin) && !memcmp(insn, mark, size);
}

static void translate(unsigned long id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *data = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);

		qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
							   &executed, 1);
		if (is_locked(data, size))
			qemu_plugin_register_vcpu_insn_exec_inline(insn,
								   QEMU_PLUGIN_INLINE_ADD_U64,
								   &locked, 1);
		else if (is_mark(data, size, mark_begin))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		else if (is_mark(data, size, mark_end))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

int qemu_plugin_install(unsigned long id, const struct qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("locks: say where the counts go: -plugin locks.so,out=FILE\n", stderr);
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
