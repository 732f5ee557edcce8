/* SPDX-License-Identifier: MIT */
/*
 * startup_entry.S: where another processor arrives from the trampoline: long mode is on.
 * The trampoline can jump below 4 GiB only; from there it is one more jump to where we belong.
 * Then it takes the stack that was made ready, or halts.
 */
#include <arch/layout.h>
#include "segment.h"

	.section .boot, "ax"
	.code64
	.globl startup_long_mode
	.type startup_long_mode, @function
startup_long_mode:
	movabsq	$startup_high, %rax
	jmp	*%rax

	.text
	.type startup_high, @function
startup_high:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	movq	$(swapper_pg_dir - KERNEL_BASE), %rax
	movq	%rax, %cr3		/* before the stack, which may lie above 4 GiB */
	xorl	%eax, %eax
	xchgq	%rax, startup_stack
	testq	%rax, %rax
	jz	1f
	movq	%rax, %rsp
	xorl	%ebp, %ebp		/* the end of the chain of frames */
	movl	startup_cpu, %edi
	call	startup_main
1:	cli
	hlt
	jmp	1b

	.section .note.GNU-stack, "", @progbits
