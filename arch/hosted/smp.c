/* SPDX-License-Identifier: MIT */
/*
 * smp.c: a machine of N CPUs in one process (--cpus N).
 *
 * A CPU is a baton, its struct cpu_local, that host threads hand on (switch.c).  With
 * N batons up to N of them run at once, on as many processors as the host has to spare.
 * Each CPU beyond the first gets a host thread of its own to begin with, on which its
 * idle task lives.
 *
 * An interrupt for a CPU is a bit in its `pending`.  Whoever holds the CPU finds it when
 * interrupts are switched on again, or in cpu_relax(); two are told besides:
 *
 *	it idles		its bell, an eventfd that machine_idle() waits at, is rung
 *	it is in user mode	its host thread is sent SIGUSR1 (timer.c)
 *
 * Both look at `pending` once more after they said where they are, so no bit is missed.
 *
 * The MMU.  A process has one address space, so the CPUs share one TLB (mmu.c).  For the
 * kernel's windows that is a TLB which forgets more than it must.  User addresses mean
 * something else in each task, so only one CPU can have a task's tables loaded: the first
 * (machine_user_cpus).  Kernel threads run on all.
 *
 * Locks.  call_busy: one port_call_others() at a time; who waits for it serves others'.
 */
#include "hosted.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <kernel/sched.h>

#define CPU_STACK_SIZE (512UL << 10)

static int bell[NR_CPUS];
static unsigned nr_cpus = 1;	/* there may be room for more: nr_cpu_ids */

void cpus_init(unsigned n)
{
	nr_cpus = n;
	for (unsigned i = 0; i < n; i++) {
		cpu_locals[i].cpu = i;
		bell[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (bell[i] < 0)
			crash("CPU %u: eventfd: %s", i, strerror(errno));
	}
}

unsigned machine_nr_cpus(void)
{
	return nr_cpus;
}

unsigned machine_user_cpus(void)
{
	return 1;
}

/* ---- interrupts from CPU to CPU ---------------------------------------------------------- */

void cpu_interrupt(unsigned cpu, unsigned bit)
{
	struct cpu_local *c = &cpu_locals[cpu];

	__atomic_fetch_or(&c->pending, bit, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&c->idle, __ATOMIC_SEQ_CST))
		eventfd_write(bell[cpu], 1);
	if (__atomic_load_n(&c->in_user, __ATOMIC_SEQ_CST))
		tgkill(getpid(), (pid_t)READ_ONCE(c->host), SIGUSR1);
	else if (thread_is_attached(cpu))
		thread_interrupt(c);
}

void cpu_wait(int ms)
{
	struct cpu_local *c = hosted_cpu;
	eventfd_t rung;

	__atomic_store_n(&c->idle, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&c->pending, __ATOMIC_SEQ_CST))
		console_wait(c->cpu == 0, bell[c->cpu], ms);
	__atomic_store_n(&c->idle, 0, __ATOMIC_SEQ_CST);
	eventfd_read(bell[c->cpu], &rung);
}

void machine_kick_cpu(unsigned cpu)
{
	cpu_interrupt(cpu, IRQ_KICK);
}

static bool call_busy;
static struct {
	void (*fn)(void *arg);
	void *arg;
	unsigned left;		/* CPUs that have not yet called it */
} call;

void cpu_serve_call(void)
{
	call.fn(call.arg);
	__atomic_sub_fetch(&call.left, 1, __ATOMIC_RELEASE);
}

void calls_hold(void)
{
	while (__atomic_exchange_n(&call_busy, true, __ATOMIC_ACQUIRE))
		cpu_relax();
}

void calls_release(void)
{
	__atomic_store_n(&call_busy, false, __ATOMIC_RELEASE);
}

static bool is_other(unsigned cpu)
{
	return cpu != smp_processor_id() && (cpu_is_up(cpu) || thread_is_attached(cpu));
}

#define PATIENCE_MS 3000

static void name_the_silent(void)
{
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (is_other(cpu) && (__atomic_load_n(&cpu_locals[cpu].pending, __ATOMIC_RELAXED) & IRQ_CALL))
			mm_log("CPU %u has not answered for %u ms: thread %lu blocks SIGURG, or has interrupts off\n", cpu,
			       PATIENCE_MS, READ_ONCE(cpu_locals[cpu].host));
}

/* For as long as it takes: what they were asked to do must have been done. */
static void wait_for_answers(void)
{
	u64 until = machine_ms() + PATIENCE_MS;

	while (__atomic_load_n(&call.left, __ATOMIC_ACQUIRE)) {
		cpu_relax();
		if (until && machine_ms() > until) {
			name_the_silent();
			until = 0;
		}
	}
}

void port_call_others(void (*fn)(void *arg), void *arg)
{
	unsigned others = 0;

	preempt_disable();
	calls_hold();
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		others += is_other(cpu);
	call.fn = fn;
	call.arg = arg;
	__atomic_store_n(&call.left, others, __ATOMIC_RELEASE);
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (is_other(cpu))
			cpu_interrupt(cpu, IRQ_CALL);
	wait_for_answers();
	calls_release();
	preempt_enable();
}

void machine_print_cpus(struct seq *s)
{
	seq_puts(s, "CPU  state         ticks      kicks      calls\n");
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		const struct cpu_local *c = &cpu_locals[cpu];

		seq_printf(s, "%3u  %-8s %10lu %10lu %10lu\n", cpu, cpu_is_up(cpu) ? "online" : "absent", c->ticks,
			   c->kicks, c->calls);
	}
}

/* ---- start and end -------------------------------------------------------------------------- */

static void *cpu_main(void *cpu)
{
	if (!trap_stack_alloc())
		crash("no stack for signal handlers: %s", strerror(errno));
	hosted_cpu = cpu;
	mmu_load_root(swapper_frame);
	thread_adopt_idle();
	kernel_cpu_main();
}

void machine_start_cpus(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CPU_STACK_SIZE);
	for (unsigned i = 1; i < nr_cpus; i++) {
		err = pthread_create(&thread, &attr, cpu_main, &cpu_locals[i]);
		if (err)
			crash("CPU %u: pthread_create: %s", i, strerror(err));
		while (!cpu_is_up(i))
			cpu_relax();
	}
	pthread_attr_destroy(&attr);
}

static void stand_still(int sig)
{
	(void)sig;
	for (;;)
		pause();
}

void machine_stop_others(void)
{
	struct sigaction act = { .sa_handler = stand_still, .sa_flags = SA_ONSTACK };
	pid_t me = gettid();

	sigaction(SIGUSR2, &act, NULL);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		pid_t host = (pid_t)READ_ONCE(cpu_locals[cpu].host);

		if (host && host != me)
			tgkill(getpid(), host, SIGUSR2);
	}
}
