// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs: counters of a tree of processes, those that are gone included.
 *
 * A job is made with a file of its own, or unnamed for a session that joins none.
 * Sessions join by number; the child of a fork is in its parent's. It goes with its
 * last reference, the file's or a session's.
 *
 * Kernel counterpart: roughly a memory cgroup without limits.
 *
 * Locking: machine->jobs_lock for the list; the counters are atomic.
 */
#include "mm_lab/alloc.h"
#include "mm_lab/session.h"

static struct mml_job *mml_job_alloc(struct mml_machine *machine)
{
	struct mml_job *job = mml_kzalloc(machine, sizeof(*job), GFP_KERNEL_ACCOUNT);

	if (!job)
		return NULL;
	refcount_set(&job->ref, 1);
	job->machine = machine;
	INIT_LIST_HEAD(&job->node);
	mml_counter_init(&job->counter, ULONG_MAX, NULL);
	return job;
}

/**
 * mml_job_create - make a job that sessions can join
 * @machine_id: the machine's number
 *
 * Context: process, may sleep.
 * Return: the job, one reference; an ERR_PTR: -ENXIO: no such machine; -ENOMEM.
 */
struct mml_job *mml_job_create(u32 machine_id)
{
	struct mml_machine *machine;
	struct mml_hold hold;
	struct mml_job *job;

	machine = mml_machine_hold(machine_id, &hold, "job");
	if (!machine)
		return ERR_PTR(-ENXIO);
	job = mml_job_alloc(machine);
	if (job) {
		mml_machine_hold_again(machine, &job->hold, "job");
		spin_lock(&machine->jobs_lock);
		job->id = ++machine->last_job;
		list_add_tail(&job->node, &machine->jobs);
		spin_unlock(&machine->jobs_lock);
	}
	mml_machine_unhold(machine, &hold);
	return job ?: ERR_PTR(-ENOMEM);
}

/**
 * mml_job_join - a reference to a job, for a session
 * @machine: held by the caller
 * @id: the job's number; 0: an unnamed one of its own
 *
 * Context: process, may sleep.
 * Return: the job; an ERR_PTR: -ESRCH: no such job on the machine; -ENOMEM.
 */
struct mml_job *mml_job_join(struct mml_machine *machine, u32 id)
{
	struct mml_job *job, *found = NULL;

	if (!id) {
		job = mml_job_alloc(machine);
		if (!job)
			return ERR_PTR(-ENOMEM);
		mml_machine_hold_again(machine, &job->hold, "job");
		return job;
	}

	spin_lock(&machine->jobs_lock);
	list_for_each_entry(job, &machine->jobs, node) {
		if (job->id == id && refcount_inc_not_zero(&job->ref)) {
			found = job;
			break;
		}
	}
	spin_unlock(&machine->jobs_lock);
	return found ?: ERR_PTR(-ESRCH);
}

/* Drop a reference. Process context, may sleep, not under mmap_lock. */
void mml_job_put(struct mml_job *job)
{
	struct mml_machine *machine = job->machine;

	if (!refcount_dec_and_test(&job->ref))
		return;
	spin_lock(&machine->jobs_lock);
	list_del(&job->node);
	spin_unlock(&machine->jobs_lock);
	mml_machine_unhold(machine, &job->hold);
	kfree(job);
}

void mml_job_stat(struct mml_job *job, struct mml_job_stat *stat)
{
	*stat = (struct mml_job_stat){
		.calls = atomic64_read(&job->calls),
		.faults = atomic64_read(&job->faults),
		.frames = mml_counter_read(&job->counter),
		.peak_frames = atomic_long_read(&job->counter.watermark),
		.forks = atomic64_read(&job->forks),
		.fallbacks = atomic64_read(&job->fallbacks),
		.oom_kills = atomic64_read(&job->oom_kills),
		.sessions = atomic64_read(&job->sessions),
		.sessions_total = atomic64_read(&job->sessions_total),
		.rss_anon_kib = atomic64_read(&job->rss_anon_kib),
	};
}
