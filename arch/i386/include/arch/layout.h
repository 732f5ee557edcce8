/* SPDX-License-Identifier: MIT */
/*
 * layout.h: the only home of addresses on i386 (rows A1, A2, A4, A5).
 *
 *	0x00000000  user space
 *	0xC0000000  PAGE_OFFSET: low memory, physical + PAGE_OFFSET (row A1; the build may
 *	            choose 0x80000000 or 0x40000000: more low memory, less for each task)
 *	            high_memory: end of low memory, 896 MiB at the most (1920, 2944)
 *	            ... VMALLOC_OFFSET: a gap of 8 to 16 MiB that catches overruns ...
 *	            VMALLOC_START
 *	            VMALLOC_END   = PKMAP_BASE - 2 pages
 *	            PKMAP_BASE    one page table: 1024 pages, with PAE 512
 *	            FIXADDR_START
 *	0xffffe000  FIXADDR_TOP: the last fixed page
 *
 * Everything is derived from PAGE_OFFSET, VMALLOC_RESERVE and the list of fixed
 * slots; nothing is typed twice.  Also read by the assembler and the linker
 * script, so plain numbers only.
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define PAGE_SHIFT 12
#ifndef HPAGE_SHIFT
#define HPAGE_SHIFT 22				/* with PAE 21 */
#endif
#ifndef SPLIT_BASE
#define SPLIT_BASE 0xC0000000			/* make SPLIT=2G, SPLIT=1G give others */
#endif
#ifdef __ASSEMBLER__
#define PAGE_OFFSET SPLIT_BASE
#else
#define PAGE_OFFSET (SPLIT_BASE + 0u)
#endif
#define TASK_SIZE PAGE_OFFSET

#define ZONE_DMA_END_MB 16			/* ISA devices see 24 address bits */
#define VMALLOC_RESERVE (128 << 20)		/* of the fourth gigabyte, kept for the windows */
#define VMALLOC_OFFSET (8 << 20)
#define FIXADDR_TOP 0xffffe000
#ifndef PHYS_LIMIT
#define PHYS_LIMIT (1ULL << 32)			/* first physical address that no entry can name */
#endif

#ifndef __ASSEMBLER__

_Static_assert(PAGE_OFFSET % (1u << 30) == 0 && PAGE_OFFSET >= 1u << 30, "PAGE_OFFSET: 1, 2 or 3 GiB");

/* Most low memory there can be: what is left of the kernel's addresses; 896 MiB of one gigabyte. */
#define MAXMEM (0UL - PAGE_OFFSET - VMALLOC_RESERVE)

/* From high_memory on, a gap of at least VMALLOC_OFFSET, then the window. */
#define VMALLOC_START ((((unsigned long)high_memory) + 2 * VMALLOC_OFFSET - 1) & ~(VMALLOC_OFFSET - 1UL))
#define VMALLOC_END (PKMAP_BASE - 2 * PAGE_SIZE)

/* One page table below the fixed addresses, on its own boundary. */
#ifndef LAST_PKMAP
#define LAST_PKMAP 1024				/* with PAE 512 */
#endif
#define PKMAP_BASE ((FIXADDR_START - LAST_PKMAP * PAGE_SIZE) & ~(LAST_PKMAP * PAGE_SIZE - 1))

/* __FIXADDR_SIZE counts the slots of <arch/fixmap.h>, at compile time. */
#define __FIXADDR_SIZE ((unsigned long)__end_of_fixed_addresses << PAGE_SHIFT)
#define FIXADDR_START (FIXADDR_TOP - __FIXADDR_SIZE)

#endif
#endif
