/* SPDX-License-Identifier: MIT */
/*
 * paging.c: the kernel's directory and the direct map (rows A3, E4, E5).
 *
 * swapper_pg_dir is static, 1024 entries.  0 to 767, user space, are empty; 768 to
 * 1023, the kernel's gigabyte, are shared by every task's directory.  start.S
 * mapped the first 8 MiB with pg0 and pg1; here the rest of low memory follows, from
 * PAGE_OFFSET on, 4 MiB to a directory entry:
 *
 *	with PSE	the entry itself is a page of 4 MiB: no table, one TLB entry
 *	without		a table of 1024 entries, taken from memblock
 *
 * Example: 512 MiB are entries 768 to 895; with PSE 128 large pages and no table,
 * else 126 tables more, 504 KiB.  Where low memory ends inside a large page, its
 * last part is mapped by a table in both cases, so that an overrun faults.
 *
 * The tables come from memory that is mapped already.  As long as the first 8 MiB
 * have room they lie there, side by side; only then is memblock.current_limit moved
 * up to what has been mapped meanwhile.  So they stay together, and large blocks of
 * low memory stay whole.
 *
 * With PGE kernel entries are global: they survive the reload of CR3 at a task
 * switch.
 */
#include "pc.h"
#include <quarry/init.h>

/* Until CPUID says otherwise: neither large nor global pages. */
pteval_t arch_pte_supported = ~(_PAGE_PSE | _PAGE_GLOBAL);

/* The table behind @entry; a new one if need be.  @mapped: end of the direct map so far. */
static pte_t *table_for(pte_t *entry, phys_addr_t mapped)
{
	pte_t *table;

	if (pte_present(*entry) && !pte_huge(*entry))
		return __va((phys_addr_t)pte_pfn(*entry) << PAGE_SHIFT);
	if (!memblock_find_in(&memblock, PAGE_SIZE, PAGE_SIZE, 0, memblock.current_limit))
		memblock.current_limit = max(memblock.current_limit, mapped);
	table = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	if (!table)
		boot_stop("no memory for a page table below 0x%llx",
			  (unsigned long long)memblock.current_limit);
	set_pte(entry, mk_table((pfn_t)(__pa(table) >> PAGE_SHIFT), 2));
	return table;
}

/* Map frames [pfn, end), at most one directory entry's worth. */
static void map_by_table(pte_t *entry, pfn_t pfn, pfn_t end)
{
	pte_t *table = table_for(entry, (phys_addr_t)pfn << PAGE_SHIFT);

	for (unsigned i = 0; i < PTRS_PER_PT; i++, pfn++)
		set_pte(&table[i], pfn < end ? mk_pte(pfn, PAGE_KERNEL) : (pte_t){ 0 });
}

static void __noinline kernel_physical_mapping_init(pte_t *root, pfn_t end)
{
	pte_t *entry = &root[pt_index(PAGE_OFFSET, 2)];

	for (pfn_t pfn = 0; pfn < end; pfn += PTRS_PER_PT, entry++) {
		pfn_t next = min(pfn + PTRS_PER_PT, end);

		if (cpu_has(X86_PSE) && next - pfn == PTRS_PER_PT)
			set_pte(entry, mk_huge(pfn, PAGE_KERNEL));
		else
			map_by_table(entry, pfn, next);
	}
}

static void use_features(void)
{
	if (cpu_has(X86_PSE)) {
		arch_pte_supported |= _PAGE_PSE;
		write_cr4(read_cr4() | CR4_PSE);
	}
	if (cpu_has(X86_PGE))
		arch_pte_supported |= _PAGE_GLOBAL;
}

static void __noinline pagetable_init(pte_t *root)
{
	use_features();
	kernel_physical_mapping_init(root, max_low_pfn);
}

static void __noinline paging_init(void)
{
	pagetable_init(swapper_pg_dir);
	write_cr3((u32)__pa(swapper_pg_dir));
	if (cpu_has(X86_PGE))
		write_cr4(read_cr4() | CR4_PGE);
	flush_tlb_all();
}

void paging_describe(struct seq *s)
{
	seq_printf(s, "Paging: two levels, %s pages for the direct map, %s\n",
		   cpu_has(X86_PSE) ? "4 MiB" : "4 KiB",
		   cpu_has(X86_PGE) ? "global" : "not global (no PGE)");
}

static pfn_t end_of_memory(void)
{
	return (pfn_t)(memblock_end_of_DRAM() >> PAGE_SHIFT);
}

void arch_paging_init(void)
{
	max_low_pfn = min(end_of_memory(), (pfn_t)(MAXMEM >> PAGE_SHIFT));
	high_memory = __va((phys_addr_t)max_low_pfn << PAGE_SHIFT);
	paging_init();
	memblock.current_limit = (phys_addr_t)max_low_pfn << PAGE_SHIFT;
}

void arch_zone_borders(pfn_t max_zone_pfn[MAX_NR_ZONES])
{
	pfn_t dma = min((pfn_t)(ZONE_DMA_END_MB << 20 >> PAGE_SHIFT), max_low_pfn);

	for (int i = 0; i < MAX_NR_ZONES; i++)
		max_zone_pfn[i] = end_of_memory();
	max_zone_pfn[ZONE_DMA] = dma;
	max_zone_pfn[ZONE_DMA32] = dma;		/* empty: ZONE_NORMAL begins where ZONE_DMA ends */
	max_zone_pfn[ZONE_NORMAL] = max_low_pfn;
}
