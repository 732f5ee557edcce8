/* SPDX-License-Identifier: MIT */
/*
 * vmap_fill.h: what the addresses of an area lead to; between vmap_fill.c and
 * vmalloc.c only.
 */
#ifndef MM_VIRT_VMAP_FILL_H
#define MM_VIRT_VMAP_FILL_H

#include "vmap_area.h"

/* Where the pages of an area come from, one after the other. */
struct vmap_source {
	gfp_t gfp;		/* VM_ALLOC: take them with this mask */
	struct page **pages;	/* VM_MAP: here they are */
	pfn_t pfn;		/* VM_IOREMAP: counted up from here */
	pgprot_t prot;
};

/**
 * vmap_fill_align() - how an area of @pages pages should be aligned for large pages
 * Return: bytes; PAGE_SIZE where no large page can come of it.
 */
unsigned long vmap_fill_align(const struct vmap_source *src, unsigned flags, unsigned long pages);

/**
 * vmap_fill() - map every page of a new area
 * Thread, may sleep.  Return: false: no memory; what was mapped is for vmap_empty().
 * O(pages).
 */
bool vmap_fill(struct vmap_area *area, const struct vmap_source *src);

/** vmap_empty() - clear the entries of an area; the frames of a VM_ALLOC area go back.  O(pages). */
void vmap_empty(struct vmap_area *area);

#endif
