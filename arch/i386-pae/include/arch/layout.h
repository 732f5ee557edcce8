/* SPDX-License-Identifier: MIT */
/*
 * layout.h: the address map of arch/i386, with what PAE makes different: a page table
 * has 512 entries, and frames may lie beyond 4 GiB.
 */
#ifndef ARCH_LAYOUT_PAE_H
#define ARCH_LAYOUT_PAE_H

#define LAST_PKMAP 512
#define HPAGE_SHIFT 21

/*
 * 64 GiB is what the first PAE processors could name.  Later ones can name more, but a
 * struct page for each frame has to lie in low memory: 512 MiB of it for 64 GiB.
 */
#define PHYS_LIMIT (1ULL << 36)

#include_next <arch/layout.h>

#endif
