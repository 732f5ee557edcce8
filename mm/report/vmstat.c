/* SPDX-License-Identifier: MIT */
/*
 * vmstat.c: what there is and what has happened, as /proc/vmstat.
 *
 * One name and one number on each line, in Linux's order, since programs (vmstat, sar)
 * look for them; what does not exist here is 0.  First the counters of all zones together, as
 * zoneinfo has them for each node and zone; then events since boot (events.c, and those
 * that each zone counts); at the end, in no Linux, the rungs of the ladder (slowpath.c).
 */
#include "stats.h"

#include <quarry/pressure.h>
#include <quarry/zone.h>

const struct stat_line node_stat_lines[] = {
	{ "nr_inactive_anon", -1 }, { "nr_active_anon", -1 }, { "nr_inactive_file", -1 },
	{ "nr_active_file", -1 }, { "nr_unevictable", -1 }, { "nr_slab_reclaimable", -1 },
	{ "nr_slab_unreclaimable", NR_SLAB_UNRECLAIMABLE }, { "nr_isolated_anon", -1 },
	{ "nr_isolated_file", -1 }, { "workingset_nodes", -1 }, { "workingset_refault_anon", -1 },
	{ "workingset_refault_file", -1 }, { "workingset_activate_anon", -1 },
	{ "workingset_activate_file", -1 }, { "workingset_restore_anon", -1 },
	{ "workingset_restore_file", -1 }, { "workingset_nodereclaim", -1 },
	{ "nr_anon_pages", NR_ANON_PAGES }, { "nr_mapped", NR_FILE_PAGES }, { "nr_file_pages", -1 },
	{ "nr_dirty", -1 }, { "nr_writeback", -1 }, { "nr_writeback_temp", -1 }, { "nr_shmem", -1 },
	{ "nr_shmem_hugepages", -1 }, { "nr_shmem_pmdmapped", -1 }, { "nr_file_hugepages", -1 },
	{ "nr_file_pmdmapped", -1 }, { "nr_anon_transparent_hugepages", NR_ANON_THPS }, { "nr_vmscan_write", -1 },
	{ "nr_vmscan_immediate_reclaim", -1 }, { "nr_dirtied", -1 }, { "nr_written", -1 },
	{ "nr_throttled_written", -1 }, { "nr_kernel_misc_reclaimable", -1 },
	{ "nr_foll_pin_acquired", -1 }, { "nr_foll_pin_released", -1 },
	{ "nr_kernel_stack", NR_KERNEL_STACK_PAGES }, { "nr_page_table_pages", NR_PAGETABLE },
	{ "nr_sec_page_table_pages", -1 }, { "pgdemote_kswapd", -1 }, { "pgdemote_direct", -1 },
	{ "pgdemote_khugepaged", -1 }, { NULL, -1 },
};

const struct stat_line zone_stat_lines[] = {
	{ "nr_zone_inactive_anon", -1 }, { "nr_zone_active_anon", -1 }, { "nr_zone_inactive_file", -1 },
	{ "nr_zone_active_file", -1 }, { "nr_zone_unevictable", -1 }, { "nr_zone_write_pending", -1 },
	{ "nr_mlock", -1 }, { "nr_bounce", -1 }, { "nr_free_cma", -1 },
	{ NULL, -1 },
};

void stat_lines(struct seq *s, const struct stat_line *l, const long *stat,
		void (*line)(struct seq *s, const char *name, unsigned long value))
{
	for (; l->name; l++)
		line(s, l->name, l->item < 0 ? 0 : (unsigned long)stat[l->item]);
}

static void line(struct seq *s, const char *name, unsigned long value)
{
	seq_printf(s, "%s %lu\n", name, value);
}

static void lines_zero(struct seq *s, const char *const *names)
{
	for (; *names; names++)
		line(s, *names, 0);
}

static void line_event(struct seq *s, enum vm_event_item item)
{
	line(s, vm_event_name(item), vm_event(item));
}

/* ---- what there is --------------------------------------------------------------- */

struct totals {
	unsigned long free, taken[MAX_NR_ZONES], freed;
	unsigned types;			/* bits: which types of zone there are */
	unsigned long mem_map_pages;
	long stat[NR_ZONE_STAT_ITEMS];
};

static void get_totals(struct totals *t)
{
	unsigned long spanned = 0;
	struct zone *z;

	*t = (struct totals){ .types = 1u << ZONE_NORMAL };
	for_each_zone(z) {
		t->types |= 1u << z->type;
		t->free += zone_free_pages(z);
		t->taken[z->type] += zone_event(z, PGALLOC);
		t->freed += zone_event(z, PGFREE);
		spanned += z->spanned_pages;
		for (int i = 0; i < NR_ZONE_STAT_ITEMS; i++)
			t->stat[i] += READ_ONCE(z->vm_stat[i]);
	}
	t->stat[NR_KERNEL_STACK_PAGES] <<= PAGE_SHIFT - 10;	/* in kB, as in zoneinfo */
	t->mem_map_pages = DIV_ROUND_UP(spanned * sizeof(struct page), PAGE_SIZE);
}

static void counters(struct seq *s, const struct totals *t)
{
	line(s, "nr_free_pages", t->free);
	stat_lines(s, zone_stat_lines, t->stat, line);
	stat_lines(s, node_stat_lines, t->stat, line);
	line(s, "nr_dirty_threshold", 0);
	line(s, "nr_dirty_background_threshold", 0);
	line(s, "nr_memmap_pages", SPARSE_MEM_MAP ? t->mem_map_pages : 0);
	line(s, "nr_memmap_boot_pages", SPARSE_MEM_MAP ? 0 : t->mem_map_pages);
}

/* ---- what has happened ------------------------------------------------------------- */

static const char *const zone_words[MAX_NR_ZONES] = {
	[ZONE_DMA] = "dma", [ZONE_DMA32] = "dma32", [ZONE_NORMAL] = "normal", [ZONE_HIGHMEM] = "high",
};

/* "NAME_dma" ... for the types of zone that there are, and the one that is always empty. */
static void by_zone(struct seq *s, const struct totals *t, const char *name, const unsigned long *n)
{
	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		if (t->types >> i & 1)
			seq_printf(s, "%s_%s %lu\n", name, zone_words[i], n[i]);
	seq_printf(s, "%s_movable 0\n", name);
}

static void stalls(struct seq *s, const struct totals *t)
{
	unsigned long n[MAX_NR_ZONES];

	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		n[i] = vm_event(ALLOCSTALL_ZONE + i);
	by_zone(s, t, "allocstall", n);
}

static void paging(struct seq *s, const struct totals *t)
{
	static const char *const in_and_out[] = { "pgpgin", "pgpgout", "pswpin", "pswpout", NULL };
	static const char *const ages[] = { "pgactivate", "pgdeactivate", "pglazyfree", NULL };
	static const char *const refills[] = { "pglazyfreed", "pgrefill", "pgreuse", NULL };
	static const unsigned long none[MAX_NR_ZONES];

	lines_zero(s, in_and_out);
	by_zone(s, t, "pgalloc", t->taken);
	stalls(s, t);
	by_zone(s, t, "pgskip", none);
	line(s, "pgfree", t->freed);
	lines_zero(s, ages);
	line_event(s, PGFAULT);
	line_event(s, PGMAJFAULT);
	lines_zero(s, refills);
}

static void reclaim(struct seq *s)
{
	line_event(s, PGSTEAL_KSWAPD);
	line_event(s, PGSTEAL_DIRECT);
	line(s, "pgsteal_khugepaged", 0);
	line_event(s, PGSCAN_KSWAPD);
	line_event(s, PGSCAN_DIRECT);
	line(s, "pgscan_khugepaged", 0);
	line(s, "pgscan_direct_throttle", 0);
	line(s, "pgscan_anon", 0);
	line(s, "pgscan_file", vm_event(PGSCAN_KSWAPD) + vm_event(PGSCAN_DIRECT));
	line(s, "pgsteal_anon", 0);
	line(s, "pgsteal_file", vm_event(PGSTEAL_KSWAPD) + vm_event(PGSTEAL_DIRECT));
	line(s, "pginodesteal", 0);
	line_event(s, SLABS_SCANNED);
	line(s, "kswapd_inodesteal", 0);
	line_event(s, KSWAPD_LOW_WMARK_HIT_QUICKLY);
	line_event(s, KSWAPD_HIGH_WMARK_HIT_QUICKLY);
	line_event(s, PAGEOUTRUN);
	line(s, "pgrotated", 0);
	line_event(s, DROP_PAGECACHE);
	line_event(s, DROP_SLAB);
	line_event(s, OOM_KILL);
}

static void not_there(struct seq *s)
{
	static const char *const names[] = {
		"pgmigrate_success", "pgmigrate_fail", "thp_migration_success", "thp_migration_fail",
		"thp_migration_split", "compact_migrate_scanned", "compact_free_scanned", "compact_isolated",
		"compact_stall", "compact_fail", "compact_success", "compact_daemon_wake",
		"compact_daemon_migrate_scanned", "compact_daemon_free_scanned", "unevictable_pgs_culled",
		"unevictable_pgs_scanned", "unevictable_pgs_rescued", "unevictable_pgs_mlocked",
		"unevictable_pgs_munlocked", "unevictable_pgs_cleared", "unevictable_pgs_stranded",
		"direct_map_level2_splits", "direct_map_level3_splits", "nr_unstable", NULL,
	};

	lines_zero(s, names);
}

void report_vmstat(struct seq *s)
{
	struct totals t;

	get_totals(&t);
	counters(s, &t);
	paging(s, &t);
	reclaim(s);
	not_there(s);
	for (unsigned i = ALLOC_SLOWPATH; i <= ALLOC_FAILED; i++)
		line_event(s, i);
}
