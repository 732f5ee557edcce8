/* SPDX-License-Identifier: MIT */
/*
 * trap_entry.S: the doors into the kernel.
 *
 * Each vector has a stub of 16 bytes that makes the stack look the same: the CPU
 * pushes an error code for some exceptions, we push 0 for the others, then the
 * vector.  trap_common saves the registers as struct trap_frame (frame.h) and calls
 * C.  Every gate is an interrupt gate: interrupts are off on the way in and out.
 *
 * %gs has two bases, one in force and one aside, and swapgs exchanges them: user
 * mode's is in force in user mode, the CPU's own in the kernel.  So whoever comes
 * from, or goes to, privilege 3 swaps.  The three that may come between two
 * instructions of this very file, before or after a swapgs, look at the base itself:
 * user mode's is 0.  Nobody returns from these.
 */
#include "segment.h"
#include "vector.h"

#define FRAME_CS 24			/* from the vector on: vector, error, rip, cs */
#define MSR_GS_BASE 0xc0000101

	.text
	.balign 16
	.globl trap_stubs
trap_stubs:
	vector = 0
	.rept NR_VECTORS
	.balign 16
	.if !VECTOR_HAS_ERROR(vector)
	pushq	$0
	.endif
	pushq	$vector
	.if vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK
	jmp	trap_fatal
	.else
	jmp	trap_common
	.endif
	vector = vector + 1
	.endr

	.macro	save_registers
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	cld
	movq	%rsp, %rdi		/* the first argument */
	.endm

	.balign 16
	.type trap_common, @function
trap_common:
	testb	$3, FRAME_CS(%rsp)
	jz	1f
	swapgs
1:	save_registers
	call	trap_dispatch
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rbp
	popq	%rbx
	popq	%rdx
	popq	%rcx
	popq	%rax
	testb	$3, FRAME_CS(%rsp)
	jz	2f
	swapgs
2:	addq	$16, %rsp		/* vector, error code */
	iretq

	.type trap_fatal, @function
trap_fatal:
	save_registers
	movl	$MSR_GS_BASE, %ecx
	rdmsr
	orl	%edx, %eax		/* 0: user mode's, or CPU 0's, which is the same */
	jnz	1f
	swapgs
1:	call	trap_dispatch
	ud2

	.section .note.GNU-stack, "", @progbits
