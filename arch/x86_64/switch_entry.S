/* SPDX-License-Identifier: MIT */
/*
 * switch_entry.S: leaving one stack for another, and leaving for user mode.
 */
#include "segment.h"

	.text

/*
 * void switch_stacks(void **save, void *next)
 * Save what a C function must preserve, put the stack pointer in *save, go on
 * with the other stack.  The caller returns when somebody switches back.
 */
	.globl switch_stacks
	.type switch_stacks, @function
switch_stacks:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

/* A new thread's first switch_stacks() returns to here: rbx = function, r12 = its argument. */
	.globl thread_start
	.type thread_start, @function
thread_start:
	pushq	$0			/* a frame whose caller is nobody ends the chain */
	pushq	$0
	movq	%rsp, %rbp
	movq	%r12, %rdi
	call	*%rbx
	xorl	%edi, %edi
	call	thread_exit
	ud2

/*
 * void enter_user(unsigned long entry, unsigned long sp): what iret needs to go down to
 * privilege 3.  %gs is left alone until swapgs: loading it would lose the base.
 */
	.globl enter_user
	.type enter_user, @function
enter_user:
	cli
	pushq	$USER_DS
	pushq	%rsi
	pushq	$0x202			/* interrupts on */
	pushq	$USER_CS
	pushq	%rdi
	movl	$USER_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	xorl	%eax, %eax
	movl	%eax, %fs
	xorl	%ebx, %ebx		/* nothing of the kernel's is left in a register */
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	swapgs
	iretq

	.section .note.GNU-stack, "", @progbits
