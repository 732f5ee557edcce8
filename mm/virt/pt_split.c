/* SPDX-License-Identifier: MIT */
/*
 * pt_split.c: large pages cut into smaller ones (rows E2, E5).
 *
 *	before	level L:  | large page, frames f ... f + n - 1, rights r |
 *
 *	after	level L:  | table |
 *	                     |
 *	        level L-1:   +--> | f, r | f + m, r | f + 2m, r | ... |
 *
 * The table is filled while nobody knows it, then one exchange puts it in the place of
 * the large page.  A CPU that walks meanwhile finds the one or the other, and both
 * give the same translation; so does what TLBs remember of the large page.  Nothing
 * is ever absent, no fault can come of it, no CPU is stopped.  An MMU that marked the
 * large page accessed or dirty between the filling and the exchange would be lost:
 * therefore large pages bear both marks from the start (P.7).
 *
 * A TLB that still holds the large page is true only until one of the small entries
 * changes: who changes one flushes its address on every CPU, as for any change; that
 * drops the large page whole (Intel's manual, volume 3, 4.10.4.1).
 *
 * Worked example: 4 MiB at 0xc0400000, frames 0x400 ... 0x7ff; 0xc0500000 is to become
 * read-only.  A table of 1024 entries is made, 0x400 ... 0x7ff, all writable, and put
 * in; then entry 256 is changed, then its address flushed.
 *
 * Locking: pt_lock while the table is filled and entered.  Failure: only for want of a
 * table, before anything is done.  Cost: the entries of a table, and the number of
 * roots when the entry is one they share.  Nothing joins small pages again.
 */
#include "pt_internal.h"

static void fill_table(pte_t *table, pte_t large, int level)
{
	pfn_t pfn = pte_pfn(large), step = span(level) >> PAGE_SHIFT;

	for (unsigned i = 0; i < pt_entries(level); i++, pfn += step)
		set_pte(table + i, mk_leaf(pfn, level, pte_prot(large)));
}

bool pt_split(pte_t *root, unsigned long addr, pte_t *table)
{
	unsigned long flags = spin_lock_irqsave(&pt_lock);
	int level;
	pte_t *slot = walk_down(root, addr, 1, &level);
	pte_t old = get_pte(slot);
	bool large = level > 1 && pte_present(old);

	if (large) {
		fill_table(table, old, level - 1);
		pt_set_entry(root, slot, level, mk_table(table_pfn(table), level));	/* releases what was filled */
	}
	spin_unlock_irqrestore(&pt_lock, flags);
	return large;
}

bool pt_crosses(pte_t *root, unsigned long addr)
{
	int level;
	pte_t *slot = walk_down(root, addr, 1, &level);

	return level > 1 && !IS_ALIGNED(addr, span(level)) && pte_present(get_pte(slot));
}

static int split_at(pte_t *root, unsigned long addr, const struct pt_ops *ops, unsigned *made)
{
	while (pt_crosses(root, addr)) {
		pte_t *table = ops->alloc_table();

		if (!table)
			return -ENOMEM;
		if (pt_split(root, addr, table))
			++*made;
		else
			ops->free_table(table);		/* somebody was faster */
	}
	return 0;
}

int pt_split_range(pte_t *root, unsigned long addr, size_t size, const struct pt_ops *ops, unsigned *made)
{
	int err = split_at(root, addr, ops, made);

	return err ? err : split_at(root, addr + size, ops, made);
}
