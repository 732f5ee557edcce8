/* SPDX-License-Identifier: MIT */
/*
 * test_large_areas.c: vmalloc and ioremap with large pages, and what becomes of them
 * when memory is scattered or short.
 */
#include "unit.h"

#include <string.h>

#include "kernel/machine.h"

#include <quarry/highmem.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

static void boot(void)
{
	unit_boot(128UL << 20, 32UL << 20);
}

static struct vmalloc_totals totals(void)
{
	struct vmalloc_totals t;

	vmalloc_get_totals(&t);
	return t;
}

#define SPAN (1UL << pt_shift(2))
#define FRAMES (SPAN >> PAGE_SHIFT)

static int level_of(const void *p)
{
	pfn_t pfn;
	pte_t e;

	return pt_leaf(swapper_pg_dir, (unsigned long)p, &e, &pfn);
}

static bool first_area(const struct vmalloc_area_info *info, void *arg)
{
	*(struct vmalloc_area_info *)arg = *info;
	return false;
}

static unsigned large_pages(void)
{
	struct vmalloc_area_info info = { .nr_large = 0 };

	vmalloc_for_each(first_area, &info);
	return info.nr_large;
}

START_TEST(F1_large_areas_are_mapped_with_large_pages)
{
	unsigned long size = 2 * SPAN + 3 * PAGE_SIZE;
	u32 v;
	u8 *p;

	boot();
	p = vmalloc(size);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq((unsigned long)p % SPAN, 0);
	ck_assert_uint_eq(large_pages(), 2);
	ck_assert_int_eq(level_of(p), 2);
	ck_assert_int_eq(level_of(p + 2 * SPAN - 1), 2);
	ck_assert_int_eq(level_of(p + 2 * SPAN), 1);
	ck_assert(!machine_probe_read((unsigned long)p + size, &v));
	for (unsigned long i = 0; i < size; i += PAGE_SIZE) {
		struct page *page = vmalloc_to_page(p + i);
		u8 *window;

		p[i + 1] = (u8)(i >> PAGE_SHIFT);
		ck_assert(page && PageVmalloc(page) && page_count(page) == 1 && page->order == 0);
		window = kmap_local_page(page);
		ck_assert_uint_eq(window[1], (u8)(i >> PAGE_SHIFT));
		kunmap_local(window);
	}
	ck_assert_int_eq(vmalloc_check(), 0);
	vfree(p);
	vmalloc_purge();
	ck_assert(!machine_probe_read((unsigned long)p, &v));
	unit_teardown();
}
END_TEST

START_TEST(F1_what_is_skipped_to_align_an_area_is_not_lost)
{
	u8 *small, *large, *next;

	boot();
	small = vmalloc(PAGE_SIZE);
	large = vmalloc(SPAN);
	next = vmalloc(5 * PAGE_SIZE);
	ck_assert_uint_eq((unsigned long)large % SPAN, 0);
	ck_assert_ptr_eq(next, small + 2 * PAGE_SIZE);
	ck_assert_int_eq(vmalloc_check(), 0);
	vfree(small);
	vfree(large);
	vfree(next);
	unit_teardown();
}
END_TEST

/* No gap of that size with room to align it: the area goes where it fits. */
START_TEST(F1_alignment_is_only_a_wish)
{
	static struct page *pages[16384];
	unsigned n = 0, need = (unsigned)FRAMES + 4;
	struct page *page;
	void *areas[64];
	u8 *p;

	boot();
	page = alloc_page(GFP_HIGHUSER);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = page;
	areas[n++] = vmap(pages, 1, VM_MAP, PAGE_KERNEL);
	for (unsigned left; (left = (unsigned)(totals().largest_free >> PAGE_SHIFT)) > need; n++) {
		ck_assert_uint_lt(n, ARRAY_SIZE(areas));
		areas[n] = vmap(pages, min(left - need - 1, (unsigned)ARRAY_SIZE(pages)), VM_MAP, PAGE_KERNEL);
		ck_assert_ptr_nonnull(areas[n]);
	}
	ck_assert_uint_eq(totals().largest_free >> PAGE_SHIFT, need);
	p = vmalloc((unsigned long)need << PAGE_SHIFT);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_ne((unsigned long)p % SPAN, 0);
	memset(p, 0x5a, (unsigned long)need << PAGE_SHIFT);
	ck_assert_int_eq(vmalloc_check(), 0);
	vfree(p);
	while (n--)
		vunmap(areas[n]);
	__free_page(page);
	unit_teardown();
}
END_TEST

START_TEST(F1_a_frame_of_a_large_page_may_outlive_the_area)
{
	struct page *page;
	u8 *p;

	boot();
	p = vmalloc(SPAN);
	ck_assert_uint_eq(large_pages(), 1);
	page = vmalloc_to_page(p + 77 * PAGE_SIZE);
	p[77 * PAGE_SIZE + 5] = 99;
	get_page(page);
	vfree(p);
	vmalloc_purge();
	ck_assert_int_eq(page_count(page), 1);
	ck_assert(!PageVmalloc(page));
	ck_assert_uint_eq(((u8 *)kmap(page))[5], 99);
	kunmap(page);
	put_page(page);
	unit_teardown();
}
END_TEST

START_TEST(F1_scattered_frames_serve_a_large_area_too)
{
	struct page *page, *next;
	LIST_HEAD(all);
	LIST_HEAD(odd);
	LIST_HEAD(low);
	u8 *p;

	boot();
	unit_take_frames(&low, GFP_KERNEL);
	unit_take_frames(&all, GFP_HIGHUSER);
	unit_give_frames(&low, 20);
	list_for_each_entry_safe(page, next, &all, lru)
		if (page_to_pfn(page) & 1)
			list_move(&page->lru, &odd);
	unit_give_frames(&odd, ~0UL);
	p = vmalloc(2 * SPAN);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(large_pages(), 0);
	ck_assert_int_eq(level_of(p), 1);
	memset(p, 1, 2 * SPAN);
	ck_assert_int_eq(vmalloc_check(), 0);
	vfree(p);
	unit_give_frames(&low, ~0UL);
	unit_give_frames(&all, ~0UL);
	unit_teardown();
}
END_TEST

static unsigned long free_now(void)
{
	unsigned long n = 0;
	struct zone *z;

	unit_settle();
	for_each_zone(z)
		n += zone_free_pages(z);
	return n;
}

/* With one block and n frames left, for every n: it works, or nothing is held. */
START_TEST(C3_a_large_area_fails_at_every_frame_and_is_undone)
{
	unsigned long before, failed = 0, worked = 0;
	struct page *block;
	LIST_HEAD(low);
	LIST_HEAD(high);
	u8 *p;

	boot();
	block = alloc_pages(GFP_HIGHUSER, pt_shift(2) - PAGE_SHIFT);
	ck_assert_ptr_nonnull(block);
	unit_take_frames(&low, GFP_KERNEL);
	unit_take_frames(&high, GFP_HIGHUSER);
	__free_pages(block, pt_shift(2) - PAGE_SHIFT);
	for (unsigned n = 0; n < 40 && worked < 3; n++) {
		before = free_now();
		p = __vmalloc(SPAN + 3 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
		failed += !p;
		worked += p != NULL;
		if (p)
			ck_assert_uint_eq(large_pages(), 1);
		vfree(p);
		ck_assert_uint_eq(free_now(), before);
		ck_assert_int_eq(vmalloc_check(), 0);
		unit_give_frames(n & 1 ? &low : &high, 1);
	}
	ck_assert_uint_gt(failed, 1);
	ck_assert_uint_gt(worked, 1);
	unit_give_frames(&low, ~0UL);
	unit_give_frames(&high, ~0UL);
	unit_teardown();
}
END_TEST

START_TEST(F1_devices_get_large_pages_where_they_are_aligned)
{
	phys_addr_t device = 0xe0000000;
	char *p, *q;

	boot();
	p = ioremap(device, 3 * SPAN + PAGE_SIZE);
	q = ioremap(device + PAGE_SIZE, 3 * SPAN);
	ck_assert(p && q);
	for (unsigned long i = 0; i < 3 * SPAN; i += SPAN / 2) {
		ck_assert_int_eq(level_of(p + i), 2);
		ck_assert_int_eq(level_of(q + i), 1);
		ck_assert_uint_eq(vmalloc_to_pfn(p + i), (device + i) >> PAGE_SHIFT);
		ck_assert_uint_eq(vmalloc_to_pfn(q + i), (device + PAGE_SIZE + i) >> PAGE_SHIFT);
	}
	ck_assert_int_eq(level_of(p + 3 * SPAN), 1);
	ck_assert_int_eq(level_of(p + 3 * SPAN + PAGE_SIZE), 0);
	ck_assert_int_eq(vmalloc_check(), 0);
	iounmap(p);
	iounmap(q);
	unit_teardown();
}
END_TEST

UNIT_SUITE(large_areas,
	F1_large_areas_are_mapped_with_large_pages,
	F1_what_is_skipped_to_align_an_area_is_not_lost,
	F1_alignment_is_only_a_wish,
	F1_a_frame_of_a_large_page_may_outlive_the_area,
	F1_scattered_frames_serve_a_large_area_too,
	C3_a_large_area_fails_at_every_frame_and_is_undone,
	F1_devices_get_large_pages_where_they_are_aligned)
