/* SPDX-License-Identifier: MIT */
/*
 * sched.h: kernel threads and tasks, round robin.
 *
 * A thread is a kernel stack and a place in it; a task is a thread with an
 * address space, and with the machine's leave to run in user mode (ring 3).
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <quarry/highmem.h>
#include <quarry/list.h>
#include <quarry/port.h>
#include <quarry/vm.h>

enum task_state { TASK_RUNNABLE, TASK_SLEEPING, TASK_DEAD };

/* How a task ended, when not by exit(0 ... 127): the numbers that shells use. */
enum task_end {
	TASK_END_NO_EXEC = 126,		/* this machine cannot run programs (no ring 3) */
	TASK_END_TRAP = 132,		/* an exception: division by zero, privileged instruction ... */
	TASK_END_BUS = 135,		/* its program image could not be read */
	TASK_END_KILLED = 137,		/* thread_kill(), or no memory for its page */
	TASK_END_FAULT = 139,		/* a wild access */
};

struct program;

struct task {
	int pid;
	char name[32];
	enum task_state state;
	struct list_head run;		/* run queue, or the sleepers of a channel */
	struct list_head all;		/* every task, by pid */
	const void *channel;		/* what it sleeps on */
	u64 wake_ms;			/* or until when; 0: no limit */
	void *kstack;			/* KSTACK_SIZE bytes of low memory; NULL: the boot stack */
	struct mm_struct *mm;		/* NULL for a kernel thread */
	struct kmap_ctrl kmap;
	struct mm_thread mm_thread;	/* the memory manager's, port.h */
	bool killed;			/* end it on its next way out to user mode, or wake-up */
	bool leaving;			/* its address space goes: from thread_exit() until that is freed */
	int oom_score_adj;		/* whom memory's end takes: see task_set_oom_score_adj() */
	int exit_status;
	u64 ticks;			/* timer ticks that found it running */
	void *machine;			/* the machine's: saved stack pointer, or host thread */

	void (*fn)(void *);		/* what it runs */
	void *arg;
	bool is_user;			/* made to run a program: may be killed */
	bool started;			/* task_spawn_stopped() makes it false */
	unsigned pins;			/* task_pin(): its mm must stay (sched lock) */
	unsigned cpu;			/* where it runs, or ran last */
	bool pinned;			/* and nowhere else */
	u64 slice_end;			/* machine_ms() when its turn is over */
	unsigned long switches;		/* times it was given a CPU */
	struct program *program;	/* what it was loaded from */
};

/** current_task() - the running one.  NULL before sched_init(). */
struct task *current_task(void);
/** sched_init() - make the boot thread the first task, which runs when nobody else wants to. */
void sched_init(void);
/** sched_idle_loop() - what the boot thread does from then on. */
void sched_idle_loop(void) __attribute__((noreturn));
/** sched_check() - test the numbered invariants of sched.c.  Return: the number broken, or 0. */
int sched_check(void);
/** task_is_running() - has it a CPU just now?  Then it is t->cpu. */
bool task_is_running(const struct task *t);

/**
 * thread_create() - a kernel thread, runnable
 * It ends by returning from @fn or by thread_exit().  Return: NULL: no memory; else
 * the task, which may have ended already: only good while @fn is known to run.
 */
struct task *thread_create(const char *name, void (*fn)(void *), void *arg);
/** thread_spawn() - the same; returns its pid, good for thread_wait() whenever it ends; or -ENOMEM. */
int thread_spawn(const char *name, void (*fn)(void *), void *arg);
/** thread_spawn_on() - the same, on this CPU and no other.  -EINVAL: it is not online. */
int thread_spawn_on(unsigned cpu, const char *name, void (*fn)(void *), void *arg);
void thread_exit(int status) __attribute__((noreturn));
/** schedule() - let somebody else run.  Does nothing in interrupts or with preemption off. */
void schedule(void);
/** thread_sleep_ms() - at least so long; less when the task is killed meanwhile. */
void thread_sleep_ms(unsigned ms);

/**
 * thread_wait() - wait for @pid to end
 * When it returns, every frame of the task is free again, the kernel stack too.
 * Return: its exit status; -ENOENT when there is no such task, nor was among the
 * last 64 that ended.
 */
int thread_wait(int pid);
/** thread_kill() - end a task, soon: see thread_wait().  Return: 0, -ENOENT, -EINVAL (a kernel thread). */
int thread_kill(int pid);
/** thread_kill_for_memory() - the same, and until then it may take from the reserves (PF_OOM_VICTIM). */
int thread_kill_for_memory(int pid);

/**
 * task_set_oom_score_adj() - let the task count for more or less, when one must end for want of memory
 * @adj: in thousandths of all memory, OOM_SCORE_ADJ_MIN (never this one) ... OOM_SCORE_ADJ_MAX
 * Return: 0; -ENOENT; -EINVAL: a kernel thread, or out of range.
 */
int task_set_oom_score_adj(int pid, int adj);

/* ---- CPUs (kernel/cpus.c) ------------------------------------------------------ */

/** cpu_is_up() - has it been started?  It takes interrupts from then on; online it runs threads, too. */
bool cpu_is_up(unsigned cpu);
bool cpu_schedules(unsigned cpu);
/** cpus_online() - how many are. */
unsigned cpus_online(void);
/**
 * cpu_offline() - no thread runs on @cpu any more
 * What runs there goes elsewhere, and what the CPU kept of pages and objects goes back.
 * Context: thread; waits until that is done.  Return: 0; -ENOENT: there is no such CPU, or it
 * is offline; -EINVAL: the one that booted; -EBUSY: a thread is pinned to it.  Undo: cpu_online().
 */
int cpu_offline(unsigned cpu);
/** cpu_online() - and now it is back.  Return: 0, -ENOENT, -EINVAL: it is online. */
int cpu_online(unsigned cpu);
/**
 * run_on_each_cpu() - call @fn(@arg) on every CPU that is online, at once
 * A thread for each, pinned to it; they begin when all are there, and it returns when all
 * have ended.  Context: thread.  Return: 0; -ENOMEM or -EINVAL: none was called.
 */
int run_on_each_cpu(void (*fn)(void *arg), void *arg);

/* Called at each tick of each CPU that is online, in its interrupt; NULL: nothing.  For tests. */
extern void (*kernel_tick_hook)(void);

/**
 * task_for_each() - call @fn for each task, by pid; stops when it returns false
 * No lock is held meanwhile: @fn may print or sleep; the task stays (it is pinned).
 */
void task_for_each(bool (*fn)(struct task *t, void *arg), void *arg);
/** task_find() - by pid; NULL: none.  It may end at any moment: see task_pin(). */
struct task *task_find(int pid);
/** task_pin_name() - the newest task of that name that has an address space; pinned.  Undo: task_unpin(). */
struct task *task_pin_name(const char *name);
/** task_pin() - find by pid; keep it and its address space from going.  NULL: none.  Undo: task_unpin(). */
struct task *task_pin(int pid);
void task_unpin(struct task *t);

/* ---- programs (kernel/task.c) ------------------------------------------------ */

/**
 * task_run() - load a program (module or linked in) into a new task and start it
 * @cmdline: "name arg1 arg2": parts separated by blanks, at most 16 of them and 255 bytes in all
 * Return: its pid, or -ENOENT, -ENOEXEC (and a line on the log that says why), -ENOMEM, -EINVAL.
 */
int task_run(const char *cmdline);
/** task_spawn_stopped() - the same, but asleep until task_start() or thread_kill(): to be looked at. */
int task_spawn_stopped(const char *cmdline);
/** task_start() - let a stopped one go.  Return: 0, -ENOENT, -EINVAL (not stopped). */
int task_start(int pid);
/** program_name() - of the @i-th program there is (modules first); NULL beyond the last. */
const char *program_name(unsigned i);

#endif
