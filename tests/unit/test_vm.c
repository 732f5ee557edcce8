/* SPDX-License-Identifier: MIT */
/*
 * test_vm.c: address spaces: areas cut and split, pages that come by fault, and every
 * frame back at the end.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "kernel/machine.h"
#include "kernel/sched.h"

#include <quarry/highmem.h>
#include <quarry/report.h>
#include <quarry/vm.h>
#include <quarry/zone.h>

#define MEM (128UL << 20)
#define LOWMEM (32UL << 20)
#define BASE 0x10000000UL
#define P PAGE_SIZE
#define RW (VM_READ | VM_WRITE)

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

static enum vm_fault touch(unsigned long page, unsigned flags)
{
	return handle_mm_fault(mm, BASE + page * P + 8, flags);
}

/* The areas as text: "[0,3)[5,8)". */
static const char *areas(void)
{
	static char text[400];
	struct vm_area_struct *vma;
	int n = 0;

	text[0] = '\0';
	list_for_each_entry(vma, &mm->areas, link)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "[%lu,%lu)", (vma->vm_start - BASE) / P,
			      (vma->vm_end - BASE) / P);
	return text;
}

/* ---- areas --------------------------------------------------------------------------- */

START_TEST(areas_do_not_overlap)
{
	boot();
	ck_assert_int_eq(map(10, 5, RW), 0);
	ck_assert_int_eq(map(20, 5, RW), 0);
	ck_assert_int_eq(map(15, 5, RW), 0);
	ck_assert_int_eq(map(14, 1, RW), -EEXIST);
	ck_assert_int_eq(map(5, 6, RW), -EEXIST);
	ck_assert_int_eq(map(0, 100, RW), -EEXIST);
	ck_assert_int_eq(map(24, 2, RW), -EEXIST);
	ck_assert_int_eq(map(0, 10, RW), 0);
	ck_assert_str_eq(areas(), "[0,10)[10,15)[15,20)[20,25)");
	ck_assert_uint_eq(mm->map_count, 4);
	ck_assert_uint_eq(mm->rss, 0);
	finish();
}
END_TEST

START_TEST(ranges_that_make_no_sense)
{
	boot();
	ck_assert_int_eq(mm_map(mm, BASE + 1, P, RW, "x", NULL, NULL), -EINVAL);
	ck_assert_int_eq(mm_map(mm, BASE, P + 1, RW, "x", NULL, NULL), -EINVAL);
	ck_assert_int_eq(mm_map(mm, BASE, 0, RW, "x", NULL, NULL), -EINVAL);
	ck_assert_int_eq(mm_map(mm, 0, P, RW, "x", NULL, NULL), -EINVAL);
	ck_assert_int_eq(mm_map(mm, TASK_SIZE, P, RW, "x", NULL, NULL), -EINVAL);
	ck_assert_int_eq(mm_map(mm, TASK_SIZE - P, 2 * P, RW, "x", NULL, NULL), -EINVAL);
	ck_assert_int_eq(mm_map(mm, BASE, 0 - BASE, RW, "x", NULL, NULL), -EINVAL);
	ck_assert_int_eq(mm_unmap(mm, BASE + 3, P), -EINVAL);
	ck_assert_int_eq(mm_map(mm, TASK_SIZE - P, P, RW, "x", NULL, NULL), 0);
	ck_assert_int_eq(handle_mm_fault(mm, TASK_SIZE - 1, FAULT_FLAG_WRITE), VM_FAULT_OK);
	ck_assert_int_eq(handle_mm_fault(mm, TASK_SIZE, 0), VM_FAULT_SEGV);
	ck_assert_int_eq(handle_mm_fault(mm, ~0UL, 0), VM_FAULT_SEGV);
	finish();
}
END_TEST

START_TEST(find_vma_and_gaps)
{
	boot();
	map(10, 5, RW);
	map(20, 5, RW);
	ck_assert_uint_eq(find_vma(mm, BASE)->vm_start, BASE + 10 * P);
	ck_assert_uint_eq(find_vma(mm, BASE + 15 * P - 1)->vm_start, BASE + 10 * P);
	ck_assert_uint_eq(find_vma(mm, BASE + 15 * P)->vm_start, BASE + 20 * P);
	ck_assert_ptr_null(find_vma(mm, BASE + 25 * P));
	ck_assert_uint_eq(mm_find_gap(mm, BASE, 10 * P), BASE);
	ck_assert_uint_eq(mm_find_gap(mm, BASE + P, 10 * P), BASE + 25 * P);
	ck_assert_uint_eq(mm_find_gap(mm, BASE + 8 * P, 5 * P), BASE + 15 * P);
	ck_assert_uint_eq(mm_find_gap(mm, BASE + 12 * P + 1, P), BASE + 15 * P);
	ck_assert_uint_eq(mm_find_gap(mm, 0, P), P);
	ck_assert_uint_eq(mm_find_gap(mm, TASK_SIZE - P, 2 * P), 0);
	ck_assert_uint_eq(mm_find_gap(mm, 0, TASK_SIZE), 0);
	ck_assert_uint_eq(mm_find_gap(mm, ~0UL, P), 0);
	ck_assert_uint_eq(mm_find_gap(mm, 0, 0), 0);
	finish();
}
END_TEST

START_TEST(E7_cutting_returns_the_frames_cut)
{
	boot();
	map(0, 8, RW);
	map(10, 4, RW);
	for (unsigned long i = 0; i < 14; i++)
		touch(i, FAULT_FLAG_WRITE);
	ck_assert_uint_eq(mm->rss, 12);
	ck_assert_int_eq(unmap(3, 2), 0);
	ck_assert_str_eq(areas(), "[0,3)[5,8)[10,14)");
	ck_assert_uint_eq(mm->rss, 10);
	ck_assert_int_eq(mm_check(mm), 0);
	ck_assert_int_eq(unmap(7, 4), 0);
	ck_assert_str_eq(areas(), "[0,3)[5,7)[11,14)");
	ck_assert_uint_eq(mm->rss, 8);
	ck_assert_int_eq(unmap(0, 1), 0);
	ck_assert_int_eq(unmap(13, 100), 0);
	ck_assert_str_eq(areas(), "[1,3)[5,7)[11,13)");
	ck_assert_int_eq(unmap(0, 12), 0);
	ck_assert_str_eq(areas(), "[12,13)");
	ck_assert_uint_eq(mm->rss, 1);
	ck_assert_int_eq(unmap(500, 3), 0);
	ck_assert_int_eq(touch(5, 0), VM_FAULT_SEGV);
	finish();
}
END_TEST

/* A dumb model: one byte a page, what area it belongs to and whether it was touched. */
START_TEST(random_cuts_against_a_dumb_model)
{
	static bool mapped[1200], touched[1200];
	unsigned seed = 3, failed = 0;

	boot();
	for (int step = 0; step < 3000; step++) {
		unsigned r = (seed = seed * 1664525u + 1013904223u) >> 4;
		unsigned at = r % 1100, n = 1 + (r >> 12) % 97, what = (r >> 20) % 3;
		bool any = false;

		for (unsigned i = at; i < at + n; i++)
			any |= mapped[i];
		if (what == 0) {
			ck_assert_int_eq(map(at, n, RW), any ? -EEXIST : 0);
			failed += any;
			for (unsigned i = at; i < at + n && !any; i++)
				mapped[i] = true;
		} else if (what == 1) {
			ck_assert_int_eq(unmap(at, n), 0);
			memset(mapped + at, 0, n);
			memset(touched + at, 0, n);
		} else {
			ck_assert_int_eq(touch(at, FAULT_FLAG_WRITE), mapped[at] ? VM_FAULT_OK : VM_FAULT_SEGV);
			touched[at] = mapped[at];
		}
		if (step % 100 == 0)
			ck_assert_int_eq(mm_check(mm), 0);
	}
	for (unsigned i = 0, rss = 0; i < 1200; i++) {
		struct pt_walk w;

		pt_trace(mm->pgd, BASE + i * P, &w);
		ck_assert_int_eq(w.present, touched[i]);
		ck_assert_int_eq(touch(i, 0) == VM_FAULT_OK, mapped[i]);
		rss += mapped[i];
		if (i == 1199)
			ck_assert_uint_eq(mm->rss, rss);
	}
	ck_assert_uint_gt(failed, 0);
	finish();
}
END_TEST

START_TEST(cutting_more_than_one_piece)
{
	boot();
	map(0, 3000, RW);
	for (unsigned long i = 0; i < 3000; i += 3)
		touch(i, FAULT_FLAG_WRITE);
	ck_assert_int_eq(unmap(1, 2998), 0);
	ck_assert_str_eq(areas(), "[0,1)[2999,3000)");
	ck_assert_uint_eq(mm->rss, 1);
	ck_assert_int_eq(mm_check(mm), 0);
	finish();
}
END_TEST

/* ---- faults --------------------------------------------------------------------------- */

START_TEST(E7_a_cleared_frame_from_high_memory)
{
	struct pt_walk w;
	u8 *p;

	boot();
	map(0, 4, RW);
	ck_assert_int_eq(touch(2, FAULT_FLAG_WRITE), VM_FAULT_OK);
	pt_trace(mm->pgd, BASE + 2 * P, &w);
	ck_assert(w.present);
	ck_assert(PageHighMem(pfn_to_page((pfn_t)(w.phys >> PAGE_SHIFT))));
	p = kmap(pfn_to_page((pfn_t)(w.phys >> PAGE_SHIFT)));
	for (unsigned long i = 0; i < P; i++)
		ck_assert_uint_eq(p[i], 0);
	kunmap(pfn_to_page((pfn_t)(w.phys >> PAGE_SHIFT)));
	ck_assert_uint_eq(mm->rss, 1);
	ck_assert_uint_eq(mm->rss_high, 1);
	ck_assert_uint_eq(mm->nr_ptes, PGTABLE_LEVELS - 1);
	ck_assert_uint_eq(mm->faults, 1);
	ck_assert_int_eq(touch(2, 0), VM_FAULT_OK);	/* there already */
	ck_assert_uint_eq(mm->faults, 1);
	finish();
}
END_TEST

START_TEST(E7_rights)
{
	struct pt_walk w;

	boot();
	map(0, 1, VM_READ);
	map(1, 1, VM_READ | VM_EXEC);
	map(2, 1, RW);
	map(3, 1, 0);
	ck_assert_int_eq(touch(0, 0), VM_FAULT_OK);
	ck_assert_int_eq(touch(0, FAULT_FLAG_WRITE), VM_FAULT_PROT);
	ck_assert_int_eq(touch(0, FAULT_FLAG_EXEC), VM_FAULT_PROT);
	ck_assert_int_eq(touch(1, FAULT_FLAG_EXEC), VM_FAULT_OK);
	ck_assert_int_eq(touch(2, 0), VM_FAULT_OK);
	ck_assert_int_eq(touch(2, FAULT_FLAG_WRITE), VM_FAULT_OK);
	ck_assert_int_eq(touch(3, 0), VM_FAULT_PROT);
	ck_assert_int_eq(touch(4, 0), VM_FAULT_SEGV);
	pt_trace(mm->pgd, BASE, &w);
	ck_assert(!pte_write(w.step[w.steps - 1].entry));
	pt_trace(mm->pgd, BASE + 2 * P, &w);
	ck_assert(pte_write(w.step[w.steps - 1].entry));
	finish();
}
END_TEST

static int fill_with_offset(void *private, unsigned long offset, void *to)
{
	if (offset == 7 * P)
		return -EINVAL;
	memset(to, *(int *)private, P);
	*(unsigned long *)to = offset;
	return 0;
}

static const struct vm_operations ops = { .fill = fill_with_offset };

START_TEST(E7_content_comes_from_the_areas_source)
{
	unsigned long word[2];
	int seven = 7;

	boot();
	ck_assert_int_eq(mm_map(mm, BASE, 10 * P, VM_READ, "file", &ops, &seven), 0);
	ck_assert_int_eq(unmap(0, 2), 0);
	ck_assert_int_eq(unmap(4, 1), 0);
	for (unsigned long i = 2; i < 10; i++) {
		if (i == 4 || i == 7)
			continue;
		ck_assert_uint_eq(copy_from_mm(mm, word, BASE + i * P, sizeof(word)), 0);
		ck_assert_uint_eq(word[0], i * P);		/* cutting has not moved it */
		ck_assert_uint_eq(word[1] & 0xff, 7);
	}
	ck_assert_int_eq(touch(7, 0), VM_FAULT_SIGBUS);
	ck_assert_uint_eq(mm->rss, 6);
	finish();
}
END_TEST

/* One frame that all read, as a cache of file pages would keep it. */
static int share_one(void *private, unsigned long offset, struct page **page)
{
	(void)offset;
	*page = private;
	get_page(*page);
	return 0;
}

static int fill_zero(void *private, unsigned long offset, void *to)
{
	(void)offset;
	(void)private;
	memset(to, 0, P);
	return 0;
}

static const struct vm_operations sharing = { .fill = fill_zero, .fault = share_one };

START_TEST(E7_a_frame_is_shared_where_nobody_may_write)
{
	struct page *page;

	boot();
	page = alloc_page(GFP_HIGHUSER);
	ck_assert_int_eq(mm_map(mm, BASE, 99 * P, VM_READ | VM_EXEC, "text", &sharing, page), 0);
	ck_assert_int_eq(mm_map(mm, BASE + 99 * P, 2 * P, RW, "data", &sharing, page), 0);
	for (unsigned long i = 0; i < 101; i++)
		ck_assert_int_eq(touch(i, 0), VM_FAULT_OK);
	ck_assert_int_eq(page_count(page), 1 + 99);	/* the data are copies */
	ck_assert_uint_eq(mm->rss, 101);
	ck_assert_int_eq(page_zone(page)->vm_stat[NR_FILE_MAPPED], 99);
	ck_assert_int_eq(mm_check(mm), 0);
	ck_assert_int_eq(unmap(10, 60), 0);		/* more than one piece */
	ck_assert_int_eq(page_count(page), 1 + 39);
	ck_assert_uint_eq(mm_forget(mm, BASE + 5 * P, 96 * P), 34);
	ck_assert_int_eq(page_count(page), 1 + 5);
	ck_assert_uint_eq(mm->rss, 7);
	ck_assert_int_eq(touch(98, FAULT_FLAG_EXEC), VM_FAULT_OK);
	ck_assert_int_eq(page_count(page), 1 + 6);
	ck_assert_uint_eq(mm_forget(mm, BASE + 98 * P + 1, P), 0);	/* not aligned */
	ck_assert_int_eq(mm_check(mm), 0);
	mm_free(mm);
	ck_assert_int_eq(page_count(page), 1);
	ck_assert_int_eq(page_zone(page)->vm_stat[NR_FILE_MAPPED], 0);
	__free_page(page);
	unit_teardown();
}
END_TEST

START_TEST(E7_the_stack_grows_to_meet_a_touch)
{
	unsigned long top = BASE + VM_STACK_MAX + 64 * P, start = top - 4 * P;

	boot();
	mm_map(mm, start, 4 * P, RW | VM_GROWSDOWN, "stack", NULL, NULL);
	ck_assert_int_eq(handle_mm_fault(mm, start - 8, FAULT_FLAG_WRITE), VM_FAULT_OK);
	ck_assert_uint_eq(find_vma(mm, start)->vm_start, start - P);
	ck_assert_int_eq(handle_mm_fault(mm, top - VM_STACK_MAX - 1, FAULT_FLAG_WRITE), VM_FAULT_SEGV);
	ck_assert_uint_eq(find_vma(mm, start)->vm_start, start - P);
	ck_assert_int_eq(mm_map(mm, start - 10 * P, P, RW, "below", NULL, NULL), 0);
	ck_assert_int_eq(handle_mm_fault(mm, start - 9 * P, FAULT_FLAG_WRITE), VM_FAULT_SEGV);	/* the gap */
	ck_assert_int_eq(handle_mm_fault(mm, start - 8 * P, FAULT_FLAG_WRITE), VM_FAULT_OK);
	ck_assert_uint_eq(find_vma(mm, start)->vm_start, start - 8 * P);
	mm_unmap(mm, start - 10 * P, P);
	ck_assert_int_eq(handle_mm_fault(mm, top - VM_STACK_MAX, FAULT_FLAG_WRITE), VM_FAULT_OK);
	ck_assert_uint_eq(mm->rss, 3);
	finish();
}
END_TEST

START_TEST(out_of_memory_is_told_and_undone)
{
	LIST_HEAD(all);
	struct page *page, *next;

	boot();
	map(0, 10, RW);
	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		list_add(&page->lru, &all);
	while ((page = alloc_page(GFP_HIGHUSER | __GFP_NOWARN)))
		list_add(&page->lru, &all);
	ck_assert_int_eq(touch(0, FAULT_FLAG_WRITE), VM_FAULT_OOM);
	/* one high frame: the page, but no table */
	page = list_first_entry(&all, struct page, lru);
	ck_assert(PageHighMem(page));
	list_del(&page->lru);
	__free_page(page);
	ck_assert_int_eq(touch(0, FAULT_FLAG_WRITE), VM_FAULT_OOM);
	ck_assert_int_eq(mm_check(mm), 0);
	ck_assert_uint_eq(mm->rss, 0);
	list_for_each_entry_safe(page, next, &all, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	ck_assert_int_eq(touch(0, FAULT_FLAG_WRITE), VM_FAULT_OK);
	finish();
}
END_TEST

/* ---- two threads, one page --------------------------------------------------------------- */

static int entered;

static int fill_and_let_others_run(void *private, unsigned long offset, void *to)
{
	(void)private;
	memset(to, 1, P);
	entered++;
	while (entered < 2 && offset == 0)
		schedule();
	return 0;
}

static const struct vm_operations slow_ops = { .fill = fill_and_let_others_run };
static enum vm_fault outcome[2];
static int done;

static void touch_first(void *arg)
{
	outcome[*(int *)arg] = touch(0, 0);
	done++;
}

static void two_at_once(void *arg)
{
	static int number[2] = { 0, 1 };

	(void)arg;
	thread_spawn("one", touch_first, &number[0]);
	thread_spawn("two", touch_first, &number[1]);
	while (done < 2)
		schedule();
}

START_TEST(E7_two_threads_fault_at_once)
{
	boot();
	mm_map(mm, BASE, P, VM_READ, "file", &slow_ops, NULL);
	unit_thread(two_at_once, NULL);
	ck_assert_int_eq(entered, 2);
	ck_assert_int_eq(outcome[0], VM_FAULT_OK);
	ck_assert_int_eq(outcome[1], VM_FAULT_OK);
	ck_assert_uint_eq(mm->rss, 1);
	ck_assert_uint_eq(mm->faults, 1);
	finish();
}
END_TEST

/* The area vanishes while its page is being filled: nothing may be entered. */
static int fill_and_unmap(void *private, unsigned long offset, void *to)
{
	(void)private;
	(void)offset;
	memset(to, 1, P);
	entered++;
	return mm_unmap(mm, BASE, P);
}

static const struct vm_operations vanishing_ops = { .fill = fill_and_unmap };

START_TEST(E7_the_area_vanishes_meanwhile)
{
	boot();
	mm_map(mm, BASE, P, VM_READ, "file", &vanishing_ops, NULL);
	ck_assert_int_eq(touch(0, 0), VM_FAULT_OK);	/* try again ... */
	ck_assert_int_eq(touch(0, 0), VM_FAULT_SEGV);	/* ... and be told */
	ck_assert_int_eq(entered, 1);
	ck_assert_uint_eq(mm->rss, 0);
	finish();
}
END_TEST

/* Another area takes its place meanwhile: the old content must not be entered into it. */
static int fill_and_replace(void *private, unsigned long offset, void *to)
{
	int err = fill_and_unmap(private, offset, to);

	return err ? err : map(0, 1, VM_READ);
}

static const struct vm_operations replacing_ops = { .fill = fill_and_replace };

START_TEST(E7_another_area_takes_its_place_meanwhile)
{
	u8 byte = 99;

	boot();
	mm_map(mm, BASE, P, VM_READ, "file", &replacing_ops, NULL);
	ck_assert_int_eq(touch(0, 0), VM_FAULT_OK);
	ck_assert_uint_eq(mm->rss, 0);
	ck_assert_uint_eq(copy_from_mm(mm, &byte, BASE, 1), 0);
	ck_assert_uint_eq(byte, 0);
	ck_assert_int_eq(entered, 1);
	finish();
}
END_TEST

/* ---- copying, the heap, the end -------------------------------------------------------------- */

START_TEST(copies_across_pages_and_stops_at_the_end)
{
	static u8 buf[5 * 4096], back[5 * 4096];

	boot();
	map(0, 4, RW);
	map(6, 1, VM_READ);
	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)(i * 13 + i / 256);
	ck_assert_uint_eq(copy_to_mm(mm, BASE + 100, buf, 3 * P), 0);
	ck_assert_uint_eq(copy_from_mm(mm, back, BASE + 100, 3 * P), 0);
	ck_assert_mem_eq(buf, back, 3 * P);
	ck_assert_uint_eq(copy_to_mm(mm, BASE + 3 * P, buf, 2 * P), P);
	ck_assert_uint_eq(copy_from_mm(mm, back, BASE + 4 * P, 1), 1);
	ck_assert_uint_eq(copy_to_mm(mm, BASE + 6 * P, buf, 10), 10);
	ck_assert_uint_eq(copy_from_mm(mm, back, BASE + 6 * P, P), 0);
	ck_assert_uint_eq(copy_to_mm(mm, BASE + 6 * P, buf, 10), 10);	/* present now, and still read-only */
	ck_assert_uint_eq(copy_from_mm(mm, back, PAGE_OFFSET, 10), 10);
	ck_assert_uint_eq(copy_from_mm(mm, back, ~0UL - 4, 10), 10);
	ck_assert_uint_eq(mm->rss, 5);
	finish();
}
END_TEST

START_TEST(the_heap)
{
	unsigned long start = BASE + 100;

	boot();
	mm->start_brk = mm->brk = start;
	ck_assert_uint_eq(mm_brk(mm, 0), start);
	ck_assert_uint_eq(mm_brk(mm, start + 10), start + 10);
	ck_assert_str_eq(areas(), "");
	ck_assert_uint_eq(mm_brk(mm, start + 3 * P), start + 3 * P);
	ck_assert_str_eq(areas(), "[1,4)");
	ck_assert_uint_eq(mm_brk(mm, start + 5 * P), start + 5 * P);
	ck_assert_str_eq(areas(), "[1,6)");
	for (unsigned long i = 1; i < 6; i++)
		ck_assert_int_eq(touch(i, FAULT_FLAG_WRITE), VM_FAULT_OK);
	ck_assert_uint_eq(mm_brk(mm, start + 2 * P), start + 2 * P);
	ck_assert_str_eq(areas(), "[1,3)");
	ck_assert_uint_eq(mm->rss, 2);
	map(4, 1, RW);
	ck_assert_uint_eq(mm_brk(mm, start + 9 * P), start + 2 * P);
	ck_assert_uint_eq(mm_brk(mm, ~0UL), start + 2 * P);
	ck_assert_uint_eq(mm_brk(mm, start), start);
	ck_assert_str_eq(areas(), "[4,5)");
	finish();
}
END_TEST

START_TEST(E7_the_end_returns_every_frame)
{
	unsigned long free_before, used;
	struct zone *z;

	boot();
	unit_settle();
	free_before = 0;
	for_each_zone(z)
		free_before += zone_free_pages(z);
	for (unsigned long i = 0; i < 20; i++) {
		ck_assert_int_eq(map(i * 700, 3, RW), 0);
		touch(i * 700, FAULT_FLAG_WRITE);
		touch(i * 700 + 2, 0);
	}
	ck_assert_uint_eq(mm->rss, 40);
	used = free_before;
	drain_all_pages(NULL);
	for_each_zone(z)
		used -= zone_free_pages(z);
	ck_assert_uint_ge(used, 40 + mm->nr_ptes);
	finish();
}
END_TEST

START_TEST(freeing_twice_or_while_loaded_is_refused)
{
	boot();
	misuse_quiet(true);
	mm->cpu_mask[0] = 1;
	mm_free(mm);
	ck_assert_uint_eq(misuse_count(MISUSE_BUSY), 1);
	mm->cpu_mask[0] = 0;
	mm_free(mm);
	mm_free(mm);
	ck_assert_uint_eq(misuse_count(MISUSE_DOUBLE_FREE), 1);
	mm_free(NULL);
	unit_teardown();
}
END_TEST

START_TEST(check_tells_what_is_broken)
{
	struct vm_area_struct *vma;

	boot();
	map(0, 4, RW);
	map(10, 4, VM_READ);
	touch(1, FAULT_FLAG_WRITE);
	vma = find_vma(mm, BASE);
	mm->rss++;
	ck_assert_int_eq(mm_check(mm), 3);
	mm->rss--;
	mm->nr_ptes++;
	ck_assert_int_eq(mm_check(mm), 5);
	mm->nr_ptes--;
	mm->map_count++;
	ck_assert_int_eq(mm_check(mm), 2);
	mm->map_count--;
	vma->vm_end += 8 * P;
	ck_assert_int_eq(mm_check(mm), 1);
	vma->vm_end -= 8 * P;
	vma->vm_start += 2 * P;
	ck_assert_int_eq(mm_check(mm), 4);
	vma->vm_start -= 2 * P;
	vma->vm_flags = VM_READ;
	ck_assert_int_eq(mm_check(mm), 4);
	vma->vm_flags = RW;
	finish();
}
END_TEST

UNIT_SUITE(vm,
	areas_do_not_overlap,
	ranges_that_make_no_sense,
	find_vma_and_gaps,
	E7_cutting_returns_the_frames_cut,
	random_cuts_against_a_dumb_model,
	cutting_more_than_one_piece,
	E7_a_cleared_frame_from_high_memory,
	E7_rights,
	E7_content_comes_from_the_areas_source, E7_a_frame_is_shared_where_nobody_may_write,
	E7_the_stack_grows_to_meet_a_touch,
	out_of_memory_is_told_and_undone,
	E7_two_threads_fault_at_once,
	E7_the_area_vanishes_meanwhile,
	E7_another_area_takes_its_place_meanwhile,
	copies_across_pages_and_stops_at_the_end,
	the_heap,
	E7_the_end_returns_every_frame,
	freeing_twice_or_while_loaded_is_refused,
	check_tells_what_is_broken)
