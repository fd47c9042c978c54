// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of the lab fails once, wherever a program can cause it.
 *
 * An operation is done again and again while the first, the second, the third … of its
 * allocations fails, until none is left that could. Each time it must fail with ENOMEM
 * (or what is documented for it), leave nothing behind and change nothing; at last it
 * must succeed. In the end no site of debugfs mm_lab/alloc_sites may be left of which no
 * allocation failed.
 *
 * Begins with mm_lab.ko loaded alone, and loads the engines itself. What failed while
 * that was loaded is no longer in the table: the numbers of those sites are arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lab.h"

#define DEBUGFS		"/sys/kernel/debug/mm_lab"
#define SITES		DEBUGFS "/alloc_sites"

#define ANON		(MAP_PRIVATE | MAP_ANONYMOUS)
#define FIXED		(ANON | MAP_FIXED)

/* More allocations than anything here makes. */
#define MANY		200

/* Objects of a cache that are allocated. */
#define OBJECTS		12

/* How long what others do afterwards may take. */
#define PATIENCE_MS	3000

/* Where things are mapped, and how much of it is filled with what. */
#define AREA		PLACE(1)
#define AREA_PAGES	16UL
#define AREA_END	(AREA + AREA_PAGES * PAGE)
#define FILLED		8UL
#define PATTERN		0x5a

static struct machine machine;
static uint32_t job, session;
static int job_file, session_file_fd = -1;
static int injector;		/* a control file for injections alone */
static bool filled;		/* FILLED pages from AREA on have a PATTERN */

/*
 * Injections.
 */

static int inject(int fd, uint32_t where, uint64_t nth, struct mml_fail_nth *was)
{
	struct mml_fail_nth args = { .nth = nth, .machine = where };
	const int ret = lab_ioctl(fd, MML_IOC_FAIL_NTH, &args);

	if (was)
		*was = args;
	return ret;
}

static void arm_at(int fd, uint32_t where, uint64_t nth)
{
	must(inject(fd, where, nth, NULL), "FAIL_NTH");
}

static struct mml_fail_nth disarm(int fd, uint32_t where)
{
	struct mml_fail_nth was;

	must(inject(fd, where, 0, &was), "FAIL_NTH");
	return was;
}

/*
 * What must not change, as a text.
 */

struct census {
	char text[8 * KIB];
	size_t length;
};

__attribute__((format(printf, 2, 3)))
static void note(struct census *census, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	census->length += (size_t)vsnprintf(census->text + census->length,
					    sizeof(census->text) - census->length, fmt, args);
	va_end(args);
	if (census->length >= sizeof(census->text))
		bail("the census is too long");
}

static void note_machines(struct census *census)
{
	struct mml_info info;

	for (uint32_t next = 0; !lab_info(next, MML_INFO_NEXT, &info); next = info.machine + 1)
		note(census, "machine %u: %" PRIu64 " of %" PRIu64 " frames free, %u holders, %" PRIu64
		     " reports, engines %x\n", info.machine, (uint64_t)info.free_frames,
		     (uint64_t)info.frames, info.holders, (uint64_t)info.reports, info.engines);
}

/* How many hold a module; not how often the holder is the one who asks. */
static void note_module(struct census *census, const char *name)
{
	char path[64], count[16] = "not loaded";
	int fd;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		const ssize_t got = read(fd, count, sizeof(count) - 1);

		count[got > 0 ? strcspn(count, "\n") : 0] = '\0';
		close(fd);
	}
	note(census, "%s: %s\n", name, count);
}

static struct census take_census(void)
{
	struct census census = { .length = 0 };

	note_machines(&census);
	note_module(&census, "mm_lab");
	note_module(&census, "buddy_probe");
	note_module(&census, "slub_probe");
	note_module(&census, "vma_probe");
	note(&census, "%u descriptors\n", count_descriptors());
	if (session_file_fd >= 0)
		note(&census, "%s", session_file(machine.id, session, "maps"));
	if (filled)
		note(&census, "pages as they were: %d\n",
		     all_bytes((void *)AREA, FILLED * PAGE, PATTERN));
	return census;
}

static void tell(const char *when, const char *text)
{
	while (*text) {
		const int length = (int)strcspn(text, "\n");

		diag("%s: %.*s", when, length, text);
		text += length + (text[length] == '\n');
	}
}

/* Whether all is soon as it was: a process's last step may be another's. */
static bool unchanged(const struct census *before)
{
	const uint64_t limit = now_ms() + PATIENCE_MS;
	struct census after;

	do {
		after = take_census();
		if (!strcmp(before->text, after.text))
			return true;
		sleep_ms(10);
	} while (now_ms() < limit);
	tell("before", before->text);
	tell("after", after.text);
	return false;
}

static bool valid(void)
{
	struct mml_validate validate = { .machine = MML_VALIDATE_ALL };
	const int ret = lab_ioctl(lab_control(), MML_IOC_VALIDATE, &validate);

	if (!ret && !validate.violations && validate.checks)
		return true;
	diag("validate: %d, %" PRIu64 " violations", ret, (uint64_t)validate.violations);
	return false;
}

/* One test: each of so many allocations has failed once, or there were none. */
static void test_result(bool good, const char *name, unsigned int allocations)
{
	if (allocations)
		test(good, "%s: each of %u allocations fails once", name, allocations);
	else
		test(good, "%s: nothing is allocated", name);
}

/*
 * Operations.
 */

/**
 * struct operation - something that may allocate
 * @name: of the test
 * @set_up: before each try, with no injection; may be NULL
 * @run: the thing itself: not negative, or -errno
 * @tear_down: undoes @set_up, and @run if that succeeded; may be NULL
 * @want: what @run returns when an allocation failed
 * @on_session: the injection is the session's own; else one on everything
 * @least: so many allocations it makes at least
 * @survives: it may do without what it did not get
 * @partly: what comes before the failure is done, as by the kernel's own call
 */
struct operation {
	const char *name;
	void (*set_up)(void);
	long (*run)(void);
	void (*tear_down)(void);
	long want;
	bool on_session;
	bool survives;
	bool partly;
	unsigned int least;
};

/* One try. Returns: whether it was as it should be; *@fired: was it made to fail? */
static bool try_nth(const struct operation *op, unsigned int nth, bool *fired)
{
	const int fd = op->on_session ? session_file_fd : injector;
	const uint32_t where = op->on_session ? 0 : MML_FAIL_NTH_ANY;
	const struct census clean = take_census();
	struct mml_fail_nth was;
	struct census before;
	bool good;
	long got;

	if (op->set_up)
		op->set_up();
	before = take_census();
	arm_at(fd, where, nth);
	got = op->run();
	was = disarm(fd, where);
	*fired = was.fired;
	if (!was.fired)
		good = got >= 0 && was.seen == nth - 1 && !was.site;
	else if (op->survives && got >= 0)
		good = was.site;
	else
		good = got == op->want && was.site && (op->partly || unchanged(&before));
	if (!good)
		diag("%s, allocation %u: returned %ld; seen %" PRIu64 ", fired %u, site %u", op->name,
		     nth, got, (uint64_t)was.seen, was.fired, was.site);
	if (op->tear_down) {
		op->tear_down();
		good = unchanged(&clean) && good;
	}
	return good;
}

/* One test: each allocation of @op fails once. */
static void test_operation(const struct operation *op)
{
	bool good = true, fired = true;
	unsigned int nth = 0;

	while (good && fired && nth < MANY)
		good = try_nth(op, ++nth, &fired);
	good = good && !fired && nth > op->least;
	good = valid() && good;
	test_result(good, op->name, nth - 1);
}

static void test_operations(const struct operation *ops, size_t count)
{
	for (size_t i = 0; i < count; i++)
		test_operation(&ops[i]);
}

/*
 * Loading the engines.
 */

static long load_module(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	long ret;

	must(fd, path);
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static long load_buddy(void)
{
	return load_module("buddy_probe/buddy_probe.ko");
}

static long load_slub(void)
{
	return load_module("slub_probe/slub_probe.ko");
}

static long load_vma(void)
{
	return load_module("vma_probe/vma_probe.ko");
}

static const struct operation loading[] = {
	{ .name = "loading buddy_probe", .run = load_buddy, .want = -ENOMEM, .least = 1 },
	{ .name = "loading slub_probe", .run = load_slub, .want = -ENOMEM, .least = 1 },
	{ .name = "loading vma_probe", .run = load_vma, .want = -ENOMEM, .least = 1 },
};

/*
 * What the control file makes.
 */

static int made = -1;

static void close_made(void)
{
	if (made >= 0)
		close(made);
	made = -1;
}

static long open_control(void)
{
	made = open(MML_DEVICE, O_RDWR | O_CLOEXEC);
	return made < 0 ? -errno : 0;
}

/* Of more than one of the sparse backend's blocks. */
static long make_machine_with(uint32_t backend, uint32_t flags)
{
	struct mml_machine_create create = { .bytes = 6 * MIB, .backend = backend,
					     .flags = flags };
	const int ret = lab_machine_create(&create);

	if (!ret)
		made = create.fd;
	return ret;
}

static long make_machine(uint32_t backend)
{
	return make_machine_with(backend, 0);
}

static long make_auto(void)
{
	return make_machine(MML_BACKEND_AUTO);
}

static long make_reserve_mem(void)
{
	return make_machine(MML_BACKEND_RESERVE_MEM);
}

static long make_contig(void)
{
	return make_machine(MML_BACKEND_CONTIG);
}

static long make_sparse(void)
{
	return make_machine(MML_BACKEND_SPARSE);
}

static long make_memmap(void)
{
	return make_machine(MML_BACKEND_MEMMAP);
}

static long make_with_ledger(void)
{
	return make_machine_with(MML_BACKEND_MEMMAP, MML_MACHINE_PAGE_OWNER);
}

/*
 * A machine of which all caches are debugged, from its making to its end, and kmalloc's objects
 * between. Returns: 0, -errno, or -EIO if frames were lost.
 */
static long use_debugged_machine(void)
{
	struct mml_machine_create create = { .bytes = 6 * MIB, .slab_debug = "FZPU" };
	struct mml_cache_create kmalloc = { .object_size = 100, .flags = MML_CACHE_KMALLOC };
	struct mml_cache_alloc objects = { .count = 2 * OBJECTS };
	struct mml_machine_destroy destroy = { 0 };
	struct mml_machine_verdict verdict = { 0 };
	int ret = lab_machine_create(&create), fd, gone;

	if (ret)
		return ret;
	fd = session_on(create.machine, 0, 0, NULL);
	if (fd < 0) {
		ret = fd;
	} else {
		ret = lab_ioctl(fd, MML_IOC_CACHE_CREATE, &kmalloc);
		objects.cache = kmalloc.cache;
		if (!ret)
			ret = lab_ioctl(fd, MML_IOC_CACHE_ALLOC, &objects);
		close(fd);
	}
	gone = lab_ioctl(create.fd, MML_IOC_MACHINE_DESTROY, &destroy) ?:
	       lab_ioctl(create.fd, MML_IOC_MACHINE_VERDICT, &verdict);
	close(create.fd);
	if (gone)
		return gone;
	return verdict.frames_lost || verdict.violations ? -EIO : ret;
}

static long make_job(void)
{
	struct mml_job_create create = { .machine = machine.id };
	const int ret = lab_ioctl(lab_control(), MML_IOC_JOB_CREATE, &create);

	if (!ret)
		made = create.fd;
	return ret;
}

static long open_session(void)
{
	made = session_on(machine.id, 0, 0, NULL);
	return made;
}

static long open_session_in_job(void)
{
	made = session_on(machine.id, job, 0, NULL);
	return made;
}

static const struct operation making[] = {
	{ .name = "open of the device", .run = open_control, .tear_down = close_made,
	  .want = -ENOMEM, .least = 1 },
	{ .name = "MACHINE_CREATE", .run = make_auto, .tear_down = close_made,
	  .want = -ENOMEM, .survives = true, .least = 5 },
	{ .name = "MACHINE_CREATE from reserve_mem", .run = make_reserve_mem,
	  .tear_down = close_made, .want = -ENOMEM, .least = 5 },
	{ .name = "MACHINE_CREATE from contig", .run = make_contig, .tear_down = close_made,
	  .want = -ENOMEM, .least = 5 },
	{ .name = "MACHINE_CREATE of sparse blocks", .run = make_sparse, .tear_down = close_made,
	  .want = -ENOMEM, .least = 9 },
	{ .name = "MACHINE_CREATE without memory", .run = make_memmap, .tear_down = close_made,
	  .want = -ENOMEM, .least = 5 },
	{ .name = "MACHINE_CREATE with the ledger", .run = make_with_ledger,
	  .tear_down = close_made, .want = -ENOMEM, .least = 6 },
	{ .name = "a debugged machine's life", .run = use_debugged_machine, .want = -ENOMEM,
	  .survives = true, .least = 60 },
	{ .name = "JOB_CREATE", .run = make_job, .tear_down = close_made, .want = -ENOMEM,
	  .least = 1 },
	{ .name = "SESSION_OPEN", .run = open_session, .tear_down = close_made, .want = -ENOMEM,
	  .least = 5 },
	{ .name = "SESSION_OPEN in a job", .run = open_session_in_job, .tear_down = close_made,
	  .want = -ENOMEM, .least = 4 },
};

/*
 * What looks, and what destroys: none of it allocates.
 */

static struct machine doomed;
static int doomed_session;

static long look_around(void)
{
	struct mml_validate validate = { .machine = MML_VALIDATE_ALL };
	struct mml_session_note nothing = { 0 };
	struct mml_fail_nth none = { 0 };
	struct mml_job_stat stat;
	struct mml_info info;

	return lab_info(machine.id, 0, &info) ?:
	       lab_ioctl(lab_control(), MML_IOC_VALIDATE, &validate) ?:
	       lab_ioctl(job_file, MML_IOC_JOB_STAT, &stat) ?:
	       lab_ioctl(session_file_fd, MML_IOC_SESSION_NOTE, &nothing) ?:
	       lab_ioctl(session_file_fd, MML_IOC_FAIL_NTH, &none);
}

static void make_doomed(void)
{
	doomed = machine_new(MIB);
	doomed_session = session_new(doomed.id);
	must(block_alloc(doomed_session, 3, NULL), "BLOCK_ALLOC");
}

/* The session goes with its file, the machine when it is told to. */
static long destroy_doomed(void)
{
	struct mml_machine_destroy destroy = { 0 };
	struct mml_machine_verdict verdict = { 0 };
	int ret;

	close(doomed_session);
	ret = lab_ioctl(doomed.fd, MML_IOC_MACHINE_DESTROY, &destroy) ?:
	      lab_ioctl(doomed.fd, MML_IOC_MACHINE_VERDICT, &verdict);
	if (!ret && (verdict.frames_lost || verdict.violations))
		ret = -EIO;
	return ret;
}

static void close_doomed(void)
{
	close(doomed.fd);
}

static void make_victim(void)
{
	doomed = machine_new(MIB);
}

/* Write to a file of that machine in debugfs. */
static long tell_doomed(const char *name, const char *what)
{
	char path[64];
	long ret;
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "/%u/%s", doomed.id, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	must(fd, path);
	ret = write(fd, what, strlen(what)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Planted misuse: of a frame, if it gets one. */
static long free_twice(void)
{
	return tell_doomed("plant_misuse", "double_free");
}

/* The same, of an object. */
static long write_to_free_object(void)
{
	return tell_doomed("plant_object_misuse", "write_after_free");
}

static void make_roomy(void)
{
	doomed = machine_new(8 * MIB);
}

static long declare_cma(void)
{
	return tell_doomed("cma", "declare area 512");
}

static int open_for_window;

static void open_windowless(void)
{
	open_for_window = session_new(machine.id);
}

static long map_and_unmap_window(void)
{
	void *window = mmap((void *)WINDOW_END, PAGE * 512, MODE_RWX,
			    MAP_SHARED | MAP_FIXED_NOREPLACE, open_for_window,
			    (off_t)WINDOW_END);

	return window == MAP_FAILED || munmap(window, PAGE * 512) ? -errno : 0;
}

static void close_windowless(void)
{
	close(open_for_window);
}

static const struct operation planting[] = {
	{ .name = "planted misuse", .set_up = make_victim, .run = free_twice,
	  .tear_down = close_doomed, .want = -ENOMEM, .least = 1 },
	{ .name = "planted misuse of an object", .set_up = make_victim,
	  .run = write_to_free_object, .tear_down = close_doomed, .want = -ENOMEM,
	  .survives = true, .least = 4 },
	{ .name = "a CMA area", .set_up = make_roomy, .run = declare_cma,
	  .tear_down = close_doomed, .want = -ENOMEM, .least = 2 },
};

static const struct operation quiet[] = {
	{ .name = "GET_INFO, VALIDATE, JOB_STAT, SESSION_NOTE, FAIL_NTH", .run = look_around },
	{ .name = "close of a session, MACHINE_DESTROY, MACHINE_VERDICT", .set_up = make_doomed,
	  .run = destroy_doomed, .tear_down = close_doomed },
	{ .name = "mmap and munmap of the window", .set_up = open_windowless,
	  .run = map_and_unmap_window, .tear_down = close_windowless },
};

/*
 * What a session does.
 */

static uint32_t handle;

static long alloc_block(void)
{
	handle = 0;
	return block_alloc(session_file_fd, 2, &handle);
}

static void free_block(void)
{
	if (handle)
		must(block_free(session_file_fd, handle), "BLOCK_FREE");
	handle = 0;
}

static void hold_block(void)
{
	must(alloc_block(), "BLOCK_ALLOC");
}

static long free_held(void)
{
	const int ret = block_free(session_file_fd, handle);

	handle = 0;
	return ret;
}

/*
 * Object caches: of their own, on either fast path, and kmalloc.
 */

static uint32_t cache;

#define DEBUGGED	(MML_CACHE_CHECKS | MML_CACHE_RED_ZONE | MML_CACHE_POISON | \
			 MML_CACHE_STORE_USER | MML_CACHE_SHUFFLE)

static long make_cache_with(uint32_t path, uint32_t flags)
{
	struct mml_cache_create args = { .name = "nth", .object_size = 700, .path = path,
					 .flags = MML_CACHE_NO_MERGE | flags };
	const int ret = lab_ioctl(session_file_fd, MML_IOC_CACHE_CREATE, &args);

	cache = ret ? 0 : args.cache;
	return ret;
}

static long make_cache(uint32_t path)
{
	return make_cache_with(path, 0);
}

static long make_debugged_cache(void)
{
	return make_cache_with(MML_CACHE_SHEAVES, DEBUGGED);
}

static long make_sheaf_cache(void)
{
	return make_cache(MML_CACHE_SHEAVES);
}

static long make_slab_cache(void)
{
	return make_cache(MML_CACHE_CPU_SLABS);
}

static void have_sheaf_cache(void)
{
	must((int)make_sheaf_cache(), "CACHE_CREATE");
}

static void have_slab_cache(void)
{
	must((int)make_slab_cache(), "CACHE_CREATE");
}

static void have_debugged_cache(void)
{
	must((int)make_debugged_cache(), "CACHE_CREATE");
}

static void have_kmalloc(uint32_t size)
{
	struct mml_cache_create args = { .object_size = size, .flags = MML_CACHE_KMALLOC };

	must(lab_ioctl(session_file_fd, MML_IOC_CACHE_CREATE, &args), "CACHE_CREATE");
	cache = args.cache;
}

static void have_small_kmalloc(void)
{
	have_kmalloc(700);
}

static void have_large_kmalloc(void)
{
	have_kmalloc(20000);
}

static long allocate_objects(void)
{
	struct mml_cache_alloc args = { .cache = cache, .count = OBJECTS };

	return lab_ioctl(session_file_fd, MML_IOC_CACHE_ALLOC, &args);
}

static void destroy_cache(void)
{
	struct mml_cache_free objects = { .cache = cache, .count = OBJECTS };
	struct mml_cache_shrink shrink = { .cache = cache };
	struct mml_cache_destroy args = { .cache = cache };

	if (!cache)
		return;
	lab_ioctl(session_file_fd, MML_IOC_CACHE_FREE, &objects);
	must(lab_ioctl(session_file_fd, MML_IOC_CACHE_SHRINK, &shrink), "CACHE_SHRINK");
	must(lab_ioctl(session_file_fd, MML_IOC_CACHE_DESTROY, &args), "CACHE_DESTROY");
	cache = 0;
}

static void have_debugged_objects(void)
{
	have_debugged_cache();
	must((int)allocate_objects(), "CACHE_ALLOC");
}

/* Returns: 0; -errno; -EIO if something is wrong with an object. */
static long validate_objects(void)
{
	struct mml_cache_validate args = { .cache = cache };
	const int ret = lab_ioctl(session_file_fd, MML_IOC_CACHE_VALIDATE, &args);

	return ret ? ret : args.wrong ? -EIO : 0;
}

/* Of objects there are: returns as validate_objects(). */
static long end_debugged(void)
{
	struct mml_cache_free objects = { .cache = cache, .count = OBJECTS };
	long ret = validate_objects() ?:
		   lab_ioctl(session_file_fd, MML_IOC_CACHE_FREE, &objects) ?:
		   validate_objects();

	destroy_cache();
	return ret;
}

/* From nothing to nothing, whatever fails between. */
static long live_debugged(void)
{
	long ret = make_debugged_cache();

	if (ret)
		return ret;
	ret = allocate_objects();
	if (!ret)
		return end_debugged();
	destroy_cache();
	return ret;
}

/* Its directory in debugfs comes a moment after a cache. */
static void have_traces(void)
{
	const uint64_t limit = now_ms() + PATIENCE_MS;
	char path[96];

	have_debugged_objects();
	snprintf(path, sizeof(path), DEBUGFS "/%u/slab/nth/free_traces", machine.id);
	while (access(path, F_OK) && now_ms() < limit)
		sleep_ms(20);
}

/* From where the objects were allocated. */
static long read_traces(void)
{
	char path[96], text[4 * KIB];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "/%u/slab/nth/alloc_traces", machine.id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -EIO;
	got = read(fd, text, sizeof(text) - 1);
	if (got < 0)
		got = -errno;
	close(fd);
	return got;
}

static void map_area(uint64_t pages, int prot)
{
	must(lab_mmap(session_file_fd, AREA, pages * PAGE, prot, FIXED), "MMAP");
}

/* One vma, and something that cannot be merged with it right behind it. */
static void fill_area(void)
{
	map_area(AREA_PAGES, MODE_RW);
	memset((void *)AREA, PATTERN, FILLED * PAGE);
	must(lab_mmap(session_file_fd, AREA_END, PAGE, PROT_NONE, FIXED), "MMAP");
	filled = true;
}

static void empty_window(void)
{
	filled = false;
	must(lab_munmap(session_file_fd, WINDOW, MML_WINDOW_SIZE), "MUNMAP");
}

static long map_anywhere(void)
{
	return lab_mmap(session_file_fd, 0, AREA_PAGES * PAGE, MODE_RW, ANON);
}

static long map_over_middle(void)
{
	return lab_mmap(session_file_fd, AREA + 2 * PAGE, 3 * PAGE, PROT_READ, FIXED);
}

static long map_behind(void)
{
	return lab_mmap(session_file_fd, AREA - PAGE, PAGE, MODE_RW, FIXED);
}

static long unmap_middle(void)
{
	return lab_munmap(session_file_fd, AREA + 2 * PAGE, 3 * PAGE);
}

static long unmap_all(void)
{
	return lab_munmap(session_file_fd, WINDOW, MML_WINDOW_SIZE);
}

static long protect_middle(void)
{
	return lab_mprotect(session_file_fd, AREA + 2 * PAGE, 3 * PAGE, PROT_READ);
}

/* Three vmas, of which the first changes wholly and the last in part. */
static void fill_three(void)
{
	fill_area();
	must(lab_mprotect(session_file_fd, AREA + 2 * PAGE, 3 * PAGE, PROT_READ), "MPROTECT");
}

static long protect_three(void)
{
	return lab_mprotect(session_file_fd, AREA, 7 * PAGE, PROT_NONE);
}

/* Nothing in the way. */
static void fill_area_alone(void)
{
	fill_area();
	must(lab_munmap(session_file_fd, AREA_END, PAGE), "MUNMAP");
}

static long grow(void)
{
	return lab_mremap(session_file_fd, AREA, AREA_PAGES * PAGE, 2 * AREA_PAGES * PAGE, 0);
}

static long move(void)
{
	return lab_mremap(session_file_fd, AREA, AREA_PAGES * PAGE, 2 * AREA_PAGES * PAGE,
			  MREMAP_MAYMOVE);
}

static long move_part(void)
{
	return lab_mremap(session_file_fd, AREA + PAGE, 2 * PAGE, 1024 * PAGE, MREMAP_MAYMOVE);
}

static long shrink(void)
{
	return lab_mremap(session_file_fd, AREA, AREA_PAGES * PAGE, 3 * PAGE, 0);
}

static long advise(void)
{
	return lab_madvise(session_file_fd, AREA, 3 * PAGE, MADV_DONTNEED);
}

static long lock_middle(void)
{
	return lab_mlock(session_file_fd, AREA + 2 * PAGE, 3 * PAGE, MLOCK_ONFAULT);
}

static void map_untouched(void)
{
	map_area(AREA_PAGES, MODE_RW);
}

/* The pages, and a table for them. */
static long lock_all(void)
{
	return lab_mlock(session_file_fd, AREA, AREA_PAGES * PAGE, 0);
}

static long map_shared(void)
{
	return lab_mmap(session_file_fd, AREA, AREA_PAGES * PAGE, MODE_RW,
			MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);
}

static void map_shared_area(void)
{
	must(map_shared(), "MMAP");
}

static long grow_heap(void)
{
	return lab_brk(session_file_fd, WINDOW + 4 * PAGE) == WINDOW + 4 * PAGE ? 0 : -ENOMEM;
}

static void shrink_heap(void)
{
	must(lab_brk(session_file_fd, WINDOW) == WINDOW ? 0 : -ENOMEM, "BRK");
}

static const struct operation using[] = {
	{ .name = "BLOCK_ALLOC", .run = alloc_block, .tear_down = free_block, .want = -ENOMEM,
	  .on_session = true, .least = 2 },
	{ .name = "BLOCK_FREE", .set_up = hold_block, .run = free_held, .want = -ENOMEM,
	  .on_session = true },
	{ .name = "CACHE_CREATE, sheaves", .run = make_sheaf_cache, .tear_down = destroy_cache,
	  .want = -ENOMEM, .on_session = true, .least = 4 },
	{ .name = "CACHE_CREATE, cpu slabs", .run = make_slab_cache, .tear_down = destroy_cache,
	  .want = -ENOMEM, .on_session = true, .least = 4 },
	{ .name = "CACHE_CREATE, debugged", .run = make_debugged_cache, .tear_down = destroy_cache,
	  .want = -ENOMEM, .on_session = true, .least = 2 },
	{ .name = "CACHE_VALIDATE, CACHE_FREE, CACHE_DESTROY", .set_up = have_debugged_objects,
	  .run = end_debugged, .want = -ENOMEM, .on_session = true },
	{ .name = "a debugged cache's life", .run = live_debugged, .want = -ENOMEM,
	  .on_session = true, .survives = true, .least = 2 + 2 * OBJECTS },
	{ .name = "alloc_traces", .set_up = have_traces, .run = read_traces,
	  .tear_down = destroy_cache, .want = -ENOMEM, .on_session = true, .least = 2 },
	/* A small slab does where there is no large one, and no sheaf; a cache keeps slabs. */
	{ .name = "CACHE_ALLOC, sheaves", .set_up = have_sheaf_cache, .run = allocate_objects,
	  .tear_down = destroy_cache, .want = -ENOMEM, .on_session = true, .survives = true,
	  .partly = true, .least = 2 * OBJECTS },
	{ .name = "CACHE_ALLOC, cpu slabs", .set_up = have_slab_cache, .run = allocate_objects,
	  .tear_down = destroy_cache, .want = -ENOMEM, .on_session = true, .survives = true,
	  .partly = true, .least = 2 * OBJECTS },
	{ .name = "CACHE_ALLOC, debugged", .set_up = have_debugged_cache, .run = allocate_objects,
	  .tear_down = destroy_cache, .want = -ENOMEM, .on_session = true, .survives = true,
	  .partly = true, .least = 2 * OBJECTS },
	{ .name = "CACHE_ALLOC, kmalloc", .set_up = have_large_kmalloc, .run = allocate_objects,
	  .tear_down = destroy_cache, .want = -ENOMEM, .on_session = true, .least = 2 * OBJECTS },
	{ .name = "CACHE_ALLOC, small kmalloc", .set_up = have_small_kmalloc,
	  .run = allocate_objects, .tear_down = destroy_cache, .want = -ENOMEM,
	  .on_session = true, .survives = true, .partly = true, .least = 2 * OBJECTS },
	{ .name = "MMAP", .run = map_anywhere, .tear_down = empty_window, .want = -ENOMEM,
	  .on_session = true, .least = 2 },
	{ .name = "MMAP over the middle of another", .set_up = fill_area, .run = map_over_middle,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 6 },
	{ .name = "MMAP beside its like", .set_up = fill_area, .run = map_behind,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 2 },
	{ .name = "MUNMAP of the middle", .set_up = fill_area, .run = unmap_middle,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 5 },
	{ .name = "MUNMAP of all", .set_up = fill_area, .run = unmap_all,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 1 },
	{ .name = "MPROTECT of the middle", .set_up = fill_area, .run = protect_middle,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 4 },
	{ .name = "MPROTECT of several", .set_up = fill_three, .run = protect_three,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .partly = true,
	  .least = 2 },
	{ .name = "MREMAP in place", .set_up = fill_area_alone, .run = grow,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 1 },
	{ .name = "MREMAP elsewhere", .set_up = fill_area, .run = move,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 4 },
	{ .name = "MREMAP of the middle elsewhere", .set_up = fill_area, .run = move_part,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 8 },
	{ .name = "MREMAP to less", .set_up = fill_area, .run = shrink,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 3 },
	{ .name = "MADVISE", .set_up = fill_area, .run = advise, .tear_down = empty_window,
	  .want = -ENOMEM, .on_session = true },
	{ .name = "MMAP, shared", .run = map_shared, .tear_down = empty_window, .want = -ENOMEM,
	  .on_session = true, .least = 3 },
	{ .name = "MLOCK of shared memory", .set_up = map_shared_area, .run = lock_all,
	  .tear_down = empty_window, .want = -EAGAIN, .on_session = true, .partly = true,
	  .least = 2 * AREA_PAGES },
	{ .name = "MLOCK of the middle", .set_up = fill_area, .run = lock_middle,
	  .tear_down = empty_window, .want = -ENOMEM, .on_session = true, .least = 4 },
	{ .name = "MLOCK", .set_up = map_untouched, .run = lock_all,
	  .tear_down = empty_window, .want = -EAGAIN, .on_session = true, .partly = true,
	  .least = AREA_PAGES + 4 },
	{ .name = "BRK", .run = grow_heap, .tear_down = shrink_heap, .want = -ENOMEM,
	  .on_session = true, .least = 2 },
};

/*
 * What may cost a process its life: each try is a child with a session of its own. It
 * arms the injector's file, which the parent then asks what became of it.
 */

#define KILLED		(128 + SIGKILL)

/* Values of children beyond 0. */
#define FAILED		10	/* as documented */
#define WRONG		11

/* The n-th allocation to fail in the next child. */
static unsigned int child_nth;

static int child_session(void)
{
	const int fd = session_with_window(machine.id);

	must(lab_mmap(fd, AREA, AREA_PAGES * PAGE, MODE_RW, FIXED), "MMAP");
	return fd;
}

static int touch_once(void *arg)
{
	(void)arg;
	child_session();
	arm_at(injector, machine.id, child_nth);
	*(volatile char *)AREA = 1;
	return 0;
}

/* The kernel's own access to it, for read(2). */
static int read_into(void *arg)
{
	const int fd = open("/dev/zero", O_RDONLY);

	(void)arg;
	child_session();
	arm_at(injector, machine.id, child_nth);
	return read(fd, (void *)AREA, 3 * PAGE) == 3 * PAGE ? 0 : WRONG;
}

static int read_memory(void *arg)
{
	const int fd = open("/proc/self/mem", O_RDONLY);
	char byte = 1;
	ssize_t got;

	(void)arg;
	child_session();
	arm_at(injector, machine.id, child_nth);
	got = pread(fd, &byte, 1, (off_t)AREA);
	if (got < 0)
		return errno == EIO ? FAILED : WRONG;
	return byte ? WRONG : 0;
}

static bool is_filled(void)
{
	return all_bytes((void *)AREA, FILLED * PAGE, PATTERN);
}

/* Whether a child of this child finds its memory; it is killed if it could not get it. */
static int fork_once(void *arg)
{
	const int fd = child_session();
	int status;
	pid_t pid;

	(void)arg;
	memset((void *)AREA, PATTERN, FILLED * PAGE);
	must(lab_mmap(fd, PLACE(3), PAGE, PROT_READ, FIXED), "MMAP");
	arm_at(injector, machine.id, child_nth);
	pid = fork();
	if (pid < 0)
		return WRONG;
	if (!pid)
		_exit(is_filled() ? 0 : WRONG);
	status = child_end(pid);
	if (!is_filled())
		return WRONG;
	memset((void *)AREA, PATTERN, FILLED * PAGE);
	return status == KILLED ? FAILED : status;
}

/* A write to a page that a child shares, for as long as it lives. */
static int copy_once(void *arg)
{
	pid_t pid;

	(void)arg;
	child_session();
	memset((void *)AREA, PATTERN, FILLED * PAGE);
	pid = fork();
	if (pid < 0)
		return WRONG;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() != 1)
			pause();
		_exit(0);
	}
	arm_at(injector, machine.id, child_nth);
	touch(WRITE, AREA);
	kill(pid, SIGKILL);
	return child_end(pid) == KILLED && is_filled() ? 0 : WRONG;
}

/* What is torn down by it allocates nothing. */
static int exec_once(void *arg)
{
	(void)arg;
	child_session();
	memset((void *)AREA, PATTERN, FILLED * PAGE);
	arm_at(injector, machine.id, child_nth);
	execl("/bin/true", "true", NULL);
	return WRONG;
}

static int exit_once(void *arg)
{
	(void)arg;
	child_session();
	memset((void *)AREA, PATTERN, FILLED * PAGE);
	arm_at(injector, machine.id, child_nth);
	return 0;
}

/**
 * struct fatal - something that a child does
 * @name: of the test
 * @run: the child
 * @want: its end when an allocation failed
 * @kills: how many processes are counted as killed then; -1: they are not looked at
 * @least: so many allocations it makes at least
 */
struct fatal {
	const char *name;
	int (*run)(void *arg);
	int want;
	int kills;
	unsigned int least;
};

static const struct fatal fatals[] = {
	{ "a first touch: SIGKILL", touch_once, KILLED, 1, 9 },
	{ "read(2) into what was not touched: SIGKILL", read_into, KILLED, 1, 9 + 2 },
	{ "/proc/self/mem of what was not touched: EIO", read_memory, FAILED, 0, 8 },
	{ "fork: the child is killed when it touches", fork_once, FAILED, -1, 3 + 2 + 3 + 8 },
	{ "a write to what is shared: SIGKILL", copy_once, KILLED, 1, 1 },
	{ "exec", exec_once, 0, 0, 0 },
	{ "exit", exit_once, 0, 0, 0 },
};

static bool try_fatal(const struct fatal *fatal, unsigned int nth, bool *fired)
{
	const struct census before = take_census();
	const uint64_t killed = vm_event(machine.id, "oom_kill");
	struct mml_fail_nth was;
	bool good;
	int got;

	child_nth = nth;
	got = in_child(fatal->run, NULL);
	was = disarm(injector, MML_FAIL_NTH_ANY);
	*fired = was.fired;
	good = got == (was.fired ? fatal->want : 0) && unchanged(&before);
	if (fatal->kills >= 0)
		good = good && vm_event(machine.id, "oom_kill") - killed ==
			       (was.fired ? (uint64_t)fatal->kills : 0);
	if (!good)
		diag("%s, allocation %u: ended with %d; seen %" PRIu64 ", fired %u, site %u",
		     fatal->name, nth, got, (uint64_t)was.seen, was.fired, was.site);
	return good;
}

static void test_fatal(const struct fatal *fatal)
{
	bool good = true, fired = true;
	unsigned int nth = 0;

	while (good && fired && nth < MANY)
		good = try_fatal(fatal, ++nth, &fired);
	good = good && !fired && nth > fatal->least;
	good = valid() && good;
	test_result(good, fatal->name, nth - 1);
}

/* Of those of a first touch with what is around it, one need not work: of the frames together. */
static void test_around(void)
{
	const struct census before = take_census();
	unsigned int nth = 0, without = 0;
	bool good = true, fired = true;

	fault_around(machine.id, 16);
	while (good && fired && nth < MANY) {
		int got;

		child_nth = ++nth;
		got = in_child(touch_once, NULL);
		fired = disarm(injector, MML_FAIL_NTH_ANY).fired;
		without += fired && !got;
		good = (got == 0 || (fired && got == KILLED)) && unchanged(&before);
		if (!good)
			diag("allocation %u: ended with %d", nth, got);
	}
	fault_around(machine.id, 1);
	good = valid() && good;
	test(good && !fired && without == 1, "with fault-around: one of %u it can do without", nth - 1);
}

/*
 * Whose allocations count.
 */

static long blocks(int fd)
{
	long got = 0;

	for (unsigned int i = 0; i < 5; i++) {
		uint32_t number;
		const int ret = block_alloc(fd, 0, &number);

		got = got * 2 + !ret;
		if (!ret)
			must(block_free(fd, number), "BLOCK_FREE");
	}
	return got;
}

static int all_blocks(void *arg)
{
	return blocks(session_new(*(uint32_t *)arg)) == 0x1f ? 0 : WRONG;
}

static void test_own_only(void)
{
	struct machine other = machine_new(MIB);
	const int mine = session_new(machine.id), fd = session_new(other.id);
	struct mml_fail_nth was;

	arm_at(mine, 0, 1);
	arm_at(fd, 0, 3);
	test_is(in_child(all_blocks, &machine.id), 0, "another process's allocations do not fail");
	test_is(blocks(mine), 0x0f, "the session's first one does, and no other");
	test_is(blocks(fd), 0x17, "on another machine's session, the third");
	was = disarm(mine, 0);
	test(was.fired == 1 && was.seen == 9, "the first has fired: 9 were seen");
	was = disarm(fd, 0);
	test(was.fired == 1 && was.seen == 9, "so has the second");
	was = disarm(fd, 0);
	test(!was.fired && !was.seen && !was.site, "it says so once");

	arm_at(injector, machine.id, 1);
	test_is(blocks(fd), 0x1f, "one that is for a machine does not count another's");
	test_is(blocks(mine), 0x0f, "but that one's");
	arm_at(injector, MML_FAIL_NTH_ANY, 3);
	test_is(blocks(fd) << 5 | blocks(mine), 0x17 << 5 | 0x1f, "one that is for any fails once");
	close(mine);
	close(fd);
	disarm(injector, MML_FAIL_NTH_ANY);
	machine_end(&other);
}

static void test_ends(void)
{
	const int gone = session_new(machine.id), mine = session_new(machine.id);
	const int control = open(MML_DEVICE, O_RDWR | O_CLOEXEC);

	arm_at(gone, 0, 1);
	close(gone);
	test_is(blocks(mine), 0x1f, "an injection ends with its session");
	arm_at(control, machine.id, 1);
	close(control);
	test_is(blocks(mine), 0x1f, "or with its control file");
	arm_at(mine, 0, 1);
	arm_at(mine, 0, 0);
	test_is(blocks(mine), 0x1f, "or with another call");
	close(mine);
}

static int inject_as_nobody(void *arg)
{
	const int fd = session_new(*(uint32_t *)arg);

	if (setresuid(65534, 65534, 65534))
		return 1;
	if (inject(lab_control(), machine.id, 1, NULL) != -EPERM ||
	    inject(lab_control(), MML_FAIL_NTH_ANY, 0, NULL) != -EPERM)
		return 2;
	if (inject(fd, 0, 1, NULL))
		return 3;
	return blocks(fd) == 0x0f ? 0 : 4;
}

static void test_rules(void)
{
	const int mine = session_new(machine.id);

	test_is(inject(injector, 0xfffffff0, 1, NULL), -ENXIO, "no machine of that number");
	test_is(inject(mine, machine.id, 1, NULL), -EINVAL, "a session has its own machine");
	test_is(inject(job_file, 0, 1, NULL), -ENOTTY, "not on a job file");
	test_is(in_child(inject_as_nobody, &machine.id), 0,
		"without CAP_SYS_ADMIN on one's own session alone");
	close(mine);
}

/*
 * The sites.
 */

struct site {
	unsigned int number, calls, failed, nofail;
	char module[32], function[64], place[96], what[16];
};

/* While mm_lab.ko was loaded, by number. */
static bool failed_before[1000];

/* One test for each site; their number. Nothing is missed that only must not fail. */
static unsigned int test_sites(FILE *table, unsigned int *hit)
{
	unsigned int count = 0;
	struct site s;
	char line[256];

	while (fgets(line, sizeof(line), table)) {
		bool good;

		if (*line == '#')
			continue;
		if (sscanf(line, "%u %31s %63s %95s %15s %u %u %u", &s.number, s.module, s.function,
			   s.place, s.what, &s.calls, &s.failed, &s.nofail) != 8)
			bail("no line of " SITES ": %s", line);
		good = s.failed || (!s.calls && s.nofail) ||
		       (s.number < ARRAY_SIZE(failed_before) && failed_before[s.number]);
		test(good, "site %u %s %s in %s(): %u calls, %u failed, %u nofail%s", s.number, s.what,
		     s.place, s.function, s.calls, s.failed, s.nofail,
		     good && !s.failed ? "; failed while loading" : "");
		count++;
		*hit += good;
	}
	return count;
}

static void test_table(void)
{
	FILE *table = fopen(SITES, "re");
	unsigned int count, hit = 0;

	if (!table)
		bail("cannot read " SITES ": %s", strerror(errno));
	count = test_sites(table, &hit);
	fclose(table);
	test(count > 20 && hit == count, "%u sites are registered, %u were hit", count, hit);
}

static void set_up(void)
{
	machine = machine_new(16 * MIB);
	job_file = job_new(machine.id, &job);
	session_file_fd = (int)must(session_on(machine.id, job, 0, &session), "SESSION_OPEN");
	window_map(session_file_fd, WINDOW, MML_WINDOW_SIZE);
	session_file(machine.id, session, "maps");
}

/* Children have windows of their own. */
static void leave_window(void)
{
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session_file_fd);
	session_file_fd = -1;
}

static void end(void)
{
	close(job_file);
	close(injector);
	machine_end(&machine);
}

int main(int argc, char **argv)
{
	begin_tests();
	for (int i = 1; i < argc; i++)
		failed_before[(unsigned int)atoi(argv[i]) % ARRAY_SIZE(failed_before)] = true;
	injector = open(MML_DEVICE, O_RDWR | O_CLOEXEC);
	must(injector, MML_DEVICE);
	test_operations(loading, ARRAY_SIZE(loading));
	set_up();
	fault_around(machine.id, 1);
	test_operations(making, ARRAY_SIZE(making));
	test_operations(planting, ARRAY_SIZE(planting));
	test_operations(quiet, ARRAY_SIZE(quiet));
	test_operations(using, ARRAY_SIZE(using));
	leave_window();
	for (size_t i = 0; i < ARRAY_SIZE(fatals); i++)
		test_fatal(&fatals[i]);
	test_around();
	test_own_only();
	test_ends();
	test_rules();
	test_table();
	end();
	return done_testing();
}
