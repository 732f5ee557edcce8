/* SPDX-License-Identifier: MIT */
/*
 * smp.h: several processors: apic.c (how they reach each other), smp.c (finding and starting
 * them), call.c (what they ask of each other).
 */
#ifndef PC_SMP_H
#define PC_SMP_H

#include <quarry/config.h>
#include <quarry/types.h>

struct seq;

/* ---- apic.c ---------------------------------------------------------------------------- */

/** apic_map() - make the local APIC visible at FIX_APIC_BASE.  After fixmap_init(). */
void apic_map(void);
/** apic_enable() - this CPU's accepts interrupts; those of the 8259 too, on the CPU that booted. */
void apic_enable(void);
/** apic_calibrate() - how fast its timer counts, by the 8254; takes some 50 ms.  False: it does not count. */
bool apic_calibrate(void);
/** apic_start_timer() - VECTOR_TIMER on this CPU, in 1/HZ s. */
void apic_start_timer(void);
/** apic_send() - an interrupt to the processor whose APIC is @id: a vector, or one of these. */
void apic_send(u8 id, u32 command);
#define APIC_NMI 0x400u
#define APIC_INIT 0xc500u		/* level, asserted */
#define APIC_INIT_END 0x8500u
#define APIC_STARTUP 0x600u		/* | number of the page to start in */
/** apic_end() - the interrupt has been served. */
void apic_end(void);

/* ---- smp.c ------------------------------------------------------------------------------- */

/* What a CPU has done; its own cache lines, for it writes them in interrupts. */
struct cpu_state {
	bool online;			/* it runs the kernel; never again false */
	bool stopped;			/* for good: machine_stop_others() */
	unsigned long ticks;		/* of its timer */
	unsigned long kicks, calls, flushes;	/* interrupts from others, and what they wanted */
} __attribute__((aligned(L1_CACHE_BYTES)));
extern struct cpu_state cpu_states[NR_CPUS];
extern unsigned nr_online;

static inline bool cpu_is_online(unsigned cpu)
{
	return __atomic_load_n(&cpu_states[cpu].online, __ATOMIC_ACQUIRE);
}

#define for_each_other_cpu(cpu, self)						\
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)					\
		if (cpu != (self) && cpu_is_online(cpu))

/** smp_find() - which processors there are; lowers nr_cpu_ids.  While early_map() works, memblock filled. */
void smp_find(void);
/** smp_apic_id() - of CPU @cpu, which is below nr_cpu_ids. */
u8 smp_apic_id(unsigned cpu);
/** smp_describe() - "4 processors (MADT)". */
void smp_describe(struct seq *s);
/** smp_send() - apic_send() to CPU @cpu. */
void smp_send(unsigned cpu, u32 command);
/** smp_tick() - what a timer is for.  Return: true when the running thread's time is over. */
bool smp_tick(void);
/** smp_ticks_by_apic() - has each CPU a timer of its own?  Else the 8254 is it. */
bool smp_ticks_by_apic(void);
/** smp_interrupt() - VECTOR_TIMER ...  Return: true when the running thread's time may be over. */
bool smp_interrupt(unsigned long vector);
/** smp_nmi() - was this NMI another CPU's last word to us?  Then it does not return. */
void smp_nmi(void);

/* ---- the kind's own: startup.c ------------------------------------------------------------- */

/**
 * startup_tables() - page tables on which a processor switches paging on
 * @page: physical address of the page in which it starts
 * That page is where it is, and the kernel's image where it belongs.  Return: the root's
 * physical address, below 4 GiB; 0: no memory.  Undo: startup_tables_free().
 */
u32 startup_tables(phys_addr_t page);
void startup_tables_free(void);
/** startup_entry() - where it goes then, in segment KERNEL_CS; that takes startup_stack and calls startup_main(). */
u32 startup_entry(void);
/** startup_main() - its first C, on its own stack, interrupts off. */
void startup_main(unsigned cpu) __attribute__((noreturn));

/* ---- call.c -------------------------------------------------------------------------------- */

/** call_serve() - call what other CPUs have asked of this one.  Interrupts off. */
void call_serve(void);

#endif
