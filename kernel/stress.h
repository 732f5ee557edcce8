/* SPDX-License-Identifier: MIT */
/*
 * stress.h: between stress.c, which starts and counts, and stress_step.c, which does it.
 */
#ifndef KERNEL_STRESS_H
#define KERNEL_STRESS_H

#include <quarry/types.h>

#define STRESS_SLOTS 48
#define STRESS_SHARED 64

enum stress_what { EMPTY, PAGES, OBJECT, AREA, KMAP, SPACE, CACHE, NR_WHAT };

struct stress_slot {
	enum stress_what what;
	void *ptr;
	unsigned order;
	size_t size;
	u32 mark;
};

struct stress_worker {
	u32 random;
	bool irq;			/* works in interrupts of one CPU: nothing may sleep */
	unsigned index, of;		/* which worker, of how many */
	struct stress_worker *interrupts;	/* the workers of interrupts, one for each CPU */
	struct stress_slot slot[STRESS_SLOTS];
	unsigned long did[NR_WHAT], threads, traded, faults, steps, no_memory;
	int pid;
};

extern unsigned long stress_wrong;	/* marks overwritten, and the like */

/** stress_step() - by a thread.  stress_in_interrupt() - the same in an interrupt: @workers[this CPU]. */
void stress_step(struct stress_worker *w);
void stress_in_interrupt(void *workers);
/** stress_give_all() - all that @w has. */
void stress_give_all(struct stress_worker *w);
/** stress_common_start() - what all share: false: no memory.  _end() - @w gives it back. */
bool stress_common_start(void);
void stress_common_end(struct stress_worker *w);

#endif
