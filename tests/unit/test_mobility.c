/* SPDX-License-Identifier: MIT */
/* Grouping by mobility (mobility.c): on a zone of 64 frames, page blocks of 8; and on a whole machine. */
#include "unit.h"

#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/zone.h>

#define FRAMES 64
#define START 1024
#define ORDER 3
#define UNMOVABLE MIGRATE_UNMOVABLE
#define MOVABLE MIGRATE_MOVABLE
#define RECLAIMABLE MIGRATE_RECLAIMABLE

static struct page pages[FRAMES];
static struct per_cpu_pages pagesets[MIGRATE_TYPES * NR_CPUS];
static struct zone zone;
static u8 types[FRAMES];

static void build(bool grouped)
{
	memset(pages, 0, sizeof(pages));
	zone_init(&zone, "test", ZONE_NORMAL, 0, pages, START, FRAMES);
	if (grouped) {
		zone_group(&zone, types, ORDER);
		zone_group_frames(&zone, START, START + FRAMES);
	}
	buddy_free(&zone, pages, 6);
}

/* As an owner has it. */
static struct page *take(unsigned order, enum migratetype type)
{
	struct page *page = buddy_alloc(&zone, order, type);

	ck_assert_int_eq(buddy_check(&zone), 0);
	if (page)
		atomic_set(&page->_count, 1);
	return page;
}

static void give(struct page *page, unsigned order)
{
	atomic_set(&page->_count, 0);
	buddy_free(&zone, page, order);
	ck_assert_int_eq(buddy_check(&zone), 0);
}

static unsigned type_of(const struct page *page)
{
	return pageblock_type(&zone, START + (pfn_t)(page - pages));
}

/* ---- one zone ---------------------------------------------------------------------- */

START_TEST(all_is_movable_until_others_want_it)
{
	build(true);
	ck_assert_uint_eq(zone.free_area[6].nr_of[MOVABLE], 1);
	ck_assert_uint_eq(type_of(take(0, MOVABLE)), MOVABLE);
	ck_assert_uint_eq(type_of(take(0, UNMOVABLE)), UNMOVABLE);	/* 32 frames of 4 page blocks changed, the largest block */
	ck_assert_ptr_eq(take(0, RECLAIMABLE), &pages[48]);			/* 16 of 16, rather than 16 of the movable ones */
	ck_assert_uint_eq(type_of(&pages[0]), MOVABLE);
	ck_assert_uint_eq(type_of(&pages[31]), MOVABLE);
	ck_assert_uint_eq(type_of(&pages[32]), UNMOVABLE);
	ck_assert_uint_eq(type_of(&pages[48]), RECLAIMABLE);
}
END_TEST

START_TEST(a_zone_that_is_not_grouped_has_one_type)
{
	build(false);
	ck_assert_uint_eq(page_migratetype(take(0, MOVABLE)), UNMOVABLE);
	ck_assert_uint_eq(page_migratetype(take(2, RECLAIMABLE)), UNMOVABLE);
	for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
		ck_assert_uint_eq(zone.free_area[order].nr_free, zone.free_area[order].nr_of[UNMOVABLE]);
}
END_TEST

/* All taken as @type, and of page block 0 the first @held frames, of page block 1 none, given back. */
static void fill_but_one(enum migratetype type, unsigned held)
{
	build(true);
	for (unsigned i = 0; i < FRAMES; i++)
		ck_assert_ptr_nonnull(take(0, type));
	for (unsigned i = held; i < 1u << ORDER; i++)
		give(&pages[i], 0);
}

START_TEST(a_page_block_that_is_half_free_changes_whole)
{
	for (unsigned held = 0; held <= 7; held++) {
		struct page *page;

		fill_but_one(MOVABLE, held);
		page = take(0, UNMOVABLE);
		ck_assert(page && page < &pages[8]);
		ck_assert_uint_eq(type_of(page), held <= 4 ? UNMOVABLE : MOVABLE);
		ck_assert_uint_eq(page_migratetype(page), type_of(page));
		ck_assert_uint_eq(zone.nr_free, 7 - held);
		for (unsigned order = 0; order < ORDER; order++)
			ck_assert_uint_eq(zone.free_area[order].nr_of[type_of(page)], zone.free_area[order].nr_free);
	}
}
END_TEST

/* What is used by the taker's own kind counts as well as what is free. */
START_TEST(its_own_kind_counts_as_free)
{
	fill_but_one(UNMOVABLE, 8);
	ck_assert_uint_eq(type_of(pages), UNMOVABLE);
	give(&pages[7], 0);
	ck_assert_uint_eq(type_of(take(0, MOVABLE)), UNMOVABLE);	/* one frame is not large */
	ck_assert_ptr_null(take(0, MOVABLE));
	give(&pages[6], 0);
	give(&pages[7], 0);
	for (unsigned i = 0; i < 5; i++)
		pages[i].flags |= (unsigned long)MOVABLE << PG_TYPE_SHIFT;
	ck_assert_uint_eq(type_of(take(1, MOVABLE)), MOVABLE);		/* five of eight are, and two are free */
	ck_assert_ptr_null(take(0, UNMOVABLE));
	give(&pages[6], 1);
	pages[0].flags |= 1UL << PG_slab;				/* four: and in a slab nothing moves */
	pages[1].flags |= 1UL << PG_reserved;
	pages[2].flags &= ~PG_TYPE_MASK;				/* now it is two and two */
	ck_assert_uint_eq(type_of(take(0, UNMOVABLE)), UNMOVABLE);
}
END_TEST

START_TEST(movable_takes_the_smallest_from_others)
{
	fill_but_one(UNMOVABLE, 3);
	give(&pages[16], 0);
	ck_assert_ptr_eq(take(0, MOVABLE), &pages[3]);		/* of 3 | 4 ... 7 | 16: five of eight are free, so it asks, and gets all */
	ck_assert_uint_eq(type_of(pages), MOVABLE);
	fill_but_one(UNMOVABLE, 5);
	give(&pages[17], 0);
	give(&pages[16], 0);
	ck_assert_uint_eq(zone.free_area[1].nr_of[UNMOVABLE], 2);
	ck_assert_ptr_eq(take(0, MOVABLE), &pages[5]);		/* of 5 | 6 7 | 16 17: nothing changes */
	ck_assert_uint_eq(type_of(pages), UNMOVABLE);
	ck_assert_uint_eq(type_of(&pages[16]), UNMOVABLE);
}
END_TEST

START_TEST(the_order_of_others)
{
	static const enum migratetype first[MIGRATE_TYPES] = {
		[UNMOVABLE] = RECLAIMABLE, [MOVABLE] = RECLAIMABLE, [RECLAIMABLE] = UNMOVABLE,
	};

	for_each_migratetype(t) {
		fill_but_one(MOVABLE, 8);
		for (unsigned i = 0; i < MIGRATE_TYPES - 1; i++) {	/* a free frame in a page block of each other type */
			types[i] = (u8)((t + 1 + i) % MIGRATE_TYPES);
			give(&pages[8 * i], 0);
		}
		ck_assert_uint_eq(types[(take(0, t) - pages) / 8], first[t]);
	}
}
END_TEST

START_TEST(page_blocks_that_merge_become_one_type)
{
	build(true);
	struct page *low = take(ORDER, MOVABLE), *high = take(ORDER, UNMOVABLE);

	ck_assert(low == pages && high == &pages[32]);
	give(low, ORDER);
	give(high, ORDER);
	ck_assert_uint_eq(zone.free_area[6].nr_of[UNMOVABLE], 1);
	for (unsigned i = 0; i < FRAMES >> ORDER; i++)
		ck_assert_uint_eq(types[i], UNMOVABLE);
}
END_TEST

START_TEST(check_names_the_broken_invariant)
{
	build(true);
	types[3] = RECLAIMABLE;
	ck_assert_int_eq(buddy_check(&zone), 7);
	build(true);
	zone.free_orders[UNMOVABLE] |= 1;
	ck_assert_int_eq(buddy_check(&zone), 8);
	build(true);
	zone.free_orders[MOVABLE] = 0;
	ck_assert_int_eq(buddy_check(&zone), 8);
	build(true);
	zone.free_area[6].nr_of[MOVABLE]++;
	ck_assert_int_eq(buddy_check(&zone), 5);
	build(false);
	zone.pageset = pagesets;
	zone_pcp(&zone, MOVABLE, 0)->count = 1;
	zone_pcp(&zone, MOVABLE, 0)->high = 6;
	zone_pcp(&zone, MOVABLE, 0)->frame[0] = take(0, MOVABLE);
	atomic_set(&pages[0]._count, 0);
	__SetPagePcp(&pages[0]);
	ck_assert_int_eq(pcp_check(&zone), 4);
}
END_TEST

/* A frame in eight stays, the others come and go: how many page blocks are whole afterwards? */
static unsigned long whole_after_a_mix(bool grouped)
{
	struct page *gone[FRAMES];
	unsigned n = 0;

	build(grouped);
	for (unsigned i = 0; i < 40; i++) {
		struct page *page = take(0, i % 8 ? MOVABLE : UNMOVABLE);

		if (i % 8)
			gone[n++] = page;
	}
	while (n)
		give(gone[--n], 0);
	n = 0;
	while (buddy_alloc(&zone, ORDER, MOVABLE))
		n++;
	return n;
}

START_TEST(what_stays_does_not_spoil_what_goes)
{
	ck_assert_uint_eq(whole_after_a_mix(true), 7);		/* five frames stay, in one page block */
	ck_assert_uint_eq(whole_after_a_mix(false), 3);	/* in five, of eight */
}
END_TEST

/* ---- a CPU's own ---------------------------------------------------------------------- */

START_TEST(a_frame_goes_back_to_its_kind)
{
	struct per_cpu_pages *movable, *unmovable;
	struct page *page;

	build(true);
	memset(pagesets, 0, sizeof(pagesets));
	zone.pageset = pagesets;
	setup_pagesets(&zone);
	movable = zone_pcp(&zone, MOVABLE, 0);
	unmovable = zone_pcp(&zone, UNMOVABLE, 0);
	page = pcp_alloc(&zone, UNMOVABLE);
	ck_assert_uint_eq(page_migratetype(page), UNMOVABLE);
	pcp_free(&zone, page);
	ck_assert_int_eq(unmovable->count, 3);		/* half of what it may hold was taken at once */
	ck_assert_int_eq(movable->count, 0);
	pcp_free(&zone, pcp_alloc(&zone, MOVABLE));
	ck_assert_int_eq(movable->count, 3);
	ck_assert_int_eq(unmovable->count, 3);
	ck_assert_ptr_eq(pcp_alloc(&zone, UNMOVABLE), page);
	pcp_free(&zone, page);
	drain_all_pages(&zone);
	ck_assert_uint_eq(zone.nr_free, FRAMES);
	ck_assert_int_eq(buddy_check(&zone), 0);
}
END_TEST

/* ---- a whole machine ------------------------------------------------------------------- */

#define MB (1UL << 20)

START_TEST(B7_the_mask_says_the_type)
{
	static const struct { gfp_t gfp; enum migratetype type; } masks[] = {
		{ GFP_KERNEL, UNMOVABLE }, { GFP_ATOMIC, UNMOVABLE }, { GFP_HIGHUSER, UNMOVABLE },
		{ GFP_HIGHUSER_MOVABLE, MOVABLE }, { GFP_DMA | __GFP_MOVABLE, MOVABLE },
		{ GFP_KERNEL | __GFP_RECLAIMABLE, RECLAIMABLE },
	};

	unit_boot(64 * MB, 32 * MB);
	for (unsigned i = 0; i < ARRAY_SIZE(masks); i++)
		for (unsigned order = 0; order < 6; order++)
			for (int again = 0; again < 2; again++) {	/* the second comes the hot way */
				struct page *page = alloc_pages(masks[i].gfp, order);

				ck_assert_uint_eq(gfp_migratetype(masks[i].gfp), masks[i].type);
				ck_assert_uint_eq(page_migratetype(page), masks[i].type);
				ck_assert_uint_eq(pageblock_type(page_zone(page), page_to_pfn(page)), masks[i].type);
				__free_pages(page, order);
			}
	ck_assert_ptr_nonnull(gfp_contradiction(GFP_KERNEL | __GFP_MOVABLE | __GFP_RECLAIMABLE));
	ck_assert_ptr_null(alloc_page(GFP_KERNEL | __GFP_MOVABLE | __GFP_RECLAIMABLE));
	ck_assert_uint_eq(misuse_count(MISUSE_GFP), 1);
	unit_teardown();
}
END_TEST

START_TEST(B7_slabs_say_what_they_are)
{
	struct kmem_cache *plain, *reclaimable;
	void *a, *b, *c;

	unit_boot(64 * MB, 32 * MB);
	plain = kmem_cache_create("plain", 500, 0, 0, NULL);
	reclaimable = kmem_cache_create("reclaimable", 500, 0, SLAB_RECLAIM_ACCOUNT, NULL);
	a = kmem_cache_alloc(plain, GFP_KERNEL);
	b = kmem_cache_alloc(reclaimable, GFP_KERNEL);
	c = kmalloc(100000, GFP_KERNEL);
	ck_assert_uint_eq(page_migratetype(virt_to_page(a)), UNMOVABLE);
	ck_assert_uint_eq(page_migratetype(virt_to_page(b)), RECLAIMABLE);
	ck_assert_uint_eq(page_migratetype(virt_to_page(c)), UNMOVABLE);
	kfree(c);
	kmem_cache_free(plain, a);
	kmem_cache_free(reclaimable, b);
	kmem_cache_destroy(plain);
	kmem_cache_destroy(reclaimable);
	unit_teardown();
}
END_TEST

START_TEST(each_frame_of_a_split_block_goes_back_to_its_kind)
{
	struct page *block;
	struct zone *z;
	unsigned long n;

	unit_boot(64 * MB, 32 * MB);
	block = alloc_pages(GFP_HIGHUSER_MOVABLE, 4);
	z = page_zone(block);
	for (unsigned i = 1; i < 16; i++)
		block[i].flags &= ~PG_TYPE_MASK;	/* as an earlier owner left them */
	split_page(block, 4);
	n = pcp_pages(zone_pcp(z, MOVABLE, 0));
	for (unsigned i = 0; i < 4; i++)
		__free_page(&block[i]);
	ck_assert_uint_eq(pcp_pages(zone_pcp(z, MOVABLE, 0)), n + 4);
	free_contig_range(page_to_pfn(block) + 4, 12);
	unit_teardown();
}
END_TEST

START_TEST(a_small_machine_is_not_grouped)
{
	struct zone *z;

	unit_boot((4UL << PAGEBLOCK_ORDER << PAGE_SHIFT) - MB, 0);
	ck_assert(page_group_by_mobility_disabled);
	for_each_zone(z)
		ck_assert_ptr_null(z->pageblock_types);
	struct page *page = alloc_page(GFP_HIGHUSER_MOVABLE);

	ck_assert_uint_eq(page_migratetype(page), UNMOVABLE);
	__free_page(page);
	unit_teardown();
}
END_TEST

START_TEST(grouping_can_be_left_out)
{
	page_group_by_mobility_disabled = true;
	unit_boot(64 * MB, 32 * MB);
	ck_assert_ptr_null(first_zone()->pageblock_types);
	unit_teardown();
}
END_TEST

UNIT_SUITE(mobility,
	all_is_movable_until_others_want_it,
	a_zone_that_is_not_grouped_has_one_type,
	a_page_block_that_is_half_free_changes_whole,
	its_own_kind_counts_as_free,
	movable_takes_the_smallest_from_others,
	the_order_of_others,
	page_blocks_that_merge_become_one_type,
	check_names_the_broken_invariant,
	what_stays_does_not_spoil_what_goes,
	a_frame_goes_back_to_its_kind,
	B7_the_mask_says_the_type,
	B7_slabs_say_what_they_are,
	each_frame_of_a_split_block_goes_back_to_its_kind,
	a_small_machine_is_not_grouped,
	grouping_can_be_left_out)
