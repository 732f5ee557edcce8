/* SPDX-License-Identifier: MIT */
/*
 * fixmap.c: addresses known at compile time (row F4), and the page tables of the
 * two windows at the top (row A4).
 *
 *	... PKMAP_BASE [ 0 | 1 | ... | LAST_PKMAP - 1 ]  FIXADDR_START ... FIXADDR_TOP
 *	                                                 slot n - 1 ... 2 | 1 | 0
 *
 * Slots count downwards: slot i is at FIXADDR_TOP - i pages.  With a constant i that
 * is a constant address: a device mapped there is reached without a pointer.
 * Worked example (i386): slot 1 is at 0xffffe000 - 0x1000 = 0xffffd000.
 *
 * The tables are made once, for both windows, and stay; so mapping a slot is one
 * store and can never fail.  fixmap_pte[] remembers where each slot's entry is.
 *
 * Invariants:
 *	X.21  each slot has its entry: fixmap_pte[i] is where a walk ends
 *	X.22  slot 0 is empty: it catches wild pointers
 *
 * Locking: none; a slot belongs to whoever the list in <arch/fixmap.h> says, and an
 * entry is one store.  Cost: O(1) and a flush of one page on each CPU.
 */
#include "windows.h"

#include <quarry/report.h>

pte_t *fixmap_pte[__end_of_fixed_addresses];

_Static_assert(FIX_HOLE == 0, "the hole is the topmost slot");

void fixmap_init(void)
{
	unsigned long low = fix_to_virt(__end_of_fixed_addresses - 1);
	int level;

	if ((HAVE_HIGHMEM && pt_populate(swapper_pg_dir, PKMAP_BASE, LAST_PKMAP * PAGE_SIZE, &pt_ops_kernel)) ||
	    pt_populate(swapper_pg_dir, low, fix_to_virt(0) + PAGE_SIZE - low, &pt_ops_kernel))
		mm_panic("fixmap: no memory for the page tables of the windows at 0x%lx and 0x%lx",
			 PKMAP_BASE, low);
	for (unsigned i = 0; i < __end_of_fixed_addresses; i++)
		fixmap_pte[i] = pt_lookup(swapper_pg_dir, fix_to_virt(i), &level);
	kmap_local_init();
}

/* May anybody but kmap set slot @idx?  If not, say so. */
static bool slot_ok(const char *call, unsigned idx, unsigned long caller)
{
	enum misuse kind = MISUSE_ARGUMENT;
	const char *wrong;

	if (idx == FIX_HOLE || idx >= __end_of_fixed_addresses) {
		wrong = "no such slot";
	} else if (fixmap_slot_is_kmap(idx)) {
		wrong = "the slot is kmap's own";
	} else if (!fixmap_pte[idx]) {
		wrong = "before fixmap_init()";
		kind = MISUSE_CONTEXT;
	} else {
		return true;
	}
	misuse(kind, caller, "%s(%u): %s", call, idx, wrong);
	return false;
}

static void write_slot(unsigned idx, pte_t e)
{
	unsigned long addr = fix_to_virt(idx);

	set_pte(fixmap_pte[idx], e);
	flush_tlb_kernel(addr, addr + PAGE_SIZE);
}

static void do_set_fixmap(unsigned idx, phys_addr_t phys, pgprot_t prot, unsigned long caller)
{
	pte_t e = mk_pte((pfn_t)(phys >> PAGE_SHIFT), prot);

	if (!slot_ok("set_fixmap", idx, caller))
		return;
	if (phys & ~PAGE_MASK || pte_pfn(e) != phys >> PAGE_SHIFT) {
		misuse(MISUSE_ARGUMENT, caller, "set_fixmap(%u, 0x%llx): %s", idx, (unsigned long long)phys,
		       phys & ~PAGE_MASK ? "not page-aligned" : "beyond what a page-table entry can name");
		return;
	}
	write_slot(idx, e);
}

void set_fixmap(enum fixed_addresses idx, phys_addr_t phys)
{
	do_set_fixmap(idx, phys, PAGE_KERNEL, _RET_IP_);
}

void set_fixmap_nocache(enum fixed_addresses idx, phys_addr_t phys)
{
	do_set_fixmap(idx, phys, PAGE_KERNEL_NOCACHE, _RET_IP_);
}

void clear_fixmap(enum fixed_addresses idx)
{
	if (slot_ok("clear_fixmap", idx, _RET_IP_))
		write_slot(idx, (pte_t){ 0 });
}

int fixmap_check(void)
{
	int level;

	for (unsigned i = 0; i < __end_of_fixed_addresses; i++)
		if (fixmap_pte[i] != pt_lookup(swapper_pg_dir, fix_to_virt(i), &level) || level != 1)
			return 21;
	return pte_none(*fixmap_pte[FIX_HOLE]) ? 0 : 22;
}
