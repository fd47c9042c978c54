// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks held by handle: the page allocator as a process sees it.
 *
 * A session's blocks are in an xarray, by handle; they are charged to the session,
 * and go with it at the latest. Their content is never seen by the process.
 *
 * Kernel counterpart: none.
 *
 * Locking: blocks->lock, a mutex, protects the xarray's content and @ended. Taken
 * under mmap_lock when a process exits.
 */
#include <linux/bitops.h>
#include <linux/capability.h>
#include <linux/mutex.h>

#include "buddy_probe/internal.h"
#include "mm_lab/alloc.h"
#include "mm_lab/device.h"
#include "mm_lab/session.h"

/**
 * struct mml_blocks - the blocks of one session
 * @lock: protects what follows
 * @handles: struct mml_page, by handle
 * @ended: the session is over: nothing may be added
 */
struct mml_blocks {
	struct mutex lock;
	struct xarray handles;
	bool ended;
};

static struct mml_blocks *mml_blocks(const struct mml_session *session)
{
	return session->engine_data[MML_BUDDY_SLOT];
}

/* A forked child begins without blocks, as any other. */
int mml_blocks_init(struct mml_session *session, struct mml_session *parent)
{
	struct mml_blocks *blocks;

	blocks = mml_kzalloc(session->machine, sizeof(*blocks), GFP_KERNEL_ACCOUNT);
	if (!blocks)
		return -ENOMEM;
	mutex_init(&blocks->lock);
	xa_init_flags(&blocks->handles, XA_FLAGS_ALLOC1);
	session->engine_data[MML_BUDDY_SLOT] = blocks;
	return 0;
}

static void mml_block_drop(struct mml_session *session, struct mml_page *page)
{
	unsigned int order = page->order;

	__mml_free_pages(session->machine, page, order);
	mml_counter_uncharge(&session->counter, 1UL << order);
}

void mml_blocks_exit(struct mml_session *session)
{
	struct mml_blocks *blocks = mml_blocks(session);
	struct mml_page *page;
	unsigned long handle;

	mutex_lock(&blocks->lock);
	blocks->ended = true;
	xa_for_each(&blocks->handles, handle, page)
		mml_block_drop(session, page);
	xa_destroy(&blocks->handles);
	mutex_unlock(&blocks->lock);
}

void mml_blocks_free(struct mml_session *session)
{
	kfree(mml_blocks(session));
}

static struct mml_page *mml_block_take(struct mml_session *session, u32 order,
				       gfp_t gfp, int nid)
{
	struct mml_page *page;

	page = mml_alloc_pages_node(session->machine, nid, gfp, order);
	if (!page)
		return ERR_PTR(-ENOMEM);
	/* Charged afterwards: the high-water mark counts frames that were there. */
	if (!mml_counter_try_charge(&session->counter, 1UL << order)) {
		mml_explain_charge(session->machine, gfp, order, &session->counter);
		__mml_free_pages(session->machine, page, order);
		return ERR_PTR(-EDQUOT);
	}
	page->type = MML_PAGE_USER;
	return page;
}

/* Returns: 0; -ENXIO if the session ended meanwhile; -ENOMEM. */
static int mml_block_enter(struct mml_session *session, struct mml_page *page,
			   u32 *handle)
{
	struct mml_blocks *blocks = mml_blocks(session);
	int err = -ENXIO;

	mutex_lock(&blocks->lock);
	if (!blocks->ended)
		err = mml_xa_alloc(session->machine, &blocks->handles, handle, page,
				   GFP_KERNEL_ACCOUNT);
	mutex_unlock(&blocks->lock);
	return err == -EBUSY ? -ENOMEM : err;
}

/* What a process may ask for, by bit of MML_BLOCK_*. Not to wait for ever. */
static const gfp_t mml_block_gfp_flags[] = {
	__GFP_ZERO, __GFP_MOVABLE, __GFP_RECLAIMABLE, __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM,
	__GFP_HIGH, 0, __GFP_NORETRY, __GFP_RETRY_MAYFAIL, 0, __GFP_THISNODE,
};

#define MML_BLOCK_MOBILITY	(MML_BLOCK_MOVABLE | MML_BLOCK_RECLAIMABLE)
#define MML_BLOCK_ZONE		(MML_BLOCK_DMA | MML_BLOCK_DMA32 | MML_BLOCK_HIGHMEM)

/* Returns: 0, -EINVAL or -EPERM. */
static int mml_block_gfp(u32 flags, gfp_t *gfp)
{
	unsigned long bits = flags;
	int bit;

	if (bits & MML_BLOCK_NOFAIL || bits >> ARRAY_SIZE(mml_block_gfp_flags) ||
	    hweight32(bits & MML_BLOCK_MOBILITY) > 1 || hweight32(bits & MML_BLOCK_ZONE) > 1)
		return -EINVAL;
	if (bits & MML_BLOCK_HIGH && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	*gfp = GFP_KERNEL;
	for_each_set_bit(bit, &bits, ARRAY_SIZE(mml_block_gfp_flags))
		*gfp |= mml_block_gfp_flags[bit];
	if (bits & MML_BLOCK_NOWAIT)
		*gfp &= ~__GFP_DIRECT_RECLAIM;
	return 0;
}

static int mml_ioc_block_alloc(struct mml_ioctl_call *call, void *arg)
{
	struct mml_session *session = call->session;
	struct mml_block_alloc *a = arg;
	struct mml_page *page;
	gfp_t gfp;
	int err;

	err = mml_block_gfp(a->flags, &gfp);
	if (err)
		return err;
	if (a->node > mml_buddy(session->machine)->nr_nodes)
		return -EINVAL;
	if (a->order > MML_MAX_ORDER) {
		mml_explain_alloc(session->machine, MML_WHY_ORDER, gfp, a->order);
		mml_explain_sign(session->machine, session->id);
		return -EINVAL;
	}
	page = mml_block_take(session, a->order, gfp,
			      a->node ? (int)a->node - 1 : NUMA_NO_NODE);
	if (IS_ERR(page))
		return PTR_ERR(page);
	err = mml_block_enter(session, page, &a->handle);
	if (err) {
		mml_block_drop(session, page);
		return err;
	}
	a->pfn = mml_page_to_pfn(session->machine, page).val;
	return 0;
}

/* Returns: 0, or -EBADF if the session has no block with that handle. */
static int mml_block_put(struct mml_session *session, u32 handle)
{
	struct mml_blocks *blocks = mml_blocks(session);
	struct mml_page *page;

	mutex_lock(&blocks->lock);
	page = xa_erase(&blocks->handles, handle);
	mutex_unlock(&blocks->lock);
	if (!page)
		return -EBADF;
	mml_block_drop(session, page);
	return 0;
}

static int mml_ioc_block_free(struct mml_ioctl_call *call, void *arg)
{
	struct mml_block_free *a = arg;

	return a->pad ? -EINVAL : mml_block_put(call->session, a->handle);
}

static void mml_ioc_block_alloc_undo(struct mml_ioctl_call *call, void *arg)
{
	struct mml_block_alloc *a = arg;

	mml_block_put(call->session, a->handle);
}

const struct mml_ioctl mml_buddy_ioctls[MML_IOC_RANGE] = {
	MML_IOCTL_UNDO(MML_IOC_BLOCK_ALLOC, struct mml_block_alloc, MML_FILE_SESSION,
		       mml_ioc_block_alloc, mml_ioc_block_alloc_undo),
	MML_IOCTL(MML_IOC_BLOCK_FREE, struct mml_block_free, MML_FILE_SESSION,
		  mml_ioc_block_free),
};
