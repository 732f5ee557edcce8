/* SPDX-License-Identifier: MIT */
/*
 * task.c: from a command line to a task in user mode.
 *
 * What a new task finds on its stack (all words as wide as the program's, lowest
 * address first):
 *
 *	sp -->	argc
 *		address of argv
 *		argv[0] ... argv[argc - 1], 0
 *		the strings
 *		USER_STACK_TOP
 */
#include "machine.h"
#include "sched.h"
#include "task.h"

#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/string.h>

#define MAX_ARGS 16
#define MAX_CMDLINE 256

struct cmdline {
	char text[MAX_CMDLINE];		/* each part terminated */
	unsigned len;			/* terminators included */
	unsigned argc;
	unsigned at[MAX_ARGS];		/* where in text each part begins */
};

/* ---- the programs there are ------------------------------------------------------- */

static bool find_module(const char *name, struct machine_module *m)
{
	for (unsigned i = 0; machine_module(i, m); i++)
		if (!strcmp(m->name, name))
			return true;
	return false;
}

/* A module goes before a linked program of the same name. */
static bool find_program(const char *name, const u8 **start, size_t *size)
{
	const struct linked_program *l;
	struct machine_module m;

	if (find_module(name, &m)) {
		*start = m.start;
		*size = m.size;
		return true;
	}
	for (l = linked_programs; l->name; l++)
		if (!strcmp(l->name, name)) {
			*start = l->start;
			*size = (size_t)(l->end - l->start);
			return true;
		}
	return false;
}

const char *program_name(unsigned i)
{
	const struct linked_program *l;
	struct machine_module m;
	unsigned nth = 0;

	if (machine_module(i, &m))
		return m.name;
	while (machine_module(nth, &m))
		nth++;
	for (l = linked_programs; l->name; l++)
		if (!find_module(l->name, &m) && nth++ == i)
			break;
	return l->name;
}

/* ---- arguments ---------------------------------------------------------------------- */

static int split_cmdline(struct cmdline *c, const char *text)
{
	c->len = c->argc = 0;
	for (;;) {
		while (*text == ' ' || *text == '\t')
			text++;
		if (!*text)
			break;
		if (c->argc == MAX_ARGS)
			return -EINVAL;
		c->at[c->argc++] = c->len;
		for (; *text && *text != ' ' && *text != '\t'; text++) {
			if (c->len + 2 > MAX_CMDLINE)
				return -EINVAL;
			c->text[c->len++] = *text;
		}
		c->text[c->len++] = '\0';
	}
	return c->argc ? 0 : -EINVAL;
}

/* Little-endian, as all that this runs on: the low bytes of a word come first. */
static void put_word(u8 *words, unsigned word, unsigned i, u64 value)
{
	memcpy(words + i * word, &value, word);
}

/* Write the picture above into the new stack.  Return: the stack pointer, 0 when no frame was to be had. */
static unsigned long build_stack(struct mm_struct *mm, const struct cmdline *c, unsigned word)
{
	unsigned long strings = (USER_STACK_TOP - c->len) & ~15UL;
	unsigned long size = (c->argc + 3) * word, sp = (strings - size) & ~15UL;
	u8 words[(MAX_ARGS + 3) * sizeof(u64)];

	put_word(words, word, 0, c->argc);
	put_word(words, word, 1, sp + 2 * word);
	for (unsigned i = 0; i < c->argc; i++)
		put_word(words, word, 2 + i, strings + c->at[i]);
	put_word(words, word, 2 + c->argc, 0);
	if (copy_to_mm(mm, strings, c->text, c->len) || copy_to_mm(mm, sp, words, size))
		return 0;
	return sp;
}

/* ---- what a task's thread does --------------------------------------------------------- */

void task_die(int status, const char *fmt, ...)
{
	struct task *t = current_task();
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	mm_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mm_log("%s[%d]: %s\n", t->name, t->pid, text);
	thread_exit(status);
}

void kernel_exit_to_user(void)
{
	if (current_task()->killed)
		task_die(TASK_END_KILLED, "killed");
}

/* A machine without user mode: have each page of the image come in, as running it would. */
static void __attribute__((noreturn)) touch_only(struct task *t)
{
	const struct program *p = t->program;
	unsigned long pages = 0;
	u8 byte;

	for (unsigned i = 0; i < p->nr_areas; i++)
		for (unsigned long a = p->area[i].start; a < p->area[i].end && !t->killed; a += PAGE_SIZE) {
			if (copy_from_mm(t->mm, &byte, a, 1))
				task_die(TASK_END_KILLED, "killed: out of memory");
			pages++;
		}
	if (t->killed)
		thread_exit(TASK_END_KILLED);
	task_die(TASK_END_NO_EXEC,
		 "loaded and touched %lu pages; this machine (%s) has no user mode to run it in",
		 pages, machine_arch());
}

/* @arg: the user stack pointer. */
static void task_main(void *arg)
{
	struct task *t = current_task();

	task_pause_until_started();
	if (t->killed)
		thread_exit(TASK_END_KILLED);
	if (!machine_has_feature("ring3"))
		touch_only(t);
	machine_enter_user(t->program->entry, (unsigned long)arg);
}

/* ---- making one --------------------------------------------------------------------------- */

static int load(struct program *p, const char *name)
{
	const char *wrong;
	const u8 *file;
	size_t size;

	if (!find_program(name, &file, &size))
		return -ENOENT;
	wrong = program_parse(p, file, size, USER_STACK_TOP - VM_STACK_MAX, machine_elf());
	if (wrong) {
		mm_log("%s: cannot be run: a file of %lu bytes, %s\n", name, (unsigned long)size, wrong);
		return -ENOEXEC;
	}
	return 0;
}

static int spawn_program(struct program *p, const struct cmdline *c, bool started)
{
	struct mm_struct *mm = mm_alloc();
	struct task *t;
	unsigned long sp;
	int err;

	if (!mm)
		return -ENOMEM;
	err = program_map(p, mm);
	sp = err ? 0 : build_stack(mm, c, p->word);
	t = sp ? task_alloc(c->text, task_main, (void *)sp) : NULL;
	if (!t) {
		mm_free(mm);
		return err ? err : -ENOMEM;
	}
	t->mm = mm;
	t->program = p;
	t->is_user = true;
	t->started = started;
	return task_publish(t);
}

static int spawn(const char *text, bool started)
{
	struct program *p;
	struct cmdline c;
	int err;

	err = split_cmdline(&c, text);
	if (err)
		return err;
	p = kmalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	err = load(p, c.text);
	if (!err)
		err = spawn_program(p, &c, started);
	if (err < 0)
		kfree(p);
	return err;
}

int task_run_kernel(const char *name, void (*fn)(void *), void *arg)
{
	struct mm_struct *mm = mm_alloc();
	struct task *t = mm ? task_alloc(name, fn, arg) : NULL;

	if (!t) {
		mm_free(mm);
		return -ENOMEM;
	}
	t->mm = mm;
	t->is_user = true;
	return task_publish(t);
}

int task_run(const char *cmdline)
{
	return spawn(cmdline, true);
}

int task_spawn_stopped(const char *cmdline)
{
	return spawn(cmdline, false);
}
