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
	bool killed;			/* end it on its next way out to user mode, or wake-up */
	int exit_status;
	u64 ticks;			/* timer ticks that found it running */
	void *machine;			/* the machine's: saved stack pointer, or host thread */

	void (*fn)(void *);		/* what it runs */
	void *arg;
	bool is_user;			/* made to run a program: may be killed */
	bool started;			/* task_spawn_stopped() makes it false */
	unsigned pins;			/* task_pin(): its mm must stay (sched lock) */
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

/**
 * thread_create() - a kernel thread, runnable
 * It ends by returning from @fn or by thread_exit().  Return: NULL: no memory; else
 * the task, which may have ended already: only good while @fn is known to run.
 */
struct task *thread_create(const char *name, void (*fn)(void *), void *arg);
/** thread_spawn() - the same; returns its pid, good for thread_wait() whenever it ends; or -ENOMEM. */
int thread_spawn(const char *name, void (*fn)(void *), void *arg);
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
