/* SPDX-License-Identifier: MIT */
/*
 * init.c: the order in which the memory manager comes up.  Read it from top to
 * bottom: each line needs only the lines above it.
 *
 *	line				afterwards there is
 *	(the port) e820_to_memblock	memblock: the memory map
 *	arch_paging_init		the direct map: every low frame has an address
 *	zone_sizes_init			nodes, zones, mem_map; every frame reserved
 *	memblock_free_all		alloc_pages; memblock is closed
 *	setup_per_zone_wmarks		reserves, CPUs' own lists
 *	kmem_cache_init			kmalloc
 *	fixmap_init, kmap_init		kmap, kmap_atomic, set_fixmap
 *	vmalloc_init			vmalloc
 *	vm_init				address spaces of tasks
 *
 * Other processors may start after mm_init(); nothing above assumes that they do
 * not exist, only that they do not run yet.
 */
#include <quarry/highmem.h>
#include <quarry/init.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

enum mm_stage mm_stage;

static void zone_sizes_init(void)
{
	pfn_t max_zone_pfn[MAX_NR_ZONES];

	arch_zone_borders(max_zone_pfn);
	free_area_init_nodes(max_zone_pfn);
}

void mm_init(void)
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
	fixmap_init();
	kmap_init();
	clear_high_page = clear_highpage;
	vmalloc_init();
	mm_stage = MM_VMALLOC;
	vm_init();
	mm_stage = MM_READY;
}
