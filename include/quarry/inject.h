/* SPDX-License-Identifier: MIT */
/*
 * inject.h: the N-th allocation of a thread fails.
 *
 *	for (n = 1; ; n++) {
 *		fail_nth_set(n);
 *		p = thing_create();
 *		if (fail_nth_set(0))
 *			break;			it asked for less than n allocations: all were tried
 *		...				one of them failed: is everything as it was?
 *	}
 *
 * How: mm/debug/inject.c.  What to look for: docs/debugging.md.
 */
#ifndef QUARRY_INJECT_H
#define QUARRY_INJECT_H

#include <quarry/claim.h>
#include <quarry/port.h>

/**
 * fail_nth_set() - the @n-th allocation of the calling thread from now on fails, once
 * @n: 1: the next; 0: none is to fail any more
 *
 * An allocation is one call of alloc_pages() or its kin, of kmalloc() or kmem_cache_alloc() or theirs;
 * a bulk call is one.  What such a call itself asks for (pages for a new slab, a magazine) counts, too.
 * memblock, and what __GFP_NOFAIL asks for, never fails and is not counted; nor is what an
 * interrupt asks for.  The failure is not reported.
 * Context: thread.  O(1).  Refused with a report: where port_mm_thread() is NULL; a port whose
 * preempt_word() is constant.
 * Return: how many allocations were still to come before the failure that was set earlier, that one
 * included; 0: it has failed, none was set, or refused.
 */
unsigned fail_nth_set(unsigned n);

/** fail_nth_get() - the same number, and nothing changes. */
unsigned fail_nth_get(void);

/** fail_nth_failed() - how many allocations of the calling thread failed so, ever. */
unsigned long fail_nth_failed(void);

/** fail_nth_caller() - who asked for the last of them: a code address; 0: none has failed. */
unsigned long fail_nth_caller(void);

/** fail_nth_check() - test the numbered invariants of inject.c for the calling thread.  Return: the number broken, or 0. */
int fail_nth_check(void);

/**
 * fail_nth_switch() - for a scheduler: this CPU goes from the thread @prev to @next
 * Context: preemption or interrupts off.  O(1).
 */
static inline void fail_nth_switch(const struct mm_thread *prev, const struct mm_thread *next)
{
	if (unlikely(prev->fail_nth))
		preempt_count_add(-CPU_ARMED);
	if (unlikely(next->fail_nth))
		preempt_count_add(CPU_ARMED);
}

/** fail_nth_now() - an armed thread allocates: is this the one?  For the allocators, where cpu_armed() is true. */
bool fail_nth_now(gfp_t gfp, unsigned long caller) __cold_path;

#endif
