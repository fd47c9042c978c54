// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab info: the machines there are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mmlab.h"

static const char *state_name(uint32_t state)
{
	return state == MML_MACHINE_LIVE ? "live" : "broken";
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static void print_heading(void)
{
	printf("%7s  %-15s %-12s %-15s %10s %12s %12s %7s %12s %7s  %-6s  %s\n", "MACHINE", "NAME",
	       "BACKEND", "REGION", "MEMORY", "FRAMES", "FREE", "HOLDERS", "SEED", "REPORTS",
	       "STATE", "ENGINES");
}

static void print_row(const struct mml_info *info)
{
	printf("%7u  %-15s %-12s %-15s %10s %12s %12s %7u %12" PRIu64 " %7s  %-6s  %s\n",
	       info->machine, or_dash(info->name), info->backend_name, or_dash(info->region),
	       as_size(info->frames * info->page_size), with_commas(info->frames),
	       with_commas(info->free_frames), info->holders, (uint64_t)info->seed,
	       with_commas(info->reports), state_name(info->state),
	       or_dash(engine_names(info->engines, " ")));
}

static void print_json_engines(uint32_t engines)
{
	fputs("    \"engines\": [", stdout);
	if (engines)
		printf("\"%s\"", engine_names(engines, "\", \""));
	fputs("]\n", stdout);
}

static void print_json_text(const char *key, const char *text)
{
	printf("    \"%s\": ", key);
	json_string(stdout, text);
	puts(",");
}

static void print_json(const struct mml_info *info, bool first)
{
	printf("%s\n  {\n    \"machine\": %u,\n", first ? "" : ",", info->machine);
	print_json_text("name", info->name);
	print_json_text("state", state_name(info->state));
	print_json_text("backend", info->backend_name);
	print_json_text("region", info->region);
	printf("    \"page_size\": %u,\n", info->page_size);
	printf("    \"frames\": %" PRIu64 ",\n", (uint64_t)info->frames);
	printf("    \"spanned\": %" PRIu64 ",\n", (uint64_t)info->spanned);
	printf("    \"free_frames\": %" PRIu64 ",\n", (uint64_t)info->free_frames);
	printf("    \"holders\": %u,\n", info->holders);
	printf("    \"seed\": %" PRIu64 ",\n", (uint64_t)info->seed);
	printf("    \"reports\": %" PRIu64 ",\n", (uint64_t)info->reports);
	print_json_engines(info->engines);
	printf("  }");
}

static int list_machines(int fd, bool json)
{
	struct mml_info info;
	unsigned int count = 0;
	uint32_t next = 0;

	if (json)
		fputs("[", stdout);
	for (; device_info(fd, next, MML_INFO_NEXT, &info); next = info.machine + 1) {
		if (json)
			print_json(&info, !count);
		else if (!count)
			print_heading();
		if (!json)
			print_row(&info);
		count++;
	}
	if (json)
		puts(count ? "\n]" : "]");
	if (errno != ENXIO) {
		complain("cannot ask for the machines: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	if (!count && !json)
		puts("no machine (mm_lab.ko loaded with memory=0); mmlab run --memory makes one");
	return 0;
}

static int info(int argc, char **argv)
{
	bool json = false;
	const struct option_spec options[] = { { "--json", NULL, &json } };
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	int fd, status;

	if (arg < 0)
		return EXIT_USAGE;
	if (arg < argc)
		return usage_error("takes no '%s'", argv[arg]);
	fd = device_open();
	if (fd < 0)
		return EXIT_FAILURE;
	status = list_machines(fd, json);
	close(fd);
	return status;
}

const struct command cmd_info = {
	.name = "info",
	.arguments = "[--json]",
	.summary = "the machines there are",
	.help =
		"A line for each machine:\n"
		"\n"
		"  BACKEND   where its memory is from: reserve_mem (set aside at boot), cma (lent by\n"
		"            the kernel's CMA), contig (one range taken from the running kernel),\n"
		"            sparse (blocks of 4 MiB taken from it); memmap: there is none, frames\n"
		"            are only counted\n"
		"  REGION    what the backend calls that memory\n"
		"  FRAMES    pages it has; FREE: pages free now\n"
		"  HOLDERS   what keeps it from being destroyed: session files, sessions, jobs\n"
		"  SEED      of its random numbers; 0: another at every load\n"
		"  REPORTS   how often a user's mistake was reported on it (see the kernel log)\n"
		"  STATE     live; broken: a check found a bug of the lab's, it only answers EIO\n"
		"  ENGINES   the modules that serve it\n"
		"\n"
		"--json prints an array with an object for each machine.\n",
	.run = info,
};
