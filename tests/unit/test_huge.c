/* SPDX-License-Identifier: MIT */
/*
 * test_huge.c: large pages of address spaces: when they come, how they are cut, and
 * that no frame and no byte is lost.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"

#include <quarry/highmem.h>
#include <quarry/report.h>
#include <quarry/shrinker.h>
#include <quarry/vm.h>
#include <quarry/zone.h>

#define MEM (128UL << 20)
#define LOWMEM (32UL << 20)
#define BASE 0x10000000UL
#define P PAGE_SIZE
#define SPAN (1UL << pt_shift(2))
#define FRAMES (SPAN >> PAGE_SHIFT)
#define ORDER (pt_shift(2) - PAGE_SHIFT)
#define RW (VM_READ | VM_WRITE)
#define HUGE (RW | VM_HUGEPAGE)

static struct mm_struct *mm;

static void boot(void)
{
	unit_boot(MEM, LOWMEM);
	mm = mm_alloc();
	ck_assert_ptr_nonnull(mm);
}

static void finish(void)
{
	ck_assert_int_eq(mm_check(mm), 0);
	mm_free(mm);
	unit_teardown();
}

static int map(unsigned long first_page, unsigned long pages, unsigned flags)
{
	return mm_map(mm, BASE + first_page * P, pages * P, flags, "test", NULL, NULL);
}

static int unmap(unsigned long first_page, unsigned long pages)
{
	return mm_unmap(mm, BASE + first_page * P, pages * P);
}

static enum vm_fault touch(unsigned long page)
{
	return handle_mm_fault(mm, BASE + page * P + 8, FAULT_FLAG_WRITE);
}

/* The size of the page that maps @page; 0: none. */
static unsigned long page_size(unsigned long page)
{
	struct pt_walk w;

	pt_trace(mm->pgd, BASE + page * P, &w);
	return w.present ? w.page_size : 0;
}

static void write_word(unsigned long page, u32 value)
{
	ck_assert_uint_eq(copy_to_mm(mm, BASE + page * P + 40, &value, 4), 0);
}

static u32 read_word(unsigned long page)
{
	u32 value = 0;

	ck_assert_uint_eq(copy_from_mm(mm, &value, BASE + page * P + 40, 4), 0);
	return value;
}

static long thps(void)
{
	struct zone *z;
	long n = 0;

	for_each_zone(z)
		n += z->vm_stat[NR_ANON_THPS];
	return n;
}

static unsigned long free_now(void)
{
	unsigned long n = 0;
	struct zone *z;

	unit_settle();
	for_each_zone(z)
		n += zone_free_pages(z);
	return n;
}

/* ---- when they come ------------------------------------------------------------------- */

START_TEST(E7_a_touch_brings_a_large_page)
{
	static u8 content[1 << 16];

	boot();
	ck_assert_int_eq(map(FRAMES - 3, 2 * FRAMES + 8, HUGE), 0);
	ck_assert_int_eq(touch(FRAMES + 77), VM_FAULT_OK);
	ck_assert_uint_eq(page_size(FRAMES), SPAN);
	ck_assert_uint_eq(page_size(2 * FRAMES - 1), SPAN);
	ck_assert_uint_eq(page_size(2 * FRAMES), 0);
	ck_assert_uint_eq(mm->rss, FRAMES);
	ck_assert_uint_eq(mm->rss_high, FRAMES);
	ck_assert_uint_eq(mm->nr_large, 1);
	ck_assert_uint_eq(mm->faults, 1);
	ck_assert_uint_eq(mm->nr_ptes, PGTABLE_LEVELS - 2);
	ck_assert_int_eq(thps(), 1);
	for (unsigned long i = 0; i < SPAN; i += sizeof(content)) {
		ck_assert_uint_eq(copy_from_mm(mm, content, BASE + SPAN + i, sizeof(content)), 0);
		for (unsigned k = 0; k < sizeof(content); k += 8)
			ck_assert_uint_eq(*(u64 *)(content + k), 0);
	}
	/* what does not fill a span gets small pages */
	ck_assert_int_eq(touch(FRAMES - 1), VM_FAULT_OK);
	ck_assert_int_eq(touch(3 * FRAMES), VM_FAULT_OK);
	ck_assert_uint_eq(page_size(FRAMES - 1), P);
	ck_assert_uint_eq(page_size(3 * FRAMES), P);
	ck_assert_uint_eq(mm->rss, FRAMES + 2);
	/* and what is there is not faulted in again */
	ck_assert_int_eq(touch(FRAMES), VM_FAULT_OK);
	ck_assert_uint_eq(mm->faults, 3);
	finish();
}
END_TEST

static int fill_seven(void *private, unsigned long offset, void *to)
{
	(void)private;
	(void)offset;
	memset(to, 7, P);
	return 0;
}

static const struct vm_operations ops = { .fill = fill_seven };

START_TEST(E7_only_where_asked_for_and_where_they_fit)
{
	boot();
	map(0, FRAMES, RW);
	mm_map(mm, BASE + SPAN, SPAN, HUGE, "file", &ops, NULL);
	map(2 * FRAMES, FRAMES, VM_READ | VM_HUGEPAGE);
	map(3 * FRAMES, FRAMES - 1, HUGE);
	map(4 * FRAMES + 1, FRAMES - 1, HUGE);
	for (unsigned long i = 0; i < 5; i++) {
		ck_assert_int_eq(handle_mm_fault(mm, BASE + i * SPAN + 9 * P, 0), VM_FAULT_OK);
		ck_assert_uint_eq(page_size(i * FRAMES + 9), P);
	}
	ck_assert_uint_eq(mm->nr_large, 0);
	ck_assert_uint_eq(mm->rss, 5);
	finish();
}
END_TEST

START_TEST(E7_a_span_of_small_pages_stays_one_until_it_is_empty)
{
	unsigned long tables;

	boot();
	map(0, FRAMES, RW);
	touch(5);
	tables = mm->nr_ptes;
	ck_assert_int_eq(mm_advise_huge(mm, BASE, SPAN, true), 0);
	touch(6);
	ck_assert_uint_eq(page_size(6), P);
	write_word(6, 4711);
	unmap(0, FRAMES);
	ck_assert_uint_eq(mm->nr_ptes, tables);
	map(0, FRAMES, HUGE);
	touch(6);
	ck_assert_uint_eq(page_size(6), SPAN);
	ck_assert_uint_eq(mm->nr_ptes, tables - 1);	/* the empty table is gone */
	ck_assert_uint_eq(read_word(6), 0);
	finish();
}
END_TEST

START_TEST(E7_scattered_frames_give_small_pages)
{
	struct page *page, *next;
	LIST_HEAD(all);
	LIST_HEAD(low);
	LIST_HEAD(odd);

	boot();
	unit_take_frames(&low, GFP_KERNEL);
	unit_take_frames(&all, GFP_HIGHUSER);
	list_for_each_entry_safe(page, next, &all, lru)
		if (page_to_pfn(page) & 1)
			list_move(&page->lru, &odd);
	unit_give_frames(&odd, ~0UL);
	unit_give_frames(&low, 20);
	map(0, 2 * FRAMES, HUGE);
	for (unsigned long i = 0; i < 2 * FRAMES; i++)
		ck_assert_int_eq(touch(i), VM_FAULT_OK);
	ck_assert_uint_eq(mm->nr_large, 0);
	ck_assert_uint_eq(mm->rss, 2 * FRAMES);
	ck_assert_int_eq(mm_check(mm), 0);
	unit_give_frames(&low, ~0UL);
	unit_give_frames(&all, ~0UL);
	finish();
}
END_TEST

/* ---- cutting ------------------------------------------------------------------------------ */

START_TEST(E7_part_of_a_large_page_is_cut)
{
	unsigned long before;

	boot();
	map(0, FRAMES, HUGE);
	before = free_now();
	for (unsigned long i = 0; i < FRAMES; i++)
		write_word(i, (u32)i + 1);
	ck_assert_uint_eq(mm->nr_large, 1);
	ck_assert_int_eq(unmap(100, 3), 0);
	ck_assert_uint_eq(mm->nr_large, 0);
	ck_assert_int_eq(thps(), 0);
	ck_assert_uint_eq(mm->rss, FRAMES - 3);
	ck_assert_uint_eq(mm->map_count, 2);
	ck_assert_int_eq(mm_check(mm), 0);
	ck_assert_int_eq(touch(101), VM_FAULT_SEGV);
	for (unsigned long i = 0; i < FRAMES; i++)
		if (i < 100 || i > 102)
			ck_assert_uint_eq(read_word(i), i + 1);
	ck_assert_uint_eq(before - free_now(), FRAMES - 3 + mm->nr_ptes);
	finish();
}
END_TEST

START_TEST(E7_a_frame_of_a_large_page_may_outlive_it)
{
	struct page *page;
	pfn_t pfn;
	pte_t e;

	boot();
	map(0, FRAMES, HUGE);
	write_word(33, 99);
	ck_assert_int_eq(pt_leaf(mm->pgd, BASE + 33 * P, &e, &pfn), 2);
	page = pfn_to_page(pfn);
	get_page(page);
	unmap(0, FRAMES);
	ck_assert_int_eq(page_count(page), 1);
	ck_assert_uint_eq(((u32 *)kmap(page))[10], 99);
	kunmap(page);
	put_page(page);
	finish();
}
END_TEST

/* Without a table for the rest of it, a large page stays whole, and the area too. */
START_TEST(E7_no_table_no_cut)
{
	LIST_HEAD(low);

	boot();
	map(0, 3 * FRAMES, HUGE);
	for (unsigned long i = 0; i < 3; i++)
		write_word(i * FRAMES + 5, (u32)i + 1);
	ck_assert_uint_eq(mm->nr_large, 3);
	unit_take_frames(&low, GFP_KERNEL);
	ck_assert_int_eq(unmap(10, 2 * FRAMES), -ENOMEM);
	ck_assert_int_eq(mm_advise_huge(mm, BASE + 10 * P, P, false), -ENOMEM);
	ck_assert_uint_eq(mm->nr_large, 3);
	ck_assert_uint_eq(mm->rss, 3 * FRAMES);
	ck_assert_uint_eq(mm->map_count, 1);
	for (unsigned long i = 0; i < 3; i++)
		ck_assert_uint_eq(read_word(i * FRAMES + 5), i + 1);
	/* one border can be cut, the other not: nothing is */
	unit_give_frames(&low, 1);
	ck_assert_int_eq(unmap(10, 2 * FRAMES), -ENOMEM);
	ck_assert_uint_eq(mm->rss, 3 * FRAMES);
	ck_assert_uint_eq(mm->map_count, 1);
	/* whole large pages need nothing */
	ck_assert_int_eq(unmap(2 * FRAMES, FRAMES), 0);
	ck_assert_uint_eq(mm->rss, 2 * FRAMES);
	unit_give_frames(&low, ~0UL);
	ck_assert_int_eq(unmap(10, FRAMES), 0);
	ck_assert_uint_eq(mm->rss, FRAMES);
	ck_assert_uint_eq(read_word(5), 1);
	finish();
}
END_TEST

START_TEST(E7_the_heap_shrinks_into_a_large_page)
{
	boot();
	mm->start_brk = mm->brk = BASE;
	ck_assert_uint_eq(mm_brk(mm, BASE + 2 * SPAN), BASE + 2 * SPAN);
	ck_assert_int_eq(mm_advise_huge(mm, BASE, 2 * SPAN, true), 0);
	write_word(3, 3);
	write_word(FRAMES + 3, 4);
	ck_assert_uint_eq(mm->nr_large, 2);
	ck_assert_uint_eq(mm_brk(mm, BASE + 10 * P), BASE + 10 * P);
	ck_assert_uint_eq(mm->rss, 10);
	ck_assert_uint_eq(mm->nr_large, 0);
	ck_assert_uint_eq(read_word(3), 3);
	ck_assert_uint_eq(mm_brk(mm, BASE + 2 * SPAN), BASE + 2 * SPAN);
	ck_assert_uint_eq(read_word(FRAMES + 3), 0);
	ck_assert_uint_eq(mm->nr_large, 1);	/* the second span is empty again */
	finish();
}
END_TEST

/* What each page should hold, by the dumbest means. */
START_TEST(random_cuts_of_large_pages_against_a_dumb_model)
{
	static bool mapped[5 * 1024];
	static u32 value[5 * 1024];
	const unsigned N = 5 * FRAMES;
	unsigned seed = 11, large = 0;

	boot();
	for (u32 step = 1; step < 3000; step++) {
		unsigned r = (seed = seed * 1664525u + 1013904223u) >> 4;
		unsigned at = r % N, n = 1 + (r >> 10) % (3 * FRAMES), what = (r >> 20) % 8;
		bool any = false;

		n = min(n, N - at);
		for (unsigned i = at; i < at + n; i++)
			any |= mapped[i];
		if (what == 0 && !any) {
			ck_assert_int_eq(map(at, n, r & 1 ? HUGE : RW), 0);
			memset(mapped + at, 1, n);
		} else if (what == 1) {
			n = step % 20 ? min(n, n % 20 + 1) : n;
			ck_assert_int_eq(unmap(at, n), 0);
			memset(mapped + at, 0, n);
			memset(value + at, 0, n * sizeof(value[0]));
		} else if (what == 2) {
			ck_assert_int_eq(mm_advise_huge(mm, BASE + at * P, n * P, r & 1), 0);
		} else if (mapped[at]) {
			ck_assert_uint_eq(read_word(at), value[at]);
			write_word(at, value[at] = step);
		} else {
			ck_assert_int_eq(touch(at), VM_FAULT_SEGV);
		}
		large = max(large, (unsigned)mm->nr_large);
		if (step % 100 == 0)
			ck_assert_int_eq(mm_check(mm), 0);
	}
	for (unsigned i = 0; i < N; i++)
		if (mapped[i])
			ck_assert_uint_eq(read_word(i), value[i]);
	ck_assert_uint_gt(large, 0);
	finish();
}
END_TEST

/* ---- asking --------------------------------------------------------------------------------- */

static unsigned huge_areas(void)
{
	struct vm_area_struct *vma;
	unsigned pages = 0;

	list_for_each_entry(vma, &mm->areas, link)
		if (vma->vm_flags & VM_HUGEPAGE)
			pages += (unsigned)((vma->vm_end - vma->vm_start) / P);
	return pages;
}

START_TEST(advice_concerns_the_range_and_no_more)
{
	boot();
	map(0, 10, RW);
	map(20, 10, RW);
	ck_assert_int_eq(mm_advise_huge(mm, BASE + 5 * P, 20 * P, true), 0);
	ck_assert_uint_eq(mm->map_count, 4);
	ck_assert_uint_eq(huge_areas(), 10);
	ck_assert_int_eq(mm_advise_huge(mm, BASE + 6 * P, P, false), 0);
	ck_assert_uint_eq(mm->map_count, 6);
	ck_assert_uint_eq(huge_areas(), 9);
	ck_assert_int_eq(mm_advise_huge(mm, BASE + 6 * P, P, false), 0);
	ck_assert_uint_eq(mm->map_count, 6);
	ck_assert_int_eq(mm_advise_huge(mm, BASE + 1, P, true), -EINVAL);
	ck_assert_int_eq(mm_advise_huge(mm, BASE, 0, true), -EINVAL);
	ck_assert_int_eq(mm_advise_huge(mm, TASK_SIZE, P, true), -EINVAL);
	ck_assert_int_eq(mm_advise_huge(mm, BASE + 100 * P, P, true), 0);	/* nothing is there */
	finish();
}
END_TEST

START_TEST(advice_splits_a_large_page_at_its_border)
{
	boot();
	map(0, FRAMES, HUGE);
	write_word(7, 7);
	ck_assert_int_eq(mm_advise_huge(mm, BASE, 100 * P, false), 0);
	ck_assert_uint_eq(mm->nr_large, 0);
	ck_assert_uint_eq(mm->rss, FRAMES);
	ck_assert_uint_eq(read_word(7), 7);
	finish();
}
END_TEST

/* ---- memory that is short, areas that vanish --------------------------------------------------- */

/* With n frames for tables and one block, for every n: it works, or nothing is held. */
START_TEST(out_of_memory_at_every_step_is_undone)
{
	unsigned failed = 0, worked = 0;
	struct page *block;
	LIST_HEAD(high);
	LIST_HEAD(low);

	boot();
	block = alloc_pages(GFP_HIGHUSER, ORDER);
	unit_take_frames(&low, GFP_KERNEL);
	unit_take_frames(&high, GFP_HIGHUSER);
	ck_assert_int_eq(map(0, FRAMES, HUGE), -ENOMEM);
	unit_give_frames(&low, 1);		/* the area's slab */
	ck_assert_int_eq(map(0, FRAMES, HUGE), 0);
	__free_pages(block, ORDER);
	for (unsigned n = 0; n < 10 && worked < 2; n++) {
		unsigned long before = free_now() + mm->nr_ptes;
		enum vm_fault f = touch(3);

		ck_assert(f == VM_FAULT_OK || f == VM_FAULT_OOM);
		failed += f == VM_FAULT_OOM;
		worked += f == VM_FAULT_OK;
		ck_assert_uint_eq(mm->nr_large, f == VM_FAULT_OK);
		ck_assert_int_eq(mm_check(mm), 0);
		ck_assert_uint_eq(free_now() + mm->nr_ptes + mm->rss, before);
		if (f == VM_FAULT_OK) {
			ck_assert_int_eq(unmap(0, FRAMES), 0);
			ck_assert_int_eq(map(0, FRAMES, HUGE), 0);
		}
		unit_give_frames(&low, 1);
	}
	ck_assert_uint_gt(worked, 0);
	ck_assert(failed > 0 || PGTABLE_LEVELS == 2);	/* two levels: no table is needed */
	unit_give_frames(&low, ~0UL);
	unit_give_frames(&high, ~0UL);
	finish();
}
END_TEST

static struct page *hidden_block;

static unsigned long a_block(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return hidden_block ? FRAMES : 0;
}

/* While the fault waits for memory, another thread unmaps the area, and memory comes. */
static unsigned long unmap_and_give(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	if (!hidden_block)
		return SHRINK_STOP;
	ck_assert_int_eq(unmap(0, FRAMES), 0);
	__free_pages(hidden_block, ORDER);
	hidden_block = NULL;
	return FRAMES;
}

START_TEST(E7_the_area_vanishes_while_a_block_is_sought)
{
	struct shrinker s = { .count_objects = a_block, .scan_objects = unmap_and_give, .seeks = DEFAULT_SEEKS };
	LIST_HEAD(high);
	LIST_HEAD(low);

	boot();
	map(0, FRAMES, HUGE);
	hidden_block = alloc_pages(GFP_HIGHUSER, ORDER);
	unit_take_frames(&low, GFP_KERNEL);
	unit_take_frames(&high, GFP_HIGHUSER);
	unit_give_frames(&low, 10);
	ck_assert_int_eq(register_shrinker(&s, "test"), 0);
	ck_assert_int_eq(touch(0), VM_FAULT_OK);	/* try again ... */
	unregister_shrinker(&s);
	ck_assert_ptr_null(hidden_block);
	ck_assert_int_eq(touch(0), VM_FAULT_SEGV);	/* ... and be told */
	ck_assert_uint_eq(mm->rss, 0);
	ck_assert_int_eq(mm_check(mm), 0);
	unit_give_frames(&low, ~0UL);
	unit_give_frames(&high, ~0UL);
	finish();
}
END_TEST

/* ---- as the MMU sees them ---------------------------------------------------------------------- */

static bool answer_from_mm(const struct fault_info *f)
{
	return handle_mm_fault(mm, f->addr, f->write ? FAULT_FLAG_WRITE : 0) == VM_FAULT_OK;
}

START_TEST(E5_what_is_cut_out_of_a_large_page_is_forgotten_by_the_tlb)
{
	volatile u32 *p = (volatile u32 *)BASE;
	const unsigned step = P / sizeof(u32);
	u32 v;

	boot();
	map(0, FRAMES, HUGE);
	machine_load_mm(mm);
	hosted_fault_handler = answer_from_mm;
	for (u32 i = 0; i < FRAMES; i++)
		p[i * step] = i + 1;
	ck_assert_uint_eq(mm->nr_large, 1);
	ck_assert_uint_eq(mm->faults, 1);
	ck_assert(mmu_tlb_has(BASE + 50 * P) && mmu_tlb_has(BASE + 51 * P));
	ck_assert_int_eq(unmap(50, 1), 0);
	ck_assert(!mmu_tlb_has(BASE + 50 * P));
	ck_assert(!machine_probe_read(BASE + 50 * P, &v));
	for (u32 i = 0; i < FRAMES; i++)
		if (i != 50)
			ck_assert_uint_eq(p[i * step], i + 1);
	ck_assert_uint_eq(read_word(51), 0);
	machine_load_mm(NULL);
	finish();
}
END_TEST

START_TEST(check_tells_what_is_broken)
{
	struct vm_area_struct *vma;

	boot();
	map(0, 2 * FRAMES, HUGE);
	touch(1);
	vma = find_vma(mm, BASE);
	mm->nr_large++;
	ck_assert_int_eq(mm_check(mm), 7);
	mm->nr_large--;
	vma->vm_end = BASE + 100 * P;
	ck_assert_int_eq(mm_check(mm), 7);
	vma->vm_end = BASE + 2 * SPAN;
	vma->nr_pages--;
	ck_assert_int_eq(mm_check(mm), 3);
	vma->nr_pages++;
	finish();
}
END_TEST

UNIT_SUITE(huge,
	E7_a_touch_brings_a_large_page,
	E7_only_where_asked_for_and_where_they_fit,
	E7_a_span_of_small_pages_stays_one_until_it_is_empty,
	E7_scattered_frames_give_small_pages,
	E7_part_of_a_large_page_is_cut,
	E7_a_frame_of_a_large_page_may_outlive_it,
	E7_no_table_no_cut,
	E7_the_heap_shrinks_into_a_large_page,
	random_cuts_of_large_pages_against_a_dumb_model,
	advice_concerns_the_range_and_no_more,
	advice_splits_a_large_page_at_its_border,
	out_of_memory_at_every_step_is_undone,
	E7_the_area_vanishes_while_a_block_is_sought,
	E5_what_is_cut_out_of_a_large_page_is_forgotten_by_the_tlb,
	check_tells_what_is_broken)
