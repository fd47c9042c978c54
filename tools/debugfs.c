// SPDX-License-Identifier: GPL-2.0
/*
 * The lab's text files: /sys/kernel/debug/mm_lab/<machine>/<name>.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "mmlab.h"

#define DEBUGFS			"/sys/kernel/debug"

/**
 * debugfs_path - where a machine's file is
 * @path: out: the path
 * @size: of @path
 * @machine: the machine's number
 * @name: the file's name, relative to the machine's directory
 *
 * Return: whether it fits.
 */
bool debugfs_path(char *path, size_t size, uint32_t machine, const char *name)
{
	const int length = snprintf(path, size, DEBUGFS "/mm_lab/%u/%s", machine, name);

	return length > 0 && (size_t)length < size;
}

static void explain_missing(uint32_t machine, const char *path)
{
	char top[PATH_MAX];

	debugfs_path(top, sizeof(top), machine, "");
	if (errno == EACCES || errno == EPERM)
		complain("may not open %s: debugfs is root's. Try it as root", path);
	else if (errno != ENOENT)
		complain("cannot open %s: %s", path, strerror(errno));
	else if (access(DEBUGFS "/.", X_OK))
		complain("may not look into " DEBUGFS ": debugfs is root's. Try it as root");
	else if (access(DEBUGFS "/mm_lab", F_OK))
		complain("there is no " DEBUGFS "/mm_lab: the modules are not loaded (see mmlab\n"
			 "info), or debugfs is not mounted: mount -t debugfs none " DEBUGFS);
	else if (access(top, F_OK))
		complain("there is no machine %u; mmlab info lists those there are", machine);
	else
		complain("there is no %s: the engine that has it is not loaded", path);
}

/**
 * debugfs_open - open one of a machine's files to read
 * @machine: the machine's number
 * @name: the file's name
 *
 * Return: the file; NULL after a message.
 */
FILE *debugfs_open(uint32_t machine, const char *name)
{
	char path[PATH_MAX];
	FILE *file;

	if (!debugfs_path(path, sizeof(path), machine, name)) {
		complain("'%s' is too long for a name", name);
		return NULL;
	}
	file = fopen(path, "re");
	if (!file)
		explain_missing(machine, path);
	return file;
}

/**
 * debugfs_not_understood - say that a file of a machine's is not as it should be
 * @machine: the machine's number
 * @name: the file's name
 *
 * Return: false.
 */
bool debugfs_not_understood(uint32_t machine, const char *name)
{
	complain("%s of machine %u is not what this mmlab reads: are it and\n"
		 "buddy_probe.ko of the same checkout?", name, machine);
	return false;
}

/**
 * debugfs_print - copy one of a machine's files
 * @machine: the machine's number
 * @name: the file's name
 * @out: where to
 *
 * Return: true; false after a message.
 */
bool debugfs_print(uint32_t machine, const char *name, FILE *out)
{
	FILE *file = debugfs_open(machine, name);
	char part[4096];
	size_t length;
	bool good;

	if (!file)
		return false;
	while ((length = fread(part, 1, sizeof(part), file)))
		fwrite(part, 1, length, out);
	good = !ferror(file);
	if (!good)
		complain("cannot read %s of machine %u: %s", name, machine, strerror(errno));
	fclose(file);
	return good;
}

/**
 * debugfs_ask - write to one of a machine's files, to read what that makes it say
 * @machine: the machine's number
 * @name: the file's name
 * @question: what to write
 *
 * Return: the file, to be read; NULL after a message.
 */
FILE *debugfs_ask(uint32_t machine, const char *name, const char *question)
{
	char path[PATH_MAX];
	FILE *file;

	debugfs_path(path, sizeof(path), machine, name);
	file = fopen(path, "r+e");
	if (!file) {
		explain_missing(machine, path);
		return NULL;
	}
	/* Between writing and reading there has to be a flush, which says whether it was taken. */
	if (fputs(question, file) >= 0 && !fflush(file))
		return file;
	complain("%s of machine %u takes no '%s': %s", name, machine, question, strerror(errno));
	fclose(file);
	return NULL;
}

/**
 * debugfs_write - write to one of a machine's files
 * @machine: the machine's number
 * @name: the file's name
 * @text: what
 *
 * Return: 0; an errno: it was refused; -1 after a message: there is no such file.
 */
int debugfs_write(uint32_t machine, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd, err;

	if (!debugfs_path(path, sizeof(path), machine, name)) {
		complain("'%s' is too long for a name", name);
		return -1;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		explain_missing(machine, path);
		return -1;
	}
	err = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return err;
}
