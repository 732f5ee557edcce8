/* SPDX-License-Identifier: MIT */
/*
 * layout.h: the only home of addresses in long mode (rows A1, A2, A4, A5).
 *
 * Of 64 address bits the processor translates 48 with four levels of page tables, 57
 * with five; the others must repeat the highest of these, so that the space is two
 * halves with a hole in the middle.  The lower half is user space; in the upper half:
 *
 *			four levels		five levels
 *	PAGE_OFFSET	0xffff888000000000	0xff11000000000000	the direct map: 64 TiB, 32 PiB
 *	VMALLOC_START	0xffffc90000000000	0xffa0000000000000	32 TiB, 12.5 PiB
 *	VMEMMAP_START	0xffffea0000000000	0xffd4000000000000	mem_map, sparse (section.h)
 *	KERNEL_BASE	0xffffffff80000000	the image: physical + KERNEL_BASE
 *	FIXADDR_TOP	0xffffffffff7ff000	the last fixed page
 *
 * How many levels there are is known when the machine starts (start.S), so what
 * depends on it is read from a variable, at the cost of loading a constant.
 *
 * All memory is in the direct map, so there is no high memory and no kmap window.
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define PAGE_SHIFT 12
#define HPAGE_SHIFT 21
#define KERNEL_BASE 0xffffffff80000000
#define FIXADDR_TOP 0xffffffffff7ff000
#define PAGE_OFFSET_4 0xffff888000000000
#define PAGE_OFFSET_5 0xff11000000000000

#define ZONE_DMA_END_MB 16			/* ISA devices see 24 address bits */
#define ZONE_DMA32_END_MB 4096			/* most others see 32 */
#define PHYS_LIMIT (1ULL << 46)			/* first physical address that is not used */
#define HAVE_HIGHMEM 0
#define SPARSE_MEM_MAP 1
#define VMALLOC_OFFSET (8 << 20)			/* at least so far is it from the direct map to the window */
#define MAXMEM PHYS_LIMIT

#ifndef __ASSEMBLER__

/* What the number of levels decides; set once, before anything reads it. */
struct arch_layout {
	int levels;
	unsigned long page_offset, vmalloc_start, vmalloc_end, vmemmap_start, task_size;
};
extern struct arch_layout arch_layout;

#define PAGE_OFFSET arch_layout.page_offset
#define VMALLOC_START arch_layout.vmalloc_start
#define VMALLOC_END arch_layout.vmalloc_end
#define VMEMMAP_START arch_layout.vmemmap_start
#define TASK_SIZE arch_layout.task_size

#define LAST_PKMAP 0
#define PKMAP_BASE FIXADDR_START

/* __FIXADDR_SIZE counts the slots of <arch/fixmap.h>, at compile time. */
#define __FIXADDR_SIZE ((unsigned long)__end_of_fixed_addresses << PAGE_SHIFT)
#define FIXADDR_START (FIXADDR_TOP - __FIXADDR_SIZE)

/* What lies in the image, as the physical address it was loaded to. */
#define __pa_symbol(x) ((phys_addr_t)((unsigned long)(x) - KERNEL_BASE))

#endif
#endif
