// SPDX-License-Identifier: GPL-2.0
/*
 * A machine's frames as SVG, which needs nothing beside it: a rectangle a block.
 *
 * Frames of a section (1024) lie on a square, on the curve that splitting in halves
 * draws: bits 0, 2, 4 ... of a frame's number are its column, bits 1, 3, 5 ... its row.
 * So each block is a square or two squares side by side, its buddy beside or below it,
 * and a pageblock is the upper or the lower half. Sections without any memory are left
 * out.
 *
 * Colour is mobility; what is in use is dark, what is free is light in the colour of its
 * pageblock. A pattern tells types apart.
 */
#include <inttypes.h>

#include "blocks.h"

/* Columns and rows of a section. */
#define SIDE			32U

/* In pixels: between sections, above each, beside all, and what the page is wide. */
#define GAP			14U
#define LABEL			12U
#define MARGIN			16U
#define PAGE			1040U

#define LEGEND_LINE		20U
#define SWATCH			14U

/* From which size of a block on its order is written into it. */
#define READABLE		14U

/* Colours that the colour-blind can tell apart, too. */
static const char *const dark[NR_MIGRATETYPES + 1] = {
	"#d55e00", "#0072b2", "#009e73", "#aa4499", "#b8860b", "#444444", "#777777",
};

static const char *const light[NR_MIGRATETYPES + 1] = {
	"#fbe3d1", "#d3e8f5", "#d2f0e6", "#f0dcec", "#f4e8c8", "#cccccc", "#eeeeee",
};

/* What is drawn over the colour, by type; the first has nothing. */
static const char *const patterns[] = {
	"",
	"M0 6L6 0",
	"M0 3H6",
	"M0 0L6 6M0 6L6 0",
	"M3 0V6",
	"M0 0L6 6",
};

/**
 * struct svg - a picture that is drawn
 * @map: of what
 * @out: where to
 * @scale: pixels a frame
 * @columns: sections beside each other
 * @sections: how many there are with memory
 * @top: of the first row of sections
 */
struct svg {
	const struct block_map *map;
	FILE *out;
	unsigned int scale;
	unsigned int columns;
	unsigned int sections;
	unsigned int top;
};

/* Bits 0, 2, 4 ... of @n. */
static unsigned int every_second_bit(unsigned int n)
{
	unsigned int bits = 0;

	for (unsigned int i = 0; i < 5; i++)
		bits |= (n >> (2 * i) & 1) << i;
	return bits;
}

static unsigned int pitch(const struct svg *svg)
{
	return SIDE * svg->scale + GAP;
}

static unsigned int section_x(const struct svg *svg, unsigned int section)
{
	return MARGIN + section % svg->columns * pitch(svg);
}

static unsigned int section_y(const struct svg *svg, unsigned int section)
{
	return svg->top + section / svg->columns * (pitch(svg) + LABEL);
}

/* A square, or two: where the block of @order at @pfn is. */
struct place {
	unsigned int x, y, width, height;
};

/* @section counts those that are drawn. */
static struct place place_of(const struct svg *svg, unsigned int section, uint32_t pfn,
			     unsigned int order)
{
	const unsigned int offset = pfn % SECTION_FRAMES;

	return (struct place){
		.x = section_x(svg, section) + every_second_bit(offset) * svg->scale,
		.y = section_y(svg, section) + every_second_bit(offset >> 1) * svg->scale,
		.width = svg->scale << (order + 1) / 2,
		.height = svg->scale << order / 2,
	};
}

static void draw_rect(const struct svg *svg, const struct place *place, const char *fill)
{
	fprintf(svg->out, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\"",
		place->x, place->y, place->width, place->height, fill);
}

static const char *block_fill(const struct block *block)
{
	static char fill[16];

	switch (block->state) {
	case BLOCK_FREE:
		return light[block->migratetype];
	case BLOCK_KEPT:
		snprintf(fill, sizeof(fill), "url(#kept%u)", block->migratetype);
		return fill;
	case BLOCK_ALLOCATED:
		if (!(block->type % ARRAY_SIZE(patterns)))
			return dark[block->mobility];
		snprintf(fill, sizeof(fill), "url(#u%u-%zu)", block->mobility,
			 block->type % ARRAY_SIZE(patterns));
		return fill;
	default:
		return "#000000";
	}
}

/* What the pointer tells. */
static void print_title(const struct svg *svg, const struct block *block)
{
	fprintf(svg->out, "<title>frames %u to %u, order %u: %s", block->pfn,
		block->pfn + block->frames - 1, block->order, block_state_names[block->state]);
	if (block->state == BLOCK_ALLOCATED)
		fprintf(svg->out, ", %s, %s, %d references, mapped %d times",
			svg->map->type[block->type], migratetype_names[block->mobility],
			block->refcount, block->mapcount);
	fprintf(svg->out, "; in a pageblock that is %s</title>",
		migratetype_names[block->migratetype]);
}

static void draw_block(const struct svg *svg, unsigned int section, const struct block *block)
{
	const struct place place = place_of(svg, section, block->pfn, block->order);
	unsigned int middle = place.height / 2;

	draw_rect(svg, &place, block_fill(block));
	fputs(svg->scale > 1 ? " class=\"block\">" : ">", svg->out);
	print_title(svg, block);
	fputs("</rect>\n", svg->out);
	if (place.height < READABLE)
		return;
	/* Not on the line between two pageblocks. */
	if (block->order > PAGEBLOCK_ORDER)
		middle /= 2;
	fprintf(svg->out, "<text x=\"%u\" y=\"%u\" class=\"order\" fill=\"%s\">%u</text>\n",
		place.x + place.width / 2, place.y + middle + 4,
		block->state == BLOCK_ALLOCATED ? "#ffffff" : "#333333", block->order);
}

/* What of a hole is in a section that has something else: in blocks, as large as can be. */
static void draw_hole(const struct svg *svg, unsigned int section, const struct block *hole)
{
	const uint32_t base = hole->pfn / SECTION_FRAMES * SECTION_FRAMES;
	uint32_t end = hole->pfn + hole->frames;
	struct place place;
	unsigned int order;

	if (end > base + SECTION_FRAMES)
		end = base + SECTION_FRAMES;
	for (uint32_t pfn = hole->pfn; pfn < end; pfn += 1U << order) {
		for (order = 0; order < NR_ORDERS - 1; order++) {
			if (pfn % (2U << order) || pfn + (2U << order) > end)
				break;
		}
		place = place_of(svg, section, pfn, order);
		draw_rect(svg, &place, "url(#hole)");
		fprintf(svg->out, "><title>frames %u to %u: no memory</title></rect>\n", hole->pfn,
			hole->pfn + hole->frames - 1);
	}
}

/* A line around a pageblock, in its colour. */
static void draw_pageblock(const struct svg *svg, unsigned int section,
			   const struct pageblock *pageblock)
{
	const struct place place = place_of(svg, section, pageblock->pfn, PAGEBLOCK_ORDER);

	if (pageblock->migratetype == MIGRATE_NONE)
		return;
	draw_rect(svg, &place, "none");
	fprintf(svg->out, " stroke=\"%s\" stroke-width=\"%u\"/>\n",
		dark[pageblock->migratetype], svg->scale > 1 ? 2 : 1);
}

/* The node and the zone that begin at @pfn; empty: none does, or there is but one. */
static const char *zone_label(const struct svg *svg, uint32_t pfn)
{
	const struct zones *zones = &svg->map->zones;
	static char label[32];

	label[0] = '\0';
	for (size_t i = 0; i < zones->count && zones->count > 1; i++) {
		if (zones->zone[i].start_pfn == pfn)
			snprintf(label, sizeof(label), " %u:%s", zones->zone[i].node,
				 zone_name(zones, &zones->zone[i]));
	}
	return label;
}

/* Around both pageblocks of a section, and above them what they are. */
static void draw_frame(const struct svg *svg, unsigned int section, uint32_t base, size_t *at)
{
	const struct pageblock upper = pageblock_at(svg->map, base, at);
	const struct pageblock lower = pageblock_at(svg->map, base + PAGEBLOCK_FRAMES, at);

	draw_pageblock(svg, section, &upper);
	draw_pageblock(svg, section, &lower);
	fprintf(svg->out, "<text x=\"%u\" y=\"%u\" class=\"label\">%u", section_x(svg, section),
		section_y(svg, section) - 4, base);
	if (svg->scale > 1) {
		fprintf(svg->out, " %s", pageblock_label(&upper));
		fprintf(svg->out, " %s", pageblock_label(&lower));
	}
	if (svg->scale > 2)
		fputs(zone_label(svg, base), svg->out);
	fputs("</text>\n", svg->out);
}

static void draw_sections(const struct svg *svg)
{
	unsigned int drawn = 0;
	size_t i = 0, at = 0;

	while (i < svg->map->count) {
		const uint32_t base = svg->map->block[i].pfn / SECTION_FRAMES * SECTION_FRAMES;
		const bool memory = svg->map->block[i].state != BLOCK_HOLE;

		for (; i < svg->map->count && svg->map->block[i].pfn < base + SECTION_FRAMES; i++) {
			if (svg->map->block[i].state != BLOCK_HOLE)
				draw_block(svg, drawn, &svg->map->block[i]);
			else if (memory)
				draw_hole(svg, drawn, &svg->map->block[i]);
		}
		if (memory)
			draw_frame(svg, drawn++, base, &at);
	}
}

static unsigned int count_sections(const struct block_map *map)
{
	uint32_t last = UINT32_MAX;
	unsigned int count = 0;

	for (size_t i = 0; i < map->count; i++) {
		if (map->block[i].state == BLOCK_HOLE ||
		    map->block[i].pfn / SECTION_FRAMES == last)
			continue;
		last = map->block[i].pfn / SECTION_FRAMES;
		count++;
	}
	return count;
}

static void print_pattern(const struct svg *svg, const char *name, unsigned int a, size_t b,
			  const char *background, const char *path, const char *ink)
{
	fprintf(svg->out, "<pattern id=\"%s%u", name, a);
	if (b)
		fprintf(svg->out, "-%zu", b);
	fprintf(svg->out, "\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\n"
		"<rect width=\"6\" height=\"6\" fill=\"%s\"/>\n"
		"<path d=\"%s\" stroke=\"%s\" stroke-width=\"1\" fill=\"none\"/></pattern>\n",
		background, path, ink);
}

static void print_definitions(const struct svg *svg)
{
	fputs("<style>text{font:12px sans-serif}.block{stroke:#ffffff;stroke-width:.7}\n"
	      ".label{font-size:10px}.order{font-size:10px;text-anchor:middle}\n"
	      ".head{font-size:16px;font-weight:bold}</style>\n<defs>\n", svg->out);
	for (unsigned int i = 0; i <= NR_MIGRATETYPES; i++) {
		print_pattern(svg, "kept", i, 0, light[i], "M0 0L6 6", dark[i]);
		for (size_t type = 1; type < ARRAY_SIZE(patterns); type++)
			print_pattern(svg, "u", i, type, dark[i], patterns[type], "#ffffff");
	}
	fputs("<pattern id=\"hole\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\n"
	      "<path d=\"M0 6L6 0\" stroke=\"#cccccc\"/></pattern>\n</defs>\n", svg->out);
}

/* A sample and what it means; returns where the next one may begin. */
static unsigned int print_swatch(const struct svg *svg, unsigned int x, unsigned int y,
				 const char *fill, const char *text)
{
	const struct place place = { x, y - SWATCH + 3, SWATCH, SWATCH };

	draw_rect(svg, &place, fill);
	fprintf(svg->out, " stroke=\"#999999\"/><text x=\"%u\" y=\"%u\">%s</text>\n",
		x + SWATCH + 4, y, text);
	return x + SWATCH + 22 + 7 * (unsigned int)snprintf(NULL, 0, "%s", text);
}

/* Colours on one line, patterns of types on the next. */
static void print_legend(const struct svg *svg)
{
	static const char *const words[MIGRATE_HIGHATOMIC] = {
		"unmovable", "movable", "reclaimable",
	};
	unsigned int y = MARGIN + 2 * LEGEND_LINE, x = MARGIN;
	char text[48];

	for (unsigned int i = 0; i < MIGRATE_HIGHATOMIC; i++) {
		snprintf(text, sizeof(text), "%s, in use", words[i]);
		x = print_swatch(svg, x, y, dark[i], text);
		x = print_swatch(svg, x, y, light[i], "free");
		x = print_swatch(svg, x, y, i == 0 ? "url(#kept0)" : i == 1 ? "url(#kept1)" :
				 "url(#kept2)", "kept by a CPU");
	}
	y += LEGEND_LINE;
	x = print_swatch(svg, MARGIN, y, "url(#hole)", "no memory");
	x = print_swatch(svg, x, y, light[MIGRATE_HIGHATOMIC], "for who cannot wait");
	x = print_swatch(svg, x, y, light[MIGRATE_CMA], "lent (CMA)");
	x = print_swatch(svg, x, y, light[MIGRATE_ISOLATE], "isolated");
	for (unsigned int i = 0; i < svg->map->nr_types; i++) {
		const struct block sample = {
			.state = BLOCK_ALLOCATED, .type = (uint8_t)i, .mobility = MIGRATE_NONE,
		};

		snprintf(text, sizeof(text), "in use: %s", svg->map->type[i]);
		x = print_swatch(svg, x, y, block_fill(&sample), text);
	}
	y += LEGEND_LINE;
	fprintf(svg->out, "<text x=\"%u\" y=\"%u\">Each square is %u frames, its halves are\n"
		" pageblocks. Above it: its first frame, what both halves are for (in small\n"
		" letters: what else is in them), node:zone if it begins there.</text>\n", MARGIN, y,
		SECTION_FRAMES);
}

static void print_head(const struct svg *svg)
{
	const unsigned int rows = (svg->sections + svg->columns - 1) / svg->columns;

	fprintf(svg->out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\">\n",
		PAGE, svg->top + rows * (pitch(svg) + LABEL));
	fputs("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", svg->out);
	print_definitions(svg);
	fprintf(svg->out, "<text x=\"%u\" y=\"%u\" class=\"head\">", MARGIN,
		MARGIN + LEGEND_LINE / 2);
	fprintf(svg->out, "machine %u: %s frames, %s free</text>\n",
		svg->map->info.machine,
		with_commas(svg->map->info.frames), with_commas(svg->map->info.free_frames));
	print_legend(svg);
}

/* As large as a page of a few thousand lines allows. */
static unsigned int choose_scale(unsigned int sections)
{
	if (sections <= 32)
		return 7;
	if (sections <= 128)
		return 4;
	return sections <= 1024 ? 2 : 1;
}

/**
 * map_svg - draw a machine's frames
 * @map: its blocks
 * @out: where to
 */
void map_svg(const struct block_map *map, FILE *out)
{
	struct svg svg = { .map = map, .out = out, .sections = count_sections(map) };

	svg.scale = choose_scale(svg.sections);
	svg.columns = (PAGE - 2 * MARGIN + GAP) / pitch(&svg);
	svg.top = MARGIN + 5 * LEGEND_LINE + LABEL;
	print_head(&svg);
	draw_sections(&svg);
	fputs("</svg>\n", out);
}
