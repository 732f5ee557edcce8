/* SPDX-License-Identifier: MIT */
/*
 * exhaust.c: everything is used up, at every level, at every size; the end is a
 * quiet NULL, and then every count is as before.
 */
#include <quarry/highmem.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "util.h"

/* ---- every free high frame ---------------------------------------------------------- */

static bool in_pkmap(const void *p)
{
	return (unsigned long)p >= PKMAP_BASE && (unsigned long)p < PKMAP_BASE + LAST_PKMAP * PAGE_SIZE;
}

/* Each frame gets its own number: its first word through kmap, its last through kmap_atomic. */
static unsigned long number_frames(struct list_head *frames, unsigned long n)
{
	unsigned long wrong = 0, done = 0;
	struct page *page;

	list_for_each_entry(page, frames, lru) {
		u32 *p = kmap(page);

		wrong += !in_pkmap(p);
		p[0] = (u32)page_to_pfn(page);
		kunmap(page);
		p = kmap_atomic(page, KM_USER0);
		p[PAGE_SIZE / sizeof(u32) - 1] = ~(u32)page_to_pfn(page);
		kunmap_atomic(p, KM_USER0);
		if (++done % 16384 == 0)
			selftest_progress(done, 2 * n);
	}
	return wrong;
}

/* And the other way round: what kmap wrote is read through kmap_atomic. */
static unsigned long verify_frames(struct list_head *frames, unsigned long n)
{
	unsigned long wrong = 0, done = 0;
	struct page *page;

	list_for_each_entry(page, frames, lru) {
		u32 *p = kmap_atomic(page, KM_USER1);

		wrong += p[0] != (u32)page_to_pfn(page);
		kunmap_atomic(p, KM_USER1);
		p = kmap(page);
		wrong += p[PAGE_SIZE / sizeof(u32) - 1] != ~(u32)page_to_pfn(page);
		kunmap(page);
		if (++done % 16384 == 0)
			selftest_progress(n + done, 2 * n);
	}
	return wrong;
}

/* The last high frames come only after low memory has none to spare, so take all, and give the low ones back. */
static unsigned long take_every_high_frame(struct list_head *high)
{
	struct page *page, *next;
	LIST_HEAD(all);
	LIST_HEAD(low);
	unsigned long n = st_take(&all, GFP_HIGH_ALL, 0, ~0UL);

	list_for_each_entry_safe(page, next, &all, lru)
		if (!PageHighMem(page)) {
			list_move(&page->lru, &low);
			n--;
		}
	list_splice_tail_init(&all, high);
	st_give(&low, 0);
	return n;
}

SELFTEST(F2, every_high_frame_is_mapped_and_numbered)
{
	unsigned long free, n, left, outside, wrong;
	LIST_HEAD(frames);

	if (!populated_zone(st_zone(ZONE_HIGHMEM)))
		SKIP("no high memory");
	st_all_online();
	st_settle();
	free = st_free_high();
	n = take_every_high_frame(&frames);
	left = st_free_high();
	outside = number_frames(&frames, n);
	wrong = verify_frames(&frames, n);
	st_give(&frames, 0);
	st_settle();
	CHECK_EQ(n, free);
	CHECK_EQ(left, 0);
	CHECK_EQ(outside, 0);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(st_free_high(), free);
}

/* ---- low memory, by every order ------------------------------------------------------ */

static unsigned long low_blocks(unsigned order)
{
	unsigned long n = 0;
	struct zone *z;

	for_each_zone(z)
		if (z->type != ZONE_HIGHMEM)
			n += st_blocks(z, order);
	return n;
}

static void low_free_areas(unsigned long had[ST_ZONES][NR_PAGE_ORDERS])
{
	struct zone *z;
	unsigned o;

	for_each_zone(z)
		for (o = 0; o <= MAX_PAGE_ORDER; o++)
			had[st_zone_nr(z)][o] = z->free_area[o].nr_free;
}

SELFTEST(B4, low_memory_by_every_order_to_the_last_block)
{
	static unsigned long had[ST_ZONES][NR_PAGE_ORDERS], have[ST_ZONES][NR_PAGE_ORDERS];
	unsigned long want, n, misaligned = 0;
	struct page *page;
	unsigned order, i, o;

	st_all_online();
	st_settle();
	low_free_areas(had);
	for (order = 0; order <= MAX_PAGE_ORDER; order++) {
		LIST_HEAD(blocks);

		want = low_blocks(order);
		n = st_take(&blocks, GFP_LOW_ALL, order, ~0UL);
		list_for_each_entry(page, &blocks, lru)
			misaligned += !IS_ALIGNED(page_to_pfn(page), 1UL << order);
		st_give(&blocks, order);
		drain_all_pages(NULL);
		CHECK_EQ(n, want);
		CHECK_EQ(misaligned, 0);
		low_free_areas(have);
		for (i = 0; i < ST_ZONES; i++)
			for (o = 0; o <= MAX_PAGE_ORDER; o++)
				CHECK_EQ(have[i][o], had[i][o]);
		selftest_progress(order + 1, NR_PAGE_ORDERS);
	}
}

/* ---- kmalloc, by every class ----------------------------------------------------------- */

/*
 * Objects of 8 bytes would take a minute to fill a gigabyte, so all but about
 * 4 MiB of low memory is taken away first, by blocks from the largest down.
 */
#define LEAVE (4ul << 20 >> PAGE_SHIFT)

static struct list_head ballast[NR_PAGE_ORDERS];

static void inflate(void)
{
	int order;

	st_all_online();
	for (order = MAX_PAGE_ORDER; order >= 0; order--) {
		unsigned long free = st_free_low();

		INIT_LIST_HEAD(&ballast[order]);
		if (free > LEAVE)
			st_take(&ballast[order], GFP_LOW_ALL, (unsigned)order, (free - LEAVE) >> order);
	}
}

static void deflate(void)
{
	int order;

	for (order = MAX_PAGE_ORDER; order >= 0; order--)
		st_give(&ballast[order], (unsigned)order);
}

/* Objects in a chain through their first word. */
static unsigned long fill_class(size_t size, gfp_t gfp, void **chain)
{
	unsigned long n = 0;
	void **p;

	*chain = NULL;
	while ((p = kmalloc(size, gfp | __GFP_MEMALLOC | __GFP_NOWARN))) {
		*p = *chain;
		*chain = p;
		n++;
	}
	return n;
}

static unsigned long free_chain(void *chain)
{
	unsigned long n = 0;

	for (; chain; n++) {
		void *next = *(void **)chain;

		kfree(chain);
		chain = next;
	}
	return n;
}

static bool class_to_exhaustion(size_t size, gfp_t gfp, unsigned long *n, unsigned long *freed)
{
	unsigned long misused = misuse_count(NR_MISUSE);
	void *chain;

	*n = fill_class(size, gfp, &chain);
	*freed = free_chain(chain);
	return misuse_count(NR_MISUSE) == misused;
}

SELFTEST(D4, every_class_to_exhaustion)
{
	unsigned long n, freed, first = 0;
	size_t size;
	bool quiet;

	inflate();
	for (size = 8; size <= KMALLOC_MAX_CACHE_SIZE * 4; size *= 2) {
		quiet = class_to_exhaustion(size, GFP_KERNEL, &n, &freed);
		if (!(quiet && n > 0 && n == freed)) {
			deflate();
			selftest_fail(__FILE__, __LINE__, "kmalloc(%lu): %lu taken, %lu freed",
				      (unsigned long)size, n, freed);
			return;
		}
		/* Nine tenths of what was left turned into objects. */
		if (size == 4096)
			first = n;
	}
	deflate();
	CHECK(first * 4096 > (LEAVE << PAGE_SHIFT) / 10 * 9 || st_free_low() < LEAVE);
}

SELFTEST(D4, dma_classes_to_exhaustion)
{
	unsigned long n, freed;
	LIST_HEAD(taken);
	bool quiet;

	/* ZONE_DMA down to its last 256 frames. */
	st_take(&taken, GFP_DMA | __GFP_MEMALLOC | __GFP_NOWARN, 0, ~0UL);
	st_give_some(&taken, 0, 256);
	drain_all_pages(NULL);
	quiet = class_to_exhaustion(512, GFP_KERNEL | __GFP_DMA, &n, &freed);
	st_give(&taken, 0);
	CHECK(quiet);
	CHECK_EQ(n, freed);
	CHECK(n >= 256 * 6 && n <= 256 * 8 + 64);
}

SELFTEST(D1, a_cache_to_exhaustion)
{
	struct kmem_cache *c = kmem_cache_create("selftest_full", 1500, 0, 0, NULL);
	unsigned long n = 0, freed = 0;
	void *chain = NULL, **p;

	CHECK(c);
	inflate();
	while ((p = kmem_cache_alloc(c, GFP_LOW_ALL))) {
		*p = chain;
		chain = p;
		n++;
	}
	while (chain) {
		void *next = *(void **)chain;

		kmem_cache_free(c, chain);
		chain = next;
		freed++;
	}
	deflate();
	kmem_cache_destroy(c);
	CHECK(n > 0);
	CHECK_EQ(n, freed);
}

/* ---- vmalloc ------------------------------------------------------------------------------ */

static unsigned long fill_areas(void **chain, unsigned long bytes)
{
	unsigned long n = 0;
	void **p;

	while ((p = __vmalloc(bytes, GFP_HIGHUSER | __GFP_NOWARN))) {
		*p = *chain;
		*chain = p;
		n++;
	}
	return n;
}

SELFTEST(F1, vmalloc_to_exhaustion)
{
	unsigned long n = 0, freed = 0, misused = misuse_count(NR_MISUSE), bytes;
	struct vmalloc_totals full;
	void *chain = NULL;

	for (bytes = 16ul << 20; bytes >= PAGE_SIZE; bytes /= 4)
		n += fill_areas(&chain, bytes);
	vmalloc_get_totals(&full);
	while (chain) {
		void *next = *(void **)chain;

		vfree(chain);
		chain = next;
		freed++;
	}
	CHECK(n > 0);
	CHECK_EQ(n, freed);
	CHECK(full.areas >= n);
	CHECK_EQ(misuse_count(NR_MISUSE), misused);
}

/* The window, not the frames, runs out: many mappings of one frame. */
SELFTEST(F1, the_window_to_exhaustion)
{
	struct page *page = alloc_page(GFP_HIGHUSER), **pages;
	unsigned long n = 0, freed = 0, count = 2048, i;
	struct vmalloc_totals full;
	static void *area[512];

	CHECK(page);
	pages = kmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	CHECK(pages);
	for (i = 0; i < count; i++)
		pages[i] = page;
	misuse_quiet(true);
	while (n < ARRAY_SIZE(area) && (area[n] = vmap(pages, (unsigned)count, VM_MAP, PAGE_KERNEL)))
		n++;
	misuse_quiet(false);
	vmalloc_get_totals(&full);
	while (freed < n)
		vunmap(area[freed++]);
	kfree(pages);
	__free_page(page);
	CHECK(n > 0);
	CHECK(n == ARRAY_SIZE(area) || full.largest_free < (count + 1) * PAGE_SIZE || st_free_low() < 4096);
}

/* ---- nothing left at all ------------------------------------------------------------------ */

SELFTEST(C3, nowarn_is_quiet_and_null_at_every_level)
{
	struct kmem_cache *c = kmem_cache_create("selftest_none", 3000, 0, 0, NULL);
	unsigned long misused = misuse_count(NR_MISUSE), some = 0;
	LIST_HEAD(taken);
	unsigned order;

	CHECK(c);
	st_settle();
	st_take(&taken, GFP_HIGH_ALL, 0, ~0UL);
	for (order = 0; order <= MAX_PAGE_ORDER; order++) {
		some += alloc_pages(GFP_LOW_ALL, order) != NULL;
		some += alloc_pages(GFP_HIGH_ALL, order) != NULL;
		some += __get_free_pages(GFP_LOW_ALL, order) != 0;
		some += alloc_pages(GFP_ATOMIC | __GFP_NOWARN, order) != NULL;
	}
	some += kmem_cache_alloc(c, GFP_LOW_ALL) != NULL;
	some += kmalloc(6000, GFP_LOW_ALL) != NULL;
	some += kmalloc(60000, GFP_LOW_ALL) != NULL;
	some += kvmalloc(1 << 20, GFP_LOW_ALL) != NULL;
	some += __vmalloc(5000, GFP_HIGH_ALL) != NULL;
	st_give(&taken, 0);
	kmem_cache_destroy(c);
	CHECK_EQ(some, 0);
	CHECK_EQ(misuse_count(NR_MISUSE), misused);
}
