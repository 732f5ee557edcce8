/* SPDX-License-Identifier: MIT */
/*
 * memblock.h: the machine's memory map, and the allocator before the allocator.
 *
 * Two sorted lists of ranges: `memory` (what there is) and `reserved` (what is
 * taken).  Early allocations are reservations.  When the zones are built, every
 * frame of memory that is not reserved goes to the buddy allocator.
 */
#ifndef QUARRY_MEMBLOCK_H
#define QUARRY_MEMBLOCK_H

#include <quarry/types.h>

struct memblock_region {
	phys_addr_t base;
	phys_addr_t size;
};

struct memblock_type {
	const char *name;
	unsigned cnt;
	struct memblock_region regions[MEMBLOCK_MAX_REGIONS + 1];
};

struct memblock {
	bool closed;			/* memblock_free_all() ran: no more allocation */
	phys_addr_t current_limit;	/* allocations end below */
	struct memblock_type memory;
	struct memblock_type reserved;
};

/* The system's own; tests make others. */
extern struct memblock memblock;

/* One line of the firmware's memory map (multiboot, e820); any order, overlaps allowed. */
struct e820_entry {
	u64 addr;
	u64 size;
	u32 type;
};
enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4, E820_UNUSABLE = 5 };

/**
 * e820_to_memblock() - read a firmware map into memblock
 * @mb: where to
 * @map, @n: the entries, as the firmware gave them
 * @limit: first physical address that this kernel's page tables cannot reach
 *	(1 << 32 without PAE); memory beyond is left out and counted
 *
 * Where entries overlap, anything but RAM wins.  RAM is rounded inward to whole
 * frames, the rest outward.  Zero-length entries are skipped, ends that wrap
 * around are cut.  Return: bytes of RAM beyond @limit.  O(n^2).
 */
phys_addr_t e820_to_memblock(struct memblock *mb, const struct e820_entry *map, unsigned n, phys_addr_t limit);

/** e820_type_name() - "usable", "reserved", "ACPI data" ... as boot logs print it. */
const char *e820_type_name(u32 type);

/* Instances: 0 or -ENOSPC when the list of ranges is full (nothing is changed), -EINVAL on wrap-around. */
int memblock_add_to(struct memblock *mb, phys_addr_t base, phys_addr_t size);
int memblock_remove_from(struct memblock *mb, phys_addr_t base, phys_addr_t size);
int memblock_reserve_in(struct memblock *mb, phys_addr_t base, phys_addr_t size);
int memblock_unreserve_in(struct memblock *mb, phys_addr_t base, phys_addr_t size);
/** memblock_find_in() - highest free range of @size at @align in [@start, @end): low addresses are dear (DMA).  Return: its base, or 0 for none (frame 0 is never given). */
phys_addr_t memblock_find_in(const struct memblock *mb, phys_addr_t size, phys_addr_t align, phys_addr_t start, phys_addr_t end);
/** memblock_next_free() - walk free memory: the next range at or after *@start.  Return: false at the end. */
bool memblock_next_free(const struct memblock *mb, phys_addr_t *start, phys_addr_t *end);
/** memblock_check() - test the numbered invariants of memblock.c.  Return: the number broken, or 0. */
int memblock_check(const struct memblock *mb);

/* The system's, under the field's names.  After memblock_free_all() each reports and refuses. */

/** memblock_add() - this range is memory.  Return: 0, -ENOSPC, -EINVAL. */
int memblock_add(phys_addr_t base, phys_addr_t size);
/** memblock_remove() - this range is not memory. */
int memblock_remove(phys_addr_t base, phys_addr_t size);
/** memblock_reserve() - this range is taken; it need not be memory. */
int memblock_reserve(phys_addr_t base, phys_addr_t size);

/**
 * memblock_alloc() - cleared memory, before the page allocator runs
 * @size: bytes, > 0
 * @align: a power of two; 0 means a cache line
 *
 * Comes from below memblock.current_limit (what is mapped by now), from the
 * direct map.  Return: its address, or NULL (reported).  Undo: memblock_free().
 * After memblock_free_all() it reports the misuse and returns NULL.
 */
void *memblock_alloc(size_t size, size_t align);
/** memblock_phys_alloc() - the same as a physical address, not cleared; 0 for none. */
phys_addr_t memblock_phys_alloc(phys_addr_t size, phys_addr_t align);
/**
 * memblock_free() - give back what memblock_alloc() gave; NULL is ignored
 * Refused with a report: a range that is not reserved whole.  When the list of ranges
 * is full the memory stays reserved.
 */
void memblock_free(void *ptr, size_t size);

phys_addr_t memblock_phys_mem_size(void);
phys_addr_t memblock_start_of_DRAM(void);
phys_addr_t memblock_end_of_DRAM(void);

/** memblock_free_all() - every free frame goes to its zone's buddy allocator; memblock closes.  Return: frames given. */
unsigned long memblock_free_all(void);

#endif
