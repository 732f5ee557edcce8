/* SPDX-License-Identifier: MIT */
/*
 * cpus.c: what threads on all CPUs at once may rely on.  With one CPU these hold as well,
 * but show little.
 */
#include <quarry/highmem.h>
#include <quarry/slab.h>
#include <quarry/string.h>

#include "kernel/machine.h"
#include "kernel/sched.h"
#include "util.h"

/* A point that all of a team pass together. */
static void meet(unsigned *arrived, unsigned round)
{
	unsigned all = cpus_online() * round;

	__atomic_add_fetch(arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(arrived, __ATOMIC_ACQUIRE) < all)
		schedule();
}

/* ---- threads and CPUs ------------------------------------------------------------------- */

static struct {
	unsigned arrived, ran[NR_CPUS], strayed;
} team;

static void stay_here(void *arg)
{
	unsigned cpu = smp_processor_id();

	team.ran[cpu]++;
	meet(&team.arrived, 1);		/* not before every other one runs, too */
	for (unsigned i = 0; i < 20; i++) {
		if (i % 10 == 0)
			thread_sleep_ms(1);
		else
			schedule();
		if (smp_processor_id() != cpu)
			__atomic_add_fetch(&team.strayed, 1, __ATOMIC_RELAXED);
	}
	__atomic_add_fetch((unsigned *)arg, 1, __ATOMIC_RELAXED);
}

SELFTEST(E7, a_thread_on_each_cpu_at_once)
{
	unsigned done = 0;

	memset(&team, 0, sizeof(team));
	CHECK_EQ(run_on_each_cpu(stay_here, &done), 0);
	CHECK_EQ(done, cpus_online());
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		CHECK_EQ(team.ran[cpu], cpu_schedules(cpu));
	CHECK_EQ(team.strayed, 0);
	CHECK_EQ(thread_spawn_on(nr_cpu_ids, "nowhere", stay_here, NULL), -EINVAL);
}

static void end_with(void *status)
{
	thread_exit((int)(unsigned long)status);
}

/* The end of a thread on another CPU is known whenever somebody asks, before and after. */
SELFTEST(E7, every_end_is_told)
{
	for (unsigned long i = 1; i <= 300; i++) {
		int pid = thread_spawn("short", end_with, (void *)i);

		CHECK(pid > 0);
		if (i % 3 == 0)
			schedule();
		CHECK_EQ(thread_wait(pid), i);
		CHECK(!task_find(pid));
	}
}

#define MAPPED_ROUNDS 20

/* Sleeps with local mappings, while others push it about: they stay where they are, and what they are. */
static void sleep_mapped(void *wrong)
{
	struct page *page[2] = { alloc_page(GFP_HIGHUSER), alloc_page(GFP_HIGHUSER) };
	unsigned bad = !page[0] || !page[1];

	for (u32 i = 0; i < MAPPED_ROUNDS && !bad; i++) {
		u32 *a = kmap_local_page(page[0]), *b = kmap_local_page(page[1]);

		*a = i;
		*b = ~i;
		if (i % 4)
			schedule();
		else
			thread_sleep_ms(1);
		bad += *a != i || *b != ~i;
		kunmap_local(b);
		kunmap_local(a);
		schedule();
	}
	__free_page(page[0]);
	__free_page(page[1]);
	__atomic_add_fetch((unsigned *)wrong, bad, __ATOMIC_RELAXED);
}

SELFTEST(F3, local_mappings_last_while_threads_move)
{
	int pid[NR_CPUS + 3];
	unsigned n = cpus_online() + 2, wrong = 0;

	for (unsigned i = 0; i < n; i++)
		CHECK((pid[i] = thread_spawn("mapper", sleep_mapped, &wrong)) > 0);
	for (unsigned i = 0; i < n; i++)
		thread_wait(pid[i]);
	CHECK_EQ(wrong, 0);
}

static void slots_of_my_own(void *wrong)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	unsigned cpu, bad = !page;

	for (u32 i = 0; i < 200 && !bad; i++) {
		u32 *typed = kmap_atomic(page, KM_USER0), *p;

		cpu = smp_processor_id();
		*typed = cpu << 16 | i;
		p = kmap_atomic(page);
		bad += *p != (cpu << 16 | i);
		kunmap_atomic(p);
		bad += smp_processor_id() != cpu || *typed != (cpu << 16 | i);
		kunmap_atomic(typed, KM_USER0);
	}
	__free_page(page);
	__atomic_add_fetch((unsigned *)wrong, bad, __ATOMIC_RELAXED);
}

SELFTEST(F3, each_cpu_has_slots_of_its_own)
{
	unsigned wrong = 0;

	CHECK_EQ(run_on_each_cpu(slots_of_my_own, &wrong), 0);
	CHECK_EQ(wrong, 0);
}

/* ---- from CPU to CPU ------------------------------------------------------------------------ */

#define PASSED 200
#define PASS_ROUNDS 5

static struct {
	unsigned arrived, wrong;
	void *object[NR_CPUS][PASSED];
	struct page *page[NR_CPUS][PASSED / 4];
} passed;

static void take_all(unsigned me, unsigned round)
{
	for (unsigned i = 0; i < PASSED; i++) {
		unsigned *p = kmalloc(sizeof(unsigned) << i % 6, GFP_KERNEL);

		if (p)
			*p = me << 16 | round << 8 | (i & 0xff);
		passed.object[me][i] = p;
	}
	for (unsigned i = 0; i < PASSED / 4; i++)
		passed.page[me][i] = alloc_pages(GFP_KERNEL, i % 4);
}

static void give_all(unsigned from, unsigned round)
{
	for (unsigned i = 0; i < PASSED; i++) {
		unsigned *p = passed.object[from][i];

		if (!p || *p != (from << 16 | round << 8 | (i & 0xff)))
			__atomic_add_fetch(&passed.wrong, 1, __ATOMIC_RELAXED);
		kfree(p);
	}
	for (unsigned i = 0; i < PASSED / 4; i++)
		__free_pages(passed.page[from][i], i % 4);
}

/* Each takes, all meet, each gives what its neighbour took, all meet. */
static void pass_on(void *arg)
{
	unsigned me = smp_processor_id(), from = (me + 1) % nr_cpu_ids;

	(void)arg;
	while (!cpu_schedules(from))
		from = (from + 1) % nr_cpu_ids;
	for (unsigned round = 0; round < PASS_ROUNDS; round++) {
		take_all(me, round);
		meet(&passed.arrived, 2 * round + 1);
		give_all(from, round);
		meet(&passed.arrived, 2 * round + 2);
	}
}

SELFTEST(D3, what_one_cpu_took_another_gives_back)
{
	memset(&passed, 0, sizeof(passed));
	CHECK_EQ(run_on_each_cpu(pass_on, NULL), 0);
	CHECK_EQ(passed.wrong, 0);
}

/* ---- a CPU goes away ------------------------------------------------------------------------- */

static void use_memory(void *arg)
{
	void *object[40];
	struct page *page[40];

	(void)arg;
	for (unsigned i = 0; i < ARRAY_SIZE(object); i++) {
		object[i] = kmalloc(64, GFP_KERNEL);
		page[i] = alloc_page(GFP_KERNEL);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(object); i++) {
		kfree(object[i]);
		__free_page(page[i]);
	}
}

static unsigned long kept_pages(unsigned cpu)
{
	unsigned long n = 0;
	struct zone *z;

	for_each_zone(z)
		for_each_migratetype(t)
			n += pcp_pages(zone_pcp(z, t, cpu));
	return n;
}

static void note_cpu(void *seen)
{
	for (unsigned i = 0; i < 5; i++) {
		__atomic_or_fetch((unsigned long *)seen, 1ul << smp_processor_id(), __ATOMIC_RELAXED);
		schedule();
	}
}

/* Where do threads run that may choose? */
static unsigned long cpus_seen(void)
{
	unsigned long seen = 0;
	int pid[8];

	for (unsigned i = 0; i < ARRAY_SIZE(pid); i++)
		pid[i] = thread_spawn("wanderer", note_cpu, &seen);
	for (unsigned i = 0; i < ARRAY_SIZE(pid); i++)
		thread_wait(pid[i]);
	return seen;
}

SELFTEST(D3, a_cpu_that_goes_away_keeps_nothing)
{
	unsigned n = cpus_online(), cpu = nr_cpu_ids - 1;
	unsigned long before, after, seen;
	int pid, again;

	if (n == 1)
		SKIP("one CPU");
	while (!cpu_schedules(cpu))
		cpu--;
	CHECK((pid = thread_spawn_on(cpu, "user", use_memory, NULL)) > 0);
	thread_wait(pid);
	before = kept_pages(cpu);
	CHECK_EQ(cpu_offline(cpu), 0);
	after = kept_pages(cpu);
	again = cpu_offline(cpu);
	pid = thread_spawn_on(cpu, "nobody", use_memory, NULL);
	seen = cpus_seen();
	CHECK_EQ(cpu_online(cpu), 0);
	CHECK(before > 0);
	CHECK_EQ(after, 0);
	CHECK_EQ(again, -ENOENT);
	CHECK_EQ(pid, -EINVAL);
	CHECK(!(seen & 1ul << cpu));
	CHECK_EQ(cpu_online(cpu), -EINVAL);
	CHECK_EQ(cpu_offline(0), -EINVAL);
	CHECK_EQ(cpu_offline(nr_cpu_ids), -ENOENT);
	CHECK_EQ(cpus_online(), n);
	CHECK_EQ(run_on_each_cpu(use_memory, NULL), 0);
}

static void until_told(void *go)
{
	while (!__atomic_load_n((bool *)go, __ATOMIC_RELAXED))
		thread_sleep_ms(1);
}

SELFTEST(D3, a_cpu_with_a_pinned_thread_stays)
{
	unsigned cpu = nr_cpu_ids - 1;
	bool go = false;
	int pid, err;

	while (cpu && !cpu_schedules(cpu))
		cpu--;
	if (!cpu)
		SKIP("one CPU");
	CHECK((pid = thread_spawn_on(cpu, "pinned", until_told, &go)) > 0);
	err = cpu_offline(cpu);
	__atomic_store_n(&go, true, __ATOMIC_RELAXED);
	thread_wait(pid);
	CHECK_EQ(err, -EBUSY);
	CHECK(cpu_schedules(cpu));
}
