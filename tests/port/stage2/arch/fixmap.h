/* SPDX-License-Identifier: MIT */
/* fixmap.h of the port that stops at stage 2: no devices, one type of atomic mapping. */
#ifndef ARCH_FIXMAP_H
#define ARCH_FIXMAP_H

#include <quarry/config.h>

enum km_type { KM_USER0, KM_TYPE_NR };

#define KM_MAX_IDX 4

enum fixed_addresses {
	FIX_HOLE,
	FIX_TEST,
	FIX_KMAP_BEGIN,
	FIX_KMAP_END = FIX_KMAP_BEGIN + KM_TYPE_NR * NR_CPUS - 1,
	FIX_KMAP_LOCAL_BEGIN,
	FIX_KMAP_LOCAL_END = FIX_KMAP_LOCAL_BEGIN + KM_MAX_IDX * NR_CPUS - 1,
	__end_of_fixed_addresses,
};

#endif
