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
 * and what is less than a large page, gets runs of frames side by side (mm/page/run.c), as
 * long as the best zone has any; then frames one by one.
 *
 * Each frame of an area has its own count, whatever page maps it, and one that somebody
 * holds by get_page() outlives the area alone.  When the area goes, its entries are read
 * and cleared in one walk; entries that name neighbours make a run again, however they
 * were mapped, and it goes back in one piece.
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
#define MARK (1UL << PG_vmalloc)

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
static inline void count_frames(struct zone *zone, long n)
{
	zone_stat_add(zone, NR_VMALLOC_PAGES, n);
}

/* Fresh frames of one zone are an area's now. */
static void mark_frames(struct page *page, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		__SetPageVmalloc(page + i);
	count_frames(page_zone(page), (long)nr);
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
	mark_frames(block, LARGE_FRAMES);
	return block;
}

/* @nr frames from @page on, in one zone, are no longer an area's; whoever holds one may go on doing so. */
static void give_frames(struct page *page, unsigned long nr)
{
	count_frames(page_zone(page), -(long)nr);
	free_frame_run(page, nr, MARK);
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

/* Entries from @slot on for @nr frames side by side. */
static void enter_run(pte_t *slot, struct page *first, unsigned long nr, pgprot_t prot)
{
	pfn_t pfn = page_to_pfn(first);

	for (unsigned long n = 0; n < nr; n++)
		set_pte(slot + n, mk_pte(pfn + n, prot));
}

/* Entries for fresh frames, taken one by one: at the most @nr.  Return: how many. */
static unsigned long enter_scattered(pte_t *slot, gfp_t gfp, unsigned long nr, pgprot_t prot)
{
	struct page *page, *next;
	LIST_HEAD(taken);

	nr = alloc_pages_bulk_list(gfp, nr, &taken);
	list_for_each_entry_safe(page, next, &taken, lru) {
		mark_frames(page, 1);
		enter_run(slot++, page, 1, prot);
	}
	return nr;
}

/* Entries for up to @nr fresh frames.  Return: how many; 0: no memory. */
static unsigned long enter_fresh(pte_t *slot, const struct vmap_source *src, unsigned long nr)
{
	gfp_t gfp = src->gfp & ~__GFP_ZERO;	/* the area is cleared as a whole */
	struct page *page;

	page = alloc_frame_run(gfp, &nr, MARK);
	if (!page)
		return enter_scattered(slot, gfp, nr, src->prot);
	count_frames(page_zone(page), (long)nr);
	enter_run(slot, page, nr, src->prot);
	return nr;
}

/* Fill entries of one page table, for the pages from @i on.  Return: how many; 0: no memory. */
static unsigned long map_run(struct vmap_area *area, const struct vmap_source *src, unsigned long i)
{
	unsigned long addr = area->start + (i << PAGE_SHIFT);
	unsigned long nr = min(pt_entries(1) - pt_index(addr, 1), area->nr_pages - i);
	pte_t *slot = pt_walk_alloc(swapper_pg_dir, addr, &pt_ops_kernel);

	if (!slot)
		return 0;
	if (!src->pages)
		return enter_fresh(slot, src, nr);
	for (unsigned long n = 0; n < nr; n++)
		enter_run(slot + n, src->pages[i + n], 1, src->prot);
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

/* An area of one page, in one go. */
static bool fill_one(unsigned long addr, const struct vmap_source *src)
{
	pte_t *slot = pt_walk_alloc(swapper_pg_dir, addr, &pt_ops_kernel);
	struct page *page = likely(slot) ? alloc_pages(src->gfp & ~__GFP_ZERO, 0) : NULL;

	if (unlikely(!page))
		return false;
	mark_frames(page, 1);
	set_pte(slot, mk_pte(page_to_pfn(page), src->prot));
	return true;
}

bool vmap_fill(struct vmap_area *area, const struct vmap_source *src)
{
	if (area->flags & VM_ALLOC && area->nr_pages == 1)
		return fill_one(area->start, src);
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

static void leave_one_zone(struct leaving *l, struct page *page, unsigned long nr)
{
	if (l->nr && page == l->first + l->nr && page_zone(page) == page_zone(l->first)) {
		l->nr += nr;
		return;
	}
	if (l->nr)
		give_frames(l->first, l->nr);
	*l = (struct leaving){ page, nr };
}

static __cold_path void not_ours(pfn_t pfn, unsigned long nr)
{
	mm_panic("vmalloc: entries for the frames %lu to %lu, which are no area's", pfn, pfn + nr - 1);
}

/* The entries for these @nr frames are cleared. */
static void leave(struct leaving *l, pfn_t pfn, unsigned long nr)
{
	struct page *page = pfn_to_page(pfn);

	if (!pfn_valid(pfn) || !pfn_valid(pfn + nr - 1))
		not_ours(pfn, nr);
	if (likely(page_zone(page) == page_zone(page + nr - 1)))
		leave_one_zone(l, page, nr);
	else
		while (nr--)
			leave_one_zone(l, page++, 1);
}

/* Clear the entries from @slot on, up to @nr, as long as they name neighbours of @pfn.  Return: how many. */
static unsigned long clear_run(pte_t *slot, pfn_t pfn, unsigned long nr)
{
	unsigned long n = 0;
	pte_t e;

	do {
		set_pte(slot + n++, (pte_t){ 0 });
		if (n == nr)
			break;
		e = get_pte(slot + n);
	} while (pte_present(e) && pte_pfn(e) == pfn + n);
	return n;
}

/* Clear what maps up to @nr pages at @addr.  Return: how many pages that were, mapped or not. */
static unsigned long clear_some(unsigned long addr, unsigned long nr, struct leaving *l)
{
	int level;
	pte_t *slot = pt_lookup(swapper_pg_dir, addr, &level), e = get_pte(slot);

	if (!pte_present(e))
		return ((addr | ((1UL << pt_shift(level)) - 1)) - addr + 1) >> PAGE_SHIFT;
	if (level == 1) {
		nr = clear_run(slot, pte_pfn(e), min(nr, pt_entries(1) - pt_index(addr, 1)));
	} else {
		nr = 1UL << (pt_shift(level) - PAGE_SHIFT);
		pt_unmap_range(swapper_pg_dir, addr, nr << PAGE_SHIFT, NULL, NULL);
	}
	leave(l, pte_pfn(e), nr);
	return nr;
}

static void empty_and_free(struct vmap_area *area)
{
	struct leaving l = { .nr = 0 };
	unsigned long n;

	for (unsigned long i = 0; i < area->nr_pages; i += n)
		n = clear_some(area->start + (i << PAGE_SHIFT), area->nr_pages - i, &l);
	if (l.nr)
		give_frames(l.first, l.nr);
}

/* An area of one page, the same way. */
static void empty_one(unsigned long addr)
{
	int level;
	pte_t *slot = pt_lookup(swapper_pg_dir, addr, &level), e = get_pte(slot);
	struct page *page = pfn_to_page(pte_pfn(e));

	if (unlikely(!pte_present(e)))	/* it could not be filled */
		return;
	set_pte(slot, (pte_t){ 0 });
	if (!pfn_valid(pte_pfn(e)) || !PageVmalloc(page))
		not_ours(pte_pfn(e), 1);
	count_frames(page_zone(page), -1);
	ClearPageVmalloc(page);
	__free_page(page);
}

void vmap_empty(struct vmap_area *area)
{
	if (area->flags & VM_ALLOC && area->nr_pages == 1)
		empty_one(area->start);
	else if (area->flags & VM_ALLOC)
		empty_and_free(area);
	else
		pt_unmap_range(swapper_pg_dir, area->start, (unsigned long)area->nr_pages << PAGE_SHIFT, NULL, NULL);
}
