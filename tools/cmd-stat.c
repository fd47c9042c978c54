// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab stat: a machine's counters, from debugfs, in the kernel's formats.
 *
 * As text the files are printed as they are. For --json they are parsed:
 *
 *   vmstat      "name value" a line
 *   meminfo     "Name:   value kB" a line
 *   buddyinfo   "Node 0, zone   Normal   n0 n1 ... n10" a line: free blocks by order
 */
#include <stdlib.h>
#include <string.h>

#include "mmlab.h"

#define MAX_LINE		1024

/* A parser prints the line as "key": value, or nothing; returns whether it did. */
typedef bool (*line_printer)(char *line, const char *separator);

static bool print_pair(char *line, const char *separator)
{
	char *key = strtok(line, ": \t\n");
	char *value = strtok(NULL, " \t\n");
	uint64_t n;

	if (!key || !value || !parse_number(value, UINT64_MAX, &n))
		return false;
	fputs(separator, stdout);
	json_string(stdout, key);
	printf(": %s", value);
	return true;
}

static bool print_free_blocks(char *line, const char *separator)
{
	char key[64], zone[32], *numbers, *number;
	unsigned int node, count = 0;
	int length;

	if (sscanf(line, "Node %u, zone %31s%n", &node, zone, &length) != 2)
		return false;
	numbers = line + length;
	snprintf(key, sizeof(key), "Node %u, zone %s", node, zone);
	fputs(separator, stdout);
	json_string(stdout, key);
	fputs(": [", stdout);
	for (number = strtok(numbers, " \t\n"); number; number = strtok(NULL, " \t\n"))
		printf("%s%s", count++ ? ", " : "", number);
	fputs("]", stdout);
	return true;
}

static const struct {
	const char *name;
	line_printer print;
} files[] = {
	{ "meminfo", print_pair },
	{ "vmstat", print_pair },
	{ "buddyinfo", print_free_blocks },
};

static bool print_json_file(uint32_t machine, const char *name, line_printer print)
{
	FILE *file = debugfs_open(machine, name);
	const char *separator = "\n    ";
	char line[MAX_LINE];

	if (!file)
		return false;
	printf("  \"%s\": {", name);
	while (fgets(line, sizeof(line), file)) {
		if (print(line, separator))
			separator = ",\n    ";
	}
	fputs("\n  }", stdout);
	fclose(file);
	return true;
}

static int print_json(uint32_t machine)
{
	puts("{");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (i)
			puts(",");
		if (!print_json_file(machine, files[i].name, files[i].print))
			return EXIT_FAILURE;
	}
	puts("\n}");
	return 0;
}

static int print_text(uint32_t machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		printf("%s%s of machine %u\n", i ? "\n" : "", files[i].name, machine);
		if (!debugfs_print(machine, files[i].name, stdout))
			return EXIT_FAILURE;
	}
	return 0;
}

static int stat(int argc, char **argv)
{
	uint32_t machine;
	bool json;

	if (!parse_machine_json(argc, argv, &machine, &json))
		return EXIT_USAGE;
	return json ? print_json(machine) : print_text(machine);
}

const struct command cmd_stat = {
	.name = "stat",
	.arguments = "[--machine N] [--json]",
	.summary = "a machine's counters, as the kernel shows its own in /proc",
	.help =
		"Prints three files of /sys/kernel/debug/mm_lab/N, N being 0 unless given:\n"
		"\n"
		"  meminfo     its memory in kB, as /proc/meminfo has the kernel's\n"
		"  vmstat      what happened since it was made: pgalloc and pgfree count frames,\n"
		"              pgfault counts faults\n"
		"  buddyinfo   free blocks of 1, 2, 4 ... 1024 frames. Many small ones and few\n"
		"              large ones: the memory is fragmented\n"
		"\n"
		"--json prints one object with an object for each file; for example\n"
		"  mmlab stat --json | jq .vmstat.pgalloc\n",
	.run = stat,
};
