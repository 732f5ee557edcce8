/* SPDX-License-Identifier: MIT */
/*
 * pcp.c: each CPU's own stacks of free frames and small blocks, in front of each zone.
 *
 * Idea.  Most allocations are of one page, and the page freed last is still warm
 * in the CPU's cache.  So each CPU keeps a short stack for each zone: the last one
 * freed goes out first, and the zone's lock is taken once for `batch` pages.
 *
 *	pcp_free:   page -> [cold ... hot]        count > high: the colder half goes back
 *	pcp_alloc:  page <- [cold ... hot]        count = 0:    as many come from the zone
 *
 * Blocks of 2, 4 and 8 pages have a small stack each, and those as large as a page block, where
 * the zone has room for it: one that comes back is likely to be wanted again, and to merge it
 * and split it again costs as much as all the rest.  They are filled by freeing alone, and what
 * they cannot hold goes to the zone.
 *
 * Frames side by side on the stack go back to the zone in one piece, already merged.
 *
 * Each type of memory (mobility.c) has stacks of its own.  What is freed comes to those of
 * the type noted in page->flags, so it is handed out to the same kind again; a refill takes
 * what the zone gives for the type, even if that is another's.
 *
 * A page on such a stack has PG_pcp and count 0: to everybody else it is free, and
 * freeing it again is seen at once.
 *
 * first_pcp[] is what the hot way in alloc.c looks at: for this CPU and the mask's
 * zone and type, the stack of the best zone of its node.  A frame on it is no longer the zone's, so no
 * watermark needs to be asked.
 *
 * Invariants (pcp_check):
 *   P.1  pages on a stack have PG_pcp, no PG_buddy, count 0, the stack's order and lie in
 *        the zone;
 *   P.2  0 <= count <= high <= PCP_HIGH_MAX, and no page is on it twice;
 *   P.3  so for the stacks of blocks: 0 <= count <= max <= PCP_BLOCKS;
 *   P.4  a zone that is not grouped has nothing on stacks of other types than the first.
 *
 * Locking: a stack is touched by whoever has claimed its CPU (claim.h); the zone's lock
 * nests inside.  An interrupt that finds the claim taken goes to the zone itself.
 * drain_all_pages() lets each CPU drain its own (claim.c).  Cost: O(1); a refill or flush O(batch * MAX_PAGE_ORDER).
 */
#include <quarry/zone.h>

static struct per_cpu_pages no_pcp;
struct per_cpu_pages *first_pcp[NR_CPUS][GFP_PLACE_MASK + 1] = {
	[0 ... NR_CPUS - 1] = { [0 ... GFP_PLACE_MASK] = &no_pcp },
};

static struct per_cpu_pages *best_pcp(unsigned cpu, gfp_t gfp)
{
	const struct zone *best = node_zonelist(cpu_to_node(cpu), gfp)->zonerefs[0].zone;

	return best ? zone_pcp(best, zone_type(best, gfp_migratetype(gfp)), cpu) : &no_pcp;
}

void setup_first_pcp(unsigned cpu)
{
	static const gfp_t modifiers[] = { 0, __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM };

	for (unsigned i = 0; i < ARRAY_SIZE(modifiers); i++)
		for_each_migratetype(t) {
			gfp_t gfp = modifiers[i] | (gfp_t)t << GFP_MOVABLE_SHIFT;

			first_pcp[cpu][gfp] = best_pcp(cpu, gfp);
		}
}

/*
 * A batch is 1 ... 31 pages, 1/4096 of the zone, and a stack holds at most six.  All CPUs together
 * keep at most 3/32 of a zone in huge blocks.
 */
void setup_pagesets(struct zone *zone)
{
	int batch = (int)min(zone->managed_pages / 1024 / 4, (unsigned long)PCP_BATCH_MAX);
	unsigned long huge = (zone->managed_pages >> PAGEBLOCK_ORDER) / 32 / nr_cpu_ids;
	struct per_cpu_pages *pcp;

	for_each_pcp(pcp, zone) {
		pcp->batch = max(batch, 1);
		pcp->high = 6 * pcp->batch;
		for (unsigned i = 0; i < PCP_HUGE; i++)
			pcp->blocks[i].max = PCP_BLOCKS;
		pcp->blocks[PCP_HUGE].max = (int)min(huge, (unsigned long)PCP_HUGE_BLOCKS);
	}
}

/* How many frames to move: what is rare may take its time. */
static int pcp_portion(const struct per_cpu_pages *pcp)
{
	int portion = max(pcp->high / 2, pcp->batch);

	return max(portion, 1);
}

/* [@page, @page + @n) are the stack's from @top down, the lowest address on top. */
static void put_run(struct page **top, struct page *page, unsigned long n)
{
	unsigned long flags = page->flags | 1UL << PG_pcp;

	for (; n; n--, page++) {
		page->flags = flags;
		page->order = 0;
		*top-- = page;
	}
}

/* Fill the empty stack, the lowest address on top. */
static void refill(struct zone *zone, struct per_cpu_pages *pcp, enum migratetype type)
{
	unsigned long want = (unsigned long)pcp_portion(pcp), got = 0, n;
	struct page **frame = pcp->frame, *page;

	spin_lock(&zone->lock);
	for (; got < want; got += n) {
		n = want - got;
		page = buddy_alloc_run(zone, &n, type);
		if (!page)
			break;
		put_run(&frame[want - 1 - got], page, n);
	}
	spin_unlock(&zone->lock);
	if (got < want)
		__builtin_memmove(frame, frame + want - got, got * sizeof(*frame));
	pcp->count = (int)got;
	pcp->event[PGPCP_REFILL]++;
}

/* Those of the stack from @frame on, before @end, that lie side by side, leave it: how many.  *@first: the lowest. */
static unsigned long take_run(struct page *const *frame, struct page *const *end, struct page **first)
{
	struct page *const *at = frame;
	struct page *page = *frame;
	long step = frame + 1 < end && frame[1] < page ? -1 : 1;

	do {
		page->flags &= ~(1UL << PG_pcp);
		page += step;
	} while (++frame < end && *frame == page);
	*first = step > 0 ? *at : page + 1;
	return (unsigned long)(frame - at);
}

/* Give @n frames back to the zone, the coldest first. */
static void drain(struct zone *zone, struct per_cpu_pages *pcp, int n)
{
	struct page **frame = pcp->frame, **end, *first;

	n = min(n, pcp->count);
	end = frame + n;
	spin_lock(&zone->lock);
	for (unsigned long run; frame < end; frame += run) {
		run = take_run(frame, end, &first);
		buddy_free_frames(zone, first, run);
	}
	spin_unlock(&zone->lock);
	pcp->count -= n;
	__builtin_memmove(pcp->frame, end, (size_t)pcp->count * sizeof(*end));
	pcp->event[PGPCP_DRAIN]++;
}

/* The blocks go back, too. */
static void drain_blocks(struct zone *zone, struct per_cpu_pages *pcp)
{
	spin_lock(&zone->lock);
	for (unsigned i = 0; i <= PCP_HUGE; i++) {
		struct pcp_blocks *b = &pcp->blocks[i];

		while (b->count) {
			struct page *page = b->block[--b->count];

			page->flags &= ~(1UL << PG_pcp);
			buddy_free(zone, page, pcp_order(i));
		}
	}
	spin_unlock(&zone->lock);
}

/* ---- past the stacks ----------------------------------------------------------- */

void zone_free_run(struct page *page, unsigned long nr)
{
	struct zone *zone = page_zone(page);
	unsigned long flags;

	if (nr == 1) {
		pcp_free(zone, page);
		return;
	}
	flags = spin_lock_irqsave(&zone->lock);
	buddy_free_frames(zone, page, nr);
	zone->pageset[smp_processor_id()].event[PGFREE] += nr;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* ---- onto the stacks and off them ------------------------------------------------ */

struct page *pcp_alloc(struct zone *zone, enum migratetype type)
{
	struct page *page = NULL;
	struct per_cpu_pages *pcp;
	unsigned long flags;

	if (!cpu_try_claim())
		return zone_alloc_block(zone, 0, type);
	pcp = zone_pcp(zone, zone_type(zone, type), smp_processor_id());
	if (!pcp->count) {
		flags = arch_irq_save();
		refill(zone, pcp, type);
		arch_irq_restore(flags);
	}
	if (pcp->count)
		page = pcp_pop(pcp, pcp->count);
	cpu_release();
	return page;
}

void pcp_free(struct zone *zone, struct page *page)
{
	struct per_cpu_pages *pcp;
	unsigned long flags;

	if (!cpu_try_claim()) {
		zone_free_block(zone, page, 0);
		return;
	}
	pcp = zone_pcp(zone, page_migratetype(page), smp_processor_id());
	pcp_push(pcp, page);
	if (pcp->count > pcp->high) {
		flags = arch_irq_save();
		drain(zone, pcp, pcp_portion(pcp));
		arch_irq_restore(flags);
	}
	cpu_release();
}

void pcp_free_huge(struct zone *zone, struct page *page)
{
	struct pcp_blocks *b;

	if (!cpu_try_claim()) {
		zone_free_block(zone, page, PAGEBLOCK_ORDER);
		return;
	}
	b = &zone_pcp(zone, page_migratetype(page), smp_processor_id())->blocks[PCP_HUGE];
	if (b->count < b->max)
		pcp_push_block(b, page);
	else
		zone_free_block(zone, page, PAGEBLOCK_ORDER);
	cpu_release();
}

/* This CPU's own. */
static void drain_zone(struct zone *zone)
{
	unsigned long flags = arch_irq_save();

	for_each_migratetype(t) {
		struct per_cpu_pages *pcp = zone_pcp(zone, t, smp_processor_id());

		if (pcp_pages(pcp)) {
			drain(zone, pcp, pcp->count);
			drain_blocks(zone, pcp);
		}
	}
	arch_irq_restore(flags);
}

static void drain_claimed(void *arg)
{
	struct zone *zone = arg;

	if (zone)
		drain_zone(zone);
	else
		for_each_zone(zone)
			drain_zone(zone);
}

void drain_local_pages(void)
{
	on_this_cpu_claimed(drain_claimed, NULL);
}

static bool any_kept(void)
{
	struct zone *zone;

	for_each_zone(zone)
		if (zone_kept_pages(zone))
			return true;
	return false;
}

/* When memory is short for long, it is asked for again and again, in vain: then no CPU need be interrupted. */
void drain_all_pages(struct zone *zone)
{
	if (zone ? zone_kept_pages(zone) : any_kept())
		on_each_cpu_claimed(drain_claimed, zone);
}

/* P.1 of @n pages of a stack, and that none is on it twice: else @twice is the number broken. */
static int check_pages(const struct zone *zone, struct page *const *stack, int n, unsigned order, int twice)
{
	for (int i = 0; i < n; i++) {
		const struct page *page = stack[i];

		if ((unsigned long)(page - zone->zone_mem_map) >= zone->spanned_pages || !PagePcp(page) ||
		    PageBuddy(page) || page_count(page) != 0 || page->order != order)
			return 1;
		for (int j = 0; j < i; j++)
			if (stack[j] == page)
				return twice;
	}
	return 0;
}

static int check_stacks(const struct zone *zone, const struct per_cpu_pages *pcp)
{
	int broken;

	if (pcp->count < 0 || pcp->count > pcp->high || pcp->high > PCP_HIGH_MAX)
		return 2;
	broken = check_pages(zone, pcp->frame, pcp->count, 0, 2);
	for (unsigned i = 0; i <= PCP_HUGE && !broken; i++) {
		const struct pcp_blocks *b = &pcp->blocks[i];

		broken = b->count < 0 || b->count > b->max || b->max > PCP_BLOCKS ? 3 :
			 check_pages(zone, b->block, b->count, pcp_order(i), 3);
	}
	return broken;
}

int pcp_check(struct zone *zone)
{
	unsigned long flags = arch_irq_save();
	const struct per_cpu_pages *pcp;
	int broken = 0;

	for_each_pcp(pcp, zone) {
		broken = check_stacks(zone, pcp);
		if (!broken && !zone->pageblock_types && pcp >= zone->pageset + zone_cpus(zone) && pcp_pages(pcp))
			broken = 4;
		if (broken)
			break;
	}
	arch_irq_restore(flags);
	return broken;
}
