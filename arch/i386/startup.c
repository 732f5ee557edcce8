/* SPDX-License-Identifier: MIT */
/*
 * startup.c: the page tables on which another processor switches paging on: a directory as
 * a task has it, whose user half maps one page, where it starts, to itself.
 */
#include "pc.h"
#include <quarry/pgtable.h>

static pte_t *root;

u32 startup_tables(phys_addr_t page)
{
	pgprot_t prot = __pgprot(PAGE_KERNEL_EXEC.val & ~(pteval_t)_PAGE_GLOBAL);

	root = pt_root_alloc();
	if (root && pt_map_range(root, (unsigned long)page, PAGE_SIZE, (pfn_t)(page >> PAGE_SHIFT), prot, false,
				 &pt_ops_kernel) == 0)
		return (u32)__pa(root);
	if (root)
		startup_tables_free();
	return 0;
}

void startup_tables_free(void)
{
	pt_free_tables(root, 0, TASK_SIZE, &pt_ops_kernel);
	pt_root_free(root);
}

void startup_high(void);

u32 startup_entry(void)
{
	return (u32)startup_high;
}
