/* SPDX-License-Identifier: MIT */
/*
 * mempool.h: a reserve of elements, so that who may wait always gets one.
 *
 * For what must be done in order that memory can be freed: the request that writes a page out, the
 * buffer that it needs.  The pool keeps min_nr elements back.  While memory is there they lie
 * untouched; when there is none, each that comes back goes to the next who wants one.  How, and
 * why nobody waits for ever: mm/pressure/mempool.c.
 *
 * An element is whatever the two functions of the pool make and free.
 */
#ifndef QUARRY_MEMPOOL_H
#define QUARRY_MEMPOOL_H

#include <quarry/list.h>
#include <quarry/slab.h>
#include <quarry/spinlock.h>

/* Make an element, as @gfp allows; NULL: no memory.  Called without a lock. */
typedef void *(mempool_alloc_t)(gfp_t gfp, void *pool_data);
/* Free one.  Called without a lock, in the context of whoever gave it back. */
typedef void (mempool_free_t)(void *element, void *pool_data);

typedef struct mempool_s {
	spinlock_t lock;
	int min_nr;		/* elements to be kept in reserve */
	int curr_nr;		/* elements in reserve now */
	void **elements;	/* they; NULL: no pool, or no more */
	unsigned long out;	/* elements in their users' hands */

	void *pool_data;
	mempool_alloc_t *alloc;
	mempool_free_t *free;
	bool resizing;
	struct list_head link;	/* of all pools */
} mempool_t;

/**
 * mempool_create() - a pool with its reserve
 * @min_nr: how many elements it keeps back; at least 1
 * @alloc_fn, @free_fn: make and free an element
 * @pool_data: what both are given
 *
 * Context: thread, may sleep.  Return: NULL: no memory; or refused with a report.
 * Undo: mempool_destroy().  Cost: @min_nr elements.
 */
mempool_t *mempool_create(int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data);
/** mempool_create_node() - the same, made with @gfp; the pool itself on node @nid (-1: any). */
mempool_t *mempool_create_node(int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data,
			       gfp_t gfp, int nid);
/**
 * mempool_init() - the same, in memory of the caller's own
 * Return: 0; -ENOMEM; -EINVAL: refused with a report.  Undo: mempool_exit().
 */
int mempool_init(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data);
int mempool_init_node(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn,
		      void *pool_data, gfp_t gfp, int nid);

/**
 * mempool_destroy() - free the reserve and the pool; NULL is ignored
 * With elements in their users' hands it is refused with a report, and the pool stays.
 * Context: thread, as the pool's free function allows.
 */
void mempool_destroy(mempool_t *pool);
/** mempool_exit() - the same for mempool_init(); what is all zero is ignored, so is a second time. */
void mempool_exit(mempool_t *pool);

/**
 * mempool_resize() - keep @new_min_nr elements from now on; at least 1
 *
 * The pool may be in use, but not resized by another at the same time.  Context: thread, may
 * sleep.  Return: 0; -ENOMEM: the pool is as it was; -EINVAL, -EBUSY: refused with a report.
 * Cost: the elements more or fewer, and a copy of the array.
 */
int mempool_resize(mempool_t *pool, int new_min_nr);

/**
 * mempool_alloc() - an element
 * @gfp: __GFP_WAIT: never NULL; __GFP_ZERO is refused: elements come back as they were left
 *
 * First from the allocator without its reserves, then from the pool's, then (__GFP_WAIT) with reclaim, at
 * last whichever comes back.  So nobody may wait here who holds elements that others wait for: one
 * thread that wants two takes them from two pools.
 * Context: any; with __GFP_WAIT only where the caller may sleep, else refused.  Takes pool->lock.
 * Return: NULL: without __GFP_WAIT, none is left; or refused with a report; or a port that
 * cannot sleep (reported unless __GFP_NOWARN).  Undo: mempool_free().  Cost: twice the allocator's, O(1).
 */
void *mempool_alloc(mempool_t *pool, gfp_t gfp);
/** mempool_alloc_preallocated() - one of the reserve; NULL: it is empty.  Any context.  O(1). */
void *mempool_alloc_preallocated(mempool_t *pool);

/**
 * mempool_free() - give an element back; NULL is ignored
 *
 * To the reserve, if it is not full, and to whoever waits; else to the allocator.  Refused with a
 * report: one that lies in the reserve already; more than were taken; and by a pool of objects,
 * of kmalloc or of pages: what none of its elements can be.
 * Context: any, if the pool's free function may be called there.  Takes pool->lock.  Cost: O(min_nr).
 */
void mempool_free(void *element, mempool_t *pool);

/** mempool_initialized() - has it been made, and not ended? */
static inline bool mempool_initialized(const mempool_t *pool) { return pool->elements != NULL; }
/** mempool_is_saturated() - is the reserve full?  A glance, without the lock. */
static inline bool mempool_is_saturated(const mempool_t *pool)
{
	return READ_ONCE(pool->curr_nr) >= READ_ONCE(pool->min_nr);
}

/* ---- pools of what there is ----------------------------------------------------- */

/* Objects of a cache: pool_data is the struct kmem_cache. */
void *mempool_alloc_slab(gfp_t gfp, void *pool_data);
void mempool_free_slab(void *element, void *pool_data);
static inline mempool_t *mempool_create_slab_pool(int min_nr, struct kmem_cache *s)
{
	return mempool_create(min_nr, mempool_alloc_slab, mempool_free_slab, s);
}
static inline int mempool_init_slab_pool(mempool_t *pool, int min_nr, struct kmem_cache *s)
{
	return mempool_init(pool, min_nr, mempool_alloc_slab, mempool_free_slab, s);
}

/* kmalloc(): pool_data is the size. */
void *mempool_kmalloc(gfp_t gfp, void *pool_data);
void mempool_kfree(void *element, void *pool_data);
static inline mempool_t *mempool_create_kmalloc_pool(int min_nr, size_t size)
{
	return mempool_create(min_nr, mempool_kmalloc, mempool_kfree, (void *)size);
}
static inline int mempool_init_kmalloc_pool(mempool_t *pool, int min_nr, size_t size)
{
	return mempool_init(pool, min_nr, mempool_kmalloc, mempool_kfree, (void *)size);
}

/* kvmalloc(): pool_data is the size (stage 2: mm/virt/vmalloc.c). */
void *mempool_kvmalloc(gfp_t gfp, void *pool_data);
void mempool_kvfree(void *element, void *pool_data);
static inline mempool_t *mempool_create_kvmalloc_pool(int min_nr, size_t size)
{
	return mempool_create(min_nr, mempool_kvmalloc, mempool_kvfree, (void *)size);
}
static inline int mempool_init_kvmalloc_pool(mempool_t *pool, int min_nr, size_t size)
{
	return mempool_init(pool, min_nr, mempool_kvmalloc, mempool_kvfree, (void *)size);
}

/* Blocks of pages, each element a struct page: pool_data is the order. */
void *mempool_alloc_pages(gfp_t gfp, void *pool_data);
void mempool_free_pages(void *element, void *pool_data);
static inline mempool_t *mempool_create_page_pool(int min_nr, int order)
{
	return mempool_create(min_nr, mempool_alloc_pages, mempool_free_pages, (void *)(long)order);
}
static inline int mempool_init_page_pool(mempool_t *pool, int min_nr, int order)
{
	return mempool_init(pool, min_nr, mempool_alloc_pages, mempool_free_pages, (void *)(long)order);
}

/** mempool_check() - test the numbered invariants of @pool; NULL: of all.  Return: the number broken, or 0. */
int mempool_check(mempool_t *pool);

#endif
