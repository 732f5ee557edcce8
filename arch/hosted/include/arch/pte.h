/* SPDX-License-Identifier: MIT */
/*
 * pte.h: page-table entries of the hosted machine, walked by software
 * (arch/hosted/mmu.c).
 *
 * In 32 bits exactly i386's two levels of 1024 entries of 4 bytes; in 64 bits
 * x86_64's four levels of 512 entries of 8 bytes:
 *
 *	 47      39 38      30 29      21 20      12 11         0
 *	+----------+----------+----------+----------+------------+
 *	| level 4  | level 3  | level 2  | level 1  | offset     |
 *	+----------+----------+----------+----------+------------+
 *
 * The low bits mean the same in both, as in Intel's manual, volume 3, 4.3-4.5.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include <quarry/types.h>
#include <arch/layout.h>

#ifdef __LP64__
typedef u64 pteval_t;
#define PGTABLE_LEVELS 4
#define PT_BITS 9
#define PTE_PFN_MASK 0x000ffffffffff000ULL
#else
typedef u32 pteval_t;
#define PGTABLE_LEVELS 2
#define PT_BITS 10
#define PTE_PFN_MASK 0xfffff000u
#endif

#define PTRS_PER_PT (1 << PT_BITS)
#define PT_TOP_FIXED 0

static __always_inline unsigned pt_shift(int level) { return PAGE_SHIFT + PT_BITS * (unsigned)(level - 1); }
static __always_inline unsigned pt_entries(int level) { (void)level; return PTRS_PER_PT; }
static __always_inline unsigned pt_index(unsigned long addr, int level)
{
	return (addr >> pt_shift(level)) & (PTRS_PER_PT - 1);
}

#define _PAGE_NX 0u		/* not modelled: programs and kernel are the host's */
#define arch_pte_supported (~(pteval_t)0)

#include <arch/pte_bits.h>

/* An entry for a table: user and writable, for the table's own entries decide. */
static inline pte_t mk_table(pfn_t pfn, int level)
{
	(void)level;
	return mk_pte(pfn, __pgprot(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED));
}

/* The largest level whose entries may be leaves. */
static inline int arch_max_huge_level(void) { return PGTABLE_LEVELS > 3 ? 3 : 2; }

/* Whoever finds an entry finds what was written before it: plain moves on this processor. */
static inline pte_t get_pte(const pte_t *p) { return (pte_t){ __atomic_load_n(&p->val, __ATOMIC_ACQUIRE) }; }
static inline void set_pte(pte_t *p, pte_t e) { __atomic_store_n(&p->val, e.val, __ATOMIC_RELEASE); }
static inline pte_t xchg_pte(pte_t *p, pte_t e)
{
	return (pte_t){ __atomic_exchange_n(&p->val, e.val, __ATOMIC_ACQ_REL) };
}

phys_addr_t arch_pt_root(void);
void flush_tlb_page(unsigned long addr);
void flush_tlb_all(void);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

#endif
