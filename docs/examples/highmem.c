/* SPDX-License-Identifier: MIT */
/*
 * Example: reaching frames that have no address of their own.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <tests/selftest/selftest.h>

SELFTEST(example, kmap)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	unsigned *window;

	CHECK(page);
	window = kmap(page);			/* may sleep until a slot is free */
	CHECK(window);
	CHECK(page_address(page) == window);
	CHECK(kmap_to_page(window) == page);
	window[0] = 42;
	kunmap(page);				/* takes the page, not the address */
	__free_page(page);
}

SELFTEST(example, kmap_local)
{
	struct page *from = alloc_page(GFP_HIGHUSER), *to = alloc_page(GFP_HIGHUSER);
	unsigned *a, *b;

	CHECK(from && to);
	clear_highpage(from);
	a = kmap_local_page(from);
	b = kmap_local_page(to);		/* nested */
	a[5] = 42;
	b[5] = a[5];
	kunmap_local(b);			/* the last mapped goes first */
	kunmap_local(a);

	zero_user(from, 20, 4);			/* clears bytes 20 ... 23 */
	copy_highpage(to, from);
	b = kmap_local_page(to);
	CHECK_EQ(b[5], 0);
	kunmap_local(b);
	__free_page(from);
	__free_page(to);
}

/* In an interrupt or under a lock: this CPU's slot for that purpose. */
SELFTEST(example, kmap_atomic)
{
	struct page *page = alloc_page(GFP_ATOMIC | __GFP_HIGHMEM);
	char *window;

	CHECK(page);
	window = kmap_atomic(page, KM_USER0);	/* no sleeping from here ... */
	window[0] = 1;
	kunmap_atomic(window, KM_USER0);	/* ... to here */

	window = kmap_atomic(page);		/* newer code gives no type */
	CHECK_EQ(window[0], 1);
	kunmap_atomic(window);
	__free_page(page);
}

/* An address known when the kernel is compiled, for a page known when it runs. */
SELFTEST(example, fixmap)
{
	unsigned long addr = get_zeroed_page(GFP_KERNEL);
	volatile unsigned *window = (void *)fix_to_virt(FIX_TEST);

	CHECK(addr);
	set_fixmap(FIX_TEST, virt_to_phys((void *)addr));
	*window = 42;
	CHECK_EQ(*(unsigned *)addr, 42);
	clear_fixmap(FIX_TEST);
	free_page(addr);
}
