/* SPDX-License-Identifier: MIT */
/*
 * trap_entry.S: the doors into the kernel.
 *
 * Each vector has a stub of 16 bytes that makes the stack look the same: the CPU
 * pushes an error code for some exceptions, we push 0 for the others, then the
 * vector.  trap_common saves the registers as struct trap_frame (pc.h) and calls
 * C.  Every gate is an interrupt gate: interrupts are off on the way in.
 */
#include "segment.h"
#include "vector.h"

	.text
	.balign 16
	.globl trap_stubs
trap_stubs:
	vector = 0
	.rept NR_VECTORS
	.balign 16
	.if !VECTOR_HAS_ERROR(vector)
	pushl	$0
	.endif
	pushl	$vector
	jmp	trap_common
	vector = vector + 1
	.endr

	.balign 16
	.type trap_common, @function
trap_common:
	pushl	%ds
	pushl	%es
	pushl	%fs
	pushl	%gs
	pushal
	cld
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	$CPU_FS, %eax
	movl	%eax, %fs
	movl	%esp, %eax		/* the first argument */
	call	trap_dispatch
	popal
	popl	%gs
	popl	%fs
	popl	%es
	popl	%ds
	addl	$8, %esp		/* vector, error code */
	iret

	.section .note.GNU-stack, "", @progbits
