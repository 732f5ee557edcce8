/* SPDX-License-Identifier: MIT */
/*
 * meminfo.c: the whole of memory in forty lines, as /proc/meminfo.
 *
 * One line is a name, padded with its colon to 16 columns, and a number of kB in
 * 8.  Names of things that this system has not (swap, disk buffers, lists of
 * aged pages) are there with 0, since programs look for them.
 *
 * MemTotal is what the buddy allocator was given, so MemTotal - MemFree is what
 * somebody holds.  MemAvailable is what can be taken before a zone falls to its
 * high watermark.
 */
#include <quarry/report.h>
#include <quarry/pgtable.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

struct totals {
	unsigned long managed, free, available, high_managed, high_free;
	long stat[NR_ZONE_STAT_ITEMS];
};

static void add_zone(struct totals *t, const struct zone *z)
{
	unsigned long nr_free = zone_free_pages(z), kept = z->watermark[WMARK_HIGH];

	t->managed += z->managed_pages;
	t->free += nr_free;
	t->available += nr_free > kept ? nr_free - kept : 0;
	if (z->type == ZONE_HIGHMEM) {
		t->high_managed += z->managed_pages;
		t->high_free += nr_free;
	}
	for (int i = 0; i < NR_ZONE_STAT_ITEMS; i++)
		t->stat[i] += READ_ONCE(z->vm_stat[i]);
}

static void get_totals(struct totals *t)
{
	struct zone *z;

	*t = (struct totals){ 0 };
	for_each_zone(z)
		add_zone(t, z);
}

static void line_kb(struct seq *s, const char *name, unsigned long kb)
{
	seq_printf(s, "%-16s%8lu kB\n", name, kb);
}

static void line_pages(struct seq *s, const char *name, unsigned long pages)
{
	line_kb(s, name, pages << (PAGE_SHIFT - 10));
}

static void lines_zero(struct seq *s, const char *const *names)
{
	for (; *names; names++)
		line_kb(s, *names, 0);
}

#define LEVELS 6			/* 1 ... 5, whatever the port has */

/*
 * How the direct map is made: bytes in the pages of each level's size.  A port that
 * maps it by other means than swapper_pg_dir shows 0.
 */
static void direct_map(unsigned long bytes[LEVELS])
{
	unsigned long addr = PAGE_OFFSET, end = (unsigned long)high_memory, step;
	int level;

	for (; addr < end && addr >= PAGE_OFFSET; addr += step) {
		pte_t e = get_pte(pt_lookup(swapper_pg_dir, addr, &level));

		step = 1UL << pt_shift(level);
		if (pte_present(e))
			bytes[level] += step;
	}
}

static void direct_map_lines(struct seq *s)
{
	unsigned long bytes[LEVELS] = { 0 }, big = 1UL << pt_shift(2);
	char name[24] = "DirectMap4M:";

	direct_map(bytes);
	name[9] = (char)('0' + (big >> 20) % 10);
	line_kb(s, "DirectMap4k:", bytes[1] >> 10);
	line_kb(s, name, bytes[2] >> 10);
	if (arch_max_huge_level() > 2)
		line_kb(s, "DirectMap1G:", bytes[3] >> 10);
}

void report_meminfo(struct seq *s)
{
	static const char *const lists[] = {
		"SwapCached:", "Active:", "Inactive:", "Active(anon):", "Inactive(anon):",
		"Active(file):", "Inactive(file):", "Unevictable:", "Mlocked:", NULL,
	};
	static const char *const swap[] = { "SwapTotal:", "SwapFree:", "Dirty:", "Writeback:", NULL };
	static const char *const rest[] = {
		"SecPageTables:", "NFS_Unstable:", "Bounce:", "WritebackTmp:", "CommitLimit:",
		"Committed_AS:", NULL,
	};
	struct vmalloc_totals v;
	struct totals t;

	get_totals(&t);
	vmalloc_get_totals(&v);
	line_pages(s, "MemTotal:", t.managed);
	line_pages(s, "MemFree:", t.free);
	line_pages(s, "MemAvailable:", t.available);
	line_kb(s, "Buffers:", 0);
	line_pages(s, "Cached:", (unsigned long)t.stat[NR_FILE_PAGES]);
	lines_zero(s, lists);
	line_pages(s, "HighTotal:", t.high_managed);
	line_pages(s, "HighFree:", t.high_free);
	line_pages(s, "LowTotal:", t.managed - t.high_managed);
	line_pages(s, "LowFree:", t.free - t.high_free);
	lines_zero(s, swap);
	line_pages(s, "AnonPages:", (unsigned long)t.stat[NR_ANON_PAGES]);
	line_pages(s, "Mapped:", (unsigned long)t.stat[NR_FILE_MAPPED]);
	line_kb(s, "Shmem:", 0);
	line_kb(s, "KReclaimable:", 0);
	line_pages(s, "Slab:", (unsigned long)t.stat[NR_SLAB_UNRECLAIMABLE]);
	line_kb(s, "SReclaimable:", 0);
	line_pages(s, "SUnreclaim:", (unsigned long)t.stat[NR_SLAB_UNRECLAIMABLE]);
	line_pages(s, "KernelStack:", (unsigned long)t.stat[NR_KERNEL_STACK_PAGES]);
	line_pages(s, "PageTables:", (unsigned long)t.stat[NR_PAGETABLE]);
	lines_zero(s, rest);
	line_kb(s, "VmallocTotal:", v.total_bytes >> 10);
	line_kb(s, "VmallocUsed:", v.used_bytes >> 10);
	line_kb(s, "VmallocChunk:", v.largest_free >> 10);
	line_kb(s, "Percpu:", 0);
	line_pages(s, "AnonHugePages:", (unsigned long)t.stat[NR_ANON_THPS] << (pt_shift(2) - PAGE_SHIFT));
	direct_map_lines(s);
}
