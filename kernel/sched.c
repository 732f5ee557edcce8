/* SPDX-License-Identifier: MIT */
/*
 * sched.c: who runs, and where.
 *
 * Every thread is in one of four places:
 *
 *	running		cpus[n].current of one CPU
 *	run_queue	first come, first served; a turn lasts SLICE_MS
 *	sleepers[h]	waits for port_wakeup(channel); h is a hash of the channel
 *	timed		waits for a time
 *
 * Each CPU also has an idle task, which is on no list and runs when nothing on the run
 * queue may run there: it waits for an interrupt (machine_idle).
 *
 * One run queue for all CPUs.  A CPU takes the first thread that may run on it: not one
 * that is pinned to another, nor one whose kmap_local mappings are at another's addresses
 * (may_run).  Whoever makes a thread runnable looks for an idle CPU for it, the one it last
 * ran on if that is one, and kicks it; if all are busy, the next whose turn is over takes
 * it.  A CPU that was kicked has need_resched set, so that the next thread goes to another,
 * and that it does not fall asleep.
 *
 * The switch.  sched_lock is taken by the thread that leaves and released by the
 * thread that comes: between the two nobody, on no CPU, can see a task that is on a list
 * while its registers are still being saved.
 *
 *	prev: lock, choose next, machine_switch() --> next: finish_switch(): unlock
 *
 * A thread may come back on another CPU than it left.  So what belongs to a CPU is looked
 * up anew after each switch (mycpu), and only with interrupts off.
 *
 * The end of a thread.  It cannot free the stack it stands on, so the next thread on its
 * CPU does (finish_switch, thread.c).
 *
 * Invariants (sched_check):
 *	K.1  a task on run_queue is RUNNABLE and no CPU's current
 *	K.2  a task on sleepers[] or timed is SLEEPING, on the queue of its channel
 *	K.3  a DEAD task is on neither, has no mm, and is freed at the next switch
 *	K.4  pids increase along all_tasks
 *	K.5  the lowest word of a kernel stack is STACK_CANARY
 *	K.6  who runs on CPU n has cpu == n and may run there; the idle task of n only there
 *	K.7  a CPU that is offline runs its idle task
 *	K.8  the mm that a CPU has loaded is its current's
 *
 * Lock: sched_lock, innermost of all: it is taken while locks of mm/ are held
 * (port_sleep_on, port_wakeup), so nothing under it allocates, frees or prints.
 */
#include "sched.h"
#include "machine.h"
#include "task.h"

#include <quarry/inject.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/spinlock.h>
#include <quarry/zone.h>

#define SLICE_MS 20
#define SLEEP_HASH 64

spinlock_t sched_lock = SPINLOCK_INIT;
LIST_HEAD(all_tasks);
struct cpu cpus[NR_CPUS];
void (*kernel_tick_hook)(void);

static LIST_HEAD(run_queue);
static LIST_HEAD(timed);
static struct list_head sleepers[SLEEP_HASH];
static int next_pid;
static struct task idle_tasks[NR_CPUS];

/* ---- small helpers ------------------------------------------------------------ */

struct cpu *mycpu(void)
{
	return &cpus[smp_processor_id()];
}

struct task *current_task(void)
{
	unsigned long flags = arch_irq_save();
	struct task *t = mycpu()->current;

	arch_irq_restore(flags);
	return t;
}

bool task_is_running(const struct task *t)
{
	return READ_ONCE(cpus[t->cpu].current) == t;
}

static struct list_head *channel_queue(const void *channel)
{
	unsigned long h = (unsigned long)channel;

	h ^= h >> 6 ^ h >> 12;
	return &sleepers[h % SLEEP_HASH];
}

/* ---- which CPU ------------------------------------------------------------------- */

/* May @t run on CPU @n?  Under the lock, here and below. */
static bool may_run(const struct task *t, unsigned n)
{
	if (t->pinned || t->kmap.idx)
		return t->cpu == n;
	return cpus[n].phase == CPU_ONLINE && (!t->mm || n < machine_user_cpus());
}

static bool is_free_for(const struct task *t, unsigned n)
{
	const struct cpu *cpu = &cpus[n];

	return cpu->current && cpu->current == cpu->idle && !cpu->need_resched && may_run(t, n);
}

/* An idle CPU for @t: where its memory may still be in the cache; ours; any.  nr_cpu_ids: none. */
static unsigned idle_cpu_for(const struct task *t)
{
	unsigned n = t->cpu;

	if (!is_free_for(t, n))
		n = smp_processor_id();
	if (!is_free_for(t, n))
		for (n = 0; n < nr_cpu_ids && !is_free_for(t, n);)
			n++;
	return n;
}

void cpu_resched(unsigned n)
{
	WRITE_ONCE(cpus[n].need_resched, true);
	if (n != smp_processor_id())
		machine_kick_cpu(n);
}

/* The first on the queue that may run on CPU @n; NULL: none. */
static struct task *first_for(unsigned n)
{
	struct task *t;

	list_for_each_entry(t, &run_queue, run)
		if (may_run(t, n))
			return t;
	return NULL;
}

/* At the end of the queue, and to an idle CPU if there is one. */
static void enqueue(struct task *t)
{
	unsigned n;

	list_add_tail(&t->run, &run_queue);
	n = idle_cpu_for(t);
	if (n < nr_cpu_ids)
		cpu_resched(n);
}

void make_runnable(struct task *t)
{
	t->state = TASK_RUNNABLE;
	t->channel = NULL;
	t->wake_ms = 0;
	enqueue(t);
}

void wake_task(struct task *t)
{
	if (t->state != TASK_SLEEPING)
		return;
	list_del(&t->run);
	make_runnable(t);
}

void wake_channel(const void *channel)
{
	struct task *t, *n;

	list_for_each_entry_safe(t, n, channel_queue(channel), run)
		if (t->channel == channel)
			wake_task(t);
}

static void wake_timed(void)
{
	struct task *t, *n;
	u64 now = machine_ms();

	list_for_each_entry_safe(t, n, &timed, run)
		if (t->wake_ms <= now)
			wake_task(t);
}

int task_enter(struct task *t)
{
	t->pid = next_pid++;
	list_add_tail(&t->all, &all_tasks);
	return t->pid;
}

/* ---- the switch ------------------------------------------------------------------ */

void finish_switch(void)
{
	struct cpu *cpu = mycpu();
	struct task *dead = cpu->dead;

	cpu->dead = NULL;
	kmap_local_sched_in(&cpu->current->kmap);
	spin_unlock(&sched_lock);
	if (dead)
		bury(dead);
}

/* Who is next: the first that may; else who runs now, if it still may; else idle. */
static struct task *pick_next(struct cpu *cpu, unsigned n)
{
	struct task *t = first_for(n), *now = cpu->current;

	if (t)
		list_del(&t->run);
	else
		t = now->state == TASK_RUNNABLE && may_run(now, n) ? now : cpu->idle;
	return t;
}

/* From @prev to @next on this CPU, all but the stack. */
static void change_current(struct cpu *cpu, struct task *prev, struct task *next)
{
	check_stack(prev);
	check_stack(next);
	kmap_local_sched_out(&prev->kmap);
	fail_nth_switch(&prev->mm_thread, &next->mm_thread);
	cpu->current = next;
	cpu->dead = prev->state == TASK_DEAD ? prev : NULL;
	next->cpu = smp_processor_id();
	next->switches++;
	if (next->mm != cpu->mm) {
		cpu->mm = next->mm;
		machine_load_mm(next->mm);
	}
}

void switch_away(void)
{
	unsigned n = smp_processor_id();
	struct cpu *cpu = &cpus[n];
	struct task *prev = cpu->current, *next;

	WRITE_ONCE(cpu->need_resched, false);
	next = pick_next(cpu, n);
	next->slice_end = machine_ms() + SLICE_MS;
	if (next == prev) {
		spin_unlock(&sched_lock);
		return;
	}
	if (prev->state == TASK_RUNNABLE && prev != cpu->idle)
		enqueue(prev);
	change_current(cpu, prev, next);
	machine_switch(prev, next);
	finish_switch();
}

void schedule(void)
{
	unsigned long flags;

	if (preempt_count() != 0)
		return;
	cpu_relax();	/* who yields in a loop may wait for another CPU: see smp_tick() */
	flags = spin_lock_irqsave(&sched_lock);
	switch_away();
	arch_irq_restore(flags);
}

bool kernel_need_resched(void)
{
	return READ_ONCE(mycpu()->need_resched);
}

/* Without the lock: a glance. */
static bool has_some(const struct list_head *queue)
{
	return READ_ONCE(queue->next) != queue;
}

/* What a tick finds to do in the queues. */
static void look_at_queues(unsigned n, bool turn_is_over)
{
	spin_lock(&sched_lock);
	if (n == 0)
		wake_timed();
	if (turn_is_over && first_for(n))
		WRITE_ONCE(cpus[n].need_resched, true);
	spin_unlock(&sched_lock);
}

/* The first CPU wakes who waits for a time; others ask for the lock only when somebody may be waiting for them. */
bool kernel_timer_tick(void)
{
	unsigned long flags = arch_irq_save();
	unsigned n = smp_processor_id();
	struct cpu *cpu = &cpus[n];
	struct task *t = cpu->current;
	void (*hook)(void) = READ_ONCE(kernel_tick_hook);
	bool over;

	if (t) {
		t->ticks++;
		over = (t == cpu->idle || machine_ms() >= t->slice_end) && has_some(&run_queue);
		if (over || (n == 0 && has_some(&timed)))
			look_at_queues(n, over);
		if (hook && cpu->phase == CPU_ONLINE)
			hook();
	}
	arch_irq_restore(flags);
	return READ_ONCE(cpu->need_resched);
}

/* ---- sleeping: stage 3 and 4 of port.h ------------------------------------------- */

struct mm_thread *port_mm_thread(void)
{
	struct task *t;

	if (in_interrupt())
		return NULL;
	t = current_task();
	return t ? &t->mm_thread : machine_mm_thread();
}

bool port_can_sleep(void)
{
	struct task *t = preempt_count() == 0 && !arch_irqs_disabled() ? current_task() : NULL;

	return t && t != &idle_tasks[t->cpu];
}

void port_yield(void)
{
	if (port_can_sleep())
		schedule();
}

/* Under sched_lock: put the caller on @queue and give the CPU away. */
static void sleep_in(struct list_head *queue, const void *channel, u64 wake_ms)
{
	struct cpu *cpu = mycpu();
	struct task *t = cpu->current;

	if (!t || t == cpu->idle || preempt_count() != 0)
		mm_panic("sleep on %p by %s, preempt_count %d: this context cannot sleep",
			 channel, t ? t->name : "the boot", preempt_count());
	t->state = TASK_SLEEPING;
	t->channel = channel;
	t->wake_ms = wake_ms;
	list_add_tail(&t->run, queue);
	switch_away();
}

void sleep_on_locked(const void *channel)
{
	sleep_in(channel_queue(channel), channel, 0);
	spin_lock(&sched_lock);
}

unsigned long port_sleep_on(const void *channel, struct spinlock *lock, unsigned long flags)
{
	spin_lock(&sched_lock);
	spin_unlock(lock);
	sleep_in(channel_queue(channel), channel, 0);
	arch_irq_restore(flags);
	return spin_lock_irqsave(lock);
}

void port_wakeup(const void *channel)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);

	if (next_pid)
		wake_channel(channel);
	spin_unlock_irqrestore(&sched_lock, flags);
}

void thread_sleep_ms(unsigned ms)
{
	u64 until = machine_ms() + ms;
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t = mycpu()->current;

	while (machine_ms() < until && !t->killed) {
		sleep_in(&timed, &timed, until);
		spin_lock(&sched_lock);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
}

struct mm_struct *port_current_mm(void)
{
	unsigned long flags = arch_irq_save();
	struct mm_struct *mm = mycpu()->mm;

	arch_irq_restore(flags);
	return mm;
}

/* ---- the idle tasks ---------------------------------------------------------------------- */

/* What runs here is this CPU's idle task from now on. */
static void become_idle(void)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	unsigned n = smp_processor_id();
	struct task *t = &idle_tasks[n];

	mm_snprintf(t->name, sizeof(t->name), n ? "idle/%u" : "idle", n);
	t->state = TASK_RUNNABLE;
	t->started = true;
	t->pinned = true;
	t->cpu = n;
	task_enter(t);
	cpus[n].idle = t;
	cpus[n].current = t;
	WRITE_ONCE(cpus[n].phase, CPU_ONLINE);
	spin_unlock_irqrestore(&sched_lock, flags);
}

void sched_init(void)
{
	for (unsigned i = 0; i < SLEEP_HASH; i++)
		INIT_LIST_HEAD(&sleepers[i]);
	thread_init();
	become_idle();
}

void kernel_cpu_main(void)
{
	become_idle();
	sched_idle_loop();
}

/* Whoever has work for this CPU sets need_resched, and interrupts it: with them off, nothing is missed. */
void sched_idle_loop(void)
{
	struct cpu *cpu = mycpu();

	for (;;) {
		arch_irq_disable();
		if (!READ_ONCE(cpu->need_resched))
			machine_idle();
		arch_irq_enable();
		if (READ_ONCE(cpu->phase) == CPU_LEAVING)
			cpu_leave((unsigned)(cpu - cpus));
		if (READ_ONCE(cpu->need_resched))
			schedule();
	}
}

/* ---- checks ------------------------------------------------------------------------------- */

static int check_queues(void)
{
	struct task *t;

	list_for_each_entry(t, &run_queue, run)
		if (t->state != TASK_RUNNABLE || task_is_running(t))
			return 1;
	list_for_each_entry(t, &timed, run)
		if (t->state != TASK_SLEEPING || t->channel != &timed)
			return 2;
	for (unsigned h = 0; h < SLEEP_HASH; h++)
		list_for_each_entry(t, &sleepers[h], run)
			if (t->state != TASK_SLEEPING || channel_queue(t->channel) != &sleepers[h])
				return 2;
	return 0;
}

static int check_tasks(void)
{
	struct task *t;
	int last = -1;

	list_for_each_entry(t, &all_tasks, all) {
		if (t->state == TASK_DEAD && t->mm)
			return 3;
		if (t->pid <= last)
			return 4;
		if (!stack_is_sound(t))
			return 5;
		last = t->pid;
	}
	return 0;
}

static int check_cpu(unsigned n)
{
	const struct cpu *cpu = &cpus[n];
	const struct task *t = cpu->current;

	if (cpu->phase == CPU_ABSENT)
		return 0;
	if (!t || t->cpu != n || cpu->idle->cpu != n || (t->pinned && !may_run(t, n)))
		return 6;
	if (cpu->phase == CPU_OFFLINE && t != cpu->idle)
		return 7;
	return cpu->mm == t->mm ? 0 : 8;
}

int sched_check(void)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	int broken = check_queues();

	if (!broken)
		broken = check_tasks();
	for (unsigned n = 0; n < nr_cpu_ids && !broken; n++)
		broken = check_cpu(n);
	spin_unlock_irqrestore(&sched_lock, flags);
	return broken;
}
