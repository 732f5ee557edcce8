/* SPDX-License-Identifier: MIT */
/*
 * grow.c: a heap that grows by demand.
 *
 *	grow MIB	takes MIB (4) by sbrk, finds it cleared, writes each word, reads
 *			all back, gives it back, takes it again and finds it cleared
 */
#include "sys.h"

static unsigned check_zero(const volatile u32 *p, unsigned words)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < words; i++)
		wrong += p[i] != 0;
	return wrong;
}

static unsigned check_pattern(const volatile u32 *p, unsigned words)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < words; i++)
		wrong += p[i] != (i * 2654435761u ^ 0x5eed);
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned mib = number(argc > 1 ? argv[1] : NULL, 4), words = mib * MIB / 4, wrong;
	struct pageinfo before, after, end;
	volatile u32 *p;

	pageinfo(&before);
	p = sbrk((long)(mib * MIB));
	if (p == (void *)-1) {
		printf("grow: no heap of %u MiB to be had\n", mib);
		return 2;
	}
	wrong = check_zero(p, words);
	for (unsigned i = 0; i < words; i++)
		p[i] = i * 2654435761u ^ 0x5eed;
	wrong += check_pattern(p, words);
	pageinfo(&after);
	sbrk(-(long)(mib * MIB));
	pageinfo(&end);
	wrong += sbrk((long)(mib * MIB)) != p;
	wrong += check_zero(p, words);
	printf("grow: %u MiB at %p: %u pages came by %u faults, %u left after giving it back, "
	       "%u words wrong\n", mib, (void *)p, own_pages(&after) - own_pages(&before), after.faults - before.faults,
	       own_pages(&end) - own_pages(&before), wrong);
	return wrong || own_pages(&after) - own_pages(&before) < mib * 256 || own_pages(&end) - own_pages(&before) > 1;
}
