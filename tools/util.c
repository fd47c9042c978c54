// SPDX-License-Identifier: GPL-2.0
/*
 * What every subcommand needs: messages, numbers in and out, options.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mmlab.h"

static void message(const char *fmt, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "mmlab%s%s: ", command_running ? " " : "",
		command_running ? command_running->name : "");
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

/**
 * complain - a message to standard error
 * @fmt: printf format of what was wrong and what to do, without a newline
 */
void complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	message(fmt, args);
	va_end(args);
}

/**
 * usage_error - a message on how the subcommand was called
 * @fmt: printf format of what was wrong, without a newline
 *
 * Return: the exit status for it.
 */
int usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	message(fmt, args);
	va_end(args);
	fprintf(stderr, "usage: mmlab %s %s\n", command_running->name, command_running->arguments);
	return EXIT_USAGE;
}

/**
 * parse_number - a whole number in decimal
 * @text: the number and nothing else
 * @max: the largest it may be
 * @n: out: the number
 *
 * Return: whether it is one.
 */
bool parse_number(const char *text, uint64_t max, uint64_t *n)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*n = strtoull(text, &end, 10);
	return !errno && !*end && *n <= max;
}

/**
 * parse_machine - the value of --machine
 * @text: as given; NULL: not given
 * @machine: out: the number; left alone if not given
 *
 * Return: whether it is a machine's number.
 */
bool parse_machine(const char *text, uint32_t *machine)
{
	uint64_t n;

	if (!text)
		return true;
	if (!parse_number(text, UINT32_MAX - 1, &n))
		return false;
	*machine = (uint32_t)n;
	return true;
}

/**
 * parse_size - an amount of memory
 * @text: a number, with K, M, G or T for a multiple of bytes
 * @bytes: out: the amount
 *
 * Return: whether it is one.
 */
bool parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	int shift = 0;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (*end) {
		unit = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
		if (!unit)
			return false;
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (errno || *end || *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

/* One of a few buffers in turn, so that a printf() can have several. */
static char *text_buffer(void)
{
	static char buffers[8][32];
	static unsigned int next;

	return buffers[next++ % ARRAY_SIZE(buffers)];
}

/**
 * with_commas - a number for people: 16,384
 * @n: the number
 *
 * Return: the text, for the next few calls.
 */
const char *with_commas(uint64_t n)
{
	char *at = text_buffer() + 31;
	unsigned int digits = 0;

	*at = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + n % 10);
		n /= 10;
		digits++;
	} while (n);
	return at;
}

/**
 * as_size - an amount of memory for people: 64 MiB, 1.5 GiB
 * @bytes: the amount
 *
 * Return: the text, for the next few calls.
 */
const char *as_size(uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	unsigned int unit = 0;
	double n = (double)bytes;
	char *text = text_buffer();

	while (n >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		n /= 1024;
		unit++;
	}
	snprintf(text, 32, n == (double)(uint64_t)n ? "%.0f %s" : "%.1f %s", n, units[unit]);
	return text;
}

/**
 * now_ns - a clock that only goes forward
 *
 * Return: nanoseconds.
 */
uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/**
 * sleep_ms - do nothing for a while
 * @ms: milliseconds
 */
void sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/**
 * grow - see that an array has room for one more
 * @array: the array; NULL at first
 * @used: elements in it
 * @room: in, out: elements that fit
 * @size: bytes an element
 *
 * Ends the program if there is no memory.
 *
 * Return: the array, perhaps elsewhere.
 */
void *grow(void *array, size_t used, size_t *room, size_t size)
{
	if (used < *room)
		return array;
	*room = *room ? *room * 2 : 64;
	array = reallocarray(array, *room, size);
	if (!array) {
		complain("out of memory");
		exit(EXIT_FAILURE);
	}
	return array;
}

static const struct option_spec *find_option(const char *text, size_t length,
					     const struct option_spec *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(options[i].name) == length && !strncmp(options[i].name, text, length))
			return &options[i];
	}
	return NULL;
}

/**
 * parse_options - the options in front of the arguments
 * @argc: as the subcommand got it
 * @argv: as the subcommand got it
 * @options: those that there are
 * @count: of @options
 *
 * Takes --name VALUE and --name=VALUE. Ends at the first word that is no option,
 * or behind a --.
 *
 * Return: the index of the first argument; negative after a message.
 */
int parse_options(int argc, char **argv, const struct option_spec *options, size_t count)
{
	const struct option_spec *option;
	size_t length;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (!strcmp(argv[i], "--"))
			return i + 1;
		length = strcspn(argv[i], "=");
		option = find_option(argv[i], length, options, count);
		if (!option || (argv[i][length] && !option->value)) {
			usage_error("there is no option '%s'", argv[i]);
			return -1;
		}
		if (option->flag)
			*option->flag = true;
		if (!option->value)
			continue;
		if (argv[i][length]) {
			*option->value = argv[i] + length + 1;
		} else if (i + 1 < argc) {
			*option->value = argv[++i];
		} else {
			usage_error("%s wants a value", argv[i]);
			return -1;
		}
	}
	return i;
}

/**
 * parse_machine_json - the arguments of a subcommand that takes --machine and --json
 * @argc: of the subcommand
 * @argv: of the subcommand
 * @machine: out: the machine's number, 0 unless given
 * @json: out: whether --json was given
 *
 * Return: true; false after a message.
 */
bool parse_machine_json(int argc, char **argv, uint32_t *machine, bool *json)
{
	const char *number = NULL;
	const struct option_spec options[] = {
		{ "--machine", &number, NULL },
		{ "--json", NULL, json },
	};
	int arg;

	*machine = MML_MACHINE_DEFAULT;
	*json = false;
	arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	if (arg < 0)
		return false;
	if (arg < argc) {
		usage_error("takes no '%s'", argv[arg]);
		return false;
	}
	if (!parse_machine(number, machine)) {
		usage_error("'%s' is no machine's number", number);
		return false;
	}
	return true;
}
