// SPDX-License-Identifier: GPL-2.0
/*
 * The same operations on the kernel's anonymous memory and on the lab's, by two processes at
 * the same addresses: everything that a program can see has to be the same.
 *
 *	compare [--random COUNT] [--seed SEED] [FILE...]
 *
 * The cases of these files, a test each; then COUNT operations at random, one test.
 *
 * The kernel vouches for what is expected. Nobody says beforehand what is right, but for
 * cases that say that they differ, and why: these have to.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>

#include "compare.h"

#define MACHINE_BYTES	(64 * MIB)
/* Lines that are shown before the first one that differs. */
#define CONTEXT		16
#define MAX_LINE	4096

/**
 * struct plan - what a process is to do
 * @one: a case
 * @count: random operations, if there is no case
 * @seed: of these
 */
struct plan {
	const struct compare_case *one;
	uint64_t count;
	uint32_t seed;
};

/* A process on a side, and what it says. */
struct runner {
	const struct side *side;
	pid_t pid;
	FILE *out;
	char line[MAX_LINE];
};

/* The @n-th operation of a plan. Returns: false if there is none. */
static bool plan_op(const struct plan *plan, uint64_t n, struct op *op)
{
	if (n >= (plan->one ? plan->one->count : plan->count))
		return false;
	if (plan->one)
		*op = plan->one->op[n];
	else
		random_next(op);
	return true;
}

static void __attribute__((noreturn)) finish(FILE *out, const char *line)
{
	fprintf(out, "%s\n", line);
	fclose(out);
	_exit(0);
}

/* Returns in the child, and in the parent when that has ended: whether this is the child. */
static bool make_child(const struct side *side, FILE *out)
{
	pid_t pid;

	/* Or both would write it. */
	fflush(out);
	pid = fork();
	if (pid < 0)
		bail("no process: %s", strerror(errno));
	if (pid)
		fprintf(out, "the child's status: %d\n", child_end(pid));
	else
		side->forked();
	return !pid;
}

/* Makes all of them, and ends the process. */
static void __attribute__((noreturn)) run_plan(const struct side *side, const struct plan *plan,
					       FILE *out)
{
	uint64_t n, last = UINT64_MAX;
	bool child = false;
	struct op op;

	random_begin(plan->seed);
	for (n = 0; n != last && plan_op(plan, n, &op); n++) {
		op_make(side, &op, out);
		if (op.call == FORK && make_child(side, out)) {
			child = true;
			last = op.flags ? n + 1 + op.flags : UINT64_MAX;
		}
	}
	finish(out, child ? "the child ends" : "end");
}

static void start(struct runner *runner, const struct side *side, const struct plan *plan)
{
	int ends[2];

	runner->side = side;
	if (pipe(ends))
		bail("no pipe: %s", strerror(errno));
	runner->pid = fork();
	if (runner->pid < 0)
		bail("no process: %s", strerror(errno));
	if (!runner->pid) {
		FILE *out = fdopen(ends[1], "w");

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		catch_faults();
		side->begin();
		run_plan(side, plan, out);
	}
	close(ends[1]);
	runner->out = fdopen(ends[0], "r");
}

/* The next line. Without one, why not. */
static void next_line(struct runner *runner)
{
	if (!fgets(runner->line, sizeof(runner->line), runner->out))
		snprintf(runner->line, sizeof(runner->line), "the process ended\n");
}

static void stop(struct runner *runner)
{
	kill(runner->pid, SIGKILL);
	fclose(runner->out);
	child_end(runner->pid);
}

/* The last lines on which both agreed. */
struct context {
	char line[CONTEXT][MAX_LINE];
	uint64_t count;
};

static void show(const struct context *context, const struct runner *a, const struct runner *b)
{
	const uint64_t first = context->count > CONTEXT ? context->count - CONTEXT : 0;

	for (uint64_t i = first; i < context->count; i++)
		diag("%7s   %.*s", "", (int)strcspn(context->line[i % CONTEXT], "\n"),
		     context->line[i % CONTEXT]);
	diag("%7s > %.*s", a->side->name, (int)strcspn(a->line, "\n"), a->line);
	diag("%7s > %.*s", b->side->name, (int)strcspn(b->line, "\n"), b->line);
}

/* Returns whether both sides saw the same; else, if @told, it is said what they saw. */
static bool compare(const struct plan *plan, bool told)
{
	static struct context context;
	static struct runner a, b;
	bool same;

	context.count = 0;
	start(&a, &kernel_side, plan);
	start(&b, &lab_side, plan);
	do {
		next_line(&a);
		next_line(&b);
		same = !strcmp(a.line, b.line);
		if (same)
			strcpy(context.line[context.count++ % CONTEXT], a.line);
	} while (same && strcmp(a.line, "end\n") && strcmp(a.line, "the process ended\n"));
	/* Both may have died of the same. */
	same = same && !strcmp(a.line, "end\n");
	if (!same && told)
		show(&context, &a, &b);
	stop(&a);
	stop(&b);
	return same;
}

static void compare_one(const struct compare_case *one)
{
	const struct plan plan = { .one = one };
	const bool same = compare(&plan, !one->differs);

	if (!one->count)
		bail("case '%s' has no operation", one->name);
	if (one->differs)
		test(!same, "%s: differs: %s", one->name, one->differs);
	else
		test(same, "%s", one->name);
}

static void compare_files(char **paths)
{
	struct script script = { 0 };

	for (; *paths; paths++)
		script_read(&script, *paths);
	for (size_t i = 0; i < script.count; i++)
		compare_one(&script.cases[i]);
}

static void compare_random(uint64_t count, uint32_t seed)
{
	const struct plan plan = { .count = count, .seed = seed };

	diag("--seed %u", seed);
	test(compare(&plan, true), "%" PRIu64 " operations at random", count);
}

static uint64_t number(const char *text)
{
	char *end = NULL;
	const uint64_t n = text ? strtoull(text, &end, 0) : 0;

	if (!text || !*text || *end)
		bail("'%s' is no number", text ? text : "");
	return n;
}

int main(int argc, char **argv)
{
	uint32_t seed = (uint32_t)now_ms();
	uint64_t count = 0;

	begin_tests();
	for (argv++, argc--; argc && !strncmp(*argv, "--", 2); argv += 2, argc -= 2) {
		if (!strcmp(*argv, "--random"))
			count = number(argv[1]);
		else if (!strcmp(*argv, "--seed"))
			seed = (uint32_t)number(argv[1]);
		else
			bail("there is no option '%s'", *argv);
	}
	compare_machine = machine_new(MACHINE_BYTES);
	compare_files(argv);
	if (count)
		compare_random(count, seed);
	test_valid("after all");
	machine_end(&compare_machine);
	return done_testing();
}
