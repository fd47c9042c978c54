// SPDX-License-Identifier: GPL-2.0
/*
 * The descendants of a process, and what they have of the kernel's memory.
 *
 * The tree is read from /proc/PID/task/TID/children, which costs what the tree
 * has in processes and threads, not what the system has. It is read while it
 * changes: who comes or goes meanwhile may be missed, until the next look.
 *
 * RssAnon is resident less shared pages of /proc/PID/statm. The kernel keeps these
 * per CPU and adds them up now and then: up to 32 pages a CPU may be missing. A
 * process between vfork and exec has its parent's memory, which is not counted
 * twice.
 */
#include <dirent.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mmlab.h"

/**
 * struct relative - a process of the tree
 * @pid: its number
 * @parent: index of its parent in the tree
 * @rss_anon_kib: what it has
 */
struct relative {
	pid_t pid;
	size_t parent;
	uint64_t rss_anon_kib;
};

/**
 * struct tree - a process and its descendants
 * @relative: they, parents before children; the root first
 * @count: how many
 * @room: for how many
 */
struct tree {
	struct relative *relative;
	size_t count;
	size_t room;
};

static void add(struct tree *tree, pid_t pid, size_t parent)
{
	tree->relative = grow(tree->relative, tree->count, &tree->room, sizeof(*tree->relative));
	tree->relative[tree->count++] = (struct relative){ .pid = pid, .parent = parent };
}

static void add_children_of_thread(struct tree *tree, size_t parent, const char *thread)
{
	char path[64];
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", tree->relative[parent].pid,
		 thread);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fscanf(file, "%d", &pid) == 1)
		add(tree, pid, parent);
	fclose(file);
}

static void add_children(struct tree *tree, size_t parent)
{
	char path[64];
	struct dirent *entry;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", tree->relative[parent].pid);
	threads = opendir(path);
	if (!threads)
		return;
	while ((entry = readdir(threads))) {
		if (entry->d_name[0] != '.')
			add_children_of_thread(tree, parent, entry->d_name);
	}
	closedir(threads);
}

/* The tree's memory is kept from one look to the next. */
static struct tree *read_tree(pid_t root)
{
	static struct tree tree;

	tree.count = 0;
	add(&tree, root, 0);
	for (size_t i = 0; i < tree.count; i++)
		add_children(&tree, i);
	return &tree;
}

static uint64_t rss_anon_kib(pid_t pid)
{
	uint64_t resident = 0, shared = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*u %" SCNu64 " %" SCNu64, &resident, &shared) != 2)
		resident = 0;
	fclose(file);
	if (resident <= shared)
		return 0;
	return (resident - shared) * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

static bool shares_memory(const struct relative *one, const struct relative *other)
{
	return one->rss_anon_kib == other->rss_anon_kib &&
	       syscall(SYS_kcmp, one->pid, other->pid, KCMP_VM, 0, 0) == 0;
}

/**
 * proctree_rss_anon_kib - what the descendants of a process have together
 * @root: the process, itself left out
 *
 * Return: the sum of their RssAnon in KiB.
 */
uint64_t proctree_rss_anon_kib(pid_t root)
{
	const struct tree *tree = read_tree(root);
	uint64_t sum = 0;

	for (size_t i = 1; i < tree->count; i++) {
		struct relative *relative = &tree->relative[i];

		relative->rss_anon_kib = rss_anon_kib(relative->pid);
		if (!shares_memory(relative, &tree->relative[relative->parent]))
			sum += relative->rss_anon_kib;
	}
	return sum;
}

/**
 * proctree_kill - send a signal to the descendants of a process
 * @root: the process, itself left out
 * @sig: the signal
 */
void proctree_kill(pid_t root, int sig)
{
	const struct tree *tree = read_tree(root);

	for (size_t i = 1; i < tree->count; i++)
		kill(tree->relative[i].pid, sig);
}
