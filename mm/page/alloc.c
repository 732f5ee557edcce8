/* SPDX-License-Identifier: MIT */
/*
 * alloc.c: the page allocator's front: masks, zonelists, attempts (rows B5-B7).
 *
 * The path of a request:
 *
 *	__get_free_pages -> alloc_pages -> __alloc_pages -> get_page_from_freelist
 *		-> zonelist (best zone first) -> zone: the CPU's own list (order 0), or
 *		the buddy lists
 *
 * get_page_from_freelist() is one attempt: the first zone of the list that can
 * give the block and keep its watermark, by bringing some of its memory online if
 * there is any that nobody needed yet (section.c).  The first asks for all zones to stay
 * above `low`.  When it fails, slowpath.c goes on.
 *
 * Giving back: free.c.
 *
 * Locking: none of its own; the zone's lock or interrupts off inside pcp and buddy.
 */
#include "page_internal.h"

#include <quarry/init.h>
#include <quarry/inject.h>
#include <quarry/report.h>

struct page *mem_map;
pfn_t max_pfn, max_low_pfn;
void *high_memory;
unsigned long vmalloc_window[2];

/* ---- handing out ------------------------------------------------------------ */

static __noinline void prep_compound_page(struct page *page, unsigned order)
{
	__SetPageHead(page);
	for (unsigned long i = 1; i < 1UL << order; i++) {
		__SetPageTail(page + i);
		page[i].first_page = page;
	}
}

static __noinline void clear_block(struct page *page, unsigned order)
{
	for (unsigned long i = 0; i < 1UL << order; i++) {
		if (PageHighMem(page + i))
			clear_high_page(page + i);
		else
			clear_page(page_address(page + i));
	}
}

static __always_inline struct page *prep_new_page(struct page *page, unsigned order, gfp_t gfp)
{
	page->private = 0;
	page->mapping = NULL;
	atomic_set(&page->_count, 1);
	if (gfp & __GFP_ZERO)
		clear_block(page, order);
	if (order && gfp & __GFP_COMP)
		prep_compound_page(page, order);
	return page;
}

static __always_inline struct page *take_from(struct zone *zone, unsigned order, gfp_t gfp)
{
	return order ? zone_alloc_block(zone, order, gfp_migratetype(gfp)) : pcp_alloc(zone, gfp_migratetype(gfp));
}

/* The zone's lists are short, but some of its memory may be deferred (section.c). */
static __cold_path struct page *grow_and_take(struct zone *zone, unsigned order, unsigned long mark, gfp_t gfp,
					      unsigned alloc_flags)
{
	unsigned long keep = (mark >> (alloc_flags & ALLOC_DEPTH)) + zone->lowmem_reserve[gfp_zone(gfp)];

	if (!READ_ONCE(zone->deferred_pages))
		return NULL;
	return zone_grow_for(zone, order, alloc_flags & ALLOC_NO_WATERMARKS ? 0 : keep) ? take_from(zone, order, gfp) : NULL;
}

/* One attempt: the first zone that can give it and keep @wmark.  Whether it has the block, its lists say. */
static __always_inline struct page *get_page_from_freelist(gfp_t gfp, unsigned order, const struct zonelist *list,
							   enum zone_watermarks wmark, unsigned alloc_flags)
{
	enum zone_type highest = gfp_zone(gfp);
	const struct zoneref *ref;
	struct page *page;

	for (ref = list->zonerefs; ref->zone; ref++) {
		struct zone *zone = ref->zone;

		page = zone_above_mark(zone, order, zone->watermark[wmark], highest, alloc_flags) ?
		       take_from(zone, order, gfp) : NULL;
		if (SPARSE_MEM_MAP && unlikely(!page))
			page = grow_and_take(zone, order, zone->watermark[wmark], gfp, alloc_flags);
		if (page)
			return prep_new_page(page, order, gfp);
	}
	return NULL;
}

struct page *attempt_from_freelist(gfp_t gfp, unsigned order, const struct zonelist *list,
				   enum zone_watermarks wmark, unsigned alloc_flags)
{
	return get_page_from_freelist(gfp, order, list, wmark, alloc_flags);
}

/* ---- asking ------------------------------------------------------------------- */

/* More than one zone, or behaviours that may contradict each other: look closely. */
#define GFP_LOOK_CLOSELY (~__GFP_BITS_MASK | __GFP_NOFAIL | __GFP_MEMALLOC | __GFP_NORETRY)
#define GFP_ZONES_VALID (1u << 0 | 1u << __GFP_DMA | 1u << __GFP_HIGHMEM | 1u << __GFP_DMA32)
#define GFP_PLACES_VALID (GFP_ZONES_VALID | GFP_ZONES_VALID << __GFP_MOVABLE | GFP_ZONES_VALID << __GFP_RECLAIMABLE)

static __cold_path bool request_refused(const char *call, gfp_t gfp, unsigned order, unsigned long caller)
{
	const char *why = gfp_contradiction(gfp);
	char words[120];

	if (mm_stage < MM_PAGES) {
		misuse(MISUSE_CONTEXT, caller, "%s(order %u): called too early: "
		       "before mm_init() only memblock_alloc() gives memory", call, order);
	} else if (order > MAX_PAGE_ORDER) {
		misuse(MISUSE_SIZE, caller, "%s(order %u): the largest order is %d", call, order, MAX_PAGE_ORDER);
	} else if (why) {
		misuse(MISUSE_GFP, caller, "%s(%s): contradictory mask: %s", call,
		       gfp_format(words, sizeof(words), gfp), why);
	} else if (gfp & __GFP_WAIT && preempt_count()) {
		misuse(MISUSE_CONTEXT, caller, "%s(%s): may sleep, but called %s; use GFP_ATOMIC", call,
		       gfp_format(words, sizeof(words), gfp),
		       in_interrupt() ? "in an interrupt" : "with preemption off");
	} else {
		return cpu_armed() && fail_nth_now(gfp, caller);
	}
	return true;
}

/* May it sleep where that is forbidden, or is it perhaps to fail? */
static __noinline bool not_at_rest(gfp_t gfp)
{
	return (gfp & __GFP_WAIT && preempt_count()) || cpu_armed();
}

static inline bool request_suspect(gfp_t gfp, unsigned order)
{
	return order > MAX_PAGE_ORDER || gfp & GFP_LOOK_CLOSELY || mm_stage < MM_PAGES ||
	       !(GFP_PLACES_VALID >> (gfp & GFP_PLACE_MASK) & 1) || (!cpu_at_rest() && not_at_rest(gfp));
}

static inline bool request_ok(const char *call, gfp_t gfp, unsigned order, unsigned long caller)
{
	return likely(!request_suspect(gfp, order)) || !request_refused(call, gfp, order, caller);
}

static __always_inline struct page *__alloc_pages(gfp_t gfp, unsigned order, int nid, unsigned long caller)
{
	const struct zonelist *list = node_zonelist(nid, gfp);
	struct page *page = get_page_from_freelist(gfp, order, list, WMARK_LOW, 0);

	return likely(page) ? page : alloc_pages_slowpath(gfp, order, nid, caller);
}

/* Masks that need no second look, once a frame is found on first_pcp[]. */
#define GFP_FRAME_PLAIN (GFP_PLACE_MASK | __GFP_WAIT | __GFP_IO | __GFP_FS | __GFP_HIGH | __GFP_NOWARN |	\
			 __GFP_COMP | __GFP_NOMEMALLOC | __GFP_ACCOUNT | __GFP_KSWAPD_RECLAIM | __GFP_HARDWALL)

/* The hot way: the frame on top of this CPU's stack.  False: there is none, or not in this context. */
static __always_inline bool hot_frame(gfp_t gfp, struct page **page)
{
	struct per_cpu_pages *pcp;
	int count;

	if (!cpu_claim_at_rest())
		return false;
	pcp = first_pcp[smp_processor_id()][gfp & GFP_PLACE_MASK];
	count = READ_ONCE(pcp->count);
	if (unlikely(!count)) {
		cpu_release();
		return false;
	}
	*page = pcp_pop(pcp, count);
	cpu_release();
	prep_new_page(*page, 0, 0);
	return true;
}

/* The same for a block, of the @i-th kind that the CPU keeps; such stacks are filled by freeing only. */
static __always_inline bool hot_block(gfp_t gfp, unsigned i, struct page **page)
{
	struct pcp_blocks *b;
	int count;

	if (!cpu_claim_at_rest())
		return false;
	b = &first_pcp[smp_processor_id()][gfp & GFP_PLACE_MASK]->blocks[i];
	hide_origin(b);
	count = READ_ONCE(b->count);
	if (unlikely(!count)) {
		cpu_release();
		return false;
	}
	*page = pcp_pop_block(b, count);
	cpu_release();
	prep_new_page(*page, 0, 0);
	return true;
}

static __noinline struct page *alloc_pages_slow(gfp_t gfp, unsigned order, unsigned long caller)
{
	struct page *page;

	if (!order && gfp & __GFP_ZERO && !(gfp & ~(GFP_FRAME_PLAIN | __GFP_ZERO)) && hot_frame(gfp, &page)) {
		clear_block(page, 0);
		return page;
	}
	if (order == PAGEBLOCK_ORDER && !(gfp & ~(GFP_FRAME_PLAIN | __GFP_ZERO | __GFP_NORETRY)) &&
	    hot_block(gfp, PCP_HUGE, &page))
		return prep_new_page(page, order, gfp);
	if (!request_ok("alloc_pages", gfp, order, caller))
		return NULL;
	return __alloc_pages(gfp, order, numa_node_id(), caller);
}

static __noinline struct page *alloc_small_block(gfp_t gfp, unsigned order, unsigned long caller)
{
	struct page *page;

	if (likely(!(gfp & (~GFP_FRAME_PLAIN | __GFP_COMP))) && likely(hot_block(gfp, order - 1, &page)))
		return page;
	return alloc_pages_slow(gfp, order, caller);
}

struct page *alloc_pages(gfp_t gfp, unsigned order)
{
	unsigned long caller;
	struct page *page;

	if (likely(!(gfp & ~GFP_FRAME_PLAIN)) && likely(!order) && likely(hot_frame(gfp, &page)))
		return page;
	caller = _RET_IP_;
	hide_origin(caller);
	if (!order)
		return alloc_pages_slow(gfp, 0, caller);
	hide_origin(order);	/* else the two looks at it become one, and each way pays for the other's */
	return order <= PCP_MAX_ORDER ? alloc_small_block(gfp, order, caller) : alloc_pages_slow(gfp, order, caller);
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned order)
{
	if (nid == NUMA_NO_NODE)
		nid = numa_node_id();
	if (mm_stage >= MM_PAGES && (nid < 0 || nid >= num_online_nodes())) {
		misuse(MISUSE_ARGUMENT, _RET_IP_, "alloc_pages_node(%d): nodes are 0 ... %d", nid, nr_online_nodes - 1);
		return NULL;
	}
	if (!request_ok("alloc_pages_node", gfp, order, _RET_IP_))
		return NULL;
	return __alloc_pages(gfp, order, nid, _RET_IP_);
}

/* Blocks that @zone can give before it is down to its low watermark. */
static unsigned long zone_spare(const struct zone *zone, unsigned order, enum zone_type highest)
{
	unsigned long free = READ_ONCE(zone->nr_free) + READ_ONCE(zone->deferred_pages);
	unsigned long keep = zone->watermark[WMARK_LOW] + zone->lowmem_reserve[highest];

	return free > keep ? (free - keep) >> order : 0;
}

/* Up to @nr blocks from the zone's buddy lists, onto @list. */
static unsigned long zone_alloc_blocks(struct zone *zone, unsigned order, unsigned long nr, enum migratetype type,
				       struct list_head *list)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock), got = 0;
	struct page *page;

	if (!order)
		got = buddy_alloc_frames(zone, nr, list, type);
	else
		for (; got < nr && (page = buddy_alloc(zone, order, type)); got++)
			list_add_tail(&page->lru, list);
	zone->pageset[smp_processor_id()].event[PGALLOC] += got << order;
	spin_unlock_irqrestore(&zone->lock, flags);
	return got;
}

/* What @zone can spare, up to @nr blocks onto @list, though it has to grow for them. */
static unsigned long zone_alloc_spare(struct zone *zone, unsigned order, unsigned long nr, gfp_t gfp,
				      struct list_head *list)
{
	enum zone_type highest = gfp_zone(gfp);
	unsigned long got = 0;

	do {
		got += zone_alloc_blocks(zone, order, min(nr - got, zone_spare(zone, order, highest)),
					 gfp_migratetype(gfp), list);
	} while (SPARSE_MEM_MAP && got < nr && zone_spare(zone, order, highest) && zone_grow(zone));
	return got;
}

/* Several that the zones can spare; else one in the ordinary way. */
static __always_inline unsigned long alloc_bulk(gfp_t gfp, unsigned order, unsigned long nr, struct list_head *list,
						unsigned long caller)
{
	const struct zoneref *ref = node_zonelist(numa_node_id(), gfp)->zonerefs;
	unsigned long got = 0;
	struct page *page;
	LIST_HEAD(taken);

	for (; nr > 1 && ref->zone && got < nr; ref++)
		got += zone_alloc_spare(ref->zone, order, nr - got, gfp, &taken);
	list_for_each_entry(page, &taken, lru)
		prep_new_page(page, order, gfp);
	if (!got && nr && (page = __alloc_pages(gfp, order, numa_node_id(), caller))) {
		list_add_tail(&page->lru, &taken);
		got = 1;
	}
	list_splice_tail_init(&taken, list);
	return got;
}

unsigned long alloc_pages_bulk_list(gfp_t gfp, unsigned long nr, struct list_head *list)
{
	if (!request_ok("alloc_pages_bulk_list", gfp, 0, _RET_IP_))
		return 0;
	return alloc_bulk(gfp, 0, nr, list, _RET_IP_);
}

unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long nr, struct page **pages)
{
	unsigned long wanted = 0, i;
	struct page *page;
	LIST_HEAD(list);

	if (!request_ok("alloc_pages_bulk", gfp, 0, _RET_IP_))
		return 0;
	for (i = 0; i < nr; i++)
		wanted += !pages[i];
	while (wanted && (i = alloc_bulk(gfp, 0, wanted, &list, _RET_IP_)))
		wanted -= i;
	for (i = 0; i < nr && (pages[i] || !list_empty(&list)); i++) {
		if (pages[i])
			continue;
		page = list_first_entry(&list, struct page, lru);
		list_del(&page->lru);
		pages[i] = page;
	}
	return i;
}

unsigned long alloc_blocks_bulk_list(gfp_t gfp, unsigned order, unsigned long nr, struct list_head *list)
{
	if (!request_ok("alloc_blocks_bulk_list", gfp, order, _RET_IP_))
		return 0;
	return alloc_bulk(gfp, order, nr, list, _RET_IP_);
}

/* A block with an address: never from high memory (row B6). */
static __always_inline unsigned long get_free_pages(const char *call, gfp_t gfp, unsigned order, unsigned long caller)
{
	struct page *page;

	if (gfp & __GFP_HIGHMEM) {
		misuse(MISUSE_GFP, caller, "%s(__GFP_HIGHMEM): returns an address, and high memory has none; "
		       "use alloc_pages() and kmap()", call);
		return 0;
	}
	if (!order && !(gfp & ~(GFP_FRAME_PLAIN | __GFP_ZERO)) && hot_frame(gfp, &page)) {
		if (gfp & __GFP_ZERO)
			clear_page(page_address(page));
		return (unsigned long)page_address(page);
	}
	if (!request_ok(call, gfp, order, caller))
		return 0;
	page = __alloc_pages(gfp, order, numa_node_id(), caller);
	return page ? (unsigned long)page_address(page) : 0;
}

unsigned long __get_free_pages(gfp_t gfp, unsigned order)
{
	return get_free_pages("__get_free_pages", gfp, order, _RET_IP_);
}

unsigned long get_zeroed_page(gfp_t gfp)
{
	return get_free_pages("get_zeroed_page", gfp | __GFP_ZERO, 0, _RET_IP_);
}
