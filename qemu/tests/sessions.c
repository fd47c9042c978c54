// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions side by side: what one process does is nothing to another.
 *
 * Two processes use the same addresses of one machine with contents of their own;
 * one of them crashes, is killed, or takes all memory. Two machines: what happens on
 * one is nothing to the other.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "lab.h"

#define FIXED		(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define PAGES		50UL
#define TABLES		4UL

/**
 * struct peer - a process with a session, told what to do step by step
 * @machine: the machine that it is on
 * @value: what it fills its pages with
 * @end: how it ends
 * @go: opened by the parent: the next step
 * @done: opened by the peer: it is made
 * @pid: the process
 */
struct peer {
	uint32_t machine;
	unsigned char value;
	enum { NORMALLY, BY_SEGV, BY_HUNGER } end;
	struct gate go;
	struct gate done;
	pid_t pid;
};

static void step(struct peer *peer)
{
	gate_open(&peer->go, 1);
	gate_wait(&peer->done);
}

static void next_step(struct peer *peer)
{
	gate_open(&peer->done, 1);
	gate_wait(&peer->go);
}

static bool is_own(const struct peer *peer)
{
	return all_bytes((void *)WINDOW, PAGES * PAGE, peer->value);
}

/* Steps: fill; look at it; change protection and look again; end. */
static int be_peer(void *arg)
{
	struct peer *peer = arg;
	const int session = session_with_window(peer->machine);

	gate_wait(&peer->go);
	lab_mmap(session, WINDOW, 2 * PAGES * PAGE, MODE_RW, FIXED);
	memset((void *)WINDOW, peer->value, PAGES * PAGE);
	next_step(peer);
	if (!is_own(peer))
		return 1;
	next_step(peer);
	lab_mprotect(session, WINDOW, PAGE, PROT_READ);
	if (!is_own(peer) || !all_bytes((void *)(WINDOW + PAGES * PAGE), PAGES * PAGE, 0))
		return 2;
	next_step(peer);
	signal(SIGSEGV, SIG_DFL);
	if (peer->end == BY_SEGV)
		touch(WRITE, WINDOW);
	lab_mmap(session, PLACE(1), MML_WINDOW_SIZE / 2, MODE_RW, FIXED | MAP_NORESERVE);
	for (uint64_t at = PLACE(1); peer->end == BY_HUNGER; at += PAGE)
		touch(WRITE, at);
	return 0;
}

static struct peer peer_new(const struct machine *machine, unsigned char value)
{
	struct peer peer = { .machine = machine->id, .value = value };

	gate_make(&peer.go);
	gate_make(&peer.done);
	return peer;
}

static void peer_start(struct peer *peer)
{
	peer->pid = child_start(be_peer, peer);
	step(peer);
}

/* The last step: it ends. */
static int peer_end(struct peer *peer)
{
	gate_open(&peer->go, 1);
	return child_end(peer->pid);
}

static uint64_t used(const struct machine *machine)
{
	return machine->frames - free_frames(machine->id);
}

static void test_same_addresses(void)
{
	struct machine machine = machine_new(8 * MIB);
	struct peer one = peer_new(&machine, 0x11), other = peer_new(&machine, 0x22);

	fault_around(machine.id, 1);
	peer_start(&one);
	peer_start(&other);
	test_is((long)used(&machine), 2 * (PAGES + TABLES), "two sessions at the same addresses");
	step(&one);
	step(&other);
	step(&one);
	step(&other);
	test_is(peer_end(&one), 0, "one finds what it wrote");
	test(free_frames_become(machine.id, machine.frames - PAGES - TABLES),
	     "when it ends, the other has its frames still");
	test_is(peer_end(&other), 0, "and what it wrote");
	test(free_frames_become(machine.id, machine.frames), "until it ends");
	machine_end(&machine);
}

static void test_crash(void)
{
	struct machine machine = machine_new(8 * MIB);
	struct peer one = peer_new(&machine, 0x33), other = peer_new(&machine, 0x44);

	one.end = BY_SEGV;
	peer_start(&one);
	peer_start(&other);
	step(&one);
	step(&one);
	test_is(peer_end(&one), 128 + SIGSEGV, "one session crashes");
	step(&other);
	step(&other);
	test_is(peer_end(&other), 0, "the other does not notice");

	one = peer_new(&machine, 0x55);
	other = peer_new(&machine, 0x66);
	one.end = BY_HUNGER;
	peer_start(&one);
	peer_start(&other);
	step(&one);
	step(&one);
	test_is(peer_end(&one), 128 + SIGKILL, "one takes all memory, and is killed for it");
	step(&other);
	step(&other);
	test_is(peer_end(&other), 0, "the other does not notice");
	test_valid("after both");
	machine_end(&machine);
}

static void test_two_machines(void)
{
	struct machine here = machine_new(MIB), there = machine_new(2 * MIB);
	struct peer one = peer_new(&here, 0x77), other = peer_new(&there, 0x88);

	test(here.id != there.id, "two machines");
	fault_around(here.id, 1);
	fault_around(there.id, 1);
	one.end = BY_HUNGER;
	peer_start(&one);
	peer_start(&other);
	test_is((long)used(&here), PAGES + TABLES, "each has the frames of its own session in use");
	test_is((long)used(&there), PAGES + TABLES, "and no other's");
	step(&one);
	step(&one);
	test_is(peer_end(&one), 128 + SIGKILL, "on one of them memory runs out");
	test_is((long)vm_event(here.id, "oom_kill"), 1, "which it counts");
	test_is((long)vm_event(there.id, "oom_kill"), 0, "and the other does not");
	test_is((long)used(&there), PAGES + TABLES, "there all is as before");
	machine_end(&here);
	step(&other);
	step(&other);
	test_is(peer_end(&other), 0, "also when the first is destroyed");
	machine_end(&there);
}

/* One process, a window of each machine. */
static void test_two_windows(void)
{
	struct machine here = machine_new(MIB), there = machine_new(MIB);
	const int one = session_with_window(here.id), other = session_new(there.id);
	const uint64_t place = 0x300000000000;

	fault_around(here.id, 1);
	fault_around(there.id, 1);
	window_map(other, place, MIB);
	must(lab_mmap(one, WINDOW, 8 * PAGE, MODE_RW, FIXED), "mmap");
	must(lab_mmap(other, place, 9 * PAGE, MODE_RW, FIXED), "mmap");
	memset((void *)WINDOW, 1, 8 * PAGE);
	memcpy((void *)place, (void *)WINDOW, 8 * PAGE);
	memset((void *)WINDOW, 2, 8 * PAGE);
	test(all_bytes((void *)place, 8 * PAGE, 1), "a process with a window of each machine");
	test_is((long)used(&here), 8 + TABLES, "has frames of one");
	test_is((long)used(&there), 8 + TABLES, "and of the other");
	munmap((void *)WINDOW, MML_WINDOW_SIZE);
	close(one);
	machine_end(&here);
	test(all_bytes((void *)place, 8 * PAGE, 1), "when one is gone, it has the other");
	munmap((void *)place, MIB);
	close(other);
	machine_end(&there);
}

int main(void)
{
	begin_tests();
	catch_faults();
	test_same_addresses();
	test_crash();
	test_two_machines();
	test_two_windows();
	test_valid("after all of that");
	return done_testing();
}
