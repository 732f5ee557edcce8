/* SPDX-License-Identifier: MIT */
/*
 * section.h: mem_map in pieces, for ports whose addresses are many and whose
 * memory is far apart.  The theory is on top of mm/boot/section.c.
 *
 * A port that wants it says so in <arch/layout.h>:
 *
 *	SPARSE_MEM_MAP	1; without it, mem_map is one array in low memory
 *	VMEMMAP_START	where the array begins: frame 0's; aligned to what one entry of
 *			the third level spans; there is room for every frame of PHYS_LIMIT
 *	SECTION_SHIFT	log2 of a section's bytes, if not 27
 *
 * It may have load_or_zero(x) in <arch/cpu.h>: the word x, of mem_map perhaps where there is
 * none; then 0.  Its page-fault handler sees to that, and kfree() need not ask
 * section_online().  Then all memory is in the direct map (HAVE_HIGHMEM 0): a section's
 * struct pages are filled in there before mem_map shows them.
 *
 * Everything here is constant, and free, where SPARSE_MEM_MAP is 0.
 */
#ifndef QUARRY_SECTION_H
#define QUARRY_SECTION_H

#include <quarry/types.h>
#include <arch/layout.h>

#ifndef SPARSE_MEM_MAP
#define SPARSE_MEM_MAP 0
#define VMEMMAP_START 0UL
#endif

/* 128 MiB: 32768 frames, whose struct pages of 64 bytes are exactly one page of 2 MiB. */
#ifndef SECTION_SHIFT
#define SECTION_SHIFT 27
#endif

#define SECTION_PFN_SHIFT (SECTION_SHIFT - PAGE_SHIFT)
#define PAGES_PER_SECTION (1UL << SECTION_PFN_SHIFT)

struct zone;
struct seq;

/* A byte for each section: 1 when its part of mem_map is there and filled in. */
extern u8 *section_map;

/** section_online() - may the struct pages of section @nr, which lies below max_pfn, be touched?  One load. */
static inline bool section_online(unsigned long nr)
{
	return READ_ONCE(section_map[nr]);
}

/** next_online_pfn() - the first frame from @pfn on, below @end, of a section that is online; else @end. */
pfn_t next_online_pfn(pfn_t pfn, pfn_t end);

/* section.c's part of the next two. */
bool section_defers(pfn_t pfn);
bool section_holds(pfn_t pfn);

/**
 * pfn_is_deferred() - is frame @pfn memory that has no struct page yet?
 * Such a frame is free, or will hold part of mem_map.  O(ranges of memblock).
 */
static inline bool pfn_is_deferred(pfn_t pfn)
{
	return SPARSE_MEM_MAP && section_defers(pfn);
}

/** pfn_holds_mem_map() - is frame @pfn set aside for the struct pages of its own section?  O(ranges of memblock). */
static inline bool pfn_holds_mem_map(pfn_t pfn)
{
	return SPARSE_MEM_MAP && section_holds(pfn);
}

/**
 * zone_grow() - bring the next deferred section of @zone online
 *
 * The allocator does it when the zone's lists are short; a kernel may do it ahead of
 * time, from an idle thread.  Context: any, no lock of mm/ held.  Interrupts are off
 * meanwhile: PAGES_PER_SECTION struct pages are written.  Return: false when none is left.
 */
bool zone_grow(struct zone *zone);

/** report_sections() - one line for the boot log: how much of mem_map there is. */
void report_sections(struct seq *s);

/** section_check() - test the numbered invariants of section.c.  Return: the number broken, or 0.  O(sections). */
int section_check(void);

/* ---- between section.c, node.c and alloc.c ------------------------------------ */

/** sections_init() - boot: make mem_map for every section that cannot wait.  The zones have their borders. */
void sections_init(void);

/**
 * section_defer() - boot: leave the whole sections of [*@start, *@end), free frames of @zone, for later
 * Return: frames they will give; [*@start, *@end) is what is left out, empty when there is none.
 */
unsigned long section_defer(struct zone *zone, pfn_t *start, pfn_t *end);

/**
 * zone_grow_for() - @zone's lists have no block of 2^@order: have its deferred sections, with @keep more?
 * Brings at most one section online.  Context: as zone_grow().
 * Return: true if the zone, deferred memory counted, has that much and a block is on its lists.
 */
bool zone_grow_for(struct zone *zone, unsigned order, unsigned long keep);

#endif
