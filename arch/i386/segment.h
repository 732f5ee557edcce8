/* SPDX-License-Identifier: MIT */
/*
 * segment.h: selectors of the global descriptor table.  Also read by the assembler.
 *
 * A selector is the descriptor's index * 8, and in its low two bits the privilege
 * with which it is used.
 */
#ifndef I386_SEGMENT_H
#define I386_SEGMENT_H

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS 0x1b
#define USER_DS 0x23
#define CPU_FS 0x28	/* base: this CPU's struct cpu_local */
#define CPU_TSS 0x30
#define FAULT_TSS 0x38	/* the double fault's own task */
#define GDT_ENTRIES 8
#define FLAT_CODE FLAT	/* flags of the kernel's code */

#endif
