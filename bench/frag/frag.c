/* SPDX-License-Identifier: MIT */
/*
 * frag.c: what long use leaves of the large blocks, with grouping by mobility and without.
 *
 *	frag [seed=1] [ticks=20000] [mem=512] [every=250]	mem in MiB
 *
 * Two machines, hosted, live through the same life: in simulated time, from the same seed.  At
 * each tick things end whose time is over, and others begin until so much memory is used as the
 * time of the day wants: 40 to 90 per cent, up and down in 2000 ticks.  In the evening, at the end
 * of each day, the users leave, and all that is theirs ends.  A thing is a block of memory of one
 * of these kinds; how long it lasts is as likely between 1 and 2 ticks as between 1000 and 2000:
 *
 *	kind			of 1000	order	ticks
 *	user's, short		600	0	1 ... 128
 *	user's, long		200	0	256 ... 2048
 *	a shrinker's		50	0	128 ... 8192
 *	kernel's, short		140	0 ... 2	1 ... 64
 *	kernel's, long		10	0 ... 1	1024 ... 16384
 *
 * Memory is given out by alloc_pages(), so through zones, stacks of CPUs and all.  When it
 * fails, a sixteenth of the shrinker's things end, and it is tried again.
 *
 * Output, a line for each `every` ticks and machine:
 *
 *	tick<TAB>grouped|mixed<TAB>free pages<TAB>of them in blocks of order 10<TAB>their share, per cent
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quarry/init.h>
#include <quarry/zone.h>

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"
#include "lib/xorshift.h"

#define DAY 2000

static const struct kind {
	unsigned weight, orders, from, to;	/* from, to: log2 of ticks */
	gfp_t gfp;
} kinds[] = {
	{ 600, 1, 0, 7, GFP_USER | __GFP_MOVABLE }, { 200, 1, 8, 11, GFP_USER | __GFP_MOVABLE },
	{ 50, 1, 7, 13, GFP_KERNEL | __GFP_RECLAIMABLE }, { 140, 3, 0, 6, GFP_KERNEL }, { 10, 2, 10, 14, GFP_KERNEL },
};

/* A thing in use; links by number, for there are many: 0 ends a list. */
static struct thing { struct page *page; unsigned order, kind, next; } *things;
static unsigned *ends, spare;		/* by tick: what ends then; things not in use */
static unsigned long seed = 1, ticks = 20000, mem = 512, every = 250;
static unsigned long used, total;
static u64 random_state;

static unsigned rnd(unsigned below)
{
	return (unsigned)(xorshift64(&random_state) >> 33) % below;
}

static void end_thing(unsigned i)
{
	__free_pages(things[i].page, things[i].order);
	used -= 1ul << things[i].order;
	things[i].page = NULL;
	things[i].next = spare;
	spare = i;
}

/* Memory is short: of the shrinker's things, one in sixteen.  They stay in their lists, empty. */
static void shrink(void)
{
	for (unsigned i = 1; i < total; i++)
		if (things[i].page && kinds[things[i].kind].gfp & __GFP_RECLAIMABLE && rnd(16) == 0) {
			__free_pages(things[i].page, things[i].order);
			used -= 1ul << things[i].order;
			things[i].page = NULL;
		}
}

static void end_those_of(unsigned long tick)
{
	unsigned i = ends[tick], next;

	for (; i; i = next) {
		next = things[i].next;
		if (things[i].page) {
			end_thing(i);
		} else {
			things[i].next = spare;
			spare = i;
		}
	}
}

static unsigned pick_kind(void)
{
	unsigned r = rnd(1000), k = 0;

	while (r >= kinds[k].weight)
		r -= kinds[k++].weight;
	return k;
}

static void begin_thing(unsigned long tick)
{
	unsigned i = spare, k = pick_kind(), order = rnd(kinds[k].orders);
	unsigned log = kinds[k].from + rnd(kinds[k].to - kinds[k].from);
	unsigned long end = tick + (1ul << log) + rnd(1u << log);
	struct page *page = alloc_pages(kinds[k].gfp | __GFP_NOWARN, order);

	if (!page) {
		shrink();
		page = alloc_pages(kinds[k].gfp | __GFP_NOWARN, order);
	}
	if (!page)
		return;
	spare = things[i].next;
	if (kinds[k].gfp & __GFP_MOVABLE)
		end = min(end, (tick / DAY + 1) * DAY);
	end = min(end, ticks + 1);
	things[i] = (struct thing){ page, order, k, ends[end] };
	ends[end] = i;
	used += 1ul << order;
}

/* ---- what is left of it ---------------------------------------------------------------- */

static void measure(unsigned long tick, const char *name)
{
	unsigned long nr_free = 0, large = 0;
	struct zone *z;

	drain_all_pages(NULL);
	for_each_zone(z) {
		nr_free += zone_free_pages(z);
		large += z->free_area[MAX_PAGE_ORDER].nr_free << MAX_PAGE_ORDER;
	}
	printf("%lu\t%s\t%lu\t%lu\t%.2f\n", tick, name, nr_free, large, 100.0 * (double)large / (double)nr_free);
}

/* Pages in use that tick @t wants, of @all. */
static unsigned long wanted(unsigned long t, unsigned long all)
{
	unsigned long phase = t % DAY, up = phase < DAY / 2 ? phase : DAY - phase;

	return all / 100 * 40 + all / 100 * 50 * up / (DAY / 2);
}

static void live(const char *name)
{
	unsigned long all = 0;
	struct zone *z;

	for_each_zone(z) {
		while (zone_grow(z))		/* all sections online: no block is in waiting */
			;
		all += zone_free_pages(z);
	}
	total = all + 1;
	things = calloc(total, sizeof(*things));
	ends = calloc(ticks + 2, sizeof(*ends));
	for (unsigned i = 1; i < total; i++)
		things[i].next = i + 1 < total ? i + 1 : 0;
	spare = 1;
	for (unsigned long t = 0; t <= ticks; t++) {
		end_those_of(t);
		if (t % every == 0)
			measure(t, name);
		for (unsigned n = 0; used < wanted(t, all) && n < all / 16; n++)
			begin_thing(t);
	}
}

static void no_log(const char *text, size_t len)
{
	(void)text;
	(void)len;
}

/* A process can boot once. */
static int machine(bool grouped)
{
	struct e820_entry map[8];
	const char *err;
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		machine_log = no_log;
		clock_start();
		page_group_by_mobility_disabled = !grouped;
		random_state = seed * 2654435761u + 88172645463325252ull;
		err = hosted_power_on(map, hosted_pc_map(map, mem << 20), mem << 20);
		if (err) {
			fprintf(stderr, "frag: %s\n", err);
			_exit(1);
		}
		mm_init();
		live(grouped ? "grouped" : "mixed");
		fflush(stdout);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : 1;
}

int main(int argc, char **argv)
{
	const struct { const char *name; unsigned long *value; } settings[] = {
		{ "seed=", &seed }, { "ticks=", &ticks }, { "mem=", &mem }, { "every=", &every },
	};

	for (int i = 1; i < argc; i++) {
		unsigned k = 0;

		while (k < ARRAY_SIZE(settings) && strncmp(argv[i], settings[k].name, strlen(settings[k].name)))
			k++;
		if (k == ARRAY_SIZE(settings) || !(*settings[k].value = strtoul(strchr(argv[i], '=') + 1, NULL, 0))) {
			fprintf(stderr, "frag: %s: seed=, ticks=, mem= or every=, and a number above 0\n", argv[i]);
			return 2;
		}
	}
	return machine(true) || machine(false);
}
