/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mmlab run found out, and how it is told.
 */
#ifndef _MMLAB_REPORT_H
#define _MMLAB_REPORT_H

#include "mmlab.h"

/**
 * struct report - one run
 * @program: the program and its arguments
 * @exit_status: its exit status, or 128 + @signal
 * @signal: that killed it, or 0
 * @seconds: how long it took
 * @machine: it ran on
 * @own: whether that was made for it
 * @job: what its processes did
 * @rss_anon_kib: the most that they had of the kernel's memory
 * @lost: whether @frames_lost is known
 * @frames_lost: frames that nobody gave back
 * @validated: whether @checks and @violations are known
 * @checks: invariants that were looked at
 * @violations: invariants that did not hold
 */
struct report {
	char **program;
	int exit_status;
	int signal;
	double seconds;
	struct mml_info machine;
	bool own;
	struct mml_job_stat job;
	uint64_t rss_anon_kib;
	bool lost;
	uint64_t frames_lost;
	bool validated;
	uint64_t checks;
	uint64_t violations;
};

void report_json(FILE *out, const struct report *report);
void report_summary(FILE *out, const struct report *report);

#endif /* _MMLAB_REPORT_H */
