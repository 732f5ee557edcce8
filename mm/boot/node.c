/* SPDX-License-Identifier: MIT */
/*
 * node.c: from memblock to nodes, zones and mem_map (row B3).
 *
 *	zone_sizes_init			where the zones' borders are (the arch knows)
 *	  free_area_init_nodes		for each node:
 *	    free_area_init_node
 *	      calculate_node_totalpages	how many frames each zone spans and has
 *	      alloc_mem_map		the array of struct page, from memblock (or section.c)
 *	      free_area_init_core	each zone's lists; every frame starts reserved
 *	memblock_free_all		what memblock has left goes to the zones
 *
 * mem_map covers [0, max_pfn) with no gaps, so that pfn_to_page() is one addition;
 * frames in holes of the memory map have a struct page that stays reserved.  With
 * 4 GiB that is 2^20 entries of 32 bytes: 32 MiB, 0.8 % of memory, and it has to
 * lie in low memory.  A port with addresses to spare has only the parts of it that
 * are needed (section.c).
 *
 * Memory is given to the buddy lists in the largest aligned blocks that fit, so
 * that a free zone is whole from the start.
 */
#include <quarry/init.h>
#include <quarry/report.h>

static const char *const zone_names[MAX_NR_ZONES] = { "DMA", "DMA32", "Normal", "HighMem" };

/* Frames of memory in [@start, @end). */
static unsigned long frames_present(pfn_t start, pfn_t end)
{
	unsigned long n = 0;

	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];
		pfn_t from = max(start, (pfn_t)((r->base + PAGE_SIZE - 1) >> PAGE_SHIFT));
		pfn_t to = min(end, (pfn_t)((r->base + r->size) >> PAGE_SHIFT));

		n += from < to ? to - from : 0;
	}
	return n;
}

/* Where each zone starts and what it spans, from its borders and the memory there is. */
static void calculate_node_totalpages(struct pglist_data *pgdat, const pfn_t max_zone_pfn[])
{
	pfn_t border = 0, first = (pfn_t)(memblock_start_of_DRAM() >> PAGE_SHIFT);

	for (int i = 0; i < MAX_NR_ZONES; i++) {
		pfn_t start = max(border, first), end = min(max_zone_pfn[i], max_pfn);
		struct zone *zone = &pgdat->node_zones[i];

		zone_init(zone, zone_names[i], (enum zone_type)i, pgdat->node_id, NULL, start,
			  end > start ? end - start : 0);
		zone->zone_pgdat = pgdat;
		zone->present_pages = frames_present(start, start + zone->spanned_pages);
		pgdat->node_present_pages += zone->present_pages;
		if (populated_zone(zone))
			pgdat->nr_zones = i + 1;
		border = max(border, max_zone_pfn[i]);
	}
	pgdat->node_start_pfn = first;
	pgdat->node_spanned_pages = max_pfn - first;
}

static void alloc_mem_map(void)
{
	size_t size = max_pfn * sizeof(struct page);

	if (SPARSE_MEM_MAP) {
		sections_init();
		return;
	}
	mem_map = memblock_alloc(size, PAGE_SIZE);
	if (!mem_map)
		mm_panic("no room for mem_map: %lu frames need %lu KiB of low memory; boot with less memory (mem=)",
			 (unsigned long)max_pfn, (unsigned long)(size >> 10));
}

/* Every frame of the zone: its place, and reserved until memblock gives it. */
static void memmap_init_zone(struct zone *zone)
{
	unsigned long flags = zone_page_flags(zone) | 1UL << PG_reserved;

	for (unsigned long i = 0; i < zone->spanned_pages; i++) {
		zone->zone_mem_map[i].flags = flags;
		atomic_set(&zone->zone_mem_map[i]._count, 1);
	}
}

/* For each highest zone a request allows: the zones below it, best first. */
static void build_zonelists(struct pglist_data *pgdat)
{
	for (int highest = 0; highest < MAX_NR_ZONES; highest++) {
		struct zoneref *ref = pgdat->node_zonelists[highest].zonerefs;

		for (int i = highest; i >= 0; i--)
			if (populated_zone(&pgdat->node_zones[i]))
				(ref++)->zone = &pgdat->node_zones[i];
		ref->zone = NULL;
	}
}

/* Of a whole array; section.c fills in what it makes. */
static void memmap_init(struct pglist_data *pgdat)
{
	/* frames before the first of memory belong to no zone; they stay reserved */
	for (pfn_t pfn = 0; pfn < pgdat->node_start_pfn; pfn++) {
		mem_map[pfn].flags = 1UL << PG_reserved;
		atomic_set(&mem_map[pfn]._count, 1);
	}
	for (int i = 0; i < MAX_NR_ZONES; i++)
		memmap_init_zone(&pgdat->node_zones[i]);
}

static void free_area_init_core(struct pglist_data *pgdat)
{
	pgdat->node_mem_map = mem_map + pgdat->node_start_pfn;
	for (int i = 0; i < MAX_NR_ZONES; i++)
		pgdat->node_zones[i].zone_mem_map = mem_map + pgdat->node_zones[i].zone_start_pfn;
	if (!SPARSE_MEM_MAP)
		memmap_init(pgdat);
	build_zonelists(pgdat);
}

static void free_area_init_node(int nid, const pfn_t max_zone_pfn[])
{
	struct pglist_data *pgdat = NODE_DATA(nid);

	pgdat->node_id = nid;
	calculate_node_totalpages(pgdat, max_zone_pfn);
	alloc_mem_map();
	free_area_init_core(pgdat);
}

void free_area_init_nodes(const pfn_t max_zone_pfn[MAX_NR_ZONES])
{
	max_pfn = (pfn_t)(memblock_end_of_DRAM() >> PAGE_SHIFT);
	nr_online_nodes = 1;
	free_area_init_node(0, max_zone_pfn);
}

/* The zone that spans @pfn, a frame of memory. */
static struct zone *zone_of(pfn_t pfn)
{
	struct zone *zone = first_zone();

	while (pfn >= zone->zone_start_pfn + zone->spanned_pages)
		zone = next_zone(zone);
	return zone;
}

/* Hand [@start, @end), all in one zone, to its buddy lists. */
static void free_frames(struct zone *zone, pfn_t start, pfn_t end)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock);

	for (pfn_t pfn = start; pfn < end; pfn++) {
		__ClearPageReserved(pfn_to_page(pfn));
		atomic_set(&pfn_to_page(pfn)->_count, 0);
	}
	zone->managed_pages += end - start;
	while (start < end) {
		unsigned order = start ? (unsigned)__builtin_ctzl(start) : MAX_PAGE_ORDER;

		order = min(order, (unsigned)MAX_PAGE_ORDER);
		while (start + (1UL << order) > end)
			order--;
		buddy_free(zone, pfn_to_page(start), order);
		start += 1UL << order;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* The same, but for what can wait.  Return: frames given, now or later. */
static unsigned long give(struct zone *zone, pfn_t start, pfn_t end)
{
	pfn_t later = start, go_on = end;
	unsigned long n;

	if (!SPARSE_MEM_MAP) {
		free_frames(zone, start, end);
		return end - start;
	}
	n = section_defer(zone, &later, &go_on);
	free_frames(zone, start, later);
	free_frames(zone, go_on, end);
	return n + (later - start) + (end - go_on);
}

unsigned long memblock_free_all(void)
{
	phys_addr_t start = PAGE_SIZE, end = 0; /* frame 0 is never handed out: 0 means "none" */
	unsigned long freed = 0;

	memblock.closed = true;
	while (memblock_next_free(&memblock, &start, &end)) {
		pfn_t pfn = (pfn_t)((start + PAGE_SIZE - 1) >> PAGE_SHIFT), stop = (pfn_t)(end >> PAGE_SHIFT);

		while (pfn < stop) {
			struct zone *zone = zone_of(pfn);
			pfn_t border = min(stop, zone->zone_start_pfn + zone->spanned_pages);

			freed += give(zone, pfn, border);
			pfn = border;
		}
		start = end;
	}
	return freed;
}
