/* SPDX-License-Identifier: MIT */
/*
 * early.c: seeing physical memory before it is mapped.
 *
 * Until low memory has its map, early_table (one page table; two with PAE) is a window
 * of 4 MiB that looks wherever we want:
 *
 *	PAGE_OFFSET		the first 8 MiB (tables.S)
 *	PAGE_OFFSET + 8 MiB	early_table: the window (later: low memory, like the rest)
 *
 * A new look moves the window; what is needed longer must be copied.
 */
#include "pc.h"
#include "tables.h"

#define EARLY_WINDOW (PAGE_OFFSET + (8ul << 20))
#define EARLY_PAGES ((4u << 20) >> PAGE_SHIFT)
#define EARLY_TABLES (EARLY_PAGES / PTRS_PER_PT)

static pte_t early_table[EARLY_PAGES] __attribute__((aligned(4096), section(".bss.page_aligned")));

static void set_tables(bool there)
{
	pfn_t pfn = (pfn_t)(__pa(early_table) >> PAGE_SHIFT);

	for (unsigned i = 0; i < EARLY_TABLES; i++)
		set_pte(kernel_entry(EARLY_WINDOW) + i, there ? mk_table(pfn + i, 2) : (pte_t){ 0 });
}

const void *early_map(u32 phys, u32 len)
{
	u32 first = phys >> PAGE_SHIFT, pages;

	len = min(len, (4u << 20) - (phys & ~(u32)PAGE_MASK));
	pages = (u32)(((u64)(phys & ~(u32)PAGE_MASK) + len + PAGE_SIZE - 1) >> PAGE_SHIFT);
	for (u32 i = 0; i < EARLY_PAGES; i++)
		set_pte(&early_table[i], i < pages ?
			mk_pte((first + i) & 0xfffff, PAGE_KERNEL_RO) : (pte_t){ 0 });
	set_tables(true);
	flush_tlb_all();
	return (const char *)EARLY_WINDOW + (phys & ~PAGE_MASK);
}

void early_unmap(void)
{
	set_tables(false);
	flush_tlb_all();
}

void early_string(char *to, size_t len, u32 phys)
{
	const char *from = early_map(phys, (u32)len);
	size_t i;

	for (i = 0; i + 1 < len && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}
