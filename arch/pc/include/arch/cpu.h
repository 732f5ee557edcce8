/* SPDX-License-Identifier: MIT */
/*
 * cpu.h: this processor, on any PC.
 *
 * What each CPU has of its own lies CPU_SLOT bytes behind the one before it: an array of
 * struct cpu_local, and others.  In the kernel the base of a segment register, %fs with
 * 32 bits, %gs with 64, is cpu * CPU_SLOT: through it the address of CPU 0's is that of
 * "mine", in any such array, and in one instruction, whichever CPU runs it.
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
} __attribute__((aligned(CPU_SLOT)));	/* others' writes to theirs do not slow us down */

extern struct cpu_local cpu_locals[NR_CPUS];
_Static_assert(sizeof(struct cpu_local) == CPU_SLOT, "they are an array of slots");

/* The segment descriptor that the %fs of CPU @cpu must select: data of 4 GiB, writable, present. */
static inline u64 cpu_local_descriptor(unsigned cpu)
{
	return 0x00cf93000000ffff | (u64)cpu * CPU_SLOT << 16;
}
_Static_assert(NR_CPUS * CPU_SLOT <= 1 << 24, "what the descriptor says of the base");

/* An address may be a register and a constant one, so that adding that costs nothing. */
#define SYMBOL_IN_ADDRESS 1

/* percpu.h: a word of this CPU's, @x is CPU 0's. */
#define cpu_own_read(x) ({								\
	__typeof__(x) v_;								\
	__asm__ volatile("mov " CPU_SEGMENT ":%1, %0" : "=r"(v_) : "m"(x));		\
	v_; })
#define cpu_own_is(x, v) ({								\
	bool v_;									\
	__asm__ volatile("cmp %2, " CPU_SEGMENT ":%1" : "=@cce"(v_) : "m"(x), "r"(v) : "cc"); \
	v_; })
#define cpu_own_add(x, n)								\
	__asm__ volatile("add" WORD_SUFFIX " %1, " CPU_SEGMENT ":%0" : "+m"(x) : "ri"(n) : "memory", "cc")

/* The operand of CPU 0's: with a segment, this CPU's. */
#define CPU_FIELD(field) "i"(&cpu_locals[0].field)

#define cpu_local_read(field) ({							\
	__typeof__(((struct cpu_local *)0)->field) v_;					\
	__asm__ volatile("mov " CPU_SEGMENT ":%c1, %0" : "=r"(v_) : CPU_FIELD(field)); \
	v_; })
#define cpu_local_write(field, v)							\
	__asm__ volatile("movl %0, " CPU_SEGMENT ":%c1" : : "ri"(v), CPU_FIELD(field) : "memory")
#define cpu_local_add(field, n)								\
	__asm__ volatile("addl %0, " CPU_SEGMENT ":%c1"						\
			 : : "ri"(n), CPU_FIELD(field) : "memory", "cc")
/* The same; is it 0 then? */
#define cpu_local_add_is_zero(field, n) ({						\
	bool v_;									\
	__asm__ volatile("addl %1, " CPU_SEGMENT ":%c2"					\
			 : "=@ccz"(v_) : "i"(n), CPU_FIELD(field) : "memory", "cc"); \
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
static __always_inline u32 mul_u32_u32(u32 a, const u32 *b, unsigned long *high)
{
	u32 low;

	__asm__("mull %3" : "=a"(low), "=d"(*high) : "%0"(a), "rm"(*b) : "cc");
	return low;
}
#define mul_u32_u32 mul_u32_u32

#ifdef __LP64__
/*
 * section.h: the fault is answered by what ex_table has for it (arch/pc/trap.c).  It goes to a
 * register that neither the first arguments nor a product need, so that they can stay in theirs.
 */
#define load_or_zero(x) ({								\
	register __typeof__(x) v_ __asm__("r8");					\
	__asm__ volatile("1:\tmov %1, %0\n2:\n"						\
			 "\t.pushsection .text.unlikely, \"ax\"\n3:\txorl %k0, %k0\n\tjmp 2b\n\t.popsection\n" \
			 "\t.pushsection ex_table, \"a\"\n\t.long 1b - ., 3b - .\n\t.popsection"	\
			 : "=r"(v_) : "m"(x) : "cc");					\
	v_; })
/* Made in a register that a product does not need, and not moved there. */
#define set_aside(p) __asm__("" : "+c"(p))
#endif

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
