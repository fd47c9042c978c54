// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU lists: free blocks that a CPU keeps, to serve itself without a lock.
 *
 * A list is a pair of stacks. Blocks come from and go to the first one; page_alloc.c
 * does that in line. When it is empty, the spare one takes its place; when there is
 * none, it is refilled from the zone. When it is full, it becomes the spare one, and the
 * older blocks, those of the former spare one, go back to the zone:
 *
 *	        refill            pop, push                 full
 *	zone ────────────> [ first stack ] <──── empty ──── [ spare ] ────> zone
 *	                          └───────────── full ─────────^      spill
 *
 * So a CPU that allocates and frees by turns never takes the zone's lock, wherever
 * between empty and full it is; and what goes back was used longest ago.
 *
 * A refill does not take single blocks, but slices: from the smallest free block on,
 * each as a whole, up to what the stack may hold. So it uses up fragments first, and
 * otherwise writes one descriptor a block. Only the first of them may come from another
 * migratetype: nothing is stolen in advance.
 *
 * A stack's size doubles when the zone is needed, up to a limit that the zone's frames
 * and the number of CPUs give, and is halved when the list lies idle for a second or two.
 * What is idle then goes back, the spare stack first. A machine whose random numbers are
 * seeded has to give the same run each time that it is used in the same way on the same
 * CPU, and so does not age; its lists are drained on demand only.
 *
 * Kernel counterpart: rmqueue_bulk(), free_pcppages_bulk(), nr_pcp_alloc(),
 * nr_pcp_free(), decay_pcp_high(), drain_all_pages(), page_alloc_cpu_dead() in
 * mm/page_alloc.c; the pair of stacks is the magazine layer of Bonwick and Adams, and
 * the sheaves of Linux 7.0. Differences: the kernel's lists are doubly linked, under a
 * spinlock a CPU that others can take; here a CPU's lists are its own, and others ask it
 * to drain them, which only who may sleep can do.
 *
 * Locking: pcp->lock, a local lock: interrupts are off, and this is the CPU whose lists
 * they are, or that CPU is dead. The zone's lock is taken inside, without saving what
 * interrupts were: they are off.
 */
#include <kunit/visibility.h>
#include <linux/cpuhotplug.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/smp.h>

#include "buddy_probe/internal.h"
#include "mm_lab/alloc.h"

#include "trace.h"

/* Frames in a stack to begin with, and blocks in it at most. */
#define MML_PCP_MIN_FRAMES	64U
#define MML_PCP_MAX_BLOCKS	1024UL
/* Of a zone, all CPUs' first stacks of one list may have at most this part. */
#define MML_PCP_FRACTION	12
/* Blocks that go back under one hold of the zone's lock. */
#define MML_PCP_FREE_BATCH	64
#define MML_PCP_AGE		HZ

static enum cpuhp_state mml_pcp_cpuhp;

/*
 * Between stack and zone.
 */

/* Both at once, so that who adds them up never sees blocks twice, or not at all. */
static void mml_pcp_count(struct mml_pcp_list *list, u32 nr, u32 nr_spare)
{
	struct mml_pcp_list new = { .nr = nr, .nr_spare = nr_spare };

	WRITE_ONCE(list->counts, new.counts);
}

/* How many blocks a list has, seen from another CPU. */
static u32 mml_pcp_list_nr(const struct mml_pcp_list *list)
{
	struct mml_pcp_list seen = { .counts = READ_ONCE(list->counts) };

	return seen.nr + seen.nr_spare;
}

/* The zone was needed: next time there shall be more. */
static void mml_pcp_grow(struct mml_pcp_list *list)
{
	list->size = min(2 * list->size, list->max_size);
}

/* Cut the block at @page into blocks of @order, and put these on the stack. */
static void mml_pcp_slice(struct mml_zone *zone, struct mml_pcp_list *list,
			  struct mml_page *page, unsigned int order)
{
	u32 step = 1U << order, nr = 1U << (page->order - order), i;
	u32 pfn = mml_page_to_pfn(zone->machine, page).val;

	for (i = 0; i < nr; i++, page += step) {
		page->order = order;
		page->state = MML_FRAME_PCP;
		pfn += step;
		page->next = pfn;
	}
	page[-(long)step].next = list->first;
	list->first = pfn - (nr << order);
	list->nr += nr;
}

/*
 * How many blocks may be taken in advance? Not what the zone keeps of any request; but one
 * at least, that was asked for.
 */
static u32 mml_nr_pcp_alloc(const struct mml_zone *zone, const struct mml_pcp_list *list,
			    unsigned int order)
{
	unsigned long keep = mml_wmark_pages(zone, MML_WMARK_LOW) +
			     zone->lowmem_reserve[MML_MAX_NR_ZONES - 1];
	unsigned long spare = zone->nr_free > keep ? (zone->nr_free - keep) >> order : 0;

	return clamp(spare, 1UL, (unsigned long)list->size);
}

/* Fill an empty first stack from the zone, as far as that has blocks to spare. */
static void mml_rmqueue_bulk(struct mml_zone *zone, struct mml_pcp_list *list,
			     unsigned int order, enum mml_migratetype migratetype,
			     unsigned int alloc_flags)
{
	u32 nr;

	spin_lock(&zone->lock);
	nr = mml_nr_pcp_alloc(zone, list, order);
	while (list->nr < nr) {
		unsigned int most = min_t(unsigned int, MML_MAX_ORDER,
					  order + ilog2(nr - list->nr));
		struct mml_page *page;

		if (list->nr)
			page = mml_rmqueue_smallest(zone, order, migratetype, most);
		else
			page = __mml_rmqueue(zone, order, migratetype, alloc_flags,
					     most);
		if (!page)
			break;
		mml_pcp_slice(zone, list, page, order);
	}
	spin_unlock(&zone->lock);
}

/* Something comes to @list: it may have to be given back some time. */
void mml_pcp_age_later(struct mml_zone *zone, struct mml_pcp_list *list)
{
	list->aged = false;
	if (!zone->machine->seed)
		queue_delayed_work(system_unbound_wq, &zone->buddy->age, MML_PCP_AGE);
}

/*
 * The first stack is empty: the spare one takes its place. Returns: whether it has any
 * blocks.
 */
bool mml_pcp_swap(struct mml_pcp_list *list)
{
	if (!list->nr_spare)
		return false;
	list->idle = false;
	swap(list->first, list->spare);
	mml_pcp_count(list, list->nr_spare, list->nr);
	return true;
}

/*
 * Both stacks are empty, or the first one is: get blocks for it. Returns: whether it has any
 * now.
 */
bool mml_pcp_refill(struct mml_zone *zone, struct mml_pcp_list *list,
		    unsigned int order, enum mml_migratetype migratetype,
		    unsigned int alloc_flags)
{
	if (mml_pcp_swap(list))
		return true;
	if (!list->size)
		return false;
	list->idle = false;
	mml_rmqueue_bulk(zone, list, order, migratetype, alloc_flags);
	if (list->nr >= list->size)
		mml_pcp_grow(list);
	mml_pcp_age_later(zone, list);
	trace_mml_alloc_decision(zone->machine, order, MML_TRY_REFILL, order, NULL,
				 list->nr);
	return list->nr;
}

/* A stack is corrupt: it is given up. */
noinline void mml_pcp_bug(struct mml_zone *zone, u32 *first, u32 *nr,
			  unsigned int order)
{
	mml_bug(zone->machine, "frame %u on a per-CPU list of order %u is not kept there",
		*first, order);
	*first = MML_PFN_NONE;
	*nr = 0;
}

/* Give a whole stack back to the zone. */
static void mml_free_pcppages_bulk(struct mml_zone *zone, u32 *first, u32 *nr,
				   unsigned int order)
{
	int i;

	while (*nr) {
		spin_lock(&zone->lock);
		for (i = 0; i < MML_PCP_FREE_BATCH && *nr; i++) {
			u32 pfn = *first;
			struct mml_page *page = mml_pcp_pop(zone, first, nr, order);

			if (!page)
				break;
			trace_mm_page_pcpu_drain(zone->machine, page, order,
						 mml_get_pageblock_migratetype(zone, pfn));
			mml_free_one_page(zone, pfn, order);
		}
		spin_unlock(&zone->lock);
	}
	*first = MML_PFN_NONE;
}

/* The first stack is full: make room. Returns: false if the list is not used at all. */
bool mml_pcp_spill(struct mml_zone *zone, struct mml_pcp_list *list,
		   unsigned int order)
{
	if (!list->size)
		return false;
	list->idle = false;
	if (list->nr_spare) {
		trace_mml_alloc_decision(zone->machine, order, MML_TRY_SPILL, order,
					 NULL, list->nr_spare);
		mml_free_pcppages_bulk(zone, &list->spare, &list->nr_spare, order);
		mml_pcp_grow(list);
	}
	list->spare = list->first;
	list->first = MML_PFN_NONE;
	mml_pcp_count(list, 0, list->nr);
	return true;
}

/*
 * Draining: all lists of a CPU.
 */

/* Returns: whether there was anything. */
static bool mml_drain_pages(struct mml_zone *zone, struct mml_per_cpu_pages *pcp)
{
	bool any = false;
	int i;

	for (i = 0; i < MML_NR_PCP_LISTS; i++) {
		struct mml_pcp_list *list = &pcp->list[i];

		any |= list->nr || list->nr_spare;
		mml_free_pcppages_bulk(zone, &list->first, &list->nr, mml_pcp_order(i));
		mml_free_pcppages_bulk(zone, &list->spare, &list->nr_spare,
				       mml_pcp_order(i));
	}
	return any;
}

/* What this CPU keeps goes back. Returns: whether there was anything. */
bool mml_drain_local_pages(struct mml_buddy *buddy)
{
	struct mml_zone *zone;
	unsigned long flags;
	bool any = false;
	int i;

	mml_for_each_populated_zone(buddy, zone, i) {
		local_lock_irqsave(&zone->pcp->lock, flags);
		any |= mml_drain_pages(zone, this_cpu_ptr(zone->pcp));
		local_unlock_irqrestore(&zone->pcp->lock, flags);
	}
	return any;
}

static void mml_drain_local_pages_fn(void *buddy)
{
	mml_drain_local_pages(buddy);
}

/**
 * mml_drain_all_pages - all CPUs give back the free blocks that they keep
 * @machine: of which machine
 *
 * Context: process, interrupts on.
 */
void mml_drain_all_pages(struct mml_machine *machine)
{
	struct mml_buddy *buddy = mml_buddy(machine);

	/* One at a time: who comes meanwhile would interrupt everybody for nothing. */
	mutex_lock(&buddy->drain);
	on_each_cpu(mml_drain_local_pages_fn, buddy, true);
	mutex_unlock(&buddy->drain);
}
EXPORT_SYMBOL_NS_GPL(mml_drain_all_pages, MM_LAB);

/* How many frames a CPU keeps of a zone; may have changed meanwhile. */
unsigned long mml_pcp_pages(const struct mml_per_cpu_pages *pcp)
{
	unsigned long frames = 0;
	int i;

	for (i = 0; i < MML_NR_PCP_LISTS; i++)
		frames += (unsigned long)mml_pcp_list_nr(&pcp->list[i]) <<
			  mml_pcp_order(i);
	return frames;
}
EXPORT_SYMBOL_IF_KUNIT(mml_pcp_pages);

/* And all CPUs. */
unsigned long mml_zone_pcp_pages(const struct mml_zone *zone)
{
	unsigned long frames = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		frames += mml_pcp_pages(per_cpu_ptr(zone->pcp, cpu));
	return frames;
}

/* And of all zones. */
unsigned long mml_nr_pcp_pages(const struct mml_buddy *buddy)
{
	unsigned long frames = 0;
	struct mml_zone *zone;
	int i;

	mml_for_each_populated_zone(buddy, zone, i)
		frames += mml_zone_pcp_pages(zone);
	return frames;
}
EXPORT_SYMBOL_IF_KUNIT(mml_nr_pcp_pages);

/*
 * Ageing: what nobody needs goes back.
 */

struct mml_pcp_ageing {
	struct mml_buddy *buddy;
	atomic_t kept;			/* lists that have something */
};

/*
 * One round for this CPU's lists. Returns: how many have something. Where nothing is left,
 * whoever brings something begins anew: see @aged.
 */
static int mml_pcp_age_lists(struct mml_zone *zone, struct mml_per_cpu_pages *pcp)
{
	int i, kept = 0;

	for (i = 0; i < MML_NR_PCP_LISTS; i++) {
		struct mml_pcp_list *list = &pcp->list[i];

		if (list->idle) {
			mml_free_pcppages_bulk(zone, &list->spare, &list->nr_spare,
					       mml_pcp_order(i));
			swap(list->first, list->spare);
			mml_pcp_count(list, list->nr_spare, list->nr);
			list->size = max(list->size / 2, list->min_size);
		}
		list->idle = true;
		list->aged = true;
		kept += list->nr || list->nr_spare;
	}
	return kept;
}

static void mml_pcp_age_local(void *data)
{
	struct mml_pcp_ageing *ageing = data;
	struct mml_zone *zone;
	unsigned long flags;
	int i;

	mml_for_each_populated_zone(ageing->buddy, zone, i) {
		local_lock_irqsave(&zone->pcp->lock, flags);
		atomic_add(mml_pcp_age_lists(zone, this_cpu_ptr(zone->pcp)),
			   &ageing->kept);
		local_unlock_irqrestore(&zone->pcp->lock, flags);
	}
}

void mml_pcp_age(struct work_struct *work)
{
	struct mml_pcp_ageing ageing = {
		.buddy = container_of(to_delayed_work(work), struct mml_buddy, age),
	};

	on_each_cpu(mml_pcp_age_local, &ageing, true);
	if (atomic_read(&ageing.kept) && !ageing.buddy->machine->seed)
		queue_delayed_work(system_unbound_wq, &ageing.buddy->age, MML_PCP_AGE);
}
EXPORT_SYMBOL_IF_KUNIT(mml_pcp_age);

/*
 * Validating: each CPU looks at its own lists.
 */

struct mml_pcp_validation {
	struct mml_zone *zone;
	struct mml_validation *v;
};

static void mml_pcp_validate_stack(struct mml_zone *zone, struct mml_validation *v,
				   u32 first, u32 nr, unsigned int order)
{
	u32 pfn = first, i;

	for (i = 0; i < nr; i++) {
		if (!mml_check(v, mml_page_is_pcp(zone, pfn, order),
			       "frame %u on CPU %d's list of order %u is not kept there",
			       pfn, smp_processor_id(), order))
			return;
		mml_check(v, !mml_page_ref_count(&zone->machine->memmap[pfn]),
			  "free frame %u has references", pfn);
		pfn = zone->machine->memmap[pfn].next;
	}
	mml_check(v, pfn == MML_PFN_NONE,
		  "CPU %d's list of order %u has more than the %u blocks it counts",
		  smp_processor_id(), order, nr);
}

static void mml_pcp_validate_local(void *data)
{
	struct mml_pcp_validation *pv = data;
	struct mml_zone *zone = pv->zone;
	unsigned long flags;
	int i;

	local_lock_irqsave(&zone->pcp->lock, flags);
	for (i = 0; i < MML_NR_PCP_LISTS; i++) {
		const struct mml_pcp_list *list = &this_cpu_ptr(zone->pcp)->list[i];
		unsigned int order = mml_pcp_order(i);

		mml_pcp_validate_stack(zone, pv->v, list->first, list->nr, order);
		mml_pcp_validate_stack(zone, pv->v, list->spare, list->nr_spare, order);
		mml_check(pv->v, list->size <= list->max_size,
			  "CPU %d's list of order %u may have %u blocks, more than %u",
			  smp_processor_id(), order, list->size, list->max_size);
	}
	local_unlock_irqrestore(&zone->pcp->lock, flags);
}

void mml_pcp_validate(struct mml_zone *zone, struct mml_validation *v)
{
	struct mml_pcp_validation pv = { .zone = zone, .v = v };
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		smp_call_function_single(cpu, mml_pcp_validate_local, &pv, true);
	cpus_read_unlock();
}

/*
 * CPUs that come and go, and zones.
 */

/*
 * Nobody runs on @cpu any more, and nobody will use its lists until it is back: no lock
 * is needed for them. This CPU's is taken to have interrupts off, as for the zone's.
 */
static int mml_pcp_cpu_dead(unsigned int cpu, struct hlist_node *node)
{
	struct mml_buddy *buddy = hlist_entry(node, struct mml_buddy, cpuhp);
	struct mml_zone *zone;
	unsigned long flags;
	int i;

	mml_for_each_populated_zone(buddy, zone, i) {
		local_lock_irqsave(&zone->pcp->lock, flags);
		mml_drain_pages(zone, per_cpu_ptr(zone->pcp, cpu));
		local_unlock_irqrestore(&zone->pcp->lock, flags);
	}
	return 0;
}

int mml_pcp_load(void)
{
	int state = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "mm_lab/page_alloc:dead",
					    NULL, mml_pcp_cpu_dead);

	if (state < 0)
		return state;
	mml_pcp_cpuhp = state;
	return 0;
}

void mml_pcp_unload(void)
{
	cpuhp_remove_multi_state(mml_pcp_cpuhp);
}

static void mml_pcp_list_init(const struct mml_zone *zone, struct mml_pcp_list *list,
			      unsigned int order)
{
	unsigned long most = zone->managed / MML_PCP_FRACTION / num_possible_cpus();

	*list = (struct mml_pcp_list){
		.first = MML_PFN_NONE,
		.spare = MML_PFN_NONE,
		.aged = true,
	};
	if (zone->machine->options & BIT(MML_OPTION_NO_PCP))
		return;
	list->max_size = min(most >> order, MML_PCP_MAX_BLOCKS);
	list->min_size = min(max(MML_PCP_MIN_FRAMES >> order, 1U), list->max_size);
	list->size = list->min_size;
}

/* Returns: 0, or -ENOMEM. */
static int mml_zone_pcp_init(struct mml_zone *zone)
{
	int cpu, i;

	zone->pcp = mml_alloc_percpu(zone->machine, struct mml_per_cpu_pages);
	if (!zone->pcp)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct mml_per_cpu_pages *pcp = per_cpu_ptr(zone->pcp, cpu);

		local_lock_init(&pcp->lock);
		for (i = 0; i < MML_NR_PCP_LISTS; i++)
			mml_pcp_list_init(zone, &pcp->list[i], mml_pcp_order(i));
	}
	return 0;
}

static void mml_pcp_free(struct mml_buddy *buddy)
{
	struct mml_zone *zone;
	int i;

	mml_for_each_populated_zone(buddy, zone, i)
		free_percpu(zone->pcp);
}

/* Returns: 0, or an errno. */
int mml_pcp_init(struct mml_buddy *buddy)
{
	struct mml_zone *zone;
	int err = 0, i;

	INIT_DELAYED_WORK(&buddy->age, mml_pcp_age);
	mutex_init(&buddy->drain);
	mml_for_each_populated_zone(buddy, zone, i)
		err = err ?: mml_zone_pcp_init(zone);
	if (!err)
		err = cpuhp_state_add_instance_nocalls(mml_pcp_cpuhp, &buddy->cpuhp);
	if (err)
		mml_pcp_free(buddy);
	return err;
}

/* Nobody uses the zones any more; what the CPUs keep need not go back. */
void mml_pcp_exit(struct mml_buddy *buddy)
{
	cpuhp_state_remove_instance_nocalls(mml_pcp_cpuhp, &buddy->cpuhp);
	cancel_delayed_work_sync(&buddy->age);
	mml_pcp_free(buddy);
}
