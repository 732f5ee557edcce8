/* SPDX-License-Identifier: MIT */
/*
 * vmap_area.h: address ranges of the vmalloc window; between vmap_area.c and
 * vmalloc.c only.
 */
#ifndef MM_VIRT_VMAP_AREA_H
#define MM_VIRT_VMAP_AREA_H

#include <quarry/rbtree.h>
#include <quarry/spinlock.h>
#include <quarry/vmalloc.h>

enum vmap_state {
	VMAP_NEW,	/* has its addresses; its user is still mapping it */
	VMAP_LIVE,	/* in its user's hands */
	VMAP_FREEING,	/* its entries are being cleared */
	VMAP_LAZY,	/* cleared; CPUs may remember translations */
	VMAP_FLUSHING,	/* taken by a purge, which then keeps it */
	VMAP_IDLE,	/* no CPU remembers anything: kept for the next of its size */
	VMAP_PURGING,	/* taken by a purge, on its way out of the tree */
	VMAP_END,	/* the end of the window: no area, but something before which a gap can be */
};

struct vmap_area {
	struct rb_node node;		/* by address */
	unsigned long start, end;	/* the guard page is the last before end */
	unsigned long gap;		/* free bytes between the area before and this one */
	unsigned long max_gap;		/* the largest gap in the subtree */
	enum vmap_state state;
	unsigned flags;			/* VM_ALLOC, VM_MAP or VM_IOREMAP */
	unsigned nr_pages;		/* mapped; without the guard page */
	unsigned nr_large;		/* large pages that it was mapped with */
	unsigned long caller;		/* who asked for it */
	phys_addr_t phys;		/* VM_IOREMAP */
	struct list_head list;		/* from VMAP_LAZY on */
};

/** vmap_area_init() - an empty window [@start, @end). */
void vmap_area_init(unsigned long start, unsigned long end);

/**
 * vmap_area_alloc() - addresses for @pages, at least 1, and a guard page
 * @align: bytes, a power of two; a wish: with no such gap, any will do
 * An idle area of that size, else the lowest gap.  Return: an area in state VMAP_NEW;
 * NULL: no addresses even after a purge, or no memory for the area.  May sleep.
 * Undo: vmap_area_retire().  O(1) with an idle area, else O(log areas).
 */
struct vmap_area *vmap_area_alloc(unsigned long pages, unsigned long align, unsigned flags,
				  unsigned long caller, gfp_t gfp);

/** vmap_area_publish() - mapping is complete: from here on the user may give it back. */
void vmap_area_publish(struct vmap_area *area);

/**
 * vmap_area_claim() - the live area that starts at @addr and is of kind @flags, for freeing
 * @found: out: an area that holds @addr, copied, for a report; found->end 0 for none
 * Return: the area, now VMAP_FREEING and the caller's; NULL: none such.
 */
struct vmap_area *vmap_area_claim(unsigned long addr, unsigned flags, struct vmap_area *found);

/**
 * vmap_area_retire() - its entries are cleared; the addresses become free with the
 * next purge.  Purges where that may be (a thread, preemption on), when it is time.  O(1) else.
 */
void vmap_area_retire(struct vmap_area *area);

/**
 * vmap_area_purge() - flush, once for all lazy areas, then keep them or free them
 * @all: free all of them, idle ones and empty tables too, and wait for another's purge
 * Thread, interrupts on, no lock held.  Return: were addresses freed?
 */
bool vmap_area_purge(bool all);

/** vmap_area_next() - copy the first live area at or above @addr.  Return: false for none. */
bool vmap_area_next(unsigned long addr, struct vmap_area *copy);
void vmap_area_totals(struct vmalloc_totals *t);
/** vmap_area_check() - test the numbered invariants of vmap_area.c.  Return: the number broken, or 0. */
int vmap_area_check(void);

#endif
