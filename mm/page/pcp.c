/* SPDX-License-Identifier: MIT */
/*
 * pcp.c: each CPU's own list of single free frames, in front of each zone.
 *
 * Idea.  Most allocations are of one page, and the page freed last is still warm
 * in the CPU's cache.  So each CPU keeps a short list for each zone: the last one
 * freed goes out first, and the zone's lock is taken once for `batch` pages.
 *
 *	pcp_free:   page -> [hot ... cold]        count > high: `batch` cold ones go back
 *	pcp_alloc:  page <- [hot ... cold]        count = 0:    `batch` come from the zone
 *
 * A page on such a list has PG_pcp and count 0: to everybody else it is free, and
 * freeing it again is seen at once.
 *
 * Invariants (pcp_check):
 *   P.1  pages on a list have PG_pcp, no PG_buddy, count 0, order 0 and lie in the zone;
 *   P.2  `count` is the length of the list, and 0 <= count <= high.
 *
 * Locking: a list is touched by its own CPU only, with interrupts off; the zone's
 * lock nests inside.  drain_all_pages() of another CPU's list is allowed only
 * while that CPU cannot touch it: today there is one CPU; with more, the drain is
 * sent to its owner.  Cost: O(1); a refill or flush O(batch * MAX_PAGE_ORDER).
 */
#include <quarry/zone.h>

/* These and refill() own a list, its counter and PG_pcp. */
static void pcp_push(struct per_cpu_pages *pcp, struct page *page)
{
	__SetPagePcp(page);
	list_add(&page->lru, &pcp->list);
	pcp->count++;
}

static void pcp_remove(struct per_cpu_pages *pcp, struct page *page)
{
	list_del(&page->lru);
	__ClearPagePcp(page);
	pcp->count--;
}

/* Fill the list up to a batch. */
static void refill(struct zone *zone, struct per_cpu_pages *pcp)
{
	LIST_HEAD(fresh);
	struct page *page;

	spin_lock(&zone->lock);
	pcp->count += (int)buddy_alloc_frames(zone, (unsigned long)max(pcp->batch - pcp->count, 1), &fresh);
	spin_unlock(&zone->lock);
	list_for_each_entry(page, &fresh, lru)
		__SetPagePcp(page);
	list_splice_tail_init(&fresh, &pcp->list);
	pcp->event[PGPCP_REFILL]++;
}

/* Give @n frames back to the zone, the coldest first. */
static void drain(struct zone *zone, struct per_cpu_pages *pcp, int n)
{
	spin_lock(&zone->lock);
	while (n-- > 0 && pcp->count) {
		struct page *page = list_last_entry(&pcp->list, struct page, lru);

		pcp_remove(pcp, page);
		buddy_free(zone, page, 0);
	}
	spin_unlock(&zone->lock);
	pcp->event[PGPCP_DRAIN]++;
}

struct page *pcp_alloc(struct zone *zone)
{
	unsigned long flags = arch_irq_save();
	struct per_cpu_pages *pcp = &zone->pageset[smp_processor_id()];
	struct page *page = NULL;

	if (unlikely(!pcp->count))
		refill(zone, pcp);
	if (likely(pcp->count)) {
		page = list_first_entry(&pcp->list, struct page, lru);
		pcp_remove(pcp, page);
		pcp->event[PGALLOC]++;
	}
	arch_irq_restore(flags);
	return page;
}

void pcp_free(struct zone *zone, struct page *page)
{
	unsigned long flags = arch_irq_save();
	struct per_cpu_pages *pcp = &zone->pageset[smp_processor_id()];

	pcp->event[PGFREE]++;
	pcp_push(pcp, page);
	if (unlikely(pcp->count > pcp->high))
		drain(zone, pcp, max(pcp->batch, 1));
	arch_irq_restore(flags);
}

static void drain_zone(struct zone *zone)
{
	unsigned long flags = arch_irq_save();

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		if (zone->pageset[cpu].count)
			drain(zone, &zone->pageset[cpu], zone->pageset[cpu].count);
	arch_irq_restore(flags);
}

void drain_all_pages(struct zone *zone)
{
	if (zone) {
		drain_zone(zone);
		return;
	}
	for_each_zone(zone)
		drain_zone(zone);
}

static int check_list(const struct zone *zone, const struct per_cpu_pages *pcp)
{
	const struct page *page;
	int n = 0;

	list_for_each_entry(page, &pcp->list, lru) {
		if (!PagePcp(page) || PageBuddy(page) || page_count(page) != 0 || page->order ||
		    (unsigned long)(page - zone->zone_mem_map) >= zone->spanned_pages)
			return 1;
		if (++n > pcp->count)
			return 2;
	}
	return n == pcp->count && n <= pcp->high ? 0 : 2;
}

int pcp_check(struct zone *zone)
{
	unsigned long flags = arch_irq_save();
	int broken = 0;

	for (unsigned cpu = 0; cpu < NR_CPUS && !broken; cpu++)
		broken = check_list(zone, &zone->pageset[cpu]);
	arch_irq_restore(flags);
	return broken;
}
