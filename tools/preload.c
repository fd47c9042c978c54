// SPDX-License-Identifier: GPL-2.0
/*
 * libmmlab.so: puts an unmodified program's heap on the lab.
 *
 * Loaded by LD_PRELOAD (mmlab run does it), it opens a session on a machine, maps
 * the window, and has the kernel trap the program's own memory calls
 * (preload-filter.c), which it then answers from the lab (preload-memory.c). To
 * interpose mmap() would not do: libc's malloc does not call it by that name.
 *
 * The environment says where to: MMLAB_MACHINE, the number of the machine
 * (default 0), and MMLAB_JOB, that of the job to join (default none). Both and
 * LD_PRELOAD itself pass on to programs that are exec'ed, which so come to the
 * same machine and job.
 *
 *   - It is linked with -z initfirst: ld.so runs its constructor before any other,
 *     libc's own included, when nothing has been allocated yet. (One object a
 *     process can have that; current libraries do not.)
 *   - fork: the child has the window, the descriptor, the filter and the handler,
 *     and the lab has cloned the session. vfork and posix_spawn: the child shares
 *     all of it until its exec.
 *   - exec: the descriptor closes; the new program's constructor opens a session
 *     of its own. Older filters stay and do no harm.
 *   - Where there is no lab to be had, the program runs as without the library.
 *
 * Out of reach: static programs, setuid programs (ld.so ignores LD_PRELOAD),
 * programs that make system calls without libc, children without the environment,
 * and a second libc from dlmopen(). A traced process stops for its tracer at every
 * trapped call.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <gnu/libc-version.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "preload.h"
#include "preload-sys.h"

/*
 * Where descriptors of the library are moved to: few programs get there, and with
 * the usual limit of 1024 there is room for some nested ones.
 */
#define HIGH_DESCRIPTOR		1000

struct mml_library mml_library = { .session = -1 };

/**
 * mml_note - tell the job of this session what only the library knows
 * @fallbacks: to be added
 * @rss_anon_kib: kept if larger than any before
 */
void mml_note(uint64_t fallbacks, uint64_t rss_anon_kib)
{
	struct mml_session_note note = { .fallbacks = fallbacks, .rss_anon_kib = rss_anon_kib };

	mml_sys(SYS_ioctl, mml_library.session, MML_IOC_SESSION_NOTE, &note);
}

static void say(const char *text)
{
	mml_sys(SYS_write, 2, text, strlen(text));
}

static void say_number(unsigned long n)
{
	char digits[24];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	say(at);
}

/* Only if the lab was asked for: the library alone may be in ld.so.preload. */
static void complain(const char *what, long error)
{
	say("libmmlab: this program does not run on the lab: ");
	say(what);
	say(" (errno ");
	say_number((unsigned long)-error);
	say(")\n");
}

/* The value of variable @name, or NULL. libc's environ is not set up yet. */
static const char *from_environment(char **envp, const char *name)
{
	const size_t length = strlen(name);

	for (; *envp; envp++) {
		if (!strncmp(*envp, name, length) && (*envp)[length] == '=')
			return *envp + length + 1;
	}
	return NULL;
}

static uint32_t number_of(const char *text)
{
	uint32_t n = 0;

	while (text && *text >= '0' && *text <= '9')
		n = n * 10 + (uint32_t)(*text++ - '0');
	return n;
}

/* To a place above what programs use, if the limit permits. */
static int move_high(int fd)
{
	struct rlimit limit;
	long high = HIGH_DESCRIPTOR;

	if (!mml_sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) &&
	    limit.rlim_cur <= HIGH_DESCRIPTOR)
		high = (long)limit.rlim_cur / 2;
	high = mml_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, high);
	if (mml_sys_failed(high))
		return fd;
	mml_sys(SYS_close, fd);
	return (int)high;
}

/* Returns a descriptor or -errno. */
static long open_session(uint32_t machine, uint32_t job)
{
	struct mml_session_open session = { .machine = machine, .job = job };
	const long control = mml_sys(SYS_openat, AT_FDCWD, MML_DEVICE, O_RDWR | O_CLOEXEC);
	long ret;

	if (mml_sys_failed(control))
		return control;
	ret = mml_sys(SYS_ioctl, control, MML_IOC_SESSION_OPEN, &session);
	mml_sys(SYS_close, control);
	return ret ? ret : move_high(session.fd);
}

static long map_window(int session)
{
	const long ret = mml_sys(SYS_mmap, MML_WINDOW_ADDR, MML_WINDOW_SIZE,
				 PROT_READ | PROT_WRITE | PROT_EXEC,
				 MAP_SHARED | MAP_FIXED_NOREPLACE, session, MML_WINDOW_ADDR);

	return mml_sys_failed(ret) ? ret : 0;
}

/* For dl_iterate_phdr(): is this the object with libc in it? */
static int find_libc(struct dl_phdr_info *object, size_t size, void *data)
{
	const uintptr_t inside = (uintptr_t)gnu_get_libc_version;
	struct mml_library *library = data;

	(void)size;
	for (unsigned int i = 0; i < object->dlpi_phnum; i++) {
		const Elf64_Phdr *segment = &object->dlpi_phdr[i];
		const uintptr_t start = object->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) ||
		    inside < start || inside - start >= segment->p_memsz)
			continue;
		library->libc_start = start;
		library->libc_end = start + segment->p_memsz;
		return 1;
	}
	return 0;
}

/* Returns what could not be done, NULL if nothing; *@error then has the reason. */
static const char *board(uint32_t machine, uint32_t job, long *error)
{
	if (!dl_iterate_phdr(find_libc, &mml_library)) {
		*error = -ENOENT;
		return "cannot tell where libc is";
	}
	*error = open_session(machine, job);
	if (mml_sys_failed(*error))
		return "cannot open a session on " MML_DEVICE;
	mml_library.session = (int)*error;
	*error = map_window(mml_library.session);
	if (*error)
		return "cannot map the window";
	*error = mml_trap_install();
	if (*error)
		return "cannot handle SIGSYS";
	*error = mml_filter_install(&mml_library);
	if (*error)
		return "cannot install a seccomp filter";
	return NULL;
}

/*
 * The window stays if it is mapped already: the filter of a program before this
 * one may trap its munmap. Nobody uses it.
 */
static void leave(void)
{
	if (mml_library.session < 0)
		return;
	mml_sys(SYS_close, mml_library.session);
	mml_library.session = -1;
}

__attribute__((constructor)) static void preload(int argc, char **argv, char **envp)
{
	const char *machine = from_environment(envp, "MMLAB_MACHINE");
	const char *failed;
	long error;

	(void)argc;
	(void)argv;
	failed = board(number_of(machine), number_of(from_environment(envp, "MMLAB_JOB")), &error);
	if (!failed)
		return;
	leave();
	if (machine)
		complain(failed, error);
}
