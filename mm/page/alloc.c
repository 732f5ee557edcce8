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
 * give the block and keep its watermark.  When it fails, the next attempt asks
 * with other flags (row B7):
 *
 *	1. above `low`				everybody
 *	2. above `min`; __GFP_HIGH: half of it	everybody
 *	3. down to the last page		__GFP_MEMALLOC only
 *	4. the CPUs' lists go back to their zones (with __GFP_WAIT: reclaim, first),
 *	   then 2 and 3 again: as long as reclaim frees something (__GFP_NORETRY: once)
 *	5. NULL, with a report unless __GFP_NOWARN; __GFP_NOFAIL goes on at 4
 *
 * Giving back.  A frame is freed by the one who drops the last reference.  What is
 * handed in is looked at first (free_refused): each of these is one bit or one
 * number in struct page, so the checks are always on.  A page that is free already
 * has count 0; the order a block was taken with is in its first page.
 *
 * Locking: none of its own; the zone's lock or interrupts off inside pcp and buddy.
 *
 * Unlike Linux: the order given to __free_pages is checked; put_page() of a block
 * that is not compound frees the whole of it, since its order is known.
 */
#include <quarry/init.h>
#include <quarry/report.h>
#include <quarry/zone.h>

struct page *mem_map;
pfn_t max_pfn, max_low_pfn;
void *high_memory;
unsigned long vmalloc_window[2];

static LIST_HEAD(reclaimers);
static spinlock_t reclaimers_lock;

/* All flag bits that an owner may leave set; the rest say that the page is not his to free. */
#define PAGE_FLAGS_OWNER (1UL << PG_locked | 1UL << PG_dirty | 1UL << PG_referenced | \
			  1UL << PG_uptodate | 1UL << PG_head)
#define PAGE_FLAGS_ALL ((1UL << __NR_PAGEFLAGS) - 1)
#define PAGE_FLAGS_NOT_FREEABLE (PAGE_FLAGS_ALL & ~PAGE_FLAGS_OWNER)

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

/* A block from the zone's buddy lists. */
static struct page *zone_alloc_block(struct zone *zone, unsigned order)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock);
	struct page *page = buddy_alloc(zone, order);

	if (page)
		zone->pageset[smp_processor_id()].event[PGALLOC] += 1UL << order;
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

/* One attempt: the first zone that can give it and keep @wmark. */
static __always_inline struct page *get_page_from_freelist(gfp_t gfp, unsigned order, const struct zonelist *list,
							   enum zone_watermarks wmark, unsigned alloc_flags)
{
	enum zone_type highest = gfp_zone(gfp);
	const struct zoneref *ref;
	struct page *page;

	for (ref = list->zonerefs; ref->zone; ref++) {
		struct zone *zone = ref->zone;

		if (!zone_watermark_ok(zone, order, zone->watermark[wmark], highest, alloc_flags))
			continue;
		page = order ? zone_alloc_block(zone, order) : pcp_alloc(zone);
		if (page)
			return prep_new_page(page, order, gfp);
	}
	return NULL;
}

/* ---- when the first attempt fails -------------------------------------------- */

void register_reclaimer(struct reclaimer *r)
{
	unsigned long flags = spin_lock_irqsave(&reclaimers_lock);

	list_add_tail(&r->link, &reclaimers);
	spin_unlock_irqrestore(&reclaimers_lock, flags);
}

void unregister_reclaimer(struct reclaimer *r)
{
	unsigned long flags = spin_lock_irqsave(&reclaimers_lock);

	list_del(&r->link);
	spin_unlock_irqrestore(&reclaimers_lock, flags);
	while (READ_ONCE(r->busy))
		port_yield();
}

/* Attempts 2 and 3. */
static __noinline struct page *attempt_reserves(gfp_t gfp, unsigned order, const struct zonelist *list)
{
	unsigned alloc_flags = gfp & __GFP_HIGH ? ALLOC_HIGH : 0;
	struct page *page = get_page_from_freelist(gfp, order, list, WMARK_MIN, alloc_flags);

	if (!page && gfp & __GFP_MEMALLOC)
		page = get_page_from_freelist(gfp, order, list, WMARK_MIN, ALLOC_NO_WATERMARKS);
	return page;
}

/* The @i-th reclaimer, which then stays until busy falls; NULL beyond the last. */
static struct reclaimer *reclaimer_get(unsigned i)
{
	unsigned long flags = spin_lock_irqsave(&reclaimers_lock);
	struct reclaimer *r, *found = NULL;

	list_for_each_entry(r, &reclaimers, link) {
		if (i-- == 0) {
			found = r;
			__atomic_fetch_add(&r->busy, 1, __ATOMIC_RELAXED);
			break;
		}
	}
	spin_unlock_irqrestore(&reclaimers_lock, flags);
	return found;
}

static unsigned long reclaim(gfp_t gfp, unsigned order)
{
	unsigned long freed = 0;
	struct reclaimer *r;

	for (unsigned i = 0; (r = reclaimer_get(i)); i++) {
		freed += r->reclaim(r, gfp, order);
		__atomic_fetch_sub(&r->busy, 1, __ATOMIC_RELEASE);
	}
	return freed;
}

static __noinline struct page *alloc_pages_slowpath(gfp_t gfp, unsigned order, const struct zonelist *list,
					 unsigned long caller)
{
	struct page *page = attempt_reserves(gfp, order, list);
	unsigned long freed;

	while (!page) {
		freed = gfp & __GFP_WAIT ? reclaim(gfp, order) : 0;
		drain_all_pages(NULL);
		page = attempt_reserves(gfp, order, list);
		if (gfp & __GFP_NOFAIL)
			port_yield();
		else if (!freed || gfp & __GFP_NORETRY)
			break;
	}
	if (!page && !(gfp & __GFP_NOWARN))
		report_alloc_failure("page allocation", gfp, order, PAGE_SIZE << order, caller);
	return page;
}

/* ---- asking ------------------------------------------------------------------- */

/* More than one zone, or behaviours that may contradict each other: look closely. */
#define GFP_LOOK_CLOSELY (~__GFP_BITS_MASK | __GFP_NOFAIL | __GFP_MEMALLOC | __GFP_NORETRY)
#define GFP_ZONES_VALID (1u << 0 | 1u << __GFP_DMA | 1u << __GFP_HIGHMEM | 1u << __GFP_DMA32)

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
		return false;
	}
	return true;
}

static inline bool request_suspect(gfp_t gfp, unsigned order)
{
	return order > MAX_PAGE_ORDER || gfp & GFP_LOOK_CLOSELY || mm_stage < MM_PAGES ||
	       !(GFP_ZONES_VALID >> (gfp & GFP_ZONEMASK) & 1) || (gfp & __GFP_WAIT && preempt_count());
}

static inline bool request_ok(const char *call, gfp_t gfp, unsigned order, unsigned long caller)
{
	return likely(!request_suspect(gfp, order)) || !request_refused(call, gfp, order, caller);
}

static __always_inline struct page *__alloc_pages(gfp_t gfp, unsigned order, int nid, unsigned long caller)
{
	const struct zonelist *list = &NODE_DATA(nid)->node_zonelists[gfp_zone(gfp)];
	struct page *page = get_page_from_freelist(gfp, order, list, WMARK_LOW, 0);

	return likely(page) ? page : alloc_pages_slowpath(gfp, order, list, caller);
}

struct page *alloc_pages(gfp_t gfp, unsigned order)
{
	if (!request_ok("alloc_pages", gfp, order, _RET_IP_))
		return NULL;
	return __alloc_pages(gfp, order, 0, _RET_IP_);
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned order)
{
	if (nid == -1)
		nid = 0;
	if (mm_stage >= MM_PAGES && (nid < 0 || nid >= nr_online_nodes)) {
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
	unsigned long free = READ_ONCE(zone->nr_free), keep = zone->watermark[WMARK_LOW] + zone->lowmem_reserve[highest];

	return free > keep ? (free - keep) >> order : 0;
}

/* Up to @nr blocks from the zone's buddy lists, onto @list. */
static unsigned long zone_alloc_blocks(struct zone *zone, unsigned order, unsigned long nr, struct list_head *list)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock), got = 0;
	struct page *page;

	if (!order)
		got = buddy_alloc_frames(zone, nr, list);
	else
		for (; got < nr && (page = buddy_alloc(zone, order)); got++)
			list_add_tail(&page->lru, list);
	zone->pageset[smp_processor_id()].event[PGALLOC] += got << order;
	spin_unlock_irqrestore(&zone->lock, flags);
	return got;
}

/* Several that the zones can spare; else one in the ordinary way. */
static __always_inline unsigned long alloc_bulk(gfp_t gfp, unsigned order, unsigned long nr, struct list_head *list,
						unsigned long caller)
{
	const struct zoneref *ref = NODE_DATA(0)->node_zonelists[gfp_zone(gfp)].zonerefs;
	unsigned long got = 0;
	struct page *page;
	LIST_HEAD(taken);

	for (; nr > 1 && ref->zone && got < nr; ref++)
		got += zone_alloc_blocks(ref->zone, order, min(nr - got, zone_spare(ref->zone, order, gfp_zone(gfp))),
					 &taken);
	list_for_each_entry(page, &taken, lru)
		prep_new_page(page, order, gfp);
	if (!got && nr && (page = __alloc_pages(gfp, order, 0, caller))) {
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
	if (!request_ok(call, gfp, order, caller))
		return 0;
	page = __alloc_pages(gfp, order, 0, caller);
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

/* ---- giving back -------------------------------------------------------------- */

static bool is_page(const struct page *page)
{
	unsigned long offset = (unsigned long)page - (unsigned long)mem_map;

	return offset < max_pfn * sizeof(struct page) && offset % sizeof(struct page) == 0;
}

/* High memory's page->virtual is its kmap() address while it has one; low memory's is the slab layer's. */
static inline bool still_kmapped(const struct page *page)
{
	return PageHighMem(page) && page->virtual;
}

/* The first page of the block that @page lies inside of; NULL when it is in none. */
static struct page *enclosing_block(struct page *page)
{
	pfn_t pfn = page_to_pfn(page);

	for (unsigned order = 1; order <= MAX_PAGE_ORDER; order++) {
		struct page *head = pfn_to_page(ALIGN_DOWN(pfn, 1UL << order));

		if (head != page && (PageBuddy(head) || page_count(head) > 0) && head->order >= order)
			return head;
	}
	return NULL;
}

/* A page with count 0 was handed in: free already, or inside a block? */
static void report_free_of_unused(struct page *page, const char *call, unsigned long caller)
{
	struct page *head = PageBuddy(page) || PagePcp(page) ? NULL : enclosing_block(page);

	if (head && !PageBuddy(head))
		misuse(MISUSE_TAIL, caller, "%s(pfn %lu): a frame inside the block of order %u at pfn %lu; "
		       "free that block whole", call, page_to_pfn(page), head->order, page_to_pfn(head));
	else
		misuse(MISUSE_DOUBLE_FREE, caller, "%s(pfn %lu): double free: the frame is free already",
		       call, page_to_pfn(page));
}

/* Something is wrong with freeing @page: say what.  Return: false when nothing is. */
static __cold_path bool free_refused(struct page *page, unsigned order, const char *call,
				     unsigned long caller)
{
	unsigned long pfn = page_to_pfn(page);

	if (!is_page(page))
		misuse(MISUSE_FOREIGN, caller, "%s(%p): not a struct page of mem_map", call, (void *)page);
	else if (PageReserved(page))
		misuse(MISUSE_RESERVED, caller, "%s(pfn %lu): a reserved frame (image, firmware or hole)", call, pfn);
	else if (PageTail(page))
		misuse(MISUSE_TAIL, caller, "%s(pfn %lu): a tail of the compound page at pfn %lu; free its head",
		       call, pfn, page_to_pfn(page->first_page));
	else if (PageSlab(page))	/* a slab is no compound page: its further frames have count 0 */
		misuse(MISUSE_WRONG_LAYER, caller, "%s(pfn %lu): belongs to a slab; use kfree() or kmem_cache_free()",
		       call, pfn);
	else if (page_count(page) == 0)
		report_free_of_unused(page, call, caller);
	else if (page->flags & PAGE_FLAGS_NOT_FREEABLE)
		misuse(MISUSE_WRONG_LAYER, caller, "%s(pfn %lu): in use as %s", call, pfn,
		       PageTable(page) ? "a page table" : PageVmalloc(page) ? "memory of a vmalloc area; use vfree()" :
		       "a large kmalloc; use kfree()");
	else if (still_kmapped(page) && page_count(page) == 1)
		misuse(MISUSE_UNBALANCED, caller, "%s(pfn %lu): still mapped at %p; kunmap() it first", call, pfn,
		       page->virtual);
	else if (page->order != order)
		misuse(MISUSE_WRONG_ORDER, caller, "%s(pfn %lu, order %u): allocated with order %u", call, pfn, order,
		       page->order);
	else
		return false;
	return true;
}

static inline bool free_suspect(const struct page *page, unsigned order)
{
	return !is_page(page) || page->flags & PAGE_FLAGS_NOT_FREEABLE || page_count(page) <= 0 ||
	       page->order != order || still_kmapped(page);
}

static __noinline void clear_compound(struct page *page, unsigned order)
{
	for (unsigned long i = 1; i < 1UL << order; i++) {
		__ClearPageTail(page + i);
		page[i].first_page = NULL;
	}
}

static void zone_free_block(struct zone *zone, struct page *page, unsigned order)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock);

	buddy_free(zone, page, order);
	zone->pageset[smp_processor_id()].event[PGFREE] += 1UL << order;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* Nobody refers to the block any more: back to where it came from. */
static __always_inline void free_block(struct page *page, unsigned order)
{
	struct zone *zone = page_zone(page);

	if (unlikely(PageHead(page)))
		clear_compound(page, order);
	page->flags &= ~PAGE_FLAGS_OWNER;
	if (order)
		zone_free_block(zone, page, order);
	else
		pcp_free(zone, page);
}

/* Others still hold the first page: free the rest, in the blocks that it halves into. */
static __noinline void free_all_but_first(struct page *page, unsigned order)
{
	page->order = 0;
	while (order--) {
		page[1UL << order].order = (u8)order;
		free_block(page + (1UL << order), order);
	}
}

static int drop_reference(struct page *page)
{
	return __atomic_fetch_sub(&page->_count.counter, 1, __ATOMIC_ACQ_REL);
}

/* Between our look and our drop another CPU dropped the last reference: a double free. */
static __cold_path void free_lost_race(struct page *page, const char *call, unsigned long caller)
{
	__atomic_fetch_add(&page->_count.counter, 1, __ATOMIC_RELAXED);
	misuse(MISUSE_DOUBLE_FREE, caller, "%s(pfn %lu): double free: another CPU freed it at the same moment", call,
	       page_to_pfn(page));
}

static __always_inline void free_pages_checked(struct page *page, unsigned order, const char *call, unsigned long caller)
{
	bool compound;
	int users;

	if (unlikely(free_suspect(page, order)) && free_refused(page, order, call, caller))
		return;
	compound = PageHead(page);
	users = drop_reference(page);
	if (likely(users == 1))
		free_block(page, order);
	else if (unlikely(users < 1))
		free_lost_race(page, call, caller);
	else if (order && !compound)
		free_all_but_first(page, order);
}

void __free_pages(struct page *page, unsigned order)
{
	free_pages_checked(page, order, "__free_pages", _RET_IP_);
}

void free_pages(unsigned long addr, unsigned order)
{
	if (!addr)
		return;
	if (!virt_addr_valid((void *)addr) || !IS_ALIGNED(addr, PAGE_SIZE)) {
		misuse(MISUSE_FOREIGN, _RET_IP_, "free_pages(0x%lx): not the address of a page of low memory", addr);
		return;
	}
	free_pages_checked(virt_to_page((void *)addr), order, "free_pages", _RET_IP_);
}

void get_page(struct page *page)
{
	struct page *head = is_page(page) ? compound_head(page) : NULL;

	if (!head)
		misuse(MISUSE_FOREIGN, _RET_IP_, "get_page(%p): not a struct page of mem_map", (void *)page);
	else if (PageReserved(head))
		misuse(MISUSE_RESERVED, _RET_IP_, "get_page(pfn %lu): a reserved frame has no users", page_to_pfn(page));
	else if (page_count(head) <= 0)
		misuse(MISUSE_UNBALANCED, _RET_IP_, "get_page(pfn %lu): the frame is not in use", page_to_pfn(page));
	else
		__atomic_fetch_add(&head->_count.counter, 1, __ATOMIC_RELAXED);
}

/* One user less, where others are left.  Any frame may lose one so, whoever's it is. */
static bool drop_unless_last(struct page *page)
{
	int users = page_count(page);

	while (users > 1)
		if (__atomic_compare_exchange_n(&page->_count.counter, &users, users - 1, true,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	return false;
}

static __always_inline void put_page_from(struct page *page, const char *call, unsigned long caller)
{
	struct page *head;
	int users;

	if (!is_page(page)) {
		misuse(MISUSE_FOREIGN, caller, "%s(%p): not a struct page of mem_map", call, (void *)page);
		return;
	}
	head = compound_head(page);
	if (unlikely(free_suspect(head, head->order)) &&
	    (drop_unless_last(head) || free_refused(head, head->order, call, caller)))
		return;
	users = drop_reference(head);
	if (users == 1)
		free_block(head, head->order);
	else if (users < 1)
		free_lost_race(head, call, caller);
}

void put_page(struct page *page)
{
	put_page_from(page, "put_page", _RET_IP_);
}

/* Frames side by side, no longer in use, on their way back to their zone. */
struct free_run {
	struct page *first;
	unsigned long nr;
};

/* A lone frame is kept by the CPU; neighbours make larger blocks. */
static void free_run_end(struct free_run *run)
{
	struct zone *zone;
	unsigned long flags;

	if (!run->nr)
		return;
	zone = page_zone(run->first);
	if (run->nr == 1) {
		pcp_free(zone, run->first);
	} else {
		flags = spin_lock_irqsave(&zone->lock);
		buddy_free_frames(zone, run->first, run->nr);
		zone->pageset[smp_processor_id()].event[PGFREE] += run->nr;
		spin_unlock_irqrestore(&zone->lock, flags);
	}
	run->nr = 0;
}

/* Is @page beside @run, in the same zone?  Then it is part of it. */
static inline bool free_run_joins(struct free_run *run, struct page *page)
{
	if (!run->nr || (page->flags ^ run->first->flags) >> PG_NODE_SHIFT)
		return false;
	if (page + 1 == run->first)
		run->first = page;
	else if (page != run->first + run->nr)
		return false;
	run->nr++;
	return true;
}

static inline void free_run_add(struct free_run *run, struct page *page)
{
	page->flags &= ~PAGE_FLAGS_OWNER;
	if (free_run_joins(run, page))
		return;
	free_run_end(run);
	run->first = page;
	run->nr = 1;
}

void put_pages_list(struct list_head *list)
{
	struct free_run run = { .nr = 0 };
	int users;

	while (!list_empty(list)) {
		struct page *page = list_first_entry(list, struct page, lru);

		list_del(&page->lru);
		if (page->order || page_count(page) != 1 || unlikely(free_suspect(page, 0))) {
			put_page_from(page, "put_pages_list", _RET_IP_);	/* a block, shared, or misuse */
			continue;
		}
		users = drop_reference(page);
		if (likely(users == 1))
			free_run_add(&run, page);
		else if (users < 1)
			free_lost_race(page, "put_pages_list", _RET_IP_);
	}
	free_run_end(&run);
}

void split_page(struct page *page, unsigned order)
{
	if (!is_page(page) || page->flags & (PAGE_FLAGS_NOT_FREEABLE | 1UL << PG_head) || page_count(page) <= 0 ||
	    page->order != order) {
		misuse(MISUSE_ARGUMENT, _RET_IP_, "split_page(pfn %lu, order %u): not a plain block of that order",
		       page_to_pfn(page), order);
		return;
	}
	for (unsigned long i = 0; i < 1UL << order; i++) {
		page[i].order = 0;
		page[i].private = 0;
		page[i].mapping = NULL;
		if (i)		/* the first may have further users */
			atomic_set(&page[i]._count, 1);
	}
}
