/* SPDX-License-Identifier: MIT */
/*
 * vector.h: numbers of exceptions and interrupts.  Also read by the assembler.
 */
#ifndef PC_VECTOR_H
#define PC_VECTOR_H

#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
#define VECTOR_MACHINE_CHECK 18
#define VECTOR_IRQ0 32		/* the two 8259s: 32 ... 47 */
#define VECTOR_SYSCALL 0x80
#define VECTOR_SOFT 0x81	/* machine_run_in_interrupt() */
#define VECTOR_TIMER 0x90	/* the local APIC's: each in a class of priority of its own, see apic.c */
#define VECTOR_RESCHEDULE 0xa0
#define VECTOR_CALL 0xb0
#define VECTOR_SPURIOUS 0xbf	/* the low four bits are 1 in old APICs, whatever one writes */
#define NR_VECTORS 0xc0		/* with an entry stub; beyond: not present */

/* Exceptions with which the CPU pushes an error code. */
#define VECTOR_HAS_ERROR(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21)

#endif
