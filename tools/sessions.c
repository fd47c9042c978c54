// SPDX-License-Identifier: GPL-2.0
/*
 * The sessions of a machine that have an mm, from debugfs mm/.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

#include "mmlab.h"

static int by_number(const void *one, const void *other)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return (a > b) - (a < b);
}

/**
 * sessions_list - find all sessions of a machine
 * @machine: the machine's number
 * @sessions: out: they; zeroed before, and its numbers to be freed
 *
 * Return: true; false after a message.
 */
bool sessions_list(uint32_t machine, struct sessions *sessions)
{
	char path[PATH_MAX];
	struct dirent *entry;
	uint64_t number;
	DIR *directory;

	debugfs_path(path, sizeof(path), machine, "mm");
	directory = opendir(path);
	if (!directory) {
		FILE *file = debugfs_open(machine, "mm");

		/* Says what is wrong; a directory cannot be read as a file. */
		if (file)
			fclose(file);
		return false;
	}
	while ((entry = readdir(directory))) {
		if (!parse_number(entry->d_name, UINT32_MAX, &number))
			continue;
		sessions->number = grow(sessions->number, sessions->count, &sessions->room,
					sizeof(*sessions->number));
		sessions->number[sessions->count++] = (uint32_t)number;
	}
	closedir(directory);
	if (sessions->count)
		qsort(sessions->number, sessions->count, sizeof(*sessions->number), by_number);
	return true;
}

/* The value of "Pid:" in the session's status; 0 if there is none. */
static uint64_t pid_of(uint32_t machine, uint32_t session)
{
	char name[64], path[PATH_MAX], line[256];
	unsigned long pid = 0;
	FILE *file;

	snprintf(name, sizeof(name), "mm/%u/status", session);
	debugfs_path(path, sizeof(path), machine, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pid: %lu", &pid) == 1)
			break;
	}
	fclose(file);
	return pid;
}

/**
 * sessions_select - keep those that were asked for
 * @machine: the machine's number
 * @sessions: in, out: all of its sessions; then the one whose number @wanted is or, if there is
 *	none, those of the process whose number it is
 * @wanted: the number
 *
 * Return: true; false after a message: there is none.
 */
bool sessions_select(uint32_t machine, struct sessions *sessions, uint64_t wanted)
{
	size_t kept = 0;

	for (unsigned int by_pid = 0; by_pid < 2 && !kept; by_pid++) {
		for (size_t i = 0; i < sessions->count; i++) {
			const uint32_t session = sessions->number[i];

			if (wanted == (by_pid ? pid_of(machine, session) : session))
				sessions->number[kept++] = session;
		}
	}
	sessions->count = kept;
	if (!kept)
		complain("nothing on machine %u has the number %lu; mmlab maps lists all there is",
			 machine, (unsigned long)wanted);
	return kept;
}
