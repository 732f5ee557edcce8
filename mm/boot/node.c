/* SPDX-License-Identifier: MIT */
/*
 * node.c: from memblock to nodes, zones and mem_map (row B3).
 *
 *	zone_sizes_init			where the zones' borders are (the arch knows)
 *	  free_area_init_nodes
 *	    free_area_init_node		for each node:
 *	      calculate_node_totalpages	how many frames each of its zones spans and has
 *	    alloc_pageblocks		a type for each page block
 *	    alloc_pagesets		each CPU's stacks, for each zone that has frames
 *	    alloc_mem_map		the array of struct page, from memblock (or section.c)
 *	    free_area_init_core		each zone's part of it
 *	    memmap_init			every frame: whose it is, and reserved
 *	    build_all_zonelists		(zonelist.c)
 *	memblock_free_all		what memblock has left goes to the zones
 *
 * A frame's zone is a function of its number: the node that its address belongs to
 * (numa.c), and the two borders that it lies between.  A zone spans all from its node's
 * first frame of memory between them to the last; another node's may lie in between.
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

static pfn_t zone_border[MAX_NR_ZONES];		/* the first frame beyond each type */

struct zone *zone_of_pfn(pfn_t pfn, pfn_t *end)
{
	struct pglist_data *pgdat = NODE_DATA(pfn_node(pfn, end));
	int type = 0;

	while (type < MAX_NR_ZONES - 1 && pfn >= zone_border[type])
		type++;
	if (type < MAX_NR_ZONES - 1)
		*end = min(*end, zone_border[type]);
	return &pgdat->node_zones[type];
}

/* ---- what each node has ------------------------------------------------------- */

/* The first whole frames of memory of node @nid in [*@start, *@end).  Return: false when there are none. */
static bool next_memory(int nid, pfn_t *start, pfn_t *end)
{
	pfn_t stop = *end, border;

	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];
		pfn_t from = max(*start, (pfn_t)((r->base + PAGE_SIZE - 1) >> PAGE_SHIFT));
		pfn_t to = min(stop, (pfn_t)((r->base + r->size) >> PAGE_SHIFT));

		for (; from < to; from = border)
			if (pfn_node(from, &border) == nid) {
				*start = from;
				*end = min(to, border);
				return true;
			}
	}
	return false;
}

/* Frames of memory of node @nid in [@start, @end); *@first, *@last: out: where the first is, and the last ends. */
static unsigned long frames_present(int nid, pfn_t start, pfn_t end, pfn_t *first, pfn_t *last)
{
	unsigned long n = 0;
	pfn_t to = end;

	*first = *last = start;
	for (; next_memory(nid, &start, &to); start = to, to = end) {
		*first = n ? *first : start;
		*last = to;
		n += to - start;
	}
	return n;
}

/* Where each zone starts and what it spans, from its borders and the memory there is. */
static void calculate_node_totalpages(struct pglist_data *pgdat)
{
	pfn_t first, last, border = 0, node_first, node_last;

	pgdat->node_present_pages = frames_present(pgdat->node_id, 0, max_pfn, &node_first, &node_last);
	pgdat->node_start_pfn = node_first;
	pgdat->node_spanned_pages = node_last - node_first;
	for (int i = 0; i < MAX_NR_ZONES; i++) {
		pfn_t start = max(border, node_first), end = min(zone_border[i], node_last);
		struct zone *zone = &pgdat->node_zones[i];

		zone_init(zone, zone_names[i], (enum zone_type)i, pgdat->node_id, NULL, start,
			  end > start ? end - start : 0);
		zone->zone_pgdat = pgdat;
		zone->present_pages = frames_present(pgdat->node_id, start, start + zone->spanned_pages, &first, &last);
		if (populated_zone(zone))
			pgdat->nr_zones = i + 1;
		border = zone_border[i];
	}
}

/* Node 0 is there from the start; what there is to know of the others lies in their own memory. */
static void free_area_init_node(int nid)
{
	if (!NODE_DATA(nid))
		node_data[nid] = memblock_alloc_node(sizeof(struct pglist_data), 0, nid);
	if (!NODE_DATA(nid))
		mm_panic("no room for what there is to know of node %d: %lu bytes", nid,
			 (unsigned long)sizeof(struct pglist_data));
	NODE_DATA(nid)->node_id = nid;
	calculate_node_totalpages(NODE_DATA(nid));
}

/* With fewer page blocks than a few for each type, grouping would only be in the way. */
static bool too_small_to_group(void)
{
	unsigned long present = 0;
	int nid;

	for_each_online_node(nid)
		present += NODE_DATA(nid)->node_present_pages;
	return present < 4UL << PAGEBLOCK_ORDER;
}

/* Not cleared, for with 64 TiB they are 32 MiB, and only those of frames that have a struct page are looked at. */
static u8 *alloc_types(const struct zone *zone)
{
	unsigned long n = zone_pageblocks(zone);
	phys_addr_t at = memblock_find_node(n, L1_CACHE_BYTES, zone->node, memblock.current_limit);

	if (!at || memblock_reserve(at, n))
		at = memblock_phys_alloc(n, L1_CACHE_BYTES);
	if (!at)
		mm_panic("no room for the types of %lu page blocks", n);
	return __va(at);
}

static void alloc_pageblocks(void)
{
	struct zone *zone;

	page_group_by_mobility_disabled |= too_small_to_group();
	if (!page_group_by_mobility_disabled)
		for_each_zone(zone)
			zone_group(zone, alloc_types(zone), PAGEBLOCK_ORDER);
}

static void alloc_pagesets(void)
{
	size_t size = MIGRATE_TYPES * nr_cpu_ids * sizeof(struct per_cpu_pages);
	struct zone *zone;

	for_each_zone(zone) {
		zone->pageset = memblock_alloc_node(size, 0, zone->node);
		if (!zone->pageset)
			mm_panic("no room for the page lists of %u CPUs: %lu KiB", nr_cpu_ids, (unsigned long)(size >> 10));
	}
}

/* ---- mem_map -------------------------------------------------------------------- */

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

/* Every frame of a whole array: its place, and reserved until memblock gives it.  Of a sparse one section.c fills in what it makes. */
static void memmap_init(void)
{
	pfn_t next;

	for (pfn_t pfn = 0; pfn < max_pfn; ) {
		struct zone *zone = zone_of_pfn(pfn, &next);
		unsigned long flags = zone_page_flags(zone) | 1UL << PG_reserved;

		next = min(next, max_pfn);
		zone_group_frames(zone, pfn, next);
		for (; pfn < next; pfn++) {
			mem_map[pfn].flags = flags;
			atomic_set(&mem_map[pfn]._count, 1);
		}
	}
}

static void free_area_init_core(struct pglist_data *pgdat)
{
	pgdat->node_mem_map = mem_map + pgdat->node_start_pfn;
	for (int i = 0; i < MAX_NR_ZONES; i++)
		pgdat->node_zones[i].zone_mem_map = mem_map + pgdat->node_zones[i].zone_start_pfn;
}

/* Of numbers that no node has, node 0's: so page_zone() of anything is a zone. */
static void fill_zone_tables(void)
{
	for (unsigned i = 0; i < ZONE_TABLE_SIZE; i++) {
		struct page page = { .flags = (unsigned long)i << ZONE_TABLE_SHIFT };
		int nid = (int)page_to_nid(&page);

		zone_table[i] = &NODE_DATA(nid < nr_online_nodes ? nid : 0)->node_zones[page_zonenum(&page)];
		if (zone_table[i]->pageset)
			pageset_table[i] = zone_pcp(zone_table[i], page_migratetype(&page) % MIGRATE_TYPES, 0);
	}
}

void free_area_init_nodes(const pfn_t max_zone_pfn[MAX_NR_ZONES])
{
	int nid;

	max_pfn = (pfn_t)(memblock_end_of_DRAM() >> PAGE_SHIFT);
	for (int i = 0; i < MAX_NR_ZONES; i++)
		zone_border[i] = max(max_zone_pfn[i], i ? zone_border[i - 1] : 0);
	for_each_online_node(nid)
		free_area_init_node(nid);
	alloc_pageblocks();
	alloc_pagesets();
	fill_zone_tables();
	alloc_mem_map();
	for_each_online_node(nid)
		free_area_init_core(NODE_DATA(nid));
	if (!SPARSE_MEM_MAP)
		memmap_init();
	build_all_zonelists();
}

/* ---- from memblock to the zones ---------------------------------------------------- */

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
			pfn_t border;
			struct zone *zone = zone_of_pfn(pfn, &border);

			border = min(border, stop);
			freed += give(zone, pfn, border);
			pfn = border;
		}
		start = end;
	}
	return freed;
}
