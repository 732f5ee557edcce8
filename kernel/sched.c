/* SPDX-License-Identifier: MIT */
/*
 * sched.c: who runs.
 *
 * Every thread is in one of four places:
 *
 *	running		cpus[n].current of one CPU
 *	run_queue	first come, first served; a turn lasts SLICE_MS
 *	sleepers[h]	waits for port_wakeup(channel); h is a hash of the channel
 *	timed		waits for a time
 *
 * Each CPU also has an idle task, which is on no list and runs when the run queue
 * is empty: it waits for an interrupt (machine_idle).
 *
 * The switch.  sched_lock is taken by the thread that leaves and released by the
 * thread that comes: between the two nobody can see a task that is on a list
 * while its registers are still being saved.
 *
 *	prev: lock, choose next, machine_switch() --> next: finish_switch(): unlock
 *
 * The end of a thread.  It cannot free the stack it stands on, so the next thread
 * to run does (finish_switch): kernel stack, task, and only then the news to
 * those who wait: who returns from thread_wait() finds every frame free.
 *
 * Invariants:
 *	K.1  a task on run_queue is RUNNABLE and no CPU's current
 *	K.2  a task on sleepers[] or timed is SLEEPING (or on its way there, under the lock)
 *	K.3  a DEAD task is on neither, has no mm, and is freed at the next switch
 *	K.4  pids increase along all_tasks
 *	K.5  the lowest word of a kernel stack is STACK_CANARY
 *
 * Lock: sched_lock, innermost of all: it is taken while locks of mm/ are held
 * (port_sleep_on, port_wakeup), so nothing under it allocates, frees or prints.
 */
#include "sched.h"
#include "machine.h"
#include "task.h"

#include <quarry/page.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/spinlock.h>
#include <quarry/string.h>
#include <quarry/zone.h>

#define SLICE_MS 20
#define STACK_CANARY 0x51AC0DE5UL
#define SLEEP_HASH 64
#define NR_ENDED 64

spinlock_t sched_lock = SPINLOCK_INIT;
LIST_HEAD(all_tasks);
static LIST_HEAD(run_queue);
static LIST_HEAD(timed);
static struct list_head sleepers[SLEEP_HASH];
static int next_pid;
static struct kmem_cache *task_cache;

static struct cpu {
	struct task *current;
	struct task *idle;
	struct task *dead;		/* left for good at the last switch */
	struct mm_struct *mm;		/* what machine_load_mm() was last given */
	bool need_resched;
} cpus[NR_CPUS];

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

static struct task idle_task;

/* ---- small helpers ------------------------------------------------------------ */

/* This CPU's part; interrupts are off. */
static struct cpu *mycpu(void)
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

static struct list_head *channel_queue(const void *channel)
{
	unsigned long h = (unsigned long)channel;

	h ^= h >> 6 ^ h >> 12;
	return &sleepers[h % SLEEP_HASH];
}

static void check_stack(const struct task *t)
{
	if (t->kstack && *(const unsigned long *)t->kstack != STACK_CANARY)
		mm_panic("kernel stack of %s[%d] at %p overflowed: its lowest word is 0x%lx, not 0x%lx (K.5)",
			 t->name, t->pid, t->kstack, *(const unsigned long *)t->kstack, STACK_CANARY);
}

/* Put a task that is on no list onto the run queue.  Under the lock. */
static void make_runnable(struct task *t)
{
	struct cpu *cpu = mycpu();

	t->state = TASK_RUNNABLE;
	t->channel = NULL;
	t->wake_ms = 0;
	list_add_tail(&t->run, &run_queue);
	if (cpu->current == cpu->idle)
		cpu->need_resched = true;
}

/* Take a sleeper off its list, let it run.  Under the lock. */
static void wake_task(struct task *t)
{
	if (t->state != TASK_SLEEPING)
		return;
	list_del(&t->run);
	make_runnable(t);
}

static void wake_channel(const void *channel)
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

/* ---- tasks come and go ---------------------------------------------------------- */

static void kstack_account(void *stack, long sign)
{
	zone_stat_add(page_zone(virt_to_page(stack)), NR_KERNEL_STACK_PAGES,
		      sign * (long)(KSTACK_SIZE / PAGE_SIZE));
}

/* What a new thread does first: finish the switch that brought it here. */
static void finish_switch(void);

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
	int pid = t->pid = next_pid++;

	list_add_tail(&t->all, &all_tasks);
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

/* Tell those who wait for the end of a task. */
static void announce_end(int pid, int status)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct waiter *w;

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
static void bury(struct task *dead)
{
	int pid = dead->pid, status = dead->exit_status;
	unsigned long flags = spin_lock_irqsave(&sched_lock);

	list_del(&dead->all);
	spin_unlock_irqrestore(&sched_lock, flags);
	task_free(dead);
	announce_end(pid, status);
}

/* ---- the switch ------------------------------------------------------------------ */

static void finish_switch(void)
{
	struct cpu *cpu = mycpu();
	struct task *dead = cpu->dead;

	cpu->dead = NULL;
	kmap_local_sched_in(&current_task()->kmap);
	spin_unlock(&sched_lock);
	if (dead)
		bury(dead);
}

/* Who is next: the head of the queue; else who runs now, if it still may; else idle. */
static struct task *pick_next(struct cpu *cpu)
{
	struct task *t = current_task();

	if (!list_empty(&run_queue)) {
		t = list_first_entry(&run_queue, struct task, run);
		list_del(&t->run);
	} else if (t->state != TASK_RUNNABLE) {
		t = cpu->idle;
	}
	return t;
}

/*
 * Give the CPU away.  Called with sched_lock held, interrupts off, and the
 * caller already on the list it waits on, if any.  Returns with the lock released,
 * interrupts still off.
 */
static void switch_away(void)
{
	struct cpu *cpu = mycpu();
	struct task *prev = cpu->current, *next;

	cpu->need_resched = false;
	if (prev->state == TASK_RUNNABLE && prev != cpu->idle && !list_empty(&run_queue))
		list_add_tail(&prev->run, &run_queue);
	next = pick_next(cpu);
	next->slice_end = machine_ms() + SLICE_MS;
	if (next == prev) {
		spin_unlock(&sched_lock);
		return;
	}
	check_stack(prev);
	check_stack(next);
	kmap_local_sched_out(&prev->kmap);
	cpu->current = next;
	cpu->dead = prev->state == TASK_DEAD ? prev : NULL;
	next->switches++;
	if (next->mm != cpu->mm) {
		cpu->mm = next->mm;
		machine_load_mm(next->mm);
	}
	machine_switch(prev, next);
	finish_switch();
}

void schedule(void)
{
	unsigned long flags;

	if (preempt_count() != 0)
		return;
	flags = spin_lock_irqsave(&sched_lock);
	switch_away();
	arch_irq_restore(flags);
}

bool kernel_timer_tick(void)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct cpu *cpu = mycpu();
	struct task *t = current_task();
	bool resched = false;

	if (t) {
		t->ticks++;
		wake_timed();
		if (!list_empty(&run_queue) && (t == cpu->idle || machine_ms() >= t->slice_end))
			cpu->need_resched = true;
		resched = cpu->need_resched;
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	return resched;
}

/* ---- sleeping: stage 3 and 4 of port.h ------------------------------------------- */

bool port_can_sleep(void)
{
	return preempt_count() == 0 && !arch_irqs_disabled() && current_task() != NULL;
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
	struct task *t = current_task();

	if (!t || t == cpu->idle || preempt_count() != 0)
		mm_panic("sleep on %p by %s, preempt_count %d: this context cannot sleep",
			 channel, t ? t->name : "the boot", preempt_count());
	t->state = TASK_SLEEPING;
	t->channel = channel;
	t->wake_ms = wake_ms;
	list_add_tail(&t->run, queue);
	switch_away();
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
	struct task *t = current_task();

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

/* ---- ending and waiting ------------------------------------------------------------ */

/* Let go of the address space; it is freed when nobody looks at it any more. */
static void leave_mm(struct task *t)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct mm_struct *mm = t->mm;

	while (t->pins) {
		sleep_in(channel_queue(&t->pins), &t->pins, 0);
		spin_lock(&sched_lock);
	}
	t->mm = NULL;
	if (mycpu()->mm) {
		mycpu()->mm = NULL;
		machine_load_mm(NULL);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	if (mm)
		mm_free(mm);
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
	while (t->pins) {
		sleep_in(channel_queue(&t->pins), &t->pins, 0);
		spin_lock(&sched_lock);
	}
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
	struct task *me = current_task();

	list_add_tail(&w.link, &waiters);
	if (pid == me->pid || !task_find_locked(pid)) {
		w.status = ended_status(pid);
		w.done = true;
	}
	while (!w.done && !me->killed) {
		sleep_in(channel_queue(&w), &w, 0);
		spin_lock(&sched_lock);
	}
	list_del(&w.link);
	spin_unlock_irqrestore(&sched_lock, flags);
	return w.status;
}

int thread_kill(int pid)
{
	unsigned long flags = spin_lock_irqsave(&sched_lock);
	struct task *t = task_find_locked(pid);
	int err = !t ? -ENOENT : !t->is_user ? -EINVAL : 0;

	if (!err) {
		t->killed = true;
		wake_task(t);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	return err;
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
	struct task *t = current_task();

	while (!t->started && !t->killed) {
		sleep_in(channel_queue(t), t, 0);
		spin_lock(&sched_lock);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
}

/* ---- the first task --------------------------------------------------------------------- */

void sched_init(void)
{
	struct task *t = &idle_task;

	for (unsigned i = 0; i < SLEEP_HASH; i++)
		INIT_LIST_HEAD(&sleepers[i]);
	task_cache = kmem_cache_create("task_struct", sizeof(struct task), 0, SLAB_PANIC, NULL);
	mm_snprintf(t->name, sizeof(t->name), "idle");
	t->state = TASK_RUNNABLE;
	t->started = true;
	t->pid = next_pid++;
	list_add_tail(&t->all, &all_tasks);
	cpus[smp_processor_id()].idle = t;
	cpus[smp_processor_id()].current = t;
}

void sched_idle_loop(void)
{
	arch_irq_enable();
	for (;;) {
		unsigned long flags = spin_lock_irqsave(&sched_lock);
		bool nothing;

		wake_timed();
		nothing = list_empty(&run_queue);
		spin_unlock(&sched_lock);
		if (nothing)
			machine_idle();
		arch_irq_restore(flags);
		schedule();
	}
}
