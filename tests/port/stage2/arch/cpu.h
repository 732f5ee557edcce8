/* SPDX-License-Identifier: MIT */
/* cpu.h of the port that stops at stage 2: stage 1's, and one word more. */
#ifndef ARCH_CPU_STAGE2_H
#define ARCH_CPU_STAGE2_H

#include_next <arch/cpu.h>

extern unsigned stage2_kmap_top;

static inline unsigned kmap_top(void) { return stage2_kmap_top; }
static inline void kmap_top_add(int n) { stage2_kmap_top += (unsigned)n; }

#endif
