// SPDX-License-Identifier: GPL-2.0
/*
 * Fault-around: how many faults memory takes that is touched in order, what is told of pages that
 * only came along, and that these, and no others, go when somebody else wants the frames.
 *
 * Threads, each with pages of its own, touch them at random and look whether what they wrote is
 * there, in a process that is always short of frames, while others look, fork and protect. Pages
 * that they have not touched read as zeroes.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define AREA		PLACE(1)
#define BLOCK		16UL		/* pages that a fault maps */

static struct machine machine;

static void write_page(uint64_t addr, unsigned char value)
{
	*(volatile unsigned char *)addr = value;
}

static unsigned char read_page(uint64_t addr)
{
	return *(volatile unsigned char *)addr;
}

/* A line of a session's status, in pages. */
static long status_pages(uint32_t number, const char *name)
{
	const char *at = strstr(session_file(machine.id, number, "status"), name);

	return at ? strtol(at + strlen(name) + 1, NULL, 10) * 1024 / (long)PAGE : -1;
}

static int new_session(uint32_t job, uint64_t limit, uint32_t *number)
{
	const int session = (int)must(session_on(machine.id, job, limit, number), "SESSION_OPEN");

	window_map(session, WINDOW, MML_WINDOW_SIZE);
	return session;
}

static void end_session(int session)
{
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session);
	test(free_frames_become(machine.id, machine.frames), "every frame is back");
}

/*
 * Faults, and what is told.
 */

static void test_in_order(void)
{
	const unsigned long pages = 40 * BLOCK;
	uint64_t before;
	uint32_t number;
	const int session = new_session(0, 0, &number);

	must(lab_mmap(session, AREA, pages * PAGE, MODE_RW, FIXED), "mmap");
	before = vm_event(machine.id, "pgfault");
	for (unsigned long i = 0; i < pages; i++)
		write_page(AREA + i * PAGE, 1);
	test_is((long)(vm_event(machine.id, "pgfault") - before), 40, "in order: a fault in 16 pages");
	test_is(status_pages(number, "VmRSS:"), (long)pages, "all of them are resident");
	test_is(status_pages(number, "MmlAround:"), 0, "and none came along for nothing");
	end_session(session);
}

static void test_told(void)
{
	uint32_t number;
	const int session = new_session(0, 0, &number);
	unsigned char vec[BLOCK];
	uint64_t before;

	must(lab_mmap(session, AREA, 4 * BLOCK * PAGE, MODE_RW, FIXED), "mmap");
	before = vm_event(machine.id, "mml_pgaround");
	write_page(AREA + 5 * PAGE, 1);
	test_is((long)(vm_event(machine.id, "mml_pgaround") - before), BLOCK - 1,
		"15 pages come along with one");
	test_is(status_pages(number, "VmRSS:"), 1, "that one is resident");
	test_is(status_pages(number, "MmlAround:"), BLOCK - 1, "the others are told apart");
	test_is((long)(machine.frames - free_frames(machine.id)), BLOCK + 4, "they have frames");
	test_is(read_page(AREA + 6 * PAGE), 0, "they read as zeroes");
	write_page(AREA + 7 * PAGE, 2);
	test_is(status_pages(number, "VmRSS:"), 3, "what was used is resident");
	must(lab_mincore(session, AREA, BLOCK * PAGE, vec), "mincore");
	test(!memcmp(vec, "\0\0\0\0\0\1\1\1\0\0\0\0\0\0\0", BLOCK), "mincore says the same");
	fault_around(machine.id, 1);
	write_page(AREA + 2 * BLOCK * PAGE, 1);
	test_is(status_pages(number, "MmlAround:"), BLOCK - 3, "switched off, a page comes alone");
	fault_around(machine.id, BLOCK);
	end_session(session);
}

static void test_knob(void)
{
	static const struct {
		const char *text;
		const char *want;
	} knobs[] = {
		{ "0", "4096\n" }, { "4096", "4096\n" }, { "8192", "8192\n" }, { "12287", "8192\n" },
		{ "131072", "131072\n" }, { "0x10000", "65536\n" },
	};
	static const char *const wrong[] = { "", "x", "-1", "135168", "99999999999999999999" };
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/fault_around_bytes", machine.id);
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		FILE *file = fopen(path, "w");

		must(file ? fputs(knobs[i].text, file) : -1, path);
		must(fclose(file), path);
		test(!strcmp(machine_file(machine.id, "fault_around_bytes"), knobs[i].want),
		     "fault_around_bytes: %s", knobs[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		FILE *file = fopen(path, "w");

		must(file ? 0 : -1, path);
		if (*wrong[i])
			test(fputs(wrong[i], file) < 0 || fclose(file), "'%s' is refused", wrong[i]);
		else
			fclose(file);
	}
	test(!strcmp(machine_file(machine.id, "fault_around_bytes"), "65536\n"), "and changes nothing");
}

/*
 * Somebody else wants the frames.
 */

/* Take all frames there are. Returns: how many. */
static unsigned long take_all(int session)
{
	unsigned long taken = 0;
	uint32_t handle;

	while (!block_alloc(session, 0, &handle))
		taken++;
	return taken;
}

static void test_pressure(void)
{
	const unsigned long pages = 64 * BLOCK, step = 3 * BLOCK;
	const int other = session_new(machine.id);
	uint32_t number;
	const int session = new_session(0, 0, &number);
	unsigned long used = 0, wrong = 0;
	uint64_t freed = vm_event(machine.id, "mml_pgaround_freed");

	must(lab_mmap(session, AREA, pages * PAGE, MODE_RW, FIXED), "mmap");
	for (unsigned long i = 0; i < pages; i += step, used++)
		write_page(AREA + i * PAGE, (unsigned char)(i / step + 1));
	test(status_pages(number, "MmlAround:") > (long)used * 10, "many pages came along");
	take_all(other);
	test_is(status_pages(number, "MmlAround:"), 0, "who takes all frames takes those, too");
	test_is((long)(vm_event(machine.id, "mml_pgaround_freed") - freed), (long)used * 15,
		"which is counted");
	test_is(status_pages(number, "VmRSS:"), (long)used, "and no others");
	for (unsigned long i = 0; i < pages; i += step)
		wrong += read_page(AREA + i * PAGE) != i / step + 1;
	test_is((long)wrong, 0, "what was written is there");
	close(other);
	end_session(session);
}

/* What is given up goes, unless it is written again. */
static void test_given_up(void)
{
	const unsigned long pages = 100, kept = 30;
	const int other = session_new(machine.id);
	unsigned long zeroes = 0, wrong = 0;
	uint32_t number;
	const int session = new_session(0, 0, &number);
	const uint64_t freed = vm_event(machine.id, "pglazyfreed");

	must(lab_mmap(session, AREA, pages * PAGE, MODE_RW, FIXED), "mmap");
	memset((void *)AREA, 7, pages * PAGE);
	must(lab_madvise(session, AREA, pages * PAGE, MADV_FREE), "MADV_FREE");
	for (unsigned long i = 0; i < kept; i++)
		write_page(AREA + i * PAGE, 8);
	test_is(status_pages(number, "VmRSS:"), (long)pages, "MADV_FREE: all pages are resident");
	take_all(other);
	test_is(status_pages(number, "VmRSS:"), (long)kept, "until memory is short");
	test_is((long)(vm_event(machine.id, "pglazyfreed") - freed), (long)(pages - kept),
		"which is counted");
	close(other);
	for (unsigned long i = 0; i < pages; i++) {
		if (i < kept)
			wrong += read_page(AREA + i * PAGE) != 8 || read_page(AREA + i * PAGE + 9) != 7;
		else
			zeroes += read_page(AREA + i * PAGE) == 0;
	}
	test_is((long)wrong, 0, "what was written since is there");
	test_is((long)zeroes, (long)(pages - kept), "and the others are zeroes");
	end_session(session);
}

/* As many pages, far apart, as the session may have at all. */
static int touch_to_limit(void *arg)
{
	const unsigned long pages = 300;
	const long tables = 4 + 300 * 2 * BLOCK / 512;
	uint32_t number;
	const int session = new_session(0, ((uint64_t)tables + pages + 1) * PAGE, &number);

	(void)arg;
	must(lab_mmap(session, AREA, pages * 2 * BLOCK * PAGE, MODE_RW, FIXED | MAP_NORESERVE), "mmap");
	for (unsigned long i = 0; i < pages; i++)
		write_page(AREA + i * 2 * BLOCK * PAGE, (unsigned char)i);
	for (unsigned long i = 0; i < pages; i++)
		if (read_page(AREA + i * 2 * BLOCK * PAGE) != (unsigned char)i)
			return 1;
	return 0;
}

static void test_limit(void)
{
	const uint64_t killed = vm_event(machine.id, "oom_kill");

	test_is(child_end(child_start(touch_to_limit, NULL)), 0,
		"a session has as many pages as it may, wherever they are");
	test_is((long)(vm_event(machine.id, "oom_kill") - killed), 0, "and is not killed");
}

/* Goes through memory in order, over and over, so that there is always something around. */
static int go_through(void *arg)
{
	const int session = new_session(*(uint32_t *)arg, 0, NULL);

	must(lab_mmap(session, AREA, 512 * PAGE, MODE_RW, FIXED), "mmap");
	do
		memset((void *)AREA, 1, 512 * PAGE);
	while (!lab_madvise(session, AREA, 512 * PAGE, MADV_DONTNEED));
	return 1;
}

/* Has more than it may. */
static int exceed(void *arg)
{
	const int session = new_session(*(uint32_t *)arg, 50 * PAGE, NULL);

	must(lab_mmap(session, AREA, 100 * PAGE, MODE_RW, FIXED), "mmap");
	memset((void *)AREA, 1, 100 * PAGE);
	return 0;
}

static void test_own_limit(void)
{
	uint32_t number;
	const int job = job_new(machine.id, &number);
	const pid_t sibling = child_start(go_through, &number);
	const uint64_t begin = now_ms();

	sleep_ms(100);
	test_is(child_end(child_start(exceed, &number)), 128 + SIGKILL,
		"who is at a limit of its own is killed, whatever others have around");
	test(now_ms() - begin < 10000, "and soon");
	kill(sibling, SIGKILL);
	test_is(child_end(sibling), 128 + SIGKILL, "that one was not");
	close(job);
	test(free_frames_become(machine.id, machine.frames), "every frame is back");
}

/*
 * Threads.
 */

#define THREADS		4
#define PAGES		512UL
#define TOUCHES		96
#define ROUNDS		60

static int crowded;
static uint32_t crowded_number;
static bool over;
static unsigned int wrong, rounds, looks, forks;

static uint64_t own_area(unsigned long thread)
{
	return PLACE(10 + thread);
}

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

/*
 * Touch some of one's own pages, and look whether all of them hold what they should. What was given
 * up half-way, and not written since, may be zeroes.
 */
static void touch_round(unsigned long thread, uint32_t *state)
{
	const uint64_t area = own_area(thread);
	uint64_t want[PAGES] = { 0 };
	bool given_up[PAGES] = { false };

	must(lab_mmap(crowded, area, PAGES * PAGE, MODE_RW, FIXED | MAP_NORESERVE), "mmap");
	for (unsigned int i = 0; i < TOUCHES; i++) {
		const unsigned long page = random_below(state, PAGES);

		want[page] = (uint64_t)*state << 32 | page << 8 | (thread + 1);
		given_up[page] = false;
		*(volatile uint64_t *)(area + page * PAGE + 8 * thread) = want[page];
		if (i == TOUCHES / 2 && !lab_mprotect(crowded, area, PAGES * PAGE, PROT_READ))
			must(lab_mprotect(crowded, area, PAGES * PAGE, MODE_RW), "mprotect");
		if (i == TOUCHES / 2 && random_below(state, 2)) {
			must(lab_madvise(crowded, area, PAGES * PAGE, MADV_FREE), "MADV_FREE");
			memset(given_up, true, sizeof(given_up));
		}
	}
	for (unsigned long page = 0; page < PAGES; page++) {
		uint64_t is;

		if (!want[page] && random_below(state, 16))
			continue;
		is = *(volatile uint64_t *)(area + page * PAGE + 8 * thread);
		if (is != want[page] && (is || !given_up[page]))
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	must(lab_munmap(crowded, area, PAGES * PAGE), "munmap");
	__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
}

static void *toucher(void *arg)
{
	const unsigned long thread = (uintptr_t)arg;
	uint32_t state = 1 + (uint32_t)thread;

	for (int i = 0; i < ROUNDS; i++)
		touch_round(thread, &state);
	return NULL;
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* Those who ask what CPUs have used, and a fork that takes back what they have not. */
static void *looker(void *arg)
{
	unsigned char vec[PAGES];

	(void)arg;
	while (!is_over()) {
		for (unsigned long i = 0; i < THREADS; i++)
			lab_mincore(crowded, own_area(i), PAGES * PAGE, vec);
		status_pages(crowded_number, "VmRSS:");
		looks++;
		if (looks % 8)
			continue;
		forks += !child_end(child_start(nothing, NULL));
	}
	return NULL;
}

static int run_crowd(void *arg)
{
	const uint64_t limit = THREADS * TOUCHES * 2 + 100;
	pthread_t thread[THREADS], look;

	(void)arg;
	crowded = new_session(0, limit * PAGE, &crowded_number);
	must(-pthread_create(&look, NULL, looker, NULL), "pthread_create");
	for (unsigned long i = 0; i < THREADS; i++)
		must(-pthread_create(&thread[i], NULL, toucher, (void *)i), "pthread_create");
	for (unsigned long i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	pthread_join(look, NULL);
	diag("%u rounds, %u looks, %u forks, %u pages wrong", rounds, looks, forks, wrong);
	return wrong || rounds != THREADS * ROUNDS || !looks || !forks ? 1 : 0;
}

static void test_crowd(void)
{
	const uint64_t freed = vm_event(machine.id, "mml_pgaround_freed");

	test_is(child_end(child_start(run_crowd, NULL)), 0,
		"four threads, short of frames: each finds what it wrote, and zeroes elsewhere");
	test(vm_event(machine.id, "mml_pgaround_freed") - freed > 1000, "frames were taken back all the time");
	test(free_frames_become(machine.id, machine.frames), "every frame is back");
}

int main(void)
{
	begin_tests();
	catch_faults();
	machine = machine_new(16 * MIB);
	test_knob();
	test_in_order();
	test_told();
	test_pressure();
	test_given_up();
	test_limit();
	test_own_limit();
	test_crowd();
	test_valid("after all of that");
	machine_end(&machine);
	return done_testing();
}
