// SPDX-License-Identifier: GPL-2.0
/*
 * Reading slabinfo, the lab's or the kernel's: the same format, version 2.1. After a line
 * with the version and one with the names of columns there is a line for each cache:
 *
 *   mmlab  1000  1024  128  32  1 : tunables  0  0  0 : slabdata  32  32  0
 *
 * name, objects in use, objects, bytes an object, objects a slab, frames a slab; behind
 * "slabdata" the slabs that are in use, those there are, and what SLUB does not have.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "slabinfo.h"

#define MAX_LINE		256
#define VERSION			"slabinfo - version: 2."
#define KMALLOC			"kmalloc-"

static bool parse_line(struct cache_line *cache, const char *line)
{
	memset(cache, 0, sizeof(*cache));
	return sscanf(line,
		      "%63s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		      " : tunables %*u %*u %*u : slabdata %*u %" SCNu64,
		      cache->name, &cache->in_use, &cache->objects, &cache->object_size,
		      &cache->slab_objects, &cache->slab_frames, &cache->slabs) == 7;
}

static bool parse_slabinfo(struct caches *caches, FILE *file)
{
	char line[MAX_LINE];

	if (!fgets(line, sizeof(line), file) || strncmp(line, VERSION, strlen(VERSION)))
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (*line == '#')
			continue;
		caches->cache = grow(caches->cache, caches->count, &caches->room,
				     sizeof(*caches->cache));
		if (!parse_line(&caches->cache[caches->count], line))
			return false;
		caches->count++;
	}
	return !ferror(file);
}

/* Closes @file. */
static bool read_open_file(struct caches *caches, FILE *file, const char *path)
{
	const bool good = parse_slabinfo(caches, file);

	fclose(file);
	if (!good) {
		complain("%s is not what this mmlab reads, a slabinfo of version 2.1", path);
		caches_free(caches);
	}
	return good;
}

/**
 * caches_read - read the object caches of a machine
 * @caches: out: they; to be freed with caches_free()
 * @machine: its number
 *
 * Return: true; false after a message, and there is nothing to be freed.
 */
bool caches_read(struct caches *caches, uint32_t machine)
{
	FILE *file = debugfs_open(machine, "slabinfo");
	char path[PATH_MAX];

	memset(caches, 0, sizeof(*caches));
	return file && debugfs_path(path, sizeof(path), machine, "slabinfo") &&
	       read_open_file(caches, file, path);
}

/**
 * caches_read_file - read object caches from a file
 * @caches: out: they; to be freed with caches_free()
 * @path: where it is; "/proc/slabinfo" has those of the kernel that runs
 *
 * Return: true; false after a message, and there is nothing to be freed.
 */
bool caches_read_file(struct caches *caches, const char *path)
{
	FILE *file = fopen(path, "re");

	memset(caches, 0, sizeof(*caches));
	if (file)
		return read_open_file(caches, file, path);
	if (errno == EACCES || errno == EPERM)
		complain("may not read %s: a slabinfo is root's. Try it as root", path);
	else
		complain("cannot read %s: %s", path, strerror(errno));
	return false;
}

/**
 * caches_free - forget them
 * @caches: what caches_read() filled in
 */
void caches_free(struct caches *caches)
{
	free(caches->cache);
	caches->cache = NULL;
}

static bool is_kmalloc(const char *name)
{
	const size_t length = strlen(KMALLOC);

	return !strncmp(name, KMALLOC, length) && name[length] >= '0' && name[length] <= '9';
}

/**
 * caches_find - the cache from which such objects come
 * @caches: among these
 * @name: its name; NULL: it is one of kmalloc's
 * @object_size: bytes asked for
 *
 * Several caches may have one name: it is the one with the smallest objects that are large
 * enough, and the youngest of those.
 *
 * Return: the cache; NULL: there is none.
 */
const struct cache_line *caches_find(const struct caches *caches, const char *name,
				     uint64_t object_size)
{
	const struct cache_line *found = NULL;

	for (size_t i = 0; i < caches->count; i++) {
		const struct cache_line *cache = &caches->cache[i];

		if (name ? strcmp(cache->name, name) : !is_kmalloc(cache->name))
			continue;
		if (cache->object_size < object_size)
			continue;
		if (!found || cache->object_size <= found->object_size)
			found = cache;
	}
	return found;
}

/**
 * cache_frames - the frames that its slabs consist of
 * @cache: the cache
 *
 * Return: how many, if all slabs are as large as they should be: where there was no such
 * block a slab is smaller.
 */
uint64_t cache_frames(const struct cache_line *cache)
{
	return cache->slabs * cache->slab_frames;
}
