// SPDX-License-Identifier: GPL-2.0
/*
 * The frames behind memory: who has how many, what the lab tells of it, and what
 * happens when there are none left.
 *
 * Exact counts, page tables included; frames that somebody else has left full of
 * data; overcommit, limits, and death by want of a frame.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "lab.h"

#define ANON		(MAP_PRIVATE | MAP_ANONYMOUS)
#define FIXED		(ANON | MAP_FIXED)

#define FRAMES		4096UL		/* of the machine: 16 MiB */

static struct machine machine;
static int job;
static uint32_t job_number;

static int open_session(uint32_t *number)
{
	const int session = (int)must(session_on(machine.id, job_number, 0, number),
				      "SESSION_OPEN");

	window_map(session, WINDOW, MML_WINDOW_SIZE);
	return session;
}

static void close_session(int session)
{
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session);
}

/*
 * Counts.
 */

static uint64_t used(void)
{
	return machine.frames - free_frames(machine.id);
}

static void touch_pages(uint64_t addr, uint64_t pages, uint64_t step)
{
	for (uint64_t i = 0; i < pages; i++)
		touch(WRITE, addr + i * step);
}

static void test_counts(void)
{
	const int session = open_session(NULL);
	const uint64_t addr = PLACE(1);
	struct mml_job_stat stat;

	lab_mmap(session, addr, 1024 * PAGE, MODE_RW, FIXED);
	test_is((long)used(), 0, "what is mapped and not touched takes no frame");
	touch_pages(addr, 1, PAGE);
	test_is((long)used(), 1 + 4, "the first page takes one, and tables of four levels");
	touch_pages(addr, 100, PAGE);
	test_is((long)used(), 100 + 4, "99 more take 99");
	touch_pages(addr + 512 * PAGE, 1, PAGE);
	test_is((long)used(), 101 + 5, "one that needs another table takes two");
	lab_madvise(session, addr, 50 * PAGE, MADV_DONTNEED);
	test_is((long)used(), 51 + 5, "MADV_DONTNEED of 50 gives back 50");
	lab_munmap(session, addr + 512 * PAGE, 512 * PAGE);
	test_is((long)used(), 50 + 4, "munmap gives back the page and its table");
	lab_mmap(session, addr, 512 * PAGE, MODE_RW, FIXED);
	test_is((long)used(), 0, "MAP_FIXED over it the rest");
	stat = job_stat(job);
	test(!stat.frames && stat.peak_frames == 106 && stat.sessions == 1,
	     "the job knows: none now, 106 at most");
	test_is((long)stat.calls, 4, "and that there were four calls");
	test_is((long)stat.faults, 101, "and 101 faults");
	close_session(session);
	test_is((long)job_stat(job).sessions, 0, "and that the session is over");
}

static void test_reads_and_writes(void)
{
	const int session = open_session(NULL);
	const uint64_t before = job_stat(job).faults;

	lab_mmap(session, PLACE(1), 4 * PAGE, MODE_RW, FIXED);
	touch(READ, PLACE(1));
	touch(READ, PLACE(1) + 1);
	test_is((long)(job_stat(job).faults - before), 1, "two reads of a page are one fault");
	touch(WRITE, PLACE(1));
	touch(WRITE, PLACE(1) + 1);
	test_is((long)(job_stat(job).faults - before), 2, "the first write then is another");
	touch(WRITE, PLACE(1) + PAGE);
	test_is((long)(job_stat(job).faults - before), 3, "a write to a new page is one");
	lab_mprotect(session, PLACE(1), 2 * PAGE, PROT_READ);
	lab_mprotect(session, PLACE(1), 2 * PAGE, MODE_RW);
	touch(WRITE, PLACE(1) + PAGE);
	test_is((long)(job_stat(job).faults - before), 4, "and one after mprotect there and back");
	close_session(session);
}

/* All over a mapping of 512 GiB, which needs tables for each page. */
static void test_sparse(void)
{
	const uint64_t size = 1ULL << 39, step = size / 128;
	const int session = open_session(NULL);

	test_is(lab_mmap(session, WINDOW, size, MODE_RW, FIXED | MAP_NORESERVE), (long)WINDOW,
		"a mapping of 512 GiB");
	touch_pages(WINDOW, 128, step);
	test_is((long)used(), 128 * 3 + 2, "128 pages all over it, two tables each, and two more");
	test(probe(READ, WINDOW + 77 * step).value == 0x5a && !probe(READ, WINDOW + PAGE).value,
	     "each has its content");
	test_valid("with them");
	lab_munmap(session, WINDOW, size);
	test_is((long)used(), 0, "munmap gives all of it back");
	close_session(session);
}

/*
 * What the lab tells of a session.
 */

/* The line that /proc/PID/maps has for a private anonymous mapping. */
#define MAPS_LINE	"%lx-%lx %s 00000000 00:00 0%c\n"

static const struct {
	uint64_t start;
	uint64_t end;
	const char *prot;
} maps_wanted[] = {
	{ PLACE(1), PLACE(1) + PAGE, "rw-p" },
	{ PLACE(1) + PAGE, PLACE(1) + 2 * PAGE, "r--p" },
	{ PLACE(1) + 2 * PAGE, PLACE(1) + 4 * PAGE, "---p" },
	{ PLACE(1) + 5 * PAGE, PLACE(1) + 6 * PAGE, "r-xp" },
	{ PLACE(2), PLACE(2) + 16 * PAGE, "rw-p" },
};

static void test_maps(void)
{
	char want[1024] = "";
	uint32_t number;
	const int session = open_session(&number);
	const char *got;

	lab_mmap(session, PLACE(1), 6 * PAGE, MODE_RW, FIXED);
	lab_mprotect(session, PLACE(1) + PAGE, PAGE, PROT_READ);
	lab_mprotect(session, PLACE(1) + 2 * PAGE, 2 * PAGE, PROT_NONE);
	lab_munmap(session, PLACE(1) + 4 * PAGE, PAGE);
	lab_mprotect(session, PLACE(1) + 5 * PAGE, PAGE, PROT_READ | PROT_EXEC);
	lab_mmap(session, PLACE(2), 8 * PAGE, MODE_RW, FIXED);
	lab_mmap(session, PLACE(2) + 8 * PAGE, 8 * PAGE, MODE_RW, FIXED);
	for (size_t i = 0, at = 0; i < ARRAY_SIZE(maps_wanted); i++)
		at += (size_t)snprintf(want + at, sizeof(want) - at, MAPS_LINE,
				       maps_wanted[i].start, maps_wanted[i].end,
				       maps_wanted[i].prot, ' ');
	got = session_file(machine.id, number, "maps");
	if (!test(!strcmp(got, want), "maps has every mapping, neighbours made one"))
		diag("it has:\n%s", got);

	lab_mprotect(session, PLACE(1), 6 * PAGE, MODE_RW);
	lab_mmap(session, PLACE(1) + 4 * PAGE, PAGE, MODE_RW, FIXED);
	lab_mprotect(session, PLACE(1), 6 * PAGE, MODE_RW);
	got = session_file(machine.id, number, "maps");
	test(!strncmp(got, "100004000000-100004006000 rw-p", 30),
	     "and one line when they are all the same again");
	close_session(session);
}

static const struct {
	const char *name;
	int pages;
} status_wanted[] = {
	{ "VmPeak", 1000 }, { "VmSize", 500 }, { "VmLck", 0 }, { "VmPin", 0 }, { "VmHWM", 600 },
	{ "VmRSS", 500 }, { "RssAnon", 500 }, { "RssFile", 0 }, { "RssShmem", 0 },
	{ "VmData", 450 }, { "VmStk", 0 }, { "VmExe", 0 }, { "VmLib", 50 }, { "VmPTE", 4 },
	{ "VmSwap", 0 }, { "MmlAround", 0 },
};

static void test_status(void)
{
	uint32_t number;
	const int session = open_session(&number);
	char want[1024];
	size_t at = (size_t)snprintf(want, sizeof(want), "Pid:\t%d\n", getpid());
	const char *got;

	lab_mmap(session, PLACE(1), 1000 * PAGE, MODE_RW, FIXED);
	touch_pages(PLACE(1), 600, PAGE);
	lab_munmap(session, PLACE(1) + 500 * PAGE, 500 * PAGE);
	lab_mprotect(session, PLACE(1) + 400 * PAGE, 50 * PAGE, PROT_READ | PROT_EXEC);
	for (size_t i = 0; i < ARRAY_SIZE(status_wanted); i++)
		at += (size_t)snprintf(want + at, sizeof(want) - at, "%s:\t%8d kB\n",
				       status_wanted[i].name, status_wanted[i].pages * 4);
	got = session_file(machine.id, number, "status");
	if (!test(!strcmp(got, want), "status has its sizes"))
		diag("it has:\n%s", got);
	close_session(session);
}

/*
 * Frames that have been used before.
 */

/* Of @frames, how many are left for pages in a row, with the tables that these need? */
static uint64_t pages_of(uint64_t frames)
{
	uint64_t pages = frames - 3;

	while (pages + (pages + 511) / 512 + 3 > frames)
		pages--;
	return pages;
}

/* As many pages as a process can have: to the frame, what the machine does not keep. */
static uint64_t most_pages(void)
{
	return pages_of(FRAMES - reserved_frames(machine.id));
}

static int make_dirty(void *arg)
{
	const uint64_t reserved = reserved_frames(machine.id), most = most_pages();
	const int session = open_session(NULL);

	(void)arg;
	lab_mmap(session, WINDOW, most * PAGE, MODE_RW, FIXED);
	memset((void *)WINDOW, 0xaa, most * PAGE);
	return used() == FRAMES - reserved ? 0 : 1;
}

static void test_reuse(void)
{
	const uint64_t most = most_pages();
	int session;

	/* 4 * sqrt(KiB), in KiB; a zone of which no higher one is there protects nothing. */
	test_is((long)reserved_frames(machine.id), 128, "a machine of 16 MiB keeps 512 KiB");
	test_is(in_child(make_dirty, NULL), 0, "a process fills all frames that it can have, and ends");
	test(free_frames_become(machine.id, FRAMES), "every frame is free then");
	session = open_session(NULL);
	lab_mmap(session, WINDOW, most * PAGE, MODE_RW, FIXED);
	test(all_bytes((void *)WINDOW, most * PAGE, 0), "another finds zeros in them");
	memset((void *)WINDOW, 0xbb, most * PAGE);
	lab_madvise(session, WINDOW, most * PAGE, MADV_DONTNEED);
	test(all_bytes((void *)WINDOW, most * PAGE, 0), "and again after MADV_DONTNEED");
	close_session(session);
}

/*
 * More than there is.
 */

static void test_overcommit(void)
{
	const int session = open_session(NULL);
	const uint64_t all = FRAMES * PAGE, more = all + PAGE;

	test_is(lab_mmap(session, WINDOW, more, MODE_RW, FIXED), -ENOMEM,
		"a writable mapping larger than the machine");
	test_is(lab_mmap(session, WINDOW, all, MODE_RW, FIXED), (long)WINDOW, "one as large as it");
	test_is(lab_mmap(session, PLACE(1), all, MODE_RW, FIXED), (long)PLACE(1), "and another");
	test_is(lab_mmap(session, PLACE(2), more, MODE_RW, FIXED | MAP_NORESERVE), (long)PLACE(2),
		"a larger one with MAP_NORESERVE");
	test_is(lab_mmap(session, PLACE(3), more, PROT_NONE, FIXED), (long)PLACE(3),
		"or with PROT_NONE");
	test_is(lab_mprotect(session, PLACE(3), more, MODE_RW), -ENOMEM,
		"which cannot be made writable as a whole");
	test_is(lab_mprotect(session, PLACE(3), 64 * PAGE, MODE_RW), 0, "but in part");
	test_is(lab_mmap(session, PLACE(4), more, PROT_READ, FIXED), (long)PLACE(4),
		"or only to be read");
	test_is(lab_mremap(session, PLACE(1), all, all + more, MREMAP_MAYMOVE), -ENOMEM,
		"growing one by more than the machine");
	test_is(lab_mmap(session, 0, MML_WINDOW_SIZE, PROT_NONE, ANON), -ENOMEM,
		"what the window has no room for");
	test_is((long)used(), 0, "no frame is taken by any of that");
	close_session(session);
}

/* A child leaves the copy of its parent's window for one of its own. */
static int open_own_session(void)
{
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	return open_session(NULL);
}

static int use_too_much(void *arg)
{
	const int session = open_own_session();

	lab_mmap(session, WINDOW, 2 * FRAMES * PAGE, MODE_RW, FIXED | MAP_NORESERVE);
	touch_pages(WINDOW, (uint64_t)(uintptr_t)arg, PAGE);
	return 0;
}

/* The kernel itself is the one to touch it. */
static int read_too_much(void *arg)
{
	const int session = open_own_session();
	const int zero = open("/dev/zero", O_RDONLY);

	(void)arg;
	lab_mmap(session, WINDOW, 2 * FRAMES * PAGE, MODE_RW, FIXED | MAP_NORESERVE);
	if (read(zero, (void *)WINDOW, 2 * FRAMES * PAGE))
		return 1;
	return 2;
}

static void test_out_of_memory(void)
{
	const int session = open_session(NULL);
	const uint64_t before = vm_event(machine.id, "oom_kill");
	const uint64_t job_before = job_stat(job).oom_kills;
	const uint64_t most = pages_of(FRAMES - reserved_frames(machine.id) - 104);

	lab_mmap(session, WINDOW, 100 * PAGE, MODE_RW, FIXED);
	memset((void *)WINDOW, 0x21, 100 * PAGE);
	test_is((long)used(), 104, "a process has 100 pages and four tables");
	test_is(in_child(use_too_much, (void *)most), 0, "another all that it can have besides");
	kernel_log_mark();
	test_is(in_child(use_too_much, (void *)(most + 1)), 128 + SIGKILL,
		"one that uses a page more is killed by SIGKILL");
	test_is((long)(vm_event(machine.id, "oom_kill") - before), 1, "oom_kill counts it");
	test_is((long)(job_stat(job).oom_kills - job_before), 1, "so does the job");
	test(kernel_log_says("out of memory: killed process"), "the kernel log tells of it");
	test_is(in_child(read_too_much, NULL), 128 + SIGKILL, "and so if read(2) touches it");
	test(all_bytes((void *)WINDOW, 100 * PAGE, 0x21), "another process is none the worse");
	test(free_frames_become(machine.id, FRAMES - 104), "all frames but its own are free");
	close_session(session);
}

static int use_limited(void *arg)
{
	const int session = (int)must(session_on(machine.id, job_number, 64 * PAGE, NULL), "open");

	window_map(session, WINDOW, MML_WINDOW_SIZE);
	lab_mmap(session, WINDOW, 128 * PAGE, MODE_RW, FIXED);
	touch_pages(WINDOW, (uint64_t)(uintptr_t)arg, PAGE);
	return 0;
}

/* Of 64 frames, four are for tables. */
static void test_limit(void)
{
	test_is(in_child(use_limited, (void *)60), 0, "a session that holds all it may");
	test_is(in_child(use_limited, (void *)61), 128 + SIGKILL, "one frame more: SIGKILL");
}

/* With no frame left, not even the calls that give some back may fail. */
static void test_to_the_last(const char *name, uint64_t left)
{
	const int session = open_session(NULL), hog = session_new(machine.id);

	lab_mmap(session, WINDOW, 512 * PAGE, MODE_RW, FIXED);
	memset((void *)WINDOW, 0x17, 512 * PAGE);
	while (!block_alloc(hog, 0, NULL))
		;
	test_is((long)free_frames(machine.id), (long)left, "%s: every frame is taken", name);
	test(all_bytes((void *)WINDOW, 512 * PAGE, 0x17), "what there is can be used");
	test_is(lab_mmap(session, PLACE(1), PAGE, MODE_RW, FIXED), (long)PLACE(1), "mmap works");
	test_is(lab_mprotect(session, WINDOW + PAGE, PAGE, PROT_READ), 0, "mprotect too");
	test_is(lab_mremap(session, WINDOW + 2 * PAGE, 500 * PAGE, 501 * PAGE, MREMAP_MAYMOVE),
		-ENOMEM, "mremap that needs a table does not");
	test(all_bytes((void *)WINDOW, 512 * PAGE, 0x17), "and changes nothing");
	test_is(lab_madvise(session, WINDOW, 8 * PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED gives some");
	test_probe(WRITE, PLACE(1), 0, "which serve the next touch");
	test_is(lab_munmap(session, WINDOW, 512 * PAGE), 0, "munmap");
	test_valid("at the end of memory");
	close(hog);
	close_session(session);
}

int main(void)
{
	begin_tests();
	catch_faults();
	machine = machine_new(FRAMES * PAGE);
	fault_around(machine.id, 1);
	job = job_new(machine.id, &job_number);
	test_counts();
	test_reads_and_writes();
	test_sparse();
	test_maps();
	test_status();
	test_reuse();
	test_overcommit();
	test_out_of_memory();
	test_limit();
	test_to_the_last("but for the machine's reserve", reserved_frames(machine.id));
	test_valid("after all of that");
	close(job);
	machine_end(&machine);

	machine = machine_without_watermarks(FRAMES * PAGE);
	job = job_new(machine.id, &job_number);
	test_is((long)reserved_frames(machine.id), 0, "a machine without watermarks keeps nothing");
	test_to_the_last("without exception", 0);
	close(job);
	machine_end(&machine);
	return done_testing();
}
