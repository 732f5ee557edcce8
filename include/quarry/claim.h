/* SPDX-License-Identifier: MIT */
/*
 * claim.h: a CPU's own things, without switching interrupts off.
 *
 * Magazines of objects and lists of frames belong to one CPU.  Others never touch
 * them; what could come between is an interrupt, or another thread after a switch.
 * Both are held off by CPU_CLAIMED in preempt_count() (percpu.h):
 *
 *	claim		one addition: the count is not 0 any more, so no switch to another
 *			thread, and this thread stays on this CPU, until it is released
 *	interrupt	runs as ever; if it wants memory and finds the CPU claimed, it has
 *			interrupted somebody in the middle, and goes the slow way: to the
 *			zone or the slabs, which have locks
 *
 * The hot way claims only from a preempt_word() of 0: a thread that holds nothing, so may
 * sleep if its mask says so, and of whom no allocation is to fail (inject.h).  It adds first
 * and looks afterwards, in one instruction; if the count was not 0, it takes its addition
 * back.  Between the two an interrupt finds a CPU that seems claimed, and goes the slow way
 * in vain.  Others (cpu_try_claim) look first; an
 * interrupt in between claims, works, and has released before it returns: then it is as if
 * it had come before.  (docs/locking.md has this step by step.)
 */
#ifndef QUARRY_CLAIM_H
#define QUARRY_CLAIM_H

#include <quarry/gfp.h>
#include <arch/cpu.h>

/*
 * A word of this CPU's slot, of the size of a long; @x is the one of CPU 0: read it, compare
 * it, add @n to it.  Where a processor adds cpu_slot() by itself, <arch/cpu.h> defines them.
 */
#ifndef SYMBOL_IN_ADDRESS
#define SYMBOL_IN_ADDRESS 0
#endif
#ifndef cpu_own_read
#define cpu_own_word(x) (*(__typeof__(x) *)((char *)&(x) + cpu_slot()))
#define cpu_own_read(x) cpu_own_word(x)
#define cpu_own_is(x, v) (cpu_own_word(x) == (v))
#define cpu_own_add(x, n) (*(unsigned long *)(void *)&cpu_own_word(x) += (unsigned long)(n))
#endif

/** cpu_at_rest() - does this thread hold nothing, and is none of its allocations to fail? */
static __always_inline bool cpu_at_rest(void)
{
	return !preempt_word();
}

/** cpu_armed() - is one to fail, or an interrupt in the way of such a thread? */
static __always_inline bool cpu_armed(void)
{
	return preempt_word() & CPU_ARMED;
}

/** cpu_claimed() - is somebody in the middle of this CPU's things? */
static __always_inline bool cpu_claimed(void)
{
	return preempt_count() & CPU_CLAIM_BITS;
}

/** cpu_release() - what every claim ends with. */
static __always_inline void cpu_release(void)
{
	barrier();
	preempt_count_add(-CPU_CLAIMED);
}

/* cpu_release_at_rest() - the end of a claim from rest: the count is 0 again.  A port may know a quicker way. */
#ifndef cpu_release_at_rest
static __always_inline void cpu_release_at_rest(void)
{
	cpu_release();
}
#endif

/** cpu_try_claim() - in any context.  False: interrupted somebody who has it. */
static __always_inline bool cpu_try_claim(void)
{
	if (unlikely(cpu_claimed()))
		return false;
	preempt_count_add(CPU_CLAIMED);
	barrier();
	return true;
}

/** on_this_cpu_claimed() - @fn(@arg) with this CPU claimed.  False: somebody has it, and nothing was done. */
bool on_this_cpu_claimed(void (*fn)(void *arg), void *arg);
/**
 * on_each_cpu_claimed() - the same on each CPU (mm/page/claim.c)
 * On the others only when may_call_others() says so; then on all of them.  Context: any.
 */
void on_each_cpu_claimed(void (*fn)(void *arg), void *arg);

/*
 * cpu_claim_at_rest(), of <arch/cpu.h> - the same, where preempt_word() is 0
 * False: it is not; nothing has changed.
 */

#endif
