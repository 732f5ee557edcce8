/* SPDX-License-Identifier: MIT */
/*
 * tasks.c: row E7, tasks with page directories of their own.
 */
#include <quarry/highmem.h>
#include <quarry/string.h>
#include <quarry/vm.h>

#include "kernel/machine.h"
#include "kernel/sched.h"
#include "util.h"

#define AT 0x10000000ul

/* ---- address spaces, without a program ------------------------------------------------ */

SELFTEST(E7, a_frame_comes_with_the_first_touch)
{
	struct mm_struct *mm = mm_alloc();
	struct pt_walk walk;

	CHECK(mm);
	CHECK_EQ(mm_map(mm, AT, 16 * PAGE_SIZE, VM_READ | VM_WRITE, "heap", NULL, NULL), 0);
	CHECK_EQ(mm->rss, 0);
	CHECK_EQ(handle_mm_fault(mm, AT + 5 * PAGE_SIZE + 123, FAULT_FLAG_WRITE | FAULT_FLAG_USER), VM_FAULT_OK);
	CHECK_EQ(mm->rss, 1);
	pt_trace(mm->pgd, AT + 5 * PAGE_SIZE + 123, &walk);
	CHECK(walk.present);
	CHECK_EQ(walk.phys & ~PAGE_MASK, 123);
	pt_trace(mm->pgd, AT + 4 * PAGE_SIZE, &walk);
	CHECK(!walk.present);
	CHECK_EQ(mm_check(mm), 0);
	mm_free(mm);
}

SELFTEST(E7, high_memory_first)
{
	struct mm_struct *mm = mm_alloc();
	unsigned long i, n = 64;

	CHECK(mm);
	CHECK_EQ(mm_map(mm, AT, n * PAGE_SIZE, VM_READ | VM_WRITE, "heap", NULL, NULL), 0);
	for (i = 0; i < n; i++)
		CHECK_EQ(handle_mm_fault(mm, AT + i * PAGE_SIZE, FAULT_FLAG_WRITE), VM_FAULT_OK);
	CHECK_EQ(mm->rss, n);
	CHECK_EQ(mm->rss_high, populated_zone(st_zone(ZONE_HIGHMEM)) ? n : 0);
	mm_free(mm);
}

SELFTEST(E7, wild_and_forbidden_accesses)
{
	struct mm_struct *mm = mm_alloc();

	CHECK(mm);
	CHECK_EQ(mm_map(mm, AT, PAGE_SIZE, VM_READ, "text", NULL, NULL), 0);
	CHECK_EQ(handle_mm_fault(mm, AT + PAGE_SIZE, FAULT_FLAG_USER), VM_FAULT_SEGV);
	CHECK_EQ(handle_mm_fault(mm, 0, FAULT_FLAG_USER), VM_FAULT_SEGV);
	CHECK_EQ(handle_mm_fault(mm, AT, FAULT_FLAG_USER | FAULT_FLAG_WRITE), VM_FAULT_PROT);
	CHECK_EQ(handle_mm_fault(mm, AT, FAULT_FLAG_USER), VM_FAULT_OK);
	CHECK_EQ(mm_map(mm, AT, PAGE_SIZE, VM_READ, "twice", NULL, NULL), -EEXIST);
	CHECK_EQ(mm_map(mm, TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, VM_READ, "kernel", NULL, NULL), -EINVAL);
	mm_free(mm);
}

SELFTEST(E7, two_directories_two_memories)
{
	struct mm_struct *a = mm_alloc(), *b = mm_alloc();
	u32 one = 1, two = 2, seen;

	CHECK(a && b && a->pgd != b->pgd);
	CHECK_EQ(mm_map(a, AT, PAGE_SIZE, VM_READ | VM_WRITE, "a", NULL, NULL), 0);
	CHECK_EQ(mm_map(b, AT, PAGE_SIZE, VM_READ | VM_WRITE, "b", NULL, NULL), 0);
	CHECK_EQ(copy_to_mm(a, AT + 40, &one, 4), 0);
	CHECK_EQ(copy_to_mm(b, AT + 40, &two, 4), 0);
	CHECK_EQ(copy_from_mm(a, &seen, AT + 40, 4), 0);
	CHECK_EQ(seen, 1);
	CHECK_EQ(copy_from_mm(b, &seen, AT + 40, 4), 0);
	CHECK_EQ(seen, 2);
	mm_free(a);
	mm_free(b);
}

SELFTEST(E7, unmapping_returns_frames_by_count)
{
	struct mm_struct *mm = mm_alloc();
	unsigned long free, i, n = 100;

	CHECK(mm);
	CHECK_EQ(mm_map(mm, AT, n * PAGE_SIZE, VM_READ | VM_WRITE, "heap", NULL, NULL), 0);
	for (i = 0; i < n; i++)
		CHECK_EQ(handle_mm_fault(mm, AT + i * PAGE_SIZE, FAULT_FLAG_WRITE), VM_FAULT_OK);
	drain_all_pages(NULL);
	free = st_free_low() + st_free_high();
	CHECK_EQ(mm_unmap(mm, AT, n / 2 * PAGE_SIZE), 0);
	drain_all_pages(NULL);
	CHECK_EQ(st_free_low() + st_free_high(), free + n / 2);
	CHECK_EQ(mm->rss, n - n / 2);
	mm_free(mm);
}

/* ---- programs in ring 3 ------------------------------------------------------------------- */

SELFTEST(E7, hello_prints_and_exits)
{
	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	CHECK_EQ(st_run("hello"), 0);
}

/* Row E3's own program: the variable behind mov 0x80495b0,%eax, walked and read. */
#define ANSWER_AT 0x80495b0ul

SELFTEST(E3, the_example_in_hello)
{
	int pid = task_spawn_stopped("hello");
	struct pt_walk before, walk;
	struct task *t;
	u32 answer = 0;

	if (pid == -ENOEXEC || pid == -ENOENT)
		SKIP("no programs here");
	CHECK(pid > 0);
	t = task_pin(pid);
	CHECK(t && t->mm);
	pt_trace(t->mm->pgd, ANSWER_AT, &before);
	CHECK_EQ(handle_mm_fault(t->mm, ANSWER_AT, FAULT_FLAG_USER), VM_FAULT_OK);
	pt_trace(t->mm->pgd, ANSWER_AT, &walk);
	CHECK_EQ(copy_from_mm(t->mm, &answer, ANSWER_AT, sizeof(answer)), 0);
	task_unpin(t);
	thread_kill(pid);
	thread_wait(pid);
	CHECK(!before.present && walk.present);
	CHECK_EQ(walk.phys & 0xfff, 0x5b0);
	if (PGTABLE_LEVELS == 2) {
		CHECK_EQ(walk.step[0].index, 32);
		CHECK_EQ(walk.step[1].index, 73);
	}
	CHECK_EQ(answer, 42);
}

/* Each of these ends its task with the status that names the reason, and nothing else. */
static const struct { const char *cmdline; int status; } offenders[] = {
	{ "wild", TASK_END_FAULT }, { "wild null", TASK_END_FAULT }, { "wild low", TASK_END_FAULT },
	{ "wild kernel", TASK_END_FAULT }, { "wild text", TASK_END_FAULT }, { "wild rodata", TASK_END_FAULT },
	{ "wild jump", TASK_END_FAULT }, { "stack forever", TASK_END_FAULT },
	{ "divzero", TASK_END_TRAP }, { "privileged", TASK_END_TRAP }, { "privileged cr3", TASK_END_TRAP },
	{ "privileged port", TASK_END_TRAP }, { "privileged undefined", TASK_END_TRAP },
	{ "wild pointer", 0 }, { "stack 256", 0 },
};

SELFTEST(E7, a_wild_access_ends_that_task_only)
{
	unsigned i;
	int pid, status;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	pid = task_run("hello 1000");	/* stays alive beside them */
	CHECK(pid > 0);
	for (i = 0; i < ARRAY_SIZE(offenders); i++) {
		status = st_run(offenders[i].cmdline);
		if (status != offenders[i].status) {
			selftest_fail(__FILE__, __LINE__, "%s ended with %d, want %d", offenders[i].cmdline, status,
				      offenders[i].status);
			break;
		}
	}
	CHECK(task_find(pid));
	CHECK_EQ(thread_kill(pid), 0);
	CHECK_EQ(thread_wait(pid), TASK_END_KILLED);
}

static unsigned long all_free(void)
{
	st_settle();
	return st_free_low() + st_free_high();
}

SELFTEST(E7, killing_returns_every_frame)
{
	unsigned long before, during, rss, high, tables;
	struct task *t;
	int pid, i;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	before = all_free();
	pid = task_run("memhog 4");
	CHECK(pid > 0);
	t = task_pin(pid);
	CHECK(t);
	for (i = 0; i < 2000 && t->mm->rss < 1024; i++)
		thread_sleep_ms(1);
	thread_sleep_ms(20);
	during = all_free();
	rss = t->mm->rss;
	high = t->mm->rss_high;
	tables = t->mm->nr_ptes;
	task_unpin(t);
	CHECK_EQ(thread_kill(pid), 0);
	CHECK_EQ(thread_wait(pid), TASK_END_KILLED);
	CHECK(rss >= 1024);
	CHECK(tables >= 3);	/* text, heap or maps, stack: far apart */
	CHECK(during <= before - rss - tables);
	CHECK_EQ(all_free(), before);
	CHECK_EQ(high, populated_zone(st_zone(ZONE_HIGHMEM)) && st_free_high() > 4096 ? rss : high);
}

SELFTEST(E7, killed_before_it_ever_ran)
{
	int pid = task_spawn_stopped("hello");

	if (pid == -ENOEXEC || pid == -ENOENT)
		SKIP("no programs here");
	CHECK(pid > 0);
	CHECK_EQ(thread_kill(pid), 0);
	CHECK_EQ(thread_wait(pid), TASK_END_KILLED);
	CHECK_EQ(thread_kill(pid), -ENOENT);
}

SELFTEST(E7, tasks_take_turns)
{
	int pid[3], i;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	for (i = 0; i < 3; i++)
		CHECK((pid[i] = task_run("count 3")) > 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(thread_wait(pid[i]), 0);
}

/* The kernel's half is the same in every task's directory, and no task may use it. */
SELFTEST(E4, a_task_shares_the_kernels_half)
{
	unsigned i, first = pt_index(PAGE_OFFSET, PGTABLE_LEVELS), differ = 0;
	int pid = task_spawn_stopped("hello");
	struct task *t;

	if (pid == -ENOEXEC || pid == -ENOENT)
		SKIP("no programs here");
	CHECK(pid > 0);
	t = task_pin(pid);
	CHECK(t && t->mm);
	for (i = first; i < pt_entries(PGTABLE_LEVELS); i++)
		differ += pte_pfn(t->mm->pgd[i]) != pte_pfn(swapper_pg_dir[i]);
	CHECK(t->mm->pgd != swapper_pg_dir);
	task_unpin(t);
	thread_kill(pid);
	thread_wait(pid);
	CHECK_EQ(differ, 0);
}

SELFTEST(E7, unknown_programs_are_refused)
{
	CHECK_EQ(task_run("no-such-program"), -ENOENT);
	CHECK(task_run("") < 0);
}
