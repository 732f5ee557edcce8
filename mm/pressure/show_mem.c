/* SPDX-License-Identifier: MIT */
/*
 * show_mem.c: all there is to know of memory in a screen, for the log, when it is short.
 *
 *	Mem-Info:
 *	 anon:3021 file:12 mapped:3 slab:210 pagetables:14 ...			pages, of all zones
 *	 free:512 free_pcp:33						free_pcp: on CPUs' own lists
 *	Node 0 DMA free:1020kB min:88kB low:108kB high:132kB ...		each zone against its watermarks
 *	lowmem_reserve[]: 0 0 427 427
 *	Node 0 DMA: 1*4kB 0*8kB 3*16kB ... = 1020kB				its free blocks, by size
 *	Largest slab caches:
 *	 kmalloc-64 52kB used of 56kB
 *
 * Each line is put together on the stack and said at once, from a snapshot; nothing is
 * allocated, and no lock is held while anything is said.
 */
#include <quarry/oom.h>

#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/zone.h>

#define LARGEST 8
#define K(pages) ((unsigned long)(pages) << (PAGE_SHIFT - 10))

/* ---- zones ---------------------------------------------------------------------------- */

static void show_totals(void)
{
	unsigned long free = 0, pcp = 0;
	long stat[NR_ZONE_STAT_ITEMS] = { 0 };
	struct zone *z;

	for_each_zone(z) {
		free += READ_ONCE(z->nr_free);
		pcp += zone_kept_pages(z);
		for (int i = 0; i < NR_ZONE_STAT_ITEMS; i++)
			stat[i] += READ_ONCE(z->vm_stat[i]);
	}
	mm_log("Mem-Info:\n anon:%ld file:%ld mapped:%ld slab:%ld pagetables:%ld kernel_stack:%ld vmalloc:%ld\n"
	       " free:%lu free_pcp:%lu\n", stat[NR_ANON_PAGES], stat[NR_FILE_PAGES], stat[NR_FILE_MAPPED],
	       stat[NR_SLAB_UNRECLAIMABLE], stat[NR_PAGETABLE], stat[NR_KERNEL_STACK_PAGES], stat[NR_VMALLOC_PAGES], free, pcp);
}

static void show_zone(const struct zone *z)
{
	char line[24 * MAX_NR_ZONES];
	size_t n = 0;

	mm_log("Node %d %s free:%lukB min:%lukB low:%lukB high:%lukB present:%lukB managed:%lukB free_pcp:%lukB\n",
	       z->node, z->name, K(READ_ONCE(z->nr_free)), K(z->watermark[WMARK_MIN]), K(z->watermark[WMARK_LOW]),
	       K(z->watermark[WMARK_HIGH]), K(z->present_pages), K(z->managed_pages), K(zone_kept_pages(z)));
	for (int i = 0; i < MAX_NR_ZONES; i++)
		n += (size_t)mm_snprintf(line + n, sizeof(line) - n, " %lu", z->lowmem_reserve[i]);
	mm_log("lowmem_reserve[]:%s\n", line);
}

static void show_blocks(struct zone *z)
{
	unsigned long blocks[NR_PAGE_ORDERS], pages = 0, flags = spin_lock_irqsave(&z->lock);
	char line[24 * NR_PAGE_ORDERS];
	size_t n = 0;

	for (int i = 0; i < NR_PAGE_ORDERS; i++)
		blocks[i] = z->free_area[i].nr_free;
	spin_unlock_irqrestore(&z->lock, flags);
	for (int i = 0; i < NR_PAGE_ORDERS; i++) {
		n += (size_t)mm_snprintf(line + n, sizeof(line) - n, " %lu*%lukB", blocks[i], K(1UL << i));
		pages += blocks[i] << i;
	}
	mm_log("Node %d %s:%s = %lukB\n", z->node, z->name, line, K(pages));
}

/* ---- caches --------------------------------------------------------------------------- */

struct large_cache {
	char name[32];
	unsigned long used, total;	/* bytes */
};

struct largest {
	unsigned n;
	struct large_cache cache[LARGEST];	/* the largest first */
};

/* Into its place among the largest, if it is one of them. */
static bool rank(struct kmem_cache *c, void *arg)
{
	struct largest *l = arg;
	struct slabinfo info;
	unsigned long total;
	unsigned i;

	slab_get_info(c, &info);
	total = info.num_slabs * info.pages_per_slab << PAGE_SHIFT;
	for (i = l->n; i > 0 && l->cache[i - 1].total < total; i--)
		if (i < LARGEST)
			l->cache[i] = l->cache[i - 1];
	if (!total || i == LARGEST)
		return true;
	l->n += l->n < LARGEST;
	l->cache[i].used = info.active_objs * info.objsize;
	l->cache[i].total = total;
	mm_snprintf(l->cache[i].name, sizeof(l->cache[i].name), "%s", info.name);
	return true;
}

static void show_caches(void)
{
	struct largest l = { .n = 0 };

	slab_for_each(rank, &l);
	mm_log("Largest slab caches:\n");
	for (unsigned i = 0; i < l.n; i++)
		mm_log(" %s %lukB used of %lukB\n", l.cache[i].name, l.cache[i].used >> 10, l.cache[i].total >> 10);
}

void show_mem(void)
{
	struct zone *z;

	show_totals();
	for_each_zone(z)
		show_zone(z);
	for_each_zone(z)
		show_blocks(z);
	show_caches();
}
