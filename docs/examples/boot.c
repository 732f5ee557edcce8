/* SPDX-License-Identifier: MIT */
/*
 * Example: a machine's memory map.  (memblock_add, memblock_reserve, memblock_alloc
 * and memblock_free are these calls on the system's own `memblock`, before
 * mm_init(); afterwards it is closed, so here is an instance.)
 */
#include <linux/memblock.h>
#include <tests/selftest/selftest.h>

SELFTEST(example, memory_map)
{
	static const struct e820_entry pc[] = {
		{ 0x100000, 0x3f00000, E820_RAM },		/* 1 MiB ... 64 MiB */
		{ 0x0, 0x9fc00, E820_RAM },			/* unsorted, not whole frames */
		{ 0x9fc00, 0x400, E820_RESERVED },
		{ 0x2000000, 0x1000, E820_ACPI },		/* an island */
	};
	static struct memblock mb;
	phys_addr_t start = 0, end = 0, ram = 0;

	mb = (struct memblock){ .current_limit = ~(phys_addr_t)0 };
	CHECK_EQ(e820_to_memblock(&mb, pc, ARRAY_SIZE(pc), 1ULL << 32), 0);
	CHECK_EQ(memblock_reserve_in(&mb, 0x100000, 0x200000), 0);	/* the kernel's image */
	while (memblock_next_free(&mb, &start, &end)) {
		ram += end - start;
		start = end;
	}
	CHECK_EQ(ram, 0x9f000 + 0x3f00000 - 0x1000 - 0x200000);
	CHECK_EQ(memblock_find_in(&mb, 0x10000, 0x10000, 0, 0x1000000), 0xff0000);
	CHECK_EQ(memblock_check(&mb), 0);
}

/* Too late: the page allocator has taken over, and says so. */
SELFTEST(example, memblock_is_closed)
{
	unsigned long before = misuse_count(MISUSE_CONTEXT);
	void *p;

	misuse_quiet(true);
	p = memblock_alloc(64, 0);
	misuse_quiet(false);
	CHECK(!p);
	CHECK_EQ(misuse_count(MISUSE_CONTEXT), before + 1);
}
