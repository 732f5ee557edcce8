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
switch_stacks:				/* eax = save, edx = next */
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	%esp, (%eax)
	movl	%edx, %esp
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret

/* A new thread's first switch_stacks() returns to here: ebx = function, esi = its argument. */
	.globl thread_start
	.type thread_start, @function
thread_start:
	pushl	$0			/* a frame whose caller is nobody ends the chain */
	pushl	$0
	movl	%esp, %ebp
	movl	%esi, %eax
	call	*%ebx
	xorl	%eax, %eax
	call	thread_exit
	ud2

/* void enter_user(u32 entry, u32 sp): what iret needs to go down to privilege 3. */
	.globl enter_user
	.type enter_user, @function
enter_user:				/* eax = entry, edx = sp */
	cli
	movl	%eax, %ecx
	pushl	$USER_DS
	pushl	%edx
	pushl	$0x202			/* interrupts on */
	pushl	$USER_CS
	pushl	%ecx
	movl	$USER_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	xorl	%ebx, %ebx		/* nothing of the kernel's is left in a register */
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	iret

	.section .note.GNU-stack, "", @progbits
