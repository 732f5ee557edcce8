/* SPDX-License-Identifier: MIT */
/*
 * numa.c: which memory and which CPU belong to which node, and how far it is between them.
 *
 * Idea.  Each node, a processor's socket with the memory on it, has a struct pglist_data
 * with zones of its own.  All that has to be known for it is a function from addresses
 * to nodes, total, so that no frame is without one: a few ranges in order, and what lies
 * behind a range, up to the next, counts to it too.
 *
 *	address	0          1G              3G   4G           5G
 *	ranges	[  node 0  )[    node 1    )     [  node 0   )
 *	node	0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 0 ...
 *
 * So a firmware that forgets some memory costs nothing but the wrong distance, and holes
 * need no case of their own.  A zone is what its node has between two borders; zones of
 * two nodes may lie in each other's span, as node 0's and node 1's here, and a frame's own
 * flags tell whose it is.
 *
 * Borders between nodes are moved down to those of the largest blocks (2^MAX_PAGE_ORDER
 * frames).  So buddies are always of one node, and the buddy allocator need not ask.
 *
 * Distances are the firmware's: 10 is the way to one's own memory, 20 twice as long.  They
 * need not be the same both ways.  They decide the order of zonelists (zonelist.c), no more.
 *
 * Invariants (numa_check):
 *   N.1  ranges are in order, none is empty, and none overlaps another;
 *   N.2  ranges and CPUs name nodes below nr_online_nodes;
 *   N.3  distances to oneself are 10, to others 11 ... 255;
 *   N.4, N.5  those of zonelist.c, for each node.
 *
 * Locking: none: what is told is told before there is anything else, but for the node of a
 * CPU, which is told while that CPU does not run.  Cost: O(ranges).
 */
#include <quarry/init.h>
#include <quarry/report.h>

#define MAX_RANGES (4 * MAX_NUMNODES)

static struct node_range {
	phys_addr_t base, end;
	int nid;
} ranges[MAX_RANGES];
static unsigned nr_ranges;

static u8 distances[MAX_NUMNODES][MAX_NUMNODES];	/* 0: not told */
u8 cpu_node[NR_CPUS];
int nr_online_nodes = 1;

static bool is_node(int nid)
{
	return nid >= 0 && nid < num_online_nodes();
}

void numa_forget_distances(void)
{
	__builtin_memset(distances, 0, sizeof(distances));
}

int numa_set_nodes(unsigned nodes)
{
	if (!nodes || nodes > MAX_NUMNODES)
		return -EINVAL;
	nr_online_nodes = (int)nodes;
	nr_ranges = 0;
	numa_forget_distances();
	__builtin_memset(cpu_node, 0, sizeof(cpu_node));
	return 0;
}

/* ---- memory ------------------------------------------------------------------------ */

/* The first range that ends behind @addr. */
static unsigned range_behind(phys_addr_t addr)
{
	unsigned i = 0;

	while (i < nr_ranges && ranges[i].end <= addr)
		i++;
	return i;
}

int memblock_set_node(phys_addr_t base, phys_addr_t size, int nid)
{
	struct node_range new = { base, base + size, nid };
	unsigned at = range_behind(base), next = at;

	if (!is_node(nid) || new.end < base)
		return -EINVAL;
	if (!size)
		return 0;
	for (; next < nr_ranges && ranges[next].base < new.end; next++)
		if (ranges[next].nid != nid)
			return -EEXIST;
	if (at < next) {	/* one with those of the node's own that it overlaps */
		new.base = min(base, ranges[at].base);
		new.end = max(new.end, ranges[next - 1].end);
	} else if (nr_ranges == MAX_RANGES) {
		return -ENOSPC;
	}
	__builtin_memmove(&ranges[at + 1], &ranges[next], (nr_ranges - next) * sizeof(new));
	ranges[at] = new;
	nr_ranges += 1 - (next - at);
	return 0;
}

/* The first frame of a range, on a border of the largest blocks. */
static pfn_t range_start(unsigned i)
{
	return ALIGN_DOWN((pfn_t)(ranges[i].base >> PAGE_SHIFT), 1UL << MAX_PAGE_ORDER);
}

int numa_range_node(pfn_t pfn, pfn_t *end)
{
	unsigned i = 0, next;

	if (!nr_ranges)
		return 0;
	while (i + 1 < nr_ranges && range_start(i + 1) <= pfn)
		i++;
	for (next = i + 1; next < nr_ranges && ranges[next].nid == ranges[i].nid; )
		next++;
	if (next < nr_ranges)
		*end = range_start(next);
	return ranges[i].nid;
}

phys_addr_t memblock_find_node(phys_addr_t size, phys_addr_t align, int nid, phys_addr_t limit)
{
	phys_addr_t at = 0, base, end;

	if (!nr_ranges)
		return nid ? 0 : memblock_find_in(&memblock, size, align, 0, limit);
	for (unsigned i = nr_ranges; i-- && !at; ) {
		base = i ? (phys_addr_t)range_start(i) << PAGE_SHIFT : 0;
		end = i + 1 < nr_ranges ? min(limit, (phys_addr_t)range_start(i + 1) << PAGE_SHIFT) : limit;
		if (ranges[i].nid == nid)
			at = memblock_find_in(&memblock, size, align, base, end);
	}
	return at;
}

void *memblock_alloc_node(size_t size, size_t align, int nid)
{
	phys_addr_t at = 0;

	if (!memblock.closed && size && !(align & (align - 1)))
		at = memblock_find_node(size, align ? align : L1_CACHE_BYTES, nid, memblock.current_limit);
	if (!at || memblock_reserve(at, size))
		return memblock_alloc(size, align);
	return __builtin_memset(__va(at), 0, size);
}

/* ---- CPUs and distances --------------------------------------------------------------- */

void set_cpu_node(unsigned cpu, int nid)
{
	if (cpu >= NR_CPUS || !is_node(nid)) {
		misuse(MISUSE_ARGUMENT, _RET_IP_, "set_cpu_node(%u, %d): CPUs are 0 ... %d, nodes 0 ... %d", cpu, nid,
		       NR_CPUS - 1, nr_online_nodes - 1);
		return;
	}
	cpu_node[cpu] = (u8)nid;
	if (mm_stage >= MM_PAGES)
		setup_first_pcp(cpu);
}

int numa_set_distance(int from, int to, unsigned distance)
{
	if (!is_node(from) || !is_node(to) || distance > MAX_DISTANCE ||
	    (from == to ? distance != LOCAL_DISTANCE : distance <= LOCAL_DISTANCE))
		return -EINVAL;
	distances[from][to] = (u8)distance;
	return 0;
}

unsigned node_distance(int from, int to)
{
	unsigned told = is_node(from) && is_node(to) ? distances[from][to] : 0;

	return told ? told : from == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
}

/* ---- checking ---------------------------------------------------------------------------- */

static int check_distances(int from)
{
	for (int to = 0; to < num_online_nodes(); to++)
		if (from == to ? node_distance(from, to) != LOCAL_DISTANCE : node_distance(from, to) <= LOCAL_DISTANCE)
			return 3;
	return 0;
}

int numa_check(void)
{
	int broken = 0;

	for (unsigned i = 0; i < nr_ranges; i++) {
		if (ranges[i].base >= ranges[i].end || (i && ranges[i - 1].end > ranges[i].base))
			return 1;
		if (!is_node(ranges[i].nid))
			return 2;
	}
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (!is_node(cpu_to_node(cpu)))
			return 2;
	for (int nid = 0; nid < num_online_nodes() && !broken; nid++) {
		broken = check_distances(nid);
		broken = broken ? broken : zonelist_check(NODE_DATA(nid));
	}
	return broken;
}
