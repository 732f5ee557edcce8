/* SPDX-License-Identifier: MIT */
/*
 * page_internal.h: between the files of mm/page.
 */
#ifndef PAGE_INTERNAL_H
#define PAGE_INTERNAL_H

#include <quarry/zone.h>

/** attempt_from_freelist() - one attempt, out of line (alloc.c): the first zone that can give it and keep @wmark. */
struct page *attempt_from_freelist(gfp_t gfp, unsigned order, const struct zonelist *list,
				   enum zone_watermarks wmark, unsigned alloc_flags);

/** alloc_pages_slowpath() - what follows when the attempt above low failed (slowpath.c). */
struct page *alloc_pages_slowpath(gfp_t gfp, unsigned order, int nid, unsigned long caller);

/* ---- between buddy.c and mobility.c; everywhere the caller holds zone->lock ------------------ */

static inline pfn_t zone_page_pfn(const struct zone *zone, const struct page *page)
{
	return zone->zone_start_pfn + (pfn_t)(page - zone->zone_mem_map);
}

static inline struct page *zone_page(const struct zone *zone, pfn_t pfn)
{
	return zone->zone_mem_map + (pfn - zone->zone_start_pfn);
}

/* page->flags of a frame that was taken from a list of @type. */
static inline unsigned long taken_flags(const struct zone *zone, enum migratetype type)
{
	return zone->frame_flags | (unsigned long)type << PG_TYPE_SHIFT;
}

/* The lowest order from @order up that has a free block of @type; NR_PAGE_ORDERS: none has. */
static inline unsigned lowest_free(const struct zone *zone, unsigned order, enum migratetype type)
{
	unsigned orders = zone->free_orders[type] >> order;

	return orders ? order + (unsigned)__builtin_ctz(orders) : NR_PAGE_ORDERS;
}

/* buddy.c: a free block goes from one type's list to another's; its page block does, too. */
void free_list_move(struct zone *zone, struct page *page, enum migratetype from, enum migratetype to);

/* mobility.c: all page blocks that the block (@pfn, @order), a page block or more, lies in become @type. */
void set_pageblocks(struct zone *zone, pfn_t pfn, unsigned order, enum migratetype type);

/*
 * mobility.c: *@type has no block of @order.  What other type has one, and may a page block
 * of it become *@type?  Return: as find_block() of buddy.c.
 */
unsigned find_other_block(struct zone *zone, unsigned order, enum migratetype *type);

#endif
