// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab cache show, shrink and validate: all there is to say of one object cache, and what can
 * be done with one that is somebody else's, by its directory in debugfs,
 * mm_lab/<machine>/slab/<cache>/, which has a file for each thing, as /sys/kernel/slab/ has
 * of the kernel's caches.
 *
 * A directory comes half a second after its cache.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slabinfo.h"

/* How long a directory is waited for, of a cache that slabinfo has. */
#define PATIENCE_MS		3000
#define PAUSE_MS		50

/* Places in the code that are shown, the most frequent ones. */
#define MAX_PLACES		8

#define MAX_TEXT		256

/* What a file has. */
enum kind {
	NUMBER,
	FLAG,			/* 0 or 1 */
	NODES,			/* a number in all; and of each node that has any: "13 N0=13" */
	TEXT,
};

/* In the order in which they are told. */
enum which {
	OBJECT_SIZE, USERSIZE, SLAB_SIZE, ALIGN, CTOR, OBJS_PER_SLAB, ORDER, SLABS, PARTIAL,
	CPU_SLABS, SLABS_CPU_PARTIAL, OBJECTS, OBJECTS_PARTIAL, TOTAL_OBJECTS, MIN_PARTIAL,
	CPU_PARTIAL, SHEAF_CAPACITY, ALIASES, HWCACHE_ALIGN, RECLAIM_ACCOUNT, CACHE_DMA,
	DESTROY_BY_RCU, SANITY_CHECKS, RED_ZONE, POISON, STORE_USER, TRACE, NR_ATTRS,
};

static const struct {
	const char *name;
	enum kind kind;
} attrs[NR_ATTRS] = {
	[OBJECT_SIZE] = { "object_size", NUMBER },
	[USERSIZE] = { "usersize", NUMBER },
	[SLAB_SIZE] = { "slab_size", NUMBER },
	[ALIGN] = { "align", NUMBER },
	[CTOR] = { "ctor", TEXT },
	[OBJS_PER_SLAB] = { "objs_per_slab", NUMBER },
	[ORDER] = { "order", NUMBER },
	[SLABS] = { "slabs", NODES },
	[PARTIAL] = { "partial", NODES },
	[CPU_SLABS] = { "cpu_slabs", NODES },
	[SLABS_CPU_PARTIAL] = { "slabs_cpu_partial", TEXT },
	[OBJECTS] = { "objects", NODES },
	[OBJECTS_PARTIAL] = { "objects_partial", NODES },
	[TOTAL_OBJECTS] = { "total_objects", NODES },
	[MIN_PARTIAL] = { "min_partial", NUMBER },
	[CPU_PARTIAL] = { "cpu_partial", NUMBER },
	[SHEAF_CAPACITY] = { "sheaf_capacity", NUMBER },
	[ALIASES] = { "aliases", NUMBER },
	[HWCACHE_ALIGN] = { "hwcache_align", FLAG },
	[RECLAIM_ACCOUNT] = { "reclaim_account", FLAG },
	[CACHE_DMA] = { "cache_dma", FLAG },
	[DESTROY_BY_RCU] = { "destroy_by_rcu", FLAG },
	[SANITY_CHECKS] = { "sanity_checks", FLAG },
	[RED_ZONE] = { "red_zone", FLAG },
	[POISON] = { "poison", FLAG },
	[STORE_USER] = { "store_user", FLAG },
	[TRACE] = { "trace", FLAG },
};

/**
 * struct place - from where in the code objects were allocated, or freed
 * @count: how many
 * @text: where, when, by whom
 */
struct place {
	uint64_t count;
	char text[MAX_TEXT];
};

/**
 * struct places - those of a cache, the most frequent ones first
 * @place: they
 * @count: how many
 * @room: for how many
 */
struct places {
	struct place *place;
	size_t count;
	size_t room;
};

/**
 * struct attributes - what a directory says
 * @machine: the machine's number
 * @name: the cache's
 * @directory: relative to the machine's
 * @text: of each file, without the newline
 * @value: what a number begins with
 * @allocated: from where; only with STORE_USER
 * @freed: the same
 */
struct attributes {
	uint32_t machine;
	const char *name;
	char directory[NAME_MAX + 8];
	char text[NR_ATTRS][MAX_TEXT];
	uint64_t value[NR_ATTRS];
	struct places allocated;
	struct places freed;
};

/*
 * Reading
 */

/* As the kernel has it: no slashes, and nothing that is hidden. */
static bool directory_of(struct attributes *a)
{
	const int length = snprintf(a->directory, sizeof(a->directory), "slab/%s", a->name);
	char *name = a->directory + strlen("slab/");

	if (!*name || (size_t)length >= sizeof(a->directory))
		return false;
	if (*name == '.')
		*name = '!';
	for (; *name; name++) {
		if (*name == '/')
			*name = '!';
	}
	return true;
}

static bool file_name(const struct attributes *a, const char *file, char *name, size_t size)
{
	return (size_t)snprintf(name, size, "%s/%s", a->directory, file) < size;
}

static bool has_directory(const struct attributes *a)
{
	char path[PATH_MAX];
	char name[PATH_MAX];

	/* The last file that is made. */
	return file_name(a, "validate", name, sizeof(name)) &&
	       debugfs_path(path, sizeof(path), a->machine, name) && !access(path, F_OK);
}

/* Is it one that will have a directory? Returns: 1; 0; -1 after a message. */
static int is_in_slabinfo(const struct attributes *a)
{
	struct caches caches;
	int found = 0;

	if (!caches_read(&caches, a->machine))
		return -1;
	for (size_t i = 0; i < caches.count && !found; i++)
		found = !strcmp(caches.cache[i].name, a->name);
	caches_free(&caches);
	return found;
}

/* Returns: true; false after a message. */
static bool wait_for_directory(const struct attributes *a)
{
	const uint64_t limit = now_ns() + PATIENCE_MS * UINT64_C(1000000);
	int found;

	while (!has_directory(a)) {
		found = is_in_slabinfo(a);
		if (found < 0)
			return false;
		if (!found || now_ns() > limit) {
			complain("machine %u has no cache '%s'; mmlab cache list --all lists those there\n"
				 "are. One that is shared has the name of the first who made it", a->machine,
				 a->name);
			return false;
		}
		sleep_ms(PAUSE_MS);
	}
	return true;
}

/* Returns: true; false after a message. */
static bool read_attr(struct attributes *a, enum which which)
{
	char name[PATH_MAX], *text = a->text[which];
	FILE *file;
	bool good;

	if (!file_name(a, attrs[which].name, name, sizeof(name)))
		return false;
	file = debugfs_open(a->machine, name);
	if (!file)
		return false;
	if (!fgets(text, MAX_TEXT, file))
		*text = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	good = attrs[which].kind == TEXT || sscanf(text, "%" SCNu64, &a->value[which]) == 1;
	if (!good)
		debugfs_not_understood(a->machine, name);
	return good;
}

/* A line for each place, and its stack below, which is left out. */
static bool read_places(const struct attributes *a, const char *which, struct places *places)
{
	char name[PATH_MAX], line[2 * MAX_TEXT];
	struct place place;
	FILE *file;

	if (!file_name(a, which, name, sizeof(name)))
		return false;
	file = debugfs_open(a->machine, name);
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (*line == '\t' ||
		    sscanf(line, "%" SCNu64 " %255[^\n]", &place.count, place.text) != 2)
			continue;
		places->place = grow(places->place, places->count, &places->room,
				     sizeof(*places->place));
		places->place[places->count++] = place;
	}
	fclose(file);
	return true;
}

static bool read_all(struct attributes *a)
{
	for (enum which which = 0; which < NR_ATTRS; which++) {
		if (!read_attr(a, which))
			return false;
	}
	return !a->value[STORE_USER] || (read_places(a, "alloc_traces", &a->allocated) &&
					 read_places(a, "free_traces", &a->freed));
}

/*
 * Text
 */

static void print_flags(const struct attributes *a, const char *title, enum which first,
			enum which last, const char *none)
{
	const char *before = "";

	printf("  %-15s ", title);
	for (enum which which = first; which <= last; which++) {
		if (!a->value[which])
			continue;
		printf("%s%s", before, attrs[which].name);
		before = ", ";
	}
	puts(*before ? "" : none);
}

/* If there are several: how many each has. */
static void print_nodes(const struct attributes *a)
{
	const char *slabs = strchr(a->text[SLABS], ' '), *objects = strchr(a->text[OBJECTS], ' ');

	if (slabs && strchr(slabs + 1, ' '))
		printf("  %-15s slabs%s; objects in use%s\n", "of each node", slabs,
		       objects ? objects : " none");
}

static void print_places(const struct places *places, const char *title)
{
	for (size_t i = 0; i < places->count && i < MAX_PLACES; i++)
		printf("  %-15s %s: %s\n", i ? "" : title, with_commas(places->place[i].count),
		       places->place[i].text);
	if (places->count > MAX_PLACES)
		printf("  %-15s and from %zu places more\n", "", places->count - MAX_PLACES);
}

static void print_path(const struct attributes *a)
{
	printf("  %-15s ", "CPUs");
	if (a->value[SHEAF_CAPACITY])
		printf("sheaves of %s objects\n", with_commas(a->value[SHEAF_CAPACITY]));
	else if (a->value[CPU_PARTIAL])
		printf("%s have slabs of their own; kept for later, objects(slabs): %s\n",
		       with_commas(a->value[CPU_SLABS]), a->text[SLABS_CPU_PARTIAL]);
	else
		puts("keep nothing: there is no fast path");
}

static void print_text(const struct attributes *a)
{
	printf("%s on machine %u\n", a->name, a->machine);
	printf("  %-15s %s bytes, %s in its slab, at multiples of %s\n", "an object",
	       with_commas(a->value[OBJECT_SIZE]), with_commas(a->value[SLAB_SIZE]),
	       with_commas(a->value[ALIGN]));
	if (*a->text[CTOR])
		printf("  %-15s %s\n", "made by", a->text[CTOR]);
	printf("  %-15s %s objects, of order %s\n", "a slab", with_commas(a->value[OBJS_PER_SLAB]),
	       with_commas(a->value[ORDER]));
	printf("  %-15s %s; %s of them are on lists of their nodes\n", "slabs",
	       with_commas(a->value[SLABS]), with_commas(a->value[PARTIAL]));
	printf("  %-15s %s; %s of them are in use, or kept by CPUs\n", "objects",
	       with_commas(a->value[TOTAL_OBJECTS]), with_commas(a->value[OBJECTS]));
	print_nodes(a);
	printf("  %-15s stay while their node's list has fewer than %s\n", "empty slabs",
	       with_commas(a->value[MIN_PARTIAL]));
	print_path(a);
	printf("  %-15s %s\n", "users", with_commas(a->value[ALIASES] + 1));
	print_flags(a, "flags", HWCACHE_ALIGN, DESTROY_BY_RCU, "none");
	print_flags(a, "debugged", SANITY_CHECKS, TRACE, "no");
	print_places(&a->allocated, "allocated by");
	print_places(&a->freed, "freed by");
}

/*
 * JSON
 */

/* "13 N0=9 N1=4": {"total": 13, "N0": 9, "N1": 4} */
static void print_json_nodes(const char *text, uint64_t total)
{
	unsigned int node;
	uint64_t n;

	printf("{\"total\": %" PRIu64, total);
	while ((text = strchr(text, ' '))) {
		text++;
		if (sscanf(text, "N%u=%" SCNu64, &node, &n) == 2)
			printf(", \"N%u\": %" PRIu64, node, n);
	}
	putchar('}');
}

static void print_json_places(const struct places *places, const char *name)
{
	printf(",\n  \"%s\": [", name);
	for (size_t i = 0; i < places->count; i++) {
		printf("%s\n    {\"count\": %" PRIu64 ", \"by\": ", i ? "," : "",
		       places->place[i].count);
		json_string(stdout, places->place[i].text);
		putchar('}');
	}
	fputs("\n  ]", stdout);
}

static void print_json(const struct attributes *a)
{
	puts("{");
	json_number(stdout, "machine", a->machine, true);
	fputs("  \"name\": ", stdout);
	json_string(stdout, a->name);
	for (enum which which = 0; which < NR_ATTRS; which++) {
		printf(",\n  \"%s\": ", attrs[which].name);
		switch (attrs[which].kind) {
		case NUMBER:
			printf("%" PRIu64, a->value[which]);
			break;
		case FLAG:
			fputs(a->value[which] ? "true" : "false", stdout);
			break;
		case NODES:
			print_json_nodes(a->text[which], a->value[which]);
			break;
		case TEXT:
			json_string(stdout, a->text[which]);
			break;
		}
	}
	if (a->value[STORE_USER]) {
		print_json_places(&a->allocated, "alloc_traces");
		print_json_places(&a->freed, "free_traces");
	}
	puts("\n}");
}

/*
 * Commands
 */

/*
 * The options and the one name behind them, of a cache that there is; @json: NULL: it is no
 * option. Returns: 0, or the exit status after a message.
 */
static int find_cache(int argc, char **argv, struct attributes *a, bool *json)
{
	const char *number = NULL;
	const struct option_spec options[] = {
		{ "--machine", &number, NULL },
		{ "--json", NULL, json },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options) - !json);

	if (arg < 0)
		return EXIT_USAGE;
	if (arg + 1 != argc)
		return usage_error("%s takes one name, behind the options", argv[0]);
	if (!parse_machine(number, &a->machine))
		return usage_error("'%s' is no machine's number", number);
	a->name = argv[arg];
	if (!directory_of(a))
		return usage_error("'%s' is no name of a cache", a->name);
	return wait_for_directory(a) ? 0 : EXIT_FAILURE;
}

/**
 * cache_show - mmlab cache show
 * @argc: of @argv
 * @argv: "show", options, the cache's name
 *
 * Return: the exit status.
 */
int cache_show(int argc, char **argv)
{
	struct attributes a = { .machine = MML_MACHINE_DEFAULT };
	int status;
	bool json = false;

	status = find_cache(argc, argv, &a, &json);
	if (status)
		return status;
	status = read_all(&a) ? 0 : EXIT_FAILURE;
	if (!status && json)
		print_json(&a);
	else if (!status)
		print_text(&a);
	free(a.allocated.place);
	free(a.freed.place);
	return status;
}

/* Write 1 to the file @act. Returns: whether that was done; else after a message. */
static bool write_one(const struct attributes *a, const char *act)
{
	char name[PATH_MAX];
	int err;

	if (!file_name(a, act, name, sizeof(name)))
		return false;
	err = debugfs_write(a->machine, name, "1");
	if (err == EINVAL)
		complain("%s is not debugged, its objects say nothing that could be checked", a->name);
	else if (err > 0)
		complain("cannot %s %s: %s", act, a->name, strerror(err));
	return !err;
}

static bool shrink_cache(struct attributes *a)
{
	uint64_t before;

	if (!read_attr(a, SLABS))
		return false;
	before = a->value[SLABS];
	if (!write_one(a, "shrink") || !read_attr(a, SLABS))
		return false;
	printf("%s: %s of ", a->name, with_commas(a->value[SLABS]));
	printf("%s slab%s %s left\n", with_commas(before), before == 1 ? "" : "s",
	       a->value[SLABS] == 1 ? "is" : "are");
	return true;
}

static bool validate_cache(const struct attributes *a)
{
	struct mml_info before, after;

	if (!machine_info(a->machine, &before) || !write_one(a, "validate") ||
	    !machine_info(a->machine, &after))
		return false;
	if (after.reports == before.reports) {
		printf("%s: nothing is wrong with any object\n", a->name);
		return true;
	}
	printf("%s: something is wrong, and was reported %s times; the kernel log says what\n",
	       a->name, with_commas(after.reports - before.reports));
	return false;
}

/**
 * cache_act - mmlab cache shrink, mmlab cache validate
 * @argc: of @argv
 * @argv: "shrink" or "validate", options, the cache's name
 *
 * Return: the exit status.
 */
int cache_act(int argc, char **argv)
{
	struct attributes a = { .machine = MML_MACHINE_DEFAULT };
	int status = find_cache(argc, argv, &a, NULL);
	bool good;

	if (status)
		return status;
	good = strcmp(argv[0], "shrink") ? validate_cache(&a) : shrink_cache(&a);
	return good ? 0 : EXIT_FAILURE;
}
