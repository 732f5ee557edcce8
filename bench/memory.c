/* SPDX-License-Identifier: MIT */
/*
 * memory.c: what the machine pays once: starting, and memory that is nobody's.
 *
 * metadata_share is all memory that nobody can be given after boot, in per cent: the
 * array of struct page, page tables, caches, CPUs' lists, and what is not ours at all, the
 * kernel's image and the stacks of its threads.  So what the memory manager keeps for
 * itself is no more.
 */
#include "bench.h"

#include <quarry/highmem.h>
#include <quarry/memblock.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

static unsigned long free_frames(void)
{
	unsigned long free = 0;
	struct zone *z;

	kmap_flush_unused();
	vmalloc_purge();
	slab_drain(NULL);
	drain_all_pages(NULL);
	for_each_zone(z)
		free += zone_free_pages(z);
	return free;
}

void bench_memory(void)
{
	unsigned long frames = (unsigned long)(memblock_phys_mem_size() >> PAGE_SHIFT);

	if (bench_wanted("boot_to_first_kmalloc"))
		bench_figure("boot_to_first_kmalloc", machine_cycles_unit(), machine_boot_cycles() * 100);
	if (bench_wanted("struct_page"))
		bench_figure("struct_page", "bytes", sizeof(struct page) * 100);
	if (bench_wanted("metadata_share"))
		bench_figure("metadata_share", "percent", (u64)(frames - free_frames()) * 10000 / frames);
}
