/* SPDX-License-Identifier: MIT */
/*
 * count.c: counts aloud; two of them show how tasks take turns.
 *
 *	count N		to N (5), giving the CPU away after each
 *	count N busy	without giving it away: the timer takes it
 */
#include "sys.h"

int main(int argc, char **argv)
{
	unsigned n = number(argc > 1 ? argv[1] : NULL, 5);
	bool busy = argc > 2 && same(argv[2], "busy");

	for (unsigned i = 1; i <= n; i++) {
		printf("count[%d]: %u\n", getpid(), i);
		if (!busy)
			yield();
		for (volatile unsigned spin = 0; busy && spin < 20000000; spin++)
			;
	}
	return 0;
}
