/* SPDX-License-Identifier: MIT */
/*
 * pae.c: row E6, three levels of tables and frames beyond 4 GiB; what of it holds on
 * every machine with so much memory is tested there, too.
 */
#include <quarry/highmem.h>
#include <quarry/memblock.h>
#include <quarry/vm.h>

#include "kernel/machine.h"
#include "kernel/sched.h"
#include "util.h"

#define FOUR_GIB_PFN (1ull << (32 - PAGE_SHIFT))
#define MOST_FRAMES (64ull << (30 - PAGE_SHIFT))	/* beyond, touching each takes too long */

SELFTEST(E6, two_nine_nine_twelve)
{
	unsigned long addr = 0xdeadbeef;

	if (PGTABLE_LEVELS != 3)
		SKIP("this build's tables have other levels");
	CHECK_EQ(pt_entries(3), 4);
	CHECK_EQ(pt_entries(2), 512);
	CHECK_EQ(pt_entries(1), 512);
	CHECK_EQ(sizeof(pte_t), 8);
	CHECK_EQ(pt_index(addr, 3), addr >> 30);
	CHECK_EQ(pt_index(addr, 2), addr >> 21 & 0x1ff);
	CHECK_EQ(pt_index(addr, 1), addr >> 12 & 0x1ff);
}

/* The processor took the four pointers when CR3 was loaded: they are sound, and stay as they are. */
SELFTEST(E6, four_pointers_that_stay)
{
	struct mm_struct *mm;
	pte_t before[4];
	unsigned i;

	if (!PT_TOP_FIXED)
		SKIP("this build's tables have other levels");
	mm = mm_alloc();
	CHECK(mm);
	for (i = 0; i < 4; i++) {
		before[i] = mm->pgd[i];
		CHECK(pte_present(before[i]));
		CHECK_EQ(before[i].val & 0x1c6, 0);	/* reserved in a pointer, as is 0x20, but QEMU sets that */
		CHECK(pte_pfn(before[i]) < FOUR_GIB_PFN);
	}
	CHECK_EQ(mm_map(mm, 0x10000000, 64 << 20, VM_READ | VM_WRITE, "heap", NULL, NULL), 0);
	for (i = 0; i < 64; i += 2)
		CHECK_EQ(handle_mm_fault(mm, 0x10000000ul + (i << 20), FAULT_FLAG_WRITE), VM_FAULT_OK);
	CHECK_EQ(mm_unmap(mm, 0x10000000, 64 << 20), 0);
	for (i = 0; i < 4; i++)
		CHECK_EQ(pte_pfn(mm->pgd[i]), pte_pfn(before[i]));
	mm_free(mm);
}

/* An entry is written so that no walk sees half of it, whatever was there before. */
SELFTEST(E6, entries_of_64_bits_read_back_whole)
{
	pfn_t far = (pfn_t)((PHYS_LIMIT >> PAGE_SHIFT) - 1);
	pte_t slot = { 0 }, a, b;

	a = mk_pte(far, PAGE_KERNEL);
	b = mk_pte(1, PAGE_KERNEL_RO);
	set_pte(&slot, a);
	CHECK(pte_pfn(slot) == far && pte_present(slot) && pte_write(slot));
	set_pte(&slot, b);
	CHECK(slot.val == b.val);
	set_pte(&slot, (pte_t){ 0 });
	CHECK(pte_none(slot));
}

SELFTEST(E6, page_tables_lie_below_4_GiB)
{
	struct mm_struct *mm = mm_alloc();
	struct pt_walk walk;
	int i;

	CHECK(mm);
	CHECK_EQ(mm_map(mm, 0x10000000, PAGE_SIZE, VM_READ | VM_WRITE, "heap", NULL, NULL), 0);
	CHECK_EQ(handle_mm_fault(mm, 0x10000000, FAULT_FLAG_WRITE), VM_FAULT_OK);
	pt_trace(mm->pgd, 0x10000000, &walk);
	mm_free(mm);
	CHECK_EQ(walk.steps, PGTABLE_LEVELS);
	for (i = 0; i < walk.steps && st_on_pc(); i++)
		CHECK(walk.step[i].table >> 32 == 0);
}

static u32 stamp(pfn_t pfn, unsigned i)
{
	return (u32)pfn * 2654435761u + i * 40503u + 1;
}

/* Sixteen words spread over the frame. */
#define STRIDE (PAGE_SIZE / 16 / sizeof(u32))

static void write_frame(struct page *page)
{
	volatile u32 *p = kmap_local_page(page);

	for (unsigned i = 0; i < 16; i++)
		p[i * STRIDE] = stamp(page_to_pfn(page), i);
	kunmap_local((const void *)p);
}

static bool frame_holds(struct page *page)
{
	const volatile u32 *p = kmap_local_page(page);
	bool good = true;

	for (unsigned i = 0; i < 16; i++)
		good &= p[i * STRIDE] == stamp(page_to_pfn(page), i);
	kunmap_local((const void *)p);
	return good;
}

/*
 * All free frames at once, so that two that were one behind the MMU would be found
 * out: every one is written, and only then the first is read.
 */
SELFTEST(E6, every_free_frame_holds_its_own_bytes)
{
	unsigned long n, done = 0, wrong = 0, beyond = 0;
	LIST_HEAD(taken);
	struct page *page;

	if (max_pfn <= FOUR_GIB_PFN)
		SKIP("no frame beyond 4 GiB");
	if (max_pfn > MOST_FRAMES)
		SKIP("more memory than can be touched in a test");
	st_settle();
	n = st_take(&taken, GFP_HIGH_ALL, 0, ~0UL);
	list_for_each_entry(page, &taken, lru) {
		write_frame(page);
		beyond += page_to_pfn(page) >= FOUR_GIB_PFN;
		if (++done % 65536 == 0)
			selftest_progress(done / 2, n);
	}
	list_for_each_entry(page, &taken, lru)
		wrong += !frame_holds(page);
	st_give(&taken, 0);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(done, n);
	CHECK(beyond > (max_pfn - FOUR_GIB_PFN) / 2);
}

/* A task cannot hold more than its addresses, but use up more than 4 GiB while it lives. */
SELFTEST(E6, a_task_uses_more_than_4_GiB_in_its_lifetime)
{
	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	if (max_pfn <= FOUR_GIB_PFN)
		SKIP("no frame beyond 4 GiB");
	CHECK_EQ(st_run("lifetime 5120"), 0);
}

/* Frames of memory in high memory below 4 GiB. */
static unsigned long high_below_4_GiB(void)
{
	unsigned long n = 0;

	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];
		phys_addr_t from = max(r->base, (phys_addr_t)max_low_pfn << PAGE_SHIFT);
		phys_addr_t to = min(r->base + r->size, FOUR_GIB_PFN << PAGE_SHIFT);

		n += from < to ? (unsigned long)((to - from) >> PAGE_SHIFT) : 0;
	}
	return n;
}

/* One that holds more than fits below 4 GiB has frames beyond. */
SELFTEST(E6, a_task_gets_frames_beyond_4_GiB)
{
	unsigned long beyond = 0, n = 256 + high_below_4_GiB(), addr;
	struct mm_struct *mm;
	struct pt_walk walk;
	pfn_t end;

	if (max_pfn < FOUR_GIB_PFN + n || n >= (TASK_SIZE - 0x10000000) >> PAGE_SHIFT)
		SKIP("too little memory beyond 4 GiB, or too few addresses");
	if (SPARSE_MEM_MAP && zone_of_pfn(max_pfn - 1, &end)->zone_start_pfn < FOUR_GIB_PFN)
		SKIP("a zone on both sides of 4 GiB comes online from below");
	mm = mm_alloc();
	CHECK(mm);
	CHECK_EQ(mm_map(mm, 0x10000000, n << PAGE_SHIFT, VM_READ | VM_WRITE, "heap", NULL, NULL), 0);
	for (addr = 0x10000000; n--; addr += PAGE_SIZE) {
		CHECK_EQ(handle_mm_fault(mm, addr, FAULT_FLAG_WRITE), VM_FAULT_OK);
		pt_trace(mm->pgd, addr, &walk);
		beyond += walk.phys >> 32 != 0;
	}
	mm_free(mm);
	CHECK(beyond > 0);
}

/* ---- NX: memory that is not code is not run ------------------------------------------ */

SELFTEST(E6, only_code_is_executable)
{
	bool nx = _PAGE_NX != 0 && machine_has_feature("nx");
	unsigned long low;
	int level;

	if (!st_on_machine())
		SKIP("a process has its host's pages");
	CHECK(pte_exec(*pt_lookup(swapper_pg_dir, (unsigned long)selftest_run, &level)));
	low = (unsigned long)high_memory - PAGE_SIZE;
	CHECK_EQ(pte_exec(*pt_lookup(swapper_pg_dir, low, &level)), !nx);
}

SELFTEST(E6, a_task_cannot_run_its_data)
{
	bool nx = _PAGE_NX != 0 && machine_has_feature("nx");

	if (!st_on_machine())
		SKIP("no ring 3 of our own here");
	CHECK_EQ(st_run("wild execute"), nx ? TASK_END_FAULT : 0);
}
