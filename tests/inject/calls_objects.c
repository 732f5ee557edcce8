/* SPDX-License-Identifier: MIT */
/*
 * calls_objects.c: pages, objects, kmalloc, mempools.
 */
#include <quarry/mempool.h>
#include <quarry/string.h>

#include "inject.h"

#define QUIET (GFP_KERNEL | __GFP_NOWARN)

/* ---- pages --------------------------------------------------------------------------- */

static struct page *page;
static unsigned long addr;
static struct page *pages[40];
static LIST_HEAD(list);

static bool take_page(void) { return (page = alloc_pages(QUIET, 0)) != NULL; }
static void give_page(void) { __free_pages(page, 0); }
static bool take_high(void) { return (page = alloc_pages(GFP_HIGHUSER | __GFP_ZERO, 0)) != NULL; }
static bool take_block(void) { return (page = alloc_pages(QUIET, 3)) != NULL; }
static void give_block(void) { __free_pages(page, 3); }
static bool take_compound(void) { return (page = alloc_pages(GFP_ATOMIC | __GFP_COMP, 3)) != NULL; }
static bool take_page_of_node(void) { return (page = alloc_pages_node(0, QUIET, 0)) != NULL; }
static bool take_addr(void) { return (addr = __get_free_pages(QUIET, 1)) != 0; }
static void give_addr(void) { free_pages(addr, 1); }
static bool take_zeroed(void) { return (addr = get_zeroed_page(QUIET)) != 0; }
static void give_zeroed(void) { free_page(addr); }

static bool take_array(void)
{
	memset(pages, 0, sizeof(pages));
	return alloc_pages_bulk(QUIET, ARRAY_SIZE(pages), pages) != 0;
}

static void give_array(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		if (pages[i])
			__free_page(pages[i]);
}

static bool take_list(void) { return alloc_pages_bulk_list(QUIET, 40, &list) != 0; }
static void give_list(void) { put_pages_list(&list); }

SELFTEST(inject, pages)
{
	static const struct inject_call calls[] = {
		{ "alloc_pages", take_page, give_page, 1 },
		{ "alloc_pages, high, cleared", take_high, give_page, 1 },
		{ "alloc_pages, order 3", take_block, give_block, 1 },
		{ "alloc_pages, compound", take_compound, give_block, 1 },
		{ "alloc_pages_node", take_page_of_node, give_page, 1 },
		{ "__get_free_pages", take_addr, give_addr, 1 },
		{ "get_zeroed_page", take_zeroed, give_zeroed, 1 },
		{ "alloc_pages_bulk", take_array, give_array, 1 },
		{ "alloc_pages_bulk_list", take_list, give_list, 1 },
	};

	inject_each(calls, ARRAY_SIZE(calls));
}

/* ---- objects ---------------------------------------------------------------------------- */

static struct kmem_cache *cache;
static void *obj;
static void *objs[100];

static void construct(void *p) { memset(p, 7, 100); }
static bool make_cache(void) { return (cache = kmem_cache_create("injected", 100, 0, 0, construct)) != NULL; }
static void end_cache(void) { kmem_cache_destroy(cache); }

/* An object of a new cache: neither it nor this CPU has anything yet. */
static bool make_object(void)
{
	if (!make_cache())
		return false;
	obj = kmem_cache_alloc(cache, QUIET);
	if (!obj)
		end_cache();
	return obj != NULL;
}

static void end_object(void)
{
	kmem_cache_free(cache, obj);
	end_cache();
}

static bool make_object_of_node(void)
{
	if (!make_cache())
		return false;
	obj = kmem_cache_alloc_node(cache, QUIET, 0);
	if (!obj)
		end_cache();
	return obj != NULL;
}

static bool make_bulk(void)
{
	if (!make_cache())
		return false;
	if (kmem_cache_alloc_bulk(cache, QUIET, ARRAY_SIZE(objs), objs))
		return true;
	end_cache();
	return false;
}

static void end_bulk(void)
{
	kmem_cache_free_bulk(cache, ARRAY_SIZE(objs), objs);
	end_cache();
}

SELFTEST(inject, objects)
{
	static const struct inject_call calls[] = {
		{ "kmem_cache_create", make_cache, end_cache, 1 },
		{ "kmem_cache_alloc", make_object, end_object, 3 },
		{ "kmem_cache_alloc_node", make_object_of_node, end_object, 2 },
		{ "kmem_cache_alloc_bulk", make_bulk, end_bulk, 3 },
	};

	inject_each(calls, ARRAY_SIZE(calls));
}

/* ---- kmalloc ------------------------------------------------------------------------------ */

static bool take_small(void) { return (obj = kmalloc(64, QUIET)) != NULL; }
static bool take_atomic(void) { return (obj = kmalloc(64, GFP_ATOMIC | __GFP_NOWARN)) != NULL; }
static bool take_cleared(void) { return (obj = kcalloc(10, 300, QUIET)) != NULL; }
static bool take_large(void) { return (obj = kmalloc(100000, QUIET)) != NULL; }
static bool take_dma(void) { return (obj = kmalloc(64, QUIET | GFP_DMA)) != NULL; }
static bool take_of_node(void) { return (obj = kmalloc_node(64, QUIET, 0)) != NULL; }
static bool take_nothing_but(void) { return (obj = kmalloc(64, GFP_KERNEL | __GFP_NOFAIL)) != NULL; }
static void give_obj(void) { kfree(obj); }

/* If it cannot grow, it is as it was. */
static bool grow_obj(void)
{
	char *small = kmalloc(60, QUIET);

	if (!small)
		return false;
	memset(small, 'q', 60);
	obj = krealloc(small, 5000, QUIET);
	if (obj)
		return ((char *)obj)[59] == 'q';
	if (small[0] != 'q' || small[59] != 'q')
		selftest_fail(__FILE__, __LINE__, "krealloc changed what it could not move");
	kfree(small);
	return false;
}

SELFTEST(inject, kmalloc)
{
	static const struct inject_call calls[] = {
		{ "kmalloc", take_small, give_obj, 2 },
		{ "kmalloc, atomic", take_atomic, give_obj, 2 },
		{ "kcalloc", take_cleared, give_obj, 2 },
		{ "kmalloc of pages", take_large, give_obj, 1 },
		{ "kmalloc, GFP_DMA", take_dma, give_obj, 2 },
		{ "kmalloc_node", take_of_node, give_obj, 2 },
		{ "kmalloc, __GFP_NOFAIL", take_nothing_but, give_obj, 0 },
		{ "krealloc", grow_obj, give_obj, 4 },
	};

	inject_each(calls, ARRAY_SIZE(calls));
}

/* ---- mempools -------------------------------------------------------------------------------- */

static mempool_t *pool;

static bool make_kmalloc_pool(void) { return (pool = mempool_create_kmalloc_pool(3, 3000)) != NULL; }
static bool make_page_pool(void) { return (pool = mempool_create_page_pool(3, 1)) != NULL; }
static void end_pool(void) { mempool_destroy(pool); }

static bool make_slab_pool(void)
{
	if (!make_cache())
		return false;
	pool = mempool_create_slab_pool(3, cache);
	if (!pool)
		end_cache();
	return pool != NULL;
}

static void end_slab_pool(void)
{
	end_pool();
	end_cache();
}

static bool grow_pool(void)
{
	if (!make_kmalloc_pool())
		return false;
	if (!mempool_resize(pool, 7))
		return true;
	end_pool();
	return false;
}

static bool take_of_pool(void) { return (obj = mempool_alloc(pool, GFP_KERNEL)) != NULL; }
static void give_to_pool(void) { mempool_free(obj, pool); }

SELFTEST(inject, mempools)
{
	static const struct inject_call making[] = {
		{ "mempool_create_kmalloc_pool", make_kmalloc_pool, end_pool, 5 },
		{ "mempool_create_page_pool", make_page_pool, end_pool, 5 },
		{ "mempool_create_slab_pool", make_slab_pool, end_slab_pool, 6 },
		{ "mempool_resize", grow_pool, end_pool, 8 },
	};

	inject_each(making, ARRAY_SIZE(making));
}

/* It may wait, so it has one whatever fails. */
SELFTEST(inject, mempool_alloc_never_fails)
{
	for (unsigned n = 1, left = 0; !left; n++) {
		pool = mempool_create_page_pool(1, 0);
		CHECK(pool);
		fail_nth_set(n);
		if (!take_of_pool())
			selftest_fail(__FILE__, __LINE__, "allocation %u failed, and mempool_alloc gave NULL", n);
		left = fail_nth_set(0);
		CHECK_EQ(mempool_check(pool), 0);
		give_to_pool();
		CHECK(mempool_is_saturated(pool));
		end_pool();
	}
}
