/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mmlab, inside: what its subcommands share.
 *
 * A subcommand is a struct command in a file of its own, cmd-<name>.c, listed in
 * mmlab.c. Results go to standard output, messages to standard error; a message
 * says what was wrong and what to do about it. Exit status 0: done; 1: what was
 * asked for could not be done, or a check failed; 2: asked wrongly. Those that
 * run a command of the user's exit as it does (see child.c).
 */
#ifndef _MMLAB_H
#define _MMLAB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "mm_lab/uapi/mm_lab.h"

#define EXIT_USAGE		2

/* The exit status of a subcommand that runs one, when it could not begin to. */
#define EXIT_NOT_STARTED	125

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/**
 * struct command - a subcommand
 * @name: its name
 * @arguments: what may follow the name, for the usage line
 * @summary: what it does, in one line
 * @help: what it does, at length, with examples
 * @run: does it; argv[0] is the name; returns the exit status
 */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_info;
extern const struct command cmd_run;
extern const struct command cmd_trace;
extern const struct command cmd_maps;
extern const struct command cmd_walk;
extern const struct command cmd_stat;
extern const struct command cmd_validate;
extern const struct command cmd_alloc;
extern const struct command cmd_explain;
extern const struct command cmd_map;
extern const struct command cmd_buddy;
extern const struct command cmd_frag;
extern const struct command cmd_zones;
extern const struct command cmd_cache;
extern const struct command cmd_machine;

/* The subcommand that is running, for messages. */
extern const struct command *command_running;

/* util.c: messages, numbers, options */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool parse_number(const char *text, uint64_t max, uint64_t *n);
bool parse_machine(const char *text, uint32_t *machine);
bool parse_size(const char *text, uint64_t *bytes);
const char *with_commas(uint64_t n);
const char *as_size(uint64_t bytes);
uint64_t now_ns(void);
void sleep_ms(unsigned int ms);
void *grow(void *array, size_t used, size_t *room, size_t size);

/**
 * struct option_spec - an option of a subcommand
 * @name: with its dashes
 * @value: where its value goes; NULL for a flag
 * @flag: set to true when it is given; may be NULL if @value is not
 */
struct option_spec {
	const char *name;
	const char **value;
	bool *flag;
};

int parse_options(int argc, char **argv, const struct option_spec *options, size_t count);
bool parse_machine_json(int argc, char **argv, uint32_t *machine, bool *json);

/* device.c: the device and what its errors mean */
int device_open(void);
bool device_info(int fd, uint32_t machine, uint32_t flags, struct mml_info *info);
bool machine_info(uint32_t machine, struct mml_info *info);
bool device_validate(int fd, uint32_t machine, struct mml_validate *validate);
bool device_machine(int fd, struct mml_machine_create *create);
int device_session(int fd, uint32_t machine, uint32_t *number);
const char *engine_names(uint32_t engines, const char *separator);

/* debugfs.c: the lab's text files */
FILE *debugfs_open(uint32_t machine, const char *name);
bool debugfs_print(uint32_t machine, const char *name, FILE *out);
bool debugfs_not_understood(uint32_t machine, const char *name);
FILE *debugfs_ask(uint32_t machine, const char *name, const char *question);
int debugfs_write(uint32_t machine, const char *name, const char *text);
bool debugfs_path(char *path, size_t size, uint32_t machine, const char *name);

/* sessions.c: a machine's sessions that have an mm */

/**
 * struct sessions - some of them
 * @number: their numbers, in order
 * @count: how many
 * @room: for how many
 */
struct sessions {
	uint32_t *number;
	size_t count;
	size_t room;
};

bool sessions_list(uint32_t machine, struct sessions *sessions);
bool sessions_select(uint32_t machine, struct sessions *sessions, uint64_t wanted);

/* json.c: a value or a key at a time */
void json_string(FILE *out, const char *text);
void json_strings(FILE *out, char **texts);
void json_number(FILE *out, const char *key, uint64_t n, bool more);

/* child.c: a command of the user's, run and waited for */

/**
 * struct child - a command that was started
 * @pid: its process
 * @whole_tree: wait for all its descendants
 * @before: what to do in the child before exec; may be NULL
 * @tick: called again and again while it runs; returns in how many milliseconds
 *	to be called next; may be NULL
 * @arg: for @before and @tick
 * @status: as waitpid(2) has it, when it has ended
 */
struct child {
	pid_t pid;
	bool whole_tree;
	bool (*before)(void *arg);
	unsigned int (*tick)(void *arg);
	void *arg;
	int status;
};

int child_start(struct child *child, char **argv);
void child_wait(struct child *child);
int child_exit_status(const struct child *child);
int child_signal(const struct child *child);

/* proctree.c: the descendants of a process, from /proc */
uint64_t proctree_rss_anon_kib(pid_t root);
void proctree_kill(pid_t root, int sig);

#endif /* _MMLAB_H */
