/* SPDX-License-Identifier: MIT */
/*
 * tables.S: the first page tables with PAE, for start.S.
 *
 * swapper_pg_dir is the four pointers, one for each GiB.  The kernel's directories
 * (one, for the split of 3 GiB) are kernel_level2; its first four entries name pg0 ...
 * pg3, which map the first 8 MiB.  That directory stands in swapper_pg_dir twice:
 *
 *	pointer 0		linear = physical, until start.S has jumped up
 *	pointer 3		linear = physical + PAGE_OFFSET (3 = PAGE_OFFSET >> 30)
 *
 * A processor without PAE is told so here, for it cannot run what follows.
 */
#include <arch/layout.h>

#define ENTRY_FLAGS 0x63	/* present, writable, accessed, dirty */
#define POINTER_FLAGS 0x01	/* present: all else is reserved */
#define CR4_PAE 0x20
#define CPUID_PAE 0x40		/* leaf 1, edx */
#define EFLAGS_ID 0x200000	/* can be changed: there is CPUID */
#define KERNEL_POINTER ((PAGE_OFFSET >> 30) * 8)
#define KERNEL_DIRECTORIES (4 - (PAGE_OFFSET >> 30))

	.section .boot, "ax"
	.globl first_tables
	.type first_tables, @function
first_tables:			/* paging is off; ebx and ebp stay */
	pushfl
	popl	%eax
	movl	%eax, %ecx
	xorl	$EFLAGS_ID, %eax
	pushl	%eax
	popfl
	pushfl
	popl	%eax
	xorl	%ecx, %eax
	testl	$EFLAGS_ID, %eax
	jz	no_pae
	pushl	%ebx
	movl	$1, %eax
	cpuid
	popl	%ebx
	testl	$CPUID_PAE, %edx
	jz	no_pae

	/* pg0 ... pg3, 2048 entries in a row: frames 0 ... 2047. */
	movl	$(pg0 - PAGE_OFFSET), %edi
	movl	$ENTRY_FLAGS, %eax
	movl	$2048, %ecx
	call	entries
	movl	$(kernel_level2 - PAGE_OFFSET), %edi
	movl	$(pg0 - PAGE_OFFSET + ENTRY_FLAGS), %eax
	movl	$4, %ecx
	call	entries
	movl	$(swapper_pg_dir - PAGE_OFFSET), %edx
	leal	KERNEL_POINTER(%edx), %edi
	movl	$(kernel_level2 - PAGE_OFFSET + POINTER_FLAGS), %eax
	movl	%eax, (%edx)
	movl	$KERNEL_DIRECTORIES, %ecx
	call	entries

	movl	%cr4, %eax
	orl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	%edx, %cr3
	ret

/* ecx entries from edi on, for the pages from eax on. */
entries:
	movl	%eax, (%edi)
	movl	$0, 4(%edi)
	addl	$0x1000, %eax
	addl	$8, %edi
	loop	entries
	ret

no_pae:
	movl	$no_pae_text, %esi
	jmp	boot_refuse
no_pae_text:
	.asciz	"Quarry cannot start: this is the build for PAE (ARCH=i386-pae), and the processor has none; take ARCH=i386\n"

	.text
	.globl drop_low_tables
	.type drop_low_tables, @function
drop_low_tables:
	xorl	%eax, %eax
	movl	%eax, swapper_pg_dir
	movl	%cr3, %eax
	movl	%eax, %cr3
	ret

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl swapper_pg_dir, kernel_level2
swapper_pg_dir:
	.skip	4096
kernel_level2:
	.skip	KERNEL_DIRECTORIES * 4096
pg0:	.skip	4 * 4096

	.section .note.GNU-stack, "", @progbits
