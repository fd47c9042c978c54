// SPDX-License-Identifier: GPL-2.0
/*
 * spaces - what a process pays for its memory, on the lab and on the kernel
 *
 *	spaces ROUNDS
 *	spaces ROUNDS THREADS
 *
 * Not a test: for scripts/bench. The first on an emulated CPU whose clock counts instructions, the
 * second, which makes the first of these only, by one thread and by THREADS at once, each on a CPU
 * and in a mapping of its own, on as many CPUs. One line for each thing that was measured, as the
 * module of the bench prints them:
 *
 *	sample TEST ours|kernel PART THREADS TIMES CYCLES
 *
 *	spaces.touch.inorder	the first write to each page of a mapping
 *	spaces.touch.stride16	to one page in 16
 *	spaces.touch.random	to all, in an order of its own
 *	spaces.touch.*.frames	no time: the frames that were zeroed for that
 *	spaces.fork		fork, for each page that is mapped: the difference to a fork of none
 *	spaces.cow		the first write to each page after that, while the child lives
 *	spaces.map_unmap	mmap and munmap of a page
 *
 * The sides take turns in each round. There are no huge pages for this process.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <x86intrin.h>

#include "lab.h"

#define PAGES		2048U
#define STRIDE		16U
#define STRIDED		(4 * PAGES)
#define MAPPINGS	100U
#define MAX_THREADS	4U
#define KERNEL_PLACE	0x600000000000UL
#define ANONYMOUS	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static int session;
static unsigned int shuffled[PAGES];

/* Who maps memory: the lab, or the kernel. */
struct side {
	const char *name;
	uint64_t place;
	long (*map)(uint64_t length);
	long (*unmap)(uint64_t length);
};

static long lab_map(uint64_t length)
{
	return lab_mmap(session, PLACE(1), length, MODE_RW, ANONYMOUS);
}

static long lab_unmap(uint64_t length)
{
	return lab_munmap(session, PLACE(1), length);
}

static long kernel_map(uint64_t length)
{
	return mmap((void *)KERNEL_PLACE, length, MODE_RW, ANONYMOUS, -1, 0) == MAP_FAILED ?
		-errno : 0;
}

static long kernel_unmap(uint64_t length)
{
	return munmap((void *)KERNEL_PLACE, length) ? -errno : 0;
}

static const struct side sides[] = {
	{ "ours", PLACE(1), lab_map, lab_unmap },
	{ "kernel", KERNEL_PLACE, kernel_map, kernel_unmap },
};

static void sample(const char *test, const struct side *side, uint64_t times, uint64_t cycles)
{
	printf("sample %s %s 0 1 %lu %lu\n", test, side->name, times, cycles);
}

static void write_page(const struct side *side, unsigned int page)
{
	*(volatile char *)(side->place + page * PAGE) = 1;
}

static uint64_t write_all(const struct side *side)
{
	const uint64_t begin = __rdtsc();

	for (unsigned int i = 0; i < PAGES; i++)
		write_page(side, i);
	return __rdtsc() - begin;
}

static uint64_t write_some(const struct side *side)
{
	const uint64_t begin = __rdtsc();

	for (unsigned int i = 0; i < STRIDED; i += STRIDE)
		write_page(side, i);
	return __rdtsc() - begin;
}

static uint64_t write_shuffled(const struct side *side)
{
	const uint64_t begin = __rdtsc();

	for (unsigned int i = 0; i < PAGES; i++)
		write_page(side, shuffled[i]);
	return __rdtsc() - begin;
}

/* Frames that the lab has zeroed so far: for a fault, and around those. */
static uint64_t zeroed(void)
{
	return vm_event(0, "pgfault") + vm_event(0, "mml_pgaround");
}

static void measure_touch(const char *test, const struct side *side, uint64_t times,
			  uint64_t (*writer)(const struct side *side))
{
	uint64_t cycles, before;
	char frames[64];

	must((int)side->map(STRIDED * PAGE), "mmap");
	before = zeroed();
	cycles = writer(side);
	snprintf(frames, sizeof(frames), "%s.frames", test);
	sample(test, side, times, cycles);
	sample(frames, side, times, side == &sides[0] ? zeroed() - before : times);
	must((int)side->unmap(STRIDED * PAGE), "munmap");
}

/* Returns: what the fork took; *@cow: what the first writes to all pages do afterwards. */
static uint64_t forked(const struct side *side, bool touched, uint64_t *cow)
{
	uint64_t begin, took;
	pid_t child;

	must((int)side->map(PAGES * PAGE), "mmap");
	if (touched)
		write_all(side);
	begin = __rdtsc();
	child = fork();
	took = __rdtsc() - begin;
	if (!child) {
		pause();
		_exit(0);
	}
	must(child < 0 ? -errno : 0, "fork");
	*cow = write_all(side);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	must((int)side->unmap(PAGES * PAGE), "munmap");
	return took;
}

static void measure_fork(const struct side *side)
{
	uint64_t cow, none, all;

	none = forked(side, false, &cow);
	all = forked(side, true, &cow);
	sample("spaces.fork", side, PAGES, all > none ? all - none : 0);
	sample("spaces.cow", side, PAGES, cow);
}

static void measure_map_unmap(const struct side *side)
{
	const uint64_t begin = __rdtsc();

	for (unsigned int i = 0; i < MAPPINGS; i++) {
		side->map(PAGE);
		side->unmap(PAGE);
	}
	sample("spaces.map_unmap", side, MAPPINGS, __rdtsc() - begin);
}

/*
 * Threads.
 */

struct toucher {
	const struct side *side;
	unsigned int number;
	pthread_t thread;
};

static pthread_barrier_t together;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *touch_own(void *arg)
{
	const struct toucher *toucher = arg;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(toucher->number, &cpu);
	must(-pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu), "pthread_setaffinity_np");
	pthread_barrier_wait(&together);
	for (unsigned int i = 0; i < PAGES; i++)
		write_page(toucher->side, toucher->number * PAGES + i);
	pthread_barrier_wait(&together);
	return NULL;
}

static void measure_threads(const struct side *side, unsigned int threads)
{
	struct toucher toucher[MAX_THREADS];
	uint64_t begin;

	must((int)side->map(threads * PAGES * PAGE), "mmap");
	must(-pthread_barrier_init(&together, NULL, threads + 1), "pthread_barrier_init");
	for (unsigned int i = 0; i < threads; i++) {
		toucher[i] = (struct toucher){ .side = side, .number = i };
		must(-pthread_create(&toucher[i].thread, NULL, touch_own, &toucher[i]),
		     "pthread_create");
	}
	pthread_barrier_wait(&together);
	begin = now_ns();
	pthread_barrier_wait(&together);
	printf("sample spaces.touch.inorder %s 0 %u %u %lu\n", side->name, threads,
	       threads * PAGES, now_ns() - begin);
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(toucher[i].thread, NULL);
	pthread_barrier_destroy(&together);
	must((int)side->unmap(threads * PAGES * PAGE), "munmap");
}

static void measure_alone(const struct side *side)
{
	measure_touch("spaces.touch.inorder", side, PAGES, write_all);
	measure_touch("spaces.touch.stride16", side, STRIDED / STRIDE, write_some);
	measure_touch("spaces.touch.random", side, PAGES, write_shuffled);
	measure_fork(side);
	measure_map_unmap(side);
}

static void shuffle(void)
{
	uint32_t state = 1;

	for (unsigned int i = 0; i < PAGES; i++)
		shuffled[i] = i;
	for (unsigned int i = PAGES - 1; i > 0; i--) {
		const unsigned int j = random_below(&state, i + 1), page = shuffled[i];

		shuffled[i] = shuffled[j];
		shuffled[j] = page;
	}
}

int main(int argc, char **argv)
{
	const unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	const unsigned int threads = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 1;

	if (!rounds || argc > 3 || !threads || threads > MAX_THREADS) {
		fprintf(stderr, "spaces: usage: spaces ROUNDS [THREADS], up to %u\n", MAX_THREADS);
		return 2;
	}
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	session = session_with_window(MML_MACHINE_DEFAULT);
	shuffle();
	for (unsigned long i = 0; i < rounds; i++) {
		for (size_t s = 0; s < ARRAY_SIZE(sides); s++) {
			if (threads == 1) {
				measure_alone(&sides[s]);
				continue;
			}
			measure_threads(&sides[s], 1);
			measure_threads(&sides[s], threads);
		}
	}
	return 0;
}
