/* SPDX-License-Identifier: MIT */
/*
 * slab.h: objects of one size, and kmalloc.
 *
 * A cache (struct kmem_cache) cuts slabs (blocks of pages) into objects of one
 * size.  kmalloc(size) is the smallest of a row of such caches that fits.
 *
 *	kmalloc -> __do_kmalloc -> __cache_alloc	a CPU's own magazine
 *		-> cache_alloc_refill			a partial slab, then a free one
 *		-> cache_grow -> kmem_getpages		then new ones, from the page allocator
 */
#ifndef QUARRY_SLAB_H
#define QUARRY_SLAB_H

#include <quarry/page.h>

typedef unsigned int slab_flags_t;

#define SLAB_HWCACHE_ALIGN 0x01u	/* objects start on cache lines */
#define SLAB_CACHE_DMA 0x02u		/* slabs from ZONE_DMA */
#define SLAB_PANIC 0x04u		/* port_panic when the cache cannot be made */
#define SLAB_RECLAIM_ACCOUNT 0x08u	/* objects that a shrinker can free */
#define SLAB_NO_MERGE 0x10u		/* carried: caches are never merged here */
#define SLAB_TYPESAFE_BY_RCU 0x20u	/* a slab's memory is not reused while a reader may look */

/* What kmalloc(0) returns: not NULL, not to be used, fine to free. */
#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(p) ((unsigned long)(p) <= (unsigned long)ZERO_SIZE_PTR)

#define ARCH_KMALLOC_MINALIGN __alignof__(unsigned long long)
#define KMALLOC_MAX_CACHE_SIZE (PAGE_SIZE << 1)	/* largest size class; beyond: whole pages */
#define KMALLOC_MAX_SIZE (PAGE_SIZE << MAX_PAGE_ORDER)

struct kmem_cache;

/* Every cache, in order of creation; "kmem_cache", the cache of caches, is first (row D1). */
extern struct list_head slab_caches;

/* What a cache is and holds at the moment: for slabinfo and tests. */
struct slabinfo {
	const char *name;
	unsigned long active_objs;	/* in their users' hands */
	unsigned long num_objs;		/* in all slabs */
	unsigned objsize;		/* as it is laid out, padding included */
	unsigned objects_per_slab;
	unsigned pages_per_slab;
	unsigned long active_slabs;	/* with at least one object handed out */
	unsigned long num_slabs;
	unsigned limit, batchcount;	/* objects a CPU's own array holds, and moves at once */
	unsigned long slabs_full, slabs_partial, slabs_free;
};

/**
 * kmem_cache_create() - a cache of objects of one size
 * @name: kept by pointer; shown in slabinfo.  Not NULL, no blanks, not in use by another cache
 * @size: of an object: 1 ... KMALLOC_MAX_SIZE / 2 bytes
 * @align: 0 for the natural alignment, else a power of two <= PAGE_SIZE
 * @flags: SLAB_*
 * @ctor: NULL, or called once for each object when its slab is made; the object
 *	comes back from each free as the user left it
 *
 * Context: thread.  Return: the cache, or NULL (no memory; or bad arguments,
 * reported).  Undo: kmem_cache_destroy().
 */
struct kmem_cache *kmem_cache_create(const char *name, unsigned size, unsigned align,
				     slab_flags_t flags, void (*ctor)(void *));

/**
 * kmem_cache_destroy() - give a cache and its slabs back; NULL is ignored
 *
 * When objects are still in use the cache stays, and the report names one of
 * them.  Context: thread.
 */
void kmem_cache_destroy(struct kmem_cache *s);

/* Masks that need no second look: no zone, no contradiction possible, nothing to clear. */
#define KMALLOC_GFP_PLAIN (__GFP_WAIT | __GFP_IO | __GFP_FS | __GFP_HIGH | __GFP_NOWARN | __GFP_NORETRY | \
			   __GFP_KSWAPD_RECLAIM | __GFP_NOMEMALLOC | __GFP_HARDWALL | __GFP_ACCOUNT |	\
			   __GFP_RECLAIMABLE)

/* What kmem_cache_alloc() calls: the mask is known to be plain, or not. */
void *__kmem_cache_alloc_plain(struct kmem_cache *s, gfp_t gfp);
void *__kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp);

/**
 * kmem_cache_alloc() - an object
 * @gfp: __GFP_HIGHMEM and __GFP_DMA32 are refused (an object has an address), so
 *	is __GFP_DMA unless the cache was made with SLAB_CACHE_DMA, and __GFP_ZERO
 *	where the cache has a constructor
 *
 * Context: any; with __GFP_WAIT only where the caller may sleep, else refused.
 * Return: the object, or NULL (no memory: reported unless __GFP_NOWARN; refused:
 * reported always).  Cost: O(1) from the CPU's own magazine; else the states in
 * the slabs that refill it are searched (at most 30 slabs, one for each object it
 * holds), or a new slab is made.  Undo: kmem_cache_free().
 */
static __always_inline void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	return __builtin_constant_p(gfp) && !(gfp & ~KMALLOC_GFP_PLAIN) ? __kmem_cache_alloc_plain(s, gfp) :
									  __kmem_cache_alloc(s, gfp);
}
/** kmem_cache_alloc_node() - the same, from node @node; -1 for any.  With several nodes, past the CPU's magazine. */
void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node);
/** kmem_cache_zalloc() - cleared. */
static __always_inline void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp)
{
	return kmem_cache_alloc(s, gfp | __GFP_ZERO);
}

/**
 * kmem_cache_free() - give an object back; NULL is ignored
 * Refused with a report: an object of another cache, a pointer into the middle,
 * an object that is free already, a pointer outside any slab; no cache, or one that
 * was destroyed.  Context: any.
 */
void kmem_cache_free(struct kmem_cache *s, void *obj);

/**
 * kmem_cache_alloc_bulk() - @nr objects at once, into @p
 *
 * All or none.  Cheaper for each than one call: they come from the CPU's magazines and
 * the depot with one claim.  Context, refusals: as kmem_cache_alloc().  Return: @nr, or 0.
 * Undo: kmem_cache_free_bulk(), or each by itself.  Cost: O(@nr).
 */
int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t nr, void **p);
/**
 * kmem_cache_free_bulk() - give @nr objects back; @s NULL: each by kfree()
 * Cheapest in the order in which bulk calls gave them.  Each that kmem_cache_free() would
 * refuse is refused, the others are freed.  Context: any.  Cost: O(@nr).
 */
void kmem_cache_free_bulk(struct kmem_cache *s, size_t nr, void **p);
/** kfree_bulk() - kfree() of each. */
static __always_inline void kfree_bulk(size_t nr, void **p)
{
	kmem_cache_free_bulk(NULL, nr, p);
}

/** kmem_cache_shrink() - give all empty slabs back to the page allocator.  Return: 0 if no empty slab is left; -EINVAL: @s is no cache. */
int kmem_cache_shrink(struct kmem_cache *s);
/** kmem_cache_size() - the size that was asked for; 0 for what is no cache. */
unsigned kmem_cache_size(const struct kmem_cache *s);
const char *kmem_cache_name(const struct kmem_cache *s);

/* ---- kmalloc ---------------------------------------------------------------- */

/* The row of size classes: kmalloc-8 ... kmalloc-8k, and dma-kmalloc-* beside them (row D4). */
enum kmalloc_kind { KMALLOC_NORMAL, KMALLOC_DMA, NR_KMALLOC_KINDS };
#define NR_KMALLOC_CLASSES 13
extern struct kmem_cache *kmalloc_caches[NR_KMALLOC_KINDS][NR_KMALLOC_CLASSES];

/** kmalloc_index() - the class that serves @size, 1 ... KMALLOC_MAX_CACHE_SIZE; folds away when it is constant. */
static __always_inline unsigned kmalloc_index(size_t size)
{
	return size <= 8 ? 0 : size <= 16 ? 1 : size <= 32 ? 2 : size <= 64 ? 3 : size <= 96 ? 4 :
	       size <= 128 ? 5 : size <= 192 ? 6 : size <= 256 ? 7 : size <= 512 ? 8 :
	       size <= 1024 ? 9 : size <= 2048 ? 10 : size <= 4096 ? 11 : 12;
}

/** __kmalloc_class() - from the size class @s, with a plain mask: the compiler has looked at both. */
void *__kmalloc_class(struct kmem_cache *s, gfp_t gfp);
/** __kmalloc() - kmalloc of a size that only the running program knows. */
void *__kmalloc(size_t size, gfp_t gfp);
/** __kmalloc_plain() - the same with a mask that is known to be plain. */
void *__kmalloc_plain(size_t size, gfp_t gfp);
/** __kmalloc_caller() - the same, for @caller, whom reports name. */
void *__kmalloc_caller(size_t size, gfp_t gfp, unsigned long caller);

/**
 * kmalloc() - physically contiguous memory of any size up to KMALLOC_MAX_SIZE
 * @size: bytes; 0 gives ZERO_SIZE_PTR
 * @gfp: __GFP_HIGHMEM is refused (row B6); __GFP_DMA takes from dma-kmalloc-*
 *
 * Aligned to ARCH_KMALLOC_MINALIGN, and to its size when that is a power of two
 * (beyond PAGE_SIZE in physical memory, and so in the direct map too).  A constant
 * size picks its cache at compile time.
 * Context: any; with __GFP_WAIT only where the caller may sleep, else refused.
 * Return: the memory, or NULL (reported unless __GFP_NOWARN; too large or called
 * before the slab layer is up: reported always).  Undo: kfree().
 * Cost: as kmem_cache_alloc(); beyond KMALLOC_MAX_CACHE_SIZE as alloc_pages().
 */
static __always_inline void *kmalloc(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && size && size <= KMALLOC_MAX_CACHE_SIZE && __builtin_constant_p(gfp) &&
	    !(gfp & ~KMALLOC_GFP_PLAIN))
		return __kmalloc_class(kmalloc_caches[KMALLOC_NORMAL][kmalloc_index(size)], gfp);
	if (__builtin_constant_p(size) && size && size <= KMALLOC_MAX_CACHE_SIZE)
		return kmem_cache_alloc(kmalloc_caches[gfp & __GFP_DMA ? KMALLOC_DMA : KMALLOC_NORMAL]
						      [kmalloc_index(size)], gfp);
	if (__builtin_constant_p(gfp) && !(gfp & ~KMALLOC_GFP_PLAIN))
		return __kmalloc_plain(size, gfp);
	return __kmalloc(size, gfp);
}

/** kmalloc_node() - the same, from node @node; -1 for any. */
void *kmalloc_node(size_t size, gfp_t gfp, int node);

/** kzalloc() - cleared. */
static __always_inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

/* Reports an array whose size overflows.  Return: NULL. */
void *kmalloc_array_overflow(size_t n, size_t size);

/** kmalloc_array(), kcalloc() - n * size bytes; NULL when the product overflows (reported). */
static __always_inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return kmalloc_array_overflow(n, size);
	return kmalloc(bytes, gfp);
}

static __always_inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

/**
 * krealloc() - in place when it fits; else moved
 * With __GFP_ZERO the bytes beyond the old ksize() are cleared.  Return: the
 * memory; NULL leaves @p as it was; size 0 frees and gives ZERO_SIZE_PTR.
 */
void *krealloc(const void *p, size_t size, gfp_t gfp);
/**
 * kfree() - give back what kmalloc and its kin gave; NULL and ZERO_SIZE_PTR are ignored
 * Refused with a report: the middle of an object, twice, a stack or foreign
 * address, a vmalloc address (that is vfree's).  Context: any.  O(1).
 */
void kfree(const void *p);
/** ksize() - bytes that may really be used at @p; 0 for NULL and ZERO_SIZE_PTR. */
size_t ksize(const void *p);

/**
 * slab_in_use() - is @p the first byte of an object in use of @s?  NULL: of anything that kfree() takes
 * Context: any.  O(1).
 */
bool slab_in_use(const struct kmem_cache *s, const void *p);
/** slab_expect() - the same; if it is not, that is reported as misuse by @call. */
bool slab_expect(const char *call, const struct kmem_cache *s, const void *p, unsigned long caller);

/* ---- the layer itself ------------------------------------------------------- */

/** kmem_cache_init() - bootstrap: the cache of caches, then the kmalloc row.  Once, by mm_init(). */
void kmem_cache_init(void);
bool slab_is_available(void);

/**
 * slab_for_each() - call @fn for each cache, in order of creation; stops when it returns false
 * @fn may allocate, free and shrink; it must not destroy a cache.  Another thread that
 * destroys the one that @fn looks at waits until @fn returns.  O(caches^2).
 */
void slab_for_each(bool (*fn)(struct kmem_cache *s, void *arg), void *arg);
/** slab_get_info() - a snapshot of one cache. */
void slab_get_info(struct kmem_cache *s, struct slabinfo *info);
/**
 * slab_drain() - nothing is kept in reserve any more; NULL: in all caches
 *
 * Every CPU's own objects of @s go back to their slabs, the magazines to their
 * cache, the empty slabs to the page allocator: afterwards the counts are exact.
 * Context: any; other CPUs' own only from a thread with interrupts on, which asks them.
 * Return: pages given back.
 */
unsigned long slab_drain(struct kmem_cache *s);
/**
 * slab_drain_local() - this CPU's own objects go back: it is going away
 * The caller stays on it.  Context: any.
 */
void slab_drain_local(void);
/**
 * slab_check() - test the numbered invariants on @s (NULL: on all)
 * Return: the number broken: S.n as n, M.n as 10 + n, C.n as 20 + n; 0 when all hold.
 */
int slab_check(struct kmem_cache *s);
/** slab_describe() - one line on what @p is to the slab layer ("object 3 of kmalloc-64, in use").  For reports and the shell. */
char *slab_describe(char *buf, size_t len, const void *p);

#endif
