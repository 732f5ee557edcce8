/* SPDX-License-Identifier: MIT */
/*
 * startup.c: the page tables on which another processor enters long mode: those of start.S,
 * which lie below 4 GiB, where 32-bit code can name them.  Their map of linear =
 * physical, gone since the boot, is there again for as long.
 */
#include "pc.h"
#include <quarry/pgtable.h>

extern pte_t boot_pml4[], boot_pml5[];

static pte_t *root(void)
{
	return read_cr4() & CR4_LA57 ? boot_pml5 : boot_pml4;
}

u32 startup_tables(phys_addr_t page)
{
	(void)page;	/* below 4 GiB, all of which is mapped */
	set_pte(&root()[0], root()[pt_index(PAGE_OFFSET, PGTABLE_LEVELS)]);
	return (u32)__pa_symbol(root());
}

void startup_tables_free(void)
{
	set_pte(&root()[0], (pte_t){ 0 });
}

extern char startup_long_mode[];

u32 startup_entry(void)
{
	return (u32)(unsigned long)startup_long_mode;
}
