// SPDX-License-Identifier: GPL-2.0
/*
 * A machine's frames as text: a line has one pageblock, or several beside each other,
 * or a part of one; a cell stands for one frame or for several in a row.
 *
 * What a cell shows: a letter for what its frames are used for, a capital where a block
 * begins; of free blocks the order where one begins, and a dot where it goes on. Colours
 * add mobilities and are never needed to tell things apart.
 */
#include <inttypes.h>

#include "blocks.h"

/* Lines that a map should not be longer than, if its cells can be made larger. */
#define MANY_LINES		64

/* Of a pageblock beside its cells: label, two bars; and a blank between two. */
#define LABEL			3
#define FRINGE			(LABEL + 2)

/**
 * struct layout - how pageblocks are put on lines
 * @digits: of the largest frame number
 * @cell: frames a cell
 * @cells: of a pageblock on one line
 * @parts: lines that a pageblock takes
 * @beside: pageblocks beside each other; 1 if @parts is more than that
 * @color: with colours
 */
struct layout {
	int digits;
	unsigned int cell;
	unsigned int cells;
	unsigned int parts;
	unsigned int beside;
	bool color;
};

/**
 * struct cell - what the frames of a cell are
 * @state: how many of each state
 * @type: how many allocated ones of each type
 * @mobility: how many allocated ones of each mobility
 * @begins: bit n: a block of state n begins here
 * @type_begins: bit n: an allocated block of type n begins here
 * @order: of the largest free block that begins here
 * @migratetype: of the pageblock
 */
struct cell {
	unsigned int state[NR_BLOCK_STATES];
	unsigned int type[MAX_TYPES];
	unsigned int mobility[NR_MIGRATETYPES + 1];
	unsigned int begins;
	unsigned int type_begins;
	unsigned int order;
	enum migratetype migratetype;
};

static unsigned int most(const unsigned int *of, unsigned int count)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < count; i++) {
		if (of[i] > of[best])
			best = i;
	}
	return best;
}

static void add_block(struct cell *cell, const struct block *block, uint32_t begin, uint32_t end)
{
	const uint32_t first = block->pfn > begin ? block->pfn : begin;
	const uint32_t last = block->pfn + block->frames;
	const unsigned int frames = (last < end ? last : end) - first;

	cell->state[block->state] += frames;
	if (block->state == BLOCK_ALLOCATED) {
		cell->type[block->type] += frames;
		cell->mobility[block->mobility] += frames;
	}
	if (block->pfn < begin)
		return;
	if (block->state == BLOCK_ALLOCATED)
		cell->type_begins |= 1U << block->type;
	if (block->state == BLOCK_FREE && block->order > cell->order)
		cell->order = block->order;
	cell->begins |= 1U << block->state;
}

/* Cells are asked for in order; *@at is where the last one ended. */
static struct cell cell_at(const struct block_map *map, uint32_t begin, uint32_t end, size_t *at)
{
	struct cell cell = { 0 };

	while (*at < map->count && map->block[*at].pfn + map->block[*at].frames <= begin)
		++*at;
	for (size_t i = *at; i < map->count && map->block[i].pfn < end; i++)
		add_block(&cell, &map->block[i], begin, end);
	return cell;
}

static char used_letter(const struct block_map *map, const struct cell *cell)
{
	const unsigned int type = most(cell->type, map->nr_types);
	const char letter = map->letter[type];

	if (cell->type_begins & (1U << type) || letter < 'A' || letter > 'Z')
		return letter;
	return (char)(letter - 'A' + 'a');
}

static char free_letter(const struct cell *cell)
{
	if (!(cell->begins & (1U << BLOCK_FREE)))
		return '.';
	return cell->order < 10 ? (char)('0' + cell->order) : 'X';
}

static char cell_letter(const struct block_map *map, const struct cell *cell)
{
	const unsigned int free_frames = cell->state[BLOCK_FREE] + cell->state[BLOCK_KEPT];
	const unsigned int used = cell->state[BLOCK_ALLOCATED];

	if (cell->state[BLOCK_BAD])
		return '?';
	if (used && free_frames)
		return '%';
	if (used)
		return used_letter(map, cell);
	if (cell->state[BLOCK_FREE] && cell->state[BLOCK_FREE] >= cell->state[BLOCK_KEPT])
		return free_letter(cell);
	if (cell->state[BLOCK_KEPT])
		return cell->begins & (1U << BLOCK_KEPT) ? '=' : '-';
	return '_';
}

/*
 * Colours: red cannot be moved, cyan can, yellow can be reclaimed, magenta is kept for who
 * cannot wait, green is lent, white isolated. What is in use is on that colour, what is free in it.
 */
static const char *const ink[NR_MIGRATETYPES + 1] = {
	"\33[31m", "\33[36m", "\33[33m", "\33[35m", "\33[32m", "\33[37m", "\33[90m",
};
static const char *const paper[NR_MIGRATETYPES + 1] = {
	"\33[30;41m", "\33[30;46m", "\33[30;43m", "\33[30;45m", "\33[30;42m", "\33[30;100m", "\33[30;47m",
};

static const char *cell_color(const struct cell *cell)
{
	if (cell->state[BLOCK_ALLOCATED])
		return paper[most(cell->mobility, NR_MIGRATETYPES + 1)];
	return ink[cell->migratetype];
}

/* Cells @first to @end of a pageblock. */
static void print_cells(const struct block_map *map, const struct layout *layout,
			const struct pageblock *pageblock, unsigned int first, size_t *at,
			FILE *out)
{
	const char *color = NULL, *before = NULL;

	for (unsigned int i = first; i < first + layout->cells; i++) {
		const uint32_t begin = pageblock->pfn + i * layout->cell;
		struct cell cell = cell_at(map, begin, begin + layout->cell, at);

		/* Behind the machine's last frame there is nothing, not even a hole. */
		if (begin >= map->info.spanned) {
			fputc(' ', out);
			continue;
		}
		cell.migratetype = pageblock->migratetype;
		color = cell_color(&cell);
		if (layout->color && color != before)
			fprintf(out, "\33[0m%s", color);
		before = color;
		fputc(cell_letter(map, &cell), out);
	}
	if (layout->color)
		fputs("\33[0m", out);
}

static void print_label(const struct layout *layout, const struct pageblock *pageblock,
			bool first, FILE *out)
{
	if (layout->color && first)
		fputs(ink[pageblock->migratetype], out);
	fprintf(out, "%-*s", LABEL, first ? pageblock_label(pageblock) : "");
	if (layout->color && first)
		fputs("\33[0m", out);
}

/**
 * struct cursor - where in the blocks a map has come to
 * @labels: looking for what is in pageblocks
 * @cells: looking for what is in cells
 */
struct cursor {
	size_t labels;
	size_t cells;
};

/* Part @part of the pageblock at @pfn. */
static void print_pageblock(const struct block_map *map, const struct layout *layout,
			    uint32_t pfn, unsigned int part, struct cursor *cursor, FILE *out)
{
	const struct pageblock pageblock = pageblock_at(map, pfn, &cursor->labels);

	fputc(' ', out);
	print_label(layout, &pageblock, !part, out);
	fputc('|', out);
	print_cells(map, layout, &pageblock, part * layout->cells, &cursor->cells, out);
	fputc('|', out);
}

/*
 * Where what goes on from @pfn ends: a zone begins, or the machine ends. Zones lie one after
 * the other; between two there may be a hole.
 */
static uint64_t range_end(const struct block_map *map, uint64_t pfn)
{
	for (size_t i = 0; i < map->zones.count; i++) {
		if (map->zones.zone[i].start_pfn > pfn)
			return map->zones.zone[i].start_pfn;
	}
	return map->info.spanned;
}

/* A line above a zone's first one, if there are several zones. */
static void print_border(const struct block_map *map, uint64_t pfn, FILE *out)
{
	for (size_t i = 0; i < map->zones.count && map->zones.count > 1; i++) {
		const struct zone *zone = &map->zones.zone[i];

		if (zone->start_pfn == pfn)
			fprintf(out, "node %u, zone %s\n", zone->node,
				zone_name(&map->zones, zone));
	}
}

/* The frames from @pfn on, up to @end: of one zone. */
static void print_range(const struct block_map *map, const struct layout *layout, uint64_t pfn,
			uint64_t end, struct cursor *cursor, FILE *out)
{
	const uint32_t line = layout->beside * PAGEBLOCK_FRAMES;

	for (; pfn < end; pfn += line) {
		for (unsigned int part = 0; part < layout->parts; part++) {
			fprintf(out, "%*" PRIu64, layout->digits,
				pfn + (uint64_t)part * layout->cells * layout->cell);
			for (uint64_t at = pfn; at < pfn + line && at < end;
			     at += PAGEBLOCK_FRAMES)
				print_pageblock(map, layout, (uint32_t)at, part, cursor, out);
			fputc('\n', out);
		}
	}
}

static void print_maps(const struct block_map *map, const struct layout *layout, FILE *out)
{
	struct cursor cursor = { 0 };
	uint64_t end;

	for (uint64_t pfn = 0; pfn < map->info.spanned; pfn = end) {
		end = range_end(map, pfn);
		print_border(map, pfn, out);
		print_range(map, layout, pfn, end, &cursor, out);
	}
}

/*
 * Layout
 */

static unsigned int power_of_two_up_to(unsigned int n)
{
	unsigned int power = 1;

	while (power <= n / 2)
		power *= 2;
	return power;
}

/* Lines that a map takes: each zone begins a new one. */
static uint64_t count_lines(const struct block_map *map, const struct layout *layout)
{
	const uint64_t line = layout->beside * PAGEBLOCK_FRAMES;
	uint64_t lines = 0, end;

	for (uint64_t pfn = 0; pfn < map->info.spanned; pfn = end) {
		end = range_end(map, pfn);
		lines += (end - pfn + line - 1) / line;
	}
	return lines * layout->parts;
}

/* With @cell frames a cell; returns how many lines there are then. */
static uint64_t lay_out(struct layout *layout, const struct block_map *map, unsigned int width,
			unsigned int cell)
{
	const unsigned int left = width > (unsigned int)layout->digits + 1 + FRINGE ?
				  width - (unsigned int)layout->digits - 1 - FRINGE : 1;

	layout->cell = cell;
	layout->cells = PAGEBLOCK_FRAMES / cell;
	layout->parts = 1;
	layout->beside = 1;
	if (layout->cells > left) {
		layout->parts = layout->cells / power_of_two_up_to(left);
		layout->cells /= layout->parts;
	} else {
		layout->beside = power_of_two_up_to((left + FRINGE + 1) /
						    (layout->cells + FRINGE + 1));
	}
	return count_lines(map, layout);
}

/* The smallest cells with which a pageblock is on one line, and lines are not too many. */
static void choose_layout(struct layout *layout, const struct block_map *map,
			  const struct text_style *style)
{
	unsigned int cell = 1;

	layout->color = style->color;
	layout->digits = snprintf(NULL, 0, "%" PRIu64, (uint64_t)map->info.spanned);
	if (style->cell) {
		lay_out(layout, map, style->width, style->cell);
		return;
	}
	while ((lay_out(layout, map, style->width, cell) > MANY_LINES || layout->parts > 1) &&
	       cell < PAGEBLOCK_FRAMES)
		cell *= 2;
}

/*
 * The legend, with what there is of each
 */

struct sum {
	uint64_t frames;
	uint64_t blocks;
};

static void add(struct sum *sum, const struct block *block)
{
	sum->frames += block->frames;
	sum->blocks++;
}

static void print_sum(const char *letters, const char *what, const struct sum *sum,
		      const char *noun, FILE *out)
{
	if (sum->blocks)
		fprintf(out, "  %-8s %-10s %11s frames, %9s %s\n", letters, what,
			with_commas(sum->frames), with_commas(sum->blocks), noun);
}

static void print_sums(const struct block_map *map, FILE *out)
{
	struct sum state[NR_BLOCK_STATES] = { 0 }, type[MAX_TYPES] = { 0 };
	char letters[4];

	for (size_t i = 0; i < map->count; i++) {
		add(&state[map->block[i].state], &map->block[i]);
		if (map->block[i].state == BLOCK_ALLOCATED)
			add(&type[map->block[i].type], &map->block[i]);
	}
	print_sum("0-9 X .", "free", &state[BLOCK_FREE], "blocks; their order, X is 10", out);
	print_sum("= -", "pcp", &state[BLOCK_KEPT], "blocks; free, kept by a CPU", out);
	for (unsigned int i = 0; i < map->nr_types; i++) {
		snprintf(letters, sizeof(letters), "%c %c", map->letter[i], map->letter[i] | 0x20);
		print_sum(letters, map->type[i], &type[i], "blocks", out);
	}
	print_sum("_", "no memory", &state[BLOCK_HOLE], "holes", out);
	print_sum("?", "interior", &state[BLOCK_BAD], "places: the machine is broken", out);
}

static void print_colors(FILE *out)
{
	for (unsigned int i = 0; i < NR_MIGRATETYPES; i++)
		fprintf(out, "  %sU u\33[0m %s0 .\33[0m  %s: in use, free in such a pageblock\n",
			paper[i], ink[i], migratetype_names[i]);
}

static void print_legend(const struct block_map *map, const struct layout *layout, FILE *out)
{
	fputs("\n"
	      "Each line: its first frame; what the pageblock is for (Unmovable, Movable,\n"
	      "Reclaimable, HighAtomic, CMA, Isolate), in small letters what else is in it; its\n"
	      "frames. A digit or a capital: a block begins there; a dot or a small letter: it\n"
	      "goes on.\n", out);
	print_sums(map, out);
	if (layout->cell > 1)
		fputs("  %        both in use and free\n", out);
	if (layout->color)
		print_colors(out);
}

/**
 * map_text - print a machine's frames
 * @map: its blocks
 * @style: how
 * @out: where to
 */
void map_text(const struct block_map *map, const struct text_style *style, FILE *out)
{
	struct layout layout = { 0 };

	choose_layout(&layout, map, style);
	fprintf(out, "machine %u: %s frames of %s, a pageblock has %u, a cell is %u\n",
		map->info.machine, with_commas(map->info.frames), as_size(map->info.page_size),
		PAGEBLOCK_FRAMES, layout.cell);
	print_maps(map, &layout, out);
	print_legend(map, &layout, out);
}
