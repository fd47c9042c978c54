// SPDX-License-Identifier: GPL-2.0
/*
 * small-pieces MIB - takes so much memory in pieces of about a kilobyte
 *
 * Not a test: for the test files. Writes to every piece, frees none, and prints how
 * many there were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE	1000UL

int main(int argc, char **argv)
{
	const unsigned long bytes = (argc > 1 ? strtoul(argv[1], NULL, 0) : 64) << 20;
	unsigned long count = 0;
	void **last = NULL;

	while (count * PIECE < bytes) {
		void **piece = malloc(PIECE);

		if (!piece) {
			printf("malloc failed after %lu pieces\n", count);
			return 1;
		}
		memset(piece, 1, PIECE);
		*piece = last;
		last = piece;
		count++;
	}
	printf("%lu pieces\n", count);
	return 0;
}
