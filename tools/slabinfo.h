/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The object caches of a machine, as debugfs <machine>/slabinfo tells them, or those of the
 * kernel that runs, as /proc/slabinfo does.
 */
#ifndef _MMLAB_SLABINFO_H
#define _MMLAB_SLABINFO_H

#include "mmlab.h"

/**
 * struct cache_line - an object cache
 * @name: its name
 * @object_size: what an object takes up in its slab, in bytes
 * @in_use: objects that are in use, or kept by CPUs
 * @objects: objects that its slabs have room for
 * @slabs: slabs
 * @slab_objects: objects in a slab
 * @slab_frames: frames in a slab
 */
struct cache_line {
	char name[64];
	uint64_t object_size;
	uint64_t in_use;
	uint64_t objects;
	uint64_t slabs;
	uint64_t slab_objects;
	uint64_t slab_frames;
};

/**
 * struct caches - object caches, in the order in which they were told
 * @cache: they
 * @count: how many
 * @room: for how many
 */
struct caches {
	struct cache_line *cache;
	size_t count;
	size_t room;
};

bool caches_read(struct caches *caches, uint32_t machine);
bool caches_read_file(struct caches *caches, const char *path);
void caches_free(struct caches *caches);
const struct cache_line *caches_find(const struct caches *caches, const char *name,
				     uint64_t object_size);
uint64_t cache_frames(const struct cache_line *cache);

/* cache-show.c */
int cache_show(int argc, char **argv);
int cache_act(int argc, char **argv);

#endif /* _MMLAB_SLABINFO_H */
