/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the test programs in C share: TAP, the lab's calls, probes.
 *
 * A call returns what a system call does without libc: 0 or an address, or -errno.
 * A test prints one line of TAP and returns whether it passed. Only the process
 * that began may test; children tell their parent by their exit status.
 */
#ifndef _LAB_H
#define _LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "mm_lab/uapi/mm_lab.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	((a) < (b) ? (a) : (b))

#define PAGE		4096UL
#define KIB		1024UL
#define MIB		(1024UL * KIB)

/* Where the window is, and places in it that are far from each other. */
#define WINDOW		MML_WINDOW_ADDR
#define WINDOW_END	(MML_WINDOW_ADDR + MML_WINDOW_SIZE)
#define PLACE(n)	(WINDOW + (n) * 64UL * MIB)

#define MODE_RW		3	/* PROT_READ | PROT_WRITE */
#define MODE_RWX	7

/*
 * TAP.
 */
bool test(bool passed, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool test_is(long got, long want, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void skip(const char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void bail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void begin_tests(void);
int done_testing(void);

/* What must work for the test to make sense; ends the program if it does not. */
long must(long result, const char *what);

/*
 * Files of the lab. machine_new() and the like end the program when they fail. Of the
 * machine that machine_new() makes every frame can be had: it keeps none in reserve.
 */
struct machine {
	int fd;
	uint32_t id;
	uint64_t frames;
};

int lab_ioctl(int fd, unsigned long command, void *arg);
int lab_control(void);
int lab_machine_create(struct mml_machine_create *create);
struct machine machine_new(uint64_t bytes);
struct machine machine_without_watermarks(uint64_t bytes);
bool machine_end(struct machine *machine);
int job_new(uint32_t machine, uint32_t *number);
struct mml_job_stat job_stat(int fd);
int session_on(uint32_t machine, uint32_t job, uint64_t limit, uint32_t *number);
int session_new(uint32_t machine);
void *window_map(int session, uint64_t addr, uint64_t length);
int session_with_window(uint32_t machine);

int block_alloc(int session, uint32_t order, uint32_t *handle);
int block_free(int session, uint32_t handle);

long lab_mmap(int session, uint64_t addr, uint64_t length, int prot, int flags);
long lab_munmap(int session, uint64_t addr, uint64_t length);
long lab_mprotect(int session, uint64_t addr, uint64_t length, int prot);
long lab_mremap(int session, uint64_t addr, uint64_t length, uint64_t new_length, int flags);
long lab_mremap_to(int session, uint64_t addr, uint64_t length, uint64_t new_length, int flags,
		   uint64_t new_addr);
long lab_madvise(int session, uint64_t addr, uint64_t length, int advice);
long lab_mincore(int session, uint64_t addr, uint64_t length, unsigned char *vec);
long lab_msync(int session, uint64_t addr, uint64_t length, int flags);
long lab_mlock(int session, uint64_t addr, uint64_t length, int flags);
long lab_munlock(int session, uint64_t addr, uint64_t length);
long lab_mlockall(int session, int flags);
uint64_t lab_brk(int session, uint64_t brk);

/*
 * Looking at the lab.
 */
int lab_info(uint32_t machine, uint32_t flags, struct mml_info *info);
uint64_t free_frames(uint32_t machine);
bool free_frames_become(uint32_t machine, uint64_t want);
uint64_t reserved_frames(uint32_t machine);
void fault_around(uint32_t machine, unsigned int pages);
uint64_t vm_event(uint32_t machine, const char *name);
const char *machine_file(uint32_t machine, const char *name);
const char *session_file(uint32_t machine, uint32_t session, const char *name);
uint32_t session_of_self(uint32_t machine);
const char *read_text(const char *path);
bool test_valid(const char *when);
void kernel_log_mark(void);
bool kernel_log_says(const char *text);

/*
 * Accesses that may end in a signal.
 */
enum access { READ, WRITE, EXEC };

struct caught {
	int sig;		/* 0: none */
	int code;
	uint64_t addr;
	int value;		/* what was read, or returned by the code executed */
};

int touch(enum access access, uint64_t addr);
void catch_faults(void);
struct caught probe(enum access access, uint64_t addr);
bool test_probe(enum access access, uint64_t addr, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool all_bytes(const void *memory, size_t length, unsigned char value);

/*
 * Children. The function's value is the exit status, which must be below 100; the
 * parent gets it, or 128 + the signal that killed the child.
 */
pid_t child_start(int (*fn)(void *arg), void *arg);
int child_end(pid_t pid);
int in_child(int (*fn)(void *arg), void *arg);

/* A two-way rendezvous between processes. */
struct gate {
	int fd[2];
};

void gate_make(struct gate *gate);
void gate_wait(struct gate *gate);
void gate_open(struct gate *gate, unsigned int waiters);

unsigned int count_descriptors(void);
uint64_t now_ms(void);
void sleep_ms(unsigned int ms);
uint32_t random_below(uint32_t *state, uint32_t limit);

#endif /* _LAB_H */
