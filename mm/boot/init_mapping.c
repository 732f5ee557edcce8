/* SPDX-License-Identifier: MIT */
/*
 * init_mapping.c: the second part of coming up: all that needs stage 2 of port.h.
 *
 *	line			afterwards there is
 *	mm_init_pages		alloc_pages, kmalloc (its own list is in init_pages.c)
 *	fixmap_init		set_fixmap, kmap_atomic, kmap_local_page
 *	kmap_init		kmap
 *	clear_high_page		__GFP_ZERO for high memory
 *	vmalloc_init		vmalloc
 *	pressure		shrinkers are asked when memory is short; kswapd() may run
 *
 * A kernel that wants no address spaces of tasks calls mm_init_mapping(); the linker
 * then takes nothing of mm/user.
 */
#include <quarry/highmem.h>
#include <quarry/init.h>
#include <quarry/pressure.h>
#include <quarry/vmalloc.h>

void mm_init_mapping(void)
{
	mm_init_pages();
	fixmap_init();
	kmap_init();
	clear_high_page = clear_highpage;
	vmalloc_init();
	pressure = &reclaim_ops;
	mm_stage = MM_VMALLOC;
}
