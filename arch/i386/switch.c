/* SPDX-License-Identifier: MIT */
/*
 * switch.c: threads' stacks, tasks' page directories, and the translations that
 * the CPU remembers.
 *
 * A thread that does not run is its stack: switch_stacks() left four registers
 * and a return address on top, and t->machine points there.  A new thread's stack
 * is made up to look the same:
 *
 *	kstack + KSTACK_SIZE	+----------------+
 *				| thread_start   |  return address of switch_stacks()
 *				| 0              |  ebp
 *				| fn             |  ebx
 *				| arg            |  esi
 *	t->machine ->		| 0              |  edi
 *				+----------------+
 *	kstack			| (unused)       |
 *				+----------------+
 */
#include "pc.h"

void switch_stacks(void **save, void *next);
void thread_start(void);
void enter_user(unsigned long entry, unsigned long sp) __attribute__((noreturn));

void machine_thread_init(struct task *t, void (*fn)(void *), void *arg)
{
	u32 *top = (u32 *)((char *)t->kstack + KSTACK_SIZE) - 2;

	*--top = (u32)thread_start;
	*--top = 0;
	*--top = (u32)fn;
	*--top = (u32)arg;
	*--top = 0;
	t->machine = top;
}

void machine_thread_free(struct task *t)
{
	t->machine = NULL;	/* the stack is the caller's */
}

void machine_switch(struct task *prev, struct task *next)
{
	if (next->kstack)
		cpu_set_kernel_stack((char *)next->kstack + KSTACK_SIZE);
	switch_stacks(&prev->machine, next->machine);
}

void machine_enter_user(unsigned long entry, unsigned long sp)
{
	enter_user(entry, sp);
}

void machine_idle(void)
{
	/* sti takes effect after the next instruction: no interrupt is lost between the two. */
	__asm__ volatile("sti; hlt" : : : "memory");
}

/* ---- address spaces ---------------------------------------------------------------- */

static struct mm_struct *loaded_mm[NR_CPUS];

#define LONG_BITS (8 * sizeof(long))

static void mark_loaded(struct mm_struct *mm, unsigned cpu, bool loaded)
{
	unsigned long bit = 1ul << cpu % LONG_BITS;

	if (loaded)
		__atomic_fetch_or(&mm->cpu_mask[cpu / LONG_BITS], bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&mm->cpu_mask[cpu / LONG_BITS], ~bit, __ATOMIC_RELAXED);
}

void machine_load_mm(struct mm_struct *mm)
{
	unsigned long flags = arch_irq_save();
	unsigned cpu = smp_processor_id();
	struct mm_struct *old = loaded_mm[cpu];

	if (old != mm) {
		if (mm)
			mark_loaded(mm, cpu, true);
		loaded_mm[cpu] = mm;
		write_cr3((u32)__pa(mm ? mm->pgd : swapper_pg_dir));
		if (old)
			mark_loaded(old, cpu, false);
	}
	arch_irq_restore(flags);
}

/* ---- translations the CPU remembers -------------------------------------------------- */

/* More pages than this: forgetting everything is cheaper than page by page. */
#define FLUSH_ALL_PAGES 64

void flush_tlb_all(void)
{
	unsigned long flags = arch_irq_save();

	if (arch_pte_supported & _PAGE_GLOBAL) {
		unsigned long cr4 = read_cr4();

		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3((u32)arch_pt_root());
	}
	arch_irq_restore(flags);
}

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	if (end - start > FLUSH_ALL_PAGES * PAGE_SIZE) {
		flush_tlb_all();
		return;
	}
	for (unsigned long addr = start; addr < end; addr += PAGE_SIZE)
		flush_tlb_page(addr);
}

/* One processor runs: there is no other to tell. */
void port_flush_tlb_others(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
}

void port_flush_tlb_user(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (loaded_mm[smp_processor_id()] != mm)
		return;
	if (end - start > FLUSH_ALL_PAGES * PAGE_SIZE) {
		write_cr3((u32)arch_pt_root());
		return;
	}
	for (unsigned long addr = start; addr < end; addr += PAGE_SIZE)
		flush_tlb_page(addr);
}
