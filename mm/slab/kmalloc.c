/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c: memory of any size, physically contiguous (row D4).
 *
 * The idea: a row of caches, and each request goes to the first that is large
 * enough.  A second row beside it has its slabs in ZONE_DMA.
 *
 *	8  16  32  64  96  128  192  256  512  1k  2k  4k  8k | whole blocks of pages ... 4 MiB
 *
 *	kmalloc(100, GFP_KERNEL)		-> kmalloc-128
 *	kmalloc(100, GFP_KERNEL | GFP_DMA)	-> dma-kmalloc-128
 *	kmalloc(20000, GFP_KERNEL)		-> 2^3 pages, PG_large_kmalloc on the first
 *
 * 96 and 192 are there because from one power of two to the next a request
 * wastes up to half; with them it is a third up to 192.
 *
 * A constant size has its cache picked by the compiler (kmalloc_index); else a table
 * does up to 1024: 100 - 1 = 99, 99 / 8 = 12, entry 12 is kmalloc-128.
 *
 * kfree() needs no size: the struct page of the pointer names the cache, or has
 * PG_large_kmalloc and the order of a compound page.
 *
 * Invariants
 *
 *  K.1	kmalloc_large_pages is the sum of the large blocks' pages; it is the part
 *	of C.3 that no cache has.
 *  K.2	PG_large_kmalloc is on the first page of a large block, from before its
 *	address is known to anybody until its kfree.
 *
 * Locking: none of its own.  The bit PG_large_kmalloc is taken off atomically,
 * so of two that free a block at once, one is refused.
 *
 * Failure: NULL; krealloc leaves the old memory as it was.
 *
 * Cost: as kmem_cache_alloc; beyond the classes as alloc_pages.
 *
 * Where it differs from Linux: no row of reclaimable objects, no accounting to
 * groups; kmalloc of a constant size calls kmem_cache_alloc itself.
 */
#include "slab_internal.h"

#include <quarry/string.h>

/* Until kmalloc_init() it stands in the row; the struct page of what is no slab leads to it always. */
struct kmem_cache no_cache = {
	.self = &no_cache,
	.name = "kmalloc",
	.floor.state = (u8 *)&no_cache,
	.cpu = { [0 ... NR_CPUS - 1] = { .top = &no_cache.floor + 1, .limit = &no_cache.floor + 1 } },
};
struct kmem_cache *kmalloc_caches[NR_KMALLOC_KINDS][NR_KMALLOC_CLASSES] = {
	[0 ... NR_KMALLOC_KINDS - 1] = { [0 ... NR_KMALLOC_CLASSES - 1] = &no_cache },
};
unsigned long kmalloc_large_pages;

static const struct {
	u16 size;
	const char *name[NR_KMALLOC_KINDS];
} kmalloc_class[NR_KMALLOC_CLASSES] = {
	{ 8, { "kmalloc-8", "dma-kmalloc-8" } },
	{ 16, { "kmalloc-16", "dma-kmalloc-16" } },
	{ 32, { "kmalloc-32", "dma-kmalloc-32" } },
	{ 64, { "kmalloc-64", "dma-kmalloc-64" } },
	{ 96, { "kmalloc-96", "dma-kmalloc-96" } },
	{ 128, { "kmalloc-128", "dma-kmalloc-128" } },
	{ 192, { "kmalloc-192", "dma-kmalloc-192" } },
	{ 256, { "kmalloc-256", "dma-kmalloc-256" } },
	{ 512, { "kmalloc-512", "dma-kmalloc-512" } },
	{ 1024, { "kmalloc-1k", "dma-kmalloc-1k" } },
	{ 2048, { "kmalloc-2k", "dma-kmalloc-2k" } },
	{ 4096, { "kmalloc-4k", "dma-kmalloc-4k" } },
	{ 8192, { "kmalloc-8k", "dma-kmalloc-8k" } },
};
_Static_assert(KMALLOC_MAX_CACHE_SIZE == 8192, "the last class is 8192 bytes");

/*
 * The same row by (size - 1) / 8, for sizes known at run time only: one load finds the
 * cache of the small ones, which most are.
 */
#define SMALL_SIZE 1024
static struct kmem_cache *small_caches[SMALL_SIZE / 8] = { [0 ... SMALL_SIZE / 8 - 1] = &no_cache };

void kmalloc_init(void)
{
	const char *error;
	unsigned kind, i;

	for (kind = 0; kind < NR_KMALLOC_KINDS; kind++)
		for (i = 0; i < NR_KMALLOC_CLASSES; i++) {
			unsigned size = kmalloc_class[i].size;
			unsigned align = size & (size - 1) ? 0 : min(size, (unsigned)PAGE_SIZE);
			slab_flags_t flags = SLAB_KMALLOC | SLAB_PERMANENT |
					     (kind == KMALLOC_DMA ? SLAB_CACHE_DMA : 0);
			struct kmem_cache *s = cache_make(kmalloc_class[i].name[kind], size, align, flags, NULL,
							  &error);

			if (!s)
				mm_panic("kmem_cache_init: no %s: %s", kmalloc_class[i].name[kind],
					 error ? error : "no memory");
			kmalloc_caches[kind][i] = s;
		}
	for (i = 0; i < SMALL_SIZE / 8; i++)
		small_caches[i] = kmalloc_caches[KMALLOC_NORMAL][kmalloc_index(8 * i + 8)];
}

/* ---- whole blocks of pages --------------------------------------------------------- */

static void large_account(struct page *page, long pages)
{
	unsigned long flags = arch_irq_save();	/* both or none, to whoever checks on this CPU */

	zone_stat_add(page_zone(page), NR_SLAB_UNRECLAIMABLE, pages);
	__atomic_fetch_add(&kmalloc_large_pages, (unsigned long)pages, __ATOMIC_RELAXED);
	arch_irq_restore(flags);
}

static void *kmalloc_large(size_t size, gfp_t gfp, int node, unsigned long caller)
{
	unsigned order = get_order(size);
	struct page *page;

	if (slab_mask_refused(NULL, size, gfp, caller))
		return NULL;
	page = alloc_pages_node(node, (gfp & ~GFP_MOVABLE_MASK) | __GFP_COMP, order);
	if (!page)
		return NULL;
	SetPageLargeKmalloc(page);
	large_account(page, 1L << order);
	return page_address(page);
}

/* Return: false if @page is not the first of a large block (any more). */
static bool kfree_large(struct page *page)
{
	unsigned long bit = 1UL << PG_large_kmalloc;
	unsigned order = compound_order(page);

	if (!(__atomic_fetch_and(&page->flags, ~bit, __ATOMIC_RELAXED) & bit))
		return false;
	large_account(page, -(1L << order));
	__free_pages(page, order);
	return true;
}

/* ---- the public calls ---------------------------------------------------------------- */

static void *__do_kmalloc(size_t size, gfp_t gfp, int node, unsigned long caller)
{
	struct kmem_cache *s;

	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE)) {
		if (!size)
			return ZERO_SIZE_PTR;
		if (size <= KMALLOC_MAX_SIZE && slab_is_available())
			return kmalloc_large(size, gfp, node, caller);
		if (size <= KMALLOC_MAX_SIZE)
			slab_refuse_early("kmalloc", caller);
		else
			misuse(MISUSE_SIZE, caller, "kmalloc(%lu): larger than %lu", (unsigned long)size,
			       (unsigned long)KMALLOC_MAX_SIZE);
		return NULL;
	}
	s = kmalloc_caches[gfp & __GFP_DMA ? KMALLOC_DMA : KMALLOC_NORMAL][kmalloc_index(size)];
	return slab_alloc_odd(s, gfp, node, caller);
}

/* More than the small ones, or an odd mask. */
static __noinline void *kmalloc_further(size_t size, gfp_t gfp, unsigned long caller)
{
	if (size - 1 < KMALLOC_MAX_CACHE_SIZE && !(gfp & ~GFP_PLAIN))
		return slab_alloc(kmalloc_caches[KMALLOC_NORMAL][kmalloc_index(size)], gfp, caller);
	return __do_kmalloc(size, gfp, -1, caller);
}

void *__kmalloc_class(struct kmem_cache *s, gfp_t gfp)
{
	return slab_alloc(s, gfp, 0);
}

void *__kmalloc_plain(size_t size, gfp_t gfp)
{
	if (likely(size - 1 < SMALL_SIZE))
		return slab_alloc(small_caches[(size - 1) / 8], gfp, 0);
	return kmalloc_further(size, gfp, _RET_IP_);
}

void *__kmalloc(size_t size, gfp_t gfp)
{
	if (likely(size - 1 < SMALL_SIZE) && likely(!(gfp & ~GFP_PLAIN)))
		return slab_alloc(small_caches[(size - 1) / 8], gfp, 0);
	return kmalloc_further(size, gfp, _RET_IP_);
}

void *__kmalloc_caller(size_t size, gfp_t gfp, unsigned long caller)
{
	return __do_kmalloc(size, gfp, -1, caller);
}

void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	return __do_kmalloc(size, gfp, node, _RET_IP_);
}

__cold_path void *kmalloc_array_overflow(size_t n, size_t size)
{
	misuse(MISUSE_SIZE, _RET_IP_, "kmalloc_array(%lu, %lu): the product overflows", (unsigned long)n,
	       (unsigned long)size);
	return NULL;
}

/* kfree of what is no object in use: a large block, nothing at all, or misuse. */
static __cold_path void kfree_odd(const void *p, unsigned long caller)
{
	struct place pl;

	if (ZERO_OR_NULL_PTR(p))
		return;
	place_find(&pl, p);
	if (pl.kind != PLACE_LARGE || !kfree_large(pl.page))
		place_refuse("kfree", NULL, p, caller);
}

static __noinline void __do_kfree(const void *p, unsigned long caller)
{
	struct page *page = slab_page_of(p);

	if (page && cache_free_slow(page_slab_cache(page), page, (void *)(unsigned long)p))
		return;
	kfree_odd(p, caller);
}

void kfree(const void *p)
{
	unsigned long off = (unsigned long)p - PAGE_OFFSET, word;
	struct page *page;

	if (likely(slab_word_there(off))) {
		page = slab_word_page(off);
		word = load_or_zero(page->slab_word);
		if (likely(magazine_free(word, page, (void *)(unsigned long)p)))
			return;
	}
	__do_kfree(p, _RET_IP_);
}

/* ksize() for @call; 0 when @p is refused. */
static size_t size_of(const char *call, const void *p, unsigned long caller)
{
	struct place pl;

	place_find(&pl, p);
	if (pl.kind == PLACE_OBJECT && pl.state == OBJ_USED)
		return pl.s->size;
	if (pl.kind == PLACE_LARGE)
		return PAGE_SIZE << compound_order(pl.page);
	place_refuse(call, NULL, p, caller);
	return 0;
}

size_t ksize(const void *p)
{
	return ZERO_OR_NULL_PTR(p) ? 0 : size_of("ksize", p, _RET_IP_);
}

/* The rest of krealloc(): move @old bytes to memory of @size. */
static void *realloc_moved(const void *p, size_t old, size_t size, gfp_t gfp, unsigned long caller)
{
	char *q = __do_kmalloc(size, gfp & ~__GFP_ZERO, -1, caller);

	if (!q)
		return NULL;
	memcpy(q, p, old);
	if (gfp & __GFP_ZERO)
		memset(q + old, 0, ksize(q) - old);
	__do_kfree(p, caller);
	return q;
}

void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	size_t old;

	if (!size) {
		__do_kfree(p, _RET_IP_);
		return ZERO_SIZE_PTR;
	}
	if (ZERO_OR_NULL_PTR(p))
		return __do_kmalloc(size, gfp, -1, _RET_IP_);
	old = size_of("krealloc", p, _RET_IP_);
	if (!old)
		return NULL;
	if (size <= old)
		return (void *)(unsigned long)p;
	if (size <= KMALLOC_MAX_SIZE)
		return realloc_moved(p, old, size, gfp, _RET_IP_);
	misuse(MISUSE_SIZE, _RET_IP_, "krealloc(%p, %lu): larger than %lu", p, (unsigned long)size,
	       (unsigned long)KMALLOC_MAX_SIZE);
	return NULL;
}
