/* SPDX-License-Identifier: MIT */
/*
 * timer.c: the interrupt controllers, the clock that ticks, the counter that counts.
 *
 * Two 8259s bring 16 device interrupts to vectors 32 to 47; all are masked until
 * somebody wants them.  Channel 0 of the 8254 divides 1193182 Hz by 11932 and
 * interrupts HZ = 100 times a second: time goes in steps of 10 ms, by `ticks`.  It ends
 * threads' turns, too, where there is one processor; of several each has its own (apic.c).
 *
 * machine_cycles() is the time-stamp counter.  A 486 has none: there it is
 * nanoseconds, from `ticks` and how far the 8254 has counted down since, at 838 ns
 * a step.  When the counter has begun anew but the interrupt still waits (they are off
 * here), the missing tick is added.
 */
#include "pc.h"

/* ---- 8259 ---------------------------------------------------------------------------- */

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_EOI 0x20
#define PIC_READ_REQUESTED 0x0a
#define PIC_READ_SERVED 0x0b
#define CASCADE 2

static u16 masked = 0xffff;

static void pic_mask(void)
{
	outb(PIC1 + 1, (u8)masked);
	outb(PIC2 + 1, (u8)(masked >> 8));
}

void pic_init(void)
{
	outb(PIC1, 0x11);		/* four words follow, cascaded */
	outb(PIC2, 0x11);
	outb(PIC1 + 1, VECTOR_IRQ0);
	outb(PIC2 + 1, VECTOR_IRQ0 + 8);
	outb(PIC1 + 1, 1 << CASCADE);
	outb(PIC2 + 1, CASCADE);
	outb(PIC1 + 1, 0x01);		/* 8086 mode */
	outb(PIC2 + 1, 0x01);
	masked = (u16)~(1u << CASCADE);
	pic_mask();
}

void pic_enable(unsigned irq)
{
	unsigned long flags = arch_irq_save();

	masked &= (u16)~(1u << irq);
	pic_mask();
	arch_irq_restore(flags);
}

static u8 pic_read(u16 pic, u8 what)
{
	outb(pic, what);
	return inb(pic);
}

/* Lines 7 and 15 are also what an 8259 says when the request went away again. */
bool pic_begin(unsigned irq)
{
	if (irq == 7)
		return pic_read(PIC1, PIC_READ_SERVED) & 0x80;
	if (irq == 15 && !(pic_read(PIC2, PIC_READ_SERVED) & 0x80)) {
		outb(PIC1, PIC_EOI);
		return false;
	}
	return true;
}

void pic_end(unsigned irq)
{
	if (irq >= 8)
		outb(PIC2, PIC_EOI);
	outb(PIC1, PIC_EOI);
}

/* ---- 8254 ------------------------------------------------------------------------------ */

#define PIT_HZ 1193182u
#define PIT_PERIOD ((PIT_HZ + HZ / 2) / HZ)
#define PIT_COUNTER0 0x40
#define PIT_COMMAND 0x43

/* Counted by the CPU that booted, read by all; on 32 bits it is two words, so reads are checked. */
static u64 ticks;
static u32 ticks_changes;	/* odd while one is under way */

void timer_init(void)
{
	outb(PIT_COMMAND, 0x34);	/* counter 0, low byte then high, mode 2 */
	outb(PIT_COUNTER0, PIT_PERIOD & 0xff);
	outb(PIT_COUNTER0, PIT_PERIOD >> 8);
	pic_enable(0);
}

void timer_tick(void)
{
	__atomic_store_n(&ticks_changes, ticks_changes + 1, __ATOMIC_RELEASE);
	barrier();
	ticks++;
	barrier();
	__atomic_store_n(&ticks_changes, ticks_changes + 1, __ATOMIC_RELEASE);
}

static u64 ticks_now(void)
{
	for (;;) {
		u32 before = READ_ONCE(ticks_changes);
		u64 now;

		barrier();
		now = ticks;
		barrier();
		if (before == READ_ONCE(ticks_changes) && !(before & 1))
			return now;
		cpu_relax();
	}
}

u64 machine_ms(void)
{
	return ticks_now() * (1000 / HZ);
}

static unsigned pit_elapsed(void)
{
	unsigned count;

	outb(PIT_COMMAND, 0x00);	/* latch counter 0 */
	count = inb(PIT_COUNTER0);
	count |= (unsigned)inb(PIT_COUNTER0) << 8;
	return count < PIT_PERIOD ? PIT_PERIOD - count : 0;
}

void timer_wait_period(void)
{
	unsigned before, now = pit_elapsed();

	do {
		before = now;
		now = pit_elapsed();
	} while (now >= before);
}

void timer_wait_us(unsigned us)
{
	unsigned steps = us * (PIT_HZ / 1000) / 1000 + 1, before = pit_elapsed(), waited = 0;

	while (waited < steps) {
		unsigned now = pit_elapsed();

		waited += (now + PIT_PERIOD - before) % PIT_PERIOD;
		before = now;
		cpu_relax();
	}
}

static u64 pit_nanoseconds(void)
{
	static spinlock_t lock = SPINLOCK_INIT;
	static u64 last;
	unsigned long flags = spin_lock_irqsave(&lock);
	unsigned elapsed = pit_elapsed();
	u64 steps = ticks_now() * PIT_PERIOD + elapsed;

	if (elapsed < PIT_PERIOD / 2 && (pic_read(PIC1, PIC_READ_REQUESTED) & 1))
		steps += PIT_PERIOD;
	last = max(last, steps * 838);
	steps = last;
	spin_unlock_irqrestore(&lock, flags);
	return steps;
}

u64 machine_cycles(void)
{
	u64 tsc;

	if (!cpu_has(X86_TSC))
		return pit_nanoseconds();
	__asm__ volatile("rdtsc" : "=A"(tsc));
	return tsc;
}

const char *machine_cycles_unit(void)
{
	if (!cpu_has(X86_TSC))
		return "ns";
	return cmdline_has("icount") ? "insn" : "tsc";
}
