// SPDX-License-Identifier: GPL-2.0
/*
 * mm_lab: the ground on which the engines stand. Regions of memory, machines made of
 * them, sessions of processes, the device, debugfs, statistics, validators.
 *
 * This file is the module's parameters, its init in order and its exit in reverse.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string_helpers.h>

#include "mm_lab/alloc.h"
#include "mm_lab/debugfs.h"
#include "mm_lab/device.h"
#include "mm_lab/machine.h"
#include "mm_lab/session.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Built into a kernel, nobody asked for a machine. */
static char *memory = IS_BUILTIN(CONFIG_MM_LAB) ? "0" : "64M";
module_param(memory, charp, 0444);
MODULE_PARM_DESC(memory, "memory of the default machine (64M); 0: no default machine. If it cannot be had, loading fails");

static char *backend = "auto";
module_param(backend, charp, 0444);
MODULE_PARM_DESC(backend, "where that memory comes from: auto, reserve_mem, cma, contig, sparse; memmap: no memory, only frames to count");

static char *region = "mm_lab";
module_param(region, charp, 0444);
MODULE_PARM_DESC(region, "name of the reservation on the kernel command line, reserve_mem=SIZE:2M:NAME");

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "of the default machine's random numbers; 0: not repeatable");

static bool pcp = true;
module_param(pcp, bool, 0444);
MODULE_PARM_DESC(pcp, "the default machine's CPUs keep free blocks for themselves (Y)");

static bool grouping = true;
module_param(grouping, bool, 0444);
MODULE_PARM_DESC(grouping, "the default machine's memory is grouped by mobility (Y)");

static bool watermarks = true;
module_param(watermarks, bool, 0444);
MODULE_PARM_DESC(watermarks, "the default machine keeps frames in reserve (Y)");

static bool page_owner;
module_param(page_owner, bool, 0444);
MODULE_PARM_DESC(page_owner, "who holds each block of the default machine is kept (N)");

static bool page_poison;
module_param(page_poison, bool, 0444);
MODULE_PARM_DESC(page_poison, "the default machine's free frames have a pattern, that is checked (N)");

static bool zero_on_free;
module_param_named(init_on_free, zero_on_free, bool, 0444);
MODULE_PARM_DESC(init_on_free, "the default machine's frames are zeroed when they become free (N)");

static char *session_limit = "0";
module_param(session_limit, charp, 0444);
MODULE_PARM_DESC(session_limit, "memory that one session may hold at most; 0: no limit");

static char *slab_debug = "";
module_param(slab_debug, charp, 0444);
MODULE_PARM_DESC(slab_debug, "how which object caches of the default machine are debugged, as the kernel's: FZPU, or Z,name* (none)");

static unsigned long long fail_nth;
module_param(fail_nth, ullong, 0444);
MODULE_PARM_DESC(fail_nth, "for tests: the n-th allocation of loading this module fails; 0: none");

static unsigned int mode = 0600;
module_param(mode, uint, 0444);
MODULE_PARM_DESC(mode, "permissions of /dev/mm_lab, octal with a leading 0");

/*
 * A size with a suffix, all of @text; one that is too large for memparse() comes out as
 * 0 or as something smaller. Returns: 0 or -EINVAL.
 */
static int __init mml_parse_size(const char *name, const char *text, u64 *size)
{
	char *end;

	*size = memparse(text, &end);
	if (end != text && !*end && (*size || !strpbrk(text, "123456789")))
		return 0;
	pr_err("parameter %s=%s is not a size: give a number with K, M or G\n", name,
	       text);
	return -EINVAL;
}

static int __init mml_default_machine(void)
{
	struct mml_machine_spec spec = {
		.name = "default",
		.seed = seed,
		.state = BIT(MML_MACHINE_STATE_KEPT),
		.options = mml_machine_options(pcp, grouping, watermarks) |
			   mml_debug_options(page_owner, page_poison, zero_on_free),
		.slab_debug = slab_debug,
		.is_default = true,
	};
	struct mml_machine *machine;
	u64 bytes;
	int err;

	err = mml_parse_size("memory", memory, &bytes);
	if (err || !bytes)
		return err;
	err = mml_backend_parse(backend, &spec.backend);
	if (err) {
		pr_err("parameter backend=%s is none of auto, reserve_mem, cma, contig, sparse, memmap\n",
		       backend);
		return err;
	}
	if (strlen(slab_debug) >= MML_SLAB_DEBUG_LEN) {
		pr_err("parameter slab_debug is longer than %d letters\n",
		       MML_SLAB_DEBUG_LEN - 1);
		return -EINVAL;
	}
	spec.frames = bytes >> PAGE_SHIFT;
	if (spec.frames < MML_MIN_FRAMES || spec.frames > MML_MAX_FRAMES) {
		pr_err("parameter memory=%s is not possible: a machine has %lu KiB to %lu GiB\n",
		       memory, MML_MIN_FRAMES << (PAGE_SHIFT - 10),
		       MML_MAX_FRAMES >> (30 - PAGE_SHIFT));
		return -EINVAL;
	}
	machine = mml_machine_create(&spec);
	if (IS_ERR(machine)) {
		pr_err("no default machine of memory=%s with backend=%s: error %ld\n",
		       memory, backend, PTR_ERR(machine));
		return PTR_ERR(machine);
	}
	pr_info("machine %u: %lu frames, %llu MiB, from %s %s\n", machine->id,
		machine->nr_present, bytes >> 20,
		mml_backend_name(machine->slice.backend), machine->slice.region);
	return 0;
}

static int __init mml_load(void)
{
	u64 limit;
	int err;

	if (mode & ~0777) {
		pr_err("parameter mode=0%o is more than permissions: give 0600 to 0777\n",
		       mode);
		return -EINVAL;
	}
	err = mml_parse_size("session_limit", session_limit, &limit);
	if (err)
		return err;
	mml_debugfs_init();
	mml_regions_init(region);
	err = mml_sessions_init();
	if (err)
		goto no_sessions;
	err = mml_default_machine();
	if (err)
		goto no_machine;
	err = mml_device_init(mode, limit ?: U64_MAX);
	if (err)
		goto no_device;
	return 0;

no_device:
	mml_machines_exit();
no_machine:
	mml_sessions_exit();
no_sessions:
	mml_regions_exit();
	mml_debugfs_exit();
	return err;
}

static int __init mml_init(void)
{
	static struct mml_injection injection __initdata;
	struct mml_fail_nth was = {};
	int err;

	mml_alloc_table_register(&mml_ground_alloc_table);
	mml_inject(&injection, MML_FAIL_NTH_ANY, fail_nth, NULL);
	err = mml_load();
	if (mml_inject(&injection, MML_FAIL_NTH_ANY, 0, &was))
		mml_machines_each(mml_inject_mark);
	if (was.fired)
		pr_info("fail_nth=%llu: %llu allocations, that of site %u failed\n",
			fail_nth, was.seen, was.site);
	else if (fail_nth)
		pr_info("fail_nth=%llu: %llu allocations, none failed\n", fail_nth,
			was.seen);
	if (err)
		mml_alloc_table_unregister(&mml_ground_alloc_table);
	return err;
}
module_init(mml_init);

static void __exit mml_exit(void)
{
	mml_device_exit();
	mml_sessions_flush();
	mml_machines_exit();
	mml_sessions_exit();
	mml_regions_exit();
	mml_debugfs_exit();
	mml_alloc_table_unregister(&mml_ground_alloc_table);
}
module_exit(mml_exit);

MODULE_DESCRIPTION("mm_lab: Linux's memory management, rebuilt on memory of its own: the ground");
MODULE_LICENSE("GPL");
