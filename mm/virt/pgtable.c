/* SPDX-License-Identifier: MIT */
/*
 * pgtable.c: page tables of N levels, one walker for all (rows E2-E4, E7).
 *
 * A table is one page of entries.  An entry of level 1 names a frame; an entry of
 * level L > 1 names a table of level L - 1, or, as a large page, a block of frames.
 * The root is the table of level PGTABLE_LEVELS.  With two levels:
 *
 *	root (directory)            table                  frame
 *	+-----------+               +-----------+          +--------+
 *	| 32        | ------------> | 73        | -------> | 0x5b0  |
 *	+-----------+               +-----------+          +--------+
 *
 * Arithmetic: span(L) = 1 << pt_shift(L) bytes is what one entry of level L covers.
 * Worked example (row E3): 0x080495b0 >> 22 = 32; (0x080495b0 >> 12) & 1023 = 73;
 * the lowest 12 bits are 0x5b0.
 *
 * One loop walks: from an entry that names a table go down, stop at the wanted
 * level or where nothing is.  The number of levels is a constant, so the compiler
 * unrolls it: with two levels a lookup is one load, one test, one load.
 *
 * Two halves.  The root's entries from 0 to that of TASK_SIZE - 1 are the user's,
 * different in each task.  The rest are the kernel's, the same in all: swapper_pg_dir
 * has the original, each task's root a copy of the entries (so all share the tables
 * below).  A new entry in the original is copied to every root on the list `roots`
 * before the call that made it returns: no fault in the kernel's half is ever
 * answered later.
 *
 * Where the processor reads the top level only when the root is loaded (PAE), its
 * entries must not come and go (PT_TOP_FIXED): the user's are made with the root and
 * freed with it, the kernel's are the boot's.
 *
 * Invariants (those that name struct page hold once mem_map is there):
 *	P.1  an entry that names a table names a frame of low memory that is marked
 *	     PG_table, or reserved (made by the boot)
 *	P.2  a large page is only at levels the CPU knows, its frame aligned to its span
 *	P.3  the kernel's half of a listed root equals swapper_pg_dir's
 *	P.4  swapper_pg_dir's user half is empty
 *	P.5  a page of the user's half is one that user mode may reach; its frames are in
 *	     use, and are no tables and no slabs
 *	P.6  a page of the kernel's half is one that user mode may not reach
 *	P.7  a large page is marked accessed and dirty from the start: the MMU has
 *	     nothing to note in it (pt_split.c)
 *
 * Locking: pt_lock for entries above level 1 and for the list of roots; held for
 * one entry, or one entry in each root.  Level-1 entries belong to whoever owns the
 * address range (an area's owner, an mm's lock).  Walks take no lock: an entry is one
 * store, and a table is complete before an entry names it.  Tables of the kernel's
 * half go away only when no area is left in their span (vmap_area.c), tables of a
 * task only with the task.
 *
 * Failure: no table: NULL or -ENOMEM, nothing mapped; tables made so far stay, empty.
 *
 * Unlike Linux: no types and names for each level; no lazy synchronization by faults.
 */
#include "pt_internal.h"

#include <quarry/memblock.h>
#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/zone.h>

#define TOP_OPEN (PT_TOP_FIXED ? TOP - 1 : TOP)	/* the highest level whose entries come and go */

_Static_assert(PGTABLE_MAX_LEVELS >= 2 && PGTABLE_MAX_LEVELS <= 5, "PGTABLE_LEVELS: 2 ... 5");

spinlock_t pt_lock = SPINLOCK_INIT;
static LIST_HEAD(roots);	/* page->lru of each task's root */

/* Entries of a root that are the user's: 0 ... user_entries() - 1. */
static inline unsigned user_entries(void)
{
	return pt_index(TASK_SIZE - 1UL, TOP) + 1;
}

pte_t *pt_lookup(pte_t *root, unsigned long addr, int *level)
{
	return walk_down(root, addr, 1, level);
}

int pt_leaf(pte_t *root, unsigned long addr, pte_t *e, pfn_t *pfn)
{
	pte_t found;
	int level;

	do {
		found = get_pte(walk_down(root, addr, 1, &level));
	} while (level > 1 && names_table(found));	/* a large page then, split by now */
	if (!pte_present(found))
		return 0;
	*e = found;
	*pfn = pte_pfn(found) + ((addr & (span(level) - 1)) >> PAGE_SHIFT);
	return level;
}

/*
 * The next entry of @level that is present, at or after *@addr, in order.  *@addr
 * becomes the first address it serves in the range.  NULL: none up to @last.
 */
static pte_t *next_present(pte_t *root, unsigned long *addr, unsigned long last, int level)
{
	for (;;) {
		int l;
		pte_t *slot = walk_down(root, *addr, level, &l);

		if (l == level && pte_present(get_pte(slot)))
			return slot;
		if (span_last(*addr, l) >= last)
			return NULL;
		*addr = span_last(*addr, l) + 1;
	}
}

/* ---- where tables come from ------------------------------------------------- */

static pte_t *boot_alloc_table(void)
{
	return memblock_alloc(PAGE_SIZE, PAGE_SIZE);
}

static void boot_free_table(pte_t *table)
{
	memblock_free(table, PAGE_SIZE);
}

static pte_t *kernel_alloc_table(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return NULL;
	__SetPageTable(page);
	zone_stat_add(page_zone(page), NR_PAGETABLE, 1);
	return page_address(page);
}

static void kernel_free_table(pte_t *table)
{
	struct page *page = virt_to_page(table);

	if (!PageTable(page))
		mm_panic("page table at %p (pfn %lu, flags 0x%lx) is not marked as one",
			 (void *)table, page_to_pfn(page), page->flags);
	__ClearPageTable(page);
	zone_stat_add(page_zone(page), NR_PAGETABLE, -1);
	__free_page(page);
}

const struct pt_ops pt_ops_boot = { boot_alloc_table, boot_free_table };
const struct pt_ops pt_ops_kernel = { kernel_alloc_table, kernel_free_table };

/* ---- entries that all roots share ------------------------------------------- */

void pt_set_entry(pte_t *root, pte_t *slot, int level, pte_t e)
{
	unsigned index = (unsigned)(slot - root);
	struct page *page;

	xchg_pte(slot, e);	/* whole, whatever a pte_t is made of */
	if (level != TOP || root != swapper_pg_dir || index < user_entries())
		return;
	list_for_each_entry(page, &roots, lru)
		set_pte((pte_t *)page_address(page) + index, e);
}

/* Make a table for the empty entry @slot.  Somebody else may do so meanwhile: his is used. */
static bool install_table(pte_t *root, pte_t *slot, int level, const struct pt_ops *ops, unsigned *made)
{
	pte_t *table = ops->alloc_table();
	unsigned long flags;

	if (!table)
		return false;
	flags = spin_lock_irqsave(&pt_lock);
	if (pte_none(get_pte(slot))) {
		__atomic_thread_fence(__ATOMIC_RELEASE);	/* cleared before it is named */
		pt_set_entry(root, slot, level, mk_table(table_pfn(table), level));
		table = NULL;
		++*made;
	}
	spin_unlock_irqrestore(&pt_lock, flags);
	if (table)
		ops->free_table(table);
	return true;
}

/* The entry of @level for @addr; NULL: no table to be had, or a large page is in the way. */
static pte_t *walk_make(pte_t *root, unsigned long addr, int level, const struct pt_ops *ops, unsigned *made)
{
	pte_t *slot;
	int l;

	for (;;) {
		slot = walk_down(root, addr, level, &l);
		if (l == level)
			return slot;
		if (!pte_none(get_pte(slot)) || !install_table(root, slot, l, ops, made))
			return NULL;
	}
}

pte_t *pt_walk_alloc_counted(pte_t *root, unsigned long addr, int level, const struct pt_ops *ops,
			     unsigned *made)
{
	return walk_make(root, addr, level, ops, made);
}

pte_t *pt_walk_alloc(pte_t *root, unsigned long addr, const struct pt_ops *ops)
{
	unsigned made = 0;
	int l;
	pte_t *slot = walk_down(root, addr, 1, &l);

	return likely(l == 1) ? slot : walk_make(root, addr, 1, ops, &made);
}

int pt_populate(pte_t *root, unsigned long addr, size_t size, const struct pt_ops *ops)
{
	unsigned long last = addr + size - 1;

	do {
		if (!pt_walk_alloc(root, addr, ops))
			return -ENOMEM;
	} while (step_over(&addr, last, 2));
	return 0;
}

int pt_prepare_range(pte_t *root, unsigned long addr, size_t size, int level, const struct pt_ops *ops)
{
	unsigned long last = addr + size - 1;
	unsigned made = 0;

	do {
		if (!walk_make(root, addr, level, ops, &made))
			return -ENOMEM;
	} while (step_over(&addr, last, level + 1));
	return 0;
}

/* ---- mapping ranges ----------------------------------------------------------- */

/* The largest level whose entry may map @pfn at @addr and has no table already. */
static int leaf_level(pte_t *root, unsigned long addr, unsigned long last, pfn_t pfn, bool huge)
{
	int level, found;

	walk_down(root, addr, 1, &found);
	for (level = huge ? arch_max_huge_level() : 1; level > 1; level--) {
		pfn_t frames = span(level) >> PAGE_SHIFT;

		if (level <= found && IS_ALIGNED(addr, span(level)) && IS_ALIGNED(pfn, frames) &&
		    last - addr >= span(level) - 1)
			break;
	}
	return level;
}

/* One entry: check that it can be written; write it when @commit. */
static int map_leaf(pte_t *root, unsigned long addr, int level, pfn_t pfn, pgprot_t prot, bool commit,
		    const struct pt_ops *ops)
{
	unsigned made = 0;
	unsigned long flags;
	pte_t *slot = walk_make(root, addr, level, ops, &made), old;
	int l;

	if (!slot)
		return pte_none(get_pte(walk_down(root, addr, level, &l))) ? -ENOMEM : -EEXIST;
	old = get_pte(slot);
	if (!pte_none(old) && (!pte_present(old) || pte_pfn(old) != pfn))
		return -EEXIST;
	if (!commit)
		return 0;
	flags = spin_lock_irqsave(&pt_lock);
	pt_set_entry(root, slot, level, mk_leaf(pfn, level, prot));
	spin_unlock_irqrestore(&pt_lock, flags);
	return 0;
}

static int map_pass(pte_t *root, unsigned long addr, unsigned long last, pfn_t pfn, pgprot_t prot,
		    bool huge, bool commit, const struct pt_ops *ops)
{
	int level, err;

	do {
		level = leaf_level(root, addr, last, pfn, huge);
		err = map_leaf(root, addr, level, pfn, prot, commit, ops);
		pfn += span(level) >> PAGE_SHIFT;
	} while (!err && step_over(&addr, last, level));
	return err;
}

int pt_map_range(pte_t *root, unsigned long addr, size_t size, pfn_t pfn, pgprot_t prot,
		 bool huge, const struct pt_ops *ops)
{
	unsigned long last = addr + size - 1;
	int err;

	if (!size || last < addr || !IS_ALIGNED(addr | size, PAGE_SIZE) || !pt_canonical(addr) ||
	    !pt_canonical(last))
		return -EINVAL;
	err = map_pass(root, addr, last, pfn, prot, huge, false, ops);
	if (!err)
		err = map_pass(root, addr, last, pfn, prot, huge, true, ops);
	return err;
}

/* Clear the present entries of one level-1 table from @slot on, up to @last. */
static void unmap_run(pte_t *slot, unsigned long addr, unsigned long last, pt_unmap_fn *fn, void *arg)
{
	unsigned long end = min(last, span_last(addr, 2));

	for (;; slot++, addr += PAGE_SIZE) {
		pte_t old = get_pte(slot);

		if (!pte_none(old)) {
			set_pte(slot, (pte_t){ 0 });
			if (fn && pte_present(old))
				fn(old, addr, 1, arg);
		}
		if (span_last(addr, 1) >= end)
			return;
	}
}

static void unmap_huge(pte_t *root, pte_t *slot, unsigned long addr, unsigned long last, int level,
		       pt_unmap_fn *fn, void *arg)
{
	pte_t old = get_pte(slot);
	unsigned long flags;

	if (!IS_ALIGNED(addr, span(level)) || span_last(addr, level) > last) {
		misuse(MISUSE_ARGUMENT, _RET_IP_, "pt_unmap_range(%p): part of a large page of %lu bytes",
		       (void *)addr, span(level));
		return;
	}
	flags = spin_lock_irqsave(&pt_lock);
	pt_set_entry(root, slot, level, (pte_t){ 0 });
	spin_unlock_irqrestore(&pt_lock, flags);
	if (fn)
		fn(old, addr, level, arg);
}

void pt_unmap_range(pte_t *root, unsigned long addr, size_t size, pt_unmap_fn *fn, void *arg)
{
	unsigned long last = addr + size - 1;
	int level;

	if (!size)
		return;
	do {
		pte_t *slot = walk_down(root, addr, 1, &level);

		if (level == 1)
			unmap_run(slot, addr, last, fn, arg);
		else if (pte_present(get_pte(slot)))
			unmap_huge(root, slot, addr, last, level, fn, arg);
	} while (step_over(&addr, last, max(level, 2)));
}

/* ---- tables that go ------------------------------------------------------------ */

unsigned long pt_free_tables(pte_t *root, unsigned long addr, unsigned long end, const struct pt_ops *ops)
{
	unsigned long freed = 0;

	for (int level = 2; level <= TOP_OPEN; level++) {
		unsigned long a = addr;
		pte_t *slot;

		while ((slot = next_present(root, &a, end - 1, level))) {
			pte_t e = get_pte(slot);

			if (!pte_huge(e)) {
				set_pte(slot, (pte_t){ 0 });
				ops->free_table(table_of(e));
				freed++;
			}
			if (!step_over(&a, end - 1, level))
				break;
		}
	}
	return freed;
}

unsigned long pt_count_tables(pte_t *root, unsigned long addr, unsigned long end)
{
	unsigned long count = 0;

	for (int level = 2; level <= TOP_OPEN; level++) {
		unsigned long a = addr;
		pte_t *slot;

		while ((slot = next_present(root, &a, end - 1, level))) {
			count += !pte_huge(get_pte(slot));
			if (!step_over(&a, end - 1, level))
				break;
		}
	}
	return count;
}

pte_t *pt_detach_kernel_table(unsigned long addr, int level)
{
	unsigned long flags = spin_lock_irqsave(&pt_lock);
	pte_t *slot, *table = NULL;
	int found;

	slot = walk_down(swapper_pg_dir, addr, level + 1, &found);
	if (level < TOP_OPEN && found == level + 1 && names_table(get_pte(slot))) {
		table = table_of(get_pte(slot));
		if (PageTable(virt_to_page(table)) && pt_table_is_empty(table, level))
			pt_set_entry(swapper_pg_dir, slot, level + 1, (pte_t){ 0 });
		else
			table = NULL;
	}
	spin_unlock_irqrestore(&pt_lock, flags);
	return table;
}

void flush_tlb_kernel(unsigned long start, unsigned long end)
{
	preempt_disable();	/* "others" means others than the CPU of the line before */
	flush_tlb_kernel_range(start, end);
	port_flush_tlb_others(start, end);
	preempt_enable();
}

/* ---- roots ---------------------------------------------------------------------- */

/* The tables that the top entries of the user's half name for as long as the root lives. */
static bool make_fixed_tables(pte_t *root)
{
	for (unsigned i = 0; PT_TOP_FIXED && i < user_entries(); i++) {
		pte_t *table = kernel_alloc_table();

		if (!table)
			return false;
		set_pte(root + i, mk_table(table_pfn(table), TOP));
	}
	return true;
}

static void free_root(pte_t *root)
{
	for (unsigned i = 0; PT_TOP_FIXED && i < user_entries(); i++)
		if (pte_present(root[i]))
			kernel_free_table(table_of(root[i]));
	kernel_free_table(root);
}

pte_t *pt_root_alloc(void)
{
	pte_t *root = kernel_alloc_table();
	unsigned long flags;

	if (root && !make_fixed_tables(root)) {
		free_root(root);
		root = NULL;
	}
	if (!root)
		return NULL;
	flags = spin_lock_irqsave(&pt_lock);
	for (unsigned i = user_entries(); i < pt_entries(TOP); i++)
		set_pte(root + i, swapper_pg_dir[i]);
	list_add_tail(&virt_to_page(root)->lru, &roots);
	spin_unlock_irqrestore(&pt_lock, flags);
	return root;
}

void pt_root_free(pte_t *root)
{
	unsigned long flags = spin_lock_irqsave(&pt_lock);

	list_del(&virt_to_page(root)->lru);
	spin_unlock_irqrestore(&pt_lock, flags);
	free_root(root);
}

/* ---- looking ---------------------------------------------------------------------- */

/* A root may lie in the image, and that outside of the direct map. */
static phys_addr_t table_phys(const pte_t *table)
{
	return virt_addr_valid(table) ? __pa(table) : __pa_symbol(table);
}

static phys_addr_t trace_step(struct pt_walk *w, pte_t *slot, unsigned long addr, int level)
{
	struct pt_step *s = &w->step[w->steps++];

	s->level = level;
	s->index = pt_index(addr, level);
	s->table = table_phys(slot - s->index);
	s->entry = get_pte(slot);
	return (phys_addr_t)pte_pfn(s->entry) << PAGE_SHIFT;
}

void pt_trace(pte_t *root, unsigned long addr, struct pt_walk *walk)
{
	*walk = (struct pt_walk){ .steps = 0 };
	if (!pt_canonical(addr))
		return;
	for (int level = TOP, found; level >= 1; level--) {
		pte_t *slot = walk_down(root, addr, level, &found);
		phys_addr_t frame = trace_step(walk, slot, addr, level);
		pte_t e = walk->step[walk->steps - 1].entry;

		if (!pte_present(e))
			return;
		if (level == 1 || pte_huge(e)) {
			walk->present = true;
			walk->page_size = span(level);
			walk->phys = frame + (addr & (span(level) - 1));
			return;
		}
	}
}

/* ---- checks ------------------------------------------------------------------------ */

static int check_table_entry(pte_t e)
{
	struct page *page;

	if (pte_pfn(e) >= max_low_pfn)
		return 1;
	page = pfn_to_page(pte_pfn(e));
	return PageTable(page) || PageReserved(page) ? 0 : 1;
}

/* May user mode see the frame? */
static bool user_frame(pfn_t pfn)
{
	struct page *page = pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;

	return page && page_count(page) && !PageTable(page) && !PageSlab(page);
}

static int check_leaf(pte_t e, unsigned long addr, int level)
{
	pfn_t frames = span(level) >> PAGE_SHIFT;

	if (level > max(arch_max_huge_level(), 1) || !IS_ALIGNED(pte_pfn(e), frames))
		return 2;
	if (level > 1 && !(pte_young(e) && pte_dirty(e)))
		return 7;
	if (addr >= TASK_SIZE)
		return pte_user(e) ? 6 : 0;
	for (pfn_t i = 0; i < frames; i++)
		if (!pte_user(e) || !user_frame(pte_pfn(e) + i))
			return 5;
	return 0;
}

/* But for what the MMU notes in them. */
static bool same_target(pte_t a, pte_t b)
{
	return pte_present(a) == pte_present(b) && pte_pfn(a) == pte_pfn(b);
}

static int check_halves(const pte_t *root)
{
	unsigned i;

	if (root != swapper_pg_dir) {
		for (i = user_entries(); i < pt_entries(TOP); i++)
			if (!same_target(root[i], swapper_pg_dir[i]))
				return 3;
		return 0;
	}
	for (i = 0; i < user_entries(); i++)
		if (!pte_none(root[i]))
			return 4;
	return 0;
}

static int check_level(pte_t *root, unsigned long addr, unsigned long last, int level)
{
	pte_t *slot;
	int broken = 0;

	while (!broken && (slot = next_present(root, &addr, last, level))) {
		pte_t e = get_pte(slot);

		broken = level > 1 && !pte_huge(e) ? check_table_entry(e) : check_leaf(e, addr, level);
		if (!step_over(&addr, last, level))
			break;
	}
	return broken;
}

int pt_check(pte_t *root, unsigned long start, unsigned long end)
{
	unsigned long once_round = span_last(start, TOP) | (pt_entries(TOP) - 1UL) << pt_shift(TOP);
	unsigned long last = min(end - 1, once_round);
	int broken = check_halves(root);

	for (int level = TOP; level >= 1 && !broken; level--)
		broken = check_level(root, start, last, level);
	return broken;
}
