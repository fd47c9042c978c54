// SPDX-License-Identifier: GPL-2.0
/*
 * Every command of the device against every way to call it wrongly.
 *
 * A command is called with its number, direction, size, struct and file, each of them
 * made wrong in turn. Each wrong call must fail with its own errno and change nothing:
 * no machine, no file, no session, no block, no mapping more or less than before.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "lab.h"

enum kind { CONTROL, MACHINE, JOB, SESSION, KINDS };

static const char * const kind_names[KINDS] = { "control", "machine", "job", "session" };

#define ON(kind)	(1U << (kind))
#define ANY		(ON(CONTROL) | ON(MACHINE) | ON(JOB) | ON(SESSION))

/* The largest struct that a command's number can tell of. */
#define LARGEST		((1UL << _IOC_SIZEBITS) - 1)

/* The files that all of this happens on, and the page that is mapped in the window. */
static int files[KINDS];
static struct machine machine;
static uint32_t job, session;

#define MAPPED		PLACE(1)
#define STRUCTS		PLACE(2)	/* pages for structs in the window */
#define EMPTY		PLACE(3)

/**
 * struct command - a command, and how to call it rightly
 * @name: its name
 * @cmd: its number
 * @kinds: files that take it
 * @kind: the file to call it on
 * @fill: makes a zeroed struct a good one
 * @want: what the good call returns
 * @clean: takes back what the good call made
 */
struct command {
	const char *name;
	unsigned int cmd;
	unsigned int kinds;
	enum kind kind;
	void (*fill)(void *arg);
	int want;
	void (*clean)(const void *arg);
};

static void fill_info(void *arg)
{
	((struct mml_info *)arg)->machine = machine.id;
}

static void fill_create(void *arg)
{
	((struct mml_machine_create *)arg)->bytes = 64 * PAGE;
}

static void clean_create(const void *arg)
{
	close(((const struct mml_machine_create *)arg)->fd);
}

static void fill_destroy(void *arg)
{
	((struct mml_machine_destroy *)arg)->machine = 0xfffffff0;
}

static void fill_nothing(void *arg)
{
	(void)arg;
}

static void fill_validate(void *arg)
{
	((struct mml_validate *)arg)->machine = machine.id;
}

static void fill_job(void *arg)
{
	((struct mml_job_create *)arg)->machine = machine.id;
}

static void clean_job(const void *arg)
{
	close(((const struct mml_job_create *)arg)->fd);
}

static void fill_open(void *arg)
{
	((struct mml_session_open *)arg)->machine = machine.id;
}

static void clean_open(const void *arg)
{
	close(((const struct mml_session_open *)arg)->fd);
}

/* Armed, but so that it never fires. */
static void fill_fail_nth(void *arg)
{
	struct mml_fail_nth *args = arg;

	args->nth = 1ULL << 40;
	args->machine = machine.id;
}

static void clean_fail_nth(const void *arg)
{
	struct mml_fail_nth none = { .machine = machine.id };

	(void)arg;
	must(lab_ioctl(files[CONTROL], MML_IOC_FAIL_NTH, &none), "FAIL_NTH");
}

static void clean_block(const void *arg)
{
	block_free(files[SESSION], ((const struct mml_block_alloc *)arg)->handle);
}

static void fill_explain(void *arg)
{
	((struct mml_explain *)arg)->machine = machine.id;
}

static void fill_free(void *arg)
{
	((struct mml_block_free *)arg)->handle = 12345;
}

static void fill_cache(void *arg)
{
	struct mml_cache_create *args = arg;

	snprintf(args->name, sizeof(args->name), "hostile");
	args->object_size = 100;
}

static void clean_cache(const void *arg)
{
	struct mml_cache_destroy args = { .cache = ((const struct mml_cache_create *)arg)->cache };

	must(lab_ioctl(files[SESSION], MML_IOC_CACHE_DESTROY, &args), "CACHE_DESTROY");
}

static void fill_cache_alloc(void *arg)
{
	struct mml_cache_alloc *args = arg;

	args->cache = 12345;
	args->count = 1;
}

static void fill_cache_free(void *arg)
{
	struct mml_cache_free *args = arg;

	args->cache = 12345;
	args->count = 1;
}

static void fill_mmap(void *arg)
{
	struct mml_mmap_args *args = arg;

	args->length = PAGE;
	args->prot = MODE_RW;
	args->flags = MAP_PRIVATE | MAP_ANONYMOUS;
}

static void clean_mmap(const void *arg)
{
	lab_munmap(files[SESSION], ((const struct mml_mmap_args *)arg)->addr, PAGE);
}

static void fill_munmap(void *arg)
{
	struct mml_munmap_args *args = arg;

	args->addr = EMPTY;
	args->length = PAGE;
}

static void fill_mprotect(void *arg)
{
	struct mml_mprotect_args *args = arg;

	args->addr = MAPPED;
	args->length = PAGE;
	args->prot = MODE_RW;
}

static void fill_mremap(void *arg)
{
	struct mml_mremap_args *args = arg;

	args->addr = MAPPED;
	args->old_length = PAGE;
	args->new_length = PAGE;
}

static void fill_madvise(void *arg)
{
	struct mml_madvise_args *args = arg;

	args->addr = MAPPED;
	args->length = PAGE;
	args->advice = MADV_NORMAL;
}

static unsigned char resident[1];

static void fill_mincore(void *arg)
{
	struct mml_mincore_args *args = arg;

	args->addr = MAPPED;
	args->length = PAGE;
	args->vec = (uintptr_t)resident;
}

static void fill_msync(void *arg)
{
	struct mml_msync_args *args = arg;

	args->addr = MAPPED;
	args->length = PAGE;
	args->flags = MS_SYNC;
}

static void fill_mlock(void *arg)
{
	struct mml_mlock_args *args = arg;

	args->addr = MAPPED;
	args->length = PAGE;
	args->flags = MLOCK_ONFAULT;
}

static void fill_munlock(void *arg)
{
	struct mml_munlock_args *args = arg;

	args->addr = MAPPED;
	args->length = PAGE;
}

static const struct command commands[] = {
	{ "GET_INFO", MML_IOC_GET_INFO, ANY, CONTROL, fill_info, 0, NULL },
	{ "MACHINE_CREATE", MML_IOC_MACHINE_CREATE, ON(CONTROL), CONTROL, fill_create, 0,
	  clean_create },
	{ "MACHINE_DESTROY", MML_IOC_MACHINE_DESTROY, ON(CONTROL) | ON(MACHINE), CONTROL,
	  fill_destroy, -ENXIO, NULL },
	{ "MACHINE_VERDICT", MML_IOC_MACHINE_VERDICT, ON(MACHINE), MACHINE, fill_nothing, -EBUSY,
	  NULL },
	{ "VALIDATE", MML_IOC_VALIDATE, ANY, CONTROL, fill_validate, 0, NULL },
	{ "JOB_CREATE", MML_IOC_JOB_CREATE, ON(CONTROL), CONTROL, fill_job, 0, clean_job },
	{ "JOB_STAT", MML_IOC_JOB_STAT, ON(JOB), JOB, fill_nothing, 0, NULL },
	{ "SESSION_OPEN", MML_IOC_SESSION_OPEN, ON(CONTROL), CONTROL, fill_open, 0, clean_open },
	{ "SESSION_NOTE", MML_IOC_SESSION_NOTE, ON(SESSION), SESSION, fill_nothing, 0, NULL },
	{ "EXPLAIN", MML_IOC_EXPLAIN, ANY, CONTROL, fill_explain, 0, NULL },
	{ "FAIL_NTH", MML_IOC_FAIL_NTH, ON(CONTROL) | ON(SESSION), CONTROL, fill_fail_nth, 0,
	  clean_fail_nth },
	{ "BLOCK_ALLOC", MML_IOC_BLOCK_ALLOC, ON(SESSION), SESSION, fill_nothing, 0, clean_block },
	{ "BLOCK_FREE", MML_IOC_BLOCK_FREE, ON(SESSION), SESSION, fill_free, -EBADF, NULL },
	{ "CACHE_CREATE", MML_IOC_CACHE_CREATE, ON(SESSION), SESSION, fill_cache, 0, clean_cache },
	{ "CACHE_DESTROY", MML_IOC_CACHE_DESTROY, ON(SESSION), SESSION, fill_nothing, -EBADF, NULL },
	{ "CACHE_ALLOC", MML_IOC_CACHE_ALLOC, ON(SESSION), SESSION, fill_cache_alloc, -EBADF, NULL },
	{ "CACHE_FREE", MML_IOC_CACHE_FREE, ON(SESSION), SESSION, fill_cache_free, -EBADF, NULL },
	{ "CACHE_SHRINK", MML_IOC_CACHE_SHRINK, ON(SESSION), SESSION, fill_nothing, -EBADF, NULL },
	{ "CACHE_VALIDATE", MML_IOC_CACHE_VALIDATE, ON(SESSION), SESSION, fill_nothing, -EBADF,
	  NULL },
	{ "MMAP", MML_IOC_MMAP, ON(SESSION), SESSION, fill_mmap, 0, clean_mmap },
	{ "MUNMAP", MML_IOC_MUNMAP, ON(SESSION), SESSION, fill_munmap, 0, NULL },
	{ "MPROTECT", MML_IOC_MPROTECT, ON(SESSION), SESSION, fill_mprotect, 0, NULL },
	{ "MREMAP", MML_IOC_MREMAP, ON(SESSION), SESSION, fill_mremap, 0, NULL },
	{ "MADVISE", MML_IOC_MADVISE, ON(SESSION), SESSION, fill_madvise, 0, NULL },
	{ "MINCORE", MML_IOC_MINCORE, ON(SESSION), SESSION, fill_mincore, 0, NULL },
	{ "MSYNC", MML_IOC_MSYNC, ON(SESSION), SESSION, fill_msync, 0, NULL },
	{ "MLOCK", MML_IOC_MLOCK, ON(SESSION), SESSION, fill_mlock, 0, NULL },
	{ "MUNLOCK", MML_IOC_MUNLOCK, ON(SESSION), SESSION, fill_munlock, 0, NULL },
	{ "MLOCKALL", MML_IOC_MLOCKALL, ON(SESSION), SESSION, fill_nothing, 0, NULL },
	{ "BRK", MML_IOC_BRK, ON(SESSION), SESSION, fill_nothing, 0, NULL },
};

static const struct command * const commands_end = commands + ARRAY_SIZE(commands);

/*
 * What must not change.
 */

struct census {
	unsigned int machines;
	unsigned int holders;
	unsigned int descriptors;
	uint64_t free;
	uint64_t maps;		/* a sum over the text */
};

static struct census take_census(void)
{
	struct census census = { .descriptors = count_descriptors() };
	const char *maps = session_file(machine.id, session, "maps");
	struct mml_info info;

	for (uint32_t next = 0; !lab_info(next, MML_INFO_NEXT, &info); next = info.machine + 1) {
		census.machines++;
		census.holders += info.holders;
		census.free += info.free_frames;
	}
	while (*maps)
		census.maps = census.maps * 31 + (unsigned char)*maps++;
	return census;
}

static struct census before;

static bool same(const struct census *one, const struct census *other)
{
	return one->machines == other->machines && one->holders == other->holders &&
	       one->descriptors == other->descriptors && one->free == other->free &&
	       one->maps == other->maps;
}

/* What did change is told once. */
static bool unchanged(void)
{
	const struct census after = take_census();

	if (same(&before, &after))
		return true;
	diag("before: %u machines, %u holders, %u descriptors, %" PRIu64 " free, maps %" PRIx64,
	     before.machines, before.holders, before.descriptors, before.free, before.maps);
	diag("after:  %u machines, %u holders, %u descriptors, %" PRIu64 " free, maps %" PRIx64,
	     after.machines, after.holders, after.descriptors, after.free, after.maps);
	before = after;
	return false;
}

/*
 * Calls, made wrong one by one.
 */

/* Bytes enough for any size, zeroed and then filled for the command. */
static unsigned char *good_struct(const struct command *c)
{
	static unsigned char bytes[LARGEST] __attribute__((aligned(8)));

	memset(bytes, 0, sizeof(bytes));
	c->fill(bytes);
	return bytes;
}

static unsigned int resized(const struct command *c, size_t size)
{
	return (unsigned int)_IOC(_IOC_DIR(c->cmd), MML_IOC_TYPE, _IOC_NR(c->cmd), size);
}

/* Call; whether it returned what it should, having been cleaned up after. */
static bool returns(const struct command *c, unsigned int cmd, void *arg, int want)
{
	const int got = lab_ioctl(files[c->kind], cmd, arg);

	if (!got && c->clean)
		c->clean(arg);
	if (got == want)
		return true;
	diag("%s, number 0x%x, size %u, struct at %p: got %d, wanted %d", c->name, cmd,
	     _IOC_SIZE(cmd), arg, got, want);
	return false;
}

static void test_good(const struct command *c)
{
	test(returns(c, c->cmd, good_struct(c), c->want) & unchanged(), "%s: a good call", c->name);
}

static void test_kinds(const struct command *c)
{
	struct command elsewhere = *c;
	bool good = true;

	for (enum kind kind = 0; kind < KINDS; kind++) {
		elsewhere.kind = kind;
		if (!(c->kinds & ON(kind)))
			good &= returns(&elsewhere, c->cmd, good_struct(c), -ENOTTY);
		else if (c->kinds == ANY)
			good &= returns(&elsewhere, c->cmd, good_struct(c), c->want);
	}
	test(good & unchanged(), "%s: %s", c->name,
	     c->kinds == ANY ? "on files of all kinds" : "ENOTTY on files of other kinds");
}

static void test_directions(const struct command *c)
{
	bool good = true;

	for (unsigned int dir = 0; dir < 4; dir++) {
		const unsigned int cmd = (unsigned int)_IOC(dir, MML_IOC_TYPE, _IOC_NR(c->cmd),
							    _IOC_SIZE(c->cmd));

		if (dir != _IOC_DIR(c->cmd))
			good &= returns(c, cmd, good_struct(c), -ENOTTY);
	}
	test(good & unchanged(), "%s: ENOTTY with another direction", c->name);
}

/* Of the struct in its first version; those that have grown since are named here. */
static size_t first_size(const struct command *c)
{
	switch (c->cmd) {
	case MML_IOC_GET_INFO:
		return offsetof(struct mml_info, spanned);
	case MML_IOC_MACHINE_CREATE:
		return offsetof(struct mml_machine_create, nodes);
	default:
		return _IOC_SIZE(c->cmd);
	}
}

static void test_short(const struct command *c)
{
	const size_t first = first_size(c);
	bool good = true;

	for (size_t size = 0; size < _IOC_SIZE(c->cmd); size++)
		good &= returns(c, resized(c, size), good_struct(c),
				size < first ? -EINVAL : c->want);
	test(good & unchanged(), "%s: EINVAL for every struct smaller than the first",
	     c->name);
}

/* What is only written to is not read: what is behind it becomes zero. */
static bool takes_longer(const struct command *c, size_t size, size_t odd_byte)
{
	const size_t own = _IOC_SIZE(c->cmd);
	unsigned char *bytes = good_struct(c);

	bytes[odd_byte] = 0x80;
	if (_IOC_DIR(c->cmd) & _IOC_WRITE)
		return returns(c, resized(c, size), bytes, -E2BIG);
	return returns(c, resized(c, size), bytes, c->want) &&
	       (c->want || all_bytes(bytes + own, size - own, 0));
}

static void test_long(const struct command *c)
{
	const size_t own = _IOC_SIZE(c->cmd);
	const size_t sizes[] = { own + 1, own + 8, 1280, 1281, PAGE, PAGE + 1, LARGEST };
	bool zeros = true, others = true;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		zeros &= returns(c, resized(c, sizes[i]), good_struct(c), c->want);
		others &= takes_longer(c, sizes[i], own);
		others &= takes_longer(c, sizes[i], sizes[i] - 1);
	}
	test(zeros & unchanged(), "%s: a longer struct of zeros is taken", c->name);
	test(others & unchanged(), "%s: %s a longer struct of anything else", c->name,
	     _IOC_DIR(c->cmd) & _IOC_WRITE ? "E2BIG for" : "zeros are put behind in");
}

/* Two pages of the kernel's, the second of which is not there. */
static unsigned char *page_before_nothing(int prot)
{
	unsigned char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || munmap(page + PAGE, PAGE) || mprotect(page, PAGE, prot))
		bail("no page");
	return page;
}

static void test_pointers(const struct command *c)
{
	static void * const wild[] = {
		NULL, (void *)1, (void *)0xdead0000, (void *)-1L, (void *)-4096L,
		(void *)0xffff888000000000, (void *)0xffffffff81000000,
		(void *)0x8000000000000000, (void *)0x7ffffffff000, (void *)EMPTY,
	};
	const size_t size = _IOC_SIZE(c->cmd);
	unsigned char *page = page_before_nothing(MODE_RW);
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++)
		good &= returns(c, c->cmd, wild[i], -EFAULT);
	for (size_t inside = 1; inside < size; inside++) {
		memcpy(page + PAGE - inside, good_struct(c), inside);
		good &= returns(c, c->cmd, page + PAGE - inside, -EFAULT);
	}
	memcpy(page + PAGE - size, good_struct(c), size);
	good &= returns(c, resized(c, size + 1), page + PAGE - size, -EFAULT);
	test(good & unchanged(), "%s: EFAULT for a bad pointer, and nothing changes", c->name);

	good = returns(c, c->cmd, page + PAGE - size, c->want);
	test(good & unchanged(), "%s: a struct that ends where memory does", c->name);
	munmap(page, PAGE);
}

static void test_protected(const struct command *c)
{
	const int read_only = _IOC_DIR(c->cmd) & _IOC_READ ? -EFAULT : c->want;
	unsigned char *page = page_before_nothing(MODE_RW);
	bool good;

	memcpy(page, good_struct(c), _IOC_SIZE(c->cmd));
	mprotect(page, PAGE, PROT_READ);
	good = returns(c, c->cmd, page, read_only);
	test(good & unchanged(), "%s: %s a struct that cannot be written", c->name,
	     read_only == -EFAULT ? "EFAULT for" : "needs no more than");

	mprotect(page, PAGE, PROT_NONE);
	good = returns(c, c->cmd, page, -EFAULT);
	test(good & unchanged(), "%s: EFAULT for a struct that cannot be read", c->name);
	munmap(page, PAGE);
}

/* Unaligned, and across two pages of the window. */
static void test_in_window(const struct command *c)
{
	unsigned char *at = (unsigned char *)STRUCTS + PAGE - 3;
	bool good;

	memcpy(at, good_struct(c), _IOC_SIZE(c->cmd));
	good = returns(c, c->cmd, at, c->want);
	test(good & unchanged(), "%s: a struct in the window", c->name);
}

static void test_command(const struct command *c)
{
	test_good(c);
	test_kinds(c);
	test_directions(c);
	test_short(c);
	test_long(c);
	test_pointers(c);
	test_protected(c);
	test_in_window(c);
}

/*
 * Numbers that are no command's.
 */

static bool is_command(unsigned int nr, unsigned int dir)
{
	const struct command *c;

	for (c = commands; c < commands_end; c++) {
		if (_IOC_NR(c->cmd) == nr && _IOC_DIR(c->cmd) == dir)
			return true;
	}
	return false;
}

static void test_unknown_numbers(void)
{
	static uint64_t arg[32];
	bool good = true;

	for (unsigned int i = 0; i < KINDS * 256 * 4; i++) {
		const unsigned int kind = i % KINDS, nr = i / KINDS % 256, dir = i / KINDS / 256;
		const unsigned int cmd = (unsigned int)_IOC(dir, MML_IOC_TYPE, nr, sizeof(arg));
		int got;

		if (is_command(nr, dir))
			continue;
		got = lab_ioctl(files[kind], cmd, arg);
		if (got != -ENOTTY)
			diag("number 0x%x on a %s file: %d", cmd, kind_names[kind], got);
		good &= got == -ENOTTY;
	}
	test(good & unchanged(), "ENOTTY for every number that is no command's");
}

static void test_unknown_types(void)
{
	const struct command *c;
	bool good = true;

	for (c = commands; c < commands_end; c++) {
		for (unsigned int type = 0; type < 256; type++) {
			const unsigned int cmd = (unsigned int)_IOC(_IOC_DIR(c->cmd), type,
								    _IOC_NR(c->cmd),
								    _IOC_SIZE(c->cmd));

			if (type != MML_IOC_TYPE)
				good &= returns(c, cmd, good_struct(c), -ENOTTY);
		}
	}
	test(good & unchanged(), "ENOTTY for every command with another type");
}

/*
 * Fields that must be zero, flags that are none.
 */

#define FIELD(command, type, field)	{ #command " with " #field, MML_IOC_##command, \
					  offsetof(struct type, field) }

static const struct {
	const char *name;
	unsigned int cmd;
	size_t offset;
} zero_fields[] = {
	FIELD(GET_INFO, mml_info, pad),
	FIELD(MACHINE_CREATE, mml_machine_create, pad),
	FIELD(MACHINE_DESTROY, mml_machine_destroy, pad),
	FIELD(VALIDATE, mml_validate, pad),
	FIELD(JOB_CREATE, mml_job_create, pad),
	FIELD(EXPLAIN, mml_explain, pad),
	FIELD(FAIL_NTH, mml_fail_nth, pad),
	FIELD(BLOCK_FREE, mml_block_free, pad),
	FIELD(CACHE_DESTROY, mml_cache_destroy, pad),
	FIELD(CACHE_FREE, mml_cache_free, pad),
	FIELD(CACHE_SHRINK, mml_cache_shrink, pad),
	FIELD(CACHE_VALIDATE, mml_cache_validate, pad),
	FIELD(MPROTECT, mml_mprotect_args, pad),
	FIELD(MREMAP, mml_mremap_args, pad),
	FIELD(MADVISE, mml_madvise_args, pad),
	FIELD(MSYNC, mml_msync_args, pad),
	FIELD(MLOCK, mml_mlock_args, pad),
	FIELD(MLOCKALL, mml_mlockall_args, pad),
};

/* Bits that are no flag, in the 32-bit words that hold flags. */
static const struct {
	const char *name;
	unsigned int cmd;
	size_t offset;
	uint32_t known;
} flag_fields[] = {
	{ "GET_INFO", MML_IOC_GET_INFO, offsetof(struct mml_info, flags), MML_INFO_NEXT },
	{ "MACHINE_CREATE", MML_IOC_MACHINE_CREATE, offsetof(struct mml_machine_create, flags),
	  MML_MACHINE_KEEP | MML_MACHINE_NO_PCP | MML_MACHINE_NO_GROUPING |
	  MML_MACHINE_NO_WATERMARKS | MML_MACHINE_PAGE_OWNER | MML_MACHINE_PAGE_POISON |
	  MML_MACHINE_INIT_ON_FREE },
	{ "EXPLAIN", MML_IOC_EXPLAIN, offsetof(struct mml_explain, flags), 0 },
	{ "EXPLAIN's kind", MML_IOC_EXPLAIN, offsetof(struct mml_explain, kind), 1 },
	{ "BLOCK_ALLOC", MML_IOC_BLOCK_ALLOC, offsetof(struct mml_block_alloc, flags),
	  MML_BLOCK_ZERO | MML_BLOCK_MOVABLE | MML_BLOCK_RECLAIMABLE | MML_BLOCK_DMA |
	  MML_BLOCK_DMA32 | MML_BLOCK_HIGHMEM | MML_BLOCK_HIGH | MML_BLOCK_NOWAIT |
	  MML_BLOCK_NORETRY | MML_BLOCK_RETRY_MAYFAIL | MML_BLOCK_THISNODE },
	{ "CACHE_CREATE", MML_IOC_CACHE_CREATE, offsetof(struct mml_cache_create, flags),
	  MML_CACHE_HWCACHE_ALIGN | MML_CACHE_RECLAIM | MML_CACHE_DMA | MML_CACHE_TYPESAFE |
	  MML_CACHE_NO_MERGE | MML_CACHE_KMALLOC | MML_CACHE_CHECKS | MML_CACHE_RED_ZONE |
	  MML_CACHE_POISON | MML_CACHE_STORE_USER | MML_CACHE_SHUFFLE },
	{ "CACHE_CREATE's path", MML_IOC_CACHE_CREATE, offsetof(struct mml_cache_create, path), 1 },
	{ "CACHE_ALLOC", MML_IOC_CACHE_ALLOC, offsetof(struct mml_cache_alloc, flags),
	  MML_CACHE_ZERO | MML_CACHE_NOWAIT },
	{ "CACHE_FREE", MML_IOC_CACHE_FREE, offsetof(struct mml_cache_free, flags),
	  MML_CACHE_RANDOM },
	{ "MPROTECT's prot", MML_IOC_MPROTECT, offsetof(struct mml_mprotect_args, prot),
	  MODE_RWX | 8 /* PROT_SEM */ },
};

static const struct command *command_of(unsigned int cmd)
{
	const struct command *c;

	for (c = commands; c < commands_end; c++) {
		if (c->cmd == cmd)
			return c;
	}
	bail("no command 0x%x", cmd);
}

static void set_word(unsigned char *bytes, size_t offset, uint32_t value)
{
	memcpy(bytes + offset, &value, sizeof(value));
}

static void test_zero_fields(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(zero_fields); i++) {
		const struct command *c = command_of(zero_fields[i].cmd);
		bool good = true;

		for (unsigned int bit = 0; bit < 32; bit += 31) {
			unsigned char *bytes = good_struct(c);

			set_word(bytes, zero_fields[i].offset, 1U << bit);
			good &= returns(c, c->cmd, bytes, -EINVAL);
		}
		test(good & unchanged(), "EINVAL for %s that is not zero", zero_fields[i].name);
	}
}

static void test_flag_fields(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_fields); i++) {
		const struct command *c = command_of(flag_fields[i].cmd);
		bool good = true;

		for (unsigned int bit = 0; bit < 32; bit++) {
			unsigned char *bytes = good_struct(c);

			if (flag_fields[i].known & 1U << bit)
				continue;
			set_word(bytes, flag_fields[i].offset, 1U << bit);
			good &= returns(c, c->cmd, bytes, -EINVAL);
		}
		test(good & unchanged(), "%s: EINVAL for bits that mean nothing",
		     flag_fields[i].name);
	}
}

/*
 * Which caches are debugged: a text.
 */

/* Whether a machine with this text, which may have no end, is refused or not. */
static bool slab_debug_returns(const char *text, size_t length, int want)
{
	const struct command *c = command_of(MML_IOC_MACHINE_CREATE);
	struct mml_machine_create *args = (struct mml_machine_create *)good_struct(c);

	memcpy(args->slab_debug, text, length);
	if (returns(c, c->cmd, args, want))
		return true;
	diag("slab_debug: %.*s", (int)length, text);
	return false;
}

static void test_slab_debug(void)
{
	static const char *const bad[] = {
		"A", "a", " ", "0", "fzpu", "F Z", "FZPUX", "FZPU\n", "F;x,pearls", "F,pearls;x",
		"-;;FZ;=,pearls", "\377", "%s%s%s%n", "*", "(",
	};
	static const char *const good[] = {
		"F", "Z", "P", "U", "-", "O", "FZPU", "FFFF", ";", ";;", ",", "-,", "Z,x;", "F,*,?,[",
	};
	char text[MML_SLAB_DEBUG_LEN];
	bool as_wanted = true;

	memset(text, 'F', sizeof(text));
	test(slab_debug_returns(text, sizeof(text), -EINVAL) & unchanged(),
	     "MACHINE_CREATE: EINVAL for a slab_debug that does not end");
	text[sizeof(text) - 1] = '\0';
	test(slab_debug_returns(text, sizeof(text), 0) & unchanged(),
	     "MACHINE_CREATE: the longest there can be");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		as_wanted &= slab_debug_returns(bad[i], strlen(bad[i]), -EINVAL);
	test(as_wanted & unchanged(), "MACHINE_CREATE: EINVAL for a slab_debug that cannot be read");
	as_wanted = true;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		as_wanted &= slab_debug_returns(good[i], strlen(good[i]), 0);
	test(as_wanted & unchanged(), "MACHINE_CREATE: but not for one that can");
}

/*
 * Caches.
 */

/* So many a session may have. */
#define MOST_CACHES	1024

static int make_cache(int fd, uint32_t flags, uint32_t *cache)
{
	struct mml_cache_create args = { .flags = flags };
	int ret;

	fill_cache(&args);
	ret = lab_ioctl(fd, MML_IOC_CACHE_CREATE, &args);
	*cache = args.cache;
	return ret;
}

static int validate_cache(int fd, uint32_t cache, uint64_t *wrong)
{
	struct mml_cache_validate args = { .cache = cache, .wrong = 12345 };
	const int ret = lab_ioctl(fd, MML_IOC_CACHE_VALIDATE, &args);

	*wrong = args.wrong;
	return ret;
}

static int destroy_cache(int fd, uint32_t cache)
{
	struct mml_cache_destroy args = { .cache = cache };

	return lab_ioctl(fd, MML_IOC_CACHE_DESTROY, &args);
}

static void test_validate_cache(void)
{
	struct mml_cache_alloc objects = { .count = 10 };
	struct mml_cache_free back = { .count = 10 };
	const int other = session_new(machine.id);
	uint64_t wrong;
	uint32_t cache;

	must(make_cache(files[SESSION], MML_CACHE_RED_ZONE | MML_CACHE_CHECKS, &cache),
	     "CACHE_CREATE");
	objects.cache = back.cache = cache;
	must(lab_ioctl(files[SESSION], MML_IOC_CACHE_ALLOC, &objects), "CACHE_ALLOC");
	test_is(validate_cache(files[SESSION], cache, &wrong), 0, "CACHE_VALIDATE: a debugged one");
	test_is((long)wrong, 0, "nothing is wrong with its objects");
	test_is(validate_cache(files[SESSION], cache + 1, &wrong), -EBADF,
		"CACHE_VALIDATE: EBADF for a number that is none");
	test_is(validate_cache(other, cache, &wrong), -EBADF, "for another session's");
	must(lab_ioctl(files[SESSION], MML_IOC_CACHE_FREE, &back), "CACHE_FREE");
	must(destroy_cache(files[SESSION], cache), "CACHE_DESTROY");
	test_is(validate_cache(files[SESSION], cache, &wrong), -EBADF, "for one that is gone");
	close(other);
	test(unchanged(), "nothing is left of it");
}

/* kmalloc is debugged by its machine, and by nobody else. */
static void test_debugged_kmalloc(void)
{
	static const uint32_t flags[] = {
		MML_CACHE_CHECKS, MML_CACHE_RED_ZONE, MML_CACHE_POISON, MML_CACHE_STORE_USER,
	};
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct mml_cache_create args = { .object_size = 100,
						 .flags = MML_CACHE_KMALLOC | flags[i] };

		good &= lab_ioctl(files[SESSION], MML_IOC_CACHE_CREATE, &args) == -EINVAL;
	}
	test(good & unchanged(), "CACHE_CREATE: EINVAL for kmalloc that is to be debugged");
}

static void test_most_caches(void)
{
	const int fd = session_new(machine.id), other = session_new(machine.id);
	uint32_t first = 0, cache;
	unsigned int made = 0;
	int ret;

	while (!(ret = make_cache(fd, 0, &cache)) && made <= MOST_CACHES) {
		if (!made++)
			first = cache;
	}
	test_is(made, MOST_CACHES, "CACHE_CREATE: a session can have so many caches");
	test_is(ret, -ENOSPC, "ENOSPC for one more");
	test_is(make_cache(fd, MML_CACHE_RED_ZONE, &cache), -ENOSPC, "for a debugged one, too");
	test_is(make_cache(other, 0, &cache), 0, "another session can have one");
	test_is(destroy_cache(fd, first), 0, "if one goes");
	test_is(make_cache(fd, 0, &cache), 0, "there is room for another");
	test_is(make_cache(fd, 0, &cache), -ENOSPC, "but not for two");
	close(fd);
	close(other);
	test(unchanged(), "they go with their session");
}

/*
 * A struct that can be read and then not be written any more: what the call made has
 * to be undone.
 */

static bool racing;

static void *flip_protection(void *page)
{
	while (__atomic_load_n(&racing, __ATOMIC_RELAXED)) {
		mprotect(page, PAGE, PROT_READ);
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/* The page may be read-only just now: through /proc, one may write to it all the same. */
static void write_struct(int memory, unsigned char *at, const struct command *c)
{
	const size_t size = _IOC_SIZE(c->cmd);

	if (pwrite(memory, good_struct(c), size, (off_t)(uintptr_t)at) != (ssize_t)size)
		bail("/proc/self/mem cannot be written");
}

static void race(const struct command *c, int memory, unsigned char *page)
{
	unsigned int done = 0, faults = 0, others = 0;

	for (unsigned int i = 0; i < 300; i++) {
		int got;

		write_struct(memory, page, c);
		got = lab_ioctl(files[c->kind], c->cmd, page);
		if (!got)
			c->clean(page);
		done += !got;
		faults += got == -EFAULT;
		others += got && got != -EFAULT;
	}
	test(!others & unchanged(), "%s: undone when its result cannot be written", c->name);
	diag("%u were done, %u were EFAULT, %u something else", done, faults, others);
}

static void test_races(void)
{
	const int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	unsigned char *page = page_before_nothing(MODE_RW);
	const struct command *c;
	pthread_t thread;

	before = take_census();
	__atomic_store_n(&racing, true, __ATOMIC_RELAXED);
	pthread_create(&thread, NULL, flip_protection, page);
	for (c = commands; c < commands_end; c++) {
		if (c->clean)
			race(c, memory, page);
	}
	__atomic_store_n(&racing, false, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	munmap(page, PAGE);
	close(memory);
}

/* The call itself makes the page of its struct read-only, so surely after reading. */
static void test_own_page(void)
{
	struct mml_mmap_args *args = (struct mml_mmap_args *)STRUCTS;

	*args = (struct mml_mmap_args){
		.addr = STRUCTS, .length = PAGE, .prot = PROT_READ,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	};
	test_is(lab_ioctl(files[SESSION], MML_IOC_MMAP, args), -EFAULT,
		"MMAP: EFAULT when it takes the page that its result belongs in");
	test_probe(READ, STRUCTS, SEGV_MAPERR, "and what it mapped is unmapped again");
	test_is(lab_mmap(files[SESSION], STRUCTS, PAGE, MODE_RW,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
		STRUCTS, "the page can be mapped again");
}

/*
 * Structs in the window, for calls that change that very page.
 */

static void test_untouched(void)
{
	struct mml_block_alloc *block = (struct mml_block_alloc *)(STRUCTS + PAGE);
	struct mml_info *info = (struct mml_info *)(STRUCTS + PAGE);
	const uint64_t free = free_frames(machine.id);

	lab_madvise(files[SESSION], STRUCTS + PAGE, PAGE, MADV_DONTNEED);
	test_is(lab_ioctl(files[SESSION], MML_IOC_BLOCK_ALLOC, block), 0,
		"BLOCK_ALLOC: a struct in a page that was never touched");
	test(block->handle, "its handle is there");
	test_is(block_free(files[SESSION], block->handle), 0, "and good");

	lab_madvise(files[SESSION], STRUCTS + PAGE, PAGE, MADV_DONTNEED);
	test_is(lab_ioctl(files[SESSION], MML_IOC_GET_INFO, info), 0,
		"GET_INFO: a struct in a page that was never touched");
	test_is(info->page_size, PAGE, "it is filled in");
	test(free_frames(machine.id) == free, "no frame more is in use than before");
}

static void test_unmaps_itself(void)
{
	struct mml_munmap_args *args = (struct mml_munmap_args *)(STRUCTS + PAGE);

	*args = (struct mml_munmap_args){ .addr = STRUCTS + PAGE, .length = PAGE };
	test_is(lab_ioctl(files[SESSION], MML_IOC_MUNMAP, args), 0,
		"MUNMAP: a struct in the page that it unmaps");
	test_probe(READ, STRUCTS + PAGE, SEGV_MAPERR, "the page is gone");
	must(lab_mmap(files[SESSION], STRUCTS + PAGE, PAGE, MODE_RW,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE), "mmap");
}

static void test_changes_itself(void)
{
	struct mml_madvise_args *advise = (struct mml_madvise_args *)(STRUCTS + PAGE);
	struct mml_mprotect_args *protect = (struct mml_mprotect_args *)(STRUCTS + PAGE);
	struct mml_mmap_args *map = (struct mml_mmap_args *)(STRUCTS + PAGE);

	*advise = (struct mml_madvise_args){ STRUCTS + PAGE, PAGE, MADV_DONTNEED, 0 };
	test_is(lab_ioctl(files[SESSION], MML_IOC_MADVISE, advise), 0,
		"MADVISE: a struct in the page that it drops");
	test(all_bytes(advise, PAGE, 0), "the page is zero");

	*protect = (struct mml_mprotect_args){ STRUCTS + PAGE, PAGE, PROT_NONE, 0 };
	test_is(lab_ioctl(files[SESSION], MML_IOC_MPROTECT, protect), 0,
		"MPROTECT: a struct in the page that it locks away");
	test_probe(READ, STRUCTS + PAGE, SEGV_ACCERR, "the page is");
	lab_mprotect(files[SESSION], STRUCTS + PAGE, PAGE, MODE_RW);
	test_is((long)protect->addr, STRUCTS + PAGE, "its content is still there");

	*map = (struct mml_mmap_args){
		.addr = STRUCTS + PAGE, .length = PAGE, .prot = MODE_RW,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	};
	test_is(lab_ioctl(files[SESSION], MML_IOC_MMAP, map), 0,
		"MMAP: a struct in the page that it replaces");
	test(map->addr == STRUCTS + PAGE && map->length == PAGE &&
	     all_bytes(map + 1, PAGE - sizeof(*map), 0), "its result is in the new page");
}

/* Through the door of 32-bit programs, with a struct that their pointers reach. */
static int compat_ioctl(int fd, unsigned int cmd, void *arg)
{
	int ret = 54;		/* ioctl of i386 */

	__asm__ volatile("int $0x80"
			 : "+a"(ret)
			 : "b"(fd), "c"(cmd), "d"((uint32_t)(uintptr_t)arg)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

/* A kernel that runs no 32-bit programs has no such door. */
static bool has_compat(void)
{
	return !access("/proc/sys/abi/vsyscall32", F_OK);
}

static void test_compat(void)
{
	struct mml_info *info = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	info->machine = machine.id;
	test_is(compat_ioctl(files[CONTROL], MML_IOC_GET_INFO, info), 0,
		"a 32-bit program's call");
	test_is((long)info->frames, (long)machine.frames, "has the same result");
	test_is(compat_ioctl(files[SESSION], MML_IOC_MMAP, NULL), -EFAULT, "and the same errors");
	munmap(info, PAGE);
}

static void set_up(void)
{
	machine = machine_new(8 * MIB);
	files[CONTROL] = lab_control();
	files[MACHINE] = machine.fd;
	files[JOB] = job_new(machine.id, &job);
	files[SESSION] = (int)must(session_on(machine.id, job, 0, &session), "SESSION_OPEN");
	window_map(files[SESSION], WINDOW, MML_WINDOW_SIZE);
	must(lab_mmap(files[SESSION], MAPPED, PAGE, MODE_RW,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), "mmap");
	must(lab_mmap(files[SESSION], STRUCTS, 2 * PAGE, MODE_RW,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), "mmap");
	memset((void *)STRUCTS, 0, 2 * PAGE);
	before = take_census();
}

int main(void)
{
	const struct command *c;

	begin_tests();
	catch_faults();
	set_up();
	for (c = commands; c < commands_end; c++)
		test_command(c);
	test_unknown_numbers();
	test_unknown_types();
	test_zero_fields();
	test_flag_fields();
	test_slab_debug();
	test_validate_cache();
	test_debugged_kmalloc();
	test_most_caches();
	if (has_compat())
		test_compat();
	else
		diag("this kernel runs no 32-bit programs");
	test_races();
	test_untouched();
	test_unmaps_itself();
	test_changes_itself();
	test_own_page();
	test_valid("after all of that");
	close(files[SESSION]);
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(files[JOB]);
	machine_end(&machine);
	return done_testing();
}
