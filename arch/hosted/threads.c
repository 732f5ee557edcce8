/* SPDX-License-Identifier: MIT */
/*
 * threads.c: every host thread that calls is a CPU.
 *
 * Idea.  A program that links us makes threads of its own.  Each must be a CPU while it
 * calls, for a CPU's own magazines and frames need no lock.  So a thread that is not ours
 * gets the lowest struct cpu_local that nobody holds, at its first call or by
 * hosted_attach_cpu(), and hands it back when it ends, or by hosted_detach_cpu().
 *
 * The first call.  hosted_cpu of a thread that nobody knows points to `stranger`, a page
 * that cannot be accessed.  Whatever it calls first reads a field there, and traps; the
 * handler finds a CPU for it, sets hosted_cpu, puts the new address in the place of the old
 * into the registers, and the instruction runs again.  Who is known pays nothing for that.
 *
 *	thread ends -> destructor of a pthread key -> drain -> slot free -> lowest free goes next
 *
 * What the CPU kept for itself goes back when the thread ends: memory does not wait in a
 * slot for an owner that may never come.
 *
 * Interrupts.  Such a thread may be anywhere, in a system call, in the program's own code, so
 * what another CPU asks of it (port_call_others) cannot wait until it calls again.  It is sent
 * SIGURG, which by default is ignored, and the signal's handler is the interrupt; but not while
 * interrupts are off on that CPU: then arch_irq_restore() finds it, as everywhere.  What runs
 * there is code of mm/, which needs no host library.  System calls go on afterwards
 * (SA_RESTART); sleep() and poll() end early.  Who becomes a CPU has SIGURG let through,
 * whatever its mask said; a thread that blocks it later makes all wait who drain, and is named
 * (smp.c).  So is CPU 0 told: it is whose thread calls mm_init(), the program's own in a library.
 *
 * It has no task: it cannot sleep in the kernel's sense, and calls that would return NULL; its
 * struct mm_thread is a thread-local variable.
 * It does not hold preemption off, interrupts off or a kmap_local mapping when it ends.
 *
 * Invariants:
 *	H.1  cpu_local.host is 0 if and only if nobody holds that CPU; it is taken by one exchange
 *	H.2  while a call to the others runs (smp.c), no CPU becomes or ceases to be attached
 *	H.3  a CPU that is not held keeps nothing: no object, no frame
 *
 * CPUs of the kernel itself (smp.c) hold their slots from their start on: threads should
 * come after machine_start_cpus().
 */
#include "hosted.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kernel/machine.h>
#include <quarry/inject.h>
#include <quarry/slab.h>
#include <quarry/zone.h>

#ifdef __LP64__
#define REGISTERS REG_RIP	/* the general ones come before it */
#else
#define REGISTERS REG_EIP
#endif

static union {
	struct cpu_local cpu;
	char page[PAGE_SIZE];
} stranger __attribute__((aligned(PAGE_SIZE)));

struct cpu_local cpu_locals[NR_CPUS];
__thread struct cpu_local *hosted_cpu = &stranger.cpu;
static pthread_key_t at_end;
static __thread struct mm_thread own;

static bool is_stranger(void)
{
	return hosted_cpu == &stranger.cpu;
}

bool thread_is_attached(unsigned cpu)
{
	return __atomic_load_n(&cpu_locals[cpu].attached, __ATOMIC_ACQUIRE);
}

struct mm_thread *machine_mm_thread(void)
{
	return &own;
}

static void set_attached(bool attached)
{
	calls_hold();
	__atomic_store_n(&hosted_cpu->attached, attached, __ATOMIC_RELEASE);
	calls_release();
}

/* ---- coming -------------------------------------------------------------------------- */

/* The lowest that is free; NULL: none is. */
static struct cpu_local *take_slot(void)
{
	unsigned long nobody;

	for (unsigned i = 0; i < nr_cpu_ids; i++) {
		nobody = 0;
		if (__atomic_compare_exchange_n(&cpu_locals[i].host, &nobody, (unsigned long)gettid(), false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			cpu_locals[i].cpu = i;
			return &cpu_locals[i];
		}
	}
	return NULL;
}

/* It must hear of interrupts and of page faults; threads are often started with every signal blocked. */
static void unblock_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigaddset(&set, SIGSEGV);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

bool hosted_attach_cpu(void)
{
	struct cpu_local *c;

	if (!is_stranger())
		return true;
	c = take_slot();
	if (!c)
		return false;
	unblock_signals();
	c->pt_root = swapper_frame;
	c->preempt_count = 0;
	__atomic_store_n(&c->pending, 0, __ATOMIC_RELAXED);
	c->irqs_on = 1;
	hosted_cpu = c;
	pthread_setspecific(at_end, c);
	set_attached(true);
	return true;
}

/* A stranger's first call.  There is nobody to report to that has a CPU: so this one lends itself. */
static void attach_at_trap(void)
{
	static struct cpu_local last_word;

	if (hosted_attach_cpu())
		return;
	hosted_cpu = &last_word;
	crash("thread %d calls, and each of the %u CPUs is held by another: hosted_attach_cpu() would have told",
	      (int)gettid(), nr_cpu_ids);
}

bool threads_trap(ucontext_t *context, unsigned long addr)
{
	unsigned long page = (unsigned long)&stranger;
	greg_t *regs = context->uc_mcontext.gregs;
	bool moved = false;

	if (is_stranger()) {
		attach_at_trap();
		sigdelset(&context->uc_sigmask, SIGURG);	/* the handler's end restores this one */
	}
	if (addr - page >= PAGE_SIZE)
		return false;
	for (int i = 0; i < REGISTERS; i++)
		if ((unsigned long)regs[i] - page < PAGE_SIZE) {
			regs[i] += (unsigned long)hosted_cpu - page;
			moved = true;
		}
	return moved;
}

/* ---- going ---------------------------------------------------------------------------- */

/* With interrupts off a drain of pages asks nobody else. */
static void drain_own(void)
{
	unsigned long flags = arch_irq_save();

	slab_drain_local();
	drain_all_pages(NULL);
	arch_irq_restore(flags);
}

void hosted_detach_cpu(void)
{
	struct cpu_local *c = hosted_cpu;

	if (is_stranger() || !c->attached || c->cpu == 0)
		return;
	if (own.fail_nth)
		fail_nth_set(0);
	if (c->preempt_count || !c->irqs_on)
		crash("thread %d ends with interrupts %s, preempt_count %d", (int)gettid(), c->irqs_on ? "on" : "off",
		      c->preempt_count);
	drain_own();
	set_attached(false);
	pthread_setspecific(at_end, NULL);
	hosted_cpu = &stranger.cpu;
	__atomic_store_n(&c->host, 0, __ATOMIC_RELEASE);
}

static void end_of_thread(void *cpu)
{
	(void)cpu;
	hosted_detach_cpu();
}

/* ---- interrupts -------------------------------------------------------------------------- */

void thread_interrupt(const struct cpu_local *c)
{
	tgkill(getpid(), (pid_t)__atomic_load_n(&c->host, __ATOMIC_RELAXED), SIGURG);
}

/*
 * One that comes late finds a stranger, or nothing asked.  A thread that has just handed its CPU
 * on (switch.c) is not its host any more, or finds interrupts off.
 */
static void on_interrupt(int sig)
{
	int saved_errno = errno;

	(void)sig;
	if (!is_stranger() && !arch_irqs_disabled() && cpu_local_read(host) == (unsigned long)gettid())
		hosted_answer_call();
	errno = saved_errno;
}

/* ---- start ---------------------------------------------------------------------------------- */

void threads_init(void)
{
	struct sigaction act = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART | SA_ONSTACK };
	int err = pthread_key_create(&at_end, end_of_thread);

	hosted_cpu = &cpu_locals[0];
	hosted_cpu->attached = 1;
	if (err || sigaction(SIGURG, &act, NULL) || mprotect(&stranger, sizeof(stranger), PROT_NONE))
		crash("threads: %s", strerror(err ? err : errno));
}
