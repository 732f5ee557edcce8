/* SPDX-License-Identifier: MIT */
/*
 * calls_kernel.c: threads and programs of the reference kernel; shrinkers.
 */
#include <quarry/numa.h>
#include <quarry/shrinker.h>

#include "kernel/sched.h"

#include "inject.h"

static int pid;

static void nothing(void *arg) { (void)arg; }

static bool start_thread(void)
{
	pid = thread_spawn("injected", nothing, NULL);
	return pid > 0;
}

static void wait_for_it(void) { thread_wait(pid); }

static bool start_on_each_cpu(void) { return !run_on_each_cpu(nothing, NULL); }

static bool load_program(void)
{
	pid = task_spawn_stopped("hello");
	return pid > 0;
}

static void end_program(void)
{
	thread_kill(pid);
	thread_wait(pid);
}

/* A word of the program's text, that no task has touched yet. */
static bool read_text(void)
{
	unsigned long word = 0, left = 0;
	struct task *t;

	if (!load_program())
		return false;
	t = task_pin(pid);
	if (t && t->mm)
		left = copy_from_mm(t->mm, &word, list_first_entry(&t->mm->areas, struct vm_area_struct, link)->vm_start,
				    sizeof(word));
	task_unpin(t);
	if (left)
		end_program();
	return !left;
}

static struct shrinker *shrinker;
static struct shrinker mine;

static unsigned long count_none(struct shrinker *s, struct shrink_control *sc)
{
	(void)s, (void)sc;
	return SHRINK_EMPTY;
}

static unsigned long scan_none(struct shrinker *s, struct shrink_control *sc)
{
	(void)s, (void)sc;
	return SHRINK_STOP;
}

static bool make_shrinker(void)
{
	shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "injected-%d", 1);
	if (!shrinker)
		return false;
	shrinker->count_objects = count_none;
	shrinker->scan_objects = scan_none;
	shrinker_register(shrinker);
	return true;
}

static void end_shrinker(void) { shrinker_free(shrinker); }

static bool register_mine(void)
{
	mine = (struct shrinker){ .count_objects = count_none, .scan_objects = scan_none, .flags = SHRINKER_NUMA_AWARE };
	return !register_shrinker(&mine, "injected-%d", 2);
}

static void unregister_mine(void) { unregister_shrinker(&mine); }

SELFTEST(inject, shrinkers)
{
	const struct inject_call calls[] = {
		{ "shrinker_alloc", make_shrinker, end_shrinker, 1 },
		{ "register_shrinker", register_mine, unregister_mine, num_online_nodes() > 1 },
	};

	inject_each(calls, ARRAY_SIZE(calls));
}

SELFTEST(inject, threads)
{
	static const struct inject_call calls[] = {
		{ "thread_spawn", start_thread, wait_for_it, 2 },
		{ "run_on_each_cpu", start_on_each_cpu, wait_for_it, 2 },
	};

	inject_each(calls, ARRAY_SIZE(calls));
}

SELFTEST(inject, programs)
{
	static const struct inject_call calls[] = {
		{ "task_spawn_stopped", load_program, end_program, 5 },
		{ "copy_from_mm, a program's text", read_text, end_program, 6 },
	};

	if (!program_name(0))
		SKIP("no programs");
	inject_each(calls, ARRAY_SIZE(calls));
}
