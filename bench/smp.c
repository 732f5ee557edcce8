/* SPDX-License-Identifier: MIT */
/*
 * smp.c: all CPUs at it at once, beside one alone.
 *
 * In turns, in one run: a CPU alone, then all together, each doing the same work; of each the least of many
 * short rounds, since whatever else the host does can only add.  Two lines with ticks for each operation, and one with
 * their ratio, which is 1 when CPUs do not hinder each other:
 *
 *	smp_WORK_cpus1	smp_WORK_cpus2	smp_WORK
 *
 * A round has one lap, or two; all CPUs meet before each.  A lap took as long as its slowest CPU did by its
 * own clock.  It counts only if they were at it together: had the host held one of them back until the others
 * were done, it would have had nobody beside it.
 *
 * `remote` is a producer and a consumer: of each two CPUs the first takes a thousand in the
 * one lap, the second gives them back in the other; its ratio is to a thousand taken and given by one.
 *
 * Under -icount CPUs take turns, and one clock counts for all.  A CPU's turn ends where it waits, or when
 * a timer is due; in the least of the rounds it does only between the laps, so that each counts its own instructions.
 */
#include "bench.h"

#include <quarry/page.h>
#include <quarry/printf.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vmalloc.h>

#include "kernel/sched.h"

#define TURNS 5
#define TURN_MS 300		/* at most */
#define ROUNDS 100		/* of a turn, that count */
#define OPS 1000

struct side {
	u64 start, end;			/* of its lap */
	void *held[OPS];
} __attribute__((aligned(L1_CACHE_BYTES)));

struct work {
	const char *name;
	void (*first)(struct side *s);
	void (*second)(struct side *s);	/* the lap of the CPU beside it; NULL: all do the first */
};

static struct {
	const struct work *work;
	struct side *sides;		/* by number of arrival */
	unsigned cpus, at_work, counted;
	u64 until_ms;
	u64 best;			/* ticks; ~0: no round has counted */
	bool failed, over;
	unsigned arrived __attribute__((aligned(L1_CACHE_BYTES)));
} smp;

/* ---- the work --------------------------------------------------------------------------- */

/* A thousand tries that get nothing take no time, so they must not count. */
static void *got(void *p)
{
	if (unlikely(!p))
		WRITE_ONCE(smp.failed, true);
	return p;
}

static void nothing(struct side *s)
{
	(void)s;
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

/* An emulated CPU that pauses may come back late; so it does only when the others take their time. */
static void meet(unsigned *phase)
{
	unsigned spins = 0;

	++*phase;
	__atomic_fetch_add(&smp.arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&smp.arrived, __ATOMIC_ACQUIRE) < *phase * smp.cpus)
		if (++spins % 4096 == 0)
			cpu_relax();
}

static bool takes_turns(void)
{
	return strcmp(machine_cycles_unit(), "insn") == 0;
}

static void lap(struct side *s, unsigned *phase, void (*work)(struct side *), struct side *of)
{
	meet(phase);
	s->start = machine_cycles();
	work(of);
	s->end = machine_cycles();
	meet(phase);
}

/* The ticks of the lap that every @step-th CPU from @first on has run; ~0: not together. */
static u64 lap_ticks(unsigned first, unsigned step)
{
	u64 slowest = 0, fastest = ~0ULL, early = ~0ULL, late = 0;

	for (unsigned i = first; i < smp.cpus; i += step) {
		const struct side *s = &smp.sides[i];

		slowest = max(slowest, s->end - s->start);
		fastest = min(fastest, s->end - s->start);
		early = min(early, s->start);
		late = max(late, s->start);
	}
	return takes_turns() || late - early <= fastest / 8 ? slowest : ~0ULL;
}

/* Of CPU @me.  By the last lap's end all have noted their times, which nobody touches before the next begins. */
static u64 one_round(unsigned me, unsigned *phase)
{
	struct side *s = &smp.sides[me];
	const struct work *w = smp.work;
	u64 first, second;

	if (!w->second) {
		lap(s, phase, w->first, s);
		return lap_ticks(0, 1);
	}
	lap(s, phase, me % 2 == 0 ? w->first : nothing, s);
	first = lap_ticks(0, 2);
	lap(s, phase, me % 2 == 1 ? w->second : nothing, s - me % 2);
	second = lap_ticks(1, 2);
	return first == ~0ULL || second == ~0ULL ? ~0ULL : first + second;
}

/* After a round, by the first CPU; the others wait. */
static void judge(int round, u64 ticks)
{
	if (round < 0)
		return;
	if (ticks != ~0ULL) {
		smp.best = min(smp.best, ticks);
		smp.counted++;
	}
	smp.over = smp.counted == (takes_turns() ? ROUNDS / 10 : ROUNDS) || machine_ms() >= smp.until_ms;
}

/* On each CPU that takes part. */
static void all_rounds(void *arg)
{
	unsigned me = __atomic_fetch_add(&smp.at_work, 1, __ATOMIC_RELAXED), phase = 0;

	(void)arg;
	for (int round = -BENCH_WARM_UP; !smp.over; round++) {
		u64 ticks = one_round(me, &phase);

		if (me == 0)
			judge(round, ticks);
		meet(&phase);
	}
}

/* A turn of @cpus CPUs, 1 or all.  Return: the least ticks of a round; 0: no memory; ~0: no round counted. */
static u64 least(const struct work *w, unsigned cpus)
{
	smp.work = w;
	smp.cpus = cpus;
	smp.arrived = smp.at_work = smp.counted = 0;
	smp.until_ms = machine_ms() + TURN_MS;
	smp.best = ~0ULL;
	smp.failed = smp.over = false;
	if (cpus == 1)
		all_rounds(NULL);
	else if (run_on_each_cpu(all_rounds, NULL))
		return 0;
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
	u64 one = ~0ULL, all = ~0ULL;

	mm_snprintf(op, sizeof(op), "smp_%s", w->name);
	if (!bench_wanted(op))
		return;
	for (unsigned turn = 0; turn < (takes_turns() ? 1 : TURNS); turn++) {
		one = min(one, least(alone, 1));
		all = min(all, least(w, cpus));
	}
	if (one == ~0ULL || all == ~0ULL) {
		bench_failed(op, "the CPUs were never at it together");
		return;
	}
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
