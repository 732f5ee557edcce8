/* SPDX-License-Identifier: MIT */
/*
 * init.c: the order in which the memory manager comes up.  Read it from top to
 * bottom: each line needs only the lines above it.
 *
 *	line			afterwards there is
 *	mm_init_mapping		alloc_pages, kmalloc, kmap, vmalloc (its list is in init_mapping.c)
 *	vm_init			address spaces of tasks
 *
 * Other processors may start after mm_init(); nothing above assumes that they do
 * not exist, only that they do not run yet.
 */
#include <quarry/init.h>
#include <quarry/vm.h>

void mm_init(void)
{
	mm_init_mapping();
	vm_init();
	mm_stage = MM_READY;
}
