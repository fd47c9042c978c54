// SPDX-License-Identifier: GPL-2.0
/*
 * Caches held by handle: object caches as a process sees them.
 *
 * A session's caches are in an xarray, by handle; each has the objects that the session
 * has of it in another one. They go with the session at the latest. The objects' content is
 * never seen by the process, nor is their address.
 *
 * The session is charged with frames: those of the slabs that the most objects it ever had
 * of a cache need, for a cache keeps slabs when objects go. kmalloc's caches are everybody's,
 * and what they keep nobody's: who has no object of them is not charged.
 *
 * Kernel counterpart: none.
 *
 * Life: a cache has as many users as calls that look at it, and one more while it has a handle.
 * The last one destroys it. When a session ends, which may be under mmap_lock, its objects go;
 * its caches go when the session does, for to destroy one the CPUs have to stay.
 *
 * Locking: caches->lock, a mutex, protects all of it. Taken under mmap_lock when a process
 * exits; slab_mutex is taken inside only where memory is reclaimed.
 */
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "mm_lab/alloc.h"
#include "mm_lab/device.h"
#include "mm_lab/session.h"
#include "slub_probe/slab.h"

#define MML_CACHE_MAX_COUNT	(1U << 24)
/* Caches that a session may have. */
#define MML_SESSION_MAX_CACHES	1024
/* Objects of a call that is not over yet. */
#define MML_CACHE_NEW		XA_MARK_1

/**
 * struct mml_session_cache - a cache of a session
 * @s: the cache; NULL: kmalloc
 * @size: of its objects, in bytes
 * @per_slab: objects that a slab has
 * @slab_frames: frames that a slab has
 * @objects: those that the session has, by number
 * @nr: how many
 * @charged: frames that the session is charged with
 * @users: see the head of this file
 */
struct mml_session_cache {
	struct mml_kmem_cache *s;
	unsigned int size;
	unsigned int per_slab;
	unsigned int slab_frames;
	struct xarray objects;
	u64 nr;
	u64 charged;
	refcount_t users;
};

/**
 * struct mml_session_caches - the caches of one session
 * @lock: protects what follows
 * @handles: struct mml_session_cache, by handle
 * @nr: how many
 * @ended: the session is over: nothing may be added
 */
struct mml_session_caches {
	struct mutex lock;
	struct xarray handles;
	unsigned int nr;
	bool ended;
};

static struct mml_session_caches *mml_session_caches(const struct mml_session *session)
{
	return session->engine_data[MML_SLUB_SLOT];
}

/* A forked child begins without caches, as any other. */
int mml_session_caches_init(struct mml_session *session, struct mml_session *parent)
{
	struct mml_session_caches *caches;

	caches = mml_kzalloc(session->machine, sizeof(*caches), GFP_KERNEL_ACCOUNT);
	if (!caches)
		return -ENOMEM;
	mutex_init(&caches->lock);
	xa_init_flags(&caches->handles, XA_FLAGS_ALLOC1);
	session->engine_data[MML_SLUB_SLOT] = caches;
	return 0;
}

/*
 * Objects.
 */

/* Returns: 0 or -EDQUOT. */
static int mml_session_cache_charge(struct mml_session *session,
				    struct mml_session_cache *sc, u64 nr)
{
	u64 frames = DIV_ROUND_UP_ULL(nr, sc->per_slab) * sc->slab_frames;

	if (frames <= sc->charged)
		return 0;
	if (!mml_counter_try_charge(&session->counter, frames - sc->charged)) {
		mml_explain_charge(session->machine, GFP_KERNEL, ilog2(sc->slab_frames),
				   &session->counter);
		return -EDQUOT;
	}
	sc->charged = frames;
	return 0;
}

static void mml_session_cache_uncharge(struct mml_session *session,
				       struct mml_session_cache *sc, u64 charged)
{
	mml_counter_uncharge(&session->counter, sc->charged - charged);
	sc->charged = charged;
}

/* One object more, by a number that is marked new. Returns: 0 or -ENOMEM. */
static int mml_session_object_add(struct mml_session *session,
				  struct mml_session_cache *sc, gfp_t gfp, int nid)
{
	void *object;
	u32 number;

	object = sc->s ? mml_kmem_cache_alloc_node(sc->s, gfp, nid) :
			 mml_kmalloc(session->machine, sc->size, gfp);
	if (!object)
		return -ENOMEM;
	if (mml_xa_alloc(session->machine, &sc->objects, &number, object,
			 GFP_KERNEL_ACCOUNT)) {
		mml_kfree(session->machine, object);
		return -ENOMEM;
	}
	xa_set_mark(&sc->objects, number, MML_CACHE_NEW);
	sc->nr++;
	return 0;
}

static void mml_session_object_del(struct mml_session *session,
				   struct mml_session_cache *sc, unsigned long number)
{
	mml_kfree(session->machine, xa_erase(&sc->objects, number));
	sc->nr--;
}

/* The new objects stay, or they go. */
static void mml_session_objects_settle(struct mml_session *session,
				       struct mml_session_cache *sc, bool stay)
{
	unsigned long number;
	void *object;

	xa_for_each_marked(&sc->objects, number, object, MML_CACHE_NEW) {
		if (stay)
			xa_clear_mark(&sc->objects, number, MML_CACHE_NEW);
		else
			mml_session_object_del(session, sc, number);
		cond_resched();
	}
}

/* Returns: 0 or an errno; then nothing has changed. */
static int mml_session_objects_add(struct mml_session *session,
				   struct mml_session_cache *sc,
				   const struct mml_cache_alloc *a)
{
	gfp_t gfp = a->flags & MML_CACHE_NOWAIT ? GFP_NOWAIT : GFP_KERNEL;
	int nid = a->node ? (int)a->node - 1 : NUMA_NO_NODE;
	u64 charged = sc->charged;
	int err;
	u32 i;

	if (a->flags & MML_CACHE_ZERO)
		gfp |= __GFP_ZERO;
	err = mml_session_cache_charge(session, sc, sc->nr + a->count);
	for (i = 0; !err && i < a->count; i++) {
		err = fatal_signal_pending(current) ? -EINTR :
		      mml_session_object_add(session, sc, gfp, nid);
		cond_resched();
	}
	mml_session_objects_settle(session, sc, !err);
	if (err)
		mml_session_cache_uncharge(session, sc, charged);
	return err;
}

/*
 * The session has @count objects at least: so many go, the lowest numbers, or any, each choice
 * as likely as any other.
 */
static void mml_session_objects_del(struct mml_session *session,
				    struct mml_session_cache *sc, u32 count, bool random,
				    u64 seed)
{
	unsigned long number;
	u32 left = sc->nr;
	struct rnd_state rnd;
	void *object;

	prandom_seed_state(&rnd, seed);
	xa_for_each(&sc->objects, number, object) {
		if (!count)
			break;
		if (!random || prandom_u32_state(&rnd) % left < count) {
			mml_session_object_del(session, sc, number);
			count--;
		}
		left--;
		cond_resched();
	}
	if (!sc->s && !sc->nr)
		mml_session_cache_uncharge(session, sc, 0);
}

/*
 * Caches.
 */

static void mml_session_cache_free_objects(struct mml_session *session,
					   struct mml_session_cache *sc)
{
	unsigned long number;
	void *object;

	xa_for_each(&sc->objects, number, object) {
		mml_session_object_del(session, sc, number);
		cond_resched();
	}
}

/* One user less; the last one's, it goes. Not under caches->lock, nor under mmap_lock. */
static void mml_session_cache_put(struct mml_session *session, struct mml_session_cache *sc)
{
	if (!refcount_dec_and_test(&sc->users))
		return;
	mml_session_cache_free_objects(session, sc);
	xa_destroy(&sc->objects);
	mml_kmem_cache_destroy(sc->s);
	mml_session_cache_uncharge(session, sc, 0);
	kfree(sc);
}

/* With caches->lock held. Returns: the cache; ERR_PTR(): -ENXIO, -EBADF. */
static struct mml_session_cache *mml_session_cache_find(struct mml_session_caches *caches,
							u32 handle)
{
	struct mml_session_cache *sc;

	lockdep_assert_held(&caches->lock);
	if (caches->ended)
		return ERR_PTR(-ENXIO);
	sc = xa_load(&caches->handles, handle);
	return sc ?: ERR_PTR(-EBADF);
}

/* As mml_session_cache_find(), without the lock, and with one user more. */
static struct mml_session_cache *mml_session_cache_get(struct mml_session *session,
						       u32 handle)
{
	struct mml_session_caches *caches = mml_session_caches(session);
	struct mml_session_cache *sc;

	mutex_lock(&caches->lock);
	sc = mml_session_cache_find(caches, handle);
	if (!IS_ERR(sc))
		refcount_inc(&sc->users);
	mutex_unlock(&caches->lock);
	return sc;
}

void mml_session_caches_exit(struct mml_session *session)
{
	struct mml_session_caches *caches = mml_session_caches(session);
	struct mml_session_cache *sc;
	unsigned long handle;

	mutex_lock(&caches->lock);
	caches->ended = true;
	xa_for_each(&caches->handles, handle, sc)
		mml_session_cache_free_objects(session, sc);
	mutex_unlock(&caches->lock);
}

void mml_session_caches_free(struct mml_session *session)
{
	struct mml_session_caches *caches = mml_session_caches(session);
	struct mml_session_cache *sc;
	unsigned long handle;

	xa_for_each(&caches->handles, handle, sc)
		mml_session_cache_put(session, sc);
	xa_destroy(&caches->handles);
	mutex_destroy(&caches->lock);
	kfree(caches);
}

static const slab_flags_t mml_cache_slab_flags[] = {
	SLAB_HWCACHE_ALIGN, SLAB_RECLAIM_ACCOUNT, SLAB_CACHE_DMA, SLAB_TYPESAFE_BY_RCU,
	SLAB_NO_MERGE, 0 /* KMALLOC */, SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON,
	SLAB_STORE_USER, 0 /* SHUFFLE */,
};

/* Where its objects come from; NULL: they are blocks of frames. */
static struct mml_kmem_cache *mml_session_cache_of(const struct mml_session *session,
						   const struct mml_session_cache *sc)
{
	return sc->s ?: mml_kmalloc_cache(session->machine, sc->size);
}

/* Is it made of text, up to a zero? */
static bool mml_cache_name_ok(const char *name)
{
	size_t i, length = strnlen(name, MML_CACHE_NAME_LEN);

	if (!length || length == MML_CACHE_NAME_LEN)
		return false;
	for (i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return !memchr_inv(name + length, 0, MML_CACHE_NAME_LEN - length);
}

/* How many frames the objects of kmalloc take. Returns: 0 or an errno. */
static int mml_session_cache_kmalloc(struct mml_session *session,
				     struct mml_session_cache *sc,
				     const struct mml_cache_create *a)
{
	const struct mml_kmem_cache *s;

	if (a->flags != MML_CACHE_KMALLOC || a->align || a->path || a->sheaf_capacity ||
	    memchr_inv(a->name, 0, sizeof(a->name)) || !a->object_size ||
	    a->object_size > MML_KMALLOC_MAX_SIZE)
		return -EINVAL;
	if (!mml_has_memory(session->machine))
		return -EOPNOTSUPP;
	s = mml_session_cache_of(session, sc);
	sc->per_slab = s ? s->nr_objects : 1;
	sc->slab_frames = 1U << (s ? s->order : get_order(a->object_size));
	return 0;
}

/* Returns: 0 or an errno. */
static int mml_session_cache_make(struct mml_session *session,
				  struct mml_session_cache *sc,
				  const struct mml_cache_create *a)
{
	struct mml_kmem_cache_args args = {
		.align = a->align,
		.path = a->path,
		.sheaf_capacity = a->sheaf_capacity,
		.random_order = a->flags & MML_CACHE_SHUFFLE,
	};
	unsigned long bits = a->flags;
	slab_flags_t flags = 0;
	int bit;

	if (bits >> ARRAY_SIZE(mml_cache_slab_flags) || !mml_cache_name_ok(a->name))
		return -EINVAL;
	for_each_set_bit(bit, &bits, ARRAY_SIZE(mml_cache_slab_flags))
		flags |= mml_cache_slab_flags[bit];
	sc->s = mml_kmem_cache_create(session->machine, a->name, a->object_size, &args, flags);
	if (IS_ERR(sc->s))
		return PTR_ERR(sc->s);
	sc->per_slab = sc->s->nr_objects;
	sc->slab_frames = 1U << sc->s->order;
	return 0;
}

/* Returns: 0; -ENXIO if the session ended meanwhile; -ENOSPC; -ENOMEM. */
static int mml_session_cache_enter(struct mml_session *session,
				   struct mml_session_cache *sc, u32 *handle)
{
	struct mml_session_caches *caches = mml_session_caches(session);
	int err;

	mutex_lock(&caches->lock);
	if (caches->ended)
		err = -ENXIO;
	else if (caches->nr == MML_SESSION_MAX_CACHES)
		err = -ENOSPC;
	else
		err = mml_xa_alloc(session->machine, &caches->handles, handle, sc,
				   GFP_KERNEL_ACCOUNT);
	if (!err)
		caches->nr++;
	mutex_unlock(&caches->lock);
	return err == -EBUSY ? -ENOMEM : err;
}

static int mml_ioc_cache_create(struct mml_ioctl_call *call, void *arg)
{
	struct mml_session *session = call->session;
	struct mml_cache_create *a = arg;
	struct mml_session_cache *sc;
	int err;

	sc = mml_kzalloc(session->machine, sizeof(*sc), GFP_KERNEL_ACCOUNT);
	if (!sc)
		return -ENOMEM;
	sc->size = a->object_size;
	refcount_set(&sc->users, 1);
	xa_init_flags(&sc->objects, XA_FLAGS_ALLOC1);
	err = a->flags & MML_CACHE_KMALLOC ? mml_session_cache_kmalloc(session, sc, a) :
					     mml_session_cache_make(session, sc, a);
	if (err) {
		kfree(sc);
		return err;
	}
	err = mml_session_cache_enter(session, sc, &a->cache);
	if (err)
		mml_session_cache_put(session, sc);
	return err;
}

/* Returns: 0; -ENXIO; -EBADF; -EBUSY if it has objects, unless these go, too. */
static int mml_session_cache_drop(struct mml_session *session, u32 handle, bool all)
{
	struct mml_session_caches *caches = mml_session_caches(session);
	struct mml_session_cache *sc;

	mutex_lock(&caches->lock);
	sc = mml_session_cache_find(caches, handle);
	if (!IS_ERR(sc) && sc->nr && !all)
		sc = ERR_PTR(-EBUSY);
	if (!IS_ERR(sc)) {
		xa_erase(&caches->handles, handle);
		caches->nr--;
	}
	mutex_unlock(&caches->lock);
	if (IS_ERR(sc))
		return PTR_ERR(sc);
	mml_session_cache_put(session, sc);
	return 0;
}

static void mml_ioc_cache_create_undo(struct mml_ioctl_call *call, void *arg)
{
	struct mml_cache_create *a = arg;

	mml_session_cache_drop(call->session, a->cache, true);
}

static int mml_ioc_cache_destroy(struct mml_ioctl_call *call, void *arg)
{
	struct mml_cache_destroy *a = arg;

	return a->pad ? -EINVAL : mml_session_cache_drop(call->session, a->cache, false);
}

static int mml_ioc_cache_alloc(struct mml_ioctl_call *call, void *arg)
{
	struct mml_session_caches *caches = mml_session_caches(call->session);
	struct mml_cache_alloc *a = arg;
	struct mml_session_cache *sc;
	int err;

	if (a->flags & ~(MML_CACHE_ZERO | MML_CACHE_NOWAIT) || !a->count ||
	    a->count > MML_CACHE_MAX_COUNT ||
	    a->node > call->session->machine->topology.nr_nodes)
		return -EINVAL;
	if (mutex_lock_killable(&caches->lock))
		return -EINTR;
	sc = mml_session_cache_find(caches, a->cache);
	if (IS_ERR(sc))
		err = PTR_ERR(sc);
	else
		err = a->node && !sc->s ? -EINVAL :
		      mml_session_objects_add(call->session, sc, a);
	mutex_unlock(&caches->lock);
	return err;
}

static int mml_ioc_cache_free(struct mml_ioctl_call *call, void *arg)
{
	struct mml_session_caches *caches = mml_session_caches(call->session);
	struct mml_cache_free *a = arg;
	struct mml_session_cache *sc;
	int err = 0;

	if (a->flags & ~MML_CACHE_RANDOM || a->pad || !a->count ||
	    (a->seed && !(a->flags & MML_CACHE_RANDOM)))
		return -EINVAL;
	mutex_lock(&caches->lock);
	sc = mml_session_cache_find(caches, a->cache);
	if (IS_ERR(sc))
		err = PTR_ERR(sc);
	else if (a->count > sc->nr)
		err = -EINVAL;
	else
		mml_session_objects_del(call->session, sc, a->count,
					a->flags & MML_CACHE_RANDOM, a->seed);
	mutex_unlock(&caches->lock);
	return err;
}

/* Do something with a cache as a whole, which may take its time. *@ret: what came of it. */
static int mml_session_cache_do(struct mml_session *session, u32 handle,
				unsigned long (*what)(struct mml_kmem_cache *s), u64 *ret)
{
	struct mml_session_cache *sc = mml_session_cache_get(session, handle);
	struct mml_kmem_cache *s;

	if (IS_ERR(sc))
		return PTR_ERR(sc);
	s = mml_session_cache_of(session, sc);
	*ret = s ? what(s) : 0;
	mml_session_cache_put(session, sc);
	return 0;
}

static int mml_ioc_cache_shrink(struct mml_ioctl_call *call, void *arg)
{
	struct mml_cache_shrink *a = arg;

	return a->pad ? -EINVAL : mml_session_cache_do(call->session, a->cache,
						       mml_kmem_cache_shrink, &a->slabs);
}

static int mml_ioc_cache_validate(struct mml_ioctl_call *call, void *arg)
{
	struct mml_cache_validate *a = arg;

	return a->pad ? -EINVAL : mml_session_cache_do(call->session, a->cache,
						       mml_kmem_cache_validate, &a->wrong);
}

const struct mml_ioctl mml_slub_ioctls[MML_IOC_RANGE] = {
	MML_IOCTL_UNDO(MML_IOC_CACHE_CREATE, struct mml_cache_create, MML_FILE_SESSION,
		       mml_ioc_cache_create, mml_ioc_cache_create_undo),
	MML_IOCTL(MML_IOC_CACHE_DESTROY, struct mml_cache_destroy, MML_FILE_SESSION,
		  mml_ioc_cache_destroy),
	MML_IOCTL(MML_IOC_CACHE_ALLOC, struct mml_cache_alloc, MML_FILE_SESSION,
		  mml_ioc_cache_alloc),
	MML_IOCTL(MML_IOC_CACHE_FREE, struct mml_cache_free, MML_FILE_SESSION,
		  mml_ioc_cache_free),
	MML_IOCTL(MML_IOC_CACHE_SHRINK, struct mml_cache_shrink, MML_FILE_SESSION,
		  mml_ioc_cache_shrink),
	MML_IOCTL(MML_IOC_CACHE_VALIDATE, struct mml_cache_validate, MML_FILE_SESSION,
		  mml_ioc_cache_validate),
};
