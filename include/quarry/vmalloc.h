/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.h: contiguous virtual addresses over scattered frames (row F1).
 *
 * All calls here work on the window VMALLOC_START ... VMALLOC_END.  Each area is
 * followed by a guard page that is never mapped, so that running off its end
 * faults.
 */
#ifndef QUARRY_VMALLOC_H
#define QUARRY_VMALLOC_H

#include <quarry/page.h>
#include <quarry/pgtable.h>

#define VM_IOREMAP 0x1u	/* ioremap: device memory */
#define VM_ALLOC 0x2u	/* vmalloc: the area owns its pages */
#define VM_MAP 0x4u	/* vmap: it does not */
#define VM_USERMAP 0x8u	/* carried, without meaning here */

/**
 * vmalloc() - @size bytes, virtually contiguous, frames from high memory first
 * @size: rounded up to pages; 0 is refused
 *
 * Of the size of a large page and more: with large pages, as long as there are blocks
 * for them.
 * Context: thread, may sleep.  Return: a page-aligned address; or NULL: no frames,
 * no addresses, more than the machine has (reported as failed allocation), size 0,
 * a size that wraps around, an interrupt (reported as misuse).  On failure nothing
 * is held.  O(pages) where an area of that size was freed lately, else O(log areas + pages).
 * Undo: vfree().
 */
void *vmalloc(unsigned long size);
/** vzalloc() - the same, cleared. */
void *vzalloc(unsigned long size);
/**
 * __vmalloc() - vmalloc() with a mask of one's own
 * @gfp: must allow sleeping (page tables are made).  __GFP_HIGHMEM is added unless
 *	a zone is named; __GFP_ZERO and __GFP_NOWARN mean what they say
 */
void *__vmalloc(unsigned long size, gfp_t gfp);

/**
 * vfree() - give back what vmalloc and its kin gave; NULL is ignored
 *
 * The addresses fault from now on as far as no CPU remembers them; they are given
 * out again only after every CPU has forgotten.  Refused with a report: an address
 * in the middle of an area, one freed already, one of vmap or ioremap, a kmalloc
 * address, any other.
 * Context: an interrupt, a thread with preemption off, or one with interrupts on and no
 * lock held; the last now and then does the purge of what was freed since the one before:
 * one flush on all CPUs for 256 areas, or 1/16 of the window.
 * O(log areas + pages), a purge O(log areas) for each area it takes.
 */
void vfree(const void *addr);

/**
 * vmap() - map frames that the caller owns
 * @pages: @count of them, in the order of their addresses to be
 * @flags: VM_MAP, kept for vmallocinfo
 * @prot: PAGE_KERNEL ...
 *
 * Context, failure and cost as vmalloc().  The frames are not touched, nor is a
 * reference taken: they must stay until vunmap().
 */
void *vmap(struct page **pages, unsigned count, unsigned long flags, pgprot_t prot);
/** vunmap() - undo vmap(); NULL is ignored; refuses what vfree() refuses, and areas of vmalloc. */
void vunmap(const void *addr);

/**
 * vmalloc_to_page() - the frame behind an address of the window; NULL: nothing
 * mapped, or no frame of memory.  Any context.
 */
struct page *vmalloc_to_page(const void *addr);
/** vmalloc_to_pfn() - the same as a number; 0: nothing mapped. */
unsigned long vmalloc_to_pfn(const void *addr);
/** is_vmalloc_addr() - does it lie in the vmalloc window?  Any context.  O(1). */
bool is_vmalloc_addr(const void *p);

/**
 * ioremap() - map device memory [@phys, @phys + @size), uncached
 * @phys: any alignment; the address returned has the same offset in its page
 *
 * Refused with a report: size 0, an end that wraps around or that no entry can
 * name, memory that the page allocator manages.  Large pages where @phys and @size
 * allow them.  Context, failure as vmalloc().
 * Undo: iounmap().
 */
void *ioremap(phys_addr_t phys, size_t size);
void iounmap(const volatile void *addr);

/**
 * kvmalloc() - kmalloc, or vmalloc when that has no block so large
 * @gfp: without __GFP_WAIT, or with a zone named, only kmalloc is tried
 * Context: as kmalloc().  Undo: kvfree().
 */
void *kvmalloc(size_t size, gfp_t gfp);
void *kvzalloc(size_t size, gfp_t gfp);
/** kvfree() - of either sort.  Context and cost as kfree() and vfree(). */
void kvfree(const void *p);

/** vmalloc_init() - once, by mm_init(), after the slab layer. */
void vmalloc_init(void);

struct vmalloc_area_info {
	unsigned long start, size;	/* size with the guard page, as vmallocinfo counts */
	unsigned long caller;
	unsigned nr_pages;
	unsigned nr_large;		/* large pages among what maps them */
	unsigned flags;
	phys_addr_t phys;
};
/**
 * vmalloc_for_each() - call @fn with a snapshot of each area, by address, until it
 * returns false.  No lock is held in @fn.
 */
void vmalloc_for_each(bool (*fn)(const struct vmalloc_area_info *info, void *arg), void *arg);
struct vmalloc_totals {
	unsigned long areas, used_bytes;	/* in use, guard pages included */
	unsigned long total_bytes;		/* the window */
	unsigned long largest_free;		/* the largest size vmalloc() has addresses for now */
	unsigned long lazy_bytes;		/* freed, kept back: vmalloc_purge() makes them free */
	unsigned long purges;			/* flushes so far */
};
void vmalloc_get_totals(struct vmalloc_totals *t);
/** vmalloc_purge() - flush and release all freed areas and empty page tables now.  Context: as vmalloc(). */
void vmalloc_purge(void);
/**
 * vmalloc_check() - test the numbered invariants of vmap_area.c and vmalloc.c.
 * Return: the number broken, or 0.
 */
int vmalloc_check(void);

#endif
