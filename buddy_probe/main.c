// SPDX-License-Identifier: GPL-2.0
/*
 * buddy_probe: the page allocator, as an engine of mm_lab.
 */
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "buddy_probe/zone.h"
#include "mm_lab/alloc.h"
#include "mm_lab/device.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int mml_buddy_machine_init(struct mml_machine *machine)
{
	struct mml_zone *zone = mml_kzalloc(machine, sizeof(*zone), GFP_KERNEL);
	int err = -ENOMEM;

	if (!zone)
		return -ENOMEM;
	spin_lock_init(&zone->lock);
	zone->machine = machine;
	zone->managed = machine->nr_present;
	zone->grouping = !(machine->options & BIT(MML_OPTION_NO_GROUPING));
	zone->pageblock = mml_vcalloc(machine, mml_nr_pageblocks(machine), 1);
	if (!zone->pageblock)
		goto free_zone;
	err = mml_pcp_init(zone);
	if (err)
		goto free_pageblock;
	mml_free_all_pages(zone);
	machine->engine_data[MML_BUDDY_SLOT] = zone;
	return 0;

free_pageblock:
	vfree(zone->pageblock);
free_zone:
	kfree(zone);
	return err;
}

static void mml_buddy_machine_exit(struct mml_machine *machine)
{
	struct mml_zone *zone = mml_zone(machine);

	mml_pcp_exit(zone);
	vfree(zone->pageblock);
	kfree(zone);
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
	.validate = mml_zone_validate,
	.stat = mml_buddy_stat,
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
