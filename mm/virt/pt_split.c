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
 * roots when the entry is one they share.
 *
 * And back: a table of the direct map whose entries have become what fill_table() would
 * write gives way to the large page again (pt_join), by the same exchange.  Only there,
 * for nobody else but set_memory.c changes those entries.
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

/* ---- large pages instead of tables --------------------------------------------------- */

bool pt_room_for_large(const pte_t *slot, int level)
{
	pte_t e = get_pte(slot);

	return pte_none(e) || (names_table(e) && pt_table_is_empty(table_of(e), level - 1));
}

bool pt_enter_large(pte_t *slot, int level, pte_t e, pte_t **table)
{
	unsigned long flags = spin_lock_irqsave(&pt_lock);
	bool room = pt_room_for_large(slot, level);
	pte_t old = { 0 };

	if (room)
		old = xchg_pte(slot, e);
	spin_unlock_irqrestore(&pt_lock, flags);
	*table = pte_none(old) ? NULL : table_of(old);
	return room;
}

/* Has @table, of @level, become what a split large page is?  Then that large page. */
static bool is_whole(const pte_t *table, int level, pte_t *large)
{
	pte_t first = get_pte(table);
	pfn_t step = span(level) >> PAGE_SHIFT;

	*large = mk_huge(pte_pfn(first), pte_prot(first));
	if (!pte_present(first) || !IS_ALIGNED(pte_pfn(first), span(level + 1) >> PAGE_SHIFT))
		return false;
	for (unsigned i = 0; i < pt_entries(level); i++)
		if (get_pte(table + i).val != mk_leaf(pte_pfn(first) + i * step, level, pte_prot(first)).val)
			return false;
	return true;
}

pte_t *pt_join(unsigned long addr, int level)
{
	unsigned long flags = spin_lock_irqsave(&pt_lock);
	pte_t *slot, *table = NULL, large;
	int found;

	slot = walk_down(swapper_pg_dir, addr, level + 1, &found);
	if (level < arch_max_huge_level() && found == level + 1 && names_table(get_pte(slot)))
		table = table_of(get_pte(slot));
	if (table && PageTable(virt_to_page(table)) && is_whole(table, level, &large))
		pt_set_entry(swapper_pg_dir, slot, level + 1, large);
	else
		table = NULL;
	spin_unlock_irqrestore(&pt_lock, flags);
	return table;
}
