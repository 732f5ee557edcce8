/* SPDX-License-Identifier: MIT */
/*
 * trampoline.h: what trampoline.S finds behind itself, in the page where processors start.
 * Also read by the assembler.
 */
#ifndef PC_TRAMPOLINE_H
#define PC_TRAMPOLINE_H

#define STARTUP_DATA 0x100		/* from the beginning of the page on */
#define STARTUP_GDT_REGISTER (STARTUP_DATA + 0x20)
#define STARTUP_PROTECTED (STARTUP_DATA + 0x28)
#define STARTUP_ENTRY (STARTUP_DATA + 0x30)
#define STARTUP_CR0 (STARTUP_DATA + 0x38)
#define STARTUP_CR3 (STARTUP_DATA + 0x3c)
#define STARTUP_CR4 (STARTUP_DATA + 0x40)
#define STARTUP_EFER (STARTUP_DATA + 0x44)

#define STARTUP_CS 0x18			/* 32-bit code, whatever KERNEL_CS is */

#ifndef __ASSEMBLER__

struct far_pointer {
	u32 offset;
	u16 selector, unused;
};

struct startup_data {
	struct descriptor gdt[4];	/* nothing, KERNEL_CS, KERNEL_DS, STARTUP_CS */
	u16 gdt_limit;
	u32 gdt_base;
	u16 unused;
	struct far_pointer protected, entry;
	u32 cr0, cr3, cr4;
	u32 efer;			/* 0: this processor has none, or need not be told */
} __attribute__((packed));

#define STARTUP_OFFSET(field) (STARTUP_DATA + offsetof(struct startup_data, field))
_Static_assert(STARTUP_OFFSET(gdt_limit) == STARTUP_GDT_REGISTER && STARTUP_OFFSET(protected) == STARTUP_PROTECTED &&
	       STARTUP_OFFSET(entry) == STARTUP_ENTRY && STARTUP_OFFSET(cr0) == STARTUP_CR0 &&
	       STARTUP_OFFSET(cr3) == STARTUP_CR3 && STARTUP_OFFSET(cr4) == STARTUP_CR4 &&
	       STARTUP_OFFSET(efer) == STARTUP_EFER, "the assembler's offsets");

#endif
#endif
