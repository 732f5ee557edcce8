/* SPDX-License-Identifier: MIT */
/*
 * huge.c: memory in large pages.
 *
 *	huge MIB	maps MIB (16), asks for large pages, writes and reads back every page,
 *			cuts one small page out of the middle, and finds the rest as it was
 *	huge MIB hold	fills them, and sleeps until it is killed
 *
 * Ends with 0 when the content was right, however the kernel mapped it; 3: there was
 * room for large pages, and there were none.
 */
#include "sys.h"

static unsigned mib;

static void fill(volatile u32 *p)
{
	for (u32 i = 0; i < mib * MIB / 4; i += PAGE / 4)
		p[i] = i ^ 0x5eed, p[i + PAGE / 4 - 1] = ~i;
}

/* Pages that are not as they were filled, but for page @hole. */
static unsigned wrong_pages(const volatile u32 *p, u32 hole)
{
	unsigned wrong = 0;

	for (u32 page = 0; page < mib * MIB / PAGE; page++) {
		u32 i = page * (PAGE / 4);

		wrong += page != hole && (p[i] != (i ^ 0x5eed) || p[i + PAGE / 4 - 1] != ~i);
	}
	return wrong;
}

static void show(const char *when, const struct pageinfo *since)
{
	struct pageinfo now;

	pageinfo(&now);
	printf("huge: %s: %u pages, %u large ones, %u tables, %u faults\n", when, now.pages - since->pages,
	       now.large_pages, now.tables - since->tables, now.faults - since->faults);
}

int main(int argc, char **argv)
{
	struct pageinfo before, after;
	volatile u32 *p;
	unsigned wrong;
	u32 hole;

	mib = number(argc > 1 ? argv[1] : NULL, 16);
	pageinfo(&before);
	p = map(mib * MIB);
	if (!p || madvise((void *)p, mib * MIB, MADV_HUGEPAGE)) {
		printf("huge: no %u MiB to be had\n", mib);
		return 2;
	}
	fill(p);
	pageinfo(&after);
	show("filled", &before);
	while (argc > 2)
		sleep_ms(1000);
	wrong = wrong_pages(p, ~0u);
	hole = mib * MIB / 2 / PAGE + 7;
	if (unmap((char *)p + hole * PAGE, PAGE))
		printf("huge: the page stays: no memory to cut it out\n");
	wrong += wrong_pages(p, hole);
	show("one page cut out", &before);
	unmap((void *)p, mib * MIB);
	show("unmapped", &before);
	printf("huge: %u of %u pages wrong\n", wrong, mib * MIB / PAGE);
	if (wrong)
		return 1;
	return after.large_size && mib * MIB >= 2 * after.large_size && !after.large_pages ? 3 : 0;
}
