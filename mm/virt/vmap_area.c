/* SPDX-License-Identifier: MIT */
/*
 * vmap_area.c: who has which addresses of the vmalloc window (row F1).
 *
 *	start                                                         end
 *	| gap  [ area A |g]  gap  [ area B |g][ area C |g]    gap      |END
 *
 * Areas are in one tree, by address.  Free ranges have no nodes of their own: each
 * area knows the gap before it, and END, an empty area at the end of the window,
 * the last gap.  So giving addresses back needs no memory: the gap of the next area
 * grows.  Each node also knows the largest gap in its subtree (max_gap); that finds
 * the lowest gap of at least n bytes in one walk down: left, if the left subtree has
 * one; else here, if this gap will do; else right.
 *
 * A new area is put at the low end of the gap, its guard page (g) included; one that is
 * to be aligned, at the first such address, in a gap that is larger by the alignment.
 * If there is none, it goes where it fits.
 * Worked example: window of 100 pages, all free: END.gap = 100.  3 pages are asked
 * for: area [0, 4), gap 0, END.gap = 96.  2 pages: area [4, 7), END.gap = 93.  The
 * first is freed and purged: the second's gap becomes 4.
 *
 * Lazy freeing.  A CPU may remember translations of a freed area in its TLB, so its
 * addresses must not be used for other frames before each CPU has flushed; and a
 * flush on all CPUs is dear.  So freed areas, their entries cleared at once, stay in
 * the tree as VMAP_LAZY.  A purge takes all of them, flushes once, and then erases
 * them.  It runs when they have become 1/16 of the window (at the most 32 MiB), and
 * when somebody finds no addresses.  On the way it takes page tables that have
 * become empty out of the kernel's half, so that afterwards all memory is back.
 *
 *	NEW --> LIVE --> FREEING --> LAZY --> PURGING --> gone
 *	  \________________^   (undone half-way)
 *
 * Invariants:
 *	V.1  areas do not overlap, are page-aligned, lie in the window, and each has
 *	     room for its pages and the guard page: end - start = (nr_pages + 1) pages
 *	V.2  an area's gap is its start minus the end of the one before (of the window's
 *	     start for the first)
 *	V.3  max_gap is the maximum of the node's gap and its children's max_gap
 *	V.4  the tree is balanced (rbtree.c)
 *	V.5  live, live_bytes and lazy_bytes agree with the areas; the lazy list has
 *	     exactly the VMAP_LAZY areas
 *
 * Locking: window.lock for the tree, the states and the counts; held O(log areas) or,
 * in a purge, for O(log areas) an area and one scan of a table.  Then pt_lock.  The
 * TLB flush is outside of it, with interrupts as they were, since other CPUs must
 * answer.  One purge runs at a time; who needs addresses waits for it.
 *
 * Tables: a table is taken out under window.lock when no area but those being purged
 * lies in its span.  A new area gets its addresses under the same lock before it
 * walks, so it never holds an entry of a table on its way out.
 *
 * Cost: O(log areas) to take and give, the purge apart.  Unlike Linux: one tree, with
 * gaps in the areas; first fit by address, guard page always.
 */
#include "vmap_area.h"

#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/slab.h>

#define LAZY_MAX_BYTES (32UL << 20)

static struct {
	spinlock_t lock;
	struct rb_root tree;
	struct vmap_area end;		/* VMAP_END */
	struct list_head lazy;		/* VMAP_LAZY, oldest first */
	struct kmem_cache *cache;
	unsigned long start;		/* of the window */
	unsigned long live, live_bytes;	/* VMAP_LIVE */
	unsigned long lazy_bytes;	/* VMAP_LAZY */
	unsigned long lazy_max;
	unsigned long purges;
	bool purging;			/* also the channel that waits for its end */
	bool ready;
} window = { .lock = SPINLOCK_INIT };

static inline struct vmap_area *area_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct vmap_area, node) : NULL;
}

static inline unsigned long bytes(const struct vmap_area *a)
{
	return a->end - a->start;
}

static unsigned long max_gap(const struct rb_node *n)
{
	return n ? container_of(n, const struct vmap_area, node)->max_gap : 0;
}

static void update_max_gap(struct rb_node *n)
{
	unsigned long below = max(max_gap(n->child[0]), max_gap(n->child[1]));
	struct vmap_area *a = area_of(n);

	a->max_gap = max(a->gap, below);
}

/* The first area that ends above @addr: it holds @addr, or is the next.  END for none. */
static struct vmap_area *find_above(unsigned long addr)
{
	struct rb_node *n = window.tree.node;
	struct vmap_area *best = &window.end;

	while (n) {
		struct vmap_area *a = area_of(n);

		if (addr < a->end) {
			best = a;
			n = n->child[0];
		} else {
			n = n->child[1];
		}
	}
	return best;
}

/* The lowest area before which at least @size bytes are free; NULL for none. */
static struct vmap_area *find_gap(unsigned long size)
{
	struct rb_node *n = window.tree.node;

	while (n && max_gap(n) >= size) {
		if (max_gap(n->child[0]) >= size)
			n = n->child[0];
		else if (area_of(n)->gap >= size)
			return area_of(n);
		else
			n = n->child[1];
	}
	return NULL;
}

/* ---- the two that own the tree ------------------------------------------------ */

/* Into the lowest gap that is sure to have an aligned place: with room for what is skipped before it. */
static bool place(struct vmap_area *area, unsigned long size, unsigned long align)
{
	unsigned long room = size + align - PAGE_SIZE, from;
	struct vmap_area *next = room >= size ? find_gap(room) : NULL;

	if (!next)
		return false;
	from = next->start - next->gap;
	area->start = ALIGN(from, align);
	area->end = area->start + size;
	area->gap = area->start - from;
	next->gap -= area->gap + size;
	rb_insert_before(&window.tree, &next->node, &area->node);	/* updates next, too */
	return true;
}

static void erase(struct vmap_area *area)
{
	struct vmap_area *next = area_of(rb_next(&area->node));

	next->gap += area->gap + bytes(area);
	rb_erase(&window.tree, &area->node);
	rb_update(&window.tree, &next->node);
}

/* ---- purging -------------------------------------------------------------------- */

/* Does an area that is not being purged lie in [@start, @last]? */
static bool span_in_use(unsigned long start, unsigned long last)
{
	struct vmap_area *a = find_above(start);

	while (a->state == VMAP_PURGING && a->start <= last)
		a = area_of(rb_next(&a->node));
	return a->state != VMAP_END && a->start <= last;
}

/* Take the tables of @level that only @area needed out of the directories, onto @tables. */
static void detach_tables(const struct vmap_area *area, int level, struct list_head *tables)
{
	unsigned long span = 1UL << pt_shift(level + 1), first = ALIGN_DOWN(area->start, span);

	for (unsigned long at = first; at >= first && at < area->end; at += span) {
		unsigned long flags = spin_lock_irqsave(&window.lock);
		pte_t *table = NULL;

		if (!span_in_use(at, at + span - 1))
			table = pt_detach_kernel_table(at, level);
		if (table)
			list_add(&virt_to_page(table)->lru, tables);
		spin_unlock_irqrestore(&window.lock, flags);
	}
}

static void free_tables(struct list_head *tables)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, tables, lru) {
		list_del(&page->lru);
		pt_ops_kernel.free_table(page_address(page));
	}
}

/* One flush for all of @areas, which are this purge's own; then nothing remembers them. */
static void flush_areas(struct list_head *areas)
{
	unsigned long first = ~0UL, end = 0;
	LIST_HEAD(tables);
	struct vmap_area *a;

	list_for_each_entry(a, areas, lazy) {
		first = min(first, a->start);
		end = max(end, a->end);
	}
	for (int level = 1; level < PGTABLE_LEVELS; level++)
		list_for_each_entry(a, areas, lazy)
			detach_tables(a, level, &tables);
	flush_tlb_kernel(first, end);
	free_tables(&tables);
}

static void erase_areas(struct list_head *areas)
{
	struct vmap_area *a, *next;
	unsigned long flags;

	list_for_each_entry_safe(a, next, areas, lazy) {
		flags = spin_lock_irqsave(&window.lock);
		list_del(&a->lazy);
		erase(a);
		spin_unlock_irqrestore(&window.lock, flags);
		kmem_cache_free(window.cache, a);
	}
}

/* Move the lazy areas to @areas; they become this purge's own.  Return: is there any? */
static bool begin_purge(struct list_head *areas)
{
	struct vmap_area *a;

	if (list_empty(&window.lazy))
		return false;
	window.purging = true;
	list_for_each_entry(a, &window.lazy, lazy)
		a->state = VMAP_PURGING;
	list_splice_tail_init(&window.lazy, areas);
	window.lazy_bytes = 0;
	return true;
}

static void end_purge(void)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);

	window.purging = false;
	window.purges++;
	spin_unlock_irqrestore(&window.lock, flags);
	port_wakeup(&window.purging);
}

bool vmap_area_purge(bool wait)
{
	bool may_sleep = wait && port_can_sleep(), waited = false, mine;
	unsigned long flags;
	LIST_HEAD(areas);

	flags = spin_lock_irqsave(&window.lock);
	while (window.purging && may_sleep) {
		flags = port_sleep_on(&window.purging, &window.lock, flags);
		waited = true;
	}
	mine = !window.purging && begin_purge(&areas);
	spin_unlock_irqrestore(&window.lock, flags);
	if (mine) {
		flush_areas(&areas);
		erase_areas(&areas);
		end_purge();
	}
	return mine || waited;
}

/* ---- an area's life ---------------------------------------------------------------- */

void vmap_area_init(unsigned long start, unsigned long end)
{
	window.cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area), 0, SLAB_PANIC, NULL);
	INIT_LIST_HEAD(&window.lazy);
	window.start = start;
	window.lazy_max = min(LAZY_MAX_BYTES, (end - start) / 16);
	window.tree.update = update_max_gap;
	window.end = (struct vmap_area){ .start = end, .end = end, .gap = end - start, .state = VMAP_END };
	rb_insert_before(&window.tree, NULL, &window.end.node);
	window.ready = true;
}

bool vmap_area_ready(void)
{
	return window.ready;
}

struct vmap_area *vmap_area_alloc(unsigned long pages, unsigned long align, unsigned flags,
				  unsigned long caller, gfp_t gfp)
{
	unsigned long size = (pages + 1) << PAGE_SHIFT;
	struct vmap_area *area;
	bool placed;

	if (pages >= ~0UL >> PAGE_SHIFT)	/* with the guard page, all addresses there are */
		return NULL;
	area = kmem_cache_alloc(window.cache, GFP_KERNEL | (gfp & __GFP_NOWARN));
	if (!area)
		return NULL;
	*area = (struct vmap_area){
		.nr_pages = (unsigned)pages, .flags = flags, .caller = caller, .state = VMAP_NEW,
	};
	do {
		unsigned long irq = spin_lock_irqsave(&window.lock);

		placed = place(area, size, align) || place(area, size, PAGE_SIZE);
		spin_unlock_irqrestore(&window.lock, irq);
	} while (!placed && vmap_area_purge(true));
	if (!placed) {
		kmem_cache_free(window.cache, area);
		return NULL;
	}
	return area;
}

void vmap_area_publish(struct vmap_area *area)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);

	area->state = VMAP_LIVE;
	window.live++;
	window.live_bytes += bytes(area);
	spin_unlock_irqrestore(&window.lock, flags);
}

struct vmap_area *vmap_area_claim(unsigned long addr, unsigned want, struct vmap_area *found)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	struct vmap_area *a = find_above(addr);

	*found = a->state != VMAP_END && addr >= a->start ? *a : (struct vmap_area){ .end = 0 };
	if (a->start != addr || a->state != VMAP_LIVE || !(a->flags & want)) {
		a = NULL;
	} else {
		a->state = VMAP_FREEING;
		window.live--;
		window.live_bytes -= bytes(a);
	}
	spin_unlock_irqrestore(&window.lock, flags);
	return a;
}

void vmap_area_retire(struct vmap_area *area)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	bool full;

	area->state = VMAP_LAZY;
	list_add_tail(&area->lazy, &window.lazy);
	window.lazy_bytes += bytes(area);
	full = window.lazy_bytes > window.lazy_max;
	spin_unlock_irqrestore(&window.lock, flags);
	if (full)
		vmap_area_purge(false);
}

/* ---- looking ------------------------------------------------------------------------- */

bool vmap_area_next(unsigned long addr, struct vmap_area *copy)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	struct vmap_area *a = find_above(addr);

	while (a->state != VMAP_END && (a->state != VMAP_LIVE || a->start < addr))
		a = area_of(rb_next(&a->node));
	*copy = *a;
	spin_unlock_irqrestore(&window.lock, flags);
	return copy->state != VMAP_END;
}

void vmap_area_totals(struct vmalloc_totals *t)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	unsigned long largest = max_gap(window.tree.node);

	t->areas = window.live;
	t->used_bytes = window.live_bytes;
	t->total_bytes = window.end.end - window.start;
	t->largest_free = largest > PAGE_SIZE ? largest - PAGE_SIZE : 0;
	t->lazy_bytes = window.lazy_bytes;
	t->purges = window.purges;
	spin_unlock_irqrestore(&window.lock, flags);
}

static int check_area(const struct vmap_area *a, unsigned long prev_end)
{
	unsigned long below = max(max_gap(a->node.child[0]), max_gap(a->node.child[1]));

	if (a->start < prev_end || a->end > window.end.end || !IS_ALIGNED(a->start, PAGE_SIZE))
		return 1;
	if (a->state != VMAP_END && bytes(a) != (a->nr_pages + 1UL) << PAGE_SHIFT)
		return 1;
	if (a->gap != a->start - prev_end)
		return 2;
	return a->max_gap != max(a->gap, below) ? 3 : 0;
}

/* V.5: compare the counts with the tree. */
static int check_counts(void)
{
	unsigned long live = 0, live_bytes = 0, lazy = 0, lazy_bytes = 0;
	struct vmap_area *a;

	for (a = area_of(rb_first(&window.tree)); a; a = area_of(rb_next(&a->node))) {
		live += a->state == VMAP_LIVE;
		live_bytes += a->state == VMAP_LIVE ? bytes(a) : 0;
		lazy += a->state == VMAP_LAZY;
		lazy_bytes += a->state == VMAP_LAZY ? bytes(a) : 0;
	}
	list_for_each_entry(a, &window.lazy, lazy)
		lazy -= a->state == VMAP_LAZY;
	if (live != window.live || live_bytes != window.live_bytes)
		return 5;
	return lazy || lazy_bytes != window.lazy_bytes ? 5 : 0;
}

int vmap_area_check(void)
{
	unsigned long flags = spin_lock_irqsave(&window.lock), prev_end = window.start;
	int broken = rb_check(&window.tree) ? 4 : 0;
	struct vmap_area *a;

	for (a = area_of(rb_first(&window.tree)); a && !broken; a = area_of(rb_next(&a->node))) {
		broken = check_area(a, prev_end);
		prev_end = a->end;
	}
	if (!broken)
		broken = check_counts();
	spin_unlock_irqrestore(&window.lock, flags);
	return broken;
}
