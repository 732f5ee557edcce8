/* SPDX-License-Identifier: MIT */
/*
 * syscall.c: the requests of tasks.
 *
 * A pointer from user mode is only a number: it is followed by copy_from_mm() and
 * copy_to_mm(), which walk the task's own tables, fault pages in, and stop at the
 * first address that is not the task's: the answer is then -EFAULT.
 */
#include "syscall.h"
#include "console.h"
#include "machine.h"
#include "sched.h"

#include <quarry/page.h>
#include <quarry/printf.h>
#include <quarry/vm.h>

#ifndef ENOSYS
#define ENOSYS 38
#endif
#ifndef EBADF
#define EBADF 9
#endif

static long sys_write(struct task *t, unsigned long fd, unsigned long text, unsigned long len)
{
	unsigned long done = 0;
	char buf[128];

	if (fd != 1 && fd != 2)
		return -EBADF;
	len = min(len, 1UL << 20);
	while (done < len && !t->killed) {
		unsigned long n = min(len - done, (unsigned long)sizeof(buf));

		n -= copy_from_mm(t->mm, buf, text + done, n);
		console_log(buf, n);
		done += n;
		if (n == 0)
			return -EFAULT;
	}
	return (long)done;
}

static long sys_map(struct task *t, unsigned long len)
{
	unsigned long size = PAGE_ALIGN(len);
	unsigned long addr;
	int err;

	if (len == 0 || len > TASK_SIZE)
		return -EINVAL;
	/* where large pages could be */
	addr = mm_find_gap(t->mm, ALIGN(TASK_SIZE / 3, 1UL << pt_shift(2)), size);
	if (!addr)		/* above is full: then between the heap and there */
		addr = mm_find_gap(t->mm, PAGE_ALIGN(t->mm->brk), size);
	if (!addr)
		return -ENOMEM;
	err = mm_map(t->mm, addr, size, VM_READ | VM_WRITE, "mapped", NULL, NULL);
	return err ? err : (long)addr;
}

static long sys_madvise(struct task *t, unsigned long start, unsigned long len, unsigned long advice)
{
	if ((advice != MADV_HUGEPAGE && advice != MADV_NOHUGEPAGE) || len > TASK_SIZE)
		return -EINVAL;
	return mm_advise_huge(t->mm, start, PAGE_ALIGN(len), advice == MADV_HUGEPAGE);
}

static long sys_pageinfo(struct task *t, unsigned long to)
{
	struct mm_struct *mm = t->mm;
	struct pageinfo info = {
		.pages = (unsigned)mm->rss, .high_pages = (unsigned)mm->rss_high,
		.large_pages = (unsigned)mm->nr_large,
		.large_size = arch_max_huge_level() >= 2 ? 1u << pt_shift(2) : 0,
		.tables = (unsigned)mm->nr_ptes, .faults = (unsigned)mm->faults,
		.areas = mm->map_count, .ms = (unsigned)machine_ms(),
		.file_pages = (unsigned)mm_file_pages(mm),
	};

	return copy_to_mm(mm, to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long sys_machine(struct task *t, unsigned long to)
{
	struct machineinfo info = { .arch = "" };

	mm_snprintf(info.arch, sizeof(info.arch), "%s", machine_arch());
	mm_snprintf(info.unit, sizeof(info.unit), "%s", machine_cycles_unit());
	return copy_to_mm(t->mm, to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long syscall(struct task *t, unsigned long nr, unsigned long a, unsigned long b, unsigned long c)
{
	switch (nr) {
	case SYS_EXIT:
		thread_exit((int)(a & 0xff));
	case SYS_WRITE:
		return sys_write(t, a, b, c);
	case SYS_GETPID:
		return t->pid;
	case SYS_BRK:
		return (long)mm_brk(t->mm, a);
	case SYS_YIELD:
		schedule();
		return 0;
	case SYS_SLEEP_MS:
		thread_sleep_ms((unsigned)a);
		return 0;
	case SYS_MAP:
		return sys_map(t, a);
	case SYS_UNMAP:
		return mm_unmap(t->mm, a, PAGE_ALIGN(b));
	case SYS_PAGEINFO:
		return sys_pageinfo(t, a);
	case SYS_MADVISE:
		return sys_madvise(t, a, b, c);
	case SYS_MACHINE:
		return sys_machine(t, a);
	}
	return -ENOSYS;
}

long kernel_syscall(unsigned long nr, unsigned long a, unsigned long b, unsigned long c)
{
	struct task *t = current_task();

	if (!t || !t->mm)
		return -ENOSYS;
	arch_irq_enable();
	return syscall(t, nr, a, b, c);
}
