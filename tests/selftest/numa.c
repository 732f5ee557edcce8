/* SPDX-License-Identifier: MIT */
/*
 * numa.c: rows B3, B5, D1 and D4 on several nodes; with one, the same on that one.
 */
#include <quarry/slab.h>

#include "util.h"

SELFTEST(B3, each_node_gives_its_own_frames)
{
	struct page *page;
	int nid;

	for_each_online_node(nid) {
		page = alloc_pages_node(nid, GFP_HIGHUSER | __GFP_THISNODE | __GFP_NOWARN, 0);
		CHECK_EQ(page != NULL, NODE_DATA(nid)->node_present_pages != 0);
		if (!page)
			continue;
		CHECK_EQ(page_to_nid(page), nid);
		CHECK(page_zone(page)->zone_pgdat == NODE_DATA(nid));
		__free_page(page);
	}
}

SELFTEST(B3, a_request_begins_on_its_own_node)
{
	int nid = numa_node_id();
	struct zone *best = node_zonelist(nid, GFP_HIGHUSER)->zonerefs[0].zone;
	struct page *page;

	st_settle();
	page = alloc_page(GFP_HIGHUSER);
	CHECK(page);
	CHECK(page_zone(page) == best);
	__free_page(page);
	CHECK(best->node == nid || !populated_zone(&NODE_DATA(nid)->node_zones[best->type]));
}

SELFTEST(B3, distances_are_to_oneself_the_least)
{
	int from, to;

	for_each_online_node(from)
		for_each_online_node(to)
			CHECK(from == to ? node_distance(from, to) == 10 : node_distance(from, to) > 10);
	CHECK_EQ(numa_check(), 0);
}

/* Frames without number from one node: none of them another's, and the end is NULL. */
SELFTEST(B3, a_node_to_its_last_frame)
{
	int nid = num_online_nodes() - 1;
	unsigned long n = 0, free = 0, foreign = 0;
	struct page *page;
	LIST_HEAD(taken);
	struct zone *z;

	st_all_online();
	st_settle();
	for_each_zone(z)
		free += z->node == nid ? zone_free_pages(z) : 0;
	while ((page = alloc_pages_node(nid, GFP_HIGH_ALL | __GFP_THISNODE, 0))) {
		foreign += page_to_nid(page) != (unsigned)nid;
		list_add(&page->lru, &taken);
		n++;
	}
	st_give(&taken, 0);
	CHECK_EQ(foreign, 0);
	CHECK_EQ(n, free);
}

SELFTEST(B5, no_node_is_refused)
{
	struct page *page;

	EXPECT_MISUSE(MISUSE_ARGUMENT, "alloc_pages_node", 0, page = alloc_pages_node(num_online_nodes(), GFP_KERNEL, 0));
	CHECK(!page);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "alloc_pages_node", 0, page = alloc_pages_node(-2, GFP_KERNEL, 0));
	CHECK(!page);
}

static bool node_has_low(int nid)
{
	struct zone *z;

	for_each_zone(z)
		if (z->node == nid && z->type != ZONE_HIGHMEM && zone_free_pages(z) > 2 * z->watermark[WMARK_HIGH])
			return true;
	return false;
}

SELFTEST(D1, objects_of_the_node_that_was_asked)
{
	struct kmem_cache *c = kmem_cache_create("selftest_node", 200, 0, 0, NULL);
	void *obj[40], *p;
	int nid, i;

	CHECK(c);
	for_each_online_node(nid) {
		bool low = node_has_low(nid);

		for (i = 0; i < 40; i++) {
			obj[i] = kmem_cache_alloc_node(c, GFP_KERNEL, nid);
			CHECK(obj[i]);
			CHECK(!low || page_to_nid(virt_to_page(obj[i])) == (unsigned)nid);
		}
		while (i--)
			kmem_cache_free(c, obj[i]);
		p = kmalloc_node(100, GFP_KERNEL, nid);
		CHECK(p && (!low || page_to_nid(virt_to_page(p)) == (unsigned)nid));
		kfree(p);
		p = kmalloc_node(40000, GFP_KERNEL, nid);
		CHECK(p && (!low || page_to_nid(virt_to_page(p)) == (unsigned)nid));
		kfree(p);
	}
	kmem_cache_destroy(c);
}
