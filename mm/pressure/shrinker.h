/* SPDX-License-Identifier: MIT */
/*
 * shrinker.h: between reclaim.c and shrinker.c.
 */
#ifndef MM_PRESSURE_SHRINKER_H
#define MM_PRESSURE_SHRINKER_H

#include <quarry/shrinker.h>

#define SHRINK_PAGES 1u		/* those with SHRINKER_PAGES */
#define SHRINK_OBJECTS 2u	/* those without */
#define SHRINK_ALL (SHRINK_PAGES | SHRINK_OBJECTS)

/* What one pass over the shrinkers came to. */
struct shrunk {
	unsigned long freed;		/* objects */
	unsigned long pages;		/* ... of them pages */
	unsigned long scanned, pages_scanned;
};

/** shrink_pass() - each shrinker of @kinds is asked once for 1/2^@priority of what it has. */
struct shrunk shrink_pass(gfp_t gfp, int nid, int priority, unsigned kinds);

#endif
