// SPDX-License-Identifier: GPL-2.0
/*
 * buddy_probe: the page allocator, as an engine of mm_lab.
 */
#include <linux/module.h>

#include "buddy_probe/debug.h"
#include "buddy_probe/internal.h"
#include "mm_lab/alloc.h"
#include "mm_lab/device.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int mml_buddy_machine_init(struct mml_machine *machine)
{
	struct mml_buddy *buddy = mml_buddy_create(machine);

	if (IS_ERR(buddy))
		return PTR_ERR(buddy);
	machine->engine_data[MML_BUDDY_SLOT] = buddy;
	return 0;
}

static void mml_buddy_machine_exit(struct mml_machine *machine)
{
	mml_buddy_destroy(mml_buddy(machine));
	mml_forget_all_pages(machine);
}

static void mml_buddy_stat(struct mml_machine *machine, unsigned long *items)
{
	items[MML_NR_FREE_PAGES] += mml_nr_free_pages(machine);
}

static const struct mml_page_ops mml_kernel_page_ops = { .name = "kernel" };
static const struct mml_page_ops mml_user_page_ops = { .name = "user" };

static struct mml_engine mml_buddy_engine = {
	.name = "buddy_probe",
	.owner = THIS_MODULE,
	.slot = MML_BUDDY_SLOT,
	.alloc_table = &mml_buddy_alloc_table,
	.page_ops = {
		[MML_PAGE_KERNEL] = &mml_kernel_page_ops,
		[MML_PAGE_USER] = &mml_user_page_ops,
	},
	.ioctls = mml_buddy_ioctls,
	.machine_files = mml_buddy_machine_files,
	.machine_init = mml_buddy_machine_init,
	.machine_exit = mml_buddy_machine_exit,
	.session_init = mml_blocks_init,
	.session_exit = mml_blocks_exit,
	.session_free = mml_blocks_free,
	.validate = mml_buddy_validate,
	.stat = mml_buddy_stat,
	.lost = mml_lost_blocks,
};

static int __init mml_buddy_init(void)
{
	int err = mml_pcp_load();

	if (err)
		return err;
	err = mml_engine_register(&mml_buddy_engine);
	if (err)
		mml_pcp_unload();
	return err;
}
module_init(mml_buddy_init);

static void __exit mml_buddy_exit(void)
{
	mml_engine_unregister(&mml_buddy_engine);
	mml_pcp_unload();
}
module_exit(mml_buddy_exit);

MODULE_DESCRIPTION("mm_lab: the page allocator");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(MM_LAB);
