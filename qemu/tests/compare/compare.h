/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The comparison of the lab with the kernel: what its files share.
 *
 *	main.c		cases and random operations, each made on both sides by a process of
 *			its own; what the two saw, line by line, is the same or a failure
 *	script.c	operations as text: cases are written in it, and both sides answer in it
 *	ops.c		an operation is made on a side, and said what came of it
 *	side.c		the two sides: the kernel's calls, and the lab's
 *	random.c	operations, one after another, from a seed
 *
 * Both sides use the same addresses: those of the arena, which nobody else uses.
 */
#ifndef _COMPARE_H
#define _COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../lab.h"

/* Where cases map, and how much of that maps shows. */
#define ARENA		WINDOW
#define ARENA_SIZE	(1UL << 30)

/* Variables are a to z. */
#define NR_VARIABLES	26

/**
 * struct place - an address as it is written
 * @base: 'A': the arena; 'a' to 'z': a variable; 0: the offset is the address
 * @offset: bytes
 */
struct place {
	char base;
	int64_t offset;
};

enum call {
	MMAP, MUNMAP, MPROTECT, MREMAP, MADVISE, MINCORE, MSYNC, MLOCK, MUNLOCK, MLOCKALL,
	MUNLOCKALL, BRK, LIMIT, LOCKED, LOAD, STORE, RUN, MAPS, FORK, NR_CALLS
};

/**
 * struct op - an operation
 * @call: which
 * @result: the variable that gets what it returns; 0: none
 * @addr: its first argument
 * @to: of mremap, with MREMAP_FIXED or not, if @has_to
 * @has_to: there is a @to
 * @length: bytes; of LOAD and STORE: in each page of which; of LIMIT: what is allowed
 * @new_length: of mremap
 * @prot: PROT_*
 * @flags: MAP_*, MREMAP_*, MADV_*, MS_*, MLOCK_*, MCL_*, RLIMIT_*; the byte that STORE writes; how
 *	many operations the child of FORK makes, 0: all that follow
 */
struct op {
	enum call call;
	char result;
	struct place addr;
	struct place to;
	bool has_to;
	uint64_t length;
	uint64_t new_length;
	uint32_t prot;
	uint32_t flags;
};

/**
 * struct compare_case - operations with a name
 * @name: what is compared
 * @differs: why the sides do not agree, for they have to differ then; NULL: they agree
 * @op: they
 * @count: how many
 * @room: for how many
 */
struct compare_case {
	char *name;
	char *differs;
	struct op *op;
	size_t count;
	size_t room;
};

/**
 * struct script - a file of cases
 * @cases: they
 * @count: how many
 * @room: for how many
 */
struct script {
	struct compare_case *cases;
	size_t count;
	size_t room;
};

/**
 * struct side - where operations are made
 * @name: "kernel" or "lab"
 * @begin: called first, in the process that is to make them
 * @forked: called in its child
 * @mmap: as the system call; it returns what that does, or -errno; and so on
 * @brk: as the system call; its heap begins where the arena does
 * @maps: the file that says what is mapped
 * @status: the file that says how much
 */
struct side {
	const char *name;
	void (*begin)(void);
	void (*forked)(void);
	long (*mmap)(uint64_t addr, uint64_t length, int prot, int flags);
	long (*munmap)(uint64_t addr, uint64_t length);
	long (*mprotect)(uint64_t addr, uint64_t length, int prot);
	long (*mremap)(uint64_t addr, uint64_t length, uint64_t new_length, int flags,
		       uint64_t to);
	long (*madvise)(uint64_t addr, uint64_t length, int advice);
	long (*mincore)(uint64_t addr, uint64_t length, unsigned char *vec);
	long (*msync)(uint64_t addr, uint64_t length, int flags);
	long (*mlock)(uint64_t addr, uint64_t length, int flags);
	long (*munlock)(uint64_t addr, uint64_t length);
	long (*mlockall)(int flags);
	long (*munlockall)(void);
	uint64_t (*brk)(uint64_t brk);
	FILE *(*maps)(void);
	FILE *(*status)(void);
};

extern const struct side kernel_side, lab_side;
extern struct machine compare_machine;

/* script.c */
void script_read(struct script *script, const char *path);
void op_print(FILE *out, const struct op *op);

/* ops.c */
void op_make(const struct side *side, const struct op *op, FILE *out);

/* random.c */
void random_begin(uint32_t seed);
void random_next(struct op *op);

#endif /* _COMPARE_H */
