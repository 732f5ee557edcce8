/* SPDX-License-Identifier: MIT */
/*
 * stage2.c: a port that stops at stage 2 of port.h, whole: page tables, kmap, vmalloc, and
 * nothing of tasks.  TAP.
 *
 * Memory is a file, its first half mapped from PAGE_OFFSET on.  Elsewhere an access
 * is a SIGSEGV whose handler walks swapper_pg_dir, as a CPU would, and maps what it
 * finds, as a TLB would keep it; a flush takes it away.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include <quarry/highmem.h>
#include <quarry/report.h>
#include <quarry/vmalloc.h>

#include "stage.h"

#define MEMORY (64ul << 20)
#define LOW (MEMORY / 2)

static int memory;
static unsigned long flushed;

/* ---- the port ------------------------------------------------------------------- */

pte_t swapper_pg_dir[512] __attribute__((aligned(4096)));
unsigned stage2_kmap_top;

void arch_paging_init(void)
{
	max_low_pfn = LOW >> PAGE_SHIFT;
	high_memory = (void *)(PAGE_OFFSET + LOW);
	memblock.current_limit = LOW;
	if (pt_map_range(swapper_pg_dir, PAGE_OFFSET, LOW, 0, PAGE_KERNEL, true, &pt_ops_boot))
		port_panic("no memory for the direct map");
}

void arch_zone_borders(pfn_t max_zone_pfn[MAX_NR_ZONES])
{
	max_zone_pfn[ZONE_DMA] = max_zone_pfn[ZONE_DMA32] = (16ul << 20) >> PAGE_SHIFT;
	max_zone_pfn[ZONE_NORMAL] = max_low_pfn;
	max_zone_pfn[ZONE_HIGHMEM] = MEMORY >> PAGE_SHIFT;
}

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	munmap((void *)start, end - start);
	flushed += (end - start) >> PAGE_SHIFT;
}

void flush_tlb_page(unsigned long addr)
{
	flush_tlb_kernel_range(addr, addr + PAGE_SIZE);
}

static void fill_tlb(int sig, siginfo_t *info, void *context)
{
	unsigned long page = (unsigned long)info->si_addr & PAGE_MASK;
	struct pt_walk walk;

	(void)context;
	pt_trace(swapper_pg_dir, page, &walk);
	if (!walk.present || mmap((void *)page, PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED_NOREPLACE, memory, (off_t)walk.phys) == MAP_FAILED)
		signal(sig, SIG_DFL);		/* a real one: again, and die of it */
}

static void switch_on(void)
{
	struct sigaction act = { .sa_sigaction = fill_tlb, .sa_flags = SA_SIGINFO };

	memory = memfd_create("memory", 0);
	if (memory < 0 || ftruncate(memory, MEMORY) || sigaction(SIGSEGV, &act, NULL) ||
	    mmap((void *)PAGE_OFFSET, LOW, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED_NOREPLACE, memory, 0) == MAP_FAILED)
		port_panic("no memory for the machine");
}

/* ---- its proof ------------------------------------------------------------------ */

static void to_stdout(struct seq *s, const char *text, size_t len)
{
	(void)s;
	port_log(text, len);
}

static void check_windows(struct page *page)
{
	char *p = kmap_atomic(page, KM_USER0);

	check((unsigned long)p >= FIXADDR_START && (unsigned long)p < FIXADDR_TOP, "kmap_atomic: a fixed slot");
	strcpy(p, "seen through every window");
	kunmap_atomic(p, KM_USER0);
	p = kmap_local_page(page);
	check(strcmp(p, "seen through every window") == 0, "kmap_local_page sees what kmap_atomic wrote");
	kunmap_local(p);
	p = kmap(page);
	check((unsigned long)p >= PKMAP_BASE && (unsigned long)p < FIXADDR_START, "kmap: a slot of its window");
	check(strcmp(p, "seen through every window") == 0, "kmap sees it, too");
	kunmap(page);
	p = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	check(strcmp(p, "seen through every window") == 0, "and vmap");
	vunmap(p);
}

static void check_vmalloc(void)
{
	enum { SIZE = 1 << 20 };
	char *p = vmalloc(SIZE);
	bool good = true;

	check(is_vmalloc_addr(p), "vmalloc: an address of its window");
	for (int i = 0; i < SIZE; i += PAGE_SIZE)
		*(int *)(p + i) = i;
	for (int i = 0; i < SIZE; i += PAGE_SIZE) {
		char *frame = kmap_local_page(vmalloc_to_page(p + i));

		good &= *(int *)frame == i;
		kunmap_local(frame);
	}
	check(good, "each page of the area is the frame that it names");
	vfree(p);
}

/* All slots taken: this port cannot sleep, so the next kmap is NULL. */
static void check_kmap_end(void)
{
	static struct page *page[LAST_PKMAP + 1];
	unsigned n = 0;

	misuse_quiet(true);
	while (n <= LAST_PKMAP && (page[n] = alloc_page(GFP_HIGHUSER)) && kmap(page[n]))
		n++;
	check(n == LAST_PKMAP, "kmap without a free slot, and nobody to wait for: NULL");
	__free_page(page[n]);
	while (n--) {
		kunmap(page[n]);
		__free_page(page[n]);
	}
	misuse_quiet(false);
}

static unsigned long free_pages_settled(void)
{
	kmap_flush_unused();
	vmalloc_purge();
	return free_pages_now();
}

int main(void)
{
	struct seq out = { to_stdout, NULL };
	unsigned long before;
	struct page *page;

	switch_on();
	memblock_add(0, MEMORY);
	memblock.current_limit = LOW;
	mm_init_mapping();
	before = free_pages_settled();
	page = alloc_page(GFP_HIGHUSER);
	check(page && PageHighMem(page) && !page_address(page), "memory without an address");
	check_windows(page);
	__free_page(page);
	check_vmalloc();
	check_kmap_end();
	check(flushed > 0, "what was unmapped was flushed");
	check(mm_check_all(&out) == 0, "every invariant holds");
	check(free_pages_settled() == before, "everything comes back");
	return plan();
}
