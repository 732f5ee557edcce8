/* SPDX-License-Identifier: MIT */
/*
 * reclaim.c: making memory free, by the caller or behind his back.
 *
 * What is asked, in this order, until there is enough:
 *
 *	1. what is only kept for speed: empty slabs, magazines, every CPU's frames.
 *	   It costs nobody anything but the time to get it anew.
 *	2. the shrinkers (shrinker.c), at priority 12, 11 ... 0: 1/4096 of what they
 *	   have, then twice as much ... then all.  The objects they free leave empty
 *	   slabs behind: 1. again.
 *
 * The background reclaimer, a thread for each node:
 *
 *	free
 *	  |\                       _____ sleeps
 *	  | \                     /
 *	  |..\.................../....... high
 *	  |   \                 /
 *	  |    \               /
 *	  |.....\...........__/.......... low	a first attempt fails: it is woken
 *	  |      \__       /
 *	  |.........\_____/.............. min	who cannot be served above: reclaims himself
 *	  +------------------------> time
 *
 * It runs until every zone of its node is above high, or it has asked for everything.
 * For a block that is wanted it looks once: free pages need not lie side by side, and no
 * amount of them is sure to.  When 16 runs in a row freed nothing, there is nothing it
 * could do: it sleeps on until somebody else frees something by reclaim.
 *
 * Several at once.  Who frees nothing because others are just freeing the same would
 * conclude that nothing is left.  So while others are at it, "nothing" is told as "a
 * little": the caller looks again, a limited number of times.
 *
 * Invariants (reclaim_check):
 *   R.1  no node has had more than 16 runs in vain;
 *   R.2  a reclaimer that does not run was asked for nothing.
 *
 * Locking: kswapd.lock of each node, for what it is asked; held over nothing.
 * Where it differs from Linux: pages of tasks and of files are no business of this file:
 * a page cache is a shrinker, with SHRINKER_PAGES.
 */
#include "shrinker.h"

#include <quarry/memalloc.h>
#include <quarry/pressure.h>
#include <quarry/spinlock.h>

#define DEF_PRIORITY 12
#define RECLAIM_GOAL 32UL	/* pages that are worth having reclaimed for */
#define MAX_IN_VAIN 16

static struct kswapd {
	spinlock_t lock;
	bool runs, wanted, stop;
	struct wish {
		unsigned order;		/* the largest block that was wanted */
		enum zone_type highest;	/* zones up to this one are short */
	} wish;
	unsigned in_vain;		/* runs in a row that freed nothing */
} kswapds[MAX_NUMNODES];

static unsigned reclaimers;	/* how many are at it; atomic */

/* ---- a pass ------------------------------------------------------------------- */

static bool in_background(void)
{
	const struct mm_thread *t = port_mm_thread();

	return t && t->flags & PF_KSWAPD;
}

/* One pass over the shrinkers, counted.  Return: pages and other objects freed. */
static unsigned long shrink(gfp_t gfp, int nid, int priority, unsigned kinds)
{
	struct shrunk s = shrink_pass(gfp, nid, priority, kinds);
	bool background = in_background();

	if (s.scanned > s.pages_scanned)
		count_vm_events(SLABS_SCANNED, s.scanned - s.pages_scanned);
	if (s.pages_scanned) {
		count_vm_events(background ? PGSCAN_KSWAPD : PGSCAN_DIRECT, s.pages_scanned);
		count_vm_events(background ? PGSTEAL_KSWAPD : PGSTEAL_DIRECT, s.pages);
	}
	if (s.freed > s.pages)
		drain_slabs(NULL);
	return s.freed;
}

unsigned long shrink_slab(gfp_t gfp, int nid, int priority)
{
	return shrink(gfp, nid, priority, SHRINK_ALL);
}

unsigned long drop_caches(unsigned what)
{
	unsigned kinds = (what & DROP_CACHE_PAGES ? SHRINK_PAGES : 0) | (what & DROP_CACHE_SLAB ? SHRINK_OBJECTS : 0);
	unsigned long freed, all = 0, enough = 10;

	if (what & DROP_CACHE_PAGES)
		count_vm_event(DROP_PAGECACHE);
	if (what & DROP_CACHE_SLAB)
		count_vm_event(DROP_SLAB);
	do {
		freed = 0;
		for (int nid = 0; nid < num_online_nodes(); nid++)
			freed += shrink(GFP_KERNEL, nid, 0, kinds);
		all += freed;
		enough *= 2;	/* others fill them meanwhile: end one day */
	} while (freed > enough);
	if (what & DROP_CACHE_SLAB)
		give_back_kept();
	return all;
}

/* ---- by the caller ------------------------------------------------------------- */

/* Something came of it: the background reclaimers may hope again. */
static void hope(void)
{
	for (int nid = 0; nid < num_online_nodes(); nid++)
		WRITE_ONCE(kswapds[nid].in_vain, 0);
}

/* One pass over all nodes that the caller may have memory of, the nearest first. */
static unsigned long shrink_nodes(int nid, gfp_t gfp, int priority)
{
	int nodes = gfp & __GFP_THISNODE ? 1 : num_online_nodes();
	unsigned long freed = 0;

	for (int i = 0; i < nodes; i++)
		freed += shrink_slab(gfp, NODE_DATA(nid)->nearest[i], priority);
	return freed;
}

unsigned long try_to_free_pages(int nid, unsigned order, gfp_t gfp)
{
	unsigned long goal = max(RECLAIM_GOAL, 1UL << order), freed;

	__atomic_fetch_add(&reclaimers, 1, __ATOMIC_RELAXED);
	freed = give_back_kept();
	for (int priority = DEF_PRIORITY; priority >= 0 && freed < goal; priority--)
		freed += shrink_nodes(nid, gfp, priority);
	if (freed) {
		hope();
	} else if (__atomic_load_n(&reclaimers, __ATOMIC_RELAXED) > 1) {
		port_yield();
		freed = 1;
	}
	__atomic_fetch_sub(&reclaimers, 1, __ATOMIC_RELAXED);
	return freed;
}

/* ---- in the background ---------------------------------------------------------- */

static bool zone_balanced(const struct zone *zone, unsigned order)
{
	return !zone->managed_pages || READ_ONCE(zone->deferred_pages) ||
	       zone_watermark_ok(zone, order, zone->watermark[WMARK_HIGH], zone->type, 0);
}

static bool node_balanced(const struct pglist_data *node, const struct wish *wish)
{
	for (unsigned i = 0; i <= wish->highest; i++)
		if (!zone_balanced(&node->node_zones[i], wish->order))
			return false;
	return true;
}

/* Until the node is balanced, or everything was asked for.  Return: pages freed, about. */
static unsigned long balance(const struct pglist_data *node, struct wish *wish)
{
	unsigned long freed, got;

	count_vm_event(PAGEOUTRUN);
	__atomic_fetch_add(&reclaimers, 1, __ATOMIC_RELAXED);
	freed = give_back_kept();
	for (int priority = DEF_PRIORITY; priority >= 0 && !node_balanced(node, wish); priority--) {
		got = shrink_slab(GFP_KERNEL, node->node_id, priority);
		if (got)
			drain_all_pages(NULL);
		freed += got;
		if (freed >= 2UL << wish->order)
			wish->order = 0;
	}
	__atomic_fetch_sub(&reclaimers, 1, __ATOMIC_RELAXED);
	return freed;
}

/* Sleep until asked.  Return: false: to stop. */
static bool wait_for_wish(struct kswapd *k, struct wish *wish)
{
	unsigned long flags = spin_lock_irqsave(&k->lock);
	bool on;

	while (!k->wanted && !k->stop)
		flags = port_sleep_on(k, &k->lock, flags);
	on = !k->stop;
	*wish = k->wish;
	k->wish = (struct wish){ 0 };
	k->wanted = k->stop = false;
	k->runs = on;
	spin_unlock_irqrestore(&k->lock, flags);
	return on;
}

/* After a run: did anything come of it, and does it last? */
static void note_run(struct kswapd *k, const struct pglist_data *node, const struct wish *wish, unsigned long freed)
{
	if (freed)
		WRITE_ONCE(k->in_vain, 0);
	else if (k->in_vain < MAX_IN_VAIN)
		WRITE_ONCE(k->in_vain, k->in_vain + 1);
	if (READ_ONCE(k->wanted))
		count_vm_event(KSWAPD_LOW_WMARK_HIT_QUICKLY);
	else if (!node_balanced(node, wish))
		count_vm_event(KSWAPD_HIGH_WMARK_HIT_QUICKLY);
}

void kswapd(void *node)
{
	const struct pglist_data *pgdat = node;
	struct kswapd *k = &kswapds[pgdat->node_id];
	unsigned old = memalloc_flags_save(PF_MEMALLOC | PF_KSWAPD);
	struct wish wish;

	WRITE_ONCE(k->runs, true);
	while (wait_for_wish(k, &wish)) {
		unsigned long freed = balance(pgdat, &wish);

		note_run(k, pgdat, &wish, freed);
	}
	memalloc_flags_restore(PF_MEMALLOC | PF_KSWAPD, old);
}

void kswapd_stop(int nid)
{
	struct kswapd *k = &kswapds[nid];
	unsigned long flags = spin_lock_irqsave(&k->lock);

	k->stop = k->runs;
	port_wakeup(k);
	spin_unlock_irqrestore(&k->lock, flags);
	while (READ_ONCE(k->runs))
		port_yield();
}

/* A look without the lock tells most that there is nothing to do. */
static void wake_kswapd(struct kswapd *k, const struct wish *wish)
{
	unsigned long flags;

	if (!READ_ONCE(k->runs) || READ_ONCE(k->in_vain) >= MAX_IN_VAIN)
		return;
	flags = spin_lock_irqsave(&k->lock);
	k->wish.order = max(k->wish.order, wish->order);
	k->wish.highest = max(k->wish.highest, wish->highest);
	if (k->runs && !k->wanted) {
		k->wanted = true;
		port_wakeup(k);
	}
	spin_unlock_irqrestore(&k->lock, flags);
}

void wake_all_kswapds(const struct zonelist *list, unsigned order, enum zone_type highest)
{
	const struct wish wish = { order, highest };

	for (const struct zoneref *ref = list->zonerefs; ref->zone; ref++)
		wake_kswapd(&kswapds[ref->zone->node], &wish);
}

const struct pressure_ops reclaim_ops = {
	.try_to_free_pages = try_to_free_pages,
	.wake_all_kswapds = wake_all_kswapds,
};

int reclaim_check(void)
{
	for (int nid = 0; nid < num_online_nodes(); nid++) {
		struct kswapd *k = &kswapds[nid];
		unsigned long flags = spin_lock_irqsave(&k->lock);
		int broken = k->in_vain > MAX_IN_VAIN ? 1 : !k->runs && k->wanted ? 2 : 0;

		spin_unlock_irqrestore(&k->lock, flags);
		if (broken)
			return broken;
	}
	return 0;
}
