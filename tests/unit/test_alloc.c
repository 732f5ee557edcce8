/* SPDX-License-Identifier: MIT */
/* alloc.c and gfp.c, on a whole system in a process. */
#include "unit.h"
#include <quarry/gfp.h>
#include <quarry/report.h>
#include <quarry/zone.h>

#define MB (1024UL * 1024)

static void setup(void)
{
	unit_boot(96 * MB, 48 * MB);
	misuse_quiet(true);
}

#define EXPECT_MISUSE(kind, call) do {					\
	unsigned long before_ = misuse_count(kind);			\
	call;								\
	ck_assert_uint_eq(misuse_count(kind), before_ + 1);		\
	ck_assert_str_ne(misuse_last(), "");				\
} while (0)

START_TEST(masks_that_contradict_themselves)
{
	ck_assert_ptr_null(gfp_contradiction(GFP_KERNEL));
	ck_assert_ptr_null(gfp_contradiction(GFP_HIGHUSER | __GFP_ZERO | __GFP_NORETRY));
	ck_assert_ptr_nonnull(gfp_contradiction(__GFP_DMA | __GFP_HIGHMEM));
	ck_assert_ptr_nonnull(gfp_contradiction(GFP_ATOMIC | __GFP_NOFAIL));
	ck_assert_ptr_nonnull(gfp_contradiction(GFP_KERNEL | __GFP_NOFAIL | __GFP_NORETRY));
	ck_assert_ptr_nonnull(gfp_contradiction(__GFP_MEMALLOC | __GFP_NOMEMALLOC));
	ck_assert_ptr_nonnull(gfp_contradiction(1u << 31));
}
END_TEST

START_TEST(masks_in_words)
{
	char buf[80];

	ck_assert_str_eq(gfp_format(buf, sizeof(buf), GFP_KERNEL | __GFP_ZERO), "GFP_KERNEL|__GFP_ZERO");
	ck_assert_str_eq(gfp_format(buf, sizeof(buf), GFP_HIGHUSER), "GFP_HIGHUSER");
	ck_assert_str_eq(gfp_format(buf, sizeof(buf), 0), "0x0");
	ck_assert_str_eq(gfp_format(buf, sizeof(buf), GFP_DMA | 1u << 30), "__GFP_DMA|0x40000000");
	ck_assert_str_eq(gfp_format(buf, 16, GFP_KERNEL | __GFP_ZERO), "GFP_KERNEL|__GF");
}
END_TEST

START_TEST(zones_are_tried_from_the_highest_allowed_down)
{
	static const gfp_t gfp[] = { GFP_DMA | GFP_KERNEL, GFP_KERNEL, GFP_HIGHUSER };
	static const enum zone_type want[] = { ZONE_DMA, ZONE_NORMAL, ZONE_HIGHMEM };

	setup();
	for (unsigned i = 0; i < ARRAY_SIZE(gfp); i++) {
		struct page *page = alloc_page(gfp[i]);

		ck_assert_ptr_nonnull(page);
		ck_assert_uint_eq(page_zone(page)->type, want[i]);
		__free_page(page);
	}
	unit_teardown();
}
END_TEST

START_TEST(every_kind_of_bad_free_is_refused)
{
	struct page *page, *block, *comp;

	setup();
	page = alloc_page(GFP_KERNEL);
	block = alloc_pages(GFP_KERNEL, 3);
	comp = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	__free_page(page);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, __free_page(page));
	EXPECT_MISUSE(MISUSE_WRONG_ORDER, __free_pages(block, 2));
	EXPECT_MISUSE(MISUSE_TAIL, __free_page(block + 5));
	EXPECT_MISUSE(MISUSE_TAIL, __free_page(comp + 1));
	EXPECT_MISUSE(MISUSE_RESERVED, __free_page(mem_map));
	EXPECT_MISUSE(MISUSE_FOREIGN, __free_page((struct page *)&page));
	EXPECT_MISUSE(MISUSE_FOREIGN, __free_page((struct page *)((char *)block + 1)));
	EXPECT_MISUSE(MISUSE_FOREIGN, free_pages((unsigned long)&page & PAGE_MASK, 0));
	EXPECT_MISUSE(MISUSE_UNBALANCED, get_page(page));
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, put_page(page));
	__free_pages(block, 3);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, __free_pages(block, 3));
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, __free_page(block + 5));
	__free_pages(comp, 2);
	unit_teardown();
}
END_TEST

START_TEST(bad_requests_are_refused)
{
	setup();
	EXPECT_MISUSE(MISUSE_SIZE, ck_assert_ptr_null(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1)));
	EXPECT_MISUSE(MISUSE_GFP, ck_assert_ptr_null(alloc_page(__GFP_DMA | __GFP_HIGHMEM)));
	EXPECT_MISUSE(MISUSE_GFP, ck_assert_uint_eq(__get_free_page(GFP_HIGHUSER), 0));
	EXPECT_MISUSE(MISUSE_GFP, ck_assert_uint_eq(get_zeroed_page(GFP_HIGHUSER), 0));
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(alloc_pages_node(7, GFP_KERNEL, 0)));
	preempt_disable();
	EXPECT_MISUSE(MISUSE_CONTEXT, ck_assert_ptr_null(alloc_page(GFP_KERNEL)));
	__free_page(alloc_page(GFP_ATOMIC));
	preempt_enable();
	unit_teardown();
}
END_TEST

START_TEST(a_reference_taken_elsewhere_keeps_the_first_page_only)
{
	struct page *block;

	setup();
	block = alloc_pages(GFP_KERNEL, 3);
	get_page(block);
	__free_pages(block, 3);
	ck_assert_int_eq(page_count(block), 1);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, __free_page(block + 4));
	put_page(block);
	ck_assert_int_eq(page_count(block), 0);

	block = alloc_pages(GFP_KERNEL | __GFP_COMP, 3); /* a compound page stays whole */
	get_page(block + 7);
	ck_assert_int_eq(page_count(block), 2);
	__free_pages(block, 3);
	ck_assert(PageTail(block + 1));
	put_page(block + 3);
	ck_assert_int_eq(page_count(block), 0);
	ck_assert(!PageTail(block + 1));
	unit_teardown();
}
END_TEST

START_TEST(a_split_block_is_freed_page_by_page)
{
	struct page *block;

	setup();
	block = alloc_pages(GFP_KERNEL, 2);
	split_page(block, 2);
	for (int i = 3; i >= 0; i--)
		__free_page(block + i);
	EXPECT_MISUSE(MISUSE_ARGUMENT, split_page(block, 2));
	unit_teardown();
}
END_TEST

START_TEST(cleared_pages_are_clear_in_high_memory_too)
{
	struct page *page;
	unsigned char *p;

	setup();
	for (unsigned order = 0; order < 3; order++) {
		p = (unsigned char *)__get_free_pages(GFP_KERNEL, order);
		__builtin_memset(p, 0xa5, PAGE_SIZE << order);
		free_pages((unsigned long)p, order);
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
		p = page_address(page);
		for (size_t i = 0; i < PAGE_SIZE << order; i++)
			ck_assert_uint_eq(p[i], 0);
		__free_pages(page, order);
	}
	unit_teardown();
}
END_TEST

START_TEST(exhaustion_ends_in_null_and_everything_comes_back)
{
	struct page *first = NULL, *page;
	unsigned long n = 0;

	setup();
	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN | __GFP_MEMALLOC))) {
		page->private = (unsigned long)first;
		first = page;
		n++;
	}
	ck_assert_uint_gt(n, 1000);
	ck_assert_uint_eq(zone_free_pages(&NODE_DATA(0)->node_zones[ZONE_NORMAL]), 0);
	ck_assert_uint_eq(zone_free_pages(&NODE_DATA(0)->node_zones[ZONE_DMA]), 0);
	while (first) {
		page = first;
		first = (struct page *)page->private;
		__free_page(page);
	}
	unit_teardown();
}
END_TEST

/* Frames of @list, all in use and, if @cleared, clear. */
static unsigned long count_list(struct list_head *list, bool cleared)
{
	struct page *page;
	unsigned long n = 0;

	list_for_each_entry(page, list, lru) {
		ck_assert_int_eq(page_count(page), 1);
		ck_assert_uint_eq(page->order, 0);
		for (size_t i = 0; cleared && i < PAGE_SIZE; i++)
			ck_assert_int_eq(((char *)page_address(page))[i], 0);
		n++;
	}
	return n;
}

static unsigned long free_frames(void)
{
	unsigned long free = 0;
	struct zone *z;

	for_each_zone(z)
		free += zone_free_pages(z);
	return free;
}

START_TEST(B4_an_array_is_filled_where_it_is_empty)
{
	struct page *pages[50] = { 0 }, *mine;
	unsigned long before, i, j;

	setup();
	before = free_frames();
	mine = pages[7] = alloc_page(GFP_KERNEL);
	ck_assert_uint_eq(alloc_pages_bulk(GFP_HIGHUSER, 50, pages), 50);
	ck_assert_ptr_eq(pages[7], mine);
	for (i = 0; i < 50; i++)
		for (j = 0; j < i; j++)
			ck_assert_ptr_ne(pages[i], pages[j]);
	ck_assert_uint_eq(alloc_pages_bulk(GFP_HIGHUSER, 50, pages), 50);
	ck_assert_uint_eq(before - free_frames(), 50);
	for (i = 0; i < 50; i++)
		__free_page(pages[i]);
	ck_assert_uint_eq(free_frames(), before);
	ck_assert_uint_eq(alloc_pages_bulk(GFP_KERNEL, 0, pages), 0);
	EXPECT_MISUSE(MISUSE_GFP, alloc_pages_bulk(__GFP_DMA | __GFP_HIGHMEM, 3, pages));
	unit_teardown();
}
END_TEST

START_TEST(many_at_once_come_and_go)
{
	unsigned long free = 0;
	struct page *kept;
	struct zone *z;
	LIST_HEAD(list);

	setup();
	ck_assert_uint_eq(alloc_pages_bulk_list(GFP_KERNEL, 0, &list), 0);
	for (unsigned long nr = 1; nr < 3000; nr = 3 * nr + 1) {
		ck_assert_uint_eq(alloc_pages_bulk_list(GFP_KERNEL | __GFP_ZERO, nr, &list), nr);
		ck_assert_uint_eq(alloc_pages_bulk_list(GFP_HIGHUSER, nr, &list), nr);
		ck_assert_uint_eq(count_list(&list, false), 2 * nr);
		put_pages_list(&list);
		ck_assert(list_empty(&list));
		ck_assert_uint_eq(alloc_pages_bulk_list(GFP_KERNEL | __GFP_ZERO, nr, &list), nr);
		count_list(&list, true);
		put_pages_list(&list);
	}
	unit_settle();
	for_each_zone(z)
		free += zone_free_pages(z);
	ck_assert_uint_eq(alloc_pages_bulk_list(GFP_KERNEL, 20, &list), 20);
	kept = list_first_entry(list.next, struct page, lru);	/* the second */
	get_page(kept);
	put_pages_list(&list);
	ck_assert_int_eq(page_count(kept), 1);
	unit_settle();
	for_each_zone(z)
		free -= zone_free_pages(z);
	ck_assert_uint_eq(free, 1);
	put_page(kept);
	unit_teardown();
}
END_TEST

START_TEST(a_list_may_hold_blocks_and_bad_pages_are_refused)
{
	struct page *block, *comp, *freed;
	LIST_HEAD(list);

	setup();
	block = alloc_pages(GFP_KERNEL, 3);
	comp = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	freed = alloc_pages(GFP_KERNEL, 0);
	list_add(&block->lru, &list);
	list_add(&comp->lru, &list);
	put_pages_list(&list);
	ck_assert_int_eq(page_count(block) + page_count(comp), 0);
	drain_all_pages(NULL);
	SetPageVmalloc(freed);
	list_add(&freed->lru, &list);
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, put_pages_list(&list));
	ck_assert(list_empty(&list));
	ClearPageVmalloc(freed);
	__free_page(freed);
	EXPECT_MISUSE(MISUSE_GFP, alloc_pages_bulk_list(__GFP_DMA | __GFP_HIGHMEM, 3, &list));
	unit_teardown();
}
END_TEST

START_TEST(many_at_once_stop_where_one_by_one_would)
{
	unsigned long got, all = 0;
	LIST_HEAD(list);

	setup();
	while ((got = alloc_pages_bulk_list(GFP_HIGHUSER | __GFP_NOWARN, 500, &list)))
		all += got;
	ck_assert_ptr_null(alloc_page(GFP_HIGHUSER | __GFP_NOWARN));
	ck_assert_uint_eq(count_list(&list, false), all);
	put_pages_list(&list);
	unit_teardown();
}
END_TEST

START_TEST(B5_frames_of_a_split_block_go_in_one_piece)
{
	struct page *block;
	pfn_t pfn;

	setup();
	block = alloc_pages(GFP_HIGHUSER, 5);
	pfn = page_to_pfn(block);
	EXPECT_MISUSE(MISUSE_FOREIGN, free_contig_range(pfn, 0));
	EXPECT_MISUSE(MISUSE_FOREIGN, free_contig_range(max_pfn - 1, 2));
	EXPECT_MISUSE(MISUSE_FOREIGN, free_contig_range(max_pfn, ~0UL));
	split_page(block, 5);
	get_page(block + 9);
	free_contig_range(pfn, 32);
	for (int i = 0; i < 32; i++)
		ck_assert_int_eq(page_count(block + i), i == 9);
	drain_all_pages(NULL);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, free_contig_range(pfn + 10, 1));
	SetPageVmalloc(block + 9);
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, free_contig_range(pfn + 9, 1));
	ClearPageVmalloc(block + 9);
	put_page(block + 9);
	unit_teardown();
}
END_TEST

UNIT_SUITE(alloc,
	B5_frames_of_a_split_block_go_in_one_piece,
	many_at_once_come_and_go,
	B4_an_array_is_filled_where_it_is_empty,
	a_list_may_hold_blocks_and_bad_pages_are_refused,
	many_at_once_stop_where_one_by_one_would,
	masks_that_contradict_themselves,
	masks_in_words,
	zones_are_tried_from_the_highest_allowed_down,
	every_kind_of_bad_free_is_refused,
	bad_requests_are_refused,
	a_reference_taken_elsewhere_keeps_the_first_page_only,
	a_split_block_is_freed_page_by_page,
	cleared_pages_are_clear_in_high_memory_too,
	exhaustion_ends_in_null_and_everything_comes_back)
