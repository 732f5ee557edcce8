/* SPDX-License-Identifier: MIT */
/*
 * pte.h: page-table entries of long mode, four or five levels (row E2).
 *
 *	 56      48 47      39 38      30 29      21 20      12 11         0
 *	+----------+----------+----------+----------+----------+------------+
 *	| level 5  | level 4  | level 3  | level 2  | level 1  | offset     |
 *	+----------+----------+----------+----------+----------+------------+
 *	  with LA57             1 GiB      2 MiB      4 KiB      an entry's span
 *
 * Bits as in Intel's manual, volume 3, tables 4-14 to 4-20.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include <quarry/types.h>
#include <arch/layout.h>

typedef u64 pteval_t;

#define PGTABLE_LEVELS arch_layout.levels
#define PGTABLE_MAX_LEVELS 5
#define PT_BITS 9
#define PTRS_PER_PT (1 << PT_BITS)
#define PT_TOP_FIXED 0

static __always_inline unsigned pt_shift(int level) { return PAGE_SHIFT + PT_BITS * (unsigned)(level - 1); }
static __always_inline unsigned pt_entries(int level) { (void)level; return PTRS_PER_PT; }
static __always_inline unsigned pt_index(unsigned long addr, int level)
{
	return (addr >> pt_shift(level)) & (PTRS_PER_PT - 1);
}

/* Do the bits that are not translated repeat the highest one that is? */
static inline bool pt_canonical(unsigned long addr)
{
	return (unsigned long)((long)addr >> (pt_shift(PGTABLE_LEVELS + 1) - 1)) + 1 < 2;
}

#define _PAGE_NX (1ull << 63)	/* no instruction is fetched from here; reserved unless EFER.NXE is set */
#define PTE_PFN_MASK 0x000ffffffffff000ull

/* Bits that entries may use on this CPU: PGE and NX come and go with CPUID (row E5). */
extern pteval_t arch_pte_supported;

#include <arch/pte_bits.h>

#define PAGE_KERNEL_TEXT __pgprot(PAGE_KERNEL_EXEC.val & ~(pteval_t)_PAGE_RW)

/* An entry for a table: user, writable, executable, for the table's own entries decide. */
static inline pte_t mk_table(pfn_t pfn, int level)
{
	(void)level;
	return (pte_t){ pfn << PAGE_SHIFT | _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED };
}

/** arch_max_huge_level() - the largest level whose entries may be leaves on this CPU: 2, or 3 with 1 GiB pages. */
int arch_max_huge_level(void);

static inline pte_t get_pte(const pte_t *p) { return (pte_t){ *(const volatile pteval_t *)&p->val }; }
static inline void set_pte(pte_t *p, pte_t e) { *(volatile pteval_t *)&p->val = e.val; }
static inline pte_t xchg_pte(pte_t *p, pte_t e)
{
	return (pte_t){ __atomic_exchange_n(&p->val, e.val, __ATOMIC_ACQ_REL) };
}

static inline phys_addr_t arch_pt_root(void)
{
	unsigned long cr3;

	__asm__ volatile("movq %%cr3, %0" : "=r"(cr3));
	return cr3 & PTE_PFN_MASK;
}

static inline void flush_tlb_page(unsigned long addr)
{
	__asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

/* Global entries survive a reload of CR3, so kernel ranges go page by page or by CR4.PGE. */
void flush_tlb_all(void);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

#endif
