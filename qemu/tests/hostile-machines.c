// SPDX-License-Identifier: GPL-2.0
/*
 * Machines, jobs, sessions and blocks: who may make, hold, use and destroy them.
 *
 * Impossible requests, destroying what is held, numbers that come again, handles of
 * others, callers without the right to it, descriptors in the wrong hands.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lab.h"

#define NOBODY		65534
#define NO_MACHINE	0xfffffff0u

/*
 * What a machine cannot be.
 */

static const struct {
	const char *what;
	struct mml_machine_create create;
	int want;
} bad_machines[] = {
	{ "no memory", { .bytes = 0 }, -EINVAL },
	{ "one byte", { .bytes = 1 }, -EINVAL },
	{ "63 frames", { .bytes = 63 * PAGE }, -EINVAL },
	{ "64 frames and a byte", { .bytes = 64 * PAGE + 1 }, -EINVAL },
	{ "more than an address has bits for", { .bytes = 1ULL << 63 }, -EINVAL },
	{ "all but a page of what 64 bits count", { .bytes = -PAGE }, -EINVAL },
	{ "more than there is", { .bytes = 1ULL << 40 }, -ENOMEM },
	{ "pages as backend", { .bytes = MIB, .backend = MML_BACKEND_PAGES }, -EINVAL },
	{ "backend 99", { .bytes = MIB, .backend = 99 }, -EINVAL },
	{ "a name without an end", { .bytes = MIB, .name = "0123456789abcdef" }, -EINVAL },
	{ "to be kept without a name", { .bytes = MIB, .flags = MML_MACHINE_KEEP }, -EINVAL },
	{ "more nodes than there can be", { .bytes = 64 * MIB, .nodes = MML_MAX_NODES + 1 }, -EINVAL },
	{ "nodes that 32 bits just hold", { .bytes = 64 * MIB, .nodes = UINT32_MAX }, -EINVAL },
	{ "nodes that have no 4 MiB each", { .bytes = 28 * MIB, .nodes = 8 }, -EINVAL },
	{ "movable memory only", { .bytes = 8 * MIB, .movable = 8 * MIB }, -EINVAL },
	{ "more movable memory than memory", { .bytes = 8 * MIB, .movable = 1ULL << 63 }, -EINVAL },
	{ "half a page that is movable", { .bytes = 8 * MIB, .movable = PAGE / 2 }, -EINVAL },
	{ "a node that is far from itself",
	  { .bytes = 8 * MIB, .nodes = 2, .distance[1][1] = 11 }, -EINVAL },
	{ "nodes as near as one",
	  { .bytes = 8 * MIB, .nodes = 2, .distance[0][1] = 10 }, -EINVAL },
	{ "a distance of nodes that are not there",
	  { .bytes = 8 * MIB, .nodes = 2, .distance[7][0] = 9 }, -EINVAL },
};

static unsigned int count_machines(void)
{
	unsigned int count = 0;
	struct mml_info info;

	for (uint32_t next = 0; !lab_info(next, MML_INFO_NEXT, &info); next = info.machine + 1)
		count++;
	return count;
}

static void test_bad_machines(void)
{
	const unsigned int before = count_machines();

	kernel_log_mark();
	for (size_t i = 0; i < ARRAY_SIZE(bad_machines); i++) {
		struct mml_machine_create create = bad_machines[i].create;

		test_is(lab_machine_create(&create), bad_machines[i].want,
			"a machine of %s", bad_machines[i].what);
	}
	test_is(count_machines(), before, "no machine came of that");
	test(kernel_log_says("asked for 1073741824 KiB"), "the kernel log says what was asked for");
}

static void test_smallest(void)
{
	struct machine machine = machine_without_watermarks(64 * PAGE);
	int session = session_new(machine.id);
	unsigned int frames = 0;

	test_is((long)free_frames(machine.id), 64, "a machine of 64 frames has 64 free ones");
	test_is(block_alloc(session, 7, NULL), -ENOMEM, "no block of 128 frames");
	test_is(block_alloc(session, 6, NULL), 0, "one of 64 frames");
	test_is(block_alloc(session, 0, NULL), -ENOMEM, "and then none of one");
	close(session);
	machine_end(&machine);

	machine = machine_new(64 * PAGE);
	session = session_new(machine.id);
	test_is((long)free_frames(machine.id), 64, "with watermarks it has as many");
	test_is((long)reserved_frames(machine.id), 8, "but keeps an eighth");
	test_is(block_alloc(session, 6, NULL), -ENOMEM, "of which a block of 64 would take");
	test_is(block_alloc(session, 5, NULL), 0, "one of 32 does not");
	while (!block_alloc(session, 0, NULL))
		frames++;
	test_is(frames, 64 - 32 - 8, "besides that it has all single frames but the reserve");
	test_is((long)free_frames(machine.id), 8, "which is free");
	close(session);
	machine_end(&machine);
}

/*
 * Numbers, and what becomes of a machine.
 */

static int destroy(int fd, uint32_t number)
{
	struct mml_machine_destroy args = { .machine = number };

	return lab_ioctl(fd, MML_IOC_MACHINE_DESTROY, &args);
}

static int verdict(int fd)
{
	struct mml_machine_verdict args = { 0 };

	return lab_ioctl(fd, MML_IOC_MACHINE_VERDICT, &args);
}

static bool is_there(uint32_t machine)
{
	struct mml_info info;

	return !lab_info(machine, 0, &info);
}

static void test_numbers(void)
{
	struct machine machine = machine_new(MIB);
	const uint32_t first = machine.id;

	test_is(verdict(machine.fd), -EBUSY, "no verdict while the machine is there");
	test_is(destroy(machine.fd, first), -EINVAL, "a machine file knows its own number only");
	test_is(destroy(lab_control(), first), -EPERM,
		"the control file does not destroy what a file holds");
	test_is(destroy(machine.fd, 0), 0, "its own file does");
	test_is(verdict(machine.fd), 0, "the verdict is there then");
	test_is(destroy(machine.fd, 0), -ENXIO, "and the machine is not");
	test(!is_there(first), "GET_INFO does not find it");
	test_is(session_on(first, 0, 0, NULL), -ENXIO, "nor does SESSION_OPEN");
	close(machine.fd);

	for (unsigned int i = 0; i < 5; i++) {
		machine = machine_new(MIB);
		if (machine.id != first + 1 + i)
			diag("number %u", machine.id);
		close(machine.fd);
	}
	test_is(machine.id, first + 5, "numbers go up and are not used again");
	test(!is_there(machine.id), "a machine goes with its file");
}

static bool says_holder(const char *what, uint32_t machine)
{
	char line[128];

	snprintf(line, sizeof(line), "machine %u is held by a %s of hostile-machine[%d]", machine,
		 what, getpid());
	return kernel_log_says(line);
}

static void test_held(void)
{
	struct machine machine = machine_new(MIB);
	int session = session_new(machine.id), job;
	uint32_t number;

	kernel_log_mark();
	test_is(destroy(machine.fd, 0), -EBUSY, "a machine with a session is not destroyed");
	test(says_holder("session", machine.id), "the kernel log names the holder");
	test(is_there(machine.id), "the machine is still there");
	test_is(block_alloc(session, 0, NULL), 0, "and serves");
	close(session);

	job = job_new(machine.id, &number);
	kernel_log_mark();
	test_is(destroy(machine.fd, 0), -EBUSY, "a machine with a job is not destroyed");
	test(says_holder("job", machine.id), "the kernel log names the holder");
	close(job);
	machine_end(&machine);
}

/* The log names some, debugfs all. */
static void test_many_holders(void)
{
	struct machine machine = machine_new(MIB);
	unsigned int lines = 0;
	uint32_t number;
	int job[15];
	char line[64];

	for (size_t i = 0; i < ARRAY_SIZE(job); i++)
		job[i] = job_new(machine.id, &number);
	kernel_log_mark();
	test_is(destroy(machine.fd, 0), -EBUSY, "a machine with 15 jobs is not destroyed");
	snprintf(line, sizeof(line), "machine %u has 5 more holders", machine.id);
	test(says_holder("job", machine.id) && kernel_log_says(line),
	     "the kernel log names ten and counts the others");
	snprintf(line, sizeof(line), "job          %7d hostile-machine\n", getpid());
	for (const char *text = machine_file(machine.id, "holders"); (text = strstr(text, line));
	     text++)
		lines++;
	test_is(lines, 15, "debugfs names them all");
	for (size_t i = 0; i < ARRAY_SIZE(job); i++)
		close(job[i]);
	test_is(*machine_file(machine.id, "holders"), '\0', "and nobody when they are gone");
	machine_end(&machine);
}

static void test_orphan(void)
{
	struct machine machine = machine_new(MIB);
	int session = session_new(machine.id);

	close(machine.fd);
	test(is_there(machine.id), "a machine whose file is closed stays while it is used");
	test_is(block_alloc(session, 3, NULL), 0, "and serves");
	close(session);
	test(!is_there(machine.id), "it goes with its last session");
}

static void test_kept(void)
{
	struct mml_machine_create create = {
		.bytes = MIB, .flags = MML_MACHINE_KEEP, .name = "kept",
	};
	struct mml_machine_create again = create;

	test_is(lab_machine_create(&create), 0, "a machine to be kept");
	test_is(lab_machine_create(&again), -EEXIST, "another of that name");
	again.flags = 0;
	test_is(lab_machine_create(&again), 0, "another of that name that is not to be kept");
	close(again.fd);
	close(create.fd);
	test(is_there(create.machine), "it outlives its file");
	test_is(destroy(lab_control(), create.machine), 0, "and is destroyed by number");
	test(!is_there(create.machine), "then it is gone");
	test_is(destroy(lab_control(), create.machine), -ENXIO, "and cannot be again");
	test_is(destroy(lab_control(), NO_MACHINE), -ENXIO, "nor can what never was");

	create.fd = -1;
	test_is(lab_machine_create(&create), 0, "the name is free again");
	test_is(destroy(create.fd, 0), 0, "a kept machine's own file can destroy it");
	test_is(verdict(create.fd), 0, "and gets the verdict");
	close(create.fd);
}

static void test_jobs(void)
{
	struct machine machine = machine_new(MIB), other = machine_new(MIB);
	struct mml_job_create none = { .machine = NO_MACHINE };
	uint32_t number;
	int job = job_new(machine.id, &number), session;

	test_is(lab_ioctl(lab_control(), MML_IOC_JOB_CREATE, &none), -ENXIO,
		"a job on a machine that is not there");
	test_is(session_on(NO_MACHINE, 0, 0, NULL), -ENXIO, "a session on one");
	test_is(session_on(machine.id, number + 1, 0, NULL), -ESRCH, "in a job that is not there");
	test_is(session_on(other.id, number, 0, NULL), -ESRCH, "in a job of another machine");
	session = session_on(machine.id, number, 0, NULL);
	test(session >= 0, "in a job that is there");
	test_is((long)job_stat(job).sessions, 1, "which counts it");
	close(job);
	close(session_on(machine.id, number, 0, NULL));
	test_is(session_on(machine.id, number, 0, NULL) >= 0, 1,
		"in a job whose file is closed but that has a session");
	close(session);
	machine_end(&other);
	diag("machine %u goes with this process: a session of it was left open", machine.id);
}

/*
 * Blocks and handles.
 */

static int blocks_of_fork(void *arg)
{
	const uint32_t *handle = arg;
	const int session = (int)handle[0];

	return block_free(session, handle[1]) == -EBADF && !block_alloc(session, 1, NULL) ? 0 : 1;
}

static void test_handles(void)
{
	struct machine machine = machine_new(MIB);
	int mine = session_with_window(machine.id), other = session_new(machine.id);
	uint32_t pair[2] = { (uint32_t)mine }, handle, second;

	test_is(block_alloc(mine, 11, NULL), -EINVAL, "a block of order 11");
	test_is(block_alloc(mine, UINT32_MAX, NULL), -EINVAL, "of order 4294967295");
	test_is(block_alloc(mine, 10, NULL), -ENOMEM, "of order 10, from a machine of 256 frames");
	test_is(block_alloc(mine, 2, &handle), 0, "of order 2");
	test_is(block_free(mine, 0), -EBADF, "handle 0 is no block's");
	test_is(block_free(mine, UINT32_MAX), -EBADF, "nor is 4294967295");
	test_is(block_free(other, handle), -EBADF, "nor is that of another session");
	test_is(block_alloc(other, 0, &second), 0, "the other session has blocks of its own");
	pair[1] = handle;
	test_is(in_child(blocks_of_fork, pair), 0, "a child of fork has none of its parent's");
	test_is(block_free(mine, handle), 0, "its own session frees it");
	test_is(block_free(mine, handle), -EBADF, "once");
	test_is(block_alloc(mine, 4, NULL), 0, "what is not freed");
	close(other);
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	test_is((long)free_frames(machine.id), 256, "goes with the session");
	test_is(block_alloc(mine, 0, NULL), -ENXIO, "which is over with its window");
	close(mine);
	machine_end(&machine);
}

static void test_limit(void)
{
	struct machine machine = machine_new(MIB);
	int session = (int)must(session_on(machine.id, 0, 16 * PAGE, NULL), "SESSION_OPEN");
	uint32_t handle;

	test_is(block_alloc(session, 5, NULL), -EDQUOT, "more at once than the session may hold");
	test_is(block_alloc(session, 4, &handle), 0, "all that it may hold");
	test_is(block_alloc(session, 0, NULL), -EDQUOT, "one frame more");
	test_is((long)free_frames(machine.id), 256 - 16, "what was refused is free");
	test_is(block_free(session, handle), 0, "after freeing");
	test_is(block_alloc(session, 4, NULL), 0, "it may hold as much again");
	close(session);
	machine_end(&machine);
}

/* What the caller finds in a block must not be what somebody else left there. */
static int dirty_then_free(void *arg)
{
	const int session = session_with_window(*(uint32_t *)arg);

	must(lab_mmap(session, WINDOW, 128 * PAGE, MODE_RW,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), "mmap");
	memset((void *)WINDOW, 0xaa, 128 * PAGE);
	return 0;
}

static void test_whole_again(void)
{
	struct machine machine = machine_without_watermarks(4 * MIB);
	int session;

	test_is(in_child(dirty_then_free, &machine.id), 0, "a process uses frames here and there");
	session = session_new(machine.id);
	test_is(block_alloc(session, 10, NULL), 0, "after it, all is one block again");
	close(session);
	machine_end(&machine);
}

/*
 * Rights.
 */

static void become_nobody(void)
{
	if (geteuid() == NOBODY)
		return;
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(98);
}

static int open_as_nobody(void *arg)
{
	(void)arg;
	become_nobody();
	return open(MML_DEVICE, O_RDWR) < 0 && errno == EACCES ? 0 : 1;
}

static int rights_of_nobody(void *arg)
{
	const struct machine *machine = arg;
	struct mml_machine_create create = { .bytes = MIB };
	struct mml_info info;
	int session;

	become_nobody();
	if (lab_machine_create(&create) != -EPERM)
		return 1;
	if (destroy(lab_control(), machine->id) != -EPERM)
		return 2;
	if (destroy(lab_control(), NO_MACHINE) != -EPERM)
		return 3;
	if (lab_info(machine->id, 0, &info))
		return 4;
	session = session_on(machine->id, 0, 0, NULL);
	if (session < 0 || block_alloc(session, 0, NULL))
		return 5;
	return 0;
}

static int open_and_use_as_nobody(void *arg)
{
	become_nobody();
	return open(MML_DEVICE, O_RDWR) < 0 ? 6 : rights_of_nobody(arg);
}

static void test_rights(void)
{
	struct machine machine = machine_new(MIB);
	struct stat stat_now;

	test(!stat(MML_DEVICE, &stat_now) && (stat_now.st_mode & 07777) == 0600 && !stat_now.st_uid,
	     "the device is root's alone");
	test_is(in_child(open_as_nobody, NULL), 0, "nobody may not open it");
	test_is(in_child(rights_of_nobody, &machine), 0,
		"who has it open without CAP_SYS_ADMIN neither makes nor destroys machines");
	chmod(MML_DEVICE, 0666);
	test_is(in_child(open_and_use_as_nobody, &machine), 0,
		"nor does who may open it, but sessions are for everybody");
	chmod(MML_DEVICE, 0600);
	machine_end(&machine);
}

/*
 * Descriptors in the wrong hands.
 */

/* Every command of a session, on one that is not the caller's: how many worked? */
static unsigned int commands_that_work(int fd)
{
	struct mml_info info = { 0 };
	struct mml_session_note note = { 0 };
	struct mml_fail_nth inject = { 0 };
	unsigned int worked = 0;

	worked += lab_ioctl(fd, MML_IOC_GET_INFO, &info) != -ENXIO;
	worked += lab_ioctl(fd, MML_IOC_SESSION_NOTE, &note) != -ENXIO;
	worked += lab_ioctl(fd, MML_IOC_FAIL_NTH, &inject) != -ENXIO;
	worked += block_alloc(fd, 0, NULL) != -ENXIO;
	worked += block_free(fd, 1) != -ENXIO;
	worked += lab_mmap(fd, 0, PAGE, MODE_RW, MAP_PRIVATE | MAP_ANONYMOUS) != -ENXIO;
	worked += lab_munmap(fd, WINDOW, PAGE) != -ENXIO;
	worked += lab_mprotect(fd, WINDOW, PAGE, MODE_RW) != -ENXIO;
	worked += lab_mremap(fd, WINDOW, PAGE, PAGE, 0) != -ENXIO;
	worked += lab_madvise(fd, WINDOW, PAGE, MADV_DONTNEED) != -ENXIO;
	worked += lab_ioctl(fd, 0x1234, &info) != -ENXIO;
	worked += mmap((void *)PLACE(500), PAGE, MODE_RW, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		       (off_t)PLACE(500)) != MAP_FAILED || errno != ENXIO;
	return worked;
}

static void send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	must(sendmsg(socket, &message, 0), "sendmsg");
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	must(recvmsg(socket, &message, 0), "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static int use_received(void *arg)
{
	return (int)commands_that_work(receive_fd(*(int *)arg));
}

static int use_inherited(void *arg)
{
	return (int)commands_that_work(*(int *)arg);
}

static void test_wrong_hands(const char *self)
{
	struct machine machine = machine_new(MIB);
	int pair[2], session, windowless;
	char number[16];
	pid_t stranger;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	stranger = child_start(use_received, &pair[1]);
	windowless = session_new(machine.id);
	test_is(in_child(use_inherited, &windowless), 0,
		"a fork child that inherits no window has no session: ENXIO");
	session = session_with_window(machine.id);
	send_fd(pair[0], session);
	test_is(child_end(stranger), 0, "a process that was sent the descriptor: ENXIO");

	fcntl(session, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", session);
	stranger = fork();
	if (!stranger) {
		execl(self, self, number, NULL);
		_exit(97);
	}
	test_is(child_end(stranger), 0, "a program that kept the descriptor over exec: ENXIO");

	test_is(block_alloc(session, 0, NULL), 0, "to its owner the session is as before");
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	test_is(commands_that_work(session), 0, "without its window there is no session: ENXIO");
	close(session);
	close(windowless);
	machine_end(&machine);
}

/* Injections that can be armed at once, as uapi.rst says. */
#define INJECTIONS	64

static int arm(int session, uint64_t nth)
{
	struct mml_fail_nth inject = { .nth = nth };

	return lab_ioctl(session, MML_IOC_FAIL_NTH, &inject);
}

/* They are looked through with interrupts off, and anybody may arm them. */
static void test_injections(void)
{
	struct machine machine = machine_new(8 * MIB);
	int session[INJECTIONS + 1];
	bool good = true;

	for (int i = 0; i <= INJECTIONS; i++)
		session[i] = session_new(machine.id);
	for (int i = 0; i < INJECTIONS; i++)
		good &= !arm(session[i], 1000000);
	test(good, "64 injections are armed");
	test_is(arm(session[INJECTIONS], 1000000), -ENOSPC, "one more: ENOSPC");
	test_is(arm(session[0], 1000001), 0, "one that is armed can be armed anew");
	test_is(arm(session[0], 0), 0, "or disarmed");
	test_is(arm(session[INJECTIONS], 1000000), 0, "which makes room");
	close(session[1]);
	test_is(arm(session[0], 1000000), 0, "and so does the end of a session");
	for (int i = 0; i <= INJECTIONS; i++)
		if (i != 1)
			close(session[i]);
	machine_end(&machine);
}

int main(int argc, char **argv)
{
	/* This is what was exec'ed, with a descriptor to try. */
	if (argc > 1)
		return (int)commands_that_work(atoi(argv[1]));

	begin_tests();
	catch_faults();
	test_bad_machines();
	test_smallest();
	test_numbers();
	test_held();
	test_many_holders();
	test_orphan();
	test_kept();
	test_jobs();
	test_handles();
	test_limit();
	test_injections();
	test_whole_again();
	test_rights();
	test_wrong_hands(argv[0]);
	test_valid("after all of that");
	return done_testing();
}
