/* SPDX-License-Identifier: MIT */
/*
 * features.c: what this processor can do, and what of it is used (row E5).
 *
 * CPUID tells, where there is CPUID at all; words on the command line (nopse, nopge,
 * nonx ...) switch a feature off as if the processor lacked it, so that one machine
 * shows what another would do.
 */
#include "pc.h"
#include <quarry/string.h>

u32 cpu_features;
static u32 signature;
static char vendor[13] = "no CPUID", brand[49];

static const struct { u32 bit; const char *name, *off; } feature_names[] = {
	{ X86_FPU, "fpu", "nofpu" }, { X86_PSE, "pse", "nopse" }, { X86_TSC, "tsc", "notsc" },
	{ X86_MSR, "msr", "nomsr" }, { X86_PAE, "pae", "nopae" }, { X86_APIC, "apic", "noapic" },
	{ X86_PGE, "pge", "nopge" },
};

static void cpuid(u32 leaf, u32 r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

/* A CPU has the instruction if it lets bit 21 of EFLAGS change. */
static bool have_cpuid(void)
{
	u32 before, after;

	__asm__ volatile(
		"pushfl; pushfl; popl %0; movl %0, %1; xorl $0x200000, %1\n\t"
		"pushl %1; popfl; pushfl; popl %1; popfl"
		: "=&r"(before), "=&r"(after) : : "cc");
	return (before ^ after) & 0x200000;
}

static void read_brand(void)
{
	u32 r[4];

	cpuid(0x80000000, r);
	if (r[0] < 0x80000004)
		return;
	for (u32 i = 0; i < 3; i++) {
		cpuid(0x80000002 + i, r);
		memcpy(brand + 16 * i, r, 16);
	}
}

void cpu_detect(void)
{
	u32 r[4];

	if (!have_cpuid() || cmdline_has("nocpuid"))
		return;
	cpuid(0, r);
	memcpy(vendor, &r[1], 4);
	memcpy(vendor + 4, &r[3], 4);
	memcpy(vendor + 8, &r[2], 4);
	if (r[0] >= 1) {
		cpuid(1, r);
		signature = r[0];
		cpu_features = r[3];
	}
	read_brand();
	for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
		if (cmdline_has(feature_names[i].off))
			cpu_features &= ~feature_names[i].bit;
	}
}

bool machine_has_feature(const char *name)
{
	if (strcmp(name, "ring3") == 0)
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
		if (strcmp(name, feature_names[i].name) == 0)
			return cpu_features & feature_names[i].bit;
	}
	return false;
}

void cpu_describe(struct seq *s)
{
	const char *text = brand;
	u32 id, version;

	while (*text == ' ')
		text++;
	seq_printf(s, "CPU%u: %s %s (family %u model %u)\n  features:", smp_processor_id(), vendor, text,
		   signature >> 8 & 15, signature >> 4 & 15);
	for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
		if (cpu_features & feature_names[i].bit)
			seq_printf(s, " %s", feature_names[i].name);
	}
	seq_puts(s, "\n");
	if (machine_read_apic(&id, &version))
		seq_printf(s, "  local APIC %u, version 0x%02x, seen at 0x%08lx\n", id, version,
			   fix_to_virt(FIX_APIC_BASE));
	paging_describe(s);
}
