/* SPDX-License-Identifier: MIT */
/*
 * layout.h: the only home of addresses in a process (rows A1, A2, A4, A5).
 *
 * The same picture as on i386, in the same proportions: a gigabyte for the
 * kernel, 128 MiB of it kept for the windows.  Only the two numbers that it
 * starts from differ, for a process has neighbours (its program, libraries and
 * stacks, the shadow memory of sanitizers):
 *
 *			64-bit			32-bit
 *	0x00000000	user space		user space
 *	TASK_SIZE	0x50000000		0x1fc00000
 *	PAGE_OFFSET	0x200000000000		0x80000000
 *			low memory, at the most 896 MiB; --lowmem makes it smaller
 *			... gap ... VMALLOC_START ... VMALLOC_END, PKMAP_BASE,
 *	FIXADDR_TOP	0x20003fffe000		0xbfffe000
 *
 * AddressSanitizer takes 0x7fff8000-0x10007fff8000 in 64 bits and
 * 0x1ffff000-0x40000000 in 32; valgrind sits at 0x58000000.
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define PAGE_SHIFT 12
#ifdef __LP64__
#define PAGE_OFFSET 0x200000000000UL
#define TASK_SIZE 0x50000000UL
#else
#define PAGE_OFFSET 0x80000000UL
#define TASK_SIZE 0x1fc00000UL
#endif

/* Where user space begins: the host keeps the first pages for itself. */
#define USER_BASE 0x00400000UL

#define ZONE_DMA_END_MB 16			/* ISA devices see 24 address bits */
#define KERNEL_WINDOW (1UL << 30)		/* the kernel's gigabyte */
#define VMALLOC_RESERVE (128 << 20)		/* of it, kept for the windows */
#define VMALLOC_OFFSET (8 << 20)
#define FIXADDR_TOP (PAGE_OFFSET + KERNEL_WINDOW - 0x2000UL)

/* First physical address that is not used: mem_map must fit low memory. */
#ifdef __LP64__
#define PHYS_LIMIT (32ULL << 30)
#else
#define PHYS_LIMIT (4ULL << 30)
#endif

/* Most low memory there can be: 896 MiB. */
#define MAXMEM (KERNEL_WINDOW - VMALLOC_RESERVE)

/* From high_memory on, a gap of at least VMALLOC_OFFSET, then the window. */
#define VMALLOC_START ((((unsigned long)high_memory) + 2 * VMALLOC_OFFSET - 1) & ~(VMALLOC_OFFSET - 1UL))
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
