/* SPDX-License-Identifier: MIT */
/* start.S: from a multiboot loader (32-bit protected mode, no paging) to C. */
	.section .multiboot, "a"
	.balign	4
	.long	0x1BADB002, 2, -(0x1BADB002 + 2)	/* magic; "I want the memory map"; checksum */

	.text
	.globl	_start
_start:
	movl	$stack_top, %esp
	movl	%ebx, %eax		/* what the loader knows; -mregparm=3: arguments are in registers */
	call	kernel_main

	.bss
	.balign	16
	.skip	16384
stack_top:
	.section .note.GNU-stack, "", @progbits
