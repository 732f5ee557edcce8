/* SPDX-License-Identifier: MIT */
/*
 * numa.h: memory banks of their own distance: nodes.
 *
 * The port tells, before mm_init(), which addresses and which CPUs belong to which node
 * and how far the nodes are from each other; a port that tells nothing has one node, and
 * so has a build with MAX_NUMNODES 1, where all of this folds away.  Node numbers are
 * 0 ... nr_online_nodes - 1, without gaps: a firmware's numbers are the port's to map.
 * The theory is on top of mm/boot/numa.c.
 */
#ifndef QUARRY_NUMA_H
#define QUARRY_NUMA_H

#include <quarry/types.h>
#include <arch/cpu.h>

#define NUMA_NO_NODE (-1)	/* wherever is nearest */
#define LOCAL_DISTANCE 10
#define REMOTE_DISTANCE 20	/* of nodes that nobody told the distance of */
#define MAX_DISTANCE 255

extern int nr_online_nodes;
extern u8 cpu_node[NR_CPUS];

/* ---- what a port tells, before mm_init() ---------------------------------------- */

/**
 * numa_set_nodes() - the machine has @nodes nodes
 *
 * Forgets what was said of them before: all memory and all CPUs are node 0's.
 * Return: 0, or -EINVAL: none, or more than MAX_NUMNODES; then nothing has changed.
 */
int numa_set_nodes(unsigned nodes);

/**
 * memblock_set_node() - the addresses [@base, @base + @size), memory or not, are @nid's
 *
 * Memory that no range covers counts to the range below it; below the first, to that.
 * Return: 0; -EINVAL: no such node, or it wraps around; -EEXIST: another node has some of
 * it; -ENOSPC: too many ranges.  O(ranges).
 */
int memblock_set_node(phys_addr_t base, phys_addr_t size, int nid);

/**
 * numa_set_distance() - from node @from to node @to it is @distance times a tenth of the way to one's own
 * Return: 0; -EINVAL: no such node; to oneself not 10, to others not 11 ... 255.
 */
int numa_set_distance(int from, int to, unsigned distance);

/** numa_forget_distances() - all nodes are at one distance again. */
void numa_forget_distances(void);

/**
 * set_cpu_node() - CPU @cpu is @nid's: its memory comes from there first
 *
 * Before mm_init(), or later, while that CPU does not run.  Refused with a report: no such CPU or node.
 */
void set_cpu_node(unsigned cpu, int nid);

/* ---- what everybody may ask -------------------------------------------------------- */

/** num_online_nodes() - nr_online_nodes, which in a build with one node the compiler knows. */
static inline int num_online_nodes(void)
{
	return MAX_NUMNODES == 1 ? 1 : nr_online_nodes;
}
#define for_each_online_node(nid) for (nid = 0; nid < num_online_nodes(); nid++)

/** node_distance() - how far @to is from @from: 10 is the way to one's own.  O(1). */
unsigned node_distance(int from, int to);

/** cpu_to_node() - the node of a CPU below NR_CPUS. */
static inline int cpu_to_node(unsigned cpu)
{
	return MAX_NUMNODES == 1 ? 0 : cpu_node[cpu];
}

/** numa_node_id() - the node of this CPU; a hint, where the caller can be moved to another. */
static inline int numa_node_id(void)
{
	return MAX_NUMNODES == 1 ? 0 : cpu_to_node(smp_processor_id());
}

/* numa.c's part of the next. */
int numa_range_node(pfn_t pfn, pfn_t *end);

/** pfn_node() - the node of frame @pfn, memory or not; *@end: the first frame behind it that is another's.  O(ranges). */
static inline int pfn_node(pfn_t pfn, pfn_t *end)
{
	*end = ~(pfn_t)0;
	return MAX_NUMNODES == 1 ? 0 : numa_range_node(pfn, end);
}

/**
 * memblock_alloc_node() - memblock_alloc(), from memory of node @nid if there is any below memblock.current_limit
 * Else from anywhere.  Return: the address, or NULL.
 */
void *memblock_alloc_node(size_t size, size_t align, int nid);
/** memblock_find_node() - memblock_find_in() the memory of node @nid, below @limit; 0: none. */
phys_addr_t memblock_find_node(phys_addr_t size, phys_addr_t align, int nid, phys_addr_t limit);

/** numa_check() - test the numbered invariants of numa.c and zonelist.c, once the zones are there.  Return: the number broken, or 0. */
int numa_check(void);

#endif
