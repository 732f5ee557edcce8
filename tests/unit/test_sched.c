/* SPDX-License-Identifier: MIT */
/*
 * test_sched.c: threads that sleep, wait, and end (kernel/sched.c, port.h stage 3).
 */
#include "unit.h"

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"
#include "kernel/sched.h"

#include <quarry/port.h>
#include <quarry/slab.h>
#include <quarry/spinlock.h>

#define MEM (64 << 20)
#define LOWMEM (16 << 20)

/* With a clock that ticks: sleeping ends, turns are over. */
static void boot_with_clock(void)
{
	hosted_tick_handler = kernel_timer_tick;
	hosted_reschedule = schedule;
	unit_boot(MEM, LOWMEM);
	timer_start();
}

/* ---- tokens that go from hand to hand ----------------------------------------------- */

#define CONSUMERS 10
#define TOKENS 50

static spinlock_t lock = SPINLOCK_INIT;
static unsigned tokens, taken;

static void consumer(void *arg)
{
	for (int i = 0; i < TOKENS; i++) {
		unsigned long flags = spin_lock_irqsave(&lock);

		while (!tokens)
			flags = port_sleep_on(&tokens, &lock, flags);
		tokens--;
		taken++;
		spin_unlock_irqrestore(&lock, flags);
		if (i % 3 == 0)
			schedule();
	}
	thread_exit((int)(long)arg);
}

static void producer(void *arg)
{
	(void)arg;
	for (int i = 0; i < CONSUMERS * TOKENS; i++) {
		unsigned long flags = spin_lock_irqsave(&lock);

		tokens++;
		port_wakeup(&tokens);
		spin_unlock_irqrestore(&lock, flags);
		if (i % 5 == 0)
			schedule();
	}
}

static void no_wakeup_lost(void *arg)
{
	int pid[CONSUMERS], source;

	(void)arg;
	for (long i = 0; i < CONSUMERS; i++)
		ck_assert_int_gt(pid[i] = thread_spawn("consumer", consumer, (void *)(i + 1)), 0);
	ck_assert_int_gt(source = thread_spawn("producer", producer, NULL), 0);
	for (int i = 0; i < CONSUMERS; i++)
		ck_assert_int_eq(thread_wait(pid[i]), i + 1);
	ck_assert_int_eq(thread_wait(source), 0);
	ck_assert_uint_eq(tokens, 0);
	ck_assert_uint_eq(taken, CONSUMERS * TOKENS);
}

START_TEST(sleepers_and_wakers)
{
	boot_with_clock();
	unit_thread(no_wakeup_lost, NULL);
	unit_teardown();
}
END_TEST

/* ---- time, status, kinds of refusal ---------------------------------------------------- */

static void sleep_40(void *arg)
{
	u64 before = machine_ms();

	(void)arg;
	thread_sleep_ms(40);
	ck_assert_uint_ge(machine_ms() - before, 40);
	thread_exit(7);
}

static void waits(void *arg)
{
	int pid = thread_spawn("sleeper", sleep_40, NULL);

	(void)arg;
	ck_assert_int_eq(thread_kill(pid), -EINVAL);	/* a kernel thread */
	ck_assert_int_eq(thread_wait(pid), 7);
	ck_assert_int_eq(thread_wait(pid), 7);		/* known for a while */
	ck_assert_ptr_null(task_find(pid));
	ck_assert_ptr_null(task_pin(pid));
	ck_assert_int_eq(thread_kill(pid), -ENOENT);
	ck_assert_int_eq(thread_wait(4711), -ENOENT);
	ck_assert_int_eq(thread_kill(0), -EINVAL);
	ck_assert_int_lt(pid, thread_spawn("later", sleep_40, NULL));
	thread_wait(pid + 1);
}

START_TEST(waiting_for_an_end)
{
	boot_with_clock();
	unit_thread(waits, NULL);
	unit_teardown();
}
END_TEST

/* ---- who may sleep ------------------------------------------------------------------------ */

static bool could_sleep_in_interrupt;

static void ask_in_interrupt(void *arg)
{
	(void)arg;
	could_sleep_in_interrupt = port_can_sleep();
}

static void who_may_sleep(void *arg)
{
	unsigned long flags;

	(void)arg;
	ck_assert(port_can_sleep());
	preempt_disable();
	ck_assert(!port_can_sleep());
	schedule();		/* does nothing */
	preempt_enable();
	flags = arch_irq_save();
	ck_assert(!port_can_sleep());
	arch_irq_restore(flags);
	could_sleep_in_interrupt = true;
	machine_run_in_interrupt(ask_in_interrupt, NULL);
	ck_assert(!could_sleep_in_interrupt);
	ck_assert(port_can_sleep());
}

START_TEST(C1_who_may_sleep)
{
	boot_with_clock();
	unit_thread(who_may_sleep, NULL);
	unit_teardown();
}
END_TEST

/* ---- the end of many ------------------------------------------------------------------------- */

static void nothing(void *arg) { (void)arg; }

static bool count_task(struct task *t, void *arg)
{
	(void)t;
	++*(int *)arg;
	schedule();
	return true;
}

static void come_and_go(void *arg)
{
	int before = 0, after = 0;

	(void)arg;
	task_for_each(count_task, &before);
	for (int i = 0; i < 200; i++) {
		int pid = thread_spawn("short", nothing, NULL);

		ck_assert_int_gt(pid, 0);
		if (i % 2)
			ck_assert_int_eq(thread_wait(pid), 0);
	}
	for (int i = 0; i < 300; i++)		/* nobody waits for these: they go all the same */
		schedule();
	task_for_each(count_task, &after);
	ck_assert_int_eq(after, before);
}

START_TEST(threads_leave_nothing_behind)
{
	boot_with_clock();
	unit_thread(come_and_go, NULL);
	unit_teardown();
}
END_TEST

static void overflow(void *arg)
{
	(void)arg;
	*(unsigned long *)current_task()->kstack = 0;
	schedule();
	thread_sleep_ms(10);
}

START_TEST(a_kernel_stack_that_overflowed_is_a_panic)
{
	boot_with_clock();
	unit_thread(overflow, NULL);
}
END_TEST

UNIT_SUITE(sched)
{
	Suite *suite = suite_create("sched");
	TCase *panics = tcase_create("panics");

	unit_case(suite, "sched", sleepers_and_wakers, waiting_for_an_end, C1_who_may_sleep,
		  threads_leave_nothing_behind);
	tcase_add_test_raise_signal(panics, a_kernel_stack_that_overflowed_is_a_panic, 6 /* SIGABRT */);
	suite_add_tcase(suite, panics);
	return suite;
}
