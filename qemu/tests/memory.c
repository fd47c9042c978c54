// SPDX-License-Identifier: GPL-2.0
/*
 * What memory is to a program, on the lab and on the kernel.
 *
 * Every test here is made twice: with the lab's calls, in the window, and with the
 * kernel's own, outside of it. Contents, addresses, errnos and signals have to be the
 * same, so the kernel vouches for what is expected of the lab.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "lab.h"

#define ANON		(MAP_PRIVATE | MAP_ANONYMOUS)
#define FIXED		(ANON | MAP_FIXED)

static struct machine machine;
static int session;

/**
 * struct space - where memory comes from, by which calls
 * @name: for the names of tests
 * @base: begins a range in which only the tests map anything
 * @mmap: as the system call, and so on
 */
struct space {
	const char *name;
	uint64_t base;
	long (*mmap)(uint64_t addr, uint64_t length, int prot, int flags);
	long (*munmap)(uint64_t addr, uint64_t length);
	long (*mprotect)(uint64_t addr, uint64_t length, int prot);
	long (*mremap)(uint64_t addr, uint64_t length, uint64_t new_length, int flags);
	long (*madvise)(uint64_t addr, uint64_t length, int advice);
};

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

static long on_lab_mremap(uint64_t addr, uint64_t length, uint64_t new_length, int flags)
{
	return lab_mremap(session, addr, length, new_length, flags);
}

static long on_lab_madvise(uint64_t addr, uint64_t length, int advice)
{
	return lab_madvise(session, addr, length, advice);
}

static long or_errno(long ret)
{
	return ret == -1 ? -errno : ret;
}

static long on_kernel_mmap(uint64_t addr, uint64_t length, int prot, int flags)
{
	return or_errno((long)mmap((void *)addr, length, prot, flags, -1, 0));
}

static long on_kernel_munmap(uint64_t addr, uint64_t length)
{
	return or_errno(munmap((void *)addr, length));
}

static long on_kernel_mprotect(uint64_t addr, uint64_t length, int prot)
{
	return or_errno(mprotect((void *)addr, length, prot));
}

static long on_kernel_mremap(uint64_t addr, uint64_t length, uint64_t new_length, int flags)
{
	return or_errno((long)mremap((void *)addr, length, new_length, flags));
}

static long on_kernel_madvise(uint64_t addr, uint64_t length, int advice)
{
	return or_errno(madvise((void *)addr, length, advice));
}

static const struct space spaces[] = {
	{ "kernel", 0x500000000000, on_kernel_mmap, on_kernel_munmap, on_kernel_mprotect,
	  on_kernel_mremap, on_kernel_madvise },
	{ "lab", WINDOW, on_lab_mmap, on_lab_munmap, on_lab_mprotect, on_lab_mremap,
	  on_lab_madvise },
};

/* Map @pages at the @n-th place of a space, filled with @value. */
static uint64_t map(const struct space *s, unsigned int n, uint64_t pages, int prot)
{
	return (uint64_t)must(s->mmap(s->base + n * 16 * MIB, pages * PAGE, prot, FIXED), "mmap");
}

static uint64_t map_filled(const struct space *s, unsigned int n, uint64_t pages, int value)
{
	const uint64_t addr = map(s, n, pages, MODE_RW);

	memset((void *)addr, value, pages * PAGE);
	return addr;
}

static bool is_filled(uint64_t addr, uint64_t pages, int value)
{
	return all_bytes((void *)addr, pages * PAGE, (unsigned char)value);
}

/* Nothing of a test stays for the next one. */
static void unmap_all(const struct space *s)
{
	must(s->munmap(s->base, 64 * 16 * MIB), "munmap");
}

/*
 * mmap and munmap.
 */

static void test_zeroed(const struct space *s)
{
	uint64_t addr = map(s, 0, 64, MODE_RW);

	test(is_filled(addr, 64, 0), "%s: new memory is zero", s->name);
	memset((void *)addr, 0xab, 64 * PAGE);
	test(is_filled(addr, 64, 0xab), "%s: it keeps what is written", s->name);
	test_is(s->munmap(addr, 64 * PAGE), 0, "%s: munmap", s->name);
	test_probe(READ, addr, SEGV_MAPERR, "%s: what is unmapped is gone", s->name);
	test_probe(WRITE, addr + 63 * PAGE + 4095, SEGV_MAPERR, "%s: to its last byte", s->name);
	map(s, 0, 64, MODE_RW);
	test(is_filled(addr, 64, 0), "%s: the place mapped again is zero", s->name);
}

static void test_holes(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 5, 1);

	test_is(s->munmap(addr + 2 * PAGE, PAGE), 0, "%s: munmap of the middle", s->name);
	test_probe(READ, addr + 2 * PAGE, SEGV_MAPERR, "%s: there is a hole", s->name);
	test_probe(READ, addr + 3 * PAGE - 1, SEGV_MAPERR, "%s: to its end", s->name);
	test(is_filled(addr, 2, 1) && is_filled(addr + 3 * PAGE, 2, 1),
	     "%s: around it all is as before", s->name);
	test_is(s->munmap(addr + PAGE, 3 * PAGE), 0, "%s: munmap across the hole", s->name);
	test(is_filled(addr, 1, 1) && is_filled(addr + 4 * PAGE, 1, 1) &&
	     probe(READ, addr + PAGE).sig && probe(READ, addr + 3 * PAGE).sig,
	     "%s: takes what it should", s->name);
	test_is(s->munmap(addr + PAGE, 3 * PAGE), 0, "%s: munmap of nothing but a hole", s->name);
	test_is(s->munmap(addr, 1), 0, "%s: a length is rounded up", s->name);
	test_probe(READ, addr + PAGE - 1, SEGV_MAPERR, "%s: to a page", s->name);
}

static void test_fixed(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 5, 2);

	test_is(s->mmap(addr + PAGE, 2 * PAGE, MODE_RW, FIXED), (long)(addr + PAGE),
		"%s: MAP_FIXED over what is there", s->name);
	test(is_filled(addr + PAGE, 2, 0), "%s: replaces it by zeros", s->name);
	test(is_filled(addr, 1, 2) && is_filled(addr + 3 * PAGE, 2, 2),
	     "%s: and nothing beside it", s->name);
	test_is(s->mmap(addr + 4 * PAGE, 3 * PAGE, MODE_RW, ANON | MAP_FIXED_NOREPLACE), -EEXIST,
		"%s: MAP_FIXED_NOREPLACE over what is there", s->name);
	test(is_filled(addr + 4 * PAGE, 1, 2) && probe(READ, addr + 5 * PAGE).sig == SIGSEGV,
	     "%s: changes nothing", s->name);
	test_is(s->mmap(addr + 5 * PAGE, PAGE, MODE_RW, ANON | MAP_FIXED_NOREPLACE),
		(long)(addr + 5 * PAGE), "%s: where there is nothing, it maps", s->name);
	test_is(s->mmap(addr + 1, PAGE, MODE_RW, FIXED), -EINVAL,
		"%s: MAP_FIXED at an odd address", s->name);
	test_is(s->mmap(addr, 0, MODE_RW, FIXED), -EINVAL, "%s: mmap of nothing", s->name);
	test_is(s->mmap(addr, PAGE, MODE_RW, MAP_ANONYMOUS | MAP_FIXED), -EINVAL,
		"%s: neither private nor shared", s->name);
	test_is(s->mmap(0, ~0ULL, MODE_RW, ANON), -ENOMEM, "%s: mmap of everything", s->name);
}

static void test_hints(const struct space *s)
{
	const uint64_t addr = s->base + 16 * MIB;
	long got;

	test_is(s->mmap(addr, PAGE, MODE_RW, ANON), (long)addr, "%s: a free place is taken", s->name);
	*(char *)addr = 7;
	got = s->mmap(addr, PAGE, MODE_RW, ANON);
	test(got > 0 && (uint64_t)got != addr && !(got % PAGE), "%s: for a taken one another",
	     s->name);
	test(*(char *)addr == 7 && is_filled((uint64_t)got, 1, 0), "%s: which is new", s->name);
	s->munmap((uint64_t)got, PAGE);
	got = s->mmap(0, 10 * PAGE, MODE_RW, ANON);
	test(got > 0 && is_filled((uint64_t)got, 10, 0), "%s: no place asked for: some", s->name);
	s->munmap((uint64_t)got, 10 * PAGE);
}

static void test_munmap_errors(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 2, 3);

	test_is(s->munmap(addr + 1, PAGE), -EINVAL, "%s: munmap at an odd address", s->name);
	test_is(s->munmap(addr, 0), -EINVAL, "%s: munmap of nothing", s->name);
	test_is(s->munmap(addr, ~0ULL), -EINVAL, "%s: munmap of everything", s->name);
	test(is_filled(addr, 2, 3), "%s: nothing is unmapped by that", s->name);
}

/*
 * Protection.
 */

static void test_protections(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 3, 4), middle = addr + PAGE;

	test_is(s->mprotect(middle, PAGE, PROT_READ), 0, "%s: mprotect to reading", s->name);
	test_probe(READ, middle, 0, "%s: it can be read", s->name);
	test_probe(WRITE, middle + 123, SEGV_ACCERR, "%s: and not be written", s->name);
	test_is(s->mprotect(middle, PAGE, PROT_NONE), 0, "%s: mprotect to nothing", s->name);
	test_probe(READ, middle + 77, SEGV_ACCERR, "%s: it cannot be read", s->name);
	test_probe(WRITE, middle + 4095, SEGV_ACCERR, "%s: nor be written", s->name);
	test_probe(WRITE, middle - 1, 0, "%s: the byte before can", s->name);
	test_probe(WRITE, middle + PAGE, 0, "%s: and the one behind", s->name);
	test_is(s->mprotect(addr, 3 * PAGE, MODE_RW), 0, "%s: mprotect across all three", s->name);
	test(is_filled(middle, 1, 4), "%s: the content is still there", s->name);
	test_probe(WRITE, middle, 0, "%s: and can be written", s->name);
	test_is(s->mprotect(middle, PAGE, PROT_READ), 0, "%s: to reading", s->name);
	test_is(s->mprotect(middle, PAGE, MODE_RW), 0, "%s: and back", s->name);
	test_probe(WRITE, middle, 0, "%s: is as before", s->name);
}

static void test_first_touch(const struct space *s)
{
	const uint64_t addr = map(s, 0, 4, PROT_NONE);

	test_probe(READ, addr, SEGV_ACCERR, "%s: PROT_NONE from the beginning", s->name);
	s->mprotect(addr, PAGE, PROT_READ);
	test_probe(WRITE, addr, SEGV_ACCERR, "%s: a write to what can be read, first", s->name);
	test_probe(READ, addr, 0, "%s: reading it", s->name);
	test_probe(WRITE, addr, SEGV_ACCERR, "%s: a write then", s->name);
	s->mprotect(addr, PAGE, MODE_RW);
	test_probe(WRITE, addr, 0, "%s: a write after mprotect", s->name);
	s->mprotect(addr + PAGE, PAGE, PROT_WRITE);
	test_probe(WRITE, addr + PAGE, 0, "%s: writing what is PROT_WRITE alone", s->name);
	test_probe(READ, addr + PAGE, 0, "%s: reading it, as x86 has it", s->name);
}

static void test_mprotect_errors(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 4, 5);

	s->munmap(addr + 2 * PAGE, PAGE);
	test_is(s->mprotect(addr, 4 * PAGE, PROT_READ), -ENOMEM, "%s: mprotect across a hole",
		s->name);
	test_probe(WRITE, addr + PAGE, SEGV_ACCERR, "%s: changes what is before it", s->name);
	test_probe(WRITE, addr + 3 * PAGE, 0, "%s: and not what is behind", s->name);
	test_is(s->mprotect(addr + 2 * PAGE, PAGE, MODE_RW), -ENOMEM, "%s: of a hole", s->name);
	test_is(s->mprotect(addr + 1, PAGE, MODE_RW), -EINVAL, "%s: at an odd address", s->name);
	test_is(s->mprotect(addr, 0, PROT_NONE), 0, "%s: of nothing", s->name);
	test_is(s->mprotect(addr, PAGE, 0x40), -EINVAL, "%s: to what does not exist", s->name);
	test(is_filled(addr, 2, 5), "%s: nothing is lost by that", s->name);
}

/* A page with a function that returns @value. */
static void write_code(uint64_t addr, unsigned char value)
{
	const unsigned char code[] = { 0xb8, value, 0, 0, 0, 0xc3 };	/* mov $value, %eax; ret */

	memcpy((void *)addr, code, sizeof(code));
}

static void test_execution(const struct space *s)
{
	const uint64_t addr = map(s, 0, 2, MODE_RW);

	write_code(addr + 16, 42);
	test_probe(EXEC, addr + 16, SEGV_ACCERR, "%s: what is not PROT_EXEC is not executed",
		   s->name);
	s->mprotect(addr, PAGE, PROT_READ | PROT_EXEC);
	test_is(probe(EXEC, addr + 16).value, 42, "%s: what is, is", s->name);
	test_probe(WRITE, addr, SEGV_ACCERR, "%s: and not written", s->name);
	s->mprotect(addr, PAGE, MODE_RWX);
	test_is(probe(EXEC, addr + 16).value, 42, "%s: writable code runs", s->name);
	write_code(addr + 16, 43);
	test_is(probe(EXEC, addr + 16).value, 43, "%s: the new one when it is written", s->name);
	s->mprotect(addr, PAGE, MODE_RW);
	test_probe(EXEC, addr + 16, SEGV_ACCERR, "%s: none after PROT_EXEC is taken away", s->name);
	s->munmap(addr, PAGE);
	test_probe(EXEC, addr + 16, SEGV_MAPERR, "%s: none where there is nothing", s->name);
}

/*
 * mremap.
 */

static void test_mremap_in_place(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 8, 6);

	test_is(s->mremap(addr, 8 * PAGE, 8 * PAGE, 0), (long)addr, "%s: mremap to the same",
		s->name);
	test_is(s->mremap(addr, 8 * PAGE, 3 * PAGE, 0), (long)addr, "%s: to less", s->name);
	test(is_filled(addr, 3, 6), "%s: what stays keeps its content", s->name);
	test_probe(READ, addr + 3 * PAGE, SEGV_MAPERR, "%s: the rest is gone", s->name);
	test_is(s->mremap(addr, 3 * PAGE, 6 * PAGE, 0), (long)addr, "%s: to more", s->name);
	test(is_filled(addr, 3, 6) && is_filled(addr + 3 * PAGE, 3, 0),
	     "%s: what is new is zero", s->name);
	map_filled(s, 1, 1, 9);
	test_is(s->mremap(addr, 6 * PAGE, 16 * MIB + PAGE, 0), -ENOMEM,
		"%s: to more than there is room for", s->name);
	test(is_filled(addr, 3, 6) && is_filled(s->base + 16 * MIB, 1, 9),
	     "%s: changes nothing", s->name);
}

static void test_mremap_moves(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 4, 7);
	uint64_t new;

	must(s->mmap(addr + 4 * PAGE, PAGE, PROT_NONE, FIXED), "mmap");
	s->madvise(addr + PAGE, PAGE, MADV_DONTNEED);
	new = (uint64_t)must(s->mremap(addr, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE), "mremap");
	test(new != addr, "%s: mremap moves what has no room to grow", s->name);
	test(is_filled(new, 1, 7) && is_filled(new + PAGE, 1, 0) && is_filled(new + 2 * PAGE, 2, 7),
	     "%s: with its content", s->name);
	test(is_filled(new + 4 * PAGE, 2, 0), "%s: and zeros behind", s->name);
	test_probe(WRITE, new + 5 * PAGE, 0, "%s: all of it can be written", s->name);
	test_probe(READ, addr, SEGV_MAPERR, "%s: where it was there is nothing", s->name);
	test_probe(READ, addr + 3 * PAGE, SEGV_MAPERR, "%s: to its end", s->name);
	s->munmap(new, 6 * PAGE);
}

/* Of a mapping, across the boundaries of page tables, with another offset to them. */
static void test_mremap_of_part(const struct space *s)
{
	const uint64_t pages = 700, addr = map_filled(s, 0, pages + 2, 8) + PAGE;
	uint64_t new;

	*(char *)(addr + 600 * PAGE) = 99;
	new = (uint64_t)must(s->mremap(addr, pages * PAGE, (pages + 1) * PAGE, MREMAP_MAYMOVE),
			     "mremap");
	test(*(char *)(new + 600 * PAGE) == 99, "%s: mremap of 700 pages in a mapping", s->name);
	*(char *)(new + 600 * PAGE) = 8;
	test(is_filled(new, pages, 8), "%s: each where it should be", s->name);
	test(is_filled(addr - PAGE, 1, 8) && is_filled(addr + pages * PAGE, 1, 8),
	     "%s: what was around it stays", s->name);
	test_probe(READ, addr + 300 * PAGE, SEGV_MAPERR, "%s: between them nothing", s->name);
	s->munmap(new, (pages + 1) * PAGE);
}

static void test_mremap_errors(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 4, 9);

	s->mprotect(addr + 2 * PAGE, PAGE, PROT_READ);
	test_is(s->mremap(addr + 1, PAGE, PAGE, 0), -EINVAL, "%s: mremap at an odd address", s->name);
	test_is(s->mremap(addr, PAGE, 0, 0), -EINVAL, "%s: to nothing", s->name);
	test_is(s->mremap(addr, 0, PAGE, MREMAP_MAYMOVE), -EINVAL, "%s: of nothing", s->name);
	test_is(s->mremap(addr, PAGE, PAGE, 64), -EINVAL, "%s: with a flag that is none", s->name);
	test_is(s->mremap(addr + 8 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), -EFAULT,
		"%s: where there is nothing", s->name);
	test_is(s->mremap(addr, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), -EFAULT,
		"%s: of several mappings to more", s->name);
	test_is(s->mremap(addr, 2 * PAGE, 3 * PAGE, 0), -ENOMEM,
		"%s: into what is there already", s->name);
	test(is_filled(addr, 4, 9), "%s: nothing is lost by that", s->name);
	test_is(s->mremap(addr, 4 * PAGE, PAGE, 0), (long)addr, "%s: of several to less", s->name);
	test(is_filled(addr, 1, 9) && probe(READ, addr + 3 * PAGE).sig == SIGSEGV,
	     "%s: leaves the first", s->name);
}

/*
 * madvise.
 */

static void test_dontneed(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 6, 0x33);

	test_is(s->madvise(addr + PAGE, 2 * PAGE, MADV_DONTNEED), 0, "%s: MADV_DONTNEED", s->name);
	test(is_filled(addr + PAGE, 2, 0), "%s: leaves zeros", s->name);
	test(is_filled(addr, 1, 0x33) && is_filled(addr + 3 * PAGE, 3, 0x33),
	     "%s: and the rest as it was", s->name);
	test_probe(WRITE, addr + PAGE, 0, "%s: it can be written again", s->name);
	s->munmap(addr + 3 * PAGE, PAGE);
	test_is(s->madvise(addr, 6 * PAGE, MADV_DONTNEED), -ENOMEM, "%s: across a hole", s->name);
	test(is_filled(addr, 3, 0) && is_filled(addr + 4 * PAGE, 2, 0),
	     "%s: it drops what is there all the same", s->name);
	s->mprotect(addr, PAGE, PROT_READ);
	test_is(s->madvise(addr, PAGE, MADV_DONTNEED), 0, "%s: of what cannot be written", s->name);
	test_is(s->madvise(addr + 1, PAGE, MADV_DONTNEED), -EINVAL, "%s: at an odd address", s->name);
	test_is(s->madvise(addr, 0, MADV_DONTNEED), 0, "%s: of nothing", s->name);
	test_is(s->madvise(addr, PAGE, 77), -EINVAL, "%s: an advice that is none", s->name);
	test_is(s->madvise(addr, PAGE, MADV_FREE), 0, "%s: MADV_FREE", s->name);
	test_is(s->madvise(addr, PAGE, MADV_WILLNEED) == -EINVAL, 0, "%s: MADV_WILLNEED", s->name);
}

/*
 * The kernel's own accesses.
 */

static void test_read_write(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 4, 'x');
	char *const memory = (char *)addr;
	int pipes[2];

	must(pipe(pipes), "pipe");
	test_is(write(pipes[1], memory, 2 * PAGE), 2 * PAGE, "%s: write(2) from it", s->name);
	s->madvise(addr, 2 * PAGE, MADV_DONTNEED);
	test_is(read(pipes[0], memory, 2 * PAGE), 2 * PAGE, "%s: read(2) into it", s->name);
	test(is_filled(addr, 2, 'x'), "%s: gets the content", s->name);

	s->mprotect(addr + PAGE, PAGE, PROT_READ);
	s->munmap(addr + 2 * PAGE, PAGE);
	test_is(or_errno(write(pipes[1], memory + 2 * PAGE, 1)), -EFAULT,
		"%s: write(2) from where there is nothing", s->name);
	test_is(write(pipes[1], memory, 2 * PAGE), 2 * PAGE,
		"%s: write(2) from what can only be read", s->name);
	test_is(or_errno(read(pipes[0], memory + PAGE, 1)), -EFAULT,
		"%s: read(2) into that", s->name);
	test_is(or_errno(read(pipes[0], memory + 2 * PAGE, 1)), -EFAULT,
		"%s: read(2) into nothing", s->name);
	test_is(read(pipes[0], memory, 2 * PAGE), PAGE, "%s: read(2) up to there", s->name);
	s->mprotect(addr, PAGE, PROT_NONE);
	test_is(or_errno(write(pipes[1], memory, 1)), -EFAULT,
		"%s: write(2) from what cannot be read", s->name);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_file(const struct space *s)
{
	const uint64_t addr = map(s, 0, 32, MODE_RW);
	const int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	struct iovec parts[] = {
		{ (void *)(addr + 3), 5 * PAGE }, { (void *)(addr + 20 * PAGE - 1), 3 },
	};

	for (unsigned int i = 0; i < 32 * PAGE; i++)
		((char *)addr)[i] = (char)(i * 7 + i / PAGE);
	test_is(writev(fd, parts, 2), 5 * PAGE + 3, "%s: writev(2) to a file", s->name);
	test_is(pread(fd, (void *)(addr + 8 * PAGE + 3), 5 * PAGE, 0), 5 * PAGE,
		"%s: pread(2) from it", s->name);
	test(!memcmp((void *)(addr + 3), (void *)(addr + 8 * PAGE + 3), 5 * PAGE),
	     "%s: brings it back", s->name);
	close(fd);
}

static void test_proc_mem(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 3, 'm');
	const int fd = open("/proc/self/mem", O_RDWR);
	char buffer[2 * PAGE];

	s->madvise(addr + PAGE, PAGE, MADV_DONTNEED);
	test_is(pread(fd, buffer, sizeof(buffer), (off_t)addr), 2 * PAGE,
		"%s: reading /proc/self/mem", s->name);
	test(all_bytes(buffer, PAGE, 'm') && all_bytes(buffer + PAGE, PAGE, 0),
	     "%s: the content, and zeros where there was none yet", s->name);
	memset(buffer, 'w', sizeof(buffer));
	test_is(pwrite(fd, buffer, PAGE + 5, (off_t)addr + 10), PAGE + 5, "%s: writing it", s->name);
	test(all_bytes((char *)addr + 10, PAGE + 5, 'w') && *(char *)(addr + 9) == 'm' &&
	     !*(char *)(addr + PAGE + 15), "%s: changes what it should", s->name);
	test_is(or_errno(pread(fd, buffer, 1, (off_t)(addr + 3 * PAGE))), -EIO,
		"%s: reading it where there is nothing", s->name);
	close(fd);
}

/*
 * Signals.
 */

enum fatal_how { BLOCKED, IGNORED, DEFAULT };

struct fatal {
	uint64_t addr;
	enum fatal_how how;
};

static int access_fatally(void *arg)
{
	const struct fatal *fatal = arg;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	if (fatal->how == BLOCKED)
		sigprocmask(SIG_BLOCK, &set, NULL);
	else
		signal(SIGSEGV, fatal->how == IGNORED ? SIG_IGN : SIG_DFL);
	return touch(WRITE, fatal->addr);
}

static void test_fatal(const struct space *s)
{
	static const char * const how[] = { "blocked", "ignored", "at its default" };
	const uint64_t addr = map(s, 0, 1, PROT_READ);

	for (enum fatal_how i = BLOCKED; i <= DEFAULT; i++) {
		struct fatal accerr = { addr, i }, maperr = { addr + PAGE, i };

		test_is(in_child(access_fatally, &accerr), 128 + SIGSEGV,
			"%s: what may not be written, SIGSEGV %s: it kills", s->name, how[i]);
		test_is(in_child(access_fatally, &maperr), 128 + SIGSEGV,
			"%s: what is not there, SIGSEGV %s: it kills", s->name, how[i]);
	}
}

/* An access of several bytes fails at the first byte that it cannot have. */
static void test_straddling(const struct space *s)
{
	const uint64_t addr = map_filled(s, 0, 2, 1);
	struct iovec from = { (void *)(addr + PAGE - 3), 3 };
	int pipes[2];

	must(pipe(pipes), "pipe");
	s->munmap(addr + PAGE, PAGE);
	test_is(writev(pipes[1], &from, 1), 3, "%s: up to the last byte there is", s->name);
	from.iov_len = 4;
	test_is(or_errno(writev(pipes[1], &from, 1)), -EFAULT, "%s: and one byte more", s->name);
	close(pipes[0]);
	close(pipes[1]);
}

/* A handler runs on a stack that lies there, and its frame is pushed by the kernel. */
static uint64_t handler_stack;

static void on_user_signal(int sig)
{
	handler_stack = (uint64_t)__builtin_frame_address(0) + (uint64_t)(sig - SIGUSR1);
}

static void test_signal_stack(const struct space *s)
{
	const uint64_t addr = map(s, 0, 16, MODE_RW);
	stack_t old, stack = { .ss_sp = (void *)addr, .ss_size = 16 * PAGE };
	struct sigaction action = { .sa_handler = on_user_signal, .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, &old);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	test(handler_stack > addr && handler_stack < addr + 16 * PAGE,
	     "%s: a signal handler's stack", s->name);
	sigaltstack(&old, NULL);
}

/*
 * Threads that wait for each other in it.
 */

struct meeting {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned int turn;
};

static void *take_turns(void *arg)
{
	struct meeting *meeting = arg;

	for (unsigned int i = 0; i < 200; i++) {
		pthread_mutex_lock(&meeting->mutex);
		while (meeting->turn % 2 == 0)
			pthread_cond_wait(&meeting->cond, &meeting->mutex);
		meeting->turn++;
		pthread_cond_signal(&meeting->cond);
		pthread_mutex_unlock(&meeting->mutex);
	}
	return NULL;
}

static void test_threads(const struct space *s)
{
	struct meeting *meeting = (struct meeting *)map(s, 0, 1, MODE_RW);
	pthread_t thread;

	pthread_mutex_init(&meeting->mutex, NULL);
	pthread_cond_init(&meeting->cond, NULL);
	pthread_create(&thread, NULL, take_turns, meeting);
	for (unsigned int i = 0; i < 200; i++) {
		pthread_mutex_lock(&meeting->mutex);
		while (meeting->turn % 2)
			pthread_cond_wait(&meeting->cond, &meeting->mutex);
		meeting->turn++;
		pthread_cond_signal(&meeting->cond);
		pthread_mutex_unlock(&meeting->mutex);
	}
	pthread_join(thread, NULL);
	test_is(meeting->turn, 400, "%s: a mutex and a condition of two threads", s->name);
}

/* Many mappings, made by mprotect and by munmap, of every second page. */
static void test_many_mappings(const struct space *s)
{
	const uint64_t pages = 1000, addr = map_filled(s, 0, pages, 0x44);
	bool good = true;

	for (uint64_t i = 0; i < pages; i += 2)
		good &= !s->mprotect(addr + i * PAGE, PAGE, PROT_READ);
	for (uint64_t i = 1; i < pages; i += 4)
		good &= !s->munmap(addr + i * PAGE, PAGE);
	for (uint64_t i = 0; i < pages; i++) {
		const struct caught got = probe(WRITE, addr + i * PAGE);
		const int want = i % 2 == 0 ? SEGV_ACCERR : i % 4 == 1 ? SEGV_MAPERR : 0;

		good &= (got.sig ? got.code : 0) == want;
	}
	test(good, "%s: 750 mappings of a page", s->name);
	for (uint64_t i = 1; i < pages; i += 4)
		good &= s->mmap(addr + i * PAGE, PAGE, MODE_RW, FIXED) > 0;
	test(good && !s->mprotect(addr, pages * PAGE, MODE_RW), "%s: made one again", s->name);
	for (uint64_t i = 0; i < pages; i++)
		good &= *(char *)(addr + i * PAGE + 1) == (i % 4 == 1 ? 0 : 0x44);
	test(good, "%s: with the content there was", s->name);
}

static void (*const all_tests[])(const struct space *s) = {
	test_zeroed, test_holes, test_fixed, test_hints, test_munmap_errors, test_protections,
	test_first_touch, test_mprotect_errors, test_execution, test_mremap_in_place,
	test_mremap_moves, test_mremap_of_part, test_mremap_errors, test_dontneed,
	test_read_write, test_file, test_proc_mem, test_fatal, test_straddling,
	test_signal_stack, test_threads, test_many_mappings,
};

int main(void)
{
	begin_tests();
	catch_faults();
	machine = machine_new(16 * MIB);
	session = session_with_window(machine.id);
	for (size_t i = 0; i < ARRAY_SIZE(all_tests); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(spaces); j++) {
			all_tests[i](&spaces[j]);
			unmap_all(&spaces[j]);
		}
		if (free_frames(machine.id) != machine.frames)
			test(false, "test %zu left frames in use", i);
	}
	test_valid("after all of that");
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session);
	machine_end(&machine);
	return done_testing();
}
