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

u32 cpu_features[CPU_WORDS];
static u32 signature, phys_bits = 32;
static u8 apic_id;
static char vendor[13] = "no CPUID", brand[49];

static const struct { enum cpu_feature feature; const char *name, *off; } feature_names[] = {
	{ X86_FPU, "fpu", "nofpu" }, { X86_PSE, "pse", "nopse" }, { X86_TSC, "tsc", "notsc" },
	{ X86_MSR, "msr", "nomsr" }, { X86_PAE, "pae", "nopae" }, { X86_APIC, "apic", "noapic" },
	{ X86_PGE, "pge", "nopge" }, { X86_NX, "nx", "nonx" }, { X86_GBPAGES, "pdpe1gb", "nogbpages" },
	{ X86_LM, "lm", "nolm" }, { X86_LA57, "la57", "nola57" },
};

static void cpuid(u32 leaf, u32 r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

/* A CPU has the instruction if it lets bit 21 of EFLAGS change. */
static bool have_cpuid(void)
{
	unsigned long before, after;

	__asm__ volatile(
		"pushf; pushf; pop %0; mov %0, %1; xor $0x200000, %1\n\t"
		"push %1; popf; pushf; pop %1; popf"
		: "=&r"(before), "=&r"(after) : : "cc");
	return (before ^ after) & 0x200000;
}

static void read_brand(void)
{
	for (u32 i = 0, r[4]; i < 3; i++) {
		cpuid(0x80000002 + i, r);
		memcpy(brand + 16 * i, r, 16);
	}
}

static void read_basic(void)
{
	u32 r[4], last;

	cpuid(0, r);
	last = r[0];
	memcpy(vendor, &r[1], 4);
	memcpy(vendor + 4, &r[3], 4);
	memcpy(vendor + 8, &r[2], 4);
	if (last >= 1) {
		cpuid(1, r);
		signature = r[0];
		apic_id = (u8)(r[1] >> 24);
		cpu_features[0] = r[3];
		phys_bits = r[3] >> X86_PAE & 1 ? 36 : 32;	/* unless leaf 0x80000008 knows better */
	}
	if (last >= 7) {
		cpuid(7, r);
		cpu_features[2] = r[2];
	}
}

static void read_extended(void)
{
	u32 r[4], last;

	cpuid(0x80000000, r);
	last = r[0] >> 31 ? r[0] : 0;
	if (last >= 0x80000001) {
		cpuid(0x80000001, r);
		cpu_features[1] = r[3];
	}
	if (last >= 0x80000004)
		read_brand();
	if (last >= 0x80000008) {
		cpuid(0x80000008, r);
		phys_bits = r[0] & 0xff;
	}
}

void cpu_detect(void)
{
	if (!have_cpuid() || cmdline_has("nocpuid"))
		return;
	read_basic();
	read_extended();
	for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
		if (cmdline_has(feature_names[i].off))
			cpu_features[feature_names[i].feature / 32] &= ~(1u << feature_names[i].feature % 32);
	}
}

u8 cpu_apic_id(void)
{
	return apic_id;
}

phys_addr_t cpu_phys_limit(void)
{
	phys_addr_t cpu = (phys_addr_t)1 << (phys_bits < 52 ? phys_bits : 52);

	return min(PHYS_LIMIT, cpu);
}

bool machine_has_feature(const char *name)
{
	if (strcmp(name, "ring3") == 0)
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
		if (strcmp(name, feature_names[i].name) == 0)
			return cpu_has(feature_names[i].feature);
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
		if (cpu_has(feature_names[i].feature))
			seq_printf(s, " %s", feature_names[i].name);
	}
	seq_puts(s, "\n");
	if (machine_read_apic(&id, &version))
		seq_printf(s, "  local APIC %u, version 0x%02x, seen at 0x%08lx\n", id, version,
			   fix_to_virt(FIX_APIC_BASE));
	paging_describe(s);
}
