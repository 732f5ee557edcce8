/* SPDX-License-Identifier: MIT */
/*
 * translate.c: how an address becomes a physical one, each step shown (rows E1, E2, E3).
 *
 * The walk is the one that the processor does, done again by pt_trace(): which table,
 * which entry of it, what the entry says.  A page of a task that is not there yet is
 * faulted in on the way, as a read of the task's own would.
 */
#include "command.h"
#include "machine.h"
#include "sched.h"

#include <quarry/printf.h>
#include <quarry/string.h>
#include <quarry/zone.h>

static const char *level_name(int level)
{
	static const char *const names[] = { "", "table", "directory", "pointers", "level 4", "level 5" };

	return names[level];
}

/* An address as its indices and its offset: names, bits, and the numbers that these are. */
static void print_split(unsigned long addr)
{
	char names[96], bits[96], numbers[96];	/* 57 bits, and two blanks between */
	int at = 0;

	for (int level = PGTABLE_LEVELS; level >= 0; level--) {
		int shift = level ? (int)pt_shift(level) : 0;
		int width = level ? __builtin_ctz(pt_entries(level)) : PAGE_SHIFT;
		unsigned value = level ? pt_index(addr, level) : (unsigned)(addr & (PAGE_SIZE - 1));
		const char *name = level ? level_name(level) : "offset";
		int pad = level ? max(width, (int)strlen(name)) + 2 : 0;

		mm_snprintf(names + at, sizeof(names) - (size_t)at, "%-*s", pad, name);
		mm_snprintf(numbers + at, sizeof(numbers) - (size_t)at, level ? "%-*u" : "0x%-*x", pad, value);
		for (int i = 0; i < width; i++)
			bits[at++] = '0' + (char)(addr >> (shift + width - 1 - i) & 1);
		for (int i = width; i < pad; i++)
			bits[at++] = ' ';
	}
	bits[at] = '\0';
	kprintf("            %s\n            %s\n            %s\n", names, bits, numbers);
}

static void print_flags(pte_t e, bool leaf)
{
	kprintf("%s, %s%s%s%s%s", pte_write(e) ? "writable" : "read-only", pte_user(e) ? "user" : "kernel",
		_PAGE_NX != 0 && leaf && !pte_exec(e) ? ", no code" : "",
		pte_young(e) ? ", accessed" : "", leaf && pte_dirty(e) ? ", dirty" : "",
		leaf && pte_global(e) ? ", global" : "");
}

/* What an entry leads to: a table, a frame, or a page of a directory's size. */
static void print_target(const struct pt_step *step)
{
	bool leaf = step->level == 1 || pte_huge(step->entry);

	if (!leaf)
		kprintf("            -> table");
	else if (step->level == 1)
		kprintf("            -> frame");
	else
		kprintf("            -> %lu MiB", 1UL << (pt_shift(step->level) - 20));
	kprintf(" at 0x%08llx", (unsigned long long)pte_pfn(step->entry) << PAGE_SHIFT);
	if (step->level < PGTABLE_LEVELS || !PT_TOP_FIXED) {	/* such an entry has no rights */
		kprintf(": ");
		print_flags(step->entry, leaf);
	}
	kprintf("\n");
}

static void print_step(const struct pt_step *step)
{
	unsigned long long at = step->table + step->index * sizeof(pte_t);
	int digits = 2 * sizeof(pteval_t);

	if ((pfn_t)(at >> PAGE_SHIFT) < max_pfn)
		kprintf("%-11s at 0x%08llx, entry %u at 0x%08llx: 0x%0*llx\n", level_name(step->level),
			(unsigned long long)step->table, step->index, at, digits,
			(unsigned long long)step->entry.val);
	else	/* a port whose image lies outside of its physical memory */
		kprintf("%-11s in the image, entry %u: 0x%0*llx\n", level_name(step->level), step->index,
			digits, (unsigned long long)step->entry.val);
	if (pte_present(step->entry))
		print_target(step);
	else
		kprintf("            empty: an access here is a page fault\n");
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

	kprintf("physical    0x%08llx = 0x%08llx + 0x%lx\n", (unsigned long long)phys,
		(unsigned long long)(phys - offset), offset);
	if (!pfn_valid(pfn)) {
		kprintf(pfn_is_deferred(pfn) ? "            memory that nobody has needed yet\n" :
			"            no memory: a device, or beyond the last frame\n");
		return;
	}
	page = pfn_to_page(pfn);
	kprintf("frame       0x%lx, zone %s, struct page at %p: count %d%s\n", pfn, page_zone(page)->name,
		(const void *)page, page_count(page),
		PageReserved(page) ? ", reserved" : PageSlab(page) ? ", slab" :
		PageVmalloc(page) ? ", vmalloc" : PageTable(page) ? ", page table" : "");
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
	if (mm && addr < TASK_SIZE ? copy_from_mm(mm, &word, addr, 4) == 0 : machine_probe_read(addr, &word))
		kprintf("content     0x%08x\n", word);
}

int translate_mm(const char *who, struct mm_struct *mm, unsigned long addr)
{
	pte_t *root = mm ? mm->pgd : swapper_pg_dir;
	unsigned long base = machine_segment_base(mm != NULL), logical = addr;
	struct pt_walk w;

	addr += base;
	kprintf("logical     0x%08lx in %s, data segment of base 0x%lx\n", logical, who, base);
	kprintf("linear      0x%08lx%s\n", addr,
		mm && addr >= TASK_SIZE ? ": the kernel's part, the same in every task" : "");
	print_split(addr);
	if (!pt_canonical(addr))
		return cmd_error("0x%lx is in neither half of the address space: no table is looked at; "
				 "the %u highest bits must repeat the one below", addr,
				 8 * (unsigned)sizeof(long) - pt_shift(PGTABLE_LEVELS + 1));
	print_walk(root, addr, &w);
	if (!w.present && mm && addr < TASK_SIZE && fault_in(who, mm, addr))
		print_walk(root, addr, &w);
	if (!w.present)
		return 1;
	print_frame(w.phys, addr & (w.page_size - 1));
	print_content(mm, addr);
	return 0;
}

/* The task of that pid or name, pinned; a program that does not run is loaded, and its pid left in @loaded. */
static struct task *find_or_load(const char *who, int *loaded)
{
	struct task *t;
	unsigned long pid;

	*loaded = 0;
	if (*who >= '0' && *who <= '9') {
		if (!parse_number("pid", who, &pid))
			return NULL;
		t = task_pin((int)pid);
		if (!t)
			cmd_error("there is no task %lu ('ps' lists them)", pid);
		return t;
	}
	t = task_pin_name(who);
	if (t)
		return t;
	*loaded = task_spawn_stopped(who);
	if (*loaded < 0) {
		no_such_program(who, *loaded);
		return NULL;
	}
	kprintf("%s does not run: loaded as task %d to look at it\n", who, *loaded);
	return task_pin(*loaded);
}

static int translate_task(const char *who, unsigned long addr)
{
	int loaded, status;
	struct task *t = find_or_load(who, &loaded);
	char name[48];

	if (!t)
		return 1;
	if (t->mm) {
		mm_snprintf(name, sizeof(name), "%s[%d]", t->name, t->pid);
		status = translate_mm(name, t->mm, addr);
	} else
		status = cmd_error("%s is a kernel thread: it has no addresses of its own; leave it out",
				   who);
	task_unpin(t);
	if (loaded > 0) {
		thread_kill(loaded);
		thread_wait(loaded);
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
	if (addr < TASK_SIZE)
		return cmd_error("0x%lx is below TASK_SIZE (0x%lx): a task's.  "
				 "Name the task: translate TASK 0x%lx", addr,
				 (unsigned long)TASK_SIZE, addr);
	return translate_mm("the kernel", NULL, addr);
}

/* A program that does not run may be named, too. */
static void complete_translate(unsigned nth, line_offer offer, void *arg)
{
	complete_tasks(nth, offer, arg);
	complete_programs(nth, offer, arg);
}

const struct command translate_commands[] = {
	{ "translate", "[TASK] ADDRESS", "an address becomes physical, step by step",
	  "Segment base, directory and table entry, frame, zone, struct page, and the word found there.\n"
	  "TASK is a pid or a name; without it, ADDRESS is the kernel's.  A program that does not run is\n"
	  "loaded for the purpose.  A page that is not there yet is faulted in, as a read would.",
	  "translate hello 0x80495b0; translate 0xc0100000", cmd_translate, 1, 2, complete_translate },
	{ .name = NULL },
};
