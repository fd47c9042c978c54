// SPDX-License-Identifier: GPL-2.0
/*
 * What the test programs in C share; see lab.h.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lab.h"

/* How long teardown by somebody else may take. */
#define PATIENCE_MS	3000

/*
 * TAP.
 */

static unsigned int tests, failures;

static void name_line(const char *before, const char *fmt, va_list args)
{
	printf("%s %u - ", before, tests);
	vprintf(fmt, args);
	putchar('\n');
}

static bool result(bool passed, const char *fmt, va_list args)
{
	tests++;
	if (!passed)
		failures++;
	name_line(passed ? "ok" : "not ok", fmt, args);
	return passed;
}

/**
 * test - one test
 * @passed: whether it passed
 * @fmt: its name
 *
 * Return: @passed.
 */
bool test(bool passed, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	result(passed, fmt, args);
	va_end(args);
	return passed;
}

/* What a call returned, for people. */
static void diag_value(const char *what, long value)
{
	if (value < 0 && value > -4096)
		diag("%s %ld (%s)", what, value, strerrorname_np((int)-value));
	else
		diag("%s %ld (0x%lx)", what, value, value);
}

/**
 * test_is - one test: two numbers, perhaps negative errnos, are the same
 * @got: the number
 * @want: what it must be
 * @fmt: the test's name
 *
 * Return: whether they are.
 */
bool test_is(long got, long want, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	result(got == want, fmt, args);
	va_end(args);
	if (got == want)
		return true;
	diag_value("got: ", got);
	diag_value("want:", want);
	return false;
}

/**
 * skip - a test that cannot be made here
 * @why: not
 * @fmt: its name
 */
void skip(const char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("ok %u - ", ++tests);
	vprintf(fmt, args);
	printf(" # SKIP %s\n", why);
	va_end(args);
}

/**
 * diag - a line for whoever reads the result
 * @fmt: printf format, without a newline
 */
void diag(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
}

/**
 * bail - nothing further makes sense
 * @fmt: printf format of why
 */
void bail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("Bail out! ");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
	exit(1);
}

/* Lines at once, so that no child has any of the parent's to print again. */
void begin_tests(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Return: the exit status for main(). */
int done_testing(void)
{
	printf("1..%u\n", tests);
	return failures || !tests;
}

long must(long got, const char *what)
{
	if (got < 0 && got > -4096)
		bail("%s: %s", what, strerror((int)-got));
	return got;
}

/*
 * Files of the lab.
 */

int lab_ioctl(int fd, unsigned long command, void *arg)
{
	const int ret = ioctl(fd, command, arg);

	return ret < 0 ? -errno : ret;
}

/* The control file, opened once. */
int lab_control(void)
{
	static int control = -1;

	if (control < 0)
		control = open(MML_DEVICE, O_RDWR | O_CLOEXEC);
	if (control < 0)
		bail("cannot open " MML_DEVICE ": %s", strerror(errno));
	return control;
}

int lab_machine_create(struct mml_machine_create *create)
{
	return lab_ioctl(lab_control(), MML_IOC_MACHINE_CREATE, create);
}

static struct machine machine_with(uint64_t bytes, uint32_t flags)
{
	struct mml_machine_create create = { .bytes = bytes, .flags = flags, .name = "test" };

	must(lab_machine_create(&create), "MACHINE_CREATE");
	return (struct machine){ create.fd, create.machine, bytes / PAGE };
}

struct machine machine_new(uint64_t bytes)
{
	return machine_with(bytes, 0);
}

/* One of which every frame can be had. */
struct machine machine_without_watermarks(uint64_t bytes)
{
	return machine_with(bytes, MML_MACHINE_NO_WATERMARKS);
}

static int destroy_patiently(int fd)
{
	struct mml_machine_destroy destroy = { 0 };
	const uint64_t limit = now_ms() + PATIENCE_MS;
	int ret;

	while ((ret = lab_ioctl(fd, MML_IOC_MACHINE_DESTROY, &destroy)) == -EBUSY && now_ms() < limit)
		sleep_ms(20);
	return ret;
}

/* One test: the machine goes, with every frame back and nothing amiss. */
bool machine_end(struct machine *machine)
{
	struct mml_machine_verdict verdict = { 0 };
	const int gone = destroy_patiently(machine->fd);
	const int told = lab_ioctl(machine->fd, MML_IOC_MACHINE_VERDICT, &verdict);
	bool passed = !gone && !told && verdict.frames == machine->frames;

	passed = passed && !verdict.frames_lost && !verdict.violations && verdict.checks;
	test(passed, "machine %u goes, every frame is back and every invariant holds", machine->id);
	if (!passed) {
		diag_value("destroy:", gone);
		diag_value("verdict:", told);
		diag("%" PRIu64 " frames, %" PRIu64 " lost, %" PRIu64 " violations in %" PRIu64 " checks",
		     (uint64_t)verdict.frames, (uint64_t)verdict.frames_lost,
		     (uint64_t)verdict.violations, (uint64_t)verdict.checks);
	}
	close(machine->fd);
	return passed;
}

int job_new(uint32_t machine, uint32_t *number)
{
	struct mml_job_create create = { .machine = machine };

	must(lab_ioctl(lab_control(), MML_IOC_JOB_CREATE, &create), "JOB_CREATE");
	*number = create.job;
	return create.fd;
}

struct mml_job_stat job_stat(int fd)
{
	struct mml_job_stat stat = { 0 };

	must(lab_ioctl(fd, MML_IOC_JOB_STAT, &stat), "JOB_STAT");
	return stat;
}

/* Return: a descriptor or -errno. */
int session_on(uint32_t machine, uint32_t job, uint64_t limit, uint32_t *number)
{
	struct mml_session_open session = { .machine = machine, .job = job, .limit = limit };
	const int ret = lab_ioctl(lab_control(), MML_IOC_SESSION_OPEN, &session);

	if (ret)
		return ret;
	if (number)
		*number = session.session;
	return session.fd;
}

int session_new(uint32_t machine)
{
	return (int)must(session_on(machine, 0, 0, NULL), "SESSION_OPEN");
}

void *window_map(int session, uint64_t addr, uint64_t length)
{
	void *window = mmap((void *)addr, length, MODE_RWX, MAP_SHARED | MAP_FIXED_NOREPLACE,
			    session, (off_t)addr);

	if (window == MAP_FAILED)
		bail("the window cannot be mapped: %s", strerror(errno));
	return window;
}

int session_with_window(uint32_t machine)
{
	const int session = session_new(machine);

	window_map(session, WINDOW, MML_WINDOW_SIZE);
	return session;
}

int block_alloc(int session, uint32_t order, uint32_t *handle)
{
	struct mml_block_alloc block = { .order = order };
	const int ret = lab_ioctl(session, MML_IOC_BLOCK_ALLOC, &block);

	if (!ret && handle)
		*handle = block.handle;
	return ret;
}

int block_free(int session, uint32_t handle)
{
	struct mml_block_free block = { .handle = handle };

	return lab_ioctl(session, MML_IOC_BLOCK_FREE, &block);
}

/*
 * The mm's calls.
 */

long lab_mmap(int session, uint64_t addr, uint64_t length, int prot, int flags)
{
	struct mml_mmap_args args = {
		.addr = addr, .length = length, .prot = (uint32_t)prot, .flags = (uint32_t)flags,
	};
	const int ret = lab_ioctl(session, MML_IOC_MMAP, &args);

	return ret ? ret : (long)args.addr;
}

long lab_munmap(int session, uint64_t addr, uint64_t length)
{
	struct mml_munmap_args args = { .addr = addr, .length = length };

	return lab_ioctl(session, MML_IOC_MUNMAP, &args);
}

long lab_mprotect(int session, uint64_t addr, uint64_t length, int prot)
{
	struct mml_mprotect_args args = { .addr = addr, .length = length, .prot = (uint32_t)prot };

	return lab_ioctl(session, MML_IOC_MPROTECT, &args);
}

long lab_mremap_to(int session, uint64_t addr, uint64_t length, uint64_t new_length, int flags,
		   uint64_t new_addr)
{
	struct mml_mremap_args args = {
		.addr = addr, .old_length = length, .new_length = new_length,
		.flags = (uint32_t)flags, .new_addr = new_addr,
	};
	const int ret = lab_ioctl(session, MML_IOC_MREMAP, &args);

	return ret ? ret : (long)args.addr;
}

long lab_mremap(int session, uint64_t addr, uint64_t length, uint64_t new_length, int flags)
{
	return lab_mremap_to(session, addr, length, new_length, flags, 0);
}

long lab_madvise(int session, uint64_t addr, uint64_t length, int advice)
{
	struct mml_madvise_args args = {
		.addr = addr, .length = length, .advice = (uint32_t)advice,
	};

	return lab_ioctl(session, MML_IOC_MADVISE, &args);
}

long lab_mincore(int session, uint64_t addr, uint64_t length, unsigned char *vec)
{
	struct mml_mincore_args args = {
		.addr = addr, .length = length, .vec = (uintptr_t)vec,
	};

	return lab_ioctl(session, MML_IOC_MINCORE, &args);
}

long lab_msync(int session, uint64_t addr, uint64_t length, int flags)
{
	struct mml_msync_args args = {
		.addr = addr, .length = length, .flags = (uint32_t)flags,
	};

	return lab_ioctl(session, MML_IOC_MSYNC, &args);
}

long lab_mlock(int session, uint64_t addr, uint64_t length, int flags)
{
	struct mml_mlock_args args = {
		.addr = addr, .length = length, .flags = (uint32_t)flags,
	};

	return lab_ioctl(session, MML_IOC_MLOCK, &args);
}

long lab_munlock(int session, uint64_t addr, uint64_t length)
{
	struct mml_munlock_args args = { .addr = addr, .length = length };

	return lab_ioctl(session, MML_IOC_MUNLOCK, &args);
}

/* No flags: munlockall. */
long lab_mlockall(int session, int flags)
{
	struct mml_mlockall_args args = { .flags = (uint32_t)flags };

	return lab_ioctl(session, MML_IOC_MLOCKALL, &args);
}

/* The break as it is then; 0 if there is none. */
uint64_t lab_brk(int session, uint64_t brk)
{
	struct mml_brk_args args = { .brk = brk };

	return lab_ioctl(session, MML_IOC_BRK, &args) ? 0 : args.brk;
}

/*
 * Looking at the lab.
 */

int lab_info(uint32_t machine, uint32_t flags, struct mml_info *info)
{
	*info = (struct mml_info){ .machine = machine, .flags = flags };
	return lab_ioctl(lab_control(), MML_IOC_GET_INFO, info);
}

uint64_t free_frames(uint32_t machine)
{
	struct mml_info info;

	must(lab_info(machine, 0, &info), "GET_INFO");
	return info.free_frames;
}

/* Whether so many are free soon: the last step of a process's end may be another's. */
bool free_frames_become(uint32_t machine, uint64_t want)
{
	const uint64_t limit = now_ms() + PATIENCE_MS;
	uint64_t free;

	while ((free = free_frames(machine)) != want && now_ms() < limit)
		sleep_ms(10);
	if (free != want)
		diag("%" PRIu64 " frames are free, not %" PRIu64, free, want);
	return free == want;
}

/* The text of a file, NUL-terminated, up to the next call; NULL: it is not there. */
const char *read_text(const char *path)
{
	static char text[64 * KIB];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = 0, got;

	if (fd < 0)
		return NULL;
	while ((got = read(fd, text + length, sizeof(text) - 1 - (size_t)length)) > 0)
		length += got;
	close(fd);
	text[length] = '\0';
	return text;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

uint64_t vm_event(uint32_t machine, const char *name)
{
	const size_t length = strlen(name);
	const char *line;
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/vmstat", machine);
	for (line = read_text(path); line && *line; line = next_line(line)) {
		if (!strncmp(line, name, length) && line[length] == ' ')
			return strtoull(line + length, NULL, 10);
	}
	bail("%s has no %s", path, name);
}

/* From now on a fault on @machine maps as many pages; 1: where each frame is counted. */
void fault_around(uint32_t machine, unsigned int pages)
{
	char path[128], text[32];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/fault_around_bytes", machine);
	snprintf(text, sizeof(text), "%lu", pages * PAGE);
	fd = (int)must(open(path, O_WRONLY | O_CLOEXEC), path);
	must(write(fd, text, strlen(text)), path);
	close(fd);
}

/* A file of a machine in debugfs. */
const char *machine_file(uint32_t machine, const char *name)
{
	const char *text;
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/%s", machine, name);
	text = read_text(path);
	if (!text)
		bail("%s cannot be read", path);
	return text;
}

/* The highest zone of an ordinary request is Normal, the third. */
#define PROTECTION	"protection: (%*u, %*u, %" SCNu64

/*
 * Frames that stay free, whatever ordinary processes want: of each zone its min watermark,
 * and what it keeps of requests that could have had a higher zone.
 */
uint64_t reserved_frames(uint32_t machine)
{
	uint64_t reserved = 0, min = 0, protection, managed = 0;

	for (const char *line = machine_file(machine, "zoneinfo"); *line; line = next_line(line)) {
		sscanf(line, " min %" SCNu64, &min);
		sscanf(line, " managed %" SCNu64, &managed);
		if (sscanf(line, " " PROTECTION, &protection) == 1)
			reserved += MIN(min + protection, managed);
	}
	return reserved;
}

/* A file of a session in debugfs, which appears a little after the session. */
const char *session_file(uint32_t machine, uint32_t session, const char *name)
{
	const uint64_t limit = now_ms() + PATIENCE_MS;
	const char *text;
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/mm/%u/%s", machine, session, name);
	while (!(text = read_text(path)) && now_ms() < limit)
		sleep_ms(5);
	if (!text)
		bail("%s does not appear", path);
	return text;
}

static bool session_is_own(uint32_t machine, const char *number)
{
	char path[320];
	const char *text;
	long pid;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/mm/%s/status", machine, number);
	text = read_text(path);
	return text && sscanf(text, "Pid: %ld", &pid) == 1 && pid == getpid();
}

static uint32_t find_own_session(uint32_t machine)
{
	char path[128];
	struct dirent *entry;
	uint32_t found = 0;
	DIR *sessions;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mm_lab/%u/mm", machine);
	sessions = opendir(path);
	while (sessions && !found && (entry = readdir(sessions))) {
		if (isdigit(*entry->d_name) && session_is_own(machine, entry->d_name))
			found = (uint32_t)strtoul(entry->d_name, NULL, 10);
	}
	if (sessions)
		closedir(sessions);
	return found;
}

/*
 * The number of the session that this process got by fork; ends the program if there is none. Its
 * process is known from its first fault on, so it makes one, where nobody maps anything:
 * catch_faults() was called.
 */
uint32_t session_of_self(uint32_t machine)
{
	const uint64_t limit = now_ms() + PATIENCE_MS;
	uint32_t number;

	probe(READ, WINDOW_END - PAGE);
	while (!(number = find_own_session(machine)) && now_ms() < limit)
		sleep_ms(1);
	if (!number)
		bail("no session of this process appears");
	return number;
}

/* One test: every invariant of the lab holds. */
bool test_valid(const char *when)
{
	struct mml_validate validate = { .machine = MML_VALIDATE_ALL };
	const int ret = lab_ioctl(lab_control(), MML_IOC_VALIDATE, &validate);
	const bool passed = !ret && !validate.violations && validate.checks;

	test(passed, "%s: every invariant holds", when);
	if (!passed)
		diag("%d: %" PRIu64 " violations in %" PRIu64 " checks", ret,
		     (uint64_t)validate.violations, (uint64_t)validate.checks);
	return passed;
}

static int kernel_log = -1;
static char kernel_log_text[64 * KIB];
static size_t kernel_log_length;

/* kernel_log_says() is about what comes from here on. */
void kernel_log_mark(void)
{
	if (kernel_log < 0)
		kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log < 0)
		bail("cannot open /dev/kmsg: %s", strerror(errno));
	lseek(kernel_log, 0, SEEK_END);
	kernel_log_length = 0;
	kernel_log_text[0] = '\0';
}

static void kernel_log_read(void)
{
	const size_t room = sizeof(kernel_log_text) - 1;
	ssize_t got;

	do {
		got = read(kernel_log, kernel_log_text + kernel_log_length,
			   room - kernel_log_length);
		if (got > 0)
			kernel_log_length += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EPIPE));
	kernel_log_text[kernel_log_length] = '\0';
}

bool kernel_log_says(const char *text)
{
	kernel_log_read();
	if (strstr(kernel_log_text, text))
		return true;
	diag("the kernel log does not say: %s", text);
	return false;
}

/*
 * Accesses that may end in a signal.
 */

static __thread sigjmp_buf back;
static __thread sig_atomic_t probing;
static __thread struct caught caught;

/* Where nobody probes, the access is made again and kills. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!probing) {
		signal(sig, SIG_DFL);
		return;
	}
	caught.sig = sig;
	caught.code = info->si_code;
	caught.addr = (uint64_t)(uintptr_t)info->si_addr;
	siglongjmp(back, 1);
}

/* From here on, probe() survives SIGSEGV and SIGBUS. */
void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* One access to one byte, by one instruction. Return: what was read or executed. */
int touch(enum access access, uint64_t addr)
{
	unsigned char byte = 0x5a;

	switch (access) {
	case READ:
		__asm__ volatile("movb (%1), %0" : "=r"(byte) : "r"(addr) : "memory");
		return byte;
	case WRITE:
		__asm__ volatile("movb %0, (%1)" : : "r"(byte), "r"(addr) : "memory");
		return byte;
	default:
		return ((int (*)(void))addr)();
	}
}

/* Access one byte, and tell what came of it. */
struct caught probe(enum access access, uint64_t addr)
{
	caught.sig = 0;
	probing = 1;
	if (!sigsetjmp(back, 1))
		caught.value = touch(access, addr);
	probing = 0;
	return caught;
}

/* One test: the access gets SIGSEGV with @code and its very address; 0: it works. */
bool test_probe(enum access access, uint64_t addr, int code, const char *fmt, ...)
{
	const struct caught got = probe(access, addr);
	bool passed = !got.sig;
	va_list args;

	if (code)
		passed = got.sig == SIGSEGV && got.code == code && got.addr == addr;
	va_start(args, fmt);
	result(passed, fmt, args);
	va_end(args);
	if (!passed)
		diag("access at 0x%" PRIx64 ": signal %d, code %d, address 0x%" PRIx64 "; wanted code %d",
		     addr, got.sig, got.code, got.addr, code);
	return passed;
}

bool all_bytes(const void *memory, size_t length, unsigned char value)
{
	const unsigned char *bytes = memory;

	return !length || (bytes[0] == value && !memcmp(bytes, bytes + 1, length - 1));
}

/*
 * Children.
 */

pid_t child_start(int (*fn)(void *arg), void *arg)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(99);
	_exit(fn(arg));
}

int child_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			bail("waitpid: %s", strerror(errno));
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int in_child(int (*fn)(void *arg), void *arg)
{
	return child_end(child_start(fn, arg));
}

void gate_make(struct gate *gate)
{
	if (pipe(gate->fd))
		bail("pipe: %s", strerror(errno));
}

void gate_wait(struct gate *gate)
{
	char byte;

	while (read(gate->fd[0], &byte, 1) < 0 && errno == EINTR)
		;
}

void gate_open(struct gate *gate, unsigned int waiters)
{
	while (waiters--) {
		if (write(gate->fd[1], "", 1) != 1)
			bail("gate: %s", strerror(errno));
	}
}

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void sleep_ms(unsigned int ms)
{
	const struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

/* Marsaglia's xorshift: the same sequence for the same seed, which is not 0. */
uint32_t random_below(uint32_t *state, uint32_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % limit;
}

/* Open ones of this process, and a few for looking. */
unsigned int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}
