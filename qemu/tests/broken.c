// SPDX-License-Identifier: GPL-2.0
/*
 * A bug of the lab breaks one machine and nothing else.
 *
 * The bug is planted through debugfs. Who is on that machine gets SIGBUS at the next
 * touch, of pages that were mapped too, and EIO from the calls that do more than look;
 * who is on another goes on. What the machine was can be read; its memory comes back
 * when it is destroyed, and the modules go without a word.
 *
 * broken.sh has loaded the modules, on a reservation that has room for one machine of
 * LARGE bytes beside the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define LARGE		(32 * MIB)
#define PAGES		700UL		/* over two page tables */
#define AREA		(PLACE(1) + 2 * MIB - 100 * PAGE)

static struct machine victim, other;
static int session;			/* ours, on the victim */
static uint32_t session_number;

static struct machine large_machine(void)
{
	struct mml_machine_create create = {
		.bytes = LARGE, .backend = MML_BACKEND_RESERVE_MEM, .name = "large",
	};

	must(lab_machine_create(&create), "MACHINE_CREATE");
	return (struct machine){ create.fd, create.machine, LARGE / PAGE };
}

/* Return: 0 or -errno. */
static int plant(uint32_t machine, const char *text)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/plant_bug", machine);
	fd = (int)must(open(path, O_WRONLY | O_CLOEXEC), path);
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static bool is_broken(uint32_t machine)
{
	struct mml_info info;

	must(lab_info(machine, 0, &info), "GET_INFO");
	return info.state == MML_MACHINE_BROKEN;
}

/* Is the last failure of that kind explained by the machine's state, on our file? */
static bool is_explained(int fd, uint32_t machine, uint32_t kind)
{
	struct mml_explain explain = { .machine = machine, .kind = kind };

	must(lab_ioctl(fd, MML_IOC_EXPLAIN, &explain), "EXPLAIN");
	return explain.why == MML_WHY_BROKEN;
}

static bool gets_sigbus(enum access access, uint64_t addr)
{
	return probe(access, addr).sig == SIGBUS;
}

/* Entries that were there are revoked soon: who finds a bug may not wait for that. */
static bool soon_gets_sigbus(uint64_t addr)
{
	const uint64_t limit = now_ms() + 3000;

	while (!gets_sigbus(READ, addr) && now_ms() < limit)
		sleep_ms(1);
	return gets_sigbus(READ, addr);
}

/*
 * The knob.
 */

static void test_knob(void)
{
	char path[128];
	struct stat now;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/plant_bug", victim.id);
	test(!stat(path, &now) && (now.st_mode & 0777) == 0200 && !now.st_uid,
	     "plant_bug is root's, to write to");
	test_is(plant(victim.id, "one"), -EINVAL, "'one' is no number");
	test_is(plant(victim.id, "-1"), -EINVAL, "nor is -1 one that it takes");
	test_is(plant(victim.id, "1"), 0, "a bug is planted");
	test_is(plant(victim.id, "0"), 0, "and taken back");
	test_is(block_alloc(session, 0, NULL), 0, "so nothing comes of it");
	test(!is_broken(victim.id), "the machine is live");
}

/*
 * Two other processes: one on the victim, with pages of its own, one on the other
 * machine. Each gets a byte when it has to go on.
 */
static struct gate ready, broken, over;

static void fill(uint64_t addr, unsigned long pages, unsigned char value)
{
	memset((void *)addr, value, pages * PAGE);
}

/* Return: 0, or which of the things it may still do went wrong. */
static int on_victim(void *arg)
{
	const int own = session_with_window(victim.id);

	(void)arg;
	must(lab_mmap(own, AREA, PAGES * PAGE, MODE_RW, FIXED), "mmap");
	fill(AREA, PAGES, 0x11);
	gate_open(&ready, 1);
	gate_wait(&broken);
	if (!soon_gets_sigbus(AREA))
		return 4;
	for (unsigned long i = 0; i < PAGES; i += 50) {
		if (!gets_sigbus(i % 100 ? READ : WRITE, AREA + i * PAGE))
			return 1;
	}
	if (lab_munmap(own, AREA, PAGE) != -EIO)
		return 2;
	gate_wait(&over);
	return munmap((void *)WINDOW, MML_WINDOW_SIZE) ? 3 : 0;
}

static bool finds_its_own(unsigned char value)
{
	const bool found = all_bytes((void *)AREA, PAGES * PAGE, value);

	fill(AREA, PAGES, value + 1);
	return found;
}

static int on_other(void *arg)
{
	const int own = session_with_window(other.id);
	unsigned char value = 0x22;

	(void)arg;
	must(lab_mmap(own, AREA, PAGES * PAGE, MODE_RW, FIXED), "mmap");
	fill(AREA, PAGES, value);
	gate_open(&ready, 1);
	gate_wait(&broken);
	if (!finds_its_own(value) || lab_madvise(own, AREA, PAGES * PAGE, MADV_DONTNEED))
		return 1;
	if (!finds_its_own(0) || block_alloc(own, 3, NULL))
		return 2;
	gate_wait(&over);
	return finds_its_own(1) ? 0 : 3;
}

/*
 * The bug comes.
 */

static void test_it_breaks(void)
{
	const uint64_t free_before = free_frames(victim.id);

	fill(WINDOW, 10, 0x33);
	kernel_log_mark();
	test_is(plant(victim.id, "3"), 0, "a bug is planted in the third allocation");
	test(!block_alloc(session, 0, NULL) && !block_alloc(session, 2, NULL) &&
	     !is_broken(victim.id), "the first and the second work");
	test_is(block_alloc(session, 0, NULL), -ENOMEM, "the third fails");
	test(is_broken(victim.id), "the machine is broken");
	test(kernel_log_says("broken, its ioctls fail with EIO"), "the kernel log says so");
	test(!is_broken(other.id), "the other one is not");
	test_is((long)free_frames(victim.id), (long)free_before - 19,
		"ten pages, their four tables and two blocks are in use, and nothing else");
}

static void test_calls(void)
{
	struct mml_session_note note = { 0 };
	struct mml_validate validate = { .machine = victim.id };
	struct mml_info info = { .machine = victim.id };

	test_is(block_alloc(session, 0, NULL), -EIO, "BLOCK_ALLOC");
	test_is(block_free(session, 1), -EIO, "BLOCK_FREE");
	test_is(lab_mmap(session, 0, PAGE, MODE_RW, MAP_PRIVATE | MAP_ANONYMOUS), -EIO, "MMAP");
	test_is(lab_munmap(session, WINDOW, PAGE), -EIO, "MUNMAP");
	test_is(lab_mprotect(session, WINDOW, PAGE, MODE_RW), -EIO, "MPROTECT");
	test_is(lab_mremap(session, WINDOW, PAGE, PAGE, 0), -EIO, "MREMAP");
	test_is(lab_madvise(session, WINDOW, PAGE, MADV_DONTNEED), -EIO, "MADVISE");
	test_is(lab_ioctl(session, MML_IOC_SESSION_NOTE, &note), -EIO, "SESSION_NOTE");
	test_is(session_on(victim.id, 0, 0, NULL), -EIO, "a new session");
	test_is(lab_ioctl(session, MML_IOC_GET_INFO, &info), 0, "GET_INFO looks, and may");
	test_is(lab_ioctl(session, MML_IOC_VALIDATE, &validate), 0, "so does VALIDATE");
	test_is((long)validate.violations, 1, "which finds that it is broken, and nothing else");
}

static int touch_in_child(void *arg)
{
	(void)arg;
	return gets_sigbus(READ, WINDOW) && gets_sigbus(WRITE, WINDOW + 4 * PAGE) ? 0 : 1;
}

static void test_touches(void)
{
	const int zeros = (int)must(open("/dev/zero", O_RDONLY | O_CLOEXEC), "/dev/zero");

	test(soon_gets_sigbus(WINDOW) && gets_sigbus(WRITE, WINDOW + PAGE),
	     "SIGBUS where a page was mapped");
	test(gets_sigbus(READ, WINDOW + 15 * PAGE), "and where none was yet");
	test(is_explained(session, victim.id, MML_EXPLAIN_FAULT), "EXPLAIN says why");
	test(read(zeros, (void *)WINDOW, 1) < 0 && errno == EFAULT, "EFAULT for the kernel");
	test_is(in_child(touch_in_child, NULL), 0, "a child of fork gets SIGBUS, too");
	close(zeros);
}

/* What the lab kept of it can be read. */
static void test_readable(void)
{
	static const char *const files[] = { "buddyinfo", "meminfo", "vmstat", "holders" };
	struct mml_job_create job = { .machine = victim.id };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		test(*machine_file(victim.id, files[i]), "%s can be read", files[i]);
	test(!strncmp(machine_file(victim.id, "validate"), "FAILED: ", 8), "validate says FAILED");
	test(strstr(session_file(victim.id, session_number, "maps"), "rw-p"),
	     "a session's maps can be read");
	test(strstr(session_file(victim.id, session_number, "status"), "VmRSS:\t      40 kB"),
	     "and its status, with the pages that it had");
	test_is(lab_ioctl(lab_control(), MML_IOC_JOB_CREATE, &job), 0, "its jobs count on");
	close(job.fd);
}

/* The bug comes in a page fault. */
static void test_in_fault(void)
{
	struct machine machine = machine_new(MIB);
	const int own = session_new(machine.id);
	const uint64_t place = WINDOW + MML_WINDOW_SIZE;
	struct mml_machine_destroy destroy = { 0 };

	/* The next touch is to come for a frame. */
	fault_around(machine.id, 1);
	window_map(own, place, MIB);
	must(lab_mmap(own, place, 16 * PAGE, MODE_RW, FIXED), "mmap");
	fill(place, 4, 0x44);
	plant(machine.id, "1");
	test(gets_sigbus(WRITE, place + 8 * PAGE), "the fault that finds a bug gets SIGBUS");
	test(is_broken(machine.id), "and the machine is broken");
	test(is_explained(own, machine.id, MML_EXPLAIN_FAULT) &&
	     is_explained(own, machine.id, MML_EXPLAIN_ALLOC), "EXPLAIN says so of both");
	munmap((void *)place, MIB);
	close(own);
	test_is((long)free_frames(machine.id), (long)machine.frames, "its frames are free");
	test_is(lab_ioctl(machine.fd, MML_IOC_MACHINE_DESTROY, &destroy), 0,
		"its file can destroy it");
	close(machine.fd);
}

/*
 * Afterwards.
 */

static void test_end(pid_t on_it, pid_t elsewhere)
{
	struct mml_machine_create again = {
		.bytes = LARGE, .backend = MML_BACKEND_RESERVE_MEM, .name = "again",
	};
	struct mml_machine_destroy destroy = { .machine = victim.id };

	gate_open(&over, 2);
	test_is(child_end(on_it), 0, "its process ended in order");
	test_is(child_end(elsewhere), 0, "that of the other machine found all its data");
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session);
	test(free_frames_become(victim.id, victim.frames), "every frame of it is free");
	kernel_log_mark();
	close(victim.fd);
	test(is_broken(victim.id) && kernel_log_says("is broken and stays for inspection"),
	     "it stays when its file is closed");
	test_is(lab_machine_create(&again), -ENOMEM, "and so does its memory");
	test_is(lab_ioctl(lab_control(), MML_IOC_MACHINE_DESTROY, &destroy), 0,
		"it is destroyed by its number");
	test_is(lab_machine_create(&again), 0, "its memory is back in the reservation");
	close(again.fd);
	test_valid("without it");
	machine_end(&other);
}

/* A machine that is broken and stays is no obstacle. */
static void test_unload(void)
{
	struct machine machine = machine_new(MIB);
	int own = session_new(machine.id);

	plant(machine.id, "1");
	block_alloc(own, 0, NULL);
	close(own);
	close(machine.fd);
	test(is_broken(machine.id), "another broken one stays");
	close(lab_control());
	test_is(system("rmmod vma_probe slub_probe buddy_probe mm_lab"), 0, "the modules are unloaded over it");
	test(access(MML_DEVICE, F_OK) && access("/sys/kernel/debug/mm_lab", F_OK),
	     "and nothing of them is left");
}

int main(void)
{
	pid_t on_it, elsewhere;

	begin_tests();
	catch_faults();
	gate_make(&ready);
	gate_make(&broken);
	gate_make(&over);
	victim = large_machine();
	other = machine_new(8 * MIB);
	/* Each frame is counted. */
	fault_around(victim.id, 1);
	session = (int)must(session_on(victim.id, 0, 0, &session_number), "SESSION_OPEN");
	test_knob();
	on_it = child_start(on_victim, NULL);
	elsewhere = child_start(on_other, NULL);
	gate_wait(&ready);
	gate_wait(&ready);
	window_map(session, WINDOW, MML_WINDOW_SIZE);
	must(lab_mmap(session, WINDOW, 16 * PAGE, MODE_RW, FIXED), "mmap");
	test_it_breaks();
	test_touches();
	gate_open(&broken, 2);
	test_calls();
	test_readable();
	test_in_fault();
	test_end(on_it, elsewhere);
	test_unload();
	return done_testing();
}
