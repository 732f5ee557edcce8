/* SPDX-License-Identifier: MIT */
/*
 * slab.h: objects of one size, and kmalloc.
 *
 * A cache (struct kmem_cache) cuts slabs (blocks of pages) into objects of one
 * size.  kmalloc(size) is the smallest of a row of such caches that fits.
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

/**
 * kmem_cache_alloc() - an object
 * Context: any if @gfp says so.  Return: the object, or NULL (reported unless
 * __GFP_NOWARN).  Cost: O(1) from the CPU's own array; else a slab's bitmap, or
 * a new slab.  Undo: kmem_cache_free().
 */
void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp);
void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp);
void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node);

/**
 * kmem_cache_free() - give an object back; NULL is ignored
 * Refused with a report: an object of another cache, a pointer into the middle,
 * an object that is free already, a pointer outside any slab.  Context: any.
 */
void kmem_cache_free(struct kmem_cache *s, void *obj);

/** kmem_cache_shrink() - give all empty slabs back to the page allocator.  Return: 0 if no empty slab is left. */
int kmem_cache_shrink(struct kmem_cache *s);
/** kmem_cache_size() - the size that was asked for. */
unsigned kmem_cache_size(const struct kmem_cache *s);
const char *kmem_cache_name(const struct kmem_cache *s);

/* ---- kmalloc ---------------------------------------------------------------- */

/**
 * kmalloc() - physically contiguous memory of any size up to KMALLOC_MAX_SIZE
 * @size: bytes; 0 gives ZERO_SIZE_PTR
 * @gfp: __GFP_HIGHMEM is refused (row B6); __GFP_DMA takes from dma-kmalloc-*
 *
 * Aligned to ARCH_KMALLOC_MINALIGN, and to its size when that is a power of two.
 * Return: the memory, or NULL (reported unless __GFP_NOWARN; too large or called
 * before the slab layer is up: reported always).  Undo: kfree().
 */
void *kmalloc(size_t size, gfp_t gfp);
void *kmalloc_node(size_t size, gfp_t gfp, int node);
/** kzalloc() - cleared. */
void *kzalloc(size_t size, gfp_t gfp);
/** kmalloc_array(), kcalloc() - n * size bytes; NULL when the product overflows (reported). */
void *kmalloc_array(size_t n, size_t size, gfp_t gfp);
void *kcalloc(size_t n, size_t size, gfp_t gfp);
/** krealloc() - in place when it fits; else moved.  NULL leaves @p as it was; size 0 frees and gives ZERO_SIZE_PTR. */
void *krealloc(const void *p, size_t size, gfp_t gfp);
/**
 * kfree() - give back what kmalloc and its kin gave; NULL and ZERO_SIZE_PTR are ignored
 * Refused with a report: the middle of an object, twice, a stack or foreign
 * address, a vmalloc address (that is vfree's).  Context: any.  O(1).
 */
void kfree(const void *p);
/** ksize() - bytes that may really be used at @p; 0 for NULL and ZERO_SIZE_PTR. */
size_t ksize(const void *p);

/* ---- the layer itself ------------------------------------------------------- */

/** kmem_cache_init() - bootstrap: the cache of caches, then the kmalloc row.  Once, by mm_init(). */
void kmem_cache_init(void);
bool slab_is_available(void);

/** slab_for_each() - call @fn for each cache, in order of creation; stops when it returns false. */
void slab_for_each(bool (*fn)(struct kmem_cache *s, void *arg), void *arg);
/** slab_get_info() - a snapshot of one cache. */
void slab_get_info(struct kmem_cache *s, struct slabinfo *info);
/** slab_drain() - every CPU's own objects of @s go back to their slabs; NULL: of all caches. */
void slab_drain(struct kmem_cache *s);
/** slab_check() - test the numbered invariants of slab.c and cache.c on @s (NULL: all).  Return: the number broken, or 0. */
int slab_check(struct kmem_cache *s);
/** slab_describe() - one line on what @p is to the slab layer ("object 3 of kmalloc-64, in use").  For reports and the shell. */
char *slab_describe(char *buf, size_t len, const void *p);

#endif
