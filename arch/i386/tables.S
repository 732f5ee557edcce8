/* SPDX-License-Identifier: MIT */
/*
 * tables.S: the first page tables, for start.S.
 *
 * pg0 and pg1 map the first 8 MiB, and stand in swapper_pg_dir twice:
 *
 *	entries 0, 1		linear = physical: the next instruction after CR0.PG
 *				is still fetched from here
 *	entries 768, 769	linear = physical + PAGE_OFFSET: where we belong
 *				(768 = PAGE_OFFSET >> 22; other splits have others)
 *
 * Then paging is switched on, start.S jumps up, and the first pair goes (row E4).
 */
#include <arch/layout.h>

#define ENTRY_FLAGS 0x63	/* present, writable, accessed, dirty */
#define KERNEL_ENTRY ((PAGE_OFFSET >> 22) * 4)

	.section .boot, "ax"
	.globl first_tables
	.type first_tables, @function
first_tables:			/* paging is off; ebx and ebp stay */
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
	movl	%eax, KERNEL_ENTRY(%edi)
	addl	$0x1000, %eax
	movl	%eax, 4(%edi)
	movl	%eax, (KERNEL_ENTRY + 4)(%edi)
	movl	%edi, %cr3
	ret

	.text
	.globl drop_low_tables
	.type drop_low_tables, @function
drop_low_tables:
	xorl	%eax, %eax
	movl	%eax, swapper_pg_dir
	movl	%eax, swapper_pg_dir + 4
	movl	%cr3, %eax
	movl	%eax, %cr3
	ret

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl swapper_pg_dir, kernel_level2
swapper_pg_dir:
	.skip	4096
	.set	kernel_level2, swapper_pg_dir + KERNEL_ENTRY
pg0:	.skip	2 * 4096		/* and pg1 */

	.section .note.GNU-stack, "", @progbits
