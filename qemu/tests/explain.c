// SPDX-License-Identifier: GPL-2.0
/*
 * What the lab says of its last failures: for each reason that a process can cause, the
 * reason, who, what was asked, and each number of each step.
 *
 * Machines of 64 frames, so that every free block can be counted: without watermarks, but
 * where these are the reason.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define FRAMES		64UL
#define ORDERS		11
/* Of an allocation: its one zone, the free lists, what CPUs keep, what is free. */
#define ALLOC_STEPS	(1 + ORDERS + 2)

static struct machine machine;

static int explain_on(int fd, uint32_t kind, struct mml_explain *explain)
{
	memset(explain, 0, sizeof(*explain));
	explain->machine = machine.id;
	explain->kind = kind;
	return lab_ioctl(fd, MML_IOC_EXPLAIN, explain);
}

static struct mml_explain last(uint32_t kind)
{
	struct mml_explain explain;

	must(explain_on(lab_control(), kind, &explain), "EXPLAIN");
	return explain;
}

static void begin(void)
{
	machine = machine_without_watermarks(FRAMES * PAGE);
}

static void end(void)
{
	machine_end(&machine);
}

static int open_session(uint64_t limit, uint32_t *number)
{
	const int session = (int)must(session_on(machine.id, 0, limit, number), "SESSION_OPEN");

	window_map(session, WINDOW, MML_WINDOW_SIZE);
	return session;
}

static void close_session(int session)
{
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(session);
}

static void show(const struct mml_explain *e)
{
	diag("why %u cause %u pid %u session %u order %u access %u address %" PRIx64 " gfp %s",
	     e->why, e->cause, e->pid, e->session, e->order, e->access, (uint64_t)e->address,
	     e->gfp);
	for (uint32_t i = 0; i < e->nr_steps; i++)
		diag("step %u: what %u arg %u at %" PRIx64 " value %" PRIx64 " wanted %" PRIx64, i,
		     e->step[i].what, e->step[i].arg, (uint64_t)e->step[i].at,
		     (uint64_t)e->step[i].value, (uint64_t)e->step[i].wanted);
}

static bool step_is(const struct mml_explain *e, uint32_t i, struct mml_explain_step want)
{
	return i < e->nr_steps && !memcmp(&e->step[i], &want, sizeof(want));
}

/*
 * The steps from @i on are those of an allocation of @order that found only @blocks[n]
 * blocks of order n, in zone DMA, which has to keep @reserve frames; and the CPUs nothing.
 */
static bool steps_are(const struct mml_explain *e, uint32_t i, uint32_t order,
		      const uint64_t *blocks, uint64_t reserve)
{
	bool good = e->nr_steps == i + ALLOC_STEPS;
	const uint32_t zone = i++;
	uint64_t free = 0;

	for (uint32_t n = 0; n < ORDERS; n++) {
		const uint32_t candidate = (order + n) % ORDERS;

		good &= step_is(e, i++, (struct mml_explain_step){
			MML_STEP_FREE_LIST, candidate, 0, blocks[candidate], candidate >= order });
		free += blocks[n] << n;
	}
	good &= step_is(e, i++, (struct mml_explain_step){ MML_STEP_KEPT, 0, 0, 0, 0 });
	good &= step_is(e, i, (struct mml_explain_step){
		MML_STEP_FREE_FRAMES, 0, 0, free, 1ULL << order });
	return good & step_is(e, zone, (struct mml_explain_step){
		MML_STEP_ZONE, 0, 0, free, reserve + (1ULL << order) });
}

static bool lists_are(const struct mml_explain *e, uint32_t i, uint32_t order,
		      const uint64_t *blocks)
{
	return steps_are(e, i, order, blocks, 0);
}

static bool test_explained(bool good, const struct mml_explain *e, const char *what)
{
	if (!test(good, "%s", what)) {
		show(e);
		return false;
	}
	return true;
}

/* This process, just now, is who did it. */
static bool mine(const struct mml_explain *e, uint32_t session)
{
	return e->pid == (uint32_t)getpid() && !strcmp(e->comm, "explain-test") &&
	       e->session == session && !e->flags && !e->lost &&
	       e->age_ns < 10ULL * 1000 * 1000 * 1000;
}

/*
 * Nothing.
 */

static void test_nothing(void)
{
	uint32_t number;
	const int session = session_new(machine.id), job = job_new(machine.id, &number);
	const int files[] = { lab_control(), machine.fd, session, job };
	struct mml_explain e, zero = { .machine = machine.id };
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		for (uint32_t kind = 0; kind < MML_NR_EXPLAIN_KINDS; kind++) {
			zero.kind = kind;
			good &= !explain_on(files[i], kind, &e) && !memcmp(&e, &zero, sizeof(e));
		}
	}
	test(good, "nothing has failed yet: all zero, on every kind of file");
	e.machine = 0xfffffff0;
	test_is(lab_ioctl(lab_control(), MML_IOC_EXPLAIN, &e), -ENXIO,
		"on a machine that is not there");
	close(job);
	close(session);
}

/*
 * Allocations.
 */

static void test_order(int session, uint32_t number)
{
	struct mml_explain e;

	test_is(block_alloc(session, 11, NULL), -EINVAL, "a block of order 11");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_ORDER && e.order == 11 && e.failures == 1 &&
		       !e.nr_steps && !strcmp(e.gfp, "GFP_KERNEL") && mine(&e, number), &e,
		       "is too large");
}

static void test_nothing_free(int session, uint32_t number)
{
	const uint64_t none[ORDERS] = { 0 }, one[ORDERS] = { [6] = 1 };
	struct mml_explain e;
	uint32_t handle;

	must(block_alloc(session, 6, &handle), "BLOCK_ALLOC");
	test_is(block_alloc(session, 0, NULL), -ENOMEM, "a frame when all are taken");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_NOTHING_FREE && e.order == 0 && e.failures == 2 &&
		       lists_are(&e, 0, 0, none) && mine(&e, number), &e,
		       "nothing is free: an empty zone, eleven empty lists");
	block_free(session, handle);
	test_is(block_alloc(session, 7, NULL), -ENOMEM, "a block larger than the machine");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_NOTHING_FREE && e.order == 7 &&
		       lists_are(&e, 0, 7, one), &e,
		       "64 frames are free, 128 wanted");
}

static void test_fragmented(int session, uint32_t number)
{
	const uint64_t left[ORDERS] = { 17, 1, 1, 1, 1 };
	uint32_t handle[FRAMES];
	struct mml_explain e;

	for (uint32_t i = 0; i < FRAMES; i++)
		must(block_alloc(session, 0, &handle[i]), "BLOCK_ALLOC");
	/* All but one of the lower half, every second of the upper. */
	for (uint32_t i = 0; i < FRAMES; i++) {
		if (i < FRAMES / 2 ? i != 5 : i % 2)
			block_free(session, handle[i]);
	}
	test_is(block_alloc(session, 5, NULL), -ENOMEM, "32 frames in a row, of 47 here and there");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_FRAGMENTED && e.order == 5 &&
		       lists_are(&e, 0, 5, left) &&
		       mine(&e, number), &e, "fragmented: each list has what is left");
	for (uint32_t i = 0; i < FRAMES; i++)
		block_free(session, handle[i]);
}

/* The session's own first allocation from now on is that of the frames. */
static void test_injected(int session, uint32_t number)
{
	struct mml_fail_nth inject = { .nth = 1 };
	struct mml_explain e;

	must(lab_ioctl(session, MML_IOC_FAIL_NTH, &inject), "FAIL_NTH");
	test_is(block_alloc(session, 4, NULL), -ENOMEM, "a block that is made to fail");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_INJECTED && e.order == 4 && !e.nr_steps &&
		       mine(&e, number), &e, "was made to fail");
}

static void test_limit(void)
{
	struct mml_explain e;
	uint32_t number;
	const int session = (int)must(session_on(machine.id, 0, 10 * PAGE, &number), "open");

	must(block_alloc(session, 3, NULL), "BLOCK_ALLOC");
	test_is(block_alloc(session, 2, NULL), -EDQUOT, "4 frames, with 8 of 10 held");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_LIMIT && e.order == 2 && e.nr_steps == 1 &&
		       step_is(&e, 0, (struct mml_explain_step){ MML_STEP_CHARGE, 0, 10, 8, 4 }) &&
		       mine(&e, number), &e, "the session's limit: 10, 8, 4");
	close(session);
}

static void test_allocs(void)
{
	uint32_t number;
	int session;

	begin();
	test_nothing();
	session = (int)must(session_on(machine.id, 0, 0, &number), "SESSION_OPEN");
	test_order(session, number);
	test_nothing_free(session, number);
	test_fragmented(session, number);
	test_injected(session, number);
	close(session);
	test_limit();
	test_is((long)last(MML_EXPLAIN_FAULT).failures, 0, "no fault was among them");
	end();
}

/* A machine of 64 frames keeps 8. */
#define RESERVE		8UL

static void test_watermark(void)
{
	const uint64_t all[ORDERS] = { [6] = 1 }, kept[ORDERS] = { [3] = 1 };
	struct mml_explain e;
	uint32_t number;
	int session;

	machine = machine_new(FRAMES * PAGE);
	session = (int)must(session_on(machine.id, 0, 0, &number), "SESSION_OPEN");
	test_is(block_alloc(session, 6, NULL), -ENOMEM, "a block of all frames");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_WATERMARK && e.order == 6 && e.failures == 1 &&
		       steps_are(&e, 0, 6, all, RESERVE) && mine(&e, number), &e,
		       "is there, but 8 of its frames are to stay free");
	test_is(block_alloc(session, 7, NULL), -ENOMEM, "a larger one");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_NOTHING_FREE && steps_are(&e, 0, 7, all, RESERVE), &e,
		       "is not, whatever has to stay");
	for (uint32_t order = 3; order < 6; order++)
		must(block_alloc(session, order, NULL), "BLOCK_ALLOC");
	test_is(block_alloc(session, 0, NULL), -ENOMEM, "a frame, when 8 are left");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_WATERMARK && e.order == 0 && e.failures == 3 &&
		       steps_are(&e, 0, 0, kept, RESERVE) && mine(&e, number), &e,
		       "is one that has to stay");
	close(session);
	end();
}

/*
 * Faults that are refused.
 */

static bool at_is(const struct mml_explain *e, uint64_t address, uint32_t access, uint32_t why)
{
	return e->address == address && e->access == access && e->why == why && !*e->gfp;
}

static void test_no_vma(int session, uint32_t number)
{
	const struct mml_explain_step range = { MML_STEP_RANGE, 0, WINDOW, WINDOW_END, 0 };
	struct mml_explain e;

	test_probe(READ, PLACE(1) + 123, SEGV_MAPERR, "a read where nothing is mapped at all");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(at_is(&e, PLACE(1), PROT_READ, MML_WHY_NO_VMA) && e.nr_steps == 1 &&
		       step_is(&e, 0, range) && e.failures == 1 && mine(&e, number), &e,
		       "no mapping, and none near");

	lab_mmap(session, PLACE(1) - 4 * PAGE, 2 * PAGE, PROT_READ, FIXED);
	lab_mmap(session, PLACE(1) + PAGE, PAGE, MODE_RW, FIXED);
	test_probe(WRITE, PLACE(1), SEGV_MAPERR, "a write between two mappings");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(at_is(&e, PLACE(1), PROT_WRITE, MML_WHY_NO_VMA) && e.nr_steps == 3 &&
		       step_is(&e, 0, range) &&
		       step_is(&e, 1, (struct mml_explain_step){
				MML_STEP_VMA_BEFORE, PROT_READ, PLACE(1) - 4 * PAGE,
				PLACE(1) - 2 * PAGE, PROT_WRITE }) &&
		       step_is(&e, 2, (struct mml_explain_step){
				MML_STEP_VMA_AFTER, MODE_RW, PLACE(1) + PAGE,
				PLACE(1) + 2 * PAGE, PROT_WRITE }), &e,
		       "the nearest below and above, with their rights");
}

static void test_access(int session, uint32_t number)
{
	struct mml_explain e;

	lab_mmap(session, PLACE(2), 2 * PAGE, PROT_READ, FIXED);
	test_probe(WRITE, PLACE(2) + PAGE, SEGV_ACCERR, "a write to what can be read");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(at_is(&e, PLACE(2) + PAGE, PROT_WRITE, MML_WHY_ACCESS) && e.nr_steps == 1 &&
		       step_is(&e, 0, (struct mml_explain_step){
				MML_STEP_VMA, PROT_READ, PLACE(2), PLACE(2) + 2 * PAGE,
				PROT_WRITE }) && mine(&e, number), &e, "the mapping allows reading");
	test_probe(EXEC, PLACE(2), SEGV_ACCERR, "code there");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(at_is(&e, PLACE(2), PROT_EXEC, MML_WHY_ACCESS) &&
		       e.step[0].wanted == PROT_EXEC, &e, "nor does it allow execution");
}

/* The kernel refuses a write by itself; that code may not run it leaves to the lab. */
static void test_window(void)
{
	const int session = session_new(machine.id);
	struct mml_explain e;

	if (mmap((void *)WINDOW, MML_WINDOW_SIZE, MODE_RW, MAP_SHARED | MAP_FIXED_NOREPLACE,
		 session, WINDOW) == MAP_FAILED)
		bail("no window");
	lab_mmap(session, PLACE(1), PAGE, MODE_RWX, FIXED);
	test_probe(EXEC, PLACE(1), SEGV_ACCERR, "code in a window that was mapped without");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(at_is(&e, PLACE(1), PROT_EXEC, MML_WHY_WINDOW) && e.nr_steps == 1 &&
		       step_is(&e, 0, (struct mml_explain_step){
				MML_STEP_VMA, MODE_RW, WINDOW, WINDOW_END, PROT_EXEC }), &e,
		       "is refused whatever the mapping in it allows");
	close_session(session);
}

static void test_faults(void)
{
	uint32_t number;
	int session;

	begin();
	session = open_session(0, &number);
	test_no_vma(session, number);
	test_access(session, number);
	test_is((long)last(MML_EXPLAIN_FAULT).failures, 4, "four faults were refused");
	test_is((long)last(MML_EXPLAIN_ALLOC).failures, 0, "no allocation was");
	close_session(session);
	test_window();
	end();
}

/*
 * Faults for which there is no frame. They are their process's last.
 */

#define GFP_PAGE	"GFP_HIGHUSER_MOVABLE|__GFP_NOWARN|__GFP_ZERO"
#define GFP_TABLE	"GFP_USER|__GFP_NOWARN|__GFP_ZERO"

/* Touch pages, a stride apart, until killed. */
static int touch_stride(uint64_t limit, uint64_t stride)
{
	const int session = open_session(limit, NULL);

	lab_mmap(session, WINDOW, 1ULL << 39, MODE_RW, FIXED | MAP_NORESERVE);
	for (uint64_t at = WINDOW;; at += stride)
		touch(WRITE, at);
	return 1;
}

static int touch_pages(void *arg)
{
	(void)arg;
	return touch_stride(0, PAGE);
}

static int touch_limited(void *arg)
{
	(void)arg;
	return touch_stride(10 * PAGE, PAGE);
}

/* Each page wants a table of its own: two frames a touch. */
static int touch_tables(void *arg)
{
	(void)arg;
	return touch_stride(0, 2 * MIB);
}

static bool table_is(const struct mml_explain *e, uint32_t i, uint32_t level, uint64_t there)
{
	return step_is(e, i, (struct mml_explain_step){ MML_STEP_TABLE, level, 0, there, 1 });
}

static bool no_frame_is(const struct mml_explain *e, pid_t pid, uint64_t address, uint32_t cause,
			const char *gfp)
{
	return e->why == MML_WHY_NO_FRAME && e->cause == cause && e->pid == (uint32_t)pid &&
	       e->session && e->address == address && e->access == PROT_WRITE && !e->order &&
	       !e->lost && !strcmp(e->gfp, gfp);
}

static void test_no_frame(void)
{
	const uint64_t none[ORDERS] = { 0 };
	struct mml_explain e;
	pid_t pid;

	begin();
	pid = child_start(touch_pages, NULL);
	test_is(child_end(pid), 128 + SIGKILL, "a process that uses up all frames");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(no_frame_is(&e, pid, WINDOW + 60 * PAGE, MML_WHY_NOTHING_FREE, GFP_PAGE) &&
		       table_is(&e, 0, 3, 1) && table_is(&e, 1, 2, 1) && table_is(&e, 2, 1, 1) &&
		       table_is(&e, 3, 0, 1) &&
		       step_is(&e, 4, (struct mml_explain_step){ MML_STEP_PAGE, 0, 0, 0, 1 }) &&
		       lists_are(&e, 5, 0, none), &e,
		       "wanted a frame for its 61st page, all tables were there");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_NOTHING_FREE && e.pid == (uint32_t)pid && e.session &&
		       lists_are(&e, 0, 0, none), &e, "the allocation says the same");

	/* 64 frames: three tables, then 30 times table and page, and the one of 31. */
	test(free_frames_become(machine.id, FRAMES), "all are free again");
	pid = child_start(touch_tables, NULL);
	test_is(child_end(pid), 128 + SIGKILL, "one that wants a table for each page");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(no_frame_is(&e, pid, WINDOW + 30 * 2 * MIB, MML_WHY_NOTHING_FREE, GFP_PAGE) &&
		       table_is(&e, 2, 1, 1) && table_is(&e, 3, 0, 1) && lists_are(&e, 5, 0, none),
		       &e, "wanted the page for the last table there was");

	test(free_frames_become(machine.id, FRAMES), "all are free again");
	pid = child_start(touch_limited, NULL);
	test_is(child_end(pid), 128 + SIGKILL, "one that goes beyond its limit");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(no_frame_is(&e, pid, WINDOW + 6 * PAGE, MML_WHY_LIMIT, GFP_PAGE) && e.nr_steps == 6 &&
		       step_is(&e, 5, (struct mml_explain_step){ MML_STEP_CHARGE, 0, 10, 10, 1 }),
		       &e, "held 10 of 10");
	test(free_frames_become(machine.id, FRAMES), "all are free again");
	end();
}

/* 64 frames, of which 8 stay free and four are tables. */
static void test_reserve(void)
{
	struct mml_explain e;
	uint64_t free = 0;
	pid_t pid;

	machine = machine_new(FRAMES * PAGE);
	pid = child_start(touch_pages, NULL);
	test_is(child_end(pid), 128 + SIGKILL, "a process that uses up all but the reserve");
	e = last(MML_EXPLAIN_FAULT);
	for (uint32_t i = 0; i < ORDERS && 6 + i < e.nr_steps; i++)
		free += e.step[6 + i].value << e.step[6 + i].arg;
	test_explained(no_frame_is(&e, pid, WINDOW + 52 * PAGE, MML_WHY_WATERMARK, GFP_PAGE) &&
		       e.nr_steps == 5 + ALLOC_STEPS && free == RESERVE &&
		       step_is(&e, 5, (struct mml_explain_step){
				MML_STEP_ZONE, 0, 0, RESERVE, RESERVE + 1 }) &&
		       step_is(&e, 6 + ORDERS, (struct mml_explain_step){ MML_STEP_KEPT, 0, 0, 0, 0 }) &&
		       step_is(&e, 7 + ORDERS, (struct mml_explain_step){
				MML_STEP_FREE_FRAMES, 0, 0, RESERVE, 1 }), &e,
		       "wanted a frame for its 53rd page, of 8 that are free");
	test(free_frames_become(machine.id, FRAMES), "all are free again");
	end();
}

/* With all frames but a few taken, the first touch wants a table. */
static void test_no_table(void)
{
	const uint64_t none[ORDERS] = { 0 };
	const int hog = (begin(), session_new(machine.id));
	struct mml_explain e;
	pid_t pid;

	must(block_alloc(hog, 5, NULL), "BLOCK_ALLOC");
	for (uint32_t order = 1; order < 5; order++)
		must(block_alloc(hog, order, NULL), "BLOCK_ALLOC");
	pid = child_start(touch_pages, NULL);
	test_is(child_end(pid), 128 + SIGKILL, "one for which there are two frames");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(no_frame_is(&e, pid, WINDOW, MML_WHY_NOTHING_FREE, GFP_TABLE) &&
		       table_is(&e, 0, 3, 1) && table_is(&e, 1, 2, 1) && table_is(&e, 2, 1, 0) &&
		       lists_are(&e, 3, 0, none), &e,
		       "has the two upper tables and wanted the third");
	close(hog);
	end();
}

static int touch_inherited(void *arg)
{
	(void)arg;
	touch(WRITE, WINDOW);
	return 1;
}

static void test_stillborn(void)
{
	struct mml_explain e;
	uint32_t number;
	int session;
	pid_t pid;

	begin();
	session = open_session(0, &number);
	lab_mmap(session, WINDOW, FRAMES * PAGE, MODE_RW, FIXED);
	memset((void *)WINDOW, 1, (FRAMES - 2 * 4 + 1) * PAGE);
	pid = child_start(touch_inherited, NULL);
	test_is(child_end(pid), 128 + SIGKILL, "a forked child for which there are three tables");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(e.why == MML_WHY_STILLBORN && e.pid == (uint32_t)pid &&
		       e.session == number + 1 && e.address == WINDOW && !e.nr_steps, &e,
		       "was stillborn");
	e = last(MML_EXPLAIN_ALLOC);
	test_explained(e.why == MML_WHY_NOTHING_FREE && mine(&e, number + 1), &e,
		       "for its parent found no frame for it");
	close_session(session);
	end();
}

/*
 * Who may know what.
 */

/* As nobody, who has the control file open. Returns: 0, or which check failed. */
static int ask_as_nobody(void *arg)
{
	static const char nothing[sizeof(((struct mml_explain *)NULL)->comm)];
	struct mml_explain e;
	uint32_t number;
	int session;

	(void)arg;
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 1;
	e = last(MML_EXPLAIN_FAULT);
	if (e.flags != MML_EXPLAIN_HIDDEN || e.why != MML_WHY_NO_VMA || e.failures != 1)
		return 2;
	if (e.pid || e.session || e.address || memcmp(e.comm, nothing, sizeof(nothing)))
		return 3;
	for (size_t i = 0; i < sizeof(e.step); i++) {
		if (((unsigned char *)e.step)[i])
			return 4;
	}
	e = last(MML_EXPLAIN_ALLOC);
	if (e.flags != MML_EXPLAIN_HIDDEN || e.why != MML_WHY_NOTHING_FREE || e.pid ||
	    e.session || e.nr_steps != ALLOC_STEPS)
		return 5;
	session = open_session(0, &number);
	if (probe(READ, PLACE(3)).code != SEGV_MAPERR)
		return 6;
	e = last(MML_EXPLAIN_FAULT);
	if (e.flags || e.pid != (uint32_t)getpid() || e.address != PLACE(3) ||
	    e.session != number || e.nr_steps != 1)
		return 7;
	close_session(session);
	return 0;
}

static void test_hidden(void)
{
	struct mml_explain e;
	int session;

	begin();
	session = open_session(0, NULL);
	probe(READ, PLACE(2));
	block_alloc(session, 10, NULL);
	close_session(session);
	test_is(in_child(ask_as_nobody, NULL), 0,
		"nobody learns why others failed, not who nor where; of himself all");
	e = last(MML_EXPLAIN_FAULT);
	test_explained(!e.flags && e.pid && e.address == PLACE(3), &e, "root learns of all");
	end();
}

int main(void)
{
	begin_tests();
	catch_faults();
	prctl(PR_SET_NAME, "explain-test");
	lab_control();
	test_allocs();
	test_faults();
	test_watermark();
	test_no_frame();
	test_reserve();
	test_no_table();
	test_stillborn();
	test_hidden();
	return done_testing();
}
