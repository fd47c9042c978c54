// SPDX-License-Identifier: GPL-2.0
/*
 * Operations without end, the same ones from the same seed, on a few hundred pages: the next
 * one does not depend on what the ones before returned.
 */
#include <string.h>
#include <sys/mman.h>

#include "compare.h"

#define PAGES		256
#define MAX_LENGTH	24

static uint32_t state;

static uint32_t below(uint32_t limit)
{
	return random_below(&state, limit);
}

/* Begins anywhere, and is now and then not one of whole pages. */
static void random_range(struct op *op)
{
	op->addr = (struct place){ .base = 'A', .offset = (int64_t)(below(PAGES) * PAGE) };
	op->length = (1 + below(MAX_LENGTH)) * PAGE;
	if (!below(50))
		op->addr.offset += 1 + below(PAGE - 1);
	if (!below(20))
		op->length -= below(PAGE);
	if (!below(100))
		op->length = 0;
}

static uint32_t random_prot(void)
{
	static const uint32_t prots[] = {
		MODE_RW, MODE_RW, MODE_RW, PROT_READ, PROT_NONE, MODE_RWX, PROT_READ | PROT_EXEC,
		PROT_WRITE,
	};

	return prots[below(ARRAY_SIZE(prots))];
}

static void random_mmap(struct op *op)
{
	op->prot = random_prot();
	op->flags = MAP_PRIVATE | MAP_ANONYMOUS;
	op->flags |= below(4) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	if (!below(6))
		op->flags ^= MAP_PRIVATE ^ MAP_SHARED;
	if (!below(8))
		op->flags |= MAP_NORESERVE;
	if (!below(16))
		op->flags |= MAP_POPULATE;
	if (!below(32))
		op->flags |= MAP_LOCKED;
}

/* In place, or to a place: where there is room of itself, each side has it elsewhere. */
static void random_mremap(struct op *op)
{
	op->new_length = (1 + below(MAX_LENGTH)) * PAGE;
	if (below(2))
		return;
	op->flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	op->has_to = true;
	op->to = (struct place){ .base = 'A', .offset = (int64_t)(below(PAGES) * PAGE) };
	if (!below(50))
		op->to.offset += 1 + below(PAGE - 1);
	if (below(3))
		return;
	op->flags |= MREMAP_DONTUNMAP;
	if (below(20))
		op->new_length = op->length;
}

static void random_madvise(struct op *op)
{
	static const uint32_t advices[] = {
		MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_FREE, MADV_NORMAL, MADV_RANDOM,
		MADV_SEQUENTIAL, MADV_DONTDUMP, MADV_DODUMP, MADV_REMOVE, MADV_COLD, MADV_DONTFORK, MADV_DOFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK,
		MADV_KEEPONFORK, MADV_POPULATE_READ, MADV_POPULATE_WRITE, 77,
	};

	op->flags = advices[below(ARRAY_SIZE(advices))];
}

static void random_touch(struct op *op)
{
	op->addr.offset = (int64_t)(below(PAGES) * PAGE + below(PAGE));
	op->length = (1 + below(4)) * PAGE;
	op->flags = 1 + below(255);
}

/**
 * random_begin - which operations
 * @seed: of these
 */
void random_begin(uint32_t seed)
{
	/* 0 is the one state that xorshift does not leave. */
	state = seed ? seed : 1;
}

/**
 * random_next - the next operation
 * @op: out
 */
void random_next(struct op *op)
{
	static const enum call calls[] = {
		MMAP, MMAP, MMAP, MUNMAP, MPROTECT, MPROTECT, MREMAP, MADVISE, LOAD, LOAD, LOAD,
		STORE, STORE, STORE, STORE, MINCORE, MLOCK, MUNLOCK,
	};

	memset(op, 0, sizeof(*op));
	op->call = calls[below(ARRAY_SIZE(calls))];
	if (!below(200))
		op->call = MAPS;
	else if (!below(500))
		op->call = FORK;
	else if (!below(400))
		op->call = MSYNC;
	else if (!below(500))
		op->call = LOCKED;
	else if (!below(1000))
		op->call = MUNLOCKALL;
	random_range(op);
	switch (op->call) {
	case MMAP:
		random_mmap(op);
		break;
	case MPROTECT:
		op->prot = random_prot();
		break;
	case MREMAP:
		random_mremap(op);
		break;
	case MADVISE:
		random_madvise(op);
		break;
	case LOAD:
	case STORE:
		random_touch(op);
		break;
	case FORK:
		op->flags = 1 + below(40);
		break;
	case MSYNC:
		op->flags = below(8);
		break;
	case MLOCK:
		op->flags = below(3) ? 0 : MLOCK_ONFAULT;
		break;
	default:
		break;
	}
}
