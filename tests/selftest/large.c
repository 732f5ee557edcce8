/* SPDX-License-Identifier: MIT */
/*
 * large.c: row E5, large pages: used where they fit, split when a part of one changes.
 */
#include <quarry/highmem.h>
#include <quarry/set_memory.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "kernel/sched.h"
#include "util.h"

/* ---- E5: large pages in part: other rights for some of their pages ------------------------- */

/* Some code of the kernel's own, and some constants. */
static const u32 a_constant[PAGE_SIZE / sizeof(u32)] = { 4711 };

static bool writable(const void *p)
{
	u32 value = *(const volatile u32 *)p;

	return machine_probe_write((unsigned long)p, value);
}

SELFTEST(E5, code_and_constants_are_read_only)
{
	unsigned long start, end, code = ALIGN_DOWN((unsigned long)&selftest_run, PAGE_SIZE);
	bool before, during, after;
	pfn_t pfn;
	pte_t e;

	if (machine_image_part(0, &start, &end) < 0)
		SKIP("a process has its host's pages");
	CHECK(code >= start && code < end);
	CHECK(!writable((void *)code));
	CHECK(!writable((void *)(end - sizeof(u32))));
	CHECK(!writable(a_constant));
	before = writable((void *)code);
	CHECK_EQ(set_memory_rw(code, 1), 0);
	during = writable((void *)code);
	CHECK_EQ(set_memory_ro(code, 1), 0);
	after = writable((void *)code);
	CHECK(!before && during && !after);
	CHECK_EQ(set_memory_x(code, 1), 0);	/* code it was and stays */
	CHECK(pt_leaf(swapper_pg_dir, code, &e, &pfn) && pte_exec(e));
	/* where any data may be executed, constants may */
	CHECK(pt_leaf(swapper_pg_dir, (unsigned long)a_constant, &e, &pfn));
	CHECK_EQ(pte_exec(e), pte_exec(mk_pte(0, PAGE_KERNEL)));
	CHECK_EQ(pt_check(swapper_pg_dir, 0, 0), 0);
}

SELFTEST(E5, part_of_a_large_page_of_low_memory_gets_other_rights)
{
	struct page *block = alloc_pages(GFP_KERNEL, 2), *page;
	unsigned long at = block ? (unsigned long)page_address(block) : 0;
	unsigned i, wrong = 0;
	void *alias;

	CHECK(block);
	if (!st_on_machine()) {
		__free_pages(block, 2);
		SKIP("a process has its low memory from its host, always writable");
	}
	CHECK_EQ(set_memory_ro(at + PAGE_SIZE, 2), 0);
	for (i = 0; i < 4; i++)
		wrong += writable((void *)(at + i * PAGE_SIZE)) != (i == 0 || i == 3);
	/* the frame itself is as writable as ever, at another address */
	page = block + 1;
	alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	wrong += !alias || !writable(alias);
	vunmap(alias);
	CHECK_EQ(set_memory_rw(at, 4), 0);
	for (i = 0; i < 4; i++)
		wrong += !writable((void *)(at + i * PAGE_SIZE));
	__free_pages(block, 2);
	CHECK_EQ(wrong, 0);
}

SELFTEST(E5, ranges_that_are_not_mapped_keep_their_rights)
{
	char *area = vmalloc(2 * PAGE_SIZE);
	unsigned long at = (unsigned long)area;
	bool write;

	CHECK(area);
	CHECK_EQ(set_memory_ro(at, 3), -EINVAL);	/* the guard page */
	CHECK_EQ(set_memory_ro(at, 0), -EINVAL);
	CHECK_EQ(set_memory_ro(at, -1), -EINVAL);
	CHECK_EQ(set_memory_ro(at + 1, 1), -EINVAL);
	CHECK_EQ(set_memory_ro(PAGE_SIZE, 1), -EINVAL);	/* a task's half */
	write = writable(area) && writable(area + PAGE_SIZE);
	vfree(area);
	CHECK(write);
}

/* A large page of an area: split, changed, freed: nothing is lost. */
SELFTEST(E5, part_of_a_large_area_is_made_read_only)
{
	unsigned long span = 1UL << pt_shift(2), i, wrong = 0, part = span / 2;
	u32 *area = __vmalloc(span + PAGE_SIZE, GFP_HIGHUSER | __GFP_NOWARN);
	int level;

	if (!area)
		SKIP("too little memory");
	for (i = 0; i < span; i += PAGE_SIZE)
		area[i / sizeof(u32)] = (u32)i;
	CHECK_EQ(set_memory_ro((unsigned long)area + part, 3), 0);
	pt_lookup(swapper_pg_dir, (unsigned long)area + part, &level);
	wrong += level != 1;
	for (i = 0; i < span; i += PAGE_SIZE) {
		u32 *p = area + i / sizeof(u32);

		wrong += *p != (u32)i;
		wrong += writable(p) != (i < part || i >= part + 3 * PAGE_SIZE);
	}
	vfree(area);
	CHECK_EQ(wrong, 0);
}

/* ---- F1, E7: used where they fit -------------------------------------------------------------- */

#define LARGE_SIZE (1UL << pt_shift(2))
#define LARGE_ORDER (pt_shift(2) - PAGE_SHIFT)

static bool large_pages_here(void)
{
	return arch_max_huge_level() >= 2 && LARGE_ORDER <= MAX_PAGE_ORDER;
}

static unsigned long large_blocks(void)
{
	unsigned long n = 0;
	struct zone *z;

	for_each_zone(z)
		n += st_blocks(z, LARGE_ORDER);
	return n;
}

static unsigned long mapped_by(pte_t *root, unsigned long addr)
{
	struct pt_walk walk;

	pt_trace(root, addr, &walk);
	return walk.present ? walk.page_size : 0;
}

SELFTEST(F1, large_areas_in_large_pages)
{
	unsigned long size = 2 * LARGE_SIZE + PAGE_SIZE, at, i, wrong = 0;
	char *area;
	u32 value;

	st_settle();
	if (large_blocks() < 6)
		SKIP("too little memory in blocks of that size");
	area = vmalloc(size);
	at = (unsigned long)area;
	CHECK(area);
	for (i = 0; i < size; i += PAGE_SIZE) {
		wrong += mapped_by(swapper_pg_dir, at + i) != (large_pages_here() && i < 2 * LARGE_SIZE ? LARGE_SIZE : PAGE_SIZE);
		wrong += page_to_pfn(vmalloc_to_page(area + i)) != vmalloc_to_pfn(area + i);
		*(u32 *)(area + i) = (u32)i;
	}
	for (i = 0; i < size; i += PAGE_SIZE)
		wrong += *(u32 *)(area + i) != (u32)i;
	wrong += machine_probe_read(at + size, &value);
	vfree(area);
	CHECK_EQ(wrong, 0);
}

/* No block of a large page's size is left anywhere, though nearly all memory is free. */
static void shatter(struct list_head *held)
{
	struct page *page;

	st_settle();
	st_take(held, GFP_HIGH_ALL, LARGE_ORDER, ~0UL);
	list_for_each_entry(page, held, lru) {
		split_page(page, LARGE_ORDER);
		free_contig_range(page_to_pfn(page) + 1, (1UL << LARGE_ORDER) - 1);
	}
	st_settle();
}

SELFTEST(F1, a_large_area_when_no_block_is_left)
{
	unsigned long size = 2 * LARGE_SIZE, i, wrong = 0, blocks;
	LIST_HEAD(held);
	u32 *area;

	st_settle();
	if (large_blocks() < 6)
		SKIP("too little memory");
	shatter(&held);
	blocks = large_blocks();
	area = vzalloc(size);
	for (i = 0; area && i < size; i += PAGE_SIZE) {
		wrong += mapped_by(swapper_pg_dir, (unsigned long)area + i) != PAGE_SIZE;
		wrong += area[i / sizeof(u32)] != 0;
	}
	vfree(area);
	st_give(&held, 0);
	CHECK_EQ(blocks, 0);
	CHECK(area);
	CHECK_EQ(wrong, 0);
}

SELFTEST(E7, a_program_in_large_pages)
{
	int pid;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	st_settle();
	if (large_blocks() < 6)
		SKIP("too little memory in blocks of that size");
	pid = task_run("huge 16");
	CHECK(pid > 0);
	CHECK_EQ(thread_wait(pid), 0);
}

SELFTEST(E7, the_same_program_when_no_block_is_left)
{
	LIST_HEAD(held);
	int pid, status;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	st_settle();
	if (large_blocks() < 6)
		SKIP("too little memory");
	shatter(&held);
	pid = task_run("huge 16");
	status = pid > 0 ? thread_wait(pid) : pid;
	st_give(&held, 0);
	CHECK_EQ(status, large_pages_here() ? 3 : 0);	/* 3: all as it should be, but in small pages */
}

SELFTEST(E7, part_of_a_large_page_of_a_task_is_cut)
{
	unsigned long at = ALIGN(0x10000000ul, LARGE_SIZE), hole = at + LARGE_SIZE / 2, i, wrong = 0;
	struct mm_struct *mm = mm_alloc();
	u32 value;

	CHECK(mm);
	st_settle();
	if (!large_pages_here() || large_blocks() < 3) {
		mm_free(mm);
		SKIP("no large pages, or too little memory for one");
	}
	CHECK_EQ(mm_map(mm, at, LARGE_SIZE, VM_READ | VM_WRITE | VM_HUGEPAGE, "heap", NULL, NULL), 0);
	for (i = 0; i < LARGE_SIZE; i += PAGE_SIZE) {
		value = (u32)i;
		wrong += copy_to_mm(mm, at + i, &value, sizeof(value)) != 0;
	}
	wrong += mapped_by(mm->pgd, at) != LARGE_SIZE;
	CHECK_EQ(mm->rss, 1UL << LARGE_ORDER);
	CHECK_EQ(mm_unmap(mm, hole, PAGE_SIZE), 0);
	CHECK_EQ(mm->rss, (1UL << LARGE_ORDER) - 1);
	for (i = 0; i < LARGE_SIZE; i += PAGE_SIZE)
		if (at + i != hole)
			wrong += copy_from_mm(mm, &value, at + i, sizeof(value)) != 0 || value != (u32)i;
	CHECK_EQ(mm_check(mm), 0);
	mm_free(mm);
	CHECK_EQ(wrong, 0);
}
