/* SPDX-License-Identifier: MIT */
/*
 * paging.c: the kernel's page tables and the direct map (rows A3, E4, E5).
 *
 * start.S runs on tables of its own that show the first 4 GiB three times.  Here
 * swapper_pg_dir is built beside them, by the walker that everybody uses, and loaded:
 *
 *	image		text read-only and executable, constants read-only, data writable
 *	direct map	memory alone, from PAGE_OFFSET on, in the largest pages that fit:
 *			1 GiB where the CPU has them, 2 MiB, 4 KiB at the edges
 *
 * A hole in the memory map is a hole in the direct map, so that an address of none
 * faults; but for the first MiB, where the screen and the BIOS are.
 *
 * Worked example: 8 GiB, of which 3 GiB lie below the hole for devices.  [1, 2) MiB
 * and the last of the 3 GiB are small pages, then 511 of 2 MiB up to 1 GiB, one of
 * 1 GiB and what is left of the third; [4, 9) GiB are five pages of 1 GiB.
 *
 * The array of struct page, mem_map, is virtually contiguous from VMEMMAP_START on and
 * backed section by section: mm/boot/section.c says when, the functions at the end how,
 * with pages of 2 MiB for whole sections.
 *
 * Only text may be run (NX), and all entries are global (PGE): they survive the reload
 * of CR3 at a task switch.
 */
#include "pc.h"
#include <quarry/init.h>

#define BOOT_MAPPED (4ull << 30)	/* by start.S */
#define LEGACY_END (1ull << 20)

struct arch_layout arch_layout = {
	.levels = 4, .page_offset = PAGE_OFFSET_4, .task_size = (1ul << 47) - 4096,
	.vmalloc_start = 0xffffc90000000000, .vmalloc_end = 0xffffe90000000000,
	.vmemmap_start = 0xffffea0000000000,
};

static const struct arch_layout five_levels = {
	.levels = 5, .page_offset = PAGE_OFFSET_5, .task_size = (1ul << 56) - 4096,
	.vmalloc_start = 0xffa0000000000000, .vmalloc_end = 0xffd2000000000000,
	.vmemmap_start = 0xffd4000000000000,
};

/* Until CPUID says otherwise: neither global pages nor NX. */
pteval_t arch_pte_supported = ~(_PAGE_GLOBAL | _PAGE_NX);

void layout_init(void)
{
	if (read_cr4() & CR4_LA57)
		arch_layout = five_levels;
}

int arch_max_huge_level(void)
{
	return cpu_has(X86_GBPAGES) ? 3 : 2;
}

static void use_features(void)
{
	if (cpu_has(X86_PGE))
		arch_pte_supported |= _PAGE_GLOBAL;
	if (cpu_has(X86_NX)) {
		arch_pte_supported |= _PAGE_NX;
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	}
}

static void map(unsigned long addr, phys_addr_t start, phys_addr_t end, pgprot_t prot)
{
	if (start < end && pt_map_range(swapper_pg_dir, addr, end - start, start >> PAGE_SHIFT, prot, true,
					&pt_ops_boot))
		boot_stop("no memory for the page tables of 0x%llx-0x%llx", (unsigned long long)start,
			  (unsigned long long)end);
}

static void map_image(const char *start, const char *end, pgprot_t prot)
{
	map((unsigned long)start, __pa_symbol(start), ALIGN(__pa_symbol(end), PAGE_SIZE), prot);
}

static void kernel_image_mapping_init(void)
{
	map_image(_text, _etext, PAGE_KERNEL_TEXT);
	map_image(_rodata, _erodata, PAGE_KERNEL_RO);
	map_image(_data, _ebss, PAGE_KERNEL);
	map_image((const char *)ALIGN((unsigned long)_ebss, PAGE_SIZE), _end, PAGE_KERNEL_RO);
}

static void kernel_physical_mapping_init(void)
{
	map((unsigned long)__va(0), 0, LEGACY_END, PAGE_KERNEL);
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];
		phys_addr_t start = max(ALIGN(r->base, PAGE_SIZE), (phys_addr_t)LEGACY_END);

		map((unsigned long)__va(start), start, ALIGN_DOWN(r->base + r->size, PAGE_SIZE), PAGE_KERNEL);
	}
}

static void __noinline paging_init(void)
{
	use_features();
	memblock.current_limit = min((phys_addr_t)BOOT_MAPPED, memblock_end_of_DRAM());
	kernel_image_mapping_init();
	kernel_physical_mapping_init();
	write_cr3(__pa_symbol(swapper_pg_dir));
	if (cpu_has(X86_PGE))
		write_cr4(read_cr4() | CR4_PGE);
	flush_tlb_all();
}

void paging_describe(struct seq *s)
{
	seq_printf(s, "Paging: %s levels, direct map in pages of up to %s, %s, %s\n",
		   arch_layout.levels == 5 ? "five" : "four", cpu_has(X86_GBPAGES) ? "1 GiB" : "2 MiB",
		   cpu_has(X86_PGE) ? "global" : "not global (no PGE)",
		   cpu_has(X86_NX) ? "NX" : "no NX");
}

void arch_paging_init(void)
{
	max_low_pfn = memblock_end_of_DRAM() >> PAGE_SHIFT;
	high_memory = __va((phys_addr_t)max_low_pfn << PAGE_SHIFT);
	paging_init();
	memblock.current_limit = (phys_addr_t)max_low_pfn << PAGE_SHIFT;
}

void arch_prepare_mem_map(unsigned long addr, unsigned long size)
{
	if (pt_prepare_range(swapper_pg_dir, addr, size, 2, &pt_ops_boot))
		boot_stop("no memory for the page tables of mem_map, 0x%lx + 0x%lx", addr, size);
}

void arch_map_mem_map(unsigned long addr, unsigned long size, pfn_t pfn)
{
	if (pt_map_range(swapper_pg_dir, addr, size, pfn, PAGE_KERNEL, true, &pt_ops_boot))
		mm_panic("mem_map: cannot map 0x%lx + 0x%lx to frame 0x%lx", addr, size, pfn);
}

void arch_zone_borders(pfn_t max_zone_pfn[MAX_NR_ZONES])
{
	max_zone_pfn[ZONE_DMA] = min((pfn_t)(ZONE_DMA_END_MB << 20 >> PAGE_SHIFT), max_low_pfn);
	max_zone_pfn[ZONE_DMA32] = min((pfn_t)ZONE_DMA32_END_MB << (20 - PAGE_SHIFT), max_low_pfn);
	max_zone_pfn[ZONE_NORMAL] = max_zone_pfn[ZONE_HIGHMEM] = max_low_pfn;
}
