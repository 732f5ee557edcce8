/* SPDX-License-Identifier: MIT */
/*
 * selftest.c: what is true of a PC's processors; the rows are those of tests/selftest.
 */
#include "pc.h"

#include <quarry/highmem.h>
#include <quarry/string.h>

#include "tests/selftest/util.h"

/* What each CPU says of itself. */
static struct {
	bool there;
	u32 apic;
	unsigned long cr0, cr3, cr4, gdt, tss, local;
	u64 efer;
} said[NR_CPUS];

static void say(void *arg)
{
	unsigned cpu = smp_processor_id();
	struct table_register gdt;
	u32 version;
	u16 tss;

	(void)arg;
	__asm__ volatile("sgdt %0; str %1" : "=m"(gdt), "=r"(tss));
	said[cpu].there = machine_read_apic(&said[cpu].apic, &version);
	said[cpu].cr0 = read_cr0();
	said[cpu].cr3 = (unsigned long)arch_pt_root();
	said[cpu].cr4 = read_cr4();
	said[cpu].efer = cpu_has(X86_NX) ? rdmsr(MSR_EFER) : 0;
	said[cpu].gdt = gdt.base;
	said[cpu].tss = tss;
	said[cpu].local = (unsigned long)cpu_local_read(self);
}

static void ask_all(void)
{
	memset(said, 0, sizeof(said));
	preempt_disable();
	say(NULL);
	port_call_others(say, NULL);
	preempt_enable();
}

/* One fixed address, and each sees another device there. */
SELFTEST(F4, each_processor_sees_its_own_apic)
{
	unsigned n = machine_nr_cpus();

	if (n == 1)
		SKIP("one processor");
	ask_all();
	for (unsigned i = 0; i < n; i++) {
		CHECK(said[i].there);
		for (unsigned j = 0; j < i; j++)
			CHECK(said[i].apic != said[j].apic);
	}
}

SELFTEST(E1, each_processor_has_its_own_descriptors)
{
	unsigned n = machine_nr_cpus();

	ask_all();
	for (unsigned i = 0; i < n; i++) {
		CHECK_EQ(said[i].local, (unsigned long)&cpu_locals[i]);
		CHECK_EQ(said[i].tss, CPU_TSS);
		for (unsigned j = 0; j < i; j++)
			CHECK(said[i].gdt != said[j].gdt);
	}
}

/* Large and global pages, NX, write protection: a page means the same wherever a thread runs. */
SELFTEST(E5, all_processors_have_paging_alike)
{
	unsigned n = machine_nr_cpus();

	ask_all();
	for (unsigned i = 1; i < n; i++) {
		CHECK_EQ(said[i].cr0, said[0].cr0);
		CHECK_EQ(said[i].cr4, said[0].cr4);
		CHECK_EQ((u32)said[i].efer, (u32)said[0].efer);
	}
}

#define PATIENCE_MS 20000	/* a hang detector */

/* Has each CPU's counter, at @offset in its state, grown since? */
static bool all_grew(const unsigned long *before, size_t offset, unsigned from)
{
	for (unsigned i = from; i < machine_nr_cpus(); i++)
		if (READ_ONCE(*(unsigned long *)((char *)&cpu_states[i] + offset)) == before[i])
			return false;
	return true;
}

static bool wait_until_all_grew(const unsigned long *before, size_t offset, unsigned from)
{
	for (unsigned ms = 0; ms < PATIENCE_MS && !all_grew(before, offset, from); ms += 10)
		thread_sleep_ms(10);
	return all_grew(before, offset, from);
}

SELFTEST(E7, the_timer_of_each_processor_ticks)
{
	unsigned long before[NR_CPUS];

	for (unsigned i = 0; i < NR_CPUS; i++)
		before[i] = READ_ONCE(cpu_states[i].ticks);
	CHECK(wait_until_all_grew(before, offsetof(struct cpu_state, ticks), 0));
}

SELFTEST(E7, a_processor_can_be_kicked)
{
	unsigned long before[NR_CPUS];

	preempt_disable();
	for (unsigned i = 0; i < NR_CPUS; i++)
		before[i] = READ_ONCE(cpu_states[i].kicks);
	before[smp_processor_id()]--;	/* we do not kick ourselves */
	for (unsigned i = 0; i < machine_nr_cpus(); i++)
		machine_kick_cpu(i);
	preempt_enable();
	CHECK(wait_until_all_grew(before, offsetof(struct cpu_state, kicks), 0));
}
