// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab buddy: what is free on a machine, in which pieces, for whom; from debugfs
 * pagetypeinfo and extfrag/, which have the kernel's formats.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocks.h"

#define MAX_LINE		512

/**
 * struct buddy - a machine's free blocks
 * @info: the machine
 * @free: free blocks of a migratetype, by order
 * @pageblocks: of a migratetype
 * @mixed: of these, with an allocated block of another mobility in it
 * @unusable: the unusable free space index
 * @extfrag: the fragmentation index
 */
struct buddy {
	struct mml_info info;
	uint64_t free[NR_MIGRATETYPES][NR_ORDERS];
	uint64_t pageblocks[NR_MIGRATETYPES];
	uint64_t mixed[NR_MIGRATETYPES];
	struct order_index unusable;
	struct order_index extfrag;
};

/* "Node    0, zone   Normal, type    Movable      1 ..." */
static bool parse_free(struct buddy *buddy, const char *line)
{
	enum migratetype migratetype;
	char name[16];
	int length;

	if (sscanf(line, "Node %*u, zone %*[^,], type %15s%n", name, &length) != 1)
		return false;
	migratetype = migratetype_by_name(name);
	if (migratetype == MIGRATE_NONE)
		return true;
	line += length;
	for (unsigned int order = 0; order < NR_ORDERS; order++, line += length) {
		if (sscanf(line, " %" SCNu64 "%n", &buddy->free[migratetype][order], &length) != 1)
			return false;
	}
	return true;
}

/*
 * A heading "Number of ... blocks  Unmovable Movable Reclaimable", of which @head is what
 * follows the words, and below it "Node 0, zone Normal n n n".
 */
static bool parse_pageblocks(const char *head, FILE *file, uint64_t *count)
{
	char line[MAX_LINE], name[16], *at = line;
	enum migratetype migratetype;
	int in_head, in_line;
	uint64_t n;

	if (!fgets(line, sizeof(line), file) ||
	    sscanf(line, "Node %*u, zone %*s%n", &in_line) < 0)
		return false;
	for (at += in_line; sscanf(head, "%15s%n", name, &in_head) == 1; head += in_head) {
		if (sscanf(at, " %" SCNu64 "%n", &n, &in_line) != 1)
			return false;
		at += in_line;
		migratetype = migratetype_by_name(name);
		if (migratetype != MIGRATE_NONE)
			count[migratetype] = n;
	}
	return true;
}

static const char *behind(const char *line, const char *words)
{
	const size_t length = strlen(words);

	return strncmp(line, words, length) ? NULL : line + length;
}

static bool parse_pagetypeinfo(struct buddy *buddy, FILE *file)
{
	unsigned int lists = 0, counts = 0;
	char line[MAX_LINE];
	const char *head;

	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, ", type "))
			lists += parse_free(buddy, line);
		head = behind(line, "Number of blocks type");
		if (head)
			counts += parse_pageblocks(head, file, buddy->pageblocks);
		head = behind(line, "Number of mixed blocks");
		if (head)
			counts += parse_pageblocks(head, file, buddy->mixed);
	}
	return lists >= NR_MIGRATETYPES && counts == 2;
}

static bool not_understood(uint32_t machine, const char *name)
{
	complain("%s of machine %u is not what this mmlab reads: are it and\n"
		 "buddy_probe.ko of the same checkout?", name, machine);
	return false;
}

static bool read_pagetypeinfo(struct buddy *buddy, uint32_t machine)
{
	FILE *file = debugfs_open(machine, "pagetypeinfo");
	bool good;

	if (!file)
		return false;
	good = parse_pagetypeinfo(buddy, file);
	fclose(file);
	return good || not_understood(machine, "pagetypeinfo");
}

/* The kernel writes -0.500 as 0.-500. */
static void put_sign_first(char *index)
{
	unsigned int part;

	if (sscanf(index, "0.-%u", &part) == 1)
		snprintf(index, 8, "-0.%03u", part % 1000);
}

/**
 * index_read - read one of the indices in debugfs extfrag/
 * @machine: the machine's number
 * @name: of the file
 * @index: out: it
 *
 * Return: true; false after a message.
 */
bool index_read(uint32_t machine, const char *name, struct order_index *index)
{
	FILE *file = debugfs_open(machine, name);
	unsigned int order = 0;
	int length = 0;
	char line[MAX_LINE], *at = line;

	if (!file)
		return false;
	if (fgets(line, sizeof(line), file) &&
	    sscanf(line, "Node %*u, zone %*s%n", &length) >= 0) {
		for (at += length; order < NR_ORDERS; order++, at += length) {
			if (sscanf(at, " %7s%n", index->of[order], &length) != 1)
				break;
			put_sign_first(index->of[order]);
		}
	}
	fclose(file);
	return order == NR_ORDERS || not_understood(machine, name);
}

static bool read_buddy(struct buddy *buddy, uint32_t machine)
{
	return read_pagetypeinfo(buddy, machine) &&
	       index_read(machine, "extfrag/unusable_index", &buddy->unusable) &&
	       index_read(machine, "extfrag/extfrag_index", &buddy->extfrag) &&
	       machine_info(machine, &buddy->info);
}

/* Of one migratetype, or with NR_MIGRATETYPES of all. */
static uint64_t free_blocks(const struct buddy *buddy, unsigned int migratetype, unsigned int order)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++) {
		if (i == migratetype || migratetype == NR_MIGRATETYPES)
			sum += buddy->free[i][order];
	}
	return sum;
}

static uint64_t free_frames(const struct buddy *buddy, unsigned int migratetype)
{
	uint64_t sum = 0;

	for (unsigned int order = 0; order < NR_ORDERS; order++)
		sum += free_blocks(buddy, migratetype, order) << order;
	return sum;
}

/* What is free and on no list; the two were read one after the other. */
static uint64_t kept_frames(const struct buddy *buddy)
{
	const uint64_t listed = free_frames(buddy, NR_MIGRATETYPES);

	return buddy->info.free_frames > listed ? buddy->info.free_frames - listed : 0;
}

static void print_row(const struct buddy *buddy, const char *name, unsigned int migratetype)
{
	printf("%-12s", name);
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf(" %6" PRIu64, free_blocks(buddy, migratetype, order));
	printf(" %12s\n", with_commas(free_frames(buddy, migratetype)));
}

static void print_index(const char *name, const struct order_index *index)
{
	printf("%-12s", name);
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf(" %6s", index->of[order]);
	putchar('\n');
}

static void print_text(const struct buddy *buddy)
{
	const uint64_t kept = kept_frames(buddy);

	printf("machine %u: %s of %s frames are free: %s on free lists, %s kept by CPUs\n\n",
	       buddy->info.machine, with_commas(buddy->info.free_frames),
	       with_commas(buddy->info.frames), with_commas(buddy->info.free_frames - kept),
	       with_commas(kept));
	puts("Free blocks of 1 << order frames, by what their pageblocks are for");
	printf("%-12s", "order");
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf(" %6u", order);
	printf(" %12s\n", "frames");
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++)
		print_row(buddy, migratetype_names[i], i);
	print_row(buddy, "all", NR_MIGRATETYPES);
	puts("\nHow much of what is free is of no use for that order: 0 nothing, 1 all of it");
	print_index("unusable", &buddy->unusable);
	puts("\nWhy that order could not be had: near 0 too little is free, near 1 it is in\n"
	     "pieces; -1: it could be had");
	print_index("extfrag", &buddy->extfrag);
	printf("\nPageblocks of %u frames, and how many of them have a block of another mobility\n",
	       PAGEBLOCK_FRAMES);
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++)
		printf("%-12s %6" PRIu64 ", mixed %6" PRIu64 "\n", migratetype_names[i],
		       buddy->pageblocks[i], buddy->mixed[i]);
}

static void print_json_index(const char *name, const struct order_index *index, bool more)
{
	printf("  \"%s\": [", name);
	for (unsigned int order = 0; order < NR_ORDERS; order++)
		printf("%s%s", order ? ", " : "", index->of[order]);
	printf("]%s\n", more ? "," : "");
}

static void print_json_free(const struct buddy *buddy)
{
	fputs("  \"free_blocks\": {", stdout);
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++) {
		printf("%s\n    \"%s\": [", i ? "," : "", migratetype_names[i]);
		for (unsigned int order = 0; order < NR_ORDERS; order++)
			printf("%s%" PRIu64, order ? ", " : "", buddy->free[i][order]);
		putchar(']');
	}
	fputs("\n  },\n", stdout);
}

static void print_json_counts(const char *name, const uint64_t *count)
{
	printf("  \"%s\": {", name);
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++)
		printf("%s\"%s\": %" PRIu64, i ? ", " : "", migratetype_names[i], count[i]);
	fputs("},\n", stdout);
}

static void print_json(const struct buddy *buddy)
{
	puts("{");
	json_number(stdout, "machine", buddy->info.machine, true);
	json_number(stdout, "frames", buddy->info.frames, true);
	json_number(stdout, "free_frames", buddy->info.free_frames, true);
	json_number(stdout, "kept_by_cpus", kept_frames(buddy), true);
	print_json_free(buddy);
	print_json_counts("pageblocks", buddy->pageblocks);
	print_json_counts("mixed_pageblocks", buddy->mixed);
	print_json_index("unusable_index", &buddy->unusable, true);
	print_json_index("extfrag_index", &buddy->extfrag, false);
	puts("}");
}

static int buddy_command(int argc, char **argv)
{
	uint32_t machine;
	bool json;
	struct buddy buddy = { 0 };

	if (!parse_machine_json(argc, argv, &machine, &json))
		return EXIT_USAGE;
	if (!read_buddy(&buddy, machine))
		return EXIT_FAILURE;
	if (json)
		print_json(&buddy);
	else
		print_text(&buddy);
	return 0;
}

const struct command cmd_buddy = {
	.name = "buddy",
	.arguments = "[--machine N] [--json]",
	.summary = "free blocks, pageblocks and fragmentation of a machine",
	.help =
		"What the page allocator of machine N (0 unless given) has to give, as tables:\n"
		"\n"
		"  free blocks   of each order, by migratetype: requests that can be moved, that\n"
		"                cannot, that can be given up get pageblocks of their own\n"
		"  kept by CPUs  free frames that are on no list, for a CPU keeps them to serve\n"
		"                itself; see drain_pages in debugfs\n"
		"  unusable      the part of the free memory that a request of that order cannot\n"
		"                have, as it is in smaller blocks\n"
		"  extfrag       if such a request fails, why: towards 0 for want of memory,\n"
		"                towards 1 for its being in pieces; -1: it would not fail\n"
		"  mixed         pageblocks that have a block of another mobility than their own\n"
		"\n"
		"What is read: debugfs pagetypeinfo, extfrag/unusable_index, extfrag/extfrag_index,\n"
		"one after the other; with programs at work they differ by what happened between.\n"
		"--json prints the same as one object; for example\n"
		"  mmlab buddy --json | jq .unusable_index[9]\n",
	.run = buddy_command,
};
