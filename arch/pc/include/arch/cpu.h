/* SPDX-License-Identifier: MIT */
/*
 * cpu.h: this processor, on any PC.
 *
 * Each CPU has a struct cpu_local that a segment register points to, %fs with 32 bits,
 * %gs with 64, so that "mine" is one instruction, whichever CPU runs it.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <quarry/percpu.h>
#include <quarry/types.h>

#ifdef __LP64__
#define CPU_SEGMENT "%%gs"
#define WORD_SUFFIX "q"		/* of instructions on words of a long */
#else
#define CPU_SEGMENT "%%fs"
#define WORD_SUFFIX "l"
#endif

struct cpu_local {
	struct cpu_local *self;
	unsigned cpu;		/* its number, 0 for the one that booted */
	int preempt_count;	/* less CPU_CLAIMED: so a claim by whoever has nothing else makes it 0 */
	unsigned long slot;	/* cpu * CPU_SLOT */
	unsigned kmap_top;	/* of its stack of mappings (highmem.h) */
} __attribute__((aligned(L1_CACHE_BYTES)));	/* others' writes to theirs do not slow us down */

extern struct cpu_local cpu_locals[NR_CPUS];

/* The segment descriptor that a CPU's %fs must select: its base is @local; data, writable, present. */
static inline u64 cpu_local_descriptor(const struct cpu_local *local)
{
	u64 base = (unsigned long)local;

	return 0x0040930000000000 | base >> 24 << 56 | (base & 0xffffff) << 16 | (sizeof(*local) - 1);
}

#define cpu_local_read(field) ({							\
	__typeof__(((struct cpu_local *)0)->field) v_;					\
	__asm__ volatile("mov " CPU_SEGMENT ":%c1, %0" : "=r"(v_) : "i"(offsetof(struct cpu_local, field))); \
	v_; })
#define cpu_local_write(field, v)							\
	__asm__ volatile("movl %0, " CPU_SEGMENT ":%c1" : : "ri"(v), "i"(offsetof(struct cpu_local, field)) : "memory")
#define cpu_local_add(field, n)								\
	__asm__ volatile("addl %0, " CPU_SEGMENT ":%c1"						\
			 : : "ri"(n), "i"(offsetof(struct cpu_local, field)) : "memory", "cc")
/* The same; is it 0 then? */
#define cpu_local_add_is_zero(field, n) ({						\
	bool v_;									\
	__asm__ volatile("addl %1, " CPU_SEGMENT ":%c2"					\
			 : "=@ccz"(v_) : "i"(n), "i"(offsetof(struct cpu_local, field)) : "memory", "cc"); \
	v_; })

static inline unsigned smp_processor_id(void) { return cpu_local_read(cpu); }
static __always_inline unsigned long cpu_slot(void) { return cpu_local_read(slot); }
static inline int preempt_word(void) { return cpu_local_read(preempt_count) + CPU_CLAIMED; }
static inline int preempt_count(void) { return preempt_word() & ~CPU_ARMED; }
static inline bool in_interrupt(void) { return preempt_word() >= IRQ_ONE; }
static __always_inline void preempt_count_add(const int n) { cpu_local_add(preempt_count, n); }
static inline void preempt_disable(void) { cpu_local_add(preempt_count, 1); barrier(); }
static inline void preempt_enable(void) { barrier(); cpu_local_add(preempt_count, -1); }
static inline unsigned kmap_top(void) { return cpu_local_read(kmap_top); }
static __always_inline void kmap_top_add(const int n) { cpu_local_add(kmap_top, n); }

/* One instruction, and a jump; whoever may not have it takes its addition back. */
static __always_inline bool cpu_claim_at_rest(void)
{
	if (likely(cpu_local_add_is_zero(preempt_count, CPU_CLAIMED)))
		return true;
	cpu_local_add(preempt_count, -CPU_CLAIMED);
	return false;
}

/* Both halves of a product, in one instruction; the compiler makes a detour. */
static __always_inline u32 mul_u32_u32(u32 a, const u32 *b, u32 *high)
{
	u32 low;

	__asm__("mull %3" : "=a"(low), "=d"(*high) : "0"(a), "m"(*b) : "cc");
	return low;
}
#define mul_u32_u32 mul_u32_u32

#define EFLAGS_IF 0x200UL

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("pushf; pop %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
	__asm__ volatile("push" WORD_SUFFIX " %0; popf" : : "g"(flags) : "memory", "cc");
}

static inline bool arch_irqs_disabled(void)
{
	unsigned long flags;

	__asm__ volatile("pushf; pop %0" : "=r"(flags) : : "memory");
	return !(flags & EFLAGS_IF);
}

static inline void arch_irq_enable(void) { __asm__ volatile("sti" ::: "memory"); }
static inline void arch_irq_disable(void) { __asm__ volatile("cli" ::: "memory"); }
static inline void cpu_relax(void) { __asm__ volatile("pause" ::: "memory"); }

static inline void clear_page(void *p)
{
	unsigned long n = 4096 / sizeof(long);

	__asm__ volatile("rep stos" WORD_SUFFIX : "+D"(p), "+c"(n) : "a"(0L) : "memory");
}

static inline void copy_page(void *to, const void *from)
{
	unsigned long n = 4096 / sizeof(long);

	__asm__ volatile("rep movs" WORD_SUFFIX : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

#endif
