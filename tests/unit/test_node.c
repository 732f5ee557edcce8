/* SPDX-License-Identifier: MIT */
/*
 * mm/boot without a machine: the direct map is a mapping of a bare file, the memory map a few
 * lines, and node.c makes zones of them.
 */
#include "unit.h"
#include <sys/mman.h>
#include <unistd.h>
#include "arch/hosted/hosted.h"
#include <quarry/init.h>
#include <quarry/memblock.h>
#include <quarry/report.h>
#include <quarry/zone.h>

#define MB (1024UL * 1024)
#define MAPPED (64 * MB)

#define EXPECT_MISUSE(kind, call) do {					\
	unsigned long before_ = misuse_count(kind);			\
	call;								\
	ck_assert_uint_eq(misuse_count(kind), before_ + 1);		\
} while (0)

static void setup(void)
{
	void *want = __va(0), *got;

	phys_fd = memfd_create("test_node", 0);
	ck_assert_int_eq(ftruncate(phys_fd, MAPPED), 0);
	got = mmap(want, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, phys_fd, 0);
	ck_assert_ptr_eq(got, want);
	misuse_quiet(true);
	memblock.current_limit = MAPPED;
	nr_cpu_ids = 2;
}

/* The zones of what memblock knows; borders at 16 MiB and at the end. */
static unsigned long make_zones(void)
{
	pfn_t end = (pfn_t)(memblock_end_of_DRAM() >> PAGE_SHIFT), dma = min(end, (pfn_t)(16 * MB >> PAGE_SHIFT));
	pfn_t border[MAX_NR_ZONES] = { [ZONE_DMA] = dma, [ZONE_DMA32] = dma, [ZONE_NORMAL] = end, [ZONE_HIGHMEM] = end };

	free_area_init_nodes(border);
	return memblock_free_all();
}

START_TEST(an_allocation_is_aligned_and_clear)
{
	unsigned char *p, *q;

	setup();
	ck_assert_int_eq(memblock_add(0, 32 * MB), 0);
	p = memblock_alloc(1000, 0x1000);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq((unsigned long)p % 0x1000, 0);
	__builtin_memset(p, 0xa5, 1000);
	memblock_free(p, 1000);
	q = memblock_alloc(1000, 0x1000);
	ck_assert_ptr_eq(q, p);
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(q[i], 0);
	p = memblock_alloc(10, 0);
	ck_assert_uint_eq((unsigned long)p % L1_CACHE_BYTES, 0);
}
END_TEST

START_TEST(sizes_and_alignments_that_cannot_be)
{
	setup();
	ck_assert_int_eq(memblock_add(0, 32 * MB), 0);
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(memblock_alloc(0, 0)));
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(memblock_alloc(100, 24)));
	ck_assert_ptr_null(memblock_alloc(~(size_t)0, 0));
	ck_assert_ptr_null(memblock_alloc(33 * MB, 0));
	ck_assert_ptr_null(memblock_alloc(100, (size_t)1 << (8 * sizeof(size_t) - 1)));
	ck_assert_uint_eq(memblock.reserved.cnt, 0);
}
END_TEST

START_TEST(giving_back_what_was_not_taken)
{
	char *p;

	setup();
	ck_assert_int_eq(memblock_add(0, 32 * MB), 0);
	p = memblock_alloc(4096, 4096);
	memblock_free(NULL, 4096);
	EXPECT_MISUSE(MISUSE_FOREIGN, memblock_free(p, 4097));
	EXPECT_MISUSE(MISUSE_FOREIGN, memblock_free(p - 1, 4096));
	EXPECT_MISUSE(MISUSE_FOREIGN, memblock_free(p, 0));
	EXPECT_MISUSE(MISUSE_FOREIGN, memblock_free(p, ~(size_t)0));
	ck_assert_uint_eq(memblock.reserved.cnt, 1);
	memblock_free(p, 4096);
	ck_assert_uint_eq(memblock.reserved.cnt, 0);
	EXPECT_MISUSE(MISUSE_FOREIGN, memblock_free(p, 4096));
}
END_TEST

START_TEST(check_names_the_broken_invariant)
{
	static struct memblock mb;

	memblock_add_to(&mb, 0x1000, 0x1000);
	memblock_add_to(&mb, 0x8000, 0x1000);
	ck_assert_int_eq(memblock_check(&mb), 0);
	mb.memory.regions[1].size = 0;
	ck_assert_int_eq(memblock_check(&mb), 1);
	mb.memory.regions[1].size = ~0ULL;
	ck_assert_int_eq(memblock_check(&mb), 1);
	mb.memory.regions[1] = (struct memblock_region){ 0x2000, 0x1000 };	/* touches the first */
	ck_assert_int_eq(memblock_check(&mb), 2);
	mb.memory.cnt = MEMBLOCK_MAX_REGIONS + 1;
	ck_assert_int_eq(memblock_check(&mb), 3);
}
END_TEST

/* Memory whose edges, and reservations whose edges, are in the middle of frames. */
START_TEST(only_whole_frames_that_nobody_has_are_given)
{
	struct pglist_data *node = NODE_DATA(0);
	unsigned long freed, mem_map_pages = 0;
	pfn_t seen = 0, first, end;

	setup();
	ck_assert_int_eq(memblock_add(0x800, 24 * MB - 0x800), 0);
	ck_assert_int_eq(memblock_reserve(0x200800, 0x100), 0);
	ck_assert_int_eq(memblock_reserve(0x300fff, 2), 0);
	freed = make_zones();
	for (unsigned i = 2; i < memblock.reserved.cnt; i++) {	/* behind the two of ours: for mem_map, what maps it, pagesets */
		const struct memblock_region *r = &memblock.reserved.regions[i];

		first = max(seen, (pfn_t)(r->base >> PAGE_SHIFT));
		end = (pfn_t)((r->base + r->size + PAGE_SIZE - 1) >> PAGE_SHIFT);
		mem_map_pages += end - first;
		seen = end;
	}
	ck_assert_uint_ge(mem_map_pages, max_pfn * sizeof(struct page) >> PAGE_SHIFT);
	ck_assert_uint_le(mem_map_pages, (max_pfn * sizeof(struct page) >> PAGE_SHIFT) + 8 +
			  2 * (sizeof(struct per_cpu_pages) * MIGRATE_TYPES * nr_cpu_ids >> PAGE_SHIFT));
	ck_assert_uint_eq(max_pfn, 24 * MB >> PAGE_SHIFT);
	ck_assert_uint_eq(freed, max_pfn - 1 - 3 - mem_map_pages);	/* frame 0, and three touched */
	ck_assert(PageReserved(pfn_to_page(0)) && PageReserved(pfn_to_page(0x200)));
	ck_assert(PageReserved(pfn_to_page(0x300)) && PageReserved(pfn_to_page(0x301)));
	ck_assert(!PageReserved(pfn_to_page(1)) && !PageReserved(pfn_to_page(0x1ff)) && !PageReserved(pfn_to_page(0x302)));
	ck_assert_uint_eq(node->node_present_pages, max_pfn - 1);	/* frame 0 is not whole */
	ck_assert_uint_eq(node->node_spanned_pages, max_pfn - 1);
	ck_assert_int_eq(node->nr_zones, ZONE_NORMAL + 1);
	ck_assert_uint_eq(node->node_zones[ZONE_DMA].managed_pages + node->node_zones[ZONE_NORMAL].managed_pages, freed);
	ck_assert_int_eq(buddy_check(&node->node_zones[ZONE_DMA]), 0);
	ck_assert_int_eq(buddy_check(&node->node_zones[ZONE_NORMAL]), 0);
	ck_assert(node->node_zones[ZONE_NORMAL].free_area[MAX_PAGE_ORDER].nr_free > 0);	/* whole from the start */
}
END_TEST

START_TEST(memory_that_begins_above_16_mib_has_no_zone_dma)
{
	struct pglist_data *node = NODE_DATA(0);
	struct page *page;

	setup();
	ck_assert_int_eq(memblock_add(32 * MB, 16 * MB), 0);
	make_zones();
	setup_per_zone_wmarks();
	mm_stage = MM_PAGES;
	ck_assert(!populated_zone(&node->node_zones[ZONE_DMA]));
	ck_assert_ptr_eq(first_zone(), &node->node_zones[ZONE_NORMAL]);
	ck_assert_uint_eq(node->node_zones[ZONE_NORMAL].zone_start_pfn, 32 * MB >> PAGE_SHIFT);
	ck_assert(PageReserved(pfn_to_page(5)) && page_count(pfn_to_page(5)) == 1);
	page = alloc_pages(GFP_KERNEL, 3);
	ck_assert_ptr_nonnull(page);
	ck_assert_ptr_eq(page_zone(page), &node->node_zones[ZONE_NORMAL]);
	ck_assert_ptr_null(alloc_page(GFP_KERNEL | __GFP_DMA | __GFP_NOWARN));
	EXPECT_MISUSE(MISUSE_RESERVED, __free_page(pfn_to_page(5)));
	__free_pages(page, 3);
	ck_assert_int_eq(buddy_check(&node->node_zones[ZONE_NORMAL]), 0);
}
END_TEST

START_TEST(pages_before_there_are_any)
{
	setup();
	EXPECT_MISUSE(MISUSE_CONTEXT, ck_assert_ptr_null(alloc_page(GFP_KERNEL)));
	EXPECT_MISUSE(MISUSE_CONTEXT, ck_assert_ptr_null(alloc_pages_node(0, GFP_KERNEL, 0)));
	EXPECT_MISUSE(MISUSE_CONTEXT, ck_assert_uint_eq(get_zeroed_page(GFP_KERNEL), 0));
	EXPECT_MISUSE(MISUSE_FOREIGN, put_page(mem_map));
	EXPECT_MISUSE(MISUSE_FOREIGN, free_page(PAGE_OFFSET + PAGE_SIZE));
}
END_TEST

/* A map full of islands, and a hole more than there is room for. */
START_TEST(a_hole_that_does_not_fit_the_list_is_still_a_hole)
{
	static struct e820_entry map[MEMBLOCK_MAX_REGIONS + 1];
	static struct memblock mb;
	phys_addr_t start = 0, end;

	for (unsigned i = 0; i < MEMBLOCK_MAX_REGIONS; i++)
		map[i] = (struct e820_entry){ (i + 1) * 0x10000ULL, 0x8000, E820_RAM };
	map[MEMBLOCK_MAX_REGIONS] = (struct e820_entry){ 0x22000, 0x1000, E820_RESERVED };
	e820_to_memblock(&mb, map, ARRAY_SIZE(map), 1ULL << 32);
	ck_assert_int_eq(memblock_check(&mb), 0);
	while (memblock_next_free(&mb, &start, &end)) {
		ck_assert(end <= 0x22000 || start >= 0x23000);
		start = end;
	}
	ck_assert_uint_eq(mb.memory.regions[1].size, 0x2000);
	ck_assert(unit_log_has("left out"));
}
END_TEST

START_TEST(each_range_beyond_the_limit_counts_once)
{
	const struct e820_entry map[] = {
		{ 0, 0x100000, E820_RAM },
		{ 0x100000000ULL, 0x3000, E820_RAM },
		{ 0x500000000ULL, 0x5000, E820_RAM },
	};
	static struct memblock mb;

	ck_assert_uint_eq(e820_to_memblock(&mb, map, ARRAY_SIZE(map), 1ULL << 32), 0x8000);
	ck_assert_uint_eq(mb.memory.cnt, 1);
}
END_TEST

/* A range over the border of two frames that has neither whole, and one behind it. */
START_TEST(a_range_without_a_whole_frame_vanishes_alone)
{
	const struct e820_entry map[] = { { 0x1800, 0x1000, E820_RAM }, { 0x5800, 0x1c00, E820_RAM } };
	static struct memblock mb;

	e820_to_memblock(&mb, map, ARRAY_SIZE(map), 1ULL << 32);
	ck_assert_uint_eq(mb.memory.cnt, 1);
	ck_assert_uint_eq(mb.memory.regions[0].base, 0x6000);
	ck_assert_uint_eq(mb.memory.regions[0].size, 0x1000);
}
END_TEST

UNIT_SUITE(node,
	a_range_without_a_whole_frame_vanishes_alone,
	an_allocation_is_aligned_and_clear,
	sizes_and_alignments_that_cannot_be,
	giving_back_what_was_not_taken,
	check_names_the_broken_invariant,
	only_whole_frames_that_nobody_has_are_given,
	memory_that_begins_above_16_mib_has_no_zone_dma,
	pages_before_there_are_any,
	a_hole_that_does_not_fit_the_list_is_still_a_hole,
	each_range_beyond_the_limit_counts_once)
