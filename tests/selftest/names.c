/* SPDX-License-Identifier: MIT */
/*
 * names.c: code as it is written for Linux, with Linux's headers only; it uses each
 * name of the public API at least once, and what comes back is looked at.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/highmem.h>
#include <linux/memblock.h>

#include "selftest.h"

SELFTEST(B5, names_of_pages)
{
	struct page *one = alloc_page(GFP_KERNEL), *two = alloc_pages(GFP_KERNEL, 1);
	struct page *node = alloc_pages_node(0, GFP_KERNEL, 0);
	unsigned long a = __get_free_pages(GFP_KERNEL, 1), b = __get_free_page(GFP_KERNEL);
	unsigned long zero = get_zeroed_page(GFP_KERNEL), i;

	CHECK(one && two && node && a && b && zero);
	CHECK_EQ(page_count(one), 1);
	get_page(one);
	CHECK_EQ(page_count(one), 2);
	put_page(one);
	CHECK(virt_to_page(page_address(one)) == one);
	CHECK(pfn_to_page(page_to_pfn(one)) == one);
	CHECK(page_to_phys(one) == (phys_addr_t)page_to_pfn(one) << PAGE_SHIFT);
	CHECK(virt_to_phys((void *)b) == __pa(b) && phys_to_virt(__pa(b)) == __va(__pa(b)));
	CHECK(__va(__pa(b)) == (void *)b);
	CHECK(!PageHighMem(virt_to_page((void *)b)));
	for (i = 0; i < PAGE_SIZE; i++)
		CHECK(((char *)zero)[i] == 0);
	__free_pages(two, 1);
	__free_pages(one, 0);
	__free_page(node);
	free_pages(a, 1);
	free_page(b);
	free_page(zero);
}

static bool all_bytes(const void *p, int value, size_t n)
{
	for (const unsigned char *c = p; n--; c++)
		if (*c != value)
			return false;
	return true;
}

SELFTEST(D4, names_of_kmalloc)
{
	size_t variable = 100;
	char *p = kmalloc(variable, GFP_KERNEL), *z = kzalloc(100, GFP_ATOMIC);
	char *c = kcalloc(10, 10, GFP_KERNEL), *a = kmalloc_array(10, 10, GFP_KERNEL);
	char *v = kvmalloc(100000, GFP_KERNEL), *vz = kvzalloc(100000, GFP_KERNEL);

	CHECK(p && z && c && a && v && vz);
	CHECK(all_bytes(z, 0, 100) && all_bytes(c, 0, 100) && all_bytes(vz, 0, 100000));
	CHECK(ksize(p) >= 100);
	__builtin_memset(p, 7, 100);
	p = krealloc(p, 1000, GFP_KERNEL);
	CHECK(p && all_bytes(p, 7, 100));
	kfree(p);
	kfree(z);
	kfree(c);
	kfree(a);
	kvfree(v);
	kvfree(vz);
}

static void fill_seven(void *object)
{
	__builtin_memset(object, 7, 40);
}

SELFTEST(D1, names_of_caches)
{
	struct kmem_cache *plain = kmem_cache_create("names_plain", 40, 0, SLAB_HWCACHE_ALIGN, NULL);
	struct kmem_cache *made = kmem_cache_create("names_made", 40, 8, 0, fill_seven);
	void *p, *z, *m;

	CHECK(plain && made);
	p = kmem_cache_alloc(plain, GFP_KERNEL);
	z = kmem_cache_zalloc(plain, GFP_KERNEL);
	m = kmem_cache_alloc(made, GFP_KERNEL);
	CHECK(p && z && m);
	CHECK(all_bytes(z, 0, 40) && all_bytes(m, 7, 40));
	CHECK_EQ(kmem_cache_size(plain), 40);
	kmem_cache_free(plain, p);
	kmem_cache_free(plain, z);
	kmem_cache_free(made, m);
	CHECK_EQ(kmem_cache_shrink(plain), 0);
	kmem_cache_destroy(plain);
	kmem_cache_destroy(made);
}

SELFTEST(F1, names_of_vmalloc)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	char *v = vmalloc(10000), *z = vzalloc(10000), *m;

	CHECK(page && v && z);
	CHECK(is_vmalloc_addr(v) && !is_vmalloc_addr(&all_bytes));
	CHECK(all_bytes(z, 0, 10000));
	CHECK(vmalloc_to_page(v) == pfn_to_page(vmalloc_to_pfn(v)));
	m = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	CHECK(m && vmalloc_to_page(m) == page);
	vunmap(m);
	vfree(v);
	vfree(z);
	__free_page(page);
}

SELFTEST(F3, names_of_highmem)
{
	struct page *page = alloc_page(GFP_HIGHUSER), *copy = alloc_page(GFP_HIGHUSER);
	char *p;

	CHECK(page && copy);
	p = kmap(page);
	CHECK(p && kmap_to_page(p) == page);
	__builtin_memset(p, 7, PAGE_SIZE);
	kunmap(page);
	copy_highpage(copy, page);
	zero_user(copy, 100, 50);
	p = kmap_atomic(copy, KM_USER0);
	CHECK(p);
	CHECK(all_bytes(p, 7, 100) && all_bytes(p + 100, 0, 50) && all_bytes(p + 150, 7, PAGE_SIZE - 150));
	kunmap_atomic(p, KM_USER0);
	clear_highpage(page);
	p = kmap_atomic(page);
	CHECK(p && all_bytes(p, 0, PAGE_SIZE));
	kunmap_atomic(p);
	p = kmap_local_page(copy);
	CHECK(p && all_bytes(p, 7, 100));
	kunmap_local(p);
	set_fixmap(FIX_TEST, page_to_phys(copy));
	CHECK(all_bytes((void *)fix_to_virt(FIX_TEST), 7, 100));
	clear_fixmap(FIX_TEST);
	__free_page(page);
	__free_page(copy);
}

/* After the boot all of these answer, and refuse. */
SELFTEST(B3, names_of_memblock)
{
	unsigned long before = misuse_count(NR_MISUSE);
	int added, reserved;
	void *p;

	misuse_quiet(true);
	added = memblock_add(0, PAGE_SIZE);
	reserved = memblock_reserve(0, PAGE_SIZE);
	p = memblock_alloc(64, 64);
	memblock_free(__va(0), PAGE_SIZE);
	misuse_quiet(false);
	CHECK(added < 0 && reserved < 0 && !p);
	CHECK_EQ(misuse_count(NR_MISUSE), before + 4);
}
