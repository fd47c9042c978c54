// SPDX-License-Identifier: GPL-2.0
/*
 * The nodes of a machine: see topology.h.
 *
 * Locking: none. A machine's topology is constant once the machine is made.
 */
#include <linux/export.h>
#include <linux/minmax.h>

#include "mm_lab/machine.h"

static unsigned long mml_nr_sections(const struct mml_machine *machine)
{
	return DIV_ROUND_UP(machine->nr_frames, MML_SECTION_FRAMES);
}

/**
 * mml_node_start_pfn - where a node begins
 * @machine: of which machine
 * @nid: the node; as many as there are: where the last one ends
 *
 * Context: any.
 * Return: frame number, a multiple of MML_SECTION_FRAMES, or the machine's end.
 */
unsigned long mml_node_start_pfn(const struct mml_machine *machine, int nid)
{
	unsigned long section = mml_nr_sections(machine) * nid /
				machine->topology.nr_nodes;

	return min(section * MML_SECTION_FRAMES, machine->nr_frames);
}
EXPORT_SYMBOL_NS_GPL(mml_node_start_pfn, MM_LAB);

static u8 mml_default_distance(int from, int to)
{
	return from == to ? MML_LOCAL_DISTANCE : MML_REMOTE_DISTANCE;
}

/* As the ACPI SLIT has it: 10 to itself, more to others. */
static bool mml_distance_valid(int from, int to, u8 distance)
{
	return from == to ? distance == MML_LOCAL_DISTANCE :
			    distance > MML_LOCAL_DISTANCE;
}

/**
 * mml_topology_init - decide on a machine's nodes
 * @machine: that is being made, and has its frames
 * @want: what is asked for; no nodes: one; a distance of zero: 10 or 20
 *
 * Context: process.
 * Return: 0; -EINVAL if there cannot be such nodes: the kernel log says why.
 */
int mml_topology_init(struct mml_machine *machine, const struct mml_topology *want)
{
	struct mml_topology *t = &machine->topology;
	int from, to;

	*t = *want;
	t->nr_nodes = t->nr_nodes ?: 1;
	if (t->nr_nodes > MML_MAX_NUMNODES || t->nr_nodes > mml_nr_sections(machine)) {
		mml_report(NULL, "asked for a machine of %u nodes and %lu frames: possible are up to %u nodes, with %lu frames each",
			   t->nr_nodes, machine->nr_frames, MML_MAX_NUMNODES,
			   MML_SECTION_FRAMES);
		return -EINVAL;
	}
	if (t->movable >= machine->nr_frames) {
		mml_report(NULL, "asked for %lu movable frames of %lu: there must be others, too",
			   t->movable, machine->nr_frames);
		return -EINVAL;
	}
	for (from = 0; from < MML_MAX_NUMNODES; from++) {
		for (to = 0; to < MML_MAX_NUMNODES; to++) {
			t->distance[from][to] = t->distance[from][to] ?:
						mml_default_distance(from, to);
			if (mml_distance_valid(from, to, t->distance[from][to]))
				continue;
			mml_report(NULL, "asked for a distance of %u from node %d to node %d: it is %u to itself, and more to others",
				   t->distance[from][to], from, to, MML_LOCAL_DISTANCE);
			return -EINVAL;
		}
	}
	return 0;
}
