// SPDX-License-Identifier: GPL-2.0
/*
 * Shared memory: an object of frames that several vmas map, in whatever mms.
 *
 *	parent's vma --+                      0   1   2   3
 *	               +--> object, 4 pages: [f] [ ] [f] [ ]
 *	child's vma  --+                      ^ its own reference, and one for each entry
 *
 * mmap(MAP_SHARED | MAP_ANONYMOUS) makes one; fork, a split, and mremap of nothing to something
 * make more vmas of it. It has as many pages as were mapped at first: who makes a mapping longer
 * has what is behind for a SIGBUS. A frame comes when its page is first touched by anybody, stays
 * when everybody has unmapped it, and goes with the last vma, or by MADV_REMOVE.
 *
 * A page is found by its number, vm_pgoff and its place in the vma, here as in rmap.c: a frame
 * knows its object, the object knows its vmas by the pages that they map.
 *
 * Kernel counterpart: mm/shmem.c, and struct address_space. Differences: it has no name and no file;
 * no swap, no huge pages; of a mapping that is not MAP_NORESERVE all is committed at once, as there.
 *
 * Charging: the object's counter is the parent of those of all mms that map it, and is charged once
 * for each frame; an mm's is for each of its entries.
 *
 * Invariants, checked by mml_mm_validate():
 *	an entry of a shared vma is that of its object's frame of that number
 *	a frame's _mapcount is what a walk finds
 *
 * Locking: @rwsem, of an object, inside mmap_lock and outside the table mutexes, protects the tree
 * of vmas as an anon_vma's does. The xarray's lock protects which frames there are. A fault enters
 * a frame under the table mutex if it is still the object's; who removes it does so first, and then
 * takes it from each mm, under that mutex, without the mm's mmap_lock.
 */
#include <linux/interval_tree_generic.h>
#include <linux/sched/signal.h>

#include "vma_probe/mm/internal.h"

/**
 * struct mml_shmem - an object
 * @machine: its frames are from here
 * @common: to all mms of that
 * @counter: is charged for them
 * @refcount: vmas, and walkers
 * @size: pages that it can have
 * @committed: pages that it was promised
 * @reserved: all of them, at once
 * @pages: frames by number; entries are struct mml_page
 * @rwsem: see the head of this file
 * @i_mmap: vmas, by page number
 * @rcu: frees it
 *
 * Lock key: C constant, A atomic, X the xarray's, R @rwsem.
 */
struct mml_shmem {
	struct mml_machine *machine;		/* C */
	struct mml_mm_common *common;		/* C */
	struct mml_counter *counter;		/* C */
	refcount_t refcount;			/* A */
	unsigned long size;			/* C */
	atomic_long_t committed;		/* A */
	bool reserved;				/* C */
	struct xarray pages;			/* X */
	struct rw_semaphore rwsem;
	struct rb_root_cached i_mmap;		/* R */
	struct rcu_head rcu;
};

static unsigned long mml_shared_start(const struct mml_vma *vma)
{
	return vma->vm_pgoff;
}

static unsigned long mml_shared_last(const struct mml_vma *vma)
{
	return vma->vm_pgoff + mml_vma_pages(vma) - 1;
}

INTERVAL_TREE_DEFINE(struct mml_vma, shared_rb, unsigned long, shared_subtree_last,
		     mml_shared_start, mml_shared_last, static, mml_shared_tree);

/*
 * Its life.
 */

static void mml_shmem_commit(struct mml_shmem *shmem, long pages)
{
	atomic_long_add(pages, &shmem->committed);
	atomic_long_add(pages, &shmem->common->nr_committed);
}

/*
 * An object of @pages for @mm and its children to come, to be linked to a vma: the reference is
 * that one's. Returns: NULL: no memory, or not so much.
 */
struct mml_shmem *mml_shmem_create(struct mml_mm *mm, unsigned long pages, bool reserve)
{
	struct mml_shmem *shmem;

	if (reserve && !mml_enough_memory(mm, pages))
		return NULL;
	shmem = mml_kzalloc(mm->machine, sizeof(*shmem), GFP_KERNEL_ACCOUNT);
	if (!shmem)
		return NULL;
	shmem->machine = mm->machine;
	shmem->common = mm->common;
	shmem->counter = mm->counter->parent;
	refcount_set(&shmem->refcount, 1);
	shmem->size = pages;
	shmem->reserved = reserve;
	xa_init(&shmem->pages);
	init_rwsem(&shmem->rwsem);
	shmem->i_mmap = RB_ROOT_CACHED;
	if (reserve)
		mml_shmem_commit(shmem, pages);
	return shmem;
}

/* @page, which was the object's, and which nobody finds there any more. */
static void mml_shmem_free_page(struct mml_shmem *shmem, struct mml_page *page)
{
	if (!shmem->reserved)
		mml_shmem_commit(shmem, -1);
	atomic_long_dec(&shmem->common->nr_shmem);
	mml_counter_uncharge(shmem->counter, 1);
	__mml_free_pages(shmem->machine, page, 0);
}

void mml_shmem_put(struct mml_shmem *shmem)
{
	struct mml_page *page;
	unsigned long index;

	if (!refcount_dec_and_test(&shmem->refcount))
		return;
	xa_for_each(&shmem->pages, index, page) {
		mml_shmem_free_page(shmem, page);
		cond_resched();
	}
	xa_destroy(&shmem->pages);
	atomic_long_sub(atomic_long_read(&shmem->committed), &shmem->common->nr_committed);
	/* A walk may have read it from a frame. */
	kfree_rcu(shmem, rcu);
}

/*
 * Its vmas.
 */

/* @vma, whose place is set, maps @shmem from now on; the caller has a reference, which it takes. */
void mml_shmem_link(struct mml_vma *vma, struct mml_shmem *shmem)
{
	vma->shmem = shmem;
	down_write(&shmem->rwsem);
	mml_shared_tree_insert(vma, &shmem->i_mmap);
	up_write(&shmem->rwsem);
}

/* @vma maps what @from does, if that is shared. */
void mml_shmem_clone(struct mml_vma *vma, const struct mml_vma *from)
{
	if (!from->shmem)
		return;
	refcount_inc(&from->shmem->refcount);
	mml_shmem_link(vma, from->shmem);
}

/* @vma maps nothing any more. */
void mml_shmem_unlink(struct mml_vma *vma)
{
	struct mml_shmem *shmem = vma->shmem;

	if (!shmem)
		return;
	down_write(&shmem->rwsem);
	mml_shared_tree_remove(vma, &shmem->i_mmap);
	up_write(&shmem->rwsem);
	vma->shmem = NULL;
	mml_shmem_put(shmem);
}

struct rw_semaphore *mml_shmem_rwsem(const struct mml_vma *vma)
{
	return vma->shmem ? &vma->shmem->rwsem : NULL;
}

/* Around a change of @vma's place, with the lock held. */
void mml_shmem_tree_remove(struct mml_vma *vma)
{
	if (vma->shmem)
		mml_shared_tree_remove(vma, &vma->shmem->i_mmap);
}

void mml_shmem_tree_insert(struct mml_vma *vma)
{
	if (vma->shmem)
		mml_shared_tree_insert(vma, &vma->shmem->i_mmap);
}

/*
 * Its frames.
 */

/* Is there a frame for page @index? */
bool mml_shmem_resident(struct mml_shmem *shmem, unsigned long index)
{
	return xa_load(&shmem->pages, index);
}

static struct mml_page *mml_shmem_find_get_page(struct mml_shmem *shmem, unsigned long index)
{
	struct mml_page *page;

	xa_lock(&shmem->pages);
	page = xa_load(&shmem->pages, index);
	if (page)
		mml_get_page(page);
	xa_unlock(&shmem->pages);
	return page;
}

/*
 * A zeroed frame for page @index, which has none. Returns: it, or that of who was quicker; NULL;
 * or as mml_do_shared_fault().
 */
static struct mml_page *mml_shmem_add_page(struct mml_mm *mm, struct mml_shmem *shmem,
					   unsigned long index, gfp_t gfp)
{
	struct mml_page *page;

	if (!shmem->reserved && !mml_enough_memory(mm, 1))
		return ERR_PTR(-EFAULT);
	page = mml_mm_alloc_page(mm, gfp | MML_GFP_ANON | __GFP_ZERO, shmem->counter,
				 MML_PAGE_SHMEM, shmem);
	if (!page)
		return NULL;
	page->index = index;
	/* One reference is the object's, and one the caller's. */
	mml_get_page(page);
	atomic_long_inc(&shmem->common->nr_shmem);
	if (!shmem->reserved)
		mml_shmem_commit(shmem, 1);
	switch (mml_xa_insert(mm->machine, &shmem->pages, index, page, GFP_KERNEL_ACCOUNT)) {
	case 0:
		return page;
	case -EBUSY:
		__mml_free_pages(mm->machine, page, 0);
		mml_shmem_free_page(shmem, page);
		return mml_shmem_find_get_page(shmem, index) ?: ERR_PTR(-EAGAIN);
	default:
		__mml_free_pages(mm->machine, page, 0);
		mml_shmem_free_page(shmem, page);
		return NULL;
	}
}

/* The entry that maps @page, under the table mutex. Returns: 0; -ENOMEM; -EIO. */
static int mml_shmem_map(struct mml_vma *vma, struct mml_ptdesc *table, struct mml_fault *fault,
			 struct mml_page *page)
{
	struct mml_mm *mm = vma->vm_mm;

	if (!mml_counter_try_share(mm->counter, 1)) {
		mml_explain_charge(mm->machine, fault->gfp, 0, mm->counter);
		return -ENOMEM;
	}
	mml_get_page(page);
	atomic_inc(&page->_mapcount);
	atomic_long_inc(&mm->shmem_rss);
	/* Whether this mm has written to it says nothing: others may have. */
	return mml_fault_install(vma, table, fault,
				 mml_mk_pte(mm, page, MML_PTE_NX | MML_PTE_DIRTY), false);
}

/*
 * Nothing is mapped at the fault's address, in a shared vma. Returns: 0; -EAGAIN: look again;
 * -ENOMEM; -EFAULT: the object ends before, or may not be committed; -EIO: the machine is broken.
 */
int mml_do_shared_fault(struct mml_vma *vma, struct mml_ptdesc *table, struct mml_fault *fault)
{
	unsigned long index = mml_linear_page_index(vma, fault->address);
	struct mml_shmem *shmem = vma->shmem;
	struct mml_mm *mm = vma->vm_mm;
	struct mml_page *page;
	int err = -EAGAIN;

	if (index >= shmem->size)
		return -EFAULT;
	page = mml_shmem_find_get_page(shmem, index) ?:
	       mml_shmem_add_page(mm, shmem, index, fault->gfp);
	if (IS_ERR(page))
		return PTR_ERR(page);
	mml_tell_fault(mm, fault, page ? MML_FAULT_TRY_SHARED : MML_FAULT_TRY_NO_FRAME, 0, page);
	/* Unless somebody else, in another mm, has got the last one for this very page. */
	if (!page)
		return mml_shmem_resident(shmem, index) ? -EAGAIN :
			mml_fault_no_frame(mm, fault, (mml_pte_t){});
	fault->path = MML_PATH_SHARED;
	mutex_lock(&table->lock);
	/* Not if it was removed meanwhile: who did that looks here after. */
	if (mml_pte_unchanged(mm, table, fault, (mml_pte_t){}) &&
	    xa_load(&shmem->pages, index) == page)
		err = mml_shmem_map(vma, table, fault, page);
	mutex_unlock(&table->lock);
	__mml_free_pages(mm->machine, page, 0);
	return err;
}

/* Take @page out of @vma, where it is at @addr, if it is. */
static void mml_shmem_unmap_page(struct mml_vma *vma, unsigned long addr,
				 const struct mml_page *page)
{
	struct mml_mm *mm = vma->vm_mm;
	struct mml_ptdesc *table = mml_pte_find_rmap(mm, addr);

	if (!table)
		return;
	mutex_lock(&table->lock);
	if (mml_vm_normal_page(mm, *mml_entry(mm, table, addr)) == page) {
		/* No fault brings it back: it needs the mutex, and finds that it is removed. */
		if (mm->window_ops)
			mm->window_ops->revoke(mm, addr, addr + PAGE_SIZE);
		mml_zap_one(mm, table, addr);
	}
	mutex_unlock(&table->lock);
}

/* @page is no longer the object's. Returns: false if it was not: another one may remove the same. */
static bool mml_shmem_erase(struct mml_shmem *shmem, unsigned long index,
			    const struct mml_page *page)
{
	bool found;

	xa_lock(&shmem->pages);
	found = xa_load(&shmem->pages, index) == page;
	if (found)
		__xa_erase(&shmem->pages, index);
	xa_unlock(&shmem->pages);
	return found;
}

/*
 * Pages @first to @last of the object go, from everywhere; not all, if this process is killed.
 * Context: mmap_lock of an mm that maps it is held; sleeps.
 */
void mml_shmem_remove_pages(struct mml_shmem *shmem, unsigned long first, unsigned long last)
{
	struct mml_page *page;
	struct mml_vma *vma;
	unsigned long index;

	xa_for_each_range(&shmem->pages, index, page, first, last) {
		if (fatal_signal_pending(current))
			break;
		if (!mml_shmem_erase(shmem, index, page))
			continue;
		down_read(&shmem->rwsem);
		for (vma = mml_shared_tree_iter_first(&shmem->i_mmap, index, index); vma;
		     vma = mml_shared_tree_iter_next(vma, index, index)) {
			mml_shmem_unmap_page(vma, mml_vma_address(vma, index), page);
			cond_resched();
		}
		up_read(&shmem->rwsem);
		mml_shmem_free_page(shmem, page);
		cond_resched();
	}
}

/* The object of @page, with a reference; NULL if it is mapped nowhere. */
static struct mml_shmem *mml_page_get_shmem(struct mml_page *page)
{
	struct mml_shmem *shmem = NULL;

	rcu_read_lock();
	if (page->type == MML_PAGE_SHMEM && atomic_read(&page->_mapcount))
		shmem = READ_ONCE(page->mapping);
	/* It is freed by RCU; as long as a frame is mapped, there is a vma. */
	if (shmem && !refcount_inc_not_zero(&shmem->refcount))
		shmem = NULL;
	rcu_read_unlock();
	return shmem;
}

/* As mml_rmap_walk(), of a frame of an object. */
unsigned int mml_shmem_walk(struct mml_page *page, mml_rmap_fn fn, void *arg)
{
	struct mml_shmem *shmem = mml_page_get_shmem(page);
	unsigned int found = 0;
	struct mml_vma *vma;

	if (!shmem)
		return 0;
	down_read(&shmem->rwsem);
	for (vma = mml_shared_tree_iter_first(&shmem->i_mmap, page->index, page->index); vma;
	     vma = mml_shared_tree_iter_next(vma, page->index, page->index)) {
		unsigned long addr = mml_vma_address(vma, page->index);

		if (!mml_page_mapped_at(page, vma, addr))
			continue;
		found++;
		if (fn && !fn(vma, addr, arg))
			break;
	}
	up_read(&shmem->rwsem);
	mml_shmem_put(shmem);
	return found;
}

static bool mml_shmem_page_check(struct mml_machine *machine, struct mml_page *page)
{
	return page->mapping && page->order == 0 && atomic_read(&page->_mapcount) >= 0;
}

const struct mml_page_ops mml_shmem_page_ops = {
	.name = "shared",
	.check = mml_shmem_page_check,
};
