/* SPDX-License-Identifier: MIT */
/*
 * pt_internal.h: steps of a walk; between pgtable.c, pt_split.c and set_memory.c only.
 */
#ifndef MM_VIRT_PT_INTERNAL_H
#define MM_VIRT_PT_INTERNAL_H

#include <quarry/pgtable.h>
#include <quarry/spinlock.h>

#define TOP PGTABLE_LEVELS

/* Guards entries above level 1, and the list of roots. */
extern spinlock_t pt_lock;

static inline unsigned long span(int level)
{
	return 1UL << pt_shift(level);
}

/* The last address of the entry that covers @addr. */
static inline unsigned long span_last(unsigned long addr, int level)
{
	return addr | (span(level) - 1);
}

/* Go on behind the entry of @level at *@addr.  Return: false beyond @last. */
static inline bool step_over(unsigned long *addr, unsigned long last, int level)
{
	if (span_last(*addr, level) >= last)
		return false;
	*addr = span_last(*addr, level) + 1;
	return true;
}

/* Of an entry above level 1: does it name a table? */
static inline bool names_table(pte_t e)
{
	return pte_present(e) && !pte_huge(e);
}

static inline pte_t *table_of(pte_t e)
{
	return __va((phys_addr_t)pte_pfn(e) << PAGE_SHIFT);
}

static inline pfn_t table_pfn(const pte_t *table)
{
	return (pfn_t)(__pa(table) >> PAGE_SHIFT);
}

/* A leaf of @level. */
static inline pte_t mk_leaf(pfn_t pfn, int level, pgprot_t prot)
{
	return level == 1 ? mk_pte(pfn, prot) : mk_huge(pfn, prot);
}

/* Walk down as far as there are tables, to @want at the most. */
static __always_inline pte_t *walk_down(pte_t *root, unsigned long addr, int want, int *level)
{
	pte_t *slot = root + pt_index(addr, TOP), e;
	int l = TOP;

	while (l > want && names_table(e = get_pte(slot))) {
		l--;
		slot = table_of(e) + pt_index(addr, l);
	}
	*level = l;
	return slot;
}

static inline bool pt_table_is_empty(const pte_t *table, int level)
{
	for (unsigned i = 0; i < pt_entries(level); i++)
		if (!pte_none(get_pte(table + i)))
			return false;
	return true;
}

/** pt_set_entry() - exchange an entry, in every root where it is one that all share.  Under pt_lock. */
void pt_set_entry(pte_t *root, pte_t *slot, int level, pte_t e);

#endif
