/* SPDX-License-Identifier: MIT */
/*
 * events.c: how often what happened, since boot.
 *
 * Each CPU counts for itself, in a cache line of its own, and a reader adds them up:
 * exact when nothing runs, else a moment old.  The addition is atomic, so that neither an
 * interrupt nor a thread that goes on elsewhere in between loses one; nobody else is
 * after that line, so it costs little.
 *
 * The names are /proc/vmstat's where Linux counts the same.
 */
#include <quarry/pressure.h>

static struct cpu_events {
	unsigned long n[NR_VM_EVENT_ITEMS];
} __cacheline_aligned events[NR_CPUS];

static const char *const event_names[NR_VM_EVENT_ITEMS] = {
	[ALLOC_SLOWPATH] = "alloc_slowpath",
	[ALLOC_MIN] = "alloc_min",
	[ALLOC_HARDER] = "alloc_harder",
	[ALLOC_RESERVE] = "alloc_reserve",
	[ALLOCSTALL] = "allocstall",
	[ALLOC_DRAINED] = "alloc_drained",
	[ALLOC_RETRY] = "alloc_retry",
	[ALLOC_FAILED] = "alloc_failed",
	[ALLOCSTALL_ZONE + ZONE_DMA] = "allocstall_dma",
	[ALLOCSTALL_ZONE + ZONE_DMA32] = "allocstall_dma32",
	[ALLOCSTALL_ZONE + ZONE_NORMAL] = "allocstall_normal",
	[ALLOCSTALL_ZONE + ZONE_HIGHMEM] = "allocstall_high",
	[PAGEOUTRUN] = "pageoutrun",
	[KSWAPD_LOW_WMARK_HIT_QUICKLY] = "kswapd_low_wmark_hit_quickly",
	[KSWAPD_HIGH_WMARK_HIT_QUICKLY] = "kswapd_high_wmark_hit_quickly",
	[PGSCAN_KSWAPD] = "pgscan_kswapd",
	[PGSCAN_DIRECT] = "pgscan_direct",
	[PGSTEAL_KSWAPD] = "pgsteal_kswapd",
	[PGSTEAL_DIRECT] = "pgsteal_direct",
	[SLABS_SCANNED] = "slabs_scanned",
	[DROP_SLAB] = "drop_slab",
	[DROP_PAGECACHE] = "drop_pagecache",
	[OOM_KILL] = "oom_kill",
	[PGFAULT] = "pgfault",
	[PGMAJFAULT] = "pgmajfault",
};

void count_vm_events(enum vm_event_item item, unsigned long n)
{
	__atomic_fetch_add(&events[smp_processor_id()].n[item], n, __ATOMIC_RELAXED);
}

unsigned long vm_event(enum vm_event_item item)
{
	unsigned long sum = 0;

	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		sum += READ_ONCE(events[cpu].n[item]);
	return sum;
}

const char *vm_event_name(enum vm_event_item item)
{
	return event_names[item];
}
