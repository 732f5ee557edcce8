/* SPDX-License-Identifier: MIT */
/*
 * switch.c: kernel threads are host threads that take turns.
 *
 * Idea.  A CPU is a baton: only host threads that hold one run, all others
 * wait, each at a semaphore of its own.  machine_switch() hands the baton on:
 *
 *	prev: post(next's semaphore), wait(own)   ...   next: wait(own) returns
 *
 * So exactly one runs at any time for each CPU (smp.c), and debuggers and sanitizers see
 * ordinary threads with ordinary stacks.  (The task's kstack is allocated, as on a PC, but
 * nothing runs on it.)  Each time a thread may come back with another baton: hosted_cpu
 * is set where it wakes, and nobody keeps its value across a switch.
 *
 * The end.  A dead task's host thread waits in machine_switch() like any other.
 * machine_thread_free() wakes it with `quit` set; it jumps back to its first
 * function, returns from there, and is joined.  So the frames that it left behind
 * must own nothing; kernel code has no destructors.
 */
#include "hosted.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kernel/machine.h>
#include <kernel/sched.h>

#define HOST_STACK_SIZE (512UL << 10)

struct host_thread {
	pthread_t thread;
	pid_t tid;
	sem_t turn;		/* posted when the CPU is given to it */
	struct cpu_local *cpu;	/* which one */
	bool quit;
	jmp_buf out;
	void (*fn)(void *);
	void *arg;
};

static struct host_thread idle_threads[NR_CPUS];	/* the CPUs' first: never freed */
static __thread unsigned long stack_low, stack_high;

void thread_stack_bounds(unsigned long *low, unsigned long *high)
{
	*low = stack_low;
	*high = stack_high;
}

static void note_stack(void)
{
	pthread_attr_t attr;
	void *base;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &base, &size)) {
		stack_low = (unsigned long)base;
		stack_high = stack_low + size;
	}
	pthread_attr_destroy(&attr);
}

void thread_adopt_idle(void)
{
	struct host_thread *h = &idle_threads[smp_processor_id()];

	h->tid = gettid();
	hosted_cpu->host = (unsigned long)h->tid;
	sem_init(&h->turn, 0, 0);
	note_stack();
}

/* An idle task has no host thread of its own making: it runs on its CPU's first. */
static struct host_thread *host_of(struct task *t)
{
	return t->machine ? t->machine : &idle_threads[smp_processor_id()];
}

static void wait_turn(struct host_thread *h)
{
	while (sem_wait(&h->turn))
		if (errno != EINTR)
			crash("sem_wait: %s", strerror(errno));
	hosted_cpu = h->cpu;
	if (!h->quit)
		WRITE_ONCE(hosted_cpu->host, (unsigned long)h->tid);
}

static void give_turn(struct host_thread *h)
{
	h->cpu = hosted_cpu;
	sem_post(&h->turn);
}

static void *host_main(void *p)
{
	struct host_thread *h = p;
	void *trap_stack = trap_stack_alloc();

	if (!trap_stack)
		crash("no stack for signal handlers: %s", strerror(errno));
	h->tid = gettid();
	note_stack();
	if (!setjmp(h->out)) {
		wait_turn(h);
		if (!h->quit) {
			h->fn(h->arg);
			thread_exit(0);
		}
	}
	trap_stack_free(trap_stack);
	return NULL;
}

void machine_thread_init(struct task *t, void (*fn)(void *), void *arg)
{
	struct host_thread *h = calloc(1, sizeof(*h));
	pthread_attr_t attr;
	int err;

	if (!h)
		crash("thread %s: the host has no memory", t->name);
	h->fn = fn;
	h->arg = arg;
	sem_init(&h->turn, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, HOST_STACK_SIZE);
	err = pthread_create(&h->thread, &attr, host_main, h);
	pthread_attr_destroy(&attr);
	if (err)
		crash("thread %s: pthread_create: %s", t->name, strerror(err));
	t->machine = h;
}

void machine_thread_free(struct task *t)
{
	struct host_thread *h = t->machine;

	if (!h)
		return;
	h->quit = true;
	give_turn(h);
	pthread_join(h->thread, NULL);
	sem_destroy(&h->turn);
	free(h);
	t->machine = NULL;
}

void machine_switch(struct task *prev, struct task *next)
{
	struct host_thread *from = host_of(prev), *to = host_of(next);

	give_turn(to);
	wait_turn(from);
	if (from->quit)
		longjmp(from->out, 1);
}

void machine_load_mm(struct mm_struct *mm)
{
	mmu_load_root(mm ? __pa(mm->pgd) : swapper_frame);
}
