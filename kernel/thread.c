/* SPDX-License-Identifier: MIT */
/*
 * thread.c: how threads come and go.
 *
 *	task_alloc	stack and task; nobody knows of it, it is no place's
 *	task_publish	known (all_tasks) and runnable (sched.c)
 *	thread_exit	lets go of its address space, becomes DEAD, leaves its CPU for good
 *	bury		the next thread on that CPU, interrupts off, frees stack and task, and only then tells
 *			those who wait: who returns from thread_wait() finds every frame free
 *
 * A thread that is to end may run on another CPU: thread_kill() marks it and kicks that
 * CPU, and the thread sees the mark on its way out to user mode.
 *
 * Lock: sched_lock for the lists and for everything in struct task that others see.
 */
#include "sched.h"
#include "machine.h"
#include "task.h"

#include <quarry/memalloc.h>
#include <quarry/page.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/spinlock.h>
#include <quarry/zone.h>

#define STACK_CANARY 0x51AC0DE5UL
#define NR_ENDED 512

static struct kmem_cache *task_cache;

/* Waits on its owner's stack for the end of @pid. */
struct waiter {
	struct list_head link;
	int pid;
	int status;
	bool done;
};
static LIST_HEAD(waiters);

/* How the last of them ended, for those who ask afterwards. */
static struct ended { int pid, status; } ended[NR_ENDED];
static unsigned nr_ended;

bool stack_is_sound(const struct task *t)
{
	return !t->kstack || *(const unsigned long *)t->kstack == STACK_CANARY;
}

void check_stack(const struct task *t)
{
	if (!stack_is_sound(t))
		mm_panic("kernel stack of %s[%d] at %p overflowed: its lowest word is 0x%lx, not 0x%lx (K.5)",
			 t->name, t->pid, t->kstack, *(const unsigned long *)t->kstack, STACK_CANARY);
}

/* ---- coming ------------------------------------------------------------------------ */

static void kstack_account(void *stack, long sign)
{
	zone_stat_add(page_zone(virt_to_page(stack)), NR_KERNEL_STACK_PAGES,
		      sign * (long)(KSTACK_SIZE / PAGE_SIZE));
}

/* What a new thread does first: finish the switch that brought it here. */
static void thread_entry(void *arg)
{
	struct task *t = arg;

	finish_switch();
	arch_irq_enable();
	t->fn(t->arg);
	thread_exit(0);
}

struct task *task_alloc(const char *name, void (*fn)(void *), void *arg)
{
	struct task *t = kmem_cache_zalloc(task_cache, GFP_KERNEL);
	void *stack = (void *)__get_free_pages(GFP_KERNEL, get_order(KSTACK_SIZE));

	if (!t || !stack) {
		kmem_cache_free(task_cache, t);
		free_pages((unsigned long)stack, get_order(KSTACK_SIZE));
		return NULL;
	}
	kstack_account(stack, 1);
	*(unsigned long *)stack = STACK_CANARY;
	mm_snprintf(t->name, sizeof(t->name), "%s", name);
	t->kstack = stack;
	t->fn = fn;
	t->arg = arg;
	t->started = true;
	t->state = TASK_SLEEPING;
	t->cpu = smp_processor_id();
	machine_thread_init(t, thread_entry, t);
	return t;
}

/* Give back what task_alloc() took.  Any context, not under the lock. */
void task_free(struct task *t)
{
	check_stack(t);
	machine_thread_free(t);
	kstack_account(t->kstack, -1);
	free_pages((unsigned long)t->kstack, get_order(KSTACK_SIZE));
	kmem_cache_free(task_cache, t);
}

/* Make it known and runnable; from here on it may run, end and be gone.  Return: its pid. */
int task_publish(struct task *t)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	int pid = task_enter(t);

	make_runnable(t);
	spin_unlock_irqrestore(&sched_lock, flags);
	return pid;
}

struct task *thread_create(const char *name, void (*fn)(void *), void *arg)
{
	struct task *t = task_alloc(name, fn, arg);

	if (t)
		task_publish(t);
	return t;
}

int thread_spawn(const char *name, void (*fn)(void *), void *arg)
{
	struct task *t = task_alloc(name, fn, arg);

	return t ? task_publish(t) : -ENOMEM;
}

int thread_spawn_on(unsigned cpu, const char *name, void (*fn)(void *), void *arg)
{
	struct task *t;

	if (!cpu_schedules(cpu))
		return -EINVAL;
	t = task_alloc(name, fn, arg);
	if (!t)
		return -ENOMEM;
	t->cpu = cpu;
	t->pinned = true;
	return task_publish(t);
}

/* Is its end still to be announced?  Under the lock. */
static bool will_end(int pid)
{
	for (unsigned n = 0; n < nr_cpu_ids; n++)
		if (cpus[n].burying == pid)
			return true;
	return task_find_locked(pid) != NULL;
}

/* Tell those who wait for the end of a task. */
static void announce_end(int pid, int status)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct waiter *w;

	mycpu()->burying = 0;
	ended[nr_ended++ % NR_ENDED] = (struct ended){ pid, status };
	list_for_each_entry(w, &waiters, link)
		if (w->pid == pid && !w->done) {
			w->status = status;
			w->done = true;
			wake_channel(w);
		}
	spin_unlock_irqrestore(&sched_lock, flags);
}

/* The thread before this one has left for good: free it, on our stack. */
void bury(struct task *dead)
{
	int pid = dead->pid, status = dead->exit_status;
	unsigned long flags = spin_lock_irqsave(&sched_lock);

	list_del(&dead->all);
	mycpu()->burying = pid;
	spin_unlock_irqrestore(&sched_lock, flags);
	task_free(dead);
	announce_end(pid, status);
}

/* ---- ending and waiting ------------------------------------------------------------ */

/* Let go of the address space; it is freed when nobody looks at it any more. */
static void leave_mm(struct task *t)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct mm_struct *mm = t->mm;

	t->leaving = true;
	while (t->pins)
		sleep_on_locked(&t->pins);
	t->mm = NULL;
	if (mycpu()->mm) {
		mycpu()->mm = NULL;
		machine_load_mm(NULL);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	if (mm)
		mm_free(mm);
	WRITE_ONCE(t->leaving, false);
}

void thread_exit(int status)
{
	struct task *t = current_task();

	if (kmap_local_depth() != 0)
		mm_panic("%s[%d] ends with %d pages still mapped by kmap_local_page()", t->name, t->pid,
			 kmap_local_depth());
	arch_irq_enable();
	leave_mm(t);
	kfree(t->program);
	t->program = NULL;
	spin_lock_irqsave(&sched_lock);
	while (t->pins)
		sleep_on_locked(&t->pins);
	t->exit_status = status;
	t->state = TASK_DEAD;
	switch_away();
	mm_panic("%s[%d] runs after its end", t->name, t->pid);
}

/* How @pid ended, if that is still known.  Under the lock. */
static int ended_status(int pid)
{
	for (unsigned i = 0; i < NR_ENDED && i < nr_ended; i++)
		if (ended[i].pid == pid)
			return ended[i].status;
	return -ENOENT;
}

int thread_wait(int pid)
{
	struct waiter w = { .pid = pid, .status = -EBUSY };
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *me = mycpu()->current;

	list_add_tail(&w.link, &waiters);
	if (pid == me->pid || !will_end(pid)) {
		w.status = ended_status(pid);
		w.done = true;
	}
	while (!w.done && !me->killed)
		sleep_on_locked(&w);
	list_del(&w.link);
	spin_unlock_irqrestore(&sched_lock, flags);
	return w.status;
}

static int kill_marked(int pid, unsigned mm_flags)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t = task_find_locked(pid);
	int err = !t ? -ENOENT : !t->is_user ? -EINVAL : 0;

	if (!err) {
		t->killed = true;
		__atomic_fetch_or(&t->mm_thread.flags, mm_flags, __ATOMIC_RELAXED);
		wake_task(t);
		if (task_is_running(t) && t->cpu != smp_processor_id())
			machine_kick_cpu(t->cpu);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	return err;
}

int thread_kill(int pid)
{
	return kill_marked(pid, 0);
}

int thread_kill_for_memory(int pid)
{
	return kill_marked(pid, PF_OOM_VICTIM);
}

/* ---- stopped tasks ------------------------------------------------------------------------ */

int task_start(int pid)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t = task_find_locked(pid);
	int err = !t ? -ENOENT : t->started ? -EINVAL : 0;

	if (!err) {
		t->started = true;
		wake_task(t);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	return err;
}

void task_pause_until_started(void)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t = mycpu()->current;

	while (!t->started && !t->killed)
		sleep_on_locked(t);
	spin_unlock_irqrestore(&sched_lock, flags);
}

void thread_init(void)
{
	task_cache = kmem_cache_create("task_struct", sizeof(struct task), 0, SLAB_PANIC, NULL);
}
