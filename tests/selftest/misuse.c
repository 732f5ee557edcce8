/* SPDX-License-Identifier: MIT */
/*
 * misuse.c: each way to misuse the calls is detected, reported in one line that
 * names call, value, page or cache and caller, refused, and the counts stay right
 * (the runner compares them after each test).
 */
#include <quarry/highmem.h>
#include <quarry/memblock.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "util.h"

/* ---- pages (row B5) --------------------------------------------------------------------- */

SELFTEST(B5, double_free_of_a_page)
{
	struct page *page = alloc_page(GFP_KERNEL), *block = alloc_pages(GFP_KERNEL, 4);

	CHECK(page && block);
	__free_page(page);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "__free_pages", page_to_pfn(page), __free_page(page));
	CHECK_EQ(page_count(page), 0);
	__free_pages(block, 4);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "__free_pages", page_to_pfn(block), __free_pages(block, 4));
	drain_all_pages(NULL);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "__free_pages", page_to_pfn(page), __free_page(page));
}

SELFTEST(B5, double_free_by_address)
{
	unsigned long addr = __get_free_pages(GFP_KERNEL, 1);

	CHECK(addr);
	free_pages(addr, 1);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "free_pages", virt_to_phys((void *)addr) >> PAGE_SHIFT, free_pages(addr, 1));
}

SELFTEST(B5, wrong_order)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);
	unsigned order;

	CHECK(page);
	for (order = 0; order <= MAX_PAGE_ORDER; order++)
		if (order != 3)
			EXPECT_MISUSE(MISUSE_WRONG_ORDER, "__free_pages", page_to_pfn(page), __free_pages(page, order));
	CHECK_EQ(page_count(page), 1);
	__free_pages(page, 3);
}

SELFTEST(B5, wrong_order_of_a_compound_page)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	CHECK(page);
	EXPECT_MISUSE(MISUSE_WRONG_ORDER, "__free_pages", page_to_pfn(page), __free_pages(page, 1));
	EXPECT_MISUSE(MISUSE_WRONG_ORDER, "__free_pages", page_to_pfn(page), __free_pages(page, 3));
	__free_pages(page, 2);
}

SELFTEST(B5, order_out_of_range)
{
	struct page *page;
	unsigned long addr;

	EXPECT_MISUSE(MISUSE_SIZE, "alloc_pages", 0, page = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1));
	CHECK(!page);
	EXPECT_MISUSE(MISUSE_SIZE, "alloc_pages", 0, page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 31));
	CHECK(!page);
	EXPECT_MISUSE(MISUSE_SIZE, "alloc_pages_node", 0, page = alloc_pages_node(0, GFP_KERNEL, ~0u));
	CHECK(!page);
	EXPECT_MISUSE(MISUSE_SIZE, "__get_free_pages", 0, addr = __get_free_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1));
	CHECK_EQ(addr, 0);
	page = alloc_page(GFP_KERNEL);
	CHECK(page);
	misuse_quiet(true);
	__free_pages(page, MAX_PAGE_ORDER + 1);
	misuse_quiet(false);
	CHECK_EQ(page_count(page), 1);
	__free_page(page);
}

SELFTEST(B5, free_of_a_reserved_page)
{
	struct page *page = st_reserved_page();
	int count;

	CHECK(page);
	count = page_count(page);
	EXPECT_MISUSE(MISUSE_RESERVED, "__free_pages", page_to_pfn(page), __free_page(page));
	EXPECT_MISUSE(MISUSE_RESERVED, "__free_pages", page_to_pfn(page), __free_pages(page, 2));
	EXPECT_MISUSE(MISUSE_RESERVED, "put_page", page_to_pfn(page), put_page(page));
	CHECK_EQ(page_count(page), count);
	CHECK(PageReserved(page));
}

SELFTEST(B5, free_of_a_foreign_page)
{
	static struct page stray;

	EXPECT_MISUSE(MISUSE_FOREIGN, "__free_pages", &stray, __free_page(&stray));
	EXPECT_MISUSE(MISUSE_FOREIGN, "__free_pages", mem_map + max_pfn, __free_page(mem_map + max_pfn));
	EXPECT_MISUSE(MISUSE_FOREIGN, "__free_pages", 0, __free_page((struct page *)((char *)mem_map + 5)));
	EXPECT_MISUSE(MISUSE_FOREIGN, "free_pages", 0x1000, free_pages(0x1000, 0));
	EXPECT_MISUSE(MISUSE_FOREIGN, "put_page", &stray, put_page(&stray));
}

SELFTEST(B5, free_of_an_address_inside_a_page)
{
	unsigned long addr = __get_free_page(GFP_KERNEL);

	CHECK(addr);
	EXPECT_MISUSE(MISUSE_FOREIGN, "free_pages", addr + 8, free_page(addr + 8));
	free_page(addr);
}

SELFTEST(B5, free_of_a_tail_page)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	struct page *compound = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	unsigned i;

	CHECK(page && compound);
	for (i = 1; i < 4; i++)
		EXPECT_MISUSE(MISUSE_TAIL, "__free_pages", page_to_pfn(compound + i), __free_page(compound + i));
	/* A tail of a plain block is free to the eye, and must not be obeyed either. */
	for (i = 1; i < 4; i++) {
		unsigned long before = misuse_count(NR_MISUSE);

		misuse_quiet(true);
		__free_page(page + i);
		misuse_quiet(false);
		CHECK_EQ(misuse_count(NR_MISUSE), before + 1);
	}
	__free_pages(page, 2);
	__free_pages(compound, 2);
}

SELFTEST(B5, put_page_without_get)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long before;

	CHECK(page);
	put_page(page);
	before = misuse_count(NR_MISUSE);
	misuse_quiet(true);
	put_page(page);
	misuse_quiet(false);
	CHECK_EQ(misuse_count(NR_MISUSE), before + 1);
	CHECK_EQ(page_count(page), 0);
}

SELFTEST(B5, get_and_split_of_what_is_not_owned)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	unsigned long before;

	CHECK(page);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "split_page", page_to_pfn(page), split_page(page, 3));
	__free_pages(page, 2);
	before = misuse_count(NR_MISUSE);
	misuse_quiet(true);
	get_page(page);
	split_page(page, 2);
	misuse_quiet(false);
	CHECK_EQ(misuse_count(NR_MISUSE), before + 2);
	CHECK_EQ(page_count(page), 0);
}

SELFTEST(B5, pages_of_other_layers)
{
	void *object = kmalloc(100, GFP_KERNEL), *area = vmalloc(100);

	CHECK(object && area);
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "__free_pages", page_to_pfn(virt_to_page(object)),
		      __free_page(virt_to_page(object)));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "free_pages", page_to_pfn(virt_to_page(object)),
		      free_page(PAGE_MASK & (unsigned long)object));
	EXPECT_MISUSE(MISUSE_FOREIGN, "free_pages", area, free_page((unsigned long)area));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "__free_pages", page_to_pfn(vmalloc_to_page(area)),
		      __free_page(vmalloc_to_page(area)));
	kfree(object);
	vfree(area);
}

SELFTEST(B6, high_memory_where_an_address_is_returned)
{
	struct kmem_cache *c = kmem_cache_create("selftest_high", 64, 0, 0, NULL);
	void *p;
	unsigned long addr;

	CHECK(c);
	EXPECT_MISUSE(MISUSE_GFP, "get_zeroed_page", 0, addr = get_zeroed_page(GFP_HIGHUSER));
	CHECK_EQ(addr, 0);
	EXPECT_MISUSE(MISUSE_GFP, "alloc", 0, p = kzalloc(64, GFP_HIGHUSER));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_GFP, "kmalloc-64", 0, p = kmalloc(64, GFP_HIGHUSER));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_GFP, "kmalloc", 0, p = kmalloc(100000, GFP_HIGHUSER));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_GFP, "kmem_cache_alloc", 0, p = kmem_cache_alloc(c, GFP_HIGHUSER));
	CHECK(!p);
	kmem_cache_destroy(c);
}

/* ---- objects (rows D1, D4) ------------------------------------------------------------------ */

SELFTEST(D4, kfree_twice)
{
	static const size_t sizes[] = { 8, 64, 1000, 4096, 8192, 40000 };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *p = kmalloc(sizes[i], GFP_KERNEL);

		CHECK(p);
		kfree(p);
		EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "kfree", p, kfree(p));
	}
}

SELFTEST(D4, kfree_twice_with_others_between)
{
	void *a = kmalloc(64, GFP_KERNEL), *b = kmalloc(64, GFP_KERNEL);

	CHECK(a && b);
	kfree(a);
	kfree(b);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "kfree", a, kfree(a));
	slab_drain(NULL);
	/* Also when the object has gone home to its slab. */
	b = kmalloc(64, GFP_KERNEL);
	CHECK(b);
	if (a != b && PageSlab(virt_to_page(a)))
		EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "kfree", a, kfree(a));
	kfree(b);
}

SELFTEST(D4, kfree_of_the_middle)
{
	static const size_t sizes[] = { 8, 64, 1000, 8192, 40000 };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = kmalloc(sizes[i], GFP_KERNEL);

		CHECK(p);
		EXPECT_MISUSE(MISUSE_MIDDLE, "kfree", p + 4, kfree(p + 4));
		if (sizes[i] > PAGE_SIZE)
			EXPECT_MISUSE(MISUSE_MIDDLE, "kfree", p + PAGE_SIZE, kfree(p + PAGE_SIZE));
		kfree(p);
	}
}

SELFTEST(D4, kfree_of_a_stack_address)
{
	int local = 1;
	void *volatile p = &local;

	EXPECT_MISUSE(MISUSE_FOREIGN, "kfree", p, kfree(p));
	CHECK_EQ(local, 1);
}

SELFTEST(D4, kfree_of_foreign_addresses)
{
	static int in_image;
	void *volatile p = &in_image;
	unsigned long page = __get_free_page(GFP_KERNEL);

	CHECK(page);
	EXPECT_MISUSE(MISUSE_FOREIGN, "kfree", p, kfree(p));
	EXPECT_MISUSE(MISUSE_FOREIGN, "kfree", 0x1234, kfree((void *)0x1234));
	EXPECT_MISUSE(MISUSE_FOREIGN, "kfree", ~7ul, kfree((void *)~7ul));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "kfree", page, kfree((void *)page));
	free_page(page);
}

SELFTEST(D4, kfree_of_a_vmalloc_address)
{
	void *p = vmalloc(100);

	CHECK(p);
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "kfree", p, kfree(p));
	vfree(p);
}

SELFTEST(D4, sizes_that_overflow)
{
	void *p, *q;

	EXPECT_MISUSE(MISUSE_SIZE, "kmalloc", 0, p = kmalloc(~(size_t)0, GFP_KERNEL));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_SIZE, "kmalloc", 0, p = kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_SIZE, "kmalloc_array", 0, p = kmalloc_array(~(size_t)0 / 4 + 1, 4, GFP_KERNEL));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_SIZE, "kmalloc_array", 0, p = kcalloc(~(size_t)0 / 2 + 1, 2, GFP_KERNEL));
	CHECK(!p);
	q = kmalloc(50, GFP_KERNEL);
	CHECK(q);
	EXPECT_MISUSE(MISUSE_SIZE, "krealloc", 0, p = krealloc(q, ~(size_t)0 - 10, GFP_KERNEL));
	CHECK(!p);
	CHECK(ksize(q) >= 50);
	kfree(q);
}

SELFTEST(D4, ksize_and_krealloc_of_what_is_not_an_object)
{
	char *p = kmalloc(100, GFP_KERNEL), *q;
	size_t size;

	CHECK(p);
	EXPECT_MISUSE(MISUSE_MIDDLE, "ksize", p + 8, size = ksize(p + 8));
	CHECK_EQ(size, 0);
	kfree(p);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "krealloc", p, q = krealloc(p, 500, GFP_KERNEL));
	CHECK(!q);
}

SELFTEST(D1, a_wrong_cache)
{
	struct kmem_cache *a = kmem_cache_create("selftest_a", 100, 0, 0, NULL);
	struct kmem_cache *b = kmem_cache_create("selftest_b", 100, 0, 0, NULL);
	void *p, *k = kmalloc(100, GFP_KERNEL);

	CHECK(a && b && k);
	p = kmem_cache_alloc(a, GFP_KERNEL);
	CHECK(p);
	EXPECT_MISUSE(MISUSE_WRONG_CACHE, "kmem_cache_free", p, kmem_cache_free(b, p));
	CHECK(st_contains(misuse_last(), "selftest_a") && st_contains(misuse_last(), "selftest_b"));
	EXPECT_MISUSE(MISUSE_WRONG_CACHE, "kmem_cache_free", k, kmem_cache_free(a, k));
	kmem_cache_free(a, p);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "kmem_cache_free", p, kmem_cache_free(a, p));
	kfree(k);
	kmem_cache_destroy(a);
	kmem_cache_destroy(b);
}

SELFTEST(D1, foreign_pointers_given_to_a_cache)
{
	struct kmem_cache *c = kmem_cache_create("selftest_foreign", 100, 0, 0, NULL);
	char *p, *area = vmalloc(10);
	int local;
	void *volatile stack = &local;

	CHECK(c && area);
	p = kmem_cache_alloc(c, GFP_KERNEL);
	CHECK(p);
	EXPECT_MISUSE(MISUSE_MIDDLE, "kmem_cache_free", p + 1, kmem_cache_free(c, p + 1));
	EXPECT_MISUSE(MISUSE_FOREIGN, "kmem_cache_free", stack, kmem_cache_free(c, stack));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "kmem_cache_free", area, kmem_cache_free(c, area));
	kmem_cache_free(c, p);
	kmem_cache_destroy(c);
	vfree(area);
}

SELFTEST(D1, destroyed_with_objects_in_use)
{
	struct kmem_cache *c = kmem_cache_create("selftest_busy", 100, 0, 0, NULL);
	void *p;

	CHECK(c);
	p = kmem_cache_alloc(c, GFP_KERNEL);
	CHECK(p);
	EXPECT_MISUSE(MISUSE_BUSY, "kmem_cache_destroy", 0, kmem_cache_destroy(c));
	CHECK(st_contains(misuse_last(), "selftest_busy"));
	kmem_cache_free(c, p);
	kmem_cache_destroy(c);
}

static unsigned refused_creates;

static void try_create(const char *name, unsigned size, unsigned align)
{
	struct kmem_cache *c = kmem_cache_create(name, size, align, 0, NULL);

	refused_creates += !c;
	kmem_cache_destroy(c);
}

SELFTEST(D1, bad_arguments_of_a_cache)
{
	unsigned long before = misuse_count(NR_MISUSE);

	refused_creates = 0;
	misuse_quiet(true);
	try_create(NULL, 100, 0);
	try_create("has blanks", 100, 0);
	try_create("kmalloc-64", 100, 0);	/* the name is taken */
	try_create("selftest_bad", 0, 0);
	try_create("selftest_bad", ~0u, 0);
	try_create("selftest_bad", 100, 24);
	try_create("selftest_bad", 100, PAGE_SIZE * 2);
	misuse_quiet(false);
	CHECK_EQ(refused_creates, 7);
	CHECK_EQ(misuse_count(NR_MISUSE), before + 7);
}

/* ---- areas (row F1) -------------------------------------------------------------------------- */

SELFTEST(F1, vfree_of_what_is_no_area)
{
	char *area = vmalloc(3 * PAGE_SIZE), *k = kmalloc(64, GFP_KERNEL);
	int local;
	void *volatile stack = &local;

	CHECK(area && k);
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "vfree", k, vfree(k));
	EXPECT_MISUSE(MISUSE_FOREIGN, "vfree", (VMALLOC_END - PAGE_SIZE) & PAGE_MASK,
		      vfree((void *)((VMALLOC_END - PAGE_SIZE) & PAGE_MASK)));
	EXPECT_MISUSE(MISUSE_FOREIGN, "vfree", 0x5000, vfree((void *)0x5000));
	EXPECT_MISUSE(MISUSE_MIDDLE, "vfree", area + PAGE_SIZE, vfree(area + PAGE_SIZE));
	EXPECT_MISUSE(MISUSE_MIDDLE, "vfree", area + 12, vfree(area + 12));
	misuse_quiet(true);
	vfree(stack);
	misuse_quiet(false);
	CHECK(st_contains(misuse_last(), "vfree"));
	memset(area, 1, 3 * PAGE_SIZE);
	vfree(area);
	kfree(k);
}

SELFTEST(F1, vfree_twice)
{
	char *area = vmalloc(3 * PAGE_SIZE);
	unsigned long before;

	CHECK(area);
	vfree(area);
	before = misuse_count(NR_MISUSE);
	misuse_quiet(true);
	vfree(area);
	vmalloc_purge();
	vfree(area);
	misuse_quiet(false);
	CHECK_EQ(misuse_count(NR_MISUSE), before + 2);
}

SELFTEST(F1, vfree_and_vunmap_mixed_up)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	void *mapped, *area = vmalloc(100);

	CHECK(page && area);
	mapped = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	CHECK(mapped);
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "vunmap", area, vunmap(area));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "vfree", mapped, vfree(mapped));
	vunmap(mapped);
	vfree(area);
	__free_page(page);
}

SELFTEST(F1, sizes_that_no_window_holds)
{
	void *p;

	EXPECT_MISUSE(MISUSE_SIZE, "vmalloc", 0, p = vmalloc(0));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_SIZE, "vmalloc", 0, p = vmalloc(~0ul));
	CHECK(!p);
	CHECK(!__vmalloc(~0ul - PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN));
	EXPECT_MISUSE(MISUSE_SIZE, "vmalloc", 0, p = vzalloc(0));
	CHECK(!p);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "vmap", 0, p = vmap(NULL, 0, VM_MAP, PAGE_KERNEL));
	CHECK(!p);
}

/* ---- windows (rows F2, F3, F4) ---------------------------------------------------------------- */

SELFTEST(F2, kunmap_without_kmap)
{
	struct page *page = alloc_page(GFP_HIGHUSER);

	CHECK(page);
	if (!PageHighMem(page)) {
		__free_page(page);
		SKIP("no high memory");
	}
	EXPECT_MISUSE(MISUSE_UNBALANCED, "kunmap", page_to_pfn(page), kunmap(page));
	CHECK(kmap(page));
	kunmap(page);
	EXPECT_MISUSE(MISUSE_UNBALANCED, "kunmap", page_to_pfn(page), kunmap(page));
	kmap_flush_unused();
	EXPECT_MISUSE(MISUSE_UNBALANCED, "kunmap", page_to_pfn(page), kunmap(page));
	__free_page(page);
}

SELFTEST(F3, local_mappings_out_of_order)
{
	struct page *a = alloc_page(GFP_HIGHUSER), *b = alloc_page(GFP_HIGHUSER);
	void *p, *q;

	CHECK(a && b);
	if (!PageHighMem(a) || !PageHighMem(b)) {
		__free_page(a);
		__free_page(b);
		SKIP("no high memory");
	}
	p = kmap_local_page(a);
	q = kmap_local_page(b);
	EXPECT_MISUSE(MISUSE_UNBALANCED, "kunmap_local", p, kunmap_local(p));
	kunmap_local(q);
	kunmap_local(p);
	EXPECT_MISUSE(MISUSE_UNBALANCED, "kunmap_local", p, kunmap_local(p));
	__free_page(a);
	__free_page(b);
}

SELFTEST(F3, local_mappings_too_deep)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	void *p[KM_MAX_IDX], *more;
	unsigned long before;
	int i;

	CHECK(page);
	if (!PageHighMem(page)) {
		__free_page(page);
		SKIP("no high memory");
	}
	for (i = 0; i < KM_MAX_IDX; i++)
		CHECK((p[i] = kmap_local_page(page)));
	before = misuse_count(NR_MISUSE);
	misuse_quiet(true);
	more = kmap_local_page(page);
	misuse_quiet(false);
	while (i--)
		kunmap_local(p[i]);
	__free_page(page);
	CHECK(!more);
	CHECK_EQ(misuse_count(NR_MISUSE), before + 1);
}

SELFTEST(F3, zero_user_beyond_the_frame)
{
	struct page *page = alloc_page(GFP_HIGHUSER);

	CHECK(page);
	EXPECT_MISUSE(MISUSE_SIZE, "zero_user", 0, zero_user(page, PAGE_SIZE - 10, 11));
	EXPECT_MISUSE(MISUSE_SIZE, "zero_user", 0, zero_user(page, ~0u, 2));
	__free_page(page);
}

SELFTEST(F4, slots_that_are_not)
{
	unsigned long before = misuse_count(NR_MISUSE);
	struct page *page = alloc_page(GFP_KERNEL);

	CHECK(page);
	misuse_quiet(true);
	set_fixmap(__end_of_fixed_addresses, page_to_phys(page));
	set_fixmap((enum fixed_addresses)-1, page_to_phys(page));
	set_fixmap(FIX_TEST, page_to_phys(page) + 1);
	clear_fixmap(__end_of_fixed_addresses);
	misuse_quiet(false);
	__free_page(page);
	CHECK_EQ(misuse_count(NR_MISUSE), before + 4);
}

/* ---- too late, too early ------------------------------------------------------------------------ */

SELFTEST(B3, memblock_is_closed)
{
	void *p;

	CHECK(memblock.closed);
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_alloc", 0, p = memblock_alloc(100, 0));
	CHECK(!p);
}
