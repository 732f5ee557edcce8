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
 *
 * Handlers run with interrupts off and in_interrupt() true.  On the way out of the
 * last one a switch to another thread follows when the tick asked for it.
 */
#include "hosted.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include <kernel/machine.h>

#define RAISED_MAX 16

struct cpu_local cpu_locals[NR_CPUS];
__thread struct cpu_local *hosted_cpu = &cpu_locals[0];

bool (*hosted_tick_handler)(void);
void (*hosted_reschedule)(void);

/* What machine_run_in_interrupt() left to be done; touched with interrupts off. */
static struct { void (*fn)(void *); void *arg; } raised[RAISED_MAX];
static unsigned raised_count;

static void run_raised(void)
{
	/* one that raises another appends it */
	for (unsigned i = 0; i < raised_count; i++)
		raised[i].fn(raised[i].arg);
	raised_count = 0;
}

static unsigned take_pending(void)
{
	return __atomic_exchange_n(&hosted_cpu->pending, 0, __ATOMIC_RELAXED);
}

void hosted_deliver_interrupts(void)
{
	bool resched = false;
	unsigned what;

	while (cpu_local_read(irqs_on) && cpu_local_read(pending)) {
		cpu_local_write(irqs_on, 0);
		cpu_local_add(preempt_count, IRQ_ONE);
		what = take_pending();
		if (what & IRQ_RAISED)
			run_raised();
		if (what & IRQ_TIMER) {
			console_poll(0);
			resched |= hosted_tick_handler && hosted_tick_handler();
		}
		cpu_local_add(preempt_count, -IRQ_ONE);
		cpu_local_write(irqs_on, 1);
	}
	if (resched && preempt_count() == 0 && hosted_reschedule)
		hosted_reschedule();
}

static void raise_irq(unsigned bit)
{
	__atomic_fetch_or(&cpu_locals[0].pending, bit, __ATOMIC_RELAXED);
}

void machine_run_in_interrupt(void (*fn)(void *), void *arg)
{
	unsigned long flags = arch_irq_save();

	if (raised_count == RAISED_MAX)
		crash("machine_run_in_interrupt: %d interrupts wait already", RAISED_MAX);
	raised[raised_count].fn = fn;
	raised[raised_count++].arg = arg;
	raise_irq(IRQ_RAISED);
	arch_irq_restore(flags);
}

/*
 * Any host thread may get the signal.  A program never switches interrupts on, so if
 * one runs, its thread is sent the signal and takes the interrupt here.
 */
static void on_alarm(int sig)
{
	struct cpu_local *cpu = &cpu_locals[0];
	int saved_errno = errno;
	bool user;

	raise_irq(IRQ_TIMER);
	if (!READ_ONCE(cpu->in_user))
		return;
	if (!pthread_equal(pthread_self(), (pthread_t)READ_ONCE(cpu->host))) {
		pthread_kill((pthread_t)READ_ONCE(cpu->host), sig);
		return;
	}
	user = user_stop();
	hosted_deliver_interrupts();
	user_go_on(user);
	errno = saved_errno;
}

void timer_start(void)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_ONSTACK | SA_NODEFER };
	struct itimerval every = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

void machine_idle(void)
{
	arch_irq_disable();
	if (!cpu_local_read(pending))
		console_poll(TICK_MS);
	arch_irq_enable();
}
