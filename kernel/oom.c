/* SPDX-License-Identifier: MIT */
/*
 * oom.c: tasks, as the one sees them who must end one for want of memory (mm/pressure/oom.c).
 *
 * A task is dying from thread_kill() or the beginning of thread_exit() on.  With its address
 * space it leaves for mm_free() alone; until that is done it is dying without one, and then
 * not to be told from a kernel thread: all that it had has come back but its stack.
 */
#include "sched.h"

struct visit {
	bool (*fn)(const struct oom_task *task, void *arg);
	void *arg;
};

/* Pinned: so t->mm, once read, stays. */
static bool visit_task(struct task *t, void *arg)
{
	struct visit *v = arg;
	struct mm_struct *mm = READ_ONCE(t->mm);
	struct oom_task o = {
		.pid = t->pid, .name = t->name, .mm = mm, .score_adj = t->oom_score_adj,
		.dying = READ_ONCE(t->leaving) || (mm && READ_ONCE(t->killed)), .current = t == current_task(),
	};

	return v->fn(&o, v->arg);
}

void port_oom_tasks(bool (*visit)(const struct oom_task *task, void *arg), void *arg)
{
	struct visit v = { visit, arg };

	task_for_each(visit_task, &v);
}

bool port_oom_kill(int pid)
{
	return thread_kill_for_memory(pid) == 0;
}
