/* SPDX-License-Identifier: MIT */
/*
 * pages.c: blocks of pages.
 */
#include "bench.h"

#include <quarry/page.h>

#define PAIR(name, gfp, order, rounds, inner) \
	MEASURE_PAIR("alloc_pages_" name "_pair", rounds, inner, struct page *, alloc_pages(gfp, order), \
		     __free_pages(p, order))
#define BATCH(name, suffix, rounds, order, gfp) \
	MEASURE_BATCH("alloc_pages_" name "_batch1000", suffix, rounds, struct page *, order, alloc_pages(gfp, 0), \
		      __free_pages(p, 0))

static void pairs(void)
{
	PAIR("o0", GFP_KERNEL, 0, 201, 1000);
	PAIR("o1", GFP_KERNEL, 1, 201, 1000);
	PAIR("o3", GFP_KERNEL, 3, 201, 1000);
	PAIR("o4", GFP_KERNEL, 4, 201, 1000);
	PAIR("o5", GFP_KERNEL, 5, 201, 1000);
	PAIR("o9", GFP_KERNEL, 9, 101, 100);
	PAIR("o10", GFP_KERNEL, 10, 101, 100);
	PAIR("o0_zero", GFP_KERNEL | __GFP_ZERO, 0, 101, 200);
	PAIR("o0_atomic", GFP_ATOMIC, 0, 201, 1000);
	PAIR("o0_highuser", GFP_HIGHUSER, 0, 201, 1000);
	PAIR("o0_highuser_zero", GFP_HIGHUSER | __GFP_ZERO, 0, 101, 200);
	MEASURE_PAIR("get_zeroed_page_pair", 101, 200, unsigned long, get_zeroed_page(GFP_KERNEL), free_page(p));
}

static void batches(void)
{
	BATCH("o0", "fifo", 51, bench_fifo, GFP_KERNEL);
	BATCH("o0", "lifo", 51, bench_lifo, GFP_KERNEL);
	BATCH("o0", "rand", 51, bench_rand, GFP_KERNEL);
	BATCH("o0_zero", "fifo", 21, bench_fifo, GFP_KERNEL | __GFP_ZERO);
	BATCH("o0_highuser", "fifo", 51, bench_fifo, GFP_HIGHUSER);
}

/* All of a batch in one call, as a list. */
static void bulk(void)
{
	const char *op = "alloc_pages_o0_bulk1000_alloc", *op2 = "alloc_pages_o0_bulk1000_free";
	unsigned long n = BENCH_BATCH;
	int rounds = 51;

	if (!bench_wanted(op) && !bench_wanted(op2))
		return;
	for (int round = -BENCH_WARM_UP; n == BENCH_BATCH && round < rounds; round++) {
		LIST_HEAD(list);
		u64 t0 = machine_cycles(), t1;

		n = alloc_pages_bulk_list(GFP_KERNEL, BENCH_BATCH, &list);
		t1 = machine_cycles();
		bench_note(ROW_A, round, t1 - t0);
		put_pages_list(&list);
		bench_note(ROW_B, round, machine_cycles() - t1);
	}
	if (n < BENCH_BATCH) {
		bench_no_memory(op);
		return;
	}
	bench_report(op, ROW_A, rounds, BENCH_BATCH);
	bench_report(op2, ROW_B, rounds, BENCH_BATCH);
}

void bench_pages(void)
{
	pairs();
	batches();
	bulk();
}
