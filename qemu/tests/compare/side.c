// SPDX-License-Identifier: GPL-2.0
/*
 * The two sides: the system calls, and the lab's. Without libc in between on either.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "compare.h"

/* Where a machine tells of its sessions. */
#define LAB_MM		"/sys/kernel/debug/mm_lab/%u/mm/"

struct machine compare_machine;

static long or_errno(long ret)
{
	return ret == -1 ? -errno : ret;
}

/* Huge pages would be seen in what is counted. */
static void kernel_begin(void)
{
	must(or_errno(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)), "PR_SET_THP_DISABLE");
}

static void kernel_forked(void)
{
}

static long kernel_mmap(uint64_t addr, uint64_t length, int prot, int flags)
{
	return or_errno(syscall(SYS_mmap, addr, length, prot, flags, -1, 0));
}

static long kernel_munmap(uint64_t addr, uint64_t length)
{
	return or_errno(syscall(SYS_munmap, addr, length));
}

static long kernel_mprotect(uint64_t addr, uint64_t length, int prot)
{
	return or_errno(syscall(SYS_mprotect, addr, length, prot));
}

static long kernel_mremap(uint64_t addr, uint64_t length, uint64_t new_length, int flags,
			  uint64_t to)
{
	return or_errno(syscall(SYS_mremap, addr, length, new_length, flags, to));
}

static long kernel_madvise(uint64_t addr, uint64_t length, int advice)
{
	return or_errno(syscall(SYS_madvise, addr, length, advice));
}

static long kernel_mincore(uint64_t addr, uint64_t length, unsigned char *vec)
{
	return or_errno(syscall(SYS_mincore, addr, length, vec));
}

static long kernel_msync(uint64_t addr, uint64_t length, int flags)
{
	return or_errno(syscall(SYS_msync, addr, length, flags));
}

static long kernel_mlock(uint64_t addr, uint64_t length, int flags)
{
	return or_errno(syscall(SYS_mlock2, addr, length, flags));
}

static long kernel_munlock(uint64_t addr, uint64_t length)
{
	return or_errno(syscall(SYS_munlock, addr, length));
}

static long kernel_mlockall(int flags)
{
	return or_errno(syscall(SYS_mlockall, flags));
}

static long kernel_munlockall(void)
{
	return or_errno(syscall(SYS_munlockall));
}

/*
 * The heap moves into the arena when it is first asked for: down, its beginning first. What malloc
 * has stays where it is.
 */
static uint64_t kernel_brk(uint64_t brk)
{
	const uint64_t now = (uint64_t)syscall(SYS_brk, 0);

	if (now < ARENA || now >= ARENA + ARENA_SIZE) {
		must(or_errno(prctl(PR_SET_MM, PR_SET_MM_START_BRK, ARENA, 0, 0)),
		     "PR_SET_MM_START_BRK");
		must(or_errno(prctl(PR_SET_MM, PR_SET_MM_BRK, ARENA, 0, 0)), "PR_SET_MM_BRK");
	}
	return (uint64_t)syscall(SYS_brk, brk);
}

static FILE *open_file(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		bail("cannot read %s: %s", path, strerror(errno));
	return file;
}

static FILE *kernel_maps(void)
{
	return open_file("/proc/self/maps");
}

static FILE *kernel_status(void)
{
	return open_file("/proc/self/status");
}

const struct side kernel_side = {
	.name = "kernel",
	.begin = kernel_begin,
	.forked = kernel_forked,
	.mmap = kernel_mmap,
	.munmap = kernel_munmap,
	.mprotect = kernel_mprotect,
	.mremap = kernel_mremap,
	.madvise = kernel_madvise,
	.mincore = kernel_mincore,
	.msync = kernel_msync,
	.mlock = kernel_mlock,
	.munlock = kernel_munlock,
	.mlockall = kernel_mlockall,
	.munlockall = kernel_munlockall,
	.brk = kernel_brk,
	.maps = kernel_maps,
	.status = kernel_status,
};

static int session;
/* 0: it is not known yet. */
static uint32_t session_number;

static void lab_begin(void)
{
	session = session_new(compare_machine.id);
	window_map(session, WINDOW, MML_WINDOW_SIZE);
}

/* What the child has is a session of its own. */
static void lab_forked(void)
{
	session_number = 0;
}

static long on_lab_mmap(uint64_t addr, uint64_t length, int prot, int flags)
{
	return lab_mmap(session, addr, length, prot, flags);
}

static long on_lab_munmap(uint64_t addr, uint64_t length)
{
	return lab_munmap(session, addr, length);
}

static long on_lab_mprotect(uint64_t addr, uint64_t length, int prot)
{
	return lab_mprotect(session, addr, length, prot);
}

static long on_lab_mremap(uint64_t addr, uint64_t length, uint64_t new_length, int flags,
			  uint64_t to)
{
	return lab_mremap_to(session, addr, length, new_length, flags, to);
}

static long on_lab_madvise(uint64_t addr, uint64_t length, int advice)
{
	return lab_madvise(session, addr, length, advice);
}

static long on_lab_mincore(uint64_t addr, uint64_t length, unsigned char *vec)
{
	return lab_mincore(session, addr, length, vec);
}

static long on_lab_msync(uint64_t addr, uint64_t length, int flags)
{
	return lab_msync(session, addr, length, flags);
}

static long on_lab_mlock(uint64_t addr, uint64_t length, int flags)
{
	return lab_mlock(session, addr, length, flags);
}

static long on_lab_munlock(uint64_t addr, uint64_t length)
{
	return lab_munlock(session, addr, length);
}

static long on_lab_mlockall(int flags)
{
	return flags ? lab_mlockall(session, flags) : -EINVAL;
}

static long on_lab_munlockall(void)
{
	return lab_mlockall(session, 0);
}

static uint64_t on_lab_brk(uint64_t brk)
{
	return lab_brk(session, brk);
}

static FILE *lab_file(const char *name)
{
	char path[128];

	if (!session_number)
		session_number = session_of_self(compare_machine.id);
	snprintf(path, sizeof(path), LAB_MM "%u/%s", compare_machine.id, session_number, name);
	return open_file(path);
}

static FILE *lab_maps(void)
{
	return lab_file("maps");
}

static FILE *lab_status(void)
{
	return lab_file("status");
}

const struct side lab_side = {
	.name = "lab",
	.begin = lab_begin,
	.forked = lab_forked,
	.mmap = on_lab_mmap,
	.munmap = on_lab_munmap,
	.mprotect = on_lab_mprotect,
	.mremap = on_lab_mremap,
	.madvise = on_lab_madvise,
	.mincore = on_lab_mincore,
	.msync = on_lab_msync,
	.mlock = on_lab_mlock,
	.munlock = on_lab_munlock,
	.mlockall = on_lab_mlockall,
	.munlockall = on_lab_munlockall,
	.brk = on_lab_brk,
	.maps = lab_maps,
	.status = lab_status,
};
