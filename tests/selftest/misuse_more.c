/* SPDX-License-Identifier: MIT */
/*
 * misuse_more.c: misuse that is less usual: frames of other layers, caches that are
 * none, sizes at the end of the address space, calls that come too late.
 */
#include <quarry/highmem.h>
#include <quarry/memblock.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vmalloc.h>

#include "util.h"

/* ---- frames (row B5) ------------------------------------------------------------------ */

SELFTEST(B5, free_of_a_further_frame_of_a_slab)
{
	/* 8192 bytes: a slab of several frames, which is no compound page */
	char *p = kmalloc(KMALLOC_MAX_CACHE_SIZE, GFP_KERNEL);
	struct page *second;

	CHECK(p);
	second = virt_to_page(p) + 1;
	CHECK(PageSlab(second) && page_count(second) == 0);
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "__free_pages", page_to_pfn(second), __free_page(second));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "free_pages", page_to_pfn(second),
		      free_page((unsigned long)p + PAGE_SIZE));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "put_page", page_to_pfn(second), put_page(second));
	kfree(p);
}

SELFTEST(B5, split_of_what_is_not_a_plain_block)
{
	struct page *object, *reserved = st_reserved_page();
	void *p = kmalloc(3000, GFP_KERNEL);

	CHECK(p && reserved);
	object = virt_to_page(p);
	/* where others keep the order, a slab has the states of its objects */
	EXPECT_MISUSE(MISUSE_ARGUMENT, "split_page", page_to_pfn(object), split_page(object, object->order));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "split_page", page_to_pfn(reserved), split_page(reserved, 0));
	CHECK(PageSlab(object));
	kfree(p);
}

SELFTEST(B5, split_keeps_the_users_of_the_first)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);

	CHECK(page);
	get_page(page);
	split_page(page, 1);
	CHECK_EQ(page_count(page), 2);
	CHECK_EQ(page_count(page + 1), 1);
	__free_page(page + 1);
	__free_page(page);
	CHECK_EQ(page_count(page), 1);
	put_page(page);
}

SELFTEST(B5, get_of_what_has_no_users)
{
	struct page *reserved = st_reserved_page();
	static struct page stray;
	int count;

	CHECK(reserved);
	count = page_count(reserved);
	EXPECT_MISUSE(MISUSE_RESERVED, "get_page", page_to_pfn(reserved), get_page(reserved));
	CHECK_EQ(page_count(reserved), count);
	EXPECT_MISUSE(MISUSE_FOREIGN, "get_page", &stray, get_page(&stray));
	EXPECT_MISUSE(MISUSE_FOREIGN, "get_page", 0, get_page(NULL));
	EXPECT_MISUSE(MISUSE_FOREIGN, "put_page", 0, put_page(NULL));
	EXPECT_MISUSE(MISUSE_FOREIGN, "__free_pages", 0, __free_page(NULL));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "split_page", 0, split_page(NULL, 0));
}

/* A reference to a frame of another layer is taken and dropped; its last user stays that layer. */
static bool get_and_put(struct page *page)
{
	unsigned long before = misuse_count(NR_MISUSE);
	int count = page_count(compound_head(page));

	get_page(page);
	put_page(page);
	return page_count(compound_head(page)) == count && misuse_count(NR_MISUSE) == before;
}

SELFTEST(B1, references_to_frames_of_other_layers)
{
	char *object = kmalloc(100, GFP_KERNEL), *large = kmalloc(5 * PAGE_SIZE, GFP_KERNEL), *area = vmalloc(100);
	struct page *frame;

	CHECK(object && large && area);
	frame = vmalloc_to_page(area);
	CHECK(get_and_put(virt_to_page(object)));
	CHECK(get_and_put(virt_to_page(large) + 2));
	CHECK(get_and_put(frame));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "put_page", page_to_pfn(frame), put_page(frame));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "put_page", page_to_pfn(virt_to_page(large)), put_page(virt_to_page(large)));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "free_pages", page_to_pfn(virt_to_page(large)),
		      free_pages((unsigned long)large, 3));
	get_page(frame);	/* it outlives the area */
	vfree(area);
	CHECK_EQ(page_count(frame), 1);
	put_page(frame);
	CHECK_EQ(page_count(frame), 0);
	kfree(large);
	kfree(object);
}

/* ---- the slab layer (rows D1, D4) ---------------------------------------------------- */

SELFTEST(D1, no_cache_at_all)
{
	void *k = kmalloc(100, GFP_KERNEL), *p;
	unsigned size;
	int err;

	CHECK(k);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_alloc", 0, p = kmem_cache_alloc(NULL, GFP_KERNEL));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_alloc", 0, p = kmem_cache_zalloc(NULL, GFP_ATOMIC));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_free", k, kmem_cache_free(NULL, k));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_free", k, kmem_cache_free(k, k));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_shrink", 0, err = kmem_cache_shrink(NULL));
	CHECK(err);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_size", 0, size = kmem_cache_size(NULL));
	CHECK_EQ(size, 0);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_name", k, kmem_cache_name(k));
	EXPECT_MISUSE(MISUSE_FOREIGN, "kmem_cache_destroy", k, kmem_cache_destroy(k));
	kfree(k);
}

SELFTEST(D1, a_cache_that_was_destroyed)
{
	struct kmem_cache *c = kmem_cache_create("selftest_gone", 100, 0, 0, NULL);
	void *k = kmalloc(100, GFP_KERNEL), *p;

	CHECK(c && k);
	kmem_cache_destroy(c);
	EXPECT_MISUSE(MISUSE_FOREIGN, "kmem_cache_destroy", c, kmem_cache_destroy(c));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_alloc", c, p = kmem_cache_alloc(c, GFP_KERNEL));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_alloc", c, p = kmem_cache_zalloc(c, GFP_KERNEL));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_free", c, kmem_cache_free(c, k));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "kmem_cache_shrink", c, kmem_cache_shrink(c));
	kfree(k);
}

SELFTEST(D4, kfree_of_what_describes_memory)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	char *large = kmalloc(9 * PAGE_SIZE, GFP_KERNEL), *mine;

	CHECK(page && large);
	mine = page_address(page);
	EXPECT_MISUSE(SPARSE_MEM_MAP ? MISUSE_FOREIGN : MISUSE_RESERVED, "kfree", page, kfree(page));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "kfree", mine, kfree(mine));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "kfree", mine + PAGE_SIZE, kfree(mine + PAGE_SIZE));
	EXPECT_MISUSE(MISUSE_MIDDLE, "kfree", large + 8 * PAGE_SIZE + 1, kfree(large + 8 * PAGE_SIZE + 1));
	EXPECT_MISUSE(MISUSE_MIDDLE, "krealloc", large + PAGE_SIZE, CHECK(!krealloc(large + PAGE_SIZE, 10, GFP_KERNEL)));
	EXPECT_MISUSE(MISUSE_FOREIGN, "ksize", 0x1234, CHECK(!ksize((void *)0x1234)));
	kfree(large);
	__free_pages(page, 2);
}

/* Of low memory's frames one that has no struct page: in a hole, or of memory that nobody has used yet. */
static void *without_struct_page(void)
{
	for (pfn_t pfn = 0; pfn < max_low_pfn; pfn += PAGES_PER_SECTION / 2)
		if (!pfn_valid(pfn))
			return __va((phys_addr_t)pfn << PAGE_SHIFT);
	return NULL;
}

SELFTEST(D4, a_pointer_to_where_no_struct_page_is)
{
	struct kmem_cache *c = kmem_cache_create("st_hole", 64, 0, 0, NULL);
	char *hole = without_struct_page();
	void *two[2] = { hole, hole };

	CHECK(c);
	if (hole) {
		EXPECT_MISUSE(MISUSE_FOREIGN, "kfree", hole, kfree(hole));
		EXPECT_MISUSE(MISUSE_FOREIGN, "kfree", hole + 64, kfree(hole + 64));
		EXPECT_MISUSE(MISUSE_FOREIGN, "kmem_cache_free", hole, kmem_cache_free(c, hole));
		EXPECT_MISUSE(MISUSE_FOREIGN, "kmem_cache_free", hole, kmem_cache_free_bulk(c, 1, two));
	}
	kmem_cache_destroy(c);
	if (!hole)
		SKIP("every frame of low memory has its struct page");
}

/* ---- areas (row F1) ------------------------------------------------------------------ */

#define UNPREEMPTED(statement) do { preempt_disable(); statement; preempt_enable(); } while (0)

SELFTEST(F1, an_area_with_preemption_off)
{
	struct page *page = alloc_page(GFP_KERNEL);
	void *p, *q, *r;

	CHECK(page);
	EXPECT_MISUSE(MISUSE_CONTEXT, "vmalloc", 0, UNPREEMPTED(p = vmalloc(100)));
	EXPECT_MISUSE(MISUSE_CONTEXT, "vmap", 0, UNPREEMPTED(q = vmap(&page, 1, VM_MAP, PAGE_KERNEL)));
	EXPECT_MISUSE(MISUSE_CONTEXT, "kmalloc", 0, UNPREEMPTED(r = kvmalloc(3 * PAGE_SIZE, GFP_KERNEL)));
	CHECK(!p && !q && !r);
	__free_page(page);
}

SELFTEST(F1, vmap_of_what_is_no_frame)
{
	struct page *pages[2] = { alloc_page(GFP_HIGHUSER), NULL };
	void *p;

	CHECK(pages[0]);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "vmap", 2, p = vmap(pages, 2, VM_MAP, PAGE_KERNEL));
	CHECK(!p);
	__free_page(pages[0]);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "vmap", 1, p = vmap(pages, 1, VM_MAP, PAGE_KERNEL));
	CHECK(!p);
}

/* With its guard page, an area of all addresses but one page would have a size of nothing. */
SELFTEST(F1, vmap_of_all_addresses)
{
	unsigned long n = ~0ul >> PAGE_SHIFT, i;
	struct page *page, **pages;
	void *p;

	if (sizeof(long) > 4)
		SKIP("so many pages have no array");
	pages = vmalloc(n * sizeof(*pages));
	page = alloc_page(GFP_KERNEL);
	CHECK(pages && page);
	for (i = 0; i < n; i++)
		pages[i] = page;
	p = vmap(pages, (unsigned)n, VM_MAP, PAGE_KERNEL);
	CHECK(!p);
	__free_page(page);
	vfree(pages);
}

SELFTEST(F1, kvmalloc_takes_every_mask_that_kmalloc_does)
{
	unsigned long before = misuse_count(NR_MISUSE);
	void *p = kvmalloc(3 * PAGE_SIZE, GFP_KERNEL | __GFP_RETRY_MAYFAIL), *q;

	CHECK(p);
	kvfree(p);
	q = kvmalloc(3 * PAGE_SIZE, GFP_KERNEL | __GFP_NORETRY);
	CHECK(q);
	kvfree(q);
	CHECK_EQ(misuse_count(NR_MISUSE), before);
}

/* ---- too late (row B3) ------------------------------------------------------------------ */

SELFTEST(B3, memblock_lists_are_closed)
{
	unsigned memory = memblock.memory.cnt, reserved = memblock.reserved.cnt;
	phys_addr_t sum = memblock_phys_mem_size();
	int err[3];

	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_reserve", 0x5000, err[0] = memblock_reserve(0x5000, 0x1000));
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_add", 0x5000, err[1] = memblock_add(0x5000, 0x1000));
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_remove", 0x5000, err[2] = memblock_remove(0x5000, 0x1000));
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_free", 0, memblock_free(__va(0x5000), 0x1000));
	CHECK(err[0] && err[1] && err[2]);
	CHECK(memblock.memory.cnt == memory && memblock.reserved.cnt == reserved);
	CHECK_EQ(memblock_phys_mem_size(), sum);
}
