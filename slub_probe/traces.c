// SPDX-License-Identifier: GPL-2.0
/*
 * alloc_traces and free_traces: from where in the code the objects of a cache with
 * SLAB_STORE_USER were allocated, or freed, the most frequent place first.
 *
 *	     42 necklace_new+0x1c/0x40 waste=168/4 age=1/5/9 pid=77 cpus=0-1
 *		…the stack…
 *
 * 42 objects; 168 bytes of them were not asked for, 4 each; 1 to 9 jiffies ago, on average 5.
 *
 * Kernel counterpart: slab_debugfs_fops in mm/slub.c, and the format of its files.
 *
 * Locking: list_lock while the records of one slab are copied.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "mm_lab/stack.h"
#include "slub_probe/debug.h"

/* Places that are told of at first; then twice as many, and so on. */
#define MML_LOCATIONS	64

/**
 * struct mml_location - objects that one place in the code allocated, or freed
 * @count: how many
 * @addr: who called
 * @handle: with this stack
 * @waste: bytes of each that were not asked for
 * @sum_age: in jiffies, of all
 * @min_age: of the youngest
 * @max_age: of the oldest
 * @min_pid: the lowest
 * @max_pid: the highest
 * @cpus: on which it was
 * @nodes: on which they are
 */
struct mml_location {
	unsigned long count;
	unsigned long addr;
	u32 handle;
	u32 waste;
	u64 sum_age;
	unsigned long min_age;
	unsigned long max_age;
	int min_pid;
	int max_pid;
	struct cpumask cpus;
	DECLARE_BITMAP(nodes, MML_MAX_NUMNODES);
};

/**
 * struct mml_locations - all of a cache, in the order of their @addr, @handle, @waste
 * @nr: how many
 * @room: for so many
 * @location: these
 */
struct mml_locations {
	unsigned int nr;
	unsigned int room;
	struct mml_location *location;
};

/* A record, and what of its object was not asked for. */
struct mml_traced {
	struct mml_track track;
	u32 waste;
};

/* Returns: 0 or -ENOMEM. */
static int mml_grow_locations(struct mml_machine *machine, struct mml_locations *all)
{
	unsigned int room = all->room ? 2 * all->room : MML_LOCATIONS;
	struct mml_location *larger = mml_vcalloc(machine, room, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	if (all->nr)
		memcpy(larger, all->location, all->nr * sizeof(*larger));
	vfree(all->location);
	all->location = larger;
	all->room = room;
	return 0;
}

/* Does the record belong before (< 0), to (0) or behind (> 0) a location? */
static int mml_compare_location(const struct mml_traced *t, const struct mml_location *l)
{
	if (t->track.addr != l->addr)
		return t->track.addr < l->addr ? -1 : 1;
	if (t->track.handle != l->handle)
		return t->track.handle < l->handle ? -1 : 1;
	if (t->waste != l->waste)
		return t->waste < l->waste ? -1 : 1;
	return 0;
}

/* Where the record belongs, a new location if need be. Returns: NULL: there is no memory. */
static struct mml_location *mml_find_location(struct mml_machine *machine,
					      struct mml_locations *all,
					      const struct mml_traced *t)
{
	unsigned int from = 0, to = all->nr;
	struct mml_location *l;

	while (from < to) {
		unsigned int middle = from + (to - from) / 2;
		int order = mml_compare_location(t, &all->location[middle]);

		if (!order)
			return &all->location[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	if (all->nr == all->room && mml_grow_locations(machine, all))
		return NULL;
	l = &all->location[from];
	memmove(l + 1, l, (all->nr++ - from) * sizeof(*l));
	*l = (struct mml_location){
		.addr = t->track.addr,
		.handle = t->track.handle,
		.waste = t->waste,
		.min_age = ULONG_MAX,
		.min_pid = INT_MAX,
	};
	return l;
}

static int mml_add_trace(struct mml_kmem_cache *s, struct mml_locations *all,
			 const struct mml_traced *t, unsigned int nid)
{
	struct mml_location *l = mml_find_location(s->machine, all, t);
	unsigned long age;

	if (!l)
		return -ENOMEM;
	age = nsecs_to_jiffies(mml_clock(s->machine) - t->track.when);
	l->count++;
	l->sum_age += age;
	l->min_age = min(l->min_age, age);
	l->max_age = max(l->max_age, age);
	l->min_pid = min(l->min_pid, t->track.pid);
	l->max_pid = max(l->max_pid, t->track.pid);
	cpumask_set_cpu(t->track.cpu, &l->cpus);
	__set_bit(nid, l->nodes);
	return 0;
}

/*
 * The records of a slab: of objects that are in use, who allocated them; of those that are not,
 * who freed them. Returns: how many.
 */
static unsigned int mml_copy_traces(struct mml_kmem_cache *s, unsigned long pfn,
				    enum mml_track_item item, struct mml_traced *traced)
{
	u32 state = item == MML_TRACK_ALLOC ? MML_OBJECT_ALLOCATED : MML_OBJECT_FREE;
	unsigned long next, flags;
	struct mml_slab *slab = mml_slab_at(s, pfn, &next);
	struct mml_kmem_cache_node *n;
	unsigned int done = 0, nr;

	if (!slab)
		return 0;
	n = mml_slab_node(s, slab);
	spin_lock_irqsave(&n->list_lock, flags);
	if (mml_slab_stays(s, slab, pfn)) {
		for (nr = 1; nr <= slab->counters.objects; nr++) {
			struct mml_object_info *info =
				mml_object_info(s, mml_object_at(s, slab, nr));

			if (info->state != state || !info->track[item].addr)
				continue;
			traced[done].track = info->track[item];
			traced[done++].waste = s->object_size - min(info->size, s->object_size);
		}
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return done;
}

/* Returns: 0; -ENOMEM; -EINTR. */
static int mml_collect_traces(struct mml_kmem_cache *s, enum mml_track_item item,
			      struct mml_locations *all, struct mml_traced *traced)
{
	unsigned long pfn, next;
	unsigned int nr, i;

	for (pfn = 0; pfn < s->machine->nr_frames; pfn = next) {
		mml_slab_at(s, pfn, &next);
		nr = mml_copy_traces(s, pfn, item, traced);
		for (i = 0; i < nr; i++)
			if (mml_add_trace(s, all, &traced[i], s->machine->memmap[pfn].nid))
				return -ENOMEM;
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int mml_more_frequent(const void *a, const void *b)
{
	const struct mml_location *x = a, *y = b;

	return x->count == y->count ? 0 : x->count < y->count ? 1 : -1;
}

static void mml_show_location(struct seq_file *seq, const struct mml_location *l,
			      unsigned int nr_nodes)
{
	char symbol[MML_SYMBOL_LEN];

	seq_printf(seq, "%7lu %s", l->count, mml_symbol(symbol, sizeof(symbol), l->addr));
	if (l->waste)
		seq_printf(seq, " waste=%lu/%u", l->count * l->waste, l->waste);
	if (l->min_age != l->max_age)
		seq_printf(seq, " age=%lu/%llu/%lu", l->min_age,
			   div64_ul(l->sum_age, l->count), l->max_age);
	else
		seq_printf(seq, " age=%lu", l->min_age);
	if (l->min_pid != l->max_pid)
		seq_printf(seq, " pid=%d-%d", l->min_pid, l->max_pid);
	else
		seq_printf(seq, " pid=%d", l->min_pid);
	if (num_online_cpus() > 1)
		seq_printf(seq, " cpus=%*pbl", cpumask_pr_args(&l->cpus));
	if (nr_nodes > 1)
		seq_printf(seq, " nodes=%*pbl", MML_MAX_NUMNODES, l->nodes);
	seq_putc(seq, '\n');
	mml_show_stack(seq, l->handle, "\t");
	seq_putc(seq, '\n');
}

/* Returns: 0; -ENOMEM; -EINTR. */
int mml_show_traces(struct seq_file *seq, struct mml_kmem_cache *s, enum mml_track_item item)
{
	unsigned int objects = mml_order_objects(s, s->order), i;
	struct mml_locations all = {};
	struct mml_traced *traced;
	int err = -ENOMEM;

	traced = mml_vcalloc(s->machine, objects, sizeof(*traced));
	if (traced)
		err = mml_collect_traces(s, item, &all, traced);
	if (!err) {
		sort(all.location, all.nr, sizeof(*all.location), mml_more_frequent, NULL);
		for (i = 0; i < all.nr; i++)
			mml_show_location(seq, &all.location[i], s->nr_nodes);
		if (!all.nr)
			seq_puts(seq, "No data\n");
	}
	vfree(all.location);
	vfree(traced);
	return err;
}
