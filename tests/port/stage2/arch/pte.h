/* SPDX-License-Identifier: MIT */
/*
 * pte.h of the port that stops at stage 2: a format that no CPU has.
 *
 * Three levels of 512 entries; the frame's number is in the low 40 bits, the rights are
 * above it.  Whatever in mm/ knew of a PC's bits would not work here.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include <quarry/types.h>
#include <arch/layout.h>

typedef u64 pteval_t;
typedef struct { pteval_t val; } pte_t;
typedef struct { pteval_t val; } pgprot_t;

#define PGTABLE_LEVELS 3
#define PT_TOP_FIXED 0

static inline unsigned pt_shift(int level) { return PAGE_SHIFT + 9 * (unsigned)(level - 1); }
static inline unsigned pt_entries(int level) { (void)level; return 512; }
static inline unsigned pt_index(unsigned long addr, int level) { return addr >> pt_shift(level) & 511; }

enum { BIT_PRESENT = 40, BIT_WRITE, BIT_USER, BIT_EXEC, BIT_DIRTY, BIT_YOUNG, BIT_GLOBAL, BIT_HUGE, BIT_NOCACHE };
#define PT(bit) (1ULL << BIT_##bit)
#define PROT(bits) ((pgprot_t){ PT(PRESENT) | (bits) })

#define PAGE_KERNEL_RO PROT(PT(GLOBAL))
#define PAGE_KERNEL PROT(PT(GLOBAL) | PT(WRITE))
#define PAGE_KERNEL_EXEC PROT(PT(GLOBAL) | PT(WRITE) | PT(EXEC))
#define PAGE_KERNEL_NOCACHE PROT(PT(GLOBAL) | PT(WRITE) | PT(NOCACHE))
#define PAGE_READONLY PROT(PT(USER))
#define PAGE_READONLY_EXEC PROT(PT(USER) | PT(EXEC))
#define PAGE_SHARED PROT(PT(USER) | PT(WRITE))
#define PAGE_SHARED_EXEC PROT(PT(USER) | PT(WRITE) | PT(EXEC))

static inline bool pte_none(pte_t e) { return e.val == 0; }
static inline bool pte_present(pte_t e) { return e.val & PT(PRESENT); }
static inline bool pte_huge(pte_t e) { return e.val & PT(HUGE); }
static inline bool pte_write(pte_t e) { return e.val & PT(WRITE); }
static inline bool pte_user(pte_t e) { return e.val & PT(USER); }
static inline bool pte_exec(pte_t e) { return e.val & PT(EXEC); }
static inline bool pte_dirty(pte_t e) { return e.val & PT(DIRTY); }
static inline bool pte_young(pte_t e) { return e.val & PT(YOUNG); }
static inline bool pte_global(pte_t e) { return e.val & PT(GLOBAL); }
static inline pfn_t pte_pfn(pte_t e) { return e.val & (PT(PRESENT) - 1); }

static inline pgprot_t pgprot_set(pgprot_t prot, u64 bit, bool on)
{
	return (pgprot_t){ on ? prot.val | bit : prot.val & ~bit };
}
static inline pgprot_t pgprot_write(pgprot_t prot, bool allowed) { return pgprot_set(prot, PT(WRITE), allowed); }
static inline pgprot_t pgprot_exec(pgprot_t prot, bool allowed) { return pgprot_set(prot, PT(EXEC), allowed); }
static inline pgprot_t pte_prot(pte_t e) { return (pgprot_t){ e.val & ~(PT(PRESENT) - 1) & ~PT(HUGE) }; }

static inline pte_t mk_pte(pfn_t pfn, pgprot_t prot) { return (pte_t){ pfn | prot.val }; }
static inline pte_t pte_advance(pte_t e, pfn_t n) { return (pte_t){ e.val + n }; }
static inline pte_t mk_huge(pfn_t pfn, pgprot_t prot) { return (pte_t){ pfn | prot.val | PT(HUGE) }; }
static inline pte_t mk_table(pfn_t pfn, int level) { (void)level; return mk_pte(pfn, PAGE_SHARED_EXEC); }
static inline pte_t get_pte(const pte_t *p) { return (pte_t){ *(const volatile pteval_t *)&p->val }; }
static inline pte_t xchg_pte(pte_t *p, pte_t e)
{
	return (pte_t){ __atomic_exchange_n(&p->val, e.val, __ATOMIC_ACQ_REL) };
}
static inline void set_pte(pte_t *p, pte_t e) { *(volatile pteval_t *)&p->val = e.val; }
static inline int arch_max_huge_level(void) { return 1; }

void flush_tlb_page(unsigned long addr);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

#endif
