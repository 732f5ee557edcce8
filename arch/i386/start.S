/* SPDX-License-Identifier: MIT */
/*
 * start.S: from the boot loader to C at PAGE_OFFSET.
 *
 * A multiboot loader (QEMU -kernel, GRUB) leaves us in 32-bit protected mode,
 * paging off, the image at 1 MiB, eax = a magic number, ebx = physical address of
 * what it knows.  tables.S builds page tables that map the first 8 MiB twice, where
 * they are and from PAGE_OFFSET on; we switch paging on, jump up, and take the first
 * mapping away again (row E4).
 */
#include <arch/layout.h>

#define BOOT_STACK 16384

#define MB_MAGIC 0x1BADB002
#define MB_FLAGS 0x00000003	/* modules on page borders; tell us the memory map */

	.section .multiboot, "a"
	.balign 4
	.long MB_MAGIC
	.long MB_FLAGS
	.long -(MB_MAGIC + MB_FLAGS)

	.section .boot, "ax"
	.globl _start
	.type _start, @function
_start:
	cli
	cld
	movl	%eax, %ebp		/* ebp: the loader's magic; ebx: its information */

	movl	$(boot_stack_top - PAGE_OFFSET), %esp
	call	first_tables		/* and CR3 */
	movl	%cr0, %eax
	orl	$0x80010000, %eax	/* PG, and WP: read-only binds the kernel too */
	movl	%eax, %cr0
	movl	$high, %eax
	jmp	*%eax

	.text
	.type high, @function
high:
	movl	$boot_stack_top, %esp
	call	drop_low_tables
	movl	%ebp, %esi
	xorl	%ebp, %ebp		/* the end of the chain of frames */
	xorl	%eax, %eax
	call	cpu_early_init		/* GDT, %fs */
	movl	%esi, %eax
	movl	%ebx, %edx
	call	pc_start
	ud2

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl boot_stack, boot_stack_top
boot_stack:
	.skip	BOOT_STACK
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
