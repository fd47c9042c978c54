// SPDX-License-Identifier: GPL-2.0
/*
 * A storm of forks: processes with threads that fault, map and unmap, while they fork.
 *
 *	fork-storm [SECONDS] [SEED]
 *
 * Families of processes live on one machine at once, each in one session and its clones.
 * A process has four threads. Two touch an area at random. A third, the keeper, unmaps,
 * maps and drops pieces of it under their feet, and keeps an area of its own, round by
 * round: it maps a piece, which must be zeros, and writes the mark of this process and round
 * into it and over pages that are there; then it unmaps or drops a piece. The first thread
 * forks meanwhile, at any moment of all that. A child does the same as its parent, one
 * generation later. What a keeper finds must be 0, or a mark of its own process, or one of an
 * ancestor, of a round before the fork: nobody sees what relatives write afterwards. A
 * process ends by itself, with its threads at work, or its parent kills it.
 *
 * All the while every invariant is checked. In the end every frame is free.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

#define FAMILIES	4
#define GENERATIONS	3U		/* with that which opens the session */
#define CHILDREN	2		/* at a time */
#define TOUCHERS	2

#define PAGES		96UL
#define TOUCHED		(PLACE(1) + 2 * MIB - 20 * PAGE)	/* over two page tables */
#define KEPT		(PLACE(2) + 2 * MIB - 50 * PAGE)
#define WORDS		(PAGE / sizeof(uint64_t))
#define MACHINE_BYTES	(64 * MIB)

static struct machine machine;
static int job, session;
static uint32_t job_number, seed;

/* What came of it, in memory of the kernel's that all processes share. */
static struct shared {
	uint64_t end_ms;
	unsigned int lives, killed, touched, refused, unmapped, looks, strange, bad_ends;
} *shared;

/* Of this process: its generation. */
static unsigned int generation;

/*
 * Which life this process is, and which its ancestors, and their latest round. This is lab
 * memory, too: a child has what is true of all the rest that it has.
 */
static volatile struct {
	uint32_t life, round;
} *const lives = (void *)PLACE(3);

static bool is_over(void)
{
	return now_ms() >= shared->end_ms;
}

static void count(unsigned int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void strange(const char *what)
{
	if (!__atomic_fetch_add(&shared->strange, 1, __ATOMIC_RELAXED))
		diag("generation %u: %s", generation, what);
}

static uint32_t own_state(unsigned int thread)
{
	return (seed + (uint32_t)getpid() * 2654435761u + thread * 40503u) | 1;
}

/*
 * The area that is touched: bytes are 0 or what probe() writes.
 */

static void *touch_at_random(void *arg)
{
	uint32_t state = own_state(1 + (unsigned int)(uintptr_t)arg);

	for (unsigned int i = 1; !is_over(); i++) {
		const uint64_t addr = TOUCHED + random_below(&state, PAGES * PAGE);
		const struct caught got = probe(random_below(&state, 2) ? READ : WRITE, addr);

		if (got.sig && (got.sig != SIGSEGV || got.addr != addr))
			strange("a signal for something else");
		else if (!got.sig && got.value && got.value != 0x5a)
			strange("a value that nobody wrote where all touch");
		count(got.sig ? &shared->refused : &shared->touched);
		/* There are fifty of these threads. Who forks needs a CPU too. */
		if (i % 8 == 0)
			sleep_ms(20);
	}
	return NULL;
}

/* A piece of an area: where it begins, and its length. */
struct piece {
	uint64_t addr, length;
};

static struct piece random_piece(uint32_t *state, uint64_t area)
{
	const uint32_t first = random_below(state, PAGES);
	const uint32_t pages = 1 + random_below(state, (uint32_t)PAGES - first);

	return (struct piece){ area + first * PAGE, pages * PAGE };
}

static void map(struct piece piece)
{
	if (lab_mmap(session, piece.addr, piece.length, MODE_RW, FIXED) != (long)piece.addr)
		strange("mmap failed");
}

static void take_away(uint32_t *state, struct piece piece)
{
	const bool unmap = random_below(state, 4);
	const long ret = unmap ? lab_munmap(session, piece.addr, piece.length) :
				 lab_madvise(session, piece.addr, piece.length, MADV_DONTNEED);

	/* Of what has holes, DONTNEED drops the rest, and says that there are some. */
	if (ret && (unmap || ret != -ENOMEM))
		strange("munmap or DONTNEED failed");
	count(&shared->unmapped);
}

/*
 * The area that is kept: its words are 0 or marks, which are a life and a round.
 */

static uint64_t own_mark(void)
{
	return (uint64_t)lives[generation].life << 32 | lives[generation].round;
}

static bool may_find(uint64_t word)
{
	for (unsigned int i = 1; i <= generation; i++) {
		if (word >> 32 == lives[i].life)
			return (uint32_t)word <= lives[i].round;
	}
	return !word;
}

static void look_at_page(const uint64_t *page)
{
	for (unsigned long i = 0; i < WORDS; i++) {
		if ((i && page[i] == page[i - 1]) || may_find(page[i]))
			continue;
		strange("a mark that no ancestor had written before the fork");
		return;
	}
}

static void put_mark(uint64_t *words, size_t count)
{
	const uint64_t mark = own_mark();

	for (size_t i = 0; i < count; i++)
		words[i] = mark;
	for (size_t i = 0; i < count; i++) {
		if (words[i] != mark) {
			strange("what was written is not there");
			return;
		}
	}
}

/* There may be holes, as a fork may have been between an munmap and an mmap. */
static void look_at_all(uint32_t *state)
{
	for (unsigned long i = 0; i < PAGES; i++) {
		uint64_t *const page = (uint64_t *)(KEPT + i * PAGE);

		if (probe(READ, (uintptr_t)page).sig)
			continue;
		look_at_page(page);
		if (!random_below(state, 4))
			put_mark(page, WORDS);
	}
	count(&shared->looks);
}

static void map_and_mark(struct piece piece)
{
	map(piece);
	if (!all_bytes((const void *)piece.addr, piece.length, 0))
		strange("what is newly mapped is not zeros");
	put_mark((uint64_t *)piece.addr, piece.length / sizeof(uint64_t));
}

static void *keep(void *arg)
{
	uint32_t state = own_state(1 + TOUCHERS);

	while (!is_over()) {
		lives[generation].round++;
		look_at_all(&state);
		map_and_mark(random_piece(&state, KEPT));
		take_away(&state, random_piece(&state, KEPT));
		take_away(&state, random_piece(&state, TOUCHED));
		map(random_piece(&state, TOUCHED));
	}
	return arg;
}

/*
 * A process.
 */

static void start_threads(void)
{
	pthread_t thread;

	for (uintptr_t i = 0; i < TOUCHERS; i++)
		must(-pthread_create(&thread, NULL, touch_at_random, (void *)i), "pthread_create");
	must(-pthread_create(&thread, NULL, keep, NULL), "pthread_create");
}

static int live(void *arg);

/* A child that nobody kills ends with 0. */
static void end_child(pid_t child, bool killed)
{
	const int status = child_end(child);

	if (status == 0 || (killed && status == 128 + SIGKILL))
		return;
	diag("a child of generation %u ended with %d", generation, status);
	count(&shared->bad_ends);
}

static void have_children(uint32_t *state)
{
	pid_t child[CHILDREN];

	for (unsigned int i = 0; i < CHILDREN; i++) {
		child[i] = child_start(live, NULL);
		sleep_ms(random_below(state, 5));
	}
	for (unsigned int i = 0; i < CHILDREN; i++) {
		const bool killed = random_below(state, 2);

		if (killed) {
			sleep_ms(random_below(state, 20));
			kill(child[i], SIGKILL);
			count(&shared->killed);
		}
		end_child(child[i], killed);
	}
}

/* The founder of a family lives to the end, others for a while; with threads at work. */
static void pass_time(void)
{
	uint32_t state = own_state(0);
	unsigned int rounds = 1 + random_below(&state, 3);

	while (!is_over() && (generation == 1 || rounds--)) {
		if (generation < GENERATIONS)
			have_children(&state);
		else
			sleep_ms(random_below(&state, 20));
	}
}

/* What is forked: one generation later, with what its parent has. */
static int live(void *arg)
{
	(void)arg;
	generation++;
	lives[generation].life = __atomic_add_fetch(&shared->lives, 1, __ATOMIC_RELAXED);
	lives[generation].round = 0;
	start_threads();
	pass_time();
	return 0;
}

static int found_family(void *arg)
{
	session = (int)must(session_on(machine.id, job_number, 0, NULL), "SESSION_OPEN");
	window_map(session, WINDOW, MML_WINDOW_SIZE);
	map((struct piece){ (uintptr_t)lives, PAGE });
	map((struct piece){ TOUCHED, PAGES * PAGE });
	return live(arg);
}

/*
 * The storm.
 */

static void make_shared(unsigned int seconds)
{
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bail("no memory to share: %s", strerror(errno));
	shared->end_ms = now_ms() + seconds * 1000;
}

static void validate_until_the_end(void)
{
	unsigned int validated = 0, violated = 0;

	while (!is_over()) {
		struct mml_validate validate = { .machine = MML_VALIDATE_ALL };

		if (lab_ioctl(lab_control(), MML_IOC_VALIDATE, &validate) || validate.violations)
			violated++;
		validated++;
		sleep_ms(200);
	}
	diag("checked %u times", validated);
	test(validated > 5 && !violated, "every invariant held all the time");
}

/*
 * Children whose parents were killed come here: killed with them, or just at their own end,
 * or at their beginning, with what child_start() says then.
 */
static void reap_orphans(void)
{
	int status;

	while (waitpid(-1, &status, 0) > 0 || errno == EINTR) {
		const bool ended = WIFEXITED(status) && (!WEXITSTATUS(status) || WEXITSTATUS(status) == 99);

		if (!ended && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
			count(&shared->bad_ends);
	}
}

static void storm(void)
{
	pid_t family[FAMILIES];

	for (unsigned int i = 0; i < FAMILIES; i++)
		family[i] = child_start(found_family, NULL);
	validate_until_the_end();
	for (unsigned int i = 0; i < FAMILIES; i++)
		test_is(child_end(family[i]), 0, "family %u lived to the end", i + 1);
	reap_orphans();
}

static void test_figures(void)
{
	const struct mml_job_stat stat = job_stat(job);

	diag("%u processes, %" PRIu64 " forks, %u killed, %" PRIu64 " calls, %" PRIu64 " faults",
	     shared->lives, (uint64_t)stat.forks, shared->killed, (uint64_t)stat.calls,
	     (uint64_t)stat.faults);
	diag("%u touches, %u refused, %u pieces taken away, %u looks, at most %" PRIu64 " frames",
	     shared->touched, shared->refused, shared->unmapped, shared->looks,
	     (uint64_t)stat.peak_frames);
	/* A fraction of what a minute brings, even on a debug kernel. */
	test(shared->lives > 20 && shared->killed > 5 && shared->touched > 1000 &&
	     shared->refused > 100 && shared->unmapped > 10 && shared->looks > 10 &&
	     stat.faults > 1000, "everybody was busy");
	test(stat.forks >= shared->lives - FAMILIES, "the job has counted each fork");
	test_is(shared->strange, 0, "nobody saw what could not be");
	test_is(shared->bad_ends, 0, "nobody died but who was killed");
	test_is((long)stat.oom_kills, 0, "none of want");
	test_is((long)stat.frames, 0, "the job holds no frame");
	test_is((long)stat.sessions, 0, "every session is over");
}

int main(int argc, char **argv)
{
	const unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 60;

	begin_tests();
	catch_faults();
	seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : (uint32_t)now_ms() | 1;
	diag("seed %u, %u seconds", seed, seconds);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	make_shared(seconds);
	machine = machine_new(MACHINE_BYTES);
	job = job_new(machine.id, &job_number);
	storm();
	test(free_frames_become(machine.id, machine.frames), "every frame is free");
	test_figures();
	test_valid("after all of that");
	close(job);
	machine_end(&machine);
	return done_testing();
}
