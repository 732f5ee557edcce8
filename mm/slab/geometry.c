/* SPDX-License-Identifier: MIT */
/*
 * geometry.c: how many pages a slab has, and where in it what is.
 *
 * The smallest of up to 8 pages that wastes at most an eighth of itself, else
 * the one of these that wastes least; for larger objects the smallest block.
 * Single pages are always to be had, larger blocks are not: kmalloc(4096)
 * works as long as one page is free.
 *
 *	size 100	one page: 40 objects and 40 states, 56 bytes are left
 *	size 3000	one page wastes 1096 of 4096; 2 pages 2192 of 8192; 4 pages hold 5
 *			and waste 1384 of 16384, less than an eighth: these
 *
 * What the numbers mean is told in slab.c, and C.1 of cache.c checks them.
 */
#include "slab_internal.h"

#define SLAB_MAX_ORDER 3	/* of slabs with more than one object */

_Static_assert(PAGE_SHIFT + SLAB_MAX_ORDER < 16, "the reciprocal is exact below 2^16");

/*
 * States of a slab that are on it: one for each multiple of @size that an address in it
 * can be, so that none needs to be looked at before its state is.
 */
static unsigned long map_bytes(unsigned size, unsigned order)
{
	return ALIGN(DIV_ROUND_UP(PAGE_SIZE << order, size), sizeof(long));
}

/* Objects of @size that fit 2^@order pages, with their states unless those are @in_page. */
static unsigned long slab_fit(unsigned size, bool in_page, unsigned order)
{
	unsigned long bytes = PAGE_SIZE << order;

	return (in_page ? bytes : bytes - map_bytes(size, order)) / size;
}

static unsigned slab_choose_order(unsigned size, bool in_page)
{
	unsigned long bytes, n, waste, least = ~0UL;
	unsigned order, best = get_order(size);

	for (order = 0; order <= SLAB_MAX_ORDER; order++) {
		bytes = PAGE_SIZE << order;
		n = slab_fit(size, in_page, order);
		if (!n)
			continue;
		waste = bytes - n * (in_page ? size : size + 1);
		if (waste * 8 <= bytes)
			return order;
		if (waste << (SLAB_MAX_ORDER - order) < least) {
			least = waste << (SLAB_MAX_ORDER - order);
			best = order;
		}
	}
	return best;
}

void slab_geometry(struct kmem_cache *s)
{
	unsigned long bytes;

	s->states_in_page = s->size >= STATES_IN_PAGE_SIZE;
	s->order = slab_choose_order(s->size, s->states_in_page);
	bytes = PAGE_SIZE << s->order;
	s->num = (unsigned)slab_fit(s->size, s->states_in_page, s->order);
	s->offset_mask = bytes - 1;
	s->map_offset = s->states_in_page ? 0 : (unsigned)(bytes - map_bytes(s->size, s->order));
	s->reciprocal = s->num == 1 ? 1 : (u32)(((1ULL << 32) + s->size - 1) / s->size);
}
