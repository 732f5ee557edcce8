/* SPDX-License-Identifier: MIT */
/*
 * selftest.c: what is true of long mode only; the rows are those of tests/selftest.
 */
#include "pc.h"

#include <quarry/highmem.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

#include "tests/selftest/util.h"

#define GB(n) ((phys_addr_t)(n) << 30)
#define PFN(bytes) ((pfn_t)((bytes) >> PAGE_SHIFT))
#define HOLE (1ul << 63)		/* an address of neither half */

static struct pt_walk walk_of(unsigned long addr)
{
	struct pt_walk walk;

	pt_trace(swapper_pg_dir, addr, &walk);
	return walk;
}

static bool five_levels(void)
{
	return read_cr4() & CR4_LA57;
}

/* ---- A: addresses and zones ------------------------------------------------------------ */

SELFTEST(A1, the_kernel_has_the_upper_half)
{
	CHECK_EQ(PGTABLE_LEVELS, five_levels() ? 5 : 4);
	CHECK_EQ(PAGE_OFFSET, five_levels() ? 0xff11000000000000 : 0xffff888000000000);
	CHECK_EQ(VMALLOC_START, five_levels() ? 0xffa0000000000000 : 0xffffc90000000000);
	CHECK_EQ(VMEMMAP_START, five_levels() ? 0xffd4000000000000 : 0xffffea0000000000);
	CHECK_EQ(TASK_SIZE, five_levels() ? (1ul << 56) - PAGE_SIZE : (1ul << 47) - PAGE_SIZE);
	CHECK((unsigned long)selftest_run >= 0xffffffff80100000);
	CHECK_EQ(__pa_symbol(_text), (unsigned long)_text + (2ul << 30));
	CHECK(VMALLOC_END < VMEMMAP_START && PAGE_OFFSET + PHYS_LIMIT <= VMALLOC_START);
}

SELFTEST(A2, dma32_reaches_to_4_gib)
{
	const struct zone *dma = st_zone(ZONE_DMA), *dma32 = st_zone(ZONE_DMA32), *normal = st_zone(ZONE_NORMAL);
	pfn_t end = 0;
	struct zone *z;

	CHECK_EQ(dma->zone_start_pfn + dma->spanned_pages, PFN(16ul << 20));
	CHECK_EQ(dma32->zone_start_pfn, PFN(16ul << 20));
	for_each_zone(z)
		if (z->type == ZONE_DMA32)
			end = max(end, z->zone_start_pfn + z->spanned_pages);
	CHECK_EQ(end, min(max_pfn, PFN(GB(4))));
	CHECK_EQ(populated_zone(normal), max_pfn > PFN(GB(4)));
	CHECK(!populated_zone(st_zone(ZONE_HIGHMEM)));
	if (populated_zone(normal))
		CHECK_EQ(normal->zone_start_pfn, max(PFN(GB(4)), NODE_DATA(normal->node)->node_start_pfn));
}

SELFTEST(A2, memory_beyond_4_gib_is_normal)
{
	struct page *page;
	u64 *word;

	if (max_pfn <= PFN(GB(4)))
		SKIP("no memory beyond 4 GiB");
	page = alloc_pages_node(st_zone(ZONE_NORMAL)->node, GFP_KERNEL, 0);
	CHECK(page);
	CHECK_EQ(page_zonenum(page), ZONE_NORMAL);
	CHECK(page_to_phys(page) >= GB(4));
	word = page_address(page);
	*word = page_to_phys(page);
	CHECK_EQ(*word, walk_of((unsigned long)word).phys);
	__free_page(page);
}

/* Both ends of each hole of the memory map beyond the first MiB. */
SELFTEST(A3, holes_are_not_mapped)
{
	phys_addr_t hole = 1 << 20;
	u32 value;

	for (unsigned i = 0; i <= memblock.memory.cnt; i++) {
		bool last = i == memblock.memory.cnt;
		phys_addr_t end = last ? PHYS_LIMIT : ALIGN(memblock.memory.regions[i].base, PAGE_SIZE);

		if (hole < end) {
			CHECK(!machine_probe_read((unsigned long)__va(hole), &value));
			CHECK(!machine_probe_read((unsigned long)__va(end - 4), &value));
		}
		if (!last)
			hole = max(hole, ALIGN_DOWN(memblock.memory.regions[i].base + memblock.memory.regions[i].size,
						    PAGE_SIZE));
	}
}

/* ---- C: flags ------------------------------------------------------------------------------ */

SELFTEST(C2, dma32_stays_below_4_gib)
{
	unsigned long n, above = 0, dma32 = 0;
	struct page *page;
	LIST_HEAD(taken);

	if (max_pfn <= PFN(GB(4)))
		SKIP("no memory beyond 4 GiB");
	n = st_take(&taken, GFP_KERNEL | __GFP_DMA32 | __GFP_NOWARN | __GFP_NORETRY, 0, ~0UL);
	list_for_each_entry(page, &taken, lru) {
		above += page_to_phys(page) >= GB(4);
		dma32 += page_zonenum(page) == ZONE_DMA32;
	}
	st_give(&taken, 0);
	CHECK(n > 0 && dma32 > 0);
	CHECK_EQ(above, 0);
}

/* ---- E1: what is left of segments ------------------------------------------------------------ */

SELFTEST(E1, code_is_64_bit_for_kernel_and_user)
{
	struct table_register r;
	const struct descriptor *gdt;

	__asm__ volatile("sgdt %0" : "=m"(r));
	gdt = (const struct descriptor *)r.base;
	CHECK_EQ(r.limit + 1u, GDT_ENTRIES * sizeof(*gdt));
	CHECK_EQ(gdt[KERNEL_CS >> 3].high >> 21 & 1, 1);
	CHECK_EQ(gdt[USER_CS >> 3].high >> 21 & 1, 1);
	CHECK_EQ(gdt[KERNEL_CS >> 3].high >> 13 & 3, 0);
	CHECK_EQ(gdt[USER_CS >> 3].high >> 13 & 3, 3);
	CHECK(st_contains(st_capture(machine_print_gdt), "base and limit are ignored"));
}

/* A data segment of one byte, with a base that must not be added: reading through it shows the word itself. */
SELFTEST(E1, base_and_limit_are_ignored)
{
	static struct descriptor gdt[GDT_ENTRIES + 1];
	static volatile u32 word = 0x600d;
	struct table_register theirs, ours = { sizeof(gdt) - 1, (unsigned long)gdt };
	unsigned selector = GDT_ENTRIES * 8;
	unsigned long flags = arch_irq_save();
	u32 seen;

	__asm__ volatile("sgdt %0" : "=m"(theirs));
	memcpy(gdt, (const void *)theirs.base, GDT_ENTRIES * sizeof(*gdt));
	gdt[GDT_ENTRIES] = gdt_descriptor(0x1000, 0, DATA0, 0);
	__asm__ volatile("lgdt %1; movl %2, %%ds; movl (%3), %0; movl %4, %%ds; lgdt %5"
			 : "=&r"(seen) : "m"(ours), "r"(selector), "r"(&word), "r"(KERNEL_DS), "m"(theirs)
			 : "memory");
	arch_irq_restore(flags);
	CHECK_EQ(seen, 0x600d);
	CHECK_EQ(machine_segment_base(false) | machine_segment_base(true), 0);
}

/* ---- E2: levels, and the hole between the halves ----------------------------------------------- */

SELFTEST(E2, nine_bits_a_level)
{
	unsigned long addr = 0xffffdeadbeef1234;

	CHECK_EQ(sizeof(pte_t), 8);
	CHECK_EQ(pt_entries(1), 512);
	for (int level = 1; level <= PGTABLE_LEVELS; level++)
		CHECK_EQ(pt_index(addr, level), addr >> (12 + 9 * (level - 1)) & 511);
	CHECK_EQ(walk_of((unsigned long)selftest_run).steps, PGTABLE_LEVELS);
}

SELFTEST(E2, between_the_halves_is_nothing)
{
	unsigned long end = TASK_SIZE + PAGE_SIZE;	/* the first address that is not canonical */
	unsigned long at[] = { HOLE, HOLE | 0x1000, end, 0ul - end - 4096, (unsigned long)_text & ~(1ul << 62) };
	struct mm_struct *mm = mm_alloc();
	u32 value;

	CHECK(mm);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		CHECK(!pt_canonical(at[i]));
		CHECK(!machine_probe_read(at[i], &value) && !machine_probe_write(at[i], 1));
		CHECK(!walk_of(at[i]).present);
		CHECK_EQ(walk_of(at[i]).steps, 0);
		CHECK_EQ(pt_map_range(swapper_pg_dir, at[i] & PAGE_MASK, PAGE_SIZE, 1, PAGE_KERNEL, false,
				      &pt_ops_kernel), -EINVAL);
		CHECK_EQ(mm_map(mm, at[i] & PAGE_MASK, PAGE_SIZE, VM_READ, "hole", NULL, NULL), -EINVAL);
		CHECK_EQ(copy_from_mm(mm, &value, at[i], 4), 4);
	}
	CHECK(pt_canonical(end - 1) && pt_canonical(0ul - end) && pt_canonical(0) && pt_canonical(~0ul));
	mm_free(mm);
}

/* ---- E5: what the processor can ------------------------------------------------------------------ */

static void cpuid(u32 leaf, u32 r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

SELFTEST(E5, long_mode_features_are_those_of_cpuid)
{
	const char *words = machine_cmdline();
	u32 r[4];

	cpuid(0x80000001, r);
	CHECK_EQ(machine_has_feature("nx"), (r[3] >> 20 & 1) && !st_contains(words, "nonx"));
	CHECK_EQ(machine_has_feature("pdpe1gb"), (r[3] >> 26 & 1) && !st_contains(words, "nogbpages"));
	cpuid(0, r);
	if (r[0] < 7)
		SKIP("this processor has no leaf 7 of CPUID");
	cpuid(7, r);
	CHECK_EQ(five_levels(), (r[2] >> 16 & 1) && !st_contains(words, "nola57"));
}

/* The largest page that is aligned to its size, and whole in one region of memory. */
static unsigned long best_page(phys_addr_t phys)
{
	unsigned long best = PAGE_SIZE;

	for (int level = 2; level <= (machine_has_feature("pdpe1gb") ? 3 : 2); level++) {
		phys_addr_t size = 1ull << pt_shift(level), start = ALIGN_DOWN(phys, size);

		for (unsigned i = 0; i < memblock.memory.cnt; i++) {
			const struct memblock_region *r = &memblock.memory.regions[i];

			if (max(r->base, (phys_addr_t)1 << 20) <= start && start + size <= r->base + r->size)
				best = size;
		}
	}
	return best;
}

SELFTEST(E5, the_direct_map_has_the_largest_pages_that_fit)
{
	unsigned long step = 2ul << 20, large = 0;
	phys_addr_t end = (phys_addr_t)max_pfn << PAGE_SHIFT;

	for (phys_addr_t phys = 1 << 20; phys < end; phys = ALIGN_DOWN(phys + step, step)) {
		struct pt_walk walk = walk_of((unsigned long)__va(phys));

		if (!st_frame_free_at_boot(PFN(phys)))
			continue;
		CHECK(walk.present && walk.phys == phys);
		CHECK_EQ(walk.page_size, best_page(phys));
		CHECK_EQ(pte_global(walk.step[walk.steps - 1].entry), machine_has_feature("pge"));
		large += walk.page_size > PAGE_SIZE;
	}
	CHECK(large > 0);
}

SELFTEST(E5, only_text_may_be_run_and_not_written)
{
	unsigned long exec = 0, strange = 0;
	void *area = vmalloc(1), *object = kmalloc(8, GFP_KERNEL);
	int level;

	CHECK(area && object);
	for (const char *p = _text; p < _end; p += PAGE_SIZE) {
		pte_t e = *pt_lookup(swapper_pg_dir, (unsigned long)p, &level);
		bool text = p < _etext, data = p >= _data && p < _ebss;

		strange += pte_write(e) != data;
		exec += pte_exec(e);
		if (machine_has_feature("nx"))
			strange += pte_exec(e) != text;
	}
	CHECK(exec > 0);
	CHECK_EQ(strange, 0);
	CHECK(!machine_probe_write((unsigned long)_text, 1) && !machine_probe_write((unsigned long)_rodata, 1));
	CHECK_EQ(pte_exec(*pt_lookup(swapper_pg_dir, (unsigned long)area, &level)), !machine_has_feature("nx"));
	CHECK_EQ(pte_exec(*pt_lookup(swapper_pg_dir, (unsigned long)object, &level)), !machine_has_feature("nx"));
	vfree(area);
	kfree(object);
}

/* ---- E7, F2 ---------------------------------------------------------------------------------------- */

static bool far_page_works(struct mm_struct *mm, unsigned long at)
{
	u64 value = at ^ 0x5eed, seen = 0;
	struct pt_walk walk;

	if (mm_map(mm, at, 2 * PAGE_SIZE, VM_READ | VM_WRITE, "far", NULL, NULL) ||
	    copy_to_mm(mm, at + PAGE_SIZE - 4, &value, 8) || copy_from_mm(mm, &seen, at + PAGE_SIZE - 4, 8))
		return false;
	pt_trace(mm->pgd, at + PAGE_SIZE, &walk);
	return seen == value && walk.present && walk.steps == PGTABLE_LEVELS;
}

SELFTEST(E7, memory_far_above_4_gib_of_addresses)
{
	struct mm_struct *mm = mm_alloc();

	CHECK(mm);
	CHECK(far_page_works(mm, 0x7f0000000000));
	CHECK(far_page_works(mm, TASK_SIZE - 2 * PAGE_SIZE));
	if (five_levels())
		CHECK(far_page_works(mm, 1ul << 50));
	else
		CHECK(!far_page_works(mm, 1ul << 50));
	CHECK_EQ(mm->rss, five_levels() ? 6 : 4);
	CHECK_EQ(mm_check(mm), 0);
	mm_free(mm);
}

/* Where no address is, the processor speaks of general protection, not of a page. */
SELFTEST(E7, an_access_between_the_halves_ends_the_task)
{
	int pid = task_run("wild hole");

	CHECK(pid > 0);
	CHECK_EQ(thread_wait(pid), TASK_END_TRAP);
}

SELFTEST(F2, kmap_is_the_permanent_address)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	struct kmap_info info;

	CHECK(page && !PageHighMem(page));
	CHECK(kmap(page) == page_address(page));
	CHECK(kmap(page) == __va(page_to_phys(page)));
	kunmap(page);
	kunmap(page);
	kmap_get_info(&info);
	CHECK_EQ(info.slots | info.used | info.flushes, 0);
	CHECK(kmap_local_page(page) == page_address(page));
	kunmap_local(page_address(page));
	__free_page(page);
}
