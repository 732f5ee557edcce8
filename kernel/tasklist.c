/* SPDX-License-Identifier: MIT */
/*
 * tasklist.c: finding tasks, and looking at one that may end at any moment.
 *
 * A pin keeps a task and its address space from going away; it does not keep it
 * from running, nor from being killed: the task then waits, just before its end,
 * until the last pin is gone (sched.c, leave_mm and thread_exit).
 */
#include "sched.h"
#include "task.h"

#include <quarry/oom.h>
#include <quarry/port.h>
#include <quarry/string.h>

struct task *task_find_locked(int pid)
{
	struct task *t;

	list_for_each_entry(t, &all_tasks, all)
		if (t->pid == pid)
			return t;
	return NULL;
}

struct task *task_find(int pid)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t = task_find_locked(pid);

	spin_unlock_irqrestore(&sched_lock, flags);
	return t;
}

/* The task with the lowest pid from @pid on, pinned. */
static struct task *pin_from(int pid)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t, *found = NULL;

	list_for_each_entry(t, &all_tasks, all)
		if (t->pid >= pid && t->state != TASK_DEAD) {
			found = t;
			t->pins++;
			break;
		}
	spin_unlock_irqrestore(&sched_lock, flags);
	return found;
}

void task_unpin(struct task *t)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);

	const void *channel = --t->pins == 0 ? &t->pins : NULL;

	spin_unlock_irqrestore(&sched_lock, flags);
	if (channel)
		port_wakeup(channel);	/* by now only a number: the task may be gone */
}

struct task *task_pin(int pid)
{
	struct task *t = pin_from(pid);

	if (t && t->pid != pid) {
		task_unpin(t);
		t = NULL;
	}
	return t;
}

struct task *task_pin_name(const char *name)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t, *found = NULL;

	list_for_each_entry(t, &all_tasks, all)
		if (t->mm && t->state != TASK_DEAD && !strcmp(t->name, name))
			found = t;
	if (found)
		found->pins++;
	spin_unlock_irqrestore(&sched_lock, flags);
	return found;
}

int task_set_oom_score_adj(int pid, int adj)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t = task_find_locked(pid);
	int err = !t ? -ENOENT : 0;

	if (t && (!t->is_user || adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX))
		err = -EINVAL;
	if (!err)
		t->oom_score_adj = adj;
	spin_unlock_irqrestore(&sched_lock, flags);
	return err;
}

void task_for_each(bool (*fn)(struct task *t, void *arg), void *arg)
{
	struct task *t;
	bool more = true;

	for (int pid = 0; more && (t = pin_from(pid)) != NULL;) {
		pid = t->pid + 1;
		more = fn(t, arg);
		task_unpin(t);
	}
}
