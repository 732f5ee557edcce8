/* SPDX-License-Identifier: MIT */
/*
 * growth.c: what an operation costs when much is in use already: 10^3 to 10^7 objects,
 * 10 to 10^5 areas.  Nothing here runs unless it is asked for by name.
 *
 * Three things are measured at each step, with all the others in use: a pair; a batch (of
 * areas: twenty); and replacement: one of those in use, chosen at random, goes, another
 * comes.  The last is where an allocator's search shows.
 */
#include "bench.h"

#include <quarry/printf.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>

#include "lib/xorshift.h"

#define ROUNDS 21

static void **live;			/* what is in use */
static unsigned long nr_live;
static u32 random_state;

/* A kind of thing that grows in number. */
struct crowd {
	const char *name;		/* of the operations: NAME_STEP_work */
	unsigned long from, to;		/* steps: powers of ten */
	int batch;
	void *(*take)(void);
	void (*give)(void *p);
};

static bool grow(const struct crowd *c, unsigned long n)
{
	while (nr_live < n) {
		void *p = c->take();

		if (!p)
			return false;
		live[nr_live++] = p;
	}
	return true;
}

static void shrink(const struct crowd *c)
{
	while (nr_live)
		c->give(live[--nr_live]);
}

/* ---- the work: @c->batch operations each --------------------------------------------- */

static bool pairs(const struct crowd *c)
{
	for (int i = 0; i < c->batch; i++) {
		void *p = c->take();

		if (!p)
			return false;
		c->give(p);
	}
	return true;
}

static bool batch(const struct crowd *c)
{
	int n = 0;

	while (n < c->batch && (bench_held[n] = c->take()))
		n++;
	for (int i = 0; i < n; i++)
		c->give(bench_held[i]);
	return n == c->batch;
}

static bool replacements(const struct crowd *c)
{
	for (int i = 0; i < c->batch; i++) {
		void **p = &live[xorshift32(&random_state) % nr_live];

		c->give(*p);
		*p = c->take();
		if (!*p) {
			*p = live[--nr_live];
			return false;
		}
	}
	return true;
}

static const struct {
	const char *name;
	bool (*work)(const struct crowd *c);
} works[] = { { "pair", pairs }, { "batch", batch }, { "replace", replacements } };

/* ---- steps ----------------------------------------------------------------------------- */

static void measure(const struct crowd *c, const char *op, bool (*work)(const struct crowd *c), unsigned long n)
{
	bool ok = grow(c, n);

	for (int round = -BENCH_WARM_UP; ok && round < ROUNDS; round++) {
		u64 start = machine_cycles();

		ok = work(c);
		bench_note(ROW_A, round, machine_cycles() - start);
	}
	if (ok)
		bench_report(op, ROW_A, ROUNDS, c->batch);
	else
		bench_no_memory(op);
}

static void steps(const struct crowd *c)
{
	char op[48];

	random_state = 20260101;
	for (unsigned long n = c->from; n <= c->to; n *= 10)
		for (unsigned i = 0; i < ARRAY_SIZE(works); i++) {
			mm_snprintf(op, sizeof(op), "%s_%lu_%s", c->name, n, works[i].name);
			if (!bench_wanted(op))
				continue;
			if (!live)
				live = vmalloc(c->to * sizeof(*live));
			if (live)
				measure(c, op, works[i].work, n);
			else
				bench_no_memory(op);
		}
	shrink(c);
	vfree(live);
	live = NULL;
}

static void *take_object(void) { return kmalloc(64, GFP_KERNEL | __GFP_NOWARN); }
static void give_object(void *p) { kfree(p); }
static void *take_area(void) { return __vmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_HIGHMEM | __GFP_NOWARN); }
static void give_area(void *p) { vfree(p); }

void bench_growth(void)
{
	static const struct crowd objects = { "objects", 1000, 10000000, 1000, take_object, give_object };
	static const struct crowd areas = { "areas", 10, 100000, 20, take_area, give_area };

	steps(&objects);
	steps(&areas);
}
