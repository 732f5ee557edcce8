/* SPDX-License-Identifier: MIT */
/*
 * task.h: how programs become tasks; between sched.c, tasklist.c, task.c, loader.c,
 * syscall.c and fault.c only.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <quarry/list.h>
#include <quarry/spinlock.h>

struct mm_struct;
struct task;

/* ---- sched.c, for tasklist.c and task.c ----------------------------------------- */

extern spinlock_t sched_lock;
extern struct list_head all_tasks;	/* by pid; under sched_lock */

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
