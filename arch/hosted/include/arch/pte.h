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
typedef struct { pteval_t val; } pte_t;
typedef struct { pteval_t val; } pgprot_t;

#define PTRS_PER_PT (1 << PT_BITS)
#define PT_TOP_FIXED 0

static __always_inline unsigned pt_shift(int level) { return PAGE_SHIFT + PT_BITS * (unsigned)(level - 1); }
static __always_inline unsigned pt_entries(int level) { (void)level; return PTRS_PER_PT; }
static __always_inline unsigned pt_index(unsigned long addr, int level)
{
	return (addr >> pt_shift(level)) & (PTRS_PER_PT - 1);
}

#define _PAGE_PRESENT 0x001u
#define _PAGE_RW 0x002u
#define _PAGE_USER 0x004u
#define _PAGE_PWT 0x008u
#define _PAGE_PCD 0x010u
#define _PAGE_ACCESSED 0x020u
#define _PAGE_DIRTY 0x040u
#define _PAGE_PSE 0x080u	/* above level 1: a large page */
#define _PAGE_GLOBAL 0x100u	/* survives a reload of the root */
#define _PAGE_NX 0u		/* not modelled: programs and kernel are the host's */

#define __pgprot(v) ((pgprot_t){ (v) })
#define PAGE_KERNEL_EXEC __pgprot(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_GLOBAL)
#define PAGE_KERNEL __pgprot(PAGE_KERNEL_EXEC.val | _PAGE_NX)
#define PAGE_KERNEL_RO __pgprot(PAGE_KERNEL.val & ~(pteval_t)_PAGE_RW)
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
static inline pfn_t pte_pfn(pte_t e) { return (pfn_t)((e.val & PTE_PFN_MASK) >> PAGE_SHIFT); }

/* What a leaf allows and remembers, without its frame and size: for mk_pte(), mk_huge(). */
static inline pgprot_t pte_prot(pte_t e)
{
	return __pgprot(e.val & ~PTE_PFN_MASK & ~(pteval_t)_PAGE_PSE);
}

static inline pte_t mk_pte(pfn_t pfn, pgprot_t prot)
{
	return (pte_t){ (pteval_t)pfn << PAGE_SHIFT | prot.val };
}

/* A large page: accessed and dirty from the start, so that the MMU never writes to its entry. */
static inline pte_t mk_huge(pfn_t pfn, pgprot_t prot)
{
	return (pte_t){ (pteval_t)pfn << PAGE_SHIFT | prot.val | _PAGE_PSE |
			_PAGE_ACCESSED | _PAGE_DIRTY };
}

/* An entry for a table: user and writable, for the table's own entries decide. */
static inline pte_t mk_table(pfn_t pfn, int level)
{
	(void)level;
	return mk_pte(pfn, __pgprot(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED));
}

/* The largest level whose entries may be leaves. */
static inline int arch_max_huge_level(void) { return PGTABLE_LEVELS > 3 ? 3 : 2; }

static inline pte_t get_pte(const pte_t *p) { return (pte_t){ *(const volatile pteval_t *)&p->val }; }
static inline void set_pte(pte_t *p, pte_t e) { *(volatile pteval_t *)&p->val = e.val; }
static inline pte_t xchg_pte(pte_t *p, pte_t e)
{
	return (pte_t){ __atomic_exchange_n(&p->val, e.val, __ATOMIC_ACQ_REL) };
}

phys_addr_t arch_pt_root(void);
void flush_tlb_page(unsigned long addr);
void flush_tlb_all(void);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

#endif
