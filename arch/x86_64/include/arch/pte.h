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
typedef struct { pteval_t val; } pte_t;
typedef struct { pteval_t val; } pgprot_t;

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

#define _PAGE_PRESENT 0x001u
#define _PAGE_RW 0x002u
#define _PAGE_USER 0x004u
#define _PAGE_PWT 0x008u
#define _PAGE_PCD 0x010u
#define _PAGE_ACCESSED 0x020u
#define _PAGE_DIRTY 0x040u
#define _PAGE_PSE 0x080u	/* above level 1: a large page */
#define _PAGE_GLOBAL 0x100u	/* survives a reload of CR3 */
#define _PAGE_NX 0x8000000000000000ULL
#define PTE_PFN_MASK 0x000ffffffffff000ULL

/* Bits that entries may use on this CPU: PGE and NX come and go with CPUID (row E5). */
extern pteval_t arch_pte_supported;

#define __pgprot(v) ((pgprot_t){ (v) })
#define PAGE_KERNEL_EXEC __pgprot(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_GLOBAL)
#define PAGE_KERNEL __pgprot(PAGE_KERNEL_EXEC.val | _PAGE_NX)
#define PAGE_KERNEL_RO __pgprot(PAGE_KERNEL.val & ~(pteval_t)_PAGE_RW)
#define PAGE_KERNEL_TEXT __pgprot(PAGE_KERNEL_EXEC.val & ~(pteval_t)_PAGE_RW)
#define PAGE_KERNEL_NOCACHE __pgprot(PAGE_KERNEL.val | _PAGE_PCD | _PAGE_PWT)
#define PAGE_READONLY_EXEC __pgprot(_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED)
#define PAGE_READONLY __pgprot(PAGE_READONLY_EXEC.val | _PAGE_NX)
#define PAGE_SHARED_EXEC __pgprot(PAGE_READONLY_EXEC.val | _PAGE_RW)
#define PAGE_SHARED __pgprot(PAGE_SHARED_EXEC.val | _PAGE_NX)

/* The same rights, but for writing. */
static inline pgprot_t pgprot_write(pgprot_t prot, bool allowed)
{
	return __pgprot(allowed ? prot.val | _PAGE_RW : prot.val & ~(pteval_t)_PAGE_RW);
}

/* The same rights, but for executing; without NX, what can be read can be executed. */
static inline pgprot_t pgprot_exec(pgprot_t prot, bool allowed)
{
	return __pgprot(allowed ? prot.val & ~(pteval_t)_PAGE_NX : prot.val | _PAGE_NX);
}

static inline bool pte_none(pte_t e) { return e.val == 0; }
static inline bool pte_present(pte_t e) { return e.val & _PAGE_PRESENT; }
static inline bool pte_huge(pte_t e) { return e.val & _PAGE_PSE; } /* asked above level 1 only */
static inline bool pte_write(pte_t e) { return e.val & _PAGE_RW; }
static inline bool pte_user(pte_t e) { return e.val & _PAGE_USER; }
static inline bool pte_dirty(pte_t e) { return e.val & _PAGE_DIRTY; }
static inline bool pte_young(pte_t e) { return e.val & _PAGE_ACCESSED; }
static inline bool pte_exec(pte_t e) { return !(e.val & _PAGE_NX); }
static inline bool pte_global(pte_t e) { return e.val & _PAGE_GLOBAL; }
static inline pfn_t pte_pfn(pte_t e) { return (e.val & PTE_PFN_MASK) >> PAGE_SHIFT; }

/* What a leaf allows and remembers, without its frame and size: for mk_pte(), mk_huge(). */
static inline pgprot_t pte_prot(pte_t e)
{
	return __pgprot(e.val & ~PTE_PFN_MASK & ~(pteval_t)_PAGE_PSE);
}

static inline pte_t mk_pte(pfn_t pfn, pgprot_t prot)
{
	return (pte_t){ pfn << PAGE_SHIFT | (prot.val & arch_pte_supported) };
}

/* A large page: accessed and dirty from the start, so that the MMU never writes to its entry. */
static inline pte_t mk_huge(pfn_t pfn, pgprot_t prot)
{
	pteval_t bits = prot.val | _PAGE_PSE | _PAGE_ACCESSED | _PAGE_DIRTY;

	return (pte_t){ pfn << PAGE_SHIFT | (bits & arch_pte_supported) };
}

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
