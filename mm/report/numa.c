/* SPDX-License-Identifier: MIT */
/*
 * numa.c: the nodes, as `numactl --hardware` and the files of /sys/devices/system/node show them.
 *
 *	node 1 cpus: 2-3
 *	node 1 size: 2048 MB
 *	node 1 free: 2013 MB
 *	node 1 order: HighMem of 1, HighMem of 0, Normal of 0, DMA of 0
 *
 * The last line is not numactl's: zones in the order in which they are asked for memory, by
 * requests that may have any.
 */
#include <quarry/report.h>
#include <quarry/zone.h>

struct node_totals {
	unsigned long managed, free, high_managed, high_free;
	long stat[NR_ZONE_STAT_ITEMS];
};

static void get_totals(struct node_totals *t, int nid)
{
	struct zone *z;

	*t = (struct node_totals){ 0 };
	for_each_zone(z) {
		if (z->node != nid)
			continue;
		t->managed += z->managed_pages;
		t->free += zone_free_pages(z);
		t->high_managed += z->type == ZONE_HIGHMEM ? z->managed_pages : 0;
		t->high_free += z->type == ZONE_HIGHMEM ? zone_free_pages(z) : 0;
		for (int i = 0; i < NR_ZONE_STAT_ITEMS; i++)
			t->stat[i] += READ_ONCE(z->vm_stat[i]);
	}
}

/* "0-3 8-11" */
static void write_cpus(struct seq *s, int nid)
{
	unsigned cpu = 0, last;

	for (; cpu < nr_cpu_ids; cpu = last + 1) {
		last = cpu;
		if (cpu_to_node(cpu) != nid)
			continue;
		while (last + 1 < nr_cpu_ids && cpu_to_node(last + 1) == nid)
			last++;
		seq_printf(s, last > cpu ? " %u-%u" : " %u", cpu, last);
	}
}

static void write_order(struct seq *s, int nid)
{
	const struct zoneref *ref = NODE_DATA(nid)->node_zonelists[MAX_NR_ZONES - 1].zonerefs;

	for (const char *comma = ""; ref->zone; ref++, comma = ",")
		seq_printf(s, "%s %s of %d", comma, ref->zone->name, ref->zone->node);
}

static void write_node(struct seq *s, int nid)
{
	struct node_totals t;

	get_totals(&t, nid);
	seq_printf(s, "node %d cpus:", nid);
	write_cpus(s, nid);
	seq_printf(s, "\nnode %d size: %lu MB\nnode %d free: %lu MB\nnode %d order:", nid, t.managed >> (20 - PAGE_SHIFT),
		   nid, t.free >> (20 - PAGE_SHIFT), nid);
	write_order(s, nid);
	seq_puts(s, "\n");
}

static void write_distances(struct seq *s)
{
	int from, to;

	seq_puts(s, "node distances:\nnode ");
	for_each_online_node(to)
		seq_printf(s, " %3d", to);
	for_each_online_node(from) {
		seq_printf(s, "\n%3d: ", from);
		for_each_online_node(to)
			seq_printf(s, " %3u", node_distance(from, to));
	}
	seq_puts(s, "\n");
}

void report_numa(struct seq *s)
{
	int nid, last = num_online_nodes() - 1;

	seq_printf(s, last ? "available: %d nodes (0-%d)\n" : "available: %d nodes (0)\n", last + 1, last);
	for_each_online_node(nid)
		write_node(s, nid);
	write_distances(s);
}

static void line_pages(struct seq *s, int nid, const char *name, unsigned long pages)
{
	seq_printf(s, "Node %d %-16s%8lu kB\n", nid, name, pages << (PAGE_SHIFT - 10));
}

void report_node_meminfo(struct seq *s, int nid)
{
	struct node_totals t;

	get_totals(&t, nid);
	line_pages(s, nid, "MemTotal:", t.managed);
	line_pages(s, nid, "MemFree:", t.free);
	line_pages(s, nid, "MemUsed:", t.managed - t.free);
	line_pages(s, nid, "HighTotal:", t.high_managed);
	line_pages(s, nid, "HighFree:", t.high_free);
	line_pages(s, nid, "LowTotal:", t.managed - t.high_managed);
	line_pages(s, nid, "LowFree:", t.free - t.high_free);
	line_pages(s, nid, "FilePages:", (unsigned long)t.stat[NR_FILE_PAGES]);
	line_pages(s, nid, "Mapped:", (unsigned long)t.stat[NR_FILE_MAPPED]);
	line_pages(s, nid, "AnonPages:", (unsigned long)t.stat[NR_ANON_PAGES]);
	line_pages(s, nid, "KernelStack:", (unsigned long)t.stat[NR_KERNEL_STACK_PAGES]);
	line_pages(s, nid, "PageTables:", (unsigned long)t.stat[NR_PAGETABLE]);
	line_pages(s, nid, "Slab:", (unsigned long)t.stat[NR_SLAB_UNRECLAIMABLE]);
	line_pages(s, nid, "SUnreclaim:", (unsigned long)t.stat[NR_SLAB_UNRECLAIMABLE]);
}
