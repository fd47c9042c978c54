// SPDX-License-Identifier: GPL-2.0
/*
 * touches - page faults whose number is known
 *
 * Not a test: for the test files. On machine 0, with all mappings at places of lab.h:
 *
 *	place	pages	rights	faults
 *	1	10	rw-	10	written
 *	2	20	r--	20	read
 *	3	30	rwx	30	written
 *	4	5	rw-	10	read, then written
 *	5	-	-	1	a read, MAPERR
 *	2	-	r--	1	a write, ACCERR
 *
 * 70 faults are answered; 45 pages have a frame at the end, 20 are the zero page, as 5 were
 * before they were written. There are 7 page tables: the top, one of level 2, one of level 1, and
 * one of level 0 for each of the four places (they are 64 MiB apart).
 *
 *	touches one	writes one page of place 1, and nothing else
 *	touches fork	writes 10 there, forks; the child writes them, and then its parent: 10
 *			are copied, 10 are found to be nobody else's. In the end they are unmapped
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "lab.h"

static int session;

static void map(unsigned long place, unsigned long pages, int prot)
{
	must(lab_mmap(session, PLACE(place), pages * PAGE, prot,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), "MMAP");
}

static void touch_all(enum access access, unsigned long place, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		touch(access, PLACE(place) + i * PAGE);
}

static int touch_again(void *arg)
{
	(void)arg;
	touch_all(WRITE, 1, 10);
	return 0;
}

static int touch_and_fork(void)
{
	touch_all(WRITE, 1, 10);
	if (child_end(child_start(touch_again, NULL)))
		return 1;
	touch_all(WRITE, 1, 10);
	return (int)lab_munmap(session, PLACE(1), 10 * PAGE);
}

int main(int argc, char **argv)
{
	catch_faults();
	session = session_with_window(MML_MACHINE_DEFAULT);
	map(1, 10, MODE_RW);
	if (argc > 1 && !strcmp(argv[1], "one")) {
		touch_all(WRITE, 1, 1);
		return 0;
	}
	if (argc > 1)
		return touch_and_fork();
	map(2, 20, PROT_READ);
	map(3, 30, MODE_RWX);
	map(4, 5, MODE_RW);
	touch_all(WRITE, 1, 10);
	touch_all(READ, 2, 20);
	touch_all(WRITE, 3, 30);
	touch_all(READ, 4, 5);
	touch_all(WRITE, 4, 5);
	if (probe(READ, PLACE(5)).code != SEGV_MAPERR || probe(WRITE, PLACE(2)).code != SEGV_ACCERR)
		return 1;
	return 0;
}
