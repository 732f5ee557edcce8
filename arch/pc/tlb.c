/* SPDX-License-Identifier: MIT */
/*
 * tlb.c: which page tables this CPU has loaded, and the translations it remembers of them.
 * (Those of others: call.c.)
 */
#include "pc.h"

/* ---- address spaces ---------------------------------------------------------------- */

static struct mm_struct *loaded_mm[NR_CPUS];

#define LONG_BITS (8 * sizeof(long))

static void mark_loaded(struct mm_struct *mm, unsigned cpu, bool loaded)
{
	unsigned long bit = 1ul << cpu % LONG_BITS;

	if (loaded)
		__atomic_fetch_or(&mm->cpu_mask[cpu / LONG_BITS], bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&mm->cpu_mask[cpu / LONG_BITS], ~bit, __ATOMIC_RELEASE);
}

/* The bit is there before a translation can be: who changes an entry tells all that have it. */
void machine_load_mm(struct mm_struct *mm)
{
	unsigned long flags = arch_irq_save();
	unsigned cpu = smp_processor_id();
	struct mm_struct *old = loaded_mm[cpu];

	if (old != mm) {
		if (mm)
			mark_loaded(mm, cpu, true);
		loaded_mm[cpu] = mm;
		write_cr3((unsigned long)(mm ? __pa(mm->pgd) : __pa_symbol(swapper_pg_dir)));
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
		write_cr3((unsigned long)arch_pt_root());
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

void flush_tlb_user_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (loaded_mm[smp_processor_id()] != mm)
		return;
	if (end - start > FLUSH_ALL_PAGES * PAGE_SIZE) {
		write_cr3((unsigned long)arch_pt_root());
		return;
	}
	for (unsigned long addr = start; addr < end; addr += PAGE_SIZE)
		flush_tlb_page(addr);
}
