/* SPDX-License-Identifier: MIT */
/*
 * windows.h: the fixmap and pkmap windows; between fixmap.c, kmap.c and
 * kmap_local.c only.
 */
#ifndef MM_VIRT_WINDOWS_H
#define MM_VIRT_WINDOWS_H

#include <quarry/highmem.h>

/* The level-1 entry of each fixed slot; NULL before fixmap_init(). */
extern pte_t *fixmap_pte[__end_of_fixed_addresses];

/** fixmap_slot_is_kmap() - is @idx one of kmap_atomic's or kmap_local's? */
static inline bool fixmap_slot_is_kmap(unsigned idx)
{
	return (idx >= FIX_KMAP_BEGIN && idx <= FIX_KMAP_END) ||
	       (idx >= FIX_KMAP_LOCAL_BEGIN && idx <= FIX_KMAP_LOCAL_END);
}

/** kmap_page_wrong() - why @page cannot be mapped; NULL: it can. */
static inline const char *kmap_page_wrong(const struct page *page)
{
	if (unlikely(!page_valid(page)))
		return "not a struct page of mem_map";
	if (unlikely(kmap_page_is_free(page)))
		return "the frame is free";
	return NULL;
}

/** kmap_local_init() - the rows of local mappings, and kmap_high; by fixmap_init(). */
void kmap_local_init(void);
int kmap_local_check(void);
int fixmap_check(void);

#endif
