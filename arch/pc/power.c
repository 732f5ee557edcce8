/* SPDX-License-Identifier: MIT */
/*
 * power.c: switching off.
 *
 * In QEMU the device isa-debug-exit ends the emulator at once and hands our status
 * to whoever started it: a write of s to its port makes QEMU exit with 2 s + 1.
 * QEMU itself fails with 1, so we add 16 to our status, and success is 33.
 * A real machine has nothing at that port; it is switched off by ACPI: sleep
 * state S5 is entered by writing SLP_TYP and SLP_EN to the power-management control
 * register.  Where that register is stands in the FADT; the value of SLP_TYP in the
 * package \_S5 of the DSDT, which is found by its name without interpreting the
 * rest (ACPI 6.5, sections 4.8.3.2.1, 5.2.9, 20.2).  acpi.c finds the tables.
 */
#include "pc.h"
#include <quarry/string.h>

#define DEBUG_EXIT 0xf4
#define TOLD 16			/* what is added to a status */
#define SLP_EN (1u << 13)
#define SCI_EN 1u

static struct {
	bool known;
	u16 control_a, control_b;	/* ports */
	u16 type_a, type_b;		/* SLP_TYP for S5 */
	u16 command;			/* port that switches the machine to ACPI mode, or 0 */
	u8 enable;			/* what to write there */
} s5;

struct acpi_fadt {
	struct acpi_header header;
	u32 facs, dsdt;
	u8 skip1[4];
	u32 smi_cmd;
	u8 acpi_enable, acpi_disable, skip2[2];
	u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt;
} __attribute__((packed));
_Static_assert(offsetof(struct acpi_fadt, smi_cmd) == 48 && offsetof(struct acpi_fadt, pm1a_cnt) == 64,
	       "ACPI 6.5, table 5.9");

/* AML: a byte prefix and the byte, or the one-byte constants 0 and 1. */
static const u8 *aml_byte(const u8 *p, u16 *value)
{
	if (*p == 0x0a)
		p++;
	*value = *p++ & 7;
	return p;
}

/* Name(_S5, Package() { type_a, type_b, ... }) as bytes: "_S5_" 0x12 length count element ... */
static bool find_s5(const struct acpi_header *dsdt)
{
	const u8 *p = (const u8 *)(dsdt + 1), *end = (const u8 *)dsdt + dsdt->length - 16;

	for (; p < end; p++) {
		if (memcmp(p, "_S5_", 4) != 0 || p[4] != 0x12)
			continue;
		p += 5;
		p += 1 + (*p >> 6);	/* the length's first byte says how many follow */
		p = aml_byte(p + 1, &s5.type_a);
		aml_byte(p, &s5.type_b);
		return true;
	}
	return false;
}

void power_init(void)
{
	const struct acpi_header *table = acpi_table("FACP"), *dsdt;
	struct acpi_fadt fadt;

	if (!table || table->length < sizeof(fadt))
		return;
	memcpy(&fadt, table, sizeof(fadt));
	dsdt = acpi_table_at(fadt.dsdt, "DSDT");
	s5.known = dsdt && fadt.pm1a_cnt && find_s5(dsdt);
	s5.control_a = (u16)fadt.pm1a_cnt;
	s5.control_b = (u16)fadt.pm1b_cnt;
	s5.command = (u16)fadt.smi_cmd;
	s5.enable = fadt.acpi_enable;
}

static void acpi_off(void)
{
	if (!(inw(s5.control_a) & SCI_EN) && s5.command && s5.enable) {
		outb(s5.command, s5.enable);
		for (unsigned i = 0; i < 1000000 && !(inw(s5.control_a) & SCI_EN); i++)
			cpu_relax();
	}
	outw(s5.control_a, (u16)(s5.type_a << 10 | SLP_EN));
	if (s5.control_b)
		outw(s5.control_b, (u16)(s5.type_b << 10 | SLP_EN));
}

static void __attribute__((noreturn)) stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void machine_poweroff(int status)
{
	arch_irq_disable();
	outb(DEBUG_EXIT, (u8)(TOLD + status));
	if (s5.known) {
		acpi_off();
	} else {		/* emulators without tables: QEMU, Bochs, VirtualBox */
		outw(0x604, SLP_EN);
		outw(0xb004, SLP_EN);
		outw(0x4004, 0x3400);
	}
	mm_log("It is now safe to switch off.\n");
	stop();
}

void machine_halt(int status)
{
	arch_irq_disable();
	outb(DEBUG_EXIT, (u8)(TOLD + status));
	mm_log("Halted.\n");
	stop();
}
