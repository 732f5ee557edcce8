/* SPDX-License-Identifier: MIT */
/*
 * timer.c: interrupts of a process, and the clock that ticks.
 *
 * A signal handler can stop a thread anywhere, in the middle of the host's own
 * library too, so kernel code never runs in one.  What arrives only sets a bit in
 * cpu_local.pending; its handler runs where interrupts are switched on again
 * (arch_irq_restore looks at `pending`) or where the CPU idles.  That is, a kernel
 * that holds interrupts off too long is late here as on a PC; one that never
 * switches them off and on is not interrupted.
 *
 *	SIGALRM every 10 ms  ---sets--->  pending  ---arch_irq_restore--->  handlers
 *	machine_run_in_interrupt() --^
 *	another CPU (smp.c) ---------^
 *
 * Handlers run with interrupts off and in_interrupt() true.  On the way out of the
 * last one a switch to another thread follows when the tick asked for it.  There is one
 * clock, and each tick of it is an interrupt on every CPU.
 */
#include "hosted.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <kernel/machine.h>
#include <kernel/sched.h>

#define RAISED_MAX 16
#define SPINS 32	/* and the host is told that this thread waits */

bool (*hosted_tick_handler)(void);
bool (*hosted_kick_handler)(void);
void (*hosted_reschedule)(void);

/* What machine_run_in_interrupt() left to be done on a CPU; touched by it, with interrupts off. */
static struct raised {
	struct { void (*fn)(void *); void *arg; } call[RAISED_MAX];
	unsigned count;
} raised[NR_CPUS];

static void run_raised(void)
{
	struct raised *r = &raised[smp_processor_id()];

	/* one that raises another appends it */
	for (unsigned i = 0; i < r->count; i++)
		r->call[i].fn(r->call[i].arg);
	r->count = 0;
}

static unsigned take_pending(void)
{
	return __atomic_exchange_n(&hosted_cpu->pending, 0, __ATOMIC_ACQUIRE);
}

static void count_interrupts(unsigned what)
{
	cpu_local_add(ticks, (what & IRQ_TIMER) != 0);
	cpu_local_add(kicks, (what & IRQ_KICK) != 0);
	cpu_local_add(calls, (what & IRQ_CALL) != 0);
}

/* Return: should another thread run now? */
static bool run_handlers(unsigned what)
{
	bool resched = false;

	count_interrupts(what);
	if (what & IRQ_CALL)
		cpu_serve_call();
	if (what & IRQ_RAISED)
		run_raised();
	if (what & IRQ_TIMER) {
		if (smp_processor_id() == 0)
			console_poll();
		resched = hosted_tick_handler && hosted_tick_handler();
	}
	if (what & IRQ_KICK)
		resched |= hosted_kick_handler && hosted_kick_handler();
	return resched;
}

void hosted_deliver_interrupts(void)
{
	bool resched = false;
	unsigned what;

	while (cpu_local_read(irqs_on) && cpu_local_read(pending)) {
		cpu_local_write(irqs_on, 0);
		cpu_local_add(preempt_count, IRQ_ONE);
		what = take_pending();
		resched |= run_handlers(what);
		cpu_local_add(preempt_count, -IRQ_ONE);
		cpu_local_write(irqs_on, 1);
	}
	if (resched && preempt_count() == 0 && hosted_reschedule)
		hosted_reschedule();
}

/* Of what is pending only that: it may be asked in the middle of the host's library. */
void hosted_answer_call(void)
{
	cpu_local_write(irqs_on, 0);
	cpu_local_add(preempt_count, IRQ_ONE);
	if (__atomic_fetch_and(&hosted_cpu->pending, ~IRQ_CALL, __ATOMIC_ACQUIRE) & IRQ_CALL)
		cpu_serve_call();
	cpu_local_add(preempt_count, -IRQ_ONE);
	cpu_local_write(irqs_on, 1);
}

void hosted_relax(void)
{
	static __thread unsigned spins;

	__builtin_ia32_pause();
	if (cpu_local_read(pending))
		hosted_deliver_interrupts();
	if (++spins % SPINS == 0)
		sched_yield();
}

void machine_run_in_interrupt(void (*fn)(void *), void *arg)
{
	unsigned long flags = arch_irq_save();
	struct raised *r = &raised[smp_processor_id()];

	if (r->count == RAISED_MAX)
		crash("machine_run_in_interrupt: %d interrupts wait already", RAISED_MAX);
	r->call[r->count].fn = fn;
	r->call[r->count++].arg = arg;
	__atomic_fetch_or(&hosted_cpu->pending, IRQ_RAISED, __ATOMIC_RELAXED);
	arch_irq_restore(flags);
}

/* A program never switches interrupts on: if one runs, its thread takes them here. */
static void on_poke(int sig)
{
	struct cpu_local *cpu = hosted_cpu;
	int saved_errno = errno;
	bool user;

	(void)sig;
	if (!READ_ONCE(cpu->in_user) || READ_ONCE(cpu->host) != (unsigned long)gettid())
		return;		/* this thread has no CPU, or it is in the kernel: see arch_irq_restore() */
	user = user_stop();
	hosted_deliver_interrupts();
	user_go_on(user);
	errno = saved_errno;
}

/* Any host thread may get the signal. */
static void on_alarm(int sig)
{
	int saved_errno = errno;

	(void)sig;
	for (unsigned cpu = 0; cpu < nr_cpu_ids && cpu_is_up(cpu); cpu++)
		cpu_interrupt(cpu, IRQ_TIMER);
	errno = saved_errno;
}

void timer_start(void)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_ONSTACK | SA_NODEFER };
	struct sigaction poke = { .sa_handler = on_poke, .sa_flags = SA_RESTART | SA_ONSTACK | SA_NODEFER };
	struct itimerval every = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };

	sigaction(SIGUSR1, &poke, NULL);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

void machine_idle(void)
{
	arch_irq_disable();
	cpu_wait(TICK_MS);
	arch_irq_enable();
}
