/* SPDX-License-Identifier: MIT */
/*
 * set_memory.h: other rights for pages that the kernel has mapped.
 *
 * For parts of the direct map, of the kernel's image and of vmalloc areas.  A frame
 * that is mapped at several addresses keeps its rights at the others.
 */
#ifndef QUARRY_SET_MEMORY_H
#define QUARRY_SET_MEMORY_H

#include <quarry/pgtable.h>

/**
 * set_memory_ro() - who writes to [@addr, @addr + @numpages pages) faults from now on
 * @addr: page-aligned, of the kernel's half; all of it mapped, and kept so meanwhile
 * @numpages: > 0
 *
 * Large pages that are covered in part are split (pt_split.c); where the rights are
 * those wanted already, nothing is done.  No CPU remembers the old rights on return.
 * Context: thread, may sleep, no lock held.  Return: 0; -EINVAL: not such a range;
 * -ENOMEM: no table for splitting; then the rights are what they were.  O(@numpages).
 * Undo: set_memory_rw().
 */
int set_memory_ro(unsigned long addr, int numpages);
/** set_memory_rw() - writing is allowed.  Context, return and cost as set_memory_ro(). */
int set_memory_rw(unsigned long addr, int numpages);
/** set_memory_nx() - who jumps there faults; without effect where the CPU cannot tell.  As set_memory_ro(). */
int set_memory_nx(unsigned long addr, int numpages);
/** set_memory_x() - code may be run from there.  As set_memory_ro(). */
int set_memory_x(unsigned long addr, int numpages);

#endif
