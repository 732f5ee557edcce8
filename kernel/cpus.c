/* SPDX-License-Identifier: MIT */
/*
 * cpus.c: the CPUs as a set: who is there, going and coming back, all at once.
 *
 *	ABSENT -> ONLINE <-> LEAVING -> OFFLINE
 *	            ^---------------------'
 *
 * Going.  cpu_offline() sets LEAVING and kicks the CPU: from now on may_run() refuses it all
 * threads but those whose kmap_local mappings are at its addresses; these end first.  Then
 * its idle task, alone there, gives back the pages and objects that only this CPU could
 * reach, with interrupts off, so that none comes and takes new ones.  An offline CPU still
 * answers interrupts of others; its idle task waits for the day it is wanted again.
 *
 * The CPU that booted stays: it has the console's interrupts.
 */
#include "sched.h"
#include "machine.h"
#include "task.h"

#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/spinlock.h>
#include <quarry/zone.h>

bool cpu_is_up(unsigned cpu)
{
	return cpu < nr_cpu_ids && __atomic_load_n(&cpus[cpu].phase, __ATOMIC_ACQUIRE) != CPU_ABSENT;
}

bool cpu_schedules(unsigned cpu)
{
	return cpu < nr_cpu_ids && __atomic_load_n(&cpus[cpu].phase, __ATOMIC_ACQUIRE) == CPU_ONLINE;
}

unsigned cpus_online(void)
{
	unsigned n = 0;

	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		n += cpu_schedules(cpu);
	return n;
}

/* ---- going --------------------------------------------------------------------------- */

/* Under sched_lock. */
static bool has_pinned(unsigned n)
{
	struct task *t;

	list_for_each_entry(t, &all_tasks, all)
		if (t->pinned && t->cpu == n && t != cpus[n].idle)
			return true;
	return false;
}

/* Does nothing hold it any more?  Under sched_lock. */
static bool may_leave(unsigned n)
{
	struct task *t;

	list_for_each_entry(t, &all_tasks, all)
		if (t->kmap.idx && t->cpu == n)
			return false;
	return true;
}

void cpu_leave(unsigned n)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	bool leave = may_leave(n);

	spin_unlock(&sched_lock);
	if (leave) {
		slab_drain_local();
		drain_local_pages();
		spin_lock(&sched_lock);
		cpus[n].phase = CPU_OFFLINE;
		wake_channel(&cpus[n]);
		spin_unlock(&sched_lock);
	}
	arch_irq_restore(flags);
}

int cpu_offline(unsigned cpu)
{
	unsigned long flags;
	int err;

	if (!cpu_is_up(cpu))
		return -ENOENT;
	if (cpu == 0)
		return -EINVAL;
	flags = spin_lock_irqsave(&sched_lock);
	err = cpus[cpu].phase != CPU_ONLINE ? -ENOENT : has_pinned(cpu) ? -EBUSY : 0;
	if (!err) {
		cpus[cpu].phase = CPU_LEAVING;
		cpu_resched(cpu);
		while (cpus[cpu].phase == CPU_LEAVING)
			sleep_on_locked(&cpus[cpu]);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	return err;
}

int cpu_online(unsigned cpu)
{
	unsigned long flags;
	int err;

	if (!cpu_is_up(cpu))
		return -ENOENT;
	flags = spin_lock_irqsave(&sched_lock);
	err = cpus[cpu].phase == CPU_OFFLINE ? 0 : -EINVAL;
	if (!err) {
		cpus[cpu].phase = CPU_ONLINE;
		cpu_resched(cpu);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	return err;
}

/* ---- all at once ------------------------------------------------------------------------- */

enum start { WAIT, GO, FORGET };

struct team {
	void (*fn)(void *arg);
	void *arg;
	unsigned ready;
	enum start start;
};

static void member(void *arg)
{
	struct team *team = arg;

	__atomic_add_fetch(&team->ready, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&team->start, __ATOMIC_ACQUIRE) == WAIT)
		schedule();
	if (team->start == GO)
		team->fn(team->arg);
}

int run_on_each_cpu(void (*fn)(void *arg), void *arg)
{
	struct team team = { .fn = fn, .arg = arg };
	unsigned n = 0;
	int pid[NR_CPUS], err = 0;

	for (unsigned cpu = 0; cpu < nr_cpu_ids && err >= 0; cpu++) {
		if (!cpu_schedules(cpu))
			continue;
		err = thread_spawn_on(cpu, "team", member, &team);
		if (err >= 0)
			pid[n++] = err;
	}
	while (__atomic_load_n(&team.ready, __ATOMIC_ACQUIRE) < n)
		thread_sleep_ms(1);
	__atomic_store_n(&team.start, err < 0 ? FORGET : GO, __ATOMIC_RELEASE);
	while (n)
		thread_wait(pid[--n]);
	return min(err, 0);
}
