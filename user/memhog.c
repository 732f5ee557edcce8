/* SPDX-License-Identifier: MIT */
/*
 * memhog.c: takes memory until there is none: must end alone, and leave all of
 * it behind.
 *
 *	memhog		without end: is killed when there is no frame left, or ends when
 *			it has no address left
 *	memhog MIB	so much, then sleeps until it is killed
 */
#include "sys.h"

int main(int argc, char **argv)
{
	unsigned limit = number(argc > 1 ? argv[1] : NULL, 0), mib = 0;

	for (;;) {
		volatile u32 *p = map(MIB);

		if (!p) {
			printf("memhog: no address left after %u MiB\n", mib);
			return 3;
		}
		for (unsigned i = 0; i < MIB / 4; i += PAGE / 4)
			p[i] = mib;
		mib++;
		if (limit && mib == limit)
			break;
		if (mib % 256 == 0)
			printf("memhog: %u MiB\n", mib);
	}
	printf("memhog: holding %u MiB\n", mib);
	for (;;)
		sleep_ms(1000);
}
