// SPDX-License-Identifier: GPL-2.0
/*
 * slub_probe: object caches and kmalloc, as an engine of mm_lab.
 */
#include <linux/bitops.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "mm_lab/alloc.h"
#include "mm_lab/shrinker.h"
#include "slub_probe/slab.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static enum cpuhp_state mml_slub_cpuhp;

/* What the CPU kept of each cache goes back; nobody runs on it any more. */
static int mml_slub_cpu_dead(unsigned int cpu, struct hlist_node *node)
{
	struct mml_slub *slub = hlist_entry(node, struct mml_slub, cpuhp);
	struct mml_kmem_cache *s;

	mutex_lock(&slub->slab_mutex);
	list_for_each_entry(s, &slub->slab_caches, list)
		mml_cache_cpu_dead(s, cpu);
	mutex_unlock(&slub->slab_mutex);
	return 0;
}

/* How well blocks of the machine are aligned where the kernel maps them. */
static unsigned int mml_slub_max_order(const struct mml_machine *machine)
{
	if (machine->sections || !machine->base)
		return MML_MAX_ORDER;
	return min_t(unsigned int, MML_MAX_ORDER,
		     __ffs((unsigned long)machine->base) - PAGE_SHIFT);
}

/*
 * All caches go, with what they have, and nobody is told of CPUs any more. Objects that
 * somebody has are named, and lost.
 */
static void mml_slub_exit_caches(struct mml_slub *slub)
{
	struct mml_kmem_cache *s, *next;

	mml_slab_publish_exit(slub);
	mml_kfree_rcu_exit(slub);
	mml_slub_lock(slub);
	list_for_each_entry(s, &slub->slab_caches, list)
		if (mml_cache_drain(s))
			mml_abandon_objects(s);
	mml_slub_unlock(slub);
	cpuhp_state_remove_instance_nocalls(mml_slub_cpuhp, &slub->cpuhp);
	list_for_each_entry_safe(s, next, &slub->slab_caches, list)
		__mml_kmem_cache_destroy(s);
}

static void mml_slub_machine_exit(struct mml_machine *machine)
{
	struct mml_slub *slub = mml_slub(machine);

	mml_shrinker_free(slub->shrinker);
	mml_slub_exit_caches(slub);
	mutex_destroy(&slub->slab_mutex);
	kfree(slub);
}

static int mml_slub_machine_init(struct mml_machine *machine)
{
	struct mml_slub *slub;
	int err;

	if (mml_slab_debug_check(machine->slab_debug)) {
		pr_err("slab_debug=%*pE cannot be read: give letters of FZPUTO-, and names after a comma, as FZ,pearls;P\n",
		       (int)strlen(machine->slab_debug), machine->slab_debug);
		return -EINVAL;
	}
	slub = mml_kzalloc(machine, sizeof(*slub), GFP_KERNEL);
	if (!slub)
		return -ENOMEM;
	slub->machine = machine;
	slub->max_order = mml_slub_max_order(machine);
	mutex_init(&slub->slab_mutex);
	INIT_LIST_HEAD(&slub->slab_caches);
	mml_slab_publish_init(slub);
	mml_kfree_rcu_init(slub);
	machine->engine_data[MML_SLUB_SLOT] = slub;
	err = cpuhp_state_add_instance_nocalls(mml_slub_cpuhp, &slub->cpuhp);
	if (err)
		goto free;
	if (!mml_has_memory(machine))
		return 0;
	mutex_lock(&slub->slab_mutex);
	err = mml_kmalloc_init(slub);
	mutex_unlock(&slub->slab_mutex);
	err = err ?: mml_slub_shrinker_init(slub);
	if (!err)
		return 0;
	mml_slub_exit_caches(slub);
free:
	machine->engine_data[MML_SLUB_SLOT] = NULL;
	kfree(slub);
	return err;
}

static void mml_slub_stat(struct mml_machine *machine, unsigned long *items)
{
	struct mml_slub *slub = mml_slub(machine);

	items[MML_NR_SLAB_RECLAIMABLE] += atomic_long_read(&slub->nr_pages[1]);
	items[MML_NR_SLAB_UNRECLAIMABLE] += atomic_long_read(&slub->nr_pages[0]);
}

static const struct mml_page_ops mml_slab_page_ops = { .name = "slab" };
static const struct mml_page_ops mml_large_kmalloc_page_ops = { .name = "kmalloc" };

static struct mml_engine mml_slub_engine = {
	.name = "slub_probe",
	.owner = THIS_MODULE,
	.slot = MML_SLUB_SLOT,
	.alloc_table = &mml_slub_alloc_table,
	.page_ops = {
		[MML_PAGE_SLAB] = &mml_slab_page_ops,
		[MML_PAGE_LARGE_KMALLOC] = &mml_large_kmalloc_page_ops,
	},
	.ioctls = mml_slub_ioctls,
	.machine_files = mml_slub_machine_files,
	.machine_init = mml_slub_machine_init,
	.machine_exit = mml_slub_machine_exit,
	.session_init = mml_session_caches_init,
	.session_exit = mml_session_caches_exit,
	.session_free = mml_session_caches_free,
	.validate = mml_slub_validate,
	.stat = mml_slub_stat,
};

static int __init mml_slub_init(void)
{
	int state = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "mm_lab/slub:dead", NULL,
					    mml_slub_cpu_dead);
	int err;

	if (state < 0)
		return state;
	mml_slub_cpuhp = state;
	err = mml_engine_register(&mml_slub_engine);
	if (err)
		cpuhp_remove_multi_state(mml_slub_cpuhp);
	return err;
}
module_init(mml_slub_init);

static void __exit mml_slub_exit(void)
{
	mml_engine_unregister(&mml_slub_engine);
	cpuhp_remove_multi_state(mml_slub_cpuhp);
}
module_exit(mml_slub_exit);

MODULE_DESCRIPTION("mm_lab: object caches");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(MM_LAB);
