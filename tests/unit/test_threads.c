/* SPDX-License-Identifier: MIT */
/*
 * test_threads.c: host threads that are CPUs (arch/hosted/threads.c), and the memory manager
 * with all of them at it at once.  Under ThreadSanitizer (VARIANT=tsan) it is the stress.
 *
 * OPS=n: operations of each thread.
 */
#include "unit.h"

#include "arch/hosted/hosted.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <quarry/highmem.h>
#include <quarry/port.h>
#include <quarry/slab.h>
#include <quarry/spinlock.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#define MEM (192UL << 20)
#define LOWMEM (96UL << 20)
#define THREADS 8

#define atomic_get(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_set(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define atomic_inc(p) __atomic_add_fetch(p, 1, __ATOMIC_ACQ_REL)

/* A thread of a test ends with NULL, or with what went wrong. */
typedef const char *(*thread_fn)(unsigned long number);

static void *thread_main(void *arg)
{
	void **fn_and_number = arg;
	thread_fn fn = (thread_fn)fn_and_number[0];

	return (void *)fn((unsigned long)fn_and_number[1]);
}

struct thread {
	pthread_t thread;
	void *fn_and_number[2];
};

static void start(struct thread *t, thread_fn fn, unsigned long number)
{
	t->fn_and_number[0] = (void *)fn;
	t->fn_and_number[1] = (void *)number;
	ck_assert_int_eq(pthread_create(&t->thread, NULL, thread_main, t->fn_and_number), 0);
}

static void finish(struct thread *t)
{
	void *error;

	ck_assert_int_eq(pthread_join(t->thread, &error), 0);
	ck_assert_msg(!error, "thread %lu: %s", (unsigned long)t->fn_and_number[1], (const char *)error);
}

static unsigned long ops(void)
{
	const char *text = getenv("OPS");

	return text ? strtoul(text, NULL, 10) : 4000;
}

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* CPU 0 is always held by somebody. */
static unsigned attached(void)
{
	unsigned n = 0;

	for (unsigned cpu = 1; cpu < nr_cpu_ids; cpu++)
		n += thread_is_attached(cpu);
	return n;
}

static void wait_until(const unsigned *n, unsigned value)
{
	while (atomic_get(n) < value)
		cpu_relax();
}

/* ---- which CPU ------------------------------------------------------------------------- */

static unsigned seen_cpu[THREADS], here, may_end;

static const char *first_call(unsigned long i)
{
	void *p = kmalloc(100, GFP_KERNEL);

	seen_cpu[i] = smp_processor_id();
	kfree(p);
	return p ? NULL : "no memory";
}

START_TEST(a_thread_is_a_cpu_from_its_first_call_to_its_end)
{
	struct thread t;

	unit_boot(MEM, LOWMEM);
	for (unsigned i = 0; i < 3; i++) {
		start(&t, first_call, i);
		finish(&t);
		ck_assert_uint_eq(seen_cpu[i], 1);
		ck_assert_uint_eq(attached(), 0);
		ck_assert_uint_eq(cpu_locals[1].host, 0);
	}
	ck_assert_uint_eq(smp_processor_id(), 0);
	unit_teardown();
}
END_TEST

static const char *asks_first(unsigned long i)
{
	bool got = hosted_attach_cpu(), again = hosted_attach_cpu();

	seen_cpu[i] = smp_processor_id();
	atomic_inc(&here);
	while (!atomic_get(&may_end))
		usleep(100);
	hosted_detach_cpu();
	hosted_detach_cpu();
	return got && again ? NULL : "no CPU";
}

static const char *finds_none(unsigned long i)
{
	(void)i;
	return hosted_attach_cpu() ? "it got a CPU, where there is none" : NULL;
}

START_TEST(the_lowest_free_cpu_is_taken_until_none_is_left)
{
	struct thread t[THREADS], one_too_many;
	unsigned cpus = 0;

	hosted_cpus = 1 + THREADS;
	unit_boot(MEM, LOWMEM);
	for (unsigned i = 0; i < THREADS; i++)
		start(&t[i], asks_first, i);
	wait_until(&here, THREADS);
	for (unsigned i = 0; i < THREADS; i++)
		cpus |= 1u << seen_cpu[i];
	ck_assert_uint_eq(cpus, ((1u << THREADS) - 1) << 1);
	start(&one_too_many, finds_none, 0);
	finish(&one_too_many);
	atomic_set(&may_end, 1);
	for (unsigned i = 0; i < THREADS; i++)
		finish(&t[i]);
	ck_assert_uint_eq(attached(), 0);
	start(&t[0], first_call, 0);
	finish(&t[0]);
	ck_assert_uint_eq(seen_cpu[0], 1);
	unit_teardown();
}
END_TEST

/* ---- interrupts wherever a thread is ------------------------------------------------------- */

static sem_t asleep;
static unsigned calls[NR_CPUS + 1], called_off, off_over;
static bool not_in_interrupt;

static void count_call(void *arg)
{
	(void)arg;
	if (!in_interrupt())
		atomic_set(&not_in_interrupt, true);
	atomic_inc(&calls[smp_processor_id()]);
}

static const char *blocked(unsigned long i)
{
	(void)i;
	if (!hosted_attach_cpu())
		return "no CPU";
	atomic_inc(&here);
	return sem_wait(&asleep) ? "sem_wait() was broken off" : NULL;
}

START_TEST(a_thread_in_a_system_call_answers)
{
	struct thread t[THREADS];

	unit_boot(MEM, LOWMEM);
	ck_assert_int_eq(sem_init(&asleep, 0, 0), 0);
	for (unsigned i = 0; i < THREADS; i++)
		start(&t[i], blocked, i);
	wait_until(&here, THREADS);
	port_call_others(count_call, NULL);
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		ck_assert_uint_eq(calls[cpu], cpu >= 1 && cpu <= THREADS);
	ck_assert(!not_in_interrupt);
	for (unsigned i = 0; i < THREADS; i++)
		sem_post(&asleep);
	for (unsigned i = 0; i < THREADS; i++)
		finish(&t[i]);
	port_call_others(count_call, NULL);	/* nobody is there */
	ck_assert_uint_eq(calls[1], 1);
	unit_teardown();
}
END_TEST

/* As programs do that take signals in one thread: all but SIGSEGV, without which its first call would end it. */
static const char *deaf(unsigned long i)
{
	sigset_t set;
	void *p;

	sigfillset(&set);
	if (i % 2)
		sigdelset(&set, SIGSEGV);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (i % 2 == 0 && !hosted_attach_cpu())
		return "no CPU";
	p = kmalloc(100, GFP_KERNEL);
	kfree(p);
	atomic_inc(&here);
	while (sem_wait(&asleep))
		;
	return p ? NULL : "no memory";
}

START_TEST(a_thread_that_blocked_all_signals_answers)
{
	struct thread t[2];

	unit_boot(MEM, LOWMEM);
	ck_assert_int_eq(sem_init(&asleep, 0, 0), 0);
	for (unsigned i = 0; i < 2; i++)
		start(&t[i], deaf, i);
	wait_until(&here, 2);
	port_call_others(count_call, NULL);
	ck_assert_uint_eq(calls[1] + calls[2], 2);
	for (unsigned i = 0; i < 2; i++)
		sem_post(&asleep);
	for (unsigned i = 0; i < 2; i++)
		finish(&t[i]);
	unit_teardown();
}
END_TEST

static const char *interrupts_off(unsigned long i)
{
	unsigned long flags = arch_irq_save();

	(void)i;
	atomic_inc(&here);
	for (int n = 0; n < 50; n++)
		usleep(1000);
	called_off = atomic_get(&calls[smp_processor_id()]);
	arch_irq_restore(flags);
	while (!atomic_get(&off_over))
		usleep(100);
	return NULL;
}

START_TEST(not_while_its_interrupts_are_off)
{
	struct thread t;

	unit_boot(MEM, LOWMEM);
	start(&t, interrupts_off, 0);
	wait_until(&here, 1);
	port_call_others(count_call, NULL);
	ck_assert_uint_eq(calls[1], 1);
	atomic_set(&off_over, 1);
	finish(&t);
	ck_assert_uint_eq(called_off, 0);
	unit_teardown();
}
END_TEST

#define QUESTIONS 200

static const char *asks(unsigned long i)
{
	(void)i;
	hosted_attach_cpu();
	atomic_inc(&here);
	while (atomic_get(&here) < THREADS)
		cpu_relax();
	for (unsigned n = 0; n < QUESTIONS; n++)
		port_call_others(count_call, NULL);
	atomic_inc(&here);
	while (atomic_get(&here) < 2 * THREADS)	/* nobody leaves before all have answered */
		cpu_relax();
	return NULL;
}

START_TEST(all_ask_all)
{
	struct thread t[THREADS];

	unit_boot(MEM, LOWMEM);
	for (unsigned i = 0; i < THREADS; i++)
		start(&t[i], asks, i);
	for (unsigned i = 0; i < THREADS; i++)
		finish(&t[i]);
	for (unsigned cpu = 1; cpu <= THREADS; cpu++)
		ck_assert_uint_eq(calls[cpu], QUESTIONS * (THREADS - 1));
	ck_assert_uint_eq(calls[0], QUESTIONS * THREADS);
	unit_teardown();
}
END_TEST

/* ---- the stress ------------------------------------------------------------------------------ */

/* What a thread holds: each thing filled with a word that tells whose it is. */
#define HELD 64

enum kind { OBJECT, CACHED, FRAME, BLOCK, AREA, KINDS };

struct held {
	enum kind kind;
	void *at;
	size_t size;
	unsigned long word;
};

static struct kmem_cache *cache;
static unsigned drains, running;

static bool take(struct held *h, enum kind kind, unsigned *random, unsigned long word)
{
	static const unsigned sizes[] = { 8, 24, 64, 100, 300, 1000, 4000, 8000 };
	unsigned order = 1 + next_random(random) % 4;

	h->kind = kind;
	h->word = word;
	switch (kind) {
	case OBJECT:
		h->size = sizes[next_random(random) % ARRAY_SIZE(sizes)];
		h->at = kmalloc(h->size, next_random(random) % 2 ? GFP_KERNEL : GFP_ATOMIC);
		break;
	case CACHED:
		h->size = 128;
		h->at = kmem_cache_alloc(cache, GFP_KERNEL);
		break;
	case FRAME:
		h->size = PAGE_SIZE;
		h->at = (void *)__get_free_page(GFP_KERNEL);
		break;
	case BLOCK:
		h->size = PAGE_SIZE << order;
		h->at = (void *)__get_free_pages(GFP_KERNEL, order);
		break;
	default:
		h->size = PAGE_SIZE * (1 + next_random(random) % 3);
		h->at = vmalloc(h->size);
	}
	if (h->at)
		for (size_t i = 0; i + sizeof(word) <= h->size; i += h->size > 512 ? 512 : sizeof(word))
			*(unsigned long *)((char *)h->at + i) = word;
	return h->at != NULL;
}

/* Return: was it still as its owner left it? */
static bool give(struct held *h)
{
	bool same = true;

	for (size_t i = 0; i + sizeof(h->word) <= h->size; i += h->size > 512 ? 512 : sizeof(h->word))
		same = same && *(unsigned long *)((char *)h->at + i) == h->word;
	switch (h->kind) {
	case OBJECT:
		kfree(h->at);
		break;
	case CACHED:
		kmem_cache_free(cache, h->at);
		break;
	case FRAME:
	case BLOCK:
		free_pages((unsigned long)h->at, (unsigned)__builtin_ctzl(h->size >> PAGE_SHIFT));
		break;
	default:
		vfree(h->at);
	}
	h->at = NULL;
	return same;
}

/* High frames, through both kinds of window. */
static bool high_frame(unsigned *random, unsigned long word)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	unsigned long *p;
	bool same;

	if (!page)
		return false;
	p = kmap_local_page(page);
	p[next_random(random) % 512] = word;
	p[0] = word;
	kunmap_local(p);
	p = kmap(page);
	same = p && p[0] == word;
	if (p)
		kunmap(page);
	__free_page(page);
	return same;
}

static enum kind some_kind(unsigned *random)
{
	unsigned n = next_random(random) % 64;

	return n < 32 ? OBJECT : n < 44 ? CACHED : n < 56 ? FRAME : n < 62 ? BLOCK : AREA;
}

static const char *stress_ops(unsigned long number, unsigned long n)
{
	struct held held[HELD] = { { 0 } };
	unsigned random = (unsigned)number * 7919 + 1;
	const char *error = NULL;

	for (unsigned long i = 0; i < n && !error; i++) {
		struct held *h = &held[next_random(&random) % HELD];

		if (h->at && !give(h))
			error = "somebody wrote into what it held";
		else if (!take(h, some_kind(&random), &random, number << 20 | i))
			error = "no memory";
		else if (i % 64 == 0 && !high_frame(&random, number + i))
			error = "a high frame did not hold what was written";
	}
	for (unsigned i = 0; i < HELD; i++)
		if (held[i].at && !give(&held[i]) && !error)
			error = "somebody wrote into what it held, at the end";
	return error;
}

static const char *stress(unsigned long number)
{
	const char *error = stress_ops(number, ops());

	__atomic_sub_fetch(&running, 1, __ATOMIC_RELEASE);
	return error;
}

static void drain_all(void)
{
	drain_all_pages(NULL);
	slab_drain(NULL);
	kmem_cache_shrink(cache);
	vmalloc_purge();
	drains++;
}

static void boot_with_cache(void)
{
	unit_boot(MEM, LOWMEM);
	cache = kmem_cache_create("threads", 128, 0, 0, NULL);
	ck_assert_ptr_nonnull(cache);
}

static void end_with_cache(void)
{
	struct slabinfo info;

	slab_get_info(cache, &info);
	ck_assert_uint_eq(info.active_objs, 0);
	kmem_cache_destroy(cache);
	unit_teardown();
}

START_TEST(all_at_once_while_everything_is_drained)
{
	struct thread t[THREADS];

	boot_with_cache();
	running = THREADS;
	for (unsigned i = 0; i < THREADS; i++)
		start(&t[i], stress, i + 1);
	while (atomic_get(&running)) {
		drain_all();
		usleep(2000);
	}
	for (unsigned i = 0; i < THREADS; i++)
		finish(&t[i]);
	ck_assert_uint_ge(drains, 1);
	end_with_cache();
}
END_TEST

/* ---- coming and going ------------------------------------------------------------------------- */

#define GENERATIONS 50

static struct held left_over[THREADS];

/* It frees what the one before it left, and leaves something for the one after. */
static const char *short_life(unsigned long number)
{
	struct held *h = &left_over[number % THREADS];
	unsigned random = (unsigned)number;
	bool same = !h->at || give(h);

	if (!take(h, some_kind(&random), &random, number))
		return "no memory";
	return same ? stress_ops(number, 50) : "what its predecessor left has changed";
}

START_TEST(threads_come_and_go_by_the_hundred)
{
	struct thread t[THREADS];

	boot_with_cache();
	for (unsigned long i = 0; i < THREADS * GENERATIONS; i++) {
		if (i >= THREADS)
			finish(&t[i % THREADS]);
		start(&t[i % THREADS], short_life, i);
		if (i % 16 == 0)
			drain_all();
	}
	for (unsigned i = 0; i < THREADS; i++) {
		finish(&t[i]);
		ck_assert(give(&left_over[i]));
	}
	ck_assert_uint_eq(attached(), 0);
	end_with_cache();
}
END_TEST

/* ---- one allocates, another frees ---------------------------------------------------------------- */

#define RING 64

static struct ring {
	struct held at[RING];
	unsigned long in, out;
} rings[THREADS / 2];

static const char *produce(unsigned long number)
{
	struct ring *r = &rings[number / 2];
	unsigned random = (unsigned)number;

	for (unsigned long i = 0; i < ops(); i++) {
		while (i - atomic_get(&r->out) >= RING)
			cpu_relax();
		if (!take(&r->at[i % RING], some_kind(&random), &random, number << 20 | i))
			return "no memory";
		atomic_set(&r->in, i + 1);
	}
	return NULL;
}

static const char *consume(unsigned long number)
{
	struct ring *r = &rings[number / 2];

	for (unsigned long i = 0; i < ops(); i++) {
		while (atomic_get(&r->in) <= i)
			cpu_relax();
		if (!give(&r->at[i % RING]))
			return "it is not what the producer made";
		atomic_set(&r->out, i + 1);
	}
	return NULL;
}

START_TEST(one_allocates_another_frees)
{
	struct thread t[THREADS];

	boot_with_cache();
	for (unsigned i = 0; i < THREADS; i++)
		start(&t[i], i % 2 ? consume : produce, i);
	for (unsigned i = 0; i < THREADS; i++)
		finish(&t[i]);
	end_with_cache();
}
END_TEST

UNIT_SUITE(threads,
	a_thread_is_a_cpu_from_its_first_call_to_its_end,
	the_lowest_free_cpu_is_taken_until_none_is_left,
	a_thread_in_a_system_call_answers,
	a_thread_that_blocked_all_signals_answers,
	not_while_its_interrupts_are_off,
	all_ask_all,
	all_at_once_while_everything_is_drained,
	threads_come_and_go_by_the_hundred,
	one_allocates_another_frees)
