/* SPDX-License-Identifier: MIT */
/*
 * layout.c: rows A1-A6, the address space and its zones.
 */
#include <quarry/highmem.h>
#include <quarry/memblock.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "util.h"

#define MB(n) ((unsigned long)(n) << 20)

/*
 * A PC's addresses as the seeds tell them, typed here once more on purpose; then those
 * that builds with another split (make SPLIT=2G, 1G) must have.
 */
static const struct split { unsigned long page_offset, size_mb, maxmem_mb; } splits[] = {
	{ 0xC0000000u, 1024, 896 }, { 0x80000000u, 2048, 1920 }, { 0x40000000u, 3072, 2944 },
};
#define PC_FIXADDR_TOP 0xffffe000u
#define PC_LOWEST_WINDOW 0xf8800000u	/* VMALLOC_START of a machine with high memory */

static const struct split *pc_split(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(splits); i++)
		if (splits[i].page_offset == PAGE_OFFSET)
			return &splits[i];
	return NULL;
}

static bool mapped(unsigned long addr, phys_addr_t *phys)
{
	struct pt_walk walk;

	pt_trace(swapper_pg_dir, addr, &walk);
	*phys = walk.phys;
	return walk.present;
}

SELFTEST(A1, kernel_has_the_upper_gigabytes)
{
	if (!st_on_pc())
		SKIP("not i386: another split of addresses");
	CHECK(pc_split());
	CHECK_EQ(TASK_SIZE, PAGE_OFFSET);
	CHECK((unsigned long)selftest_run >= PAGE_OFFSET);
	CHECK((unsigned long)__builtin_frame_address(0) >= PAGE_OFFSET);
	CHECK_EQ(0UL - PAGE_OFFSET, MB(pc_split()->size_mb) & 0xffffffffu);
}

SELFTEST(A1, user_half_is_empty_in_the_kernel)
{
	unsigned long addr;
	phys_addr_t phys;

	if (!st_on_machine())
		SKIP("a process's own image lives there");
	for (addr = 0; addr < min(TASK_SIZE, MB(4095)); addr += MB(4))
		CHECK(!mapped(addr, &phys));
	for (addr = 0; addr < pt_index(TASK_SIZE - 1UL, PGTABLE_LEVELS) + 1; addr++)
		CHECK(pte_none(swapper_pg_dir[addr]));
}

SELFTEST(A2, zone_borders)
{
	pfn_t dma_end = MB(ZONE_DMA_END_MB) >> PAGE_SHIFT, edge = 0;
	int nid = 0;
	struct zone *z;

	for_each_zone(z) {
		pfn_t start = z->zone_start_pfn, end = start + z->spanned_pages;

		CHECK((start >= edge || z->node != nid) && end > start && end <= max_pfn);
		edge = end;
		nid = z->node;
		if (z->type == ZONE_DMA)
			CHECK(end <= dma_end);
		if (z->type == ZONE_NORMAL)
			CHECK(start >= dma_end && end <= max_low_pfn);
		if (z->type == ZONE_HIGHMEM)
			CHECK(start >= max_low_pfn);
	}
	CHECK_EQ(populated_zone(st_zone(ZONE_DMA)), memblock_start_of_DRAM() < MB(ZONE_DMA_END_MB));
	/* Memory that reaches past a border fills the zone behind it. */
	CHECK_EQ(populated_zone(st_zone(ZONE_HIGHMEM)), max_pfn > max_low_pfn);
	if (!st_on_pc())
		return;
	CHECK_EQ(populated_zone(st_zone(ZONE_DMA32)), 0);
	CHECK_EQ(ZONE_DMA_END_MB, 16);
	CHECK_EQ(max_low_pfn, min((unsigned long)max_pfn, MB(pc_split()->maxmem_mb) >> PAGE_SHIFT));
}

SELFTEST(A2, each_frame_knows_its_zone)
{
	struct zone *z;
	pfn_t pfn;

	for_each_zone(z)
		for_each_valid_pfn(pfn, z->zone_start_pfn, z->zone_start_pfn + z->spanned_pages) {
			if (page_to_nid(pfn_to_page(pfn)) != (unsigned)z->node)
				continue;	/* another node's, in between */
			CHECK_EQ(page_zonenum(pfn_to_page(pfn)), z->type);
			CHECK(page_zone(pfn_to_page(pfn)) == z);
			CHECK_EQ(PageHighMem(pfn_to_page(pfn)), pfn >= max_low_pfn);
		}
}

SELFTEST(A2, zones_count_what_memblock_has)
{
	phys_addr_t start, end;
	unsigned long frames = 0, present = 0, managed = 0, n = 0;
	struct zone *z;
	unsigned i;

	for (i = 0; i < memblock.memory.cnt; i++) {
		start = ALIGN(memblock.memory.regions[i].base, PAGE_SIZE);
		end = ALIGN_DOWN(memblock.memory.regions[i].base + memblock.memory.regions[i].size, PAGE_SIZE);
		frames += end > start ? (unsigned long)((end - start) >> PAGE_SHIFT) : 0;
	}
	for (start = PAGE_SIZE; memblock_next_free(&memblock, &start, &end); start = end)
		n += (unsigned long)((end - start) >> PAGE_SHIFT);
	for (i = 0; SPARSE_MEM_MAP && i < max_pfn >> SECTION_PFN_SHIFT; i++)
		if (pfn_holds_mem_map((pfn_t)i << SECTION_PFN_SHIFT))
			n -= PAGES_PER_SECTION * sizeof(struct page) >> PAGE_SHIFT;
	for_each_zone(z) {
		CHECK(z->managed_pages <= z->present_pages && z->present_pages <= z->spanned_pages);
		present += z->present_pages;
		managed += z->managed_pages;
	}
	CHECK_EQ(present, frames);
	CHECK_EQ(managed, n);
}

SELFTEST(A3, one_subtraction_and_the_tables_agree)
{
	pfn_t pfn;

	for_each_valid_pfn(pfn, 0, max_low_pfn) {
		phys_addr_t phys = (phys_addr_t)pfn << PAGE_SHIFT, walked;
		unsigned long addr = PAGE_OFFSET + ((unsigned long)pfn << PAGE_SHIFT);

		if (!st_frame_free_at_boot(pfn))
			continue;
		CHECK(phys_to_virt(phys) == (void *)addr && __va(phys) == (void *)addr);
		CHECK(virt_to_phys((void *)addr) == phys && __pa(addr) == phys);
		CHECK(virt_to_page((void *)addr) == pfn_to_page(pfn));
		CHECK(mapped(addr, &walked));
		CHECK_EQ(walked, phys);
		if (pfn % 65536 == 0)
			selftest_progress(pfn, max_low_pfn);
	}
}

SELFTEST(A3, a_second_mapping_sees_the_same_bytes)
{
	struct page *page = alloc_page(GFP_KERNEL);
	volatile u32 *low, *fixed = (volatile u32 *)fix_to_virt(FIX_TEST);
	u32 seen;

	CHECK(page);
	low = page_address(page);
	low[3] = 0x0ddba11;
	set_fixmap(FIX_TEST, page_to_phys(page));
	seen = fixed[3];
	fixed[4] = seen + 1;
	clear_fixmap(FIX_TEST);
	CHECK_EQ(seen, 0x0ddba11);
	CHECK_EQ(low[4], 0x0ddba12);
	__free_page(page);
}

SELFTEST(A4, windows_lie_above_low_memory_in_order)
{
	unsigned long start = VMALLOC_START, end = VMALLOC_END;

	CHECK((unsigned long)high_memory > PAGE_OFFSET);
	CHECK_EQ((unsigned long)high_memory - PAGE_OFFSET, (unsigned long)max_low_pfn << PAGE_SHIFT);
	CHECK((unsigned long)high_memory < start && start < end);
	CHECK(end <= PKMAP_BASE);
	CHECK(PKMAP_BASE + LAST_PKMAP * PAGE_SIZE <= FIXADDR_START);
	CHECK(FIXADDR_START < FIXADDR_TOP);
}

SELFTEST(A4, each_window_reaches_a_high_frame)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	unsigned long v;

	CHECK(page);
	if (!PageHighMem(page)) {
		__free_page(page);
		SKIP("no high memory");
	}
	CHECK(!page_address(page));
	v = (unsigned long)vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	CHECK(v >= VMALLOC_START && v < VMALLOC_END);
	*(volatile u32 *)v = 1001;
	vunmap((void *)v);
	v = (unsigned long)kmap(page);
	CHECK(v >= PKMAP_BASE && v < PKMAP_BASE + LAST_PKMAP * PAGE_SIZE);
	CHECK_EQ(*(volatile u32 *)v, 1001);
	kunmap(page);
	v = (unsigned long)kmap_atomic(page, KM_USER0);
	CHECK(v >= FIXADDR_START && v <= FIXADDR_TOP);
	CHECK_EQ(*(volatile u32 *)v, 1001);
	kunmap_atomic((void *)v, KM_USER0);
	__free_page(page);
}

SELFTEST(A5, the_arithmetic)
{
	unsigned long gap = VMALLOC_START - (unsigned long)high_memory;

	CHECK(IS_ALIGNED(VMALLOC_START, (unsigned long)VMALLOC_OFFSET));
	CHECK(gap >= VMALLOC_OFFSET);
	CHECK_EQ(__FIXADDR_SIZE, __end_of_fixed_addresses * PAGE_SIZE);
	CHECK_EQ(FIXADDR_START, FIXADDR_TOP - __FIXADDR_SIZE);
	CHECK_EQ(FIX_KMAP_END - FIX_KMAP_BEGIN + 1, KM_TYPE_NR * NR_CPUS);
	CHECK_EQ(FIX_KMAP_LOCAL_END - FIX_KMAP_LOCAL_BEGIN + 1, KM_MAX_IDX * NR_CPUS);
	if (!HAVE_HIGHMEM)
		return;
	CHECK(SPARSE_MEM_MAP || gap < 2UL * VMALLOC_OFFSET);	/* else there is more between them */
	CHECK_EQ(VMALLOC_END, PKMAP_BASE - 2 * PAGE_SIZE);
	/* The pkmap window is one page table. */
	CHECK_EQ(LAST_PKMAP, pt_entries(1));
	CHECK_EQ(PKMAP_BASE & (LAST_PKMAP * PAGE_SIZE - 1), 0);
	if (!st_on_pc())
		return;
	CHECK_EQ(VMALLOC_OFFSET, MB(8));
	CHECK_EQ(MAXMEM, MB(pc_split()->maxmem_mb));
	CHECK_EQ(FIXADDR_TOP, PC_FIXADDR_TOP);
	CHECK_EQ(LAST_PKMAP, PGTABLE_LEVELS == 2 ? 1024 : 512);
}

SELFTEST(A5, the_gap_catches_overruns)
{
	unsigned long addr, end = min(VMALLOC_START, (unsigned long)high_memory + MB(64));
	u32 value;

	for (addr = (unsigned long)high_memory; addr < end; addr += MB(1)) {
		CHECK(!machine_probe_read(addr, &value));
		CHECK(!machine_probe_write(addr, 1));
	}
	CHECK(!machine_probe_read(VMALLOC_START - sizeof(value), &value));
	CHECK(machine_probe_read((unsigned long)high_memory - sizeof(value), &value));
}

SELFTEST(A6, windows_follow_the_memory_size)
{
	struct vmalloc_totals totals;

	vmalloc_get_totals(&totals);
	CHECK_EQ(totals.total_bytes, VMALLOC_END - VMALLOC_START);
	if (max_pfn == max_low_pfn) {
		/* Everything is low, and the window takes what is left. */
		CHECK_EQ(populated_zone(st_zone(ZONE_HIGHMEM)), 0);
		CHECK_EQ((unsigned long)high_memory, PAGE_OFFSET + ((unsigned long)max_pfn << PAGE_SHIFT));
	} else {
		CHECK(populated_zone(st_zone(ZONE_HIGHMEM)));
	}
	if (!st_on_pc())
		return;
	if (max_pfn > MB(pc_split()->maxmem_mb) >> PAGE_SHIFT) {
		CHECK_EQ((unsigned long)high_memory, 0xf8000000u);
		CHECK_EQ(VMALLOC_START, PC_LOWEST_WINDOW);
	} else {
		CHECK(max_low_pfn == max_pfn);
		CHECK(VMALLOC_START < PC_LOWEST_WINDOW || max_pfn > MB(pc_split()->maxmem_mb - 16) >> PAGE_SHIFT);
	}
}

SELFTEST(A6, every_frame_up_to_the_end_is_described)
{
	struct zone *z;
	pfn_t pfn, last = 0;
	struct page *page;

	for_each_zone(z)
		last = max(last, z->zone_start_pfn + z->spanned_pages);
	CHECK(last <= max_pfn);
	CHECK_EQ(last, (unsigned long)(memblock_end_of_DRAM() >> PAGE_SHIFT));
	for_each_valid_pfn(pfn, 0, max_pfn) {
		page = pfn_to_page(pfn);
		if (!st_frame_free_at_boot(pfn))
			CHECK(PageReserved(page) && page_count(page) > 0);
		else
			CHECK(!PageReserved(page));
		if (PageBuddy(page))
			pfn += (1UL << page->order) - 1;	/* the rest of a free block says nothing */
	}
}
