/* SPDX-License-Identifier: MIT */
/*
 * contract_layout.c: addresses, <arch/layout.h> and <arch/fixmap.h>, and the zones.
 */
#include <quarry/highmem.h>
#include <quarry/init.h>
#include <quarry/vmalloc.h>

#include "contract.h"

static const int a_constant = 1;
static int a_variable = 1;

/* User space first, then the direct map; everything of the kernel is outside of user space. */
SELFTEST(port, user_space_ends_before_the_kernel)
{
	CHECK(TASK_SIZE > 0 && IS_ALIGNED((unsigned long)TASK_SIZE, PAGE_SIZE));
	CHECK(TASK_SIZE <= PAGE_OFFSET && IS_ALIGNED((unsigned long)PAGE_OFFSET, PAGE_SIZE));
	CHECK((unsigned long)&a_constant >= TASK_SIZE && (unsigned long)&a_variable >= TASK_SIZE);
	CHECK((unsigned long)selftest_run >= TASK_SIZE);
	CHECK((unsigned long)__builtin_frame_address(0) >= TASK_SIZE);
}

SELFTEST(port, the_direct_map_is_one_subtraction)
{
	phys_addr_t end = (phys_addr_t)max_low_pfn << PAGE_SHIFT;
	struct page *page = alloc_page(GFP_KERNEL);
	void *p;

	CHECK(page);
	p = page_address(page);
	__free_page(page);
	CHECK((unsigned long)high_memory > PAGE_OFFSET);
	CHECK_EQ((unsigned long)high_memory - PAGE_OFFSET, end);
	CHECK(__pa(PAGE_OFFSET) == 0 && __va(0) == (void *)PAGE_OFFSET);
	CHECK(__pa(__va(end - 1)) == end - 1);
	CHECK(__pa(p) == page_to_phys(page) && __va(page_to_phys(page)) == p);
	CHECK(max_low_pfn <= max_pfn);
}

/* The windows: whole pages, none over another nor over the direct map. */
SELFTEST(port, no_window_overlaps_another)
{
	const struct { unsigned long start, end; } w[] = {
		{ PAGE_OFFSET, (unsigned long)high_memory }, { VMALLOC_START, VMALLOC_END },
		{ PKMAP_BASE, PKMAP_BASE + LAST_PKMAP * PAGE_SIZE }, { FIXADDR_START, FIXADDR_TOP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(w); i++) {
		CHECK(w[i].start <= w[i].end && w[i].start >= TASK_SIZE);
		CHECK(IS_ALIGNED(w[i].start, PAGE_SIZE) && IS_ALIGNED(w[i].end, PAGE_SIZE));
		for (unsigned j = 0; j < i; j++)
			CHECK(w[i].end <= w[j].start || w[j].end <= w[i].start);
	}
	CHECK(VMALLOC_START < VMALLOC_END && FIXADDR_START < FIXADDR_TOP);
	CHECK(w[2].start < w[2].end || max_low_pfn == max_pfn);	/* what has no address needs kmap */
}

SELFTEST(port, fixed_slots_go_down_from_the_top)
{
	CHECK_EQ(fix_to_virt(0), FIXADDR_TOP);
	CHECK_EQ(fix_to_virt(1), FIXADDR_TOP - PAGE_SIZE);
	CHECK(fix_to_virt(__end_of_fixed_addresses - 1) >= FIXADDR_START);
	CHECK_EQ(FIX_HOLE, 0);
	CHECK_EQ(FIX_KMAP_END - FIX_KMAP_BEGIN + 1, KM_TYPE_NR * NR_CPUS);
	CHECK_EQ(FIX_KMAP_LOCAL_END - FIX_KMAP_LOCAL_BEGIN + 1, KM_MAX_IDX * NR_CPUS);
}

/* One page table serves the kmap window, so that its entries lie in a row. */
SELFTEST(port, the_kmap_window_is_within_one_table)
{
	unsigned long slots = LAST_PKMAP, start = PKMAP_BASE;

	if (!slots)
		SKIP("no high memory, no kmap window");
	CHECK(slots <= pt_entries(1));
	CHECK_EQ(start >> pt_shift(2), (start + slots * PAGE_SIZE - 1) >> pt_shift(2));
}

SELFTEST(port, zone_borders_rise_to_the_end_of_memory)
{
	pfn_t border[MAX_NR_ZONES], last = 0;

	arch_zone_borders(border);
	for (int i = 0; i < MAX_NR_ZONES; i++) {
		CHECK(border[i] >= last);
		last = border[i];
	}
	CHECK_EQ(border[ZONE_NORMAL], max_low_pfn);
	CHECK_EQ(border[ZONE_HIGHMEM], max_pfn);
}
