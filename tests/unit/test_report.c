/* SPDX-License-Identifier: MIT */
/*
 * test_report.c: the reports, read back by the field's own formats, against the
 * numbers of the zones and caches themselves; and what say.c says.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

static char text[64 << 10];
static size_t used;

static void keep(struct seq *s, const char *t, size_t len)
{
	(void)s;
	ck_assert_uint_lt(used + len, sizeof(text));
	memcpy(text + used, t, len);
	used += len;
	text[used] = '\0';
}

static struct seq seq = { .write = keep };

static const char *report(void (*print)(struct seq *))
{
	used = 0;
	text[0] = '\0';
	print(&seq);
	return text;
}

/* The line of /proc/meminfo that begins with @name, in kB. */
static unsigned long kb(const char *name)
{
	char want[40];
	unsigned long v = 0;
	const char *at;

	snprintf(want, sizeof(want), "%s:", name);
	at = strstr(text, want);
	ck_assert_msg(at && (at == text || at[-1] == '\n'), "meminfo has no line %s", name);
	ck_assert_int_eq(sscanf(at + strlen(want), "%lu kB\n", &v), 1);
	return v;
}

START_TEST(B1_meminfo_adds_up)
{
	unsigned long managed = 0, nr_free = 0;
	struct zone *z;

	unit_boot(64 << 20, 32 << 20);
	void *p = kmalloc(1000, GFP_KERNEL);

	for_each_zone(z) {
		managed += z->managed_pages;
		nr_free += zone_free_pages(z);
	}
	report(report_meminfo);
	ck_assert_uint_eq(kb("MemTotal"), managed * (PAGE_SIZE / 1024));
	ck_assert_uint_eq(kb("MemFree"), nr_free * (PAGE_SIZE / 1024));
	ck_assert_uint_eq(kb("HighTotal") + kb("LowTotal"), kb("MemTotal"));
	ck_assert_uint_eq(kb("HighFree") + kb("LowFree"), kb("MemFree"));
	ck_assert_uint_gt(kb("HighTotal"), 0);
	ck_assert_uint_gt(kb("Slab"), 0);
	ck_assert_uint_le(kb("MemAvailable"), kb("MemFree"));
	ck_assert_uint_eq(kb("DirectMap4k") + kb(sizeof(long) == 8 ? "DirectMap2M" : "DirectMap4M"),
			  32 << 10);
	ck_assert_uint_eq(kb("SwapTotal"), 0);
	kfree(p);
	unit_teardown();
}
END_TEST

/* Each line's columns stand where Linux 6.12 puts them. */
START_TEST(B1_meminfo_columns)
{
	unit_boot(64 << 20, 0);
	report(report_meminfo);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');

		ck_assert_ptr_nonnull(end);
		ck_assert_int_eq(end - line, 27);
		ck_assert_int_eq(strncmp(end - 3, " kB", 3), 0);
	}
	unit_teardown();
}
END_TEST

static void read_zone_blocks(const char *line, const struct zone *z)
{
	char name[16];
	unsigned long sum = 0, n;
	int node, skip;

	ck_assert_int_eq(sscanf(line, "Node %d, zone %15s%n", &node, name, &skip), 2);
	ck_assert_str_eq(name, z->name);
	for (int order = 0; order < NR_PAGE_ORDERS; order++) {
		int more;

		ck_assert_int_eq(sscanf(line + skip, " %lu%n", &n, &more), 1);
		ck_assert_int_ge(more, 7);
		skip += more;
		sum += n << order;
	}
	ck_assert_uint_eq(sum, z->nr_free);
}

START_TEST(B4_buddyinfo_adds_up)
{
	struct zone *z;
	const char *line;

	unit_boot(64 << 20, 32 << 20);
	struct page *held = alloc_pages(GFP_KERNEL, 3);

	line = report(report_buddyinfo);
	for_each_zone(z) {
		read_zone_blocks(line, z);
		line = strchr(line, '\n') + 1;
	}
	ck_assert_str_eq(line, "");
	__free_pages(held, 3);
	unit_teardown();
}
END_TEST

START_TEST(A2_zoneinfo_tells_the_watermarks)
{
	unsigned long nr_free, min, low, high, spanned, present, managed;
	struct zone *z;
	const char *at;
	int n;

	unit_boot(64 << 20, 32 << 20);
	at = report(report_zoneinfo);
	for_each_zone(z) {
		char name[16];

		ck_assert_ptr_nonnull(at = strstr(at, "Node 0, zone"));
		ck_assert_int_eq(sscanf(at, "Node 0, zone %15s", name), 1);
		ck_assert_str_eq(name, z->name);
		ck_assert_ptr_nonnull(at = strstr(at, "  pages free"));
		n = sscanf(at, " pages free %lu boost 0 min %lu low %lu high %lu promo %*u spanned %lu "
			   "present %lu managed %lu cma 0", &nr_free, &min, &low, &high, &spanned, &present,
			   &managed);
		ck_assert_int_eq(n, 7);
		ck_assert_uint_eq(nr_free, zone_free_pages(z));
		ck_assert_uint_eq(min, z->watermark[WMARK_MIN]);
		ck_assert_uint_eq(low, z->watermark[WMARK_LOW]);
		ck_assert_uint_eq(high, z->watermark[WMARK_HIGH]);
		ck_assert_uint_eq(managed, z->managed_pages);
		ck_assert(spanned >= present && present >= managed);
	}
	unit_teardown();
}
END_TEST

/* As `column -t` or slabtop would read it. */
START_TEST(D6_slabinfo_as_version_2_1)
{
	unsigned long active, num, size, per_slab, pages, active_slabs, slabs;
	bool found = false;
	const char *line;
	char name[40];

	unit_boot(64 << 20, 0);
	void *p = kmalloc(500, GFP_KERNEL), *q = kmalloc(400, GFP_KERNEL);

	line = report(report_slabinfo);
	ck_assert_int_eq(strncmp(line, "slabinfo - version: 2.1\n# name            <active_objs>", 55), 0);
	line = strchr(strchr(line, '\n') + 1, '\n') + 1;
	for (; *line; line = strchr(line, '\n') + 1) {
		int n = sscanf(line, "%39s %lu %lu %lu %lu %lu : tunables %*u %*u %*u : slabdata %lu %lu %*u\n",
			       name, &active, &num, &size, &per_slab, &pages, &active_slabs, &slabs);

		ck_assert_int_eq(n, 8);
		ck_assert_uint_le(active, num);
		ck_assert_uint_eq(num, slabs * per_slab);
		ck_assert_uint_le(active_slabs, slabs);
		ck_assert_uint_le(size * per_slab, pages * PAGE_SIZE);
		if (strcmp(name, "kmalloc-512") == 0) {
			found = true;
			ck_assert_uint_eq(active, 2);
		}
	}
	ck_assert(found);
	kfree(p);
	kfree(q);
	unit_teardown();
}
END_TEST

static unsigned nr_caches;

static bool count_cache(struct kmem_cache *s, void *arg)
{
	(void)s;
	(void)arg;
	nr_caches++;
	return true;
}

START_TEST(D6_slabinfo_lists_each_cache_once)
{
	unsigned lines = 0;

	unit_boot(64 << 20, 0);
	slab_for_each(count_cache, NULL);
	for (const char *c = report(report_slabinfo); (c = strchr(c, '\n')); c++)
		lines++;
	ck_assert_uint_eq(lines, nr_caches + 2);
	unit_teardown();
}
END_TEST

static char *area[40];

static void make_areas(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 40; i++)
		area[i] = vmalloc((1 + i % 3) * PAGE_SIZE);
}

static void free_areas(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 40; i++)
		vfree(area[i]);
}

/* More areas than are copied at once: each must be there, once, by address. */
START_TEST(F1_vmallocinfo_lists_each_area_once)
{
	unsigned long from, to, size, last = 0;
	unsigned lines = 0, pages, hits = 0;

	unit_boot(64 << 20, 0);
	unit_thread(make_areas, NULL);
	for (const char *line = report(report_vmallocinfo); *line; line = strchr(line, '\n') + 1, lines++) {
		const char *at = strstr(line, " pages=");

		ck_assert_int_eq(sscanf(line, "0x%lx-0x%lx %lu", &from, &to, &size), 3);
		ck_assert_uint_eq(to - from, size);
		ck_assert_uint_ge(from, last);
		last = to;
		ck_assert_ptr_nonnull(at);
		ck_assert_int_eq(sscanf(at,
					" pages=%u vmalloc\n", &pages), 1);
		ck_assert_uint_eq(size, (pages + 1) * PAGE_SIZE);
		for (unsigned i = 0; i < 40; i++)
			hits += (unsigned long)area[i] == from;
	}
	ck_assert_uint_ge(lines, 40);
	ck_assert_uint_eq(hits, 40);
	unit_thread(free_areas, NULL);
	unit_teardown();
}
END_TEST

START_TEST(B4_pagetypeinfo_adds_up)
{
	unsigned long sum = 0, all = 0, n;
	struct zone *z;
	char head[64];

	unit_boot(64 << 20, 32 << 20);
	for_each_zone(z)
		all += z->nr_free;
	report(report_pagetypeinfo);
	snprintf(head, sizeof(head), "Page block order: %d\nPages per block:  %lu\n\n", PAGEBLOCK_ORDER, 1UL << PAGEBLOCK_ORDER);
	ck_assert_ptr_nonnull(strstr(text, head));
	for (const char *at = text; (at = strstr(at, ", type ")); ) {
		int skip, more;

		ck_assert_int_eq(sscanf(at, ", type %*s%n", &skip), 0);
		at += skip;
		for (int order = 0; order < NR_PAGE_ORDERS; order++, at += more) {
			ck_assert_int_eq(sscanf(at, " %lu%n", &n, &more), 1);
			sum += n << order;
		}
	}
	ck_assert_uint_eq(sum, all);
	unit_teardown();
}
END_TEST

START_TEST(B1_page_tells_every_state)
{
	unit_boot(64 << 20, 32 << 20);
	struct page *one = alloc_page(GFP_HIGHUSER), *four = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	void *obj = kmalloc(64, GFP_KERNEL);

	report_page(&seq, page_to_pfn(one));
	ck_assert_ptr_nonnull(strstr(text, "HighMem"));
	ck_assert_ptr_nonnull(strstr(text, "address   NULL"));
	ck_assert_ptr_nonnull(strstr(text, "in use, block of order 0"));
	used = 0;
	report_page(&seq, page_to_pfn(four) + 3);
	ck_assert_ptr_nonnull(strstr(text, "in the compound page that begins at frame"));
	used = 0;
	report_page(&seq, page_to_pfn(virt_to_page(obj)));
	ck_assert_ptr_nonnull(strstr(text, "slab of kmalloc-64"));
	used = 0;
	report_page(&seq, max_pfn);
	ck_assert_ptr_nonnull(strstr(text, "there is none"));
	used = 0;
	report_page(&seq, 0);
	ck_assert_ptr_nonnull(strstr(text, "reserved"));
	kfree(obj);
	__free_page(one);
	__free_pages(four, 2);
	used = 0;
	report_page(&seq, 0x1401);	/* in the middle of a free block: 20 MiB + 1 page */
	ck_assert_ptr_nonnull(strstr(text, "free, in a block of"));
	unit_teardown();
}
END_TEST

/* ---- say.c --------------------------------------------------------------------------- */

START_TEST(misuse_is_counted_kept_and_logged)
{
	unsigned long before = misuse_count(NR_MISUSE), kind = misuse_count(MISUSE_TAIL);

	unit_boot(16 << 20, 0);
	unit_log_clear();
	misuse(MISUSE_TAIL, (unsigned long)abort, "call(%d): %s", 42, "what");
	ck_assert_uint_eq(misuse_count(NR_MISUSE), before + 1);
	ck_assert_uint_eq(misuse_count(MISUSE_TAIL), kind + 1);
	ck_assert_int_eq(strncmp(misuse_last(), "misuse: tail page: call(42): what; called from ", 47), 0);
	ck_assert(unit_log_has(misuse_last()));
	misuse_quiet(true);
	unit_log_clear();
	misuse(MISUSE_SIZE, 0, "other()");
	misuse_quiet(false);
	ck_assert_str_eq(unit_log(), "");
	ck_assert_uint_eq(misuse_count(NR_MISUSE), before + 2);
	ck_assert_ptr_nonnull(strstr(misuse_last(), "size out of range: other()"));
	for (enum misuse k = 0; k < NR_MISUSE; k++)
		ck_assert_uint_gt(strlen(misuse_name(k)), 0);
	unit_teardown();
}
END_TEST

/* The text may be cut, the caller not, and the line stays one line. */
START_TEST(a_long_misuse_keeps_its_caller)
{
	char many[400];

	unit_boot(16 << 20, 0);
	memset(many, 'x', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	misuse(MISUSE_ARGUMENT, 0x1234, "f(%s)", many);
	ck_assert_uint_lt(strlen(misuse_last()), 256);
	ck_assert_ptr_nonnull(strstr(misuse_last(), "; called from 0x1234"));
	unit_teardown();
}
END_TEST

START_TEST(failures_are_told_at_powers_of_two)
{
	unsigned told = 0;

	unit_boot(16 << 20, 0);
	for (int i = 1; i <= 100; i++) {
		unit_log_clear();
		report_alloc_failure("page", GFP_KERNEL | __GFP_NOWARN, 2, 0, 0);
		ck_assert_str_eq(unit_log(), "");
		report_alloc_failure("page", GFP_KERNEL, 2, 0, 0);
		if (unit_log_has("page allocation failure: order:2") && unit_log_has("GFP_KERNEL") &&
		    unit_log_has("DMA: free"))
			told++;
	}
	ck_assert_uint_eq(told, 7);	/* 1, 2, 4 ... 64 */
	unit_teardown();
}
END_TEST

UNIT_SUITE(report,
	B1_meminfo_adds_up,
	B1_meminfo_columns,
	B4_buddyinfo_adds_up,
	A2_zoneinfo_tells_the_watermarks,
	D6_slabinfo_as_version_2_1,
	D6_slabinfo_lists_each_cache_once,
	F1_vmallocinfo_lists_each_area_once,
	B4_pagetypeinfo_adds_up,
	B1_page_tells_every_state)

UNIT_SUITE(say,
	misuse_is_counted_kept_and_logged,
	a_long_misuse_keeps_its_caller,
	failures_are_told_at_powers_of_two)
