/* SPDX-License-Identifier: MIT */
/*
 * zone.c: which zone may serve whom, and how much of it stays in reserve.
 *
 * Watermarks.  Each zone keeps some frames back, so that those who cannot wait
 * (interrupts, the reclaimer itself) find something when everybody else is told
 * to wait.  From min_free_kbytes, which grows with the square root of low memory
 * (four times the memory needs twice the reserve):
 *
 *	min_free_kbytes = sqrt(low memory in KiB * 16), 128 ... 262144
 *	zone's min      = its share of that by size (high memory: size / 1024,
 *			  32 ... 128 pages, since the kernel itself lives elsewhere)
 *	low, high       = min + d, min + 2 d: d is a quarter of its share by size, high
 *			  memory too; or a thousandth of it, if that is more
 *
 *	e.g. 896 MiB low:  sqrt(917504 * 16) = 3831 KiB = 957 pages, of which the
 *	DMA zone (4096 of 229376 pages) keeps 17 and NORMAL 940.
 *
 * set_min_free_kbytes() puts another number in the place of the square root.
 *
 * A request passes if, after it, at least `mark` pages stay on the buddy lists.
 * (CPUs' own lists are not counted: adding them up would cost more than the
 * allocation.  When the answer is no, the slow path empties them and asks again.)
 *
 * lowmem_reserve.  A request that could go to a high zone must not eat the low
 * ones, since some requests can go nowhere else.  Zone i keeps, from requests
 * whose highest zone is j > i, 1/ratio[i] of all memory in zones i+1 ... j, of every node,
 * for all of them fall back on it; where several nodes have a zone i, each its share by size.
 *
 * Invariants (zone_check):
 *   Z.1  min <= low <= high <= managed pages;
 *   Z.2  nothing is kept from requests that can go no higher, and the more the higher they can.
 */
#include <quarry/report.h>
#include <quarry/zone.h>

static struct pglist_data first_node;
struct pglist_data *node_data[MAX_NUMNODES] = { &first_node };
struct zone *zone_table[ZONE_TABLE_SIZE];
struct per_cpu_pages *pageset_table[ZONE_TABLE_SIZE];
unsigned nr_cpu_ids = NR_CPUS;
unsigned long min_free_kbytes;
void (*clear_high_page)(struct page *page);

/* What each zone keeps from higher requests: 1/ratio; 0 keeps nothing. */
static const unsigned lowmem_reserve_ratio[MAX_NR_ZONES] = {
	[ZONE_DMA] = 256, [ZONE_DMA32] = 256, [ZONE_NORMAL] = 32, [ZONE_HIGHMEM] = 0,
};

/* ---- walking the zones ------------------------------------------------------ */

/* The first populated zone at or after zone number @i of all nodes. */
static struct zone *populated_from(int i)
{
	for (; i < num_online_nodes() * MAX_NR_ZONES; i++) {
		struct zone *zone = &NODE_DATA(i / MAX_NR_ZONES)->node_zones[i % MAX_NR_ZONES];

		if (populated_zone(zone))
			return zone;
	}
	return NULL;
}

struct zone *first_zone(void)
{
	return populated_from(0);
}

struct zone *next_zone(struct zone *zone)
{
	return populated_from(zone->node * MAX_NR_ZONES + (int)zone->type + 1);
}

unsigned long zone_kept_pages(const struct zone *zone)
{
	const struct per_cpu_pages *pcp;
	unsigned long n = 0;

	for_each_pcp(pcp, zone)
		n += pcp_pages(pcp);
	return n;
}

unsigned long zone_free_pages(const struct zone *zone)
{
	return READ_ONCE(zone->nr_free) + READ_ONCE(zone->deferred_pages) + zone_kept_pages(zone);
}

unsigned long totalram_pages(void)
{
	unsigned long n = 0;
	struct zone *zone;

	for_each_zone(zone)
		n += zone->managed_pages;
	return n;
}

unsigned long zone_event(const struct zone *zone, enum zone_event_item item)
{
	const struct per_cpu_pages *pcp;
	unsigned long n = 0;

	for_each_pcp(pcp, zone)
		n += pcp_event(pcp, item);
	return n;
}

/* ---- watermarks ------------------------------------------------------------- */

bool zone_has_block(const struct zone *zone, unsigned order)
{
	unsigned orders = 0;

	for_each_migratetype(t)
		orders |= READ_ONCE(zone->free_orders[t]);
	return orders >> order;
}

/* Integer square root, by halving the interval. */
static unsigned long int_sqrt(unsigned long long x)
{
	unsigned long lo = 0, hi = 1UL << 31;

	while (lo + 1 < hi) {
		unsigned long mid = lo + (hi - lo) / 2;

		if ((unsigned long long)mid * mid <= x)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static unsigned long clamp(unsigned long x, unsigned long lo, unsigned long hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static void setup_watermarks(struct zone *zone, unsigned long min_pages, unsigned long low_pages)
{
	unsigned long managed = zone->managed_pages;
	unsigned long share = (unsigned long)((u64)min_pages * managed / max(low_pages, 1UL));
	unsigned long least = zone->type == ZONE_HIGHMEM ? clamp(managed / 1024, 32, 128) : share;
	unsigned long step = max(share / 4, managed / 1000);

	least = min(least, managed / 4);
	step = min(step, managed / 4);
	WRITE_ONCE(zone->watermark[WMARK_MIN], least);
	WRITE_ONCE(zone->watermark[WMARK_LOW], least + step);
	WRITE_ONCE(zone->watermark[WMARK_HIGH], least + 2 * step);
}

static void setup_lowmem_reserve(void)
{
	unsigned long managed[MAX_NR_ZONES] = { 0 }, above;
	struct zone *zone;

	for_each_zone(zone)
		managed[zone->type] += zone->managed_pages;
	for_each_zone(zone) {
		unsigned ratio = lowmem_reserve_ratio[zone->type];

		above = 0;
		for (int j = (int)zone->type + 1; j < MAX_NR_ZONES && ratio; j++) {
			above += managed[j];
			zone->lowmem_reserve[j] = (unsigned long)((u64)(above / ratio) * zone->managed_pages /
								  max(managed[zone->type], 1UL));
		}
	}
}

static unsigned long low_pages(void)
{
	unsigned long n = 0;
	struct zone *zone;

	for_each_zone(zone)
		if (zone->type != ZONE_HIGHMEM)
			n += zone->managed_pages;
	return n;
}

static void setup_all_watermarks(void)
{
	unsigned long low = low_pages();
	struct zone *zone;

	for_each_zone(zone)
		setup_watermarks(zone, min_free_kbytes / (PAGE_SIZE / 1024), low);
}

void setup_per_zone_wmarks(void)
{
	struct zone *zone;

	if (!min_free_kbytes)
		min_free_kbytes = clamp(int_sqrt((u64)low_pages() * (PAGE_SIZE / 1024) * 16), 128, 262144);
	setup_all_watermarks();
	for_each_zone(zone)
		setup_pagesets(zone);
	setup_lowmem_reserve();
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		setup_first_pcp(cpu);
}

int set_min_free_kbytes(unsigned long kib)
{
	unsigned long most = low_pages() / 8 * (PAGE_SIZE / 1024);

	if (!kib || kib > most) {
		misuse(MISUSE_ARGUMENT, _RET_IP_, "set_min_free_kbytes(%lu): 1 ... %lu, an eighth of low memory", kib, most);
		return -EINVAL;
	}
	min_free_kbytes = kib;
	setup_all_watermarks();
	return 0;
}

int zone_check(const struct zone *zone)
{
	const unsigned long *mark = zone->watermark;

	if (mark[WMARK_MIN] > mark[WMARK_LOW] || mark[WMARK_LOW] > mark[WMARK_HIGH] ||
	    mark[WMARK_HIGH] > zone->managed_pages)
		return 1;
	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		if (i <= zone->type ? zone->lowmem_reserve[i] : zone->lowmem_reserve[i] < zone->lowmem_reserve[i - 1])
			return 2;
	return 0;
}
