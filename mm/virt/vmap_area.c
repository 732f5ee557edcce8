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
 * the tree as VMAP_LAZY.  A purge takes all of them and flushes once.  It runs when they
 * are many (LAZY_MAX_AREAS) or have become 1/16 of the window (at the most 32 MiB), and
 * when somebody finds no addresses.
 *
 * Idle areas.  Most areas are small, and of few sizes.  So after the flush a small one
 * stays where it is, in the tree, with its page table, on a stack for its size; the next
 * request for that size takes it, last in first out, without touching the tree.  At most
 * IDLE_MAX are kept.  The rest is erased; on the way, page tables that have become empty
 * leave the kernel's half.  A purge of all does so with idle ones, too: afterwards all
 * memory is back.
 *
 *	NEW --> LIVE --> FREEING --> LAZY --> PURGING --> gone
 *	 ^ \________________^ undone   \                  ^
 *	  \                             v                 / all
 *	   \------------- IDLE <-- FLUSHING  IDLE --> PURGING
 *
 * Invariants:
 *	V.1  areas do not overlap, are page-aligned, lie in the window, and each has
 *	     room for its pages and the guard page: end - start = (nr_pages + 1) pages
 *	V.2  an area's gap is its start minus the end of the one before (of the window's
 *	     start for the first)
 *	V.3  max_gap is the maximum of the node's gap and its children's max_gap
 *	V.4  the tree is balanced (rbtree.c)
 *	V.5  the tallies of live, lazy and idle areas agree with the tree; the lazy list
 *	     has exactly the VMAP_LAZY areas
 *	V.9  a stack of idle areas has only such, of its size; together all there are; no
 *	     more than IDLE_MAX are idle or about to be, and nothing is mapped in them
 *
 * Locking: window.lock for the tree, the states and the counts; held O(log areas); in
 * a purge, twice O(LAZY_MAX_AREAS), then for O(log areas) an area and one scan of a table.
 * Then pt_lock.  The TLB flush is outside of it, with interrupts as they were, since other
 * CPUs must answer.  One purge runs at a time; who needs addresses waits for it.
 *
 * Tables: a table is taken out under window.lock when no area but those being purged
 * lies in its span.  A new area gets its addresses under the same lock before it
 * walks, so it never holds an entry of a table on its way out.
 *
 * Cost: O(log areas) to take and give (O(1) to take an idle one), the purge apart: one
 * flush for LAZY_MAX_AREAS small areas.  Unlike Linux: one tree, with gaps in the areas;
 * idle areas instead of blocks of addresses for each CPU; guard page always.
 */
#include "vmap_area.h"

#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/slab.h>

#define LAZY_MAX_BYTES (32UL << 20)
#define LAZY_MAX_AREAS 256u	/* one flush for so many */
#define IDLE_PAGES 16u		/* larger areas are not kept */
#define IDLE_MAX (2 * LAZY_MAX_AREAS)

struct tally {
	unsigned long areas, bytes;
};

static struct {
	spinlock_t lock;
	struct rb_root tree;
	struct vmap_area end;		/* VMAP_END */
	struct list_head lazy;		/* VMAP_LAZY, oldest first */
	struct list_head idle[IDLE_PAGES]; /* VMAP_IDLE, of i + 1 pages, the last freed first */
	struct kmem_cache *cache;
	unsigned long start;		/* of the window */
	struct tally live;		/* VMAP_NEW, VMAP_LIVE */
	struct tally lazied;		/* VMAP_LAZY */
	struct tally kept;		/* VMAP_IDLE, VMAP_FLUSHING */
	unsigned long lazy_max;		/* bytes */
	unsigned long purges;
	bool purging;			/* also the channel that waits for its end */
} window = { .lock = SPINLOCK_INIT };

static inline struct vmap_area *area_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct vmap_area, node) : NULL;
}

static inline unsigned long bytes(const struct vmap_area *a)
{
	return a->end - a->start;
}

/* An owner publishes without the lock: who sees VMAP_LIVE sees what the area was given before. */
static inline enum vmap_state state_of(const struct vmap_area *a)
{
	return __atomic_load_n(&a->state, __ATOMIC_ACQUIRE);
}

static inline void count_in(struct tally *t, const struct vmap_area *a)
{
	t->areas++;
	t->bytes += bytes(a);
}

static inline void count_out(struct tally *t, const struct vmap_area *a)
{
	t->areas--;
	t->bytes -= bytes(a);
}

static unsigned long max_gap(const struct rb_node *n)
{
	return n ? container_of(n, const struct vmap_area, node)->max_gap : 0;
}

static bool update_max_gap(struct rb_node *n)
{
	unsigned long below = max(max_gap(n->child[0]), max_gap(n->child[1]));
	struct vmap_area *a = area_of(n);
	unsigned long old = a->max_gap;

	a->max_gap = max(a->gap, below);
	return a->max_gap != old;
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

	while (state_of(a) == VMAP_PURGING && a->start <= last)
		a = area_of(rb_next(&a->node));
	return a != &window.end && a->start <= last;
}

/* Does the area before @area, on its way out too, reach beyond @addr?  Then it sees to what lies there. */
static bool previous_leaves(const struct vmap_area *area, unsigned long addr)
{
	const struct vmap_area *prev = area_of(rb_prev(&area->node));

	return prev && state_of(prev) == VMAP_PURGING && prev->end > addr;
}

/* Take the tables of @level that only areas on their way out needed out of the directories, onto @tables. */
static void detach_tables(const struct vmap_area *area, int level, struct list_head *tables)
{
	unsigned long span = 1UL << pt_shift(level + 1), first = ALIGN_DOWN(area->start, span);

	for (unsigned long at = first; at >= first && at < area->end; at += span) {
		unsigned long flags = spin_lock_irqsave(&window.lock);
		pte_t *table = NULL;

		if (!previous_leaves(area, at) && !span_in_use(at, at + span - 1))
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

/* What a purge has taken. */
struct purge {
	struct list_head kept;		/* VMAP_FLUSHING */
	struct list_head leaving;	/* VMAP_PURGING */
	unsigned long first, end;	/* all addresses that CPUs may remember */
};

/* One flush for all that @p has taken; then nothing remembers them. */
static void flush_areas(struct purge *p)
{
	LIST_HEAD(tables);
	struct vmap_area *a;

	for (int level = 1; level < PGTABLE_LEVELS; level++)
		list_for_each_entry(a, &p->leaving, list)
			detach_tables(a, level, &tables);
	flush_tlb_kernel(p->first, p->end);
	free_tables(&tables);
}

static void keep_areas(struct list_head *areas)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	struct vmap_area *a, *next;

	list_for_each_entry_safe(a, next, areas, list) {
		a->state = VMAP_IDLE;
		list_move(&a->list, &window.idle[a->nr_pages - 1]);
	}
	spin_unlock_irqrestore(&window.lock, flags);
}

static void erase_areas(struct list_head *areas)
{
	struct vmap_area *a, *next;
	unsigned long flags;

	list_for_each_entry_safe(a, next, areas, list) {
		flags = spin_lock_irqsave(&window.lock);
		list_del(&a->list);
		erase(a);
		spin_unlock_irqrestore(&window.lock, flags);
		kmem_cache_free(window.cache, a);
	}
}

/* The lazy or idle area @a is @p's own now: to be kept, or to leave. */
static void purge_takes(struct purge *p, struct vmap_area *a, bool keep)
{
	a->state = keep ? VMAP_FLUSHING : VMAP_PURGING;
	list_del(&a->list);
	list_add_tail(&a->list, keep ? &p->kept : &p->leaving);
	p->first = min(p->first, a->start);
	p->end = max(p->end, a->end);
	if (keep)
		count_in(&window.kept, a);
}

/* Take the lazy areas, and with @all the idle ones.  Return: is there any? */
static bool begin_purge(struct purge *p, bool all)
{
	struct vmap_area *a, *next;

	list_for_each_entry_safe(a, next, &window.lazy, list)
		purge_takes(p, a, !all && a->nr_pages <= IDLE_PAGES && window.kept.areas < IDLE_MAX);
	window.lazied = (struct tally){ .areas = 0 };
	for (unsigned i = 0; all && i < IDLE_PAGES; i++)
		list_for_each_entry_safe(a, next, &window.idle[i], list) {
			purge_takes(p, a, false);
			count_out(&window.kept, a);
		}
	window.purging = p->end > 0;
	return window.purging;
}

static void end_purge(void)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);

	window.purging = false;
	window.purges++;
	spin_unlock_irqrestore(&window.lock, flags);
	port_wakeup(&window.purging);
}

bool vmap_area_purge(bool all)
{
	bool may_sleep = all && port_can_sleep(), waited = false, mine;
	struct purge p = { .first = ~0UL };
	unsigned long flags;

	INIT_LIST_HEAD(&p.kept);
	INIT_LIST_HEAD(&p.leaving);
	flags = spin_lock_irqsave(&window.lock);
	while (window.purging && may_sleep) {
		flags = port_sleep_on(&window.purging, &window.lock, flags);
		waited = true;
	}
	mine = !window.purging && begin_purge(&p, all);
	spin_unlock_irqrestore(&window.lock, flags);
	if (mine) {
		flush_areas(&p);
		keep_areas(&p.kept);
		erase_areas(&p.leaving);
		end_purge();
	}
	return mine || waited;
}

/* Time for a purge?  window.lock is held. */
static inline bool purge_due(void)
{
	return window.lazied.bytes > window.lazy_max || window.lazied.areas > LAZY_MAX_AREAS;
}

/* A purge that is due because those who freed could not flush: interrupts, and threads with preemption off. */
static void purge_left_over(void)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	bool due = purge_due();

	spin_unlock_irqrestore(&window.lock, flags);
	if (due)
		vmap_area_purge(false);
}

/* ---- an area's life ---------------------------------------------------------------- */

void vmap_area_init(unsigned long start, unsigned long end)
{
	window.cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area), 0, SLAB_PANIC, NULL);
	INIT_LIST_HEAD(&window.lazy);
	for (unsigned i = 0; i < IDLE_PAGES; i++)
		INIT_LIST_HEAD(&window.idle[i]);
	window.start = start;
	window.lazy_max = min(LAZY_MAX_BYTES, (end - start) / 16);
	window.tree.update = update_max_gap;
	window.end = (struct vmap_area){ .start = end, .end = end, .gap = end - start, .state = VMAP_END };
	rb_insert_before(&window.tree, NULL, &window.end.node);
}

/* The last freed of the idle areas of @pages; NULL for none. */
static struct vmap_area *take_idle(unsigned long pages)
{
	struct list_head *stack = &window.idle[pages - 1];
	unsigned long flags = spin_lock_irqsave(&window.lock);
	struct vmap_area *area = NULL;

	if (!list_empty(stack)) {
		area = list_first_entry(stack, struct vmap_area, list);
		list_del(&area->list);
		area->state = VMAP_NEW;
		count_out(&window.kept, area);
		count_in(&window.live, area);
	}
	spin_unlock_irqrestore(&window.lock, flags);
	return area;
}

/* A new area, in the lowest gap. */
static __noinline struct vmap_area *make_area(unsigned long pages, unsigned long align, gfp_t gfp)
{
	struct vmap_area *area = kmem_cache_alloc(window.cache, GFP_KERNEL | (gfp & __GFP_NOWARN));
	unsigned long size = (pages + 1) << PAGE_SHIFT;
	bool placed;

	if (!area)
		return NULL;
	*area = (struct vmap_area){ .nr_pages = (unsigned)pages, .state = VMAP_NEW };
	purge_left_over();
	do {
		unsigned long irq = spin_lock_irqsave(&window.lock);

		placed = place(area, size, align) || place(area, size, PAGE_SIZE);
		if (placed)
			count_in(&window.live, area);
		spin_unlock_irqrestore(&window.lock, irq);
	} while (!placed && vmap_area_purge(true));
	if (!placed) {
		kmem_cache_free(window.cache, area);
		return NULL;
	}
	return area;
}

struct vmap_area *vmap_area_alloc(unsigned long pages, unsigned long align, unsigned flags,
				  unsigned long caller, gfp_t gfp)
{
	struct vmap_area *area = pages <= IDLE_PAGES ? take_idle(pages) : NULL;

	if (!area && pages < ~0UL >> PAGE_SHIFT)	/* with the guard page, not all addresses there are */
		area = make_area(pages, align, gfp);
	if (area) {
		area->nr_large = 0;
		area->flags = flags;
		area->caller = caller;
	}
	return area;
}

void vmap_area_publish(struct vmap_area *area)
{
	__atomic_store_n(&area->state, VMAP_LIVE, __ATOMIC_RELEASE);
}

/* Nothing to claim at @addr: copy what is there, for a report. */
static __cold_path void copy_found(unsigned long addr, struct vmap_area *found)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	struct vmap_area *a = find_above(addr);

	*found = a != &window.end && addr >= a->start ? *a : (struct vmap_area){ .end = 0 };
	spin_unlock_irqrestore(&window.lock, flags);
}

struct vmap_area *vmap_area_claim(unsigned long addr, unsigned want, struct vmap_area *found)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	struct vmap_area *a = find_above(addr);
	bool mine = likely(a->start == addr) && likely(state_of(a) == VMAP_LIVE) && likely(a->flags & want);

	if (mine) {
		a->state = VMAP_FREEING;
		count_out(&window.live, a);
	}
	spin_unlock_irqrestore(&window.lock, flags);
	if (unlikely(!mine))
		copy_found(addr, found);
	return mine ? a : NULL;
}

void vmap_area_retire(struct vmap_area *area)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	bool due;

	if (unlikely(area->state == VMAP_NEW))
		count_out(&window.live, area);
	area->state = VMAP_LAZY;
	list_add_tail(&area->list, &window.lazy);
	count_in(&window.lazied, area);
	due = purge_due();
	spin_unlock_irqrestore(&window.lock, flags);
	if (unlikely(due) && !preempt_count())
		vmap_area_purge(false);
}

/* ---- looking ------------------------------------------------------------------------- */

bool vmap_area_next(unsigned long addr, struct vmap_area *copy)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	struct vmap_area *a = find_above(addr);

	while (a != &window.end && (state_of(a) != VMAP_LIVE || a->start < addr))
		a = area_of(rb_next(&a->node));
	*copy = *a;
	spin_unlock_irqrestore(&window.lock, flags);
	return a != &window.end;
}

void vmap_area_totals(struct vmalloc_totals *t)
{
	unsigned long flags = spin_lock_irqsave(&window.lock);
	unsigned long largest = max_gap(window.tree.node);

	t->areas = window.live.areas;
	t->used_bytes = window.live.bytes;
	t->total_bytes = window.end.end - window.start;
	t->largest_free = largest > PAGE_SIZE ? largest - PAGE_SIZE : 0;
	t->lazy_bytes = window.lazied.bytes + window.kept.bytes;
	t->purges = window.purges;
	spin_unlock_irqrestore(&window.lock, flags);
}

static int check_area(const struct vmap_area *a, unsigned long prev_end)
{
	unsigned long below = max(max_gap(a->node.child[0]), max_gap(a->node.child[1]));

	if (a->start < prev_end || a->end > window.end.end || !IS_ALIGNED(a->start, PAGE_SIZE))
		return 1;
	if (a != &window.end && bytes(a) != (a->nr_pages + 1UL) << PAGE_SHIFT)
		return 1;
	if (a->gap != a->start - prev_end)
		return 2;
	return a->max_gap != max(a->gap, below) ? 3 : 0;
}

static bool same_tally(struct tally a, struct tally b)
{
	return a.areas == b.areas && a.bytes == b.bytes;
}

/* V.5: compare the tallies with the tree. */
static int check_tallies(void)
{
	struct tally live = { .areas = 0 }, lazy = live, kept = live, none = live;
	struct tally *by_state[] = {
		[VMAP_NEW] = &live, [VMAP_LIVE] = &live, [VMAP_FREEING] = &none, [VMAP_LAZY] = &lazy,
		[VMAP_FLUSHING] = &kept, [VMAP_IDLE] = &kept, [VMAP_PURGING] = &none, [VMAP_END] = &none,
	};
	struct vmap_area *a;

	for (a = area_of(rb_first(&window.tree)); a; a = area_of(rb_next(&a->node)))
		count_in(by_state[state_of(a)], a);
	if (!same_tally(live, window.live) || !same_tally(lazy, window.lazied) || !same_tally(kept, window.kept))
		return 5;
	list_for_each_entry(a, &window.lazy, list)
		lazy.areas -= a->state == VMAP_LAZY;
	return lazy.areas ? 5 : 0;
}

static bool maps_something(const struct vmap_area *a)
{
	pfn_t pfn;
	pte_t e;

	for (unsigned long addr = a->start; addr < a->end; addr += PAGE_SIZE)
		if (pt_leaf(swapper_pg_dir, addr, &e, &pfn))
			return true;
	return false;
}

/* V.9 */
static int check_idle(void)
{
	unsigned long idle = 0;
	struct vmap_area *a;

	for (unsigned i = 0; i < IDLE_PAGES; i++)
		list_for_each_entry(a, &window.idle[i], list) {
			if (a->state != VMAP_IDLE || a->nr_pages != i + 1 || maps_something(a))
				return 9;
			idle++;
		}
	for (a = area_of(rb_first(&window.tree)); a; a = area_of(rb_next(&a->node)))
		idle -= state_of(a) == VMAP_IDLE;
	return idle || window.kept.areas > IDLE_MAX ? 9 : 0;
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
		broken = check_tallies();
	if (!broken)
		broken = check_idle();
	spin_unlock_irqrestore(&window.lock, flags);
	return broken;
}
