// SPDX-License-Identifier: GPL-2.0
/*
 * smaps of a session beside the kernel's own: the same operations on memory of the lab and on the
 * kernel's anonymous memory, in one process; then both texts, line by line. So are those of a child
 * of fork, which shares some of it, and writes to some. And what the lines must add up to.
 *
 * Not compared: soft-dirty bits (sd) and protection keys, which the lab has not. There are no huge
 * pages, and fault-around brings a page at a time, but for the case that is about it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define PAGES		1024UL		/* of the range that is looked at */
#define BLOCK		16UL		/* pages that a fault maps */

enum side { KERNEL, LAB, SIDES };
enum who { PARENT, CHILD, WHO };

static const char *const side_names[SIDES] = { "kernel", "lab" };
static const char *const who_names[WHO] = { "", ", its child" };

static struct machine machine;
static int session;
/* The session of this process; 0: a child's, not known yet. */
static uint32_t number;

static uint64_t place(enum side side, unsigned long page)
{
	return (side == LAB ? PLACE(1) : 0x200000000000UL) + page * PAGE;
}

/* What is freed lazily, and what is not yet, waits on a list of each CPU. */
static void drain(void)
{
	const int fd = (int)must(open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC), "drop_caches");

	must(write(fd, "1", 1), "drop_caches");
	close(fd);
}

/*
 * The operations.
 */

static void map(enum side side, unsigned long page, unsigned long pages, int prot, int flags)
{
	const uint64_t at = place(side, page);

	must(side == LAB ? lab_mmap(session, at, pages * PAGE, prot, FIXED | flags) :
	     syscall(SYS_mmap, at, pages * PAGE, prot, FIXED | flags, -1, 0), "mmap");
}

static void unmap(enum side side, unsigned long page, unsigned long pages)
{
	const uint64_t at = place(side, page);

	must(side == LAB ? lab_munmap(session, at, pages * PAGE) :
	     syscall(SYS_munmap, at, pages * PAGE), "munmap");
}

static void protect(enum side side, unsigned long page, unsigned long pages, int prot)
{
	const uint64_t at = place(side, page);

	must(side == LAB ? lab_mprotect(session, at, pages * PAGE, prot) :
	     syscall(SYS_mprotect, at, pages * PAGE, prot), "mprotect");
}

static void move(enum side side, unsigned long page, unsigned long pages, unsigned long to)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	const uint64_t at = place(side, page), length = pages * PAGE;

	must(side == LAB ? lab_mremap_to(session, at, length, length, flags, place(side, to)) :
	     syscall(SYS_mremap, at, length, length, flags, place(side, to)), "mremap");
}

static void advise(enum side side, unsigned long page, unsigned long pages, int advice)
{
	const uint64_t at = place(side, page);

	if (advice == MADV_FREE)
		drain();
	must(side == LAB ? lab_madvise(session, at, pages * PAGE, advice) :
	     syscall(SYS_madvise, at, pages * PAGE, advice), "madvise");
	if (advice == MADV_FREE)
		drain();
}

static void lock(enum side side, unsigned long page, unsigned long pages, int flags)
{
	const uint64_t at = place(side, page);

	must(side == LAB ? lab_mlock(session, at, pages * PAGE, flags) :
	     syscall(SYS_mlock2, at, pages * PAGE, flags), "mlock2");
}

static void write_pages(enum side side, unsigned long page, unsigned long pages)
{
	while (pages--)
		*(volatile char *)place(side, page++) = 1;
}

static void read_pages(enum side side, unsigned long page, unsigned long pages)
{
	while (pages--)
		(void)*(volatile char *)place(side, page++);
}

/*
 * What is compared.
 */

static void nothing(enum side side)
{
	(void)side;
}

static void untouched(enum side side)
{
	map(side, 0, 8, MODE_RW, 0);
	map(side, 8, 8, PROT_READ, 0);
}

static void touched(enum side side)
{
	map(side, 0, 64, MODE_RW, 0);
	write_pages(side, 3, 20);
	read_pages(side, 40, 10);
	write_pages(side, 45, 1);
}

static void protected(enum side side)
{
	map(side, 0, 64, MODE_RW, 0);
	write_pages(side, 0, 32);
	protect(side, 8, 4, PROT_READ);
	protect(side, 16, 4, PROT_NONE);
	protect(side, 24, 4, PROT_READ | PROT_EXEC);
	map(side, 100, 8, PROT_READ, 0);
	read_pages(side, 100, 4);
}

static void write_some(enum side side)
{
	write_pages(side, 5, 4);
	read_pages(side, 10, 4);
	write_pages(side, 60, 2);
}

static void given_up(enum side side)
{
	map(side, 0, 64, MODE_RW, 0);
	write_pages(side, 0, 40);
	advise(side, 10, 20, MADV_FREE);
	read_pages(side, 12, 3);
	write_pages(side, 20, 2);
}

static void removed(enum side side)
{
	map(side, 0, 64, MODE_RW, 0);
	write_pages(side, 0, 64);
	advise(side, 16, 16, MADV_DONTNEED);
	write_pages(side, 20, 1);
	unmap(side, 50, 4);
}

static void moved(enum side side)
{
	map(side, 0, 32, MODE_RW, 0);
	write_pages(side, 0, 10);
	read_pages(side, 10, 4);
	advise(side, 2, 2, MADV_FREE);
	move(side, 0, 16, 200);
	write_pages(side, 212, 2);
}

static void flagged(enum side side)
{
	static const int advices[] = {
		MADV_RANDOM, MADV_SEQUENTIAL, MADV_DONTFORK, MADV_DONTDUMP, MADV_WIPEONFORK,
		MADV_NOHUGEPAGE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		map(side, i * 8, 4, MODE_RW, 0);
		advise(side, i * 8, 4, advices[i]);
		write_pages(side, i * 8, 2);
	}
	map(side, 100, 4, MODE_RW, MAP_NORESERVE);
	map(side, 110, 4, MODE_RWX, 0);
	map(side, 120, 4, PROT_READ, 0);
	map(side, 140, 4, PROT_NONE, 0);
	map(side, 150, 4, MODE_RW, MAP_STACK);
}

static void locked(enum side side)
{
	map(side, 0, 32, MODE_RW, 0);
	write_pages(side, 0, 4);
	lock(side, 20, 8, MLOCK_ONFAULT);
	write_pages(side, 22, 2);
	map(side, 40, 8, MODE_RW, MAP_GROWSDOWN);
	write_pages(side, 44, 2);
}

/* No fork: the kernel's own reclaim may count what it populated as referenced in a child, too. */
static void populated(enum side side)
{
	locked(side);
	lock(side, 2, 8, 0);
	map(side, 0, 4, MODE_RW, MAP_POPULATE);
	map(side, 8, 4, PROT_READ, MAP_POPULATE);
}

/* Others come along with the first of each block, and are used. */
static void in_order(enum side side)
{
	if (side == LAB)
		fault_around(machine.id, BLOCK);
	map(side, 0, 6 * BLOCK, MODE_RW, 0);
	write_pages(side, 3, 4 * BLOCK);
	if (side == LAB)
		fault_around(machine.id, 1);
}

/* That came along, and was not used. */
static void far_apart(enum side side)
{
	if (side == LAB)
		fault_around(machine.id, BLOCK);
	map(side, 0, 6 * BLOCK, MODE_RW, 0);
	write_pages(side, 5, 1);
	write_pages(side, 5 + 3 * BLOCK, 1);
	if (side == LAB)
		fault_around(machine.id, 1);
}

static const struct {
	const char *name;
	void (*parent)(enum side side);
	void (*child)(enum side side);
} cases[] = {
	{ "nothing written", untouched, nothing },
	{ "written, read, untouched", touched, NULL },
	{ "shared by fork", touched, nothing },
	{ "shared by fork, and the child writes", touched, write_some },
	{ "protections", protected, NULL },
	{ "protections, and fork", protected, nothing },
	{ "MADV_FREE, then read and written", given_up, NULL },
	{ "MADV_FREE, and fork", given_up, nothing },
	{ "MADV_FREE, and the child writes", given_up, write_some },
	{ "MADV_DONTNEED and munmap", removed, NULL },
	{ "mremap", moved, NULL },
	{ "mremap, and fork", moved, nothing },
	{ "flags", flagged, NULL },
	{ "flags, and fork", flagged, nothing },
	{ "locked, and what grows down", locked, NULL },
	{ "locked, and fork", locked, nothing },
	{ "mlock and MAP_POPULATE", populated, NULL },
	{ "fault-around, in order", in_order, NULL },
	{ "fault-around, and fork", in_order, write_some },
	{ "fault-around, far apart", far_apart, NULL },
	{ "fault-around, far apart, and the child writes", far_apart, write_some },
};

/*
 * Texts.
 */

#define TEXT		(64 * KIB)

/* What each says of its own, written by itself. */
static struct shared {
	char text[WHO][SIDES][TEXT];
} *shared;

static const char *lab_file(const char *name)
{
	if (!number)
		number = session_of_self(machine.id);
	return session_file(machine.id, number, name);
}

static const char *smaps_of(enum side side)
{
	return side == LAB ? lab_file("smaps") : read_text("/proc/self/smaps");
}

/* A line, without what only the kernel has. Returns: its length. */
static size_t copy_line(char *to, const char *line, size_t length)
{
	size_t copied = 0;

	if (!strncmp(line, "ProtectionKey:", 14))
		return 0;
	while (length) {
		if (length >= 4 && !strncmp(line, " sd ", 4)) {
			line += 3;
			length -= 3;
		}
		to[copied++] = *line++;
		length--;
	}
	return copied;
}

/* Of smaps, what is about the range; its addresses from the beginning of that. */
static void take_text(enum who who, enum side side)
{
	char *to = shared->text[who][side];
	unsigned long start, end;
	bool inside = false;

	for (const char *line = smaps_of(side), *next; *line; line = next) {
		next = strchrnul(line, '\n') + 1;
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			inside = start >= place(side, 0) && start < place(side, PAGES);
			if (inside)
				to += sprintf(to, "%lx-%lx", start - place(side, 0),
					      end - place(side, 0));
			line = strchr(line, ' ');
		}
		if (inside)
			to += copy_line(to, line, (size_t)(next - line));
	}
	*to = '\0';
}

static void take_texts(enum who who)
{
	for (enum side side = 0; side < SIDES; side++)
		take_text(who, side);
}

static void diag_text(const char *text)
{
	for (const char *next; *text; text = next) {
		next = strchrnul(text, '\n');
		diag("%.*s", (int)(next - text), text);
		next += *next == '\n';
	}
}

static void compare_texts(enum who who, const char *name)
{
	const char *kernel = shared->text[who][KERNEL], *lab = shared->text[who][LAB];

	if (test(*kernel && !strcmp(kernel, lab), "%s%s: smaps is the same", name, who_names[who]))
		return;
	for (enum side side = 0; side < SIDES; side++) {
		diag("%s:", side_names[side]);
		diag_text(shared->text[who][side]);
	}
}

/*
 * Running.
 */

static struct gate ready, over;

static int child(void *arg)
{
	void (*const *fn)(enum side side) = arg;

	number = 0;
	for (enum side side = 0; side < SIDES; side++)
		(*fn)(side);
	take_texts(CHILD);
	gate_open(&ready, 1);
	gate_wait(&over);
	return 0;
}

static void clear(void)
{
	for (enum side side = 0; side < SIDES; side++)
		unmap(side, 0, PAGES);
}

static void run_case(size_t i)
{
	void (*fn)(enum side side) = cases[i].child;
	pid_t pid = 0;

	clear();
	for (enum side side = 0; side < SIDES; side++)
		cases[i].parent(side);
	if (fn) {
		pid = child_start(child, &fn);
		gate_wait(&ready);
	}
	take_texts(PARENT);
	compare_texts(PARENT, cases[i].name);
	if (!fn)
		return;
	gate_open(&over, 1);
	test_is(child_end(pid), 0, "%s: the child ends", cases[i].name);
	compare_texts(CHILD, cases[i].name);
}

/*
 * What the lines are, and what they add up to.
 */

/* The names of @text from @first to @last, each in a line. */
static void take_names(char *to, const char *text, const char *first, const char *last)
{
	bool inside = false;

	for (const char *next; *text; text = next) {
		const size_t length = strcspn(text, ":\n");

		next = strchrnul(text, '\n');
		next += *next == '\n';
		inside |= !strncmp(text, first, strlen(first));
		if (!inside)
			continue;
		to += sprintf(to, "%.*s\n", (int)length, text);
		if (!strncmp(text, last, strlen(last)))
			break;
	}
	*to = '\0';
}

static void test_names(const char *file, const char *first, const char *last)
{
	char path[64], kernel[4 * KIB], lab[4 * KIB];

	snprintf(path, sizeof(path), "/proc/self/%s", file);
	take_names(kernel, read_text(path), first, last);
	take_names(lab, lab_file(file), first, last);
	test(!strcmp(kernel, lab) && strstr(lab, last), "%s has the kernel's lines", file);
}

/* What the lines @name of @text add up to, in pages, and how many there are. */
static long sum_of(const char *text, const char *name, long *lines)
{
	const size_t length = strlen(name);
	long sum = 0;

	*lines = 0;
	for (const char *next; *text; text = next) {
		next = strchrnul(text, '\n');
		next += *next == '\n';
		if (strncmp(text, name, length) || text[length] != ':')
			continue;
		sum += strtol(text + length + 1, NULL, 10);
		++*lines;
	}
	return sum;
}

static void test_sums(void)
{
	static const char *const names[] = {
		"Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty", "Private_Clean",
		"Private_Dirty", "Referenced", "Anonymous", "LazyFree", "Locked",
	};
	static char smaps[TEXT];
	long vmas, one;

	clear();
	protected(LAB);
	map(LAB, 300, 20, MODE_RW, 0);
	write_pages(LAB, 300, 20);
	advise(LAB, 305, 3, MADV_FREE);
	strcpy(smaps, lab_file("smaps"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const long sum = sum_of(smaps, names[i], &vmas);

		test_is(sum_of(lab_file("smaps_rollup"), names[i], &one), sum,
			"%s: smaps adds up to smaps_rollup", names[i]);
	}
	test_is(vmas, 9, "of nine vmas");
	test_is(sum_of(lab_file("status"), "VmRSS", &one), sum_of(smaps, "Rss", &vmas),
		"and VmRSS of status");
	test_is(sum_of(lab_file("status"), "VmSize", &one), sum_of(smaps, "Size", &vmas),
		"and VmSize");
}

int main(void)
{
	begin_tests();
	catch_faults();
	must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "PR_SET_THP_DISABLE");
	shared = mmap(NULL, sizeof(*shared), MODE_RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bail("no memory");
	gate_make(&ready);
	gate_make(&over);
	machine = machine_new(16 * MIB);
	fault_around(machine.id, 1);
	session = (int)must(session_on(machine.id, 0, 0, &number), "SESSION_OPEN");
	window_map(session, WINDOW, MML_WINDOW_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run_case(i);
	test_names("smaps_rollup", "Rss", "Locked");
	test_names("status", "VmPeak", "VmSwap");
	test_sums();
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session);
	test(free_frames_become(machine.id, machine.frames), "every frame is back");
	test_valid("after all of that");
	machine_end(&machine);
	return done_testing();
}
