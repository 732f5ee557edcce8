// SPDX-License-Identifier: MIT
/*
 * module.c: what the operations of bench/ cost in Linux, measured by the same loops
 * while the module is loaded.  Written from the kernel's documented interface.
 *
 * Prints lines "bench OPERATION VALUE" to the kernel's log, VALUE in ticks of the
 * time-stamp counter, the median of the rounds: instructions under QEMU's -icount.  Two
 * rounds warm up; what the loop itself costs stays in, as in bench/bench.h.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>
#include <asm/tsc.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("what memory-management operations cost");

#define MAX_ROUNDS 256
#define WARM_UP 2
#define BATCH 1000
#define CYCLE 2048

enum { ROW_A, ROW_B, ROW_C, ROWS };

static u64 ticks[ROWS][MAX_ROUNDS];
static u16 fifo[BATCH], lifo[BATCH], shuffled[BATCH];
static void *held[CYCLE];
static volatile size_t any_size = 64;	/* one that the compiler does not know */
static int ran_out;

/* ---- rounds and lines ------------------------------------------------------------- */

static void note(int row, int round, u64 difference)
{
	if (round >= 0)
		ticks[row][round] = difference;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void report_row(const char *op, u64 *row, int rounds, int inner)
{
	u64 whole;
	u32 tenth;

	sort(row, rounds, sizeof(*row), compare, NULL);
	whole = div_u64_rem(div_u64(row[rounds / 2] * 10, inner), 10, &tenth);
	pr_info("bench %s %llu.%u\n", op, whole, tenth);
}

static void report(const char *op, int row, int rounds, int inner)
{
	report_row(op, ticks[row], rounds, inner);
	cond_resched();
}

#define MEASURE(op, rounds, inner, statement) do {				\
	for (int round_ = -WARM_UP; round_ < (rounds); round_++) {		\
		u64 start_ = rdtsc_ordered();					\
										\
		for (int i_ = 0; i_ < (inner); i_++) {				\
			statement;						\
			barrier();						\
		}								\
		note(ROW_A, round_, rdtsc_ordered() - start_);			\
		cond_resched();							\
	}									\
	report(op, ROW_A, rounds, inner);					\
} while (0)

#define MEASURE_PAIR(op, rounds, inner, type, take, give)			\
	MEASURE(op, rounds, inner, {						\
		type p = take;							\
										\
		if (unlikely(!p)) {						\
			ran_out = 1;						\
			break;							\
		}								\
		barrier_data(p);						\
		give;								\
	})

#define MEASURE_BATCH(name, suffix, rounds, order, take, give) do {		\
	for (int round_ = -WARM_UP; round_ < (rounds); round_++) {		\
		u64 t0_ = rdtsc_ordered(), t1_;					\
										\
		for (int i_ = 0; i_ < BATCH; i_++) {				\
			void *p = take;						\
										\
			if (unlikely(!p))					\
				return -ENOMEM;					\
			held[i_] = p;						\
		}								\
		t1_ = rdtsc_ordered();						\
		note(ROW_A, round_, t1_ - t0_);					\
		for (int i_ = 0; i_ < BATCH; i_++) {				\
			void *p = held[(order)[i_]];				\
										\
			give;							\
		}								\
		note(ROW_B, round_, rdtsc_ordered() - t1_);			\
		cond_resched();							\
	}									\
	report(name "_alloc_" suffix, ROW_A, rounds, BATCH);			\
	report(name "_free_" suffix, ROW_B, rounds, BATCH);			\
} while (0)

/* Its three orders. */
#define MEASURE_BATCHES(name, rounds, take, give) do {				\
	MEASURE_BATCH(name, "fifo", rounds, fifo, take, give);			\
	MEASURE_BATCH(name, "lifo", rounds, lifo, take, give);			\
	MEASURE_BATCH(name, "rand", rounds, shuffled, take, give);		\
} while (0)

/* ---- the measure of the measure ---------------------------------------------------- */

static void one_instruction(void)
{
	for (int round = 0; round < 51; round++) {
		u32 n = 100000;
		u64 start = rdtsc_ordered();

		asm volatile("1: dec %0; jnz 1b" : "+r"(n) : : "cc");
		note(ROW_A, round, rdtsc_ordered() - start);
	}
	report("cal_per_insn", ROW_A, 51, 200000);
}

static int calibrate(void)
{
	unsigned long page = __get_free_pages(GFP_KERNEL, 1);

	if (!page)
		return -ENOMEM;
	MEASURE("cal_rdtsc_only", 101, 1, );
	MEASURE("cal_empty_loop", 101, 1000, );
	one_instruction();
	MEASURE("cal_clear_page", 51, 10, clear_page((void *)page));
	MEASURE("cal_copy_page", 51, 10, copy_page((void *)page, (void *)(page + PAGE_SIZE)));
	free_pages(page, 1);
	return 0;
}

/* ---- objects ------------------------------------------------------------------------ */

#define KMALLOC_PAIR(size) \
	MEASURE_PAIR("kmalloc_" #size "_pair", 201, 1000, void *, kmalloc(size, GFP_KERNEL), kfree(p))
#define KMALLOC_BATCHES(size) \
	MEASURE_BATCHES("kmalloc_" #size "_batch1000", 51, kmalloc(size, GFP_KERNEL), kfree(p))

static int kmalloc_pairs(void)
{
	KMALLOC_PAIR(8);
	KMALLOC_PAIR(64);
	KMALLOC_PAIR(256);
	KMALLOC_PAIR(1024);
	KMALLOC_PAIR(4096);
	KMALLOC_PAIR(8192);
	MEASURE_PAIR("kmalloc_var64_pair", 201, 1000, void *, kmalloc(any_size, GFP_KERNEL), kfree(p));
	MEASURE_PAIR("kmalloc_64_atomic_pair", 201, 1000, void *, kmalloc(64, GFP_ATOMIC), kfree(p));
	MEASURE_PAIR("kzalloc_64_pair", 201, 1000, void *, kzalloc(64, GFP_KERNEL), kfree(p));
	MEASURE_PAIR("kzalloc_4096_pair", 101, 200, void *, kzalloc(4096, GFP_KERNEL), kfree(p));
	return 0;
}

static int kmalloc_small_batches(void)
{
	KMALLOC_BATCHES(8);
	KMALLOC_BATCHES(64);
	KMALLOC_BATCHES(256);
	return 0;
}

static int kmalloc_large_batches(void)
{
	KMALLOC_BATCHES(1024);
	KMALLOC_BATCHES(4096);
	KMALLOC_BATCHES(8192);
	return 0;
}

static int bulk(struct kmem_cache *c)
{
	for (int round = -WARM_UP; round < 51; round++) {
		u64 t0 = rdtsc_ordered(), t1;

		if (kmem_cache_alloc_bulk(c, GFP_KERNEL, BATCH, held) != BATCH)
			return -ENOMEM;
		t1 = rdtsc_ordered();
		note(ROW_A, round, t1 - t0);
		kmem_cache_free_bulk(c, BATCH, held);
		note(ROW_B, round, rdtsc_ordered() - t1);
	}
	report("kmem_cache_128_bulk1000_alloc", ROW_A, 51, BATCH);
	report("kmem_cache_128_bulk1000_free", ROW_B, 51, BATCH);
	return 0;
}

static int cache_of_its_own(struct kmem_cache *c)
{
	MEASURE_PAIR("kmem_cache_128_pair", 201, 1000, void *, kmem_cache_alloc(c, GFP_KERNEL),
		     kmem_cache_free(c, p));
	MEASURE_BATCHES("kmem_cache_128_batch1000", 51, kmem_cache_alloc(c, GFP_KERNEL), kmem_cache_free(c, p));
	return bulk(c);
}

static int caches(void)
{
	struct kmem_cache *c = kmem_cache_create("bench_128", 128, 0, 0, NULL);	/* booted with slab_nomerge */
	int err = c ? cache_of_its_own(c) : -ENOMEM;

	kmem_cache_destroy(c);
	if (!err)
		MEASURE_PAIR("kmem_cache_create_destroy", 11, 1, struct kmem_cache *,
			     kmem_cache_create("bench_short", 200, 0, 0, NULL), kmem_cache_destroy(p));
	return err;
}

/* ---- pages -------------------------------------------------------------------------- */

#define PAGES_PAIR(name, gfp, order, rounds, inner) \
	MEASURE_PAIR("alloc_pages_" name "_pair", rounds, inner, struct page *, alloc_pages(gfp, order), \
		     __free_pages(p, order))

static int page_pairs(void)
{
	PAGES_PAIR("o0", GFP_KERNEL, 0, 201, 1000);
	PAGES_PAIR("o1", GFP_KERNEL, 1, 201, 1000);
	PAGES_PAIR("o3", GFP_KERNEL, 3, 201, 1000);
	PAGES_PAIR("o4", GFP_KERNEL, 4, 201, 1000);
	PAGES_PAIR("o5", GFP_KERNEL, 5, 201, 1000);
	PAGES_PAIR("o9", GFP_KERNEL, 9, 101, 100);
	PAGES_PAIR("o10", GFP_KERNEL, 10, 101, 100);
	PAGES_PAIR("o0_zero", GFP_KERNEL | __GFP_ZERO, 0, 101, 200);
	PAGES_PAIR("o0_atomic", GFP_ATOMIC, 0, 201, 1000);
	PAGES_PAIR("o0_highuser", GFP_HIGHUSER, 0, 201, 1000);
	PAGES_PAIR("o0_highuser_zero", GFP_HIGHUSER | __GFP_ZERO, 0, 101, 200);
	MEASURE_PAIR("get_zeroed_page_pair", 101, 200, unsigned long, get_zeroed_page(GFP_KERNEL), free_page(p));
	return 0;
}

static int page_batches(void)
{
	MEASURE_BATCHES("alloc_pages_o0_batch1000", 51, alloc_pages(GFP_KERNEL, 0), __free_pages(p, 0));
	MEASURE_BATCH("alloc_pages_o0_zero_batch1000", "fifo", 21, fifo, alloc_pages(GFP_KERNEL | __GFP_ZERO, 0),
		      __free_pages(p, 0));
	MEASURE_BATCH("alloc_pages_o0_highuser_batch1000", "fifo", 51, fifo, alloc_pages(GFP_HIGHUSER, 0),
		      __free_pages(p, 0));
	return 0;
}

/* @n pages into held[], or none. */
static int hold_pages(int n, gfp_t gfp)
{
	int i;

	for (i = 0; i < n; i++)
		if (!(held[i] = alloc_page(gfp)))
			break;
	if (i == n)
		return 0;
	while (i--)
		__free_page(held[i]);
	return -ENOMEM;
}

static void drop_pages(int n)
{
	while (n--)
		__free_page(held[n]);
}

/* ---- areas and windows --------------------------------------------------------------- */

static int vmalloc_round(size_t bytes, int inner, int round)
{
	u64 taking = 0, giving = 0;

	for (int i = 0; i < inner; i++) {
		u64 t0 = rdtsc_ordered(), t1;
		void *p = vmalloc(bytes);

		t1 = rdtsc_ordered();
		if (!p)
			return -ENOMEM;
		vfree(p);
		taking += t1 - t0;
		giving += rdtsc_ordered() - t1;
	}
	note(ROW_A, round, taking + giving);
	note(ROW_B, round, taking);
	note(ROW_C, round, giving);
	cond_resched();
	return 0;
}

static int vmalloc_size(const char *size, size_t bytes, int rounds, int inner)
{
	static const char *const suffix[ROWS] = { "pair", "alloc", "free" };
	char op[48];

	for (int round = -WARM_UP; round < rounds; round++)
		if (vmalloc_round(bytes, inner, round))
			return -ENOMEM;
	for (int row = 0; row < ROWS; row++) {
		snprintf(op, sizeof(op), "vmalloc_%s_%s", size, suffix[row]);
		report(op, row, rounds, inner);
	}
	return 0;
}

static int areas(void)
{
	int err = vmalloc_size("4K", 4096, 101, 20);

	err = err ?: vmalloc_size("64K", 64 << 10, 101, 10);
	err = err ?: vmalloc_size("1M", 1 << 20, 51, 4);
	err = err ?: vmalloc_size("16M", 16 << 20, 15, 1);
	err = err ?: hold_pages(16, GFP_KERNEL);
	if (err)
		return err;
	MEASURE_PAIR("vmap_16pages_pair", 51, 20, void *, vmap((struct page **)held, 16, VM_MAP, PAGE_KERNEL),
		     vunmap(p));
	drop_pages(16);
	return 0;
}

static void kmap_one(struct page *page)
{
	MEASURE_PAIR("kmap_same_pair", 201, 1000, void *, kmap(page), kunmap(page));
	MEASURE_PAIR("kmap_atomic_pair", 201, 1000, void *, kmap_atomic(page), kunmap_atomic(p));
	MEASURE_PAIR("kmap_local_page_pair", 201, 1000, void *, kmap_local_page(page), kunmap_local(p));
	MEASURE_PAIR("kmap_local_page_touch_pair", 201, 1000, volatile char *, kmap_local_page(page),
		     ({ *p = 1; kunmap_local((void *)p); }));
}

/* More pages in turn than the window has room for: it is flushed again and again. */
static void kmap_cycle(void)
{
	for (int round = -WARM_UP; round < 31; round++) {
		u64 start = rdtsc_ordered();

		for (int i = 0; i < CYCLE; i++) {
			barrier_data(kmap(held[i]));
			kunmap(held[i]);
		}
		note(ROW_A, round, rdtsc_ordered() - start);
		cond_resched();
	}
	report("kmap_cycle2048_pair", ROW_A, 31, CYCLE);
}

static int windows(void)
{
	if (hold_pages(CYCLE, GFP_HIGHUSER))
		return -ENOMEM;
	kmap_one(held[0]);
	kmap_cycle();
	drop_pages(CYCLE);
	return 0;
}

/* ---- two CPUs: bench/smp.c ------------------------------------------------------------ */

#define SMP_ROUNDS 101
#define SMP_OPS 1000

struct side {
	int id;
	u64 ticks[SMP_ROUNDS];
	void *p[SMP_OPS];
	struct completion done;
};

static struct side *sides[2];
static atomic_t arrived;
static int nr_sides;
static void (*work)(struct side *s);	/* one round of one side */
static bool one_after_the_other;	/* side 0 works, then side 1, whose time counts */

static void meet(int *phase)
{
	atomic_inc(&arrived);
	++*phase;
	while (atomic_read(&arrived) < nr_sides * *phase)
		cpu_relax();
}

static int side_thread(void *arg)
{
	struct side *s = arg;
	int phase = 0;

	for (int round = -WARM_UP; round < SMP_ROUNDS; round++) {
		u64 start;

		meet(&phase);
		if (one_after_the_other && s->id == 0)
			work(s);
		if (one_after_the_other)
			meet(&phase);
		start = rdtsc_ordered();
		if (!one_after_the_other || s->id == 1)
			work(s);
		if (round >= 0)
			s->ticks[round] = rdtsc_ordered() - start;
	}
	complete(&s->done);
	return 0;
}

static void kmalloc_pair_work(struct side *s)
{
	for (int i = 0; i < SMP_OPS; i++) {
		void *p = kmalloc(64, GFP_KERNEL);

		barrier_data(p);
		kfree(p);
	}
}

static void kmalloc_batch_work(struct side *s)
{
	for (int i = 0; i < SMP_OPS; i++)
		s->p[i] = kmalloc(64, GFP_KERNEL);
	for (int i = 0; i < SMP_OPS; i++)
		kfree(s->p[i]);
}

static void page_pair_work(struct side *s)
{
	for (int i = 0; i < SMP_OPS; i++) {
		struct page *p = alloc_page(GFP_KERNEL);

		if (p)
			__free_page(p);
	}
}

static void page_batch_work(struct side *s)
{
	for (int i = 0; i < SMP_OPS; i++)
		s->p[i] = alloc_page(GFP_KERNEL);
	for (int i = 0; i < SMP_OPS; i++)
		if (s->p[i])
			__free_page(s->p[i]);
}

static void remote_work(struct side *s)
{
	for (int i = 0; i < SMP_OPS; i++)
		if (s->id == 0)
			s->p[i] = kmalloc(64, GFP_KERNEL);
		else
			kfree(sides[0]->p[i]);
}

/* Minimum of the rounds; of a round the slower side's time. */
static int run_sides(const char *name, int n, void (*fn)(struct side *s), bool in_turn)
{
	struct task_struct *thread[2];
	u64 best = U64_MAX;
	char op[48];

	nr_sides = n;
	work = fn;
	one_after_the_other = in_turn;
	atomic_set(&arrived, 0);
	for (int i = 0; i < n; i++) {
		init_completion(&sides[i]->done);
		thread[i] = kthread_create(side_thread, sides[i], "bench/%d", i);
		if (IS_ERR(thread[i])) {
			if (i)
				kthread_stop(thread[0]);
			return PTR_ERR(thread[i]);
		}
		kthread_bind(thread[i], i);
	}
	for (int i = 0; i < n; i++)
		wake_up_process(thread[i]);
	for (int i = 0; i < n; i++)
		wait_for_completion(&sides[i]->done);
	for (int r = 0; r < SMP_ROUNDS; r++)
		best = min(best, in_turn || n == 1 ? sides[n - 1]->ticks[r]
						   : max(sides[0]->ticks[r], sides[1]->ticks[r]));
	snprintf(op, sizeof(op), "cpus%d_%s", n, name);
	report_row(op, &best, 1, SMP_OPS);
	return 0;
}

static int smp(void)
{
	static const struct { const char *name; void (*work)(struct side *s); } all[] = {
		{ "kmalloc_64_pair", kmalloc_pair_work },
		{ "kmalloc_64_batch1000", kmalloc_batch_work },
		{ "alloc_pages_o0_pair", page_pair_work },
		{ "alloc_pages_o0_batch1000", page_batch_work },
	};
	int err = 0;

	if (num_online_cpus() < 2)
		return 0;
	for (int i = 0; i < 2; i++) {
		sides[i] = vzalloc(sizeof(struct side));
		if (!sides[i])
			return -ENOMEM;
		sides[i]->id = i;
	}
	for (int i = 0; !err && i < ARRAY_SIZE(all); i++)
		err = run_sides(all[i].name, 1, all[i].work, false) ?: run_sides(all[i].name, 2, all[i].work, false);
	err = err ?: run_sides("kmalloc_64_remote", 2, remote_work, true);
	msleep(20);		/* the threads leave our code */
	vfree(sides[0]);
	vfree(sides[1]);
	return err;
}

/* ---- all of it ------------------------------------------------------------------------ */

static void make_orders(void)
{
	u32 state = 20260101;

	for (int i = 0; i < BATCH; i++) {
		fifo[i] = shuffled[i] = i;
		lifo[i] = BATCH - 1 - i;
	}
	for (int i = BATCH; i > 1; i--) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		swap(shuffled[i - 1], shuffled[state % i]);
	}
}

static int __init bench_init(void)
{
	static int (*const groups[])(void) = {
		calibrate, kmalloc_pairs, kmalloc_small_batches, kmalloc_large_batches, caches, page_pairs,
		page_batches, areas, windows, smp,
	};
	int err = 0;

	make_orders();
	for (int i = 0; i < ARRAY_SIZE(groups) && !err; i++)
		err = groups[i]();
	if (err || ran_out)
		pr_info("benchfail %d\n", err);
	return err;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);
