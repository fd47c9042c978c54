// SPDX-License-Identifier: GPL-2.0
/*
 * Caches for people: slabinfo, and which objects are in use.
 *
 * Kernel counterpart: slabinfo_show() in mm/slab_common.c, get_slabinfo() and
 * list_slab_objects() in mm/slub.c. The format of slabinfo is the kernel's, version 2.1;
 * as there, objects that a CPU keeps count as active. Differences: objects in use are told
 * by number, for addresses of the kernel are nobody's business.
 *
 * Locking: slab_mutex for the list of caches, list_lock for a node's slabs;
 * mml_object_map_lock, inside the first one, for the map.
 */
#include <linux/bitmap.h>
#include <linux/seq_file.h>

#include "mm_lab/debugfs.h"
#include "slub_probe/debug.h"

/* Slabs whose objects are named when they are reported, owners, and names in a line. */
#define MML_REPORT_SLABS	8
#define MML_REPORT_OWNERS	10
#define MML_REPORT_TEXT		128

/*
 * slabinfo
 */

struct mml_partial_objects mml_partial_objects(struct mml_kmem_cache *s,
					       struct mml_kmem_cache_node *n)
{
	unsigned long frames = s->machine->nr_frames, flags;
	struct mml_partial_objects sum = {};
	u32 pfn, nr;

	spin_lock_irqsave(&n->list_lock, flags);
	pfn = n->partial.first;
	for (nr = n->partial.nr; nr && pfn < frames; nr--) {
		struct mml_slab *slab = mml_page_slab(&s->machine->memmap[pfn]);
		union mml_slab_counters now = mml_slab_counters(slab);

		sum.inuse += now.inuse;
		sum.free += now.objects - now.inuse;
		pfn = slab->next;
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return sum;
}

static void mml_slabinfo_line(struct seq_file *seq, struct mml_kmem_cache *s)
{
	unsigned long objects = 0, slabs = 0, free = 0;
	unsigned int i;

	for (i = 0; i < s->nr_nodes; i++) {
		objects += atomic_long_read(&s->node[i].total_objects);
		slabs += atomic_long_read(&s->node[i].nr_slabs);
		free += mml_partial_objects(s, &s->node[i]).free;
	}
	seq_printf(seq, "%-17s %6lu %6lu %6u %4u %4d", s->name, objects - min(free, objects),
		   objects, s->size, s->nr_objects, 1 << s->order);
	seq_printf(seq, " : tunables %4u %4u %4u", 0, 0, 0);
	seq_printf(seq, " : slabdata %6lu %6lu %6lu\n", slabs, slabs, 0UL);
}

static int mml_slabinfo_show(struct seq_file *seq, void *unused)
{
	struct mml_slub *slub = mml_slub(seq->private);
	struct mml_kmem_cache *s;

	seq_puts(seq, "slabinfo - version: 2.1\n");
	seq_puts(seq, "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>");
	seq_puts(seq, " : tunables <limit> <batchcount> <sharedfactor>");
	seq_puts(seq, " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	mutex_lock(&slub->slab_mutex);
	list_for_each_entry(s, &slub->slab_caches, list)
		mml_slabinfo_line(seq, s);
	mutex_unlock(&slub->slab_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mml_slabinfo);

const struct mml_debugfs_file mml_slub_machine_files[] = {
	{ "slabinfo",	&mml_slabinfo_fops },
	{ "plant_object_misuse", &mml_plant_object_fops },
	{}
};

/*
 * Objects in use, of a cache that nobody uses meanwhile.
 */

/* Which objects of a slab are free, for who tells of them, one at a time. */
static DEFINE_MUTEX(mml_object_map_lock);
static DECLARE_BITMAP(mml_object_map, MML_MAX_OBJS_PER_SLAB);

/* The numbers of its objects that are not on its list. */
static void mml_show_objects(struct mml_kmem_cache *s, struct mml_slab *slab, char *text,
			     size_t size, unsigned long *free)
{
	void *base = mml_slab_address(s, slab);
	void *object = mml_object_at(s, slab, slab->counters.freelist);
	unsigned int objects = slab->counters.objects, nr;

	bitmap_zero(free, MML_MAX_OBJS_PER_SLAB);
	for (nr = 0; object && nr < objects; nr++) {
		void *next = mml_get_freepointer(s, object);

		__set_bit(reciprocal_divide(object - base, s->reciprocal_size), free);
		object = mml_freepointer_ok(s, object, next) ? next : NULL;
	}
	bitmap_complement(free, free, objects);
	scnprintf(text, size, "%*pbl", objects, free);
}

/* Who has them, if that is kept. Returns: how many of up to @most were told. */
static unsigned int mml_name_owners(struct mml_kmem_cache *s, struct mml_slab *slab,
				    unsigned int most)
{
	unsigned int told = 0, nr;

	for (nr = 1; nr <= slab->counters.objects && told < most; nr++) {
		void *object = mml_object_at(s, slab, nr);

		if (mml_object_info(s, object)->state != MML_OBJECT_ALLOCATED)
			continue;
		pr_info("Object 0x%lx @offset=%zu\n", mml_lab_address(s->machine, object),
			object - mml_slab_address(s, slab));
		mml_print_tracking(s, object);
		told++;
	}
	return told;
}

/* The objects in use of its first few slabs. */
static void mml_name_objects(struct mml_kmem_cache *s)
{
	unsigned long pfn, next;
	char text[MML_REPORT_TEXT];
	unsigned int slabs = 0, owners = 0;

	mutex_lock(&mml_object_map_lock);
	for (pfn = 0; pfn < s->machine->nr_frames && slabs < MML_REPORT_SLABS; pfn = next) {
		struct mml_slab *slab = mml_slab_at(s, pfn, &next);

		cond_resched();
		if (!slab)
			continue;
		mml_show_objects(s, slab, text, sizeof(text), mml_object_map);
		pr_info("cache %s, slab at frame %lu: %u of %u objects in use: %s\n", s->name,
			pfn, slab->counters.inuse, slab->counters.objects, text);
		if (s->flags & SLAB_STORE_USER)
			owners += mml_name_owners(s, slab, MML_REPORT_OWNERS - owners);
		slabs++;
	}
	mutex_unlock(&mml_object_map_lock);
}

/* It has objects that somebody has: which. With slab_mutex held, all CPUs flushed. */
void mml_report_objects(struct mml_kmem_cache *s)
{
	unsigned long pfn, next, inuse = 0;

	for (pfn = 0; pfn < s->machine->nr_frames; pfn = next) {
		struct mml_slab *slab = mml_slab_at(s, pfn, &next);

		inuse += slab ? slab->counters.inuse : 0;
		cond_resched();
	}
	if (mml_report(s->machine, "cache %s: %lu objects are in use, and it is to go",
		       s->name, inuse))
		mml_name_objects(s);
}

/* The cache goes, and its objects stay somebody's: their slabs are nobody's. */
void mml_abandon_objects(struct mml_kmem_cache *s)
{
	unsigned long pfn, next;

	mml_report_objects(s);
	for (pfn = 0; pfn < s->machine->nr_frames; pfn = next) {
		struct mml_slab *slab = mml_slab_at(s, pfn, &next);
		struct mml_page *page;

		cond_resched();
		if (!slab)
			continue;
		page = mml_slab_page(slab);
		WRITE_ONCE(page->type, MML_PAGE_KERNEL);
		page->mapping = NULL;
		page->index = 0;
		atomic_set(&page->_mapcount, 0);
	}
}
