// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab maps: what sessions have mapped, from debugfs mm/<session>/.
 */
#include <stdlib.h>

#include "mmlab.h"

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

static int print_sessions(uint32_t machine, const struct sessions *sessions)
{
	for (size_t i = 0; i < sessions->count; i++) {
		if (i)
			putchar('\n');
		if (!print_session(machine, sessions->number[i]))
			return EXIT_FAILURE;
	}
	if (!sessions->count)
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
	if (sessions_list(machine, &sessions) &&
	    (arg == argc || sessions_select(machine, &sessions, wanted)))
		status = print_sessions(machine, &sessions);
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
