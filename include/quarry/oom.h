/* SPDX-License-Identifier: MIT */
/*
 * oom.h: nothing is left: one task ends, so that the others can go on.
 */
#ifndef QUARRY_OOM_H
#define QUARRY_OOM_H

#include <quarry/gfp.h>

#define OOM_SCORE_ADJ_MIN (-1000)	/* never this one */
#define OOM_SCORE_ADJ_MAX 1000		/* it counts as if it held all of memory beside what it holds */

/**
 * out_of_memory() - end the task with the largest footprint, and take its frames
 * @gfp, @order: the request that nothing is left for
 * @caller: the code address it came from, for the report
 *
 * Says on the log who asked, what memory there is, which tasks there are, and which ends.
 * Nobody is ended while one that was told to end before is on its way (for a while: see
 * oom.c), nor when there is memory again by now.  Which requests are worth a task, the
 * caller decides (mm/page/slowpath.c).
 *
 * Context: thread that may sleep, no lock held.  Allocates nothing.  Return: true: let others
 * run, then ask again, there is more or soon will be; false: nobody can be ended for it.
 * Three walks over the tasks, the frames of the victim, the length of the report.
 */
bool out_of_memory(gfp_t gfp, unsigned order, unsigned long caller);

/**
 * show_mem() - all there is to know of memory, onto the log: zones, free blocks, large caches
 * Context: thread; takes locks of mm/ one after the other, allocates nothing.
 */
void show_mem(void);

#endif
