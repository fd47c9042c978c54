// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab buddy: what is free on a machine, in which pieces, for whom; from debugfs zoneinfo,
 * pagetypeinfo and extfrag/, which have the kernel's formats and a line a zone.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocks.h"

#define MAX_LINE		512

/**
 * struct free_blocks - the free blocks of a zone, or of all
 * @zone: of which zone; NULL: of all
 * @free: how many of a migratetype, by order
 * @pageblocks: of a migratetype
 * @mixed: of these, with an allocated block of another mobility in it
 * @lists: migratetypes of which there were free lists
 * @unusable: the unusable free space index; not of all zones
 * @extfrag: the fragmentation index; not of all zones
 */
struct free_blocks {
	const struct zone *zone;
	uint64_t free[NR_MIGRATETYPES][NR_ORDERS];
	uint64_t pageblocks[NR_MIGRATETYPES];
	uint64_t mixed[NR_MIGRATETYPES];
	unsigned int lists;
	struct order_index unusable;
	struct order_index extfrag;
};

/**
 * struct buddy - what a machine has free
 * @info: the machine
 * @zones: its zones
 * @of: their free blocks, in the same order
 * @all: the sums
 */
struct buddy {
	struct mml_info info;
	struct zones zones;
	struct free_blocks *of;
	struct free_blocks all;
};

/*
 * "Node    0, zone   Normal" begins @line. Returns the zone's free blocks, or NULL; @length
 * is that of the words.
 */
static struct free_blocks *blocks_of(struct buddy *buddy, const char *line, int *length)
{
	const struct zone *zone;
	unsigned int node;
	char name[16];

	if (sscanf(line, "Node %u, zone %15[^, ]%n", &node, name, length) != 2)
		return NULL;
	zone = zones_find(&buddy->zones, node, name);
	return zone ? &buddy->of[zone - buddy->zones.zone] : NULL;
}

/* "Node    0, zone   Normal, type    Movable      1 ..." */
static bool parse_free(struct buddy *buddy, const char *line)
{
	struct free_blocks *blocks;
	enum migratetype migratetype;
	char name[16];
	int length;

	blocks = blocks_of(buddy, line, &length);
	if (!blocks)
		return false;
	line += length;
	if (sscanf(line, ", type %15s%n", name, &length) != 1)
		return false;
	migratetype = migratetype_by_name(name);
	if (migratetype == MIGRATE_NONE)
		return true;
	line += length;
	for (unsigned int order = 0; order < NR_ORDERS; order++, line += length) {
		if (sscanf(line, " %" SCNu64 "%n", &blocks->free[migratetype][order],
			   &length) != 1)
			return false;
	}
	blocks->lists |= 1U << migratetype;
	return true;
}

/* "Node 0, zone   Normal   n n n", under a heading that ends in names of migratetypes. */
static bool parse_pageblocks(const char *head, const char *line, uint64_t *count)
{
	enum migratetype migratetype;
	int in_head, in_line;
	char name[16];
	uint64_t n;

	for (; sscanf(head, "%15s%n", name, &in_head) == 1; head += in_head) {
		if (sscanf(line, " %" SCNu64 "%n", &n, &in_line) != 1)
			return false;
		line += in_line;
		migratetype = migratetype_by_name(name);
		if (migratetype != MIGRATE_NONE)
			count[migratetype] = n;
	}
	return true;
}

/*
 * A heading "Number of ... blocks  Unmovable Movable Reclaimable", of which @head is what
 * follows the words, and below it a line a zone.
 */
static bool parse_all_pageblocks(struct buddy *buddy, const char *head, FILE *file, bool mixed)
{
	char line[MAX_LINE];
	int length;

	for (size_t i = 0; i < buddy->zones.count; i++) {
		struct free_blocks *blocks;

		if (!fgets(line, sizeof(line), file))
			return false;
		blocks = blocks_of(buddy, line, &length);
		if (!blocks || !parse_pageblocks(head, line + length, mixed ? blocks->mixed :
						 blocks->pageblocks))
			return false;
	}
	return true;
}

static const char *behind(const char *line, const char *words)
{
	const size_t length = strlen(words);

	return strncmp(line, words, length) ? NULL : line + length;
}

/* Has each zone told of all migratetypes? */
static bool all_lists(const struct buddy *buddy)
{
	for (size_t i = 0; i < buddy->zones.count; i++) {
		if (buddy->of[i].lists != (1U << NR_MIGRATETYPES) - 1)
			return false;
	}
	return true;
}

static bool parse_pagetypeinfo(struct buddy *buddy, FILE *file)
{
	char line[MAX_LINE], head[MAX_LINE];
	unsigned int counts = 0;
	const char *names;

	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, ", type ") && !parse_free(buddy, line))
			return false;
		strcpy(head, line);
		names = behind(head, "Number of blocks type");
		if (names)
			counts += parse_all_pageblocks(buddy, names, file, false);
		names = behind(head, "Number of mixed blocks");
		if (names)
			counts += parse_all_pageblocks(buddy, names, file, true);
	}
	return all_lists(buddy) && counts == 2;
}

static bool read_pagetypeinfo(struct buddy *buddy, uint32_t machine)
{
	FILE *file = debugfs_open(machine, "pagetypeinfo");
	bool good;

	if (!file)
		return false;
	good = parse_pagetypeinfo(buddy, file);
	fclose(file);
	return good || debugfs_not_understood(machine, "pagetypeinfo");
}

/* The kernel writes -0.500 as 0.-500. */
static void put_sign_first(char *index)
{
	unsigned int part;

	if (sscanf(index, "0.-%u", &part) == 1)
		snprintf(index, 8, "-0.%03u", part % 1000);
}

static bool parse_index(const char *line, struct order_index *index)
{
	int length;

	for (unsigned int order = 0; order < NR_ORDERS; order++, line += length) {
		if (sscanf(line, " %7s%n", index->of[order], &length) != 1)
			return false;
		put_sign_first(index->of[order]);
	}
	return true;
}

/**
 * index_read - read one of the indices in debugfs extfrag/
 * @machine: the machine's number
 * @name: of the file
 * @zones: the machine's zones
 * @zone: that of them which is wanted
 * @index: out: it
 *
 * Return: true; false after a message.
 */
bool index_read(uint32_t machine, const char *name, const struct zones *zones,
		const struct zone *zone, struct order_index *index)
{
	FILE *file = debugfs_open(machine, name);
	char line[MAX_LINE], in_line[16];
	bool found = false;
	unsigned int node;
	int length;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %u, zone %15s%n", &node, in_line, &length) == 2 &&
		    node == zone->node && !strcmp(in_line, zone_name(zones, zone)))
			found = parse_index(line + length, index);
	}
	fclose(file);
	return found || debugfs_not_understood(machine, name);
}

static bool read_zone(struct buddy *buddy, uint32_t machine, size_t i)
{
	struct free_blocks *blocks = &buddy->of[i];

	return index_read(machine, "extfrag/unusable_index", &buddy->zones, blocks->zone,
			  &blocks->unusable) &&
	       index_read(machine, "extfrag/extfrag_index", &buddy->zones, blocks->zone,
			  &blocks->extfrag);
}

static void add_to_all(struct free_blocks *all, const struct free_blocks *blocks)
{
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++) {
		for (unsigned int order = 0; order < NR_ORDERS; order++)
			all->free[i][order] += blocks->free[i][order];
		all->pageblocks[i] += blocks->pageblocks[i];
		all->mixed[i] += blocks->mixed[i];
	}
}

static bool read_blocks(struct buddy *buddy, uint32_t machine)
{
	size_t room = buddy->zones.count;

	buddy->of = calloc(room, sizeof(*buddy->of));
	if (!buddy->of) {
		complain("out of memory");
		return false;
	}
	for (size_t i = 0; i < room; i++)
		buddy->of[i].zone = &buddy->zones.zone[i];
	if (!read_pagetypeinfo(buddy, machine))
		return false;
	for (size_t i = 0; i < room; i++) {
		if (!read_zone(buddy, machine, i))
			return false;
		add_to_all(&buddy->all, &buddy->of[i]);
	}
	return machine_info(machine, &buddy->info);
}

/* Of one migratetype, or with NR_MIGRATETYPES of all. */
static uint64_t count_blocks(const struct free_blocks *blocks, unsigned int migratetype,
			     unsigned int order)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++) {
		if (i == migratetype || migratetype == NR_MIGRATETYPES)
			sum += blocks->free[i][order];
	}
	return sum;
}

static uint64_t count_frames(const struct free_blocks *blocks, unsigned int migratetype)
{
	uint64_t sum = 0;

	for (unsigned int order = 0; order < NR_ORDERS; order++)
		sum += count_blocks(blocks, migratetype, order) << order;
	return sum;
}

/* What is free and on no list. */
static uint64_t kept_frames(const struct buddy *buddy)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < buddy->zones.count; i++)
		sum += buddy->zones.zone[i].kept;
	return sum;
}

static void print_row(const struct free_blocks *blocks, const char *name,
		      unsigned int migratetype)
{
	printf("%-12s", name);
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf(" %6" PRIu64, count_blocks(blocks, migratetype, order));
	printf(" %12s\n", with_commas(count_frames(blocks, migratetype)));
}

static void print_index(const char *name, const struct order_index *index)
{
	printf("%-12s", name);
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf(" %6s", index->of[order]);
	putchar('\n');
}

static void print_table(const struct free_blocks *blocks)
{
	printf("%-12s", "order");
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf(" %6u", order);
	printf(" %12s\n", "frames");
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++)
		print_row(blocks, migratetype_names[i], i);
	print_row(blocks, "all", NR_MIGRATETYPES);
}

static void print_pageblocks(const struct free_blocks *blocks)
{
	printf("%-12s", "pageblocks");
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++)
		printf("%s %s %" PRIu64 " (mixed %" PRIu64 ")", i ? "," : "",
		       migratetype_names[i], blocks->pageblocks[i], blocks->mixed[i]);
	putchar('\n');
}

static void print_zone(const struct buddy *buddy, const struct free_blocks *blocks)
{
	const struct zone *zone = blocks->zone;

	printf("\nnode %u, zone %s: %s of %s frames are free: %s on free lists, %s kept by CPUs\n",
	       zone->node, zone_name(&buddy->zones, zone),
	       with_commas(count_frames(blocks, NR_MIGRATETYPES) + zone->kept),
	       with_commas(zone->present), with_commas(count_frames(blocks, NR_MIGRATETYPES)),
	       with_commas(zone->kept));
	print_table(blocks);
	print_index("unusable", &blocks->unusable);
	print_index("extfrag", &blocks->extfrag);
	print_pageblocks(blocks);
}

static void print_legend(void)
{
	printf("\n"
	       "order       free blocks of 1 << order frames, by what their pageblocks are for\n"
	       "unusable    how much of what is free is of no use for that order: 0 nothing, 1 all\n"
	       "extfrag     why that order could not be had: near 0 too little is free, near 1 it is\n"
	       "            in pieces; -1: it could be had, but for what the zone keeps in reserve\n"
	       "pageblocks  of %u frames, and how many of them have a block of another mobility\n",
	       PAGEBLOCK_FRAMES);
}

static void print_text(const struct buddy *buddy)
{
	printf("machine %u: %s of %s frames are free: %s on free lists, %s kept by CPUs\n",
	       buddy->info.machine, with_commas(buddy->info.free_frames),
	       with_commas(buddy->info.frames),
	       with_commas(count_frames(&buddy->all, NR_MIGRATETYPES)),
	       with_commas(kept_frames(buddy)));
	for (size_t i = 0; i < buddy->zones.count; i++)
		print_zone(buddy, &buddy->of[i]);
	if (buddy->zones.count > 1) {
		puts("\nall zones");
		print_table(&buddy->all);
		print_pageblocks(&buddy->all);
	}
	print_legend();
}

static void print_json_index(const char *indent, const char *name,
			     const struct order_index *index, bool more)
{
	printf("%s\"%s\": [", indent, name);
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf("%s%s", order ? ", " : "", index->of[order]);
	printf("]%s\n", more ? "," : "");
}

static void print_json_counts(const char *indent, const char *name, const uint64_t *count,
			      bool more)
{
	printf("%s\"%s\": {", indent, name);
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++)
		printf("%s\"%s\": %" PRIu64, i ? ", " : "", migratetype_names[i], count[i]);
	printf("}%s\n", more ? "," : "");
}

static void print_json_blocks(const char *indent, const struct free_blocks *blocks, bool more)
{
	printf("%s\"free_blocks\": {", indent);
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++) {
		printf("%s\n%s  \"%s\": [", i ? "," : "", indent, migratetype_names[i]);
		for (unsigned int order = 0; order < NR_ORDERS; order++)
			printf("%s%" PRIu64, order ? ", " : "", blocks->free[i][order]);
		putchar(']');
	}
	printf("\n%s},\n", indent);
	print_json_counts(indent, "pageblocks", blocks->pageblocks, true);
	print_json_counts(indent, "mixed_pageblocks", blocks->mixed, more);
}

static void print_json_zone(const struct buddy *buddy, const struct free_blocks *blocks)
{
	static const char indent[] = "      ";
	const struct zone *zone = blocks->zone;

	printf("    {\n%s\"node\": %u,\n%s\"zone\": \"%s\",\n", indent, zone->node, indent,
	       zone_name(&buddy->zones, zone));
	printf("%s\"frames\": %" PRIu64 ",\n%s\"free_frames\": %" PRIu64
	       ",\n%s\"kept_by_cpus\": %" PRIu64 ",\n", indent, zone->present, indent,
	       count_frames(blocks, NR_MIGRATETYPES) + zone->kept, indent, zone->kept);
	print_json_blocks(indent, blocks, true);
	print_json_index(indent, "unusable_index", &blocks->unusable, true);
	print_json_index(indent, "extfrag_index", &blocks->extfrag, false);
	fputs("    }", stdout);
}

static void print_json(const struct buddy *buddy)
{
	puts("{");
	json_number(stdout, "machine", buddy->info.machine, true);
	json_number(stdout, "frames", buddy->info.frames, true);
	json_number(stdout, "free_frames", buddy->info.free_frames, true);
	json_number(stdout, "kept_by_cpus", kept_frames(buddy), true);
	print_json_blocks("  ", &buddy->all, true);
	fputs("  \"zones\": [", stdout);
	for (size_t i = 0; i < buddy->zones.count; i++) {
		puts(i ? "," : "");
		print_json_zone(buddy, &buddy->of[i]);
	}
	puts("\n  ]\n}");
}

static int buddy_command(int argc, char **argv)
{
	int status = EXIT_FAILURE;
	uint32_t machine;
	bool json;
	struct buddy buddy = { 0 };

	if (!parse_machine_json(argc, argv, &machine, &json))
		return EXIT_USAGE;
	if (!zones_read(&buddy.zones, machine))
		return EXIT_FAILURE;
	if (read_blocks(&buddy, machine)) {
		if (json)
			print_json(&buddy);
		else
			print_text(&buddy);
		status = 0;
	}
	free(buddy.of);
	zones_free(&buddy.zones);
	return status;
}

const struct command cmd_buddy = {
	.name = "buddy",
	.arguments = "[--machine N] [--json]",
	.summary = "free blocks, pageblocks and fragmentation of a machine",
	.help =
		"What the page allocator of machine N (0 unless given) has to give, as a table for\n"
		"each zone, and one for all if there are several:\n"
		"\n"
		"  free blocks   of each order, by migratetype: requests that can be moved, that\n"
		"                cannot, that can be given up get pageblocks of their own; HighAtomic\n"
		"                are those kept for requests that cannot wait, CMA those lent to what\n"
		"                can be moved, Isolate those of which nobody gets anything\n"
		"  kept by CPUs  free frames that are on no list, for a CPU keeps them to serve\n"
		"                itself; see drain_pages in debugfs\n"
		"  unusable      the part of the free memory that a request of that order cannot\n"
		"                have, as it is in smaller blocks\n"
		"  extfrag       if such a request fails, why: towards 0 for want of memory,\n"
		"                towards 1 for its being in pieces; -1: it would not fail\n"
		"  mixed         pageblocks that have a block of another mobility than their own\n"
		"\n"
		"What is read: debugfs zoneinfo, pagetypeinfo, extfrag/unusable_index and\n"
		"extfrag/extfrag_index, one after the other; with programs at work they differ by what\n"
		"happened between. What may be taken of that, and what stays in reserve, says mmlab\n"
		"zones. --json prints the same as one object, of zones and sums; for example\n"
		"  mmlab buddy --json | jq '.zones[] | {zone, index: .unusable_index[9]}'\n",
	.run = buddy_command,
};
