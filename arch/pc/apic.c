/* SPDX-License-Identifier: MIT */
/*
 * apic.c: this CPU's local APIC, seen through a fixed address (row F4).
 */
#include "pc.h"
#include <quarry/highmem.h>

#define APIC_DEFAULT_BASE 0xfee00000u
#define MSR_APIC_BASE 0x1b
#define APIC_ID 0x20
#define APIC_VERSION 0x30

static u32 apic_read(u32 reg)
{
	return *(volatile u32 *)(fix_to_virt(FIX_APIC_BASE) + reg);
}

static bool apic_mapped;

void apic_map(void)
{
	u64 base = APIC_DEFAULT_BASE;

	if (!cpu_has(X86_APIC))
		return;
	if (cpu_has(X86_MSR))
		base = rdmsr(MSR_APIC_BASE) & 0xffffff000ull;
	if (base >= PHYS_LIMIT)
		return;		/* out of this page table's reach */
	set_fixmap_nocache(FIX_APIC_BASE, base);
	apic_mapped = true;
}

bool machine_read_apic(u32 *id, u32 *version)
{
	if (!apic_mapped)
		return false;
	*id = apic_read(APIC_ID) >> 24;
	*version = apic_read(APIC_VERSION) & 0xff;
	return true;
}
