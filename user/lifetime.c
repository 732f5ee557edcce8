/* SPDX-License-Identifier: MIT */
/*
 * lifetime.c: more memory in a lifetime than addresses at any time.
 *
 *	lifetime MIB	takes MIB (5120) altogether, 256 at a time: each page written with
 *			a number of its own, all read back, all given back, again; says so,
 *			unless a further word is given
 */
#include "sys.h"

#define PIECE 256u		/* MiB held at a time */
#define WORDS (PAGE / 4)

static unsigned use(volatile u32 *p, unsigned mib, u32 round)
{
	unsigned pages = mib * (MIB / PAGE), wrong = 0;

	for (unsigned i = 0; i < pages; i++) {
		wrong += p[i * WORDS] != 0;		/* others' data would be here */
		p[i * WORDS] = p[(i + 1) * WORDS - 1] = round << 20 | i;
	}
	for (unsigned i = 0; i < pages; i++)
		wrong += p[i * WORDS] != (round << 20 | i) || p[(i + 1) * WORDS - 1] != (round << 20 | i);
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned mib = number(argc > 1 ? argv[1] : NULL, 5120), used = 0, wrong = 0;
	struct pageinfo info;

	for (u32 round = 1; used < mib; round++) {
		unsigned piece = mib - used < PIECE ? mib - used : PIECE;
		void *p = map(piece * MIB);

		if (!p) {
			printf("lifetime: no %u MiB to be had after %u\n", piece, used);
			return 2;
		}
		wrong += use(p, piece, round);
		unmap(p, piece * MIB);
		used += piece;
	}
	pageinfo(&info);
	if (argc < 3)
		printf("lifetime: %u MiB used in all, %u faults, %u wrong\n", used, (unsigned)info.faults, wrong);
	return wrong != 0;
}
