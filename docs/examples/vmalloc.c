/* SPDX-License-Identifier: MIT */
/*
 * Example: memory that is contiguous in addresses only.
 */
#include <kernel/machine.h>
#include <linux/mm.h>
#include <linux/set_memory.h>
#include <linux/vmalloc.h>
#include <tests/selftest/selftest.h>

SELFTEST(example, vmalloc)
{
	unsigned long size = 100 * PAGE_SIZE;	/* may well fail as one block of pages */
	char *table = vmalloc(size);

	CHECK(table);
	CHECK(is_vmalloc_addr(table));
	table[size - 1] = 1;
	CHECK(vmalloc_to_page(table) != NULL);	/* each page has a frame of its own, somewhere */
	CHECK_EQ(vmalloc_to_pfn(table), page_to_pfn(vmalloc_to_page(table)));
	vfree(table);

	table = vzalloc(size);
	CHECK(table);
	CHECK_EQ(table[size / 2], 0);
	vfree(table);
}

/* Frames that you own, made contiguous for a while. */
SELFTEST(example, vmap)
{
	struct page *pages[3];
	int *window;

	for (int i = 0; i < 3; i++) {
		pages[i] = alloc_page(GFP_HIGHUSER);
		CHECK(pages[i]);
	}
	window = vmap(pages, 3, VM_MAP, PAGE_KERNEL);
	CHECK(window);
	window[3 * PAGE_SIZE / sizeof(int) - 1] = 7;
	vunmap(window);				/* the frames stay yours */
	for (int i = 0; i < 3; i++)
		__free_page(pages[i]);
}

/* "Contiguous if you can, scattered if you must", and one call to free either. */
SELFTEST(example, kvmalloc)
{
	void *small = kvmalloc(64, GFP_KERNEL), *large = kvzalloc(300 * PAGE_SIZE, GFP_KERNEL);

	CHECK(small && large);
	CHECK(!is_vmalloc_addr(small));
	kvfree(small);
	kvfree(large);
}

/* A table that nobody may change once it is made: who tries, faults. */
SELFTEST(example, set_memory_ro)
{
	u32 *table = vzalloc(2 * PAGE_SIZE);
	unsigned long at = (unsigned long)table;

	CHECK(table);
	table[0] = 4711;
	CHECK_EQ(set_memory_ro(at, 1), 0);
	CHECK(!machine_probe_write(at, 1));
	CHECK_EQ(table[0], 4711);
	CHECK(machine_probe_write(at + PAGE_SIZE, 1));	/* the second page is as it was */
	CHECK_EQ(set_memory_rw(at, 1), 0);
	CHECK(machine_probe_write(at, 1));
	vfree(table);
}
