// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that change one address space under the feet of others that use it.
 *
 * Readers and writers touch pages at random. Changers map, unmap, protect, move and
 * drop them meanwhile, and fork. A validator walks every invariant, and a bystander,
 * another process on the same machine, uses and gives back frames of its own. A page
 * must hold zeros or what the writers write, never what the bystander wrote; the
 * bystander must find its own. In the end every frame is free.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

#define TOUCHERS	3
#define CHANGERS	2
#define PAGES		1200UL		/* over three page tables */
#define AREA		(PLACE(1) + 2 * MIB - 100 * PAGE)
#define BYSTANDER	PLACE(100)

static struct machine machine;
static int session;
static uint32_t session_number, seed;
static bool stop;

/* What came of it, each counted by its own kind of thread. */
static unsigned int touched, refused, strange, changed, forked, validated, violated, read_files;

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void count(unsigned int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static uint32_t own_state(const void *arg)
{
	return seed + (uint32_t)(uintptr_t)arg * 2654435761U;
}

/*
 * Those who use the memory.
 */

static bool is_expected(int value)
{
	return value == 0 || value == 0x5a;
}

static void touch_one(uint32_t *state)
{
	const uint64_t addr = AREA + random_below(state, PAGES) * PAGE + random_below(state, 64);
	const struct caught got = probe(random_below(state, 2) ? READ : WRITE, addr);

	if (!got.sig && is_expected(got.value))
		count(&touched);
	else if (got.sig == SIGSEGV && got.addr == addr)
		count(&refused);
	else
		count(&strange);
}

static void *touch_at_random(void *arg)
{
	uint32_t state = own_state(arg);

	while (!stopped())
		touch_one(&state);
	return NULL;
}

/*
 * Those who change it.
 */

static int look_around(void *arg)
{
	uint32_t state = own_state(arg);

	for (unsigned int i = 0; i < 50; i++) {
		const struct caught got = probe(READ, AREA + random_below(&state, PAGES) * PAGE);

		if (!got.sig && !is_expected(got.value))
			return 1;
	}
	return 0;
}

static void fork_one(uint32_t *state)
{
	if (in_child(look_around, (void *)(uintptr_t)random_below(state, 1000)))
		count(&strange);
	count(&forked);
}

/* To another place, a look there, and an end. */
static void move(uint64_t addr, uint64_t length)
{
	const long moved = lab_mremap(session, addr, length, length + PAGE, MREMAP_MAYMOVE);

	if (moved > 0 && (uint64_t)moved != addr) {
		const struct caught got = probe(READ, (uint64_t)moved);

		if (!got.sig && !is_expected(got.value))
			count(&strange);
		lab_munmap(session, (uint64_t)moved, length + PAGE);
	}
}

static void change_one(uint32_t *state)
{
	const uint64_t start = random_below(state, PAGES), room = PAGES - start;
	const uint64_t addr = AREA + start * PAGE;
	const uint64_t length = (1 + random_below(state, (uint32_t)MIN(room, 200))) * PAGE;

	switch (random_below(state, 8)) {
	case 0:
		lab_munmap(session, addr, MIN(length, room * PAGE));
		break;
	case 1:
		lab_mprotect(session, addr, MIN(length, room * PAGE),
			     (int)random_below(state, MODE_RWX + 1));
		break;
	case 2:
		move(addr, MIN(length, room * PAGE));
		break;
	case 3:
	case 4:
		lab_madvise(session, addr, MIN(length, room * PAGE), MADV_DONTNEED);
		break;
	default:
		lab_mmap(session, addr, MIN(length, room * PAGE), MODE_RW, FIXED);
	}
	count(&changed);
}

static void *change_at_random(void *arg)
{
	uint32_t state = own_state(arg);

	for (unsigned int i = 0; !stopped(); i++) {
		change_one(&state);
		if (i % 64 == 63)
			fork_one(&state);
	}
	return NULL;
}

/*
 * Those who look.
 */

/* Return: the file's beginning, up to the next call. */
static const char *read_file(const char *name)
{
	static char text[16 * KIB];
	char path[128];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/%s", machine.id, name);
	fd = open(path, O_RDONLY);
	length = read(fd, text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	count(&read_files);
	close(fd);
	return text;
}

static void *validate_all_the_time(void *arg)
{
	static const char *const names[] = { "maps", "smaps", "smaps_rollup", "status", "walk" };
	char own[ARRAY_SIZE(names)][64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		snprintf(own[i], sizeof(own[i]), "mm/%u/%s", session_number, names[i]);
	while (!stopped()) {
		struct mml_validate validate = { .machine = MML_VALIDATE_ALL };

		if (lab_ioctl(lab_control(), MML_IOC_VALIDATE, &validate) || validate.violations)
			count(&violated);
		count(&validated);
		for (size_t i = 0; i < ARRAY_SIZE(own); i++)
			read_file(own[i]);
		read_file("vmstat");
		read_file("meminfo");
		read_file("buddyinfo");
		if (strncmp(read_file("validate"), "ok: ", 4))
			count(&violated);
		sleep_ms(20);
	}
	return arg;
}

static int stand_by(void *arg)
{
	const int own = session_new(machine.id);
	uint32_t state = own_state(arg);

	window_map(own, WINDOW, MML_WINDOW_SIZE);
	for (;;) {
		const uint64_t length = (1 + random_below(&state, 300)) * PAGE;

		if (lab_mmap(own, BYSTANDER, length, MODE_RW, FIXED) < 0)
			return 1;
		memset((void *)BYSTANDER, 0xa5, length);
		if (!all_bytes((void *)BYSTANDER, length, 0xa5))
			return 2;
		if (lab_munmap(own, BYSTANDER, length))
			return 3;
	}
}

static bool everybody_was_busy(void)
{
	return touched > 1000 && refused > 100 && changed > 100 && forked > 2 && validated > 10;
}

static void run(unsigned int ms)
{
	pthread_t thread[TOUCHERS + CHANGERS + 1];
	unsigned int n = 0;

	for (uintptr_t i = 0; i < TOUCHERS; i++)
		pthread_create(&thread[n++], NULL, touch_at_random, (void *)(i + 1));
	for (uintptr_t i = 0; i < CHANGERS; i++)
		pthread_create(&thread[n++], NULL, change_at_random, (void *)(i + 101));
	pthread_create(&thread[n++], NULL, validate_all_the_time, NULL);
	/* A slow kernel gets ten times as long to be as busy. */
	for (unsigned int i = 0; i < 10 && (!i || !everybody_was_busy()); i++)
		sleep_ms(ms);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	while (n--)
		pthread_join(thread[n], NULL);
}

int main(int argc, char **argv)
{
	const unsigned int ms = argc > 1 ? (unsigned int)atoi(argv[1]) * 1000 : 8000;
	pid_t bystander;

	begin_tests();
	catch_faults();
	seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : (uint32_t)now_ms() | 1;
	diag("seed %u", seed);
	machine = machine_new(64 * MIB);
	bystander = child_start(stand_by, NULL);
	session = (int)must(session_on(machine.id, 0, 0, &session_number), "SESSION_OPEN");
	window_map(session, WINDOW, MML_WINDOW_SIZE);
	run(ms);
	kill(bystander, SIGKILL);
	test_is(child_end(bystander), 128 + SIGKILL, "the bystander found its own until it was killed");
	diag("%u touches, %u refused, %u changes, %u forks, %u validations, %u files read", touched,
	     refused, changed, forked, validated, read_files);
	test(everybody_was_busy(), "everybody was busy");
	test_is(strange, 0, "nobody saw what was not there, or a signal for another address");
	test(!violated, "every invariant held all the time");
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	test(free_frames_become(machine.id, machine.frames), "every frame is free");
	test_valid("after all of that");
	close(session);
	machine_end(&machine);
	return done_testing();
}
