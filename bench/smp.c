/* SPDX-License-Identifier: MIT */
/*
 * smp.c: all CPUs at it at once, beside one alone.
 *
 * One after another, in one run: a CPU alone, then all together, each doing the same work;
 * the least of the rounds.  Of a round of several CPUs the slowest one's time counts.  Two lines with
 * ticks for each operation, and one with their ratio, which is 1 when CPUs do not hinder each other:
 *
 *	smp_WORK_cpus1	smp_WORK_cpus2	smp_WORK
 *
 * `remote` is a producer and a consumer: of each two CPUs the first takes a thousand, then
 * the second gives them back; its ratio is to a thousand taken and given by one.
 *
 * Instructions (-icount) are counted by one clock for all CPUs, which take turns: there
 * a round's ticks are divided by the CPUs that worked.
 */
#include "bench.h"

#include <quarry/page.h>
#include <quarry/printf.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vmalloc.h>

#include "kernel/sched.h"

#define ROUNDS 101
#define OPS 1000

struct side {
	u64 start, end;			/* of this round */
	void *held[OPS];
};

struct work {
	const char *name;
	void (*first)(struct side *s);
	void (*second)(struct side *s);	/* what the CPU beside it does afterwards; NULL: all do the first */
};

static struct {
	const struct work *work;
	struct side *sides;		/* by number of arrival */
	unsigned cpus, arrived, at_work;
	u64 best;
	bool failed;
} smp;

/* ---- the work --------------------------------------------------------------------------- */

/* A thousand tries that get nothing take no time, so they must not count. */
static void *got(void *p)
{
	if (unlikely(!p))
		WRITE_ONCE(smp.failed, true);
	return p;
}

static void kmalloc_pairs(struct side *s)
{
	(void)s;
	for (int i = 0; i < OPS; i++) {
		void *p = got(kmalloc(64, GFP_KERNEL));

		BENCH_USE(p);
		kfree(p);
	}
}

static void kmalloc_take(struct side *s)
{
	for (int i = 0; i < OPS; i++)
		s->held[i] = got(kmalloc(64, GFP_KERNEL));
}

static void kmalloc_give(struct side *s)
{
	for (int i = 0; i < OPS; i++)
		kfree(s->held[i]);
}

static void kmalloc_batch(struct side *s)
{
	kmalloc_take(s);
	kmalloc_give(s);
}

static void page_pairs(struct side *s)
{
	(void)s;
	for (int i = 0; i < OPS; i++) {
		struct page *page = got(alloc_page(GFP_KERNEL));

		if (page)
			__free_page(page);
	}
}

static void page_take(struct side *s)
{
	for (int i = 0; i < OPS; i++)
		s->held[i] = got(alloc_page(GFP_KERNEL));
}

static void page_give(struct side *s)
{
	for (int i = 0; i < OPS; i++)
		if (s->held[i])
			__free_page(s->held[i]);
}

static void page_batch(struct side *s)
{
	page_take(s);
	page_give(s);
}

/* ---- rounds ------------------------------------------------------------------------------- */

static void meet(unsigned *phase)
{
	++*phase;
	__atomic_fetch_add(&smp.arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&smp.arrived, __ATOMIC_ACQUIRE) < *phase * smp.cpus)
		cpu_relax();
}

static void one_round(unsigned me, unsigned *phase)
{
	struct side *s = &smp.sides[me];
	const struct work *w = smp.work;

	meet(phase);
	s->start = machine_cycles();
	if (!w->second || me % 2 == 0)
		w->first(s);
	if (w->second) {
		meet(phase);
		if (me % 2 == 1)
			w->second(s - 1);
	}
	s->end = machine_cycles();
	meet(phase);
}

static void keep_least(void)
{
	u64 slowest = 0;

	for (unsigned i = 0; i < smp.cpus; i++)
		slowest = max(slowest, smp.sides[i].end - smp.sides[i].start);
	smp.best = min(smp.best, slowest);
}

/* On each CPU that takes part. */
static void all_rounds(void *arg)
{
	unsigned me = __atomic_fetch_add(&smp.at_work, 1, __ATOMIC_RELAXED), phase = 0;

	(void)arg;
	for (int round = -BENCH_WARM_UP; round < ROUNDS; round++) {
		one_round(me, &phase);
		if (me == 0 && round >= 0)
			keep_least();
	}
}

/* The least ticks of a round of @cpus CPUs, 1 or all; 0: no memory. */
static u64 least(const struct work *w, unsigned cpus)
{
	smp.work = w;
	smp.cpus = cpus;
	smp.arrived = smp.at_work = 0;
	smp.best = ~0ULL;
	smp.failed = false;
	if (cpus == 1)
		all_rounds(NULL);
	else if (run_on_each_cpu(all_rounds, NULL))
		return 0;
	if (strcmp(machine_cycles_unit(), "insn") == 0)
		smp.best /= w->second ? cpus / 2 : cpus;
	return smp.failed ? 0 : smp.best;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void ticks_line(unsigned cpus, const char *name, u64 ticks)
{
	char op[48];

	mm_snprintf(op, sizeof(op), "smp_%s_cpus%u", name, cpus);
	bench_figure(op, machine_cycles_unit(), ticks * 100 / OPS);
}

/* @alone: the work of one CPU that @w is compared with. */
static void compare(const struct work *w, const struct work *alone, unsigned cpus)
{
	char op[48];
	u64 one, all;

	mm_snprintf(op, sizeof(op), "smp_%s", w->name);
	if (!bench_wanted(op))
		return;
	one = least(alone, 1);
	all = least(w, cpus);
	if (!one || !all) {
		bench_no_memory(op);
		return;
	}
	bench_figure(op, "ratio", all * 100 / one);
	ticks_line(1, alone->name, one);
	ticks_line(cpus, w->name, all);
}

void bench_smp(void)
{
	static const struct work kmalloc_pair = { "kmalloc_64_pair", kmalloc_pairs, NULL };
	static const struct work kmalloc_1000 = { "kmalloc_64_batch1000", kmalloc_batch, NULL };
	static const struct work kmalloc_apart = { "kmalloc_64_remote", kmalloc_take, kmalloc_give };
	static const struct work page_pair = { "alloc_pages_o0_pair", page_pairs, NULL };
	static const struct work page_1000 = { "alloc_pages_o0_batch1000", page_batch, NULL };
	static const struct work page_apart = { "alloc_pages_o0_remote", page_take, page_give };
	unsigned cpus = cpus_online();

	smp.sides = vmalloc(cpus * sizeof(*smp.sides));
	if (!smp.sides) {
		bench_no_memory("smp");
		return;
	}
	compare(&kmalloc_pair, &kmalloc_pair, cpus);
	compare(&kmalloc_1000, &kmalloc_1000, cpus);
	compare(&page_pair, &page_pair, cpus);
	compare(&page_1000, &page_1000, cpus);
	if (cpus % 2 == 0) {
		compare(&kmalloc_apart, &kmalloc_1000, cpus);
		compare(&page_apart, &page_1000, cpus);
	}
	vfree(smp.sides);
}
