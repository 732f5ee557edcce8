/* SPDX-License-Identifier: MIT */
/*
 * mobility.c: like with like, so that large blocks survive (grouping by mobility).
 *
 * Idea (Gorman and Whitcroft, 2006).  One page that stays for ever is enough to spoil the
 * large block around it.  So memory that has the same future is kept together: pages of
 * user space, which can be moved or dropped; objects that a shrinker gives back; and what
 * stays where it is.
 *
 *	apart	|UUUU....|MM.M.MM.|M..MM...|RR..R...|		two page blocks come free one day
 *	mixed	|U.MM.R..|M.U.M.R.|.UM.R..M|M..R.U..|		none ever does
 *
 * Memory is cut into page blocks, as large as a huge page.  Each has a type, one byte in
 * zone->pageblock_types, and its free blocks are on that type's lists (buddy.c).  At first all
 * are movable; the byte is written when the struct pages of the page block are.  A request
 * that finds nothing of its type goes to another's, in this order:
 *
 *	unmovable	reclaimable, movable
 *	movable		reclaimable, unmovable
 *	reclaimable	unmovable, movable
 *
 * It takes the largest block there is, so that such a thing is rare and what comes next finds
 * the rest of it; and if at least half of the page block is free, or used by its own kind,
 * the whole page block changes its type, and all that is free in it changes lists:
 *
 *	unmovable wants a page:	 movable |..MM....|  ->  unmovable |U.MM....|
 *
 * Else the page block stays what it is.  Then movable memory, which others want to be rid of
 * one day, takes the smallest block instead, and does not ask unless the largest is large.
 *
 * A frame that was taken has its page block's type in page->flags, and goes back onto that
 * type's stacks (pcp.c) without a look at the table.  If the page block has changed since, the
 * frame is what it was until it gets back to the zone.
 *
 * A machine that is too small to have a few page blocks for each type has no table, nor has a
 * test's zone that did not ask: everything is of one type then.
 *
 * Invariants: B.7, B.8 of buddy.c.  Locking: the caller holds zone->lock.  What others do with
 * their frames meanwhile is read as it is; it matters for a guess only.
 * Cost: O(1); a page block is looked through when another type's is taken.
 */
#include "page_internal.h"

bool page_group_by_mobility_disabled;

static const enum migratetype others[MIGRATE_TYPES][MIGRATE_TYPES - 1] = {
	[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

void zone_group(struct zone *zone, u8 *types, unsigned order)
{
	zone->pageblock_order = order;
	zone->pageblock_types = types;
}

/* Page blocks of [@pfn, @end). */
static void set_types(struct zone *zone, pfn_t pfn, pfn_t end, enum migratetype type)
{
	unsigned order = zone->pageblock_order;
	unsigned long first = pfn >> order, n = ((end - 1) >> order) - first + 1;

	if (zone->pageblock_types && pfn < end)
		__builtin_memset(zone->pageblock_types + first - (zone->zone_start_pfn >> order), type, n);
}

void zone_group_frames(struct zone *zone, pfn_t pfn, pfn_t end)
{
	set_types(zone, max(pfn, zone->zone_start_pfn), min(end, zone->zone_start_pfn + zone->spanned_pages),
		  MIGRATE_MOVABLE);
}

void set_pageblocks(struct zone *zone, pfn_t pfn, unsigned order, enum migratetype type)
{
	set_types(zone, pfn, pfn + (1UL << order), type);
}

/* ---- one page block ------------------------------------------------------------ */

/* That part of a page block that the zone has. */
struct span {
	pfn_t start, end;
};

static struct span pageblock_span(const struct zone *zone, pfn_t pfn)
{
	pfn_t start = ALIGN_DOWN(pfn, 1UL << zone->pageblock_order);

	return (struct span){ max(start, zone->zone_start_pfn),
			      min(start + (1UL << zone->pageblock_order), zone->zone_start_pfn + zone->spanned_pages) };
}

/* Can somebody move it away?  An owner may say so of single frames and of blocks; slabs stay. */
static bool is_movable(const struct page *page)
{
	return !(READ_ONCE(page->flags) & (1UL << PG_slab | 1UL << PG_reserved)) &&
	       page_migratetype(page) == MIGRATE_MOVABLE;
}

/* Frames from @page on that are alike: a free block, one in use, or a frame of which little can be said. */
static unsigned long frames_alike(const struct page *page)
{
	bool whole = PageBuddy(page) || (!PageSlab(page) && (PagePcp(page) || page_count(page) > 0));

	return whole ? 1UL << min(READ_ONCE(page->order), (u8)MAX_PAGE_ORDER) : 1;
}

/* Of a page block of type @old, is at least half free, or in use as @type? */
static bool mostly_like(const struct zone *zone, struct span s, enum migratetype old, enum migratetype type)
{
	unsigned long half = 1UL << zone->pageblock_order >> 1, like = 0, n;

	for (pfn_t pfn = s.start; pfn < s.end && like < half; pfn += n) {
		const struct page *page = zone_page(zone, pfn);

		n = min(frames_alike(page), s.end - pfn);
		if (PageBuddy(page) ||
		    (type == MIGRATE_MOVABLE ? is_movable(page) : old == MIGRATE_MOVABLE && !is_movable(page)))
			like += n;
	}
	return like >= half;
}

/* The page block becomes @type, and so does all that is free in it. */
static void change_type(struct zone *zone, struct span s, enum migratetype old, enum migratetype type)
{
	set_types(zone, s.start, s.end, type);
	for (pfn_t pfn = s.start; pfn < s.end; ) {
		struct page *page = zone_page(zone, pfn);

		if (!PageBuddy(page)) {
			pfn++;
			continue;
		}
		pfn += 1UL << page->order;
		free_list_move(zone, page, old, type);
	}
}

/* ---- another type's ------------------------------------------------------------- */

/* The largest (or smallest) order from @order up that another type than @type has a block of, and *@other: which. */
static unsigned find_other(const struct zone *zone, unsigned order, enum migratetype type, bool largest,
			   enum migratetype *other)
{
	unsigned first = zone->free_orders[others[type][0]] >> order, second = zone->free_orders[others[type][1]] >> order;
	unsigned orders = first | second, n;

	if (!orders)
		return NR_PAGE_ORDERS;
	n = largest ? 31 - (unsigned)__builtin_clz(orders) : (unsigned)__builtin_ctz(orders);
	*other = others[type][first >> n & 1 ? 0 : 1];
	return order + n;
}

/* The first block of order @from on @other's list: does the page block, or do those that it fills, become @type now? */
static bool take_over(struct zone *zone, unsigned from, enum migratetype other, enum migratetype type)
{
	struct page *page = list_first_entry(&zone->free_area[from].free_list[other], struct page, lru);
	pfn_t pfn = zone_page_pfn(zone, page);
	struct span s = pageblock_span(zone, pfn);

	if (from >= zone->pageblock_order) {
		set_pageblocks(zone, pfn, from, type);
		free_list_move(zone, page, other, type);
		return true;
	}
	if ((type == MIGRATE_MOVABLE && from < zone->pageblock_order / 2) || !mostly_like(zone, s, other, type))
		return false;
	change_type(zone, s, other, type);
	return true;
}

unsigned find_other_block(struct zone *zone, unsigned order, enum migratetype *type)
{
	enum migratetype want = *type;
	unsigned from = zone->pageblock_types ? find_other(zone, order, want, true, type) : NR_PAGE_ORDERS;

	if (from == NR_PAGE_ORDERS)
		return from;
	if (take_over(zone, from, *type, want)) {
		*type = want;
		return lowest_free(zone, order, want);
	}
	return want == MIGRATE_MOVABLE ? find_other(zone, order, want, false, type) : from;
}
