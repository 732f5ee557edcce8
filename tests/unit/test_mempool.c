/* SPDX-License-Identifier: MIT */
/*
 * test_mempool.c: a reserve that never fails who may wait (mm/pressure/mempool.c): with no memory
 * left at all, several threads that pass its elements around, interrupts that free.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"
#include "kernel/sched.h"

#include <quarry/inject.h>
#include <quarry/mempool.h>
#include <quarry/report.h>
#include <quarry/vmalloc.h>

#define MB (1UL << 20)

static void setup(void)
{
	unit_boot(32 * MB, 16 * MB);
}

#define EXPECT_MISUSE(kind, call) do {							\
	unsigned long before_ = misuse_count(kind), all_ = misuse_count(NR_MISUSE);	\
	misuse_quiet(true);								\
	call;										\
	misuse_quiet(false);								\
	ck_assert_msg(misuse_count(kind) == before_ + 1, "%s: %s", #call, misuse_last()); \
	ck_assert_uint_eq(misuse_count(NR_MISUSE), all_ + 1);				\
} while (0)

/* ---- what it gives --------------------------------------------------------------------- */

START_TEST(every_kind_of_pool)
{
	mempool_t *pool[4];
	struct kmem_cache *s;
	void *e[4];

	setup();
	s = kmem_cache_create("request", 72, 0, 0, NULL);
	pool[0] = mempool_create_slab_pool(4, s);
	pool[1] = mempool_create_kmalloc_pool(4, 300);
	pool[2] = mempool_create_kvmalloc_pool(4, 8 * MB / 10);
	pool[3] = mempool_create_page_pool(4, 2);
	for (int i = 0; i < 4; i++) {
		ck_assert_ptr_nonnull(pool[i]);
		ck_assert(mempool_is_saturated(pool[i]));
		e[i] = mempool_alloc(pool[i], GFP_KERNEL);
		ck_assert_ptr_nonnull(e[i]);
		ck_assert_int_eq(pool[i]->curr_nr, 4);
	}
	ck_assert(slab_in_use(s, e[0]));
	ck_assert_uint_ge(ksize(e[1]), 300);
	memset(e[2], 1, 8 * MB / 10);
	ck_assert_int_eq(((struct page *)e[3])->order, 2);
	ck_assert_int_eq(mempool_check(NULL), 0);
	for (int i = 0; i < 4; i++) {
		mempool_free(e[i], pool[i]);
		mempool_destroy(pool[i]);
	}
	mempool_destroy(NULL);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(in_memory_of_ones_own)
{
	mempool_t pool = { .min_nr = 0 };
	void *e;

	setup();
	ck_assert(!mempool_initialized(&pool));
	mempool_exit(&pool);			/* nothing to end */
	ck_assert_int_eq(mempool_init_kmalloc_pool(&pool, 3, 64), 0);
	ck_assert(mempool_initialized(&pool));
	e = mempool_alloc_preallocated(&pool);
	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(pool.curr_nr, 2);
	ck_assert(!mempool_is_saturated(&pool));
	mempool_free(e, &pool);
	mempool_free(NULL, &pool);
	ck_assert_int_eq(pool.curr_nr, 3);
	mempool_exit(&pool);
	mempool_exit(&pool);
	unit_teardown();
}
END_TEST

/* ---- which memory it asks for -------------------------------------------------------------- */

static gfp_t asked[8];
static unsigned nr_asked, from;
static int things[64];

/* From the @from-th request on there is none. */
static void *make_thing(gfp_t gfp, void *data)
{
	asked[nr_asked % 8] = gfp;
	return nr_asked++ < from ? &((int *)data)[nr_asked - 1] : NULL;
}

static void free_thing(void *element, void *data)
{
	++*(int *)element;
	(void)data;
}

START_TEST(first_without_reserves_and_reclaim_then_the_pool_then_with_reclaim)
{
	mempool_t *pool;
	void *e[2];

	setup();
	from = 2;
	pool = mempool_create(2, make_thing, free_thing, things);
	ck_assert_uint_eq(nr_asked, 2);
	for (int i = 0; i < 2; i++) {
		e[i] = mempool_alloc(pool, GFP_NOFS | __GFP_MEMALLOC);
		ck_assert_ptr_nonnull(e[i]);
		ck_assert_uint_eq(nr_asked, 3 + (unsigned)i);
		ck_assert_uint_eq(asked[2], (GFP_NOFS & ~__GFP_WAIT) | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN);
	}
	ck_assert_ptr_null(mempool_alloc(pool, GFP_NOWAIT));
	ck_assert_uint_eq(nr_asked, 5);
	/* The boot thread cannot sleep: after the last attempt it is told so. */
	ck_assert_ptr_null(mempool_alloc(pool, GFP_NOFS | __GFP_NOFAIL));
	ck_assert_uint_eq(nr_asked, 7);
	ck_assert_uint_eq(asked[6], GFP_NOFS | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN);
	ck_assert(unit_log_has("mempool_alloc where nobody can sleep"));
	ck_assert_ptr_null(mempool_alloc_preallocated(pool));
	ck_assert_int_eq(mempool_check(pool), 0);
	mempool_free(e[0], pool);
	mempool_free(e[1], pool);
	ck_assert_int_eq(things[0] + things[1], 0);
	mempool_destroy(pool);
	ck_assert_int_eq(things[0] + things[1], 2);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	unit_teardown();
}
END_TEST

/* ---- with nothing left ----------------------------------------------------------------------- */

#define USERS 5
#define ROUNDS 300

static mempool_t *shared;
static unsigned held, most, done, empty;

/* What all users together hold is never more than there is. */
static void user(void *arg)
{
	unsigned me = (unsigned)(unsigned long)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned *e = mempool_alloc(shared, GFP_NOIO);

		if (!e) {
			empty++;
			break;
		}
		held++;
		most = max(most, held);
		*e = me;
		for (unsigned k = (i + me) % 4; k; k--)
			schedule();
		ck_assert_uint_eq(*e, me);
		held--;
		mempool_free(e, shared);
	}
	done++;
}

static void squeeze(void *arg)
{
	void **objects = NULL, **next;
	LIST_HEAD(all);

	shared = mempool_create_kmalloc_pool(2, 64);
	for (unsigned long i = 0; i < USERS; i++)
		ck_assert_int_gt(thread_spawn("user", user, (void *)i), 0);
	unit_take_frames(&all, GFP_HIGHUSER | __GFP_MEMALLOC);
	slab_drain(NULL);
	unit_take_frames(&all, GFP_HIGHUSER | __GFP_MEMALLOC);
	for (; (next = kmalloc(64, GFP_ATOMIC | __GFP_NOWARN)); objects = next)
		*next = objects;
	while (done < USERS)
		schedule();
	ck_assert_int_eq(mempool_check(shared), 0);
	ck_assert(mempool_is_saturated(shared));
	mempool_destroy(shared);
	for (; objects; objects = next) {
		next = *objects;
		kfree(objects);
	}
	unit_give_frames(&all, ~0UL);
	(void)arg;
}

START_TEST(threads_exchange_what_there_is)
{
	setup();
	unit_thread(squeeze, NULL);
	ck_assert_uint_eq(done, USERS);
	ck_assert_uint_eq(empty, 0);
	ck_assert_uint_eq(most, 2);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	unit_teardown();
}
END_TEST

/* Timer interrupts give back what threads took, and nobody else does. */
static void *in_flight[64];
static unsigned nr_in_flight, finished;
static spinlock_t in_flight_lock = SPINLOCK_INIT;

static void complete_one(void)
{
	void *e = NULL;

	spin_lock(&in_flight_lock);
	if (nr_in_flight)
		e = in_flight[--nr_in_flight];
	spin_unlock(&in_flight_lock);
	if (e) {
		finished++;
		mempool_free(e, shared);
	}
}

static void submitter(void *arg)
{
	for (unsigned i = 0; i < 25; i++) {
		void *e = mempool_alloc(shared, GFP_NOIO);
		unsigned long flags;

		if (!e)
			empty++;
		flags = spin_lock_irqsave(&in_flight_lock);
		in_flight[nr_in_flight++] = e;
		spin_unlock_irqrestore(&in_flight_lock, flags);
	}
	done++;
	(void)arg;
}

static void submit(void *arg)
{
	from = nr_asked + 3;
	shared = mempool_create(3, make_thing, free_thing, things);
	ck_assert_ptr_nonnull(shared);
	for (int i = 0; i < 3; i++)
		ck_assert_int_gt(thread_spawn("submitter", submitter, NULL), 0);
	kernel_tick_hook = complete_one;
	while (finished < 75)
		thread_sleep_ms(1);
	kernel_tick_hook = NULL;
	mempool_destroy(shared);
	(void)arg;
}

START_TEST(interrupts_give_back)
{
	hosted_tick_handler = kernel_timer_tick;
	hosted_reschedule = schedule;
	setup();
	timer_start();
	unit_thread(submit, NULL);
	ck_assert_uint_eq(done, 3);
	ck_assert_uint_eq(empty, 0);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	unit_teardown();
}
END_TEST

static const char *host_error;

static void *host_user(void *arg)
{
	void *e[3];

	for (int i = 0; i < 2000; i++) {
		for (int k = 0; k < 3; k++)
			e[k] = k < 2 ? mempool_alloc(shared, GFP_NOWAIT) : mempool_alloc_preallocated(shared);
		if (!e[0] || !e[1])
			host_error = "the allocator gave none";
		for (int k = 0; k < 3; k++)
			mempool_free(e[k], shared);
	}
	hosted_detach_cpu();
	return arg;
}

START_TEST(host_threads_at_once)
{
	pthread_t t[3];

	setup();
	shared = mempool_create_kmalloc_pool(4, 64);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, host_user, NULL), 0);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(mempool_resize(shared, 4 + 5 * (i & 1)), 0);
		ck_assert_int_eq(mempool_check(shared), 0);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	ck_assert_ptr_null(host_error);
	ck_assert_uint_eq(shared->out, 0);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	mempool_destroy(shared);
	unit_teardown();
}
END_TEST

/* ---- another size -------------------------------------------------------------------------------- */

START_TEST(resized_while_elements_are_out)
{
	mempool_t *pool;
	void *e[6];

	setup();
	pool = mempool_create_kmalloc_pool(4, 100);
	for (int i = 0; i < 3; i++)
		e[i] = mempool_alloc_preallocated(pool);
	ck_assert_int_eq(mempool_resize(pool, 2), 0);		/* 1 in reserve, 3 out: nothing to free */
	ck_assert_int_eq(pool->curr_nr, 1);
	ck_assert_int_eq(mempool_resize(pool, 6), 0);
	ck_assert_int_eq(pool->curr_nr, 5);
	ck_assert_int_eq(mempool_check(pool), 0);
	for (int i = 0; i < 3; i++)
		mempool_free(e[i], pool);
	ck_assert_int_eq(pool->curr_nr, 6);
	for (int i = 0; i < 6; i++)
		ck_assert_ptr_nonnull(e[i] = mempool_alloc_preallocated(pool));
	for (int i = 0; i < 6; i++)
		mempool_free(e[i], pool);
	ck_assert_int_eq(mempool_resize(pool, 1), 0);
	ck_assert_int_eq(pool->curr_nr, 1);
	ck_assert_int_eq(mempool_check(pool), 0);
	mempool_destroy(pool);
	unit_teardown();
}
END_TEST

START_TEST(growing_is_all_or_nothing)
{
	mempool_t *pool;
	unsigned n;

	setup();
	pool = mempool_create_page_pool(3, 1);
	for (n = 1; ; n++) {
		fail_nth_set(n);
		if (!mempool_resize(pool, 9))
			break;
		ck_assert_uint_eq(fail_nth_set(0), 0);
		ck_assert_int_eq(pool->curr_nr, 3);
		ck_assert_int_eq(pool->min_nr, 3);
		ck_assert_int_eq(mempool_check(pool), 0);
	}
	fail_nth_set(0);
	ck_assert_uint_gt(n, 6);
	ck_assert_int_eq(pool->curr_nr, 9);
	mempool_destroy(pool);
	unit_teardown();
}
END_TEST

START_TEST(creating_is_all_or_nothing)
{
	unsigned n = 0, left, failed = 0;
	mempool_t *pool;

	setup();
	do {
		fail_nth_set(++n);
		pool = mempool_create_kmalloc_pool(5, 3000);
		left = fail_nth_set(0);
		ck_assert_int_eq(mempool_check(NULL), 0);
		failed += !pool;
		mempool_destroy(pool);
		unit_settle();
	} while (!left);
	ck_assert_uint_gt(failed, 7);
	unit_teardown();
}
END_TEST

/* ---- misuse --------------------------------------------------------------------------------------- */

START_TEST(what_no_pool_can_be_made_of)
{
	mempool_t pool;

	setup();
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(mempool_create_kmalloc_pool(0, 8)));
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(mempool_create_page_pool(-1, 0)));
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(mempool_create(1, NULL, free_thing, NULL)));
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_int_eq(mempool_init(&pool, 1, make_thing, NULL, NULL), -EINVAL));
	EXPECT_MISUSE(MISUSE_SIZE, ck_assert_ptr_null(mempool_create_page_pool(1, MAX_PAGE_ORDER + 1)));
	EXPECT_MISUSE(MISUSE_SIZE, ck_assert_ptr_null(mempool_create_page_pool(1, -1)));
	EXPECT_MISUSE(MISUSE_SIZE, ck_assert_ptr_null(mempool_create_kmalloc_pool(2, 0)));
	preempt_disable();
	EXPECT_MISUSE(MISUSE_CONTEXT, ck_assert_ptr_null(mempool_create_kmalloc_pool(1, 8)));
	preempt_enable();
	unit_teardown();
}
END_TEST

START_TEST(what_is_not_to_be_freed)
{
	mempool_t *pool, *pages, *objects;
	struct kmem_cache *s;
	struct page *page;
	void *e, *small;

	setup();
	s = kmem_cache_create("request", 72, 0, 0, NULL);
	pool = mempool_create_kmalloc_pool(2, 1000);
	pages = mempool_create_page_pool(2, 1);
	objects = mempool_create_slab_pool(2, s);
	e = mempool_alloc_preallocated(pool);
	small = kmalloc(64, GFP_KERNEL);
	mempool_free(NULL, pool);
	EXPECT_MISUSE(MISUSE_WRONG_CACHE, mempool_free(small, pool));
	EXPECT_MISUSE(MISUSE_MIDDLE, mempool_free((char *)e + 8, pool));
	EXPECT_MISUSE(MISUSE_FOREIGN, mempool_free(&e, pool));
	EXPECT_MISUSE(MISUSE_WRONG_CACHE, mempool_free(e, objects));
	EXPECT_MISUSE(MISUSE_FOREIGN, mempool_free(e, pages));
	mempool_free(e, pool);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, mempool_free(e, pool));
	e = mempool_alloc(objects, GFP_KERNEL);
	mempool_free(e, objects);		/* to its cache: the reserve is full */
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, mempool_free(e, objects));
	e = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_MISUSE(MISUSE_UNBALANCED, mempool_free(e, objects));
	page = alloc_pages(GFP_KERNEL, 2);
	EXPECT_MISUSE(MISUSE_WRONG_ORDER, mempool_free(page, pages));
	__free_pages(page, 2);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, mempool_free(page, pages));
	EXPECT_MISUSE(MISUSE_WRONG_LAYER, mempool_free(virt_to_page(small), pages));
	kmem_cache_free(s, e);
	kfree(small);
	mempool_destroy(pool);
	mempool_destroy(pages);
	mempool_destroy(objects);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

static void alloc_in_interrupt(void *p)
{
	EXPECT_MISUSE(MISUSE_CONTEXT, ck_assert_ptr_null(mempool_alloc(p, GFP_KERNEL)));
	mempool_free(mempool_alloc(p, GFP_ATOMIC), p);
}

START_TEST(what_else_is_refused)
{
	mempool_t *pool, *gone;
	void *e;

	setup();
	pool = mempool_create_kmalloc_pool(2, 100);
	machine_run_in_interrupt(alloc_in_interrupt, pool);
	EXPECT_MISUSE(MISUSE_GFP, ck_assert_ptr_null(mempool_alloc(pool, GFP_KERNEL | __GFP_ZERO)));
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_int_eq(mempool_resize(pool, 0), -EINVAL));
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(mempool_alloc(NULL, GFP_KERNEL)));
	preempt_disable();
	EXPECT_MISUSE(MISUSE_CONTEXT, ck_assert_int_eq(mempool_resize(pool, 5), -EINVAL));
	preempt_enable();
	pool->resizing = true;
	EXPECT_MISUSE(MISUSE_BUSY, ck_assert_int_eq(mempool_resize(pool, 5), -EBUSY));
	pool->resizing = false;
	e = mempool_alloc(pool, GFP_KERNEL);
	EXPECT_MISUSE(MISUSE_BUSY, mempool_destroy(pool));
	EXPECT_MISUSE(MISUSE_BUSY, mempool_exit(pool));
	mempool_free(e, pool);			/* it is as good as before */
	ck_assert_int_eq(mempool_check(pool), 0);
	gone = pool;
	mempool_destroy(pool);
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(mempool_alloc(gone, GFP_KERNEL)));
	EXPECT_MISUSE(MISUSE_ARGUMENT, mempool_free(&e, gone));
	unit_teardown();
}
END_TEST

START_TEST(check_finds_what_is_wrong)
{
	mempool_t *pool;
	void *e;

	setup();
	pool = mempool_create_kmalloc_pool(3, 100);
	ck_assert_int_eq(mempool_check(pool), 0);
	pool->min_nr = 2;
	ck_assert_int_eq(mempool_check(NULL), 1);
	pool->min_nr = 4;
	ck_assert_int_eq(mempool_check(NULL), 2);
	pool->min_nr = 3;
	e = pool->elements[0];
	pool->elements[0] = pool->elements[1];
	ck_assert_int_eq(mempool_check(pool), 3);
	pool->elements[0] = (char *)e + 1;
	ck_assert_int_eq(mempool_check(pool), 3);
	pool->elements[0] = e;
	mempool_destroy(pool);
	unit_teardown();
}
END_TEST

UNIT_SUITE(mempool,
	every_kind_of_pool,
	in_memory_of_ones_own,
	first_without_reserves_and_reclaim_then_the_pool_then_with_reclaim,
	threads_exchange_what_there_is,
	interrupts_give_back,
	host_threads_at_once,
	resized_while_elements_are_out,
	growing_is_all_or_nothing,
	creating_is_all_or_nothing,
	what_no_pool_can_be_made_of,
	what_is_not_to_be_freed,
	what_else_is_refused,
	check_finds_what_is_wrong)
