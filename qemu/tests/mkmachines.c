// SPDX-License-Identifier: GPL-2.0
/*
 * mkmachines SPEC... [-- COMMAND...] - machines, made by name of a backend and size
 *
 * Not a test: for the test files. SPEC is BACKEND:BYTES[:OPTION...], with K, M or G, the
 * backend being auto, reserve_mem, cma, contig, sparse or memmap, an option page_owner,
 * page_poison or init_on_free. Prints a line for each machine as soon as it is there,
 * runs COMMAND while all are, destroys them in the order given, and prints a line for
 * each again:
 *
 *	auto:16M: machine 3 from reserve_mem mm_lab, 4096 frames, 4096 free
 *	contig:16G: ENOMEM
 *	4096 frames, 0 lost, 0 violations
 *
 * Exit status: the command's, 0 without one; 1 if a machine could not be destroyed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "lab.h"

#define MOST_MACHINES	64

static const char * const backends[] = {
	[MML_BACKEND_AUTO]		= "auto",
	[MML_BACKEND_RESERVE_MEM]	= "reserve_mem",
	[MML_BACKEND_CONTIG]		= "contig",
	[MML_BACKEND_PAGES]		= "pages",
	[MML_BACKEND_CMA]		= "cma",
	[MML_BACKEND_SPARSE]		= "sparse",
	[MML_BACKEND_MEMMAP]		= "memmap",
};

static const struct {
	const char *name;
	uint32_t flag;
} options[] = {
	{ "page_owner", MML_MACHINE_PAGE_OWNER },
	{ "page_poison", MML_MACHINE_PAGE_POISON },
	{ "init_on_free", MML_MACHINE_INIT_ON_FREE },
};

/* OPTION[:OPTION...] */
static bool parse_options(const char *spec, struct mml_machine_create *create)
{
	for (;;) {
		const size_t length = strcspn(spec, ":");
		size_t i = 0;

		while (i < ARRAY_SIZE(options) && (strlen(options[i].name) != length ||
						   strncmp(options[i].name, spec, length)))
			i++;
		if (i == ARRAY_SIZE(options))
			return false;
		create->flags |= options[i].flag;
		if (!spec[length])
			return true;
		spec += length + 1;
	}
}

static bool parse(const char *spec, struct mml_machine_create *create)
{
	const size_t length = strcspn(spec, ":");
	char *end;

	for (uint32_t i = 0; i < ARRAY_SIZE(backends); i++) {
		if (strlen(backends[i]) != length || strncmp(backends[i], spec, length))
			continue;
		create->backend = i;
		create->bytes = strtoull(spec + length + 1, &end, 0);
		create->bytes <<= *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
		end = strchr(end, ':');
		return !end || parse_options(end + 1, create);
	}
	return false;
}

/* Return: the machine's file, or -errno. */
static int make(const char *spec)
{
	struct mml_machine_create create = { .name = "mkmachines" };
	struct mml_info info;
	int ret;

	if (!parse(spec, &create)) {
		printf("%s: not understood\n", spec);
		exit(2);
	}
	ret = lab_machine_create(&create);
	if (ret) {
		printf("%s: %s\n", spec, strerrorname_np(-ret));
		return ret;
	}
	must(lab_info(create.machine, 0, &info), "GET_INFO");
	printf("%s: machine %u from %s %s, %" PRIu64 " frames, %" PRIu64 " free\n", spec,
	       create.machine, info.backend_name, info.region, (uint64_t)info.frames,
	       (uint64_t)info.free_frames);
	return create.fd;
}

static int run(char **argv)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Return: whether the machine is gone. */
static bool destroy(int fd)
{
	struct mml_machine_verdict verdict;
	struct mml_machine_destroy args = { 0 };
	int ret = lab_ioctl(fd, MML_IOC_MACHINE_DESTROY, &args);

	if (!ret)
		ret = lab_ioctl(fd, MML_IOC_MACHINE_VERDICT, &verdict);
	if (ret)
		printf("cannot be destroyed: %s\n", strerrorname_np(-ret));
	else
		printf("%" PRIu64 " frames, %" PRIu64 " lost, %" PRIu64 " violations\n",
		       (uint64_t)verdict.frames, (uint64_t)verdict.frames_lost,
		       (uint64_t)verdict.violations);
	return !ret;
}

int main(int argc, char **argv)
{
	int fd[MOST_MACHINES], count = 0, status = 0, i;

	begin_tests();
	for (i = 1; i < argc && strcmp(argv[i], "--") && count < MOST_MACHINES; i++) {
		const int got = make(argv[i]);

		if (got >= 0)
			fd[count++] = got;
	}
	if (i + 1 < argc)
		status = run(argv + i + 1);
	for (i = 0; i < count; i++) {
		if (!destroy(fd[i]) && !status)
			status = 1;
	}
	return status;
}
