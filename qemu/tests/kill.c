// SPDX-License-Identifier: GPL-2.0
/*
 * Processes killed in the middle of whatever they do: nothing of them stays behind.
 *
 *	kill [VICTIMS] [SEED]
 *
 * A thousand processes, ten at a time, are killed by SIGKILL at random moments while they
 * map, touch, unmap, protect, move, drop, allocate blocks and fork in endless loops.
 * Half of them have children, which are killed with them. After each ten every frame has
 * to be free; in the end every session over, every invariant true.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

#define AT_ONCE		10
#define LONGEST_MS	15

/* What one process may hold: ten with as many children fit the machine. */
#define MOST_PAGES	400UL
#define MACHINE_PAGES	16384UL

static struct machine machine;
static int job;
static uint32_t job_number, seed;
static struct gate started;
static unsigned int bad_ends;

/*
 * The life of a victim.
 */

static void do_something(int session, uint32_t *state)
{
	const uint64_t addr = PLACE(random_below(state, 4));
	const uint64_t pages = 1 + random_below(state, MOST_PAGES / 4);
	uint32_t handle;

	switch (random_below(state, 8)) {
	case 0:
	case 1:
		if (lab_mmap(session, addr, pages * PAGE, MODE_RW, FIXED) > 0)
			memset((void *)addr, 1, pages * PAGE);
		break;
	case 2:
		lab_munmap(session, addr, pages * PAGE);
		break;
	case 3:
		lab_mprotect(session, addr, pages * PAGE, PROT_READ);
		break;
	case 4:
		lab_madvise(session, addr, pages * PAGE, MADV_DONTNEED);
		break;
	case 5:
		lab_mmap(session, addr + pages * PAGE, PAGE, MODE_RW, FIXED);
		lab_mremap(session, addr, pages * PAGE, 2 * pages * PAGE, MREMAP_MAYMOVE);
		lab_munmap(session, PLACE(4), MML_WINDOW_SIZE - 4 * 64 * MIB);
		break;
	case 6:
		for (uint64_t i = 0; i < pages; i++)
			probe(i % 2 ? READ : WRITE, addr + i * PAGE);
		break;
	default:
		if (!block_alloc(session, random_below(state, 4), &handle))
			block_free(session, handle);
	}
}

static int live(void *arg)
{
	uint32_t state = seed + (uint32_t)(uintptr_t)arg * 2654435761U;
	const bool has_children = (uintptr_t)arg % 2;
	const int session = (int)must(session_on(machine.id, job_number, 0, NULL), "open");

	setpgid(0, 0);
	window_map(session, WINDOW, MML_WINDOW_SIZE);
	gate_open(&started, 1);
	for (unsigned int i = 0; ; i++) {
		if (has_children && i % 8 == 0) {
			const pid_t child = fork();

			if (child > 0)
				waitpid(child, NULL, 0);
			else if (random_below(&state, 2))
				_exit(0);
		}
		do_something(session, &state);
	}
}

/*
 * Its death.
 */

/* Victims never end by themselves, their children with 0. */
static void reap_all(void)
{
	int status;

	while (waitpid(-1, &status, 0) > 0 || errno == EINTR) {
		if (status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
			bad_ends++;
	}
}

static void kill_some(unsigned int first, uint32_t *state)
{
	pid_t victim[AT_ONCE];

	for (unsigned int i = 0; i < AT_ONCE; i++)
		victim[i] = child_start(live, (void *)(uintptr_t)(first + i));
	for (unsigned int i = 0; i < AT_ONCE; i++)
		gate_wait(&started);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		sleep_ms(random_below(state, LONGEST_MS));
		kill(-victim[i], SIGKILL);
	}
	reap_all();
}

static void test_killed(unsigned int victims)
{
	unsigned int killed, lost = 0;
	uint32_t state = seed;
	struct mml_job_stat stat;
	uint64_t around;

	for (killed = 0; killed < victims && !lost; killed += AT_ONCE) {
		kill_some(killed, &state);
		lost += !free_frames_become(machine.id, machine.frames);
	}
	test(!lost, "every frame is free after each %u of %u killed processes", AT_ONCE, killed);
	stat = job_stat(job);
	around = vm_event(machine.id, "mml_pgaround");
	diag("%" PRIu64 " calls, %" PRIu64 " faults, %" PRIu64 " pages around them, %" PRIu64 " forks",
	     (uint64_t)stat.calls, (uint64_t)stat.faults, around, (uint64_t)stat.forks);
	test(stat.calls > 100 && stat.faults + around > 1000 && stat.forks > 20, "they were busy");
	test_is(bad_ends, 0, "nobody died but who was killed");
	test_is((long)stat.oom_kills, 0, "none of want");
}

int main(int argc, char **argv)
{
	const unsigned int victims = argc > 1 ? (unsigned int)atoi(argv[1]) : 1000;

	begin_tests();
	catch_faults();
	seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : (uint32_t)now_ms() | 1;
	diag("seed %u, %u victims", seed, victims);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	gate_make(&started);
	machine = machine_new(MACHINE_PAGES * PAGE);
	job = job_new(machine.id, &job_number);
	test_killed(victims);
	test_is((long)job_stat(job).frames, 0, "the job holds none");
	test_is((long)job_stat(job).sessions, 0, "every session is over");
	test_valid("after all of that");
	close(job);
	machine_end(&machine);
	return done_testing();
}
