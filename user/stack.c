/* SPDX-License-Identifier: MIT */
/*
 * stack.c: a stack that grows by demand.
 *
 *	stack KIB	calls itself until KIB (1024) of stack are in use, checks all, ends
 *	stack forever	calls itself until the stack may not grow any more
 */
#include "sys.h"

/* Each call takes a bit over 1 KiB, marks it, and finds its mark again on the way back. */
static unsigned deeper(unsigned left)
{
	volatile unsigned mark[256];
	unsigned good;

	for (unsigned i = 0; i < 256; i++)
		mark[i] = left ^ i;
	good = left ? deeper(left - 1) : 0;
	for (unsigned i = 0; i < 256; i++)
		if (mark[i] != (left ^ i))
			return 0;
	return good + 1;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	unsigned kib = same(how, "forever") ? ~0u - 1 : number(how, 1024);
	struct pageinfo before, after;
	unsigned good;

	pageinfo(&before);
	good = deeper(kib);
	pageinfo(&after);
	printf("stack: %u calls deep and back, %u of them found their marks; %u pages more\n",
	       kib + 1, good, own_pages(&after) - own_pages(&before));
	return good == kib + 1 && (own_pages(&after) - own_pages(&before)) * 4 >= kib ? 0 : 1;
}
