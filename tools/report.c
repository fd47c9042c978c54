// SPDX-License-Identifier: GPL-2.0
/*
 * A run's report: as JSON for programs, as a table for people.
 */
#include <inttypes.h>
#include <string.h>

#include "report.h"

/* Characters of a command line that the summary's heading shows. */
#define COMMAND_MAX		64

/**
 * report_json - one object
 * @out: where to
 * @report: the run
 */
void report_json(FILE *out, const struct report *report)
{
	const struct mml_job_stat *job = &report->job;

	fputs("{\n  \"program\": ", out);
	json_strings(out, report->program);
	fputs(",\n", out);
	json_number(out, "exit_status", (uint64_t)report->exit_status, true);
	if (report->signal)
		json_number(out, "signal", (uint64_t)report->signal, true);
	else
		fputs("  \"signal\": null,\n", out);
	fprintf(out, "  \"seconds\": %.3f,\n", report->seconds);
	json_number(out, "machine", report->machine.machine, true);
	json_number(out, "memory_frames", report->machine.frames, true);
	json_number(out, "processes", job->sessions_total, true);
	json_number(out, "calls", job->calls, true);
	json_number(out, "faults", job->faults, true);
	json_number(out, "forks", job->forks, true);
	json_number(out, "peak_frames", job->peak_frames, true);
	json_number(out, "kernel_rss_anon_kib", report->rss_anon_kib, true);
	json_number(out, "fallbacks", job->fallbacks, true);
	json_number(out, "oom_kills", job->oom_kills, true);
	if (report->lost)
		json_number(out, "frames_lost", report->frames_lost, true);
	else
		fputs("  \"frames_lost\": null,\n", out);
	if (!report->validated)
		fputs("  \"validate\": null\n}\n", out);
	else if (report->violations)
		fprintf(out, "  \"validate\": \"%" PRIu64 " violations\"\n}\n", report->violations);
	else
		fputs("  \"validate\": \"ok\"\n}\n", out);
}

static void line(FILE *out, const char *what, const char *value, const char *meaning)
{
	fprintf(out, "  %-15s %12s   %s\n", what, value, meaning);
}

static void number(FILE *out, const char *what, uint64_t value, const char *meaning)
{
	line(out, what, with_commas(value), meaning);
}

/* The program and its arguments, on one line and not too long. */
static void command_line(FILE *out, char **program)
{
	size_t room = COMMAND_MAX;

	for (size_t i = 0; program[i]; i++) {
		fputc(' ', out);
		for (const char *c = program[i]; *c; c++) {
			if (!room--) {
				fputs("...", out);
				return;
			}
			fputc((unsigned char)*c < ' ' ? ' ' : *c, out);
		}
	}
}

static void heading(FILE *out, const struct report *report)
{
	fputs("mmlab run:", out);
	command_line(out, report->program);
	if (report->signal)
		fprintf(out, ": killed by signal %d (%s)", report->signal,
			strsignal(report->signal));
	else
		fprintf(out, ": exit status %d", report->exit_status);
	fprintf(out, " after %.2f s\n", report->seconds);
}

static void machine_line(FILE *out, const struct report *report)
{
	const struct mml_info *machine = &report->machine;
	char text[160];

	snprintf(text, sizeof(text), "%s: %s, %s frames of %s, from %s",
		 report->own ? "made for it" : "shared",
		 as_size(machine->frames * machine->page_size), with_commas(machine->frames),
		 as_size(machine->page_size), machine->backend_name);
	number(out, "machine", machine->machine, text);
}

static void verdict_lines(FILE *out, const struct report *report)
{
	char text[96];

	if (report->lost)
		number(out, "frames lost", report->frames_lost, "that nobody gave back");
	else
		line(out, "frames lost", "?", "the machine is still held; see the kernel log");
	if (!report->validated) {
		line(out, "validate", "?", "could not be asked for");
		return;
	}
	snprintf(text, sizeof(text), "%s invariants checked, %s violated",
		 with_commas(report->checks), with_commas(report->violations));
	line(out, "validate", report->violations ? "NOT OK" : "ok", text);
}

/**
 * report_summary - a table
 * @out: where to
 * @report: the run
 */
void report_summary(FILE *out, const struct report *report)
{
	const struct mml_job_stat *job = &report->job;
	char peak[96], rss[32];

	snprintf(peak, sizeof(peak), "held at once at most, page tables included: %s",
		 as_size(job->peak_frames * report->machine.page_size));
	snprintf(rss, sizeof(rss), "%s KiB", with_commas(report->rss_anon_kib));

	heading(out, report);
	machine_line(out, report);
	number(out, "processes", job->sessions_total, "address spaces: one an exec, one a fork");
	number(out, "calls", job->calls, "mmap, munmap, mprotect and other memory calls on the lab");
	number(out, "faults", job->faults, "touches of a page that was not there, or not so");
	number(out, "forks", job->forks, "address spaces cloned");
	number(out, "peak frames", job->peak_frames, peak);
	line(out, "kernel RssAnon", rss, "at most, of the kernel's own memory: stacks, data");
	number(out, "fallbacks", job->fallbacks, "mappings of kinds that only the kernel has");
	number(out, "oom kills", job->oom_kills, "processes killed because no frame was left");
	verdict_lines(out, report);
}
