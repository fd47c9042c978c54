// SPDX-License-Identifier: GPL-2.0
/*
 * Caches: made, merged, shrunk and destroyed; how their objects lie in slabs.
 *
 *	a slab:   | object 0 | object 1 | …                          | rest | RCU head |
 *	an object: | object_size | padding to a word | link, or not | padding to align |
 *
 * The link of a free object lies in the middle of it, where an overflow of the object
 * before it does not reach; behind it, if a free object must stay as it was: it has been
 * constructed, or readers may still look at it. Of a debugged cache there is more: see
 * debug.c.
 *
 * Kernel counterpart: mm/slab_common.c (kmem_cache_create(), find_mergeable(),
 * kmem_cache_destroy()), calculate_sizes() and calculate_order() in mm/slub.c. Differences:
 * an error is told; a cache with live objects is not destroyed, and says where they are;
 * orders follow the CPUs that there are.
 *
 * Locking: slub->slab_mutex for the list of caches and all of the above. No frames are asked
 * for under it, for who reclaims them takes it (shrink.c). Who has to have all that CPUs keep
 * takes the lock of the CPUs before it: what one that is going keeps is its own until it has
 * been told to be dead (mml_cache_cpu_dead()).
 */
#include <linux/cpu.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/stackdepot.h>

#include "mm_lab/alloc.h"
#include "slub_probe/debug.h"

/* What may be asked for, and with what a cache is never merged. */
#define MML_SLAB_CREATE_FLAGS	(SLAB_HWCACHE_ALIGN | SLAB_PANIC | SLAB_RECLAIM_ACCOUNT | \
				 SLAB_TYPESAFE_BY_RCU | SLAB_CACHE_DMA | SLAB_NO_MERGE | \
				 MML_SLAB_DEBUG_FLAGS)
#define MML_SLAB_NEVER_MERGE	(SLAB_TYPESAFE_BY_RCU | SLAB_NO_MERGE | MML_SLAB_DEBUG_FLAGS)
#define MML_SLAB_MERGE_SAME	(SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA)

/*
 * Sizes.
 */

static unsigned int mml_calculate_alignment(slab_flags_t flags, unsigned int align,
					    unsigned int size)
{
	if (flags & SLAB_HWCACHE_ALIGN) {
		unsigned int line = cache_line_size();

		while (size <= line / 2)
			line /= 2;
		align = max(align, line);
	}
	return ALIGN(max_t(unsigned int, align, sizeof(void *)), sizeof(void *));
}

/*
 * The smallest order from @order on of which no more than the 1/@fraction-th part is left
 * over, or one more than the largest.
 */
static unsigned int mml_calc_slab_order(const struct mml_kmem_cache *s, unsigned int order,
					unsigned int fraction)
{
	for (; order <= MML_SLAB_MAX_ORDER; order++) {
		unsigned int bytes = PAGE_SIZE << order;

		if (bytes - mml_order_objects(s, order) * s->size <= bytes / fraction)
			break;
	}
	return order;
}

/*
 * Slabs of several objects, so that the page allocator is asked rarely: more of them where
 * there are more CPUs; and as little waste as that allows.
 */
static unsigned int mml_calculate_order(const struct mml_kmem_cache *s)
{
	unsigned int objects = 4 * (fls(num_present_cpus()) + 1), fraction, order, least;

	objects = clamp(mml_order_objects(s, MML_SLAB_MAX_ORDER), 1U, objects);
	least = get_order(objects * s->size + s->reserved);
	for (fraction = 16; fraction > 1; fraction /= 2) {
		order = mml_calc_slab_order(s, least, fraction);
		if (order <= MML_SLAB_MAX_ORDER)
			return order;
	}
	return get_order(s->size + s->reserved);
}

/* How an object lies, with what is kept beside it: see the head of this file, and debug.c. */
static void mml_calculate_layout(struct mml_kmem_cache *s)
{
	unsigned int size = ALIGN(s->object_size, sizeof(void *));
	bool stays = s->flags & SLAB_TYPESAFE_BY_RCU || s->ctor;

	s->poison = s->flags & SLAB_POISON && !stays;
	if (s->flags & SLAB_RED_ZONE && size == s->object_size)
		size += sizeof(void *);
	s->inuse = size;
	if (stays || s->flags & (SLAB_POISON | SLAB_RED_ZONE)) {
		s->offset = size;
		size += sizeof(void *);
	} else {
		s->offset = ALIGN_DOWN(s->object_size / 2, sizeof(void *));
	}
	if (s->path == MML_SLAB_DEBUG) {
		s->info = size;
		size += mml_info_size(s->flags);
	}
	s->red_left_pad = 0;
	if (s->flags & SLAB_RED_ZONE) {
		/* The other word is in front of the object, and may be written to the same. */
		s->red_left_pad = ALIGN(sizeof(void *), s->align);
		size += s->red_left_pad + sizeof(void *);
	}
	s->size = ALIGN(size, s->align);
	s->reciprocal_size = reciprocal_value(s->size);
}

/* Returns: 0; -EINVAL if there is no block for a single object. */
static int mml_calculate_sizes(struct mml_kmem_cache *s)
{
	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		s->reserved = sizeof(struct mml_slab_rcu);
	mml_calculate_layout(s);
	s->order = mml_calculate_order(s);
	s->min_order = get_order(s->size + s->reserved);
	if (s->order > mml_slub(s->machine)->max_order)
		s->order = s->min_order;
	if (s->order > mml_slub(s->machine)->max_order)
		return -EINVAL;
	s->nr_objects = mml_order_objects(s, s->order);
	s->slab_mask = (PAGE_SIZE << s->order) - 1;
	if (s->flags & SLAB_CACHE_DMA)
		s->allocflags |= __GFP_DMA;
	if (s->flags & SLAB_RECLAIM_ACCOUNT)
		s->allocflags |= __GFP_RECLAIMABLE;
	return 0;
}

/*
 * What the machine's slab_debug says of the cache, beside what it was made with. Debugging that
 * would need larger slabs for its records is left out if that is asked for.
 */
static void mml_set_debug_flags(struct mml_kmem_cache *s)
{
	slab_flags_t flags = s->flags;
	bool no_higher_order;

	s->flags |= mml_slab_debug_flags(s->machine->slab_debug, s->name, &no_higher_order);
	if (no_higher_order) {
		s->path = MML_SLAB_DEBUG;
		mml_calculate_layout(s);
		if (get_order(s->size) > get_order(s->object_size))
			s->flags &= flags | ~MML_SLAB_METADATA_FLAGS;
	}
}

/* How many a CPU and a node keep: fewer of what is large. */
static void mml_calculate_limits(struct mml_kmem_cache *s, unsigned int sheaf_capacity)
{
	static const struct {
		unsigned int size, partial_objects, sheaf;
	} by_size[] = {
		{ PAGE_SIZE, 6, 4 }, { 1024, 24, 12 }, { 256, 52, 26 }, { 0, 120, 60 },
	};
	int i = 0;

	while (s->size < by_size[i].size)
		i++;
	s->min_partial = clamp(ilog2(s->size) / 2, 5, 10);
	/* What a sheaf keeps is charged to nobody: not many large objects. */
	if (s->path == MML_SLAB_SHEAVES)
		s->sheaf_capacity = clamp(MML_SHEAF_MAX_BYTES / s->size, 1U,
					  sheaf_capacity ?: by_size[i].sheaf);
	else if (s->path == MML_SLAB_CPU_SLABS)
		s->cpu_partial_slabs = DIV_ROUND_UP(2 * by_size[i].partial_objects,
						    s->nr_objects);
}

/*
 * Making and merging.
 */

static struct mml_kmem_cache *mml_find_mergeable(struct mml_slub *slub, const char *name,
						 unsigned int size,
						 const struct mml_kmem_cache_args *args,
						 slab_flags_t flags)
{
	unsigned int align = mml_calculate_alignment(flags, args->align, size);
	struct mml_kmem_cache *s;
	bool unused;

	if (flags & MML_SLAB_NEVER_MERGE || args->ctor || args->sheaf_capacity ||
	    args->usersize || args->random_order ||
	    mml_slab_debug_flags(slub->machine->slab_debug, name, &unused))
		return NULL;
	size = ALIGN(ALIGN(size, sizeof(void *)), align);
	list_for_each_entry_reverse(s, &slub->slab_caches, list) {
		if (s->flags & MML_SLAB_NEVER_MERGE || s->ctor || s->usersize ||
		    s->random_seq || s->refcount < 0)
			continue;
		if (size > s->size || s->size - size >= sizeof(void *) ||
		    s->path != args->path)
			continue;
		if ((flags ^ s->flags) & MML_SLAB_MERGE_SAME || s->align & (align - 1))
			continue;
		return s;
	}
	return NULL;
}

static void mml_free_cache(struct mml_kmem_cache *s)
{
	if (s->path == MML_SLAB_SHEAVES)
		mml_sheaves_free(s);
	else if (s->path == MML_SLAB_CPU_SLABS)
		free_percpu(s->cpu_slab);
	kfree(s->random_seq);
	kfree(s);
}

/* All numbers of objects, from 1 on, each order as likely as any other. 0 or -ENOMEM. */
static int mml_init_random_seq(struct mml_kmem_cache *s)
{
	unsigned int i;

	s->random_seq = mml_kzalloc(s->machine, array_size(s->nr_objects, sizeof(u16)),
				    GFP_KERNEL_ACCOUNT);
	if (!s->random_seq)
		return -ENOMEM;
	for (i = 0; i < s->nr_objects; i++) {
		unsigned int at = mml_random(s->machine) % (i + 1);

		s->random_seq[i] = s->random_seq[at];
		s->random_seq[at] = i + 1;
	}
	return 0;
}

/* What its CPUs keep. Returns: 0 or -ENOMEM. */
static int mml_init_path(struct mml_kmem_cache *s)
{
	switch (s->path) {
	case MML_SLAB_SHEAVES:
		return mml_sheaves_init(s);
	case MML_SLAB_CPU_SLABS:
		return mml_cpu_slabs_init(s);
	default:
		return s->flags & SLAB_STORE_USER ? stack_depot_init() : 0;
	}
}

/* Returns: the cache, or ERR_PTR(). */
struct mml_kmem_cache *__mml_kmem_cache_create(struct mml_slub *slub, const char *name,
					       unsigned int object_size,
					       const struct mml_kmem_cache_args *args,
					       slab_flags_t flags)
{
	unsigned int nr_nodes = slub->machine->topology.nr_nodes, i;
	struct mml_kmem_cache *s;
	int err;

	s = mml_kzalloc(slub->machine, struct_size(s, node, nr_nodes), GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->machine = slub->machine;
	s->nr_nodes = nr_nodes;
	s->base = nr_nodes == 1 && slub->machine->base ? slub->machine->base : MML_NO_BASE;
	s->flags = flags | (args->sheaf_capacity ? SLAB_NO_MERGE : 0);
	s->object_size = object_size;
	s->align = mml_calculate_alignment(flags, args->align, object_size);
	s->ctor = args->ctor;
	s->useroffset = args->useroffset;
	s->usersize = args->usersize;
	s->refcount = 1;
	s->random = (u64)mml_random(slub->machine) << 32 | mml_random(slub->machine);
	strscpy(s->name, name);
	for (i = 0; i < nr_nodes; i++) {
		spin_lock_init(&s->node[i].list_lock);
		mml_frame_list_init(&s->node[i].partial);
	}
	mml_set_debug_flags(s);
	s->path = s->flags & MML_SLAB_DEBUG_FLAGS ? MML_SLAB_DEBUG : args->path;
	err = mml_calculate_sizes(s);
	if (err)
		goto free;
	mml_calculate_limits(s, args->sheaf_capacity);
	err = args->random_order ? mml_init_random_seq(s) : 0;
	err = err ?: mml_init_path(s);
	if (err)
		goto free;
	list_add_tail(&s->list, &slub->slab_caches);
	mml_slab_publish(slub);
	return s;
free:
	kfree(s->random_seq);
	kfree(s);
	return ERR_PTR(err);
}

static bool mml_cache_args_ok(unsigned int object_size,
			      const struct mml_kmem_cache_args *args, slab_flags_t flags)
{
	return object_size && object_size <= MML_KMALLOC_MAX_SIZE &&
	       (!args->align || is_power_of_2(args->align)) && args->align <= PAGE_SIZE &&
	       args->path < MML_NR_SLAB_PATHS && args->sheaf_capacity <= MML_SHEAF_MAX &&
	       args->usersize <= object_size &&
	       args->useroffset <= object_size - args->usersize &&
	       !(flags & ~MML_SLAB_CREATE_FLAGS);
}

/**
 * mml_kmem_cache_create - make a cache, or share one of the same shape
 * @machine: of whose memory
 * @name: for people; longer ones are cut off
 * @object_size: of an object, in bytes, up to 4 MiB
 * @args: what else there is to say of it; NULL: nothing
 * @flags: SLAB_HWCACHE_ALIGN, SLAB_RECLAIM_ACCOUNT, SLAB_TYPESAFE_BY_RCU, SLAB_CACHE_DMA,
 *	SLAB_NO_MERGE; SLAB_PANIC: the machine is marked broken if the cache cannot be had;
 *	SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER, SLAB_TRACE: it is
 *	debugged, without a fast path
 *
 * Context: process, may sleep.
 * Return: the cache; ERR_PTR(): -EINVAL if size, arguments or flags are none that it can
 * have, or the machine's memory is not aligned well enough for slabs that large; -EOPNOTSUPP
 * if the machine has no memory; -ENOMEM.
 */
struct mml_kmem_cache *mml_kmem_cache_create(struct mml_machine *machine,
					     const char *name, unsigned int object_size,
					     const struct mml_kmem_cache_args *args,
					     slab_flags_t flags)
{
	static const struct mml_kmem_cache_args nothing;
	struct mml_slub *slub = mml_slub(machine);
	struct mml_kmem_cache *s;

	args = args ?: &nothing;
	if (!mml_cache_args_ok(object_size, args, flags))
		return ERR_PTR(-EINVAL);
	if (!mml_has_memory(machine))
		return ERR_PTR(-EOPNOTSUPP);
	mutex_lock(&slub->slab_mutex);
	s = mml_find_mergeable(slub, name, object_size, args, flags);
	if (s) {
		s->refcount++;
		/* The larger one has to be zeroed. */
		s->object_size = max(s->object_size, object_size);
	} else {
		s = __mml_kmem_cache_create(slub, name, object_size, args,
					    flags & ~SLAB_PANIC);
	}
	mutex_unlock(&slub->slab_mutex);
	if (IS_ERR(s) && flags & SLAB_PANIC)
		mml_mark_broken(machine, "cache %s could not be made: error %ld", name,
				PTR_ERR(s));
	return s;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_create, MM_LAB);

/*
 * Giving back.
 */

/* No CPU goes, and no cache. */
void mml_slub_lock(struct mml_slub *slub)
{
	cpus_read_lock();
	mutex_lock(&slub->slab_mutex);
}

void mml_slub_unlock(struct mml_slub *slub)
{
	mutex_unlock(&slub->slab_mutex);
	cpus_read_unlock();
}

static void mml_flush_this_cpu(void *cache)
{
	struct mml_kmem_cache *s = cache;
	unsigned long flags;

	local_lock_irqsave(&s->cpu_slab->lock, flags);
	mml_cpu_slab_flush(s, this_cpu_ptr(s->cpu_slab));
	local_unlock_irqrestore(&s->cpu_slab->lock, flags);
}

/* What CPUs keep of the cache goes back to its slabs. Process context, interrupts on. */
static void mml_flush_all(struct mml_kmem_cache *s)
{
	if (s->path == MML_SLAB_SHEAVES)
		mml_sheaves_flush(s);
	else if (s->path == MML_SLAB_CPU_SLABS)
		on_each_cpu(mml_flush_this_cpu, s, true);
}

/* A CPU is dead: nobody uses what it keeps. */
void mml_cache_cpu_dead(struct mml_kmem_cache *s, unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	if (s->path == MML_SLAB_SHEAVES)
		mml_sheaves_flush_dead(s, cpu);
	else if (s->path == MML_SLAB_CPU_SLABS)
		mml_cpu_slab_flush(s, per_cpu_ptr(s->cpu_slab, cpu));
	local_irq_restore(flags);
}

/*
 * Give back all that can be; without the CPUs' lock what a CPU that goes keeps may be missed.
 * With slab_mutex held. Returns: how many slabs there still are.
 */
unsigned long mml_cache_shrink(struct mml_kmem_cache *s)
{
	unsigned int i;

	mml_flush_all(s);
	for (i = 0; i < s->nr_nodes; i++)
		mml_shrink_node(s, &s->node[i]);
	return mml_cache_nr_slabs(s);
}

/* What was given to mml_kfree_rcu() of the cache comes back. Process context. */
static void mml_cache_wait_rcu(struct mml_kmem_cache *s)
{
	mml_flush_all(s);
	mml_kfree_rcu_flush(mml_slub(s->machine));
	rcu_barrier();
}

/*
 * It is to go: give back all that can be, also what waits for readers, and what was damaged and
 * is nobody's. With the CPUs' lock and slab_mutex held. Returns: how many slabs somebody has objects of.
 */
unsigned long mml_cache_drain(struct mml_kmem_cache *s)
{
	/* Who destroys it has waited before; but a CPU may have been about to go then. */
	if (mml_cache_shrink(s) && READ_ONCE(s->rcu_used)) {
		mml_cache_wait_rcu(s);
		mml_cache_shrink(s);
	}
	if (s->path == MML_SLAB_DEBUG)
		mml_debug_release(s);
	return mml_cache_nr_slabs(s);
}

/**
 * mml_kmem_cache_shrink - give back what a cache has and does not need
 * @s: the cache
 *
 * Context: process, interrupts on, may sleep.
 * Return: how many slabs it still has.
 */
unsigned long mml_kmem_cache_shrink(struct mml_kmem_cache *s)
{
	struct mml_slub *slub = mml_slub(s->machine);
	unsigned long left;

	mml_slub_lock(slub);
	left = mml_cache_shrink(s);
	mml_slub_unlock(slub);
	return left;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_shrink, MM_LAB);

/**
 * mml_kmem_caches_shrink - all caches give back what they have and do not need
 * @machine: of which machine; kmalloc's caches, too
 *
 * Context: process, interrupts on, may sleep.
 */
void mml_kmem_caches_shrink(struct mml_machine *machine)
{
	struct mml_slub *slub = mml_slub(machine);
	struct mml_kmem_cache *s;

	mml_slub_lock(slub);
	list_for_each_entry(s, &slub->slab_caches, list)
		mml_cache_shrink(s);
	mml_slub_unlock(slub);
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_caches_shrink, MM_LAB);

/* It is empty, and on no list: it goes. Process context, without slab_mutex. */
void __mml_kmem_cache_destroy(struct mml_kmem_cache *s)
{
	mml_slab_unpublish(s);
	/* Slabs that were discarded, and those who free them, look at it. */
	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	mml_free_cache(s);
}

/*
 * One user less. With the CPUs' lock and slab_mutex held. Returns: 0; -EBUSY; 1: it was the
 * last one, and the cache is on no list any more.
 */
static int mml_cache_put(struct mml_kmem_cache *s)
{
	if (s->refcount > 1) {
		s->refcount--;
		return 0;
	}
	if (mml_cache_drain(s)) {
		mml_report_objects(s);
		return -EBUSY;
	}
	list_del(&s->list);
	return 1;
}

/**
 * mml_kmem_cache_destroy - destroy a cache, if nobody has an object of it
 * @s: the cache; NULL, or ERR_PTR(): nothing is done
 *
 * Of a cache that is shared, this is one user less.
 *
 * Context: process, interrupts on, may sleep.
 * Return: 0; -EBUSY, and a report that names the objects, if there are any: it stays.
 */
int mml_kmem_cache_destroy(struct mml_kmem_cache *s)
{
	struct mml_slub *slub;
	int ret;

	if (IS_ERR_OR_NULL(s))
		return 0;
	slub = mml_slub(s->machine);
	/* Not under the locks: who reclaims waits for these. */
	if (READ_ONCE(s->rcu_used))
		mml_cache_wait_rcu(s);
	mml_slub_lock(slub);
	ret = mml_cache_put(s);
	mml_slub_unlock(slub);
	if (ret <= 0)
		return ret;
	__mml_kmem_cache_destroy(s);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_destroy, MM_LAB);

/**
 * mml_kmem_cache_size - how large a cache's objects are
 * @s: the cache
 *
 * Context: any.
 * Return: bytes.
 */
unsigned int mml_kmem_cache_size(const struct mml_kmem_cache *s)
{
	return READ_ONCE(s->object_size);
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_size, MM_LAB);

/**
 * mml_kmem_cache_validate - check every object of a debugged cache
 * @s: the cache
 *
 * What is wrong is reported and put right as far as that can be.
 *
 * Context: process, may sleep.
 * Return: how many objects something was wrong with; 0, too, if the cache is not debugged.
 */
unsigned long mml_kmem_cache_validate(struct mml_kmem_cache *s)
{
	return s->path == MML_SLAB_DEBUG ? mml_debug_validate(s) : 0;
}
EXPORT_SYMBOL_NS_GPL(mml_kmem_cache_validate, MM_LAB);
