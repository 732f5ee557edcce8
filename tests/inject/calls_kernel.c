/* SPDX-License-Identifier: MIT */
/*
 * calls_kernel.c: threads and programs of the reference kernel.
 */
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
	};

	if (!program_name(0))
		SKIP("no programs");
	inject_each(calls, ARRAY_SIZE(calls));
}
