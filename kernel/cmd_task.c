/* SPDX-License-Identifier: MIT */
/*
 * cmd_task.c: programs, and the tasks that they run as.
 */
#include "command.h"
#include "machine.h"
#include "sched.h"

#include <quarry/oom.h>
#include <quarry/printf.h>
#include <quarry/string.h>

#define LOOK_MS 20	/* how often we look whether a running program ended, or Ctrl-C was typed */

/* ---- ps, run, kill ----------------------------------------------------------------- */

static bool print_task(struct task *t, void *arg)
{
	static const char *const states[] = { "ready", "asleep", "dead" };
	const struct mm_struct *mm = t->mm;

	(void)arg;
	kprintf("%5d %3u %-7s %-16s", t->pid, t->cpu, task_is_running(t) ? "running" : states[t->state], t->name);
	if (mm)
		kprintf(" %7lu %7lu %7lu %7lu\n", mm->rss, mm->rss_high, mm->nr_ptes, mm->faults);
	else
		kprintf("       -       -       -       -   (kernel)\n");
	return true;
}

static int cmd_ps(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	kprintf("  PID CPU STATE   NAME               PAGES    HIGH  TABLES  FAULTS\n");
	task_for_each(print_task, NULL);
	return 0;
}

/* ---- CPUs -------------------------------------------------------------------------- */

static int cmd_cpu(int argc, char **argv)
{
	bool on = strcmp(argv[2], "online") == 0;
	unsigned long n;
	int err;

	(void)argc;
	if (!parse_number("CPU", argv[1], &n))
		return 1;
	if (!on && strcmp(argv[2], "offline") != 0)
		return cmd_error("cpu %s %s: online or offline", argv[1], argv[2]);
	if (n >= nr_cpu_ids || !cpu_is_up((unsigned)n))
		return cmd_error("there is no CPU %lu ('cpus' lists them)", n);
	err = on ? cpu_online((unsigned)n) : cpu_offline((unsigned)n);
	if (err == -EBUSY)
		return cmd_error("a thread is pinned to CPU %lu", n);
	if (err == -EINVAL && !on)
		return cmd_error("CPU %lu has booted the machine, and stays", n);
	if (err)
		return cmd_error("CPU %lu is %s already", n, argv[2]);
	kprintf("%u CPUs run threads\n", cpus_online());
	return 0;
}

/* ---- run -------------------------------------------------------------------------- */

int no_such_program(const char *name, int err)
{
	char all[160] = "";
	const char *p;
	size_t n = 0;

	if (err == -ENOMEM)
		return cmd_error("%s: not enough memory for it", name);
	if (err != -ENOENT)
		return cmd_error("%s cannot be run: error %d (the log says why)", name, -err);
	for (unsigned i = 0; (p = program_name(i)) && n < sizeof(all); i++)
		n += (size_t)mm_snprintf(all + n, sizeof(all) - n, " %s", p);
	return cmd_error("there is no program '%s'.  There are%s", name, n ? all : " none");
}

/* Until it ends, or Ctrl-C ends it.  Return: its status, or CMD_INTERRUPTED. */
static int foreground(int pid)
{
	bool interrupted = false;
	int status;

	while (!interrupted && task_find(pid)) {
		thread_sleep_ms(LOOK_MS);
		interrupted = console_interrupted();
	}
	if (interrupted)
		thread_kill(pid);
	status = thread_wait(pid);
	return interrupted ? CMD_INTERRUPTED : status;
}

/* ---- in the background ----------------------------------------------------------- */

static struct {
	int pid;		/* 0: free */
	char name[32];
} background[32];

/* More than fit run all the same; only their ends are not told. */
static void note_background(int pid, const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(background); i++) {
		if (background[i].pid)
			continue;
		background[i].pid = pid;
		mm_snprintf(background[i].name, sizeof(background[i].name), "%s", name);
		return;
	}
}

static void forget_background(int pid)
{
	for (unsigned i = 0; i < ARRAY_SIZE(background); i++)
		if (background[i].pid == pid)
			background[i].pid = 0;
}

void report_ended_tasks(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(background); i++) {
		int pid = background[i].pid;

		if (!pid || task_find(pid))
			continue;
		kprintf("%s[%d] has ended, status %d\n", background[i].name, pid, thread_wait(pid));
		background[i].pid = 0;
	}
}

static int cmd_run(int argc, char **argv)
{
	bool behind = argc > 2 && strcmp(argv[argc - 1], "&") == 0;
	char line[256] = "";
	size_t n = 0;
	int pid, status;

	for (int i = 1; i < argc - behind && n < sizeof(line); i++)
		n += (size_t)mm_snprintf(line + n, sizeof(line) - n, "%s%s", i > 1 ? " " : "", argv[i]);
	pid = task_run(line);
	if (pid < 0)
		return no_such_program(argv[1], pid);
	if (behind) {
		note_background(pid, argv[1]);
		kprintf("%s[%d] runs\n", argv[1], pid);
		return 0;
	}
	status = foreground(pid);
	if (status == CMD_INTERRUPTED)
		return status;
	if (status)
		return cmd_error("%s[%d] ended with status %d", argv[1], pid, status);
	return 0;
}

/* ---- kill ------------------------------------------------------------------------- */

static int kill_pid(const char *text)
{
	unsigned long pid;
	int err;

	if (!parse_number("pid", text, &pid))
		return 1;
	err = thread_kill((int)pid);
	if (err == -ENOENT)
		return cmd_error("there is no task %lu ('ps' lists them)", pid);
	if (err)
		return cmd_error("%lu is a kernel thread: it ends by itself", pid);
	thread_wait((int)pid);
	forget_background((int)pid);
	return 0;
}

struct by_name {
	const char *name;
	unsigned killed, others;
};

static bool kill_if_named(struct task *t, void *arg)
{
	struct by_name *b = arg;

	if (strcmp(t->name, b->name) != 0)
		return true;
	if (thread_kill(t->pid) == 0)
		b->killed++;
	else
		b->others++;
	return true;
}

/* Those that run the program, all of them. */
static int kill_name(const char *name)
{
	struct by_name b = { .name = name };
	struct task *t;

	task_for_each(kill_if_named, &b);
	if (b.others && !b.killed)
		return cmd_error("%s is a kernel thread: it ends by itself", name);
	if (!b.killed)
		return cmd_error("no task is named '%s' ('ps' lists them)", name);
	while ((t = task_pin_name(name))) {
		int pid = t->pid;

		task_unpin(t);
		thread_wait(pid);
		forget_background(pid);
	}
	return 0;
}

static int cmd_kill(int argc, char **argv)
{
	bool number = argv[1][0] >= '0' && argv[1][0] <= '9';

	(void)argc;
	return number ? kill_pid(argv[1]) : kill_name(argv[1]);
}

/* ---- whom memory's end takes ------------------------------------------------------ */

/* A task by pid or, the newest, by name; pinned.  NULL, with an error: there is none. */
static struct task *pin_argument(const char *text)
{
	bool number = text[0] >= '0' && text[0] <= '9';
	struct task *t = NULL;
	unsigned long pid = 0;

	if (number && !parse_number("pid", text, &pid))
		return NULL;
	t = number ? task_pin((int)pid) : task_pin_name(text);
	if (!t)
		cmd_error("there is no task %s ('ps' lists them)", text);
	return t;
}

static int set_oom_score_adj(const struct task *t, const char *text)
{
	bool minus = text[0] == '-';
	unsigned long adj;

	if (!parse_number("score", text + minus, &adj))
		return 1;
	if (adj > OOM_SCORE_ADJ_MAX)
		return cmd_error("a score is %d ... %d", OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX);
	if (task_set_oom_score_adj(t->pid, minus ? -(int)adj : (int)adj))
		return cmd_error("%s is a kernel thread: it is never ended", t->name);
	return 0;
}

static int cmd_oom_score_adj(int argc, char **argv)
{
	struct task *t = pin_argument(argv[1]);
	int failed = 0;

	if (!t)
		return 1;
	if (argc > 2)
		failed = set_oom_score_adj(t, argv[2]);
	else
		kprintf("%d\n", t->oom_score_adj);
	task_unpin(t);
	return failed;
}

static bool is_program(struct task *t, void *arg)
{
	struct task **found = arg;

	if (!t->is_user || t->state == TASK_DEAD)
		return true;
	*found = t;
	cmd_error("%s[%d] still runs, and its pages come and go: wait for it, or 'kill %d'", t->name,
		    t->pid, t->pid);
	return false;
}

bool programs_run(const char *command)
{
	struct task *found = NULL;

	task_for_each(is_program, &found);
	if (found)
		kprintf("%s compares counts of pages, so it wants to be alone\n", command);
	return found != NULL;
}

/* ---- the table ---------------------------------------------------------------------- */

void complete_programs(unsigned nth, line_offer offer, void *arg)
{
	const char *name;

	for (unsigned i = 0; nth == 1 && (name = program_name(i)); i++)
		offer(arg, name);
}

struct offering {
	line_offer offer;
	void *arg;
};

static bool offer_task(struct task *t, void *arg)
{
	struct offering *o = arg;
	char pid[16];

	if (t->is_user && t->state != TASK_DEAD) {
		mm_snprintf(pid, sizeof(pid), "%d", t->pid);
		o->offer(o->arg, t->name);
		o->offer(o->arg, pid);
	}
	return true;
}

void complete_tasks(unsigned nth, line_offer offer, void *arg)
{
	struct offering o = { offer, arg };

	if (nth == 1)
		task_for_each(offer_task, &o);
}

const struct command task_commands[] = {
	{ "ps", "", "tasks: their frames, page tables and faults",
	  "CPU is where it runs, or ran last.  PAGES are the frames of its areas, HIGH those of them in\n"
	  "high memory, TABLES the frames of its directory and page tables, FAULTS the page faults that\n"
	  "were answered with a frame.",
	  "run memhog 8 &; ps", cmd_ps, 0, 0, NULL },
	{ "cpu", "N online|offline", "let a CPU run threads, or no more",
	  "One that goes offline gives back the pages and objects that it kept for itself; it still answers\n"
	  "the others' interrupts.  CPU 0 stays.",
	  "cpu 1 offline; cpu 1 online", cmd_cpu, 2, 2, NULL },
	{ "run", "PROGRAM [ARGS...] [&]", "run a program in ring 3; Ctrl-C ends it",
	  "Tab lists the programs.  With '&' it runs while the shell goes on, which tells when it ended.",
	  "run hello; run count 5 &", cmd_run, 1, 16, complete_programs },
	{ "kill", "PID|NAME", "end a task, and get back every frame of it",
	  "By pid, or all tasks of that name; 'ps' shows both.  Kernel threads cannot be killed.",
	  "run memhog 8 &; kill memhog", cmd_kill, 1, 1, complete_tasks },
	{ "oom_score_adj", "PID|NAME [N]", "how much a task counts when one must end",
	  "When memory has run out the largest task ends: by its frames and page tables, and N thousandths\n"
	  "of all memory.  -1000: never this one; 1000: this one first.",
	  "run memhog 8 &; oom_score_adj memhog -1000", cmd_oom_score_adj, 1, 2, complete_tasks },
	{ .name = NULL },
};
