/* SPDX-License-Identifier: MIT */
/*
 * contract_pte.c: page-table entries, <arch/pte.h>: the format, and what the MMU makes
 * of it.
 */
#include <quarry/highmem.h>
#include <quarry/vmalloc.h>

#include "contract.h"

#define TOP PGTABLE_LEVELS
#define LAST_FRAME ((pfn_t)((PHYS_LIMIT - 1) >> PAGE_SHIFT))

static unsigned bits(unsigned long n)
{
	return n ? 8 * sizeof(n) - (unsigned)__builtin_clzl(n) : 0;
}

/* ---- levels ----------------------------------------------------------------------- */

SELFTEST(port, levels_tile_the_address)
{
	CHECK_EQ(pt_shift(1), PAGE_SHIFT);
	for (int level = 1; level <= TOP; level++) {
		CHECK(pt_entries(level) >= 2);
		CHECK_EQ(pt_entries(level) & (pt_entries(level) - 1), 0);
		CHECK(pt_entries(level) * sizeof(pte_t) <= PAGE_SIZE);
		if (level < TOP)
			CHECK_EQ(pt_shift(level + 1), pt_shift(level) + bits(pt_entries(level)) - 1);
	}
	/* No bit that tells two addresses of the kernel apart is above the top level. */
	CHECK(pt_shift(TOP) + bits(pt_entries(TOP)) - 1 >= bits(FIXADDR_TOP ^ PAGE_OFFSET));
}

static bool put_together(unsigned long addr)
{
	unsigned long sum = addr & ~PAGE_MASK, mask = ~PAGE_MASK;

	for (int level = 1; level <= TOP; level++) {
		if (pt_index(addr, level) >= pt_entries(level))
			return false;
		sum |= (unsigned long)pt_index(addr, level) << pt_shift(level);
		mask |= (unsigned long)(pt_entries(level) - 1) << pt_shift(level);
	}
	return sum == (addr & mask);
}

SELFTEST(port, the_indexes_are_the_address)
{
	const unsigned long addr[] = {
		0, 1, TASK_SIZE - 1, PAGE_OFFSET, PAGE_OFFSET + 0x12345678, (unsigned long)high_memory,
		VMALLOC_START, VMALLOC_END - 1, FIXADDR_START, FIXADDR_TOP, (unsigned long)put_together,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(addr); i++)
		CHECK(put_together(addr[i]));
}

/* Tasks own whole entries of the top level, the kernel the others. */
SELFTEST(port, user_and_kernel_share_no_top_entry)
{
	CHECK(pt_index(TASK_SIZE - 1, TOP) < pt_index(PAGE_OFFSET, TOP));
	CHECK(pt_index(PAGE_OFFSET, TOP) <= pt_index(FIXADDR_TOP, TOP));
}

/* ---- entries ---------------------------------------------------------------------- */

SELFTEST(port, an_empty_entry_is_zero)
{
	pte_t none = { 0 };

	CHECK(pte_none(none) && !pte_present(none));
	CHECK(!pte_none(mk_pte(0, PAGE_KERNEL)) && pte_present(mk_pte(0, PAGE_KERNEL)));
	CHECK(!pte_none(mk_table(0, TOP)) && pte_present(mk_table(0, TOP)));
}

static bool same_rights(pte_t a, pte_t b)
{
	return pte_write(a) == pte_write(b) && pte_user(a) == pte_user(b) && pte_exec(a) == pte_exec(b) &&
	       pte_global(a) == pte_global(b);
}

static bool same_history(pte_t a, pte_t b)
{
	return pte_dirty(a) == pte_dirty(b) && pte_young(a) == pte_young(b);
}

/* Each bit of a frame's number, up to the last frame that PHYS_LIMIT promises. */
SELFTEST(port, an_entry_names_every_frame)
{
	const pte_t kernel = mk_pte(0, PAGE_KERNEL), user = mk_pte(0, PAGE_READONLY);
	pte_t e, stored;

	for (pfn_t pfn = 1; pfn && pfn <= LAST_FRAME; pfn <<= 1) {
		e = mk_pte(pfn, PAGE_KERNEL);
		set_pte(&stored, e);
		CHECK(pte_pfn(stored) == pfn && stored.val == e.val);
		CHECK(same_rights(e, kernel) && same_history(e, kernel));
		CHECK_EQ(pte_pfn(mk_pte(pfn, PAGE_READONLY)), pfn);
		CHECK(same_rights(mk_pte(pfn, PAGE_READONLY), user));
		CHECK(same_history(mk_pte(pfn, PAGE_READONLY), user));
		CHECK_EQ(pte_pfn(mk_table(pfn, 2)), pfn);
	}
	CHECK_EQ(pte_pfn(mk_pte(LAST_FRAME, PAGE_SHARED)), LAST_FRAME);
	CHECK_EQ(pte_pfn(mk_table(LAST_FRAME, 2)), LAST_FRAME);
}

SELFTEST(port, each_protection_gives_its_rights)
{
	const struct { pgprot_t prot; bool write, user, global; } want[] = {
		{ PAGE_KERNEL, true, false, true }, { PAGE_KERNEL_EXEC, true, false, true },
		{ PAGE_KERNEL_RO, false, false, true }, { PAGE_KERNEL_NOCACHE, true, false, true },
		{ PAGE_READONLY, false, true, false }, { PAGE_READONLY_EXEC, false, true, false },
		{ PAGE_SHARED, true, true, false }, { PAGE_SHARED_EXEC, true, true, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		pte_t e = mk_pte(3, want[i].prot);

		CHECK(pte_present(e));
		CHECK_EQ(pte_write(e), want[i].write);
		CHECK_EQ(pte_user(e), want[i].user);
		CHECK(!pte_global(e) || want[i].global);	/* not every CPU has global pages */
	}
}

/* Where the CPU can forbid it, code runs from the EXEC protections alone; else from all. */
SELFTEST(port, the_right_to_execute_is_its_own)
{
	bool nx = !pte_exec(mk_pte(3, PAGE_KERNEL));

	CHECK(pte_exec(mk_pte(3, PAGE_KERNEL_EXEC)));
	CHECK(pte_exec(mk_pte(3, PAGE_READONLY_EXEC)) && pte_exec(mk_pte(3, PAGE_SHARED_EXEC)));
	CHECK_EQ(pte_exec(mk_pte(3, PAGE_KERNEL_RO)), !nx);
	CHECK_EQ(pte_exec(mk_pte(3, PAGE_KERNEL_NOCACHE)), !nx);
	CHECK_EQ(pte_exec(mk_pte(3, PAGE_READONLY)), !nx);
	CHECK_EQ(pte_exec(mk_pte(3, PAGE_SHARED)), !nx);
}

SELFTEST(port, a_large_page_is_told_from_a_table)
{
	pfn_t frames, pfn;

	CHECK(arch_max_huge_level() >= 1 && arch_max_huge_level() <= TOP);
	for (int level = 2; level <= TOP; level++)
		CHECK(!pte_huge(mk_table(5, level)));
	for (int level = 2; level <= arch_max_huge_level(); level++) {
		frames = 1UL << (pt_shift(level) - PAGE_SHIFT);
		pfn = LAST_FRAME & ~(frames - 1);
		CHECK(pte_present(mk_huge(pfn, PAGE_KERNEL)) && pte_huge(mk_huge(pfn, PAGE_KERNEL)));
		CHECK_EQ(pte_pfn(mk_huge(pfn, PAGE_KERNEL)), pfn);
		CHECK(same_rights(mk_huge(pfn, PAGE_KERNEL), mk_pte(0, PAGE_KERNEL)));
		CHECK(same_rights(mk_huge(pfn, PAGE_READONLY), mk_pte(0, PAGE_READONLY)));
	}
}

/* ---- the MMU ---------------------------------------------------------------------- */

/* Two frames, each with its number written in it, and the entry of FIX_TEST. */
struct pair {
	struct page *page[2];
	pte_t *entry;
	volatile u32 *window;
};

static bool pair_make(struct pair *p)
{
	int level;

	p->window = (volatile u32 *)fix_to_virt(FIX_TEST);
	p->entry = pt_lookup(swapper_pg_dir, (unsigned long)p->window, &level);
	for (unsigned i = 0; i < 2; i++) {
		p->page[i] = alloc_page(GFP_KERNEL);
		if (!p->page[i])
			return false;
		*(u32 *)page_address(p->page[i]) = i;
	}
	return level == 1;
}

static void pair_map(struct pair *p, unsigned i, pgprot_t prot)
{
	set_pte(p->entry, mk_pte(page_to_pfn(p->page[i]), prot));
}

static void pair_free(struct pair *p)
{
	set_pte(p->entry, (pte_t){ 0 });
	flush_tlb_page((unsigned long)p->window);
	__free_page(p->page[0]);
	__free_page(p->page[1]);
}

static void flush_page(unsigned long addr) { flush_tlb_page(addr); }
static void flush_range(unsigned long addr) { flush_tlb_kernel_range(addr, addr + PAGE_SIZE); }
static void flush_everything(unsigned long addr) { (void)addr; flush_tlb_all(); }

/* Each of the flushes makes a changed entry seen, and an emptied one fault. */
SELFTEST(port, a_flush_makes_a_changed_entry_seen)
{
	void (*const flush[])(unsigned long) = { flush_page, flush_range, flush_everything };
	u32 seen[3][2] = { 0 }, value;
	bool gone[3] = { 0 };
	struct pair p;

	CHECK(pair_make(&p));
	for (unsigned i = 0; i < 3; i++) {
		pair_map(&p, 0, PAGE_KERNEL);
		flush[i]((unsigned long)p.window);
		seen[i][0] = *p.window;
		pair_map(&p, 1, PAGE_KERNEL);
		flush[i]((unsigned long)p.window);
		seen[i][1] = *p.window;
		set_pte(p.entry, (pte_t){ 0 });
		flush[i]((unsigned long)p.window);
		gone[i] = !machine_probe_read((unsigned long)p.window, &value);
	}
	pair_free(&p);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(seen[i][0], 0);
		CHECK_EQ(seen[i][1], 1);
		CHECK(gone[i]);
	}
}

/* A range is all of its pages, the last one too. */
SELFTEST(port, a_flush_of_a_range_reaches_its_ends)
{
	enum { N = 200 };	/* more than a port would flush one by one */
	struct page *one = alloc_page(GFP_KERNEL), *other = alloc_page(GFP_KERNEL), *pages[N];
	unsigned long area, i, stale = 0;
	int level;

	CHECK(one && other);
	for (i = 0; i < N; i++)
		pages[i] = one;
	*(u32 *)page_address(one) = 1;
	*(u32 *)page_address(other) = 2;
	area = (unsigned long)vmap(pages, N, VM_MAP, PAGE_KERNEL);
	CHECK(area);
	for (unsigned long n = N; n >= 1; n /= 4) {
		for (i = 0; i < n; i++)
			stale += *(volatile u32 *)(area + i * PAGE_SIZE) != 1;
		for (i = 0; i < n; i++)
			set_pte(pt_lookup(swapper_pg_dir, area + i * PAGE_SIZE, &level),
				mk_pte(page_to_pfn(other), PAGE_KERNEL));
		flush_tlb_kernel_range(area, area + n * PAGE_SIZE);
		for (i = 0; i < n; i++)
			stale += *(volatile u32 *)(area + i * PAGE_SIZE) != 2;
		for (i = 0; i < n; i++)
			set_pte(pt_lookup(swapper_pg_dir, area + i * PAGE_SIZE, &level),
				mk_pte(page_to_pfn(one), PAGE_KERNEL));
		flush_tlb_kernel_range(area, area + n * PAGE_SIZE);
	}
	vunmap((void *)area);
	__free_page(one);
	__free_page(other);
	CHECK_EQ(stale, 0);
}

SELFTEST(port, read_only_binds_the_kernel_too)
{
	bool reads, writes, writes_later;
	struct pair p;
	u32 value;

	CHECK(pair_make(&p));
	pair_map(&p, 1, PAGE_KERNEL_RO);
	flush_tlb_page((unsigned long)p.window);
	reads = machine_probe_read((unsigned long)p.window, &value) && value == 1;
	writes = machine_probe_write((unsigned long)p.window, 7);
	pair_map(&p, 1, PAGE_KERNEL);
	flush_tlb_page((unsigned long)p.window);
	writes_later = machine_probe_write((unsigned long)p.window, 7);
	value = *(u32 *)page_address(p.page[1]);
	pair_free(&p);
	CHECK(reads && !writes && writes_later);
	CHECK_EQ(value, 7);
}

/* The MMU, or what plays its part, tells which pages were read and written. */
SELFTEST(port, accessed_and_dirty_bits_are_set)
{
	struct pair p;
	pte_t before, read, written;

	CHECK(pair_make(&p));
	pair_map(&p, 0, PAGE_SHARED);	/* of the kernel's protections both bits are set already */
	flush_tlb_page((unsigned long)p.window);
	before = *p.entry;
	(void)*p.window;
	read = *p.entry;
	*p.window = 5;
	written = *p.entry;
	pair_free(&p);
	CHECK(!pte_dirty(before) && !pte_dirty(read) && pte_young(read));
	CHECK(pte_dirty(written) && pte_young(written));
}
