/* SPDX-License-Identifier: MIT */
/*
 * cmd_task.c: tasks, and how their addresses become physical (row E3).
 */
#include "shell.h"
#include "machine.h"
#include "sched.h"

#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/string.h>
#include <quarry/zone.h>

#define LOOK_MS 20	/* how often we look whether a running program ended, or Ctrl-C was typed */

/* ---- ps, run, kill ----------------------------------------------------------------- */

static bool print_task(struct task *t, void *arg)
{
	static const char *const states[] = { "ready", "asleep", "dead" };
	const struct mm_struct *mm = t->mm;

	(void)arg;
	kprintf("%5d %-7s %-16s", t->pid, t == current_task() ? "running" : states[t->state], t->name);
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
	kprintf("  PID STATE   NAME               PAGES    HIGH  TABLES  FAULTS\n");
	task_for_each(print_task, NULL);
	return 0;
}

static int no_such_program(const char *name, int err)
{
	const char *p;

	if (err == -ENOMEM)
		return shell_error("%s: not enough memory for it", name);
	if (err != -ENOENT)
		return shell_error("%s cannot be run: error %d (the log says why)", name, -err);
	kprintf("error: there is no program '%s'.  There %s", name, program_name(0) ? "are:" : "are none.");
	for (unsigned i = 0; (p = program_name(i)); i++)
		kprintf(" %s", p);
	kprintf("\n");
	return 1;
}

/* Until it ends, or Ctrl-C ends it.  Return: its status. */
static int foreground(int pid)
{
	while (task_find(pid)) {
		if (console_interrupted()) {
			kprintf("^C\n");
			thread_kill(pid);
			break;
		}
		thread_sleep_ms(LOOK_MS);
	}
	return thread_wait(pid);
}

static int cmd_run(int argc, char **argv)
{
	bool background = argc > 2 && strcmp(argv[argc - 1], "&") == 0;
	char line[256] = "";
	size_t n = 0;
	int pid, status;

	for (int i = 1; i < argc - background && n < sizeof(line); i++)
		n += (size_t)mm_snprintf(line + n, sizeof(line) - n, "%s%s", i > 1 ? " " : "", argv[i]);
	pid = task_run(line);
	if (pid < 0)
		return no_such_program(argv[1], pid);
	if (background) {
		kprintf("%s[%d] runs\n", argv[1], pid);
		return 0;
	}
	status = foreground(pid);
	if (status)
		return shell_error("%s[%d] ended with status %d", argv[1], pid, status);
	return 0;
}

static int cmd_kill(int argc, char **argv)
{
	unsigned long pid;
	int err;

	(void)argc;
	if (!parse_number("pid", argv[1], &pid))
		return 1;
	err = thread_kill((int)pid);
	if (err == -ENOENT)
		return shell_error("there is no task %lu ('ps' lists them)", pid);
	if (err)
		return shell_error("%lu is a kernel thread: it ends by itself", pid);
	thread_wait((int)pid);
	return 0;
}

static bool is_program(struct task *t, void *arg)
{
	struct task **found = arg;

	if (!t->is_user || t->state == TASK_DEAD)
		return true;
	*found = t;
	shell_error("%s[%d] still runs, and its pages come and go: wait for it, or 'kill %d'", t->name,
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

/* ---- translate ----------------------------------------------------------------------- */

static const char *level_name(int level)
{
	static const char *const names[] = { "", "table", "directory", "pointers", "top" };

	return names[min(level, 4)];
}

/* An address as its indices and its offset, in binary, with the numbers below. */
static void print_split(unsigned long addr)
{
	char names[96], bits[96], numbers[96];
	int at = 0;

	for (int level = PGTABLE_LEVELS; level >= 0; level--) {
		int shift = level ? (int)pt_shift(level) : 0;
		int width = level ? __builtin_ctz(pt_entries(level)) : PAGE_SHIFT;
		unsigned value = level ? pt_index(addr, level) : (unsigned)(addr & (PAGE_SIZE - 1));

		for (int i = 0; i < width; i++)
			bits[at + i] = '0' + (char)(addr >> (shift + width - 1 - i) & 1);
		mm_snprintf(names + at, sizeof(names) - (size_t)at, "%-*s  ", width,
			    level ? level_name(level) : "offset");
		mm_snprintf(numbers + at, sizeof(numbers) - (size_t)at, level ? "%-*u  " : "0x%-*x", width,
			    value);
		at += width;
		bits[at++] = ' ';
		bits[at++] = ' ';
	}
	bits[at] = '\0';
	kprintf("            %s\n            %s\n            %s\n", names, bits, numbers);
}

static void print_flags(pte_t e, int level)
{
	bool leaf = level == 1 || pte_huge(e);

	kprintf("%s, %s%s%s%s%s", pte_write(e) ? "writable" : "read-only", pte_user(e) ? "user" : "kernel",
		pte_young(e) ? ", accessed" : "", leaf && pte_dirty(e) ? ", dirty" : "",
		leaf && pte_global(e) ? ", global" : "", leaf && level > 1 ? ", large page" : "");
}

static void print_step(const struct pt_step *step)
{
	unsigned long long at = step->table + step->index * sizeof(pte_t);
	int digits = 2 * sizeof(pteval_t);
	bool leaf;

	if (pfn_valid((pfn_t)(at >> PAGE_SHIFT)))
		kprintf("%-11s at 0x%llx, entry %u at 0x%llx: 0x%0*llx\n", level_name(step->level),
			(unsigned long long)step->table, step->index, at, digits,
			(unsigned long long)step->entry.val);
	else	/* a port whose image lies outside of its physical memory */
		kprintf("%-11s in the image, entry %u: 0x%0*llx\n", level_name(step->level), step->index,
			digits, (unsigned long long)step->entry.val);
	if (!pte_present(step->entry)) {
		kprintf("            empty: an access here is a page fault\n");
		return;
	}
	leaf = step->level == 1 || pte_huge(step->entry);
	kprintf("            -> %s at 0x%llx, ", leaf ? "frame" : "table",
		(unsigned long long)pte_pfn(step->entry) << PAGE_SHIFT);
	print_flags(step->entry, step->level);
	kprintf("\n");
}

static void print_walk(pte_t *root, unsigned long addr, struct pt_walk *w)
{
	pt_trace(root, addr, w);
	for (int i = 0; i < w->steps; i++)
		print_step(&w->step[i]);
}

static void print_frame(phys_addr_t phys, unsigned long offset)
{
	pfn_t pfn = (pfn_t)(phys >> PAGE_SHIFT);
	const struct page *page;

	kprintf("physical    0x%llx = 0x%llx + 0x%lx\n", (unsigned long long)phys,
		(unsigned long long)(phys - offset), offset);
	if (!pfn_valid(pfn)) {
		kprintf("            no memory: a device, or beyond the last frame\n");
		return;
	}
	page = pfn_to_page(pfn);
	kprintf("frame       0x%lx, zone %s\nstruct page %p: count %d, flags 0x%lx%s\n", pfn,
		page_zone(page)->name, (const void *)page, page_count(page), page->flags,
		PageReserved(page) ? " (reserved)" : PageSlab(page) ? " (slab)" : "");
}

static const char *fault_text(enum vm_fault f)
{
	static const char *const texts[] = {
		[VM_FAULT_OK] = "answered",
		[VM_FAULT_SEGV] = "no area is there: the access would end the task",
		[VM_FAULT_PROT] = "the area forbids it: the access would end the task",
		[VM_FAULT_OOM] = "no frame is left for it",
		[VM_FAULT_SIGBUS] = "the content of the page could not be read",
	};

	return texts[f];
}

/* A task's page that is not there yet: fault it in as the task's own read would. */
static bool fault_in(const char *who, struct mm_struct *mm, unsigned long addr)
{
	unsigned long faults = mm->faults, rss = mm->rss;
	enum vm_fault f = handle_mm_fault(mm, addr, FAULT_FLAG_USER);

	kprintf("page fault  %s reads it: %s", who, fault_text(f));
	if (f == VM_FAULT_OK)
		kprintf("; faults %lu -> %lu, frames %lu -> %lu", faults, mm->faults, rss, mm->rss);
	kprintf("\n");
	return f == VM_FAULT_OK;
}

static void print_content(struct mm_struct *mm, unsigned long addr)
{
	u32 word;

	addr &= ~3UL;
	if (mm ? copy_from_mm(mm, &word, addr, 4) == 0 : machine_probe_read(addr, &word))
		kprintf("content     0x%08x\n", word);
}

int translate_mm(const char *who, struct mm_struct *mm, unsigned long addr)
{
	pte_t *root = mm ? mm->pgd : swapper_pg_dir;
	unsigned long base = machine_segment_base(mm != NULL);
	struct pt_walk w;

	kprintf("logical     0x%08lx in the data segment of %s\n", addr, who);
	addr += base;
	kprintf("linear      0x%08lx = base 0x%08lx + 0x%08lx\n", addr, base, addr - base);
	print_split(addr);
	print_walk(root, addr, &w);
	if (!w.present && mm && fault_in(who, mm, addr))
		print_walk(root, addr, &w);
	if (!w.present)
		return 1;
	print_frame(w.phys, addr & (w.page_size - 1));
	print_content(mm, addr);
	return 0;
}

/* In the task of that pid or name; a program that does not run is loaded to be looked at. */
static int translate_task(const char *who, unsigned long addr)
{
	struct task *t = NULL;
	char name[48];
	int pid = 0, status;

	if (*who >= '0' && *who <= '9') {
		unsigned long v;

		if (!parse_number("pid", who, &v))
			return 1;
		t = task_pin((int)v);
		if (!t)
			return shell_error("there is no task %lu ('ps' lists them)", v);
	} else if (!(t = task_pin_name(who))) {
		pid = task_spawn_stopped(who);
		if (pid < 0)
			return no_such_program(who, pid);
		kprintf("%s does not run: loaded as task %d to look at it\n", who, pid);
		t = task_pin(pid);
	}
	if (t && t->mm) {
		mm_snprintf(name, sizeof(name), "%s[%d]", t->name, t->pid);
		status = translate_mm(name, t->mm, addr);
	} else
		status = shell_error("%s is a kernel thread: it has no addresses of its own; leave it out",
				     who);
	if (t)
		task_unpin(t);
	if (pid) {
		thread_kill(pid);
		thread_wait(pid);
	}
	return status;
}

static int cmd_translate(int argc, char **argv)
{
	unsigned long addr;

	if (!parse_number("address", argv[argc - 1], &addr))
		return 1;
	if (argc > 2)
		return translate_task(argv[1], addr);
	if (addr < PAGE_OFFSET)
		return shell_error("0x%lx is below PAGE_OFFSET (0x%lx): a task's.  "
				   "Name the task: translate TASK 0x%lx", addr,
				   (unsigned long)PAGE_OFFSET, addr);
	return translate_mm("the kernel", NULL, addr);
}

const struct command task_commands[] = {
	{ "ps", "", "tasks: their frames, page tables and faults",
	  "PAGES are frames of its areas, HIGH those of them in high memory, FAULTS the page faults that\n"
	  "were answered with a frame.", "ps", cmd_ps, 0, 0, COMPLETE_NOTHING },
	{ "run", "PROGRAM [ARGS...] [&]", "run a program in ring 3; Ctrl-C ends it",
	  "With '&' it runs while the shell goes on.",
	  "run hello", cmd_run, 1, 16, COMPLETE_PROGRAM },
	{ "kill", "PID", "end a task, and get back every frame of it",
	  "'ps' shows the pids.  Kernel threads cannot be killed.", "kill 3", cmd_kill, 1, 1,
	  COMPLETE_NOTHING },
	{ "translate", "[TASK] ADDRESS", "from a logical address to a physical one, step by step",
	  "TASK is a pid or a name; without it, ADDRESS is the kernel's.  A program that does not run is\n"
	  "loaded for the purpose.  A page that is not there yet is faulted in, as a read would.",
	  "translate hello 0x80495b0; translate 0xc0000000", cmd_translate, 1, 2, COMPLETE_TASK },
	{ .name = NULL },
};
