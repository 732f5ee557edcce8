/* SPDX-License-Identifier: MIT */
/*
 * run.c: runs: frames side by side that have one owner, and its mark.
 *
 * Who takes many frames and names each of them somewhere of his own (a vmalloc area, in
 * its page table) needs no list of them: a block from the zone, cut into single frames,
 * is told by its first frame and their number.
 *
 *	want 23:	[ 16 frames side by side ]   then 7, too few for a run: one by one
 *
 * Frames that were taken together go back together, often in one piece again, so runs
 * do not scatter memory.
 *
 * The mark is the PG_ bit that says whose they are (PG_vmalloc).  Each frame has its own
 * count: whoever took a reference (get_page) may keep that frame when the rest is gone.
 *
 * Giving back looks at each frame once: it must be exactly as it was given out, mark and
 * zone, single, count 1.  While the mark is on, nobody else can drop the last reference
 * (free.c refuses), so no atomic operation is needed for that.  All others take the long
 * way, one by one, with its checks and reports.
 *
 * Locking: the zone's lock, once for a run.  Cost: O(frames), and O(MAX_PAGE_ORDER^2).
 */
#include <quarry/report.h>
#include <quarry/zone.h>

#define RUN_MIN_ORDER 3u	/* shorter ones are as cheap one by one, and use up scattered frames */
#define FLAG_BITS ((1UL << __NR_PAGEFLAGS) - 1)

/* The order of the longest run of at most @nr frames. */
static unsigned run_order(unsigned long nr)
{
	unsigned order = 8 * sizeof(long) - 1 - (unsigned)__builtin_clzl(nr);

	return min(order, (unsigned)MAX_PAGE_ORDER);
}

/* A block of at most 2^*@order frames, as long as @zone can spare one. */
static struct page *take_block(struct zone *zone, gfp_t gfp, unsigned *order)
{
	for (; *order >= RUN_MIN_ORDER; --*order)
		if (zone_watermark_ok(zone, *order, zone->watermark[WMARK_LOW], gfp_zone(gfp), 0))
			return zone_alloc_block(zone, *order, gfp_migratetype(gfp));
	return NULL;
}

/* Has @zone single frames yet?  Then the next, lower one is not asked. */
static bool has_frames(const struct zone *zone, enum zone_type highest)
{
	return READ_ONCE(zone->deferred_pages) ||
	       zone_watermark_ok(zone, 0, zone->watermark[WMARK_LOW], highest, 0);
}

struct page *alloc_frame_run(gfp_t gfp, unsigned long *nr, unsigned long mark)
{
	const struct zoneref *ref = node_zonelist(numa_node_id(), gfp)->zonerefs;
	struct page *first = NULL;
	unsigned long flags;
	unsigned order;

	do {
		order = run_order(*nr);
		first = take_block(ref->zone, gfp, &order);
	} while (!first && !has_frames(ref->zone, gfp_zone(gfp)) && (++ref)->zone);
	if (!first)
		return NULL;
	*nr = 1UL << order;
	flags = first->flags | mark;
	for (struct page *page = first; page < first + *nr; page++) {
		page->flags = flags;
		page->order = 0;
		page->private = 0;
		page->mapping = NULL;
		atomic_set(&page->_count, 1);
	}
	return first;
}

/* How many of @nr frames from @page on are as they were given out: those are free now. */
static unsigned long take_back(struct page *page, unsigned long nr, unsigned long mark)
{
	unsigned long flags = (page->flags & ~FLAG_BITS) | mark, n;
	bool high = PageHighMem(page);

	for (n = 0; n < nr; n++, page++) {
		if (unlikely(READ_ONCE(page->flags) != flags) || unlikely(page_count(page) != 1) ||
		    unlikely(page->order) || (high && unlikely(page->virtual)))
			break;
		page->flags = flags & ~mark;
		atomic_set(&page->_count, 0);
	}
	return n;
}

/* Something is different with it: others use it too, or it is not the owner's. */
static __noinline void give_odd_frame(struct page *page, unsigned long mark)
{
	if (!(page->flags & mark))
		mm_panic("frame %lu (flags 0x%lx, count %d) is given back without its owner's mark 0x%lx",
			 page_to_pfn(page), page->flags, page_count(page), mark);
	__atomic_fetch_and(&page->flags, ~mark, __ATOMIC_RELEASE);
	free_contig_range(page_to_pfn(page), 1);
}

void free_frame_run(struct page *page, unsigned long nr, unsigned long mark)
{
	unsigned long n;

	for (; nr; page += n, nr -= n) {
		n = take_back(page, nr, mark);
		if (likely(n)) {
			zone_free_run(page, n);
		} else {
			give_odd_frame(page, mark);
			n = 1;
		}
	}
}
