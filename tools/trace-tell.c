// SPDX-License-Identifier: GPL-2.0
/*
 * Telling what happened: a line each, for people or as JSON, and a summary.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "report.h"
#include "trace.h"

/* Ways in which a fault can be answered, or not: more than there are. */
#define MAX_PATHS		16

static const char *const kind_names[MOMENT_KINDS] = {
	[MOMENT_MMAP] = "mmap", [MOMENT_MUNMAP] = "munmap", [MOMENT_FAULT] = "fault",
	[MOMENT_COPY] = "copy", [MOMENT_FLUSH] = "flush",   [MOMENT_FORK] = "fork",
	[MOMENT_EXEC] = "exec",
};

/* What the words of an event mean, to people. One that is not here is told as it is. */
static const struct meaning {
	const char *path;
	const char *text;
} meanings[] = {
	{ "spurious", "the page is there, only its real entry was not" },
	{ "zero", "the zero page" },
	{ "frame", "a zeroed frame" },
	{ "around", "a zeroed frame, and others around it" },
	{ "reuse", "its frame, which nobody else has any more" },
	{ "copy", "a copy of its frame" },
	{ "shared", "the frame of shared memory" },
	{ "retry", "to be tried again: the mappings are being changed" },
	{ "maperr", "nothing is mapped there: SIGSEGV" },
	{ "accerr", "that is not allowed there: SIGSEGV" },
	{ "oom", "no frame is left: SIGKILL" },
	{ "sigbus", "the shared memory there ends before: SIGBUS" },
	{ "dead", "the session has ended: SIGBUS" },
};

/**
 * struct path_sum - faults that were answered in the same way
 * @path: which
 * @count: how many
 * @ns: that they took together
 * @most: that one of them took
 */
struct path_sum {
	const char *path;
	uint64_t count;
	uint64_t ns;
	uint64_t most;
};

/**
 * struct teller - who tells
 * @out: where to
 * @json: an object a line
 * @begin: when the first thing happened; 0: nothing did yet
 * @count: moments, by their kind
 * @bytes: of calls and flushes
 * @sum: of faults, by their path
 * @nr_sums: how many of these
 */
struct teller {
	FILE *out;
	bool json;
	uint64_t begin;
	uint64_t count[MOMENT_KINDS];
	uint64_t bytes[MOMENT_KINDS];
	struct path_sum sum[MAX_PATHS];
	size_t nr_sums;
};

/**
 * teller_new - begin to tell
 * @out: where to
 * @json: as JSON
 *
 * Return: it, to be freed by teller_end(); NULL after a message.
 */
struct teller *teller_new(FILE *out, bool json)
{
	struct teller *teller = calloc(1, sizeof(*teller));

	if (!teller) {
		complain("no memory");
		return NULL;
	}
	teller->out = out;
	teller->json = json;
	return teller;
}

static double seconds_since(uint64_t begin, uint64_t ns)
{
	return ns > begin ? (double)(ns - begin) / 1e9 : 0;
}

/* 850 ns, 21 us, 1.7 ms */
static const char *as_time(char *text, size_t size, uint64_t ns)
{
	if (ns < 1000)
		snprintf(text, size, "%" PRIu64 " ns", ns);
	else if (ns < 1000000)
		snprintf(text, size, "%.0f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(text, size, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(text, size, "%.2f s", (double)ns / 1e9);
	return text;
}

static const char *meaning_of(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (!strcmp(meanings[i].path, path))
			return meanings[i].text;
	return path;
}

static const char *error_name(int ret)
{
	const char *name = strerrorname_np(-ret);

	return name ? name : "an error";
}

/*
 * For people.
 */

static void call_text(FILE *out, const struct moment *moment)
{
	fprintf(out, "%s at 0x%" PRIx64, as_size(moment->length), moment->address);
	if (moment->kind == MOMENT_MMAP)
		fprintf(out, ", %c%c%c", moment->prot & PROT_READ ? 'r' : '-',
			moment->prot & PROT_WRITE ? 'w' : '-',
			moment->prot & PROT_EXEC ? 'x' : '-');
	if (moment->ret < 0)
		fprintf(out, ": %s", error_name(moment->ret));
}

static void moment_text(FILE *out, const struct moment *moment)
{
	char took[32];

	switch (moment->kind) {
	case MOMENT_MMAP:
	case MOMENT_MUNMAP:
	case MOMENT_FLUSH:
		call_text(out, moment);
		break;
	case MOMENT_FAULT:
		fprintf(out, "%s at 0x%" PRIx64 ": %s, %s", moment->access, moment->address,
			meaning_of(moment->path), as_time(took, sizeof(took), moment->took));
		break;
	case MOMENT_COPY:
		fprintf(out, "frame %" PRIu64 " to frame %" PRIu64 ", for 0x%" PRIx64,
			moment->old_pfn, moment->new_pfn, moment->address);
		break;
	case MOMENT_FORK:
		fprintf(out, "%d", moment->child);
		break;
	case MOMENT_EXEC:
		fputs(moment->text, out);
		break;
	case MOMENT_NAME:
		break;
	}
}

static void tell_text(const struct teller *teller, const struct moment *moment)
{
	char who[TRACE_NAME_LEN + 16];

	snprintf(who, sizeof(who), "%s:%d", *moment->name ? moment->name : "?", moment->pid);
	fprintf(teller->out, "%10.6f s  %-20s  %-6s  ", seconds_since(teller->begin, moment->ns),
		who, kind_names[moment->kind]);
	moment_text(teller->out, moment);
	fputc('\n', teller->out);
}

/*
 * As JSON.
 */

static void json_field(FILE *out, const char *key, uint64_t n)
{
	fprintf(out, ", \"%s\": %" PRIu64, key, n);
}

static void json_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, ", \"%s\": ", key);
	json_string(out, text);
}

static void call_json(FILE *out, const struct moment *moment)
{
	json_field(out, "address", moment->address);
	json_field(out, "length", moment->length);
	if (moment->kind == MOMENT_MMAP)
		json_field(out, "prot", moment->prot);
	if (moment->ret < 0)
		json_text(out, "error", error_name(moment->ret));
}

static void moment_json(FILE *out, const struct moment *moment)
{
	switch (moment->kind) {
	case MOMENT_MMAP:
	case MOMENT_MUNMAP:
	case MOMENT_FLUSH:
		call_json(out, moment);
		break;
	case MOMENT_FAULT:
		json_field(out, "address", moment->address);
		json_text(out, "access", moment->access);
		json_text(out, "path", moment->path);
		json_field(out, "ns", moment->took);
		break;
	case MOMENT_COPY:
		json_field(out, "address", moment->address);
		json_field(out, "old_pfn", moment->old_pfn);
		json_field(out, "new_pfn", moment->new_pfn);
		break;
	case MOMENT_FORK:
		json_field(out, "child", (uint64_t)moment->child);
		break;
	case MOMENT_EXEC:
		json_text(out, "file", moment->text);
		break;
	case MOMENT_NAME:
		break;
	}
}

static void tell_json(const struct teller *teller, const struct moment *moment)
{
	fprintf(teller->out, "{\"seconds\": %.6f", seconds_since(teller->begin, moment->ns));
	json_field(teller->out, "pid", (uint64_t)moment->pid);
	json_text(teller->out, "name", moment->name);
	json_text(teller->out, "event", kind_names[moment->kind]);
	moment_json(teller->out, moment);
	fputs("}\n", teller->out);
}

/*
 * Both.
 */

static void count_fault(struct teller *teller, const struct moment *moment)
{
	struct path_sum *sum = teller->sum;

	while (sum < teller->sum + teller->nr_sums && strcmp(sum->path, moment->path))
		sum++;
	if (sum == teller->sum + teller->nr_sums) {
		/* The last one takes what is too many. */
		if (teller->nr_sums == MAX_PATHS)
			sum--;
		else
			teller->nr_sums++;
	}
	sum->path = moment->path;
	sum->count++;
	sum->ns += moment->took;
	if (moment->took > sum->most)
		sum->most = moment->took;
}

/**
 * teller_tell - tell of a moment
 * @arg: who tells: a struct teller
 * @moment: what happened
 */
void teller_tell(void *arg, const struct moment *moment)
{
	struct teller *teller = arg;

	if (!teller->begin)
		teller->begin = moment->ns;
	teller->count[moment->kind]++;
	if (moment->ret >= 0)
		teller->bytes[moment->kind] += moment->length;
	if (moment->kind == MOMENT_FAULT)
		count_fault(teller, moment);
	if (teller->json)
		tell_json(teller, moment);
	else
		tell_text(teller, moment);
}

/*
 * The summary.
 */

static void sum_text(FILE *out, const struct path_sum *sum)
{
	char all[32], one[32], most[32];

	fprintf(out, "  %-8s %8s   %s: %s, %s each, %s at most\n", sum->path,
		with_commas(sum->count), meaning_of(sum->path), as_time(all, sizeof(all), sum->ns),
		as_time(one, sizeof(one), sum->ns / sum->count),
		as_time(most, sizeof(most), sum->most));
}

static void end_text(const struct teller *teller, const struct report *report, uint64_t lost)
{
	FILE *out = teller->out;

	if (report->signal)
		fprintf(out, "\nkilled by signal %d (%s)", report->signal,
			strsignal(report->signal));
	else
		fprintf(out, "\nexit status %d", report->exit_status);
	fprintf(out, " after %.2f s\n", report->seconds);
	for (int kind = 0; kind < MOMENT_KINDS; kind++) {
		fprintf(out, "%-10s %8s", kind_names[kind], with_commas(teller->count[kind]));
		if (teller->bytes[kind])
			fprintf(out, "   %s", as_size(teller->bytes[kind]));
		fputc('\n', out);
		for (size_t i = 0; kind == MOMENT_FAULT && i < teller->nr_sums; i++)
			sum_text(out, &teller->sum[i]);
	}
	if (lost)
		fprintf(out, "%-10s %8s   there was no room for these: the story has gaps\n",
			"lost", with_commas(lost));
}

static void end_json(const struct teller *teller, const struct report *report, uint64_t lost)
{
	FILE *out = teller->out;

	fprintf(out, "{\"seconds\": %.6f", report->seconds);
	json_text(out, "event", "end");
	json_field(out, "exit_status", (uint64_t)report->exit_status);
	for (int kind = 0; kind < MOMENT_KINDS; kind++)
		json_field(out, kind_names[kind], teller->count[kind]);
	json_field(out, "lost", lost);
	fputs(", \"paths\": {", out);
	for (size_t i = 0; i < teller->nr_sums; i++) {
		const struct path_sum *sum = &teller->sum[i];

		fprintf(out, "%s\"%s\": {\"count\": %" PRIu64, i ? ", " : "", sum->path,
			sum->count);
		json_field(out, "ns", sum->ns);
		json_field(out, "most_ns", sum->most);
		fputc('}', out);
	}
	fputs("}}\n", out);
}

/**
 * teller_end - the summary; the last that it tells
 * @teller: who tells; it is freed
 * @report: how the program ended; NULL: there is nothing to sum up
 * @lost: events that were not read
 */
void teller_end(struct teller *teller, const struct report *report, uint64_t lost)
{
	if (report && teller->json)
		end_json(teller, report, lost);
	else if (report)
		end_text(teller, report, lost);
	free(teller);
}
