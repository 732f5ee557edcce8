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
 *	mk_pte(pfn, prot), mk_huge(pfn, prot), mk_table(pfn)	-> pte_t
 *	pgprot_t values: PAGE_KERNEL, PAGE_KERNEL_RO, PAGE_KERNEL_NOCACHE,
 *		PAGE_READONLY, PAGE_SHARED (user, writable)
 *	set_pte(ptep, e): one store.  arch_pt_root(void): physical address of the loaded directory
 *	flush_tlb_page(addr) (this CPU), flush_tlb_kernel_range(start, end) (this
 *		CPU; port_flush_tlb_others() does the rest), flush_tlb_all()
 */
#ifndef QUARRY_PGTABLE_H
#define QUARRY_PGTABLE_H

#include <quarry/page.h>
#include <arch/pte.h>

/* The kernel's own tables; `root` of init_mm is swapper_pg_dir (row E4). */
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
 * pt_walk_alloc() - the level-1 entry of an address, tables made on the way
 * Return: the entry, or NULL when no table could be had or a large page is in the way.
 */
pte_t *pt_walk_alloc(pte_t *root, unsigned long addr, const struct pt_ops *ops);

/**
 * pt_map_range() - map [@addr, @addr + @size) to frames from @pfn on, with the
 * largest pages that fit when @huge.  Return: 0 or -ENOMEM, -EEXIST.
 */
int pt_map_range(pte_t *root, unsigned long addr, size_t size, pfn_t pfn, pgprot_t prot,
		 bool huge, const struct pt_ops *ops);

/**
 * pt_root_alloc() - a directory for a task: user half empty, kernel half shared
 *
 * Every such directory is on a list, so that a new entry in the kernel half of
 * swapper_pg_dir appears in all of them before anybody can use it (row E4).
 * Return: the directory, or NULL.  Undo: pt_root_free().
 */
pte_t *pt_root_alloc(void);
void pt_root_free(pte_t *root);

/**
 * pt_unmap_range() - clear the leaf entries of a range
 * @fn: called for each entry that was present, before it is cleared (may be NULL)
 * The caller flushes the TLB.  Tables stay.  O(pages + tables).
 */
void pt_unmap_range(pte_t *root, unsigned long addr, size_t size,
		    void (*fn)(pte_t old, unsigned long addr, void *arg), void *arg);

/** pt_free_tables() - free the tables (not the frames) that serve [@addr, @end) of a task's directory.  Return: tables freed. */
unsigned long pt_free_tables(pte_t *root, unsigned long addr, unsigned long end, const struct pt_ops *ops);

/* One step of a walk, for `translate` and tests. */
struct pt_step {
	int level;
	unsigned index;		/* in the table of that level */
	phys_addr_t table;	/* where that table is */
	pte_t entry;
};
struct pt_walk {
	int steps;
	struct pt_step step[5];
	bool present;
	phys_addr_t phys;	/* of the very byte, when present */
	unsigned long page_size; /* of the page that maps it */
};
/** pt_trace() - walk and record each step (row E3).  Allocates nothing. */
void pt_trace(pte_t *root, unsigned long addr, struct pt_walk *walk);

/** pt_check() - test the numbered invariants of pgtable.c below @root.  Return: the number broken, or 0. */
int pt_check(pte_t *root, unsigned long start, unsigned long end);

#endif
