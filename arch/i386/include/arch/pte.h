/* SPDX-License-Identifier: MIT */
/*
 * pte.h: page-table entries of i386's two-level paging (row E2).
 *
 *	 31                    22 21                12 11              0
 *	+------------------------+--------------------+-----------------+
 *	| directory index (10)   | table index (10)   | offset (12)     |
 *	+------------------------+--------------------+-----------------+
 *
 * Bits as in Intel's manual, volume 3, tables 4-4 to 4-6.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include <quarry/types.h>
#include <arch/layout.h>

typedef u32 pteval_t;

#define PGTABLE_LEVELS 2
#define PTRS_PER_PT 1024
#define PT_TOP_FIXED 0

static __always_inline unsigned pt_shift(int level) { return level == 1 ? 12 : 22; }
static __always_inline unsigned pt_entries(int level) { (void)level; return PTRS_PER_PT; }
static __always_inline unsigned pt_index(unsigned long addr, int level)
{
	return (addr >> pt_shift(level)) & (PTRS_PER_PT - 1);
}

#define _PAGE_NX 0u		/* two-level paging has no such bit */
#define PTE_PFN_MASK 0xfffff000u

/* Bits that entries may use on this CPU: PSE and PGE come and go with CPUID (row E5). */
extern pteval_t arch_pte_supported;

#include <arch/pte_bits.h>

/* A directory's entry for a table: user and writable, for the table's own entries decide. */
static inline pte_t mk_table(pfn_t pfn, int level)
{
	(void)level;
	return (pte_t){ (pteval_t)(pfn << PAGE_SHIFT) |
			_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED };
}

/* The largest level whose entries may be leaves on this CPU: 2 with PSE, else 1. */
static inline int arch_max_huge_level(void) { return arch_pte_supported & _PAGE_PSE ? 2 : 1; }

static inline pte_t get_pte(const pte_t *p) { return (pte_t){ *(const volatile pteval_t *)&p->val }; }
static inline void set_pte(pte_t *p, pte_t e) { *(volatile pteval_t *)&p->val = e.val; }
static inline pte_t xchg_pte(pte_t *p, pte_t e)
{
	return (pte_t){ __atomic_exchange_n(&p->val, e.val, __ATOMIC_ACQ_REL) };
}

static inline phys_addr_t arch_pt_root(void)
{
	u32 cr3;

	__asm__ volatile("movl %%cr3, %0" : "=r"(cr3));
	return cr3 & ~0xfffu;
}

/* invlpg needs a 486, which has paging as we use it anyhow. */
static inline void flush_tlb_page(unsigned long addr)
{
	__asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

/* Global entries survive a reload of CR3, so kernel ranges go page by page or by CR4.PGE. */
void flush_tlb_all(void);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

#endif
