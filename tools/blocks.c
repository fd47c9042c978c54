// SPDX-License-Identifier: GPL-2.0
/*
 * Reading debugfs <machine>/blocks: a heading, then a line a block:
 *
 *   pfn order state type mobility pageblock refcount mapcount
 *
 * with "-" for what it does not have. A hole has no order: it goes on to the next line,
 * or to the end of the machine.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"

#define MAX_LINE		256

const char *const migratetype_names[NR_MIGRATETYPES + 1] = {
	[MIGRATE_UNMOVABLE] = "Unmovable",
	[MIGRATE_MOVABLE] = "Movable",
	[MIGRATE_RECLAIMABLE] = "Reclaimable",
	[MIGRATE_HIGHATOMIC] = "HighAtomic",
	[MIGRATE_CMA] = "CMA",
	[MIGRATE_ISOLATE] = "Isolate",
	[MIGRATE_NONE] = "-",
};

const char *const block_state_names[NR_BLOCK_STATES] = {
	[BLOCK_FREE] = "free",
	[BLOCK_KEPT] = "pcp",
	[BLOCK_ALLOCATED] = "allocated",
	[BLOCK_HOLE] = "hole",
	[BLOCK_BAD] = "interior",
};

/**
 * migratetype_by_name - which migratetype has that name
 * @name: as in debugfs
 *
 * Return: the migratetype, or MIGRATE_NONE.
 */
enum migratetype migratetype_by_name(const char *name)
{
	enum migratetype type = MIGRATE_UNMOVABLE;

	while (type < NR_MIGRATETYPES && strcmp(name, migratetype_names[type]))
		type++;
	return type;
}

static enum block_state state_by_name(const char *name)
{
	enum block_state state = BLOCK_FREE;

	while (state < BLOCK_BAD && strcmp(name, block_state_names[state]))
		state++;
	return state;
}

/* A capital that no type has yet: of those in @name the first, or else any. */
static char new_letter(const struct block_map *map, const char *name)
{
	char text[64], letter;

	snprintf(text, sizeof(text), "%s%s", name, "BCDEFGHIJLNOQSTVWYZ");
	for (const char *c = text; *c; c++) {
		letter = (char)toupper((unsigned char)*c);
		/* X is a free block of order 10. */
		if (isupper((unsigned char)letter) && letter != 'X' &&
		    !memchr(map->letter, letter, map->nr_types))
			return letter;
	}
	return '*';
}

/* The last one is for all that are too many. */
static uint8_t type_by_name(struct block_map *map, const char *name)
{
	unsigned int i;

	for (i = 0; i < map->nr_types; i++) {
		if (!strcmp(name, map->type[i]))
			return (uint8_t)i;
	}
	if (i == MAX_TYPES)
		return MAX_TYPES - 1;
	snprintf(map->type[i], sizeof(map->type[i]), "%s", name);
	map->letter[i] = new_letter(map, name);
	map->nr_types++;
	return (uint8_t)i;
}

static bool parse_block(struct block_map *map, const char *line, struct block *block)
{
	char order[8], state[16], type[16], mobility[16], migratetype[16], refs[16], maps[16];
	uint64_t n = 0;

	if (sscanf(line, "%u %7s %15s %15s %15s %15s %15s %15s", &block->pfn, order, state, type,
		   mobility, migratetype, refs, maps) != 8)
		return false;
	block->state = (uint8_t)state_by_name(state);
	if (block->state != BLOCK_HOLE && !parse_number(order, NR_ORDERS - 1, &n))
		return false;
	block->order = (uint8_t)n;
	block->frames = 1U << n;
	block->type = block->state == BLOCK_ALLOCATED ? type_by_name(map, type) : 0;
	block->mobility = (uint8_t)migratetype_by_name(mobility);
	block->migratetype = (uint8_t)migratetype_by_name(migratetype);
	block->refcount = atoi(refs);
	block->mapcount = atoi(maps);
	return true;
}

/* A hole ends where the next block begins. */
static void end_hole(struct block_map *map, uint32_t end)
{
	struct block *last = map->count ? &map->block[map->count - 1] : NULL;

	if (last && last->state == BLOCK_HOLE)
		last->frames = end - last->pfn;
}

static bool read_lines(struct block_map *map, FILE *file)
{
	char line[MAX_LINE];
	struct block block;

	if (!fgets(line, sizeof(line), file))
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (!parse_block(map, line, &block))
			return false;
		end_hole(map, block.pfn);
		map->block = grow(map->block, map->count, &map->room, sizeof(*map->block));
		map->block[map->count++] = block;
	}
	end_hole(map, (uint32_t)map->info.spanned);
	return !ferror(file) && map->count;
}

/**
 * block_map_read - read all blocks of a machine
 * @map: out: they; to be freed with block_map_free()
 * @machine: its number
 *
 * Return: true; false after a message, and there is nothing to be freed.
 */
bool block_map_read(struct block_map *map, uint32_t machine)
{
	FILE *file;
	bool good;

	memset(map, 0, sizeof(*map));
	if (!machine_info(machine, &map->info))
		return false;
	if (!zones_read(&map->zones, machine))
		return false;
	file = debugfs_open(machine, "blocks");
	good = file && read_lines(map, file);
	if (file)
		fclose(file);
	if (file && !good)
		debugfs_not_understood(machine, "blocks");
	if (!good)
		block_map_free(map);
	return good;
}

/**
 * block_map_free - forget them
 * @map: what block_map_read() filled in
 */
void block_map_free(struct block_map *map)
{
	free(map->block);
	map->block = NULL;
	zones_free(&map->zones);
}

/**
 * pageblock_at - what is in a pageblock
 * @map: the machine's blocks
 * @pfn: first frame of the pageblock
 * @at: in, out: where to begin to look in @map; 0 at first. Pageblocks are asked for in
 *	order
 *
 * Return: the pageblock.
 */
struct pageblock pageblock_at(const struct block_map *map, uint32_t pfn, size_t *at)
{
	struct pageblock pageblock = { .pfn = pfn, .migratetype = MIGRATE_NONE };

	while (*at < map->count && map->block[*at].pfn + map->block[*at].frames <= pfn)
		++*at;
	for (size_t i = *at; i < map->count; i++) {
		const struct block *block = &map->block[i];

		if (block->pfn >= pfn + PAGEBLOCK_FRAMES)
			break;
		if (block->state == BLOCK_HOLE)
			continue;
		if (pageblock.migratetype == MIGRATE_NONE)
			pageblock.migratetype = block->migratetype;
		if (block->state == BLOCK_ALLOCATED && block->mobility != MIGRATE_NONE)
			pageblock.mobilities |= 1U << block->mobility;
	}
	return pageblock;
}

/**
 * pageblock_label - a pageblock in three letters
 * @pageblock: it
 *
 * Return: its migratetype as a capital, and a small letter for each other mobility of
 * blocks in it; until the next call.
 */
const char *pageblock_label(const struct pageblock *pageblock)
{
	static char label[NR_MIGRATETYPES + 1];
	size_t length = 0;

	label[length++] = migratetype_names[pageblock->migratetype][0];
	for (unsigned int i = 0; i < NR_MIGRATETYPES && length < sizeof(label) - 1; i++) {
		if (pageblock->mobilities & (1U << i) && i != (unsigned int)pageblock->migratetype)
			label[length++] = (char)tolower((unsigned char)migratetype_names[i][0]);
	}
	label[length] = '\0';
	return label;
}
