// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab trace: the story of a program's memory.
 *
 * The program runs as by mmlab run. While it runs, its events are read and told.
 */
#include <errno.h>
#include <string.h>

#include "report.h"
#include "run.h"
#include "trace.h"

/**
 * struct story - a trace, and who tells it
 * @trace: what happens
 * @teller: who tells it
 * @report: of the run, when it has ended
 */
struct story {
	struct trace *trace;
	struct teller *teller;
	const struct report *report;
};

static void go_on(void *arg)
{
	const struct story *story = arg;

	trace_read(story->trace, false);
}

static void finish(void *arg, const struct report *report)
{
	struct story *story = arg;

	trace_read(story->trace, true);
	teller_end(story->teller, report, trace_lost(story->trace));
	story->teller = NULL;
}

static int trace_plan(struct run_plan *plan, FILE *out, bool json)
{
	struct story story = { .teller = teller_new(out, json) };
	int status = EXIT_NOT_STARTED;

	if (story.teller)
		story.trace = trace_begin(teller_tell, story.teller);
	if (story.trace) {
		plan->tick = go_on;
		plan->end = finish;
		plan->arg = &story;
		status = run_plan(plan);
		trace_end(story.trace);
	}
	if (story.teller)
		teller_end(story.teller, NULL, 0);
	return status;
}

/* @file: a path; NULL: standard error */
static int trace_to(struct run_plan *plan, const char *file, bool json)
{
	FILE *out = file ? fopen(file, "we") : stderr;
	int status;

	if (!out) {
		complain("cannot write the story to %s: %s", file, strerror(errno));
		return EXIT_NOT_STARTED;
	}
	status = trace_plan(plan, out, json);
	if (file && fclose(out))
		complain("cannot write the story to %s: %s", file, strerror(errno));
	return status;
}

static int trace_command(int argc, char **argv)
{
	const char *memory = NULL, *number = NULL, *file = NULL;
	struct run_plan plan = { 0 };
	bool json = false;
	const struct option_spec options[] = {
		{ "--memory", &memory, NULL },	   { "--machine", &number, NULL },
		{ "-o", &file, NULL },		   { "--json", NULL, &json },
		{ "--report", &plan.file, NULL },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	int status;

	if (arg < 0)
		return EXIT_USAGE;
	if (arg == argc)
		return usage_error("which program?");
	status = run_plan_machine(&plan, memory, number);
	if (status)
		return status;
	plan.program = argv + arg;
	return trace_to(&plan, file, json);
}

const struct command cmd_trace = {
	.name = "trace",
	.arguments = "[--memory SIZE | --machine N] [-o FILE] [--json]\n"
		     "                   [--report FILE] [--] PROGRAM [ARGUMENT...]",
	.summary = "run a program and tell the story of its memory",
	.help =
		"The program runs as by mmlab run. What happens to its memory, and to that of\n"
		"its descendants, is told while it runs, a line each:\n"
		"\n"
		"  mmap, munmap   a call, how much, where; an errno if it failed\n"
		"  fault          an access to a page that was not there, or not so: how it was\n"
		"                 answered, and how long that took\n"
		"  copy           a page is written that a relative has, too\n"
		"  flush          what the lab takes back of the real page tables\n"
		"  fork, exec     a new process or thread; another program\n"
		"\n"
		"and then how many there were of each, and what time faults took.\n"
		"\n"
		"  --memory SIZE   make a machine of that size for it, as mmlab run\n"
		"  --machine N     use that one; without either, machine 0\n"
		"  -o FILE         the story goes there, not to standard error\n"
		"  --json          an object a line; addresses and lengths are in bytes, times in\n"
		"                  nanoseconds but for \"seconds\"; the last one's event is \"end\"\n"
		"  --report FILE   as of mmlab run\n"
		"\n"
		"  mmlab trace -o story python3 -c 'b = bytearray(1 << 20)'\n"
		"\n"
		"Exit status: as of mmlab run. It takes root, for the events are read by a trace\n"
		"instance (tracefs) that is made for it and removed afterwards.\n",
	.run = trace_command,
};
