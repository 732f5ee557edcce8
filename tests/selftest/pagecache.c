/* SPDX-License-Identifier: MIT */
/*
 * pagecache.c: pages of program files are read once, shared, dropped and read again (rows E7, B7).
 */
#include "selftest.h"
#include "util.h"

#include <quarry/pressure.h>
#include <quarry/string.h>

#include "kernel/machine.h"
#include "kernel/pagecache.h"
#include "kernel/sched.h"
#include "kernel/task.h"

#define NR_TASKS 2

static int pid[NR_TASKS];
static struct task *task[NR_TASKS];

/* Return: false: there are no programs here. */
static bool load(const char *name)
{
	for (unsigned i = 0; i < NR_TASKS; i++) {
		pid[i] = task_spawn_stopped(name);
		task[i] = pid[i] > 0 ? task_pin(pid[i]) : NULL;
		if (pid[i] == -ENOENT || pid[i] == -ENOEXEC)
			return false;
	}
	return true;
}

static void unload(void)
{
	for (unsigned i = 0; i < NR_TASKS; i++) {
		if (task[i])
			task_unpin(task[i]);
		thread_kill(pid[i]);
		thread_wait(pid[i]);
	}
}

static pfn_t frame_at(unsigned i, unsigned long addr)
{
	struct pt_walk walk;
	u8 byte;

	if (copy_from_mm(task[i]->mm, &byte, addr, 1))
		return 0;
	pt_trace(task[i]->mm->pgd, addr, &walk);
	return walk.present ? (pfn_t)(walk.phys >> PAGE_SHIFT) : 0;
}

/* The first area of the file with these rights. */
static const struct program_area *area_of(unsigned i, u32 writable)
{
	const struct program *p = task[i]->program;

	for (unsigned n = 0; n < p->nr_areas; n++)
		if (p->area[n].from_file && (p->area[n].flags & VM_WRITE) == writable)
			return &p->area[n];
	return NULL;
}

SELFTEST(E7, tasks_of_a_program_share_what_none_may_write)
{
	const struct program_area *text, *data;
	pfn_t t[NR_TASKS], d[NR_TASKS];

	if (!load("hello"))
		SKIP("no programs here");
	CHECK(task[0] && task[1]);
	text = area_of(0, 0);
	data = area_of(0, VM_WRITE);
	CHECK(text && data);
	for (unsigned i = 0; i < NR_TASKS; i++) {
		t[i] = frame_at(i, text->start);
		d[i] = frame_at(i, data->start);
	}
	CHECK(t[0] && t[0] == t[1]);
	CHECK(d[0] && d[1] && d[0] != d[1]);
	CHECK_EQ(page_count(pfn_to_page(t[0])), 3);	/* the cache and two tasks */
	CHECK_EQ(page_count(pfn_to_page(d[0])), 1);
	CHECK_EQ(mm_check(task[0]->mm), 0);
	unload();
	CHECK_EQ(page_count(pfn_to_page(t[0])), 1);
}

/* All bytes of the file, as the task sees them, are what the file says. */
static bool reads_true(unsigned i)
{
	static u8 seen[4096], want[4096];
	const struct program *p = task[i]->program;

	for (unsigned n = 0; n < p->nr_areas; n++) {
		const struct program_area *a = &p->area[n];

		for (unsigned long at = a->start; a->from_file && at < a->end; at += PAGE_SIZE) {
			program_fill_page(p, at, want);
			if (copy_from_mm(task[i]->mm, seen, at, PAGE_SIZE) || memcmp(seen, want, PAGE_SIZE))
				return false;
		}
	}
	return true;
}

/* Until nothing of it is left, as a caller with this mask. */
static void squeeze_cache(gfp_t gfp)
{
	struct pagecache_counts c;

	for (int i = 0; i < 8; i++) {
		pagecache_get_counts(&c);
		if (!c.pages)
			break;
		shrink_slab(gfp, 0, 0);
	}
}

SELFTEST(B7, file_pages_are_dropped_and_read_again)
{
	unsigned long major = vm_event(PGMAJFAULT);
	struct pagecache_counts before, squeezed, after;

	pagecache_drop();
	if (!load("hello"))
		SKIP("no programs here");
	CHECK(task[0] && task[1]);
	CHECK(reads_true(0) && reads_true(1));
	pagecache_get_counts(&before);
	squeeze_cache(GFP_KERNEL);
	pagecache_get_counts(&squeezed);
	CHECK_EQ(mm_check(task[0]->mm), 0);
	CHECK(reads_true(1) && reads_true(0));
	pagecache_get_counts(&after);
	unload();
	CHECK(before.pages > 0);
	CHECK_EQ(squeezed.pages, 0);		/* mapped or not */
	CHECK(after.pages > 0);			/* the tasks' own copies need not be read again */
	CHECK_EQ(after.reads, squeezed.reads + after.pages);
	CHECK(vm_event(PGMAJFAULT) > major + before.pages);
}

SELFTEST(B7, who_must_not_enter_a_file_system_is_not_sent_there)
{
	struct pagecache_counts before, after;

	if (!load("hello"))
		SKIP("no programs here");
	CHECK(task[0] && task[1]);
	CHECK(reads_true(0));
	pagecache_get_counts(&before);
	squeeze_cache(GFP_NOFS);
	squeeze_cache(GFP_NOIO);
	pagecache_get_counts(&after);
	unload();
	CHECK(before.pages > 0);
	CHECK_EQ(after.pages, before.pages);
}

/* Its text goes all the time while it runs. */
SELFTEST(B7, a_program_goes_on_though_its_pages_go)
{
	struct pagecache_counts before, after;
	const struct program_area *text;

	if (!machine_has_feature("ring3"))
		SKIP("no ring 3 here");
	if (!load("lifetime 2 quiet"))
		SKIP("no programs here");
	CHECK(task[0] && task[1]);
	text = area_of(0, 0);
	for (unsigned i = 0; i < NR_TASKS; i++)
		CHECK(text && frame_at(i, text->start));	/* so there is something to go, however fast it runs */
	pagecache_get_counts(&before);
	for (unsigned i = 0; i < NR_TASKS; i++) {
		task_unpin(task[i]);
		task[i] = NULL;
		CHECK_EQ(task_start(pid[i]), 0);
	}
	squeeze_cache(GFP_KERNEL);
	while (task_find(pid[0]) || task_find(pid[1])) {
		squeeze_cache(GFP_KERNEL);
		schedule();
	}
	CHECK_EQ(thread_wait(pid[0]), 0);
	CHECK_EQ(thread_wait(pid[1]), 0);
	pagecache_get_counts(&after);
	CHECK(after.dropped > before.dropped);
}
