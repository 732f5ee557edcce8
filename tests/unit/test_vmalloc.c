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

static void in_irq(void *arg)
{
	(void)arg;
	ck_assert_ptr_null(vmalloc(PAGE_SIZE));
	vfree(shared);
	vmalloc_purge();
}

START_TEST(interrupts_may_not)
{
	boot();
	misuse_quiet(true);
	shared = vmalloc(PAGE_SIZE);
	machine_run_in_interrupt(in_irq, NULL);
	ck_assert_uint_eq(new_misuse(MISUSE_CONTEXT), 3);
	ck_assert_uint_eq(totals().areas, 1);
	vfree(shared);
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
	interrupts_may_not,
	ioremap_takes_devices_only,
	kvmalloc_takes_either,
	G_areas_are_listed_by_address)
