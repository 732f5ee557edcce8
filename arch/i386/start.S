/* SPDX-License-Identifier: MIT */
/*
 * start.S: from the boot loader to C at PAGE_OFFSET.
 *
 * A multiboot loader (QEMU -kernel, GRUB) leaves us in 32-bit protected mode,
 * paging off, the image at 1 MiB, eax = a magic number, ebx = physical address of
 * what it knows.  We build two page tables for the first 8 MiB and enter them in
 * swapper_pg_dir twice:
 *
 *	entries 0, 1		linear = physical: the next instruction after CR0.PG
 *				is still fetched from here
 *	entries 768, 769	linear = physical + PAGE_OFFSET: where we belong
 *
 * then switch paging on, jump up, and take the first pair away again (row E4).
 */
#include <arch/layout.h>

#define BOOT_STACK 16384
#define ENTRY_FLAGS 0x63	/* present, writable, accessed, dirty */

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

	/* pg0 and pg1, 2048 entries in a row: frames 0 ... 2047. */
	movl	$(pg0 - PAGE_OFFSET), %edi
	movl	$ENTRY_FLAGS, %eax
	movl	$2048, %ecx
1:	stosl
	addl	$0x1000, %eax
	loop	1b

	movl	$(swapper_pg_dir - PAGE_OFFSET), %edi
	movl	$(pg0 - PAGE_OFFSET + ENTRY_FLAGS), %eax
	movl	%eax, (%edi)
	movl	%eax, (768 * 4)(%edi)
	addl	$0x1000, %eax
	movl	%eax, 4(%edi)
	movl	%eax, (769 * 4)(%edi)

	movl	%edi, %cr3
	movl	%cr0, %eax
	orl	$0x80010000, %eax	/* PG, and WP: read-only binds the kernel too */
	movl	%eax, %cr0
	movl	$high, %eax
	jmp	*%eax

	.text
	.type high, @function
high:
	xorl	%eax, %eax
	movl	%eax, swapper_pg_dir
	movl	%eax, swapper_pg_dir + 4
	movl	%cr3, %eax
	movl	%eax, %cr3

	movl	$boot_stack_top, %esp
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
	.globl swapper_pg_dir, pg0, boot_stack, boot_stack_top, double_fault_stack_top
swapper_pg_dir:
	.skip	4096
pg0:	.skip	2 * 4096		/* and pg1 */
boot_stack:
	.skip	BOOT_STACK
boot_stack_top:
	.skip	4096
double_fault_stack_top:

	.section .note.GNU-stack, "", @progbits
