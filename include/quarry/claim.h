/* SPDX-License-Identifier: MIT */
/*
 * claim.h: a CPU's own things, without switching interrupts off.
 *
 * Magazines of objects and lists of frames belong to one CPU.  Others never touch
 * them; what could come between is an interrupt, or another thread after a switch.
 * Both are held off by one bit of preempt_count():
 *
 *	preempt_count	0 ... 0x7fff	regions that may not be preempted, nested
 *			0x8000		CPU_CLAIMED: somebody works on this CPU's things
 *			0x10000 ...	interrupt levels
 *
 *	claim		one test, one addition: the count is not 0, so no switch to another
 *			thread, and this thread stays on this CPU, until it is released
 *	interrupt	runs as ever; if it wants memory and finds the bit set, it has
 *			interrupted somebody in the middle, and goes the slow way: to the
 *			zone or the slabs, which have locks
 *
 * Between the test and the addition an interrupt may come, too: it finds the bit clear,
 * claims, works, and has released before it returns; then it is as if it had come
 * before.  (docs/locking.md has this step by step.)
 */
#ifndef QUARRY_CLAIM_H
#define QUARRY_CLAIM_H

#include <quarry/gfp.h>
#include <arch/cpu.h>

#define CPU_CLAIMED 0x8000

/* Take what cpu_may_claim() promised: the two are one step, with at most interrupts in between. */
static __always_inline void cpu_claim(void)
{
	preempt_count_add(CPU_CLAIMED);
	barrier();
}

static __always_inline void cpu_release(void)
{
	barrier();
	preempt_count_add(-CPU_CLAIMED);
}

/** cpu_may_claim() - is nobody in the middle of this CPU's things?  Then cpu_claim() at once. */
static __always_inline bool cpu_may_claim(void)
{
	return likely(!preempt_count_test(CPU_CLAIMED));
}

/** cpu_may_claim_for() - and may the caller sleep, if @gfp says so?  One test in a thread. */
static __always_inline bool cpu_may_claim_for(gfp_t gfp)
{
	return likely(!preempt_count_test(~0)) || (!(gfp & __GFP_WAIT) && !preempt_count_test(CPU_CLAIMED));
}

/** cpu_try_claim() - both steps.  False: interrupted somebody who has it. */
static __always_inline bool cpu_try_claim(void)
{
	bool may = cpu_may_claim();

	if (may)
		cpu_claim();
	return may;
}

#endif
