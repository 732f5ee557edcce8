/* SPDX-License-Identifier: MIT */
/* Corners of mm/page: what each line of it is for, where other tests would not miss it. */
#include "unit.h"
#include <math.h>
#include <quarry/highmem.h>
#include <quarry/report.h>
#include <quarry/shrinker.h>
#include <quarry/zone.h>

#define MB (1024UL * 1024)
#define GFP_LAST (GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN)

static void setup(void)
{
	unit_boot(96 * MB, 48 * MB);
	misuse_quiet(true);
}

#define EXPECT_MISUSE(kind, call) do {					\
	unsigned long before_ = misuse_count(kind);			\
	call;								\
	ck_assert_uint_eq(misuse_count(kind), before_ + 1);		\
} while (0)

START_TEST(a_new_page_has_nothing_of_its_last_owner)
{
	struct page *page, *again;

	setup();
	page = alloc_page(GFP_KERNEL);
	page->private = 5;
	page->mapping = &page;
	SetPageDirty(page);
	SetPageLocked(page);
	__free_page(page);
	again = alloc_page(GFP_KERNEL);
	ck_assert_ptr_eq(again, page);	/* the hottest */
	ck_assert_uint_eq(page->private, 0);
	ck_assert_ptr_null(page->mapping);
	ck_assert(!PageDirty(page) && !PageLocked(page));
	__free_page(page);
	unit_teardown();
}
END_TEST

START_TEST(a_large_block_is_cleared_to_its_end)
{
	unsigned char *p;

	setup();
	p = (unsigned char *)__get_free_pages(GFP_KERNEL, 6);
	__builtin_memset(p, 0xa5, PAGE_SIZE << 6);
	free_pages((unsigned long)p, 6);
	p = (unsigned char *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 6);
	for (size_t i = 0; i < PAGE_SIZE << 6; i += 64)
		ck_assert_uint_eq(p[i], 0);
	free_pages((unsigned long)p, 6);
	unit_teardown();
}
END_TEST

/* Take all low memory, linked by private. */
static struct page *take_all(void)
{
	struct page *first = NULL, *page;

	while ((page = alloc_page(GFP_LAST))) {
		page->private = (unsigned long)first;
		first = page;
	}
	return first;
}

static void give_all(struct page *first)
{
	while (first) {
		struct page *page = first;

		first = (struct page *)page->private;
		__free_page(page);
	}
}

START_TEST(frames_that_cpus_keep_are_found_when_memory_is_short)
{
	struct page *first, *pair, *block;

	setup();
	pair = alloc_pages(GFP_KERNEL, 1);
	split_page(pair, 1);
	first = take_all();
	__free_page(pair);		/* both onto this CPU's list: no block of two in the zone */
	__free_page(pair + 1);
	block = alloc_pages(GFP_LAST, 1);
	ck_assert_ptr_eq(block, pair);
	__free_pages(block, 1);
	give_all(first);
	unit_teardown();
}
END_TEST

static unsigned long rounds, rounds_to_go;

static unsigned long pretend(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	rounds++;
	return rounds_to_go ? rounds_to_go-- : 0;
}

static unsigned long rounds_of(gfp_t gfp)
{
	rounds = 0;
	rounds_to_go = 3;
	ck_assert_ptr_null(alloc_page(gfp | __GFP_NOWARN));
	return rounds;
}

START_TEST(reclaim_goes_on_while_it_frees_unless_told_not_to)
{
	struct shrinker s = { .count_objects = unit_one_object, .scan_objects = pretend, .seeks = DEFAULT_SEEKS };
	struct page *first;

	setup();
	first = take_all();
	ck_assert_int_eq(register_shrinker(&s, "pretend"), 0);
	ck_assert_uint_eq(rounds_of(GFP_KERNEL), 4);	/* the fourth frees nothing */
	ck_assert_uint_eq(rounds_of(GFP_KERNEL | __GFP_NORETRY), 1);
	ck_assert_uint_eq(rounds_of(GFP_ATOMIC), 0);
	unregister_shrinker(&s);
	ck_assert_uint_eq(rounds_of(GFP_KERNEL), 0);
	give_all(first);
	unit_teardown();
}
END_TEST

START_TEST(the_first_attempt_leaves_a_zone_at_its_low_mark)
{
	struct page *first = NULL, *page;
	struct zone *normal;

	setup();
	normal = &NODE_DATA(0)->node_zones[ZONE_NORMAL];
	do {
		page = alloc_page(GFP_KERNEL);
		ck_assert_ptr_nonnull(page);
		page->private = (unsigned long)first;
		first = page;
	} while (page_zone(page) == normal);
	ck_assert_uint_ge(normal->nr_free + (unsigned)normal->pageset[0].high / 2, normal->watermark[WMARK_LOW]);	/* one refill */
	give_all(first);
	unit_teardown();
}
END_TEST

START_TEST(a_frame_that_is_mapped_is_not_freed)
{
	struct page *page;

	setup();
	page = alloc_page(GFP_HIGHUSER);
	ck_assert(PageHighMem(page));
	kmap(page);
	EXPECT_MISUSE(MISUSE_UNBALANCED, __free_page(page));
	EXPECT_MISUSE(MISUSE_UNBALANCED, put_page(page));
	get_page(page);
	__free_page(page);		/* not the last user: fine */
	kunmap(page);
	put_page(page);
	unit_teardown();
}
END_TEST

START_TEST(a_compound_page_is_not_split)
{
	struct page *page;

	setup();
	page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	EXPECT_MISUSE(MISUSE_ARGUMENT, split_page(page, 2));
	ck_assert(PageHead(page) && page_count(page + 1) == 0);
	__free_pages(page, 2);
	unit_teardown();
}
END_TEST

START_TEST(frames_taken_and_given_are_counted)
{
	unsigned long taken, given;
	struct page *one, *eight;
	struct zone *z;

	setup();
	z = &NODE_DATA(0)->node_zones[ZONE_NORMAL];
	taken = zone_event(z, PGALLOC);
	given = zone_event(z, PGFREE);
	one = alloc_page(GFP_KERNEL);
	eight = alloc_pages(GFP_KERNEL, 3);
	ck_assert_uint_eq(zone_event(z, PGALLOC), taken + 9);
	__free_page(one);
	__free_pages(eight, 3);
	ck_assert_uint_eq(zone_event(z, PGFREE), given + 9);
	unit_teardown();
}
END_TEST

/* ---- one zone -------------------------------------------------------------------- */

static struct page map[64];
static struct zone zone;
static struct per_cpu_pages pagesets[MIGRATE_TYPES * NR_CPUS];

START_TEST(a_block_never_melts_with_one_beyond_the_zone)
{
	zone_init(&zone, "test", ZONE_NORMAL, 0, map, 1024, 63);
	map[63].order = 0;
	__SetPageBuddy(&map[63]);	/* the next zone's */
	buddy_free(&zone, &map[62], 0);
	ck_assert_uint_eq(zone.free_area[0].nr_free, 1);
	ck_assert(PageBuddy(&map[63]));
	ck_assert_int_eq(buddy_check(&zone), 0);
	zone.spanned_pages = 64;
	ck_assert_int_eq(buddy_check(&zone), 4);
	__ClearPageBuddy(&map[63]);
	buddy_free(&zone, &map[63], 0);
	ck_assert_uint_eq(zone.free_area[1].nr_free, 1);
	zone.spanned_pages = 63;	/* now the block of two reaches out of it */
	ck_assert_int_eq(buddy_check(&zone), 2);
}
END_TEST

START_TEST(the_coldest_go_back_to_the_zone)
{
	struct page *page[6];

	zone_init(&zone, "test", ZONE_NORMAL, 0, map, 1024, 64);
	buddy_free(&zone, map, 6);
	zone.pageset = pagesets;
	zone.pageset[0].batch = 2;
	zone.pageset[0].high = 5;
	for (int i = 0; i < 6; i++)
		page[i] = buddy_alloc(&zone, 0, MIGRATE_UNMOVABLE);
	for (int i = 0; i < 6; i++)
		pcp_free(&zone, page[i]);
	ck_assert_int_eq(zone.pageset[0].count, 4);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(PagePcp(page[i]), i >= 2);
	__SetPageBuddy(page[4]);
	ck_assert_int_eq(pcp_check(&zone), 1);
}
END_TEST

/* The numbers that zone.c explains, worked out once more, in floating point. */
START_TEST(reserves_are_what_they_are_said_to_be)
{
	unsigned long n[MAX_NR_ZONES], low, kib, m, step;

	unit_boot(1024 * MB, 256 * MB);
	for (int i = 0; i < MAX_NR_ZONES; i++)
		n[i] = NODE_DATA(0)->node_zones[i].managed_pages;
	low = n[ZONE_DMA] + n[ZONE_NORMAL];
	kib = (unsigned long)floor(sqrt((double)low * (PAGE_SIZE / 1024) * 16));
	ck_assert_uint_eq(min_free_kbytes, kib);
	for (int i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *z = &NODE_DATA(0)->node_zones[i];

		if (!populated_zone(z))
			continue;
		m = kib / (PAGE_SIZE / 1024) * n[i] / low;
		step = m / 4 > n[i] / 1000 ? m / 4 : n[i] / 1000;
		if (i == ZONE_HIGHMEM)
			m = 128;
		ck_assert_uint_eq(z->watermark[WMARK_MIN], m);
		ck_assert_uint_eq(z->watermark[WMARK_LOW], m + step);
		ck_assert_uint_eq(z->watermark[WMARK_HIGH], m + 2 * step);
		m = n[i] / 4096 < 1 ? 1 : n[i] / 4096 > 31 ? 31 : n[i] / 4096;
		ck_assert_int_eq(z->pageset[0].batch, (int)m);
		ck_assert_int_eq(z->pageset[0].high, (int)(6 * m));
		ck_assert_uint_eq(z->lowmem_reserve[i], 0);
	}
	ck_assert_uint_gt(n[ZONE_HIGHMEM], 128 * 1024);
	ck_assert_uint_eq(NODE_DATA(0)->node_zones[ZONE_DMA].lowmem_reserve[ZONE_NORMAL], n[ZONE_NORMAL] / 256);
	ck_assert_uint_eq(NODE_DATA(0)->node_zones[ZONE_DMA].lowmem_reserve[ZONE_HIGHMEM],
			  (n[ZONE_NORMAL] + n[ZONE_HIGHMEM]) / 256);
	ck_assert_uint_eq(NODE_DATA(0)->node_zones[ZONE_NORMAL].lowmem_reserve[ZONE_HIGHMEM], n[ZONE_HIGHMEM] / 32);
	unit_teardown();
}
END_TEST

START_TEST(hints_that_contradict_each_other)
{
	ck_assert_ptr_nonnull(gfp_contradiction(GFP_KERNEL | __GFP_NORETRY | __GFP_RETRY_MAYFAIL));
	ck_assert_ptr_nonnull(gfp_contradiction(GFP_KERNEL | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL));
	ck_assert_ptr_null(gfp_contradiction(GFP_KERNEL | __GFP_RETRY_MAYFAIL));
}
END_TEST

UNIT_SUITE(pages,
	a_new_page_has_nothing_of_its_last_owner,
	a_large_block_is_cleared_to_its_end,
	frames_that_cpus_keep_are_found_when_memory_is_short,
	reclaim_goes_on_while_it_frees_unless_told_not_to,
	the_first_attempt_leaves_a_zone_at_its_low_mark,
	a_frame_that_is_mapped_is_not_freed,
	a_compound_page_is_not_split,
	frames_taken_and_given_are_counted,
	a_block_never_melts_with_one_beyond_the_zone,
	the_coldest_go_back_to_the_zone,
	reserves_are_what_they_are_said_to_be,
	hints_that_contradict_each_other)
