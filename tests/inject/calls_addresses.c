/* SPDX-License-Identifier: MIT */
/*
 * calls_addresses.c: areas, mappings, rights; the address spaces of tasks.
 */
#include <quarry/highmem.h>
#include <quarry/pgtable.h>
#include <quarry/set_memory.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

#include "inject.h"

#define QUIET (GFP_KERNEL | __GFP_NOWARN)

/* ---- the kernel's ------------------------------------------------------------------------ */

static void *area;
static struct page *page, *some[5];

static bool take_area(void) { return (area = __vmalloc(5 * PAGE_SIZE, QUIET)) != NULL; }
static bool take_large_area(void) { return (area = __vmalloc(5UL << 20, QUIET)) != NULL; }
static bool take_cleared_area(void) { return (area = vzalloc(PAGE_SIZE)) != NULL; }
static void give_area(void) { vfree(area); }
static bool take_either(void) { return (area = kvmalloc(3 * PAGE_SIZE, QUIET)) != NULL; }
static void give_either(void) { kvfree(area); }

static bool map_pages(void)
{
	page = alloc_page(QUIET);
	if (!page)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(some); i++)
		some[i] = page;
	area = vmap(some, ARRAY_SIZE(some), 0, PAGE_KERNEL);
	if (!area)
		__free_page(page);
	return area != NULL;
}

static void unmap_pages(void)
{
	vunmap(area);
	__free_page(page);
}

static bool map_device(void) { return (area = ioremap((phys_addr_t)max_pfn << PAGE_SHIFT, 3 * PAGE_SIZE)) != NULL; }
static void unmap_device(void) { iounmap(area); }

SELFTEST(inject, areas)
{
	static const struct inject_call calls[] = {
		{ "vmalloc", take_area, give_area, 3 },
		{ "vmalloc, large", take_large_area, give_area, 3 },
		{ "vzalloc", take_cleared_area, give_area, 3 },
		{ "kvmalloc", take_either, give_either, 0 },
		{ "vmap", map_pages, unmap_pages, 2 },
		{ "ioremap", map_device, unmap_device, 1 },
	};

	inject_each(calls, ARRAY_SIZE(calls));
}

static bool map_high(void)
{
	page = alloc_page(GFP_HIGHUSER | __GFP_NOWARN);
	if (!page)
		return false;
	area = kmap(page);
	kunmap_local(kmap_local_page(page));
	kunmap_atomic(kmap_atomic(page));
	return area != NULL;
}

static void unmap_high(void)
{
	kunmap(page);
	__free_page(page);
}

static bool protect(void)
{
	page = alloc_page(QUIET);
	if (!page)
		return false;
	if (!set_memory_ro((unsigned long)page_address(page), 1))
		return true;
	__free_page(page);
	return false;
}

static void unprotect(void)
{
	if (set_memory_rw((unsigned long)page_address(page), 1))
		selftest_fail(__FILE__, __LINE__, "set_memory_rw failed");
	__free_page(page);
}

SELFTEST(inject, mappings)
{
	static const struct inject_call calls[] = {
		{ "kmap, kmap_local_page, kmap_atomic", map_high, unmap_high, 1 },
		{ "set_memory_ro", protect, unprotect, 1 },
	};

	inject_each(calls, ARRAY_SIZE(calls));
}

/* ---- tasks' ---------------------------------------------------------------------------------- */

#define AT 0x10000000ul
#define RW (VM_READ | VM_WRITE)

static struct mm_struct *mm;

static bool make_mm(void) { return (mm = mm_alloc()) != NULL; }
static void end_mm(void) { mm_free(mm); }

/* The rest of a call that works on an mm of its own: all goes with it. */
static bool or_end_mm(bool ok)
{
	if (mm_check(mm))
		selftest_fail(__FILE__, __LINE__, "mm_check: %d", mm_check(mm));
	if (!ok)
		end_mm();
	return ok;
}

static bool map_area(unsigned long len, unsigned flags)
{
	return make_mm() && or_end_mm(!mm_map(mm, AT, len, flags, "injected", NULL, NULL));
}

static bool make_area(void) { return map_area(16 * PAGE_SIZE, RW); }

static bool touch(unsigned long at)
{
	enum vm_fault f = handle_mm_fault(mm, at, FAULT_FLAG_WRITE | FAULT_FLAG_USER);

	if (f != VM_FAULT_OK && f != VM_FAULT_OOM)
		selftest_fail(__FILE__, __LINE__, "a fault ends in %d", (int)f);
	return f == VM_FAULT_OK;
}

static bool fault(void) { return make_area() && or_end_mm(touch(AT + 5 * PAGE_SIZE)); }
static bool fault_large(void) { return map_area(8UL << 20, RW | VM_HUGEPAGE) && or_end_mm(touch(AT + (5UL << 20))); }

static bool copy(void)
{
	u32 word = 42;

	return make_area() && or_end_mm(!copy_to_mm(mm, AT + PAGE_SIZE - 2, &word, sizeof(word)));
}

static bool cut(void) { return make_area() && or_end_mm(!mm_unmap(mm, AT + 4 * PAGE_SIZE, 4 * PAGE_SIZE)); }
static bool advise(void) { return make_area() && or_end_mm(!mm_advise_huge(mm, AT + 4 * PAGE_SIZE, 4 * PAGE_SIZE, true)); }

/* A page out of the middle of a large one, if there is a large one. */
static bool cut_large(void)
{
	return fault_large() && or_end_mm(!mm_unmap(mm, AT + (5UL << 20), PAGE_SIZE));
}

static bool grow_heap(void)
{
	if (!make_mm())
		return false;
	mm->start_brk = mm->brk = AT;
	return or_end_mm(mm_brk(mm, AT + 3 * PAGE_SIZE) == AT + 3 * PAGE_SIZE);
}

static bool fault_stack(void)
{
	return map_area(PAGE_SIZE, RW | VM_GROWSDOWN) && or_end_mm(touch(AT - 8));
}

static int fill(void *private, unsigned long offset, void *to)
{
	(void)private;
	*(unsigned long *)to = offset;
	return 0;
}

static bool fault_filled(void)
{
	static const struct vm_operations ops = { .fill = fill };

	return make_mm() && or_end_mm(!mm_map(mm, AT, 4 * PAGE_SIZE, VM_READ, "file", &ops, NULL)) &&
	       or_end_mm(handle_mm_fault(mm, AT + PAGE_SIZE, FAULT_FLAG_USER) == VM_FAULT_OK);
}

SELFTEST(inject, address_spaces)
{
	static const struct inject_call calls[] = {
		{ "mm_alloc", make_mm, end_mm, 2 },
		{ "mm_map", make_area, end_mm, 3 },
		{ "handle_mm_fault", fault, end_mm, 5 },
		{ "handle_mm_fault, large", fault_large, end_mm, 3 },
		{ "handle_mm_fault, stack", fault_stack, end_mm, 5 },
		{ "handle_mm_fault, from a file", fault_filled, end_mm, 5 },
		{ "copy_to_mm", copy, end_mm, 6 },
		{ "mm_unmap, middle", cut, end_mm, 4 },
		{ "mm_unmap, of a large page", cut_large, end_mm, 3 },
		{ "mm_advise_huge", advise, end_mm, 4 },
		{ "mm_brk", grow_heap, end_mm, 3 },
	};

	inject_each(calls, ARRAY_SIZE(calls));
}
