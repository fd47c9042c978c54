/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sessions and jobs: who uses a machine.
 */
#ifndef _MML_SESSION_H
#define _MML_SESSION_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>

#include "mm_lab/counter.h"
#include "mm_lab/machine.h"

struct mml_session_file;

/**
 * struct mml_job - counters that outlive a process; a tree of processes joins it
 * @ref: of its file, and of each session in it
 * @id: its number on the machine, by which sessions join
 * @machine: held by @hold
 * @hold: on @machine
 * @node: on machine->jobs, under machine->jobs_lock
 * @counter: frames that its sessions hold
 * @calls: system calls of the lab's mm
 * @faults: page faults
 * @forks: address spaces cloned
 * @fallbacks: mappings that the library gave to the kernel
 * @oom_kills: processes killed for want of a frame
 * @sessions: in it now
 * @sessions_total: ever
 * @rss_anon_kib: the most that a session told
 */
struct mml_job {
	refcount_t		ref;
	u32			id;
	struct mml_machine	*machine;
	struct mml_hold		hold;
	struct list_head	node;
	struct mml_counter	counter;
	atomic64_t		calls;
	atomic64_t		faults;
	atomic64_t		forks;
	atomic64_t		fallbacks;
	atomic64_t		oom_kills;
	atomic64_t		sessions;
	atomic64_t		sessions_total;
	atomic64_t		rss_anon_kib;
};

/**
 * struct mml_session - a process's use of a machine: the pair (file, mm)
 * @ref: of the file's table, of each call under way, of each window vma, of its
 *	publication in debugfs
 * @id: its number on the machine
 * @ended: set once, by mml_session_end()
 * @machine: held by @hold
 * @hold: on @machine
 * @file: whose table it is in until it has ended
 * @node: in that table, under its lock
 * @mm: identifies it; pinned (mmgrab), not used
 * @pid: of its process, for texts; 0 for a forked child that has done nothing yet
 * @injection: of MML_IOC_FAIL_NTH
 * @job: it is in; never NULL
 * @counter: frames it holds; its parent is the job's
 * @engines: bit n: the engine of slot n takes part, and is pinned
 * @engine_data: of those engines, by slot
 * @debugfs: its directory, once published
 * @publish: work that makes @debugfs
 * @release: work that frees the session
 */
struct mml_session {
	refcount_t		ref;
	u32			id;
	atomic_t		ended;
	struct mml_machine	*machine;
	struct mml_hold		hold;
	struct mml_session_file	*file;
	struct hlist_node	node;
	struct mm_struct	*mm;
	pid_t			pid;
	struct mml_injection	injection;
	struct mml_job		*job;
	struct mml_counter	counter;
	unsigned long		engines;
	void			*engine_data[MML_NR_SLOTS];
	struct dentry		*debugfs;
	struct work_struct	publish;
	struct work_struct	release;
};

/* The caller's process is the session's: note it, if nobody could yet. */
static inline void mml_session_touch(struct mml_session *session)
{
	if (unlikely(!READ_ONCE(session->pid)))
		WRITE_ONCE(session->pid, task_tgid_nr(current));
}

struct mml_session *mml_session_fork(struct mml_session *parent,
				     struct mm_struct *mm);
void mml_session_get(struct mml_session *session);
void mml_session_put(struct mml_session *session);
void mml_session_end(struct mml_session *session);

/* What follows is the ground's own. */

struct file *mml_session_file_open(u32 machine_id, u32 job_id, u64 limit,
				   const struct file_operations *fops, u32 *id);
void mml_session_file_release(struct mml_session_file *sfile);
struct mml_session *mml_session_of_current(struct mml_session_file *sfile);
void mml_session_note(struct mml_session *session,
		      const struct mml_session_note *note);

struct mml_job *mml_job_create(u32 machine_id);
struct mml_job *mml_job_join(struct mml_machine *machine, u32 id);
void mml_job_put(struct mml_job *job);
void mml_job_stat(struct mml_job *job, struct mml_job_stat *stat);

int mml_sessions_init(void);
void mml_sessions_exit(void);
void mml_sessions_flush(void);

#endif /* _MML_SESSION_H */
