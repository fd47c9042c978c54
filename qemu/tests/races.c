// SPDX-License-Identifier: GPL-2.0
/*
 * Races by design: what takes something away, against those who use it.
 *
 *	races [MILLISECONDS for each] [SEED]
 *
 * Where stress.c lets everything change at random and accepts whatever is possible, each
 * race here has one thread that takes away and knows what must be true then:
 *
 *	munmap, DONTNEED  what comes back is zeros, and holds what is written to it
 *	mprotect	  what cannot be written to does not change
 *	fork		  the child's memory is the parent's of one moment, for ever
 *	close, unmap	  of the file and the window, under calls and touches of both
 *	destroy		  a machine, while others open sessions on it by number
 *	rmmod		  an engine that is loaded and unloaded while sessions come and go
 *
 * All the while somebody checks every invariant and reads files. After each race every
 * frame is free.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define MODULE		"vma_probe"

#define PAGES		64UL
#define AREA		(PLACE(1) + 2 * MIB - 20 * PAGE)	/* over two page tables */
#define MOST_THREADS	8

static struct machine machine;
static int session;
static uint32_t seed;
static unsigned int ms = 2000;
static bool stop;

/* What came of a race: what its two sides did, and what must not have been. */
static struct {
	unsigned int taken, used, refused, strange;
} seen;
static unsigned int validated, violated;

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void count(unsigned int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void strange(const char *what)
{
	if (!__atomic_fetch_add(&seen.strange, 1, __ATOMIC_RELAXED))
		diag("%s", what);
}

static uint32_t own_state(const void *arg)
{
	return (seed + (uint32_t)(uintptr_t)arg * 2654435761u) | 1;
}

/* Another thread may have taken away what is used: that is for the caller to know. */
static void count_use(bool worked)
{
	count(worked ? &seen.used : &seen.refused);
}

/*
 * The frame of a race: threads that run until the time is over, and then a look.
 */

typedef void *(*thread_fn)(void *arg);

static void *validate_all_the_time(void *arg)
{
	while (!stopped()) {
		struct mml_validate validate = { .machine = MML_VALIDATE_ALL };
		struct mml_info info;

		if (lab_ioctl(lab_control(), MML_IOC_VALIDATE, &validate) || validate.violations)
			count(&violated);
		count(&validated);
		lab_info(machine.id, 0, &info);
		machine_file(machine.id, "meminfo");
		machine_file(machine.id, "holders");
		sleep_ms(20);
	}
	return arg;
}

static bool everybody_was_busy(void)
{
	return __atomic_load_n(&seen.taken, __ATOMIC_RELAXED) > 2 &&
	       __atomic_load_n(&seen.used, __ATOMIC_RELAXED) > 10;
}

/* Longer where nothing gets on: on a busy host, a debug kernel. */
static void let_them_race(void)
{
	const uint64_t limit = now_ms() + 10000 + ms;

	sleep_ms(ms);
	while (!everybody_was_busy() && now_ms() < limit)
		sleep_ms(10);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
}

static void race(const char *what, const thread_fn *fn, unsigned int threads)
{
	pthread_t thread[MOST_THREADS + 1];

	memset(&seen, 0, sizeof(seen));
	stop = false;
	pthread_create(&thread[threads], NULL, validate_all_the_time, NULL);
	for (uintptr_t i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, fn[i], (void *)i);
	let_them_race();
	for (unsigned int i = 0; i <= threads; i++)
		pthread_join(thread[i], NULL);
	diag("%s: %u times taken away, %u uses, %u refused", what, seen.taken, seen.used,
	     seen.refused);
	test(everybody_was_busy() && !seen.strange,
	     "%s: everybody was busy, and nobody saw what could not be", what);
}

#define RACE(what, ...) do {						\
	static const thread_fn fns[] = { __VA_ARGS__ };			\
									\
	race(what, fns, ARRAY_SIZE(fns));				\
} while (0)

static void begin_window(void)
{
	session = session_with_window(machine.id);
	must(lab_mmap(session, AREA, PAGES * PAGE, MODE_RW, FIXED), "mmap");
}

static void end_window(const char *what)
{
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session);
	test(free_frames_become(machine.id, machine.frames), "%s: every frame is free", what);
}

static volatile unsigned char *byte(unsigned long page, unsigned long at)
{
	return (volatile unsigned char *)AREA + page * PAGE + at;
}

/*
 * Touching: bytes from 64 on hold 0 or what is written there; those before belong to
 * the thread that takes away.
 */
static void *touch_area(void *arg)
{
	uint32_t state = own_state(arg);

	while (!stopped()) {
		const uint64_t addr = AREA + random_below(&state, PAGES) * PAGE + 64 +
				      random_below(&state, PAGE - 64);
		const struct caught got = probe(random_below(&state, 2) ? READ : WRITE, addr);

		if (got.sig && (got.sig != SIGSEGV || got.addr != addr))
			strange("a signal for something else");
		else if (!got.sig && got.value && got.value != 0x5a)
			strange("a value that nobody wrote");
		count_use(!got.sig);
	}
	return NULL;
}

/*
 * munmap and DONTNEED.
 */

static void fill_and_look(unsigned char value)
{
	for (unsigned long page = 0; page < PAGES; page++) {
		if (*byte(page, 0))
			strange("a page that is new is not empty");
		*byte(page, 0) = value;
	}
	for (unsigned long page = 0; page < PAGES; page++) {
		if (*byte(page, 0) != value)
			strange("a page has lost what was written to it");
	}
}

static void *take_away(void *arg)
{
	const bool unmap = arg == NULL;

	for (unsigned char value = 1; !stopped(); value = value % 255 + 1) {
		fill_and_look(value);
		if (unmap && lab_munmap(session, AREA, PAGES * PAGE))
			strange("munmap failed");
		if (unmap && lab_mmap(session, AREA, PAGES * PAGE, MODE_RW, FIXED) < 0)
			strange("mmap failed");
		if (!unmap && lab_madvise(session, AREA, PAGES * PAGE, MADV_DONTNEED))
			strange("madvise failed");
		count(&seen.taken);
	}
	return NULL;
}

static void *unmap_area(void *arg)
{
	(void)arg;
	return take_away(NULL);
}

static void *drop_area(void *arg)
{
	(void)arg;
	return take_away(&seen);
}

/*
 * mprotect.
 */

static void protect(int prot)
{
	if (lab_mprotect(session, AREA, PAGES * PAGE, prot))
		strange("mprotect failed");
}

static void *protect_area(void *arg)
{
	static unsigned char before[PAGES * PAGE];

	(void)arg;
	while (!stopped()) {
		memset((void *)AREA, 0, PAGES * PAGE);
		protect(PROT_READ);
		memcpy(before, (void *)AREA, sizeof(before));
		sleep_ms(1);
		if (memcmp(before, (void *)AREA, sizeof(before)))
			strange("what may only be read has changed");
		protect(MODE_RW);
		count(&seen.taken);
	}
	return NULL;
}

/*
 * fork. Two places far from each other are counted up, in this order; whatever is
 * copied first, a copy of one moment has the first equal, or ahead by one.
 */
#define FORKED		PLACE(3)
#define FIRST(pair)	((volatile uint64_t *)(FORKED + ((pair) ? 8 * MIB : 0)))
#define SECOND(pair)	((volatile uint64_t *)(FORKED + ((pair) ? 0 : 8 * MIB) + 64))

static void *count_up(void *arg)
{
	const bool pair = (uintptr_t)arg % 2;

	while (!stopped()) {
		*FIRST(pair) = *FIRST(pair) + 1;
		*SECOND(pair) = *SECOND(pair) + 1;
		count(&seen.used);
	}
	return NULL;
}

static bool is_one_moment(int pair, uint64_t *first, uint64_t *second)
{
	*first = *FIRST(pair);
	*second = *SECOND(pair);
	return *first - *second <= 1;
}

static int look_at_copy(void *arg)
{
	uint64_t first[2], second[2];

	(void)arg;
	for (int pair = 0; pair < 2; pair++) {
		if (!is_one_moment(pair, &first[pair], &second[pair]))
			return 1;
	}
	sleep_ms(2);
	for (int pair = 0; pair < 2; pair++) {
		if (*FIRST(pair) != first[pair] || *SECOND(pair) != second[pair])
			return 2;
		*FIRST(pair) = 0;
	}
	return 0;
}

static void *fork_all_the_time(void *arg)
{
	while (!stopped()) {
		switch (in_child(look_at_copy, NULL)) {
		case 0:
			break;
		case 1:
			strange("a child's memory is not the parent's of one moment");
			break;
		default:
			strange("a child's memory changed, or the child died");
		}
		count(&seen.taken);
	}
	return arg;
}

static void race_fork(void)
{
	must(lab_mmap(session, FORKED, 16 * MIB, MODE_RW, FIXED), "mmap");
	RACE("fork against writing", fork_all_the_time, count_up, count_up, touch_area);
}

/*
 * Closing the file, unmapping the window; the file first, or the window. Others call
 * and touch whatever is there at the moment, by its number and address.
 */

static int current_session(void)
{
	return __atomic_load_n(&session, __ATOMIC_RELAXED);
}

static void *close_all_the_time(void *arg)
{
	uint32_t state = own_state(arg);

	while (!stopped()) {
		const int own = session_on(machine.id, 0, 0, NULL);

		if (own < 0) {
			strange("no session");
			continue;
		}
		window_map(own, WINDOW, MML_WINDOW_SIZE);
		__atomic_store_n(&session, own, __ATOMIC_RELAXED);
		lab_mmap(own, AREA, PAGES * PAGE, MODE_RW, FIXED);
		sleep_ms(random_below(&state, 3));
		if (random_below(&state, 2))
			close(own);
		munmap((void *)WINDOW, MML_WINDOW_SIZE);
		close(own);
		count(&seen.taken);
	}
	return NULL;
}

static void call_once(uint32_t *state)
{
	const int fd = current_session();
	const uint64_t addr = AREA + random_below(state, PAGES) * PAGE;
	uint32_t handle;
	long ret;

	switch (random_below(state, 4)) {
	case 0:
		ret = lab_mmap(fd, addr, 4 * PAGE, MODE_RW, FIXED);
		break;
	case 1:
		ret = lab_munmap(fd, addr, PAGE);
		break;
	case 2:
		ret = lab_madvise(fd, addr, PAGE, MADV_DONTNEED);
		break;
	default:
		ret = block_alloc(fd, random_below(state, 3), &handle);
		if (!ret)
			block_free(fd, handle);
	}
	if (ret < 0 && ret != -ENXIO && ret != -EBADF && ret != -ENOMEM && ret != -ENOTTY)
		strange(strerrorname_np((int)-ret));
	count_use(ret >= 0);
}

static void *call_all_the_time(void *arg)
{
	uint32_t state = own_state(arg);

	while (!stopped())
		call_once(&state);
	return NULL;
}

/*
 * Machines that are destroyed while others want them.
 */

static uint32_t candidate;

static void destroy_one(int fd, uint32_t number, uint32_t *state)
{
	struct mml_machine_destroy destroy = { .machine = fd < 0 ? number : 0 };
	int ret;

	sleep_ms(random_below(state, 3));
	ret = lab_ioctl(fd < 0 ? lab_control() : fd, MML_IOC_MACHINE_DESTROY, &destroy);
	if (ret && ret != -EBUSY)
		strange(strerrorname_np(-ret));
	count(&seen.taken);
}

/* By its file, by closing that, or by its number when it is to be kept. */
static void *destroy_all_the_time(void *arg)
{
	uint32_t state = own_state(arg);

	while (!stopped()) {
		struct mml_machine_create create = { .bytes = MIB, .name = "kept" };
		const uint32_t way = random_below(&state, 3);
		struct mml_info info;

		create.flags = way == 2 ? MML_MACHINE_KEEP : 0;
		must(lab_machine_create(&create), "MACHINE_CREATE");
		__atomic_store_n(&candidate, create.machine, __ATOMIC_RELAXED);
		if (way == 2)
			close(create.fd);
		else if (way == 0)
			destroy_one(create.fd, 0, &state);
		while (way == 2 && !lab_info(create.machine, 0, &info))
			destroy_one(-1, create.machine, &state);
		if (way != 2)
			close(create.fd);
	}
	return NULL;
}

static void use_session(int own, uint64_t place)
{
	void *window = mmap((void *)place, MIB, MODE_RWX, MAP_SHARED | MAP_FIXED_NOREPLACE, own,
			    (off_t)place);

	if (window == MAP_FAILED && errno != ENODEV)
		strange("no window");
	if (window == MAP_FAILED)
		return;
	if (lab_mmap(own, place, 8 * PAGE, MODE_RW, FIXED) > 0) {
		memset(window, 0x77, 8 * PAGE);
		if (!all_bytes(window, 8 * PAGE, 0x77))
			strange("a session lost what it wrote");
	}
	munmap(window, MIB);
}

static void *open_on_candidate(void *arg)
{
	const uint64_t place = PLACE(10 + (uintptr_t)arg);

	while (!stopped()) {
		const uint32_t number = __atomic_load_n(&candidate, __ATOMIC_RELAXED);
		const int own = number ? session_on(number, 0, 0, NULL) : -ENXIO;

		if (own < 0 && own != -ENXIO)
			strange(strerrorname_np(-own));
		count_use(own >= 0);
		if (own < 0)
			continue;
		use_session(own, place);
		close(own);
	}
	return NULL;
}

static unsigned int count_machines(void)
{
	unsigned int machines = 0;
	struct mml_info info;

	for (uint32_t next = 0; !lab_info(next, MML_INFO_NEXT, &info); next = info.machine + 1)
		machines++;
	return machines;
}

static void race_destroy(void)
{
	const unsigned int before = count_machines();

	RACE("destroying machines against opening sessions", destroy_all_the_time,
	     open_on_candidate, open_on_candidate, open_on_candidate);
	test_is(count_machines(), before, "no machine is left of that");
}

/*
 * An engine that comes and goes.
 */

static int load_module(void)
{
	const int fd = open(MODULE "/" MODULE ".ko", O_RDONLY | O_CLOEXEC);
	const int ret = fd < 0 || syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;

	close(fd);
	return ret;
}

static void *load_and_unload(void *arg)
{
	int ret = 0;

	while (!stopped()) {
		ret = syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? -errno : 0;
		if (!ret)
			count(&seen.taken);
		else if (ret == -EWOULDBLOCK)
			count(&seen.refused);
		else
			strange(strerrorname_np(-ret));
		if (!ret && load_module())
			strange("the module cannot be loaded again");
		sleep_ms(1);
	}
	return arg;
}

/* With a pause, or the engine would never be free. */
static void *come_and_go(void *arg)
{
	const uint64_t place = PLACE(10 + (uintptr_t)arg);
	uint32_t state = own_state(arg);

	while (!stopped()) {
		const int own = session_on(machine.id, 0, 0, NULL);

		if (own < 0)
			strange(strerrorname_np(-own));
		else
			use_session(own, place);
		close(own);
		count(&seen.used);
		sleep_ms(random_below(&state, 8));
	}
	return NULL;
}

static void race_module(void)
{
	RACE("rmmod and insmod against sessions", load_and_unload, come_and_go, come_and_go);
	test(seen.refused, "rmmod was refused while a session was open");
	test(!access("/sys/module/" MODULE, F_OK), "the engine is there");
}

/*
 * All of them.
 */

static void races_in_a_window(void)
{
	begin_window();
	RACE("munmap against touching", unmap_area, touch_area, touch_area, touch_area);
	RACE("DONTNEED against touching", drop_area, touch_area, touch_area, touch_area);
	RACE("mprotect against touching", protect_area, touch_area, touch_area, touch_area);
	race_fork();
	end_window("munmap, DONTNEED, mprotect, fork");
}

int main(int argc, char **argv)
{
	begin_tests();
	catch_faults();
	if (argc > 1)
		ms = (unsigned int)atoi(argv[1]);
	seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : (uint32_t)now_ms() | 1;
	diag("seed %u, %u ms for each race", seed, ms);
	machine = machine_new(32 * MIB);
	races_in_a_window();
	RACE("close and munmap of the window against calls and touches", close_all_the_time,
	     call_all_the_time, call_all_the_time, touch_area);
	test(free_frames_become(machine.id, machine.frames), "close: every frame is free");
	race_destroy();
	race_module();
	test(validated > 20 && !violated, "every invariant held all the time");
	diag("checked %u times", validated);
	test_valid("after all of that");
	machine_end(&machine);
	return done_testing();
}
