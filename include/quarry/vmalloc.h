/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.h: contiguous virtual addresses over scattered frames (row F1).
 */
#ifndef QUARRY_VMALLOC_H
#define QUARRY_VMALLOC_H

#include <quarry/page.h>
#include <quarry/pgtable.h>

#define VM_IOREMAP 0x1u
#define VM_ALLOC 0x2u	/* vmalloc: the area owns its pages */
#define VM_MAP 0x4u	/* vmap: it does not */
#define VM_USERMAP 0x8u

/**
 * vmalloc() - @size bytes, virtually contiguous, frames from high memory first
 * A guard page, never mapped, follows each area.  Context: thread, may sleep.
 * Return: page-aligned address, or NULL (no frames: reported; no addresses: reported;
 * size 0 or too large: reported).  O(log areas + pages).  Undo: vfree().
 */
void *vmalloc(unsigned long size);
/** vzalloc() - cleared. */
void *vzalloc(unsigned long size);
void *__vmalloc(unsigned long size, gfp_t gfp);
/** vfree() - NULL is ignored.  Refused with a report: anything vmalloc did not return.  Not from interrupts. */
void vfree(const void *addr);
/** vmap() - map @count frames that the caller owns.  Undo: vunmap(). */
void *vmap(struct page **pages, unsigned count, unsigned long flags, pgprot_t prot);
void vunmap(const void *addr);
/** vmalloc_to_page(), vmalloc_to_pfn() - the frame behind an address in an area; NULL (0) when there is none. */
struct page *vmalloc_to_page(const void *addr);
unsigned long vmalloc_to_pfn(const void *addr);
/** is_vmalloc_addr() - does it lie in the vmalloc window?  Any context. */
bool is_vmalloc_addr(const void *p);

/** ioremap() - map device memory [@phys, @phys + @size), uncached.  Undo: iounmap(). */
void *ioremap(phys_addr_t phys, size_t size);
void iounmap(const volatile void *addr);

/** kvmalloc() - kmalloc, or vmalloc when that has no block so large.  Undo: kvfree(). */
void *kvmalloc(size_t size, gfp_t gfp);
void *kvzalloc(size_t size, gfp_t gfp);
void kvfree(const void *p);

/** vmalloc_init() - once, by mm_init(). */
void vmalloc_init(void);

struct vmalloc_area_info {
	unsigned long start, size;	/* size with the guard page, as vmallocinfo counts */
	unsigned long caller;
	unsigned nr_pages;
	unsigned flags;
	phys_addr_t phys;
};
/** vmalloc_for_each() - call @fn with a snapshot of each area, by address. */
void vmalloc_for_each(bool (*fn)(const struct vmalloc_area_info *info, void *arg), void *arg);
struct vmalloc_totals { unsigned long areas, used_bytes, total_bytes, largest_free; };
void vmalloc_get_totals(struct vmalloc_totals *t);
/** vmalloc_purge() - flush and release lazily freed areas now. */
void vmalloc_purge(void);
/** vmalloc_check() - test the numbered invariants of vmalloc.c.  Return: the number broken, or 0. */
int vmalloc_check(void);

#endif
