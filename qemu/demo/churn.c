// SPDX-License-Identifier: GPL-2.0
/*
 * A compiled program that allocates hard: some thousand blocks of all sizes, from a
 * few bytes to a megabyte, replaced at random, each filled with a pattern of its own
 * that is checked before the block goes. Nothing in it knows of the lab.
 *
 *	churn [ROUNDS [SEED]]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS 4096

/* A block: its size and its pattern. */
struct block {
	size_t words;
	uint64_t pattern;
	uint64_t *data;
};

static struct block blocks[SLOTS];
static uint64_t state;

/* xorshift64: good enough to be unpredictable for an allocator. */
static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Mostly small, now and then large: 1 word to 128 Ki words. */
static size_t rnd_words(void)
{
	unsigned int bits = rnd() % 100 < 99 ? rnd() % 9 : rnd() % 18;

	return 1 + rnd() % (1ul << bits);
}

static void fill(struct block *block)
{
	size_t i;

	block->words = rnd_words();
	block->pattern = rnd();
	block->data = malloc(block->words * sizeof(*block->data));
	if (!block->data) {
		fprintf(stderr, "churn: no memory for %zu words\n", block->words);
		exit(1);
	}
	for (i = 0; i < block->words; i++)
		block->data[i] = block->pattern + i;
}

static void drop(struct block *block)
{
	size_t i;

	for (i = 0; block->data && i < block->words; i++) {
		if (block->data[i] != block->pattern + i) {
			fprintf(stderr, "churn: a block was changed behind its back\n");
			exit(2);
		}
	}
	free(block->data);
	block->data = NULL;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000;
	unsigned long i;
	uint64_t bytes = 0;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	for (i = 0; i < rounds; i++) {
		struct block *block = &blocks[rnd() % SLOTS];

		drop(block);
		fill(block);
		bytes += block->words * sizeof(*block->data);
	}
	for (i = 0; i < SLOTS; i++)
		drop(&blocks[i]);
	printf("%lu blocks allocated, %lu MiB in all, each found as it was left\n",
	       rounds, (unsigned long)(bytes >> 20));
	return 0;
}
