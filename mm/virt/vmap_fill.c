/* SPDX-License-Identifier: MIT */
/*
 * vmap_fill.c: what the addresses of a vmalloc area lead to (rows F1, E5).
 *
 *	area	[ large page                 | page | page | guard ]
 *	          |                             |      |
 *	frames	 17408 ... 18431               4711   70007
 *
 * An area as large as a large page (4 MiB, or 2) is aligned to it, if the window has
 * such a gap, and filled with large pages as long as the page allocator has whole
 * blocks at hand: one entry instead of a table of them, one TLB entry instead of 1024.
 * The first block that is not to be had without effort ends that; the rest of the area,
 * and what is less than a large page, gets single frames, run by run: a run is the part
 * of the area that one page table serves, so the walk is done once a table.
 *
 * A block is split into single frames at once (split_page): each frame of an area has
 * its own count, whatever page maps it, and one that somebody holds by get_page()
 * outlives the area alone.  When the area goes, frames that are neighbours go back in one
 * piece, however they were mapped.
 *
 * Device memory: the largest pages that fit, if its address and size allow any.
 *
 * Worked example, large pages of 4 MiB: vmalloc(9 MiB), 2304 frames: an area aligned to
 * 4 MiB, two blocks of order 10, and 256 single frames.
 *
 * Invariants: V.6 to V.8 of vmalloc.c.  Locking: the entries of an area belong to the
 * one thread that makes or frees it.  Failure: what was mapped is for vmap_empty().
 */
#include "vmap_fill.h"

#include <quarry/report.h>
#include <quarry/zone.h>

#define LARGE_ORDER (pt_shift(2) - PAGE_SHIFT)
#define LARGE_FRAMES (1UL << LARGE_ORDER)
#define LARGE_SIZE (1UL << pt_shift(2))

/* Can the page allocator have a block for a large page? */
static inline bool large_possible(void)
{
	return arch_max_huge_level() >= 2 && LARGE_ORDER <= MAX_PAGE_ORDER;
}

unsigned long vmap_fill_align(const struct vmap_source *src, unsigned flags, unsigned long pages)
{
	int level = flags & VM_IOREMAP ? arch_max_huge_level() : flags & VM_ALLOC && large_possible() ? 2 : 1;
	pfn_t pfn = flags & VM_IOREMAP ? src->pfn : 0;

	if (likely(pages < LARGE_FRAMES))
		return PAGE_SIZE;
	while (level > 1 && (pages < 1UL << (pt_shift(level) - PAGE_SHIFT) ||
			     !IS_ALIGNED(pfn, 1UL << (pt_shift(level) - PAGE_SHIFT))))
		level--;
	return 1UL << pt_shift(level);
}

/* ---- filling --------------------------------------------------------------------- */

/* @n more (or fewer) frames of @zone are in areas. */
static void count_frames(struct zone *zone, long n)
{
	if (zone)
		zone_stat_add(zone, NR_VMALLOC_PAGES, n);
}

/* Count the frames on @list, by zone, and mark them ours. */
static void mark_frames(struct list_head *list)
{
	struct zone *zone = NULL;
	struct page *page;
	long n = 0;

	list_for_each_entry(page, list, lru) {
		__SetPageVmalloc(page);
		if (page_zone(page) != zone) {
			count_frames(zone, n);
			zone = page_zone(page);
			n = 0;
		}
		n++;
	}
	count_frames(zone, n);
}

/* A block in single frames, an area's; NULL: none without effort. */
static struct page *take_block(gfp_t gfp)
{
	struct page *block;

	gfp &= ~(__GFP_ZERO | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL | __GFP_MEMALLOC);
	block = alloc_pages(gfp | __GFP_NORETRY | __GFP_NOWARN, LARGE_ORDER);
	if (!block)
		return NULL;
	split_page(block, LARGE_ORDER);
	for (unsigned long i = 0; i < LARGE_FRAMES; i++)
		__SetPageVmalloc(block + i);
	count_frames(page_zone(block), (long)LARGE_FRAMES);
	return block;
}

/* @nr frames from @page on, in one zone, are no longer an area's; whoever holds one may go on doing so. */
static void give_frames(struct page *page, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		__ClearPageVmalloc(page + i);
	count_frames(page_zone(page), -(long)nr);
	free_contig_range(page_to_pfn(page), nr);
}

/* Map a block at @addr, which is aligned.  Return: false: none to be had, nothing mapped. */
static bool map_block(struct vmap_area *area, const struct vmap_source *src, unsigned long addr)
{
	struct page *block = take_block(src->gfp);
	pfn_t pfn;
	pte_t e;

	if (!block)
		return false;
	if (pt_map_range(swapper_pg_dir, addr, LARGE_SIZE, page_to_pfn(block), src->prot, true, &pt_ops_kernel)) {
		give_frames(block, LARGE_FRAMES);
		return false;
	}
	area->nr_large += pt_leaf(swapper_pg_dir, addr, &e, &pfn) > 1;	/* not where a table was left */
	return true;
}

/* The frame number for page @i of an area; @taken: fresh frames, for VM_ALLOC. */
static pfn_t next_pfn(const struct vmap_source *src, unsigned long i, struct list_head *taken)
{
	struct page *page;

	if (src->pages)
		return page_to_pfn(src->pages[i]);
	page = list_first_entry(taken, struct page, lru);
	list_del(&page->lru);
	return page_to_pfn(page);
}

/* Fill the entries of one page table, for the pages from @i on.  Return: how many; 0: no memory. */
static unsigned long map_run(struct vmap_area *area, const struct vmap_source *src, unsigned long i)
{
	unsigned long addr = area->start + (i << PAGE_SHIFT);
	unsigned long nr = min(pt_entries(1) - pt_index(addr, 1), area->nr_pages - i), n;
	pte_t *slot = pt_walk_alloc(swapper_pg_dir, addr, &pt_ops_kernel);
	LIST_HEAD(taken);

	if (!slot)
		return 0;
	if (!src->pages) {
		nr = alloc_pages_bulk_list(src->gfp & ~__GFP_ZERO, nr, &taken);
		mark_frames(&taken);
	}
	for (n = 0; n < nr; n++)
		set_pte(slot + n, mk_pte(next_pfn(src, i + n, &taken), src->prot));
	return nr;
}

static bool fill_by_frames(struct vmap_area *area, const struct vmap_source *src)
{
	bool large = area->flags & VM_ALLOC && large_possible();
	unsigned long run;

	for (unsigned long i = 0; i < area->nr_pages; i += run) {
		unsigned long addr = area->start + (i << PAGE_SHIFT);

		run = LARGE_FRAMES;
		if (large && IS_ALIGNED(addr, LARGE_SIZE) && area->nr_pages - i >= LARGE_FRAMES) {
			large = map_block(area, src, addr);
			if (large)
				continue;
		}
		run = map_run(area, src, i);
		if (!run)
			return false;
	}
	return true;
}

bool vmap_fill(struct vmap_area *area, const struct vmap_source *src)
{
	if (!(area->flags & VM_IOREMAP))
		return fill_by_frames(area, src);
	return pt_map_range(swapper_pg_dir, area->start, (unsigned long)area->nr_pages << PAGE_SHIFT, src->pfn,
			    src->prot, true, &pt_ops_kernel) == 0;
}

/* ---- emptying --------------------------------------------------------------------- */

/* Frames side by side, on their way out of an area. */
struct leaving {
	struct page *first;
	unsigned long nr;
};

static __always_inline void leave(struct leaving *l, struct page *page, unsigned long nr)
{
	if (l->nr && !((page->flags ^ l->first->flags) >> PG_NODE_SHIFT)) {
		if (page == l->first + l->nr) {
			l->nr += nr;
			return;
		}
		if (page + nr == l->first) {
			l->first = page;
			l->nr += nr;
			return;
		}
	}
	if (l->nr)
		give_frames(l->first, l->nr);
	*l = (struct leaving){ page, nr };
}

static void drop_entry(pte_t old, unsigned long addr, int level, void *leaving)
{
	struct page *page = pfn_valid(pte_pfn(old)) ? pfn_to_page(pte_pfn(old)) : NULL;

	if (!page || !PageVmalloc(page))
		mm_panic("vmalloc: entry 0x%llx at %p names no frame of an area",
			 (unsigned long long)old.val, (void *)addr);
	if (likely(level == 1))
		leave(leaving, page, 1);
	else
		leave(leaving, page, LARGE_FRAMES);
}

void vmap_empty(struct vmap_area *area)
{
	struct leaving l = { .nr = 0 };

	pt_unmap_range(swapper_pg_dir, area->start, (unsigned long)area->nr_pages << PAGE_SHIFT,
		       area->flags & VM_ALLOC ? drop_entry : NULL, &l);
	if (l.nr)
		give_frames(l.first, l.nr);
}
