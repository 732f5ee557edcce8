/* SPDX-License-Identifier: MIT */
/*
 * pages.c: rows B1-B7, physical pages.
 */
#include <quarry/highmem.h>
#include <quarry/memalloc.h>
#include <quarry/shrinker.h>
#include <quarry/slab.h>
#include <quarry/string.h>

#include "kernel/machine.h"
#include "util.h"

SELFTEST(B1, count_is_the_number_of_users)
{
	struct page *page = alloc_page(GFP_KERNEL);

	CHECK(page);
	CHECK_EQ(page_count(page), 1);
	get_page(page);
	CHECK_EQ(page_count(page), 2);
	put_page(page);
	CHECK_EQ(page_count(page), 1);
	put_page(page);
	CHECK_EQ(page_count(page), 0);
}

SELFTEST(B1, flags_do_not_disturb_each_other)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned zone, nid;

	CHECK(page);
	zone = page_zonenum(page);
	nid = page_to_nid(page);
	CHECK(!PageLocked(page) && !PageDirty(page) && !PageReserved(page) && !PageSlab(page));
	SetPageLocked(page);
	SetPageDirty(page);
	CHECK(PageLocked(page) && PageDirty(page) && !PageReserved(page) && !PageUptodate(page));
	ClearPageLocked(page);
	CHECK(!PageLocked(page) && PageDirty(page));
	CHECK_EQ(page_zonenum(page), zone);
	CHECK_EQ(page_to_nid(page), nid);
	ClearPageDirty(page);
	__free_page(page);
}

/* Free and in use at once, or two kinds of free: never. */
static bool state_is_single(const struct page *page)
{
	int kinds = PageReserved(page) + PageBuddy(page) + PagePcp(page) + PageSlab(page) + PageVmalloc(page) +
		    PageTable(page) + PageLargeKmalloc(page);
	bool is_free = PageBuddy(page) || PagePcp(page);

	return kinds <= 1 && !(is_free && page_count(page) != 0) && page_count(page) >= 0;
}

SELFTEST(B1, each_frame_is_in_one_state)
{
	unsigned long free = 0;
	struct page *page;
	struct zone *z;
	pfn_t pfn;

	for_each_valid_pfn(pfn, 0, max_pfn) {
		page = pfn_to_page(pfn);
		CHECK_EQ(page_to_pfn(page), pfn);
		CHECK(state_is_single(page));
		if (PageBuddy(page)) {
			free += 1UL << page->order;
			pfn += (1UL << page->order) - 1;
		} else if (PagePcp(page)) {
			free++;
		}
	}
	for_each_zone(z)
		free += z->deferred_pages;	/* no struct page, no state */
	CHECK_EQ(free, st_free_low() + st_free_high());
}

SELFTEST(B2, low_pages_have_a_permanent_address)
{
	struct page *page = alloc_page(GFP_KERNEL);

	CHECK(page && !PageHighMem(page));
	CHECK(page_address(page) == __va(page_to_phys(page)));
	CHECK(kmap(page) == page_address(page));
	kunmap(page);
	CHECK(virt_to_page(page_address(page)) == page);
	CHECK(virt_addr_valid(page_address(page)));
	__free_page(page);
}

SELFTEST(B2, high_pages_have_one_while_mapped)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	void *addr;

	CHECK(page);
	if (!PageHighMem(page)) {
		__free_page(page);
		SKIP("no high memory");
	}
	CHECK(page_address(page) == NULL);
	addr = kmap(page);
	CHECK(addr && page_address(page) == addr);
	CHECK(!virt_addr_valid(addr));
	CHECK(kmap_to_page(addr) == page);
	kunmap(page);
	kmap_flush_unused();
	CHECK(page_address(page) == NULL);
	__free_page(page);
}

SELFTEST(B3, the_node_holds_the_zones)
{
	struct pglist_data *node;
	unsigned long present;
	struct zone *z;
	pfn_t last = 0;
	int nid, zones = 0;

	CHECK(nr_online_nodes >= 1 && nr_online_nodes <= MAX_NUMNODES);
	for_each_online_node(nid) {
		node = NODE_DATA(nid);
		present = 0;
		CHECK_EQ(node->node_id, nid);
		for_each_zone(z) {
			if (z->node != nid)
				continue;
			CHECK(z->zone_pgdat == node && z == &node->node_zones[z->type]);
			CHECK(z->zone_mem_map == pfn_to_page(z->zone_start_pfn));
			present += z->present_pages;
			zones++;
		}
		CHECK_EQ(node->node_present_pages, present);
		CHECK(node->node_mem_map == pfn_to_page(node->node_start_pfn));
		last = max(last, node->node_start_pfn + node->node_spanned_pages);
	}
	CHECK(zones > 0 && zones <= nr_online_nodes * MAX_NR_ZONES);
	CHECK_EQ(last, max_pfn);
}

SELFTEST(B3, zonelists_go_down_from_the_best)
{
	struct zonelist *list;
	int highest, last, n;

	for (highest = 0; highest < MAX_NR_ZONES; highest++) {
		list = &NODE_DATA(0)->node_zonelists[highest];
		last = MAX_NR_ZONES;
		for (n = 0; list->zonerefs[n].zone; n++) {
			struct zone *z = list->zonerefs[n].zone;

			CHECK(populated_zone(z));
			CHECK((int)z->type <= highest);
			CHECK((int)z->type < last || (n && z->node != list->zonerefs[n - 1].zone->node));
			last = z->type;
		}
		/* where there is a ZONE_DMA, it is the last resort of every list */
		CHECK_EQ(last == ZONE_DMA, populated_zone(st_zone(ZONE_DMA)));
	}
}

static bool block_is_whole(struct page *page, unsigned order)
{
	pfn_t pfn = page_to_pfn(page);

	return IS_ALIGNED(pfn, 1UL << order) && page_zone(page) == page_zone(page + (1UL << order) - 1) &&
	       page_count(page) == 1;
}

SELFTEST(B4, blocks_of_each_order_are_contiguous_and_aligned)
{
	struct page *page[NR_PAGE_ORDERS];
	unsigned order;
	unsigned char *p;

	for (order = 0; order <= MAX_PAGE_ORDER; order++) {
		page[order] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
		if (!page[order])
			break;	/* a machine too small for the largest */
		CHECK(block_is_whole(page[order], order));
		p = page_address(page[order]);
		memset(p, (int)order + 1, PAGE_SIZE << order);
	}
	/* Less only where there is hardly any memory. */
	CHECK(order > MAX_PAGE_ORDER - 3 || st_free_low() < 4096);
	while (order--) {
		p = page_address(page[order]);
		CHECK(p[0] == order + 1 && p[(PAGE_SIZE << order) - 1] == order + 1);
		__free_pages(page[order], order);
	}
}

SELFTEST(B4, what_was_split_is_merged)
{
	static unsigned long had[ST_ZONES][NR_PAGE_ORDERS];
	unsigned long n;
	struct zone *z;
	LIST_HEAD(taken);
	unsigned order;

	st_all_online();
	st_settle();
	for_each_zone(z)
		for (order = 0; order <= MAX_PAGE_ORDER; order++)
			had[st_zone_nr(z)][order] = z->free_area[order].nr_free;
	n = st_take(&taken, GFP_LOW_ALL, 0, st_free_low() / 2);
	CHECK(n >= st_free_low() / 2);
	st_give(&taken, 0);
	drain_all_pages(NULL);
	for_each_zone(z)
		for (order = 0; order <= MAX_PAGE_ORDER; order++)
			CHECK_EQ(z->free_area[order].nr_free, had[st_zone_nr(z)][order]);
}

SELFTEST(B4, a_zone_of_its_own)
{
	static struct zone zone;
	static struct page frames[64];
	struct page *block[64];
	unsigned i;

	memset(frames, 0, sizeof(frames));
	zone_init(&zone, "Test", ZONE_NORMAL, 0, frames, 0, 64);
	CHECK(!buddy_alloc(&zone, 0, MIGRATE_UNMOVABLE));
	buddy_free(&zone, frames, 6);
	for (i = 0; i < 64; i++)
		CHECK((block[i] = buddy_alloc(&zone, 0, MIGRATE_UNMOVABLE)));
	CHECK(!buddy_alloc(&zone, 0, MIGRATE_UNMOVABLE));
	CHECK_EQ(zone.nr_free, 0);
	for (i = 0; i < 64; i++)
		buddy_free(&zone, block[(i * 37) % 64], 0);
	CHECK_EQ(zone.free_area[6].nr_free, 1);
	CHECK_EQ(zone.nr_free, 64);
	CHECK_EQ(buddy_check(&zone), 0);
}

SELFTEST(B5, by_page_and_by_address)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	unsigned long addr;

	CHECK(page);
	__free_pages(page, 2);
	page = alloc_pages_node(0, GFP_KERNEL, 1);
	CHECK(page);
	__free_pages(page, 1);
	page = alloc_pages_node(-1, GFP_KERNEL, 0);
	CHECK(page);
	__free_page(page);
	addr = __get_free_pages(GFP_KERNEL, 3);
	CHECK(addr && IS_ALIGNED(addr - PAGE_OFFSET, PAGE_SIZE << 3) && virt_addr_valid((void *)addr));
	free_pages(addr, 3);
	addr = __get_free_page(GFP_KERNEL);
	CHECK(addr && IS_ALIGNED(addr, PAGE_SIZE));
	memset((void *)addr, 0xa5, PAGE_SIZE);
	free_page(addr);
	free_page(0);	/* ignored */
}

SELFTEST(B5, get_zeroed_page_is_cleared)
{
	unsigned long addr = __get_free_page(GFP_KERNEL), i;
	u32 sum = 0;

	CHECK(addr);
	memset((void *)addr, 0x5a, PAGE_SIZE);
	free_page(addr);
	addr = get_zeroed_page(GFP_KERNEL);
	CHECK(addr);
	for (i = 0; i < PAGE_SIZE / sizeof(u32); i++)
		sum |= ((u32 *)addr)[i];
	free_page(addr);
	CHECK_EQ(sum, 0);
}

SELFTEST(B5, split_blocks_are_freed_page_by_page)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);
	int i;

	CHECK(page);
	split_page(page, 3);
	for (i = 0; i < 8; i++) {
		CHECK_EQ(page_count(page + i), 1);
		CHECK_EQ(page[i].order, 0);
	}
	for (i = 0; i < 8; i++)
		__free_page(page + (i * 5) % 8);
}

SELFTEST(B5, compound_pages_share_one_count)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	CHECK(page);
	CHECK(PageHead(page) && PageTail(page + 1) && PageTail(page + 3));
	CHECK(compound_head(page + 3) == page && compound_order(page) == 2);
	get_page(page + 2);
	CHECK_EQ(page_count(page), 2);
	put_page(page + 3);
	CHECK_EQ(page_count(page), 1);
	__free_pages(page, 2);
	CHECK(!PageHead(page) && !PageTail(page + 1));
}

SELFTEST(B5, others_references_keep_the_first_frame)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);

	CHECK(page);
	get_page(page);
	__free_pages(page, 2);
	CHECK_EQ(page_count(page), 1);
	put_page(page);
	CHECK_EQ(page_count(page), 0);
}

SELFTEST(B6, addresses_never_name_high_memory)
{
	struct page *page;
	unsigned long addr;

	EXPECT_MISUSE(MISUSE_GFP, "__get_free_pages", 0, addr = __get_free_pages(GFP_HIGHUSER, 1));
	CHECK_EQ(addr, 0);
	EXPECT_MISUSE(MISUSE_GFP, "kmalloc", 0, addr = (unsigned long)kmalloc(100, GFP_KERNEL | __GFP_HIGHMEM));
	CHECK_EQ(addr, 0);
	page = alloc_page(GFP_HIGHUSER);
	CHECK(page);
	CHECK(PageHighMem(page) || !populated_zone(st_zone(ZONE_HIGHMEM)));
	__free_page(page);
}

/* Every block of low memory is below the border, however much is asked for. */
SELFTEST(B6, low_requests_stay_low_to_the_last)
{
	LIST_HEAD(taken);
	struct page *page;
	unsigned long n = st_take(&taken, GFP_LOW_ALL, 3, ~0UL), high = 0;

	list_for_each_entry(page, &taken, lru)
		high += PageHighMem(page);
	st_give(&taken, 3);
	CHECK(n > 0);
	CHECK_EQ(high, 0);
}

SELFTEST(B7, zones_are_tried_from_the_best_down)
{
	struct st_order o;

	st_zone_order(&o, GFP_LOW_ALL);
	CHECK_EQ(o.first, st_best_zone(ZONE_NORMAL));
	CHECK(o.zones >> first_zone()->type & 1);
	CHECK(o.rises <= ST_ATTEMPTS);
}

/* ---- the several attempts of B7: reclaim is asked, and then it works -------------- */

static LIST_HEAD(held);

static struct {
	unsigned long calls;
	gfp_t gfp;
	bool give;
} asked;

/* Is it kswapd() who asks, and not the test? */
static bool in_background(void)
{
	return port_mm_thread()->flags & PF_KSWAPD;
}

static unsigned long count_held(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return 1;
}

static unsigned long give_back(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long n = 2048;
	struct zone *z;

	(void)s;
	if (in_background())
		return SHRINK_STOP;
	asked.calls++;
	asked.gfp = sc->gfp_mask;
	if (!asked.give)
		return 0;
	asked.give = false;
	for_each_zone(z)
		n += z->watermark[WMARK_MIN];	/* so that it is worth to ask again */
	st_give_some(&held, 0, n);
	return n;
}

static struct shrinker giver = { .count_objects = count_held, .scan_objects = give_back, .seeks = DEFAULT_SEEKS };

static struct page *alloc_when_full(gfp_t gfp, bool give)
{
	struct page *page;

	memset(&asked, 0, sizeof(asked));
	asked.give = give;
	st_take(&held, GFP_HIGH_ALL, 0, ~0UL);
	register_shrinker(&giver, "selftest");
	page = alloc_page(gfp | __GFP_NOWARN);
	unregister_shrinker(&giver);
	return page;
}

SELFTEST(B7, memory_that_reclaim_finds_is_handed_out)
{
	struct page *page = alloc_when_full(GFP_HIGHUSER, true);

	st_give(&held, 0);
	CHECK(asked.calls > 0);
	CHECK(page);
	__free_page(page);
	page = alloc_when_full(GFP_HIGHUSER, false);
	st_give(&held, 0);
	CHECK(asked.calls > 0);
	CHECK(!page);
}

SELFTEST(B7, who_may_not_wait_does_not_reclaim)
{
	struct page *page = alloc_when_full(GFP_NOWAIT, true);

	st_give(&held, 0);
	CHECK_EQ(asked.calls, 0);
	CHECK(!page);
}

SELFTEST(C1, io_and_fs_bits_reach_reclaim)
{
	static const gfp_t masks[] = { GFP_NOIO, GFP_NOFS, GFP_KERNEL };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		struct page *page = alloc_when_full(masks[i], false);

		st_give(&held, 0);
		CHECK(!page);
		CHECK(asked.calls > 0);
		CHECK_EQ(asked.gfp & (__GFP_IO | __GFP_FS), masks[i] & (__GFP_IO | __GFP_FS));
	}
}
