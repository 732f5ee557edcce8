/* SPDX-License-Identifier: MIT */
/*
 * init_pages.c: the first half of coming up: all that needs stage 1 of port.h only.
 *
 *	line				afterwards there is
 *	(the port) e820_to_memblock	memblock: the memory map
 *	arch_paging_init		the direct map: every low frame has an address
 *	zone_sizes_init			nodes, zones, mem_map; every frame reserved
 *	memblock_free_all		alloc_pages; memblock is closed
 *	setup_per_zone_wmarks		reserves, CPUs' own lists
 *	kmem_cache_init			kmalloc
 *
 * A kernel that wants pages and slabs and nothing else calls mm_init_pages(); the
 * linker then takes nothing of the rest.
 */
#include <quarry/init.h>
#include <quarry/report.h>
#include <quarry/slab.h>

enum mm_stage mm_stage;

static void zone_sizes_init(void)
{
	pfn_t max_zone_pfn[MAX_NR_ZONES];

	arch_zone_borders(max_zone_pfn);
	free_area_init_nodes(max_zone_pfn);
}

void mm_init_pages(void)
{
	mm_stage = MM_MEMBLOCK;
	if (!memblock.memory.cnt)
		mm_panic("the memory map holds no usable memory");
	arch_paging_init();
	zone_sizes_init();
	memblock_free_all();
	setup_per_zone_wmarks();
	mm_stage = MM_PAGES;
	kmem_cache_init();
	mm_stage = MM_SLAB;
}
