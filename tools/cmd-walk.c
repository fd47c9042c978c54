// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab walk: one address of a session through the four levels of page tables to its frame, from
 * debugfs mm/<session>/walk.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mmlab.h"

#define LEVELS			4

/* The lowest bit of an address that is the index of level 0, and how many bits each level has. */
#define OFFSET_BITS		12
#define INDEX_BITS		9

/* What an entry is made of, as the file names it, and for people; only if it is not there: @not. */
static const struct {
	const char *name;
	const char *text;
	const char *not;
} bits[] = {
	{ "present", "present", "not present" },
	{ "rw", "may be written", "may not be written" },
	{ "user", "for user space", "not for user space" },
	{ "accessed", "accessed", NULL },
	{ "dirty", "dirty", NULL },
	{ "special", "special: no frame of the machine's", NULL },
	{ "around", "around: came along, and was not used", NULL },
	{ "nx", "may not be executed", "may be executed" },
};

/**
 * struct level - a table, and the entry in it
 * @name: of the level
 * @table: the frame of the table
 * @index: of the entry
 * @entry: as it is
 * @bit: whether it has each of @bits
 */
struct level {
	char name[8];
	uint32_t table;
	uint32_t index;
	uint64_t entry;
	bool bit[ARRAY_SIZE(bits)];
};

/**
 * struct mapper - one of those who map the frame
 * @session: the session's number
 * @address: where
 */
struct mapper {
	uint32_t session;
	uint64_t address;
};

/**
 * struct walk - all of it
 * @machine: the machine's number
 * @session: the session's
 * @address: of which it is
 * @vma: the vma there, as text; empty: none
 * @level: tables, from the top
 * @levels: how many there are
 * @page: "none", "zero" or "frame"
 * @frame: its number, with "frame"
 * @mapcount: how many entries map it
 * @refcount: how many references there are to it
 * @state: "used", "around" or "lazyfree"
 * @owner: of what type it is
 * @mapper: who maps it
 * @mappers: how many
 * @room: for how many
 */
struct walk {
	uint32_t machine;
	uint32_t session;
	uint64_t address;
	char vma[64];
	struct level level[LEVELS];
	size_t levels;
	char page[8];
	uint32_t frame;
	uint32_t mapcount;
	uint32_t refcount;
	char state[16];
	char owner[32];
	struct mapper *mapper;
	size_t mappers;
	size_t room;
};

/*
 * Reading.
 */

static bool read_bits(struct level *level, char *text)
{
	char *at;

	for (const char *word = strtok_r(text, "\n ", &at); word; word = strtok_r(NULL, "\n ", &at)) {
		size_t i = 0;

		while (i < ARRAY_SIZE(bits) && strcmp(bits[i].name, word))
			i++;
		if (i == ARRAY_SIZE(bits))
			return false;
		level->bit[i] = true;
	}
	return true;
}

static bool read_mapper(struct walk *walk, const char *line)
{
	struct mapper mapper;

	if (sscanf(line, "mapped: session %" SCNu32 " address %" SCNx64, &mapper.session,
		   &mapper.address) != 2)
		return false;
	walk->mapper = grow(walk->mapper, walk->mappers, &walk->room, sizeof(*walk->mapper));
	walk->mapper[walk->mappers++] = mapper;
	return true;
}

static bool read_line(struct walk *walk, char *line)
{
	struct level level = { 0 };
	int behind = 0;

	if (sscanf(line, "address: %" SCNx64, &walk->address) == 1)
		return true;
	if (sscanf(line, "vma: %63[^\n]", walk->vma) == 1)
		return true;
	if (sscanf(line, "page: frame %" SCNu32 " mapcount %" SCNu32 " refcount %" SCNu32
		   " state %15s owner %31[^\n]", &walk->frame, &walk->mapcount, &walk->refcount,
		   walk->state, walk->owner) == 5) {
		strcpy(walk->page, "frame");
		return true;
	}
	if (sscanf(line, "page: %7s", walk->page) == 1)
		return true;
	if (read_mapper(walk, line))
		return true;
	if (sscanf(line, "%7[^:]: table %" SCNu32 " index %" SCNu32 " entry %" SCNx64 "%n", level.name,
		   &level.table, &level.index, &level.entry, &behind) != 4 ||
	    walk->levels == LEVELS || !read_bits(&level, line + behind))
		return false;
	walk->level[walk->levels++] = level;
	return true;
}

static bool read_walk(struct walk *walk)
{
	char name[64], question[32], *line = NULL;
	size_t size = 0;
	bool good = true;
	FILE *file;

	snprintf(name, sizeof(name), "mm/%u/walk", walk->session);
	snprintf(question, sizeof(question), "%" PRIx64, walk->address);
	file = debugfs_ask(walk->machine, name, question);
	if (!file)
		return false;
	while (good && getline(&line, &size, file) > 0)
		good = read_line(walk, line);
	good = good && !ferror(file) && *walk->page;
	free(line);
	fclose(file);
	if (!good)
		debugfs_not_understood(walk->machine, name);
	return good;
}

/*
 * Text.
 */

/* The address, cut into its indices. */
static void print_address(uint64_t address)
{
	static const char *const names[LEVELS] = { "pgd", "pud", "pmd", "pte" };

	printf("%-8s", "");
	for (unsigned int i = 0; i < LEVELS; i++)
		printf("%8s", names[i]);
	printf("%10s\n%-8s", "offset", "bits");
	for (unsigned int level = LEVELS; level--;) {
		const unsigned int lowest = OFFSET_BITS + level * INDEX_BITS;

		printf("   %2u-%2u", lowest + INDEX_BITS - 1, lowest);
	}
	printf("%10s\n%-8s", "11-0", "value");
	for (unsigned int level = LEVELS; level--;)
		printf("%8" PRIu64, address >> (OFFSET_BITS + level * INDEX_BITS) &
		       ((1U << INDEX_BITS) - 1));
	printf("     0x%03" PRIx64 "\n\n", address & ((1U << OFFSET_BITS) - 1));
}

static void print_level(const struct level *level)
{
	const char *separator = "    ";

	printf("%s, in frame %s: entry %u is 0x%016" PRIx64 "\n", level->name,
	       with_commas(level->table), level->index, level->entry);
	if (!level->bit[0]) {
		puts("    not present: the walk ends here");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		const char *text = level->bit[i] ? bits[i].text : bits[i].not;

		/* What tables below allow is the last one's business. */
		if (!text || (!strcmp(bits[i].name, "nx") && strcmp(level->name, "pte")))
			continue;
		printf("%s%s", separator, text);
		separator = ", ";
	}
	putchar('\n');
}

static void print_frame(const struct walk *walk)
{
	printf("The page is frame %s, %s.\n", with_commas(walk->frame), walk->owner);
	if (!strcmp(walk->state, "around"))
		puts("It came along with another one (fault-around), and nobody has used it: it is\n"
		     "not resident.");
	if (!strcmp(walk->state, "lazyfree"))
		puts("It was given up (MADV_FREE), and goes when memory is short, unless it is written\n"
		     "before.");
	printf("References to it: %s. Entries that map it: %s:\n", with_commas(walk->refcount),
	       with_commas(walk->mapcount));
	for (size_t i = 0; i < walk->mappers; i++)
		printf("    session %u at 0x%" PRIx64 "%s\n", walk->mapper[i].session,
		       walk->mapper[i].address,
		       walk->mapper[i].session == walk->session ? ", this one" : "");
}

static void print_page(const struct walk *walk)
{
	if (!strcmp(walk->page, "frame"))
		print_frame(walk);
	else if (!strcmp(walk->page, "zero"))
		puts("The page is the zero page, which is the kernel's: it was read, and never\n"
		     "written.");
	else if (strcmp(walk->vma, "none"))
		puts("No page is mapped there yet: the first touch is a fault.");
	else
		puts("Nothing is mapped there: a touch is SIGSEGV.");
}

static void print_walk(const struct walk *walk)
{
	printf("address 0x%" PRIx64 " of session %u of machine %u\n", walk->address, walk->session,
	       walk->machine);
	printf("vma %s\n\n", walk->vma);
	print_address(walk->address);
	if (!walk->levels)
		puts("There is no page table at all: no page of this mm was ever touched.");
	for (size_t i = 0; i < walk->levels; i++)
		print_level(&walk->level[i]);
	putchar('\n');
	print_page(walk);
}

/*
 * JSON.
 */

static void json_level(const struct level *level, bool more)
{
	const char *separator = "";

	printf("    { \"name\": \"%s\", \"table\": %u, \"index\": %u, \"entry\": \"0x%016" PRIx64
	       "\", \"bits\": [", level->name, level->table, level->index, level->entry);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (!level->bit[i])
			continue;
		printf("%s\"%s\"", separator, bits[i].name);
		separator = ", ";
	}
	printf("] }%s\n", more ? "," : "");
}

static void json_key(const char *key, const char *text)
{
	printf("  \"%s\": ", key);
	json_string(stdout, text);
	puts(",");
}

static void json_frame(const struct walk *walk)
{
	json_number(stdout, "frame", walk->frame, true);
	json_key("owner", walk->owner);
	json_key("state", walk->state);
	json_number(stdout, "mapcount", walk->mapcount, true);
	json_number(stdout, "refcount", walk->refcount, true);
}

static void json_walk(const struct walk *walk)
{
	puts("{");
	json_number(stdout, "machine", walk->machine, true);
	json_number(stdout, "session", walk->session, true);
	json_number(stdout, "address", walk->address, true);
	json_key("vma", walk->vma);
	puts("  \"levels\": [");
	for (size_t i = 0; i < walk->levels; i++)
		json_level(&walk->level[i], i + 1 < walk->levels);
	puts("  ],");
	json_key("page", walk->page);
	if (!strcmp(walk->page, "frame"))
		json_frame(walk);
	printf("  \"mapped\": [");
	for (size_t i = 0; i < walk->mappers; i++)
		printf("%s\n    { \"session\": %u, \"address\": %" PRIu64 " }", i ? "," : "",
		       walk->mapper[i].session, walk->mapper[i].address);
	printf("%s]\n}\n", walk->mappers ? "\n  " : "");
}

/*
 * The command.
 */

/* An address as maps has them, or with 0x before it. */
static bool parse_address(const char *text, uint64_t *address)
{
	char *end;

	if (!strchr("0123456789abcdefABCDEF", *text) || !*text)
		return false;
	errno = 0;
	*address = strtoull(text, &end, 16);
	return !errno && !*end && *address < 1ULL << (OFFSET_BITS + LEVELS * INDEX_BITS);
}

/* The one session that @wanted means. */
static bool find_session(uint32_t machine, uint64_t wanted, uint32_t *session)
{
	struct sessions sessions = { 0 };
	bool found = sessions_list(machine, &sessions) &&
		     sessions_select(machine, &sessions, wanted);

	if (found && sessions.count > 1) {
		complain("process %" PRIu64 " has %zu sessions: give the number of one, from mmlab maps",
			 wanted, sessions.count);
		found = false;
	}
	if (found)
		*session = sessions.number[0];
	free(sessions.number);
	return found;
}

static int walk(int argc, char **argv)
{
	const char *number = NULL;
	bool json = false, good;
	const struct option_spec options[] = {
		{ "--machine", &number, NULL },
		{ "--json", NULL, &json },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	struct walk walk = { .machine = MML_MACHINE_DEFAULT };
	uint64_t wanted;

	if (arg < 0)
		return EXIT_USAGE;
	if (argc - arg != 2)
		return usage_error("takes a session and an address");
	if (!parse_machine(number, &walk.machine))
		return usage_error("'%s' is no machine's number", number);
	if (!parse_number(argv[arg], UINT32_MAX, &wanted))
		return usage_error("'%s' is no session's number and no process", argv[arg]);
	if (!parse_address(argv[arg + 1], &walk.address))
		return usage_error("'%s' is no address: it is hexadecimal, as mmlab maps has them",
				   argv[arg + 1]);
	good = find_session(walk.machine, wanted, &walk.session) && read_walk(&walk);
	if (good && json)
		json_walk(&walk);
	else if (good)
		print_walk(&walk);
	free(walk.mapper);
	return good ? 0 : EXIT_FAILURE;
}

const struct command cmd_walk = {
	.name = "walk",
	.arguments = "[--machine N] [--json] SESSION|PID ADDRESS",
	.summary = "an address through the page tables to its frame",
	.help =
		"Walks the lab's page tables as a CPU walks the real ones: nine bits of the\n"
		"address are the index into each of four tables, and the entry there leads to\n"
		"the next; the last one leads to the page. Says of each entry what it is made\n"
		"of, and of the page which frame it is, and which sessions map it.\n"
		"\n"
		"ADDRESS is hexadecimal, as mmlab maps has them. Frames, also those of tables,\n"
		"have the numbers that mmlab map --json has.\n"
		"\n"
		"  mmlab run sleep 60 & sleep 1; mmlab maps\n"
		"  mmlab walk 1 10fffffff000\n",
	.run = walk,
};
