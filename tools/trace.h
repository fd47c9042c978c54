/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The story of a program's memory: what happened (trace-read.c), and how it is told
 * (trace-tell.c).
 */
#ifndef _MMLAB_TRACE_H
#define _MMLAB_TRACE_H

#include "mmlab.h"

#define TRACE_NAME_LEN		16
#define TRACE_FILE_LEN		64

enum moment_kind {
	MOMENT_MMAP,
	MOMENT_MUNMAP,
	MOMENT_FAULT,
	MOMENT_COPY,
	MOMENT_FLUSH,
	MOMENT_FORK,
	MOMENT_EXEC,
	MOMENT_KINDS,
	MOMENT_NAME = MOMENT_KINDS,	/* not told: a process has another name */
};

/**
 * struct moment - something that happened
 * @ns: when, by the clock of now_ns()
 * @order: the how manieth it was read, where the clock does not tell
 * @kind: what
 * @pid: in whose context: a thread's number
 * @name: the thread's, once it is told
 * @address: of calls, faults, copies, flushes
 * @length: of calls and flushes, in bytes
 * @prot: of mmap: PROT_*
 * @ret: of calls: 0 or a negative errno
 * @access: of faults: "read", "write" or "exec"
 * @path: of faults: how it was answered, or why it was not, as the event says it
 * @took: of faults: nanoseconds
 * @old_pfn: of copies: frame that was copied
 * @new_pfn: of copies: the copy
 * @child: of forks: the new thread; of names: whose it is
 * @text: of forks and names: a thread's name; of exec: a file
 */
struct moment {
	uint64_t ns;
	uint64_t order;
	enum moment_kind kind;
	pid_t pid;
	char name[TRACE_NAME_LEN];
	uint64_t address;
	uint64_t length;
	unsigned int prot;
	int ret;
	const char *access;
	const char *path;
	uint64_t took;
	uint64_t old_pfn;
	uint64_t new_pfn;
	pid_t child;
	char text[TRACE_FILE_LEN];
};

/* trace-read.c */
struct trace;
struct trace *trace_begin(void (*tell)(void *arg, const struct moment *moment), void *arg);
void trace_read(struct trace *trace, bool all);
uint64_t trace_lost(const struct trace *trace);
void trace_end(struct trace *trace);

/* trace-tell.c */
struct report;
struct teller;
struct teller *teller_new(FILE *out, bool json);
void teller_tell(void *teller, const struct moment *moment);
void teller_end(struct teller *teller, const struct report *report, uint64_t lost);

#endif /* _MMLAB_TRACE_H */
