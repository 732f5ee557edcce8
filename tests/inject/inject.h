/* SPDX-License-Identifier: MIT */
/*
 * inject.h: every public call, with each of its allocations failing in turn.
 *
 *	static void *p;
 *	static bool take(void) { return (p = kmalloc(5000, GFP_KERNEL)) != NULL; }
 *	static void give(void) { kfree(p); }
 *
 *	SELFTEST(inject, kmalloc)
 *	{
 *		static const struct inject_call calls[] = { { "kmalloc of 5000", take, give, 1 } };
 *
 *		inject_each(calls, ARRAY_SIZE(calls));
 *	}
 */
#ifndef INJECT_H
#define INJECT_H

#include <quarry/inject.h>

#include "tests/selftest/util.h"

struct inject_call {
	const char *name;
	bool (*make)(void);		/* the call; false: it failed, and nothing is left of it */
	void (*undo)(void);		/* after it succeeded */
	unsigned fails;			/* so often at least it must fail; 0: it never does */
};

/**
 * inject_each() - for each call, for N = 1, 2, 3 ...: let its N-th allocation fail
 *
 * Until it asks for less than N.  After each: frames, objects and areas are as many as before,
 * all checks hold, no misuse was reported.  From where all that is kept for speed has been given
 * back, so the layers below ask for memory, too.  A difference fails the test.
 */
void inject_each(const struct inject_call *calls, unsigned n);

#endif
