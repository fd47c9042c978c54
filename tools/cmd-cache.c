// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab cache: object caches, those there are, and the whole life of one.
 *
 * A cache that is made through the device belongs to a session of this process, so one call
 * makes it, takes and frees objects of it, shows what became of that, and destroys it. The
 * lab does so by itself should the process be killed before.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "slabinfo.h"

#define DEFAULT_NAME		"mmlab"
#define MAX_SIZE		(4U << 20)
#define MAX_SHEAF		1024
#define MAX_COUNT		(1U << 24)
#define MAX_HOLD		(7 * 24 * 3600)

/*
 * The caches there are
 */

/* Of the columns behind the name, for the line of their names and those of caches. */
#define COLUMNS			"%9s %11s %11s %5s %8s %9s %11s\n"

static const char *share(uint64_t part, uint64_t all)
{
	static char text[8];

	snprintf(text, sizeof(text), "%u%%", all ? (unsigned int)(part * 100 / all) : 0);
	return text;
}

static uint64_t as_kib(uint64_t frames)
{
	return frames * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static bool is_shown(const struct cache_line *cache, bool all)
{
	return all || cache->slabs;
}

static int name_width(const struct caches *caches, bool all)
{
	size_t width = strlen("cache");

	for (size_t i = 0; i < caches->count; i++) {
		const size_t length = strlen(caches->cache[i].name);

		if (is_shown(&caches->cache[i], all) && length > width)
			width = length;
	}
	return (int)width;
}

static void print_cache(const struct cache_line *cache, int width)
{
	const uint64_t frames = cache_frames(cache);

	printf("%-*s" COLUMNS, width, cache->name, with_commas(cache->object_size),
	       with_commas(cache->in_use), with_commas(cache->objects),
	       share(cache->in_use, cache->objects), with_commas(cache->slabs),
	       with_commas(frames), with_commas(as_kib(frames)));
}

static void print_caches(const struct caches *caches, bool all)
{
	const int width = name_width(caches, all);
	uint64_t frames = 0;
	size_t shown = 0;

	for (size_t i = 0; i < caches->count; i++) {
		shown += is_shown(&caches->cache[i], all);
		frames += cache_frames(&caches->cache[i]);
	}
	printf("%zu caches; their slabs have %s frames, %s\n", caches->count,
	       with_commas(frames), as_size(as_kib(frames) * 1024));
	if (shown) {
		printf("\n%-*s" COLUMNS, width, "cache", "bytes", "in use", "objects", "used",
		       "slabs", "frames", "KiB");
		for (size_t i = 0; i < caches->count; i++) {
			if (is_shown(&caches->cache[i], all))
				print_cache(&caches->cache[i], width);
		}
		puts("\n"
		     "bytes    what an object takes up in its slab\n"
		     "in use   objects that somebody has, or that a CPU keeps to serve itself\n"
		     "objects  there is room for so many in the slabs; used: the share of those in use\n"
		     "frames   that the slabs consist of; KiB: the same as memory");
	}
	if (shown < caches->count)
		printf("\n%zu have no slab, --all shows them, too\n", caches->count - shown);
}

static void print_json_cache(const struct cache_line *cache)
{
	fputs("    {\"name\": ", stdout);
	json_string(stdout, cache->name);
	printf(", \"object_size\": %" PRIu64 ", \"in_use\": %" PRIu64 ", \"objects\": %" PRIu64
	       ",\n     \"slabs\": %" PRIu64 ", \"slab_objects\": %" PRIu64
	       ", \"slab_frames\": %" PRIu64 ", \"frames\": %" PRIu64 "}",
	       cache->object_size, cache->in_use, cache->objects, cache->slabs,
	       cache->slab_objects, cache->slab_frames, cache_frames(cache));
}

/* @machine: NULL: they are from a file */
static void print_json(const struct caches *caches, const uint32_t *machine, bool all)
{
	const char *before = "";

	puts("{");
	if (machine)
		json_number(stdout, "machine", *machine, true);
	else
		puts("  \"machine\": null,");
	json_number(stdout, "page_size", (uint64_t)sysconf(_SC_PAGESIZE), true);
	fputs("  \"caches\": [", stdout);
	for (size_t i = 0; i < caches->count; i++) {
		if (!is_shown(&caches->cache[i], all))
			continue;
		puts(before);
		print_json_cache(&caches->cache[i]);
		before = ",";
	}
	puts("\n  ]\n}");
}

static int list_command(int argc, char **argv)
{
	uint32_t machine = MML_MACHINE_DEFAULT;
	const char *number = NULL, *path = NULL;
	bool all = false, json = false;
	struct caches caches;
	const struct option_spec options[] = {
		{ "--machine", &number, NULL },
		{ "--file", &path, NULL },
		{ "--all", NULL, &all },
		{ "--json", NULL, &json },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));

	if (arg < 0)
		return EXIT_USAGE;
	if (arg < argc)
		return usage_error("list takes no '%s'", argv[arg]);
	if (number && path)
		return usage_error("--machine or --file, not both");
	if (!parse_machine(number, &machine))
		return usage_error("'%s' is no machine's number", number);

	if (!(path ? caches_read_file(&caches, path) : caches_read(&caches, machine)))
		return EXIT_FAILURE;
	if (json) {
		print_json(&caches, path ? NULL : &machine, all);
	} else {
		if (path)
			printf("%s: ", path);
		else
			printf("machine %u: ", machine);
		print_caches(&caches, all);
	}
	caches_free(&caches);
	return 0;
}

/*
 * The life of a cache
 */

/**
 * struct life - what is done with a cache
 * @session: file of the session that has it
 * @machine: the machine's number
 * @create: how it is made; afterwards: by what it is known
 * @alloc_flags: MML_CACHE_ZERO, or 0
 * @count: objects that are allocated
 * @nr_free: so many of them are freed
 * @free_flags: MML_CACHE_RANDOM, or 0
 * @seed: of the choice
 * @shrink: give back empty slabs afterwards
 * @validate: check all objects in the end
 * @held: objects that there are now
 * @seconds: how long they are held
 * @argv: the command that they are held for; NULL: none
 */
struct life {
	int session;
	uint32_t machine;
	struct mml_cache_create create;
	uint32_t alloc_flags;
	uint32_t count;
	uint32_t nr_free;
	uint32_t free_flags;
	uint64_t seed;
	bool shrink;
	bool validate;
	uint32_t held;
	unsigned int seconds;
	char **argv;
};

static bool is_kmalloc(const struct life *life)
{
	return life->create.flags & MML_CACHE_KMALLOC;
}

static const char *name_of(const struct life *life)
{
	return is_kmalloc(life) ? "kmalloc" : life->create.name;
}

/* In microseconds */
static double since(uint64_t begin)
{
	return (double)(now_ns() - begin) / 1000;
}

static void explain_create(const struct life *life)
{
	switch (errno) {
	case ENOTTY:
		complain("machine %u has no object caches: load slub_probe.ko", life->machine);
		break;
	case ENOMEM:
		complain("there is no memory for a cache on machine %u", life->machine);
		break;
	case EINVAL:
		complain("machine %u cannot have a cache of such objects: %s with this alignment\n"
			 "and these flags do not fit into a slab of its", life->machine,
			 as_size(life->create.object_size));
		break;
	case ENOSPC:
		complain("a session may not have so many caches");
		break;
	case EOPNOTSUPP:
		complain("machine %u has no memory, only frames (backend memmap): an object is\n"
			 "memory. mmlab info lists the machines there are", life->machine);
		break;
	default:
		complain("cannot make a cache on machine %u: %s", life->machine,
			 strerror(errno));
	}
}

static void explain_alloc(const struct life *life)
{
	const char *count = with_commas(life->count);

	switch (errno) {
	case ENOMEM:
		complain("%s objects of %s: machine %u has no memory for all of them, so there\n"
			 "are none; ask for fewer. mmlab explain says why", count,
			 as_size(life->create.object_size), life->machine);
		break;
	case EDQUOT:
		complain("%s objects of %s: a session may not hold so much (a parameter of\n"
			 "mm_lab.ko)", count, as_size(life->create.object_size));
		break;
	default:
		complain("%s objects of %s: %s", count, as_size(life->create.object_size),
			 strerror(errno));
	}
}

static bool create(struct life *life)
{
	if (!ioctl(life->session, MML_IOC_CACHE_CREATE, &life->create))
		return true;
	explain_create(life);
	return false;
}

static bool allocate(struct life *life)
{
	const uint64_t begin = now_ns();
	const struct mml_cache_alloc alloc = {
		.cache = life->create.cache,
		.flags = life->alloc_flags,
		.count = life->count,
	};

	if (ioctl(life->session, MML_IOC_CACHE_ALLOC, &alloc)) {
		explain_alloc(life);
		return false;
	}
	life->held = life->count;
	printf("%s objects of %s bytes from %s on machine %u, in %.1f us\n",
	       with_commas(life->count), with_commas(life->create.object_size), name_of(life),
	       life->machine, since(begin));
	return true;
}

static bool free_objects(struct life *life, uint32_t count, uint32_t flags)
{
	const struct mml_cache_free args = {
		.seed = flags & MML_CACHE_RANDOM ? life->seed : 0,
		.cache = life->create.cache,
		.flags = flags,
		.count = count,
	};

	if (!count)
		return true;
	if (ioctl(life->session, MML_IOC_CACHE_FREE, &args)) {
		complain("cannot free %s objects: %s", with_commas(count), strerror(errno));
		return false;
	}
	life->held -= count;
	return true;
}

static bool free_some(struct life *life)
{
	const uint64_t begin = now_ns();

	if (!life->nr_free)
		return true;
	if (!free_objects(life, life->nr_free, life->free_flags))
		return false;
	printf("%s of them freed, %s, in %.1f us\n", with_commas(life->nr_free),
	       life->free_flags & MML_CACHE_RANDOM ? "at random" : "the oldest first",
	       since(begin));
	return true;
}

static bool shrink(const struct life *life)
{
	struct mml_cache_shrink args = { .cache = life->create.cache };

	if (!life->shrink)
		return true;
	if (ioctl(life->session, MML_IOC_CACHE_SHRINK, &args)) {
		complain("cannot shrink the cache: %s", strerror(errno));
		return false;
	}
	printf("shrunk: %s slab%s left\n", with_commas(args.slabs),
	       args.slabs == 1 ? " is" : "s are");
	return true;
}

/* Returns whether nothing is wrong. */
static bool validate(const struct life *life)
{
	struct mml_cache_validate args = { .cache = life->create.cache };

	if (!life->validate)
		return true;
	if (ioctl(life->session, MML_IOC_CACHE_VALIDATE, &args)) {
		complain("cannot validate the cache: %s", strerror(errno));
		return false;
	}
	if (!args.wrong) {
		puts("validated: nothing is wrong with any object");
		return true;
	}
	printf("validated: something is wrong with %s object%s; the kernel log says what\n",
	       with_commas(args.wrong), args.wrong == 1 ? "" : "s");
	return false;
}

static void print_line(const struct life *life, const struct cache_line *cache)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), frames = cache_frames(cache);

	printf("%s in slabinfo:\n", cache->name);
	printf("  objects in use  %s of %s (%s), with those that CPUs keep; %s are held here\n",
	       with_commas(cache->in_use), with_commas(cache->objects),
	       share(cache->in_use, cache->objects), with_commas(life->held));
	printf("  slabs           %s, of %s objects and %s frame%s each\n",
	       with_commas(cache->slabs), with_commas(cache->slab_objects),
	       with_commas(cache->slab_frames), cache->slab_frames == 1 ? "" : "s");
	printf("  frames          %s: %s\n", with_commas(frames), as_size(frames * page));
	printf("  an object       %s bytes in its slab", with_commas(cache->object_size));
	if (cache->in_use)
		printf("; %s of frames for each in use",
		       with_commas(frames * page / cache->in_use));
	putchar('\n');
}

/* Without its line, for debugfs is root's, there is still a cache to be held. */
static void print_slabinfo(const struct life *life)
{
	const struct cache_line *cache;
	struct caches caches;

	if (!caches_read(&caches, life->machine))
		return;
	cache = caches_find(&caches, is_kmalloc(life) ? NULL : life->create.name,
			    life->create.object_size);
	if (cache)
		print_line(life, cache);
	else if (is_kmalloc(life))
		puts("not in slabinfo: what is so large is a block of frames, and not of a cache");
	else
		puts("not in slabinfo by this name: it is one with another cache of this size and\n"
		     "alignment; --flag no-merge has one of its own");
	caches_free(&caches);
}

/* Returns the command's exit status. */
static int hold_for_command(char **argv)
{
	struct child child = { 0 };
	const int status = child_start(&child, argv);

	if (status)
		return status;
	child_wait(&child);
	return child_exit_status(&child);
}

static int failure(const struct life *life)
{
	return life->argv ? EXIT_NOT_STARTED : EXIT_FAILURE;
}

static int use(struct life *life)
{
	int status = 0;

	if (!allocate(life) || !free_some(life) || !shrink(life))
		return failure(life);
	print_slabinfo(life);
	fflush(stdout);
	if (life->argv)
		status = hold_for_command(life->argv);
	else
		sleep_ms(life->seconds * 1000);
	if (!validate(life) && !status)
		status = EXIT_FAILURE;
	return status;
}

static bool destroy(struct life *life)
{
	const struct mml_cache_destroy args = { .cache = life->create.cache };

	if (!free_objects(life, life->held, 0))
		return false;
	if (!ioctl(life->session, MML_IOC_CACHE_DESTROY, &args))
		return true;
	complain("cannot destroy the cache: %s", strerror(errno));
	return false;
}

static int live(struct life *life)
{
	int status;

	if (!create(life))
		return failure(life);
	status = use(life);
	if (!destroy(life) && !status)
		status = EXIT_FAILURE;
	return status;
}

static int with_session(struct life *life)
{
	const int fd = device_open();
	uint32_t number;
	int status;

	if (fd < 0)
		return failure(life);
	life->session = device_session(fd, life->machine, &number);
	close(fd);
	if (life->session < 0)
		return failure(life);
	status = live(life);
	close(life->session);
	return status;
}

/*
 * Its options
 */

static const struct {
	const char *name;
	uint32_t flag;
} flag_names[] = {
	{ "hwcache-align", MML_CACHE_HWCACHE_ALIGN },
	{ "reclaim", MML_CACHE_RECLAIM },
	{ "dma", MML_CACHE_DMA },
	{ "typesafe", MML_CACHE_TYPESAFE },
	{ "no-merge", MML_CACHE_NO_MERGE },
	{ "kmalloc", MML_CACHE_KMALLOC },
	{ "checks", MML_CACHE_CHECKS },
	{ "red-zone", MML_CACHE_RED_ZONE },
	{ "poison", MML_CACHE_POISON },
	{ "store-user", MML_CACHE_STORE_USER },
	{ "shuffle", MML_CACHE_SHUFFLE },
};

static bool parse_flag(const char *name, uint32_t *flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if (!strcmp(name, flag_names[i].name)) {
			*flags |= flag_names[i].flag;
			return true;
		}
	}
	return false;
}

/* Of the options in front of argv[end]: --flag may be given several times. */
static bool parse_flags(int end, char **argv, uint32_t *flags)
{
	for (int i = 1; i < end; i++) {
		if (!strncmp(argv[i], "--flag=", 7)) {
			if (!parse_flag(argv[i] + 7, flags))
				return false;
		} else if (!strcmp(argv[i], "--flag") && !parse_flag(argv[++i], flags)) {
			return false;
		}
	}
	return true;
}

static bool parse_path(const char *text, uint32_t *path)
{
	*path = strcmp(text, "sheaves") ? MML_CACHE_CPU_SLABS : MML_CACHE_SHEAVES;
	return !strcmp(text, "sheaves") || !strcmp(text, "cpu-slabs");
}

/* It stands in a line of slabinfo, which has spaces between its columns. */
static bool parse_name(const char *text, char *name)
{
	if (!*text || strlen(text) >= MML_CACHE_NAME_LEN || strpbrk(text, " \t\n#"))
		return false;
	strcpy(name, text);
	return true;
}

/**
 * struct texts - options of mmlab cache run, as they were given; NULL: not given
 * @size: bytes of an object
 * @align: of objects
 * @path: how CPUs serve themselves
 * @sheaf: objects in a sheaf
 * @name: of the cache
 * @flag: the last of the flags
 */
struct texts {
	const char *size;
	const char *align;
	const char *path;
	const char *sheaf;
	const char *name;
	const char *flag;
};

/* Returns 0, or the exit status after a message. */
static int parse_create(const struct texts *texts, struct mml_cache_create *create)
{
	uint64_t n = 0;

	if (!texts->size)
		return usage_error("how large is an object? --size BYTES");
	if (!parse_size(texts->size, &n) || !n || n > MAX_SIZE)
		return usage_error("--size is 1 byte to %uM, not '%s'", MAX_SIZE >> 20, texts->size);
	create->object_size = (uint32_t)n;
	n = 0;
	if (texts->align && (!parse_size(texts->align, &n) || !n || n & (n - 1) ||
			     n > (uint64_t)sysconf(_SC_PAGESIZE)))
		return usage_error("--align is a power of two up to a page, not '%s'", texts->align);
	create->align = (uint32_t)n;
	if (texts->path && !parse_path(texts->path, &create->path))
		return usage_error("--path is sheaves or cpu-slabs, not '%s'", texts->path);
	n = 0;
	if (texts->sheaf && (!parse_number(texts->sheaf, MAX_SHEAF, &n) || !n))
		return usage_error("--sheaf is 1 to %u objects, not '%s'", MAX_SHEAF, texts->sheaf);
	create->sheaf_capacity = (uint32_t)n;
	if (n && create->path != MML_CACHE_SHEAVES)
		return usage_error("--sheaf is for --path sheaves");
	if (create->flags & MML_CACHE_KMALLOC) {
		if (create->flags != MML_CACHE_KMALLOC || texts->align || texts->path ||
		    texts->sheaf || texts->name)
			return usage_error("with --flag kmalloc there is no cache of one's own: it takes no\n"
					   "other flag, --align, --path, --sheaf or --name");
	} else if (!parse_name(texts->name ? texts->name : DEFAULT_NAME, create->name)) {
		return usage_error("'%s' is no name: up to %u characters without spaces",
				   texts->name, MML_CACHE_NAME_LEN - 1);
	}
	return 0;
}

static int run_command(int argc, char **argv)
{
	const char *count = "1000", *nr_free = "0", *seed = NULL, *seconds = NULL, *machine = NULL;
	struct life life = { .machine = MML_MACHINE_DEFAULT };
	uint64_t n_count, n_free, n_seconds = 0;
	bool random = false, zero = false;
	struct texts texts = { 0 };
	const struct option_spec options[] = {
		{ "--size", &texts.size, NULL },   { "--align", &texts.align, NULL },
		{ "--path", &texts.path, NULL },   { "--sheaf", &texts.sheaf, NULL },
		{ "--name", &texts.name, NULL },   { "--flag", &texts.flag, NULL },
		{ "--count", &count, NULL },	   { "--free", &nr_free, NULL },
		{ "--random", NULL, &random },	   { "--seed", &seed, NULL },
		{ "--shrink", NULL, &life.shrink }, { "--zero", NULL, &zero },
		{ "--hold", &seconds, NULL },	   { "--machine", &machine, NULL },
		{ "--validate", NULL, &life.validate },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options)), status;

	if (arg < 0)
		return EXIT_USAGE;
	if (arg < argc && strcmp(argv[arg - 1], "--"))
		return usage_error("a command to hold the objects for comes behind --");
	if (!parse_flags(arg, argv, &life.create.flags))
		return usage_error("--flag is hwcache-align, reclaim, dma, typesafe, no-merge, kmalloc,\n"
				   "checks, red-zone, poison, store-user or shuffle, and may be given several\n"
				   "times");
	status = parse_create(&texts, &life.create);
	if (status)
		return status;
	if (!parse_number(count, MAX_COUNT, &n_count) || !n_count)
		return usage_error("--count is 1 to %u, not '%s'", MAX_COUNT, count);
	if (!parse_number(nr_free, n_count, &n_free))
		return usage_error("--free is up to what --count says, not '%s'", nr_free);
	if (seed && !parse_number(seed, UINT64_MAX, &life.seed))
		return usage_error("'%s' is not a number for a seed", seed);
	if ((random && !n_free) || (seed && !random))
		return usage_error("--seed is for --random, and that for --free");
	if (seconds && !parse_number(seconds, MAX_HOLD, &n_seconds))
		return usage_error("--hold is a number of seconds, not '%s'", seconds);
	if (seconds && arg < argc)
		return usage_error("--hold or a command, not both");
	if (!parse_machine(machine, &life.machine))
		return usage_error("'%s' is no machine's number", machine);

	life.count = (uint32_t)n_count;
	life.nr_free = (uint32_t)n_free;
	life.alloc_flags = zero ? MML_CACHE_ZERO : 0;
	life.free_flags = random ? MML_CACHE_RANDOM : 0;
	life.seconds = (unsigned int)n_seconds;
	life.argv = arg < argc ? argv + arg : NULL;
	return with_session(&life);
}

static int cache_command(int argc, char **argv)
{
	if (argc < 2)
		return usage_error("run, list, show, shrink or validate?");
	if (!strcmp(argv[1], "run"))
		return run_command(argc - 1, argv + 1);
	if (!strcmp(argv[1], "list"))
		return list_command(argc - 1, argv + 1);
	if (!strcmp(argv[1], "show"))
		return cache_show(argc - 1, argv + 1);
	if (!strcmp(argv[1], "shrink") || !strcmp(argv[1], "validate"))
		return cache_act(argc - 1, argv + 1);
	return usage_error("there is no '%s': run, list, show, shrink or validate", argv[1]);
}

const struct command cmd_cache = {
	.name = "cache",
	.arguments = "run [OPTIONS] --size BYTES [--hold SECONDS | -- COMMAND...]\n"
		     "       mmlab cache list [--machine N | --file PATH] [--all] [--json]\n"
		     "       mmlab cache show [--machine N] [--json] NAME\n"
		     "       mmlab cache shrink|validate [--machine N] NAME",
	.summary = "object caches: those there are, or one for a while",
	.help =
		"An object cache cuts blocks of frames, its slabs, into objects of one size. It\n"
		"belongs to a session, and so to one process: run makes a cache, allocates objects\n"
		"of it and frees some, prints what it has then, holds it, frees what is left and\n"
		"destroys it.\n"
		"\n"
		"  --size BYTES     of an object, up to 4M; K and M are understood\n"
		"  --align BYTES    objects begin at multiples of that, a power of two up to a page\n"
		"  --path NAME      how CPUs serve themselves: sheaves, arrays of objects, as in Linux\n"
		"                   7.0 (unless given); cpu-slabs, a slab each, as in Linux 6.12\n"
		"  --sheaf N        objects in a sheaf, up to 1024; by their size unless given\n"
		"  --flag FLAG      may be given several times: hwcache-align, objects begin at cache\n"
		"                   lines; reclaim, slabs come from reclaimable pageblocks; dma, from\n"
		"                   zone DMA; typesafe, slabs stay until RCU's readers are done;\n"
		"                   no-merge, it is shared with no other cache of the same shape;\n"
		"                   kmalloc, no cache at all: objects come from kmalloc.\n"
		"                   Those of a debugged cache, which has no fast path: checks, objects\n"
		"                   are looked at when they come and go; red-zone, bytes around each\n"
		"                   have to stay as they are; poison, what is free has a pattern;\n"
		"                   store-user, who allocated and who freed each is kept;\n"
		"                   shuffle: objects of new slabs come in random order\n"
		"  --count N        allocate so many objects, 1000 unless given: all or none\n"
		"  --free N         and free so many of them: the oldest, or, with --random, any\n"
		"  --seed N         of that choice, for runs that are to be repeated: on one CPU, with\n"
		"                   taskset, the same objects share a slab\n"
		"  --shrink         then give back slabs that are empty, and what CPUs keep\n"
		"  --validate       check all objects of a debugged cache in the end, before those that\n"
		"                   are left are freed; exit status 1 if something is wrong\n"
		"  --zero           objects are zeroed\n"
		"  --name NAME      of the cache, " DEFAULT_NAME " unless given\n"
		"  --machine N      on this machine, 0 unless given\n"
		"  --hold SECONDS   keep it for a while, or while a COMMAND runs\n"
		"\n"
		"  mmlab cache run --size 100 -- mmlab cache list        make it, and look at it\n"
		"  mmlab cache run --size 100 --free 900 --shrink        few slabs are left\n"
		"  mmlab cache run --size 100 --free 900 --random --shrink    most of them are\n"
		"  mmlab cache run --size 100 --flag red-zone --flag store-user --validate\n"
		"\n"
		"With a COMMAND the exit status is the command's, 128 + n if signal n killed it; 125\n"
		"if it was not started.\n"
		"\n"
		"list shows the caches of a machine that have slabs: how large their objects are, how\n"
		"many of them are in use, and what memory their slabs have.\n"
		"\n"
		"  --file PATH  those of another slabinfo: /proc/slabinfo has those of the kernel\n"
		"               that runs\n"
		"  --all        those without slabs, too\n"
		"  --json       an object with an array of caches; for example\n"
		"                 mmlab cache list --json | jq '.caches[] | {name, in_use, frames}'\n"
		"\n"
		"show tells all there is to say of one: how its objects lie in its slabs, where these\n"
		"are, what CPUs keep, how it is debugged, and, with store-user, which places in the\n"
		"code allocated and freed its objects most often.\n"
		"\n"
		"  mmlab cache show kmalloc-64\n"
		"  mmlab cache run --size 100 --flag store-user -- mmlab cache show mmlab\n"
		"\n"
		"shrink gives back what a cache has and does not need: slabs that are empty, and what\n"
		"CPUs keep. validate checks all objects of a debugged one; exit status 1 if something\n"
		"is wrong. They are for caches of others; run has options for its own.\n"
		"\n"
		"What is read: debugfs slabinfo, and slab/NAME/, a file for each thing. They have the\n"
		"kernel's formats.\n",
	.run = cache_command,
};
