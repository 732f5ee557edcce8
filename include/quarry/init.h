/* SPDX-License-Identifier: MIT */
/*
 * init.h: bringing the memory manager up.  The order of things is one readable
 * list in mm/boot/init.c.
 */
#ifndef QUARRY_INIT_H
#define QUARRY_INIT_H

#include <quarry/memblock.h>
#include <quarry/port.h>
#include <quarry/zone.h>

/**
 * mm_init() - from memblock to a working kmalloc, vmalloc and kmap
 *
 * Before: the port filled memblock (e820_to_memblock, memblock_reserve for its
 * own image, modules, firmware) and mapped at least memblock.current_limit.
 * Once, on the boot CPU, interrupts off.
 */
void mm_init(void);

/**
 * mm_init_pages() - the first part of mm_init(): alloc_pages and kmalloc, no mapping
 *
 * For kernels that stop at stage 1 of port.h: they link with nothing of the rest.
 * Instead of mm_init(), with the same conditions.
 */
void mm_init_pages(void);

/**
 * mm_init_mapping() - mm_init_pages(), then kmap and vmalloc, but no address spaces of tasks
 *
 * For kernels that stop before stage 5 of port.h, instead of mm_init().
 */
void mm_init_mapping(void);

/** mm_stage - how far it is: for "called too early" reports. */
enum mm_stage { MM_NONE, MM_MEMBLOCK, MM_PAGES, MM_SLAB, MM_VMALLOC, MM_READY };
extern enum mm_stage mm_stage;

/* Of ports with SPARSE_MEM_MAP only (section.h). */

/**
 * arch_prepare_mem_map() - make ready what arch_map_mem_map() will need for [@addr, @addr + @size)
 * Page tables, but the last level.  Uses memblock; does not return when it has no memory.
 */
void arch_prepare_mem_map(unsigned long addr, unsigned long size);
/**
 * arch_map_mem_map() - show the frames from @pfn on at @addr, writable
 * @addr, @size: a part of mem_map, in whole pages; where nothing was before
 *
 * Before memblock is closed it may take memory from it.  Later @size is that of a
 * section's struct pages, @addr is prepared, and @addr and @pfn are aligned to @size:
 * then it must do without, in any context, interrupts off.  Does not return on failure.
 */
void arch_map_mem_map(unsigned long addr, unsigned long size, pfn_t pfn);

#endif
