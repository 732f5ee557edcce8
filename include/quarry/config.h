/* SPDX-License-Identifier: MIT */
/*
 * config.h: every option of Quarry, in one place.
 *
 * Each can be set from the compiler's command line (-DNR_CPUS=4).  A value out
 * of range stops the build with the reason.
 */
#ifndef QUARRY_CONFIG_H
#define QUARRY_CONFIG_H

/* How many processors the per-CPU structures have room for: 1 ... 1024. */
#ifndef NR_CPUS
#define NR_CPUS 16
#endif

/* How many NUMA nodes (memory banks of their own distance): 1 ... 64. */
#ifndef MAX_NUMNODES
#define MAX_NUMNODES 1
#endif

/* The largest block of the buddy allocator is 2^MAX_PAGE_ORDER pages: 4 ... 12. */
#ifndef MAX_PAGE_ORDER
#define MAX_PAGE_ORDER 10
#endif
#define NR_PAGE_ORDERS (MAX_PAGE_ORDER + 1)

/* Bytes that share a cache line; a power of two, 16 ... 256. */
#ifndef L1_CACHE_BYTES
#define L1_CACHE_BYTES 64
#endif

/* Ranges that memblock can hold before it says that it is full: 32 ... 4096. */
#ifndef MEMBLOCK_MAX_REGIONS
#define MEMBLOCK_MAX_REGIONS 256
#endif

_Static_assert(NR_CPUS >= 1 && NR_CPUS <= 1024, "NR_CPUS: 1 ... 1024");
_Static_assert(MAX_NUMNODES >= 1 && MAX_NUMNODES <= 64, "MAX_NUMNODES: 1 ... 64");
_Static_assert(MAX_PAGE_ORDER >= 4 && MAX_PAGE_ORDER <= 12, "MAX_PAGE_ORDER: 4 ... 12");
_Static_assert(L1_CACHE_BYTES >= 16 && L1_CACHE_BYTES <= 256 &&
	       (L1_CACHE_BYTES & (L1_CACHE_BYTES - 1)) == 0,
	       "L1_CACHE_BYTES: a power of two, 16 ... 256");
_Static_assert(MEMBLOCK_MAX_REGIONS >= 32 && MEMBLOCK_MAX_REGIONS <= 4096,
	       "MEMBLOCK_MAX_REGIONS: 32 ... 4096");

#endif
