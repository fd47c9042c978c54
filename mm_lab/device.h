/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's ioctls, as tables: what an engine needs to add its own.
 */
#ifndef _MML_DEVICE_H
#define _MML_DEVICE_H

#include <linux/build_bug.h>
#include <linux/ioctl.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "mm_lab/uapi/mm_lab.h"

struct file;
struct mml_session;

/* The kinds of file: bits of mml_ioctl.kinds. */
#define MML_FILE_CONTROL	(1U << 0)
#define MML_FILE_MACHINE	(1U << 1)
#define MML_FILE_JOB		(1U << 2)
#define MML_FILE_SESSION	(1U << 3)
#define MML_FILE_ANY		(MML_FILE_CONTROL | MML_FILE_MACHINE | \
				 MML_FILE_JOB | MML_FILE_SESSION)

/**
 * struct mml_ioctl_call - one call under way
 * @file: it came on
 * @session: the caller's, on a session file; pinned, but it may end meanwhile
 * @new_file: out: a file that the call made, given to the caller if all goes well
 * @new_fd: its descriptor
 */
struct mml_ioctl_call {
	struct file *file;
	struct mml_session *session;
	struct file *new_file;
	int new_fd;
};

/**
 * struct mml_ioctl - one command; its number is its index in the table
 * @cmd: with the size of the struct as this kernel knows it
 * @min_size: of the struct in its first version
 * @kinds: of file that take it, MML_FILE_*
 * @fn: does it, on a copy of the struct in kernel memory, which is what goes back.
 *	0 or an errno, and then nothing has changed
 * @undo: undoes it, for its result could not be handed over; NULL where there is
 *	nothing to undo, or only @new_file
 */
struct mml_ioctl {
	unsigned int cmd;
	unsigned int min_size;
	unsigned int kinds;
	int (*fn)(struct mml_ioctl_call *call, void *arg);
	void (*undo)(struct mml_ioctl_call *call, void *arg);
};

/* The largest struct of any command. */
#define MML_IOCTL_MAX_SIZE	1280

#define __MML_IOCTL(_cmd, _type, _min_size, _kinds, _fn, _undo)		\
	[_IOC_NR(_cmd) % MML_IOC_RANGE] = {				\
		.cmd = _cmd,						\
		.min_size = _min_size +					\
			BUILD_BUG_ON_ZERO(sizeof(_type) > MML_IOCTL_MAX_SIZE), \
		.kinds = _kinds,					\
		.fn = _fn,						\
		.undo = _undo,						\
	}

#define MML_IOCTL_UNDO(_cmd, _type, _kinds, _fn, _undo)			\
	__MML_IOCTL(_cmd, _type, sizeof(_type), _kinds, _fn, _undo)

#define MML_IOCTL(_cmd, _type, _kinds, _fn)				\
	MML_IOCTL_UNDO(_cmd, _type, _kinds, _fn, NULL)

/* A struct that has grown; @_last was the last field of its first version. */
#define MML_IOCTL_GREW_UNDO(_cmd, _type, _last, _kinds, _fn, _undo)	\
	__MML_IOCTL(_cmd, _type, offsetofend(_type, _last), _kinds, _fn, _undo)

#define MML_IOCTL_GREW(_cmd, _type, _last, _kinds, _fn)			\
	MML_IOCTL_GREW_UNDO(_cmd, _type, _last, _kinds, _fn, NULL)

int mml_device_init(umode_t mode, u64 session_limit);
void mml_device_exit(void);

#endif /* _MML_DEVICE_H */
