// SPDX-License-Identifier: GPL-2.0
/*
 * The program's memory calls, answered by the lab.
 *
 * Each becomes an ioctl on the session. What the lab answers is what the program
 * gets, its errors included: a lab that is out of memory means ENOMEM, and never
 * memory of the kernel's on the quiet. There is one exception, for an anonymous
 * mapping of a kind that the lab does not have: it goes to the kernel and is
 * counted as a fallback. These are
 *
 *   - a fixed place outside the window;
 *   - flags that the lab answers with EOPNOTSUPP (MAP_32BIT).
 *
 * Inside the window nothing can go to the kernel, so MAP_FIXED there with a file
 * or shared is EINVAL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>

#include "preload.h"
#include "preload-sys.h"

#define PROT_ALL		(PROT_READ | PROT_WRITE | PROT_EXEC)

/*
 * Flags that the kernel ignores for a private anonymous mapping. The lab is
 * strict; programs are not.
 */
#define MAP_IGNORED		(MAP_DENYWRITE | MAP_EXECUTABLE | MAP_NONBLOCK | MAP_SYNC)

#define PROT_SEM		0x8	/* asm-generic/mman-common.h; means nothing */

static long lab(unsigned int command, void *arg)
{
	long ret;

	do {
		ret = mml_sys(SYS_ioctl, mml_library.session, command, arg);
	} while (ret == -EINTR);
	return ret;
}

static bool is_private_anonymous(unsigned long flags)
{
	return (flags & MAP_TYPE) == MAP_PRIVATE && (flags & MAP_ANONYMOUS);
}

static long fall_back(const struct mml_call *call)
{
	const long ret = mml_trap_pass(call);

	if (!mml_sys_failed(ret))
		mml_note(1, 0);
	return ret;
}

/**
 * mml_memory_mmap - mmap(2), of anonymous private memory or into the window
 * @call: the call
 *
 * Return: the address, or -errno.
 */
long mml_memory_mmap(const struct mml_call *call)
{
	const unsigned long addr = call->arg[0], flags = call->arg[3];
	const bool in_window = mml_in_window(addr);
	const bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	struct mml_mmap_args args = {
		.addr = in_window ? addr : 0,
		.length = call->arg[1],
		.prot = call->arg[2] & PROT_ALL,
		.flags = flags & ~MAP_IGNORED,
	};
	long ret;

	if (!is_private_anonymous(flags))
		return fixed && in_window ? -EINVAL : mml_trap_pass(call);
	if (fixed && !in_window)
		return fall_back(call);

	ret = lab(MML_IOC_MMAP, &args);
	if (ret == -EOPNOTSUPP)
		return fixed ? -EINVAL : fall_back(call);
	return ret ? ret : (long)args.addr;
}

/**
 * mml_memory_munmap - munmap(2) in the window
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_memory_munmap(const struct mml_call *call)
{
	struct mml_munmap_args args = { .addr = call->arg[0], .length = call->arg[1] };

	return lab(MML_IOC_MUNMAP, &args);
}

/**
 * mml_memory_mprotect - mprotect(2) in the window
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_memory_mprotect(const struct mml_call *call)
{
	struct mml_mprotect_args args = {
		.addr = call->arg[0],
		.length = call->arg[1],
		.prot = call->arg[2] & ~PROT_SEM,
	};

	return lab(MML_IOC_MPROTECT, &args);
}

/**
 * mml_memory_mremap - mremap(2) from the window
 * @call: the call
 *
 * Return: the new address, or -errno.
 */
long mml_memory_mremap(const struct mml_call *call)
{
	struct mml_mremap_args args = {
		.addr = call->arg[0],
		.old_length = call->arg[1],
		.new_length = call->arg[2],
		.flags = call->arg[3],
		.new_addr = call->arg[4],
	};
	const long ret = lab(MML_IOC_MREMAP, &args);

	return ret ? ret : (long)args.addr;
}

/**
 * mml_memory_madvise - madvise(2) in the window
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_memory_madvise(const struct mml_call *call)
{
	struct mml_madvise_args args = {
		.addr = call->arg[0],
		.length = call->arg[1],
		.advice = call->arg[2],
	};

	return lab(MML_IOC_MADVISE, &args);
}

/**
 * mml_memory_mincore - mincore(2) in the window
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_memory_mincore(const struct mml_call *call)
{
	struct mml_mincore_args args = {
		.addr = call->arg[0],
		.length = call->arg[1],
		.vec = call->arg[2],
	};

	return lab(MML_IOC_MINCORE, &args);
}

/**
 * mml_memory_msync - msync(2) in the window
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_memory_msync(const struct mml_call *call)
{
	struct mml_msync_args args = {
		.addr = call->arg[0],
		.length = call->arg[1],
		.flags = call->arg[2],
	};

	return lab(MML_IOC_MSYNC, &args);
}

/**
 * mml_memory_mlock - mlock(2) and mlock2(2) in the window
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_memory_mlock(const struct mml_call *call)
{
	struct mml_mlock_args args = {
		.addr = call->arg[0],
		.length = call->arg[1],
		.flags = call->nr == SYS_mlock2 ? (uint32_t)call->arg[2] : 0,
	};

	return lab(MML_IOC_MLOCK, &args);
}

/**
 * mml_memory_munlock - munlock(2) in the window
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_memory_munlock(const struct mml_call *call)
{
	struct mml_munlock_args args = { .addr = call->arg[0], .length = call->arg[1] };

	return lab(MML_IOC_MUNLOCK, &args);
}

/**
 * mml_memory_mlockall - mlockall(2) and munlockall(2): of the kernel's memory and of the lab's
 * @call: the call
 *
 * Return: 0 or -errno.
 */
long mml_memory_mlockall(const struct mml_call *call)
{
	struct mml_mlockall_args args = {
		.flags = call->nr == SYS_mlockall ? (uint32_t)call->arg[0] : 0,
	};
	const long ret = mml_trap_pass(call);

	return ret ? ret : lab(MML_IOC_MLOCKALL, &args);
}

/**
 * mml_memory_brk - brk(2): the break is the lab's
 * @call: the call
 *
 * But for a libc that has moved the kernel's before, for who allocates in a constructor: what it
 * asks for is not in the window. To be answered the old break means "no memory there" to its
 * malloc, which takes to mmap instead.
 *
 * Return: the break as it is then.
 */
long mml_memory_brk(const struct mml_call *call)
{
	struct mml_brk_args args = { .brk = call->arg[0] };

	if ((args.brk && !mml_in_window(args.brk)) || lab(MML_IOC_BRK, &args))
		return mml_sys(call->nr, 0);
	return (long)args.brk;
}

/* The number that *@text begins with; *@text then points behind it. */
static uint64_t next_number(const char **text)
{
	uint64_t n = 0;

	while (**text == ' ')
		(*text)++;
	while (**text >= '0' && **text <= '9')
		n = n * 10 + (uint64_t)(*(*text)++ - '0');
	return n;
}

/**
 * mml_memory_rss_anon_kib - what the process has of the kernel's anonymous memory
 *
 * From /proc/self/statm: resident pages less those of files and shared memory.
 *
 * Return: its RssAnon in KiB; 0 if /proc cannot be read.
 */
uint64_t mml_memory_rss_anon_kib(void)
{
	uint64_t resident, shared;
	char text[128];
	const char *at = text;
	const long fd = mml_sys(SYS_openat, AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC);
	long len;

	if (mml_sys_failed(fd))
		return 0;
	len = mml_sys(SYS_read, fd, text, sizeof(text) - 1);
	mml_sys(SYS_close, fd);
	text[mml_sys_failed(len) ? 0 : len] = '\0';

	next_number(&at);
	resident = next_number(&at);
	shared = next_number(&at);
	return resident > shared ? (resident - shared) * 4 : 0;
}
