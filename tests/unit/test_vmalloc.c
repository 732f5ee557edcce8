/* SPDX-License-Identifier: MIT */
/*
 * test_vmalloc.c: areas, their frames, and every way to misuse them.
 */
#include "unit.h"

#include <string.h>

#include "kernel/machine.h"

#include <quarry/highmem.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#define MEM (128UL << 20)
#define LOWMEM (32UL << 20)

static void boot(void)
{
	unit_boot(MEM, LOWMEM);
}

static struct vmalloc_totals totals(void)
{
	struct vmalloc_totals t;

	vmalloc_get_totals(&t);
	return t;
}

/* The reports of one kind since the last call of this. */
static unsigned long new_misuse(enum misuse kind)
{
	static unsigned long seen[NR_MISUSE + 1];
	unsigned long n = misuse_count(kind) - seen[kind];

	seen[kind] += n;
	return n;
}

static u8 read_byte(const void *p, unsigned long offset)
{
	return ((const volatile u8 *)p)[offset];
}

START_TEST(F1_contiguous_addresses_over_high_frames)
{
	unsigned long size = 100 * PAGE_SIZE + 5;
	u8 *p;

	boot();
	p = vmalloc(size);
	ck_assert_ptr_nonnull(p);
	ck_assert((unsigned long)p % PAGE_SIZE == 0 && is_vmalloc_addr(p) && is_vmalloc_addr(p + size - 1));
	for (unsigned long i = 0; i < size; i++)
		p[i] = (u8)(i * 7 + i / PAGE_SIZE);
	for (unsigned long i = 0; i <= size / PAGE_SIZE; i++) {
		struct page *page = vmalloc_to_page(p + i * PAGE_SIZE);
		u8 *window;

		ck_assert(page && PageHighMem(page) && PageVmalloc(page));
		ck_assert_uint_eq(vmalloc_to_pfn(p + i * PAGE_SIZE), page_to_pfn(page));
		window = kmap(page);
		ck_assert_uint_eq(window[3], (u8)((i * PAGE_SIZE + 3) * 7 + i));
		kunmap(page);
	}
	vfree(p);
	unit_teardown();
}
END_TEST

START_TEST(F1_a_guard_page_after_each_area)
{
	u8 *a, *b;
	u32 v;

	boot();
	a = vmalloc(3 * PAGE_SIZE);
	b = vmalloc(PAGE_SIZE);
	ck_assert_ptr_eq(b, a + 4 * PAGE_SIZE);
	ck_assert(machine_probe_read((unsigned long)a + 3 * PAGE_SIZE - 4, &v));
	ck_assert(!machine_probe_read((unsigned long)a + 3 * PAGE_SIZE, &v));
	ck_assert(!machine_probe_write((unsigned long)b + PAGE_SIZE, 1));
	ck_assert_ptr_null(vmalloc_to_page(a + 3 * PAGE_SIZE));
	vfree(a);
	vfree(b);
	unit_teardown();
}
END_TEST

START_TEST(F1_vzalloc_is_cleared)
{
	boot();
	for (int round = 0; round < 3; round++) {
		u8 *p = round == 1 ? __vmalloc(9 * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO) : vzalloc(9 * PAGE_SIZE);

		for (unsigned long i = 0; i < 9 * PAGE_SIZE; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xa5, 9 * PAGE_SIZE);
		vfree(p);
		unit_settle();
	}
	unit_teardown();
}
END_TEST

START_TEST(F1_lowest_gap_that_fits)
{
	void *p[6], *q;

	boot();
	for (int i = 0; i < 6; i++)
		p[i] = vmalloc((unsigned long)(i + 1) * PAGE_SIZE);
	vfree(p[1]);
	vfree(p[3]);
	/* not flushed yet: not reused */
	q = vmalloc(PAGE_SIZE);
	ck_assert(q > p[5]);
	vfree(q);
	vmalloc_purge();
	q = vmalloc(3 * PAGE_SIZE);
	ck_assert_ptr_eq(q, p[3]);
	p[3] = q;
	q = vmalloc(2 * PAGE_SIZE);
	ck_assert_ptr_eq(q, p[1]);
	p[1] = q;
	for (int i = 0; i < 6; i++)
		vfree(p[i]);
	unit_teardown();
}
END_TEST

START_TEST(F1_addresses_come_back_when_they_run_out)
{
	unsigned long window, size = 4UL << 20, purges;
	struct vmalloc_totals t;
	static struct page *pages[1024];
	struct page *page;
	unsigned n = 0;

	boot();
	page = alloc_page(GFP_HIGHUSER);
	for (unsigned i = 0; i < 1024; i++)
		pages[i] = page;
	window = totals().total_bytes;
	purges = totals().purges;
	for (unsigned long i = 0; i < 3 * window / size; i++) {
		void *p = vmap(pages, (unsigned)(size >> PAGE_SHIFT), VM_MAP, PAGE_KERNEL);

		ck_assert_ptr_nonnull(p);
		vunmap(p);
		n++;
	}
	t = totals();
	ck_assert_uint_eq(t.areas, 0);
	ck_assert_uint_ge(t.purges, purges + 3);
	ck_assert_uint_lt(t.purges - purges, n);	/* one flush for many */
	ck_assert_uint_le(t.lazy_bytes, window / 16 + size + PAGE_SIZE);
	vmalloc_purge();
	ck_assert_uint_eq(totals().lazy_bytes, 0);
	ck_assert_uint_eq(totals().largest_free, window - PAGE_SIZE);
	__free_page(page);
	unit_teardown();
}
END_TEST

START_TEST(F1_exhausted_window_gives_null_and_recovers)
{
	static struct page *pages[1024];
	static void *areas[4096];
	struct page *page;
	unsigned n = 0;

	boot();
	page = alloc_page(GFP_HIGHUSER);
	for (unsigned i = 0; i < 1024; i++)
		pages[i] = page;
	while ((areas[n] = vmap(pages, 1023, VM_MAP, PAGE_KERNEL)))
		n++;
	ck_assert_uint_eq(n, totals().total_bytes >> (PAGE_SHIFT + 10));
	ck_assert_int_eq(vmalloc_check(), 0);
	n &= ~1u;
	vunmap(areas[n]);			/* NULL, or one more */
	areas[n] = vmap(pages, 1023, VM_MAP, PAGE_KERNEL);
	for (unsigned i = 0; i < n; i += 2)
		vunmap(areas[i]);
	/* no two of those are neighbours: 1023 pages fit, more do not */
	ck_assert_ptr_null(__vmalloc(1200 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN));
	areas[0] = vmap(pages, 1023, VM_MAP, PAGE_KERNEL);
	ck_assert_ptr_nonnull(areas[0]);
	vunmap(areas[0]);
	for (unsigned i = 1; i < n; i += 2)
		vunmap(areas[i]);
	vunmap(areas[n]);
	__free_page(page);
	unit_teardown();
}
END_TEST

START_TEST(C3_out_of_frames_is_undone_and_quiet_if_asked)
{
	struct zone *z;
	unsigned long managed = 0;
	LIST_HEAD(taken);
	struct page *page, *next;

	boot();
	for_each_zone(z)
		managed += z->managed_pages;
	unit_log_clear();
	ck_assert_ptr_null(__vmalloc(managed * PAGE_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	ck_assert_ptr_null(__vmalloc((managed - 100) * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN));
	ck_assert_str_eq(unit_log(), "");
	ck_assert_ptr_null(vmalloc((managed - 100) * PAGE_SIZE));
	ck_assert(unit_log_has("vmalloc"));
	ck_assert_uint_eq(totals().areas, 0);
	/* fails at the page table, too */
	while ((page = alloc_page(GFP_HIGHUSER | __GFP_NOWARN)))
		list_add(&page->lru, &taken);
	ck_assert_ptr_null(__vmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN));
	list_for_each_entry_safe(page, next, &taken, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	unit_teardown();
}
END_TEST

START_TEST(F1_random_areas_against_their_marks)
{
	static struct { u8 *p; unsigned long size; } a[64];
	unsigned seed = 7;

	boot();
	for (int step = 0; step < 4000; step++) {
		unsigned i = (seed = seed * 1664525u + 1013904223u) >> 26;

		if (a[i].p) {
			ck_assert_uint_eq(read_byte(a[i].p, 0), i);
			ck_assert_uint_eq(read_byte(a[i].p, a[i].size - 1), i + 1);
			vfree(a[i].p);
			a[i].p = NULL;
		} else {
			a[i].size = 2 + (seed >> 8) % (40 * PAGE_SIZE);
			a[i].p = vmalloc(a[i].size);
			ck_assert_ptr_nonnull(a[i].p);
			a[i].p[0] = (u8)i;
			a[i].p[a[i].size - 1] = (u8)(i + 1);
		}
		if (step % 500 == 0)
			ck_assert_int_eq(vmalloc_check(), 0);
	}
	for (int i = 0; i < 64; i++)
		vfree(a[i].p);
	unit_teardown();
}
END_TEST

START_TEST(F1_vmap_aliases_the_callers_frames)
{
	struct page *pages[3];
	u32 *p;

	boot();
	for (int i = 0; i < 3; i++)
		pages[i] = alloc_page(GFP_HIGHUSER);
	p = vmap(pages, 3, VM_MAP, PAGE_KERNEL);
	p[PAGE_SIZE / 2] = 4711;			/* in page 2 */
	ck_assert_uint_eq(((u32 *)kmap(pages[2]))[0], 4711);
	kunmap(pages[2]);
	ck_assert(!PageVmalloc(pages[1]));
	vunmap(p);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(page_count(pages[i]), 1);
		__free_page(pages[i]);
	}
	misuse_quiet(true);
	pages[1] = NULL;
	ck_assert_ptr_null(vmap(pages, 3, VM_MAP, PAGE_KERNEL));
	ck_assert_ptr_null(vmap(pages, 0, VM_MAP, PAGE_KERNEL));
	ck_assert_ptr_null(vmap(NULL, 1, VM_MAP, PAGE_KERNEL));
	ck_assert_uint_eq(new_misuse(MISUSE_ARGUMENT), 3);
	unit_teardown();
}
END_TEST

START_TEST(misuse_is_refused_and_counts_stay)
{
	u8 *p, *m, local;
	struct page *page;

	boot();
	misuse_quiet(true);
	p = vmalloc(5 * PAGE_SIZE);
	page = alloc_page(GFP_KERNEL);
	m = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	vfree(p + PAGE_SIZE);
	vfree(p + 1);
	ck_assert_uint_eq(new_misuse(MISUSE_MIDDLE), 2);
	ck_assert(strstr(misuse_last(), "vfree("));
	vunmap(p);
	vfree(m);
	iounmap(m);
	vfree(page_address(page));
	ck_assert_uint_eq(new_misuse(MISUSE_WRONG_LAYER), 4);
	vfree(&local);
	vfree((void *)(VMALLOC_END - PAGE_SIZE));
	vfree((void *)(PKMAP_BASE + PAGE_SIZE));
	ck_assert_uint_eq(new_misuse(MISUSE_FOREIGN), 3);
	__free_page(vmalloc_to_page(p));
	ck_assert_uint_eq(new_misuse(MISUSE_WRONG_LAYER), 1);
	ck_assert_uint_eq(totals().areas, 2);
	vfree(p);
	vfree(p);
	vunmap(m);
	vunmap(m);
	ck_assert_uint_eq(new_misuse(MISUSE_DOUBLE_FREE), 2);
	vfree(NULL);
	vunmap(NULL);
	ck_assert_uint_eq(new_misuse(NR_MISUSE), 2 + 4 + 3 + 1 + 2);
	__free_page(page);
	unit_teardown();
}
END_TEST

START_TEST(sizes_and_masks_that_make_no_sense)
{
	boot();
	misuse_quiet(true);
	ck_assert_ptr_null(vmalloc(0));
	ck_assert_ptr_null(vmalloc(~0UL));
	ck_assert_ptr_null(vmalloc(~0UL - PAGE_SIZE + 2));
	ck_assert_uint_eq(new_misuse(MISUSE_SIZE), 3);
	ck_assert_ptr_null(__vmalloc(PAGE_SIZE, GFP_ATOMIC));
	ck_assert_ptr_null(__vmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_DMA | __GFP_HIGHMEM));
	ck_assert_uint_eq(new_misuse(MISUSE_GFP), 2);
	ck_assert_ptr_null(__vmalloc(1UL << (8 * sizeof(long) - 1), GFP_KERNEL | __GFP_NOWARN));
	unit_teardown();
}
END_TEST

START_TEST(C2_a_named_zone_is_kept)
{
	u8 *p;

	boot();
	p = __vmalloc(5 * PAGE_SIZE, GFP_KERNEL | __GFP_DMA);
	ck_assert_ptr_nonnull(p);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(page_zonenum(vmalloc_to_page(p + (unsigned long)i * PAGE_SIZE)), ZONE_DMA);
	vfree(p);
	unit_teardown();
}
END_TEST

static void *shared;

static void free_shared(void *arg)
{
	(void)arg;
	vfree(shared);
}

static void in_irq(void *arg)
{
	(void)arg;
	ck_assert_ptr_null(vmalloc(PAGE_SIZE));
	vmalloc_purge();
	vfree(shared);
}

START_TEST(interrupts_may_only_give_back)
{
	boot();
	misuse_quiet(true);
	shared = vmalloc(PAGE_SIZE);
	machine_run_in_interrupt(in_irq, NULL);
	ck_assert_uint_eq(new_misuse(MISUSE_CONTEXT), 2);
	ck_assert_uint_eq(totals().areas, 0);
	ck_assert_ptr_null(vmalloc_to_page(shared));
	vfree(shared);
	ck_assert_uint_eq(new_misuse(MISUSE_DOUBLE_FREE), 1);
	unit_teardown();
}
END_TEST

/* Whoever cannot flush leaves it to the next who can. */
START_TEST(F1_what_interrupts_free_is_flushed_by_threads)
{
	unsigned long purges;

	boot();
	purges = totals().purges;
	for (int i = 0; i < 2000; i++) {
		shared = vmalloc(PAGE_SIZE);
		ck_assert_ptr_nonnull(shared);
		machine_run_in_interrupt(free_shared, NULL);
	}
	ck_assert_uint_gt(totals().purges, purges + 3);
	ck_assert_uint_lt(totals().lazy_bytes, 1000 * 2 * PAGE_SIZE);
	unit_teardown();
}
END_TEST

START_TEST(ioremap_takes_devices_only)
{
	phys_addr_t device = (phys_addr_t)0xfee00000;
	struct page *page;
	char *p;

	boot();
	misuse_quiet(true);
	p = ioremap(device + 0x20, 2 * PAGE_SIZE);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq((unsigned long)p & ~PAGE_MASK, 0x20);
	ck_assert_uint_eq(vmalloc_to_pfn(p), device >> PAGE_SHIFT);
	ck_assert_uint_eq(vmalloc_to_pfn(p + 2 * PAGE_SIZE), (device >> PAGE_SHIFT) + 2);
	ck_assert_ptr_null(vmalloc_to_page(p));
	vfree(p - 0x20);
	ck_assert_uint_eq(new_misuse(MISUSE_WRONG_LAYER), 1);
	iounmap(p);
	page = alloc_page(GFP_KERNEL);
	ck_assert_ptr_null(ioremap(page_to_phys(page), PAGE_SIZE));
	ck_assert_ptr_null(ioremap(device, 0));
	ck_assert_ptr_null(ioremap(~(phys_addr_t)0, PAGE_SIZE));
	ck_assert_uint_eq(new_misuse(MISUSE_ARGUMENT), 3);
	__free_page(page);
	unit_teardown();
}
END_TEST

START_TEST(kvmalloc_takes_either)
{
	void *small, *large;

	boot();
	small = kvmalloc(100, GFP_KERNEL);
	ck_assert(virt_addr_valid(small));
	large = kvzalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL);
	ck_assert(is_vmalloc_addr(large));
	ck_assert_uint_eq(read_byte(large, KMALLOC_MAX_SIZE), 0);
	misuse_quiet(true);
	kfree(large);
	ck_assert_uint_eq(new_misuse(MISUSE_WRONG_LAYER), 1);
	kvfree(small);
	kvfree(large);
	kvfree(NULL);
	unit_teardown();
}
END_TEST

static bool sum_areas(const struct vmalloc_area_info *info, void *arg)
{
	unsigned long *sum = arg;

	ck_assert_uint_gt(info->start, sum[1]);
	ck_assert_uint_eq(info->size, (info->nr_pages + 1) * PAGE_SIZE);
	ck_assert_uint_ne(info->caller, 0);
	sum[0] += info->size;
	sum[1] = info->start;
	return true;
}

START_TEST(G_areas_are_listed_by_address)
{
	unsigned long sum[2] = { 0, 0 };
	void *p[10];

	boot();
	for (unsigned i = 0; i < 10; i++)
		p[i] = vmalloc((i + 1) * PAGE_SIZE);
	vfree(p[4]);
	vmalloc_for_each(sum_areas, sum);
	ck_assert_uint_eq(sum[0], (55 - 5 + 9) * PAGE_SIZE);
	ck_assert_uint_eq(totals().used_bytes, sum[0]);
	ck_assert_uint_eq(totals().areas, 9);
	for (unsigned i = 0; i < 10; i++)
		if (i != 4)
			vfree(p[i]);
	unit_teardown();
}
END_TEST

/* Of each page of the window: how many flushes there were when it was last freed, and one; 0: never. */
static unsigned long freed_at[1 << 16];

static unsigned long page_of(const void *p)
{
	unsigned long n = ((unsigned long)p - VMALLOC_START) >> PAGE_SHIFT;

	ck_assert_uint_lt(n, ARRAY_SIZE(freed_at));
	return n;
}

/* Does writing at @p reach the frame that the page tables name? */
static void reaches_its_frame(u8 *p, u8 mark)
{
	u8 *window = kmap(vmalloc_to_page(p));

	*p = mark;
	ck_assert_uint_eq(window[(unsigned long)p % PAGE_SIZE], mark);
	kunmap(vmalloc_to_page(p));
}

START_TEST(F1_no_address_is_used_again_before_a_flush)
{
	static struct { u8 *p; unsigned long pages; } a[100];
	unsigned long reused = 0, n;
	unsigned seed = 99;

	boot();
	for (int step = 0; step < 20000; step++) {
		unsigned i = ((seed = seed * 1664525u + 1013904223u) >> 16) % ARRAY_SIZE(a);

		if (a[i].p) {
			for (n = 0; n < a[i].pages; n++)
				freed_at[page_of(a[i].p) + n] = totals().purges + 1;
			vfree(a[i].p);
			a[i].p = NULL;
			continue;
		}
		a[i].pages = 1 + (seed >> 8) % (step % 3 ? 4 : 20);
		a[i].p = vmalloc(a[i].pages * PAGE_SIZE);
		ck_assert_ptr_nonnull(a[i].p);
		for (n = 0; n < a[i].pages; n++) {
			ck_assert_uint_ge(totals().purges, freed_at[page_of(a[i].p) + n]);
			reused += freed_at[page_of(a[i].p) + n] != 0;
			reaches_its_frame(a[i].p + n * PAGE_SIZE + 5, (u8)step);
		}
	}
	ck_assert_uint_gt(reused, 1000);
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++)
		vfree(a[i].p);
	unit_teardown();
}
END_TEST

#define MANY 1500

START_TEST(F1_flushed_areas_serve_again_and_are_kept_in_bounds)
{
	static void *p[MANY];
	struct vmalloc_totals t;
	void *highest = NULL;

	boot();
	for (int i = 0; i < MANY; i++) {
		p[i] = vmalloc(PAGE_SIZE);
		ck_assert_ptr_nonnull(p[i]);
		highest = max(highest, p[i]);
	}
	for (int i = 0; i < MANY; i++)
		vfree(p[i]);
	t = totals();
	ck_assert_uint_ge(t.purges, 3);
	ck_assert_uint_ge(t.lazy_bytes, 512 * 2 * PAGE_SIZE);	/* kept */
	ck_assert_uint_le(t.lazy_bytes, (512 + 257) * 2 * PAGE_SIZE);
	ck_assert_uint_eq(t.areas, 0);
	ck_assert_int_eq(vmalloc_check(), 0);
	for (int i = 0; i < 600; i++) {
		p[i] = vmalloc(PAGE_SIZE);
		ck_assert(p[i] <= highest);
	}
	ck_assert_uint_eq(totals().purges, t.purges);
	ck_assert_int_eq(vmalloc_check(), 0);
	for (int i = 0; i < 600; i++)
		vfree(p[i]);
	vmalloc_purge();
	ck_assert_uint_eq(totals().lazy_bytes, 0);
	ck_assert_uint_eq(totals().largest_free, totals().total_bytes - PAGE_SIZE);
	unit_teardown();
}
END_TEST

static bool any_area(const struct vmalloc_area_info *info, void *arg)
{
	(void)info;
	*(bool *)arg = true;
	return false;
}

START_TEST(F1_an_idle_area_is_free_to_all_checks)
{
	static u8 *p[300];
	bool any = false;

	boot();
	misuse_quiet(true);
	for (int i = 0; i < 300; i++)
		p[i] = vmalloc(3 * PAGE_SIZE);
	for (int i = 0; i < 300; i++)
		vfree(p[i]);
	ck_assert_uint_eq(totals().purges, 1);		/* p[0] has been flushed */
	vmalloc_for_each(any_area, &any);
	ck_assert(!any);
	ck_assert_ptr_null(vmalloc_to_page(p[0]));
	vfree(p[0]);
	vunmap(p[0]);
	ck_assert_uint_eq(new_misuse(MISUSE_DOUBLE_FREE), 2);
	vfree(p[0] + PAGE_SIZE);
	ck_assert_uint_eq(new_misuse(MISUSE_MIDDLE), 1);
	ck_assert_int_eq(vmalloc_check(), 0);
	unit_teardown();
}
END_TEST

START_TEST(F1_frames_held_by_others_outlive_an_area)
{
	static const unsigned long sizes[] = { 1, 20 };
	struct page *held[3];
	u8 *p;

	boot();
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = vmalloc(sizes[i] * PAGE_SIZE);
		for (unsigned k = 0; k < 3; k++) {
			held[k] = vmalloc_to_page(p + k * (sizes[i] - 1) / 2 * PAGE_SIZE);
			get_page(held[k]);
		}
		SetPageDirty(held[1]);
		vfree(p);
		ck_assert_int_eq(vmalloc_check(), 0);
		for (unsigned k = 0; k < 3; k++) {
			ck_assert(page_count(held[k]) >= 1 && !PageVmalloc(held[k]));
			put_page(held[k]);
		}
	}
	unit_teardown();
}
END_TEST

UNIT_SUITE(vmalloc,
	F1_contiguous_addresses_over_high_frames,
	F1_a_guard_page_after_each_area,
	F1_vzalloc_is_cleared,
	F1_lowest_gap_that_fits,
	F1_addresses_come_back_when_they_run_out,
	F1_exhausted_window_gives_null_and_recovers,
	C3_out_of_frames_is_undone_and_quiet_if_asked,
	F1_random_areas_against_their_marks,
	F1_vmap_aliases_the_callers_frames,
	misuse_is_refused_and_counts_stay,
	sizes_and_masks_that_make_no_sense,
	C2_a_named_zone_is_kept,
	interrupts_may_only_give_back,
	F1_what_interrupts_free_is_flushed_by_threads,
	F1_no_address_is_used_again_before_a_flush,
	F1_flushed_areas_serve_again_and_are_kept_in_bounds,
	F1_an_idle_area_is_free_to_all_checks,
	F1_frames_held_by_others_outlive_an_area,
	ioremap_takes_devices_only,
	kvmalloc_takes_either,
	G_areas_are_listed_by_address)
