/* SPDX-License-Identifier: MIT */
/*
 * pressure.h: what happens when memory is short; between mm/page, mm/pressure and the kernel.
 */
#ifndef QUARRY_PRESSURE_H
#define QUARRY_PRESSURE_H

#include <quarry/zone.h>

/* ---- events, counted since boot; the names are /proc/vmstat's ------------------------------- */

enum vm_event_item {
	/* one for each rung of the ladder (slowpath.c) */
	ALLOC_SLOWPATH,		/* the first attempt failed */
	ALLOC_MIN,		/* the attempt above min succeeded */
	ALLOC_HARDER,		/* ... half of it or less, for __GFP_HIGH */
	ALLOC_RESERVE,		/* ... down to the last page, for who frees memory */
	ALLOCSTALL,		/* had to reclaim itself */
	ALLOC_DRAINED,		/* the CPUs' lists were given back for it */
	ALLOC_RETRY,		/* went round again */
	ALLOC_FAILED,		/* NULL */
	ALLOCSTALL_ZONE,	/* ALLOCSTALL, by the highest zone that the request allows */
	ALLOCSTALL_LAST = ALLOCSTALL_ZONE + MAX_NR_ZONES - 1,
	/* reclaim */
	PAGEOUTRUN,		/* the background reclaimer was at work */
	KSWAPD_LOW_WMARK_HIT_QUICKLY,
	KSWAPD_HIGH_WMARK_HIT_QUICKLY,
	PGSCAN_KSWAPD, PGSCAN_DIRECT,	/* pages that shrinkers of pages looked at */
	PGSTEAL_KSWAPD, PGSTEAL_DIRECT,	/* and let go */
	SLABS_SCANNED,		/* objects that all others looked at */
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

/* ---- what mm/page/slowpath.c calls; set by mm_init_mapping(), and mm_init() ------------------ */

struct pressure_ops {
	/* Direct reclaim by the calling thread.  Return: pages freed, about; the mask is what the caller allows. */
	unsigned long (*try_to_free_pages)(int nid, unsigned order, gfp_t gfp);
	/* Wake the background reclaimers of the zonelist's nodes.  Any context. */
	void (*wake_all_kswapds)(const struct zonelist *list, unsigned order, enum zone_type highest);
	/* Nothing is left.  Return: true: a task was killed, or is ending; try again. */
	bool (*out_of_memory)(gfp_t gfp, unsigned order, unsigned long caller);
};
extern const struct pressure_ops *pressure;	/* NULL: a port that has none of it; out_of_memory NULL: one without tasks */

/* ---- mm/pressure/reclaim.c ------------------------------------------------------------------ */

/**
 * try_to_free_pages() - what is kept for speed goes back, then shrinkers are asked, harder and harder
 * @nid: the node that is short; with __GFP_THISNODE no other is asked
 * @gfp: handed on
 *
 * Ends with 32 pages or 2^@order.  Context: thread, PF_MEMALLOC set, nothing held.  Return: pages
 * freed, about; not 0 while others are freeing.
 */
unsigned long try_to_free_pages(int nid, unsigned order, gfp_t gfp);
/** wake_all_kswapds() - of the nodes in @list; a node's whose last 16 runs freed nothing sleeps on.  Any context.  O(zones). */
void wake_all_kswapds(const struct zonelist *list, unsigned order, enum zone_type highest);

/* These two.  mm_init_mapping() says pressure = &reclaim_ops; who stops at mm_init_pages() may say it himself. */
extern const struct pressure_ops reclaim_ops;

/** shrink_slab() - ask the shrinkers for 1/2^@priority of what they have.  Return: objects freed. */
unsigned long shrink_slab(gfp_t gfp, int nid, int priority);

#define DROP_CACHE_PAGES 1u	/* the shrinkers of pages */
#define DROP_CACHE_SLAB 2u	/* all others */
/** drop_caches() - ask shrinkers for all they have, until next to nothing comes.  Context: thread.  Return: objects freed. */
unsigned long drop_caches(unsigned what);

/**
 * kswapd() - the background reclaimer of a node: the body of a thread that the kernel starts for each
 * @node: struct pglist_data *
 * Context: a thread that may sleep.  Returns only when kswapd_stop(nid) was called.
 */
void kswapd(void *node);
/** kswapd_stop() - and wait until it has left.  Context: thread, not itself.  Nothing runs: nothing is done. */
void kswapd_stop(int nid);
/** reclaim_check() - test invariants R.1 ... of reclaim.c.  Return: the number broken, or 0. */
int reclaim_check(void);

#endif
