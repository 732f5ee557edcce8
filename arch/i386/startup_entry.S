/* SPDX-License-Identifier: MIT */
/*
 * startup_entry.S: where another processor arrives from the trampoline: paging is on, the
 * segments are flat.  It takes the stack that was made ready, or halts.
 */
	.text
	.globl startup_high
	.type startup_high, @function
startup_high:
	xorl	%eax, %eax
	xchgl	%eax, startup_stack
	testl	%eax, %eax
	jz	1f
	movl	%eax, %esp
	xorl	%ebp, %ebp		/* the end of the chain of frames */
	movl	startup_cpu, %eax
	call	startup_main
1:	cli
	hlt
	jmp	1b

	.section .note.GNU-stack, "", @progbits
