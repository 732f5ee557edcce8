/* SPDX-License-Identifier: MIT */
/*
 * pte.h: page-table entries of i386's physical address extension, PAE (row E6).
 *
 *	 31   30 29              21 20             12 11              0
 *	+-------+------------------+-----------------+-----------------+
 *	| ptr(2)| directory (9)    | table index (9) | offset (12)     |
 *	+-------+------------------+-----------------+-----------------+
 *
 * Addresses are 32 bits as before, but entries have 64 and name frames beyond 4 GiB;
 * so a table has 512 of them, and four pointers stand above the directories.  The
 * processor reads the four when CR3 is loaded and not again: they never change
 * (PT_TOP_FIXED), and bits other than PRESENT are reserved in them.
 *
 * An entry is two words.  The MMU sees the lower one, with PRESENT, as soon as it is
 * written; so an entry comes to life by its upper half first and dies by its lower
 * half first, and one that lives is replaced by cmpxchg8b.
 *
 * Bits as in Intel's manual, volume 3, tables 4-8 to 4-11.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include <quarry/types.h>
#include <arch/layout.h>

typedef u64 pteval_t;

#define PGTABLE_LEVELS 3
#define PTRS_PER_PT 512
#define PT_TOP_FIXED 1

static __always_inline unsigned pt_shift(int level) { return PAGE_SHIFT + 9 * (unsigned)(level - 1); }
static __always_inline unsigned pt_entries(int level) { return level == 3 ? 4 : PTRS_PER_PT; }
static __always_inline unsigned pt_index(unsigned long addr, int level)
{
	return (addr >> pt_shift(level)) & (pt_entries(level) - 1);
}

#define _PAGE_NX (1ull << 63)	/* no instruction is fetched from here; reserved unless EFER.NXE is set */
#define PTE_PFN_MASK 0x000ffffffffff000ull

/* Bits that entries may use on this CPU: PSE, PGE and NX come and go with CPUID (row E5). */
extern pteval_t arch_pte_supported;

#include <arch/pte_bits.h>

/* An entry for a table.  A directory's: user and writable, for the table's own entries decide. */
static inline pte_t mk_table(pfn_t pfn, int level)
{
	pteval_t bits = level == 3 ? _PAGE_PRESENT : _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED;

	return (pte_t){ (pteval_t)pfn << PAGE_SHIFT | bits };
}

/* The largest level whose entries may be leaves on this CPU. */
static inline int arch_max_huge_level(void) { return arch_pte_supported & _PAGE_PSE ? 2 : 1; }

static inline volatile u32 *pte_half(const pte_t *p, int upper)
{
	return (volatile u32 *)(uintptr_t)&p->val + upper;
}

/* cmpxchg8b until nobody (the MMU sets ACCESSED and DIRTY) came between. */
static inline pte_t xchg_pte(pte_t *p, pte_t e)
{
	pteval_t old = p->val;
	bool done;

	do {
		__asm__ volatile("lock; cmpxchg8b %1" : "=@ccz"(done), "+m"(p->val), "+A"(old)
				 : "b"((u32)e.val), "c"((u32)(e.val >> 32)) : "memory");
	} while (!done);
	return (pte_t){ old };
}

static inline void set_pte(pte_t *p, pte_t e)
{
	if (!pte_present(e)) {
		*pte_half(p, 0) = (u32)e.val;
		*pte_half(p, 1) = (u32)(e.val >> 32);
	} else if (!(*pte_half(p, 0) & _PAGE_PRESENT)) {
		*pte_half(p, 1) = (u32)(e.val >> 32);
		*pte_half(p, 0) = (u32)e.val;
	} else {
		xchg_pte(p, e);
	}
}

/* Both halves of one value: the lower half, read again, has not changed. */
static inline pte_t get_pte(const pte_t *p)
{
	u32 low, high;

	do {
		low = *pte_half(p, 0);
		high = *pte_half(p, 1);
	} while (low != *pte_half(p, 0));
	return (pte_t){ (pteval_t)high << 32 | low };
}

static inline phys_addr_t arch_pt_root(void)
{
	u32 cr3;

	__asm__ volatile("movl %%cr3, %0" : "=r"(cr3));
	return cr3 & ~0x1fu;
}

static inline void flush_tlb_page(unsigned long addr)
{
	__asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

/* Global entries survive a reload of CR3, so kernel ranges go page by page or by CR4.PGE. */
void flush_tlb_all(void);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

#endif
