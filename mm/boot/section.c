/* SPDX-License-Identifier: MIT */
/*
 * section.c: mem_map of a machine with more addresses than memory.
 *
 * Idea.  mem_map stays one array, so that pfn_to_page() stays one addition, but only
 * its addresses are contiguous.  Memory is cut into sections of 128 MiB; the struct
 * pages of one are 2 MiB of the array, which are there or are not:
 *
 *	physical  |#####|#####|.....|.....|#####|#####|#####|##...|
 *	section	    0     1     2     3     4     5     6     7
 *		    boot  defer absent      boot  defer defer boot
 *	mem_map   [=====]                 [=====]            [===]
 *
 *	absent		no memory: nothing, for ever
 *	deferred	all of it free memory of one zone: nothing yet.  It is a number in
 *			zone->deferred_pages until somebody needs it
 *	online		its struct pages are there, filled in, and its byte in section_map is 1
 *
 * A hole of terabytes costs one byte for 128 MiB of it, and so does memory that nobody has
 * used: but for these bytes, and for a table that is prepared for each 64 GiB (below), coming
 * up is the same work with 64 TiB as with 64 MiB.
 *
 * Boot brings those sections online that cannot wait: those with something reserved in
 * them, with a hole, with a border of zones.  Their struct pages lie in memory from
 * memblock, which reserves more, so it goes on until nothing changes.  There are at
 * most a few for each range that memblock knows.
 *
 * Later, when a zone's lists cannot give what is asked, the next deferred section comes
 * online: its struct pages lie in its own first 2 MiB (512 of 32768 frames, which are
 * reserved).  So making memory available never needs memory.  The tables that map them
 * were prepared at boot, one page for 64 GiB.
 *
 *	section 5   |mmmm|                free                    |
 *	            512 frames               32256 frames
 *
 * Which sections are deferred, and which come next, is not written down: it follows from
 * memblock's lists, which do not change any more.  A zone needs no more than a cursor.
 *
 * What a deferred section will give is counted as free and managed from the start, so
 * watermarks, meminfo and zoneinfo show no difference.  The free lists (and buddyinfo,
 * and nr_free) hold what is online only.
 *
 * Invariants (section_check):
 *   S.1  every section that holds memory and is not whole is online;
 *   S.2  a whole section is online if it lies before its zone's cursor, and else not;
 *   S.3  zone->deferred_pages is what those at or behind the cursor will give;
 *   S.4  no section without memory is online.
 *
 * Locking: section_lock, interrupts off, from the choice of a section until its frames are
 * on the lists; the zone's lock and the page tables' nest inside.  section_map is read
 * without: a byte is set after what it promises.  Failure: none, a section brings all
 * that it needs.  Cost: a section, 32768 struct pages and O(ranges of memblock).
 *
 * Unlike Linux, where struct pages are allocated at boot for all memory and only their
 * filling in may be put off.
 */
#include <quarry/init.h>
#include <quarry/report.h>

#define SECTION_MAP_SIZE (PAGES_PER_SECTION * sizeof(struct page))	/* of mem_map, for one section */
#define HOLDING_FRAMES (SECTION_MAP_SIZE >> PAGE_SHIFT)			/* frames of a section for its own */

_Static_assert(SECTION_PFN_SHIFT >= MAX_PAGE_ORDER, "a block of the buddy allocator lies in one section");

u8 *section_map;
static spinlock_t section_lock;
static unsigned long nr_online;
static size_t backed_bytes;

/* ---- which section is what ----------------------------------------------------- */

static unsigned long section_of(pfn_t pfn)
{
	return pfn >> SECTION_PFN_SHIFT;
}

static pfn_t zone_end_pfn(const struct zone *zone)
{
	return zone->zone_start_pfn + zone->spanned_pages;
}

/* Whole sections of the free frames [@start, @end): cut off what is not.  Return: is any left? */
static bool cut_to_sections(pfn_t *start, pfn_t *end)
{
	*start = ALIGN(*start, PAGES_PER_SECTION);
	*end = ALIGN_DOWN(*end, PAGES_PER_SECTION);
	return *start < *end;
}

/* The next run of whole sections that are free memory of @zone, from section of *@start on. */
static bool next_whole(const struct zone *zone, pfn_t *start, pfn_t *end)
{
	pfn_t first = max(*start, zone->zone_start_pfn), border;
	phys_addr_t from = (phys_addr_t)max(first, (pfn_t)1) << PAGE_SHIFT, to = 0;	/* frame 0 is nobody's */

	for (; memblock_next_free(&memblock, &from, &to); from = to) {
		bool ours;

		*start = (pfn_t)((from + PAGE_SIZE - 1) >> PAGE_SHIFT);
		if (*start >= zone_end_pfn(zone))
			return false;
		ours = zone_of_pfn(*start, &border) == zone;
		to = min(to, (phys_addr_t)border << PAGE_SHIFT);
		*end = (pfn_t)(to >> PAGE_SHIFT);
		if (ours && cut_to_sections(start, end))
			return true;
	}
	return false;
}

/* Does @pfn lie in a whole section?  Then *@end is the end of its run. */
static bool in_whole_run(pfn_t pfn, pfn_t *end)
{
	pfn_t first = ALIGN_DOWN(pfn, PAGES_PER_SECTION), start = first, border;

	return next_whole(zone_of_pfn(first, &border), &start, end) && start == first;
}

bool section_defers(pfn_t pfn)
{
	pfn_t end;

	return pfn < max_pfn && !section_online(section_of(pfn)) && in_whole_run(pfn, &end);
}

bool section_holds(pfn_t pfn)
{
	pfn_t end;

	return pfn % PAGES_PER_SECTION < HOLDING_FRAMES && in_whole_run(pfn, &end);
}

pfn_t next_online_pfn(pfn_t pfn, pfn_t end)
{
	unsigned long nr = section_of(pfn), last = DIV_ROUND_UP(end, PAGES_PER_SECTION);

	if (pfn >= end || section_online(nr))
		return min(pfn, end);
	while (++nr < last && !section_online(nr))
		;
	return min((pfn_t)nr << SECTION_PFN_SHIFT, end);
}

/* ---- coming online ---------------------------------------------------------------- */

static void set_online(unsigned long nr, size_t bytes)
{
	__atomic_store_n(&section_map[nr], 1, __ATOMIC_RELEASE);
	nr_online++;
	backed_bytes += bytes;
}

/* Free memory for @piece bytes of mem_map, if possible node @nid's own; 0: none. */
static phys_addr_t find_piece(int nid, size_t piece)
{
	phys_addr_t align = piece == SECTION_MAP_SIZE ? piece : PAGE_SIZE;
	phys_addr_t at = memblock_find_node(piece, align, nid, memblock.current_limit);

	return at ? at : memblock_find_in(&memblock, piece, align, 0, memblock.current_limit);
}

/* Frames for @size bytes of mem_map at @addr, node @nid's: in one piece, else in as many as it takes. */
static void back_early(int nid, unsigned long addr, size_t size)
{
	size_t piece = size;
	phys_addr_t at;

	while (size) {
		piece = min(piece, size);
		at = find_piece(nid, piece);
		if (at && !memblock_reserve(at, piece)) {
			arch_map_mem_map(addr, piece, (pfn_t)(at >> PAGE_SHIFT));
			addr += piece;
			size -= piece;
		} else if (piece > PAGE_SIZE) {
			piece = PAGE_ALIGN(piece / 2);
		} else {
			mm_panic("no room for mem_map: %lu KiB more are needed at 0x%lx; boot with less memory (mem=)",
				 (unsigned long)(size >> 10), addr);
		}
	}
}

/* @n struct pages from @page on, of frames of @zone: reserved, or free and on no list. */
static void fill(const struct zone *zone, struct page *page, unsigned long n, bool reserved)
{
	unsigned long flags = zone_page_flags(zone) | (unsigned long)reserved << PG_reserved;

	for (; n; n--)
		*page++ = (struct page){ .flags = flags, ._count = { reserved } };
}

/* At boot: the struct pages of section @nr, up to the last frame there is; all reserved. */
static void online_early(unsigned long nr)
{
	pfn_t pfn = (pfn_t)nr << SECTION_PFN_SHIFT, end = min(pfn + PAGES_PER_SECTION, max_pfn), border;
	size_t size = PAGE_ALIGN((end - pfn) * sizeof(struct page));
	int nid = pfn_node(pfn, &border);

	back_early(nid, (unsigned long)pfn_to_page(pfn), size);
	for (; pfn < end; pfn = border) {
		struct zone *zone = zone_of_pfn(pfn, &border);

		border = min(border, end);
		zone_group_frames(zone, pfn, border);
		fill(zone, pfn_to_page(pfn), border - pfn, true);
	}
	set_online(nr, size);
}

/*
 * The struct pages of a whole section of @zone, which its first frames hold.  Where the direct map
 * shows these, mem_map has them only when they are filled in: a stray pointer may lead there.
 */
static void map_and_fill(const struct zone *zone, pfn_t pfn)
{
	struct page *pages = pfn_to_page(pfn);

	if (HAVE_HIGHMEM)
		arch_map_mem_map((unsigned long)pfn_to_page(pfn), SECTION_MAP_SIZE, pfn);
	else
		pages = __va((phys_addr_t)pfn << PAGE_SHIFT);
	fill(zone, pages, HOLDING_FRAMES, true);
	fill(zone, pages + HOLDING_FRAMES, PAGES_PER_SECTION - HOLDING_FRAMES, false);
	if (!HAVE_HIGHMEM)
		arch_map_mem_map((unsigned long)pfn_to_page(pfn), SECTION_MAP_SIZE, pfn);
}

/* Later: section @nr, whole, out of itself. */
static void online_late(struct zone *zone, unsigned long nr)
{
	pfn_t pfn = (pfn_t)nr << SECTION_PFN_SHIFT, first = pfn + HOLDING_FRAMES, end = pfn + PAGES_PER_SECTION;

	zone_group_frames(zone, pfn, end);
	map_and_fill(zone, pfn);
	set_online(nr, SECTION_MAP_SIZE);
	spin_lock(&zone->lock);
	buddy_free_frames(zone, pfn_to_page(first), end - first);
	zone->deferred_pages -= end - first;
	spin_unlock(&zone->lock);
}

/* Those of the memory [@pfn, @end) that are not whole.  Return: were there any new ones? */
static bool online_partial(pfn_t pfn, pfn_t end)
{
	bool any = false;
	pfn_t run_end;

	for (pfn = ALIGN_DOWN(pfn, PAGES_PER_SECTION); pfn < end; ) {
		if (in_whole_run(pfn, &run_end)) {
			pfn = run_end;
			continue;
		}
		if (!section_online(section_of(pfn))) {
			online_early(section_of(pfn));
			any = true;
		}
		pfn += PAGES_PER_SECTION;
	}
	return any;
}

/* Tables for what is left: later there will be no memory to make them of. */
static void prepare_whole(void)
{
	struct zone *zone;
	pfn_t start, end;

	for_each_zone(zone)
		for (start = 0; next_whole(zone, &start, &end); start = end)
			arch_prepare_mem_map((unsigned long)pfn_to_page(start), (end - start) * sizeof(struct page));
}

void sections_init(void)
{
	unsigned long sections = DIV_ROUND_UP(max_pfn, PAGES_PER_SECTION);
	bool any = true;

	mem_map = (struct page *)VMEMMAP_START;
	section_map = memblock_alloc(sections, 0);
	if (!section_map)
		mm_panic("no room for a byte for each of %lu sections of memory", sections);
	prepare_whole();
	while (any) {
		any = false;
		for (unsigned i = 0; i < memblock.memory.cnt; i++) {
			const struct memblock_region *r = &memblock.memory.regions[i];

			any |= online_partial((pfn_t)(r->base >> PAGE_SHIFT),
					      (pfn_t)((r->base + r->size) >> PAGE_SHIFT));
		}
	}
}

/* What @frames of whole sections give. */
static unsigned long usable(unsigned long frames)
{
	return frames - (frames >> SECTION_PFN_SHIFT) * HOLDING_FRAMES;
}

unsigned long section_defer(struct zone *zone, pfn_t *start, pfn_t *end)
{
	pfn_t border = *end;
	unsigned long n;

	if (!cut_to_sections(start, end)) {
		*start = *end = border;
		return 0;
	}
	n = usable(*end - *start);
	zone->deferred_pages += n;
	zone->managed_pages += n;
	return n;
}

/* ---- growing ------------------------------------------------------------------------ */

/* The next section of @zone, under section_lock.  Return: false when none is left. */
static bool grow(struct zone *zone)
{
	pfn_t start = zone->deferred_next, end;

	if (!zone->deferred_pages)
		return false;
	if (!next_whole(zone, &start, &end))
		mm_panic("zone %s: %lu deferred frames, and no section has them", zone->name, zone->deferred_pages);
	zone->deferred_next = start + PAGES_PER_SECTION;
	online_late(zone, section_of(start));
	return true;
}

bool zone_grow(struct zone *zone)
{
	unsigned long flags = spin_lock_irqsave(&section_lock);
	bool grown = grow(zone);

	spin_unlock_irqrestore(&section_lock, flags);
	return grown;
}

bool zone_grow_for(struct zone *zone, unsigned order, unsigned long keep)
{
	unsigned long flags = spin_lock_irqsave(&section_lock);
	bool enough;

	spin_lock(&zone->lock);
	enough = zone->nr_free + zone->deferred_pages >= keep + (1UL << order);
	spin_unlock(&zone->lock);
	if (enough && !zone_has_block(zone, order))	/* nobody was faster */
		grow(zone);
	enough = enough && zone_has_block(zone, order);
	spin_unlock_irqrestore(&section_lock, flags);
	return enough;
}

/* ---- looking --------------------------------------------------------------------------- */

static unsigned long deferred_sections(void)
{
	unsigned long n = 0;
	struct zone *zone;

	for_each_zone(zone)
		n += zone->deferred_pages;
	return n / usable(PAGES_PER_SECTION);
}

void report_sections(struct seq *s)
{
	unsigned long flags = spin_lock_irqsave(&section_lock), online = nr_online, deferred = deferred_sections();
	size_t kib = backed_bytes >> 10;

	spin_unlock_irqrestore(&section_lock, flags);
	seq_printf(s, "mem_map: %lu of %lu KiB are there; sections of %lu MiB: %lu online, %lu deferred, %lu without memory\n",
		   (unsigned long)kib, (unsigned long)(max_pfn * sizeof(struct page) >> 10), 1UL << (SECTION_SHIFT - 20),
		   online, deferred, DIV_ROUND_UP(max_pfn, PAGES_PER_SECTION) - online - deferred);
}

/* S.2, S.3 of one zone. */
static int check_zone(const struct zone *zone)
{
	unsigned long deferred = 0;
	pfn_t start = 0, end, pfn;

	for (; next_whole(zone, &start, &end); start = end)
		for (pfn = start; pfn < end; pfn += PAGES_PER_SECTION) {
			if (section_online(section_of(pfn)) != (pfn < zone->deferred_next))
				return 2;
			deferred += pfn < zone->deferred_next ? 0 : usable(PAGES_PER_SECTION);
		}
	return deferred == zone->deferred_pages ? 0 : 3;
}

/* S.1 of the memory [@pfn, @end). */
static int check_memory(pfn_t pfn, pfn_t end)
{
	pfn_t run_end;

	for (pfn = ALIGN_DOWN(pfn, PAGES_PER_SECTION); pfn < end; ) {
		if (in_whole_run(pfn, &run_end)) {
			pfn = run_end;
			continue;
		}
		if (!section_online(section_of(pfn)))
			return 1;
		pfn += PAGES_PER_SECTION;
	}
	return 0;
}

static bool holds_memory(pfn_t pfn)
{
	phys_addr_t start = (phys_addr_t)pfn << PAGE_SHIFT, end = start + (1ULL << SECTION_SHIFT);

	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];

		if (r->base < end && start < r->base + r->size)
			return true;
	}
	return false;
}

static int check_all(void)
{
	struct zone *zone;
	int broken = 0;
	pfn_t pfn;

	for (unsigned i = 0; i < memblock.memory.cnt && !broken; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];

		broken = check_memory((pfn_t)(r->base >> PAGE_SHIFT), (pfn_t)((r->base + r->size) >> PAGE_SHIFT));
	}
	for_each_zone(zone)
		broken = broken ? broken : check_zone(zone);
	for (pfn = next_online_pfn(0, max_pfn); pfn < max_pfn && !broken;
	     pfn = next_online_pfn(ALIGN_DOWN(pfn, PAGES_PER_SECTION) + PAGES_PER_SECTION, max_pfn))
		broken = holds_memory(pfn) ? 0 : 4;
	return broken;
}

int section_check(void)
{
	unsigned long flags = spin_lock_irqsave(&section_lock);
	int broken = check_all();

	spin_unlock_irqrestore(&section_lock, flags);
	return broken;
}
