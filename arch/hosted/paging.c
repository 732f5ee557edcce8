/* SPDX-License-Identifier: MIT */
/*
 * paging.c: a machine's physical memory, in a file that exists only in memory.
 *
 * Idea.  A memfd is an array of bytes that can be mapped at many addresses at
 * once, and every mapping shows the same bytes: just what frames are to an MMU.
 * Offset in the file = physical address.  It is sparse: frames that nobody
 * touched cost nothing, so a machine of 4 GiB starts as fast as one of 16 MiB.
 *
 *	memfd		|frame 0|frame 1| ...            |frame n|...
 *			    |        \                        |
 *			    |         \ the same frame,       |
 *			    |          \  a second time       |
 *	process	 ---[ direct map      ]--\--[ vmalloc ]---[ kmap ]---
 *		    PAGE_OFFSET
 *
 * The direct map is one mapping made here, as a PC's kernel makes it once with
 * big pages.  Everything above it belongs to mmu.c.
 *
 * The kernel's image is the program, which is no part of this memory; with one
 * exception.  swapper_pg_dir is named by the linker *and* read by the MMU as
 * frames, so its page in the program is replaced by a mapping of a frame: two
 * addresses, one directory.
 *
 * Low memory.  --lowmem says how much the direct map covers.  The default is a
 * quarter of the memory, at least 64 MiB: small on purpose, so that every test
 * has high memory to deal with; in 64 bits it may be all the memory there is.  In 32
 * bits mem_map must fit in it, in 64 only the parts of it that come up with the machine.
 */
#include "hosted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <quarry/init.h>

#define MB(n) ((phys_addr_t)(n) << 20)

int phys_fd = -1;
phys_addr_t phys_end;
unsigned long lowmem_size;
const struct e820_entry *hosted_map;
unsigned hosted_map_entries;
phys_addr_t hosted_beyond;

/* Row E4: static, a page, the kernel's half shared by all directories. */
pte_t swapper_pg_dir[PTRS_PER_PT] __attribute__((aligned(4096)));
_Static_assert(sizeof(swapper_pg_dir) == 4096, "a directory is one frame");
phys_addr_t swapper_frame;

static char why[256];

/* The PC that QEMU emulates: holes at 640 KiB and below 4 GiB, firmware on top of both. */
unsigned hosted_pc_map(struct e820_entry *map, phys_addr_t mem)
{
	phys_addr_t low = mem >= MB(3584) ? MB(3072) : mem, acpi = min(MB(1) / 8, low / 8);
	unsigned n = 0;

	map[n++] = (struct e820_entry){ 0, 0x9fc00, E820_RAM };
	map[n++] = (struct e820_entry){ 0x9fc00, 0x400, E820_RESERVED };
	map[n++] = (struct e820_entry){ 0xf0000, 0x10000, E820_RESERVED };
	if (low > MB(1)) {
		map[n++] = (struct e820_entry){ MB(1), low - acpi - MB(1), E820_RAM };
		map[n++] = (struct e820_entry){ low - acpi, acpi, E820_RESERVED };
	}
	map[n++] = (struct e820_entry){ 0xfffc0000, 0x40000, E820_RESERVED };
	if (mem > low)
		map[n++] = (struct e820_entry){ MB(4096), mem - low, E820_RAM };
	return n;
}

/* The size of low memory: what was asked for, or a quarter; within what there is. */
static unsigned long choose_lowmem(phys_addr_t asked, phys_addr_t end)
{
	phys_addr_t size = asked ? asked : max(MB(64), ALIGN(end / 4, MB(4)));

	size = min(size, (phys_addr_t)(asked ? MAXMEM : DEFAULT_LOWMEM_MAX));
	size = min(size, end);
	return (unsigned long)ALIGN_DOWN(size, PAGE_SIZE);
}

/* Room for mem_map and a little to live on, or a line that says what is missing. */
static const char *check_lowmem(phys_addr_t end)
{
	phys_addr_t need = (end >> PAGE_SHIFT) * sizeof(struct page) + MB(1) / 2;

	if (SPARSE_MEM_MAP || lowmem_size >= need)
		return NULL;
	snprintf(why, sizeof(why), "memory up to %llu MiB needs at least %llu KiB of low memory for mem_map, "
		 "and there are %lu KiB", (unsigned long long)(end >> 20), (unsigned long long)(need >> 10),
		 lowmem_size >> 10);
	return why;
}

static const char *failed(const char *what)
{
	snprintf(why, sizeof(why), "%s: %s", what, strerror(errno));
	return why;
}

static const char *make_memory(phys_addr_t end)
{
	phys_end = end;
	phys_fd = memfd_create("quarry-memory", MFD_CLOEXEC);
	if (phys_fd < 0)
		return failed("memfd_create");
	if (ftruncate(phys_fd, (off_t)end))
		return failed("ftruncate of the memory file");
	if (mmap((void *)PAGE_OFFSET, lowmem_size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED | MAP_NORESERVE, phys_fd, 0) == MAP_FAILED)
		return failed("mmap of low memory");
	return NULL;
}

static const char *alias_swapper(void)
{
	swapper_frame = memblock_phys_alloc(sizeof(swapper_pg_dir), PAGE_SIZE);
	if (!swapper_frame)
		return "the memory map leaves no frame for the page directory";
	if (mmap(swapper_pg_dir, sizeof(swapper_pg_dir), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 phys_fd, (off_t)swapper_frame) == MAP_FAILED)
		return failed("mmap of swapper_pg_dir");
	mmu_load_root(swapper_frame);
	return NULL;
}

const char *hosted_power_on(const struct e820_entry *map, unsigned n, phys_addr_t lowmem)
{
	const char *err;
	phys_addr_t end;

	hosted_map = map;
	hosted_map_entries = n;
	threads_init();
	thread_adopt_idle();
	symbol_init();
	hosted_beyond = e820_to_memblock(&memblock, map, n, PHYS_LIMIT);
	end = memblock_end_of_DRAM();
	if (!end)
		return "the memory map holds no usable memory";
	lowmem_size = choose_lowmem(lowmem, end);
	memblock.current_limit = lowmem_size;
	err = hosted_numa_init(end);
	err = err ? err : check_lowmem(end);
	err = err ? err : mmu_init();
	err = err ? err : make_memory(end);
	err = err ? err : alias_swapper();
	if (!err)
		trap_init();
	return err;
}

/* ---- what mm_init() asks ------------------------------------------------------- */

/* The tables of the direct map, so that a walk finds it; the mapping itself is there already. */
void arch_paging_init(void)
{
	max_low_pfn = lowmem_size >> PAGE_SHIFT;
	high_memory = __va(lowmem_size);
	if (pt_map_range(swapper_pg_dir, PAGE_OFFSET, lowmem_size, 0, PAGE_KERNEL, true, &pt_ops_boot))
		crash("no memory for the page tables of low memory");
}

void arch_zone_borders(pfn_t max_zone_pfn[MAX_NR_ZONES])
{
	pfn_t dma = min((pfn_t)ZONE_DMA_END_MB << (20 - PAGE_SHIFT), max_low_pfn);

	max_zone_pfn[ZONE_DMA] = dma;
	max_zone_pfn[ZONE_DMA32] = dma;
	max_zone_pfn[ZONE_NORMAL] = max_low_pfn;
	max_zone_pfn[ZONE_HIGHMEM] = (pfn_t)(phys_end >> PAGE_SHIFT);
}

/* The entries, so that a walk finds them, and the mapping itself. */
void arch_map_mem_map(unsigned long addr, unsigned long size, pfn_t pfn)
{
	if (pt_map_range(swapper_pg_dir, addr, size, pfn, PAGE_KERNEL, true, &pt_ops_boot))
		crash("mem_map: cannot map 0x%lx, %lu KiB: no page table, or it is mapped already", addr, size >> 10);
	if (mmap((void *)addr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, phys_fd,
		 (off_t)pfn << PAGE_SHIFT) == MAP_FAILED)
		crash("mem_map: cannot map 0x%lx, %lu KiB: %s", addr, size >> 10, strerror(errno));
}

void arch_prepare_mem_map(unsigned long addr, unsigned long size)
{
	if (pt_prepare_range(swapper_pg_dir, addr, size, 2, &pt_ops_boot))
		crash("no memory for the page tables of mem_map");
}
