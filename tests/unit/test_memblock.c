/* SPDX-License-Identifier: MIT */
/* memblock.c and e820.c, on instances of their own. */
#include "unit.h"
#include <quarry/memblock.h>

static struct memblock mb;

static void fresh(void)
{
	mb = (struct memblock){ .current_limit = ~(phys_addr_t)0 };
}

static void expect_regions(const struct memblock_type *t, unsigned n, const phys_addr_t (*want)[2])
{
	ck_assert_uint_eq(t->cnt, n);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_eq(t->regions[i].base, want[i][0]);
		ck_assert_uint_eq(t->regions[i].base + t->regions[i].size, want[i][1]);
	}
	ck_assert_int_eq(memblock_check(&mb), 0);
}

START_TEST(ranges_melt_together_when_they_touch_or_overlap)
{
	fresh();
	memblock_add_to(&mb, 0x5000, 0x1000);
	memblock_add_to(&mb, 0x1000, 0x1000);
	memblock_add_to(&mb, 0x9000, 0x1000);
	expect_regions(&mb.memory, 3, (const phys_addr_t[][2]){ { 0x1000, 0x2000 }, { 0x5000, 0x6000 }, { 0x9000, 0xa000 } });
	memblock_add_to(&mb, 0x2000, 0x3000); /* touches both sides */
	expect_regions(&mb.memory, 2, (const phys_addr_t[][2]){ { 0x1000, 0x6000 }, { 0x9000, 0xa000 } });
	memblock_add_to(&mb, 0x0, 0x100000); /* swallows all */
	expect_regions(&mb.memory, 1, (const phys_addr_t[][2]){ { 0, 0x100000 } });
	ck_assert_int_eq(memblock_add_to(&mb, 0x3000, 0), 0);
	ck_assert_uint_eq(mb.memory.cnt, 1);
}
END_TEST

START_TEST(cutting_out_shortens_splits_and_removes)
{
	fresh();
	memblock_add_to(&mb, 0x1000, 0x9000);
	memblock_remove_from(&mb, 0x3000, 0x1000);
	expect_regions(&mb.memory, 2, (const phys_addr_t[][2]){ { 0x1000, 0x3000 }, { 0x4000, 0xa000 } });
	memblock_remove_from(&mb, 0x2000, 0x3000);
	expect_regions(&mb.memory, 2, (const phys_addr_t[][2]){ { 0x1000, 0x2000 }, { 0x5000, 0xa000 } });
	memblock_remove_from(&mb, 0, 0x5000);
	expect_regions(&mb.memory, 1, (const phys_addr_t[][2]){ { 0x5000, 0xa000 } });
	memblock_remove_from(&mb, 0x20000, 0x1000); /* meets nothing */
	memblock_remove_from(&mb, 0, 0x100000);
	ck_assert_uint_eq(mb.memory.cnt, 0);
}
END_TEST

START_TEST(wrap_around_is_refused)
{
	fresh();
	ck_assert_int_eq(memblock_add_to(&mb, ~0ULL - 0xfff, 0x2000), -EINVAL);
	ck_assert_int_eq(memblock_remove_from(&mb, ~0ULL - 0xfff, 0x2000), -EINVAL);
	ck_assert_uint_eq(mb.memory.cnt, 0);
}
END_TEST

START_TEST(a_full_list_says_so_and_stays_as_it_was)
{
	fresh();
	for (unsigned i = 0; i < MEMBLOCK_MAX_REGIONS; i++)
		ck_assert_int_eq(memblock_add_to(&mb, i * 0x4000ULL, 0x2000), 0);
	ck_assert_int_eq(memblock_add_to(&mb, 0x10000000, 0x1000), -ENOSPC);
	ck_assert_int_eq(memblock_remove_from(&mb, 0x4800, 0x100), -ENOSPC); /* would split */
	ck_assert_uint_eq(mb.memory.cnt, MEMBLOCK_MAX_REGIONS);
	ck_assert_int_eq(memblock_add_to(&mb, 0x2000, 0x2000), 0); /* melts two: room again */
	ck_assert_uint_eq(mb.memory.cnt, MEMBLOCK_MAX_REGIONS - 1);
	ck_assert_int_eq(memblock_check(&mb), 0);
}
END_TEST

START_TEST(allocation_takes_the_highest_free_place)
{
	fresh();
	memblock_add_to(&mb, 0, 0x10000);
	memblock_add_to(&mb, 0x100000, 0x100000);
	memblock_reserve_in(&mb, 0x1f0000, 0x8000);
	ck_assert_uint_eq(memblock_find_in(&mb, 0x8000, 0x1000, 0, ~0ULL), 0x1f8000);
	ck_assert_uint_eq(memblock_find_in(&mb, 0x9000, 0x1000, 0, ~0ULL), 0x1e7000);
	ck_assert_uint_eq(memblock_find_in(&mb, 0x1000, 0x1000, 0, 0x8000), 0x7000);
	ck_assert_uint_eq(memblock_find_in(&mb, 0x200000, 0x1000, 0, ~0ULL), 0);
	ck_assert_uint_eq(memblock_find_in(&mb, 0x1000, 0x1000, 0, 0x1000), 0); /* frame 0 is never given */
}
END_TEST

START_TEST(free_ranges_are_memory_without_what_is_reserved)
{
	phys_addr_t start = 0, end = 0;

	fresh();
	memblock_add_to(&mb, 0x1000, 0x4000);
	memblock_add_to(&mb, 0x8000, 0x2000);
	memblock_reserve_in(&mb, 0x0, 0x2000);
	memblock_reserve_in(&mb, 0x3000, 0x1000);
	memblock_reserve_in(&mb, 0x9000, 0x8000);
	ck_assert(memblock_next_free(&mb, &start, &end));
	ck_assert(start == 0x2000 && end == 0x3000);
	start = end;
	ck_assert(memblock_next_free(&mb, &start, &end));
	ck_assert(start == 0x4000 && end == 0x5000);
	start = end;
	ck_assert(memblock_next_free(&mb, &start, &end));
	ck_assert(start == 0x8000 && end == 0x9000);
	start = end;
	ck_assert(!memblock_next_free(&mb, &start, &end));
}
END_TEST

START_TEST(e820_the_cautious_entry_wins_whatever_the_order)
{
	const struct e820_entry map[] = {
		{ 0x3000, 0x1000, E820_ACPI },
		{ 0x0, 0x10000, E820_RAM },
		{ 0x7800, 0x10, E820_RESERVED },
		{ 0x9000, 0, E820_RESERVED },
	};

	fresh();
	e820_to_memblock(&mb, map, ARRAY_SIZE(map), 1ULL << 32);
	expect_regions(&mb.memory, 3, (const phys_addr_t[][2]){ { 0, 0x3000 }, { 0x4000, 0x7000 }, { 0x8000, 0x10000 } });
}
END_TEST

START_TEST(e820_entries_that_meet_inside_a_frame_keep_it)
{
	const struct e820_entry map[] = {
		{ 0x100000, 0x1800, E820_RAM },
		{ 0x101800, 0x1800, E820_RAM },
		{ 0x200800, 0x400, E820_RAM },	/* no whole frame */
	};

	fresh();
	e820_to_memblock(&mb, map, ARRAY_SIZE(map), 1ULL << 32);
	expect_regions(&mb.memory, 1, (const phys_addr_t[][2]){ { 0x100000, 0x103000 } });
}
END_TEST

START_TEST(e820_beyond_the_limit_is_counted_and_left_out)
{
	const struct e820_entry map[] = {
		{ 0xfff00000, 0x200000, E820_RAM },
		{ 0x200000000ULL, 0x1000, E820_RAM },
		{ 0xfffffffffffff000ULL, 0x5000, E820_RESERVED },	/* wraps */
	};

	fresh();
	ck_assert_uint_eq(e820_to_memblock(&mb, map, ARRAY_SIZE(map), 1ULL << 32), 0x100000 + 0x1000);
	expect_regions(&mb.memory, 1, (const phys_addr_t[][2]){ { 0xfff00000, 0x100000000ULL } });
}
END_TEST

UNIT_SUITE(memblock,
	ranges_melt_together_when_they_touch_or_overlap,
	cutting_out_shortens_splits_and_removes,
	wrap_around_is_refused,
	a_full_list_says_so_and_stays_as_it_was,
	allocation_takes_the_highest_free_place,
	free_ranges_are_memory_without_what_is_reserved,
	e820_the_cautious_entry_wins_whatever_the_order,
	e820_entries_that_meet_inside_a_frame_keep_it,
	e820_beyond_the_limit_is_counted_and_left_out)
