// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab machine: machines that stay until they are destroyed, of any shape.
 *
 * They have a name (MML_MACHINE_KEEP), and are then used by their number: --machine N of
 * the other subcommands.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "mmlab.h"

#define DEFAULT_MEMORY		"64M"

static const char *const backends[] = {
	[MML_BACKEND_AUTO] = "auto",
	[MML_BACKEND_RESERVE_MEM] = "reserve_mem",
	[MML_BACKEND_CONTIG] = "contig",
	[MML_BACKEND_CMA] = "cma",
	[MML_BACKEND_SPARSE] = "sparse",
	[MML_BACKEND_MEMMAP] = "memmap",
};

static bool parse_backend(const char *name, uint32_t *backend)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(backends); i++) {
		if (backends[i] && !strcmp(name, backends[i])) {
			*backend = i;
			return true;
		}
	}
	return false;
}

/* Row by row: "10,21,21,10" */
static bool parse_distance(const char *text, struct mml_machine_create *create)
{
	unsigned int distance;
	int length;

	for (uint32_t i = 0; i < create->nodes * create->nodes; i++, text += length) {
		if (i && *text++ != ',')
			return false;
		if (sscanf(text, "%3u%n", &distance, &length) != 1 || distance > UINT8_MAX)
			return false;
		create->distance[i / create->nodes][i % create->nodes] = (uint8_t)distance;
	}
	return !*text;
}

/* A number would be taken for one. */
static bool parse_name(const char *text, struct mml_machine_create *create)
{
	if (!*text || strlen(text) >= sizeof(create->name) || (*text >= '0' && *text <= '9'))
		return false;
	strcpy(create->name, text);
	return true;
}

/* What it says is for the lab to read: here it only has to fit. */
static bool parse_slab_debug(const char *text, struct mml_machine_create *create)
{
	if (strlen(text) >= sizeof(create->slab_debug))
		return false;
	strcpy(create->slab_debug, text);
	return true;
}

static void print_made(const struct mml_info *info, uint32_t nodes, bool json)
{
	if (json) {
		puts("{");
		json_number(stdout, "machine", info->machine, true);
		fputs("  \"name\": ", stdout);
		json_string(stdout, info->name);
		printf(",\n  \"backend\": \"%s\",\n", info->backend_name);
		json_number(stdout, "frames", info->frames, true);
		json_number(stdout, "nodes", nodes, false);
		puts("}");
		return;
	}
	printf("machine %u, %s: %s, %s frames from %s, %u node%s\n"
	       "mmlab zones --machine %u shows it; it stays until mmlab machine destroy %s\n",
	       info->machine, info->name, as_size(info->frames * info->page_size),
	       with_commas(info->frames), info->backend_name, nodes, nodes == 1 ? "" : "s",
	       info->machine, info->name);
}

static int make(struct mml_machine_create *create, bool json)
{
	const int control = device_open();
	int status = EXIT_FAILURE;
	struct mml_info info;

	if (control < 0)
		return status;
	if (device_machine(control, create)) {
		close(create->fd);
		if (device_info(control, create->machine, 0, &info)) {
			print_made(&info, create->nodes, json);
			status = 0;
		} else {
			complain("machine %u is gone again", create->machine);
		}
	}
	close(control);
	return status;
}

static int create_command(int argc, char **argv)
{
	const char *memory = DEFAULT_MEMORY, *backend = "auto", *nodes = "1", *movable = "0";
	const char *distance = NULL, *seed = "0", *slab_debug = "";
	bool json = false, no_watermarks = false, no_pcp = false, no_grouping = false;
	struct mml_machine_create create = { 0 };
	const struct option_spec options[] = {
		{ "--memory", &memory, NULL },	   { "--backend", &backend, NULL },
		{ "--nodes", &nodes, NULL },	   { "--movable", &movable, NULL },
		{ "--distance", &distance, NULL }, { "--seed", &seed, NULL },
		{ "--json", NULL, &json },	   { "--no-watermarks", NULL, &no_watermarks },
		{ "--no-pcp", NULL, &no_pcp },	   { "--no-grouping", NULL, &no_grouping },
		{ "--slab-debug", &slab_debug, NULL },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	uint64_t n = 0, bytes = 0;

	if (arg < 0)
		return EXIT_USAGE;
	if (arg + 1 != argc)
		return usage_error("create takes one name, behind the options");
	if (!parse_name(argv[arg], &create))
		return usage_error("'%s' is no name: up to %u characters, not beginning with a digit",
				   argv[arg], MML_NAME_LEN - 1);
	if (!parse_size(memory, &bytes) || !bytes)
		return usage_error("'%s' is not an amount of memory; write 32M", memory);
	create.bytes = bytes;
	if (!parse_size(movable, &bytes))
		return usage_error("'%s' is not an amount of memory; write 32M", movable);
	create.movable = bytes;
	if (!parse_backend(backend, &create.backend))
		return usage_error("there is no backend '%s'; there are auto, reserve_mem, cma, contig,\n"
				   "sparse, memmap", backend);
	if (!parse_number(nodes, MML_MAX_NODES, &n) || !n)
		return usage_error("--nodes is 1 to %u, not '%s'", MML_MAX_NODES, nodes);
	create.nodes = (uint32_t)n;
	if (distance && !parse_distance(distance, &create))
		return usage_error("--distance is a number from each of %u nodes to each, row by row,\n"
				   "as in 10,20,20,10", create.nodes);
	if (!parse_number(seed, UINT64_MAX, &n))
		return usage_error("'%s' is not a number for a seed", seed);
	create.seed = n;
	if (!parse_slab_debug(slab_debug, &create))
		return usage_error("--slab-debug is up to %u characters, '%s' is longer",
				   MML_SLAB_DEBUG_LEN - 1, slab_debug);
	create.flags = MML_MACHINE_KEEP | (no_watermarks ? MML_MACHINE_NO_WATERMARKS : 0) |
		       (no_pcp ? MML_MACHINE_NO_PCP : 0) |
		       (no_grouping ? MML_MACHINE_NO_GROUPING : 0);
	return make(&create, json);
}

/* Returns 0 or an errno. */
static int destroy(int control, uint32_t machine)
{
	struct mml_machine_destroy args = { .machine = machine };

	return ioctl(control, MML_IOC_MACHINE_DESTROY, &args) ? errno : 0;
}

/* Of several with that name, one is kept, the others go with their files. */
static int destroy_named(int control, const char *name, uint32_t *machine)
{
	struct mml_info info;
	uint32_t next = 0;
	int error = ENXIO;

	for (; device_info(control, next, MML_INFO_NEXT, &info); next = info.machine + 1) {
		if (strcmp(info.name, name))
			continue;
		*machine = info.machine;
		error = destroy(control, info.machine);
		if (error != EPERM)
			break;
	}
	return error;
}

static void explain_destroy(const char *which, uint32_t machine, int error)
{
	switch (error) {
	case ENXIO:
		complain("there is no machine '%s'; mmlab info lists those there are", which);
		break;
	case EPERM:
		complain("machine %u cannot be destroyed so: that needs CAP_SYS_ADMIN (run it as\n"
			 "root), and a machine that was not made to stay goes when its maker ends",
			 machine);
		break;
	case EBUSY:
		complain("machine %u is in use; the file holders of its directory in debugfs says\n"
			 "by whom", machine);
		break;
	default:
		complain("machine %u could not be destroyed: %s", machine, strerror(error));
	}
}

static int destroy_command(int argc, char **argv)
{
	uint32_t machine = 0;
	int control, error;

	if (argc != 2 || argv[1][0] == '-')
		return usage_error("destroy takes a machine's name or number, and nothing else");
	control = device_open();
	if (control < 0)
		return EXIT_FAILURE;
	if (parse_machine(argv[1], &machine))
		error = destroy(control, machine);
	else
		error = destroy_named(control, argv[1], &machine);
	close(control);
	if (error)
		explain_destroy(argv[1], machine, error);
	return error ? EXIT_FAILURE : 0;
}

static int machine_command(int argc, char **argv)
{
	if (argc < 2)
		return usage_error("create, destroy or list?");
	if (!strcmp(argv[1], "create"))
		return create_command(argc - 1, argv + 1);
	if (!strcmp(argv[1], "destroy"))
		return destroy_command(argc - 1, argv + 1);
	if (!strcmp(argv[1], "list"))
		return cmd_info.run(argc - 1, argv + 1);
	return usage_error("there is no '%s': create, destroy or list", argv[1]);
}

const struct command cmd_machine = {
	.name = "machine",
	.arguments = "create [OPTIONS] NAME\n"
		     "       mmlab machine destroy NAME | N\n"
		     "       mmlab machine list [--json]",
	.summary = "make machines that stay, with nodes and zones, and destroy them",
	.help =
		"create makes a machine that is there until it is destroyed, or the modules are\n"
		"unloaded; needs root. The other subcommands take its number (--machine N), which\n"
		"is printed, and again by list, as mmlab info does it.\n"
		"\n"
		"  --memory SIZE    how much, " DEFAULT_MEMORY " unless given\n"
		"  --backend NAME   from where: auto, reserve_mem, cma, contig, sparse; memmap: no\n"
		"                   memory at all, only frames, of any size\n"
		"  --nodes N        of so many nodes, 1 to 8, of 4 MiB or more each; the CPUs are\n"
		"                   divided among them\n"
		"  --distance LIST  from each node to each, row by row: 10 to itself, 11 to 255 to\n"
		"                   others; unless given 20\n"
		"  --movable SIZE   so much of the memory, at the ends of the nodes, is zone Movable\n"
		"  --no-watermarks  no frames are kept in reserve\n"
		"  --no-pcp         its CPUs keep no free blocks for themselves\n"
		"  --no-grouping    its memory is not grouped by mobility\n"
		"  --slab-debug TEXT\n"
		"                   which object caches are debugged, and how. Letters: F checks, Z red\n"
		"                   zones, P poison, U who has each object, T all is told in the kernel\n"
		"                   log, O not where that needs larger slabs, - none. They are for all\n"
		"                   caches, or for those named after a comma, with * and ?; after a\n"
		"                   semicolon comes the same for others\n"
		"  --seed N         of its random numbers, for runs that are to be repeated\n"
		"  --json           an object instead of a sentence\n"
		"\n"
		"  mmlab machine create --nodes 2 --distance 10,30,30,10 far\n"
		"  mmlab machine create --memory 32M --movable 8M emptied\n"
		"  mmlab machine create --memory 8G --backend memmap --no-watermarks large\n"
		"  mmlab machine create --slab-debug 'FZPU;-,kmalloc-*' watched\n"
		"  mmlab machine destroy far\n"
		"\n"
		"A machine that somebody uses is not destroyed.\n",
	.run = machine_command,
};
