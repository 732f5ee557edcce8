/* SPDX-License-Identifier: MIT */
/* sched/mm.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_SCHED_MM_H
#define _LINUX_SCHED_MM_H

#include <quarry/memalloc.h>

#endif
