/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What locks.c uses of QEMU's interface for TCG plugins, version 1, as QEMU documents it:
 * Debian has no package with the header of this name. Of a 64-bit host, where an unsigned
 * long is what the interface has as uint64_t.
 */
#ifndef _QEMU_PLUGIN_H
#define _QEMU_PLUGIN_H

#include <stddef.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*tb_trans_cb)(unsigned long id, struct qemu_plugin_tb *tb);
typedef void (*insn_exec_cb)(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(unsigned long id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, insn_exec_cb cb,
					    int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op,
						void *counter, unsigned long n);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const unsigned char *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))

/* What QEMU looks for in a plugin. */
EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_install(unsigned long id, const struct qemu_info_t *info, int argc,
			       char **argv);

#endif /* _QEMU_PLUGIN_H */
