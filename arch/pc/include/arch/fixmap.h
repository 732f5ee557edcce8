/* SPDX-License-Identifier: MIT */
/*
 * fixmap.h: the list of fixed slots, from FIXADDR_TOP down (rows F3, F4).
 */
#ifndef ARCH_FIXMAP_H
#define ARCH_FIXMAP_H

#include <quarry/config.h>

/* One slot a CPU for each purpose; a new mapping in a slot replaces the old (row F3). */
enum km_type {
	KM_BOUNCE_READ, KM_SKB_SUNRPC_DATA, KM_SKB_DATA_SOFTIRQ, KM_USER0, KM_USER1,
	KM_BIO_SRC_IRQ, KM_BIO_DST_IRQ, KM_PTE0, KM_PTE1, KM_IRQ0, KM_IRQ1,
	KM_SOFTIRQ0, KM_SOFTIRQ1, KM_TYPE_NR,
};

/* How deep kmap_local_page() may nest. */
#define KM_MAX_IDX 16

enum fixed_addresses {
	FIX_HOLE,		/* the top page stays empty: it catches wild pointers */
	FIX_APIC_BASE,		/* this CPU's local APIC */
	FIX_IO_APIC_BASE,
	FIX_VGA,		/* the text screen */
	FIX_TEST,		/* for selftest */
	FIX_KMAP_BEGIN,		/* kmap_atomic: KM_TYPE_NR slots a CPU */
	FIX_KMAP_END = FIX_KMAP_BEGIN + KM_TYPE_NR * NR_CPUS - 1,
	FIX_KMAP_LOCAL_BEGIN,	/* kmap_local_page: KM_MAX_IDX slots a CPU */
	FIX_KMAP_LOCAL_END = FIX_KMAP_LOCAL_BEGIN + KM_MAX_IDX * NR_CPUS - 1,
	__end_of_fixed_addresses,
};

#endif
