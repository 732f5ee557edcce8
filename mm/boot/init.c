/* SPDX-License-Identifier: MIT */
/*
 * init.c: the order in which the memory manager comes up.  Read it from top to
 * bottom: each line needs only the lines above it.
 *
 *	line			afterwards there is
 *	mm_init_mapping		alloc_pages, kmalloc, kmap, vmalloc (its list is in init_mapping.c)
 *	vm_init			address spaces of tasks
 *	pressure		a task can be ended for want of memory
 *
 * Other processors may start after mm_init(); nothing above assumes that they do
 * not exist, only that they do not run yet.
 */
#include <quarry/init.h>
#include <quarry/oom.h>
#include <quarry/pressure.h>
#include <quarry/vm.h>

static const struct pressure_ops ops = {
	.try_to_free_pages = try_to_free_pages,
	.wake_all_kswapds = wake_all_kswapds,
	.out_of_memory = out_of_memory,
};

void mm_init(void)
{
	mm_init_mapping();
	vm_init();
	pressure = &ops;
	mm_stage = MM_READY;
}
