/* SPDX-License-Identifier: MIT */
/*
 * contract_smp.c: several processors: calls from one to the others, and translations that
 * all of them must forget.  Where there is one, they hold as well, with nobody to call.
 */
#include <quarry/vmalloc.h>
#include <quarry/highmem.h>
#include <quarry/string.h>
#include <quarry/vm.h>

#include "contract.h"
#include "kernel/sched.h"

/* ---- calls --------------------------------------------------------------------------- */

static struct {
	unsigned calls[NR_CPUS];
	unsigned wrong;
} others;

static void note_call(void *arg)
{
	bool right = in_interrupt() && !port_can_sleep() && smp_processor_id() < nr_cpu_ids && arg == &others;

	others.calls[smp_processor_id()]++;
	if (!right)
		__atomic_fetch_add(&others.wrong, 1, __ATOMIC_RELAXED);
}

SELFTEST(port, every_other_cpu_calls_once)
{
	unsigned self, called = 0, odd = 0;

	memset(&others, 0, sizeof(others));
	preempt_disable();
	self = smp_processor_id();
	port_call_others(note_call, &others);
	preempt_enable();
	for (unsigned i = 0; i < NR_CPUS; i++) {
		called += others.calls[i];
		odd += others.calls[i] > 1;
	}
	CHECK_EQ(others.calls[self], 0);
	CHECK_EQ(called, machine_nr_cpus() - 1);
	CHECK_EQ(odd + others.wrong, 0);
	CHECK(nr_cpu_ids >= machine_nr_cpus());
}

#define CALLERS 4
#define ROUNDS 100

static unsigned counted;

static void count_call(void *arg)
{
	__atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
}

static void call_often(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		port_call_others(count_call, arg);
}

/* Those that call each other at the same time all get their answers. */
SELFTEST(port, calls_cross)
{
	int pid[CALLERS];

	counted = 0;
	for (unsigned i = 0; i < CALLERS; i++)
		pid[i] = thread_spawn("caller", call_often, &counted);
	for (unsigned i = 0; i < CALLERS; i++)
		CHECK_EQ(thread_wait(pid[i]), 0);
	CHECK_EQ(counted, CALLERS * ROUNDS * (machine_nr_cpus() - 1));
}

/* ---- translations ---------------------------------------------------------------------- */

/* Pages of an area, each with its own number in it; two of them change places. */
static struct {
	u32 *area;
	unsigned first, last;	/* pages that change places */
	u32 want_first, want_last;
	unsigned stale, looked;
} swap;

static u32 read_page(unsigned i)
{
	return *(volatile u32 *)((char *)swap.area + i * PAGE_SIZE);
}

static void look(void *arg)
{
	bool stale = read_page(swap.first) != swap.want_first || read_page(swap.last) != swap.want_last;

	(void)arg;
	__atomic_fetch_add(&swap.looked, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&swap.stale, stale, __ATOMIC_RELAXED);
}

static pte_t *entry_of(unsigned i)
{
	int level;

	return pt_lookup(swapper_pg_dir, (unsigned long)swap.area + i * PAGE_SIZE, &level);
}

static void exchange(void)
{
	pte_t *a = entry_of(swap.first), *b = entry_of(swap.last), e = get_pte(a);
	u32 want = swap.want_first;

	set_pte(a, get_pte(b));
	set_pte(b, e);
	swap.want_first = swap.want_last;
	swap.want_last = want;
}

/* Others have just read through the entries that change: they remember them. */
static void swap_under_their_eyes(unsigned pages)
{
	unsigned long start = (unsigned long)swap.area;

	swap.first = 0;
	swap.last = pages - 1;
	swap.want_first = 0;
	swap.want_last = pages - 1;
	for (unsigned i = 0; i < 2; i++) {
		look(NULL);
		port_call_others(look, NULL);
		exchange();
		flush_tlb_kernel(start, start + pages * PAGE_SIZE);
	}
	look(NULL);
	port_call_others(look, NULL);
}

SELFTEST(port, a_flush_reaches_the_other_cpus)
{
	enum { PAGES = 200 };	/* more than a port would flush one by one */

	swap.stale = swap.looked = 0;
	swap.area = vmalloc(PAGES * PAGE_SIZE);
	CHECK(swap.area);
	for (unsigned i = 0; i < PAGES; i++)
		*(u32 *)((char *)swap.area + i * PAGE_SIZE) = i;
	swap_under_their_eyes(2);
	swap_under_their_eyes(PAGES);
	vfree(swap.area);
	CHECK_EQ(swap.looked, 6 * machine_nr_cpus());
	CHECK_EQ(swap.stale, 0);
}
