// SPDX-License-Identifier: GPL-2.0
/*
 * Reading events: of mmlab and its descendants, from a trace instance of its own, in order.
 *
 * The instance takes the events of the processes in its set_event_pid, which is mmlab itself, and
 * of what they fork (event-fork). Its clock is that of now_ns(). Every CPU has a buffer, so what
 * was read is kept until nothing earlier can come from another one: whatever has a time before
 * the reading began is complete then.
 *
 * The names of numbers in an event (read, write; around, copy) are those of its format in
 * tracefs, so that there is no copy of the module's enums here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tracefs.h>

#include "trace.h"

/* Of each CPU's buffer: what happens between two looks has to fit. */
#define BUFFER_KIB		"4096"

static const struct source {
	const char *system;
	const char *event;
	enum moment_kind kind;
} sources[] = {
	{ "mm_lab", "mml_mmap", MOMENT_MMAP },
	{ "mm_lab", "mml_munmap", MOMENT_MUNMAP },
	{ "mm_lab", "mml_handle_mm_fault", MOMENT_FAULT },
	{ "mm_lab", "mml_cow", MOMENT_COPY },
	{ "mm_lab", "mml_tlb_flush", MOMENT_FLUSH },
	{ "sched", "sched_process_fork", MOMENT_FORK },
	{ "sched", "sched_process_exec", MOMENT_EXEC },
	{ "task", "task_rename", MOMENT_NAME },
};

/**
 * struct name - what a thread is called
 * @pid: its number
 * @text: its name
 */
struct name {
	pid_t pid;
	char text[TRACE_NAME_LEN];
};

/**
 * struct trace - a trace
 * @instance: in tracefs
 * @tep: knows the formats of events
 * @id: of each event of @sources
 * @moment: what was read and is not told yet
 * @count: how many
 * @room: for how many
 * @nr_read: how many were read, ever
 * @name: of threads
 * @nr_names: how many
 * @names_room: for how many
 * @lost: events that there was no room for
 * @tell: gets what happened, in order
 * @arg: for @tell
 */
struct trace {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	int id[ARRAY_SIZE(sources)];
	struct moment *moment;
	size_t count;
	size_t room;
	uint64_t nr_read;
	struct name *name;
	size_t nr_names;
	size_t names_room;
	uint64_t lost;
	void (*tell)(void *arg, const struct moment *moment);
	void *arg;
};

/*
 * Fields.
 */

static uint64_t field(struct tep_event *event, struct tep_record *record, const char *name)
{
	unsigned long long value = 0;

	tep_get_field_val(NULL, event, name, record, &value, 0);
	return value;
}

static void text_field(struct tep_event *event, struct tep_record *record, const char *name,
		       char *text, size_t size)
{
	int length = 0;
	const char *raw = tep_get_field_raw(NULL, event, name, record, &length, 0);

	snprintf(text, size, "%.*s", raw ? length : 0, raw ? raw : "");
}

/* The names that the format gives to values of a field: flags, or numbers. */
static const struct tep_print_flag_sym *field_names(const struct tep_event *event,
						    const char *name)
{
	const struct tep_print_arg *arg, *of;

	for (arg = event->print_fmt.args; arg; arg = arg->next) {
		if (arg->type != TEP_PRINT_FLAGS && arg->type != TEP_PRINT_SYMBOL)
			continue;
		of = arg->type == TEP_PRINT_FLAGS ? arg->flags.field : arg->symbol.field;
		if (of->type == TEP_PRINT_FIELD && !strcmp(of->field.name, name))
			return arg->type == TEP_PRINT_FLAGS ? arg->flags.flags :
			       arg->symbol.symbols;
	}
	return NULL;
}

/* The name of a field's value. It lives as long as the format. */
static const char *symbol(struct tep_event *event, struct tep_record *record, const char *name)
{
	const struct tep_print_flag_sym *sym = field_names(event, name);
	const uint64_t value = field(event, record, name);

	while (sym && strtoull(sym->value, NULL, 0) != value)
		sym = sym->next;
	return sym ? sym->str : "?";
}

/* Does a field have the flag of that name? */
static bool has_flag(struct tep_event *event, struct tep_record *record, const char *name,
		     const char *flag)
{
	const struct tep_print_flag_sym *sym = field_names(event, name);

	while (sym && strcmp(sym->str, flag))
		sym = sym->next;
	return sym && field(event, record, name) & strtoull(sym->value, NULL, 0);
}

/*
 * Events.
 */

static void decode_fault(struct moment *moment, struct tep_event *event,
			 struct tep_record *record)
{
	const char *result = symbol(event, record, "result");

	moment->path = strcmp(result, "done") ? result : symbol(event, record, "path");
	moment->access = "read";
	if (has_flag(event, record, "flags", "write"))
		moment->access = "write";
	else if (has_flag(event, record, "flags", "exec"))
		moment->access = "exec";
	moment->took = field(event, record, "ns");
}

static void decode(struct moment *moment, struct tep_event *event, struct tep_record *record)
{
	moment->address = field(event, record, "address");
	switch (moment->kind) {
	case MOMENT_MMAP:
	case MOMENT_MUNMAP:
		moment->length = field(event, record, "length");
		moment->prot = (unsigned int)field(event, record, "prot");
		moment->ret = (int)field(event, record, "ret");
		break;
	case MOMENT_FAULT:
		decode_fault(moment, event, record);
		break;
	case MOMENT_COPY:
		moment->old_pfn = field(event, record, "old_pfn");
		moment->new_pfn = field(event, record, "new_pfn");
		break;
	case MOMENT_FLUSH:
		moment->address = field(event, record, "start");
		moment->length = field(event, record, "end") - moment->address;
		break;
	case MOMENT_FORK:
		moment->child = (pid_t)field(event, record, "child_pid");
		text_field(event, record, "child_comm", moment->text, sizeof(moment->text));
		break;
	case MOMENT_EXEC:
		text_field(event, record, "filename", moment->text, sizeof(moment->text));
		break;
	case MOMENT_NAME:
		moment->child = (pid_t)field(event, record, "pid");
		text_field(event, record, "newcomm", moment->text, sizeof(moment->text));
		break;
	}
}

static int read_event(struct tep_event *event, struct tep_record *record, int cpu, void *arg)
{
	struct trace *trace = arg;
	struct moment *moment;
	size_t source = 0;

	(void)cpu;
	while (source < ARRAY_SIZE(sources) && trace->id[source] != event->id)
		source++;
	if (source == ARRAY_SIZE(sources))
		return 0;
	trace->moment = grow(trace->moment, trace->count, &trace->room, sizeof(*trace->moment));
	moment = &trace->moment[trace->count++];
	*moment = (struct moment){
		.ns = record->ts, .order = trace->nr_read++, .kind = sources[source].kind,
		.pid = tep_data_pid(trace->tep, record),
	};
	decode(moment, event, record);
	return 0;
}

/* Without a number they are at least one. */
static int read_missed(struct tep_event *event, struct tep_record *record, int cpu, void *arg)
{
	struct trace *trace = arg;

	(void)event;
	(void)cpu;
	trace->lost += record->missed_events > 0 ? (uint64_t)record->missed_events : 1;
	return 0;
}

/*
 * Names.
 */

static struct name *find_name(struct trace *trace, pid_t pid)
{
	for (size_t i = 0; i < trace->nr_names; i++)
		if (trace->name[i].pid == pid)
			return &trace->name[i];
	return NULL;
}

static void set_name(struct trace *trace, pid_t pid, const char *text)
{
	struct name *name = find_name(trace, pid);

	if (!name) {
		trace->name = grow(trace->name, trace->nr_names, &trace->names_room,
				   sizeof(*trace->name));
		name = &trace->name[trace->nr_names++];
		name->pid = pid;
	}
	snprintf(name->text, sizeof(name->text), "%.*s", TRACE_NAME_LEN - 1, text);
}

/* In order. What mmlab itself does is no part of the story. */
static void tell(struct trace *trace, struct moment *moment)
{
	const struct name *name = find_name(trace, moment->pid);

	if (name)
		memcpy(moment->name, name->text, sizeof(moment->name));
	if (moment->kind == MOMENT_FORK || moment->kind == MOMENT_NAME)
		set_name(trace, moment->child, moment->text);
	if (moment->kind != MOMENT_NAME && moment->pid != getpid())
		trace->tell(trace->arg, moment);
}

static int compare(const void *one, const void *other)
{
	const struct moment *a = one, *b = other;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/**
 * trace_read - tell what has happened
 * @trace: the trace
 * @all: nothing happens any more
 */
void trace_read(struct trace *trace, bool all)
{
	const uint64_t complete = now_ns();
	size_t told = 0;

	tracefs_iterate_raw_events(trace->tep, trace->instance, NULL, 0, read_event, trace);
	qsort(trace->moment, trace->count, sizeof(*trace->moment), compare);
	for (; told < trace->count && (all || trace->moment[told].ns < complete); told++)
		tell(trace, &trace->moment[told]);
	trace->count -= told;
	memmove(trace->moment, trace->moment + told, trace->count * sizeof(*trace->moment));
}

/**
 * trace_lost - events that were not read
 * @trace: the trace
 *
 * Return: how many at least.
 */
uint64_t trace_lost(const struct trace *trace)
{
	return trace->lost;
}

/*
 * The instance.
 */

/* Learn an event's format, and its number. */
static bool learn(struct trace *trace, size_t i)
{
	const struct source *source = &sources[i];
	struct tep_event *event;
	int size = 0;
	char *format;

	format = tracefs_event_file_read(NULL, source->system, source->event, "format", &size);
	if (!format)
		return false;
	tep_parse_event(trace->tep, format, (unsigned long)size, source->system);
	free(format);
	event = tep_find_event_by_name(trace->tep, source->system, source->event);
	if (!event)
		return false;
	trace->id[i] = event->id;
	return true;
}

static bool learn_page(struct trace *trace)
{
	int size = 0, failed;
	char *header = tracefs_instance_file_read(NULL, "events/header_page", &size);

	if (!header)
		return false;
	failed = tep_parse_header_page(trace->tep, header, (unsigned long)size, sizeof(long));
	free(header);
	return !failed;
}

static bool instance_write(struct trace *trace, const char *file, const char *text)
{
	return tracefs_instance_file_write(trace->instance, file, text) >= 0;
}

static bool set_up(struct trace *trace)
{
	char name[32], pid[16];

	trace->tep = tep_alloc();
	if (!trace->tep)
		return false;
	tep_set_loglevel(TEP_LOG_NONE);
	snprintf(name, sizeof(name), "mmlab-%d", getpid());
	snprintf(pid, sizeof(pid), "%d", getpid());
	trace->instance = tracefs_instance_create(name);
	if (!trace->instance || !learn_page(trace) ||
	    !instance_write(trace, "trace_clock", "mono") ||
	    !instance_write(trace, "buffer_size_kb", BUFFER_KIB) ||
	    !instance_write(trace, "set_event_pid", pid) ||
	    tracefs_option_enable(trace->instance, TRACEFS_OPTION_EVENT_FORK) ||
	    tracefs_follow_missed_events(trace->instance, read_missed, trace))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (!learn(trace, i) ||
		    tracefs_event_enable(trace->instance, sources[i].system, sources[i].event))
			return false;
	return true;
}

/**
 * trace_begin - trace what this process starts from now on
 * @tell: is called by trace_read() with what happened
 * @arg: for @tell
 *
 * Return: the trace; NULL after a message.
 */
struct trace *trace_begin(void (*tell)(void *arg, const struct moment *moment), void *arg)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (!trace) {
		complain("no memory");
		return NULL;
	}
	trace->tell = tell;
	trace->arg = arg;
	errno = 0;
	if (set_up(trace))
		return trace;
	complain("cannot trace: %s\n"
		 "it takes root, tracefs, and the lab's modules", errno ? strerror(errno) :
		 "an event is not there, or not understood");
	trace_end(trace);
	return NULL;
}

/**
 * trace_end - give back what a trace has
 * @trace: the trace
 */
void trace_end(struct trace *trace)
{
	if (trace->instance) {
		tracefs_instance_destroy(trace->instance);
		tracefs_instance_free(trace->instance);
	}
	if (trace->tep)
		tep_free(trace->tep);
	free(trace->moment);
	free(trace->name);
	free(trace);
}
