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
	preempt_disable();
	for (unsigned i = 0; i < 2; i++) {
		look(NULL);
		port_call_others(look, NULL);
		exchange();
		flush_tlb_kernel(start, start + pages * PAGE_SIZE);	/* here, and port_flush_tlb_others() */
	}
	look(NULL);
	port_call_others(look, NULL);
	preempt_enable();
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

/* ---- translations of a task ---------------------------------------------------------------- */

#define USER_ROUNDS 20

/* An address space that several CPUs have loaded: its first and its last page change places. */
static struct {
	struct mm_struct *mm;
	unsigned long first, last;
	struct page *page[2];
	unsigned members, at_work, arrived, stale;
} space;

/* They look after interrupts meanwhile: calls among them. */
static void meet(unsigned *phase)
{
	++*phase;
	__atomic_fetch_add(&space.arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&space.arrived, __ATOMIC_ACQUIRE) < *phase * space.members)
		cpu_relax();
}

/* @turn: how often they have changed places. */
static void look_at_space(unsigned turn)
{
	u32 first = *(volatile u32 *)space.first, last = *(volatile u32 *)space.last;

	if (first != turn % 2 || last != !(turn % 2))
		__atomic_fetch_add(&space.stale, 1, __ATOMIC_RELAXED);
}

static bool enter_pages(unsigned turn)
{
	pte_t *first = pt_walk_alloc(space.mm->pgd, space.first, &pt_ops_kernel);
	pte_t *last = pt_walk_alloc(space.mm->pgd, space.last, &pt_ops_kernel);

	if (!first || !last)
		return false;
	set_pte(first, mk_pte(page_to_pfn(space.page[turn % 2]), PAGE_SHARED));
	set_pte(last, mk_pte(page_to_pfn(space.page[!(turn % 2)]), PAGE_SHARED));
	return true;
}

/* One changes the entries; all had them loaded, and remembered them. */
static void use_space(void *arg)
{
	unsigned phase = 0;
	bool first;

	(void)arg;
	if (smp_processor_id() >= machine_user_cpus())
		return;
	preempt_disable();
	first = __atomic_fetch_add(&space.at_work, 1, __ATOMIC_RELAXED) == 0;
	machine_load_mm(space.mm);
	for (unsigned turn = 0; turn < USER_ROUNDS; turn++) {
		look_at_space(turn);
		meet(&phase);
		if (first) {
			enter_pages(turn + 1);
			port_flush_tlb_user(space.mm, space.first, space.last + PAGE_SIZE);
		}
		meet(&phase);
		look_at_space(turn + 1);
	}
	machine_load_mm(NULL);
	preempt_enable();
}

static unsigned user_cpus(void)
{
	unsigned n = 0;

	for (unsigned cpu = 0; cpu < min(nr_cpu_ids, machine_user_cpus()); cpu++)
		n += cpu_schedules(cpu);
	return n;
}

/* Of @pages pages.  False: no memory. */
static bool share_space(unsigned pages)
{
	bool run;

	space.first = ALIGN_DOWN(TASK_SIZE / 2, PAGE_SIZE);
	space.last = space.first + (pages - 1) * PAGE_SIZE;
	space.members = user_cpus();
	space.at_work = space.arrived = 0;
	space.mm = mm_alloc();
	run = space.mm && enter_pages(0) && run_on_each_cpu(use_space, NULL) == 0;
	if (space.mm)
		pt_free_tables(space.mm->pgd, 0, TASK_SIZE, &pt_ops_kernel);
	mm_free(space.mm);
	return run;
}

SELFTEST(port, a_flush_of_user_space_reaches_the_other_cpus)
{
	bool few, many;

	memset(&space, 0, sizeof(space));
	for (u32 i = 0; i < 2; i++) {
		CHECK((space.page[i] = alloc_page(GFP_KERNEL)));
		*(u32 *)page_address(space.page[i]) = i;
	}
	few = share_space(2);
	many = share_space(200);	/* more than a port would flush one by one */
	__free_page(space.page[0]);
	__free_page(space.page[1]);
	CHECK(few && many);
	CHECK_EQ(space.at_work, user_cpus());
	CHECK_EQ(space.stale, 0);
}
