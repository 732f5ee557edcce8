/* SPDX-License-Identifier: MIT */
/*
 * init.c: the order in which the memory manager comes up.  Read it from top to
 * bottom: each line needs only the lines above it.
 *
 *	line			afterwards there is
 *	mm_init_pages		alloc_pages, kmalloc (its own list is in init_pages.c)
 *	fixmap_init		set_fixmap, kmap_atomic, kmap_local_page
 *	kmap_init		kmap
 *	clear_high_page		__GFP_ZERO for high memory
 *	vmalloc_init		vmalloc
 *	vm_init			address spaces of tasks
 *
 * Other processors may start after mm_init(); nothing above assumes that they do
 * not exist, only that they do not run yet.
 */
#include <quarry/highmem.h>
#include <quarry/init.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

void mm_init(void)
{
	mm_init_pages();
	fixmap_init();
	kmap_init();
	clear_high_page = clear_highpage;
	vmalloc_init();
	mm_stage = MM_VMALLOC;
	vm_init();
	mm_stage = MM_READY;
}
