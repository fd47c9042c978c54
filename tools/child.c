// SPDX-License-Identifier: GPL-2.0
/*
 * A command of the user's: started, waited for, and its end passed on.
 *
 * Exit status: the command's own; 128 + n if signal n killed it, as in a shell;
 * 127 if it was not found, 126 if it could not be executed.
 *
 * Signals: the command gets them, mmlab goes on to the end of its work. What the
 * terminal sends (SIGINT of ^C, SIGQUIT) comes to the command by itself, for both
 * are in the terminal's process group; what a process sends to mmlab alone is
 * sent on. When the command has ended and only descendants of it are left, they
 * get it.
 *
 * A child that waits for the whole tree makes mmlab a subreaper: descendants
 * whose parent has ended, daemons too, become mmlab's own, and the wait is over
 * when there is none left.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "mmlab.h"

static const int forwarded[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };

/* What is waited for instead of being handled. */
static sigset_t awaited;

/* As it was before, for the command. */
static sigset_t inherited_mask;
static struct sigaction inherited_chld;

/* A signal that came in ignored (nohup) stays so, for the command too. */
static void await_signals(void)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct sigaction action;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++) {
		sigaction(forwarded[i], NULL, &action);
		if (action.sa_handler != SIG_IGN)
			sigaddset(&awaited, forwarded[i]);
	}
	/* Children of one who ignores SIGCHLD leave no status. */
	sigaction(SIGCHLD, &dfl, &inherited_chld);
	sigprocmask(SIG_BLOCK, &awaited, &inherited_mask);
}

/* In the child. @report closes at exec, else carries errno to the parent. */
static void execute(const struct child *child, char **argv, int report)
{
	int error;

	sigaction(SIGCHLD, &inherited_chld, NULL);
	sigprocmask(SIG_SETMASK, &inherited_mask, NULL);
	if (!child->before || child->before(child->arg)) {
		execvp(argv[0], argv);
		error = errno;
	} else {
		error = ENOMEM;
	}
	if (write(report, &error, sizeof(error)) < 0)
		_exit(EXIT_NOT_STARTED);
	_exit(error == ENOENT ? 127 : 126);
}

/* Returns 0, or the errno of a failed exec. */
static int exec_error(int report)
{
	int error = 0;
	ssize_t length;

	do {
		length = read(report, &error, sizeof(error));
	} while (length < 0 && errno == EINTR);
	return length == sizeof(error) ? error : 0;
}

/**
 * child_start - run a command
 * @child: how; its @pid is filled in
 * @argv: the command, found in the PATH
 *
 * Return: 0; else the exit status to end with, after a message.
 */
int child_start(struct child *child, char **argv)
{
	int report[2], error;

	if (child->whole_tree && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		complain("cannot wait for descendants of the command: %s", strerror(errno));
	if (pipe2(report, O_CLOEXEC)) {
		complain("cannot make a pipe: %s", strerror(errno));
		return EXIT_NOT_STARTED;
	}
	await_signals();
	fflush(NULL);
	child->pid = fork();
	if (child->pid == 0)
		execute(child, argv, report[1]);
	close(report[1]);
	if (child->pid < 0) {
		complain("cannot fork: %s", strerror(errno));
		close(report[0]);
		return EXIT_NOT_STARTED;
	}
	error = exec_error(report[0]);
	close(report[0]);
	if (!error)
		return 0;
	waitpid(child->pid, NULL, 0);
	complain("cannot run '%s': %s", argv[0], strerror(error));
	return error == ENOENT ? 127 : 126;
}

/* Takes the status of all that have ended; returns whether the wait is over. */
static bool reap(struct child *child, bool *ended)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child->pid)
			continue;
		child->status = status;
		*ended = true;
	}
	return pid < 0 || (*ended && !child->whole_tree);
}

static void forward(const struct child *child, bool ended, const siginfo_t *info)
{
	if (info->si_code == SI_KERNEL)
		return;
	if (ended)
		proctree_kill(getpid(), info->si_signo);
	else
		kill(child->pid, info->si_signo);
}

/**
 * child_wait - wait for a command to end
 * @child: the command
 */
void child_wait(struct child *child)
{
	bool ended = false;
	siginfo_t info;
	int sig;

	while (!reap(child, &ended)) {
		if (child->tick) {
			const unsigned int ms = child->tick(child->arg);
			const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

			sig = sigtimedwait(&awaited, &info, &ts);
		} else {
			sig = sigwaitinfo(&awaited, &info);
		}
		if (sig > 0 && sig != SIGCHLD)
			forward(child, ended, &info);
	}
}

/**
 * child_exit_status - what to exit with after it
 * @child: a command that has ended
 *
 * Return: its exit status, or 128 + the signal that killed it.
 */
int child_exit_status(const struct child *child)
{
	if (WIFSIGNALED(child->status))
		return 128 + WTERMSIG(child->status);
	return WEXITSTATUS(child->status);
}

/**
 * child_signal - what killed it
 * @child: a command that has ended
 *
 * Return: the signal; 0 if it ended by itself.
 */
int child_signal(const struct child *child)
{
	return WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0;
}
