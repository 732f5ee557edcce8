/* SPDX-License-Identifier: MIT */
/*
 * trampoline.S: the first instructions of every processor but the one that booted.
 *
 * A start-up interrupt names a page below 1 MiB, and the processor begins at its first
 * byte in real mode, cs = page address / 16.  smp.c copies this code there, and behind it
 * the values that the booting processor has in its control registers (trampoline.h).
 * Real mode, protected mode, then all at once what the kernel's tables need: CR4 (large
 * pages, PAE, five levels), EFER (NX, long mode), CR3, CR0.  From there a far jump to
 * startup_entry().  Nothing here depends on where it lies: ebx holds the page's address.
 */
#include "segment.h"
#include "trampoline.h"

#define MSR_EFER 0xc0000080

	.section .rodata
	.balign 16
	.globl trampoline, trampoline_protected, trampoline_end
	.code16
trampoline:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	movzwl	%ax, %ebx
	shll	$4, %ebx
	lgdtl	STARTUP_GDT_REGISTER
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	*STARTUP_PROTECTED

	.code32
trampoline_protected:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	STARTUP_CR4(%ebx), %eax
	movl	%eax, %cr4
	movl	STARTUP_EFER(%ebx), %eax
	testl	%eax, %eax
	jz	1f
	movl	$MSR_EFER, %ecx
	xorl	%edx, %edx
	wrmsr
1:	movl	STARTUP_CR3(%ebx), %eax
	movl	%eax, %cr3
	movl	STARTUP_CR0(%ebx), %eax
	movl	%eax, %cr0
	ljmpl	*STARTUP_ENTRY(%ebx)
trampoline_end:

	.section .note.GNU-stack, "", @progbits
