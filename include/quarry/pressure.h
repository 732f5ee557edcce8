/* SPDX-License-Identifier: MIT */
/*
 * pressure.h: what happens when memory is short; between mm/page, mm/pressure and the kernel.
 */
#ifndef QUARRY_PRESSURE_H
#define QUARRY_PRESSURE_H

#include <quarry/zone.h>

/* ---- events, counted since boot; the names are /proc/vmstat's ------------------------------- */

enum vm_event_item {
	/* one for each rung of the ladder (alloc.c) */
	ALLOC_SLOWPATH,		/* the first attempt failed */
	ALLOC_MIN,		/* the attempt above min succeeded */
	ALLOC_HARDER,		/* ... half of it, for __GFP_HIGH */
	ALLOC_RESERVE,		/* ... down to the last page, for who frees memory */
	ALLOCSTALL,		/* had to reclaim itself */
	ALLOC_DRAINED,		/* the CPUs' lists were given back for it */
	ALLOC_RETRY,		/* went round again */
	ALLOC_FAILED,		/* NULL */
	/* reclaim */
	PAGEOUTRUN,		/* the background reclaimer was at work */
	KSWAPD_LOW_WMARK_HIT_QUICKLY,
	KSWAPD_HIGH_WMARK_HIT_QUICKLY,
	PGSCAN_KSWAPD, PGSCAN_DIRECT,
	PGSTEAL_KSWAPD, PGSTEAL_DIRECT,
	SLABS_SCANNED,		/* objects that shrinkers were asked to look at */
	DROP_SLAB, DROP_PAGECACHE,
	OOM_KILL,
	/* faults */
	PGFAULT, PGMAJFAULT,
	NR_VM_EVENT_ITEMS,
};

/** count_vm_events() - any context.  O(1). */
void count_vm_events(enum vm_event_item item, unsigned long n);
static inline void count_vm_event(enum vm_event_item item) { count_vm_events(item, 1); }
/** vm_event() - the sum. */
unsigned long vm_event(enum vm_event_item item);
/** vm_event_name() - "allocstall", "pgsteal_kswapd" ... */
const char *vm_event_name(enum vm_event_item item);

/* ---- what mm/page/alloc.c calls; set once, by mm_init() ------------------------------------- */

struct pressure_ops {
	/* Direct reclaim by the calling thread.  Return: pages freed, about; the mask is what the caller allows. */
	unsigned long (*try_to_free_pages)(int nid, unsigned order, gfp_t gfp);
	/* Wake the background reclaimers of the zonelist's nodes.  Any context. */
	void (*wake_all_kswapds)(const struct zonelist *list, unsigned order, enum zone_type highest);
	/* Nothing is left.  Return: true: a task was killed, or is ending; try again. */
	bool (*out_of_memory)(gfp_t gfp, unsigned order, unsigned long caller);
};
extern const struct pressure_ops *pressure;	/* NULL: a port that has none of it */

/* ---- mm/pressure/reclaim.c ------------------------------------------------------------------ */

/** shrink_slab() - ask the shrinkers for 1/2^@priority of what they have.  Return: objects freed. */
unsigned long shrink_slab(gfp_t gfp, int nid, int priority);

/**
 * kswapd() - the background reclaimer of a node: the body of a thread that the kernel starts for each
 * @node: struct pglist_data *
 * Context: a thread that may sleep.  Returns only when kthread_stop-like kswapd_stop(nid) was called.
 */
void kswapd(void *node);
void kswapd_stop(int nid);

#endif
