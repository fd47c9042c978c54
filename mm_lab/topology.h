/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Topology: of what nodes a machine consists, and how far they are from each other.
 *
 * Kernel counterpart: numa=fake= and numa_set_distance(), drivers/acpi/numa and
 * mm/numa_emulation.c. Difference: nothing is discovered; a machine is made so.
 */
#ifndef _MML_TOPOLOGY_H
#define _MML_TOPOLOGY_H

#include <linux/types.h>

/* How many nodes a machine may have. */
#define MML_MAX_NUMNODES	8

/* Distances, in the units of the ACPI SLIT. */
#define MML_LOCAL_DISTANCE	10
#define MML_REMOTE_DISTANCE	20

struct mml_machine;

/**
 * struct mml_topology - the nodes of a machine
 * @nr_nodes: how many; each has the same number of sections, or one more
 * @movable: so many of all frames, at the ends of the nodes, serve movable requests only
 * @distance: from node to node
 */
struct mml_topology {
	unsigned int nr_nodes;
	unsigned long movable;
	u8 distance[MML_MAX_NUMNODES][MML_MAX_NUMNODES];
};

int mml_topology_init(struct mml_machine *machine, const struct mml_topology *want);
unsigned long mml_node_start_pfn(const struct mml_machine *machine, int nid);

#endif /* _MML_TOPOLOGY_H */
