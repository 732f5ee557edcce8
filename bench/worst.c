/* SPDX-License-Identifier: MIT */
/*
 * worst.c: the longest single call of each kind, in a churn of all of them.
 *
 * Each family has PLACES places.  A step picks a family and a place: what is empty is
 * filled, what is full is emptied; sizes and orders are random.  Most memory is taken
 * beforehand, so that calls also run out, and look everywhere first.  Now and then
 * all is given back and every reserve drained, so that the next calls begin from nothing.
 *
 * Every call is timed by itself, failing ones too.  One that a clock tick fell into is
 * not counted: the tick's work is not the call's.  What the reading costs is subtracted.
 * Runs only when it is asked for by name; bench/bounds.tsv has the bounds that the calls' own
 * documentation states, bench/worst sets them beside.
 */
#include "bench.h"

#include <quarry/highmem.h>
#include <quarry/printf.h>
#include <quarry/slab.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#include "lib/xorshift.h"

#define PLACES 64
#define STEPS 60000
#define STEPS_UNTIL_EMPTY 4000
#define SPACE_AT 0x10000000UL	/* where an address space has its area */
#define SPACE_PAGES 64
#define FEW 16			/* pages of a vmap */
#define SPARED 4		/* blocks of 2^MAX_PAGE_ORDER pages left free, of high and of low memory */

#define KINDS(X)									\
	X(kmalloc) X(kfree) X(krealloc) X(kmem_cache_alloc) X(kmem_cache_free)		\
	X(kmem_cache_create) X(kmem_cache_destroy) X(kmem_cache_shrink)			\
	X(alloc_page) X(free_page) X(alloc_pages) X(free_pages) X(get_zeroed_page)	\
	X(vmalloc) X(vfree) X(vmap) X(vunmap) X(vmalloc_to_page)			\
	X(kmap) X(kunmap) X(kmap_local_page) X(kunmap_local) X(kmap_atomic) X(kunmap_atomic) \
	X(mm_alloc) X(mm_free) X(mm_map) X(mm_unmap) X(handle_mm_fault)

#define AS_ENUM(name) WORST_##name,
enum kind { KINDS(AS_ENUM) NR_WORST };
#define AS_OP(name) "worst_" #name,
static const char *const ops[NR_WORST] = { KINDS(AS_OP) };

static u64 worst[NR_WORST], counted[NR_WORST], reading;
static u32 random_state;

static void record(enum kind kind, u64 ms, u64 ticks)
{
	if (machine_ms() != ms)
		return;
	counted[kind]++;
	worst[kind] = max(worst[kind], ticks > reading ? ticks - reading : 0);
}

#define TIMED(kind, statement) do {					\
	u64 ms_ = machine_ms(), start_ = machine_cycles();		\
									\
	statement;							\
	record(WORST_##kind, ms_, machine_cycles() - start_);		\
} while (0)

static u32 random_below(u32 n)
{
	return xorshift32(&random_state) % n;
}

/* ---- the families ---------------------------------------------------------------------- */

struct place {
	void *p;		/* NULL: empty */
	unsigned order;
	char name[16];
};

static struct kmem_cache *cache;
static struct page *few[FEW];
static LIST_HEAD(ballast);

static void take_kmalloc(struct place *w)
{
	size_t size = 1u << random_below(14);
	void *moved;

	size -= random_below((u32)size) / 2;
	TIMED(kmalloc, w->p = kmalloc(size, GFP_KERNEL | __GFP_NOWARN));
	if (!w->p || random_below(4))
		return;
	TIMED(krealloc, moved = krealloc(w->p, size + size / 2, GFP_KERNEL | __GFP_NOWARN));
	if (moved)
		w->p = moved;
}

static void give_kmalloc(struct place *w)
{
	TIMED(kfree, kfree(w->p));
}

static void take_object(struct place *w)
{
	TIMED(kmem_cache_alloc, w->p = kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN));
}

static void give_object(struct place *w)
{
	TIMED(kmem_cache_free, kmem_cache_free(cache, w->p));
	if (!random_below(64))
		TIMED(kmem_cache_shrink, kmem_cache_shrink(cache));
}

static void take_cache(struct place *w)
{
	TIMED(kmem_cache_create, w->p = kmem_cache_create(w->name, 200, 0, 0, NULL));
}

static void give_cache(struct place *w)
{
	void *p = kmem_cache_alloc(w->p, GFP_KERNEL | __GFP_NOWARN);

	if (p)
		kmem_cache_free(w->p, p);
	TIMED(kmem_cache_destroy, kmem_cache_destroy(w->p));
}

static void take_page(struct place *w)
{
	TIMED(alloc_page, w->p = alloc_page(GFP_HIGHUSER | __GFP_NOWARN));
}

static void give_page(struct place *w)
{
	TIMED(free_page, __free_page(w->p));
}

static void take_zeroed(struct place *w)
{
	TIMED(get_zeroed_page, w->p = (void *)get_zeroed_page(GFP_KERNEL | __GFP_NOWARN));
}

static void give_zeroed(struct place *w)
{
	free_page((unsigned long)w->p);
}

static void take_block(struct place *w)
{
	w->order = 1 + random_below(MAX_PAGE_ORDER);
	TIMED(alloc_pages, w->p = alloc_pages(GFP_HIGHUSER | __GFP_NOWARN, w->order));
}

static void give_block(struct place *w)
{
	TIMED(free_pages, __free_pages(w->p, w->order));
}

static void take_area(struct place *w)
{
	unsigned long pages = 1 + random_below(256);

	TIMED(vmalloc, w->p = __vmalloc(pages * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN));
	if (w->p)
		TIMED(vmalloc_to_page, vmalloc_to_page(w->p));
}

static void give_area(struct place *w)
{
	TIMED(vfree, vfree(w->p));
}

static void take_vmap(struct place *w)
{
	TIMED(vmap, w->p = vmap(few, FEW, VM_MAP, PAGE_KERNEL));
}

static void give_vmap(struct place *w)
{
	TIMED(vunmap, vunmap(w->p));
}

static void take_window(struct place *w)
{
	struct page *page = alloc_page(GFP_HIGHUSER | __GFP_NOWARN);
	void *window;

	w->p = page;
	if (!page)
		return;
	TIMED(kmap, kmap(page));
	TIMED(kmap_local_page, window = kmap_local_page(page));
	TIMED(kunmap_local, kunmap_local(window));
	TIMED(kmap_atomic, window = kmap_atomic(page));
	TIMED(kunmap_atomic, kunmap_atomic(window));
}

static void give_window(struct place *w)
{
	TIMED(kunmap, kunmap((struct page *)w->p));
	__free_page(w->p);
}

static void take_space(struct place *w)
{
	struct mm_struct *mm;
	int err;

	TIMED(mm_alloc, mm = mm_alloc());
	w->p = mm;
	if (!mm)
		return;
	TIMED(mm_map, err = mm_map(mm, SPACE_AT, SPACE_PAGES * PAGE_SIZE, VM_READ | VM_WRITE, "worst", NULL, NULL));
	for (unsigned i = 0; !err && i < SPACE_PAGES / 2; i++)
		TIMED(handle_mm_fault, handle_mm_fault(mm, SPACE_AT + random_below(SPACE_PAGES) * PAGE_SIZE,
						       FAULT_FLAG_WRITE));
}

static void give_space(struct place *w)
{
	TIMED(mm_unmap, mm_unmap(w->p, SPACE_AT + PAGE_SIZE, (SPACE_PAGES - 2) * PAGE_SIZE));
	TIMED(mm_free, mm_free(w->p));
}

static const struct family {
	void (*take)(struct place *w), (*give)(struct place *w);
} families[] = {
	{ take_kmalloc, give_kmalloc }, { take_object, give_object }, { take_cache, give_cache },
	{ take_page, give_page }, { take_zeroed, give_zeroed }, { take_block, give_block },
	{ take_area, give_area }, { take_vmap, give_vmap }, { take_window, give_window },
	{ take_space, give_space },
};

static struct place places[ARRAY_SIZE(families)][PLACES];

/* ---- the churn ---------------------------------------------------------------------------- */

static void step(unsigned f, unsigned i)
{
	struct place *w = &places[f][i];

	if (!w->p) {
		families[f].take(w);
		return;
	}
	families[f].give(w);
	w->p = NULL;
}

static void empty_all(void)
{
	for (unsigned f = 0; f < ARRAY_SIZE(families); f++)
		for (unsigned i = 0; i < PLACES; i++)
			if (places[f][i].p)
				step(f, i);
	kmap_flush_unused();
	vmalloc_purge();
	slab_drain(NULL);
	drain_all_pages(NULL);
}

static void learn_reading(void)
{
	reading = ~0ULL;
	for (int i = 0; i < 16; i++) {
		u64 start = machine_cycles();

		reading = min(reading, machine_cycles() - start);
	}
}

/* All large blocks but a few of high and a few of low memory: what is left is short. */
static void take_ballast(void)
{
	struct page *page;
	unsigned n = 0;

	while ((page = alloc_pages(GFP_HIGHUSER | __GFP_NOWARN, MAX_PAGE_ORDER)))
		if (n++ < SPARED)
			list_add(&page->lru, &ballast);
		else
			list_add_tail(&page->lru, &ballast);
	for (n = 0; n < 2 * SPARED && !list_empty(&ballast); n++) {
		page = n < SPARED ? list_first_entry(&ballast, struct page, lru)
				  : list_last_entry(&ballast, struct page, lru);
		list_del(&page->lru);
		__free_pages(page, MAX_PAGE_ORDER);
	}
}

static void give_ballast(void)
{
	while (!list_empty(&ballast)) {
		struct page *page = list_first_entry(&ballast, struct page, lru);

		list_del(&page->lru);
		__free_pages(page, MAX_PAGE_ORDER);
	}
}

static bool begin(void)
{
	unsigned n = 0;

	for (unsigned f = 0; f < ARRAY_SIZE(families); f++)
		for (unsigned i = 0; i < PLACES; i++)
			mm_snprintf(places[f][i].name, sizeof(places[f][i].name), "worst-%u", i);
	cache = kmem_cache_create("worst", 128, 0, 0, NULL);
	while (n < FEW && (few[n] = alloc_page(GFP_HIGHUSER | __GFP_NOWARN)))
		n++;
	if (cache && n == FEW) {
		take_ballast();
		return true;
	}
	while (n--)
		__free_page(few[n]);
	kmem_cache_destroy(cache);
	return false;
}

static void end(void)
{
	empty_all();
	give_ballast();
	for (unsigned i = 0; i < FEW; i++)
		__free_page(few[i]);
	kmem_cache_destroy(cache);
}

static void not_to_the_console(const char *text, size_t len)
{
	(void)text, (void)len;
}

/* What a failing call reports is its cost; how slow the line is that shows it is not. */
static void churn(void)
{
	void (*log)(const char *text, size_t len) = machine_log;

	machine_log = not_to_the_console;
	random_state = 20260101;
	learn_reading();
	for (unsigned n = 1; n <= STEPS; n++) {
		step(random_below(ARRAY_SIZE(families)), random_below(PLACES));
		if (n % STEPS_UNTIL_EMPTY == 0)
			empty_all();
	}
	machine_log = log;
}

void bench_worst(void)
{
	bool any = false;

	for (unsigned k = 0; k < NR_WORST; k++)
		any |= bench_wanted(ops[k]);
	if (!any)
		return;
	if (!begin()) {
		bench_no_memory("worst");
		return;
	}
	churn();
	end();
	for (unsigned k = 0; k < NR_WORST; k++)
		if (counted[k])
			bench_figure(ops[k], machine_cycles_unit(), worst[k] * 100);
}
