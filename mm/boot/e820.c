/* SPDX-License-Identifier: MIT */
/*
 * e820.c: what firmware says about memory, made usable.
 *
 * Firmware maps are unsorted, overlap, contradict themselves, name addresses
 * beyond what the page tables reach, and end in the middle of a frame.  Two passes
 * answer all of it: first every RAM entry is added, rounded *inward* to whole
 * frames; then everything else is cut out again, rounded *outward*.  So where
 * entries disagree the cautious one wins, whatever their order.
 *
 * RAM entries are melted together before they are rounded, for two entries may
 * meet in the middle of a frame.  Worked example, frames of 4 KiB:
 *
 *	00000000-0009fbff RAM		-> frames 0 ... 0x9e	(0x9f is not whole)
 *	00100000-00101800 RAM  and
 *	00101800-00103000 RAM		-> frames 0x100 ... 0x102
 *	00102ff0-00102fff reserved	-> frame 0x102 is lost
 */
#include <quarry/memblock.h>
#include <quarry/page.h>
#include <quarry/report.h>

const char *e820_type_name(u32 type)
{
	static const char *const names[] = {
		[E820_RAM] = "usable", [E820_RESERVED] = "reserved", [E820_ACPI] = "ACPI data",
		[E820_NVS] = "ACPI NVS", [E820_UNUSABLE] = "unusable",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "unknown type";
}

/* The end of an entry; one that wraps around is cut at the end of the address space. */
static phys_addr_t entry_end(const struct e820_entry *e)
{
	return e->addr + e->size < e->addr ? ALIGN_DOWN(~(phys_addr_t)0, PAGE_SIZE) : e->addr + e->size;
}

/* Round every memory range inward to whole frames; those that vanish are removed. */
static void keep_whole_frames(struct memblock *mb)
{
	unsigned i = 0;

	while (i < mb->memory.cnt) {
		struct memblock_region *r = &mb->memory.regions[i];
		phys_addr_t base = r->base, end = base + r->size;
		phys_addr_t start = ALIGN(base, PAGE_SIZE), stop = ALIGN_DOWN(end, PAGE_SIZE);

		if (start < base || start >= stop) {
			memblock_remove_from(mb, base, r->size);
			continue;
		}
		memblock_remove_from(mb, base, start - base);
		memblock_remove_from(mb, stop, end - stop);
		i++;
	}
}

static void say_full(const struct e820_entry *e)
{
	mm_log("quarry: memory map: more than %d ranges: %s range 0x%llx + 0x%llx is left out\n",
	       MEMBLOCK_MAX_REGIONS, e820_type_name(e->type), (unsigned long long)e->addr,
	       (unsigned long long)e->size);
}

/* No room to split a range: the part above the hole is given up, for what is reserved is never handed out. */
static void cut_out(struct memblock *mb, const struct e820_entry *e)
{
	phys_addr_t base = ALIGN_DOWN(e->addr, PAGE_SIZE), end = entry_end(e);

	end = end > ~(phys_addr_t)0 - PAGE_SIZE ? end : ALIGN(end, PAGE_SIZE);
	if (memblock_remove_from(mb, base, end - base) == -ENOSPC) {
		say_full(e);
		for (unsigned i = 0; i < mb->memory.cnt; i++) {
			struct memblock_region *r = &mb->memory.regions[i];

			if (r->base < base && r->base + r->size > base)
				r->size = base - r->base;
		}
	}
}

phys_addr_t e820_to_memblock(struct memblock *mb, const struct e820_entry *map, unsigned n, phys_addr_t limit)
{
	phys_addr_t beyond = 0, top;

	for (unsigned i = 0; i < n; i++)
		if (map[i].type == E820_RAM &&
		    memblock_add_to(mb, map[i].addr, entry_end(&map[i]) - map[i].addr))
			say_full(&map[i]);
	keep_whole_frames(mb);
	for (unsigned i = 0; i < n; i++)
		if (map[i].type != E820_RAM && map[i].size)
			cut_out(mb, &map[i]);
	for (unsigned i = 0; i < mb->memory.cnt; i++) {
		top = mb->memory.regions[i].base + mb->memory.regions[i].size;
		if (top > limit)
			beyond += top - max(limit, mb->memory.regions[i].base);
	}
	memblock_remove_from(mb, limit, ALIGN_DOWN(~(phys_addr_t)0, PAGE_SIZE) - limit);
	return beyond;
}
