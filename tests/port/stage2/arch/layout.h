/* SPDX-License-Identifier: MIT */
/*
 * layout.h of the port that stops at stage 2: a gigabyte from PAGE_OFFSET on, low memory
 * at its start and the windows at its end, behind one another.
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define PAGE_SHIFT 12
#define PAGE_OFFSET 0x2000000000UL
#define TASK_SIZE PAGE_OFFSET

#define VMALLOC_START ((unsigned long)high_memory + (8UL << 20))
#define VMALLOC_END (PKMAP_BASE - 2 * PAGE_SIZE)
#define LAST_PKMAP 512
#define PKMAP_BASE ((FIXADDR_START - LAST_PKMAP * PAGE_SIZE) & ~(LAST_PKMAP * PAGE_SIZE - 1))
#define FIXADDR_START (FIXADDR_TOP - ((unsigned long)__end_of_fixed_addresses << PAGE_SHIFT))
#define FIXADDR_TOP (PAGE_OFFSET + (1UL << 30) - 2 * PAGE_SIZE)

#endif
