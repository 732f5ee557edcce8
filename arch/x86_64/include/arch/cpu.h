/* SPDX-License-Identifier: MIT */
/*
 * cpu.h: this processor, in long mode.
 *
 * Each CPU has a struct cpu_local that its %gs points to, so that "mine" is one
 * instruction, whichever CPU runs it.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <quarry/types.h>

struct cpu_local {
	struct cpu_local *self;
	unsigned cpu;		/* its number, 0 for the one that booted */
	int preempt_count;	/* > 0: may not be switched away; IRQ_ONE for each interrupt level */
};

extern struct cpu_local cpu_locals[NR_CPUS];

#define IRQ_ONE 0x10000

#define cpu_local_read(field) ({							\
	__typeof__(((struct cpu_local *)0)->field) v_;					\
	__asm__ volatile("mov %%gs:%c1, %0" : "=r"(v_) : "i"(offsetof(struct cpu_local, field))); \
	v_; })
#define cpu_local_write(field, v)							\
	__asm__ volatile("movl %0, %%gs:%c1" : : "ri"(v), "i"(offsetof(struct cpu_local, field)) : "memory")
#define cpu_local_add(field, n)								\
	__asm__ volatile("addl %0, %%gs:%c1"						\
			 : : "ri"(n), "i"(offsetof(struct cpu_local, field)) : "memory", "cc")

static inline unsigned smp_processor_id(void) { return cpu_local_read(cpu); }
static inline int preempt_count(void) { return cpu_local_read(preempt_count); }
static inline bool in_interrupt(void) { return preempt_count() >= IRQ_ONE; }
static inline void preempt_disable(void) { cpu_local_add(preempt_count, 1); barrier(); }
static inline void preempt_enable(void)
{
	barrier();
	cpu_local_add(preempt_count, -1);
}

#define EFLAGS_IF 0x200UL

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
	__asm__ volatile("pushq %0; popfq" : : "g"(flags) : "memory", "cc");
}

static inline bool arch_irqs_disabled(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return !(flags & EFLAGS_IF);
}

static inline void arch_irq_enable(void) { __asm__ volatile("sti" ::: "memory"); }
static inline void arch_irq_disable(void) { __asm__ volatile("cli" ::: "memory"); }
static inline void cpu_relax(void) { __asm__ volatile("pause" ::: "memory"); }

static inline void clear_page(void *p)
{
	unsigned long n = 512;

	__asm__ volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(0UL) : "memory");
}

static inline void copy_page(void *to, const void *from)
{
	unsigned long n = 512;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

#endif
