// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab frag: bring a machine to a fragmentation that can be named and had again.
 *
 * A profile is a way to take and give back blocks of a session; what it decides, it
 * decides by random numbers from the seed. On a machine of its own, made with the same
 * seed and so without ageing of per-CPU lists, from one CPU and with nobody else there,
 * the page allocator then does the same each time, frame by frame.
 *
 * What came of it is told as the unusable free space index of each order in the machine's
 * largest zone, read once the CPUs have given back what they keep. It is what certifies the state; two runs with the
 * same indices may still differ in where things are, the same profile, seed and size of
 * machine do not.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "blocks.h"

#define DEFAULT_MEMORY		(64ULL << 20)
#define MAX_HOLD		(7 * 24 * 3600)

/**
 * struct held - a block that is held
 * @pfn: its first frame
 * @handle: by which it is freed
 * @order: its order
 * @movable: it was asked for as such
 */
struct held {
	uint32_t pfn;
	uint32_t handle;
	uint8_t order;
	bool movable;
};

/**
 * struct frag - a machine that is fragmented
 * @session: holds the blocks
 * @own: the file of a machine made for it, or -1
 * @info: the machine, as it was before
 * @profile: what is done
 * @seed: with which random numbers
 * @random: their state
 * @held: blocks that are held
 * @count: how many
 * @room: for how many
 * @frames: in them
 * @taken: blocks ever allocated
 * @given: blocks ever freed
 * @error: errno of what failed and may not; 0: nothing
 * @node: node of the largest zone, ...
 * @zone: ... and its name
 * @unusable: what came of it there
 */
struct frag {
	int session;
	int own;
	struct mml_info info;
	const struct profile *profile;
	uint64_t seed;
	uint64_t random;
	struct held *held;
	size_t count;
	size_t room;
	uint64_t frames;
	uint64_t taken;
	uint64_t given;
	int error;
	unsigned int node;
	char zone[16];
	struct order_index unusable;
};

/**
 * struct profile - a way to fragment a machine
 * @name: its name
 * @summary: what comes of it
 * @run: does it
 */
struct profile {
	const char *name;
	const char *summary;
	void (*run)(struct frag *frag);
};

/*
 * Random numbers: splitmix64, of Steele, Lea and Flood.
 */

static uint64_t next_random(struct frag *frag)
{
	uint64_t z = frag->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t below(struct frag *frag, uint64_t n)
{
	return (uint64_t)((__uint128_t)next_random(frag) * n >> 64);
}

/* An index of @weights, which are parts of a hundred. */
static unsigned int weighted(struct frag *frag, const unsigned int *weights)
{
	uint64_t n = below(frag, 100);
	unsigned int i = 0;

	while (n >= weights[i])
		n -= weights[i++];
	return i;
}

/*
 * Blocks
 */

/* Returns whether there was one; that there was none is no error. */
static bool take(struct frag *frag, unsigned int order, enum migratetype mobility)
{
	struct mml_block_alloc block = { .order = order };

	if (mobility == MIGRATE_MOVABLE)
		block.flags = MML_BLOCK_MOVABLE;
	if (mobility == MIGRATE_RECLAIMABLE)
		block.flags = MML_BLOCK_RECLAIMABLE;
	if (ioctl(frag->session, MML_IOC_BLOCK_ALLOC, &block)) {
		if (errno != ENOMEM)
			frag->error = errno;
		return false;
	}
	frag->held = grow(frag->held, frag->count, &frag->room, sizeof(*frag->held));
	frag->held[frag->count++] = (struct held){
		.pfn = (uint32_t)block.pfn, .handle = block.handle, .order = (uint8_t)order,
		.movable = mobility == MIGRATE_MOVABLE,
	};
	frag->frames += 1ULL << order;
	frag->taken++;
	return true;
}

/* The last one takes its place. */
static void give(struct frag *frag, size_t i)
{
	struct mml_block_free block = { .handle = frag->held[i].handle };

	if (ioctl(frag->session, MML_IOC_BLOCK_FREE, &block))
		frag->error = errno;
	frag->frames -= 1ULL << frag->held[i].order;
	frag->held[i] = frag->held[--frag->count];
	frag->given++;
}

/* Give back the i-th block for which @unwanted says so, looking from the last one. */
static void give_all(struct frag *frag, bool (*unwanted)(const struct held *held, size_t i))
{
	for (size_t i = frag->count; i-- > 0 && !frag->error;) {
		if (unwanted(&frag->held[i], i))
			give(frag, i);
	}
}

static uint64_t percent(const struct frag *frag, unsigned int part)
{
	return frag->info.free_frames * part / 100;
}

/* Hold @part percent; blocks of orders and mobilities by their weights. */
static void fill(struct frag *frag, unsigned int part, const unsigned int *orders,
		 const unsigned int *mobilities)
{
	const uint64_t wanted = percent(frag, part);

	while (frag->frames < wanted && !frag->error) {
		unsigned int order = weighted(frag, orders);
		const enum migratetype mobility = weighted(frag, mobilities);

		while (!take(frag, order, mobility) && !frag->error) {
			if (!order--)
				return;
		}
	}
}

/* Give back at random, until only @part percent are held; of the others one in four. */
static void thin(struct frag *frag, unsigned int part)
{
	const uint64_t wanted = percent(frag, part);

	while (frag->frames > wanted && frag->count && !frag->error) {
		const size_t i = below(frag, frag->count);

		if (frag->held[i].movable || !below(frag, 4))
			give(frag, i);
	}
}

/*
 * Profiles. Mobilities are unmovable, movable, reclaimable.
 */

static const unsigned int all_movable[] = { 0, 100, 0 };
static const unsigned int single_frames[] = { 100 };

static int by_pfn(const void *one, const void *other)
{
	const uint32_t a = ((const struct held *)one)->pfn, b = ((const struct held *)other)->pfn;

	return (a > b) - (a < b);
}

static bool odd(const struct held *held, size_t i)
{
	(void)held;
	return i & 1;
}

static void checkerboard(struct frag *frag)
{
	static const unsigned int orders[] = { 25, 25, 20, 20, 10 };

	fill(frag, 100, orders, all_movable);
	if (frag->count)
		qsort(frag->held, frag->count, sizeof(*frag->held), by_pfn);
	give_all(frag, odd);
}

static void mixed(struct frag *frag)
{
	static const unsigned int orders[] = { 60, 20, 12, 8 };
	static const unsigned int mobilities[] = { 25, 60, 15 };

	fill(frag, 95, orders, mobilities);
	thin(frag, 60);
}

static void aged(struct frag *frag)
{
	static const unsigned int orders[] = { 55, 15, 10, 8, 5, 3, 2, 1, 0, 1 };
	static const unsigned int mobilities[] = { 15, 75, 10 };

	for (unsigned int round = 0; round < 8; round++) {
		fill(frag, 80 + (unsigned int)below(frag, 18), orders, mobilities);
		thin(frag, 30 + (unsigned int)below(frag, 30));
	}
	fill(frag, 60, orders, mobilities);
}

static bool movable(const struct held *held, size_t i)
{
	(void)i;
	return held->movable;
}

/* A movable frame of a full machine is given back, and one that cannot be moved takes it. */
static void pinned(struct frag *frag)
{
	const uint64_t pins = frag->info.free_frames / 400 + 1;

	fill(frag, 100, single_frames, all_movable);
	for (uint64_t pin = 0; pin < pins && frag->count && !frag->error; pin++) {
		const size_t i = below(frag, frag->count);

		if (!frag->held[i].movable)
			continue;
		give(frag, i);
		take(frag, 0, MIGRATE_UNMOVABLE);
	}
	give_all(frag, movable);
}

static const struct profile profiles[] = {
	{ "checkerboard", "every second of blocks of order 0 to 4 is free", checkerboard },
	{ "mixed", "small blocks of all mobilities, filled to 95 % and thinned to 60 %", mixed },
	{ "aged", "filled and thinned again and again, blocks of many sizes; 60 % held", aged },
	{ "pinned", "nearly empty, but single unmovable frames lie all over it", pinned },
};

static const struct profile *find_profile(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	}
	return NULL;
}

/*
 * The state that is reached
 */

static bool drain(uint32_t machine)
{
	char path[PATH_MAX];
	int fd;
	bool good;

	debugfs_path(path, sizeof(path), machine, "drain_pages");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write(fd, "1", 1) == 1;
	if (!good)
		complain("cannot have the CPUs give back what they keep: %s: %s", path,
			 strerror(errno));
	if (fd >= 0)
		close(fd);
	return good;
}

static void print_text(const struct frag *frag)
{
	printf("machine %u%s: profile %s, seed %" PRIu64 "\n", frag->info.machine,
	       frag->own < 0 ? "" : ", made for it", frag->profile->name, frag->seed);
	printf("  %s blocks taken, %s given back; %s of %s frames are held, in %s blocks\n",
	       with_commas(frag->taken), with_commas(frag->given), with_commas(frag->frames),
	       with_commas(frag->info.frames), with_commas(frag->count));
	printf("  unusable: the part of what is free in zone %s of node %u, the largest, that is of\n"
	       "  no use for that order\n", frag->zone, frag->node);
	printf("  %-10s", "order");
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf(" %5u", order);
	printf("\n  %-10s", "unusable");
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf(" %s", frag->unusable.of[order]);
	putchar('\n');
	fflush(stdout);
}

static void print_json(const struct frag *frag)
{
	puts("{");
	json_number(stdout, "machine", frag->info.machine, true);
	printf("  \"profile\": \"%s\",\n", frag->profile->name);
	json_number(stdout, "seed", frag->seed, true);
	json_number(stdout, "frames", frag->info.frames, true);
	json_number(stdout, "held_frames", frag->frames, true);
	json_number(stdout, "held_blocks", frag->count, true);
	json_number(stdout, "taken", frag->taken, true);
	json_number(stdout, "given_back", frag->given, true);
	json_number(stdout, "node", frag->node, true);
	printf("  \"zone\": \"%s\",\n", frag->zone);
	fputs("  \"unusable_index\": [", stdout);
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf("%s%s", order ? ", " : "", frag->unusable.of[order]);
	puts("]\n}");
	fflush(stdout);
}

static void explain_error(const struct frag *frag)
{
	switch (frag->error) {
	case EDQUOT:
		complain("a session may not hold so much (session_limit= of mm_lab.ko)");
		break;
	case ENOTTY:
		complain("machine %u has no page allocator: load buddy_probe.ko",
			 frag->info.machine);
		break;
	default:
		complain("blocks of machine %u: %s", frag->info.machine, strerror(frag->error));
	}
}

/* Of the largest zone: the others have been filled and emptied as well, but are small. */
static bool read_result(struct frag *frag)
{
	const struct zone *zone;
	struct zones zones;
	bool good;

	if (!zones_read(&zones, frag->info.machine))
		return false;
	zone = zones_largest(&zones);
	frag->node = zone->node;
	snprintf(frag->zone, sizeof(frag->zone), "%s", zone_name(&zones, zone));
	good = index_read(frag->info.machine, "extfrag/unusable_index", &zones, zone,
			  &frag->unusable);
	zones_free(&zones);
	return good;
}

/* From one CPU, so that one CPU's lists are used; it is let go again afterwards. */
static bool run_profile(struct frag *frag)
{
	cpu_set_t before, one;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(before), &before)) {
		complain("cannot ask for the CPUs to run on: %s", strerror(errno));
		return false;
	}
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one)) {
		complain("cannot stay on CPU %d: %s", cpu, strerror(errno));
		return false;
	}
	frag->random = frag->seed;
	frag->profile->run(frag);
	sched_setaffinity(0, sizeof(before), &before);
	if (frag->error)
		explain_error(frag);
	return !frag->error && drain(frag->info.machine) && read_result(frag);
}

/* In the child: which machine it is. */
static bool set_environment(void *arg)
{
	const struct frag *frag = arg;
	char number[16];

	snprintf(number, sizeof(number), "%u", frag->info.machine);
	return !setenv("MMLAB_MACHINE", number, 1);
}

/* Returns the exit status. */
static int hold(struct frag *frag, unsigned int seconds, char **argv)
{
	struct child child = { .before = set_environment, .arg = frag };
	int status;

	if (!argv) {
		sleep_ms(seconds * 1000);
		return 0;
	}
	status = child_start(&child, argv);
	if (status)
		return status;
	child_wait(&child);
	return child_exit_status(&child);
}

/*
 * The machine
 */

/*
 * Without watermarks: a profile fills it, and what were kept in reserve would stay in one
 * piece.
 */
static bool make_machine(struct frag *frag, int control, uint64_t bytes, bool memmap,
			 uint32_t *machine)
{
	struct mml_machine_create create = {
		.bytes = bytes,
		.backend = memmap ? MML_BACKEND_MEMMAP : MML_BACKEND_AUTO,
		.flags = MML_MACHINE_NO_WATERMARKS,
		.seed = frag->seed,
	};

	snprintf(create.name, sizeof(create.name), "%s", frag->profile->name);
	if (!device_machine(control, &create))
		return false;
	frag->own = create.fd;
	*machine = create.machine;
	return true;
}

static int on_machine(struct frag *frag, bool json, unsigned int seconds, char **argv)
{
	int status = argv ? EXIT_NOT_STARTED : EXIT_FAILURE;

	if (run_profile(frag)) {
		if (json)
			print_json(frag);
		else
			print_text(frag);
		status = hold(frag, seconds, argv);
	}
	free(frag->held);
	return status;
}

/**
 * struct request - what was asked for
 * @machine: to take; used if @bytes is 0
 * @bytes: of a machine to make
 * @memmap: it needs no memory
 * @json: how to tell
 * @seconds: to hold it
 * @command: to hold it for, or NULL
 */
struct request {
	uint32_t machine;
	uint64_t bytes;
	bool memmap;
	bool json;
	unsigned int seconds;
	char **command;
};

static int fragment(struct frag *frag, const struct request *request)
{
	int status = request->command ? EXIT_NOT_STARTED : EXIT_FAILURE;
	uint32_t machine = request->machine, number;
	const int control = device_open();

	if (control < 0)
		return status;
	frag->session = -1;
	if (!request->bytes || make_machine(frag, control, request->bytes, request->memmap,
					    &machine))
		frag->session = device_session(control, machine, &number);
	if (frag->session >= 0 && machine_info(machine, &frag->info))
		status = on_machine(frag, request->json, request->seconds, request->command);
	if (frag->session >= 0)
		close(frag->session);
	if (frag->own >= 0)
		close(frag->own);
	close(control);
	return status;
}

static int unknown_profile(const char *name)
{
	if (name)
		complain("there is no profile '%s'; there are:", name);
	else
		complain("which --profile? There are:");
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		fprintf(stderr, "  %-14s%s\n", profiles[i].name, profiles[i].summary);
	return EXIT_USAGE;
}

static int frag_command(int argc, char **argv)
{
	const char *profile = NULL, *seed = NULL, *machine = NULL, *memory = NULL, *seconds = NULL;
	struct request request = { .machine = MML_MACHINE_DEFAULT };
	struct frag frag = { .own = -1 };
	uint64_t hold_for = 0;
	const struct option_spec options[] = {
		{ "--profile", &profile, NULL }, { "--seed", &seed, NULL },
		{ "--machine", &machine, NULL }, { "--memory", &memory, NULL },
		{ "--hold", &seconds, NULL },	 { "--memmap", NULL, &request.memmap },
		{ "--json", NULL, &request.json },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));

	if (arg < 0)
		return EXIT_USAGE;
	if (arg < argc && strcmp(argv[arg - 1], "--"))
		return usage_error("a command to hold the state for comes behind --");
	frag.profile = profile ? find_profile(profile) : NULL;
	if (!frag.profile)
		return unknown_profile(profile);
	if (!seed || !parse_number(seed, UINT64_MAX, &frag.seed) || !frag.seed)
		return usage_error("--seed is a number from 1 on: the same one, the same state");
	if (machine && (memory || request.memmap))
		return usage_error("--machine takes a machine, --memory and --memmap make one");
	if (!parse_machine(machine, &request.machine))
		return usage_error("'%s' is no machine's number", machine);
	if (!machine)
		request.bytes = DEFAULT_MEMORY;
	if (memory && (!parse_size(memory, &request.bytes) || !request.bytes))
		return usage_error("'%s' is not an amount of memory; write 32M", memory);
	if (seconds && !parse_number(seconds, MAX_HOLD, &hold_for))
		return usage_error("--hold is a number of seconds, not '%s'", seconds);
	if (seconds && arg < argc)
		return usage_error("--hold or a command, not both");
	request.seconds = (unsigned int)hold_for;
	request.command = arg < argc ? argv + arg : NULL;
	return fragment(&frag, &request);
}

const struct command cmd_frag = {
	.name = "frag",
	.arguments = "--profile NAME --seed N [--memory SIZE] [--memmap] [--json]\n"
		     "                  [--hold SECONDS | -- COMMAND...]\n"
		     "       mmlab frag --profile NAME --seed N --machine N ...",
	.summary = "bring a machine to a fragmentation that can be had again",
	.help =
		"Makes a machine, takes and gives back blocks of it as a profile says, and tells\n"
		"what came of it: for each order the unusable free space index, the part of the\n"
		"free memory that is in smaller blocks. 0: all can be had; 1: nothing. Told is that\n"
		"of the machine's largest zone (mmlab buddy has all). The machine keeps no frames in\n"
		"reserve, so that the last one can be taken.\n"
		"\n"
		"  checkerboard  every second of blocks of order 0 to 4 is free\n"
		"  mixed         small blocks of all mobilities, filled to 95 % and thinned to 60 %\n"
		"  aged          filled and thinned again and again, blocks of many sizes; 60 % held\n"
		"  pinned        nearly empty, but single unmovable frames lie all over it\n"
		"\n"
		"The same profile, seed and size give the same state, frame by frame.\n"
		"\n"
		"  --memory SIZE   of the machine that is made, 64M unless given; needs root\n"
		"  --memmap        it has no memory, only frames: of any size, for mmlab alloc and\n"
		"                  its like, not for programs\n"
		"  --machine N     use that one. Others at work there, what it has been through,\n"
		"                  what it keeps in reserve (mmlab zones), and ageing of what CPUs\n"
		"                  keep (SEED 0 in mmlab info) all make a difference: the state may\n"
		"                  then be another each time\n"
		"  --hold SECONDS  keep the state for so long\n"
		"  --json          an object instead of a table\n"
		"\n"
		"While a COMMAND runs the state is kept; it finds the machine's number in\n"
		"MMLAB_MACHINE:\n"
		"\n"
		"  mmlab frag --profile aged --seed 7\n"
		"  mmlab frag --profile pinned --seed 1 -- sh -c 'mmlab map --machine $MMLAB_MACHINE'\n"
		"  mmlab frag --profile mixed --seed 3 --memory 16M -- \\\n"
		"        sh -c 'mmlab run --machine $MMLAB_MACHINE --summary sort /etc/services'\n"
		"\n"
		"Exit status: 0, or 1 if it could not be done; with a COMMAND the command's, 128 + n\n"
		"if signal n killed it, 125 if it was not started.\n",
	.run = frag_command,
};
