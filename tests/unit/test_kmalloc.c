/* SPDX-License-Identifier: MIT */
/* test_kmalloc.c: memory of any size (row D4), on a whole system in a process. */
#include "unit.h"

#include <string.h>

#include "mm/slab/slab_internal.h"

#define MB (1024UL * 1024)

static void setup(void)
{
	unit_boot(64 * MB, 32 * MB);
	misuse_quiet(true);
}

#define EXPECT_MISUSE(kind, word, call) do {						\
	unsigned long before_ = misuse_count(kind), all_ = misuse_count(NR_MISUSE);	\
	call;										\
	ck_assert_uint_eq(misuse_count(kind), before_ + 1);				\
	ck_assert_uint_eq(misuse_count(NR_MISUSE), all_ + 1);				\
	ck_assert_msg(strstr(misuse_last(), word), "\"%s\" says nothing of %s", misuse_last(), word); \
} while (0)

static const unsigned classes[NR_KMALLOC_CLASSES] = {
	8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192,
};

static const char *cache_of(const void *p)
{
	return kmem_cache_name(page_slab_cache(virt_to_page(p)));
}

START_TEST(D4_every_size_gets_the_smallest_class_that_fits)
{
	unsigned size, class = 0;

	setup();
	for (size = 1; size <= 8192; size++) {
		void *p = __kmalloc(size, GFP_KERNEL);

		class += size > classes[class];
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(ksize(p), classes[class]);
		ck_assert_uint_eq(kmalloc_index(size), class);
		if (!(classes[class] & (classes[class] - 1)))
			ck_assert(IS_ALIGNED((unsigned long)p, classes[class]));
		ck_assert(IS_ALIGNED((unsigned long)p, ARCH_KMALLOC_MINALIGN));
		memset(p, 0x5a, size);
		kfree(p);
	}
	unit_teardown();
}
END_TEST

/* What the compiler picks for a constant is what the table picks at run time. */
#define SAME(size) do {									\
	void *a_ = kmalloc(size, GFP_KERNEL), *b_ = __kmalloc(size, GFP_KERNEL);	\
	ck_assert_str_eq(cache_of(a_), cache_of(b_));					\
	kfree(a_);									\
	kfree(b_);									\
	a_ = kmalloc(size, GFP_KERNEL | GFP_DMA);					\
	ck_assert(strncmp(cache_of(a_), "dma-kmalloc-", 12) == 0);			\
	ck_assert_uint_eq(page_zonenum(virt_to_page(a_)), ZONE_DMA);			\
	ck_assert_uint_eq(ksize(a_), ksize(memset(a_, 1, size)));			\
	kfree(a_);									\
} while (0)

START_TEST(D4_constant_sizes_and_dma)
{
	void *(*fn)(size_t, gfp_t) = kmalloc;
	void *p;

	setup();
	SAME(1); SAME(8); SAME(9); SAME(17); SAME(33); SAME(65); SAME(97); SAME(129); SAME(193);
	SAME(257); SAME(513); SAME(1025); SAME(2049); SAME(4096); SAME(4097); SAME(8192);
	p = fn(100, GFP_KERNEL);
	ck_assert_str_eq(cache_of(p), "kmalloc-128");
	kfree(p);
	p = kmalloc(8192, GFP_ATOMIC);
	ck_assert_str_eq(cache_of(p), "kmalloc-8k");
	kfree(p);
	p = kmalloc_node(100, GFP_KERNEL, 0);
	ck_assert_str_eq(cache_of(p), "kmalloc-128");
	kfree(p);
	unit_teardown();
}
END_TEST

START_TEST(D4_large_sizes_are_whole_blocks)
{
	unsigned long before, pages;
	size_t size;
	char *p;

	setup();
	for (size = 8193; size <= KMALLOC_MAX_SIZE; size += size / 3) {
		before = kmalloc_large_pages;
		p = kmalloc(size, GFP_KERNEL);
		ck_assert_ptr_nonnull(p);
		pages = ksize(p) >> PAGE_SHIFT;
		ck_assert_uint_ge(ksize(p), size);
		ck_assert_uint_lt(ksize(p) / 2, size);
		ck_assert_uint_eq(kmalloc_large_pages, before + pages);
		ck_assert(PageLargeKmalloc(virt_to_page(p)));
		ck_assert_uint_eq(page_to_pfn(virt_to_page(p)) & (pages - 1), 0);
		memset(p, 0x77, size);
		ck_assert_int_eq(slab_check(NULL), 0);
		EXPECT_MISUSE(MISUSE_MIDDLE, "kfree", kfree(p + 1));
		EXPECT_MISUSE(MISUSE_MIDDLE, "kfree", kfree(p + PAGE_SIZE));
		EXPECT_MISUSE(MISUSE_MIDDLE, "kfree", kfree(p + ksize(p) - 1));
		kfree(p);
		ck_assert_uint_eq(kmalloc_large_pages, before);
		EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "kfree", kfree(p));
		EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "kfree", kfree(p + PAGE_SIZE));
	}
	unit_teardown();
}
END_TEST

START_TEST(D4_sizes_out_of_range)
{
	const size_t half = (size_t)1 << (4 * sizeof(half));	/* half the bits: half * half is 0 */
	void *p = NULL;

	setup();
	ck_assert_ptr_eq(kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	ck_assert_ptr_eq(__kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	ck_assert_ptr_eq(kcalloc(0, 10, GFP_KERNEL), ZERO_SIZE_PTR);
	ck_assert_uint_eq(ksize(ZERO_SIZE_PTR), 0);
	kfree(ZERO_SIZE_PTR);
	kfree(NULL);
	EXPECT_MISUSE(MISUSE_SIZE, "kmalloc", p = kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	ck_assert_ptr_null(p);
	EXPECT_MISUSE(MISUSE_SIZE, "kmalloc", p = kmalloc(~(size_t)0, GFP_KERNEL));
	ck_assert_ptr_null(p);
	EXPECT_MISUSE(MISUSE_SIZE, "kmalloc_array", p = kmalloc_array(~(size_t)0 / 2, 3, GFP_KERNEL));
	ck_assert_ptr_null(p);
	EXPECT_MISUSE(MISUSE_SIZE, "kmalloc_array", p = kcalloc(half, half, GFP_KERNEL));
	ck_assert_ptr_null(p);
	/* exhaustion is not misuse */
	p = kmalloc(KMALLOC_MAX_SIZE, GFP_KERNEL);
	ck_assert_ptr_nonnull(p);
	kfree(p);
	unit_teardown();
}
END_TEST

START_TEST(D4_cleared_memory)
{
	unsigned size, i;

	setup();
	for (size = 1; size < 40000; size += 1 + size / 2) {
		unsigned char *p = kmalloc(size, GFP_KERNEL), sum = 0;

		memset(p, 0xff, ksize(p));
		kfree(p);
		p = kzalloc(size, GFP_KERNEL);
		ck_assert_ptr_nonnull(p);
		for (i = 0; i < ksize(p); i++)
			sum |= p[i];
		ck_assert_uint_eq(sum, 0);
		kfree(p);
	}
	unit_teardown();
}
END_TEST

START_TEST(D4_krealloc)
{
	unsigned char *p, *q;
	unsigned i;

	setup();
	p = krealloc(NULL, 10, GFP_KERNEL);
	ck_assert_uint_eq(ksize(p), 16);
	for (i = 0; i < 10; i++)
		p[i] = (u8)(i + 1);
	ck_assert_ptr_eq(krealloc(p, 16, GFP_KERNEL), p);
	ck_assert_ptr_eq(krealloc(p, 3, GFP_KERNEL), p);
	memset(p + 10, 0xee, 6);
	q = krealloc(p, 1000, GFP_KERNEL | __GFP_ZERO);
	ck_assert_ptr_ne(q, p);
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(q[i], i + 1);
	for (i = 16; i < 1024; i++)
		ck_assert_uint_eq(q[i], 0);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "krealloc", ck_assert_ptr_null(krealloc(p, 20, GFP_KERNEL)));
	p = krealloc(q, 100000, GFP_KERNEL);
	ck_assert_uint_eq(p[9], 10);
	EXPECT_MISUSE(MISUSE_SIZE, "krealloc", ck_assert_ptr_null(krealloc(p, ~(size_t)0, GFP_KERNEL)));
	EXPECT_MISUSE(MISUSE_MIDDLE, "krealloc", ck_assert_ptr_null(krealloc(p + 8, 300000, GFP_KERNEL)));
	ck_assert_uint_eq(p[9], 10);
	ck_assert_ptr_eq(krealloc(p, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "kfree", kfree(p));
	p = krealloc(ZERO_SIZE_PTR, 8, GFP_KERNEL);
	kfree(p);
	unit_teardown();
}
END_TEST

/* krealloc that finds no memory leaves everything as it was. */
START_TEST(D4_krealloc_without_memory)
{
	unsigned char *p;
	struct page *page;
	LIST_HEAD(taken);
	unsigned order;

	setup();
	p = kmalloc(100, GFP_KERNEL);
	memset(p, 0x3c, 100);
	for (order = MAX_PAGE_ORDER + 1; order-- > 3;)
		while ((page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order))) {
			page->private = order;
			list_add(&page->lru, &taken);
		}
	ck_assert_ptr_null(krealloc(p, 60000, GFP_KERNEL | __GFP_NOWARN));
	ck_assert_uint_eq(p[99], 0x3c);
	kfree(p);
	while (!list_empty(&taken)) {
		page = list_first_entry(&taken, struct page, lru);
		list_del(&page->lru);
		__free_pages(page, (unsigned)page->private);
	}
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	unit_teardown();
}
END_TEST

START_TEST(D4_what_kfree_refuses)
{
	static char image[64];
	char stack[64];
	unsigned long addr;
	char *p;

	setup();
	p = kmalloc(64, GFP_KERNEL);
	EXPECT_MISUSE(MISUSE_MIDDLE, "1 bytes into object", kfree(p + 1));
	EXPECT_MISUSE(MISUSE_MIDDLE, "63 bytes into object", kfree(p + 63));
	EXPECT_MISUSE(MISUSE_FOREIGN, "direct map", kfree(stack));
	EXPECT_MISUSE(MISUSE_FOREIGN, "direct map", kfree(image));
	EXPECT_MISUSE(MISUSE_FOREIGN, "direct map", kfree((void *)0x1234));
	EXPECT_MISUSE(MISUSE_FOREIGN, "direct map", kfree((void *)~0UL));
	EXPECT_MISUSE(MISUSE_FOREIGN, "direct map", kfree(high_memory));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "vmalloc", kfree((void *)VMALLOC_START));
	EXPECT_MISUSE(MISUSE_RESERVED, "reserved", kfree((void *)PAGE_OFFSET));
	addr = __get_free_pages(GFP_KERNEL, 2);
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "no slab", kfree((void *)addr));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, "no slab", kfree((void *)(addr + PAGE_SIZE)));
	free_pages(addr, 2);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "is free", kfree((void *)addr));
	EXPECT_MISUSE(MISUSE_MIDDLE, "ksize", ck_assert_uint_eq(ksize(p + 8), 0));
	kfree(p);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "of kmalloc-64", kfree(p));
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "ksize", ck_assert_uint_eq(ksize(p), 0));
	unit_teardown();
}
END_TEST

START_TEST(B6_masks_of_kmalloc)
{
	void *p = NULL;

	setup();
	EXPECT_MISUSE(MISUSE_GFP, "kmalloc-64", p = kmalloc(64, GFP_HIGHUSER));
	EXPECT_MISUSE(MISUSE_GFP, "kmalloc(", p = kmalloc(100000, GFP_HIGHUSER));
	EXPECT_MISUSE(MISUSE_GFP, "kmalloc(", p = kmalloc(100000, GFP_KERNEL | __GFP_DMA32));
	EXPECT_MISUSE(MISUSE_GFP, "kmalloc-8", p = kmalloc(8, __GFP_MEMALLOC | __GFP_NOMEMALLOC));
	EXPECT_MISUSE(MISUSE_GFP, "kmalloc-8", p = kmalloc(8, GFP_KERNEL | 1u << 30));
	preempt_disable();
	EXPECT_MISUSE(MISUSE_CONTEXT, "kmalloc-64", p = kmalloc(64, GFP_KERNEL));
	EXPECT_MISUSE(MISUSE_CONTEXT, "kmalloc(100000", p = kmalloc(100000, GFP_KERNEL));
	preempt_enable();
	ck_assert_ptr_null(p);
	unit_teardown();
}
END_TEST

UNIT_SUITE(kmalloc, D4_every_size_gets_the_smallest_class_that_fits, D4_constant_sizes_and_dma,
	   D4_large_sizes_are_whole_blocks, D4_sizes_out_of_range, D4_cleared_memory, D4_krealloc,
	   D4_krealloc_without_memory, D4_what_kfree_refuses, B6_masks_of_kmalloc)
