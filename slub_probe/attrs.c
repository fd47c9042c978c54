// SPDX-License-Identifier: GPL-2.0
/*
 * A directory a cache, slab/<cache>/ in the machine's directory of debugfs, with a file for
 * each thing there is to say of it.
 *
 * Directories come a moment after their caches, by a work of the machine, so that caches and
 * machines that do not live that long do not pay for them. Where there is one of that name
 * already, a number is put behind it. Of the caches of a machine, MML_MAX_DIRECTORIES have one
 * at most, for they are charged to nobody.
 *
 * Kernel counterpart: the sysfs part of mm/slub.c, /sys/kernel/slab/<cache>/, with the names
 * and formats of its files; sheaf_capacity is of v7.0. Differences: what tunes a cache is read
 * only; aliases have no links.
 *
 * Locking: engines_lock of the machine, so that its directory stays, while one is made or
 * removed; and publish_lock while one is made, so that its cache stays. Under slab_mutex nothing
 * is done with files: who reads a directory may fault, and reclaim. A file is removed with neither
 * of these two, for that waits for who reads or writes it, and who writes "shrink" takes
 * slab_mutex; while it is there, so is its cache.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/seq_file.h>

#include "mm_lab/stack.h"
#include "slub_probe/debug.h"

/* Directories of a machine. */
#define MML_MAX_DIRECTORIES	256
/* How long it takes until there is a directory. */
#define MML_PUBLISH_DELAY	(HZ / 2)

/*
 * Numbers of nodes: in all, and of each that has any.
 */

typedef unsigned long (*mml_count_fn)(struct mml_kmem_cache *s, unsigned int nid);

static void mml_show_nodes(struct seq_file *seq, struct mml_kmem_cache *s, mml_count_fn count)
{
	unsigned long total = 0, nr;
	unsigned int nid;

	for (nid = 0; nid < s->nr_nodes; nid++)
		total += count(s, nid);
	seq_printf(seq, "%lu", total);
	for (nid = 0; nid < s->nr_nodes; nid++) {
		nr = count(s, nid);
		if (nr)
			seq_printf(seq, " N%u=%lu", nid, nr);
	}
	seq_putc(seq, '\n');
}

static unsigned long mml_count_slabs(struct mml_kmem_cache *s, unsigned int nid)
{
	return atomic_long_read(&s->node[nid].nr_slabs);
}

static unsigned long mml_count_total_objects(struct mml_kmem_cache *s, unsigned int nid)
{
	return atomic_long_read(&s->node[nid].total_objects);
}

/* As in the kernel, what CPUs keep counts as in use. */
static unsigned long mml_count_objects(struct mml_kmem_cache *s, unsigned int nid)
{
	unsigned long total = mml_count_total_objects(s, nid);

	return total - min(total, mml_partial_objects(s, &s->node[nid]).free);
}

static unsigned long mml_count_partial(struct mml_kmem_cache *s, unsigned int nid)
{
	return READ_ONCE(s->node[nid].partial.nr);
}

static unsigned long mml_count_objects_partial(struct mml_kmem_cache *s, unsigned int nid)
{
	return mml_partial_objects(s, &s->node[nid]).inuse;
}

/* Slabs that CPUs have in use. */
static unsigned long mml_count_cpu_slabs(struct mml_kmem_cache *s, unsigned int nid)
{
	unsigned long nr = 0;
	int cpu;

	if (s->path != MML_SLAB_CPU_SLABS)
		return 0;
	for_each_possible_cpu(cpu) {
		struct mml_slab *slab = READ_ONCE(per_cpu_ptr(s->cpu_slab, cpu)->slab);

		nr += slab && slab->nid == nid;
	}
	return nr;
}

/*
 * The files.
 */

#define MML_SHOW(name, fmt, ...)					\
static int mml_show_##name(struct seq_file *seq, struct mml_kmem_cache *s) \
{									\
	seq_printf(seq, fmt "\n", __VA_ARGS__);				\
	return 0;							\
}

#define MML_SHOW_FLAG(name, flag)	MML_SHOW(name, "%d", !!(s->flags & (flag)))

#define MML_SHOW_NODES(name)						\
static int mml_show_##name(struct seq_file *seq, struct mml_kmem_cache *s) \
{									\
	mml_show_nodes(seq, s, mml_count_##name);			\
	return 0;							\
}

MML_SHOW(object_size, "%u", READ_ONCE(s->object_size))
MML_SHOW(slab_size, "%u", s->size)
MML_SHOW(objs_per_slab, "%u", s->nr_objects)
MML_SHOW(order, "%u", s->order)
MML_SHOW(align, "%u", s->align)
MML_SHOW(min_partial, "%lu", s->min_partial)
MML_SHOW(cpu_partial, "%u", s->cpu_partial_slabs * s->nr_objects / 2)
MML_SHOW(sheaf_capacity, "%u", s->sheaf_capacity)
MML_SHOW(usersize, "%u", s->usersize)
MML_SHOW(aliases, "%d", max(READ_ONCE(s->refcount) - 1, 0))
MML_SHOW_FLAG(hwcache_align, SLAB_HWCACHE_ALIGN)
MML_SHOW_FLAG(reclaim_account, SLAB_RECLAIM_ACCOUNT)
MML_SHOW_FLAG(destroy_by_rcu, SLAB_TYPESAFE_BY_RCU)
MML_SHOW_FLAG(cache_dma, SLAB_CACHE_DMA)
MML_SHOW_FLAG(sanity_checks, SLAB_CONSISTENCY_CHECKS)
MML_SHOW_FLAG(red_zone, SLAB_RED_ZONE)
MML_SHOW_FLAG(poison, SLAB_POISON)
MML_SHOW_FLAG(store_user, SLAB_STORE_USER)
MML_SHOW_FLAG(trace, SLAB_TRACE)
MML_SHOW_NODES(slabs)
MML_SHOW_NODES(objects)
MML_SHOW_NODES(total_objects)
MML_SHOW_NODES(partial)
MML_SHOW_NODES(objects_partial)
MML_SHOW_NODES(cpu_slabs)

static int mml_show_ctor(struct seq_file *seq, struct mml_kmem_cache *s)
{
	char symbol[MML_SYMBOL_LEN];

	if (s->ctor)
		seq_printf(seq, "%s\n", mml_symbol(symbol, sizeof(symbol),
						   (unsigned long)s->ctor));
	return 0;
}

/* Objects and slabs that CPUs keep for later; then of each that has any. */
static int mml_show_slabs_cpu_partial(struct seq_file *seq, struct mml_kmem_cache *s)
{
	unsigned int slabs = 0, nr;
	int cpu;

	if (s->path == MML_SLAB_CPU_SLABS)
		for_each_possible_cpu(cpu)
			slabs += READ_ONCE(per_cpu_ptr(s->cpu_slab, cpu)->nr_partial);
	seq_printf(seq, "%u(%u)", slabs * s->nr_objects / 2, slabs);
	if (slabs) {
		for_each_possible_cpu(cpu) {
			nr = READ_ONCE(per_cpu_ptr(s->cpu_slab, cpu)->nr_partial);
			if (nr)
				seq_printf(seq, " C%d=%u(%u)", cpu, nr * s->nr_objects / 2, nr);
		}
	}
	seq_putc(seq, '\n');
	return 0;
}

static int mml_show_alloc_traces(struct seq_file *seq, struct mml_kmem_cache *s)
{
	return mml_show_traces(seq, s, MML_TRACK_ALLOC);
}

static int mml_show_free_traces(struct seq_file *seq, struct mml_kmem_cache *s)
{
	return mml_show_traces(seq, s, MML_TRACK_FREE);
}

static int mml_store_shrink(struct mml_kmem_cache *s)
{
	mml_kmem_cache_shrink(s);
	return 0;
}

static int mml_store_validate(struct mml_kmem_cache *s)
{
	if (s->path != MML_SLAB_DEBUG)
		return -EINVAL;
	mml_kmem_cache_validate(s);
	return 0;
}

/**
 * struct mml_slab_attr - a file
 * @name: of it
 * @show: what is read, 0 or an errno; NULL: nothing
 * @store: what is done when 1 is written to it, 0 or an errno; NULL: nothing
 * @flags: which a cache needs to have it
 */
struct mml_slab_attr {
	const char *name;
	int (*show)(struct seq_file *seq, struct mml_kmem_cache *s);
	int (*store)(struct mml_kmem_cache *s);
	slab_flags_t flags;
};

#define MML_ATTR(name)	{ #name, .show = mml_show_##name }

static const struct mml_slab_attr mml_slab_attrs[] = {
	MML_ATTR(object_size), MML_ATTR(slab_size), MML_ATTR(objs_per_slab), MML_ATTR(order),
	MML_ATTR(align), MML_ATTR(min_partial), MML_ATTR(cpu_partial),
	MML_ATTR(sheaf_capacity), MML_ATTR(usersize), MML_ATTR(aliases), MML_ATTR(ctor),
	MML_ATTR(hwcache_align), MML_ATTR(reclaim_account), MML_ATTR(destroy_by_rcu),
	MML_ATTR(cache_dma), MML_ATTR(sanity_checks), MML_ATTR(red_zone), MML_ATTR(poison),
	MML_ATTR(store_user), MML_ATTR(trace), MML_ATTR(slabs), MML_ATTR(objects),
	MML_ATTR(total_objects), MML_ATTR(partial), MML_ATTR(objects_partial),
	MML_ATTR(cpu_slabs), MML_ATTR(slabs_cpu_partial),
	{ "shrink", .store = mml_store_shrink },
	{ "validate", .store = mml_store_validate },
	{ "alloc_traces", .show = mml_show_alloc_traces, .flags = SLAB_STORE_USER },
	{ "free_traces", .show = mml_show_free_traces, .flags = SLAB_STORE_USER },
};

/* All files have the same operations; which one it is, its name says. */
static const struct mml_slab_attr *mml_slab_attr_of(const struct file *file)
{
	const char *name = file->f_path.dentry->d_name.name;
	int i;

	for (i = 0; i < ARRAY_SIZE(mml_slab_attrs); i++)
		if (!strcmp(mml_slab_attrs[i].name, name))
			return &mml_slab_attrs[i];
	return NULL;
}

static int mml_slab_attr_show(struct seq_file *seq, void *unused)
{
	return mml_slab_attr_of(seq->file)->show(seq, seq->private);
}

static int mml_slab_attr_open(struct inode *inode, struct file *file)
{
	const struct mml_slab_attr *attr = mml_slab_attr_of(file);

	if (!attr || ((file->f_mode & FMODE_READ) && !attr->show))
		return -EINVAL;
	return single_open(file, mml_slab_attr_show, inode->i_private);
}

static ssize_t mml_slab_attr_write(struct file *file, const char __user *text, size_t length,
				   loff_t *pos)
{
	const struct mml_slab_attr *attr = mml_slab_attr_of(file);
	bool value;
	int err = kstrtobool_from_user(text, length, &value);

	if (err)
		return err;
	if (!attr->store || !value)
		return -EINVAL;
	err = attr->store(file_inode(file)->i_private);
	return err ?: length;
}

static const struct file_operations mml_slab_attr_fops = {
	.owner = THIS_MODULE,
	.open = mml_slab_attr_open,
	.read = seq_read,
	.write = mml_slab_attr_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/*
 * Directories.
 */

/* By its name, without slashes; with a number behind it if there is one of that name. */
static struct dentry *mml_slab_dir(struct mml_slub *slub, const struct mml_kmem_cache *s)
{
	char name[MML_CACHE_NAME_LEN + 12];
	struct dentry *other, *dir;
	size_t length;

	strscpy(name, s->name);
	strreplace(name, '/', '!');
	if (name[0] == '.')
		name[0] = '!';
	length = strlen(name);
	while ((other = debugfs_lookup(name, slub->debugfs))) {
		dput(other);
		snprintf(name + length, sizeof(name) - length, ".%u", ++slub->last_directory);
	}
	dir = debugfs_create_dir(name, slub->debugfs);
	return IS_ERR(dir) ? NULL : dir;
}

static void mml_publish_cache(struct mml_slub *slub, struct mml_kmem_cache *s)
{
	int i;

	s->debugfs = mml_slab_dir(slub, s);
	if (!s->debugfs)
		return;
	slub->nr_directories++;
	for (i = 0; i < ARRAY_SIZE(mml_slab_attrs); i++) {
		const struct mml_slab_attr *attr = &mml_slab_attrs[i];

		if (attr->flags & ~s->flags)
			continue;
		debugfs_create_file(attr->name, (attr->show ? 0400 : 0) |
				    (attr->store ? 0200 : 0), s->debugfs, s,
				    &mml_slab_attr_fops);
	}
}

static bool mml_make_slab_dir(struct mml_slub *slub)
{
	struct dentry *dir;

	if (!slub->debugfs && slub->machine->debugfs) {
		dir = debugfs_create_dir("slab", slub->machine->debugfs);
		slub->debugfs = IS_ERR(dir) ? NULL : dir;
	}
	return slub->debugfs && slub->machine->debugfs;
}

/* The first cache without a directory, for which publish_lock is held; or NULL. */
static struct mml_kmem_cache *mml_unpublished_cache(struct mml_slub *slub)
{
	struct mml_kmem_cache *s, *found = NULL;

	lockdep_assert_held(&slub->publish_lock);
	mutex_lock(&slub->slab_mutex);
	list_for_each_entry(s, &slub->slab_caches, list) {
		if (!s->debugfs) {
			found = s;
			break;
		}
	}
	mutex_unlock(&slub->slab_mutex);
	return found;
}

/* The first cache without a directory gets one. Returns: whether there was such a one. */
static bool mml_publish_next(struct mml_slub *slub)
{
	struct mml_kmem_cache *s = NULL;
	bool done = false;

	down_read(&slub->machine->engines_lock);
	mutex_lock(&slub->publish_lock);
	if (mml_make_slab_dir(slub) && slub->nr_directories < MML_MAX_DIRECTORIES)
		s = mml_unpublished_cache(slub);
	if (s) {
		mml_publish_cache(slub, s);
		done = s->debugfs;
	}
	mutex_unlock(&slub->publish_lock);
	up_read(&slub->machine->engines_lock);
	return done;
}

static void mml_publish_caches(struct work_struct *work)
{
	struct mml_slub *slub = container_of(work, struct mml_slub, publish.work);

	while (mml_publish_next(slub))
		cond_resched();
}

/* There is a cache more: it gets its directory soon. */
void mml_slab_publish(struct mml_slub *slub)
{
	schedule_delayed_work(&slub->publish, MML_PUBLISH_DELAY);
}

/* The cache is on no list any more: nobody looks at it when this is over. Without slab_mutex. */
void mml_slab_unpublish(struct mml_kmem_cache *s)
{
	struct mml_slub *slub = mml_slub(s->machine);
	bool had;

	/* Who has found it on the list is done with it then. */
	mutex_lock(&slub->publish_lock);
	had = s->debugfs;
	if (had)
		slub->nr_directories--;
	mutex_unlock(&slub->publish_lock);
	if (!had)
		return;
	/* With its machine's directory, this one is gone, too. */
	down_read(&s->machine->engines_lock);
	if (s->machine->debugfs)
		debugfs_remove(s->debugfs);
	up_read(&s->machine->engines_lock);
	/* Perhaps another one may have it now. */
	mml_slab_publish(slub);
}

void mml_slab_publish_init(struct mml_slub *slub)
{
	mutex_init(&slub->publish_lock);
	INIT_DELAYED_WORK(&slub->publish, mml_publish_caches);
}

/* The machine goes, or this engine leaves it: all directories go, if they are still there. */
void mml_slab_publish_exit(struct mml_slub *slub)
{
	struct mml_kmem_cache *s;

	cancel_delayed_work_sync(&slub->publish);
	if (slub->machine->debugfs)
		debugfs_lookup_and_remove("slab", slub->machine->debugfs);
	list_for_each_entry(s, &slub->slab_caches, list)
		s->debugfs = NULL;
}
