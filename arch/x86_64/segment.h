/* SPDX-License-Identifier: MIT */
/*
 * segment.h: selectors of the global descriptor table.  Also read by the assembler.
 *
 * A selector is the descriptor's index * 8, and in its low two bits the privilege
 * with which it is used.
 */
#ifndef X86_64_SEGMENT_H
#define X86_64_SEGMENT_H

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS 0x1b
#define USER_DS 0x23
#define CPU_TSS 0x28	/* two places */
#define GDT_ENTRIES 7
#define FLAT_CODE FLAT_LONG	/* flags of the kernel's code */

/* Stacks of the interrupt stack table, for what may come while no other can be trusted. */
#define IST_DOUBLE_FAULT 1
#define IST_NMI 2
#define IST_MACHINE_CHECK 3
#define NR_IST 3

#endif
