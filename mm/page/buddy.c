/* SPDX-License-Identifier: MIT */
/*
 * buddy.c: one zone's free frames, in blocks of 2^order (row B4).
 *
 * Idea (Knowlton 1965; Knuth, The Art of Computer Programming, 2.5).  Memory is
 * cut into blocks whose size is a power of two and whose number is a multiple of
 * that size.  So a block's neighbour, its *buddy*, with which it makes the block
 * of the next order, is found without looking: flip one bit of the frame number.
 *
 *	order 2   |      8      |     12      |		buddy of  8 at order 2:  8 ^ 4 = 12
 *	order 1   |  8   | 10   |			buddy of 10 at order 1: 10 ^ 2 =  8
 *	order 0   | 8 | 9 |				buddy of  8 at order 0:  8 ^ 1 =  9
 *
 * Taking a block of order k: the first free block of the lowest order >= k; while
 * it is too large, its upper half goes back to a list.  For order 0 out of a lone
 * block 8 of order 2: 10 goes to list 1, 9 goes to list 0, 8 is handed out.
 *
 * Giving one back: while the buddy is free *and whole* (on the list of the same
 * order), take it off, and go on with the two as one.
 *
 * Many single frames at once need neither: a block is taken off its list whole and
 * handed out as 2^k frames, and frames side by side come back as the largest blocks
 * that they make: 6 ... 15 as 6 of order 1 and 8 of order 3.  The frames taken are the
 * same as one by one.
 *
 * All of this is for each type of memory apart: a block is on the list of the type of the
 * page block that it lies in (mobility.c), and comes from a list of the type that is asked
 * for, or where there is none from where mobility.c says.  Page blocks that merge become
 * one type, that of the block given back.
 *
 * Data.  free_area[k].free_list[t] links the first pages of free blocks of order k and
 * type t by page->lru.  The first page has PG_buddy and page->order; the other pages of
 * a block say nothing and are not touched, so a block of 1024 pages costs no more
 * than one of 2.  What is taken has zone and type in page->flags, and nothing else.
 *
 * Invariants (buddy_check):
 *   B.1  a page on a list of order k has PG_buddy, order k and count 0;
 *   B.2  its frame number is a multiple of 2^k, and the block lies in the zone;
 *   B.3  no page inside a free block, but its first, has PG_buddy;
 *   B.4  below the largest order, the buddy of a free block is not a free block
 *        of the same order (they would have been merged);
 *   B.5  free_area[k].nr_of[t] counts its list, nr_free those of order k, zone->nr_free
 *        the pages of all;
 *   B.6  every page with PG_buddy is on a list;
 *   B.7  all page blocks that a free block lies in are of its list's type;
 *   B.8  bit k of free_orders[t] says whether that type has a block of order k.
 *
 * Locking: the caller holds zone->lock; zone_alloc_block() and zone_free_block() take it.  Failure: NULL, nothing changed.
 * Cost: at most MAX_PAGE_ORDER splits or merges, each O(1).
 *
 * Unlike Linux, pages are addressed through the zone (zone_mem_map), not through
 * a global array, so that a test can build a zone of 16 frames on its stack.
 */
#include <quarry/report.h>

#include "page_internal.h"

static bool zone_spans(const struct zone *zone, pfn_t pfn)
{
	return pfn - zone->zone_start_pfn < zone->spanned_pages;
}

/* These three own the free lists, their counters and PG_buddy; zone->nr_free is their callers'. */
static __always_inline void free_list_add(struct zone *zone, struct page *page, unsigned order, enum migratetype type)
{
	struct free_area *area = &zone->free_area[order];

	page->order = (u8)order;
	__SetPageBuddy(page);
	list_add(&page->lru, &area->free_list[type]);
	area->nr_free++;
	area->nr_of[type]++;
	zone->free_orders[type] |= 1u << order;
}

static __always_inline void free_list_del(struct zone *zone, struct page *page, unsigned order, enum migratetype type)
{
	struct free_area *area = &zone->free_area[order];

	list_del(&page->lru);
	__ClearPageBuddy(page);
	area->nr_free--;
	if (--area->nr_of[type] == 0)
		zone->free_orders[type] &= ~(1u << order);
}

void free_list_move(struct zone *zone, struct page *page, enum migratetype from, enum migratetype to)
{
	unsigned order = page->order;

	free_list_del(zone, page, order, from);
	free_list_add(zone, page, order, to);
}

/* The free buddy of the block (@pfn, @order), or NULL. */
static inline struct page *free_buddy(struct zone *zone, pfn_t pfn, unsigned order)
{
	pfn_t buddy_pfn = pfn ^ (1UL << order);
	struct page *buddy;

	if (!zone_spans(zone, buddy_pfn))
		return NULL;
	buddy = zone_page(zone, buddy_pfn);
	return PageBuddy(buddy) && buddy->order == order ? buddy : NULL;
}

void zone_init(struct zone *zone, const char *name, enum zone_type type, int node,
	       struct page *map, pfn_t start_pfn, unsigned long spanned)
{
	*zone = (struct zone){ .name = name, .type = type, .node = node };
	zone->zone_mem_map = map;
	zone->zone_start_pfn = start_pfn;
	zone->spanned_pages = spanned;
	zone->frame_flags = zone_page_flags(zone);
	zone->pageblock_order = PAGEBLOCK_ORDER;
	spin_lock_init(&zone->lock);
	for (unsigned order = 0; order < NR_PAGE_ORDERS; order++)
		for_each_migratetype(t)
			INIT_LIST_HEAD(&zone->free_area[order].free_list[t]);
}

/* Where a block of @order for *@type comes from: the order of that list, and its type.  NR_PAGE_ORDERS: there is none. */
static inline unsigned find_block(struct zone *zone, unsigned order, enum migratetype *type)
{
	unsigned from = lowest_free(zone, order, *type);

	return likely(from < NR_PAGE_ORDERS) ? from : find_other_block(zone, order, type);
}

/* The first free block of order @from and @type, cut down to order @to. */
static __always_inline struct page *take_block(struct zone *zone, unsigned from, unsigned to, enum migratetype type)
{
	struct page *page = list_first_entry(&zone->free_area[from].free_list[type], struct page, lru);

	free_list_del(zone, page, from, type);
	zone->nr_free -= 1UL << to;
	while (from > to) {
		from--;
		free_list_add(zone, page + (1UL << from), from, type);
	}
	page->flags = taken_flags(zone, type);
	page->order = (u8)to;
	return page;
}

static __always_inline struct page *find_and_take(struct zone *zone, unsigned order, enum migratetype type)
{
	unsigned from;

	type = zone_type(zone, type);
	from = find_block(zone, order, &type);
	return from < NR_PAGE_ORDERS ? take_block(zone, from, order, type) : NULL;
}

struct page *buddy_alloc(struct zone *zone, unsigned order, enum migratetype type)
{
	return find_and_take(zone, order, type);
}

struct page *zone_alloc_block(struct zone *zone, unsigned order, enum migratetype type)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock);
	struct page *page = find_and_take(zone, order, type);

	if (page)
		zone->pageset[smp_processor_id()].event[PGALLOC] += 1UL << order;
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

struct page *buddy_alloc_run(struct zone *zone, unsigned long *nr, enum migratetype type)
{
	unsigned wanted = 8 * sizeof(long) - 1 - (unsigned)__builtin_clzl(*nr), from;

	type = zone_type(zone, type);
	from = find_block(zone, 0, &type);
	if (from == NR_PAGE_ORDERS)
		return NULL;
	wanted = min(wanted, from);
	*nr = 1UL << wanted;
	return take_block(zone, from, wanted, type);
}

unsigned long buddy_alloc_frames(struct zone *zone, unsigned long nr, struct list_head *list, enum migratetype type)
{
	unsigned long got = 0, flags, n;
	struct page *page, *end;

	for (; got < nr; got += n) {
		n = nr - got;
		page = buddy_alloc_run(zone, &n, type);
		if (!page)
			break;
		for (end = page + n, flags = page->flags; page < end; page++) {
			page->flags = flags;
			page->order = 0;
			list_add_tail(&page->lru, list);
		}
	}
	return got;
}

static __always_inline void merge_and_put(struct zone *zone, struct page *page, unsigned order)
{
	pfn_t pfn = zone_page_pfn(zone, page);
	enum migratetype type = pageblock_type(zone, pfn);
	struct page *buddy;

	zone->nr_free += 1UL << order;
	while (order < MAX_PAGE_ORDER && (buddy = free_buddy(zone, pfn, order))) {
		free_list_del(zone, buddy, order, order < zone->pageblock_order ? type :
			      pageblock_type(zone, pfn ^ (1UL << order)));
		pfn &= ~(1UL << order);
		order++;
	}
	if (order > zone->pageblock_order)
		set_pageblocks(zone, pfn, order, type);
	free_list_add(zone, zone_page(zone, pfn), order, type);
}

void buddy_free(struct zone *zone, struct page *page, unsigned order)
{
	merge_and_put(zone, page, order);
}

void zone_free_block(struct zone *zone, struct page *page, unsigned order)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock);

	merge_and_put(zone, page, order);
	zone->pageset[smp_processor_id()].event[PGFREE] += 1UL << order;
	spin_unlock_irqrestore(&zone->lock, flags);
}

void buddy_free_frames(struct zone *zone, struct page *page, unsigned long nr)
{
	pfn_t pfn = zone_page_pfn(zone, page);

	while (nr) {
		unsigned order = 0;

		while (order < MAX_PAGE_ORDER && 2UL << order <= nr && IS_ALIGNED(pfn, 2UL << order))
			order++;
		buddy_free(zone, zone_page(zone, pfn), order);
		pfn += 1UL << order;
		nr -= 1UL << order;
	}
}

/* B.1, B.2, B.4, B.7 of one block. */
static int check_block(struct zone *zone, const struct page *page, unsigned order, enum migratetype type)
{
	pfn_t pfn = zone_page_pfn(zone, page);

	if (!PageBuddy(page) || page->order != order || page_count(page) != 0)
		return 1;
	if (!IS_ALIGNED(pfn, 1UL << order) || !zone_spans(zone, pfn) ||
	    !zone_spans(zone, pfn + (1UL << order) - 1))
		return 2;
	if (order < MAX_PAGE_ORDER && free_buddy(zone, pfn, order))
		return 4;
	for (pfn_t end = pfn + (1UL << order); pfn < end; pfn += 1UL << zone->pageblock_order)
		if (pageblock_type(zone, pfn) != type)
			return 7;
	return 0;
}

/* B.1, B.2, B.4, B.5, B.7, B.8 by one list; *blocks counts its blocks. */
static int check_list(struct zone *zone, unsigned order, enum migratetype type, unsigned long *blocks)
{
	unsigned long n = 0, counted = zone->free_area[order].nr_of[type];
	struct page *page;
	int broken;

	list_for_each_entry(page, &zone->free_area[order].free_list[type], lru) {
		broken = check_block(zone, page, order, type);
		if (broken)
			return broken;
		if (++n > counted)
			return 5;
	}
	*blocks += n;
	if (n != counted)
		return 5;
	return (zone->free_orders[type] >> order & 1) == (n != 0) ? 0 : 8;
}

/* The same by all lists. */
static int check_lists(struct zone *zone, unsigned long *blocks)
{
	unsigned long pages = 0, n;
	int broken;

	for (unsigned order = 0; order < NR_PAGE_ORDERS; order++) {
		n = 0;
		for_each_migratetype(t) {
			broken = check_list(zone, order, t, &n);
			if (broken)
				return broken;
		}
		if (n != zone->free_area[order].nr_free)
			return 5;
		*blocks += n;
		pages += n << order;
	}
	return pages == zone->nr_free ? 0 : 5;
}

/*
 * The next frame of @zone from its @i-th on that has a struct page; a zone of a test's own has all.
 * Those of other nodes are passed over.
 */
static unsigned long next_frame(const struct zone *zone, unsigned long i)
{
	pfn_t pfn = zone->zone_start_pfn + i, end = zone->zone_start_pfn + zone->spanned_pages;

	if (!zone->zone_pgdat)
		return i;
	pfn = next_valid_pfn(pfn, end);
	while (MAX_NUMNODES > 1 && pfn < end && page_zone(pfn_to_page(pfn)) != zone)
		pfn = next_valid_pfn(pfn + 1, end);
	return pfn - zone->zone_start_pfn;
}

/* B.3, B.6 by the frames. */
static int check_frames(struct zone *zone, unsigned long blocks)
{
	unsigned long found = 0, inside = 0;

	for (unsigned long i = next_frame(zone, 0); i < zone->spanned_pages; i = next_frame(zone, i + 1)) {
		const struct page *page = &zone->zone_mem_map[i];

		if (PageBuddy(page)) {
			if (inside)
				return 3;
			found++;
			inside = 1UL << page->order;
		}
		if (inside)
			inside--;
	}
	return found == blocks ? 0 : 6;
}

int buddy_check(struct zone *zone)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock), blocks = 0;
	int broken = check_lists(zone, &blocks);

	if (!broken)
		broken = check_frames(zone, blocks);
	spin_unlock_irqrestore(&zone->lock, flags);
	return broken;
}
