/* SPDX-License-Identifier: MIT */
/*
 * sched.h: kernel threads and tasks, round robin.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <quarry/highmem.h>
#include <quarry/list.h>
#include <quarry/vm.h>

enum task_state { TASK_RUNNABLE, TASK_SLEEPING, TASK_DEAD };

struct task {
	int pid;
	char name[32];
	enum task_state state;
	struct list_head run;		/* run queue, or the sleepers of a channel */
	struct list_head all;		/* every task, by pid */
	const void *channel;		/* what it sleeps on */
	u64 wake_ms;			/* or until when; 0: no limit */
	void *kstack;			/* KSTACK_SIZE bytes of low memory */
	struct mm_struct *mm;		/* NULL for a kernel thread */
	struct kmap_ctrl kmap;
	bool killed;			/* end it on its next way out to user mode, or wake-up */
	int exit_status;
	u64 ticks;
	void *machine;			/* the machine's: saved stack pointer, or host thread */
};

/** current_task() - the running one. */
struct task *current_task(void);
/** sched_init() - make the boot thread the first task. */
void sched_init(void);
/** thread_create() - a kernel thread, runnable.  NULL: no memory.  It ends by returning from @fn or by thread_exit(). */
struct task *thread_create(const char *name, void (*fn)(void *), void *arg);
void thread_exit(int status) __attribute__((noreturn));
/** schedule() - let somebody else run. */
void schedule(void);
void thread_sleep_ms(unsigned ms);
/** thread_wait() - wait for @pid to end.  Return: its status, or -ENOENT. */
int thread_wait(int pid);
/** thread_kill() - end a task.  Return: 0, -ENOENT, -EINVAL (a kernel thread). */
int thread_kill(int pid);
void task_for_each(bool (*fn)(struct task *t, void *arg), void *arg);
struct task *task_find(int pid);

/** task_run() - load program @name (module or linked in) into a new task.  Return: its pid, or -ENOENT, -ENOEXEC, -ENOMEM. */
int task_run(const char *name);

#endif
