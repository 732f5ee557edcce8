/* SPDX-License-Identifier: MIT */
/*
 * paging.c: the kernel's directory and the direct map (rows A3, E4, E5).
 *
 * swapper_pg_dir is static.  Of its 1024 entries 0 to 767, user space, are empty; 768
 * to 1023, the kernel's gigabyte, are shared by every task's directory.  tables.S
 * mapped the first 8 MiB; here the rest of low memory follows, from PAGE_OFFSET on,
 * 4 MiB to an entry of level 2:
 *
 *	with PSE	the entry itself is a page of 4 MiB: no table, one TLB entry
 *	without		a table of 1024 entries, taken from memblock
 *
 * Example: 512 MiB are entries 768 to 895; with PSE 128 large pages and no table,
 * else 126 tables more, 504 KiB.  Where low memory ends inside a large page, its
 * last part is mapped by a table in both cases, so that an overrun faults.
 *
 * With PAE (arch/i386-pae) the same code sees entries of 2 MiB and tables of 512; the
 * kernel's directories are static, too, and the four pointers above them never change.
 * With NX only the pages of the kernel's own code may be executed.
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
#include "tables.h"
#include <quarry/init.h>

/* Until CPUID says otherwise: neither large nor global pages, and no NX. */
pteval_t arch_pte_supported = ~(pteval_t)(_PAGE_PSE | _PAGE_GLOBAL | _PAGE_NX);

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

/* Code of the kernel's may be run, nothing else. */
static pgprot_t low_prot(pfn_t pfn, pfn_t end)
{
	bool code = pfn < PAGE_ALIGN(__pa(_etext)) >> PAGE_SHIFT && end > __pa(_text) >> PAGE_SHIFT;

	return code ? PAGE_KERNEL_EXEC : PAGE_KERNEL;
}

/* Map frames [pfn, end), at most one entry's worth. */
static void map_by_table(pte_t *entry, pfn_t pfn, pfn_t end)
{
	pte_t *table = table_for(entry, (phys_addr_t)pfn << PAGE_SHIFT);

	for (unsigned i = 0; i < PTRS_PER_PT; i++, pfn++)
		set_pte(&table[i], pfn < end ? mk_pte(pfn, low_prot(pfn, pfn + 1)) : (pte_t){ 0 });
}

static void __noinline kernel_physical_mapping_init(pfn_t end)
{
	pte_t *entry = kernel_entry(PAGE_OFFSET);

	for (pfn_t pfn = 0; pfn < end; pfn += PTRS_PER_PT, entry++) {
		pfn_t next = min(pfn + PTRS_PER_PT, end);

		if (cpu_has(X86_PSE) && next - pfn == PTRS_PER_PT)
			set_pte(entry, mk_huge(pfn, low_prot(pfn, next)));
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
	if (_PAGE_NX != 0 && cpu_has(X86_NX)) {
		arch_pte_supported |= _PAGE_NX;
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	}
}

static void __noinline pagetable_init(void)
{
	use_features();
	kernel_physical_mapping_init(max_low_pfn);
}

static void __noinline paging_init(void)
{
	pagetable_init();
	write_cr3((u32)__pa(swapper_pg_dir));
	if (cpu_has(X86_PGE))
		write_cr4(read_cr4() | CR4_PGE);
	flush_tlb_all();
}

void paging_describe(struct seq *s)
{
	seq_printf(s, "Paging: %s, %lu %s pages for the direct map, %s%s\n",
		   PGTABLE_LEVELS == 2 ? "two levels" : "three levels (PAE)",
		   cpu_has(X86_PSE) ? 1ul << (pt_shift(2) - 20) : 4ul, cpu_has(X86_PSE) ? "MiB" : "KiB",
		   cpu_has(X86_PGE) ? "global" : "not global (no PGE)",
		   arch_pte_supported & _PAGE_NX ? ", only code is executable (NX)" : "");
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
