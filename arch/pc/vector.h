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
#define NR_VECTORS 130		/* with an entry stub; beyond: not present */

/* Exceptions with which the CPU pushes an error code. */
#define VECTOR_HAS_ERROR(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21)

#endif
