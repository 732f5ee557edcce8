/* SPDX-License-Identifier: MIT */
/*
 * percpu.h: what <arch/cpu.h> and the memory manager agree on about "this CPU".
 *
 * preempt_count() is three numbers in one; preempt_word() has a bit more, that says nothing
 * about what may be done here:
 *
 *	bits 0-11	regions that may not be preempted, nested
 *	bit 12		CPU_ARMED, in preempt_word() only: an allocation of this thread is to fail (inject.h)
 *	bits 13-15	CPU_CLAIMED: somebody works on this CPU's things (claim.h)
 *	bits 16-	IRQ_ONE: interrupt levels
 *
 * What the memory manager keeps for each CPU lies in slots of CPU_SLOT bytes, at
 * least a cache line, so that no two CPUs share one; cpu_slot() is where this CPU's begins.
 */
#ifndef QUARRY_PERCPU_H
#define QUARRY_PERCPU_H

#include <quarry/config.h>

#define PREEMPT_DEPTH 0x0fff
#define CPU_ARMED 0x1000
#define CPU_CLAIMED 0x2000
#define CPU_CLAIM_BITS 0xe000
#define IRQ_ONE 0x10000

#define CPU_SLOT (L1_CACHE_BYTES < 64 ? 64 : L1_CACHE_BYTES)

#endif
