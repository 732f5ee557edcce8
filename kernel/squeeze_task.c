/* SPDX-License-Identifier: MIT */
/*
 * squeeze_task.c: tasks want more memory than there is.
 *
 * There is no swap, so what can be taken from others is the page cache: first the pages
 * of programs that ended, then those of tasks that do not run.  When that is gone, too,
 * the largest task ends, and the others never notice: one that lost its text reads it again.
 */
#include "squeeze.h"
#include "machine.h"
#include "pagecache.h"
#include "sched.h"
#include "task.h"

#include <quarry/string.h>

#define HOG_AT 0x10000000UL
#define HOG_PAGES (1UL << (30 - PAGE_SHIFT))
#define MAX_HOGS 8

/* Touches pages without end, where there are no programs that could. */
static void hog(void *arg)
{
	struct task *t = current_task();
	unsigned long word = 1;

	(void)arg;
	if (mm_map(t->mm, HOG_AT, HOG_PAGES << PAGE_SHIFT, VM_READ | VM_WRITE, "hog", NULL, NULL))
		thread_exit(1);
	for (unsigned long i = 0; i < HOG_PAGES; i++)
		if (READ_ONCE(t->killed) ||
		    copy_to_mm(t->mm, HOG_AT + (i << PAGE_SHIFT), &word, sizeof(word)))
			thread_exit(TASK_END_KILLED);
}

/* Tasks that together want more than there is: each can have 1 GiB at least. */
static unsigned start_hogs(int pid[MAX_HOGS])
{
	unsigned long gib = squeeze_free_pages() >> (30 - PAGE_SHIFT);
	unsigned n = 0;

	while (n < MAX_HOGS && n <= gib) {
		pid[n] = machine_has_feature("ring3") ? task_run("memhog") : task_run_kernel("hog", hog, NULL);
		if (!squeeze_expect(pid[n] > 0, "a task can be started (%d)", pid[n]))
			break;
		n++;
	}
	return n;
}

/* ---- those who are to notice nothing --------------------------------------------------------- */

/* Does the task see what its file says, in every page that nobody may write?  It reads what is not there. */
static bool sees_its_file(struct task *t)
{
	static u8 seen[4096], want[4096];
	const struct program *p = t->program;

	for (unsigned i = 0; i < p->nr_areas; i++) {
		const struct program_area *a = &p->area[i];

		for (unsigned long at = a->start; a->from_file && at < a->end; at += PAGE_SIZE) {
			program_fill_page(p, at, want);
			if (copy_from_mm(t->mm, seen, at, PAGE_SIZE) || memcmp(seen, want, PAGE_SIZE))
				return false;
		}
	}
	return true;
}

/* A task that sleeps before its first instruction, with all of its file read.  NULL: there are no programs. */
static struct task *bystander(const char *name)
{
	int pid = task_spawn_stopped(name);
	struct task *t = pid > 0 ? task_pin(pid) : NULL;

	if (t)
		squeeze_expect(sees_its_file(t), "%s is read", name);
	return t;
}

/* Return: its status. */
static int end(struct task *t)
{
	int pid = t->pid, status;

	task_unpin(t);
	if (machine_has_feature("ring3"))
		task_start(pid);
	else
		thread_kill(pid);
	status = thread_wait(pid);
	return machine_has_feature("ring3") ? status : 0;
}

/* ---- the squeeze -------------------------------------------------------------------------------- */

/* Return: how many were killed. */
static unsigned wait_for_hogs(const int pid[MAX_HOGS], unsigned n)
{
	unsigned killed = 0;

	for (unsigned i = 0; i < n; i++)
		killed += thread_wait(pid[i]) == TASK_END_KILLED;
	return killed;
}

void squeeze_task(void)
{
	struct task *left = bystander("lifetime 1 quiet"), *stays = bystander("hello");
	struct pagecache_counts before, after;
	unsigned hogs, killed;
	int pid[MAX_HOGS];
	struct rungs r;

	if (left)
		end(left);		/* its pages stay */
	pagecache_get_counts(&before);
	rungs_begin(&r);
	hogs = start_hogs(pid);
	killed = wait_for_hogs(pid, hogs);
	pagecache_get_counts(&after);
	rungs_end(&r, "rungs", RUNG(ALLOC_SLOWPATH) | RUNG(ALLOCSTALL) | RUNG(PAGEOUTRUN) | RUNG(OOM_KILL), 0);
	squeeze_say("%u of %u tasks killed; %lu cached pages of programs dropped before", killed, hogs,
		    after.dropped - before.dropped);
	squeeze_expect(killed > 0, "who wants too much is killed");
	if (!stays)
		return;
	squeeze_expect(after.dropped - before.dropped >= before.pages, "%lu of %lu cached pages were dropped",
		       after.dropped - before.dropped, before.pages);
	squeeze_expect(!stays->killed && sees_its_file(stays), "another task lives, and reads its text again");
	squeeze_expect(end(stays) == 0, "and runs to its end");
}
