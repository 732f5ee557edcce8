/* SPDX-License-Identifier: MIT */
/*
 * slowpath.c: the ladder of attempts, when memory is short (row B7).
 *
 *	rung					who				counted as
 *	1  all zones above low			everybody (alloc.c)		-
 *	2  wake the background reclaimer	__GFP_KSWAPD_RECLAIM		alloc_slowpath
 *	3  above min				everybody			alloc_min
 *	   above min / 2			__GFP_HIGH			alloc_harder
 *	   above min / 4			and without __GFP_WAIT
 *	   above min / 8			and in an interrupt;
 *						a thread that is to end
 *	4  down to the last page		__GFP_MEMALLOC, PF_MEMALLOC	alloc_reserve
 *	5  reclaim, by the caller; 3, 4 again	__GFP_WAIT			allocstall
 *	6  the CPUs' lists go back; 3, 4 again	everybody			alloc_drained
 *	7  (compaction: not there yet)
 *	8  from 5 again				as below			alloc_retry
 *	9  end a task, and 8			as below			oom_kill
 *	10 NULL, with a report			unless __GFP_NOWARN		alloc_failed
 *
 * __GFP_NOMEMALLOC: above min or not at all.  PF_MEMALLOC: the thread frees memory itself
 * (it is on rung 5), so it skips 5, 8 and 9.  A thread that is to end (PF_OOM_VICTIM)
 * gets NULL rather than 8.
 *
 * Again or not (rung 8).  A block of up to 2^PAGE_ALLOC_COSTLY_ORDER pages is as good as
 * sure to be had if only enough single pages come free, so its request goes round as long
 * as reclaim frees something, RECLAIM_RETRIES times; then rung 9.  A larger one gets one
 * round: most of those who ask have another way.
 *
 *	__GFP_NORETRY		one round, then NULL
 *	__GFP_RETRY_MAYFAIL	goes round as a small one though it is large; no rung 9
 *	__GFP_NOFAIL		goes round for ever, letting others run; takes half of min after the first round
 *
 * To end a task (rung 9) is for those who wait, may call a file system (others can be told
 * no, and must be ready for it), want a small block, of any node, from ordinary memory: that a
 * task ends brings no DMA frame.
 *
 * The floors above (reclaim, which calls shrinkers, which free pages) are reached through
 * `pressure` and drain_slabs.  Without `pressure`, rung 5 is the slabs alone.
 *
 * Locking: none.  What waits is called with nothing held: alloc.c has refused the rest.
 */
#include "page_internal.h"

#include <quarry/memalloc.h>
#include <quarry/pressure.h>
#include <quarry/report.h>

#define RECLAIM_RETRIES 16

const struct pressure_ops *pressure;
unsigned long (*drain_slabs)(struct kmem_cache *all);

/* A request on its way up. */
struct request {
	gfp_t gfp;
	unsigned order;
	int nid;
	const struct zonelist *list;
	unsigned long caller;
	unsigned depth;		/* ALLOC_HIGH ...; 0: may not go below min */
	bool reserve;		/* ... but to the last page */
	bool may_reclaim;
	bool dying;
	unsigned rounds;	/* in a row that did not help */
};

/* What the mask and the thread's own flags allow. */
static void look_at_caller(struct request *r)
{
	const struct mm_thread *t = port_mm_thread();
	unsigned flags = t ? READ_ONCE(t->flags) : 0;

	r->gfp = current_gfp_context(r->gfp);
	r->may_reclaim = r->gfp & __GFP_WAIT && !(flags & PF_MEMALLOC);
	r->dying = flags & PF_OOM_VICTIM;
	if (r->gfp & __GFP_NOMEMALLOC)
		return;
	r->reserve = r->gfp & __GFP_MEMALLOC || flags & PF_MEMALLOC;
	if (r->dying || (r->gfp & (__GFP_HIGH | __GFP_WAIT)) == __GFP_HIGH)
		r->depth = r->dying || in_interrupt() ? ALLOC_DEEPEST : ALLOC_ATOMIC;
	else if (r->gfp & __GFP_HIGH)
		r->depth = ALLOC_HIGH;
}

static struct page *attempt(const struct request *r, unsigned alloc_flags, enum vm_event_item rung)
{
	struct page *page = attempt_from_freelist(r->gfp, r->order, r->list, WMARK_MIN, alloc_flags);

	if (page)
		count_vm_event(rung);
	return page;
}

/* Rungs 3 and 4. */
static struct page *attempts(const struct request *r)
{
	struct page *page = attempt(r, 0, ALLOC_MIN);

	if (!page && r->depth)
		page = attempt(r, r->depth, ALLOC_HARDER);
	if (!page && r->reserve)
		page = attempt(r, ALLOC_NO_WATERMARKS, ALLOC_RESERVE);
	return page;
}

unsigned long give_back_kept(void)
{
	unsigned long pages = drain_slabs ? drain_slabs(NULL) : 0;

	drain_all_pages(NULL);
	return pages;
}

/* Rung 5.  Return: pages freed, about. */
static unsigned long reclaim(const struct request *r)
{
	unsigned old = memalloc_noreclaim_save();
	unsigned long freed;

	count_vm_event(ALLOCSTALL);
	count_vm_event(ALLOCSTALL_ZONE + gfp_zone(r->gfp));
	freed = pressure ? pressure->try_to_free_pages(r->nid, r->order, r->gfp) : give_back_kept();
	memalloc_noreclaim_restore(old);
	return freed;
}

/* Rung 6. */
static struct page *drained_attempts(const struct request *r)
{
	count_vm_event(ALLOC_DRAINED);
	drain_all_pages(NULL);
	return attempts(r);
}

/* Rung 9.  Return: is it worth to go round again? */
static bool out_of_memory(const struct request *r)
{
	if (!pressure || !pressure->out_of_memory || !r->may_reclaim || !(r->gfp & __GFP_FS) ||
	    r->gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL | __GFP_THISNODE) ||
	    r->order > PAGE_ALLOC_COSTLY_ORDER || gfp_zone(r->gfp) < ZONE_NORMAL)
		return false;
	return pressure->out_of_memory(r->gfp, r->order, r->caller);
}

/* Rungs 8 and 9: is there to be another round, after one that freed @freed pages? */
static bool another_round(struct request *r, unsigned long freed)
{
	bool small = r->order <= PAGE_ALLOC_COSTLY_ORDER || r->gfp & __GFP_RETRY_MAYFAIL, again;

	if (r->dying || r->gfp & __GFP_NORETRY) {
		again = false;
	} else if (small && freed && ++r->rounds < RECLAIM_RETRIES) {
		again = true;
	} else {
		again = out_of_memory(r);
		look_at_caller(r);	/* it may be the one that is to end */
		r->rounds = 0;
		if (again)
			port_yield();
	}
	if (!again && r->gfp & __GFP_NOFAIL) {
		if (!(r->gfp & __GFP_NOMEMALLOC))
			r->depth = max(r->depth, (unsigned)ALLOC_HIGH);
		port_yield();
		again = true;
	}
	return again;
}

/* For who may wait. */
static struct page *climb(struct request *r)
{
	unsigned long freed = 0;
	struct page *page;

	for (;;) {
		if (r->may_reclaim) {
			freed = reclaim(r);
			page = attempts(r);
			if (page)
				return page;
		}
		page = drained_attempts(r);
		if (page || !another_round(r, freed))
			return page;
		count_vm_event(ALLOC_RETRY);
	}
}

struct page *alloc_pages_slowpath(gfp_t gfp, unsigned order, int nid, unsigned long caller)
{
	struct request r = {
		.gfp = gfp, .order = order, .nid = nid, .list = node_zonelist(nid, gfp), .caller = caller,
	};
	struct page *page;

	count_vm_event(ALLOC_SLOWPATH);
	look_at_caller(&r);
	if (pressure && gfp & __GFP_KSWAPD_RECLAIM)
		pressure->wake_all_kswapds(r.list, order, gfp_zone(gfp));
	page = attempts(&r);
	if (!page)
		page = gfp & __GFP_WAIT ? climb(&r) : drained_attempts(&r);
	if (page)
		return page;
	count_vm_event(ALLOC_FAILED);
	report_alloc_failure("page allocation", r.gfp, order, PAGE_SIZE << order, caller);
	return NULL;
}
