/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The nodes and zones of a machine, as debugfs <machine>/zoneinfo tells them, or those of
 * the kernel that runs, as /proc/zoneinfo does.
 */
#ifndef _MMLAB_ZONES_H
#define _MMLAB_ZONES_H

#include "mmlab.h"

/* Types of zones that there may be. The kernel has five, or six. */
#define MAX_ZONE_TYPES		8

/**
 * struct zone - a zone that has frames
 * @node: its node
 * @type: index of its name in struct zones
 * @start_pfn: its first frame
 * @spanned: frame numbers that it has
 * @present: how many of these are frames
 * @managed: how many of them the page allocator has to give
 * @free: frames on its free lists
 * @kept: free frames that are on no list, for a CPU keeps them to serve itself
 * @boost: what the marks are raised by for a while; they have it in them
 * @min: below that, who may wait has to reclaim for himself
 * @low: below that, the background reclaimer is woken
 * @high: from there on it sleeps again
 * @promo: from there on, memory is fast enough to fill it from slower one
 * @protection: by type: what it keeps, besides, of who could also have zones up to that one
 */
struct zone {
	unsigned int node;
	unsigned int type;
	uint64_t start_pfn;
	uint64_t spanned;
	uint64_t present;
	uint64_t managed;
	uint64_t free;
	uint64_t kept;
	uint64_t boost;
	uint64_t min;
	uint64_t low;
	uint64_t high;
	uint64_t promo;
	uint64_t protection[MAX_ZONE_TYPES];
};

/**
 * struct zones - zones that have frames, by node and by type
 * @zone: they
 * @count: how many
 * @room: for how many
 * @type: names of all types, from the lowest addresses up, also of those without frames
 * @nr_types: how many
 */
struct zones {
	struct zone *zone;
	size_t count;
	size_t room;
	char type[MAX_ZONE_TYPES][16];
	unsigned int nr_types;
};

bool zones_read(struct zones *zones, uint32_t machine);
bool zones_read_kernel(struct zones *zones);
void zones_free(struct zones *zones);
const char *zone_name(const struct zones *zones, const struct zone *zone);
const struct zone *zones_find(const struct zones *zones, unsigned int node, const char *name);
const struct zone *zones_largest(const struct zones *zones);

#endif /* _MMLAB_ZONES_H */
