/* SPDX-License-Identifier: MIT */
/*
 * bench.c: rounds, medians, lines.
 */
#include "bench.h"

#include <quarry/string.h>

#include "kernel/console.h"
#include "kernel/sched.h"
#include "lib/xorshift.h"

u16 bench_fifo[BENCH_BATCH], bench_lifo[BENCH_BATCH], bench_rand[BENCH_BATCH];
void *bench_held[2 * 1024];
bool bench_ran_out;

static struct {
	struct seq *out;
	const char *prefix;
	unsigned reported;
	int failed;
	bool stopped;			/* by Ctrl-C */
	void (*each)(void *arg, const char *op);	/* not NULL: only tell the names */
	void *arg;
	u64 ticks[BENCH_ROWS][BENCH_MAX_ROUNDS];
} bench;

static bool selected(const char *op)
{
	const char *p = bench.prefix;

	while (*p && *p == *op)
		p++, op++;
	return *p == '\0';
}

bool bench_wanted(const char *op)
{
	if (bench.each) {
		bench.each(bench.arg, op);
		return false;
	}
	if (bench.stopped || !selected(op))
		return false;
	bench.stopped = console_interrupted();
	console_busy(op);
	return !bench.stopped;
}

int bench_wait(int pid)
{
	while (console_is_terminal() && !bench.stopped && task_find(pid)) {
		thread_sleep_ms(100);
		bench.stopped = console_interrupted();
	}
	if (bench.stopped)
		thread_kill(pid);
	return thread_wait(pid);
}

void bench_note(enum bench_row row, int round, u64 ticks)
{
	if (round >= 0 && round < BENCH_MAX_ROUNDS)
		bench.ticks[row][round] = ticks;
}

static void sort(u64 *v, int n)
{
	int i, k;

	for (i = 1; i < n; i++) {
		u64 x = v[i];

		for (k = i; k > 0 && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

/* "hosted" for a process of any width. */
static const char *place(void)
{
	return strncmp(machine_arch(), "hosted", 6) == 0 ? "hosted" : machine_arch();
}

void bench_report(const char *op, enum bench_row row, int rounds, int inner)
{
	u64 tenths;

	if (!selected(op))
		return;
	if (bench_ran_out) {
		bench_ran_out = false;
		bench_no_memory(op);
		return;
	}
	sort(bench.ticks[row], rounds);
	tenths = bench.ticks[row][rounds / 2] * 10 / (u64)inner;
	seq_printf(bench.out, "bench\t%s\t%s\t%s\t%llu.%u\n", place(), op, machine_cycles_unit(),
		   (unsigned long long)(tenths / 10), (unsigned)(tenths % 10));
	bench.reported++;
}

void bench_figure(const char *op, const char *unit, u64 hundredths)
{
	if (!selected(op))
		return;
	seq_printf(bench.out, "bench\t%s\t%s\t%s\t%llu.%02u\n", place(), op, unit,
		   (unsigned long long)(hundredths / 100), (unsigned)(hundredths % 100));
	bench.reported++;
}

void bench_note_reported(void)
{
	bench.reported++;
}

void bench_failed(const char *op, const char *why)
{
	if (bench.each || bench.stopped)
		return;
	seq_printf(bench.out, "# %s: %s\n", op, why);
	bench.failed++;
}

void bench_no_memory(const char *op)
{
	bench_failed(op, "not enough memory");
}

/* Three orders to free in: as taken, backwards, and shuffled (always the same way). */
static void make_orders(void)
{
	u32 state = 20260101;
	int i;

	for (i = 0; i < BENCH_BATCH; i++) {
		bench_fifo[i] = bench_rand[i] = (u16)i;
		bench_lifo[i] = (u16)(BENCH_BATCH - 1 - i);
	}
	for (i = BENCH_BATCH; i > 1; i--) {
		u16 swap = bench_rand[i - 1];
		u32 other = xorshift32(&state) % (u32)i;

		bench_rand[i - 1] = bench_rand[other];
		bench_rand[other] = swap;
	}
}

static void run_groups(bool long_ones)
{
	static void (*const groups[])(void) = {
		bench_memory, bench_calibrate, bench_kmalloc, bench_cache, bench_pages, bench_vmalloc, bench_kmap,
		bench_fault,
	}, (*const by_name[])(void) = {
		bench_growth, bench_smp, bench_worst,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
		groups[i]();
	for (unsigned i = 0; long_ones && i < ARRAY_SIZE(by_name); i++)
		by_name[i]();
}

int bench_run(struct seq *s, const char *prefix)
{
	bench.out = s;
	bench.prefix = prefix ? prefix : "";
	bench.reported = 0;
	bench.failed = 0;
	bench.stopped = false;
	make_orders();
	run_groups(*bench.prefix != '\0');
	console_progress_end();
	if (bench.stopped)
		return -EINTR;
	return bench.reported || bench.failed ? bench.failed : -ENOENT;
}

void bench_each(void (*fn)(void *arg, const char *op), void *arg)
{
	bench.each = fn;
	bench.arg = arg;
	run_groups(true);
	bench.each = NULL;
}
