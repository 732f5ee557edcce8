/* SPDX-License-Identifier: MIT */
/*
 * free.c: the way back into the page allocator (rows B1, B4).
 *
 * A frame is freed by the one who drops the last reference.  What is handed in is
 * looked at first (free_refused): each of these is one bit or one number in struct
 * page, so the checks are always on.  A page that is free already has count 0; the
 * order a block was taken with is in its first page.
 *
 * A single frame goes to the CPU's own list, a block to the zone.  Of many at once
 * (put_pages_list), those side by side go to the zone together, already merged:
 *
 *	list	40 41 42 43 | 17 | 90 89 88	->  zone: 40 ... 43, 88 ... 90;  CPU: 17
 *
 * Locking: none of its own; the zone's lock or interrupts off inside pcp and buddy.
 * Failure: misuse is reported, and nothing is changed.  Cost: O(MAX_PAGE_ORDER) a block.
 *
 * Unlike Linux: the order given to __free_pages is checked; put_page() of a block
 * that is not compound frees the whole of it, since its order is known.
 */
#include <quarry/report.h>
#include <quarry/zone.h>

/* All flag bits that an owner may leave set; the rest say that the page is not his to free. */
#define PAGE_FLAGS_OWNER (1UL << PG_locked | 1UL << PG_dirty | 1UL << PG_referenced | \
			  1UL << PG_uptodate | 1UL << PG_head)
#define PAGE_FLAGS_ALL ((1UL << __NR_PAGEFLAGS) - 1)
#define PAGE_FLAGS_NOT_FREEABLE (PAGE_FLAGS_ALL & ~PAGE_FLAGS_OWNER)

/* ---- is it to be freed? -------------------------------------------------------- */

static inline bool still_kmapped(const struct page *page)
{
	return PageHighMem(page) && kmap_users(page);
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

	if (!page_valid(page))
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
		       page_address(page));
	else if (page->order != order)
		misuse(MISUSE_WRONG_ORDER, caller, "%s(pfn %lu, order %u): allocated with order %u", call, pfn, order,
		       page->order);
	else
		return false;
	return true;
}

static inline bool free_suspect(const struct page *page, unsigned order)
{
	return !page_valid(page) || page->flags & PAGE_FLAGS_NOT_FREEABLE || page_count(page) <= 0 ||
	       page->order != order || still_kmapped(page);
}

/* ---- giving back ---------------------------------------------------------------- */

static __noinline void clear_compound(struct page *page, unsigned order)
{
	for (unsigned long i = 1; i < 1UL << order; i++) {
		__ClearPageTail(page + i);
		page[i].first_page = NULL;
	}
}

/* Nobody refers to the block any more: back to where it came from. */
static __always_inline void free_block(struct page *page, unsigned order)
{
	struct zone *zone = page_zone(page);
	bool compound = PageHead(page);

	if (unlikely(compound))
		clear_compound(page, order);
	page->flags &= ~PAGE_FLAGS_OWNER;
	if (!order)
		pcp_free(zone, page);
	else if (order == PAGEBLOCK_ORDER && !compound)
		pcp_free_huge(zone, page);
	else
		zone_free_block(zone, page, order);
}

/* Others still hold the first page: free the rest, in the blocks that it halves into. */
static __noinline void free_all_but_first(struct page *page, unsigned order)
{
	page->order = 0;
	while (order--) {
		page[1UL << order].order = (u8)order;
		page_take_type(&page[1UL << order], page);
		free_block(page + (1UL << order), order);
	}
}

static int drop_reference(struct page *page)
{
	return __atomic_fetch_sub(&page->_count.counter, 1, __ATOMIC_ACQ_REL);
}

/* From one user to none.  False: there are more, or none. */
static inline bool drop_last_reference(struct page *page)
{
	int one = 1;

	return __atomic_compare_exchange_n(&page->_count.counter, &one, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
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

/*
 * The hot way: a frame in order, of whom its last user is here, onto this CPU's stack.
 * False: no room, not in this context, or something to look at closely.
 */
static __always_inline bool free_hot_frame(struct page *page)
{
	struct per_cpu_pages *pcp;

	if (unlikely(!page_valid(page)) || unlikely(page->flags & PAGE_FLAGS_ALL) || unlikely(page->order) ||
	    unlikely(HAVE_HIGHMEM && kmap_users(page)) || !cpu_claim_at_rest())
		return false;
	pcp = page_pcp(page);
	hide_origin(pcp);
	if (unlikely(pcp->count >= pcp->high) || unlikely(!drop_last_reference(page))) {
		cpu_release();
		return false;
	}
	pcp_push(pcp, page);
	cpu_release();
	return true;
}

/* The same for a small block. */
static __always_inline bool free_hot_block(struct page *page, unsigned order)
{
	struct pcp_blocks *b;

	if (unlikely(!page_valid(page)) || unlikely(page->flags & PAGE_FLAGS_ALL) ||
	    unlikely(page->order != order) || unlikely(HAVE_HIGHMEM && kmap_users(page)) || !cpu_claim_at_rest())
		return false;
	b = &page_pcp(page)->blocks[order - 1];
	hide_origin(b);
	if (unlikely(b->count >= b->max) || unlikely(!drop_last_reference(page))) {
		cpu_release();
		return false;
	}
	pcp_push_block(b, page);
	cpu_release();
	return true;
}

static __noinline void free_pages_slow(struct page *page, unsigned order, unsigned long caller)
{
	free_pages_checked(page, order, "__free_pages", caller);
}

static __noinline void free_small_block(struct page *page, unsigned order, unsigned long caller)
{
	if (unlikely(!free_hot_block(page, order)))
		free_pages_slow(page, order, caller);
}

void __free_pages(struct page *page, unsigned order)
{
	unsigned long caller;

	if (likely(!order) && likely(free_hot_frame(page)))
		return;
	caller = _RET_IP_;
	hide_origin(caller);
	if (!order) {
		free_pages_slow(page, 0, caller);
		return;
	}
	hide_origin(order);	/* as in alloc_pages() */
	if (order <= PCP_MAX_ORDER)
		free_small_block(page, order, caller);
	else
		free_pages_slow(page, order, caller);
}

void free_pages(unsigned long addr, unsigned order)
{
	if (!addr)
		return;
	if (!virt_addr_valid((void *)addr) || !IS_ALIGNED(addr, PAGE_SIZE)) {
		misuse(MISUSE_FOREIGN, _RET_IP_, "free_pages(0x%lx): not the address of a page of low memory", addr);
		return;
	}
	if (order || !free_hot_frame(virt_to_page((void *)addr)))
		free_pages_checked(virt_to_page((void *)addr), order, "free_pages", _RET_IP_);
}

void get_page(struct page *page)
{
	struct page *head = page_valid(page) ? compound_head(page) : NULL;

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

	if (!page_valid(page)) {
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

static void free_run_end(struct free_run *run)
{
	if (run->nr)
		zone_free_run(run->first, run->nr);
	run->nr = 0;
}

/* Is @page beside @run, in the same zone?  Then it is part of it. */
static inline bool free_run_joins(struct free_run *run, struct page *page)
{
	if (!run->nr || page_zone(page) != page_zone(run->first))
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

/* A block, one that others use too, or misuse. */
static __noinline void put_odd_page(struct page *page, const char *call, unsigned long caller)
{
	put_page_from(page, call, caller);
}

/* A single frame in the hands of one user, who may free it? */
static __always_inline bool plain_frame(const struct page *page)
{
	return !(page->flags & PAGE_FLAGS_NOT_FREEABLE) && page->order == 0 && page_count(page) == 1 &&
	       !still_kmapped(page);
}

/* One user less of the plain @page: it joins @run, or begins another. */
static __always_inline void put_into_run(struct free_run *run, struct page *page, const char *call,
					 unsigned long caller)
{
	int users = drop_reference(page);

	if (likely(users == 1))
		free_run_add(run, page);
	else if (users < 1)
		free_lost_race(page, call, caller);
}

void put_pages_list(struct list_head *list)
{
	struct free_run run = { .nr = 0 };

	while (!list_empty(list)) {
		struct page *page = list_first_entry(list, struct page, lru);

		list_del(&page->lru);
		if (likely(page_valid(page) && plain_frame(page)))
			put_into_run(&run, page, "put_pages_list", _RET_IP_);
		else
			put_odd_page(page, "put_pages_list", _RET_IP_);
	}
	free_run_end(&run);
}

void free_contig_range(pfn_t pfn, unsigned long nr)
{
	struct free_run run = { .nr = 0 };

	if (!nr || pfn >= max_pfn || nr > max_pfn - pfn) {
		misuse(MISUSE_FOREIGN, _RET_IP_, "free_contig_range(pfn %lu, %lu): frames end at %lu", pfn, nr, max_pfn);
		return;
	}
	for (struct page *page = pfn_to_page(pfn); nr--; page++)
		if (likely(page_valid(page) && plain_frame(page)))
			put_into_run(&run, page, "free_contig_range", _RET_IP_);
		else
			put_odd_page(page, "free_contig_range", _RET_IP_);
	free_run_end(&run);
}

void split_page(struct page *page, unsigned order)
{
	if (!page_valid(page) || page->flags & (PAGE_FLAGS_NOT_FREEABLE | 1UL << PG_head) || page_count(page) <= 0 ||
	    page->order != order) {
		misuse(MISUSE_ARGUMENT, _RET_IP_, "split_page(pfn %lu, order %u): not a plain block of that order",
		       page_to_pfn(page), order);
		return;
	}
	for (unsigned long i = 0; i < 1UL << order; i++) {
		page[i].order = 0;
		page[i].private = 0;
		page[i].mapping = NULL;
		if (!i)		/* the first may have further users */
			continue;
		page_take_type(&page[i], page);
		atomic_set(&page[i]._count, 1);
	}
}
