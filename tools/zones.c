// SPDX-License-Identifier: GPL-2.0
/*
 * Reading zoneinfo, the lab's or the kernel's: the same format. A zone begins with a line
 *
 *   Node 0, zone    DMA32
 *
 * and has more of them, "name value" each; "pages free 2816" is the one with two names,
 * "protection: (0, 48, 48)" the one with several values. What is not wanted here, and the
 * kernel has much of that, is passed over. Counts of what CPUs keep come one a CPU.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "zones.h"

#define MAX_LINE		256
#define KERNEL_ZONEINFO		"/proc/zoneinfo"

/* What a line is about. A zone that has frames has all of these. */
static const struct {
	const char *name;
	size_t offset;
} items[] = {
	{ "free", offsetof(struct zone, free) },
	{ "boost", offsetof(struct zone, boost) },
	{ "min", offsetof(struct zone, min) },
	{ "low", offsetof(struct zone, low) },
	{ "high", offsetof(struct zone, high) },
	{ "promo", offsetof(struct zone, promo) },
	{ "spanned", offsetof(struct zone, spanned) },
	{ "present", offsetof(struct zone, present) },
	{ "managed", offsetof(struct zone, managed) },
	{ "start_pfn:", offsetof(struct zone, start_pfn) },
};

#define ALL_ITEMS		((1U << ARRAY_SIZE(items)) - 1)

/**
 * struct parser - a zoneinfo that is read
 * @zones: what is filled in
 * @zone: the zone that the lines are about; NULL: none has begun
 * @seen: bit n: item n was there
 */
struct parser {
	struct zones *zones;
	struct zone *zone;
	unsigned int seen;
};

/* The index of a name; that of one more, if there is no room for it. */
static unsigned int type_by_name(struct zones *zones, const char *name)
{
	unsigned int type;

	for (type = 0; type < zones->nr_types; type++) {
		if (!strcmp(zones->type[type], name))
			return type;
	}
	if (type < MAX_ZONE_TYPES)
		snprintf(zones->type[zones->nr_types++], sizeof(zones->type[0]), "%s", name);
	return type;
}

/* A zone without frames is forgotten; returns whether that of others is complete. */
static bool end_zone(struct parser *parser)
{
	const unsigned int seen = parser->seen;
	const struct zone *zone = parser->zone;

	parser->zone = NULL;
	parser->seen = 0;
	if (!zone)
		return true;
	if (!zone->present) {
		parser->zones->count--;
		return true;
	}
	return seen == ALL_ITEMS;
}

static bool begin_zone(struct parser *parser, unsigned int node, const char *name)
{
	struct zones *zones = parser->zones;

	if (!end_zone(parser))
		return false;
	zones->zone = grow(zones->zone, zones->count, &zones->room, sizeof(*zones->zone));
	parser->zone = &zones->zone[zones->count++];
	*parser->zone = (struct zone){ .node = node, .type = type_by_name(zones, name) };
	return parser->zone->type < MAX_ZONE_TYPES;
}

/* "protection: (0, 48, 48, 48)", @text being what follows the name */
static void parse_protection(struct zone *zone, const char *text)
{
	int length;

	for (unsigned int i = 0; i < MAX_ZONE_TYPES; i++, text += length) {
		if (sscanf(text, "%*[ (,]%" SCNu64 "%n", &zone->protection[i], &length) != 1)
			return;
	}
}

static void parse_item(struct parser *parser, const char *line)
{
	struct zone *zone = parser->zone;
	char name[32];
	uint64_t n;
	int length;

	if (sscanf(line, "%31s%n", name, &length) != 1)
		return;
	line += length;
	if (!strcmp(name, "pages")) {
		if (sscanf(line, "%31s%n", name, &length) != 1)
			return;
		line += length;
	}
	if (!strcmp(name, "protection:"))
		parse_protection(zone, line);
	if (sscanf(line, "%" SCNu64, &n) != 1)
		return;
	if (!strcmp(name, "count:"))
		zone->kept += n;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		if (!strcmp(name, items[i].name)) {
			*(uint64_t *)((char *)zone + items[i].offset) = n;
			parser->seen |= 1U << i;
		}
	}
}

static bool parse_zoneinfo(struct zones *zones, FILE *file)
{
	struct parser parser = { .zones = zones };
	char line[MAX_LINE], name[16];
	unsigned int node;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %u, zone %15s", &node, name) == 2) {
			if (!begin_zone(&parser, node, name))
				return false;
		} else if (parser.zone) {
			parse_item(&parser, line);
		}
	}
	return end_zone(&parser) && zones->count && !ferror(file);
}

/**
 * zones_read - read the zones of a machine
 * @zones: out: they; to be freed with zones_free()
 * @machine: its number
 *
 * Return: true; false after a message, and there is nothing to be freed.
 */
bool zones_read(struct zones *zones, uint32_t machine)
{
	FILE *file = debugfs_open(machine, "zoneinfo");
	bool good;

	memset(zones, 0, sizeof(*zones));
	if (!file)
		return false;
	good = parse_zoneinfo(zones, file);
	fclose(file);
	if (!good)
		zones_free(zones);
	return good || debugfs_not_understood(machine, "zoneinfo");
}

/**
 * zones_read_kernel - read the zones of the kernel that runs
 * @zones: out: they; to be freed with zones_free()
 *
 * Return: true; false after a message, and there is nothing to be freed.
 */
bool zones_read_kernel(struct zones *zones)
{
	FILE *file = fopen(KERNEL_ZONEINFO, "re");
	bool good;

	memset(zones, 0, sizeof(*zones));
	if (!file) {
		complain("cannot read " KERNEL_ZONEINFO ": %s", strerror(errno));
		return false;
	}
	good = parse_zoneinfo(zones, file);
	fclose(file);
	if (!good) {
		complain(KERNEL_ZONEINFO " is not what this mmlab reads, that of Linux 6.12");
		zones_free(zones);
	}
	return good;
}

/**
 * zones_free - forget them
 * @zones: what zones_read() filled in
 */
void zones_free(struct zones *zones)
{
	free(zones->zone);
	zones->zone = NULL;
}

/**
 * zone_name - what its type is called
 * @zones: of which it is one
 * @zone: it
 *
 * Return: the name, which lives as long as @zones.
 */
const char *zone_name(const struct zones *zones, const struct zone *zone)
{
	return zones->type[zone->type];
}

/**
 * zones_find - the zone of that name
 * @zones: among these
 * @node: its node
 * @name: its type's
 *
 * Return: the zone; NULL: there is none, or it has no frames.
 */
const struct zone *zones_find(const struct zones *zones, unsigned int node, const char *name)
{
	for (size_t i = 0; i < zones->count; i++) {
		if (zones->zone[i].node == node && !strcmp(zone_name(zones, &zones->zone[i]), name))
			return &zones->zone[i];
	}
	return NULL;
}

/**
 * zones_largest - the zone that has most frames
 * @zones: among these
 *
 * Return: the zone, of several the first.
 */
const struct zone *zones_largest(const struct zones *zones)
{
	const struct zone *largest = zones->zone;

	for (size_t i = 1; i < zones->count; i++) {
		if (zones->zone[i].present > largest->present)
			largest = &zones->zone[i];
	}
	return largest;
}
