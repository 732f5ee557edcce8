/* SPDX-License-Identifier: MIT */
/*
 * test_inject.c: the N-th allocation of a thread fails (mm/debug/inject.c): what counts, whose it
 * is, and that nothing else changes.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"
#include "kernel/sched.h"

#include <quarry/inject.h>
#include <quarry/report.h>
#include <quarry/slab.h>

#define MB (1UL << 20)

static void setup(void)
{
	unit_boot(64 * MB, 32 * MB);
}

START_TEST(the_nth_fails_and_no_other)
{
	struct page *page[5];

	setup();
	ck_assert_uint_eq(fail_nth_set(3), 0);
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_eq(fail_nth_get(), i < 3 ? 3 - (unsigned)i : 0);
		page[i] = alloc_page(GFP_KERNEL);
		ck_assert_int_eq(page[i] != NULL, i != 2);
	}
	ck_assert_uint_eq(fail_nth_failed(), 1);
	ck_assert_ptr_nonnull((void *)fail_nth_caller());
	for (int i = 0; i < 5; i++)
		if (page[i])
			__free_page(page[i]);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	ck_assert(!unit_log_has("failure"));
	unit_teardown();
}
END_TEST

/* Each kind of request, with the first to fail: in the hot way there is plenty of what it wants. */
START_TEST(every_way_of_asking_counts)
{
	struct kmem_cache *s;
	LIST_HEAD(list);
	void *p[4];

	setup();
	s = kmem_cache_create("inject", 100, 0, 0, NULL);
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	kfree(kmalloc(64, GFP_KERNEL));
	__free_page(alloc_page(GFP_KERNEL));
	__free_pages(alloc_pages(GFP_KERNEL, 2), 2);
#define FAILS(call) do {								\
	fail_nth_set(1);								\
	ck_assert_msg(!(call), "%s succeeded", #call);				\
	ck_assert_uint_eq(fail_nth_set(0), 0);					\
} while (0)
	FAILS(alloc_pages(GFP_KERNEL, 0));
	FAILS(alloc_pages(GFP_ATOMIC, 2));
	FAILS(alloc_pages(GFP_HIGHUSER | __GFP_ZERO, 0));
	FAILS(alloc_pages(GFP_KERNEL | __GFP_COMP, 9));
	FAILS(alloc_pages_node(0, GFP_KERNEL, 0));
	FAILS(__get_free_pages(GFP_KERNEL, 0));
	FAILS(__get_free_pages(GFP_KERNEL, 3));
	FAILS(get_zeroed_page(GFP_KERNEL));
	memset(p, 0, sizeof(p));
	FAILS(alloc_pages_bulk(GFP_KERNEL, 4, (struct page **)p));
	FAILS(alloc_pages_bulk_list(GFP_KERNEL, 4, &list));
	FAILS(kmalloc(64, GFP_KERNEL));
	FAILS(kmalloc(64, GFP_ATOMIC));
	FAILS(kzalloc(64, GFP_KERNEL));
	FAILS(__kmalloc(100, GFP_KERNEL));
	FAILS(kmalloc(20000, GFP_KERNEL));
	FAILS(kmalloc_node(64, GFP_KERNEL, 0));
	FAILS(kmem_cache_alloc(s, GFP_KERNEL));
	FAILS(kmem_cache_zalloc(s, GFP_KERNEL));
	FAILS(kmem_cache_alloc_node(s, GFP_KERNEL, 0));
	FAILS(kmem_cache_alloc_bulk(s, GFP_KERNEL, 4, p));
	FAILS(kmem_cache_create("another", 10, 0, 0, NULL));
	kmem_cache_destroy(s);
	ck_assert_uint_eq(fail_nth_failed(), 21);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	unit_teardown();
}
END_TEST

START_TEST(nofail_never_fails_and_is_not_counted)
{
	struct page *page;
	void *p;

	setup();
	kfree(kmalloc(100, GFP_KERNEL));	/* a magazine is asked for without that flag */
	fail_nth_set(1);
	page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	p = kmalloc(100, GFP_KERNEL | __GFP_NOFAIL);
	ck_assert(page && p);
	ck_assert_uint_eq(fail_nth_set(0), 1);
	__free_page(page);
	kfree(p);
	unit_teardown();
}
END_TEST

/* What is refused as misuse was no allocation. */
START_TEST(misuse_is_not_counted)
{
	setup();
	misuse_quiet(true);
	fail_nth_set(1);
	ck_assert_ptr_null(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1));
	ck_assert_ptr_null(kmalloc(8, GFP_KERNEL | __GFP_HIGHMEM));
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 2);
	ck_assert_uint_eq(fail_nth_set(0), 1);
	unit_teardown();
}
END_TEST

static void allocate_in_interrupt(void *p)
{
	struct page *page = alloc_page(GFP_ATOMIC);
	void *obj = kmalloc(64, GFP_ATOMIC);

	*(bool *)p = page && obj;
	kfree(obj);
	if (page)
		__free_page(page);
}

static void refuse_in_interrupt(void *p)
{
	*(unsigned *)p = fail_nth_set(1);
}

START_TEST(interrupts_are_nobodys)
{
	bool got = false;
	unsigned set = 9;

	setup();
	fail_nth_set(1);
	machine_run_in_interrupt(allocate_in_interrupt, &got);
	ck_assert(got);
	ck_assert_uint_eq(fail_nth_get(), 1);
	misuse_quiet(true);
	machine_run_in_interrupt(refuse_in_interrupt, &set);
	ck_assert_uint_eq(set, 0);
	ck_assert_uint_eq(misuse_count(MISUSE_CONTEXT), 1);
	ck_assert_uint_eq(fail_nth_set(0), 1);
	unit_teardown();
}
END_TEST

/* ---- threads ------------------------------------------------------------------------------ */

static unsigned turns;

/* Each has an allocation of its own number fail, while the others come between. */
static void armed(void *p)
{
	unsigned n = (unsigned)(unsigned long)p;

	ck_assert_uint_eq(fail_nth_set(n), 0);
	for (unsigned i = 1; i <= 8; i++) {
		void *obj;

		ck_assert_int_eq(preempt_count(), 0);
		ck_assert(port_can_sleep());
		ck_assert(may_call_others());
		ck_assert_int_eq(fail_nth_check(), 0);
		schedule();
		obj = kmalloc(32, GFP_KERNEL);
		ck_assert_int_eq(obj != NULL, i != n);
		thread_sleep_ms(1);
		ck_assert_int_eq(preempt_count(), 0);
		kfree(obj);
	}
	ck_assert_uint_eq(fail_nth_get(), n > 8 ? n - 8 : 0);
	ck_assert_uint_eq(fail_nth_failed(), n && n <= 8);
	turns++;		/* and some end while it is still to come */
}

static void start_armed(void *p)
{
	(void)p;
	kfree(kmalloc(32, GFP_KERNEL));		/* whoever is first must not ask for magazines, too */
	for (unsigned long n = 0; n < 12; n++)
		ck_assert_int_gt(thread_spawn("armed", armed, (void *)n), 0);
}

START_TEST(it_goes_with_its_thread)
{
	setup();
	hosted_tick_handler = kernel_timer_tick;
	hosted_reschedule = schedule;
	timer_start();
	unit_thread(start_armed, NULL);
	ck_assert_uint_eq(turns, 12);
	ck_assert_int_eq(fail_nth_check(), 0);
	ck_assert(cpu_at_rest());
	unit_teardown();
}
END_TEST

static void *host_thread(void *p)
{
	unsigned n = (unsigned)(unsigned long)p;

	if (!hosted_attach_cpu())
		return (void *)"no CPU";
	kfree(kmalloc(32, GFP_KERNEL));		/* from here on there are magazines */
	if (fail_nth_set(n) || fail_nth_failed())
		return (void *)"set before";
	for (unsigned i = 1; i <= 100; i++) {
		void *obj = kmalloc(32, GFP_KERNEL);

		if (!obj != (i == n))
			return (void *)"another failed";
		kfree(obj);
	}
	return fail_nth_failed() == 1 && !fail_nth_set(200) ? NULL : (void *)"not one";
}

/* Those of a program that links us: each a CPU, and again one when it ends armed. */
START_TEST(host_threads_have_their_own)
{
	pthread_t t[3];
	void *error;

	setup();
	for (int round = 0; round < 2; round++) {
		for (unsigned long i = 0; i < 3; i++)
			ck_assert_int_eq(pthread_create(&t[i], NULL, host_thread, (void *)(i * 30 + 10)), 0);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(pthread_join(t[i], &error), 0);
			ck_assert_msg(!error, "%s", (char *)error);
		}
	}
	ck_assert_uint_eq(fail_nth_failed(), 0);
	unit_teardown();
}
END_TEST

UNIT_SUITE(inject,
	the_nth_fails_and_no_other,
	every_way_of_asking_counts,
	nofail_never_fails_and_is_not_counted,
	misuse_is_not_counted,
	interrupts_are_nobodys,
	it_goes_with_its_thread,
	host_threads_have_their_own)
