// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab validate: have every invariant checked.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mmlab.h"

static int check(int fd, uint32_t machine)
{
	struct mml_validate validate;

	if (!device_validate(fd, machine, &validate))
		return EXIT_FAILURE;
	printf("%s: %s checks, %s violations\n", validate.violations ? "not ok" : "ok",
	       with_commas(validate.checks), with_commas(validate.violations));
	if (!validate.violations)
		return 0;
	complain("the kernel log names the violations (dmesg)");
	return EXIT_FAILURE;
}

static int validate(int argc, char **argv)
{
	const char *number = NULL;
	bool all = false;
	const struct option_spec options[] = {
		{ "--machine", &number, NULL },
		{ "--all", NULL, &all },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	uint32_t machine = MML_VALIDATE_ALL;
	int fd, status;

	if (arg < 0)
		return EXIT_USAGE;
	if (arg < argc)
		return usage_error("takes no '%s'", argv[arg]);
	if (number && all)
		return usage_error("--machine or --all, not both");
	if (!parse_machine(number, &machine))
		return usage_error("'%s' is no machine's number", number);
	fd = device_open();
	if (fd < 0)
		return EXIT_FAILURE;
	status = check(fd, machine);
	close(fd);
	return status;
}

const struct command cmd_validate = {
	.name = "validate",
	.arguments = "[--machine N | --all]",
	.summary = "check every invariant, of all machines or of one",
	.help =
		"The lab walks its own structures (the map of frames, free lists, mappings, page\n"
		"tables) and checks that what must hold does. Prints\n"
		"\n"
		"  ok: 12,345 checks, 0 violations\n"
		"\n"
		"and exits 0; 1 if anything was violated: the kernel log then says what, line by\n"
		"line. Without --machine it is everything: the regions and every machine.\n",
	.run = validate,
};
