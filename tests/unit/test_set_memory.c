/* SPDX-License-Identifier: MIT */
/*
 * test_set_memory.c: rights of kernel pages, changed one by one.
 */
#include "unit.h"

#include <string.h>

#include "kernel/machine.h"

#include <quarry/report.h>
#include <quarry/set_memory.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#define SPAN (1UL << pt_shift(2))

static void boot(void)
{
	unit_boot(128UL << 20, 32UL << 20);
}

static long tables(void)
{
	struct zone *z;
	long n = 0;

	for_each_zone(z)
		n += z->vm_stat[NR_PAGETABLE];
	return n;
}

/* The level of the entry that maps @addr; *@write: may it be written? */
static int look(unsigned long addr, bool *write)
{
	pfn_t pfn;
	pte_t e = { 0 };
	int level = pt_leaf(swapper_pg_dir, addr, &e, &pfn);

	*write = pte_write(e);
	return level;
}

START_TEST(E5_part_of_an_area_is_read_only)
{
	unsigned long at, n = SPAN / PAGE_SIZE;
	u8 *area;

	boot();
	area = vzalloc(2 * SPAN);
	at = (unsigned long)area;
	ck_assert_int_eq(set_memory_ro(at + 3 * PAGE_SIZE, (int)n), 0);	/* across the border of two large pages */
	for (unsigned long i = 0; i < 2 * n; i++)
		ck_assert_int_eq(machine_probe_write(at + i * PAGE_SIZE, 1), i < 3 || i >= 3 + n);
	ck_assert_int_eq(set_memory_rw(at, (int)(2 * n)), 0);
	for (unsigned long i = 0; i < 2 * n; i++)
		ck_assert(machine_probe_write(at + i * PAGE_SIZE, 1));
	vfree(area);
	unit_teardown();
}
END_TEST

START_TEST(E5_a_whole_large_page_is_changed_unsplit)
{
	bool write;
	long before;
	u8 *area;

	boot();
	area = vzalloc(2 * SPAN);
	before = tables();
	ck_assert_int_eq(set_memory_ro((unsigned long)area + SPAN, (int)(SPAN >> PAGE_SHIFT)), 0);
	ck_assert_int_eq(tables(), before);
	ck_assert_int_eq(look((unsigned long)area + SPAN, &write), 2);
	ck_assert(!write);
	ck_assert(!machine_probe_write((unsigned long)area + SPAN, 1));
	ck_assert(machine_probe_write((unsigned long)area, 1));
	ck_assert_int_eq(set_memory_nx((unsigned long)area, 1), 0);	/* no such bit: nothing is split */
	ck_assert_int_eq(tables(), before);
	vfree(area);
	unit_teardown();
}
END_TEST

START_TEST(E5_low_memory_is_joined_again)
{
	unsigned long at = PAGE_OFFSET + 2 * SPAN + 5 * PAGE_SIZE;
	long before;
	bool write;

	boot();
	before = tables();
	ck_assert_int_eq(look(at, &write), 2);
	ck_assert_int_eq(set_memory_ro(at, 2), 0);
	ck_assert_int_eq(set_memory_ro(at + 9 * PAGE_SIZE, 1), 0);
	ck_assert_int_eq(tables(), before + 1);
	ck_assert(look(at, &write) == 1 && !write);
	ck_assert(look(at + 2 * PAGE_SIZE, &write) == 1 && write);
	ck_assert_int_eq(set_memory_rw(at, 2), 0);
	ck_assert_int_eq(look(at, &write), 1);		/* one page is still different */
	ck_assert_int_eq(set_memory_rw(at + 9 * PAGE_SIZE, 1), 0);
	ck_assert(look(at, &write) == 2 && write);
	ck_assert_int_eq(tables(), before);
	ck_assert_int_eq(pt_check(swapper_pg_dir, 0, 0), 0);
	unit_teardown();
}
END_TEST

START_TEST(ranges_that_are_not_mapped_are_refused_whole)
{
	unsigned long at;
	u8 *area;

	boot();
	area = vzalloc(2 * PAGE_SIZE);
	at = (unsigned long)area;
	ck_assert_int_eq(set_memory_ro(at, 3), -EINVAL);
	ck_assert_int_eq(set_memory_ro(at, 0), -EINVAL);
	ck_assert_int_eq(set_memory_ro(at, -5), -EINVAL);
	ck_assert_int_eq(set_memory_ro(at + 8, 1), -EINVAL);
	ck_assert_int_eq(set_memory_ro(TASK_SIZE - PAGE_SIZE, 1), -EINVAL);
	ck_assert_int_eq(set_memory_ro(0 - PAGE_SIZE, 2), -EINVAL);
	ck_assert(machine_probe_write(at, 1) && machine_probe_write(at + PAGE_SIZE, 1));
	vfree(area);
	unit_teardown();
}
END_TEST

START_TEST(no_table_no_change)
{
	unsigned long at = PAGE_OFFSET + 2 * SPAN + 5 * PAGE_SIZE;
	struct page *page, *next;
	LIST_HEAD(all);
	bool write;

	boot();
	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		list_add(&page->lru, &all);
	ck_assert_int_eq(set_memory_ro(at, 1), -ENOMEM);
	ck_assert(look(at, &write) == 2 && write);
	ck_assert_int_eq(set_memory_rw(at, 1), 0);	/* so it is already */
	list_for_each_entry_safe(page, next, &all, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	unit_teardown();
}
END_TEST

UNIT_SUITE(set_memory,
	E5_part_of_an_area_is_read_only,
	E5_a_whole_large_page_is_changed_unsplit,
	E5_low_memory_is_joined_again,
	ranges_that_are_not_mapped_are_refused_whole,
	no_table_no_change)
