/* SPDX-License-Identifier: MIT */
/*
 * refuse.S: the last word to somebody whose machine cannot run this build.
 *
 * boot_refuse: 32-bit code before paging, jumped to with esi = a string.  It goes to
 * the serial line and to the top of the screen, as far as there are such; then the
 * emulator is left with a failure (see power.c), or the processor halts.
 */
#define COM1 0x3f8
#define VGA_TEXT 0xb8000
#define LIGHT_GREY 0x07
#define DEBUG_EXIT 0xf4
#define FAILED 17		/* TOLD + 1 */

	.section .boot, "ax"
	.code32
	.globl boot_refuse
	.type boot_refuse, @function
boot_refuse:
	movl	$VGA_TEXT, %edi
1:	lodsb
	testb	%al, %al
	jz	3f
	movb	$LIGHT_GREY, %ah
	stosw
	movb	%al, %bl
	movl	$100000, %ecx		/* a bound, for a machine without a serial line */
	movw	$(COM1 + 5), %dx
2:	inb	%dx, %al
	testb	$0x20, %al
	loopz	2b
	movb	%bl, %al
	movw	$COM1, %dx
	outb	%al, %dx
	jmp	1b
3:	movb	$FAILED, %al
	outb	%al, $DEBUG_EXIT
4:	cli
	hlt
	jmp	4b

	.section .note.GNU-stack, "", @progbits
