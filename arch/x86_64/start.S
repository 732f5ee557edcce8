/* SPDX-License-Identifier: MIT */
/*
 * start.S: from the boot loader to C at KERNEL_BASE.
 *
 * A multiboot loader (QEMU -kernel, GRUB) leaves us in 32-bit protected mode,
 * paging off, the image at 1 MiB, eax = a magic number, ebx = physical address of
 * what it knows.  The way into long mode: page tables, CR4.PAE, EFER.LME, CR0.PG,
 * and a jump to a 64-bit code segment.
 *
 * The tables map the first 4 GiB in pages of 2 MiB (boot_pd, 2048 entries in a row),
 * and name them three times:
 *
 *	0		linear = physical: the next instruction after CR0.PG is still
 *			fetched from here
 *	PAGE_OFFSET	the direct map, until arch_paging_init() makes a better one
 *	KERNEL_BASE	(the first GiB) where we belong
 *
 *	boot_pml4	[0], [273] -> boot_pdpt -> boot_pd; [511] -> boot_pdpt_high -> boot_pd
 *	boot_pml5	[0], [273], [511] -> boot_pml4
 *
 * 273 is the index of PAGE_OFFSET at the top level of four and of five alike.  With
 * five, CR4.LA57 must be set while paging is off; so it is here that we look whether
 * the CPU has them, and whether the command line says nola57.
 */
#include <arch/layout.h>
#include "segment.h"

#define BOOT_STACK 16384
#define TABLE 0x63			/* present, writable, accessed, dirty */
#define LARGE 0xe3			/* the same, 2 MiB */
#define PHYS(x) ((x) - KERNEL_BASE)
#define DIRECT_INDEX 273

#define MB_MAGIC 0x1BADB002
#define MB_FLAGS 0x00000003		/* modules on page borders; tell us the memory map */
#define MB_CMDLINE 4			/* in the information's flags: its word at 16 is an address */

#define CR4_PAE 0x20
#define CR4_LA57 0x1000
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

	.section .multiboot, "a"
	.balign 4
	.long MB_MAGIC
	.long MB_FLAGS
	.long -(MB_MAGIC + MB_FLAGS)

	.section .boot, "ax"
	.code32
	.globl _start
	.type _start, @function
_start:
	cli
	cld
	movl	%eax, %ebp		/* ebp: the loader's magic; ebx: its information */
	movl	$PHYS(boot_stack_top), %esp

	pushfl				/* CPUID is there if bit 21 of EFLAGS changes */
	popl	%eax
	movl	%eax, %ecx
	xorl	$0x200000, %eax
	pushl	%eax
	popfl
	pushfl
	popl	%eax
	cmpl	%eax, %ecx
	je	no_long_mode
	movl	$0x80000000, %eax
	call	do_cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	call	do_cpuid
	btl	$29, %edx
	jnc	no_long_mode

	/* The first 4 GiB. */
	movl	$PHYS(boot_pd), %edi
	movl	$LARGE, %eax
	xorl	%edx, %edx
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	jnc	1b

	movl	$(PHYS(boot_pd) + TABLE), %eax
	movl	%eax, PHYS(boot_pdpt)
	movl	%eax, PHYS(boot_pdpt_high) + 510 * 8
	addl	$0x1000, %eax
	movl	%eax, PHYS(boot_pdpt) + 8
	addl	$0x1000, %eax
	movl	%eax, PHYS(boot_pdpt) + 16
	addl	$0x1000, %eax
	movl	%eax, PHYS(boot_pdpt) + 24
	movl	$PHYS(boot_pml4), %edi
	movl	$(PHYS(boot_pdpt) + TABLE), %eax
	movl	$(PHYS(boot_pdpt_high) + TABLE), %edx
	call	enter_top

	movl	$CR4_PAE, %esi
	call	want_five_levels
	jne	2f
	movl	$PHYS(boot_pml5), %edi
	movl	$(PHYS(boot_pml4) + TABLE), %eax
	movl	%eax, %edx
	call	enter_top
	orl	$CR4_LA57, %esi
2:	movl	%esi, %cr4
	movl	%edi, %cr3

	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80010000, %eax	/* PG, and WP: read-only binds the kernel too */
	movl	%eax, %cr0
	lgdt	boot_gdt_register
	ljmp	$KERNEL_CS, $long_mode

/* Enter the tables eax (from address 0, and the direct map) and edx (the top) in the table edi. */
enter_top:
	movl	%eax, (%edi)
	movl	%eax, (DIRECT_INDEX * 8)(%edi)
	movl	%edx, (511 * 8)(%edi)
	ret

/* CPUID, but ebx, our argument, stays: the leaf's ebx nobody here needs. */
do_cpuid:
	pushl	%ebx
	xorl	%ecx, %ecx
	cpuid
	popl	%ebx
	ret

/* Return: equal if the CPU has five levels and no word of the command line forbids them. */
want_five_levels:
	xorl	%eax, %eax
	call	do_cpuid
	cmpl	$7, %eax
	jb	4f
	movl	$7, %eax
	call	do_cpuid
	notl	%ecx
	testl	$(1 << 16), %ecx
	jne	4f
	testl	$MB_CMDLINE, (%ebx)
	je	4f
	movl	16(%ebx), %ecx
1:	cmpb	$0, (%ecx)
	je	4f
	cmpl	$0x616c6f6e, (%ecx)	/* "nola" */
	jne	2f
	cmpw	$0x3735, 4(%ecx)	/* "57" */
	je	3f
2:	incl	%ecx
	jmp	1b
3:	testl	%esp, %esp		/* not equal */
4:	ret

no_long_mode:
	movl	$no_long_mode_text, %esi
	jmp	boot_refuse

no_long_mode_text:
	.asciz "Quarry cannot start: this processor has no 64-bit mode; the build for i386 is for it.\r\n"

	.code64
	.type long_mode, @function
long_mode:
	movabsq	$high, %rax
	jmp	*%rax

	.balign 8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* KERNEL_CS: 64-bit */
	.quad	0x00cf93000000ffff	/* KERNEL_DS */
boot_gdt_register:
	.word	. - boot_gdt - 1
	.long	boot_gdt

	.text
	.type high, @function
high:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	movq	$boot_stack_top, %rsp
	movq	%cr3, %rax		/* the map of linear = physical goes */
	movq	$0, KERNEL_BASE(%rax)
	movq	%rax, %cr3

	movl	%ebp, %r12d
	movl	%ebx, %r13d
	xorl	%ebp, %ebp		/* the end of the chain of frames */
	call	layout_init
	xorl	%edi, %edi
	call	cpu_early_init		/* GDT, %gs */
	movl	%r12d, %edi
	movl	%r13d, %esi
	call	pc_start
	ud2

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl swapper_pg_dir, boot_pml4, boot_pml5, boot_stack, boot_stack_top
swapper_pg_dir:
	.skip	4096
boot_pml5:
	.skip	4096
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pdpt_high:
	.skip	4096
boot_pd:
	.skip	4 * 4096
boot_stack:
	.skip	BOOT_STACK
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
