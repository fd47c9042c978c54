// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab: the command-line tool of mm_lab.
 *
 * Finds the subcommand, and explains: mmlab help has the words that everything
 * else uses, mmlab help SUBCOMMAND what each does.
 */
#include <stdlib.h>
#include <string.h>

#include "mmlab.h"

static const struct command *const commands[] = {
	&cmd_info, &cmd_run, &cmd_trace, &cmd_stat, &cmd_maps, &cmd_walk, &cmd_alloc,
	&cmd_explain,
	&cmd_map, &cmd_buddy, &cmd_zones, &cmd_cache, &cmd_frag, &cmd_machine,
	&cmd_validate,
};

const struct command *command_running;

static const char introduction[] =
	"mm_lab rebuilds the mechanisms of Linux's memory management as modules, on\n"
	"memory of their own, and lets real programs run on them. mmlab is how to use it.\n"
	"\n"
	"  machine   an instance of the lab: some memory, cut into frames (pages), with\n"
	"            an allocator and all that stands on it. Machine 0 is made when the\n"
	"            modules are loaded; mmlab run --memory makes another for one run,\n"
	"            mmlab machine one that stays.\n"
	"  session   one process's use of a machine: its address space there, and the\n"
	"            blocks that it holds. It ends with the process, and gives back all.\n"
	"  job       what counts calls, faults and frames for a tree of processes, and\n"
	"            still knows when they are gone. Every mmlab run is a job.\n"
	"  window    the range of a process's addresses that is the lab's: 1 TiB from\n"
	"            0x100000000000. A touch there is a page fault that the lab answers.\n";

static const char examples[] =
	"For example:\n"
	"  mmlab info                                      the machines there are\n"
	"  mmlab run --summary python3 -c 'print(6*7)'     a program on machine 0\n"
	"  mmlab run --memory 32M --summary sort FILE      on a machine of its own\n"
	"  mmlab trace ls                                  the story of its memory\n"
	"  mmlab stat                                      counters, as in /proc\n"
	"  mmlab explain                                   why did it fail?\n"
	"  mmlab walk SESSION ADDRESS                      through the page tables to a frame\n"
	"  mmlab map                                       which frame is used for what\n"
	"  mmlab zones                                     what is free, what is in reserve\n"
	"  mmlab cache list                                object caches, as /proc/slabinfo\n"
	"  mmlab validate                                  is everything in order?\n"
	"\n"
	"mmlab help SUBCOMMAND says more of one.\n";

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static void print_overview(FILE *out)
{
	fprintf(out, "usage: mmlab SUBCOMMAND [ARGUMENT...]\n\n%s\nSubcommands:\n", introduction);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "  %-10s%s\n\n%s", "help", "this text, or that of a subcommand", examples);
}

static void print_help(const struct command *command)
{
	printf("usage: mmlab %s %s\n\n%s: %s\n\n%s", command->name, command->arguments,
	       command->name, command->summary, command->help);
}

static int unknown_command(const char *name)
{
	fprintf(stderr, "mmlab: there is no subcommand '%s'; there are:", name);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, " %s", commands[i]->name);
	fprintf(stderr, " help\n");
	return EXIT_USAGE;
}

static int help(const char *name)
{
	const struct command *command;

	if (!name) {
		print_overview(stdout);
		return 0;
	}
	command = find_command(name);
	if (!command)
		return unknown_command(name);
	print_help(command);
	return 0;
}

static bool is_help(const char *text)
{
	return !strcmp(text, "help") || !strcmp(text, "--help") || !strcmp(text, "-h");
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (is_help(argv[1]))
		return help(argv[2]);
	command_running = find_command(argv[1]);
	if (!command_running)
		return unknown_command(argv[1]);
	if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h")))
		return help(argv[1]);

	status = command_running->run(argc - 1, argv + 1);
	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write to standard output");
		return status ? status : EXIT_FAILURE;
	}
	return status;
}
