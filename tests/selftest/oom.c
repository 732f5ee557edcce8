/* SPDX-License-Identifier: MIT */
/*
 * oom.c: memory is at its end: with tasks, the largest of them ends; without, requests
 * fail, as often as anybody likes.
 *
 * All but ROOM of memory is taken away first, so that it is soon at its end on a machine
 * of any size; that is done without a task that could be ended for it.
 */
#include <quarry/highmem.h>
#include <quarry/oom.h>
#include <quarry/pressure.h>
#include <quarry/slab.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "kernel/sched.h"
#include "util.h"

#define MIB_PAGES (1UL << 20 >> PAGE_SHIFT)
#define ROOM (10 * MIB_PAGES)

static struct list_head ballast[NR_PAGE_ORDERS];

/* All that a task could have, but @room pages of it. */
static void take_all_but(unsigned long room)
{
	st_all_online();
	st_settle();
	for (int order = MAX_PAGE_ORDER; order >= 0; order--) {
		INIT_LIST_HEAD(&ballast[order]);
		st_take(&ballast[order], GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN, (unsigned)order, ~0UL);
	}
	for (int order = MAX_PAGE_ORDER; order >= 0; order--)
		for (; room >= 1UL << order && !list_empty(&ballast[order]); room -= 1UL << order)
			st_give_some(&ballast[order], (unsigned)order, 1);
}

static void give_back(void)
{
	for (int order = MAX_PAGE_ORDER; order >= 0; order--)
		st_give(&ballast[order], (unsigned)order);
}

/* ---- tasks ---------------------------------------------------------------------------- */

/* Run @cmdline and wait until it has @pages of memory.  Return: its pid; 0: it was ended before. */
static int run_until(const char *cmdline, unsigned long pages)
{
	int pid = task_run(cmdline);
	struct task *t = pid > 0 ? task_pin(pid) : NULL;
	bool there = false;

	while (t && !t->killed && !t->leaving && !there) {
		there = t->mm->rss >= pages;
		thread_sleep_ms(1);
	}
	if (t)
		task_unpin(t);
	return there ? pid : 0;
}

static bool lives(int pid)
{
	struct task *t = task_find(pid);

	return t && !t->killed;
}

static int end(int pid)
{
	thread_kill(pid);
	return thread_wait(pid);
}

/* 5 and 2 are asleep, and who wants 4 finds only 3. */
SELFTEST(G, oom_the_largest_of_three_ends_and_the_others_live)
{
	unsigned long kills = vm_event(OOM_KILL);
	int large, small, third;
	bool small_lives;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	take_all_but(ROOM);
	small = run_until("memhog 2", 2 * MIB_PAGES);
	large = run_until("memhog 5", 5 * MIB_PAGES);
	third = st_run("grow 4");
	small_lives = lives(small);
	small = end(small);
	large = thread_wait(large);
	give_back();
	CHECK_EQ(third, 0);
	CHECK_EQ(large, TASK_END_KILLED);
	CHECK(small_lives);
	CHECK_EQ(small, TASK_END_KILLED);
	CHECK_EQ(vm_event(OOM_KILL), kills + 1);
}

SELFTEST(G, oom_the_protected_lives_and_the_next_ends)
{
	unsigned long kills = vm_event(OOM_KILL);
	int large, small, third, refused;
	bool large_lives;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	take_all_but(ROOM);
	large = run_until("memhog 4", 4 * MIB_PAGES);
	task_set_oom_score_adj(large, OOM_SCORE_ADJ_MIN);
	refused = task_set_oom_score_adj(large, OOM_SCORE_ADJ_MAX + 1);
	small = run_until("memhog 1", MIB_PAGES);
	third = st_run("memhog");
	large_lives = lives(large);
	large = end(large);
	small = end(small);
	give_back();
	CHECK_EQ(refused, -EINVAL);
	CHECK(large_lives);
	CHECK_EQ(third, TASK_END_KILLED);
	CHECK_EQ(large, TASK_END_KILLED);
	CHECK_EQ(small, TASK_END_KILLED);
	CHECK_EQ(vm_event(OOM_KILL), kills + 1);
}

/* One that cannot go, since somebody looks at it, holds nobody up: its frames are not its own any more. */
SELFTEST(G, oom_a_victim_that_is_kept_is_emptied)
{
	struct task *t;
	int large, third;
	unsigned long left;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	take_all_but(ROOM);
	large = run_until("memhog 6", 6 * MIB_PAGES);
	t = task_pin(large);
	third = st_run("grow 5");
	left = t && t->mm ? t->mm->rss : ~0UL;
	if (t)
		task_unpin(t);
	large = thread_wait(large);
	give_back();
	CHECK_EQ(third, 0);
	CHECK_EQ(left, 0);
	CHECK_EQ(large, TASK_END_KILLED);
}

/* Each wants all there is, on all CPUs: each is the largest once, and the last ends, too. */
SELFTEST(G, oom_many_that_want_everything_all_end)
{
	int pid[6], status[6];
	unsigned i;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	take_all_but(ROOM);
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		pid[i] = task_run("memhog");
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		status[i] = pid[i] > 0 ? thread_wait(pid[i]) : pid[i];
	give_back();
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		if (status[i] != TASK_END_KILLED && status[i] != -ENOMEM)
			selftest_fail(__FILE__, __LINE__, "memhog %u ended with %d", i, status[i]);
}

/* ---- without a task to end ---------------------------------------------------------------- */

/* Of each kind.  Where there are several CPUs each failure asks them all to give back what they keep. */
#define TIMES (cpus_online() > 1 ? 100u : 2000u)

static struct kmem_cache *objects;
static struct mm_struct *full;

static bool page_fails(void) { return !alloc_page(GFP_HIGHUSER); }
static bool block_fails(void) { return !alloc_pages(GFP_KERNEL, 5); }
static bool kmalloc_fails(void) { return !kmalloc(PAGE_SIZE, GFP_KERNEL); }
static bool object_fails(void) { return !kmem_cache_alloc(objects, GFP_KERNEL); }
static bool atomic_fails(void) { return !kmem_cache_alloc(objects, GFP_ATOMIC); }
static bool vmalloc_fails(void) { return !vmalloc(8 * PAGE_SIZE); }
static bool fault_fails(void) { return handle_mm_fault(full, PAGE_SIZE << 10, FAULT_FLAG_WRITE) == VM_FAULT_OOM; }

static bool (*const failing[])(void) = {
	page_fails, block_fails, kmalloc_fails, object_fails, atomic_fails, vmalloc_fails, fault_fails,
};

/* The runner compares frames, objects and areas, and tests every invariant. */
SELFTEST(G, oom_failures_by_the_thousand_leave_nothing_behind)
{
	unsigned long kills = vm_event(OOM_KILL), failed[ARRAY_SIZE(failing)] = { 0 };
	LIST_HEAD(taken);
	unsigned i, k, times = TIMES;

	objects = kmem_cache_create("oom-test", 512, 0, 0, NULL);
	full = mm_alloc();
	CHECK(objects && full);
	CHECK_EQ(mm_map(full, PAGE_SIZE << 10, PAGE_SIZE, VM_READ | VM_WRITE, "test", NULL, NULL), 0);
	take_all_but(0);
	st_take(&taken, GFP_HIGH_ALL, 0, ~0UL);
	for (i = 0; i < ARRAY_SIZE(failing); i++)
		for (k = 0; k < times; k++)
			failed[i] += failing[i]();
	st_give(&taken, 0);
	give_back();
	mm_free(full);
	kmem_cache_destroy(objects);
	for (i = 0; i < ARRAY_SIZE(failing); i++)
		CHECK_EQ(failed[i], times);
	CHECK_EQ(vm_event(OOM_KILL), kills);
}
