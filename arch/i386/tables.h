/* SPDX-License-Identifier: MIT */
/*
 * tables.h: the kernel's entries of level 2, side by side; tables.S has them.
 */
#ifndef I386_TABLES_H
#define I386_TABLES_H

#include <quarry/pgtable.h>

extern pte_t kernel_level2[];

/** kernel_entry() - the entry of level 2 for an address from PAGE_OFFSET on. */
static inline pte_t *kernel_entry(unsigned long addr)
{
	return kernel_level2 + ((addr - PAGE_OFFSET) >> pt_shift(2));
}

#endif
