/* SPDX-License-Identifier: MIT */
/*
 * Example: page frames.  Every example in this folder is built into the kernel
 * and run by `selftest example`, so what it shows is true.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <tests/selftest/selftest.h>

/* One page with an address, cleared: the everyday case. */
SELFTEST(example, one_page)
{
	unsigned long addr = get_zeroed_page(GFP_KERNEL);
	int *counters = (int *)addr;

	CHECK(addr);
	counters[0]++;
	CHECK_EQ(counters[0], 1);
	free_page(addr);

	addr = __get_free_page(GFP_KERNEL);	/* the same, not cleared */
	CHECK(addr);
	free_page(addr);
}

/* Four pages in a row, for a device that wants them contiguous. */
SELFTEST(example, contiguous_pages)
{
	unsigned order = get_order(16 * 1024);
	unsigned long addr = __get_free_pages(GFP_KERNEL, order);

	CHECK_EQ(order, 2);
	CHECK(addr);
	CHECK_EQ(virt_to_phys((void *)(addr + 3 * PAGE_SIZE)), virt_to_phys((void *)addr) + 3 * PAGE_SIZE);
	CHECK(phys_to_virt(virt_to_phys((void *)addr)) == (void *)addr);
	CHECK(__va(__pa(addr)) == (void *)addr);
	free_pages(addr, order);		/* with the order it was taken with */
}

/* A frame by its struct page: the only way to high memory. */
SELFTEST(example, struct_page)
{
	struct page *page = alloc_page(GFP_HIGHUSER);

	CHECK(page);
	CHECK_EQ(page_count(page), 1);
	CHECK(pfn_to_page(page_to_pfn(page)) == page);
	CHECK_EQ(page_to_phys(page), (phys_addr_t)page_to_pfn(page) << PAGE_SHIFT);
	if (!PageHighMem(page))			/* then it has an address for ever */
		CHECK(virt_to_page(page_address(page)) == page);
	__free_page(page);
	CHECK_EQ(page_count(page), 0);
}

/* Two users of one frame: the last one out frees it. */
SELFTEST(example, shared_page)
{
	struct page *page = alloc_pages_node(0, GFP_KERNEL, 0);

	CHECK(page);
	get_page(page);				/* the second user comes */
	put_page(page);				/* and goes */
	CHECK_EQ(page_count(page), 1);
	put_page(page);
	CHECK_EQ(page_count(page), 0);
}

/* Memory for an old device with 24 address lines. */
SELFTEST(example, dma_page)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_DMA, 1);

	CHECK(page);
	CHECK(page_to_phys(page) + 2 * PAGE_SIZE <= 16 << 20);
	__free_pages(page, 1);
}

/* A block whose frames go different ways. */
SELFTEST(example, split_page_and_free_contig_range)
{
	struct page *block = alloc_pages(GFP_KERNEL, 3);	/* eight frames */

	CHECK(block);
	split_page(block, 3);			/* now each is a page by itself */
	get_page(block + 5);			/* somebody else uses this one, too */
	free_contig_range(page_to_pfn(block), 8);
	CHECK_EQ(page_count(block + 4), 0);
	CHECK_EQ(page_count(block + 5), 1);	/* and it outlives the others */
	put_page(block + 5);
}
