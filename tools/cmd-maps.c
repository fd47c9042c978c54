// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab maps: what sessions have mapped, from debugfs mm/<session>/.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mmlab.h"

/**
 * struct sessions - the numbers of a machine's sessions that have an mm
 * @number: they, in order
 * @count: how many
 * @room: for how many
 */
struct sessions {
	uint32_t *number;
	size_t count;
	size_t room;
};

static int by_number(const void *one, const void *other)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return (a > b) - (a < b);
}

static bool list_sessions(uint32_t machine, struct sessions *sessions)
{
	char path[PATH_MAX];
	struct dirent *entry;
	uint64_t number;
	DIR *directory;

	debugfs_path(path, sizeof(path), machine, "mm");
	directory = opendir(path);
	if (!directory) {
		FILE *file = debugfs_open(machine, "mm");

		/* Says what is wrong; a directory cannot be read as a file. */
		if (file)
			fclose(file);
		return false;
	}
	while ((entry = readdir(directory))) {
		if (!parse_number(entry->d_name, UINT32_MAX, &number))
			continue;
		sessions->number = grow(sessions->number, sessions->count, &sessions->room,
					sizeof(*sessions->number));
		sessions->number[sessions->count++] = (uint32_t)number;
	}
	closedir(directory);
	if (sessions->count)
		qsort(sessions->number, sessions->count, sizeof(*sessions->number), by_number);
	return true;
}

/* The value of "Pid:" in the session's status; 0 if there is none. */
static uint64_t pid_of(uint32_t machine, uint32_t session)
{
	char name[64], path[PATH_MAX], line[256];
	unsigned long pid = 0;
	FILE *file;

	snprintf(name, sizeof(name), "mm/%u/status", session);
	debugfs_path(path, sizeof(path), machine, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pid: %lu", &pid) == 1)
			break;
	}
	fclose(file);
	return pid;
}

static bool print_session(uint32_t machine, uint32_t session)
{
	char name[64];

	printf("session %u of machine %u\n", session, machine);
	snprintf(name, sizeof(name), "mm/%u/status", session);
	if (!debugfs_print(machine, name, stdout))
		return false;
	snprintf(name, sizeof(name), "mm/%u/maps", session);
	return debugfs_print(machine, name, stdout);
}

/* Those with @wanted as their number or, if none has, as their process. */
static int print_sessions(uint32_t machine, const struct sessions *sessions,
			  const uint64_t *wanted)
{
	size_t printed = 0;

	for (unsigned int by_pid = 0; by_pid < 2 && !printed; by_pid++) {
		for (size_t i = 0; i < sessions->count; i++) {
			const uint32_t session = sessions->number[i];

			if (wanted && *wanted != (by_pid ? pid_of(machine, session) : session))
				continue;
			if (printed++)
				putchar('\n');
			if (!print_session(machine, session))
				return EXIT_FAILURE;
		}
	}
	if (printed)
		return 0;
	if (wanted) {
		complain("nothing on machine %u has the number %lu; mmlab maps lists all there is",
			 machine, (unsigned long)*wanted);
		return EXIT_FAILURE;
	}
	printf("no session on machine %u has anything mapped\n", machine);
	return 0;
}

static int maps(int argc, char **argv)
{
	const char *number = NULL;
	const struct option_spec options[] = { { "--machine", &number, NULL } };
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	uint32_t machine = MML_MACHINE_DEFAULT;
	struct sessions sessions = { 0 };
	uint64_t wanted = 0;
	int status = EXIT_FAILURE;

	if (arg < 0)
		return EXIT_USAGE;
	if (argc - arg > 1)
		return usage_error("takes one session, not '%s'", argv[arg + 1]);
	if (!parse_machine(number, &machine))
		return usage_error("'%s' is no machine's number", number);
	if (arg < argc && !parse_number(argv[arg], UINT32_MAX, &wanted))
		return usage_error("'%s' is no session's number and no process", argv[arg]);
	if (list_sessions(machine, &sessions))
		status = print_sessions(machine, &sessions, arg < argc ? &wanted : NULL);
	free(sessions.number);
	return status;
}

const struct command cmd_maps = {
	.name = "maps",
	.arguments = "[--machine N] [SESSION | PID]",
	.summary = "what a session's address space has mapped",
	.help =
		"For each session: its status, then a line for each of its mappings, as in\n"
		"/proc/PID/maps: addresses, protection (r w x, p for private), and what it is.\n"
		"Given a number, only that session or, if there is none, that process.\n"
		"\n"
		"  mmlab run sleep 60 & sleep 1; mmlab maps\n",
	.run = maps,
};
