/* SPDX-License-Identifier: MIT */
/* crt64.S: where a program of 64 bits begins: argc, then the address of argv, are on the stack. */
	.text
	.globl _start
_start:
	xorl %ebp, %ebp		/* the outermost frame */
	popq %rdi		/* argc */
	popq %rsi		/* argv; the stack is aligned to 16 again */
	call main
	movl %eax, %edi
	call exit
	.section .note.GNU-stack, "", @progbits
