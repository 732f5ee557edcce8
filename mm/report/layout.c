/* SPDX-License-Identifier: MIT */
/*
 * layout.c: the kernel's part of the address space, from the top down (rows A1, A4, A5).
 *
 *	fixmap	addresses known at compile time
 *	pkmap	kmap(): one page table of slots
 *	vmalloc	contiguous addresses over scattered frames
 *	(gap)	VMALLOC_OFFSET at least: catches what runs past the end of low memory
 *	lowmem	the direct map: physical + PAGE_OFFSET
 *
 * and in it the kernel's own image.  Its borders are names that linkers give,
 * either the common ones (__executable_start, _etext, _edata, __bss_start, _end) or
 * a kernel's (_text, _data, _bss, _ebss); a port that lacks both lacks the line.
 */
#include <quarry/report.h>
#include <quarry/highmem.h>

#define BORDER(name) extern const char name[] __attribute__((weak))
BORDER(__executable_start);
BORDER(_text);
BORDER(_etext);
BORDER(_data);
BORDER(_edata);
BORDER(_bss);
BORDER(__bss_start);
BORDER(_ebss);
BORDER(_end);

static void range(struct seq *s, const char *name, unsigned long from, unsigned long to)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	unsigned long size = (to - from) >> 10, unit = 0;
	int digits = sizeof(long) == 8 ? 16 : 8;

	for (; size >= 16384 && unit + 1 < ARRAY_SIZE(units); unit++)
		size >>= 10;
	seq_printf(s, "    %-8s: 0x%0*lx - 0x%0*lx   (%4lu %s)\n", name, digits, from, digits, to, size,
		   units[unit]);
}

static const char *either(const char *a, const char *b)
{
	return a ? a : b;
}

static void image(struct seq *s, const char *name, const char *from, const char *to)
{
	if (from && to && from < to)
		range(s, name, (unsigned long)from, (unsigned long)to);
}

/* What the array of struct page takes of low memory, where it lies there: it limits machines with much more high. */
static void mem_map_share(struct seq *s)
{
	unsigned long bytes = max_pfn * sizeof(struct page), start = (unsigned long)mem_map;

	if (!virt_addr_valid(mem_map))
		return;
	range(s, "  mem_map", start, start + bytes);
	seq_printf(s, "              %lu frames of %lu bytes: %lu %% of lowmem\n", max_pfn,
		   (unsigned long)sizeof(struct page), bytes / (((unsigned long)high_memory - PAGE_OFFSET) / 100));
}

void report_layout(struct seq *s)
{
	seq_puts(s, "virtual kernel memory layout:\n");
	range(s, "fixmap", FIXADDR_START, FIXADDR_TOP + PAGE_SIZE);
	if (HAVE_HIGHMEM)
		range(s, "pkmap", PKMAP_BASE, PKMAP_BASE + LAST_PKMAP * PAGE_SIZE);
	range(s, "vmalloc", VMALLOC_START, VMALLOC_END);
	range(s, "lowmem", PAGE_OFFSET, (unsigned long)high_memory);
	mem_map_share(s);
	image(s, "  .bss", either(_bss, __bss_start), either(_ebss, _end));
	image(s, "  .data", either(_data, _etext), _edata);
	image(s, "  .text", either(_text, __executable_start), _etext);
}
