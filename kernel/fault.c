/* SPDX-License-Identifier: MIT */
/*
 * fault.c: what a page fault, or another exception, means.
 *
 *	who		where			answer
 *	user mode	an area of the task	handle_mm_fault(): a frame, go on
 *	user mode	anywhere else		end the task, one line on the log
 *	kernel		anywhere		false: the kernel's own bug
 *
 * The kernel never follows a pointer from user mode (syscall.c), so a fault of
 * its own is a bug even at a user address.
 */
#include "machine.h"
#include "sched.h"
#include "task.h"

#include <quarry/page.h>
#include <quarry/printf.h>
#include <quarry/vm.h>

/* A wild access so close below a stack was probably one of it. */
#define NEAR_STACK (1UL << 20)

static const char *access_name(const struct fault_info *f)
{
	if (f->exec || (!f->write && f->addr == f->ip))
		return "jump";
	return f->write ? "write" : "read";
}

/* Why was it wrong? */
static const char *explain(char *buf, size_t len, const struct task *t, const struct fault_info *f,
			   enum vm_fault why)
{
	struct vm_area_struct *vma;

	if (f->addr >= TASK_SIZE)
		return "the kernel's address";
	vma = find_vma(t->mm, f->addr);
	if (why == VM_FAULT_PROT && vma) {
		mm_snprintf(buf, len, "%s may not be %s", vma->name, f->write ? "written" : "read");
		return buf;
	}
	if (f->addr < PAGE_SIZE)
		return "a NULL pointer, no area there";
	if (vma && (vma->vm_flags & VM_GROWSDOWN) && f->addr < vma->vm_start &&
	    vma->vm_start - f->addr < NEAR_STACK)
		return "the stack may not grow any more";
	return "no area there";
}

static void __attribute__((noreturn)) die_of_fault(struct task *t, const struct fault_info *f,
						   enum vm_fault why)
{
	char buf[64];

	kernel_exit_to_user();		/* was it killed? */
	if (why == VM_FAULT_OOM)
		task_die(TASK_END_KILLED,
			 "killed: out of memory on %s of 0x%08lx at 0x%08lx; it held %lu pages",
			 access_name(f), f->addr, f->ip, t->mm->rss);
	if (why == VM_FAULT_SIGBUS)
		task_die(TASK_END_BUS, "bus error: %s of 0x%08lx at 0x%08lx (its source failed)",
			 access_name(f), f->addr, f->ip);
	task_die(TASK_END_FAULT, "segmentation fault: %s %s 0x%08lx at 0x%08lx (%s)", access_name(f),
		 f->write || access_name(f)[0] == 'j' ? "to" : "of", f->addr, f->ip,
		 explain(buf, sizeof(buf), t, f, why));
}

bool kernel_page_fault(const struct fault_info *f)
{
	struct task *t = current_task();
	enum vm_fault result = VM_FAULT_SEGV;

	if (!f->user || !t || !t->mm)
		return false;
	arch_irq_enable();
	if (f->addr < TASK_SIZE)
		result = handle_mm_fault(t->mm, f->addr, FAULT_FLAG_USER | (f->write ? FAULT_FLAG_WRITE : 0) |
					 (f->exec ? FAULT_FLAG_EXEC : 0));
	if (result != VM_FAULT_OK)
		die_of_fault(t, f, result);
	return true;
}

void kernel_user_trap(const char *what, unsigned long ip, unsigned long addr)
{
	arch_irq_enable();
	if (addr != ip)
		task_die(TASK_END_TRAP, "%s at 0x%08lx (0x%lx)", what, ip, addr);
	task_die(TASK_END_TRAP, "%s at 0x%08lx", what, ip);
}
