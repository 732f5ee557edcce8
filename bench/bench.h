/* SPDX-License-Identifier: MIT */
/*
 * bench.h: what the memory manager's operations cost.
 *
 * A *round* is a number of equal operations between two readings of the
 * machine's counter; the figure is the median of the rounds, divided by the
 * operations.  Two rounds before the first that counts warm everything up.  The
 * cost of the loop itself stays in (the cal_* lines tell it), so that the
 * figures can be set beside others taken by the same loops.
 *
 * One line each, separated by tabs:
 *
 *	bench	PLACE	OPERATION	UNIT	VALUE
 *
 * PLACE is "hosted" or the machine's name; UNIT what machine_cycles() counts.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <quarry/report.h>

#include "kernel/machine.h"

/**
 * bench_run() - measure every operation whose name begins with @prefix
 * "" or NULL: all but those of the groups that are measured only by name.
 * Takes seconds; interrupts stay on.  Return: how many could not be measured for
 * want of memory; -ENOENT when none is named so; -EINTR: Ctrl-C ended it.
 */
int bench_run(struct seq *s, const char *prefix);
/** bench_each() - call @fn for the name of each operation. */
void bench_each(void (*fn)(void *arg, const char *op), void *arg);

/* ---- for bench/NAME.c ------------------------------------------------------------ */

#define BENCH_MAX_ROUNDS 256
#define BENCH_WARM_UP 2

/* What is timed apart in one loop: its own row of rounds. */
enum bench_row { ROW_A, ROW_B, ROW_C, BENCH_ROWS };

/** bench_wanted() - was this operation asked for? */
bool bench_wanted(const char *op);
/** bench_note() - the counter's difference of one round; negative rounds warm up. */
void bench_note(enum bench_row row, int round, u64 ticks);
/** bench_report() - the line of an operation: the median of a row. */
void bench_report(const char *op, enum bench_row row, int rounds, int inner);
/** bench_figure() - the line of something that is no median: @hundredths of @unit. */
void bench_figure(const char *op, const char *unit, u64 hundredths);
/** bench_note_reported() - a line was printed by other means. */
void bench_note_reported(void);
/** bench_wait() - thread_wait() for a program that measures; Ctrl-C kills it. */
int bench_wait(int pid);
/* Set inside a loop that got nothing: its row means nothing, and bench_report() says so. */
extern bool bench_ran_out;
/** bench_failed() - it could not be measured. */
void bench_failed(const char *op, const char *why);
/** bench_no_memory() - this machine is too small for it. */
void bench_no_memory(const char *op);

/* @inner times @statement in each of @rounds rounds. */
#define MEASURE(op, rounds, inner, statement) do {					\
	if (!bench_wanted(op))								\
		break;									\
	for (int round_ = -BENCH_WARM_UP; round_ < (rounds); round_++) {		\
		u64 start_ = machine_cycles();						\
											\
		for (int left_ = (inner); left_; left_--) {				\
			statement;							\
			barrier();							\
		}									\
		bench_note(ROW_A, round_, machine_cycles() - start_);			\
	}										\
	bench_report(op, ROW_A, rounds, inner);						\
} while (0)

/* A pointer has been used, for all that the compiler knows. */
#define BENCH_USE(p) __asm__ volatile("" : : "r"(p) : "memory")

/* @take gives what @give takes back, as `p`. */
#define MEASURE_PAIR(op, rounds, inner, type, take, give) do {				\
	MEASURE(op, rounds, inner, {							\
		type p = take;								\
											\
		if (unlikely(!p)) {							\
			bench_ran_out = true;						\
			break;								\
		}									\
		BENCH_USE(p);								\
		give;									\
	});										\
} while (0)

/* A thousand taken, then all given back in the order @order[]; both timed. */
#define BENCH_BATCH 1000
extern u16 bench_fifo[BENCH_BATCH], bench_lifo[BENCH_BATCH], bench_rand[BENCH_BATCH];
extern void *bench_held[2 * 1024];

#define MEASURE_BATCH(name, suffix, rounds, type, order, take, give) do {		\
	const char *op_ = name "_alloc_" suffix, *op2_ = name "_free_" suffix;		\
	int n_ = BENCH_BATCH;								\
											\
	if (!bench_wanted(op_) && !bench_wanted(op2_))					\
		break;									\
	for (int round_ = -BENCH_WARM_UP; round_ < (rounds) && n_ == BENCH_BATCH; round_++) { \
		u64 t0_ = machine_cycles(), t1_;					\
											\
		for (n_ = 0; n_ < BENCH_BATCH; n_++) {					\
			type p = take;							\
											\
			if (unlikely(!p))						\
				break;							\
			bench_held[n_] = p;						\
		}									\
		t1_ = machine_cycles();							\
		bench_note(ROW_A, round_, t1_ - t0_);					\
		for (int i_ = 0; i_ < BENCH_BATCH; i_++) {				\
			type p = bench_held[(order)[i_]];				\
											\
			if (likely((order)[i_] < n_))					\
				give;							\
		}									\
		bench_note(ROW_B, round_, machine_cycles() - t1_);			\
	}										\
	if (n_ < BENCH_BATCH) {								\
		bench_no_memory(op_);							\
		break;									\
	}										\
	bench_report(op_, ROW_A, rounds, BENCH_BATCH);					\
	bench_report(op2_, ROW_B, rounds, BENCH_BATCH);					\
} while (0)

/* The groups, in the order of the output. */
void bench_memory(void);
void bench_calibrate(void);
void bench_kmalloc(void);
void bench_cache(void);
void bench_pages(void);
void bench_vmalloc(void);
void bench_kmap(void);
void bench_fault(void);
/* Those that take long: only by name. */
void bench_growth(void);
void bench_smp(void);
void bench_worst(void);

#endif
