/* SPDX-License-Identifier: MIT */
/* buddy.c and pcp.c, on a zone of 64 frames of our own. */
#include "unit.h"
#include <quarry/zone.h>

#define FRAMES 64
#define START 1000	/* not a multiple of 64: borders cut blocks */

static struct page pages[FRAMES];
static struct zone zone;
static struct per_cpu_pages pagesets[MIGRATE_TYPES * NR_CPUS];

static void build(pfn_t start)
{
	for (unsigned i = 0; i < FRAMES; i++)
		pages[i] = (struct page){ 0 };
	zone_init(&zone, "test", ZONE_NORMAL, 0, pages, start, FRAMES);
	memset(pagesets, 0, sizeof(pagesets));
	zone.pageset = pagesets;
	zone.present_pages = zone.managed_pages = FRAMES;
	for (unsigned i = 0; i < FRAMES; i++)
		buddy_free(&zone, &pages[i], 0);
	ck_assert_int_eq(buddy_check(&zone), 0);
	ck_assert_uint_eq(zone.nr_free, FRAMES);
}

START_TEST(single_frames_merge_into_the_largest_blocks)
{
	build(1024);
	ck_assert_uint_eq(zone.free_area[6].nr_free, 1);
	build(START); /* 1000 = 8 * 125: 8 + 16 (1008) + 32 (1024) + 8 (1056) */
	ck_assert_uint_eq(zone.free_area[3].nr_free, 2);
	ck_assert_uint_eq(zone.free_area[4].nr_free, 1);
	ck_assert_uint_eq(zone.free_area[5].nr_free, 1);
}
END_TEST

START_TEST(a_block_is_aligned_and_its_upper_halves_stay_free)
{
	struct page *page;

	build(1024);
	page = buddy_alloc(&zone, 0, MIGRATE_UNMOVABLE);
	ck_assert_ptr_nonnull(page);
	for (unsigned order = 0; order < 6; order++)
		ck_assert_uint_eq(zone.free_area[order].nr_free, 1);
	ck_assert_int_eq(buddy_check(&zone), 0);
	buddy_free(&zone, page, 0);
	ck_assert_uint_eq(zone.free_area[6].nr_free, 1);
	ck_assert_uint_eq(zone.nr_free, FRAMES);
}
END_TEST

START_TEST(exhaustion_is_null_and_changes_nothing)
{
	build(1024);
	ck_assert_ptr_null(buddy_alloc(&zone, 7, MIGRATE_UNMOVABLE));
	ck_assert_ptr_nonnull(buddy_alloc(&zone, 6, MIGRATE_UNMOVABLE));
	for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
		ck_assert_ptr_null(buddy_alloc(&zone, order, MIGRATE_UNMOVABLE));
	ck_assert_uint_eq(zone.nr_free, 0);
	ck_assert_int_eq(buddy_check(&zone), 0);
}
END_TEST

START_TEST(check_names_the_broken_invariant)
{
	struct page *page;

	build(1024);
	zone.nr_free++;
	ck_assert_int_eq(buddy_check(&zone), 5);
	build(1024);
	zone.free_area[6].nr_free++;
	ck_assert_int_eq(buddy_check(&zone), 5);
	build(1024);
	atomic_set(&pages[0]._count, 1);
	ck_assert_int_eq(buddy_check(&zone), 1);
	build(1024);
	__SetPageBuddy(&pages[3]);
	ck_assert_int_eq(buddy_check(&zone), 3);
	build(1024);
	page = buddy_alloc(&zone, 2, MIGRATE_UNMOVABLE);
	page->order = 1;
	__SetPageBuddy(page); /* on no list; its buddy is not free */
	ck_assert_int_eq(buddy_check(&zone), 6);
	build(1024);
	zone.zone_start_pfn++; /* now nothing is aligned */
	ck_assert_int_eq(buddy_check(&zone), 2);
	build(1024);
	page = buddy_alloc(&zone, 0, MIGRATE_UNMOVABLE);
	/* put it back as the allocator never would: beside its free buddy */
	list_add(&page->lru, &zone.free_area[0].free_list[MIGRATE_UNMOVABLE]);
	__SetPageBuddy(page);
	zone.free_area[0].nr_free++;
	zone.nr_free++;
	ck_assert_int_eq(buddy_check(&zone), 4);
}
END_TEST

START_TEST(a_cpus_list_gives_the_hottest_first_and_goes_back_in_batches)
{
	struct page *a, *b;

	build(1024);
	zone.pageset[0].batch = 4;
	zone.pageset[0].high = 8;
	a = pcp_alloc(&zone, MIGRATE_UNMOVABLE);
	b = pcp_alloc(&zone, MIGRATE_UNMOVABLE);
	ck_assert_int_eq(zone.pageset[0].count, 2);	/* one refill of 4 */
	ck_assert_uint_eq(zone_free_pages(&zone), FRAMES - 2);
	pcp_free(&zone, a);
	pcp_free(&zone, b);
	ck_assert_ptr_eq(pcp_alloc(&zone, MIGRATE_UNMOVABLE), b);
	pcp_free(&zone, b);
	for (int i = 0; i < 5; i++) { /* more than `high` makes it give a batch back */
		unsigned long flags = spin_lock_irqsave(&zone.lock);
		struct page *page = buddy_alloc(&zone, 0, MIGRATE_UNMOVABLE);

		spin_unlock_irqrestore(&zone.lock, flags);
		pcp_free(&zone, page);
	}
	ck_assert_int_eq(zone.pageset[0].count, 5);
	ck_assert_int_eq(pcp_check(&zone), 0);
	drain_all_pages(&zone);
	ck_assert_int_eq(zone.pageset[0].count, 0);
	ck_assert_uint_eq(zone.free_area[6].nr_free, 1);
}
END_TEST

START_TEST(pcp_check_names_the_broken_invariant)
{
	struct page *page;

	build(1024);
	zone.pageset[0].batch = 4;
	zone.pageset[0].high = 8;
	pcp_free(&zone, pcp_alloc(&zone, MIGRATE_UNMOVABLE));
	ck_assert_int_eq(pcp_check(&zone), 0);
	zone.pageset[0].frame[zone.pageset[0].count++] = zone.pageset[0].frame[0];
	ck_assert_int_eq(pcp_check(&zone), 2);
	zone.pageset[0].count--;
	page = zone.pageset[0].frame[0];
	__ClearPagePcp(page);
	ck_assert_int_eq(pcp_check(&zone), 1);
}
END_TEST

START_TEST(watermarks_keep_their_reserve)
{
	build(1024);
	ck_assert(zone_watermark_ok(&zone, 0, 63, ZONE_NORMAL, 0));
	ck_assert(!zone_watermark_ok(&zone, 0, 64, ZONE_NORMAL, 0));
	ck_assert(zone_watermark_ok(&zone, 0, 64, ZONE_NORMAL, ALLOC_HIGH));
	ck_assert(zone_watermark_ok(&zone, 0, 1000, ZONE_NORMAL, ALLOC_NO_WATERMARKS));
	zone.lowmem_reserve[ZONE_HIGHMEM] = 40;
	ck_assert(!zone_watermark_ok(&zone, 0, 30, ZONE_HIGHMEM, 0));
	ck_assert(zone_watermark_ok(&zone, 0, 30, ZONE_NORMAL, 0));
	ck_assert(!zone_watermark_ok(&zone, 7, 0, ZONE_NORMAL, 0)); /* no such block */
}
END_TEST

/* The frames that @nr single allocations give, in order; @bulk: by one call. */
static unsigned long take_frames(pfn_t hole, unsigned long nr, bool bulk, struct page *out[FRAMES])
{
	unsigned long got = 0;
	struct page *page;
	LIST_HEAD(list);

	build(START);
	while (hole--)		/* an uneven beginning */
		buddy_alloc(&zone, hole % 3, MIGRATE_UNMOVABLE);
	if (bulk)
		got = buddy_alloc_frames(&zone, nr, &list, MIGRATE_UNMOVABLE);
	else
		for (; got < nr && (page = buddy_alloc(&zone, 0, MIGRATE_UNMOVABLE)); got++)
			list_add_tail(&page->lru, &list);
	ck_assert_int_eq(buddy_check(&zone), 0);
	for (unsigned long i = 0; i < got; i++) {
		out[i] = list_first_entry(&list, struct page, lru);
		ck_assert_uint_eq(out[i]->order, 0);
		list_del(&out[i]->lru);
	}
	ck_assert(list_empty(&list));
	return got;
}

START_TEST(many_frames_are_the_same_as_one_by_one)
{
	struct page *one[FRAMES], *many[FRAMES];

	for (pfn_t hole = 0; hole < 6; hole++)
		for (unsigned long nr = 0; nr <= FRAMES + 1; nr++) {
			unsigned long got = take_frames(hole, nr, false, one);

			ck_assert_uint_eq(take_frames(hole, nr, true, many), got);
			for (unsigned long i = 0; i < got; i++)
				ck_assert_ptr_eq(many[i], one[i]);
		}
}
END_TEST

START_TEST(frames_side_by_side_come_back_as_blocks)
{
	LIST_HEAD(list);

	for (unsigned long first = 0; first < FRAMES; first++)
		for (unsigned long nr = 1; first + nr <= FRAMES; nr++) {
			build(START);
			ck_assert_uint_eq(buddy_alloc_frames(&zone, FRAMES, &list, MIGRATE_UNMOVABLE), FRAMES);
			buddy_free_frames(&zone, pages + first, nr);
			ck_assert_uint_eq(zone.nr_free, nr);
			ck_assert_int_eq(buddy_check(&zone), 0);
			INIT_LIST_HEAD(&list);
		}
}
END_TEST

UNIT_SUITE(buddy,
	many_frames_are_the_same_as_one_by_one,
	frames_side_by_side_come_back_as_blocks,
	single_frames_merge_into_the_largest_blocks,
	a_block_is_aligned_and_its_upper_halves_stay_free,
	exhaustion_is_null_and_changes_nothing,
	check_names_the_broken_invariant,
	a_cpus_list_gives_the_hottest_first_and_goes_back_in_batches,
	pcp_check_names_the_broken_invariant,
	watermarks_keep_their_reserve)
