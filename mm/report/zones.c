/* SPDX-License-Identifier: MIT */
/*
 * zones.c: what each zone holds, as /proc/buddyinfo, zoneinfo and pagetypeinfo.
 *
 *	Node 0, zone   Normal      4      3      6 ...
 *	                           |      |      +-- free blocks of 4 pages
 *	                           |      +--------- free blocks of 2 pages
 *	                           +---------------- free blocks of 1 page
 *
 * So the free pages of a zone are the sum of number * 2^order, and those that
 * CPUs keep on lists of their own ("pagesets" in zoneinfo).
 *
 * A zone's numbers are copied under its lock into a struct snapshot of fixed
 * size; everything is written after the lock is released.
 *
 * pagetypeinfo tells the same for each type of memory apart (mobility.c), and how many page
 * blocks are of that type.  HighAtomic is there for those who read it as Linux's: nothing is
 * of that type.  Where nothing is grouped, all is Unmovable.
 */
#include "stats.h"

#include <quarry/zone.h>

struct snapshot {
	const char *name;
	unsigned long blocks[NR_PAGE_ORDERS];
	unsigned long blocks_of[MIGRATE_TYPES][NR_PAGE_ORDERS];
	unsigned long free;
	long stat[NR_ZONE_STAT_ITEMS];
};

static const char *const zone_names[MAX_NR_ZONES] = {
	[ZONE_DMA] = "DMA", [ZONE_DMA32] = "DMA32", [ZONE_NORMAL] = "Normal", [ZONE_HIGHMEM] = "HighMem",
};

static void take(struct snapshot *n, struct zone *z)
{
	unsigned long flags = spin_lock_irqsave(&z->lock);

	for (int i = 0; i < NR_PAGE_ORDERS; i++) {
		n->blocks[i] = z->free_area[i].nr_free;
		for_each_migratetype(t)
			n->blocks_of[t][i] = z->free_area[i].nr_of[t];
	}
	for (int i = 0; i < NR_ZONE_STAT_ITEMS; i++)
		n->stat[i] = READ_ONCE(z->vm_stat[i]);
	n->free = zone_free_pages(z);
	spin_unlock_irqrestore(&z->lock, flags);
	n->name = zone_names[z->type];
}

void report_buddyinfo(struct seq *s)
{
	struct snapshot n;
	struct zone *z;

	for_each_zone(z) {
		take(&n, z);
		seq_printf(s, "Node %d, zone %8s ", z->node, n.name);
		for (int i = 0; i < NR_PAGE_ORDERS; i++)
			seq_printf(s, "%6lu ", n.blocks[i]);
		seq_puts(s, "\n");
	}
}

/* ---- zoneinfo ---------------------------------------------------------------- */

static void stat_line(struct seq *s, const char *name, unsigned long value)
{
	seq_printf(s, "      %-12s %lu\n", name, value);
}

/* Counters of all zones of a node.  nr_kernel_stack is in kB in these files, the others in pages. */
static void node_stats(struct seq *s, int node)
{
	long sum[NR_ZONE_STAT_ITEMS] = { 0 };
	struct zone *z;

	for_each_zone(z)
		for (int i = 0; z->node == node && i < NR_ZONE_STAT_ITEMS; i++)
			sum[i] += READ_ONCE(z->vm_stat[i]);
	sum[NR_KERNEL_STACK_PAGES] <<= PAGE_SHIFT - 10;
	seq_puts(s, "\n  per-node stats\n");
	stat_lines(s, node_stat_lines, sum, stat_line);
}

static void zone_marks(struct seq *s, const struct zone *z, unsigned long nr_free)
{
	unsigned long low = z->watermark[WMARK_LOW], high = z->watermark[WMARK_HIGH];

	seq_printf(s, "  pages free     %lu\n", nr_free);
	seq_printf(s, "        boost    %lu\n", 0UL);
	seq_printf(s, "        min      %lu\n", z->watermark[WMARK_MIN]);
	seq_printf(s, "        low      %lu\n", low);
	seq_printf(s, "        high     %lu\n", high);
	seq_printf(s, "        promo    %lu\n", high + (high - low));
	seq_printf(s, "        spanned  %lu\n", z->spanned_pages);
	seq_printf(s, "        present  %lu\n", z->present_pages);
	seq_printf(s, "        managed  %lu\n", z->managed_pages);
	seq_printf(s, "        cma      %lu\n", 0UL);
	seq_puts(s, "        protection: (");
	for (int i = 0; i < MAX_NR_ZONES; i++)
		seq_printf(s, "%s%lu", i ? ", " : "", z->lowmem_reserve[i]);
	seq_puts(s, ")\n");
}

/* What a CPU has on its stacks of all types.  Return: has it ever taken or given a page of the zone? */
static bool pageset_sum(const struct zone *z, unsigned cpu, unsigned long *count, int *high)
{
	bool used = false;

	*count = 0;
	*high = 0;
	for_each_migratetype(t) {
		const struct per_cpu_pages *p = zone_pcp(z, t, cpu);

		used |= pcp_event(p, PGALLOC) || pcp_event(p, PGFREE) || pcp_pages(p);
		*count += pcp_pages(p);
		*high += zone_type(z, t) == t ? p->high : 0;
	}
	return used;
}

/* CPU 0 always, of the others those that ever had something of it. */
static void zone_pagesets(struct seq *s, const struct zone *z)
{
	unsigned long count;
	int high;

	seq_puts(s, "  pagesets\n");
	for (unsigned cpu = 0; cpu < zone_cpus(z); cpu++)
		if (pageset_sum(z, cpu, &count, &high) || !cpu)
			seq_printf(s, "    cpu: %u\n              count: %lu\n              high:  %d\n"
				   "              batch: %d\n  vm stats threshold: 0\n",
				   cpu, count, high, z->pageset[cpu].batch);
}

static void one_zoneinfo(struct seq *s, struct zone *z, bool first_of_node)
{
	struct snapshot n = { 0 };

	seq_printf(s, "Node %d, zone %8s", z->node, zone_names[z->type]);
	if (first_of_node)
		node_stats(s, z->node);
	else
		seq_puts(s, "\n");
	take(&n, z);
	zone_marks(s, z, n.free);
	stat_line(s, "nr_free_pages", n.free);
	stat_lines(s, zone_stat_lines, n.stat, stat_line);
	zone_pagesets(s, z);
	seq_printf(s, "  node_unreclaimable:  0\n  start_pfn:           %lu\n", z->zone_start_pfn);
}

void report_zoneinfo(struct seq *s)
{
	int node = -1;
	struct zone *z;

	for_each_zone(z) {
		one_zoneinfo(s, z, z->node != node);
		node = z->node;
	}
}

/* ---- pagetypeinfo ------------------------------------------------------------ */

static const char *const type_names[] = { "Unmovable", "Movable", "Reclaimable", "HighAtomic" };

static void free_by_type(struct seq *s, struct zone *z)
{
	struct snapshot n;

	take(&n, z);
	for (unsigned t = 0; t < ARRAY_SIZE(type_names); t++) {
		seq_printf(s, "Node %4d, zone %8s, type %12s ", z->node, n.name, type_names[t]);
		for (int i = 0; i < NR_PAGE_ORDERS; i++)
			seq_printf(s, "%6lu ", t < MIGRATE_TYPES ? n.blocks_of[t][i] : 0UL);
		seq_puts(s, "\n");
	}
}

/* The page blocks of each type; of a sparse mem_map, those of sections that are online. */
static void pageblocks_by_type(struct seq *s, const struct zone *z)
{
	unsigned long n[ARRAY_SIZE(type_names)] = { 0 }, size = 1UL << z->pageblock_order;
	pfn_t end = z->zone_start_pfn + z->spanned_pages, pfn = next_valid_pfn(z->zone_start_pfn, end);

	for (; pfn < end; pfn = next_valid_pfn(ALIGN_DOWN(pfn, size) + size, end))
		if (page_zone(pfn_to_page(pfn)) == z)
			n[pageblock_type(z, pfn)]++;
	seq_printf(s, "Node %d, zone %8s ", z->node, zone_names[z->type]);
	for (unsigned t = 0; t < ARRAY_SIZE(type_names); t++)
		seq_printf(s, "%12lu ", n[t]);
	seq_puts(s, "\n");
}

void report_pagetypeinfo(struct seq *s)
{
	struct zone *z;

	seq_printf(s, "Page block order: %d\nPages per block:  %lu\n\n", PAGEBLOCK_ORDER, 1UL << PAGEBLOCK_ORDER);
	seq_printf(s, "%-43s ", "Free pages count per migrate type at order");
	for (int i = 0; i < NR_PAGE_ORDERS; i++)
		seq_printf(s, "%6d ", i);
	seq_puts(s, "\n");
	for_each_zone(z)
		free_by_type(s, z);
	seq_printf(s, "\n%-23s", "Number of blocks type ");
	for (unsigned t = 0; t < ARRAY_SIZE(type_names); t++)
		seq_printf(s, "%12s ", type_names[t]);
	seq_puts(s, "\n");
	for_each_zone(z)
		pageblocks_by_type(s, z);
}
