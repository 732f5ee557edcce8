/* SPDX-License-Identifier: MIT */
/*
 * boot.c: what the machine's memory map became: every usable frame is the buddy
 * allocator's, no other one ever is.
 */
#include <quarry/memblock.h>
#include <quarry/pgtable.h>
#include <quarry/slab.h>

#include "kernel/machine.h"
#include "util.h"

SELFTEST(B3, the_memory_map_is_in_order)
{
	CHECK_EQ(memblock_check(&memblock), 0);
	CHECK(memblock.closed);
	CHECK(memblock.memory.cnt > 0);
	CHECK(memblock_end_of_DRAM() > memblock_start_of_DRAM());
	CHECK(memblock_phys_mem_size() <= memblock_end_of_DRAM());
}

static unsigned long bad_frames(const struct page *block)
{
	pfn_t pfn = page_to_pfn(block), end = pfn + (1UL << block->order);
	unsigned long bad = 0;

	for (; pfn < end; pfn++)
		bad += !st_frame_free_at_boot(pfn) || PageReserved(pfn_to_page(pfn));
	return bad;
}

SELFTEST(B4, no_reserved_frame_is_on_a_free_list)
{
	unsigned long bad = 0, blocks = 0;
	struct page *page;
	struct zone *z;
	unsigned order;

	for_each_zone(z)
		for (order = 0; order <= MAX_PAGE_ORDER; order++)
			for_each_migratetype(t)
				list_for_each_entry(page, &z->free_area[order].free_list[t], lru) {
					bad += bad_frames(page);
					blocks++;
				}
	CHECK(blocks > 0);
	CHECK_EQ(bad, 0);
}

/* Take everything: no frame twice, none that was reserved, and all that there are. */
SELFTEST(B4, each_free_frame_is_handed_out_exactly_once)
{
	unsigned long free, n, bad = 0, twice = 0;
	LIST_HEAD(taken);
	struct page *page;

	st_all_online();
	st_settle();
	free = st_free_low() + st_free_high();
	n = st_take(&taken, GFP_HIGH_ALL, 0, ~0UL);
	list_for_each_entry(page, &taken, lru) {
		bad += !st_frame_free_at_boot(page_to_pfn(page)) || PageReserved(page);
		twice += PageReferenced(page);	/* our own mark */
		SetPageReferenced(page);
	}
	list_for_each_entry(page, &taken, lru)
		ClearPageReferenced(page);
	st_give(&taken, 0);
	CHECK_EQ(n, free);
	CHECK_EQ(bad, 0);
	CHECK_EQ(twice, 0);
}

static bool range_is_reserved(const void *start, size_t size)
{
	const char *p = (const char *)ALIGN_DOWN((unsigned long)start, PAGE_SIZE);

	for (; p < (const char *)start + size; p += PAGE_SIZE)
		if (!virt_addr_valid(p) || !PageReserved(virt_to_page(p)))
			return false;
	return true;
}

/* The same of a part of the image, which need not be in the direct map. */
static bool image_is_reserved(const void *start, size_t size)
{
	return range_is_reserved(__va(__pa_symbol(start)), size);
}

SELFTEST(B3, the_kernel_itself_is_reserved)
{
	static int data;

	if (!st_on_machine())
		SKIP("a process's image is not in its simulated memory");
	CHECK(image_is_reserved((void *)selftest_run, 16));
	CHECK(image_is_reserved(&data, sizeof(data)));
	CHECK(image_is_reserved(swapper_pg_dir, PAGE_SIZE));
}

SELFTEST(B3, mem_map_is_reserved)
{
	unsigned long addr, step = PAGE_SIZE / sizeof(struct page);
	struct pt_walk walk;
	pfn_t pfn;

	for_each_valid_pfn(pfn, 0, max_pfn) {
		addr = (unsigned long)pfn_to_page(pfn);
		pt_trace(swapper_pg_dir, addr, &walk);
		CHECK(walk.present && PageReserved(pfn_to_page((pfn_t)(walk.phys >> PAGE_SHIFT))));
		pfn += step - 1 - pfn % step;
	}
}

SELFTEST(B3, modules_are_reserved)
{
	struct machine_module m;
	unsigned i;

	if (!machine_module(0, &m) || !st_on_machine())
		SKIP("started without modules");
	for (i = 0; machine_module(i, &m); i++)
		CHECK(range_is_reserved(m.start, m.size));
}

SELFTEST(B3, holes_are_reserved)
{
	pfn_t pfn;

	for_each_valid_pfn(pfn, 0, max_pfn)
		if (!st_frame_free_at_boot(pfn))
			CHECK(PageReserved(pfn_to_page(pfn)));
	if (!st_on_machine())
		return;
	/* The VGA window and the BIOS are never memory on a PC. */
	CHECK(PageReserved(pfn_to_page(0xb8)) && PageReserved(pfn_to_page(0xf0)));
}
