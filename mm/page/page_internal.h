/* SPDX-License-Identifier: MIT */
/*
 * page_internal.h: between the files of mm/page.
 */
#ifndef MM_PAGE_INTERNAL_H
#define MM_PAGE_INTERNAL_H

#include <quarry/zone.h>

/** attempt_from_freelist() - one attempt, out of line (alloc.c): the first zone that can give it and keep @wmark. */
struct page *attempt_from_freelist(gfp_t gfp, unsigned order, const struct zonelist *list,
				   enum zone_watermarks wmark, unsigned alloc_flags);

/** alloc_pages_slowpath() - what follows when the attempt above low failed (slowpath.c). */
struct page *alloc_pages_slowpath(gfp_t gfp, unsigned order, int nid, unsigned long caller);

#endif
