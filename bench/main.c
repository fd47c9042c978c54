// SPDX-License-Identifier: GPL-2.0
/*
 * mml_bench: what allocations cost, the lab's beside the kernel's, in one run. It calls
 * exported functions only, as any user of the lab and of the kernel does, on the default
 * machine.
 *
 *	echo 'pages.order0.*' >/sys/kernel/debug/mm_lab_bench/run
 *	cat /sys/kernel/debug/mm_lab_bench/results
 *
 * runs the tests whose names match and waits for their end. The parameters, which can be
 * changed at any time, say how: rounds, repeat, threads, msecs, live. The first line of
 * results has how many times the clock ticks in a millisecond, each further one is a batch
 * as it was measured: test, side, part, threads, operations, time; with live, the last two
 * are objects and bytes.
 * Built into a kernel, mm_lab_bench.run=GLOB runs them at boot, with the results in the
 * kernel log, and turns the machine off.
 *
 * The marks around what is timed are counted by themselves, so the n-th pair of marks of
 * a run is its n-th line, once those of measuring the clock are left out.
 *
 * Locking: mml_bench_mutex is held while tests run and while results are read.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bench/bench.h"
#include "bench/compat.h"
#include "buddy_probe/buddy.h"
#include "mm_lab/machine.h"

static unsigned int rounds = 31;
module_param(rounds, uint, 0644);
MODULE_PARM_DESC(rounds, "batches of each side of each test (31)");

static unsigned int repeat = 1;
module_param(repeat, uint, 0644);
MODULE_PARM_DESC(repeat, "how many times as much is done for one sample (1)");

static unsigned int threads;
module_param(threads, uint, 0644);
MODULE_PARM_DESC(threads, "0: batches; else throughput of one thread and of so many, 2 at least, a CPU each (0)");

static unsigned int msecs = 200;
module_param(msecs, uint, 0644);
MODULE_PARM_DESC(msecs, "how long threads run for one sample (200)");

static unsigned int live;
module_param(live, uint, 0644);
MODULE_PARM_DESC(live, "0: time; else the memory that so many objects take (0)");

/* Only read at boot, where there is no debugfs file to write to yet. */
static char *run;
module_param(run, charp, 0444);
MODULE_PARM_DESC(run, "built into a kernel: run what matches at boot, then turn off");

static DEFINE_MUTEX(mml_bench_mutex);
static struct dentry *mml_bench_debugfs;

/* The machine, while tests run. */
struct mml_machine *mml_bench_machine;

static const struct mml_bench_test mml_bench_no_tests[] = { {} };

const struct mml_bench_test *const mml_bench_tables[] = {
	mml_bench_control_tests,
	mml_bench_pages_tests,
	mml_bench_objects_tests,
	mml_bench_vmas_tests,
	MML_BENCH_HAVE_GEN_POOL ? mml_bench_gen_pool_tests : mml_bench_no_tests,
	MML_BENCH_HAVE_GPU_BUDDY ? mml_bench_gpu_buddy_tests : mml_bench_no_tests,
	NULL
};

/* What tests other than those of the page allocators work on; NULL where there are none. */
static const struct {
	int (*make)(void);
	void (*unmake)(void);
} mml_bench_makers[] = {
	{ mml_bench_objects_make, mml_bench_objects_unmake },
	{ mml_bench_vmas_make, mml_bench_vmas_unmake },
	{ MML_BENCH_HAVE_GEN_POOL ? mml_bench_gen_pool_make : NULL,
	  MML_BENCH_HAVE_GEN_POOL ? mml_bench_gen_pool_unmake : NULL },
	{ MML_BENCH_HAVE_GPU_BUDDY ? mml_bench_gpu_buddy_make : NULL,
	  MML_BENCH_HAVE_GPU_BUDDY ? mml_bench_gpu_buddy_unmake : NULL },
};

/* The first @nr of them go. */
static void mml_bench_unmake(unsigned int nr)
{
	while (nr--)
		if (mml_bench_makers[nr].unmake)
			mml_bench_makers[nr].unmake();
}

/* Returns: 0 or a negative errno; then none are left. */
static int mml_bench_make(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(mml_bench_makers); i++) {
		err = mml_bench_makers[i].make ? mml_bench_makers[i].make() : 0;
		if (err) {
			mml_bench_unmake(i);
			return err;
		}
	}
	return 0;
}

/* Which one the parameters say. */
static enum mml_bench_method mml_bench_method(void)
{
	if (READ_ONCE(live))
		return MML_BENCH_MEMORY;
	return READ_ONCE(threads) ? MML_BENCH_THREADS : MML_BENCH_BATCHES;
}

static int mml_bench_measure(const char *glob, enum mml_bench_method method)
{
	int err;

	err = mml_bench_make();
	if (err)
		return err;
	switch (method) {
	case MML_BENCH_BATCHES:
		err = mml_bench_batches(glob, rounds, repeat);
		break;
	case MML_BENCH_THREADS:
		err = mml_bench_threads(glob, rounds, threads, msecs);
		break;
	case MML_BENCH_MEMORY:
		err = mml_bench_memory(glob, rounds, live);
		break;
	}
	mml_bench_unmake(ARRAY_SIZE(mml_bench_makers));
	return err;
}

/* Run what matches @glob. Returns: 0 or a negative errno; what was wrong is in the log. */
static int mml_bench_run(const char *glob)
{
	enum mml_bench_method method = mml_bench_method();
	struct mml_hold hold;
	int err;

	if (!mml_bench_count(glob, method)) {
		pr_err("no test matches '%s', of those that the parameters ask for\n", glob);
		return -ENOENT;
	}
	mml_bench_machine = mml_machine_hold(MML_MACHINE_DEFAULT, &hold, "bench");
	if (!mml_bench_machine) {
		pr_err("there is no default machine; load mm_lab with memory=64M or more\n");
		return -ENODEV;
	}
	err = mml_bench_measure(glob, method);
	mml_machine_unhold(mml_bench_machine, &hold);
	mml_bench_machine = NULL;
	return err;
}

static ssize_t mml_bench_run_write(struct file *file, const char __user *buf,
				   size_t count, loff_t *ppos)
{
	char glob[80];
	int err;

	if (count >= sizeof(glob))
		return -EINVAL;
	if (copy_from_user(glob, buf, count))
		return -EFAULT;
	glob[count] = '\0';

	err = mutex_lock_interruptible(&mml_bench_mutex);
	if (err)
		return err;
	err = mml_bench_run(strim(glob));
	mutex_unlock(&mml_bench_mutex);
	return err ?: count;
}

static const struct file_operations mml_bench_run_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = mml_bench_run_write,
	.llseek = noop_llseek,
};

static int mml_bench_results_show(struct seq_file *seq, void *unused)
{
	int err;

	err = mutex_lock_interruptible(&mml_bench_mutex);
	if (err)
		return err;
	err = mml_bench_show(seq);
	mutex_unlock(&mml_bench_mutex);
	return err;
}
DEFINE_SHOW_ATTRIBUTE(mml_bench_results);

/* Built in: what the command line asks for. The end is seen in the log. */
static void mml_bench_boot(void)
{
	int err;

	mutex_lock(&mml_bench_mutex);
	err = mml_bench_run(run);
	if (!err)
		mml_bench_print();
	mutex_unlock(&mml_bench_mutex);
	pr_info("done: %d\n", err);
	kernel_power_off();
}

static int __init mml_bench_init(void)
{
	mml_bench_debugfs = debugfs_create_dir("mm_lab_bench", NULL);
	debugfs_create_file("run", 0200, mml_bench_debugfs, NULL, &mml_bench_run_fops);
	debugfs_create_file("results", 0400, mml_bench_debugfs, NULL,
			    &mml_bench_results_fops);
	if (IS_BUILTIN(CONFIG_MM_LAB_BENCH) && run)
		mml_bench_boot();
	return 0;
}

/* Built in, the machine is there by now: its initcall was an earlier one. */
late_initcall(mml_bench_init);

static void __exit mml_bench_exit(void)
{
	debugfs_remove(mml_bench_debugfs);
	mml_bench_forget();
}
module_exit(mml_bench_exit);

MODULE_DESCRIPTION("mm_lab: what allocations cost, beside the kernel's");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(MM_LAB);
