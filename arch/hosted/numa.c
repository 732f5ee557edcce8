/* SPDX-License-Identifier: MIT */
/*
 * numa.c: nodes for a machine that has none: memory cut into equal parts, CPUs dealt out.
 *
 *	--nodes 4 --mem 4G	node 0		1		2		3
 *				0 ... 1280M	1280 ... 2560M	2560 ... 3840M	3840M ... 5G
 *
 * (addresses: there is a hole below 4 GiB).  The nodes are a ring, as sockets that are
 * linked to two neighbours each: 20 to those, 21 to theirs, and so on.  Borders lie between
 * sections of mem_map where the parts are large, so that none comes up for a border's sake.
 */
#include "hosted.h"

#include <stdio.h>

#include <quarry/numa.h>
#include <quarry/page.h>

unsigned hosted_nodes = 1;
unsigned hosted_cpus = 16;

static unsigned ring_distance(unsigned a, unsigned b)
{
	unsigned way = a > b ? a - b : b - a, steps = min(way, hosted_nodes - way);

	return steps ? REMOTE_DISTANCE - 1 + steps : LOCAL_DISTANCE;
}

/* Node @nid's part and its distances. */
static int add_node(unsigned nid, phys_addr_t step, phys_addr_t end)
{
	phys_addr_t base = nid * step, top = nid + 1 == hosted_nodes ? end : base + step;
	int err = memblock_set_node(base, top - base, (int)nid);

	for (unsigned to = 0; to < hosted_nodes && !err; to++)
		err = numa_set_distance((int)nid, (int)to, ring_distance(nid, to));
	return err;
}

const char *hosted_numa_init(phys_addr_t end)
{
	static char why[128];
	phys_addr_t step = end / hosted_nodes, section = 1ULL << SECTION_SHIFT, block = PAGE_SIZE << MAX_PAGE_ORDER;

	if (hosted_nodes > 1)
		step = ALIGN_DOWN(step, step >= 8 * section ? section : block);
	if (!step || numa_set_nodes(hosted_nodes)) {
		snprintf(why, sizeof(why), "%u nodes: there can be 1 ... %d, of %llu MiB at least", hosted_nodes,
			 MAX_NUMNODES, (unsigned long long)block >> 20);
		return why;
	}
	if (!hosted_cpus || hosted_cpus > NR_CPUS) {
		snprintf(why, sizeof(why), "%u CPUs: there can be 1 ... %d", hosted_cpus, NR_CPUS);
		return why;
	}
	nr_cpu_ids = hosted_cpus;
	for (unsigned nid = 0; nid < hosted_nodes && hosted_nodes > 1; nid++)
		if (add_node(nid, step, end))
			crash("node %u cannot be added", nid);
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		set_cpu_node(cpu, (int)((u64)cpu * hosted_nodes / nr_cpu_ids));
	return NULL;
}
