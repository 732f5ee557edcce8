/* SPDX-License-Identifier: MIT */
/*
 * switch.c: threads' stacks.
 *
 * A thread that does not run is its stack: switch_stacks() left the registers that a
 * function must preserve and a return address on top, and t->machine points there.  A
 * new thread's stack is made up to look the same:
 *
 *	kstack + KSTACK_SIZE	+----------------+
 *				| thread_start   |  return address of switch_stacks()
 *				| 0              |  ebp, rbp
 *				| fn             |  ebx, rbx
 *				| arg            |  esi, r12
 *	t->machine ->		| 0 ...          |  edi; r13, r14, r15: SWITCH_REST of them
 *				+----------------+
 *	kstack			| (unused)       |
 *				+----------------+
 */
#include "pc.h"

void switch_stacks(void **save, void *next);
void thread_start(void);
void enter_user(unsigned long entry, unsigned long sp) __attribute__((noreturn));

void machine_thread_init(struct task *t, void (*fn)(void *), void *arg)
{
	unsigned long *top = (unsigned long *)((char *)t->kstack + KSTACK_SIZE) - 2;

	*--top = (unsigned long)thread_start;
	*--top = 0;
	*--top = (unsigned long)fn;
	*--top = (unsigned long)arg;
	for (unsigned i = 0; i < SWITCH_REST; i++)
		*--top = 0;
	t->machine = top;
}

void machine_thread_free(struct task *t)
{
	t->machine = NULL;	/* the stack is the caller's */
}

void machine_switch(struct task *prev, struct task *next)
{
	if (next->kstack)
		cpu_set_kernel_stack((char *)next->kstack + KSTACK_SIZE);
	switch_stacks(&prev->machine, next->machine);
}

void machine_enter_user(unsigned long entry, unsigned long sp)
{
	enter_user(entry, sp);
}

struct mm_thread *machine_mm_thread(void)
{
	return NULL;
}

unsigned machine_user_cpus(void)
{
	return nr_cpu_ids;
}

void machine_idle(void)
{
	/* sti takes effect after the next instruction: no interrupt is lost between the two. */
	__asm__ volatile("sti; hlt" : : : "memory");
}
