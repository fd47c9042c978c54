// SPDX-License-Identifier: GPL-2.0
/*
 * Reverse mapping: from a frame to every page-table entry that maps it, in whatever mm.
 *
 * A frame of anonymous memory knows an anon_vma and its page number in there; the anon_vma
 * knows the vmas in which that page may be mapped. A vma gets an anon_vma of its own when its
 * first page is written. fork gives the child's vma what its parent's has, because it maps the
 * same frames, and one of its own for what it will write itself. So a vma has a chain of
 * them, its own and its ancestors', and an anon_vma has a tree of vmas:
 *
 *	parent's vma: [ A ]		A: parent's vma, child's, grandchild's
 *	child's:      [ A, B ]		B: child's, grandchild's
 *	grandchild's: [ A, B, C ]	C: grandchild's
 *
 * A frame that the child wrote is B's, and is not looked for in the parent. What is split off
 * a vma has the same chain. Two vmas become one if their anon_vma is the same, or if one of
 * them has none. A vma also takes its neighbour's if the two might become one later, when
 * their protections are the same.
 *
 * A vma's page number is vm_pgoff plus the page's place in it. It does not change when the vma
 * is moved, so neither does a frame's.
 *
 * Kernel counterpart: mm/rmap.c, struct anon_vma_chain. Differences: an anon_vma is freed by
 * RCU, where the kernel's cache is SLAB_TYPESAFE_BY_RCU; when two vmas become one, the chain of
 * the upper one is handed over rather than cloned.
 *
 * Life of an anon_vma: its count has one for having vmas, one for each other anon_vma of which
 * it is the root, and one for each walker. The root, the oldest of a family, has the lock of
 * all of them.
 *
 * Invariants, checked by mml_mm_validate():
 *	a vma's chain is empty <=> it has no anon_vma; all of one chain have the same root; each
 *	link of it leads to this vma
 *	a mapped frame's anon_vma is in the chain of each vma that maps it, at the right index
 *	a frame's _mapcount is what a walk finds
 *
 * Locking: the root's rwsem, for the trees of all its family, inside mmap_lock and outside the
 * table mutexes. A chain changes under mmap_lock for writing; the first link of one under
 * page_table_lock and mmap_lock for reading. A walk holds no mmap_lock: as long as a vma is in
 * a tree, its page tables stay (mml_free_pgtables()), and vm_start, vm_end and vm_pgoff
 * change under the rwsem.
 */
#include <linux/interval_tree_generic.h>

#include "vma_probe/mm/internal.h"

/**
 * struct mml_anon_vma - to whom frames belong
 * @root: the oldest of its family; itself, if it is that
 * @rwsem: of a root: protects the trees and the counts of the family
 * @refcount: see the head of this file
 * @num_children: anon_vmas whose parent this is, itself included if it is a root
 * @num_active_vmas: vmas whose anon_vma this is
 * @parent: that of the vma that was forked
 * @rb_root: the links to vmas, by page number
 * @rcu: frees it
 */
struct mml_anon_vma {
	struct mml_anon_vma *root;
	struct rw_semaphore rwsem;
	refcount_t refcount;
	unsigned long num_children;
	unsigned long num_active_vmas;
	struct mml_anon_vma *parent;
	struct rb_root_cached rb_root;
	struct rcu_head rcu;
};

/**
 * struct mml_anon_vma_chain - a vma and an anon_vma, linked
 * @vma: has @anon_vma in its chain
 * @anon_vma: has @vma in its tree
 * @same_vma: on @vma's chain
 * @rb: in @anon_vma's tree
 * @rb_subtree_last: the tree's own
 */
struct mml_anon_vma_chain {
	struct mml_vma *vma;
	struct mml_anon_vma *anon_vma;
	struct list_head same_vma;
	struct rb_node rb;
	unsigned long rb_subtree_last;
};

static unsigned long mml_avc_start(const struct mml_anon_vma_chain *avc)
{
	return avc->vma->vm_pgoff;
}

static unsigned long mml_avc_last(const struct mml_anon_vma_chain *avc)
{
	return avc->vma->vm_pgoff + mml_vma_pages(avc->vma) - 1;
}

INTERVAL_TREE_DEFINE(struct mml_anon_vma_chain, rb, unsigned long, rb_subtree_last,
		     mml_avc_start, mml_avc_last, static, mml_avc_tree);

/*
 * Anon_vmas and links.
 */

static void *mml_rmap_alloc(struct mml_mm *mm, size_t size)
{
	void *p = mml_kzalloc(mm->machine, size, GFP_KERNEL_ACCOUNT);

	if (!p)
		mml_explain_alloc(mm->machine, MML_WHY_KERNEL_MEMORY, GFP_KERNEL_ACCOUNT, 0);
	return p;
}

/* One that is its own root. */
static struct mml_anon_vma *mml_anon_vma_alloc(struct mml_mm *mm)
{
	struct mml_anon_vma *anon_vma = mml_rmap_alloc(mm, sizeof(*anon_vma));

	if (!anon_vma)
		return NULL;
	anon_vma->root = anon_vma;
	anon_vma->parent = anon_vma;
	anon_vma->num_children = 1;
	anon_vma->rb_root = RB_ROOT_CACHED;
	init_rwsem(&anon_vma->rwsem);
	refcount_set(&anon_vma->refcount, 1);
	return anon_vma;
}

/* Context: any; the family's lock is not held. */
static void mml_put_anon_vma(struct mml_anon_vma *anon_vma)
{
	struct mml_anon_vma *root = anon_vma->root;

	if (!refcount_dec_and_test(&anon_vma->refcount))
		return;
	kfree_rcu(anon_vma, rcu);
	if (root != anon_vma)
		mml_put_anon_vma(root);
}

static struct mml_anon_vma_chain *mml_avc_alloc(struct mml_mm *mm)
{
	return mml_rmap_alloc(mm, sizeof(struct mml_anon_vma_chain));
}

static void mml_avc_link(struct mml_vma *vma, struct mml_anon_vma_chain *avc,
			 struct mml_anon_vma *anon_vma)
{
	lockdep_assert_held_write(&anon_vma->root->rwsem);

	avc->vma = vma;
	avc->anon_vma = anon_vma;
	list_add(&avc->same_vma, &vma->anon_vma_chain);
	mml_avc_tree_insert(avc, &anon_vma->rb_root);
}

/* The lock of the family that @vma is of; NULL if it is of none. */
static struct rw_semaphore *mml_vma_family(struct mml_vma *vma)
{
	struct mml_anon_vma_chain *avc = list_first_entry_or_null(&vma->anon_vma_chain,
								  struct mml_anon_vma_chain,
								  same_vma);

	return avc ? &avc->anon_vma->root->rwsem : NULL;
}

/* Keep walkers away from @vma while its entries change places. */
void mml_take_rmap_locks(struct mml_vma *vma)
{
	struct rw_semaphore *lock = mml_shmem_rwsem(vma) ?: mml_vma_family(vma);

	if (lock)
		down_write(lock);
}

void mml_drop_rmap_locks(struct mml_vma *vma)
{
	struct rw_semaphore *lock = mml_shmem_rwsem(vma) ?: mml_vma_family(vma);

	if (lock)
		up_write(lock);
}

/*
 * Which anon_vma a vma gets.
 */

/* Is its chain only its own anon_vma: none of an ancestor's? */
static bool mml_vma_is_first(const struct mml_vma *vma)
{
	return list_is_singular(&vma->anon_vma_chain);
}

/*
 * Do the anon_vmas of @a and @b let them become one? @neighbour is the one of them that is not
 * being changed, or NULL if neither is. As in 6.12, one without an anon_vma takes none over
 * from a vma that is changed, only the other way round.
 */
bool mml_anon_vma_mergeable(const struct mml_vma *a, const struct mml_vma *b,
			    const struct mml_vma *neighbour)
{
	if ((!a->anon_vma || !b->anon_vma) && (!neighbour || mml_vma_is_first(neighbour)))
		return true;
	return a->anon_vma == b->anon_vma;
}

/* Might @a and @b, where @b follows, become one, were their protections the same? */
static bool mml_anon_vma_compatible(const struct mml_vma *a, const struct mml_vma *b)
{
	return a->vm_end == b->vm_start &&
	       !((a->vm_flags ^ b->vm_flags) & ~VM_ACCESS_FLAGS) && mml_vma_continues(a, b);
}

/* The one of @old, which is @a or @b, if @a and @b may have the same. */
static struct mml_anon_vma *mml_reusable_anon_vma(const struct mml_vma *old,
						  const struct mml_vma *a,
						  const struct mml_vma *b)
{
	/* Pairs with mml_anon_vma_set_first(): the chain before what says that there is one. */
	struct mml_anon_vma *anon_vma = smp_load_acquire(&old->anon_vma);

	return anon_vma && mml_vma_is_first(old) && mml_anon_vma_compatible(a, b) ?
		anon_vma : NULL;
}

/* A neighbour's, the upper one's first. */
static struct mml_anon_vma *mml_find_mergeable_anon_vma(struct mml_mm *mm,
							const struct mml_vma *vma)
{
	const struct mml_vma *next = mml_vma_lookup(mm, vma->vm_end);
	const struct mml_vma *prev = vma->vm_start ? mml_vma_lookup(mm, vma->vm_start - 1) : NULL;
	struct mml_anon_vma *anon_vma = NULL;

	if (next)
		anon_vma = mml_reusable_anon_vma(next, vma, next);
	if (!anon_vma && prev)
		anon_vma = mml_reusable_anon_vma(prev, prev, vma);
	return anon_vma;
}

/*
 * @vma gets @anon_vma, its first, by the link *@avc, which is NULL afterwards if it was used:
 * another thread may have been quicker.
 */
static void mml_anon_vma_set_first(struct mml_vma *vma, struct mml_anon_vma *anon_vma,
				   struct mml_anon_vma_chain **avc)
{
	struct mml_mm *mm = vma->vm_mm;

	down_write(&anon_vma->root->rwsem);
	spin_lock(&mm->page_table_lock);
	if (!vma->anon_vma) {
		mml_avc_link(vma, *avc, anon_vma);
		anon_vma->num_active_vmas++;
		/* The chain first: pairs with mml_reusable_anon_vma() and mml_anon_vma_prepare(). */
		smp_store_release(&vma->anon_vma, anon_vma);
		*avc = NULL;
	}
	spin_unlock(&mm->page_table_lock);
	up_write(&anon_vma->root->rwsem);
}

/*
 * A page of @vma is about to be written: it is to have an anon_vma. Context: mmap_lock is held;
 * sleeps. Returns: 0 or -ENOMEM.
 */
int mml_anon_vma_prepare(struct mml_vma *vma)
{
	struct mml_anon_vma *anon_vma, *new = NULL;
	struct mml_mm *mm = vma->vm_mm;
	struct mml_anon_vma_chain *avc;

	/* Pairs with mml_anon_vma_set_first(). */
	if (likely(smp_load_acquire(&vma->anon_vma)))
		return 0;
	avc = mml_avc_alloc(mm);
	anon_vma = mml_find_mergeable_anon_vma(mm, vma);
	if (avc && !anon_vma)
		anon_vma = new = mml_anon_vma_alloc(mm);
	if (avc && anon_vma)
		mml_anon_vma_set_first(vma, anon_vma, &avc);
	if (avc && new)
		mml_put_anon_vma(new);
	kfree(avc);
	/*
	 * Another thread may have got the last memory, for the same. Pairs with
	 * mml_anon_vma_set_first().
	 */
	return smp_load_acquire(&vma->anon_vma) ? 0 : -ENOMEM;
}

/*
 * May @dst, which has no anon_vma yet, take @anon_vma, an ancestor's, for its own? If its vmas are
 * gone and at most one child is left, which keeps a family that forks and exits for ever from
 * growing by one each time.
 */
static bool mml_anon_vma_deserted(const struct mml_vma *dst, const struct mml_vma *src,
				  const struct mml_anon_vma *anon_vma)
{
	return !dst->anon_vma && src->anon_vma && anon_vma->num_children < 2 &&
	       !anon_vma->num_active_vmas;
}

/*
 * Let @dst, whose chain is empty, have the chain of @src. Its place and its anon_vma, NULL for a
 * child of fork, are set. Context: mmap_lock of @src's mm is held for writing; sleeps. Returns: 0;
 * -ENOMEM, and the chain is empty.
 */
int mml_anon_vma_clone(struct mml_vma *dst, const struct mml_vma *src)
{
	struct mml_anon_vma_chain *pavc, *avc;

	/* From its end, so that the copy has the same order. */
	list_for_each_entry_reverse(pavc, &src->anon_vma_chain, same_vma) {
		struct mml_anon_vma *anon_vma = pavc->anon_vma;

		avc = mml_avc_alloc(dst->vm_mm);
		if (!avc) {
			/* It is not active yet: see below. */
			dst->anon_vma = NULL;
			mml_unlink_anon_vmas(dst);
			return -ENOMEM;
		}
		down_write(&anon_vma->root->rwsem);
		mml_avc_link(dst, avc, anon_vma);
		if (mml_anon_vma_deserted(dst, src, anon_vma))
			dst->anon_vma = anon_vma;
		up_write(&anon_vma->root->rwsem);
	}
	if (dst->anon_vma) {
		down_write(&dst->anon_vma->root->rwsem);
		dst->anon_vma->num_active_vmas++;
		up_write(&dst->anon_vma->root->rwsem);
	}
	return 0;
}

/*
 * @vma, of a child, gets what its @parent has, and an anon_vma of its own. Context: as for
 * mml_anon_vma_clone(). Returns: 0; -ENOMEM, and @vma is to be freed.
 */
int mml_anon_vma_fork(struct mml_vma *vma, const struct mml_vma *parent)
{
	struct mml_anon_vma *anon_vma;
	struct mml_anon_vma_chain *avc;

	if (!parent->anon_vma)
		return 0;
	if (mml_anon_vma_clone(vma, parent))
		return -ENOMEM;
	if (vma->anon_vma)
		return 0;	/* a deserted one */
	anon_vma = mml_anon_vma_alloc(vma->vm_mm);
	avc = anon_vma ? mml_avc_alloc(vma->vm_mm) : NULL;
	if (!avc) {
		if (anon_vma)
			mml_put_anon_vma(anon_vma);
		mml_unlink_anon_vmas(vma);
		return -ENOMEM;
	}
	anon_vma->num_children = 0;
	anon_vma->num_active_vmas = 1;
	anon_vma->root = parent->anon_vma->root;
	anon_vma->parent = parent->anon_vma;
	refcount_inc(&anon_vma->root->refcount);
	vma->anon_vma = anon_vma;
	down_write(&anon_vma->root->rwsem);
	mml_avc_link(vma, avc, anon_vma);
	anon_vma->parent->num_children++;
	up_write(&anon_vma->root->rwsem);
	return 0;
}

/*
 * @vma maps nothing any more: no walk finds it. Context: mmap_lock is held for writing, or
 * nobody else knows @vma; sleeps.
 */
void mml_unlink_anon_vmas(struct mml_vma *vma)
{
	struct rw_semaphore *family = mml_vma_family(vma);
	struct mml_anon_vma_chain *avc, *next;

	if (!family)
		return;
	down_write(family);
	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
		mml_avc_tree_remove(avc, &avc->anon_vma->rb_root);
		if (RB_EMPTY_ROOT(&avc->anon_vma->rb_root.rb_root))
			avc->anon_vma->parent->num_children--;
	}
	if (vma->anon_vma)
		vma->anon_vma->num_active_vmas--;
	list_for_each_entry_safe(avc, next, &vma->anon_vma_chain, same_vma) {
		if (!RB_EMPTY_ROOT(&avc->anon_vma->rb_root.rb_root)) {
			list_del(&avc->same_vma);
			kfree(avc);
		}
	}
	up_write(family);
	vma->anon_vma = NULL;
	/* What is left has no vma; with the last, the lock may go. */
	list_for_each_entry_safe(avc, next, &vma->anon_vma_chain, same_vma) {
		list_del(&avc->same_vma);
		mml_put_anon_vma(avc->anon_vma);
		kfree(avc);
	}
}

/*
 * Vmas that change.
 */

static void mml_avc_tree_remove_all(struct mml_vma *vma)
{
	struct mml_anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		mml_avc_tree_remove(avc, &avc->anon_vma->rb_root);
}

static void mml_avc_tree_insert_all(struct mml_vma *vma)
{
	struct mml_anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		mml_avc_tree_insert(avc, &avc->anon_vma->rb_root);
}

/* @vma begins and ends there from now on, and walks know it. */
void mml_vma_set_range(struct mml_vma *vma, unsigned long start, unsigned long end)
{
	mml_take_rmap_locks(vma);
	mml_avc_tree_remove_all(vma);
	mml_shmem_tree_remove(vma);
	vma->vm_pgoff -= (long)(vma->vm_start - start) >> PAGE_SHIFT;
	vma->vm_start = start;
	vma->vm_end = end;
	mml_shmem_tree_insert(vma);
	mml_avc_tree_insert_all(vma);
	mml_drop_rmap_locks(vma);
}

/* @lower, which has no anon_vma, becomes one with @upper, which follows it, and takes what it has. */
void mml_anon_vma_adopt(struct mml_vma *lower, struct mml_vma *upper)
{
	struct rw_semaphore *family = mml_vma_family(upper);
	struct mml_anon_vma_chain *avc;

	if (!family)
		return;
	down_write(family);
	mml_avc_tree_remove_all(upper);
	list_splice_init(&upper->anon_vma_chain, &lower->anon_vma_chain);
	list_for_each_entry(avc, &lower->anon_vma_chain, same_vma)
		avc->vma = lower;
	swap(lower->anon_vma, upper->anon_vma);
	lower->vm_end = upper->vm_end;
	mml_avc_tree_insert_all(lower);
	up_write(family);
}

/*
 * Walks.
 */

/* The anon_vma of @page, with a reference; NULL if it is mapped nowhere. */
static struct mml_anon_vma *mml_page_get_anon_vma(struct mml_page *page)
{
	struct mml_anon_vma *anon_vma = NULL;

	rcu_read_lock();
	if (page->type == MML_PAGE_ANON && atomic_read(&page->_mapcount))
		anon_vma = READ_ONCE(page->mapping);
	/* It is freed by RCU; a frame that is mapped has one that lives. */
	if (anon_vma && !refcount_inc_not_zero(&anon_vma->refcount))
		anon_vma = NULL;
	rcu_read_unlock();
	if (anon_vma && !atomic_read(&page->_mapcount)) {
		mml_put_anon_vma(anon_vma);
		anon_vma = NULL;
	}
	return anon_vma;
}

/* Does @vma map @page at @addr? */
bool mml_page_mapped_at(const struct mml_page *page, const struct mml_vma *vma,
			unsigned long addr)
{
	struct mml_mm *mm = vma->vm_mm;
	struct mml_ptdesc *table = mml_pte_find_rmap(mm, addr);
	bool mapped;

	if (!table)
		return false;
	mutex_lock(&table->lock);
	mapped = mml_vm_normal_page(mm, *mml_entry(mm, table, addr)) == page;
	mutex_unlock(&table->lock);
	return mapped;
}

/**
 * mml_rmap_walk - find every page-table entry that maps a frame
 * @page: of anonymous or shared memory; the caller has a reference
 * @fn: is called for each, with the vma, the address and @arg; false ends the walk. It may take
 *	the table mutex, and look again: the entry may have changed
 * @arg: for @fn
 *
 * While a vma is split, or two become one, both may lead to an entry: @fn is called twice then.
 *
 * Context: process, may sleep; mmap_lock of any mm may be held, no table mutex is. @fn is called
 * with the lock of the frame's anon_vma, or of its shared memory, held for reading.
 * Return: how many @fn was called for.
 */
unsigned int mml_rmap_walk(struct mml_page *page, mml_rmap_fn fn, void *arg)
{
	struct mml_anon_vma *anon_vma = mml_page_get_anon_vma(page);
	struct mml_anon_vma_chain *avc;
	unsigned int found = 0;

	if (page->type == MML_PAGE_SHMEM)
		return mml_shmem_walk(page, fn, arg);

	if (!anon_vma)
		return 0;
	down_read(&anon_vma->root->rwsem);
	for (avc = mml_avc_tree_iter_first(&anon_vma->rb_root, page->index, page->index); avc;
	     avc = mml_avc_tree_iter_next(avc, page->index, page->index)) {
		unsigned long addr = mml_vma_address(avc->vma, page->index);

		if (!mml_page_mapped_at(page, avc->vma, addr))
			continue;
		found++;
		if (fn && !fn(avc->vma, addr, arg))
			break;
	}
	up_read(&anon_vma->root->rwsem);
	mml_put_anon_vma(anon_vma);
	return found;
}
EXPORT_SYMBOL_NS_GPL(mml_rmap_walk, MM_LAB);

/* Is the chain of @vma as it has to be? Context: mmap_lock is held for writing. */
bool mml_anon_vma_valid(const struct mml_vma *vma)
{
	const struct mml_anon_vma_chain *avc;
	bool own = !vma->anon_vma;

	if (!vma->anon_vma)
		return list_empty(&vma->anon_vma_chain);
	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
		if (avc->vma != vma || avc->anon_vma->root != vma->anon_vma->root)
			return false;
		own |= avc->anon_vma == vma->anon_vma;
	}
	return own;
}

/* Is @anon_vma in the chain of @vma? Context: as above. */
bool mml_vma_has_anon_vma(const struct mml_vma *vma, const struct mml_anon_vma *anon_vma)
{
	const struct mml_anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		if (avc->anon_vma == anon_vma)
			return true;
	return false;
}
