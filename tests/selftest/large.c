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
	CHECK_EQ(pt_check(swapper_pg_dir, 0, 0), 0);
}

SELFTEST(E5, part_of_a_large_page_of_low_memory_gets_other_rights)
{
	struct page *block = alloc_pages(GFP_KERNEL, 2), *page;
	unsigned long at = block ? (unsigned long)page_address(block) : 0;
	unsigned i, wrong = 0;
	void *alias;

	CHECK(block);
	if (!st_on_pc()) {
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
