/* SPDX-License-Identifier: MIT */
/*
 * test_run.c: frames side by side with one owner (mm/page/run.c).
 */
#include "unit.h"

#include <quarry/report.h>
#include <quarry/zone.h>

#define MARK (1UL << PG_vmalloc)

static void boot(void)
{
	unit_boot(128UL << 20, 32UL << 20);
}

START_TEST(a_run_is_of_marked_single_frames)
{
	static const unsigned long want[][2] = { { 8, 8 }, { 23, 16 }, { 1000, 512 }, { ~0UL, 1UL << MAX_PAGE_ORDER } };

	boot();
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		unsigned long nr = want[i][0];
		struct page *first = alloc_frame_run(GFP_HIGHUSER, &nr, MARK);

		ck_assert_ptr_nonnull(first);
		ck_assert_uint_eq(nr, want[i][1]);
		for (struct page *page = first; page < first + nr; page++)
			ck_assert(PageHighMem(page) && PageVmalloc(page) && page_count(page) == 1 && !page->order &&
				  !page->private && !page->mapping);
		free_frame_run(first, nr, MARK);
		for (struct page *page = first; page < first + nr; page++)
			ck_assert(!PageVmalloc(page) && page_count(page) == 0);
	}
	unit_teardown();
}
END_TEST

START_TEST(few_frames_are_no_run)
{
	unsigned long nr = 7;

	boot();
	ck_assert_ptr_null(alloc_frame_run(GFP_HIGHUSER, &nr, MARK));
	unit_teardown();
}
END_TEST

/* Where the best zone has only scattered frames, no lower zone's block is taken instead. */
START_TEST(B7_the_best_zone_goes_first_though_it_has_no_run)
{
	unsigned long nr = 64;
	struct page *page, *next;
	LIST_HEAD(low);
	LIST_HEAD(all);
	LIST_HEAD(odd);

	boot();
	unit_take_frames(&low, GFP_KERNEL | __GFP_MEMALLOC);
	unit_take_frames(&all, GFP_HIGHUSER | __GFP_MEMALLOC);
	unit_give_frames(&low, ~0UL);
	list_for_each_entry_safe(page, next, &all, lru)
		if (page_to_pfn(page) & 1)
			list_move(&page->lru, &odd);
	unit_give_frames(&odd, ~0UL);
	drain_all_pages(NULL);
	nr = 64;
	ck_assert_ptr_null(alloc_frame_run(GFP_HIGHUSER, &nr, MARK));
	page = alloc_frame_run(GFP_KERNEL, &nr, MARK);
	ck_assert(page && nr == 64 && !PageHighMem(page));
	free_frame_run(page, nr, MARK);
	unit_give_frames(&all, ~0UL);
	unit_teardown();
}
END_TEST

START_TEST(frames_that_differ_take_the_long_way)
{
	unsigned long nr = 32;
	struct page *first;

	boot();
	first = alloc_frame_run(GFP_HIGHUSER, &nr, MARK);
	get_page(first);
	get_page(first + 9);
	SetPageDirty(first + 10);
	get_page(first + 31);
	free_frame_run(first, nr, MARK);
	for (unsigned long i = 0; i < nr; i++) {
		ck_assert_int_eq(page_count(first + i), i == 0 || i == 9 || i == 31);
		ck_assert(!PageVmalloc(first + i) && !PageDirty(first + i));
	}
	put_page(first);
	put_page(first + 9);
	put_page(first + 31);
	unit_teardown();
}
END_TEST

START_TEST(a_frame_without_the_mark_ends_the_machine)
{
	unsigned long nr = 8;
	struct page *first;

	boot();
	first = alloc_frame_run(GFP_HIGHUSER, &nr, MARK);
	ClearPageVmalloc(first + 3);
	free_frame_run(first, nr, MARK);
}
END_TEST

UNIT_SUITE(run)
{
	Suite *suite = suite_create("run");
	TCase *ends = tcase_create("ends");

	unit_case(suite, "run", a_run_is_of_marked_single_frames, few_frames_are_no_run,
		  B7_the_best_zone_goes_first_though_it_has_no_run, frames_that_differ_take_the_long_way);
	tcase_add_test_raise_signal(ends, a_frame_without_the_mark_ends_the_machine, 6 /* SIGABRT */);
	suite_add_tcase(suite, ends);
	return suite;
}
