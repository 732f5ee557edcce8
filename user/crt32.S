/* SPDX-License-Identifier: MIT */
/* crt32.S: where a program of 32 bits begins: argc, then the address of argv, are on the stack. */
	.text
	.globl _start
_start:
	xorl %ebp, %ebp		/* the outermost frame */
	popl %eax		/* argc */
	popl %edx		/* argv */
	subl $8, %esp		/* the stack is aligned to 16 where a call is made */
	pushl %edx
	pushl %eax
	call main
	pushl %eax
	call exit
	.section .note.GNU-stack, "", @progbits
