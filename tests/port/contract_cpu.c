/* SPDX-License-Identifier: MIT */
/*
 * contract_cpu.c: this processor, <arch/cpu.h>: interrupts, preemption, claims, whole
 * pages, and the lock that is built on them.
 */
#include <quarry/claim.h>
#include <quarry/spinlock.h>
#include <quarry/string.h>

#include "contract.h"

/* ---- interrupts and preemption ------------------------------------------------------- */

SELFTEST(port, interrupts_nest)
{
	bool before = arch_irqs_disabled(), in[3];
	unsigned long outer = arch_irq_save(), inner;

	in[0] = arch_irqs_disabled();
	inner = arch_irq_save();
	in[1] = arch_irqs_disabled();
	arch_irq_restore(inner);
	in[2] = arch_irqs_disabled();
	arch_irq_restore(outer);
	CHECK(!before && in[0] && in[1] && in[2]);
	CHECK(!arch_irqs_disabled());
}

SELFTEST(port, preemption_nests)
{
	int count[4] = { preempt_count() };
	bool can[3];

	preempt_disable();
	count[1] = preempt_count();
	preempt_disable();
	count[2] = preempt_count();
	can[0] = port_can_sleep() || in_interrupt();
	preempt_enable();
	can[1] = port_can_sleep() || in_interrupt();
	preempt_enable();
	count[3] = preempt_count();
	can[2] = port_can_sleep() && !in_interrupt();
	CHECK_EQ(count[0], 0);
	CHECK_EQ(count[1], 1);
	CHECK_EQ(count[2], 2);
	CHECK_EQ(count[3], 0);
	CHECK(!can[0] && !can[1] && can[2]);
}

/* Part of the count, see percpu.h: a claimed CPU is no interrupt, but may not sleep or be switched. */
SELFTEST(port, a_claim_is_part_of_the_count)
{
	bool free, claimed, nested[2], again, can, in;
	int count[3];

	free = cpu_try_claim();
	claimed = cpu_claimed();
	count[0] = preempt_count();
	can = port_can_sleep();
	in = in_interrupt();
	preempt_disable();
	nested[0] = cpu_try_claim();
	nested[1] = cpu_claim_at_rest();
	preempt_enable();
	count[1] = preempt_count();
	cpu_release();
	again = !cpu_claimed();
	count[2] = preempt_count();
	CHECK(free && claimed && again && !nested[0] && !nested[1] && !can && !in);
	CHECK_EQ(count[0], CPU_CLAIMED);
	CHECK_EQ(count[1], CPU_CLAIMED);
	CHECK_EQ(count[2], 0);
}

SELFTEST(port, a_claim_at_rest_is_for_a_count_of_0)
{
	bool first, second;
	int count[2];

	preempt_disable();
	first = cpu_claim_at_rest();
	count[0] = preempt_count();
	preempt_enable();
	second = cpu_claim_at_rest();
	count[1] = preempt_count();
	if (second)
		cpu_release();
	CHECK(!first && second);
	CHECK_EQ(count[0], 1);
	CHECK_EQ(count[1], CPU_CLAIMED);
	CHECK_EQ(preempt_count(), 0);
}

SELFTEST(port, slots_of_cpus_lie_apart)
{
	CHECK_EQ(cpu_slot(), smp_processor_id() * (unsigned long)CPU_SLOT);
}

static void look_at_claim(void *arg)
{
	*(bool *)arg = in_interrupt() && cpu_claimed();
}

SELFTEST(port, an_interrupt_sees_the_claim_of_whom_it_interrupted)
{
	bool seen = false, claimed = cpu_try_claim();

	machine_run_in_interrupt(look_at_claim, &seen);
	if (claimed)
		cpu_release();
	CHECK(claimed && seen);
	machine_run_in_interrupt(look_at_claim, &seen);
	CHECK(!seen);
}

static struct {
	unsigned ran;
	bool in, off, can_sleep, still_in;
	unsigned cpu;
} irq;

static void inner_handler(void *arg)
{
	(void)arg;
	irq.ran++;
	irq.in &= in_interrupt();
}

static void handler(void *arg)
{
	CHECK_EQ((unsigned long)arg, 1234);
	irq.ran++;
	irq.in = in_interrupt();
	irq.off = arch_irqs_disabled();
	irq.can_sleep = port_can_sleep();
	irq.cpu = smp_processor_id();
	machine_run_in_interrupt(inner_handler, NULL);
	irq.still_in = in_interrupt();
}

SELFTEST(port, an_interrupt_knows_that_it_is_one)
{
	int count = preempt_count();

	irq.ran = 0;
	preempt_disable();
	machine_run_in_interrupt(handler, (void *)1234);
	CHECK_EQ(preempt_count(), count + 1);
	CHECK_EQ(irq.cpu, smp_processor_id());
	preempt_enable();
	CHECK_EQ(irq.ran, 2);
	CHECK(irq.in && irq.off && !irq.can_sleep && irq.still_in);
	CHECK(!in_interrupt() && !arch_irqs_disabled());
	CHECK(irq.cpu < NR_CPUS);
}

/* ---- whole pages ---------------------------------------------------------------------- */

static bool filled(const u8 *p, u8 with)
{
	for (unsigned long i = 0; i < PAGE_SIZE; i++)
		if (p[i] != with)
			return false;
	return true;
}

SELFTEST(port, whole_pages_are_cleared_and_copied_and_no_byte_more)
{
	u8 *p = (u8 *)__get_free_pages(GFP_KERNEL, 2);
	bool cleared, around, copied;

	CHECK(p);
	memset(p, 0x5a, 4 * PAGE_SIZE);
	clear_page(p + PAGE_SIZE);
	cleared = filled(p + PAGE_SIZE, 0);
	around = filled(p, 0x5a) && filled(p + 2 * PAGE_SIZE, 0x5a);
	memset(p, 0xc3, PAGE_SIZE);
	p[0] = 1;
	p[PAGE_SIZE - 1] = 2;
	copy_page(p + 2 * PAGE_SIZE, p);
	copied = memcmp(p, p + 2 * PAGE_SIZE, PAGE_SIZE) == 0;
	around &= filled(p + PAGE_SIZE, 0) && filled(p + 3 * PAGE_SIZE, 0x5a);
	free_pages((unsigned long)p, 2);
	CHECK(cleared && around && copied);
}

/* ---- the lock ------------------------------------------------------------------------- */

/* More often than a ticket has numbers. */
SELFTEST(port, a_lock_is_held_until_it_is_released)
{
	spinlock_t lock = SPINLOCK_INIT, other = SPINLOCK_INIT;
	unsigned long flags, nested, wrong = 0;

	for (unsigned i = 0; i < 70000; i++) {
		flags = spin_lock_irqsave(&lock);
		wrong += !spin_is_locked(&lock) || spin_is_locked(&other) || !arch_irqs_disabled();
		nested = spin_lock_irqsave(&other);
		wrong += !spin_is_locked(&other);
		spin_unlock_irqrestore(&other, nested);
		wrong += !arch_irqs_disabled();
		spin_unlock_irqrestore(&lock, flags);
		wrong += spin_is_locked(&lock) || arch_irqs_disabled();
	}
	CHECK_EQ(wrong, 0);
}
