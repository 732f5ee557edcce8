/* SPDX-License-Identifier: MIT */
/*
 * test_map.c: memory maps and sizes as people write them (arch/hosted/map.c).
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/hosted.h"

static struct e820_entry *map;
static unsigned n;

static void good(const char *text)
{
	const char *err = map_parse(text, &map, &n);

	ck_assert_msg(!err, "%s", err);
}

static void is(unsigned i, u64 addr, u64 size, u32 type)
{
	ck_assert_uint_lt(i, n);
	ck_assert_msg(map[i].addr == addr && map[i].size == size && map[i].type == type,
		      "entry %u is 0x%llx + 0x%llx, type %u", i, (unsigned long long)map[i].addr,
		      (unsigned long long)map[i].size, map[i].type);
}

static void bad(const char *text, const char *line, const char *why)
{
	const char *err = map_parse(text, &map, &n);

	ck_assert_msg(err && strstr(err, line) && strstr(err, why), "\"%s\" gave: %s", text, err ? err : "no error");
}

START_TEST(linux_boot_log)
{
	good("[    0.000000] Linux version 6.1.0\n"
	     "[    0.000000] BIOS-provided physical RAM map:\n"
	     "[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
	     "[    0.000000] BIOS-e820: [mem 0x00000000000f0000-0x00000000000fffff] reserved\r\n"
	     "BIOS-e820: [mem 0x000000003ffe0000-0x000000003fffffff] ACPI data\n"
	     "BIOS-e820: [mem 0x0000000040000000-0x0000000040000fff] ACPI NVS\n"
	     "BIOS-e820: [mem 0x0000000050000000-0x0000000050000fff] unusable\n"
	     "BIOS-e820: [mem 0x0000000060000000-0x0000000060000fff] persistent (type 7)\n"
	     "BIOS-e820: [mem 0x0000000070000000-0x0000000070000fff] type 20\n"
	     "[    0.000000] e820: update [mem 0x00000000-0x00000fff] usable ==> reserved\n");
	ck_assert_uint_eq(n, 7);
	is(0, 0, 0x9fc00, E820_RAM);
	is(1, 0xf0000, 0x10000, E820_RESERVED);
	is(2, 0x3ffe0000, 0x20000, E820_ACPI);
	is(3, 0x40000000, 0x1000, E820_NVS);
	is(4, 0x50000000, 0x1000, E820_UNUSABLE);
	is(5, 0x60000000, 0x1000, 7);
	is(6, 0x70000000, 0x1000, 20);
}
END_TEST

START_TEST(old_boot_log)
{
	good(" BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)\n"
	     " BIOS-e820: 000000003fee0000 - 000000003fee3000 (ACPI NVS)\n"
	     " BIOS-e820: 00000000fec00000 - 0000000100000000 (reserved)\n");
	ck_assert_uint_eq(n, 3);
	is(0, 0, 0x9fc00, E820_RAM);
	is(1, 0x3fee0000, 0x3000, E820_NVS);
	is(2, 0xfec00000, 0x1400000, E820_RESERVED);
}
END_TEST

START_TEST(iomem_and_plain_lines)
{
	good("00001000-0009fbff : System RAM\n"
	     "000f0000-000fffff : Reserved\n"
	     "  000f0000-000fffff : System ROM\n"
	     "# a comment\n"
	     "\n"
	     "0x100000 0x3ff00000 usable\n"
	     "1048576 4096 2\n"
	     "0x200000 0 1");
	ck_assert_uint_eq(n, 5);
	is(0, 0x1000, 0x9ec00, E820_RAM);
	is(1, 0xf0000, 0x10000, E820_RESERVED);
	is(2, 0x100000, 0x3ff00000, E820_RAM);
	is(3, 0x100000, 0x1000, E820_RESERVED);
	is(4, 0x200000, 0, E820_RAM);
}
END_TEST

START_TEST(ranges_at_the_borders)
{
	good("[mem 0x0000000000001000-0x0000000000000fff] usable\n"
	     "[mem 0x0000000000000000-0xffffffffffffffff] reserved\n"
	     "[mem 0xfffffffffffff000-0xffffffffffffffff] usable\n");
	is(0, 0x1000, 0, E820_RAM);
	is(1, 0, ~0ULL, E820_RESERVED);
	is(2, 0xfffffffffffff000ULL, 0x1000, E820_RAM);
}
END_TEST

START_TEST(nonsense_is_named)
{
	bad("", "", "no entry");
	bad("# nothing\n\n", "", "no entry");
	bad("0x0 0x1000 usable\nhello\n", "line 2", "\"hello\"");
	bad("[mem 0x0-0xfff] usabel\n", "line 1", "unknown type");
	bad("[mem 0x0-0xfff]\n", "line 1", "unknown type");
	bad("[mem 0x5000-0xfff] usable\n", "line 1", "ends before");
	bad("0x1000\n", "line 1", "neither");
	bad("0x1000-\n", "line 1", "no end");
	bad("0x10000000000000000 0x1000 usable\n", "line 1", "");
	bad("5000 - 1000 (usable)\n", "line 1", "ends before");
}
END_TEST

START_TEST(sizes)
{
	ck_assert(size_parse("256M") == 256ULL << 20);
	ck_assert(size_parse("256") == 256ULL << 20);
	ck_assert(size_parse("4G") == 4ULL << 30);
	ck_assert(size_parse("4g") == 4ULL << 30);
	ck_assert(size_parse("16384K") == 16ULL << 20);
	ck_assert(size_parse("64MiB") == 64ULL << 20);
	ck_assert(size_parse("64MB") == 64ULL << 20);
	ck_assert(size_parse("0x10M") == 16ULL << 20);
	static const char *const wrong[] = { "", "M", "-1M", "12X", "12MM", "12M ", "99999999999999999999G",
					     "20000000T" };

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(size_parse(wrong[i]) == 0, "%s", wrong[i]);
}
END_TEST

static u64 ram(const struct e820_entry *m, unsigned count)
{
	u64 sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += m[i].type == E820_RAM ? m[i].size : 0;
	return sum;
}

START_TEST(A6_a_pc_of_any_size)
{
	static const unsigned mib[] = {
		1, 2, 16, 17, 64, 512, 895, 896, 897, 1024, 3072, 3583, 3584, 4096, 16384,
	};
	struct e820_entry pc[8];

	for (unsigned i = 0; i < ARRAY_SIZE(mib); i++) {
		u64 size = (u64)mib[i] << 20;
		unsigned count = hosted_pc_map(pc, size);

		ck_assert_uint_le(count, ARRAY_SIZE(pc));
		ck_assert_msg(ram(pc, count) <= size && ram(pc, count) + (1 << 20) >= size, "%u MiB", mib[i]);
	}
}
END_TEST

UNIT_SUITE(map,
	linux_boot_log,
	old_boot_log,
	iomem_and_plain_lines,
	ranges_at_the_borders,
	nonsense_is_named,
	sizes,
	A6_a_pc_of_any_size)
