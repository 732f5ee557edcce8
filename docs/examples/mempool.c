/* SPDX-License-Identifier: MIT */
/*
 * Example: mempools, for what must go on when there is no memory; and making an allocation
 * fail, to see that the code behind copes.
 */
#include <linux/mempool.h>
#include <quarry/inject.h>
#include <tests/selftest/selftest.h>

struct request {
	struct request *next;
	unsigned long sector;
};

/* To write a page out takes a request.  Four can always be under way, however short memory is. */
SELFTEST(example, mempool_of_objects)
{
	struct kmem_cache *cache = kmem_cache_create("request", sizeof(struct request), 0, 0, NULL);
	mempool_t *requests;
	struct request *r;

	CHECK(cache);
	requests = mempool_create_slab_pool(4, cache);
	CHECK(requests);
	r = mempool_alloc(requests, GFP_NOIO);	/* may wait: never NULL */
	CHECK(r);
	r->sector = 7;
	mempool_free(r, requests);		/* where it is done, in its interrupt, say */
	CHECK_EQ(mempool_resize(requests, 8), 0);
	mempool_destroy(requests);
	kmem_cache_destroy(cache);
}

/* Who may not wait takes what there is. */
SELFTEST(example, mempool_of_pages)
{
	mempool_t *pool = mempool_create_page_pool(2, 0);
	struct page *reserved, *page;

	CHECK(pool);
	reserved = mempool_alloc_preallocated(pool);
	CHECK(reserved);			/* one of the two; NULL when none is left */
	page = mempool_alloc(pool, GFP_ATOMIC);
	CHECK(page);
	mempool_free(page, pool);
	mempool_free(reserved, pool);
	mempool_destroy(pool);
}

/* A pool of anything, inside a structure of your own. */
static void *make_number(gfp_t gfp, void *data)
{
	unsigned *n = kmalloc(sizeof(*n), gfp);

	if (n)
		*n = *(unsigned *)data;
	return n;
}

static void free_number(void *element, void *data)
{
	(void)data;
	kfree(element);
}

SELFTEST(example, mempool_of_anything)
{
	struct { mempool_t pool; unsigned first; } device = { .first = 42 };
	unsigned *n;

	CHECK_EQ(mempool_init(&device.pool, 1, make_number, free_number, &device.first), 0);
	n = mempool_alloc(&device.pool, GFP_KERNEL);
	CHECK(n);
	CHECK_EQ(*n, 42);
	mempool_free(n, &device.pool);
	mempool_exit(&device.pool);
}

/* Two buffers or none: does the error path give the first one back? */
static bool two_buffers(void **a, void **b)
{
	*a = kmalloc(100, GFP_KERNEL);
	*b = *a ? kmalloc(200, GFP_KERNEL) : NULL;
	if (!*b)
		kfree(*a);
	return *b != NULL;
}

SELFTEST(example, fail_nth)
{
	unsigned n = 0, left;
	void *a, *b;

	do {
		fail_nth_set(++n);		/* the first, the second ... allocation fails */
		if (two_buffers(&a, &b)) {
			kfree(a);
			kfree(b);
		}
		left = fail_nth_set(0);
	} while (!left);			/* until it asks for less than n */
	CHECK(n > 2);				/* the runner looks for what was lost */
}
