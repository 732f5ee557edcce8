/* SPDX-License-Identifier: MIT */
/* numa.c, zonelist.c, and SRAT and SLIT as firmware tells them, or lies. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/hosted.h"
#include "arch/pc/srat.c"

#include <quarry/init.h>
#include <quarry/report.h>
#include <quarry/slab.h>

#define MB (1024UL * 1024)
#define GB (1024ULL * MB)

/* ---- a machine of several nodes ----------------------------------------------------- */

static void boot_nodes(unsigned nodes, phys_addr_t mem, phys_addr_t lowmem)
{
	hosted_nodes = nodes;
	hosted_cpus = 8;
	unit_boot(mem, lowmem);
	misuse_quiet(true);
}

/* "H1 H2 N0": zones by their first letter, and node. */
static const char *order_of(int nid, enum zone_type highest)
{
	static char text[256];
	const struct zoneref *ref = NODE_DATA(nid)->node_zonelists[highest].zonerefs;
	size_t len = 0;

	for (; ref->zone; ref++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c%d", len ? " " : "", ref->zone->name[0],
					ref->zone->node);
	return text;
}

START_TEST(B3_the_nearest_first_and_low_memory_last)
{
	boot_nodes(4, 2 * GB, 768 * MB);
	ck_assert_int_eq(nr_online_nodes, 4);
	ck_assert_str_eq(order_of(0, ZONE_HIGHMEM), "H1 H3 H2 N0 N1 D0");
	ck_assert_str_eq(order_of(1, ZONE_HIGHMEM), "H1 H2 H3 N1 N0 D0");
	ck_assert_str_eq(order_of(2, ZONE_HIGHMEM), "H2 H3 H1 N1 N0 D0");
	ck_assert_str_eq(order_of(3, ZONE_HIGHMEM), "H3 H2 H1 N0 N1 D0");
	ck_assert_str_eq(order_of(3, ZONE_NORMAL), "N0 N1 D0");
	ck_assert_str_eq(order_of(3, ZONE_DMA), "D0");
	ck_assert_uint_eq(node_distance(0, 2), 21);
	unit_teardown();
}
END_TEST

START_TEST(B3_check_names_the_broken_invariant)
{
	struct zoneref *ref, had;

	boot_nodes(4, 2 * GB, 768 * MB);
	ck_assert_int_eq(numa_check(), 0);
	ref = NODE_DATA(1)->node_zonelists[ZONE_HIGHMEM].zonerefs;
	had = ref[0];
	ref[0] = ref[1];
	ck_assert_int_eq(numa_check(), 4);
	ref[0] = had;
	NODE_DATA(1)->nearest[0] = 2;
	ck_assert_int_eq(numa_check(), 5);
	NODE_DATA(1)->nearest[0] = 1;
	cpu_node[3] = 7;
	ck_assert_int_eq(numa_check(), 2);
	cpu_node[3] = 1;
	unit_teardown();
}
END_TEST

START_TEST(B5_a_node_or_no_other_or_the_nearest)
{
	struct page *page;
	LIST_HEAD(taken);

	boot_nodes(4, 512 * MB, 512 * MB);
	drain_all_pages(NULL);
	while ((page = alloc_pages_node(2, GFP_KERNEL | __GFP_THISNODE | __GFP_MEMALLOC | __GFP_NOWARN, 0))) {
		ck_assert_uint_eq(page_to_nid(page), 2);
		list_add(&page->lru, &taken);
	}
	page = alloc_pages_node(2, GFP_KERNEL, 0);
	ck_assert(page && page_to_nid(page) == 3);	/* as near as 1, and next in the circle */
	__free_page(page);
	ck_assert_ptr_null(alloc_pages_node(4, GFP_KERNEL, 0));
	put_pages_list(&taken);
	unit_teardown();
}
END_TEST

/* A CPU takes from its own node, and from another when it is moved there. */
START_TEST(B3_each_cpu_has_its_node)
{
	struct cpu_local *own;
	struct page *page;

	boot_nodes(4, 512 * MB, 512 * MB);
	own = hosted_cpu;
	for (unsigned cpu = 0; cpu < 8; cpu++) {
		ck_assert_int_eq(cpu_to_node(cpu), (int)cpu / 2);
		hosted_cpu = &cpu_locals[cpu];
		hosted_cpu->cpu = cpu;
		page = alloc_page(GFP_ATOMIC);
		ck_assert(page && page_to_nid(page) == cpu / 2);
		__free_page(page);
		set_cpu_node(cpu, 3);
		page = alloc_page(GFP_ATOMIC);
		ck_assert(page && page_to_nid(page) == 3);
		__free_page(page);
	}
	hosted_cpu = own;
	unit_teardown();
}
END_TEST

START_TEST(D1_objects_go_back_to_their_own_node)
{
	struct kmem_cache *s;
	struct cpu_local *own;
	void *obj[200];

	boot_nodes(4, 512 * MB, 512 * MB);
	own = hosted_cpu;
	s = kmem_cache_create("numa", 256, 0, 0, NULL);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 200; i++) {
			obj[i] = kmem_cache_alloc_node(s, GFP_KERNEL, i % 4);
			ck_assert(obj[i] && page_to_nid(virt_to_page(obj[i])) == (unsigned)i % 4);
		}
		for (int i = 0; i < 200; i++) {	/* freed by CPUs of all nodes */
			hosted_cpu = &cpu_locals[(i / 4 + round) % 8];
			hosted_cpu->cpu = (unsigned)(i / 4 + round) % 8;
			kmem_cache_free(s, obj[i]);
		}
		hosted_cpu = own;
		ck_assert_int_eq(slab_check(s), 0);
	}
	for (unsigned cpu = 0; cpu < 8; cpu++) {	/* each gives back what it keeps */
		hosted_cpu = &cpu_locals[cpu];
		slab_drain(NULL);
	}
	hosted_cpu = own;
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(B3_as_large_as_it_gets)
{
	struct page *page;
	void *p;

	if (MAX_NUMNODES < 64 || sizeof(long) < 8)
		return;
	hosted_nodes = 64;
	hosted_cpus = NR_CPUS;
	unit_boot(64 * 1024 * GB, MAXMEM);
	for (int nid = 0; nid < 64; nid++) {
		page = alloc_pages_node(nid, GFP_KERNEL | __GFP_THISNODE, 9);
		ck_assert(page && page_to_nid(page) == (unsigned)nid);
		__free_pages(page, 9);
		p = kmalloc_node(100, GFP_KERNEL, nid);
		ck_assert(p && page_to_nid(virt_to_page(p)) == (unsigned)nid);
		kfree(p);
	}
	unit_teardown();
}
END_TEST

/* ---- ranges ---------------------------------------------------------------------------- */

#define FRAME(bytes) ((pfn_t)((bytes) >> PAGE_SHIFT))

static void expect_node(phys_addr_t addr, int nid, phys_addr_t end)
{
	pfn_t behind;

	ck_assert_int_eq(pfn_node(FRAME(addr), &behind), nid);
	ck_assert_uint_eq(behind, end ? FRAME(end) : ~(pfn_t)0);
}

START_TEST(B3_every_address_has_a_node)
{
	ck_assert_int_eq(numa_set_nodes(0), -EINVAL);
	ck_assert_int_eq(numa_set_nodes(MAX_NUMNODES + 1), -EINVAL);
	ck_assert_int_eq(numa_set_nodes(2), 0);
	expect_node(5 * GB, 0, 0);
	ck_assert_int_eq(memblock_set_node(1 * GB, 2 * GB, 1), 0);
	ck_assert_int_eq(memblock_set_node(MB, GB - MB, 0), 0);
	ck_assert_int_eq(memblock_set_node(4 * GB, GB, 0), 0);
	expect_node(0, 0, GB);
	expect_node(GB, 1, 4 * GB);
	expect_node(7 * GB / 2, 1, 4 * GB);	/* a hole */
	expect_node(9 * GB, 0, 0);
	ck_assert_int_eq(memblock_set_node(3 * GB - MB, 2 * MB, 0), -EEXIST);
	ck_assert_int_eq(memblock_set_node(3 * GB - MB, 2 * MB, 1), 0);	/* its own: longer */
	ck_assert_int_eq(memblock_set_node(0, ~0ULL, 1), -EEXIST);
	ck_assert_int_eq(memblock_set_node(GB, ~0ULL, 0), -EINVAL);
	ck_assert_int_eq(memblock_set_node(GB, GB, 2), -EINVAL);
	expect_node(0, 0, GB);
}
END_TEST

/* ---- tables ------------------------------------------------------------------------------ */

static u8 table[8192];
static u32 used;
static struct srat srat;

static void begin(u32 header)
{
	memset(table, 0, sizeof(table));
	used = header;
}

static const struct acpi_header *end(void)
{
	memcpy(table + 4, &used, 4);
	return (const struct acpi_header *)table;
}

static void put(u32 at, u64 value, unsigned bytes) { memcpy(table + used + at, &value, bytes); }

static void put_memory(u32 domain, u64 base, u64 size, u32 flags)
{
	put(0, 1 | 40 << 8, 2);
	put(2, domain, 4);
	put(8, base, 8);
	put(16, size, 8);
	put(28, flags, 4);
	used += 40;
}

static void put_cpu(u32 domain, u8 apic, u32 flags)
{
	put(0, 0 | 16 << 8, 2);
	put(2, domain & 0xff, 1);
	put(3, apic, 1);
	put(4, flags, 4);
	put(9, domain >> 8, 3);
	used += 16;
}

static void good_srat(void)
{
	begin(48);
	put_cpu(0x20007, 4, 1);
	put_cpu(3, 2, 1);
	put_cpu(3, 9, 0);		/* does not count */
	put_memory(0x20007, 2 * GB, GB, 1);
	put_memory(3, 0, 640 << 10, 1);
	put_memory(3, MB, 2 * GB - MB, 1);
	put_memory(99, 8 * GB, GB, 0);	/* no more does this */
}

START_TEST(B3_domains_in_order_are_nodes)
{
	good_srat();
	ck_assert_ptr_null(srat_read(end(), &srat));
	ck_assert_int_eq(nr_online_nodes, 2);
	ck_assert_uint_eq(srat.domain[0], 3);
	ck_assert_uint_eq(srat.domain[1], 0x20007);
	ck_assert_uint_eq(srat.apic_node[2], 0);
	ck_assert_uint_eq(srat.apic_node[4], 1);
	expect_node(0, 0, 2 * GB);
	expect_node(2 * GB, 1, 0);
}
END_TEST

static void expect_one_node(const char *why)
{
	ck_assert_str_eq(srat_read(end(), &srat), why);
	ck_assert_int_eq(nr_online_nodes, 1);
	expect_node(2 * GB, 0, 0);
}

START_TEST(B3_a_srat_that_lies_is_not_believed)
{
	good_srat();
	put_memory(3, 3 * GB - MB, GB, 1);
	expect_one_node("two domains claim the same memory");
	good_srat();
	put_memory(3, ~0ULL - MB, 2 * MB, 1);
	expect_one_node("a range wraps around");
	good_srat();
	used -= 1;
	expect_one_node("an entry runs over its end");
	good_srat();
	put(0, 1, 2);		/* a length of 0 */
	used += 2;
	expect_one_node("an entry runs over its end");
	begin(48);
	expect_one_node("no entry counts");
	begin(40);
	expect_one_node("it is too short");
	begin(48);
	for (u32 i = 0; i <= MAX_NUMNODES; i++)
		put_memory(i, i * GB, GB, 1);
	expect_one_node("more domains than this build has room for");
}
END_TEST

static const char *read_slit(u64 n, const char *rows)
{
	good_srat();
	srat_read(end(), &srat);
	srat.domain[1] = 5;
	begin(36);
	put(0, n, 8);
	used += 8;
	memcpy(table + used, rows, n * n);
	used += (u32)(n * n);
	return slit_read(end(), &srat);
}

START_TEST(B3_distances_by_domain)
{
	char rows[36];

	memset(rows, 99, sizeof(rows));
	rows[3 * 6 + 3] = rows[5 * 6 + 5] = 10;
	rows[3 * 6 + 5] = 21;
	rows[5 * 6 + 3] = 31;	/* not the same both ways */
	ck_assert_ptr_null(read_slit(6, rows));
	ck_assert_uint_eq(node_distance(0, 1), 21);
	ck_assert_uint_eq(node_distance(1, 0), 31);
	rows[5 * 6 + 3] = 10;
	ck_assert_ptr_nonnull(read_slit(6, rows));
	ck_assert_uint_eq(node_distance(0, 1), 20);	/* nor is what it said before that */
	rows[5 * 6 + 3] = 31;
	rows[3 * 6 + 3] = 11;
	ck_assert_ptr_nonnull(read_slit(6, rows));
	ck_assert_ptr_null(read_slit(2, rows));		/* no row of ours: no say */
	ck_assert_uint_eq(node_distance(0, 1), 20);
	begin(36);
	put(0, 7, 8);
	used += 8;
	ck_assert_str_eq(slit_read(end(), &srat), "it has not as many rows as it says");
	begin(40);
	ck_assert_str_eq(slit_read(end(), &srat), "it is too short");
}
END_TEST

START_TEST(B3_any_bytes_are_survived)
{
	srand(1);
	for (int round = 0; round < 20000; round++) {
		good_srat();
		for (int i = 0; i < 4; i++)
			table[48 + rand() % (int)(used - 48)] = (u8)rand();
		srat_read(end(), &srat);
		ck_assert(nr_online_nodes >= 1 && nr_online_nodes <= MAX_NUMNODES);
	}
}
END_TEST

UNIT_SUITE(numa,
	B3_the_nearest_first_and_low_memory_last,
	B3_check_names_the_broken_invariant,
	B5_a_node_or_no_other_or_the_nearest,
	B3_each_cpu_has_its_node,
	D1_objects_go_back_to_their_own_node,
	B3_as_large_as_it_gets,
	B3_every_address_has_a_node,
	B3_domains_in_order_are_nodes,
	B3_a_srat_that_lies_is_not_believed,
	B3_distances_by_domain,
	B3_any_bytes_are_survived)
