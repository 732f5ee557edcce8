/* SPDX-License-Identifier: MIT */
/*
 * cpu.h: this processor, in a process.
 *
 * A CPU is a struct cpu_local that host threads pass from hand to hand: whoever
 * has it runs (arch/hosted/switch.c).  Interrupts are a flag in it.  What
 * arrives while they are off waits in `pending` until they are switched on.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <quarry/percpu.h>
#include <quarry/types.h>

struct cpu_local {
	unsigned cpu;		/* its number, 0 for the one that booted */
	int preempt_count;	/* > 0: may not be switched away; IRQ_ONE for each interrupt level; CPU_ARMED */
	unsigned kmap_top;	/* of its stack of mappings (highmem.h) */
	unsigned long irqs_on;
	unsigned pending;	/* bits of interrupts that wait (set by signal handlers too) */
	u64 pt_root;		/* CR3: physical address of the loaded directory */
	unsigned in_user;	/* it runs a program's code */
	unsigned idle;		/* it waits for an interrupt */
	unsigned attached;	/* held by a thread that is not the kernel's (threads.c) */
	unsigned long ticks, kicks, calls;	/* interrupts that it had */
	unsigned long host;	/* the host thread that holds it (its thread id there); 0: none */
} __cacheline_aligned;

extern struct cpu_local cpu_locals[NR_CPUS];
extern __thread struct cpu_local *hosted_cpu;	/* the CPU that this host thread holds */

#define cpu_local_read(field) READ_ONCE(hosted_cpu->field)
#define cpu_local_write(field, v) WRITE_ONCE(hosted_cpu->field, v)
#define cpu_local_add(field, n) (hosted_cpu->field += (n))

static inline unsigned smp_processor_id(void) { return cpu_local_read(cpu); }
static inline unsigned long cpu_slot(void) { return smp_processor_id() * (unsigned long)CPU_SLOT; }
static inline int preempt_word(void) { return cpu_local_read(preempt_count); }
static inline int preempt_count(void) { return preempt_word() & ~CPU_ARMED; }
static inline bool in_interrupt(void) { return preempt_word() >= IRQ_ONE; }
static inline void preempt_count_add(int n) { cpu_local_add(preempt_count, n); }
static inline void preempt_disable(void) { cpu_local_add(preempt_count, 1); barrier(); }
static inline void preempt_enable(void) { barrier(); cpu_local_add(preempt_count, -1); }
static inline unsigned kmap_top(void) { return cpu_local_read(kmap_top); }
static inline void kmap_top_add(int n) { barrier(); cpu_local_add(kmap_top, (unsigned)n); barrier(); }

/*
 * From 0 and back to it by plain stores, which the processor need not wait for.  What could come
 * between the look and the store is a signal's handler, which leaves the count as it found it.
 */
static inline bool cpu_claim_at_rest(void)
{
	struct cpu_local *c = hosted_cpu;

	if (unlikely(READ_ONCE(c->preempt_count)))
		return false;
	WRITE_ONCE(c->preempt_count, CPU_CLAIMED);
	barrier();
	return true;
}

static inline void cpu_release_at_rest(void)
{
	barrier();
	cpu_local_write(preempt_count, 0);
}
#define cpu_release_at_rest cpu_release_at_rest

/** hosted_deliver_interrupts() - run the handlers of what is pending, if interrupts are on. */
void hosted_deliver_interrupts(void);

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags = cpu_local_read(irqs_on);

	cpu_local_write(irqs_on, 0);
	barrier();
	return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
	barrier();
	cpu_local_write(irqs_on, flags);
	if (unlikely(cpu_local_read(pending)))
		hosted_deliver_interrupts();
}

static inline bool arch_irqs_disabled(void) { return !cpu_local_read(irqs_on); }
static inline void arch_irq_enable(void) { arch_irq_restore(1); }
static inline void arch_irq_disable(void) { (void)arch_irq_save(); }
/* hosted_relax() - a moment for others: the host may have fewer processors; interrupts are taken, if they are on. */
void hosted_relax(void);
static inline void cpu_relax(void) { hosted_relax(); }

static inline void clear_page(void *p) { __builtin_memset(p, 0, 4096); }
static inline void copy_page(void *to, const void *from) { __builtin_memcpy(to, from, 4096); }

#endif
