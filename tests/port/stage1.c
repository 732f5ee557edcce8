/* SPDX-License-Identifier: MIT */
/*
 * stage1.c: a port that stops at stage 1 of port.h, whole: two headers (stage1/arch),
 * two functions here and two in stage.h.  Pages, slabs and kmalloc work, and nothing of
 * mapping, sleeping or tasks is linked.  TAP.
 */
#include <string.h>
#include <sys/mman.h>

#include <quarry/report.h>

#include "stage.h"

#define MEMORY (32ul << 20)

/* ---- the port ------------------------------------------------------------------- */

void arch_paging_init(void)
{
	max_low_pfn = MEMORY >> PAGE_SHIFT;
	high_memory = (void *)(PAGE_OFFSET + MEMORY);
}

void arch_zone_borders(pfn_t max_zone_pfn[MAX_NR_ZONES])
{
	max_zone_pfn[ZONE_DMA] = max_zone_pfn[ZONE_DMA32] = (16ul << 20) >> PAGE_SHIFT;
	max_zone_pfn[ZONE_NORMAL] = max_zone_pfn[ZONE_HIGHMEM] = max_low_pfn;
}

/* ---- its proof ------------------------------------------------------------------ */

int main(void)
{
	unsigned long before, n = 0;
	void *first = NULL, *p;

	if (mmap((void *)PAGE_OFFSET, MEMORY, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		port_panic("no memory for the machine");
	memblock_add(0, MEMORY);
	mm_init_pages();

	before = free_pages_now();
	check(before > (MEMORY >> PAGE_SHIFT) * 95 / 100, "nearly all memory is free");
	p = kmalloc(100, GFP_KERNEL);
	check(p && ksize(p) >= 100, "kmalloc");
	kfree(p);
	misuse_quiet(true);
	kfree(p);
	check(misuse_count(MISUSE_DOUBLE_FREE) == 1, "a double free is refused");
	check(strstr(misuse_last(), "called from 0x"), "without names the report has the number");
	p = (void *)__get_free_pages(GFP_KERNEL, 3);
	check(p != NULL, "__get_free_pages");
	free_pages((unsigned long)p, 3);
	while ((p = kmalloc(5000, GFP_KERNEL | __GFP_NOWARN))) {
		*(void **)p = first;
		first = p;
		n++;
	}
	check(n > MEMORY / 8192 / 2, "memory runs out with NULL");
	for (; first; first = p) {
		p = *(void **)first;
		kfree(first);
	}
	check(free_pages_now() == before, "everything comes back");
	check(slab_check(NULL) == 0, "every invariant of the slabs holds");
	return plan();
}
