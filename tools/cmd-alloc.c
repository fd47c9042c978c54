// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab alloc: hold blocks of frames, to see what that does to a machine.
 *
 * The blocks belong to a session of this process: freed by handle at the end, and
 * by the lab itself should the process be killed before.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "mmlab.h"

#define MAX_ORDER		10
#define MAX_COUNT		(1U << 24)
#define MAX_HOLD		(7 * 24 * 3600)

/* First frames that are printed; after that, only how many more there are. */
#define SHOWN			8

/**
 * struct blocks - the blocks of one session
 * @session: its file
 * @machine: the machine's number
 * @order: each has 1 << @order frames
 * @flags: MML_BLOCK_*
 * @node: one more than that of the node to begin with; 0: this CPU's
 * @handle: of those there are
 * @count: how many
 * @pfn: first frames of the first of them
 * @error: why there are no more; 0 if there are all
 */
struct blocks {
	int session;
	uint32_t machine;
	uint32_t order;
	uint32_t flags;
	uint32_t node;
	uint32_t *handle;
	uint64_t count;
	uint64_t pfn[SHOWN];
	int error;
};

static void allocate(struct blocks *blocks, uint64_t wanted)
{
	struct mml_block_alloc block;
	size_t room = 0;

	while (blocks->count < wanted) {
		blocks->handle = grow(blocks->handle, blocks->count, &room,
				      sizeof(*blocks->handle));
		block = (struct mml_block_alloc){
			.order = blocks->order,
			.flags = blocks->flags,
			.node = blocks->node,
		};
		if (ioctl(blocks->session, MML_IOC_BLOCK_ALLOC, &block)) {
			blocks->error = errno;
			return;
		}
		if (blocks->count < SHOWN)
			blocks->pfn[blocks->count] = block.pfn;
		blocks->handle[blocks->count++] = block.handle;
	}
}

static bool free_all(struct blocks *blocks)
{
	struct mml_block_free block = { 0 };

	while (blocks->count) {
		block.handle = blocks->handle[blocks->count - 1];
		if (ioctl(blocks->session, MML_IOC_BLOCK_FREE, &block)) {
			complain("cannot free block %u: %s", block.handle, strerror(errno));
			return false;
		}
		blocks->count--;
	}
	return true;
}

static void explain_error(const struct blocks *blocks, uint64_t wanted)
{
	const char *got = with_commas(blocks->count), *all = with_commas(wanted);

	switch (blocks->error) {
	case ENOMEM:
		complain("%s of %s blocks: machine %u has no more of order %u to give;\n"
			 "mmlab explain says why", got, all, blocks->machine, blocks->order);
		break;
	case EDQUOT:
		complain("%s of %s blocks: a session may not hold more (a parameter of mm_lab.ko)",
			 got, all);
		break;
	case ENOTTY:
		complain("machine %u has no page allocator: load buddy_probe.ko", blocks->machine);
		break;
	default:
		complain("%s of %s blocks: %s", got, all, strerror(blocks->error));
	}
}

static void print_blocks(const struct blocks *blocks, uint64_t ns)
{
	const uint64_t frames = blocks->count << blocks->order;

	printf("%s blocks of order %u on machine %u: %s frames, %s, in %.1f us\n",
	       with_commas(blocks->count), blocks->order, blocks->machine, with_commas(frames),
	       as_size(frames * (uint64_t)sysconf(_SC_PAGESIZE)), (double)ns / 1000);
	printf("first frames:");
	for (uint64_t i = 0; i < blocks->count && i < SHOWN; i++)
		printf(" %" PRIu64, blocks->pfn[i]);
	if (blocks->count > SHOWN)
		printf(" and %s more", with_commas(blocks->count - SHOWN));
	putchar('\n');
	fflush(stdout);
}

/* Returns the command's exit status. */
static int hold_for_command(char **argv)
{
	struct child child = { 0 };
	const int status = child_start(&child, argv);

	if (status)
		return status;
	child_wait(&child);
	return child_exit_status(&child);
}

static int hold(struct blocks *blocks, uint64_t wanted, unsigned int seconds, char **argv)
{
	const uint64_t begin = now_ns();
	int status = 0;

	allocate(blocks, wanted);
	if (blocks->count)
		print_blocks(blocks, now_ns() - begin);
	if (blocks->error) {
		explain_error(blocks, wanted);
		status = argv ? EXIT_NOT_STARTED : EXIT_FAILURE;
	}
	if (blocks->count && argv)
		status = hold_for_command(argv);
	else if (blocks->count)
		sleep_ms(seconds * 1000);
	if (!free_all(blocks) && !status)
		status = EXIT_FAILURE;
	free(blocks->handle);
	return status;
}

static int with_session(struct blocks *blocks, uint64_t wanted, unsigned int seconds, char **argv)
{
	const int fd = device_open();
	uint32_t number;
	int status = argv ? EXIT_NOT_STARTED : EXIT_FAILURE;

	if (fd < 0)
		return status;
	blocks->session = device_session(fd, blocks->machine, &number);
	close(fd);
	if (blocks->session < 0)
		return status;
	status = hold(blocks, wanted, seconds, argv);
	close(blocks->session);
	return status;
}

/* The kernel's flags, that can be given with --gfp, beside those of options of their own. */
static const struct {
	const char *name;
	uint32_t flag;
} gfp_names[] = {
	{ "dma", MML_BLOCK_DMA },	  { "dma32", MML_BLOCK_DMA32 },
	{ "highmem", MML_BLOCK_HIGHMEM }, { "high", MML_BLOCK_HIGH },
	{ "nowait", MML_BLOCK_NOWAIT },	  { "noretry", MML_BLOCK_NORETRY },
	{ "thisnode", MML_BLOCK_THISNODE },
	{ "retry_mayfail", MML_BLOCK_RETRY_MAYFAIL },
};

/* "dma32,nowait": names with commas between. */
static bool parse_gfp(char *text, uint32_t *flags)
{
	for (char *name = strtok(text, ","); name; name = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < ARRAY_SIZE(gfp_names) && strcmp(name, gfp_names[i].name))
			i++;
		if (i == ARRAY_SIZE(gfp_names))
			return false;
		*flags |= gfp_names[i].flag;
	}
	return true;
}

static int alloc(int argc, char **argv)
{
	const char *order = NULL, *count = "1", *seconds = NULL, *machine = NULL;
	const char *gfp = NULL, *node = NULL;
	struct blocks blocks = { .machine = MML_MACHINE_DEFAULT };
	uint64_t n_order = 0, n_count, n_seconds = 0, n_node = 0;
	bool zero = false, movable = false, reclaimable = false;
	const struct option_spec options[] = {
		{ "--order", &order, NULL },	 { "--count", &count, NULL },
		{ "--hold", &seconds, NULL },	 { "--machine", &machine, NULL },
		{ "--zero", NULL, &zero },	 { "--movable", NULL, &movable },
		{ "--reclaimable", NULL, &reclaimable },
		{ "--gfp", &gfp, NULL },	 { "--node", &node, NULL },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));

	if (arg < 0)
		return EXIT_USAGE;
	if (arg < argc && strcmp(argv[arg - 1], "--"))
		return usage_error("a command to hold the blocks for comes behind --");
	if (order && !parse_number(order, MAX_ORDER, &n_order))
		return usage_error("--order is 0 to %u, not '%s'", MAX_ORDER, order);
	if (!parse_number(count, MAX_COUNT, &n_count) || !n_count)
		return usage_error("--count is 1 to %u, not '%s'", MAX_COUNT, count);
	if (seconds && !parse_number(seconds, MAX_HOLD, &n_seconds))
		return usage_error("--hold is a number of seconds, not '%s'", seconds);
	if (seconds && arg < argc)
		return usage_error("--hold or a command, not both");
	if (movable && reclaimable)
		return usage_error("--movable or --reclaimable, not both");
	if (!parse_machine(machine, &blocks.machine))
		return usage_error("'%s' is no machine's number", machine);
	if (gfp && !parse_gfp((char *)gfp, &blocks.flags))
		return usage_error("--gfp has names with commas between: dma, dma32, highmem, high,\n"
				   "nowait, noretry, retry_mayfail, thisnode");
	if (node && !parse_number(node, MML_MAX_NODES - 1, &n_node))
		return usage_error("--node is 0 to %u, not '%s'", MML_MAX_NODES - 1, node);

	blocks.node = node ? (uint32_t)n_node + 1 : 0;
	blocks.order = (uint32_t)n_order;
	blocks.flags |= (zero ? MML_BLOCK_ZERO : 0) | (movable ? MML_BLOCK_MOVABLE : 0) |
			(reclaimable ? MML_BLOCK_RECLAIMABLE : 0);
	return with_session(&blocks, n_count, (unsigned int)n_seconds,
			    arg < argc ? argv + arg : NULL);
}

const struct command cmd_alloc = {
	.name = "alloc",
	.arguments = "[--order N] [--count N] [--movable | --reclaimable] [--zero]\n"
		     "                   [--gfp FLAG,...] [--node N] [--machine N]\n"
		     "                   [--hold SECONDS | -- COMMAND...]",
	.summary = "hold blocks of frames for a while",
	.help =
		"A block of order N is 1 << N frames in a row, beginning at a multiple of its\n"
		"size; N is 0 to 10. The page allocator splits larger blocks to make smaller ones\n"
		"and merges them again when they are freed: watch buddyinfo do it.\n"
		"\n"
		"  mmlab alloc --order 3 --count 100               time it, and free all at once\n"
		"  mmlab alloc --order 0 --count 1000 --hold 10    hold them for ten seconds\n"
		"  mmlab alloc --order 9 --count 4 -- mmlab stat   hold them while a command runs\n"
		"\n"
		"Blocks come from pageblocks of their kind: those that cannot be moved, as these\n"
		"are taken for, those that could be (--movable), those that their owner could\n"
		"give up (--reclaimable); pagetypeinfo in debugfs shows them.\n"
		"\n"
		"--gfp says more: from which zone at the highest (dma, dma32; highmem with --movable:\n"
		"Movable, too), how hard to try (nowait, noretry, retry_mayfail), to take of the\n"
		"reserves (high; root only), of this node only (thisnode). --node begins with that\n"
		"node. mmlab zones shows what there is.\n"
		"\n"
		"--zero has them zeroed. If there are fewer than asked for, those are held, and\n"
		"the exit status is 1. With a COMMAND it is the command's, 128 + n if signal n\n"
		"killed it; 125 if there was no block to hold.\n",
	.run = alloc,
};
