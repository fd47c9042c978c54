/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The blocks of a machine, as debugfs <machine>/blocks tells them, and pictures of them.
 */
#ifndef _MMLAB_BLOCKS_H
#define _MMLAB_BLOCKS_H

#include "zones.h"

#define PAGEBLOCK_ORDER		9U
#define PAGEBLOCK_FRAMES	(1U << PAGEBLOCK_ORDER)
#define SECTION_FRAMES		1024U
#define NR_ORDERS		11U

enum block_state {
	BLOCK_FREE,
	BLOCK_KEPT,		/* free, too, but a CPU keeps it for itself */
	BLOCK_ALLOCATED,
	BLOCK_HOLE,
	BLOCK_BAD,		/* no head where there should be one */
	NR_BLOCK_STATES,
};

/* As in the kernel; MIGRATE_NONE: it has none, or one that is not known here. */
enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	MIGRATE_HIGHATOMIC,	/* pageblocks kept for requests that cannot wait */
	MIGRATE_CMA,		/* lent to requests that can be moved */
	MIGRATE_ISOLATE,	/* nobody gets anything of them */
	NR_MIGRATETYPES,
	MIGRATE_NONE = NR_MIGRATETYPES,
};

#define MAX_TYPES		16

/**
 * struct block - a block, or a hole
 * @pfn: its first frame
 * @frames: how many it has
 * @refcount: references to it
 * @mapcount: page-table entries that map it
 * @state: enum block_state
 * @order: of a block
 * @type: of an allocated one: index of its name in struct block_map
 * @mobility: of an allocated one, enum migratetype
 * @migratetype: of its pageblock, enum migratetype
 */
struct block {
	uint32_t pfn;
	uint32_t frames;
	int32_t refcount;
	int32_t mapcount;
	uint8_t state;
	uint8_t order;
	uint8_t type;
	uint8_t mobility;
	uint8_t migratetype;
};

/**
 * struct block_map - all blocks of a machine, in order
 * @info: the machine
 * @zones: its zones
 * @block: they
 * @count: how many
 * @room: for how many
 * @type: names of the types of allocated blocks
 * @letter: a capital for each, all different
 * @nr_types: how many
 */
struct block_map {
	struct mml_info info;
	struct zones zones;
	struct block *block;
	size_t count;
	size_t room;
	char type[MAX_TYPES][16];
	char letter[MAX_TYPES];
	unsigned int nr_types;
};

/**
 * struct pageblock - what is in a pageblock
 * @pfn: its first frame
 * @migratetype: its own; MIGRATE_NONE: it lies in a hole
 * @mobilities: bit n: it has an allocated block of mobility n
 */
struct pageblock {
	uint32_t pfn;
	enum migratetype migratetype;
	unsigned int mobilities;
};

/* blocks.c */
extern const char *const migratetype_names[NR_MIGRATETYPES + 1];
extern const char *const block_state_names[NR_BLOCK_STATES];
enum migratetype migratetype_by_name(const char *name);
bool block_map_read(struct block_map *map, uint32_t machine);
void block_map_free(struct block_map *map);
struct pageblock pageblock_at(const struct block_map *map, uint32_t pfn, size_t *at);
const char *pageblock_label(const struct pageblock *pageblock);

/**
 * struct order_index - an index of fragmentation
 * @of: by order, as text: "0.250"
 */
struct order_index {
	char of[NR_ORDERS][8];
};

/* cmd-buddy.c */
bool index_read(uint32_t machine, const char *name, const struct zones *zones,
		const struct zone *zone, struct order_index *index);

/* map-text.c, map-svg.c */

/**
 * struct text_style - how a map is drawn as text
 * @width: columns
 * @cell: frames a cell; 0: whatever fits
 * @color: with colours
 */
struct text_style {
	unsigned int width;
	unsigned int cell;
	bool color;
};

void map_text(const struct block_map *map, const struct text_style *style, FILE *out);
void map_svg(const struct block_map *map, FILE *out);

#endif /* _MMLAB_BLOCKS_H */
