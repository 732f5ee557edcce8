/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c: objects by size, and from a cache of their own.
 */
#include "bench.h"

#include <quarry/slab.h>

#define ROUNDS 201
#define OPS 1000

/* The size is a constant, as it is for most callers. */
#define PAIR(size) MEASURE_PAIR("kmalloc_" #size "_pair", ROUNDS, OPS, void *, kmalloc(size, GFP_KERNEL), kfree(p))

#define BATCH(size, suffix, order) \
	MEASURE_BATCH("kmalloc_" #size "_batch1000", suffix, 51, void *, order, kmalloc(size, GFP_KERNEL), kfree(p))
#define BATCHES(size) do {			\
	BATCH(size, "fifo", bench_fifo);	\
	BATCH(size, "lifo", bench_lifo);	\
	BATCH(size, "rand", bench_rand);	\
} while (0)

static volatile size_t any_size = 64;	/* one that the compiler does not know */

static void pairs(void)
{
	PAIR(8);
	PAIR(64);
	PAIR(256);
	PAIR(1024);
	PAIR(4096);
	PAIR(8192);
	MEASURE_PAIR("kmalloc_var64_pair", ROUNDS, OPS, void *, kmalloc(any_size, GFP_KERNEL), kfree(p));
	MEASURE_PAIR("kmalloc_64_atomic_pair", ROUNDS, OPS, void *, kmalloc(64, GFP_ATOMIC), kfree(p));
	MEASURE_PAIR("kzalloc_64_pair", ROUNDS, OPS, void *, kzalloc(64, GFP_KERNEL), kfree(p));
	MEASURE_PAIR("kzalloc_4096_pair", 101, 200, void *, kzalloc(4096, GFP_KERNEL), kfree(p));
}

static void small_batches(void)
{
	BATCHES(8);
	BATCHES(64);
	BATCHES(256);
}

static void large_batches(void)
{
	BATCHES(1024);
	BATCHES(4096);
	BATCHES(8192);
}

void bench_kmalloc(void)
{
	pairs();
	small_batches();
	large_batches();
}

#define CACHE_BATCH(suffix, order) \
	MEASURE_BATCH("kmem_cache_128_batch1000", suffix, 51, void *, order, kmem_cache_alloc(c, GFP_KERNEL), \
		      kmem_cache_free(c, p))

static struct kmem_cache *bulk_cache;

/* A thousand in one call, and back. */
static void bulk(void)
{
	const char *op = "kmem_cache_128_bulk1000_alloc", *op2 = "kmem_cache_128_bulk1000_free";

	if (!bench_wanted(op) && !bench_wanted(op2))
		return;
	for (int round = -BENCH_WARM_UP; round < 51; round++) {
		u64 t0 = machine_cycles(), t1;

		if (!kmem_cache_alloc_bulk(bulk_cache, GFP_KERNEL, BENCH_BATCH, bench_held)) {
			bench_no_memory(op);
			return;
		}
		t1 = machine_cycles();
		bench_note(ROW_A, round, t1 - t0);
		kmem_cache_free_bulk(bulk_cache, BENCH_BATCH, bench_held);
		bench_note(ROW_B, round, machine_cycles() - t1);
	}
	bench_report(op, ROW_A, 51, BENCH_BATCH);
	bench_report(op2, ROW_B, 51, BENCH_BATCH);
}

void bench_cache(void)
{
	struct kmem_cache *c = kmem_cache_create("bench_128", 128, 0, SLAB_NO_MERGE, NULL);

	if (!c) {
		bench_no_memory("kmem_cache_128");
		return;
	}
	MEASURE_PAIR("kmem_cache_128_pair", ROUNDS, OPS, void *, kmem_cache_alloc(c, GFP_KERNEL),
		     kmem_cache_free(c, p));
	CACHE_BATCH("fifo", bench_fifo);
	CACHE_BATCH("lifo", bench_lifo);
	CACHE_BATCH("rand", bench_rand);
	bulk_cache = c;
	bulk();
	kmem_cache_destroy(c);
	MEASURE_PAIR("kmem_cache_create_destroy", 11, 1, struct kmem_cache *,
		     kmem_cache_create("bench_short", 200, 0, SLAB_NO_MERGE, NULL), kmem_cache_destroy(p));
}
