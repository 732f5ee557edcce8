/* SPDX-License-Identifier: MIT */
/*
 * gfp.h: "get free pages" flags, what the caller of an allocation allows.
 *
 * A mask has two halves: *where* (zone modifiers) and *how* (behaviour).
 *
 *	__GFP_DMA	only ZONE_DMA
 *	__GFP_DMA32	ZONE_DMA32 or below
 *	__GFP_HIGHMEM	ZONE_HIGHMEM first, then NORMAL, then DMA
 *	(none)		ZONE_NORMAL, then DMA
 *
 * Two bits beside the first half tell what becomes of the memory later, so that the page
 * allocator keeps like with like (buddy.c):
 *
 *	__GFP_MOVABLE		it can be moved elsewhere, or dropped: pages of user space
 *	__GFP_RECLAIMABLE	it is given back when memory is short: objects of a shrinker
 *	(none)			it stays where it is
 */
#ifndef QUARRY_GFP_H
#define QUARRY_GFP_H

#include <quarry/types.h>

/* where */
#define __GFP_DMA ((gfp_t)0x0001)
#define __GFP_HIGHMEM ((gfp_t)0x0002)
#define __GFP_DMA32 ((gfp_t)0x0004)
#define GFP_ZONEMASK (__GFP_DMA | __GFP_HIGHMEM | __GFP_DMA32)

/* what becomes of it: with the above they are the mask's lowest bits, an index of stacks (zone.h) */
#define __GFP_MOVABLE ((gfp_t)0x0008)	/* it can be moved */
#define __GFP_RECLAIMABLE ((gfp_t)0x0010)	/* a shrinker can free it */
#define GFP_MOVABLE_MASK (__GFP_MOVABLE | __GFP_RECLAIMABLE)
#define GFP_MOVABLE_SHIFT 3
#define GFP_PLACE_MASK (GFP_ZONEMASK | GFP_MOVABLE_MASK)

/* how */
#define __GFP_IO ((gfp_t)0x0020)	/* reclaim may start disk I/O */
#define __GFP_FS ((gfp_t)0x0040)	/* reclaim may call into a file system */
#define __GFP_HIGH ((gfp_t)0x0080)	/* may take the emergency reserve */
#define __GFP_ZERO ((gfp_t)0x0100)	/* clear the memory */
#define __GFP_NOWARN ((gfp_t)0x0200)	/* failure is not reported */
#define __GFP_NORETRY ((gfp_t)0x0400)	/* one round of reclaim, then fail */
#define __GFP_RETRY_MAYFAIL ((gfp_t)0x0800)	/* try hard, but may fail */
#define __GFP_NOFAIL ((gfp_t)0x1000)	/* never fail: wait instead */
#define __GFP_COMP ((gfp_t)0x2000)	/* make a compound page */
#define __GFP_MEMALLOC ((gfp_t)0x4000)	/* ignore the watermarks altogether */
#define __GFP_NOMEMALLOC ((gfp_t)0x8000)	/* never use the reserves */
#define __GFP_WAIT ((gfp_t)0x10000)	/* may sleep */
#define __GFP_ACCOUNT ((gfp_t)0x20000)	/* carried, without meaning here */
#define __GFP_KSWAPD_RECLAIM ((gfp_t)0x40000)	/* may wake the background reclaimer */
#define __GFP_THISNODE ((gfp_t)0x80000)	/* no other node */
#define __GFP_HARDWALL ((gfp_t)0x100000)	/* carried, without meaning here */
#define __GFP_BITS_MASK ((gfp_t)0x1fffff)
#define __GFP_DIRECT_RECLAIM __GFP_WAIT
#define __GFP_RECLAIM (__GFP_WAIT | __GFP_KSWAPD_RECLAIM)

/* the composites */
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM)
#define GFP_NOIO (__GFP_RECLAIM)
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_USER (GFP_KERNEL | __GFP_HARDWALL)
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)
#define GFP_DMA (__GFP_DMA)
#define GFP_DMA32 (__GFP_DMA32)

/**
 * gfp_valid() - is this mask free of contradictions?
 * @gfp: any mask
 *
 * Refused: unknown bits; more than one of __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM; __GFP_MOVABLE
 * with __GFP_RECLAIMABLE;
 * __GFP_NOFAIL without __GFP_WAIT or with __GFP_NORETRY/__GFP_RETRY_MAYFAIL;
 * __GFP_MEMALLOC with __GFP_NOMEMALLOC.
 *
 * Context: any.  Return: NULL when valid, else a sentence that says what
 * contradicts what.  O(1).
 */
const char *gfp_contradiction(gfp_t gfp);

/**
 * gfp_format() - write a mask in words, "GFP_KERNEL|__GFP_ZERO"
 * @buf, @len: where to; at least 16 bytes, cut and terminated when too short
 * @gfp: any mask; unknown bits are appended as a hexadecimal number
 *
 * Context: any; takes no lock, allocates nothing.  Return: @buf.
 */
char *gfp_format(char *buf, size_t len, gfp_t gfp);

#endif
