// SPDX-License-Identifier: GPL-2.0
/*
 * fork: the child's memory is a copy, and nobody sees what the other does to its own.
 *
 * Both directions, grandchildren, trees of processes with exact counts; while threads
 * write; with too few frames; and the relatives of fork that share memory (vfork,
 * posix_spawn) or throw it away (exec).
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lab.h"

#define ANON		(MAP_PRIVATE | MAP_ANONYMOUS)
#define FIXED		(ANON | MAP_FIXED)

#define FRAMES		4096UL		/* of the machine: 16 MiB */
#define DATA		PLACE(1)
#define PAGES		20UL
#define TABLES		4UL		/* for them */

static struct machine machine;
static int session, job;
static struct gate to_child, to_parent;

static uint64_t used(void)
{
	return machine.frames - free_frames(machine.id);
}

static void set_up_data(void)
{
	must(lab_munmap(session, WINDOW, MML_WINDOW_SIZE), "munmap");
	must(lab_mmap(session, DATA, PAGES * PAGE, MODE_RW, FIXED), "mmap");
	memset((void *)DATA, 'p', PAGES * PAGE);
}

static bool data_is(char value)
{
	return all_bytes((void *)DATA, PAGES * PAGE, (unsigned char)value);
}

/*
 * Copies.
 */

/* The parent writes first, then the child, then both look at their own. */
static int child_of_isolation(void *arg)
{
	(void)arg;
	gate_open(&to_parent, 1);
	gate_wait(&to_child);
	if (!data_is('p'))
		return 1;
	memset((void *)DATA, 'c', PAGES * PAGE);
	gate_open(&to_parent, 1);
	gate_wait(&to_child);
	return data_is('c') ? 0 : 2;
}

static void test_isolation(void)
{
	pid_t child;

	set_up_data();
	child = child_start(child_of_isolation, NULL);
	gate_wait(&to_parent);
	test_is((long)used(), PAGES + 2 * TABLES, "a child has its parent's frames, and its own tables");
	memset((void *)DATA, 'q', PAGES * PAGE);
	test_is((long)used(), 2 * (PAGES + TABLES), "what is written to is copied");
	gate_open(&to_child, 1);
	gate_wait(&to_parent);
	test(data_is('q'), "the parent does not see what the child writes");
	test_is((long)used(), 2 * (PAGES + TABLES), "who writes to what it has alone gets no copy");
	gate_open(&to_child, 1);
	test_is(child_end(child), 0, "nor the child what the parent wrote after fork");
	test(data_is('q'), "the parent's is as it was");
	test(free_frames_become(machine.id, FRAMES - PAGES - TABLES), "the child's frames are free");
}

/* What a child does to its address space is its own affair. */
static int child_of_mappings(void *arg)
{
	(void)arg;
	if (lab_munmap(session, DATA, PAGE) || lab_mprotect(session, DATA + PAGE, PAGE, PROT_READ) ||
	    lab_madvise(session, DATA + 2 * PAGE, PAGE, MADV_DONTNEED) ||
	    lab_mmap(session, PLACE(2), 8 * PAGE, MODE_RW, FIXED) != (long)PLACE(2))
		return 1;
	memset((void *)PLACE(2), 1, 8 * PAGE);
	return probe(READ, DATA).code == SEGV_MAPERR && probe(WRITE, DATA + PAGE).sig ? 0 : 2;
}

static void test_mappings(void)
{
	set_up_data();
	test_is(in_child(child_of_mappings, NULL), 0, "a child maps, unmaps and protects");
	test(data_is('p'), "its parent's memory stays");
	test_probe(WRITE, DATA, 0, "with its protection");
	test_probe(READ, PLACE(2), SEGV_MAPERR, "and its holes");
}

/* Content and protection of what the parent could not touch just then. */
static int child_of_protection(void *arg)
{
	(void)arg;
	if (probe(WRITE, DATA).code != SEGV_ACCERR || probe(READ, DATA + PAGE).code != SEGV_ACCERR)
		return 1;
	if (probe(EXEC, DATA + 2 * PAGE).value != 42)
		return 2;
	if (probe(READ, DATA + 3 * PAGE).code != SEGV_MAPERR)
		return 3;
	if (lab_mprotect(session, DATA, 2 * PAGE, MODE_RW))
		return 4;
	return all_bytes((void *)DATA, 2 * PAGE, 'p') ? 0 : 5;
}

static void test_protection(void)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

	set_up_data();
	memcpy((void *)(DATA + 2 * PAGE), code, sizeof(code));
	lab_mprotect(session, DATA, PAGE, PROT_READ);
	lab_mprotect(session, DATA + PAGE, PAGE, PROT_NONE);
	lab_mprotect(session, DATA + 2 * PAGE, PAGE, PROT_READ | PROT_EXEC);
	lab_munmap(session, DATA + 3 * PAGE, PAGE);
	test_is(in_child(child_of_protection, NULL), 0,
		"a child inherits protections, and what is behind them");
}

static int grandchild(void *arg)
{
	char *const depth = arg;
	int status;

	if (!data_is(*depth))
		return 1;
	if (*depth == 'p' + 6)
		return 0;
	++*depth;
	memset((void *)DATA, *depth, PAGES * PAGE);
	status = in_child(grandchild, depth);
	return status ? status : data_is(*depth) ? 0 : 2;
}

static void test_generations(void)
{
	char depth = 'p';

	set_up_data();
	test_is(in_child(grandchild, &depth), 0, "each of six generations has the content of its own");
	test(data_is('p'), "and so has the first");
}

/* The parent goes first: its file and what it had are still its child's. */
static int use_as_orphan(void)
{
	gate_wait(&to_child);
	sleep_ms(50);
	if (!data_is('o'))
		return 1;
	memset((void *)DATA, 'O', PAGES * PAGE);
	return lab_mmap(session, PLACE(3), PAGE, MODE_RW, FIXED) == (long)PLACE(3) ? 0 : 2;
}

static int parent_of_orphan(void *arg)
{
	int *const status = arg;

	memset((void *)DATA, 'o', PAGES * PAGE);
	if (!fork()) {
		*status = use_as_orphan();
		gate_open(&to_parent, 1);
		_exit(0);
	}
	gate_open(&to_child, 1);
	return 0;
}

static void test_orphan(void)
{
	int *const status = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				 -1, 0);

	set_up_data();
	*status = -1;
	test_is(in_child(parent_of_orphan, status), 0, "a process ends before its child");
	gate_wait(&to_parent);
	test_is(*status, 0, "the child has its memory all the same");
	test(free_frames_become(machine.id, FRAMES - PAGES - TABLES), "whose frames are free then");
	munmap(status, PAGE);
}

/*
 * A tree: every process touches a page of its own and forks, and waits for the gate.
 */

#define FAN_OUT		3
#define DEPTH		3
#define PROCESSES	(1 + 3 + 9 + 27)

static int grow_tree(void *arg)
{
	const unsigned int depth = (unsigned int)(uintptr_t)arg;
	pid_t child[FAN_OUT];
	int status = 0;

	touch(WRITE, PLACE(2) + depth * PAGE);
	for (unsigned int i = 0; depth < DEPTH && i < FAN_OUT; i++)
		child[i] = child_start(grow_tree, (void *)(uintptr_t)(depth + 1));
	gate_open(&to_parent, 1);
	gate_wait(&to_child);
	for (unsigned int i = 0; depth < DEPTH && i < FAN_OUT; i++)
		status |= child_end(child[i]);
	return status;
}

static void test_tree(void)
{
	/* Each has a page of its own at PLACE(2), and a table for that. */
	const uint64_t want = PAGES + TABLES + PROCESSES * (TABLES + 1 + 1);
	struct mml_job_stat before, after;
	pid_t child;

	set_up_data();
	lab_mmap(session, PLACE(2), 8 * PAGE, MODE_RW, FIXED);
	before = job_stat(job);
	child = child_start(grow_tree, NULL);
	for (unsigned int i = 0; i < PROCESSES; i++)
		gate_wait(&to_parent);
	test_is((long)used(), (long)want, "a tree of 40 processes has the frames that it should");
	after = job_stat(job);
	test_is((long)(after.sessions - before.sessions), PROCESSES, "and as many sessions");
	test_is((long)(after.forks - before.forks), PROCESSES, "from as many forks");
	test_is((long)after.frames, (long)want, "the job counts the same");
	test_valid("with all of them");
	gate_open(&to_child, PROCESSES);
	test_is(child_end(child), 0, "all of them end");
	test(free_frames_become(machine.id, FRAMES - PAGES - TABLES), "their frames are free");
	test_is((long)job_stat(job).sessions, (long)before.sessions, "their sessions over");
}

/*
 * While threads write: what the child sees is one moment.
 */

#define WRITERS		2

/* Each writer counts in one page, then in another, for ever. */
static uint64_t *counter(unsigned int writer, unsigned int which)
{
	return (uint64_t *)(DATA + (2 * writer + which) * PAGE);
}

static bool stop_writing;

static void *write_in_turn(void *arg)
{
	const unsigned int writer = (unsigned int)(uintptr_t)arg;

	for (uint64_t i = 1; !__atomic_load_n(&stop_writing, __ATOMIC_RELAXED); i++) {
		__atomic_store_n(counter(writer, 0), i, __ATOMIC_SEQ_CST);
		__atomic_store_n(counter(writer, 1), i, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static int look_at_counters(void *arg)
{
	uint64_t first[WRITERS], second[WRITERS];

	(void)arg;
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < WRITERS; i++) {
			const uint64_t a = *counter(i, 0), b = *counter(i, 1);

			if (a != b && a != b + 1)
				return 1;
			if (round && (a != first[i] || b != second[i]))
				return 2;
			first[i] = a;
			second[i] = b;
		}
		sleep_ms(1);
	}
	return first[0] && first[1] ? 0 : 3;
}

static void test_snapshot(void)
{
	pthread_t thread[WRITERS];
	unsigned int bad = 0, forks = 0;
	const uint64_t limit = now_ms() + 3000;
	int status = 0;

	set_up_data();
	memset((void *)DATA, 0, PAGES * PAGE);
	for (uintptr_t i = 0; i < WRITERS; i++)
		pthread_create(&thread[i], NULL, write_in_turn, (void *)i);
	while (!*counter(0, 1) || !*counter(1, 1))
		sched_yield();
	while (forks < 10 || (now_ms() < limit && forks < 200)) {
		status = in_child(look_at_counters, NULL);
		bad += !!status;
		forks++;
	}
	__atomic_store_n(&stop_writing, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	test(!bad, "each of %u forks while threads write sees one moment", forks);
	if (bad)
		diag("%u did not, the last status is %d", bad, status);
}

/*
 * Too few frames.
 */

static int touch_nothing(void *arg)
{
	(void)arg;
	return 7;
}

static int touch_a_page(void *arg)
{
	(void)arg;
	return touch(READ, DATA);
}

static int call_the_lab(void *arg)
{
	(void)arg;
	return lab_mmap(session, PLACE(5), PAGE, MODE_RW, FIXED) == -ENXIO ? 0 : 1;
}

/* Take all frames by blocks. Returns: how many. */
static uint64_t take_all(uint32_t *handle)
{
	uint64_t nr = 0;

	while (nr < FRAMES && !block_alloc(session, 0, &handle[nr]))
		nr++;
	return nr;
}

static void test_too_few(void)
{
	static uint32_t handle[FRAMES];
	uint64_t before, taken;

	set_up_data();
	taken = take_all(handle);
	before = vm_event(machine.id, "oom_kill");
	test_is(in_child(touch_nothing, NULL), 7,
		"fork without frames for the child: it lives while it touches nothing");
	test_is((long)(vm_event(machine.id, "oom_kill") - before), 0, "nobody is killed");
	test_is(in_child(touch_a_page, NULL), 128 + SIGKILL, "at its first touch it is");
	test_is((long)(vm_event(machine.id, "oom_kill") - before), 1, "oom_kill counts it");
	test_is(in_child(call_the_lab, NULL), 0, "its calls fail with ENXIO");
	test(data_is('p'), "the parent's memory is whole");
	test_valid("after that");
	while (taken)
		must(block_free(session, handle[--taken]), "BLOCK_FREE");
	test(free_frames_become(machine.id, FRAMES - PAGES - TABLES), "all frames but its own are free");
	test_is(in_child(touch_a_page, NULL), 'p', "with frames enough, the next child lives");
}

/*
 * exec, vfork, posix_spawn.
 */

static int exec_true(void *arg)
{
	(void)arg;
	memset((void *)DATA, 'e', PAGES * PAGE);
	execl("/bin/true", "true", NULL);
	return 1;
}

static void test_exec(void)
{
	set_up_data();
	test_is(in_child(exec_true, NULL), 0, "a child execs");
	test(free_frames_become(machine.id, FRAMES - PAGES - TABLES), "its frames are free");
	test(data_is('p'), "its parent's memory stays");
}

static void test_vfork(void)
{
	const struct mml_job_stat before = job_stat(job);
	struct mml_job_stat after;
	int status = -1;
	pid_t child;

	set_up_data();
	child = vfork();
	if (!child) {
		*(char *)DATA = 'v';
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	test_is(child_end(child), 0, "vfork and exec");
	test(*(char *)DATA == 'v', "the child wrote to its parent's memory");
	test(!posix_spawn(&child, "/bin/true", NULL, NULL, (char * const []){ "true", NULL }, environ),
	     "posix_spawn");
	waitpid(child, &status, 0);
	test_is(status, 0, "works");
	after = job_stat(job);
	test(after.forks == before.forks && after.sessions_total == before.sessions_total,
	     "neither clones an address space");
	*(char *)DATA = 'p';
	test(data_is('p'), "the parent's memory stays");
}

/* A child that has unmapped the window has left the lab; its parent has not. */
static int leave_the_lab(void *arg)
{
	(void)arg;
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	if (lab_mmap(session, 0, PAGE, MODE_RW, ANON) != -ENXIO)
		return 1;
	return in_child(touch_nothing, NULL) == 7 ? 0 : 2;
}

static void test_leaving(void)
{
	set_up_data();
	test_is(in_child(leave_the_lab, NULL), 0, "a child unmaps the window, and forks");
	test(data_is('p'), "its parent's memory stays");
	test_is(lab_mmap(session, PLACE(2), PAGE, MODE_RW, FIXED), (long)PLACE(2),
		"and its session");
}

int main(void)
{
	uint32_t number;

	begin_tests();
	catch_faults();
	gate_make(&to_child);
	gate_make(&to_parent);
	machine = machine_new(FRAMES * PAGE);
	fault_around(machine.id, 1);
	job = job_new(machine.id, &number);
	session = (int)must(session_on(machine.id, number, 0, NULL), "SESSION_OPEN");
	window_map(session, WINDOW, MML_WINDOW_SIZE);
	test_isolation();
	test_mappings();
	test_protection();
	test_generations();
	test_orphan();
	test_tree();
	test_snapshot();
	test_too_few();
	test_exec();
	test_vfork();
	test_leaving();
	test_valid("after all of that");
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session);
	close(job);
	machine_end(&machine);
	return done_testing();
}
