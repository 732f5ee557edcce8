/* SPDX-License-Identifier: MIT */
/*
 * pgtable.h: page tables of N levels, one walker for all.
 *
 * The arch gives PGTABLE_LEVELS (2, 3, 4, 5) and, for each level, the shift and
 * the number of entries (<arch/pte.h>); mm/virt/pgtable.c is written once and the
 * two-level case folds away at compile time.  Level 1 is the page table proper
 * (its entries name frames), level PGTABLE_LEVELS the directory that CR3 names.
 * Tables themselves always live in low memory, so they can be read as they are.
 *
 * An entry is a struct of one field, pte_t, at every level.  What <arch/pte.h> gives:
 *
 *	typedef struct { u32 or u64 val; } pte_t;	typedef ... pteval_t;
 *	PGTABLE_LEVELS, pt_shift(level), pt_entries(level), pt_index(addr, level)
 *	pte_none(e), pte_present(e), pte_huge(e) (a leaf above level 1)
 *	pte_pfn(e), pte_write(e), pte_user(e), pte_dirty(e), pte_young(e), pte_global(e)
 *	PT_TOP_FIXED	1: entries of the top level are made with the root and stay
 *	mk_pte(pfn, prot), mk_huge(pfn, prot) (accessed and dirty from the start),
 *		mk_table(pfn, level of the entry)	-> pte_t
 *	pte_advance(e, n): the entry of level 1 like @e, for the frame @n further on
 *	pgprot_t values: PAGE_KERNEL, PAGE_KERNEL_RO, PAGE_KERNEL_NOCACHE, PAGE_READONLY,
 *		PAGE_SHARED (user, writable); code may be run from none of them where the
 *		CPU can tell (pte_exec(e)), only from PAGE_KERNEL_EXEC, PAGE_READONLY_EXEC,
 *		PAGE_SHARED_EXEC
 *	pte_prot(e): the rights of a leaf, without frame and size; pgprot_write(prot, allowed),
 *		pgprot_exec(prot, allowed): the same rights but for one
 *	get_pte(ptep), set_pte(ptep, e), xchg_pte(ptep, e) -> the old: each untorn, as the
 *		MMU and other CPUs see it; xchg_pte() loses no bit that they set meanwhile
 *	arch_max_huge_level(): the largest level whose entries may be leaves
 *	flush_tlb_page(addr) (this CPU), flush_tlb_kernel_range(start, end) (this
 *		CPU; port_flush_tlb_others() does the rest)
 *	for the reference kernel: flush_tlb_all(), arch_pt_root(): physical address of the
 *		loaded directory
 */
#ifndef QUARRY_PGTABLE_H
#define QUARRY_PGTABLE_H

#include <quarry/page.h>
#include <arch/pte.h>

/*
 * Where the number of levels is known only when the machine runs, PGTABLE_LEVELS is a
 * variable, and the port also gives
 *	PGTABLE_MAX_LEVELS	the most it can be: a constant
 *	pt_canonical(addr)	is @addr one that the processor translates at all?
 */
#ifndef PGTABLE_MAX_LEVELS
#define PGTABLE_MAX_LEVELS PGTABLE_LEVELS
static inline bool pt_canonical(unsigned long addr) { (void)addr; return true; }
#endif

/*
 * The kernel's own tables; `root` of init_mm is swapper_pg_dir (row E4).  The arch
 * defines it, page-aligned, cleared.
 */
extern pte_t swapper_pg_dir[];

/* How tables come and go while walking; the boot uses memblock, the kernel alloc_page. */
struct pt_ops {
	pte_t *(*alloc_table)(void);		/* a cleared table, or NULL */
	void (*free_table)(pte_t *table);
};
extern const struct pt_ops pt_ops_boot, pt_ops_kernel;

/**
 * pt_lookup() - find the entry that translates an address
 * @root: the directory
 * @addr: any address
 * @level: out: the level of the entry: 1, or higher for a large page or where the walk ended
 *
 * Context: any; the caller keeps the tables from going away.  Return: the entry
 * where the walk ended (present leaf, or the first that is empty).  O(levels).
 */
pte_t *pt_lookup(pte_t *root, unsigned long addr, int *level);

/**
 * pt_leaf() - what an address is mapped to
 * @e: out: the entry that maps it, a large page's too; unchanged when there is none
 * @pfn: out: the frame of that very page
 * Context as pt_lookup().  Return: the entry's level; 0: nothing is mapped there.
 */
int pt_leaf(pte_t *root, unsigned long addr, pte_t *e, pfn_t *pfn);

/**
 * pt_walk_alloc() - the level-1 entry of an address, tables made on the way
 *
 * Context: with pt_ops_kernel: thread, may sleep; takes the page-table lock.
 * Return: the entry, or NULL when no table could be had or a large page is in the
 * way.  What was made on the way stays.  O(levels), and each task's directory once
 * when the kernel's half gains a top entry.
 */
pte_t *pt_walk_alloc(pte_t *root, unsigned long addr, const struct pt_ops *ops);
/**
 * pt_walk_alloc_counted() - the same for an entry of @level; adds to *@made the tables
 * that this very call made.
 */
pte_t *pt_walk_alloc_counted(pte_t *root, unsigned long addr, int level, const struct pt_ops *ops,
			     unsigned *made);

/** pt_room_for_large() - is the entry @slot of @level > 1 empty, or names it an empty table?  O(entries). */
bool pt_room_for_large(const pte_t *slot, int level);
/**
 * pt_enter_large() - make the entry @slot of @level > 1 a large page, if there is room
 * @slot: of the user half of a task's root, from pt_walk_alloc_counted()
 * @e: from mk_huge()
 * @table: out: the empty table that was in its place; the caller flushes the TLB on every
 *	CPU and then frees it with pt_ops_kernel.free_table; NULL: none
 * Context: any, under the lock that guards the area.  Return: false: there is no room,
 * nothing has changed.  O(entries).
 */
bool pt_enter_large(pte_t *slot, int level, pte_t e, pte_t **table);

/**
 * pt_populate() - make all tables of [@addr, @addr + @size), @size > 0, so that no
 * later walk there can fail.  Return: 0, -ENOMEM.
 */
int pt_populate(pte_t *root, unsigned long addr, size_t size, const struct pt_ops *ops);

/**
 * pt_prepare_range() - make the tables of [@addr, @addr + @size) down to those of @level
 * A later pt_map_range() there with pages of @level needs no memory.  @level < PGTABLE_LEVELS.
 * Return: 0; -ENOMEM, also if a large page is in the way.
 */
int pt_prepare_range(pte_t *root, unsigned long addr, size_t size, int level, const struct pt_ops *ops);

/**
 * pt_map_range() - map [@addr, @addr + @size) to frames from @pfn on
 * @addr, @size: page-aligned; @size > 0
 * @huge: with the largest pages that fit; where a table exists already it is used
 *
 * An entry that names the right frame already is written anew (the boot's first
 * mapping gets its final protection); no TLB flush.  Check, then commit: on failure
 * no entry has changed, though tables may have been made.
 * Return: 0; -ENOMEM; -EEXIST: something else is mapped there; -EINVAL: not aligned.
 */
int pt_map_range(pte_t *root, unsigned long addr, size_t size, pfn_t pfn, pgprot_t prot,
		 bool huge, const struct pt_ops *ops);

/**
 * pt_root_alloc() - a directory for a task: user half empty, kernel half shared
 *
 * Every such directory is on a list, so that a new entry in the kernel half of
 * swapper_pg_dir appears in all of them before anybody can use it (row E4).
 * Context: thread, may sleep.  Return: the directory, or NULL.  Undo: pt_root_free().
 */
pte_t *pt_root_alloc(void);
void pt_root_free(pte_t *root);

typedef void pt_unmap_fn(pte_t old, unsigned long addr, int level, void *arg);
/**
 * pt_unmap_range() - clear the leaf entries of a range
 * @fn: called for each entry that was present, after it was cleared (may be NULL), with
 *	its level: it mapped 1 << pt_shift(level) bytes
 *
 * A large page must lie in the range whole (pt_split_range() sees to that beforehand;
 * here nothing can be allocated): one that does not is left alone, with a report.
 * The caller flushes the TLB, and only then gives frames away.  Tables
 * stay.  O(pages + tables).
 */
void pt_unmap_range(pte_t *root, unsigned long addr, size_t size, pt_unmap_fn *fn, void *arg);

/**
 * pt_split() - replace the large page that maps @addr by a table
 * @table: cleared, from ops->alloc_table(); it gets entries of the next lower level
 *	for the same frames with the same rights
 *
 * One exchange of the entry (in every root, for the kernel's half): whoever walks
 * meanwhile finds either the large page or the whole table.  TLBs may keep the large
 * page, which stays true until the caller changes an entry, and flushes.
 * Context: any.  Return: true: the table is in use; false: no large page is there, the
 * table is still the caller's.  O(entries + tasks).
 */
bool pt_split(pte_t *root, unsigned long addr, pte_t *table);

/**
 * pt_split_range() - split until no large page lies across a border of the range
 * @addr, @size: page-aligned, @size > 0
 * @made: out: tables this call made
 * Context: as @ops.  Return: 0; -ENOMEM: no table; what was split stays so, and
 * translates as before.  O(levels * entries).
 */
int pt_split_range(pte_t *root, unsigned long addr, size_t size, const struct pt_ops *ops, unsigned *made);

/**
 * pt_join() - undo pt_split() in the kernel's direct map
 * @addr: of the direct map
 * @level: of the table to do away with
 * Where the table that serves @addr maps again what one large page would, with one set of
 * rights, the large page takes its place.  The caller flushes the TLB on every CPU and
 * then frees the table with pt_ops_kernel.free_table.  Return: the table; NULL: nothing
 * to join, or a table of the boot's.  Any context.  O(entries + tasks).
 */
pte_t *pt_join(unsigned long addr, int level);

/** pt_crosses() - does a large page lie across @addr, a part on either side?  Context as pt_lookup(). */
bool pt_crosses(pte_t *root, unsigned long addr);

/**
 * pt_free_tables() - free the tables (not the frames) that serve [@addr, @end) of a task's directory
 * Whole tables go, so @addr and @end are borders of the address space.  Nobody may
 * have the directory loaded.  Return: tables freed.  O(tables * entries).
 */
unsigned long pt_free_tables(pte_t *root, unsigned long addr, unsigned long end, const struct pt_ops *ops);
/** pt_count_tables() - how many tables pt_free_tables() would free. */
unsigned long pt_count_tables(pte_t *root, unsigned long addr, unsigned long end);

/**
 * pt_detach_kernel_table() - take an empty table out of the kernel's half
 * @addr: an address it serves
 * @level: the table's level, 1 ... PGTABLE_LEVELS - 1
 *
 * The caller makes sure that nobody maps anything in its span meanwhile, flushes
 * the TLB on every CPU, and then frees it with pt_ops_kernel.free_table.  Return:
 * the table, out of every directory; NULL: none there, not empty, or the boot's.
 * O(entries + tasks).
 */
pte_t *pt_detach_kernel_table(unsigned long addr, int level);

/**
 * flush_tlb_kernel() - forget kernel translations [@start, @end) on every CPU.
 * Context: thread, no lock held.
 */
void flush_tlb_kernel(unsigned long start, unsigned long end);

/* One step of a walk, for `translate` and tests. */
struct pt_step {
	int level;
	unsigned index;		/* in the table of that level */
	phys_addr_t table;	/* where that table is */
	pte_t entry;
};
struct pt_walk {
	int steps;
	struct pt_step step[PGTABLE_MAX_LEVELS];
	bool present;
	phys_addr_t phys;	/* of the very byte, when present */
	unsigned long page_size; /* of the page that maps it */
};
/** pt_trace() - walk and record each step (row E3); no step for an address that is not canonical.  Allocates nothing. */
void pt_trace(pte_t *root, unsigned long addr, struct pt_walk *walk);

/**
 * pt_check() - test the numbered invariants of pgtable.c below @root in [@start, @end)
 * @end: 0 or ~0UL: to the top of the address space
 * Exact while nothing else runs.  Return: the number broken, or 0.
 */
int pt_check(pte_t *root, unsigned long start, unsigned long end);

#endif
