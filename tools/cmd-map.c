// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab map: every frame of a machine, as text, as a picture, or as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "blocks.h"

#define MIN_WIDTH		24
#define MAX_WIDTH		4096
#define DEFAULT_WIDTH		80

/* What the terminal has; DEFAULT_WIDTH if there is none. */
static unsigned int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < MIN_WIDTH)
		return DEFAULT_WIDTH;
	return size.ws_col;
}

static void print_json_pageblocks(const struct block_map *map)
{
	const char *separator = "";
	size_t at = 0;

	fputs("  \"pageblocks\": [", stdout);
	for (uint64_t pfn = 0; pfn < map->info.spanned; pfn += PAGEBLOCK_FRAMES) {
		const struct pageblock pageblock = pageblock_at(map, (uint32_t)pfn, &at);

		if (pageblock.migratetype == MIGRATE_NONE)
			continue;
		printf("%s\n    {\"pfn\": %u, \"migratetype\": \"%s\", \"mixed\": %s}", separator,
		       pageblock.pfn, migratetype_names[pageblock.migratetype],
		       pageblock.mobilities & ~(1U << pageblock.migratetype) ? "true" : "false");
		separator = ",";
	}
	fputs("\n  ],\n", stdout);
}

static void print_json_zones(const struct block_map *map)
{
	fputs("  \"zones\": [", stdout);
	for (size_t i = 0; i < map->zones.count; i++) {
		const struct zone *zone = &map->zones.zone[i];

		printf("%s\n    {\"node\": %u, \"zone\": \"%s\", \"start_pfn\": %" PRIu64
		       ", \"spanned\": %" PRIu64 ", \"present\": %" PRIu64 "}", i ? "," : "",
		       zone->node, zone_name(&map->zones, zone), zone->start_pfn, zone->spanned,
		       zone->present);
	}
	fputs("\n  ],\n", stdout);
}

static void print_json_block(const struct block_map *map, const struct block *block)
{
	printf("    {\"pfn\": %u, \"frames\": %u, \"state\": \"%s\"", block->pfn, block->frames,
	       block_state_names[block->state]);
	if (block->state != BLOCK_HOLE)
		printf(", \"order\": %u", block->order);
	if (block->state == BLOCK_ALLOCATED) {
		fputs(", \"type\": ", stdout);
		json_string(stdout, map->type[block->type]);
		printf(", \"mobility\": \"%s\", \"refcount\": %d, \"mapcount\": %d",
		       migratetype_names[block->mobility], block->refcount, block->mapcount);
	}
	putchar('}');
}

static void print_json(const struct block_map *map)
{
	puts("{");
	json_number(stdout, "machine", map->info.machine, true);
	json_number(stdout, "page_size", map->info.page_size, true);
	json_number(stdout, "frames", map->info.frames, true);
	json_number(stdout, "spanned", map->info.spanned, true);
	json_number(stdout, "pageblock_frames", PAGEBLOCK_FRAMES, true);
	print_json_zones(map);
	print_json_pageblocks(map);
	fputs("  \"blocks\": [", stdout);
	for (size_t i = 0; i < map->count; i++) {
		puts(i ? "," : "");
		print_json_block(map, &map->block[i]);
	}
	puts("\n  ]\n}");
}

/* @path: of the picture, or "-" for standard output */
static int write_svg(const struct block_map *map, const char *path)
{
	FILE *out;
	bool good;

	if (!strcmp(path, "-")) {
		map_svg(map, stdout);
		return 0;
	}
	out = fopen(path, "we");
	if (!out) {
		complain("cannot write %s: %s", path, strerror(errno));
		return EXIT_FAILURE;
	}
	map_svg(map, out);
	good = !ferror(out);
	if (fclose(out) || !good) {
		complain("cannot write %s: %s", path, strerror(errno));
		return EXIT_FAILURE;
	}
	return 0;
}

static int draw(uint32_t machine, const struct text_style *style, const char *svg, bool json)
{
	struct block_map map;
	int status = 0;

	if (!block_map_read(&map, machine))
		return EXIT_FAILURE;
	if (svg)
		status = write_svg(&map, svg);
	else if (json)
		print_json(&map);
	else
		map_text(&map, style, stdout);
	block_map_free(&map);
	return status;
}

static int map_command(int argc, char **argv)
{
	const char *number = NULL, *svg = NULL, *width = NULL, *cell = NULL;
	struct text_style style = { .color = isatty(STDOUT_FILENO) };
	uint64_t columns = terminal_width(), frames = 0;
	bool json = false;
	const struct option_spec options[] = {
		{ "--machine", &number, NULL },	 { "--svg", &svg, NULL },
		{ "--width", &width, NULL },	 { "--cell", &cell, NULL },
		{ "--json", NULL, &json },	 { "--color", NULL, &style.color },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	uint32_t machine = MML_MACHINE_DEFAULT;

	if (arg < 0)
		return EXIT_USAGE;
	if (arg < argc)
		return usage_error("takes no '%s'", argv[arg]);
	if (!parse_machine(number, &machine))
		return usage_error("'%s' is no machine's number", number);
	if (width && (!parse_number(width, MAX_WIDTH, &columns) || columns < MIN_WIDTH))
		return usage_error("--width is %u to %u columns, not '%s'", MIN_WIDTH, MAX_WIDTH,
				   width);
	if (cell && (!parse_number(cell, PAGEBLOCK_FRAMES, &frames) || !frames ||
		     frames & (frames - 1)))
		return usage_error("--cell is 1, 2, 4 ... %u frames, not '%s'", PAGEBLOCK_FRAMES,
				   cell);
	if (json && svg)
		return usage_error("--json or --svg, not both");
	style.width = (unsigned int)columns;
	style.cell = (unsigned int)frames;
	return draw(machine, &style, svg, json);
}

const struct command cmd_map = {
	.name = "map",
	.arguments = "[--machine N] [--width COLUMNS] [--cell FRAMES] [--color]\n"
		     "                 [--svg FILE | --json]",
	.summary = "a machine's frames, each of them",
	.help =
		"Draws what each frame is used for, pageblock by pageblock (512 frames), N being 0\n"
		"unless given. A cell is one frame or several in a row, and a line one pageblock or\n"
		"several beside each other, as it fits. What stands for what is told below the map:\n"
		"a letter for each type of what is in use (U: user, a block held by handle; P: page\n"
		"table; A: anonymous memory), digits and dots for what is free, = and - for what a\n"
		"CPU keeps. M, U and R before a pageblock say that it is for movable, unmovable or\n"
		"reclaimable blocks, H that it is kept for requests that cannot wait; \"Mu\" has\n"
		"unmovable ones all the same. If there are several zones, each begins with a line of\n"
		"its name.\n"
		"\n"
		"  --width COLUMNS  how wide; else that of the terminal, or 80\n"
		"  --cell FRAMES    frames a cell: 1, 2, 4 ... 512\n"
		"  --color          colours, also if this is no terminal; they add the mobility of\n"
		"                   what is in use\n"
		"  --svg FILE       a picture with a rectangle for each block, for a browser: the\n"
		"                   pointer tells of each; - is standard output\n"
		"  --json           an object with arrays of zones, pageblocks and blocks\n"
		"\n"
		"  mmlab map --cell 1                            every single frame\n"
		"  mmlab alloc --order 3 --count 9 -- mmlab map  nine blocks, seen\n"
		"  mmlab map --svg /tmp/map.svg                  as a picture\n"
		"\n"
		"What is read: debugfs blocks, and zoneinfo for the zones. Each 1024 frames are as they\n"
		"were in one moment; with programs at work the moments differ.\n",
	.run = map_command,
};
