/* SPDX-License-Identifier: MIT */
/*
 * stress.c: everything at random, from threads and interrupts of all CPUs at once.
 *
 * Workers are threads: one pinned to each CPU and as many that may move, four at least.
 * Each owns places.  One step picks a place: if it is empty something is taken into it
 * (pages of any order, an object, a vmalloc area, a kmap, an address space with pages in
 * it, a cache of objects), marked at its first and last word; if it is full, the marks are
 * verified and it is given back.  So an overlap of any two owners, or a mapping that leads
 * to the wrong frame, shows as a wrong mark.  Other steps trade a place with another
 * worker, who gives back what was taken on this CPU; or use a page of an address space
 * that all share.
 *
 * Now and then a step raises an interrupt whose handler takes and gives with GFP_ATOMIC,
 * and so does every tick of every CPU; now and then it creates a thread and waits for it.
 * Where there is user mode, programs fault pages in all the while, and half of them are
 * killed on the way.
 *
 * Running out of memory is no failure here; it is counted.  At the end everything
 * is given back, and free pages must be as many as before.
 */
#include "stress.h"
#include "command.h"
#include "machine.h"
#include "pagecache.h"
#include "sched.h"

#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/string.h>
#include <quarry/vmalloc.h>

#include "tests/selftest/util.h"

#define STEPS_A_ROUND 100
#define MIN_WORKERS 4u
#define PROGRAM "lifetime 2 quiet"

static struct stress_worker *workers, *interrupts;	/* threads; one for each CPU */
static unsigned nr_workers;
static int runner;			/* the thread that runs programs */
static unsigned long programs, programs_killed;
static unsigned long rounds_wanted;	/* 0: until `stop` */
static bool stop, interrupted;

static void worker_main(void *arg)
{
	struct stress_worker *w = arg;
	unsigned long end = rounds_wanted * STEPS_A_ROUND;

	while (!READ_ONCE(stop) && (!end || w->steps < end))
		stress_step(w);
	stress_give_all(w);
}

static void on_tick(void)
{
	stress_in_interrupt(interrupts);
}

/* One program after the other; every second is killed. */
static void run_programs(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !READ_ONCE(stop); i++) {
		int pid = task_run(PROGRAM), status;

		if (pid < 0) {
			thread_sleep_ms(1);	/* no memory */
			continue;
		}
		programs++;
		if (i % 2) {
			thread_sleep_ms(i % 32);
			programs_killed += thread_kill(pid) == 0;
		}
		status = thread_wait(pid);
		if (status != 0 && status != TASK_END_KILLED) {
			__atomic_add_fetch(&stress_wrong, 1, __ATOMIC_RELAXED);
			mm_log("stress: %s[%d] ended with status %d\n", PROGRAM, pid, status);
		}
	}
}

/* ---- the command ----------------------------------------------------------------------- */

/* "10": seconds; "200r": rounds. */
static bool duration(char *text, unsigned long *seconds)
{
	size_t n = strlen(text);
	bool rounds = n > 1 && text[n - 1] == 'r';
	unsigned long v;

	if (rounds)
		text[n - 1] = '\0';
	if (!parse_number(rounds ? "rounds" : "seconds", text, &v))
		return false;
	if (v == 0 || v > 1000000) {
		cmd_error("stress: %lu is out of range: 1 ... 1000000", v);
		return false;
	}
	*seconds = rounds ? 0 : v;
	rounds_wanted = rounds ? v : 0;
	return true;
}

/* Return: false: no memory for it. */
static bool prepare(void)
{
	nr_workers = max(MIN_WORKERS, 2 * cpus_online());
	workers = vzalloc(nr_workers * sizeof(*workers));
	interrupts = vzalloc(nr_cpu_ids * sizeof(*interrupts));
	if (workers && interrupts)
		return true;
	vfree(workers);
	vfree(interrupts);
	return false;
}

static int start_worker(struct stress_worker *w, unsigned cpu)
{
	return cpu_schedules(cpu) ? thread_spawn_on(cpu, "stress", worker_main, w)
				  : thread_spawn("stress", worker_main, w);
}

static void start(void)
{
	stop = interrupted = false;
	stress_wrong = programs = programs_killed = 0;
	if (!stress_common_start())
		mm_panic("stress: no memory for an address space");
	for (unsigned i = 0; i < nr_cpu_ids; i++) {
		interrupts[i].random = 0x2545f491 + i;
		interrupts[i].irq = true;
	}
	kernel_tick_hook = on_tick;
	for (unsigned i = 0; i < nr_workers; i++) {
		struct stress_worker *w = &workers[i];

		w->random = 0x9e3779b9 * (i + 1);
		w->index = i;
		w->of = nr_workers;
		w->interrupts = interrupts;
		w->pid = start_worker(w, i);
		if (w->pid < 0)
			mm_log("stress: no memory for thread %u\n", i);
	}
	runner = machine_has_feature("ring3") ? thread_spawn("stress-run", run_programs, NULL) : -ENOENT;
}

static unsigned long all_steps(void)
{
	unsigned long sum = 0;

	for (unsigned i = 0; i < nr_workers; i++)
		sum += READ_ONCE(workers[i].steps);
	return sum;
}

static bool running(void)
{
	for (unsigned i = 0; i < nr_workers; i++)
		if (workers[i].pid > 0 && task_find(workers[i].pid))
			return true;
	return false;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* All threads end; no interrupt is at work any more; then what they left. */
static void finish(void)
{
	WRITE_ONCE(stop, true);
	for (unsigned i = 0; i < nr_workers; i++)
		if (workers[i].pid > 0)
			thread_wait(workers[i].pid);
	if (runner > 0)
		thread_wait(runner);
	WRITE_ONCE(kernel_tick_hook, NULL);
	port_call_others(nothing, NULL);
	for (unsigned i = 0; i < nr_cpu_ids; i++)
		stress_give_all(&interrupts[i]);
	stress_common_end(workers);
}

/* Until time, rounds, or the person's patience are over.  Return: milliseconds that it took. */
static unsigned long watch(unsigned long seconds)
{
	u64 begin = machine_ms();

	while (running()) {
		unsigned long ms = (unsigned long)(machine_ms() - begin);

		if (rounds_wanted)
			console_progress("stress", all_steps(), rounds_wanted * STEPS_A_ROUND * nr_workers);
		else
			console_progress("stress", ms, seconds * 1000);
		interrupted = interrupted || console_interrupted();
		if ((seconds && ms >= seconds * 1000) || interrupted)
			WRITE_ONCE(stop, true);
		thread_sleep_ms(20);
	}
	finish();
	console_progress_end();
	return (unsigned long)(machine_ms() - begin);
}

static void add_up(struct stress_worker *sum, const struct stress_worker *w)
{
	for (unsigned k = 0; k < NR_WHAT; k++)
		sum->did[k] += w->did[k];
	sum->threads += w->threads;
	sum->traded += w->traded;
	sum->faults += w->faults;
	sum->no_memory += w->no_memory;
}

static void summary(unsigned long ms)
{
	static struct stress_worker sum;
	unsigned long in_interrupts = 0;

	memset(&sum, 0, sizeof(sum));
	for (unsigned i = 0; i < nr_workers; i++)
		add_up(&sum, &workers[i]);
	for (unsigned i = 0; i < nr_cpu_ids; i++) {
		add_up(&sum, &interrupts[i]);
		in_interrupts += interrupts[i].steps;
	}
	kprintf("stress: %lu steps in %u threads on %u CPU%s and %lu in interrupts, %lu.%03lu s\n", all_steps(),
		nr_workers, cpus_online(), cpus_online() > 1 ? "s" : "", in_interrupts, ms / 1000, ms % 1000);
	kprintf("  taken and given: %lu blocks of pages, %lu objects, %lu vmalloc areas, %lu kmaps,\n",
		sum.did[PAGES], sum.did[OBJECT], sum.did[AREA], sum.did[KMAP]);
	kprintf("  %lu address spaces, %lu caches, %lu threads; %lu given by another than took it;\n",
		sum.did[SPACE], sum.did[CACHE], sum.threads, sum.traded);
	kprintf("  %lu uses of a shared address space, %lu programs, %lu of them killed;\n", sum.faults,
		programs, programs_killed);
	kprintf("  %lu times there was no memory\n", sum.no_memory);
}

/* Return: a status. */
static int verdict(unsigned long low, unsigned long high, unsigned long misuses)
{
	int broken = mm_check_all(&console) + (sched_check() != 0) + (pagecache_check() != 0);

	kprintf("  free pages before and after: low %lu, %lu; high %lu, %lu\n", low, st_free_low(), high,
		st_free_high());
	if (low != st_free_low() || high != st_free_high())
		return cmd_error("stress: pages are lost or won");
	if (refused_since(misuses))
		return cmd_error("stress: the memory manager refused something: see 'misuse'");
	if (stress_wrong || broken)
		return cmd_error("stress: %lu marks overwritten, %d checks failed", stress_wrong, broken);
	kprintf("  every mark was found intact, every invariant holds\n");
	return interrupted ? CMD_INTERRUPTED : 0;
}

int stress(int argc, char **argv)
{
	unsigned long seconds, low, high, misuses = misuse_count(NR_MISUSE);

	(void)argc;
	if (!duration(argv[1], &seconds) || programs_run("stress"))
		return 1;
	st_settle();
	low = st_free_low();
	high = st_free_high();
	if (!prepare())
		return cmd_error("stress: no memory");
	start();
	summary(watch(seconds));
	vfree(workers);
	vfree(interrupts);
	st_settle();
	return verdict(low, high, misuses);
}
