/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program on the lab: what mmlab run does, and what mmlab trace looks on at.
 */
#ifndef _MMLAB_RUN_H
#define _MMLAB_RUN_H

#include "mmlab.h"

struct report;

/**
 * struct run_plan - what is to be run
 * @program: the program and its arguments
 * @bytes: of a machine to be made for it; 0: none
 * @machine: else on which
 * @file: for a report as JSON: a path, or "-" for standard error; NULL: none
 * @summary: a table on standard error
 * @tick: called again and again while it runs; may be NULL
 * @end: called when it has ended, with what was found; may be NULL
 * @arg: for @tick and @end
 */
struct run_plan {
	char **program;
	uint64_t bytes;
	uint32_t machine;
	const char *file;
	bool summary;
	void (*tick)(void *arg);
	void (*end)(void *arg, const struct report *report);
	void *arg;
};

int run_plan_machine(struct run_plan *plan, const char *memory, const char *number);
int run_plan(const struct run_plan *plan);

#endif /* _MMLAB_RUN_H */
