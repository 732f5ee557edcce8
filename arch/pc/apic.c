/* SPDX-License-Identifier: MIT */
/*
 * apic.c: the local APIC, seen through a fixed address (row F4).
 *
 * Every processor has one, all at the same physical address: each sees its own.  Through
 * it a processor interrupts others, and is interrupted by its own timer.  (Intel's manual,
 * volume 3, chapter 11.)
 *
 * Devices still speak to the 8259s.  Those are wired to the booting processor's APIC,
 * input LINT0, which passes them on as they are (ExtINT, "virtual wire"): they end at the
 * 8259, all that comes from an APIC ends here.  With one processor nothing is changed from
 * how the firmware left it.
 *
 * Vectors.  The upper four bits are the priority, and older APICs keep no more than two
 * interrupts waiting in a class; so each of ours has a class of its own.
 */
#include "pc.h"
#include <quarry/highmem.h>

#define APIC_DEFAULT_BASE 0xfee00000u
#define MSR_APIC_BASE 0x1b

enum apic_register {
	APIC_ID = 0x20, APIC_VERSION = 0x30, APIC_TASK_PRIORITY = 0x80, APIC_END = 0xb0, APIC_SPURIOUS = 0xf0,
	APIC_COMMAND = 0x300, APIC_DESTINATION = 0x310,
	APIC_LVT_TIMER = 0x320, APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370,
	APIC_TIMER_START = 0x380, APIC_TIMER_NOW = 0x390, APIC_TIMER_DIVIDE = 0x3e0,
};
#define APIC_ON 0x100u		/* APIC_SPURIOUS */
#define SEND_PENDING 0x1000u	/* APIC_COMMAND */
#define LVT_MASKED 0x10000u
#define LVT_PERIODIC 0x20000u
#define LVT_EXTINT 0x700u
#define LVT_NMI 0x400u
#define DIVIDE_BY_16 3u

static u32 apic_read(enum apic_register reg)
{
	return *(volatile u32 *)(fix_to_virt(FIX_APIC_BASE) + reg);
}

static void apic_write(enum apic_register reg, u32 v)
{
	*(volatile u32 *)(fix_to_virt(FIX_APIC_BASE) + reg) = v;
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

void apic_enable(void)
{
	bool booted = smp_processor_id() == 0;

	apic_write(APIC_TASK_PRIORITY, 0);
	apic_write(APIC_SPURIOUS, APIC_ON | VECTOR_SPURIOUS);
	apic_write(APIC_LVT_LINT0, booted ? LVT_EXTINT : LVT_EXTINT | LVT_MASKED);
	apic_write(APIC_LVT_LINT1, booted ? LVT_NMI : LVT_NMI | LVT_MASKED);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_LVT_ERROR, LVT_MASKED | VECTOR_SPURIOUS);
}

void apic_end(void)
{
	apic_write(APIC_END, 0);
}

/* The command is two writes; an interrupt between them could send one of its own. */
void apic_send(u8 id, u32 command)
{
	unsigned long flags = arch_irq_save();

	while (apic_read(APIC_COMMAND) & SEND_PENDING)
		cpu_relax();
	apic_write(APIC_DESTINATION, (u32)id << 24);
	apic_write(APIC_COMMAND, command);
	arch_irq_restore(flags);
}

/* ---- the timer ------------------------------------------------------------------------------ */

static u32 period;		/* counts in 1/HZ s */

/* Counts while the 8254, which runs HZ times a second, goes round once. */
static u32 count_one_period(void)
{
	timer_wait_period();
	apic_write(APIC_TIMER_START, ~0u);
	timer_wait_period();
	return ~0u - apic_read(APIC_TIMER_NOW);
}

/* The middle one of three, for an emulator may be held up in the middle of one. */
bool apic_calibrate(void)
{
	u32 a, b, c, low, high;

	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
	a = count_one_period();
	b = count_one_period();
	c = count_one_period();
	apic_write(APIC_TIMER_START, 0);
	low = min(a, b);
	high = max(a, b);
	high = min(high, c);
	period = max(low, high);
	return period > HZ;
}

void apic_start_timer(void)
{
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | VECTOR_TIMER);
	apic_write(APIC_TIMER_START, period);
}
