/* SPDX-License-Identifier: MIT */
/*
 * translate.c: rows E1-E5, from a logical address to a physical one.
 */
#include <quarry/highmem.h>
#include <quarry/string.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "kernel/sched.h"
#include "util.h"

/* ---- E1: segmentation ---------------------------------------------------------------- */

SELFTEST(E1, flat_segments)
{
	const char *text = st_capture(machine_print_gdt);

	if (!machine_has_feature("ring3"))
		SKIP("a process does not see its descriptors");
	CHECK_EQ(machine_segment_base(false), 0);
	CHECK_EQ(machine_segment_base(true), 0);
	CHECK(strlen(text) > 0);
}

/* The processor's own table, decoded here once more, bit by bit (Intel's manual, volume 3, 3.4.5). */
struct descriptor { u32 low, high; };

static unsigned long desc_base(struct descriptor d)
{
	return d.low >> 16 | (d.high & 0xff) << 16 | (d.high & 0xff000000);
}

static unsigned long desc_limit(struct descriptor d)
{
	unsigned long limit = (d.low & 0xffff) | (d.high & 0xf0000);

	return d.high & 1u << 23 ? limit << 12 | 0xfff : limit;
}

static void read_gdtr(u16 *limit, unsigned long *base)
{
	struct { u16 limit; unsigned long base; } __attribute__((packed)) r = { 0 };

	__asm__ volatile("sgdt %0" : "=m"(r));
	*limit = r.limit;
	*base = r.base;
}

SELFTEST(E1, code_and_data_for_kernel_and_user)
{
	unsigned seen[4] = { 0 }, i;	/* kernel code, kernel data, user code, user data */
	unsigned long base;
	u16 limit;

	if (!st_on_pc())
		SKIP("not i386: no descriptors to see, or their limits do not count");
	read_gdtr(&limit, &base);
	for (i = 0; i < (limit + 1u) / sizeof(struct descriptor); i++) {
		struct descriptor d = ((struct descriptor *)base)[i];
		bool segment = (d.high >> 12 & 1) && (d.high >> 15 & 1), code = d.high >> 11 & 1;

		if (!segment || desc_base(d) != 0)
			continue;	/* empty, a task state, or a CPU's own data */
		CHECK_EQ(desc_limit(d), 0xffffffffu);
		seen[(d.high >> 13 & 3 ? 2 : 0) + (code ? 0 : 1)]++;
	}
	seen[1] -= seen[1] == 2;	/* CPU 0 reaches its own data through a base of 0, too */
	for (i = 0; i < 4; i++)
		CHECK_EQ(seen[i], 1);
}

/* ---- E2: two levels -------------------------------------------------------------------- */

/* A walk of our own, as the processor does it, from the directory that is loaded. */
static bool hand_walk(phys_addr_t root, unsigned long addr, phys_addr_t *phys)
{
	pte_t *table = __va(root);
	int level;

	for (level = PGTABLE_LEVELS; ; level--) {
		unsigned shift = pt_shift(level);
		pte_t e = table[addr >> shift & (pt_entries(level) - 1)];

		if (!(e.val & 1))
			return false;
		if (level == 1 || pte_huge(e)) {
			unsigned long in_page = addr & ((1UL << shift) - 1);

			*phys = ((phys_addr_t)pte_pfn(e) << PAGE_SHIFT) + in_page;
			return true;
		}
		table = __va((phys_addr_t)pte_pfn(e) << PAGE_SHIFT);
	}
}

static bool walks_agree(pte_t *root, phys_addr_t root_phys, unsigned long addr)
{
	struct pt_walk walk;
	phys_addr_t phys = 0;
	bool present = hand_walk(root_phys, addr, &phys);

	pt_trace(root, addr, &walk);
	return walk.present == present && (!present || walk.phys == phys);
}

SELFTEST(E2, cr3_walked_by_hand_equals_the_trace)
{
	phys_addr_t root = arch_pt_root();
	unsigned long i;

	/* Every 4 MiB, then places chosen by chance, mapped and not. */
	for (i = 0; i < 1024; i++)
		CHECK(walks_agree(__va(root), root, i << 22));
	for (i = 0; i < 20000; i++)
		CHECK(walks_agree(__va(root), root, (unsigned long)st_random()));
	CHECK(walks_agree(__va(root), root, (unsigned long)selftest_run));
	CHECK(walks_agree(__va(root), root, (unsigned long)&root));
}

SELFTEST(E2, ten_ten_twelve)
{
	unsigned long addr = 0xdeadbeef;

	if (PGTABLE_LEVELS != 2)
		SKIP("this build's tables have other levels");
	CHECK_EQ(pt_entries(2), 1024);
	CHECK_EQ(pt_entries(1), 1024);
	CHECK_EQ(sizeof(pte_t), 4);
	CHECK_EQ(pt_index(addr, 2), addr >> 22);
	CHECK_EQ(pt_index(addr, 1), addr >> 12 & 0x3ff);
}

SELFTEST(E2, a_zero_entry_faults)
{
	char *area = vmalloc(3 * PAGE_SIZE);
	unsigned long guard = (unsigned long)area + 3 * PAGE_SIZE;
	int level;
	pte_t *e;
	u32 value;

	CHECK(area);
	*(u32 *)(area + 2 * PAGE_SIZE) = 4711;
	CHECK(machine_probe_read((unsigned long)area + 2 * PAGE_SIZE, &value));
	CHECK_EQ(value, 4711);
	e = pt_lookup(swapper_pg_dir, guard, &level);
	CHECK(pte_none(*e));
	CHECK(!machine_probe_read(guard, &value));
	CHECK(!machine_probe_write(guard, 1));
	vfree(area);
	vmalloc_purge();
	CHECK(!machine_probe_read((unsigned long)area + 2 * PAGE_SIZE, &value));
}

SELFTEST(E2, paging_is_on)
{
	phys_addr_t root = arch_pt_root();

	CHECK(root && IS_ALIGNED(root, (phys_addr_t)PAGE_SIZE));
	CHECK(root < (phys_addr_t)max_low_pfn << PAGE_SHIFT);
}

/* ---- E3: the worked example ------------------------------------------------------------- */

#define EXAMPLE 0x80495b0ul

SELFTEST(E3, the_example_in_an_address_space)
{
	struct mm_struct *mm = mm_alloc();
	struct pt_walk walk;
	u32 value = 0x1234567, seen = 0;
	phys_addr_t phys;

	CHECK(mm);
	CHECK_EQ(mm_map(mm, EXAMPLE & PAGE_MASK, PAGE_SIZE, VM_READ | VM_WRITE, "data", NULL, NULL), 0);
	pt_trace(mm->pgd, EXAMPLE, &walk);
	CHECK(!walk.present);
	CHECK_EQ(copy_to_mm(mm, EXAMPLE, &value, sizeof(value)), 0);
	pt_trace(mm->pgd, EXAMPLE, &walk);
	CHECK(walk.present);
	CHECK_EQ(walk.steps, PGTABLE_LEVELS);
	CHECK_EQ(walk.step[walk.steps - 1].index, pt_index(EXAMPLE, 1));
	CHECK_EQ(walk.phys & 0xfff, 0x5b0);
	if (PGTABLE_LEVELS == 2) {
		CHECK_EQ(walk.step[0].index, 32);
		CHECK_EQ(walk.step[1].index, 73);
	}
	CHECK(hand_walk(virt_to_phys(mm->pgd), EXAMPLE, &phys));
	CHECK_EQ(phys, walk.phys);
	/* The byte is really there: look at the frame itself. */
	void *p = kmap_local_page(pfn_to_page((pfn_t)(walk.phys >> PAGE_SHIFT)));
	memcpy(&seen, (char *)p + 0x5b0, sizeof(seen));
	kunmap_local(p);
	mm_free(mm);
	CHECK_EQ(seen, value);
}

/* ---- E4: the kernel's directory ----------------------------------------------------------- */

static unsigned first_kernel_entry(void)
{
	return pt_index(PAGE_OFFSET, PGTABLE_LEVELS);
}

static unsigned top_entries(void)
{
	return pt_entries(PGTABLE_LEVELS);
}

SELFTEST(E4, user_entries_are_empty_kernel_entries_shared)
{
	pte_t *dir = pt_root_alloc();
	unsigned i;

	CHECK(dir && dir != swapper_pg_dir);
	for (i = 0; i < first_kernel_entry(); i++) {
		CHECK_EQ(pte_present(dir[i]), PT_TOP_FIXED);	/* where they never change: empty tables */
		CHECK(!st_on_machine() || pte_none(swapper_pg_dir[i]));
	}
	CHECK_EQ(pt_count_tables(dir, 0, TASK_SIZE), 0);
	for (; i < top_entries(); i++)
		CHECK_EQ(pte_pfn(dir[i]), pte_pfn(swapper_pg_dir[i]));
	pt_root_free(dir);
	if (st_on_pc())
		CHECK_EQ(first_kernel_entry(), PAGE_OFFSET >> (PGTABLE_LEVELS == 2 ? 22 : 30));
}

SELFTEST(E4, low_memory_is_mapped_from_page_offset_on)
{
	pfn_t pfn;
	int level;

	for_each_valid_pfn(pfn, 0, max_low_pfn) {
		pte_t *e;

		if (!st_frame_free_at_boot(pfn))
			continue;
		e = pt_lookup(swapper_pg_dir, (unsigned long)__va((phys_addr_t)pfn << PAGE_SHIFT), &level);
		CHECK(pte_present(*e) && pte_write(*e) && !pte_user(*e));
	}
}

/* A new kernel mapping appears in the directories that exist already. */
SELFTEST(E4, new_kernel_entries_reach_every_directory)
{
	struct vmalloc_totals totals;
	pte_t *dir = pt_root_alloc();
	unsigned i, differ = 0;
	char *area;

	CHECK(dir);
	vmalloc_get_totals(&totals);
	/* Long enough to need a table that was not there; a frame or two is enough behind it. */
	area = vmap((struct page *[]){ virt_to_page(dir), virt_to_page(dir) }, 2, VM_MAP, PAGE_KERNEL);
	CHECK(area);
	CHECK(walks_agree(dir, virt_to_phys(dir), (unsigned long)area));
	for (i = first_kernel_entry(); i < top_entries(); i++)
		differ += pte_pfn(dir[i]) != pte_pfn(swapper_pg_dir[i]);
	vunmap(area);
	pt_root_free(dir);
	CHECK_EQ(differ, 0);
}

SELFTEST(E4, every_window_of_the_kernel_half_reaches_every_directory)
{
	unsigned long want = 24ul << 20, n = 0, chunk = 1ul << 20;
	pte_t *dir = pt_root_alloc();
	unsigned i, differ = 0;
	void *area[24];

	/* 24 MiB of areas cross several 4 MiB borders, so new tables must come. */
	CHECK(dir);
	while (n * chunk < want && (area[n] = __vmalloc(chunk, GFP_HIGHUSER | __GFP_NOWARN)))
		n++;
	for (i = first_kernel_entry(); i < top_entries(); i++)
		differ += pte_pfn(dir[i]) != pte_pfn(swapper_pg_dir[i]);
	while (n--)
		vfree(area[n]);
	pt_root_free(dir);
	CHECK_EQ(differ, 0);
}

/* ---- E5: what the processor can ------------------------------------------------------------- */

SELFTEST(E5, large_pages_when_there)
{
	unsigned long addr = PAGE_OFFSET + (8ul << 20);	/* whole 4 MiB of plain memory lie here */
	bool pse = machine_has_feature("pse");
	struct pt_walk walk;

	if (!st_on_pc())
		SKIP("not i386: a process has its host's pages, long mode its own test");
	CHECK_EQ(pse, arch_max_huge_level() >= 2);
	pt_trace(swapper_pg_dir, addr, &walk);
	CHECK(walk.present);
	CHECK_EQ(walk.page_size, pse ? (PGTABLE_LEVELS == 2 ? 4ul << 20 : 2ul << 20) : PAGE_SIZE);
	CHECK_EQ(walk.steps, pse ? PGTABLE_LEVELS - 1 : PGTABLE_LEVELS);
}

SELFTEST(E5, global_pages_when_there)
{
	struct pt_walk walk;

	if (!st_on_pc())
		SKIP("not i386: a process has its host's pages, long mode its own test");
	pt_trace(swapper_pg_dir, PAGE_OFFSET + (8ul << 20), &walk);
	CHECK(walk.present);
	CHECK_EQ(pte_global(walk.step[walk.steps - 1].entry), machine_has_feature("pge"));
}

static bool has_cpuid(void)
{
	return machine_has_feature("pse") || machine_has_feature("pge") || machine_has_feature("pae");
}

static u32 cpuid_1_edx(void)
{
	u32 a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

SELFTEST(E5, features_are_those_of_cpuid)
{
	u32 edx;

	if (!st_on_pc())
		SKIP("not i386: a process has its host's pages, long mode its own test");
	if (!has_cpuid())
		SKIP("none of them found: an old processor may not even know CPUID");
	edx = cpuid_1_edx();
	CHECK_EQ(machine_has_feature("pse"), edx >> 3 & 1);
	CHECK_EQ(machine_has_feature("pae"), edx >> 6 & 1);
	CHECK_EQ(machine_has_feature("pge"), edx >> 13 & 1);
}
