/* SPDX-License-Identifier: MIT */
/*
 * task.h: the scheduler's inside, and how programs become tasks; between sched.c, thread.c,
 * cpus.c, tasklist.c, task.c, loader.c, syscall.c and fault.c only.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <quarry/list.h>
#include <quarry/spinlock.h>

struct mm_struct;
struct task;

/* ---- sched.c, for the others ---------------------------------------------------- */

enum cpu_phase {
	CPU_ABSENT,		/* not started */
	CPU_ONLINE,
	CPU_LEAVING,		/* takes no further threads */
	CPU_OFFLINE,		/* idles */
};

extern struct cpu {		/* under sched_lock */
	struct task *current;
	struct task *idle;
	struct task *dead;		/* left for good at the last switch */
	int burying;			/* who is being freed, neither known any more nor announced; 0: nobody */
	struct mm_struct *mm;		/* what machine_load_mm() was last given */
	bool need_resched;
	enum cpu_phase phase;
} cpus[NR_CPUS];

extern spinlock_t sched_lock;
extern struct list_head all_tasks;	/* by pid; under sched_lock */

/** mycpu() - this CPU's part.  Interrupts are off. */
struct cpu *mycpu(void);

/* All of these under sched_lock. */
/** task_enter() - onto the list of all tasks.  Return: its new pid. */
int task_enter(struct task *t);
/** make_runnable() - put a task that is on no list onto the run queue. */
void make_runnable(struct task *t);
/** wake_task() - a sleeper becomes runnable; others stay as they are.  wake_channel() - all that sleep on it. */
void wake_task(struct task *t);
void wake_channel(const void *channel);
/** sleep_on_locked() - until wake_channel(), or spuriously.  The lock is released meanwhile. */
void sleep_on_locked(const void *channel);
/** cpu_resched() - let CPU @n choose anew who runs. */
void cpu_resched(unsigned n);
/**
 * switch_away() - give the CPU away
 * Interrupts off, the caller already on the list it waits on, if any.  Returns with
 * the lock released, interrupts still off, perhaps on another CPU.
 */
void switch_away(void);

/** finish_switch() - what a thread does that was switched to: releases sched_lock. */
void finish_switch(void);

/* ---- thread.c, for sched.c -------------------------------------------------------- */

void thread_init(void);
/** bury() - free a thread that left its CPU for good, and tell those who wait. */
void bury(struct task *dead);
/** check_stack() - panics when it overflowed; stack_is_sound() tells. */
void check_stack(const struct task *t);
bool stack_is_sound(const struct task *t);

/* ---- cpus.c, for sched.c ---------------------------------------------------------- */

/** cpu_leave() - by the idle task of CPU @n that is LEAVING: go, if nothing holds it any more. */
void cpu_leave(unsigned n);

/** task_find_locked() - task_find(), for who holds sched_lock. */
struct task *task_find_locked(int pid);

/** task_alloc() - a thread that nobody knows of yet.  NULL: no memory.  Undo: task_free(). */
struct task *task_alloc(const char *name, void (*fn)(void *), void *arg);
void task_free(struct task *t);
/** task_publish() - make it known and runnable; from here on it may end and be gone.  Return: its pid. */
int task_publish(struct task *t);
/** task_pause_until_started() - the caller sleeps until task_start() or thread_kill(). */
void task_pause_until_started(void);

/* ---- loader.c --------------------------------------------------------------------- */

#define PROGRAM_SEGMENTS 8
#define PROGRAM_AREAS (3 * PROGRAM_SEGMENTS)

/* The user stack ends a gap below TASK_SIZE, so that a run off its end faults. */
#define USER_STACK_GAP (64UL << 10)
#define USER_STACK_TOP (TASK_SIZE - USER_STACK_GAP)
#define USER_STACK_SIZE (16UL << 10)	/* at first; it grows by demand */

struct program_segment {
	unsigned long vaddr, memsz;	/* where it lies in the task */
	unsigned long offset, filesz;	/* where its bytes are in the file; beyond filesz: zeros */
	u32 flags;		/* VM_READ | VM_WRITE | VM_EXEC */
};

struct program_area {
	unsigned long start, end;	/* page-aligned */
	u32 flags;
	bool from_file;		/* holds bytes of the file */
	const char *name;
	unsigned long index;	/* of its first page among the pages of the file */
	struct program *program;
};

/* A validated ELF file and its plan of areas.  Lives as long as the task. */
struct program {
	const u8 *file;
	size_t size;
	unsigned word;		/* bytes of a word of the program: 4, 8 */
	unsigned long entry;
	unsigned long brk;	/* first page beyond the highest segment */
	unsigned nr_segments, nr_areas;
	unsigned long nr_file_pages;	/* pages of areas that hold bytes of the file */
	struct program_segment segment[PROGRAM_SEGMENTS];
	struct program_area area[PROGRAM_AREAS];
};

/**
 * program_parse() - validate an executable and plan its areas
 * @p: filled in
 * @file, @size: the image; any bytes at all: nothing outside is read
 * @limit: user addresses end there
 * @machine: the kind that is accepted, as machine_elf() tells it
 * Return: NULL, or a sentence that says what is wrong.  Allocates nothing.
 */
const char *program_parse(struct program *p, const void *file, size_t size, unsigned long limit,
			  unsigned machine);

/** program_fill_page() - one page of the task, as the file gives it: @to gets PAGE_SIZE bytes. */
void program_fill_page(const struct program *p, unsigned long page_addr, void *to);

/** program_map() - enter the areas, an empty heap and a stack into @mm.  Return: 0 or -errno. */
int program_map(struct program *p, struct mm_struct *mm);

/* ---- task.c -------------------------------------------------------------------------- */

/* A program that was linked into the kernel (user/build.mk makes the table). */
struct linked_program {
	const char *name;	/* NULL: end of the table */
	const u8 *start, *end;
};
extern const struct linked_program linked_programs[];

/** task_die() - end the running task: one line on the log, "name[pid]: " and the text.  Does not return. */
void task_die(int status, const char *fmt, ...) __printf_like(2, 3) __attribute__((noreturn));

#endif
