// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/mm_lab: four kinds of file, and the dispatch of their ioctls.
 *
 * A command is looked up by type and number in the ground's table or, on a session
 * file, in that of an engine that the session pins; its struct's size comes with the
 * command. The struct is copied in once, worked on, copied out once: no user memory
 * is touched while a lock of the lab is held, for it may lie in the window. A struct
 * that will be written to is written to before anything is done, with what was read
 * from it, so that a bad pointer changes nothing; should the last copy fail all the
 * same, what was made is undone.
 *
 * Kernel counterpart: drivers/gpu/drm/drm_ioctl.c.
 *
 * Locking: none here.
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "mm_lab/alloc.h"
#include "mm_lab/device.h"
#include "mm_lab/session.h"

/* What a session may hold unless it asks for less, in bytes. */
static u64 mml_session_limit;

/**
 * struct mml_machine_file - a machine file
 * @id: the machine's number. Not the machine: a kept one may go before its file
 * @lock: protects what follows
 * @destroyed: through this file
 * @verdict: then: what was found
 */
struct mml_machine_file {
	u32 id;
	struct mutex lock;
	bool destroyed;
	struct mml_verdict verdict;
};

static const struct file_operations mml_machine_fops;
static const struct file_operations mml_job_fops;
static const struct file_operations mml_session_fops;

/*
 * The ground's commands.
 */

/*
 * A descriptor for the file that a call is about to make: it comes first, so that
 * nothing has to be undone for want of one. Returns: 0 or an errno.
 */
static int mml_take_fd(struct mml_ioctl_call *call)
{
	call->new_fd = get_unused_fd_flags(O_CLOEXEC);
	return min(call->new_fd, 0);
}

/* @file, an ERR_PTR or a file, is what @call made. Returns: 0 or an errno. */
static int mml_give_file(struct mml_ioctl_call *call, struct file *file, s32 *fd)
{
	if (IS_ERR(file)) {
		put_unused_fd(call->new_fd);
		return PTR_ERR(file);
	}
	call->new_file = file;
	*fd = call->new_fd;
	return 0;
}

static bool mml_terminated(const char *s, size_t size)
{
	return strnlen(s, size) < size;
}

static int mml_ioc_get_info(struct mml_ioctl_call *call, void *arg)
{
	return mml_machine_info(arg);
}

static int mml_ioc_validate(struct mml_ioctl_call *call, void *arg)
{
	struct mml_validation v = {};
	struct mml_validate *a = arg;
	int err = 0;

	if (a->pad)
		return -EINVAL;
	if (a->machine == MML_VALIDATE_ALL)
		mml_validate_all(&v);
	else
		err = mml_machine_validate(a->machine, &v);
	a->violations = v.violations;
	a->checks = v.checks;
	return err;
}

static int mml_ioc_explain(struct mml_ioctl_call *call, void *arg)
{
	struct mml_explain *a = arg;

	if (a->flags || a->pad || a->kind >= MML_NR_EXPLAIN_KINDS)
		return -EINVAL;
	return mml_machine_explain(a);
}

#define MML_MACHINE_FLAGS \
	(MML_MACHINE_KEEP | MML_MACHINE_NO_PCP | MML_MACHINE_NO_GROUPING | \
	 MML_MACHINE_NO_WATERMARKS | MML_MACHINE_PAGE_OWNER | MML_MACHINE_PAGE_POISON | \
	 MML_MACHINE_INIT_ON_FREE)

static_assert(MML_MAX_NODES == MML_MAX_NUMNODES);

static int mml_machine_spec_of(const struct mml_machine_create *a,
			       struct mml_machine_spec *spec)
{
	if (a->flags & ~MML_MACHINE_FLAGS || !mml_terminated(a->name, sizeof(a->name)))
		return -EINVAL;
	if (a->flags & MML_MACHINE_KEEP && !*a->name)
		return -EINVAL;
	if (!mml_backend_is_known(a->backend) || !PAGE_ALIGNED(a->bytes))
		return -EINVAL;
	if (a->pad || !PAGE_ALIGNED(a->movable) ||
	    !mml_terminated(a->slab_debug, sizeof(a->slab_debug)))
		return -EINVAL;
	*spec = (struct mml_machine_spec){
		.name = a->name,
		.frames = a->bytes >> PAGE_SHIFT,
		.backend = a->backend,
		.seed = a->seed,
		.state = a->flags & MML_MACHINE_KEEP ?
				BIT(MML_MACHINE_STATE_KEPT) : 0,
		.options = mml_machine_options(!(a->flags & MML_MACHINE_NO_PCP),
					       !(a->flags & MML_MACHINE_NO_GROUPING),
					       !(a->flags & MML_MACHINE_NO_WATERMARKS)) |
			   mml_debug_options(a->flags & MML_MACHINE_PAGE_OWNER,
					     a->flags & MML_MACHINE_PAGE_POISON,
					     a->flags & MML_MACHINE_INIT_ON_FREE),
		.slab_debug = a->slab_debug,
		.topology.nr_nodes = a->nodes,
		.topology.movable = a->movable >> PAGE_SHIFT,
	};
	memcpy(spec->topology.distance, a->distance, sizeof(a->distance));
	return 0;
}

static struct file *mml_machine_file_open(const struct mml_machine_spec *spec,
					  u32 *id)
{
	struct mml_machine_file *mfile;
	struct mml_machine *machine;
	struct file *file;

	mfile = mml_kzalloc(NULL, sizeof(*mfile), GFP_KERNEL_ACCOUNT);
	if (!mfile)
		return ERR_PTR(-ENOMEM);
	mutex_init(&mfile->lock);
	machine = mml_machine_create(spec);
	if (IS_ERR(machine)) {
		kfree(mfile);
		return ERR_CAST(machine);
	}
	mfile->id = *id = machine->id;
	file = anon_inode_getfile("[mm_lab-machine]", &mml_machine_fops, mfile,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file)) {
		mml_machine_unkeep(mfile->id);
		mml_machine_orphan(mfile->id);
		kfree(mfile);
	}
	return file;
}

/* The file could not be handed over: let its machine go with it. */
static void mml_ioc_machine_create_undo(struct mml_ioctl_call *call, void *arg)
{
	struct mml_machine_create *a = arg;

	mml_machine_unkeep(a->machine);
}

static int mml_ioc_machine_create(struct mml_ioctl_call *call, void *arg)
{
	struct mml_machine_create *a = arg;
	struct mml_machine_spec spec;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = mml_machine_spec_of(a, &spec);
	if (!err)
		err = mml_take_fd(call);
	if (err)
		return err;
	return mml_give_file(call, mml_machine_file_open(&spec, &a->machine), &a->fd);
}

static int mml_machine_file_destroy(struct mml_machine_file *mfile)
{
	int err;

	mutex_lock(&mfile->lock);
	err = mml_machine_destroy_id(mfile->id, true, &mfile->verdict);
	if (!err)
		mfile->destroyed = true;
	mutex_unlock(&mfile->lock);
	return err;
}

static int mml_ioc_machine_destroy(struct mml_ioctl_call *call, void *arg)
{
	struct mml_machine_destroy *a = arg;

	if (a->pad)
		return -EINVAL;
	if (call->file->f_op == &mml_machine_fops)
		return a->machine ? -EINVAL :
			mml_machine_file_destroy(call->file->private_data);
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return mml_machine_destroy_id(a->machine, false, NULL);
}

static int mml_ioc_machine_verdict(struct mml_ioctl_call *call, void *arg)
{
	struct mml_machine_file *mfile = call->file->private_data;
	struct mml_machine_verdict *a = arg;
	bool destroyed;

	mutex_lock(&mfile->lock);
	destroyed = mfile->destroyed;
	*a = (struct mml_machine_verdict){
		.frames = mfile->verdict.frames,
		.frames_lost = mfile->verdict.frames_lost,
		.violations = mfile->verdict.violations,
		.checks = mfile->verdict.checks,
	};
	mutex_unlock(&mfile->lock);
	return destroyed ? 0 : -EBUSY;
}

static struct file *mml_job_file_open(u32 machine_id, u32 *id)
{
	struct mml_job *job = mml_job_create(machine_id);
	struct file *file;

	if (IS_ERR(job))
		return ERR_CAST(job);
	*id = job->id;
	file = anon_inode_getfile("[mm_lab-job]", &mml_job_fops, job,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file))
		mml_job_put(job);
	return file;
}

static int mml_ioc_job_create(struct mml_ioctl_call *call, void *arg)
{
	struct mml_job_create *a = arg;
	int err;

	if (a->pad)
		return -EINVAL;
	err = mml_take_fd(call);
	if (err)
		return err;
	return mml_give_file(call, mml_job_file_open(a->machine, &a->job), &a->fd);
}

static int mml_ioc_job_stat(struct mml_ioctl_call *call, void *arg)
{
	mml_job_stat(call->file->private_data, arg);
	return 0;
}

static int mml_ioc_session_open(struct mml_ioctl_call *call, void *arg)
{
	struct mml_session_open *a = arg;
	u64 limit = a->limit ? min(a->limit, mml_session_limit) : mml_session_limit;
	struct file *file;
	int err;

	err = mml_take_fd(call);
	if (err)
		return err;
	file = mml_session_file_open(a->machine, a->job, limit, &mml_session_fops,
				     &a->session);
	return mml_give_file(call, file, &a->fd);
}

static int mml_ioc_session_note(struct mml_ioctl_call *call, void *arg)
{
	mml_session_note(call->session, arg);
	return 0;
}

/* On the control file: wherever the caller wants, for who may. */
static int mml_control_fail_nth(struct mml_injection *injection,
				struct mml_fail_nth *a)
{
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (a->machine != MML_FAIL_NTH_ANY && !mml_machine_exists(a->machine))
		return -ENXIO;
	ret = mml_inject(injection, a->machine, a->nth, a);
	if (ret > 0)
		mml_machines_each(mml_inject_mark);
	return min(ret, 0);
}

static int mml_ioc_fail_nth(struct mml_ioctl_call *call, void *arg)
{
	struct mml_session *session = call->session;
	struct mml_fail_nth *a = arg;

	if (a->pad)
		return -EINVAL;
	if (!session)
		return mml_control_fail_nth(call->file->private_data, a);
	if (a->machine)
		return -EINVAL;
	return mml_inject_on(&session->injection, session->machine, a->nth, a);
}

/* It is disarmed; what the one before it would have come to is not known any more. */
static void mml_ioc_fail_nth_undo(struct mml_ioctl_call *call, void *arg)
{
	struct mml_fail_nth none = { .machine = MML_FAIL_NTH_ANY };

	if (call->session)
		none.machine = 0;
	mml_ioc_fail_nth(call, &none);
}

static const struct mml_ioctl mml_ground_ioctls[MML_IOC_RANGE] = {
	MML_IOCTL_GREW(MML_IOC_GET_INFO, struct mml_info, region, MML_FILE_ANY,
		       mml_ioc_get_info),
	MML_IOCTL_GREW_UNDO(MML_IOC_MACHINE_CREATE, struct mml_machine_create, machine,
			    MML_FILE_CONTROL, mml_ioc_machine_create,
			    mml_ioc_machine_create_undo),
	MML_IOCTL(MML_IOC_MACHINE_DESTROY, struct mml_machine_destroy,
		  MML_FILE_CONTROL | MML_FILE_MACHINE, mml_ioc_machine_destroy),
	MML_IOCTL(MML_IOC_MACHINE_VERDICT, struct mml_machine_verdict,
		  MML_FILE_MACHINE, mml_ioc_machine_verdict),
	MML_IOCTL(MML_IOC_VALIDATE, struct mml_validate, MML_FILE_ANY,
		  mml_ioc_validate),
	MML_IOCTL(MML_IOC_JOB_CREATE, struct mml_job_create, MML_FILE_CONTROL,
		  mml_ioc_job_create),
	MML_IOCTL(MML_IOC_JOB_STAT, struct mml_job_stat, MML_FILE_JOB,
		  mml_ioc_job_stat),
	MML_IOCTL(MML_IOC_SESSION_OPEN, struct mml_session_open, MML_FILE_CONTROL,
		  mml_ioc_session_open),
	MML_IOCTL(MML_IOC_SESSION_NOTE, struct mml_session_note, MML_FILE_SESSION,
		  mml_ioc_session_note),
	MML_IOCTL(MML_IOC_EXPLAIN, struct mml_explain, MML_FILE_ANY, mml_ioc_explain),
	MML_IOCTL_UNDO(MML_IOC_FAIL_NTH, struct mml_fail_nth,
		       MML_FILE_CONTROL | MML_FILE_SESSION, mml_ioc_fail_nth,
		       mml_ioc_fail_nth_undo),
};

/*
 * Dispatch.
 */

/* The entry for @cmd in @table, or NULL; its size is not compared. */
static const struct mml_ioctl *mml_ioctl_in(const struct mml_ioctl *table,
					    unsigned int cmd)
{
	const struct mml_ioctl *ioctl = &table[_IOC_NR(cmd) % MML_IOC_RANGE];

	return ioctl->fn && _IOC_DIR(ioctl->cmd) == _IOC_DIR(cmd) ? ioctl : NULL;
}

static const struct mml_ioctl *mml_ioctl_find(const struct mml_session *session,
					      unsigned int cmd)
{
	unsigned int range = _IOC_NR(cmd) / MML_IOC_RANGE;
	const struct mml_engine *engine;

	if (_IOC_TYPE(cmd) != MML_IOC_TYPE)
		return NULL;
	if (!range)
		return mml_ioctl_in(mml_ground_ioctls, cmd);
	if (!session || range > MML_NR_SLOTS)
		return NULL;
	range = array_index_nospec(range, MML_NR_SLOTS + 1);
	if (!test_bit(range - 1, &session->engines))
		return NULL;
	engine = session->machine->engine[range - 1];
	return engine->ioctls ? mml_ioctl_in(engine->ioctls, cmd) : NULL;
}

/*
 * Copy out; a caller whose struct is longer than ours finds zeros in what we do not
 * know. Returns: 0 or -EFAULT.
 */
static int mml_ioctl_copy_out(const struct mml_ioctl *ioctl, unsigned int cmd,
			      const void *arg, void __user *uarg)
{
	size_t size = _IOC_SIZE(ioctl->cmd), usize = _IOC_SIZE(cmd);

	if (!(_IOC_DIR(cmd) & _IOC_READ))
		return 0;
	if (copy_to_user(uarg, arg, min(size, usize)) ||
	    (usize > size && clear_user(uarg + size, usize - size)))
		return -EFAULT;
	return 0;
}

/* Copy in; and out again at once if there will be results, to see that we may. */
static int mml_ioctl_copy_in(const struct mml_ioctl *ioctl, unsigned int cmd,
			     void *arg, void __user *uarg)
{
	size_t size = _IOC_SIZE(ioctl->cmd), usize = _IOC_SIZE(cmd);
	int err;

	if (usize < ioctl->min_size)
		return -EINVAL;
	memset(arg, 0, size);
	err = _IOC_DIR(cmd) & _IOC_WRITE ?
		copy_struct_from_user(arg, size, uarg, usize) : 0;
	if (err)
		return err;
	return mml_ioctl_copy_out(ioctl, cmd, arg, uarg);
}

static void mml_ioctl_undo(const struct mml_ioctl *ioctl,
			   struct mml_ioctl_call *call, void *arg)
{
	if (ioctl->undo)
		ioctl->undo(call, arg);
	if (call->new_file) {
		put_unused_fd(call->new_fd);
		fput(call->new_file);
	}
}

static long mml_ioctl_run(const struct mml_ioctl *ioctl,
			  struct mml_ioctl_call *call, unsigned int cmd,
			  void __user *uarg)
{
	/* What of it is used is zeroed when it is copied in. */
	u8 arg[MML_IOCTL_MAX_SIZE] __aligned(8) __uninitialized;
	int err;

	err = mml_ioctl_copy_in(ioctl, cmd, arg, uarg);
	if (err)
		return err;
	err = ioctl->fn(call, arg);
	if (err)
		return err;
	err = mml_ioctl_copy_out(ioctl, cmd, arg, uarg);
	if (err)
		mml_ioctl_undo(ioctl, call, arg);
	else if (call->new_file)
		fd_install(call->new_fd, call->new_file);
	return err;
}

/* Everything but a session file: such a file has only the ground's commands. */
static long mml_plain_ioctl(struct file *file, unsigned int kind,
			    unsigned int cmd, unsigned long arg)
{
	const struct mml_ioctl *ioctl = mml_ioctl_find(NULL, cmd);
	struct mml_ioctl_call call = { .file = file };

	if (!ioctl || !(ioctl->kinds & kind))
		return -ENOTTY;
	return mml_ioctl_run(ioctl, &call, cmd, (void __user *)arg);
}

static long mml_control_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	return mml_plain_ioctl(file, MML_FILE_CONTROL, cmd, arg);
}

static long mml_machine_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	return mml_plain_ioctl(file, MML_FILE_MACHINE, cmd, arg);
}

static long mml_job_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mml_plain_ioctl(file, MML_FILE_JOB, cmd, arg);
}

static long mml_session_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	struct mml_session *session = mml_session_of_current(file->private_data);
	const struct mml_ioctl *ioctl;
	struct mml_ioctl_call call = { .file = file, .session = session };
	long err = -ENXIO;

	if (!session)
		return -ENXIO;
	ioctl = mml_ioctl_find(session, cmd);
	if (!ioctl || !(ioctl->kinds & MML_FILE_SESSION))
		err = -ENOTTY;
	else if (mml_machine_broken(session->machine) &&
		 ioctl->kinds != MML_FILE_ANY)
		err = -EIO;		/* what any file takes only looks */
	else
		err = mml_ioctl_run(ioctl, &call, cmd, (void __user *)arg);
	if (unlikely(err == -ENOMEM || err == -EDQUOT))
		mml_explain_sign(session->machine, session->id);
	mml_session_put(session);
	return err;
}

/*
 * The files.
 */

static int mml_session_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mml_session *session = mml_session_of_current(file->private_data);
	int slot, err = -ENODEV;

	if (!session)
		return -ENXIO;
	for_each_set_bit(slot, &session->engines, MML_NR_SLOTS)
		if (session->machine->engine[slot]->session_mmap)
			err = session->machine->engine[slot]->session_mmap(session, vma);
	mml_session_put(session);
	return err;
}

/* msync() of the window comes here: memory is all there is. */
static int mml_session_fsync(struct file *file, loff_t start, loff_t end,
			     int datasync)
{
	return 0;
}

static int mml_session_file_close(struct inode *inode, struct file *file)
{
	mml_session_file_release(file->private_data);
	return 0;
}

static int mml_job_file_close(struct inode *inode, struct file *file)
{
	mml_job_put(file->private_data);
	return 0;
}

static int mml_machine_file_close(struct inode *inode, struct file *file)
{
	struct mml_machine_file *mfile = file->private_data;

	if (!mfile->destroyed)
		mml_machine_orphan(mfile->id);
	kfree(mfile);
	return 0;
}

static int mml_control_open(struct inode *inode, struct file *file)
{
	file->private_data = mml_kzalloc(NULL, sizeof(struct mml_injection),
					 GFP_KERNEL_ACCOUNT);
	return file->private_data ? 0 : -ENOMEM;
}

static int mml_control_close(struct inode *inode, struct file *file)
{
	if (mml_inject(file->private_data, MML_FAIL_NTH_ANY, 0, NULL))
		mml_machines_each(mml_inject_mark);
	kfree(file->private_data);
	return 0;
}

static const struct file_operations mml_control_fops = {
	.owner = THIS_MODULE,
	.open = mml_control_open,
	.release = mml_control_close,
	.unlocked_ioctl = mml_control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static const struct file_operations mml_machine_fops = {
	.owner = THIS_MODULE,
	.release = mml_machine_file_close,
	.unlocked_ioctl = mml_machine_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static const struct file_operations mml_job_fops = {
	.owner = THIS_MODULE,
	.release = mml_job_file_close,
	.unlocked_ioctl = mml_job_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static const struct file_operations mml_session_fops = {
	.owner = THIS_MODULE,
	.release = mml_session_file_close,
	.unlocked_ioctl = mml_session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = mml_session_mmap,
	.fsync = mml_session_fsync,
};

static struct miscdevice mml_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mm_lab",
	.fops = &mml_control_fops,
};

/**
 * mml_device_init - make /dev/mm_lab
 * @mode: its permissions
 * @session_limit: bytes that a session may hold, unless it asks for less
 *
 * Context: module init.
 * Return: 0 or what misc_register() returned.
 */
int mml_device_init(umode_t mode, u64 session_limit)
{
	mml_session_limit = session_limit;
	mml_misc.mode = mode;
	return misc_register(&mml_misc);
}

void mml_device_exit(void)
{
	misc_deregister(&mml_misc);
}
