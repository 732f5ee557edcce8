/* SPDX-License-Identifier: MIT */
/*
 * layout.h: the only home of addresses in a process (rows A1, A2, A4, A5).
 *
 * A process has neighbours: its program, libraries and stacks, the shadow memory of
 * sanitizers.  What is left serves as two kinds of machine:
 *
 *			64-bit: more addresses		32-bit: the same picture as
 *			than memory			on i386, a gigabyte for all
 *	0x00000000	user space			user space
 *	TASK_SIZE	0x50000000			0x1fc00000
 *	PAGE_OFFSET	0x110000000000 (17 TiB)		0x80000000
 *			low memory: the direct map	low memory, at most 896 MiB
 *			has room for 64 TiB
 *	VMEMMAP_START	0x540000000000 (84 TiB)		-
 *			mem_map, at most 1 TiB
 *	WINDOWS_BASE	0x550000000000 (85 TiB)		PAGE_OFFSET
 *			a gap, VMALLOC_START ... VMALLOC_END, PKMAP_BASE,
 *	FIXADDR_TOP	0x55003fffe000			0xbfffe000
 *
 * How much of memory is low, --lowmem says; the default is little in both.
 *
 * AddressSanitizer takes 0x7fff8000-0x10007fff8000 in 64 bits (and its allocator
 * 0x500000000000 or 0x600000000000, 4 TiB) and 0x1ffff000-0x40000000 in 32; valgrind
 * sits at 0x58000000.  The lowest address of a 64-bit program is 0x555555554000.
 *
 * ThreadSanitizer leaves a program little: the lowest 512 GiB, which are user space's entry of
 * the directory, and 0x550000000000-0x568000000000.  So under it the machine is smaller, and
 * all of the kernel's lies in the latter, below the program:
 *
 *	PAGE_OFFSET	0x551000000000, room for 256 GiB
 *	VMEMMAP_START	0x555000000000, mem_map, at most 4 GiB
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define PAGE_SHIFT 12

/* Where user space begins: the host keeps the first pages for itself. */
#define USER_BASE 0x00400000UL

#define ZONE_DMA_END_MB 16			/* ISA devices see 24 address bits */
#define WINDOWS_SIZE (1UL << 30)		/* up to the end of the fixed addresses */
#define VMALLOC_OFFSET (8 << 20)
#define VMALLOC_RESERVE (128 << 20)		/* of which so much is not low memory's, ever */
#define DEFAULT_LOWMEM_MAX (WINDOWS_SIZE - VMALLOC_RESERVE)	/* unless --lowmem says more */

/* PHYS_LIMIT: first physical address that is not used; MAXMEM: most low memory there can be. */
#ifdef __LP64__
#ifdef __SANITIZE_THREAD__
#define PAGE_OFFSET 0x551000000000UL
#define MAXMEM (256UL << 30)
#define VMEMMAP_START 0x555000000000UL
#else
#define PAGE_OFFSET 0x110000000000UL
#define MAXMEM (64UL << 40)
#define VMEMMAP_START 0x540000000000UL
#endif
#define HPAGE_SHIFT 21
#define TASK_SIZE 0x50000000UL
#define PHYS_LIMIT ((unsigned long long)MAXMEM)
#define SPARSE_MEM_MAP 1
#define WINDOWS_BASE 0x550000000000UL
#define VMALLOC_START (WINDOWS_BASE + VMALLOC_OFFSET)
#else
#define HPAGE_SHIFT 22
#define PAGE_OFFSET 0x80000000UL
#define TASK_SIZE 0x1fc00000UL
#define PHYS_LIMIT (4ULL << 30)			/* mem_map must fit low memory */
#define MAXMEM DEFAULT_LOWMEM_MAX
#define WINDOWS_BASE PAGE_OFFSET		/* low memory takes its first part */
#define VMALLOC_START ((((unsigned long)high_memory) + 2 * VMALLOC_OFFSET - 1) & ~(VMALLOC_OFFSET - 1UL))
#endif

#define FIXADDR_TOP (WINDOWS_BASE + WINDOWS_SIZE - 0x2000UL)
#define VMALLOC_END (PKMAP_BASE - 2 * PAGE_SIZE)

/* One page table below the fixed addresses, on its own boundary. */
#ifdef __LP64__
#define LAST_PKMAP 512
#else
#define LAST_PKMAP 1024
#endif
#define PKMAP_BASE ((FIXADDR_START - LAST_PKMAP * PAGE_SIZE) & ~(LAST_PKMAP * PAGE_SIZE - 1))

/* __FIXADDR_SIZE counts the slots of <arch/fixmap.h>, at compile time. */
#define __FIXADDR_SIZE ((unsigned long)__end_of_fixed_addresses << PAGE_SHIFT)
#define FIXADDR_START (FIXADDR_TOP - __FIXADDR_SIZE)

#endif
