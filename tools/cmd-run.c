// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab run: a program on the lab.
 *
 * The program is started with libmmlab.so preloaded, which opens a session on the
 * machine and answers the program's memory calls from it (see preload.c). The
 * sessions of all its descendants join one job, whose file this process holds.
 *
 *   machine (own, or one there is) -> job -> program ... the last descendant ends
 *   -> job's figures -> job closed -> own machine destroyed -> verdict -> validate
 *
 * Teardown of a process is not over when it has been waited for: the last
 * reference to its window can be dropped a little later, by another. So what
 * waits for sessions to be gone has patience, PATIENCE_MS of it.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "report.h"
#include "run.h"

#define PATIENCE_MS		2000

/* How often /proc is looked at: at most so often, and a twentieth of the time. */
#define TICK_MIN_MS		10
#define TICK_MAX_MS		250
#define TICK_SHARE		20

/**
 * struct run - a run
 * @plan: what is to be run
 * @control: the control file
 * @own: the file of a machine made for it, or -1
 * @job: the job's file
 * @job_number: by which sessions join
 * @library: path of libmmlab.so
 * @report: what was found so far
 */
struct run {
	const struct run_plan *plan;
	int control;
	int own;
	int job;
	uint32_t job_number;
	char library[PATH_MAX];
	struct report report;
};

/* It is where mmlab is. */
static bool find_library(struct run *run)
{
	char self[PATH_MAX - sizeof("libmmlab.so")];
	const ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = '\0';
	snprintf(run->library, sizeof(run->library), "%s/libmmlab.so", dirname(self));
	if (access(run->library, R_OK)) {
		complain("cannot read %s, which belongs beside mmlab: build it with make tools",
			 run->library);
		return false;
	}
	if (strpbrk(run->library, " :")) {
		complain("LD_PRELOAD cannot name '%s', for the blank or colon in it:\n"
			 "put mmlab and libmmlab.so elsewhere", run->library);
		return false;
	}
	return true;
}

/* Named after the program, for mmlab info. */
static bool make_machine(struct run *run, uint64_t bytes, uint32_t *machine)
{
	struct mml_machine_create create = { .bytes = bytes };
	const char *slash = strrchr(run->report.program[0], '/');
	const char *name = slash ? slash + 1 : run->report.program[0];

	snprintf(create.name, sizeof(create.name), "%.*s", MML_NAME_LEN - 1, name);
	if (!device_machine(run->control, &create))
		return false;
	run->own = create.fd;
	run->report.own = true;
	*machine = create.machine;
	return true;
}

/* Can programs run on it? Says why not. */
static bool machine_suits(const struct mml_info *info)
{
	if (info->backend == MML_BACKEND_MEMMAP)
		complain("machine %u has no memory, only frames to count: give --memory, or another\n"
			 "--machine", info->machine);
	else if (!(info->engines >> 2 & 1))
		complain("machine %u has no address spaces: load vma_probe.ko", info->machine);
	else
		return true;
	return false;
}

static bool make_job(struct run *run, uint32_t machine)
{
	struct mml_job_create create = { .machine = machine };

	if (!device_info(run->control, machine, 0, &run->report.machine) ||
	    ioctl(run->control, MML_IOC_JOB_CREATE, &create)) {
		if (errno == ENXIO)
			complain("there is no machine %u: mmlab info lists those there are,\n"
				 "--memory makes one", machine);
		else
			complain("cannot make a job on machine %u: %s", machine, strerror(errno));
		return false;
	}
	run->job = create.fd;
	run->job_number = create.job;
	if (machine_suits(&run->report.machine))
		return true;
	close(run->job);
	return false;
}

/* In the child: where the library is and what it is to join. */
static bool set_environment(void *arg)
{
	const struct run *run = arg;
	const char *before = getenv("LD_PRELOAD");
	char number[16], *preload = NULL;

	if (asprintf(&preload, "%s%s%s", run->library, before && *before ? ":" : "",
		     before ? before : "") < 0)
		return false;
	if (setenv("LD_PRELOAD", preload, 1))
		return false;
	snprintf(number, sizeof(number), "%u", run->report.machine.machine);
	if (setenv("MMLAB_MACHINE", number, 1))
		return false;
	snprintf(number, sizeof(number), "%u", run->job_number);
	return !setenv("MMLAB_JOB", number, 1);
}

/* A look at what the tree has of the kernel's memory, as often as it is cheap. */
static unsigned int look(void *arg)
{
	struct run *run = arg;
	const uint64_t begin = now_ns();
	const uint64_t kib = proctree_rss_anon_kib(getpid());
	const uint64_t ms = (now_ns() - begin) * TICK_SHARE / 1000000;

	if (kib > run->report.rss_anon_kib)
		run->report.rss_anon_kib = kib;
	if (run->plan->tick)
		run->plan->tick(run->plan->arg);
	if (ms < TICK_MIN_MS)
		return TICK_MIN_MS;
	return ms < TICK_MAX_MS ? (unsigned int)ms : TICK_MAX_MS;
}

/* Returns 0, or what to exit with. */
static int run_program(struct run *run)
{
	struct report *report = &run->report;
	struct child child = {
		.whole_tree = true, .before = set_environment, .tick = look, .arg = run,
	};
	const uint64_t begin = now_ns();
	const int status = child_start(&child, report->program);

	if (status)
		return status;
	child_wait(&child);
	report->seconds = (double)(now_ns() - begin) / 1e9;
	report->exit_status = child_exit_status(&child);
	report->signal = child_signal(&child);
	return 0;
}

/* The job's figures, once its last session is gone; its file is closed then. */
static void read_job(struct run *run)
{
	struct mml_job_stat *job = &run->report.job;
	bool known = false;

	for (unsigned int waited = 0; waited <= PATIENCE_MS; waited += 5) {
		known = !ioctl(run->job, MML_IOC_JOB_STAT, job);
		if (!known || !job->sessions)
			break;
		sleep_ms(5);
	}
	if (!known)
		complain("cannot ask for the job's figures: %s", strerror(errno));
	if (job->rss_anon_kib > run->report.rss_anon_kib)
		run->report.rss_anon_kib = job->rss_anon_kib;
	if (known && run->own < 0) {
		run->report.lost = true;
		run->report.frames_lost = job->frames;
	}
	close(run->job);
}

static bool destroy_machine(const struct run *run)
{
	struct mml_machine_destroy destroy = { 0 };

	unsigned int waited = 0;

	for (; ioctl(run->own, MML_IOC_MACHINE_DESTROY, &destroy); waited += 20) {
		if (errno != EBUSY || waited > PATIENCE_MS) {
			complain("machine %u could not be destroyed: %s (the kernel log says more)",
				 run->report.machine.machine, strerror(errno));
			return false;
		}
		sleep_ms(20);
	}
	return true;
}

/* Destroys a machine of its own, and adds the verdict on it to the report. */
static void end_machine(struct run *run)
{
	struct mml_machine_verdict verdict;
	struct report *report = &run->report;

	if (run->own < 0)
		return;
	if (destroy_machine(run)) {
		if (!ioctl(run->own, MML_IOC_MACHINE_VERDICT, &verdict)) {
			report->lost = true;
			report->frames_lost = verdict.frames_lost;
			report->checks = verdict.checks;
			report->violations = verdict.violations;
		} else {
			complain("there is no verdict on machine %u: %s", report->machine.machine,
				 strerror(errno));
		}
	}
	close(run->own);
}

static void validate_all(struct run *run)
{
	struct report *report = &run->report;
	struct mml_validate validate;

	if (!device_validate(run->control, MML_VALIDATE_ALL, &validate))
		return;
	report->validated = true;
	report->checks += validate.checks;
	report->violations += validate.violations;
}

static void tell(const struct run *run, FILE *json, bool summary)
{
	const struct report *report = &run->report;

	if (!report->job.sessions_total)
		complain("'%s' did not run on the lab: a program that is static or\n"
			 "setuid does not load libmmlab.so", report->program[0]);
	if (report->lost && report->frames_lost)
		complain("%s frames were not given back: a bug of the lab's",
			 with_commas(report->frames_lost));
	if (report->violations)
		complain("%s invariants do not hold: a bug of the lab's; the kernel log names them",
			 with_commas(report->violations));
	if (summary)
		report_summary(stderr, report);
	if (json)
		report_json(json, report);
}

static int on_machine(struct run *run, uint32_t machine, FILE *json)
{
	int status;

	if (!make_job(run, machine)) {
		end_machine(run);
		return EXIT_NOT_STARTED;
	}
	status = run_program(run);
	read_job(run);
	end_machine(run);
	if (status)
		return status;
	validate_all(run);
	if (run->plan->end)
		run->plan->end(run->plan->arg, &run->report);
	tell(run, json, run->plan->summary);
	return run->report.exit_status;
}

/* @file: a path, or "-" for standard error; NULL: no report */
static bool open_report(const char *file, FILE **json)
{
	*json = NULL;
	if (!file)
		return true;
	*json = strcmp(file, "-") ? fopen(file, "we") : stderr;
	if (!*json)
		complain("cannot write the report to %s: %s", file, strerror(errno));
	return *json;
}

/**
 * run_plan_machine - take the options that say where to run
 * @plan: gets them
 * @memory: the value of --memory, or NULL
 * @number: that of --machine, or NULL
 *
 * Return: 0, or what to exit with, after a message.
 */
int run_plan_machine(struct run_plan *plan, const char *memory, const char *number)
{
	plan->machine = MML_MACHINE_DEFAULT;
	if (memory && number)
		return usage_error("--memory makes a machine, --machine takes one: not both");
	if (memory && (!parse_size(memory, &plan->bytes) || !plan->bytes))
		return usage_error("'%s' is not an amount of memory; write 32M", memory);
	if (!parse_machine(number, &plan->machine))
		return usage_error("'%s' is no machine's number", number);
	return 0;
}

/**
 * run_plan - run a program
 * @plan: which, where, and who looks on
 *
 * Return: what to exit with: the program's exit status, or that of mmlab run.
 */
int run_plan(const struct run_plan *plan)
{
	struct run run = { .plan = plan, .own = -1, .report.program = plan->program };
	uint32_t machine = plan->machine;
	int status = EXIT_NOT_STARTED;
	FILE *json;

	if (!find_library(&run) || !open_report(plan->file, &json))
		return status;
	run.control = device_open();
	if (run.control >= 0 && (!plan->bytes || make_machine(&run, plan->bytes, &machine)))
		status = on_machine(&run, machine, json);
	if (run.control >= 0)
		close(run.control);
	if (json && json != stderr && fclose(json))
		complain("cannot write the report to %s: %s", plan->file, strerror(errno));
	return status;
}

static int run_command(int argc, char **argv)
{
	const char *memory = NULL, *number = NULL;
	struct run_plan plan = { 0 };
	const struct option_spec options[] = {
		{ "--memory", &memory, NULL },	 { "--machine", &number, NULL },
		{ "--report", &plan.file, NULL }, { "--summary", NULL, &plan.summary },
	};
	int arg = parse_options(argc, argv, options, ARRAY_SIZE(options));
	int status;

	if (arg < 0)
		return EXIT_USAGE;
	if (arg == argc)
		return usage_error("which program?");
	status = run_plan_machine(&plan, memory, number);
	if (status)
		return status;
	plan.program = argv + arg;
	return run_plan(&plan);
}

const struct command cmd_run = {
	.name = "run",
	.arguments = "[--memory SIZE | --machine N] [--summary] [--report FILE] [--]\n"
		     "                 PROGRAM [ARGUMENT...]",
	.summary = "run a program with its heap on the lab",
	.help =
		"The program is not changed: a preloaded library has its own calls of mmap,\n"
		"munmap, mprotect, mremap, madvise, mincore, msync, mlock and brk trapped\n"
		"(seccomp) and answers them from the lab. What malloc gives is then memory\n"
		"of the machine, each page of it put there by a fault that the lab answers.\n"
		"What it forks and execs comes along.\n"
		"\n"
		"  --memory SIZE   make a machine of that size for it (32M, 1G), destroy it\n"
		"                  afterwards and see that every frame is back; needs root\n"
		"  --machine N     use that one; without either, machine 0\n"
		"  --summary       what happened, as a table on standard error\n"
		"  --report FILE   the same as JSON into FILE; - is standard error\n"
		"\n"
		"  mmlab run --summary sort /etc/services\n"
		"  mmlab run --memory 16M python3 -c 'b = bytearray(64 << 20)'    a MemoryError\n"
		"\n"
		"A program that asks for too much gets ENOMEM; one that touches a page when no\n"
		"frame is left is killed (SIGKILL, counted in oom_kills), as the kernel's\n"
		"out-of-memory killer does it.\n"
		"\n"
		"Exit status: the program's own; 128 + n if signal n killed it (137: SIGKILL);\n"
		"127: it was not found, 126: it could not be executed, 125: it was not started,\n"
		"2: mmlab run was called wrongly.\n"
		"mmlab run ends when the last descendant has ended, daemons included.\n"
		"\n"
		"On the lab: anonymous private mappings made through libc, so heaps. Not on it:\n"
		"thread stacks (MAP_STACK), files, shared memory; programs that are static or\n"
		"setuid, or make system calls without libc (Go). Counted as fallbacks: MAP_FIXED\n"
		"outside the window, MAP_32BIT, MAP_LOCKED.\n"
		"\n"
		"What a program can notice: it cannot block SIGSYS, gains no privileges by exec\n"
		"(no_new_privs), needs 1 TiB of RLIMIT_AS, and gets EINVAL where it maps a file\n"
		"or shared memory over a range it has reserved (node does). A debugger inside\n"
		"sees a SIGSYS for every trapped call (gdb: handle SIGSYS nostop noprint pass).\n",
	.run = run_command,
};
