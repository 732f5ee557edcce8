/* SPDX-License-Identifier: MIT */
/*
 * pte_bits.h: what page-table entries of all x86 formats have in common; read by
 * <arch/pte.h>, which has said pteval_t, PTE_PFN_MASK, _PAGE_NX (0 where there is no
 * such bit) and arch_pte_supported, the bits that entries may use on this CPU.
 *
 * Bits as in Intel's manual, volume 3, 4.3 to 4.5.
 */
#ifndef ARCH_PTE_BITS_H
#define ARCH_PTE_BITS_H

typedef struct { pteval_t val; } pte_t;
typedef struct { pteval_t val; } pgprot_t;

#define _PAGE_PRESENT 0x001u
#define _PAGE_RW 0x002u
#define _PAGE_USER 0x004u
#define _PAGE_PWT 0x008u
#define _PAGE_PCD 0x010u
#define _PAGE_ACCESSED 0x020u
#define _PAGE_DIRTY 0x040u
#define _PAGE_PSE 0x080u	/* above level 1: a large page */
#define _PAGE_GLOBAL 0x100u	/* survives a reload of CR3 */

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
	return (pte_t){ (pteval_t)pfn << PAGE_SHIFT | (prot.val & arch_pte_supported) };
}

/* The same rights for the frame @n further on. */
static inline pte_t pte_advance(pte_t e, pfn_t n)
{
	return (pte_t){ e.val + ((pteval_t)n << PAGE_SHIFT) };
}

/* A large page: accessed and dirty from the start, so that the MMU never writes to its entry. */
static inline pte_t mk_huge(pfn_t pfn, pgprot_t prot)
{
	pteval_t bits = prot.val | _PAGE_PSE | _PAGE_ACCESSED | _PAGE_DIRTY;

	return (pte_t){ (pteval_t)pfn << PAGE_SHIFT | (bits & arch_pte_supported) };
}

#endif
