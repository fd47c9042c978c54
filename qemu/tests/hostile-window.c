// SPDX-License-Identifier: GPL-2.0
/*
 * The window, and the addresses in it, against callers who mean no good.
 *
 * Mappings of the session file that are no window; the kernel's own calls on the
 * window, each of which has to leave it as it is; the lab's calls with addresses and
 * lengths that wrap, straddle or lie outside. What is mapped must keep its content.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "lab.h"

/* Newer than the headers of some systems. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#ifndef SYS_mseal
#define SYS_mseal	462
#endif

#define ANON		(MAP_PRIVATE | MAP_ANONYMOUS)
#define DATA		PLACE(16)	/* what must not change */
#define DATA_PAGES	4UL
#define DATA_SIZE	(DATA_PAGES * PAGE)

static struct machine machine;
static int session;

static void fill_data(void)
{
	must(lab_mmap(session, DATA, DATA_SIZE, MODE_RW, ANON | MAP_FIXED), "mmap");
	memset((void *)DATA, 0xd7, DATA_SIZE);
}

static bool data_is_whole(void)
{
	return all_bytes((void *)DATA, DATA_SIZE, 0xd7);
}

/*
 * Mappings of the session file.
 */

static int map_file(int fd, uint64_t addr, uint64_t length, int flags, uint64_t offset)
{
	const uint64_t got = (uint64_t)mmap((void *)addr, length, MODE_RWX, flags, fd,
					    (off_t)offset);

	return got == (uint64_t)MAP_FAILED ? -errno : 0;
}

static void test_mappings(void)
{
	const int fixed = MAP_SHARED | MAP_FIXED_NOREPLACE;
	const int private = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	const int fd = session_new(machine.id);

	test_is(map_file(fd, WINDOW, MML_WINDOW_SIZE, private, WINDOW), -EINVAL,
		"a private mapping of the file is no window");
	test_is(map_file(fd, WINDOW, PAGE, private, WINDOW), -EINVAL, "nor is one of a page");
	test_is(map_file(fd, WINDOW, MIB, fixed, 0), -EINVAL, "nor one at offset 0");
	test_is(map_file(fd, WINDOW, MIB, fixed, WINDOW + PAGE), -EINVAL,
		"nor one a page off");
	test_is(map_file(fd, 0, MIB, MAP_SHARED, WINDOW), -EINVAL, "nor one at any place");
	test_is(map_file(fd, WINDOW, MIB, fixed, (uint64_t)-PAGE), -EOVERFLOW,
		"nor one whose offset wraps");
	test_is(map_file(fd, WINDOW, MML_WINDOW_SIZE, fixed, WINDOW), 0,
		"after all that, the window can be mapped");
	test_is(map_file(fd, WINDOW_END, MIB, fixed, WINDOW_END), -EBUSY, "a second one cannot");
	test_is(lab_mmap(fd, 0, PAGE, MODE_RW, ANON) > 0, 1, "the window serves");
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	test_is(map_file(fd, WINDOW, MIB, fixed, WINDOW), -ENXIO,
		"once unmapped, it cannot be mapped again");
	close(fd);
}

/* The rules come from where the window is, not from where it usually is. */
static void test_small_window(void)
{
	const int fd = session_new(machine.id);
	const uint64_t place = 0x300000000000, length = 2 * PAGE;

	window_map(fd, place, length);
	test_is(lab_mmap(fd, 0, 3 * PAGE, MODE_RW, ANON), -ENOMEM,
		"more than fits into a window of two pages");
	test_is(lab_mmap(fd, 0, length, MODE_RW, ANON), (long)place, "all of it");
	*(char *)(place + length - 1) = 1;
	test_probe(READ, place + length, SEGV_MAPERR, "behind it there is nothing");
	test_is(lab_mmap(fd, WINDOW, PAGE, MODE_RW, ANON | MAP_FIXED), -ENOMEM,
		"nor is there where windows usually are");
	munmap((void *)place, length);
	close(fd);
}

/* Before there is a window. */
static void test_no_window(void)
{
	const int fd = session_new(machine.id);

	test_is(lab_mmap(fd, 0, PAGE, MODE_RW, ANON), -ENXIO, "MMAP before there is a window");
	test_is(lab_munmap(fd, WINDOW, PAGE), -ENXIO, "MUNMAP");
	test_is(lab_mprotect(fd, WINDOW, PAGE, 0), -ENXIO, "MPROTECT");
	test_is(lab_mremap(fd, WINDOW, PAGE, PAGE, 0), -ENXIO, "MREMAP");
	test_is(lab_madvise(fd, WINDOW, PAGE, MADV_DONTNEED), -ENXIO, "MADVISE");
	close(fd);
}

/* Two windows in one process, of two files: neither is the other's. */
static void test_two_windows(void)
{
	const uint64_t place = 0x300000000000;
	const int other = session_new(machine.id);

	window_map(other, place, MIB);
	must(lab_mmap(other, place, PAGE, MODE_RW, ANON | MAP_FIXED), "mmap");
	memset((void *)place, 0x11, PAGE);
	test(data_is_whole(), "two windows of one process have contents of their own");
	test_is(lab_munmap(other, DATA, PAGE), -EINVAL, "one file cannot unmap in the other's");
	test_is(lab_mmap(session, place, PAGE, MODE_RW, ANON | MAP_FIXED), -ENOMEM,
		"nor map there");
	munmap((void *)place, MIB);
	test_probe(READ, place, SEGV_MAPERR, "one window goes");
	test(data_is_whole(), "the other stays");
	close(other);
}

/*
 * The kernel's own calls on the window.
 */

static int call(long ret)
{
	return ret == -1 ? -errno : 0;
}

static int kernel_mmap(uint64_t addr, uint64_t length)
{
	return call((long)mmap((void *)addr, length, MODE_RW, ANON | MAP_FIXED, -1, 0));
}

static int kernel_mremap(uint64_t addr, uint64_t length, uint64_t new_length, int flags)
{
	return call((long)mremap((void *)addr, length, new_length, flags, (void *)PLACE(900)));
}

/* Each line is made with the window and its data in place, and must leave both. */
static void test_refused(void)
{
	const uint64_t size = MML_WINDOW_SIZE;

	test_is(call(munmap((void *)DATA, PAGE)), -EINVAL, "munmap of a page of the window");
	test_is(call(munmap((void *)WINDOW, size - PAGE)), -EINVAL, "of all but its end");
	test_is(call(munmap((void *)(WINDOW + PAGE), size)), -EINVAL, "of all but its beginning");
	test_is(call(mprotect((void *)DATA, PAGE, PROT_READ)), -EACCES, "mprotect of a page");
	test_is(call(mprotect((void *)WINDOW, size, PROT_READ)), -EACCES, "of all");
	test_is(kernel_mmap(DATA, PAGE), -EINVAL, "mmap with MAP_FIXED over a page");
	test_is(kernel_mmap(WINDOW_END - PAGE, 2 * PAGE), -EINVAL, "over its end");
	test_is(kernel_mremap(DATA, PAGE, 2 * PAGE, MREMAP_MAYMOVE), -EFAULT,
		"mremap of a page to two");
	test_is(kernel_mremap(DATA, 2 * PAGE, PAGE, 0), -EINVAL, "of two to one");
	test_is(kernel_mremap(WINDOW, 0, PAGE, MREMAP_MAYMOVE), -EFAULT, "of none to one");
	test_is(kernel_mremap(WINDOW, size, 2 * size, MREMAP_MAYMOVE), -EFAULT, "of all to more");
	test_is(kernel_mremap(WINDOW, size, size, MREMAP_MAYMOVE | MREMAP_FIXED), -EINVAL,
		"of all to another place");
	test_is(kernel_mremap(DATA, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), -EINVAL,
		"with MREMAP_DONTUNMAP");
	test_is(call(syscall(SYS_remap_file_pages, DATA, PAGE, 0, DATA / PAGE + 1, 0)), -EINVAL,
		"remap_file_pages");
	test(data_is_whole(), "what is mapped has not changed");
}

static const struct {
	const char *name;
	int advice;
	int want;		/* of a page and of all; 1: does not matter */
} advices[] = {
	{ "DONTNEED", MADV_DONTNEED, -EINVAL },
	{ "FREE", MADV_FREE, -EINVAL },
	{ "REMOVE", MADV_REMOVE, 1 },
	{ "WILLNEED", MADV_WILLNEED, 1 },
	{ "COLD", MADV_COLD, -EINVAL },
	{ "PAGEOUT", MADV_PAGEOUT, -EINVAL },
	{ "POPULATE_READ", MADV_POPULATE_READ, 1 },
	{ "POPULATE_WRITE", MADV_POPULATE_WRITE, 1 },
	{ "HUGEPAGE", MADV_HUGEPAGE, 1 },
	{ "COLLAPSE", MADV_COLLAPSE, 1 },
	{ "MERGEABLE", MADV_MERGEABLE, 1 },
	{ "WIPEONFORK", MADV_WIPEONFORK, -EINVAL },
	{ "DODUMP", MADV_DODUMP, -EINVAL },
	{ "HWPOISON", MADV_HWPOISON, 1 },
};

static void test_advices(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		int page, all, want = advices[i].want;

		page = call(madvise((void *)DATA, PAGE, advices[i].advice));
		all = call(madvise((void *)WINDOW, MML_WINDOW_SIZE, advices[i].advice));
		test((want == 1 || (page == want && all == want)) && data_is_whole(),
		     "madvise(MADV_%s) of the window", advices[i].name);
		if (want != 1 && (page != want || all != want))
			diag("of a page %d, of all %d, not %d", page, all, want);
	}
}

/* What the kernel may do or not: the window has to be none the worse for it. */
static void test_odd_calls(void)
{
	struct iovec iov = { .iov_base = (void *)DATA, .iov_len = DATA_SIZE };
	struct iovec copy = { .iov_base = malloc(DATA_SIZE), .iov_len = DATA_SIZE };
	unsigned char vec[DATA_PAGES];
	int pipes[2];

	must(pipe(pipes), "pipe");
	mlock((void *)DATA, DATA_SIZE);
	munlock((void *)DATA, DATA_SIZE);
	test_is(call(msync((void *)WINDOW, MML_WINDOW_SIZE, MS_SYNC)), 0, "msync of the window");
	test_is(call(mincore((void *)DATA, DATA_SIZE, vec)), 0, "mincore");
	test(process_vm_readv(getpid(), &copy, 1, &iov, 1, 0) < 0, "process_vm_readv fails");
	test(vmsplice(pipes[1], &iov, 1, 0) < 0, "vmsplice fails");
	test(call(syscall(SYS_futex, DATA, 1, 1, NULL, NULL, 0)) == -EFAULT,
	     "a futex shared between processes: EFAULT");
	syscall(SYS_mbind, WINDOW, MML_WINDOW_SIZE, 0, NULL, 0, 0);
	syscall(SYS_mbind, DATA, PAGE, 0, NULL, 0, 2);
	syscall(SYS_migrate_pages, 0, 1, "\1\0\0\0\0\0\0\0", "\1\0\0\0\0\0\0\0");
	test(data_is_whole(), "what is mapped has not changed");
	free(copy.iov_base);
	close(pipes[0]);
	close(pipes[1]);
}

static void read_whole(const char *path)
{
	static char text[64 * KIB];
	const int fd = open(path, O_RDONLY);

	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

static void write_to(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY);

	if (write(fd, text, strlen(text)) < 0)
		diag("%s: %s", path, strerror(errno));
	close(fd);
}

static void test_proc(void)
{
	const char * const files[] = {
		"/proc/self/maps", "/proc/self/smaps", "/proc/self/smaps_rollup",
		"/proc/self/numa_maps", "/proc/self/status",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		read_whole(files[i]);
	for (const char *what = "12345"; *what; what++)
		write_to("/proc/self/clear_refs", (const char []){ *what, '\0' });
	*(char *)DATA = (char)0xd7;
	test(data_is_whole(), "/proc/self/smaps and clear_refs leave it as it is");
}

/* The session file is no file to read and write. */
static void test_file_calls(void)
{
	struct pollfd pollfd = { .fd = session, .events = POLLIN };
	char byte = 0;

	test_is(call(read(session, &byte, 1)), -EINVAL, "read from a session file");
	test_is(call(write(session, &byte, 1)), -EINVAL, "write to it");
	test_is(call(pread(session, &byte, 1, 0)) < 0, 1, "pread from it");
	test_is(call(ftruncate(session, 0)), -EINVAL, "truncate it");
	test(fallocate(session, 0, 0, PAGE), "allocate in it");
	test(fallocate(session, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)DATA, PAGE),
	     "punch a hole into it");
	test(sendfile(1, session, NULL, 1) < 0, "sendfile from it");
	poll(&pollfd, 1, 0);
	fcntl(session, F_SETFL, O_NONBLOCK | O_DIRECT | O_APPEND);
	fcntl(session, F_SETFL, 0);
	test_is(call(fsync(session)), 0, "sync it");
	test(data_is_whole(), "what is mapped has not changed");
}

/*
 * The lab's calls with addresses that are none.
 */

static const struct {
	const char *what;
	uint64_t addr;
	uint64_t length;
	int munmap;
	int mmap;		/* with MAP_FIXED */
	int mprotect;
	int madvise;		/* MADV_DONTNEED */
	int mremap;		/* to the same length */
} ranges[] = {
	{ "nothing", DATA, 0, -EINVAL, -EINVAL, 0, 0, -EINVAL },
	{ "an odd address", DATA + 1, PAGE, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "all lengths", DATA, ~0ULL, -EINVAL, -ENOMEM, -ENOMEM, -EINVAL, -EINVAL },
	{ "a length that wraps", DATA, -PAGE, -EINVAL, -ENOMEM, -ENOMEM, -EINVAL, -EFAULT },
	{ "a length that wraps to page 0", DATA, -DATA, -EINVAL, -ENOMEM, -ENOMEM, -EINVAL,
	  -EFAULT },
	{ "half of all lengths", DATA, 1ULL << 63, -EINVAL, -ENOMEM, -ENOMEM, -ENOMEM, -EFAULT },
	{ "a length past the window", WINDOW_END - PAGE, 2 * PAGE, -EINVAL, -ENOMEM, -ENOMEM,
	  -ENOMEM, -EFAULT },
	{ "the page before the window", WINDOW - PAGE, PAGE, -EINVAL, -ENOMEM, -ENOMEM, -ENOMEM,
	  -EFAULT },
	{ "pages across its beginning", WINDOW - PAGE, 2 * PAGE, -EINVAL, -ENOMEM, -ENOMEM,
	  -ENOMEM, -EFAULT },
	{ "the page behind it", WINDOW_END, PAGE, -EINVAL, -ENOMEM, -ENOMEM, -ENOMEM, -EFAULT },
	{ "page 0", 0, PAGE, -EINVAL, -ENOMEM, -ENOMEM, -ENOMEM, -EFAULT },
	{ "all addresses", 0, -PAGE, -EINVAL, -ENOMEM, -ENOMEM, -ENOMEM, -EFAULT },
	{ "the last page", -PAGE, PAGE, -EINVAL, -ENOMEM, -ENOMEM, -EINVAL, -EFAULT },
	{ "the kernel", 0xffff888000000000, PAGE, -EINVAL, -ENOMEM, -ENOMEM, -ENOMEM, -EFAULT },
	{ "no address at all", 1ULL << 63, PAGE, -EINVAL, -ENOMEM, -ENOMEM, -ENOMEM, -EFAULT },
};

static void test_ranges(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const uint64_t addr = ranges[i].addr, length = ranges[i].length;
		const char *what = ranges[i].what;

		test_is(lab_munmap(session, addr, length), ranges[i].munmap, "MUNMAP %s", what);
		test_is(lab_mmap(session, addr, length, MODE_RW, ANON | MAP_FIXED | MAP_NORESERVE),
			ranges[i].mmap, "MMAP %s", what);
		test_is(lab_mprotect(session, addr, length, PROT_NONE), ranges[i].mprotect,
			"MPROTECT %s", what);
		test_is(lab_madvise(session, addr, length, MADV_DONTNEED), ranges[i].madvise,
			"MADVISE %s", what);
		test_is(lab_mremap(session, addr, length, length, 0), ranges[i].mremap,
			"MREMAP %s", what);
	}
	test(data_is_whole(), "what is mapped has not changed");
}

static bool hits_data(uint64_t addr, uint64_t length)
{
	return length && addr < DATA + DATA_SIZE && addr + length > DATA && addr + length > addr;
}

/*
 * Every such value as an address, an old and a new length. Of what comes out, only
 * this is asked: no wonder, and the data is whole unless it was truly meant.
 */
static void test_all_ranges(void)
{
	static const uint64_t values[] = {
		0, 1, PAGE - 1, PAGE, PAGE + 1, MML_WINDOW_SIZE - PAGE, MML_WINDOW_SIZE,
		MML_WINDOW_SIZE + PAGE, WINDOW - PAGE, WINDOW, WINDOW + PAGE, DATA - PAGE, DATA,
		DATA + DATA_SIZE, WINDOW_END - PAGE, WINDOW_END, (1ULL << 47) - PAGE, 1ULL << 47,
		(1ULL << 63) - PAGE, 1ULL << 63, -DATA, -WINDOW, -PAGE, ~0ULL - PAGE + 2, ~0ULL,
	};
	const size_t count = ARRAY_SIZE(values);
	unsigned int made = 0;

	for (size_t i = 0; i < count * count * count; i++) {
		const uint64_t addr = values[i % count], length = values[i / count % count];
		const uint64_t third = values[i / count / count];

		if (hits_data(addr, length) || addr == DATA)
			continue;
		lab_mremap(session, addr, length, third, third % 2 ? MREMAP_MAYMOVE : 0);
		made++;
		if (third)
			continue;
		lab_munmap(session, addr, length);
		lab_mprotect(session, addr, length, PROT_READ);
		lab_madvise(session, addr, length, MADV_DONTNEED);
		lab_mmap(session, addr, length, MODE_RW, ANON);
	}
	test(data_is_whole() && made > 1000, "%zu values as address, length and new length", count);
	test_valid("after them");
}

/*
 * The end of the window.
 */

static void test_replaced(void)
{
	const uint64_t before = free_frames(machine.id);
	const int fd = session_new(machine.id);
	const uint64_t place = 0x300000000000;

	window_map(fd, place, MIB);
	must(lab_mmap(fd, place, MIB, MODE_RW, ANON | MAP_FIXED), "mmap");
	memset((void *)place, 1, MIB);
	test(free_frames(machine.id) < before, "a window with memory in it");
	test_is(kernel_mmap(place, MIB), 0, "can be replaced as a whole");
	test_probe(READ, place, 0, "by the kernel's memory");
	test(free_frames_become(machine.id, before), "its frames are free then");
	test_is(lab_mmap(fd, 0, PAGE, MODE_RW, ANON), -ENXIO, "and its session is over");
	munmap((void *)place, MIB);
	close(fd);
}

static void test_outlives_file(void)
{
	const uint64_t before = free_frames(machine.id), place = 0x300000000000;
	const int fd = session_new(machine.id);

	window_map(fd, place, MIB);
	must(lab_mmap(fd, place, MIB, MODE_RW, ANON | MAP_FIXED), "mmap");
	memset((void *)place, 0x77, MIB / 2);
	close(fd);
	test(all_bytes((void *)place, MIB / 2, 0x77), "the window stays when its file is closed");
	memset((void *)place, 0x78, MIB);
	test(all_bytes((void *)place, MIB, 0x78), "and new pages can be touched");
	munmap((void *)place, MIB);
	test(free_frames_become(machine.id, before), "all frames are free when it goes");
}

static int use_without_window(void *arg)
{
	return lab_mmap(*(int *)arg, 0, PAGE, MODE_RW, ANON) == -ENXIO &&
	       probe(READ, DATA).sig == SIGSEGV ? 0 : 1;
}

static void test_dont_fork(void)
{
	test_is(call(madvise((void *)DATA, PAGE, MADV_DONTFORK)), -EINVAL,
		"madvise(MADV_DONTFORK) of a page of the window");
	test_is(call(madvise((void *)WINDOW, MML_WINDOW_SIZE, MADV_DONTFORK)), 0, "of all of it");
	test_is(in_child(use_without_window, &session), 0, "a child has no window then");
	test(data_is_whole(), "the parent has");
	test_is(call(madvise((void *)WINDOW, MML_WINDOW_SIZE, MADV_DOFORK)), 0, "until MADV_DOFORK");
	test_is(in_child(use_without_window, &session), 1, "a child has one then");
}

static int seal_and_use(void *arg)
{
	(void)arg;
	if (call(syscall(SYS_mseal, WINDOW, MML_WINDOW_SIZE, 0)))
		return 1;
	if (call(munmap((void *)WINDOW, MML_WINDOW_SIZE)) != -EPERM || !data_is_whole())
		return 2;
	if (lab_munmap(session, DATA, PAGE))
		return 3;
	return probe(READ, DATA).code == SEGV_MAPERR ? 0 : 4;
}

static void test_end(void)
{
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	test_probe(READ, DATA, SEGV_MAPERR, "munmap of the whole window: it is gone");
	test_is(lab_mmap(session, 0, PAGE, MODE_RW, ANON), -ENXIO, "and its session over");
	close(session);
}

int main(void)
{
	begin_tests();
	catch_faults();
	machine = machine_new(8 * MIB);
	test_mappings();
	test_small_window();
	test_no_window();
	test_replaced();
	test_outlives_file();

	session = session_with_window(machine.id);
	fill_data();
	test_two_windows();
	test_refused();
	test_advices();
	test_odd_calls();
	test_proc();
	test_file_calls();
	test_ranges();
	test_all_ranges();
	test_dont_fork();
	test_is(in_child(seal_and_use, NULL), 0, "a sealed window serves, and cannot be unmapped");
	test_end();
	test_valid("after all of that");
	machine_end(&machine);
	return done_testing();
}
