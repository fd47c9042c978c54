// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab zones: the nodes and zones of a machine, what they have and what they keep.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "zones.h"

/* Columns of a bar: twice the high mark, or all of the zone if that is less. */
#define BAR			60U

static unsigned int count_nodes(const struct zones *zones)
{
	unsigned int count = 0;

	for (size_t i = 0; i < zones->count; i++)
		count += !i || zones->zone[i].node != zones->zone[i - 1].node;
	return count;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "   0  DMA32   " */
static void print_name(const struct zones *zones, const struct zone *zone)
{
	printf("%4u  %-8s", zone->node, zone_name(zones, zone));
}

static void print_frames(const struct zones *zones)
{
	puts("Frames\n"
	     "node  zone          start      spanned      present      managed         free     kept");
	for (size_t i = 0; i < zones->count; i++) {
		const struct zone *zone = &zones->zone[i];

		print_name(zones, zone);
		printf("%11s %12s %12s %12s %12s %8s\n", with_commas(zone->start_pfn),
		       with_commas(zone->spanned), with_commas(zone->present),
		       with_commas(zone->managed), with_commas(zone->free),
		       with_commas(zone->kept));
	}
}

static void print_marks(const struct zones *zones)
{
	puts("\nIn reserve: watermarks, and a boost that is in them for a while\n"
	     "node  zone            min          low         high        promo        boost");
	for (size_t i = 0; i < zones->count; i++) {
		const struct zone *zone = &zones->zone[i];

		print_name(zones, zone);
		printf("%11s %12s %12s %12s %12s\n", with_commas(zone->min),
		       with_commas(zone->low), with_commas(zone->high),
		       with_commas(zone->promo), with_commas(zone->boost));
	}
}

static void print_protection(const struct zones *zones)
{
	puts("\nBesides, of requests that may have zones up to this one (protection)");
	printf("node  zone    ");
	for (unsigned int i = 0; i < zones->nr_types; i++)
		printf(" %*s", i ? 12 : 10, zones->type[i]);
	putchar('\n');
	for (size_t i = 0; i < zones->count; i++) {
		print_name(zones, &zones->zone[i]);
		for (unsigned int type = 0; type < zones->nr_types; type++)
			printf(" %*s", type ? 12 : 10,
			       with_commas(zones->zone[i].protection[type]));
		putchar('\n');
	}
}

/* What a bar stands for. */
static uint64_t scale_of(const struct zone *zone)
{
	if (!zone->high || 2 * zone->high > zone->managed)
		return zone->managed ? zone->managed : 1;
	return 2 * zone->high;
}

static unsigned int column_of(uint64_t frames, uint64_t scale)
{
	const uint64_t column = frames * BAR / scale;

	return column < BAR ? (unsigned int)column : BAR - 1;
}

/* Free frames, with the marks; "+" at its end: there are more than it has room for. */
static void print_bar(const struct zone *zone)
{
	const uint64_t scale = scale_of(zone);
	char bar[BAR + 1];

	for (unsigned int i = 0; i < BAR; i++)
		bar[i] = zone->free * BAR > i * scale ? '#' : '.';
	if (zone->free > scale)
		bar[BAR - 1] = '+';
	if (zone->high) {
		bar[column_of(zone->min, scale)] = 'm';
		bar[column_of(zone->low, scale)] = 'l';
		bar[column_of(zone->high, scale)] = 'h';
	}
	bar[BAR] = '\0';
	printf("|%s|", bar);
}

static const char *state_of(const struct zone *zone)
{
	if (!zone->high)
		return "no reserve";
	if (zone->free < zone->min)
		return "below min";
	if (zone->free < zone->low)
		return "below low";
	return zone->free < zone->high ? "below high" : "enough";
}

static void print_bars(const struct zones *zones)
{
	puts("\nFree frames (#) against the marks min, low and high (m l h); + and more");
	for (size_t i = 0; i < zones->count; i++) {
		print_name(zones, &zones->zone[i]);
		print_bar(&zones->zone[i]);
		printf(" %s\n", state_of(&zones->zone[i]));
	}
}

static void print_legend(void)
{
	puts("\n"
	     "enough      nobody has to give anything back\n"
	     "below high  a background reclaimer that was woken goes on up to high\n"
	     "below low   it is woken; the next zone is asked first\n"
	     "below min   only who may touch the reserve gets a frame; others have to reclaim\n"
	     "no reserve  the last frame is given to anybody");
}

static void print_text(const struct zones *zones)
{
	const unsigned int nodes = count_nodes(zones);

	printf("%zu zone%s of %u node%s; all numbers are frames of %s\n\n", zones->count,
	       plural(zones->count), nodes, plural(nodes),
	       as_size((uint64_t)sysconf(_SC_PAGESIZE)));
	print_frames(zones);
	print_marks(zones);
	print_protection(zones);
	print_bars(zones);
	print_legend();
}

static void print_json_number(const char *key, uint64_t n)
{
	printf("\"%s\": %" PRIu64 ", ", key, n);
}

static void print_json_zone(const struct zones *zones, const struct zone *zone)
{
	printf("    {\"node\": %u, \"zone\": ", zone->node);
	json_string(stdout, zone_name(zones, zone));
	fputs(", ", stdout);
	print_json_number("start_pfn", zone->start_pfn);
	print_json_number("spanned", zone->spanned);
	print_json_number("present", zone->present);
	print_json_number("managed", zone->managed);
	fputs("\n     ", stdout);
	print_json_number("free", zone->free);
	print_json_number("kept_by_cpus", zone->kept);
	print_json_number("min", zone->min);
	print_json_number("low", zone->low);
	print_json_number("high", zone->high);
	print_json_number("promo", zone->promo);
	print_json_number("boost", zone->boost);
	fputs("\n     \"protection\": {", stdout);
	for (unsigned int i = 0; i < zones->nr_types; i++) {
		fputs(i ? ", " : "", stdout);
		json_string(stdout, zones->type[i]);
		printf(": %" PRIu64, zone->protection[i]);
	}
	fputs("}}", stdout);
}

/* @machine: NULL: of the kernel's own */
static void print_json(const struct zones *zones, const uint32_t *machine)
{
	puts("{");
	if (machine)
		json_number(stdout, "machine", *machine, true);
	else
		puts("  \"machine\": null,");
	json_number(stdout, "page_size", (uint64_t)sysconf(_SC_PAGESIZE), true);
	fputs("  \"zones\": [", stdout);
	for (size_t i = 0; i < zones->count; i++) {
		puts(i ? "," : "");
		print_json_zone(zones, &zones->zone[i]);
	}
	puts("\n  ]\n}");
}

static int show(const uint32_t *machine, bool json)
{
	struct zones zones;

	if (!(machine ? zones_read(&zones, *machine) : zones_read_kernel(&zones)))
		return EXIT_FAILURE;
	if (json) {
		print_json(&zones, machine);
	} else {
		if (machine)
			printf("machine %u: ", *machine);
		else
			printf("the kernel that runs: ");
		print_text(&zones);
	}
	zones_free(&zones);
	return 0;
}

static int zones_command(int argc, char **argv)
{
	uint32_t machine = MML_MACHINE_DEFAULT;
	bool json = false, kernel = false;
	const char *number = NULL;
	const struct option_spec options[] = {
		{ "--machine", &number, NULL },
		{ "--kernel", NULL, &kernel },
		{ "--json", NULL, &json },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));

	if (arg < 0)
		return EXIT_USAGE;
	if (arg < argc)
		return usage_error("takes no '%s'", argv[arg]);
	if (number && kernel)
		return usage_error("--machine or --kernel, not both");
	if (!parse_machine(number, &machine))
		return usage_error("'%s' is no machine's number", number);
	return show(kernel ? NULL : &machine, json);
}

const struct command cmd_zones = {
	.name = "zones",
	.arguments = "[--machine N | --kernel] [--json]",
	.summary = "nodes and zones of a machine, and what they keep in reserve",
	.help =
		"The memory of machine N (0 unless given) lies in nodes, and in each node in zones:\n"
		"DMA is what is below 16 MiB, DMA32 below 4 GiB, Normal the rest; Movable, at the\n"
		"end of a node, is for what can be moved, if the machine was made so (mmlab machine\n"
		"create --movable). A request begins at the highest zone that it may have, on its\n"
		"own node, goes on with the lower ones, and then to the next node.\n"
		"\n"
		"  start       first frame; spanned: how many frame numbers the zone has; present: of\n"
		"              how many of them there is memory; managed: what can be allocated\n"
		"  free        on free lists; kept: free, too, but a CPU keeps it to serve itself\n"
		"  min         so much stays free: only who says that he must have it (__GFP_HIGH)\n"
		"              gets down to half of that, and __GFP_MEMALLOC to nothing\n"
		"  low         once less is free the background reclaimer is woken\n"
		"  high        up to there it reclaims\n"
		"  promo       a step further: for memory that is filled from a slower one\n"
		"  boost       added to all of these for a while, after pageblocks were mixed\n"
		"  protection  kept, on top of the mark, of requests that could also have a higher\n"
		"              zone: DMA is not to be used up by who could do with Normal\n"
		"\n"
		"The tunables are files of the machine's directory in debugfs: min_free_kbytes,\n"
		"watermark_scale_factor, watermark_boost_factor, lowmem_reserve_ratio.\n"
		"\n"
		"  --kernel  of the kernel that runs, from /proc/zoneinfo: the same tables\n"
		"  --json    an object with an array of zones; for example\n"
		"              mmlab zones --json | jq '.zones[] | {zone, free, min}'\n"
		"\n"
		"What is read: debugfs zoneinfo, which has the kernel's format.\n",
	.run = zones_command,
};
