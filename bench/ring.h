/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From thread to thread: one allocates and hands over, another takes and frees, through a
 * ring that is the same for all allocators, so that it costs all of them the same.
 *
 * Kernel counterpart: include/linux/ptr_ring.h, in which a place without a pointer is
 * free, too. Differences: one thread puts and one takes, so there is no lock; who cannot go
 * on waits, until all are to stop.
 *
 * As in pages.h, each allocator gets a copy of its own from the compiler.
 */
#ifndef _MML_BENCH_RING_H
#define _MML_BENCH_RING_H

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/processor.h>

#include "bench/bench.h"

#define MML_BENCH_RING_SIZE	256
/* How often who waits for the other looks, before he lets others work. */
#define MML_BENCH_RING_SPINS	(1U << 20)

/**
 * struct mml_bench_ring - pointers on their way
 * @put: where the next one goes; of who puts
 * @take: where the next one comes from; of who takes
 * @place: the pointers; NULL: the place is free
 */
struct mml_bench_ring {
	unsigned int put;
	unsigned int take ____cacheline_aligned;
	void *place[MML_BENCH_RING_SIZE] ____cacheline_aligned;
};

/* Returns: false if the ring is full. */
static __always_inline bool mml_bench_ring_put(struct mml_bench_ring *ring, void *object)
{
	void **place = &ring->place[ring->put % MML_BENCH_RING_SIZE];

	/* Pairs with the release in mml_bench_ring_take(). */
	if (smp_load_acquire(place))
		return false;
	/* What was written to the object comes first. */
	smp_store_release(place, object);
	ring->put++;
	return true;
}

/* Returns: NULL if the ring is empty. */
static __always_inline void *mml_bench_ring_take(struct mml_bench_ring *ring)
{
	void **place = &ring->place[ring->take % MML_BENCH_RING_SIZE];
	/* Pairs with the release in mml_bench_ring_put(). */
	void *object = smp_load_acquire(place);

	if (object) {
		/* Nothing to come is before it; pairs with mml_bench_ring_put(). */
		smp_store_release(place, NULL);
		ring->take++;
	}
	return object;
}

/* The one thread: allocate job->n objects and hand them over. */
static __always_inline void mml_bench_produce(const struct mml_bench_allocator *a,
					      struct mml_bench_job *job)
{
	unsigned int order = READ_ONCE(job->order);
	unsigned long n = READ_ONCE(job->n);
	gfp_t gfp = READ_ONCE(job->gfp);

	while (n--) {
		void *object = a->alloc(gfp, order);

		if (unlikely(!object)) {
			job->failed = true;
			return;
		}
		while (!mml_bench_ring_put(job->ring, object)) {
			if (READ_ONCE(*job->stop)) {
				a->free(object, order);
				return;
			}
			cpu_relax();
		}
	}
}

/* The other one: take them and free them. It counts, for those are through. */
static __always_inline void mml_bench_consume(const struct mml_bench_allocator *a,
					      struct mml_bench_job *job)
{
	unsigned int order = READ_ONCE(job->order), spins = 0;
	unsigned long n = READ_ONCE(job->n);

	while (n--) {
		void *object;

		while (!(object = mml_bench_ring_take(job->ring))) {
			if (READ_ONCE(*job->stop))
				return;
			cpu_relax();
			/* Its producer may have ended. */
			if (!(++spins % MML_BENCH_RING_SPINS))
				cond_resched();
		}
		a->free(object, order);
		job->done++;
	}
}

/* The functions and the side of an allocator whose objects are handed over. */
#define MML_BENCH_HANDOVER(_name)					\
static void _name##_produce(struct mml_bench_job *job)			\
{									\
	mml_bench_produce(&_name, job);					\
}									\
static void _name##_consume(struct mml_bench_job *job)			\
{									\
	mml_bench_consume(&_name, job);					\
}									\
static const struct mml_bench_side _name##_handover = {			\
	.allocator = &_name,						\
	.part = { _name##_produce, _name##_consume },			\
}

#endif /* _MML_BENCH_RING_H */
