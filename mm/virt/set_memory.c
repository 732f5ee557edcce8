/* SPDX-License-Identifier: MIT */
/*
 * set_memory.c: rights of kernel pages, changed while everybody uses them (rows E2, E5).
 *
 *	1. look	   is all of the range mapped?  does any page of it have other rights?
 *	2. split   the large pages across its two borders, for which tables may be needed
 *	3. change  every entry of the range, large or small; nothing of this can fail
 *	4. flush   the range, on every CPU
 *	5. join    in the direct map: tables that map what a large page would, again
 *
 * Check, then commit: up to 3 nothing has changed but the size of pages.  If a table is
 * missing in 2, step 5 takes back those that were made.
 *
 * Worked example: the kernel's text, 0xc0101000 to 0xc0136000, lies in the large page
 * of 4 MiB at 0xc0000000.  set_memory_ro() makes a table in its place, and entries 257
 * to 309 of it read-only; the other 971 stay as the large page was.
 *
 * Locking: pt_lock, for one entry at a time: two callers may change two rights of one
 * page, and both changes are made.
 */
#include <quarry/set_memory.h>

#include "pt_internal.h"

/* One right, allowed or not: pgprot_write() or pgprot_exec(). */
struct right {
	pgprot_t (*apply)(pgprot_t prot, bool allowed);
	bool allowed;
};

static bool range_ok(unsigned long addr, int numpages)
{
	return numpages > 0 && IS_ALIGNED(addr, PAGE_SIZE) && addr >= TASK_SIZE &&
	       (unsigned long)numpages - 1 <= (~0UL - addr) >> PAGE_SHIFT;
}

static pte_t with_right(pte_t e, int level, const struct right *right)
{
	return mk_leaf(pte_pfn(e), level, right->apply(pte_prot(e), right->allowed));
}

/* Step 1.  Return: 1: something is to be changed; 0: nothing; -EINVAL: a page is not mapped. */
static int look(unsigned long addr, unsigned long last, const struct right *right)
{
	int level, change = 0;
	pfn_t pfn;
	pte_t e;

	do {
		level = pt_leaf(swapper_pg_dir, addr, &e, &pfn);
		if (!level)
			return -EINVAL;
		change |= with_right(e, level, right).val != e.val;
	} while (step_over(&addr, last, level));
	return change;
}

/* Step 3. */
static void change(unsigned long addr, unsigned long last, const struct right *right)
{
	int level;

	do {
		unsigned long flags = spin_lock_irqsave(&pt_lock);
		pte_t *slot = walk_down(swapper_pg_dir, addr, 1, &level);

		pt_set_entry(swapper_pg_dir, slot, level, with_right(get_pte(slot), level, right));
		spin_unlock_irqrestore(&pt_lock, flags);
	} while (step_over(&addr, last, level));
}

/* Step 5. */
static void join(unsigned long addr, unsigned long last)
{
	pte_t *table;

	for (int level = 1; level < arch_max_huge_level(); level++) {
		unsigned long a = addr;

		do {
			table = pt_join(a, level);
			if (!table)
				continue;
			flush_tlb_kernel(ALIGN_DOWN(a, span(level + 1)), span_last(a, level + 1) + 1);
			pt_ops_kernel.free_table(table);
		} while (step_over(&a, last, level + 1));
	}
}

static int set_memory(unsigned long addr, int numpages, pgprot_t (*apply)(pgprot_t, bool), bool allowed)
{
	struct right right = { apply, allowed };
	unsigned long size = (unsigned long)numpages << PAGE_SHIFT, last = addr + size - 1;
	unsigned made = 0;
	int err = range_ok(addr, numpages) ? look(addr, last, &right) : -EINVAL;

	if (err <= 0)
		return err;
	err = pt_split_range(swapper_pg_dir, addr, size, &pt_ops_kernel, &made);
	if (!err) {
		change(addr, last, &right);
		flush_tlb_kernel(addr, last + 1);
	}
	if (virt_addr_valid((void *)addr))
		join(addr, last);
	return err;
}

int set_memory_ro(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, pgprot_write, false);
}

int set_memory_rw(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, pgprot_write, true);
}

int set_memory_nx(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, pgprot_exec, false);
}

int set_memory_x(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, pgprot_exec, true);
}
