/* SPDX-License-Identifier: MIT */
/*
 * test_pgtable.c: the walker, on two levels (32 bits) and on four (64 bits).
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include <quarry/pgtable.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/zone.h>

#define MEM (64UL << 20)
#define LOWMEM (32UL << 20)
#define USER 0x10000000UL
#define SPAN2 (1UL << pt_shift(2))		/* what one table of level 1 covers */
#define SPARE 4096				/* a frame number nobody looks behind */

static long tables_in_use(void)
{
	struct zone *z;
	long n = 0;

	for_each_zone(z)
		n += z->vm_stat[NR_PAGETABLE];
	return n;
}

static pte_t *new_root(void)
{
	pte_t *root;

	unit_boot(MEM, LOWMEM);
	root = pt_root_alloc();
	ck_assert_ptr_nonnull(root);
	return root;
}

static void drop_root(pte_t *root)
{
	pt_free_tables(root, 0, TASK_SIZE, &pt_ops_kernel);
	pt_root_free(root);
	unit_teardown();
}

START_TEST(E2_lookup_ends_at_the_first_empty_entry)
{
	pte_t *root = new_root(), *slot;
	int level;

	slot = pt_lookup(root, USER, &level);
	ck_assert_int_eq(level, PGTABLE_LEVELS);
	ck_assert_ptr_eq(slot, root + pt_index(USER, PGTABLE_LEVELS));
	ck_assert_ptr_nonnull(pt_walk_alloc(root, USER, &pt_ops_kernel));
	slot = pt_lookup(root, USER + 5 * PAGE_SIZE, &level);
	ck_assert_int_eq(level, 1);
	ck_assert(pte_none(*slot));
	ck_assert_uint_eq(((unsigned long)slot & ~PAGE_MASK) / sizeof(pte_t), pt_index(USER + 5 * PAGE_SIZE, 1));
	drop_root(root);
}
END_TEST

START_TEST(E7_tables_are_made_once_and_counted)
{
	pte_t *root = new_root(), *slot;
	long before = tables_in_use();
	unsigned made = 0;

	slot = pt_walk_alloc_counted(root, USER, 1, &pt_ops_kernel, &made);
	ck_assert_uint_eq(made, PGTABLE_LEVELS - 1);
	ck_assert_ptr_eq(pt_walk_alloc_counted(root, USER, 1, &pt_ops_kernel, &made), slot);
	ck_assert_ptr_eq(pt_walk_alloc_counted(root, USER + PAGE_SIZE, 1, &pt_ops_kernel, &made), slot + 1);
	ck_assert_uint_eq(made, PGTABLE_LEVELS - 1);
	pt_walk_alloc_counted(root, USER + SPAN2, 1, &pt_ops_kernel, &made);
	ck_assert_uint_eq(made, PGTABLE_LEVELS);
	ck_assert_int_eq(tables_in_use() - before, PGTABLE_LEVELS);
	ck_assert_uint_eq(pt_count_tables(root, 0, TASK_SIZE), PGTABLE_LEVELS);
	ck_assert_uint_eq(pt_free_tables(root, 0, TASK_SIZE, &pt_ops_kernel), PGTABLE_LEVELS);
	ck_assert_uint_eq(pt_count_tables(root, 0, TASK_SIZE), 0);
	ck_assert_int_eq(tables_in_use(), before);
	drop_root(root);
}
END_TEST

START_TEST(E2_ranges_are_mapped_and_unmapped_across_tables)
{
	pte_t *root = new_root();
	unsigned long start = USER + SPAN2 - 3 * PAGE_SIZE;
	struct pt_walk walk;

	ck_assert_int_eq(pt_map_range(root, start, 7 * PAGE_SIZE, SPARE, PAGE_SHARED, false, &pt_ops_kernel), 0);
	for (unsigned i = 0; i < 7; i++) {
		pt_trace(root, start + i * PAGE_SIZE + 0x123, &walk);
		ck_assert(walk.present && walk.steps == PGTABLE_LEVELS);
		ck_assert_uint_eq(walk.phys, ((phys_addr_t)(SPARE + i) << PAGE_SHIFT) + 0x123);
		ck_assert_uint_eq(walk.page_size, PAGE_SIZE);
	}
	pt_trace(root, start - 1, &walk);
	ck_assert(!walk.present);
	pt_unmap_range(root, start + PAGE_SIZE, 5 * PAGE_SIZE, NULL, NULL);
	for (unsigned i = 0; i < 7; i++) {
		pt_trace(root, start + i * PAGE_SIZE, &walk);
		ck_assert_int_eq(walk.present, i == 0 || i == 6);
	}
	pt_unmap_range(root, start, 7 * PAGE_SIZE, NULL, NULL);
	drop_root(root);
}
END_TEST

/* The first and last page of a range, whatever its length, are the first and last unmapped. */
struct seen { unsigned long n, first, last, bytes; pfn_t pfns; };

static void see(pte_t old, unsigned long addr, int level, void *arg)
{
	struct seen *s = arg;

	if (!s->n++)
		s->first = addr;
	s->last = addr;
	s->pfns += pte_pfn(old);
	s->bytes += 1UL << pt_shift(level);
}

START_TEST(unmap_tells_each_entry_once)
{
	pte_t *root = new_root();
	struct seen s = { .n = 0 };

	pt_map_range(root, USER, 3 * PAGE_SIZE, 100, PAGE_SHARED, false, &pt_ops_kernel);
	pt_map_range(root, USER + 3 * SPAN2 - PAGE_SIZE, PAGE_SIZE, 200, PAGE_SHARED, false, &pt_ops_kernel);
	pt_unmap_range(root, USER - 2 * SPAN2, 9 * SPAN2, see, &s);
	ck_assert_uint_eq(s.n, 4);
	ck_assert_uint_eq(s.bytes, 4 * PAGE_SIZE);
	ck_assert_uint_eq(s.first, USER);
	ck_assert_uint_eq(s.last, USER + 3 * SPAN2 - PAGE_SIZE);
	ck_assert_uint_eq(s.pfns, 100 + 101 + 102 + 200);
	pt_unmap_range(root, USER - 2 * SPAN2, 9 * SPAN2, see, &s);
	ck_assert_uint_eq(s.n, 4);
	drop_root(root);
}
END_TEST

START_TEST(E5_large_pages_where_they_fit)
{
	pte_t *root = new_root();
	pfn_t frames = SPAN2 >> PAGE_SHIFT;
	struct pt_walk walk;

	/* one small page, two large, one small */
	ck_assert_int_eq(pt_map_range(root, USER - PAGE_SIZE, 2 * SPAN2 + 2 * PAGE_SIZE, 8 * frames - 1,
				      PAGE_SHARED, true, &pt_ops_kernel), 0);
	pt_trace(root, USER - 1, &walk);
	ck_assert_uint_eq(walk.page_size, PAGE_SIZE);
	pt_trace(root, USER + SPAN2 + 0x12345, &walk);
	ck_assert_uint_eq(walk.page_size, SPAN2);
	ck_assert_uint_eq(walk.phys, ((phys_addr_t)(9 * frames) << PAGE_SHIFT) + 0x12345);
	pt_trace(root, USER + 2 * SPAN2, &walk);
	ck_assert_uint_eq(walk.page_size, PAGE_SIZE);
	/* a large page is in the way of small ones, and is not cut in two */
	ck_assert_ptr_null(pt_walk_alloc(root, USER, &pt_ops_kernel));
	misuse_quiet(true);
	pt_unmap_range(root, USER, PAGE_SIZE, NULL, NULL);
	ck_assert_uint_eq(misuse_count(MISUSE_ARGUMENT), 1);
	pt_trace(root, USER, &walk);
	ck_assert(walk.present);
	pt_unmap_range(root, USER - PAGE_SIZE, 2 * SPAN2 + 2 * PAGE_SIZE, NULL, NULL);
	pt_trace(root, USER, &walk);
	ck_assert(!walk.present);
	/* frames that are not aligned to a large page get small ones */
	ck_assert_int_eq(pt_map_range(root, USER, SPAN2, 1, PAGE_SHARED, true, &pt_ops_kernel), 0);
	pt_trace(root, USER, &walk);
	ck_assert_uint_eq(walk.page_size, PAGE_SIZE);
	pt_unmap_range(root, USER, SPAN2, NULL, NULL);
	drop_root(root);
}
END_TEST

/* Two large pages at USER, frames from 8 * FRAMES on. */
#define FRAMES (SPAN2 >> PAGE_SHIFT)

static pte_t *root_with_large_pages(pgprot_t prot)
{
	pte_t *root = new_root();
	int level;

	ck_assert_int_eq(pt_map_range(root, USER, 2 * SPAN2, 8 * FRAMES, prot, true, &pt_ops_kernel), 0);
	ck_assert(pte_huge(*pt_lookup(root, USER + SPAN2, &level)) && level == 2);
	return root;
}

static void drop_large_pages(pte_t *root)
{
	pt_unmap_range(root, USER, 2 * SPAN2, NULL, NULL);
	drop_root(root);
}

/* Every address translates as the large pages did, with their rights. */
static void check_translation(pte_t *root, bool writable)
{
	for (unsigned long i = 0; i < 2 * FRAMES; i++) {
		pfn_t pfn = 0;
		pte_t e;

		ck_assert_int_ge(pt_leaf(root, USER + i * PAGE_SIZE + 5, &e, &pfn), 1);
		ck_assert_uint_eq(pfn, 8 * FRAMES + i);
		ck_assert(pte_user(e) && pte_write(e) == writable);
	}
}

static pte_t *get_table(void)
{
	pte_t *table = pt_ops_kernel.alloc_table();

	ck_assert_ptr_nonnull(table);
	return table;
}

START_TEST(E5_a_large_page_is_split_in_one_step)
{
	pgprot_t prot[] = { PAGE_SHARED, PAGE_READONLY };

	for (int i = 0; i < 2; i++) {
		pte_t *root = i ? pt_root_alloc() : root_with_large_pages(prot[0]), *table;
		long before;

		if (i)
			pt_map_range(root, USER, 2 * SPAN2, 8 * FRAMES, prot[i], true, &pt_ops_kernel);
		before = tables_in_use();
		check_translation(root, i == 0);
		table = get_table();
		ck_assert(pt_split(root, USER + SPAN2 + 12345, table));
		check_translation(root, i == 0);
		ck_assert_int_eq(tables_in_use(), before + 1);
		/* it is a table now: nothing to split, and the table offered stays the caller's */
		table = get_table();
		ck_assert(!pt_split(root, USER + SPAN2, table));
		ck_assert(!pt_split(root, USER - PAGE_SIZE, table));
		pt_ops_kernel.free_table(table);
		pt_unmap_range(root, USER, 2 * SPAN2, NULL, NULL);
		ck_assert_int_eq(pt_check(root, 0, TASK_SIZE), 0);
		pt_free_tables(root, 0, TASK_SIZE, &pt_ops_kernel);
		pt_root_free(root);
	}
	unit_teardown();
}
END_TEST

/* A processor of its own that walks beside the one that splits; it takes no lock. */
static struct { pte_t *root; unsigned long rounds, wrong, levels[4]; bool stop; } walker;

static void *walk_on(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);		/* the machine's interrupts are for its own threads */
	while (!__atomic_load_n(&walker.stop, __ATOMIC_ACQUIRE)) {
		for (unsigned long i = 0; i < 2 * FRAMES; i++) {
			pfn_t pfn = 0;
			pte_t e = { 0 };
			int level = pt_leaf(walker.root, USER + i * PAGE_SIZE, &e, &pfn);

			walker.wrong += level < 1 || level > 2 || pfn != 8 * FRAMES + i || !pte_write(e);
			walker.levels[level & 3]++;
		}
		__atomic_fetch_add(&walker.rounds, 1, __ATOMIC_RELEASE);
	}
	return arg;
}

/* Until it has begun and ended a walk of all. */
static void let_it_walk(void)
{
	unsigned long until = __atomic_load_n(&walker.rounds, __ATOMIC_ACQUIRE) + 2;

	while (__atomic_load_n(&walker.rounds, __ATOMIC_ACQUIRE) < until)
		sched_yield();
}

START_TEST(E5_who_walks_beside_a_split_finds_every_page)
{
	pte_t *root = root_with_large_pages(PAGE_SHARED), *table = get_table();
	pthread_t thread;
	int level;

	walker.root = root;
	ck_assert_int_eq(pthread_create(&thread, NULL, walk_on, NULL), 0);
	for (int n = 0; n < 300; n++) {
		pte_t *slot = pt_lookup(root, USER + SPAN2, &level), large = *slot;

		ck_assert_int_eq(level, 2);
		if (n % 3 == 0)
			let_it_walk();
		ck_assert(pt_split(root, USER + SPAN2, table));
		if (n % 3 == 1)
			let_it_walk();
		xchg_pte(slot, large);
		let_it_walk();		/* nobody is in the table any more: it may be used again */
		memset(table, 0, PAGE_SIZE);
	}
	__atomic_store_n(&walker.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(walker.wrong, 0);
	ck_assert(walker.levels[1] && walker.levels[2]);
	pt_ops_kernel.free_table(table);
	drop_large_pages(root);
}
END_TEST

START_TEST(E5_a_range_is_split_at_its_borders_only)
{
	pte_t *root = root_with_large_pages(PAGE_SHARED);
	struct seen s = { .n = 0 };
	unsigned made = 0;

	ck_assert(!pt_crosses(root, USER) && pt_crosses(root, USER + PAGE_SIZE));
	ck_assert_int_eq(pt_split_range(root, USER, 2 * SPAN2, &pt_ops_kernel, &made), 0);
	ck_assert_uint_eq(made, 0);
	ck_assert_int_eq(pt_split_range(root, USER - SPAN2, SPAN2 + PAGE_SIZE, &pt_ops_kernel, &made), 0);
	ck_assert_uint_eq(made, 1);
	check_translation(root, true);
	/* one small page and the large one behind it */
	ck_assert_int_eq(pt_split_range(root, USER + SPAN2 - PAGE_SIZE, SPAN2 + PAGE_SIZE, &pt_ops_kernel, &made), 0);
	ck_assert_uint_eq(made, 1);
	pt_unmap_range(root, USER + SPAN2 - PAGE_SIZE, SPAN2 + PAGE_SIZE, see, &s);
	ck_assert_uint_eq(s.n, 2);
	ck_assert_uint_eq(s.bytes, SPAN2 + PAGE_SIZE);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	drop_large_pages(root);
}
END_TEST

START_TEST(E5_the_kernels_large_page_is_split_in_every_root)
{
	pte_t *a = new_root(), *b = pt_root_alloc(), *table = get_table(), e;
	unsigned long at = ALIGN(VMALLOC_START, SPAN2);
	pfn_t pfn;

	ck_assert_int_eq(pt_map_range(swapper_pg_dir, at, SPAN2, 8 * FRAMES, PAGE_KERNEL, true, &pt_ops_kernel), 0);
	ck_assert_int_eq(pt_leaf(a, at + 7 * PAGE_SIZE, &e, &pfn), 2);
	ck_assert(pt_split(swapper_pg_dir, at, table));
	ck_assert_int_eq(pt_leaf(a, at + 7 * PAGE_SIZE, &e, &pfn), 1);
	ck_assert_uint_eq(pfn, 8 * FRAMES + 7);
	ck_assert_int_eq(pt_leaf(b, at + 9 * PAGE_SIZE, &e, &pfn), 1);
	ck_assert_uint_eq(pfn, 8 * FRAMES + 9);
	ck_assert(pte_global(e) && pte_write(e) && !pte_user(e));
	ck_assert_int_eq(pt_check(b, 0, 0), 0);
	pt_unmap_range(swapper_pg_dir, at, SPAN2, NULL, NULL);
	for (int l = 1; l < PGTABLE_LEVELS; l++)
		if ((table = pt_detach_kernel_table(at, l)))
			pt_ops_kernel.free_table(table);
	pt_root_free(b);
	drop_root(a);
}
END_TEST

START_TEST(E5_no_table_no_split)
{
	pte_t *root = root_with_large_pages(PAGE_SHARED);
	LIST_HEAD(all);
	struct page *page, *next;
	unsigned made = 0;

	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		list_add(&page->lru, &all);
	ck_assert_int_eq(pt_split_range(root, USER, PAGE_SIZE, &pt_ops_kernel, &made), -ENOMEM);
	ck_assert_uint_eq(made, 0);
	check_translation(root, true);
	list_for_each_entry_safe(page, next, &all, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	drop_large_pages(root);
}
END_TEST

START_TEST(mapping_over_something_else_changes_nothing)
{
	pte_t *root = new_root();
	struct pt_walk walk;

	pt_map_range(root, USER + 2 * PAGE_SIZE, PAGE_SIZE, 500, PAGE_SHARED, false, &pt_ops_kernel);
	ck_assert_int_eq(pt_map_range(root, USER, 4 * PAGE_SIZE, 600, PAGE_SHARED, false, &pt_ops_kernel), -EEXIST);
	pt_trace(root, USER, &walk);
	ck_assert(!walk.present);
	/* the same frame again, with another protection, is fine */
	ck_assert_int_eq(pt_map_range(root, USER, 4 * PAGE_SIZE, 498, PAGE_READONLY, false, &pt_ops_kernel), 0);
	pt_trace(root, USER + 2 * PAGE_SIZE, &walk);
	ck_assert(walk.present && !pte_write(walk.step[walk.steps - 1].entry));
	ck_assert_int_eq(pt_map_range(root, USER, 0, 1, PAGE_SHARED, false, &pt_ops_kernel), -EINVAL);
	ck_assert_int_eq(pt_map_range(root, USER + 1, PAGE_SIZE, 1, PAGE_SHARED, false, &pt_ops_kernel), -EINVAL);
	ck_assert_int_eq(pt_map_range(root, 0 - PAGE_SIZE, 2 * PAGE_SIZE, 1, PAGE_SHARED, false, &pt_ops_kernel),
			 -EINVAL);
	pt_unmap_range(root, USER, 4 * PAGE_SIZE, NULL, NULL);
	drop_root(root);
}
END_TEST

START_TEST(E4_a_new_kernel_entry_is_in_every_root)
{
	pte_t *a = new_root(), *b = pt_root_alloc();
	unsigned long addr = VMALLOC_START;
	int level;

	ck_assert_ptr_ne(a, b);
	ck_assert_ptr_nonnull(pt_walk_alloc(swapper_pg_dir, addr, &pt_ops_kernel));
	ck_assert_ptr_eq(pt_lookup(a, addr, &level), pt_lookup(swapper_pg_dir, addr, &level));
	ck_assert_int_eq(level, 1);
	ck_assert_ptr_eq(pt_lookup(b, addr, &level), pt_lookup(swapper_pg_dir, addr, &level));
	ck_assert_int_eq(pt_check(a, 0, 0), 0);
	ck_assert_int_eq(pt_check(swapper_pg_dir, 0, 0), 0);
	for (int l = 1; l < PGTABLE_LEVELS; l++) {
		pte_t *table = pt_detach_kernel_table(addr, l);

		if (table)
			pt_ops_kernel.free_table(table);
		ck_assert(table || l > 1);
	}
	pt_lookup(a, addr, &level);
	ck_assert_int_gt(level, 1);
	ck_assert_int_eq(pt_check(b, 0, 0), 0);
	pt_root_free(b);
	drop_root(a);
}
END_TEST

START_TEST(a_table_in_use_is_not_detached)
{
	pte_t *slot;

	unit_boot(MEM, LOWMEM);
	slot = pt_walk_alloc(swapper_pg_dir, VMALLOC_START, &pt_ops_kernel);
	set_pte(slot, mk_pte(0, PAGE_KERNEL));
	ck_assert_ptr_null(pt_detach_kernel_table(VMALLOC_START, 1));
	set_pte(slot, (pte_t){ 0 });
	/* the direct map's, made by the boot, are nobody's to detach */
	ck_assert_ptr_null(pt_detach_kernel_table(PAGE_OFFSET, PGTABLE_LEVELS - 1));
	for (int l = 1; l < PGTABLE_LEVELS; l++) {
		pte_t *table = pt_detach_kernel_table(VMALLOC_START, l);

		if (table)
			pt_ops_kernel.free_table(table);
	}
	unit_teardown();
}
END_TEST

START_TEST(check_tells_what_is_broken)
{
	pte_t *root = new_root(), *slot;
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned top = pt_entries(PGTABLE_LEVELS) - 1;
	pte_t save = root[top];

	ck_assert_int_eq(pt_check(root, 0, TASK_SIZE), 0);
	slot = pt_walk_alloc(root, USER, &pt_ops_kernel);
	set_pte(slot, mk_pte(page_to_pfn(page), PAGE_SHARED));
	ck_assert_int_eq(pt_check(root, 0, TASK_SIZE), 0);
	set_pte(slot, mk_pte(page_to_pfn(page), PAGE_KERNEL));
	ck_assert_int_eq(pt_check(root, 0, TASK_SIZE), 5);
	set_pte(slot, (pte_t){ 0 });
	set_pte(root + top, mk_table(page_to_pfn(page), PGTABLE_LEVELS));
	ck_assert_int_eq(pt_check(root, 0, TASK_SIZE), 3);
	set_pte(root + top, save);
	set_pte(root + pt_index(TASK_SIZE - 1, PGTABLE_LEVELS),
		mk_table(page_to_pfn(page), PGTABLE_LEVELS));
	ck_assert_int_eq(pt_check(root, 0, TASK_SIZE), 1);
	set_pte(root + pt_index(TASK_SIZE - 1, PGTABLE_LEVELS), (pte_t){ 0 });
	__free_page(page);
	pt_free_tables(root, 0, TASK_SIZE, &pt_ops_kernel);
	pt_root_free(root);
}
END_TEST

START_TEST(out_of_memory_leaves_the_root_sound)
{
	pte_t *root = new_root();
	LIST_HEAD(all);
	struct page *page, *next;

	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		list_add(&page->lru, &all);
	ck_assert_ptr_null(pt_walk_alloc(root, USER, &pt_ops_kernel));
	ck_assert_int_eq(pt_map_range(root, USER, PAGE_SIZE, 1, PAGE_SHARED, false, &pt_ops_kernel), -ENOMEM);
	ck_assert_int_eq(pt_populate(root, USER, SPAN2, &pt_ops_kernel), -ENOMEM);
	ck_assert_ptr_null(pt_root_alloc());
	list_for_each_entry_safe(page, next, &all, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	ck_assert_int_eq(pt_check(root, 0, TASK_SIZE), 0);
	drop_root(root);
}
END_TEST

UNIT_SUITE(pgtable,
	E2_lookup_ends_at_the_first_empty_entry,
	E7_tables_are_made_once_and_counted,
	E2_ranges_are_mapped_and_unmapped_across_tables,
	unmap_tells_each_entry_once,
	E5_large_pages_where_they_fit,
	E5_a_large_page_is_split_in_one_step,
	E5_who_walks_beside_a_split_finds_every_page,
	E5_a_range_is_split_at_its_borders_only,
	E5_the_kernels_large_page_is_split_in_every_root,
	E5_no_table_no_split,
	mapping_over_something_else_changes_nothing,
	E4_a_new_kernel_entry_is_in_every_root,
	a_table_in_use_is_not_detached,
	check_tells_what_is_broken,
	out_of_memory_leaves_the_root_sound)
