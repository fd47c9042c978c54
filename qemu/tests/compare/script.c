// SPDX-License-Identifier: GPL-2.0
/*
 * Operations as text.
 *
 *	# a remark
 *	case NAME
 *	[differs WHY]
 *	[VARIABLE =] mmap PLACE LENGTH PROT [FLAG...]
 *	munmap PLACE LENGTH
 *	mprotect PLACE LENGTH PROT
 *	[VARIABLE =] mremap PLACE LENGTH LENGTH [FLAG...] [to PLACE]
 *	madvise PLACE LENGTH ADVICE
 *	mincore PLACE LENGTH		which pages are resident
 *	msync PLACE LENGTH [FLAG...]
 *	mlock PLACE LENGTH [onfault]
 *	munlock PLACE LENGTH
 *	mlockall [FLAG...]
 *	munlockall
 *	[VARIABLE =] brk PLACE		the heap begins at A
 *	limit RESOURCE LENGTH		how much more may be mapped (as, data); may be locked
 *					(memlock); how long a stack may be (stack)
 *	locked				how many pages are
 *	load PLACE [LENGTH]		read the first byte of each page
 *	store PLACE BYTE [LENGTH]	write it
 *	run PLACE			call what is there; 195 is a function that returns
 *	maps				what is mapped in the arena
 *	fork [COUNT]			a child makes the COUNT operations that follow, or all, and
 *					ends; then its parent makes them
 *
 * A PLACE is A, where the arena begins, a variable, or 0, with LENGTHs added or taken away:
 * A+3, p-0.1. A LENGTH is a number of pages, and of bytes after a point: 3, 0.100, 3.1; or
 * 0x and bytes, for what is none of these. PROT is any of r, w and x, or -. A FLAG is the end of
 * its name in C, in lower case, as is an ADVICE; either may also be a number with 0x. Mappings
 * are private and anonymous unless a flag says otherwise.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "compare.h"

#define MAX_LINE	256

static const char *const call_names[NR_CALLS] = {
	[MMAP] = "mmap", [MUNMAP] = "munmap", [MPROTECT] = "mprotect", [MREMAP] = "mremap",
	[MADVISE] = "madvise", [MINCORE] = "mincore", [MSYNC] = "msync", [MLOCK] = "mlock",
	[MUNLOCK] = "munlock", [MLOCKALL] = "mlockall", [MUNLOCKALL] = "munlockall", [BRK] = "brk",
	[LIMIT] = "limit", [LOCKED] = "locked", [LOAD] = "load", [STORE] = "store", [RUN] = "run",
	[MAPS] = "maps", [FORK] = "fork",
};

/* A word, and what becomes of the flags by it: @clear goes, @value comes. */
struct word {
	const char *name;
	uint32_t value;
	uint32_t clear;
};

static const struct word map_flags[] = {
	{ "shared", MAP_SHARED, MAP_TYPE },
	{ "shared_validate", MAP_SHARED_VALIDATE, MAP_TYPE },
	{ "untyped", 0, MAP_TYPE },
	{ "file", 0, MAP_ANONYMOUS },
	{ "fixed", MAP_FIXED, 0 },
	{ "fixed_noreplace", MAP_FIXED_NOREPLACE, 0 },
	{ "noreserve", MAP_NORESERVE, 0 },
	{ "populate", MAP_POPULATE, 0 },
	{ "nonblock", MAP_NONBLOCK, 0 },
	{ "stack", MAP_STACK, 0 },
	{ "growsdown", MAP_GROWSDOWN, 0 },
	{ "locked", MAP_LOCKED, 0 },
	{ "hugetlb", MAP_HUGETLB, 0 },
	{}
};

static const struct word remap_flags[] = {
	{ "maymove", MREMAP_MAYMOVE, 0 },
	{ "fixed", MREMAP_FIXED, 0 },
	{ "dontunmap", MREMAP_DONTUNMAP, 0 },
	{}
};

static const struct word sync_flags[] = {
	{ "async", MS_ASYNC, 0 },
	{ "invalidate", MS_INVALIDATE, 0 },
	{ "sync", MS_SYNC, 0 },
	{}
};

static const struct word lock_flags[] = {
	{ "onfault", MLOCK_ONFAULT, 0 },
	{}
};

static const struct word lockall_flags[] = {
	{ "current", MCL_CURRENT, 0 },
	{ "future", MCL_FUTURE, 0 },
	{ "onfault", MCL_ONFAULT, 0 },
	{}
};

static const struct word resources[] = {
	{ "as", RLIMIT_AS, ~0U },
	{ "data", RLIMIT_DATA, ~0U },
	{ "memlock", RLIMIT_MEMLOCK, ~0U },
	{ "stack", RLIMIT_STACK, ~0U },
	{}
};

static const struct word advices[] = {
	{ "normal", MADV_NORMAL, ~0U },
	{ "random", MADV_RANDOM, ~0U },
	{ "sequential", MADV_SEQUENTIAL, ~0U },
	{ "willneed", MADV_WILLNEED, ~0U },
	{ "dontneed", MADV_DONTNEED, ~0U },
	{ "free", MADV_FREE, ~0U },
	{ "remove", MADV_REMOVE, ~0U },
	{ "dontfork", MADV_DONTFORK, ~0U },
	{ "dofork", MADV_DOFORK, ~0U },
	{ "mergeable", MADV_MERGEABLE, ~0U },
	{ "unmergeable", MADV_UNMERGEABLE, ~0U },
	{ "hugepage", MADV_HUGEPAGE, ~0U },
	{ "nohugepage", MADV_NOHUGEPAGE, ~0U },
	{ "dontdump", MADV_DONTDUMP, ~0U },
	{ "dodump", MADV_DODUMP, ~0U },
	{ "wipeonfork", MADV_WIPEONFORK, ~0U },
	{ "keeponfork", MADV_KEEPONFORK, ~0U },
	{ "cold", MADV_COLD, ~0U },
	{ "pageout", MADV_PAGEOUT, ~0U },
	{ "populate_read", MADV_POPULATE_READ, ~0U },
	{ "populate_write", MADV_POPULATE_WRITE, ~0U },
	{}
};

/*
 * Printing
 */

static void print_length(FILE *out, uint64_t length)
{
	if (length >> 40)
		fprintf(out, "%#lx", length);
	else if (length % PAGE)
		fprintf(out, "%lu.%lu", length / PAGE, length % PAGE);
	else
		fprintf(out, "%lu", length / PAGE);
}

static void print_place(FILE *out, const struct place *place)
{
	const uint64_t offset = (uint64_t)place->offset;

	if (!place->base) {
		fprintf(out, offset ? "%#lx" : "0", offset);
		return;
	}
	putc(place->base, out);
	if (!offset)
		return;
	putc(place->offset < 0 ? '-' : '+', out);
	print_length(out, place->offset < 0 ? -offset : offset);
}

static void print_prot(FILE *out, uint32_t prot)
{
	if (prot & ~(uint32_t)MODE_RWX)
		fprintf(out, " %#x", prot);
	else
		fprintf(out, " %s%s%s%s", prot & PROT_READ ? "r" : "", prot & PROT_WRITE ? "w" : "",
			prot & PROT_EXEC ? "x" : "", prot ? "" : "-");
}

static void print_flags(FILE *out, uint32_t flags, const struct word *words)
{
	for (; words->name && flags; words++) {
		if (words->value && !words->clear && (flags & words->value) == words->value) {
			fprintf(out, " %s", words->name);
			flags &= ~words->value;
		}
	}
	if (flags)
		fprintf(out, " %#x", flags);
}

/* The one word that means @value. */
static void print_word(FILE *out, uint32_t value, const struct word *words)
{
	for (; words->name; words++) {
		if (words->value == value) {
			fprintf(out, " %s", words->name);
			return;
		}
	}
	fprintf(out, " %#x", value);
}

static void print_map_flags(FILE *out, uint32_t flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_PRIVATE:
		break;
	case MAP_SHARED:
		fputs(" shared", out);
		break;
	case MAP_SHARED_VALIDATE:
		fputs(" shared_validate", out);
		break;
	default:
		fputs(" untyped", out);
	}
	if (!(flags & MAP_ANONYMOUS))
		fputs(" file", out);
	print_flags(out, flags & ~(uint32_t)(MAP_TYPE | MAP_ANONYMOUS), map_flags);
}

/* Does it begin with where? */
static bool has_place(enum call call)
{
	switch (call) {
	case MAPS:
	case FORK:
	case MLOCKALL:
	case MUNLOCKALL:
	case LIMIT:
	case LOCKED:
		return false;
	default:
		return true;
	}
}

/**
 * op_print - an operation as it is written
 * @out: where to
 * @op: the operation
 */
void op_print(FILE *out, const struct op *op)
{
	if (op->result)
		fprintf(out, "%c = ", op->result);
	fputs(call_names[op->call], out);
	if (op->call == FORK && op->flags)
		fprintf(out, " %u", op->flags);
	if (op->call == MLOCKALL)
		print_flags(out, op->flags, lockall_flags);
	if (op->call == LIMIT) {
		print_word(out, op->flags, resources);
		putc(' ', out);
		print_length(out, op->length);
	}
	if (!has_place(op->call))
		return;
	putc(' ', out);
	print_place(out, &op->addr);
	if (op->call == STORE)
		fprintf(out, " %u", op->flags);
	if (op->call == RUN || op->call == BRK || ((op->call == LOAD || op->call == STORE) && op->length == PAGE))
		return;
	putc(' ', out);
	print_length(out, op->length);
	switch (op->call) {
	case MMAP:
		print_prot(out, op->prot);
		print_map_flags(out, op->flags);
		break;
	case MPROTECT:
		print_prot(out, op->prot);
		break;
	case MREMAP:
		putc(' ', out);
		print_length(out, op->new_length);
		print_flags(out, op->flags, remap_flags);
		break;
	case MADVISE:
		print_word(out, op->flags, advices);
		break;
	case MSYNC:
		print_flags(out, op->flags, sync_flags);
		break;
	case MLOCK:
		print_flags(out, op->flags, lock_flags);
		break;
	default:
		break;
	}
	if (op->has_to) {
		fputs(" to ", out);
		print_place(out, &op->to);
	}
}

/*
 * Reading
 */

static const char *reading;
static unsigned int line_number;

static void __attribute__((noreturn)) wrong(const char *what, const char *word)
{
	bail("%s, line %u: %s: '%s'", reading, line_number, what, word ? word : "");
}

static char *next_word(char **line)
{
	char *word;

	do
		word = strsep(line, " \t\n");
	while (word && !*word);
	return word;
}

/* Of what is at *@text, which then points behind it. */
static uint64_t parse_length(const char **text, const char *word)
{
	const bool hex = !strncmp(*text, "0x", 2);
	uint64_t length;
	char *end;

	if (!isdigit(**text))
		wrong("this is no length", word);
	length = strtoull(*text, &end, hex ? 16 : 10) * (hex ? 1 : PAGE);
	if (!hex && *end == '.' && isdigit(end[1]))
		length += strtoull(end + 1, &end, 10);
	*text = end;
	return length;
}

static uint64_t length_of(const char *word)
{
	const char *text = word ? word : "";
	const uint64_t length = parse_length(&text, word);

	if (*text)
		wrong("this is no length", word);
	return length;
}

static struct place place_of(const char *word)
{
	struct place place = { 0 };
	const char *text = word ? word : "";

	if (*text == 'A' || islower(*text))
		place.base = *text++;
	else
		place.offset = (int64_t)parse_length(&text, word);
	while (*text == '+' || *text == '-') {
		const bool minus = *text++ == '-';
		const uint64_t length = parse_length(&text, word);

		place.offset += (int64_t)(minus ? -length : length);
	}
	if (*text || !word)
		wrong("this is no place", word);
	return place;
}

static uint32_t prot_of(const char *word)
{
	uint32_t prot = 0;

	if (word && !strncmp(word, "0x", 2))
		return (uint32_t)length_of(word);
	for (const char *letter = word; letter && *letter && strcmp(word, "-"); letter++) {
		const char *at = strchr("rwx", *letter);

		if (!at)
			wrong("this is no protection", word);
		prot |= 1U << (at - "rwx");
	}
	if (!word)
		wrong("a protection is missing", word);
	return prot;
}

static uint32_t flag_of(uint32_t flags, const char *word, const struct word *words)
{
	if (!strncmp(word, "0x", 2))
		return flags | (uint32_t)length_of(word);
	for (; words->name; words++) {
		if (!strcmp(words->name, word))
			return (flags & ~words->clear) | words->value;
	}
	wrong("there is no such flag", word);
}

/* What is left of the line: flags, and perhaps a place that something goes to. */
static void parse_flags(struct op *op, char **line, const struct word *words)
{
	char *word;

	while ((word = next_word(line))) {
		if (!strcmp(word, "to")) {
			op->to = place_of(next_word(line));
			op->has_to = true;
		} else {
			op->flags = flag_of(op->flags, word, words);
		}
	}
}

static enum call call_of(const char *word)
{
	enum call call = 0;

	while (!word || strcmp(call_names[call], word)) {
		if (!word || ++call == NR_CALLS)
			wrong("there is no such operation", word);
	}
	return call;
}

static void parse_arguments(struct op *op, char **line)
{
	char *word;

	op->addr = place_of(next_word(line));
	switch (op->call) {
	case STORE:
		word = next_word(line);
		op->flags = word ? (uint32_t)strtoul(word, NULL, 0) : 0;
		/* fall through */
	case LOAD:
		word = next_word(line);
		op->length = word ? length_of(word) : PAGE;
		break;
	case MMAP:
		op->length = length_of(next_word(line));
		op->prot = prot_of(next_word(line));
		op->flags = MAP_PRIVATE | MAP_ANONYMOUS;
		parse_flags(op, line, map_flags);
		break;
	case MUNMAP:
	case MINCORE:
	case MUNLOCK:
		op->length = length_of(next_word(line));
		break;
	case MLOCK:
		op->length = length_of(next_word(line));
		parse_flags(op, line, lock_flags);
		break;
	case MSYNC:
		op->length = length_of(next_word(line));
		parse_flags(op, line, sync_flags);
		break;
	case MPROTECT:
		op->length = length_of(next_word(line));
		op->prot = prot_of(next_word(line));
		break;
	case MREMAP:
		op->length = length_of(next_word(line));
		op->new_length = length_of(next_word(line));
		parse_flags(op, line, remap_flags);
		break;
	case MADVISE:
		op->length = length_of(next_word(line));
		word = next_word(line);
		op->flags = flag_of(0, word ? word : "", advices);
		break;
	default:
		break;
	}
}

static void parse_op(struct op *op, char *word, char *line)
{
	memset(op, 0, sizeof(*op));
	if (islower(*word) && !word[1]) {
		op->result = *word;
		word = next_word(&line);
		if (!word || strcmp(word, "="))
			wrong("a variable is followed by =", word);
		word = next_word(&line);
	}
	op->call = call_of(word);
	if (op->result && op->call != MMAP && op->call != MREMAP && op->call != BRK)
		wrong("this returns no address", word);
	if (op->call == FORK) {
		word = next_word(&line);
		op->flags = word ? (uint32_t)strtoul(word, NULL, 0) : 0;
	} else if (op->call == MLOCKALL) {
		parse_flags(op, &line, lockall_flags);
	} else if (op->call == LIMIT) {
		word = next_word(&line);
		op->flags = flag_of(0, word ? word : "", resources);
		op->length = length_of(next_word(&line));
	} else if (has_place(op->call)) {
		parse_arguments(op, &line);
	}
	word = next_word(&line);
	if (word)
		wrong("this is too much", word);
}

static void *more(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? 2 * *room : 16;
	array = reallocarray(array, *room, size);
	if (!array)
		bail("no memory for %s", reading);
	return array;
}

static char *rest_of(const char *line)
{
	char *text = strdup(line ? line + strspn(line, " \t") : "");

	if (!text)
		bail("no memory for %s", reading);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static struct compare_case *add_case(struct script *script, const char *name)
{
	struct compare_case *last;

	script->cases = more(script->cases, script->count, &script->room, sizeof(*script->cases));
	last = &script->cases[script->count++];
	memset(last, 0, sizeof(*last));
	last->name = rest_of(name);
	return last;
}

/**
 * script_read - add the cases of a file
 * @script: to these
 * @path: of the file
 *
 * What cannot be read ends the program.
 */
void script_read(struct script *script, const char *path)
{
	struct compare_case *last = NULL;
	char buffer[MAX_LINE];
	FILE *file = fopen(path, "re");

	if (!file)
		bail("cannot read %s: %s", path, strerror(errno));
	reading = path;
	line_number = 0;
	while (fgets(buffer, sizeof(buffer), file)) {
		char *line = buffer, *word;

		line_number++;
		word = next_word(&line);
		if (!word || *word == '#')
			continue;
		if (!strcmp(word, "case")) {
			last = add_case(script, line);
		} else if (!last) {
			wrong("there is no case yet", word);
		} else if (!strcmp(word, "differs")) {
			last->differs = rest_of(line);
		} else {
			last->op = more(last->op, last->count, &last->room, sizeof(*last->op));
			parse_op(&last->op[last->count++], word, line);
		}
	}
	fclose(file);
}
