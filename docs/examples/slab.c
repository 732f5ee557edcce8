/* SPDX-License-Identifier: MIT */
/*
 * Example: objects of one size (kmem_cache) and of any size (kmalloc).
 */
#include <linux/slab.h>
#include <tests/selftest/selftest.h>

struct packet {
	struct packet *next;
	unsigned length;
	unsigned char data[120];
};

/* Runs once for each object when its slab is made, not at each allocation. */
static void packet_ctor(void *p)
{
	((struct packet *)p)->length = 0;
}

SELFTEST(example, kmem_cache)
{
	struct kmem_cache *cache = kmem_cache_create("packet", sizeof(struct packet), 0, SLAB_HWCACHE_ALIGN,
						     packet_ctor);
	struct packet *p;

	CHECK(cache);
	CHECK_EQ(kmem_cache_size(cache), sizeof(struct packet));
	p = kmem_cache_alloc(cache, GFP_KERNEL);
	CHECK(p);
	CHECK_EQ(p->length, 0);
	kmem_cache_free(cache, p);		/* give it back as you would want to get it */
	CHECK_EQ(kmem_cache_shrink(cache), 0);	/* empty slabs go back to the page allocator */
	kmem_cache_destroy(cache);
}

SELFTEST(example, kmem_cache_zalloc)
{
	struct kmem_cache *cache = kmem_cache_create("job", 48, 0, 0, NULL);
	long *job;

	CHECK(cache);
	job = kmem_cache_zalloc(cache, GFP_KERNEL);
	CHECK(job);
	CHECK_EQ(job[0], 0);
	kmem_cache_free(cache, job);
	kmem_cache_destroy(cache);
}

SELFTEST(example, kmalloc)
{
	char *name = kmalloc(20, GFP_KERNEL);
	char *longer;

	CHECK(name);
	CHECK(ksize(name) >= 20);		/* what the size class really holds */
	name[0] = 'q';
	longer = krealloc(name, 2000, GFP_KERNEL);
	CHECK(longer);
	CHECK_EQ(longer[0], 'q');
	kfree(longer);
	kfree(NULL);				/* allowed, does nothing */
}

/* Arrays: the multiplication is checked, so a hostile count cannot wrap around. */
SELFTEST(example, arrays)
{
	unsigned *table = kcalloc(100, sizeof(*table), GFP_KERNEL);
	void *huge;

	CHECK(table);
	CHECK_EQ(table[99], 0);
	kfree(table);

	misuse_quiet(true);
	huge = kmalloc_array((size_t)-1, 16, GFP_KERNEL);
	misuse_quiet(false);
	CHECK(!huge);
	CHECK(kzalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR);
}
