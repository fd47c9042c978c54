// SPDX-License-Identifier: GPL-2.0
/*
 * malloc-stress [THREADS [ROUNDS]] - threads that allocate, resize and free
 *
 * Not a test: for the test files. Each thread keeps blocks from a few bytes to some
 * megabytes (so malloc, realloc and free go by mmap, mremap, madvise and munmap too),
 * and sees that they keep what is in them. Prints a sum that is the same wherever the
 * memory comes from, and where that was.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS		64
#define MOST_THREADS	16

struct block {
	unsigned char *bytes;
	size_t size;
	unsigned char value;
};

/**
 * struct worker - a thread
 * @seed: of its random numbers
 * @rounds: how many things it does
 * @sum: over what it saw
 * @bad: blocks that had lost their content
 * @stack: whether its stack lies in the window
 */
struct worker {
	uint32_t seed;
	unsigned int rounds;
	uint64_t sum;
	unsigned int bad;
	bool stack;
};

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Mostly small, now and then large. */
static size_t random_size(uint32_t *state)
{
	const uint32_t r = next(state);

	return r % 32 ? 1 + r / 32 % 2000 : 1 + r / 32 % (512 << 10);
}

static bool is_whole(const struct block *block, size_t size)
{
	return !size || (block->bytes[0] == block->value &&
			 !memcmp(block->bytes, block->bytes + 1, size - 1));
}

static void resize(struct worker *worker, struct block *block, size_t size, unsigned char value)
{
	const size_t kept = size < block->size ? size : block->size;

	block->bytes = realloc(block->bytes, size);
	if (!block->bytes)
		abort();
	worker->bad += !is_whole(block, kept);
	block->size = size;
	block->value = value;
	memset(block->bytes, value, size);
	worker->sum = worker->sum * 31 + size;
}

static void drop(struct worker *worker, struct block *block)
{
	worker->bad += !is_whole(block, block->size);
	free(block->bytes);
	*block = (struct block){ 0 };
}

static void *work(void *arg)
{
	struct block blocks[BLOCKS] = { 0 };
	struct worker *worker = arg;
	uint32_t state = worker->seed;

	worker->stack = (uintptr_t)blocks >> 40 == 16;
	for (unsigned int i = 0; i < worker->rounds; i++) {
		struct block *block = &blocks[next(&state) % BLOCKS];

		if (next(&state) % 3)
			resize(worker, block, random_size(&state), (unsigned char)next(&state));
		else
			drop(worker, block);
	}
	for (unsigned int i = 0; i < BLOCKS; i++)
		drop(worker, &blocks[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	const unsigned int threads = argc > 1 ? (unsigned int)atoi(argv[1]) : 4;
	struct worker workers[MOST_THREADS] = { 0 };
	pthread_t thread[MOST_THREADS];
	unsigned int bad = 0, stacks = 0;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < threads && i < MOST_THREADS; i++) {
		workers[i].seed = 2654435761U * (i + 1);
		workers[i].rounds = argc > 2 ? (unsigned int)atoi(argv[2]) : 1000;
		if (pthread_create(&thread[i], NULL, work, &workers[i]))
			return 1;
	}
	for (unsigned int i = 0; i < threads && i < MOST_THREADS; i++) {
		pthread_join(thread[i], NULL);
		sum = sum * 37 + workers[i].sum;
		bad += workers[i].bad;
		stacks += workers[i].stack;
	}
	printf("sum %016lx, %u bad blocks, %u stacks in the window\n", sum, bad, stacks);
	return bad ? 1 : 0;
}
