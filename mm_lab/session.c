// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions: a process's use of a machine.
 *
 * A session is the pair (session file, mm). Parent and child share the file after a
 * real fork, so a call on it acts on the session of current->mm. Sessions begin in
 * SESSION_OPEN and, for the child of a fork that inherits the window, in the
 * engine's vm_ops->open; nowhere else.
 *
 * The life of one:
 *
 *	begin	 in the file's table; its directory in debugfs is made by a work item,
 *		 for it cannot be made under mmap_lock
 *	end	 when its last window vma or its file is closed: out of the table; each
 *		 engine gives back everything it holds for the session. Calls that
 *		 are under way find it ended
 *	release	 with the last reference, again by a work item: the directory goes,
 *		 engines, job, mm and machine are let go
 *
 * Closing a session file waits for these works, so that nothing is left of it when the
 * last process that had it has been reaped. (The session of a fork's child ends with
 * the child; its descriptors go a moment later.)
 *
 * Kernel counterpart: mm/mmu_notifier.c's subscriptions are bound to an mm in the
 * same way (mmgrab).
 *
 * Locking: the file's lock protects its table. A session's fields are constant from
 * its beginning, but for @ended (atomic) and @debugfs (the works, which run one after
 * the other).
 */
#include <linux/anon_inodes.h>
#include <linux/debugfs.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "mm_lab/alloc.h"
#include "mm_lab/debugfs.h"
#include "mm_lab/session.h"

/**
 * struct mml_session_file - what a session file is for
 * @machine: held by @hold
 * @hold: on @machine
 * @lock: protects @sessions
 * @sessions: by mm
 */
struct mml_session_file {
	struct mml_machine *machine;
	struct mml_hold hold;
	spinlock_t lock;
	DECLARE_HASHTABLE(sessions, 5);
};

/* Runs the works of all sessions, in the order in which they were queued. */
static struct workqueue_struct *mml_session_wq;

/* Free what the engines of @engines hang on @session. */
static void mml_session_free_data(struct mml_session *session,
				  unsigned long engines)
{
	int slot;

	for_each_set_bit(slot, &engines, MML_NR_SLOTS)
		if (session->machine->engine[slot]->session_free)
			session->machine->engine[slot]->session_free(session);
}

static void mml_session_unpin_engines(struct mml_session *session)
{
	int slot;

	for_each_set_bit(slot, &session->engines, MML_NR_SLOTS)
		module_put(session->machine->engine[slot]->owner);
}

static void mml_session_publish(struct work_struct *work)
{
	struct mml_session *session = container_of(work, struct mml_session, publish);
	struct mml_machine *machine = session->machine;
	char name[12];
	int slot;

	snprintf(name, sizeof(name), "%u", session->id);
	session->debugfs = debugfs_create_dir(name, machine->debugfs_mm);
	for_each_set_bit(slot, &session->engines, MML_NR_SLOTS)
		mml_debugfs_add(session->debugfs,
				machine->engine[slot]->session_files, session);
	mml_session_put(session);
}

static void mml_session_release(struct work_struct *work)
{
	struct mml_session *session = container_of(work, struct mml_session, release);
	struct mml_machine *machine = session->machine;

	debugfs_remove(session->debugfs);
	/* Again: a call that was under way may have armed it after the end. */
	mml_inject_on(&session->injection, machine, 0, NULL);
	mml_session_free_data(session, session->engines);
	mml_session_unpin_engines(session);
	mml_job_put(session->job);
	mmdrop(session->mm);
	mml_machine_unhold(machine, &session->hold);
	kfree(session);
}

/**
 * mml_session_get - another reference
 * @session: the caller has one, or holds the lock of the table it is in
 *
 * Context: any.
 */
void mml_session_get(struct mml_session *session)
{
	refcount_inc(&session->ref);
}
EXPORT_SYMBOL_NS_GPL(mml_session_get, MM_LAB);

/**
 * mml_session_put - drop a reference
 * @session: not to be touched afterwards
 *
 * Context: any; also under mmap_lock.
 */
void mml_session_put(struct mml_session *session)
{
	if (refcount_dec_and_test(&session->ref))
		queue_work(mml_session_wq, &session->release);
}
EXPORT_SYMBOL_NS_GPL(mml_session_put, MM_LAB);

/* Let the engines of @engines give back what @session holds. */
static void mml_session_unequip(struct mml_session *session, unsigned long engines)
{
	int slot;

	for (slot = MML_NR_SLOTS - 1; slot >= 0; slot--) {
		struct mml_engine *engine = session->machine->engine[slot];

		if (test_bit(slot, &engines) && engine->session_exit)
			engine->session_exit(session);
	}
}

static int mml_session_equip(struct mml_session *session,
			     struct mml_session *parent)
{
	unsigned long done = 0;
	int slot, err;

	for_each_set_bit(slot, &session->engines, MML_NR_SLOTS) {
		struct mml_engine *engine = session->machine->engine[slot];

		err = engine->session_init ?
			engine->session_init(session, parent) : 0;
		if (err) {
			mml_session_unequip(session, done);
			mml_session_free_data(session, done);
			return err;
		}
		__set_bit(slot, &done);
	}
	return 0;
}

/* Pin the engines that are set up on the machine, and note which. */
static void mml_session_pin_engines(struct mml_session *session)
{
	struct mml_machine *machine = session->machine;
	int slot;

	down_read(&machine->engines_lock);
	for_each_set_bit(slot, &machine->engines, MML_NR_SLOTS)
		if (try_module_get(machine->engine[slot]->owner))
			__set_bit(slot, &session->engines);
	up_read(&machine->engines_lock);
}

/* The parent pins them already: no lock is needed, for none may be taken here. */
static void mml_session_pin_parents(struct mml_session *session,
				    const struct mml_session *parent)
{
	int slot;

	session->engines = parent->engines;
	for_each_set_bit(slot, &session->engines, MML_NR_SLOTS)
		__module_get(session->machine->engine[slot]->owner);
}

static struct mml_session *mml_session_alloc(struct mml_session_file *sfile,
					     struct mm_struct *mm,
					     struct mml_job *job, u64 limit)
{
	struct mml_machine *machine = sfile->machine;
	struct mml_session *session;

	session = mml_kzalloc(machine, sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return NULL;
	refcount_set(&session->ref, 2);		/* the table's, the publication's */
	session->id = atomic_inc_return(&machine->last_session);
	session->machine = machine;
	mml_machine_hold_again(machine, &session->hold, "session");
	session->file = sfile;
	session->mm = mm;
	mmgrab(mm);
	session->pid = mm == current->mm ? task_tgid_nr(current) : 0;
	session->job = job;
	mml_counter_init(&session->counter, limit >> PAGE_SHIFT, &job->counter);
	INIT_WORK(&session->publish, mml_session_publish);
	INIT_WORK(&session->release, mml_session_release);
	return session;
}

/*
 * Begin a session in @sfile for @mm. The job's reference becomes the session's.
 */
static struct mml_session *mml_session_begin(struct mml_session_file *sfile,
					     struct mm_struct *mm,
					     struct mml_session *parent,
					     struct mml_job *job, u64 limit)
{
	struct mml_session *session = mml_session_alloc(sfile, mm, job, limit);
	int err = -ENOMEM;

	if (!session)
		return ERR_PTR(-ENOMEM);
	if (parent)
		mml_session_pin_parents(session, parent);
	else
		mml_session_pin_engines(session);
	err = mml_session_equip(session, parent);
	if (err)
		goto undo;

	atomic64_inc(&job->sessions);
	atomic64_inc(&job->sessions_total);
	spin_lock(&sfile->lock);
	hash_add(sfile->sessions, &session->node, (unsigned long)mm);
	spin_unlock(&sfile->lock);
	queue_work(mml_session_wq, &session->publish);
	return session;
undo:
	mml_session_unpin_engines(session);
	mmdrop(mm);
	mml_machine_unhold_again(sfile->machine, &session->hold);
	kfree(session);
	return ERR_PTR(err);
}

/**
 * mml_session_fork - begin the session of a fork's child
 * @parent: the session of the process that forks
 * @mm: the child's
 *
 * Context: process, under the mmap_lock of both processes.
 * Return: the session, a reference of the caller's own; an ERR_PTR: -ENOMEM.
 */
struct mml_session *mml_session_fork(struct mml_session *parent,
				     struct mm_struct *mm)
{
	struct mml_session *session;

	refcount_inc(&parent->job->ref);
	session = mml_session_begin(parent->file, mm, parent, parent->job,
				    (u64)parent->counter.max << PAGE_SHIFT);
	if (IS_ERR(session)) {
		mml_job_put(parent->job);	/* not the last one */
		return session;
	}
	mml_session_get(session);
	return session;
}
EXPORT_SYMBOL_NS_GPL(mml_session_fork, MM_LAB);

/**
 * mml_session_end - everything that a session holds is given back
 * @session: the caller has a reference; its file is open
 *
 * Context: process; also under mmap_lock. A second call does nothing.
 */
void mml_session_end(struct mml_session *session)
{
	if (atomic_xchg(&session->ended, 1))
		return;
	spin_lock(&session->file->lock);
	hash_del(&session->node);
	spin_unlock(&session->file->lock);
	mml_inject_on(&session->injection, session->machine, 0, NULL);
	mml_session_unequip(session, session->engines);
	atomic64_dec(&session->job->sessions);
	mml_session_put(session);		/* the table's */
}
EXPORT_SYMBOL_NS_GPL(mml_session_end, MM_LAB);

static void mml_raise(atomic64_t *counter, s64 value)
{
	s64 seen = atomic64_read(counter);

	while (value > seen && !atomic64_try_cmpxchg(counter, &seen, value))
		;
}

void mml_session_note(struct mml_session *session,
		      const struct mml_session_note *note)
{
	atomic64_add(note->fallbacks, &session->job->fallbacks);
	mml_raise(&session->job->rss_anon_kib, note->rss_anon_kib);
}

/*
 * Session files.
 */

/**
 * mml_session_of_current - the caller's session
 * @sfile: of the file that it called
 *
 * Context: process.
 * Return: the session, a reference; or NULL.
 */
struct mml_session *mml_session_of_current(struct mml_session_file *sfile)
{
	struct mm_struct *mm = current->mm;
	struct mml_session *session, *found = NULL;

	spin_lock(&sfile->lock);
	hash_for_each_possible(sfile->sessions, session, node, (unsigned long)mm) {
		if (session->mm == mm) {
			mml_session_get(session);
			mml_session_touch(session);
			found = session;
			break;
		}
	}
	spin_unlock(&sfile->lock);
	return found;
}

static struct mml_session *mml_session_file_any(struct mml_session_file *sfile)
{
	struct mml_session *session, *found = NULL;
	int bucket;

	spin_lock(&sfile->lock);
	hash_for_each(sfile->sessions, bucket, session, node) {
		mml_session_get(session);
		found = session;
		break;
	}
	spin_unlock(&sfile->lock);
	return found;
}

/**
 * mml_session_file_release - a session file is closed for good
 * @sfile: its, not to be touched afterwards; no window maps the file now
 *
 * Context: process, may sleep, no lock held.
 */
void mml_session_file_release(struct mml_session_file *sfile)
{
	struct mml_session *session;

	while ((session = mml_session_file_any(sfile))) {
		mml_session_end(session);
		mml_session_put(session);
	}
	mml_sessions_flush();
	mml_machine_unhold(sfile->machine, &sfile->hold);
	kfree(sfile);
}

static int mml_session_begin_first(struct mml_session_file *sfile, u32 job_id,
				   u64 limit, u32 *id)
{
	struct mml_session *session;
	struct mml_job *job;

	job = mml_job_join(sfile->machine, job_id);
	if (IS_ERR(job))
		return PTR_ERR(job);
	session = mml_session_begin(sfile, current->mm, NULL, job, limit);
	if (IS_ERR(session)) {
		mml_job_put(job);
		return PTR_ERR(session);
	}
	*id = session->id;
	return 0;
}

/**
 * mml_session_file_open - a session file, with a session of the caller in it
 * @machine_id: the machine's number
 * @job_id: of a job to join, or 0
 * @limit: bytes that a session may hold
 * @fops: of the file; its private_data is the struct mml_session_file
 * @id: out: the session's number
 *
 * Context: process, may sleep.
 * Return: the file; an ERR_PTR: -ENXIO: no such machine; -ESRCH: no such job;
 * -EIO: the machine is broken; -ENOMEM.
 */
struct file *mml_session_file_open(u32 machine_id, u32 job_id, u64 limit,
				   const struct file_operations *fops, u32 *id)
{
	struct mml_session_file *sfile;
	struct file *file;
	int err;

	sfile = mml_kzalloc(NULL, sizeof(*sfile), GFP_KERNEL_ACCOUNT);
	if (!sfile)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&sfile->lock);
	hash_init(sfile->sessions);
	err = -ENXIO;
	sfile->machine = mml_machine_hold(machine_id, &sfile->hold, "session file");
	if (!sfile->machine)
		goto no_machine;
	err = -EIO;
	if (mml_machine_broken(sfile->machine))
		goto no_file;
	err = mml_session_begin_first(sfile, job_id, limit, id);
	if (err)
		goto no_file;

	/* An inode of its own, so an address_space of its own to revoke from. */
	file = anon_inode_create_getfile("[mm_lab-session]", fops, sfile,
					 O_RDWR | O_CLOEXEC, NULL);
	if (IS_ERR(file))
		mml_session_file_release(sfile);
	return file;
no_file:
	mml_machine_unhold(sfile->machine, &sfile->hold);
no_machine:
	kfree(sfile);
	return ERR_PTR(err);
}

/*
 * The works.
 */

/*
 * Wait for what closed files left behind. Twice, for a flush waits for what is queued
 * already, and a session's publication, if it comes last, queues its release.
 * Process context, no lock held.
 */
void mml_sessions_flush(void)
{
	flush_workqueue(mml_session_wq);
	flush_workqueue(mml_session_wq);
}

int mml_sessions_init(void)
{
	mml_session_wq = alloc_ordered_workqueue("mm_lab", 0);
	return mml_session_wq ? 0 : -ENOMEM;
}

void mml_sessions_exit(void)
{
	destroy_workqueue(mml_session_wq);
}
