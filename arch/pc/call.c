/* SPDX-License-Identifier: MIT */
/*
 * call.c: what processors ask of each other: to call a function, to forget translations.
 *
 *	CPU 0 asks 1 and 3			CPU 3
 *	calls[0] = fn, arg, waiting 2
 *	asked[1].by, asked[3].by: bit 0 set
 *	interrupt to 1, 3		->	takes asked[3].by, all bits at once
 *	waits until `waiting` is 0	<-	fn(arg); calls[0].waiting -= 1
 *
 * Each CPU has one call under way at the most: preemption is off from its beginning
 * until all have answered, and interrupt handlers make none.  So a CPU's own cell is all
 * the memory that it ever needs, and calls of different CPUs do not wait for each other.
 *
 * No deadlock:
 *	- a caller holds no lock, so whoever spins for one, interrupts off, gets it, and
 *	  then switches interrupts on and answers
 *	- two that call each other answer each other: waiting is done with interrupts on; or,
 *	  when they are off (while the machine comes up), by serving what comes
 *
 * Translations.  Who changes an entry flushes its own TLB, then calls whoever may
 * remember the old one.  For the kernel's half that is everybody.  For a task's it is those
 * in mm->cpu_mask (tlb.c).  A CPU that comes up puts itself on the list of those to be
 * called, and then forgets everything.
 */
#include "pc.h"

#define LONG_BITS (8 * sizeof(long))
#define MASK_LONGS ((NR_CPUS + LONG_BITS - 1) / LONG_BITS)

static struct call {
	void (*fn)(void *arg);
	void *arg;
	unsigned waiting;	/* CPUs that have yet to call it */
	bool busy;
} __attribute__((aligned(L1_CACHE_BYTES))) calls[NR_CPUS];

static struct {
	unsigned long by[MASK_LONGS];	/* CPUs whose calls wait for this one */
} __attribute__((aligned(L1_CACHE_BYTES))) asked[NR_CPUS];

static void serve_one(struct call *c)
{
	c->fn(c->arg);
	__atomic_fetch_sub(&c->waiting, 1, __ATOMIC_RELEASE);
}

void call_serve(void)
{
	unsigned long *by = asked[smp_processor_id()].by;

	cpu_local_add(preempt_count, IRQ_ONE);
	for (unsigned i = 0; i < MASK_LONGS; i++) {
		unsigned long bits = __atomic_exchange_n(&by[i], 0, __ATOMIC_ACQUIRE);

		for (; bits; bits &= bits - 1)
			serve_one(&calls[i * LONG_BITS + (unsigned)__builtin_ctzl(bits)]);
	}
	cpu_local_add(preempt_count, -IRQ_ONE);
}

/* Preemption is off. */
static struct call *begin_call(unsigned self, void (*fn)(void *), void *arg)
{
	struct call *c = &calls[self];

	if (in_interrupt() || c->busy)
		mm_panic("CPU%u calls others %s", self, c->busy ? "while it does already" : "in an interrupt");
	c->fn = fn;
	c->arg = arg;
	c->busy = true;
	return c;
}

static void ask(struct call *c, unsigned self, unsigned cpu)
{
	__atomic_fetch_add(&c->waiting, 1, __ATOMIC_RELAXED);
	__atomic_fetch_or(&asked[cpu].by[self / LONG_BITS], 1ul << self % LONG_BITS, __ATOMIC_RELEASE);
	smp_send(cpu, VECTOR_CALL);
}

static void end_call(struct call *c)
{
	while (__atomic_load_n(&c->waiting, __ATOMIC_ACQUIRE)) {
		if (arch_irqs_disabled())
			call_serve();
		cpu_relax();
	}
	c->busy = false;
}

/* Whom to call: @mask NULL: all. */
static void call_cpus(const unsigned long *mask, void (*fn)(void *), void *arg)
{
	unsigned self, cpu;
	struct call *c;

	preempt_disable();
	self = smp_processor_id();
	c = begin_call(self, fn, arg);
	for_each_other_cpu(cpu, self)
		if (!mask || READ_ONCE(mask[cpu / LONG_BITS]) >> cpu % LONG_BITS & 1)
			ask(c, self, cpu);
	end_call(c);
	preempt_enable();
}

void port_call_others(void (*fn)(void *arg), void *arg)
{
	if (nr_online > 1)
		call_cpus(NULL, fn, arg);
}

/* ---- translations --------------------------------------------------------------------- */

struct flush {
	struct mm_struct *mm;	/* NULL: the kernel's */
	unsigned long start, end;
};

static void flush_here(void *arg)
{
	const struct flush *f = arg;

	cpu_states[smp_processor_id()].flushes++;
	if (f->mm)
		flush_tlb_user_range(f->mm, f->start, f->end);
	else
		flush_tlb_kernel_range(f->start, f->end);
}

void port_flush_tlb_others(unsigned long start, unsigned long end)
{
	struct flush f = { NULL, start, end };

	if (nr_online > 1)
		call_cpus(NULL, flush_here, &f);
}

/*
 * The entry was written before the mask is read, and a CPU sets its bit before it loads the
 * tables (machine_load_mm): so it is in the mask, or it sees the new entry.
 */
void port_flush_tlb_user(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct flush f = { mm, start, end };

	preempt_disable();
	flush_tlb_user_range(mm, start, end);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (nr_online > 1)
		call_cpus(mm->cpu_mask, flush_here, &f);
	preempt_enable();
}
